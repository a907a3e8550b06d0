//! The contract of [`Reports`](spotwright_core::ports::reports::Reports): clauses that are run with
//! [`crate::account_store_suite`].

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::sync::Arc;
use std::time::Duration;

use spotwright_core::domain::observation::SourceKind;
use spotwright_core::domain::report::{ReportFile, ReportFormat, ReportKind, ReportOrder, ReportState};
use spotwright_core::domain::variant::VariantState;
use spotwright_core::ports::accounts::{AccountStore, Page, WriteKey, Written};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::step_store::{Commit, StepStore};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::ReportId;

use super::accounts::{commit, is_missing, organization};
use crate::fixtures;

const ALL: Page = Page { before: None, limit: 100 };
const LONG: Duration = Duration::from_mins(1);

fn order() -> ReportOrder {
    ReportOrder {
        kind: ReportKind::Elements,
        format: ReportFormat::Json,
        source: SourceKind::Simulated,
        run: None,
        from: None,
        to: None,
    }
}

fn write(key: &str) -> WriteKey {
    WriteKey { key: key.to_owned(), fingerprint: [7; 32] }
}

fn file() -> ReportFile {
    ReportFile { hash: ArtifactHash::of(b"report"), rows: 3, bytes: 6 }
}

/// Clauses 1 and 2: an order is kept once, read by its own organization, and made in the order of orders.
pub async fn a_report_is_ordered_once_and_made_in_turn<S: StepStore + AccountStore>(store: Arc<S>) {
    let (owner, stranger) = (organization(&*store, 1).await, organization(&*store, 2).await);
    let [first, second, third] = [1, 2, 3].map(|number| ReportId::derive(number, "report", 0));
    let ordered = store.order_report(owner, &write("one"), first, &order()).await.expect("ordered");
    assert_eq!(ordered, Written::Fresh(first));
    let again = store.order_report(owner, &write("one"), third, &order()).await.expect("repeated");
    assert_eq!(again, Written::Replayed(first));
    store.order_report(owner, &write("two"), second, &order()).await.expect("ordered");
    let report = store.report(owner, first).await.expect("the report");
    assert_eq!((report.state, report.order, report.ended_at), (ReportState::Queued, order(), None));
    let listed = store.reports(owner, ALL).await.expect("reports");
    assert_eq!(listed.iter().map(|row| row.row.id).collect::<Vec<_>>(), [second, first]);
    assert!(is_missing(&store.report(stranger, first).await));
    assert!(store.reports(stranger, ALL).await.expect("none").is_empty());

    let claim = store.claim_report(LONG).await.expect("a claim").expect("the first");
    assert_eq!((claim.id, claim.organization, claim.attempts), (first, owner.organization, 1));
    assert_eq!(store.report(owner, first).await.expect("the report").state, ReportState::Running);
    let next = store.claim_report(LONG).await.expect("a claim").expect("the second");
    assert_eq!(next.id, second);
    assert_eq!(store.claim_report(LONG).await.expect("asked"), None);

    assert!(store.end_report(&claim, Ok(file())).await.expect("ended"));
    let done = store.report(owner, first).await.expect("the report");
    assert_eq!(done.state, ReportState::Done(file()));
    assert!(done.expires_at() > Some(done.created_at));
    let problem = Problem::new(Code::RequestValue, "filters", "too many rows");
    assert!(store.end_report(&next, Err(problem.clone())).await.expect("ended"));
    assert_eq!(store.report(owner, second).await.expect("the report").state, ReportState::Failed(problem));
}

/// Clause 3: who lost the claim does not end the report.
pub async fn a_report_whose_maker_is_gone_is_made_by_another<S: StepStore + AccountStore>(store: Arc<S>) {
    let owner = organization(&*store, 1).await;
    let id = ReportId::derive(1, "report", 0);
    store.order_report(owner, &write("one"), id, &order()).await.expect("ordered");
    let lost = store.claim_report(Duration::ZERO).await.expect("a claim").expect("the report");
    tokio::time::sleep(Duration::from_millis(20)).await;
    let newer = store.claim_report(LONG).await.expect("a claim").expect("the report again");
    assert_eq!((newer.id, newer.attempts), (id, 2));
    assert!(!store.end_report(&lost, Ok(file())).await.expect("asked"), "the claim does not hold any more");
    assert_eq!(store.report(owner, id).await.expect("the report").state, ReportState::Running);
    assert!(store.end_report(&newer, Ok(file())).await.expect("ended"));
    assert!(!store.end_report(&newer, Ok(file())).await.expect("asked"), "it ends once");
}

/// Clause 4.
pub async fn exposures_are_of_one_kind_of_source<S: StepStore + AccountStore>(store: Arc<S>) {
    let (owner, stranger) = (organization(&*store, 1).await, organization(&*store, 2).await);
    let run = fixtures::run(1);
    store.create_run(&run, Commit::default()).await.expect("a run");
    let variants: Vec<_> =
        [1, 2].map(|number| fixtures::variant(run.id, 1, number, VariantState::Won)).to_vec();
    let placements: Vec<_> = variants.iter().map(fixtures::placement).collect();
    let deliveries = placements.iter().map(|own| (own.id, fixtures::delivery(own))).collect();
    let observed = vec![placements[0].id];
    let whole = Commit { variants: variants.clone(), placements, deliveries, observed, ..Commit::default() };
    commit(&*store, run.id, whole).await;
    let shown = store.shown_creatives(owner, &order()).await.expect("exposures");
    assert_eq!(shown.len(), 1, "what was not taken in yet is not told");
    assert_eq!((shown[0].variant, shown[0].impressions, shown[0].clicks), (variants[0].id, 300, 7));
    assert_eq!((shown[0].product.as_str(), shown[0].call_to_action.as_str()), ("Hill tea", "shop_now"));
    assert_eq!(shown[0].body, variants[0].body);
    let of_run = ReportOrder { run: Some(run.id), ..order() };
    assert_eq!(store.shown_creatives(owner, &of_run).await.expect("exposures"), shown);
    let imported = ReportOrder { source: SourceKind::Imported, ..order() };
    assert!(store.shown_creatives(owner, &imported).await.expect("none").is_empty());
    let early = ReportOrder { to: Some("1969-12-31".to_owned()), ..order() };
    assert!(store.shown_creatives(owner, &early).await.expect("none").is_empty());
    assert!(store.shown_creatives(stranger, &order()).await.expect("none").is_empty());
}
