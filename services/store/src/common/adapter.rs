//! The step store over the shared queries, the same for every dialect: a dialect includes this file
//! and names its `Store`.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use spotwright_core::domain::run::{NewRun, RunView};
use spotwright_core::domain::topology::StepKind;
use spotwright_core::domain::variant::{Placement, Variant};
use spotwright_core::ports::step_store::{
    CallState, ClaimedStep, Commit, Consumed, NewCall, OutboxMessage, StepEnd, StepStore, StoreError,
    TraceEntry,
};
use spotwright_schemas::ids::{MessageId, OrganizationId, RunId, VariantId};
use sqlx::Connection as _;
use tokio::sync::Notify;

use super::writer::Wakes;
use super::{KNOWN_REQUESTS, LATE_POSITIONS, Store, commits, invariants, messages, money, runs, steps};
use crate::convert::database;

/// Whom a commit wakes.
pub(super) fn wakes_of(commit: &Commit) -> Wakes {
    Wakes {
        // Of the steps of a run that ends, those with an open call can be claimed at once.
        steps: !commit.steps.is_empty() || !commit.later.is_empty() || commit.cancel_waiting_steps,
        messages: !commit.messages.is_empty(),
    }
}

#[async_trait]
impl StepStore for Store {
    async fn create_run(&self, run: &NewRun, commit: Commit) -> Result<(), StoreError> {
        let run = run.clone();
        let key = Some(run.id);
        self.writer
            .write(key, wakes_of(&commit), move |conn| {
                Box::pin(async move {
                    runs::insert(conn, &run).await?;
                    commits::write(conn, run.id, 0, &commit).await
                })
            })
            .await
    }

    async fn run(&self, id: RunId) -> Result<RunView, StoreError> {
        let requests = || self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let known = requests().get(&id).cloned();
        let fresh = known.is_none();
        let view = runs::view(&mut *self.reader().await?, id, known).await?;
        if fresh {
            let mut requests = requests();
            if requests.len() >= KNOWN_REQUESTS {
                requests.clear();
            }
            requests.insert(id, Arc::clone(&view.request));
        }
        Ok(view)
    }

    async fn runs(&self) -> Result<Vec<RunId>, StoreError> {
        runs::all(&mut *self.reader().await?).await
    }

    async fn finished_runs(
        &self,
        organization: OrganizationId,
        limit: usize,
    ) -> Result<Vec<RunId>, StoreError> {
        runs::finished(&mut *self.reader().await?, organization, limit).await
    }

    async fn variant(&self, id: VariantId) -> Result<Variant, StoreError> {
        runs::variant(&mut *self.reader().await?, id).await
    }

    async fn variants(&self, run: RunId) -> Result<Vec<Variant>, StoreError> {
        runs::variants(&mut *self.reader().await?, run).await
    }

    async fn variants_of(&self, run: RunId, generation: u32) -> Result<Vec<Variant>, StoreError> {
        runs::variants_of(&mut *self.reader().await?, run, generation).await
    }

    async fn placements(&self, run: RunId) -> Result<Vec<Placement>, StoreError> {
        runs::placements(&mut *self.reader().await?, run).await
    }

    async fn placements_of(&self, run: RunId, generation: u32) -> Result<Vec<Placement>, StoreError> {
        runs::placements_of(&mut *self.reader().await?, run, generation).await
    }

    async fn trace(&self, run: RunId) -> Result<Vec<TraceEntry>, StoreError> {
        runs::trace(&mut *self.reader().await?, run).await
    }

