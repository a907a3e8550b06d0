//! Who may call what: every operation with every kind of key.

use std::collections::BTreeSet;

use reqwest::{RequestBuilder, StatusCode};
use serde_json::json;
use spotwright_api::operations::{Access, OPERATIONS, Operation};
use spotwright_core::domain::account::Scope;
use spotwright_core::use_cases::Role;

use crate::harness::{Made, Server, Tenant, brief_order, problem, text};
use crate::{brands, experiments, people, reports, results, reviews, sandbox, videos, views, webhooks};

/// Things of the owner that requests name.
struct Things {
    organization: String,
    made: Made,
    variant: String,
    /// A key to be revoked.
    key: String,
    /// A picture that no brief names.
    spare: String,
    /// A clip, one that may be deleted, and the path of the link to the first.
    video: String,
    spare_video: String,
    link: String,
    /// The first key of the organization that operators name.
    named_key: String,
    /// A viewer, an invitation to be revoked, and the token of another one.
    member: String,
    invitation: String,
    token: String,
    /// A webhook, one that may be deleted, and a delivery of the first that has ended.
    webhook: String,
    spare_webhook: String,
    delivery: String,
    /// A report that was handed in.
    import: String,
    /// A comment, a link that may be revoked, and the token of another one.
    comment: String,
    share: String,
    shared: String,
    /// What the variant is.
    content: String,
    /// A brand.
    brand: String,
    /// A view.
    view: String,
    /// The campaign of the run, and its ad.
    campaign: String,
    ad: String,
    /// A report that was made.
    report: String,
    /// A key of the owner's sandbox.
    test_key: String,
    /// Another variant of the run, and an experiment.
    rival: String,
    experiment: String,
}

