//! Suite `off-policy`: the estimators of [`spotwright_experiment::off_policy`] on the fixtures of the
//! Open Bandit Pipeline, beside what that implementation gave.
//!
//! The fixtures hold, per logged round, the action, position, click, propensity and two outputs of
//! a reward model; they check formulas. With 46 clicks per log they rank nothing.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::GzDecoder;
use serde::{Deserialize, Serialize};
use spotwright_experiment::off_policy::{Estimate, Estimator, Round, bootstrap, effective_rounds, normal};
use spotwright_schemas::Problem;
use spotwright_schemas::random::Stream;

use crate::command::Places;
use crate::inputs::{content_problem, data_file, experiment_problem};

/// Largest fixture that is read, unpacked.
const MAX_BYTES: u64 = 64 << 20;
/// Name in the fixtures and estimator.
const ESTIMATORS: [(&str, Estimator); 13] = [
    ("ipw", Estimator::Ips),
    ("ipw-clip(2)", Estimator::ClippedIps { limit: 2.0 }),
    ("ipw-clip(10)", Estimator::ClippedIps { limit: 10.0 }),
    ("snipw", Estimator::Snips),
    ("dm", Estimator::Dm),
    ("dr", Estimator::Dr),
    ("sndr", Estimator::Sndr),
    ("switch-dr(1)", Estimator::SwitchDr { limit: 1.0 }),
    ("switch-dr(10)", Estimator::SwitchDr { limit: 10.0 }),
    ("switch-dr(100)", Estimator::SwitchDr { limit: 100.0 }),
    ("dr-os(1)", Estimator::DrOs { shrinkage: 1.0 }),
    ("dr-os(10)", Estimator::DrOs { shrinkage: 10.0 }),
    ("dr-os(100)", Estimator::DrOs { shrinkage: 100.0 }),
];

/// The answer.
#[derive(Debug, Serialize)]
pub struct OffPolicy {
    /// Largest difference to the reference implementation.
    pub largest_difference: f64,
    /// Allowed difference.
    pub goal: f64,
    /// Whether it is kept.
    pub reached: bool,
    /// Results by log.
    pub logs: Vec<Log>,
}

impl OffPolicy {
    /// A table for people.
    pub(crate) fn table(&self) -> String {
        let mut lines = Vec::new();
        for log in &self.logs {
            lines.push(format!("{} ({} rounds, worth {:.0})", log.name, log.rounds, log.effective_rounds));
            for row in &log.rows {
                lines.push(format!(
                    "  {:14} {:.8} (reference {:.8})  bootstrap [{:.4}, {:.4}]  normal [{:.4}, {:.4}]",
                    row.estimator,
                    row.value,
                    row.reference,
                    row.bootstrap[0],
                    row.bootstrap[1],
                    row.normal[0],
                    row.normal[1]
                ));
            }
        }
        lines.push(format!("largest difference {:.1e}", self.largest_difference));
        lines.join("\n")
    }
}

/// One log.
#[derive(Debug, Serialize)]
pub struct Log {
    /// `men` or `women`.
    pub name: &'static str,
    /// Rounds.
    pub rounds: usize,
    /// What the weighted rounds are worth.
    pub effective_rounds: f64,
    /// One row per estimator.
    pub rows: Vec<Row>,
}

/// One estimator on one log.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Name in the fixtures.
    pub estimator: &'static str,
    /// Our value.
    pub value: f64,
    /// The reference's value.
    pub reference: f64,
    /// 95 % percentile bootstrap.
    pub bootstrap: [f64; 2],
    /// The reference's bootstrap interval; other draws.
    pub reference_bootstrap: Option<[f64; 2]>,
    /// 95 % normal interval.
    pub normal: [f64; 2],
}

#[derive(Debug, Deserialize)]
struct Oracle {
    estimates: BTreeMap<String, f64>,
    bootstrap_ci95: BTreeMap<String, [f64; 2]>,
    action_dist: Vec<Vec<f64>>,
}

