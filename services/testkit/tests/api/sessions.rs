//! Sessions: what a browser gets for a key, and what it may do with it.

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use spotwright_core::ports::clock::Clock as _;

use crate::harness::{Counted, Server, problem, text};

const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;

async fn sign_in(server: &Server, body: &Value, cookie: Option<&str>) -> Response {
    let mut request = server.request("POST", "/v1/session", None).json(body);
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    request.send().await.unwrap()
}

/// The cookie as a browser sends it back, and the token of writes.
async fn signed_in(server: &Server, key: &str) -> (String, String) {
    let response = sign_in(server, &json!({ "key": key }), None).await;
    assert_eq!(response.status(), StatusCode::OK);
    let cookie = cookie_of(&response);
    let body: Value = response.json().await.unwrap();
    (cookie, text(&body["session"]["csrf_token"]))
}

fn cookie_of(response: &Response) -> String {
    let set = response.headers()["set-cookie"].to_str().unwrap();
    set.split(';').next().unwrap().to_owned()
}

fn with(server: &Server, method: &str, path: &str, cookie: &str) -> RequestBuilder {
    server.request(method, path, None).header("cookie", cookie)
}

async fn session_of(server: &Server, cookie: &str) -> Value {
    let response = with(server, "GET", "/v1/session", cookie).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    response.json::<Value>().await.unwrap()["session"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_exchanged_for_a_cookie_that_pages_cannot_read() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let response = sign_in(&server, &json!({ "key": tenant.key }), None).await;
    let set = response.headers()["set-cookie"].to_str().unwrap().to_owned();
    for part in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(set.contains(part), "{set}");
    }
    let body: Value = response.json().await.unwrap();
    assert!(!body.to_string().contains("sw_live_") && !set.contains("sw_live_"));
    assert_eq!(body["session"]["organization"]["id"], tenant.id.to_string());
    assert_eq!(body["session"]["demo"], false);
    let cookie = set.split(';').next().unwrap().to_owned();
    assert_eq!(session_of(&server, &cookie).await, body["session"]);
    let runs = with(&server, "GET", "/v1/runs", &cookie).send().await.unwrap();
    assert_eq!(runs.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_key_opens_nothing() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let tampered = format!("{}AA", &tenant.key[..tenant.key.len() - 2]);
    for key in ["", "sw_live_", "a b", tampered.as_str()] {
        let response = sign_in(&server, &json!({ "key": key }), None).await;
        assert!(response.headers().get("set-cookie").is_none());
        let (status, body) = problem(response).await;
        assert_eq!(
            (status, &body["code"], &body["param"]),
            (StatusCode::UNAUTHORIZED, &json!("SW1001"), &json!("key"))
        );
    }
    for body in [json!({}), json!({ "key": tenant.key, "link": "x" })] {
        assert_eq!(sign_in(&server, &body, None).await.status(), StatusCode::BAD_REQUEST);
    }
    assert_eq!(session_of(&server, "sw_session=made-up").await, Value::Null);
    let refused = with(&server, "GET", "/v1/runs", "sw_session=made-up").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_another_site_caused_is_refused() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let (cookie, csrf) = signed_in(&server, &tenant.key).await;
    let (_, other) = signed_in(&server, &tenant.key).await;
    let order = json!({ "name": "from a page", "scopes": ["runs:read"] });
    let write = || with(&server, "POST", "/v1/api-keys", &cookie).json(&order);
    for token in [None, Some(""), Some(other.as_str())] {
        let request = token.map_or_else(write, |token| write().header("x-csrf-token", token));
        let (status, body) = problem(request.send().await.unwrap()).await;
        assert_eq!((status, &body["param"]), (StatusCode::FORBIDDEN, &json!("x-csrf-token")));
    }
    assert_eq!(write().header("x-csrf-token", &csrf).send().await.unwrap().status(), StatusCode::CREATED);
    let by_key = server.request("POST", "/v1/api-keys", Some(&tenant.key)).json(&order).send().await.unwrap();
    assert_eq!(by_key.status(), StatusCode::CREATED, "keys need no token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ends_when_it_is_closed_replaced_or_old_and_with_its_key() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let (cookie, csrf) = signed_in(&server, &tenant.key).await;
    // Whoever planted a cookie before the sign-in has nothing of it.
    let again = sign_in(&server, &json!({ "key": tenant.key }), Some(&cookie)).await;
    let second = cookie_of(&again);
    assert_ne!(second, cookie);
    assert_eq!(session_of(&server, &cookie).await, Value::Null);
    let token = text(&again.json::<Value>().await.unwrap()["session"]["csrf_token"]);
    let refused = with(&server, "DELETE", "/v1/session", &second).header("x-csrf-token", &csrf);
    assert_eq!(refused.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let out = with(&server, "DELETE", "/v1/session", &second).header("x-csrf-token", &token);
    let out = out.send().await.unwrap();
    assert!(out.headers()["set-cookie"].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(session_of(&server, &second).await, Value::Null);

    let (id, narrow) = server.key(&tenant.key, &["runs:read"]).await;
    let (third, _) = signed_in(&server, &narrow).await;
    let keys = with(&server, "GET", "/v1/api-keys", &third).send().await.unwrap();
    assert_eq!(keys.status(), StatusCode::FORBIDDEN, "a session may do what its key may");
    server.post(&format!("/v1/api-keys/{id}/revoke"), &tenant.key, &json!({})).await;
    assert_eq!(session_of(&server, &third).await, Value::Null);

    let (old, _) = signed_in(&server, &tenant.key).await;
    server.clock.advance_micros(DAY_MICROS);
    assert_eq!(session_of(&server, &old).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_signs_in_once() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let key = tenant.key_id.parse().unwrap();
    let link = server.links.offer_link(&Counted::from(900), key, server.clock.now_micros()).unwrap();
    let body = json!({ "link": link.expose() });
    let response = sign_in(&server, &body, None).await;
    assert_eq!(session_of(&server, &cookie_of(&response)).await["key"], tenant.key_id);
    let (status, answer) = problem(sign_in(&server, &body, None).await).await;
    assert_eq!((status, &answer["param"]), (StatusCode::UNAUTHORIZED, &json!("link")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brief_is_checked_without_being_kept() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let brief = crate::harness::brief_order("00000000-0000-8000-8000-000000000000")["brief"].clone();
    let checked = server.post("/v1/briefs/check", &tenant.key, &json!({ "brief": brief })).await;
    assert_eq!(checked["brief"]["id"], brief["id"]);
    let mut wrong = brief;
    wrong["product"]["facts"][0]["kind"] = json!("proof");
    wrong["product"]["facts"][0]["evidence"] = Value::Null;
    let request =
        server.request("POST", "/v1/briefs/check", Some(&tenant.key)).json(&json!({ "brief": wrong }));
    let (status, body) = problem(request.send().await.unwrap()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["param"], "brief.product.facts[0].evidence");
    assert_eq!(server.get("/v1/briefs", &tenant.key).await["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_reads_its_own_budget_and_pictures() {
    let server = Server::start().await;
    let (tenant, stranger) = (server.tenant("one").await, server.tenant("two").await);
    assert_eq!(server.get("/v1/organization/budget", &tenant.key).await["cap_micros"], Value::Null);
    let path = format!("/v1/organizations/{}/budget", tenant.id);
    let limit = json!({ "cap_micros": 5_000_000, "currency": "USD" });
    server.post(&path, &server.operator, &limit).await;
    assert_eq!(server.get("/v1/organization/budget", &tenant.key).await["free_micros"], 5_000_000);
    let asset = server.upload(&tenant, "picture").await;
    let content = format!("/v1/assets/{asset}/content");
    let found = server.request("GET", &content, Some(&tenant.key)).send().await.unwrap();
    assert_eq!(found.status(), StatusCode::OK);
    assert_eq!(found.headers()["x-content-type-options"], "nosniff");
    let other = server.request("GET", &content, Some(&stranger.key)).send().await.unwrap();
    assert_eq!(other.status(), StatusCode::NOT_FOUND);
}
