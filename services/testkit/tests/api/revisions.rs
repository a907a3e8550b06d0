//! Variants that people make of others: checked, made once, listed, and of one organization only.

use reqwest::StatusCode;
use serde_json::{Value, json};
use spotwright_core::ports::step_store::StepStore;
use spotwright_core::use_cases::Role;

use crate::harness::{Made, Server, Tenant, problem, text};
use crate::people;

async fn winner(server: &Server, tenant: &Tenant) -> (Made, String) {
    let made = server.order(tenant, 7).await;
    let variant = server.win(made.run).await;
    (made, variant)
}

fn words(caption: &str) -> Value {
    json!({ "lines": [{ "line": 0, "caption": caption }], "style": "sale" })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_tells_what_is_wrong_and_how_it_fits_and_stores_nothing() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let (_, variant) = winner(&server, &tenant).await;
    let path = format!("/v1/variants/{variant}/revisions");
    let checked = |caption: &str| json!({ "check": true, "changes": words(caption) });
    // A check creates nothing, so it needs no key.
    let request = server.client.post(format!("{}{path}", server.url)).bearer_auth(&tenant.key);
    let response = request.json(&checked("Picked by hand, slowly")).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let fine: Value = response.json().await.unwrap();
    assert_eq!((&fine["pass"], &fine["findings"]), (&json!(true), &json!([])));
    assert_eq!(fine["fits"][0]["caption"]["ink"], json!([43, 700, 600, 140]));
    assert_eq!(fine["fits"][0]["caption"]["lines"], 2);
    assert_eq!(fine["buttons"], json!(["Shop now"]));
    assert!(fine["storyboard"]["shots"].is_array() && fine["script"]["lines"].is_array());
    let wrong = server.post(&path, &tenant.key, &checked("The cheap one")).await;
    assert_eq!(wrong["pass"], false);
    let finding = &wrong["findings"][0];
    assert_eq!((&finding["field"], &finding["severity"]), (&json!("lines[0].caption"), &json!("error")));
    assert_eq!(server.get(&path, &tenant.key).await["data"], json!([]));
    assert_eq!(server.get("/v1/runs", &tenant.key).await["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revision_is_a_run_of_its_own_and_the_lineage_is_told_from_both_sides() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let (made, variant) = winner(&server, &tenant).await;
    let before = StepStore::run(&*server.store, made.run).await.unwrap();
    let path = format!("/v1/variants/{variant}/revisions");
    let order = json!({ "changes": words("Picked by hand, slowly"), "budget_micros": 2_000_000, "seed": 11 });
    let send = || {
        let request = server.client.post(format!("{}{path}", server.url)).bearer_auth(&tenant.key);
        request.header("idempotency-key", "revision").json(&order).send()
    };
    let response = send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let run: Value = response.json().await.unwrap();
    assert_eq!(location, format!("/v1/runs/{}", text(&run["id"])));
    let revises = json!({ "variant": variant, "run": made.run });
    assert_eq!(run["revises"], revises);
    let sizes = ["generations", "variants", "winners", "seed"].map(|name| run["order"][name].clone());
    assert_eq!(sizes, [1, 1, 1, 11].map(Value::from));
    assert_eq!(run["money"]["budget_micros"], 2_000_000);
    let again = send().await.unwrap();
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), run);

    let listed = server.get(&path, &tenant.key).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    assert_eq!((&listed["data"][0]["id"], &listed["data"][0]["revises"]), (&run["id"], &revises));
    let original = server.get(&format!("/v1/variants/{variant}"), &tenant.key).await;
    assert_eq!((&original["revised_by"], &original["revises"]), (&json!([run["id"]]), &Value::Null));
    let runs = server.get("/v1/runs", &tenant.key).await;
    assert_eq!([&runs["data"][0]["revises"], &runs["data"][1]["revises"]], [&revises, &Value::Null]);
    let stored = StepStore::run(&*server.store, text(&run["id"]).parse().unwrap()).await.unwrap();
    let revision = stored.request.revision.as_deref().expect("the edited ad stands in the request");
    assert_eq!(revision.of.to_string(), variant);
    assert!(revision.by.starts_with("key:"), "{}", revision.by);
    // The original and its run are as they were.
    assert_eq!(StepStore::run(&*server.store, made.run).await.unwrap(), before);
    let log =
        server.get(&format!("/v1/audit-log?action=variant.revised&target={variant}"), &tenant.key).await;
    assert_eq!(log["data"].as_array().unwrap().len(), 1, "{log}");
    let made_of_it = server.win(text(&run["id"]).parse().unwrap()).await;
    let made_of_it = server.get(&format!("/v1/variants/{made_of_it}"), &tenant.key).await;
    assert_eq!(made_of_it["revises"], revises);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_that_stop_and_orders_out_of_range_are_refused_with_the_field() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let (_, variant) = winner(&server, &tenant).await;
    let path = format!("/v1/variants/{variant}/revisions");
    let fine = || words("Picked by hand, slowly");
    for (body, status, code, param) in [
        (json!({ "changes": words("The cheap one") }), 422, "SW0405", "lines[0].caption"),
        (json!({ "changes": {} }), 400, "SW1006", "changes"),
        (json!({}), 400, "SW1006", "changes"),
        (json!({ "changes": fine(), "budget_micros": 0 }), 400, "SW1006", "budget_micros"),
        (json!({ "changes": fine(), "budget_micros": 10_000_001 }), 400, "SW1006", "budget_micros"),
        (json!({ "changes": fine(), "budget_micros": -5 }), 400, "SW1006", "budget_micros"),
        (json!({ "changes": fine(), "opportunities": 5 }), 400, "SW1006", "opportunities"),
        (json!({ "changes": fine(), "seed": 9_007_199_254_740_992_u64 }), 400, "SW1006", "seed"),
        (json!({ "changes": { "shots": [{ "shot": 0, "layout": "sideways" }] } }), 400, "SW1005", ""),
        (json!({ "changes": { "words": [] } }), 400, "SW1005", ""),
    ] {
        let request = server.request("POST", &path, Some(&tenant.key)).json(&body);
        let (answered, answer) = problem(request.send().await.unwrap()).await;
        assert_eq!((answered.as_u16(), &answer["code"]), (status, &json!(code)), "{body}: {answer}");
        if !param.is_empty() {
            assert_eq!(answer["param"], param, "{answer}");
        }
    }
    assert_eq!(server.get(&path, &tenant.key).await["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_start_runs_may_revise_and_another_organization_finds_nothing() {
    let server = Server::start().await;
    let (owner, stranger) = (server.tenant("owner").await, server.tenant("stranger").await);
    let (_, variant) = winner(&server, &owner).await;
    let path = format!("/v1/variants/{variant}/revisions");
    let mut people = Vec::new();
    for role in Role::ALL {
        let email = format!("{role}@example.com");
        people.push((role, people::member(&server, &owner, &email, role.as_str()).await));
    }
    for check in [true, false] {
        let body = json!({ "check": check, "changes": words("Picked by hand, slowly") });
        let foreign = server.request("POST", &path, Some(&stranger.key)).json(&body);
        assert_eq!(foreign.send().await.unwrap().status(), StatusCode::NOT_FOUND);
        for (role, person) in &people {
            let request = person.sends(server.request("POST", &path, None).json(&body));
            let status = request.send().await.unwrap().status();
            let allowed = matches!(role, Role::Owner | Role::Admin | Role::Editor);
            let expected = if allowed { status.is_success() } else { status == StatusCode::FORBIDDEN };
            assert!(expected, "{role}: {status}");
        }
    }
    let foreign = server.request("GET", &path, Some(&stranger.key));
    assert_eq!(foreign.send().await.unwrap().status(), StatusCode::NOT_FOUND);
}
