//! The command `spotwright scorer`: trains click models and shows, on real data, what they and the
//! allocation policies are worth.
//!
//! # Purpose
//! [`spotwright_scoring`] and [`spotwright_experiment`] are pure; here their inputs are read, their
//! figures measured and put into tables. Each subcommand is a module with its `Arguments` and its
//! `execute`; what it prints is one JSON document (`rank`: JSON Lines).
//!
//! It deliberately takes no part in a run: nothing that serves depends on it.
//!
//! # Invariants
//! - The test part of a data set is read by measurements only, never by fitting or choosing.
//! - Equal files and equal seeds give equal figures; only `bench` reads a clock.
//! - Every figure names the data, the split and the model it is of.

mod archive;
pub mod bench;
mod calibration;
pub mod card;
pub mod chinese;
pub mod command;
mod coverage;
pub mod eval;
mod inputs;
pub mod installed;
pub mod ladder;
mod lightgbm;
mod models;
pub mod mushroom;
pub mod off_policy;
mod pair_file;
mod pairs;
mod problem;
mod progress;
pub mod promo;
pub mod rank;
pub mod train;
mod vectors;

pub use archive::Encoder;
pub use command::{Command, Places, execute};
