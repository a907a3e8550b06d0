//! Making and removing whole databases on a server, for benches and tests.

use std::str::FromStr as _;
use std::time::Duration;

use spotwright_core::ports::step_store::StoreError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use crate::convert::database;

/// Names are taken into statements, so they may hold little.
fn checked(name: &str) -> Result<&str, StoreError> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || name.len() > 63 || !name.chars().all(plain) {
        return Err(StoreError::Contradiction(format!("{name:?} is no name of a database")));
    }
    Ok(name)
}

/// Makes an empty database called `name` (1–63 of `a-z 0-9 _`) on the server of `url`; one that
/// exists is replaced. Returns its address.
///
/// # Errors
/// [`StoreError::Contradiction`] for another name; [`StoreError::Database`] when the server refuses.
pub async fn create(url: &str, name: &str) -> Result<String, StoreError> {
    remove(url, name).await?;
    let options = PgConnectOptions::from_str(url).map_err(database)?;
    let mut conn = options.connect().await.map_err(database)?;
    let statement = format!("CREATE DATABASE {}", checked(name)?);
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut conn).await.map_err(database)?;
    Ok(options.database(name).to_url_lossy().to_string())
}

/// Removes a database, whoever is still connected; one that is not there is removed already.
///
/// # Errors
/// As [`create`].
pub async fn remove(url: &str, name: &str) -> Result<(), StoreError> {
    let mut conn = PgConnectOptions::from_str(url).map_err(database)?.connect().await.map_err(database)?;
    let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", checked(name)?);
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut conn).await.map_err(database)?;
    Ok(())
}

/// How often [`quiet`] looks, and how long it waits in between: a minute in all.
const LOOKS: u32 = 12_000;
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Waits until every transaction of the server that is under way now has ended, in whichever of its databases:
/// until then readers of the log are not shown what was committed since they began.
///
/// # Errors
/// [`StoreError::Database`] when the server refuses; [`StoreError::Contradiction`] when one of them is still
/// under way after a minute.
pub async fn quiet(url: &str) -> Result<(), StoreError> {
    let mut conn = PgConnectOptions::from_str(url).map_err(database)?.connect().await.map_err(database)?;
    let own = "SELECT pg_current_xact_id()::text::bigint";
    let own: i64 = sqlx::query_scalar(own).fetch_one(&mut conn).await.map_err(database)?;
    for _ in 0..LOOKS {
        let oldest = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint";
        let oldest: i64 = sqlx::query_scalar(oldest).fetch_one(&mut conn).await.map_err(database)?;
        if oldest > own {
            return Ok(());
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
    }
    Err(StoreError::Contradiction(format!("what was under way at transaction {own} does not end")))
}
