//! Suite `promo`: whether a customer converts, by context and offer, and what choosing the offer by
//! customer is worth.
//!
//! 64,000 customers got one of three offers at random. Split row by row as given in `split.csv`.
//! Models: logistic regression with crosses of the offer, without and with bins; a deep and cross network on hashed
//! fields ([`spotwright_scoring::cross`]), fitted from several seeds; and the mean log-odds of the binned regression and the networks.
//! Settings were chosen by cross-validation inside train and validation.

mod data;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::Serialize;
use spotwright_experiment::off_policy::{Estimator, Round, bootstrap, estimate};
use spotwright_schemas::Problem;
use spotwright_schemas::random::Stream;
use spotwright_scoring::cross::train::{Settings, fit};
use spotwright_scoring::cross::{CrossNetwork, Rows, Shape};
use spotwright_scoring::logistic::LogisticRegression;

use crate::command::Places;
use crate::inputs::{experiment_problem, scoring_problem};

use data::{Customer, Design, OFFERS, Part};

/// Ridge of the logistic regression: C = 0.1.
const RIDGE: f64 = 10.0;
/// Sizes of the network.
const SHAPE: Shape = Shape {
    fields: data::FIELDS,
    crosses: data::CROSSES,
    dense: data::DENSE,
    bits: 11,
    width: 4,
    layers: 2,
    hidden: [16, 8],
};
/// Networks that are averaged.
const MEMBERS: u64 = 5;
const RESAMPLES: u32 = 1_000;
/// Bars for the area under the curve and the logistic loss.
const GOALS: [f64; 2] = [0.650, 0.400];

/// How each network is fitted.
fn settings(seed: u64) -> Settings {
    Settings { epochs: 6, batch: 512, learning_rate: 0.005, sparse_decay: 0.02, dense_decay: 0.2, seed }
}

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
    /// Names of models that reach both.
    pub reached_by: Vec<&'static str>,
    /// Predictions on the test part.
    pub models: Vec<Quality>,
    /// Conversion rate per customer of policies, on the test part.
    pub values: Vec<Value>,
}

/// Quality of one model.
#[derive(Debug, Clone, Serialize)]
pub struct Quality {
    /// Model.
    pub model: &'static str,
    /// Area under the curve.
    pub auc: f64,
    /// 95 % bootstrap interval over customers.
    pub auc_interval: [f64; 2],
    /// Logistic loss in nats.
    pub logloss: f64,
    /// Expected calibration error in 20 bins of equally many customers.
    pub ece_20: f64,
}

/// Value of one policy.
#[derive(Debug, Clone, Serialize)]
pub struct Value {
    /// Policy.
    pub policy: &'static str,
    /// Inverse propensity weighting.
    pub ips: f64,
    /// Self-normalized.
    pub snips: f64,
    /// Doubly robust.
    pub dr: f64,
    /// 95 % bootstrap interval of the doubly robust value.
    pub dr_interval: [f64; 2],
    /// Doubly robust difference to the best fixed offer.
    pub gain: f64,
    /// 95 % bootstrap interval of the difference.
    pub gain_interval: [f64; 2],
}

/// The fitted models.
struct Fitted {
    reference: LogisticRegression,
    logistic: LogisticRegression,
    networks: Vec<CrossNetwork>,
}

/// Log-odds of customers under one offer each, by each model.
struct Predictions {
    reference: Vec<f64>,
    logistic: Vec<f64>,
    single: Vec<f64>,
    ensemble: Vec<f64>,
}

impl Predictions {
    fn blend(&self) -> Vec<f64> {
        self.logistic.iter().zip(&self.ensemble).map(|(a, b)| 0.5 * (a + b)).collect()
    }
}

