//! Budgets of organizations: clauses of [`AccountStore`] that are run with
//! [`crate::account_store_suite`].

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::sync::Arc;

use spotwright_core::domain::account::{Limit, OrganizationBudget};
use spotwright_core::domain::run::{NewRun, Stage};
use spotwright_core::ports::accounts::AccountStore;
use spotwright_core::ports::step_store::{Commit, LedgerKind, StepStore, StoreError};
use spotwright_schemas::ids::OrganizationId;
use spotwright_schemas::money::{Currency, Micros};

use super::accounts::{is_missing, organization};
use crate::fixtures;

/// Sixty-four runs race for what covers ten of them; what a run did not spend is free after its end.
pub async fn an_organization_admits_only_the_runs_its_budget_covers<S>(store: Arc<S>)
where
    S: StepStore + AccountStore + 'static,
{
    let context = organization(&*store, 1).await;
    let each = fixtures::run(1).budget;
    let cap = Limit { cap: Micros(10 * each.0), currency: None };
    store.limit_organization(context.organization, cap).await.expect("a limit");
    let mut racing = tokio::task::JoinSet::new();
    for number in 1..=64 {
        let store = Arc::clone(&store);
        racing.spawn(async move {
            let run = fixtures::run(number);
            let created = store.create_run(&run, Commit::default()).await;
            // At every moment.
            assert_eq!(money_rules(&*store).await, Vec::<String>::new());
            (run, created)
        });
    }
    let mut admitted = Vec::new();
    while let Some(ended) = racing.join_next().await {
        match ended.expect("no panic") {
            (run, Ok(())) => admitted.push(run),
            (_, Err(error)) => assert!(matches!(error, StoreError::Budget { .. }), "{error}"),
        }
    }
    assert_eq!(admitted.len(), 10);

    // One of them ends and has spent four of its ten micros.
    let run = &admitted[0];
    let spent = fixtures::money(LedgerKind::Reserve, "play", 6);
    store.amend(run.id, 1, spent).await.expect("reserved");
    let end = Commit {
        run: Some(fixtures::update(Stage::Finished, 1)),
        ..fixtures::money(LedgerKind::Settle, "play", 4)
    };
    store.amend(run.id, 2, end).await.expect("ended");
    assert_eq!(money_rules(&*store).await, Vec::<String>::new());
    let ten = fixtures::run(65);
    let refused = store.create_run(&ten, Commit::default()).await;
    assert!(matches!(refused, Err(StoreError::Budget { free: Micros(6), .. })), "{refused:?}");
    assert!(matches!(StepStore::run(&*store, ten.id).await, Err(StoreError::Missing(_))));
    let six = NewRun { budget: Micros(6), ..fixtures::run(66) };
    store.create_run(&six, Commit::default()).await.expect("six micros were free");

    store.unlimit_organization(context.organization).await.expect("no limit");
    assert_eq!(store.organization_budget(context.organization).await.expect("an answer"), None);
    store.create_run(&ten, Commit::default()).await.expect("nothing limits it");
    let nobody = OrganizationId::derive(99, "organization", 0);
    assert!(is_missing(&store.limit_organization(nobody, cap).await));
    assert!(is_missing(&store.unlimit_organization(nobody).await));
    assert!(is_missing(&store.organization_budget(nobody).await));
}

