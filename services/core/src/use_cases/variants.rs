//! Variants of the own organization's runs.

use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{RunId, VariantId};
use spotwright_schemas::money::Micros;

use super::principal::Principal;
use super::run_sizes::{self, LARGEST_SEED, OPPORTUNITIES};
use super::runs::{RunPorts, teller};
use crate::domain::account::{OrderedRun, RunOrder, RunRecord, Scope};
use crate::domain::audit::Action;
use crate::domain::revision::{Changes, EditFinding, Revises, Revising};
use crate::domain::run::NewRun;
use crate::domain::sandbox;
use crate::domain::variant::{Placement, Variant, VariantState};
use crate::ports::accounts::{AccountStore, Page, Positioned, WriteKey, Written};
use crate::ports::entropy::random_id;
use crate::ports::step_store::TraceEntry;

/// Revisions that a variant is told to have, the newest.
const TOLD_REVISIONS: u32 = 50;

/// Winners read at once.
const WINNERS_AT_ONCE: u32 = 200;

/// Variants of a run after a generation and number, in that order; only those in `state` when one is given.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; `Code::NotFound` for the run.
pub async fn list(
    accounts: &dyn AccountStore,
    by: &Principal,
    run: RunId,
    after: (u32, u32),
    state: Option<VariantState>,
    limit: u32,
) -> Result<Vec<Variant>, Problem> {
    by.expect(Scope::RunsRead)?;
    Ok(accounts.variants(by.context(), run, after, state, limit).await?)
}

/// The winners of a run, by generation and number, with the placements of its own campaigns.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; `Code::NotFound` for the run.
pub async fn winners(
    accounts: &dyn AccountStore,
    by: &Principal,
    run: RunId,
) -> Result<(Vec<Variant>, Vec<Placement>), Problem> {
    by.expect(Scope::RunsRead)?;
    let placements = accounts.placements(by.context(), run).await?;
    Ok((winners_of(accounts, by, run).await?, placements))
}

/// The winners of a run, by generation and number, for a use case that has checked who asks.
pub(super) async fn winners_of(
    accounts: &dyn AccountStore,
    by: &Principal,
    run: RunId,
) -> Result<Vec<Variant>, Problem> {
    let (mut winners, mut after) = (Vec::new(), (0, 0));
    loop {
        let won = Some(VariantState::Won);
        let page = accounts.variants(by.context(), run, after, won, WINNERS_AT_ONCE).await?;
        let Some(last) = page.last() else { return Ok(winners) };
        after = (last.generation, last.number);
        winners.extend(page);
    }
}

/// One variant, with its placement in its own generation if it was placed.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; `Code::NotFound`.
pub async fn get(
    accounts: &dyn AccountStore,
    by: &Principal,
    id: VariantId,
) -> Result<(Variant, Option<Placement>), Problem> {
    by.expect(Scope::RunsRead)?;
    Ok(accounts.variant(by.context(), id).await?)
}

/// Lines of a run's trace after a place, in order.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; `Code::NotFound` for the run.
pub async fn trace(
    accounts: &dyn AccountStore,
    by: &Principal,
    run: RunId,
    after: &str,
    limit: u32,
) -> Result<Vec<TraceEntry>, Problem> {
    by.expect(Scope::RunsRead)?;
    Ok(accounts.trace(by.context(), run, after, limit).await?)
}

/// A revision to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionWish {
    /// What is changed.
    pub changes: Changes,
    /// Most that it may cost, market and all, in millionths of the brief's currency: 1 to the brief's budget,
    /// which it is where nothing is said.
    pub budget: Option<Micros>,
    /// Seed of everything random; that of the original's run where nothing is said.
    pub seed: Option<u64>,
    /// Views that the market offers, within [`OPPORTUNITIES`]; as many as in the original's run where nothing
    /// is said.
    pub opportunities: Option<u64>,
}

/// What a variant was made from, and what was made from it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lineage {
    /// The variant that a person edited to make it.
    pub revises: Option<Revises>,
    /// Runs that make revisions of it, newest first, at most 50.
    pub revised_by: Vec<RunId>,
}

/// What a variant becomes by changes, without making it.
///
/// # Errors
/// `Code::Forbidden` without `runs:write`; `Code::NotFound`; [`Code::RunState`] for one that says what is no
/// longer true.
pub async fn check_revision(
    ports: &RunPorts<'_>,
    by: &Principal,
    id: VariantId,
    changes: &Changes,
) -> Result<Revising, Problem> {
    by.expect(Scope::RunsWrite)?;
    ports.accounts.variant(by.context(), id).await?;
    ports.control.revise(id, &teller(by), changes).await
}

