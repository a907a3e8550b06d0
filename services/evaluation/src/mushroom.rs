//! Suite `mushroom`: a contextual bandit that decides whether to eat a mushroom.
//!
//! 50,000 rows are drawn with replacement from the 8,124 of the table. Not eating earns 0; an edible
//! mushroom earns 5; a poisonous one −35 or 5 with probability ½ each, drawn once per row, so that
//! the learner and uniform choice meet the same rewards. The learner sees 22 categories as 117
//! zeros and ones, and learns from the reward of the chosen action only.
//!
//! Normalized regret = (Σ best expected reward − Σ reward of the learner) / (Σ best expected reward −
//! Σ reward of uniform choice).
//!
//! # The learner
//! A Bayesian linear last layer per action ([`spotwright_experiment::linear_bandit`]) on a constant,
//! the categories, and random Fourier features of them (Rahimi and Recht, NIPS 2007), which make it
//! a Gaussian-kernel regression: mushrooms that share most categories share their reward. Thompson
//! sampling chooses. The settings were chosen on other seeds than the reported
//! runs.

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;
use spotwright_experiment::linear_bandit::{LinearPosterior, NoisePrior};
use spotwright_schemas::Problem;
use spotwright_schemas::random::Stream;

use crate::command::Places;
use crate::inputs::{content_problem, data_file, experiment_problem};

/// Rows of one run.
const ROUNDS: u64 = 50_000;
const CATEGORIES: usize = 22;
const EDIBLE_REWARD: f64 = 5.0;
const POISON_REWARD: f64 = -35.0;
/// Published normalized regret in percent of NN-HBM (VAM-HBM, WWW 2021).
const PUBLISHED: f64 = 1.93;

/// The answer.
#[derive(Debug, Serialize)]
pub struct Mushroom {
    /// Runs.
    pub runs: u64,
    /// Rows per run.
    pub rounds: u64,
    /// Mean normalized regret in percent of uniform choice.
    pub regret: f64,
    /// Its standard error over runs.
    pub standard_error: f64,
    /// Published figure to be reached.
    pub goal: f64,
    /// Whether the mean is at most the goal.
    pub reached: bool,
    /// Normalized regret of each run in percent.
    pub by_run: Vec<f64>,
    /// Poisonous mushrooms eaten per run, on average.
    pub poisonous_eaten: f64,
    /// Edible mushrooms left per run, on average.
    pub edible_left: f64,
    /// Learner and settings.
    pub learner: Settings,
}

impl Mushroom {
    /// One line for people.
    pub(crate) fn table(&self) -> String {
        format!(
            "mushroom: {:.2} ± {:.2} % of uniform regret, mean of {} runs (goal {:.2})",
            self.regret, self.standard_error, self.runs, self.goal
        )
    }
}

/// Settings of the learner.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Settings {
    /// Random Fourier features.
    pub features: usize,
    /// Differing categories at which two mushrooms are alike by exp(−1).
    pub reach: f64,
    /// Share of the prior variance that goes to the categories themselves.
    pub linear_share: f64,
    /// Prior variance of an expected reward over the noise variance.
    pub prior_variance: f64,
    /// Shape of the noise variance's inverse gamma.
    pub shape: f64,
    /// Scale of it.
    pub scale: f64,
    /// Standard deviations of a draw; 1 is Thompson sampling.
    pub width: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            features: 250,
            reach: 4.0,
            linear_share: 0.1,
            prior_variance: 10.0,
            shape: 6.0,
            scale: 60.0,
            width: 1.0,
        }
    }
}

/// Mushrooms: whether each is poisonous, and its categories as positions of ones.
pub(crate) struct Table {
    poisonous: Vec<bool>,
    ones: Vec<[usize; CATEGORIES]>,
    columns: usize,
}

