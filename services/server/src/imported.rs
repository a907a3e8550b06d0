//! What a run's report says of results of real platforms.

use spotwright_core::domain::observation::Evidence;

use crate::outputs::FinishedRun;
use crate::words::{Imported, Words};

/// The newest sentence on reports of platforms that the run rests on.
#[must_use]
pub(crate) fn notices(finished: &FinishedRun, words: &Words) -> Vec<String> {
    let told = finished.trace.iter().rev().find(|entry| entry.what == "results.imported");
    let evidence = told.and_then(|entry| serde_json::from_value(entry.detail["evidence"].clone()).ok());
    evidence.map(|evidence: Vec<Evidence>| (words.imported)(&sums(&evidence))).into_iter().collect()
}

fn sums(evidence: &[Evidence]) -> Imported {
    Imported {
        ads: evidence.len(),
        impressions: evidence.iter().map(|own| own.impressions).sum(),
        clicks: evidence.iter().map(|own| own.clicks).sum(),
    }
}
