//! Counts of which only sums over days are known, as the reports of advertising platforms are.
//!
//! Nobody says which clicks are of the same person, or how the rate moves from day to day, so that counts
//! vary more than draws of single impressions would. How much more is seen between the days of an arm: the
//! *design effect*, by which impressions and clicks are divided before they are compared as if each
//! impression were a draw.

use super::moments::{MeanSums, Sums};

/// What one advertisement of an arm did in one window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cluster {
    /// Trials, e.g. impressions.
    pub trials: u64,
    /// Successes, e.g. clicks; parts of one are possible.
    pub successes: f64,
}

/// Trials and successes of an arm, with the clusters that they came in.
fn totals(clusters: &[Cluster]) -> (f64, f64) {
    clusters
        .iter()
        .fold((0.0, 0.0), |(trials, successes), own| (trials + own.trials as f64, successes + own.successes))
}

/// The design effect of all arms together, at least 1: how many times the variance between clusters is that
/// of single draws.
///
/// With n_i trials and x_i successes in cluster i of an arm, p = Σx/Σn and m clusters, the variance of p
/// between the clusters is m/(m − 1)·Σ(x_i − p·n_i)²/(Σn)², and that of single draws p(1 − p)/Σn; their
/// ratios are averaged over the arms, each with its m − 1 degrees of freedom as weight. 1 where no arm has
/// two clusters with trials.
///
/// # Source
/// Rao and Scott, "A simple method for the analysis of clustered binary data", Biometrics 48 (1992).
#[must_use]
pub fn design_effect(arms: &[Vec<Cluster>]) -> f64 {
    let (mut sum, mut freedom) = (0.0, 0.0);
    for clusters in arms {
        let seen: Vec<Cluster> = clusters.iter().copied().filter(|own| own.trials > 0).collect();
        let (trials, successes) = totals(&seen);
        let rate = successes / trials;
        if seen.len() < 2 || rate.is_nan() || rate <= 0.0 || rate >= 1.0 {
            continue;
        }
        let m = seen.len() as f64;
        let residuals: f64 = seen.iter().map(|own| (own.successes - rate * own.trials as f64).powi(2)).sum();
        let between = m / (m - 1.0) * residuals / (trials * trials);
        sum += (m - 1.0) * between / (rate * (1.0 - rate) / trials);
        freedom += m - 1.0;
    }
    if freedom > 0.0 { (sum / freedom).max(1.0) } else { 1.0 }
}

/// An arm's sums with its trials and successes divided by the design effect; the rate stays what it is.
#[must_use]
pub fn effective(clusters: &[Cluster], design_effect: f64) -> Sums {
    let (trials, successes) = totals(clusters);
    let units = (trials / design_effect).floor();
    let sum = if trials > 0.0 { successes / trials * units } else { 0.0 };
    // Each unit is a draw of 0 or 1, so its square is itself.
    Sums::Mean(MeanSums { units: units as u64, sum, squares: sum })
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::random::Stream;

    use super::*;
    use crate::analysis::effect::{Difference, effect};
    use crate::analysis::read_out::{always_valid, fixed_horizon};

    /// Days of an arm whose rate moves from day to day by a factor of spread `spread`.
    fn days(count: u64, rate: f64, spread: f64, stream: Stream) -> Vec<Cluster> {
        let day = |day: u64| {
            let draws = stream.child(day);
            let own = (rate * (spread * draws.normal(0) - spread * spread / 2.0).exp()).min(0.9);
            let trials = 800 + draws.below(1, 800) as u64;
            // Sums of many draws, by the normal law: what is tested is what days do.
            let mean = own * trials as f64;
            let successes = (mean + (mean * (1.0 - own)).sqrt() * draws.normal(4)).round();
            Cluster { trials, successes: successes.clamp(0.0, trials as f64) }
        };
        (0..count).map(day).collect()
    }

    #[test]
    fn single_draws_have_no_design_effect_and_moving_rates_have_one() {
        let steady = design_effect(&[
            days(60, 0.02, 0.0, Stream::new(1, "a")),
            days(60, 0.02, 0.0, Stream::new(2, "a")),
        ]);
        assert!((1.0..1.35).contains(&steady), "{steady}");
        let moving = design_effect(&[
            days(60, 0.02, 0.5, Stream::new(1, "a")),
            days(60, 0.02, 0.5, Stream::new(2, "a")),
        ]);
        assert!(moving > 4.0, "{moving}");
        assert!((design_effect(&[vec![], vec![Cluster { trials: 0, successes: 0.0 }]]) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_rate_stays_and_the_variance_grows_by_the_design_effect() {
        let clusters =
            [Cluster { trials: 10_000, successes: 150.5 }, Cluster { trials: 30_000, successes: 300.0 }];
        let plain = effective(&clusters, 1.0).moments(0.0).unwrap();
        let wide = effective(&clusters, 4.0).moments(0.0).unwrap();
        assert!((plain.mean - 450.5 / 40_000.0).abs() < 1e-12 && (wide.mean - plain.mean).abs() < 1e-12);
        let ratio = wide.variance / wide.units / (plain.variance / plain.units);
        assert!((ratio - 4.0).abs() < 0.01, "{ratio}");
    }

    /// Equal arms whose rates move from day to day, each by itself, read every day from the seventh on.
    #[test]
    fn equal_arms_of_aggregates_differ_in_at_most_five_percent_with_a_look_every_day() {
        let (tests, mut always, mut naive) = (2_000_u64, 0, 0);
        for test in 0..tests {
            let arm = |of: u64| days(14, 0.02, 0.3, Stream::new(61, "aggregates").child(2 * test + of));
            let (a, b) = (arm(0), arm(1));
            let (mut is_found, mut is_naive) = (false, false);
            for day in 7..=14 {
                let arms = [a[..day].to_vec(), b[..day].to_vec()];
                let of = |by: f64| {
                    let moments = |own: &[Cluster]| effective(own, by).moments(0.0).unwrap();
                    effect(&moments(&arms[0]), &moments(&arms[1]), Difference::Relative).unwrap()
                };
                is_found |=
                    always_valid(&of(design_effect(&arms)), 0.05, 5_000.0).unwrap().interval.excludes_zero();
                is_naive |= fixed_horizon(&of(1.0), 0.05).unwrap().interval.excludes_zero();
            }
            always += u32::from(is_found);
            naive += u32::from(is_naive);
        }
        let share = |count: u32| f64::from(count) / tests as f64;
        println!(
            "aggregates, {tests} tests: always valid {:.4}, single draws peeked {:.4}",
            share(always),
            share(naive)
        );
        assert!(share(always) <= 0.05, "{}", share(always));
        assert!(share(naive) > 0.2, "the test can fail: {}", share(naive));
    }
}
