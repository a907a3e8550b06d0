//! Experiments on imported results, tests that were run elsewhere, and attribution to elements, over REST.

use reqwest::StatusCode;
use serde_json::{Value, json};
use spotwright_core::spine::DayStep;
use spotwright_market::experiment::KnownEffects;
use spotwright_market::simulator::{Options, Simulator};

use crate::experiments::{self, days, list, play};
use crate::harness::{Server, Tenant, problem, text};

/// A market whose arm B does better.
fn market() -> KnownEffects {
    KnownEffects { market: Simulator::new(Options::default()).unwrap(), log_odds: vec![0.0, 0.6] }
}

/// Hands in a day of both advertisements; `clicks` of 10,000 impressions each.
async fn report(server: &Server, tenant: &Tenant, day: u32, clicks: [u64; 2]) {
    let date = format!("2026-09-{:02}", 6 + day);
    let row = |ad: &str, clicks: u64| {
        json!({ "ad_id": ad, "start": date, "impressions": 10_000, "clicks": clicks, "conversions": (clicks / 10).to_string(),
            "spend": "25.00" })
    };
    let batch = json!({
        "platform": "meta", "currency": "USD", "time_zone": "America/New_York",
        "observations": [row("120", clicks[0]), row("121", clicks[1])],
    });
    server.post("/v1/observations/batch", &tenant.key, &batch).await;
}

/// An order on imported results: the second arm is of a variant, the first one was there before.
fn order(run: &str, variant: &str) -> Value {
    json!({
        "name": "old or new", "run": run, "source": "imported", "starts_on": "2026-09-07",
        "hypothesis": "the new one earns more clicks", "primary": "ctr", "smallest_effect": 0.2,
        "guardrails": [{ "metric": "cvr", "margin": 0.5 }],
        "arms": [
            { "name": "old", "external_ads": [{ "platform": "meta", "id": "120" }] },
            { "name": "new", "variant": variant, "external_ads": [{ "platform": "meta", "id": "121" }] },
        ],
        "stopping": { "minimum_days": 7, "maximum_days": 9 },
    })
}

