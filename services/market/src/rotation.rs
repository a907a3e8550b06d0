//! Which creative is shown next: the traffic ladder first, then the allocation policy that earned most on
//! real tests (`scorer ladder`: curious Thompson), over the rest of the day.

use spotwright_core::ports::marketplace::RungResult;
use spotwright_experiment::interval::{BetaPosterior, Counts};
use spotwright_experiment::ladder::{self, Arm, Rung, Verdict};
use spotwright_experiment::policy::{self, Exposure, Horizon, Policy, Prior, State, allocate};
use spotwright_schemas::random::Stream;

use crate::traffic::TICKS;

/// Weight of the advertiser's prediction in the posterior of a creative, in impressions; measured
/// as a good value on real tests (600 pseudo-impressions de-noise their click rates).
const PRIOR_IMPRESSIONS: f64 = 600.0;
/// Weight of the predicted level against the campaign's own click rate, in impressions: levels
/// drift between campaigns, so the prediction is soon overruled.
const LEVEL_IMPRESSIONS: f64 = 300.0;
/// Weight of a predicted rate in the allocation, in impressions: the one with which the policy was chosen.
const ALLOCATION_IMPRESSIONS: f64 = 1_200.0;
/// The lowest rung whose impressions are not guaranteed: on it, and above, creatives compete.
const COMPETING: Rung = Rung::Fourth;

/// Rotation of a campaign's creatives.
#[derive(Debug, Clone)]
pub(crate) struct Rotation {
    entries: Vec<Entry>,
    ladder: ladder::Policy,
    /// Draws of the allocation's shares, and how often they were drawn.
    draws: Stream,
    drawn: u64,
    /// Where the day stands: ticks are batches.
    horizon: Horizon,
    /// Predicted click rate of the campaign's mean creative.
    predicted_level: f64,
    /// Running sums of the shares of the competing creatives; refreshed once per tick.
    competing: Vec<(usize, f64)>,
    /// Posterior mean of each creative; refreshed once per tick.
    rates: Vec<f64>,
    /// Creatives that somebody holds, bit i for creative i.
    held: u64,
}

#[derive(Debug, Clone)]
struct Entry {
    /// Predicted click rate relative to the campaign's mean.
    relative: f64,
    impressions: u64,
    clicks: u64,
    rung: Rung,
    holds: u32,
    /// Impressions at which the next decision is due; `None` on the open rung.
    due: Option<u64>,
    stopped: bool,
    history: Vec<RungResult>,
}

impl Rotation {
    /// Starts all creatives, given by their predicted click rates in (0, 1), on the first rung. `impressions`
    /// is how many the day is expected to bring, before any was seen.
    pub(crate) fn new(predicted: &[f64], ladder: ladder::Policy, draws: Stream, impressions: u64) -> Self {
        let mean = predicted.iter().sum::<f64>() / predicted.len() as f64;
        let entries = predicted
            .iter()
            .map(|rate| Entry {
                relative: rate / mean,
                impressions: 0,
                clicks: 0,
                rung: Rung::First,
                holds: 0,
                due: Rung::First.impressions(),
                stopped: false,
                history: Vec::new(),
            })
            .collect();
        let mut rotation = Self {
            entries,
            ladder,
            draws,
            drawn: 0,
            horizon: horizon(0, impressions / TICKS as u64, impressions),
            predicted_level: mean,
            competing: Vec::new(),
            rates: Vec::new(),
            held: 0,
        };
        rotation.refresh();
        rotation
    }

    /// Holds these creatives from now on, and no others. Whether that is a change.
    pub(crate) fn hold(&mut self, bits: u64) -> bool {
        let changes = self.held != bits;
        if changes {
            self.held = bits;
            self.refresh();
        }
        changes
    }

    /// Whether a creative may be shown.
    fn is_live(&self, idx: usize) -> bool {
        !self.entries[idx].stopped && (self.held >> idx) & 1 == 0
    }

    /// The creative for an opportunity whose uniform draw is `draw`; `None` where all are held.
    ///
    /// Creatives on guaranteed rungs come first, the one with the smallest part of its grant
    /// used; then the competing ones by their shares.
    pub(crate) fn next(&self, draw: f64) -> Option<usize> {
        let part = |entry: &Entry| entry.due.map_or(1.0, |due| entry.impressions as f64 / due as f64);
        let mut guaranteed: Option<(usize, f64)> = None;
        for (idx, entry) in self.entries.iter().enumerate() {
            if self.is_live(idx)
                && entry.rung < COMPETING
                && guaranteed.is_none_or(|(_, best)| part(entry) < best)
            {
                guaranteed = Some((idx, part(entry)));
            }
        }
        if let Some((idx, _)) = guaranteed {
            return Some(idx);
        }
        let live = |idx: &usize| self.is_live(*idx);
        self.competing
            .iter()
            .find(|(idx, sum)| draw < *sum && live(idx))
            .map(|(idx, _)| *idx)
            .or_else(|| (0..self.entries.len()).find(live))
    }

