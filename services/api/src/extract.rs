//! Reading requests: bodies, queries and ids, each with the problem that names the field.

use std::convert::Infallible;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, Uri, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use spotwright_core::ports::accounts::Page;
use spotwright_schemas::error::Code;
use spotwright_schemas::strict::Strict;
use url::form_urlencoded;

use crate::auth::{Peer, RequestId};
use crate::cursor::List;
use crate::key::Pepper;
use crate::problem::ApiProblem;

/// Largest JSON body in bytes: a brief and the ids of its pictures.
pub(crate) const JSON_BYTES: usize = 320 * 1024;

/// Rows of a page when the request does not say.
const PAGE: u32 = 50;
/// Most rows of a page.
const LONGEST_PAGE: u32 = 200;

/// A whole body of at most `limit` bytes, and the media type it is said to have.
pub(crate) async fn body(request: Request<Body>, limit: usize) -> Result<Vec<u8>, ApiProblem> {
    let too_large =
        || ApiProblem::whole(Code::BodyTooLarge, format!("the body may have at most {limit} bytes"));
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if announced.and_then(|length| length.parse::<u64>().ok()).is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let bytes = Limited::new(request.into_body(), limit).collect().await;
    bytes.map(|whole| whole.to_bytes().into()).map_err(|error| {
        if error.is::<LengthLimitError>() {
            return too_large();
        }
        ApiProblem::whole(Code::RequestShape, "the body ended before it was complete")
    })
}

/// Refuses a body that is not said to be JSON.
pub(crate) fn must_be_json(headers: &HeaderMap) -> Result<(), ApiProblem> {
    media_type(headers, &["application/json"])
}

/// Refuses a body of another media type than those listed.
pub(crate) fn media_type(headers: &HeaderMap, accepted: &[&str]) -> Result<(), ApiProblem> {
    let essence = essence(headers);
    if accepted.iter().any(|media| essence.eq_ignore_ascii_case(media)) {
        return Ok(());
    }
    let message = format!("must be {}", accepted.join(", "));
    Err(ApiProblem::new(Code::MediaType, "content-type", message))
}

/// Refuses a body that is said to be something else than a picture. What it is, its bytes tell: programs
/// spell the types of pictures in many ways, and say nothing at all where they do not know.
pub(crate) fn may_be_picture(headers: &HeaderMap) -> Result<(), ApiProblem> {
    let essence = essence(headers).to_ascii_lowercase();
    let unknown = ["", "application/octet-stream", "binary/octet-stream", "application/x-unknown"];
    if essence.starts_with("image/") || unknown.contains(&essence.as_str()) {
        return Ok(());
    }
    let message = "must be `image/…` or `application/octet-stream`, with the picture itself as the body";
    Err(ApiProblem::new(Code::MediaType, "content-type", message))
}

/// The media type without its parameters.
fn essence(headers: &HeaderMap) -> &str {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    given.split(';').next().unwrap_or("").trim()
}

/// Reads a JSON body; unknown fields, lists in the place of objects, and trailing text are refused.
pub(crate) fn json<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, ApiProblem> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(Strict::new(&mut deserializer)).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        ApiProblem::new(Code::RequestShape, path, error.inner().to_string())
    })?;
    deserializer.end().map_err(|_| {
        ApiProblem::whole(Code::RequestShape, "something follows the end of the JSON document")
    })?;
    Ok(value)
}

/// A JSON request body.
pub(crate) struct JsonBody {
    pub(crate) bytes: Vec<u8>,
}

impl<S: Send + Sync> FromRequest<S> for JsonBody {
    type Rejection = ApiProblem;

    async fn from_request(request: Request<Body>, _state: &S) -> Result<Self, ApiProblem> {
        must_be_json(request.headers())?;
        Ok(Self { bytes: body(request, JSON_BYTES).await? })
    }
}

/// Where a request comes from, for handlers that everybody may call.
pub(crate) struct Origin {
    /// The network address, where it is known.
    pub(crate) address: Option<IpAddr>,
    request_id: Option<Arc<str>>,
}

impl Origin {
    /// The request's id.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self {
            address: parts.extensions.get::<Peer>().map(|peer| peer.0),
            request_id: parts.extensions.get::<RequestId>().map(|id| Arc::clone(&id.0)),
        })
    }
}

/// Reads a query string.
pub(crate) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, ApiProblem> {
    pairs(uri.query().unwrap_or(""))
}

/// Reads pairs of names and values, written as in a query string.
pub(crate) fn pairs<T: DeserializeOwned>(text: &str) -> Result<T, ApiProblem> {
    let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { String::new() } else { path };
        ApiProblem::new(Code::RequestShape, path, error.inner().to_string())
    })
}

/// Reads an id of a path. What is no id names nothing.
pub(crate) fn id<T: FromStr>(text: &str, what: &str) -> Result<T, ApiProblem> {
    // Only the usual spelling: braces, URNs and capitals would be other addresses of the same thing.
    let usual = text.len() == 36 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'));
    usual.then(|| text.parse().ok()).flatten().ok_or_else(|| ApiProblem::missing(what))
}

