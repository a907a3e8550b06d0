//! Campaigns that people make of finished ads: what they order, how days divide the money, and how days add
//! up.

use serde::{Deserialize, Serialize};
use spotwright_schemas::Problem;
use spotwright_schemas::brief::Objective;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::VariantId;
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::placement::PlacementKind;

/// Most ads of a campaign.
pub const MOST_ADS: usize = 64;
/// Most days of a campaign.
pub const MOST_DAYS: u32 = 60;
/// Largest amount of money in micros: a thousand million units.
pub const MOST_MICROS: i64 = 1_000_000_000_000_000;
/// Views of a logical day for which a campaign may bid.
pub const OPPORTUNITIES: std::ops::RangeInclusive<u64> = 500..=50_000;
/// Longest pause between two logical days, in seconds: a day.
pub const LONGEST_DAY_SECONDS: u32 = 86_400;
/// Largest seed: the largest whole number that every JSON reader keeps.
const LARGEST_SEED: u64 = 9_007_199_254_740_991;
/// Microseconds of a second.
const SECOND: i64 = 1_000_000;

/// What the campaign's bidder pays for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BidStrategy {
    /// Every click is worth the same, whoever clicks.
    MaximizeClicks,
    /// A click is worth what clicks of its segment of the audience have led to.
    MaximizeConversions,
}

impl BidStrategy {
    /// What an objective asks for.
    #[must_use]
    pub const fn of(objective: Objective) -> Self {
        if objective.is_click() { Self::MaximizeClicks } else { Self::MaximizeConversions }
    }

    /// The objective under which the market bids like this.
    #[must_use]
    pub const fn bids_for(self, objective: Objective) -> Objective {
        match self {
            Self::MaximizeClicks => Objective::Clicks,
            Self::MaximizeConversions if objective.is_click() => Objective::Conversions,
            Self::MaximizeConversions => objective,
        }
    }
}

/// A campaign as it was ordered, with everything that was left open filled in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignOrder {
    /// Its name, for people.
    pub name: String,
    /// The product that it sells.
    pub product: String,
    /// What its ads show, 1–[`MOST_ADS`]; the ads stand by generation and number of their variants.
    pub variants: Vec<VariantId>,
    /// What counts.
    pub objective: Objective,
    /// What is bid for.
    pub bid_strategy: BidStrategy,
    /// Where it is shown.
    pub placement: PlacementKind,
    /// Currency of its amounts.
    pub currency: Currency,
    /// Most that a day may spend; without it, what is left is divided evenly among the days to come.
    pub daily: Option<Micros>,
    /// Most that all days together may spend; without it, as much as the days may.
    pub total: Option<Micros>,
    /// Seed of the market: another one is another audience on another day.
    pub seed: u64,
    /// Views of a logical day for which it may bid.
    pub opportunities_per_day: u64,
    /// When its first day is due.
    pub starts_at: i64,
    /// Logical days.
    pub days: u32,
    /// Seconds of the wall clock between two logical days; 0 for full speed.
    pub day_seconds: u32,
}

fn wrong<T>(field: &str, message: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::new(Code::RequestValue, field, message))
}

impl CampaignOrder {
    /// Refuses what is out of range.
    ///
    /// # Errors
    /// [`Code::RequestValue`] with the field, as a request names it.
    pub fn check(&self) -> Result<(), Problem> {
        let money = |field: &str, amount: Option<Micros>| match amount {
            Some(amount) if !(1..=MOST_MICROS).contains(&amount.0) => {
                wrong(field, format!("must be within 1 and {MOST_MICROS}"))
            }
            _ => Ok(()),
        };
        money("budget.daily_micros", self.daily)?;
        money("budget.total_micros", self.total)?;
        if self.daily.is_none() && self.total.is_none() {
            return wrong("budget", "needs `daily_micros`, `total_micros` or both");
        }
        if self.seed > LARGEST_SEED {
            return wrong("market.seed", format!("must be at most {LARGEST_SEED}"));
        }
        if !OPPORTUNITIES.contains(&self.opportunities_per_day) {
            let (low, high) = (OPPORTUNITIES.start(), OPPORTUNITIES.end());
            return wrong("market.opportunities_per_day", format!("must be within {low} and {high}"));
        }
        if !(1..=MOST_DAYS).contains(&self.days) {
            return wrong("schedule.days", format!("must be within 1 and {MOST_DAYS}"));
        }
        if self.day_seconds > LONGEST_DAY_SECONDS {
            return wrong("schedule.day_seconds", format!("must be at most {LONGEST_DAY_SECONDS}"));
        }
        Ok(())
    }

