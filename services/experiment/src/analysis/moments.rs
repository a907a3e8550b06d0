//! Sums of an arm, and its mean and variance.

use serde::Serialize;

use super::Reason;
use crate::interval::Counts;

/// What an arm's units showed of one metric, as sums over units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sums {
    /// Each unit did it or did not: units and those that did.
    Proportion(Counts),
    /// A number per unit.
    Mean(MeanSums),
    /// A numerator and a denominator per unit, e.g. clicks and impressions of a user.
    Ratio(RatioSums),
    /// A number per unit and one from before the experiment that foretells it.
    Adjusted(AdjustedSums),
    /// A numerator and a denominator per unit, and a number from before the experiment that foretells them.
    AdjustedRatio(AdjustedRatioSums),
}

/// Sums of one number per unit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct MeanSums {
    /// Units.
    pub units: u64,
    /// Σ y.
    pub sum: f64,
    /// Σ y².
    pub squares: f64,
}

/// Sums of a numerator m and a denominator d per unit.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct RatioSums {
    /// Units.
    pub units: u64,
    /// Σ m.
    pub numerator: f64,
    /// Σ m².
    pub numerator_squares: f64,
    /// Σ d.
    pub denominator: f64,
    /// Σ d².
    pub denominator_squares: f64,
    /// Σ m·d.
    pub products: f64,
}

/// Sums of an outcome y and a covariate x per unit. The covariate was measured before the unit was
/// exposed, so that the arm cannot have changed it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AdjustedSums {
    /// Units.
    pub units: u64,
    /// Σ y.
    pub outcome: f64,
    /// Σ y².
    pub outcome_squares: f64,
    /// Σ x.
    pub covariate: f64,
    /// Σ x².
    pub covariate_squares: f64,
    /// Σ x·y.
    pub products: f64,
}

/// Sums of a numerator m, a denominator d and a covariate x per unit. The covariate was measured before the
/// unit was exposed, so that the arm cannot have changed it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AdjustedRatioSums {
    /// Sums of numerator and denominator.
    pub ratio: RatioSums,
    /// Σ x.
    pub covariate: f64,
    /// Σ x².
    pub covariate_squares: f64,
    /// Σ x·m.
    pub with_numerator: f64,
    /// Σ x·d.
    pub with_denominator: f64,
}

/// Mean and variance of an arm.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Moments {
    /// Units.
    pub units: f64,
    /// Mean per unit; of a ratio, the ratio of the sums; with a covariate, the adjusted mean.
    pub mean: f64,
    /// Variance of one unit's contribution to the mean, so that the mean's variance is this over `units`.
    pub variance: f64,
    /// The mean before the adjustment; otherwise the mean.
    pub unadjusted_mean: f64,
}

impl MeanSums {
    /// Adds one unit's number.
    pub fn add(&mut self, value: f64) {
        self.units += 1;
        self.sum += value;
        self.squares += value * value;
    }
}

impl RatioSums {
    /// Adds one unit's numerator and denominator.
    pub fn add(&mut self, numerator: f64, denominator: f64) {
        self.units += 1;
        self.numerator += numerator;
        self.numerator_squares += numerator * numerator;
        self.denominator += denominator;
        self.denominator_squares += denominator * denominator;
        self.products += numerator * denominator;
    }
}

impl AdjustedRatioSums {
    /// Adds one unit's numerator, denominator and covariate.
    pub fn add(&mut self, numerator: f64, denominator: f64, covariate: f64) {
        self.ratio.add(numerator, denominator);
        self.covariate += covariate;
        self.covariate_squares += covariate * covariate;
        self.with_numerator += covariate * numerator;
        self.with_denominator += covariate * denominator;
    }

    /// Variance of the covariate, and its covariance with the linearized ratio z = (m − R·d)/D̄, where R is
    /// the ratio of the sums: by the delta method, the ratio's own sampling error is the mean of z.
    fn foretold(&self) -> Result<(f64, f64), Reason> {
        let n = self.ratio.units as f64;
        let (numerator, denominator) = (self.ratio.numerator / n, self.ratio.denominator / n);
        if denominator == 0.0 {
            return Err(Reason::DenominatorZero);
        }
        let of_covariate = variance(n, self.covariate, self.covariate_squares)?;
        let with_numerator = covariance(n, self.covariate, self.ratio.numerator, self.with_numerator);
        let with_denominator = covariance(n, self.covariate, self.ratio.denominator, self.with_denominator);
        let shared = (with_numerator - numerator / denominator * with_denominator) / denominator;
        if shared.is_finite() { Ok((of_covariate, shared)) } else { Err(Reason::NotFinite) }
    }

