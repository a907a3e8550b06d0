//! What is asked of the market, and what is told of its answer.

use spotwright_core::domain::run::RunView;
use spotwright_core::domain::variant::{Placement, Variant, VariantState};
use spotwright_core::ports::marketplace::{Campaign, CampaignCreative, MarketReport};
use spotwright_core::ports::outcome_sink::PredictionOutcome;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::money::Micros;

use super::state::placement_id;

/// The campaign of one generation's winners.
///
/// # Errors
/// [`Code::StoreFormat`] for a winner without a video or a score.
pub fn campaign(
    run: &RunView,
    variants: &[Variant],
    generation: u32,
    budget: Micros,
) -> Result<Campaign, Problem> {
    let won = |variant: &&Variant| variant.generation == generation && variant.state == VariantState::Won;
    campaign_of(run, variants.iter().filter(won), generation, budget)
}

/// The campaign as it was played: with the variants that have a delivery, whatever became of them since.
///
/// # Errors
/// As [`campaign`].
pub fn played_campaign(
    run: &RunView,
    variants: &[Variant],
    report: &MarketReport,
    generation: u32,
) -> Result<Campaign, Problem> {
    let was_shown = |variant: &&Variant| {
        variant.generation == generation && report.creatives.iter().any(|row| row.variant == variant.id)
    };
    campaign_of(run, variants.iter().filter(was_shown), generation, report.budget)
}

fn campaign_of<'v>(
    run: &RunView,
    variants: impl Iterator<Item = &'v Variant>,
    generation: u32,
    budget: Micros,
) -> Result<Campaign, Problem> {
    let mut creatives = Vec::new();
    for variant in variants {
        let (Some(render), Some(score)) = (&variant.body.final_render, &variant.body.score) else {
            let message = format!("{} won without a video", variant.id);
            return Err(Problem::new(Code::StoreFormat, "", message));
        };
        creatives.push(CampaignCreative {
            placement: placement_id(run.id, generation, variant.id),
            variant: variant.id,
            script: variant.body.script.clone(),
            statistics: render.statistics,
            predicted_ctr: score.predicted_ctr,
        });
    }
    let request = &run.request;
    Ok(Campaign {
        seed: request.seed,
        generation,
        category: request.brief.product.category.clone(),
        locale: request.brief.locale,
        objective: request.brief.objective,
        placement: request.brief.placements[0],
        budget,
        currency: request.brief.budget.currency,
        opportunities: request.opportunities,
        creatives,
    })
}

/// How the predictions of one generation turned out.
#[must_use]
pub fn outcomes(
    run: &RunView,
    variants: &[Variant],
    placements: &[Placement],
    generation: u32,
) -> Vec<PredictionOutcome> {
    let brief = &run.request.brief;
    let field = format!("{}/{}", brief.placements[0].as_str(), brief.objective.as_str());
    let of_placement = |placement: &Placement| {
        let shown = variants.iter().find(|variant| variant.id == placement.variant)?;
        let (score, row) = (shown.body.score.as_ref()?, placement.delivery.as_ref()?);
        (shown.generation == generation && row.delivery.impressions > 0).then(|| PredictionOutcome {
            placement: placement.id,
            field: field.clone(),
            model: score.model.clone(),
            predicted_ctr: score.predicted_ctr,
            impressions: row.delivery.impressions,
            clicks: row.delivery.clicks,
            source: FeedbackSource::Simulated,
        })
    };
    placements.iter().filter_map(of_placement).collect()
}
