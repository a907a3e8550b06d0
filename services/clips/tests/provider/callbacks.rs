//! Signed callbacks of Kling bring the next look forward; forged ones and repeats change nothing.

use std::time::Duration;

use serde_json::{Value, json};
use spotwright_clips::Secret;
use spotwright_clips::kling::callback::{CallbackError, read};
use spotwright_core::ports::clock::Clock as _;
use spotwright_core::ports::step_store::StepStore as _;
use spotwright_creative::workflow::run_of_job;
use spotwright_fake_video::{Route, sign_webhook};
use spotwright_schemas::money::Micros;

use crate::servers::Server;
use crate::world::{Plan, Process, World, until};

const NAME: &str = "told";
const SECRET: &str = "whsec_c3BvdHdyaWdodCB0ZXN0IHNlY3JldA==";
const OTHER: &str = "whsec_bm90IHRoZSBwcm92aWRlcidzIHNlY3JldA==";

/// Why a callback changed nothing.
#[derive(Debug, PartialEq, Eq)]
enum Not {
    Taken(CallbackError),
    Ours,
    Waiting,
}

/// What the service does with a callback: the step behind the job that it names is woken.
async fn take(world: &World, process: &Process, headers: &[(&str, &str)], body: &str) -> Result<(), Not> {
    let secret = Secret::new(SECRET).unwrap();
    let hint = read(headers, body.as_bytes(), Some(&secret), world.plan.clock.now_micros());
    let hint = hint.map_err(Not::Taken)?;
    let key = hint.key.unwrap_or_default();
    let run = run_of_job(&key).ok_or(Not::Ours)?;
    if process.store.wake(run, &key).await.unwrap() { Ok(()) } else { Err(Not::Waiting) }
}

/// Sends a callback with the signature of `secret`.
async fn send(world: &World, process: &Process, secret: &str, body: &Value) -> Result<(), Not> {
    let (text, at) = (body.to_string(), world.plan.clock.now_micros() / 1_000_000);
    let signature = sign_webhook(secret, "call-1", at, &text).unwrap();
    let at = at.to_string();
    let headers = [
        ("webhook-id", "call-1"),
        ("webhook-timestamp", at.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    take(world, process, &headers, &text).await
}

fn polls(world: &World) -> usize {
    world.provider.log().calls_on(Route::Poll).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_signed_callback_brings_the_next_look_forward_and_a_forged_one_does_not() {
    let mut plan = Plan { speed: 0, ..Plan::new(Server::KlingCurrent) };
    plan.shortest_wait = Duration::from_mins(30);
    let world = World::new(plan).await;
    world.ask(&[NAME.to_owned()]).await;
    let process = world.start().await;
    until(async || !world.generations(NAME).is_empty()).await;
    let job = world.generations(NAME).remove(0);
    let told = |status: &str| json!({ "id": job.job, "status": status, "external_id": job.key });
    // The submission is written before anybody can be woken.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let before = polls(&world);

    // A forger says that the job has failed; a stranger, that another is done.
    let forged = send(&world, &process, OTHER, &told("failed")).await;
    assert_eq!(forged, Err(Not::Taken(CallbackError::Forged)));
    let unsigned = take(&world, &process, &[], &told("failed").to_string()).await;
    assert_eq!(unsigned, Err(Not::Taken(CallbackError::NotSigned("webhook-id"))));
    let unknown = json!({ "id": "999", "status": "succeeded", "external_id": "not ours" });
    assert_eq!(send(&world, &process, SECRET, &unknown).await, Err(Not::Ours));
    let strange = json!({ "id": "999", "external_id": format!("{}-other-kling", world.run.id) });
    assert_eq!(send(&world, &process, SECRET, &strange).await, Err(Not::Waiting));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(polls(&world), before, "nobody looked");

    // A true one that lies costs a look; what it says is not believed.
    send(&world, &process, SECRET, &told("failed")).await.unwrap();
    until(async || polls(&world) == before + 1).await;
    assert!(world.ends.lock().unwrap().is_empty());

    // The job is done, and says so three times.
    world.provider.advance(Duration::from_mins(2)).await;
    until(async || {
        drop(send(&world, &process, SECRET, &told("succeeded")).await);
        world.ends.lock().unwrap().contains_key(NAME)
    })
    .await;
    for _ in 0..2 {
        assert_eq!(send(&world, &process, SECRET, &told("succeeded")).await, Err(Not::Waiting));
    }
    process.end().await;
    let outcomes = world.outcomes().await;
    let made = outcomes[NAME].made.as_ref().unwrap();
    assert!(made.cost == world.bill() && made.cost > Micros::ZERO);
    assert_eq!(world.provider.log().generations.len(), 1);
}
