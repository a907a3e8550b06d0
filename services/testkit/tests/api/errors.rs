//! Every error has one form, whoever made it.

use reqwest::StatusCode;
use serde_json::json;
use spotwright_api::Limits;

use crate::harness::{Server, brief_order, problem, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_bad_request_is_a_problem_with_its_code_and_field() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let made = server.order(&tenant, 1).await;
    let key = Some(tenant.key.as_str());
    let json = |body: &str| {
        let request = server.request("POST", "/v1/runs", key);
        request.header("content-type", "application/json").body(body.to_owned())
    };
    let get = |path: &str| server.request("GET", path, key);
    let cases = [
        (get("/v2/runs"), 404, "SW1003", ""),
        (get("/v1/runs/../../etc/passwd%00"), 404, "SW1003", ""),
        (get("/v1/runs/%ff"), 400, "SW1005", ""),
        (get("/v1/runs/not-an-id"), 404, "SW1003", ""),
        (server.request("DELETE", "/v1/runs", key), 405, "SW1004", ""),
        (get("/v1/runs?limit=0"), 400, "SW1006", "limit"),
        (get("/v1/runs?limit=-1"), 400, "SW1005", "limit"),
        (get("/v1/runs?page=2"), 400, "SW1005", ""),
        (get("/v1/runs?cursor=AAAA"), 400, "SW1012", "cursor"),
        (get(&format!("/v1/runs/{}/variants?state=good", made.run)), 400, "SW1005", "state"),
        (
            get(&format!("/v1/runs/{}/events", made.run)).header("last-event-id", "x"),
            400,
            "SW1005",
            "last-event-id",
        ),
        (json("{"), 400, "SW1005", ""),
        (json(""), 400, "SW1005", ""),
        (json("[]"), 400, "SW1005", ""),
        (json(&json!([made.brief, 1, 1]).to_string()), 400, "SW1005", ""),
        (get("/v1/runs?cursor="), 400, "SW1012", "cursor"),
        (
            get(&format!("/v1/runs/{}/events", made.run)).header("last-event-id", "999"),
            400,
            "SW1006",
            "last-event-id",
        ),
        (json(r#"{"brief":1}"#), 400, "SW1005", "brief"),
        (json(r#"{"brief":"00000000-0000-0000-0000-000000000000","x":1}"#), 400, "SW1005", "x"),
        (json(&json!({ "brief": made.brief, "generations": 21 }).to_string()), 400, "SW1006", "generations"),
        (
            json(&json!({ "brief": made.brief, "variants": 2, "winners": 3 }).to_string()),
            400,
            "SW1006",
            "winners",
        ),
        (json(&json!({ "brief": made.brief, "seed": 1_u64 << 53 }).to_string()), 400, "SW1006", "seed"),
        (json(&json!({ "brief": made.asset }).to_string()), 404, "SW1003", ""),
        (json(&" ".repeat(400_000)), 413, "SW1010", ""),
        (server.request("POST", "/v1/runs", key).body("{}"), 415, "SW1011", "content-type"),
        (server.request("POST", "/v1/assets", key).header("content-type", "image/png"), 400, "SW1005", ""),
        (
            server.request("POST", "/v1/assets?name=a", key).header("content-type", "text/csv").body("no"),
            415,
            "SW1011",
            "content-type",
        ),
        (
            server.request("POST", "/v1/assets?name=a%0Ab", key).header("content-type", "image/png"),
            400,
            "SW1006",
            "name",
        ),
        (
            server.request("POST", "/v1/assets?name=a", key).header("content-type", "image/png").body("no"),
            422,
            "SW0203",
            "body",
        ),
    ];
    for (request, status, code, param) in cases {
        let response = request.send().await.unwrap();
        let allow = response.headers().get("allow").cloned();
        let (given, body) = problem(response).await;
        assert_eq!((given.as_u16(), text(&body["code"]).as_str()), (status, code), "{body}");
        assert!(param.is_empty() || body["param"] == param, "{body}");
        assert_eq!(allow.is_some(), status == 405);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_brief_is_told_by_its_field() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let asset = server.upload(&tenant, "picture").await;
    let with = |pointer: &str, value: serde_json::Value| {
        let mut order = brief_order(&asset);
        *order.pointer_mut(pointer).unwrap() = value;
        order
    };
    let mut lonely = brief_order(&asset);
    lonely["assets"]["other.png"] = json!(asset);
    let cases = [
        (
            with("/brief/destination_url", json!("http://example.com/")),
            422,
            "SW0106",
            "brief.destination_url",
        ),
        (
            with("/brief/product/facts/0/evidence", json!(null)),
            422,
            "SW0107",
            "brief.product.facts[0].evidence",
        ),
        (with("/brief/locale", json!("xx")), 422, "SW0105", "brief.locale"),
        (with("/brief", json!("text")), 422, "SW0105", "brief"),
        (with("/brief/product", json!(["Tea", "tea"])), 422, "SW0105", "brief.product"),
        (with("/assets", json!({})), 422, "SW0202", "brief.product.pictures[0].file"),
        (
            with("/assets/tea.png", json!("00000000-0000-0000-0000-000000000000")),
            422,
            "SW0202",
            "assets.tea.png",
        ),
        (lonely, 400, "SW1006", "assets.other.png"),
    ];
    for (order, status, code, param) in cases {
        let response =
            server.request("POST", "/v1/briefs", Some(&tenant.key)).json(&order).send().await.unwrap();
        let (given, body) = problem(response).await;
        assert_eq!((given.as_u16(), text(&body["code"]).as_str()), (status, code), "{body}");
        assert_eq!(body["param"], param, "{body}");
    }
    assert_eq!(server.get("/v1/briefs", &tenant.key).await["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_a_problem_and_the_service_lives_on() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let made = server.order(&tenant, 1).await;
    let order = json!({ "brief": made.brief, "seed": 666 });
    let request = || server.request("POST", "/v1/runs", Some(&tenant.key)).header("x-request-id", "mine-1");
    for _ in 0..2 {
        let (status, body) = problem(request().json(&order).send().await.unwrap()).await;
        assert_eq!((status, &body["code"]), (StatusCode::INTERNAL_SERVER_ERROR, &json!("SW1017")));
        assert_eq!(body["request_id"], "mine-1");
    }
    assert_eq!(server.get("/v1/runs", &tenant.key).await["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_ids_are_taken_over_when_they_are_plain() {
    let server = Server::start().await;
    let answer = async |id: &str| {
        let request = server.request("GET", "/healthz", None).header("x-request-id", id);
        request.send().await.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(answer("abc-1.2_3").await, "abc-1.2_3");
    let (one, other) = (answer("<script>").await, answer(&"x".repeat(65)).await);
    assert_eq!((one.len(), other.len()), (32, 32));
    assert_ne!(one, other);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_sends_too_much_waits_and_others_do_not() {
    let server = Server::with(Limits { requests_per_second: 5, ..Limits::default() }).await;
    let (one, other) = (server.tenant("one").await, server.tenant("other").await);
    let get = async |key: &str| server.request("GET", "/v1/runs", Some(key)).send().await.unwrap();
    for _ in 0..5 {
        assert_eq!(get(&one.key).await.status(), StatusCode::OK);
    }
    let (status, body) = problem(get(&one.key).await).await;
    assert_eq!((status, &body["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("SW1013")));
    assert_eq!(get(&other.key).await.status(), StatusCode::OK);
    server.clock.advance_micros(1_000_000);
    assert_eq!(get(&one.key).await.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_requests_than_allowed_are_turned_away_at_once_and_health_is_not() {
    let server = Server::with(Limits { requests: 0, ..Limits::default() }).await;
    let response = server.request("GET", "/v1/organizations", Some(&server.operator)).send().await.unwrap();
    let (status, body) = problem(response).await;
    assert_eq!((status, &body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("SW1015")));
    for path in ["/healthz", "/readyz", "/openapi.json"] {
        assert_eq!(server.request("GET", path, None).send().await.unwrap().status(), StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_takes_too_long_is_given_up() {
    let timeout = std::time::Duration::from_millis(300);
    let server = Server::with(Limits { timeout, ..Limits::default() }).await;
    // A body that never comes.
    let body = reqwest::Body::wrap_stream(futures_util::stream::pending::<std::io::Result<Vec<u8>>>());
    let request = server.request("POST", "/v1/organizations", Some(&server.operator));
    let response = request.header("content-type", "application/json").body(body).send().await.unwrap();
    let (status, body) = problem(response).await;
    assert_eq!((status, &body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("SW1015")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_error_page_is_served() {
    let server = Server::start().await;
    for code in spotwright_schemas::error::Code::ALL {
        let response = server.request("GET", &format!("/errors/{code}"), None).send().await.unwrap();
        assert_eq!(response.text().await.unwrap(), code.page());
    }
    let (status, _) = problem(server.request("GET", "/errors/SW9999", None).send().await.unwrap()).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    server.stop.send_replace(true);
    let (status, _) = problem(server.request("GET", "/readyz", None).send().await.unwrap()).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
}
