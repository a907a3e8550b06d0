//! The part of a winner's card that says why the click model scored it as it did.

use serde::Serialize;
use spotwright_core::domain::copy_rules::locale::grouped;
use spotwright_core::domain::variant::Variant;
use spotwright_insight::ranking::file_stem;
use spotwright_schemas::explanation::{Contribution, ExplainedWinner, Outlook, TextPart};

use crate::outputs::FinishedRun;
use crate::words::Words;

/// Log-odds at which a bar is full.
const FULL_BAR: f64 = 0.5;
/// Smaller parts are not shown; all of them stand in `explanations.json`.
const SHOWN: f64 = 0.005;

/// Groups of features, as people know them, by the beginnings of feature names.
const GROUPS: [&str; 8] = [
    "headline.layer.",
    "headline.",
    "brief.archive_taste",
    "brief.headline",
    "brief.text",
    "frames.",
    "own.clicks",
    "text.",
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
    /// Likeness, click rate and impressions.
    told: String,
}

#[derive(Debug, Serialize)]
pub(super) struct Why {
    /// Where the parts start from.
    level: String,
    parts: Vec<Part>,
    headline: Vec<Phrase>,
    text: Vec<Phrase>,
    nearest: Vec<Near>,
    evidence: Vec<String>,
}

pub(super) fn why(finished: &FinishedRun, winner: &ExplainedWinner, words: &Words) -> Why {
    let (told, percent) = (&words.why, words.percent);
    let explanation = &winner.explanation;
    let name_of = |id| finished.variants.iter().find(|other: &&Variant| other.id == id).map(file_stem);
    let phrases = |part: TextPart| {
        let of_part = explanation.phrases.iter().filter(move |effect| effect.part == part);
        of_part.map(|effect| phrase(&effect.phrase, effect.log_odds)).collect::<Vec<_>>()
    };
    let level: f64 = sum(&explanation.contributions, |name| name.starts_with("level."));
    let mut evidence: Vec<String> =
        explanation.outlooks.iter().filter_map(|outlook| happened(outlook, words)).collect();
    evidence.extend(supposed(&explanation.outlooks, words));
    if let (Some(apart), Some(rival)) = (&explanation.separation, winner.rival.and_then(name_of)) {
        let (rate, at) = (percent(apart.rival_ctr), percent(apart.rate));
        evidence.push(match apart.impressions {
            Some(0) => (told.told_already)(&rival, &rate),
            Some(n) => (told.told_after)(&at, &grouped(n), &rival, &rate),
            None => (told.never_told)(&at, &rival, &rate),
        });
    }
    Why {
        level: (words.from_level)(&percent(1.0 / (1.0 + (-level).exp()))),
        parts: parts(&explanation.contributions, &told.groups),
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
                    told: (told.alike)(
                        &format!("{:.2}", near.similarity),
                        &percent(rate),
                        &grouped(near.impressions),
                    ),
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
fn parts(contributions: &[Contribution], names: &[&'static str; 8]) -> Vec<Part> {
    let group_of = |feature: &str| GROUPS.iter().position(|beginning| feature.starts_with(beginning));
    let mut groups: Vec<(f64, &'static str)> = names
        .iter()
        .enumerate()
        .map(|(idx, name)| (sum(contributions, |feature| group_of(feature) == Some(idx)), *name))
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

fn happened(outlook: &Outlook, words: &Words) -> Option<String> {
    let [low, high] = outlook.interval.map(words.percent);
    outlook.happened.then(|| {
        (words.why.happened)(
            &grouped(outlook.clicks as u64),
            &grouped(outlook.impressions),
            &(words.percent)(outlook.predicted_ctr),
            &low,
            &high,
        )
    })
}

fn supposed(outlooks: &[Outlook], words: &Words) -> Option<String> {
    let supposed: Vec<&Outlook> = outlooks.iter().filter(|outlook| !outlook.happened).collect();
    let [half, double] = supposed.as_slice() else { return None };
    Some((words.why.supposed)(
        &grouped(half.impressions),
        &(words.percent)(half.predicted_ctr),
        &(words.percent)(double.predicted_ctr),
    ))
}
