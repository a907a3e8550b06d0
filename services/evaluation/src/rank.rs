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
use crate::progress::Progress;

/// Pairs whose texts are encoded together: enough to keep all cores busy to the end of each part,
/// and few enough that rows come every few seconds.
const PAIRS_PER_PART: usize = 512;
/// Memory for vectors, so that a text is encoded once although its pairs lie far apart.
const CACHE_BYTES: usize = 256 << 20;

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

/// Prints one JSON line per pair, in order, as soon as it is known. Every pair is checked first:
/// nothing is printed when any is wrong.
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
    for pair in &pairs {
        RidgeClickModel::check(&inputs(pair)).map_err(|error| pair_problem(pair.line, &error))?;
    }
    let model = match &arguments.model {
        Some(path) => model_of_file(path, places)?,
        None => shipped_model(places)?,
    };
    let mut progress = Progress::new("pairs ranked", pairs.len());
    let mut done = 0;
    for part in pairs.chunks(PAIRS_PER_PART) {
        let texts: Vec<[ScoreInput; 2]> = part.iter().map(inputs).collect();
        let differences = model.differences(&texts).map_err(|error| part_problem(part, &error))?;
        let mut lines = Vec::new();
        for (pair, difference) in part.iter().zip(differences) {
            serde_json::to_writer(&mut lines, &Line { pair_id: &pair.id, p_a: preference(difference) })
                .map_err(|error| output_problem(&error.into()))?;
            lines.push(b'\n');
        }
        progress
            .around(|| out.write_all(&lines).and_then(|()| out.flush()))
            .map_err(|error| output_problem(&error))?;
        done += part.len();
        progress.show(done);
    }
    Ok(())
}

/// Probability that the first of two texts has the higher true click rate: the model's difference
/// in log-odds is normal with a known mean and standard deviation.
fn preference((mean, sd): (f64, f64)) -> f64 {
    if sd <= 0.0 {
        // Equal texts.
        return 0.5;
    }
    0.5 * erfc(-mean / sd / std::f64::consts::SQRT_2)
}

fn inputs(pair: &Pair) -> [ScoreInput; 2] {
    [input(&pair.a), input(&pair.b)]
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

/// What went wrong with one of the pairs whose texts were encoded together.
fn part_problem(part: &[Pair], error: &ClickModelError) -> Problem {
    let (at, error) = match error {
        ClickModelError::Input { index, field, message } => {
            let error = ClickModelError::Input { index: index % 2, field, message: message.clone() };
            (index / 2, error)
        }
        ClickModelError::Model(_) => (0, error.clone()),
    };
    pair_problem(part.get(at).map_or(0, |pair| pair.line), &error)
}

/// The model in the repository: on MiniLM where it is installed, else on hashed features; says so
/// on standard error.
fn shipped_model(places: &Places) -> Result<Arc<RidgeClickModel>, Problem> {
    let (model, notice) = load_ridge(Encoder::Minilm.folder(places).as_deref(), CACHE_BYTES)
        .map_err(|error| scoring_problem(&error))?;
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
    let encoder = Arc::new(CachedEncoder::with_bytes(encoder.load(places)?, CACHE_BYTES));
    let model = RidgeClickModel::new(encoder, layer, &hash).map_err(|error| scoring_problem(&error))?;
    Ok(Arc::new(model))
}
