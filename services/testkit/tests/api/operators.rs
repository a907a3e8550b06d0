//! What operators do when something went wrong: freeze, revoke, cancel, replace.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Server, problem, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_organization_is_refused_at_once_and_taken_again() {
    let server = Server::start().await;
    let (frozen, other) = (server.tenant("frozen").await, server.tenant("other").await);
    let made = server.order(&frozen, 1).await;
    let events = format!("/v1/runs/{}/events", made.run);
    let mut stream = server.request("GET", &events, Some(&frozen.key)).send().await.unwrap();
    let path = format!("/v1/organizations/{}", frozen.id);
    let answer = server.post(&format!("{path}/freeze"), &server.operator, &json!({})).await;
    assert!(answer["frozen_at"].is_string());
    let (status, body) =
        problem(server.request("GET", "/v1/runs", Some(&frozen.key)).send().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (StatusCode::FORBIDDEN, &json!("SW1026")));
    // Its open streams end as well.
    let ended = async { while stream.chunk().await.unwrap_or(None).is_some() {} };
    tokio::time::timeout(std::time::Duration::from_secs(20), ended).await.unwrap();
    server.get("/v1/runs", &other.key).await;
    assert_eq!(server.get(&path, &server.operator).await["frozen_at"], answer["frozen_at"]);
    let answer = server.post(&format!("{path}/unfreeze"), &server.operator, &json!({})).await;
    assert_eq!(answer["frozen_at"], json!(null));
    server.get("/v1/runs", &frozen.key).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_does_not_lock_itself_out() {
    let server = Server::start().await;
    let own = text(&server.get("/v1/organization", &server.operator).await["id"]);
    for path in ["freeze", "api-keys/revoke"] {
        let path = format!("/v1/organizations/{own}/{path}");
        let response = server.request("POST", &path, Some(&server.operator)).send().await.unwrap();
        assert_eq!(problem(response).await.1["code"], "SW1006", "{path}");
    }
    let nobody = "/v1/organizations/00000000-0000-0000-0000-000000000000/freeze";
    let response = server.request("POST", nobody, Some(&server.operator)).send().await.unwrap();
    assert_eq!(problem(response).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stolen_keys_are_revoked_and_replaced_by_the_operator() {
    let server = Server::start().await;
    let (robbed, other) = (server.tenant("robbed").await, server.tenant("other").await);
    let keys = format!("/v1/organizations/{}/api-keys", robbed.id);
    let revoked = server.post(&format!("{keys}/revoke"), &server.operator, &json!({})).await;
    assert_eq!(revoked["revoked"][0]["id"], json!(robbed.key_id));
    let refused = server.request("GET", "/v1/runs", Some(&robbed.key)).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    let order = json!({ "name": "replacement" });
    let made = server.post(&keys, &server.operator, &order).await;
    let fresh = text(&made["secret"]);
    assert_eq!(text(&server.get("/v1/organization", &fresh).await["id"]), robbed.id.to_string());
    assert_eq!(server.get("/v1/api-keys", &other.key).await["data"].as_array().unwrap().len(), 1);
    let listed = server.get(&keys, &server.operator).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains("sw_live_"));
    // The operator may end one key alone, the last one too.
    let one = format!("{keys}/{}/revoke", text(&made["key"]["id"]));
    server.post(&one, &server.operator, &json!({})).await;
    let refused = server.request("GET", "/v1/runs", Some(&fresh)).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_the_operator_makes_for_a_sandbox_is_a_test_key() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    crate::sandbox::test_key(&server, &tenant).await;
    let keys = format!("/v1/organizations/{}/api-keys", tenant.id.sandbox());
    let made = server.post(&keys, &server.operator, &json!({ "name": "replacement" })).await;
    let secret = text(&made["secret"]);
    assert!(secret.starts_with("sw_test_"));
    assert_eq!(made["key"]["mode"], "test");
    assert_eq!(text(&server.get("/v1/organization", &secret).await["id"]), tenant.id.sandbox().to_string());
    let listed = server.get(&keys, &server.operator).await;
    let modes: Vec<&Value> = listed["data"].as_array().unwrap().iter().map(|key| &key["mode"]).collect();
    assert_eq!(modes, ["test", "test"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_keeps_its_last_key_that_may_make_keys() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let revoke = |id: &str| {
        let path = format!("/v1/api-keys/{id}/revoke");
        server.request("POST", &path, Some(&tenant.key)).send()
    };
    let (status, body) = problem(revoke(&tenant.key_id).await.unwrap()).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("SW1027")));
    server.get("/v1/runs", &tenant.key).await;
    server.key(&tenant.key, &["keys:admin"]).await;
    assert_eq!(revoke(&tenant.key_id).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_run_that_goes_on_is_cancelled() {
    let server = Server::start().await;
    let (tenant, other) = (server.tenant("one").await, server.tenant("other").await);
    let (first, second) = (server.order(&tenant, 1).await, server.order(&tenant, 2).await);
    server.order(&other, 3).await;
    server.finish(&tenant, first.run, 2).await;
    let path = format!("/v1/organizations/{}/runs/cancel", tenant.id);
    let answer = server.post(&path, &server.operator, &json!({})).await;
    assert_eq!(answer, json!({ "cancelled": [second.run] }));
    assert_eq!(*server.control.wishes.lock().unwrap(), [("cancel", second.run)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_made_is_found_where_the_answer_says() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let located = async |request: reqwest::RequestBuilder, key: &str, id: &str| {
        let response = request.send().await.unwrap();
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        let made: serde_json::Value = response.json().await.unwrap();
        let read = server.get(&location, key).await;
        assert_eq!(Some(&read["id"]), made.pointer(id), "{location}");
    };
    let post = |path: &str, key: &str| server.request("POST", path, Some(key));
    let founded = post("/v1/organizations", &server.operator).json(&json!({ "name": "another" }));
    located(founded, &server.operator, "/organization/id").await;
    let key = post("/v1/api-keys", &tenant.key).json(&json!({ "name": "a", "scopes": ["runs:read"] }));
    located(key, &tenant.key, "/key/id").await;
    let picture = post("/v1/assets?name=cup", &tenant.key).header("content-type", "image/png");
    located(picture.body("picture"), &tenant.key, "/id").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_picture_is_gone_and_its_room_is_free() {
    use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore as _};

    let server = Server::with(spotwright_api::Limits { asset_bytes: 20, ..Default::default() }).await;
    let tenant = server.tenant("one").await;
    let first = server.upload(&tenant, "picture, one").await;
    let hash = ArtifactHash(text(&server.get(&format!("/v1/assets/{first}"), &tenant.key).await["hash"]));
    let room = async || server.get("/v1/organization", &tenant.key).await["assets"].clone();
    assert_eq!(room().await, json!({ "count": 1, "bytes": 12, "quota_bytes": 20 }));
    let another = || {
        let request = server.request("POST", "/v1/assets?name=cup", Some(&tenant.key));
        request.header("content-type", "image/png").body("picture, two").send()
    };
    let (status, body) = problem(another().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("SW1028")));
    let path = format!("/v1/assets/{first}");
    let delete = || server.request("DELETE", &path, Some(&tenant.key)).send();
    assert_eq!(delete().await.unwrap().status(), StatusCode::OK);
    assert_eq!(problem(delete().await.unwrap()).await.0, StatusCode::NOT_FOUND);
    assert!(!server.artifacts.contains(&hash).unwrap(), "the file goes with its last picture");
    assert_eq!(another().await.unwrap().status(), StatusCode::CREATED);
    assert_eq!(room().await["count"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_of_a_brief_whose_picture_was_deleted_is_refused_with_its_reason() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let made = server.order(&tenant, 1).await;
    let path = format!("/v1/assets/{}", made.asset);
    assert_eq!(
        server.request("DELETE", &path, Some(&tenant.key)).send().await.unwrap().status(),
        StatusCode::OK
    );
    let order = server.request("POST", "/v1/runs", Some(&tenant.key)).json(&json!({ "brief": made.brief }));
    let (status, body) = problem(order.send().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("SW0202")));
}
