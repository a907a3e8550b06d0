//! Changes that say what they have seen, and the language in which problems are told.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::harness::{Server, problem, text};
use crate::{people, results, webhooks};

/// What is changed: where it is read, how it is changed, by whom, and with what.
struct Change {
    read: String,
    method: &'static str,
    path: String,
    key: String,
    body: Value,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_changes_what_they_have_not_seen() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let run = server.order(&tenant, 1).await.run;
    let variant = server.win(run).await;
    let webhook = format!("/v1/webhooks/{}", webhooks::made(&server, &tenant).await);
    let member = people::member(&server, &tenant, "bo@example.com", "viewer").await.person;
    let member = format!("/v1/members/{member}");
    let refs = format!("/v1/variants/{variant}/external-refs");
    let budget = format!("/v1/organizations/{}/budget", tenant.id);
    let limit = json!({ "cap_micros": 900_000_000, "currency": "USD" });
    let change = |read: &str, method, path: &str, key: &str, body| Change {
        read: read.to_owned(),
        method,
        path: path.to_owned(),
        key: key.to_owned(),
        body,
    };
    for Change { read, method, path, key, body } in [
        change(&webhook, "PUT", &webhook, &tenant.key, webhooks::change()),
        change(&webhook, "DELETE", &webhook, &tenant.key, Value::Null),
        change(&member, "PUT", &format!("{member}/role"), &tenant.key, json!({ "role": "editor" })),
        change(&member, "DELETE", &member, &tenant.key, Value::Null),
        change(&refs, "PUT", &refs, &tenant.key, results::named("1799")),
        change(&budget, "PUT", &budget, &server.operator, limit),
        change(&budget, "DELETE", &budget, &server.operator, Value::Null),
    ] {
        let seen = server.request("GET", &read, Some(&key)).send().await.unwrap();
        let tag = seen.headers()["etag"].to_str().unwrap().to_owned();
        let send = async |tag: &str| {
            let request = server.request(method, &path, Some(&key)).header("if-match", tag);
            let request = if body.is_null() { request } else { request.json(&body) };
            request.send().await.unwrap()
        };
        let (status, refused) = problem(send("\"another\"").await).await;
        assert_eq!((status, &refused["code"]), (StatusCode::PRECONDITION_FAILED, &json!("SW1042")), "{path}");
        assert_eq!(refused["param"], "if-match");
        let again = server.request("GET", &read, Some(&key)).send().await.unwrap();
        assert_eq!(again.headers()["etag"].to_str().unwrap(), tag, "{path}: nothing was changed");
        assert_eq!(send(&tag).await.status(), StatusCode::OK, "{method} {path}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn problems_are_told_in_the_language_that_is_asked_for() {
    let server = Server::start().await;
    let tenant = server.tenant("one").await;
    let ask = async |language: Option<&str>| {
        let request = server.request("GET", "/v1/runs?limit=0", Some(&tenant.key));
        let request = match language {
            Some(asked) => request.header("accept-language", asked),
            None => request,
        };
        let response = request.send().await.unwrap();
        assert_eq!(response.headers()["vary"], "accept-language");
        let told = response.headers()["content-language"].to_str().unwrap().to_owned();
        let (_, body) = problem(response).await;
        (told, text(&body["title"]), text(&body["detail"]))
    };
    let (language, title, english) = ask(None).await;
    assert_eq!((language.as_str(), title.as_str()), ("en", "Value not accepted"));
    for asked in ["zh-CN", "zh-CN,zh;q=0.9,en;q=0.8", "en;q=0.3, zh;q=0.4"] {
        let (language, title, detail) = ask(Some(asked)).await;
        assert_eq!((language.as_str(), title.as_str()), ("zh-CN", "取值不被接受"), "{asked}");
        assert_eq!(english, "must be within 1 and 200");
        assert!(detail.starts_with("请求中有一个值超出允许范围") && detail.contains("1 到 200"), "{detail}");
    }
    for asked in ["en-US,en;q=0.9,zh;q=0.8", "fr", "zh;q=0"] {
        assert_eq!(ask(Some(asked)).await.0, "en", "{asked}");
    }
}
