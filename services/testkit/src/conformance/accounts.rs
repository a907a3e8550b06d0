//! The contract of [`AccountStore`]. Each function is one test; see [`crate::account_store_suite`].
//! The store must also be a [`StepStore`], because runs are made and driven through that port.

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use spotwright_core::domain::account::{
    KeyMac, NewAsset, NewBrief, NewKey, NewOrganization, OrganizationContext, RunOrder, Scope,
};
use spotwright_core::domain::revision::Revises;
use spotwright_core::domain::run::{NewRun, Stage, StoredPicture};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::ports::accounts::{AccountError, AccountStore, Page, Positioned, WriteKey, Written};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::step_store::{Commit, StepStore};
use spotwright_schemas::event::{Event, Payload, RunFinished, StopReason};
use spotwright_schemas::ids::{AssetId, BriefId, KeyId, MessageId, OrganizationId, RunId, VariantId};
use spotwright_schemas::money::Currency;

pub use super::books::{
    finished_runs_tell_what_they_were_charged, placements_are_read_by_generation,
    the_ledger_is_read_newest_first, usage_adds_the_ledger_up,
};
pub use super::budgets::{
    a_limit_below_what_is_committed_holds_back_every_further_run,
    amounts_of_two_currencies_are_never_added_up, an_organization_admits_only_the_runs_its_budget_covers,
};
pub use super::campaigns::{
    a_made_campaign_is_numbered_and_each_day_ended_by_its_claim, a_name_at_a_platform_is_of_one_campaign,
    campaigns_are_read_whole_and_newest_first, what_is_held_of_a_campaign_is_read_back,
};
pub use super::reports::{
    a_report_is_ordered_once_and_made_in_turn, a_report_whose_maker_is_gone_is_made_by_another,
    exposures_are_of_one_kind_of_source,
};
pub use super::sandboxes::{
    a_sandbox_is_emptied_whole_and_nobody_else, a_sandbox_is_made_once_and_stands_among_no_customers,
    the_clock_of_a_sandbox_goes_forward_and_tells_what_is_next,
};
use crate::fixtures;

