//! Experiments: variants of a run that are shown to users divided by chance, until somebody decides.
//!
//! [`order`] makes a draft of an order, [`machine`] says what follows from a command or a day; both are pure.
//! What is measured of them is in [`exposure`]; who plays days and reads them out stands behind
//! [`crate::ports::experiments`].

pub mod exposure;
pub mod machine;
pub mod order;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use spotwright_schemas::experiment::{
    ExperimentChoice, ExperimentDesign, ExperimentPhase, ExperimentVerdict, ReadOut,
};
use spotwright_schemas::ids::{ExperimentId, OrganizationId, RunId};
use spotwright_schemas::money::Currency;

/// Where an experiment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExperimentState {
    /// Made and not started: nothing is shown.
    Draft,
    /// Its days are played.
    Running,
    /// No day is played until it is resumed.
    Paused,
    /// No day is played any more; nobody has decided yet.
    Stopped,
    /// Decided.
    Decided,
    /// Put away.
    Archived,
}

impl ExperimentState {
    /// Every state, in the order in which they are passed.
    pub const ALL: [Self; 6] =
        [Self::Draft, Self::Running, Self::Paused, Self::Stopped, Self::Decided, Self::Archived];

    /// The state as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Decided => "decided",
            Self::Archived => "archived",
        }
    }
}

impl std::fmt::Display for ExperimentState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why an experiment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoppedBecause {
    /// Somebody stopped it.
    Person,
    /// Its last day was played.
    MaximumDays,
    /// A variant that it showed was withdrawn.
    ArmWithdrawn,
    /// It was decided while it ran.
    Decided,
    /// A day could not be played.
    Failed,
}

impl StoppedBecause {
    /// The reason as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::MaximumDays => "maximum_days",
            Self::ArmWithdrawn => "arm_withdrawn",
            Self::Decided => "decided",
            Self::Failed => "failed",
        }
    }
}

/// What was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What.
    pub choice: ExperimentChoice,
    /// The arm that was taken; `None` unless one was.
    pub arm: Option<String>,
    /// Why, in the words of whoever decided.
    pub reason: String,
    /// When, in microseconds since 1970 UTC.
    pub at: i64,
    /// Whether the standing verdict said the same.
    pub agrees: bool,
}

/// An experiment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// Its id.
    pub id: ExperimentId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// The run whose variants, or whose product's advertisements, it compares.
    pub run: RunId,
    /// Its name.
    pub name: String,
    /// Currency of its amounts.
    pub currency: Currency,
    /// Where it stands.
    pub state: ExperimentState,
    /// What it tests, and how. Never changed.
    pub design: ExperimentDesign,
    /// How users are divided; the last one holds.
    pub phases: Vec<ExperimentPhase>,
    /// The last day that was played; 0 before the first.
    pub day: u32,
    /// The standing verdict of the present phase.
    pub verdict: Option<ExperimentVerdict>,
    /// Whether users were not divided as configured. It stays once it is there.
    pub srm_alarm: bool,
    /// Why it ended.
    pub stopped_because: Option<StoppedBecause>,
    /// What was decided.
    pub decision: Option<Decision>,
    /// When it was made, in microseconds since 1970 UTC, as all its times.
    pub created_at: i64,
    /// When it started.
    pub started_at: Option<i64>,
    /// When it ended.
    pub stopped_at: Option<i64>,
    /// When the next day is due; `None` unless it runs.
    pub next_day_at: Option<i64>,
    /// Grows by one with every change; a change that expects another one is refused.
    pub version: i64,
}

impl Experiment {
    /// The phase that holds. There always is one.
    #[must_use]
    pub fn phase(&self) -> u32 {
        self.phases.last().map_or(0, |phase| phase.phase)
    }
}

/// Who did something with an experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// `person`, `key` or `service`.
    pub kind: String,
    /// The id of the person or key.
    pub id: Option<String>,
}

impl Author {
    /// The program itself.
    #[must_use]
    pub fn service() -> Self {
        Self { kind: "service".to_owned(), id: None }
    }
}

/// What an entry of the log is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// It was made.
    Created,
    /// It started.
    Started,
    /// It was paused.
    Paused,
    /// It was resumed.
    Resumed,
    /// Users are divided in another way from now on.
    Reallocated,
    /// Users were not divided as configured.
    SrmAlarm,
    /// The standing verdict changed.
    Verdict,
    /// It ended.
    Stopped,
    /// It was decided.
    Decided,
    /// It was put away.
    Archived,
}

impl EntryKind {
    /// The kind as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Started => "started",
            Self::Paused => "paused",
            Self::Resumed => "resumed",
            Self::Reallocated => "reallocated",
            Self::SrmAlarm => "srm_alarm",
            Self::Verdict => "verdict",
            Self::Stopped => "stopped",
            Self::Decided => "decided",
            Self::Archived => "archived",
        }
    }
}

/// An entry of an experiment's log: who did what, when and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogEntry {
    /// When.
    pub at: i64,
    /// Who.
    pub by: Author,
    /// What.
    pub kind: EntryKind,
    /// Why, in the words of whoever did it; the sentence of a verdict.
    pub text: String,
    /// In which phase.
    pub phase: u32,
    /// After which day.
    pub day: u32,
    /// What else belongs to it.
    pub detail: Value,
}

/// A day that was played and read out.
#[derive(Debug, Clone, PartialEq)]
pub struct PlayedDay {
    /// What it says.
    pub read_out: ReadOut,
    /// The file with its exposures.
    pub exposures: crate::ports::artifacts::ArtifactHash,
}
