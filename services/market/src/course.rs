//! How a campaign goes: prices, pace, and what was held.

use spotwright_core::ports::marketplace::{Campaign, CampaignCourse, HoldSpan, PacePoint, PriceQuantile};
use spotwright_schemas::money::Micros;

use crate::traffic::{TICK_HOURS, TICKS, Traffic};

/// Ticks of an hour.
const TICKS_PER_HOUR: usize = 4;

/// The quantiles that are told.
const QUANTILES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

/// Notes how a campaign goes.
#[derive(Debug, Clone)]
pub(crate) struct Course {
    own: Prices,
    market: Prices,
    points: Vec<Point>,
    impressions: u64,
    /// From which hour on which creatives were held, bit i for creative i.
    held: Vec<(f64, u64)>,
}

/// The end of an hour.
#[derive(Debug, Clone, Copy)]
struct Point {
    hour: f64,
    /// Share of the traffic that has come.
    share: f64,
    spent: i64,
    won: u64,
    impressions: u64,
}

impl Course {
    pub(crate) const fn new() -> Self {
        Self {
            own: Prices::new(),
            market: Prices::new(),
            points: Vec::new(),
            impressions: 0,
            held: Vec::new(),
        }
    }

    /// Notes the highest offer of the others in an auction, in micros per thousand impressions.
    pub(crate) fn offered(&mut self, ecpm: f32) {
        self.market.add(ecpm);
    }

    /// Notes an impression and what the next offer asked, in micros per thousand impressions.
    pub(crate) fn paid(&mut self, ecpm: f64) {
        self.impressions += 1;
        self.own.add(ecpm as f32);
    }

    /// Notes that from an hour on these creatives are held, and no others.
    pub(crate) fn held(&mut self, hour: f64, bits: u64) {
        self.held.push((hour, bits));
    }

    /// Notes the end of a tick.
    pub(crate) fn end_tick(&mut self, traffic: &Traffic, tick: usize, spent: i64, won: u64) {
        if (tick + 1).is_multiple_of(TICKS_PER_HOUR) {
            let all = traffic.opportunities(TICKS - 1).end.max(1);
            self.points.push(Point {
                hour: traffic.hour(tick) + TICK_HOURS / 2.0,
                share: traffic.opportunities(tick).end as f64 / all as f64,
                spent,
                won,
                impressions: self.impressions,
            });
        }
    }

    /// When each creative was held.
    pub(crate) fn holds(&self, campaign: &Campaign) -> Vec<HoldSpan> {
        let mut spans = Vec::new();
        for (idx, creative) in campaign.creatives.iter().enumerate() {
            let mut open: Option<f64> = None;
            for (hour, bits) in &self.held {
                let is_held = (bits >> idx) & 1 == 1;
                match open {
                    None if is_held => open = Some(*hour),
                    Some(from_hour) if !is_held => {
                        let until_hour = Some(*hour);
                        spans.push(HoldSpan { placement: creative.placement, from_hour, until_hour });
                        open = None;
                    }
                    _ => {}
                }
            }
            if let Some(from_hour) = open {
                spans.push(HoldSpan { placement: creative.placement, from_hour, until_hour: None });
            }
        }
        spans
    }

    /// The course of a campaign with this budget.
    pub(crate) fn told(&self, budget: Micros) -> CampaignCourse {
        let price = |quantile: f64| PriceQuantile {
            quantile,
            own_cpm: self.own.quantile(quantile),
            market_cpm: self.market.quantile(quantile),
        };
        let point = |point: &Point| PacePoint {
            hour: point.hour,
            planned: Micros((budget.0 as f64 * point.share).round() as i64),
            spent: Micros(point.spent),
            won: point.won,
            impressions: point.impressions,
        };
        CampaignCourse {
            prices: QUANTILES.into_iter().map(price).collect(),
            pacing: self.points.iter().map(point).collect(),
        }
    }
}

/// Prices counted in steps of less than 1 %, so that millions of them take no more room than a few. A step is what
/// has the same exponent and the same seven leading digits of the mantissa: it is found without a logarithm, and
/// every auction counts two prices.
#[derive(Debug, Clone)]
struct Prices {
    counts: Vec<u64>,
    total: u64,
}

impl Prices {
    /// Bits of a price that its step leaves out.
    const REST: u32 = 16;
    /// The step of the lowest price, 1 micro.
    const LOWEST: u32 = 1.0_f32.to_bits() >> Self::REST;

    const fn new() -> Self {
        Self { counts: Vec::new(), total: 0 }
    }

    fn add(&mut self, price: f32) {
        let step = ((price.max(1.0).to_bits() >> Self::REST) - Self::LOWEST) as usize;
        if self.counts.len() <= step {
            self.counts.resize(step + 1, 0);
        }
        self.counts[step] += 1;
        self.total += 1;
    }

    /// The middle of the step that holds the quantile; `None` of no prices.
    fn quantile(&self, quantile: f64) -> Option<Micros> {
        if self.total == 0 {
            return None;
        }
        let rank = ((self.total as f64 * quantile).ceil() as u64).max(1);
        let mut seen = 0;
        let step = self.counts.iter().position(|count| {
            seen += count;
            seen >= rank
        })?;
        let middle = ((step as u32 + Self::LOWEST) << Self::REST) | (1 << (Self::REST - 1));
        Some(Micros(f32::from_bits(middle).round() as i64))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_quantile_is_within_a_step_of_the_exact_one(
            mut prices in prop::collection::vec(1_000.0_f32..1e9, 1..300),
            quantile in 0.01_f64..0.99,
        ) {
            let mut counted = Prices::new();
            for price in &prices {
                counted.add(*price);
            }
            prices.sort_by(f32::total_cmp);
            let rank = ((prices.len() as f64 * quantile).ceil() as usize).max(1);
            let told = counted.quantile(quantile).expect("prices").0 as f64;
            let exact = f64::from(prices[rank - 1]);
            prop_assert!((told / exact - 1.0).abs() < 0.01, "{told} {exact}");
        }
    }

    #[test]
    fn no_prices_have_no_quantiles() {
        assert_eq!(Prices::new().quantile(0.5), None);
    }
}
