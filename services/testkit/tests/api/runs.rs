//! Runs from order to end: events, trace, variants, wishes.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use spotwright_core::domain::variant::VariantState;
use spotwright_core::ports::step_store::{Commit, StepStore};
use spotwright_schemas::ids::RunId;
use spotwright_testkit::fixtures;

use crate::harness::{Server, Tenant, brief_order, problem, text};

async fn follow(server: &Server, tenant: &Tenant, run: RunId, last: Option<u64>) -> Response {
    let mut request = server.request("GET", &format!("/v1/runs/{run}/events"), Some(&tenant.key));
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    request.send().await.unwrap()
}

/// Ids of the events in a stream's text.
fn ids(stream: &str) -> Vec<u64> {
    stream.lines().filter_map(|line| line.strip_prefix("id: ")?.parse().ok()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_stored_as_it_was_ordered() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let made = server.order(&tenant, 7).await;
    let run = server.get(&format!("/v1/runs/{}", made.run), &tenant.key).await;
    let order = json!({
        "brief": made.brief, "generations": 2, "variants": 12, "winners": 3, "seed": 7, "opportunities": 60_000
    });
    assert_eq!((&run["order"], &run["stage"], &run["events"]), (&order, &json!("requested"), &json!(1)));
    assert_eq!(run["money"]["budget_micros"], 10_000_000);
    assert_eq!(run["money"]["currency"], "USD");
    let view = StepStore::run(&*server.store, made.run).await.unwrap();
    assert_eq!((view.organization, view.request.seed), (tenant.id, 7));
    assert_eq!(view.request.brief, fixtures::brief());
    assert_eq!((view.request.pictures.len(), view.request.pictures[0].width), (1, 640));
    let small = json!({ "brief": made.brief, "variants": 2 });
    let small = server.post("/v1/runs", &tenant.key, &small).await;
    assert_eq!((&small["order"]["variants"], &small["order"]["winners"]), (&json!(2), &json!(2)));
    let brief = server.get(&format!("/v1/briefs/{}", made.brief), &tenant.key).await;
    assert_eq!(brief["brief"], serde_json::to_value(fixtures::brief()).unwrap());
    assert_eq!(brief["assets"], json!({ "tea.png": made.asset }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_arrive_as_they_happen_and_end_with_the_run() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let run = server.order(&tenant, 1).await.run;
    let mut stream = follow(&server, &tenant, run, None).await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    assert_eq!(stream.headers()["x-accel-buffering"], "no");
    let mut read = String::new();
    let mut written = 1;
    while let Some(chunk) = stream.chunk().await.unwrap() {
        read.push_str(std::str::from_utf8(&chunk).unwrap());
        // Each event is written only after the one before it has arrived.
        if read.ends_with("\n\n") && ids(&read).last() == Some(&written) {
            written += 1;
            match written {
                2 | 3 => {
                    let messages = vec![Server::message(&tenant, run, written)];
                    server.commit(run, Commit { messages, ..Commit::default() }).await;
                }
                4 => server.finish(&tenant, run, 4).await,
                _ => {}
            }
        }
    }
    assert_eq!(ids(&read), [1, 2, 3, 4]);
    assert!(read.contains("event: spotwright.run.finished.v1\n"));
    let data: Vec<Value> = read
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert_eq!(data.len(), 4);
    assert!(data.iter().all(|event| event["subject"] == run.to_string()));

    let resumed = follow(&server, &tenant, run, Some(2)).await.text().await.unwrap();
    assert_eq!(ids(&resumed), [3, 4]);
    assert_eq!(follow(&server, &tenant, run, Some(4)).await.status(), StatusCode::NO_CONTENT);
    let ended = server.get(&format!("/v1/runs/{run}"), &tenant.key).await;
    assert_eq!((&ended["stage"], &ended["stopped"]), (&json!("finished"), &json!("completed")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_ends_with_its_key_and_with_the_service() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let run = server.order(&tenant, 1).await.run;
    let (id, secret) = server.key(&tenant.key, &["runs:read"]).await;
    let reader = Tenant { key: secret, ..tenant.clone() };
    let mut stream = follow(&server, &reader, run, None).await;
    assert!(stream.chunk().await.unwrap().is_some());
    server.post(&format!("/v1/api-keys/{id}/revoke"), &tenant.key, &json!({})).await;
    assert_eq!(stream.text().await.unwrap(), "");

    let mut stream = follow(&server, &tenant, run, None).await;
    assert!(stream.chunk().await.unwrap().is_some());
    server.stop.send_replace(true);
    assert_eq!(stream.text().await.unwrap(), "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_and_variants_come_in_pages() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let run = server.order(&tenant, 1).await.run;
    let variants: Vec<_> = [(1, 1), (1, 2), (2, 1)]
        .into_iter()
        .map(|(generation, number)| {
            let state = if number == 1 { VariantState::Won } else { VariantState::Scored };
            fixtures::variant(run, generation, number, state)
        })
        .collect();
    server.commit(run, Commit { variants, ..Commit::default() }).await;
    let all = async |path: String, field: &str| -> Vec<String> {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = server.get(&format!("{path}limit=1{cursor}"), &tenant.key).await;
            seen.extend(page["data"].as_array().unwrap().iter().map(|row| row[field].to_string()));
            let Some(next) = page["next_cursor"].as_str() else { return seen };
            cursor = format!("&cursor={next}");
        }
    };
    assert_eq!(all(format!("/v1/runs/{run}/trace?"), "order").await, ["\"a\"", "\"b\"", "\"c\""]);
    assert_eq!(all(format!("/v1/runs/{run}/variants?"), "generation").await, ["1", "1", "2"]);
    let won = all(format!("/v1/runs/{run}/variants?state=won&"), "generation").await;
    assert_eq!(won, ["1", "2"]);
    // A cursor of the whole list is none of the winners'.
    let page = server.get(&format!("/v1/runs/{run}/variants?limit=1"), &tenant.key).await;
    let path = format!("/v1/runs/{run}/variants?state=won&cursor={}", text(&page["next_cursor"]));
    let response = server.request("GET", &path, Some(&tenant.key)).send().await.unwrap();
    assert_eq!(problem(response).await.1["code"], "SW1012");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wishes_reach_the_run_and_refusals_the_client() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let run = server.order(&tenant, 1).await.run;
    for wish in ["pause", "cancel"] {
        let answer = server.post(&format!("/v1/runs/{run}/{wish}"), &tenant.key, &json!({})).await;
        assert_eq!(answer["id"], json!(run));
    }
    let request = server.request("POST", &format!("/v1/runs/{run}/resume"), Some(&tenant.key));
    let (status, body) = problem(request.send().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("SW1014")));
    let wishes = server.control.wishes.lock().unwrap().clone();
    assert_eq!(wishes, [("pause", run), ("cancel", run), ("resume", run)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signals_reach_the_run_once_and_their_refusals_the_client() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let run = server.order(&tenant, 1).await.run;
    let path = format!("/v1/runs/{run}/signals");
    let body = json!({ "id": run, "signal": { "kind": "answer", "question": "no_price", "text": "$18" } });
    let first = server.post(&path, &tenant.key, &body).await;
    assert_eq!((&first["repeated"], &first["run"]["id"]), (&json!(false), &json!(run)));
    assert_eq!(server.post(&path, &tenant.key, &body).await["repeated"], true);
    let questions = server.get(&format!("/v1/runs/{run}/questions"), &tenant.key).await;
    assert_eq!(questions["questions"][0]["id"], "no_price");
    let send = |body: Value| server.request("POST", &path, Some(&tenant.key)).json(&body).send();
    let edit = json!({ "kind": "edit", "variant": run, "line": 0, "caption": "Gone in 7 hours" });
    let (status, refused) = problem(send(json!({ "id": run, "signal": edit })).await.unwrap()).await;
    assert_eq!((status, &refused["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("SW0405")));
    assert!(text(&refused["detail"]).contains("7 hours"), "{refused}");
    for wrong in [
        json!({ "signal": { "kind": "cancel" } }),
        json!({ "id": run, "signal": { "kind": "applaud" } }),
        json!({ "id": run, "signal": { "kind": "approve", "variants": [] } }),
        json!({ "id": run, "signal": { "kind": "reject", "variant": run } }),
    ] {
        let (status, body) = problem(send(wrong.clone()).await.unwrap()).await;
        assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("SW1005")), "{wrong}");
    }
    let wishes = server.control.wishes.lock().unwrap().clone();
    assert_eq!(wishes, [("answer", run), ("answer", run), ("edit", run)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_take_part_in_a_run_where_its_order_says_so() {
    use spotwright_core::domain::run::{Approval, Clarify, Involvement};

    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let made = server.order(&tenant, 1).await;
    let people = async |run: RunId| StepStore::run(&*server.store, run).await.unwrap().request.people;
    assert_eq!(people(made.run).await, Involvement::default());
    let order = json!({
        "brief": made.brief, "clarify": "ask", "answers_within_seconds": 3_600, "approval": "scripts"
    });
    let asked = server.post("/v1/runs", &tenant.key, &order).await;
    let wanted = Involvement {
        clarify: Clarify::Ask,
        answers_within_seconds: Some(3_600),
        approval: Approval::Scripts,
    };
    assert_eq!(people(text(&asked["id"]).parse().unwrap()).await, wanted);
    for wrong in [
        json!({ "brief": made.brief, "answers_within_seconds": 60 }),
        json!({ "brief": made.brief, "clarify": "ask", "answers_within_seconds": 0 }),
    ] {
        let request = server.request("POST", "/v1/runs", Some(&tenant.key)).json(&wrong);
        let (status, body) = problem(request.send().await.unwrap()).await;
        assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("SW1006")), "{wrong}");
        assert_eq!(body["param"], "answers_within_seconds");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_the_organizations_budget_does_not_cover_is_refused_whole() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let made = server.order(&tenant, 1).await;
    let limit = |cap: Value| {
        let path = format!("/v1/organizations/{}/budget", tenant.id);
        server.request("POST", &path, Some(&server.operator)).json(&json!({ "cap_micros": cap })).send()
    };
    assert_eq!(limit(json!(15_000_000)).await.unwrap().status(), StatusCode::OK);
    let order = || {
        let request = server.request("POST", "/v1/runs", Some(&tenant.key));
        request.json(&json!({ "brief": made.brief })).send()
    };
    let (status, body) = problem(order().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (StatusCode::PAYMENT_REQUIRED, &json!("SW1018")));
    let runs = server.get("/v1/runs", &tenant.key).await;
    assert_eq!(runs["data"].as_array().map(Vec::len), Some(1), "{runs}");
    let (status, body) = problem(limit(json!(-1)).await.unwrap()).await;
    assert_eq!((status, &body["param"]), (StatusCode::BAD_REQUEST, &json!("cap_micros")));
    // The first run has ended and spent nothing.
    server.finish(&tenant, made.run, 2).await;
    assert_eq!(order().await.unwrap().status(), StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_is_read_back_and_only_taken_away_on_purpose() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    server.order(&tenant, 1).await;
    let path = format!("/v1/organizations/{}/budget", tenant.id);
    let send = |method: &'static str, body: Value| {
        let request = server.request(method, &path, Some(&server.operator));
        async move { request.json(&body).send().await.unwrap() }
    };
    let unlimited = json!({
        "cap_micros": null, "currency": null, "committed_micros": null, "free_micros": null
    });
    assert_eq!(server.get(&path, &server.operator).await, unlimited);
    for method in ["PUT", "POST"] {
        let set = send(method, json!({ "cap_micros": 15_000_000 })).await;
        assert_eq!(set.status(), StatusCode::OK);
        let in_force = json!({
            "cap_micros": 15_000_000, "currency": "USD", "committed_micros": 10_000_000, "free_micros": 5_000_000
        });
        assert_eq!(set.json::<Value>().await.unwrap(), in_force);
        for forgotten in [json!({}), json!({ "currency": "USD" }), json!({ "cap": null })] {
            let (status, body) = problem(send(method, forgotten).await).await;
            assert_eq!((status, &body["code"]), (StatusCode::BAD_REQUEST, &json!("SW1005")));
        }
        assert_eq!(server.get(&path, &server.operator).await, in_force);
        assert_eq!(send(method, json!({ "cap_micros": null })).await.status(), StatusCode::OK);
        assert_eq!(server.get(&path, &server.operator).await, unlimited);
    }
    send("PUT", json!({ "cap_micros": 1, "currency": "USD" })).await;
    assert_eq!(server.get(&path, &server.operator).await["cap_micros"], 1);
    assert_eq!(send("DELETE", json!({})).await.json::<Value>().await.unwrap(), unlimited);
    assert_eq!(server.get(&path, &server.operator).await, unlimited);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_below_what_is_committed_freezes_the_organization() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let made = server.order(&tenant, 1).await;
    let path = format!("/v1/organizations/{}/budget", tenant.id);
    let request = server.request("PUT", &path, Some(&server.operator));
    let frozen: Value = request.json(&json!({ "cap_micros": 0 })).send().await.unwrap().json().await.unwrap();
    assert_eq!((&frozen["committed_micros"], &frozen["free_micros"]), (&json!(10_000_000), &json!(0)));
    let order = || {
        let request = server.request("POST", "/v1/runs", Some(&tenant.key));
        request.json(&json!({ "brief": made.brief })).send()
    };
    let (status, body) = problem(order().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (StatusCode::PAYMENT_REQUIRED, &json!("SW1018")));
    // What was admitted goes on to its end, which the limit does not hold back.
    server.finish(&tenant, made.run, 2).await;
    assert_eq!(server.get(&path, &server.operator).await["committed_micros"], 0);
    assert_eq!(problem(order().await.unwrap()).await.0, StatusCode::PAYMENT_REQUIRED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_in_another_currency_than_the_limit_is_refused() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let path = format!("/v1/organizations/{}/budget", tenant.id);
    let limit = json!({ "cap_micros": 900_000_000, "currency": "CNY" });
    let request = server.request("PUT", &path, Some(&server.operator));
    assert_eq!(request.json(&limit).send().await.unwrap().status(), StatusCode::OK);
    let asset = server.upload(&tenant, "picture of tea").await;
    let brief = server.post("/v1/briefs", &tenant.key, &brief_order(&asset)).await;
    let request = server.request("POST", "/v1/runs", Some(&tenant.key));
    let refused = request.json(&json!({ "brief": brief["id"] })).send().await.unwrap();
    let (status, body) = problem(refused).await;
    assert_eq!((status, &body["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("SW1019")));
    let told = body["detail"].as_str().unwrap();
    assert!(told.contains("USD") && told.contains("CNY"), "{told}");
    assert_eq!(server.get("/v1/runs", &tenant.key).await["data"], json!([]));
}
