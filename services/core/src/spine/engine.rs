//! The engine: workers that execute steps and consumers that take in messages.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::RunId;
use tokio::sync::{Mutex, MutexGuard, watch};
use tokio::task::JoinSet;
use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span};

use super::intake::{Batch, Taken};
use super::{Checkpoints, PaidCalls, StepError, StepOutcome, TRACE, Undecided, Workflow};
use crate::domain::run::Stage;
use crate::domain::topology::StepKind;
use crate::ports::clock::Clock;
use crate::ports::event_bus::{Delivery, EventBus, Subscription};
use crate::ports::step_store::{
    CallEnd, ClaimedStep, Commit, MAX_PROGRESS_BYTES, StepEnd, StepStore, StoreError,
};

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
    /// Keeps the decisions of one run in a row.
    pub locks: RunLocks,
}

/// Decisions about one run are made one after the other within a process: each is refused when
/// another was written since the run was read, so deciding side by side would only decide again.
/// Other processes are kept apart by the run's version alone.
#[derive(Debug)]
pub struct RunLocks([Mutex<()>; RUN_LOCKS]);

impl Default for RunLocks {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl RunLocks {
    pub(super) async fn lock(&self, run: RunId) -> MutexGuard<'_, ()> {
        self.0[(run.0.as_u128() % RUN_LOCKS as u128) as usize].lock().await
    }
}

/// Runs share locks by their ids; so many that runs under way seldom meet in one.
const RUN_LOCKS: usize = 256;

/// Lets idle workers claim together: one asks for as many steps as workers wait, so that a claim
/// costs one write for all of them and nobody holds a step that another could work on.
#[derive(Debug, Default)]
pub struct ClaimQueue {
    ready: Mutex<VecDeque<ClaimedStep>>,
    waiting: AtomicUsize,
}

/// Batches of one consumer that are taken in at the same time, so that their commits share the wait for
/// the disk.
const TAKEN_IN_AT_ONCE: usize = 32;

/// Most messages that are taken from a queue before they are sorted by runs.
const TAKEN_TOGETHER: usize = 64;

/// How often work under way asks whether its run goes on.
const WATCH: Duration = Duration::from_millis(200);

/// Longest wait before a refused commit or message is tried again.
pub(super) const RETRY_DELAY: Duration = Duration::from_millis(200);

