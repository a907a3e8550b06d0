//! Test keys: the whole API in the sandbox, apart from everything that is meant, on a clock that is moved.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};
use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::sandbox::{ForcedAt, Magic, forced_at};
use spotwright_core::ports::accounts::{AccountStore, Page};
use spotwright_core::ports::event_log::{EventLog, LogFilter, LogPosition};
use spotwright_core::ports::step_store::LedgerKind;
use spotwright_core::ports::webhooks::WebhookStore as _;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::KeyId;
use spotwright_schemas::organization_event::LoggedEvent;
use spotwright_testkit::fixtures;

use crate::harness::{Server, Tenant, brief_order, problem, text};

/// The text of a test key of the tenant that may do everything.
pub(crate) async fn test_key(server: &Server, tenant: &Tenant) -> String {
    sandbox(server, tenant).await.key
}

/// The tenant's sandbox, with a key that may do everything in it.
async fn sandbox(server: &Server, tenant: &Tenant) -> Tenant {
    let scopes: Vec<&str> =
        spotwright_core::domain::account::Scope::CUSTOMER.iter().map(|scope| scope.as_str()).collect();
    let order = json!({ "name": "tests", "scopes": scopes, "mode": "test" });
    let made = server.post("/v1/api-keys", &tenant.key, &order).await;
    assert_eq!(made["key"]["mode"], "test");
    Tenant { id: tenant.id.sandbox(), key: text(&made["secret"]), key_id: text(&made["key"]["id"]) }
}

/// The ids of a list.
fn ids(list: &Value) -> BTreeSet<String> {
    list["data"].as_array().unwrap().iter().map(|row| text(&row["id"])).collect()
}

