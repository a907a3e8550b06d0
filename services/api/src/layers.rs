//! What stands around every request: its id and span, limits, and the form of errors.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt as _;
use spotwright_core::ports::entropy::random_id;
use spotwright_schemas::error::Code;
use tracing::Instrument as _;

use crate::auth::RequestId;
use crate::language::Language;
use crate::mark;
use crate::problem::{self, ApiProblem};
use crate::progress::Progress;
use crate::rate::Standing;
use crate::requests::{AskedCell, Seen};
use crate::state::App;

/// The header with the request's id, in and out.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where links of reviewers open; their token follows.
const SHARED: &str = "/v1/shared/";

/// Longest request id that is taken over from the client.
const LONGEST_ID: usize = 64;

/// The outermost layer: gives the request its id and span, holds it to its time, catches a panic
/// and gives every error its form.
pub(crate) async fn surround(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = request_id(&app, &request);
    let language = Language::asked(request.headers());
    request.extensions_mut().insert(RequestId(id.as_str().into()));
    let (method, began) = (request.method().clone(), tokio::time::Instant::now());
    let asked = AskedCell::default();
    request.extensions_mut().insert(AskedCell::clone(&asked));
    let span = tracing::info_span!(
        "request",
        id = %id,
        method = %request.method(),
        path = %shown(request.uri().path()),
        organization = tracing::field::Empty,
        key = tracing::field::Empty,
        person = tracing::field::Empty,
        status = tracing::field::Empty,
    );
    let response = limited(&app, request, next).instrument(span.clone()).await;
    let (mut response, code) = span.in_scope(|| in_form(response, language, &id));
    span.record("status", response.status().as_u16());
    span.in_scope(|| tracing::debug!("answered"));
    if let Some(asked) = asked.get() {
        let status = response.status().as_u16();
        let millis = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let (at, id, route, holder) = (app.state.clock.now_micros(), id.clone(), asked.route, asked.holder);
        app.seen.note(
            asked.organization,
            Seen { number: 0, id, at, method, route, status, code, millis, holder },
        );
        tell_rate(asked.rate, response.headers_mut());
    }
    let tried = asked.get().is_some_and(|asked| asked.organization.is_sandbox());
    if tried {
        response = mark::test(response).await;
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(&id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// The path of a request as it is logged: what opens a link of reviewers stands in no log.
fn shown(path: &str) -> Cow<'_, str> {
    let Some(secret) = path.strip_prefix(SHARED) else { return Cow::Borrowed(path) };
    let rest = secret.split_once('/').map_or("", |(_, rest)| rest);
    Cow::Owned(format!("{SHARED}…/{rest}"))
}

fn request_id(app: &App, request: &Request) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(|id| {
        (1..=LONGEST_ID).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    });
    match given {
        Some(id) => id.to_owned(),
        None => random_id(app.state.entropy.as_ref())
            .map_or_else(|_| "unknown".to_owned(), |id| id.simple().to_string()),
    }
}

async fn limited(app: &App, request: Request, next: Next) -> Response {
    let (progress, request) = Progress::watch(request);
    let work = AssertUnwindSafe(next.run(request)).catch_unwind();
    tokio::select! {
        answered = work => match answered {
            Ok(response) => response,
            Err(_panic) => ApiProblem::internal(&"a handler panicked").into_response(),
        },
        problem = given_up(app, &progress) => problem.into_response(),
    }
}

/// Why a request is not waited for any longer, once that is so: nothing of it arrived for too long, its
/// answer takes too long, or the service stops while its sender still owes a part of it.
async fn given_up(app: &App, progress: &Progress) -> ApiProblem {
    let limit = app.state.limits.timeout;
    let mut shutdown = app.state.shutdown.clone();
    loop {
        let until = progress.moved_at() + limit;
        tokio::select! {
            () = tokio::time::sleep_until(until) => {
                if progress.moved_at() + limit <= until {
                    return ApiProblem::whole(Code::Unavailable, "the request took too long; try again");
                }
            }
            () = shutdown.wait(), if !progress.is_whole() => {
                // What arrived whole meanwhile is answered.
                if !progress.is_whole() {
                    return ApiProblem::whole(Code::Unavailable, "the service is about to stop");
                }
            }
        }
    }
}

/// Tells a key where it stands with its rate (draft-ietf-httpapi-ratelimit-headers).
fn tell_rate(rate: Standing, headers: &mut HeaderMap) {
    for (name, value) in [("ratelimit-policy", rate.policy()), ("ratelimit", rate.limit())] {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
}

/// Gives an error its form, whoever made it, and tells its code.
fn in_form(mut response: Response, language: Language, id: &str) -> (Response, Option<Code>) {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return (response, None);
    }
    let allow = response.headers().get(header::ALLOW).cloned();
    let problem = response.extensions_mut().remove::<ApiProblem>();
    let problem = problem.unwrap_or_else(|| problem::of_status(status));
    let code = problem.code();
    (problem.render(language, id, allow), Some(code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_of_a_link_is_not_logged() {
        assert_eq!(shown("/v1/shared/5ec2e7"), "/v1/shared/…/");
        assert_eq!(shown("/v1/shared/5ec2e7/variants/1/comments"), "/v1/shared/…/variants/1/comments");
        assert_eq!(shown("/v1/shares/1"), "/v1/shares/1");
    }
}
