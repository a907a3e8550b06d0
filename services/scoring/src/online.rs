//! Calibration that follows what comes in, and alarms that say when predictions and clicks part.
//!
//! Periods are whatever the caller counts in: days, weeks, generations. A [`Calibrator`] keeps the
//! outcomes of the last periods and corrects predictions by Platt lines: one for all, and one for
//! each field (a placement, an objective), which is held to the common one as firmly as a field's
//! own clicks are few. A [`Monitor`] reads from a trailing window how far predictions can be
//! believed, and a pure state machine ([`Alarm`]) turns readings into alarms that do not flap.
//!
//! # Source
//! Platt, Advances in Large Margin Classifiers, 1999; He et al., Practical lessons from predicting
//! clicks on ads at Facebook, ADKDD 2014 (calibration as predicted over observed clicks).

use std::collections::{BTreeMap, VecDeque};

use crate::linear::Cholesky;
use crate::model::{logit, sigmoid};

/// Predictions are cut off here.
const MIN_PROBABILITY: f64 = 1e-6;
/// Standard deviation of a field's line around the common one: at the mean, and of the slope.
const FIELD_SD: [f64; 2] = [0.15, 0.10];
/// Standard deviation of the common line around "as predicted".
const COMMON_SD: [f64; 2] = [1.0, 0.25];
/// Slopes are cut off below: a line must not turn the order around.
const MIN_SLOPE: f64 = 0.05;
/// Steps of Newton's method; fewer than ten are needed.
const STEPS: usize = 40;
/// Bins of the expected calibration error, of equally many impressions.
const N_BINS: usize = 10;

/// How one prediction turned out.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// When, in the caller's periods; never before that of an outcome told earlier.
    pub period: u64,
    /// What shares a line, e.g. a placement and an objective.
    pub field: String,
    /// Predicted click probability, in (0, 1).
    pub predicted: f64,
    /// Times shown.
    pub impressions: u64,
    /// Times clicked; at most `impressions`.
    pub clicks: u64,
}

impl Outcome {
    /// Whether the numbers can be learned from.
    fn is_sound(&self) -> bool {
        self.predicted > 0.0
            && self.predicted < 1.0
            && self.clicks <= self.impressions
            && self.impressions > 0
    }
}

/// The last outcomes, oldest first.
#[derive(Debug, Clone, Default)]
struct Window {
    periods: u64,
    outcomes: VecDeque<Outcome>,
}

impl Window {
    fn push(&mut self, outcome: Outcome) -> bool {
        let newest = self.outcomes.back().map_or(0, |last| last.period);
        if !outcome.is_sound() || outcome.period < newest {
            return false;
        }
        self.outcomes.push_back(outcome);
        self.forget();
        true
    }

    fn forget(&mut self) {
        let newest = self.outcomes.back().map_or(0, |last| last.period);
        while self.outcomes.front().is_some_and(|first| first.period.saturating_add(self.periods) <= newest) {
            self.outcomes.pop_front();
        }
    }
}

/// Corrected log-odds = at the mean + slope · (log-odds − mean).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PlattLine {
    /// Log-odds in the middle of the window.
    pub mean: f64,
    /// Corrected log-odds there.
    pub at_mean: f64,
    /// How much of a difference in log-odds is left.
    pub slope: f64,
}

impl PlattLine {
    /// As predicted.
    pub const NONE: Self = Self { mean: 0.0, at_mean: 0.0, slope: 1.0 };

    fn apply(self, log_odds: f64) -> f64 {
        self.at_mean + self.slope * (log_odds - self.mean)
    }
}

/// A Platt line per field over a trailing window.
#[derive(Debug, Clone)]
pub struct Calibrator {
    window: Window,
    common: PlattLine,
    fields: BTreeMap<String, PlattLine>,
}

impl Calibrator {
    /// Remembers the outcomes of the newest `periods` periods (at least 1).
    #[must_use]
    pub fn new(periods: u64) -> Self {
        let window = Window { periods: periods.max(1), outcomes: VecDeque::new() };
        Self { window, common: PlattLine::NONE, fields: BTreeMap::new() }
    }

    /// Takes outcomes in and fits the lines again. Outcomes that cannot be, or are older than one
    /// taken in before, are left out; returns how many.
    pub fn observe(&mut self, outcomes: impl IntoIterator<Item = Outcome>) -> usize {
        let refused = outcomes.into_iter().filter(|outcome| !self.window.push(outcome.clone())).count();
        self.fit();
        refused
    }

    /// The click probability to expect where `predicted` was predicted; in (0, 1). As predicted
    /// before anything was observed.
    #[must_use]
    pub fn calibrated(&self, field: &str, predicted: f64) -> f64 {
        let predicted = predicted.clamp(MIN_PROBABILITY, 1.0 - MIN_PROBABILITY);
        let line = self.fields.get(field).unwrap_or(&self.common);
        sigmoid(line.apply(logit(predicted))).clamp(MIN_PROBABILITY, 1.0 - MIN_PROBABILITY)
    }

