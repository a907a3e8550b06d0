//! `POST /v1/briefs/check`.

use axum::extract::State;
use axum::{Extension, Json};
use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;
use spotwright_core::use_cases::briefs;
use spotwright_schemas::brief::Brief;
use utoipa::ToSchema;
use uuid::Uuid;

use super::create::completed;
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;

/// A brief to be checked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BriefToCheck<'a> {
    /// The brief, `spotwright.brief.v1`.
    #[serde(borrow)]
    #[schema(value_type = foreign::Brief)]
    brief: &'a RawValue,
    /// The brand that it gets what it lacks from.
    brand: Option<Uuid>,
}

/// A brief without a fault.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckedBrief {
    /// The brief as it was understood.
    #[schema(value_type = foreign::Brief)]
    brief: Brief,
}

/// Checks a brief as `POST /v1/briefs` does, before its pictures are there, and keeps nothing. What is
/// wrong is answered as it would be there, with the field in `param`.
#[utoipa::path(post, path = "/v1/briefs/check", operation_id = "checkBrief", tag = "briefs",
    request_body = BriefToCheck,
    responses((status = 200, description = "Nothing is wrong with it", body = CheckedBrief)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    body: JsonBody,
) -> Result<Json<CheckedBrief>, ApiProblem> {
    let asked: BriefToCheck<'_> = extract::json(&body.bytes)?;
    let (text, _) = completed(&app, &caller, asked.brand, asked.brief).await?;
    let brief = briefs::check(app.state.letters.as_ref(), &caller.principal, &text)
        .map_err(|problem| ApiProblem::from(problem).within("brief"))?;
    Ok(Json(CheckedBrief { brief }))
}