impl Table {
    fn read(path: &Path) -> Result<Self, Problem> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_path(path)
            .map_err(|error| content_problem(path, error.to_string()))?;
        let mut poisonous = Vec::new();
        let mut letters: Vec<[String; CATEGORIES]> = Vec::new();
        for (idx, record) in reader.records().enumerate() {
            let record = record.map_err(|error| content_problem(path, error.to_string()))?;
            if record.len() != CATEGORIES + 1 {
                return Err(content_problem(path, format!("row {idx} has {} columns, not 23", record.len())));
            }
            poisonous.push(match &record[0] {
                "p" => true,
                "e" => false,
                other => return Err(content_problem(path, format!("row {idx}: class `{other:.10}`"))),
            });
            letters.push(std::array::from_fn(|column| record[column + 1].to_owned()));
        }
        if letters.is_empty() {
            return Err(content_problem(path, "holds no row"));
        }
        // Columns in file order, their levels sorted.
        let mut columns = 0;
        let mut levels = Vec::new();
        for column in 0..CATEGORIES {
            let sorted: BTreeSet<&String> = letters.iter().map(|row| &row[column]).collect();
            let sorted: Vec<&String> = sorted.into_iter().collect();
            levels.push((columns, sorted.clone()));
            columns += sorted.len();
        }
        let ones = letters
            .iter()
            .map(|row| {
                std::array::from_fn(|column| {
                    let (start, sorted) = &levels[column];
                    start + sorted.binary_search(&&row[column]).unwrap_or(0)
                })
            })
            .collect();
        Ok(Self { poisonous, ones, columns })
    }

    /// Contexts of all rows; each has length near 1.
    fn contexts(&self, settings: &Settings, stream: Stream) -> Vec<Vec<f64>> {
        let n = settings.features;
        // Two mushrooms with h differing categories have squared distance 2h; the Gaussian kernel
        // exp(−h/reach) has frequencies of variance 1/reach.
        let deviation = settings.reach.recip().sqrt();
        let frequencies: Vec<Vec<f64>> = (0..self.columns)
            .map(|column| {
                let draws = stream.child(column as u64);
                (0..n).map(|feature| deviation * draws.normal(feature as u64)).collect()
            })
            .collect();
        let phases: Vec<f64> = (0..n)
            .map(|feature| std::f64::consts::TAU * stream.child(1 << 32).uniform(feature as u64))
            .collect();
        let linear = (settings.linear_share / (CATEGORIES + 1) as f64).sqrt();
        let scale = (2.0 * (1.0 - settings.linear_share) / n.max(1) as f64).sqrt();
        self.ones
            .iter()
            .map(|ones| {
                let mut context = vec![0.0; self.columns + 1];
                context[self.columns] = linear;
                let mut angles = phases.clone();
                for &one in ones {
                    context[one] = linear;
                    for (angle, frequency) in angles.iter_mut().zip(&frequencies[one]) {
                        *angle += frequency;
                    }
                }
                context.extend(angles.iter().map(|angle| scale * angle.cos()));
                context
            })
            .collect()
    }
}

struct Run {
    regret: f64,
    poisonous_eaten: u64,
    edible_left: u64,
}

/// Runs the suite.
///
/// # Errors
/// A [`Problem`]: the table is missing or damaged, or `runs` is below 2.
pub fn suite(places: &Places, runs: u64, seed: u64, settings: Settings) -> Result<Mushroom, Problem> {
    if runs < 2 {
        return Err(Problem::new(
            spotwright_schemas::error::Code::Option,
            "runs",
            "a standard error needs at least 2 runs",
        ));
    }
    let table = Table::read(&data_file(places, "mushroom/mushroom.data")?)?;
    let stream = Stream::new(seed, "mushroom");
    let results: Vec<Run> = (0..runs)
        .into_par_iter()
        .map(|run| play(&table, &settings, stream.child(run)))
        .collect::<Result<_, spotwright_experiment::Error>>()
        .map_err(|error| experiment_problem(&error))?;
    let by_run: Vec<f64> = results.iter().map(|run| run.regret).collect();
    let (regret, standard_error) = crate::ladder::mean_and_error(&by_run);
    let mean = |field: fn(&Run) -> u64| results.iter().map(field).sum::<u64>() as f64 / runs as f64;
    Ok(Mushroom {
        runs,
        rounds: ROUNDS,
        regret,
        standard_error,
        goal: PUBLISHED,
        reached: regret <= PUBLISHED,
        by_run,
        poisonous_eaten: mean(|run| run.poisonous_eaten),
        edible_left: mean(|run| run.edible_left),
        learner: settings,
    })
}

fn play(table: &Table, settings: &Settings, stream: Stream) -> Result<Run, spotwright_experiment::Error> {
    let contexts = table.contexts(settings, stream.child(0));
    let (rows, rewards, choices, draws) =
        (stream.child(1), stream.child(2), stream.child(3), stream.child(4));
    let prior =
        NoisePrior { prior_variance: settings.prior_variance, shape: settings.shape, scale: settings.scale };
    let dimensions = contexts.first().map_or(0, Vec::len);
    let mut leave = LinearPosterior::new(dimensions, prior)?;
    let mut eat = LinearPosterior::new(dimensions, prior)?;
    let (mut best, mut learner, mut uniform) = (0.0, 0.0, 0.0);
    let (mut poisonous_eaten, mut edible_left) = (0, 0);
    for round in 0..ROUNDS {
        let row = rows.below(round, contexts.len());
        let poisonous = table.poisonous[row];
        let unlucky = poisonous && rewards.uniform(round) < 0.5;
        let reward = if unlucky { POISON_REWARD } else { EDIBLE_REWARD };
        if !poisonous {
            best += EDIBLE_REWARD;
        }
        if choices.uniform(round) < 0.5 {
            uniform += reward;
        }
        let predictions = [leave.predict(&contexts[row])?, eat.predict(&contexts[row])?];
        let values = [
            leave.draw(&predictions[0], settings.width, draws, 2 * round),
            eat.draw(&predictions[1], settings.width, draws, 2 * round + 1),
        ];
        if values[1] > values[0] {
            eat.learn(&predictions[1], reward)?;
            learner += reward;
            poisonous_eaten += u64::from(poisonous);
        } else {
            leave.learn(&predictions[0], 0.0)?;
            edible_left += u64::from(!poisonous);
        }
    }
    Ok(Run { regret: 100.0 * (best - learner) / (best - uniform), poisonous_eaten, edible_left })
}
