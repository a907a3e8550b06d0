//! Competing campaigns: a seeded population that bids per thousand impressions and paces budgets.

use spotwright_experiment::interval::normal_quantile;
use spotwright_schemas::money::Currency;
use spotwright_schemas::random::Stream;

use crate::audience::card::Card;
use crate::bidder::paced;

/// Most slots on a page.
pub(crate) const MAX_SLOTS: usize = 8;
/// Steps of the table of price factors.
const FACTORS: usize = 4_096;
/// Share of the opportunities for which a competitor bids: targeting leaves out the rest.
const PARTICIPATION: f64 = 0.35;
/// Standard deviation of a competitor's price from one opportunity to the next (log).
const PRICE_NOISE: f64 = 0.6;
/// Standard deviation of the price level between competitors (log).
const LEVEL_SPREAD: f64 = 0.5;
/// Standard deviation of a competitor's interest in a segment (log).
const INTEREST_SPREAD: f64 = 0.3;
/// Median price of a competitor in US dollars per 1,000 impressions.
const MEDIAN_CPM_USD: f64 = 3.2;
/// Reserve price relative to the median price.
const FLOOR: f64 = 0.15;
/// Budgets of all competitors relative to all views at the median price.
const DEMAND: f64 = 1.2;
/// Bounds of a competitor's pacing multiplier.
const PACE: std::ops::RangeInclusive<f64> = 0.5..=1.8;

/// Price level of media in a currency, relative to US dollars.
///
/// These are levels of media prices, not exchange rates: CPMs on Chinese feeds are about half of
/// American ones at the exchange rate (assumed; no price data of the present was at hand).
#[must_use]
pub const fn price_level(currency: Currency) -> f64 {
    match currency {
        Currency::CNY => 3.4,
        Currency::USD => 1.0,
        Currency::EUR => 0.9,
        Currency::GBP => 0.8,
        Currency::HKD => 6.5,
        Currency::JPY => 110.0,
        Currency::SGD => 1.2,
    }
}

/// A competitor's bid.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Bid {
    /// Micros per 1,000 impressions.
    pub(crate) ecpm: f32,
    /// Index of the competitor.
    pub(crate) competitor: u16,
}

/// The competitors, one array per property.
#[derive(Debug, Clone)]
pub(crate) struct Competition {
    /// Micros per 1,000 impressions by segment: `[segments × competitors]`, segment-major.
    price: Vec<f32>,
    /// `price` × pace of the present tick.
    paced_price: Vec<f32>,
    pace: Vec<f64>,
    budget: Vec<i64>,
    spent: Vec<i64>,
    spent_before: Vec<i64>,
    factors: Vec<f32>,
    /// Micros per 1,000 impressions.
    floor: f32,
    draws: Stream,
}

impl Competition {
    /// The competition for one generation; the population depends on the seed, its bids also on
    /// the generation.
    pub(crate) fn new(
        card: &Card,
        seed: u64,
        generation: u32,
        category: &str,
        currency: Currency,
        opportunities: u64,
        competitors: usize,
    ) -> Self {
        let population = Stream::new(seed, "competitors");
        let bits = u64::from(blake3::hash(category.as_bytes()).as_bytes()[0]);
        let category_level = (0.15 * Stream::new(card.taste_seed, "category price").normal(bits)).exp();
        let median = MEDIAN_CPM_USD * 1e6 * price_level(currency) * category_level;
        let level = |c: u64| (LEVEL_SPREAD * population.child(c).normal(0)).exp();
        let mut price = Vec::with_capacity(card.segments.len() * competitors);
        for segment in 0..card.segments.len() as u64 {
            for c in 0..competitors as u64 {
                let interest = (INTEREST_SPREAD * population.child(c).normal(10 + segment)).exp();
                price.push((median * level(c) * interest) as f32);
            }
        }
        let views = opportunities as f64 * card.exposure.iter().sum::<f64>();
        let fair = DEMAND * views * median / 1_000.0 / competitors.max(1) as f64;
        let budget = (0..competitors as u64)
            .map(|c| (fair * level(c) * (0.4 * population.child(c).normal(1)).exp()) as i64)
            .collect();
        let factors = (0..FACTORS)
            .map(|i| (PRICE_NOISE * normal_quantile((i as f64 + 0.5) / FACTORS as f64)).exp() as f32)
            .collect();
        Self {
            paced_price: price.clone(),
            price,
            pace: vec![1.0; competitors],
            budget,
            spent: vec![0; competitors],
            spent_before: vec![0; competitors],
            factors,
            floor: (FLOOR * median) as f32,
            draws: Stream::new(seed, "bids").child(u64::from(generation)),
        }
    }

