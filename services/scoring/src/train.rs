//! Fitting the last layer on click tests.
//!
//! Rows of the train split whose test has at least two different headlines are fitted by the ridge
//! of [`crate::ridge`]. Its penalty (and, for encoders of one block, the weight of the structure
//! columns) is chosen by five-fold cross-validation over whole train tests; so is the slope by
//! which the scores are multiplied, because ridge shrinks more than prediction asks for. A layer may
//! also learn from the opinions of one on a larger encoder ([`crate::lessons`]).
//!
//! The priors around the weights are measured on the validation split: a brief's own taste by the
//! likelihood of what the weights and their posterior leave unexplained, the residual spread so that
//! 90 % of its contrasts lie in their 90 % intervals ([`crate::coverage`]), the level by the spread
//! between tests. Unless the whole archive is asked for, tests of the
//! simulated audience are in none of these. The test split is only read by [`crate::metrics`].

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::coverage::Contrasts;
use crate::data::{ClickTestRow, Split, audience_share};
use crate::design::{Agreement, Design, N_FOLDS, WEIGHT_SPREAD, fold_of};
use crate::error::Error;
use crate::features::{STRUCTURE_FEATURES, structure_features};
use crate::last_layer::{LastLayer, Priors};
use crate::lessons::{Lessons, Opinions};
use crate::linear::{Cholesky, dot, row_start};
use crate::model::sigmoid;
use crate::ridge::{CompactPosterior, Gram, Strengths};

/// Variance given to a test's level where it is to be ignored.
const FREE_LEVEL_VARIANCE: f64 = 25.0;
/// Prior standard deviation of a frame statistic's weight. Not measured: the archive has no videos.
/// Eight statistics of size 1 together move log-odds by 0.11, below the residual spread.
const FRAME_SD: f64 = 0.04;
/// Standard deviation of how far the archive's taste carries over to a brief. Not measured.
const TRANSFER_SD: f64 = 0.5;
/// Advertisements always differ by something that no text shows.
const MIN_RESIDUAL_SD: f64 = 0.025;
/// Penalties and weights of a teacher's opinions to choose from. The penalties go below those for
/// clicks alone, because opinions hold the weights back as well.
const TAUGHT_PENALTIES: [f64; 4] = [2.0, 5.0, 10.0, 20.0];
const LESSON_WEIGHTS: [f64; 4] = [0.3, 1.0, 3.0, 10.0];
/// Headlines whose interval in compact form is compared with the exact one.
const WIDTH_SAMPLE: usize = 300;

/// Which tests of the train and validation split may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TrainingTests {
    /// Those that do not belong to the simulated audience: for models that are judged by it.
    WithoutAudience,
    /// All.
    Whole,
}

impl TrainingTests {
    /// Whether the test may be used.
    #[must_use]
    pub fn allows(self, test_id: &str) -> bool {
        self == Self::Whole || !audience_share(test_id)
    }
}

/// What to fit.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Name of the encoder.
    pub encoder: String,
    /// Blocks of its vectors.
    pub n_blocks: usize,
    /// Penalties λ to choose from for the clicks alone; one is taken as it is.
    pub penalties: Vec<f64>,
    /// Weights of the standardized structure columns to choose from; 0 leaves them out.
    pub structure_scales: Vec<f64>,
    /// Which tests are used.
    pub tests: TrainingTests,
    /// Most directions kept of the posterior covariance.
    pub n_directions: usize,
}

impl Settings {
    /// The settings for the vectors of an encoder. Layer means (several blocks) get λ = 20 and no
    /// structure columns, both chosen once by cross-validation on train tests; others choose.
    #[must_use]
    pub fn new(encoder: &str, n_blocks: usize, tests: TrainingTests) -> Self {
        let layer_means = n_blocks > 1;
        Self {
            encoder: encoder.to_owned(),
            n_blocks,
            penalties: if layer_means { vec![20.0] } else { vec![3.0, 10.0, 20.0, 30.0, 50.0, 100.0, 300.0] },
            structure_scales: if layer_means { vec![0.0] } else { vec![0.0, 0.1, 0.2, 0.4, 0.8] },
            tests,
            n_directions: 192,
        }
    }
}

