//! Signed callbacks of Kling bring the next look forward; forged ones and repeats change nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use spotwright_clips::Secret;
use spotwright_core::ports::clip_hints::{ClipHints, HintError};
use spotwright_core::ports::clock::Clock as _;
use spotwright_fake_video::{Route, sign_webhook};
use spotwright_schemas::money::Micros;
use spotwright_server::clip_hints::Hints;

use crate::servers::Server;
use crate::world::{Plan, World, until};

const NAME: &str = "told";
const SECRET: &str = "whsec_c3BvdHdyaWdodCB0ZXN0IHNlY3JldA==";
const OTHER: &str = "whsec_bm90IHRoZSBwcm92aWRlcidzIHNlY3JldA==";

/// Sends a callback with the signature of `secret`.
async fn send(hints: &Hints, world: &World, secret: &str, body: &Value) -> Result<(), HintError> {
    let (text, at) = (body.to_string(), world.plan.clock.now_micros() / 1_000_000);
    let signature = sign_webhook(secret, "call-1", at, &text).unwrap();
    let at = at.to_string();
    let headers = [
        ("webhook-id", "call-1"),
        ("webhook-timestamp", at.as_str()),
        ("webhook-signature", signature.as_str()),
    ];
    hints.take("kling", &headers, text.as_bytes()).await
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
    let hints = Hints {
        secrets: BTreeMap::from([("kling".to_owned(), Secret::new(SECRET).unwrap())]),
        store: process.store.clone(),
        clock: world.plan.clock.clone(),
    };
    let job = world.generations(NAME).remove(0);
    let told = |status: &str| json!({ "id": job.job, "status": status, "external_id": job.key });
    // The submission is written before anybody can be woken.
    tokio::time::sleep(Duration::from_millis(100)).await;
    let before = polls(&world);

    // A forger says that the job has failed; a stranger, that another is done.
    let forged = send(&hints, &world, OTHER, &told("failed")).await;
    assert!(matches!(forged, Err(HintError::Refused(_))), "{forged:?}");
    let unsigned = hints.take("kling", &[], told("failed").to_string().as_bytes()).await;
    assert!(matches!(unsigned, Err(HintError::Refused(_))), "{unsigned:?}");
    assert_eq!(hints.take("other", &[], b"{}").await, Err(HintError::Unknown));
    let unknown = json!({ "id": "999", "status": "succeeded", "external_id": "not ours" });
    send(&hints, &world, SECRET, &unknown).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(polls(&world), before, "nobody looked");

    // A true one that lies costs a look; what it says is not believed.
    send(&hints, &world, SECRET, &told("failed")).await.unwrap();
    until(async || polls(&world) == before + 1).await;
    assert!(world.ends.lock().unwrap().is_empty());

    // The job is done, and says so three times.
    world.provider.advance(Duration::from_mins(2)).await;
    until(async || {
        send(&hints, &world, SECRET, &told("succeeded")).await.unwrap();
        world.ends.lock().unwrap().contains_key(NAME)
    })
    .await;
    for _ in 0..2 {
        send(&hints, &world, SECRET, &told("succeeded")).await.unwrap();
    }
    process.end().await;
    let outcomes = world.outcomes().await;
    let made = outcomes[NAME].made.as_ref().unwrap();
    assert!(made.cost == world.bill() && made.cost > Micros::ZERO);
    assert_eq!(world.provider.log().generations.len(), 1);
}
