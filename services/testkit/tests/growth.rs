//! Work for a variant does not depend on what its run has made before.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::step_store::{StepEnd, StepStore};
use spotwright_core::spine::{NoCheckpoints, PaidCalls, Shutdown, StepOutcome, Workflow};
use spotwright_creative::workflow::{AgentState, CreativeAgent, Ports, first_commit};
use spotwright_schemas::event::StopReason;
use spotwright_server::standins::Witness;
use spotwright_store::sqlite::SqliteStore;
use spotwright_testkit::fleet::{orders, stand_ins};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

/// Takes in what waits in the outbox.
async fn take_in(store: &SqliteStore, agent: &CreativeAgent) {
    loop {
        let messages = store.unsent(None, 64).await.unwrap();
        if messages.is_empty() {
            return;
        }
        for (_, message) in messages {
            let run = message.event.subject;
            let view = store.run(run).await.unwrap();
            let commit = agent.after_message(&view, &message.event, Timestamp::UNIX_EPOCH).await.unwrap();
            store.consume(&message.consumer, &[message.id], run, view.version, commit).await.unwrap();
            store.mark_sent(&[message.id]).await.unwrap();
        }
    }
}

/// The generation before is spoiled once it has been read: whoever reads it again for a variant, for the
/// selection, for the campaign or to learn from it ends the run with an error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_generation_is_read_once_by_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("test.sqlite");
    let store = SqliteStore::open(&file).await.unwrap();
    let witness = Arc::new(Witness::open(&folder.path().join("witness")).unwrap());
    let world = stand_ins(&witness);
    let agent = CreativeAgent::new(Ports {
        store: store.clone(),
        language_model: world.language_model,
        video: world.video,
        gate: world.gate,
        click_model: world.click_model,
        marketplace: world.marketplace,
        footage: None,
    });
    let brief = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en/brief.yaml");
    let run = orders(Path::new(env!("CARGO_BIN_EXE_spotwright-fault-child")), &brief, 1).unwrap().remove(0);
    store.create_run(&run, first_commit(&run, Timestamp::UNIX_EPOCH)).await.unwrap();
    let mut spoiled = 0;
    loop {
        take_in(&store, &agent).await;
        let claimed = store.claim(&StepKind::ALL, Duration::from_mins(1), 1).await.unwrap();
        let Some(step) = claimed.first() else { break };
        let (_switch, stop) = Shutdown::new();
        let result = agent.execute(step, &PaidCalls::new(&*store, step, &NoCheckpoints, stop)).await.unwrap();
        let view = store.run(run.id).await.unwrap();
        if step.kind == StepKind::Score && view.generation == 2 && spoiled == 0 {
            let mut conn = SqliteConnectOptions::new().filename(&file).connect().await.unwrap();
            let spoil = "UPDATE variant SET body = '' WHERE generation = 1";
            spoiled = sqlx::query(spoil).execute(&mut conn).await.unwrap().rows_affected();
            conn.close().await.unwrap();
        }
        let outcome = StepOutcome::Done(result.clone());
        let commit = agent.after_step(&view, step, &outcome, Timestamp::UNIX_EPOCH).await.unwrap();
        store.complete(step, StepEnd::Done(result), view.version, commit).await.unwrap();
    }
    assert_eq!(spoiled, 4, "the first generation was there");
    let view = store.run(run.id).await.unwrap();
    assert_eq!((view.stage, view.generation), (Stage::Finished, 2));
    let state = AgentState::of(&view).unwrap();
    assert_eq!(state.stopped, Some(StopReason::Completed), "{:?}", state.failure);
    // What every decision carries holds no row for each advertisement.
    assert!(state.reports.len() == 2 && state.reports.iter().all(|report| report.creatives.is_empty()));
}
