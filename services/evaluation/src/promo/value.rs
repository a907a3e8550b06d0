//! What choosing the offer by customer is worth, from the log of offers made at random.

use serde::Serialize;
use spotwright_experiment::off_policy::{Estimate, Estimator, Round, bootstrap};
use spotwright_schemas::Problem;
use spotwright_schemas::random::Stream;

use super::data::{self, Customer, OFFERS};
use super::quality::rate;
use crate::inputs::experiment_problem;

/// An estimated conversion rate per customer with its 95 % bootstrap interval over customers.
#[derive(Debug, Clone, Serialize)]
pub struct Estimated {
    /// The estimate.
    pub value: f64,
    /// Its interval.
    pub interval: [f64; 2],
}

impl From<Estimate> for Estimated {
    fn from(estimate: Estimate) -> Self {
        Self { value: estimate.value, interval: [estimate.low, estimate.high] }
    }
}

/// Value of one policy.
#[derive(Debug, Clone, Serialize)]
pub struct Value {
    /// Policy.
    pub policy: String,
    /// How often it makes each offer, in the order of the report's offers.
    pub offers: Vec<f64>,
    /// Inverse propensity weighting.
    pub ips: Estimated,
    /// Self-normalized.
    pub snips: Estimated,
    /// Doubly robust.
    pub dr: Estimated,
    /// Doubly robust difference to the best fixed offer.
    pub gain: Estimated,
}

/// Scores of a model by offer and customer.
pub(super) type ByOffer = Vec<Vec<f64>>;

/// Values of fixed policies and of those that make each customer the offer that a model scores
/// highest. `reward` gives the predictions of the doubly robust estimates; like `greedy` it was
/// fitted on `train` only. Propensities are the shares of the offers in `train`.
pub(super) fn values(
    train: &[&Customer],
    test: &[&Customer],
    reward: &ByOffer,
    greedy: &[(String, &ByOffer)],
    resamples: u32,
    stream: Stream,
) -> Result<Vec<Value>, Problem> {
    let made = |offer: usize| -> Vec<&Customer> {
        train.iter().copied().filter(|customer| customer.offer == offer).collect()
    };
    let shares: Vec<f64> =
        (0..OFFERS.len()).map(|offer| made(offer).len() as f64 / train.len() as f64).collect();
    let best_fixed = best((0..OFFERS.len()).map(|offer| data::rate(&made(offer))));
    let one = |offer: usize| -> Vec<f64> {
        (0..OFFERS.len()).map(|own| f64::from(u8::from(own == offer))).collect()
    };
    let n = test.len();
    let mut policies = vec![
        ("uniform".to_owned(), vec![vec![1.0 / OFFERS.len() as f64; OFFERS.len()]; n]),
        (format!("always {}, the best of train", OFFERS[best_fixed]), vec![one(best_fixed); n]),
    ];
    for (name, scores) in greedy {
        let choices = (0..n).map(|row| one(best(scores.iter().map(|by_row| by_row[row])))).collect();
        policies.push((format!("greedy, {name}"), choices));
    }
    let rounds_of = |chances: &[Vec<f64>]| rounds(test, &shares, reward, chances);
    let fixed = rounds_of(&policies[1].1);
    policies
        .iter()
        .map(|(policy, chances)| {
            let offers = (0..OFFERS.len())
                .map(|offer| chances.iter().map(|row| row[offer]).sum::<f64>() / n as f64)
                .collect();
            let rounds = rounds_of(chances);
            let estimated = |estimator, rounds: &[Round]| {
                bootstrap(estimator, rounds, 0.95, resamples, stream)
                    .map(Estimated::from)
                    .map_err(|error| experiment_problem(&error))
            };
            Ok(Value {
                policy: policy.clone(),
                offers,
                ips: estimated(Estimator::Ips, &rounds)?,
                snips: estimated(Estimator::Snips, &rounds)?,
                dr: estimated(Estimator::Dr, &rounds)?,
                gain: estimated(Estimator::Dm, &differences(&rounds, &fixed))?,
            })
        })
        .collect()
}

