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
//! # The learners
//! - **Trees**, which are judged: per action, all decision trees of up to three splits on the
//!   categories, averaged by their evidence ([`spotwright_experiment::tree_bandit`]).
//! - **Linear layer**, beside it: a Bayesian linear last layer per action
//!   ([`spotwright_experiment::linear_bandit`]) on a constant, the categories, and random Fourier
//!   features of them (Rahimi and Recht, NIPS 2007), which make it a Gaussian-kernel regression:
//!   mushrooms that share most categories share their reward.
//!
//! Thompson sampling chooses in both; the trees, which know only rewards that they have earned, take
//! each action ten times first. The settings were chosen on other seeds than the reported runs.

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;
use spotwright_experiment::Error;
use spotwright_experiment::linear_bandit::{LinearPosterior, NoisePrior, Prediction};
use spotwright_experiment::tree_bandit::{TreePosterior, TreePrior};
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

/// The answer: of the trees, and of the linear layer beside them.
#[derive(Debug, Serialize)]
pub struct Mushroom {
    /// Runs.
    pub runs: u64,
    /// Rows per run.
    pub rounds: u64,
    /// What the trees reached.
    #[serde(flatten)]
    pub trees: Figures,
    /// Published figure to be reached.
    pub goal: f64,
    /// Whether the trees' mean is at most the goal.
    pub reached: bool,
    /// Settings of the trees.
    pub learner: TreeSettings,
    /// What the linear layer reached on the same rows and rewards.
    pub linear: Figures,
    /// Settings of the linear layer.
    pub linear_learner: Settings,
}

/// What one learner reached.
#[derive(Debug, Serialize)]
pub struct Figures {
    /// Mean normalized regret in percent of uniform choice.
    pub regret: f64,
    /// Its standard error over runs.
    pub standard_error: f64,
    /// Normalized regret of each run in percent.
    pub by_run: Vec<f64>,
    /// Poisonous mushrooms eaten per run, on average.
    pub poisonous_eaten: f64,
    /// Edible mushrooms left per run, on average.
    pub edible_left: f64,
}

impl Figures {
    fn of(runs: &[Run]) -> Self {
        let by_run: Vec<f64> = runs.iter().map(|run| run.regret).collect();
        let (regret, standard_error) = crate::ladder::mean_and_error(&by_run);
        let mean = |field: fn(&Run) -> u64| runs.iter().map(field).sum::<u64>() as f64 / runs.len() as f64;
        Self {
            regret,
            standard_error,
            by_run,
            poisonous_eaten: mean(|run| run.poisonous_eaten),
            edible_left: mean(|run| run.edible_left),
        }
    }
}

impl Mushroom {
    /// Lines for people.
    pub(crate) fn table(&self) -> String {
        let line = |name: &str, figures: &Figures| {
            format!(
                "{name}: {:.2} ± {:.2} % of uniform regret, mean of {} runs; {:.0} poisonous eaten, {:.0} \
                 edible left\n",
                figures.regret,
                figures.standard_error,
                self.runs,
                figures.poisonous_eaten,
                figures.edible_left
            )
        };
        format!(
            "{}{}goal: {:.2} %",
            line("mushroom, trees", &self.trees),
            line("mushroom, linear layer", &self.linear),
            self.goal
        )
    }
}

/// Settings of the trees.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct TreeSettings {
    /// Most splits of a tree.
    pub depth: usize,
    /// Prior probability that a node is a leaf.
    pub leaf: f64,
    /// Pseudo-count of each distinct reward in a leaf.
    pub pseudo_count: f64,
    /// Rows on which each action is taken at first, whatever the row.
    pub initial_pulls: u64,
}

impl Default for TreeSettings {
    fn default() -> Self {
        Self { depth: 3, leaf: 0.5, pseudo_count: 0.5, initial_pulls: 10 }
    }
}

