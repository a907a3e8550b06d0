//! The step store: runs, work, messages and money in one database.
//!
//! Times are microseconds of the *database's* clock; a worker's clock never decides a lease.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use spotwright_schemas::event::Event;
use spotwright_schemas::ids::{CallId, MessageId, OrganizationId, PlacementId, RunId, StepId, VariantId};
use spotwright_schemas::money::{Currency, Micros};
use tokio::sync::Notify;

use crate::domain::campaign::HoldChange;
use crate::domain::run::{NewRun, RunView, Stage};
use crate::domain::topology::StepKind;
use crate::domain::variant::{Placement, Variant};
use crate::ports::marketplace::{CreativeDelivery, MarketReport};

/// A step to be created. Creating a step that exists (same run, kind and key) with the same
/// input is a no-op; with another input it is [`StoreError::Contradiction`].
#[derive(Debug, Clone, PartialEq)]
pub struct NewStep {
    /// What kind of work.
    pub kind: StepKind,
    /// Which one of its kind within the run.
    pub key: String,
    /// What the executor needs beside the run; small.
    pub input: Value,
}

/// A step that waits before it may be claimed.
#[derive(Debug, Clone, PartialEq)]
pub struct LaterStep {
    /// The step.
    pub step: NewStep,
    /// How long it waits, by the database's clock; at most ten years.
    pub delay: Duration,
}

/// A step that a worker holds.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedStep {
    /// Its id.
    pub id: StepId,
    /// Its run.
    pub run: RunId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// What kind of work.
    pub kind: StepKind,
    /// Which one of its kind within the run.
    pub key: String,
    /// What it was created with.
    pub input: Value,
    /// Grows with every claim; only the holder of the newest may finish the step.
    pub fence: i64,
    /// How often it was claimed, this time included.
    pub attempts: u32,
    /// How often it may be claimed.
    pub max_attempts: u32,
    /// How often its work has ended with an error that was worth another try, at most
    /// [`MAX_ERRORS`] - 1.
    pub errors: u32,
    /// How often it has ended as [`StepEnd::Waiting`].
    pub waits: u32,
    /// What the last [`StepEnd::Waiting`] left, whatever came after it; `None` before the first.
    pub progress: Option<Value>,
}

/// How often the work of a step may end with an error that is worth another try; the last of them
/// ends the step.
///
/// Claims that are lost because a process died or stood still do not count here but in
/// [`ClaimedStep::attempts`], which have a wider bound: they say something about the machines first,
/// and about the step only when there are many of them.
pub const MAX_ERRORS: u32 = 5;

/// Most bytes of JSON that a waiting step may leave as its progress.
pub const MAX_PROGRESS_BYTES: usize = 16 * 1024;

impl ClaimedStep {
    /// Whether the step may be tried again when this attempt ends with an error.
    #[must_use]
    pub fn may_retry(&self) -> bool {
        self.attempts < self.max_attempts && self.errors + 1 < MAX_ERRORS
    }
}

/// How a claimed step ended.
#[derive(Debug, Clone, PartialEq)]
pub enum StepEnd {
    /// Done, with a result for readers.
    Done(Value),
    /// Not done; try again after the delay. Refused with [`StoreError::Contradiction`] when the step
    /// may not be tried again ([`ClaimedStep::may_retry`]): it can only be done or failed.
    Retry {
        /// How long to wait.
        delay: Duration,
        /// What went wrong.
        error: String,
    },
    /// Something outside goes on and there is nothing to do until then: look again after the delay.
    /// Neither the attempt nor an error is counted, and the paid calls of the step stay open. Once the
    /// step is claimable again it stands behind the first ready step of its kind, not before all of them.
    Waiting {
        /// How long to wait, by the database's clock; at most ten years.
        delay: Duration,
        /// Given back with every later claim; at most [`MAX_PROGRESS_BYTES`], else
        /// [`StoreError::Contradiction`].
        progress: Value,
    },
    /// Failed for good.
    Failed(String),
}

