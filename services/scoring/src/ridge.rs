//! Test-centered weighted ridge and its compact posterior.
//!
//! The weights solve (AᵀWA + τ I) b = AᵀWy, A the columns and y the responses without their means
//! within the test ([`crate::design`]), τ = λ w̄ with w̄ the mean weight. Read as a Gaussian model
//! with noise variances 1/w, b is the posterior mean and Σ = (AᵀWA + τ I)⁻¹ the covariance.
//!
//! Σ has too many numbers to ship (2.7 million for 2,304 columns). With AᵀWA = Σₖ sₖ vₖ vₖᵀ its
//! eigenvectors also are those of Σ, with 1/(sₖ + τ): the leading ones are kept exactly, and all
//! others get one variance t, so chosen that the mean variance of the fitted rows is right.

use candle_core::{DType, Device, Tensor};

use crate::design::{Design, N_FOLDS};
use crate::error::Error;
use crate::last_layer::rounded_direction;
use crate::lessons::Lessons;
use crate::linear::{Cholesky, dot, row_start};
use crate::spectrum::leading_eigen;

/// Rows whose exact variance fixes t.
const VARIANCE_SAMPLE: usize = 400;

/// Sums of weighted squares and products of centered columns, with the part of each fold.
pub(crate) struct Gram {
    n: usize,
    /// AᵀWA of each fold, `n` by `n`.
    folds: Vec<Tensor>,
    /// AᵀWy of each fold.
    targets: Vec<Vec<f64>>,
    /// Mean weight of all rows.
    mean_weight: f64,
    lessons: Option<Lessons>,
}

/// What holds the weights back besides the clicks, each in units of the mean weight.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Strengths {
    /// λ.
    pub(crate) penalty: f64,
    /// η of [`crate::lessons`]; without lessons it has no effect.
    pub(crate) lessons: f64,
}

/// The posterior in compact form; see [`crate::last_layer::LastLayer`].
pub(crate) struct CompactPosterior {
    pub(crate) tail_variance: f64,
    pub(crate) reductions: Vec<f64>,
    pub(crate) directions: Vec<i16>,
}

impl Gram {
    /// `columns` belong to `rows`, which hold whole tests; `folds` says in which fold each row is.
    pub(crate) fn new(
        design: &Design,
        rows: &[usize],
        columns: &[Vec<f64>],
        folds: &[usize],
    ) -> Result<Self, Error> {
        let n = columns.first().map_or(0, Vec::len);
        let place: std::collections::HashMap<usize, usize> =
            rows.iter().enumerate().map(|(place, &idx)| (idx, place)).collect();
        let responses = design.centered(&design.response);
        let mut gram = Self { n, folds: Vec::new(), targets: Vec::new(), mean_weight: 0.0, lessons: None };
        gram.mean_weight = rows.iter().map(|&idx| design.weight[idx]).sum::<f64>() / rows.len() as f64;
        let tests = design.tests_of(rows);
        for fold in 0..N_FOLDS {
            // Rows times √w, so that one symmetric product gives AᵀWA.
            let mut scaled: Vec<f64> = Vec::new();
            let mut target = vec![0.0; n];
            for &test in &tests {
                let test = &design.tests[test];
                let (Some(first), true) =
                    (place.get(&test[0]), test.iter().all(|idx| place.contains_key(idx)))
                else {
                    return Err(Error::Fit("a test is only partly among the fitted rows".to_owned()));
                };
                if folds[*first] != fold {
                    continue;
                }
                let total: f64 = test.iter().map(|&idx| design.weight[idx]).sum();
                let mut mean = vec![0.0; n];
                for &idx in test {
                    crate::linear::add_scaled(&mut mean, &columns[place[&idx]], design.weight[idx] / total);
                }
                for &idx in test {
                    let root = design.weight[idx].sqrt();
                    let start = scaled.len();
                    scaled.extend(columns[place[&idx]].iter().zip(&mean).map(|(x, mean)| (x - mean) * root));
                    crate::linear::add_scaled(&mut target, &scaled[start..], root * responses[idx]);
                }
            }
            gram.folds.push(products(scaled, n)?);
            gram.targets.push(target);
        }
        Ok(gram)
    }

    /// The same with lessons for [`Self::weights`].
    pub(crate) fn taught(mut self, lessons: Lessons) -> Self {
        self.lessons = Some(lessons);
        self
    }

    /// The sums of the clicks without one fold, or all of them.
    fn sums(&self, without: Option<usize>) -> Result<(Tensor, Vec<f64>), Error> {
        let mut total = Tensor::zeros((self.n, self.n), DType::F64, &Device::Cpu).map_err(fit_error)?;
        let mut target = vec![0.0; self.n];
        for fold in (0..N_FOLDS).filter(|&fold| Some(fold) != without) {
            total = (total + &self.folds[fold]).map_err(fit_error)?;
            crate::linear::add_scaled(&mut target, &self.targets[fold], 1.0);
        }
        Ok((total, target))
    }

