//! The subcommands and where they find their files.

use std::io::Write;
use std::path::PathBuf;

use clap::Subcommand;
use spotwright_schemas::Problem;

use crate::chinese;

/// What to do with click models.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Compare the ranking of Chinese copy with that of its English original.
    Chinese(chinese::Arguments),
}

/// Where files are found. The program fills it from its configuration.
#[derive(Debug, Clone)]
pub struct Places {
    /// Folder of the encoders' files, one folder per encoder.
    pub models: PathBuf,
    /// Folder of the data sets (`upworthy/`, `promo/`, `mushroom/`, `ope_oracle/`).
    pub data: Option<PathBuf>,
    /// Folder for vectors of texts by content hash; may be deleted at any time.
    pub cache: PathBuf,
}

/// Runs one subcommand and writes its answer to `out`: JSON with `json`, else a table to be read.
///
/// # Errors
/// A [`Problem`] with the code of what is wrong: arguments, data or model files.
pub fn execute(command: &Command, places: &Places, json: bool, out: &mut dyn Write) -> Result<(), Problem> {
    match command {
        Command::Chinese(arguments) => chinese::execute(arguments, places, json, out),
    }
}