/// A change of the run's own row.
#[derive(Debug, Clone, PartialEq)]
pub struct RunUpdate {
    /// Where it stands now.
    pub stage: Stage,
    /// Its generation now.
    pub generation: u32,
    /// The workflow's state now.
    pub state: Value,
}

/// One movement of money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerEntry {
    /// What kind of movement.
    pub kind: LedgerKind,
    /// Unique name of the reserve that is opened or closed, e.g. `play:<run>:g1`.
    pub reference: String,
    /// How much; for `Release` the reserved amount.
    pub amount: Micros,
}

/// Kinds of ledger entries. A reserve is closed by exactly one settle or release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LedgerKind {
    /// Set aside before spending; refused when the budget does not cover it.
    Reserve,
    /// Spent; at most the reserve, the rest is free again.
    Settle,
    /// Not spent.
    Release,
}

impl LedgerKind {
    /// The kind as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reserve => "reserve",
            Self::Settle => "settle",
            Self::Release => "release",
        }
    }
}

/// A paid call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCall {
    /// Its id.
    pub id: CallId,
    /// The step that makes it.
    pub step: StepId,
    /// Who is called.
    pub provider: String,
    /// Sent to the provider; unique.
    pub idempotency_key: String,
    /// The most it may cost.
    pub reserve: Micros,
}

/// What is known of a paid call.
#[derive(Debug, Clone, PartialEq)]
pub enum CallState {
    /// Just recorded, money reserved: the call has certainly not been made.
    Fresh,
    /// Recorded by an earlier attempt: the call may have been made. Look it up first.
    Interrupted,
    /// Ended by an earlier attempt without an answer, and counted as spent. It is never made again; an
    /// answer that is found after all may still be kept ([`CallEnd`]).
    Unknown,
    /// Done by an earlier attempt.
    Done {
        /// What the provider answered.
        result: Value,
        /// What was charged.
        settled: Micros,
    },
}

/// The end of a paid call, written with the completion of its step. The entry that closes its
/// reserve is written with it: a settle, or a release when the call was certainly not made.
///
/// A `result` with any `settled`: done. No `result` and `settled` zero: not made, released. No
/// `result` and `settled` above zero: nobody can tell whether it was made; it is kept as `unknown`
/// and counted as spent, so that the budget holds even if it was.
///
/// A call ends once. Only an `unknown` one takes a `result` that is found later: it is done then, and the
/// money stays as it was counted.
///
/// `settled` may be above the reserve where the provider billed more than it quoted. What the free
/// budget does not cover is left out: a run never spends more than its budget.
#[derive(Debug, Clone, PartialEq)]
pub struct CallEnd {
    /// Which call.
    pub id: CallId,
    /// What the provider answered.
    pub result: Option<Value>,
    /// What was charged, or is counted as charged.
    pub settled: Micros,
}

/// A line of the trace, before it has its place in the chain.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceEntry {
    /// Sorts the trace: generation, stage, number. Unique within the run.
    pub order: String,
    /// Generation, from 1; 0 for the run itself.
    pub generation: u32,
    /// What happened.
    pub what: String,
    /// The variant it is about.
    pub variant: Option<VariantId>,
    /// Everything needed to follow it up. No wall times.
    pub detail: Value,
}

