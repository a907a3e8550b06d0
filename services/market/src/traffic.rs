//! Who comes by, and when: ticks of the market's clock, segments and users.

use spotwright_schemas::random::Stream;

use crate::audience::activity;
use crate::audience::card::Card;

/// Ticks in the 24 logical hours of one generation.
pub(crate) const TICKS: usize = 96;
/// Hours of one tick.
pub(crate) const TICK_HOURS: f64 = 24.0 / TICKS as f64;
/// Users of the simulated feed: one for every two opportunities, within these bounds.
const USERS: std::ops::RangeInclusive<u64> = 500..=200_000;
/// How unevenly users come by: user rank ∝ uniform^HEAVY, so that the heaviest tenth of a segment
/// makes a quarter of its traffic. Assumed.
const HEAVY: f64 = 1.6;

/// One generation's traffic.
#[derive(Debug, Clone)]
pub(crate) struct Traffic {
    /// Hours since the market opened at which the generation begins.
    start_hour: f64,
    /// First opportunity of every tick, and the number of opportunities at the end.
    bounds: Vec<u64>,
    /// Running sums of the segments' shares, by tick.
    segments: Vec<Vec<f64>>,
    /// First user of every segment, and the number of users at the end.
    users: Vec<usize>,
    draws: Stream,
}

impl Traffic {
    /// The traffic of `generation` (from 1) with this many opportunities.
    pub(crate) fn new(card: &Card, seed: u64, generation: u32, opportunities: u64) -> Self {
        let start_hour = 24.0 * (f64::from(generation) - 1.0);
        let activities: Vec<Vec<f64>> =
            (0..TICKS).map(|tick| activity(card, start_hour + (tick as f64 + 0.5) * TICK_HOURS)).collect();
        let volume: f64 = activities.iter().flatten().sum();
        let mut bounds = vec![0];
        let mut sum = 0.0;
        for tick in &activities {
            sum += tick.iter().sum::<f64>();
            bounds.push(((opportunities as f64 * sum / volume).round() as u64).min(opportunities));
        }
        bounds[TICKS] = opportunities;
        let running = |weights: &[f64]| {
            let total: f64 = weights.iter().sum();
            let mut sum = 0.0;
            weights
                .iter()
                .map(|weight| {
                    sum += weight;
                    sum / total
                })
                .collect::<Vec<f64>>()
        };
        let shares: Vec<f64> = card.segments.iter().map(|segment| segment.share).collect();
        let mut users = vec![0];
        let total = (opportunities / 2).clamp(*USERS.start(), *USERS.end()) as f64;
        users.extend(running(&shares).iter().map(|share| (share * total).round() as usize));
        Self {
            start_hour,
            bounds,
            segments: activities.iter().map(|tick| running(tick)).collect(),
            users,
            draws: Stream::new(seed, "traffic").child(u64::from(generation)),
        }
    }

    /// Number of users, at least 500.
    pub(crate) fn users(&self) -> usize {
        self.users[self.users.len() - 1]
    }

    /// The opportunities of a tick.
    pub(crate) fn opportunities(&self, tick: usize) -> std::ops::Range<u64> {
        self.bounds[tick]..self.bounds[tick + 1]
    }

    /// The market's hour at the middle of a tick.
    pub(crate) fn hour(&self, tick: usize) -> f64 {
        self.start_hour + (tick as f64 + 0.5) * TICK_HOURS
    }

    /// The share of the traffic from this tick on that falls into it; in [0, 1].
    pub(crate) fn share_of_rest(&self, tick: usize) -> f64 {
        let rest = self.bounds[TICKS] - self.bounds[tick];
        let own = self.bounds[tick + 1] - self.bounds[tick];
        if rest == 0 { 1.0 } else { own as f64 / rest as f64 }
    }

    /// Segment and user of an opportunity.
    pub(crate) fn visitor(&self, tick: usize, opportunity: u64) -> (usize, usize) {
        let draws = self.draws.child(opportunity);
        let running = &self.segments[tick];
        let at = draws.uniform(0);
        let segment = running.iter().position(|sum| at < *sum).unwrap_or(running.len() - 1);
        let (first, end) = (self.users[segment], self.users[segment + 1]);
        let rank = (draws.uniform(1).powf(HEAVY) * (end - first) as f64) as usize;
        (segment, (first + rank).min(end - 1))
    }

    /// Uniform draw that decides how far the page is scrolled.
    pub(crate) fn scroll(&self, opportunity: u64) -> f64 {
        self.draws.child(opportunity).uniform(2)
    }
}

/// Every user's log-odds of a click above their segment's, by user.
pub(crate) fn user_effects(card: &Card, seed: u64, users: usize) -> Vec<f64> {
    let draws = Stream::new(seed, "users");
    (0..users as u64).map(|user| card.user_spread * draws.normal(user)).collect()
}
