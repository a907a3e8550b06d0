//! The agent loop: a pure state machine and the executors around it.
//!
//! [`decide`] takes a run, the agent's state and one [`AgentEvent`] and answers with a
//! [`Commit`](spotwright_core::ports::step_store::Commit): the state after, and everything that
//! follows. It reads no clock, no store and no random numbers. [`CreativeAgent`] does the outside
//! work of each step through the ports and turns steps and messages into events.
//!
//! What people say on the way comes in by [`tell`], as pure as [`decide`]: an answer, an approval, a
//! rejection, an edit. It is written with what follows from it, and remembered under its id.
//!
//! Joins ("every preview is scored", "every placement has reported") are decided on counts that
//! the store read together with the run's version; a commit on an outdated version is refused and
//! decided again, so a join fires exactly once whatever the order of events.

mod agent;
mod by_mode;
mod clips;
mod decide;
mod footage_ports;
mod heard;
mod imported;
mod metered;
mod play;
mod prospect;
mod revising;
mod shown;
mod stages;
mod state;
mod tell;
mod trace;
mod voice_ports;

pub use crate::edits::PERSON;
pub use agent::{CreativeAgent, Ports, first_commit};
pub use by_mode::ByMode;
pub use clips::{
    AskedClip, ClipEnd, ClipMaker, ClipOutcome, ClipReport, Clips, FellBack, MadeClip, Tried, TryEnd,
    Without, run_of_job,
};
pub use decide::{cancel, decide};
pub use footage_ports::{ClipOptions, FootagePorts};
pub use heard::{Heard, HeardSignal, MAX_SIGNALS, Redraft};
pub use play::{campaign, outcomes, played_campaign};
pub use prospect::Prospect;
pub use revising::revising;
pub use stages::place::PlacedVariant;
pub use stages::serve::Holds;
pub use stages::speak::SpokenAd;
pub use state::{AgentEvent, AgentState};
pub use tell::tell;
pub use voice_ports::VoicePorts;
