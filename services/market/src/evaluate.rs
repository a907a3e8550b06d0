//! The clairvoyant's view, for evaluation only.
//!
//! Nothing here can be reached through the marketplace port: an advertiser does not know it. It
//! serves to state results as a share of what was possible and to test the market itself.

use spotwright_core::ports::marketplace::{Campaign, CampaignCreative};

use crate::audience::{activity, appeal, parts, sigmoid};
use crate::error::Error;
use crate::simulator::Simulator;

/// Points of the grid over users, within ± 5 standard deviations.
const USER_POINTS: usize = 101;

/// The true mean click probability of a creative in a campaign's category and placement: rested
/// users, first slot, segments by their activity over a working day.
///
/// The category and placement of `campaign` are used; its creatives, seed and money are not.
///
/// # Errors
/// [`Error::Creative`]: the creative has no first line or statistics that are not finite.
pub fn true_ctr(market: &Simulator, campaign: &Campaign, creative: &CampaignCreative) -> Result<f64, Error> {
    let card = market.card;
    let appeal = appeal(card, market.options.text_taste, &campaign.category, campaign.placement, creative)?;
    let mut weights = vec![0.0; card.segments.len()];
    for hour in 0..24 {
        for (weight, active) in weights.iter_mut().zip(activity(card, f64::from(hour) + 0.5)) {
            *weight += active;
        }
    }
    let total: f64 = weights.iter().sum();
    let sum: f64 = weights
        .iter()
        .zip(&appeal.click)
        .map(|(weight, click)| weight * over_users(*click, card.user_spread))
        .sum();
    Ok(sum / total)
}

/// The true log-odds of a creative above the level of its brief: `[text, visual, latent]`.
///
/// # Errors
/// As [`true_ctr`].
pub fn true_parts(
    market: &Simulator,
    campaign: &Campaign,
    creative: &CampaignCreative,
) -> Result<[f64; 3], Error> {
    let parts = parts(market.card, market.options.text_taste, &campaign.category, creative)?;
    Ok([parts.text, parts.visual, parts.latent])
}

/// Mean click probability over users whose log-odds are normal around `click`.
fn over_users(click: f64, spread: f64) -> f64 {
    let (mut sum, mut total) = (0.0, 0.0);
    for point in 0..USER_POINTS {
        let z = 10.0 * point as f64 / (USER_POINTS - 1) as f64 - 5.0;
        let weight = (-0.5 * z * z).exp();
        sum += weight * sigmoid(click + spread * z);
        total += weight;
    }
    sum / total
}