/// Makes one test of each clause. `$open` is an async closure that opens an empty store and returns
/// it in an `Arc`, with whatever must live as long.
#[macro_export]
macro_rules! account_store_suite {
    ($name:ident, $open:expr $(, #[$when:meta])?) => {
        mod $name {
            #[expect(unused_imports, reason = "the opening expression may use what stands outside")]
            use super::*;
            $crate::account_store_suite!(@each $open, $([$when])?;
                an_organization_is_set_up_once,
                a_key_is_looked_up_until_it_is_revoked,
                a_key_expires_by_the_database_clock,
                organizations_are_founded_with_a_key,
                an_organization_is_frozen_and_taken_again,
                the_last_key_that_may_make_keys_stays,
                a_lost_key_is_replaced,
                pictures_have_a_quota_and_can_be_deleted,
                an_installation_has_one_mark,
                a_write_is_repeated_without_effect,
                a_write_key_means_one_request,
                write_keys_of_two_organizations_do_not_meet,
                concurrent_repetitions_write_once,
                a_refused_write_leaves_its_key_free,
                pictures_and_briefs_are_read_back,
                a_brief_needs_its_own_pictures,
                pages_neither_repeat_nor_skip,
                a_run_is_created_with_its_order_and_first_commit,
                revisions_of_a_variant_are_listed_newest_first,
                a_run_of_a_foreign_brief_is_refused_whole,
                a_finished_run_says_why,
                events_follow_their_number,
                traces_and_variants_come_in_pages,
                a_variant_is_read_with_its_placement,
                rows_of_another_organization_are_missing,
                an_organization_admits_only_the_runs_its_budget_covers,
                a_limit_below_what_is_committed_holds_back_every_further_run,
                amounts_of_two_currencies_are_never_added_up,
                the_ledger_is_read_newest_first,
                usage_adds_the_ledger_up,
                placements_are_read_by_generation,
                finished_runs_tell_what_they_were_charged,
                campaigns_are_read_whole_and_newest_first,
                what_is_held_of_a_campaign_is_read_back,
                a_name_at_a_platform_is_of_one_campaign,
                a_made_campaign_is_numbered_and_each_day_ended_by_its_claim,
                a_report_is_ordered_once_and_made_in_turn,
                a_report_whose_maker_is_gone_is_made_by_another,
                exposures_are_of_one_kind_of_source,
                a_sandbox_is_made_once_and_stands_among_no_customers,
                the_clock_of_a_sandbox_goes_forward_and_tells_what_is_next,
                a_sandbox_is_emptied_whole_and_nobody_else
            );
        }
    };
    (@each $open:expr, [$when:meta]; $($test:ident),*) => {$(
        $crate::account_store_suite!(@one $open, #[$when]; $test);
    )*};
    (@each $open:expr, ; $($test:ident),*) => {$(
        $crate::account_store_suite!(@one $open,; $test);
    )*};
    (@one $open:expr, $(#[$when:meta])?; $test:ident) => {
        $(#[$when])?
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let (store, _guard) = ($open)().await;
            $crate::conformance::accounts::$test(store).await;
        }
    };
}

const ALL: Page = Page { before: None, limit: 100 };

fn key(number: u64, scopes: &[Scope], lifetime_micros: Option<i64>) -> NewKey {
    NewKey {
        id: KeyId::derive(number, "key", 0),
        name: format!("key {number}"),
        scopes: scopes.to_vec(),
        mac: KeyMac([number.to_le_bytes()[0]; 32]),
        lifetime_micros,
    }
}

/// Sets organization `number` up with a key; organization 1 is that of the fixtures.
pub(super) async fn organization(store: &impl AccountStore, number: u64) -> OrganizationContext {
    let id = if number == 1 {
        fixtures::organization()
    } else {
        OrganizationId::derive(number, "organization", 0)
    };
    let new = NewOrganization { id, name: format!("organization {number}") };
    let key = key(number, &Scope::CUSTOMER, None);
    assert!(store.bootstrap(&new, &key).await.expect("an organization"));
    OrganizationContext { organization: id, key: key.id }
}

fn write(name: &str) -> WriteKey {
    let mut fingerprint = [0; 32];
    for (place, byte) in fingerprint.iter_mut().zip(name.bytes()) {
        *place = byte;
    }
    WriteKey { key: name.to_owned(), fingerprint }
}

fn picture(number: u64) -> NewAsset {
    NewAsset {
        id: AssetId::derive(number, "asset", 0),
        hash: ArtifactHash::of(b"a picture"),
        name: format!("picture {number}.png"),
        width: 640,
        height: 480,
        bytes: 5_000_000_000,
        quota: None,
    }
}

/// A brief of the context's organization with a picture of its own.
async fn brief(store: &impl AccountStore, context: OrganizationContext, number: u64) -> NewBrief {
    let asset = picture(number);
    store.create_asset(context, &write(&format!("asset {number}")), &asset).await.expect("an asset");
    let brief = fixtures::brief();
    let assets = BTreeMap::from([(brief.product.pictures[0].file.clone(), asset.id)]);
    NewBrief { id: BriefId::derive(number, "brief", 0), brief, assets, brand: None }
}

fn order(brief: &NewBrief, run: &NewRun) -> RunOrder {
    RunOrder {
        max_spend: None,
        brief: brief.id,
        generations: run.request.generations,
        variants: run.request.variants,
        winners: run.request.winners,
        seed: run.request.seed,
        opportunities: run.request.opportunities,
        currency: Currency::USD,
        revises: None,
    }
}

/// Orders run `number` of the first organization.
pub(super) async fn ordered(store: &impl AccountStore, context: OrganizationContext, number: u64) -> NewRun {
    let brief = brief(store, context, number).await;
    store.create_brief(context, &write(&format!("brief {number}")), &brief).await.expect("a brief");
    let run = fixtures::run(number);
    let commit = fixtures::messages(run.id, [1]);
    let written =
        store.order_run(context, &write(&format!("run {number}")), order(&brief, &run), &run, commit).await;
    assert!(matches!(written.expect("a run"), Written::Fresh(_)));
    run
}

/// Writes a commit on the run's newest version.
pub(super) async fn commit(store: &impl StepStore, run: RunId, commit: Commit) {
    let version = store.run(run).await.expect("the run").version;
    let message = MessageId::child_of(run.0, "write", version.unsigned_abs());
    store.consume("testkit", &[message], run, version, commit).await.expect("written");
}

fn rows<T>(page: Vec<Positioned<T>>) -> Vec<T> {
    page.into_iter().map(|positioned| positioned.row).collect()
}

pub(super) fn is_missing<T>(result: &Result<T, AccountError>) -> bool {
    matches!(result, Err(AccountError::Missing(_)))
}

/// Clause 1.
pub async fn an_organization_is_set_up_once<S: AccountStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let again = NewOrganization { id: context.organization, name: "another name".to_owned() };
    assert!(!store.bootstrap(&again, &key(2, &Scope::ALL, None)).await.expect("an answer"));
    assert_eq!(store.organization(context).await.expect("the organization").name, "organization 1");
    assert_eq!(store.credential(KeyId::derive(2, "key", 0)).await.expect("an answer"), None);
}

/// `credential`, `revoke_key`, `keys`.
pub async fn a_key_is_looked_up_until_it_is_revoked<S: AccountStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let new = key(5, &[Scope::RunsRead, Scope::BriefsWrite], None);
    let made = store.create_key(context, &write("key"), &new).await.expect("a key").into_inner();
    assert_eq!((made.id, &made.name, &made.scopes), (new.id, &new.name, &new.scopes));
    let credential = store.credential(new.id).await.expect("an answer").expect("the key");
    assert_eq!((credential.organization, credential.mac), (context.organization, new.mac));
    assert_eq!((credential.revoked, credential.remaining_micros), (false, None));
    assert_eq!(credential.scopes, new.scopes);

    let revoked = store.revoke_key(context, new.id, false).await.expect("revoked");
    assert!(revoked.revoked_at.is_some());
    assert_eq!(store.revoke_key(context, new.id, false).await.expect("revoked again"), revoked);
    assert!(store.credential(new.id).await.expect("an answer").expect("the key").revoked);
    let keys = rows(store.keys(context, ALL).await.expect("keys"));
    assert_eq!(keys.iter().map(|key| key.id).collect::<Vec<_>>(), [new.id, context.key]);
    assert_eq!(keys[0], revoked);
}

/// Clause 4.
pub async fn a_key_expires_by_the_database_clock<S: AccountStore>(store: Arc<S>) {
    const HOUR: i64 = 3_600_000_000;
    let context = organization(&*store, 1).await;
    let lasting = key(5, &[Scope::RunsRead], Some(HOUR));
    let made = store.create_key(context, &write("lasting"), &lasting).await.expect("a key").into_inner();
    assert_eq!(made.expires_at, Some(made.created_at + HOUR));
    let remaining = store.credential(lasting.id).await.expect("an answer").expect("the key").remaining_micros;
    assert!(remaining.is_some_and(|micros| (1..=HOUR).contains(&micros)), "{remaining:?}");
    let ended = key(6, &[Scope::RunsRead], Some(-1));
    store.create_key(context, &write("ended"), &ended).await.expect("a key");
    let remaining = store.credential(ended.id).await.expect("an answer").expect("the key").remaining_micros;
    assert!(remaining.is_some_and(|micros| micros <= 0), "{remaining:?}");
}

/// `create_organization`, `organizations`.
pub async fn organizations_are_founded_with_a_key<S: AccountStore>(store: Arc<S>) {
    let operator = organization(&*store, 1).await;
    let new = NewOrganization { id: OrganizationId::derive(9, "organization", 0), name: "new".to_owned() };
    let first = key(9, &Scope::CUSTOMER, None);
    let founded = store
        .create_organization(operator, &write("found"), &new, &first)
        .await
        .expect("founded")
        .into_inner();
    assert_eq!((founded.organization.id, founded.key.id), (new.id, first.id));
    let credential = store.credential(first.id).await.expect("an answer").expect("the key");
    assert_eq!(credential.organization, new.id);
    let all = rows(store.organizations(operator, ALL).await.expect("organizations"));
    assert_eq!(all.iter().map(|row| row.id).collect::<Vec<_>>(), [new.id, operator.organization]);
    let own = OrganizationContext { organization: new.id, key: first.id };
    assert_eq!(store.organization(own).await.expect("its own"), founded.organization);
}

/// `set_frozen`.
pub async fn an_organization_is_frozen_and_taken_again<S: AccountStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let frozen = async || store.credential(context.key).await.expect("an answer").expect("the key").frozen;
    assert!(!frozen().await);
    let first = store.set_frozen(context.organization, true).await.expect("frozen").frozen_at;
    assert!(first.is_some() && frozen().await);
    let again = store.set_frozen(context.organization, true).await.expect("frozen").frozen_at;
    assert_eq!(again, first, "the first time stands");
    assert_eq!(store.organization(context).await.expect("the organization").frozen_at, first);
    assert_eq!(rows(store.organizations(context, ALL).await.expect("all"))[0].frozen_at, first);
    assert_eq!(store.set_frozen(context.organization, false).await.expect("taken again").frozen_at, None);
    assert!(!frozen().await);
    let nobody = OrganizationId::derive(77, "organization", 0);
    assert!(is_missing(&store.set_frozen(nobody, true).await));
}

