//! Campaigns: reading them, holding them and their ads, and naming them at platforms.

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{PlacementId, SignalId};
use spotwright_schemas::launch::ExternalRef;

use super::principal::Principal;
use super::results::check_refs;
use super::runs::{self, RunPorts};
use crate::domain::account::Scope;
use crate::domain::audit::Action;
use crate::domain::campaign::{Campaign, CampaignFilter, CampaignId, ServingStatus, ServingWish};
use crate::domain::signal::{Signal, Told};
use crate::ports::accounts::{AccountStore, Page, Positioned};
use crate::ports::entropy::random_id;

/// The organization's campaigns, newest first.
///
/// # Errors
/// `Code::Forbidden` without `results:read`; those of the store.
pub async fn list(
    accounts: &dyn AccountStore,
    by: &Principal,
    filter: &CampaignFilter,
    page: Page,
) -> Result<Vec<Positioned<Campaign>>, Problem> {
    by.expect(Scope::ResultsRead)?;
    Ok(accounts.campaigns(by.context(), filter, page).await?)
}

/// One campaign.
///
/// # Errors
/// `Code::Forbidden` without `results:read`; [`Code::NotFound`].
pub async fn get(accounts: &dyn AccountStore, by: &Principal, id: CampaignId) -> Result<Campaign, Problem> {
    by.expect(Scope::ResultsRead)?;
    Ok(accounts.campaign(by.context(), id).await?)
}

/// The campaign of an ad.
///
/// # Errors
/// As [`get`].
pub async fn of_ad(
    accounts: &dyn AccountStore,
    by: &Principal,
    ad: PlacementId,
) -> Result<Campaign, Problem> {
    by.expect(Scope::ResultsRead)?;
    Ok(accounts.campaign_of(by.context(), ad).await?)
}

/// Pauses, continues or ends a campaign whole; it is durable once it is answered. Answers the campaign after
/// it.
///
/// # Errors
/// `Code::Forbidden` without `runs:write`; [`Code::NotFound`]; [`Code::RunState`] for a campaign that the
/// market has played, one that has ended, and one of a run that has.
pub async fn steer(
    ports: &RunPorts<'_>,
    by: &Principal,
    id: CampaignId,
    wish: ServingWish,
) -> Result<Campaign, Problem> {
    by.expect(Scope::RunsWrite)?;
    let campaign = ports.accounts.campaign(by.context(), id).await?;
    if campaign.made.is_some() {
        steer_made(ports, by, &campaign, None, wish).await?;
    } else {
        tell(ports, by, &campaign, None, wish).await?;
    }
    Ok(ports.accounts.campaign(by.context(), id).await?)
}

/// Pauses, continues or ends one ad, and answers its campaign after it.
///
/// # Errors
/// As [`steer`].
pub async fn steer_ad(
    ports: &RunPorts<'_>,
    by: &Principal,
    ad: PlacementId,
    wish: ServingWish,
) -> Result<Campaign, Problem> {
    by.expect(Scope::RunsWrite)?;
    let campaign = ports.accounts.campaign_of(by.context(), ad).await?;
    if campaign.made.is_some() {
        steer_made(ports, by, &campaign, Some(ad), wish).await?;
    } else {
        tell(ports, by, &campaign, Some(ad), wish).await?;
    }
    Ok(ports.accounts.campaign_of(by.context(), ad).await?)
}

/// A campaign that people made hears of a wish at its next day; no run has to.
async fn steer_made(
    ports: &RunPorts<'_>,
    by: &Principal,
    campaign: &Campaign,
    ad: Option<PlacementId>,
    wish: ServingWish,
) -> Result<(), Problem> {
    let own = ad.and_then(|id| campaign.ads.iter().find(|own| own.placement.id == id));
    let (status, allowed) = match own {
        Some(own) => (campaign.status_of(own), campaign.allows_of(own)),
        None => (campaign.status, campaign.status.allows()),
    };
    if wish.leads_to(status) {
        return Ok(());
    }
    let refused = |status: ServingStatus| {
        let what = if ad.is_some() { "ad" } else { "campaign" };
        Problem::new(Code::RunState, "", format!("the {what} is {}", status.as_str()))
    };
    if !allowed.contains(&wish) {
        return Err(refused(status));
    }
    // A day that was played since it was read may have ended it.
    if !ports.accounts.steer_campaign(by.context(), campaign.id, ad, wish).await? {
        return Err(refused(ServingStatus::Ended));
    }
    let after = serde_json::json!({ "wish": wish, "ad": ad });
    ports
        .record
        .note(by, by.organization, Action::CampaignSteered, ("campaign", campaign.id), Some(after))
        .await;
    Ok(())
}

async fn tell(
    ports: &RunPorts<'_>,
    by: &Principal,
    campaign: &Campaign,
    ad: Option<PlacementId>,
    wish: ServingWish,
) -> Result<(), Problem> {
    // What is so already needs no signal, so wishing again is no other signal.
    let id = SignalId(random_id(ports.record.entropy)?);
    let signal = Signal::Serving { generation: campaign.id.generation(), ad, wish };
    runs::tell(ports, by, campaign.id.run, &Told { id, signal }).await?;
    Ok(())
}

/// Replaces a campaign's names at platforms.
///
/// # Errors
/// `Code::Forbidden` without `results:write`; [`Code::RequestValue`] with the index of a name that is
/// malformed, given twice, or another campaign's; [`Code::NotFound`].
pub async fn put_external_refs(
    ports: &RunPorts<'_>,
    by: &Principal,
    id: CampaignId,
    refs: &[ExternalRef],
) -> Result<Campaign, Problem> {
    by.expect(Scope::ResultsWrite)?;
    check_refs(refs)?;
    if let Some(index) = ports.accounts.put_campaign_refs(by.context(), id, refs).await? {
        let message = "is the name of another campaign";
        return Err(Problem::new(Code::RequestValue, format!("external_refs[{index}].id"), message));
    }
    let after = serde_json::json!({ "campaign": id.to_string(), "external_refs": refs });
    ports.record.note(by, by.organization, Action::CampaignNamed, ("run", id.run), Some(after)).await;
    Ok(ports.accounts.campaign(by.context(), id).await?)
}
