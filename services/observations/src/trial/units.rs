//! Experiments as rows: one for each unit, or several that are summed.

use std::collections::HashMap;

use jiff::civil::Date;
use spotwright_experiment::analysis::mismatch::Period;
use spotwright_experiment::analysis::moments::{AdjustedSums, MeanSums, RatioSums, Sums};
use spotwright_experiment::interval::Counts;
use spotwright_schemas::Problem;

use super::counts::{ARM, index_of};
use super::grid::{Cell, Grid};
use super::{MOST_ARMS, Raw, wrong};
use crate::date::written;

/// Most metrics of a table.
const MOST_METRICS: usize = 200;

/// The columns of rows, by their places.
struct Columns {
    unit: usize,
    arm: usize,
    value: usize,
    metric: Option<usize>,
    covariate: Option<usize>,
    denominator: Option<usize>,
    time: Option<usize>,
}

/// A unit: its arm, and where it was first seen.
struct Unit {
    arm: usize,
    line: u64,
}

/// What a unit showed of a metric.
#[derive(Debug, Clone, Copy, Default)]
struct Shown {
    value: f64,
    denominator: f64,
    covariate: Option<f64>,
}

/// The days seen, and on which clock they are.
#[derive(Default)]
struct Days {
    first: Option<Date>,
    last: Option<Date>,
    /// The offset of the first time, and its line.
    offset: Option<(String, u64)>,
}

pub(super) fn read(grid: &Grid) -> Result<Raw, Problem> {
    let columns = Columns {
        unit: grid.needed(&["unit", "unit_id", "user", "user_id"])?,
        arm: grid.needed(&ARM)?,
        value: grid.needed(&["value", "outcome", "numerator"])?,
        metric: grid.column(&["metric"])?,
        covariate: grid.column(&["covariate", "pre", "pre_value"])?,
        denominator: grid.column(&["denominator"])?,
        time: grid.column(&["exposed_at", "time", "timestamp", "date", "day"])?,
    };
    if let (Some(_), Some(at)) = (columns.covariate, columns.denominator) {
        return Err(wrong(grid.header[at].clone(), "a ratio has no covariate; leave one of the two out"));
    }
    let mut raw = Raw::default();
    let mut units: HashMap<String, (usize, Unit)> = HashMap::new();
    let mut shown: HashMap<(usize, usize), Shown> = HashMap::new();
    let mut days = Days::default();
    let default = grid.header[columns.value].clone();
    for row in &grid.rows {
        let arm = index_of(&mut raw.arms, text(grid, row, columns.arm)?);
        if raw.arms.len() > MOST_ARMS {
            let message = "too many arms; at most 200 are read";
            return Err(wrong(grid.place(row.0, &grid.header[columns.arm]), message));
        }
        let metric = match columns.metric {
            Some(at) => text(grid, row, at)?,
            None => default.clone(),
        };
        let metric = index_of(&mut raw.metrics, metric);
        if raw.metrics.len() > MOST_METRICS {
            return Err(wrong(grid.place(row.0, ""), "too many metrics; at most 200 are read"));
        }
        let name = text(grid, row, columns.unit)?;
        let next = units.len();
        let (unit, known) = units.entry(name).or_insert((next, Unit { arm, line: row.0 }));
        if known.arm != arm {
            let message = format!(
                "the unit is in the arm `{:.60}` by {}; a unit stays in one arm",
                raw.arms[known.arm],
                grid.place(known.line, "")
            );
            return Err(wrong(grid.place(row.0, &grid.header[columns.arm]), message));
        }
        add(grid, row, &columns, shown.entry((metric, *unit)).or_default())?;
        if let Some(at) = columns.time {
            days.add(grid, row, at)?;
        }
    }
    if units.is_empty() {
        return Err(wrong(grid.name.clone(), "the table has a header and no rows"));
    }
    summed(&mut raw, &columns, &units, &shown);
    raw.days = days.first.zip(days.last).map(|(first, last)| f64::from((last - first).get_days()) + 1.0);
    Ok(raw)
}

fn text(grid: &Grid, row: &(u64, Vec<Cell>), at: usize) -> Result<String, Problem> {
    Grid::text(row, at).ok_or_else(|| wrong(grid.place(row.0, &grid.header[at]), "the cell is empty"))
}

