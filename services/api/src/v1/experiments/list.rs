//! `GET /v1/experiments`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use spotwright_core::use_cases::experiments;

use super::Experiment;
use crate::auth::Caller;
use crate::extract::{self, PageQuery};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::{Listing, page_of};

/// Lists the organization's experiments, newest first.
#[utoipa::path(get, path = "/v1/experiments", operation_id = "listExperiments", tag = "experiments",
    responses((status = 200, description = "A page of experiments", body = Listing<Experiment>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<Experiment>>, ApiProblem> {
    let query: PageQuery = extract::query(&uri)?;
    let (list, page, limit) = page_of(&app, &caller, "experiments", &query)?;
    let rows = experiments::list(app.state.experiments.as_ref(), &caller.principal, page).await?;
    Ok(Json(Listing::positioned(&app, list, rows, limit, Experiment::from)))
}
