//! `GET /v1/experiments/{id}/readouts`.

use axum::extract::{Path, State};
use axum::http::{Uri, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::use_cases::experiments;
use spotwright_observations::told;
use spotwright_schemas::error::Code;
use spotwright_schemas::experiment::ReadOut;
use spotwright_schemas::ids::ExperimentId;
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::extract;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;

/// All read-outs of an experiment: at most one for each of its days, so there is never another page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReadOutList {
    /// The read-outs, oldest first.
    #[schema(value_type = Vec<foreign::ReadOut>)]
    data: Vec<ReadOut>,
    /// Always `null`.
    next_cursor: Option<String>,
    /// Always `false`.
    has_more: bool,
}

/// How read-outs are answered.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReadOutQuery {
    /// `json` (by default), or `csv`: one line for each day, variant and method.
    format: Option<String>,
}

/// What the experiment showed after each day, in three ways side by side.
#[utoipa::path(get, path = "/v1/experiments/{id}/readouts", operation_id = "listExperimentReadOuts",
    tag = "experiments", params(("id" = Uuid, Path, description = "The experiment"), ReadOutQuery),
    responses((status = 200, description = "The read-outs", content(
        (ReadOutList = "application/json"), (String = "text/csv")))))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, ApiProblem> {
    let query: ReadOutQuery = extract::query(&uri)?;
    let is_csv = match query.format.as_deref() {
        None | Some("json") => false,
        Some("csv") => true,
        Some(_) => return Err(ApiProblem::new(Code::RequestValue, "format", "is `json` or `csv`")),
    };
    let id: ExperimentId = extract::id(&id, "experiment")?;
    let data = experiments::read_outs(app.state.experiments.as_ref(), &caller.principal, id).await?;
    if is_csv {
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"readouts-{id}.csv\"")),
        ];
        return Ok((headers, told::read_outs(&data)).into_response());
    }
    Ok(Json(ReadOutList { data, next_cursor: None, has_more: false }).into_response())
}
