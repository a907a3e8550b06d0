//! What a campaign would deliver and spend, told before it is made.
//!
//! An estimate rests on campaigns that were played: those of the run, or else others of the organization in
//! the same currency. It promises nothing; what is never exceeded is the campaign's budget.

use spotwright_schemas::money::Micros;

use super::campaign::{Campaign, CampaignId};
use super::campaign_order::CampaignOrder;
use super::estimate::Band;

/// What an estimate rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EstimateBasis {
    /// Campaigns of the same run.
    Run,
    /// Campaigns of other runs in the same currency.
    Organization,
    /// Nothing was played yet, so nothing is told.
    None,
}

/// A campaign that was played, in the numbers that an estimate looks at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeasuredCampaign {
    /// Which.
    pub id: CampaignId,
    /// Auctions that it could take part in; above 0.
    pub auctions: u64,
    /// Those of them that it won.
    pub won: u64,
    /// Its impressions; above 0.
    pub impressions: u64,
    /// Its clicks.
    pub clicks: u64,
    /// What it spent; above 0.
    pub spend: Micros,
    /// What it could spend; above 0.
    pub budget: Micros,
}

impl MeasuredCampaign {
    /// A campaign that can be measured; `None` for one that nothing was shown of.
    #[must_use]
    pub fn of(campaign: &Campaign) -> Option<Self> {
        let report = campaign.report.as_ref()?;
        let delivered = campaign.delivered();
        let told = report.auctions > 0
            && delivered.impressions > 0
            && delivered.spend > Micros::ZERO
            && report.budget > Micros::ZERO;
        told.then_some(Self {
            id: campaign.id,
            auctions: report.auctions,
            won: report.won,
            impressions: delivered.impressions,
            clicks: delivered.clicks,
            spend: delivered.spend,
            budget: report.budget,
        })
    }

    /// Share of the budget that was spent, in (0, 1].
    fn used(&self) -> f64 {
        (self.spend.0 as f64 / self.budget.0 as f64).min(1.0)
    }

    /// Micros for an impression.
    fn price(&self) -> f64 {
        self.spend.0 as f64 / self.impressions as f64
    }

    /// Clicks of an impression.
    fn rate(&self) -> f64 {
        self.clicks as f64 / self.impressions as f64
    }
}

/// What a campaign would come to.
#[derive(Debug, Clone, PartialEq)]
pub struct CampaignEstimate {
    /// What was asked for, with everything that was left open filled in.
    pub order: CampaignOrder,
    /// What it rests on.
    pub basis: EstimateBasis,
    /// The campaigns that it rests on, newest first.
    pub measured: Vec<MeasuredCampaign>,
    /// Impressions of all days; `None` without a basis.
    pub impressions: Option<Band<u64>>,
    /// Their clicks.
    pub clicks: Option<Band<u64>>,
    /// Their spend.
    pub spend: Option<Band<Micros>>,
}

impl CampaignEstimate {
    /// What an order would come to, by campaigns that were played. The bounds are those of the campaigns: a
    /// single one gives no width, and the answer names it.
    #[must_use]
    pub fn of(order: CampaignOrder, basis: EstimateBasis, measured: Vec<MeasuredCampaign>) -> Self {
        let views = order.opportunities_per_day.saturating_mul(u64::from(order.days));
        let bands = Bounds::of(&measured).map(|bounds| bounds.bands(order.budget(), views));
        let (impressions, clicks, spend) = match bands {
            Some((impressions, clicks, spend)) => (Some(impressions), Some(clicks), Some(spend)),
            None => (None, None, None),
        };
        Self { order, basis, measured, impressions, clicks, spend }
    }

    /// Whether the whole budget might be spent.
    #[must_use]
    pub fn reaches_budget(&self) -> bool {
        self.spend.is_some_and(|spend| spend.high >= self.order.budget())
    }
}

/// Least, mean and most over the measured campaigns.
struct Bounds {
    used: Band<f64>,
    price: Band<f64>,
    rate: Band<f64>,
}

fn band(values: impl Iterator<Item = f64> + Clone) -> Band<f64> {
    let count = values.clone().count().max(1) as f64;
    Band {
        low: values.clone().fold(f64::INFINITY, f64::min),
        expected: values.clone().sum::<f64>() / count,
        high: values.fold(0.0, f64::max),
    }
}