fn rounds(test: &[&Customer], shares: &[f64], reward: &ByOffer, chances: &[Vec<f64>]) -> Vec<Round> {
    test.iter()
        .zip(chances)
        .enumerate()
        .map(|(row, (customer, chances))| Round {
            reward: f64::from(u8::from(customer.converted)),
            propensity: shares[customer.offer],
            target: chances[customer.offer],
            predicted: rate(reward[customer.offer][row]),
            predicted_target: chances
                .iter()
                .zip(reward)
                .map(|(chance, by_row)| chance * rate(by_row[row]))
                .sum(),
        })
        .collect()
}

/// The difference of two doubly robust values is the mean of the differences of their parts, which
/// the direct method averages when they are put in as its predictions.
fn differences(own: &[Round], fixed: &[Round]) -> Vec<Round> {
    let part = |round: &Round| round.predicted_target + round.weight() * (round.reward - round.predicted);
    own.iter()
        .zip(fixed)
        .map(|(own, fixed)| Round { predicted_target: part(own) - part(fixed), ..*own })
        .collect()
}

fn best(values: impl Iterator<Item = f64>) -> usize {
    values
        .enumerate()
        .fold((0, f64::NEG_INFINITY), |best, (idx, value)| if value > best.1 { (idx, value) } else { best })
        .0
}

#[cfg(test)]
mod tests {
    use spotwright_experiment::off_policy::estimate;

    use super::*;

    #[test]
    fn gains_are_differences_of_doubly_robust_values() {
        let round = |reward, target, predicted_target| Round {
            reward,
            propensity: 0.5,
            target,
            predicted: 0.2,
            predicted_target,
        };
        let own: Vec<Round> = (0..40).map(|i| round(f64::from(i % 2), f64::from(i % 3) / 2.0, 0.3)).collect();
        let fixed: Vec<Round> =
            (0..40).map(|i| round(f64::from(i % 2), f64::from(i % 5) / 4.0, 0.1)).collect();
        let value = |estimator, rounds: &[Round]| estimate(estimator, rounds).unwrap();
        let gain = value(Estimator::Dm, &differences(&own, &fixed));
        let expected = value(Estimator::Dr, &own) - value(Estimator::Dr, &fixed);
        assert!((gain - expected).abs() < 1e-12, "{gain} {expected}");
    }

    /// Customers whose conversion depends on the offer and on referral: greedy knows it.
    #[test]
    fn a_greedy_policy_with_the_true_rates_earns_their_best() {
        let draws = Stream::new(3, "promo/value");
        let chance = |referral: bool, offer: usize| match (referral, offer) {
            (true, 0) | (false, 1) => 0.4,
            _ => 0.1,
        };
        let customers: Vec<Customer> = (0..6_000)
            .map(|row| {
                let own = draws.child(row);
                let (referral, offer) = (own.below(0, 2) == 1, own.below(1, 3));
                Customer {
                    recency: 1,
                    log_history: 4.0,
                    used_discount: true,
                    used_bogo: false,
                    zip_code: 0,
                    is_referral: referral,
                    channel: 0,
                    offer,
                    converted: own.uniform(2) < chance(referral, offer),
                }
            })
            .collect();
        let all: Vec<&Customer> = customers.iter().collect();
        let truth: ByOffer = (0..3)
            .map(|offer| {
                let odds = |customer: &&Customer| {
                    let chance = chance(customer.is_referral, offer);
                    (chance / (1.0 - chance)).ln()
                };
                all.iter().map(odds).collect()
            })
            .collect();
        let found =
            values(&all, &all, &truth, &[("truth".to_owned(), &truth)], 200, Stream::new(1, "x")).unwrap();
        let [uniform, fixed, greedy] = &found[..] else { panic!("{found:?}") };
        assert!((uniform.dr.value - 0.2).abs() < 0.02 && (fixed.dr.value - 0.25).abs() < 0.03);
        for value in [&greedy.ips, &greedy.snips, &greedy.dr] {
            assert!((value.value - 0.4).abs() < 0.03, "{greedy:?}");
            assert!(value.interval[0] < value.value && value.value < value.interval[1]);
        }
        assert!(greedy.gain.interval[0] > 0.1 && fixed.gain.value == 0.0);
        assert!((greedy.offers[0] - 0.5).abs() < 0.03 && greedy.offers[2] == 0.0);
    }
}
