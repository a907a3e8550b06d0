//! Campaigns that people make of finished ads: ordering them, estimating them, and what an organization
//! demands.

use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::brief::Objective;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{RunId, VariantId};
use spotwright_schemas::money::{Currency, Micros};

use super::names::check_name;
use super::principal::Principal;
use super::record::Record;
use super::reviews::approvals::{Standing, standing_of};
use super::variants::winners_of;
use crate::domain::account::Scope;
use crate::domain::audit::Action;
use crate::domain::campaign::{Campaign, CampaignFilter};
use crate::domain::campaign_estimate::{CampaignEstimate, EstimateBasis, MeasuredCampaign};
use crate::domain::campaign_order::{BidStrategy, CampaignOrder, MOST_ADS};
use crate::domain::review::ApprovalState;
use crate::domain::variant::{Variant, VariantState};
use crate::ports::accounts::{AccountError, AccountStore, Page, WriteKey, Written};
use crate::ports::campaigns::CampaignRules;
use crate::ports::reviews::ReviewStore;

/// Campaigns that an estimate looks at, and how many it rests on.
const MEASURED_CAMPAIGNS: u32 = 50;
/// Most campaigns that an estimate names.
const NAMED_CAMPAIGNS: usize = 10;

/// What the use cases of campaign orders work with.
#[derive(Clone, Copy)]
pub struct CampaignOrderPorts<'a> {
    /// Campaigns, runs and variants.
    pub accounts: &'a dyn AccountStore,
    /// Approvals.
    pub reviews: &'a dyn ReviewStore,
    /// The audit log, the clock and random bytes.
    pub record: Record<'a>,
}

/// A campaign as it is asked for; what is left out is filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignWish {
    /// Its name; the product's without it.
    pub name: Option<String>,
    /// The run.
    pub run: RunId,
    /// What its ads show; all winners of the run without it.
    pub variants: Option<Vec<VariantId>>,
    /// What counts; the brief's objective without it.
    pub objective: Option<Objective>,
    /// What is bid for; what the objective asks for without it.
    pub bid_strategy: Option<BidStrategy>,
    /// Currency of its amounts; the run's, and no other.
    pub currency: Option<Currency>,
    /// Most that a day may spend.
    pub daily: Option<Micros>,
    /// Most that all days may spend.
    pub total: Option<Micros>,
    /// Seed of the market.
    pub seed: u64,
    /// Views of a logical day for which it may bid.
    pub opportunities_per_day: u64,
    /// When its first day is due; at once without it.
    pub starts_at: Option<i64>,
    /// Logical days.
    pub days: u32,
    /// Seconds of the wall clock between two logical days.
    pub day_seconds: u32,
}

/// Makes a campaign of a run's finished ads. A repeated order is answered with the campaign as it is now.
///
/// # Errors
/// `Code::Forbidden` without `runs:write`; [`Code::RequestValue`] with the field; [`Code::NotFound`] for the
/// run; [`Code::CampaignAd`] for a variant that cannot be shown; those of repeated writes.
pub async fn make(
    ports: &CampaignOrderPorts<'_>,
    by: &Principal,
    write: &WriteKey,
    wish: &CampaignWish,
) -> Result<Written<Campaign>, Problem> {
    by.expect(Scope::RunsWrite)?;
    let accounts = ports.accounts;
    // A repeated order is answered even where the variants could not be shown any more.
    if let Some(answer) = accounts.recall(by.context(), write).await? {
        let id = answer.as_str().and_then(|text| text.parse().ok());
        let wrong = || Problem::new(Code::StoreFormat, "", "the stored answer names no campaign");
        return Ok(Written::Replayed(accounts.campaign(by.context(), id.ok_or_else(wrong)?).await?));
    }
    let order = planned(ports, by, wish).await?;
    match accounts.make_campaign(by.context(), write, wish.run, &order).await? {
        Written::Replayed(id) => Ok(Written::Replayed(accounts.campaign(by.context(), id).await?)),
        Written::Fresh(id) => {
            let after = json!({ "run": wish.run, "name": order.name, "variants": order.variants });
            let target = ("campaign", id);
            ports.record.note(by, by.organization, Action::CampaignMade, target, Some(after)).await;
            Ok(Written::Fresh(accounts.campaign(by.context(), id).await?))
        }
    }
}

/// What a campaign would deliver and spend, if it were made now. Nothing is written.
///
/// # Errors
/// As [`make`].
pub async fn estimate(
    ports: &CampaignOrderPorts<'_>,
    by: &Principal,
    wish: &CampaignWish,
) -> Result<CampaignEstimate, Problem> {
    by.expect(Scope::RunsWrite)?;
    let order = planned(ports, by, wish).await?;
    let page = Page { before: None, limit: MEASURED_CAMPAIGNS };
    for basis in [EstimateBasis::Run, EstimateBasis::Organization] {
        let run = (basis == EstimateBasis::Run).then_some(wish.run);
        let filter = CampaignFilter { run, ..CampaignFilter::default() };
        let found = ports.accounts.campaigns(by.context(), &filter, page).await?;
        let in_currency = found.iter().filter(|row| row.row.currency == Some(order.currency));
        let measured: Vec<MeasuredCampaign> =
            in_currency.filter_map(|row| MeasuredCampaign::of(&row.row)).take(NAMED_CAMPAIGNS).collect();
        if !measured.is_empty() {
            return Ok(CampaignEstimate::of(order, basis, measured));
        }
    }
    Ok(CampaignEstimate::of(order, EstimateBasis::None, Vec::new()))
}

