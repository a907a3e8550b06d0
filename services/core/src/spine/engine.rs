//! The engine: workers that execute steps and consumers that take in messages.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span};

use super::{Checkpoints, PaidCalls, StepError, StepOutcome, TRACE, Workflow};
use crate::domain::topology::StepKind;
use crate::ports::clock::Clock;
use crate::ports::event_bus::{Delivery, EventBus, Verdict};
use crate::ports::step_store::{CallEnd, ClaimedStep, Commit, StepEnd, StepStore, StoreError};

/// How the engine works.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Steps executed at the same time, at least 1.
    pub workers: usize,
    /// How long a claim is valid without renewal.
    pub lease: Duration,
    /// The kinds of steps this process executes; without any, it has no workers.
    pub kinds: Vec<StepKind>,
    /// The consumers this process runs.
    pub consumers: Vec<String>,
    /// How often to look for work without having been woken.
    pub poll: Duration,
}

/// Tells everybody to stop; cheap to clone.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// A switch and its receiver. Dropping the switch also stops.
    #[must_use]
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (switch, receiver) = watch::channel(false);
        (switch, Self(receiver))
    }

    /// Waits until told to stop.
    pub async fn wait(&mut self) {
        // An error means that the switch is gone, which also means stop.
        let _gone = self.0.wait_for(|stop| *stop).await;
    }

    /// Whether it is time to stop.
    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.borrow() || self.0.has_changed().is_err()
    }
}

/// Executes steps and takes in messages until told to stop.
pub struct Engine<W> {
    /// Where runs, steps and messages live.
    pub store: Arc<dyn StepStore>,
    /// Where messages come from.
    pub bus: Arc<dyn EventBus>,
    /// What steps do and what follows.
    pub workflow: Arc<W>,
    /// Time of messages.
    pub clock: Arc<dyn Clock>,
    /// Told at named points.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// How it works.
    pub options: EngineOptions,
    /// Steps claimed for workers that are about to take them.
    pub claims: ClaimQueue,
}

/// Lets idle workers claim together: one asks for as many steps as workers wait, so that a claim
/// costs one write for all of them and nobody holds a step that another could work on.
#[derive(Debug, Default)]
pub struct ClaimQueue {
    ready: Mutex<VecDeque<ClaimedStep>>,
    waiting: AtomicUsize,
}

/// Messages of one consumer that are taken in at the same time, so that their effects share commits.
const TAKEN_IN_AT_ONCE: usize = 8;

/// Longest wait before a refused commit or message is tried again.
const RETRY_DELAY: Duration = Duration::from_millis(200);

