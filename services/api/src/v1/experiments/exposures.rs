//! `GET /v1/experiments/{id}/exposures`.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use spotwright_core::domain::experiment::Experiment;
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::use_cases::experiments;

use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// The exposure log: which user was exposed to which arm on which day, with what probability, and what came of
/// it. One row for each user and day, of all phases; `source` is `simulated` in all of them.
#[utoipa::path(get, path = "/v1/experiments/{id}/exposures", operation_id = "getExperimentExposures",
    tag = "experiments", params(("id" = Uuid, Path, description = "The experiment")),
    responses((status = 200, description = "A parquet file", body = Vec<u8>,
        content_type = "application/vnd.apache.parquet")))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Response, ApiProblem> {
    let id = extract::id(&id, "experiment")?;
    let store = app.state.experiments.as_ref();
    let (experiment, files) = experiments::exposures(store, &caller.principal, id).await?;
    // A log takes memory while it is put together: only few at once.
    let permit =
        Arc::clone(&app.imports).acquire_owned().await.map_err(|error| ApiProblem::internal(&error))?;
    let log = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        whole(&app, &experiment, &files)
    });
    let log = log.await.map_err(|error| ApiProblem::internal(&error))??;
    let headers = [
        (header::CONTENT_TYPE, "application/vnd.apache.parquet".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"exposures-{id}.parquet\"")),
    ];
    Ok((headers, log).into_response())
}

/// The days of an experiment as one file.
fn whole(app: &App, experiment: &Experiment, files: &[ArtifactHash]) -> Result<Vec<u8>, ApiProblem> {
    let analyst = &app.state.analyst;
    let mut exposures = Vec::new();
    for file in files {
        let bytes = app.state.artifacts.get(file)?;
        exposures.extend(analyst.read(experiment, &bytes)?);
    }
    Ok(analyst.write(experiment, &exposures)?)
}
