//! The mark of the sandbox on answers: one layer puts it on, so that no resource can forget it.
//!
//! Every answer to a test key has the header `spotwright-mode: test`. A JSON object has the field `mode` as
//! well, and so has each row of a list. Documents of a stated `format` (scripts, storyboards) stay as they
//! are: their form is not that of the API.

use std::fmt;

use axum::body::{Body, HttpBody as _, to_bytes};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::problem::{ApiProblem, MEDIA_TYPE};

/// The header with the mode of an answer; only in the sandbox.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("spotwright-mode");

/// The mark, as it begins an object.
const MARK: &str = "\"mode\":\"test\"";

/// Marks an answer to a test key.
pub(crate) async fn test(mut response: Response) -> Response {
    response.headers_mut().insert(HEADER, HeaderValue::from_static("test"));
    let kind = response.headers().get(header::CONTENT_TYPE);
    let json = kind.is_some_and(|kind| kind == "application/json" || kind == MEDIA_TYPE);
    // A stream has no end to wait for, and the answer to `HEAD` no body.
    let whole = response.body().size_hint().exact().is_some_and(|bytes| bytes > 0);
    if !json || !whole {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let bytes = match to_bytes(body, usize::MAX).await {
        Ok(bytes) => bytes,
        Err(error) => return ApiProblem::internal(&error).into_response(),
    };
    let marked = serde_json::from_slice::<&RawValue>(&bytes).map(|document| marked(document, true));
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, marked.map_or_else(|_| Body::from(bytes), Body::from))
}

/// An object with the mark, unless it has a mode or a format of its own; with `rows`, the objects of its list
/// as well. Everything else stays as it is, to the letter.
fn marked(document: &RawValue, rows: bool) -> String {
    let text = document.get();
    let Ok(Fields(fields)) = serde_json::from_str::<Fields<'_>>(text) else { return text.to_owned() };
    if fields.iter().any(|(name, _)| name == "format") {
        return text.to_owned();
    }
    let mut written: Vec<String> = Vec::with_capacity(fields.len() + 1);
    if !fields.iter().any(|(name, _)| name == "mode") {
        written.push(MARK.to_owned());
    }
    for (name, value) in fields {
        let list = (rows && name == "data").then(|| serde_json::from_str::<Vec<&RawValue>>(value.get()).ok());
        let value = match list.flatten() {
            Some(list) => {
                let list: Vec<String> = list.into_iter().map(|row| marked(row, false)).collect();
                format!("[{}]", list.join(","))
            }
            None => value.get().to_owned(),
        };
        written.push(format!("{}:{value}", serde_json::Value::from(name)));
    }
    format!("{{{}}}", written.join(","))
}

/// The fields of an object, in their order.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder)
    }
}

struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = map.next_entry()? {
            fields.push(field);
        }
        Ok(Fields(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        marked(serde_json::from_str(text).unwrap(), true)
    }

    #[test]
    fn objects_and_rows_of_lists_are_marked_once() {
        assert_eq!(of(r#"{"id":1,"b":{"c":2}}"#), r#"{"mode":"test","id":1,"b":{"c":2}}"#);
        let list = r#"{"data":[{"id":1},{"mode":"test","id":2}],"has_more":false}"#;
        let whole =
            r#"{"mode":"test","data":[{"mode":"test","id":1},{"mode":"test","id":2}],"has_more":false}"#;
        assert_eq!(of(list), whole);
        assert_eq!(of(whole), whole, "nothing is marked twice");
    }

    #[test]
    fn what_is_no_object_of_the_api_stays_as_it_is() {
        for text in [r#"[1,{"a":2}]"#, "null", "1.50", r#"{"format":"spotwright.script.v1","data":[{}]}"#] {
            assert_eq!(of(text), text);
        }
        assert_eq!(of(r#"{"data":{"n":1e2},"x":0.10}"#), r#"{"mode":"test","data":{"n":1e2},"x":0.10}"#);
    }
}
