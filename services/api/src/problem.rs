//! Problems as answers: `application/problem+json` (RFC 9457).
//!
//! A handler returns an [`ApiProblem`]; the outermost layer gives it its body, because only that
//! layer knows the request's id. Answers that frameworks make themselves are translated there too,
//! so every error of the service has this form.

mod chinese;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use spotwright_core::ports::accounts::AccountError;
use spotwright_core::ports::artifacts::ArtifactError;
use spotwright_core::ports::entropy::EntropyError;
use spotwright_core::ports::people::PeopleError;
use spotwright_core::use_cases::results::ResultsError;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::locale::Locale;
use utoipa::ToSchema;

use crate::language::Language;

/// Media type of problems.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// The body of every error answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProblemDocument {
    /// Address of the page that explains the code, relative to the service.
    pub r#type: String,
    /// What kind of problem it is; the same for every problem of the code, in the language of
    /// `Content-Language`.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What is wrong this time and what would be right. In Chinese it begins with what the code means and
    /// what to do; words of this problem that are known in English only stay so.
    pub detail: String,
    /// Stable code, e.g. `SW1003`.
    pub code: String,
    /// Path of the field, parameter or header that is meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub param: Option<String>,
    /// Id of the request, also in the header `x-request-id`.
    pub request_id: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
}

/// The title of a code in Simplified Chinese.
#[must_use]
pub const fn chinese_title(code: Code) -> &'static str {
    chinese::texts(code).0
}

/// The words of a single problem in Simplified Chinese, where they are known.
#[must_use]
pub fn chinese_phrase(message: &str) -> Option<String> {
    chinese::phrase(message)
}

/// What is wrong this time, as an answer tells it in a language.
pub(crate) fn told(problem: &Problem, language: Language) -> String {
    match language {
        Language::English => problem.message.clone(),
        Language::Chinese => chinese::detail(problem.code, &problem.message),
    }
}

/// A failure as it is stored, `SW0601 …`, in the language of a brief: in Chinese what its code means and what
/// to do, and the stored words behind it where no Chinese ones are known. Words without a code are a person's
/// and stay.
#[must_use]
pub fn told_failure(stored: &str, locale: Locale) -> String {
    let known = stored.split_once(' ').and_then(|(code, words)| {
        Code::ALL.iter().find(|known| known.as_str() == code).map(|code| (*code, words))
    });
    match known {
        Some((code, words)) if locale.is_chinese() => format!("{code} {}", chinese::detail(code, words)),
        _ => stored.to_owned(),
    }
}

/// A problem on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiProblem {
    pub(crate) problem: Problem,
    pub(crate) retry_after_seconds: Option<u32>,
    /// The length of the file, for a range that lies outside of it.
    pub(crate) file_length: Option<u64>,
    /// The methods that an address takes, for one that it does not take.
    pub(crate) allow: Option<String>,
}

impl ApiProblem {
    /// A problem with `field`; empty when the whole request is meant.
    pub fn new(code: Code, field: impl Into<String>, message: impl Into<String>) -> Self {
        let retry_after_seconds =
            matches!(code, Code::IdempotencyInFlight | Code::RateLimited | Code::Unavailable | Code::Store)
                .then_some(1);
        Self {
            problem: Problem::new(code, field, message),
            retry_after_seconds,
            file_length: None,
            allow: None,
        }
    }