    /// The line of a field; the common one for a field that was never seen.
    #[must_use]
    pub fn line(&self, field: &str) -> PlattLine {
        *self.fields.get(field).unwrap_or(&self.common)
    }

    fn fit(&mut self) {
        self.fields.clear();
        let rows = |field: Option<&str>| -> Vec<[f64; 3]> {
            let of_field =
                self.window.outcomes.iter().filter(|row| field.is_none_or(|name| row.field == name));
            of_field
                .map(|row| {
                    let predicted = row.predicted.clamp(MIN_PROBABILITY, 1.0 - MIN_PROBABILITY);
                    [logit(predicted), row.impressions as f64, row.clicks as f64]
                })
                .collect()
        };
        let all = rows(None);
        let weight: f64 = all.iter().map(|[_, n, _]| n).sum();
        if all.is_empty() {
            self.common = PlattLine::NONE;
            return;
        }
        let mean = all.iter().map(|[x, n, _]| x * n).sum::<f64>() / weight;
        let as_predicted = PlattLine { mean, at_mean: mean, slope: 1.0 };
        self.common = fit_line(&all, as_predicted, COMMON_SD);
        let names: Vec<String> = self.window.outcomes.iter().map(|row| row.field.clone()).collect();
        for name in names {
            if !self.fields.contains_key(&name) {
                let line = fit_line(&rows(Some(&name)), self.common, FIELD_SD);
                self.fields.insert(name, line);
            }
        }
    }
}

/// Logistic regression of clicks on log-odds, with a normal prior around `around`, by Newton's
/// method; `around` where it does not converge.
fn fit_line(rows: &[[f64; 3]], around: PlattLine, sd: [f64; 2]) -> PlattLine {
    let precision = sd.map(|sd| 1.0 / (sd * sd));
    let (mut at_mean, mut slope) = (around.at_mean, around.slope);
    for _ in 0..STEPS {
        let (mut g0, mut g1) =
            (precision[0] * (around.at_mean - at_mean), precision[1] * (around.slope - slope));
        let (mut h00, mut h01, mut h11) = (precision[0], 0.0, precision[1]);
        for &[log_odds, n, k] in rows {
            let x = log_odds - around.mean;
            let p = sigmoid(at_mean + slope * x);
            let information = n * p * (1.0 - p);
            g0 += k - n * p;
            g1 += (k - n * p) * x;
            h00 += information;
            h01 += information * x;
            h11 += information * x * x;
        }
        let Some(factor) = Cholesky::factor(vec![h00, h01, h11], 2) else { return around };
        let step = factor.solve(&[g0, g1]);
        // A whole step may overshoot where rates are near 0; log-odds move by 2 at most.
        let scale = (2.0 / step[0].abs().max(step[1].abs())).min(1.0);
        at_mean += scale * step[0];
        slope += scale * step[1];
        if step[0].abs().max(step[1].abs()) < 1e-9 {
            break;
        }
    }
    if at_mean.is_finite() && slope.is_finite() {
        PlattLine { mean: around.mean, at_mean, slope: slope.max(MIN_SLOPE) }
    } else {
        around
    }
}

/// How far predictions could be believed over a window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Predicted clicks over observed clicks; 1 is right, more is too many promised.
    pub pcoc: f64,
    /// How many standard errors ln PCOC is away from 0.
    pub pcoc_z: f64,
    /// Expected calibration error over ten bins, divided by the click rate.
    pub relative_ece: f64,
    /// What `relative_ece` is expected to be from chance alone where predictions are right.
    pub chance_ece: f64,
    /// Impressions of the window.
    pub impressions: u64,
    /// Clicks of the window.
    pub clicks: u64,
}

/// Reads predictions against clicks; `None` without clicks.
fn read(rows: impl Iterator<Item = (f64, u64, u64)>) -> Option<Reading> {
    let mut rows: Vec<(f64, f64, f64)> = rows.map(|(p, n, k)| (p, n as f64, k as f64)).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let n_all: f64 = rows.iter().map(|row| row.1).sum();
    let clicks: f64 = rows.iter().map(|row| row.2).sum();
    if clicks <= 0.0 {
        return None;
    }
    let predicted: f64 = rows.iter().map(|(p, n, _)| p * n).sum();
    let mut bins = [[0.0_f64; 2]; N_BINS];
    let mut seen = 0.0;
    for &(p, n, k) in &rows {
        // A row lies in the bin of its middle.
        let bin = ((N_BINS as f64 * (seen + 0.5 * n) / n_all) as usize).min(N_BINS - 1);
        seen += n;
        bins[bin][0] += k - p * n;
        bins[bin][1] += n * p * (1.0 - p);
    }
    // The mean of |x| for a normal x is sd √(2/π).
    let chance: f64 = bins.iter().map(|bin| (bin[1] * 2.0 / std::f64::consts::PI).sqrt()).sum();
    let pcoc = predicted / clicks;
    Some(Reading {
        pcoc,
        pcoc_z: pcoc.ln() * predicted.min(clicks).sqrt(),
        relative_ece: bins.iter().map(|bin| bin[0].abs()).sum::<f64>() / clicks,
        chance_ece: chance / clicks,
        impressions: n_all as u64,
        clicks: clicks as u64,
    })
}