/// A request that is right for the owner.
fn sample(server: &Server, operation: &Operation, key: Option<&str>, things: &Things) -> RequestBuilder {
    let id = match operation.path {
        path if path.starts_with("/v1/organizations/") => &things.organization,
        path if path.starts_with("/v1/api-keys/") => &things.key,
        // The spare one is deleted on the way.
        "/v1/assets/{id}/content" => &things.made.asset,
        path if path.starts_with("/v1/assets/") => &things.spare,
        path if path.starts_with("/v1/members/") => &things.member,
        path if path.starts_with("/v1/invitations/") => &things.invitation,
        // No session has this id.
        path if path.starts_with("/v1/me/sessions/") => &things.invitation,
        path if path.starts_with("/v1/briefs/") => &things.made.brief,
        path if path.starts_with("/v1/runs/") => &things.made.run.to_string(),
        path if path.starts_with("/v1/variants/") => &things.variant,
        path if path.starts_with("/v1/campaigns/") => &things.campaign,
        path if path.starts_with("/v1/ads/") => &things.ad,
        path if path.starts_with("/v1/reports/") || path.starts_with("/v1/operations/") => &things.report,
        "/v1/webhooks/{id}" if operation.method == "DELETE" => &things.spare_webhook,
        path if path.starts_with("/v1/webhooks/") => &things.webhook,
        "/v1/imports/{id}" => &things.import,
        path if path.starts_with("/v1/brands/") => &things.brand,
        path if path.starts_with("/v1/views/") => &things.view,
        path if path.starts_with("/v1/comments/") => &things.comment,
        path if path.starts_with("/v1/shares/") => &things.share,
        path if path.starts_with("/v1/shared/") => &things.variant,
        path if path.starts_with("/v1/experiments/{id}") => &things.experiment,
        "/v1/videos/{id}" if operation.method == "DELETE" => &things.spare_video,
        path if path.starts_with("/v1/videos/") || path.starts_with("/kling/v1/videos/{kind}") => {
            &things.video
        }
        "/kling/files/{organization}/{token}" => &things.link,
        _ => "",
    };
    let path = operation
        .path
        .replace("{key}", &things.named_key)
        .replace("{id}", id)
        .replace("/docs/{file}", "/docs/reference.js")
        .replace("/v1/shared/{token}", &format!("/v1/shared/{}", things.shared))
        .replace("{file}", if operation.path.starts_with("/v1/shared/") { "preview" } else { "video" })
        .replace("{delivery}", &things.delivery)
        .replace("{source}", "kling")
        .replace("{code}", "SW1003");
    let path =
        path.replace("{kind}", "text2video").replace("/kling/files/{organization}/{token}", &things.link);
    let path = match operation.path {
        "/v1/assets" if operation.creates => "/v1/assets?name=cup".to_owned(),
        "/v1/imports" if operation.creates => format!("/v1/imports?{}", results::SAID),
        "/v1/observations" => "/v1/observations?source=imported".to_owned(),
        _ => path,
    };
    let request = server.request(operation.method, &path, key);
    match (operation.method, operation.path) {
        ("POST", "/v1/organizations") => request.json(&json!({ "name": "another" })),
        ("POST", "/v1/organizations/{id}/api-keys") => request.json(&json!({ "name": "another" })),
        ("PUT" | "POST", "/v1/organizations/{id}/budget") => request.json(&json!({ "cap_micros": null })),
        ("POST", "/v1/sandbox/clock") => request.json(&json!({ "now": "2030-01-01T00:00:00Z" })),
        ("POST", "/v1/sandbox/clock/advance") => request.json(&json!({ "seconds": 60 })),
        ("POST", "/v1/sandbox/clock/next") => request,
        ("POST", "/v1/api-keys") => request.json(&json!({ "name": "key", "scopes": ["keys:admin"] })),
        ("PUT", "/v1/me/password") => {
            request.json(&json!({ "current": people::PASSWORD, "new": people::PASSWORD }))
        }
        ("PUT", "/v1/members/{id}/role") => request.json(&json!({ "role": "analyst" })),
        ("POST", "/v1/invitations") => {
            request.json(&json!({ "email": "somebody@example.com", "role": "viewer" }))
        }
        ("POST", "/v1/invitations/look") => request.json(&json!({ "token": things.token })),
        ("POST", "/v1/invitations/accept") => {
            request.json(&json!({ "token": things.token, "password": people::PASSWORD }))
        }
        ("POST", "/v1/session") => request.json(&json!({ "key": server.operator })),
        ("POST", "/v1/briefs/check") => {
            request.json(&json!({ "brief": brief_order(&things.made.asset)["brief"] }))
        }
        ("POST", "/v1/experiments") => {
            request.json(&experiments::order(things.made.run, &[&things.variant, &things.rival]))
        }
        ("POST", "/v1/experiments/{id}/stop") => request.json(&json!({ "reason": "enough" })),
        ("POST", "/v1/experiments/{id}/decide") => {
            request.json(&json!({ "choice": "inconclusive", "reason": "enough" }))
        }
        ("POST", "/v1/experiments/{id}/allocation") => {
            request.json(&json!({ "weights": [1, 2], "reason": "more to B" }))
        }
        ("POST", "/v1/experiments/plan") => {
            request.json(&json!({ "baseline": 0.01, "smallest_effect": 0.1 }))
        }
        ("POST", "/v1/experiments/analyze") => {
            request.body("arm,units,successes\ncontrol,1000,50\nb,1000,60\n")
        }
        ("POST", "/v1/campaigns") => {
            request.json(&json!({ "run": things.made.run, "variants": [things.rival] }))
        }
        ("PUT", "/v1/organization/campaign-rules") => request.json(&json!({ "approval_required": false })),
        ("POST", "/v1/imports") => request.body(results::FILE),
        ("POST", "/v1/reports") => request.json(&reports::order("elements", "csv", None)),
        ("POST", "/v1/observations/batch") => request.json(&results::batch()),
        ("POST", "/v1/variants/{id}/revisions") => request.json(&json!({ "changes": { "style": "sale" } })),
        ("PUT", "/v1/variants/{id}/external-refs" | "/v1/campaigns/{id}/external-refs") => {
            request.json(&results::named("1799"))
        }
        ("POST", "/v1/assets") => request.header("content-type", "image/png").body("picture"),
        ("POST", "/v1/briefs") => request.json(&brief_order(&things.made.asset)),
        ("POST", "/v1/runs") => request.json(&json!({ "brief": things.made.brief })),
        ("POST", "/v1/runs/{id}/signals") => {
            let id = uuid::Uuid::from_u128(7);
            request.json(&json!({ "id": id, "signal": { "kind": "cancel" } }))
        }
        ("POST", "/v1/brands") | ("PUT", "/v1/brands/{id}") => request.json(&brands::order()),
        ("POST", "/v1/views") => request.json(&views::order()),
        ("POST", "/v1/webhooks") => request.json(&webhooks::order()),
        ("POST", "/v1/variants/{id}/approval") => request.json(&json!({ "note": "the end" })),
        ("POST", "/v1/variants/{id}/approval/decisions") => {
            request.json(&json!({ "decision": "approved", "content_hash": things.content }))
        }
        ("POST", "/v1/variants/{id}/comments") => request.json(&reviews::comment()),
        ("POST", "/v1/shares") => request.json(&reviews::share(&things.made.run.to_string(), "comment")),
        ("POST", "/v1/shared/{token}/variants/{id}/comments") => {
            request.json(&json!({ "reviewer": "Cy", "text": "fine" }))
        }
        ("POST", "/v1/shared/{token}/variants/{id}/decisions") => request.json(&json!({
            "reviewer": "Cy", "decision": "approved", "content_hash": things.content
        })),
        ("PUT", "/v1/webhooks/{id}") => request.json(&webhooks::change()),
        ("POST", "/v1/webhooks/{id}/replay") => request.json(&json!({ "after": "0-0" })),
        ("POST", "/v1/videos" | "/kling/v1/videos/text2video") => request.json(&json!({ "prompt": "a cup" })),
        // "picture" in base64.
        ("POST", "/kling/v1/videos/image2video") => request.json(&json!({ "image": "cGljdHVyZQ==" })),
        ("POST", "/callbacks/kling/{source}") => request.json(&json!({ "id": "7" })),
        ("POST", path) => {
            assert!(path.contains("{id}"), "no sample request for POST {path}: add one");
            request
        }
        (_, path) => {
            assert!(
                !path.contains('{') || !id.is_empty() || matches!(path, "/errors/{code}" | "/docs/{file}"),
                "no sample for {path}"
            );
            request
        }
    }
}