/// What was chosen and how many rows it rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FitReport {
    /// λ: the penalty of every column, times the mean weight. With a teacher, that of the posterior
    /// covariance, which is the clicks' alone.
    pub penalty: f64,
    /// Weight of the standardized structure columns; 0 when they are left out.
    pub structure_scale: f64,
    /// Factor on the scores.
    pub slope: f64,
    /// Weighted correlation of scores and responses within tests, in cross-validation.
    pub cross_validated_correlation: f64,
    /// Standard deviation of a score within tests, in cross-validation, before the slope.
    pub cross_validated_spread: f64,
    /// The same correlation on the validation split, which chose nothing.
    pub valid_correlation: f64,
    /// Whose opinions it was fitted on besides the clicks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taught: Option<Taught>,
    /// Which tests were used.
    pub tests: TrainingTests,
    /// Rows fitted on.
    pub fitted_rows: usize,
    /// Tests fitted on.
    pub fitted_tests: usize,
    /// Rows of the validation split that the priors rest on.
    pub valid_rows: usize,
    /// Directions kept of the posterior covariance.
    pub directions: usize,
    /// Largest relative error of an interval's width by keeping only these, without history, on a
    /// sample of the validation split's headlines.
    pub interval_width_error: f64,
}

/// A teacher and how much it counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Taught {
    /// Encoder of the teacher's layer.
    pub by: String,
    /// η: the weight of an opinion on one headline, times the mean weight.
    pub weight: f64,
    /// λ of the weights.
    pub penalty: f64,
}

/// A fitted layer and what fitting showed.
#[derive(Debug, Clone)]
pub struct Fitted {
    /// The layer.
    pub layer: LastLayer,
    /// What was chosen.
    pub report: FitReport,
    /// Cross-validated score of each fitted row (before the slope), 0 for all other rows.
    pub cross_validated: Vec<f64>,
    /// What it can teach another encoder's layer.
    pub opinions: Opinions,
}

struct Candidate {
    strengths: Strengths,
    structure_scale: f64,
    agreement: Agreement,
    scores: Vec<f64>,
    /// Weights without each fold.
    by_held_out: Vec<Vec<f64>>,
}

