//! Keys: shown once, narrow, and dead when revoked.

use reqwest::StatusCode;
use serde_json::json;
use spotwright_api::Limits;
use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::ports::accounts::AccountStore;

use crate::harness::{Server, problem, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_text_of_a_key_is_shown_once_and_stored_nowhere() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let order = json!({ "name": "dashboard", "scopes": ["runs:read"], "expires_in_seconds": 3600 });
    let request = || server.request("POST", "/v1/api-keys", Some(&tenant.key));
    let same = || request().header("idempotency-key", "once").json(&order);
    // The harness has given the request a key of its own; a second one is refused.
    let (_, body) = problem(same().send().await.unwrap()).await;
    assert_eq!(body["code"], "SW1007");

    let plain = || {
        let url = format!("{}/v1/api-keys", server.url);
        server.client.post(url).bearer_auth(&tenant.key).header("idempotency-key", "once").json(&order)
    };
    let first: serde_json::Value = plain().send().await.unwrap().json().await.unwrap();
    let secret = text(&first["secret"]);
    assert!(secret.starts_with("sw_live_"));
    let response = plain().send().await.unwrap();
    assert_eq!(
        (response.status(), &response.headers()["idempotency-replayed"]),
        (StatusCode::CREATED, &"true".parse().unwrap())
    );
    let again: serde_json::Value = response.json().await.unwrap();
    assert_eq!(again, json!({ "key": first["key"], "secret": null }));
    let listed = server.get("/v1/api-keys", &tenant.key).await;
    assert_eq!(listed["data"][0], first["key"]);
    assert!(!listed.to_string().contains("sw_live_"));

    for ending in ["", "-wal"] {
        let file = format!("{}{ending}", server.database.display());
        let bytes = std::fs::read(file).unwrap();
        assert!(!bytes.is_empty());
        for needle in ["sw_live_", &secret[41..]] {
            let found = bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
            assert!(!found, "the database holds a secret");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gives_what_they_do_not_have() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let (_, admin) = server.key(&tenant.key, &["keys:admin", "runs:read"]).await;
    let ask = async |key: &str, order: serde_json::Value| {
        problem(server.request("POST", "/v1/api-keys", Some(key)).json(&order).send().await.unwrap()).await.1
    };
    let refused = ask(&tenant.key, json!({ "name": "a", "scopes": ["operator"] })).await;
    assert_eq!((&refused["code"], &refused["param"]), (&json!("SW1002"), &json!("scopes[0]")));
    let refused = ask(&admin, json!({ "name": "a", "scopes": ["runs:read", "runs:write"] })).await;
    assert_eq!((&refused["code"], &refused["param"]), (&json!("SW1002"), &json!("scopes[1]")));
    for (order, param) in [
        (json!({ "name": "a", "scopes": [] }), "scopes"),
        (json!({ "name": "a", "scopes": ["root"] }), "scopes[0]"),
        (json!({ "name": " ", "scopes": ["runs:read"] }), "name"),
        (json!({ "name": "a", "scopes": ["runs:read"], "expires_in_seconds": 0 }), "expires_in_seconds"),
    ] {
        let refused = ask(&admin, order).await;
        assert_eq!((&refused["code"], &refused["param"]), (&json!("SW1006"), &json!(param)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_revoked_elsewhere_dies_within_the_stated_time() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let (id, key) = server.key(&tenant.key, &["runs:read"]).await;
    let status = async || server.request("GET", "/v1/runs", Some(&key)).send().await.unwrap().status();
    assert_eq!(status().await, StatusCode::OK);
    // Another process of the service writes to the same database.
    let context = OrganizationContext { organization: tenant.id, key: tenant.key_id.parse().unwrap() };
    server.store.revoke_key(context, id.parse().unwrap(), false).await.unwrap();
    assert_eq!(status().await, StatusCode::OK, "the key is believed for a moment");
    server.clock.advance_micros(i64::try_from(Limits::default().key_cache.as_micros()).unwrap());
    assert_eq!(status().await, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_revoked_here_dies_at_once() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let (id, key) = server.key(&tenant.key, &["runs:read"]).await;
    assert_eq!(server.get("/v1/organization", &key).await["id"], json!(tenant.id));
    let revoked = server.post(&format!("/v1/api-keys/{id}/revoke"), &tenant.key, &json!({})).await;
    assert!(revoked["revoked_at"].is_string());
    let response = server.request("GET", "/v1/organization", Some(&key)).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}