/// What is committed can be frozen; a run that ends gives back all the same.
pub async fn a_limit_below_what_is_committed_holds_back_every_further_run<S>(store: Arc<S>)
where
    S: StepStore + AccountStore,
{
    let id = organization(&*store, 1).await.organization;
    for number in 1..=2 {
        store.create_run(&fixtures::run(number), Commit::default()).await.expect("nothing limits it");
    }
    let limit = |cap| Limit { cap: Micros(cap), currency: None };
    let frozen = store.limit_organization(id, limit(5)).await.expect("a limit below what is committed");
    let expected =
        OrganizationBudget { cap: Micros(5), committed: Micros(20), currency: Some(Currency::USD) };
    assert_eq!((frozen, frozen.free()), (expected, Micros(0)));
    assert_eq!(store.organization_budget(id).await.expect("an answer"), Some(expected));
    let one = NewRun { budget: Micros(1), ..fixtures::run(3) };
    let refused = store.create_run(&one, Commit::default()).await;
    assert!(matches!(refused, Err(StoreError::Budget { free: Micros(0), .. })), "{refused:?}");
    for number in 1..=2 {
        let spent = fixtures::money(LedgerKind::Reserve, &format!("play {number}"), 6);
        let run = fixtures::run(number).id;
        store.amend(run, 1, spent).await.expect("a run that was admitted goes on");
        let end = Commit {
            run: Some(fixtures::update(Stage::Finished, 1)),
            ..fixtures::money(LedgerKind::Settle, &format!("play {number}"), 2)
        };
        store.amend(run, 2, end).await.expect("and gives back what it did not spend");
        assert_eq!(money_rules(&*store).await, Vec::<String>::new());
    }
    let left = store.organization_budget(id).await.expect("an answer").expect("a limit");
    assert_eq!((left.committed, left.free()), (Micros(4), Micros(1)));
    store.create_run(&one, Commit::default()).await.expect("one micro is free again");
    let two = NewRun { budget: Micros(1), ..fixtures::run(4) };
    assert!(matches!(store.create_run(&two, Commit::default()).await, Err(StoreError::Budget { .. })));
    store.limit_organization(id, limit(6)).await.expect("raised");
    store.create_run(&two, Commit::default()).await.expect("it fits now");
    assert_eq!(money_rules(&*store).await, Vec::<String>::new());
}

/// A budget has one currency; a run in another is refused, whatever is free, and one that was there
/// before is not in the sum.
pub async fn amounts_of_two_currencies_are_never_added_up<S>(store: Arc<S>)
where
    S: StepStore + AccountStore,
{
    let run_in = |number, currency| {
        let mut run = fixtures::run(number);
        run.request.brief.budget.currency = currency;
        run
    };
    let id = organization(&*store, 1).await.organization;
    let limit = |currency| Limit { cap: Micros(1_000), currency };
    // Without a run, the first one decides.
    let open = store.limit_organization(id, limit(None)).await.expect("a limit");
    assert_eq!(open.currency, None);
    store.create_run(&run_in(1, Currency::JPY), Commit::default()).await.expect("the first run");
    let refused = store.create_run(&run_in(2, Currency::CNY), Commit::default()).await;
    let expected = (Currency::JPY, Currency::CNY);
    assert!(
        matches!(refused, Err(StoreError::Currency { budget, run }) if (budget, run) == expected),
        "{refused:?}"
    );
    assert!(matches!(
        StepStore::run(&*store, run_in(2, Currency::CNY).id).await,
        Err(StoreError::Missing(_))
    ));
    // In another currency, the runs so far are not in the sum, and their ends do not change it.
    let other = store.limit_organization(id, limit(Some(Currency::CNY))).await.expect("another currency");
    assert_eq!((other.currency, other.committed), (Some(Currency::CNY), Micros(0)));
    store.create_run(&run_in(2, Currency::CNY), Commit::default()).await.expect("in the budget's currency");
    let end = Commit { run: Some(fixtures::update(Stage::Finished, 1)), ..Commit::default() };
    store.amend(run_in(1, Currency::JPY).id, 1, end).await.expect("ends");
    let budget = store.organization_budget(id).await.expect("an answer").expect("a limit");
    assert_eq!((budget.currency, budget.committed), (Some(Currency::CNY), Micros(10)));
    assert_eq!(store.limit_organization(id, limit(None)).await.expect("kept").currency, Some(Currency::CNY));
    assert_eq!(money_rules(&*store).await, Vec::<String>::new());
}

/// The broken rules about money; runs that have not ended break others.
async fn money_rules(store: &impl StepStore) -> Vec<String> {
    let mut broken = store.broken_invariants().await.expect("rules");
    broken.retain(|rule| rule.starts_with("I4"));
    broken
}
