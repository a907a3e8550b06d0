//! Requests that create something take effect once for each key, and lists come in pages.

use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Server, Tenant, brief_order, problem, text};

/// A POST under an idempotency key of the test's choice.
fn keyed(server: &Server, tenant: &Tenant, path: &str, key: &str) -> RequestBuilder {
    let request = server.client.post(format!("{}{path}", server.url)).bearer_auth(&tenant.key);
    if key.is_empty() { request } else { request.header("idempotency-key", key) }
}

async fn count(server: &Server, tenant: &Tenant, path: &str) -> usize {
    server.get(path, &tenant.key).await["data"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_gets_the_first_answer() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let made = server.order(&tenant, 1).await;
    let brief = brief_order(&made.asset);
    let run = json!({ "brief": made.brief, "seed": 2 });
    for (path, body) in [("/v1/briefs", &brief), ("/v1/runs", &run)] {
        let before = count(&server, &tenant, path).await;
        let first = keyed(&server, &tenant, path, "k").json(body).send().await.unwrap();
        // The key of one path is not free on another.
        if path == "/v1/runs" {
            let (status, problem) = problem(first).await;
            assert_eq!((status, &problem["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("SW1008")));
            assert_eq!(count(&server, &tenant, path).await, before);
            continue;
        }
        assert!(!first.headers().contains_key("idempotency-replayed"));
        let location = first.headers()["location"].clone();
        let first: Value = first.json().await.unwrap();
        let again = keyed(&server, &tenant, path, "k").json(body).send().await.unwrap();
        assert_eq!(again.status(), StatusCode::CREATED);
        assert_eq!(again.headers()["idempotency-replayed"], "true");
        assert_eq!(again.headers()["location"], location);
        assert_eq!(again.json::<Value>().await.unwrap(), first);
        assert_eq!(count(&server, &tenant, path).await, before + 1);
        assert_eq!(server.get(location.to_str().unwrap(), &tenant.key).await["id"], first["id"]);
    }
    let mut other = brief.clone();
    other["brief"]["id"] = json!("another");
    let response = keyed(&server, &tenant, "/v1/briefs", "k").json(&other).send().await.unwrap();
    assert_eq!(problem(response).await.1["code"], "SW1008");
    let first = keyed(&server, &tenant, "/v1/runs", "r").json(&run).send().await.unwrap();
    let first: Value = first.json().await.unwrap();
    let again = keyed(&server, &tenant, "/v1/runs", "r").json(&run).send().await.unwrap();
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    assert_eq!(count(&server, &tenant, "/v1/runs").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_needed_to_create_and_is_one_organization_s_own() {
    let server = Server::start().await;
    let (one, other) = (server.tenant("one").await, server.tenant("other").await);
    for path in ["/v1/organizations", "/v1/api-keys", "/v1/assets?name=a", "/v1/briefs", "/v1/runs"] {
        for key in ["", "with blank"] {
            let tenant = Tenant { key: server.operator.clone(), ..one.clone() };
            let request = keyed(&server, &tenant, path, key);
            let request = if path.contains("assets") {
                request.header("content-type", "image/png").body("picture")
            } else {
                request.json(&json!({}))
            };
            let (status, body) = problem(request.send().await.unwrap()).await;
            assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("SW1007")), "{path}");
        }
    }
    for tenant in [&one, &other] {
        let brief = brief_order(&server.upload(tenant, "picture").await);
        let response = keyed(&server, tenant, "/v1/briefs", "same").json(&brief).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        assert!(!response.headers().contains_key("idempotency-replayed"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_in_flight_is_not_begun_again() {
    let server = Arc::new(Server::start().await);
    let tenant = server.tenant("one").await;
    let (release, hold) = mpsc::channel();
    *server.pictures.hold.lock().unwrap() = Some(hold);
    let upload = |server: &Server| {
        let request = keyed(server, &tenant, "/v1/assets?name=cup", "u");
        request.header("content-type", "image/png").body("picture of a cup")
    };
    let first = tokio::spawn(upload(&server).send());
    server.pictures.entered.notified().await;
    let response = upload(&server).send().await.unwrap();
    assert!(response.headers().contains_key("retry-after"));
    let (status, body) = problem(response).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("SW1009")));
    release.send(()).unwrap();
    let first: Value = first.await.unwrap().unwrap().json().await.unwrap();
    let again = upload(&server).send().await.unwrap();
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    assert_eq!(server.pictures.imported.load(Ordering::SeqCst), 1, "a repetition imports nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_repetitions_at_once_write_one_brief() {
    let server = Arc::new(Server::start().await);
    let tenant = server.tenant("one").await;
    let brief = brief_order(&server.upload(&tenant, "picture").await);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (server, tenant, brief) = (Arc::clone(&server), tenant.clone(), brief.clone());
        tasks.spawn(async move {
            loop {
                let response = keyed(&server, &tenant, "/v1/briefs", "k").json(&brief).send().await.unwrap();
                if response.status() != StatusCode::CONFLICT {
                    return text(&response.json::<Value>().await.unwrap()["id"]);
                }
            }
        });
    }
    let mut ids = tasks.join_all().await;
    ids.dedup();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(count(&server, &tenant, "/v1/briefs").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_picture_of_two_organizations_is_two_assets_and_one_file() {
    let server = Server::start().await;
    let (one, other) = (server.tenant("one").await, server.tenant("other").await);
    let ids = [server.upload(&one, "picture").await, server.upload(&other, "picture").await];
    assert_ne!(ids[0], ids[1]);
    let assets = [server.get("/v1/assets", &one.key).await, server.get("/v1/assets", &other.key).await];
    assert_eq!(assets[0]["data"][0]["hash"], assets[1]["data"][0]["hash"]);
    for (answer, id) in assets.iter().zip(&ids) {
        assert_eq!(answer["data"].as_array().unwrap().len(), 1);
        assert_eq!(text(&answer["data"][0]["id"]), *id);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_lead_from_the_newest_to_the_oldest() {
    let server = Server::start().await;
    let (tenant, other) = (server.tenant("one").await, server.tenant("other").await);
    let mut made = Vec::new();
    for number in 0..5 {
        made.push(server.upload(&tenant, &format!("picture {number}")).await);
    }
    made.reverse();
    let mut seen = Vec::new();
    let mut path = "/v1/assets?limit=2".to_owned();
    loop {
        let page = server.get(&path, &tenant.key).await;
        let rows = page["data"].as_array().unwrap();
        seen.extend(rows.iter().map(|row| text(&row["id"])));
        assert_eq!(page["has_more"], page["next_cursor"].is_string());
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        assert_eq!(rows.len(), 2);
        path = format!("/v1/assets?limit=2&cursor={cursor}");
        for (list, key) in [("briefs", &tenant.key), ("assets", &other.key)] {
            let elsewhere = format!("/v1/{list}?cursor={cursor}");
            let response = server.request("GET", &elsewhere, Some(key)).send().await.unwrap();
            assert_eq!(problem(response).await.1["code"], "SW1012");
        }
    }
    assert_eq!(seen, made);
}