    /// A problem of the request as a whole.
    pub fn whole(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, "", message)
    }

    /// Something does not exist for this organization.
    pub fn missing(what: &str) -> Self {
        Self::whole(Code::NotFound, format!("there is no such {what}"))
    }

    /// A defect of our own: told to the log, not to the client.
    pub fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(%cause, "a request met a defect");
        Self::whole(Code::Internal, "the service met a defect; report it with the request id")
    }

    /// Something the service needs does not answer: told to the log, not to the client.
    pub fn unavailable(cause: &dyn std::fmt::Display) -> Self {
        tracing::warn!(%cause, "a request could not be served");
        Self::whole(Code::Unavailable, "the service cannot answer at this moment; try again")
    }

    /// Puts the field of the problem below another one.
    #[must_use]
    pub(crate) fn within(mut self, parent: &str) -> Self {
        self.problem.field = if self.problem.field.is_empty() {
            parent.to_owned()
        } else {
            format!("{parent}.{}", self.problem.field)
        };
        self
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.problem.code
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        status(self.problem.code)
    }

    /// The body in English, once the request's id is known.
    #[must_use]
    pub fn document(&self, request_id: &str) -> ProblemDocument {
        self.document_in(Language::English, request_id)
    }

    /// The body, once the request's id is known.
    pub(crate) fn document_in(&self, language: Language, request_id: &str) -> ProblemDocument {
        let code = self.problem.code;
        let message = &self.problem.message;
        let (title, detail) = match language {
            Language::English => (title(code), message.clone()),
            Language::Chinese => (chinese::texts(code).0, chinese::detail(code, message)),
        };
        ProblemDocument {
            r#type: format!("/errors/{code}"),
            title: title.to_owned(),
            status: self.status().as_u16(),
            detail,
            code: code.as_str().to_owned(),
            param: (!self.problem.field.is_empty()).then(|| self.problem.field.clone()),
            request_id: request_id.to_owned(),
            retryable: self.retry_after_seconds.is_some(),
        }
    }

    /// The finished answer.
    pub(crate) fn render(
        &self,
        language: Language,
        request_id: &str,
        allow: Option<HeaderValue>,
    ) -> Response {
        let body = serde_json::to_vec(&self.document_in(language, request_id)).unwrap_or_default();
        let mut response = (self.status(), body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        headers.append(header::VARY, HeaderValue::from_static("accept-language"));
        if self.problem.code == Code::Unauthenticated {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(length) = self.file_length {
            if let Ok(value) = HeaderValue::try_from(format!("bytes */{length}")) {
                headers.insert(header::CONTENT_RANGE, value);
            }
        }
        let listed = self.allow.as_deref().and_then(|methods| HeaderValue::try_from(methods).ok());
        if let Some(allow) = listed.or(allow) {
            headers.insert(header::ALLOW, allow);
        }
        response
    }
}

/// The title of a code: the heading of its page.
fn title(code: Code) -> &'static str {
    let heading = code.page().lines().next().unwrap_or_default();
    heading.split_once(": ").map_or(heading, |(_, title)| title)
}

/// The HTTP status of a code.
const fn status(code: Code) -> StatusCode {
    match code {
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Forbidden | Code::Frozen => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::RequestShape | Code::RequestValue | Code::IdempotencyKey | Code::Cursor | Code::Option => {
            StatusCode::BAD_REQUEST
        }
        Code::OrganizationBudget => StatusCode::PAYMENT_REQUIRED,
        Code::IdempotencyInFlight
        | Code::RunState
        | Code::LastKey
        | Code::AssetQuota
        | Code::LastOwner
        | Code::MemberAlready
        | Code::WebhookQuota
        | Code::WebhookState
        | Code::ContentChanged
        | Code::BrandArchived
        | Code::TooMany
        | Code::ExperimentState
        | Code::ExperimentMismatch => StatusCode::CONFLICT,
        Code::Precondition => StatusCode::PRECONDITION_FAILED,
        Code::BodyTooLarge | Code::BriefTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::FileLost => StatusCode::GONE,
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable | Code::Store => StatusCode::SERVICE_UNAVAILABLE,
        Code::Range => StatusCode::RANGE_NOT_SATISFIABLE,
        Code::IdempotencyConflict
        | Code::BudgetCurrency
        | Code::Table
        | Code::Export
        | Code::Trial
        | Code::ExperimentArm
        | Code::CampaignAd
        | Code::LineRefused
        | Code::AddressRefused
        | Code::Letters
        | Code::BriefEncoding
        | Code::BriefSyntax
        | Code::BriefShape
        | Code::BriefValue
        | Code::EvidenceMissing
        | Code::PlacementUnknown
        | Code::PicturePath
        | Code::PictureUnreadable
        | Code::PictureDamaged
        | Code::PictureSize => StatusCode::UNPROCESSABLE_ENTITY,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What an answer of a framework means, by its status.
pub(crate) fn of_status(status: StatusCode) -> ApiProblem {
    match status {
        StatusCode::UNAUTHORIZED => ApiProblem::whole(Code::Unauthenticated, "an API key is needed"),
        StatusCode::FORBIDDEN => ApiProblem::whole(Code::Forbidden, "the key does not allow this"),
        StatusCode::NOT_FOUND => ApiProblem::whole(Code::NotFound, "there is nothing at this address"),
        StatusCode::METHOD_NOT_ALLOWED => {
            ApiProblem::whole(Code::MethodNotAllowed, "use a method that the header `Allow` lists")
        }
        StatusCode::PAYLOAD_TOO_LARGE => ApiProblem::whole(Code::BodyTooLarge, "the body is too large"),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ApiProblem::whole(Code::MediaType, "the body's media type is not accepted here")
        }
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            ApiProblem::unavailable(&"an inner layer gave up")
        }
        status if status.is_client_error() => {
            ApiProblem::whole(Code::RequestShape, "the request is malformed")
        }
        status => ApiProblem::internal(&format_args!("an inner layer answered {status}")),
    }
}

