//! Taking in messages: those of one run that wait together are decided on together.
//!
//! A commit waits for the disk, and commits of one run cannot share that wait by themselves, because
//! each is decided on what the one before it left. So messages of a run are decided on in their order,
//! each on the [`RunView`] that [`view_after`] says the decisions before it will leave, and written as
//! one commit. A batch ends with the first decision whose effect on the run only the store can count.

use std::collections::VecDeque;

use spotwright_schemas::Problem;
use tracing::Span;
use tracing::field::Empty;

use super::engine::{Engine, RETRY_DELAY, conflict};
use super::{TRACE, Undecided, Workflow};
use crate::domain::run::RunView;
use crate::ports::event_bus::{Delivery, Verdict};
use crate::ports::step_store::{Commit, Consumed, OutboxMessage, StoreError};

/// Messages of one run and one consumer, oldest first.
pub(super) type Batch = VecDeque<Taken>;

/// A message in hand and its span, which goes from its delivery until the verdict.
pub(super) struct Taken {
    delivery: Box<dyn Delivery>,
    span: Span,
}

impl Taken {
    pub(super) fn new(delivery: Box<dyn Delivery>) -> Self {
        let message = delivery.message();
        let span = tracing::info_span!(
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
        );
        Self { delivery, span }
    }

    pub(super) fn message(&self) -> &OutboxMessage {
        self.delivery.message()
    }

    fn settle(self, outcome: &str, verdict: Verdict) {
        self.span.record("outcome", outcome);
        if let Verdict::Dead(reason) = &verdict {
            self.span.record("error", reason.as_str());
        }
        self.delivery.settle(verdict);
    }
}

/// What became of the first messages of a batch.
enum Decided {
    /// This many are taken in with this commit.
    Commit(usize, Box<Commit>),
    /// The first was taken in before.
    Before,
    /// The first can never be taken in.
    Never(Problem),
    /// It cannot be said at the moment.
    Later,
}

/// The run as a commit leaves it; `None` when only the store can tell, because variants, ends of
/// placements or money move.
///
/// The version is not changed: it belongs to what was read.
#[must_use]
pub fn view_after(run: &RunView, commit: &Commit) -> Option<RunView> {
    let is_of_store = !commit.variants.is_empty()
        || !commit.ended.is_empty()
        || !commit.ledger.is_empty()
        || !commit.calls.is_empty();
    if is_of_store {
        return None;
    }
    let mut after = run.clone();
    after.cancelling |= commit.cancelling;
    if let Some(update) = &commit.run {
        if update.generation != run.generation {
            return None;
        }
        after.stage = update.stage;
        after.state.clone_from(&update.state);
    }
    let placed = commit.placements.iter().filter(|placement| placement.generation == run.generation);
    after.counts.placed += placed.count() as u64;
    // Feedback is taken in for placements of the generation that is observed, once each.
    after.counts.observed += commit.observed.len() as u64;
    after.messages += commit.messages.len() as u64;
    Some(after)
}

/// Adds what `next` changes to `commit`.
fn join(commit: &mut Commit, next: Commit) {
    let Commit {
        run,
        variants,
        placements,
        deliveries,
        observed,
        ended,
        holds,
        played,
        steps,
        later,
        cancel_waiting_steps,
        cancelling,
        only_when_idle,
        messages,
        ledger,
        calls,
        trace,
    } = next;
    if run.is_some() {
        commit.run = run;
    }
    commit.variants.extend(variants);
    commit.placements.extend(placements);
    commit.deliveries.extend(deliveries);
    commit.observed.extend(observed);
    commit.ended.extend(ended);
    commit.holds.extend(holds);
    if played.is_some() {
        commit.played = played;
    }
    commit.steps.extend(steps);
    commit.later.extend(later);
    commit.cancel_waiting_steps |= cancel_waiting_steps;
    commit.cancelling |= cancelling;
    commit.only_when_idle |= only_when_idle;
    commit.messages.extend(messages);
    commit.ledger.extend(ledger);
    commit.calls.extend(calls);
    commit.trace.extend(trace);
}

