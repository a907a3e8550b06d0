//! The part of the report that says how far the click model's predictions could be believed.

use serde::Serialize;
use spotwright_core::domain::copy_rules::locale::grouped;
use spotwright_creative::workflow::outcomes;
use spotwright_scoring::online::{Bounds, Health, Monitor, Outcome};

use crate::outputs::FinishedRun;
use crate::words::Words;

#[derive(Debug, Serialize)]
pub(super) struct Row {
    generation: u32,
    promised: String,
    clicks: String,
    pcoc: String,
    alarm: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Believed {
    rows: Vec<Row>,
    /// What the numbers mean, and what they come to over all generations.
    note: String,
    raised: bool,
}

/// A run is short: each generation is a reading of its own, and one out of bounds raises the alarm.
const BOUNDS: Bounds = Bounds { raise: 0.10, clear: 0.05, min_z: 3.0, raise_after: 1, clear_after: 1 };

/// `None` when nothing was clicked.
pub(super) fn believed(finished: &FinishedRun, words: &Words) -> Option<Believed> {
    let (mut each, mut all) = (Monitor::new(1, BOUNDS), Monitor::new(u64::MAX, BOUNDS));
    let mut rows = Vec::new();
    let mut last: Option<Health> = None;
    for generation in 1..=finished.run.generation {
        let of_generation = || {
            let told = outcomes(&finished.run, &finished.variants, &finished.placements, generation);
            told.into_iter().map(move |outcome| Outcome {
                period: u64::from(generation),
                field: outcome.field,
                predicted: outcome.predicted_ctr,
                impressions: outcome.impressions,
                clicks: outcome.clicks,
            })
        };
        let before = each.health().pcoc_alarm.is_raised();
        let health = each.observe(of_generation());
        last = Some(all.observe(of_generation()));
        let Some(reading) = health.reading else { continue };
        rows.push(Row {
            generation,
            promised: grouped((reading.pcoc * reading.clicks as f64).round() as u64),
            clicks: grouped(reading.clicks),
            pcoc: format!("{:.2}", reading.pcoc),
            alarm: match (before, health.pcoc_alarm.is_raised()) {
                (false, true) => words.page.raised,
                (true, true) => words.page.held,
                _ => words.page.quiet,
            },
        });
    }
    let reading = last?.reading?;
    Some(Believed {
        rows,
        note: (words.believed)(
            &format!("{:.2}", reading.pcoc),
            &format!("{:.2}", reading.relative_ece),
            &format!("{:.2}", reading.chance_ece),
        ),
        raised: each.health().pcoc_alarm.is_raised(),
    })
}
