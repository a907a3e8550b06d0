//! Experiments over REST, played in the market.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use spotwright_core::domain::experiment::exposure::Exposure;
use spotwright_core::domain::variant::VariantState;
use spotwright_core::domain::webhook::{Attempt, Verdict};
use spotwright_core::ports::experiments::{Analyst as _, DayOrder, ExperimentMarket, ExperimentStore as _};
use spotwright_core::ports::marketplace::MarketError;
use spotwright_core::ports::step_store::{Commit, StepStore};
use spotwright_core::ports::webhooks::WebhookStore as _;
use spotwright_core::spine::{DayPorts, DayStep, ExperimentDays};
use spotwright_market::experiment::KnownEffects;
use spotwright_market::simulator::{Options, Simulator};
use spotwright_observations::experiment::ExperimentAnalyst;
use spotwright_schemas::ids::RunId;
use spotwright_testkit::fixtures;

use crate::harness::{Server, Tenant, problem, text};
use crate::{people, webhooks};

/// A market in which arm B has log-odds of 0.6 above the others: about 1.8 times their click rate.
fn known() -> KnownEffects {
    KnownEffects { market: Simulator::new(Options::default()).unwrap(), log_odds: vec![0.0, 0.6, 0.0] }
}

/// A market whose log loses a fifth of the users of arm B.
struct Tampered(KnownEffects);

impl ExperimentMarket for Tampered {
    fn play_day(&self, order: &DayOrder, before: &[Exposure]) -> Result<Vec<Exposure>, MarketError> {
        let mut exposures = self.0.play_day(order, before)?;
        exposures.retain(|exposure| exposure.arm != 1 || !exposure.unit.is_multiple_of(5));
        Ok(exposures)
    }
}

pub(crate) fn days(server: &Server, market: impl ExperimentMarket + 'static) -> ExperimentDays {
    let ports = DayPorts {
        experiments: server.store.clone(),
        runs: server.store.clone(),
        observations: server.store.clone(),
        market: Arc::new(market),
        analyst: Arc::new(ExperimentAnalyst),
        artifacts: server.artifacts.clone(),
        clock: server.clock.clone(),
    };
    ExperimentDays::new(ports, Duration::from_millis(1))
}

/// Plays every day that is due; how many.
pub(crate) async fn play(days: &ExperimentDays) -> usize {
    let mut played = 0;
    loop {
        match days.step().await.unwrap() {
            DayStep::Written => played += 1,
            DayStep::Awaited => {}
            DayStep::Idle => return played,
        }
        assert!(played <= 100, "it does not end");
    }
}

/// An order of an experiment with these variants.
pub(crate) fn order(run: RunId, variants: &[&str]) -> Value {
    json!({
        "name": "hook", "run": run, "hypothesis": "B earns more clicks", "primary": "ctr",
        "guardrails": [{ "metric": "cpc", "margin": 0.5 }],
        "arms": variants.iter().map(|variant| json!({ "variant": variant })).collect::<Vec<_>>(),
        "stopping": { "minimum_days": 7, "maximum_days": 14 }, "smallest_effect": 0.2
    })
}

/// A run with three winners, and a draft of an experiment with them.
async fn drafted(server: &Server, tenant: &Tenant, change: impl FnOnce(&mut Value)) -> String {
    let run = server.order(tenant, 1).await.run;
    let variants = [server.win(run).await, server.rival(run, 2).await, server.rival(run, 3).await];
    let mut order = order(run, &variants.each_ref().map(String::as_str));
    change(&mut order);
    text(&server.post("/v1/experiments", &tenant.key, &order).await["id"])
}

pub(crate) async fn list(server: &Server, tenant: &Tenant, path: &str) -> Vec<Value> {
    server.get(path, &tenant.key).await["data"].as_array().unwrap().clone()
}

/// Data of the organization's events of one type.
async fn told(server: &Server, tenant: &Tenant, what: &str) -> Vec<Value> {
    let path = format!("/v1/events?types=spotwright.experiment.{what}.v1&limit=200");
    list(server, tenant, &path).await.into_iter().map(|row| row["event"]["data"].clone()).collect()
}

/// The organization's event stream, from now on.
async fn listening(server: &Server, tenant: &Tenant) -> reqwest::Response {
    let stream = server.request("GET", "/v1/events/stream", Some(&tenant.key)).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    stream
}

