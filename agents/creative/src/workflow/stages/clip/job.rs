//! One source's job: begun, looked at, fetched, called off, and always with one end of its paid call.

use std::sync::Arc;
use std::time::Duration;

use spotwright_core::domain::reason::ClipReason;
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::clip_source::{
    Cancelled, ClipError, ClipErrorKind, ClipRequest, ClipSource, JobId, JobState, Output,
};
use spotwright_core::spine::{Begun, StepError};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::money::Micros;

use super::progress::{Current, Fetched, bounded};
use super::{ClipWork, Turn};
use crate::workflow::agent::{in_background, permanent};
use crate::workflow::clips::TryEnd;

/// How long to wait before storage is tried again.
const RETRY_DELAY: Duration = Duration::from_millis(500);

/// What one source is asked.
pub(super) struct Asking<'a> {
    pub(super) source: &'a dyn ClipSource,
    pub(super) current: &'a Current,
    pub(super) request: &'a ClipRequest,
    /// The paid call's name and the job's.
    pub(super) key: &'a str,
}

impl ClipWork<'_> {
    /// Takes the current source's turn as far as it goes. An error of kind `Waiting` keeps the turn.
    pub(super) async fn turn(&mut self, current: &Current) -> Result<Turn, StepError> {
        let key = self.call_key(current);
        let begun = match self.calls.begin::<Fetched>(&current.source, &key, current.quote).await {
            Err(StepError::Permanent(problem)) if problem.code == Code::BudgetExhausted => {
                return Ok(Turn::Over(current.over(TryEnd::Price, ClipReason::OverBudget, Micros::ZERO)));
            }
            begun => begun?,
        };
        let ports = self.ports;
        let source = ports.clips.iter().find(|source| source.name() == current.source);
        let request = self.request(current.seed);
        let Some(source) = source.map(Arc::as_ref) else {
            return Ok(self.source_is_gone(current, &key, &begun));
        };
        let asking = Asking { source, current, request: &request, key: &key };
        match (begun, &current.job) {
            (Begun::Done(fetched), _) => self.take(&asking, fetched).await,
            (Begun::Fresh, _) => self.submit(&asking).await,
            (Begun::Interrupted, Some(job)) => self.look(&asking, &job.clone()).await,
            (Begun::Interrupted, None) => self.look_up(&asking).await,
        }
    }

    /// A job of a source that the configuration names no more can be neither looked at nor called off.
    fn source_is_gone(&self, current: &Current, key: &str, begun: &Begun<Fetched>) -> Turn {
        let cost = match begun {
            Begun::Fresh => Micros::ZERO,
            Begun::Interrupted => current.quote,
            Begun::Done(fetched) => fetched.charged,
        };
        self.calls.ended(key, cost);
        Turn::Over(current.over(TryEnd::Lost, ClipReason::NotConfigured, cost))
    }

    async fn submit(&mut self, asking: &Asking<'_>) -> Result<Turn, StepError> {
        match asking.source.submit(asking.request, asking.key).await {
            Ok(job) => {
                self.remember(job);
                Err(self.wait(None))
            }
            // Its answer was lost on the way: the job is looked for.
            Err(error) if error.may_have_begun => Err(self.wait(error.retry_after)),
            Err(error) => {
                let charged = error.charged.unwrap_or(Micros::ZERO);
                self.calls.ended(asking.key, charged);
                if error.is_retryable() && charged == Micros::ZERO && !self.is_over(asking.current) {
                    return Err(self.wait(error.retry_after));
                }
                Ok(Turn::Over(over(asking.current, &error, charged)))
            }
        }
    }

    /// Looks for a job that an earlier attempt may have submitted.
    async fn look_up(&mut self, asking: &Asking<'_>) -> Result<Turn, StepError> {
        let Asking { source, current, request, key } = *asking;
        match source.find(request, key).await {
            Ok(Some(job)) => {
                self.remember(job.clone());
                self.look(asking, &job).await
            }
            Ok(None) if self.calls.stop().is_set() => {
                self.calls.ended(key, Micros::ZERO);
                Ok(Turn::Over(current.over(TryEnd::Cancelled, ClipReason::RunEnded, Micros::ZERO)))
            }
            Ok(None) => self.submit(asking).await,
            Err(error) if error.is_retryable() && !self.is_over(current) => Err(self.wait(error.retry_after)),
            Err(error) => Ok(self.lost(asking, &error)),
        }
    }

    /// Begins the second part of a job whose first part has cost `paid`.
    async fn go_on(&mut self, asking: &Asking<'_>, job: &JobId, paid: Micros) -> Result<Turn, StepError> {
        let Asking { source, current, request, key } = *asking;
        let stopped = self.calls.stop().is_set();
        if stopped || self.is_over(current) {
            // An earlier attempt may have begun it without hearing so.
            return match source.find(request, key).await {
                Ok(Some(job)) => {
                    self.remember(job);
                    Err(self.wait(None))
                }
                Err(error) if error.is_retryable() && !self.is_over(current) => {
                    Err(self.wait(error.retry_after))
                }
                Ok(None) | Err(_) => {
                    self.calls.ended(key, paid);
                    let (end, why) = if stopped {
                        (TryEnd::Cancelled, ClipReason::RunEnded)
                    } else {
                        (TryEnd::TooLate, ClipReason::SecondPartLate)
                    };
                    Ok(Turn::Over(current.over(end, why, paid)))
                }
            };
        }
        match source.go_on(request, key, job).await {
            Ok(job) => {
                self.remember(job);
                Err(self.wait(None))
            }
            Err(error) if error.may_have_begun || error.is_retryable() => Err(self.wait(error.retry_after)),
            Err(error) => {
                let charged = error.charged.unwrap_or(paid);
                self.calls.ended(key, charged);
                Ok(Turn::Over(over(current, &error, charged)))
            }
        }
    }

    async fn look(&mut self, asking: &Asking<'_>, job: &JobId) -> Result<Turn, StepError> {
        let current = asking.current;
        let stopped = self.calls.stop().is_set();
        match asking.source.poll(job).await {
            Ok(JobState::Done { outputs, charged, seed }) => {
                let fetched = Fetched { raw: None, seed, charged: charged.unwrap_or(current.quote) };
                if stopped {
                    self.calls.done(asking.key, &fetched, fetched.charged)?;
                    return Ok(Turn::Over(current.over(
                        TryEnd::Cancelled,
                        ClipReason::RunEnded,
                        fetched.charged,
                    )));
                }
                self.fetch(asking, job, outputs.first(), fetched).await
            }
            Ok(JobState::Failed(error)) => {
                // Who does not tell what a failed job costs may charge it.
                let charged = error.charged.unwrap_or(current.quote);
                self.calls.ended(asking.key, charged);
                let error = if matches!(error.kind, ClipErrorKind::Policy) {
                    error
                } else {
                    ClipError { kind: ClipErrorKind::Failed, ..error }
                };
                Ok(Turn::Over(over(current, &error, charged)))
            }
            Ok(JobState::Halfway { charged }) => self.go_on(asking, job, charged).await,
            _ if stopped => self.call_off(asking, job, TryEnd::Cancelled, ClipReason::RunEnded).await,
            _ if self.is_over(current) => {
                let within = self.ports.options.deadline_of(&current.source);
                let why = ClipReason::TooLate { seconds: within.as_secs() };
                self.call_off(asking, job, TryEnd::TooLate, why).await
            }
            Ok(JobState::Queued | JobState::Running { .. }) => {
                self.forgive();
                Err(self.wait(None))
            }
            Err(error) if error.is_retryable() => Err(self.wait(error.retry_after)),
            Err(error) if matches!(error.kind, ClipErrorKind::UnknownJob) => self.job_is_gone(asking, &error),
            Err(error) if self.is_fault_too_many() => {
                self.call_off(asking, job, TryEnd::Failed, said(&error)).await
            }
            Err(_) => Err(self.wait(None)),
        }
    }

    /// The source does not know a job that it had. What costs nothing, or was not charged as the source says,
    /// is asked for anew, under the same key; what may have been charged is not.
    fn job_is_gone(&mut self, asking: &Asking<'_>, error: &ClipError) -> Result<Turn, StepError> {
        if error.charged.unwrap_or(asking.current.quote) > Micros::ZERO {
            return Ok(self.lost(asking, error));
        }
        if let Some(current) = &mut self.progress.current {
            current.job = None;
        }
        if self.is_fault_too_many() {
            return Ok(self.lost(asking, error));
        }
        // A moment later, so that a source that comes up again has its jobs.
        Err(self.wait(None))
    }

    async fn fetch(
        &mut self,
        asking: &Asking<'_>,
        job: &JobId,
        output: Option<&Output>,
        fetched: Fetched,
    ) -> Result<Turn, StepError> {
        let Asking { source, current, key, .. } = *asking;
        let got = match output {
            Some(output) => source.fetch(job, output).await,
            None => Err(ClipError::new(ClipErrorKind::BadAnswer, "a job that is done came without a file")),
        };
        match got {
            Ok(bytes) => {
                let Some(raw) = self.keep(bytes).await? else {
                    self.calls.ended(key, fetched.charged);
                    let stored_not = current.over(TryEnd::Unusable, ClipReason::NotStored, fetched.charged);
                    return Ok(Turn::Over(stored_not));
                };
                let fetched = Fetched { raw: Some(raw), ..fetched };
                self.calls.done(key, &fetched, fetched.charged)?;
                self.take(asking, fetched).await
            }
            Err(error) if error.is_retryable() && !self.is_over(current) => Err(self.wait(error.retry_after)),
            // The address may have been too old, or the file cut short: the next look gives a new address.
            Err(error) if !error.is_retryable() && !self.is_fault_too_many() && !self.is_over(current) => {
                tracing::debug!(step.id = %self.step.id, %error, "what was made cannot be fetched yet");
                Err(self.wait(error.retry_after))
            }
            Err(error) => {
                self.calls.ended(key, fetched.charged);
                Ok(Turn::Over(current.over(TryEnd::Unusable, said(&error), fetched.charged)))
            }
        }
    }

    /// Stores what came; `None` when storage fails for good.
    async fn keep(&self, bytes: Vec<u8>) -> Result<Option<ArtifactHash>, StepError> {
        let artifacts = Arc::clone(&self.ports.artifacts);
        match in_background(move || artifacts.put(&bytes)).await? {
            Ok(hash) => Ok(Some(hash)),
            Err(error) if error.no_room() => Err(StepError::NoRoom(error.to_string())),
            Err(error) if self.step.may_retry() => Err(retry(&error.to_string())),
            Err(error) => {
                tracing::warn!(step.id = %self.step.id, %error, "a clip that was paid for cannot be stored");
                Ok(None)
            }
        }
    }

    /// Tells the source to stop. What it may charge all the same counts as spent.
    async fn call_off(
        &mut self,
        asking: &Asking<'_>,
        job: &JobId,
        ended: TryEnd,
        why: ClipReason,
    ) -> Result<Turn, StepError> {
        let Asking { source, current, key, .. } = *asking;
        let cost = match source.cancel(job).await {
            Ok(Cancelled::Free) => Micros::ZERO,
            Ok(Cancelled::MayGoOn) => current.quote,
            // A provider that is away for a moment can be told later, until the deadline.
            Err(error) if error.is_retryable() && !self.is_over(current) => {
                return Err(self.wait(error.retry_after));
            }
            Err(error) => {
                tracing::warn!(step.id = %self.step.id, %error, "a job cannot be called off");
                current.quote
            }
        };
        self.calls.ended(key, cost);
        Ok(Turn::Over(current.over(ended, why, cost)))
    }

    /// Nobody can tell what became of the job.
    fn lost(&self, asking: &Asking<'_>, error: &ClipError) -> Turn {
        let cost = error.charged.unwrap_or(asking.current.quote);
        self.calls.ended(asking.key, cost);
        let why = ClipReason::Lost { words: bounded(&error.message) };
        Turn::Over(asking.current.over(TryEnd::Lost, why, cost))
    }

    fn remember(&mut self, job: JobId) {
        if let Some(current) = &mut self.progress.current {
            current.job = Some(job);
        }
    }

    /// An answer that was of use ends a row of others.
    fn forgive(&mut self) {
        if let Some(current) = &mut self.progress.current {
            current.faults = 0;
        }
    }

    /// Notes an answer that was of no use. Whether the source had enough of them.
    fn is_fault_too_many(&mut self) -> bool {
        let Some(current) = &mut self.progress.current else { return true };
        current.faults += 1;
        current.faults >= self.ports.options.most_faults
    }

    fn is_over(&self, current: &Current) -> bool {
        let passed = self.ports.clock.now_micros().saturating_sub(current.since_micros);
        let passed = Duration::from_micros(u64::try_from(passed).unwrap_or_default());
        passed >= self.ports.options.deadline_of(&current.source)
    }

    /// Waits for the next look, at least as long as the provider asks for within the deadline.
    fn wait(&mut self, at_least: Option<Duration>) -> StepError {
        let options = &self.ports.options;
        let mut delay = options.shortest_wait;
        if let Some(current) = &mut self.progress.current {
            delay = options.wait_after(current.looks);
            if let Some(wished) = at_least {
                delay = delay.max(wished.min(options.deadline_of(&current.source)));
            }
            current.looks += 1;
        }
        match serde_json::to_value(&self.progress) {
            Ok(progress) => StepError::Waiting { delay, progress },
            Err(error) => permanent(Code::StoreFormat, error.to_string()),
        }
    }
}

