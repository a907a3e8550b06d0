//! Runs: ordering, holding, continuing and telling them.

use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{AssetId, BriefId, RunId};
use spotwright_schemas::mode::Mode;
use spotwright_schemas::money::{Currency, Micros};

use super::principal::{Principal, Who};
use super::record::Record;
use super::run_sizes::{self, AskedSizes, LARGEST_SEED, RunSizes};
use crate::domain::account::{OrderedRun, RunOrder, RunRecord, Scope};
use crate::domain::audit::Action;
use crate::domain::run::{Clarify, Involvement, NewRun, RunRequest, StoredPicture};
use crate::domain::sandbox;
use crate::domain::signal::{AskedQuestion, Caller, Signal, Taken, Told};
use crate::ports::accounts::{AccountStore, Page, Positioned, WriteKey, Written};
use crate::ports::entropy::random_id;
use crate::ports::run_control::RunControl;

/// What the use cases of runs work with.
#[derive(Clone, Copy)]
pub struct RunPorts<'a> {
    /// Briefs, pictures and runs.
    pub accounts: &'a dyn AccountStore,
    /// Control of runs.
    pub control: &'a dyn RunControl,
    /// The audit log, the clock and random bytes.
    pub record: Record<'a>,
}

/// A run to be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RunWish {
    /// The brief; its budget is the budget of the run.
    pub brief: BriefId,
    /// How large it shall be.
    pub sizes: AskedSizes,
    /// Seed of everything random; without it, 1.
    pub seed: Option<u64>,
    /// Where people take part.
    pub people: Involvement,
    /// Most that the run may spend on everything; without it the brief's budget alone.
    pub max_spend: Option<MaxSpend>,
}

/// A cap on all that a run spends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MaxSpend {
    /// How much, above 0.
    pub amount: Micros,
    /// Its currency, which is that of the brief.
    pub currency: Currency,
}

/// Starts a run of a brief. A repeated order is answered as the first one, whatever has become of its brief.
///
/// # Errors
/// `Code::Forbidden` without `runs:write`; [`Code::RequestValue`] with the field; [`Code::NotFound`] for the
/// brief; [`Code::PictureUnreadable`] when one of its pictures was deleted; what the budget refuses; those of
/// repeated writes.
pub async fn order(
    ports: &RunPorts<'_>,
    by: &Principal,
    write: &WriteKey,
    wish: RunWish,
    usual: RunSizes,
) -> Result<Written<OrderedRun>, Problem> {
    by.expect(Scope::RunsWrite)?;
    if let Some(answer) = ports.accounts.recall(by.context(), write).await? {
        let ordered = serde_json::from_value(answer)
            .map_err(|error| Problem::new(Code::StoreFormat, "", error.to_string()))?;
        return Ok(Written::Replayed(ordered));
    }
    let run = planned(ports, by, &wish, usual).await?;
    let request = &run.request;
    let order = RunOrder {
        brief: wish.brief,
        generations: request.generations,
        variants: request.variants,
        winners: request.winners,
        seed: request.seed,
        opportunities: request.opportunities,
        currency: request.brief.budget.currency,
        max_spend: wish.max_spend.map(|cap| cap.amount),
        revises: None,
    };
    let commit = ports.control.opening(&run)?;
    let written = ports.accounts.order_run(by.context(), write, order, &run, commit).await?;
    if let Written::Fresh(ordered) = &written {
        let after =
            json!({ "brief": order.brief, "budget_micros": ordered.budget, "currency": order.currency });
        ports.record.note(by, by.organization, Action::RunOrdered, ("run", ordered.id), Some(after)).await;
    }
    Ok(written)
}

/// The run that an order would begin, checked and not stored.
pub(super) async fn planned(
    ports: &RunPorts<'_>,
    by: &Principal,
    wish: &RunWish,
    usual: RunSizes,
) -> Result<NewRun, Problem> {
    let (sizes, seed) = checked(wish, usual)?;
    // What is tried out gives the same every time.
    let seed = if Mode::of(by.organization).is_live() { seed } else { sandbox::SEED };
    opened(ports, by, wish, sizes, seed).await
}

/// What a run may spend: the brief's budget, or less where the order says so. It is all that the ledger
/// reserves from, so nothing that the run asks for can cost more.
///
/// # Errors
/// [`Code::RequestValue`] for a cap of nothing, or in another currency.
pub fn capped(budget: (Micros, Currency), max_spend: Option<MaxSpend>) -> Result<Micros, Problem> {
    let (total, currency) = budget;
    let Some(cap) = max_spend else { return Ok(total) };
    if cap.amount <= Micros::ZERO {
        return Err(Problem::new(Code::RequestValue, "max_spend.amount_micros", "must be above 0"));
    }
    if cap.currency != currency {
        let message = format!("must be the brief's currency, {}", currency.code());
        return Err(Problem::new(Code::RequestValue, "max_spend.currency", message));
    }
    Ok(total.min(cap.amount))
}

/// The sizes and the seed of an order, within their ranges.
fn checked(wish: &RunWish, usual: RunSizes) -> Result<(RunSizes, u64), Problem> {
    let sizes = usual.with(wish.sizes);
    let seed = wish.seed.unwrap_or(1);
    let waits = wish.people.answers_within_seconds;
    sizes
        .check()
        .and_then(|()| run_sizes::within("seed", seed, 0..=LARGEST_SEED))
        .and_then(|()| {
            let seconds = waits.map_or(1, u64::from);
            run_sizes::within("answers_within_seconds", seconds, 1..=run_sizes::LONGEST_WAIT_FOR_ANSWERS)
        })
        .map_err(|refused| refused.problem(Code::RequestValue, ""))?;
    if waits.is_some() && wish.people.clarify != Clarify::Ask {
        let message = "is for a run with `\"clarify\": \"ask\"`";
        return Err(Problem::new(Code::RequestValue, "answers_within_seconds", message));
    }
    Ok((sizes, seed))
}

