//! The `spotwright` program.

use std::process::ExitCode;

use clap::Parser;
use spotwright_media::worker;
use spotwright_server::cli::Arguments;

fn main() -> ExitCode {
    // First of all: files from outside are read by a child process that is this program.
    if let Some(code) = worker::run_if_asked() {
        return code;
    }
    spotwright_server::start(&Arguments::parse())
}
