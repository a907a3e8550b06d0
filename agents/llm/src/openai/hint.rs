//! What to change when a server cannot be used.

use reqwest::StatusCode;

use super::Options;
use super::refusal::{Cause, ServerError};
use super::transport::HttpFailure;

/// The end of the path that is added to the base address.
const PATH: &str = "/chat/completions";

/// What the user can do about a failure, as the end of a sentence; empty where nothing is known.
pub(super) fn hint(failure: &HttpFailure, options: &Options) -> String {
    match failure {
        HttpFailure::Status { status, error } => by_status(*status, error, options),
        HttpFailure::InBody(error) => by_cause(error, options).unwrap_or_default(),
        HttpFailure::Timeout(_) => "raise `llm.timeout_ms` or choose a faster model".to_owned(),
        HttpFailure::Network(_) => by_proxy(options).unwrap_or_else(|| {
            format!("is a server running there? `llm.base_url` is `{}`", options.base_url)
        }),
        HttpFailure::NotJson(_) | HttpFailure::NoChoice(_) | HttpFailure::Blank => {
            by_proxy(options).or_else(|| by_address(options)).unwrap_or_else(|| {
                format!("is `{}` in `llm.base_url` an OpenAI-compatible server?", options.base_url)
            })
        }
        HttpFailure::Broken(_) => by_proxy(options).unwrap_or_default(),
        HttpFailure::TooLarge => String::new(),
    }
}

fn by_status(status: StatusCode, error: &ServerError, options: &Options) -> String {
    if let Some(hint) = by_cause(error, options) {
        return hint;
    }
    if let Some(field) = named_extra_field(error, options) {
        return format!("the server refuses `{field}`, which `llm.extra_body` adds");
    }
    match status.as_u16() {
        300..=399 => "the server sends callers elsewhere; give `llm.base_url` as it wants it".to_owned(),
        401 | 403 => "check `llm.api_key`".to_owned(),
        402 => "the account behind `llm.api_key` has no money left".to_owned(),
        404 | 405 => by_address(options).unwrap_or_else(|| {
            format!("check `llm.base_url` (`{}`) and `llm.model` (`{}`)", options.base_url, options.model)
        }),
        407 => by_proxy(options).unwrap_or_else(|| "a proxy asks for a password".to_owned()),
        429 => "the provider's rate limit is reached; ask for a higher one or wait".to_owned(),
        400 | 422 => "no form of the question was accepted; fields that the server needs go into \
                      `llm.extra_body`"
            .to_owned(),
        500.. if error.is_page => by_proxy(options).unwrap_or_default(),
        _ => String::new(),
    }
}

fn by_cause(error: &ServerError, options: &Options) -> Option<String> {
    Some(match error.cause()? {
        Cause::Key => "check `llm.api_key`".to_owned(),
        Cause::Quota => "the account behind `llm.api_key` has no money left".to_owned(),
        Cause::Model => format!(
            "`llm.model` is `{}`; `{}/models` lists what the server has",
            options.model,
            options.base_url.trim_end_matches('/')
        ),
        Cause::Length => "choose a model with a larger context".to_owned(),
        Cause::Content => "the provider's filter refuses the brief's words".to_owned(),
    })
}

/// What is wrong with the base address by its looks.
fn by_address(options: &Options) -> Option<String> {
    let base = options.base_url.trim_end_matches('/');
    if let Some(start) = base.strip_suffix(PATH) {
        return Some(format!("give `llm.base_url` without `{PATH}`, which is added: `{start}`"));
    }
    if let Some(start) = base.strip_suffix("/completions").or_else(|| base.strip_suffix("/chat")) {
        return Some(format!("`llm.base_url` ends where `{PATH}` is added: try `{start}`"));
    }
    let last = base.rsplit('/').next().unwrap_or_default();
    let is_version =
        last.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    (!is_version).then(|| format!("`llm.base_url` mostly ends with a version: try `{base}/v1`"))
}

fn by_proxy(options: &Options) -> Option<String> {
    let proxy = options.proxy.as_ref()?;
    Some(format!(
        "the environment sends this through the proxy `{proxy}`; `NO_PROXY` names hosts that need none"
    ))
}

/// The field of `llm.extra_body` that a refusal names.
pub(super) fn named_extra_field(error: &ServerError, options: &Options) -> Option<String> {
    let text = error.lowercase();
    options.extra_body.keys().find(|field| text.contains(&field.to_lowercase())).cloned()
}
