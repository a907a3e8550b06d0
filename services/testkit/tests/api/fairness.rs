//! One organization cannot take the service away from the others, nor health from those who run it.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use reqwest::{Body, RequestBuilder, Response, StatusCode};
use spotwright_api::Limits;
use tokio::time::Instant;

use crate::harness::{Server, Tenant, problem};

/// A body that begins and never ends.
fn endless() -> Body {
    let first = stream::iter([Ok::<_, std::io::Error>(b"{".to_vec())]);
    Body::wrap_stream(first.chain(stream::pending()))
}

/// Sends requests at the same time; the answers that came within a moment.
async fn sent_at_once(requests: Vec<RequestBuilder>) -> (usize, Vec<Response>) {
    let asked = requests.len();
    let tasks: Vec<_> = requests.into_iter().map(|request| tokio::spawn(request.send())).collect();
    tokio::time::sleep(Duration::from_millis(700)).await;
    let mut answered = Vec::new();
    for task in tasks {
        if task.is_finished() {
            answered.push(task.await.unwrap().unwrap());
        }
        // Those that are not finished go on in the background.
    }
    (asked - answered.len(), answered)
}

/// Another organization and health are served within a moment.
async fn others_are_served(server: &Server, other: &Tenant) {
    let began = Instant::now();
    for (path, key) in [("/healthz", None), ("/readyz", None), ("/v1/runs", Some(other.key.as_str()))] {
        let response = server.request("GET", path, key).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

fn half_sent(server: &Server, tenant: &Tenant) -> RequestBuilder {
    let request = server.request("POST", "/v1/runs", Some(&tenant.key));
    request.header("content-type", "application/json").body(endless())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_never_end_take_the_share_of_their_organization_only() {
    let server = Server::with(Limits { requests: 16, ..Limits::default() }).await;
    let (greedy, other) = (server.tenant("greedy").await, server.tenant("other").await);
    let (held, refused) = sent_at_once((0..20).map(|_| half_sent(&server, &greedy)).collect()).await;
    assert_eq!((held, refused.len()), (8, 12), "half of the places");
    for response in refused {
        assert_eq!(problem(response).await.1["code"], "SW1015");
    }
    others_are_served(&server, &other).await;
    // A second one of the kind leaves a share, too.
    let (held, _) = sent_at_once((0..20).map(|_| half_sent(&server, &other)).collect()).await;
    assert_eq!(held, 4);
    let third = server.tenant("third").await;
    others_are_served(&server, &third).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn event_streams_take_the_share_of_their_organization_only() {
    let server = Server::with(Limits { streams: 8, ..Limits::default() }).await;
    let (greedy, other) = (server.tenant("greedy").await, server.tenant("other").await);
    let follow = async |tenant: &Tenant, number: u64| {
        let made = server.order(tenant, number).await;
        let path = format!("/v1/runs/{}/events", made.run);
        let mut streams = Vec::new();
        for _ in 0..8 {
            streams.push(server.request("GET", &path, Some(&tenant.key)).send().await.unwrap());
        }
        streams
    };
    let streams = follow(&greedy, 1).await;
    let open =
        |streams: &[Response]| streams.iter().filter(|stream| stream.status() == StatusCode::OK).count();
    assert_eq!(open(&streams), 4);
    others_are_served(&server, &other).await;
    assert_eq!(open(&follow(&other, 2).await), 2);
    drop(streams);
    others_are_served(&server, &greedy).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_uploads_take_the_share_of_their_organization_only() {
    let server = Server::with(Limits { uploads: 4, ..Limits::default() }).await;
    let (greedy, other) = (server.tenant("greedy").await, server.tenant("other").await);
    let slow = || {
        let request = server.request("POST", "/v1/assets?name=cup", Some(&greedy.key));
        request.header("content-type", "image/png").body(endless())
    };
    let (held, refused) = sent_at_once((0..6).map(|_| slow()).collect()).await;
    assert_eq!((held, refused.len()), (2, 4));
    server.upload(&other, "picture").await;
    others_are_served(&server, &other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_goes_on_for_as_long_as_bytes_arrive() {
    let timeout = Duration::from_millis(400);
    let server = Server::with(Limits { timeout, ..Limits::default() }).await;
    let tenant = server.tenant("one").await;
    let upload = |parts: usize, pause: Duration| {
        let parts = stream::iter(0..parts).then(move |_| async move {
            tokio::time::sleep(pause).await;
            Ok::<_, std::io::Error>(b"picture ".to_vec())
        });
        let request = server.request("POST", "/v1/assets?name=cup", Some(&tenant.key));
        request.header("content-type", "image/png").body(Body::wrap_stream(parts)).send()
    };
    let began = Instant::now();
    assert_eq!(upload(12, timeout / 4).await.unwrap().status(), StatusCode::CREATED);
    assert!(began.elapsed() > 2 * timeout, "it was a slow upload");
    let stalled = upload(2, 10 * timeout).await.unwrap();
    assert_eq!(problem(stalled).await.1["code"], "SW1015");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_does_not_wait_for_a_body_that_does_not_come() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let task = tokio::spawn(half_sent(&server, &tenant).send());
    tokio::time::sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    server.stop.send_replace(true);
    let (status, body) = problem(task.await.unwrap().unwrap()).await;
    assert_eq!((status, &body["code"]), (StatusCode::SERVICE_UNAVAILABLE, &serde_json::json!("SW1015")));
    assert!(began.elapsed() < Duration::from_secs(5));
}
