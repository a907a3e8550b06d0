//! Control of runs from outside: how one begins, is held and continued, and what it is told.

use async_trait::async_trait;
use spotwright_schemas::Problem;
use spotwright_schemas::ids::{RunId, VariantId};

use super::step_store::Commit;
use crate::domain::revision::{Changes, Revising};
use crate::domain::run::NewRun;
use crate::domain::signal::{AskedQuestion, Caller, Taken, Told};

/// Begins, holds and continues runs, and tells them what people wish.
///
/// Contract:
/// 1. `opening` writes nothing: its commit is written together with the run, so that a run exists
///    with its first work or not at all.
/// 2. `Ok` of the others means that the wish is durable; work under way may still end.
/// 3. Pausing a paused run, resuming one that goes on and cancelling a cancelled one change nothing
///    and are `Ok`. What the run's state does not allow is `Code::RunState`; a run that is not there
///    is `Code::NotFound`.
/// 4. A signal counts once: told again under its id it is [`Taken::Before`], whatever has become of the run
///    since; another signal under the same id is `Code::IdempotencyConflict`.
/// 5. A run of another organization than the caller's is not there.
#[async_trait]
pub trait RunControl: Send + Sync {
    /// The first commit of a new run.
    ///
    /// # Errors
    /// A problem of the request, e.g. `Code::BriefValue`.
    fn opening(&self, run: &NewRun) -> Result<Commit, Problem>;

    /// Takes no new work of the run until it is resumed.
    async fn pause(&self, run: RunId, caller: &Caller) -> Result<(), Problem>;

    /// Continues a paused run.
    async fn resume(&self, run: RunId, caller: &Caller) -> Result<(), Problem>;

    /// Tells a run something. A run that is told to end begins nothing new, waits for what is charged and
    /// keeps what it made; it may go on for a while after this has answered.
    async fn tell(&self, run: RunId, caller: &Caller, told: &Told) -> Result<Taken, Problem>;

    /// What a run has asked about its brief, in the order of what an answer is worth.
    async fn questions(&self, run: RunId, caller: &Caller) -> Result<Vec<AskedQuestion>, Problem>;

    /// What a variant becomes by a person's changes: judged by the rules that every script keeps, and measured.
    /// Writes nothing. One that says what a product feed has made untrue is `Code::RunState`.
    async fn revise(
        &self,
        variant: VariantId,
        caller: &Caller,
        changes: &Changes,
    ) -> Result<Revising, Problem>;
}