/// `revoke_key` with `keep_one`.
pub async fn the_last_key_that_may_make_keys_stays<S: AccountStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let refused = |result: Result<_, AccountError>| matches!(result, Err(AccountError::LastKey));
    assert!(refused(store.revoke_key(context, context.key, true).await));
    // One that ends, and one that may not make keys, do not replace it.
    let ending = key(5, &[Scope::KeysAdmin], Some(3_600_000_000));
    let reading = key(6, &[Scope::RunsRead], None);
    for (name, new) in [("ending", &ending), ("reading", &reading)] {
        store.create_key(context, &write(name), new).await.expect("a key");
        assert!(refused(store.revoke_key(context, context.key, true).await));
    }
    store.revoke_key(context, reading.id, true).await.expect("any other key");
    let second = key(7, &[Scope::KeysAdmin], None);
    store.create_key(context, &write("second"), &second).await.expect("a key");
    store.revoke_key(context, context.key, true).await.expect("another one is left");
    assert!(refused(store.revoke_key(context, second.id, true).await));
    store.revoke_key(context, second.id, false).await.expect("for the operator");
}

/// `add_key`, `key`.
pub async fn a_lost_key_is_replaced<S: AccountStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let new = key(5, &Scope::ALL, None);
    let made = store.add_key(context.organization, &new).await.expect("a key");
    assert_eq!(store.key(context, new.id).await.expect("the key"), made);
    assert!(store.credential(new.id).await.expect("an answer").is_some());
    let nobody = OrganizationId::derive(77, "organization", 0);
    assert!(is_missing(&store.add_key(nobody, &key(6, &Scope::ALL, None)).await));
    let stranger = organization(&*store, 2).await;
    assert!(is_missing(&store.key(stranger, new.id).await));
}

