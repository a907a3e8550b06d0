//! The generated shots of a run: who made which, what it cost, and what a picture stands in for and why.
//!
//! Everything here follows from the run's state and its trace.

use serde::Serialize;
use serde_json::Value;
use spotwright_core::domain::copy_rules::locale::account;
use spotwright_core::domain::reason::ClipReason;
use spotwright_core::domain::variant::Variant;
use spotwright_core::ports::clip_library::ClipKey;
use spotwright_core::ports::clip_source::LeftAway;
use spotwright_creative::workflow::{AskedClip, ClipReport};
use spotwright_insight::ranking::file_stem;
use spotwright_schemas::money::Micros;
use spotwright_schemas::storyboard::Footage;

use crate::outputs::FinishedRun;
use crate::words::{ClipMakerTold, Words};

/// Most characters of a prompt in a report.
const MAX_PROMPT: usize = 160;

/// The generated shots of a run, in its JSON.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GeneratedShots {
    /// How many, who made them, and why others were not made.
    #[serde(flatten)]
    pub report: ClipReport,
    /// One by one, in the order in which they were asked for.
    pub shots: Vec<GeneratedShot>,
}

/// A shot that was asked for; several advertisements may show it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GeneratedShot {
    /// Names what was asked for.
    pub key: ClipKey,
    /// The words that a model was to follow.
    pub prompt: String,
    /// Where it is shown, or would have been.
    pub shown: Vec<ShownIn>,
    /// Hash of the clip; `None` where a picture stands in, or the run ended first.
    pub clip: Option<String>,
    /// Who made it; empty where nobody did.
    pub source: String,
    /// With which model; empty where nobody did.
    pub model: String,
    /// Under which licence; empty where nobody did.
    pub licence: String,
    /// Whether it was made before this run.
    pub from_library: bool,
    /// What was asked for, and its maker does not take.
    pub left_away: Vec<LeftAway>,
    /// What it cost, tries without a clip included.
    pub cost_micros: i64,
    /// Sources that were asked without a usable clip, and why, in order.
    pub tried: Vec<TriedSource>,
    /// Why a picture stands in, in English; empty where none does.
    pub why: String,
    /// The same, typed.
    #[serde(skip_serializing_if = "ClipReason::is_nothing")]
    pub reason: ClipReason,
}

/// An advertisement with a generated shot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownIn {
    /// Name of the variant, e.g. `g1-03`.
    pub variant: String,
    /// Its shots that show the clip, from 1; empty where a picture stands in.
    pub shots: Vec<usize>,
}

/// A source that was asked without a usable clip.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TriedSource {
    /// Its name.
    pub source: String,
    /// How the try ended, e.g. `failed`.
    pub ended: String,
    /// Why, in English: in its words, or ours.
    pub why: String,
    /// The same, typed.
    pub reason: ClipReason,
    /// What it cost.
    pub cost_micros: i64,
}

/// The generated shots of a run; `None` for one that asked for none.
#[must_use]
pub fn generated_shots(finished: &FinishedRun) -> Option<GeneratedShots> {
    let clips = &finished.state.clips;
    let report = clips.report(finished.run.request.brief.budget.currency)?;
    let shots = clips.asked.iter().map(|asked| shot(finished, asked)).collect();
    Some(GeneratedShots { report, shots })
}

fn shot(finished: &FinishedRun, asked: &AskedClip) -> GeneratedShot {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let about = |what: &'static str| {
        let lines = finished.trace.iter().filter(move |entry| entry.what == what);
        lines.map(|entry| &entry.detail).find(|detail| detail["clip"] == asked.key.as_str())
    };
    let prompt = about("clip.requested").map(|detail| text(&detail["request"]["prompt"])).unwrap_or_default();
    let tries = about("clip.tried").and_then(|detail| detail["tries"].as_array()).map(Vec::as_slice);
    let tried = tries.unwrap_or_default().iter().map(|tried| {
        let reason = serde_json::from_value::<ClipReason>(tried["why"].clone()).unwrap_or_default();
        TriedSource {
            source: text(&tried["source"]),
            ended: text(&tried["ended"]),
            why: reason.to_string(),
            reason,
            cost_micros: tried["cost"].as_i64().unwrap_or_default(),
        }
    });
    let end = asked.ended.clone();
    let reason = end.as_ref().map(|end| end.why.clone()).unwrap_or_default();
    GeneratedShot {
        key: asked.key.clone(),
        prompt,
        shown: shown(finished, asked),
        clip: end.as_ref().and_then(|end| end.clip.as_ref()).map(|clip| clip.0.clone()),
        source: end.as_ref().map(|end| end.source.clone()).unwrap_or_default(),
        model: end.as_ref().map(|end| end.model.clone()).unwrap_or_default(),
        licence: end.as_ref().map(|end| end.licence.clone()).unwrap_or_default(),
        from_library: end.as_ref().is_some_and(|end| end.from_library),
        left_away: end.as_ref().map(|end| end.left_away.clone()).unwrap_or_default(),
        cost_micros: end.as_ref().map_or(0, |end| end.cost.0),
        tried: tried.collect(),
        why: reason.to_string(),
        reason,
    }
}