/// Runs the suite; networks and resamples are drawn from `seed`.
///
/// # Errors
/// A [`Problem`]: data are missing or damaged, or a fit failed.
pub fn suite(places: &Places, seed: u64) -> Result<Promo, Problem> {
    let (customers, parts) = data::read(places)?;
    let of = |part: Part| -> Vec<&Customer> {
        customers.iter().zip(&parts).filter(|(_, own)| **own == part).map(|(customer, _)| customer).collect()
    };
    let (train, valid, test) = (of(Part::Train), of(Part::Valid), of(Part::Test));
    let design = Design::new(&train);
    let fitted = Fitted::new(&design, &train, MEMBERS, seed)?;
    let labels: Vec<bool> = test.iter().map(|customer| customer.converted).collect();
    let logged = fitted.predict(&design, &test, |customer| customer.offer)?;
    let stream = Stream::new(seed, "promo");
    let models: Vec<Quality> = [
        ("train rate", vec![data::log_odds(data::rate(&train)); test.len()]),
        ("logistic regression with offer crosses", logged.reference.clone()),
        ("the same with recency and history in bins", logged.logistic.clone()),
        ("DCN-v2", logged.single.clone()),
        ("DCN-v2, 5 seeds averaged", logged.ensemble.clone()),
        ("binned regression and DCN-v2 averaged", logged.blend()),
    ]
    .into_iter()
    .map(|(model, scores)| quality(model, &scores, &labels, stream))
    .collect();
    let reached_by = models
        .iter()
        .filter(|model| model.auc >= GOALS[0] && model.logloss <= GOALS[1])
        .map(|model| model.model)
        .collect();
    Ok(Promo {
        rows: [train.len(), valid.len(), test.len()],
        test_rate: data::rate(&test),
        goal_auc: GOALS[0],
        goal_logloss: GOALS[1],
        reached_by,
        models,
        values: values(&design, &fitted, &train, &test, stream)?,
    })
}

impl Fitted {
    fn new(design: &Design, train: &[&Customer], members: u64, seed: u64) -> Result<Self, Problem> {
        let labels: Vec<f64> = train.iter().map(|customer| f64::from(u8::from(customer.converted))).collect();
        let regression = |columns: &dyn Fn(&Customer) -> Vec<f64>| {
            let rows: Vec<Vec<f64>> = train.iter().map(|customer| columns(customer)).collect();
            LogisticRegression::fit(&rows, &labels, RIDGE).map_err(|error| scoring_problem(&error))
        };
        let reference = regression(&|customer| design.linear(customer, customer.offer))?;
        let logistic = regression(&|customer| design.binned(customer, customer.offer))?;
        let networks = (0..members)
            .map(|member| fit_network(design, train, &settings(seed.wrapping_add(member))))
            .collect::<Result<_, _>>()?;
        Ok(Self { reference, logistic, networks })
    }

    fn predict(
        &self,
        design: &Design,
        customers: &[&Customer],
        offer: impl Fn(&Customer) -> usize,
    ) -> Result<Predictions, Problem> {
        let reference = customers
            .iter()
            .map(|customer| self.reference.log_odds(&design.linear(customer, offer(customer))))
            .collect();
        let logistic = customers
            .iter()
            .map(|customer| self.logistic.log_odds(&design.binned(customer, offer(customer))))
            .collect();
        let (slots, dense) = design.hashed(customers, offer, SHAPE.bits);
        let rows = Rows { slots: &slots, dense: &dense };
        let by_network: Vec<Vec<f32>> = self
            .networks
            .iter()
            .map(|network| network.log_odds(rows).map_err(|error| scoring_problem(&error)))
            .collect::<Result<_, _>>()?;
        let n = by_network.len() as f64;
        let ensemble = (0..customers.len())
            .map(|row| by_network.iter().map(|scores| f64::from(scores[row])).sum::<f64>() / n)
            .collect();
        let single = by_network
            .first()
            .map_or_else(Vec::new, |scores| scores.iter().map(|score| f64::from(*score)).collect());
        Ok(Predictions { reference, logistic, single, ensemble })
    }
}