impl<W: Workflow + 'static> Engine<W> {
    /// Takes in a batch, in as few commits as its decisions allow.
    pub(super) async fn take_in(&self, mut batch: Batch) {
        let mut most = usize::MAX;
        // What comes again is caught by the commit; only then is it asked which one that was.
        let mut doubt = batch.iter().any(|taken| taken.delivery.attempt() > 1);
        while let Some(first) = batch.front() {
            let run_id = first.message().event.subject;
            let consumer = first.message().consumer.clone();
            let _alone = self.locks.lock(run_id).await;
            let run = match self.store.run(run_id).await {
                Ok(run) => run,
                Err(StoreError::Missing(what)) => {
                    settle(&mut batch, usize::MAX, "dead", &Verdict::Dead(what));
                    return;
                }
                Err(_) => return settle(&mut batch, usize::MAX, "retried", &Verdict::Retry(RETRY_DELAY)),
            };
            match self.decide_together(&run, &batch, most, doubt).await {
                Decided::Before => settle(&mut batch, 1, "repeated", &Verdict::Ack),
                // It may make no sense because it was taken in long ago.
                Decided::Never(_) if !doubt => doubt = true,
                Decided::Never(problem) => self.give_up(&mut batch, &problem).await,
                Decided::Later => {
                    return settle(&mut batch, usize::MAX, "retried", &Verdict::Retry(RETRY_DELAY));
                }
                Decided::Commit(number, commit) => {
                    let ids: Vec<_> = batch.iter().take(number).map(|taken| taken.message().id).collect();
                    match self.store.consume(&consumer, &ids, run_id, run.version, *commit).await {
                        Ok(Consumed::Applied) => {
                            metrics::counter!("spotwright_messages_consumed_total", "consumer" => consumer)
                                .increment(number as u64);
                            for _ in 0..number {
                                self.checkpoints.reached("message.after_consume");
                            }
                            settle(&mut batch, number, "taken_in", &Verdict::Ack);
                        }
                        // Another process took one of them in meanwhile, or the run has moved on.
                        Ok(Consumed::Duplicate) | Err(StoreError::Conflict) => {
                            doubt = true;
                            conflict("message");
                        }
                        Err(error @ StoreError::Database(_)) => {
                            tracing::warn!(run.id = %run_id, %error, "messages cannot be taken in yet");
                            return settle(&mut batch, usize::MAX, "retried", &Verdict::Retry(RETRY_DELAY));
                        }
                        // One of them is refused; the others must not suffer with it.
                        Err(_) if number > 1 => most = 1,
                        Err(error) => {
                            tracing::warn!(run.id = %run_id, %error, "a message cannot be taken in");
                            settle(&mut batch, 1, "retried", &Verdict::Retry(RETRY_DELAY));
                        }
                    }
                }
            }
        }
    }

    /// Decides on as many messages from the front of `batch` as fit into one commit, at most `most`; in
    /// `doubt`, only on those that were not taken in before.
    async fn decide_together(&self, run: &RunView, batch: &Batch, most: usize, doubt: bool) -> Decided {
        let mut together = Box::<Commit>::default();
        let mut view = run.clone();
        for (number, taken) in batch.iter().enumerate() {
            let message = taken.message();
            let repeated = batch.iter().take(number).any(|earlier| earlier.message().id == message.id);
            if number == most || repeated {
                return Decided::Commit(number, together);
            }
            let taken_in =
                if doubt { self.store.consumed(&message.consumer, message.id).await } else { Ok(false) };
            let decided = match taken_in {
                Ok(false) => self.workflow.after_message(&view, &message.event, self.now()).await,
                Ok(true) if number == 0 => return Decided::Before,
                Ok(true) => return Decided::Commit(number, together),
                Err(error) => Err(Undecided::Unavailable(error)),
            };
            let commit = match decided {
                Ok(commit) => commit,
                Err(_) if number > 0 => return Decided::Commit(number, together),
                Err(Undecided::Impossible(problem)) => return Decided::Never(problem),
                Err(Undecided::Unavailable(_)) => return Decided::Later,
            };
            self.checkpoints.reached("message.before_consume");
            let after = view_after(&view, &commit);
            join(&mut together, commit);
            match after {
                Some(after) => view = after,
                None => return Decided::Commit(number + 1, together),
            }
        }
        Decided::Commit(batch.len(), together)
    }

    /// Writes that the first message of a batch will never be taken in.
    async fn give_up(&self, batch: &mut Batch, problem: &Problem) {
        let Some(taken) = batch.pop_front() else { return };
        let (consumer, id) = (taken.message().consumer.clone(), taken.message().id);
        tracing::error!(message.id = %id, %problem, "message is given up");
        let reason = problem.to_string();
        match self.store.dead_letter(&consumer, id, &reason, taken.delivery.attempt()).await {
            Ok(()) => taken.settle("dead", Verdict::Dead(reason)),
            Err(_) => taken.settle("retried", Verdict::Retry(RETRY_DELAY)),
        }
    }
}

/// Settles up to `number` messages from the front of a batch.
fn settle(batch: &mut Batch, number: usize, outcome: &str, verdict: &Verdict) {
    for taken in batch.drain(..number.min(batch.len())) {
        taken.settle(outcome, verdict.clone());
    }
}