/// Fits the last layer; `vectors` holds the headline's vector of each row, `teacher` what a layer fitted
/// on the same rows thinks of them.
///
/// # Errors
/// [`Error::Fit`]: rows, vectors and opinions do not match, a vector is not finite, or the rows used
/// for fitting or for the priors are too few to determine the layer.
pub fn fit(
    rows: &[ClickTestRow],
    vectors: &[Arc<[f32]>],
    settings: &Settings,
    teacher: Option<&Opinions>,
) -> Result<Fitted, Error> {
    check_vectors(rows, vectors, settings.n_blocks)?;
    let design = Design::new(rows);
    let allowed = |idx: usize, split| rows[idx].split == split && settings.tests.allows(&rows[idx].test_id);
    let train = design.comparable(|idx| allowed(idx, Split::Train));
    let valid = design.comparable(|idx| allowed(idx, Split::Valid));
    for (part, rows) in [("fitting", &train), ("the priors", &valid)] {
        if rows.len() < 20 {
            return Err(Error::Fit(format!("{} rows for {part} are too few", rows.len())));
        }
    }
    let mut layer = empty_layer(rows, vectors, &train, settings);
    let columns: Vec<Vec<f64>> =
        train.iter().map(|&idx| layer.columns(&vectors[idx], &rows[idx].headline)).collect();
    let folds: Vec<usize> = train.iter().map(|&idx| fold_of(&rows[idx].test_id)).collect();
    let choice = Choice { design: &design, train: &train, columns: &columns, folds: &folds };
    let Weights { gram, scales, penalty, posterior, mean, best } = choice.weights(rows, settings, teacher)?;
    let mut by_held_out = best.by_held_out;
    by_held_out.push(multiplied(&mean, &scales));
    let opinions = Opinions::new(settings, &by_held_out, rows.len(), &train, &columns);
    layer.mean = mean.iter().map(|weight| weight * best.agreement.slope).collect();
    layer.tail_variance = posterior.tail_variance;
    layer.reductions = posterior.reductions;
    layer.directions = posterior.directions;
    for value in &mut layer.structure_scale {
        *value *= best.structure_scale;
    }
    layer.priors = priors(&layer, &design, rows, vectors, &valid, settings);
    layer.priors.residual_sd = residual_sd(&layer, rows, vectors, &valid);
    let valid_columns: Vec<Vec<f64>> =
        valid.iter().map(|&idx| layer.columns(&vectors[idx], &rows[idx].headline)).collect();
    let mut valid_scores = vec![0.0; rows.len()];
    for (&idx, columns) in valid.iter().zip(&valid_columns) {
        valid_scores[idx] = layer.archive_appeal(columns);
    }
    let report = FitReport {
        penalty,
        structure_scale: best.structure_scale,
        taught: teacher.map(|teacher| Taught {
            by: teacher.encoder.clone(),
            weight: best.strengths.lessons,
            penalty: best.strengths.penalty,
        }),
        slope: best.agreement.slope,
        cross_validated_correlation: best.agreement.correlation,
        cross_validated_spread: best.agreement.spread,
        valid_correlation: design.agreement(&valid_scores, &valid).correlation,
        tests: settings.tests,
        fitted_rows: train.len(),
        fitted_tests: design.tests_of(&train).len(),
        valid_rows: valid.len(),
        directions: layer.reductions.len(),
        interval_width_error: width_error(&gram, &layer, &valid_columns, penalty, &scales)?,
    };
    Ok(Fitted { layer, report, cross_validated: best.scores, opinions })
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
    if rows.len() != vectors.len() || vectors.iter().any(|vector| vector.len() != layer.center.len()) {
        return Err(Error::Fit("rows and vectors do not match the layer".to_owned()));
    }
    let score = |(row, vector): (&ClickTestRow, &Arc<[f32]>)| {
        layer.archive_appeal(&layer.columns(vector, &row.headline))
    };
    Ok(rows.iter().zip(vectors).map(score).collect())
}

fn check_vectors(rows: &[ClickTestRow], vectors: &[Arc<[f32]>], n_blocks: usize) -> Result<(), Error> {
    let dimensions = vectors.first().map_or(0, |vector| vector.len());
    if rows.len() != vectors.len()
        || dimensions == 0
        || n_blocks == 0
        || !dimensions.is_multiple_of(n_blocks)
        || vectors.iter().any(|vector| vector.len() != dimensions)
    {
        return Err(Error::Fit("every row needs one vector of the same length".to_owned()));
    }
    if let Some(idx) = vectors.iter().position(|vector| !vector.iter().all(|value| value.is_finite())) {
        return Err(Error::Fit(format!("the vector of row {idx} is not finite")));
    }
    Ok(())
}

