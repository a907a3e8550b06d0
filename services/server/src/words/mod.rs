//! What the program says about a run, in the language of its brief: report, notices, summary.
//!
//! One value of [`Words`] per language; a text that one of them lacks does not compile. Formats, JSON
//! and errors are for programs and stay English.

mod en;
mod failure;
mod zh;

use serde::Serialize;
use spotwright_core::domain::estimate::{Band, Basis, WorkKind};
use spotwright_core::domain::run::{Approval, RunView, Stage};
use spotwright_core::domain::withdrawal::{Price, Withdrawal};
use spotwright_core::ports::clip_source::{Leavable, LeftAway};
use spotwright_core::ports::language_model::ModelFault;
use spotwright_creative::critique::Finding;
use spotwright_schemas::locale::{Language, Locale};
use spotwright_schemas::script::Role;

use crate::voices::VoiceSummary;
use crate::writers::Shares;

pub(crate) use en::{COPY_ENGINE_WROTE, VOICE_NOT_INSTALLED};
pub(crate) use failure::Failure;

/// Texts of one language.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) locale: Locale,
    /// What the page says without numbers.
    pub(crate) page: Page,
    pub(crate) plots: Plots,
    pub(crate) why: WhyWords,
    pub(crate) losses: LossWords,
    pub(crate) writers: WriterWords,
    pub(crate) clips: ClipWords,
    pub(crate) terminal: TerminalWords,
    /// A share in percent.
    pub(crate) percent: fn(f64) -> String,
    /// Place among the winners and generation.
    pub(crate) place: fn(usize, u32) -> String,
    /// Media cost of a budget.
    pub(crate) media_of: fn(&str) -> String,
    pub(crate) times_shown: fn(&str) -> String,
    /// Clicks, conversions.
    pub(crate) converted: fn(&str, &str) -> String,
    /// Spend, cost of a click.
    pub(crate) each_click: fn(&str, &str) -> String,
    /// Level that the parts of a prediction start from.
    pub(crate) from_level: fn(&str) -> String,
    /// PCOC, expected calibration error, the part of it that chance explains.
    pub(crate) believed: fn(&str, &str, &str) -> String,
    /// Who answered a question, or that its default was taken.
    pub(crate) reply: fn(Reply<'_>) -> String,
    /// Clicks, impressions behind a lesson.
    pub(crate) lesson: fn(&str, &str) -> String,
    pub(crate) role: fn(Role) -> &'static str,
    /// An objective by its name in files.
    pub(crate) objective: fn(&str) -> String,
    /// A state of a variant by its stored name.
    pub(crate) state: fn(&str) -> String,
    /// A failure as stored, in short.
    pub(crate) failure: fn(&str) -> String,
    /// On which reports of real platforms a plan rests.
    pub(crate) imported: fn(&Imported) -> String,
    pub(crate) estimate: EstimateWords,
    /// Why a variant was withdrawn, in short.
    pub(crate) withdrawal: fn(&Withdrawal) -> String,
    /// A decision of the traffic ladder by its stored name.
    pub(crate) decision: fn(&str) -> String,
    /// A check of the quality gate: its name, whether it passed, what was measured.
    pub(crate) check: fn(&str, bool, &str) -> String,
    /// Who wrote a line, by the name of the provider.
    pub(crate) provider: fn(&str) -> String,
    /// A sentence that was stored or made in English.
    pub(crate) stored: fn(&str) -> String,
    /// Who speaks in the winners, and what is silent.
    pub(crate) voice: fn(&VoiceSummary) -> String,
    /// The log lacks a generation that an earlier version played.
    pub(crate) log_of_earlier_version: fn(u32) -> String,
    /// The log lacks a generation that the market no longer plays alike.
    pub(crate) log_differs: fn(u32) -> String,
}

/// An amount of money in a product feed, `none` where there is no amount.
pub(crate) fn feed_price(price: Option<&Price>, none: &str) -> String {
    price.map_or_else(
        || none.to_owned(),
        |price| {
            let code = price.currency.as_deref().unwrap_or_default();
            format!("{} {code}", price.amount.to_decimal()).trim_end().to_owned()
        },
    )
}

