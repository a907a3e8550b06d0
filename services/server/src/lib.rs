//! The program: configuration, wiring of adapters to ports, and the commands.
//!
//! # Purpose
//! This is the only crate that names adapters. A command reads its configuration, wires a
//! [`wiring::Spotwright`] and drives it; everything that decides something lives behind it.
//!
//! # Invariants
//! - Input is checked to the end before anything is written.
//! - With `--json`, standard output holds one JSON document; logs and progress go to standard error.
//! - The exit code is 0 only on success; 2 means that the input has to be mended.
//!
//! # Example
//! ```no_run
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use spotwright_server::{cli::RunArguments, commands::run, config::Config};
//!
//! let arguments = RunArguments { brief: Some("examples/coffee-en/brief.yaml".into()), ..Default::default() };
//! let summary = run::execute(&arguments, &Config::load(None)?).await?;
//! println!("{}", summary.out.display());
//! # Ok::<(), spotwright_schemas::Problem>(())
//! # }).unwrap();
//! ```

pub mod asyncapi;
pub mod brief_file;
pub mod cli;
pub mod commands;
pub mod config;
pub mod control;
pub mod foundation;
pub mod health;
pub mod outputs;
pub mod progress;
pub mod publish;
pub mod report;
pub mod standins;
pub mod wiring;
