//! Campaigns that people make of finished ads, played in the market day by day.

use std::sync::Arc;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use spotwright_core::domain::variant::VariantState;
use spotwright_core::ports::step_store::Commit;
use spotwright_core::spine::{CampaignDays, CampaignPorts};
use spotwright_market::simulator::{Options, Simulator};
use spotwright_schemas::ids::RunId;
use spotwright_testkit::fixtures;

use crate::harness::{Server, Tenant, problem, text};

fn days(server: &Server) -> CampaignDays {
    let ports = CampaignPorts {
        accounts: server.store.clone(),
        runs: server.store.clone(),
        market: Arc::new(Simulator::new(Options::default()).unwrap()),
        clock: server.clock.clone(),
    };
    CampaignDays::new(ports, Duration::from_millis(1))
}

/// Plays every day that is due; how many were written.
async fn play(days: &CampaignDays) -> usize {
    let mut played = 0;
    while days.step().await.unwrap() {
        played += 1;
        assert!(played <= 100, "it does not end");
    }
    played
}

/// A run with two winners.
async fn winners(server: &Server, name: &str) -> (Tenant, RunId, [String; 2]) {
    let tenant = server.tenant(name).await;
    let run = server.order(&tenant, 1).await.run;
    let winners = [server.win(run).await, server.rival(run, 2).await];
    (tenant, run, winners)
}

/// Three days of small traffic.
fn order(run: RunId) -> Value {
    json!({
        "name": "Autumn", "run": run, "budget": { "daily_micros": 20_000_000, "total_micros": 50_000_000 },
        "market": { "seed": 7, "opportunities_per_day": 2_000 }, "schedule": { "days": 3 }
    })
}