/// Settings of the linear layer.
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
    /// First position of each column's categories, and the number of positions at the end.
    starts: Vec<usize>,
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
        let mut starts = vec![0];
        let mut levels = Vec::new();
        for column in 0..CATEGORIES {
            let sorted: BTreeSet<&String> = letters.iter().map(|row| &row[column]).collect();
            let sorted: Vec<&String> = sorted.into_iter().collect();
            let start = starts[column];
            starts.push(start + sorted.len());
            levels.push((start, sorted));
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
        Ok(Self { poisonous, ones, starts })
    }

    fn n_positions(&self) -> usize {
        self.starts[CATEGORIES]
    }

    /// Categories of each column.
    fn categories(&self) -> [usize; CATEGORIES] {
        std::array::from_fn(|column| self.starts[column + 1] - self.starts[column])
    }

    /// The category of each column of a row.
    fn row(&self, row: usize) -> [usize; CATEGORIES] {
        std::array::from_fn(|column| self.ones[row][column] - self.starts[column])
    }

    /// Contexts of all rows; each has length near 1.
    fn contexts(&self, settings: &Settings, stream: Stream) -> Vec<Vec<f64>> {
        let n = settings.features;
        // Two mushrooms with h differing categories have squared distance 2h; the Gaussian kernel
        // exp(−h/reach) has frequencies of variance 1/reach.
        let deviation = settings.reach.recip().sqrt();
        let frequencies: Vec<Vec<f64>> = (0..self.n_positions())
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
                let mut context = vec![0.0; self.n_positions() + 1];
                context[self.n_positions()] = linear;
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
pub fn suite(places: &Places, runs: u64, seed: u64) -> Result<Mushroom, Problem> {
    if runs < 2 {
        return Err(Problem::new(
            spotwright_schemas::error::Code::Option,
            "runs",
            "a standard error needs at least 2 runs",
        ));
    }
    let table = Table::read(&data_file(places, "mushroom/mushroom.data")?)?;
    let stream = Stream::new(seed, "mushroom");
    let (learner, linear_learner) = (TreeSettings::default(), Settings::default());
    let play_all = |new: &(dyn Fn(Stream) -> Result<Learner, Error> + Sync)| -> Result<Figures, Error> {
        let one = |run| {
            let stream = stream.child(run);
            play(&table, new(stream)?, stream)
        };
        let played: Vec<Run> = (0..runs).into_par_iter().map(one).collect::<Result<_, Error>>()?;
        Ok(Figures::of(&played))
    };
    let trees =
        play_all(&|_stream| Learner::trees(&table, learner)).map_err(|error| experiment_problem(&error))?;
    let linear = play_all(&|stream| Learner::linear(&table, &linear_learner, stream.child(0)))
        .map_err(|error| experiment_problem(&error))?;
    Ok(Mushroom {
        runs,
        rounds: ROUNDS,
        goal: PUBLISHED,
        reached: trees.regret <= PUBLISHED,
        trees,
        learner,
        linear,
        linear_learner,
    })
}

/// Posteriors of the two actions: leave, eat.
enum Learner {
    Trees {
        initial_pulls: u64,
        actions: Box<[TreePosterior; 2]>,
    },
    Linear {
        contexts: Vec<Vec<f64>>,
        width: f64,
        actions: Box<[LinearPosterior; 2]>,
        predictions: Option<[Prediction; 2]>,
    },
}

impl Learner {
    fn trees(table: &Table, settings: TreeSettings) -> Result<Self, Error> {
        let TreeSettings { depth, leaf, pseudo_count, initial_pulls } = settings;
        let posterior = TreePosterior::new(&table.categories(), TreePrior { depth, leaf, pseudo_count })?;
        Ok(Self::Trees { initial_pulls, actions: Box::new([posterior.clone(), posterior]) })
    }

    fn linear(table: &Table, settings: &Settings, stream: Stream) -> Result<Self, Error> {
        let contexts = table.contexts(settings, stream);
        let Settings { prior_variance, shape, scale, width, .. } = *settings;
        let dimensions = contexts.first().map_or(0, Vec::len);
        let posterior = LinearPosterior::new(dimensions, NoisePrior { prior_variance, shape, scale })?;
        let actions = Box::new([posterior.clone(), posterior]);
        Ok(Self::Linear { contexts, width, actions, predictions: None })
    }

    /// A draw of each action's expected reward.
    fn draw(&mut self, table: &Table, row: usize, draws: Stream, round: u64) -> Result<[f64; 2], Error> {
        match self {
            Self::Trees { initial_pulls, actions } => {
                let context = table.row(row);
                let mut values = [0.0; 2];
                for ((value, action), index) in
                    values.iter_mut().zip(actions.iter()).zip([2 * round, 2 * round + 1])
                {
                    *value = if action.n_learned() < *initial_pulls {
                        f64::INFINITY
                    } else {
                        action.draw(&context, draws, index)?
                    };
                }
                Ok(values)
            }
            Self::Linear { contexts, width, actions, predictions } => {
                let [leave, eat] = &**actions;
                let now = [leave.predict(&contexts[row])?, eat.predict(&contexts[row])?];
                let values = [
                    leave.draw(&now[0], *width, draws, 2 * round),
                    eat.draw(&now[1], *width, draws, 2 * round + 1),
                ];
                *predictions = Some(now);
                Ok(values)
            }
        }
    }

    /// Learns the reward of an action on the row that was drawn for last.
    fn learn(&mut self, table: &Table, row: usize, action: usize, reward: f64) -> Result<(), Error> {
        match self {
            Self::Trees { actions, .. } => actions[action].learn(&table.row(row), reward),
            Self::Linear { actions, predictions, .. } => match predictions {
                Some(predictions) => actions[action].learn(&predictions[action], reward),
                None => Err(Error::Empty),
            },
        }
    }
}

fn play(table: &Table, mut learner: Learner, stream: Stream) -> Result<Run, Error> {
    let (rows, rewards, choices, draws) =
        (stream.child(1), stream.child(2), stream.child(3), stream.child(4));
    let (mut best, mut earned, mut uniform) = (0.0, 0.0, 0.0);
    let (mut poisonous_eaten, mut edible_left) = (0, 0);
    for round in 0..ROUNDS {
        let row = rows.below(round, table.ones.len());
        let poisonous = table.poisonous[row];
        let unlucky = poisonous && rewards.uniform(round) < 0.5;
        let reward = if unlucky { POISON_REWARD } else { EDIBLE_REWARD };
        if !poisonous {
            best += EDIBLE_REWARD;
        }
        if choices.uniform(round) < 0.5 {
            uniform += reward;
        }
        let [leave, eat] = learner.draw(table, row, draws, round)?;
        if eat > leave {
            learner.learn(table, row, 1, reward)?;
            earned += reward;
            poisonous_eaten += u64::from(poisonous);
        } else {
            learner.learn(table, row, 0, 0.0)?;
            edible_left += u64::from(!poisonous);
        }
    }
    Ok(Run { regret: 100.0 * (best - earned) / (best - uniform), poisonous_eaten, edible_left })
}
