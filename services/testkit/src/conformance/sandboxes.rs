//! The contract of [`Sandboxes`](spotwright_core::ports::sandboxes::Sandboxes): clauses that are run with
//! [`crate::account_store_suite`].

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::sync::Arc;

use spotwright_core::domain::account::{KeyMac, NewKey, OrganizationContext, Scope};
use spotwright_core::domain::run::NewRun;
use spotwright_core::domain::sandbox::{Due, DueKind, FURTHEST_MICROS, Move};
use spotwright_core::domain::variant::VariantState;
use spotwright_core::ports::accounts::{AccountStore, Page, WriteKey};
use spotwright_core::ports::step_store::{Commit, LedgerKind, StepStore};
use spotwright_schemas::event::Event;
use spotwright_schemas::ids::{KeyId, OrganizationId, RunId};
use spotwright_schemas::mode::Mode;
use uuid::Uuid;

use super::accounts::{commit, is_missing, organization};
use crate::fixtures;

const ALL: Page = Page { before: None, limit: 100 };
const HOUR: i64 = 3_600 * 1_000_000;

/// The sandbox of organization 1.
async fn sandbox(store: &impl AccountStore) -> (OrganizationContext, OrganizationContext) {
    let live = organization(store, 1).await;
    store.open_sandbox(live.organization).await.expect("a sandbox");
    (live, OrganizationContext { organization: live.organization.sandbox(), key: KeyId(Uuid::nil()) })
}

/// Writes a key of a sandbox that ends after `lifetime`.
async fn write_key(store: &impl AccountStore, context: OrganizationContext, lifetime: Option<i64>) -> KeyId {
    let new = NewKey {
        id: KeyId::child_of(context.organization.0, "key", lifetime.unwrap_or(0).unsigned_abs()),
        name: "test".to_owned(),
        scopes: vec![Scope::RunsRead],
        mac: KeyMac([9; 32]),
        lifetime_micros: lifetime,
    };
    let write = WriteKey { key: new.id.to_string(), fingerprint: [7; 32] };
    store.create_key(context, &write, &new).await.expect("a key");
    new.id
}

/// Clause 1.
pub async fn a_sandbox_is_made_once_and_stands_among_no_customers<S: StepStore + AccountStore>(
    store: Arc<S>,
) {
    let (live, test) = sandbox(&*store).await;
    store.open_sandbox(live.organization).await.expect("it is there");
    let listed = store.organizations(live, ALL).await.expect("organizations");
    let ids: Vec<OrganizationId> = listed.iter().map(|row| row.row.id).collect();
    assert_eq!(ids, [live.organization]);
    let read = store.organization(test).await.expect("the sandbox");
    assert_eq!((Mode::of(read.id), read.name.as_str()), (Mode::Test, "organization 1"));
    assert!(is_missing(&store.open_sandbox(OrganizationId::derive(9, "organization", 0)).await));

    let key = write_key(&*store, test, None).await;
    let frozen = async || store.credential(key).await.expect("read").expect("the key").frozen;
    assert!(!frozen().await);
    store.set_frozen(live.organization, true).await.expect("frozen");
    assert!(frozen().await, "a sandbox is frozen with its organization");
    store.set_frozen(live.organization, false).await.expect("let go");
    assert!(!frozen().await);
}

/// Clause 2.
pub async fn the_clock_of_a_sandbox_goes_forward_and_tells_what_is_next<S: StepStore + AccountStore>(
    store: Arc<S>,
) {
    let (live, test) = sandbox(&*store).await;
    assert!(is_missing(&store.sandbox_clock(live.organization).await), "a live organization has none");
    let first = store.sandbox_clock(test.organization).await.expect("the clock");
    assert_eq!((first.moved, first.next), (0, None));
    let key = write_key(&*store, test, Some(2 * HOUR)).await;
    let ends = store.key(test, key).await.expect("the key").expires_at.expect("an end");
    let remaining = async || {
        let credential = store.credential(key).await.expect("read").expect("the key");
        credential.remaining_micros.expect("an end")
    };
    assert!((HOUR..=2 * HOUR).contains(&remaining().await));

    let moved = store.move_sandbox_clock(test.organization, Move::By(HOUR)).await;
    let moved = moved.expect("moved").expect("forward");
    assert_eq!((moved.moved, moved.next), (HOUR, Some(Due { at: ends, what: DueKind::KeyEnds })));
    assert!(moved.now >= first.now + HOUR);
    assert!((1..=HOUR).contains(&remaining().await), "the end has come nearer");
    let there = store.move_sandbox_clock(test.organization, Move::To(ends)).await;
    let there = there.expect("moved").expect("forward");
    assert!(there.now >= ends);
    assert_eq!(there.next, None);
    assert!(remaining().await <= 0);
    for wrong in [Move::To(first.now), Move::By(-1), Move::By(FURTHEST_MICROS), Move::To(i64::MAX)] {
        let refused = store.move_sandbox_clock(test.organization, wrong).await.expect("asked");
        assert_eq!(refused, None, "{wrong:?}");
    }
    // What is written then is written at that time.
    let late = write_key(&*store, test, None).await;
    assert!(store.key(test, late).await.expect("the key").created_at >= ends);
    let meant = store.organization(live).await.expect("the live one").created_at;
    assert!(meant < first.now + HOUR);
}

/// Clause 3.
pub async fn a_sandbox_is_emptied_whole_and_nobody_else<S: StepStore + AccountStore>(store: Arc<S>) {
    let (live, test) = sandbox(&*store).await;
    let key = write_key(&*store, test, None).await;
    for (number, context) in [(1, live), (2, test)] {
        let run = NewRun { organization: context.organization, ..fixtures::run(number) };
        store.create_run(&run, Commit::default()).await.expect("a run");
        let variant = fixtures::variant(run.id, 1, 1, VariantState::Won);
        let event = Event {
            organization: context.organization,
            mode: Mode::of(context.organization),
            ..fixtures::event(run.id, 1)
        };
        let made = Commit {
            placements: vec![fixtures::placement(&variant)],
            variants: vec![variant],
            messages: vec![event],
            trace: vec![fixtures::trace("a")],
            ..Commit::default()
        };
        commit(&*store, run.id, made).await;
        let reserve = fixtures::money(LedgerKind::Reserve, &format!("call {number}"), 5);
        commit(&*store, run.id, reserve).await;
    }
    let [meant, tried] = [1, 2].map(|number| fixtures::run(number).id);
    assert_eq!(store.empty_sandbox(test.organization).await.expect("emptied"), 1);
    let is_there = async |run: RunId| StepStore::run(&*store, run).await.is_ok();
    assert!(is_there(meant).await && !is_there(tried).await);
    assert!(AccountStore::runs(&*store, test, ALL).await.expect("runs").is_empty());
    assert_eq!(AccountStore::runs(&*store, live, ALL).await.expect("runs").len(), 1);
    assert!(store.key(test, key).await.is_ok(), "its keys stay");
    assert_eq!(store.empty_sandbox(test.organization).await.expect("again"), 0);
    assert!(is_missing(&store.empty_sandbox(live.organization).await), "a live one is not emptied");
    assert!(is_there(meant).await);
}
