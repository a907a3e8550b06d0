//! The days of campaigns that people made: each is claimed, played, and written with everything that follows
//! from it.
//!
//! A day is claimed with a lease and a fence, and nothing counts until its report, its ads and the next state
//! are written as one. A process that dies in between leaves a claim that ends, and the day is played again
//! with the same outcome. A wish of people counts from the next day on; ending a campaign drops a day under
//! way.

use std::sync::Arc;
use std::time::Duration;

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{PlacementId, VariantId};
use spotwright_schemas::money::Micros;
use spotwright_schemas::random::Stream;

use super::Shutdown;
use crate::domain::campaign::{Campaign, Hold};
use crate::domain::campaign_days::{with_day, with_day_of_ad};
use crate::domain::campaign_order::{CampaignEnd, MadeCampaign};
use crate::domain::run::RunView;
use crate::domain::variant::{Variant, VariantState};
use crate::ports::accounts::{AccountError, AccountStore};
use crate::ports::campaigns::{AdDay, CampaignDay, ClaimedCampaign};
use crate::ports::clock::Clock;
use crate::ports::marketplace::{self, CampaignCreative, Held, MarketReport, Marketplace};
use crate::ports::step_store::{StepStore, StoreError};

/// How long a claimed day is nobody else's: longer than playing one takes. Two minutes, in microseconds.
const LEASE_MICROS: i64 = 2 * 60 * 1_000_000;

/// What days are played with.
#[derive(Clone)]
pub struct CampaignPorts {
    /// Campaigns.
    pub accounts: Arc<dyn AccountStore>,
    /// Their runs and variants.
    pub runs: Arc<dyn StepStore>,
    /// Who plays.
    pub market: Arc<dyn Marketplace>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Plays days of campaigns until told to stop. Several may work on one store.
#[derive(Clone)]
pub struct CampaignDays {
    ports: CampaignPorts,
    poll: Duration,
}

impl std::fmt::Debug for CampaignDays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CampaignDays").field("poll", &self.poll).finish_non_exhaustive()
    }
}

/// Why there is no outcome.
enum DayError {
    /// It cannot be played, now or later.
    Permanent(Problem),
    /// The store could not answer: the day is claimed again after the lease.
    Later(String),
}

impl From<StoreError> for DayError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(_) | StoreError::Conflict => Self::Later(error.to_string()),
            _ => Self::Permanent(Problem::new(Code::StoreFormat, "", error.to_string())),
        }
    }
}

/// What is to be played, and which ads take no part any more.
struct Lineup {
    campaign: marketplace::Campaign,
    /// Bit i for the creative i.
    held: u64,
    ended: Vec<PlacementId>,
}

impl CampaignDays {
    /// A player that looks for due days every `poll`, and does nothing yet.
    #[must_use]
    pub fn new(ports: CampaignPorts, poll: Duration) -> Self {
        Self { ports, poll }
    }

    /// Plays until told to stop; a day under way is finished first. Errors of the store are logged and tried
    /// again.
    pub async fn run(self, mut shutdown: Shutdown) {
        while !shutdown.is_set() {
            match self.step().await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "campaigns cannot be served yet"),
            }
            tokio::select! {
                () = shutdown.wait() => break,
                () = tokio::time::sleep(self.poll) => {}
            }
        }
    }

    /// Plays the day that has been due for longest. Whether there was one, and it was written.
    ///
    /// # Errors
    /// [`AccountError`] of the store (retryable): what was claimed is claimed again after its lease.
    pub async fn step(&self) -> Result<bool, AccountError> {
        let now = self.ports.clock.now_micros();
        let lease_until = now.saturating_add(LEASE_MICROS);
        let Some(claimed) = self.ports.accounts.claim_campaign(now, lease_until).await? else {
            return Ok(false);
        };
        let id = claimed.campaign.id;
        let day = match self.day(&claimed, now).await {
            Ok(day) => day,
            Err(DayError::Permanent(problem)) => {
                tracing::error!(campaign.id = %id, %problem, "a day of a campaign cannot be played");
                stopped(&claimed, CampaignEnd::Failed, Some(problem))
            }
            Err(DayError::Later(error)) => {
                tracing::warn!(campaign.id = %id, error, "a day of a campaign is played again later");
                return Ok(false);
            }
        };
        let held = self.ports.accounts.end_campaign_day(&claimed, &day).await?;
        if !held {
            tracing::info!(campaign.id = %id, "a day is dropped, the campaign has changed");
        }
        Ok(held)
    }

    async fn day(&self, claimed: &ClaimedCampaign, now: i64) -> Result<CampaignDay, DayError> {
        let campaign = &claimed.campaign;
        let made = &claimed.made;
        let budget = made.order.budget_of_day(made.days_played, campaign.delivered().spend);
        if budget <= Micros::ZERO {
            return Ok(stopped(claimed, CampaignEnd::Budget, None));
        }
        let run = self.ports.runs.run(campaign.id.run).await?;
        let mut variants = Vec::with_capacity(campaign.ads.len());
        for ad in &campaign.ads {
            variants.push(self.ports.runs.variant(ad.placement.variant).await?);
        }
        let lineup = lineup(campaign, made, &run, &variants, budget)?;
        if lineup.ended.len() == campaign.ads.len() {
            let ended_ads = lineup.ended;
            return Ok(CampaignDay { ended_ads, ..stopped(claimed, CampaignEnd::NoAds, None) });
        }
        let market = Arc::clone(&self.ports.market);
        let played = tokio::task::spawn_blocking(move || {
            let held = Held::default();
            held.set(lineup.held);
            market.play_held(&lineup.campaign, &held).map(|report| (report, lineup.ended))
        });
        let played = played.await.map_err(|error| DayError::Later(error.to_string()))?;
        let (report, ended_ads) =
            played.map_err(|error| DayError::Permanent(Problem::new(Code::Market, "", error.to_string())))?;
        Ok(after(campaign, made, &report, ended_ads, now))
    }
}

