//! A store that migrates a database under programs at work is not stopped by a deadlock with them.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::time::Duration;

use spotwright_store::postgres::PostgresStore;
use spotwright_testkit::database::Database;
use sqlx::migrate::Migrator;
use sqlx::{Connection as _, Executor as _, PgConnection};

static MIGRATIONS: Migrator = sqlx::migrate!("../store/migrations/postgres");

/// Deadlocks that the server has found in this database.
async fn deadlocks(conn: &mut PgConnection) -> i64 {
    let (found,): (i64,) =
        sqlx::query_as("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
            .fetch_one(conn)
            .await
            .unwrap();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; run infra/test.sh"]
async fn a_migration_that_a_deadlock_undoes_is_done_again() {
    let database = Database::create().await.unwrap();
    let mut conn = PgConnection::connect(&database.url).await.unwrap();
    let mut look = PgConnection::connect(&database.url).await.unwrap();
    MIGRATIONS.run_to(2, &mut conn).await.unwrap();
    // The third migration alters `step` and then `run`; this transaction takes them the other way
    // round, and waits for a minute before it asks whether it is in a deadlock: the server's victim
    // is the migration.
    conn.execute("SET deadlock_timeout = '60s'; BEGIN; LOCK TABLE run IN ACCESS EXCLUSIVE MODE")
        .await
        .unwrap();
    let url = database.url.clone();
    let opening = tokio::spawn(async move { PostgresStore::connect(&url, 1).await });
    loop {
        let (waiting,): (bool,) = sqlx::query_as(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'run'::regclass AND NOT granted)",
        )
        .fetch_one(&mut look)
        .await
        .unwrap();
        if waiting {
            break;
        }
        assert!(!opening.is_finished(), "the store was opened beside a locked table");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    conn.execute("LOCK TABLE step IN ACCESS EXCLUSIVE MODE; COMMIT").await.unwrap();
    let store = opening.await.unwrap().unwrap();
    assert_eq!(deadlocks(&mut look).await, 1);
    let (newest,): (i64,) = sqlx::query_as("SELECT max(version) FROM _sqlx_migrations WHERE success")
        .fetch_one(&mut look)
        .await
        .unwrap();
    assert_eq!(Some(newest), MIGRATIONS.iter().map(|migration| migration.version).max());
    drop(store);
    conn.close().await.unwrap();
    look.close().await.unwrap();
    database.remove().await.unwrap();
}
