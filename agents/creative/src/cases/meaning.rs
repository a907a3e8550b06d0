//! Finding by meaning: vectors of texts where a model is there, otherwise what brief and case share
//! by the concepts that both name.

use spotwright_schemas::brief::{Brief, Objective, Vertical};

use super::case::Case;
use super::winners::Winner;
use super::words::Weighted;

/// Most characters of a text that is embedded.
const EMBEDDED_CHARS: usize = 600;

/// Turns texts into vectors, so that texts of like meaning lie close together.
///
/// Contract:
/// 1. One vector per text, in order, all of one length, of finite numbers; or none at all where the
///    model cannot answer.
/// 2. Equal texts give equal vectors.
/// 3. Texts of any language the library has are understood.
///
/// The library asks for the vectors of its cases with every search: an adapter should remember them.
pub trait TextVectors: Send + Sync {
    /// The vectors of `texts`.
    fn embed(&self, texts: &[&str]) -> Vec<Vec<f32>>;
}

/// Weights of the concepts. The line of business decides, the others order what serves it.
const OBJECTIVE: f64 = 0.3;
const NEEDS: f64 = 0.25;
const TAG: f64 = 0.15;
const MOST_TAGS: usize = 3;
/// What an own winner has beyond an authored case: clicks.
const PROVEN: f64 = 0.5;

/// What a brief and a case share by concepts: line of business, objective, what the case needs, and
/// tags (each as its terms) that the brief's words hold.
pub(super) fn concepts(
    case: &Case,
    tags: &[Vec<String>],
    brief: &Brief,
    vertical: Vertical,
    words: &Weighted,
) -> f64 {
    let objective = case.objectives.iter().any(|objective| is_near(*objective, brief.objective));
    let tags = tags.iter().filter(|tag| stand_in(tag, words)).count().min(MOST_TAGS);
    case.serves(vertical)
        + if objective { OBJECTIVE } else { 0.0 }
        + if case.needs.lacking(brief).is_empty() { NEEDS } else { 0.0 }
        + TAG * tags as f64
}

/// As [`concepts`], for a winner of the organization's own.
pub(super) fn concepts_of_winner(winner: &Winner, brief: &Brief, vertical: Vertical) -> f64 {
    // What it needed its own brief had; whether this one has it too the words tell.
    NEEDS
        + PROVEN
        + if winner.vertical == vertical { 1.0 } else { 0.0 }
        + if is_near(winner.objective, brief.objective) { OBJECTIVE } else { 0.0 }
}

/// Whether every term of a tag stands among the words.
fn stand_in(tag: &[String], words: &Weighted) -> bool {
    !tag.is_empty() && tag.iter().all(|term| words.contains_key(term))
}

/// Whether two objectives ask the same of a script. `conversions` is whatever the advertiser counts.
fn is_near(case: Objective, brief: Objective) -> bool {
    let counted = |objective| {
        matches!(
            objective,
            Objective::Conversions | Objective::Orders | Objective::Bookings | Objective::SignUps
        )
    };
    case == brief
        || (case == Objective::Conversions && counted(brief))
        || (brief == Objective::Conversions && counted(case))
}

/// Cosines of each text with the first; `None` where the model did not answer as its contract says.
pub(super) fn cosines(model: &dyn TextVectors, asked: &str, texts: &[String]) -> Option<Vec<f64>> {
    let mut all: Vec<&str> = Vec::with_capacity(texts.len() + 1);
    all.push(cut(asked));
    all.extend(texts.iter().map(|text| cut(text)));
    let vectors = model.embed(&all);
    let (first, others) = vectors.split_first()?;
    let sound = vectors.len() == all.len()
        && !first.is_empty()
        && vectors
            .iter()
            .all(|vector| vector.len() == first.len() && vector.iter().all(|number| number.is_finite()));
    sound.then(|| others.iter().map(|other| cosine(first, other)).collect())
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(x, y)| f64::from(x * y)).sum() };
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    if lengths > 0.0 { dot(a, b) / lengths } else { 0.0 }
}

/// The beginning of a text, no longer than a model reads.
fn cut(text: &str) -> &str {
    let end = text.char_indices().nth(EMBEDDED_CHARS).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}
