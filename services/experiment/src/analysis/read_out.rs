//! One effect, told in three ways: fixed horizon, always valid, Bayesian.

use std::f64::consts::TAU;

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

use super::EffectInterval;
use super::effect::{Difference, Effect};
use crate::Error;
use crate::interval::{Counts, normal_quantile, wilson};

/// The read-out that is right at one size, chosen before the start.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct FixedHorizon {
    /// Two-sided interval at 1 − α.
    pub interval: EffectInterval,
    /// Two-sided p-value of Welch's t-test.
    pub p_value: f64,
}

/// The read-out that is right at every size at once.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AlwaysValid {
    /// Two-sided interval at 1 − α: with that probability, all intervals of a test hold the truth.
    pub interval: EffectInterval,
    /// A p-value that is valid whenever the test is stopped.
    pub p_value: f64,
}

/// What to believe after the test under a prior.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bayesian {
    /// Equal-tailed credible interval at 1 − α around the posterior mean.
    pub interval: EffectInterval,
    /// Probability that the effect is above 0.
    pub chance_to_win: f64,
    /// Expected loss, in the effect's unit before scaling, of staying with the control.
    pub risk_of_control: f64,
    /// Expected loss, in the effect's unit before scaling, of choosing the treatment.
    pub risk_of_treatment: f64,
}

/// A normal prior of the *relative* effect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Prior {
    /// Mean, a fraction.
    pub mean: f64,
    /// Variance, above 0.
    pub variance: f64,
}

/// Refuses an α outside (0, 1).
pub(super) fn check_alpha(alpha: f64) -> Result<(), Error> {
    if alpha > 0.0 && alpha < 1.0 { Ok(()) } else { Err(Error::Setting { name: "alpha", value: alpha }) }
}

/// Welch's t-test and its interval at 1 − `alpha`.
///
/// # Errors
/// [`Error::Setting`]: `alpha` outside (0, 1).
///
/// # Source
/// Welch, "The generalization of Student's problem", Biometrika 34 (1947).
pub fn fixed_horizon(effect: &Effect, alpha: f64) -> Result<FixedHorizon, Error> {
    check_alpha(alpha)?;
    let freedom = effect.degrees_of_freedom;
    let statistic = effect.estimate.abs() / effect.standard_error();
    let (quantile, p_value) = if freedom > ALMOST_NORMAL {
        (normal_quantile(1.0 - alpha / 2.0), 2.0 * Normal::standard().sf(statistic))
    } else {
        let student = StudentsT::new(0.0, 1.0, freedom)
            .map_err(|_| Error::Setting { name: "degrees of freedom", value: freedom })?;
        (student_quantile(&student, 1.0 - alpha / 2.0), 2.0 * student.sf(statistic))
    };
    let half = quantile * effect.standard_error();
    let interval = EffectInterval::around(effect.estimate, half).scaled(effect.scale);
    Ok(FixedHorizon { interval, p_value: p_value.min(1.0) })
}

/// Degrees of freedom from which on Student's t is the normal law to a relative 1e-9.
const ALMOST_NORMAL: f64 = 1e9;

/// The quantile of Student's t, polished by Newton steps: the library's ends its search early.
pub(super) fn student_quantile(student: &StudentsT, probability: f64) -> f64 {
    use statrs::distribution::Continuous;
    let mut at = student.inverse_cdf(probability);
    for _ in 0..3 {
        let density = student.pdf(at);
        if density > 0.0 {
            at += (student.sf(at) - (1.0 - probability)) / density;
        }
    }
    at
}

/// How many standard errors the always-valid interval reaches at `units` units in both arms.
///
/// √( 2(Nρ² + 1)/(Nρ²) · ln(√(Nρ² + 1)/α) ), which is narrowest near N = `tuning`.
#[must_use]
pub fn always_valid_width(units: f64, alpha: f64, tuning: f64) -> f64 {
    let grown = units * mixing(alpha, tuning);
    (2.0 * (grown + 1.0) / grown * ((grown + 1.0).sqrt() / alpha).ln()).sqrt()
}

/// ρ² = (−2 ln α + ln(1 − 2 ln α)) / t*.
fn mixing(alpha: f64, tuning: f64) -> f64 {
    (-2.0 * alpha.ln() + (1.0 - 2.0 * alpha.ln()).ln()) / tuning
}

