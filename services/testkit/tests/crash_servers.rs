//! The servers themselves die under twenty runs: PostgreSQL as in a power cut, then RabbitMQ by
//! `kill -9`. Both come back, and every run ends as if nothing had happened.
//!
//! In a binary of its own: other live tests need the servers meanwhile, so `infra/test.sh` runs this
//! one after them.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![cfg(unix)]

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use spotwright_testkit::database::Database;
use spotwright_testkit::fleet::{Fleet, both, orders, undisturbed};

/// Ends a server and starts it again, as `infra/servers.sh` does.
fn crash(server: &str) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/servers.sh");
    let status = Command::new("bash").arg(script).args(["crash", server]).status().unwrap();
    assert!(status.success(), "{server} did not come back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and RabbitMQ for itself; run infra/test.sh"]
async fn servers_that_die_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let brief = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en/brief.yaml");
    let orders = orders(Path::new(env!("CARGO_BIN_EXE_spotwright-fault-child")), &brief, 20).unwrap();
    let expected = undisturbed(folder.path(), &orders).await.unwrap();
    let database = Database::create().await.unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_spotwright-fault-child"));
    let fleet =
        Fleet::start(program, folder.path(), both(&database, "crash"), 2, &orders, &[]).await.unwrap();
    for server in ["postgres", "rabbitmq"] {
        // The runs are under way when the server dies.
        tokio::time::sleep(Duration::from_millis(700)).await;
        tokio::task::spawn_blocking(move || crash(server)).await.unwrap();
    }
    let ends = fleet.finish().await.unwrap();
    for (run, end) in &ends {
        assert_eq!(*end, expected[run], "run {run}");
    }
    database.remove().await.unwrap();
}