/// `create_asset` with a quota, `asset_usage`, `delete_asset`.
pub async fn pictures_have_a_quota_and_can_be_deleted<S: AccountStore + StepStore>(store: Arc<S>) {
    let (context, other) = (organization(&*store, 1).await, organization(&*store, 2).await);
    let sized = |number: u64, bytes: u64| NewAsset {
        hash: ArtifactHash::of(&number.to_le_bytes()),
        bytes,
        quota: Some(100),
        ..picture(number)
    };
    let put = async |context, number, bytes| {
        store.create_asset(context, &write(&format!("asset {number}")), &sized(number, bytes)).await
    };
    put(context, 1, 60).await.expect("room for it");
    let refused = put(context, 2, 41).await;
    assert!(matches!(refused, Err(AccountError::Quota { quota: 100, used: 60 })), "{refused:?}");
    put(context, 2, 40).await.expect("its key is free, and there is room for less");
    assert!(matches!(put(context, 2, 40).await, Ok(Written::Replayed(_))), "a repetition needs no room");
    put(other, 3, 100).await.expect("the room of another organization");
    let used = async || {
        let usage = store.asset_usage(context).await.expect("an answer");
        (usage.count, usage.bytes)
    };
    assert_eq!(used().await, (2, 100));

    let first = sized(1, 60).id;
    assert!(is_missing(&store.delete_asset(other, first).await));
    let (deleted, unused) = store.delete_asset(context, first).await.expect("deleted");
    assert_eq!((deleted.id, unused), (first, true));
    assert!(is_missing(&store.delete_asset(context, first).await));
    assert_eq!(used().await, (1, 40));
    assert_eq!(store.assets_by_id(context, &[first]).await.expect("an answer"), [None]);
    assert_eq!(store.assets(context, ALL).await.expect("assets").len(), 1);

    // A file that another picture has, or a run, is not unused.
    let twin = NewAsset { id: AssetId::derive(9, "asset", 0), ..sized(2, 40) };
    store.create_asset(other, &write("twin"), &NewAsset { quota: None, ..twin }).await.expect("an asset");
    assert!(!store.delete_asset(context, sized(2, 40).id).await.expect("deleted").1);
    let of_the_run = NewAsset {
        id: AssetId::derive(8, "asset", 0),
        hash: ArtifactHash::of(b"a picture of a run"),
        ..picture(8)
    };
    let mut run = fixtures::run(1);
    run.request.pictures = vec![StoredPicture { hash: of_the_run.hash.clone(), width: 640, height: 480 }];
    store.create_run(&run, Commit::default()).await.expect("a run");
    store.create_asset(context, &write("of a run"), &of_the_run).await.expect("an asset");
    assert!(!store.delete_asset(context, of_the_run.id).await.expect("deleted").1);
}

