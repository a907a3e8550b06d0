//! Control of runs from outside: how one begins, and how it is held, continued and ended.

use async_trait::async_trait;
use spotwright_schemas::Problem;
use spotwright_schemas::ids::RunId;

use super::step_store::Commit;
use crate::domain::run::NewRun;

/// Begins, holds, continues and ends runs.
///
/// Contract:
/// 1. `opening` writes nothing: its commit is written together with the run, so that a run exists
///    with its first work or not at all.
/// 2. `Ok` of the others means that the wish is durable; work under way may still end.
/// 3. Pausing a paused run, resuming one that goes on and cancelling a cancelled one change nothing
///    and are `Ok`. What the run's state does not allow is `Code::RunState`; a run that is not there
///    is `Code::NotFound`.
///
/// Who may ask is not decided here: callers have checked that the run is theirs.
#[async_trait]
pub trait RunControl: Send + Sync {
    /// The first commit of a new run.
    ///
    /// # Errors
    /// A problem of the request, e.g. `Code::BriefValue`.
    fn opening(&self, run: &NewRun) -> Result<Commit, Problem>;

    /// Takes no new work of the run until it is resumed.
    async fn pause(&self, run: RunId) -> Result<(), Problem>;

    /// Continues a paused run.
    async fn resume(&self, run: RunId) -> Result<(), Problem>;

    /// Ends a run: nothing new begins, what is charged is waited for, and what it made is kept. It may go on
    /// for a while after this has answered.
    async fn cancel(&self, run: RunId) -> Result<(), Problem>;
}
