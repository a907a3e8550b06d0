//! What a workflow has to say.

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::Value;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::Event;

use super::PaidCalls;
use crate::domain::run::RunView;
use crate::ports::step_store::{ClaimedStep, Commit, StoreError};

/// How the outside work of a step ended.
#[derive(Debug, Clone, PartialEq)]
pub enum StepOutcome {
    /// Done, with what the workflow needs to decide.
    Done(Value),
    /// Failed for good.
    Failed(Problem),
}

/// Why the outside work of a step has no result.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StepError {
    /// Worth another attempt.
    #[error("{problem}")]
    Retry {
        /// What went wrong.
        problem: Problem,
        /// How long to wait.
        delay: Duration,
    },
    /// Nothing went wrong: something outside goes on, and there is nothing to do until then. The step gives
    /// its worker and its lease back and is executed again after the delay; neither an attempt nor an error
    /// is counted, and paid calls that it has begun stay open. Whoever waits sets the end of it: a workflow
    /// has a deadline of its own.
    #[error("it waits for something outside, for {delay:?}")]
    Waiting {
        /// How long to wait before looking again.
        delay: Duration,
        /// Given back as [`ClaimedStep::progress`] with every later attempt, at most
        /// [`MAX_PROGRESS_BYTES`](crate::ports::step_store::MAX_PROGRESS_BYTES) of JSON.
        progress: Value,
    },
    /// Repeating cannot help.
    #[error("{0}")]
    Permanent(Problem),
    /// The store could not answer, which says nothing about the work. The engine repeats it in
    /// place for as long as it holds the step, without counting an attempt.
    #[error("{0}")]
    Unavailable(StoreError),
    /// A disk is full, or descriptors or memory are used up, which says nothing about the work either:
    /// repeated in the same way until there is room.
    #[error("{0}")]
    NoRoom(String),
}

impl StepError {
    /// The run has ended or is being ended, and the work with it.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::Permanent(Problem::new(
            Code::RunCancelled,
            "",
            "the run was ended while the work was under way",
        ))
    }

    /// Nobody can tell what became of a paid call, nor ever will.
    #[must_use]
    pub fn call_unknown() -> Self {
        Self::Permanent(Problem::new(
            Code::CallUnknown,
            "",
            "an interrupted call cannot be looked up; it counts as spent",
        ))
    }

    /// Whether the installation is at fault and not the work, so that no attempt is counted.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::NoRoom(_))
    }

    /// Whether it counts as an attempt.
    #[must_use]
    pub fn counts(&self) -> bool {
        !self.is_outage() && !matches!(self, Self::Waiting { .. })
    }
}

impl From<StoreError> for StepError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict | StoreError::Database(_) => Self::Unavailable(error),
            StoreError::Budget { .. } => {
                Self::Permanent(Problem::new(Code::BudgetExhausted, "budget.total", error.to_string()))
            }
            StoreError::Ended => Self::cancelled(),
            _ => Self::Permanent(Problem::new(Code::StoreFormat, "", error.to_string())),
        }
    }
}

/// Why it cannot be said what follows from a result or a message.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Undecided {
    /// The store could not answer, which says nothing about the result or the message: the same
    /// question is asked again.
    #[error("{0}")]
    Unavailable(StoreError),
    /// Stored data cannot be understood, or a result leads nowhere.
    #[error("{0}")]
    Impossible(Problem),
}

impl From<StoreError> for Undecided {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict | StoreError::Database(_) => Self::Unavailable(error),
            _ => Self::Impossible(Problem::new(Code::Store, "", error.to_string())),
        }
    }
}

impl From<Problem> for Undecided {
    fn from(problem: Problem) -> Self {
        Self::Impossible(problem)
    }
}

/// Says what steps do and what follows from steps and messages.
///
/// `execute` may take long, may be repeated and must not write to the store. `after_step` and
/// `after_message` are quick, are called again when the run has changed meanwhile, and only read.
#[async_trait]
pub trait Workflow: Send + Sync {
    /// Does the outside work of a step.
    ///
    /// # Errors
    /// [`StepError`]; after the last attempt every error is permanent.
    async fn execute(&self, step: &ClaimedStep, calls: &PaidCalls<'_>) -> Result<Value, StepError>;

    /// What follows from the end of a step.
    ///
    /// # Errors
    /// [`Undecided`].
    async fn after_step(
        &self,
        run: &RunView,
        step: &ClaimedStep,
        outcome: &StepOutcome,
        now: Timestamp,
    ) -> Result<Commit, Undecided>;

    /// What follows from a message.
    ///
    /// # Errors
    /// [`Undecided`].
    async fn after_message(&self, run: &RunView, event: &Event, now: Timestamp) -> Result<Commit, Undecided>;
}
