//! Very many clips at once: who waits holds nothing, and a restart goes on with all of them.

use std::time::Duration;

use spotwright_core::domain::topology::StepKind;
use spotwright_core::ports::clip_source::ClipRequest;
use spotwright_core::ports::step_store::{Commit, NewStep, StepStore as _};
use spotwright_schemas::money::Micros;
use sqlx::{ConnectOptions as _, Connection as _};

use crate::servers::{Server, request};
use crate::world::{Plan, World, until};

const CLIPS: usize = 500;

/// One number of the world's database.
async fn number(world: &World, query: &'static str) -> i64 {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(world.database());
    let mut conn = options.busy_timeout(Duration::from_secs(30)).connect().await.unwrap();
    let number = sqlx::query_scalar(query).fetch_one(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    number
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_clips_that_wait_hold_no_worker_and_no_lease_and_a_restart_goes_on_with_all() {
    // Nothing is done before time moves.
    let mut plan = Plan { speed: 0, workers: 1, ..Plan::new(Server::VllmOmni) };
    plan.shortest_wait = Duration::from_mins(30);
    let world = World::new(plan).await;
    let names: Vec<String> = (0..CLIPS).map(|idx| format!("-{idx}-")).collect();
    // One frame each: the provider really encodes what it sends.
    let asked = names.iter().map(|name| (name.clone(), ClipRequest { frames: 1, ..request(name) }));
    world.ask_for(&asked.collect::<Vec<_>>()).await;

    let process = world.start().await;
    until(async || world.provider.log().generations.len() >= CLIPS / 2).await;
    process.kill().await;
    let process = world.start().await;
    let waiting = "SELECT count(*) FROM step WHERE state = 'waiting' AND lease_until IS NULL";
    until(async || number(&world, waiting).await == CLIPS as i64).await;
    let held = "SELECT count(*) FROM step WHERE state = 'running' OR lease_until IS NOT NULL";
    assert_eq!(number(&world, held).await, 0);
    // The lone worker is free for other work.
    loop {
        let other = NewStep { kind: StepKind::Plan, key: "other".to_owned(), input: serde_json::Value::Null };
        let version = process.store.run(world.run.id).await.unwrap().version;
        let commit = Commit { steps: vec![other], ..Commit::default() };
        if process.store.amend(world.run.id, version, commit).await.is_ok() {
            break;
        }
    }
    process.wait_for_open_work(&world.run, CLIPS as u64).await;
    process.kill().await;

    // Every job is done meanwhile; a new process fetches them all.
    world.provider.advance(Duration::from_hours(1)).await;
    wake(&world).await;
    let process = world.start().await;
    process.wait_for_open_work(&world.run, 0).await;
    process.end().await;
    let outcomes = world.outcomes().await;
    assert!(outcomes.values().all(|one| one.made.is_some() && one.tries.is_empty()));
    assert_eq!(outcomes.len(), CLIPS);
    let log = world.provider.log();
    assert_eq!(log.generations.len(), CLIPS, "nothing was asked for twice");
    let told: Micros = outcomes.values().map(spotwright_creative::workflow::ClipOutcome::cost).sum();
    assert_eq!(told, world.bill());
}

/// The time that everybody waits for has come.
async fn wake(world: &World) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(world.database());
    let mut conn = options.busy_timeout(Duration::from_secs(30)).connect().await.unwrap();
    sqlx::query("UPDATE step SET run_at = 0 WHERE state = 'waiting'").execute(&mut conn).await.unwrap();
    conn.close().await.unwrap();
}