impl<W: Workflow + 'static> Engine<W> {
    /// Runs workers and consumers until `shutdown`. Steps under way are finished first.
    ///
    /// # Errors
    /// [`Code::Store`] when a queue cannot be opened.
    pub async fn run(self: Arc<Self>, shutdown: Shutdown) -> Result<(), Problem> {
        let mut tasks = JoinSet::new();
        for consumer in &self.options.consumers {
            let subscription = self
                .bus
                .subscribe(consumer)
                .await
                .map_err(|error| Problem::new(Code::Store, "", error.to_string()))?;
            tasks.spawn(Arc::clone(&self).take_in_all(subscription, shutdown.clone()));
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

    /// Takes in what comes until told to stop; what is in hand then is finished first.
    async fn take_in_all(self: Arc<Self>, mut subscription: Box<dyn Subscription>, mut stop: Shutdown) {
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
                        for batch in batches(delivery, subscription.as_mut()).await {
                            let engine = Arc::clone(&self);
                            taking_in.spawn(async move { engine.take_in(batch).await });
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "consumer ends");
                        break;
                    }
                },
            }
        }
        while taking_in.join_next().await.is_some() {}
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
        let (switch, stop) = Shutdown::new();
        if step.fence > 1 {
            // Claimed again since, whatever has become of the run.
            self.stop_with_the_run(step, &switch).await;
        }
        let told_to_stop = stop.is_set();
        let calls = PaidCalls::new(self.store.as_ref(), step, self.checkpoints.as_ref(), stop);
        let started = tokio::time::Instant::now();
        // Side by side: while one of the two waits for the store, the other goes on. The work may be next in
        // line for a connection that the watch waits for.
        let executed = tokio::select! {
            executed = self.attempt(step, &calls) => executed,
            () = self.hold(step, &switch) => {
                tracing::warn!(step.id = %step.id, "lease lost; the work is dropped");
                Span::current().record("outcome", "lost");
                return;
            }
        };
        let ends = calls.into_ends();
        metrics::histogram!("spotwright_step_seconds", "kind" => step.kind.as_str())
            .record(started.elapsed().as_secs_f64());
        let outcome = match executed {
            Attempt::Ended(outcome) => outcome,
            Attempt::Retry { problem, delay } if step.may_retry() => {
                tracing::info!(step.id = %step.id, step.kind = step.kind.as_str(), %problem, "step will be tried again");
                Span::current().record("error", display(&problem));
                let end = StepEnd::Retry { delay, error: problem.to_string() };
                self.put_back(step, end, ends, true).await;
                return;
            }
            Attempt::Retry { problem, .. } => StepOutcome::Failed(problem),
            Attempt::Waiting { delay, progress } => {
                self.put_back(step, StepEnd::Waiting { delay, progress }, ends, told_to_stop).await;
                return;
            }
        };
        if let StepOutcome::Failed(problem) = &outcome {
            tracing::warn!(step.id = %step.id, step.kind = step.kind.as_str(), %problem, "step failed");
        }
        self.finish(step, &outcome, &ends).await;
    }

    /// Renews the lease of a step and watches its run while the work goes on; ends when the lease is lost.
    async fn hold(&self, step: &ClaimedStep, switch: &watch::Sender<bool>) {
        let mut renewed = tokio::time::Instant::now();
        loop {
            tokio::time::sleep(WATCH.min(self.options.lease / 3)).await;
            self.stop_with_the_run(step, switch).await;
            if renewed.elapsed() < self.options.lease / 3 {
                continue;
            }
            if let Err(StoreError::Stale) = self.store.renew(step, self.options.lease).await {
                return;
            }
            renewed = tokio::time::Instant::now();
        }
    }

    /// Tells the work of a step to stop when its run has ended or is being ended.
    async fn stop_with_the_run(&self, step: &ClaimedStep, switch: &watch::Sender<bool>) {
        if *switch.borrow() {
            return;
        }
        match self.store.is_ending(step.run).await {
            Ok(true) => drop(switch.send_replace(true)),
            Ok(false) => {}
            Err(error) => {
                tracing::debug!(step.id = %step.id, %error, "it cannot be told whether the run goes on");
            }
        }
    }

    /// Does the work of a step, again from its beginning while the store cannot answer or a disk is full.
    async fn attempt(&self, step: &ClaimedStep, calls: &PaidCalls<'_>) -> Attempt {
        loop {
            match self.workflow.execute(step, calls).await {
                Ok(result) => return Attempt::Ended(StepOutcome::Done(result)),
                Err(StepError::Retry { problem, delay }) => return Attempt::Retry { problem, delay },
                Err(StepError::Permanent(problem)) => return Attempt::Ended(StepOutcome::Failed(problem)),
                Err(StepError::Waiting { delay, progress }) => return waiting(delay, progress),
                Err(error @ (StepError::Unavailable(_) | StepError::NoRoom(_))) => {
                    tracing::warn!(step.id = %step.id, %error, "the work begins again once it can go on");
                    tokio::time::sleep(RETRY_DELAY).await;
                }
            }
        }
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
                Err(StoreError::Conflict) => conflict("step"),
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
        let _alone = self.locks.lock(step.run).await;
        let run = self.store.run(step.run).await?;
        let decided = match self.workflow.after_step(&run, step, outcome, self.now()).await {
            // A result that leads nowhere is a failure of the step, and the workflow decides on that.
            Err(Undecided::Impossible(problem)) => {
                tracing::error!(step.id = %step.id, %problem, "no decision follows from this result");
                let failed = StepOutcome::Failed(problem.clone());
                let decided = self.workflow.after_step(&run, step, &failed, self.now()).await;
                decided.map(|commit| (StepEnd::Failed(problem.to_string()), commit))
            }
            decided => decided.map(|commit| match outcome {
                StepOutcome::Done(result) => (StepEnd::Done(result.clone()), commit),
                StepOutcome::Failed(problem) => (StepEnd::Failed(problem.to_string()), commit),
            }),
        };
        let (end, mut commit) = decided.map_err(|undecided| match undecided {
            Undecided::Unavailable(error) => error,
            Undecided::Impossible(problem) => StoreError::Format(problem.to_string()),
        })?;
        commit.calls.extend_from_slice(ends);
        self.store.complete(step, end, run.version, commit).await
    }

    /// Gives a step back that goes on later, with the ends of its calls, until it is written or the claim is
    /// lost. Without `told_to_stop` a step that waits although its run ends is claimed again at once: the
    /// workflow did not know, and has something to call off.
    async fn put_back(&self, step: &ClaimedStep, end: StepEnd, ends: Vec<CallEnd>, told_to_stop: bool) {
        let name = if matches!(end, StepEnd::Waiting { .. }) { "waiting" } else { "retried" };
        Span::current().record("outcome", name);
        metrics::counter!("spotwright_steps_total", "kind" => step.kind.as_str(), "outcome" => name)
            .increment(1);
        self.checkpoints.reached("step.before_complete");
        let commit = Commit { calls: ends, ..Commit::default() };
        loop {
            let written = {
                let _alone = self.locks.lock(step.run).await;
                match self.store.run(step.run).await {
                    Ok(run) => {
                        let at_once = !told_to_stop && (run.cancelling || run.stage == Stage::Finished);
                        let end = if at_once { without_delay(end.clone()) } else { end.clone() };
                        self.store.complete(step, end, run.version, commit.clone()).await
                    }
                    Err(error) => Err(error),
                }
            };
            match written {
                Ok(()) => break,
                Err(StoreError::Conflict) => conflict(name),
                Err(StoreError::Database(error)) => {
                    tracing::warn!(step.id = %step.id, %error, "it cannot be noted yet that the step goes on later");
                    tokio::time::sleep(RETRY_DELAY).await;
                }
                Err(error) => {
                    tracing::warn!(step.id = %step.id, %error, "the step is claimed again after its lease");
                    Span::current().record("outcome", "dropped");
                    break;
                }
            }
        }
        self.checkpoints.reached("step.after_complete");
    }

    pub(super) fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.clock.now_micros()).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// How one attempt ended.