impl Bounds {
    fn of(measured: &[MeasuredCampaign]) -> Option<Self> {
        (!measured.is_empty()).then(|| Self {
            used: band(measured.iter().map(MeasuredCampaign::used)),
            price: band(measured.iter().map(MeasuredCampaign::price)),
            rate: band(measured.iter().map(MeasuredCampaign::rate)),
        })
    }

    /// Impressions, clicks and spend of a budget on so many views. What is dear shows less, what is cheap
    /// more; nothing is shown more often than there are views.
    fn bands(&self, budget: Micros, views: u64) -> (Band<u64>, Band<u64>, Band<Micros>) {
        let spend = |used: f64| (budget.0 as f64 * used).floor();
        let shown = |spend: f64, price: f64| (spend / price).min(views as f64);
        let impressions = Band {
            low: shown(spend(self.used.low), self.price.high),
            expected: shown(spend(self.used.expected), self.price.expected),
            high: shown(spend(self.used.high), self.price.low),
        };
        // Where there are not views enough, the money stays.
        let spent = |spend: f64, shown: f64, price: f64| Micros(spend.min(shown * price).floor() as i64);
        let spend = Band {
            low: spent(spend(self.used.low), impressions.low, self.price.low),
            expected: spent(spend(self.used.expected), impressions.expected, self.price.expected),
            high: spent(spend(self.used.high), impressions.high, self.price.high),
        };
        let whole = |number: f64| number.floor() as u64;
        let clicks = Band {
            low: whole(impressions.low * self.rate.low),
            expected: whole(impressions.expected * self.rate.expected),
            high: whole(impressions.high * self.rate.high),
        };
        let impressions = Band {
            low: whole(impressions.low),
            expected: whole(impressions.expected),
            high: whole(impressions.high),
        };
        (impressions, clicks, spend)
    }
}

#[cfg(test)]
mod tests {
    use spotwright_schemas::brief::Objective;
    use spotwright_schemas::ids::RunId;
    use spotwright_schemas::money::Currency;
    use spotwright_schemas::placement::PlacementKind;

    use super::*;
    use crate::domain::campaign_order::BidStrategy;

    fn order() -> CampaignOrder {
        CampaignOrder {
            name: "tea".to_owned(),
            product: "tea".to_owned(),
            variants: Vec::new(),
            objective: Objective::Clicks,
            bid_strategy: BidStrategy::MaximizeClicks,
            placement: PlacementKind::SimulatedFeed,
            currency: Currency::USD,
            daily: None,
            total: Some(Micros(10_000)),
            seed: 1,
            opportunities_per_day: 1_000,
            starts_at: 0,
            days: 2,
            day_seconds: 0,
        }
    }

    fn measured(impressions: u64, clicks: u64, spend: i64) -> MeasuredCampaign {
        MeasuredCampaign {
            id: CampaignId::of_generation(RunId::derive(1, "run", 1), 1),
            auctions: 1_000,
            won: 500,
            impressions,
            clicks,
            spend: Micros(spend),
            budget: Micros(1_000),
        }
    }

    #[test]
    fn bands_are_in_order_and_within_budget_and_views() {
        let rows = vec![measured(100, 2, 800), measured(200, 3, 900)];
        let estimate = CampaignEstimate::of(order(), EstimateBasis::Run, rows);
        let (shown, clicks, spend) =
            (estimate.impressions.unwrap(), estimate.clicks.unwrap(), estimate.spend.unwrap());
        assert!(shown.low <= shown.expected && shown.expected <= shown.high && shown.high <= 2_000);
        assert!(clicks.low <= clicks.expected && clicks.expected <= clicks.high);
        assert!(spend.low <= spend.expected && spend.expected <= spend.high && spend.high <= Micros(10_000));
        assert_eq!((shown.low, spend.high), (1_000, Micros(9_000)));
        assert!(!estimate.reaches_budget());
    }

    #[test]
    fn too_few_views_leave_money_and_no_basis_tells_nothing() {
        let cheap = vec![measured(1_000, 20, 1_000)];
        let order = CampaignOrder { opportunities_per_day: 500, ..order() };
        let estimate = CampaignEstimate::of(order.clone(), EstimateBasis::Run, cheap);
        assert_eq!(estimate.impressions.unwrap().high, 1_000);
        assert_eq!(estimate.spend.unwrap().high, Micros(1_000));
        let nothing = CampaignEstimate::of(order, EstimateBasis::None, Vec::new());
        assert_eq!((nothing.impressions, nothing.spend), (None, None));
    }
}
