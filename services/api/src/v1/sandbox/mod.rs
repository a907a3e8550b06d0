//! The sandbox of the own organization: its clock, and emptying it. For test keys.

pub(crate) mod advance;
pub(crate) mod clock;
pub(crate) mod empty;
pub(crate) mod next;
pub(crate) mod set;

use serde::Serialize;
use spotwright_core::domain::sandbox::{Due, SandboxClock};
use spotwright_schemas::mode::Mode;
use utoipa::ToSchema;

use super::api_keys::KeyMode;
use super::time;

/// The clock of a sandbox.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SandboxClockView {
    /// Always `test`.
    #[schema(value_type = KeyMode)]
    mode: Mode,
    /// What it shows.
    #[schema(format = DateTime)]
    now: String,
    /// How far it is ahead of the machine's clock, in microseconds.
    moved_micros: i64,
    /// The first thing that is to happen by itself later than now; `null` for nothing.
    next: Option<DueView>,
}

/// Something that happens by itself at a time.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DueView {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// What: `webhook_delivery`, `experiment_day`, `campaign_day`, `run_continues`, `invitation_ends`,
    /// `share_ends` or `key_ends`.
    what: &'static str,
}

impl From<Due> for DueView {
    fn from(due: Due) -> Self {
        Self { at: time(due.at), what: due.what.as_str() }
    }
}

impl From<SandboxClock> for SandboxClockView {
    fn from(clock: SandboxClock) -> Self {
        Self {
            mode: Mode::Test,
            now: time(clock.now),
            moved_micros: clock.moved,
            next: clock.next.map(DueView::from),
        }
    }
}
