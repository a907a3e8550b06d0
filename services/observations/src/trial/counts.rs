//! Experiments as sums of each arm.

use std::collections::HashMap;

use spotwright_experiment::analysis::mismatch::Period;
use spotwright_experiment::analysis::moments::{AdjustedSums, MeanSums, RatioSums, Sums};
use spotwright_experiment::interval::Counts;
use spotwright_schemas::Problem;

use super::grid::{Cell, Grid};
use super::{MOST_ARMS, Raw, wrong};

/// The columns of sums, by their places.
struct Columns {
    arm: usize,
    units: usize,
    metric: Option<usize>,
    weight: Option<usize>,
    period: Option<usize>,
    days: Option<usize>,
    form: Form,
}

/// Which sums there are.
enum Form {
    Proportion(usize),
    Mean { sum: usize, squares: usize },
    Ratio([usize; 5]),
    Adjusted([usize; 5]),
}

pub(super) const ARM: [&str; 4] = ["arm", "variant", "variation", "group"];

fn columns(grid: &Grid) -> Result<Columns, Problem> {
    let successes = grid.column(&["successes", "conversions", "clicks", "converted"])?;
    let numerator = grid.column(&["numerator"])?;
    let covariate = grid.column(&["covariate", "covariate_sum"])?;
    let form = if let Some(numerator) = numerator {
        Form::Ratio([
            numerator,
            grid.needed(&["numerator_squares"])?,
            grid.needed(&["denominator"])?,
            grid.needed(&["denominator_squares"])?,
            grid.needed(&["products"])?,
        ])
    } else if let Some(covariate) = covariate {
        Form::Adjusted([
            grid.needed(&["sum"])?,
            grid.needed(&["sum_squares", "squares"])?,
            covariate,
            grid.needed(&["covariate_squares"])?,
            grid.needed(&["products"])?,
        ])
    } else if let Some(successes) = successes {
        Form::Proportion(successes)
    } else {
        Form::Mean { sum: grid.needed(&["sum"])?, squares: grid.needed(&["sum_squares", "squares"])? }
    };
    Ok(Columns {
        arm: grid.needed(&ARM)?,
        units: grid.needed(&["units", "n", "users", "visitors", "exposures"])?,
        metric: grid.column(&["metric"])?,
        weight: grid.column(&["weight"])?,
        period: grid.column(&["period"])?,
        days: grid.column(&["days"])?,
        form,
    })
}

/// Reads the sums of each arm, metric and period.
pub(super) fn read(grid: &Grid) -> Result<Raw, Problem> {
    let columns = columns(grid)?;
    let mut raw = Raw { has_weights: columns.weight.is_some(), ..Raw::default() };
    let mut periods: Vec<String> = Vec::new();
    let mut units: HashMap<(usize, usize), (u64, f64)> = HashMap::new();
    let mut seen: HashMap<(usize, usize, usize), u64> = HashMap::new();
    for row in &grid.rows {
        let line = row.0;
        let arm_name = text(grid, row, columns.arm)?;
        let arm = index_of(&mut raw.arms, arm_name);
        if raw.arms.len() > MOST_ARMS {
            return Err(wrong(
                grid.place(line, &grid.header[columns.arm]),
                "too many arms; at most 200 are read",
            ));
        }
        let default = grid.header[form_column(&columns)].clone();
        let metric = match columns.metric {
            Some(at) => index_of(&mut raw.metrics, text(grid, row, at)?),
            None => index_of(&mut raw.metrics, default),
        };
        let period = match columns.period {
            Some(at) => index_of(&mut periods, text(grid, row, at)?),
            None => index_of(&mut periods, String::new()),
        };
        if let Some(before) = seen.insert((metric, period, arm), line) {
            let message = format!("the arm stands in {} already", grid.place(before, ""));
            return Err(wrong(grid.place(line, &grid.header[columns.arm]), message));
        }
        check_units(grid, row, &columns, &mut units, (period, arm))?;
        let sums = sums(grid, row, &columns)?;
        raw.sums.resize(raw.metrics.len(), Vec::new());
        raw.sums.iter_mut().for_each(|of_metric| of_metric.resize(raw.arms.len(), None));
        let place = &mut raw.sums[metric][arm];
        *place = Some(match place {
            Some(before) => added(*before, sums),
            None => sums,
        });
        if let Some(at) = columns.days {
            let days = grid.number(row, at)?;
            if days.is_some_and(|days| days < 0.0) {
                return Err(wrong(grid.place(line, &grid.header[at]), "days are below 0"));
            }
            raw.days = raw.days.or(days);
        }
    }
    if raw.arms.is_empty() {
        return Err(wrong(grid.name.clone(), "the table has a header and no rows"));
    }
    periods_of(&mut raw, &periods, &units)?;
    Ok(raw)
}

