//! `scorer ladder`: what allocation policies earn on the archive's tests at 100 and 1,000
//! impressions per arm, with scores as relative priors.
//!
//! Arms are all variants of the tests of one split with at least two headlines. Their true rate is
//! `(k + M·L) / (n + M)`, L the test's pooled click rate: M pseudo-impressions take the noise out of
//! the observed rates. Two truths are used: M = 600, an assumption, and M fitted from the spread
//! between the variants of a test. A simulation on real click rates, not a live test.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use rayon::prelude::*;
use serde::Serialize;
use spotwright_experiment::interval::Counts;
use spotwright_experiment::policy::simulation::{
    BATCHES, Outcome, SimulatedArm, fit_pseudo_impressions, play,
};
use spotwright_experiment::policy::{Exposure, Policy, Prior};
use spotwright_schemas::Problem;
use spotwright_schemas::random::Stream;
use spotwright_scoring::data::{ClickTestRow, Split};

use crate::archive::{Archive, Encoder};
use crate::command::Places;
use crate::inputs::{content_problem, data_file, experiment_problem};
use crate::problem::output_problem;

mod scores;

/// Pseudo-impressions of the assumed truth.
const ASSUMED: f64 = 600.0;
/// Impressions per arm.
const BUDGETS: [u64; 2] = [100, 1_000];
/// What the best of the reference's policies is to be exceeded by under the estimated truth.
const ESTIMATED_GOAL: f64 = 1.15;
/// Lift in percent to be reached under the assumed truth, by budget.
const ASSUMED_GOALS: [f64; 2] = [13.0, 19.0];

/// Options of `scorer ladder`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Table of click tests; the Upworthy archive of the data folder without it.
    #[arg(long)]
    table: Option<PathBuf>,
    /// CSV of scores with the columns `row` (position in the table, from 0) and `score` (relative
    /// log-odds); the installed model scores without it.
    #[arg(long)]
    scores: Option<PathBuf>,
    /// Score by this encoder's best recipe instead, chosen on the whole train split and fitted on all
    /// splits before the one that plays; the reference's policies then get the reference's ridge on
    /// MiniLM sentence vectors, fitted on the train split.
    #[arg(long, conflicts_with = "scores")]
    encoder: Option<Encoder>,
    /// The same as `--scores` for the reference's policies; without it they get what ours get.
    #[arg(long)]
    reference_scores: Option<PathBuf>,
    /// Which tests play; choose settings on `valid` only.
    #[arg(long, default_value = "test", value_parser = ["valid", "test"])]
    split: String,
    /// Repeats of every test.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    repeats: u32,
    /// Seed of the simulation.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Ladder {
    /// Table of click tests.
    pub table: String,
    /// Split the tests are of.
    pub split: String,
    /// Tests with at least two headlines.
    pub tests: usize,
    /// Their variants.
    pub arms: usize,
    /// Batches per test.
    pub batches: u32,
    /// Repeats of every test.
    pub repeats: u32,
    /// Where the scores of our policies come from.
    pub scores: String,
    /// Where the scores of the reference's policies come from.
    pub reference_scores: String,
    /// Results by truth.
    pub truths: Vec<Truth>,
}

/// Results under one assumption about the true rates.
#[derive(Debug, Serialize)]
pub struct Truth {
    /// `assumed` or `estimated`.
    pub name: &'static str,
    /// Pseudo-impressions.
    pub pseudo_impressions: f64,
    /// Lift in percent of always showing the best arm.
    pub oracle_lift: f64,
    /// Results by impressions per arm.
    pub budgets: Vec<Budget>,
}

/// Results at one budget.
#[derive(Debug, Serialize)]
pub struct Budget {
    /// Impressions per arm.
    pub impressions_per_arm: u64,
    /// Lift in percent that was to be reached: given, or 1.15 × the reference's best.
    pub goal: f64,
    /// Best expected lift of the reference's policies.
    pub reference_best: f64,
    /// Best expected lift of ours. Expected, because at 100 impressions per arm the clicks drawn
    /// move every policy's lift by more than a point from seed to seed.
    pub best: f64,
    /// Whether it reaches the goal.
    pub reached: bool,
    /// One row per policy.
    pub rows: Vec<Row>,
}

/// One policy.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// `reference` or `ours`.
    pub group: &'static str,
    /// The policy and its prior.
    pub policy: String,
    /// Lift in percent over uniform traffic, from the clicks drawn; mean of the repeats.
    pub lift: f64,
    /// Standard error of `lift` between repeats.
    pub lift_error: f64,
    /// Lift of the expected clicks of the same allocations: without the noise of the clicks.
    pub expected_lift: f64,
    /// Standard error of `expected_lift` between repeats.
    pub expected_lift_error: f64,
    /// Standard error of `expected_lift` over tests (which tests the archive happens to hold).
    pub tests_error: f64,
    /// Regret in percent of uniform traffic's, from the clicks drawn.
    pub regret: f64,
    /// Regret of the expected clicks.
    pub expected_regret: f64,
    /// Share of tests whose best arm has the largest posterior mean before the last batch.
    pub best_arm: f64,
}