/// Adds a row to what its unit showed.
fn add(grid: &Grid, row: &(u64, Vec<Cell>), columns: &Columns, own: &mut Shown) -> Result<(), Problem> {
    let place = |at: usize| grid.place(row.0, &grid.header[at]);
    let value = grid.number(row, columns.value)?;
    own.value +=
        value.ok_or_else(|| wrong(place(columns.value), "the cell is empty; write 0 for nothing"))?;
    if let Some(at) = columns.denominator {
        let denominator = grid.number(row, at)?.ok_or_else(|| wrong(place(at), "the cell is empty"))?;
        if denominator < 0.0 {
            return Err(wrong(place(at), format!("{denominator} is below 0")));
        }
        own.denominator += denominator;
    }
    if let Some(at) = columns.covariate {
        let covariate = grid.number(row, at)?.ok_or_else(|| wrong(place(at), "the cell is empty"))?;
        let before = *own.covariate.get_or_insert(covariate);
        if before != covariate {
            let message = format!("the unit's covariate is {before} in an earlier row; it cannot change");
            return Err(wrong(place(at), message));
        }
    }
    Ok(())
}

impl Days {
    fn add(&mut self, grid: &Grid, row: &(u64, Vec<Cell>), at: usize) -> Result<(), Problem> {
        let Some(text) = Grid::text(row, at) else { return Ok(()) };
        let place = || grid.place(row.0, &grid.header[at]);
        let offset = offset(&text);
        match &self.offset {
            None => self.offset = Some((offset, row.0)),
            Some((known, line)) if *known != offset => {
                let message = format!(
                    "the time is on another clock (`{offset:.10}`) than that of {} (`{known:.10}`)",
                    grid.place(*line, "")
                );
                return Err(wrong(place(), message));
            }
            Some(_) => {}
        }
        let read = written(&text)
            .ok_or_else(|| wrong(place(), format!("`{text:.40}` is no date; write 2026-09-07")))?;
        let day = read
            .resolved(None)
            .ok_or_else(|| wrong(place(), format!("`{text:.40}` may be of two months; write 2026-09-07")))?;
        self.first = Some(self.first.map_or(day, |first| first.min(day)));
        self.last = Some(self.last.map_or(day, |last| last.max(day)));
        Ok(())
    }
}

/// The offset from UTC that a time ends with; empty without one.
fn offset(text: &str) -> String {
    let Some(colon) = text.find(':') else { return String::new() };
    let clock = &text[colon..];
    if clock.ends_with(['Z', 'z']) {
        return "+00:00".to_owned();
    }
    let sign = clock.rfind(['+', '-']);
    let offset = sign.map(|sign| clock[sign..].to_owned()).unwrap_or_default();
    if offset == "-00:00" { "+00:00".to_owned() } else { offset }
}

/// The sums of each metric and arm. A unit without a row of a metric showed nothing of it.
fn summed(
    raw: &mut Raw,
    columns: &Columns,
    units: &HashMap<String, (usize, Unit)>,
    shown: &HashMap<(usize, usize), Shown>,
) {
    let mut arms: Vec<(usize, usize)> = units.values().map(|(unit, own)| (*unit, own.arm)).collect();
    // In the order of the file, so that sums are the same bit for bit.
    arms.sort_unstable();
    let mut counts = vec![0_u64; raw.arms.len()];
    for (_, arm) in &arms {
        counts[*arm] += 1;
    }
    for metric in 0..raw.metrics.len() {
        let of_unit = |unit: usize| shown.get(&(metric, unit)).copied();
        let missing = arms.iter().filter(|(unit, _)| of_unit(*unit).is_none()).count();
        if missing > 0 {
            let name = &raw.metrics[metric];
            raw.notes.push(format!("{missing} units have no row of `{name}` and count as 0 of it"));
        }
        let is_binary = columns.covariate.is_none()
            && columns.denominator.is_none()
            && arms.iter().all(|(unit, _)| {
                let value = of_unit(*unit).unwrap_or_default().value;
                value == 0.0 || value == 1.0
            });
        let mut sums = vec![Collected::default(); raw.arms.len()];
        for (unit, arm) in &arms {
            sums[*arm].add(of_unit(*unit).unwrap_or_default());
        }
        let sums = sums.iter().map(|own| Some(own.sums(columns, is_binary))).collect();
        raw.sums.push(sums);
    }
    raw.periods.push(Period { units: counts, weights: vec![1.0; raw.arms.len()] });
}

#[derive(Debug, Clone, Copy, Default)]
struct Collected {
    mean: MeanSums,
    ratio: RatioSums,
    adjusted: AdjustedSums,
}

impl Collected {
    fn add(&mut self, own: Shown) {
        self.mean.add(own.value);
        self.ratio.add(own.value, own.denominator);
        self.adjusted.add(own.value, own.covariate.unwrap_or(0.0));
    }

    fn sums(&self, columns: &Columns, is_binary: bool) -> Sums {
        if columns.denominator.is_some() {
            return Sums::Ratio(self.ratio);
        }
        if columns.covariate.is_some() {
            return Sums::Adjusted(self.adjusted);
        }
        // Sums of ones are counts; they are at most the units, as every value is 0 or 1.
        match Counts::new(self.mean.units, self.mean.sum as u64) {
            Ok(counts) if is_binary => Sums::Proportion(counts),
            _ => Sums::Mean(self.mean),
        }
    }
}