/// Data of the next `count` read-outs of a stream.
async fn streamed(stream: &mut reqwest::Response, count: usize) -> Vec<Value> {
    let mut read = String::new();
    let is_read_out = |block: &&str| block.contains("event: spotwright.experiment.readout.v1\n");
    while !read.ends_with("\n\n") || read.split_inclusive("\n\n").filter(is_read_out).count() < count {
        read.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
    }
    let blocks = read.split_inclusive("\n\n").filter(is_read_out);
    let data = blocks.filter_map(|block| block.lines().find_map(|line| line.strip_prefix("data: ")));
    data.map(|text| serde_json::from_str::<Value>(text).unwrap()["data"].clone()).collect()
}

/// Lets a receiver take everything that is due for a webhook, one message after another as they are given
/// out; the data of its read-outs.
async fn received(server: &Server, webhook: &str) -> Vec<Value> {
    let mut now = 10_000_000;
    while server.store.fan_out(1_000, now).await.unwrap() > 0 {}
    let mut taken = Vec::new();
    loop {
        now += 1_000_000;
        let claimed = server.store.claim_deliveries(&[], 1, 10, now, now + 900_000).await.unwrap();
        if claimed.is_empty() {
            return taken;
        }
        for one in &claimed {
            assert_eq!(one.webhook.id.to_string(), webhook);
            let attempt = Attempt { at: now, millis: 5, status: Some(200), answer: None, error: None };
            server.store.record(one, &attempt, Verdict::Delivered, now).await.unwrap();
            if one.event_type == "spotwright.experiment.readout.v1" {
                taken.push(serde_json::from_str::<Value>(&one.body).unwrap()["data"].clone());
            }
        }
    }
}