    /// Most that it can spend.
    #[must_use]
    pub fn budget(&self) -> Micros {
        let days = self.daily.map(|daily| Micros(daily.0.saturating_mul(i64::from(self.days))));
        match (days, self.total) {
            (Some(days), Some(total)) => days.min(total),
            (Some(days), None) => days,
            (None, total) => total.unwrap_or(Micros::ZERO),
        }
    }

    /// What its next day may spend, after `played` days that spent `spent`; at least 0.
    #[must_use]
    pub fn budget_of_day(&self, played: u32, spent: Micros) -> Micros {
        let left = (self.budget().0 - spent.0).max(0);
        let days_left = i64::from(self.days.saturating_sub(played).max(1));
        Micros(self.daily.map_or(left / days_left, |daily| daily.0.min(left)))
    }

    /// When the day after `played` days is due, if it was `now` when the last one ended.
    #[must_use]
    pub fn next_day_at(&self, now: i64) -> i64 {
        now.saturating_add(i64::from(self.day_seconds) * SECOND)
    }
}

/// Why a campaign that people made has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CampaignEnd {
    /// All its days were played.
    Schedule,
    /// Its budget is spent.
    Budget,
    /// Somebody ended it.
    Person,
    /// All its ads were ended, or their variants withdrawn.
    NoAds,
    /// It cannot be played.
    Failed,
}

/// A campaign that people made, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MadeCampaign {
    /// What was ordered.
    pub order: CampaignOrder,
    /// Logical days that were played.
    pub days_played: u32,
    /// Why it has ended; `None`: it has not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<CampaignEnd>,
    /// What stopped it, where it cannot be played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

impl MadeCampaign {
    /// What was ordered, before its first day.
    #[must_use]
    pub const fn of(order: CampaignOrder) -> Self {
        Self { order, days_played: 0, ended: None, problem: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(daily: Option<i64>, total: Option<i64>) -> CampaignOrder {
        CampaignOrder {
            name: "tea".to_owned(),
            product: "tea".to_owned(),
            variants: Vec::new(),
            objective: Objective::Clicks,
            bid_strategy: BidStrategy::MaximizeClicks,
            placement: PlacementKind::SimulatedFeed,
            currency: Currency::USD,
            daily: daily.map(Micros),
            total: total.map(Micros),
            seed: 1,
            opportunities_per_day: 1_000,
            starts_at: 0,
            days: 4,
            day_seconds: 0,
        }
    }

    #[test]
    fn days_never_spend_more_than_the_budget() {
        let both = order(Some(30), Some(100));
        assert_eq!((both.budget(), both.budget_of_day(0, Micros(0))), (Micros(100), Micros(30)));
        assert_eq!(both.budget_of_day(3, Micros(90)), Micros(10));
        assert_eq!(both.budget_of_day(3, Micros(100)), Micros(0));
        let whole = order(None, Some(100));
        assert_eq!(
            (whole.budget_of_day(0, Micros(0)), whole.budget_of_day(3, Micros(40))),
            (Micros(25), Micros(60))
        );
        assert_eq!(order(Some(30), None).budget(), Micros(120));
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let field = |order: CampaignOrder| order.check().map_err(|problem| problem.field);
        assert_eq!(field(order(None, None)), Err("budget".to_owned()));
        assert_eq!(field(order(Some(0), None)), Err("budget.daily_micros".to_owned()));
        assert_eq!(field(order(None, Some(-1))), Err("budget.total_micros".to_owned()));
        assert_eq!(
            field(CampaignOrder { days: 61, ..order(Some(1), None) }),
            Err("schedule.days".to_owned())
        );
        let few = CampaignOrder { opportunities_per_day: 9, ..order(Some(1), None) };
        assert_eq!(field(few), Err("market.opportunities_per_day".to_owned()));
        assert_eq!(field(order(Some(1), Some(1))), Ok(()));
    }

    #[test]
    fn a_strategy_bids_for_what_it_says() {
        let clicks = BidStrategy::MaximizeClicks.bids_for(Objective::Orders);
        assert!(clicks.is_click());
        assert_eq!(BidStrategy::MaximizeConversions.bids_for(Objective::Orders), Objective::Orders);
        assert_eq!(BidStrategy::MaximizeConversions.bids_for(Objective::Clicks), Objective::Conversions);
        assert_eq!(BidStrategy::of(Objective::Leads), BidStrategy::MaximizeConversions);
    }
}
