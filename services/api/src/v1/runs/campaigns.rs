//! `GET /v1/runs/{id}/campaigns`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::domain::books;
use spotwright_core::domain::variant::Placement;
use spotwright_schemas::event::FeedbackSource;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Caller;
use crate::extract;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::variants::get::PlacementView;

/// A placement of a campaign.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CampaignPlacement {
    /// The variant that is shown.
    variant: Uuid,
    #[serde(flatten)]
    placement: PlacementView,
}

/// The campaign of one generation of a run.
#[expect(clippy::struct_field_names, reason = "placements of variants name their campaign the same way")]
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Campaign {
    /// Its name in the market.
    campaign: String,
    /// The generation, from 1.
    generation: u32,
    /// Whether its numbers are simulated or come from a real platform.
    #[schema(value_type = foreign::FeedbackSource)]
    source: FeedbackSource,
    /// Impressions of all placements that were played.
    impressions: u64,
    /// Their clicks.
    clicks: u64,
    /// Their spend, in millionths of a unit of the run's currency.
    spend_micros: i64,
    /// Its placements.
    placements: Vec<CampaignPlacement>,
}

/// The campaigns of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Campaigns {
    /// One for each generation that was placed.
    data: Vec<Campaign>,
}

fn view(campaign: books::Campaign) -> Campaign {
    let delivered = || {
        campaign
            .placements
            .iter()
            .filter_map(|placement| placement.delivery.as_ref())
            .map(|row| &row.delivery)
    };
    Campaign {
        impressions: delivered().map(|delivery| delivery.impressions).sum(),
        clicks: delivered().map(|delivery| delivery.clicks).sum(),
        spend_micros: delivered().map(|delivery| delivery.spend.0).sum(),
        campaign: campaign.campaign,
        generation: campaign.generation,
        // Campaigns are played in the market simulator; other platforms report by import.
        source: FeedbackSource::Simulated,
        placements: campaign.placements.into_iter().map(placement_view).collect(),
    }
}

fn placement_view(placement: Placement) -> CampaignPlacement {
    CampaignPlacement { variant: placement.variant.0, placement: placement.into() }
}

/// The campaigns of a run, one for each generation that was placed, with their placements.
#[utoipa::path(get, path = "/v1/runs/{id}/campaigns", operation_id = "listRunCampaigns", tag = "runs",
    params(("id" = Uuid, Path, description = "The run")),
    responses((status = 200, description = "The campaigns", body = Campaigns)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Campaigns>, ApiProblem> {
    let run = extract::id(&id, "run")?;
    let placements = app.state.accounts.placements(caller.context, run).await?;
    Ok(Json(Campaigns { data: books::Campaign::of(placements).into_iter().map(view).collect() }))
}
