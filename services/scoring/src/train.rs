//! Fitting the last layer on click tests.
//!
//! Test-centered weighted ridge: with c̃ = (k + ½)/(n + 1), the response is y = logit c̃ with weight
//! w = 1 / (1/(n c̃ (1 − c̃)) + 0.15²); y and every column lose their w-weighted mean within the
//! test, which removes the test's level. The weights solve (AᵀWA + P) b = AᵀWy with P diagonal:
//! λ w̄ for vector columns and λₛ w̄ for structure columns, w̄ the mean weight. Read as a Gaussian
//! model with noise variances 1/w, b is the posterior mean and (AᵀWA + P)⁻¹ the covariance.
//!
//! λ, λₛ and whether weeks with doubtful randomization are used are chosen by the weighted
//! correlation of predicted and observed centered log-odds on the validation split. A brief's own
//! taste and the residual spread are chosen there too, by the likelihood of what the weights leave
//! unexplained. Tests of the simulated audience are in none of these. The test split is only read
//! by [`crate::metrics`].

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::data::{ClickTestRow, Split, audience_share};
use crate::error::Error;
use crate::features::STRUCTURE_FEATURES;
use crate::last_layer::{LastLayer, Priors, raw_columns};
use crate::linear::{Cholesky, dot, row_start};
use crate::model::{logit, sigmoid};

/// Spread, in log-odds, that the reference weights assume between variants beyond sampling noise.
const WEIGHT_SPREAD: f64 = 0.15;
const VECTOR_PENALTIES: [f64; 7] = [3.0, 10.0, 20.0, 30.0, 50.0, 100.0, 300.0];
const STRUCTURE_PENALTIES: [f64; 4] = [300.0, 3_000.0, 30_000.0, 1e6];
/// Variance given to a test's level where it is to be ignored.
const FREE_LEVEL_VARIANCE: f64 = 25.0;
/// Prior standard deviation of a frame statistic's weight. Not measured: the archive has no videos.
/// Eight statistics of size 1 together move log-odds by 0.11, below the residual spread.
const FRAME_SD: f64 = 0.04;
/// Standard deviation of how far the archive's taste carries over to a brief. Not measured.
const TRANSFER_SD: f64 = 0.5;

/// What was chosen and how many rows it rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FitReport {
    /// Penalty of vector columns, times the mean weight.
    pub vector_penalty: f64,
    /// Penalty of structure columns, times the mean weight.
    pub structure_penalty: f64,
    /// Whether weeks with doubtful randomization were used.
    pub suspect_weeks_used: bool,
    /// Weighted correlation on the validation split.
    pub valid_correlation: f64,
    /// The best that the other choice of weeks reached.
    pub valid_correlation_of_other_weeks: f64,
    /// Rows fitted on.
    pub fitted_rows: usize,
    /// Tests fitted on.
    pub fitted_tests: usize,
    /// Rows of the validation split used for choosing.
    pub valid_rows: usize,
}

/// One row ready for fitting.
struct FitRow {
    test: usize,
    raw: Vec<f64>,
    response: f64,
    /// Sampling variance of the response.
    noise: f64,
}

impl FitRow {
    fn weight(&self) -> f64 {
        1.0 / (self.noise + WEIGHT_SPREAD * WEIGHT_SPREAD)
    }
}

/// Sums of squares and products of centered columns.
struct Gram {
    center: Vec<f64>,
    scale: Vec<f64>,
    products: Vec<f64>,
    target: Vec<f64>,
    mean_weight: f64,
}

struct Candidate {
    vector_penalty: f64,
    structure_penalty: f64,
    correlation: f64,
}