    /// The probability with which [`Rotation::next`] chooses `creative` now; 1 for a creative on a
    /// guaranteed rung, which only ever comes up by rule.
    pub(crate) fn propensity(&self, creative: usize) -> f64 {
        let guaranteed = |(idx, entry): (usize, &Entry)| self.is_live(idx) && entry.rung < COMPETING;
        if self.entries.iter().enumerate().any(guaranteed) {
            return 1.0;
        }
        let mut before = 0.0;
        for (idx, sum) in &self.competing {
            if *idx == creative {
                return (sum - before).clamp(f64::MIN_POSITIVE, 1.0);
            }
            before = *sum;
        }
        1.0
    }

    /// The present estimate of a creative's click rate, in (0, 1).
    pub(crate) fn rate(&self, creative: usize) -> f64 {
        self.rates[creative]
    }

    /// Notes an impression; decides when the creative's grant is used up.
    pub(crate) fn shown(&mut self, creative: usize, clicked: bool) {
        let entry = &mut self.entries[creative];
        entry.impressions += 1;
        entry.clicks += u64::from(clicked);
        if entry.due == Some(entry.impressions) {
            self.decide(creative);
        }
    }

    /// Ends a tick, of which as many impressions are expected in the next one and after it.
    pub(crate) fn end_tick(&mut self, next: usize, coming: u64, remaining: u64) {
        self.horizon = horizon(next, coming, remaining);
        self.refresh();
    }

    /// Impressions of all creatives so far.
    pub(crate) fn impressions(&self) -> u64 {
        self.entries.iter().map(|entry| entry.impressions).sum()
    }

    /// Estimates and shares follow what was learnt.
    fn refresh(&mut self) {
        let posteriors: Vec<BetaPosterior> =
            (0..self.entries.len()).map(|idx| self.arm(idx).posterior()).collect();
        self.rates = posteriors.iter().map(BetaPosterior::mean).collect();
        let competing: Vec<usize> = (0..self.entries.len())
            .filter(|idx| self.is_live(*idx) && self.entries[*idx].rung >= COMPETING)
            .collect();
        let shares = self.shares(&competing);
        let mut sum = 0.0;
        self.competing = competing
            .iter()
            .zip(shares)
            .map(|(idx, share)| {
                sum += share;
                (*idx, sum)
            })
            .collect();
    }

    /// The shares of the competing creatives, which add up to 1.
    fn shares(&mut self, competing: &[usize]) -> Vec<f64> {
        if competing.len() < 2 {
            return vec![1.0; competing.len()];
        }
        let arms: Vec<policy::Arm> = competing
            .iter()
            .map(|idx| {
                let entry = &self.entries[*idx];
                // Cannot panic: a click is only counted with its impression.
                let counts = Counts::new(entry.impressions, entry.clicks).expect("counts");
                policy::Arm { relative_rate: entry.relative, counts }
            })
            .collect();
        let prior = Prior {
            strength: ALLOCATION_IMPRESSIONS,
            level: self.predicted_level.clamp(1e-5, 0.5),
            level_impressions: LEVEL_IMPRESSIONS,
            exposure: Exposure::Relative,
        };
        let state = State { arms: &arms, prior, horizon: self.horizon };
        self.drawn += 1;
        let even = 1.0 / competing.len() as f64;
        allocate(Policy::curious_thompson(), &state, self.draws.child(self.drawn))
            .map_or_else(|_| vec![even; competing.len()], |allocation| allocation.propensities)
    }

    /// The ladder's story of a creative.
    pub(crate) fn into_histories(self) -> Vec<Vec<RungResult>> {
        self.entries.into_iter().map(|entry| entry.history).collect()
    }