fn fit_network(design: &Design, train: &[&Customer], settings: &Settings) -> Result<CrossNetwork, Problem> {
    let (slots, dense) = design.hashed(train, |customer| customer.offer, SHAPE.bits);
    let labels: Vec<f32> = train.iter().map(|customer| f32::from(u8::from(customer.converted))).collect();
    let bytes = fit(SHAPE, Rows { slots: &slots, dense: &dense }, &labels, settings)
        .map_err(|error| scoring_problem(&error))?;
    CrossNetwork::from_bytes(&bytes, "promo network").map_err(|error| scoring_problem(&error))
}

fn quality(model: &'static str, scores: &[f64], labels: &[bool], stream: Stream) -> Quality {
    let rates: Vec<f64> = scores.iter().map(|score| 1.0 / (1.0 + (-score).exp())).collect();
    let mut order: Vec<usize> = (0..labels.len()).collect();
    order.sort_by(|a, b| rates[*a].total_cmp(&rates[*b]));
    let n = labels.len();
    let ece = order
        .chunks(n.div_ceil(20).max(1))
        .map(|bin| bin.iter().map(|&row| f64::from(u8::from(labels[row])) - rates[row]).sum::<f64>().abs())
        .sum::<f64>()
        / n as f64;
    let logloss = rates
        .iter()
        .zip(labels)
        .map(|(rate, label)| -(if *label { *rate } else { 1.0 - rate }).max(1e-12).ln())
        .sum::<f64>()
        / n as f64;
    let mut resampled: Vec<f64> = (0..200)
        .map(|resample| {
            let draws = stream.child(resample);
            // Counts per customer, so that the order by score need not be sorted again.
            let mut weights = vec![0.0; n];
            (0..n).for_each(|idx| weights[draws.below(idx as u64, n)] += 1.0);
            auc(scores, labels, &order, &weights)
        })
        .collect();
    resampled.sort_by(f64::total_cmp);
    Quality {
        model,
        auc: auc(scores, labels, &order, &vec![1.0; n]),
        auc_interval: [resampled[4], resampled[194]],
        logloss,
        ece_20: ece,
    }
}

/// Weighted area under the curve; equal scores count ½. `order` sorts by score.
fn auc(scores: &[f64], labels: &[bool], order: &[usize], weights: &[f64]) -> f64 {
    let (mut below, mut wins, mut positives) = (0.0, 0.0, 0.0);
    for ties in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let sum = |wanted: bool| {
            ties.iter().filter(|row| labels[**row] == wanted).map(|row| weights[*row]).sum::<f64>()
        };
        let (good, bad) = (sum(true), sum(false));
        wins += good * (below + 0.5 * bad);
        below += bad;
        positives += good;
    }
    wins / (positives * below)
}

