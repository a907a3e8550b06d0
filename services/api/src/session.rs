//! Sessions of people who work in a browser: a key, or an e-mail address with its password, is exchanged for
//! a cookie.
//!
//! A page must not keep an API key where its scripts can read it. So a key is handed in once, and the
//! browser gets a cookie that scripts cannot read and that other sites cannot send. A session may do what
//! its key may do, for as long as the key is valid, or what its person may do, for as long as they are a
//! member, and at most [`SESSION_MICROS`]; whatever it writes also needs a token that only pages of this
//! service can read.
//!
//! Sessions are kept in the store, by codes that open nothing, so every API process knows them and a restart
//! keeps them. Links that sign in once live in the memory of the process that has made them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, Method, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use spotwright_core::ports::entropy::{Entropy, EntropyError};
use spotwright_core::use_cases::sessions::SESSION_MICROS;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::KeyId;
use subtle::ConstantTimeEq as _;

use crate::problem::ApiProblem;

/// Name of the cookie.
pub(crate) const COOKIE: &str = "sw_session";

/// The header that carries the token of a write.
pub(crate) const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");

/// How long a sign-in link is good for: one hour.
const LINK_MICROS: i64 = 3_600 * 1_000_000;

const TOKEN_BYTES: usize = 32;

/// What the browser holds. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

impl SessionToken {
    pub(crate) fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = [0_u8; TOKEN_BYTES];
        entropy.fill(&mut bytes)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// The text itself, for the cookie or link that carries it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The token of writes. It follows from the session's and does not lead back to it.
    pub(crate) fn csrf(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(b"write", &self.0))
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(secret)")
    }
}

/// What a link signs in with, and until when.
#[derive(Debug, Clone, Copy)]
struct Offered {
    key: KeyId,
    until_micros: i64,
}

/// The sign-in links of a process; cheap to clone.
#[derive(Clone, Default)]
pub struct Links(Arc<Mutex<HashMap<[u8; 32], Offered>>>);

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Links(secret)")
    }
}

impl Links {
    /// Makes a link token that signs in once, within the hour, with the rights of a key.
    ///
    /// # Errors
    /// [`EntropyError`].
    pub fn offer_link(
        &self,
        entropy: &dyn Entropy,
        key: KeyId,
        now_micros: i64,
    ) -> Result<SessionToken, EntropyError> {
        let token = SessionToken::generate(entropy)?;
        let offered = Offered { key, until_micros: now_micros.saturating_add(LINK_MICROS) };
        self.locked(|links| links.insert(digest(b"link", &token.0), offered));
        Ok(token)
    }

    /// Uses a link up: the key that it signs in with, if it is good.
    pub(crate) fn take_link(&self, token: &str, now_micros: i64) -> Option<KeyId> {
        let offered = self.locked(|links| links.remove(&digest(b"link", token)))?;
        (now_micros < offered.until_micros).then_some(offered.key)
    }

    fn locked<T>(&self, work: impl FnOnce(&mut HashMap<[u8; 32], Offered>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn digest(purpose: &[u8], token: &str) -> [u8; 32] {
    Sha256::new().chain_update(purpose).chain_update(b":").chain_update(token).finalize().into()
}

/// The session token that a request's cookies hold.
pub(crate) fn presented(headers: &HeaderMap) -> Option<SessionToken> {
    let values = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = values.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let (_, token) = pairs.find(|(name, _)| *name == COOKIE)?;
    Some(SessionToken(token.to_owned()))
}

/// Refuses a write that does not come from a page of this service: another site can make a browser send
/// a request, but cannot read the token that has to stand beside the cookie.
pub(crate) fn expect_own_page(
    token: &SessionToken,
    method: &Method,
    headers: &HeaderMap,
) -> Result<(), ApiProblem> {
    if matches!(*method, Method::GET | Method::HEAD) {
        return Ok(());
    }
    let given = headers.get(TOKEN_HEADER).map_or(&b""[..], |value| value.as_bytes());
    if bool::from(given.ct_eq(token.csrf().as_bytes())) {
        return Ok(());
    }
    let message = "a write with a session needs the `csrf_token` that `GET /v1/session` tells";
    Err(ApiProblem::new(Code::Forbidden, "x-csrf-token", message))
}

/// The `Set-Cookie` of a session, or of its end when the token is empty. `Secure` where the browser came
/// over TLS; on the loopback address there is none.
pub(crate) fn cookie(token: Option<&SessionToken>, headers: &HeaderMap) -> String {
    let secure = headers.get("x-forwarded-proto").is_some_and(|scheme| scheme.as_bytes() == b"https");
    let text = token.map_or("", SessionToken::expose);
    let seconds = if token.is_some() { SESSION_MICROS / 1_000_000 } else { 0 };
    let secure = if secure { "; Secure" } else { "" };
    format!("{COOKIE}={text}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use axum::http::HeaderValue;
    use uuid::Uuid;

    use super::*;

    struct Counted(AtomicU8);

    impl Entropy for Counted {
        fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
            buffer.fill(self.0.fetch_add(1, Ordering::SeqCst));
            Ok(())
        }
    }

    fn key(number: u128) -> KeyId {
        KeyId(Uuid::from_u128(number))
    }

    #[test]
    fn a_link_signs_in_once_and_not_after_an_hour() {
        let (links, entropy) = (Links::default(), Counted(AtomicU8::new(0)));
        let link = links.offer_link(&entropy, key(1), 0).unwrap();
        assert_eq!(links.take_link(link.expose(), LINK_MICROS - 1), Some(key(1)));
        assert_eq!(links.take_link(link.expose(), 0), None);
        let late = links.offer_link(&entropy, key(1), 0).unwrap();
        assert_eq!(links.take_link(late.expose(), LINK_MICROS), None);
        assert!(!format!("{late:?} {links:?}").contains(late.expose()));
    }

    #[test]
    fn a_write_needs_the_token_of_its_own_session() {
        let entropy = Counted(AtomicU8::new(0));
        let (token, other) =
            (SessionToken::generate(&entropy).unwrap(), SessionToken::generate(&entropy).unwrap());
        let with = |csrf: Option<String>| {
            let mut headers = HeaderMap::new();
            headers.extend(csrf.map(|csrf| (TOKEN_HEADER, HeaderValue::try_from(csrf).unwrap())));
            headers
        };
        assert!(expect_own_page(&token, &Method::GET, &with(None)).is_ok());
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            assert!(expect_own_page(&token, &method, &with(Some(token.csrf()))).is_ok());
            for wrong in [None, Some(String::new()), Some(other.csrf()), Some(token.0.clone())] {
                let problem = expect_own_page(&token, &method, &with(wrong)).unwrap_err();
                assert_eq!(problem.code(), Code::Forbidden);
            }
        }
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let mut headers = HeaderMap::new();
        assert_eq!(presented(&headers), None);
        headers.append(header::COOKIE, HeaderValue::from_static("theme=dark; xsw_session=no"));
        assert_eq!(presented(&headers), None);
        headers.append(header::COOKIE, HeaderValue::from_static("a=b; sw_session=abc"));
        assert_eq!(presented(&headers), Some(SessionToken("abc".to_owned())));
        let set = cookie(presented(&headers).as_ref(), &headers);
        assert_eq!(set, "sw_session=abc; Path=/; Max-Age=43200; HttpOnly; SameSite=Strict");
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        assert!(cookie(None, &headers).ends_with("Max-Age=0; HttpOnly; SameSite=Strict; Secure"));
    }
}
