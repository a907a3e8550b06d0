//! The reference page at `/docs`: what `/openapi.json` says, for people.
//!
//! The page, its style and its script are ours and served from here; a strict policy keeps everything else
//! out. The script writes text only, never markup, so nothing that stands in the description can act.

use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::problem::ApiProblem;

/// What the page may load: its own files, and the description.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
    form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/// Headers of the page and its files.
const PROTECTIONS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

const PAGE: &str = include_str!("reference/page.html");

/// Name, media type and content of the page's files.
const FILES: [(&str, &str, &str); 2] = [
    ("reference.css", "text/css; charset=utf-8", include_str!("reference/reference.css")),
    ("reference.js", "text/javascript; charset=utf-8", include_str!("reference/reference.js")),
];

/// The reference of all operations, as a page for people.
#[utoipa::path(get, path = "/docs", operation_id = "reference", tag = "service",
    responses((status = 200, description = "The page", body = String, content_type = "text/html")))]
pub(crate) async fn page() -> Response {
    answer("text/html; charset=utf-8", PAGE)
}

/// A file of the reference page.
#[utoipa::path(get, path = "/docs/{file}", operation_id = "referenceFile", tag = "service",
    params(("file" = String, Path, description = "`reference.css` or `reference.js`")),
    responses((status = 200, description = "The file",
        content((String = "text/css"), (String = "text/javascript")))))]
pub(crate) async fn file(Path(name): Path<String>) -> Result<Response, ApiProblem> {
    let found = FILES.iter().find(|(known, ..)| *known == name);
    let (_, media_type, content) = found.ok_or_else(|| ApiProblem::missing("file"))?;
    Ok(answer(media_type, content))
}

fn answer(media_type: &'static str, content: &'static str) -> Response {
    let mut response =
        ([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-cache")], content).into_response();
    for (name, value) in PROTECTIONS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_to_its_own_policy() {
        let (_, _, script) = FILES[1];
        for foreign in
            ["http://", "https://", "//cdn", "style=", "onclick", "onload=", "<style", "javascript:"]
        {
            assert!(!PAGE.contains(foreign), "{foreign}");
        }
        for markup in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", ".style"] {
            assert!(!script.contains(markup), "{markup}");
        }
        for (name, ..) in FILES {
            assert!(PAGE.contains(&format!("/docs/{name}")), "{name}");
        }
    }

    #[test]
    fn the_answers_say_what_may_be_loaded() {
        let response = answer("text/html", PAGE);
        assert_eq!(response.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
        assert!(!POLICY.contains("unsafe"));
    }
}
