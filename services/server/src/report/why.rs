//! The part of a winner's card that says why the click model scored it as it did.

use serde::Serialize;
use spotwright_core::domain::variant::Variant;
use spotwright_schemas::explanation::{Contribution, ExplainedWinner, Outlook, TextPart};

use super::{grouped, percent};
use crate::outputs::{FinishedRun, file_stem};

/// Log-odds at which a bar is full.
const FULL_BAR: f64 = 0.5;
/// Smaller parts are not shown; all of them stand in `explanations.json`.
const SHOWN: f64 = 0.005;

/// Groups of features, as people know them: beginnings of feature names, and what they are called.
const GROUPS: [(&[&str], &str); 8] = [
    (&["headline.layer."], "wording of the headline, by tests of other headlines"),
    (&["headline."], "how the headline is built"),
    (&["brief.archive_taste"], "where this audience differs from those tests"),
    (&["brief.headline"], "headlines that did well here"),
    (&["brief.text"], "texts that did well here"),
    (&["frames."], "light, pace and other looks of the video"),
    (&["own.clicks"], "its own earlier clicks"),
    (&["text."], "text"),
];

#[derive(Debug, Serialize)]
pub(super) struct Part {
    name: &'static str,
    value: String,
    /// Length of the bar, in percent of half the row.
    width: u32,
    better: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct Phrase {
    words: String,
    value: String,
    /// `up`, `down` or empty.
    mark: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct Near {
    name: String,
    alike: String,
    rate: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Why {
    level: String,
    parts: Vec<Part>,
    headline: Vec<Phrase>,
    text: Vec<Phrase>,
    nearest: Vec<Near>,
    evidence: Vec<String>,
}

pub(super) fn why(finished: &FinishedRun, winner: &ExplainedWinner) -> Why {
    let explanation = &winner.explanation;
    let name_of = |id| finished.variants.iter().find(|other: &&Variant| other.id == id).map(file_stem);
    let phrases = |part: TextPart| {
        let of_part = explanation.phrases.iter().filter(move |effect| effect.part == part);
        of_part.map(|effect| phrase(&effect.phrase, effect.log_odds)).collect::<Vec<_>>()
    };
    let level: f64 = sum(&explanation.contributions, |name| name.starts_with("level."));
    let mut evidence: Vec<String> = explanation.outlooks.iter().filter_map(happened).collect();
    evidence.extend(supposed(&explanation.outlooks));
    if let (Some(told), Some(rival)) = (&explanation.separation, winner.rival.and_then(name_of)) {
        let against = format!("{rival}, predicted {}", percent(told.rival_ctr));
        evidence.push(match told.impressions {
            Some(0) => format!("Its interval leaves out the prediction of {against} already."),
            Some(n) => format!(
                "At {} clicks, {} impressions would tell it from {against}.",
                percent(told.rate),
                grouped(n)
            ),
            None => {
                format!("At {} clicks, no number of impressions tells it from {against}.", percent(told.rate))
            }
        });
    }
    Why {
        level: percent(1.0 / (1.0 + (-level).exp())),
        parts: parts(&explanation.contributions),
        headline: phrases(TextPart::Headline),
        text: phrases(TextPart::Text).into_iter().filter(|phrase| !phrase.mark.is_empty()).collect(),
        nearest: explanation
            .nearest
            .iter()
            .zip(&winner.nearest_variants)
            .filter_map(|(near, id)| {
                let rate = near.clicks as f64 / near.impressions.max(1) as f64;
                Some(Near {
                    name: name_of(*id)?,
                    alike: format!("{:.2}", near.similarity),
                    rate: format!("{} of {}", percent(rate), grouped(near.impressions)),
                })
            })
            .collect(),
        evidence,
    }
}

fn sum(contributions: &[Contribution], belongs: impl Fn(&str) -> bool) -> f64 {
    contributions.iter().filter(|part| belongs(&part.feature)).map(|part| part.log_odds).sum()
}

/// Groups by size, each feature in the first group that its name belongs to.
fn parts(contributions: &[Contribution]) -> Vec<Part> {
    let group_of = |feature: &str| {
        GROUPS.iter().position(|(names, _)| names.iter().any(|name| feature.starts_with(name)))
    };
    let mut groups: Vec<(f64, &'static str)> = GROUPS
        .iter()
        .enumerate()
        .map(|(idx, (_, name))| (sum(contributions, |feature| group_of(feature) == Some(idx)), *name))
        .filter(|(log_odds, _)| log_odds.abs() >= SHOWN)
        .collect();
    groups.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    let part = |(log_odds, name): (f64, &'static str)| Part {
        name,
        value: format!("{log_odds:+.2}"),
        width: (100.0 * (log_odds.abs() / FULL_BAR).min(1.0)).round() as u32,
        better: log_odds > 0.0,
    };
    groups.into_iter().map(part).collect()
}

fn phrase(words: &str, log_odds: f64) -> Phrase {
    let mark = match log_odds {
        up if up >= SHOWN => "up",
        down if down <= -SHOWN => "down",
        _ => "",
    };
    Phrase { words: words.to_owned(), value: format!("{log_odds:+.2}"), mark }
}

fn happened(outlook: &Outlook) -> Option<String> {
    let [low, high] = outlook.interval.map(percent);
    outlook.happened.then(|| {
        format!(
            "With the {} clicks of {} impressions it then got, the model would predict {} ({low} – {high}).",
            grouped(outlook.clicks as u64),
            grouped(outlook.impressions),
            percent(outlook.predicted_ctr)
        )
    })
}

fn supposed(outlooks: &[Outlook]) -> Option<String> {
    let supposed: Vec<&Outlook> = outlooks.iter().filter(|outlook| !outlook.happened).collect();
    let [half, double] = supposed.as_slice() else { return None };
    Some(format!(
        "{} impressions with half the predicted clicks would have made it {}, with twice as many {}.",
        grouped(half.impressions),
        percent(half.predicted_ctr),
        percent(double.predicted_ctr)
    ))
}
