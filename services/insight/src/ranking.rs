//! The order of winners, wherever they are shown.

use spotwright_core::domain::variant::{Placement, Variant};
use spotwright_experiment::interval::{Counts, SharedPrior};
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::outcome::{Delivery, PlacementOutcome, Score, Winner};
use spotwright_schemas::placement::PlacementKind;

use crate::Shown;

/// A winner at its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked<'a> {
    /// Posterior mean of its click rate, which the order follows; in [0, 1].
    pub rate: f64,
    /// The variant.
    pub variant: &'a Variant,
    /// Its finished video, BLAKE3 in hexadecimal.
    pub video: &'a str,
    /// What was predicted of it.
    pub score: &'a Score,
    /// Where it was placed.
    pub placement: &'a Placement,
    /// What came of it; zeros when it was not shown.
    pub delivery: Delivery,
    /// Highest step of the traffic ladder that was decided on, in impressions; 0 without any.
    pub rung: u64,
}

/// The winners that were placed, best first by the posterior mean of the click rate, under a prior fitted to
/// all winners of the run, so that few impressions cannot put anyone on top. Ties go by generation and
/// number.
#[must_use]
pub fn ranked(shown: Shown<'_>) -> Vec<Ranked<'_>> {
    let counts = |variant: &Variant| {
        let delivery = shown.delivery_of(variant);
        Counts::new(delivery.impressions, delivery.clicks).ok()
    };
    let arms: Vec<Counts> = shown.winners().filter_map(counts).collect();
    let prior = SharedPrior::fit(&arms);
    let mut rows: Vec<Ranked<'_>> = shown
        .winners()
        .filter_map(|variant| {
            let rate = counts(variant).map_or(0.0, |counts| prior.shrunken_rate(counts));
            winner(shown, variant, rate)
        })
        .collect();
    rows.sort_by(|a, b| {
        b.rate
            .total_cmp(&a.rate)
            .then(a.variant.generation.cmp(&b.variant.generation))
            .then(a.variant.number.cmp(&b.variant.number))
    });
    rows
}

fn winner<'a>(shown: Shown<'a>, variant: &'a Variant, rate: f64) -> Option<Ranked<'a>> {
    let placement = shown.placement_of(variant)?;
    Some(Ranked {
        rate,
        variant,
        video: &variant.body.final_render.as_ref()?.artifact.0,
        score: variant.body.score.as_ref()?,
        placement,
        delivery: shown.delivery_of(variant),
        rung: placement.delivery.as_ref().and_then(|row| row.ladder.last()).map_or(0, |step| step.rung),
    })
}

impl Ranked<'_> {
    /// The winner as result files hold it; `kind` is where it was placed.
    #[must_use]
    pub fn to_winner(&self, kind: PlacementKind) -> Winner {
        let variant = self.variant;
        Winner {
            variant: variant.id,
            generation: variant.generation,
            number: variant.number,
            parents: variant.body.parents.clone(),
            file: format!("variants/{}.mp4", file_stem(variant)),
            blake3: self.video.to_owned(),
            script: variant.body.script.clone(),
            score: self.score.clone(),
            placement: PlacementOutcome {
                id: self.placement.id,
                kind,
                source: FeedbackSource::Simulated,
                delivery: self.delivery,
                rung: self.rung,
            },
        }
    }
}

/// The name of a variant's video without its ending, e.g. `g1-03`.
#[must_use]
pub fn file_stem(variant: &Variant) -> String {
    format!("g{}-{:02}", variant.generation, variant.number)
}
