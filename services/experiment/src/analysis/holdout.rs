//! Lift over no advertising at all, by a holdout with ghost ads.
//!
//! Before the auction a share of users is held out. Where such a user would have been shown the
//! advertisement, nothing is shown and a *ghost exposure* is logged. Comparing exposed users with ghost
//! users compares like with like; comparing exposed users with all who were held out does not.

use serde::Serialize;

use super::effect::{Difference, effect};
use super::mismatch::ALARM_BELOW;
use super::moments::{Sums, common_slope};
use super::read_out::{AlwaysValid, FixedHorizon, always_valid, fixed_horizon};
use super::{EffectInterval, Reason};
use crate::Error;
use crate::interval::Counts;

/// What was counted on both sides of a holdout.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Holdout {
    /// Users that could be shown the advertisement, and those that were exposed.
    pub advertised: Counts,
    /// Users held out, and those with a ghost exposure.
    pub held_out: Counts,
    /// Outcomes of exposed users.
    pub exposed_outcomes: Sums,
    /// Outcomes of ghost-exposed users.
    pub ghost_outcomes: Sums,
    /// Spend on the advertised side, in units of the currency.
    pub spend: f64,
}

/// What advertising added.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lift {
    /// Outcome per exposed user that would not have been there, fixed horizon.
    pub per_exposed_user: FixedHorizon,
    /// The same, valid at any time.
    pub per_exposed_user_always_valid: AlwaysValid,
    /// The lift as a fraction of the ghosts' outcome; `None` where that is 0.
    pub relative: Option<FixedHorizon>,
    /// Outcomes added in all: the effect times the exposed users.
    pub added: EffectInterval,
    /// Spend per added outcome; `None` unless the whole always-valid interval is above 0.
    pub cost_per_added: Option<f64>,
    /// Probability of shares of exposure this different, were the ghosts logged as exposures are.
    pub exposure_p_value: Option<f64>,
    /// Whether the ghosts were logged otherwise than exposures, so that the lift cannot be trusted.
    pub exposure_alarm: bool,
}

/// The lift of a holdout.
///
/// # Errors
/// The outer one for settings; the inner [`Reason`] where the outcomes cannot be compared.
///
/// # Source
/// Johnson, Lewis and Nubbemeyer, "Ghost ads: improving the economics of measuring online ad
/// effectiveness", Journal of Marketing Research 54 (2017).
pub fn lift(holdout: &Holdout, alpha: f64, tuning: f64) -> Result<Result<Lift, Reason>, Error> {
    let slope = common_slope(&[holdout.ghost_outcomes, holdout.exposed_outcomes]);
    let moments = holdout.ghost_outcomes.moments(slope).and_then(|ghosts| {
        let exposed = holdout.exposed_outcomes.moments(slope)?;
        Ok((ghosts, exposed, effect(&ghosts, &exposed, Difference::Absolute)?))
    });
    let (ghosts, exposed, absolute) = match moments {
        Ok(found) => found,
        Err(reason) => return Ok(Err(reason)),
    };
    let relative = match effect(&ghosts, &exposed, Difference::Relative) {
        Ok(relative) => Some(fixed_horizon(&relative, alpha)?),
        Err(_) => None,
    };
    let fixed = fixed_horizon(&absolute, alpha)?;
    let always = always_valid(&absolute, alpha, tuning)?;
    let added = always.interval.scaled(exposed.units);
    let cost_per_added = (added.low > 0.0).then(|| holdout.spend / added.estimate);
    let exposure_p_value = exposure_p_value(holdout, alpha)?;
    Ok(Ok(Lift {
        per_exposed_user: fixed,
        per_exposed_user_always_valid: always,
        relative,
        added,
        cost_per_added,
        exposure_p_value,
        exposure_alarm: exposure_p_value.is_some_and(|p| p < ALARM_BELOW),
    }))
}

fn exposure_p_value(holdout: &Holdout, alpha: f64) -> Result<Option<f64>, Error> {
    let sides =
        (Sums::Proportion(holdout.held_out).moments(0.0), Sums::Proportion(holdout.advertised).moments(0.0));
    let (Ok(ghosts), Ok(exposed)) = sides else { return Ok(None) };
    match effect(&ghosts, &exposed, Difference::Absolute) {
        Ok(shares) => Ok(Some(fixed_horizon(&shares, alpha)?.p_value)),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holdout(ghosts: u64) -> Holdout {
        Holdout {
            advertised: Counts::new(900_000, 300_000).unwrap(),
            held_out: Counts::new(100_000, ghosts).unwrap(),
            exposed_outcomes: Sums::Proportion(Counts::new(300_000, 6_600).unwrap()),
            ghost_outcomes: Sums::Proportion(Counts::new(ghosts, ghosts / 50).unwrap()),
            spend: 12_000.0,
        }
    }

    #[test]
    fn lift_counts_what_the_ghosts_did_without_the_advertisement() {
        let lift = lift(&holdout(33_400), 0.05, 50_000.0).unwrap().unwrap();
        assert!((lift.per_exposed_user.interval.estimate - 0.002).abs() < 1e-9, "{lift:?}");
        assert!((lift.added.estimate - 600.0).abs() < 1e-6);
        assert!((lift.relative.unwrap().interval.estimate - 0.1).abs() < 1e-9);
        assert!(!lift.exposure_alarm);
    }

    #[test]
    fn ghosts_that_are_not_logged_as_exposures_are_raise_an_alarm() {
        let lift = lift(&holdout(30_000), 0.05, 50_000.0).unwrap().unwrap();
        assert!(lift.exposure_alarm, "{:?}", lift.exposure_p_value);
        let none =
            Holdout { ghost_outcomes: Sums::Proportion(Counts::new(100, 0).unwrap()), ..holdout(33_400) };
        assert_eq!(super::lift(&none, 0.05, 1e4).unwrap(), Err(Reason::NoVariation));
    }
}
