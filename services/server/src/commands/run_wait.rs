//! Waiting for the end of a run that this process works on, and showing how far it is.

use std::time::Duration;

use spotwright_core::domain::run::Stage;
use spotwright_core::ports::run_control::RunControl;
use spotwright_core::ports::step_store::{StepStore, StoreError};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::RunId;

use super::ask::Asker;
use crate::progress::Progress;

/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// Waits until the run is finished and everybody was told.
pub(super) async fn wait(
    store: &dyn StepStore,
    control: &dyn RunControl,
    asker: &Asker,
    id: RunId,
) -> Result<(), Problem> {
    let mut progress = Progress::new();
    loop {
        let run = answered(|| store.run(id)).await?;
        progress.show(&run);
        if run.stage == Stage::WaitingForAnswers {
            progress.finish();
            asker.ask(control, &run).await?;
            progress = Progress::new();
            continue;
        }
        let open = answered(|| store.open_work(id)).await?;
        if open == 0 {
            progress.finish();
            // Between the two reads the last step may have ended; only a settled state counts.
            let run = answered(|| store.run(id)).await?;
            if run.stage == Stage::Finished {
                return Ok(());
            }
            if answered(|| store.open_work(id)).await? == 0 {
                let message = format!("the run stands still in stage `{}`", run.stage.as_str());
                return Err(Problem::new(Code::StepFailed, "", message));
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// What the store answers, asked again while it cannot: the work of the run waits for it as well, and
/// a run must not be lost because somebody looked at it while there was no descriptor, say.
async fn answered<T, F>(ask: impl Fn() -> F) -> Result<T, Problem>
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut told = false;
    loop {
        match ask().await {
            Ok(answer) => return Ok(answer),
            Err(error @ (StoreError::Conflict | StoreError::Database(_))) => {
                if !told {
                    tracing::warn!(%error, "the run cannot be looked at yet");
                    told = true;
                }
                tokio::time::sleep(LOOK).await;
            }
            Err(error) => return Err(Problem::new(Code::Store, "", error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_that_cannot_answer_for_a_while_is_asked_again() {
        let asked = AtomicU32::new(0);
        let answer = answered(|| async {
            match asked.fetch_add(1, Ordering::Relaxed) {
                0..90 => Err(StoreError::Database("unable to open database file".to_owned())),
                _ => Ok(7),
            }
        })
        .await;
        assert_eq!(answer.unwrap(), 7);
        assert_eq!(asked.into_inner(), 91);
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_is_not_there_is_not_asked_for_again() {
        let asked = AtomicU32::new(0);
        let answer: Result<(), _> = answered(|| async {
            asked.fetch_add(1, Ordering::Relaxed);
            Err(StoreError::Ended)
        })
        .await;
        assert_eq!(answer.unwrap_err().code, Code::Store);
        assert_eq!(asked.into_inner(), 1);
    }
}