/// What is going on in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doing {
    ChoosingDirections,
    WritingScripts,
    WaitingForAnswers,
    /// Scripts that wait for approval.
    WaitingForApproval(u64),
    /// Previews scored, previews in all.
    Scoring(u64, u32),
    ChoosingVariants,
    /// Videos finished and wanted, and those that did not pass the gate, as far as they are told.
    Rendering(u64, u32, u64),
    Playing,
    Learning,
    Finished,
}

impl Doing {
    /// What a run does.
    pub(crate) fn of(run: &RunView) -> Self {
        let counts = run.counts;
        let total = run.request.variants;
        match run.stage {
            Stage::Requested | Stage::Planning => Self::ChoosingDirections,
            Stage::Drafting => Self::WritingScripts,
            Stage::WaitingForAnswers => Self::WaitingForAnswers,
            Stage::WaitingForApproval => Self::WaitingForApproval(counts.drafted),
            Stage::Scoring => Self::Scoring(counts.scored, total),
            Stage::Selecting => Self::ChoosingVariants,
            Stage::Rendering => {
                // People reject before anything is rendered, and are not told what they know.
                let seen = run.request.people.approval != Approval::None;
                let rejected = if seen { 0 } else { counts.rejected };
                Self::Rendering(counts.won + counts.rendered, run.request.winners.min(total), rejected)
            }
            Stage::Playing => Self::Playing,
            Stage::Observing | Stage::Learning => Self::Learning,
            Stage::Finished => Self::Finished,
        }
    }
}

/// What became of a question about the brief.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply<'a> {
    /// Answered, by whom: `person`, `key:<id>` or `system`.
    Answered(&'a str),
    /// The default was wished for, by whom.
    DefaultChosen(&'a str),
    /// Nobody answered, and the default was taken.
    DefaultTaken,
}

/// Texts of the page that hold no numbers. A text between backticks is set as code.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Page {
    pub(crate) title: &'static str,
    pub(crate) simulated: &'static str,
    pub(crate) by: &'static str,
    pub(crate) clicked_best: &'static str,
    pub(crate) generations: &'static str,
    pub(crate) drafted: &'static str,
    pub(crate) placed_winners: &'static str,
    pub(crate) unspent: &'static str,
    pub(crate) ended_early: &'static str,
    pub(crate) winners: &'static str,
    pub(crate) winners_note: &'static str,
    pub(crate) video: &'static str,
    pub(crate) rate_interval: &'static str,
    pub(crate) never_shown: &'static str,
    pub(crate) predicted: &'static str,
    pub(crate) shown: &'static str,
    pub(crate) clicks: &'static str,
    pub(crate) cost: &'static str,
    pub(crate) bred_from: &'static str,
    pub(crate) note: &'static str,
    pub(crate) worn_out: &'static str,
    pub(crate) script: &'static str,
    pub(crate) stand_in: &'static str,
    pub(crate) published: &'static str,
    pub(crate) why: &'static str,
    pub(crate) most_alike: &'static str,
    pub(crate) comma: &'static str,
    pub(crate) stop: &'static str,
    pub(crate) ladder: &'static str,
    pub(crate) rung: &'static str,
    pub(crate) beats: &'static str,
    pub(crate) decision: &'static str,
    pub(crate) gate: &'static str,
    pub(crate) audience_did: &'static str,
    pub(crate) audience_note: &'static str,
    pub(crate) trend_caption: &'static str,
    pub(crate) scatter_caption: &'static str,
    pub(crate) generation: &'static str,
    pub(crate) variants: &'static str,
    pub(crate) placed: &'static str,
    pub(crate) click_rate: &'static str,
    pub(crate) interval: &'static str,
    pub(crate) conversions: &'static str,
    pub(crate) media_cost: &'static str,
    pub(crate) believed: &'static str,
    pub(crate) promised: &'static str,
    pub(crate) alarm: &'static str,
    pub(crate) quiet: &'static str,
    pub(crate) raised: &'static str,
    pub(crate) held: &'static str,
    pub(crate) alarm_stands: &'static str,
    pub(crate) learnt: &'static str,
    pub(crate) asked: &'static str,
    pub(crate) asked_note: &'static str,
    pub(crate) question: &'static str,
    pub(crate) answer: &'static str,
    pub(crate) who: &'static str,
    pub(crate) money: &'static str,
    pub(crate) budget: &'static str,
    pub(crate) media: &'static str,
    pub(crate) production: &'static str,
    pub(crate) not_spent: &'static str,
    pub(crate) generated: &'static str,
    pub(crate) generated_note: &'static str,
    pub(crate) prompt: &'static str,
    pub(crate) shown_in: &'static str,
    pub(crate) made_by: &'static str,
    pub(crate) remarks: &'static str,
    pub(crate) all_variants: &'static str,
    pub(crate) variant: &'static str,
    pub(crate) hook: &'static str,
    pub(crate) direction: &'static str,
    pub(crate) appeal: &'static str,
    pub(crate) state: &'static str,
    pub(crate) how_to_read: &'static str,
    pub(crate) simulated_title: &'static str,
    pub(crate) simulated_note: &'static str,
    pub(crate) ai_title: &'static str,
    pub(crate) ai_note: &'static str,
    pub(crate) run: &'static str,
    pub(crate) seed: &'static str,
    pub(crate) click_model: &'static str,
    pub(crate) audience: &'static str,
    pub(crate) files: &'static str,
}

