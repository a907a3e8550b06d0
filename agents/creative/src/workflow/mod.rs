//! The agent loop: a pure state machine and the executors around it.
//!
//! [`decide`] takes a run, the agent's state and one [`AgentEvent`] and answers with a
//! [`Commit`](spotwright_core::ports::step_store::Commit): the state after, and everything that
//! follows. It reads no clock, no store and no random numbers. [`CreativeAgent`] does the outside
//! work of each step through the ports and turns steps and messages into events.
//!
//! Joins ("every preview is scored", "every placement has reported") are decided on counts that
//! the store read together with the run's version; a commit on an outdated version is refused and
//! decided again, so a join fires exactly once whatever the order of events.

mod agent;
mod decide;
mod metered;
mod play;
mod scoring;
mod shown;
mod stages;
mod state;
mod trace;

pub use agent::{CreativeAgent, Ports, first_commit};
pub use decide::{cancel, decide};
pub use play::{campaign, outcomes};
pub use scoring::{history_before, score_input};
pub use state::{AgentEvent, AgentState};
