//! The spine: executes what a workflow decides, durably.
//!
//! A [`Workflow`] says what a step does and what follows from it; the [`Engine`] claims steps,
//! hands messages over, and writes every decision as one [`Commit`](crate::ports::step_store::Commit).
//! Nothing a worker did counts until that commit is written under the step's fence and the run's
//! version; whatever happened before it can happen again.

mod checkpoints;
mod days;
mod engine;
mod intake;
mod messages;
mod paid_calls;
mod workflow;

pub use checkpoints::{Checkpoints, NoCheckpoints, POINTS};
pub use days::{DayPorts, ExperimentDays};
pub use engine::{ClaimQueue, Engine, EngineOptions, RunLocks, Shutdown};
pub use intake::view_after;
pub use messages::Messages;
pub use paid_calls::{Begun, PaidCalls};
pub use workflow::{StepError, StepOutcome, Undecided, Workflow};

/// Target of the spans of steps, messages, paid calls and whole runs. Each has a field `run.id`, so
/// that an exporter can join what several processes did for one run.
pub const TRACE: &str = "spotwright::trace";
