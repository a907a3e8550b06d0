//! How days of a campaign add up, and how prices of several campaigns are told together.

use spotwright_schemas::money::Micros;
use spotwright_schemas::outcome::Delivery;

use crate::ports::marketplace::{
    CampaignCourse, CreativeDelivery, MarketReport, PacePoint, PriceQuantile, SegmentDelivery,
};

/// Prices with the weight that each side has: impressions for the own ones, auctions for those of the market.
#[derive(Debug, Clone, Copy)]
pub struct WeightedPrices<'a> {
    /// Quantiles, ascending.
    pub prices: &'a [PriceQuantile],
    /// Impressions.
    pub impressions: u64,
    /// Auctions.
    pub auctions: u64,
}

/// The report of a campaign with another day behind it; `budget` is most that the days so far could spend.
/// Rows of ads are left out, as in stored reports.
#[must_use]
pub fn with_day(before: Option<MarketReport>, day: &MarketReport, budget: Micros) -> MarketReport {
    let Some(before) = before else {
        return MarketReport { creatives: Vec::new(), budget, ..day.clone() };
    };
    let (shown, spent) = (impressions_of(&before) + impressions_of(day), spent_of(&before) + spent_of(day));
    let cpm = (i128::from(spent) * 1_000).checked_div(i128::from(shown)).unwrap_or(0);
    MarketReport {
        source: day.source,
        marketplace: day.marketplace.clone(),
        audience: day.audience.clone(),
        auctions: before.auctions + day.auctions,
        won: before.won + day.won,
        competitors: day.competitors,
        mean_cpm: Micros(i64::try_from(cpm).unwrap_or(i64::MAX)),
        budget,
        creatives: Vec::new(),
        holds: before.holds.iter().chain(&day.holds).cloned().collect(),
        course: course(&before, day),
    }
}

/// The last point of a report's pacing; zeros where it has none.
fn last(report: &MarketReport) -> PacePoint {
    let none = PacePoint { hour: 0.0, planned: Micros::ZERO, spent: Micros::ZERO, won: 0, impressions: 0 };
    report.course.as_ref().and_then(|course| course.pacing.last()).copied().unwrap_or(none)
}

fn impressions_of(report: &MarketReport) -> u64 {
    last(report).impressions
}

fn spent_of(report: &MarketReport) -> i64 {
    last(report).spent.0
}

fn course(before: &MarketReport, day: &MarketReport) -> Option<CampaignCourse> {
    let (old, new) = (before.course.as_ref()?, day.course.as_ref()?);
    let end = last(before);
    let later = |point: &PacePoint| PacePoint {
        hour: point.hour,
        planned: end.planned + point.planned,
        spent: end.spent + point.spent,
        won: end.won + point.won,
        impressions: end.impressions + point.impressions,
    };
    let weighted = |report: &MarketReport| (impressions_of(report), report.auctions);
    let ((old_shown, old_auctions), (new_shown, new_auctions)) = (weighted(before), weighted(day));
    Some(CampaignCourse {
        prices: mixed(&[
            WeightedPrices { prices: &old.prices, impressions: old_shown, auctions: old_auctions },
            WeightedPrices { prices: &new.prices, impressions: new_shown, auctions: new_auctions },
        ]),
        pacing: old.pacing.iter().copied().chain(new.pacing.iter().map(later)).collect(),
    })
}

/// What became of an ad until the end of another day.
#[must_use]
pub fn with_day_of_ad(before: Option<&CreativeDelivery>, day: &CreativeDelivery) -> CreativeDelivery {
    let Some(before) = before else { return day.clone() };
    let mut segments = before.segments.clone();
    for row in &day.segments {
        match segments.iter_mut().find(|own| own.segment == row.segment) {
            Some(own) => own.delivery = sum(own.delivery, row.delivery),
            None => segments.push(SegmentDelivery { segment: row.segment.clone(), delivery: row.delivery }),
        }
    }
    // Users of different days are not told apart: the mean of the days, each by its impressions.
    let shown = |row: &CreativeDelivery| row.delivery.impressions as f64;
    let weight = shown(before) + shown(day);
    let frequency = before.frequency * shown(before) + day.frequency * shown(day);
    CreativeDelivery {
        placement: before.placement,
        variant: before.variant,
        delivery: sum(before.delivery, day.delivery),
        segments,
        ladder: before.ladder.iter().chain(&day.ladder).cloned().collect(),
        frequency: if weight > 0.0 { frequency / weight } else { 0.0 },
        fatigued: before.fatigued || day.fatigued,
        auctions: before.auctions + day.auctions,
        won: before.won + day.won,
    }
}

fn sum(a: Delivery, b: Delivery) -> Delivery {
    Delivery {
        impressions: a.impressions + b.impressions,
        clicks: a.clicks + b.clicks,
        conversions: a.conversions + b.conversions,
        spend: a.spend + b.spend,
    }
}