    fn moments(&self, n: f64, slope: f64) -> Result<Moments, Reason> {
        let plain = self.ratio.moments(n)?;
        let (of_covariate, shared) = self.foretold()?;
        if shared * shared > plain.variance * of_covariate * (1.0 + 1e-6) + 1e-12 {
            return Err(Reason::Contradiction);
        }
        let mean = plain.mean - slope * self.covariate / n;
        let value = plain.variance + slope * slope * of_covariate - 2.0 * slope * shared;
        if !(mean.is_finite() && value.is_finite()) {
            return Err(Reason::NotFinite);
        }
        Ok(Moments { units: n, mean, variance: value.max(0.0), unadjusted_mean: plain.mean })
    }
}

impl AdjustedSums {
    /// Adds one unit's outcome and covariate.
    pub fn add(&mut self, outcome: f64, covariate: f64) {
        self.units += 1;
        self.outcome += outcome;
        self.outcome_squares += outcome * outcome;
        self.covariate += covariate;
        self.covariate_squares += covariate * covariate;
        self.products += outcome * covariate;
    }

    /// The sums of both.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        Self {
            units: self.units + other.units,
            outcome: self.outcome + other.outcome,
            outcome_squares: self.outcome_squares + other.outcome_squares,
            covariate: self.covariate + other.covariate,
            covariate_squares: self.covariate_squares + other.covariate_squares,
            products: self.products + other.products,
        }
    }
}

/// The slope θ = cov(x, y) / var(x) of all arms thrown together; 0 where the covariate does not vary.
///
/// One slope for all arms keeps the comparison unbiased: a slope per arm would let the outcome of an arm
/// move its own adjustment.
///
/// # Source
/// Deng, Xu, Kohavi and Walker, "Improving the sensitivity of online controlled experiments by utilizing
/// pre-experiment data", WSDM 2013, eq. 4.
#[must_use]
pub fn pooled_slope(arms: &[AdjustedSums]) -> f64 {
    let all = arms.iter().fold(AdjustedSums::default(), |sums, arm| sums.with(arm));
    let n = all.units as f64;
    let variance = covariance(n, all.covariate, all.covariate, all.covariate_squares);
    let shared = covariance(n, all.covariate, all.outcome, all.products);
    if variance > 0.0 && shared.is_finite() { shared / variance } else { 0.0 }
}

/// The slope of ratios: θ = Σ_a (n_a − 1)·cov_a(x, z) / Σ_a (n_a − 1)·var_a(x) over the arms a, with each
/// arm's own linearized ratio z = (m − R_a·d)/D̄_a; 0 where the covariate does not vary. Arms with fewer than
/// two units, or without denominators, are left out.
///
/// # Source
/// Deng, Knoblich and Lu, "Applying the delta method in metric analytics", KDD 2018, section 3.3, for the
/// linearized ratio; the slope is that of [`pooled_slope`], within the arms.
#[must_use]
pub fn pooled_ratio_slope(arms: &[AdjustedRatioSums]) -> f64 {
    let (mut of_covariate, mut shared) = (0.0, 0.0);
    for arm in arms.iter().filter(|arm| arm.ratio.units >= 2) {
        let Ok((variance, covariance)) = arm.foretold() else { continue };
        let freedom = arm.ratio.units as f64 - 1.0;
        of_covariate += freedom * variance;
        shared += freedom * covariance;
    }
    if of_covariate > 0.0 && shared.is_finite() { shared / of_covariate } else { 0.0 }
}

/// The common slope of arms that all have a covariate, of means or of ratios; 0 of other forms.
#[must_use]
pub fn common_slope(sums: &[Sums]) -> f64 {
    let (mut means, mut ratios) = (Vec::new(), Vec::new());
    for own in sums {
        match own {
            Sums::Adjusted(own) => means.push(*own),
            Sums::AdjustedRatio(own) => ratios.push(*own),
            Sums::Proportion(_) | Sums::Mean(_) | Sums::Ratio(_) => {}
        }
    }
    if ratios.is_empty() { pooled_slope(&means) } else { pooled_ratio_slope(&ratios) }
}

/// Sample covariance with n − 1, from sums.
fn covariance(n: f64, a: f64, b: f64, products: f64) -> f64 {
    (products - a * b / n) / (n - 1.0)
}

