//! The log of an organization over REST, its requests, and where a key stands with its rate.

use reqwest::StatusCode;
use serde_json::json;
use spotwright_api::Limits;
use spotwright_core::ports::step_store::Commit;

use crate::harness::{Server, problem, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_holds_all_runs_in_pages_that_go_on() {
    let server = Server::start().await;
    let (tenant, stranger) = (server.tenant("one").await, server.tenant("other").await);
    let (first, second) = (server.order(&tenant, 1).await.run, server.order(&tenant, 2).await.run);
    server.order(&stranger, 3).await;
    server.finish(&tenant, first, 2).await;
    let page = server.get("/v1/events?limit=2", &tenant.key).await;
    assert_eq!((page["data"].as_array().unwrap().len(), &page["has_more"]), (2, &json!(true)));
    let path = format!("/v1/events?cursor={}", text(&page["next_cursor"]));
    let rest = server.get(&path, &tenant.key).await;
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["has_more"]), (1, &json!(false)));
    assert_eq!(rest["data"][0]["event"]["type"], "spotwright.run.finished.v1");
    let end = format!("/v1/events?cursor={}", text(&rest["next_cursor"]));
    assert!(server.get(&end, &tenant.key).await["data"].as_array().unwrap().is_empty());
    server.finish(&tenant, second, 2).await;
    let more = server.get(&end, &tenant.key).await;
    assert_eq!(
        more["data"][0]["event"]["subject"],
        second.to_string(),
        "the same cursor finds what came since"
    );

    let of_run = server.get(&format!("/v1/events?run={first}"), &tenant.key).await;
    assert_eq!(of_run["data"].as_array().unwrap().len(), 2);
    let ends = server.get("/v1/events?types=spotwright.run.finished.v1", &tenant.key).await;
    assert_eq!(ends["data"].as_array().unwrap().len(), 2);
    for (query, field) in [("types=run.finished", "types"), ("limit=0", "limit"), ("cursor=AAAA", "cursor")] {
        let refused = server.request("GET", &format!("/v1/events?{query}"), Some(&tenant.key)).send().await;
        let (status, body) = problem(refused.unwrap()).await;
        assert_eq!((status, &body["param"]), (StatusCode::BAD_REQUEST, &json!(field)), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_stream_of_an_organization_begins_now_or_where_it_was_left() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let run = server.order(&tenant, 1).await.run;
    let mut stream = server.request("GET", "/v1/events/stream", Some(&tenant.key)).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let messages = vec![Server::message(&tenant, run, 2)];
    server.commit(run, Commit { messages, ..Commit::default() }).await;
    let mut read = String::new();
    while !read.contains("\n\n") {
        read.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert!(read.contains("\"sequence\":2") && !read.contains("\"sequence\":1,"), "{read}");
    let id = read.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();

    let follow = |last: &str| {
        let request = server.request("GET", "/v1/events/stream", Some(&tenant.key));
        request.header("last-event-id", last.to_owned()).send()
    };
    let mut from_the_start = follow("0").await.unwrap();
    let mut read = String::new();
    while read.matches("\n\n").count() < 2 {
        read.push_str(std::str::from_utf8(&from_the_start.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert!(read.contains(&format!("id: {id}\n")), "{read}");
    server.finish(&tenant, run, 3).await;
    let mut further = follow(&id).await.unwrap();
    let first = further.chunk().await.unwrap().unwrap();
    assert!(std::str::from_utf8(&first).unwrap().contains("event: spotwright.run.finished.v1"));
    let (status, body) = problem(follow("yesterday").await.unwrap()).await;
    assert_eq!((status, &body["param"]), (StatusCode::BAD_REQUEST, &json!("last-event-id")));
    server.stop.send_replace(true);
    while further.chunk().await.unwrap().is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_seen_and_keys_know_where_they_stand() {
    let server = Server::with(Limits { requests_per_second: 4, ..Limits::default() }).await;
    let (tenant, stranger) = (server.tenant("one").await, server.tenant("other").await);
    let answer = server.request("GET", "/v1/runs", Some(&tenant.key)).send().await.unwrap();
    assert_eq!(answer.headers()["ratelimit-policy"], "\"key\";q=4;w=1");
    assert_eq!(answer.headers()["ratelimit"], "\"key\";r=3;t=1");
    let missing = format!("/v1/runs/{}", uuid::Uuid::nil());
    let missing = server.request("GET", &missing, Some(&tenant.key)).header("x-request-id", "mine");
    let missing = missing.send().await.unwrap();
    assert_eq!(missing.headers()["ratelimit"], "\"key\";r=2;t=1", "on a problem as well");
    server.clock.advance_micros(10_000_000);
    for _ in 0..4 {
        server.get("/v1/organization", &tenant.key).await;
    }
    let refused = server.request("GET", "/v1/organization", Some(&tenant.key)).send().await.unwrap();
    assert_eq!(refused.headers()["ratelimit"], "\"key\";r=0;t=1");
    assert_eq!(problem(refused).await.0, StatusCode::TOO_MANY_REQUESTS);
    server.clock.advance_micros(10_000_000);
    let seen = server.get("/v1/requests?limit=3", &tenant.key).await;
    let newest = &seen["data"][0];
    assert_eq!((&newest["route"], &newest["status"]), (&json!("/v1/organization"), &json!(429)));
    assert_eq!((&newest["code"], &newest["key"]), (&json!("SW1013"), &json!(tenant.key_id)));
    assert_eq!(seen["has_more"], true);
    let path = format!("/v1/requests?cursor={}", text(&seen["next_cursor"]));
    let rest = server.get(&path, &tenant.key).await;
    let found = rest["data"].as_array().unwrap().iter().find(|seen| seen["id"] == "mine").unwrap();
    assert_eq!((&found["route"], &found["code"]), (&json!("/v1/runs/{id}"), &json!("SW1003")));
    let own = server.get("/v1/requests", &stranger.key).await;
    assert_eq!(own["data"].as_array().unwrap().len(), 0, "nobody sees another's requests");
    let page = server.request("GET", "/docs", None).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let other = server.request("GET", "/docs/other.js", None).send().await.unwrap();
    assert_eq!(problem(other).await.0, StatusCode::NOT_FOUND);
}
