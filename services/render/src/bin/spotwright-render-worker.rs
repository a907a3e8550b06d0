//! The caged child as a program of its own, for tests of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Whoever starts it as itself made a mistake.
    spotwright_render::worker::run_if_asked().unwrap_or_else(|| ExitCode::from(64))
}