/// Reads all days that are there, as often as the claims of days that are awaited end.
async fn read(server: &Server) -> usize {
    // Longer than a claim holds.
    server.clock.advance_micros(180_000_000);
    play(&days(server, market())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imported_results_are_read_day_by_day_and_corrections_count() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let run = server.order(&tenant, 1).await.run;
    let variant = server.win(run).await;
    let made = server.post("/v1/experiments", &tenant.key, &order(&run.to_string(), &variant)).await;
    assert_eq!((&made["source"], &made["design"]["starts_on"]), (&json!("imported"), &json!("2026-09-07")));
    assert_eq!(made["design"]["arms"][0]["variant"], Value::Null);
    assert_eq!(made["design"]["arms"][1]["external_ads"][0]["id"], "121");
    let path = format!("/v1/experiments/{}", text(&made["id"]));
    server.post(&format!("{path}/start"), &tenant.key, &json!({})).await;
    assert_eq!(read(&server).await, 0, "nothing was handed in");
    server.clock.advance_micros(180_000_000);
    let days = days(&server, market());
    assert_eq!(days.step().await.unwrap(), DayStep::Awaited, "others that are due are looked for at once");
    assert_eq!(days.step().await.unwrap(), DayStep::Idle, "its claim has not ended");
    report(&server, &tenant, 1, [100, 100]).await;
    assert_eq!(read(&server).await, 1, "one day is there");
    let first = list(&server, &tenant, &format!("{path}/readouts")).await.remove(0);
    assert_eq!((&first["source"], &first["arms"][1]["clicks"]), (&json!("imported"), &json!(100)));
    assert_eq!((&first["srm"]["p_value"], &first["segments"]), (&Value::Null, &Value::Null));
    // Day 1 is corrected, and the others come.
    report(&server, &tenant, 1, [100, 150]).await;
    for day in 2..=9 {
        report(&server, &tenant, day, [100, 150]).await;
    }
    assert_eq!(read(&server).await, 8);
    let read_outs = list(&server, &tenant, &format!("{path}/readouts")).await;
    assert_eq!(read_outs[1]["arms"][1]["clicks"], 300, "the corrected day counts");
    let verdicts: Vec<String> = read_outs.iter().map(|read| text(&read["standing"]["verdict"])).collect();
    assert!(verdicts[..6].iter().all(|verdict| verdict == "too_early"), "{verdicts:?}");
    assert!(verdicts[6..].iter().all(|verdict| verdict == "winner"), "{verdicts:?}");
    let last = &read_outs[8];
    assert_eq!(last["standing"]["arm"], "new");
    assert!((last["comparisons"][0]["lift"].as_f64().unwrap() - 0.5).abs() < 1e-9);
    assert_eq!((&last["arms"][0]["spend_micros"], &last["currency"]), (&json!(225_000_000), &json!("USD")));
    assert!(text(&last["notes"][0]["zh"]).contains("没有用户"));
    let ended = server.get(&path, &tenant.key).await;
    assert_eq!((&ended["state"], &ended["stopped_because"]), (&json!("stopped"), &json!("maximum_days")));
    let told = list(&server, &tenant, "/v1/events?types=spotwright.experiment.readout.v1&limit=200").await;
    assert_eq!(told.len(), 9);
    assert!(
        told.iter().all(|row| row["event"]["data"]["source"] == "imported"),
        "every event says who measured"
    );
    let csv = server
        .request("GET", &format!("{path}/readouts?format=csv"), Some(&tenant.key))
        .send()
        .await
        .unwrap();
    let csv = csv.text().await.unwrap();
    assert!(csv.lines().skip(1).all(|line| line.starts_with("imported,")), "{csv}");
    let log = server.request("GET", &format!("{path}/exposures"), Some(&tenant.key)).send().await.unwrap();
    let (status, body) = problem(log).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("SW1050")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_of_other_organizations_and_of_the_market_are_not_read() {
    let server = Server::start().await;
    let (tenant, stranger) = (server.tenant("one").await, server.tenant("other").await);
    let run = server.order(&tenant, 1).await.run;
    let variant = server.win(run).await;
    for day in 1..=9 {
        report(&server, &stranger, day, [100, 150]).await;
    }
    let made = server.post("/v1/experiments", &tenant.key, &order(&run.to_string(), &variant)).await;
    let path = format!("/v1/experiments/{}", text(&made["id"]));
    server.post(&format!("{path}/start"), &tenant.key, &json!({})).await;
    assert_eq!(read(&server).await, 0, "the ads of the same ids are a stranger's");
    let other = json!({ "weights": [1, 2], "reason": "more" });
    let refused = server.request("POST", &format!("{path}/allocation"), Some(&tenant.key)).json(&other);
    assert_eq!(problem(refused.send().await.unwrap()).await.0, StatusCode::CONFLICT);
    for (change, param) in [
        (json!({ "starts_on": null }), "starts_on"),
        (json!({ "primary": "cpc" }), "primary"),
        (json!({ "source": "simulated", "starts_on": null }), "arms[0].variant"),
        (json!({ "holdout": 0.1 }), "holdout"),
    ] {
        let mut body = order(&run.to_string(), &variant);
        for (name, value) in change.as_object().unwrap() {
            body[name] = value.clone();
        }
        if change["primary"] == "cpc" {
            body["guardrails"] = json!([]);
        }
        let refused = server.request("POST", "/v1/experiments", Some(&tenant.key)).json(&body).send().await;
        let (status, body) = problem(refused.unwrap()).await;
        assert_eq!((status, body["param"].as_str()), (StatusCode::BAD_REQUEST, Some(param)), "{body}");
    }
}

async fn analyzed(server: &Server, tenant: &Tenant, query: &str, file: Vec<u8>) -> (StatusCode, Value) {
    let path = format!("/v1/experiments/analyze?{query}");
    let answer = server.request("POST", &path, Some(&tenant.key)).body(file).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_that_was_run_anywhere_is_read_out_from_a_file() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let file = b"arm,units,successes\ncontrol,10000,500\nb,10000,640\n".to_vec();
    let (status, read) = analyzed(&server, &tenant, "days=9&name=test.csv", file.clone()).await;
    assert_eq!((status, &read["source"]), (StatusCode::OK, &json!("imported")), "{read}");
    assert_eq!((&read["verdict"]["verdict"], &read["verdict"]["arm"]), (&json!("winner"), &json!("b")));
    let always = &read["comparisons"][0];
    assert_eq!((&always["method"], &always["arm"]), (&json!("always_valid"), &json!("b")));
    assert!((always["lift"].as_f64().unwrap() - 0.28).abs() < 1e-9);
    assert!(text(&read["sentence"]["zh-CN"]).contains("胜出"), "{}", read["sentence"]);
    let csv = server.request("POST", "/v1/experiments/analyze?days=9&format=csv", Some(&tenant.key));
    let csv = csv.body(file.clone()).send().await.unwrap().text().await.unwrap();
    assert!(
        csv.starts_with("source,metric,arm,") && csv.contains("imported,successes,b,always_valid"),
        "{csv}"
    );
    for (query, body, code, param) in [
        ("days=-1", file.clone(), "SW1006", "days"),
        ("alpha=2", file.clone(), "SW1006", "alpha"),
        ("weights=control%3Da", file.clone(), "SW1006", "weights"),
        ("format=xml", file.clone(), "SW1006", "format"),
        ("color=red", file, "SW1005", "color"),
        ("", b"arm,units,successes\na,10,11\nb,10,1\n".to_vec(), "", "line 2, successes"),
        ("", b"PAR1 not parquet".to_vec(), "", "file"),
    ] {
        let (status, body) = analyzed(&server, &tenant, query, body).await;
        assert!(status.is_client_error(), "{query}: {body}");
        assert_eq!(body["param"].as_str().unwrap_or(""), param, "{query}: {body}");
        assert!(code.is_empty() || body["code"] == code, "{query}: {body}");
    }
    // The exposure log of an experiment in the market is such a file, and says that it is simulated.
    let run = server.order(&tenant, 1).await.run;
    let variants = [server.win(run).await, server.rival(run, 2).await];
    let mut order = experiments::order(run, &variants.each_ref().map(String::as_str));
    order["traffic"] = json!({ "opportunities_per_day": 2_000 });
    let id = text(&server.post("/v1/experiments", &tenant.key, &order).await["id"]);
    let path = format!("/v1/experiments/{id}");
    server.post(&format!("{path}/start"), &tenant.key, &json!({})).await;
    assert_eq!(play(&days(&server, market())).await, 14);
    let log = server.request("GET", &format!("{path}/exposures"), Some(&tenant.key)).send().await.unwrap();
    let (status, read) = analyzed(&server, &tenant, "control=A", log.bytes().await.unwrap().to_vec()).await;
    assert_eq!((status, &read["source"]), (StatusCode::OK, &json!("simulated")), "{read}");
    let ours = list(&server, &tenant, &format!("{path}/readouts")).await.pop().unwrap();
    let lift = |read: &Value| read["comparisons"][0]["lift"].as_f64().unwrap();
    assert!((lift(&read) - lift(&ours)).abs() < 1e-9, "the log and the read-out say the same");

    // Both arms of this experiment have the same elements but their numbers: nothing to attribute, and
    // nothing said.
    let found = server.get("/v1/experiments/elements?metric=ctr", &tenant.key).await;
    assert_eq!((&found["source"], &found["metric"]), (&json!("simulated"), &json!("ctr")));
    for row in found["data"].as_array().unwrap() {
        assert_eq!(
            (&row["experiments"], &row["enough"], &row["significant"]),
            (&json!(1), &json!(false), &json!(false))
        );
        assert!(row["ci"][0].as_f64().unwrap() <= row["lift"].as_f64().unwrap());
    }
    let none = server.get("/v1/experiments/elements?source=imported", &tenant.key).await;
    assert_eq!(none["data"], json!([]), "the two sources are never pooled");
    let wrong = server.request("GET", "/v1/experiments/elements?metric=luck", Some(&tenant.key)).send().await;
    assert_eq!(problem(wrong.unwrap()).await.0, StatusCode::BAD_REQUEST);
}