enum Attempt {
    Ended(StepOutcome),
    Retry { problem: Problem, delay: Duration },
    Waiting { delay: Duration, progress: Value },
}

/// Waiting with a progress that can be kept; a larger one is a defect that another attempt does not mend.
fn waiting(delay: Duration, progress: Value) -> Attempt {
    let bytes = progress.to_string().len();
    if bytes <= MAX_PROGRESS_BYTES {
        return Attempt::Waiting { delay, progress };
    }
    let message = format!("it waits with {bytes} bytes of progress; there is room for {MAX_PROGRESS_BYTES}");
    Attempt::Ended(StepOutcome::Failed(Problem::new(Code::StepFailed, "progress", message)))
}

fn without_delay(end: StepEnd) -> StepEnd {
    match end {
        StepEnd::Waiting { progress, .. } => StepEnd::Waiting { delay: Duration::ZERO, progress },
        other => other,
    }
}

/// Counts a decision that another process' commit has overtaken and that is made again.
pub(super) fn conflict(what: &'static str) {
    metrics::counter!("spotwright_decisions_repeated_total", "about" => what).increment(1);
}

/// `first` and what waits behind it already, by run and in order.
async fn batches(first: Box<dyn Delivery>, subscription: &mut dyn Subscription) -> Vec<Batch> {
    let mut deliveries = vec![first];
    while deliveries.len() < TAKEN_TOGETHER {
        let next = tokio::select! {
            biased;
            next = subscription.next() => next,
            () = std::future::ready(()) => break,
        };
        // A queue that has ended says so again when it is asked again.
        let Ok(next) = next else { break };
        deliveries.push(next);
    }
    let mut by_run: Vec<Batch> = Vec::new();
    for delivery in deliveries {
        let run = delivery.message().event.subject;
        let taken = Taken::new(delivery);
        match by_run.iter_mut().find(|batch| batch[0].message().event.subject == run) {
            Some(batch) => batch.push_back(taken),
            None => by_run.push(Batch::from([taken])),
        }
    }
    by_run
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
        step.waits = step.waits,
        step.fence = step.fence,
        outcome = Empty,
        error = Empty,
    )
}
