//! Callbacks: the provider tells that a task has changed.
//!
//! A callback is never more than a [`Hint`] to look at the task now rather than later: what it says of the task
//! is not read. Signed ones (Standard Webhooks, since 2026-08-07) are checked where a secret is set; repeats
//! and forgeries without a secret cost one look.
//!
//! # Source
//! The vendor's page "Callback protocol"; standardwebhooks.com, specification, "Signature scheme".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use spotwright_core::ports::clip_source::JobId;
use subtle::ConstantTimeEq;

use super::auth::sign;
use super::plan::Path;
use super::wire::text;
use crate::options::Secret;

/// Largest body that is read, in bytes.
const MAX_BODY_BYTES: usize = 1 << 20;

/// How far the time of a signed callback may be from ours, in seconds.
const TOLERANCE_SECONDS: i64 = 300;

/// What a callback is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The provider's id of the task, without the path that is part of our ids.
    pub task: String,
    /// Our key, where the task carries one.
    pub key: Option<String>,
    /// Whether it was signed with the secret.
    pub signed: bool,
}

impl Hint {
    /// Whether a job is the task that the callback tells of.
    #[must_use]
    pub fn is_about(&self, job: &JobId) -> bool {
        let tags = Path::ALL_LEGACY.into_iter().map(Path::tag).chain(["task"]);
        job.0
            .split_once(':')
            .is_some_and(|(tag, id)| id == self.task && tags.into_iter().any(|one| one == tag))
    }
}

/// Why a callback is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// A secret is set, and a header of the signature is missing or malformed.
    #[error("the callback is not signed: `{0}` is missing or malformed")]
    NotSigned(&'static str),
    /// Signed at another time than now.
    #[error("the callback was signed at another time")]
    Stale,
    /// Signed with another secret, or changed on its way.
    #[error("the signature does not fit")]
    Forged,
    /// The secret of the configuration is not Base64 after `whsec_`.
    #[error("the webhook secret is not Base64")]
    Secret,
    /// Not a task.
    #[error("the body is no task")]
    Body,
}

impl CallbackError {
    /// The HTTP status to answer with.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::NotSigned(_) | Self::Stale | Self::Forged => 401,
            Self::Secret => 500,
            Self::Body => 400,
        }
    }
}

/// Reads a callback. `headers` are pairs of names, in any case, and values; `body` is what was received, byte for
/// byte; `now_micros` is the time in microseconds since 1970. Pure.
///
/// # Errors
/// [`CallbackError`]; none of them is worth a retry by the sender but [`CallbackError::Secret`].
pub fn read(
    headers: &[(&str, &str)],
    body: &[u8],
    secret: Option<&Secret>,
    now_micros: i64,
) -> Result<Hint, CallbackError> {
    if body.len() > MAX_BODY_BYTES {
        return Err(CallbackError::Body);
    }
    if let Some(secret) = secret {
        verify(headers, body, secret, now_micros)?;
    }
    let data: Value = serde_json::from_slice(body).map_err(|_| CallbackError::Body)?;
    let task = text(&data["task_id"]).or_else(|| text(&data["id"])).ok_or(CallbackError::Body)?;
    let key = text(&data["task_info"]["external_task_id"]).or_else(|| text(&data["external_id"]));
    Ok(Hint { task, key, signed: secret.is_some() })
}

/// Whether a secret is one that callbacks can be checked with.
pub(super) fn is_secret(secret: &Secret) -> bool {
    key_of(secret).is_some()
}

/// The key of the signatures: Base64, behind `whsec_` or not.
fn key_of(secret: &Secret) -> Option<Vec<u8>> {
    let text = secret.expose();
    STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok().filter(|key| !key.is_empty())
}

