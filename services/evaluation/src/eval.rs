//! `scorer eval`: what click models, bandits and estimators are worth on data that nothing was fitted
//! on.

use std::io::Write;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde::Serialize;
use spotwright_schemas::Problem;

use crate::archive::{Archive, Encoder};
use crate::command::Places;
use crate::models::Model;
use crate::problem::output_problem;
use crate::{calibration, chinese, coverage, mushroom, off_policy, pairs, promo};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Suite {
    /// How well models rank the variants of a test, beside the usual baselines.
    Pairs,
    /// Whether predicted click rates are right, week by week.
    Calibration,
    /// Whether 90 % intervals hold 90 %.
    Coverage,
    /// Whether Chinese copy is ranked as its English original is.
    Zh,
    /// A contextual bandit with a published figure to compare with.
    Mushroom,
    /// Off-policy estimators beside the Open Bandit Pipeline's values.
    OffPolicy,
    /// Conversions by context and offer, and the value of choosing the offer by customer.
    Promo,
}

/// Arguments of `scorer eval`.
#[derive(Debug, Clone, Args)]
pub struct Arguments {
    /// What is measured.
    #[arg(long, value_enum, default_value_t = Suite::Pairs)]
    pub suite: Suite,
    /// Encoders of the models measured (may be repeated); without it, MiniLM alone, MiniLM taught by
    /// MPNet, and MPNet, where they are installed.
    #[arg(long, value_enum)]
    pub encoder: Vec<Encoder>,
    /// Measure each of `--encoder` also as taught by the layer of this encoder.
    #[arg(long, value_enum, requires = "encoder")]
    pub teacher: Option<Encoder>,
    /// Table of click tests, Parquet or CSV; without it, the Upworthy archive in the data folder.
    #[arg(long)]
    pub table: Option<PathBuf>,
    /// Pairs with translations for `--suite zh`, a CSV with the columns pair_id, test_id, text_a,
    /// text_b, text_a_zh and text_b_zh; without it, the 150 of the test split that come with the
    /// program.
    #[arg(long)]
    pub translated: Option<PathBuf>,
    /// Seed of bootstrap intervals, posterior draws and runs.
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Bootstrap resamples: of whole tests, or of logged rounds.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub resamples: u32,
    /// Folder for the network that `--suite promo` fits, with its card.
    #[arg(long)]
    pub save: Option<PathBuf>,
    /// Runs of the mushroom bandit.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u64).range(2..=1_000))]
    pub runs: u64,
}

impl Arguments {
    /// The models asked for.
    pub(crate) fn models(&self) -> Vec<Model> {
        let alone = |encoder| Model { encoder, teacher: None };
        if self.encoder.is_empty() {
            let taught = Model { encoder: Encoder::Minilm, teacher: Some(Encoder::Mpnet) };
            return vec![alone(Encoder::Minilm), taught, alone(Encoder::Mpnet)];
        }
        let both = |&encoder: &Encoder| {
            let taught = self.teacher.map(|teacher| Model { encoder, teacher: Some(teacher) });
            [alone(encoder)].into_iter().chain(taught)
        };
        self.encoder.iter().flat_map(both).collect()
    }
}

/// Measures and prints.
///
/// # Errors
/// The table or an encoder's files; see [`Problem`].
pub fn execute(
    arguments: &Arguments,
    places: &Places,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), Problem> {
    let archive = || Archive::read(arguments.table.as_deref(), places);
    match arguments.suite {
        Suite::Pairs => {
            let report = pairs::suite(&archive()?, arguments, places)?;
            print(&report, json, out, || report.table())
        }
        Suite::Calibration => {
            let report = calibration::suite(&archive()?, arguments, places)?;
            print(&report, json, out, || report.table())
        }
        Suite::Coverage => {
            let report = coverage::suite(&archive()?, arguments, places)?;
            print(&report, json, out, || report.table())
        }
        Suite::Zh => {
            let report = chinese::measure_shipped(arguments.translated.as_deref(), &archive()?.rows, places)?;
            print(&report, json, out, || report.table())
        }
        Suite::Mushroom => {
            let report = mushroom::suite(places, arguments.runs, arguments.seed)?;
            print(&report, json, out, || report.table())
        }
        Suite::OffPolicy => {
            let report = off_policy::suite(places, arguments.resamples, arguments.seed)?;
            print(&report, json, out, || report.table())
        }
        Suite::Promo => {
            let options = promo::Options {
                resamples: arguments.resamples,
                seed: arguments.seed,
                save: arguments.save.as_deref(),
            };
            let report = promo::suite(places, options)?;
            print(&report, json, out, || report.table())
        }
    }
}

/// Writes a report as one JSON document or as a table.
pub(crate) fn print(
    report: &impl Serialize,
    json: bool,
    out: &mut dyn Write,
    table: impl FnOnce() -> String,
) -> Result<(), Problem> {
    let mut text = if json {
        serde_json::to_string_pretty(report).map_err(|error| output_problem(&error.into()))?
    } else {
        table()
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    out.write_all(text.as_bytes()).map_err(|error| output_problem(&error))
}