/// The advertisements whose storyboards asked for the clip.
fn shown(finished: &FinishedRun, asked: &AskedClip) -> Vec<ShownIn> {
    let key = asked.key.as_str();
    let wished = |variant: &Variant| {
        let mut lines = finished.trace.iter().filter(|entry| entry.what == "variant.footage");
        lines.any(|entry| {
            let clips = entry.detail["clips"].as_array().map(Vec::as_slice).unwrap_or_default();
            entry.variant == Some(variant.id) && clips.iter().any(|clip| clip["wish"] == key)
        })
    };
    let clip = asked.ended.as_ref().and_then(|end| end.clip.as_ref());
    let places = |variant: &Variant| -> Vec<usize> {
        let shots = variant.body.storyboard.shots.iter().enumerate();
        let shows = |footage: &Option<Footage>| match (footage, clip) {
            (Some(Footage::Clip { clip: shown, .. }), Some(clip)) => *shown == clip.0,
            _ => false,
        };
        shots.filter(|(_, shot)| shows(&shot.footage)).map(|(idx, _)| idx + 1).collect()
    };
    let variants = finished.variants.iter().filter(|variant| wished(variant));
    variants.map(|variant| ShownIn { variant: file_stem(variant), shots: places(variant) }).collect()
}

/// Sentences about the generated shots of a run, in the language of `words`; none for a run without.
#[must_use]
pub(crate) fn notices(finished: &FinishedRun, words: &Words) -> Vec<String> {
    let Some(report) = finished.state.clips.report(finished.run.request.brief.budget.currency) else {
        return Vec::new();
    };
    let told = &words.clips;
    let cost = account(report.cost, report.currency);
    let mut notices = vec![(told.made)(report.made, report.asked, &cost)];
    notices.extend(report.makers.iter().map(|maker| {
        (told.maker)(&ClipMakerTold {
            source: &maker.source,
            model: &maker.model,
            licence: &maker.licence,
            clips: maker.clips,
            from_library: maker.from_library,
        })
    }));
    let without = report.left_away.iter().map(|left| (told.without)(&left.source, left.what, left.clips));
    notices.extend(without);
    notices.extend(
        report.fell_back.iter().map(|row| (told.fell_back)(row.clips, &row.reason.told(words.locale))),
    );
    if report.unfinished > 0 {
        notices.push((told.unfinished)(report.unfinished));
    }
    notices
}

/// A generated shot as the page shows it.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    prompt: String,
    /// Where it is shown, e.g. `g1-03 (1)`.
    shown: String,
    by: String,
    cost: String,
    /// Why a picture stands in, and which sources gave nothing.
    note: Vec<String>,
}

/// The generated shots of a run as the page shows them.
pub(crate) fn rows(finished: &FinishedRun, words: &Words) -> Vec<Row> {
    let currency = finished.run.request.brief.budget.currency;
    let shots = generated_shots(finished).map(|generated| generated.shots).unwrap_or_default();
    let row = |shot: GeneratedShot| {
        let place = |shown: &ShownIn| {
            let numbers: Vec<String> = shown.shots.iter().map(ToString::to_string).collect();
            match numbers.as_slice() {
                [] => shown.variant.clone(),
                numbers => format!("{} ({})", shown.variant, numbers.join(", ")),
            }
        };
        let by = if shot.clip.is_some() {
            let of = if shot.from_library { words.clips.library } else { "" };
            format!("{} · {} · {}{of}", shot.source, shot.model, shot.licence)
        } else if shot.why.is_empty() {
            words.clips.not_waited_for.to_owned()
        } else {
            words.clips.picture.to_owned()
        };
        let mut note = Vec::new();
        if !shot.why.is_empty() {
            note.push(shot.reason.told(words.locale));
        } else {
            let tried = shot.tried.iter();
            note.extend(
                tried.map(|tried| (words.clips.tried)(&tried.source, &tried.reason.told(words.locale))),
            );
        }
        if !shot.left_away.is_empty() {
            note.push((words.clips.left_away)(&shot.left_away));
        }
        let shortened: String = shot.prompt.chars().take(MAX_PROMPT).collect();
        let whole = shortened.len() == shot.prompt.len();
        Row {
            prompt: if whole { shortened } else { format!("{shortened}…") },
            shown: shot.shown.iter().map(place).collect::<Vec<_>>().join(", "),
            by,
            cost: account(Micros(shot.cost_micros), currency),
            note,
        }
    };
    shots.into_iter().map(row).collect()
}
