//! The contract of [`Books`](spotwright_core::ports::books::Books): clauses that are run with
//! [`crate::account_store_suite`].

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::sync::Arc;

use spotwright_core::domain::books::{LedgerFilter, ReservedLine, UsageLine};
use spotwright_core::domain::run::Stage;
use spotwright_core::domain::variant::VariantState;
use spotwright_core::ports::accounts::{AccountStore, Page};
use spotwright_core::ports::books::Books;
use spotwright_core::ports::step_store::{Commit, LedgerKind, StepStore};
use spotwright_schemas::event::{Event, Payload, RunFinished, StopReason};
use spotwright_schemas::ids::RunId;
use spotwright_schemas::money::{Currency, Micros};

use super::accounts::{commit, is_missing, ordered, organization};
use crate::fixtures;

const ALL: Page = Page { before: None, limit: 100 };

/// A run of the first organization with one settled, one released and one open reserve.
async fn run_with_money<S: StepStore>(store: &S, number: u64) -> RunId {
    let run = fixtures::run(number);
    store.create_run(&run, Commit::default()).await.expect("a run");
    let moves = [
        (LedgerKind::Reserve, "a", 5),
        (LedgerKind::Settle, "a", 3),
        (LedgerKind::Reserve, "b", 2),
        (LedgerKind::Release, "b", 2),
        (LedgerKind::Reserve, "c", 4),
    ];
    for (version, (kind, name, amount)) in (1..).zip(moves) {
        let commit = fixtures::money(kind, &format!("{name} of {number}"), amount);
        store.amend(run.id, version, commit).await.expect("written");
    }
    run.id
}

/// Clauses 1 and 2: newest first, whole in pages, by run and time, and only the own.
pub async fn the_ledger_is_read_newest_first<S: StepStore + AccountStore>(store: Arc<S>) {
    let (owner, stranger) = (organization(&*store, 1).await, organization(&*store, 2).await);
    let (first, second) = (run_with_money(&*store, 1).await, run_with_money(&*store, 2).await);
    let all = store.ledger(owner, LedgerFilter::default(), ALL).await.expect("lines");
    assert_eq!(all.len(), 10);
    assert!(all.windows(2).all(|pair| pair[0].position > pair[1].position));
    let newest = &all[0].row;
    assert_eq!((newest.run, newest.kind, newest.amount), (second, LedgerKind::Reserve, Micros(4)));
    assert_eq!((newest.reserve.as_str(), newest.currency), ("c of 2", Some(Currency::USD)));
    assert_eq!(newest.provider, None, "no provider was called");
    assert_eq!(all[8].row.reserve, all[9].row.reserve, "a settle names the reserve that it closes");

    let mut paged = Vec::new();
    let mut page = Page { before: None, limit: 3 };
    loop {
        let lines = store.ledger(owner, LedgerFilter::default(), page).await.expect("lines");
        let Some(last) = lines.last() else { break };
        page.before = Some(last.position);
        paged.extend(lines);
    }
    assert_eq!(paged, all);

    let of_first = LedgerFilter { run: Some(first), ..LedgerFilter::default() };
    let lines = store.ledger(owner, of_first, ALL).await.expect("lines");
    assert!(lines.len() == 5 && lines.iter().all(|line| line.row.run == first));
    let later = LedgerFilter { from: Some(newest.at + 1), ..LedgerFilter::default() };
    assert!(store.ledger(owner, later, ALL).await.expect("lines").is_empty());
    let earlier = LedgerFilter { to: Some(all[9].row.at), ..LedgerFilter::default() };
    assert!(store.ledger(owner, earlier, ALL).await.expect("lines").is_empty());

    assert!(store.ledger(stranger, LedgerFilter::default(), ALL).await.expect("lines").is_empty());
    assert!(is_missing(&store.ledger(stranger, of_first, ALL).await));
}

