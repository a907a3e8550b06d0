//! The contract of [`Campaigns`](spotwright_core::ports::campaigns::Campaigns): clauses that are run with
//! [`crate::account_store_suite`].

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::sync::Arc;

use spotwright_core::domain::campaign::{
    Ad, Campaign, CampaignFilter, CampaignId, Hold, HoldChange, ServingStatus, ServingWish,
};
use spotwright_core::domain::campaign_days::with_day_of_ad;
use spotwright_core::domain::campaign_order::{BidStrategy, CampaignEnd, CampaignOrder, MadeCampaign};
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::variant::{Placement, VariantState};
use spotwright_core::ports::accounts::{AccountStore, Page, Positioned, WriteKey, Written};
use spotwright_core::ports::campaigns::{AdDay, CampaignDay, CampaignRules, ClaimedCampaign};
use spotwright_core::ports::step_store::{Commit, StepStore, StoreError};
use spotwright_schemas::brief::Objective;
use spotwright_schemas::ids::{PlacementId, RunId, VariantId};
use spotwright_schemas::launch::ExternalRef;
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::placement::PlacementKind;

use super::accounts::{commit, is_missing, organization};
use crate::fixtures;

const ALL: Page = Page { before: None, limit: 100 };

/// A run of the first organization with two winners of one generation that are placed.
async fn placed<S: StepStore>(store: &S, number: u64) -> (CampaignId, Vec<Placement>) {
    let run = fixtures::run(number);
    store.create_run(&run, Commit::default()).await.expect("a run");
    let variants: Vec<_> =
        [1, 2].map(|number| fixtures::variant(run.id, 1, number, VariantState::Won)).to_vec();
    let placements: Vec<_> = variants.iter().map(fixtures::placement).collect();
    let update = Some(fixtures::update(Stage::Rendering, 1));
    let written = Commit { run: update, variants, placements: placements.clone(), ..Commit::default() };
    commit(store, run.id, written).await;
    (CampaignId::of_generation(run.id, 1), placements)
}

fn ids(rows: &[Positioned<Campaign>]) -> Vec<CampaignId> {
    rows.iter().map(|row| row.row.id).collect()
}

fn hold(ad: Option<PlacementId>, hold: Option<Hold>) -> Commit {
    Commit { holds: vec![HoldChange { generation: 1, ad, hold }], ..Commit::default() }
}

async fn stage<S: StepStore>(store: &S, run: RunId, stage: Stage) {
    let update = Some(fixtures::update(stage, 1));
    commit(store, run, Commit { run: update, ..Commit::default() }).await;
}

/// Clauses 1 and 2: newest first, whole in pages, by what is asked, and only the own.
pub async fn campaigns_are_read_whole_and_newest_first<S: StepStore + AccountStore>(store: Arc<S>) {
    let (owner, stranger) = (organization(&*store, 1).await, organization(&*store, 2).await);
    let (first, placements) = placed(&*store, 1).await;
    let (second, _) = placed(&*store, 2).await;
    let any = CampaignFilter::default();
    let all = store.campaigns(owner, &any, ALL).await.expect("campaigns");
    assert_eq!(ids(&all), [second, first]);
    let one = &all[1].row;
    assert_eq!(
        one.ads.iter().map(|ad| ad.placement.id).collect::<Vec<_>>(),
        [placements[0].id, placements[1].id]
    );
    assert_eq!((one.product.as_str(), one.objective), ("Hill tea", Objective::Clicks));
    assert_eq!((one.status, &one.report), (ServingStatus::Waiting, &None));
    assert_eq!(store.campaign(owner, first).await.expect("the campaign"), *one);
    assert_eq!(store.campaign_of(owner, placements[1].id).await.expect("its campaign").id, first);

    let page = Page { before: None, limit: 1 };
    let newest = store.campaigns(owner, &any, page).await.expect("a page");
    let next = Page { before: newest.last().map(|row| row.position), limit: 1 };
    assert_eq!(ids(&store.campaigns(owner, &any, next).await.expect("the next page")), [first]);

    stage(&*store, second.run, Stage::Playing).await;
    let of = |status| CampaignFilter { status: Some(status), ..CampaignFilter::default() };
    assert_eq!(ids(&store.campaigns(owner, &of(ServingStatus::Active), ALL).await.expect("read")), [second]);
    assert_eq!(ids(&store.campaigns(owner, &of(ServingStatus::Waiting), ALL).await.expect("read")), [first]);
    let of_run = CampaignFilter { run: Some(first.run), ..CampaignFilter::default() };
    assert_eq!(ids(&store.campaigns(owner, &of_run, ALL).await.expect("read")), [first]);
    let clicks = CampaignFilter { objective: Some(Objective::Clicks), ..CampaignFilter::default() };
    assert_eq!(store.campaigns(owner, &clicks, ALL).await.expect("read").len(), 2);
    let leads = CampaignFilter { objective: Some(Objective::Leads), ..CampaignFilter::default() };
    assert!(store.campaigns(owner, &leads, ALL).await.expect("read").is_empty());

    assert!(store.campaigns(stranger, &any, ALL).await.expect("read").is_empty());
    assert!(is_missing(&store.campaign(stranger, first).await));
    assert!(is_missing(&store.campaign_of(stranger, placements[0].id).await));
    assert!(is_missing(&store.campaign(owner, CampaignId::of_generation(first.run, 2)).await));
}