/// The asymptotic confidence sequence at 1 − `alpha`, narrowest at `tuning` units in both arms.
///
/// The half-width is [`always_valid_width`] standard errors; p = √(Nρ² + 1)·exp(−ρ²Δ²N / (2V_N(Nρ² + 1)))
/// with V_N = N·V, at most 1. `tuning` is fixed before the start.
///
/// # Errors
/// [`Error::Setting`]: `alpha` outside (0, 1), or `tuning` not above 0.
///
/// # Source
/// Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic
/// confidence sequences", arXiv 2103.06476, eq. 9, 155 and 161.
pub fn always_valid(effect: &Effect, alpha: f64, tuning: f64) -> Result<AlwaysValid, Error> {
    check_alpha(alpha)?;
    if !(tuning.is_finite() && tuning > 0.0) {
        return Err(Error::Setting { name: "tuning", value: tuning });
    }
    let half = always_valid_width(effect.units, alpha, tuning) * effect.standard_error();
    let grown = effect.units * mixing(alpha, tuning);
    let statistic = effect.estimate * effect.estimate / effect.variance;
    let p_value = (grown + 1.0).sqrt() * (-grown * statistic / (2.0 * (grown + 1.0))).exp();
    let interval = EffectInterval::around(effect.estimate, half).scaled(effect.scale);
    Ok(AlwaysValid { interval, p_value: p_value.min(1.0) })
}

/// The posterior of the effect under a normal prior, or a flat one without it.
///
/// With V the effect's variance and N(μ0, τ²) the prior: precision 1/V + 1/τ², mean μ = (Δ/V +
/// μ0/τ²)/precision, σ² = 1/precision, chance to win Φ(μ/σ), risk of the control μΦ(μ/σ) + σφ(μ/σ), of the
/// treatment that less μ. The prior is of the relative effect; for absolute ones it is multiplied by the
/// control's mean.
///
/// # Errors
/// [`Error::Setting`]: `alpha` outside (0, 1), a prior that is not finite or of a variance not above 0.
///
/// # Source
/// Stucchio, "Bayesian A/B testing at VWO" (2015), for the losses; the conjugate normal update.
pub fn bayesian(effect: &Effect, alpha: f64, prior: Option<Prior>) -> Result<Bayesian, Error> {
    check_alpha(alpha)?;
    let (mut precision, mut weighted) = (1.0 / effect.variance, effect.estimate / effect.variance);
    if let Some(Prior { mean, variance }) = prior {
        if !(mean.is_finite() && variance.is_finite() && variance > 0.0) {
            return Err(Error::Setting { name: "prior variance", value: variance });
        }
        let unit =
            if matches!(effect.difference, Difference::Relative) { 1.0 } else { effect.baseline.abs() };
        let variance = variance * unit * unit;
        // A control at 0 says nothing of the size of an absolute effect: the prior stays flat.
        if variance > 0.0 {
            precision += 1.0 / variance;
            weighted += mean * unit / variance;
        }
    }
    let (mean, deviation) = (weighted / precision, precision.recip().sqrt());
    let ratio = mean / deviation;
    let chance_to_win = Normal::standard().cdf(ratio);
    let density = (-0.5 * ratio * ratio).exp() / TAU.sqrt();
    let risk_of_control = mean * chance_to_win + deviation * density;
    let half = normal_quantile(1.0 - alpha / 2.0) * deviation;
    Ok(Bayesian {
        interval: EffectInterval::around(mean, half).scaled(effect.scale),
        chance_to_win,
        risk_of_control: risk_of_control.max(0.0),
        risk_of_treatment: (risk_of_control - mean).max(0.0),
    })
}