    /// The least price, in micros per 1,000 impressions.
    pub(crate) const fn floor(&self) -> f32 {
        self.floor
    }

    /// Fills `top` with the highest bids of an opportunity, highest first; bids below the floor
    /// are left at 0.
    pub(crate) fn highest(&self, opportunity: u64, segment: usize, top: &mut [Bid]) {
        top.fill(Bid::default());
        let draws = self.draws.child(opportunity);
        let competitors = self.pace.len();
        let prices = &self.paced_price[segment * competitors..(segment + 1) * competitors];
        let threshold = (PARTICIPATION * (1_u64 << 32) as f64) as u64;
        let last = top.len() - 1;
        for (c, price) in prices.iter().enumerate() {
            let bits = draws.bits(c as u64);
            if bits >> 32 >= threshold {
                continue;
            }
            let ecpm = price * self.factors[bits as usize % FACTORS];
            if ecpm < self.floor || ecpm <= top[last].ecpm {
                continue;
            }
            let mut at = last;
            while at > 0 && top[at - 1].ecpm < ecpm {
                top[at] = top[at - 1];
                at -= 1;
            }
            top[at] = Bid { ecpm, competitor: c as u16 };
        }
    }

    /// Charges a competitor for one impression at `ecpm` micros per 1,000.
    fn charge(&mut self, competitor: u16, ecpm: f32) {
        self.spent[usize::from(competitor)] += (f64::from(ecpm) / 1_000.0).round() as i64;
    }

    /// Charges those of `rivals` whose slots were seen; each pays what the next below offered. `own_slot` is the
    /// slot that the campaign took with its bid of `own`, if it took one.
    pub(crate) fn charge_shown(&mut self, rivals: &[Bid], own_slot: Option<usize>, own: f32, visible: usize) {
        let mut slot = 0;
        for (idx, rival) in rivals.iter().enumerate() {
            if own_slot == Some(slot) {
                slot += 1;
            }
            if slot >= visible || rival.ecpm <= 0.0 {
                return;
            }
            let next_rival = rivals.get(idx + 1).map_or(0.0, |next| next.ecpm);
            let next = if own_slot == Some(slot + 1) { own } else { next_rival };
            self.charge(rival.competitor, next.max(self.floor));
            slot += 1;
        }
    }

    /// Ends a tick: paces prices by what was spent in it. Who has spent the budget bids no more;
    /// the check is made once per tick, so a competitor may exceed its budget by one tick's spend.
    pub(crate) fn end_tick(&mut self, share_of_rest: f64) {
        let competitors = self.pace.len();
        for c in 0..competitors {
            let rest = self.budget[c] - self.spent_before[c];
            let spent = (self.spent[c] - self.spent_before[c]) as f64;
            let pace = paced(self.pace[c], rest.max(0) as f64 * share_of_rest, spent);
            self.pace[c] = pace.clamp(*PACE.start(), *PACE.end());
            self.spent_before[c] = self.spent[c];
            let factor = if self.spent[c] < self.budget[c] { self.pace[c] as f32 } else { 0.0 };
            for at in (c..self.price.len()).step_by(competitors) {
                self.paced_price[at] = self.price[at] * factor;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_bids_come_in_order_and_above_the_floor() {
        let card = Card::embedded().unwrap().0;
        let competition = Competition::new(card, 1, 1, "coffee", Currency::USD, 1_000, 20);
        let mut top = [Bid::default(); 4];
        for opportunity in 0..500 {
            competition.highest(opportunity, 0, &mut top);
            assert!(top.windows(2).all(|pair| pair[0].ecpm >= pair[1].ecpm));
            assert!(top.iter().all(|bid| bid.ecpm == 0.0 || bid.ecpm >= competition.floor()));
        }
    }
}