/// `installation`.
pub async fn an_installation_has_one_mark<S: AccountStore>(store: Arc<S>) {
    let (one, other) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
    assert_eq!(store.installation(one).await.expect("a mark"), one);
    assert_eq!(store.installation(other).await.expect("a mark"), one);
}

/// Clause 3: the same request.
pub async fn a_write_is_repeated_without_effect<S: AccountStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    assert_eq!(store.recall(context, &write("a")).await.expect("an answer"), None);
    let first = store.create_asset(context, &write("a"), &picture(1)).await.expect("an asset");
    let Written::Fresh(asset) = first else { panic!("{first:?}") };
    // A repetition may bring another id, because ids are made anew with each request.
    let second = store.create_asset(context, &write("a"), &picture(2)).await.expect("an answer");
    assert_eq!(second, Written::Replayed(asset.clone()));
    let recalled = store.recall(context, &write("a")).await.expect("an answer").expect("the answer");
    assert_eq!(recalled, json!(asset));
    assert_eq!(rows(store.assets(context, ALL).await.expect("assets")), [asset]);
}

/// Clause 3: another request.
pub async fn a_write_key_means_one_request<S: AccountStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    store.create_asset(context, &write("a"), &picture(1)).await.expect("an asset");
    let other = WriteKey { fingerprint: [0; 32], ..write("a") };
    let refused = store.create_asset(context, &other, &picture(2)).await;
    assert!(matches!(refused, Err(AccountError::KeyReused)), "{refused:?}");
    assert!(matches!(store.recall(context, &other).await, Err(AccountError::KeyReused)));
    assert_eq!(store.assets(context, ALL).await.expect("assets").len(), 1);
    assert_eq!(store.forget_answers().await.expect("an answer"), 0, "answers are kept for a day");
}

/// Clause 3: two organizations.
pub async fn write_keys_of_two_organizations_do_not_meet<S: AccountStore>(store: Arc<S>) {
    let (one, other) = (organization(&*store, 1).await, organization(&*store, 2).await);
    store.create_asset(one, &write("a"), &picture(1)).await.expect("an asset");
    let same = WriteKey { fingerprint: [7; 32], ..write("a") };
    let written = store.create_asset(other, &same, &picture(2)).await.expect("an asset");
    assert!(matches!(written, Written::Fresh(_)));
    let own = rows(store.assets(other, ALL).await.expect("assets"));
    assert_eq!(own.iter().map(|asset| asset.id).collect::<Vec<_>>(), [picture(2).id]);
}

/// Clause 3 under contention. A store may ask the loser to come again.
pub async fn concurrent_repetitions_write_once<S: AccountStore + 'static>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..16 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            loop {
                match store.create_asset(context, &write("a"), &picture(number)).await {
                    Err(AccountError::InFlight) => tokio::task::yield_now().await,
                    written => return written.expect("an answer"),
                }
            }
        });
    }
    let written = tasks.join_all().await;
    assert_eq!(written.iter().filter(|written| matches!(written, Written::Fresh(_))).count(), 1);
    let kept = rows(store.assets(context, ALL).await.expect("assets"));
    assert_eq!(kept.len(), 1);
    assert!(written.into_iter().all(|written| written.into_inner() == kept[0]));
}

/// Clauses 1 and 3.
pub async fn a_refused_write_leaves_its_key_free<S: AccountStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let brief = brief(&*store, context, 1).await;
    let file = brief.brief.product.pictures[0].file.clone();
    let missing = BTreeMap::from([(file, AssetId::derive(99, "asset", 0))]);
    let broken = NewBrief { assets: missing, ..brief.clone() };
    assert!(is_missing(&store.create_brief(context, &write("b"), &broken).await));
    assert_eq!(store.recall(context, &write("b")).await.expect("an answer"), None);
    assert!(store.briefs(context, ALL).await.expect("briefs").is_empty());
    let written = store.create_brief(context, &write("b"), &brief).await.expect("a brief");
    assert!(matches!(written, Written::Fresh(_)));
}

