//! People: how they come into an organization, what they may do there, and how they leave it.

use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::harness::{Server, Tenant, problem, text};

/// What everybody here signs in with.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Somebody who is signed in.
pub(crate) struct SignedIn {
    pub(crate) person: String,
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl SignedIn {
    pub(crate) async fn of(response: Response) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        let set = response.headers()["set-cookie"].to_str().unwrap();
        let cookie = set.split(';').next().unwrap().to_owned();
        let body: Value = response.json().await.unwrap();
        let session = &body["session"];
        Self { person: text(&session["person"]["id"]), cookie, csrf: text(&session["csrf_token"]) }
    }

    /// The request as this person sends it.
    pub(crate) fn sends(&self, request: RequestBuilder) -> RequestBuilder {
        request.header("cookie", &self.cookie).header("x-csrf-token", &self.csrf)
    }

    async fn ask(&self, server: &Server, method: &str, path: &str, body: &Value) -> Response {
        let request = self.sends(server.request(method, path, None));
        let request = if body.is_null() { request } else { request.json(body) };
        request.send().await.unwrap()
    }

    async fn get(&self, server: &Server, path: &str) -> Value {
        let response = self.ask(server, "GET", path, &Value::Null).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }
}

/// An invitation of the organization by its key: its id and token.
pub(crate) async fn invited(server: &Server, tenant: &Tenant, email: &str, role: &str) -> (String, String) {
    let order = json!({ "email": email, "name": "Ana Li", "role": role });
    let made = server.post("/v1/invitations", &tenant.key, &order).await;
    (text(&made["invitation"]["id"]), text(&made["token"]))
}

pub(crate) async fn accept(server: &Server, token: &str, password: &str) -> Response {
    let body = json!({ "token": token, "password": password });
    server.request("POST", "/v1/invitations/accept", None).json(&body).send().await.unwrap()
}

/// A new member of the organization, signed in.
pub(crate) async fn member(server: &Server, tenant: &Tenant, email: &str, role: &str) -> SignedIn {
    let (_, token) = invited(server, tenant, email, role).await;
    SignedIn::of(accept(server, &token, PASSWORD).await).await
}

async fn sign_in(server: &Server, email: &str, password: &str) -> Response {
    let body = json!({ "email": email, "password": password });
    server.request("POST", "/v1/session", None).json(&body).send().await.unwrap()
}