/// Texts of the plots.
#[derive(Debug)]
pub(crate) struct Plots {
    pub(crate) scatter: &'static str,
    pub(crate) trend: &'static str,
    pub(crate) predicted_rate: &'static str,
    pub(crate) realized_rate: &'static str,
    pub(crate) generation: &'static str,
    pub(crate) click_rate: &'static str,
    /// Name, predicted and realized rate of a point.
    pub(crate) scatter_point: fn(&str, &str, &str) -> String,
    /// Generation and rate of a point.
    pub(crate) trend_point: fn(u32, &str) -> String,
}

/// Texts of the explanation of a score.
#[derive(Debug)]
pub(crate) struct WhyWords {
    /// Names of the groups of features, in the order of the report's groups.
    pub(crate) groups: [&'static str; 8],
    /// Likeness, click rate and impressions of an earlier advertisement.
    pub(crate) alike: fn(&str, &str, &str) -> String,
    /// Clicks, impressions, predicted rate, ends of its interval.
    pub(crate) happened: fn(&str, &str, &str, &str, &str) -> String,
    /// Impressions; the rates that half and twice the clicks would have made.
    pub(crate) supposed: fn(&str, &str, &str) -> String,
    /// Name and predicted rate of the rival.
    pub(crate) told_already: fn(&str, &str) -> String,
    /// Click rate and impressions that tell it from a rival of this name and rate.
    pub(crate) told_after: fn(&str, &str, &str, &str) -> String,
    /// Click rate at which nothing tells it from a rival of this name and rate.
    pub(crate) never_told: fn(&str, &str, &str) -> String,
}

/// A stage at which variants are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LostAt {
    Writing,
    Preview,
    Scoring,
    Final,
    Gate,
    Feed,
}

/// Texts on videos that were asked for and did not come.
#[derive(Debug)]
pub(crate) struct LossWords {
    /// Generation, winners made, winners asked for.
    pub(crate) short: fn(u32, usize, u32) -> String,
    pub(crate) ended_before: &'static str,
    /// What was lost at a stage, how many, and the first reason.
    pub(crate) lost: fn(LostAt, usize, Option<&str>) -> String,
    /// Generations not begun, generations asked for, and why.
    pub(crate) not_begun: fn(u32, u32, Option<&str>) -> String,
    /// What the critique objects to.
    pub(crate) finding: fn(&Finding) -> String,
    /// What went wrong.
    pub(crate) reason: fn(&Failure<'_>) -> String,
    /// A failed check: its name, what was measured, what is needed.
    pub(crate) failed_check: fn(&str, &str, &str) -> String,
}

/// Texts on who wrote the lines.
#[derive(Debug)]
pub(crate) struct WriterWords {
    /// What a call failed with, and the provider's words.
    pub(crate) fault: fn(Option<ModelFault>, &str) -> String,
    /// Calls, and the reason in the provider's words: all of them failed.
    pub(crate) all_failed: fn(usize, &str) -> String,
    /// Failed calls, calls, and the reason most often given.
    pub(crate) some_failed: fn(usize, usize, &str) -> String,
    /// What the provider bills for failed calls; whether it is less than this.
    pub(crate) bill: fn(&str, bool) -> String,
    /// Why a line was dropped.
    pub(crate) dropped: fn(&Finding) -> String,
    /// Scripts proposed, and why the first was dropped: none was used.
    pub(crate) none_used: fn(usize, Option<&str>) -> String,
    /// How much of the scripts models wrote.
    pub(crate) shares: fn(&Shares) -> String,
}

/// What real platforms have reported of a product's ads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Imported {
    pub(crate) ads: usize,
    pub(crate) impressions: u64,
    pub(crate) clicks: u64,
}