struct Contender {
    group: &'static str,
    name: String,
    policy: Policy,
    prior: Prior,
    informed: bool,
}

/// The policies of the reference table, then ours.
fn contenders() -> Vec<Contender> {
    let table = |strength| Prior { strength, exposure: Exposure::Plain, ..Prior::default() };
    let reference = |name: &str, policy, informed, strength: f64| Contender {
        group: "reference",
        name: name.to_owned(),
        policy,
        prior: table(strength),
        informed,
    };
    let ours = |name: &str, policy| Contender {
        group: "ours",
        name: name.to_owned(),
        policy,
        prior: Prior::default(),
        informed: true,
    };
    let commit = Policy::ExploreThenCommit { explore: 4 };
    vec![
        reference("uniform", Policy::Uniform, false, 600.0),
        reference("Thompson, no prior", Policy::Thompson, false, 600.0),
        reference("Thompson + prior", Policy::Thompson, true, 600.0),
        reference("explore 20 % then commit, no prior", commit, false, 600.0),
        reference("explore 20 % then commit + prior", commit, true, 600.0),
        reference("EB greedy, no prior", Policy::Greedy, false, 600.0),
        reference("EB greedy + prior", Policy::Greedy, true, 600.0),
        reference("EB greedy + prior, s = 2000", Policy::Greedy, true, 2_000.0),
        ours("block knowledge gradient", Policy::block_knowledge_gradient()),
        ours("cooled Thompson", Policy::cooled_thompson()),
        ours("curious Thompson", Policy::curious_thompson()),
        ours("Thompson", Policy::Thompson),
        ours("top-two Thompson", Policy::TopTwoThompson { leader: 0.5 }),
        ours("upper confidence", Policy::UpperConfidence { width: 0.5, cooling: 1.0 }),
        ours("EB greedy", Policy::Greedy),
        ours("explore 20 % then commit", commit),
        ours("LinTS", Policy::linear_thompson()),
    ]
}

/// Runs the subcommand.
///
/// # Errors
/// A [`Problem`]: the table, the scores or the model cannot be read.
pub fn execute(
    arguments: &Arguments,
    places: &Places,
    json: bool,
    out: &mut dyn Write,
) -> Result<(), Problem> {
    let table = match &arguments.table {
        Some(table) => table.clone(),
        None => data_file(places, "upworthy/upworthy_split.parquet")?,
    };
    let archive = Archive::read(Some(&table), places)?;
    let rows = &archive.rows;
    let split = if arguments.split == "valid" { Split::Valid } else { Split::Test };
    let tests = several_headlines(rows, split);
    if tests.is_empty() {
        return Err(content_problem(
            &table,
            format!("no test of split {} has two headlines", arguments.split),
        ));
    }
    let (ours, theirs) = scores::both(arguments, &archive, &tests, places)?;
    let counts = observed(rows, &tests)?;
    let estimated = fit_pseudo_impressions(&counts)
        .ok_or_else(|| content_problem(&table, "variants differ by no more than chance"))?;
    let truths = [("assumed", ASSUMED), ("estimated", estimated)]
        .into_iter()
        .map(|(name, pseudo)| {
            let tests = Simulation::new(&counts, &tests, &ours.by_row, &theirs.by_row, pseudo);
            truth(name, pseudo, &tests, arguments)
        })
        .collect::<Result<_, _>>()?;
    let ladder = Ladder {
        table: table.display().to_string(),
        split: arguments.split.clone(),
        tests: tests.len(),
        arms: tests.iter().map(Vec::len).sum(),
        batches: BATCHES,
        repeats: arguments.repeats,
        scores: ours.source,
        reference_scores: theirs.source,
        truths,
    };
    write(&ladder, json, out).map_err(|error| output_problem(&error))
}

/// Rows of each test of `split` with at least two headlines, in table order.
fn several_headlines(rows: &[ClickTestRow], split: Split) -> Vec<Vec<usize>> {
    let mut order = Vec::new();
    let mut tests = BTreeMap::<&str, Vec<usize>>::new();
    for (idx, row) in rows.iter().enumerate().filter(|(_, row)| row.split == split) {
        let test = tests.entry(&row.test_id).or_default();
        if test.is_empty() {
            order.push(row.test_id.as_str());
        }
        test.push(idx);
    }
    order
        .into_iter()
        .filter_map(|id| tests.remove(id))
        .filter(|test| test.iter().map(|&idx| &rows[idx].headline).collect::<BTreeSet<_>>().len() > 1)
        .collect()
}

