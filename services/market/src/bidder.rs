//! The campaign's bidder: a value per click, paced so that spend follows traffic.

use spotwright_schemas::brief::Objective;

/// Share of the opportunities the first bid aims at; pacing takes over from there.
const FIRST_SHARE: f64 = 0.25;
/// Bounds of the pacing multiplier.
const PACE: std::ops::RangeInclusive<f64> = 0.02..=50.0;
/// Clicks after which a segment's own conversion rate counts as much as the common one.
const CONVERSION_PSEUDO_CLICKS: f64 = 50.0;

/// The pacing multiplier after a period in which `spent` was spent of `desired`.
///
/// A power of ¼ of the ratio, at most a quarter up or a fifth down, damps the noise of one period.
pub(crate) fn paced(pace: f64, desired: f64, spent: f64) -> f64 {
    let step = if spent > 0.0 {
        (desired / spent).powf(0.25)
    } else if desired > 0.0 {
        1.25
    } else {
        1.0
    };
    pace * step.clamp(0.8, 1.25)
}

/// Bids of one campaign.
#[derive(Debug, Clone)]
pub(crate) struct Bidder {
    budget: i64,
    spent: i64,
    /// Micros per click before pacing.
    value: f64,
    pace: f64,
    /// Expected spend of the present tick, in micros: price × predicted rate of each impression.
    /// It is used for pacing because clicks are too rare to steer by.
    expected: f64,
    budget_at_tick: i64,
    objective: Objective,
    /// Clicks and conversions by segment.
    segments: Vec<[f64; 2]>,
}

impl Bidder {
    /// A bidder that means to spend `budget` micros on `opportunities` with a click rate of
    /// about `rate`.
    pub(crate) fn new(
        budget: i64,
        opportunities: u64,
        rate: f64,
        objective: Objective,
        segments: usize,
    ) -> Self {
        let clicks = opportunities as f64 * FIRST_SHARE * rate;
        Self {
            budget,
            spent: 0,
            value: budget as f64 / clicks.max(1e-9),
            pace: 1.0,
            expected: 0.0,
            budget_at_tick: budget,
            objective,
            segments: vec![[0.0; 2]; segments],
        }
    }

    /// The most to pay for a click in `segment`, in micros; never more than what is left.
    pub(crate) fn bid(&self, segment: usize) -> i64 {
        let bid = self.value * self.pace * self.segment_value(segment);
        (bid as i64).min(self.budget - self.spent)
    }

    /// Spent so far, in micros.
    pub(crate) const fn spent(&self) -> i64 {
        self.spent
    }

    /// Notes an impression whose click would cost `price` and comes with probability `rate`.
    pub(crate) fn shown(&mut self, price: i64, rate: f64) {
        self.expected += price as f64 * rate;
    }

    /// Pays for a click; `price` is at most the bid of the same opportunity.
    pub(crate) fn clicked(&mut self, segment: usize, price: i64) {
        debug_assert!(price <= self.budget - self.spent, "a click costs at most the bid");
        self.spent += price;
        self.segments[segment][0] += 1.0;
    }

    /// Notes a conversion.
    pub(crate) fn converted(&mut self, segment: usize) {
        self.segments[segment][1] += 1.0;
    }

    /// Ends a tick that held `share_of_rest` of the traffic still to come at its beginning.
    pub(crate) fn end_tick(&mut self, share_of_rest: f64) {
        let desired = self.budget_at_tick as f64 * share_of_rest;
        self.pace = paced(self.pace, desired, self.expected).clamp(*PACE.start(), *PACE.end());
        self.expected = 0.0;
        self.budget_at_tick = self.budget - self.spent;
    }

    /// A click's value in a segment relative to the mean: for conversions, its conversion rate
    /// drawn toward the common one; for clicks, 1.
    fn segment_value(&self, segment: usize) -> f64 {
        if self.objective.is_click() {
            return 1.0;
        }
        let clicks: f64 = self.segments.iter().map(|counts| counts[0]).sum();
        let conversions: f64 = self.segments.iter().map(|counts| counts[1]).sum();
        if conversions == 0.0 {
            return 1.0;
        }
        let common = conversions / clicks;
        let [own_clicks, own_conversions] = self.segments[segment];
        let rate =
            (own_conversions + CONVERSION_PSEUDO_CLICKS * common) / (own_clicks + CONVERSION_PSEUDO_CLICKS);
        rate / common
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bidder_that_pays_its_bids_never_overspends(
            budget in 1_i64..1_000_000_000,
            clicks in prop::collection::vec((0_usize..5, 0.0_f64..0.2), 1..300),
        ) {
            let mut bidder = Bidder::new(budget, 1_000, 0.02, Objective::Conversions, 5);
            let mut paid = 0;
            for (segment, share) in clicks {
                let bid = bidder.bid(segment);
                prop_assert!(bid >= 0 && paid + bid <= budget);
                bidder.clicked(segment, bid);
                bidder.converted(segment);
                paid += bid;
                bidder.end_tick(share);
            }
        }

        #[test]
        fn pace_moves_toward_the_plan(desired in 1.0_f64..1e6, spent in 1.0_f64..1e6) {
            let next = paced(1.0, desired, spent);
            prop_assert!((0.8..=1.25).contains(&next));
            prop_assert_eq!(next > 1.0, desired > spent);
        }
    }
}