impl IntoResponse for ApiProblem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Problem> for ApiProblem {
    fn from(problem: Problem) -> Self {
        match status(problem.code) {
            StatusCode::INTERNAL_SERVER_ERROR => Self::internal(&problem),
            StatusCode::SERVICE_UNAVAILABLE => Self::unavailable(&problem),
            _ => Self::new(problem.code, problem.field, problem.message),
        }
    }
}

impl From<AccountError> for ApiProblem {
    fn from(error: AccountError) -> Self {
        Problem::from(error).into()
    }
}

impl From<PeopleError> for ApiProblem {
    fn from(error: PeopleError) -> Self {
        Problem::from(error).into()
    }
}

impl From<ResultsError> for ApiProblem {
    fn from(error: ResultsError) -> Self {
        match error {
            ResultsError::Refused(problem) => problem.into(),
            ResultsError::Store(error) => error.into(),
        }
    }
}

impl From<ArtifactError> for ApiProblem {
    fn from(error: ArtifactError) -> Self {
        match error {
            ArtifactError::Io(cause) => Self::unavailable(&cause),
            lost @ (ArtifactError::Missing(_) | ArtifactError::Damaged(_)) => {
                tracing::error!(%lost, "a file is not where it is kept");
                Self::whole(Code::FileLost, "the file was made, and is lost; the operator can tell more")
            }
        }
    }
}

impl From<EntropyError> for ApiProblem {
    fn from(error: EntropyError) -> Self {
        Self::unavailable(&error)
    }
}

/// A request with the same key is being worked on.
pub(crate) fn in_flight() -> ApiProblem {
    ApiProblem::new(
        Code::IdempotencyInFlight,
        crate::idempotency::HEADER,
        "a request with this key is being worked on; repeat it to get its answer",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_causes_are_not_told() {
        let problem = ApiProblem::from(AccountError::Database("password=hunter2".to_owned()));
        assert_eq!(problem.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(!serde_json::to_string(&problem.document("r")).unwrap().contains("hunter2"));
        let problem = ApiProblem::from(Problem::new(Code::StoreFormat, "row", "secret row"));
        assert_eq!(problem.code(), Code::Internal);
        assert!(!problem.document("r").detail.contains("secret"));
    }

    #[test]
    fn every_code_of_the_api_is_a_client_error_or_says_that_it_is_ours() {
        for code in Code::ALL.iter().filter(|code| code.as_str() >= "SW1001") {
            let status = status(*code);
            let ours = matches!(code, Code::Internal | Code::Unavailable);
            assert_eq!(status.is_server_error(), ours, "{code}");
            assert!(!title(*code).contains("SW"), "{code}");
        }
    }
}
