//! Campaigns: what a run places in one generation, and the advertisements in it.
//!
//! A campaign has one ad group for the placement kind that its videos are made for, and an ad for each winner.
//! Ads can be held: a paused one takes no impressions until it goes on, an ended one never again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use spotwright_schemas::brief::Objective;
use spotwright_schemas::ids::{PlacementId, RunId};
use spotwright_schemas::launch::ExternalRef;
use spotwright_schemas::money::Currency;
use spotwright_schemas::outcome::Delivery;
use spotwright_schemas::placement::PlacementKind;

use super::variant::Placement;
use crate::ports::marketplace::MarketReport;

/// The name of a campaign: its run, and the generation of it that was placed. Written `<run>-g<generation>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CampaignId {
    /// The run.
    pub run: RunId,
    /// The generation, from 1.
    pub generation: u32,
}

impl fmt::Display for CampaignId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-g{}", self.run, self.generation)
    }
}

/// A text that names no campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no name of a campaign")]
pub struct NoCampaign;

impl FromStr for CampaignId {
    type Err = NoCampaign;

    fn from_str(text: &str) -> Result<Self, NoCampaign> {
        let (run, generation) = text.rsplit_once("-g").ok_or(NoCampaign)?;
        let id = Self {
            run: run.parse().map_err(|_| NoCampaign)?,
            generation: generation.parse().map_err(|_| NoCampaign)?,
        };
        // One spelling only.
        if id.generation > 0 && id.to_string() == text { Ok(id) } else { Err(NoCampaign) }
    }
}

/// What somebody wishes of a campaign or an ad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServingWish {
    /// No impressions until it goes on.
    Pause,
    /// Goes on.
    Resume,
    /// No impressions any more.
    End,
}

/// How a campaign or an ad is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Until it goes on.
    Paused,
    /// For good.
    Ended,
}

impl Hold {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }
}

/// A change of what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldChange {
    /// The generation of the campaign.
    pub generation: u32,
    /// The ad; `None`: the campaign whole.
    pub ad: Option<PlacementId>,
    /// How it is held now; `None`: not.
    pub hold: Option<Hold>,
}

/// Where a campaign or an ad stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServingStatus {
    /// Placed; the market has not opened yet.
    Waiting,
    /// The market shows it.
    Active,
    /// Somebody holds it.
    Paused,
    /// It takes no impressions any more.
    Ended,
}

impl ServingStatus {
    /// All.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Active, Self::Paused, Self::Ended];

    /// As written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Ended => "ended",
        }
    }

    /// What may be wished of something in this state.
    #[must_use]
    pub const fn allows(self) -> &'static [ServingWish] {
        match self {
            Self::Waiting | Self::Active => &[ServingWish::Pause, ServingWish::End],
            Self::Paused => &[ServingWish::Resume, ServingWish::End],
            Self::Ended => &[],
        }
    }
}

/// An ad of a campaign.
#[derive(Debug, Clone, PartialEq)]
pub struct Ad {
    /// Its placement, with what was delivered.
    pub placement: Placement,
    /// The ads of platforms that show its variant.
    pub external_refs: Vec<ExternalRef>,
}

/// A campaign as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Campaign {
    /// Its name.
    pub id: CampaignId,
    /// The product that it sells.
    pub product: String,
    /// What counts.
    pub objective: Objective,
    /// Where it is shown.
    pub placement: PlacementKind,
    /// Currency of its amounts; `None` for a run that an older program wrote without one.
    pub currency: Option<Currency>,
    /// Where it stands.
    pub status: ServingStatus,
    /// When its run was made.
    pub created_at: i64,
    /// What the market said of it, without what became of each ad; `None` until it was played, and for what
    /// an older program played.
    pub report: Option<MarketReport>,
    /// Its ads, by variant.
    pub ads: Vec<Ad>,
    /// Its names at platforms.
    pub external_refs: Vec<ExternalRef>,
}

impl Campaign {
    /// What its ads delivered together.
    #[must_use]
    pub fn delivered(&self) -> Delivery {
        let rows = self.ads.iter().filter_map(|ad| ad.placement.delivery.as_ref()).map(|row| row.delivery);
        rows.fold(Delivery::default(), |sum, row| Delivery {
            impressions: sum.impressions + row.impressions,
            clicks: sum.clicks + row.clicks,
            conversions: sum.conversions + row.conversions,
            spend: sum.spend + row.spend,
        })
    }

    /// Where one of its ads stands.
    #[must_use]
    pub fn status_of(&self, ad: &Ad) -> ServingStatus {
        let placement = &ad.placement;
        if placement.delivery.is_some() || placement.ended || self.status == ServingStatus::Ended {
            return ServingStatus::Ended;
        }
        match placement.held {
            Some(Hold::Ended) => ServingStatus::Ended,
            Some(Hold::Paused) => ServingStatus::Paused,
            None => self.status,
        }
    }

    /// What may be wished of one of its ads. One of a paused campaign goes on with the campaign, not alone.
    #[must_use]
    pub fn allows_of(&self, ad: &Ad) -> &'static [ServingWish] {
        match (self.status_of(ad), ad.placement.held) {
            (ServingStatus::Paused, None) => ServingStatus::Waiting.allows(),
            (status, _) => status.allows(),
        }
    }
}

/// Which campaigns are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CampaignFilter {
    /// Only those of this run.
    pub run: Option<RunId>,
    /// Only those that stand here.
    pub status: Option<ServingStatus>,
    /// Only those with this objective.
    pub objective: Option<Objective>,
    /// Only the one with this name at a platform: platform and id.
    pub external: Option<(String, String)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_is_named_by_its_run_and_generation_in_one_spelling() {
        let id = CampaignId { run: RunId::derive(1, "run", 1), generation: 12 };
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in [
            format!("{}-g0", id.run),
            format!("{}-g012", id.run),
            format!("{}-g+1", id.run),
            id.run.to_string(),
            format!("{}-g1", id.run.to_string().to_uppercase()),
            "-g1".to_owned(),
        ] {
            assert_eq!(wrong.parse::<CampaignId>(), Err(NoCampaign), "{wrong}");
        }
    }
}