/// Orders the run that makes a revision of a variant. The variant and its run stay as they are. A repeated
/// order is answered as the first one.
///
/// # Errors
/// `Code::Forbidden` without `runs:write`; `Code::NotFound`; [`Code::RequestValue`] with the field, also
/// where nothing is changed; [`Code::LineRefused`] with the field and everything that stops the edit;
/// [`Code::RunState`] for a variant that says what is no longer true, and for one of a run that was not
/// ordered through the service; what the budget refuses; those of repeated writes.
pub async fn revise_variant(
    ports: &RunPorts<'_>,
    by: &Principal,
    write: &WriteKey,
    id: VariantId,
    wish: &RevisionWish,
) -> Result<Written<OrderedRun>, Problem> {
    by.expect(Scope::RunsWrite)?;
    if let Some(answer) = ports.accounts.recall(by.context(), write).await? {
        let ordered = serde_json::from_value(answer)
            .map_err(|error| Problem::new(Code::StoreFormat, "", error.to_string()))?;
        return Ok(Written::Replayed(ordered));
    }
    let (original, _) = ports.accounts.variant(by.context(), id).await?;
    let source = ports.accounts.run(by.context(), original.run).await?;
    let Some(ordered) = source.order else {
        let message =
            "the variant's run was not ordered through the service, which therefore has no brief of it";
        return Err(Problem::new(Code::RunState, "", message));
    };
    let revising = ports.control.revise(id, &teller(by), &wish.changes).await?;
    must_pass(&revising)?;
    let run = new_run(ports, by, revising, wish)?;
    let request = &run.request;
    let order = RunOrder {
        brief: ordered.brief,
        generations: request.generations,
        variants: request.variants,
        winners: request.winners,
        seed: request.seed,
        opportunities: request.opportunities,
        currency: request.brief.budget.currency,
        max_spend: None,
        revises: Some(Revises { variant: id, run: original.run }),
    };
    let commit = ports.control.opening(&run)?;
    let written = ports.accounts.order_run(by.context(), write, order, &run, commit).await?;
    if let Written::Fresh(ordered) = &written {
        let after = json!({ "run": ordered.id, "budget_micros": ordered.budget, "currency": order.currency });
        ports.record.note(by, by.organization, Action::VariantRevised, ("variant", id), Some(after)).await;
    }
    Ok(written)
}

fn must_pass(revising: &Revising) -> Result<(), Problem> {
    let stops: Vec<&EditFinding> = revising.findings.iter().filter(|finding| finding.stops()).collect();
    if let Some(first) = stops.first() {
        let reasons: Vec<String> = stops.iter().map(|finding| in_words(finding)).collect();
        return Err(Problem::new(Code::LineRefused, first.field.clone(), reasons.join("; ")));
    }
    let changed = revising.request.revision.as_ref().is_some_and(|revision| !is_nothing(&revision.changes));
    if changed {
        return Ok(());
    }
    Err(Problem::new(Code::RequestValue, "changes", "change nothing of the variant; change something"))
}

fn in_words(finding: &EditFinding) -> String {
    match finding.subject.as_str() {
        "" => finding.message.clone(),
        subject => format!("{} (`{subject}`)", finding.message),
    }
}

fn is_nothing(changes: &Changes) -> bool {
    *changes == Changes::default()
}

fn new_run(
    ports: &RunPorts<'_>,
    by: &Principal,
    revising: Revising,
    wish: &RevisionWish,
) -> Result<NewRun, Problem> {
    let mut request = revising.request;
    request.seed = wish.seed.unwrap_or(request.seed);
    request.opportunities = wish.opportunities.unwrap_or(request.opportunities);
    let total = request.brief.budget.total;
    let budget = wish.budget.unwrap_or(total);
    run_sizes::within("seed", request.seed, 0..=LARGEST_SEED)
        .and_then(|()| run_sizes::within("opportunities", request.opportunities, OPPORTUNITIES))
        .and_then(|()| {
            let most = u64::try_from(total.0).unwrap_or(0);
            run_sizes::within("budget_micros", u64::try_from(budget.0).unwrap_or(0), 1..=most)
        })
        .map_err(|refused| refused.problem(Code::RequestValue, ""))?;
    if by.organization.is_sandbox() {
        request.seed = sandbox::SEED;
    }
    let id = RunId(random_id(ports.record.entropy)?);
    Ok(NewRun { id, organization: by.organization, request, budget })
}

/// Runs that make revisions of a variant, newest first.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; `Code::NotFound` for the variant.
pub async fn revisions(
    accounts: &dyn AccountStore,
    by: &Principal,
    id: VariantId,
    page: Page,
) -> Result<Vec<Positioned<RunRecord>>, Problem> {
    by.expect(Scope::RunsRead)?;
    accounts.variant(by.context(), id).await?;
    Ok(accounts.revisions(by.context(), id, page).await?)
}

/// What a variant was made from by hand, and what was made from it.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; those of the store.
pub async fn lineage(
    accounts: &dyn AccountStore,
    by: &Principal,
    variant: &Variant,
) -> Result<Lineage, Problem> {
    by.expect(Scope::RunsRead)?;
    let run = accounts.run(by.context(), variant.run).await?;
    let page = Page { before: None, limit: TOLD_REVISIONS };
    let revised = accounts.revisions(by.context(), variant.id, page).await?;
    Ok(Lineage {
        revises: run.order.and_then(|order| order.revises),
        revised_by: revised.into_iter().map(|run| run.row.id).collect(),
    })
}
