//! Brings a database to the newest format while other programs work on it.

use std::sync::LazyLock;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::Connection;
use crate::convert::database as failed;
use crate::migrations;
use spotwright_core::ports::step_store::StoreError;

static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let mut migrator = migrations::migrator(migrations::POSTGRES);
    // A newer program may have migrated the database while this one goes on working beside it.
    migrator.set_ignore_missing(true);
    migrator
});

/// How often a migration is begun that the server undoes because of a deadlock.
const ATTEMPTS: u32 = 10;

/// Wait before the second attempt; each further one waits as much longer.
const PAUSE: Duration = Duration::from_millis(100);

/// The SQLSTATE of a transaction that was undone because it and another waited for each other.
const DEADLOCK: &str = "40P01";

/// Brings the database of a connection to the newest format.
///
/// A migration locks whole tables one after the other, and a program at work locks their rows in
/// orders of its own: the two may wait for each other. The server then undoes one of them. When that
/// is the migration it is done again, over a new connection, because the migrator leaves its own lock
/// on the connection of a migration that failed.
pub(super) async fn migrated(
    mut conn: Connection,
    options: &PgConnectOptions,
) -> Result<Connection, StoreError> {
    let mut attempt = 1;
    loop {
        match MIGRATIONS.run_direct(None, &mut conn, false).await {
            Ok(()) => return Ok(conn),
            Err(error) if attempt < ATTEMPTS && was_undone(&error) => {
                tracing::warn!(attempt, %error, "a migration was undone by a deadlock and is done again");
                conn.close().await.map_err(failed)?;
                tokio::time::sleep(PAUSE * attempt).await;
                attempt += 1;
                conn = options.connect().await.map_err(failed)?;
            }
            Err(error) => return Err(StoreError::Database(error.to_string())),
        }
    }
}

fn was_undone(error: &MigrateError) -> bool {
    let (MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)) = error else {
        return false;
    };
    cause.as_database_error().and_then(sqlx::error::DatabaseError::code).is_some_and(|code| code == DEADLOCK)
}
