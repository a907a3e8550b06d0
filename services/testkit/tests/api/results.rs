//! What platforms reported, handed in over HTTP.

use reqwest::StatusCode;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};
use spotwright_core::domain::launch::ad_name;
use spotwright_core::domain::variant::VariantState;
use spotwright_core::ports::step_store::Commit;
use spotwright_testkit::fixtures;

use crate::harness::{Server, Tenant, problem, text};

/// A report with two ads.
pub(crate) const FILE: &str = "Campaign name,Ad name,Ad ID,By Day,Cost,Impressions,Clicks (destination)\n\
    Autumn,Hook A,1799,2026-09-07,148.60,12480,211\n\
    Autumn,Hook B,1800,2026-09-07,150.00,12000,120\n";

/// What is said about it.
pub(crate) const SAID: &str = "name=september.csv&currency=EUR&time_zone=Europe%2FBerlin";

/// A batch with one row.
pub(crate) fn batch() -> Value {
    json!({
        "platform": "meta", "currency": "USD", "time_zone": "America/New_York",
        "observations": [{
            "ad_id": "9", "start": "2026-09-07", "impressions": 1_000, "clicks": 12, "spend": "3.50",
        }],
    })
}

/// References to one ad of TikTok.
pub(crate) fn named(id: &str) -> Value {
    json!({ "external_refs": [{ "platform": "tiktok", "account": "act_1", "id": id }] })
}

