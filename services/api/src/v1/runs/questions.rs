//! `GET /v1/runs/{id}/questions`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::domain::signal::AskedQuestion;
use spotwright_core::use_cases::runs;
use spotwright_schemas::ids::RunId;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// What a run has asked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Questions {
    /// At most three, the most valuable answer first; empty for a run that asks nothing.
    questions: Vec<RunQuestion>,
}

/// A question about the brief.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunQuestion {
    /// Stable name, e.g. `no_problem`; what an answer names as `question`.
    id: String,
    /// Field of the brief the answer belongs to.
    field: String,
    /// The question in the brief's language.
    text: String,
    /// What is done without an answer, in the brief's language.
    default: String,
    /// Whether it waits for no answer any more.
    closed: bool,
    /// The answer, if one was given.
    answer: Option<String>,
}

impl From<AskedQuestion> for RunQuestion {
    fn from(asked: AskedQuestion) -> Self {
        let AskedQuestion { id, field, text, default, closed, answer } = asked;
        Self { id, field, text, default, closed, answer }
    }
}

/// What the run has asked about its brief, with the default that is taken where nobody answers. A run that
/// was ordered with `"clarify": "ask"` asks before it plans; answers are told as signals.
#[utoipa::path(get, path = "/v1/runs/{id}/questions", operation_id = "listQuestions", tag = "runs",
    params(("id" = Uuid, Path, description = "The run")),
    responses((status = 200, description = "The questions", body = Questions)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Questions>, ApiProblem> {
    let id: RunId = extract::id(&id, "run")?;
    let asked = runs::questions(&app.runs(&caller), &caller.principal, id).await?;
    Ok(Json(Questions { questions: asked.into_iter().map(RunQuestion::from).collect() }))
}
