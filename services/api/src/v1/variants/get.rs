//! `GET /v1/variants/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::domain::variant::Placement;
use spotwright_core::use_cases::variants;
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::outcome::Delivery;
use spotwright_schemas::script::Script;
use spotwright_schemas::storyboard::Storyboard;
use utoipa::ToSchema;
use uuid::Uuid;

use super::VariantSummary;
use super::revisions::RevisesView;
use crate::auth::Caller;
use crate::extract;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;

/// A variant whole.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VariantDetail {
    #[serde(flatten)]
    summary: VariantSummary,
    /// What it says, line by line with the facts it rests on.
    #[schema(value_type = foreign::Script)]
    script: Script,
    /// What it shows.
    #[schema(value_type = foreign::Storyboard)]
    storyboard: Storyboard,
    /// Whether the finished video passed the quality gate.
    final_gate: Option<bool>,
    /// Where it was placed in its generation, and what came of it.
    placement: Option<PlacementView>,
    /// The variant that a person has edited to make it; `null` for one that was written.
    revises: Option<RevisesView>,
    /// Runs that make revisions of it, newest first, at most 50.
    revised_by: Vec<Uuid>,
}

/// A placement.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlacementView {
    /// Its id.
    id: Uuid,
    /// The market's campaign.
    campaign: String,
    /// Whether the numbers are simulated or come from a real platform.
    #[schema(value_type = foreign::FeedbackSource)]
    source: FeedbackSource,
    /// The numbers; `null` until the market has played.
    #[schema(value_type = Option<foreign::Delivery>)]
    delivery: Option<Delivery>,
    /// Whether it ended because the variant was withdrawn; the numbers are what was delivered by then.
    ended: bool,
}

impl From<Placement> for PlacementView {
    fn from(placement: Placement) -> Self {
        Self {
            id: placement.id.0,
            campaign: placement.campaign,
            // Placements are made in the market simulator; other platforms report by import.
            source: FeedbackSource::Simulated,
            delivery: placement.delivery.map(|delivery| delivery.delivery),
            ended: placement.ended,
        }
    }
}

/// One variant: script, storyboard, score, files, placement.
#[utoipa::path(get, path = "/v1/variants/{id}", operation_id = "getVariant", tag = "variants",
    params(("id" = Uuid, Path, description = "The variant")),
    responses((status = 200, description = "The variant", body = VariantDetail)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<VariantDetail>, ApiProblem> {
    let id = extract::id(&id, "variant")?;
    let (variant, placement) = variants::get(app.state.accounts.as_ref(), &caller.principal, id).await?;
    let lineage = variants::lineage(app.state.accounts.as_ref(), &caller.principal, &variant).await?;
    let (script, storyboard) = (variant.body.script.clone(), variant.body.storyboard.clone());
    Ok(Json(VariantDetail {
        script,
        storyboard,
        final_gate: variant.final_gate,
        placement: placement.map(PlacementView::from),
        revises: lineage.revises.map(RevisesView::from),
        revised_by: lineage.revised_by.into_iter().map(|run| run.0).collect(),
        summary: variant.into(),
    }))
}
