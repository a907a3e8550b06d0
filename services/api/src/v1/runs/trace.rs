//! `GET /v1/runs/{id}/trace`.

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::ports::step_store::TraceEntry;
use spotwright_core::use_cases::variants;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::RunId;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Caller;
use crate::cursor::List;
use crate::extract::{self, PageQuery};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::Listing;

/// Something that was decided or done, in the order of the story.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TraceStep {
    /// Its place in the trace; sorts as text.
    order: String,
    /// Generation, from 1; 0 for the run itself.
    generation: u32,
    /// What happened, e.g. `variant.scored`.
    what: String,
    /// The variant it is about.
    variant: Option<Uuid>,
    /// Everything needed to follow it up.
    detail: serde_json::Value,
}

/// The trace of a run, from its beginning.
#[utoipa::path(get, path = "/v1/runs/{id}/trace", operation_id = "traceRun", tag = "runs",
    params(("id" = Uuid, Path, description = "The run")),
    responses((status = 200, description = "A page of the trace", body = Listing<TraceStep>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<Listing<TraceStep>>, ApiProblem> {
    let id: RunId = extract::id(&id, "run")?;
    let query: PageQuery = extract::query(&uri)?;
    let limit = query.limit()?;
    let list = List { organization: caller.context.organization.0, name: "trace", of: id.0.as_bytes() };
    let pepper = &app.state.pepper;
    let after = match &query.cursor {
        None => String::new(),
        Some(cursor) => String::from_utf8(list.place(pepper, cursor)?)
            .map_err(|_| ApiProblem::new(Code::Cursor, "cursor", "was made by another version"))?,
    };
    let rows = variants::trace(app.state.accounts.as_ref(), &caller.principal, id, &after, limit + 1).await?;
    let cursor = |row: &TraceEntry| list.cursor(pepper, row.order.as_bytes());
    let view = |row: TraceEntry| TraceStep {
        order: row.order,
        generation: row.generation,
        what: row.what,
        variant: row.variant.map(|variant| variant.0),
        detail: row.detail,
    };
    Ok(Json(Listing::of(rows, limit, cursor, view)))
}
