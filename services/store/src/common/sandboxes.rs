//! Sandboxes over the shared queries.

use async_trait::async_trait;
use spotwright_core::domain::sandbox::{Move, SandboxClock};
use spotwright_core::ports::accounts::AccountError;
use spotwright_core::ports::sandboxes::Sandboxes;
use spotwright_schemas::ids::OrganizationId;

use super::event_log_store::within;
use super::writer::Wakes;
use super::{Store, sandboxes};

#[async_trait]
impl Sandboxes for Store {
    async fn open_sandbox(&self, organization: OrganizationId) -> Result<(), AccountError> {
        self.writer
            .write(None, Wakes::default(), move |conn| Box::pin(sandboxes::open(conn, organization)))
            .await?;
        Ok(())
    }

    async fn sandbox_clock(&self, sandbox: OrganizationId) -> Result<SandboxClock, AccountError> {
        Ok(sandboxes::clock(&mut *self.tenant(within(sandbox)).await?, sandbox).await?)
    }

    async fn move_sandbox_clock(
        &self,
        sandbox: OrganizationId,
        by: Move,
    ) -> Result<Option<SandboxClock>, AccountError> {
        let moved = self
            .writer
            .write(None, Wakes { steps: true, messages: false }, move |conn| {
                Box::pin(sandboxes::move_clock(conn, sandbox, by))
            })
            .await?;
        Ok(moved)
    }

    async fn empty_sandbox(&self, sandbox: OrganizationId) -> Result<u64, AccountError> {
        let n_runs = self
            .writer
            .write(None, Wakes::default(), move |conn| Box::pin(sandboxes::empty(conn, sandbox)))
            .await?;
        Ok(n_runs)
    }
}