/// Values of fixed and personal policies; the reward model of the doubly robust estimates is the
/// blend, which was fitted on other customers.
fn values(
    design: &Design,
    fitted: &Fitted,
    train: &[&Customer],
    test: &[&Customer],
    stream: Stream,
) -> Result<Vec<Value>, Problem> {
    let mut rates = Vec::new();
    let mut choices = [Vec::new(), Vec::new(), Vec::new()];
    for offer in 0..OFFERS.len() {
        let predicted = fitted.predict(design, test, |_| offer)?;
        let blend = predicted.blend();
        rates.push(blend.iter().map(|score| 1.0 / (1.0 + (-score).exp())).collect::<Vec<f64>>());
        for (scores, model) in choices.iter_mut().zip([predicted.logistic, predicted.ensemble, blend]) {
            scores.push(model);
        }
    }
    let share = |offer: usize| {
        train.iter().filter(|customer| customer.offer == offer).count() as f64 / train.len() as f64
    };
    let shares: Vec<f64> = (0..OFFERS.len()).map(share).collect();
    let best_fixed = best(OFFERS.iter().enumerate().map(|(offer, _)| {
        data::rate(&train.iter().copied().filter(|customer| customer.offer == offer).collect::<Vec<_>>())
    }));
    let greedy = |scores: &[Vec<f64>], row: usize| best(scores.iter().map(|by_row| by_row[row]));
    let one = |offer: usize| -> [f64; 3] { std::array::from_fn(|own| if own == offer { 1.0 } else { 0.0 }) };
    let rounds = |policy: &dyn Fn(usize) -> [f64; 3]| -> Vec<Round> {
        test.iter()
            .enumerate()
            .map(|(row, customer)| {
                let chances = policy(row);
                Round {
                    reward: f64::from(u8::from(customer.converted)),
                    propensity: shares[customer.offer],
                    target: chances[customer.offer],
                    predicted: rates[customer.offer][row],
                    predicted_target: chances
                        .iter()
                        .zip(&rates)
                        .map(|(chance, rate)| chance * rate[row])
                        .sum(),
                }
            })
            .collect()
    };
    let fixed = rounds(&|_| one(best_fixed));
    [
        ("uniform", rounds(&|_| [1.0 / 3.0; 3])),
        ("best fixed offer of train", rounds(&|_| one(best_fixed))),
        ("greedy, binned logistic regression", rounds(&|row| one(greedy(&choices[0], row)))),
        ("greedy, DCN-v2 averaged", rounds(&|row| one(greedy(&choices[1], row)))),
        ("greedy, both averaged", rounds(&|row| one(greedy(&choices[2], row)))),
    ]
    .into_iter()
    .map(|(policy, rounds)| {
        value(policy, &rounds, &fixed, stream).map_err(|error| experiment_problem(&error))
    })
    .collect()
}

fn value(
    policy: &'static str,
    rounds: &[Round],
    fixed: &[Round],
    stream: Stream,
) -> Result<Value, spotwright_experiment::Error> {
    let robust = bootstrap(Estimator::Dr, rounds, 0.95, RESAMPLES, stream)?;
    // The difference of two doubly robust values is the mean of the differences of their parts,
    // which the direct method averages when they are put in as its predictions.
    let part = |round: &Round| round.predicted_target + round.weight() * (round.reward - round.predicted);
    let differences: Vec<Round> = rounds
        .iter()
        .zip(fixed)
        .map(|(own, fixed)| Round { predicted_target: part(own) - part(fixed), ..*own })
        .collect();
    let gain = bootstrap(Estimator::Dm, &differences, 0.95, RESAMPLES, stream)?;
    Ok(Value {
        policy,
        ips: estimate(Estimator::Ips, rounds)?,
        snips: estimate(Estimator::Snips, rounds)?,
        dr: robust.value,
        dr_interval: [robust.low, robust.high],
        gain: gain.value,
        gain_interval: [gain.low, gain.high],
    })
}

fn best(values: impl Iterator<Item = f64>) -> usize {
    values
        .enumerate()
        .fold((0, f64::NEG_INFINITY), |best, (idx, value)| if value > best.1 { (idx, value) } else { best })
        .0
}

/// What the network costs on one core.
#[derive(Debug, Clone, Serialize)]
pub struct Speed {
    /// Rows scored per second on one core by the serving kernel.
    pub dcn_rows_per_core_second: f64,
    /// Seconds to fit one network on the train part.
    pub dcn_fit_seconds: f64,
    /// Seconds to fit the logistic regression.
    pub logistic_fit_seconds: f64,
    /// Seconds that LightGBM takes on the same rows (learning rate .03, 15 leaves, 120 trees, one
    /// thread); `None` when it is not installed.
    pub lightgbm_fit_seconds: Option<f64>,
}

#[expect(clippy::disallowed_methods, reason = "a measurement of speed reads the clock")]
fn now() -> Instant {
    Instant::now()
}

/// Rows per second of the serving kernel on the calling thread, measured for `budget` on the test
/// part, with a network of this suite's shape.
///
/// # Errors
/// A [`Problem`]: data are missing or damaged, or the fit failed.
pub fn dcn_rows_per_core_second(places: &Places, budget: Duration) -> Result<f64, Problem> {
    let (customers, parts) = data::read(places)?;
    let all: Vec<&Customer> = customers.iter().collect();
    let train: Vec<&Customer> =
        customers.iter().zip(&parts).filter(|(_, part)| **part == Part::Train).map(|(own, _)| own).collect();
    let design = Design::new(&train);
    let network =
        fit_network(&design, &train[..train.len().min(2_048)], &Settings { epochs: 1, ..settings(1) })?;
    rows_per_second(&design, &network, &all, budget)
}