/// What is held is read back, and what a campaign's state is follows from it and from its run.
pub async fn what_is_held_of_a_campaign_is_read_back<S: StepStore + AccountStore>(store: Arc<S>) {
    let owner = organization(&*store, 1).await;
    let (id, placements) = placed(&*store, 1).await;
    let read = async || store.campaign(owner, id).await.expect("the campaign");
    let ad = placements[0].id;

    commit(&*store, id.run, hold(Some(ad), Some(Hold::Paused))).await;
    let campaign = read().await;
    let (held, free) = (&campaign.ads[0], &campaign.ads[1]);
    assert_eq!((held.placement.held, free.placement.held), (Some(Hold::Paused), None));
    assert_eq!(campaign.status_of(held), ServingStatus::Paused);
    assert_eq!(campaign.allows_of(held), [ServingWish::Resume, ServingWish::End]);
    assert_eq!(campaign.status_of(free), ServingStatus::Waiting);

    commit(&*store, id.run, hold(None, Some(Hold::Paused))).await;
    let campaign = read().await;
    assert_eq!(campaign.status, ServingStatus::Paused);
    assert_eq!(campaign.status_of(&campaign.ads[1]), ServingStatus::Paused);
    assert_eq!(campaign.allows_of(&campaign.ads[1]), [ServingWish::Pause, ServingWish::End]);

    commit(&*store, id.run, hold(None, None)).await;
    commit(&*store, id.run, hold(Some(ad), Some(Hold::Ended))).await;
    let campaign = read().await;
    assert_eq!(
        (campaign.status, campaign.status_of(&campaign.ads[0])),
        (ServingStatus::Waiting, ServingStatus::Ended)
    );

    let deliveries = placements.iter().map(|own| (own.id, fixtures::delivery(own))).collect();
    let played = Some((1, fixtures::report()));
    commit(&*store, id.run, Commit { deliveries, played, ..Commit::default() }).await;
    stage(&*store, id.run, Stage::Observing).await;
    let campaign = read().await;
    assert_eq!((campaign.status, campaign.report.clone()), (ServingStatus::Ended, Some(fixtures::report())));
    assert_eq!((campaign.delivered().impressions, campaign.delivered().clicks), (600, 14));
    assert!(campaign.allows_of(&campaign.ads[1]).is_empty());

    let strange = hold(Some(PlacementId::derive(9, "placement", 9)), None);
    let version = StepStore::run(&*store, id.run).await.expect("the run").version;
    let refused = store.amend(id.run, version, strange).await;
    assert!(matches!(refused, Err(StoreError::Missing(_))), "{refused:?}");
}