/// When a reading is out of bounds, and when it is back.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// |ln PCOC|, or relative ECE beyond chance, from which on a reading is out of bounds.
    pub raise: f64,
    /// The same below which a reading is back within bounds; less than `raise`.
    pub clear: f64,
    /// |z| of PCOC that a reading out of bounds must have too.
    pub min_z: f64,
    /// Readings out of bounds, one after the other, that raise the alarm.
    pub raise_after: u32,
    /// Readings within bounds, one after the other, that clear it.
    pub clear_after: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { raise: 0.10, clear: 0.05, min_z: 3.0, raise_after: 2, clear_after: 2 }
    }
}

/// Where a reading lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Out of bounds.
    Beyond,
    /// Neither: an alarm stays as it is.
    Between,
    /// Within bounds.
    Within,
}

/// What a step of the alarm changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It has been raised.
    Raised,
    /// It has been cleared.
    Cleared,
}

/// An alarm with hysteresis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// All is well; how many readings were out of bounds since the last that was not.
    Quiet(u32),
    /// Raised; how many readings were within bounds since the last that was not.
    Raised(u32),
}

impl Default for Alarm {
    fn default() -> Self {
        Self::Quiet(0)
    }
}

impl Alarm {
    /// Whether it is raised.
    #[must_use]
    pub const fn is_raised(self) -> bool {
        matches!(self, Self::Raised(_))
    }

    /// The alarm after one more reading.
    #[must_use]
    pub fn step(self, position: Position, bounds: &Bounds) -> (Self, Option<Change>) {
        match (self, position) {
            (Self::Quiet(n), Position::Beyond) if n + 1 >= bounds.raise_after => {
                (Self::Raised(0), Some(Change::Raised))
            }
            (Self::Quiet(n), Position::Beyond) => (Self::Quiet(n + 1), None),
            (Self::Quiet(_), _) => (Self::Quiet(0), None),
            (Self::Raised(n), Position::Within) if n + 1 >= bounds.clear_after => {
                (Self::Quiet(0), Some(Change::Cleared))
            }
            (Self::Raised(n), Position::Within) => (Self::Raised(n + 1), None),
            (Self::Raised(_), _) => (Self::Raised(0), None),
        }
    }
}

/// What a monitor says after a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Health {
    /// The window; `None` while it holds no click.
    pub reading: Option<Reading>,
    /// Whether promised and observed clicks have parted.
    pub pcoc_alarm: Alarm,
    /// Whether some predictions are too high while others are too low.
    pub ece_alarm: Alarm,
}

/// Watches one stream of predictions over a trailing window.
#[derive(Debug, Clone)]
pub struct Monitor {
    window: Window,
    bounds: Bounds,
    pcoc: Alarm,
    ece: Alarm,
}

impl Monitor {
    /// Watches the newest `periods` periods (at least 1).
    #[must_use]
    pub fn new(periods: u64, bounds: Bounds) -> Self {
        let window = Window { periods: periods.max(1), outcomes: VecDeque::new() };
        Self { window, bounds, pcoc: Alarm::default(), ece: Alarm::default() }
    }

    /// Takes the outcomes of a period in and reads the window once. Outcomes that cannot be, or are
    /// older than one taken in before, are left out.
    pub fn observe(&mut self, outcomes: impl IntoIterator<Item = Outcome>) -> Health {
        for outcome in outcomes {
            self.window.push(outcome);
        }
        let reading = self.reading();
        if let Some(reading) = &reading {
            self.pcoc = self.pcoc.step(self.pcoc_position(reading), &self.bounds).0;
            self.ece = self.ece.step(self.ece_position(reading), &self.bounds).0;
        }
        self.health()
    }

    /// The window and the alarms as they are.
    #[must_use]
    pub fn health(&self) -> Health {
        Health { reading: self.reading(), pcoc_alarm: self.pcoc, ece_alarm: self.ece }
    }

    /// The window as it is.
    #[must_use]
    pub fn reading(&self) -> Option<Reading> {
        read(self.window.outcomes.iter().map(|row| (row.predicted, row.impressions, row.clicks)))
    }

