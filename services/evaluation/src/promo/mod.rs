//! Suite `promo`: whether a customer converts, by context and offer, and what choosing the offer by
//! customer is worth.
//!
//! 64,000 customers got one of three offers at random; `split.csv` says row by row which are fitted.
//! Models: logistic regression with crosses of the offer, as it is, with bins, and with curves and
//! products; a deep and cross network on hashed fields ([`spotwright_scoring::cross`]), alone and as the
//! mean log-odds of five seeds; and the mean log-odds of the curved regression and the five networks.
//! LightGBM stands beside them where Python has it.
//!
//! # How settings were chosen
//! By hand, from cross-validation over the train and validation parts, before the test part was
//! scored; `docs/scoring-crosses.md` has the table of what was tried. Which model counts as *the* model
//! is decided in every run by the least logistic loss in five-fold cross-validation over the train
//! part, which also stands in the report.

mod data;
mod design;
mod fit;
mod peer;
mod quality;
mod speed;
mod value;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde::Serialize;
use spotwright_schemas::Problem;
use spotwright_schemas::random::Stream;
use spotwright_scoring::cross::card::{CrossCard, checked};
use spotwright_scoring::hash::sha256_hex;

use crate::command::Places;
use crate::inputs::data_file;
use crate::problem::{io_problem, output_problem, scoring_problem};
use crate::vectors::write_whole;

use data::{Customer, OFFERS, Part};
use design::{Design, SHAPE};
use fit::{Fitted, MODELS, Model, cross_validated, settings};
use quality::{Resampled, held};
use value::ByOffer;

pub use quality::{Difference, Held, Quality};
pub use speed::FitSeconds;
pub(crate) use speed::{dcn_rows_per_core_second, fit_seconds};
pub use value::{Estimated, Value};

/// Bars for the area under the curve and the logistic loss on the test part.
const GOAL_AUC: f64 = 0.650;
const GOAL_LOGLOSS: f64 = 0.400;
const LIGHTGBM: &str = "LightGBM, 120 trees";
/// Name of a saved network, and the beginning of its file's and its card's.
const NETWORK: &str = "promo-dcn";

/// The answer.
#[derive(Debug, Serialize)]
pub struct Promo {
    /// Rows of train, validation and test.
    pub rows: [usize; 3],
    /// Conversion rate of the test part.
    pub test_rate: f64,
    /// Bar for AUC.
    pub goal_auc: f64,
    /// Bar for the logistic loss.
    pub goal_logloss: f64,
    /// The model with the least logistic loss in cross-validation.
    pub chosen: &'static str,
    /// Whether that model reaches both bars.
    pub reached: bool,
    /// All models.
    pub models: Vec<Row>,
    /// The offers.
    pub offers: [&'static str; 3],
    /// Conversion rate per customer of policies, on the test part.
    pub values: Vec<Value>,
}

/// One model.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Model.
    pub model: &'static str,
    /// Five-fold cross-validation over the train part; `null` for a peer.
    pub cross_validated: Option<Held>,
    /// On the validation part.
    pub valid: Held,
    /// On the test part.
    pub test: Quality,
    /// On the test part, less LightGBM; `null` where that is not installed.
    pub less_lightgbm: Option<Difference>,
}

/// Options of the suite.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Resamples of every bootstrap.
    pub resamples: u32,
    /// Seed of networks, folds and resamples.
    pub seed: u64,
    /// Folder for the first network's file and its card.
    pub save: Option<&'a Path>,
}