/// Clause 4.
pub async fn a_name_at_a_platform_is_of_one_campaign<S: StepStore + AccountStore>(store: Arc<S>) {
    let (owner, stranger) = (organization(&*store, 1).await, organization(&*store, 2).await);
    let ((first, _), (second, _)) = (placed(&*store, 1).await, placed(&*store, 2).await);
    let own = |id: &str| ExternalRef {
        platform: "meta".to_owned(),
        account: "act_1".to_owned(),
        id: id.to_owned(),
    };
    let named = [own("1"), own("2")];
    assert_eq!(store.put_campaign_refs(owner, first, &named).await.expect("written"), None);
    assert_eq!(store.campaign(owner, first).await.expect("read").external_refs, named);
    let taken = store.put_campaign_refs(owner, second, &[own("3"), own("2")]).await.expect("answered");
    assert_eq!(taken, Some(1));
    assert!(store.campaign(owner, second).await.expect("read").external_refs.is_empty());
    assert_eq!(store.put_campaign_refs(owner, first, &[own("1")]).await.expect("written"), None);
    assert_eq!(store.put_campaign_refs(owner, second, &[own("2")]).await.expect("written"), None);
    let named =
        CampaignFilter { external: Some(("meta".to_owned(), "2".to_owned())), ..CampaignFilter::default() };
    assert_eq!(ids(&store.campaigns(owner, &named, ALL).await.expect("read")), [second]);
    assert!(is_missing(&store.put_campaign_refs(stranger, first, &[]).await));
}

fn order(variants: Vec<VariantId>) -> CampaignOrder {
    CampaignOrder {
        name: "Autumn".to_owned(),
        product: "Hill tea".to_owned(),
        variants,
        objective: Objective::Clicks,
        bid_strategy: BidStrategy::MaximizeClicks,
        placement: PlacementKind::SimulatedFeed,
        currency: Currency::USD,
        daily: Some(Micros(10)),
        total: None,
        seed: 1,
        opportunities_per_day: 1_000,
        starts_at: 50,
        days: 2,
        day_seconds: 0,
    }
}

/// What follows from a day of a claimed campaign in which every ad delivered as the fixture does.
fn played(claimed: &ClaimedCampaign, next_at: Option<i64>) -> CampaignDay {
    let ad = |ad: &Ad| {
        let of_day = fixtures::delivery(&ad.placement);
        AdDay { of_day: of_day.delivery, so_far: with_day_of_ad(ad.placement.delivery.as_ref(), &of_day) }
    };
    let days_played = claimed.made.days_played + 1;
    let ended = next_at.is_none().then_some(CampaignEnd::Schedule);
    CampaignDay {
        report: Some(fixtures::report()),
        ads: claimed.campaign.ads.iter().map(ad).collect(),
        ended_ads: Vec::new(),
        made: MadeCampaign { days_played, ended, ..claimed.made.clone() },
        next_at,
    }
}

