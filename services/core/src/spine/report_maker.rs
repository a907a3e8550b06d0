//! Makes ordered reports: claims one at a time, makes its table, and stores the file.

use std::sync::Arc;
use std::time::Duration;

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use super::Shutdown;
use crate::domain::report::{ClaimedReport, DEADLINE, MAX_ATTEMPTS, ReportFile};
use crate::ports::accounts::AccountStore;
use crate::ports::artifacts::ArtifactStore;
use crate::ports::clock::Clock;
use crate::ports::observations::ObservationStore;
use crate::ports::reports::{ElementAnalysis, TableWriter};
use crate::use_cases::reports::{self, Sources};

/// How long a claim holds without an end.
const LEASE: Duration = Duration::from_mins(2);

/// How often an idle process looks for orders.
const LOOK: Duration = Duration::from_millis(500);

/// Makes reports until the service stops.
pub struct ReportMaker {
    /// Orders, and what reports are made from.
    pub accounts: Arc<dyn AccountStore>,
    /// What ads did.
    pub observations: Arc<dyn ObservationStore>,
    /// Where files go.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Time, for deadlines.
    pub clock: Arc<dyn Clock>,
    /// What the elements of ads go along with.
    pub analysis: Arc<dyn ElementAnalysis>,
    /// Writes tables as files.
    pub writer: Arc<dyn TableWriter>,
}

impl std::fmt::Debug for ReportMaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReportMaker").finish_non_exhaustive()
    }
}

impl ReportMaker {
    /// Makes reports one after the other.
    ///
    /// # Errors
    /// None: what cannot be done now is tried again.
    pub async fn run(self, mut shutdown: Shutdown) -> Result<(), Problem> {
        while !shutdown.is_set() {
            let worked = match self.turn().await {
                Ok(worked) => worked,
                Err(problem) => {
                    tracing::warn!(%problem, "reports cannot be made now");
                    false
                }
            };
            if !worked {
                tokio::select! {
                    () = shutdown.wait() => {}
                    () = tokio::time::sleep(LOOK) => {}
                }
            }
        }
        Ok(())
    }

    /// Makes the next report, if there is one. Whether there was.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn turn(&self) -> Result<bool, Problem> {
        let Some(claim) = self.accounts.claim_report(LEASE).await? else { return Ok(false) };
        let now = if claim.organization.is_sandbox() {
            self.accounts.sandbox_clock(claim.organization).await?.now
        } else {
            self.clock.now_micros()
        };
        let late = now > claim.created_at.saturating_add(DEADLINE);
        let made = if claim.attempts > MAX_ATTEMPTS || late {
            let message = "it could not be made in time; order it again";
            Err(Problem::new(Code::StepFailed, "", message))
        } else {
            self.make(&claim).await
        };
        match made {
            // The store was away: the claim runs out, and the report is made again.
            Err(problem) if matches!(problem.code, Code::Store | Code::Unavailable) => Err(problem),
            made => {
                let held = self.accounts.end_report(&claim, made).await?;
                tracing::info!(report.id = %claim.id, report.held = held, "a report has ended");
                Ok(true)
            }
        }
    }

    async fn make(&self, claim: &ClaimedReport) -> Result<ReportFile, Problem> {
        let sources = Sources {
            accounts: self.accounts.as_ref(),
            observations: self.observations.as_ref(),
            analysis: self.analysis.as_ref(),
        };
        let table = reports::table(&sources, claim).await?;
        let (artifacts, writer) = (Arc::clone(&self.artifacts), Arc::clone(&self.writer));
        let format = claim.order.format;
        let stored = tokio::task::spawn_blocking(move || {
            let bytes = writer.write(&table, format)?;
            let hash = artifacts
                .put(&bytes)
                .map_err(|error| Problem::new(Code::Unavailable, "", error.to_string()))?;
            Ok::<_, Problem>(ReportFile { hash, rows: table.rows.len() as u64, bytes: bytes.len() as u64 })
        });
        stored.await.map_err(|error| Problem::new(Code::Internal, "", error.to_string()))?
    }
}
