//! The `spotwright` program.

use std::process::ExitCode;

use clap::Parser;
use spotwright_server::cli::{Arguments, Command};
use spotwright_server::commands;
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A service tells what it does; a command that answers on the terminal tells what is wrong.
    // What lapin calls errors are lost connections, which the bus tells of and mends.
    let usual =
        if matches!(arguments.command, Command::Serve { .. }) { "info,lapin=off" } else { "warn,lapin=off" };
    let filter = EnvFilter::try_from_env("SPOTWRIGHT_LOG").unwrap_or_else(|_| EnvFilter::new(usual));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    // Fails only when a provider is installed already, which is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
    commands::main(&arguments)
}
