//! The difference of two arms, and its variance.

use serde::Serialize;

use super::Reason;
use super::moments::Moments;

/// How a difference is expressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// (m_B − m_A) / m_A, a fraction.
    #[default]
    Relative,
    /// m_B − m_A, in the metric's unit.
    Absolute,
    /// The absolute difference times what B would have had per day with all traffic: n_B / share / days.
    Scaled {
        /// Share of all traffic that went to B, in (0, 1].
        traffic_share: f64,
        /// Days the test ran, above 0.
        days: f64,
    },
}

/// A difference of a treatment B from a control A.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Effect {
    /// The difference, before scaling.
    pub estimate: f64,
    /// Variance of the estimate, above 0.
    pub variance: f64,
    /// Degrees of freedom by Welch and Satterthwaite.
    pub degrees_of_freedom: f64,
    /// Units of both arms.
    pub units: f64,
    /// The control's unadjusted mean.
    pub baseline: f64,
    /// How the estimate is expressed.
    pub difference: Difference,
    /// What results are multiplied by; 1 unless scaled.
    pub scale: f64,
}

/// The effect of `treatment` against `control`.
///
/// Absolute: Δ = m_B − m_A, V = v_B/n_B + v_A/n_A. Relative, by the delta method, with u the unadjusted
/// means: Δ = (m_B − m_A)/u_A, V = v_B/(u_A²·n_B) + v_A·u_B²/(u_A⁴·n_A).
///
/// # Errors
/// [`Reason::NoVariation`]: an arm's variance is 0. [`Reason::BaselineZero`]: a relative effect of a
/// control at 0. [`Reason::NotFinite`].
///
/// # Source
/// Delta method as in [`super::moments`]; degrees of freedom of Welch, Biometrika 34 (1947).
pub fn effect(control: &Moments, treatment: &Moments, difference: Difference) -> Result<Effect, Reason> {
    if matches!(difference, Difference::Relative) && control.unadjusted_mean == 0.0 {
        return Err(Reason::BaselineZero);
    }
    if control.variance <= 0.0 || treatment.variance <= 0.0 {
        return Err(Reason::NoVariation);
    }
    let (of_a, of_b) = (control.variance / control.units, treatment.variance / treatment.units);
    let total = of_a + of_b;
    let degrees_of_freedom =
        total * total / (of_a * of_a / (control.units - 1.0) + of_b * of_b / (treatment.units - 1.0));
    let apart = treatment.mean - control.mean;
    let base = control.unadjusted_mean;
    let (estimate, variance) = match difference {
        Difference::Relative => {
            let squared = base * base;
            let other = treatment.unadjusted_mean * treatment.unadjusted_mean;
            (apart / base, of_b / squared + of_a * other / (squared * squared))
        }
        Difference::Absolute | Difference::Scaled { .. } => (apart, total),
    };
    let scale = match difference {
        Difference::Scaled { traffic_share, days } => treatment.units / traffic_share / days,
        Difference::Relative | Difference::Absolute => 1.0,
    };
    let known = [estimate, variance, degrees_of_freedom, scale].into_iter().all(f64::is_finite);
    if !known || scale <= 0.0 {
        return Err(Reason::NotFinite);
    }
    if variance <= 0.0 {
        return Err(Reason::NoVariation);
    }
    Ok(Effect {
        estimate,
        variance,
        degrees_of_freedom,
        units: control.units + treatment.units,
        baseline: base,
        difference,
        scale,
    })
}

impl Effect {
    /// Standard error of the estimate, before scaling.
    #[must_use]
    pub fn standard_error(&self) -> f64 {
        self.variance.sqrt()
    }
}
