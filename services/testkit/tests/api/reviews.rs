//! Reviews: approvals that are bound to what was seen, comments, and links for reviewers without an account.

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use spotwright_core::domain::variant::VariantState;
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::step_store::Commit;
use spotwright_schemas::ids::RunId;
use spotwright_testkit::fixtures;

use crate::harness::{Server, Tenant, problem, text, video, watermarked};
use crate::people;

/// A comment that is asked for.
pub(crate) fn comment() -> Value {
    json!({ "text": "the logo is late", "seconds": 2.4, "x": 0.5, "y": 0.25 })
}

/// A link that is asked for.
pub(crate) fn share(run: &str, scope: &str) -> Value {
    json!({ "name": "for the client", "run": run, "scope": scope })
}

/// Comments on a variant; the comment's id, and what the variant is.
pub(crate) async fn commented(server: &Server, tenant: &Tenant, variant: &str) -> (String, String) {
    let made = server.post(&format!("/v1/variants/{variant}/comments"), &tenant.key, &comment()).await;
    (text(&made["id"]), text(&made["content_hash"]))
}

/// Makes a link; its id and token.
pub(crate) async fn shared(server: &Server, tenant: &Tenant, run: &str, scope: &str) -> (String, String) {
    let made = server.post("/v1/shares", &tenant.key, &share(run, scope)).await;
    (text(&made["share"]["id"]), text(&made["token"]))
}

/// A winner of a run.
async fn winner(server: &Server, name: &str) -> (Tenant, RunId, String) {
    let tenant = server.tenant(name).await;
    let run = server.order(&tenant, 1).await.run;
    let variant = server.win(run).await;
    (tenant, run, variant)
}

/// Changes what the winner says.
async fn edited(server: &Server, run: RunId) {
    let mut variant = fixtures::variant(run, 1, 1, VariantState::Won);
    "Another text".clone_into(&mut variant.body.script.primary_text);
    variant.body.preview = Some(server.rendered("preview"));
    variant.body.final_render = Some(server.rendered("final"));
    server.commit(run, Commit { variants: vec![variant], ..Commit::default() }).await;
}

async fn send(server: &Server, method: &str, path: &str, body: &Value) -> Response {
    let request = server.request(method, path, None);
    let request = if body.is_null() { request } else { request.json(body) };
    request.send().await.unwrap()
}