/// Runs the suite; `resamples` bootstrap resamples from `seed`.
///
/// # Errors
/// A [`Problem`]: the fixtures are missing or damaged.
pub fn suite(places: &Places, resamples: u32, seed: u64) -> Result<OffPolicy, Problem> {
    let path = data_file(places, "ope_oracle/ope_oracle.json")?;
    let text = std::fs::read(&path).map_err(|error| content_problem(&path, error.to_string()))?;
    let oracles: BTreeMap<String, Oracle> =
        serde_json::from_slice(&text).map_err(|error| content_problem(&path, error.to_string()))?;
    let mut logs = Vec::new();
    let mut largest_difference = 0.0_f64;
    for name in ["men", "women"] {
        let oracle = oracles.get(name).ok_or_else(|| content_problem(&path, format!("no entry `{name}`")))?;
        let rounds = read_rounds(places, name, &oracle.action_dist)?;
        let mut rows = Vec::new();
        for (estimator_name, estimator) in ESTIMATORS {
            let reference = *oracle
                .estimates
                .get(estimator_name)
                .ok_or_else(|| content_problem(&path, format!("{name}: no estimate `{estimator_name}`")))?;
            let stream = Stream::new(seed, "off-policy");
            let fail = |error: spotwright_experiment::Error| experiment_problem(&error);
            let resampled = bootstrap(estimator, &rounds, 0.95, resamples, stream).map_err(fail)?;
            let ends = |interval: Estimate| [interval.low, interval.high];
            largest_difference = largest_difference.max((resampled.value - reference).abs());
            rows.push(Row {
                estimator: estimator_name,
                value: resampled.value,
                reference,
                bootstrap: ends(resampled),
                reference_bootstrap: oracle.bootstrap_ci95.get(estimator_name).copied(),
                normal: ends(normal(estimator, &rounds, 0.95).map_err(fail)?),
            });
        }
        logs.push(Log { name, rounds: rounds.len(), effective_rounds: effective_rounds(&rounds), rows });
    }
    let goal = 1e-9;
    Ok(OffPolicy { largest_difference, goal, reached: largest_difference <= goal, logs })
}

fn read_rounds(places: &Places, name: &str, target: &[Vec<f64>]) -> Result<Vec<Round>, Problem> {
    let whole = data_file(places, &format!("ope_oracle/{name}_action_position_reward.i32.gz"))?;
    let numbers = data_file(places, &format!("ope_oracle/{name}_pscore_qfactual_qpolicy.f64.gz"))?;
    let integers: Vec<i32> =
        unpack(&whole)?.as_chunks().0.iter().map(|bytes: &[u8; 4]| i32::from_le_bytes(*bytes)).collect();
    let floats: Vec<f64> =
        unpack(&numbers)?.as_chunks().0.iter().map(|bytes: &[u8; 8]| f64::from_le_bytes(*bytes)).collect();
    if integers.len() != floats.len() || !integers.len().is_multiple_of(3) {
        return Err(content_problem(&whole, "not as many rounds as in its companion"));
    }
    integers
        .as_chunks::<3>()
        .0
        .iter()
        .zip(floats.as_chunks::<3>().0)
        .enumerate()
        .map(|(idx, ([action, position, reward], [propensity, predicted, predicted_target]))| {
            let target = usize::try_from(*action)
                .ok()
                .and_then(|action| target.get(action))
                .zip(usize::try_from(*position).ok())
                .and_then(|(shares, position)| shares.get(position))
                .ok_or_else(|| content_problem(&whole, format!("round {idx}: no such action or position")))?;
            Ok(Round {
                reward: f64::from(*reward),
                propensity: *propensity,
                target: *target,
                predicted: *predicted,
                predicted_target: *predicted_target,
            })
        })
        .collect()
}

fn unpack(path: &Path) -> Result<Vec<u8>, Problem> {
    let fail = |error: std::io::Error| content_problem(path, error.to_string());
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(path).map_err(fail)?).take(MAX_BYTES).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}