/// Work of an estimate, as a line tells it.
#[derive(Debug)]
pub(crate) struct WorkTold<'a> {
    pub(crate) kind: WorkKind,
    pub(crate) provider: Option<&'a str>,
    pub(crate) calls: Band<u32>,
    /// Already in words.
    pub(crate) cost: &'a str,
    pub(crate) basis: Basis,
}

/// Texts on what a run would cost.
#[derive(Debug)]
pub(crate) struct EstimateWords {
    /// Currency, the band in words, the most that it can cost.
    pub(crate) total: fn(&str, &str, &str) -> String,
    /// Least, most and expected.
    pub(crate) band: fn(&str, &str, &str) -> String,
    pub(crate) work: fn(&WorkTold<'_>) -> String,
    pub(crate) reaches_cap: &'static str,
}

/// Who made clips, as a sentence tells it.
#[derive(Debug)]
pub(crate) struct ClipMakerTold<'a> {
    pub(crate) source: &'a str,
    pub(crate) model: &'a str,
    pub(crate) licence: &'a str,
    pub(crate) clips: u32,
    /// How many of them were made before the run.
    pub(crate) from_library: u32,
}

/// Texts on generated shots.
#[derive(Debug)]
pub(crate) struct ClipWords {
    /// Clips made, clips asked for, what they cost together.
    pub(crate) made: fn(u32, u32, &str) -> String,
    /// Who made how many of them.
    pub(crate) maker: fn(&ClipMakerTold<'_>) -> String,
    /// A source, what it does not take, and how many clips were made without it.
    pub(crate) without: fn(&str, Leavable, u32) -> String,
    /// What was left away of one clip's request.
    pub(crate) left_away: fn(&[LeftAway]) -> String,
    /// Clips that a picture stands in for, and why.
    pub(crate) fell_back: fn(u32, &str) -> String,
    /// A source that was asked without a usable clip, and why.
    pub(crate) tried: fn(&str, &str) -> String,
    /// Clips that the run did not wait for.
    pub(crate) unfinished: fn(u32) -> String,
    /// Behind the maker of a clip that was made before.
    pub(crate) library: &'static str,
    /// In the place of a maker where a picture stands in.
    pub(crate) picture: &'static str,
    /// In the place of a maker where the run ended first.
    pub(crate) not_waited_for: &'static str,
}

/// A generation as the summary tells it.
#[derive(Debug)]
pub(crate) struct GenerationTold<'a> {
    pub(crate) index: u32,
    pub(crate) variants: usize,
    pub(crate) placed: usize,
    pub(crate) predicted: &'a str,
    pub(crate) clicked: &'a str,
    pub(crate) media: &'a str,
}

/// Texts of the terminal.
#[derive(Debug)]
pub(crate) struct TerminalWords {
    pub(crate) generation: fn(&GenerationTold<'_>) -> String,
    /// Clicks and impressions of a winner.
    pub(crate) clicks_of: fn(u64, u64) -> String,
    pub(crate) launch_pack: &'static str,
    pub(crate) note: &'static str,
    pub(crate) ended_early: &'static str,
    /// Seconds; where the report is.
    pub(crate) end: fn(f64, &str) -> String,
    /// What is going on in a generation: the generation, all of them, and what it is.
    pub(crate) progress: fn(u32, u32, Doing) -> String,
}

impl Words {
    /// The texts for a locale.
    pub(crate) const fn of(locale: Locale) -> &'static Self {
        match locale.language() {
            Language::English => &en::WORDS,
            Language::Chinese => &zh::WORDS,
        }
    }

    /// What is going on in a run, for people.
    pub(crate) fn progress(&self, run: &RunView) -> String {
        (self.terminal.progress)(run.generation.max(1), run.request.generations, Doing::of(run))
    }
}

#[cfg(test)]
mod tests;