/// `assets_by_id`, `brief`, `briefs`.
pub async fn pictures_and_briefs_are_read_back<S: AccountStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let new = brief(&*store, context, 1).await;
    let summary = store.create_brief(context, &write("b"), &new).await.expect("a brief").into_inner();
    assert_eq!((summary.id, summary.name.as_str()), (new.id, "hill-tea"));
    let read = store.brief(context, new.id).await.expect("the brief");
    assert_eq!((read.id, &read.brief, &read.assets), (new.id, &new.brief, &new.assets));
    assert_eq!(read.created_at, summary.created_at);
    assert_eq!(rows(store.briefs(context, ALL).await.expect("briefs")), [summary]);

    let ids = [AssetId::derive(99, "asset", 0), picture(1).id];
    let found = store.assets_by_id(context, &ids).await.expect("assets");
    assert_eq!(found[0], None);
    let asset = found[1].as_ref().expect("the asset");
    assert_eq!((&asset.hash, &asset.name), (&picture(1).hash, &picture(1).name));
    assert_eq!((asset.width, asset.height, asset.bytes), (640, 480, 5_000_000_000));
    assert!(is_missing(&store.brief(context, BriefId::derive(99, "brief", 0)).await));
}

/// Clause 2.
pub async fn a_brief_needs_its_own_pictures<S: AccountStore>(store: Arc<S>) {
    let (one, other) = (organization(&*store, 1).await, organization(&*store, 2).await);
    let foreign = brief(&*store, one, 1).await;
    assert!(is_missing(&store.create_brief(other, &write("b"), &foreign).await));
    assert!(store.briefs(other, ALL).await.expect("briefs").is_empty());
}

/// Clause 5.
pub async fn pages_neither_repeat_nor_skip<S: AccountStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    for number in 0..7 {
        store.create_asset(context, &write(&number.to_string()), &picture(number)).await.expect("an asset");
    }
    let mut seen = Vec::new();
    let mut page = Page { before: None, limit: 3 };
    loop {
        let rows = store.assets(context, page).await.expect("a page");
        assert!(rows.len() <= 3);
        let Some(last) = rows.last() else { break };
        page.before = Some(last.position);
        seen.extend(rows.into_iter().map(|positioned| positioned.row.id));
        // What is written meanwhile belongs before the first page.
        let number = 100 + seen.len() as u64;
        store.create_asset(context, &write(&number.to_string()), &picture(number)).await.expect("an asset");
    }
    let expected: Vec<_> = (0..7).rev().map(|number| picture(number).id).collect();
    assert_eq!(seen, expected);
}

/// `order_run`, `run`, `runs`.
pub async fn a_run_is_created_with_its_order_and_first_commit<S: AccountStore + StepStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let brief = brief(&*store, context, 1).await;
    store.create_brief(context, &write("b"), &brief).await.expect("a brief");
    let new = fixtures::run(1);
    let order = order(&brief, &new);
    let first = fixtures::steps(StepKind::Plan, &["g1"]);
    let written = store.order_run(context, &write("r"), order, &new, first.clone()).await.expect("a run");
    let Written::Fresh(ordered) = written else { panic!("{written:?}") };
    assert_eq!((ordered.id, ordered.order, ordered.budget), (new.id, order, new.budget));
    let repeated = NewRun { id: RunId::derive(77, "run", 0), ..new.clone() };
    let again = store.order_run(context, &write("r"), order, &repeated, first).await.expect("an answer");
    assert_eq!(again, Written::Replayed(ordered));

    assert_eq!(StepStore::runs(&*store).await.expect("ids"), [new.id]);
    assert_eq!(store.open_work(new.id).await.expect("a number"), 1);
    let view = StepStore::run(&*store, new.id).await.expect("the run");
    assert_eq!((&*view.request, view.version), (&new.request, 1));
    let run = AccountStore::run(&*store, context, new.id).await.expect("the run");
    assert_eq!((run.order, run.stage, run.generation, run.messages), (Some(order), Stage::Requested, 0, 0));
    assert_eq!((run.budget, run.stopped, run.paused), (new.budget, None, false));
    store.set_paused(new.id, true).await.expect("paused");
    let run = AccountStore::run(&*store, context, new.id).await.expect("the run");
    assert!(run.paused);
    assert_eq!(rows(AccountStore::runs(&*store, context, ALL).await.expect("runs")), [run]);
}