fn observed(rows: &[ClickTestRow], tests: &[Vec<usize>]) -> Result<Vec<Vec<Counts>>, Problem> {
    tests
        .iter()
        .map(|test| {
            test.iter()
                .map(|&idx| {
                    Counts::new(rows[idx].impressions, rows[idx].clicks)
                        .map_err(|error| experiment_problem(&error))
                })
                .collect()
        })
        .collect()
}

/// The tests as they are played.
struct Simulation {
    /// With our scores, the reference's scores, and none.
    ours: Vec<Vec<SimulatedArm>>,
    reference: Vec<Vec<SimulatedArm>>,
    blind: Vec<Vec<SimulatedArm>>,
}

impl Simulation {
    fn new(
        counts: &[Vec<Counts>],
        tests: &[Vec<usize>],
        scores: &BTreeMap<usize, f64>,
        reference: &BTreeMap<usize, f64>,
        pseudo: f64,
    ) -> Self {
        let with = |score: &dyn Fn(usize) -> f64| -> Vec<Vec<SimulatedArm>> {
            tests
                .iter()
                .zip(counts)
                .map(|(test, counts)| {
                    let scores: Vec<f64> = test.iter().map(|idx| score(*idx)).collect();
                    let rates = true_rates(counts, pseudo);
                    relative_rates(&scores)
                        .into_iter()
                        .zip(rates)
                        .map(|(relative_rate, rate)| SimulatedArm { relative_rate, rate })
                        .collect()
                })
                .collect()
        };
        // Every row of a test has a score: checked on reading, given by the model.
        Self {
            ours: with(&|idx| scores.get(&idx).copied().unwrap_or(0.0)),
            reference: with(&|idx| reference.get(&idx).copied().unwrap_or(0.0)),
            blind: with(&|_| 0.0),
        }
    }
}

fn true_rates(counts: &[Counts], pseudo: f64) -> Vec<f64> {
    let total: f64 = counts.iter().map(|arm| arm.trials() as f64).sum();
    let level = counts.iter().map(|arm| arm.successes() as f64).sum::<f64>() / total;
    counts
        .iter()
        .map(|arm| (arm.successes() as f64 + pseudo * level) / (arm.trials() as f64 + pseudo))
        .collect()
}

/// exp(score − mean), divided by its mean over the test.
fn relative_rates(scores: &[f64]) -> Vec<f64> {
    let n = scores.len() as f64;
    let mean = scores.iter().sum::<f64>() / n;
    let odds: Vec<f64> = scores.iter().map(|score| (score - mean).exp()).collect();
    let total: f64 = odds.iter().sum();
    odds.iter().map(|odds| odds * n / total).collect()
}

fn truth(
    name: &'static str,
    pseudo_impressions: f64,
    simulation: &Simulation,
    arguments: &Arguments,
) -> Result<Truth, Problem> {
    let mut budgets = Vec::new();
    let mut oracle_lift = 0.0;
    for (impressions_per_arm, goal) in BUDGETS.into_iter().zip(ASSUMED_GOALS) {
        let mut rows = Vec::new();
        for contender in contenders() {
            let tests = match (contender.informed, contender.group) {
                (false, _) => &simulation.blind,
                (true, "reference") => &simulation.reference,
                (true, _) => &simulation.ours,
            };
            let outcomes = played(&contender, tests, impressions_per_arm, arguments)?;
            let total = |field: fn(&Outcome) -> f64| outcomes.iter().flatten().map(field).sum::<f64>();
            oracle_lift = 100.0 * (total(|o| o.optimal) / total(|o| o.uniform) - 1.0);
            rows.push(row(&contender, &outcomes));
        }
        let best_of = |group: &str| {
            rows.iter()
                .filter(|row: &&Row| row.group == group)
                .map(|row| row.expected_lift)
                .fold(f64::NEG_INFINITY, f64::max)
        };
        let (reference_best, best) = (best_of("reference"), best_of("ours"));
        let goal = if name == "assumed" { goal } else { ESTIMATED_GOAL * reference_best };
        budgets.push(Budget { impressions_per_arm, goal, reference_best, best, reached: best >= goal, rows });
    }
    Ok(Truth { name, pseudo_impressions, oracle_lift, budgets })
}

/// Outcomes by repeat and test.
fn played(
    contender: &Contender,
    tests: &[Vec<SimulatedArm>],
    impressions_per_arm: u64,
    arguments: &Arguments,
) -> Result<Vec<Vec<Outcome>>, Problem> {
    let stream = Stream::new(arguments.seed, "ladder");
    (0..arguments.repeats)
        .map(|repeat| {
            let draws = stream.child(u64::from(repeat));
            tests
                .par_iter()
                .enumerate()
                .map(|(idx, test)| {
                    let draws = draws.child(idx as u64);
                    play(contender.policy, contender.prior, test, impressions_per_arm, draws)
                        .map_err(|error| experiment_problem(&error))
                })
                .collect()
        })
        .collect()
}