/// Newcombe's hybrid score interval of the absolute difference of two proportions at 1 − `alpha`.
///
/// It holds where the normal approximation does not: with no success at all, or with nothing else. Fixed
/// horizon. `None` where an arm has no units.
///
/// # Errors
/// [`Error::Setting`]: `alpha` outside (0, 1).
///
/// # Source
/// Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
/// Medicine 17 (1998), method 10.
pub fn newcombe(control: Counts, treatment: Counts, alpha: f64) -> Result<Option<EffectInterval>, Error> {
    check_alpha(alpha)?;
    let (Some(a), Some(b)) = (control.rate(), treatment.rate()) else { return Ok(None) };
    let (of_a, of_b) = (wilson(control, 1.0 - alpha)?, wilson(treatment, 1.0 - alpha)?);
    let down = (b - of_b.low).hypot(of_a.high - a);
    let up = (of_b.high - b).hypot(a - of_a.low);
    Ok(Some(EffectInterval { low: b - a - down, estimate: b - a, high: b - a + up }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::analysis::effect::effect;
    use crate::analysis::moments::Moments;

    fn arm() -> impl Strategy<Value = Moments> {
        (2.0_f64..1e6, 0.01_f64..50.0, 1e-4_f64..400.0).prop_map(|(units, mean, variance)| {
            let units = units.floor();
            Moments { units, mean, variance, unadjusted_mean: mean }
        })
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-7 * a.abs().max(b.abs()).max(1e-9)
    }

    proptest! {
        #[test]
        fn exchanging_the_arms_mirrors_absolute_effects(a in arm(), b in arm(), alpha in 0.001_f64..0.3) {
            let there = effect(&a, &b, Difference::Absolute)?;
            let back = effect(&b, &a, Difference::Absolute)?;
            let (one, other) = (fixed_horizon(&there, alpha)?, fixed_horizon(&back, alpha)?);
            prop_assert!(close(one.interval.low, -other.interval.high) && close(one.p_value, other.p_value));
            let (one, other) = (always_valid(&there, alpha, 5e3)?, always_valid(&back, alpha, 5e3)?);
            prop_assert!(close(one.interval.low, -other.interval.high) && close(one.p_value, other.p_value));
            let (one, other) = (bayesian(&there, alpha, None)?, bayesian(&back, alpha, None)?);
            prop_assert!((one.chance_to_win + other.chance_to_win - 1.0).abs() < 1e-9);
            prop_assert!((one.risk_of_control - other.risk_of_treatment).abs() < 1e-7);
        }

        #[test]
        fn p_values_say_whether_zero_is_inside(a in arm(), b in arm(), alpha in 0.001_f64..0.3) {
            for difference in [Difference::Absolute, Difference::Relative] {
                let effect = effect(&a, &b, difference)?;
                let fixed = fixed_horizon(&effect, alpha)?;
                let always = always_valid(&effect, alpha, 5e3)?;
                if (fixed.p_value - alpha).abs() > 1e-9 {
                    prop_assert_eq!(fixed.interval.excludes_zero(), fixed.p_value < alpha);
                }
                if (always.p_value - alpha).abs() > 1e-9 {
                    prop_assert_eq!(always.interval.excludes_zero(), always.p_value < alpha);
                }
                // Validity at every look costs width, and never certainty at one.
                let normal = normal_quantile(1.0 - alpha / 2.0) * effect.standard_error();
                prop_assert!(always.interval.high - always.interval.estimate >= normal * (1.0 - 1e-9));
            }
        }

        #[test]
        fn a_prior_draws_toward_its_mean_and_narrows(a in arm(), b in arm(), mean in -0.5_f64..0.5) {
            let effect = effect(&a, &b, Difference::Relative)?;
            let flat = bayesian(&effect, 0.05, None)?;
            let drawn = bayesian(&effect, 0.05, Some(Prior { mean, variance: 0.04 }))?;
            let (low, high) = (flat.interval.estimate.min(mean), flat.interval.estimate.max(mean));
            prop_assert!(drawn.interval.estimate >= low - 1e-9 && drawn.interval.estimate <= high + 1e-9);
            let width = |own: EffectInterval| own.high - own.low;
            prop_assert!(width(drawn.interval) <= width(flat.interval) * (1.0 + 1e-9));
            prop_assert!(drawn.risk_of_control >= 0.0 && drawn.risk_of_treatment >= 0.0);
        }
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let arm = Moments { units: 100.0, mean: 1.0, variance: 1.0, unadjusted_mean: 1.0 };
        let effect = effect(&arm, &arm, Difference::Absolute).unwrap();
        for alpha in [0.0, 1.0, f64::NAN] {
            assert!(matches!(fixed_horizon(&effect, alpha), Err(Error::Setting { name: "alpha", .. })));
        }
        assert!(matches!(always_valid(&effect, 0.05, 0.0), Err(Error::Setting { name: "tuning", .. })));
        let prior = Some(Prior { mean: 0.0, variance: 0.0 });
        assert!(matches!(bayesian(&effect, 0.05, prior), Err(Error::Setting { .. })));
    }
}