/// Runs the suite.
///
/// # Errors
/// A [`Problem`]: data are missing or damaged, a fit failed, or the folder cannot be written.
pub fn suite(places: &Places, options: Options<'_>) -> Result<Promo, Problem> {
    let (customers, parts) = data::read(places)?;
    let of = |part| data::of(&customers, &parts, part);
    let (train, valid, test) = (of(Part::Train), of(Part::Valid), of(Part::Test));
    let held_out = cross_validated(&train, options.seed)?;
    let chosen = MODELS[least(held_out.iter().map(|held| held.logloss))];
    let fitted = Fitted::new(&train, options.seed)?;
    let by_offer = |customers: &[&Customer]| -> Result<Vec<Vec<Vec<f64>>>, Problem> {
        (0..OFFERS.len()).map(|offer| fitted.log_odds(customers, |_| offer)).collect()
    };
    let (on_valid, on_test) = (by_offer(&valid)?, by_offer(&test)?);
    let of_model = |scores: &[Vec<Vec<f64>>], model: usize| -> ByOffer {
        scores.iter().map(|of_offer| of_offer[model].clone()).collect()
    };
    let trees = peer::trees(&data::folder(places)?, customers.len())?;
    let of_trees = |part: Part| -> Option<ByOffer> {
        let kept = |scores: &Vec<f64>| {
            scores.iter().zip(&parts).filter(|(_, own)| **own == part).map(|(score, _)| *score).collect()
        };
        trees.as_ref().map(|trees| trees.log_odds.iter().map(kept).collect())
    };
    let mut candidates: Vec<(&'static str, Option<Held>, ByOffer, ByOffer)> = MODELS
        .iter()
        .zip(&held_out)
        .enumerate()
        .map(|(idx, (model, held))| {
            (model.name(), Some(*held), of_model(&on_valid, idx), of_model(&on_test, idx))
        })
        .collect();
    if let Some((on_valid, on_test)) = of_trees(Part::Valid).zip(of_trees(Part::Test)) {
        candidates.push((LIGHTGBM, None, on_valid, on_test));
    }
    let models = rows(&candidates, &valid, &test, options);
    let reward = of_model(&on_test, chosen as usize);
    let greedy: Vec<(String, &ByOffer)> = candidates
        .iter()
        .filter(|(name, ..)| [chosen.name(), Model::Curved.name(), LIGHTGBM].contains(name))
        .map(|(name, _, _, on_test)| ((*name).to_owned(), on_test))
        .collect();
    let stream = Stream::new(options.seed, "promo/values");
    let values = value::values(&train, &test, &reward, &greedy, options.resamples, stream)?;
    let best = models.iter().find(|row| row.model == chosen.name());
    let reached = best.is_some_and(|row| row.test.auc >= GOAL_AUC && row.test.logloss <= GOAL_LOGLOSS);
    if let Some(folder) = options.save {
        let network = models.iter().find(|row| row.model == Model::Network.name());
        let test = network.map_or([f64::NAN; 2], |row| [row.test.auc, row.test.logloss]);
        save(folder, &fitted, train.len(), test, places, options.seed)?;
    }
    Ok(Promo {
        rows: [train.len(), valid.len(), test.len()],
        test_rate: data::rate(&test),
        goal_auc: GOAL_AUC,
        goal_logloss: GOAL_LOGLOSS,
        chosen: chosen.name(),
        reached,
        models,
        offers: OFFERS,
        values,
    })
}

/// Position of the least value; the first of several.
fn least(values: impl Iterator<Item = f64>) -> usize {
    values
        .enumerate()
        .fold((0, f64::INFINITY), |least, (idx, value)| if value < least.1 { (idx, value) } else { least })
        .0
}

/// Figures of the candidates under the offers that were made.
fn rows(
    candidates: &[(&'static str, Option<Held>, ByOffer, ByOffer)],
    valid: &[&Customer],
    test: &[&Customer],
    options: Options<'_>,
) -> Vec<Row> {
    let labels = |customers: &[&Customer]| -> Vec<bool> {
        customers.iter().map(|customer| customer.converted).collect()
    };
    let made = |scores: &ByOffer, customers: &[&Customer]| -> Vec<f64> {
        customers.iter().enumerate().map(|(row, customer)| scores[customer.offer][row]).collect()
    };
    let stream = Stream::new(options.seed, "promo/customers");
    let resampled: Vec<Resampled> = candidates
        .iter()
        .map(|(_, _, _, scores)| {
            Resampled::new(&made(scores, test), &labels(test), options.resamples, stream)
        })
        .collect();
    let trees = candidates.iter().position(|(name, ..)| *name == LIGHTGBM);
    candidates
        .iter()
        .zip(&resampled)
        .map(|((model, cross_validated, on_valid, _), own)| Row {
            model,
            cross_validated: *cross_validated,
            valid: held(&made(on_valid, valid), &labels(valid)),
            test: own.quality.clone(),
            less_lightgbm: trees.filter(|_| *model != LIGHTGBM).map(|trees| own.less(&resampled[trees])),
        })
        .collect()
}

/// Writes the first network and its card, and reads both again.
fn save(
    folder: &Path,
    fitted: &Fitted,
    rows: usize,
    test: [f64; 2],
    places: &Places,
    seed: u64,
) -> Result<(), Problem> {
    let table = data_file(places, "promo/promo64k.csv")?;
    let bytes = fs::read(&table).map_err(|error| io_problem(&table, &error))?;
    let card = CrossCard {
        format: String::new(),
        id: String::new(),
        weights_blake3: String::new(),
        shape: SHAPE,
        inputs: Design::inputs(),
        scales: fitted.design.scales(),
        bins: fitted.design.bins(),
        data: "promo64k: 64,000 customers of an e-mail test with three offers made at random; its \
               origin and licence are not verified"
            .to_owned(),
        data_sha256: sha256_hex(&bytes),
        split: "part `train` of the given split.csv, row by row; `test` only for the figures below"
            .to_owned(),
        rows,
        settings: settings(seed),
        test,
        limits: vec![
            "one shop's customers and three offers: it says nothing of other offers or shops".to_owned(),
            "a conversion is whatever the table calls one; spending is not predicted".to_owned(),
            "the gain of choosing by customer over the best fixed offer is within its own error".to_owned(),
        ],
    }
    .seal(&fitted.file, NETWORK)
    .map_err(|error| scoring_problem(&error))?;
    let mut json = serde_json::to_string_pretty(&card).map_err(|error| output_problem(&error.into()))?;
    json.push('\n');
    fs::create_dir_all(folder).map_err(|error| io_problem(folder, &error))?;
    let path = folder.join(format!("{NETWORK}.safetensors"));
    write_whole(&path, &fitted.file)?;
    write_whole(&path.with_extension("card.json"), json.as_bytes())?;
    let read = |path: &Path| fs::read(path).map_err(|error| io_problem(path, &error));
    checked(&read(&path)?, &read(&path.with_extension("card.json"))?, &path.display().to_string())
        .map(|_| ())
        .map_err(|error| scoring_problem(&error))
}

impl Promo {
    /// The report as lines to be read.
    pub(crate) fn table(&self) -> String {
        let mut text = format!(
            "promo64k, {} train, {} validation and {} test rows; conversion rate of test {:.4}\n\n\
             | model | CV AUC | CV logloss | valid AUC | valid logloss | test AUC | test logloss | ECE-20 |\n\
             |---|---|---|---|---|---|---|---|\n",
            self.rows[0], self.rows[1], self.rows[2], self.test_rate
        );
        for row in &self.models {
            let cross = row
                .cross_validated
                .map_or_else(|| " | ".to_owned(), |held| format!("{:.4} | {:.5}", held.auc, held.logloss));
            let test = &row.test;
            // Writing to a string cannot fail.
            let _ignored = writeln!(
                text,
                "| {} | {cross} | {:.4} | {:.5} | {:.4} [{:.4}, {:.4}] | {:.5} [{:.5}, {:.5}] | {:.4} |",
                row.model,
                row.valid.auc,
                row.valid.logloss,
                test.auc,
                test.auc_interval[0],
                test.auc_interval[1],
                test.logloss,
                test.logloss_interval[0],
                test.logloss_interval[1],
                test.ece_20
            );
        }
        let _ignored = writeln!(
            text,
            "\nchosen by cross-validation: {}; AUC at least {:.3} and logloss at most {:.3}: {}",
            self.chosen,
            self.goal_auc,
            self.goal_logloss,
            if self.reached { "reached" } else { "not reached" }
        );
        for row in &self.models {
            if let Some(difference) = &row.less_lightgbm {
                let _ignored = writeln!(
                    text,
                    "{} less LightGBM: AUC {:+.4} [{:+.4}, {:+.4}], logloss {:+.5} [{:+.5}, {:+.5}]",
                    row.model,
                    difference.auc,
                    difference.auc_interval[0],
                    difference.auc_interval[1],
                    difference.logloss,
                    difference.logloss_interval[0],
                    difference.logloss_interval[1]
                );
            }
        }
        if self.models.iter().all(|row| row.model != LIGHTGBM) {
            text.push_str("LightGBM: not installed\n");
        }
        text.push_str(
            "\n| policy | IPS | SNIPS | DR | DR over the best fixed offer |\n|---|---|---|---|---|\n",
        );
        let cell =
            |own: &Estimated| format!("{:.4} [{:.4}, {:.4}]", own.value, own.interval[0], own.interval[1]);
        for value in &self.values {
            let _ignored = writeln!(
                text,
                "| {} | {} | {} | {} | {:+.4} [{:+.4}, {:+.4}] |",
                value.policy,
                cell(&value.ips),
                cell(&value.snips),
                cell(&value.dr),
                value.gain.value,
                value.gain.interval[0],
                value.gain.interval[1]
            );
        }
        text
    }
}