/// Clauses 5 and 6.
pub async fn a_made_campaign_is_numbered_and_each_day_ended_by_its_claim<S: StepStore + AccountStore>(
    store: Arc<S>,
) {
    let (owner, stranger) = (organization(&*store, 1).await, organization(&*store, 2).await);
    let (own, placements) = placed(&*store, 1).await;
    let order = order(placements.iter().map(|placement| placement.variant).collect());
    let key = |text: &str| WriteKey { key: text.to_owned(), fingerprint: [1; 32] };
    assert!(is_missing(&store.make_campaign(stranger, &key("0"), own.run, &order).await));
    let (first, second) = (CampaignId::made(own.run, 1), CampaignId::made(own.run, 2));
    let make =
        async |text: &str| store.make_campaign(owner, &key(text), own.run, &order).await.expect("made");
    assert_eq!(make("1").await, Written::Fresh(first));
    assert_eq!(make("1").await, Written::Replayed(first));
    assert_eq!(make("2").await, Written::Fresh(second));

    let campaign = store.campaign(owner, first).await.expect("read");
    assert_eq!((campaign.status, campaign.ads.len()), (ServingStatus::Waiting, 2));
    assert_eq!(campaign.made, Some(MadeCampaign::of(order.clone())));
    assert!(is_missing(&store.campaign(stranger, first).await));
    assert_eq!(
        StepStore::placements(&*store, own.run).await.expect("read"),
        placements,
        "the run knows nothing of it"
    );
    let all = store.campaigns(owner, &CampaignFilter::default(), ALL).await.expect("read");
    assert_eq!(ids(&all), [second, first, own]);

    assert_eq!(store.claim_campaign(49, 60).await.expect("answered"), None);
    let claimed = store.claim_campaign(50, 60).await.expect("answered").expect("a day is due");
    assert_eq!((claimed.campaign.id, claimed.organization), (first, owner.organization));
    assert!(store.steer_campaign(owner, second, None, ServingWish::Pause).await.expect("held"));
    assert_eq!(store.claim_campaign(55, 60).await.expect("answered"), None, "claimed and paused");
    let again = store.claim_campaign(60, 70).await.expect("answered").expect("the lease has ended");
    assert_eq!(again.campaign.id, first);
    assert!(
        !store.end_campaign_day(&claimed, &played(&claimed, Some(60))).await.expect("answered"),
        "an old claim"
    );
    assert!(store.end_campaign_day(&again, &played(&again, Some(60))).await.expect("answered"));
    let after = store.campaign(owner, first).await.expect("read");
    assert_eq!((after.status, after.delivered().impressions), (ServingStatus::Active, 600));
    assert_eq!(after.report, Some(fixtures::report()));

    let last = store.claim_campaign(60, 70).await.expect("answered").expect("the second day");
    assert!(store.end_campaign_day(&last, &played(&last, None)).await.expect("answered"));
    let ended = store.campaign(owner, first).await.expect("read");
    assert_eq!((ended.status, ended.delivered().impressions), (ServingStatus::Ended, 1_200));

    assert!(store.steer_campaign(owner, second, None, ServingWish::Resume).await.expect("continued"));
    let under_way = store.claim_campaign(60, 70).await.expect("answered").expect("a day of the other");
    let ad = under_way.campaign.ads[0].placement.id;
    assert!(is_missing(&store.steer_campaign(stranger, second, Some(ad), ServingWish::Pause).await));
    assert!(store.steer_campaign(owner, second, Some(ad), ServingWish::Pause).await.expect("held"));
    let other = under_way.campaign.ads[1].placement.id;
    let steer_other =
        async |wish| store.steer_campaign(owner, second, Some(other), wish).await.expect("answered");
    assert!(steer_other(ServingWish::End).await && steer_other(ServingWish::End).await);
    assert!(!steer_other(ServingWish::Resume).await && !steer_other(ServingWish::Pause).await);
    let strange = Some(PlacementId::derive(9, "placement", 9));
    assert!(is_missing(&store.steer_campaign(owner, second, strange, ServingWish::Pause).await));
    assert!(store.steer_campaign(owner, second, None, ServingWish::End).await.expect("ended"));
    assert!(!store.steer_campaign(owner, second, None, ServingWish::Resume).await.expect("answered"));
    assert!(!store.end_campaign_day(&under_way, &played(&under_way, Some(70))).await.expect("answered"));
    let ended = store.campaign(owner, second).await.expect("read");
    assert_eq!((ended.status, ended.ads[0].placement.held), (ServingStatus::Ended, Some(Hold::Paused)));
    assert_eq!(ended.ads[1].placement.held, Some(Hold::Ended));
    assert_eq!(ended.made.and_then(|made| made.ended), Some(CampaignEnd::Person));

    assert_eq!(store.campaign_rules(owner).await.expect("read"), CampaignRules::default());
    let rules = CampaignRules { approval_required: true };
    store.set_campaign_rules(owner, rules).await.expect("written");
    assert_eq!(store.campaign_rules(owner).await.expect("read"), rules);
    assert_eq!(store.campaign_rules(stranger).await.expect("read"), CampaignRules::default());
}