fn rows_per_second(
    design: &Design,
    network: &CrossNetwork,
    customers: &[&Customer],
    budget: Duration,
) -> Result<f64, Problem> {
    let (slots, dense) = design.hashed(customers, |customer| customer.offer, SHAPE.bits);
    let rows = Rows { slots: &slots, dense: &dense };
    let start = now();
    let mut scored = 0;
    while scored == 0 || start.elapsed() < budget {
        scored += network.log_odds(rows).map_err(|error| scoring_problem(&error))?.len();
    }
    Ok(scored as f64 / start.elapsed().as_secs_f64())
}

/// Measures [`Speed`]; call it from a pool of one thread.
///
/// # Errors
/// A [`Problem`]: data are missing or damaged, or a fit failed.
pub fn speed(places: &Places, budget: Duration) -> Result<Speed, Problem> {
    let (customers, parts) = data::read(places)?;
    let train: Vec<&Customer> =
        customers.iter().zip(&parts).filter(|(_, part)| **part == Part::Train).map(|(own, _)| own).collect();
    let start = now();
    let design = Design::new(&train);
    let network = fit_network(&design, &train, &settings(1))?;
    let dcn_fit_seconds = start.elapsed().as_secs_f64();
    let start = now();
    Fitted::new(&design, &train, 0, 1)?;
    let logistic_fit_seconds = start.elapsed().as_secs_f64();
    let all: Vec<&Customer> = customers.iter().collect();
    Ok(Speed {
        dcn_rows_per_core_second: rows_per_second(&design, &network, &all, budget)?,
        dcn_fit_seconds,
        logistic_fit_seconds,
        lightgbm_fit_seconds: lightgbm_seconds(places)?,
    })
}

const LIGHTGBM: &str = include_str!("lightgbm.py");

/// `None` when Python or one of its packages is not installed.
fn lightgbm_seconds(places: &Places) -> Result<Option<f64>, Problem> {
    let folder = data::folder(places)?;
    let output = Command::new("python3").args(["-c", LIGHTGBM]).arg(&folder).stdin(Stdio::null()).output();
    let Ok(output) = output else { return Ok(None) };
    Ok(output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().parse().ok()).flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_under_the_curve_counts_ties_half() {
        let scores = [0.1, 0.4, 0.4, 0.8];
        let order = [0, 1, 2, 3];
        let ones = [1.0; 4];
        assert_eq!(auc(&scores, &[false, false, true, true], &order, &ones), 3.5 / 4.0);
        assert_eq!(auc(&scores, &[true, false, false, true], &order, &ones), 0.5);
        // A weight of 2 is the row twice.
        assert_eq!(auc(&scores, &[false, false, true, true], &order, &[1.0, 2.0, 1.0, 1.0]), 5.0 / 6.0);
    }

    #[test]
    fn gains_are_differences_of_doubly_robust_values() {
        let round =
            |reward, target| Round { reward, propensity: 0.5, target, predicted: 0.2, predicted_target: 0.3 };
        let own: Vec<Round> = (0..40).map(|i| round(f64::from(i % 2), 1.0)).collect();
        let fixed: Vec<Round> = (0..40).map(|i| round(f64::from(i % 2), 0.0)).collect();
        let value = value("own", &own, &fixed, Stream::new(1, "test")).unwrap();
        assert!((value.dr - (0.3 + 2.0 * 0.3)).abs() < 1e-12);
        assert!((value.gain - 0.6).abs() < 1e-12, "{}", value.gain);
        assert!(value.gain_interval[0] <= value.gain && value.gain <= value.gain_interval[1]);
    }
}
