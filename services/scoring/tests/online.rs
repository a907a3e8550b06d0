//! A stream whose click rate falls by a third: predictions that follow it, and alarms about those
//! that do not.

use spotwright_schemas::random::Stream;
use spotwright_scoring::online::{Bounds, Calibrator, Health, Monitor, Outcome};

/// Weeks of the stream; the first 20 are even, then the click rate falls by a third over 60.
const WEEKS: u64 = 100;
const FIELDS: [(&str, f64); 2] = [("simulated_feed/clicks", 1.0), ("meta_reels/clicks", 0.8)];

/// Click rate in a week, as a multiple of the first week's.
fn level(week: u64) -> f64 {
    1.0 - (week.saturating_sub(20).min(60) as f64 / 60.0) / 3.0
}

/// What a static model predicts of each advertisement of a week, and what happens: the model knows
/// the advertisements and the first weeks' level, nothing of fields or the fall.
fn week_of(week: u64, seed: u64) -> Vec<Outcome> {
    let draws = Stream::new(seed, "weeks").child(week);
    (0..300)
        .map(|number| {
            let (field, factor) = FIELDS[number as usize % 2];
            let predicted = 0.0165 * (0.3 * draws.child(0).normal(number)).exp();
            let true_rate = predicted * factor * level(week);
            let impressions = 3_000;
            // A binomial count by its normal approximation: means here are about 40.
            let (mean, variance) =
                (impressions as f64 * true_rate, impressions as f64 * true_rate * (1.0 - true_rate));
            let clicks = (mean + variance.sqrt() * draws.child(1).normal(number)).round().max(0.0) as u64;
            Outcome { period: week, field: field.to_owned(), predicted, impressions, clicks }
        })
        .collect()
}

struct Week {
    number: u64,
    fixed: Health,
    following: Health,
}

fn play(seed: u64) -> Vec<Week> {
    let mut calibrator = Calibrator::new(2);
    let [mut fixed, mut following] = [0; 2].map(|_| Monitor::new(8, Bounds::default()));
    (0..WEEKS)
        .map(|number| {
            let outcomes = week_of(number, seed);
            // Each week is predicted before its clicks are known.
            let calibrated: Vec<Outcome> = outcomes
                .iter()
                .map(|row| Outcome {
                    predicted: calibrator.calibrated(&row.field, row.predicted),
                    ..row.clone()
                })
                .collect();
            assert_eq!(calibrator.observe(outcomes.iter().cloned()), 0);
            Week { number, fixed: fixed.observe(outcomes), following: following.observe(calibrated) }
        })
        .collect()
}

#[test]
fn predictions_follow_a_click_rate_that_falls_by_a_third() {
    for seed in 0..5 {
        let weeks = play(seed);
        // The first weeks teach the level of the fields; the window is rid of them after ten.
        for week in &weeks[10..] {
            let reading = week.following.reading.expect("there are clicks");
            assert!((0.97..=1.03).contains(&reading.pcoc), "seed {seed}, week {}: {reading:?}", week.number);
            assert!(
                reading.relative_ece <= reading.chance_ece + 0.03,
                "seed {seed}, week {}: {reading:?}",
                week.number
            );
            assert!(!week.following.pcoc_alarm.is_raised() && !week.following.ece_alarm.is_raised());
        }
    }
}

#[test]
fn the_alarm_of_a_model_that_stands_still_rises_once_and_stays() {
    for seed in 0..5 {
        let weeks = play(seed);
        // The second field's clicks are a fifth fewer than predicted: one in ten of all, from the start.
        let raised: Vec<bool> = weeks.iter().map(|week| week.fixed.pcoc_alarm.is_raised()).collect();
        let changes = raised.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert!(raised[WEEKS as usize - 1] && changes <= 1, "seed {seed}: {raised:?}");
        let last = weeks[WEEKS as usize - 1].fixed.reading.expect("there are clicks");
        assert!((1.5..1.85).contains(&last.pcoc), "seed {seed}: {last:?}");
    }
}

#[test]
fn an_alarm_is_cleared_when_predictions_are_right_again() {
    let mut monitor = Monitor::new(2, Bounds::default());
    let outcome = |period, predicted| Outcome {
        period,
        field: "feed".to_owned(),
        predicted,
        impressions: 100_000,
        clicks: 1_000,
    };
    let mut raised = Vec::new();
    for (week, predicted) in [0.01, 0.0125, 0.0125, 0.0125, 0.0115, 0.01, 0.01, 0.01].into_iter().enumerate()
    {
        raised.push(monitor.observe([outcome(week as u64, predicted)]).pcoc_alarm.is_raised());
    }
    // Two readings out of bounds raise it; the one in between holds it; two within clear it.
    assert_eq!(raised, [false, false, true, true, true, true, true, false]);
}
