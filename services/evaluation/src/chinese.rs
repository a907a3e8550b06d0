//! `scorer eval --suite zh`: whether Chinese copy is ranked as its English original is.
//!
//! The pairs are headlines of the archive's test split whose click rates differ significantly, one
//! pair per test, the first 150 by the SHA-256 of both texts (`services/evaluation/data`); their
//! Chinese translations were written for this project without a look at clicks or scores. The
//! multilingual model ranks each pair in English and in Chinese. Where it is sure of the English
//! order, P(sign) ≥ .8, the Chinese order should be the same in 85 % of the pairs.
//!
//! P(sign) is the model's own probability, before any click of the brief, that its preferred
//! English headline has the higher click rate. It is taken twice:
//! - `click_rate`: with everything the model does not know, what is particular to an advertisement
//!   included. This is the probability a user is shown, and rarely high without clicks.
//! - `taste`: with the uncertainty of the archive's taste alone. Many more pairs pass, some of them
//!   with small differences, so agreement is harder.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use spotwright_core::ports::click_model::{ClickModel, ClickModelError, ScoreInput};
use spotwright_core::ports::video_backend::FrameStatistics;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::locale::Locale;
use spotwright_scoring::data::ClickTestRow;
use spotwright_scoring::load::{E5_FOLDER, load_multilingual};
use spotwright_scoring::model::RidgeClickModel;
use statrs::distribution::{ContinuousCDF, Normal};

use crate::archive::Encoder;
use crate::command::Places;
use crate::problem::scoring_problem;

/// The committed pairs of the test split.
pub const TEST_PAIRS: &str = include_str!("../data/headlines-zh.csv");
/// The committed pairs of the validation split, on which the encoder's layer was chosen.
pub const VALID_PAIRS: &str = include_str!("../data/headlines-zh-valid.csv");
/// Probabilities at which agreement is counted; the third is the bar's.
const PROBABILITIES: [f64; 4] = [0.5, 0.7, 0.8, 0.9];
/// Where the bar is set.
const BAR_PROBABILITY: f64 = 0.8;
/// Share of equal orders that the bar asks for.
const BAR: f64 = 0.85;
/// Larger files of pairs are refused.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Two English headlines of one test and their Chinese translations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TranslatedPair {
    /// First 12 hexadecimal digits of the SHA-256 of both English texts with a line feed between.
    pub pair_id: String,
    /// The test in the archive.
    pub test_id: String,
    /// The headline that comes first by its bytes.
    pub text_a: String,
    /// The other.
    pub text_b: String,
    /// Translation of `text_a`.
    pub text_a_zh: String,
    /// Translation of `text_b`.
    pub text_b_zh: String,
}

/// How often the Chinese order is the English one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Agreement {
    /// Least P(sign) of the pairs counted.
    pub probability: f64,
    /// Pairs with at least that P(sign) in English.
    pub pairs: usize,
    /// Pairs of those with the same order in Chinese.
    pub same: usize,
    /// `same` / `pairs`; `None` without pairs.
    pub share: Option<f64>,
}

/// Share of pairs whose headline with the higher click rate is preferred.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Clicked {
    /// Pairs found in the archive.
    pub pairs: usize,
    /// Share in English.
    pub english: f64,
    /// Share in Chinese.
    pub chinese: f64,
}

/// The suite's result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suite {
    /// Id of the model measured.
    pub model: String,
    /// Pairs in all.
    pub pairs: usize,
    /// Agreement by P(sign) of the click rate.
    pub click_rate: Vec<Agreement>,
    /// Agreement by P(sign) of the archive's taste.
    pub taste: Vec<Agreement>,
    /// Correlation of the English and Chinese differences of a pair.
    pub correlation: f64,
    /// What is expected of the English difference per unit of the Chinese one.
    pub slope: f64,
    /// How often the clicked headline is preferred, where the archive is at hand.
    pub clicked: Option<Clicked>,
    /// Least share of equal orders among pairs with P(sign) ≥ .8.
    pub bar: f64,
    /// Whether both kinds of P(sign) reach it.
    pub reached: bool,
}

/// Measures the shipped multilingual model on `translated` pairs or, without them, on the committed
/// pairs of the test split; `rows` of the archive say which headline was clicked more.
///
/// # Errors
/// A [`Problem`]: the encoder is not installed or damaged, or the pairs cannot be read.
pub fn measure_shipped(
    translated: Option<&Path>,
    rows: &[ClickTestRow],
    places: &Places,
) -> Result<Suite, Problem> {
    if !Encoder::E5.is_installed(places) {
        let message =
            format!("{} is not installed: run `./infra/setup.sh`", places.models.join(E5_FOLDER).display());
        return Err(Problem::new(Code::Prerequisite, "models.folder", message));
    }
    let model = load_multilingual(&places.models.join(E5_FOLDER)).map_err(|error| scoring_problem(&error))?;
    let pairs = match translated {
        Some(path) => read_pairs(path)?,
        None => parse_pairs(TEST_PAIRS.as_bytes(), "the committed pairs")?,
    };
    suite(&model, &pairs, rows)
}