async fn session_of(server: &Server, url: &str, cookie: &str) -> Value {
    let request = server.client.get(format!("{url}/v1/session")).header("cookie", cookie);
    request.send().await.unwrap().json::<Value>().await.unwrap()["session"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invited_owner_signs_in_and_runs_the_organization() {
    let server = Server::start().await;
    let tenant = server.tenant("Hill Roasters").await;
    let order = json!({ "email": " Ana@Example.com ", "role": "owner" });
    let made = server.post("/v1/invitations", &tenant.key, &order).await;
    assert_eq!(
        (&made["invitation"]["email"], &made["invitation"]["state"]),
        (&json!("ana@example.com"), &json!("open"))
    );
    let token = text(&made["token"]);
    assert_eq!(made["link"], format!("/portal/join#token={token}"));
    let look = server.request("POST", "/v1/invitations/look", None).json(&json!({ "token": token }));
    let seen: Value = look.send().await.unwrap().json().await.unwrap();
    assert_eq!((&seen["organization"]["name"], &seen["known"]), (&json!("Hill Roasters"), &json!(false)));

    // Nobody said what she is called.
    let (status, refused) = problem(accept(&server, &token, PASSWORD).await).await;
    assert_eq!((status, &refused["param"]), (StatusCode::BAD_REQUEST, &json!("name")));
    for (name, password, param) in [("Ana Li", "short", "password"), (" Ana", PASSWORD, "name")] {
        let body = json!({ "token": token, "name": name, "password": password });
        let request = server.request("POST", "/v1/invitations/accept", None).json(&body);
        let (status, refused) = problem(request.send().await.unwrap()).await;
        assert_eq!((status, &refused["param"]), (StatusCode::BAD_REQUEST, &json!(param)));
    }
    let body = json!({ "token": token, "name": "Ana Li", "password": PASSWORD });
    let request = server.request("POST", "/v1/invitations/accept", None).json(&body);
    let ana = SignedIn::of(request.send().await.unwrap()).await;
    let (status, refused) = problem(accept(&server, &token, PASSWORD).await).await;
    assert_eq!((status, &refused["param"]), (StatusCode::UNAUTHORIZED, &json!("token")), "it is good once");

    let me = ana.get(&server, "/v1/me").await;
    assert_eq!(
        (&me["person"]["name"], &me["role"], &me["key"]),
        (&json!("Ana Li"), &json!("owner"), &Value::Null)
    );
    assert_eq!(me["organizations"][0]["organization"]["name"], "Hill Roasters");
    let again = SignedIn::of(sign_in(&server, "ANA@example.com", PASSWORD).await).await;
    let session = session_of(&server, &server.url, &again.cookie).await;
    assert_eq!((&session["key"], &session["person"]["email"]), (&Value::Null, &json!("ana@example.com")));
    assert_eq!(session["organization"]["id"], tenant.id.to_string());
    let order = json!({ "email": "bo@example.com", "role": "viewer" });
    let invited = again.ask(&server, "POST", "/v1/invitations", &order).await;
    assert_eq!(invited.status(), StatusCode::CREATED);
    let members = again.get(&server, "/v1/members").await;
    assert_eq!(members["data"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_sign_in_learns_nothing_and_is_slowed_down() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    member(&server, &tenant, "ana@example.com", "viewer").await;
    let stranger = server.tenant("two").await;
    let mut answers = Vec::new();
    let elsewhere = json!({ "email": "ana@example.com", "password": PASSWORD, "organization": stranger.id });
    for body in [
        json!({ "email": "ana@example.com", "password": "wrong horse battery" }),
        json!({ "email": "nobody@example.com", "password": PASSWORD }),
        json!({ "email": "no address", "password": PASSWORD }),
        elsewhere,
    ] {
        let request = server.request("POST", "/v1/session", None).json(&body);
        let response = request.send().await.unwrap();
        assert!(response.headers().get("set-cookie").is_none());
        let (status, mut answer) = problem(response).await;
        assert_eq!((status, &answer["param"]), (StatusCode::UNAUTHORIZED, &json!("email")));
        answer["request_id"] = Value::Null;
        answers.push(answer);
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    for body in
        [json!({ "email": "ana@example.com" }), json!({ "email": "a@b.c", "password": "x", "key": "y" })]
    {
        let request = server.request("POST", "/v1/session", None).json(&body);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    }
    let mut limited = 0;
    for _ in 0..10 {
        let (status, _) = problem(sign_in(&server, "ana@example.com", "wrong horse battery").await).await;
        limited += usize::from(status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert_eq!(limited, 4, "two were spent before, and eight are too many");
    let (status, _) = problem(sign_in(&server, "ana@example.com", PASSWORD).await).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    server.clock.advance_micros(60_000_000);
    SignedIn::of(sign_in(&server, "ana@example.com", PASSWORD).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_known_to_every_process_and_ends_in_all_of_them() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let ana = member(&server, &tenant, "ana@example.com", "viewer").await;
    let other = server.another_process().await;
    assert_eq!(session_of(&server, &other, &ana.cookie).await["person"]["id"], ana.person);
    let out = ana.ask(&server, "DELETE", "/v1/session", &Value::Null).await;
    assert_eq!(out.status(), StatusCode::OK);
    assert_eq!(session_of(&server, &server.url, &ana.cookie).await, Value::Null);
    // The other one believes what it knew for two seconds.
    server.clock.advance_micros(2_000_000);
    assert_eq!(session_of(&server, &other, &ana.cookie).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_owners_make_owners_and_one_of_them_stays() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let ana = member(&server, &tenant, "ana@example.com", "owner").await;
    let bo = member(&server, &tenant, "bo@example.com", "admin").await;
    let role_of = |person: &SignedIn| format!("/v1/members/{}/role", person.person);
    let owner = json!({ "role": "owner" });
    for (path, body) in [
        (role_of(&bo), owner.clone()),
        (role_of(&ana), json!({ "role": "viewer" })),
        ("/v1/invitations".to_owned(), json!({ "email": "cy@example.com", "role": "owner" })),
    ] {
        let method = if path.ends_with("/role") { "PUT" } else { "POST" };
        let (status, refused) = problem(bo.ask(&server, method, &path, &body).await).await;
        assert_eq!((status, &refused["code"]), (StatusCode::FORBIDDEN, &json!("SW1002")), "{path}");
        let by_key = server.request(method, &path, Some(&tenant.key)).json(&body).send().await.unwrap();
        assert_eq!(by_key.status(), StatusCode::FORBIDDEN, "there is an owner now: {path}");
    }
    let removed = bo.ask(&server, "DELETE", &format!("/v1/members/{}", ana.person), &Value::Null).await;
    assert_eq!(removed.status(), StatusCode::FORBIDDEN);
    for (method, path) in [("PUT", role_of(&ana)), ("DELETE", format!("/v1/members/{}", ana.person))] {
        let body = if method == "PUT" { json!({ "role": "viewer" }) } else { Value::Null };
        let (status, refused) = problem(ana.ask(&server, method, &path, &body).await).await;
        assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("SW1031")));
    }
    let raised = ana.ask(&server, "PUT", &role_of(&bo), &owner).await;
    assert_eq!(raised.json::<Value>().await.unwrap()["role"], "owner");
    let left = ana.ask(&server, "DELETE", &format!("/v1/members/{}", ana.person), &Value::Null).await;
    assert_eq!(left.status(), StatusCode::OK);
    assert_eq!(session_of(&server, &server.url, &ana.cookie).await, Value::Null, "her session went with it");
    let (status, _) = problem(sign_in(&server, "ana@example.com", PASSWORD).await).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let wrong = bo.ask(&server, "PUT", &role_of(&bo), &json!({ "role": "king" })).await;
    assert_eq!(problem(wrong).await.1["param"], "role");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_role_counts_at_once() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let bo = member(&server, &tenant, "bo@example.com", "viewer").await;
    let keys = || bo.ask(&server, "GET", "/v1/api-keys", &Value::Null);
    assert_eq!(keys().await.status(), StatusCode::FORBIDDEN);
    let path = format!("/v1/members/{}/role", bo.person);
    let request = server.request("PUT", &path, Some(&tenant.key)).json(&json!({ "role": "admin" }));
    assert_eq!(request.send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(keys().await.status(), StatusCode::OK);
    let order = json!({ "name": "by a person", "scopes": ["runs:read"] });
    assert_eq!(bo.ask(&server, "POST", "/v1/api-keys", &order).await.status(), StatusCode::CREATED);
    server.post(&format!("/v1/organizations/{}/freeze", tenant.id), &server.operator, &json!({})).await;
    let (status, refused) = problem(keys().await).await;
    assert_eq!((status, &refused["code"]), (StatusCode::FORBIDDEN, &json!("SW1026")));
    let (status, _) = problem(sign_in(&server, "bo@example.com", PASSWORD).await).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_works_in_several_organizations_with_one_password() {
    let server = Server::start().await;
    let (one, two) = (server.tenant("one").await, server.tenant("two").await);
    member(&server, &one, "ana@example.com", "owner").await;
    let (_, token) = invited(&server, &two, "ana@example.com", "viewer").await;
    let look = server.request("POST", "/v1/invitations/look", None).json(&json!({ "token": token }));
    assert_eq!(look.send().await.unwrap().json::<Value>().await.unwrap()["known"], true);
    let (status, refused) = problem(accept(&server, &token, "wrong horse battery").await).await;
    assert_eq!((status, &refused["param"]), (StatusCode::UNAUTHORIZED, &json!("password")));
    let there = SignedIn::of(accept(&server, &token, PASSWORD).await).await;
    assert_eq!(there.get(&server, "/v1/organization").await["id"], two.id.to_string());
    let again = json!({ "email": "ana@example.com", "role": "viewer" });
    let request = server.request("POST", "/v1/invitations", Some(&two.key)).json(&again);
    let (status, refused) = problem(request.send().await.unwrap()).await;
    assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!("SW1032")));
    let first = SignedIn::of(sign_in(&server, "ana@example.com", PASSWORD).await).await;
    assert_eq!(first.get(&server, "/v1/organization").await["id"], one.id.to_string());
    let body = json!({ "email": "ana@example.com", "password": PASSWORD, "organization": two.id });
    let request = server.request("POST", "/v1/session", None).json(&body);
    let second = SignedIn::of(request.send().await.unwrap()).await;
    let me = second.get(&server, "/v1/me").await;
    assert_eq!((&me["role"], me["organizations"].as_array().map(Vec::len)), (&json!("viewer"), Some(2)));
    assert_eq!(second.ask(&server, "GET", "/v1/members", &Value::Null).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_sees_and_ends_their_sessions_and_changes_their_password() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let ana = member(&server, &tenant, "ana@example.com", "viewer").await;
    let bo = member(&server, &tenant, "bo@example.com", "viewer").await;
    let second = SignedIn::of(sign_in(&server, "ana@example.com", PASSWORD).await).await;
    let third = SignedIn::of(sign_in(&server, "ana@example.com", PASSWORD).await).await;
    let own = third.get(&server, "/v1/me/sessions").await["data"].as_array().unwrap().clone();
    assert_eq!(own.len(), 3);
    assert_eq!(
        own.iter().map(|session| session["current"] == true).collect::<Vec<_>>(),
        [true, false, false]
    );
    let path = format!("/v1/me/sessions/{}", text(&own[1]["id"]));
    assert_eq!(bo.ask(&server, "DELETE", &path, &Value::Null).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(third.ask(&server, "DELETE", &path, &Value::Null).await.status(), StatusCode::OK);
    assert_eq!(session_of(&server, &server.url, &second.cookie).await, Value::Null);
    assert_ne!(session_of(&server, &server.url, &ana.cookie).await, Value::Null);

    let change = |current: &str, new: &str| json!({ "current": current, "new": new });
    for (body, status, param) in [
        (change("wrong", "another horse battery"), StatusCode::UNAUTHORIZED, "current"),
        (change(PASSWORD, "short"), StatusCode::BAD_REQUEST, "new"),
    ] {
        let (found, refused) = problem(third.ask(&server, "PUT", "/v1/me/password", &body).await).await;
        assert_eq!((found, &refused["param"]), (status, &json!(param)));
    }
    let changed =
        third.ask(&server, "PUT", "/v1/me/password", &change(PASSWORD, "another horse battery")).await;
    assert_eq!(changed.json::<Value>().await.unwrap()["ended_sessions"], 1);
    assert_eq!(session_of(&server, &server.url, &ana.cookie).await, Value::Null);
    assert_ne!(session_of(&server, &server.url, &third.cookie).await, Value::Null);
    assert_eq!(sign_in(&server, "ana@example.com", PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    SignedIn::of(sign_in(&server, "ana@example.com", "another horse battery").await).await;
    let body = change(PASSWORD, "another horse battery");
    let by_key = server.request("PUT", "/v1/me/password", Some(&tenant.key)).json(&body);
    assert_eq!(by_key.send().await.unwrap().status(), StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_ends_when_it_is_revoked_or_old() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let (id, token) = invited(&server, &tenant, "ana@example.com", "viewer").await;
    let path = format!("/v1/invitations/{id}/revoke");
    let revoked = server.post(&path, &tenant.key, &json!({})).await;
    assert_eq!(revoked["state"], "revoked");
    assert_eq!(accept(&server, &token, PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    let (_, late) = invited(&server, &tenant, "bo@example.com", "viewer").await;
    server.clock.advance_micros(7 * 24 * 3_600 * 1_000_000);
    assert_eq!(accept(&server, &late, PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    let listed = server.get("/v1/invitations", &tenant.key).await;
    let states: Vec<&str> =
        listed["data"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["expired", "revoked"]);
    for token in ["", "made-up", &"0".repeat(64)] {
        assert_eq!(accept(&server, token, PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_tells_who_changed_what_and_no_secret() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let (_, token) = invited(&server, &tenant, "ana@example.com", "admin").await;
    let ana = SignedIn::of(accept(&server, &token, PASSWORD).await).await;
    let order = json!({ "email": "bo@example.com", "role": "viewer" });
    let request =
        ana.sends(server.request("POST", "/v1/invitations", None)).header("x-request-id", "the-request");
    assert_eq!(request.json(&order).send().await.unwrap().status(), StatusCode::CREATED);
    let log = server.get("/v1/audit-log", &tenant.key).await;
    let entries = log["data"].as_array().unwrap();
    let newest = &entries[0];
    assert_eq!(
        (&newest["action"], &newest["request_id"]),
        (&json!("invitation.made"), &json!("the-request"))
    );
    assert_eq!(newest["who"], json!({ "kind": "person", "id": ana.person, "name": "Ana Li" }));
    assert_eq!(newest["after"], json!({ "email": "bo@example.com", "role": "viewer" }));
    let actions: Vec<&str> = entries.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    for action in ["session.opened", "member.joined", "invitation.made"] {
        assert!(actions.contains(&action), "{actions:?}");
    }
    let written = log.to_string();
    for secret in [token.as_str(), PASSWORD, "argon2", &ana.csrf, "sw_live_", &ana.cookie] {
        assert!(!written.contains(secret), "{written}");
    }
    let only = server.get("/v1/audit-log?action=member.joined", &tenant.key).await;
    assert_eq!(only["data"].as_array().map(Vec::len), Some(1));
    let of_ana = server.get(&format!("/v1/audit-log?target={}", ana.person), &tenant.key).await;
    assert_eq!(of_ana["data"][0]["target"], json!({ "kind": "member", "id": ana.person }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_approves_says_yes_and_no_and_nothing_else() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let made = server.order(&tenant, 1).await;
    let path = format!("/v1/runs/{}/signals", made.run);
    let approver = member(&server, &tenant, "bo@example.com", "approver").await;
    let variant = uuid::Uuid::from_u128(5);
    let signals = [
        (json!({ "kind": "approve" }), StatusCode::OK),
        (json!({ "kind": "reject", "variant": variant, "reason": "too loud" }), StatusCode::OK),
        (json!({ "kind": "regenerate" }), StatusCode::FORBIDDEN),
        (json!({ "kind": "cancel" }), StatusCode::FORBIDDEN),
    ];
    for (number, (signal, expected)) in signals.into_iter().enumerate() {
        let id = uuid::Uuid::from_u128(100 + number as u128);
        let told = approver.ask(&server, "POST", &path, &json!({ "id": id, "signal": signal })).await;
        assert_eq!(told.status(), expected, "{signal}");
    }
    let log = server.get(&format!("/v1/audit-log?target={}", made.run), &tenant.key).await;
    let actions: Vec<&Value> = log["data"].as_array().unwrap().iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["run.told", "run.told", "run.ordered"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organization_is_made_with_its_first_owner() {
    let server = Server::start().await;
    let order = json!({ "name": "Hill Roasters", "owner": { "email": "ana@example.com", "name": "Ana Li" } });
    let request = server.request("POST", "/v1/organizations", Some(&server.operator)).json(&order);
    let founded: Value = request.send().await.unwrap().json().await.unwrap();
    let token = text(&founded["owner"]["token"]);
    let ana = SignedIn::of(accept(&server, &token, PASSWORD).await).await;
    assert_eq!(ana.get(&server, "/v1/me").await["role"], "owner");
    let log = ana.get(&server, "/v1/audit-log").await;
    let by_operator: Vec<&Value> = log["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["who"]["kind"] == "operator")
        .map(|entry| &entry["action"])
        .collect();
    assert_eq!(by_operator, ["invitation.made", "organization.founded"]);
    let wrong = json!({ "name": "Another", "owner": { "email": "no address" } });
    let request = server.request("POST", "/v1/organizations", Some(&server.operator)).json(&wrong);
    assert_eq!(problem(request.send().await.unwrap()).await.1["param"], "owner.email");
}
