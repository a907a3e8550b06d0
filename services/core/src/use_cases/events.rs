//! What happened in an organization.

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::organization_event::LoggedEvent;

use super::Principal;
use crate::domain::account::Scope;
use crate::ports::accounts::AccountError;
use crate::ports::event_log::{EventLog, LogFilter, LogPosition, Logged};

/// Why events are not told.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EventsError {
    /// What was asked is not allowed or not right (permanent).
    #[error(transparent)]
    Refused(#[from] Problem),
    /// The store says no.
    #[error(transparent)]
    Store(#[from] AccountError),
}

/// Checks which events are asked for.
///
/// # Errors
/// `Code::RequestValue` with `types` for a type that there is not.
pub fn check_filter(filter: &LogFilter) -> Result<(), Problem> {
    if filter.types.iter().all(|word| LoggedEvent::TYPES.contains(&word.as_str())) {
        return Ok(());
    }
    let known = LoggedEvent::TYPES.join(", ");
    Err(Problem::new(Code::RequestValue, "types", format!("must be some of {known}")))
}

/// Events of the organization after a position, oldest first. Needs `runs:read`.
///
/// # Errors
/// [`EventsError`].
pub async fn list(
    principal: &Principal,
    log: &dyn EventLog,
    after: LogPosition,
    filter: &LogFilter,
    limit: u32,
) -> Result<Vec<Logged>, EventsError> {
    principal.expect(Scope::RunsRead)?;
    check_filter(filter)?;
    Ok(log.events_of_organization(principal.organization, after, filter, limit).await?)
}

/// The position of the newest event, to follow what comes after it. Needs `runs:read`.
///
/// # Errors
/// [`EventsError`].
pub async fn newest(principal: &Principal, log: &dyn EventLog) -> Result<LogPosition, EventsError> {
    principal.expect(Scope::RunsRead)?;
    Ok(log.newest(principal.organization).await?)
}
