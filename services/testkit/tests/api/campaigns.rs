//! Campaigns, their ads, and what is wished of them.

use reqwest::StatusCode;
use serde_json::{Value, json};
use spotwright_core::domain::run::Stage;
use spotwright_core::ports::step_store::Commit;
use spotwright_testkit::fixtures;

use crate::harness::{Server, problem};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_campaign_is_read_with_its_ads_and_how_it_went() {
    let server = Server::start().await;
    let (tenant, other) = (server.tenant("one").await, server.tenant("two").await);
    let run = server.order(&tenant, 1).await.run;
    let variant = server.win(run).await;
    let id = format!("{run}-g1");
    let before = server.get(&format!("/v1/campaigns/{id}"), &tenant.key).await;
    assert_eq!((&before["status"], &before["win_rate"]), (&json!("waiting"), &json!(null)));
    assert_eq!(before["allowed"], json!(["pause", "end"]));
    let path = format!("/v1/campaigns/{id}/delivery");
    let early = server.request("GET", &path, Some(&tenant.key)).send().await.unwrap();
    assert_eq!(problem(early).await.1["code"], "SW1003");

    let (id, ad) = server.played(run).await;
    let campaign = server.get(&format!("/v1/campaigns/{id}"), &tenant.key).await;
    assert_eq!((&campaign["id"], &campaign["name"]), (&json!(id), &json!("Hill tea, generation 1")));
    assert_eq!((&campaign["source"], &campaign["currency"]), (&json!("simulated"), &json!("USD")));
    assert_eq!((&campaign["impressions"], &campaign["spend_micros"]), (&json!(300), &json!(5)));
    assert_eq!((&campaign["auctions"], &campaign["win_rate"]), (&json!(1000), &json!(0.31)));

    let groups = server.get(&format!("/v1/campaigns/{id}/ad-groups"), &tenant.key).await;
    assert_eq!((&groups["data"][0]["ads"], &groups["data"][0]["campaign"]), (&json!(1), &json!(id)));
    let ads = server.get(&format!("/v1/campaigns/{id}/ads"), &tenant.key).await;
    let one = server.get(&format!("/v1/ads/{ad}"), &tenant.key).await;
    assert_eq!(ads["data"], json!([one]));
    assert_eq!((&one["variant"], &one["ad_group"]), (&json!(variant), &groups["data"][0]["id"]));
    assert_eq!((&one["status"], &one["allowed"]), (&json!("ended"), &json!([])));
    assert_eq!((&one["auctions"], &one["won"]), (&json!(600), &json!(310)));
    assert_eq!(one["delivery"]["clicks"], 7);

    let delivery = server.get(&path, &tenant.key).await;
    assert_eq!((&delivery["budget_micros"], &delivery["spend_micros"]), (&json!(8), &json!(5)));
    let price = json!({ "quantile": 0.25, "own_cpm_micros": 40, "market_cpm_micros": 50 });
    assert_eq!(delivery["prices"][0], price);
    assert_eq!(delivery["pacing"][0]["planned_micros"], 4);
    assert_eq!((&delivery["climbs"], &delivery["holds"]), (&json!([]), &json!([])));

    for path in
        [format!("/v1/campaigns/{id}"), path, format!("/v1/ads/{ad}"), format!("/v1/campaigns/{run}-g2")]
    {
        let missing = server.request("GET", &path, Some(&other.key)).send().await.unwrap();
        assert_eq!(missing.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn campaigns_are_listed_by_what_is_asked() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let (first, second) = (server.order(&tenant, 1).await.run, server.order(&tenant, 2).await.run);
    for run in [first, second] {
        server.win(run).await;
    }
    let run = Some(fixtures::update(Stage::Playing, 1));
    server.commit(second, Commit { run, ..Commit::default() }).await;
    let listed = async |query: &str| -> Vec<Value> {
        let list = server.get(&format!("/v1/campaigns?{query}"), &tenant.key).await;
        list["data"].as_array().unwrap().iter().map(|row| row["id"].clone()).collect()
    };
    let (one, two) = (json!(format!("{first}-g1")), json!(format!("{second}-g1")));
    assert_eq!(listed("").await, [two.clone(), one.clone()]);
    assert_eq!(listed("status=active").await, std::slice::from_ref(&two));
    assert_eq!(listed("status=waiting&objective=clicks").await, std::slice::from_ref(&one));
    assert_eq!(listed("objective=leads").await, [] as [Value; 0]);
    assert_eq!(listed(&format!("run={first}")).await, std::slice::from_ref(&one));

    let refs = json!({ "external_refs": [{ "platform": "meta", "account": "act_1", "id": "238" }] });
    let path = format!("/v1/campaigns/{first}-g1/external-refs");
    let request = server.request("PUT", &path, Some(&tenant.key)).json(&refs);
    assert_eq!(request.send().await.unwrap().json::<Value>().await.unwrap(), refs);
    assert_eq!(server.get(&path, &tenant.key).await, refs);
    assert_eq!(listed("platform=meta&external_id=238").await, [one]);
    let path = format!("/v1/campaigns/{second}-g1/external-refs");
    let taken = server.request("PUT", &path, Some(&tenant.key)).json(&refs).send().await.unwrap();
    assert_eq!(problem(taken).await.1["param"], "external_refs[0].id");

    let page = server.get("/v1/campaigns?limit=1&status=waiting", &tenant.key).await;
    assert_eq!(page["has_more"], false);
    let page = server.get("/v1/campaigns?limit=1", &tenant.key).await;
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(listed(&format!("limit=1&cursor={cursor}")).await.len(), 1);
    for (query, field) in [
        (format!("status=waiting&cursor={cursor}"), "cursor"),
        ("status=running".to_owned(), "status"),
        ("objective=fame".to_owned(), "objective"),
        ("platform=meta".to_owned(), "external_id"),
        ("external_id=238".to_owned(), "platform"),
    ] {
        let path = format!("/v1/campaigns?{query}");
        let refused = server.request("GET", &path, Some(&tenant.key)).send().await.unwrap();
        assert_eq!(problem(refused).await.1["param"], field, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wishes_for_campaigns_and_ads_reach_their_run() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let run = server.order(&tenant, 1).await.run;
    server.win(run).await;
    let campaign = server.get(&format!("/v1/campaigns/{run}-g1/ads"), &tenant.key).await;
    let ad = campaign["data"][0]["id"].as_str().unwrap();
    for wish in ["pause", "resume", "end"] {
        let path = format!("/v1/campaigns/{run}-g1/{wish}");
        assert_eq!(server.post(&path, &tenant.key, &json!({})).await["run"], json!(run));
        let path = format!("/v1/ads/{ad}/{wish}");
        assert_eq!(server.post(&path, &tenant.key, &json!({})).await["id"], json!(ad));
    }
    let wishes = server.control.wishes.lock().unwrap().clone();
    assert_eq!(wishes, [("serving", run); 6]);
    for path in [
        "/v1/campaigns/7/pause".to_owned(),
        format!("/v1/campaigns/{run}-g9/pause"),
        format!("/v1/ads/{run}/pause"),
    ] {
        let request = server.request("POST", &path, Some(&tenant.key)).json(&json!({}));
        assert_eq!(request.send().await.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
    }
}
