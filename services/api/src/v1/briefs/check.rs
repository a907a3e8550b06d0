//! `POST /v1/briefs/check`.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde::Serialize;
use serde_json::value::RawValue;
use spotwright_core::domain::copy_rules::terms;
use spotwright_core::ports::letters::check_brief;
use spotwright_schemas::brief::Brief;
use utoipa::ToSchema;

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
pub(crate) async fn handle(State(app): State<App>, body: JsonBody) -> Result<Json<CheckedBrief>, ApiProblem> {
    let asked: BriefToCheck<'_> = extract::json(&body.bytes)?;
    let brief = Brief::from_json(asked.brief.get().as_bytes())
        .and_then(|brief| terms::expect_sayable(&brief).map(|()| brief))
        .and_then(|brief| check_brief(app.state.letters.as_ref(), &brief).map(|()| brief))
        .map_err(|problem| ApiProblem::from(problem).within("brief"))?;
    Ok(Json(CheckedBrief { brief }))
}