/// Everything that one decision changes, written in one transaction.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Commit {
    /// Change of the run's row; its version grows with every commit, changed or not.
    pub run: Option<RunUpdate>,
    /// Variants to insert or replace, whole.
    pub variants: Vec<Variant>,
    /// Placements to insert. A placement of the same run, variant and generation is refused.
    pub placements: Vec<Placement>,
    /// Deliveries to write into existing placements.
    pub deliveries: Vec<(PlacementId, CreativeDelivery)>,
    /// Placements whose feedback was taken in.
    pub observed: Vec<PlacementId>,
    /// Placements that end because their variant was withdrawn; ending one again changes nothing.
    pub ended: Vec<PlacementId>,
    /// What is held, or no more, of campaigns and their ads.
    pub holds: Vec<HoldChange>,
    /// What the market said of the campaign of a generation, without what became of each ad.
    pub played: Option<(u32, MarketReport)>,
    /// Steps to create. Those of a paused run wait until it goes on.
    pub steps: Vec<NewStep>,
    /// Steps to create that wait before they may be claimed.
    pub later: Vec<LaterStep>,
    /// Whether the run's steps that nobody works on are cancelled, because it ends. A step that has left
    /// a paid call open is not: it can be claimed at once, even of a paused run, and that attempt finds out
    /// what became of the call or calls it off.
    pub cancel_waiting_steps: bool,
    /// Whether the run is being ended from now on: no paid call begins any more.
    pub cancelling: bool,
    /// Whether the commit is refused with [`StoreError::Busy`] when a step of the run is not ended by it.
    pub only_when_idle: bool,
    /// Messages for the outbox. Their sequence numbers continue [`RunView::messages`] without gap.
    pub messages: Vec<Event>,
    /// Movements of money.
    pub ledger: Vec<LedgerEntry>,
    /// Ends of paid calls.
    pub calls: Vec<CallEnd>,
    /// Lines of the trace.
    pub trace: Vec<TraceEntry>,
}

/// Why the store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The run has moved on since it was read: read again, decide again (retryable at once).
    #[error("the run has changed since it was read")]
    Conflict,
    /// The step is held by a newer claim or is finished: drop everything (permanent).
    #[error("the claim is no longer valid")]
    Stale,
    /// The budget does not cover a reserve (permanent).
    #[error("the budget does not cover {needed:?}; {free:?} are free")]
    Budget {
        /// What was to be reserved.
        needed: Micros,
        /// What is free.
        free: Micros,
    },
    /// The run is in another currency than what its organization may spend (permanent).
    #[error("the organization's budget is in {}, the run in {}", budget.code(), run.code())]
    Currency {
        /// The currency of the organization's budget.
        budget: Currency,
        /// The currency of the run.
        run: Currency,
    },
    /// A row with the same key and other content exists (permanent): a defect of the caller.
    #[error("contradiction: {0}")]
    Contradiction(String),
    /// Steps of the run are still under way, and the commit was for a run without (permanent).
    #[error("work of the run is still under way")]
    Busy,
    /// The run has ended or is being ended, so no further paid call begins (permanent).
    #[error("the run has ended or is being ended")]
    Ended,
    /// A row is missing (permanent).
    #[error("no such {0}")]
    Missing(String),
    /// A stored row cannot be understood (permanent).
    #[error("stored data: {0}")]
    Format(String),
    /// The database failed: busy, disk full, connection lost (retryable).
    #[error("database: {0}")]
    Database(String),
}

/// Rules of [`StepStore::broken_invariants`] that hold once all work is done, and not while it goes on.
const AT_REST: [&str; 7] = [
    "I1 a step is not ended",
    "I1 a dead step was never answered",
    "I1 a run is not finished",
    "I3 a paid call is open",
    "I4 a reserve is not closed",
    "I5 a message is not sent",
    "I6 a message was neither taken in nor given up",
];

/// Whether a line of [`StepStore::broken_invariants`] may as well be work that goes on: of a database on
/// which processes work, only the other lines are faults.
#[must_use]
pub fn holds_at_rest_only(line: &str) -> bool {
    AT_REST.iter().any(|rule| line.strip_prefix(rule).is_some_and(|rest| rest.starts_with(':')))
}

/// A message waiting in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxMessage {
    /// Its id.
    pub id: MessageId,
    /// The queue it goes to.
    pub consumer: String,
    /// The event.
    pub event: Event,
}