/// What a stranger with a full key of another organization gets.
fn for_a_stranger(operation: &Operation) -> StatusCode {
    match (operation.method, operation.path) {
        (_, path) if path.starts_with("/v1/organizations") => StatusCode::FORBIDDEN,
        // A live key has no business in a sandbox, not even in its own.
        (_, path) if path.starts_with("/v1/sandbox/") => StatusCode::FORBIDDEN,
        ("POST", "/v1/runs" | "/v1/shares" | "/v1/experiments" | "/v1/campaigns") => StatusCode::NOT_FOUND,
        // The brief itself is fine; its picture does not exist for the stranger.
        ("POST", "/v1/briefs") => StatusCode::UNPROCESSABLE_ENTITY,
        (
            "POST",
            "/v1/assets"
            | "/v1/api-keys"
            | "/v1/invitations"
            | "/v1/webhooks"
            | "/v1/brands"
            | "/v1/views"
            | "/v1/imports"
            | "/v1/observations/batch",
        ) => StatusCode::CREATED,
        ("POST", "/v1/reports") => StatusCode::ACCEPTED,
        // Their organization is no demo.
        (_, "/v1/organization/demo") => StatusCode::NOT_FOUND,
        // A key has no password.
        ("PUT", "/v1/me/password") => StatusCode::FORBIDDEN,
        (_, path) if path.contains("{id}") => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    }
}

struct World {
    server: Server,
    owner: Tenant,
    stranger: Tenant,
    things: Things,
}

