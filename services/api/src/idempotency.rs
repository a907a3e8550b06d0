//! `Idempotency-Key`: a request that creates something can be repeated without doing it twice.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};
use spotwright_core::ports::accounts::{WriteKey, Written};
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::OrganizationId;

use crate::auth::Caller;
use crate::problem::{ApiProblem, in_flight};
use crate::state::App;

/// The header that carries the key.
pub(crate) const HEADER: &str = "idempotency-key";

/// Marks an answer that was given before.
pub(crate) const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// Longest key in characters.
const LONGEST: usize = 255;

/// Keys of requests that this process is working on.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Mutex<HashSet<(OrganizationId, String)>>);

/// A write that may begin; ends being in flight when dropped.
pub(crate) struct Admitted {
    pub(crate) write: WriteKey,
    organization: OrganizationId,
    app: App,
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut keys = self.app.in_flight.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.remove(&(self.organization, std::mem::take(&mut self.write.key)));
    }
}

/// The key that a request carries.
///
/// # Errors
/// [`Code::IdempotencyKey`].
fn key_of(headers: &HeaderMap) -> Result<String, ApiProblem> {
    let refused = |message: &str| ApiProblem::new(Code::IdempotencyKey, HEADER, message);
    let mut values = headers.get_all(HEADER).iter();
    let value = values.next().ok_or_else(|| {
        refused("is needed: a key of your choice, new for each request and the same when it is repeated")
    })?;
    if values.next().is_some() {
        return Err(refused("must be given once"));
    }
    let text = value.to_str().unwrap_or("");
    if !(1..=LONGEST).contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refused("must be 1 to 255 visible ASCII characters"));
    }
    Ok(text.to_owned())
}

/// Admits a write: it has a key, and none with the same key is in flight. Everything that was asked
/// goes into the fingerprint.
///
/// # Errors
/// [`Code::IdempotencyKey`], [`Code::IdempotencyInFlight`].
pub(crate) fn admit(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    uri: &Uri,
    body: &[u8],
) -> Result<Admitted, ApiProblem> {
    admit_within(app, caller.principal.organization, "", headers, uri, body)
}

/// As [`admit`], for somebody who acts within an organization without being of it: their keys are told apart
/// from those of others by `of`.
///
/// # Errors
/// [`Code::IdempotencyKey`], [`Code::IdempotencyInFlight`].
pub(crate) fn admit_within(
    app: &App,
    organization: OrganizationId,
    of: &str,
    headers: &HeaderMap,
    uri: &Uri,
    body: &[u8],
) -> Result<Admitted, ApiProblem> {
    let key = format!("{of}{}", key_of(headers)?);
    let mut hasher = Sha256::new();
    for part in [uri.path().as_bytes(), uri.query().unwrap_or("").as_bytes(), body] {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let mut keys = app.in_flight.0.lock().unwrap_or_else(PoisonError::into_inner);
    if !keys.insert((organization, key.clone())) {
        return Err(in_flight());
    }
    drop(keys);
    let write = WriteKey { key, fingerprint: hasher.finalize().into() };
    Ok(Admitted { write, organization, app: App::clone(app) })
}

/// The answer `201 Created` to a write, marked when it was given before.
pub(crate) fn created<T: Serialize>(replayed: bool, location: &str, body: &T) -> Response {
    let mut response = (StatusCode::CREATED, axum::Json(body)).into_response();
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// Whether the answer was given before.
pub(crate) const fn is_replayed<T>(written: &Written<T>) -> bool {
    matches!(written, Written::Replayed(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn a_key_is_one_word_given_once() {
        assert_eq!(key_of(&headers(&["a-1"])).unwrap(), "a-1");
        for values in [&[][..], &[""], &["a b"], &["é"], &["a", "a"], &["x".repeat(256).as_str()]] {
            assert_eq!(key_of(&headers(values)).unwrap_err().code(), Code::IdempotencyKey, "{values:?}");
        }
    }
}
