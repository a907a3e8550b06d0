//! Our signatures, verified by the reference implementation of Standard Webhooks.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue};
use spotwright_core::ports::webhooks::WebhookSecret;
use spotwright_webhooks::signature::headers;
use standardwebhooks::Webhook;

const BODY: &str = r#"{"type":"spotwright.run.finished.v1","timestamp":"2026-11-29T18:00:00Z","data":{"reason":"completed","generations":2}}"#;

#[expect(clippy::disallowed_methods, reason = "the verifier compares with the machine's clock")]
fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_secs()).unwrap()
}

fn sent(id: &str, seconds: i64, body: &str, secrets: &[WebhookSecret]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers(id, seconds, body, secrets) {
        map.insert(name, HeaderValue::from_str(&value).unwrap());
    }
    map
}

/// The secret as its holder gets it.
fn secret_text(secret: &WebhookSecret) -> String {
    format!("whsec_{}", STANDARD.encode(secret.0))
}

fn verifier(secret: &WebhookSecret) -> Webhook {
    Webhook::new(&secret_text(secret)).unwrap()
}

#[test]
fn a_message_is_accepted() {
    let secret = WebhookSecret([3; 32]);
    let sent = sent("msg-1", now(), BODY, std::slice::from_ref(&secret));
    verifier(&secret).verify(BODY.as_bytes(), &sent).unwrap();
}

#[test]
fn a_tampered_stale_or_renamed_one_is_refused() {
    let secret = WebhookSecret([3; 32]);
    let only = std::slice::from_ref(&secret);
    let verifier = verifier(&secret);
    let good = sent("msg-1", now(), BODY, only);
    assert!(verifier.verify(BODY.replace("completed", "failed").as_bytes(), &good).is_err(), "tampered");
    for seconds in [now() - 3_600, now() + 3_600] {
        assert!(verifier.verify(BODY.as_bytes(), &sent("msg-1", seconds, BODY, only)).is_err(), "stale");
    }
    let mut renamed = good.clone();
    renamed.insert("webhook-id", HeaderValue::from_static("msg-2"));
    assert!(verifier.verify(BODY.as_bytes(), &renamed).is_err(), "replayed under another id");
    let mut later = good.clone();
    later.insert("webhook-timestamp", HeaderValue::from_str(&(now() + 1).to_string()).unwrap());
    assert!(verifier.verify(BODY.as_bytes(), &later).is_err(), "replayed at another time");
    let other = Webhook::new(&secret_text(&WebhookSecret([4; 32]))).unwrap();
    assert!(other.verify(BODY.as_bytes(), &good).is_err(), "another secret");
}

#[test]
fn during_a_rotation_either_secret_accepts() {
    let (new, old) = (WebhookSecret([5; 32]), WebhookSecret([3; 32]));
    let both = sent("msg-1", now(), BODY, &[new.clone(), old.clone()]);
    verifier(&new).verify(BODY.as_bytes(), &both).unwrap();
    verifier(&old).verify(BODY.as_bytes(), &both).unwrap();
    let only_new = sent("msg-1", now(), BODY, std::slice::from_ref(&new));
    assert!(verifier(&old).verify(BODY.as_bytes(), &only_new).is_err(), "after its time");
}