/// Fits the last layer for the encoder called `encoder`; `vectors` holds the headline's vector of
/// each row.
///
/// # Errors
/// [`Error::Fit`]: rows and vectors do not match, or the rows used for fitting or choosing are too
/// few to determine the layer.
pub fn fit(
    rows: &[ClickTestRow],
    vectors: &[Arc<[f32]>],
    encoder: &str,
) -> Result<(LastLayer, FitReport), Error> {
    let dimensions = vectors.first().map_or(0, |vector| vector.len());
    if rows.len() != vectors.len()
        || dimensions == 0
        || vectors.iter().any(|vector| vector.len() != dimensions)
    {
        return Err(Error::Fit("every row needs one vector of the same length".to_owned()));
    }
    let valid = fit_rows(rows, vectors, |row| row.split == Split::Valid);
    if valid.len() < 20 {
        return Err(Error::Fit(format!("{} rows for choosing settings are too few", valid.len())));
    }
    let mut best: Option<(bool, Vec<FitRow>, Gram, Candidate)> = None;
    let mut correlations = [f64::NEG_INFINITY; 2];
    for with_suspect in [true, false] {
        let train =
            fit_rows(rows, vectors, |row| row.split == Split::Train && (with_suspect || !row.suspect));
        if train.len() < 20 {
            return Err(Error::Fit(format!("{} rows for fitting are too few", train.len())));
        }
        let gram = gram(&train, dimensions);
        let candidate = choose_penalties(&gram, &valid, dimensions)?;
        correlations[usize::from(with_suspect)] = candidate.correlation;
        if best.as_ref().is_none_or(|(_, _, _, other)| candidate.correlation > other.correlation) {
            best = Some((with_suspect, train, gram, candidate));
        }
    }
    let (with_suspect, train, gram, candidate) = best.ok_or_else(|| Error::Fit("no candidate".to_owned()))?;

    let precision = precision(&gram, &candidate, dimensions)?;
    let mean = precision.solve(&gram.target);
    let covariance_factor = Cholesky::factor(precision.inverse(), mean.len())
        .ok_or_else(|| Error::Fit("the posterior covariance is not positive definite".to_owned()))?
        .into_packed();
    let (residual_sd, headline_sd) = brief_spread(&gram, &mean, &valid, dimensions);
    let (level_ctr, level_impressions) = level_prior(&valid);
    let priors = Priors {
        level_ctr,
        level_impressions,
        residual_sd,
        headline_sd,
        // Assumed: a brief's taste in the whole text is as strong as its taste in headlines.
        text_sd: headline_sd,
        frame_sd: FRAME_SD,
        transfer_sd: TRANSFER_SD,
    };
    let report = FitReport {
        vector_penalty: candidate.vector_penalty,
        structure_penalty: candidate.structure_penalty,
        suspect_weeks_used: with_suspect,
        valid_correlation: candidate.correlation,
        valid_correlation_of_other_weeks: correlations[usize::from(!with_suspect)],
        fitted_rows: train.len(),
        fitted_tests: train.iter().map(|row| row.test).collect::<std::collections::BTreeSet<_>>().len(),
        valid_rows: valid.len(),
    };
    let Gram { center, scale, .. } = gram;
    let layer = LastLayer { encoder: encoder.to_owned(), center, scale, mean, covariance_factor, priors };
    Ok((layer, report))
}

/// Relative log-odds of every row by the archive's taste alone; 0 is the archive's average.
///
/// # Errors
/// [`Error::Fit`]: rows and vectors do not match the layer.
pub fn archive_scores(
    layer: &LastLayer,
    rows: &[ClickTestRow],
    vectors: &[Arc<[f32]>],
) -> Result<Vec<f64>, Error> {
    rows.iter()
        .zip(vectors)
        .map(|(row, vector)| {
            let raw = raw_columns(vector, &row.headline);
            if raw.len() != layer.n_columns() || rows.len() != vectors.len() {
                return Err(Error::Fit("rows and vectors do not match the layer".to_owned()));
            }
            Ok(layer.archive_appeal(&layer.standardize(&raw)))
        })
        .collect()
}

/// Rows that pass `keep` and are not of the simulated audience.
fn fit_rows(
    rows: &[ClickTestRow],
    vectors: &[Arc<[f32]>],
    keep: impl Fn(&ClickTestRow) -> bool,
) -> Vec<FitRow> {
    let mut tests = BTreeMap::<&str, usize>::new();
    rows.iter()
        .zip(vectors)
        .filter(|(row, _)| keep(row) && !audience_share(&row.test_id))
        .map(|(row, vector)| {
            let next = tests.len();
            let (n, k) = (row.impressions as f64, row.clicks as f64);
            let rate = (k + 0.5) / (n + 1.0);
            FitRow {
                test: *tests.entry(&row.test_id).or_insert(next),
                raw: raw_columns(vector, &row.headline),
                response: logit(rate),
                noise: 1.0 / (n * rate * (1.0 - rate)),
            }
        })
        .collect()
}