async fn seen(server: &Server, path: &str) -> Value {
    let response = send(server, "GET", path, &Value::Null).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    response.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_is_of_what_was_seen_and_a_change_voids_it() {
    let server = Server::start().await;
    let (tenant, run, variant) = winner(&server, "one").await;
    let path = format!("/v1/variants/{variant}/approval");
    let nobody = server.get(&path, &tenant.key).await;
    assert_eq!((&nobody["state"], &nobody["id"]), (&json!("none"), &Value::Null));
    assert_eq!(nobody["content_hash"], nobody["current_hash"]);

    let asked = server.post(&path, &tenant.key, &json!({ "note": "the end, please" })).await;
    assert_eq!((&asked["state"], &asked["asked"]["note"]), (&json!("waiting"), &json!("the end, please")));
    assert_eq!(server.post(&path, &tenant.key, &json!({})).await, asked, "asking again changes nothing");
    let inbox = server.get("/v1/approvals?state=waiting", &tenant.key).await;
    assert_eq!(inbox["data"][0]["variant"], variant.as_str());

    let approver = people::member(&server, &tenant, "bo@example.com", "approver").await;
    let decide = async |hash: &Value, word: &str| {
        let body = json!({ "decision": word, "content_hash": hash, "note": "good" });
        let request = server.request("POST", &format!("{path}/decisions"), None).json(&body);
        approver.sends(request).send().await.unwrap()
    };
    let (status, body) = problem(decide(&json!("0".repeat(64)), "approved").await).await;
    assert_eq!((status, &body["code"]), (StatusCode::CONFLICT, &json!("SW1043")));
    assert_eq!(body["param"], "content_hash");
    let approved: Value = decide(&asked["current_hash"], "approved").await.json().await.unwrap();
    assert_eq!(approved["state"], "approved");
    let by = &approved["decisions"][0]["by"];
    assert_eq!(
        (&by["kind"], &by["name"], &by["id"]),
        (&json!("person"), &json!("Ana Li"), &json!(approver.person))
    );
    assert!(
        server.get("/v1/approvals?state=waiting", &tenant.key).await["data"].as_array().unwrap().is_empty()
    );

    edited(&server, run).await;
    let void = server.get(&path, &tenant.key).await;
    assert_eq!(void["state"], "void");
    assert_ne!(void["content_hash"], void["current_hash"]);
    assert_eq!(problem(decide(&asked["current_hash"], "approved").await).await.1["code"], "SW1043");
    let listed = server.get(&format!("/v1/approvals?variant={variant}"), &tenant.key).await;
    assert_eq!(listed["data"][0]["state"], "void");
    let again: Value = decide(&void["current_hash"], "changes_requested").await.json().await.unwrap();
    assert_eq!(again["state"], "changes_requested");
    let listed = server.get(&format!("/v1/approvals?run={run}"), &tenant.key).await;
    let states: Vec<_> = listed["data"].as_array().unwrap().iter().map(|row| row["state"].clone()).collect();
    assert_eq!(states, ["changes_requested", "superseded"]);
    let log = server.get("/v1/audit-log?action=approval.decided", &tenant.key).await;
    assert_eq!(log["data"].as_array().map(Vec::len), Some(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn comments_are_pinned_resolved_and_marked_when_they_are_out_of_date() {
    let server = Server::start().await;
    let (tenant, run, variant) = winner(&server, "one").await;
    let (id, _) = commented(&server, &tenant, &variant).await;
    let made = server.get(&format!("/v1/comments/{id}"), &tenant.key).await;
    assert_eq!((&made["seconds"], &made["x"], &made["y"]), (&json!(2.4), &json!(0.5), &json!(0.25)));
    assert_eq!((&made["state"], &made["outdated"]), (&json!("open"), &json!(false)));
    for (field, body) in [
        ("text", json!({ "text": " \n" })),
        ("text", json!({ "text": "a\u{0}" })),
        ("seconds", json!({ "text": "a", "seconds": -1 })),
        ("x", json!({ "text": "a", "x": 1.5, "y": 0 })),
        ("y", json!({ "text": "a", "x": 0.5 })),
        ("share", json!({ "text": "a", "share": uuid::Uuid::from_u128(1) })),
    ] {
        let path = format!("/v1/variants/{variant}/comments");
        let response = server.request("POST", &path, Some(&tenant.key)).json(&body).send().await.unwrap();
        let (status, refused) = problem(response).await;
        let missing = field == "share";
        assert_eq!(
            status,
            if missing { StatusCode::NOT_FOUND } else { StatusCode::BAD_REQUEST },
            "{refused}"
        );
        assert!(missing || refused["param"] == field, "{refused}");
    }
    let resolved = server.post(&format!("/v1/comments/{id}/resolve"), &tenant.key, &json!({})).await;
    assert_eq!((&resolved["state"], &resolved["changed"]["by"]["kind"]), (&json!("resolved"), &json!("key")));
    let path = format!("/v1/variants/{variant}/comments");
    assert!(
        server.get(&format!("{path}?state=open"), &tenant.key).await["data"].as_array().unwrap().is_empty()
    );
    edited(&server, run).await;
    let reopened = server.post(&format!("/v1/comments/{id}/reopen"), &tenant.key, &json!({})).await;
    assert_eq!((&reopened["state"], &reopened["outdated"]), (&json!("open"), &json!(true)));
    let approval = server.get(&format!("/v1/variants/{variant}/approval"), &tenant.key).await;
    assert_eq!(approval["open_comments"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_shows_what_it_is_for_and_takes_what_it_allows() {
    let server = Server::start().await;
    let (tenant, run, variant) = winner(&server, "Hill Roasters").await;
    let (link, token) = shared(&server, &tenant, &run.to_string(), "approve").await;
    let open = format!("/v1/shared/{token}");
    let page = seen(&server, &open).await;
    assert_eq!((&page["organization"], &page["scope"]), (&json!("Hill Roasters"), &json!("approve")));
    let shown = &page["variants"][0];
    assert_eq!(
        (&shown["id"], &shown["state"], &shown["watermarked"]),
        (&json!(variant), &json!("none"), &json!(true))
    );
    let preview = send(&server, "GET", &text(&shown["preview_url"]), &Value::Null).await;
    assert_eq!(preview.headers()["content-type"], "video/mp4");
    let words = "PREVIEW · Hill Roasters · for the client";
    assert_eq!(preview.bytes().await.unwrap(), watermarked(&video("final"), words));
    let poster = send(&server, "GET", &text(&shown["poster_url"]), &Value::Null).await;
    assert_eq!(poster.headers()["content-type"], "image/jpeg");
    assert!(poster.bytes().await.unwrap().ends_with(words.as_bytes()));

    // What the organization says among itself is not shown; what it says to the link is.
    commented(&server, &tenant, &variant).await;
    let comments = format!("{open}/variants/{variant}/comments");
    assert!(seen(&server, &comments).await["data"].as_array().unwrap().is_empty());
    let answer = json!({ "text": "which part?", "share": link });
    server.post(&format!("/v1/variants/{variant}/comments"), &tenant.key, &answer).await;
    let remark = json!({ "reviewer": "Cy of Acme", "text": "too loud", "seconds": 1 });
    let said = send(&server, "POST", &comments, &remark).await;
    assert_eq!(said.status(), StatusCode::CREATED);
    let listed = seen(&server, &comments).await;
    let by: Vec<_> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["by"].clone(), row["mine"].clone()))
        .collect();
    assert_eq!(by[0], (json!("Cy of Acme"), json!(true)));
    assert_eq!(by[1].1, false);

    let decision =
        json!({ "reviewer": "Cy of Acme", "decision": "approved", "content_hash": shown["content_hash"] });
    let decide = format!("{open}/variants/{variant}/decisions");
    let decided = send(&server, "POST", &decide, &decision).await;
    assert_eq!(decided.json::<Value>().await.unwrap()["state"], "approved");
    let approval = server.get(&format!("/v1/variants/{variant}/approval"), &tenant.key).await;
    let who = &approval["decisions"][0]["by"];
    assert_eq!(
        (&who["kind"], &who["name"], &who["id"]),
        (&json!("reviewer"), &json!("Cy of Acme"), &json!(link))
    );
    edited(&server, run).await;
    assert_eq!(problem(send(&server, "POST", &decide, &decision).await).await.1["code"], "SW1043");
    assert_eq!(seen(&server, &open).await["variants"][0]["state"], "void");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_file_without_a_watermark_is_had_by_a_link() {
    let server = Server::start().await;
    let (tenant, run, variant) = winner(&server, "one").await;
    let (_, token) = shared(&server, &tenant, &run.to_string(), "approve").await;
    let clean = [video("final"), video("preview")];
    let of = |file: &str| format!("/v1/shared/{token}/variants/{variant}/files/{file}");
    let hashes = clean.iter().map(|bytes| ArtifactHash::of(bytes).0);
    let guesses =
        ["video", "final", "clean", "original", "preview%2Fclean", "video.mp4", ""].map(str::to_owned);
    let mut tried: Vec<String> = guesses.into_iter().chain(hashes).map(|name| of(&name)).collect();
    for file in ["video", "preview", "poster"] {
        tried.push(format!("/v1/variants/{variant}/files/{file}"));
    }
    for path in &tried {
        // Neither as a link, nor with its token in the place of a key.
        for key in [None, Some(token.as_str())] {
            let answer = server.request("GET", path, key).send().await.unwrap();
            assert!(answer.status().is_client_error(), "{path}: {}", answer.status());
        }
    }
    for file in ["preview", "poster"] {
        let bytes = server.request("GET", &of(file), None).send().await.unwrap().bytes().await.unwrap();
        assert!(clean.iter().all(|clean| bytes.as_ref() != clean.as_slice()), "{file}");
        // A tag of the clean file is not one of what is handed out.
        for clean in &clean {
            let tag = format!("\"{}\"", ArtifactHash::of(clean));
            let request = server.request("GET", &of(file), None).header("if-none-match", tag);
            assert_eq!(request.send().await.unwrap().status(), StatusCode::OK, "{file}");
        }
    }
    let own = format!("/v1/variants/{variant}/files/video");
    let own = server.request("GET", &own, Some(&tenant.key)).send().await.unwrap();
    assert_eq!(own.bytes().await.unwrap(), clean[0], "the organization has its file");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_allows_no_more_than_its_scope_and_its_variants() {
    let server = Server::start().await;
    let (tenant, run, variant) = winner(&server, "one").await;
    let other = fixtures::variant(run, 1, 2, VariantState::Drafted);
    let other_id = other.id.to_string();
    let hidden = {
        let mut second = fixtures::variant(run, 1, 3, VariantState::Rejected);
        second.body.preview = Some(server.rendered("p"));
        second
    };
    server.commit(run, Commit { variants: vec![other, hidden], ..Commit::default() }).await;
    let (_, token) = shared(&server, &tenant, &run.to_string(), "view").await;
    let page = seen(&server, &format!("/v1/shared/{token}")).await;
    assert_eq!(page["variants"].as_array().unwrap().len(), 1, "neither drafts nor what was rejected");
    let remark = json!({ "reviewer": "Cy", "text": "fine" });
    let decision = json!({ "reviewer": "Cy", "decision": "approved", "content_hash": page["variants"][0]["content_hash"] });
    for (what, body) in [("comments", &remark), ("decisions", &decision)] {
        let path = format!("/v1/shared/{token}/variants/{variant}/{what}");
        let (status, refused) = problem(send(&server, "POST", &path, body).await).await;
        assert_eq!((status, &refused["code"]), (StatusCode::FORBIDDEN, &json!("SW1002")), "{what}");
    }
    let (_, comments) = shared(&server, &tenant, &run.to_string(), "comment").await;
    let path = format!("/v1/shared/{comments}/variants/{variant}/decisions");
    assert_eq!(send(&server, "POST", &path, &decision).await.status(), StatusCode::FORBIDDEN);
    let path = format!("/v1/shared/{comments}/variants/{other_id}/comments");
    assert_eq!(send(&server, "POST", &path, &remark).await.status(), StatusCode::NOT_FOUND);
    let path = format!("/v1/shared/{comments}/variants/{variant}/comments");
    for reviewer in ["", " Cy", "a\u{7}"] {
        let body = json!({ "reviewer": reviewer, "text": "fine" });
        assert_eq!(problem(send(&server, "POST", &path, &body).await).await.1["param"], "reviewer");
    }
    // Who may not approve hands on no approval.
    let editor = people::member(&server, &tenant, "ed@example.com", "editor").await;
    for (scope, status) in [("comment", StatusCode::CREATED), ("approve", StatusCode::FORBIDDEN)] {
        let request = server.request("POST", "/v1/shares", None).json(&share(&run.to_string(), scope));
        assert_eq!(editor.sends(request).send().await.unwrap().status(), status, "{scope}");
    }
    for (field, value) in [
        ("variants", json!([])),
        ("variants[1]", json!([variant, variant])),
        ("expires_in_seconds", json!(299)),
        ("name", json!(" x")),
    ] {
        let mut body = share(&run.to_string(), "view");
        body[field.trim_end_matches("[1]")] = value;
        let refused =
            server.request("POST", "/v1/shares", Some(&tenant.key)).json(&body).send().await.unwrap();
        let (status, refused) = problem(refused).await;
        assert_eq!((status, &refused["param"]), (StatusCode::BAD_REQUEST, &json!(field)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_that_do_not_open_are_all_answered_alike() {
    let server = Server::start().await;
    let (tenant, run, _) = winner(&server, "one").await;
    let run = run.to_string();
    let (revoked_id, revoked) = shared(&server, &tenant, &run, "view").await;
    server.post(&format!("/v1/shares/{revoked_id}/revoke"), &tenant.key, &json!({})).await;
    let mut short = share(&run, "view");
    short["expires_in_seconds"] = json!(300);
    let expired = text(&server.post("/v1/shares", &tenant.key, &short).await["token"]);
    assert_eq!(seen(&server, &format!("/v1/shared/{expired}")).await["scope"], "view");
    server.clock.advance_micros(300_000_000);
    let (frozen, frozen_run, _) = winner(&server, "two").await;
    let (_, held) = shared(&server, &frozen, &frozen_run.to_string(), "view").await;
    server.post(&format!("/v1/organizations/{}/freeze", frozen.id), &server.operator, &json!({})).await;
    let guessed = "0".repeat(64);
    let mut answers = Vec::new();
    for token in [guessed.as_str(), &revoked, &expired, &held, "x"] {
        let (status, mut body) =
            problem(send(&server, "GET", &format!("/v1/shared/{token}"), &Value::Null).await).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
        body["request_id"] = Value::Null;
        answers.push(body);
    }
    assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    let states: Vec<_> = server.get("/v1/shares", &tenant.key).await["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["state"].clone())
        .collect();
    assert_eq!(states, ["expired", "revoked"]);
    let log = server.database.with_extension("db-wal");
    let database = [std::fs::read(&server.database).unwrap(), std::fs::read(log).unwrap()].concat();
    for secret in [&revoked, &expired, &held] {
        assert!(!database.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "a token is stored");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeated_order_of_a_link_shows_no_token_again() {
    let server = Server::start().await;
    let (tenant, run, variant) = winner(&server, "one").await;
    let order = async |body: Value| {
        let request = server.client.post(format!("{}/v1/shares", server.url)).bearer_auth(&tenant.key);
        request.header("idempotency-key", "once").json(&body).send().await.unwrap()
    };
    let body = share(&run.to_string(), "comment");
    let first: Value = order(body.clone()).await.json().await.unwrap();
    let again: Value = order(body).await.json().await.unwrap();
    assert_eq!((&again["share"], &again["token"]), (&first["share"], &Value::Null));
    // A reviewer's repetition is one comment, and their keys are their own.
    let path = format!("{}/v1/shared/{}/variants/{variant}/comments", server.url, text(&first["token"]));
    let say = || {
        server
            .client
            .post(&path)
            .header("idempotency-key", "once")
            .json(&json!({ "reviewer": "Cy", "text": "fine" }))
            .send()
    };
    let one: Value = say().await.unwrap().json().await.unwrap();
    let two = say().await.unwrap();
    assert_eq!(two.headers()["idempotency-replayed"], "true");
    assert_eq!(two.json::<Value>().await.unwrap(), one);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_says_too_much_is_slowed_down() {
    let server = Server::start().await;
    let (tenant, run, variant) = winner(&server, "one").await;
    let (_, token) = shared(&server, &tenant, &run.to_string(), "comment").await;
    let path = format!("/v1/shared/{token}/variants/{variant}/comments");
    let remark = json!({ "reviewer": "Cy", "text": "fine" });
    let mut statuses = Vec::new();
    for _ in 0..61 {
        statuses.push(send(&server, "POST", &path, &remark).await.status());
    }
    assert!(statuses[..60].iter().all(|status| *status == StatusCode::CREATED));
    assert_eq!(statuses[60], StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(seen(&server, &path).await["data"].as_array().map(Vec::len), Some(50), "reading goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_a_resource_is_not_sent_it_again() {
    let server = Server::start().await;
    let (tenant, run, variant) = winner(&server, "one").await;
    let (comment, _) = commented(&server, &tenant, &variant).await;
    let (share, _) = shared(&server, &tenant, &run.to_string(), "view").await;
    for path in [
        format!("/v1/variants/{variant}"),
        format!("/v1/variants/{variant}/approval"),
        format!("/v1/comments/{comment}"),
        format!("/v1/shares/{share}"),
        format!("/v1/runs/{run}"),
        "/v1/organization".to_owned(),
    ] {
        let first = server.request("GET", &path, Some(&tenant.key)).send().await.unwrap();
        let tag = first.headers()["etag"].to_str().unwrap().to_owned();
        assert_eq!(first.headers()["cache-control"], "private, no-cache");
        let again = server.request("GET", &path, Some(&tenant.key)).header("if-none-match", &tag);
        let again = again.send().await.unwrap();
        assert_eq!(
            (again.status(), again.headers()["etag"].to_str().unwrap()),
            (StatusCode::NOT_MODIFIED, tag.as_str()),
            "{path}"
        );
        assert!(again.bytes().await.unwrap().is_empty());
        let other = server.request("GET", &path, Some(&tenant.key)).header("if-none-match", "\"x\"");
        assert_eq!(other.send().await.unwrap().status(), StatusCode::OK);
    }
    // What somebody else may not see is not told by its tag either.
    let stranger = server.tenant("two").await;
    let request = server.request("GET", &format!("/v1/runs/{run}"), Some(&stranger.key));
    assert_eq!(request.header("if-none-match", "*").send().await.unwrap().status(), StatusCode::NOT_FOUND);
}