    fn pcoc_position(&self, reading: &Reading) -> Position {
        let distance = reading.pcoc.ln().abs();
        match () {
            () if distance > self.bounds.raise && reading.pcoc_z.abs() > self.bounds.min_z => {
                Position::Beyond
            }
            () if distance < self.bounds.clear => Position::Within,
            () => Position::Between,
        }
    }

    /// Beyond what chance explains and beyond what a common factor explains, of which PCOC tells.
    fn ece_position(&self, reading: &Reading) -> Position {
        let excess = reading.relative_ece - reading.chance_ece - (reading.pcoc - 1.0).abs();
        match () {
            () if excess > self.bounds.raise => Position::Beyond,
            () if excess < self.bounds.clear => Position::Within,
            () => Position::Between,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn alarms_change_only_after_enough_readings_in_a_row(readings in proptest::collection::vec(0_u8..3, 0..60)) {
            let bounds = Bounds { raise_after: 3, clear_after: 2, ..Bounds::default() };
            let mut alarm = Alarm::default();
            for (at, reading) in readings.iter().enumerate() {
                let position = [Position::Within, Position::Between, Position::Beyond][usize::from(*reading)];
                let (next, change) = alarm.step(position, &bounds);
                let last = |n: usize, wanted: u8| at + 1 >= n && readings[at + 1 - n..=at].iter().all(|r| *r == wanted);
                match change {
                    Some(Change::Raised) => prop_assert!(!alarm.is_raised() && next.is_raised() && last(3, 2)),
                    Some(Change::Cleared) => prop_assert!(alarm.is_raised() && !next.is_raised() && last(2, 0)),
                    None => prop_assert_eq!(alarm.is_raised(), next.is_raised()),
                }
                // And it does change then.
                prop_assert!(!last(3, 2) || next.is_raised());
                prop_assert!(!last(2, 0) || !next.is_raised());
                alarm = next;
            }
        }

        #[test]
        fn calibrated_predictions_stay_inside_and_in_order(
            rows in proptest::collection::vec((0_u64..5, 0_u8..3, 1e-9..1.0_f64, 0_u64..100_000, 0.0..=1.0_f64), 0..20),
            pair in (1e-9..1.0_f64, 1e-9..1.0_f64),
        ) {
            let mut rows = rows;
            rows.sort_by_key(|row| row.0);
            let mut calibrator = Calibrator::new(3);
            calibrator.observe(rows.into_iter().map(|(period, field, predicted, impressions, share)| Outcome {
                period,
                field: field.to_string(),
                predicted,
                impressions,
                clicks: (impressions as f64 * share) as u64,
            }));
            for field in ["0", "1", "2", "unseen"] {
                let [low, high] = [pair.0.min(pair.1), pair.0.max(pair.1)].map(|p| calibrator.calibrated(field, p));
                prop_assert!(0.0 < low && low <= high && high < 1.0, "{low} {high}");
            }
        }
    }

    #[test]
    fn impossible_and_late_outcomes_are_left_out() {
        let outcome = |period, predicted, impressions, clicks| Outcome {
            period,
            field: "feed".to_owned(),
            predicted,
            impressions,
            clicks,
        };
        let mut calibrator = Calibrator::new(4);
        let bad = [
            outcome(5, 0.01, 1_000, 10),
            outcome(5, f64::NAN, 1_000, 10),
            outcome(5, f64::INFINITY, 1_000, 10),
            outcome(5, 0.0, 1_000, 10),
            outcome(5, 0.01, 10, 11),
            outcome(5, 0.01, 0, 0),
            outcome(4, 0.01, 1_000, 10),
        ];
        assert_eq!(calibrator.observe(bad), 6);
        assert!((calibrator.calibrated("feed", 0.01) - 0.01).abs() < 1e-6);
        let mut monitor = Monitor::new(4, Bounds::default());
        assert_eq!(monitor.observe([outcome(1, 0.01, 100, 0)]).reading, None);
    }

    #[test]
    fn a_field_follows_its_own_clicks_as_far_as_it_has_some() {
        let outcomes = |field: &str, impressions, clicks| Outcome {
            period: 1,
            field: field.to_owned(),
            predicted: 0.02,
            impressions,
            clicks,
        };
        let mut calibrator = Calibrator::new(4);
        calibrator.observe([
            outcomes("feed", 1_000_000, 20_000),
            outcomes("stories", 200_000, 2_000),
            outcomes("new", 100, 1),
        ]);
        let [feed, stories, new, unseen] =
            ["feed", "stories", "new", "unseen"].map(|field| calibrator.calibrated(field, 0.02));
        assert!((feed - 0.02).abs() < 2e-4, "{feed}");
        assert!((stories - 0.01).abs() < 3e-4, "{stories}");
        assert!((new - unseen).abs() < 5e-4 && unseen > 0.017, "{new} {unseen}");
    }
}
