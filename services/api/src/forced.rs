//! Problems that a request forces in the sandbox, by a header.

use axum::http::{HeaderMap, HeaderName};
use spotwright_core::domain::sandbox;
use spotwright_schemas::error::Code;
use spotwright_schemas::mode::Mode;

use crate::problem::ApiProblem;

/// The header whose value is the code that a request with a test key is answered with.
pub(crate) const HEADER: HeaderName = HeaderName::from_static("spotwright-force-error");

/// Methods that a forced 405 lists.
const ALLOWED: &str = "GET, HEAD";

/// Lets requests through that force nothing; the others end here, before their handler does anything.
pub(crate) fn expect_nothing_forced(mode: Mode, headers: &HeaderMap) -> Result<(), ApiProblem> {
    let Some(value) = headers.get(HEADER) else { return Ok(()) };
    let wrong = |message: &str| Err(ApiProblem::new(Code::RequestValue, HEADER.as_str(), message));
    if mode.is_live() {
        return wrong("is for test keys; send the request without it");
    }
    let word = value.to_str().unwrap_or_default();
    match Code::ALL.iter().find(|code| code.as_str() == word) {
        Some(code) => Err(problem(*code)),
        None => wrong("must be a code of `/errors`, e.g. `SW1015`"),
    }
}

/// The answer of a code as it looks where it is not forced.
pub(crate) fn problem(code: Code) -> ApiProblem {
    let forced = sandbox::forced(code);
    let mut problem = ApiProblem::new(code, forced.field, forced.message);
    match code {
        Code::MethodNotAllowed => problem.allow = Some(ALLOWED.to_owned()),
        Code::Range => problem.file_length = Some(0),
        _ => {}
    }
    problem
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn asked(mode: Mode, value: &'static str) -> Result<(), Code> {
        let headers = [(HEADER, HeaderValue::from_static(value))].into_iter().collect();
        expect_nothing_forced(mode, &headers).map_err(|problem| problem.code())
    }

    #[test]
    fn every_code_is_forced_with_a_test_key_and_none_with_a_live_one() {
        for code in Code::ALL {
            assert_eq!(asked(Mode::Test, code.as_str()), Err(*code));
            assert_eq!(asked(Mode::Live, code.as_str()), Err(Code::RequestValue));
        }
        assert_eq!(asked(Mode::Test, "SW9999"), Err(Code::RequestValue));
        assert_eq!(expect_nothing_forced(Mode::Live, &HeaderMap::new()), Ok(()));
    }

    #[test]
    fn a_forced_problem_has_what_clients_read_of_a_real_one() {
        assert!(problem(Code::RateLimited).retry_after_seconds.is_some());
        assert!(problem(Code::MethodNotAllowed).allow.is_some());
        assert!(problem(Code::Range).file_length.is_some());
    }
}
