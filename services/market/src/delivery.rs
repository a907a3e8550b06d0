//! What was delivered, and what users remember of it.

use spotwright_core::ports::marketplace::{Campaign, CreativeDelivery, RungResult, SegmentDelivery};
use spotwright_experiment::interval::{Counts, wilson};
use spotwright_schemas::money::Micros;
use spotwright_schemas::outcome::Delivery;

use crate::audience::card::Card;

/// Mean frequency from which a creative may be called fatigued.
const FATIGUE_FREQUENCY: f64 = 1.5;
/// Confidence of the interval that must lie below the earlier click rate.
const FATIGUE_CONFIDENCE: f64 = 0.9;
/// Impressions per entry of a creative's history.
const HISTORY_STEP: u64 = 50;

/// Counts of a campaign.
#[derive(Debug, Clone)]
pub(crate) struct Tally {
    segments: usize,
    /// `[creatives × segments]`, creative-major.
    cells: Vec<Delivery>,
    reached: Vec<u64>,
    /// Clicks in every [`HISTORY_STEP`] impressions, by creative.
    history: Vec<Vec<u64>>,
    shown: Vec<u64>,
    /// Auctions entered and won, by creative.
    auctions: Vec<[u64; 2]>,
}

impl Tally {
    pub(crate) fn new(creatives: usize, segments: usize) -> Self {
        Self {
            segments,
            cells: vec![Delivery::default(); creatives * segments],
            reached: vec![0; creatives],
            history: vec![Vec::new(); creatives],
            shown: vec![0; creatives],
            auctions: vec![[0; 2]; creatives],
        }
    }

    /// Counts an auction that a creative was chosen for.
    pub(crate) fn entered(&mut self, creative: usize) {
        self.auctions[creative][0] += 1;
    }

    /// Counts an auction that it won.
    pub(crate) fn won(&mut self, creative: usize) {
        self.auctions[creative][1] += 1;
    }

    /// Counts one impression; `first` when the user had not seen the creative before.
    pub(crate) fn add(
        &mut self,
        creative: usize,
        segment: usize,
        first: bool,
        clicked: bool,
        converted: bool,
        cost: i64,
    ) {
        let cell = &mut self.cells[creative * self.segments + segment];
        cell.impressions += 1;
        cell.clicks += u64::from(clicked);
        cell.conversions += u64::from(converted);
        cell.spend += Micros(cost);
        self.reached[creative] += u64::from(first);
        let step = (self.shown[creative] / HISTORY_STEP) as usize;
        let history = &mut self.history[creative];
        if history.len() <= step {
            history.push(0);
        }
        history[step] += u64::from(clicked);
        self.shown[creative] += 1;
    }

    /// One row per creative, in the order of the campaign.
    pub(crate) fn into_rows(
        self,
        campaign: &Campaign,
        card: &Card,
        ladders: Vec<Vec<RungResult>>,
    ) -> Vec<CreativeDelivery> {
        campaign
            .creatives
            .iter()
            .zip(ladders)
            .enumerate()
            .map(|(idx, (creative, ladder))| {
                let cells = &self.cells[idx * self.segments..(idx + 1) * self.segments];
                let segments = cells.iter().zip(&card.segments);
                let delivery = cells.iter().fold(Delivery::default(), |sum, cell| Delivery {
                    impressions: sum.impressions + cell.impressions,
                    clicks: sum.clicks + cell.clicks,
                    conversions: sum.conversions + cell.conversions,
                    spend: sum.spend + cell.spend,
                });
                let frequency = delivery.impressions as f64 / self.reached[idx].max(1) as f64;
                CreativeDelivery {
                    placement: creative.placement,
                    variant: creative.variant,
                    delivery,
                    segments: segments
                        .map(|(cell, segment)| SegmentDelivery {
                            segment: segment.name.clone(),
                            delivery: *cell,
                        })
                        .collect(),
                    ladder,
                    frequency,
                    fatigued: frequency >= FATIGUE_FREQUENCY && self.worn_out(idx),
                    auctions: self.auctions[idx][0],
                    won: self.auctions[idx][1],
                }
            })
            .collect()
    }

    /// Whether the click rate of the later half lies below that of the earlier half by more than
    /// chance; uses what an advertiser can see, not the audience's memory.
    fn worn_out(&self, creative: usize) -> bool {
        let history = &self.history[creative];
        // The last step may be incomplete, so halves are taken over whole steps only.
        let whole = (self.shown[creative] / HISTORY_STEP) as usize;
        let half = whole / 2;
        let trials = half as u64 * HISTORY_STEP;
        let clicks = |range: std::ops::Range<usize>| history[range].iter().sum::<u64>();
        let early = Counts::new(trials, clicks(0..half)).ok().and_then(Counts::rate);
        let late =
            Counts::new(trials, clicks(half..2 * half)).and_then(|late| wilson(late, FATIGUE_CONFIDENCE));
        matches!((early, late), (Some(early), Ok(late)) if late.high < early)
    }
}

/// What users remember: an exponentially decaying count of exposures per user and creative.
#[derive(Debug, Clone)]
pub(crate) struct Memory {
    creatives: usize,
    half_life_hours: f64,
    /// `[users × creatives]`, user-major: count at the hour of the last exposure, and that hour;
    /// a count of 0 means never seen.
    cells: Vec<(f32, f32)>,
}

impl Memory {
    pub(crate) fn new(users: usize, creatives: usize, half_life_hours: f64) -> Self {
        Self { creatives, half_life_hours, cells: vec![(0.0, 0.0); users * creatives] }
    }

    /// Whether the user ever saw the creative.
    pub(crate) fn has_seen(&self, user: usize, creative: usize) -> bool {
        self.cells[user * self.creatives + creative].0 > 0.0
    }

    /// Exposures the user remembers at `hour`.
    pub(crate) fn remembered(&self, user: usize, creative: usize, hour: f64) -> f32 {
        let (count, at) = self.cells[user * self.creatives + creative];
        if count == 0.0 {
            return 0.0;
        }
        count * (-(hour - f64::from(at)) / self.half_life_hours).exp2() as f32
    }

    /// Takes over what a user remembered at `hour`.
    pub(crate) fn restore(&mut self, user: usize, creative: usize, remembered: f32, hour: f64) {
        self.cells[user * self.creatives + creative] = (remembered, hour as f32);
    }

    /// Adds an exposure.
    pub(crate) fn expose(&mut self, user: usize, creative: usize, hour: f64) {
        let remembered = self.remembered(user, creative, hour);
        self.cells[user * self.creatives + creative] = (remembered + 1.0, hour as f32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_an_exposure_is_forgotten_in_a_half_life() {
        let mut memory = Memory::new(2, 1, 18.0);
        memory.expose(1, 0, 10.0);
        assert!((memory.remembered(1, 0, 28.0) - 0.5).abs() < 1e-6);
        memory.expose(1, 0, 28.0);
        assert!((memory.remembered(1, 0, 28.0) - 1.5).abs() < 1e-6);
        assert_eq!(memory.remembered(0, 0, 28.0), 0.0);
    }

    #[test]
    fn a_click_rate_that_halves_is_worn_out_and_a_steady_one_is_not() {
        let play = |late_clicks: u64| {
            let mut tally = Tally::new(1, 1);
            for i in 0..4_000_u64 {
                let every = if i < 2_000 { 20 } else { 1_000 / late_clicks };
                tally.add(0, 0, i % 2 == 0, i % every == 0, false, 0);
            }
            tally.worn_out(0)
        };
        assert!(play(25));
        assert!(!play(50));
        assert!(!Tally::new(1, 1).worn_out(0));
    }
}