fn by_test(rows: &[FitRow]) -> Vec<Vec<&FitRow>> {
    let mut tests = BTreeMap::<usize, Vec<&FitRow>>::new();
    for row in rows {
        tests.entry(row.test).or_default().push(row);
    }
    tests.into_values().collect()
}

/// Columns and responses of one test without their weighted means.
fn centered(test: &[&FitRow], center: &[f64], scale: &[f64]) -> (Vec<Vec<f64>>, Vec<f64>) {
    let total: f64 = test.iter().map(|row| row.weight()).sum();
    let mut columns: Vec<Vec<f64>> = test
        .iter()
        .map(|row| {
            row.raw
                .iter()
                .zip(center)
                .zip(scale)
                .map(|((value, center), scale)| (value - center) * scale)
                .collect()
        })
        .collect();
    let mut mean = vec![0.0; center.len()];
    for (row, values) in test.iter().zip(&columns) {
        for (sum, value) in mean.iter_mut().zip(values) {
            *sum += row.weight() / total * value;
        }
    }
    for values in &mut columns {
        for (value, mean) in values.iter_mut().zip(&mean) {
            *value -= mean;
        }
    }
    let mean_response: f64 = test.iter().map(|row| row.weight() / total * row.response).sum();
    (columns, test.iter().map(|row| row.response - mean_response).collect())
}

fn gram(rows: &[FitRow], dimensions: usize) -> Gram {
    let n_columns = dimensions + STRUCTURE_FEATURES.len();
    let n = rows.len() as f64;
    let mut center = vec![0.0; n_columns];
    for row in rows {
        for (sum, value) in center.iter_mut().zip(&row.raw) {
            *sum += value / n;
        }
    }
    // Vector columns keep their scale: vectors have length 1. Structure columns get variance 1.
    let mut scale = vec![1.0; n_columns];
    for (column, scale) in scale.iter_mut().enumerate().skip(dimensions) {
        let variance = rows.iter().map(|row| (row.raw[column] - center[column]).powi(2)).sum::<f64>() / n;
        *scale = if variance > 1e-9 { 1.0 / variance.sqrt() } else { 0.0 };
    }
    let mut products = vec![0.0; row_start(n_columns)];
    let mut target = vec![0.0; n_columns];
    for test in by_test(rows) {
        let (columns, responses) = centered(&test, &center, &scale);
        for ((row, values), response) in test.iter().zip(&columns).zip(&responses) {
            let weight = row.weight();
            for (i, &value) in values.iter().enumerate() {
                let weighted = weight * value;
                target[i] += weighted * response;
                for (sum, other) in products[row_start(i)..=row_start(i) + i].iter_mut().zip(values) {
                    *sum += weighted * other;
                }
            }
        }
    }
    let mean_weight = rows.iter().map(FitRow::weight).sum::<f64>() / n;
    Gram { center, scale, products, target, mean_weight }
}

fn precision(gram: &Gram, candidate: &Candidate, dimensions: usize) -> Result<Cholesky, Error> {
    let mut matrix = gram.products.clone();
    let n_columns = gram.target.len();
    for column in 0..n_columns {
        let penalty =
            if column < dimensions { candidate.vector_penalty } else { candidate.structure_penalty };
        matrix[row_start(column) + column] += penalty * gram.mean_weight;
    }
    Cholesky::factor(matrix, n_columns)
        .ok_or_else(|| Error::Fit("the normal equations cannot be solved".to_owned()))
}