async fn refused(server: &Server, tenant: &Tenant, path: &str, body: &Value) -> (StatusCode, Value) {
    problem(server.request("POST", path, Some(&tenant.key)).json(body).send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_of_winners_is_placed_played_by_the_day_and_reported_like_a_run_s() {
    let server = Server::start().await;
    let (tenant, run, winners) = winners(&server, "one").await;
    let days = days(&server);
    let made = server.post("/v1/campaigns", &tenant.key, &order(run)).await;
    let id = format!("{run}-c1");
    assert_eq!(
        (&made["id"], &made["status"], &made["origin"]),
        (&json!(id), &json!("waiting"), &json!("people"))
    );
    assert_eq!((&made["name"], &made["generation"], &made["ads"]), (&json!("Autumn"), &json!(0), &json!(2)));
    assert_eq!((&made["source"], &made["budget_micros"]), (&json!("simulated"), &json!(50_000_000)));
    assert_eq!(
        (&made["plan"]["bid_strategy"], &made["plan"]["days_played"]),
        (&json!("maximize_clicks"), &json!(0))
    );

    assert_eq!(play(&days).await, 3);
    let path = format!("/v1/campaigns/{id}");
    let ended = server.get(&path, &tenant.key).await;
    assert_eq!((&ended["status"], &ended["plan"]["days_played"]), (&json!("ended"), &json!(3)));
    assert_eq!(ended["plan"]["stopped_because"], "schedule");
    assert_eq!(ended["auctions"], 6_000);
    let (impressions, spend) =
        (ended["impressions"].as_u64().unwrap(), ended["spend_micros"].as_i64().unwrap());
    assert!(impressions > 0 && ended["clicks"].as_u64().unwrap() > 0, "{ended}");
    assert!(0 < spend && spend <= 50_000_000, "{spend}");

    let ads = server.get(&format!("{path}/ads"), &tenant.key).await;
    let rows = ads["data"].as_array().unwrap();
    assert_eq!(rows.iter().map(|ad| text(&ad["variant"])).collect::<Vec<_>>(), winners);
    let shown: u64 = rows.iter().map(|ad| ad["delivery"]["impressions"].as_u64().unwrap()).sum();
    assert_eq!(shown, impressions);
    let delivery = server.get(&format!("{path}/delivery"), &tenant.key).await;
    let pacing = delivery["pacing"].as_array().unwrap();
    assert_eq!((pacing.len(), &pacing[71]["spent_micros"]), (72, &json!(spend)));
    assert_eq!(pacing[71]["impressions"], json!(impressions));
    assert!(pacing.windows(2).all(|pair| pair[0]["hour"].as_f64() < pair[1]["hour"].as_f64()));
    assert!(!delivery["prices"].as_array().unwrap().is_empty());

    // What it delivered stands in the observations, a day each, and nothing of it in the run's own campaigns.
    let seen = server.get("/v1/observations?source=simulated", &tenant.key).await;
    let seen = seen["data"].as_array().unwrap();
    assert_eq!(seen.len(), 6);
    assert_eq!(seen.iter().map(|row| row["impressions"].as_u64().unwrap()).sum::<u64>(), impressions);
    let own = server.get(&format!("/v1/runs/{run}/campaigns"), &tenant.key).await;
    assert_eq!((own["data"].as_array().unwrap().len(), &own["data"][0]["impressions"]), (1, &json!(0)));
    let listed = server.get("/v1/campaigns", &tenant.key).await;
    let ids: Vec<&Value> = listed["data"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
    assert_eq!(ids, [&json!(id), &json!(format!("{run}-g1"))]);

    // The same order of another market seed is another market; the same seed is the same market again.
    let again = server.post("/v1/campaigns", &tenant.key, &order(run)).await;
    let mut other = order(run);
    other["market"]["seed"] = json!(8);
    let other = server.post("/v1/campaigns", &tenant.key, &other).await;
    play(&days).await;
    let spent = async |campaign: &Value| {
        server.get(&format!("/v1/campaigns/{}", text(&campaign["id"])), &tenant.key).await["spend_micros"]
            .clone()
    };
    assert_eq!((&again["id"], spent(&again).await), (&json!(format!("{run}-c2")), json!(spend)));
    assert_ne!(spent(&other).await, json!(spend));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_made_campaign_waits_for_its_time_is_held_and_ended() {
    let server = Server::start().await;
    let (tenant, run, _) = winners(&server, "one").await;
    let days = days(&server);
    let mut paced = order(run);
    paced["schedule"] = json!({ "days": 5, "day_seconds": 60 });
    let id = text(&server.post("/v1/campaigns", &tenant.key, &paced).await["id"]);
    let path = format!("/v1/campaigns/{id}");
    assert_eq!(play(&days).await, 1);
    assert_eq!(play(&days).await, 0, "the next day is not due");
    let active = server.get(&path, &tenant.key).await;
    assert_eq!((&active["status"], &active["allowed"]), (&json!("active"), &json!(["pause", "end"])));

    let ads = server.get(&format!("{path}/ads"), &tenant.key).await;
    let (first, second) = (text(&ads["data"][0]["id"]), text(&ads["data"][1]["id"]));
    let held = server.post(&format!("/v1/ads/{first}/pause"), &tenant.key, &json!({})).await;
    assert_eq!(held["status"], "paused");
    let before = held["delivery"]["impressions"].clone();
    server.clock.advance_micros(61_000_000);
    assert_eq!(play(&days).await, 1);
    let after = server.get(&format!("/v1/ads/{first}"), &tenant.key).await;
    assert_eq!(after["delivery"]["impressions"], before, "a held ad takes no impressions");
    let other = server.get(&format!("/v1/ads/{second}"), &tenant.key).await;
    assert!(other["delivery"]["impressions"].as_u64() > ads["data"][1]["delivery"]["impressions"].as_u64());

    assert_eq!(server.post(&format!("{path}/pause"), &tenant.key, &json!({})).await["status"], "paused");
    server.clock.advance_micros(61_000_000);
    assert_eq!(play(&days).await, 0, "a paused campaign has no days");
    assert_eq!(server.post(&format!("{path}/resume"), &tenant.key, &json!({})).await["status"], "active");
    assert_eq!(play(&days).await, 1);
    let ended = server.post(&format!("{path}/end"), &tenant.key, &json!({})).await;
    assert_eq!((&ended["status"], &ended["plan"]["stopped_because"]), (&json!("ended"), &json!("person")));
    server.clock.advance_micros(61_000_000);
    assert_eq!(play(&days).await, 0);
    let (status, body) = refused(&server, &tenant, &format!("{path}/resume"), &json!({})).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("SW1014")));
    let log = server.get("/v1/audit-log?action=campaign.steered", &tenant.key).await;
    assert_eq!(log["data"].as_array().unwrap().len(), 4);
    assert!(server.control.wishes.lock().unwrap().is_empty(), "no run hears of it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_must_not_be_shown_is_not_placed() {
    let server = Server::start().await;
    let (tenant, run, winners) = winners(&server, "one").await;
    let other = server.tenant("two").await;
    let mut drafted = fixtures::variant(run, 1, 3, VariantState::Drafted);
    let mut ungated = fixtures::variant(run, 1, 4, VariantState::Rendered);
    ungated.body.final_render = Some(server.rendered("final 4"));
    ungated.final_gate = Some(false);
    let mut gone = fixtures::variant(run, 1, 5, VariantState::Withdrawn);
    gone.body.withdrawal = Some(fixtures::withdrawal());
    gone.body.final_render = Some(server.rendered("final 5"));
    drafted.body.score = None;
    let ids = [&drafted, &ungated, &gone].map(|variant| variant.id.to_string());
    server.commit(run, Commit { variants: vec![drafted, ungated, gone], ..Commit::default() }).await;

    let asked = |variants: &[&str]| json!({ "run": run, "variants": variants });
    let foreign = RunId::derive(99, "run", 0).to_string();
    for id in ids.iter().map(String::as_str).chain([foreign.as_str()]) {
        let (status, body) = refused(&server, &tenant, "/v1/campaigns", &asked(&[&winners[0], id])).await;
        let told = (status, &body["code"], &body["param"]);
        assert_eq!(
            told,
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("SW1060"), &json!("variants[1]")),
            "{body}"
        );
    }
    let whole = asked(&[&winners[0]]);
    let with = |field: &str, value: Value| {
        let mut body = whole.clone();
        body[field] = value;
        body
    };
    for (body, field) in [
        (asked(&[&winners[0], &winners[0]]), "variants[1]"),
        (asked(&[]), "variants"),
        (with("budget", json!({ "currency": "EUR" })), "budget.currency"),
        (with("budget", json!({ "daily_micros": 0 })), "budget.daily_micros"),
        (with("schedule", json!({ "days": 61 })), "schedule.days"),
        (with("schedule", json!({ "starts_at": "tomorrow" })), "schedule.starts_at"),
        (with("market", json!({ "opportunities_per_day": 5 })), "market.opportunities_per_day"),
        (with("name", json!("")), "name"),
    ] {
        for path in ["/v1/campaigns", "/v1/campaigns?dry_run=estimate"] {
            assert_eq!(refused(&server, &tenant, path, &body).await.1["param"], field, "{path} {body}");
        }
    }
    let (status, _) = refused(&server, &other, "/v1/campaigns", &whole).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert_eq!(refused(&server, &tenant, "/v1/campaigns?dry_run=cost", &whole).await.1["param"], "dry_run");

    // Where somebody asked for an approval it has to be given; where the organization demands it, always.
    let path = format!("/v1/variants/{}/approval", winners[0]);
    let review = server.post(&path, &tenant.key, &json!({})).await;
    assert_eq!(refused(&server, &tenant, "/v1/campaigns", &whole).await.1["code"], "SW1060");
    let rules = "/v1/organization/campaign-rules";
    assert_eq!(server.get(rules, &tenant.key).await, json!({ "approval_required": false }));
    let demand = json!({ "approval_required": true });
    let set = server.request("PUT", rules, Some(&tenant.key)).json(&demand).send().await.unwrap();
    assert_eq!(set.json::<Value>().await.unwrap(), demand);
    let rival = asked(&[&winners[1]]);
    assert_eq!(refused(&server, &tenant, "/v1/campaigns", &rival).await.1["code"], "SW1060");
    let decision = json!({ "decision": "approved", "content_hash": review["current_hash"] });
    server.post(&format!("{path}/decisions"), &tenant.key, &decision).await;
    assert_eq!(server.post("/v1/campaigns", &tenant.key, &whole).await["ads"], 1);
    assert_eq!(server.get(rules, &other.key).await, json!({ "approval_required": false }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_estimate_rests_on_campaigns_that_were_played_and_stores_nothing() {
    let server = Server::start().await;
    let (tenant, run, _) = winners(&server, "one").await;
    let path = "/v1/campaigns?dry_run=estimate";
    let blind = server.post(path, &tenant.key, &order(run)).await;
    assert_eq!(
        (&blind["basis"], &blind["impressions"], &blind["spend"]),
        (&json!("none"), &Value::Null, &Value::Null)
    );
    server.played(run).await;
    let told = server.post(path, &tenant.key, &order(run)).await;
    assert_eq!((&told["basis"], &told["source"]), (&json!("run"), &json!("simulated")));
    assert_eq!((&told["ads"], &told["budget_micros"]), (&json!(2), &json!(50_000_000)));
    assert_eq!(told["measured_campaigns"][0]["campaign"], json!(format!("{run}-g1")));
    let band = |name: &str, part: &str| told[name][part].as_i64().unwrap();
    assert!(
        band("impressions", "low") <= band("impressions", "high") && band("impressions", "high") <= 6_000
    );
    assert!(band("spend", "high_micros") <= 50_000_000);
    let second = server.order(&tenant, 2).await.run;
    server.rival(second, 1).await;
    assert_eq!(server.post(path, &tenant.key, &order(second)).await["basis"], "organization");
    let listed = server.get("/v1/campaigns", &tenant.key).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1, "only the run's own");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_order_makes_one_campaign() {
    let server = Server::start().await;
    let (tenant, run, _) = winners(&server, "one").await;
    let send = || {
        let request = server.client.post(format!("{}/v1/campaigns", server.url)).bearer_auth(&tenant.key);
        request.header("idempotency-key", "campaign-1").json(&order(run)).send()
    };
    let (first, again) = (send().await.unwrap(), send().await.unwrap());
    assert_eq!(first.status(), StatusCode::CREATED);
    assert_eq!(first.headers()["location"], format!("/v1/campaigns/{run}-c1").as_str());
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    let (first, again) = (first.json::<Value>().await.unwrap(), again.json::<Value>().await.unwrap());
    assert_eq!(first["id"], again["id"]);
}