/// What the organization demands of campaigns.
///
/// # Errors
/// Those of the store.
pub async fn rules(accounts: &dyn AccountStore, by: &Principal) -> Result<CampaignRules, Problem> {
    Ok(accounts.campaign_rules(by.context()).await?)
}

/// Changes what the organization demands of campaigns.
///
/// # Errors
/// `Code::Forbidden` without `members:admin`; those of the store.
pub async fn set_rules(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    rules: CampaignRules,
) -> Result<CampaignRules, Problem> {
    by.expect(Scope::MembersAdmin)?;
    accounts.set_campaign_rules(by.context(), rules).await?;
    let after = json!({ "approval_required": rules.approval_required });
    let target = ("organization", by.organization);
    record.note(by, by.organization, Action::CampaignRulesSet, target, Some(after)).await;
    Ok(rules)
}

/// The order behind a wish, checked.
async fn planned(
    ports: &CampaignOrderPorts<'_>,
    by: &Principal,
    wish: &CampaignWish,
) -> Result<CampaignOrder, Problem> {
    let accounts = ports.accounts;
    let Some(ordered) = accounts.run(by.context(), wish.run).await?.order else {
        let message =
            "was not ordered from this service, so that it is not known in which currency it spends";
        return Err(Problem::new(Code::CampaignAd, "run", message));
    };
    if let Some(asked) = wish.currency.filter(|asked| *asked != ordered.currency) {
        let message = format!(
            "the run is in {}, and its campaigns too, not in {}",
            ordered.currency.code(),
            asked.code()
        );
        return Err(Problem::new(Code::RequestValue, "budget.currency", message));
    }
    let brief = accounts.brief(by.context(), ordered.brief).await?.brief;
    let Some(placement) = brief.placements.first().copied() else {
        return Err(Problem::new(Code::StoreFormat, "placements", "the run's brief names no placement"));
    };
    let objective = wish.objective.unwrap_or(brief.objective);
    if let Some(name) = &wish.name {
        check_name("name", name)?;
    }
    let order = CampaignOrder {
        name: wish.name.clone().unwrap_or_else(|| brief.product.name.clone()),
        product: brief.product.name,
        variants: shown(ports, by, wish).await?,
        objective,
        bid_strategy: wish.bid_strategy.unwrap_or_else(|| BidStrategy::of(objective)),
        placement,
        currency: ordered.currency,
        daily: wish.daily,
        total: wish.total,
        seed: wish.seed,
        opportunities_per_day: wish.opportunities_per_day,
        starts_at: wish.starts_at.unwrap_or_else(|| ports.record.clock.now_micros()),
        days: wish.days,
        day_seconds: wish.day_seconds,
    };
    order.check()?;
    Ok(order)
}

/// What the ads show: the asked variants, or all winners of the run. Each is checked.
async fn shown(
    ports: &CampaignOrderPorts<'_>,
    by: &Principal,
    wish: &CampaignWish,
) -> Result<Vec<VariantId>, Problem> {
    let rules = ports.accounts.campaign_rules(by.context()).await?;
    let Some(asked) = &wish.variants else {
        let winners = winners_of(ports.accounts, by, wish.run).await?;
        if winners.is_empty() {
            return Err(Problem::new(Code::CampaignAd, "run", "has no winner yet"));
        }
        for winner in winners.iter().take(MOST_ADS) {
            check_ad(ports, by, winner, "run", rules).await?;
        }
        return Ok(winners.into_iter().take(MOST_ADS).map(|winner| winner.id).collect());
    };
    if asked.is_empty() || asked.len() > MOST_ADS {
        let message = format!("must be 1 to {MOST_ADS} variants");
        return Err(Problem::new(Code::RequestValue, "variants", message));
    }
    for (idx, id) in asked.iter().enumerate() {
        let field = format!("variants[{idx}]");
        if asked.iter().take(idx).any(|other| other == id) {
            return Err(Problem::new(Code::RequestValue, field, "is given twice"));
        }
        let variant = match ports.accounts.variant(by.context(), *id).await {
            Ok((variant, _)) if variant.run == wish.run => variant,
            Ok(_) | Err(AccountError::Missing(_)) => {
                return Err(Problem::new(Code::CampaignAd, field, "is no variant of the run"));
            }
            Err(error) => return Err(error.into()),
        };
        check_ad(ports, by, &variant, &field, rules).await?;
    }
    Ok(asked.clone())
}

/// Refuses a variant that must not be shown.
async fn check_ad(
    ports: &CampaignOrderPorts<'_>,
    by: &Principal,
    variant: &Variant,
    field: &str,
    rules: CampaignRules,
) -> Result<(), Problem> {
    let refused = |why: &str| {
        let message = format!("variant {}-{:02} {why}", variant.generation, variant.number);
        Err(Problem::new(Code::CampaignAd, field, message))
    };
    match variant.state {
        VariantState::Withdrawn => return refused("was withdrawn"),
        VariantState::Rejected => return refused("was rejected"),
        VariantState::Failed => return refused("has failed"),
        _ => {}
    }
    if variant.body.final_render.is_none() || variant.body.score.is_none() {
        return refused("has no finished video");
    }
    if variant.final_gate != Some(true) {
        return refused("did not pass the quality gate");
    }
    match standing_of(ports.reviews, by.organization, variant).await? {
        Standing::Said(ApprovalState::Approved) => Ok(()),
        Standing::None if !rules.approval_required => Ok(()),
        Standing::None => refused("was not approved, which the organization demands"),
        Standing::Said(ApprovalState::Waiting) => refused("waits for an approval"),
        Standing::Said(_) => refused("was not approved: changes were requested"),
        Standing::Void => refused("was changed after it was reviewed"),
    }
}
