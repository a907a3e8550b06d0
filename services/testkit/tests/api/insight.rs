//! What is told of an organization as a whole, and the order of winners.

use serde_json::{Value, json};
use spotwright_core::domain::variant::VariantState;
use spotwright_core::ports::step_store::Commit;
use spotwright_schemas::ids::RunId;
use spotwright_server::outputs::{FinishedRun, winners};
use spotwright_testkit::fixtures;

use crate::harness::{Server, text};

/// Three winners that were shown: few impressions with a lucky rate, many with a good one, many with a poor
/// one.
async fn shown(server: &Server, run: RunId) {
    let mut commit = Commit::default();
    for (number, (impressions, clicks)) in (1..).zip([(40, 2), (20_000, 700), (20_000, 200)]) {
        let mut variant = fixtures::variant(run, 1, number, VariantState::Won);
        variant.body.final_render = Some(server.rendered(&format!("final {number}")));
        if let Some(score) = &mut variant.body.score {
            score.predicted_ctr = 0.01 * f64::from(number);
            score.interval = [0.005 * f64::from(number), 0.02 * f64::from(number)];
        }
        let placement = fixtures::placement(&variant);
        let mut row = fixtures::delivery(&placement);
        (row.delivery.impressions, row.delivery.clicks) = (impressions, clicks);
        commit.deliveries.push((placement.id, row));
        commit.observed.push(placement.id);
        commit.placements.push(placement);
        commit.variants.push(variant);
    }
    commit.played = Some((1, fixtures::report()));
    server.commit(run, commit).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn winners_have_the_order_and_the_numbers_of_the_file() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let run = server.order(&tenant, 1).await.run;
    shown(&server, run).await;
    let told = server.get(&format!("/v1/runs/{run}/winners"), &tenant.key).await;
    let told = told["data"].as_array().unwrap();
    let file = winners(&FinishedRun::load(&*server.store, run).await.unwrap());
    let file = serde_json::to_value(file).unwrap();
    let file = file["winners"].as_array().unwrap();
    assert_eq!((told.len(), file.len()), (3, 3));
    for (told, file) in told.iter().zip(file) {
        for field in ["variant", "generation", "number", "score"] {
            assert_eq!(told[field], file[field], "{field}");
        }
        assert_eq!(told["placement"], file["placement"]["id"]);
        assert_eq!(
            (&told["delivery"], &told["rung"]),
            (&file["placement"]["delivery"], &file["placement"]["rung"])
        );
    }
    let numbers: Vec<&Value> = told.iter().map(|row| &row["number"]).collect();
    assert_eq!(numbers[0], 2, "few impressions put nobody on top: {numbers:?}");
    assert_eq!((&told[0]["rank"], &told[0]["source"]), (&json!(1), &json!("simulated")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn predictions_are_held_against_what_came_of_them() {
    let server = Server::start().await;
    let (tenant, other) = (server.tenant("one").await, server.tenant("two").await);
    let run = server.order(&tenant, 1).await.run;
    shown(&server, run).await;
    let told = server.get("/v1/insight/calibration?bins=3", &tenant.key).await;
    assert_eq!((&told["source"], &told["ads"]), (&json!("simulated"), &json!(3)));
    assert_eq!((&told["impressions"], &told["clicks"]), (&json!(40_040), &json!(902)));
    let all = &told["models"][0];
    assert_eq!((&all["model"], &told["models"][1]["model"]), (&json!("all"), &json!("fixture")));
    let promised = 0.01 * 40.0 + 0.02 * 20_000.0 + 0.03 * 20_000.0;
    assert!((all["ratio"].as_f64().unwrap() - promised / 902.0).abs() < 1e-9, "{all}");
    let bins = all["deciles"].as_array().unwrap();
    assert_eq!(bins.iter().map(|bin| bin["impressions"].as_u64().unwrap()).sum::<u64>(), 40_040);
    assert!(bins.iter().all(|bin| bin["ctr_low"].as_f64() <= bin["ctr"].as_f64()));

    let file = server.request("GET", "/v1/insight/calibration.csv?bins=3", Some(&tenant.key));
    let file = file.send().await.unwrap().text().await.unwrap();
    assert_eq!(file.lines().count(), 1 + 2 * bins.len());
    assert!(file.starts_with("source,model,bin,") && file.contains("\r\nsimulated,fixture,1,"), "{file}");
    for path in
        ["/v1/insight/calibration?source=imported", &format!("/v1/insight/calibration?run={run}&bins=2")]
    {
        let told = server.get(path, &tenant.key).await;
        assert_eq!(told["ads"].as_u64(), Some(if path.contains("imported") { 0 } else { 3 }), "{path}");
    }
    assert_eq!(server.get("/v1/insight/calibration", &other.key).await["ads"], 0);
    for (query, field) in [("bins=1", "bins"), ("source=both", "source"), ("run=7", "run")] {
        let path = format!("/v1/insight/calibration?{query}");
        let response = server.request("GET", &path, Some(&tenant.key)).send().await.unwrap();
        assert!(response.status().is_client_error(), "{path}");
        let body: Value = response.json().await.unwrap();
        assert!(body["param"] == field || query == "run=7", "{body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_market_is_told_over_all_campaigns() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let (first, second) = (server.order(&tenant, 1).await.run, server.order(&tenant, 2).await.run);
    for run in [first, second] {
        shown(&server, run).await;
    }
    let told = server.get("/v1/insight/market", &tenant.key).await;
    assert_eq!(
        (&told["campaigns"], &told["auctions"], &told["won"]),
        (&json!(2), &json!(2_000), &json!(620))
    );
    let own = &told["currencies"][0];
    assert_eq!((&own["currency"], &own["win_rate"]), (&json!("USD"), &json!(0.31)));
    assert_eq!((&own["impressions"], &own["budget_micros"]), (&json!(80_080), &json!(16)));
    let price = json!({ "quantile": 0.25, "own_cpm_micros": 40, "market_cpm_micros": 50 });
    assert_eq!(own["prices"][0], price, "equal campaigns have the prices of each");
    assert_eq!((&own["pacing"][0]["hour"], &own["pacing"][0]["planned_micros"]), (&json!(1.0), &json!(8)));
    let row = &told["rows"][0];
    assert_eq!((text(&row["campaign"]), &row["origin"]), (format!("{second}-g1"), &json!("run")));
    assert_eq!((&row["planned_micros"], &row["pace"]), (&json!(4), &json!(0.75)));

    let one = server.get(&format!("/v1/insight/market?run={first}"), &tenant.key).await;
    assert_eq!(one["campaigns"], 1);
    let imported = server.get("/v1/insight/market?source=imported", &tenant.key).await;
    assert_eq!((&imported["campaigns"], &imported["win_rate"]), (&json!(0), &Value::Null));
    for (table, lines) in [("campaigns", 3), ("prices", 3), ("pacing", 2)] {
        let path = format!("/v1/insight/market.csv?table={table}");
        let file =
            server.request("GET", &path, Some(&tenant.key)).send().await.unwrap().text().await.unwrap();
        assert_eq!(file.lines().count(), lines, "{file}");
    }
}
