//! Reports: ordered, made in the background, fetched until they expire.

use reqwest::StatusCode;
use serde_json::{Value, json};
use spotwright_core::domain::report::KEPT;
use spotwright_core::domain::variant::VariantState;
use spotwright_core::ports::step_store::{Commit, LedgerKind};
use spotwright_core::spine::ReportMaker;
use spotwright_insight::elements::Elements;
use spotwright_observations::table_file::TableFile;
use spotwright_schemas::ids::RunId;
use spotwright_schemas::script::Hook;
use spotwright_testkit::fixtures;

use crate::harness::{Server, Tenant, problem};

/// Makes everything that was ordered.
pub(crate) async fn make(server: &Server) {
    let maker = ReportMaker {
        accounts: server.store.clone(),
        observations: server.store.clone(),
        artifacts: server.artifacts.clone(),
        clock: server.clock.clone(),
        analysis: std::sync::Arc::new(Elements),
        writer: std::sync::Arc::new(TableFile),
    };
    while maker.turn().await.unwrap() {}
}

/// Orders a report and makes it; returns its id.
pub(crate) async fn made(server: &Server, tenant: &Tenant) -> String {
    let ordered = server.post("/v1/reports", &tenant.key, &order("performance", "csv", None)).await;
    make(server).await;
    ordered["report"]["id"].as_str().unwrap().to_owned()
}

pub(crate) fn order(kind: &str, format: &str, run: Option<RunId>) -> Value {
    json!({ "kind": kind, "format": format, "filters": { "source": "simulated", "run": run } })
}

