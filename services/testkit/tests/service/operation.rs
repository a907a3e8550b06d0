//! What those who run the service rely on: readiness that tells the truth, a way back in, and `verify`.

use std::process::Stdio;

use reqwest::StatusCode;
use serde_json::json;

use crate::program::Service;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_without_its_files_is_not_ready_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::new(folder.path());
    service.operator();
    service.start(None).await;
    let (there, away) = (folder.path().join("data/artifacts"), folder.path().join("away"));
    std::fs::rename(&there, &away).unwrap();
    // What was found is believed for a second.
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    assert_eq!(service.status("/readyz").await, Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(service.status("/healthz").await, Some(StatusCode::OK));
    let admin = service.http.get(format!("http://{}/readyz", service.admin)).send().await.unwrap();
    assert_eq!(admin.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(admin.text().await.unwrap().contains("pictures and videos"));
    // Another folder in its place is not the one that the database's files are in.
    std::fs::create_dir_all(there.join("incoming")).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    assert_eq!(service.status("/readyz").await, Some(StatusCode::SERVICE_UNAVAILABLE));
    std::fs::remove_dir_all(&there).unwrap();
    std::fs::rename(&away, &there).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    assert_eq!(service.status("/readyz").await, Some(StatusCode::OK));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_whose_files_are_elsewhere_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::new(folder.path());
    service.operator();
    service.start(None).await;
    assert!(service.stop().await.success(), "{}", service.log());
    let mut command = service.command(&["serve"]);
    command.env("SPOTWRIGHT__ARTIFACTS__FOLDER", folder.path().join("elsewhere"));
    let output = command.stdout(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("artifacts.folder") && told.contains("other processes"), "{told}");
}

#[test]
fn roles_that_share_no_files_do_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::new(folder.path());
    let mut command = service.command(&["serve", "--role", "render"]);
    command.env("SPOTWRIGHT__STORE__URL", "postgres://127.0.0.1:1/none");
    command.env("SPOTWRIGHT__BUS__URL", "amqp://127.0.0.1:1/none");
    let output = command.stdout(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("artifacts.folder") && told.contains("artifacts.url"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_operator_key_is_replaced_on_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::new(folder.path());
    assert!(!service.run(&["operator", "--new-key", "--json"]).0, "there is no operator yet");
    let lost = service.operator();
    let made = |arguments: &[&str]| {
        let (good, made) = service.run(arguments);
        assert!(good, "{made}");
        made["key"].as_str().unwrap().to_owned()
    };
    let second = made(&["operator", "--new-key", "--json"]);
    let third = made(&["operator", "--new-key", "--revoke-others", "--json"]);
    assert!(!service.run(&["operator", "--json"]).0, "there is one already");
    service.start(None).await;
    for (key, expected) in
        [(&lost, StatusCode::UNAUTHORIZED), (&second, StatusCode::UNAUTHORIZED), (&third, StatusCode::OK)]
    {
        let url = format!("{}/v1/organizations", service.url());
        assert_eq!(service.http.get(url).bearer_auth(key).send().await.unwrap().status(), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_is_verified_while_it_works_and_after() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::new(folder.path());
    let operator = service.operator();
    service.start(None).await;
    let key = service.organization(&operator, "Hill Roasters").await;
    let run = service.order(&key).await;
    let (good, found) = service.run(&["verify", "--json"]);
    assert!(good && found["under_way"].as_u64().unwrap() > 0, "a run is under way: {found}");
    service.finished(&key, &run).await;
    let (good, found) = service.run(&["verify", "--objects", "--json"]);
    assert!(good && found["objects_read"].as_u64().unwrap() > 8, "{found}");
    let database = folder.path().join("data/spotwright.sqlite");
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(database).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "nobody else reads the database");

    // A picture that is gone, and a video that was altered.
    let winners = service.get(&format!("/v1/runs/{run}/variants?state=won"), &key).await;
    let video = format!("/v1/variants/{}/files/video", winners["data"][0]["id"].as_str().unwrap());
    let url = format!("{}{video}", service.url());
    let whole = service.http.get(&url).bearer_auth(&key).send().await.unwrap();
    assert_eq!(whole.status(), StatusCode::OK);
    let hash = whole.headers()["etag"].to_str().unwrap().trim_matches('"').to_owned();
    std::fs::remove_file(folder.path().join("data/artifacts").join(&hash[..2]).join(&hash)).unwrap();
    let (good, found) = service.run(&["verify", "--objects", "--json"]);
    assert!(!good && found["broken"].to_string().contains(&hash), "{found}");
    let gone = service.http.get(&url).bearer_auth(&key).send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::GONE);
    let told: serde_json::Value = serde_json::from_str(&gone.text().await.unwrap()).unwrap();
    assert_eq!((&told["code"], &told["retryable"]), (&json!("SW1025"), &json!(false)));
    assert!(service.stop().await.success());
}
