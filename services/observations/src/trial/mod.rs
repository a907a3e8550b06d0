//! Reads experiments that were run anywhere: counts of each arm, or one row for each unit.
//!
//! | form | columns |
//! |---|---|
//! | counts of a proportion | `arm`, `units`, `successes` |
//! | sums of a mean | `arm`, `units`, `sum`, `sum_squares` |
//! | sums of a ratio | `arm`, `units`, `numerator`, `numerator_squares`, `denominator`, `denominator_squares`, `products` |
//! | sums with a covariate | `arm`, `units`, `sum`, `sum_squares`, `covariate`, `covariate_squares`, `products` |
//! | rows | `unit`, `arm`, `value`, and as wanted `metric`, `exposed_at`, `covariate`, `denominator` |
//!
//! Counts may have `metric`, `weight` (of the configured division), `period` and `days` besides, and every
//! form `source`: files with simulated and other rows are refused. Files are
//! CSV, XLSX, parquet or JSON (an array of objects, or an object with such an array in `arms` or `rows`).

mod counts;
mod grid;
mod parquet_file;
mod units;

use std::collections::BTreeMap;

use spotwright_experiment::analysis::Goal;
use spotwright_experiment::analysis::mismatch::Period;
use spotwright_experiment::analysis::moments::Sums;
use spotwright_experiment::analysis::report::{Arm, Design, Guardrail, Metric, Observed};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::FeedbackSource;

use grid::Grid;

/// Most arms of an experiment.
pub const MOST_ARMS: usize = 200;

/// What the reader of a file says about the experiment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Asked {
    /// The control; by default `control`, or the first arm of the file.
    pub control: Option<String>,
    /// The metric that decides; needed where the file has several and no guardrail takes the others.
    pub primary: Option<String>,
    /// Whether less of the metric is better.
    pub less_is_better: bool,
    /// Metrics that must not get worse, with the tolerated relative change.
    pub guardrails: Vec<Guarded>,
    /// Weights of the arms as configured, where the file has none; equal without them.
    pub weights: BTreeMap<String, f64>,
    /// Days of the experiment, where the file has no times.
    pub days: Option<f64>,
}

/// A guardrail that is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Guarded {
    /// The metric.
    pub metric: String,
    /// Whether less of it is better.
    pub less_is_better: bool,
    /// Relative change for the worse that is tolerated.
    pub margin: f64,
}

/// An experiment as read.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Who measured: `imported` unless the file's `source` says `simulated` in every row, as logs of
    /// exposures do.
    pub source: FeedbackSource,
    /// The metric that decides.
    pub primary: Metric,
    /// The guardrails.
    pub guardrails: Vec<Guardrail>,
    /// The arms, the control first.
    pub observed: Observed,
    /// What a reader should know.
    pub notes: Vec<String>,
}

impl Trial {
    /// The design for this experiment's metrics; all else as usual.
    #[must_use]
    pub fn design(&self) -> Design {
        Design { guardrails: self.guardrails.clone(), ..Design::of(self.primary.clone()) }
    }
}

/// What a file holds before the control is first and the metrics are chosen.
#[derive(Debug, Default)]
struct Raw {
    /// Names of the arms, in the file's order.
    arms: Vec<String>,
    /// Names of the metrics, in the file's order.
    metrics: Vec<String>,
    /// Sums by metric and arm.
    sums: Vec<Vec<Option<Sums>>>,
    /// Units and weights by arm, of each period.
    periods: Vec<Period>,
    /// Whether the weights stand in the file.
    has_weights: bool,
    days: Option<f64>,
    notes: Vec<String>,
}

fn wrong(field: impl Into<String>, message: impl Into<String>) -> Problem {
    Problem::new(Code::Trial, field, message)
}

/// Reads a file called `name`.
///
/// # Errors
/// [`Code::Table`]: the bytes are no table. [`Code::Trial`] with line and column: a cell, a unit or an arm
/// that cannot be right, or a metric or arm that is asked for and not there.
pub fn read(bytes: &[u8], name: &str, asked: &Asked) -> Result<Trial, Problem> {
    let grid = Grid::of_bytes(bytes, name)?;
    let source = source_of(&grid)?;
    let raw = if grid.column(&["units", "n", "users", "visitors", "exposures"])?.is_some() {
        counts::read(&grid)?
    } else {
        units::read(&grid)?
    };
    arranged(raw, source, asked)
}

/// Who measured. Rows of both kinds are refused: simulated and imported results are never pooled.
fn source_of(grid: &Grid) -> Result<FeedbackSource, Problem> {
    let Some(at) = grid.column(&["source"])? else { return Ok(FeedbackSource::Imported) };
    let mut simulated: Option<u64> = None;
    let mut other: Option<u64> = None;
    for row in &grid.rows {
        let is_simulated = Grid::text(row, at).as_deref() == Some("simulated");
        let seen = if is_simulated { &mut simulated } else { &mut other };
        seen.get_or_insert(row.0);
        if let (Some(simulated), Some(other)) = (simulated, other) {
            let message = "simulated and other results are never pooled; analyze each by itself";
            return Err(wrong(grid.place(simulated.max(other), &grid.header[at]), message));
        }
    }
    Ok(if simulated.is_some() { FeedbackSource::Simulated } else { FeedbackSource::Imported })
}

