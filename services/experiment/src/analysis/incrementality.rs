//! What each arm of an experiment added over no advertising at all, by a holdout with ghost ads.
//!
//! Users are divided before the auction; one of the cells is held out. Its users take part in the auction as
//! ghosts: where an arm would have been seen, the user is counted and nothing is shown. Comparing exposed
//! users with ghosts compares users who would have been exposed in either cell, so the difference of their
//! outcomes is what the advertisement did to those whom it would reach (the intent-to-treat effect on the
//! would-have-been-exposed), and does not depend on which outcomes anybody attributes to clicks.

use serde::Serialize;
use spotwright_schemas::Language;

use super::effect::{Difference, effect};
use super::moments::{MeanSums, Sums};
use super::multiplicity::benjamini_hochberg;
use super::read_out::{AlwaysValid, always_valid, check_alpha};
use super::report::Minimum;
use super::{EffectInterval, Reason};
use crate::Error;

/// What exposed users of an arm did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Exposed {
    /// Outcomes of each user, with or without a click.
    pub outcomes: MeanSums,
    /// Outcomes that are attributed to a click.
    pub attributed: u64,
    /// What the arm cost, in any unit.
    pub spend: f64,
}

impl Exposed {
    /// Both together.
    fn with(&self, other: &Self) -> Self {
        Self {
            outcomes: MeanSums {
                units: self.outcomes.units + other.outcomes.units,
                sum: self.outcomes.sum + other.outcomes.sum,
                squares: self.outcomes.squares + other.outcomes.squares,
            },
            attributed: self.attributed + other.attributed,
            spend: self.spend + other.spend,
        }
    }
}

/// What an arm added.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Increment {
    /// The arm; `None` for all together.
    pub arm: Option<String>,
    /// Exposed users.
    pub units: u64,
    /// Their outcomes.
    pub outcomes: f64,
    /// Outcomes that are attributed to a click.
    pub attributed: u64,
    /// Outcomes of a user more than among ghosts, always valid.
    pub difference: Option<AlwaysValid>,
    /// The same as a fraction of the ghosts'.
    pub relative: Option<AlwaysValid>,
    /// p of the difference, corrected for all arms by Benjamini and Hochberg; of all together, as it is.
    pub adjusted_p_value: Option<f64>,
    /// Outcomes that would not have been there: the difference times the exposed users.
    pub added: Option<EffectInterval>,
    /// Spend for each of them; `None` unless the whole interval is above 0.
    pub cost_per_added: Option<f64>,
    /// Whether both sides have the units and outcomes from which on the read-out keeps its promise.
    pub has_burned_in: bool,
    /// Why nothing is known.
    pub unavailable: Option<Reason>,
}

/// What all arms together, and then each, added over the ghosts.
///
/// # Errors
/// [`Error::Empty`]: no arm. [`Error::Setting`]: `alpha` outside (0, 1), or `tuning` not above 0.
///
/// # Source
/// Johnson, Lewis and Nubbemeyer, "Ghost ads: improving the economics of measuring online ad effectiveness",
/// Journal of Marketing Research 54 (2017).
pub fn increments(
    ghosts: &MeanSums,
    arms: &[(String, Exposed)],
    alpha: f64,
    tuning: f64,
) -> Result<Vec<Increment>, Error> {
    check_alpha(alpha)?;
    if arms.is_empty() {
        return Err(Error::Empty);
    }
    let all = arms.iter().fold(Exposed::default(), |sum, (_, own)| sum.with(own));
    let mut rows = vec![increment(None, ghosts, &all, alpha, tuning)?];
    for (name, own) in arms {
        rows.push(increment(Some(name.clone()), ghosts, own, alpha, tuning)?);
    }
    // An arm that is not known yet is one more that could have been found: it counts with p = 1.
    let p_value = |row: &Increment| row.difference.map(|read| read.p_value);
    let p_values: Vec<f64> = rows[1..].iter().map(|row| p_value(row).unwrap_or(1.0)).collect();
    let adjusted = benjamini_hochberg(&p_values)?;
    for (row, adjusted) in rows[1..].iter_mut().zip(adjusted) {
        row.adjusted_p_value = row.difference.map(|_| adjusted);
    }
    rows[0].adjusted_p_value = p_value(&rows[0]);
    Ok(rows)
}

