//! The ledger, usage and campaigns of an organization.

use reqwest::StatusCode;
use serde_json::json;
use spotwright_core::ports::step_store::LedgerKind;
use spotwright_testkit::fixtures;

use crate::harness::{Server, problem};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ledger_is_a_list_and_a_file() {
    let server = Server::start().await;
    let (tenant, other) = (server.tenant("one").await, server.tenant("two").await);
    let run = server.order(&tenant, 1).await.run;
    server.commit(run, fixtures::money(LedgerKind::Reserve, "play:1:g1", 5_000_000)).await;
    server.commit(run, fixtures::money(LedgerKind::Settle, "play:1:g1", 4_000_000)).await;

    let list = server.get("/v1/ledger", &tenant.key).await;
    let lines = list["data"].as_array().unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["entry"], "settle");
    assert_eq!(lines[0]["amount_micros"], 4_000_000);
    assert_eq!((&lines[0]["currency"], &lines[0]["source"]), (&json!("USD"), &json!("simulated")));
    assert_eq!(lines[0]["reserve"], lines[1]["reserve"]);
    let one = server.get("/v1/ledger?limit=1", &tenant.key).await;
    let cursor = one["next_cursor"].as_str().unwrap();
    let next = server.get(&format!("/v1/ledger?limit=1&cursor={cursor}"), &tenant.key).await;
    assert_eq!(next["data"][0], lines[1]);
    // A cursor belongs to the reading that it came from.
    let path = format!("/v1/ledger?cursor={cursor}&run={run}");
    let strange = server.request("GET", &path, Some(&tenant.key)).send().await.unwrap();
    assert_eq!(problem(strange).await.1["param"], "cursor");

    let csv = server.request("GET", "/v1/ledger.csv", Some(&tenant.key)).send().await.unwrap();
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8");
    let text = csv.text().await.unwrap();
    assert_eq!(text.lines().next(), Some("at,run,entry,amount_micros,currency,source,provider,reserve"));
    assert!(text.contains(&format!("{run},settle,4000000,USD,simulated,,play:1:g1")), "{text}");

    let usage = server.get("/v1/usage", &tenant.key).await;
    let settled = json!([{
        "currency": "USD", "source": "simulated", "provider": null, "settlements": 1,
        "settled_micros": 4_000_000
    }]);
    assert_eq!(usage, json!({ "settled": settled, "reserved": [] }));

    assert_eq!(server.get("/v1/ledger", &other.key).await["data"], json!([]));
    let path = format!("/v1/ledger?run={run}");
    let missing = server.request("GET", &path, Some(&other.key)).send().await.unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    let unknown = server.request("GET", "/v1/ledger?run=7", Some(&tenant.key)).send().await.unwrap();
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    for (query, field) in [
        ("from=yesterday", "from"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
        ("from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "to"),
    ] {
        let path = format!("/v1/ledger?{query}");
        let refused = server.request("GET", &path, Some(&tenant.key)).send().await.unwrap();
        let (_, problem) = problem(refused).await;
        assert_eq!(problem["param"], field, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_lists_its_campaigns_and_a_variant_its_script() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let run = server.order(&tenant, 1).await.run;
    let variant = server.win(run).await;
    let campaigns = server.get(&format!("/v1/runs/{run}/campaigns"), &tenant.key).await;
    let campaigns = campaigns["data"].as_array().unwrap();
    assert_eq!(campaigns.len(), 1);
    assert_eq!((&campaigns[0]["source"], &campaigns[0]["generation"]), (&json!("simulated"), &json!(1)));
    assert_eq!(campaigns[0]["placements"][0]["variant"], variant);
    let whole = server.get(&format!("/v1/variants/{variant}"), &tenant.key).await;
    let script = server.get(&format!("/v1/variants/{variant}/script"), &tenant.key).await;
    assert_eq!(script, whole["script"]);
    let storyboard = server.get(&format!("/v1/variants/{variant}/storyboard"), &tenant.key).await;
    assert_eq!(storyboard, whole["storyboard"]);
}