async fn world() -> World {
    let server = Server::start().await;
    let (owner, stranger) = (server.tenant("owner").await, server.tenant("stranger").await);
    let made = server.order(&owner, 1).await;
    let variant = server.win(made.run).await;
    let rival = server.rival(made.run, 2).await;
    let order = experiments::order(made.run, &[&variant, &rival]);
    let experiment = text(&server.post("/v1/experiments", &owner.key, &order).await["id"]);
    let webhook = webhooks::made(&server, &owner).await;
    let spare_webhook = webhooks::made(&server, &owner).await;
    let delivery = webhooks::delivered(&server, &owner, &webhook, made.run).await;
    let (campaign, ad) = server.played(made.run).await;
    server.finish(&owner, made.run, 3).await;
    let (key, _) = server.key(&owner.key, &["runs:read"]).await;
    let spare = server.upload(&owner, "picture, spare").await;
    // Another organization, because operators revoke and freeze what they name.
    let named = server.tenant("named").await;
    let (organization, named_key) = (named.id.to_string(), named.key_id);
    let (video, spare_video) =
        (videos::ordered(&server, &owner).await, videos::ordered(&server, &owner).await);
    let link = videos::link(&server, &owner, &video).await;
    let member = people::member(&server, &owner, "member@example.com", "viewer").await.person;
    let (invitation, _) = people::invited(&server, &owner, "invited@example.com", "viewer").await;
    let (_, token) = people::invited(&server, &owner, "another@example.com", "viewer").await;
    let import = results::imported(&server, &owner).await;
    let brand = brands::made(&server, &owner).await;
    let view = views::made(&server, &owner).await;
    let (comment, content) = reviews::commented(&server, &owner, &variant).await;
    let (share, _) = reviews::shared(&server, &owner, &made.run.to_string(), "view").await;
    let (_, shared) = reviews::shared(&server, &owner, &made.run.to_string(), "approve").await;
    let report = reports::made(&server, &owner).await;
    let test_key = sandbox::test_key(&server, &owner).await;
    let things = Things {
        organization,
        made,
        variant,
        key,
        spare,
        video,
        spare_video,
        link,
        named_key,
        member,
        invitation,
        token,
        webhook,
        spare_webhook,
        delivery,
        import,
        comment,
        share,
        shared,
        content,
        brand,
        view,
        campaign,
        ad,
        report,
        test_key,
        rival,
        experiment,
    };
    World { server, owner, stranger, things }
}

