//! The command `scorer` alone, without the rest of the program: the same subcommands, with places
//! from the command line.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use spotwright_evaluation::{Command, Places, execute};

/// Trains click models and measures what they are worth.
#[derive(Debug, Parser)]
struct Options {
    /// Folder of the encoders' files.
    #[arg(long, env = "SPOTWRIGHT_MODELS", global = true, default_value = "models")]
    models: PathBuf,
    /// Folder of the data sets.
    #[arg(long, env = "SPOTWRIGHT_DATA", global = true)]
    data: Option<PathBuf>,
    /// Folder for vectors of texts.
    #[arg(long, env = "SPOTWRIGHT_CACHE", global = true, default_value = "target/scorer-cache")]
    cache: PathBuf,
    /// Print JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let places = Places { models: options.models, data: options.data, cache: options.cache };
    match execute(&options.command, &places, options.json, &mut std::io::stdout().lock()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Nothing can be done when even this cannot be written.
            let _ignored = writeln!(std::io::stderr(), "error: {problem}");
            ExitCode::FAILURE
        }
    }
}
