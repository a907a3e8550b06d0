//! The self-serve portal: the built pages of `web/`, embedded in the program, as a router.
//!
//! # Purpose
//! [`router`] serves a single-page application below `/portal/`. The pages speak only the public REST API
//! of the same service, with the cookie of a session; nothing is rendered or decided here.
//!
//! `dist/` holds the build that is embedded. It is checked in, so that building the program needs no Node;
//! `infra/portal_web.sh check` builds it anew and compares it byte for byte.
//!
//! # Invariants
//! - Every answer forbids foreign scripts, inline scripts and styles, and frames around the page.
//! - A file below `assets/` has its own hash in its name and never changes; the page itself is asked for anew
//!   each time.
//! - An address of the application that is no file is answered with the page, which knows what to show.
//!
//! # Example
//! ```
//! let routes: axum::Router = spotwright_portal::router();
//! # drop(routes);
//! ```

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// What pages may load and who may show them. Nothing comes from elsewhere and nothing stands in the page
/// itself; `blob:` is for pictures that were chosen and not sent yet.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
    media-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// Headers of every answer.
const PROTECTIONS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// The portal, to be merged with the routes of the API.
pub fn router() -> Router {
    Router::new()
        .route("/", get(|| async { Redirect::to("/portal/") }))
        .route("/portal", get(|| async { Redirect::to("/portal/") }))
        .route("/portal/", get(page))
        .route("/portal/{*path}", get(file))
}

/// Whether the portal was built before the program was.
#[must_use]
pub fn is_built() -> bool {
    find("index.html").is_some()
}

async fn page(headers: HeaderMap) -> Response {
    match find("index.html") {
        Some(bytes) => answer("index.html", bytes, &headers),
        None => {
            missing("The portal is not built: run infra/portal_web.sh build, then build the program anew.\n")
        }
    }
}

async fn file(Path(path): Path<String>, headers: HeaderMap) -> Response {
    match find(&path) {
        Some(bytes) => answer(&path, bytes, &headers),
        // A page of the application may have any address, a file of the build has not.
        None if path.starts_with("assets/") => missing("There is no such file.\n"),
        None => page(headers).await,
    }
}

fn find(path: &str) -> Option<&'static [u8]> {
    FILES.iter().find(|(name, _)| *name == path).map(|(_, bytes)| *bytes)
}

fn missing(text: &'static str) -> Response {
    protected((StatusCode::NOT_FOUND, text).into_response())
}

fn answer(name: &str, bytes: &'static [u8], headers: &HeaderMap) -> Response {
    let packed = PACKED.get(name).filter(|_| takes_gzip(headers));
    let mut response = match packed {
        Some(packed) => packed.as_slice().into_response(),
        None => bytes.into_response(),
    };
    let set = response.headers_mut();
    set.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(name)));
    set.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if packed.is_some() {
        set.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let kept = if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    set.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    protected(response)
}

fn protected(mut response: Response) -> Response {
    for (name, value) in PROTECTIONS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or("");
    accepted.split(',').any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        name.trim().eq_ignore_ascii_case("gzip") && weight.trim() != "q=0"
    })
}

/// Texts of the build, packed once when the first one is asked for.
static PACKED: LazyLock<HashMap<&'static str, Vec<u8>>> = LazyLock::new(|| {
    let texts = FILES.iter().filter(|(name, _)| media_type(name) != "font/woff2");
    texts.filter_map(|(name, bytes)| pack(bytes).map(|packed| (*name, packed))).collect()
});

/// Packed with gzip; `None` when that did not work, and then the file goes out as it is.
fn pack(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).ok()?;
    encoder.finish().ok()
}

fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use tower::ServiceExt as _;

    use super::*;

    async fn ask(path: &str, coding: &str) -> Response {
        let request = Request::get(path).header("accept-encoding", coding).body(Body::empty()).unwrap();
        router().oneshot(request).await.unwrap()
    }

    fn header_of<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[tokio::test]
    async fn pages_forbid_inline_scripts_and_frames() {
        for path in ["/portal/", "/portal/runs/1", "/portal/assets/none.js"] {
            let response = ask(path, "").await;
            let policy = header_of(&response, "content-security-policy");
            assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"));
            assert!(!policy.contains("unsafe"), "{policy}");
            assert_eq!(header_of(&response, "x-frame-options"), "DENY");
        }
        assert_eq!(header_of(&ask("/", "").await, "location"), "/portal/");
    }

    #[tokio::test]
    async fn hashed_files_are_kept_and_the_page_is_not() {
        assert!(is_built(), "dist/ is checked in");
        let page = ask("/portal/anything/at/all", "").await;
        assert_eq!(page.status(), StatusCode::OK);
        assert_eq!(header_of(&page, "cache-control"), "no-cache");
        assert_eq!(header_of(&page, "content-type"), "text/html; charset=utf-8");
        let script = FILES
            .iter()
            .map(|(name, _)| *name)
            .find(|name| std::path::Path::new(name).extension().is_some_and(|end| end == "js"))
            .unwrap();
        let response = ask(&format!("/portal/{script}"), "gzip, br").await;
        assert_eq!(header_of(&response, "cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(header_of(&response, "content-encoding"), "gzip");
        let plain = ask(&format!("/portal/{script}"), "gzip;q=0").await;
        assert_eq!(header_of(&plain, "content-encoding"), "");
        assert_eq!(ask("/portal/assets/none.js", "").await.status(), StatusCode::NOT_FOUND);
    }

    #[test]
    fn the_page_holds_no_script_or_style_of_its_own() {
        let page = std::str::from_utf8(find("index.html").unwrap()).unwrap();
        assert!(!page.contains("style=") && !page.contains("<style"), "{page}");
        for script in page.split("<script").skip(1) {
            assert!(script.split('>').next().unwrap().contains("src="), "{page}");
        }
    }
}
