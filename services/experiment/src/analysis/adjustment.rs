//! How much a covariate from before the experiment takes off the uncertainty of an effect (CUPED).

use super::effect::{Difference, effect};
use super::moments::{Sums, common_slope};

/// Share of the variance of each variant's effect that the covariate took away: 1 − V_adjusted / V, at most
/// 1, and below 0 only by chance.
///
/// `plain` and `adjusted` are the sums of the arms without and with the covariate, the control first; `None`
/// where one of the two effects cannot be computed.
#[must_use]
pub fn variance_reductions(plain: &[Sums], adjusted: &[Sums], difference: Difference) -> Vec<Option<f64>> {
    let slope = common_slope(adjusted);
    let variance = |sums: &[Sums], arm: usize, slope: f64| {
        let (control, variant) = (sums.first()?.moments(slope).ok()?, sums.get(arm)?.moments(slope).ok()?);
        Some(effect(&control, &variant, difference).ok()?.variance)
    };
    let of = |arm: usize| {
        let (before, after) = (variance(plain, arm, 0.0)?, variance(adjusted, arm, slope)?);
        Some(1.0 - after / before).filter(|share| share.is_finite())
    };
    (1..plain.len()).map(of).collect()
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::random::Stream;

    use super::*;
    use crate::analysis::moments::{AdjustedRatioSums, RatioSums};

    #[test]
    fn a_covariate_that_foretells_most_takes_most_of_the_variance_away() {
        let mut plain = [RatioSums::default(); 2];
        let mut adjusted = [AdjustedRatioSums::default(); 2];
        for user in 0..4_000_u64 {
            let draws = Stream::new(5, "users").child(user);
            // Clicks of five views: a trait of the user that the covariate shows too, and noise.
            let trait_ = draws.normal(0);
            let (clicks, before) = (2.0 + trait_ + 0.5 * draws.normal(1), 10.0 + 4.0 * trait_);
            let arm = (user % 2) as usize;
            plain[arm].add(clicks, 5.0);
            adjusted[arm].add(clicks, 5.0, before);
        }
        let plain = plain.map(Sums::Ratio);
        let adjusted = adjusted.map(Sums::AdjustedRatio);
        let found = variance_reductions(&plain, &adjusted, Difference::Relative);
        // 1 of 1.25 parts of the variance are the trait's.
        let share = found[0].unwrap();
        assert!((0.75..0.85).contains(&share), "{share}");
        let none = variance_reductions(&plain, &plain, Difference::Relative);
        assert!(none[0].unwrap().abs() < 1e-12, "no covariate, no reduction");
    }
}
