//! `scorer train`: fits a click model on a table of click tests.

use std::fs;
use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use spotwright_schemas::Problem;
use spotwright_scoring::card::fit_with_card;
use spotwright_scoring::train::{Settings, TrainingTests};

use crate::archive::{Archive, Encoded, Encoder};
use crate::command::Places;
use crate::models::Model;
use crate::problem::{io_problem, output_problem, scoring_problem};
use crate::vectors::write_whole;

/// Which tests may be fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Rows {
    /// All tests of the train split, for real use.
    All,
    /// Those that the simulated audience is not fitted on, as for the models in the repository.
    Shipped,
}

impl Rows {
    pub(crate) const fn tests(self) -> TrainingTests {
        match self {
            Self::All => TrainingTests::Whole,
            Self::Shipped => TrainingTests::WithoutAudience,
        }
    }
}

/// Arguments of `scorer train`.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// Table of click tests, Parquet or CSV; without it, the Upworthy archive in the data folder.
    #[arg(long)]
    pub table: Option<PathBuf>,
    /// Encoder of headlines.
    #[arg(long, value_enum, default_value = "minilm")]
    pub encoder: Encoder,
    /// Encoder whose layer, fitted on the same tests, teaches: the model is fitted on its opinions as
    /// well as on clicks. Scoring does not need it.
    #[arg(long, value_enum)]
    pub teacher: Option<Encoder>,
    /// Which tests of the train split are fitted.
    #[arg(long, value_enum, default_value = "all")]
    pub rows: Rows,
    /// Folder for `ENCODER-ridge.safetensors` and `ENCODER-ridge.card.json`.
    #[arg(long)]
    pub out: PathBuf,
    /// Seed of the bootstrap intervals; the fit itself has no randomness.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
}

/// Fits, writes both files and prints the card.
///
/// # Errors
/// The table, the encoder's files or the output folder; see [`Problem`].
pub fn execute(
    arguments: &Arguments,
    places: &Places,
    _json: bool,
    out: &mut dyn Write,
) -> Result<(), Problem> {
    let archive = Archive::read(arguments.table.as_deref(), places)?;
    let (model, tests) =
        (Model { encoder: arguments.encoder, teacher: arguments.teacher }, arguments.rows.tests());
    let opinions = model.opinions(&archive, tests, places)?;
    let Encoded { rows, vectors, n_blocks, .. } = archive.encoded(model.encoder, places)?;
    let settings = Settings::new(model.encoder.name(), n_blocks, tests);
    let (bytes, card) =
        fit_with_card(&rows, &vectors, &settings, opinions.as_ref(), archive.sha256, arguments.seed)
            .map_err(|error| scoring_problem(&error))?;
    let mut json = serde_json::to_string_pretty(&card).map_err(|error| output_problem(&error.into()))?;
    json.push('\n');
    fs::create_dir_all(&arguments.out).map_err(|error| io_problem(&arguments.out, &error))?;
    let stem = format!("{}-ridge", model.encoder.name());
    write_whole(&arguments.out.join(format!("{stem}.safetensors")), &bytes)?;
    write_whole(&arguments.out.join(format!("{stem}.card.json")), json.as_bytes())?;
    out.write_all(json.as_bytes()).map_err(|error| output_problem(&error))
}
