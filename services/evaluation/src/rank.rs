//! `scorer rank`: which of two texts does better, for every pair of a CSV file.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use spotwright_core::ports::click_model::{ClickModelError, ScoreInput};
use spotwright_core::ports::video_backend::FrameStatistics;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::locale::Locale;
use spotwright_scoring::encoder::CachedEncoder;
use spotwright_scoring::load::load_ridge;
use spotwright_scoring::model::RidgeClickModel;
use spotwright_scoring::registry::{Checked, checked};
use spotwright_tables::place;
use statrs::function::erf::erfc;

use crate::archive::Encoder;
use crate::command::Places;
use crate::pair_file::{self, Pair};
use crate::problem::{output_problem, scoring_problem};

/// Arguments of `scorer rank`.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// CSV with the columns pair_id, text_a and text_b, of any usual encoding and separator.
    #[arg(long)]
    pub pairs: PathBuf,
    /// Model file made by `scorer train`, with its card beside it; without it, the shipped model.
    #[arg(long)]
    pub model: Option<PathBuf>,
}

/// One line of the answer.
#[derive(Debug, Clone, Serialize)]
struct Line<'a> {
    pair_id: &'a str,
    /// Probability that text a has the higher true click rate in one brief.
    p_a: f64,
}

/// Prints one JSON line per pair, in order. Nothing is printed when any pair is wrong.
///
/// # Errors
/// The file, a column or a text (the field names line and column), or the model's files.
pub fn execute(
    arguments: &Arguments,
    places: &Places,
    _json: bool,
    out: &mut dyn Write,
) -> Result<(), Problem> {
    let pairs = pair_file::read(&arguments.pairs)?;
    let model = match &arguments.model {
        Some(path) => model_of_file(path, places)?,
        None => shipped_model(places)?,
    };
    let mut text = Vec::new();
    for Pair { line, id: pair_id, a, b } in &pairs {
        let p_a = preference(&model, a, b).map_err(|error| pair_problem(*line, &error))?;
        serde_json::to_writer(&mut text, &Line { pair_id, p_a })
            .map_err(|error| output_problem(&error.into()))?;
        text.push(b'\n');
    }
    out.write_all(&text).map_err(|error| output_problem(&error))
}

/// Probability that `a` has the higher true click rate: the model's difference in log-odds is
/// normal with a known mean and spread.
fn preference(model: &RidgeClickModel, a: &str, b: &str) -> Result<f64, ClickModelError> {
    let (mean, sd) = model.difference(&input(a), &input(b))?;
    if sd <= 0.0 {
        // Equal texts.
        return Ok(0.5);
    }
    Ok(0.5 * erfc(-mean / sd / std::f64::consts::SQRT_2))
}

fn input(text: &str) -> ScoreInput {
    let chinese = text.chars().any(|character| matches!(character, '\u{3400}'..='\u{9fff}'));
    ScoreInput {
        headline: text.to_owned(),
        text: text.to_owned(),
        locale: if chinese { Locale::ZhCn } else { Locale::EnUs },
        // Equal for both, so they cancel.
        statistics: FrameStatistics::default(),
    }
}

fn pair_problem(line: u64, error: &ClickModelError) -> Problem {
    match error {
        ClickModelError::Input { index, message, .. } => Problem::new(
            Code::ModelInput,
            place(line, if *index == 0 { "text_a" } else { "text_b" }),
            message.clone(),
        ),
        ClickModelError::Model(message) => Problem::new(Code::ModelFile, place(line, ""), message.clone()),
    }
}

/// The model in the repository: on MiniLM where it is installed, else on hashed features; says so
/// on standard error.
fn shipped_model(places: &Places) -> Result<Arc<RidgeClickModel>, Problem> {
    let (model, notice) =
        load_ridge(Encoder::Minilm.folder(places).as_deref()).map_err(|error| scoring_problem(&error))?;
    if let Some(notice) = notice {
        // A notice is not worth failing for.
        let _ignored = writeln!(std::io::stderr(), "note: {notice}");
    }
    Ok(model)
}

/// A model file whose content is the one its card names.
fn model_of_file(path: &Path, places: &Places) -> Result<Arc<RidgeClickModel>, Problem> {
    let Checked { layer, hash, .. } = checked(path).map_err(|error| scoring_problem(&error))?;
    let name = path.display().to_string();
    let encoder = Encoder::by_name(layer.encoder()).ok_or_else(|| {
        Problem::new(Code::ModelFile, name, format!("made for the unknown encoder `{:.60}`", layer.encoder()))
    })?;
    let encoder = Arc::new(CachedEncoder::new(encoder.load(places)?));
    let model = RidgeClickModel::new(encoder, layer, &hash).map_err(|error| scoring_problem(&error))?;
    Ok(Arc::new(model))
}
