//! No panel of the dashboard asks for a metric that `serve` does not export.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![cfg(unix)]

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::process::Command;

/// Longest time for the service to start.
const PATIENCE: Duration = Duration::from_mins(1);

/// The metrics in an expression: every name that begins as ours do.
fn names(expression: &str) -> BTreeSet<String> {
    let words = expression.split(|char: char| !(char.is_ascii_alphanumeric() || char == '_'));
    words.filter(|word| word.starts_with("spotwright_")).map(str::to_owned).collect()
}

/// Expressions of panels and queries of variables.
fn expressions(dashboard: &Value) -> Vec<&str> {
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().unwrap());
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    targets
        .map(|target| target["expr"].as_str().unwrap())
        .chain(variables.iter().map(|variable| variable["query"]["query"].as_str().unwrap()))
        .collect()
}

/// Names of the samples in Prometheus text.
fn exported(text: &str) -> BTreeSet<String> {
    let samples = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    samples.map(|line| line.split(['{', ' ']).next().unwrap().to_owned()).collect()
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_metric_of_the_dashboard_is_exported_by_serve() {
    // Fails only when a provider is installed already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    let folder = tempfile::tempdir().unwrap();
    let (api, admin) = (free_address(), free_address());
    let mut command = Command::new(env!("CARGO_BIN_EXE_spotwright-fault-child"));
    command.args(["program", "serve"]).stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    command.env("SPOTWRIGHT__SERVE__PEPPER", "ab".repeat(32));
    command.env("SPOTWRIGHT__SERVE__ADDRESS", &api).env("SPOTWRIGHT__SERVE__ADMIN_ADDRESS", &admin);
    command.env("SPOTWRIGHT__SERVE__FOLDER", folder.path());
    let _service = command.spawn().unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let up = async {
        while http.get(format!("http://{admin}/readyz")).send().await.is_err() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, up).await.unwrap();
    // A request, refused for want of a key; its route is counted all the same.
    let refused = http.get(format!("http://{api}/v1/runs")).send().await.unwrap();
    assert_eq!(refused.status().as_u16(), 401);
    let text = http.get(format!("http://{admin}/metrics")).send().await.unwrap().text().await.unwrap();
    let exported = exported(&text);
    assert!(
        text.contains("spotwright_http_requests_total{method=\"GET\",route=\"/v1/runs\",status=\"401\"} 1")
    );
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/grafana/spotwright.json");
    let dashboard: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    for expression in expressions(&dashboard) {
        let names = names(expression);
        assert!(!names.is_empty(), "{expression} asks for nothing of ours");
        let missing: Vec<&String> = names.difference(&exported).collect();
        assert!(missing.is_empty(), "{expression} asks for {missing:?}, exported are {exported:?}");
    }
}
