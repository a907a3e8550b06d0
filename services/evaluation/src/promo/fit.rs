//! The models that are measured, and their cross-validation.

use rayon::prelude::*;
use spotwright_schemas::Problem;
use spotwright_schemas::random::Stream;
use spotwright_scoring::cross::train::{Settings, fit};
use spotwright_scoring::cross::{CrossNetwork, Rows};
use spotwright_scoring::logistic::LogisticRegression;

use super::data::{self, Customer};
use super::design::{Columns, Design, SHAPE};
use super::quality::{Held, held};
use crate::problem::scoring_problem;

/// Networks that are averaged.
const MEMBERS: u64 = 5;
/// Parts that the train customers are cut into for cross-validation.
const FOLDS: usize = 5;

/// A model that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Model {
    Rate,
    Crossed,
    Binned,
    Curved,
    Network,
    Networks,
    Blend,
}

/// In the order of the table.
pub(super) const MODELS: [Model; 7] = [
    Model::Rate,
    Model::Crossed,
    Model::Binned,
    Model::Curved,
    Model::Network,
    Model::Networks,
    Model::Blend,
];

impl Model {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Rate => "train rate for all",
            Self::Crossed => "logistic regression, offer crosses",
            Self::Binned => "logistic regression with bins",
            Self::Curved => "logistic regression with curves",
            Self::Network => "DCN-v2",
            Self::Networks => "DCN-v2, mean of 5 seeds",
            Self::Blend => "mean of curved regression and 5 DCN-v2",
        }
    }
}

/// Ridge of each regression.
const fn ridge(columns: Columns) -> f64 {
    match columns {
        // C = 0.1, as in the reference.
        Columns::Crossed => 10.0,
        Columns::Binned => 30.0,
        Columns::Curved => 3.0,
    }
}

/// How each network is fitted; see [`super`] for how this was chosen.
pub(super) const fn settings(seed: u64) -> Settings {
    Settings { epochs: 6, batch: 512, learning_rate: 0.005, sparse_decay: 1.0, dense_decay: 1.0, seed }
}

/// Fits one regression on the offers that were made.
pub(super) fn fit_regression(
    design: &Design,
    columns: Columns,
    train: &[&Customer],
) -> Result<LogisticRegression, Problem> {
    let labels: Vec<f64> = train.iter().map(|customer| f64::from(u8::from(customer.converted))).collect();
    let rows: Vec<Vec<f64>> =
        train.iter().map(|customer| design.columns(columns, customer, customer.offer)).collect();
    LogisticRegression::fit(&rows, &labels, ridge(columns)).map_err(|error| scoring_problem(&error))
}

/// Fits one network on the offers that were made; its file.
pub(super) fn fit_network(
    design: &Design,
    train: &[&Customer],
    settings: &Settings,
) -> Result<Vec<u8>, Problem> {
    let (slots, dense) = design.hashed(train, |customer| customer.offer);
    let labels: Vec<f32> = train.iter().map(|customer| f32::from(u8::from(customer.converted))).collect();
    fit(SHAPE, Rows { slots: &slots, dense: &dense }, &labels, settings)
        .map_err(|error| scoring_problem(&error))
}

/// All models, fitted on the same customers.
pub(super) struct Fitted {
    pub(super) design: Design,
    rate: f64,
    regressions: [(Columns, LogisticRegression); 3],
    networks: Vec<CrossNetwork>,
    /// File of the first network.
    pub(super) file: Vec<u8>,
}

impl Fitted {
    pub(super) fn new(train: &[&Customer], seed: u64) -> Result<Self, Problem> {
        let design = Design::new(train);
        let regression = |columns| Ok::<_, Problem>((columns, fit_regression(&design, columns, train)?));
        let regressions =
            [regression(Columns::Crossed)?, regression(Columns::Binned)?, regression(Columns::Curved)?];
        let files = (0..MEMBERS)
            .into_par_iter()
            .map(|member| fit_network(&design, train, &settings(seed.wrapping_add(member))))
            .collect::<Result<Vec<_>, _>>()?;
        let networks = files
            .iter()
            .map(|file| CrossNetwork::from_bytes(file, "network").map_err(|error| scoring_problem(&error)))
            .collect::<Result<_, _>>()?;
        let file = files.into_iter().next().unwrap_or_default();
        Ok(Self { rate: data::rate(train), design, regressions, networks, file })
    }

    /// Log-odds of customers under one offer each, by each of [`MODELS`].
    pub(super) fn log_odds(
        &self,
        customers: &[&Customer],
        offer: impl Fn(&Customer) -> usize,
    ) -> Result<Vec<Vec<f64>>, Problem> {
        let n = customers.len();
        let mut scores = vec![vec![(self.rate / (1.0 - self.rate)).ln(); n]];
        for (columns, regression) in &self.regressions {
            let of = |customer: &&Customer| {
                regression.log_odds(&self.design.columns(*columns, customer, offer(customer)))
            };
            scores.push(customers.iter().map(of).collect());
        }
        let (slots, dense) = self.design.hashed(customers, offer);
        let rows = Rows { slots: &slots, dense: &dense };
        let by_network: Vec<Vec<f32>> = self
            .networks
            .iter()
            .map(|network| network.log_odds(rows).map_err(|error| scoring_problem(&error)))
            .collect::<Result<_, _>>()?;
        let mean = |row: usize| {
            by_network.iter().map(|scores| f64::from(scores[row])).sum::<f64>() / by_network.len() as f64
        };
        let mean: Vec<f64> = (0..n).map(mean).collect();
        scores.push(by_network[0].iter().map(|score| f64::from(*score)).collect());
        scores.push(mean.clone());
        let curved = &scores[Model::Curved as usize];
        scores.push(curved.iter().zip(&mean).map(|(a, b)| 0.5 * (a + b)).collect());
        Ok(scores)
    }
}

/// Figures of each of [`MODELS`] on train customers, each predicted by models that were fitted on
/// the other folds; the second is how many customers that are.
pub(super) fn cross_validated(train: &[&Customer], seed: u64) -> Result<Vec<Held>, Problem> {
    let order = Stream::new(seed, "promo/folds").permutation(train.len());
    let mut scores = vec![vec![0.0; train.len()]; MODELS.len()];
    for fold in 0..FOLDS {
        let (out, rest): (Vec<(usize, &usize)>, Vec<_>) =
            order.iter().enumerate().partition(|(place, _)| place % FOLDS == fold);
        let rest: Vec<&Customer> = rest.iter().map(|(_, row)| train[**row]).collect();
        let held_out: Vec<&Customer> = out.iter().map(|(_, row)| train[**row]).collect();
        let found = Fitted::new(&rest, seed)?.log_odds(&held_out, |customer| customer.offer)?;
        for (scores, found) in scores.iter_mut().zip(&found) {
            out.iter().zip(found).for_each(|((_, row), score)| scores[**row] = *score);
        }
    }
    let labels: Vec<bool> = train.iter().map(|customer| customer.converted).collect();
    Ok(scores.iter().map(|scores| held(scores, &labels)).collect())
}
