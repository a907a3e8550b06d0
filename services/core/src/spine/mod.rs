//! The spine: executes what a workflow decides, durably.
//!
//! A [`Workflow`] says what a step does and what follows from it; the [`Engine`] claims steps,
//! hands messages over, and writes every decision as one [`Commit`](crate::ports::step_store::Commit).
//! Nothing a worker did counts until that commit is written under the step's fence and the run's
//! version; whatever happened before it can happen again.

mod campaign_days;
mod checkpoints;
mod days;
mod engine;
mod hearing;
mod intake;
mod messages;
mod paid_calls;
mod report_maker;
mod workflow;

pub use campaign_days::{CampaignDays, CampaignPorts};
pub use checkpoints::{Checkpoints, NoCheckpoints, POINTS};
pub use days::{DayPorts, DayStep, ExperimentDays};
pub use engine::{ClaimQueue, Engine, EngineOptions, RunLocks, Shutdown};
pub use hearing::{Hearing, MessageListener};
pub use intake::view_after;
pub use messages::Messages;
pub use paid_calls::{Begun, PaidCalls};
pub use report_maker::ReportMaker;
pub use workflow::{StepError, StepOutcome, Undecided, Workflow};

/// Target of the spans of steps, messages, paid calls and whole runs. Each has a field `run.id`, so
/// that an exporter can join what several processes did for one run.
pub const TRACE: &str = "spotwright::trace";