/// A layer that knows how to make columns, and nothing else yet.
fn empty_layer(
    rows: &[ClickTestRow],
    vectors: &[Arc<[f32]>],
    train: &[usize],
    settings: &Settings,
) -> LastLayer {
    let mut seen = BTreeSet::new();
    let unique: Vec<usize> =
        train.iter().copied().filter(|&idx| seen.insert(rows[idx].headline.as_str())).collect();
    let mut center = vec![0.0; vectors[train[0]].len()];
    for &idx in &unique {
        for (sum, value) in center.iter_mut().zip(vectors[idx].iter()) {
            *sum += f64::from(*value) / unique.len() as f64;
        }
    }
    let structure: Vec<_> = train.iter().map(|&idx| structure_features(&rows[idx].headline)).collect();
    let n = structure.len() as f64;
    let mut structure_center = vec![0.0; STRUCTURE_FEATURES.len()];
    let mut structure_scale = vec![0.0; STRUCTURE_FEATURES.len()];
    for column in 0..STRUCTURE_FEATURES.len() {
        let mean = structure.iter().map(|values| values[column]).sum::<f64>() / n;
        let variance = structure.iter().map(|values| (values[column] - mean).powi(2)).sum::<f64>() / n;
        structure_center[column] = mean;
        structure_scale[column] = if variance > 1e-9 { 1.0 / variance.sqrt() } else { 0.0 };
    }
    LastLayer {
        encoder: settings.encoder.clone(),
        n_blocks: settings.n_blocks,
        center,
        structure_center,
        structure_scale,
        mean: Vec::new(),
        tail_variance: 1.0,
        reductions: Vec::new(),
        directions: Vec::new(),
        priors: Priors {
            level_ctr: 0.01,
            level_impressions: 1.0,
            residual_sd: WEIGHT_SPREAD,
            headline_sd: 0.0,
            text_sd: 0.0,
            frame_sd: FRAME_SD,
            transfer_sd: TRANSFER_SD,
        },
    }
}

fn column_scales(n_vector: usize, structure_scale: f64) -> Vec<f64> {
    let mut scales = vec![1.0; n_vector];
    scales.resize(n_vector + STRUCTURE_FEATURES.len(), structure_scale);
    scales
}

fn multiplied(columns: &[f64], scales: &[f64]) -> Vec<f64> {
    columns.iter().zip(scales).map(|(value, scale)| value * scale).collect()
}

/// Weights of columns that are multiplied by `scales`, before the slope.
struct Weights {
    gram: Gram,
    scales: Vec<f64>,
    /// λ for the clicks alone, which is the posterior's.
    penalty: f64,
    posterior: CompactPosterior,
    mean: Vec<f64>,
    best: Candidate,
}

/// What candidates are judged on in cross-validation.
struct Choice<'a> {
    design: &'a Design,
    train: &'a [usize],
    columns: &'a [Vec<f64>],
    folds: &'a [usize],
}

impl Choice<'_> {
    fn weights(
        &self,
        rows: &[ClickTestRow],
        settings: &Settings,
        teacher: Option<&Opinions>,
    ) -> Result<Weights, Error> {
        let Self { design, train, columns, folds } = *self;
        let gram = Gram::new(design, train, columns, folds)?;
        let alone = self.best(&gram, &settings.structure_scales, &settings.penalties, &[0.0])?;
        let penalty = alone.strengths.penalty;
        let scales = column_scales(columns[0].len() - STRUCTURE_FEATURES.len(), alone.structure_scale);
        let scaled: Vec<Vec<f64>> = columns.iter().map(|columns| multiplied(columns, &scales)).collect();
        let posterior = gram.posterior(penalty, &scales, &scaled, settings.n_directions)?;
        let (gram, best) = match teacher {
            None => (gram, alone),
            Some(opinions) => {
                let gram = gram.taught(Lessons::new(opinions, settings.tests, rows, train, columns, folds)?);
                let structure = [alone.structure_scale];
                let best = self.best(&gram, &structure, &TAUGHT_PENALTIES, &LESSON_WEIGHTS)?;
                (gram, best)
            }
        };
        let mean = gram.weights(best.strengths, &scales, None)?;
        Ok(Weights { gram, scales, penalty, posterior, mean, best })
    }

    /// The candidate whose scores go best with the responses, the first of equal ones.
    fn best(
        &self,
        gram: &Gram,
        structure_scales: &[f64],
        penalties: &[f64],
        lesson_weights: &[f64],
    ) -> Result<Candidate, Error> {
        let mut best: Option<Candidate> = None;
        for &structure_scale in structure_scales {
            for &penalty in penalties {
                for &lessons in lesson_weights {
                    let candidate = self.candidate(gram, structure_scale, Strengths { penalty, lessons })?;
                    let is_better =
                        |other: &Candidate| candidate.agreement.correlation > other.agreement.correlation;
                    if best.as_ref().is_none_or(is_better) {
                        best = Some(candidate);
                    }
                }
            }
        }
        best.ok_or_else(|| Error::Fit("no penalty to choose from".to_owned()))
    }

    fn candidate(&self, gram: &Gram, structure_scale: f64, strengths: Strengths) -> Result<Candidate, Error> {
        let n_vector = self.columns.first().map_or(0, Vec::len) - STRUCTURE_FEATURES.len();
        let scales = column_scales(n_vector, structure_scale);
        let mut scores = vec![0.0; self.design.test_of.len()];
        let mut by_held_out = Vec::with_capacity(N_FOLDS);
        for fold in 0..N_FOLDS {
            let weights = multiplied(&gram.weights(strengths, &scales, Some(fold))?, &scales);
            for ((&idx, columns), _) in
                self.train.iter().zip(self.columns).zip(self.folds).filter(|(_, in_fold)| **in_fold == fold)
            {
                scores[idx] = dot(columns, &weights);
            }
            by_held_out.push(weights);
        }
        let agreement = self.design.agreement(&scores, self.train);
        Ok(Candidate { strengths, structure_scale, agreement, scores, by_held_out })
    }
}