/// Days of events, in the order in which they came.
fn days_of(events: &[Value]) -> Vec<u64> {
    events.iter().map(|event| event["day"].as_u64().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_three_arms_the_one_with_the_known_lift_wins_and_stays_the_winner() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let hook = webhooks::made(&server, &tenant).await;
    let id = drafted(&server, &tenant, |order| order["holdout"] = json!(0.1)).await;
    let path = format!("/v1/experiments/{id}");
    let days = days(&server, known());
    assert_eq!(play(&days).await, 0, "a draft has no days");
    let mut stream = listening(&server, &tenant).await;
    let started = server.post(&format!("{path}/start"), &tenant.key, &json!({ "reason": "go" })).await;
    assert_eq!((&started["state"], &started["source"]), (&json!("running"), &json!("simulated")));
    assert_eq!(play(&days).await, 14);

    let ended = server.get(&path, &tenant.key).await;
    assert_eq!((&ended["state"], &ended["stopped_because"]), (&json!("stopped"), &json!("maximum_days")));
    assert_eq!((&ended["verdict"]["verdict"], &ended["verdict"]["arm"]), (&json!("winner"), &json!("B")));
    let read_outs = list(&server, &tenant, &format!("{path}/readouts")).await;
    let verdicts: Vec<&str> =
        read_outs.iter().map(|read| read["standing"]["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts.len(), 14);
    assert!(verdicts[..6].iter().all(|verdict| *verdict == "too_early"), "{verdicts:?}");
    let first = verdicts.iter().position(|verdict| *verdict == "winner").unwrap();
    assert!(verdicts[first..].iter().all(|verdict| *verdict == "winner"), "it stays: {verdicts:?}");
    assert!(verdicts[..first].iter().all(|verdict| ["too_early", "undecided"].contains(verdict)));
    let last = read_outs.last().unwrap();
    assert_eq!(last["srm"]["alarm"], false, "{}", last["srm"]);
    assert_eq!(last["arms"][3]["role"], "holdout");
    assert_eq!((&last["arms"][3]["impressions"], &last["arms"][3]["spend_micros"]), (&json!(0), &json!(0)));
    let of_c = last["comparisons"].as_array().unwrap().iter().find(|own| own["arm"] == "C").unwrap();
    let ci = of_c["ci"].as_array().unwrap();
    assert!(ci[0].as_f64().unwrap() < 0.0 && ci[1].as_f64().unwrap() > 0.0, "C is like A: {of_c}");
    for read in &read_outs {
        assert_eq!(read["source"], "simulated");
        assert!(!text(&read["sentence"]["en"]).is_empty() && !text(&read["sentence"]["zh"]).is_empty());
    }

    let events = told(&server, &tenant, "readout").await;
    let told_days: Vec<u64> = events.iter().map(|event| event["day"].as_u64().unwrap()).collect();
    assert_eq!(told_days, (1..=14).collect::<Vec<_>>(), "each day is told once, in order");
    assert_eq!((&events[13]["verdict"], &events[13]["source"]), (&json!("winner"), &json!("simulated")));
    assert_eq!(told(&server, &tenant, "started").await.len(), 1);
    assert!(told(&server, &tenant, "srm_alarm").await.is_empty());
    // What the stream and the webhook brought is what the log says, day by day, until the verdict that stays.
    assert_eq!(streamed(&mut stream, 14).await, events, "the stream brings each day's read-out");
    let taken = received(&server, &hook).await;
    assert_eq!(taken, events, "the webhook brings each day's read-out");
    let of_events: Vec<&str> = events.iter().map(|event| event["verdict"].as_str().unwrap()).collect();
    assert_eq!(of_events, verdicts);

    // The lift is what the market was told: 0.6 log-odds are about 1.8 times the click rate.
    let of_b = last["comparisons"].as_array().unwrap().iter().find(|own| own["arm"] == "B").unwrap();
    let ci = of_b["ci"].as_array().unwrap();
    assert!(ci[0].as_f64().unwrap() < 0.8 && 0.8 < ci[1].as_f64().unwrap(), "{of_b}");
    let adjusted = &last["adjusted"];
    assert_eq!(
        (&adjusted["covariate"], adjusted["comparisons"].as_array().unwrap().len()),
        (&json!("earlier_clicks"), 6)
    );
    let reduction = adjusted["reductions"][0]["variance_reduction"].as_f64().unwrap();
    assert!((-0.01..1.0).contains(&reduction), "{reduction}");
    let rows = last["incrementality"]["rows"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[0]["arm"], &rows[1]["arm"]), (4, &Value::Null, &json!("A")));
    assert_eq!(last["incrementality"]["holdout"]["units"], last["arms"][3]["units"]);
    let segments = &last["segments"];
    assert_eq!((&segments["exploratory"], segments["rows"].as_array().unwrap().len()), (&json!(true), 5));
    let csv = server
        .request("GET", &format!("{path}/readouts?format=csv"), Some(&tenant.key))
        .send()
        .await
        .unwrap();
    assert!(csv.headers()["content-type"].to_str().unwrap().starts_with("text/csv"));
    let csv = csv.text().await.unwrap();
    assert_eq!(csv.lines().count(), 1 + 14 * 12, "days × variants × methods, plain and adjusted");
    assert!(csv.lines().skip(1).all(|line| line.starts_with("simulated,")));

    let choice = json!({ "choice": "adopt", "arm": "B", "reason": "more clicks at the same cost" });
    let decided = server.post(&format!("{path}/decide"), &tenant.key, &choice).await;
    assert_eq!((&decided["state"], &decided["decision"]["agrees"]), (&json!("decided"), &json!(true)));
    assert_eq!(told(&server, &tenant, "decided").await[0]["arm"], "B");
    let log = list(&server, &tenant, &format!("{path}/decisions")).await;
    let kinds: Vec<&str> = log.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], kinds[1]), ("created", "started"));
    assert_eq!(kinds.last(), Some(&"decided"));
    assert!(kinds.contains(&"verdict") && kinds.contains(&"stopped"), "{kinds:?}");
    assert_eq!((&log[1]["by"]["kind"], &log[1]["text"]), (&json!("key"), &json!("go")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exposures_that_were_tampered_with_stop_the_verdict() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let hook = webhooks::made(&server, &tenant).await;
    let id = drafted(&server, &tenant, |_| ()).await;
    let path = format!("/v1/experiments/{id}");
    let mut stream = listening(&server, &tenant).await;
    server.post(&format!("{path}/start"), &tenant.key, &json!({})).await;
    assert_eq!(play(&days(&server, Tampered(known()))).await, 14);
    let ended = server.get(&path, &tenant.key).await;
    assert_eq!((&ended["srm_alarm"], &ended["verdict"]["verdict"]), (&json!(true), &json!("mismatch")));
    let alarms = told(&server, &tenant, "srm_alarm").await;
    assert_eq!(alarms.len(), 1, "told once: {alarms:?}");
    let read_outs = list(&server, &tenant, &format!("{path}/readouts")).await;
    let day = alarms[0]["day"].as_u64().unwrap();
    for read in &read_outs {
        let expected = read["day"].as_u64().unwrap() >= day;
        assert_eq!(read["standing"]["verdict"] == "mismatch", expected, "{}", read["srm"]);
        assert_ne!(read["standing"]["verdict"], "winner");
    }
    assert!(text(&read_outs[13]["sentence"]["zh"]).contains("不能下结论"));
    let (heard, taken) = (streamed(&mut stream, 14).await, received(&server, &hook).await);
    assert_eq!(days_of(&heard), (1..=14).collect::<Vec<_>>());
    assert_eq!(heard, taken, "stream and webhook bring the same");
    for event in &heard {
        let expected = event["day"].as_u64().unwrap() >= day;
        assert_eq!(
            (event["verdict"] == "mismatch", &event["srm_alarm"]),
            (expected, &json!(expected)),
            "{event}"
        );
    }
    for choice in [json!({ "choice": "adopt", "arm": "B" }), json!({ "choice": "keep_control" })] {
        let mut body = choice;
        body["reason"] = json!("it looks good");
        let refused = server.request("POST", &format!("{path}/decide"), Some(&tenant.key)).json(&body);
        let (status, body) = problem(refused.send().await.unwrap()).await;
        assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("SW1051")));
    }
    let closed = json!({ "choice": "inconclusive", "reason": "users of B were lost" });
    let decided = server.post(&format!("{path}/decide"), &tenant.key, &closed).await;
    assert_eq!(decided["decision"]["agrees"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_division_begins_another_phase_and_the_log_can_be_downloaded() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let paced =
        |order: &mut Value| order["traffic"] = json!({ "day_seconds": 60, "opportunities_per_day": 4000 });
    let id = drafted(&server, &tenant, paced).await;
    let path = format!("/v1/experiments/{id}");
    let before = server.request("GET", &format!("{path}/exposures"), Some(&tenant.key)).send().await.unwrap();
    assert_eq!(problem(before).await.0, StatusCode::CONFLICT);
    server.post(&format!("{path}/start"), &tenant.key, &json!({})).await;
    let days = days(&server, known());
    assert_eq!(play(&days).await, 1, "one day, then a minute");
    server.clock.advance_micros(60_000_000);
    assert_eq!(play(&days).await, 1);
    let other = json!({ "weights": [1, 3, 1], "reason": "more to B" });
    let divided = server.post(&format!("{path}/allocation"), &tenant.key, &other).await;
    assert_eq!((&divided["phase"], &divided["phases"][1]["from_day"]), (&json!(2), &json!(3)));
    assert_eq!(divided["design"], server.get(&path, &tenant.key).await["design"]);
    server.post(&format!("{path}/pause"), &tenant.key, &json!({})).await;
    server.clock.advance_micros(600_000_000);
    assert_eq!(play(&days).await, 0, "it is paused");
    server.post(&format!("{path}/resume"), &tenant.key, &json!({})).await;
    assert_eq!(play(&days).await, 1);
    let read_outs = list(&server, &tenant, &format!("{path}/readouts")).await;
    let last = &read_outs[2];
    assert_eq!((&last["phase"], &last["phase_day"]), (&json!(2), &json!(1)));
    assert_eq!(last["srm"]["alarm"], false, "another division is no mismatch: {}", last["srm"]);
    let units = |arm: usize| last["arms"][arm]["units"].as_u64().unwrap();
    assert!(units(1) > 2 * units(0), "{} {}", units(0), units(1));

    let answer = server.request("GET", &format!("{path}/exposures"), Some(&tenant.key)).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/vnd.apache.parquet");
    let file = answer.bytes().await.unwrap();
    let experiment = server.store.experiment(tenant.id, id.parse().unwrap()).await.unwrap();
    let exposures = ExperimentAnalyst.read(&experiment, &file).unwrap();
    let clicks = |exposures: &[Exposure], day: u32| -> u64 {
        exposures.iter().filter(|own| own.day == day).map(|own| u64::from(own.clicks)).sum()
    };
    let told: u64 = last["arms"].as_array().unwrap().iter().map(|arm| arm["clicks"].as_u64().unwrap()).sum();
    assert_eq!(clicks(&exposures, 3), told, "the log and the read-out tell the same");
    let mut arms = std::collections::BTreeMap::new();
    for own in &exposures {
        assert_eq!(*arms.entry((own.phase, own.unit)).or_insert(own.arm), own.arm, "a user stays in an arm");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_whose_player_died_is_played_by_another_one_with_the_same_outcome() {
    let mut told = Vec::new();
    for dies in [false, true] {
        let server = Server::start().await;
        let tenant = server.tenant("one").await;
        let small = |order: &mut Value| order["traffic"] = json!({ "opportunities_per_day": 4000 });
        let id = drafted(&server, &tenant, small).await;
        let path = format!("/v1/experiments/{id}");
        server.post(&format!("{path}/start"), &tenant.key, &json!({})).await;
        assert_eq!(days(&server, known()).step().await.unwrap(), DayStep::Written);
        let heir = days(&server, known());
        if dies {
            let now = 1_000_000;
            assert!(server.store.claim_day(now, now + 120_000_000).await.unwrap().is_some());
            assert_eq!(heir.step().await.unwrap(), DayStep::Idle, "the dead one still has the day");
            server.clock.advance_micros(120_000_000);
        }
        // It has read nothing of the first day but its file.
        assert_eq!(heir.step().await.unwrap(), DayStep::Written);
        let mut read_out = list(&server, &tenant, &format!("{path}/readouts")).await.remove(1);
        read_out["at"] = json!("");
        told.push(read_out);
    }
    assert_eq!(told[0], told[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_experiment_ends_when_a_variant_of_it_is_withdrawn() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let run = server.order(&tenant, 1).await.run;
    let variants = [server.win(run).await, server.rival(run, 2).await];
    let order = order(run, &variants.each_ref().map(String::as_str));
    let id = text(&server.post("/v1/experiments", &tenant.key, &order).await["id"]);
    let path = format!("/v1/experiments/{id}");
    server.post(&format!("{path}/start"), &tenant.key, &json!({})).await;
    let days = days(&server, known());
    assert_eq!(days.step().await.unwrap(), DayStep::Written);
    let mut withdrawn = StepStore::variant(&*server.store, variants[1].parse().unwrap()).await.unwrap();
    withdrawn.state = VariantState::Withdrawn;
    withdrawn.body.withdrawal = Some(fixtures::withdrawal());
    server.commit(run, Commit { variants: vec![withdrawn], ..Commit::default() }).await;
    assert_eq!(play(&days).await, 1);
    let ended = server.get(&path, &tenant.key).await;
    assert_eq!((&ended["state"], &ended["stopped_because"]), (&json!("stopped"), &json!("arm_withdrawn")));
    assert_eq!(list(&server, &tenant, &format!("{path}/readouts")).await.len(), 1);
    let ends = self::told(&server, &tenant, "stopped").await;
    assert_eq!(ends[0]["because"], "arm_withdrawn");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_is_refused_with_its_field() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let (run, other) = (server.order(&tenant, 1).await.run, server.order(&tenant, 2).await.run);
    let (a, b, foreign) = (server.win(run).await, server.rival(run, 2).await, server.win(other).await);
    let unfinished = fixtures::variant(run, 1, 5, VariantState::Drafted);
    let unfinished_id = unfinished.id.to_string();
    server.commit(run, Commit { variants: vec![unfinished], ..Commit::default() }).await;
    let refused = async |body: Value| {
        let request = server.request("POST", "/v1/experiments", Some(&tenant.key)).json(&body);
        let (status, body) = problem(request.send().await.unwrap()).await;
        (status.as_u16(), text(&body["code"]), body["param"].as_str().unwrap_or("").to_owned())
    };
    let arm = |code: &str| (422, code.to_owned(), "arms[1].variant".to_owned());
    assert_eq!(refused(order(run, &[&a, &foreign])).await, arm("SW1052"));
    assert_eq!(refused(order(run, &[&a, &unfinished_id])).await, arm("SW1052"));
    assert_eq!(refused(order(run, &[&a, &a])).await, arm("SW1052"));
    let mut wrong = order(run, &[&a, &b]);
    wrong["alpha"] = json!(2);
    assert_eq!(refused(wrong).await, (400, "SW1006".to_owned(), "alpha".to_owned()));

    let key = "the-same";
    let make = async || {
        let request = server.client.post(format!("{}/v1/experiments", server.url)).bearer_auth(&tenant.key);
        let request = request.header("idempotency-key", key).json(&order(run, &[&a, &b]));
        request.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let (first, again) = (make().await, make().await);
    assert_eq!(first["id"], again["id"], "a repetition makes no other one");
    let path = format!("/v1/experiments/{}", text(&first["id"]));
    for (verb, body) in [
        ("pause", json!({})),
        ("resume", json!({})),
        ("stop", json!({ "reason": "x" })),
        ("decide", json!({ "choice": "inconclusive", "reason": "x" })),
        ("allocation", json!({ "weights": [1, 2], "reason": "x" })),
    ] {
        let request = server.request("POST", &format!("{path}/{verb}"), Some(&tenant.key)).json(&body);
        let (status, body) = problem(request.send().await.unwrap()).await;
        assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("SW1050")), "{verb}");
    }
    let viewer = people::member(&server, &tenant, "viewer@example.com", "viewer").await;
    let read = viewer.sends(server.request("GET", &path, None)).send().await.unwrap();
    assert_eq!(read.status(), StatusCode::OK);
    let start = viewer.sends(server.request("POST", &format!("{path}/start"), None)).send().await.unwrap();
    assert_eq!(problem(start).await.0, StatusCode::FORBIDDEN);
    let archived = server.post(&format!("{path}/archive"), &tenant.key, &json!({})).await;
    assert_eq!(archived["state"], "archived");
}
