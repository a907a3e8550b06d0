//! The sandbox of an organization: its clock, what briefs force in it, and emptying it. Only test keys come
//! here.

use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{BriefId, MessageId};
use spotwright_schemas::mode::Mode;

use super::principal::Principal;
use super::record::Record;
use crate::domain::account::Scope;
use crate::domain::audit::Action;
use crate::domain::sandbox::{Due, Magic, Move, SandboxClock, sample_event};
use crate::ports::accounts::AccountStore;
use crate::ports::event_log::EventLog;

/// The clock of the own sandbox.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`, and for everybody but test keys; those of the store.
pub async fn clock(accounts: &dyn AccountStore, by: &Principal) -> Result<SandboxClock, Problem> {
    expect(by, Scope::RunsRead)?;
    Ok(accounts.sandbox_clock(by.organization).await?)
}

/// Moves the clock of the own sandbox forward.
///
/// # Errors
/// `Code::Forbidden` without `runs:write`, and for everybody but test keys; [`Code::RequestValue`] with
/// `field` when it would go back or too far; those of the store.
pub async fn move_clock(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    field: &str,
    wish: Move,
) -> Result<SandboxClock, Problem> {
    expect(by, Scope::RunsWrite)?;
    let moved = accounts.move_sandbox_clock(by.organization, wish).await?;
    let clock = moved.ok_or_else(|| {
        let message = "must move the clock forward, and by no more than ten years in all";
        Problem::new(Code::RequestValue, field, message)
    })?;
    let after = json!({ "moved_micros": clock.moved });
    record
        .note(by, by.organization, Action::SandboxClockMoved, ("sandbox", by.organization), Some(after))
        .await;
    Ok(clock)
}

/// Moves the clock of the own sandbox to the next thing that happens by itself, and tells what that is; with
/// nothing to come the clock stays.
///
/// # Errors
/// As [`move_clock`].
pub async fn jump(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
) -> Result<(SandboxClock, Option<Due>), Problem> {
    expect(by, Scope::RunsWrite)?;
    let before = accounts.sandbox_clock(by.organization).await?;
    let Some(due) = before.next else { return Ok((before, None)) };
    let after = move_clock(accounts, record, by, "", Move::To(due.at)).await?;
    Ok((after, Some(due)))
}

/// Removes everything from the own sandbox but its keys, members, audit log and clock; how many runs were in
/// it.
///
/// # Errors
/// `Code::Forbidden` without `runs:write`, and for everybody but test keys; those of the store.
pub async fn empty(accounts: &dyn AccountStore, record: &Record<'_>, by: &Principal) -> Result<u64, Problem> {
    expect(by, Scope::RunsWrite)?;
    let n_runs = accounts.empty_sandbox(by.organization).await?;
    let after = json!({ "runs": n_runs });
    record.note(by, by.organization, Action::SandboxEmptied, ("sandbox", by.organization), Some(after)).await;
    Ok(n_runs)
}

/// What the `id` of a brief forces in the sandbox; outside of it ids mean nothing.
///
/// # Errors
/// [`Code::BriefValue`] for an id that begins like a magic one and forces nothing.
pub fn magic(by: &Principal, id: &str) -> Result<Option<Magic>, Problem> {
    if Mode::of(by.organization).is_live() { Ok(None) } else { Magic::of(id) }
}

/// Writes the example of an event that a brief forces when it is handed in.
///
/// # Errors
/// Those of the store.
pub async fn tell(
    log: &dyn EventLog,
    record: &Record<'_>,
    by: &Principal,
    brief: BriefId,
    magic: Magic,
) -> Result<(), Problem> {
    let Magic::Event(of_type) = magic else { return Ok(()) };
    let id = MessageId::child_of(brief.0, of_type, 0);
    let example = sample_event(of_type, by.organization, id, record.clock.now_micros());
    match example {
        Some(event) => Ok(log.announce(&event).await?),
        None => Ok(()),
    }
}

/// Refuses everybody but test keys with `scope`.
fn expect(by: &Principal, scope: Scope) -> Result<(), Problem> {
    by.expect(scope)?;
    if Mode::of(by.organization).is_live() {
        let message = "this needs a test key; `POST /v1/api-keys` makes one with `\"mode\": \"test\"`";
        return Err(Problem::new(Code::Forbidden, "authorization", message));
    }
    Ok(())
}
