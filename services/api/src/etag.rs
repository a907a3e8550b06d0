//! Entity tags of resources (RFC 9110 §8.8.3 and §13): a client that has a resource is not sent it again, and
//! one that changes it may say what it has seen.
//!
//! The tag of a resource is a hash of its JSON, so whatever changes in it changes the tag.

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};
use spotwright_schemas::error::Code;

use crate::problem::ApiProblem;

/// Bytes of the hash that the tag shows.
const SHOWN: usize = 16;

/// Longest answer in bytes that is hashed; a longer one goes out without a tag. No resource comes near it.
const LONGEST: u64 = 16 << 20;

/// Whether the answers of an address are single resources, or lists that belong to one.
#[must_use]
pub(crate) fn is_resource(path: &str) -> bool {
    path.contains("/{id}") || matches!(path, "/v1/organization" | "/openapi.json")
}

/// Gives resources their tags, and answers 304 to a client that has them (`If-None-Match`).
pub(crate) async fn tag(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let tagged = path.is_some_and(is_resource) && (reads || *request.method() == Method::PUT);
    if !tagged {
        return next.run(request).await;
    }
    let conditions: HeaderMap = request
        .headers()
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .map(|value| (header::IF_NONE_MATCH, value.clone()))
        .collect();
    let response = next.run(request).await;
    let json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    // The answer to `HEAD` may have lost its body already: nothing is not what it is the tag of.
    let whole = response.body().size_hint().exact().is_some_and(|bytes| (1..=LONGEST).contains(&bytes));
    if response.status() != StatusCode::OK || !json || !whole || response.headers().contains_key(header::ETAG)
    {
        return response;
    }
    match with_tag(response, &conditions, reads).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn with_tag(response: Response, conditions: &HeaderMap, reads: bool) -> Result<Response, ApiProblem> {
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.map_err(|error| ApiProblem::internal(&error))?;
    let tag = tag_of(&bytes);
    let value = HeaderValue::try_from(&tag).map_err(|error| ApiProblem::internal(&error))?;
    parts.headers.insert(header::ETAG, value);
    parts.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if reads && names(conditions, &header::IF_NONE_MATCH, &tag, true) {
        parts.status = StatusCode::NOT_MODIFIED;
        parts.headers.remove(header::CONTENT_TYPE);
        parts.headers.remove(header::CONTENT_LENGTH);
        return Ok(Response::from_parts(parts, Body::empty()));
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

fn tag_of(json: &[u8]) -> String {
    let digits: Vec<String> =
        Sha256::digest(json).iter().take(SHOWN).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{}\"", digits.concat())
}

/// Whether a request says what it has seen of the resource that it changes.
pub(crate) fn is_conditional(headers: &HeaderMap) -> bool {
    headers.contains_key(header::IF_MATCH)
}

/// Refuses a change of a resource that is not what the client has seen (`If-Match`). A request that does not
/// say what it has seen is let through.
///
/// # Errors
/// [`Code::Precondition`].
pub(crate) fn expect<T: Serialize>(headers: &HeaderMap, resource: &T) -> Result<(), ApiProblem> {
    if !is_conditional(headers) {
        return Ok(());
    }
    let json = serde_json::to_vec(resource).map_err(|error| ApiProblem::internal(&error))?;
    if names(headers, &header::IF_MATCH, &tag_of(&json), false) {
        return Ok(());
    }
    Err(changed_meanwhile())
}

/// What is to be changed was changed between the look at it and the write.
pub(crate) fn changed_meanwhile() -> ApiProblem {
    let message = "was changed since you read it; read it again and send the change with its new `ETag`";
    ApiProblem::new(Code::Precondition, "if-match", message)
}

/// Whether a header lists this tag, or any. A weak tag never names what is to be changed.
fn names(headers: &HeaderMap, name: &HeaderName, tag: &str, weak: bool) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).any(|given| {
        let given = given.strip_prefix("W/").filter(|_| weak).unwrap_or(given);
        given == "*" || given == tag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn whoever_has_it_names_it_weakly_or_strongly() {
        let tag = tag_of(b"one");
        for given in [tag.clone(), format!("W/{tag}"), format!("\"x\", {tag}"), "*".to_owned()] {
            assert!(names(&with(header::IF_NONE_MATCH, &given), &header::IF_NONE_MATCH, &tag, true));
        }
        assert!(!names(&with(header::IF_NONE_MATCH, &tag), &header::IF_NONE_MATCH, &tag_of(b"two"), true));
    }

    #[test]
    fn a_change_is_of_what_was_seen() {
        let tag = tag_of(b"\"one\"");
        assert!(expect(&HeaderMap::new(), &"one").is_ok());
        assert!(expect(&with(header::IF_MATCH, &tag), &"one").is_ok());
        assert!(expect(&with(header::IF_MATCH, "*"), &"one").is_ok());
        for wrong in ["\"x\"", &format!("W/{tag}"), tag.trim_matches('"')] {
            let refused = expect(&with(header::IF_MATCH, wrong), &"one").unwrap_err();
            assert_eq!(refused.code(), Code::Precondition, "{wrong}");
        }
        assert!(expect(&with(header::IF_MATCH, &tag), &"two").is_err());
    }
}