/// A variance from sums: rounding may leave one that is 0 a hair below it.
fn variance(n: f64, sum: f64, squares: f64) -> Result<f64, Reason> {
    let value = covariance(n, sum, sum, squares);
    let rounding = 1e-9 * (squares / (n - 1.0)).abs();
    if !value.is_finite() {
        Err(Reason::NotFinite)
    } else if value < -rounding {
        Err(Reason::Contradiction)
    } else {
        Ok(if value <= 1e-3 * rounding { 0.0 } else { value })
    }
}

impl Sums {
    /// Units.
    #[must_use]
    pub const fn units(&self) -> u64 {
        match self {
            Self::Proportion(counts) => counts.trials(),
            Self::Mean(sums) => sums.units,
            Self::Ratio(sums) => sums.units,
            Self::Adjusted(sums) => sums.units,
            Self::AdjustedRatio(sums) => sums.ratio.units,
        }
    }

    /// Mean and variance. `slope` is what [`common_slope`] gave for the arms; forms without a covariate do
    /// not use it.
    ///
    /// Proportion: m = x/n, v = m(1 − m). Mean: v = (Σy² − (Σy)²/n)/(n − 1). Ratio, by the delta method:
    /// m = ΣM/ΣD, v = v_M/D̄² − 2·cov·M̄/D̄³ + M̄²·v_D/D̄⁴. Adjusted: m = ȳ − θx̄,
    /// v = v_y + θ²v_x − 2θ·cov. Adjusted ratio: m = ΣM/ΣD − θx̄, and v with the ratio's v and its linearized
    /// covariance in the places of v_y and cov.
    ///
    /// # Errors
    /// [`Reason::TooFewUnits`], [`Reason::Contradiction`], [`Reason::NotFinite`],
    /// [`Reason::DenominatorZero`].
    ///
    /// # Source
    /// Deng, Knoblich and Lu, "Applying the delta method in metric analytics", KDD 2018; CUPED as at
    /// [`pooled_slope`].
    pub fn moments(&self, slope: f64) -> Result<Moments, Reason> {
        let n = self.units() as f64;
        if n < 2.0 {
            return Err(Reason::TooFewUnits);
        }
        match self {
            Self::Proportion(counts) => {
                let mean = counts.successes() as f64 / n;
                Ok(Moments { units: n, mean, variance: mean * (1.0 - mean), unadjusted_mean: mean })
            }
            Self::Mean(sums) => {
                let mean = sums.sum / n;
                let variance = variance(n, sums.sum, sums.squares)?;
                Ok(Moments { units: n, mean, variance, unadjusted_mean: mean })
            }
            Self::Ratio(sums) => sums.moments(n),
            Self::Adjusted(sums) => sums.moments(n, slope),
            Self::AdjustedRatio(sums) => sums.moments(n, slope),
        }
    }
}

impl RatioSums {
    fn moments(&self, n: f64) -> Result<Moments, Reason> {
        let (numerator, denominator) = (self.numerator / n, self.denominator / n);
        if denominator == 0.0 {
            return Err(Reason::DenominatorZero);
        }
        let of_numerator = variance(n, self.numerator, self.numerator_squares)?;
        let of_denominator = variance(n, self.denominator, self.denominator_squares)?;
        let shared = covariance(n, self.numerator, self.denominator, self.products);
        // |cov| ≤ √(v_M·v_D), by Cauchy and Schwarz.
        if shared * shared > of_numerator * of_denominator * (1.0 + 1e-6) + 1e-12 {
            return Err(Reason::Contradiction);
        }
        let squared = denominator * denominator;
        let value = of_numerator / squared - 2.0 * shared * numerator / (squared * denominator)
            + numerator * numerator * of_denominator / (squared * squared);
        let mean = numerator / denominator;
        if !(mean.is_finite() && value.is_finite()) {
            return Err(Reason::NotFinite);
        }
        Ok(Moments { units: n, mean, variance: value.max(0.0), unadjusted_mean: mean })
    }
}

