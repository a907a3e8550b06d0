//! The organization's own winners: advertisements whose click rate stood above that of the others of
//! their campaign, as far as the counts can tell.

use serde::{Deserialize, Serialize};
use spotwright_core::domain::run::{RunView, Stage};
use spotwright_core::domain::variant::{Placement, Variant, VariantState};
use spotwright_core::ports::step_store::{StepStore, StoreError};
use spotwright_schemas::brief::{Brief, Objective, Vertical};
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::ids::{OrganizationId, RunId, VariantId};
use spotwright_schemas::script::Script;

use super::case::NoteParts;
use super::find::MOST_WINNERS;
use super::words::{Weighted, weighted};
use crate::copywriter::vertical_of;
use crate::workflow::AgentState;

/// Normal quantile of a two-sided interval of 95 %.
const Z95: f64 = 1.959_963_985;
/// Clicks below which a ratio of click rates is not read at all.
const FEWEST_CLICKS: u64 = 10;

/// A ratio of click rates: an advertisement's to that of the others of its campaign.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lift {
    /// The ratio; above 1 is better than the others.
    pub ratio: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Times the advertisement was shown.
    pub impressions: u64,
    /// Times it was clicked.
    pub clicks: u64,
}

impl Lift {
    /// The lift of counts over the counts of the others; `None` where either was not shown or the
    /// advertisement was clicked fewer than ten times.
    ///
    /// The interval is that of a ratio of two binomial rates on the log scale, with half a click
    /// added to each, which keeps it finite. It takes the counts as given: where a policy showed the
    /// better ones more often, it is narrower than the truth.
    #[must_use]
    pub fn of(impressions: u64, clicks: u64, others_shown: u64, others_clicked: u64) -> Option<Self> {
        if clicks < FEWEST_CLICKS || impressions == 0 || others_shown == 0 {
            return None;
        }
        let (n, x) = (impressions as f64 + 0.5, clicks as f64 + 0.5);
        let (m, y) = (others_shown as f64 + 0.5, others_clicked as f64 + 0.5);
        let log_ratio = (x / n).ln() - (y / m).ln();
        let deviation = (1.0 / x - 1.0 / n + 1.0 / y - 1.0 / m).max(0.0).sqrt();
        Some(Self {
            ratio: log_ratio.exp(),
            low: (log_ratio - Z95 * deviation).exp(),
            high: (log_ratio + Z95 * deviation).exp(),
            impressions,
            clicks,
        })
    }
}

/// An advertisement of an organization that did better than the others of its campaign.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Winner {
    /// Whose it is. Nobody else ever sees it.
    pub organization: OrganizationId,
    /// Its run.
    pub run: RunId,
    /// Its variant.
    pub variant: VariantId,
    /// What was sold and to whom, in the brief's words.
    pub summary: String,
    /// Line of business.
    pub vertical: Vertical,
    /// What counted as success.
    pub objective: Objective,
    /// What it says.
    pub script: Script,
    /// How much better it did.
    pub lift: Lift,
    /// Whether the counts are simulated.
    pub source: FeedbackSource,
}

impl Winner {
    /// What scripts cite it by.
    #[must_use]
    pub fn id(&self) -> String {
        format!("own.{}", self.variant)
    }

    /// What a prompt shows of it.
    #[must_use]
    pub fn note_parts(&self) -> NoteParts {
        NoteParts {
            id: self.id(),
            title: self.summary.clone(),
            structure: self.script.structure,
            why: self.script.idea.clone(),
            lines: self.script.lines.iter().map(|line| line.caption.clone()).collect(),
        }
    }

    /// The terms it is found by.
    pub(super) fn document(&self) -> Weighted {
        let lines = self.script.lines.iter().flat_map(|line| [line.caption.as_str(), line.picture.as_str()]);
        let told = [(self.summary.as_str(), 2.0), (self.script.idea.as_str(), 1.5)];
        weighted(told.into_iter().chain(lines.map(|text| (text, 0.7))))
    }
}

/// Finished runs of an organization that are looked at for winners, the newest.
const RUNS_LOOKED_AT: usize = 20;

/// The winners of an organization's newest finished runs, newest run first, at most [`MOST_WINNERS`].
///
/// # Errors
/// What the store answers.
pub async fn stored_winners(
    store: &dyn StepStore,
    organization: OrganizationId,
) -> Result<Vec<Winner>, StoreError> {
    let mut winners = Vec::new();
    for id in store.finished_runs(organization, RUNS_LOOKED_AT).await? {
        let run = store.run(id).await?;
        if run.organization != organization {
            continue;
        }
        let (variants, placements) = (store.variants(id).await?, store.placements(id).await?);
        winners.extend(winners_of(&run, &variants, &placements));
        if winners.len() >= MOST_WINNERS {
            break;
        }
    }
    winners.truncate(MOST_WINNERS);
    Ok(winners)
}

/// The winners of a finished run: variants whose lift over the others of their generation is above 1
/// with its whole interval, the surest first. None of a run that is under way, or of a generation that
/// the market has not reported on.
///
/// `variants` and `placements` are those of the run; rows of other runs are passed over.
#[must_use]
pub fn winners_of(run: &RunView, variants: &[Variant], placements: &[Placement]) -> Vec<Winner> {
    if run.stage != Stage::Finished {
        return Vec::new();
    }
    let Ok(state) = AgentState::of(run) else { return Vec::new() };
    let brief = &run.request.brief;
    let mut winners: Vec<Winner> = variants
        .iter()
        .filter(|variant| variant.run == run.id && variant.state != VariantState::Withdrawn)
        .filter_map(|variant| {
            let lift = lift_of(run.id, variant, placements).filter(|lift| lift.low > 1.0)?;
            let report = state.reports.get((variant.generation as usize).checked_sub(1)?)?;
            Some(Winner {
                organization: run.organization,
                run: run.id,
                variant: variant.id,
                summary: summary(brief),
                vertical: vertical_of(brief),
                objective: brief.objective,
                script: variant.body.script.clone(),
                lift,
                source: report.source,
            })
        })
        .collect();
    winners.sort_by(|a, b| b.lift.low.total_cmp(&a.lift.low).then(a.variant.cmp(&b.variant)));
    winners
}

/// The lift of a variant over the others of its generation.
fn lift_of(run: RunId, variant: &Variant, placements: &[Placement]) -> Option<Lift> {
    let (mut own, mut others) = ((0_u64, 0_u64), (0_u64, 0_u64));
    for placement in placements {
        let Some(row) = &placement.delivery else { continue };
        if placement.run != run || placement.generation != variant.generation {
            continue;
        }
        let counts = if placement.variant == variant.id { &mut own } else { &mut others };
        counts.0 += row.delivery.impressions;
        counts.1 += row.delivery.clicks;
    }
    Lift::of(own.0, own.1, others.0, others.1)
}

/// What is sold and to whom.
fn summary(brief: &Brief) -> String {
    let kind = brief.product.noun_phrase.as_deref().unwrap_or(&brief.product.category);
    format!("{kind}: {}", brief.audience.description)
}