/// Six variants of one generation that were shown: those that ask a question do better.
async fn shown(server: &Server, run: RunId) {
    let mut commit = Commit::default();
    for number in 1..=6 {
        let mut variant = fixtures::variant(run, 1, number, VariantState::Won);
        let asks = number % 2 == 0;
        variant.body.script.direction.hook = if asks { Hook::Question } else { Hook::Number };
        let placement = fixtures::placement(&variant);
        let mut row = fixtures::delivery(&placement);
        row.delivery.impressions = 10_000;
        row.delivery.clicks = u64::from(number) + if asks { 300 } else { 200 };
        commit.deliveries.push((placement.id, row));
        commit.observed.push(placement.id);
        commit.placements.push(placement);
        commit.variants.push(variant);
    }
    server.commit(run, commit).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_on_elements_is_made_in_the_background_and_expires() {
    let server = Server::start().await;
    let (tenant, other) = (server.tenant("one").await, server.tenant("two").await);
    let run = server.order(&tenant, 1).await.run;
    shown(&server, run).await;
    let body = order("elements", "json", Some(run));
    let request = || {
        let request = server.client.post(format!("{}/v1/reports", server.url)).bearer_auth(&tenant.key);
        request.header("idempotency-key", "report-1").json(&body).send()
    };
    let ordered = request().await.unwrap();
    assert_eq!(ordered.status(), StatusCode::ACCEPTED);
    let location = ordered.headers()["location"].to_str().unwrap().to_owned();
    let ordered: Value = ordered.json().await.unwrap();
    assert_eq!(
        (&ordered["operation"]["stage"], &ordered["operation"]["charge_micros"]),
        (&json!("queued"), &json!(0))
    );
    assert_eq!(
        (&ordered["report"]["kind"], &ordered["report"]["download"]),
        (&json!("elements"), &json!(null))
    );
    let again = request().await.unwrap();
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap()["report"]["id"], ordered["report"]["id"]);
    let id = ordered["report"]["id"].as_str().unwrap();
    let content = format!("/v1/reports/{id}/content");
    let early = server.request("GET", &content, Some(&tenant.key)).send().await.unwrap();
    assert_eq!(early.status(), StatusCode::NOT_FOUND);

    make(&server).await;
    let operation = server.get(&location, &tenant.key).await;
    assert_eq!((&operation["stage"], &operation["progress"]), (&json!("done"), &json!(1.0)));
    assert_eq!((&operation["result"], &operation["error"]), (&json!(id), &json!(null)));
    let report = server.get(&format!("/v1/reports/{id}"), &tenant.key).await;
    assert_eq!(report["download"], json!(content));
    let document = server.get(&content, &tenant.key).await;
    let rows = document["data"].as_array().unwrap();
    assert_eq!(report["rows"], json!(rows.len()));
    let row = |element: &str, value: &str| {
        rows.iter().find(|row| row["element"] == element && row["value"] == value).unwrap()
    };
    let question = row("hook", "question");
    assert_eq!((&question["source"], &question["variants"]), (&json!("simulated"), &json!(3)));
    assert_eq!((&question["impressions"], &question["clicks"]), (&json!(30_000), &json!(912)));
    assert!((question["lift"].as_f64().unwrap() - 0.50).abs() < 0.02, "{question}");
    assert!(question["lift_low"].as_f64().unwrap() > 0.0 && question["significant"] == json!(true));
    assert!(question["p_value"].as_f64() <= question["p_adjusted"].as_f64());
    // All have one voice, which is none: there is nothing to compare.
    let voice = row("voice", "none");
    assert_eq!(
        (&voice["variants"], &voice["lift"], &voice["significant"]),
        (&json!(6), &json!(null), &json!(false))
    );

    for path in [&content, &location, &format!("/v1/reports/{id}")] {
        let missing = server.request("GET", path, Some(&other.key)).send().await.unwrap();
        assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    }
    // The database's clock is the world's own, and the service's stands at the beginning of time.
    server.clock.advance_micros(2_000_000_000_000_000 + KEPT);
    let expired = server.request("GET", &content, Some(&tenant.key)).send().await.unwrap();
    assert_eq!(expired.status(), StatusCode::GONE);
    assert_eq!(server.get(&format!("/v1/reports/{id}"), &tenant.key).await["state"], "expired");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn performance_and_ledger_are_files_of_their_own() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let run = server.order(&tenant, 1).await.run;
    shown(&server, run).await;
    server.commit(run, fixtures::money(LedgerKind::Reserve, "play:1:g1", 5_000_000)).await;
    server.commit(run, fixtures::money(LedgerKind::Settle, "play:1:g1", 4_000_000)).await;
    let fetched = async |body: Value| -> (String, String) {
        let ordered = server.post("/v1/reports", &tenant.key, &body).await;
        make(&server).await;
        let path = format!("/v1/reports/{}/content", ordered["report"]["id"].as_str().unwrap());
        let response = server.request("GET", &path, Some(&tenant.key)).send().await.unwrap();
        let media = response.headers()["content-type"].to_str().unwrap().to_owned();
        (media, response.text().await.unwrap())
    };
    let (media, csv) = fetched(order("performance", "csv", None)).await;
    assert_eq!(media, "text/csv; charset=utf-8");
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 7);
    assert!(lines[0].starts_with("source,run,generation,number,variant,product,impressions,clicks,ctr"));
    assert!(lines[1].starts_with(&format!("simulated,{run},1,1,")), "{}", lines[1]);
    let (media, document) = fetched(order("ledger", "json", Some(run))).await;
    assert_eq!(media, "application/json");
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["data"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&document["data"][0]["entry"], &document["data"][0]["source"]),
        (&json!("settle"), &json!("simulated"))
    );
    let (_, csv) = fetched(order("variants", "csv", Some(run))).await;
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 7);
    assert!(lines[2].contains(",1,2,") && lines[2].contains(",won,question,benefit,"), "{}", lines[2]);
    let (_, csv) = fetched(order("variants", "csv", None)).await;
    assert_eq!(csv.lines().count(), 7, "of all runs");
    let (_, csv) = fetched(order("observations", "csv", None)).await;
    assert_eq!(csv.lines().count(), 7);
    assert!(csv.lines().nth(1).unwrap().starts_with("simulated,,placement:"), "{csv}");
    let listed = server.get("/v1/reports?limit=1", &tenant.key).await;
    assert_eq!((&listed["data"][0]["kind"], &listed["has_more"]), (&json!("observations"), &json!(true)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_is_wrong_is_refused_at_once() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let refused = async |body: Value| {
        let request = server.request("POST", "/v1/reports", Some(&tenant.key));
        problem(request.json(&body).send().await.unwrap()).await
    };
    let missing = refused(order("elements", "json", Some(RunId::derive(9, "run", 9)))).await;
    assert_eq!(missing.0, StatusCode::NOT_FOUND);
    let mut days = order("ledger", "csv", None);
    days["filters"]["from"] = json!("2026-02-30");
    assert_eq!(refused(days).await.1["param"], "filters.from");
    assert_eq!(refused(order("elements", "xml", None)).await.1["param"], "format");
    let run = server.order(&tenant, 1).await.run;
    assert_eq!(refused(order("observations", "csv", Some(run))).await.1["param"], "filters.run");
    let no_source = json!({ "kind": "elements", "format": "csv", "filters": {} });
    assert_eq!(refused(no_source).await.0, StatusCode::BAD_REQUEST);
    // Who may read results and no runs may not read the ledger either.
    let (_, narrow) = server.key(&tenant.key, &["results:read"]).await;
    let request = server.request("POST", "/v1/reports", Some(&narrow));
    let (status, body) = problem(request.json(&order("ledger", "csv", None)).send().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (StatusCode::FORBIDDEN, &json!("SW1002")));
}
