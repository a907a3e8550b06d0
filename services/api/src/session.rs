//! Sessions of people who work in a browser: a key is shown once and exchanged for a cookie.
//!
//! A page must not keep an API key where its scripts can read it. So a key is handed in once, and the
//! browser gets a cookie that scripts cannot read and that other sites cannot send. A session may do what
//! its key may do, for as long as the key is valid and at most [`LIFETIME_MICROS`]; whatever it writes also
//! needs a token that only pages of this service can read.
//!
//! Sessions live in the memory of the process. Nothing of them is stored, so a restart ends them all, and
//! of several API processes only the one that opened a session knows it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, Method, header};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use spotwright_core::ports::entropy::{Entropy, EntropyError};
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::KeyId;
use subtle::ConstantTimeEq as _;

use crate::problem::ApiProblem;

/// Name of the cookie.
pub(crate) const COOKIE: &str = "sw_session";

/// The header that carries the token of a write.
pub(crate) const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-csrf-token");

/// How long a session lasts: 12 hours, a working day.
pub(crate) const LIFETIME_MICROS: i64 = 12 * 3_600 * 1_000_000;

/// How long a sign-in link is good for: one hour.
const LINK_MICROS: i64 = 3_600 * 1_000_000;

/// Sessions of one key; the oldest one ends when another is opened.
const SESSIONS_OF_A_KEY: usize = 50;

/// Sessions of the process.
const MOST_SESSIONS: usize = 10_000;

const TOKEN_BYTES: usize = 32;

/// What the browser holds. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

impl SessionToken {
    fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
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

/// A session that goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Session {
    /// Whose rights it has.
    pub(crate) key: KeyId,
    /// When it ends, by the clock of the process.
    pub(crate) until_micros: i64,
}

#[derive(Default)]
struct Table {
    /// By digest, so that what is in memory opens nothing.
    sessions: HashMap<[u8; 32], Session>,
    links: HashMap<[u8; 32], Session>,
}

/// The sessions of a process; cheap to clone.
#[derive(Clone, Default)]
pub struct Sessions(Arc<Mutex<Table>>);

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions(secret)")
    }
}

impl Sessions {
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
        let offered = Session { key, until_micros: now_micros.saturating_add(LINK_MICROS) };
        self.locked(|table| table.links.insert(digest(b"link", &token.0), offered));
        Ok(token)
    }

    /// Uses a link up: the key that it signs in with, if it is good.
    pub(crate) fn take_link(&self, token: &str, now_micros: i64) -> Option<KeyId> {
        let offered = self.locked(|table| table.links.remove(&digest(b"link", token)))?;
        (now_micros < offered.until_micros).then_some(offered.key)
    }

    /// Opens a session with the rights of a key.
    pub(crate) fn open(
        &self,
        entropy: &dyn Entropy,
        key: KeyId,
        now_micros: i64,
    ) -> Result<(SessionToken, Session), ApiProblem> {
        let token = SessionToken::generate(entropy)?;
        let opened = Session { key, until_micros: now_micros.saturating_add(LIFETIME_MICROS) };
        let kept = self.locked(|table| {
            table.sessions.retain(|_, session| now_micros < session.until_micros);
            let of_key = table.sessions.iter().filter(|(_, session)| session.key == key);
            if of_key.clone().count() >= SESSIONS_OF_A_KEY {
                let oldest = of_key.min_by_key(|(_, session)| session.until_micros).map(|(name, _)| *name);
                oldest.map(|name| table.sessions.remove(&name));
            }
            let room = table.sessions.len() < MOST_SESSIONS;
            if room {
                table.sessions.insert(digest(b"session", &token.0), opened);
            }
            room
        });
        if kept {
            return Ok((token, opened));
        }
        Err(ApiProblem::whole(Code::Unavailable, "as many people are signed in as may be; try again later"))
    }

    /// The session behind a token, while it goes on.
    pub(crate) fn find(&self, token: &SessionToken, now_micros: i64) -> Option<Session> {
        let found = self.locked(|table| table.sessions.get(&digest(b"session", &token.0)).copied())?;
        (now_micros < found.until_micros).then_some(found)
    }

    /// Ends a session.
    pub(crate) fn close(&self, token: &SessionToken) {
        self.locked(|table| table.sessions.remove(&digest(b"session", &token.0)));
    }

    fn locked<T>(&self, work: impl FnOnce(&mut Table) -> T) -> T {
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
    let seconds = if token.is_some() { LIFETIME_MICROS / 1_000_000 } else { 0 };
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
    fn a_session_lasts_until_its_end_or_until_it_is_closed() {
        let (sessions, entropy) = (Sessions::default(), Counted(AtomicU8::new(0)));
        let (token, opened) = sessions.open(&entropy, key(1), 5).unwrap();
        assert_eq!(sessions.find(&token, 5), Some(opened));
        assert_eq!(sessions.find(&token, 5 + LIFETIME_MICROS), None);
        sessions.close(&token);
        assert_eq!(sessions.find(&token, 5), None);
        assert!(!format!("{token:?} {sessions:?}").contains(token.expose()));
    }

    #[test]
    fn a_link_signs_in_once_and_not_after_an_hour() {
        let (sessions, entropy) = (Sessions::default(), Counted(AtomicU8::new(0)));
        let link = sessions.offer_link(&entropy, key(1), 0).unwrap();
        assert_eq!(sessions.take_link(link.expose(), LINK_MICROS - 1), Some(key(1)));
        assert_eq!(sessions.take_link(link.expose(), 0), None);
        let late = sessions.offer_link(&entropy, key(1), 0).unwrap();
        assert_eq!(sessions.take_link(late.expose(), LINK_MICROS), None);
        assert_eq!(sessions.find(&late, 0), None, "a link is no session");
    }

    #[test]
    fn a_key_has_so_many_sessions_and_the_oldest_one_ends() {
        let (sessions, entropy) = (Sessions::default(), Counted(AtomicU8::new(0)));
        let (first, _) = sessions.open(&entropy, key(1), 0).unwrap();
        let (other, _) = sessions.open(&entropy, key(2), 0).unwrap();
        for now in 1..=i64::try_from(SESSIONS_OF_A_KEY).unwrap() {
            sessions.open(&entropy, key(1), now).unwrap();
        }
        assert_eq!(sessions.find(&first, 60), None);
        assert!(sessions.find(&other, 60).is_some());
    }

    #[test]
    fn a_write_needs_the_token_of_its_own_session() {
        let (sessions, entropy) = (Sessions::default(), Counted(AtomicU8::new(0)));
        let (token, _) = sessions.open(&entropy, key(1), 0).unwrap();
        let (other, _) = sessions.open(&entropy, key(1), 0).unwrap();
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