/// Outcome of taking in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consumed {
    /// Their effect was written.
    Applied,
    /// The first of them had been taken in before; nothing was written.
    Duplicate,
}

/// Runs, steps, messages and money in one database.
///
/// Contract:
/// 1. A method that returns `Ok` has made its changes durable, all of them; one that returns an
///    error has changed nothing.
/// 2. A ready step is claimed by one worker at a time; an expired lease can be claimed again; a
///    step is claimed at most `max_attempts` times, after that it is `dead`; it is tried again after
///    an error at most [`MAX_ERRORS`] - 1 times.
/// 3. `complete` and `renew` succeed only with the newest fence of a running step.
/// 4. A commit is refused with [`StoreError::Conflict`] unless `expected_version` is the run's
///    version at that moment.
/// 5. A message is taken in once per consumer, in the transaction of its effect.
/// 6. Money: settled plus reserved never exceeds the run's budget; a reserve is closed once; a
///    reference is opened once. A settle is at most its reserve, but for a paid call's.
/// 7. Outbox messages of a run are numbered from 1 without gap, and `unsent` returns them in order.
/// 8. Organizations with steps of a kind waiting are served in turns, whatever their backlogs.
/// 9. A step of a paused run is not claimed; one that is claimed already ends as always. A run that has
///    ended or is being ended is not held back any more.
/// 10. No paid call begins once the run has ended or is being ended; one that was begun before is told as
///     it is, and its money stays reserved until it has an end.
/// 11. A step that is created for later is not claimed before its time, nor is one that waits.
/// 12. A step that waits holds neither lease nor worker, and keeps its progress over crashes and retries.
/// 13. `wake` lets a step that waits with an open paid call be claimed at once, and changes nothing else.
#[async_trait]
pub trait StepStore: Send + Sync {
    /// Creates a run together with its first commit. Creating it again is [`StoreError::Contradiction`].
    async fn create_run(&self, run: &NewRun, commit: Commit) -> Result<(), StoreError>;

    /// Reads a run with its counts and money.
    async fn run(&self, id: RunId) -> Result<RunView, StoreError>;

    /// Ids of all runs, oldest first.
    async fn runs(&self) -> Result<Vec<RunId>, StoreError>;

    /// Ids of an organization's finished runs, newest first, at most `limit`.
    async fn finished_runs(
        &self,
        organization: OrganizationId,
        limit: usize,
    ) -> Result<Vec<RunId>, StoreError>;

    /// Reads one variant.
    async fn variant(&self, id: VariantId) -> Result<Variant, StoreError>;

    /// Reads the variants of a run, by generation and number.
    async fn variants(&self, run: RunId) -> Result<Vec<Variant>, StoreError>;

    /// Reads the variants of one generation of a run, by number; costs nothing for the others.
    async fn variants_of(&self, run: RunId, generation: u32) -> Result<Vec<Variant>, StoreError>;

    /// Reads the placements of a run, by generation and then by variant number.
    async fn placements(&self, run: RunId) -> Result<Vec<Placement>, StoreError>;

    /// Reads the placements of one generation of a run, by variant number; costs nothing for the others.
    async fn placements_of(&self, run: RunId, generation: u32) -> Result<Vec<Placement>, StoreError>;

    /// Reads the trace of a run in its order.
    async fn trace(&self, run: RunId) -> Result<Vec<TraceEntry>, StoreError>;

