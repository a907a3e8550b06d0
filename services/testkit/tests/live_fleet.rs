//! Twenty runs under way in several processes that die, stop and are cut off: every run ends as if
//! nothing had happened, in every shape.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use spotwright_core::domain::run::NewRun;
use spotwright_schemas::ids::RunId;
use spotwright_testkit::database::Database;
use spotwright_testkit::fleet::{Fleet, RunEnd, Shape, both, orders, undisturbed};
use spotwright_testkit::live::{by_way_of, kills, socket_of};
use spotwright_testkit::proxy::Proxy;

const PROGRAM: &str = env!("CARGO_BIN_EXE_spotwright-fault-child");

/// How many runs are under way at once.
const AT_ONCE: usize = 20;

fn twenty() -> Vec<NewRun> {
    runs(AT_ONCE)
}

/// Further runs that follow those that end while processes are killed: more than can.
fn reserve() -> Vec<NewRun> {
    runs(AT_ONCE + 10 * kills()).split_off(AT_ONCE)
}

fn runs(number: usize) -> Vec<NewRun> {
    let brief = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en/brief.yaml");
    orders(Path::new(PROGRAM), &brief, number as u64).unwrap()
}

/// Starts a fleet on twenty runs, disturbs it, and compares every run's end, those included that the
/// disturbance added.
async fn survives(
    shape: Shape,
    processes: usize,
    arguments: &[&str],
    disturb: impl AsyncFnOnce(&mut Fleet) -> Vec<NewRun>,
) -> BTreeMap<RunId, RunEnd> {
    let folder = tempfile::tempdir().unwrap();
    let mut orders = twenty();
    let program = PathBuf::from(PROGRAM);
    let mut fleet =
        Fleet::start(&program, folder.path(), shape, processes, &orders, arguments).await.unwrap();
    orders.extend(disturb(&mut fleet).await);
    let ends = fleet.finish().await.unwrap();
    let expected = undisturbed(folder.path(), &orders).await.unwrap();
    for (run, end) in &ends {
        assert_eq!(*end, expected[run], "run {run}");
    }
    assert_eq!(ends.len(), orders.len());
    ends
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the live servers' script; run infra/test.sh"]
async fn kills_on_sqlite_leave_no_mark() {
    let disturb = async |fleet: &mut Fleet| fleet.kill(kills(), 1, [20, 140], reserve()).await.unwrap();
    survives(Shape::Sqlite, 1, &[], disturb).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; run infra/test.sh"]
async fn kills_on_postgresql_leave_no_mark() {
    let database = Database::create().await.unwrap();
    let shape = Shape::Postgres(database.url.clone());
    let disturb = async |fleet: &mut Fleet| fleet.kill(kills(), 2, [20, 200], reserve()).await.unwrap();
    survives(shape, 2, &[], disturb).await;
    database.remove().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and RabbitMQ; run infra/test.sh"]
async fn kills_on_postgresql_and_rabbitmq_leave_no_mark() {
    let database = Database::create().await.unwrap();
    let shape = both(&database, "fleet_kills");
    let disturb = async |fleet: &mut Fleet| fleet.kill(kills(), 3, [50, 400], reserve()).await.unwrap();
    survives(shape, 3, &[], disturb).await;
    database.remove().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; run infra/test.sh"]
async fn a_process_that_was_stopped_for_three_leases_changes_nothing() {
    let database = Database::create().await.unwrap();
    let shape = Shape::Postgres(database.url.clone());
    survives(shape, 2, &["--lease-ms", "500"], async |fleet| {
        fleet.freeze(0, Duration::from_millis(1_500)).await.unwrap();
        Vec::new()
    })
    .await;
    database.remove().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL; run infra/test.sh"]
async fn clocks_that_are_an_hour_off_make_no_difference() {
    let database = Database::create().await.unwrap();
    let shape = Shape::Postgres(database.url.clone());
    survives(shape, 2, &["--clock-offset-s", "3600"], async |_| Vec::new()).await;
    database.remove().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and RabbitMQ; run infra/test.sh"]
async fn connections_that_are_cut_for_twenty_seconds_lose_nothing() {
    let database = Database::create().await.unwrap();
    let Shape::PostgresAndRabbit(postgres, amqp, prefix) = both(&database, "fleet_cuts") else {
        panic!("another shape")
    };
    let to_postgres = Proxy::start(socket_of(&postgres)).await.unwrap();
    let to_rabbit = Proxy::start(socket_of(&amqp)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let orders = twenty();
    let expected = undisturbed(folder.path(), &orders).await.unwrap();
    let shape = Shape::PostgresAndRabbit(
        by_way_of(&postgres, to_postgres.address()),
        by_way_of(&amqp, to_rabbit.address()),
        prefix,
    );
    let fleet = Fleet::start(Path::new(PROGRAM), folder.path(), shape, 2, &orders, &[]).await.unwrap();
    // The cuts are the injection; nothing is measured by them.
    for cut in 0..14 {
        tokio::time::sleep(Duration::from_millis(1_450)).await;
        if cut % 2 == 0 { to_rabbit.cut() } else { to_postgres.cut() }
    }
    let ends = fleet.finish().await.unwrap();
    for (run, end) in &ends {
        assert_eq!(*end, expected[run], "run {run}");
    }
    database.remove().await.unwrap();
}