/// Units and weights of each period; every arm is in each.
fn periods_of(
    raw: &mut Raw,
    periods: &[String],
    units: &HashMap<(usize, usize), (u64, f64)>,
) -> Result<(), Problem> {
    for (period, name) in periods.iter().enumerate() {
        let of_arm = |arm: usize| units.get(&(period, arm)).copied();
        if let Some(arm) = (0..raw.arms.len()).find(|arm| of_arm(*arm).is_none()) {
            let message = format!("the arm `{:.60}` is missing in the period `{name:.60}`", raw.arms[arm]);
            return Err(wrong("period", message));
        }
        let all: Vec<(u64, f64)> = (0..raw.arms.len()).filter_map(of_arm).collect();
        raw.periods.push(Period {
            units: all.iter().map(|(units, _)| *units).collect(),
            weights: all.iter().map(|(_, weight)| *weight).collect(),
        });
    }
    let shares = |period: &Period| -> Vec<f64> {
        let total: f64 = period.weights.iter().sum();
        period.weights.iter().map(|weight| weight / total).collect()
    };
    let first = raw.periods.first().map(shares).unwrap_or_default();
    let differs = |period: &Period| shares(period).iter().zip(&first).any(|(a, b)| (a - b).abs() > 1e-9);
    if raw.periods.iter().any(differs) {
        raw.notes.push(
            "weights changed between periods: sums over them compare an arm's later units with the control's \
             earlier ones, so a trend over time may look like an effect"
                .to_owned(),
        );
    }
    Ok(())
}

/// The column that names the metric where none is named.
fn form_column(columns: &Columns) -> usize {
    match columns.form {
        Form::Proportion(at) => at,
        Form::Mean { sum, .. } => sum,
        Form::Ratio(places) | Form::Adjusted(places) => places[0],
    }
}

fn text(grid: &Grid, row: &(u64, Vec<Cell>), at: usize) -> Result<String, Problem> {
    Grid::text(row, at).ok_or_else(|| wrong(grid.place(row.0, &grid.header[at]), "the cell is empty"))
}

/// The index of a name in a list that grows.
pub(super) fn index_of(names: &mut Vec<String>, name: String) -> usize {
    if let Some(idx) = names.iter().position(|own| *own == name) {
        idx
    } else {
        names.push(name);
        names.len() - 1
    }
}

/// All metrics of an arm are of the same units, and have one weight.
fn check_units(
    grid: &Grid,
    row: &(u64, Vec<Cell>),
    columns: &Columns,
    known: &mut HashMap<(usize, usize), (u64, f64)>,
    key: (usize, usize),
) -> Result<(), Problem> {
    let units = grid.count(row, columns.units)?;
    let weight = match columns.weight {
        Some(at) => {
            let weight = grid.number(row, at)?;
            weight
                .filter(|weight| *weight > 0.0)
                .ok_or_else(|| wrong(grid.place(row.0, &grid.header[at]), "a weight is a number above 0"))?
        }
        None => 1.0,
    };
    let before = *known.entry(key).or_insert((units, weight));
    if before.0 != units {
        let message = format!("the arm has {} units by another metric and {units} here", before.0);
        return Err(wrong(grid.place(row.0, &grid.header[columns.units]), message));
    }
    if before.1 != weight {
        let at = columns.weight.unwrap_or(columns.units);
        return Err(wrong(
            grid.place(row.0, &grid.header[at]),
            "the arm has another weight in an earlier row",
        ));
    }
    Ok(())
}

fn sums(grid: &Grid, row: &(u64, Vec<Cell>), columns: &Columns) -> Result<Sums, Problem> {
    let units = grid.count(row, columns.units)?;
    let number = |at: usize| {
        grid.number(row, at)?.ok_or_else(|| wrong(grid.place(row.0, &grid.header[at]), "the cell is empty"))
    };
    let sums = match columns.form {
        Form::Proportion(at) => {
            let successes = grid.count(row, at)?;
            let counts = Counts::new(units, successes).map_err(|_| {
                let message = format!("{successes} successes of {units} units");
                wrong(grid.place(row.0, &grid.header[at]), message)
            })?;
            Sums::Proportion(counts)
        }
        Form::Mean { sum, squares } => {
            Sums::Mean(MeanSums { units, sum: number(sum)?, squares: number(squares)? })
        }
        Form::Ratio([a, b, c, d, e]) => Sums::Ratio(RatioSums {
            units,
            numerator: number(a)?,
            numerator_squares: number(b)?,
            denominator: number(c)?,
            denominator_squares: number(d)?,
            products: number(e)?,
        }),
        Form::Adjusted([a, b, c, d, e]) => Sums::Adjusted(AdjustedSums {
            units,
            outcome: number(a)?,
            outcome_squares: number(b)?,
            covariate: number(c)?,
            covariate_squares: number(d)?,
            products: number(e)?,
        }),
    };
    if let Err(spotwright_experiment::analysis::Reason::Contradiction) = sums.moments(0.0) {
        let message = "the sums contradict each other: no set of values has them";
        return Err(wrong(grid.place(row.0, &grid.header[form_column(columns)]), message));
    }
    Ok(sums)
}

/// The sums of two periods; both are of one form, as all rows of a table are.
fn added(a: Sums, b: Sums) -> Sums {
    match (a, b) {
        (Sums::Proportion(a), Sums::Proportion(b)) => {
            let both = Counts::new(a.trials() + b.trials(), a.successes() + b.successes());
            Sums::Proportion(both.unwrap_or(a))
        }
        (Sums::Mean(a), Sums::Mean(b)) => Sums::Mean(MeanSums {
            units: a.units + b.units,
            sum: a.sum + b.sum,
            squares: a.squares + b.squares,
        }),
        (Sums::Ratio(a), Sums::Ratio(b)) => Sums::Ratio(RatioSums {
            units: a.units + b.units,
            numerator: a.numerator + b.numerator,
            numerator_squares: a.numerator_squares + b.numerator_squares,
            denominator: a.denominator + b.denominator,
            denominator_squares: a.denominator_squares + b.denominator_squares,
            products: a.products + b.products,
        }),
        (Sums::Adjusted(a), Sums::Adjusted(b)) => Sums::Adjusted(a.with(&b)),
        (a, _) => a,
    }
}
