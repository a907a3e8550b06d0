//! The log of an organization: what happened in all its runs and in itself, read by position.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use spotwright_schemas::ids::{OrganizationId, RunId};
use spotwright_schemas::organization_event::{LoggedEvent, OrganizationEvent};

use super::accounts::AccountError;

/// How long an event can be read in the log: 30 days, in microseconds. Those of one run can be read for as
/// long as the run is kept.
pub const EVENTS_KEPT_MICROS: i64 = 30 * 24 * 3_600 * 1_000_000;

/// A place in the log. Places are ordered, and what is written later has a later one, or one that no reader
/// has passed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogPosition {
    /// The transaction that wrote the event; 0 where transactions are written one after another.
    pub transaction: i64,
    /// The number of the row.
    pub row: i64,
}

impl LogPosition {
    /// Before every event.
    pub const START: Self = Self { transaction: 0, row: 0 };
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.transaction, self.row)
    }
}

/// A text that is no place in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is no position of an event")]
pub struct NoPosition;

impl FromStr for LogPosition {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
            digits.parse::<i64>().ok().filter(|_| plain).ok_or(NoPosition)
        };
        let (transaction, row) = text.split_once('-').ok_or(NoPosition)?;
        Ok(Self { transaction: number(transaction)?, row: number(row)? })
    }
}

/// An event and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    /// Its place.
    pub position: LogPosition,
    /// The event.
    pub event: LoggedEvent,
}

/// Which events of a log are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogFilter {
    /// Only these types; empty for all.
    pub types: Vec<String>,
    /// Only those of this run.
    pub run: Option<RunId>,
}

/// The log of every organization.
///
/// Contract:
/// 1. An event of a run is in the log of its organization with the commit that wrote it; clause 2 says from when
///    on it is shown.
/// 2. A reader that goes on from the last position it was given misses no event and gets none twice,
///    whatever other transactions are under way: an event is shown only once every transaction that could
///    write before it has ended.
/// 3. Events of a run come in their order.
/// 4. Events older than [`EVENTS_KEPT_MICROS`] by the database's clock are not shown.
/// 5. A reader gets events of its organization only.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Events of an organization after a position, oldest first, at most `limit`.
    async fn events_of_organization(
        &self,
        organization: OrganizationId,
        after: LogPosition,
        filter: &LogFilter,
        limit: u32,
    ) -> Result<Vec<Logged>, AccountError>;

    /// The position of the newest event that readers can see; [`LogPosition::START`] for none.
    async fn newest(&self, organization: OrganizationId) -> Result<LogPosition, AccountError>;

    /// Writes an event of an organization. One with the same id stays as it was.
    async fn announce(&self, event: &OrganizationEvent) -> Result<(), AccountError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_is_written() {
        let place = LogPosition { transaction: 812, row: 4_503 };
        assert_eq!(place.to_string().parse(), Ok(place));
        for other in ["", "-", "1", "1-", "-1", "1--1", "a-1", "+1-1", "1-99999999999999999999", "1-2-3"] {
            assert_eq!(other.parse::<LogPosition>(), Err(NoPosition), "{other}");
        }
        assert!(LogPosition { transaction: 2, row: 1 } > LogPosition { transaction: 1, row: 9 });
    }
}
