//! Webhooks over REST: what is shown, refused and signed. Sending itself is tested in `services/webhooks`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::StatusCode;
use serde_json::{Value, json};
use spotwright_core::domain::webhook::{Attempt, Verdict};
use spotwright_core::ports::step_store::{Commit, StepStore};
use spotwright_core::ports::webhooks::WebhookStore;
use spotwright_schemas::ids::RunId;

use crate::harness::{Server, Tenant, problem, text};

/// A webhook that is asked for.
pub(crate) fn order() -> Value {
    json!({ "url": "https://example.com/hook", "name": "receiver", "events": ["*"] })
}

/// The whole of a webhook, as it is put.
pub(crate) fn change() -> Value {
    json!({ "url": "https://example.com/other", "name": "renamed", "events": ["spotwright.run.finished.v1"],
        "enabled": true })
}

/// Makes a webhook; its id.
pub(crate) async fn made(server: &Server, tenant: &Tenant) -> String {
    text(&server.post("/v1/webhooks", &tenant.key, &order()).await["webhook"]["id"])
}

/// Writes an event, notes it for the webhooks and records that one of them took it; the delivery's id.
pub(crate) async fn delivered(server: &Server, tenant: &Tenant, webhook: &str, run: RunId) -> String {
    let view = StepStore::run(&*server.store, run).await.unwrap();
    let message = Server::message(tenant, run, view.messages + 1);
    server.commit(run, Commit { messages: vec![message], ..Commit::default() }).await;
    while server.store.fan_out(100, 5).await.unwrap() > 0 {}
    let claimed = server.store.claim_deliveries(&[], 9, 99, 5, 6).await.unwrap();
    let own = claimed.iter().find(|claimed| claimed.webhook.id.to_string() == webhook).unwrap();
    let attempt = Attempt { at: 5, millis: 7, status: Some(200), answer: Some("ok".to_owned()), error: None };
    server.store.record(own, &attempt, Verdict::Delivered, 6).await.unwrap();
    own.id.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_made_changed_and_deleted() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let made = server.post("/v1/webhooks", &tenant.key, &order()).await;
    let path = format!("/v1/webhooks/{}", text(&made["webhook"]["id"]));
    let secret = text(&made["secret"]);
    assert_eq!(STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap().len(), 32);
    assert_eq!(
        (&made["webhook"]["state"], &made["webhook"]["secret_version"]),
        (&json!("active"), &json!(1))
    );
    let read = server.get(&path, &tenant.key).await;
    assert_eq!(read, made["webhook"]);
    assert!(!read.to_string().contains("whsec_"), "the secret is not shown again");
    let put = |body: Value| server.request("PUT", &path, Some(&tenant.key)).json(&body).send();
    let changed: Value = put(change()).await.unwrap().json().await.unwrap();
    assert_eq!((&changed["name"], &changed["events"]), (&change()["name"], &change()["events"]));
    let mut off = change();
    off["enabled"] = json!(false);
    assert_eq!(put(off).await.unwrap().json::<Value>().await.unwrap()["state"], "disabled");
    let listed = server.get("/v1/webhooks", &tenant.key).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    let deleted = server.request("DELETE", &path, Some(&tenant.key)).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::OK);
    let gone = server.request("GET", &path, Some(&tenant.key)).send().await.unwrap();
    assert_eq!(problem(gone).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_webhook_is_named() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    for (field, value, code, status) in [
        ("url", json!("https://private.example.com/"), "SW0133", StatusCode::UNPROCESSABLE_ENTITY),
        ("name", json!(" "), "SW1006", StatusCode::BAD_REQUEST),
        ("events", json!([]), "SW1006", StatusCode::BAD_REQUEST),
        ("events[0]", json!(["run.finished"]), "SW1006", StatusCode::BAD_REQUEST),
        ("events", json!("*"), "SW1005", StatusCode::BAD_REQUEST),
    ] {
        let mut body = order();
        body[field.trim_end_matches("[0]")] = value;
        let refused = server.request("POST", "/v1/webhooks", Some(&tenant.key)).json(&body).send().await;
        let (answered, body) = problem(refused.unwrap()).await;
        assert_eq!(
            (answered, &body["code"], &body["param"]),
            (status, &json!(code), &json!(field)),
            "{body}"
        );
    }
    for _ in 0..20 {
        server.post("/v1/webhooks", &tenant.key, &order()).await;
    }
    let refused = server.request("POST", "/v1/webhooks", Some(&tenant.key)).json(&order()).send().await;
    let (status, body) = problem(refused.unwrap()).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("SW1040")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_makes_one_webhook_and_shows_its_secret_again() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let send = || {
        let request = server.client.post(format!("{}/v1/webhooks", server.url)).bearer_auth(&tenant.key);
        request.header("idempotency-key", "once").json(&order()).send()
    };
    let first: Value = send().await.unwrap().json().await.unwrap();
    let again = send().await.unwrap();
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    let path = format!("/v1/webhooks/{}/rotate", text(&first["webhook"]["id"]));
    let rotated = server.post(&path, &tenant.key, &json!({})).await;
    assert_eq!(rotated["webhook"]["secret_version"], 2);
    assert_ne!(rotated["secret"], first["secret"]);
    assert!(rotated["webhook"]["previous_secret_until"].is_string());
    assert_eq!(server.get("/v1/webhooks", &tenant.key).await["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_is_sent_at_once_signed_with_every_valid_secret() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let id = made(&server, &tenant).await;
    let done = server.post(&format!("/v1/webhooks/{id}/test"), &tenant.key, &json!({})).await;
    assert_eq!((&done["taken"], &done["attempt"]["status"]), (&json!(true), &json!(202)));
    assert_eq!(done["attempt"]["answer"], "fine");
    server.post(&format!("/v1/webhooks/{id}/rotate"), &tenant.key, &json!({})).await;
    server.post(&format!("/v1/webhooks/{id}/test"), &tenant.key, &json!({})).await;
    server.clock.advance_micros(24 * 3_600 * 1_000_000);
    server.post(&format!("/v1/webhooks/{id}/test"), &tenant.key, &json!({})).await;
    let sent = server.posts.sent.lock().unwrap();
    assert_eq!(sent.iter().map(|message| message.secrets.len()).collect::<Vec<_>>(), [1, 2, 1]);
    assert_eq!(sent[0].id.to_string(), text(&done["message"]));
    let body: Value = serde_json::from_str(&sent[0].body).unwrap();
    assert_eq!((&body["type"], &body["data"]["webhook"]), (&json!("webhook.test"), &json!(id)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_are_shown_and_replayed() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let run = server.order(&tenant, 1).await.run;
    let id = made(&server, &tenant).await;
    let delivery = delivered(&server, &tenant, &id, run).await;
    let path = format!("/v1/webhooks/{id}/deliveries");
    let listed = server.get(&format!("{path}?state=delivered"), &tenant.key).await;
    let shown = &listed["data"][0];
    assert_eq!((&shown["id"], &shown["state"]), (&json!(delivery), &json!("delivered")));
    assert_eq!(
        (&shown["attempts"][0]["status"], &shown["attempts"][0]["answer"]),
        (&json!(200), &json!("ok"))
    );
    assert_eq!(shown["request"]["run"], run.to_string());
    assert_eq!(shown["request"]["type"], shown["type"]);
    assert!(
        server.get(&format!("{path}?state=failed"), &tenant.key).await["data"].as_array().unwrap().is_empty()
    );
    let replay = format!("{path}/{delivery}/replay");
    assert_eq!(server.post(&replay, &tenant.key, &json!({})).await["state"], "waiting");
    let twice = server.request("POST", &replay, Some(&tenant.key)).send().await.unwrap();
    assert_eq!(problem(twice).await.1["code"], "SW1041");
    let all = format!("/v1/webhooks/{id}/replay");
    let done = server.post(&all, &tenant.key, &json!({ "after": "2020-01-01T00:00:00Z" })).await;
    // The order of the run happened before the webhook was made; its first message is of 1970.
    assert_eq!((&done["queued"], &done["next"]), (&json!(0), &Value::Null));
    let done = server.post(&all, &tenant.key, &json!({ "after": "0-0" })).await;
    assert_eq!(done["queued"], 1, "what waits stays as it is");
    let wrong = server.request("POST", &all, Some(&tenant.key)).json(&json!({ "after": "now" })).send().await;
    assert_eq!(problem(wrong.unwrap()).await.1["param"], "after");
}