fn behind_a_key() -> impl Iterator<Item = &'static Operation> {
    OPERATIONS.iter().filter(|operation| operation.access != Access::Public)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_in_without_a_valid_key() {
    let World { server, owner, things, .. } = world().await;
    let (revoked_id, revoked) = server.key(&owner.key, &["runs:read", "keys:admin"]).await;
    server.post(&format!("/v1/api-keys/{revoked_id}/revoke"), &owner.key, &json!({})).await;
    let tampered = format!("{}{}", &owner.key[..owner.key.len() - 2], "AA");
    let unknown = owner.key.replacen(&owner.key_id.replace('-', ""), &"0".repeat(32), 1);
    assert_ne!(unknown, owner.key);
    let keys =
        [None, Some(""), Some("sw_live_"), Some("a b"), Some(&revoked), Some(&tampered), Some(&unknown)];
    for operation in behind_a_key() {
        for key in keys {
            let response = sample(&server, operation, key, &things).send().await.unwrap();
            assert_eq!(response.headers()["www-authenticate"], "Bearer", "{operation:?}");
            let (status, body) = problem(response).await;
            assert_eq!(
                (status, &body["code"]),
                (StatusCode::UNAUTHORIZED, &json!("SW1001")),
                "{operation:?}"
            );
        }
        let basic = sample(&server, operation, None, &things).basic_auth("user", Some(&owner.key));
        assert_eq!(basic.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    }
    assert_eq!(server.get("/v1/assets", &owner.key).await["data"].as_array().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_without_the_scope_is_refused_and_one_with_it_alone_is_enough() {
    let World { server, owner, things, .. } = world().await;
    for operation in behind_a_key() {
        let Access::Needs(needed) = operation.access else { continue };
        let holder = match needed {
            Scope::Operator => &server.operator,
            _ if operation.path.starts_with("/v1/sandbox/") => &things.test_key,
            _ => &owner.key,
        };
        let others: Vec<&str> = Scope::ALL
            .into_iter()
            .filter(|scope| *scope != needed && (needed == Scope::Operator || *scope != Scope::Operator))
            .map(Scope::as_str)
            .collect();
        let (_, wide) = server.key(holder, &others).await;
        let refused = sample(&server, operation, Some(&wide), &things).send().await.unwrap();
        let (status, body) = problem(refused).await;
        assert_eq!((status, &body["code"]), (StatusCode::FORBIDDEN, &json!("SW1002")), "{operation:?}");
        assert!(body["detail"].as_str().unwrap().contains(needed.as_str()));

        let (_, narrow) = server.key(holder, &[needed.as_str()]).await;
        let admitted = sample(&server, operation, Some(&narrow), &things).send().await.unwrap();
        // The run is not paused, which only somebody who may resume it gets to know.
        // Nor has the experiment played a day, or is it still in the state that the operation is for.
        let by_state =
            operation.path.ends_with("/resume") || operation.path.starts_with("/v1/experiments/{id}");
        let conflict = by_state && admitted.status() == StatusCode::CONFLICT;
        // And the organization is no demo.
        let no_demo = operation.path.ends_with("/demo") && admitted.status() == StatusCode::NOT_FOUND;
        assert!(
            admitted.status().is_success() || conflict || no_demo,
            "{operation:?}: {}",
            admitted.status()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_finds_nothing_of_the_owner() {
    let World { server, owner, stranger, things } = world().await;
    for operation in behind_a_key() {
        let response = sample(&server, operation, Some(&stranger.key), &things).send().await.unwrap();
        assert_eq!(response.status(), for_a_stranger(operation), "{operation:?}");
        let text = match operation.path {
            // Goes on for ever.
            "/v1/events/stream" => {
                let read = tokio::time::timeout(std::time::Duration::from_millis(300), response.text()).await;
                read.map_or_else(|_| String::new(), Result::unwrap)
            }
            _ => response.text().await.unwrap(),
        };
        let names =
            [owner.id.to_string(), owner.key_id.clone(), things.key.clone(), things.made.run.to_string()];
        for name in
            names.iter().chain([&things.made.asset, &things.made.brief, &things.variant, &things.import])
        {
            assert!(!text.contains(name.as_str()), "{operation:?}: {text}");
        }
    }
    assert!(server.control.wishes.lock().unwrap().is_empty(), "a stranger's wish reached a run");
    assert_eq!(server.get("/v1/runs", &owner.key).await["data"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_may_do_what_their_role_says_and_nothing_else() {
    let World { server, owner, things, .. } = world().await;
    for role in Role::ALL {
        let person = people::member(&server, &owner, &format!("{role}@example.com"), role.as_str()).await;
        // What ends the session comes last.
        let (last, mut operations): (Vec<&Operation>, Vec<&Operation>) = behind_a_key()
            .partition(|operation| (operation.method, operation.path) == ("DELETE", "/v1/session"));
        operations.extend(last);
        for operation in operations {
            let allowed = match operation.access {
                // People are live.
                Access::Needs(_) if operation.path.starts_with("/v1/sandbox/") => false,
                Access::Needs(scope) => role.scopes().contains(&scope),
                // The sample is a wish that the first of the scopes allows.
                Access::AnyOf(scopes) if operation.path.ends_with("/signals") => {
                    role.scopes().contains(&scopes[0])
                }
                Access::AnyOf(scopes) => scopes.iter().any(|scope| role.scopes().contains(scope)),
                Access::AnyKey | Access::Public => true,
            };
            let request = person.sends(sample(&server, operation, None, &things));
            let response = request.send().await.unwrap();
            let status = response.status();
            if !allowed {
                let (status, body) = problem(response).await;
                assert_eq!(
                    (status, &body["code"]),
                    (StatusCode::FORBIDDEN, &json!("SW1002")),
                    "{role}: {operation:?}"
                );
            } else {
                // Another role may have used the sample up.
                let used = matches!(status, StatusCode::NOT_FOUND | StatusCode::CONFLICT);
                assert!(status.is_success() || used, "{role}: {operation:?}: {status}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn public_operations_need_no_key() {
    let World { server, things, .. } = world().await;
    for operation in OPERATIONS.iter().filter(|operation| operation.access == Access::Public) {
        let response = sample(&server, operation, None, &things).send().await.unwrap();
        let made = if operation.creates { StatusCode::CREATED } else { StatusCode::OK };
        assert_eq!(response.status(), made, "{operation:?}");
    }
    let served: serde_json::Value = {
        let response = server.request("GET", "/openapi.json", None).send().await.unwrap();
        response.json().await.unwrap()
    };
    assert_eq!(served, spotwright_api::openapi::document());
}

#[test]
fn operations_are_listed_once() {
    let listed: BTreeSet<_> = OPERATIONS.iter().map(|operation| (operation.method, operation.path)).collect();
    assert_eq!(listed.len(), OPERATIONS.len());
}
