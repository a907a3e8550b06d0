//! Brands: versions, what they are refused for, and briefs that are completed with them.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Server, Tenant, brief_order, problem, text};

/// A brand that is asked for.
pub(crate) fn order() -> Value {
    json!({
        "kit": { "name": "Hill", "colors": { "primary": "#102030", "accent": "#F0E0D0" }, "tone": "bold",
                 "voice": { "pronunciations": [{ "written": "Aurelle", "spoken": "oh rell" }] } },
        "facts": [{ "id": "picked", "kind": "feature", "text": "picked by hand",
                    "evidence": { "source": "grower's log 2026" } }],
        "must_say": ["since 1901"], "must_not_say": ["cheap"]
    })
}

/// Makes a brand; its id.
pub(crate) async fn made(server: &Server, tenant: &Tenant) -> String {
    text(&server.post("/v1/brands", &tenant.key, &order()).await["id"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brand_has_versions_and_nobody_overwrites_what_they_have_not_seen() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let path = format!("/v1/brands/{}", made(&server, &tenant).await);
    let read = server.request("GET", &path, Some(&tenant.key)).send().await.unwrap();
    let tag = read.headers()["etag"].to_str().unwrap().to_owned();
    let first: Value = read.json().await.unwrap();
    assert_eq!(
        (&first["version"], &first["kit"]["tone"], &first["logo"]),
        (&json!(1), &json!("bold"), &Value::Null)
    );
    let mut changed = order();
    changed["kit"]["name"] = json!("Hill & Sons");
    let put = async |tag: &str| {
        let request = server.request("PUT", &path, Some(&tenant.key)).header("if-match", tag).json(&changed);
        request.send().await.unwrap()
    };
    let second = put(&tag).await;
    assert_eq!(second.status(), StatusCode::OK);
    let newest = second.headers()["etag"].to_str().unwrap().to_owned();
    assert_ne!(newest, tag);
    assert_eq!(second.json::<Value>().await.unwrap()["version"], 2);
    let (status, refused) = problem(put(&tag).await).await;
    assert_eq!((status, &refused["code"]), (StatusCode::PRECONDITION_FAILED, &json!("SW1042")));
    assert_eq!(put(&newest).await.json::<Value>().await.unwrap()["version"], 3);
    assert_eq!(server.get(&format!("{path}?version=1"), &tenant.key).await, first);
    let unseen = server.request("GET", &format!("{path}?version=9"), Some(&tenant.key)).send().await.unwrap();
    assert_eq!(unseen.status(), StatusCode::NOT_FOUND);

    let archived = server.post(&format!("{path}/archive"), &tenant.key, &json!({})).await;
    assert_eq!(archived["archived"], true);
    assert!(server.get("/v1/brands", &tenant.key).await["data"].as_array().unwrap().is_empty());
    assert_eq!(
        server.get("/v1/brands?archived=true", &tenant.key).await["data"].as_array().unwrap().len(),
        1
    );
    let refused = server.request("PUT", &path, Some(&tenant.key)).json(&changed).send().await.unwrap();
    assert_eq!(problem(refused).await.1["code"], "SW1044");
    assert_eq!(server.post(&format!("{path}/restore"), &tenant.key, &json!({})).await["archived"], false);
    let log = server.get("/v1/audit-log", &tenant.key).await;
    let actions: Vec<_> = log["data"].as_array().unwrap().iter().map(|row| text(&row["action"])).collect();
    let expected = ["brand.restored", "brand.archived", "brand.changed", "brand.changed", "brand.made"];
    assert_eq!(actions[..5], expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_brand_is_named_as_in_a_brief() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let ban = uuid::Uuid::from_u128(9);
    for (field, at, value, code, status) in [
        ("kit.name", "/kit/name", json!(""), "SW0106", 422),
        ("kit.name", "/kit/name", json!("ᚠ"), "SW0115", 422),
        ("kit.colors.accent", "/kit/colors/accent", json!("#102031"), "SW0106", 422),
        ("kit.tone", "/kit/tone", json!("loud"), "SW1005", 400),
        ("facts[0].evidence", "/facts/0/evidence", Value::Null, "SW0107", 422),
        ("must_say[0]", "/must_say/0", json!("!"), "SW0106", 422),
        ("logo", "/logo", json!(ban), "SW0202", 422),
    ] {
        let mut body = order();
        body["logo"] = Value::Null;
        *body.pointer_mut(at).unwrap() = value;
        let request = server.request("POST", "/v1/brands", Some(&tenant.key)).json(&body);
        let (answered, refused) = problem(request.send().await.unwrap()).await;
        assert_eq!(
            (answered.as_u16(), &refused["code"], &refused["param"]),
            (status, &json!(code), &json!(field)),
            "{refused}"
        );
    }
    let mut with_logo = order();
    with_logo["logo"] = json!(server.upload(&tenant, "picture of a logo").await);
    let made = server.post("/v1/brands", &tenant.key, &with_logo).await;
    assert_eq!(made["logo"], with_logo["logo"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_brief_gets_what_it_lacks_from_its_brand_and_keeps_it() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let asset = server.upload(&tenant, "picture of tea").await;
    let brand = made(&server, &tenant).await;
    let mut body = brief_order(&asset);
    body["brief"].as_object_mut().unwrap().remove("brand");
    body["brief"]["product"].as_object_mut().unwrap().remove("facts");
    let alone = server.request("POST", "/v1/briefs", Some(&tenant.key)).json(&body).send().await.unwrap();
    assert_eq!(problem(alone).await.1["code"], "SW0105", "without a brand it lacks something");
    body["brand"] = json!(brand);
    let checked = server
        .post("/v1/briefs/check", &tenant.key, &json!({ "brief": body["brief"], "brand": brand }))
        .await;
    assert_eq!(checked["brief"]["brand"]["name"], "Hill");
    let handed_in = server.post("/v1/briefs", &tenant.key, &body).await;
    let path = format!("/v1/briefs/{}", text(&handed_in["id"]));
    let brief = server.get(&path, &tenant.key).await;
    assert_eq!(brief["brand"], json!({ "id": brand, "version": 1 }));
    let whole = &brief["brief"];
    assert_eq!(whole["product"]["facts"], order()["facts"]);
    assert_eq!(
        (&whole["must_say"], &whole["must_not_say"]),
        (&order()["must_say"], &order()["must_not_say"])
    );
    assert_eq!(whole["brand"]["voice"], order()["kit"]["voice"]);

    // What the brief says itself stands, and a later version of the brand changes nothing.
    let mut own = brief_order(&asset);
    own["brand"] = json!(brand);
    own["brief"]["brand"]["name"] = json!("Valley");
    let own = text(&server.post("/v1/briefs", &tenant.key, &own).await["id"]);
    let kept = server.get(&format!("/v1/briefs/{own}"), &tenant.key).await;
    assert_eq!(
        (&kept["brief"]["brand"]["name"], &kept["brief"]["brand"]["tone"]),
        (&json!("Valley"), &json!("warm"))
    );
    let mut changed = order();
    changed["kit"]["tone"] = json!("playful");
    server
        .request("PUT", &format!("/v1/brands/{brand}"), Some(&tenant.key))
        .json(&changed)
        .send()
        .await
        .unwrap();
    assert_eq!(server.get(&path, &tenant.key).await, brief);

    let stranger = server.tenant("two").await;
    let theirs = server
        .request("POST", "/v1/briefs/check", Some(&stranger.key))
        .json(&json!({ "brief": body["brief"], "brand": brand }));
    assert_eq!(theirs.send().await.unwrap().status(), StatusCode::NOT_FOUND);
    server.post(&format!("/v1/brands/{brand}/archive"), &tenant.key, &json!({})).await;
    let refused = server.request("POST", "/v1/briefs", Some(&tenant.key)).json(&body).send().await.unwrap();
    let (status, refused) = problem(refused).await;
    assert_eq!(
        (status, &refused["code"], &refused["param"]),
        (StatusCode::CONFLICT, &json!("SW1044"), &json!("brand"))
    );
}