/// `revisions`, clauses 2 and 5.
pub async fn revisions_of_a_variant_are_listed_newest_first<S: AccountStore + StepStore>(store: Arc<S>) {
    let (context, other) = (organization(&*store, 1).await, organization(&*store, 2).await);
    let brief = brief(&*store, context, 1).await;
    store.create_brief(context, &write("b"), &brief).await.expect("a brief");
    let original = fixtures::variant(RunId::derive(1, "run", 0), 1, 1, VariantState::Won);
    let sibling = fixtures::variant(RunId::derive(1, "run", 0), 1, 2, VariantState::Won);
    let of = |variant: &Variant| Some(Revises { variant: variant.id, run: variant.run });
    let orders = [(1, None), (2, of(&original)), (3, of(&sibling)), (4, of(&original))];
    for (number, revises) in orders {
        let run = fixtures::run(number);
        let order = RunOrder { revises, ..order(&brief, &run) };
        let written =
            store.order_run(context, &write(&format!("r{number}")), order, &run, Commit::default()).await;
        assert_eq!(written.expect("a run").into_inner().order.revises, revises);
    }
    let ids = async |context, variant: &Variant, page: Page| -> Vec<RunId> {
        let found = store.revisions(context, variant.id, page).await.expect("revisions");
        found.into_iter().map(|positioned| positioned.row.id).collect()
    };
    let [_, second, third, fourth] = [1, 2, 3, 4].map(|number| fixtures::run(number).id);
    assert_eq!(ids(context, &original, ALL).await, [fourth, second]);
    assert_eq!(ids(context, &sibling, ALL).await, [third]);
    let first_page = store.revisions(context, original.id, Page { before: None, limit: 1 }).await;
    let first_page = first_page.expect("revisions");
    assert_eq!(first_page[0].row.order.and_then(|order| order.revises), of(&original));
    let next = Page { before: Some(first_page[0].position), limit: 1 };
    assert_eq!(ids(context, &original, next).await, [second]);
    assert!(ids(other, &original, ALL).await.is_empty());
}

/// Clauses 1 and 2.
pub async fn a_run_of_a_foreign_brief_is_refused_whole<S: AccountStore + StepStore>(store: Arc<S>) {
    let (one, other) = (organization(&*store, 1).await, organization(&*store, 2).await);
    let foreign = brief(&*store, other, 2).await;
    store.create_brief(other, &write("b"), &foreign).await.expect("a brief");
    let run = fixtures::run(1);
    let refused = store.order_run(one, &write("r"), order(&foreign, &run), &run, Commit::default()).await;
    assert!(is_missing(&refused));
    // The run belongs to the first organization, so the other one cannot order it.
    let refused = store.order_run(other, &write("r"), order(&foreign, &run), &run, Commit::default()).await;
    assert!(matches!(refused, Err(AccountError::Contradiction(_))), "{refused:?}");
    assert!(StepStore::runs(&*store).await.expect("ids").is_empty());
}

fn finished(run: RunId, sequence: u64, reason: StopReason) -> Event {
    let payload = Payload::RunFinished(RunFinished { reason, generations: 2 });
    Event { payload, ..fixtures::event(run, sequence) }
}

/// `run` of a finished run.
pub async fn a_finished_run_says_why<S: AccountStore + StepStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let run = ordered(&*store, context, 1).await;
    let update = fixtures::update(Stage::Finished, 2);
    let last = finished(run.id, 2, StopReason::BudgetExhausted);
    let variants = vec![fixtures::variant(run.id, 2, 1, VariantState::Won)];
    let end = Commit { run: Some(update.clone()), messages: vec![last], variants, ..Commit::default() };
    commit(&*store, run.id, end).await;
    let read = AccountStore::run(&*store, context, run.id).await.expect("the run");
    assert_eq!((read.stage, read.generation, read.messages), (Stage::Finished, 2, 2));
    assert_eq!((read.stopped, read.counts.won), (Some(StopReason::BudgetExhausted), 1));
    assert_eq!(read.outcome, update.state);
}

/// `events`.
pub async fn events_follow_their_number<S: AccountStore + StepStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let run = ordered(&*store, context, 1).await;
    commit(&*store, run.id, fixtures::messages(run.id, 2..=5)).await;
    let sent: Vec<_> =
        store.unsent(None, 2).await.expect("messages").into_iter().map(|(_, m)| m.id).collect();
    store.mark_sent(&sent).await.expect("marked");
    let numbers = async |after, limit| -> Vec<u64> {
        let events = store.events(context, run.id, after, limit).await.expect("events");
        events.iter().map(|event| event.sequence).collect()
    };
    assert_eq!(numbers(0, 100).await, [1, 2, 3, 4, 5]);
    assert_eq!(numbers(2, 2).await, [3, 4]);
    assert!(numbers(5, 2).await.is_empty());
    assert!(numbers(u64::MAX, 2).await.is_empty());
    assert!(is_missing(&store.events(context, RunId::derive(9, "run", 0), 0, 1).await));
}

