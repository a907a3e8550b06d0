//! Campaigns: what a run places in one generation, what people make of finished ads, their ad groups and ads.

pub(crate) mod ad_groups;
pub(crate) mod ads;
pub(crate) mod create;
pub(crate) mod delivery;
pub(crate) mod end;
pub(crate) mod estimate;
pub(crate) mod external_refs;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod pause;
pub(crate) mod plan;
pub(crate) mod resume;
pub(crate) mod rules;

use serde::Serialize;
use spotwright_core::domain::campaign::{self, CampaignId, ServingStatus, ServingWish};
use spotwright_schemas::event::FeedbackSource;
use utoipa::ToSchema;
use uuid::Uuid;

use self::plan::PlanView;
use super::time;
use crate::auth::Caller;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::variants::external_refs::ExternalRefView;

/// Where a campaign or an ad stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StatusName {
    /// Placed; the market has not opened yet.
    Waiting,
    /// The market shows it.
    Active,
    /// Somebody holds it.
    Paused,
    /// It takes no impressions any more.
    Ended,
}

impl From<ServingStatus> for StatusName {
    fn from(status: ServingStatus) -> Self {
        match status {
            ServingStatus::Waiting => Self::Waiting,
            ServingStatus::Active => Self::Active,
            ServingStatus::Paused => Self::Paused,
            ServingStatus::Ended => Self::Ended,
        }
    }
}

/// What may be wished of a campaign or an ad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WishName {
    /// `POST …/pause`.
    Pause,
    /// `POST …/resume`.
    Resume,
    /// `POST …/end`.
    End,
}

impl WishName {
    pub(crate) fn all_of(wishes: &[ServingWish]) -> Vec<Self> {
        let name = |wish: &ServingWish| match wish {
            ServingWish::Pause => Self::Pause,
            ServingWish::Resume => Self::Resume,
            ServingWish::End => Self::End,
        };
        wishes.iter().map(name).collect()
    }
}

/// Who made a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum OriginName {
    /// A run placed the winners of a generation.
    Run,
    /// People made it of finished ads.
    People,
}

impl OriginName {
    pub(crate) const fn of(campaign: &campaign::Campaign) -> Self {
        if campaign.made.is_some() { Self::People } else { Self::Run }
    }
}

/// A campaign: the winners of one generation of a run in the market, or finished ads that people placed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CampaignView {
    /// Its id: `<run>-g<generation>`, or `<run>-c<number>` where people made it.
    id: String,
    /// Who made it.
    origin: OriginName,
    /// The run.
    run: Uuid,
    /// The generation, from 1; 0 for a campaign that people made.
    generation: u32,
    /// A name for people: what they called it, or the product and the generation.
    name: String,
    /// Where it stands.
    status: StatusName,
    /// What counts, as in the brief, e.g. `clicks`.
    objective: String,
    /// Where it is shown, e.g. `simulated_feed`.
    placement: String,
    /// Whether its numbers are simulated or come from a real platform; never both.
    #[schema(value_type = foreign::FeedbackSource)]
    source: FeedbackSource,
    /// ISO 4217 code.
    currency: Option<String>,
    /// Most that it can spend; `null` until the market has played a run's own.
    budget_micros: Option<i64>,
    /// Impressions of its ads.
    impressions: u64,
    /// Their clicks.
    clicks: u64,
    /// Their conversions.
    conversions: u64,
    /// Their spend.
    spend_micros: i64,
    /// Auctions that it could take part in; `null` until the market has played.
    auctions: Option<u64>,
    /// Auctions that it won; `null` until the market has played.
    won: Option<u64>,
    /// Auctions won of all, in [0, 1]; `null` without auctions.
    win_rate: Option<f64>,
    /// How many ads it has.
    ads: usize,
    /// When it was made, or its run was ordered (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
    /// Its names at platforms.
    external_refs: Vec<ExternalRefView>,
    /// What may be wished of it now.
    allowed: Vec<WishName>,
    /// What people ordered, and how far it has come; `null` for a run's own.
    plan: Option<PlanView>,
}

/// A share of auctions; `None` of none.
pub(crate) fn rate(won: u64, auctions: u64) -> Option<f64> {
    (auctions > 0).then(|| won as f64 / auctions as f64)
}

impl From<campaign::Campaign> for CampaignView {
    fn from(campaign: campaign::Campaign) -> Self {
        let delivered = campaign.delivered();
        let report = campaign.report.as_ref();
        let auctions = report.map(|report| report.auctions);
        let won = report.map(|report| report.won);
        Self {
            id: campaign.id.to_string(),
            run: campaign.id.run.0,
            origin: OriginName::of(&campaign),
            generation: campaign.id.generation(),
            name: campaign.name(),
            status: campaign.status.into(),
            objective: campaign.objective.as_str().to_owned(),
            placement: campaign.placement.as_str().to_owned(),
            // Runs place in the market simulator; other platforms report by import.
            source: report.map_or(FeedbackSource::Simulated, |report| report.source),
            currency: campaign.currency.map(|currency| currency.code().to_owned()),
            budget_micros: campaign.budget().map(|budget| budget.0),
            impressions: delivered.impressions,
            clicks: delivered.clicks,
            conversions: delivered.conversions,
            spend_micros: delivered.spend.0,
            auctions,
            won,
            win_rate: won.zip(auctions).and_then(|(won, auctions)| rate(won, auctions)),
            ads: campaign.ads.len(),
            created_at: time(campaign.created_at),
            external_refs: campaign.external_refs.into_iter().map(ExternalRefView::from).collect(),
            allowed: WishName::all_of(campaign.status.allows()),
            plan: campaign.made.as_ref().map(PlanView::from),
        }
    }
}

/// The id of its one ad group.
pub(crate) fn ad_group_of(campaign: CampaignId) -> String {
    format!("{campaign}-a1")
}

/// Reads the id of a campaign. What is no id names nothing.
pub(crate) fn id(text: &str) -> Result<CampaignId, ApiProblem> {
    text.parse().map_err(|_| ApiProblem::missing("campaign"))
}

/// Tells a campaign something, and answers it.
pub(crate) async fn steer(
    app: &App,
    caller: &Caller,
    id: &str,
    wish: ServingWish,
) -> Result<CampaignView, ApiProblem> {
    let id = self::id(id)?;
    let ports = app.runs(caller);
    let campaign = spotwright_core::use_cases::campaigns::steer(&ports, &caller.principal, id, wish).await?;
    Ok(campaign.into())
}
