//! `scorer eval --suite pairs`: ranking of the variants of unseen tests.

use serde::Serialize;
use spotwright_schemas::Problem;
use spotwright_scoring::baselines::{ridge_scores, standardized_shallow};
use spotwright_scoring::calibration::{ProbabilityMetrics, probability_metrics};
use spotwright_scoring::data::{ClickTestRow, Split};
use spotwright_scoring::metrics::{Estimate, NoiseCeiling, Share, noise_ceiling, ranking};
use spotwright_scoring::model::{logit, sigmoid};
use spotwright_scoring::pooled::pooled_log_odds;
use spotwright_scoring::train::TrainingTests;
use spotwright_scoring::words::WordRidge;

use crate::archive::{Archive, Encoder};
use crate::command::Places;
use crate::eval::Arguments;
use crate::lightgbm;
use crate::models::{FittedOn, OnVectors, Recipe, Scored, fitted_rows, sentence_ridge};
use crate::problem::scoring_problem;

/// Penalties of the reference's baselines: shallow features, words.
const SHALLOW_PENALTY: f64 = 300.0;
const REFERENCE_WORD_PENALTY: f64 = 3.0;
/// Draws behind the noise ceiling.
const CEILING_DRAWS: u64 = 200;

/// One row of the table.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ModelRow {
    /// What the model is.
    pub model: String,
    /// Which tests it was fitted on: `all` of the train split or `shipped` (without the simulated
    /// audience's).
    pub rows: &'static str,
    /// Why there are no figures; absent when there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<&'static str>,
    /// The figures.
    #[serde(flatten)]
    pub figures: Option<Figures>,
}

/// Figures of one model on the test split.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figures {
    /// Pairs that differ significantly.
    pub significant_pairs: Share,
    /// All pairs.
    pub all_pairs: Share,
    /// Share of the attainable gain in click rate that the top choice takes.
    pub lift_capture: Estimate,
    /// Share of tests whose top choice is the observed best.
    pub top_1: Estimate,
    /// Metrics of the static click rates σ(score + logit of the train split's click rate).
    #[serde(flatten)]
    pub probability: ProbabilityMetrics,
}

/// The report of the suite.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    /// What was measured on.
    pub data: String,
    /// SHA-256 of the table.
    pub data_sha256: String,
    /// Bootstrap resamples.
    pub resamples: u64,
    /// One row per model.
    pub models: Vec<ModelRow>,
    /// What a perfect ranker would reach.
    pub noise_ceiling: NoiseCeiling,
}

/// Fits and measures every model.
///
/// # Errors
/// A table that cannot be fitted on, or an encoder's files.
pub(crate) fn suite(archive: &Archive, arguments: &Arguments, places: &Places) -> Result<Report, Problem> {
    let bench = Bench::new(archive, arguments);
    let mut models = bench.baselines(places)?;
    for model in arguments.models() {
        for (rows, tests) in [("all", TrainingTests::Whole), ("shipped", TrainingTests::WithoutAudience)] {
            if !model.is_installed(places) {
                models.push(missing(&model.name(), rows));
                continue;
            }
            let Recipe { alone, with_words } = Recipe::fit(archive, model, tests, FittedOn::Train, places)?;
            for Scored { name, scores } in [alone].into_iter().chain(with_words) {
                models.push(bench.row(&name, rows, &scores));
            }
        }
    }
    Ok(Report {
        data: format!("test split, {} rows; never fitted, never used for choosing", bench.test_rows.len()),
        data_sha256: archive.sha256.clone(),
        resamples: u64::from(arguments.resamples),
        models,
        noise_ceiling: noise_ceiling(&bench.test_rows, CEILING_DRAWS, arguments.seed),
    })
}

/// What every row needs.
struct Bench<'a> {
    archive: &'a Archive,
    test: Vec<usize>,
    test_rows: Vec<ClickTestRow>,
    /// Log-odds of the train split's click rate.
    level: f64,
    resamples: u64,
    seed: u64,
}

impl<'a> Bench<'a> {
    fn new(archive: &'a Archive, arguments: &Arguments) -> Self {
        let test = archive.of_split(Split::Test);
        let (mut k, mut n) = (0.0, 0.0);
        for row in archive.rows.iter().filter(|row| row.split == Split::Train) {
            k += row.clicks as f64;
            n += row.impressions as f64;
        }
        Self {
            archive,
            test_rows: archive.select(&test),
            test,
            level: logit((k + 0.5) / (n + 1.0)),
            resamples: u64::from(arguments.resamples),
            seed: arguments.seed,
        }
    }

    /// `scores`: log-odds around 0 of every row of the archive.
    fn row(&self, model: &str, rows: &'static str, scores: &[f64]) -> ModelRow {
        let scores: Vec<f64> = self.test.iter().map(|&idx| scores[idx]).collect();
        let predictions: Vec<f64> = scores.iter().map(|score| sigmoid(self.level + score)).collect();
        let ranking = ranking(&self.test_rows, &scores, self.resamples, self.seed);
        ModelRow {
            model: model.to_owned(),
            rows,
            missing: None,
            figures: Some(Figures {
                significant_pairs: ranking.significant_pairs,
                all_pairs: ranking.all_pairs,
                lift_capture: ranking.lift_capture,
                top_1: ranking.top_1,
                probability: probability_metrics(&self.test_rows, &predictions),
            }),
        }
    }