/// The run of an order, with its brief and the brief's pictures.
async fn opened(
    ports: &RunPorts<'_>,
    by: &Principal,
    wish: &RunWish,
    sizes: RunSizes,
    seed: u64,
) -> Result<NewRun, Problem> {
    let brief = ports.accounts.brief(by.context(), wish.brief).await?;
    let files = brief.brief.product.pictures.iter();
    let ids: Vec<AssetId> = files.filter_map(|picture| brief.assets.get(&picture.file).copied()).collect();
    let found = ports.accounts.assets_by_id(by.context(), &ids).await?;
    let pictures: Vec<StoredPicture> = found
        .into_iter()
        .flatten()
        .map(|asset| StoredPicture { hash: asset.hash, width: asset.width, height: asset.height })
        .collect();
    if pictures.len() != brief.brief.product.pictures.len() {
        let message = "a picture of the brief was deleted; hand the brief in again with one that is there";
        return Err(Problem::new(Code::PictureUnreadable, "brief", message));
    }
    let budget = &brief.brief.budget;
    let budget = capped((budget.total, budget.currency), wish.max_spend)?;
    Ok(NewRun {
        id: RunId(random_id(ports.record.entropy)?),
        organization: by.organization,
        budget,
        request: RunRequest {
            brief: brief.brief,
            pictures,
            generations: sizes.generations,
            variants: sizes.variants,
            winners: sizes.winners,
            seed,
            opportunities: sizes.opportunities,
            remarks: Vec::new(),
            people: wish.people,
            revision: None,
        },
    })
}

/// The organization's runs, newest first.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; those of the store.
pub async fn list(
    accounts: &dyn AccountStore,
    by: &Principal,
    page: Page,
) -> Result<Vec<Positioned<RunRecord>>, Problem> {
    by.expect(Scope::RunsRead)?;
    Ok(accounts.runs(by.context(), page).await?)
}

/// One run.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; [`Code::NotFound`].
pub async fn get(accounts: &dyn AccountStore, by: &Principal, id: RunId) -> Result<RunRecord, Problem> {
    by.expect(Scope::RunsRead)?;
    Ok(accounts.run(by.context(), id).await?)
}

/// Takes no new work of a run until it is resumed.
///
/// # Errors
/// `Code::Forbidden` without `runs:write`; [`Code::NotFound`]; [`Code::RunState`].
pub async fn pause(ports: &RunPorts<'_>, by: &Principal, id: RunId) -> Result<RunRecord, Problem> {
    by.expect(Scope::RunsWrite)?;
    // One of another organization is not there, whatever the control of runs would say.
    ports.accounts.run(by.context(), id).await?;
    ports.control.pause(id, &teller(by)).await?;
    ports.record.note(by, by.organization, Action::RunPaused, ("run", id), None).await;
    Ok(ports.accounts.run(by.context(), id).await?)
}

/// Continues a paused run.
///
/// # Errors
/// As [`pause`].
pub async fn resume(ports: &RunPorts<'_>, by: &Principal, id: RunId) -> Result<RunRecord, Problem> {
    by.expect(Scope::RunsWrite)?;
    ports.accounts.run(by.context(), id).await?;
    ports.control.resume(id, &teller(by)).await?;
    ports.record.note(by, by.organization, Action::RunResumed, ("run", id), None).await;
    Ok(ports.accounts.run(by.context(), id).await?)
}

/// Tells a run something, and answers with the run after it. Who approves may approve and reject scripts,
/// and nothing else.
///
/// # Errors
/// `Code::Forbidden` without `runs:write`, or `approvals:write` for what that allows; [`Code::NotFound`];
/// what the run refuses.
pub async fn tell(
    ports: &RunPorts<'_>,
    by: &Principal,
    id: RunId,
    told: &Told,
) -> Result<(Taken, RunRecord), Problem> {
    let approves = matches!(told.signal, Signal::Approve { .. } | Signal::Reject { .. });
    if !(approves && by.may(Scope::ApprovalsWrite)) {
        by.expect(Scope::RunsWrite)?;
    }
    ports.accounts.run(by.context(), id).await?;
    let taken = ports.control.tell(id, &teller(by), told).await?;
    if taken == Taken::Now {
        note_told(ports, by, id, told).await;
    }
    Ok((taken, ports.accounts.run(by.context(), id).await?))
}

/// What was told stands in the run's trace; the log says that it was, and by whom.
async fn note_told(ports: &RunPorts<'_>, by: &Principal, id: RunId, told: &Told) {
    let (action, after) = match &told.signal {
        Signal::Cancel => (Action::RunCancelled, None),
        other => (Action::RunTold, Some(json!({ "kind": other.kind(), "signal": told.id }))),
    };
    ports.record.note(by, by.organization, action, ("run", id), after).await;
}

/// What a run has asked about its brief.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; [`Code::NotFound`].
pub async fn questions(
    ports: &RunPorts<'_>,
    by: &Principal,
    id: RunId,
) -> Result<Vec<AskedQuestion>, Problem> {
    by.expect(Scope::RunsRead)?;
    ports.accounts.run(by.context(), id).await?;
    ports.control.questions(id, &teller(by)).await
}

/// Who tells a run something, as runs know it.
pub(super) fn teller(by: &Principal) -> Caller {
    let organization = by.organization;
    match by.who {
        Who::Key(key) => Caller::Key { key, organization },
        Who::Person(person) => Caller::Member { person, organization },
        Who::Service(_) => Caller::Person { organization },
    }
}
