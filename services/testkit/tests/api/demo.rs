//! A demo that its visitor removes.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Server, problem, text};
use crate::people;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_demo_is_removed_for_good_and_nothing_else_is_touched() {
    let server = Server::start().await;
    let (demo, other) = (server.tenant("demo").await, server.tenant("other").await);
    let made = server.order(&demo, 1).await;
    let (_, spare) = server.key(&demo.key, &["runs:read"]).await;
    let rival = server.order(&other, 2).await;
    let process = server.process_with_demo(demo.id).await;
    let remove = async |url: &str, key: &str| {
        server.client.delete(format!("{url}/v1/organization/demo")).bearer_auth(key).send().await.unwrap()
    };
    // Neither in a process without a demo, nor from outside, nor by who may not.
    assert_eq!(remove(&server.url, &demo.key).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(remove(&process, &other.key).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(remove(&process, &spare).await.status(), StatusCode::FORBIDDEN);
    assert!(server.control.wishes.lock().unwrap().is_empty(), "a refusal ends no run");

    let removed: Value = remove(&process, &demo.key).await.json().await.unwrap();
    assert_eq!(text(&removed["id"]), demo.id.to_string());
    assert!(removed["frozen_at"].is_string(), "{removed}");
    let wishes = format!("{:?}", server.control.wishes.lock().unwrap());
    assert!(wishes.contains(&made.run.to_string()) && !wishes.contains(&rival.run.to_string()), "{wishes}");
    for key in [&demo.key, &spare] {
        let asked = server.client.get(format!("{process}/v1/runs")).bearer_auth(key).send().await.unwrap();
        let (status, _) = problem(asked).await;
        assert!(matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN), "{status}");
    }
    let kept = server.get("/v1/runs", &other.key).await;
    assert_eq!(kept["data"][0]["id"], json!(rival.run), "nothing else is touched");
    // Who operates the service reads what became of it.
    let organization = server.get(&format!("/v1/organizations/{}", demo.id), &server.operator).await;
    assert!(organization["frozen_at"].is_string());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_its_people_only_owners_remove_a_demo() {
    let server = Server::start().await;
    let demo = server.tenant("demo").await;
    let owner = people::member(&server, &demo, "owner@example.com", "owner").await;
    let admin = people::member(&server, &demo, "admin@example.com", "admin").await;
    let process = server.process_with_demo(demo.id).await;
    let remove = async |who: &people::SignedIn| {
        let request = server.client.delete(format!("{process}/v1/organization/demo"));
        who.sends(request).send().await.unwrap()
    };
    assert_eq!(remove(&admin).await.status(), StatusCode::FORBIDDEN);
    let without_token = server.client.delete(format!("{process}/v1/organization/demo"));
    let forged = without_token.header("cookie", &owner.cookie).send().await.unwrap();
    assert_eq!(forged.status(), StatusCode::FORBIDDEN, "another site cannot remove it");
    let removed = remove(&owner).await;
    assert_eq!(removed.status(), StatusCode::OK);
    let cookie = removed.headers()["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("Max-Age=0"), "{cookie}");
    let after = owner.sends(server.client.get(format!("{process}/v1/runs"))).send().await.unwrap();
    assert!(matches!(after.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN), "{}", after.status());
}