/// The query of every list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    pub(crate) cursor: Option<String>,
    pub(crate) limit: Option<u32>,
}

impl PageQuery {
    /// Rows of the page.
    pub(crate) fn limit(&self) -> Result<u32, ApiProblem> {
        limit(self.limit)
    }

    /// The page of a list that is ordered by position.
    pub(crate) fn page(&self, pepper: &Pepper, list: List<'_>) -> Result<Page, ApiProblem> {
        let before = match &self.cursor {
            None => None,
            Some(cursor) => Some(position(&list.place(pepper, cursor)?)?),
        };
        Ok(Page { before, limit: self.limit()? })
    }
}

/// Checks a number of rows.
pub(crate) fn limit(asked: Option<u32>) -> Result<u32, ApiProblem> {
    let limit = asked.unwrap_or(PAGE);
    if (1..=LONGEST_PAGE).contains(&limit) {
        return Ok(limit);
    }
    Err(ApiProblem::new(Code::RequestValue, "limit", format!("must be within 1 and {LONGEST_PAGE}")))
}

/// Reads the eight bytes of a position.
pub(crate) fn position(place: &[u8]) -> Result<i64, ApiProblem> {
    let bytes = <[u8; 8]>::try_from(place)
        .map_err(|_| ApiProblem::new(Code::Cursor, "cursor", "was made by another version"))?;
    Ok(i64::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use spotwright_schemas::ids::RunId;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its reading matters")]
    struct Sample {
        name: String,
        sizes: Vec<u8>,
    }

    #[test]
    fn a_wrong_field_is_named() {
        let problem = json::<Sample>(br#"{"name":"a","sizes":[1,"two"]}"#).unwrap_err();
        assert_eq!((problem.code(), problem.problem.field.as_str()), (Code::RequestShape, "sizes[1]"));
        let problem = json::<Sample>(br#"{"name":"a","sizes":[]} x"#).unwrap_err();
        assert_eq!((problem.code(), problem.problem.field.as_str()), (Code::RequestShape, ""));
        assert_eq!(json::<Sample>(b"\xff").unwrap_err().code(), Code::RequestShape);
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        let problem = query::<PageQuery>(&Uri::from_static("/v1/runs?limit=many")).unwrap_err();
        assert_eq!((problem.code(), problem.problem.field.as_str()), (Code::RequestShape, "limit"));
        let problem = query::<PageQuery>(&Uri::from_static("/v1/runs?limits=1")).unwrap_err();
        assert_eq!(problem.code(), Code::RequestShape);
        let page = query::<PageQuery>(&Uri::from_static("/v1/runs?limit=201")).unwrap();
        assert_eq!(page.limit().unwrap_err().code(), Code::RequestValue);
    }

    #[test]
    fn a_body_may_not_grow_beyond_its_limit_while_it_arrives() {
        let read = |body: Body| {
            let request = Request::new(body);
            tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(super::body(request, 4))
        };
        assert_eq!(read(Body::from("1234")).unwrap(), b"1234");
        assert_eq!(read(Body::from("12345")).unwrap_err().code(), Code::BodyTooLarge);
        let parts = |last: Result<&'static str, std::io::Error>| {
            Body::from_stream(futures_util::stream::iter([Ok("12"), last]))
        };
        assert_eq!(read(parts(Ok("345"))).unwrap_err().code(), Code::BodyTooLarge);
        let broken = parts(Err(std::io::Error::other("length limit exceeded")));
        assert_eq!(read(broken).unwrap_err().code(), Code::RequestShape);
    }

    #[test]
    fn a_picture_may_be_called_what_its_sender_calls_it() {
        let asked = |given: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.extend(given.map(|value| (header::CONTENT_TYPE, HeaderValue::from_static(value))));
            may_be_picture(&headers)
        };
        for given in [
            "image/jpg",
            "image/pjpeg",
            "IMAGE/X-PNG",
            "image/jpeg; charset=binary",
            "application/octet-stream",
        ] {
            assert!(asked(Some(given)).is_ok(), "{given}");
        }
        assert!(asked(None).is_ok());
        for given in ["application/json", "text/plain", "multipart/form-data; boundary=x", "video/mp4"] {
            assert_eq!(asked(Some(given)).unwrap_err().code(), Code::MediaType, "{given}");
        }
    }

    #[test]
    fn an_id_has_one_spelling() {
        let run = RunId::derive(1, "run", 1);
        assert_eq!(id::<RunId>(&run.to_string(), "run").unwrap(), run);
        for other in [run.to_string().to_uppercase(), run.0.simple().to_string(), "..".to_owned()] {
            assert_eq!(id::<RunId>(&other, "run").unwrap_err().code(), Code::NotFound, "{other}");
        }
    }
}
