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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_estimate_stores_nothing_and_rests_on_finished_runs() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let made = server.order(&tenant, 1).await;
    let order = json!({ "brief": made.brief, "generations": 1, "variants": 4 });
    let estimate = async |order: &serde_json::Value| {
        let path = "/v1/runs?dry_run=estimate";
        let response = server.request("POST", path, Some(&tenant.key)).json(order).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.json::<serde_json::Value>().await.unwrap()
    };
    let before = estimate(&order).await;
    assert_eq!((&before["object"], &before["basis"]), (&json!("run_estimate"), &json!("quotes")));
    assert_eq!((&before["currency"], &before["cap_micros"]), (&json!("USD"), &json!(10_000_000)));
    assert_eq!((&before["seconds"], &before["max_spend_micros"]), (&json!(null), &json!(null)));
    let model = &before["work"][0];
    assert_eq!((&model["kind"], &model["provider"]), (&json!("language_model"), &json!("openai")));
    assert_eq!((&model["expected_micros"], &model["high_micros"]), (&json!(1_000_000), &json!(2_000_000)));
    assert_eq!(
        (&before["work"][1]["kind"], &before["work"][1]["basis"]),
        (&json!("media"), &json!("budget"))
    );
    assert_eq!(before["cost"]["high_micros"], 10_000_000);
    assert_eq!(server.get("/v1/runs", &tenant.key).await["data"].as_array().unwrap().len(), 1);
    assert_eq!(server.get("/v1/ledger", &tenant.key).await["data"], json!([]));

    server.commit(made.run, fixtures::money(LedgerKind::Reserve, "play:1:g1", 5_000_000)).await;
    server.commit(made.run, fixtures::money(LedgerKind::Settle, "play:1:g1", 5_000_000)).await;
    server.finish(&tenant, made.run, 2).await;
    let after = estimate(&order).await;
    assert_eq!(after["basis"], "measured");
    assert_eq!(after["measured_runs"][0]["run"], json!(made.run));
    assert_eq!(after["measured_runs"][0]["media_micros"], 5_000_000);
    // Half of what the market was offered was spent.
    assert_eq!(after["work"][1]["expected_micros"], 4_500_000);
    assert!(after["seconds"]["expected"].as_f64().unwrap() >= 0.0);

    let capped =
        json!({ "brief": made.brief, "max_spend": { "amount_micros": 1_500_000, "currency": "USD" } });
    let tight = estimate(&capped).await;
    assert_eq!((&tight["cap_micros"], &tight["reaches_cap"]), (&json!(1_500_000), &json!(true)));
    assert_eq!(tight["budget_micros"], 10_000_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_ordered_with_a_cap_on_all_that_it_spends() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let brief = server.order(&tenant, 1).await.brief;
    let order = |amount: i64, currency: &str| json!({ "brief": brief, "max_spend": { "amount_micros": amount, "currency": currency } });
    let run = server.post("/v1/runs", &tenant.key, &order(3_000_000, "USD")).await;
    assert_eq!(
        (&run["money"]["budget_micros"], &run["money"]["max_spend_micros"]),
        (&json!(3_000_000), &json!(3_000_000))
    );
    let path = format!("/v1/runs/{}", run["id"].as_str().unwrap());
    assert_eq!(server.get(&path, &tenant.key).await["money"], run["money"]);
    // More than the brief's budget changes nothing.
    let wide = server.post("/v1/runs", &tenant.key, &order(30_000_000, "USD")).await;
    assert_eq!(wide["money"]["budget_micros"], 10_000_000);
    for (order, field) in
        [(order(0, "USD"), "max_spend.amount_micros"), (order(1, "CNY"), "max_spend.currency")]
    {
        for path in ["/v1/runs", "/v1/runs?dry_run=estimate"] {
            let request = server.request("POST", path, Some(&tenant.key));
            let (status, body) = problem(request.json(&order).send().await.unwrap()).await;
            assert_eq!((status, &body["param"]), (StatusCode::BAD_REQUEST, &json!(field)));
        }
    }
    let request = server.request("POST", "/v1/runs?dry_run=true", Some(&tenant.key)).json(&order(1, "USD"));
    assert_eq!(problem(request.send().await.unwrap()).await.1["param"], "dry_run");
}