/// `trace`, `variants`.
pub async fn traces_and_variants_come_in_pages<S: AccountStore + StepStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let run = ordered(&*store, context, 1).await;
    let places = [(1, 1), (1, 2), (2, 1), (2, 2)];
    let variants = places.map(|(generation, number)| {
        let state = if number == 2 { VariantState::Won } else { VariantState::Scored };
        fixtures::variant(run.id, generation, number, state)
    });
    let trace = vec![fixtures::trace("c"), fixtures::trace("a"), fixtures::trace("b")];
    commit(&*store, run.id, Commit { variants: variants.to_vec(), trace, ..Commit::default() }).await;

    let read = AccountStore::variants(&*store, context, run.id, (1, 1), None, 2).await.expect("variants");
    assert_eq!(read, variants[1..3]);
    let won = AccountStore::variants(&*store, context, run.id, (0, 0), Some(VariantState::Won), 9)
        .await
        .expect("variants");
    assert_eq!(won, [variants[1].clone(), variants[3].clone()]);
    let lines = AccountStore::trace(&*store, context, run.id, "a", 9).await.expect("a trace");
    assert_eq!(lines, [fixtures::trace("b"), fixtures::trace("c")]);
    assert_eq!(
        AccountStore::trace(&*store, context, run.id, "", 1).await.expect("a trace"),
        [fixtures::trace("a")]
    );
    let missing = RunId::derive(9, "run", 0);
    assert!(is_missing(&AccountStore::trace(&*store, context, missing, "", 1).await));
    assert!(is_missing(&AccountStore::variants(&*store, context, missing, (0, 0), None, 1).await));
}

/// `variant`.
pub async fn a_variant_is_read_with_its_placement<S: AccountStore + StepStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let run = ordered(&*store, context, 1).await;
    let placed = fixtures::variant(run.id, 1, 1, VariantState::Won);
    let other = fixtures::variant(run.id, 1, 2, VariantState::Scored);
    let placement = fixtures::placement(&placed);
    let variants = vec![placed.clone(), other.clone()];
    commit(&*store, run.id, Commit { variants, placements: vec![placement.clone()], ..Commit::default() })
        .await;
    let read = AccountStore::variant(&*store, context, placed.id).await.expect("the variant");
    assert_eq!(read, (placed, Some(placement)));
    let read = AccountStore::variant(&*store, context, other.id).await.expect("the variant");
    assert_eq!(read, (other, None));
    assert!(is_missing(&AccountStore::variant(&*store, context, VariantId::derive(9, "variant", 0)).await));
}

/// Clause 2, for every read and for revoking.
pub async fn rows_of_another_organization_are_missing<S: AccountStore + StepStore>(store: Arc<S>) {
    let (owner, stranger) = (organization(&*store, 1).await, organization(&*store, 2).await);
    let run = ordered(&*store, owner, 1).await;
    let variant = fixtures::variant(run.id, 1, 1, VariantState::Won);
    let filled = Commit {
        variants: vec![variant.clone()],
        placements: vec![fixtures::placement(&variant)],
        trace: vec![fixtures::trace("a")],
        ..Commit::default()
    };
    commit(&*store, run.id, filled).await;

    assert!(is_missing(&store.revoke_key(stranger, owner.key, false).await));
    assert!(!store.credential(owner.key).await.expect("an answer").expect("the key").revoked);
    assert!(is_missing(&store.brief(stranger, BriefId::derive(1, "brief", 0)).await));
    assert!(is_missing(&AccountStore::run(&*store, stranger, run.id).await));
    assert!(is_missing(&store.events(stranger, run.id, 0, 9).await));
    assert!(is_missing(&AccountStore::trace(&*store, stranger, run.id, "", 9).await));
    assert!(is_missing(&AccountStore::variants(&*store, stranger, run.id, (0, 0), None, 9).await));
    assert!(is_missing(&AccountStore::variant(&*store, stranger, variant.id).await));
    assert_eq!(store.assets_by_id(stranger, &[picture(1).id]).await.expect("an answer"), [None]);
    assert!(store.assets(stranger, ALL).await.expect("assets").is_empty());
    assert!(store.briefs(stranger, ALL).await.expect("briefs").is_empty());
    assert!(AccountStore::runs(&*store, stranger, ALL).await.expect("runs").is_empty());
    assert_eq!(store.recall(stranger, &write("run 1")).await.expect("an answer"), None);
    let keys = rows(store.keys(stranger, ALL).await.expect("keys"));
    assert_eq!(keys.iter().map(|key| key.id).collect::<Vec<_>>(), [stranger.key]);
}
