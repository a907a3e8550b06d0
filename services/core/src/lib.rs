//! The domain of Spotwright: what a run is, the ports it needs, and the engine that drives it.
//!
//! # Purpose
//! `core` knows *what* happens between a brief and placed winners, not *how*: every outside thing
//! is behind a trait in [`ports`]. There is no SQL, HTTP, AMQP, candle or FFmpeg here.
//!
//! # Invariants
//! - A state change, its messages, its ledger rows and the next steps are one [`spine::Commit`] and
//!   are written in one transaction.
//! - Decisions are pure: [`spine::Workflow::decide`] sees a state and an event, nothing else.
//! - Clock, seeds and ids are parameters.
//!
//! # Example
//! ```
//! use spotwright_core::ports::clock::{Clock, ManualClock};
//!
//! let clock = ManualClock::starting_at(1_000_000);
//! clock.advance_micros(5);
//! assert_eq!(clock.now_micros(), 1_000_005);
//! ```

pub mod domain;
pub mod ports;
pub mod spine;
pub mod use_cases;
