//! What only this adapter can show: lost tails of the log, a full disk, groups.

use std::collections::BTreeSet;
use std::path::Path;

use spotwright_core::ports::accounts::AccountStore as _;
use spotwright_core::ports::step_store::StepStore;
use spotwright_schemas::ids::{MessageId, OrganizationId};
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::random::Stream;
use sqlx::Connection as _;

use super::*;

fn message(number: u64) -> MessageId {
    MessageId::derive(1, "message", number)
}

/// The acknowledged numbers that a database holds.
async fn held(conn: &mut Connection, numbers: u64) -> BTreeSet<u64> {
    let ids: Vec<uuid::Uuid> =
        sqlx::query_scalar("SELECT message_id FROM dead_letter").fetch_all(conn).await.unwrap();
    (0..numbers).filter(|number| ids.contains(&message(*number).0)).collect()
}

async fn pragma(store: &SqliteStore, statement: &'static str) -> i64 {
    store
        .writer
        .write(None, Wakes::default(), move |conn| {
            Box::pin(async move { sqlx::query_scalar(statement).fetch_one(conn).await.map_err(database) })
        })
        .await
        .unwrap()
}

#[tokio::test]
async fn every_acknowledged_row_survives_the_loss_of_the_unsynced_tail() {
    const ROWS: u64 = 40;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("live.db");
    let log = folder.path().join("live.db-wal");
    let store = SqliteStore::open(&file).await.unwrap();
    let mut lengths = vec![std::fs::metadata(&log).unwrap().len()];
    for number in 0..ROWS {
        store.dead_letter("queue", message(number), "reason", 1).await.unwrap();
        lengths.push(std::fs::metadata(&log).unwrap().len());
    }
    let whole = std::fs::read(&log).unwrap();
    let stream = Stream::new(1, "power loss");
    for trial in 0..60 {
        let span = (lengths[ROWS as usize] - lengths[0]) as usize;
        let cut = lengths[0] as usize + stream.below(trial, span + 1);
        let copy = folder.path().join(format!("copy{trial}.db"));
        std::fs::copy(&file, &copy).unwrap();
        std::fs::write(folder.path().join(format!("copy{trial}.db-wal")), &whole[..cut]).unwrap();
        let mut conn = SqliteConnectOptions::new().filename(&copy).connect().await.unwrap();
        let check: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(&mut conn).await.unwrap();
        assert_eq!(check, "ok");
        let acknowledged = lengths.iter().skip(1).filter(|length| **length as usize <= cut).count() as u64;
        assert_eq!(held(&mut conn, ROWS).await, (0..acknowledged).collect(), "cut at {cut}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_what_is_not_written_and_nothing_else() {
    const ROWS: u64 = 64;
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    // SQLite answers a database at its largest size as it answers a full disk: SQLITE_FULL.
    let n_pages = pragma(&store, "PRAGMA page_count").await;
    assert_eq!(pragma(&store, "PRAGMA max_page_count = 1").await, n_pages);
    let mut callers = tokio::task::JoinSet::new();
    for number in 0..ROWS {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let reason = "r".repeat(if number % 4 == 0 { 100_000 } else { 10 });
            (number, store.dead_letter("queue", message(number), &reason, 1).await)
        });
    }
    let mut answered = BTreeSet::new();
    let mut n_refused = 0;
    while let Some(ended) = callers.join_next().await {
        match ended.unwrap() {
            (number, Ok(())) => assert!(answered.insert(number)),
            (_, Err(StoreError::Database(_))) => n_refused += 1,
            (_, Err(other)) => panic!("{other}"),
        }
    }
    assert!(n_refused >= ROWS / 4);
    assert_eq!(held(&mut store.reader().await.unwrap(), ROWS).await, answered);
    pragma(&store, "PRAGMA max_page_count = 1000000").await;
    store.dead_letter("queue", message(0), "there is room again", 1).await.unwrap();
    answered.insert(0);
    assert_eq!(held(&mut store.reader().await.unwrap(), ROWS).await, answered);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_an_error_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    let text = "not a database ".repeat(1000);
    std::fs::write(&file, &text).unwrap();
    assert!(matches!(SqliteStore::open(&file).await, Err(StoreError::Database(_))));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text);
    let missing: &Path = &folder.path().join("missing").join("test.db");
    assert!(matches!(SqliteStore::open(missing).await, Err(StoreError::Database(_))));
}

#[tokio::test]
async fn a_store_is_reopened_as_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.db");
    let store = SqliteStore::open(&file).await.unwrap();
    store.dead_letter("queue", message(1), "reason", 1).await.unwrap();
    drop(store);
    let store = SqliteStore::open(&file).await.unwrap();
    assert_eq!(held(&mut store.reader().await.unwrap(), 2).await, BTreeSet::from([1]));
}

#[tokio::test]
async fn the_ledger_can_only_grow() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db")).await.unwrap();
    let refused = store.writer.write(None, Wakes::default(), |conn| {
        Box::pin(async move {
            let mut refused = Vec::new();
            for setup in [
                "INSERT INTO run VALUES (1, zeroblob(16), zeroblob(16), '{}', 0, 'requested', 0, 'null', 0, 9, 0, 0, 0, 0, 9, NULL, 0)",
                "INSERT INTO ledger VALUES (1, zeroblob(16), zeroblob(16), 'reserve', 1, 'a', NULL, 0)",
            ] {
                sqlx::query(setup).execute(&mut *conn).await.map_err(database)?;
            }
            for change in ["UPDATE ledger SET amount_micros = 0", "DELETE FROM ledger"] {
                refused.push(sqlx::query(change).execute(&mut *conn).await.is_err());
            }
            Ok(refused)
        })
    });
    assert_eq!(refused.await.unwrap(), [true, true]);
}

#[tokio::test]
async fn a_budget_from_before_currencies_keeps_that_of_its_first_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("old.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut conn = options.connect().await.unwrap();
    migrations::migrator(migrations::SQLITE).run_to(5, &mut conn).await.unwrap();
    // Two organizations with a limit: one has runs in two currencies, the other has none yet.
    for statement in [
        "INSERT INTO organization VALUES (1, x'00000000000000000000000000000001', 'one', 0)",
        "INSERT INTO organization VALUES (2, x'00000000000000000000000000000002', 'two', 0)",
        "INSERT INTO run VALUES (1, x'00000000000000000000000000000011', x'00000000000000000000000000000001', \
         '{\"brief\":{\"budget\":{\"currency\":\"CNY\"}}}', 0, 'planning', 0, 'null', 0, 30, 0, 0, 0, 0, 30)",
        "INSERT INTO run VALUES (2, x'00000000000000000000000000000012', x'00000000000000000000000000000001', \
         '{\"brief\":{\"budget\":{\"currency\":\"USD\"}}}', 0, 'planning', 0, 'null', 0, 40, 0, 0, 0, 0, 40)",
        "INSERT INTO organization_budget VALUES (x'00000000000000000000000000000001', 100, 70)",
        "INSERT INTO organization_budget VALUES (x'00000000000000000000000000000002', 100, 0)",
    ] {
        sqlx::query(statement).execute(&mut conn).await.unwrap();
    }
    conn.close().await.unwrap();
    let store = SqliteStore::open(&file).await.unwrap();
    let budget = async |number: u128| {
        let id = OrganizationId(uuid::Uuid::from_u128(number));
        store.organization_budget(id).await.unwrap().unwrap()
    };
    let (one, two) = (budget(1).await, budget(2).await);
    assert_eq!((one.currency, one.committed), (Some(Currency::CNY), Micros(30)));
    assert_eq!((two.currency, two.committed), (None, Micros(0)));
}
