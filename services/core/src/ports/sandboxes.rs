//! Sandboxes: the rows of an organization's sandbox, and its clock.

use async_trait::async_trait;
use spotwright_schemas::ids::OrganizationId;

use super::accounts::AccountError;
use crate::domain::sandbox::{Move, SandboxClock};

/// Keeps sandboxes.
///
/// Contract:
/// 1. The sandbox of an organization has the id [`OrganizationId::sandbox`]; it is listed among no
///    organizations, and its keys are refused while those of its organization are.
/// 2. The clock of a sandbox is the database's and what it was moved forward by; it never goes back, and goes
///    no further than [`FURTHEST_MICROS`](crate::domain::sandbox::FURTHEST_MICROS) ahead. Times that the
///    database writes for a sandbox, and ends that it judges, are those of this clock.
/// 3. Emptying a sandbox removes everything in it but its keys, members, sessions, audit log and clock, and
///    nothing of any other organization.
#[async_trait]
pub trait Sandboxes: Send + Sync {
    /// Makes the sandbox of an organization, unless it is there. [`AccountError::Missing`] without the
    /// organization.
    async fn open_sandbox(&self, organization: OrganizationId) -> Result<(), AccountError>;

    /// The clock of a sandbox, and what it would come to next. [`AccountError::Missing`] for an organization
    /// that is no sandbox.
    async fn sandbox_clock(&self, sandbox: OrganizationId) -> Result<SandboxClock, AccountError>;

    /// Moves the clock of a sandbox; `None` when it would go back or too far.
    async fn move_sandbox_clock(
        &self,
        sandbox: OrganizationId,
        by: Move,
    ) -> Result<Option<SandboxClock>, AccountError>;

    /// Empties a sandbox; how many runs were in it. [`AccountError::Missing`] for an organization that is no
    /// sandbox.
    async fn empty_sandbox(&self, sandbox: OrganizationId) -> Result<u64, AccountError>;
}