/// Ends a campaign without playing another day.
fn stopped(claimed: &ClaimedCampaign, end: CampaignEnd, problem: Option<Problem>) -> CampaignDay {
    CampaignDay {
        report: claimed.campaign.report.clone(),
        ads: Vec::new(),
        ended_ads: Vec::new(),
        made: MadeCampaign { ended: Some(end), problem, ..claimed.made.clone() },
        next_at: None,
    }
}

/// The next day of a campaign.
fn lineup(
    campaign: &Campaign,
    made: &MadeCampaign,
    run: &RunView,
    variants: &[Variant],
    budget: Micros,
) -> Result<Lineup, DayError> {
    let (order, request) = (&made.order, &run.request);
    let mut lineup = Lineup {
        campaign: marketplace::Campaign {
            // Another seed of a campaign on the same run is another market beside the run's own.
            seed: Stream::new(request.seed, "campaign market").bits(order.seed),
            generation: made.days_played + 1,
            category: request.brief.product.category.clone(),
            locale: request.brief.locale,
            objective: order.bid_strategy.bids_for(order.objective),
            placement: order.placement,
            budget,
            currency: order.currency,
            opportunities: order.opportunities_per_day,
            creatives: Vec::with_capacity(variants.len()),
        },
        held: 0,
        ended: Vec::new(),
    };
    for (idx, (ad, variant)) in campaign.ads.iter().zip(variants).enumerate() {
        let placement = &ad.placement;
        let (Some(render), Some(score)) = (&variant.body.final_render, &variant.body.score) else {
            return Err(unfinished(variant.id));
        };
        lineup.campaign.creatives.push(CampaignCreative {
            placement: placement.id,
            variant: variant.id,
            script: variant.body.script.clone(),
            statistics: render.statistics,
            predicted_ctr: score.predicted_ctr,
        });
        let is_withdrawn = variant.state == VariantState::Withdrawn;
        if is_withdrawn || placement.held == Some(Hold::Ended) {
            lineup.ended.push(placement.id);
        }
        if is_withdrawn || placement.held.is_some() {
            lineup.held |= 1 << idx;
        }
    }
    Ok(lineup)
}

fn unfinished(variant: VariantId) -> DayError {
    let message = format!("variant {variant} has no finished video any more");
    DayError::Permanent(Problem::new(Code::CampaignAd, "variants", message))
}

/// What follows from a day that was played.
fn after(
    campaign: &Campaign,
    made: &MadeCampaign,
    report: &MarketReport,
    ended_ads: Vec<PlacementId>,
    now: i64,
) -> CampaignDay {
    let before = |id: PlacementId| {
        let ad = campaign.ads.iter().find(|ad| ad.placement.id == id);
        ad.and_then(|ad| ad.placement.delivery.as_ref())
    };
    let ads: Vec<AdDay> = report
        .creatives
        .iter()
        .map(|row| AdDay { so_far: with_day_of_ad(before(row.placement), row), of_day: row.delivery })
        .collect();
    let spent = campaign.delivered().spend + ads.iter().map(|ad| ad.of_day.spend).sum::<Micros>();
    let order = &made.order;
    let mut made = MadeCampaign { days_played: made.days_played + 1, ..made.clone() };
    made.ended = if made.days_played >= order.days {
        Some(CampaignEnd::Schedule)
    } else if order.budget_of_day(made.days_played, spent) <= Micros::ZERO {
        Some(CampaignEnd::Budget)
    } else {
        None
    };
    let next_at = made.ended.is_none().then(|| order.next_day_at(now));
    let budget = made.order.budget();
    CampaignDay {
        report: Some(with_day(campaign.report.clone(), report, budget)),
        ads,
        ended_ads,
        made,
        next_at,
    }
}
