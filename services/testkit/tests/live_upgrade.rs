//! An old and a new program work side by side on one database while it is migrated.
//!
//! `SPOTWRIGHT_OLD_PROGRAM` names the `spotwright-fault-child` of an older version; without it this
//! version plays the old one. Either way the database is then brought to a format that is newer than
//! any of them knows, as the next version's migration would: a column, a table and an index more.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use spotwright_testkit::database::Database;
use spotwright_testkit::fleet::{Fleet, Shape, orders, undisturbed};
use spotwright_testkit::live::old_program;
use sqlx::{Connection as _, Executor as _, PgConnection};

const NEWER: &str = "
BEGIN;
ALTER TABLE run ADD COLUMN label_of_a_newer_version TEXT;
ALTER TABLE step ADD COLUMN weight_of_a_newer_version BIGINT NOT NULL DEFAULT 1;
CREATE TABLE known_to_a_newer_version (id BIGINT PRIMARY KEY, run_id UUID REFERENCES run (id));
CREATE INDEX step_by_weight ON step (weight_of_a_newer_version);
INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
VALUES (9999, 'a newer version', TRUE, '\\x00', 0);
COMMIT";

async fn has_tables(conn: &mut PgConnection) -> bool {
    let found: (Option<String>,) =
        sqlx::query_as("SELECT to_regclass('run')::text").fetch_one(conn).await.unwrap();
    found.0.is_some()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; run infra/test.sh"]
async fn an_old_and_a_new_program_work_through_a_migration() {
    let folder = tempfile::tempdir().unwrap();
    let brief = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en/brief.yaml");
    let orders = orders(Path::new(env!("CARGO_BIN_EXE_spotwright-fault-child")), &brief, 20).unwrap();
    let expected = undisturbed(folder.path(), &orders).await.unwrap();
    let database = Database::create().await.unwrap();
    let new = PathBuf::from(env!("CARGO_BIN_EXE_spotwright-fault-child"));
    let old = old_program().unwrap_or_else(|| new.clone());
    let shape = Shape::Postgres(database.url.clone());
    // The old program is the first: it makes the tables as it knows them.
    let mut first = Fleet::worker(&old, folder.path(), &shape).spawn().unwrap();
    let mut conn = PgConnection::connect(&database.url).await.unwrap();
    while !has_tables(&mut conn).await {
        assert!(first.try_wait().unwrap().is_none(), "the old program has ended");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The new program migrates them under it, and both work on what is ordered then.
    let mut fleet = Fleet::start(&new, folder.path(), shape, 1, &orders, &[]).await.unwrap();
    fleet.adopt(&old, first);
    tokio::time::sleep(Duration::from_millis(300)).await;
    while let Err(error) = conn.execute(NEWER).await {
        // The migration and a worker may wait for each other's tables; PostgreSQL then undoes one of
        // them, and whoever it was does it again.
        assert!(error.to_string().contains("deadlock detected"), "{error}");
        conn.execute("ROLLBACK").await.unwrap();
    }
    // A program that starts now finds a format newer than its own.
    fleet.join(&new).unwrap();
    let ends = fleet.finish().await.unwrap();
    for (run, end) in &ends {
        assert_eq!(*end, expected[run], "run {run}");
    }
    conn.close().await.unwrap();
    database.remove().await.unwrap();
}
