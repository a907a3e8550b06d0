//! What people ordered of a campaign, and how far it has come.

use serde::{Deserialize, Serialize};
use spotwright_core::domain::campaign_order::{BidStrategy, CampaignEnd, MadeCampaign};
use utoipa::ToSchema;

use crate::v1::time;

/// What is bid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StrategyName {
    /// Every click is worth the same.
    MaximizeClicks,
    /// A click is worth what clicks of its segment of the audience have led to.
    MaximizeConversions,
}

impl From<StrategyName> for BidStrategy {
    fn from(name: StrategyName) -> Self {
        match name {
            StrategyName::MaximizeClicks => Self::MaximizeClicks,
            StrategyName::MaximizeConversions => Self::MaximizeConversions,
        }
    }
}

impl From<BidStrategy> for StrategyName {
    fn from(strategy: BidStrategy) -> Self {
        match strategy {
            BidStrategy::MaximizeClicks => Self::MaximizeClicks,
            BidStrategy::MaximizeConversions => Self::MaximizeConversions,
        }
    }
}

/// Why a campaign that people made has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EndName {
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

impl From<CampaignEnd> for EndName {
    fn from(end: CampaignEnd) -> Self {
        match end {
            CampaignEnd::Schedule => Self::Schedule,
            CampaignEnd::Budget => Self::Budget,
            CampaignEnd::Person => Self::Person,
            CampaignEnd::NoAds => Self::NoAds,
            CampaignEnd::Failed => Self::Failed,
        }
    }
}

/// What people ordered of a campaign, and how far it has come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanView {
    /// What is bid for.
    bid_strategy: StrategyName,
    /// Most that a day may spend; `null`: what is left is divided evenly among the days to come.
    daily_micros: Option<i64>,
    /// Most that all days together may spend; `null`: as much as the days may.
    total_micros: Option<i64>,
    /// Seed of the market.
    seed: u64,
    /// Views of a logical day for which it may bid.
    opportunities_per_day: u64,
    /// When its first day is due (RFC 3339, UTC).
    #[schema(format = DateTime)]
    starts_at: String,
    /// Logical days.
    days: u32,
    /// Seconds of the wall clock between two logical days; 0 for full speed.
    day_seconds: u32,
    /// Logical days that were played.
    days_played: u32,
    /// Why it has ended; `null`: it has not.
    stopped_because: Option<EndName>,
    /// What stopped it, where it cannot be played.
    problem: Option<String>,
}

impl From<&MadeCampaign> for PlanView {
    fn from(made: &MadeCampaign) -> Self {
        let order = &made.order;
        Self {
            bid_strategy: order.bid_strategy.into(),
            daily_micros: order.daily.map(|amount| amount.0),
            total_micros: order.total.map(|amount| amount.0),
            seed: order.seed,
            opportunities_per_day: order.opportunities_per_day,
            starts_at: time(order.starts_at),
            days: order.days,
            day_seconds: order.day_seconds,
            days_played: made.days_played,
            stopped_because: made.ended.map(EndName::from),
            problem: made.problem.as_ref().map(ToString::to_string),
        }
    }
}
