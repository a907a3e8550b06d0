//! Which creative is shown next: the traffic ladder first, then what the posteriors say.

use spotwright_core::ports::marketplace::RungResult;
use spotwright_experiment::bandit::{self, Policy};
use spotwright_experiment::interval::{BetaPosterior, Counts};
use spotwright_experiment::ladder::{self, Arm, Rung, Verdict};

/// Weight of the advertiser's prediction in the posterior of a creative, in impressions; measured
/// as a good value on real tests (600 pseudo-impressions de-noise their click rates).
const PRIOR_IMPRESSIONS: f64 = 600.0;
/// Weight of the predicted level against the campaign's own click rate, in impressions: levels
/// drift between campaigns, so the prediction is soon overruled.
const LEVEL_IMPRESSIONS: f64 = 300.0;
/// Share of the impressions above the guaranteed rungs that goes to the best posterior mean; the
/// others follow the probability of being best.
const GREEDY: f64 = 0.8;
/// The lowest rung whose impressions are not guaranteed: on it, and above, creatives compete.
const COMPETING: Rung = Rung::Fourth;

/// Rotation of a campaign's creatives.
#[derive(Debug, Clone)]
pub(crate) struct Rotation {
    entries: Vec<Entry>,
    policy: ladder::Policy,
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
    /// Starts all creatives, given by their predicted click rates in (0, 1), on the first rung.
    pub(crate) fn new(predicted: &[f64], policy: ladder::Policy) -> Self {
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
            policy,
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

    /// Ends a tick: estimates and shares follow what was learnt.
    pub(crate) fn refresh(&mut self) {
        let posteriors: Vec<BetaPosterior> =
            (0..self.entries.len()).map(|idx| self.arm(idx).posterior()).collect();
        self.rates = posteriors.iter().map(BetaPosterior::mean).collect();
        let competing: Vec<usize> = (0..self.entries.len())
            .filter(|idx| self.is_live(*idx) && self.entries[*idx].rung >= COMPETING)
            .collect();
        let arms: Vec<BetaPosterior> = competing.iter().map(|idx| posteriors[*idx]).collect();
        let shares = |policy| bandit::propensities(policy, &arms).unwrap_or_default();
        let (greedy, thompson) = (shares(Policy::Greedy), shares(Policy::Thompson));
        let mut sum = 0.0;
        self.competing = competing
            .iter()
            .zip(greedy.iter().zip(&thompson))
            .map(|(idx, (greedy, thompson))| {
                sum += GREEDY * greedy + (1.0 - GREEDY) * thompson;
                (*idx, sum)
            })
            .collect();
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
        let decision = ladder::decide(rung, self.entries[idx].holds, &arm, &peers, &self.policy);
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