/// The end of a try by the source's own words.
fn over(current: &Current, error: &ClipError, cost: Micros) -> super::Tried {
    let ended = match error.kind {
        ClipErrorKind::Policy => TryEnd::Policy,
        ClipErrorKind::Authentication | ClipErrorKind::NoFunds | ClipErrorKind::NotAllowed => {
            tracing::warn!(
                clip.source = current.source,
                clip.code = error.code.as_deref().unwrap_or_default(),
                "a source of clips needs its operator: {}",
                error.message
            );
            TryEnd::Operator
        }
        ClipErrorKind::BadRequest => TryEnd::Refused,
        ClipErrorKind::Busy | ClipErrorKind::TooFast | ClipErrorKind::Unavailable => TryEnd::TooLate,
        ClipErrorKind::UnknownJob | ClipErrorKind::BadAnswer | ClipErrorKind::Failed => TryEnd::Failed,
    };
    current.over(ended, said(error), cost)
}

/// What the source says.
fn said(error: &ClipError) -> ClipReason {
    ClipReason::Source { kind: error.kind, words: bounded(&error.message) }
}

/// Storage failed; the same attempt again.
pub(super) fn retry(message: &str) -> StepError {
    StepError::Retry { problem: Problem::new(Code::StepFailed, "", message), delay: RETRY_DELAY }
}
