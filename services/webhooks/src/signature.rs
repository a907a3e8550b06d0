//! Signatures of Standard Webhooks, version 1: HMAC-SHA256 over `{id}.{timestamp}.{body}`.
//!
//! # Source
//! The specification at standardwebhooks.com, "Signature scheme", symmetric.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use spotwright_core::ports::webhooks::WebhookSecret;

/// The three headers of a message: `webhook-id`, `webhook-timestamp` (`seconds` since 1970 UTC) and
/// `webhook-signature`, which holds a signature for each secret.
#[must_use]
pub fn headers(id: &str, seconds: i64, body: &str, secrets: &[WebhookSecret]) -> [(&'static str, String); 3] {
    let signatures: Vec<String> = secrets.iter().map(|secret| sign(secret, id, seconds, body)).collect();
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ]
}

fn sign(secret: &WebhookSecret, id: &str, seconds: i64, body: &str) -> String {
    // Cannot panic: HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(&secret.0).expect("a key of 32 bytes");
    mac.update(format!("{id}.{seconds}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}
