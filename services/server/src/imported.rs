//! What a run's report says of results of real platforms.

use crate::outputs::FinishedRun;
use crate::words::Words;

/// The newest sentence on reports of platforms that the run rests on.
#[must_use]
pub(crate) fn notices(finished: &FinishedRun, words: &Words) -> Vec<String> {
    let told = finished.trace.iter().rev().find(|entry| entry.what == "results.imported");
    let sentence = told.and_then(|entry| entry.detail["notice"].as_str());
    sentence.map(|sentence| (words.stored)(sentence)).into_iter().collect()
}