/// The fixtures' brief with another id, and the picture that it needs.
async fn brief_called(server: &Server, tenant: &Tenant, id: &str) -> Value {
    let asset = server.upload(tenant, "picture of tea").await;
    let mut order = brief_order(&asset);
    order["brief"]["id"] = json!(id);
    order
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_key_shows_what_it_is_and_makes_only_its_like() {
    let server = Server::start().await;
    let live = server.tenant("one").await;
    let test = sandbox(&server, &live).await;
    assert!(live.key.starts_with("sw_live_") && test.key.starts_with("sw_test_"));
    let (other, another) = server.key(&test.key, &["keys:admin"]).await;
    assert!(another.starts_with("sw_test_"), "without a mode, that of the asking key");
    let both = BTreeSet::from([test.key_id.clone(), other.clone()]);
    assert_eq!(ids(&server.get("/v1/api-keys", &test.key).await), both);
    assert_eq!(ids(&server.get("/v1/api-keys?mode=test", &live.key).await), both);
    assert_eq!(
        ids(&server.get("/v1/api-keys", &live.key).await),
        BTreeSet::from([live.key_id.clone()]),
        "live keys alone"
    );
    let read = server.get(&format!("/v1/api-keys/{other}"), &live.key).await;
    assert_eq!(read["mode"], "test");

    let ask = async |key: &str, order: Value| {
        let response = server.request("POST", "/v1/api-keys", Some(key)).json(&order).send().await.unwrap();
        problem(response).await.1
    };
    let refused = ask(&test.key, json!({ "name": "a", "scopes": ["runs:read"], "mode": "live" })).await;
    assert_eq!((&refused["code"], &refused["param"]), (&json!("SW1002"), &json!("mode")));
    let order = json!({ "name": "a", "scopes": ["operator"], "mode": "test" });
    let refused = ask(&server.operator, order).await;
    assert_eq!((&refused["code"], &refused["param"]), (&json!("SW1006"), &json!("scopes[0]")));
    let refused = ask(&live.key, json!({ "name": "a", "scopes": ["runs:read"], "mode": "dry" })).await;
    assert_eq!((&refused["code"], &refused["param"]), (&json!("SW1006"), &json!("mode")));
    let response = server.request("GET", "/v1/api-keys?mode=live", Some(&test.key)).send().await.unwrap();
    assert_eq!(problem(response).await.1["code"], "SW1002");
    let response = server
        .request("GET", &format!("/v1/api-keys/{}", live.key_id), Some(&test.key))
        .send()
        .await
        .unwrap();
    assert_eq!(problem(response).await.0, StatusCode::NOT_FOUND, "a live key is not there");

    // The live side revokes test keys, the last one too.
    for id in both {
        let revoked = server.post(&format!("/v1/api-keys/{id}/revoke"), &live.key, &json!({})).await;
        assert!(revoked["revoked_at"].is_string());
    }
    let response = server.request("GET", "/v1/runs", Some(&test.key)).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_side_sees_or_touches_anything_of_the_other() {
    let server = Server::start().await;
    let live = server.tenant("one").await;
    let test = sandbox(&server, &live).await;
    let meant = server.order(&live, 7).await;
    let tried = server.order(&test, 7).await;
    let variant = server.win(tried.run).await;
    server.played(tried.run).await;
    let reads = |made: &crate::harness::Made| {
        [
            format!("/v1/briefs/{}", made.brief),
            format!("/v1/assets/{}", made.asset),
            format!("/v1/runs/{}", made.run),
            format!("/v1/runs/{}/events", made.run),
            format!("/v1/runs/{}/trace", made.run),
            format!("/v1/runs/{}/variants", made.run),
        ]
    };
    for (own, other, made) in [(&live, &test, &meant), (&test, &live, &tried)] {
        for path in reads(made) {
            let mine = server.request("GET", &path, Some(&own.key)).send();
            let theirs = server.request("GET", &path, Some(&other.key)).send();
            assert_eq!(theirs.await.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
            // The stream goes on for ever; that it begins is enough.
            assert_eq!(mine.await.unwrap().status(), StatusCode::OK, "{path}");
        }
        let run = made.run.to_string();
        assert_eq!(ids(&server.get("/v1/runs", &own.key).await), BTreeSet::from([run]));
        let cancel = format!("/v1/runs/{}/cancel", made.run);
        let refused = server.request("POST", &cancel, Some(&other.key)).send().await.unwrap();
        assert_eq!(refused.status(), StatusCode::NOT_FOUND);
    }
    assert!(server.control.wishes.lock().unwrap().is_empty());
    let path = format!("/v1/variants/{variant}");
    assert_eq!(
        server.request("GET", &path, Some(&live.key)).send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );

    // What was tried out is no spending of the organization, and has the same seed every time.
    server.commit(tried.run, fixtures::money(LedgerKind::Reserve, "a call", 5)).await;
    assert_eq!(server.get("/v1/ledger", &test.key).await["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(server.get("/v1/ledger", &live.key).await["data"], json!([]));
    let run = server.get(&format!("/v1/runs/{}", tried.run), &test.key).await;
    assert_eq!((&run["order"]["seed"], &run["mode"]), (&json!(1), &json!("test")));
    let run = server.get(&format!("/v1/runs/{}", meant.run), &live.key).await;
    assert_eq!((&run["order"]["seed"], run.get("mode")), (&json!(7), None));
    let organizations = server.get("/v1/organizations?limit=200", &server.operator).await;
    assert!(!ids(&organizations).contains(&test.id.to_string()), "a sandbox is no customer");

    // The operator who freezes an organization freezes its sandbox.
    server.post(&format!("/v1/organizations/{}/freeze", live.id), &server.operator, &json!({})).await;
    let refused = server.request("GET", "/v1/runs", Some(&test.key)).send().await.unwrap();
    assert_eq!(problem(refused).await.1["code"], "SW1026");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_made_with_a_test_key_says_so() {
    let server = Server::start().await;
    let live = server.tenant("one").await;
    let test = sandbox(&server, &live).await;
    let made = server.order(&test, 1).await;
    for path in [
        "/v1/organization".to_owned(),
        "/v1/runs".to_owned(),
        format!("/v1/runs/{}", made.run),
        format!("/v1/briefs/{}", made.brief),
        "/v1/events".to_owned(),
        "/v1/webhooks".to_owned(),
        "/v1/audit-log".to_owned(),
        "/v1/usage".to_owned(),
    ] {
        let response = server.request("GET", &path, Some(&test.key)).send().await.unwrap();
        assert_eq!(response.headers()["spotwright-mode"], "test", "{path}");
        let answer: Value = response.json().await.unwrap();
        assert_eq!(answer["mode"], "test", "{path}: {answer}");
        for row in answer["data"].as_array().into_iter().flatten() {
            assert_eq!(row["mode"], "test", "{path}: {row}");
        }
        let response = server.request("GET", &path, Some(&live.key)).send().await.unwrap();
        assert!(!response.headers().contains_key("spotwright-mode"), "{path}");
    }
    let events = server.get("/v1/events", &test.key).await;
    assert_eq!(events["data"][0]["event"]["mode"], "test", "{events}");
    let missing = server.request("GET", "/v1/runs/no", Some(&test.key)).send().await.unwrap();
    assert_eq!(missing.headers()["spotwright-mode"], "test");
    assert_eq!(problem(missing).await.1["mode"], "test");
    let ledger = server.request("GET", "/v1/ledger.csv", Some(&test.key)).send().await.unwrap();
    assert_eq!(ledger.headers()["spotwright-mode"], "test", "files say it in the header");
    let webhook = server.post("/v1/webhooks", &test.key, &crate::webhooks::order()).await;
    let id = text(&webhook["webhook"]["id"]);
    server.post(&format!("/v1/webhooks/{id}/test"), &test.key, &json!({})).await;
    let sent: Value = serde_json::from_str(&server.posts.sent.lock().unwrap()[0].body).unwrap();
    assert_eq!(sent["mode"], "test");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_of_a_sandbox_is_moved_and_jumps_to_what_comes_next() {
    let server = Server::start().await;
    let live = server.tenant("one").await;
    let test = sandbox(&server, &live).await;
    let clock = server.get("/v1/sandbox/clock", &test.key).await;
    assert_eq!(
        (&clock["mode"], &clock["moved_micros"], &clock["next"]),
        (&json!("test"), &json!(0), &json!(null))
    );
    let now: jiff::Timestamp = text(&clock["now"]).parse().unwrap();
    let jumped = server.post("/v1/sandbox/clock/next", &test.key, &json!({})).await;
    assert_eq!(jumped["reached"], json!(null), "nothing is to come");

    let short = json!({ "name": "short", "scopes": ["runs:read"], "expires_in_seconds": 7200 });
    let short = server.post("/v1/api-keys", &test.key, &short).await;
    let (short, ends) = (text(&short["secret"]), short["key"]["expires_at"].clone());
    server.get("/v1/runs", &short).await;
    let moved = server.post("/v1/sandbox/clock/advance", &test.key, &json!({ "seconds": 3600 })).await;
    assert_eq!(moved["moved_micros"], json!(3_600_000_000_i64));
    let shown: jiff::Timestamp = text(&moved["now"]).parse().unwrap();
    assert!(shown.duration_since(now) >= jiff::SignedDuration::from_hours(1));
    assert_eq!(moved["next"], json!({ "at": ends, "what": "key_ends" }));
    server.get("/v1/runs", &short).await;
    let jumped = server.post("/v1/sandbox/clock/next", &test.key, &json!({})).await;
    assert_eq!(jumped["reached"], moved["next"]);
    let refused = server.request("GET", "/v1/runs", Some(&short)).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "the key has ended");

    let post = async |path: &str, key: &str, body: Value| {
        server.request("POST", path, Some(key)).json(&body).send().await.unwrap()
    };
    let back = post("/v1/sandbox/clock", &test.key, json!({ "now": now.to_string() })).await;
    let (status, body) = problem(back).await;
    assert_eq!(
        (status, &body["code"], &body["param"]),
        (StatusCode::BAD_REQUEST, &json!("SW1006"), &json!("now"))
    );
    let far = post("/v1/sandbox/clock/advance", &test.key, json!({ "seconds": 1_u64 << 62 })).await;
    assert_eq!(problem(far).await.1["param"], "seconds");
    let set = server.post("/v1/sandbox/clock", &test.key, &json!({ "now": "2030-02-01T00:00:00Z" })).await;
    assert!(text(&set["now"]).starts_with("2030-02-01T00:00:0"), "{set}");
    let made = server.order(&test, 1).await;
    let run = server.get(&format!("/v1/runs/{}", made.run), &test.key).await;
    assert!(text(&run["created_at"]).starts_with("2030-02-01T00:0"), "{run}");

    // A live key has no clock, and its times are those of the machine.
    let refused = post("/v1/sandbox/clock/advance", &live.key, json!({ "seconds": 1 })).await;
    assert_eq!(problem(refused).await.1["code"], "SW1002");
    let meant = server.order(&live, 1).await;
    let run = server.get(&format!("/v1/runs/{}", meant.run), &live.key).await;
    assert!(!text(&run["created_at"]).starts_with("2030"), "{run}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clock_of_a_sandbox_comes_to_the_days_of_made_campaigns_that_are_not_held() {
    let server = Server::start().await;
    let live = server.tenant("one").await;
    let test = sandbox(&server, &live).await;
    let run = server.order(&test, 1).await.run;
    let variant = server.win(run).await;
    let next = async || server.get("/v1/sandbox/clock", &test.key).await["next"]["what"].clone();
    assert_eq!(next().await, json!(null));
    let now: jiff::Timestamp =
        text(&server.get("/v1/sandbox/clock", &test.key).await["now"]).parse().unwrap();
    let starts_at = (now + jiff::SignedDuration::from_hours(1)).to_string();
    let order =
        json!({ "run": run, "variants": [variant], "schedule": { "days": 1, "starts_at": starts_at } });
    let made = server.post("/v1/campaigns", &test.key, &order).await;
    assert_eq!(next().await, "campaign_day");
    let path = format!("/v1/campaigns/{}", text(&made["id"]));
    server.post(&format!("{path}/pause"), &test.key, &json!({})).await;
    assert_eq!(next().await, json!(null), "a paused one has no days");
    server.post(&format!("{path}/resume"), &test.key, &json!({})).await;
    let jumped = server.post("/v1/sandbox/clock/next", &test.key, &json!({})).await;
    assert_eq!(jumped["reached"]["what"], "campaign_day");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_key_is_free_again_after_a_day_of_the_sandbox() {
    let server = Server::start().await;
    let live = server.tenant("one").await;
    let test = sandbox(&server, &live).await;
    let ask = async |key: &str, name: &str| {
        let url = format!("{}/v1/api-keys", server.url);
        let order = json!({ "name": name, "scopes": ["runs:read"] });
        let request = server.client.post(url).bearer_auth(key).header("idempotency-key", "once");
        request.json(&order).send().await.unwrap().status()
    };
    for key in [&live.key, &test.key] {
        assert_eq!(ask(key, "first").await, StatusCode::CREATED);
        assert_eq!(ask(key, "second").await, StatusCode::UNPROCESSABLE_ENTITY);
    }
    server.post("/v1/sandbox/clock/advance", &test.key, &json!({ "seconds": 25 * 3600 })).await;
    assert_eq!(ask(&test.key, "second").await, StatusCode::CREATED);
    assert_eq!(ask(&live.key, "second").await, StatusCode::UNPROCESSABLE_ENTITY, "no day has passed there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moved_clock_lets_requests_in_again() {
    let limits = spotwright_api::Limits { requests_per_second: 3, ..spotwright_api::Limits::default() };
    let server = Server::with(limits).await;
    let live = server.tenant("one").await;
    let order = json!({ "name": "tests", "scopes": ["runs:read", "runs:write"], "mode": "test" });
    let key = text(&server.post("/v1/api-keys", &live.key, &order).await["secret"]);
    // The harness' clock stands still, so the window does not end by itself.
    let get = async || server.request("GET", "/v1/runs", Some(&key)).send().await.unwrap().status();
    assert_eq!([get().await, get().await], [StatusCode::OK; 2]);
    server.post("/v1/sandbox/clock/advance", &key, &json!({ "seconds": 5 })).await;
    assert_eq!([get().await, get().await, get().await], [StatusCode::OK; 3]);
    assert_eq!(get().await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sandbox_is_emptied_and_nothing_else() {
    let server = Server::start().await;
    let live = server.tenant("one").await;
    let test = sandbox(&server, &live).await;
    let meant = server.order(&live, 1).await;
    let tried = server.order(&test, 1).await;
    let variant = server.win(tried.run).await;
    server.played(tried.run).await;
    crate::brands::made(&server, &test).await;
    crate::webhooks::made(&server, &test).await;
    crate::reports::made(&server, &test).await;
    crate::results::imported(&server, &test).await;
    crate::reviews::commented(&server, &test, &variant).await;
    crate::reviews::shared(&server, &test, &tried.run.to_string(), "view").await;
    let rival = server.rival(tried.run, 2).await;
    let order = crate::experiments::order(tried.run, &[&variant, &rival]);
    server.post("/v1/experiments", &test.key, &order).await;

    let emptied = server.request("DELETE", "/v1/sandbox/data", Some(&test.key)).send().await.unwrap();
    let emptied: Value = emptied.json().await.unwrap();
    assert_eq!(emptied["runs"], 1);
    for list in [
        "runs",
        "briefs",
        "assets",
        "brands",
        "webhooks",
        "reports",
        "imports",
        "experiments",
        "shares",
        "ledger",
    ] {
        let left = server.get(&format!("/v1/{list}"), &test.key).await;
        assert_eq!(left["data"], json!([]), "{list}");
    }
    let log = server.get("/v1/audit-log", &test.key).await;
    assert_eq!(log["data"][0]["action"], "sandbox.emptied", "{log}");
    server.get(&format!("/v1/runs/{}", meant.run), &live.key).await;
    server.get(&format!("/v1/briefs/{}", meant.brief), &live.key).await;
    // It is used again as before.
    server.order(&test, 1).await;
    let refused = server.request("DELETE", "/v1/sandbox/data", Some(&live.key)).send().await.unwrap();
    assert_eq!(problem(refused).await.0, StatusCode::FORBIDDEN);
    let context = OrganizationContext { organization: live.id, key: KeyId(uuid::Uuid::nil()) };
    let runs = server.store.runs(context, Page { before: None, limit: 9 }).await.unwrap();
    assert_eq!(runs.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_code_can_be_forced_and_is_the_one_that_its_page_describes() {
    let server = Server::start().await;
    let live = server.tenant("one").await;
    let test = sandbox(&server, &live).await;
    for code in Code::ALL {
        let request = server.request("GET", "/v1/runs", Some(&test.key));
        let forced = request.header("spotwright-force-error", code.as_str()).send().await.unwrap();
        let (status, body) = problem(forced).await;
        assert!(status.is_client_error() || status.is_server_error(), "{code}: {status}");
        assert_eq!((&body["code"], &body["mode"]), (&json!(code.as_str()), &json!("test")));
        let page = server.request("GET", &text(&body["type"]), None).send().await.unwrap();
        let page = page.text().await.unwrap();
        assert!(page.starts_with(&format!("# {code}: {}\n", text(&body["title"]))), "{code}: {page}");
    }
    let request = server.request("POST", "/v1/runs", Some(&test.key)).json(&json!({}));
    let forced = request.header("spotwright-force-error", "SW1018").send().await.unwrap();
    assert_eq!(forced.status(), StatusCode::PAYMENT_REQUIRED);
    for (key, value) in [(&live.key, "SW1015"), (&test.key, "SW9999")] {
        let request = server.request("GET", "/v1/runs", Some(key)).header("spotwright-force-error", value);
        let (_, body) = problem(request.send().await.unwrap()).await;
        let expected = (&json!("SW1006"), &json!("spotwright-force-error"));
        assert_eq!((&body["code"], &body["param"]), expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_magic_brief_is_refused_with_its_code_or_taken_for_its_run() {
    let server = Server::start().await;
    let live = server.tenant("one").await;
    let test = sandbox(&server, &live).await;
    let mut order = brief_called(&server, &test, "x").await;
    for code in Code::ALL {
        order["brief"]["id"] = json!(Magic::Problem(*code).id());
        let response =
            server.request("POST", "/v1/briefs", Some(&test.key)).json(&order).send().await.unwrap();
        if forced_at(*code) == ForcedAt::HandIn {
            assert_eq!(problem(response).await.1["code"], code.as_str(), "{code}");
        } else {
            assert_eq!(response.status(), StatusCode::CREATED, "{code} arises in its run");
        }
    }
    order["brief"]["id"] = json!("magic-unheard-of");
    let response = server.request("POST", "/v1/briefs", Some(&test.key)).json(&order).send().await.unwrap();
    let (_, body) = problem(response).await;
    assert_eq!((&body["code"], &body["param"]), (&json!("SW0106"), &json!("brief.id")));
    // Outside of the sandbox the words mean nothing.
    let mut meant = brief_called(&server, &live, "magic-sw1015").await;
    server.post("/v1/briefs", &live.key, &meant).await;
    meant["brief"]["id"] = json!("magic-unheard-of");
    server.post("/v1/briefs", &live.key, &meant).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_without_a_run_is_forced_by_a_brief_and_reaches_webhooks() {
    let server = Server::start().await;
    let live = server.tenant("one").await;
    let test = sandbox(&server, &live).await;
    let webhook = crate::webhooks::made(&server, &test).await;
    let mut order = brief_called(&server, &test, "x").await;
    let types = LoggedEvent::TYPES.into_iter().filter(|known| {
        known.starts_with("spotwright.experiment.") || known.starts_with("spotwright.webhook.")
    });
    let types: Vec<&str> = types.collect();
    for of_type in &types {
        order["brief"]["id"] = json!(Magic::Event(of_type).id());
        server.post("/v1/briefs", &test.key, &order).await;
    }
    let filter = LogFilter::default();
    let logged = server.store.events_of_organization(test.id, LogPosition::START, &filter, 99).await.unwrap();
    let told: Vec<&str> = logged.iter().map(|logged| logged.event.event_type()).collect();
    assert_eq!(told, types);
    assert!(
        server.store.newest(live.id).await.unwrap() == LogPosition::START,
        "nothing is told to the live side"
    );
    while server.store.fan_out(100, 5).await.unwrap() > 0 {}
    let deliveries = server.get(&format!("/v1/webhooks/{webhook}/deliveries"), &test.key).await;
    let deliveries = deliveries["data"].as_array().unwrap();
    assert_eq!(deliveries.len(), types.len());
    for delivery in deliveries {
        assert_eq!(delivery["request"]["mode"], "test", "{delivery}");
    }
}
