//! Callbacks of providers: taken, refused, and for nobody.

use reqwest::StatusCode;
use serde_json::json;

use crate::harness::{Server, problem};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callbacks_are_taken_without_a_key_and_refused_without_a_signature() {
    let server = Server::start().await;
    let send = async |source: &str, body: &'static str| {
        let path = format!("/callbacks/kling/{source}");
        server.request("POST", &path, None).body(body).send().await.unwrap()
    };
    let taken = send("kling", "{}").await;
    assert_eq!(taken.status(), StatusCode::OK);
    assert_eq!(taken.json::<serde_json::Value>().await.unwrap(), json!({ "taken": true }));
    for (source, body, status, code) in [
        ("kling", "forged", StatusCode::FORBIDDEN, "SW1002"),
        ("nobody", "{}", StatusCode::NOT_FOUND, "SW1003"),
        ("away", "{}", StatusCode::SERVICE_UNAVAILABLE, "SW1015"),
    ] {
        let (told, document) = problem(send(source, body).await).await;
        assert_eq!((told, &document["code"]), (status, &json!(code)), "{source}");
    }
}