fn verify(
    headers: &[(&str, &str)],
    body: &[u8],
    secret: &Secret,
    now_micros: i64,
) -> Result<(), CallbackError> {
    let header = |wanted: &'static str| {
        let found = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
            .ok_or(CallbackError::NotSigned(wanted))
    };
    let (id, time) = (header("webhook-id")?, header("webhook-timestamp")?);
    let signatures = header("webhook-signature")?;
    let seconds: i64 = time.parse().map_err(|_| CallbackError::NotSigned("webhook-timestamp"))?;
    if seconds.abs_diff(now_micros.div_euclid(1_000_000)) > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(CallbackError::Stale);
    }
    let key = key_of(secret).ok_or(CallbackError::Secret)?;
    let wanted = sign(&key, &[id.as_bytes(), b".", time.as_bytes(), b".", body]);
    // While secrets are changed there are several; all are compared, whichever fits.
    let mut fits = subtle::Choice::from(0);
    for signature in signatures.split_ascii_whitespace().filter_map(|one| one.strip_prefix("v1,")) {
        if let Ok(given) = STANDARD.decode(signature) {
            fits |= given.as_slice().ct_eq(&wanted);
        }
    }
    if fits.into() { Ok(()) } else { Err(CallbackError::Forged) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = br#"{"id":"913","status":"succeeded","external_id":"k1","outputs":[]}"#;
    const NOW: i64 = 1_781_080_794_000_000;

    fn secret() -> Secret {
        Secret::new(format!("whsec_{}", STANDARD.encode(b"a secret of the webhook"))).unwrap()
    }

    fn signature(body: &[u8], time: &str) -> String {
        let mac = sign(b"a secret of the webhook", &[b"id-1.", time.as_bytes(), b".", body]);
        format!("v1,{}", STANDARD.encode(mac))
    }

    fn read_with(signature: &str, time: &str, body: &[u8], now: i64) -> Result<Hint, CallbackError> {
        let headers = [("Webhook-Id", "id-1"), ("webhook-timestamp", time), ("WEBHOOK-SIGNATURE", signature)];
        read(&headers, body, Some(&secret()), now)
    }

    #[test]
    fn the_example_of_the_standard_verifies() {
        // standardwebhooks.com: the example of its libraries.
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let headers = [
            ("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"),
            ("webhook-timestamp", "1614265330"),
            ("webhook-signature", "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ];
        let verified = verify(&headers, br#"{"test": 2432232314}"#, &secret, 1_614_265_330_000_000);
        assert_eq!(verified, Ok(()));
    }

    #[test]
    fn signed_callbacks_are_hints_and_nothing_more() {
        let hint = read_with(&signature(BODY, "1781080794"), "1781080794", BODY, NOW).unwrap();
        assert_eq!(hint, Hint { task: "913".to_owned(), key: Some("k1".to_owned()), signed: true });
        assert!(hint.is_about(&JobId("task:913".to_owned())));
        assert!(!hint.is_about(&JobId("task:9134".to_owned())));
        assert!(!hint.is_about(&JobId("913".to_owned())));
        let legacy = br#"{"task_id":"7","task_status":"succeed","task_info":{"external_task_id":"k"}}"#;
        let hint = read(&[], legacy, None, NOW).unwrap();
        assert_eq!(hint, Hint { task: "7".to_owned(), key: Some("k".to_owned()), signed: false });
    }

    #[test]
    fn secrets_may_be_in_change() {
        let both = format!("v1,{} v2,x {}", STANDARD.encode([0; 32]), signature(BODY, "1781080794"));
        assert!(read_with(&both, "1781080794", BODY, NOW).is_ok());
    }

    #[test]
    fn forged_stale_and_unsigned_callbacks_are_refused() {
        let good = signature(BODY, "1781080794");
        assert_eq!(read_with(&good, "1781080795", BODY, NOW), Err(CallbackError::Forged));
        assert_eq!(read_with(&good, "1781080794", b"{}", NOW), Err(CallbackError::Forged));
        assert_eq!(read_with("v1,", "1781080794", BODY, NOW), Err(CallbackError::Forged));
        assert_eq!(read_with(&good, "1781080794", BODY, NOW + 301_000_000), Err(CallbackError::Stale));
        assert_eq!(read_with(&good, "1781080794", BODY, NOW - 301_000_000), Err(CallbackError::Stale));
        let unsigned = read(&[], BODY, Some(&secret()), NOW);
        assert_eq!(unsigned, Err(CallbackError::NotSigned("webhook-id")));
        assert_eq!(read_with(&good, "soon", BODY, NOW), Err(CallbackError::NotSigned("webhook-timestamp")));
        let bad = Secret::new("whsec_***").unwrap();
        let headers =
            [("webhook-id", "i"), ("webhook-timestamp", "1781080794"), ("webhook-signature", "v1,x")];
        assert_eq!(read(&headers, BODY, Some(&bad), NOW), Err(CallbackError::Secret));
    }

    #[test]
    fn bodies_that_are_no_task_are_refused() {
        for body in [b"".as_slice(), b"[]", b"{}", b"{\"id\":\"\"}", b"{\"id\":null}", b"nonsense"] {
            assert_eq!(read(&[], body, None, NOW), Err(CallbackError::Body));
        }
        assert_eq!(read(&[], &vec![b' '; MAX_BODY_BYTES + 1], None, NOW), Err(CallbackError::Body));
    }
}