/// Quantiles of the prices of several campaigns, or days, together. The stored quantiles of each are joined
/// by straight lines and end at the outermost ones, so what lies beyond them is not told; of one campaign
/// alone they stay as they are. Empty where none tells prices.
#[must_use]
pub fn mixed(all: &[WeightedPrices<'_>]) -> Vec<PriceQuantile> {
    let told: Vec<&WeightedPrices<'_>> = all.iter().filter(|own| !own.prices.is_empty()).collect();
    match told.as_slice() {
        [] => Vec::new(),
        [one] => one.prices.to_vec(),
        [first, ..] => {
            let own = |own: &WeightedPrices<'_>| line(own.prices, own.impressions, |price| price.own_cpm);
            let market = |own: &WeightedPrices<'_>| line(own.prices, own.auctions, |price| price.market_cpm);
            let owns: Vec<Line> = told.iter().filter_map(|row| own(row)).collect();
            let markets: Vec<Line> = told.iter().filter_map(|row| market(row)).collect();
            let price = |price: &PriceQuantile| PriceQuantile {
                quantile: price.quantile,
                own_cpm: together(&owns, price.quantile),
                market_cpm: together(&markets, price.quantile),
            };
            first.prices.iter().map(price).collect()
        }
    }
}

/// Quantiles and their prices, ascending, and how much they weigh.
struct Line {
    points: Vec<(f64, f64)>,
    weight: f64,
}

fn line(
    prices: &[PriceQuantile],
    weight: u64,
    of: impl Fn(&PriceQuantile) -> Option<Micros>,
) -> Option<Line> {
    let points: Option<Vec<_>> =
        prices.iter().map(|price| Some((price.quantile, of(price)?.0 as f64))).collect();
    points.filter(|_| weight > 0).map(|points| Line { points, weight: weight as f64 })
}

impl Line {
    /// Share of prices at or below a price.
    fn share(&self, price: f64) -> f64 {
        let (Some(first), Some(last)) = (self.points.first(), self.points.last()) else { return 0.0 };
        if price < first.1 {
            return 0.0;
        }
        if price >= last.1 {
            return 1.0;
        }
        let mut before = *first;
        for point in &self.points {
            if point.1 > price {
                let way = (price - before.1) / (point.1 - before.1);
                return before.0 + way * (point.0 - before.0);
            }
            before = *point;
        }
        1.0
    }
}

/// Steps of the search for a quantile: each halves the range, so that a micro is found among 2⁶² of them.
const HALVINGS: u32 = 62;

/// The price below which this share of all weighted prices lies; `None` of none.
fn together(lines: &[Line], quantile: f64) -> Option<Micros> {
    let all: f64 = lines.iter().map(|line| line.weight).sum();
    let ends = lines.iter().flat_map(|line| line.points.iter().map(|point| point.1));
    let (mut low, mut high) =
        ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), price| (low.min(price), high.max(price)));
    if all <= 0.0 || !low.is_finite() {
        return None;
    }
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        let below: f64 = lines.iter().map(|line| line.weight * line.share(middle)).sum();
        if below < quantile * all { low = middle } else { high = middle }
    }
    Some(Micros(high.round() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prices(own: [i64; 3]) -> Vec<PriceQuantile> {
        let quantiles = [0.05, 0.5, 0.95];
        let price = |(quantile, cpm)| PriceQuantile {
            quantile,
            own_cpm: Some(Micros(cpm)),
            market_cpm: Some(Micros(2 * cpm)),
        };
        quantiles.into_iter().zip(own).map(price).collect()
    }

    fn weighted(prices: &[PriceQuantile], weight: u64) -> WeightedPrices<'_> {
        WeightedPrices { prices, impressions: weight, auctions: weight }
    }

    #[test]
    fn prices_of_one_campaign_stay_and_equal_ones_stay_together() {
        let one = prices([10, 100, 200]);
        assert_eq!(mixed(&[weighted(&one, 5)]), one);
        assert_eq!(mixed(&[weighted(&one, 5), weighted(&one, 9)]), one);
        assert!(mixed(&[]).is_empty());
    }

    #[test]
    fn the_median_of_two_campaigns_lies_between_theirs_by_weight() {
        let (cheap, dear) = (prices([10, 100, 200]), prices([1_000, 2_000, 3_000]));
        let median = |a, b| mixed(&[weighted(&cheap, a), weighted(&dear, b)])[1].own_cpm.unwrap().0;
        assert!((200..=1_000).contains(&median(10, 10)), "{}", median(10, 10));
        assert!(median(100, 1) <= 105 && median(1, 100) >= 1_900);
    }

    #[test]
    fn a_side_that_nobody_tells_stays_unknown() {
        let mut one = prices([10, 100, 200]);
        for price in &mut one {
            price.own_cpm = None;
        }
        let both = mixed(&[weighted(&one, 5), weighted(&one, 5)]);
        assert!(both.iter().all(|price| price.own_cpm.is_none() && price.market_cpm.is_some()));
    }
}
