//! Serving: pausing, continuing and ending the generation's campaign and its ads, while there is one.
//!
//! What is wished is remembered with the run; the market hears of it before it opens, and while it plays. A paused
//! campaign that has not begun waits for the market; one that has begun goes on in time without impressions.

use serde::{Deserialize, Serialize};
use serde_json::json;
use spotwright_core::domain::campaign::{Hold, HoldChange, ServingWish};
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::variant::Placement;
use spotwright_core::ports::marketplace::Campaign;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::PlacementId;

use crate::workflow::decide::Decision;
use crate::workflow::trace::{Chapter, line};

/// What is held of the generation's campaign.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holds {
    /// The campaign whole.
    pub campaign: Option<Hold>,
    /// Single ads.
    pub ads: Vec<(PlacementId, Hold)>,
    /// How often something was wished; numbers the lines of the trace.
    pub wishes: u32,
}

impl Holds {
    /// Whether nothing was ever wished.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    fn of(&self, ad: Option<PlacementId>) -> Option<Hold> {
        match ad {
            None => self.campaign,
            Some(ad) => self.ads.iter().find(|(own, _)| *own == ad).map(|(_, hold)| *hold),
        }
    }

    fn set(&mut self, ad: Option<PlacementId>, hold: Option<Hold>) {
        match ad {
            None => self.campaign = hold,
            Some(ad) => {
                self.ads.retain(|(own, _)| *own != ad);
                self.ads.extend(hold.map(|hold| (ad, hold)));
            }
        }
    }

    /// What the market is told: bit i for the campaign's ad i.
    #[must_use]
    pub fn bits(&self, campaign: &Campaign) -> u64 {
        if self.campaign.is_some() {
            return u64::MAX;
        }
        let held = |placement| self.of(Some(placement)).is_some();
        let bits = campaign.creatives.iter().enumerate().filter(|(_, own)| held(own.placement));
        bits.fold(0, |bits, (place, _)| bits | 1 << place)
    }
}

impl Decision<'_> {
    /// Takes in a wish. Whether anything follows from it. `placements` are those of the run's generation.
    pub(in crate::workflow) fn served(
        &mut self,
        generation: u32,
        ad: Option<PlacementId>,
        wish: ServingWish,
        placements: &[Placement],
        by: &str,
    ) -> Result<bool, Problem> {
        let is_open =
            generation == self.run.generation && matches!(self.run.stage, Stage::Rendering | Stage::Playing);
        if !is_open {
            let message = "the market has played this campaign, or there is none yet";
            return Err(Problem::new(Code::RunState, "", message));
        }
        let variant = match ad {
            None if placements.is_empty() => return Err(missing("campaign")),
            None => None,
            Some(ad) => {
                let placement = placements.iter().find(|own| own.id == ad).ok_or_else(|| missing("ad"))?;
                if placement.ended || placement.delivery.is_some() {
                    return Err(Problem::new(Code::RunState, "", "the ad has ended"));
                }
                Some(placement.variant)
            }
        };
        let hold = match (self.state.holds.of(ad), wish) {
            (Some(Hold::Ended), ServingWish::End)
            | (Some(Hold::Paused), ServingWish::Pause)
            | (None, ServingWish::Resume) => return Ok(false),
            (Some(Hold::Ended), _) => return Err(Problem::new(Code::RunState, "", "it was ended")),
            (_, ServingWish::Pause) => Some(Hold::Paused),
            (_, ServingWish::End) => Some(Hold::Ended),
            (_, ServingWish::Resume) => None,
        };
        self.state.holds.set(ad, hold);
        self.commit.holds.push(HoldChange { generation, ad, hold });
        let number = self.state.holds.wishes;
        self.state.holds.wishes += 1;
        let detail = json!({ "wish": wish, "ad": ad, "by": by });
        self.commit.trace.push(line(generation, Chapter::Served, number, "campaign.told", variant, detail));
        self.changed = true;
        Ok(true)
    }
}

fn missing(what: &str) -> Problem {
    Problem::new(Code::NotFound, "", format!("there is no such {what}"))
}