    /// Claims up to `limit` steps of the given kinds for `lease`: organizations in turns, the steps of
    /// one oldest first.
    async fn claim(
        &self,
        kinds: &[StepKind],
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<ClaimedStep>, StoreError>;

    /// Extends a lease; [`StoreError::Stale`] when the claim is no longer valid.
    async fn renew(&self, step: &ClaimedStep, lease: Duration) -> Result<(), StoreError>;

    /// Ends a step and writes what follows from it. Paid calls that a step leaves open when it is done or
    /// has failed, as one does whose process died in a call that no later attempt asked for again, are ended
    /// as if unknown: their reserves count as spent.
    async fn complete(
        &self,
        step: &ClaimedStep,
        end: StepEnd,
        expected_version: i64,
        commit: Commit,
    ) -> Result<(), StoreError>;

    /// How many steps of each kind wait: for a provider, for their time, or because their run is paused. Kinds
    /// of which none waits may be left out.
    async fn waiting_steps(&self) -> Result<Vec<(StepKind, u64)>, StoreError>;

    /// Holds a run's steps back, or lets them go on.
    async fn set_paused(&self, run: RunId, paused: bool) -> Result<(), StoreError>;

    /// Writes a decision about a run that follows from no step and no message.
    async fn amend(&self, run: RunId, expected_version: i64, commit: Commit) -> Result<(), StoreError>;

    /// Whether a run has ended or is being ended.
    async fn is_ending(&self, run: RunId) -> Result<bool, StoreError>;

    /// Records the intent of a paid call and reserves its money, or tells what is known of it. A call that
    /// would begin now is [`StoreError::Ended`] when the run has ended or is being ended.
    async fn begin_call(&self, step: &ClaimedStep, call: &NewCall) -> Result<CallState, StoreError>;

    /// Lets the waiting step behind an open paid call be claimed at once, since there may be news of the call.
    /// A step that does not wait, or is held back with its run, and a call with an end stay as they are.
    /// Whether a step was woken.
    async fn wake(&self, run: RunId, idempotency_key: &str) -> Result<bool, StoreError>;

    /// Takes in messages and writes what follows from them all. Nothing is written when one of them was
    /// taken in before: [`Consumed::Duplicate`] if all were, else [`StoreError::Conflict`].
    async fn consume(
        &self,
        consumer: &str,
        messages: &[MessageId],
        run: RunId,
        expected_version: i64,
        commit: Commit,
    ) -> Result<Consumed, StoreError>;

    /// Whether a consumer has taken in a message.
    async fn consumed(&self, consumer: &str, message: MessageId) -> Result<bool, StoreError>;

    /// Records that a message was given up, with the reason.
    async fn dead_letter(
        &self,
        consumer: &str,
        message: MessageId,
        reason: &str,
        attempts: u32,
    ) -> Result<(), StoreError>;

    /// Unsent messages after `after` (exclusive; `None` from the start) in the order of writing,
    /// at most `limit`, with a position to go on from.
    async fn unsent(&self, after: Option<i64>, limit: usize)
    -> Result<Vec<(i64, OutboxMessage)>, StoreError>;

    /// How far before a position of [`StepStore::unsent`] a message may still appear later: another
    /// process may commit a lower position after a higher one.
    fn late_positions(&self) -> i64;

    /// Marks messages as sent.
    async fn mark_sent(&self, ids: &[MessageId]) -> Result<(), StoreError>;

    /// Makes every running step ready again without counting the lost attempt. Only for a
    /// process that owns the database alone, at its start.
    async fn recover(&self) -> Result<u64, StoreError>;

    /// Sends steps with an expired lease and no attempts left to `dead` under a new fence, and
    /// returns every dead step whose end the workflow has not written yet. `complete` ends one with
    /// [`StepEnd::Failed`]; until then each call returns it again, so a crash in between loses nothing.
    async fn bury(&self) -> Result<Vec<ClaimedStep>, StoreError>;

    /// Steps of a run that are not ended plus its messages that are not sent. Zero while the run
    /// is not finished means that it cannot go on by itself.
    async fn open_work(&self, run: RunId) -> Result<u64, StoreError>;

    /// Runs the invariant queries; each returned line names a rule and an offending row.
    async fn broken_invariants(&self) -> Result<Vec<String>, StoreError>;

    /// Signalled when steps may have become ready.
    fn steps_ready(&self) -> &Notify;

    /// Signalled when messages may wait in the outbox.
    fn messages_ready(&self) -> &Notify;
}