    async fn claim(
        &self,
        kinds: &[StepKind],
        lease: Duration,
        limit: usize,
    ) -> Result<Vec<ClaimedStep>, StoreError> {
        let kinds = kinds.to_vec();
        self.writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { steps::claim(conn, &kinds, lease, limit).await })
            })
            .await
    }

    async fn renew(&self, step: &ClaimedStep, lease: Duration) -> Result<(), StoreError> {
        let (id, fence) = (step.id, step.fence);
        self.writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { steps::renew(conn, id, fence, lease).await })
            })
            .await
    }

    async fn complete(
        &self,
        step: &ClaimedStep,
        end: StepEnd,
        expected_version: i64,
        commit: Commit,
    ) -> Result<(), StoreError> {
        let (id, fence, organization) = (step.id, step.fence, step.organization);
        let mut wakes = wakes_of(&commit);
        wakes.steps |= match end {
            StepEnd::Retry { .. } => true,
            StepEnd::Waiting { delay, .. } => delay.is_zero(),
            StepEnd::Done(_) | StepEnd::Failed(_) => false,
        };
        self.writer
            .write(Some(step.run), wakes, move |conn| {
                Box::pin(async move {
                    let (run, open_calls) = steps::end(conn, id, fence, &end).await?;
                    commits::write(conn, run, expected_version, &commit).await?;
                    match end {
                        StepEnd::Done(_) | StepEnd::Failed(_) if open_calls > 0 => {
                            money::end_open_calls(conn, run, organization.0, id).await
                        }
                        _ => Ok(()),
                    }
                })
            })
            .await
    }

    async fn set_paused(&self, run: RunId, paused: bool) -> Result<(), StoreError> {
        let wakes = Wakes { steps: !paused, messages: false };
        self.writer
            .write(Some(run), wakes, move |conn| {
                Box::pin(async move { steps::hold(conn, run, paused).await })
            })
            .await
    }

    async fn amend(&self, run: RunId, expected_version: i64, commit: Commit) -> Result<(), StoreError> {
        self.writer
            .write(Some(run), wakes_of(&commit), move |conn| {
                Box::pin(async move { commits::write(conn, run, expected_version, &commit).await })
            })
            .await
    }

    async fn is_ending(&self, run: RunId) -> Result<bool, StoreError> {
        runs::is_ending(&mut *self.reader().await?, run).await
    }

    async fn begin_call(&self, step: &ClaimedStep, call: &NewCall) -> Result<CallState, StoreError> {
        if call.step != step.id {
            return Err(StoreError::Contradiction(format!("call {} belongs to another step", call.id)));
        }
        let (fence, call) = (step.fence, call.clone());
        self.writer
            .write(Some(step.run), Wakes::default(), move |conn| {
                Box::pin(async move {
                    let (run, organization) = steps::check_claim(conn, call.step, fence).await?;
                    money::begin_call(conn, run, organization, &call).await
                })
            })
            .await
    }

    async fn wake(&self, run: RunId, idempotency_key: &str) -> Result<bool, StoreError> {
        let key = idempotency_key.to_owned();
        let wakes = Wakes { steps: true, messages: false };
        self.writer
            .write(Some(run), wakes, move |conn| Box::pin(async move { steps::wake(conn, run, &key).await }))
            .await
    }

    async fn consume(
        &self,
        consumer: &str,
        ids: &[MessageId],
        run: RunId,
        expected_version: i64,
        commit: Commit,
    ) -> Result<Consumed, StoreError> {
        let (consumer, ids) = (consumer.to_owned(), ids.to_vec());
        self.writer
            .write(Some(run), wakes_of(&commit), move |conn| {
                Box::pin(async move {
                    match messages::take_in(conn, &consumer, &ids).await? {
                        0 if !ids.is_empty() => return Ok(Consumed::Duplicate),
                        new if new == ids.len() => {}
                        // An error, so that what was noted is undone.
                        _ => return Err(StoreError::Conflict),
                    }
                    commits::write(conn, run, expected_version, &commit).await?;
                    Ok(Consumed::Applied)
                })
            })
            .await
    }

    async fn consumed(&self, consumer: &str, message: MessageId) -> Result<bool, StoreError> {
        messages::taken_in(&mut *self.reader().await?, consumer, message).await
    }

    async fn dead_letter(
        &self,
        consumer: &str,
        message: MessageId,
        reason: &str,
        attempts: u32,
    ) -> Result<(), StoreError> {
        let (consumer, reason) = (consumer.to_owned(), reason.to_owned());
        self.writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(
                    async move { messages::dead_letter(conn, &consumer, message, &reason, attempts).await },
                )
            })
            .await
    }

    async fn waiting_steps(&self) -> Result<Vec<(StepKind, u64)>, StoreError> {
        steps::waiting_by_kind(&mut *self.reader().await?).await
    }

    async fn unsent(
        &self,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Vec<(i64, OutboxMessage)>, StoreError> {
        messages::unsent(&mut *self.reader().await?, after, limit).await
    }

    fn late_positions(&self) -> i64 {
        LATE_POSITIONS
    }

    async fn mark_sent(&self, ids: &[MessageId]) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        let ids = ids.to_vec();
        self.writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { messages::mark_sent(conn, &ids).await })
            })
            .await
    }

    async fn recover(&self) -> Result<u64, StoreError> {
        let wakes = Wakes { steps: true, messages: true };
        self.writer.write(None, wakes, |conn| Box::pin(steps::recover(conn))).await
    }

    async fn bury(&self) -> Result<Vec<ClaimedStep>, StoreError> {
        // Idle workers ask often; a look costs no write transaction.
        if !steps::any_to_bury(&mut *self.reader().await?).await? {
            return Ok(Vec::new());
        }
        self.writer.write(None, Wakes::default(), |conn| Box::pin(steps::bury(conn))).await
    }

    async fn open_work(&self, run: RunId) -> Result<u64, StoreError> {
        steps::open_work(&mut *self.reader().await?, run).await
    }

    async fn broken_invariants(&self) -> Result<Vec<String>, StoreError> {
        let mut reader = self.reader().await?;
        let mut transaction = reader.begin_with(super::SNAPSHOT).await.map_err(database)?;
        invariants::broken(&mut transaction).await
    }

    fn steps_ready(&self) -> &Notify {
        &self.signals.steps
    }

    fn messages_ready(&self) -> &Notify {
        &self.signals.messages
    }
}