impl AdjustedSums {
    fn moments(&self, n: f64, slope: f64) -> Result<Moments, Reason> {
        let of_outcome = variance(n, self.outcome, self.outcome_squares)?;
        let of_covariate = variance(n, self.covariate, self.covariate_squares)?;
        let shared = covariance(n, self.outcome, self.covariate, self.products);
        if shared * shared > of_outcome * of_covariate * (1.0 + 1e-6) + 1e-12 {
            return Err(Reason::Contradiction);
        }
        let unadjusted = self.outcome / n;
        let mean = unadjusted - slope * self.covariate / n;
        let value = of_outcome + slope * slope * of_covariate - 2.0 * slope * shared;
        if !(mean.is_finite() && value.is_finite()) {
            return Err(Reason::NotFinite);
        }
        Ok(Moments { units: n, mean, variance: value.max(0.0), unadjusted_mean: unadjusted })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sums_that_no_values_have_are_refused() {
        let sums = Sums::Mean(MeanSums { units: 10, sum: 100.0, squares: 10.0 });
        assert_eq!(sums.moments(0.0), Err(Reason::Contradiction));
        let one = Sums::Mean(MeanSums { units: 1, sum: 1.0, squares: 1.0 });
        assert_eq!(one.moments(0.0), Err(Reason::TooFewUnits));
        let endless = Sums::Mean(MeanSums { units: 3, sum: f64::INFINITY, squares: 1.0 });
        assert_eq!(endless.moments(0.0), Err(Reason::NotFinite));
        let empty = Sums::Ratio(RatioSums { units: 3, ..RatioSums::default() });
        assert_eq!(empty.moments(0.0), Err(Reason::DenominatorZero));
    }

    proptest! {
        #[test]
        fn a_ratio_over_ones_is_a_mean(values in prop::collection::vec(-50.0_f64..50.0, 2..60)) {
            let (mut mean, mut ratio) = (MeanSums::default(), RatioSums::default());
            for value in &values {
                mean.add(*value);
                ratio.add(*value, 1.0);
            }
            let (mean, ratio) = (Sums::Mean(mean).moments(0.0)?, Sums::Ratio(ratio).moments(0.0)?);
            prop_assert!((mean.mean - ratio.mean).abs() < 1e-9);
            prop_assert!((mean.variance - ratio.variance).abs() < 1e-7 * (1.0 + mean.variance));
        }

        #[test]
        fn an_adjusted_ratio_over_ones_is_an_adjusted_mean(
            pairs in prop::collection::vec((-50.0_f64..50.0, -5.0_f64..5.0), 3..60),
        ) {
            let (mut mean, mut ratio) = (AdjustedSums::default(), AdjustedRatioSums::default());
            for (outcome, covariate) in &pairs {
                mean.add(*outcome, *covariate);
                ratio.add(*outcome, 1.0, *covariate);
            }
            let (own, other) = (pooled_slope(&[mean]), pooled_ratio_slope(&[ratio]));
            prop_assert!((own - other).abs() < 1e-6 * (1.0 + own.abs()), "{own} {other}");
            let (mean, ratio) = (Sums::Adjusted(mean).moments(own)?, Sums::AdjustedRatio(ratio).moments(own)?);
            prop_assert!((mean.mean - ratio.mean).abs() < 1e-7 * (1.0 + mean.mean.abs()));
            prop_assert!((mean.variance - ratio.variance).abs() < 1e-6 * (1.0 + mean.variance));
        }

        #[test]
        fn an_adjustment_of_ratios_never_adds_variance(
            units in prop::collection::vec((0.0_f64..5.0, 1.0_f64..9.0, -5.0_f64..5.0), 3..60),
        ) {
            let (mut plain, mut adjusted) = (RatioSums::default(), AdjustedRatioSums::default());
            for (numerator, denominator, noise) in &units {
                plain.add(*numerator, *denominator);
                adjusted.add(*numerator, *denominator, numerator + noise);
            }
            let slope = pooled_ratio_slope(&[adjusted]);
            let before = Sums::Ratio(plain).moments(0.0)?;
            let after = Sums::AdjustedRatio(adjusted).moments(slope)?;
            prop_assert!(after.variance <= before.variance * (1.0 + 1e-9) + 1e-9, "{after:?} {before:?}");
            prop_assert!((after.unadjusted_mean - before.mean).abs() < 1e-12);
        }

        #[test]
        fn an_adjustment_never_adds_variance(
            pairs in prop::collection::vec((-50.0_f64..50.0, -5.0_f64..5.0), 3..60),
        ) {
            let (mut plain, mut adjusted) = (MeanSums::default(), AdjustedSums::default());
            for (outcome, noise) in &pairs {
                plain.add(*outcome);
                adjusted.add(*outcome, 0.5 * outcome + noise);
            }
            let slope = pooled_slope(&[adjusted]);
            let before = Sums::Mean(plain).moments(0.0)?.variance;
            let after = Sums::Adjusted(adjusted).moments(slope)?.variance;
            prop_assert!(after <= before * (1.0 + 1e-9) + 1e-9, "{after} {before}");
        }
    }
}
