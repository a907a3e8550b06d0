//! What a run knows of the clips it asked for, and what became of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use spotwright_core::domain::reason::ClipReason;
use spotwright_core::domain::routing::{LeavesAway, LeftOut};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::clip_library::ClipKey;
use spotwright_core::ports::clip_source::{Leavable, LeftAway};
use spotwright_core::ports::fidelity::FidelityReport;
use spotwright_schemas::ids::{RunId, VariantId};
use spotwright_schemas::money::{Currency, Micros};

/// Characters of a run's id.
const RUN_ID: usize = 36;

/// The run of a job by its name at the provider, which begins with the run's id; `None` for names that are
/// not ours.
#[must_use]
pub fn run_of_job(key: &str) -> Option<RunId> {
    let (run, rest) = key.split_at_checked(RUN_ID)?;
    if rest.starts_with('-') { run.parse().ok() } else { None }
}

/// How the work for one clip ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipOutcome {
    /// The clip; `None` where the shot shows its picture.
    pub made: Option<MadeClip>,
    /// Why there is none; nothing where there is one.
    pub why: ClipReason,
    /// Sources in the order in which they were to be tried.
    pub route: Vec<String>,
    /// Sources that were not, and why.
    pub left_out: Vec<LeftOut>,
    /// Names that the brief wishes and nobody has.
    pub unknown: Vec<String>,
    /// What sources of the route leave away of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaves_away: Vec<LeavesAway>,
    /// What was tried without a usable clip, in order.
    pub tries: Vec<Tried>,
}

impl ClipOutcome {
    /// What was spent on the clip, failed tries included.
    #[must_use]
    pub fn cost(&self) -> Micros {
        let failed: Micros = self.tries.iter().map(|tried| tried.cost).sum();
        failed + self.made.as_ref().map_or(Micros::ZERO, |made| made.cost)
    }
}

/// A clip that can be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeClip {
    /// The imported clip.
    pub clip: ArtifactHash,
    /// Its frames.
    pub frames: u32,
    /// The source that made it.
    pub source: String,
    /// The model, by its provider's name.
    pub model: String,
    /// The licence of the clip.
    pub licence: String,
    /// The seed that was used, where the provider tells, else the one that was asked for.
    pub seed: u64,
    /// What was charged for it; nothing for one from the library.
    pub cost: Micros,
    /// Whether it was made before, for another run or another attempt.
    pub from_library: bool,
    /// What its source left away of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_away: Vec<LeftAway>,
    /// How alike it and the product's pictures are; only where the product is in it and it was made now.
    pub fidelity: Option<FidelityReport>,
}

/// A try that gave no usable clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tried {
    /// Who was asked.
    pub source: String,
    /// With which seed.
    pub seed: u32,
    /// How it ended.
    pub ended: TryEnd,
    /// Why there is no clip of it.
    pub why: ClipReason,
    /// What was charged, or counts as charged.
    pub cost: Micros,
    /// How unlike the clip and the product's pictures are, where that was it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fidelity: Option<FidelityReport>,
}

/// How a try without a usable clip ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TryEnd {
    /// The source did not take the request.
    Refused,
    /// The source's content policy forbids it: no other source is asked.
    Policy,
    /// The source needs its operator: key, funds or rights.
    Operator,
    /// What is left of the brief's price or of the run's budget does not cover it.
    Price,
    /// The job failed.
    Failed,
    /// Nothing came before the deadline.
    TooLate,
    /// Nobody can tell what became of it; it counts as spent, and is not sent again.
    Lost,
    /// What came is no clip for this shot.
    Unusable,
    /// What came shows the product unlike its pictures.
    UnlikeProduct,
    /// The run ended first.
    Cancelled,
}

/// The clips of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clips {
    /// Everything that was asked for, in that order.
    pub asked: Vec<AskedClip>,
    /// Selected variants whose clips are not all there, in the order of their selection.
    pub waiting: Vec<VariantId>,
}

/// A clip that was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedClip {
    /// Which.
    pub key: ClipKey,
    /// In which generation it was asked for first.
    pub generation: u32,
    /// What became of it; `None` while it is being made.
    pub ended: Option<ClipEnd>,
}

