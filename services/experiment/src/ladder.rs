//! The traffic ladder: how many impressions an advertisement has earned so far.
//!
//! Rungs grant 100, 300, 1,000 and 5,000 impressions in all, then an open number. When an
//! advertisement has used up its rung, [`decide`] compares it with the campaign's median rival.

use crate::interval::{BetaPosterior, Counts};

/// A step of the ladder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rung {
    /// 100 impressions in all.
    First,
    /// 300 impressions in all.
    Second,
    /// 1,000 impressions in all.
    Third,
    /// 5,000 impressions in all.
    Fourth,
    /// No limit.
    Open,
}

impl Rung {
    /// Every rung, lowest first.
    pub const ALL: [Self; 5] = [Self::First, Self::Second, Self::Third, Self::Fourth, Self::Open];

    /// Impressions granted in all; `None` where there is no limit.
    #[must_use]
    pub const fn impressions(self) -> Option<u64> {
        match self {
            Self::First => Some(100),
            Self::Second => Some(300),
            Self::Third => Some(1_000),
            Self::Fourth => Some(5_000),
            Self::Open => None,
        }
    }

    /// The next rung; the open one stays.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::Third,
            Self::Third => Self::Fourth,
            Self::Fourth | Self::Open => Self::Open,
        }
    }
}

/// An advertisement as the ladder sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arm {
    /// What was known before it was shown.
    pub prior: BetaPosterior,
    /// Impressions and clicks so far.
    pub counts: Counts,
}

impl Arm {
    /// What is known now.
    #[must_use]
    pub fn posterior(&self) -> BetaPosterior {
        self.prior.updated(self.counts)
    }
}

/// Thresholds on the probability of beating the median rival.
///
/// An advertisement is promoted at or above `promote`, stopped at or below `stop`, and held in
/// between: it keeps its rung and is decided again after half as many impressions more, and after
/// `max_holds` holds on one rung it is promoted or stopped, whichever threshold is nearer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Policy {
    /// Least probability for a promotion from rung 1, 2, 3 and 4.
    pub promote: [f64; 4],
    /// Largest probability that still stops on rung 1, 2, 3 and 4.
    pub stop: [f64; 4],
    /// Holds on one rung before a decision is forced.
    pub max_holds: u32,
}

impl Default for Policy {
    /// Lenient at first, strict later: at a click rate of 1.5 %, 100 impressions bring 1.5 clicks
    /// and tell next to nothing, 5,000 bring 75 and a standard error of 12 %. The thresholds are
    /// our choice, not fitted.
    fn default() -> Self {
        Self { promote: [0.15, 0.25, 0.35, 0.50], stop: [0.01, 0.03, 0.10, 0.25], max_holds: 2 }
    }
}

/// What to do with an advertisement that has used up its rung.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Grant the next rung.
    Promote,
    /// Stay on this rung for some more impressions.
    Hold,
    /// Show it no more.
    Stop,
}

/// A verdict and its reason.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// Probability that the advertisement beats the median rival, in [0, 1]; 1 without rivals.
    pub probability: f64,
    /// What to do.
    pub verdict: Verdict,
}

/// Decides about an advertisement that has used up `rung`, having been held there `holds` times.
///
/// `peers` are the campaign's other advertisements, stopped ones included. The median rival is
/// the one with the median posterior mean; of two in the middle, the better. An advertisement
/// without rivals is promoted. On the open rung nothing is decided: the verdict is promote.
#[must_use]
pub fn decide(rung: Rung, holds: u32, arm: &Arm, peers: &[Arm], policy: &Policy) -> Decision {
    let mut rivals: Vec<BetaPosterior> = peers.iter().map(Arm::posterior).collect();
    rivals.sort_by(|a, b| a.mean().total_cmp(&b.mean()));
    let Some(median) = rivals.get(rivals.len() / 2) else {
        return Decision { probability: 1.0, verdict: Verdict::Promote };
    };
    let probability = arm.posterior().probability_beats(median);
    let level = match rung {
        Rung::First => 0,
        Rung::Second => 1,
        Rung::Third => 2,
        Rung::Fourth => 3,
        Rung::Open => return Decision { probability, verdict: Verdict::Promote },
    };
    let (promote, stop) = (policy.promote[level], policy.stop[level]);
    let verdict = if probability >= promote {
        Verdict::Promote
    } else if probability <= stop {
        Verdict::Stop
    } else if holds < policy.max_holds {
        Verdict::Hold
    } else if promote - probability <= probability - stop {
        Verdict::Promote
    } else {
        Verdict::Stop
    };
    Decision { probability, verdict }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn arm(trials: u64, successes: u64) -> Arm {
        Arm {
            prior: BetaPosterior::from_rate(0.015, 600.0).unwrap(),
            counts: Counts::new(trials, successes).unwrap(),
        }
    }

    #[test]
    fn rungs_grow() {
        let grants: Vec<_> = Rung::ALL.iter().map(|rung| rung.impressions()).collect();
        assert_eq!(grants, [Some(100), Some(300), Some(1_000), Some(5_000), None]);
        assert_eq!(Rung::Fourth.next(), Rung::Open);
        assert_eq!(Rung::Open.next(), Rung::Open);
    }

    #[test]
    fn a_hundred_impressions_without_a_click_do_not_stop_an_advertisement() {
        let peers = [arm(100, 2), arm(100, 1), arm(100, 3)];
        let decision = decide(Rung::First, 0, &arm(100, 0), &peers, &Policy::default());
        assert_eq!(decision.verdict, Verdict::Promote, "{decision:?}");
    }

    #[test]
    fn half_the_click_rate_of_the_rivals_is_stopped_after_five_thousand() {
        let peers = [arm(5_000, 75), arm(5_000, 80), arm(5_000, 70)];
        let decision = decide(Rung::Fourth, 0, &arm(5_000, 37), &peers, &Policy::default());
        assert_eq!(decision.verdict, Verdict::Stop, "{decision:?}");
        let better = decide(Rung::Fourth, 0, &arm(5_000, 100), &peers, &Policy::default());
        assert_eq!(better.verdict, Verdict::Promote, "{better:?}");
    }

    #[test]
    fn without_rivals_an_advertisement_climbs() {
        let decision = decide(Rung::Third, 0, &arm(1_000, 0), &[], &Policy::default());
        assert_eq!(decision, Decision { probability: 1.0, verdict: Verdict::Promote });
    }

    proptest! {
        #[test]
        fn holding_ends(k in 0_u64..100, rival in 0_u64..100, rung in 0_usize..4) {
            let policy = Policy::default();
            let decision = decide(Rung::ALL[rung], policy.max_holds, &arm(5_000, k), &[arm(5_000, rival)], &policy);
            prop_assert!(decision.verdict != Verdict::Hold);
        }

        #[test]
        fn more_clicks_never_lower_the_probability(k in 0_u64..40, rivals in prop::collection::vec(0_u64..40, 1..6)) {
            let peers: Vec<Arm> = rivals.iter().map(|r| arm(1_000, *r)).collect();
            let policy = Policy::default();
            let less = decide(Rung::Third, 0, &arm(1_000, k), &peers, &policy).probability;
            let more = decide(Rung::Third, 0, &arm(1_000, k + 1), &peers, &policy).probability;
            prop_assert!((0.0..=1.0).contains(&less));
            prop_assert!(more >= less - 1e-9);
        }
    }
}
