//! Rates with their intervals, and what a generation came to.

use spotwright_core::domain::variant::VariantState;
use spotwright_experiment::interval::{Counts, Interval, wilson};
use spotwright_schemas::money::Micros;
use spotwright_schemas::outcome::Delivery;

use crate::Shown;

/// The click rate of a delivery with its interval of this confidence, in (0, 1) (Wilson); `None` where
/// nothing was shown.
#[must_use]
pub fn click_rate(delivery: Delivery, confidence: f64) -> Option<Interval> {
    if delivery.impressions == 0 {
        return None;
    }
    wilson(Counts::new(delivery.impressions, delivery.clicks).ok()?, confidence).ok()
}

/// What a click cost, rounded down to a micro; `None` without clicks.
#[must_use]
pub fn cost_per_click(delivery: Delivery) -> Option<Micros> {
    let clicks = i64::try_from(delivery.clicks).ok()?;
    delivery.spend.0.checked_div(clicks).map(Micros)
}

/// What a generation of a run came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GenerationFigures {
    /// Which, from 1.
    pub index: u32,
    /// Variants that were drafted.
    pub variants: usize,
    /// Those of them that were published.
    pub winners: usize,
    /// Mean of the predicted click rates; `None` where nothing was scored.
    pub mean_score: Option<f64>,
    /// What its placements delivered together.
    pub delivery: Delivery,
    /// Clicks per impression; `None` where nothing was shown.
    pub realised_ctr: Option<f64>,
}

impl GenerationFigures {
    /// What generation `index` came to.
    #[must_use]
    pub fn of(shown: Shown<'_>, index: u32) -> Self {
        let of_generation = || shown.variants.iter().filter(move |variant| variant.generation == index);
        let scores: Vec<f64> = of_generation()
            .filter_map(|variant| variant.body.score.as_ref())
            .map(|score| score.predicted_ctr)
            .collect();
        let delivery = shown.delivered(index);
        Self {
            index,
            variants: of_generation().count(),
            winners: of_generation().filter(|variant| variant.state == VariantState::Won).count(),
            mean_score: (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64),
            delivery,
            realised_ctr: (delivery.impressions > 0)
                .then(|| delivery.clicks as f64 / delivery.impressions as f64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_click_has_a_price_only_where_there_was_one() {
        let spent = |clicks| Delivery { impressions: 10, clicks, spend: Micros(7), ..Delivery::default() };
        assert_eq!(cost_per_click(spent(2)), Some(Micros(3)));
        assert_eq!(cost_per_click(spent(0)), None);
    }

    #[test]
    fn a_rate_is_inside_its_interval_and_unknown_without_impressions() {
        let shown = Delivery { impressions: 400, clicks: 8, ..Delivery::default() };
        let rate = click_rate(shown, 0.90).unwrap();
        assert!(
            (rate.estimate - 0.02).abs() < 1e-12 && rate.low < rate.estimate && rate.estimate < rate.high
        );
        assert_eq!(click_rate(Delivery::default(), 0.90), None);
        assert_eq!(click_rate(Delivery { impressions: 1, clicks: 2, ..Delivery::default() }, 0.90), None);
    }
}