fn arranged(mut raw: Raw, source: FeedbackSource, asked: &Asked) -> Result<Trial, Problem> {
    if raw.arms.len() < 2 {
        let message = format!("an experiment has at least two arms; the file has {}", raw.arms.len());
        return Err(wrong("arm", message));
    }
    let order = order(&raw, asked)?;
    let (primary, guarded) = chosen(&raw, asked)?;
    let weights = weights(&raw, asked)?;
    let sums = |metric: usize, arm: usize| {
        raw.sums[metric][arm].ok_or_else(|| {
            wrong(raw.metrics[metric].clone(), format!("the arm `{:.60}` has no such metric", raw.arms[arm]))
        })
    };
    let mut arms = Vec::with_capacity(order.len());
    for arm in &order {
        let guardrails = guarded.iter().map(|(metric, _)| sums(*metric, *arm)).collect::<Result<_, _>>()?;
        arms.push(Arm { name: raw.arms[*arm].clone(), primary: sums(primary, *arm)?, guardrails });
    }
    let periods = raw
        .periods
        .iter()
        .map(|period| Period {
            units: order.iter().map(|arm| period.units[*arm]).collect(),
            weights: order
                .iter()
                .map(|arm| weights.as_ref().map_or(period.weights[*arm], |weights| weights[*arm]))
                .collect(),
        })
        .collect();
    if weights.is_none() && !raw.has_weights {
        raw.notes.push("no weights are given, so an equal division among the arms is expected".to_owned());
    }
    let goal = |less: bool| if less { Goal::Decrease } else { Goal::Increase };
    Ok(Trial {
        source,
        primary: Metric { name: raw.metrics[primary].clone(), goal: goal(asked.less_is_better) },
        guardrails: guarded
            .iter()
            .map(|(_, own)| Guardrail {
                metric: Metric { name: own.metric.clone(), goal: goal(own.less_is_better) },
                margin: own.margin,
            })
            .collect(),
        observed: Observed { arms, periods, days: raw.days.or(asked.days) },
        notes: raw.notes,
    })
}

/// Indexes of the arms, the control first.
fn order(raw: &Raw, asked: &Asked) -> Result<Vec<usize>, Problem> {
    let control = match &asked.control {
        Some(name) => raw.arms.iter().position(|arm| arm == name).ok_or_else(|| {
            wrong("control", format!("`{name:.60}` is no arm; there are {}", listed(&raw.arms)))
        })?,
        None => raw.arms.iter().position(|arm| arm.to_lowercase() == "control").unwrap_or(0),
    };
    Ok(std::iter::once(control).chain((0..raw.arms.len()).filter(|arm| *arm != control)).collect())
}

fn listed(names: &[String]) -> String {
    names.iter().take(20).map(|name| format!("`{name:.60}`")).collect::<Vec<_>>().join(", ")
}

/// The number of the metric that decides, and of each that guards, with what it must keep.
type Chosen<'a> = (usize, Vec<(usize, &'a Guarded)>);

/// The primary metric and the guardrails, by their indexes.
fn chosen<'a>(raw: &Raw, asked: &'a Asked) -> Result<Chosen<'a>, Problem> {
    let find = |name: &str, field: &str| {
        raw.metrics.iter().position(|metric| metric == name).ok_or_else(|| {
            wrong(field, format!("`{name:.60}` is no metric; there are {}", listed(&raw.metrics)))
        })
    };
    let mut guarded = Vec::with_capacity(asked.guardrails.len());
    for own in &asked.guardrails {
        guarded.push((find(&own.metric, "guardrail")?, own));
    }
    let primary = if let Some(name) = &asked.primary {
        find(name, "metric")?
    } else {
        let mut free = (0..raw.metrics.len()).filter(|metric| !guarded.iter().any(|(own, _)| own == metric));
        if let (Some(only), None) = (free.next(), free.next()) {
            only
        } else {
            let message = format!("say which metric decides; there are {}", listed(&raw.metrics));
            return Err(wrong("metric", message));
        }
    };
    if guarded.iter().any(|(own, _)| *own == primary) {
        return Err(wrong("guardrail", "the metric that decides cannot guard itself"));
    }
    Ok((primary, guarded))
}

/// The weights that were given, by arm; those of the file stand otherwise.
fn weights(raw: &Raw, asked: &Asked) -> Result<Option<Vec<f64>>, Problem> {
    if asked.weights.is_empty() {
        return Ok(None);
    }
    if raw.has_weights {
        return Err(wrong("weights", "the file has weights of its own; leave these out"));
    }
    if let Some(name) = asked.weights.keys().find(|name| !raw.arms.contains(name)) {
        return Err(wrong("weights", format!("`{name:.60}` is no arm; there are {}", listed(&raw.arms))));
    }
    let mut weights = Vec::with_capacity(raw.arms.len());
    for arm in &raw.arms {
        let weight = asked.weights.get(arm).copied();
        let weight = weight.ok_or_else(|| wrong("weights", format!("the arm `{arm:.60}` has no weight")))?;
        if !(weight.is_finite() && weight > 0.0) {
            return Err(wrong("weights", format!("{weight} of `{arm:.60}` is not above 0")));
        }
        weights.push(weight);
    }
    Ok(Some(weights))
}
