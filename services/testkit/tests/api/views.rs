//! Views of the portal that are kept under a name.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Server, Tenant, problem, text};

/// A view that is asked for.
pub(crate) fn order() -> Value {
    json!({ "name": "What runs in the market", "address": "/market?status=active&currency=USD" })
}

/// Keeps a view; its id.
pub(crate) async fn made(server: &Server, tenant: &Tenant) -> String {
    text(&server.post("/v1/views", &tenant.key, &order()).await["id"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_is_kept_for_everybody_of_the_organization_and_deleted() {
    let server = Server::start().await;
    let (tenant, other) = (server.tenant("one").await, server.tenant("other").await);
    let first = made(&server, &tenant).await;
    let second = made(&server, &tenant).await;
    let (_, reader) = server.key(&tenant.key, &["results:read"]).await;
    let listed = server.get("/v1/views", &reader).await;
    let ids: Vec<&Value> = listed["data"].as_array().unwrap().iter().map(|view| &view["id"]).collect();
    assert_eq!(ids, [&json!(second), &json!(first)], "newest first");
    assert_eq!(listed["data"][1]["address"], order()["address"]);
    assert!(server.get("/v1/views", &other.key).await["data"].as_array().unwrap().is_empty());

    let path = format!("/v1/views/{first}");
    let delete = async |key: &str| server.request("DELETE", &path, Some(key)).send().await.unwrap();
    assert_eq!(delete(&other.key).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(delete(&reader).await.json::<Value>().await.unwrap()["id"], json!(first));
    assert_eq!(delete(&reader).await.status(), StatusCode::NOT_FOUND);
    let logged = server.get("/v1/audit-log", &tenant.key).await.to_string();
    assert!(logged.contains("view.kept") && logged.contains("view.deleted"), "{logged}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_leads_elsewhere_is_no_view() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    for address in
        ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "", "/a b"]
    {
        let body = json!({ "name": "mine", "address": address });
        let request = server.request("POST", "/v1/views", Some(&tenant.key)).json(&body);
        let (status, refused) = problem(request.send().await.unwrap()).await;
        assert_eq!(
            (status, &refused["code"], &refused["param"]),
            (StatusCode::BAD_REQUEST, &json!("SW1006"), &json!("address")),
            "{address}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_order_under_one_key_keeps_one_view_and_there_is_an_end_to_them() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let keep = async |key: &str| {
        let request = server.client.post(format!("{}/v1/views", server.url)).bearer_auth(&tenant.key);
        request.header("idempotency-key", key).json(&order()).send().await.unwrap()
    };
    let once: Value = keep("once").await.json().await.unwrap();
    assert_eq!(keep("once").await.json::<Value>().await.unwrap(), once);
    for number in 1..200 {
        assert_eq!(keep(&format!("view-{number}")).await.status(), StatusCode::CREATED);
    }
    let (status, refused) = problem(keep("one-more").await).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    assert_eq!(
        keep("once").await.json::<Value>().await.unwrap(),
        once,
        "a repetition is answered all the same"
    );
}