fn increment(
    arm: Option<String>,
    ghosts: &MeanSums,
    own: &Exposed,
    alpha: f64,
    tuning: f64,
) -> Result<Increment, Error> {
    let minimum = Minimum::default();
    let is_enough = |sums: &MeanSums| sums.units >= minimum.units && sums.sum >= minimum.successes as f64;
    let mut row = Increment {
        arm,
        units: own.outcomes.units,
        outcomes: own.outcomes.sum,
        attributed: own.attributed,
        difference: None,
        relative: None,
        adjusted_p_value: None,
        added: None,
        cost_per_added: None,
        has_burned_in: is_enough(ghosts) && is_enough(&own.outcomes),
        unavailable: None,
    };
    let moments = Sums::Mean(*ghosts)
        .moments(0.0)
        .and_then(|ghosts| Ok((ghosts, Sums::Mean(own.outcomes).moments(0.0)?)));
    let found = moments.and_then(|(ghosts, exposed)| {
        Ok((ghosts, exposed, effect(&ghosts, &exposed, Difference::Absolute)?))
    });
    let (ghosts, exposed, absolute) = match found {
        Ok(found) => found,
        Err(reason) => {
            row.unavailable = Some(reason);
            return Ok(row);
        }
    };
    let difference = always_valid(&absolute, alpha, tuning)?;
    let added = difference.interval.scaled(exposed.units);
    row.difference = Some(difference);
    row.cost_per_added = (added.low > 0.0).then(|| own.spend / added.estimate);
    row.added = Some(added);
    if let Ok(relative) = effect(&ghosts, &exposed, Difference::Relative) {
        row.relative = Some(always_valid(&relative, alpha, tuning)?);
    }
    Ok(row)
}