/// Relative error of √(xᵀΣx + residual²) by the compact form.
fn width_error(
    gram: &Gram,
    layer: &LastLayer,
    columns: &[Vec<f64>],
    penalty: f64,
    scales: &[f64],
) -> Result<f64, Error> {
    let exact = gram.exact(penalty, scales)?;
    let residual = layer.priors.residual_sd.powi(2);
    let mut largest = 0.0_f64;
    for row in columns.iter().step_by((columns.len() / WIDTH_SAMPLE).max(1)) {
        let compact = layer.whiten(row);
        let ratio = (dot(&compact, &compact) + residual) / (exact.variance(row) + residual);
        largest = largest.max((ratio.sqrt() - 1.0).abs());
    }
    Ok(largest)
}

fn priors(
    layer: &LastLayer,
    design: &Design,
    rows: &[ClickTestRow],
    vectors: &[Arc<[f32]>],
    valid: &[usize],
    settings: &Settings,
) -> Priors {
    let tests: Vec<UnexplainedTest> = design
        .tests_of(valid)
        .into_iter()
        .map(|test| UnexplainedTest::new(layer, design, rows, vectors, &design.tests[test]))
        .collect();
    let headline_sd = headline_taste(&tests);
    let whole: Vec<usize> = (0..design.tests.len())
        .filter(|&test| {
            let row = &rows[design.tests[test][0]];
            row.split == Split::Valid && settings.tests.allows(&row.test_id)
        })
        .collect();
    let (level_ctr, level_impressions) = level_prior(design, &whole);
    Priors {
        level_ctr,
        level_impressions,
        // Set by coverage afterwards.
        residual_sd: WEIGHT_SPREAD,
        headline_sd,
        // Assumed: a brief's taste in the whole text is as strong as its taste in headlines.
        text_sd: headline_sd,
        frame_sd: FRAME_SD,
        transfer_sd: TRANSFER_SD,
    }
}

/// The residual spread with which 90 % of the contrasts of `valid` lie in their 90 % intervals.
fn residual_sd(layer: &LastLayer, rows: &[ClickTestRow], vectors: &[Arc<[f32]>], valid: &[usize]) -> f64 {
    let rows: Vec<ClickTestRow> = valid.iter().map(|&idx| rows[idx].clone()).collect();
    let vectors: Vec<Arc<[f32]>> = valid.iter().map(|&idx| Arc::clone(&vectors[idx])).collect();
    let contrasts = Contrasts::new(layer, &rows, &vectors);
    contrasts.calibrated_residual_sd().clamp(MIN_RESIDUAL_SD, 1.0)
}