impl<W: Workflow + 'static> Engine<W> {
    /// Runs workers and consumers until `shutdown`. Steps under way are finished first.
    ///
    /// # Errors
    /// [`Code::Store`] when a queue cannot be opened.
    pub async fn run(self: Arc<Self>, shutdown: Shutdown) -> Result<(), Problem> {
        let mut tasks = JoinSet::new();
        for consumer in &self.options.consumers {
            let mut subscription = self
                .bus
                .subscribe(consumer)
                .await
                .map_err(|error| Problem::new(Code::Store, "", error.to_string()))?;
            let engine = Arc::clone(&self);
            let mut stop = shutdown.clone();
            tasks.spawn(async move {
                let mut taking_in = JoinSet::new();
                loop {
                    tokio::select! {
                        () = stop.wait() => break,
                        Some(ended) = taking_in.join_next(), if !taking_in.is_empty() => {
                            if let Err(error) = ended {
                                tracing::error!(%error, "a message's effect ended abnormally; it is delivered again");
                            }
                        }
                        next = subscription.next(), if taking_in.len() < TAKEN_IN_AT_ONCE => match next {
                            Ok(delivery) => {
                                let engine = Arc::clone(&engine);
                                taking_in.spawn(async move { engine.take_in(delivery).await });
                            }
                            Err(error) => {
                                tracing::warn!(%error, "consumer ends");
                                break;
                            }
                        },
                    }
                }
                while taking_in.join_next().await.is_some() {}
            });
        }
        let workers = if self.options.kinds.is_empty() { 0 } else { self.options.workers.max(1) };
        for _ in 0..workers {
            let engine = Arc::clone(&self);
            let stop = shutdown.clone();
            tasks.spawn(async move { engine.work(stop).await });
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!(%error, "a worker ended abnormally; its step is claimed again after the lease");
            }
        }
        Ok(())
    }

    async fn work(&self, mut shutdown: Shutdown) {
        while !shutdown.is_set() {
            // Registered before looking, so that work created in between still wakes us.
            let woken = self.store.steps_ready().notified();
            match self.next_claim().await {
                Ok(Some(step)) => {
                    self.checkpoints.reached("step.after_claim");
                    self.execute(&step).instrument(step_span(&step)).await;
                }
                Ok(None) => {
                    self.bury().await;
                    tokio::select! {
                        () = shutdown.wait() => {}
                        () = woken => {}
                        () = tokio::time::sleep(self.options.poll) => {}
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "steps cannot be claimed");
                    tokio::time::sleep(RETRY_DELAY).await;
                }
            }
        }
    }

    async fn next_claim(&self) -> Result<Option<ClaimedStep>, StoreError> {
        self.claims.waiting.fetch_add(1, Ordering::SeqCst);
        let claimed = self.claim_for_all().await;
        self.claims.waiting.fetch_sub(1, Ordering::SeqCst);
        claimed
    }

    /// Takes a claimed step, or claims one for every worker that waits. The lock is held over the
    /// claim on purpose: those who wait for it are those it is made for.
    async fn claim_for_all(&self) -> Result<Option<ClaimedStep>, StoreError> {
        let mut ready = self.claims.ready.lock().await;
        if ready.is_empty() {
            let limit = self.claims.waiting.load(Ordering::SeqCst).max(1);
            ready.extend(self.store.claim(&self.options.kinds, self.options.lease, limit).await?);
        }
        Ok(ready.pop_front())
    }

    /// Ends what depends on steps that ran out of attempts without an answer.
    async fn bury(&self) {
        match self.store.bury().await {
            Ok(dead) => {
                for step in dead {
                    tracing::error!(step.id = %step.id, step.kind = step.kind.as_str(), "step is dead");
                    let message = "its last attempt did not end within the lease";
                    let outcome = StepOutcome::Failed(Problem::new(Code::StepFailed, "", message));
                    self.finish(&step, &outcome, &[]).instrument(step_span(&step)).await;
                }
            }
            Err(error) => tracing::warn!(%error, "expired steps cannot be looked for"),
        }
    }

    async fn execute(&self, step: &ClaimedStep) {
        let calls = PaidCalls::new(self.store.as_ref(), step, self.checkpoints.as_ref());
        let started = tokio::time::Instant::now();
        let executed = {
            let work = self.workflow.execute(step, &calls);
            tokio::pin!(work);
            loop {
                tokio::select! {
                    result = &mut work => break result,
                    () = tokio::time::sleep(self.options.lease / 3) => {
                        if let Err(StoreError::Stale) = self.store.renew(step, self.options.lease).await {
                            tracing::warn!(step.id = %step.id, "lease lost; the work is dropped");
                            Span::current().record("outcome", "lost");
                            return;
                        }
                    }
                }
            }
        };
        let ends = calls.into_ends();
        metrics::histogram!("spotwright_step_seconds", "kind" => step.kind.as_str())
            .record(started.elapsed().as_secs_f64());
        let outcome = match executed {
            Ok(result) => StepOutcome::Done(result),
            Err(StepError::Retry { problem, delay }) if step.attempts < step.max_attempts => {
                self.retry(step, &problem, delay).await;
                return;
            }
            Err(StepError::Retry { problem, .. } | StepError::Permanent(problem)) => {
                tracing::warn!(step.id = %step.id, step.kind = step.kind.as_str(), %problem, "step failed");
                StepOutcome::Failed(problem)
            }
        };
        self.finish(step, &outcome, &ends).await;
    }

    /// Writes how a step ended and what follows, until it is written or the claim is lost.
    async fn finish(&self, step: &ClaimedStep, outcome: &StepOutcome, ends: &[CallEnd]) {
        let name = match outcome {
            StepOutcome::Done(_) => "done",
            StepOutcome::Failed(problem) => {
                Span::current().record("error", display(problem));
                "failed"
            }
        };
        Span::current().record("outcome", name);
        metrics::counter!("spotwright_steps_total", "kind" => step.kind.as_str(), "outcome" => name)
            .increment(1);
        self.checkpoints.reached("step.before_complete");
        loop {
            let written = self.complete(step, outcome, ends).await;
            match written {
                Ok(()) => break,
                Err(StoreError::Conflict) => {}
                Err(StoreError::Database(error)) => {
                    tracing::warn!(step.id = %step.id, %error, "result cannot be written yet");
                    tokio::time::sleep(RETRY_DELAY).await;
                }
                Err(error) => {
                    tracing::warn!(step.id = %step.id, %error, "result is dropped");
                    Span::current().record("outcome", "dropped").record("error", display(&error));
                    break;
                }
            }
        }
        self.checkpoints.reached("step.after_complete");
    }

    async fn complete(
        &self,
        step: &ClaimedStep,
        outcome: &StepOutcome,
        ends: &[CallEnd],
    ) -> Result<(), StoreError> {
        let run = self.store.run(step.run).await?;
        let decided = match self.workflow.after_step(&run, step, outcome, self.now()).await {
            // A result that leads nowhere is a failure of the step, and the workflow decides on that.
            Err(problem) => {
                tracing::error!(step.id = %step.id, %problem, "no decision follows from this result");
                let failed = StepOutcome::Failed(problem.clone());
                let decided = self.workflow.after_step(&run, step, &failed, self.now()).await;
                decided.map(|commit| (StepEnd::Failed(problem.to_string()), commit))
            }
            Ok(commit) => Ok(match outcome {
                StepOutcome::Done(result) => (StepEnd::Done(result.clone()), commit),
                StepOutcome::Failed(problem) => (StepEnd::Failed(problem.to_string()), commit),
            }),
        };
        let (end, mut commit) = decided.map_err(|problem| StoreError::Format(problem.to_string()))?;
        commit.calls.extend_from_slice(ends);
        self.store.complete(step, end, run.version, commit).await
    }

    async fn retry(&self, step: &ClaimedStep, problem: &Problem, delay: Duration) {
        tracing::info!(step.id = %step.id, step.kind = step.kind.as_str(), %problem, "step will be tried again");
        Span::current().record("outcome", "retried").record("error", display(problem));
        metrics::counter!("spotwright_steps_total", "kind" => step.kind.as_str(), "outcome" => "retried")
            .increment(1);
        loop {
            let Ok(run) = self.store.run(step.run).await else { return };
            let end = StepEnd::Retry { delay, error: problem.to_string() };
            match self.store.complete(step, end, run.version, Commit::default()).await {
                Err(StoreError::Conflict) => {}
                Err(error) => {
                    tracing::warn!(step.id = %step.id, %error, "retry cannot be noted; the lease will run out");
                    return;
                }
                Ok(()) => return,
            }
        }
    }

    async fn take_in(&self, delivery: Box<dyn Delivery>) {
        let span = message_span(delivery.as_ref());
        self.take_in_spanned(delivery).instrument(span).await;
    }

    async fn take_in_spanned(&self, delivery: Box<dyn Delivery>) {
        let message = delivery.message().clone();
        let run_id = message.event.subject;
        loop {
            match self.store.consumed(&message.consumer, message.id).await {
                Ok(true) => return settle(delivery, "repeated", Verdict::Ack),
                Ok(false) => {}
                Err(_) => return settle(delivery, "retried", Verdict::Retry(RETRY_DELAY)),
            }
            let run = match self.store.run(run_id).await {
                Ok(run) => run,
                Err(StoreError::Missing(what)) => return settle(delivery, "dead", Verdict::Dead(what)),
                Err(_) => return settle(delivery, "retried", Verdict::Retry(RETRY_DELAY)),
            };
            self.checkpoints.reached("message.before_consume");
            let commit = match self.workflow.after_message(&run, &message.event, self.now()).await {
                Ok(commit) => commit,
                Err(problem) => {
                    tracing::error!(message.id = %message.id, %problem, "message is given up");
                    let reason = problem.to_string();
                    let attempt = delivery.attempt();
                    return match self.store.dead_letter(&message.consumer, message.id, &reason, attempt).await
                    {
                        Ok(()) => settle(delivery, "dead", Verdict::Dead(reason)),
                        Err(_) => settle(delivery, "retried", Verdict::Retry(RETRY_DELAY)),
                    };
                }
            };
            match self.store.consume(&message.consumer, message.id, run_id, run.version, commit).await {
                Ok(_) => {
                    let consumer = message.consumer.clone();
                    metrics::counter!("spotwright_messages_consumed_total", "consumer" => consumer)
                        .increment(1);
                    self.checkpoints.reached("message.after_consume");
                    return settle(delivery, "taken_in", Verdict::Ack);
                }
                Err(StoreError::Conflict) => {}
                Err(error) => {
                    tracing::warn!(message.id = %message.id, %error, "message cannot be taken in yet");
                    return settle(delivery, "retried", Verdict::Retry(RETRY_DELAY));
                }
            }
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.clock.now_micros()).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// A step's span: from its claim until its end is written.
fn step_span(step: &ClaimedStep) -> Span {
    tracing::info_span!(
        target: TRACE,
        "step",
        run.id = %step.run,
        organization.id = %step.organization,
        step.id = %step.id,
        step.kind = step.kind.as_str(),
        step.key = step.key,
        step.attempts = step.attempts,
        step.fence = step.fence,
        outcome = Empty,
        error = Empty,
    )
}

/// A message's span: from its delivery until the verdict.
fn message_span(delivery: &dyn Delivery) -> Span {
    let message = delivery.message();
    tracing::info_span!(
        target: TRACE,
        "message",
        run.id = %message.event.subject,
        organization.id = %message.event.organization,
        message.id = %message.id,
        message.kind = message.event.payload.event_type(),
        message.consumer = message.consumer,
        message.attempts = delivery.attempt(),
        outcome = Empty,
        error = Empty,
    )
}

fn settle(delivery: Box<dyn Delivery>, outcome: &str, verdict: Verdict) {
    let span = Span::current();
    span.record("outcome", outcome);
    if let Verdict::Dead(reason) = &verdict {
        span.record("error", reason.as_str());
    }
    delivery.settle(verdict);
}