    fn factor(&self, products: &Tensor, penalty: f64) -> Result<Cholesky, Error> {
        let rows = products.to_vec2::<f64>().map_err(fit_error)?;
        let mut packed = Vec::with_capacity(row_start(self.n + 1));
        for (i, row) in rows.iter().enumerate() {
            packed.extend_from_slice(&row[..=i]);
            if let Some(diagonal) = packed.last_mut() {
                *diagonal += penalty * self.mean_weight;
            }
        }
        Cholesky::factor(packed, self.n)
            .ok_or_else(|| Error::Fit("the normal equations cannot be solved".to_owned()))
    }

    /// The weights, with each column multiplied by its scale; `without` one fold.
    pub(crate) fn weights(
        &self,
        strengths: Strengths,
        scales: &[f64],
        without: Option<usize>,
    ) -> Result<Vec<f64>, Error> {
        let (mut products, mut target) = self.sums(without)?;
        if let Some(lessons) = &self.lessons {
            let (of_lessons, target_of_lessons) = &lessons.by_held_out[without.unwrap_or(N_FOLDS)];
            let weight = strengths.lessons * self.mean_weight;
            products = (of_lessons * weight).and_then(|taught| products + taught).map_err(fit_error)?;
            crate::linear::add_scaled(&mut target, target_of_lessons, weight);
        }
        for (value, scale) in target.iter_mut().zip(scales) {
            *value *= scale;
        }
        Ok(self.factor(&scaled(&products, scales)?, strengths.penalty)?.solve(&target))
    }

    /// The posterior covariance in compact form, with at most `count` directions. `columns`: rows
    /// (already multiplied by `scales`) whose variance the form is to get right on average.
    pub(crate) fn posterior(
        &self,
        penalty: f64,
        scales: &[f64],
        columns: &[Vec<f64>],
        count: usize,
    ) -> Result<CompactPosterior, Error> {
        let products = scaled(&self.sums(None)?.0, scales)?;
        let factor = self.factor(&products, penalty)?;
        let tau = penalty * self.mean_weight;
        let eigen = leading_eigen(&products, self.n, count)?;
        let (mut variance, mut energy) = (0.0, 0.0);
        let step = (columns.len() / VARIANCE_SAMPLE).max(1);
        for row in columns.iter().step_by(step) {
            let white = factor.forward(row);
            variance += dot(&white, &white);
            energy += dot(row, row);
            for direction in &eigen {
                let along = dot(row, &direction.vector).powi(2);
                variance -= along / (direction.value + tau);
                energy -= along;
            }
        }
        // Nothing lies outside the kept directions when there are as many as columns.
        let in_range = variance > 0.0 && energy > 1e-9 * columns.len() as f64;
        let tail_variance = if in_range { (variance / energy).min(1.0 / tau) } else { 1.0 / tau };
        // What is above the tail's variance in a kept direction raises the tail's.
        let tail_variance =
            eigen.iter().map(|direction| 1.0 / (direction.value + tau)).fold(tail_variance, f64::max);
        let tail_variance = f64::from(tail_variance as f32);
        Ok(CompactPosterior {
            tail_variance,
            reductions: eigen
                .iter()
                .map(|direction| (tail_variance - 1.0 / (direction.value + tau)).max(0.0))
                .collect(),
            directions: eigen.iter().flat_map(|direction| rounded_direction(&direction.vector)).collect(),
        })
    }

    /// Exact variance of a row's score.
    pub(crate) fn exact(&self, penalty: f64, scales: &[f64]) -> Result<ExactPosterior, Error> {
        Ok(ExactPosterior { factor: self.factor(&scaled(&self.sums(None)?.0, scales)?, penalty)? })
    }
}

/// The posterior covariance without loss, while fitting.
pub(crate) struct ExactPosterior {
    factor: Cholesky,
}

impl ExactPosterior {
    /// xᵀ Σ x.
    pub(crate) fn variance(&self, columns: &[f64]) -> f64 {
        let white = self.factor.forward(columns);
        dot(&white, &white)
    }
}

/// RᵀR for the rows R of `n` numbers that lie one after the other in `rows`.
pub(crate) fn products(rows: Vec<f64>, n: usize) -> Result<Tensor, Error> {
    let n_rows = rows.len() / n.max(1);
    let product = if n_rows == 0 {
        Tensor::zeros((n, n), DType::F64, &Device::Cpu)
    } else {
        Tensor::from_vec(rows, (n_rows, n), &Device::Cpu)
            .and_then(|rows| rows.t()?.contiguous()?.matmul(&rows))
    };
    product.map_err(fit_error)
}

/// `products` of columns that are each multiplied by their scale.
fn scaled(products: &Tensor, scales: &[f64]) -> Result<Tensor, Error> {
    let scales = Tensor::new(scales, &Device::Cpu).map_err(fit_error)?;
    products
        .broadcast_mul(&scales)
        .and_then(|products| products.broadcast_mul(&scales.unsqueeze(1)?))
        .map_err(fit_error)
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` asks for")]
fn fit_error(error: candle_core::Error) -> Error {
    Error::Fit(error.to_string())
}