/// One test of the validation split: what the weights leave unexplained, and the parts of its
/// covariance.
struct UnexplainedTest {
    values: Vec<f64>,
    /// Sampling noise.
    noise: Vec<f64>,
    /// Covariance from the weights' posterior, packed.
    posterior: Vec<f64>,
    /// Similarity of headlines, packed.
    similarity: Vec<f64>,
}

impl UnexplainedTest {
    fn new(
        layer: &LastLayer,
        design: &Design,
        rows: &[ClickTestRow],
        vectors: &[Arc<[f32]>],
        test: &[usize],
    ) -> Self {
        let columns: Vec<Vec<f64>> =
            test.iter().map(|&idx| layer.columns(&vectors[idx], &rows[idx].headline)).collect();
        let white: Vec<Vec<f64>> = columns.iter().map(|columns| layer.whiten(columns)).collect();
        let directions: Vec<Vec<f64>> = test.iter().map(|&idx| layer.direction(&vectors[idx])).collect();
        let packed = |of: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
            (0..test.len()).flat_map(|i| (0..=i).map(move |j| (i, j))).map(|(i, j)| of(i, j)).collect()
        };
        Self {
            values: test
                .iter()
                .zip(&columns)
                .map(|(&idx, columns)| design.response[idx] - layer.archive_appeal(columns))
                .collect(),
            noise: test.iter().map(|&idx| design.noise[idx]).collect(),
            posterior: packed(&|i, j| dot(&white[i], &white[j])),
            similarity: packed(&|i, j| dot(&directions[i], &directions[j])),
        }
    }

    /// Logarithm of the Gaussian density, up to a constant, with the level integrated out.
    fn log_likelihood(&self, residual_sd: f64, taste_sd: f64) -> f64 {
        let n = self.values.len();
        let mut matrix: Vec<f64> = self
            .posterior
            .iter()
            .zip(&self.similarity)
            .map(|(posterior, similarity)| posterior + taste_sd.powi(2) * similarity + FREE_LEVEL_VARIANCE)
            .collect();
        for (i, noise) in self.noise.iter().enumerate() {
            matrix[row_start(i) + i] += noise + residual_sd.powi(2);
        }
        let mean = self.values.iter().sum::<f64>() / n as f64;
        let values: Vec<f64> = self.values.iter().map(|value| value - mean).collect();
        Cholesky::factor(matrix, n).map_or(f64::NEG_INFINITY, |factor| {
            let explained = factor.forward(&values);
            -0.5 * (factor.log_determinant() + dot(&explained, &explained))
        })
    }
}

/// A brief's own taste in headlines (standard deviation in log-odds), by the likelihood over a grid
/// of it and of the residual spread.
fn headline_taste(tests: &[UnexplainedTest]) -> f64 {
    let mut best = (f64::NEG_INFINITY, 0.0);
    for residual_step in 1..=24 {
        for taste_step in 0..=12 {
            let (residual_sd, taste_sd) = (0.0125 * f64::from(residual_step), 0.025 * f64::from(taste_step));
            let likelihood: f64 = tests.iter().map(|test| test.log_likelihood(residual_sd, taste_sd)).sum();
            if likelihood > best.0 {
                best = (likelihood, taste_sd);
            }
        }
    }
    best.1
}

/// Mean click rate of a brief (of the mean log-odds) and the pseudo-impressions that give the
/// spread of log-odds between briefs, from one pooled rate per test.
fn level_prior(design: &Design, tests: &[usize]) -> (f64, f64) {
    let levels: Vec<(f64, f64)> = tests
        .iter()
        .map(|&test| {
            let test = &design.tests[test];
            let total: f64 = test.iter().map(|&idx| 1.0 / design.noise[idx]).sum();
            let level = test.iter().map(|&idx| design.response[idx] / design.noise[idx]).sum::<f64>() / total;
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