/// What became of a clip, as much of it as a run keeps; the rest stands in its trace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipEnd {
    /// The clip; `None` where the shot shows its picture.
    pub clip: Option<ArtifactHash>,
    /// Who made it; empty where nobody did.
    pub source: String,
    /// With which model; empty where nobody did.
    pub model: String,
    /// Under which licence; empty where nobody did.
    pub licence: String,
    /// Whether it was made before.
    pub from_library: bool,
    /// What its source left away of the request.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_away: Vec<LeftAway>,
    /// What was spent, failed tries included.
    pub cost: Micros,
    /// Tries that gave no usable clip.
    pub failed_tries: u32,
    /// Why there is none; nothing where there is one.
    #[serde(default)]
    pub why: ClipReason,
}

impl From<&ClipOutcome> for ClipEnd {
    fn from(outcome: &ClipOutcome) -> Self {
        let made = outcome.made.as_ref();
        Self {
            clip: made.map(|made| made.clip.clone()),
            source: made.map(|made| made.source.clone()).unwrap_or_default(),
            model: made.map(|made| made.model.clone()).unwrap_or_default(),
            licence: made.map(|made| made.licence.clone()).unwrap_or_default(),
            from_library: made.is_some_and(|made| made.from_library),
            left_away: made.map(|made| made.left_away.clone()).unwrap_or_default(),
            cost: outcome.cost(),
            failed_tries: outcome.tries.len() as u32,
            why: outcome.why.clone(),
        }
    }
}

impl Clips {
    /// Whether no clip was asked for.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.asked.is_empty() && self.waiting.is_empty()
    }

    /// The place of a clip among those asked for, and the clip.
    #[must_use]
    pub fn find(&self, key: &ClipKey) -> Option<(usize, &AskedClip)> {
        self.asked.iter().enumerate().find(|(_, asked)| asked.key == *key)
    }

    /// The end of a clip, where it has one.
    #[must_use]
    pub fn end_of(&self, key: &ClipKey) -> Option<&ClipEnd> {
        self.find(key).and_then(|(_, asked)| asked.ended.as_ref())
    }

    /// What is told of the run's clips; `None` for a run that asked for none.
    #[must_use]
    pub fn report(&self, currency: Currency) -> Option<ClipReport> {
        if self.asked.is_empty() {
            return None;
        }
        let mut makers: BTreeMap<(&str, &str), ClipMaker> = BTreeMap::new();
        let mut away: BTreeMap<(&str, Leavable), u32> = BTreeMap::new();
        let mut reasons: BTreeMap<String, (&ClipReason, u32)> = BTreeMap::new();
        let ends: Vec<&ClipEnd> = self.asked.iter().filter_map(|asked| asked.ended.as_ref()).collect();
        for end in &ends {
            if end.clip.is_none() {
                reasons.entry(end.why.to_string()).or_insert((&end.why, 0)).1 += 1;
                continue;
            }
            let maker = makers.entry((&end.source, &end.model)).or_insert_with(|| ClipMaker {
                source: end.source.clone(),
                model: end.model.clone(),
                licence: end.licence.clone(),
                clips: 0,
                from_library: 0,
            });
            maker.clips += 1;
            maker.from_library += u32::from(end.from_library);
            for left in &end.left_away {
                *away.entry((&end.source, left.what)).or_default() += 1;
            }
        }
        let fell_back =
            reasons.into_iter().map(|(why, (reason, clips))| FellBack { why, reason: reason.clone(), clips });
        let left_away = away.into_iter().map(|((source, what), clips)| Without {
            source: source.to_owned(),
            what,
            clips,
        });
        let mut report = ClipReport {
            asked: self.asked.len() as u32,
            made: ends.iter().filter(|end| end.clip.is_some()).count() as u32,
            unfinished: (self.asked.len() - ends.len()) as u32,
            cost: ends.iter().map(|end| end.cost).sum(),
            currency,
            makers: makers.into_values().collect(),
            left_away: left_away.collect(),
            fell_back: fell_back.collect(),
            notices: Vec::new(),
        };
        report.notices = report.sentences();
        Some(report)
    }
}

/// What is told of a run's clips, in its JSON and its report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipReport {
    /// Distinct clips that were asked for.
    pub asked: u32,
    /// Those that are shown.
    pub made: u32,
    /// Those that the run did not wait for, because it ended.
    pub unfinished: u32,
    /// What they cost together, failed tries included, in millionths of the currency.
    pub cost: Micros,
    /// The run's currency.
    pub currency: Currency,
    /// Who made them, by name.
    pub makers: Vec<ClipMaker>,
    /// What was asked for, and their makers do not take.
    pub left_away: Vec<Without>,
    /// Why pictures stand in for the others.
    pub fell_back: Vec<FellBack>,
    /// The same in sentences.
    pub notices: Vec<String>,
}

