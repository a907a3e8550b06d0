//! The program: configuration, wiring of adapters to ports, and the commands.
//!
//! # Purpose
//! This is the only crate that names adapters. A command reads its configuration, wires a
//! [`wiring::World`] and drives it; everything that decides something lives behind it.
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
//! let brief = Some("examples/coffee-en/brief.yaml".into());
//! let arguments = RunArguments { brief, ..Default::default() };
//! let summary = run::execute(&arguments, &Config::load(None)?).await?;
//! println!("{}", summary.out.display());
//! # Ok::<(), spotwright_schemas::Problem>(())
//! # }).unwrap();
//! ```

pub mod asyncapi;
pub mod brief_file;
pub mod cli;
pub mod clip_hints;
pub mod commands;
pub mod config;
pub mod control;
pub mod descriptors;
pub mod drift;
pub mod experiments;
pub mod foundation;
pub mod generated;
pub mod health;
pub mod imported;
pub mod impressions;
pub mod listener;
pub mod losses;
pub mod measures;
pub mod model_watch;
pub mod outputs;
pub mod prices;
pub mod progress;
pub mod provenance;
pub mod proxy;
pub mod publish;
pub mod readiness;
pub mod report;
pub mod sandbox;
pub mod standins;
pub mod telemetry;
pub mod text_vectors;
pub mod video_jobs;
pub mod video_motion;
pub mod video_sources;
pub mod voices;
pub mod webhooks;
pub mod wiring;
pub mod withdrawals;
mod words;
pub mod writers;

pub use spotwright_render::worker;

use std::process::ExitCode;

use cli::{Arguments, Command};
use config::Config;
use telemetry::Telemetry;

/// The program with its own command line: installs logs, spans and TLS of this process, and runs the
/// command. Only for a process that is nothing else.
#[must_use]
pub fn start(arguments: &Arguments) -> ExitCode {
    let _limit = descriptors::raise();
    let serves = matches!(arguments.command, Command::Serve { .. });
    let traced = serves || matches!(arguments.command, Command::Run(_));
    // What is wrong with the configuration is told by the command, which reads it again.
    let config = if traced { Config::load(arguments.config.as_deref()).ok() } else { None };
    let endpoint = config.map(|config| config.telemetry.otlp_endpoint).unwrap_or_default();
    let telemetry = Telemetry::install(serves, &endpoint, arguments.roles());
    // Fails only when a provider is installed already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    commands::main(arguments, telemetry)
}