/// The lift of all arms together in plain words.
#[must_use]
pub fn sentence(rows: &[Increment], alpha: f64, language: Language) -> String {
    let is_chinese = language == Language::Chinese;
    let said = |chinese: String, english: String| if is_chinese { chinese } else { english };
    let level = ((1.0 - alpha) * 1e4).round() / 1e2;
    let Some(all) = rows.first() else { return String::new() };
    let (Some(added), true) = (all.added, all.has_burned_in) else {
        return said(
            "对照人群（本会看到广告但未投放）的转化还太少，暂时说不出广告带来了多少新增转化。".to_owned(),
            "Too few conversions so far among users who would have been exposed and were shown nothing: what the \
             advertisements added is not known yet."
                .to_owned(),
        );
    };
    let (low, estimate, high) = (added.low, added.estimate, added.high);
    let lift = all.relative.map_or_else(String::new, |read| {
        let percent = |value: f64| format!("{:+.1}%", value * 100.0);
        let own = read.interval;
        said(
            format!("（提升 {}，区间 {} 至 {}）", percent(own.estimate), percent(own.low), percent(own.high)),
            format!(" (lift {}, {} to {})", percent(own.estimate), percent(own.low), percent(own.high)),
        )
    });
    let attributed = all.attributed;
    if low > 0.0 {
        return said(
            format!(
                "与本会看到广告但未投放的人群相比，广告带来约 {estimate:.0} 次新增转化，{level}% 随时有效区间 \
                 {low:.0} 至 {high:.0}{lift}；按点击归因的转化为 {attributed} 次。"
            ),
            format!(
                "Against users who would have been exposed and were shown nothing, the advertisements added about \
                 {estimate:.0} conversions, {level}% always-valid interval {low:.0} to {high:.0}{lift}; {attributed} \
                 are attributed to clicks."
            ),
        );
    }
    if high < 0.0 {
        return said(
            format!(
                "看到广告的人群转化更少：相差约 {estimate:.0} 次，{level}% 随时有效区间 {low:.0} 至 {high:.0}{lift}。"
            ),
            format!(
                "Exposed users converted less than those who were shown nothing: by about {estimate:.0} conversions, \
                 {level}% always-valid interval {low:.0} to {high:.0}{lift}."
            ),
        );
    }
    said(
        format!(
            "尚不能确定广告带来了新增转化：估计 {estimate:.0} 次，{level}% 随时有效区间 {low:.0} 至 \
             {high:.0}{lift}；按点击归因的转化为 {attributed} 次。"
        ),
        format!(
            "Not known yet whether the advertisements added conversions: {estimate:.0}, {level}% always-valid interval \
             {low:.0} to {high:.0}{lift}; {attributed} are attributed to clicks."
        ),
    )
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::random::Stream;

    use super::*;

    const TUNING: f64 = 5_000.0;

    /// Users of whom `share` have one outcome.
    fn users(units: u64, share: f64, stream: Stream) -> MeanSums {
        let mut sums = MeanSums::default();
        for user in 0..units {
            sums.add(f64::from(u8::from(stream.uniform(user) < share)));
        }
        sums
    }

    fn exposed(outcomes: MeanSums) -> Exposed {
        Exposed { attributed: (outcomes.sum / 2.0) as u64, spend: 1_000.0, outcomes }
    }

    #[test]
    fn what_was_added_is_the_difference_from_ghosts_whatever_clicks_are_attributed() {
        let sums =
            |units: u64, outcomes: u64| MeanSums { units, sum: outcomes as f64, squares: outcomes as f64 };
        let arms =
            [("A".to_owned(), exposed(sums(20_000, 600))), ("B".to_owned(), exposed(sums(20_000, 400)))];
        let rows = increments(&sums(10_000, 200), &arms, 0.05, TUNING).unwrap();
        assert_eq!(
            rows.iter().map(|row| row.arm.as_deref()).collect::<Vec<_>>(),
            [None, Some("A"), Some("B")]
        );
        // All: 1,000 of 40,000 against 2 %; A: 3 % against 2 %; B is like the ghosts.
        let added: Vec<f64> = rows.iter().map(|row| row.added.unwrap().estimate).collect();
        assert!((added[0] - 200.0).abs() < 1e-6 && (added[1] - 200.0).abs() < 1e-6 && added[2].abs() < 1e-6);
        assert!((rows[1].relative.unwrap().interval.estimate - 0.5).abs() < 1e-9);
        assert!(rows[1].adjusted_p_value.unwrap() < 0.05 && rows[2].adjusted_p_value.unwrap() > 0.5);
        assert!((rows[1].cost_per_added.unwrap() - 5.0).abs() < 1e-9 && rows[2].cost_per_added.is_none());
        for (language, word) in
            [(Language::English, "added about 200"), (Language::Chinese, "约 200 次新增转化")]
        {
            let said = sentence(&rows[1..], 0.05, language);
            assert!(said.contains(word), "{said}");
        }
        assert!(sentence(&rows[2..], 0.05, Language::English).starts_with("Not known yet whether"));
    }

    #[test]
    fn ghosts_without_outcomes_say_why_nothing_is_known() {
        let none = MeanSums { units: 500, sum: 0.0, squares: 0.0 };
        let arms = [("A".to_owned(), exposed(users(500, 0.1, Stream::new(1, "a"))))];
        let rows = increments(&none, &arms, 0.05, TUNING).unwrap();
        assert!(rows.iter().all(|row| row.unavailable == Some(Reason::NoVariation) && !row.has_burned_in));
        assert!(sentence(&rows, 0.05, Language::Chinese).contains("太少"));
        assert!(increments(&none, &[], 0.05, TUNING).is_err());
        assert!(increments(&none, &arms, 1.0, TUNING).is_err());
    }

    /// Looked at after each of 14 days, intervals of all days hold the true lift in 95 % of the tests at
    /// least.
    #[test]
    fn intervals_hold_the_true_lift_at_every_look() {
        let (tests, mut missed) = (400, 0);
        for test in 0..tests {
            let (mut ghosts, mut arm) = (MeanSums::default(), MeanSums::default());
            let stream = Stream::new(71, "holdout").child(test);
            let mut is_missed = false;
            for day in 0..14 {
                for (sums, share, of) in [(&mut ghosts, 0.05, 0), (&mut arm, 0.06, 1)] {
                    let own = users(100, share, stream.child(2 * day + of));
                    sums.units += own.units;
                    sums.sum += own.sum;
                    sums.squares += own.squares;
                }
                let rows = increments(&ghosts, &[("A".to_owned(), exposed(arm))], 0.05, TUNING).unwrap();
                let Some(read) = rows[0].difference.filter(|_| rows[0].has_burned_in) else { continue };
                is_missed |= read.interval.low > 0.01 || read.interval.high < 0.01;
            }
            missed += u32::from(is_missed);
        }
        assert!(f64::from(missed) <= 0.05 * tests as f64, "{missed}");
    }
}