/// Reads pairs from a CSV file.
///
/// # Errors
/// A [`Problem`] of [`Code::ModelInput`]: the file cannot be read, is larger than 64 MiB, lacks a
/// column or holds an empty text.
pub fn read_pairs(path: &Path) -> Result<Vec<TranslatedPair>, Problem> {
    let fail =
        |message: String| Problem::new(Code::ModelInput, "pairs", format!("{}: {message}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| fail(error.to_string()))?;
    let n_bytes = file.metadata().map_err(|error| fail(error.to_string()))?.len();
    if n_bytes > MAX_FILE_BYTES {
        return Err(fail(format!("{n_bytes} bytes; at most {MAX_FILE_BYTES} are read")));
    }
    parse_pairs(file.take(MAX_FILE_BYTES), &path.display().to_string())
}

/// Reads pairs from CSV text; `name` is used in errors.
///
/// # Errors
/// As [`read_pairs`].
pub fn parse_pairs(csv: impl Read, name: &str) -> Result<Vec<TranslatedPair>, Problem> {
    let fail = |message: String| Problem::new(Code::ModelInput, "pairs", format!("{name}: {message}"));
    let mut pairs = Vec::new();
    for (row, pair) in csv::Reader::from_reader(csv).deserialize::<TranslatedPair>().enumerate() {
        let pair = pair.map_err(|error| fail(error.to_string()))?;
        let texts = [&pair.text_a, &pair.text_b, &pair.text_a_zh, &pair.text_b_zh];
        if texts.iter().any(|text| text.trim().is_empty()) {
            return Err(fail(format!("row {row} has an empty text")));
        }
        pairs.push(pair);
    }
    if pairs.is_empty() { Err(fail("holds no pair".to_owned())) } else { Ok(pairs) }
}

/// One pair, measured in both languages.
struct Measured {
    /// English and Chinese difference of the archive's taste, a − b.
    taste: [f64; 2],
    /// P(sign) of the English order by the click rate and by the taste.
    probabilities: [f64; 2],
}

/// Compares the orders of `pairs` in English and in Chinese; `rows` of the archive, where at hand,
/// say which headline was clicked more.
///
/// # Errors
/// A [`Problem`] when there is no pair or the model refuses a text.
pub fn suite(
    model: &RidgeClickModel,
    pairs: &[TranslatedPair],
    rows: &[ClickTestRow],
) -> Result<Suite, Problem> {
    if pairs.is_empty() {
        return Err(Problem::new(Code::ModelInput, "pairs", "no pair"));
    }
    let measured = pairs
        .iter()
        .map(|pair| {
            measure(model, pair).map_err(|error| {
                Problem::new(Code::ModelInput, "pairs", format!("pair {}: {error}", pair.pair_id))
            })
        })
        .collect::<Result<Vec<Measured>, Problem>>()?;
    let agreements =
        |kind: usize| PROBABILITIES.map(|probability| agreement(&measured, kind, probability)).to_vec();
    let (click_rate, taste) = (agreements(0), agreements(1));
    let reaches = |agreements: &[Agreement]| {
        let at_bar = agreements.iter().find(|agreement| agreement.probability == BAR_PROBABILITY);
        at_bar.and_then(|agreement| agreement.share).is_some_and(|share| share >= BAR)
    };
    let (correlation, slope) = relation(&measured);
    Ok(Suite {
        model: model.id(),
        pairs: pairs.len(),
        reached: reaches(&click_rate) && reaches(&taste),
        click_rate,
        taste,
        correlation,
        slope,
        clicked: clicked(pairs, &measured, rows),
        bar: BAR,
    })
}

fn measure(model: &RidgeClickModel, pair: &TranslatedPair) -> Result<Measured, ClickModelError> {
    // Headlines alone are compared: nothing else is on screen, and frames are equal.
    let input = |headline: &str, locale| ScoreInput {
        headline: headline.to_owned(),
        text: "—".to_owned(),
        locale,
        statistics: FrameStatistics::default(),
    };
    let english = [input(&pair.text_a, Locale::EnUs), input(&pair.text_b, Locale::EnUs)];
    let chinese = [input(&pair.text_a_zh, Locale::ZhCn), input(&pair.text_b_zh, Locale::ZhCn)];
    let (click_rate, click_rate_sd) = model.difference(&english[0], &english[1])?;
    let (taste, taste_sd) = model.taste_difference(&english[0], &english[1])?;
    let (taste_in_chinese, _) = model.taste_difference(&chinese[0], &chinese[1])?;
    Ok(Measured {
        taste: [taste, taste_in_chinese],
        probabilities: [sign_probability(click_rate, click_rate_sd), sign_probability(taste, taste_sd)],
    })
}

/// Probability that a normal variable has the sign of its mean.
fn sign_probability(mean: f64, sd: f64) -> f64 {
    if sd > 0.0 { Normal::standard().cdf(mean.abs() / sd) } else { 0.5 }
}

fn agreement(measured: &[Measured], kind: usize, probability: f64) -> Agreement {
    let sure = measured.iter().filter(|pair| pair.probabilities[kind] >= probability);
    let (mut pairs, mut same) = (0, 0);
    for pair in sure {
        pairs += 1;
        // A tie in either language is no agreement.
        same += usize::from(pair.taste[0] * pair.taste[1] > 0.0);
    }
    Agreement { probability, pairs, same, share: (pairs > 0).then(|| same as f64 / pairs as f64) }
}

/// Correlation of the differences (about 0: a and b are in no order of merit), and regression of
/// the English on the Chinese ones.
fn relation(measured: &[Measured]) -> (f64, f64) {
    let sum = |of: fn(&Measured) -> f64| measured.iter().map(of).sum::<f64>();
    let both = sum(|pair| pair.taste[0] * pair.taste[1]);
    let (english, chinese) = (sum(|pair| pair.taste[0].powi(2)), sum(|pair| pair.taste[1].powi(2)));
    if english > 0.0 && chinese > 0.0 {
        (both / (english * chinese).sqrt(), both / chinese)
    } else {
        (0.0, 0.0)
    }
}

fn clicked(pairs: &[TranslatedPair], measured: &[Measured], rows: &[ClickTestRow]) -> Option<Clicked> {
    let mut counts = BTreeMap::<(&str, &str), (u64, u64)>::new();
    for row in rows {
        let entry = counts.entry((&row.test_id, &row.headline)).or_default();
        entry.0 += row.clicks;
        entry.1 += row.impressions;
    }
    let rate = |test: &str, headline: &str| {
        counts.get(&(test, headline)).map(|&(clicks, impressions)| clicks as f64 / impressions as f64)
    };
    let (mut n, mut right) = (0_usize, [0.0_f64; 2]);
    for (pair, measured) in pairs.iter().zip(measured) {
        let (Some(a), Some(b)) = (rate(&pair.test_id, &pair.text_a), rate(&pair.test_id, &pair.text_b))
        else {
            continue;
        };
        n += 1;
        for (right, taste) in right.iter_mut().zip(measured.taste) {
            *right += if taste == 0.0 { 0.5 } else { f64::from(u8::from((taste > 0.0) == (a > b))) };
        }
    }
    (n > 0).then(|| Clicked { pairs: n, english: right[0] / n as f64, chinese: right[1] / n as f64 })
}

impl Suite {
    /// The result as a table to be read.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "{}: {} pairs of headlines in English and Chinese\nsame order in Chinese, by P(sign) in English\n\
             P(sign) >=   of the click rate      of the archive's taste\n",
            self.model, self.pairs
        );
        let cell = |agreement: &Agreement| match agreement.share {
            Some(share) => {
                format!("{:>3} of {:>3} = {:>5.1} %", agreement.same, agreement.pairs, 100.0 * share)
            }
            None => "no pair".to_owned(),
        };
        for (click_rate, taste) in self.click_rate.iter().zip(&self.taste) {
            // Writing to a string cannot fail.
            let _infallible = writeln!(
                text,
                "{:>10.1}   {:<20}   {:<20}",
                click_rate.probability,
                cell(click_rate),
                cell(taste)
            );
        }
        let _infallible = writeln!(
            text,
            "bar: {:.0} % at P(sign) >= {BAR_PROBABILITY}: {}\ncorrelation of differences {:.3}, slope {:.3}",
            100.0 * self.bar,
            if self.reached { "reached by both" } else { "not reached by both" },
            self.correlation,
            self.slope
        );
        if let Some(clicked) = self.clicked {
            let _infallible = writeln!(
                text,
                "the headline that was clicked more is preferred in {:.1} % (English) and {:.1} % (Chinese) of {} pairs",
                100.0 * clicked.english,
                100.0 * clicked.chinese,
                clicked.pairs
            );
        }
        text
    }
}