/// Who made clips of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipMaker {
    /// The source.
    pub source: String,
    /// The model.
    pub model: String,
    /// The licence of its clips.
    pub licence: String,
    /// How many.
    pub clips: u32,
    /// How many of them were made before this run.
    pub from_library: u32,
}

/// Clips that were made without something that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Without {
    /// The source that made them.
    pub source: String,
    /// What it does not take, or not all of it.
    pub what: Leavable,
    /// How many.
    pub clips: u32,
}

/// Clips that are not shown, for one reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FellBack {
    /// The reason in English.
    pub why: String,
    /// The reason, to be told in the language of the brief.
    #[serde(default)]
    pub reason: ClipReason,
    /// How many.
    pub clips: u32,
}

impl ClipReport {
    fn sentences(&self) -> Vec<String> {
        let mut told = vec![format!(
            "{} of {} generated clips {} made; they cost {} {}.",
            self.made,
            self.asked,
            if self.made == 1 { "was" } else { "were" },
            self.cost.to_decimal(),
            self.currency.code()
        )];
        for maker in &self.makers {
            let known = match maker.from_library {
                0 => String::new(),
                count => format!(", {count} of them from the library"),
            };
            told.push(format!(
                "`{}` made {} with {} ({}){known}.",
                maker.source, maker.clips, maker.model, maker.licence
            ));
        }
        for Without { source, what, clips } in &self.left_away {
            let clips = if *clips == 1 { "1 clip was".to_owned() } else { format!("{clips} clips were") };
            let all = if *what == Leavable::Pictures { "all " } else { "" };
            told.push(format!("`{source}` does not take {all}{}: {clips} made without.", what.words()));
        }
        for fell_back in &self.fell_back {
            let (shots, show) = if fell_back.clips == 1 { ("shot", "shows") } else { ("shots", "show") };
            let why = fell_back.why.trim_end_matches('.');
            told.push(format!("{} generated {shots} {show} a real picture instead: {why}.", fell_back.clips));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(clip: Option<&str>, cost: i64, from_library: bool, why: &str) -> ClipEnd {
        let made = clip.is_some();
        let named = |name: &str| if made { name.to_owned() } else { String::new() };
        ClipEnd {
            clip: clip.map(|bytes| ArtifactHash::of(bytes.as_bytes())),
            source: named("kling"),
            model: named("kling-v3"),
            licence: named("terms"),
            from_library,
            left_away: Vec::new(),
            cost: Micros(cost),
            failed_tries: 0,
            why: ClipReason::Words(why.to_owned()),
        }
    }

    #[test]
    fn the_run_of_a_job_stands_at_the_beginning_of_its_name() {
        let run = RunId::derive(1, "clips", 0);
        assert_eq!(run_of_job(&format!("{run}-abc-kling")), Some(run));
        for key in [String::new(), run.to_string(), format!("{run}abc"), "k".repeat(60)] {
            assert_eq!(run_of_job(&key), None, "{key}");
        }
    }

    #[test]
    fn the_report_counts_makers_costs_and_reasons() {
        assert_eq!(Clips::default().report(Currency::USD), None);
        let first = ClipEnd {
            left_away: vec![LeftAway { what: Leavable::Seed, names: Vec::new() }],
            ..end(Some("a"), 700_000, false, "")
        };
        let ends = [
            Some(first),
            Some(end(Some("b"), 0, true, "")),
            Some(end(None, 350_000, false, "the clip showed another cup.")),
            None,
        ];
        let asked = ends.into_iter().enumerate().map(|(idx, ended)| AskedClip {
            key: ClipKey::of(&idx),
            generation: 1,
            ended,
        });
        let clips = Clips { asked: asked.collect(), waiting: Vec::new() };
        let report = clips.report(Currency::USD).expect("a report");
        assert_eq!((report.asked, report.made, report.unfinished, report.cost), (4, 2, 1, Micros(1_050_000)));
        assert_eq!((report.makers[0].clips, report.makers[0].from_library), (2, 1));
        assert_eq!(
            report.notices,
            [
                "2 of 4 generated clips were made; they cost 1.05 USD.",
                "`kling` made 2 with kling-v3 (terms), 1 of them from the library.",
                "`kling` does not take the seed: 1 clip was made without.",
                "1 generated shot shows a real picture instead: the clip showed another cup.",
            ]
        );
    }
}
