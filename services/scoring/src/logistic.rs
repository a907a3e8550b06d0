//! Logistic regression with a ridge, by Newton's method.

use crate::error::Error;
use crate::linear::{Cholesky, dot, row_start};

/// Newton steps; the objective is convex and a handful are enough.
const MAX_STEPS: usize = 50;
const TOLERANCE: f64 = 1e-9;

/// A fitted logistic regression.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticRegression {
    /// Log-odds at the origin.
    pub intercept: f64,
    /// Log-odds per unit of each column.
    pub weights: Vec<f64>,
}

impl LogisticRegression {
    /// Maximizes the likelihood less `ridge`/2 times the squared weights; the intercept is free.
    /// `rows` are of equal length and finite, `labels` 0 or 1.
    ///
    /// # Errors
    /// [`Error::Fit`]: no rows, rows of different length, a number that is not finite, a label that is
    /// neither, a ridge that is not above 0, or no convergence.
    pub fn fit(rows: &[Vec<f64>], labels: &[f64], ridge: f64) -> Result<Self, Error> {
        let n = rows.first().map_or(0, Vec::len);
        let good = !rows.is_empty()
            && rows.len() == labels.len()
            && rows.iter().all(|row| row.len() == n && row.iter().all(|value| value.is_finite()))
            && labels.iter().all(|label| *label == 0.0 || *label == 1.0)
            && ridge.is_finite()
            && ridge > 0.0;
        if !good {
            return Err(Error::Fit("rows, labels or ridge of a logistic regression".to_owned()));
        }
        let mut model = Self { intercept: 0.0, weights: vec![0.0; n] };
        for _ in 0..MAX_STEPS {
            let step = model.newton_step(rows, labels, ridge)?;
            model.intercept += step[0];
            model.weights.iter_mut().zip(&step[1..]).for_each(|(weight, step)| *weight += step);
            if step.iter().all(|step| step.abs() < TOLERANCE) {
                return Ok(model);
            }
        }
        Err(Error::Fit("logistic regression did not converge".to_owned()))
    }

    fn newton_step(&self, rows: &[Vec<f64>], labels: &[f64], ridge: f64) -> Result<Vec<f64>, Error> {
        let n = self.weights.len() + 1;
        let mut gradient = vec![0.0; n];
        let mut hessian = vec![0.0; row_start(n)];
        for (row, label) in rows.iter().zip(labels) {
            let rate = self.rate(row);
            let (residual, weight) = (label - rate, rate * (1.0 - rate));
            gradient[0] += residual;
            hessian[0] += weight;
            for (i, value) in row.iter().enumerate() {
                if *value == 0.0 {
                    continue;
                }
                gradient[i + 1] += residual * value;
                let target = &mut hessian[row_start(i + 1)..=row_start(i + 1) + i + 1];
                let scaled = weight * value;
                target[0] += scaled;
                for (cell, other) in target[1..].iter_mut().zip(row) {
                    *cell += scaled * other;
                }
            }
        }
        for (i, weight) in self.weights.iter().enumerate() {
            gradient[i + 1] -= ridge * weight;
            hessian[row_start(i + 1) + i + 1] += ridge;
        }
        let factor = Cholesky::factor(hessian, n)
            .ok_or_else(|| Error::Fit("the information of a logistic regression is singular".to_owned()))?;
        Ok(factor.solve(&gradient))
    }

    /// Log-odds of a row.
    #[must_use]
    pub fn log_odds(&self, row: &[f64]) -> f64 {
        self.intercept + dot(&self.weights, row)
    }

    /// Probability of a row.
    #[must_use]
    pub fn rate(&self, row: &[f64]) -> f64 {
        1.0 / (1.0 + (-self.log_odds(row)).exp())
    }
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::random::Stream;

    use super::*;

    #[test]
    fn one_binary_column_gives_the_observed_log_odds() {
        // 30 of 100 at 0 and 60 of 100 at 1.
        let rows: Vec<Vec<f64>> = (0..200).map(|i| vec![f64::from(u8::from(i >= 100))]).collect();
        let labels: Vec<f64> =
            (0..200).map(|i| f64::from(u8::from(if i < 100 { i < 30 } else { i < 160 }))).collect();
        let model = LogisticRegression::fit(&rows, &labels, 1e-9).unwrap();
        assert!((model.intercept - (0.3_f64 / 0.7).ln()).abs() < 1e-6);
        assert!((model.weights[0] - (1.5_f64.ln() - (0.3_f64 / 0.7).ln())).abs() < 1e-6);
    }

    #[test]
    fn weights_are_recovered_and_the_ridge_shrinks_them() {
        let stream = Stream::new(1, "logistic");
        let rows: Vec<Vec<f64>> =
            (0..8_000).map(|i| (0..3).map(|d| stream.child(i).normal(d)).collect()).collect();
        let labels: Vec<f64> = rows
            .iter()
            .enumerate()
            .map(|(i, row)| {
                let rate = 1.0 / (1.0 + (1.0 - row[0] + 0.5 * row[1]).exp());
                f64::from(u8::from(stream.child(i as u64).uniform(9) < rate))
            })
            .collect();
        let model = LogisticRegression::fit(&rows, &labels, 0.1).unwrap();
        for (weight, truth) in model.weights.iter().zip([1.0, -0.5, 0.0]) {
            assert!((weight - truth).abs() < 0.1, "{model:?}");
        }
        assert!((model.intercept + 1.0).abs() < 0.1);
        let shrunken = LogisticRegression::fit(&rows, &labels, 1e4).unwrap();
        assert!(shrunken.weights[0] < 0.3 * model.weights[0]);
    }

    #[test]
    fn bad_inputs_are_errors() {
        let rows = vec![vec![1.0], vec![f64::NAN]];
        assert!(LogisticRegression::fit(&rows, &[0.0, 1.0], 1.0).is_err());
        assert!(LogisticRegression::fit(&rows[..1], &[0.5], 1.0).is_err());
        assert!(LogisticRegression::fit(&[], &[], 1.0).is_err());
        assert!(LogisticRegression::fit(&rows[..1], &[1.0], 0.0).is_err());
    }
}
