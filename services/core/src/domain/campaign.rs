//! Campaigns: what a run places in one generation, and the advertisements in it.
//!
//! A campaign has one ad group for the placement kind that its videos are made for, and an ad for each
//! winner. People make others of what a run has finished; see [`super::campaign_order`].
//! Ads can be held: a paused one takes no impressions until it goes on, an ended one never again.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use spotwright_schemas::brief::Objective;
use spotwright_schemas::ids::{PlacementId, RunId};
use spotwright_schemas::launch::ExternalRef;
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::outcome::Delivery;
use spotwright_schemas::placement::PlacementKind;

use super::campaign_order::MadeCampaign;
use super::variant::Placement;
use crate::ports::marketplace::MarketReport;

/// Which campaign of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CampaignNumber {
    /// The one of a generation, from 1, that the run itself placed.
    Generation(u32),
    /// One that people made, numbered from 1 within the run.
    Made(u32),
}

/// The name of a campaign: its run, and which of it. Written `<run>-g<generation>`, or `<run>-c<number>`
/// where people made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CampaignId {
    /// The run.
    pub run: RunId,
    /// Which of its campaigns.
    pub number: CampaignNumber,
}

impl CampaignId {
    /// The campaign of a generation.
    #[must_use]
    pub const fn of_generation(run: RunId, generation: u32) -> Self {
        Self { run, number: CampaignNumber::Generation(generation) }
    }

    /// A campaign that people made.
    #[must_use]
    pub const fn made(run: RunId, number: u32) -> Self {
        Self { run, number: CampaignNumber::Made(number) }
    }

    /// The generation that was placed; 0 for a campaign that people made.
    #[must_use]
    pub const fn generation(self) -> u32 {
        match self.number {
            CampaignNumber::Generation(generation) => generation,
            CampaignNumber::Made(_) => 0,
        }
    }
}

impl fmt::Display for CampaignId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            CampaignNumber::Generation(generation) => write!(f, "{}-g{generation}", self.run),
            CampaignNumber::Made(number) => write!(f, "{}-c{number}", self.run),
        }
    }
}

/// A text that names no campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no name of a campaign")]
pub struct NoCampaign;

impl FromStr for CampaignId {
    type Err = NoCampaign;

    fn from_str(text: &str) -> Result<Self, NoCampaign> {
        let read = |run: &str, number: &str| -> Result<(RunId, u32), NoCampaign> {
            let number = number.parse::<u32>().ok().filter(|number| *number > 0).ok_or(NoCampaign)?;
            Ok((run.parse().map_err(|_| NoCampaign)?, number))
        };
        let id = if let Some((run, generation)) = text.rsplit_once("-g") {
            read(run, generation).map(|(run, generation)| Self::of_generation(run, generation))?
        } else {
            let (run, number) = text.rsplit_once("-c").ok_or(NoCampaign)?;
            read(run, number).map(|(run, number)| Self::made(run, number))?
        };
        // One spelling only.
        if id.to_string() == text { Ok(id) } else { Err(NoCampaign) }
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

impl ServingWish {
    /// Whether something in this state is what is wished already.
    #[must_use]
    pub const fn leads_to(self, status: ServingStatus) -> bool {
        match self {
            Self::Pause => matches!(status, ServingStatus::Paused),
            Self::Resume => matches!(status, ServingStatus::Waiting | ServingStatus::Active),
            Self::End => matches!(status, ServingStatus::Ended),
        }
    }
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
    /// What people ordered, and how far it has come; `None` for a run's own.
    pub made: Option<MadeCampaign>,
}

impl Campaign {
    /// A name for people.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.made {
            Some(made) => made.order.name.clone(),
            None => format!("{}, generation {}", self.product, self.id.generation()),
        }
    }

    /// Most that it could spend; `None` until the market has played a run's own.
    #[must_use]
    pub fn budget(&self) -> Option<Micros> {
        match &self.made {
            Some(made) => Some(made.order.budget()),
            None => self.report.as_ref().map(|report| report.budget),
        }
    }

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
        // A run's own campaign is played once; one that people made goes on the next day.
        let is_played = placement.delivery.is_some() && self.made.is_none();
        if is_played || placement.ended || self.status == ServingStatus::Ended {
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
        let run = RunId::derive(1, "run", 1);
        let id = CampaignId::of_generation(run, 12);
        assert_eq!(id.to_string().parse(), Ok(id));
        let made = CampaignId::made(run, 12);
        assert_eq!((made.to_string(), made.to_string().parse()), (format!("{run}-c12"), Ok(made)));
        for wrong in [
            format!("{}-g0", id.run),
            format!("{}-g012", id.run),
            format!("{}-g+1", id.run),
            id.run.to_string(),
            format!("{}-g1", id.run.to_string().to_uppercase()),
            "-g1".to_owned(),
            format!("{}-c0", id.run),
            format!("{}-c01", id.run),
        ] {
            assert_eq!(wrong.parse::<CampaignId>(), Err(NoCampaign), "{wrong}");
        }
    }
}
