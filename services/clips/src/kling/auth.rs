//! The value of `Authorization`: the plain key, or a token minted from the key pair.
//!
//! Tokens are JWTs (RFC 7519) signed with HS256: header `{"alg":"HS256","typ":"JWT"}`, payload `iss` = access
//! key, `exp` = now + 1,800 s, `nbf` = now − 5 s.

use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use spotwright_core::ports::clock::Clock;

use crate::options::Secret;

/// Seconds that a token is valid.
const VALID_SECONDS: i64 = 1_800;

/// Seconds that a token is valid before it is minted: clocks differ.
const BEFORE_SECONDS: i64 = 5;

/// Seconds before its end at which a token is minted anew.
const SPARE_SECONDS: i64 = 120;

/// Says who asks.
pub(super) enum Auth {
    /// A plain key.
    Key(Secret),
    /// A key pair, and the last token with its end.
    Pair { access: Secret, secret: Secret, clock: Arc<dyn Clock>, token: Mutex<Option<(String, i64)>> },
}

impl Auth {
    pub(super) fn pair(access: Secret, secret: Secret, clock: Arc<dyn Clock>) -> Self {
        Self::Pair { access, secret, clock, token: Mutex::default() }
    }

    /// The header's value; a token is kept until shortly before its end.
    pub(super) fn header(&self) -> String {
        match self {
            Self::Key(key) => format!("Bearer {}", key.expose()),
            Self::Pair { access, secret, clock, token } => {
                let now = clock.now_micros().div_euclid(1_000_000);
                let mut token = token.lock().unwrap_or_else(PoisonError::into_inner);
                let is_fresh = |end: i64| end - SPARE_SECONDS > now && end - VALID_SECONDS <= now;
                if let Some((text, _)) = token.as_ref().filter(|(_, end)| is_fresh(*end)) {
                    return format!("Bearer {text}");
                }
                let text = mint(access.expose(), secret.expose(), now);
                *token = Some((text.clone(), now + VALID_SECONDS));
                format!("Bearer {text}")
            }
        }
    }

    /// Forgets the token; `false` where there is none to forget.
    pub(super) fn renew(&self) -> bool {
        match self {
            Self::Key(_) => false,
            Self::Pair { token, .. } => {
                token.lock().unwrap_or_else(PoisonError::into_inner).take();
                true
            }
        }
    }
}

fn mint(access: &str, secret: &str, now: i64) -> String {
    let payload =
        serde_json::json!({ "iss": access, "exp": now + VALID_SECONDS, "nbf": now - BEFORE_SECONDS });
    let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload.to_string()));
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(sign(secret.as_bytes(), &[signed.as_bytes()])))
}

/// HMAC-SHA256 of the parts one after another.
pub(super) fn sign(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // Cannot panic: HMAC takes keys of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use spotwright_core::ports::clock::ManualClock;

    use super::*;

    fn end_of(header: &str) -> i64 {
        let payload = header.split('.').nth(1).unwrap();
        let payload: serde_json::Value =
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
        assert_eq!(payload["iss"], "ak");
        assert_eq!(payload["exp"].as_i64().unwrap() - payload["nbf"].as_i64().unwrap(), 1_805);
        payload["exp"].as_i64().unwrap()
    }

    #[test]
    fn signatures_are_those_of_the_standard() {
        // RFC 4231, test case 2.
        let mac = sign(b"Jefe", &[b"what do ya want ", b"for nothing?"]);
        assert_eq!(URL_SAFE_NO_PAD.encode(mac), "W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM");
    }

    #[test]
    fn tokens_are_minted_again_before_they_end_and_when_the_clock_turns_back() {
        let clock = Arc::new(ManualClock::starting_at(1_000_000_000));
        let auth = Auth::pair(Secret::new("ak").unwrap(), Secret::new("sk").unwrap(), clock.clone());
        let first = auth.header();
        assert_eq!(end_of(&first), 2_800);
        clock.advance_micros(1_600_000_000);
        assert_eq!(auth.header(), first);
        clock.advance_micros(100_000_000);
        assert_eq!(end_of(&auth.header()), 4_500);
        clock.advance_micros(-600_000_000);
        assert_eq!(end_of(&auth.header()), 3_900);
        clock.advance_micros(1_000_000);
        assert!(auth.renew());
        assert_eq!(end_of(&auth.header()), 3_901);
        assert!(!Auth::Key(Secret::new("k").unwrap()).renew());
    }
}
