//! Sources of generated clips against a provider that plays their servers: every dialect, every fault.
//!
//! The clips are made by the steps of the real agent, on the real engine and store. The provider keeps books of
//! its own: what it made under which key, and what it charged. They are the measure of ours.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

mod callbacks;
mod cases;
mod crowd;
mod endings;
mod kills;
mod life;
mod lips;
mod nobody;
mod reader;
mod servers;
mod world;
