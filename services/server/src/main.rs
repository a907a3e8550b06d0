//! The `spotwright` program.

use std::process::ExitCode;

use clap::Parser;
use spotwright_server::cli::Arguments;
use spotwright_server::worker;

fn main() -> ExitCode {
    // First of all: files from outside are read by a child process that is this program.
    if let Some(code) = worker::run_if_asked() {
        return code;
    }
    spotwright_server::start(&Arguments::parse())
}
