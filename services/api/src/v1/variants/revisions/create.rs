//! `POST /v1/variants/{id}/revisions`.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::use_cases::variants::{self, RevisionWish};
use spotwright_schemas::ids::VariantId;
use spotwright_schemas::money::Micros;
use utoipa::ToSchema;

use super::RevisionChanges;
use super::views::RevisionCheck;
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::runs::Run;

/// A revision to be made, or only to be checked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevisionOrder {
    /// What is changed.
    #[serde(default)]
    changes: RevisionChanges,
    /// Whether it is only checked: nothing is stored, and the answer is what is wrong and how it fits.
    #[serde(default)]
    check: bool,
    /// Most that it may cost, market and all, in millionths of the brief's currency; at most the brief's budget,
    /// which it is where nothing is said.
    #[serde(default)]
    #[schema(minimum = 1)]
    budget_micros: Option<i64>,
    /// Seed of everything random, at most 2^53 − 1; that of the original's run where nothing is said.
    #[serde(default)]
    #[schema(maximum = 9_007_199_254_740_991_u64)]
    seed: Option<u64>,
    /// Views that the market offers; as many as in the original's run where nothing is said.
    #[serde(default)]
    #[schema(minimum = 1000, maximum = 5_000_000)]
    opportunities: Option<u64>,
}

/// Makes another variant of one by changes of a person, in a run of its own: it is rendered, judged by the quality
/// gate and placed as any other. The variant and its run stay as they are. Words keep the rules that every script
/// keeps: 422 with the field and every reason else. With `check` nothing is stored.
#[utoipa::path(post, path = "/v1/variants/{id}/revisions", operation_id = "reviseVariant", tag = "variants",
    params(("id" = Uuid, Path, description = "The variant")),
    request_body = RevisionOrder,
    responses(
        (status = 200, description = "With `check`: what is wrong, and how it fits", body = RevisionCheck),
        (status = 201, description = "The run that makes it, as it is at its start", body = Run)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let id: VariantId = extract::id(&id, "variant")?;
    let asked: RevisionOrder = extract::json(&body.bytes)?;
    let ports = app.runs(&caller);
    if asked.check {
        let changes = asked.changes.into();
        let revising = variants::check_revision(&ports, &caller.principal, id, &changes).await?;
        return Ok(Json(RevisionCheck::of(revising)).into_response());
    }
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let wish = RevisionWish::from(asked);
    let written = variants::revise_variant(&ports, &caller.principal, &admitted.write, id, &wish).await?;
    let replayed = is_replayed(&written);
    let ordered = written.into_inner();
    let location = format!("/v1/runs/{}", ordered.id);
    Ok(created(replayed, &location, &Run::from(ordered)))
}

impl From<RevisionOrder> for RevisionWish {
    fn from(asked: RevisionOrder) -> Self {
        Self {
            changes: asked.changes.into(),
            budget: asked.budget_micros.map(Micros),
            seed: asked.seed,
            opportunities: asked.opportunities,
        }
    }
}