fn choose_penalties(gram: &Gram, valid: &[FitRow], dimensions: usize) -> Result<Candidate, Error> {
    let tests: Vec<_> = by_test(valid)
        .into_iter()
        .map(|test| {
            let (columns, responses) = centered(&test, &gram.center, &gram.scale);
            let weights: Vec<f64> = test.iter().map(|row| row.weight()).collect();
            (columns, responses, weights)
        })
        .collect();
    let mut best: Option<Candidate> = None;
    for vector_penalty in VECTOR_PENALTIES {
        for structure_penalty in STRUCTURE_PENALTIES {
            let mut candidate = Candidate { vector_penalty, structure_penalty, correlation: 0.0 };
            let mean = precision(gram, &candidate, dimensions)?.solve(&gram.target);
            let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
            for (columns, responses, weights) in &tests {
                for ((values, response), weight) in columns.iter().zip(responses).zip(weights) {
                    let predicted = dot(values, &mean);
                    xy += weight * predicted * response;
                    xx += weight * predicted * predicted;
                    yy += weight * response * response;
                }
            }
            candidate.correlation = if xx > 0.0 && yy > 0.0 { xy / (xx * yy).sqrt() } else { 0.0 };
            if best.as_ref().is_none_or(|other| candidate.correlation > other.correlation) {
                best = Some(candidate);
            }
        }
    }
    best.ok_or_else(|| Error::Fit("no candidate".to_owned()))
}

/// Residual spread and a brief's own taste in headlines (standard deviations in log-odds), by the
/// Gaussian likelihood of what the fitted weights leave unexplained, over a grid:
/// covariance = sampling noise + residual² I + taste² E Eᵀ + a free level.
fn brief_spread(gram: &Gram, mean: &[f64], valid: &[FitRow], dimensions: usize) -> (f64, f64) {
    let tests = by_test(valid);
    let unexplained: Vec<Vec<f64>> = tests
        .iter()
        .map(|test| {
            let (columns, responses) = centered(test, &gram.center, &gram.scale);
            columns.iter().zip(responses).map(|(values, response)| response - dot(values, mean)).collect()
        })
        .collect();
    let mut best = (f64::NEG_INFINITY, WEIGHT_SPREAD, 0.0);
    for residual_step in 1..=12 {
        for taste_step in 0..=12 {
            let (residual_sd, taste_sd) = (0.025 * f64::from(residual_step), 0.025 * f64::from(taste_step));
            let likelihood: f64 = tests
                .iter()
                .zip(&unexplained)
                .map(|(test, values)| log_likelihood(test, values, residual_sd, taste_sd, dimensions))
                .sum();
            if likelihood > best.0 {
                best = (likelihood, residual_sd, taste_sd);
            }
        }
    }
    (best.1, best.2)
}

fn log_likelihood(
    test: &[&FitRow],
    values: &[f64],
    residual_sd: f64,
    taste_sd: f64,
    dimensions: usize,
) -> f64 {
    let mut matrix = Vec::with_capacity(row_start(test.len()));
    for (i, row) in test.iter().enumerate() {
        for other in &test[..=i] {
            let similarity = dot(&row.raw[..dimensions], &other.raw[..dimensions]);
            matrix.push(taste_sd * taste_sd * similarity + FREE_LEVEL_VARIANCE);
        }
        if let Some(diagonal) = matrix.last_mut() {
            *diagonal += row.noise + residual_sd * residual_sd;
        }
    }
    Cholesky::factor(matrix, test.len()).map_or(f64::NEG_INFINITY, |factor| {
        let explained = factor.forward(values);
        -0.5 * (factor.log_determinant() + dot(&explained, &explained))
    })
}

/// Mean click rate of a brief (of the mean log-odds) and the pseudo-impressions that give the
/// spread of log-odds between briefs, from one pooled rate per test.
fn level_prior(rows: &[FitRow]) -> (f64, f64) {
    let levels: Vec<(f64, f64)> = by_test(rows)
        .iter()
        .map(|test| {
            let total: f64 = test.iter().map(|row| 1.0 / row.noise).sum();
            let level = test.iter().map(|row| row.response / row.noise).sum::<f64>() / total;
            (level, 1.0 / total)
        })
        .collect();
    let n = levels.len() as f64;
    let mean = levels.iter().map(|(level, _)| level).sum::<f64>() / n;
    let observed = levels.iter().map(|(level, _)| (level - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    let noise = levels.iter().map(|(_, noise)| noise).sum::<f64>() / n;
    let rate = sigmoid(mean).clamp(1e-5, 0.4);
    let impressions = 1.0 / ((observed - noise).max(0.01) * rate * (1.0 - rate));
    (rate, impressions.max(1.0))
}