async fn send(server: &Server, tenant: &Tenant, query: &str, body: &str) -> (StatusCode, Value) {
    let path = format!("/v1/imports?{query}");
    let request = server.request("POST", &path, Some(&tenant.key)).body(body.to_owned());
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

/// Hands the report in; the id of the import.
pub(crate) async fn imported(server: &Server, tenant: &Tenant) -> String {
    let (status, import) = send(server, tenant, SAID, FILE).await;
    assert_eq!(status, StatusCode::CREATED, "{import}");
    text(&import["id"])
}

async fn observations(server: &Server, tenant: &Tenant, query: &str) -> Vec<Value> {
    let page = server.get(&format!("/v1/observations?{query}"), &tenant.key).await;
    page["data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_is_taken_in_once_and_corrections_replace() {
    let server = Server::start().await;
    let tenant = server.tenant("owner").await;
    let (status, asked) = send(&server, &tenant, "name=september.csv", FILE).await;
    assert_eq!((status, &asked["id"]), (StatusCode::OK, &Value::Null));
    let words: Vec<String> =
        asked["asked"].as_array().unwrap().iter().map(|own| text(&own["asked"])).collect();
    assert_eq!(words, ["currency", "time_zone"]);
    let (status, preview) = send(&server, &tenant, &format!("{SAID}&dry_run=true"), FILE).await;
    assert_eq!(
        (status, &preview["id"], &preview["counts"]["new"]),
        (StatusCode::OK, &Value::Null, &json!(2))
    );
    assert!(observations(&server, &tenant, "source=imported").await.is_empty());

    let first = imported(&server, &tenant).await;
    let read = server.get(&format!("/v1/imports/{first}"), &tenant.key).await;
    assert_eq!(read["counts"], json!({ "new": 2, "replaced": 0, "unchanged": 0, "refused": 0 }));
    assert_eq!(
        (&read["platform"], &read["click_column"]),
        (&json!("tiktok"), &json!("Clicks (destination)"))
    );
    assert_eq!(read["unmatched"].as_array().unwrap().len(), 2);
    let (_, again) = send(&server, &tenant, SAID, FILE).await;
    assert_eq!(again["counts"], json!({ "new": 0, "replaced": 0, "unchanged": 2, "refused": 0 }));
    let (_, corrected) = send(&server, &tenant, SAID, &FILE.replace(",211", ",215")).await;
    assert_eq!(corrected["counts"], json!({ "new": 0, "replaced": 1, "unchanged": 1, "refused": 0 }));
    let rows = observations(&server, &tenant, "source=imported&platform=tiktok").await;
    assert_eq!(rows.len(), 2);
    let own = rows.iter().find(|row| row["ad"]["id"] == "1799").unwrap();
    assert_eq!((&own["clicks"], &own["revision"]), (&json!(215), &json!(2)));
    assert_eq!(own["spend"], json!({ "micros": 148_600_000, "currency": "EUR" }));
    assert_eq!(own["window"]["time_zone"], "Europe/Berlin");
    assert_eq!(own["import"], corrected["id"]);
    assert!(observations(&server, &tenant, "source=simulated").await.is_empty());
    assert_eq!(server.get("/v1/imports", &tenant.key).await["data"].as_array().unwrap().len(), 3);
    let unnamed = server.request("GET", "/v1/observations", Some(&tenant.key)).send().await.unwrap();
    assert_eq!(problem(unnamed).await.0, StatusCode::BAD_REQUEST, "a source is always named");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_rows_are_named_and_good_ones_kept_or_not_as_asked() {
    let server = Server::start().await;
    let tenant = server.tenant("owner").await;
    let damaged = FILE.replace("12000,120", "12000,many");
    let atomic = format!("{SAID}&atomic=true");
    let request = server.request("POST", &format!("/v1/imports?{atomic}"), Some(&tenant.key));
    let (status, body) = problem(request.body(damaged.clone()).send().await.unwrap()).await;
    assert_eq!((status, &body["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("SW0321")));
    assert!(text(&body["param"]).starts_with("line 3"), "{body}");
    assert!(observations(&server, &tenant, "source=imported").await.is_empty());
    let (status, kept) = send(&server, &tenant, SAID, &damaged).await;
    assert_eq!((status, &kept["counts"]["new"]), (StatusCode::CREATED, &json!(1)));
    let refused = &kept["refused"][0];
    assert_eq!((&refused["line"], &refused["reason"]), (&json!(3), &json!("not_a_number")));

    let mut rows = batch();
    rows["observations"] = json!([
        { "ad_id": "1", "start": "2026-09-07", "impressions": 10, "clicks": 11 },
        { "ad_id": "1", "start": "2026-09-07", "impressions": "many" },
        { "ad_id": "2", "start": "2026-09-07", "impressions": 10, "clicks": 1 },
    ]);
    let taken = server.post("/v1/observations/batch", &tenant.key, &rows).await;
    let named: Vec<(u64, &str)> = taken["refused"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["index"].as_u64().unwrap(), row["column"].as_str().unwrap()))
        .collect();
    assert_eq!(named, [(0, "clicks"), (1, "impressions")], "{taken}");
    assert_eq!(taken["counts"]["new"], 1);
    rows["atomic"] = json!(true);
    let request = server.request("POST", "/v1/observations/batch", Some(&tenant.key)).json(&rows);
    let (status, body) = problem(request.send().await.unwrap()).await;
    assert_eq!(
        (status, &body["param"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("observations[0].clicks"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_and_a_mapping_that_is_remembered() {
    let server = Server::start().await;
    let tenant = server.tenant("owner").await;
    let file = "Tag;Anzeige;Nummer;Sichten;Klicker;Kosten\n2026-09-07;Haken A;17;12480;211;148,60\n";
    let mapping = json!({
        "Tag": "day", "Anzeige": "ad_name", "Nummer": "ad_id", "Sichten": "impressions", "Klicker": "clicks",
        "Kosten": "spend",
    });
    let form = |fields: &[(&str, &str)]| {
        let mut body = String::new();
        for (name, value) in fields {
            let head = format!("--x\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n");
            body += &format!("{head}{value}\r\n");
        }
        body += "--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"s.csv\"\r\n\r\n";
        body += &format!("{file}\r\n--x--\r\n");
        body
    };
    let send = async |fields: &[(&str, &str)]| {
        let request = server.request("POST", "/v1/imports", Some(&tenant.key));
        let request = request.header(CONTENT_TYPE, "multipart/form-data; boundary=x").body(form(fields));
        let response = request.send().await.unwrap();
        (response.status(), response.json::<Value>().await.unwrap())
    };
    let said = [("currency", "EUR"), ("time_zone", "Europe/Berlin"), ("decimals", "comma")];
    let (status, unknown) = send(&said).await;
    assert_eq!((status, &unknown["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("SW0321")));
    let mapping = mapping.to_string();
    let (status, import) = send(&[&said[..], &[("mapping", mapping.as_str())]].concat()).await;
    assert_eq!(status, StatusCode::CREATED, "{import}");
    assert_eq!((&import["name"], &import["mapping_remembered"]), (&json!("s.csv"), &json!(false)));
    let (status, again) = send(&said).await;
    assert_eq!((status, &again["counts"]["unchanged"]), (StatusCode::CREATED, &json!(1)), "{again}");
    assert_eq!(again["mapping_remembered"], true);
    let rows = observations(&server, &tenant, "source=imported").await;
    assert_eq!((&rows[0]["platform"], &rows[0]["spend"]["micros"]), (&json!("other"), &json!(148_600_000)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ads_are_matched_by_reference_or_by_the_name_of_the_launch_pack() {
    let server = Server::start().await;
    let (tenant, stranger) = (server.tenant("owner").await, server.tenant("stranger").await);
    let made = server.order(&tenant, 1).await;
    let variants: Vec<_> =
        (1..=2).map(|number| fixtures::variant(made.run, 1, number, VariantState::Won)).collect();
    server.commit(made.run, Commit { variants: variants.clone(), ..Commit::default() }).await;
    let own = &variants[0];
    let name = ad_name(&fixtures::brief().id, 1, 1, &own.body.script, own.body.storyboard.size);
    let file = FILE.replace("Hook A", &name);
    let (_, import) = send(&server, &tenant, SAID, &file).await;
    assert_eq!((&import["matched"], &import["unmatched"][0]["ad"]["id"]), (&json!(1), &json!("1800")));
    assert_eq!(import["unmatched"][0]["reason"], "unknown");

    let path = format!("/v1/variants/{}/external-refs", variants[1].id);
    let put = async |key: &str, body: Value| {
        let response = server.request("PUT", &path, Some(key)).json(&body).send().await.unwrap();
        (response.status(), response.json::<Value>().await.unwrap())
    };
    assert_eq!(put(&stranger.key, named("1800")).await.0, StatusCode::NOT_FOUND);
    let (status, set) = put(&tenant.key, named("1800")).await;
    assert_eq!((status, &set), (StatusCode::OK, &named("1800")));
    assert_eq!(server.get(&path, &tenant.key).await, named("1800"));
    let rows = observations(&server, &tenant, &format!("source=imported&variant={}", variants[1].id)).await;
    assert_eq!(
        (rows.len(), &rows[0]["ad"]["id"]),
        (1, &json!("1800")),
        "at once, with what was there before"
    );
    let (status, wrong) =
        put(&tenant.key, json!({ "external_refs": [{ "platform": "X", "id": "1" }] })).await;
    assert_eq!((status, &wrong["param"]), (StatusCode::BAD_REQUEST, &json!("external_refs[0].platform")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_request_is_answered_as_before() {
    let server = Server::start().await;
    let tenant = server.tenant("owner").await;
    let send = async || {
        let request =
            server.client.post(format!("{}/v1/imports?{SAID}", server.url)).bearer_auth(&tenant.key);
        request.header("idempotency-key", "once").body(FILE).send().await.unwrap()
    };
    let first: Value = send().await.json().await.unwrap();
    let again = send().await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    assert_eq!(server.get("/v1/imports", &tenant.key).await["data"].as_array().unwrap().len(), 1);
}
