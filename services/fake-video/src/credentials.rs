//! Tokens that clients show, and the signature of callbacks.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

/// Why a token is refused, by Kling's codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenFault {
    /// 1000: the signature is not the account's.
    Failed,
    /// 1002: no JWT, another algorithm, another account, no times.
    Invalid,
    /// 1003: `nbf` is to come.
    NotYet,
    /// 1004: `exp` has passed.
    Expired,
}

/// Checks a JWT of RFC 7519 with HS256, `iss`, `exp` and `nbf` (seconds).
pub(crate) fn check_jwt(
    token: &str,
    access_key: &str,
    secret_key: &str,
    now_ms: i64,
) -> Result<(), TokenFault> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { return Err(TokenFault::Invalid) };
    let json =
        |part: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok() };
    let header_fields = json(header).ok_or(TokenFault::Invalid)?;
    let claims = json(payload).ok_or(TokenFault::Invalid)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenFault::Invalid)?;
    if header_fields["alg"] != "HS256" {
        return Err(TokenFault::Invalid);
    }
    let signed = keyed(secret_key.as_bytes(), &[header.as_bytes(), b".", payload.as_bytes()]);
    signed.verify_slice(&signature).map_err(|_| TokenFault::Failed)?;
    if claims["iss"] != access_key {
        return Err(TokenFault::Invalid);
    }
    let (Some(expires), Some(begins)) = (claims["exp"].as_i64(), claims["nbf"].as_i64()) else {
        return Err(TokenFault::Invalid);
    };
    if begins * 1_000 > now_ms {
        return Err(TokenFault::NotYet);
    }
    if expires * 1_000 <= now_ms { Err(TokenFault::Expired) } else { Ok(()) }
}

/// Mints a JWT as Kling's clients do: valid from 5 s before `now_ms` for 30 min after it.
#[must_use]
pub fn mint_jwt(access_key: &str, secret_key: &str, now_ms: i64) -> String {
    let now = now_ms / 1_000;
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = serde_json::json!({"iss": access_key, "exp": now + 1_800, "nbf": now - 5});
    let payload = URL_SAFE_NO_PAD.encode(claims.to_string());
    let signed = keyed(secret_key.as_bytes(), &[header.as_bytes(), b".", payload.as_bytes()]);
    format!("{header}.{payload}.{}", URL_SAFE_NO_PAD.encode(signed.finalize().into_bytes()))
}

/// The value of `webhook-signature` by Standard Webhooks. `None` when the secret is not `whsec_` and
/// base64.
#[must_use]
pub fn sign_webhook(secret: &str, id: &str, timestamp: i64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    let signed = keyed(&key, &[format!("{id}.{timestamp}.").as_bytes(), body.as_bytes()]);
    Some(format!("v1,{}", STANDARD.encode(signed.finalize().into_bytes())))
}

fn keyed(key: &[u8], parts: &[&[u8]]) -> Hmac<Sha256> {
    // Cannot panic: HMAC takes keys of any length.
    let mut signed = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    for part in parts {
        signed.update(part);
    }
    signed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_its_account_and_time_only() {
        let now = 1_795_910_400_000;
        let token = mint_jwt("access", "secret", now);
        let check = |access, secret, at| check_jwt(&token, access, secret, at);
        assert_eq!(check("access", "secret", now), Ok(()));
        assert_eq!(check("other", "secret", now), Err(TokenFault::Invalid));
        assert_eq!(check("access", "other", now), Err(TokenFault::Failed));
        assert_eq!(check("access", "secret", now - 6_000), Err(TokenFault::NotYet));
        assert_eq!(check("access", "secret", now + 1_800_000), Err(TokenFault::Expired));
        assert_eq!(check_jwt("a.b", "access", "secret", now), Err(TokenFault::Invalid));
        let unsigned = "eyJhbGciOiJub25lIn0.e30.";
        assert_eq!(check_jwt(unsigned, "access", "secret", now), Err(TokenFault::Invalid));
    }

    /// The vendor's own sample for receivers (Kling, "Callback Protocol", manual verification).
    #[test]
    fn callbacks_are_signed_as_the_vendors_sample_is() {
        let body = r#"{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,"update_time":1781080794151}"#;
        let secret = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI=";
        assert_eq!(
            sign_webhook(secret, "9876543210", 1_781_080_794, body).unwrap(),
            "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
        );
        assert_eq!(sign_webhook("no prefix", "1", 1, body), None);
    }
}
