//! The subcommands and where they find their files.

use std::io::Write;
use std::path::PathBuf;

use clap::Subcommand;
use spotwright_schemas::Problem;

use crate::{bench, card, eval, installed, ladder, rank, train};

/// What to do with click models.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fit a click model on a table of click tests and write it with its card.
    Train(train::Arguments),
    /// Measure models, policies and estimators on data that nothing was fitted on.
    Eval(eval::Arguments),
    /// Say which of two texts does better, for every pair of a CSV file, as JSON Lines.
    Rank(rank::Arguments),
    /// Print what a model was fitted on, what it is worth and where it must not be trusted.
    Card(card::Arguments),
    /// Measure what scoring costs on one core.
    Bench(bench::Arguments),
    /// Measure what allocation policies earn on the archive's tests.
    Ladder(ladder::Arguments),
    /// Let a model serve in place of the one that does.
    Install(installed::Install),
    /// Let the model serve again that did before.
    Rollback,
    /// Say which model serves, and which ones did before.
    Versions,
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
        Command::Train(arguments) => train::execute(arguments, places, json, out),
        Command::Eval(arguments) => eval::execute(arguments, places, json, out),
        Command::Rank(arguments) => rank::execute(arguments, places, json, out),
        Command::Card(arguments) => card::execute(arguments, places, json, out),
        Command::Bench(arguments) => bench::execute(arguments, places, json, out),
        Command::Ladder(arguments) => ladder::execute(arguments, places, json, out),
        Command::Install(arguments) => installed::install(arguments, places, json, out),
        Command::Rollback => installed::roll_back(places, json, out),
        Command::Versions => installed::versions(places, json, out),
    }
}
