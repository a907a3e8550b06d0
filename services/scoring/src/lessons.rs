//! What a better ranker teaches a smaller one.
//!
//! Clicks say little about one headline; a ranker on a larger encoder has an opinion on each. A smaller
//! encoder's layer is therefore fitted on both: on the clicks, and on the teacher's opinions of the same
//! headlines (distillation: Hinton, Vinyals and Dean 2015, arXiv 1503.02531, there on classes). With b
//! the weights, A and y the centered columns and responses of the ridge, U the columns of the different
//! headlines without their mean and t the opinions without theirs,
//!
//! > minimize Σ w (y − A b)² + λ w̄ |b|² + η w̄ Σ (t − U b)².
//!
//! Opinions are compared over all headlines, not within tests only: unlike a click rate, an opinion does
//! not depend on the test's level. They move the weights, not their posterior covariance: how unsure a
//! layer is remains what the clicks alone leave open.
//!
//! An opinion is never drawn from the clicks it is judged by: while a fold is held out, the weights of
//! student and teacher both are without that fold's clicks, and its headlines are not taught. What all
//! folds share is how strongly weights are held back: λ, η, and the mean weight that is their unit.

use std::collections::BTreeMap;

use candle_core::Tensor;

use crate::data::ClickTestRow;
use crate::design::N_FOLDS;
use crate::error::Error;
use crate::linear::{add_scaled, dot};
use crate::ridge::products;
use crate::train::{Settings, TrainingTests};

/// What a fitted ranker thinks of the headlines of the train split: log-odds before its slope, one number
/// per row of the table, 0 for rows that it was not fitted on.
#[derive(Debug, Clone, PartialEq)]
pub struct Opinions {
    /// Name of the teacher's encoder.
    pub encoder: String,
    /// Tests that the teacher was fitted on.
    pub tests: TrainingTests,
    /// By weights that saw no click of fold 0, 1, …; last by those that saw all.
    pub by_held_out: Vec<Vec<f64>>,
}

impl Opinions {
    /// Of the weights fitted without each fold and, last, on all; `columns` belong to `fitted_rows`.
    pub(crate) fn new(
        settings: &Settings,
        weights: &[Vec<f64>],
        n_rows: usize,
        fitted_rows: &[usize],
        columns: &[Vec<f64>],
    ) -> Self {
        let of = |weights: &Vec<f64>| {
            let mut opinions = vec![0.0; n_rows];
            for (&idx, columns) in fitted_rows.iter().zip(columns) {
                opinions[idx] = dot(columns, weights);
            }
            opinions
        };
        Self {
            encoder: settings.encoder.clone(),
            tests: settings.tests,
            by_held_out: weights.iter().map(of).collect(),
        }
    }
}

/// UᵀU and Uᵀt without each fold and, last, with all.
pub(crate) struct Lessons {
    pub(crate) by_held_out: Vec<(Tensor, Vec<f64>)>,
}

impl Lessons {
    /// `columns` and `folds` belong to `fitted_rows`; the student is fitted on `tests`.
    pub(crate) fn new(
        opinions: &Opinions,
        tests: TrainingTests,
        rows: &[ClickTestRow],
        fitted_rows: &[usize],
        columns: &[Vec<f64>],
        folds: &[usize],
    ) -> Result<Self, Error> {
        let fits = opinions.by_held_out.len() == N_FOLDS + 1
            && opinions.by_held_out.iter().all(|values| values.len() == rows.len());
        if !fits || opinions.tests != tests {
            return Err(Error::Fit("the teacher was fitted on other tests".to_owned()));
        }
        // A headline may stand in several tests, and so in several folds.
        let mut places: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (place, &idx) in fitted_rows.iter().enumerate() {
            places.entry(&rows[idx].headline).or_default().push(place);
        }
        let by_held_out = opinions
            .by_held_out
            .iter()
            .enumerate()
            .map(|(held_out, opinions)| {
                let taught: Vec<usize> = places
                    .values()
                    .filter(|places| places.iter().all(|&place| folds[place] != held_out))
                    .map(|places| places[0])
                    .collect();
                let columns: Vec<&Vec<f64>> = taught.iter().map(|&place| &columns[place]).collect();
                let opinions: Vec<f64> = taught.iter().map(|&place| opinions[fitted_rows[place]]).collect();
                sums(&columns, &opinions)
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { by_held_out })
    }
}

/// UᵀU and Uᵀt.
fn sums(columns: &[&Vec<f64>], opinions: &[f64]) -> Result<(Tensor, Vec<f64>), Error> {
    let (n_rows, n) = (columns.len(), columns.first().map_or(0, |columns| columns.len()));
    let mut mean = vec![0.0; n];
    for columns in columns {
        add_scaled(&mut mean, columns, 1.0 / n_rows as f64);
    }
    let mean_opinion = opinions.iter().sum::<f64>() / (n_rows as f64).max(1.0);
    let mut centered: Vec<f64> = Vec::with_capacity(n_rows * n);
    let mut target = vec![0.0; n];
    for (columns, opinion) in columns.iter().zip(opinions) {
        let start = centered.len();
        centered.extend(columns.iter().zip(&mean).map(|(value, mean)| value - mean));
        add_scaled(&mut target, &centered[start..], opinion - mean_opinion);
    }
    Ok((products(centered, n)?, target))
}
