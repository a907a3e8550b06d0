//! The log rows of a finished run: `impressions.parquet` and `impressions.csv`.
//!
//! The market is asked again for the decisions behind each report; equal campaigns give equal
//! decisions. Where what it answers does not add up to what was delivered then, as after an upgrade
//! of the market, the generation is left out and the report says so.

use std::collections::BTreeMap;

use spotwright_core::domain::scored::score_input;
use spotwright_core::domain::variant::Variant;
use spotwright_core::ports::marketplace::{Held, Marketplace, PlacementDecision};
use spotwright_creative::workflow::played_campaign;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::ids::{PlacementId, VariantId};
use spotwright_schemas::money::Micros;
use spotwright_scoring::log_rows::LogRow;

use crate::outputs::FinishedRun;
use crate::words::Words;

/// The log of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Log {
    /// Its rows, in the order of time.
    pub rows: Vec<LogRow>,
    /// What is missing.
    pub missing: Vec<Missing>,
}

/// Why the log lacks a generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// An earlier version played it.
    EarlierVersion(u32),
    /// The market no longer plays it as it did.
    Differs(u32),
}

impl Log {
    /// What is missing, for people.
    pub(crate) fn notices(&self, words: &Words) -> Vec<String> {
        self.missing
            .iter()
            .map(|missing| match *missing {
                Missing::EarlierVersion(generation) => (words.log_of_earlier_version)(generation),
                Missing::Differs(generation) => (words.log_differs)(generation),
            })
            .collect()
    }
}

/// Collects the rows of every generation that was played.
///
/// # Errors
/// [`Code::StoreFormat`] for a winner that lacks what a winner has; [`Code::Market`] when the market
/// refuses a campaign that it has played.
pub fn log(finished: &FinishedRun, market: &dyn Marketplace) -> Result<Log, Problem> {
    let mut log = Log::default();
    for report in &finished.state.reports {
        let Some(first) = report.creatives.first() else { continue };
        let generation = variant(finished, first.variant)?.generation;
        if report.budget == Micros::ZERO {
            log.missing.push(Missing::EarlierVersion(generation));
            continue;
        }
        let campaign = played_campaign(&finished.run, &finished.variants, report, generation)?;
        let decisions = market
            .decisions(&campaign, &Held::as_then(report.holds.clone()))
            .map_err(|error| Problem::new(Code::Market, "", error.to_string()))?;
        let delivered: Sums = report
            .creatives
            .iter()
            .map(|row| (row.placement, (row.delivery.impressions, row.delivery.clicks)))
            .filter(|(_, counts)| counts.0 > 0)
            .collect();
        if sums(&decisions) != delivered {
            log.missing.push(Missing::Differs(generation));
            continue;
        }
        let source = match report.source {
            FeedbackSource::Simulated => "simulated",
            FeedbackSource::Imported => "imported",
        };
        for decision in decisions {
            log.rows.push(row(finished, generation, source, &decision)?);
        }
    }
    Ok(log)
}

/// Impressions and clicks of every placement that was seen.
type Sums = BTreeMap<PlacementId, (u64, u64)>;

fn sums(decisions: &[PlacementDecision]) -> Sums {
    let mut sums = Sums::new();
    for decision in decisions.iter().filter(|decision| decision.impressions > 0) {
        let sum = sums.entry(decision.placement).or_default();
        sum.0 += decision.impressions;
        sum.1 += decision.clicks;
    }
    sums
}

fn row(
    finished: &FinishedRun,
    generation: u32,
    source: &str,
    decision: &PlacementDecision,
) -> Result<LogRow, Problem> {
    let brief = &finished.run.request.brief;
    let variant = variant(finished, decision.variant)?;
    let missing = || Problem::new(Code::StoreFormat, "", format!("{} has no score", variant.id));
    let score = variant.body.score.as_ref().ok_or_else(missing)?;
    let input = score_input(variant)?;
    Ok(LogRow {
        run: finished.run.id.to_string(),
        generation: u64::from(generation),
        brief: brief.id.clone(),
        locale: brief.locale.tag().to_owned(),
        variant: variant.id.to_string(),
        placement: decision.placement.to_string(),
        kind: brief.placements[0].as_str().to_owned(),
        source: source.to_owned(),
        hour: decision.hour,
        model: score.model.clone(),
        predicted_ctr: score.predicted_ctr,
        propensity: decision.propensity,
        chosen: decision.chosen,
        impressions: decision.impressions,
        clicks: decision.clicks,
        headline: input.headline,
        text: input.text,
    })
}

fn variant(finished: &FinishedRun, id: VariantId) -> Result<&Variant, Problem> {
    let missing = || Problem::new(Code::StoreFormat, "", format!("{id} was placed and is not there"));
    finished.variants.iter().find(|variant| variant.id == id).ok_or_else(missing)
}
