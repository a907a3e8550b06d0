//! Callbacks of Kling, as hints to look at a clip's job now.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use spotwright_clips::Secret;
use spotwright_clips::kling::callback::{self, CallbackError};
use spotwright_core::ports::clip_hints::{ClipHints, HintError};
use spotwright_core::ports::clock::Clock;
use spotwright_core::ports::step_store::StepStore;
use spotwright_creative::workflow::run_of_job;

/// Wakes the step that waits for the job of a signed callback.
pub struct Hints {
    /// Webhook secrets by the names of their sources.
    pub secrets: BTreeMap<String, Secret>,
    /// Where steps wait.
    pub store: Arc<dyn StepStore>,
    /// Time, for the age of signatures.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl ClipHints for Hints {
    async fn take(&self, source: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<(), HintError> {
        let secret = self.secrets.get(source).ok_or(HintError::Unknown)?;
        let hint = callback::read(headers, body, Some(secret), self.clock.now_micros());
        let hint = hint.map_err(|error| match error {
            CallbackError::Secret => HintError::Unavailable(error.to_string()),
            error => HintError::Refused(error.to_string()),
        })?;
        // Without a key of ours the job is looked at in its time.
        let Some((key, run)) = hint.key.as_deref().and_then(|key| Some((key, run_of_job(key)?))) else {
            return Ok(());
        };
        let woken = self.store.wake(run, key).await;
        let woken = woken.map_err(|error| HintError::Unavailable(error.to_string()))?;
        tracing::debug!(clip.source = source, clip.task = hint.task, woken, "a callback was taken");
        Ok(())
    }
}
