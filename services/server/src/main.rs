//! The `spotwright` program.

use std::process::ExitCode;

use clap::Parser;
use spotwright_server::cli::Arguments;

fn main() -> ExitCode {
    spotwright_server::start(&Arguments::parse())
}
