//! Callbacks of Kling's dialects.

use serde_json::{Value, json};
use spotwright_fake_video::{Fault, Forgery, Options, Route, sign_webhook};

use crate::client::{Received, Receiver, World};

const SECRET: &str = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI=";

fn signed() -> Options {
    Options { webhook_secret: Some(SECRET.to_owned()), ..Options::logical() }
}

/// What a callback says, and whether its signature is the provider's; `None` without one.
fn told(received: &Received) -> (String, Option<bool>) {
    let (headers, body) = received;
    let fields: Value = serde_json::from_str(body).unwrap();
    let word = fields["status"].as_str().or_else(|| fields["task_status"].as_str()).unwrap();
    let genuine = headers.get("webhook-signature").map(|signature| {
        let timestamp = headers["webhook-timestamp"].parse().unwrap();
        sign_webhook(SECRET, &headers["webhook-id"], timestamp, body).as_ref() == Some(signature)
    });
    (word.to_owned(), genuine)
}

fn said(receiver: &Receiver) -> Vec<(String, Option<bool>)> {
    receiver.received().iter().map(told).collect()
}

fn says(word: &str, genuine: Option<bool>) -> (String, Option<bool>) {
    (word.to_owned(), genuine)
}

async fn create(world: &World, receiver: &Receiver) -> String {
    let options = json!({"callback_url": receiver.url, "external_task_id": "shot-1"});
    let asked = json!({"prompt": "a", "options": options});
    let created = world.post("/text-to-video/kling-3.0", asked).await.json();
    created["data"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn changes_are_told_in_both_dialects_signed_where_a_secret_is_set() {
    let receiver = Receiver::start().await;
    let world = World::with(signed()).await;
    let id = create(&world, &receiver).await;
    world.pass(3).await;
    assert_eq!(said(&receiver), [says("processing", Some(true))]);
    world.pass(60).await;
    assert_eq!(said(&receiver)[1..], [says("succeeded", Some(true))]);
    let body: Value = serde_json::from_str(&receiver.received()[1].1).unwrap();
    assert_eq!((&body["id"], &body["external_id"]), (&json!(id), &json!("shot-1")));
    assert_eq!((&body["billing"][0]["amount"], body["outputs"].as_array().unwrap().len()), (&json!("2"), 1));

    let unsigned = World::start().await;
    let asked = json!({"prompt": "a", "callback_url": receiver.url});
    assert_eq!(unsigned.post("/v1/videos/text2video", asked).await.status, 200);
    unsigned.pass(60).await;
    assert_eq!(said(&receiver)[2..], [says("processing", None), says("succeed", None)]);
    let body: Value = serde_json::from_str(&receiver.received()[3].1).unwrap();
    assert!(body["task_result"]["videos"][0]["url"].is_string() && body.get("code").is_none());
    let log = unsigned.provider.log();
    assert!(log.callbacks.iter().all(|sent| sent.answer == Some(200) && !sent.forged && !sent.signed));
}

#[tokio::test]
async fn callbacks_come_repeated_forged_and_too_early() {
    let cases = [
        (
            Fault::DuplicateCallback,
            vec![
                says("processing", Some(true)),
                says("succeeded", Some(true)),
                says("succeeded", Some(true)),
                says("succeeded", Some(true)),
            ],
        ),
        (
            Fault::ForgedCallback(Forgery::Signature),
            vec![says("processing", Some(true)), says("failed", Some(false)), says("succeeded", Some(true))],
        ),
        (
            Fault::ForgedCallback(Forgery::UnknownTask),
            vec![
                says("processing", Some(true)),
                says("succeeded", Some(true)),
                says("succeeded", Some(true)),
            ],
        ),
    ];
    for (fault, expected) in cases {
        let receiver = Receiver::start().await;
        let world = World::with(signed()).await;
        world.provider.plan().on(Route::Create).fault(fault);
        let id = create(&world, &receiver).await;
        world.pass(60).await;
        assert_eq!(said(&receiver), expected, "{fault:?}");
        let about: Vec<Value> = receiver
            .received()
            .iter()
            .map(|(_, body)| serde_json::from_str::<Value>(body).unwrap()["id"].clone())
            .collect();
        let strangers = about.iter().filter(|task| **task != json!(id)).count();
        assert_eq!(strangers, usize::from(fault == Fault::ForgedCallback(Forgery::UnknownTask)));
        if strangers > 0 {
            let unknown = world.query(&format!("/tasks?task_ids={}", about[1].as_str().unwrap())).await;
            assert_eq!(unknown["data"], json!([]));
        }
        // One generation, paid once, whatever was told.
        assert_eq!(world.provider.log().generations.len(), 1);
    }
}

#[tokio::test]
async fn a_callback_says_done_while_the_task_runs() {
    let receiver = Receiver::start().await;
    let world = World::with(signed()).await;
    world.provider.plan().on(Route::Create).fault(Fault::EarlyCallback);
    let id = create(&world, &receiver).await;
    world.pass(3).await;
    assert_eq!(said(&receiver), [says("processing", Some(true)), says("succeeded", Some(true))]);
    let claimed: Value = serde_json::from_str(&receiver.received()[1].1).unwrap();
    let task = world.query(&format!("/tasks?task_ids={id}")).await;
    assert_eq!(task["data"][0]["status"], "processing");
    let early = world.get(claimed["outputs"][0]["url"].as_str().unwrap()).await;
    assert_eq!(early.status, 404);
    world.pass(60).await;
    assert_eq!(world.get(claimed["outputs"][0]["url"].as_str().unwrap()).await.status, 200);
}
