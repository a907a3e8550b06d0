//! A store that migrates a database under programs at work is not stopped by a deadlock with them.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::path::Path;
use std::time::Duration;

use spotwright_core::ports::accounts::AccountStore as _;
use spotwright_schemas::ids::OrganizationId;
use spotwright_schemas::money::{Currency, Micros};
use spotwright_store::postgres::PostgresStore;
use spotwright_testkit::database::Database;
use sqlx::migrate::Migrator;
use sqlx::{Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

/// The migrations as the repository holds them.
async fn migrations() -> Migrator {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/migrations/postgres");
    Migrator::new(folder).await.unwrap()
}

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
    let migrations = migrations().await;
    migrations.run_to(2, &mut conn).await.unwrap();
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
    assert_eq!(Some(newest), migrations.iter().map(|migration| migration.version).max());
    drop(store);
    conn.close().await.unwrap();
    look.close().await.unwrap();
    database.remove().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; run infra/test.sh"]
async fn a_budget_from_before_currencies_keeps_that_of_its_first_run() {
    let database = Database::create().await.unwrap();
    let mut conn = PgConnection::connect(&database.url).await.unwrap();
    migrations().await.run_to(5, &mut conn).await.unwrap();
    let id = |number: u128| Uuid::from_u128(number);
    for number in 1..=2 {
        let organization = "INSERT INTO organization (id, name, created_at) VALUES ($1, 'name', 0)";
        sqlx::query(organization).bind(id(number)).execute(&mut conn).await.unwrap();
        let limit = "INSERT INTO organization_budget VALUES ($1, 100, $2)";
        let committed = if number == 1 { 70_i64 } else { 0 };
        sqlx::query(limit).bind(id(number)).bind(committed).execute(&mut conn).await.unwrap();
    }
    for (number, currency, budget) in [(11, "CNY", 30_i64), (12, "USD", 40)] {
        let run = "INSERT INTO run (id, organization_id, request, version, state, generation, workflow, messages, \
                   budget_micros, committed_micros, created_at) VALUES ($1, $2, $3, 0, 'planning', 0, 'null', 0, $4, $4, 0)";
        let request = format!("{{\"brief\":{{\"budget\":{{\"currency\":\"{currency}\"}}}}}}");
        let run = sqlx::query(run).bind(id(number)).bind(id(1)).bind(request).bind(budget);
        run.execute(&mut conn).await.unwrap();
    }
    let store = PostgresStore::connect(&database.url, 1).await.unwrap();
    let budget = async |number| store.organization_budget(OrganizationId(id(number))).await.unwrap().unwrap();
    let (one, two) = (budget(1).await, budget(2).await);
    assert_eq!((one.currency, one.committed), (Some(Currency::CNY), Micros(30)));
    assert_eq!((two.currency, two.committed), (None, Micros(0)));
    drop(store);
    conn.close().await.unwrap();
    database.remove().await.unwrap();
}