/// Clause 3.
pub async fn usage_adds_the_ledger_up<S: StepStore + AccountStore>(store: Arc<S>) {
    let (owner, stranger) = (organization(&*store, 1).await, organization(&*store, 2).await);
    run_with_money(&*store, 1).await;
    run_with_money(&*store, 2).await;
    let mut other = fixtures::run(3);
    other.request.brief.budget.currency = Currency::CNY;
    store.create_run(&other, Commit::default()).await.expect("a run");
    store.amend(other.id, 1, fixtures::money(LedgerKind::Reserve, "yuan", 7)).await.expect("reserved");
    store.amend(other.id, 2, fixtures::money(LedgerKind::Settle, "yuan", 6)).await.expect("settled");

    let usage = store.usage(owner, None, None).await.expect("usage");
    let line = |currency, settlements, settled| UsageLine {
        currency: Some(currency),
        provider: None,
        settlements,
        settled: Micros(settled),
    };
    assert_eq!(usage.settled, [line(Currency::CNY, 1, 6), line(Currency::USD, 2, 6)]);
    let reserved = ReservedLine { currency: Some(Currency::USD), reserved: Micros(8) };
    assert_eq!(usage.reserved, [reserved]);
    let before_all = store.usage(owner, None, Some(1)).await.expect("usage");
    assert!(before_all.settled.is_empty() && before_all.reserved == usage.reserved);
    let strange = store.usage(stranger, None, None).await.expect("usage");
    assert!(strange.settled.is_empty() && strange.reserved.is_empty());
}

/// Clause 1 for placements.
pub async fn placements_are_read_by_generation<S: StepStore + AccountStore>(store: Arc<S>) {
    let (owner, stranger) = (organization(&*store, 1).await, organization(&*store, 2).await);
    let run = fixtures::run(1);
    store.create_run(&run, Commit::default()).await.expect("a run");
    let later = fixtures::variant(run.id, 2, 1, VariantState::Won);
    let first = fixtures::variant(run.id, 1, 2, VariantState::Won);
    let placements = vec![fixtures::placement(&later), fixtures::placement(&first)];
    let commit = Commit { variants: vec![later, first], placements: placements.clone(), ..Commit::default() };
    store.amend(run.id, 1, commit).await.expect("written");
    let read = Books::placements(&*store, owner, run.id).await.expect("placements");
    assert_eq!(read, [placements[1].clone(), placements[0].clone()]);
    assert!(is_missing(&Books::placements(&*store, stranger, run.id).await));
}

/// What finished runs were charged is read newest first, and of those that did what they could.
pub async fn finished_runs_tell_what_they_were_charged<S: StepStore + AccountStore>(store: Arc<S>) {
    let (owner, stranger) = (organization(&*store, 1).await, organization(&*store, 2).await);
    let mut runs = Vec::new();
    for (number, reason) in (1..).zip([
        StopReason::Completed,
        StopReason::Failed,
        StopReason::BudgetExhausted,
        StopReason::Cancelled,
    ]) {
        let run = ordered(&*store, owner, number).await.id;
        commit(&*store, run, fixtures::money(LedgerKind::Reserve, &format!("play {number}"), 5)).await;
        commit(&*store, run, fixtures::money(LedgerKind::Settle, &format!("play {number}"), 4)).await;
        let finished = Payload::RunFinished(RunFinished { reason, generations: 1 });
        let last = Event { payload: finished, ..fixtures::event(run, 2) };
        let update = Some(fixtures::update(Stage::Finished, 1));
        commit(&*store, run, Commit { run: update, messages: vec![last], ..Commit::default() }).await;
        runs.push(run);
    }
    // One that goes on tells nothing yet.
    ordered(&*store, owner, 9).await;
    let measured = store.measured_runs(owner, Currency::USD, 10).await.expect("measured");
    let read: Vec<RunId> = measured.iter().map(|run| run.run).collect();
    assert_eq!(read, [runs[2], runs[0]]);
    assert_eq!((measured[0].with(None), measured[0].spent()), (Micros(4), Micros(4)));
    assert_eq!((measured[0].budget, measured[0].order.variants), (Micros(10), 4));
    assert!(measured[0].micros >= 0);
    let newest = store.measured_runs(owner, Currency::USD, 1).await.expect("measured");
    assert_eq!(newest.iter().map(|run| run.run).collect::<Vec<_>>(), [runs[2]]);
    assert!(store.measured_runs(owner, Currency::CNY, 10).await.expect("measured").is_empty());
    assert!(store.measured_runs(stranger, Currency::USD, 10).await.expect("measured").is_empty());
}
