//! Everything is delivered three times over RabbitMQ, in any order, while twenty runs are under way.

#![cfg(unix)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use spotwright_bus::rabbit::RabbitBus;
use spotwright_core::ports::event_bus::EventBus;
use spotwright_core::ports::step_store::StepStore;
use spotwright_server::config::Config;
use spotwright_server::standins::Witness;
use spotwright_server::wiring::{EngineSetup, Running};
use spotwright_testkit::database::Database;
use spotwright_testkit::fleet::{create, ends, orders, stand_ins, undisturbed};
use spotwright_testkit::live::{Cleanup, rabbit_options};
use spotwright_testkit::repeating_bus::RepeatingBus;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL and RabbitMQ; run infra/test.sh"]
async fn messages_that_come_three_times_in_any_order_are_taken_in_once() {
    let folder = tempfile::tempdir().unwrap();
    let brief = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en/brief.yaml");
    let orders = orders(Path::new(env!("CARGO_BIN_EXE_spotwright-fault-child")), &brief, 20).unwrap();
    let expected = undisturbed(folder.path(), &orders).await.unwrap();
    let database = Database::create().await.unwrap();
    let store = database.store().await.unwrap();
    let options = rabbit_options("replay");
    let _cleanup = Cleanup::of(&options);
    let rabbit: Arc<dyn EventBus> = Arc::new(RabbitBus::connect(options).await.unwrap());
    let bus = Arc::new(RepeatingBus::new(rabbit, 1));
    let runs = create(store.as_ref(), &orders).await.unwrap();
    let witness = Arc::new(Witness::open(&folder.path().join("witness")).unwrap());
    let mut setup = EngineSetup::new(store.clone(), 4, &Config::load(None).unwrap());
    setup.bus = bus.clone();
    let running = Running::start(setup, &stand_ins(&witness));
    let ended = ends(store.as_ref(), &runs, Duration::from_mins(4)).await.unwrap();
    running.stop().await;
    let written: u64 = ended.values().map(|end| end.messages).sum();
    assert!(bus.published() as u64 >= written, "{} of {written} messages", bus.published());
    for (run, end) in &ended {
        assert_eq!(*end, expected[run], "run {run}");
    }
    assert_eq!(store.broken_invariants().await.unwrap(), Vec::<String>::new());
    database.remove().await.unwrap();
}
