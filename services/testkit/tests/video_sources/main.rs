//! Sources of generated clips against a provider that plays their servers: every dialect, every fault.
//!
//! The provider keeps books of its own: what it made under which key, and what it charged. They are the
//! measure of ours.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]

mod ads;
mod callbacks;
mod cases;
mod crowd;
mod endings;
mod jobs;
mod kills;
mod life;
mod lips;
mod servers;
mod settings;
mod world;