fn row(contender: &Contender, outcomes: &[Vec<Outcome>]) -> Row {
    let sum = |outcomes: &[Outcome], field: fn(&Outcome) -> f64| outcomes.iter().map(field).sum::<f64>();
    let by_repeat = |clicks: fn(&Outcome) -> f64| -> (Vec<f64>, Vec<f64>) {
        outcomes
            .iter()
            .map(|repeat| {
                let (got, uniform, optimal) =
                    (sum(repeat, clicks), sum(repeat, |o| o.uniform), sum(repeat, |o| o.optimal));
                (100.0 * (got / uniform - 1.0), 100.0 * (optimal - got) / (optimal - uniform))
            })
            .unzip()
    };
    let (lifts, regrets) = by_repeat(|outcome| outcome.clicks as f64);
    let (expected_lifts, expected_regrets) = by_repeat(|outcome| outcome.expected_clicks);
    let (lift, lift_error) = mean_and_error(&lifts);
    let (expected_lift, expected_lift_error) = mean_and_error(&expected_lifts);
    let n_tests = outcomes.first().map_or(0, Vec::len);
    let found = outcomes.iter().flatten().filter(|outcome| outcome.found_best).count() as f64;
    Row {
        group: contender.group,
        policy: contender.name.clone(),
        lift,
        lift_error,
        expected_lift,
        expected_lift_error,
        tests_error: tests_error(outcomes),
        regret: mean_and_error(&regrets).0,
        expected_regret: mean_and_error(&expected_regrets).0,
        best_arm: found / (outcomes.len() * n_tests) as f64,
    }
}

/// Mean and its standard error.
pub(crate) fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, (variance / n).sqrt())
}

/// Standard error of the lift as a ratio of sums over tests, by the delta method.
fn tests_error(outcomes: &[Vec<Outcome>]) -> f64 {
    let n = outcomes.first().map_or(0, Vec::len);
    let total =
        |idx: usize, field: fn(&Outcome) -> f64| outcomes.iter().map(|repeat| field(&repeat[idx])).sum();
    let tests: Vec<(f64, f64)> =
        (0..n).map(|idx| (total(idx, |o| o.expected_clicks), total(idx, |o| o.uniform))).collect();
    let uniform: f64 = tests.iter().map(|test| test.1).sum();
    let ratio = tests.iter().map(|test| test.0).sum::<f64>() / uniform;
    let squares: f64 = tests.iter().map(|(got, uniform)| (got - ratio * uniform).powi(2)).sum();
    100.0 * (squares * n as f64 / (n as f64 - 1.0).max(1.0)).sqrt() / uniform
}

fn write(ladder: &Ladder, json: bool, out: &mut dyn Write) -> std::io::Result<()> {
    if json {
        serde_json::to_writer_pretty(&mut *out, ladder)?;
        return writeln!(out);
    }
    writeln!(
        out,
        "{} tests of split {} ({} arms), {} repeats",
        ladder.tests, ladder.split, ladder.arms, ladder.repeats
    )?;
    writeln!(out, "scores: {}; of the reference's policies: {}", ladder.scores, ladder.reference_scores)?;
    for truth in &ladder.truths {
        writeln!(
            out,
            "\ntruth: {} ({:.0} pseudo-impressions), oracle lift {:+.2} %",
            truth.name, truth.pseudo_impressions, truth.oracle_lift
        )?;
        for budget in &truth.budgets {
            writeln!(
                out,
                "{} impressions per arm: best {:+.2} %, goal {:+.2} %{}",
                budget.impressions_per_arm,
                budget.best,
                budget.goal,
                if budget.reached { "" } else { ", not reached" }
            )?;
            for row in &budget.rows {
                writeln!(
                    out,
                    "  {:9} {:36} {:+6.2} ± {:.2} %   expected {:+6.2} ± {:.2} % (tests ± {:.2})   regret {:5.1} %   best arm {:.3}",
                    row.group,
                    row.policy,
                    row.lift,
                    row.lift_error,
                    row.expected_lift,
                    row.expected_lift_error,
                    row.tests_error,
                    row.regret,
                    row.best_arm
                )?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relative_rates_have_mean_one_and_keep_the_odds() {
        let rates = relative_rates(&[0.3, -0.1, 0.1]);
        assert!((rates.iter().sum::<f64>() - 3.0).abs() < 1e-12);
        assert!((rates[0] / rates[1] - 0.4_f64.exp()).abs() < 1e-12);
    }
}