    /// A creative with a prior of the campaign's own level times its predicted relative rate.
    fn arm(&self, idx: usize) -> Arm {
        let impressions: u64 = self.entries.iter().map(|entry| entry.impressions).sum();
        let clicks: u64 = self.entries.iter().map(|entry| entry.clicks).sum();
        let level = (clicks as f64 + LEVEL_IMPRESSIONS * self.predicted_level)
            / (impressions as f64 + LEVEL_IMPRESSIONS);
        let entry = &self.entries[idx];
        let rate = (level * entry.relative).clamp(1e-5, 0.5);
        // Cannot panic: the rate was clamped and the weight is a constant above 0.
        let prior = BetaPosterior::from_rate(rate, PRIOR_IMPRESSIONS).expect("a prior");
        // Cannot panic: a click is only counted with its impression.
        let counts = Counts::new(entry.impressions, entry.clicks).expect("counts");
        Arm { prior, counts }
    }

    fn decide(&mut self, idx: usize) {
        let peers: Vec<Arm> =
            (0..self.entries.len()).filter(|other| *other != idx).map(|other| self.arm(other)).collect();
        let arm = self.arm(idx);
        let rung = self.entries[idx].rung;
        let decision = ladder::decide(rung, self.entries[idx].holds, &arm, &peers, &self.ladder);
        let alone = self.entries.iter().filter(|entry| !entry.stopped).count() == 1;
        // A campaign always has something to show: its last creative is held instead of stopped.
        let verdict =
            if alone && decision.verdict == Verdict::Stop { Verdict::Hold } else { decision.verdict };
        let entry = &mut self.entries[idx];
        let grant = rung.impressions().unwrap_or(entry.impressions);
        entry.history.push(RungResult {
            rung: grant,
            impressions: entry.impressions,
            clicks: entry.clicks,
            probability: decision.probability,
            decision: match verdict {
                Verdict::Promote => "promoted",
                Verdict::Hold => "held",
                Verdict::Stop => "stopped",
            }
            .to_owned(),
        });
        match verdict {
            Verdict::Promote => {
                entry.rung = rung.next();
                entry.holds = 0;
                // Held creatives may have had more than the next rung grants: they are decided soon.
                entry.due = entry.rung.impressions().map(|due| due.max(entry.impressions + 1));
            }
            Verdict::Hold => {
                entry.holds += 1;
                entry.due = Some(entry.impressions + grant / 2);
            }
            Verdict::Stop => entry.stopped = true,
        }
        self.refresh();
    }
}

/// The day before tick `next`, in which `coming` impressions are expected and `remaining` after it.
fn horizon(next: usize, coming: u64, remaining: u64) -> Horizon {
    let batches = TICKS as u32;
    Horizon { batch: (next as u32).min(batches - 1), batches, impressions: coming.max(1), remaining }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creatives that have left the guaranteed rungs, by impressions and clicks.
    fn competing(seen: &[(u64, u64)]) -> Rotation {
        let mut rotation = Rotation::new(
            &vec![0.015; seen.len()],
            ladder::Policy::default(),
            Stream::new(1, "shares"),
            20_000,
        );
        for (entry, (impressions, clicks)) in rotation.entries.iter_mut().zip(seen) {
            (entry.impressions, entry.clicks, entry.rung, entry.due) =
                (*impressions, *clicks, Rung::Fourth, Some(5_000));
        }
        rotation
    }

    fn shares(rotation: &Rotation) -> Vec<f64> {
        (0..rotation.entries.len()).map(|idx| rotation.propensity(idx)).collect()
    }

    #[test]
    fn the_better_one_gets_more_the_longer_the_day_is_and_the_last_tick_is_the_bests() {
        let mut rotation = competing(&[(1_500, 15), (1_500, 22), (1_500, 18)]);
        rotation.end_tick(8, 200, 15_000);
        let early = shares(&rotation);
        assert!(early[1] > early[0] && early[1] > early[2] && early[1] < 1.0, "{early:?}");
        assert!((early.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        rotation.end_tick(TICKS - 1, 200, 0);
        let last = shares(&rotation);
        assert!((last[1] - 1.0).abs() < 1e-9, "nothing is left to learn for: {last:?}");
        for draw in [0.0, 0.3, 0.999] {
            assert_eq!(rotation.next(draw), Some(1));
        }
    }

    #[test]
    fn equal_states_have_equal_shares_and_a_held_one_has_none() {
        let play = || {
            let mut rotation = competing(&[(1_200, 14), (1_300, 16), (1_100, 13)]);
            rotation.end_tick(20, 150, 9_000);
            rotation
        };
        let (mut one, other) = (play(), play());
        assert_eq!(one.competing, other.competing);
        assert!(one.hold(0b10));
        assert!((0..100).all(|draw| one.next(f64::from(draw) / 100.0) != Some(1)));
    }
}