    /// The models that others would use first, fitted on all tests of the train split.
    fn baselines(&self, places: &Places) -> Result<Vec<ModelRow>, Problem> {
        let archive = self.archive;
        let train = archive.of_split(Split::Train);
        let ridge = |vectors: &[std::sync::Arc<[f32]>], penalty| {
            ridge_scores(&archive.rows, &archive.design, vectors, &train, penalty)
                .map_err(|error| scoring_problem(&error))
        };
        let mut models = vec![self.row("train mean for all", "all", &vec![0.0; archive.rows.len()])];
        let pooled: Vec<f64> =
            pooled_log_odds(&archive.rows, &train).iter().map(|log_odds| log_odds - self.level).collect();
        models.push(self.row("pooled logistic regression on hashed words", "all", &pooled));
        let shallow = ridge(&standardized_shallow(&archive.rows, &train), SHALLOW_PENALTY)?;
        models.push(self.row("ridge on 26 shallow features", "all", &shallow));
        let compared = fitted_rows(archive, TrainingTests::Whole, FittedOn::Train);
        let words = WordRidge::fit(&archive.rows, &archive.design, &compared, REFERENCE_WORD_PENALTY);
        let words: Vec<f64> = archive.rows.iter().map(|row| words.score(&row.headline)).collect();
        models.push(self.row("ridge on words (TF-IDF)", "all", &words));

        let name = "ridge on MiniLM sentence vectors";
        let both = "ridge on MiniLM sentence vectors + 0.8 words";
        let trees = "LightGBM on MiniLM sentence vectors, pooled";
        if !Encoder::Minilm.is_installed(places) {
            models.extend([missing(name, "all"), missing(both, "all"), missing(trees, "all")]);
            return Ok(models);
        }
        let OnVectors { vectors, scores: sentence } = sentence_ridge(archive, places)?;
        models.push(self.row(name, "all", &sentence));
        // Each divided by its spread on the rows it was fitted on, as the reference does.
        let spread = |scores: &[f64]| archive.design.agreement(scores, &compared).spread;
        let (sentence_spread, word_spread) = (spread(&sentence), spread(&words));
        let mixed: Vec<f64> = sentence
            .iter()
            .zip(&words)
            .map(|(sentence, words)| sentence + 0.8 * words * sentence_spread / word_spread)
            .collect();
        models.push(self.row(both, "all", &mixed));
        models.push(if lightgbm::is_installed() {
            let rates = lightgbm::predictions(&archive.rows, &vectors, &places.cache)?;
            let scores: Vec<f64> =
                rates.iter().map(|rate| logit(rate.clamp(1e-6, 1.0 - 1e-6)) - self.level).collect();
            self.row(trees, "all", &scores)
        } else {
            missing(trees, "all")
        });
        Ok(models)
    }
}

fn missing(model: &str, rows: &'static str) -> ModelRow {
    ModelRow { model: model.to_owned(), rows, missing: Some("not installed"), figures: None }
}

impl Report {
    /// The report as a table in Markdown.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{}; 95 % intervals by {} resamples of tests\n\n", self.data, self.resamples);
        text.push_str("| model | fitted on | significant pairs | all pairs | lift capture | top-1 | AUC | logloss | PCOC | rel. ECE |\n|---|---|---|---|---|---|---|---|---|---|\n");
        for row in &self.models {
            let Some(figures) = &row.figures else {
                let why = row.missing.unwrap_or_default();
                text.push_str(&format!("| {} | {} | {why} | | | | | | | |\n", row.model, row.rows));
                continue;
            };
            let interval = |value: f64, [low, high]: [f64; 2]| format!("{value:.4} [{low:.3}, {high:.3}]");
            text.push_str(&format!(
                "| {} | {} | {} | {} | {} | {:.4} | {:.4} | {:.5} | {:.3} | {:.3} |\n",
                row.model,
                row.rows,
                interval(figures.significant_pairs.value, figures.significant_pairs.interval),
                interval(figures.all_pairs.value, figures.all_pairs.interval),
                interval(figures.lift_capture.value, figures.lift_capture.interval),
                figures.top_1.value,
                figures.probability.auc,
                figures.probability.logloss,
                figures.probability.pcoc,
                figures.probability.relative_ece,
            ));
        }
        let ceiling = &self.noise_ceiling;
        text.push_str(&format!(
            "| a perfect ranker (noise ceiling, spread {:.3}) | | {:.4} | {:.4} | | | | | | |\n",
            ceiling.true_sd, ceiling.significant_pairs, ceiling.all_pairs
        ));
        text
    }
}
