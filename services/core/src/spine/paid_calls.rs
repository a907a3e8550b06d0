//! Paid calls: intent and money first, then the call; after a crash look it up, never send blindly.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::CallId;
use spotwright_schemas::money::Micros;
use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span};

use super::{Checkpoints, Shutdown, StepError, TRACE};
use crate::ports::step_store::{CallEnd, CallState, ClaimedStep, NewCall, StepStore};

/// Makes the paid calls of one step and remembers how they ended until the step's commit, whatever that
/// ends the step as.
///
/// A call that is answered while the step holds its worker is made in one piece with [`PaidCalls::make`].
/// One whose answer takes long is made in two: [`PaidCalls::begin`] before it is sent, [`PaidCalls::done`]
/// or [`PaidCalls::ended`] in whichever attempt learns what came of it. In between the step may end as
/// [`StepError::Waiting`]; the call stays open, with its money reserved. A step that is done or has failed
/// leaves no call open: what has no end by then counts as spent.
pub struct PaidCalls<'a> {
    store: &'a dyn StepStore,
    step: &'a ClaimedStep,
    checkpoints: &'a dyn Checkpoints,
    stop: Shutdown,
    book: Mutex<Book>,
}

/// What is known of a call that is made in two pieces.
#[derive(Debug, Clone, PartialEq)]
pub enum Begun<T> {
    /// It has certainly not been sent; its money is reserved.
    Fresh,
    /// An earlier attempt may have sent it: ask the provider, never send it blindly.
    Interrupted,
    /// An earlier attempt has the answer.
    Done(T),
}

/// What this attempt knows of its calls.
#[derive(Debug, Default)]
struct Book {
    /// The calls it has asked the store about.
    standing: HashMap<CallId, Standing>,
    /// Ends that no commit has written yet, at most one for each call.
    ends: Vec<CallEnd>,
}

/// Where a call stands in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Open,
    /// Ended without an answer and counted as spent.
    Unknown,
    Done,
}

impl<'a> PaidCalls<'a> {
    /// Prepares the calls of `step`. `stop` is set once the step's run has ended or is being ended.
    #[must_use]
    pub fn new(
        store: &'a dyn StepStore,
        step: &'a ClaimedStep,
        checkpoints: &'a dyn Checkpoints,
        stop: Shutdown,
    ) -> Self {
        Self { store, step, checkpoints, stop, book: Mutex::default() }
    }

    /// Set once the run has ended or is being ended: whoever works for the step stops at the next
    /// place where nothing is lost that was paid for.
    #[must_use]
    pub const fn stop(&self) -> &Shutdown {
        &self.stop
    }

    /// Makes one call, at most once as far as the provider lets us know.
    ///
    /// `quote` is reserved before the call and settled with what `call` says it cost, which may be
    /// more: what a provider bills is what the ledger holds, as far as the run's budget goes. When an
    /// earlier attempt may have made the call, `lookup` is asked first and its finding adopted; a
    /// permanent error of `lookup` means that nobody can tell, and the whole quote counts as spent; a call
    /// that counts as spent is looked up again, and never made again. After
    /// the last attempt that may be made, `lookup` is asked whether it succeeded after all.
    /// A free call (`quote` zero) is simply made. Once the run has ended or is being ended no call is made
    /// any more; one that may have been made is still looked up.
    ///
    /// # Errors
    /// What `lookup` and `call` answer; [`Code::BudgetExhausted`] when the quote cannot be reserved;
    /// [`Code::CallUnknown`] when an earlier attempt's call counts as spent and is not found;
    /// [`Code::RunCancelled`] when the run has ended or is being ended.
    pub async fn make<T, L, LF, C, CF>(
        &self,
        provider: &str,
        idempotency_key: &str,
        quote: Micros,
        lookup: L,
        call: C,
    ) -> Result<T, StepError>
    where
        T: Serialize + DeserializeOwned,
        L: Fn() -> LF,
        LF: Future<Output = Result<Option<(T, Micros)>, StepError>>,
        C: FnOnce() -> CF,
        CF: Future<Output = Result<(T, Micros), StepError>>,
    {
        if quote <= Micros::ZERO {
            if self.stop.is_set() {
                return Err(StepError::cancelled());
            }
            return call().await.map(|(answer, _)| answer);
        }
        let span = self.span(provider, idempotency_key, quote);
        let made = self.attempt(provider, idempotency_key, quote, lookup, call);
        async {
            let made = made.await;
            if let Err(error) = &made {
                Span::current().record("outcome", "failed").record("error", display(error));
            }
            made
        }
        .instrument(span)
        .await
    }

    async fn attempt<T, L, LF, C, CF>(
        &self,
        provider: &str,
        idempotency_key: &str,
        quote: Micros,
        lookup: L,
        call: C,
    ) -> Result<T, StepError>
    where
        T: Serialize + DeserializeOwned,
        L: Fn() -> LF,
        LF: Future<Output = Result<Option<(T, Micros)>, StepError>>,
        C: FnOnce() -> CF,
        CF: Future<Output = Result<(T, Micros), StepError>>,
    {
        let (id, state) = self.intend(provider, idempotency_key, quote).await?;
        let interrupted = state == CallState::Interrupted;
        let found = match state {
            CallState::Done { result, .. } => {
                Span::current().record("outcome", "stored");
                return serde_json::from_value(result).map_err(|error| unreadable(&error));
            }
            CallState::Unknown => Some(lookup().await?.ok_or_else(StepError::call_unknown)?),
            CallState::Interrupted => match lookup().await {
                Ok(found) => found,
                Err(error) => {
                    if matches!(error, StepError::Permanent(_)) {
                        self.end(CallEnd { id, result: None, settled: quote });
                    }
                    return Err(error);
                }
            },
            CallState::Fresh => None,
        };
        let (outcome, answered) = match found {
            Some(answer) => ("looked_up", Ok(answer)),
            None if interrupted && self.store.is_ending(self.step.run).await? => {
                ("not_made", Err(StepError::cancelled()))
            }
            None => ("called", call().await),
        };
        self.checkpoints.reached("call.after_call");
        // Neither an outage nor waiting counts an attempt: the call is then made or looked up.
        let last = |error: &StepError| !self.step.may_retry() && error.counts();
        let answered = match answered {
            // It may have been made, and nobody will ask again.
            Err(error) if last(&error) && !matches!(error, StepError::Permanent(_)) => match lookup().await {
                Ok(Some(answer)) => Ok(answer),
                Ok(None) => Err((error, Micros::ZERO)),
                Err(_) => Err((error, quote)),
            },
            answered => answered.map_err(|error| (error, Micros::ZERO)),
        };
        match answered {
            Ok((answer, charged)) => {
                let result = serde_json::to_value(&answer).map_err(|error| unreadable(&error))?;
                Span::current().record("outcome", outcome).record("call.charged_micros", charged.0);
                self.end(CallEnd { id, result: Some(result), settled: charged });
                Ok(answer)
            }
            Err((error, settled)) => {
                if last(&error) || matches!(error, StepError::Permanent(_)) {
                    self.end(CallEnd { id, result: None, settled });
                }
                Err(error)
            }
        }
    }

    /// Begins a call whose answer takes longer than this attempt: `quote` is reserved, also when it is zero.
    /// `idempotency_key` names the call; a step may have several calls open.
    ///
    /// Once the run has ended or is being ended no call begins any more; one that may have been sent is
    /// [`Begun::Interrupted`] as ever, so that it can be called off. A call that was given up as spent
    /// is [`Begun::Interrupted`], too: its answer may still be taken in, and its money stays as it is. One
    /// that was certainly not made is [`Begun::Fresh`] again.
    ///
    /// # Errors
    /// [`Code::BudgetExhausted`] when the quote cannot be reserved; [`Code::RunCancelled`] when the run has
    /// ended or is being ended; [`Code::StoreFormat`] when the stored answer is no `T`.
    pub async fn begin<T: DeserializeOwned>(
        &self,
        provider: &str,
        idempotency_key: &str,
        quote: Micros,
    ) -> Result<Begun<T>, StepError> {
        let span = self.span(provider, idempotency_key, quote);
        async {
            let begun = match self.intend(provider, idempotency_key, quote).await {
                Ok((_, CallState::Fresh)) => Ok(("begun", Begun::Fresh)),
                Ok((_, CallState::Interrupted | CallState::Unknown)) => {
                    Ok(("interrupted", Begun::Interrupted))
                }
                Ok((_, CallState::Done { result, .. })) => serde_json::from_value(result)
                    .map(|answer| ("stored", Begun::Done(answer)))
                    .map_err(|error| unreadable(&error)),
                Err(error) => Err(error),
            };
            let span = Span::current();
            match begun {
                Ok((outcome, begun)) => {
                    span.record("outcome", outcome);
                    Ok(begun)
                }
                Err(error) => {
                    span.record("outcome", "failed").record("error", display(&error));
                    Err(error)
                }
            }
        }
        .instrument(span)
        .await
    }

    /// A call that this attempt has asked [`PaidCalls::begin`] about is answered. `charged` is what the
    /// provider bills, which may be more than the quote. Saying it again changes nothing.
    ///
    /// # Errors
    /// [`Code::StepFailed`] when this attempt has not begun the call; [`Code::StoreFormat`] when the answer
    /// cannot be written as JSON.
    pub fn done<T: Serialize>(
        &self,
        idempotency_key: &str,
        answer: &T,
        charged: Micros,
    ) -> Result<(), StepError> {
        let id = self.id_of(idempotency_key);
        let result = serde_json::to_value(answer).map_err(|error| unreadable(&error))?;
        if !self.book().standing.contains_key(&id) {
            let message = format!("the call {idempotency_key} ends in an attempt that has not begun it");
            return Err(StepError::Permanent(Problem::new(Code::StepFailed, "", message)));
        }
        self.end(CallEnd { id, result: Some(result), settled: charged });
        tracing::debug!(
            step.id = %self.step.id,
            call.key = idempotency_key,
            call.charged_micros = charged.0,
            "a call is answered"
        );
        self.checkpoints.reached("call.after_call");
        Ok(())
    }

    /// A call that this attempt has asked [`PaidCalls::begin`] about has ended without an answer. `settled`
    /// zero: it was certainly not charged, and may be begun anew. More: it counts as spent. A call
    /// that is answered, or counts as spent already, stays as it is.
    pub fn ended(&self, idempotency_key: &str, settled: Micros) {
        let id = self.id_of(idempotency_key);
        if !self.book().standing.contains_key(&id) {
            // It keeps its reserve, and an end at the latest with the step's.
            tracing::error!(step.id = %self.step.id, call.key = idempotency_key, "the call was not begun");
            return;
        }
        self.end(CallEnd { id, result: None, settled });
        tracing::debug!(
            step.id = %self.step.id,
            call.key = idempotency_key,
            call.charged_micros = settled.0,
            "a call has ended without an answer"
        );
        self.checkpoints.reached("call.after_call");
    }

    /// The ends of the calls made, for the step's commit.
    pub(super) fn into_ends(self) -> Vec<CallEnd> {
        self.book.into_inner().unwrap_or_else(PoisonError::into_inner).ends
    }

    /// Records the intent of a call, or tells what is known of it: by this very attempt, which may have
    /// begun again because the store was away, else by the store.
    async fn intend(
        &self,
        provider: &str,
        idempotency_key: &str,
        quote: Micros,
    ) -> Result<(CallId, CallState), StepError> {
        let id = self.id_of(idempotency_key);
        let own = self.book().ends.iter().find(|end| end.id == id).cloned();
        if let Some(CallEnd { result: Some(result), settled, .. }) = own {
            return Ok((id, CallState::Done { result, settled }));
        }
        let intent = NewCall {
            id,
            step: self.step.id,
            provider: provider.to_owned(),
            idempotency_key: idempotency_key.to_owned(),
            reserve: quote,
        };
        let state = self.store.begin_call(self.step, &intent).await?;
        self.checkpoints.reached("call.after_intent");
        let standing = match state {
            CallState::Fresh | CallState::Interrupted => Standing::Open,
            CallState::Unknown => Standing::Unknown,
            CallState::Done { .. } => Standing::Done,
        };
        self.book().standing.insert(id, standing);
        match (state, own) {
            // Its end is not written yet, so the store has it open still, with its money.
            (CallState::Interrupted, Some(end)) if end.settled == Micros::ZERO => {
                if self.store.is_ending(self.step.run).await? {
                    return Err(StepError::cancelled());
                }
                self.book().ends.retain(|end| end.id != id);
                Ok((id, CallState::Fresh))
            }
            (CallState::Interrupted, Some(_)) => Ok((id, CallState::Unknown)),
            (state, _) => Ok((id, state)),
        }
    }

    /// Keeps the end of a call. An answer replaces an end without one, and not the other way round; what the
    /// store has ended stays as it is, but for an answer found later.
    fn end(&self, end: CallEnd) {
        let mut book = self.book();
        match book.standing.get(&end.id) {
            Some(Standing::Done) => return,
            Some(Standing::Unknown) if end.result.is_none() => return,
            _ => {}
        }
        match book.ends.iter_mut().find(|known| known.id == end.id) {
            Some(known) if known.result.is_some() && end.result.is_none() => {}
            Some(known) => *known = end,
            None => book.ends.push(end),
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn id_of(&self, idempotency_key: &str) -> CallId {
        CallId::child_of(self.step.id.0, idempotency_key, 0)
    }

    fn span(&self, provider: &str, idempotency_key: &str, quote: Micros) -> Span {
        tracing::info_span!(
            target: TRACE,
            "paid_call",
            run.id = %self.step.run,
            organization.id = %self.step.organization,
            step.id = %self.step.id,
            call.provider = provider,
            call.key = idempotency_key,
            call.quote_micros = quote.0,
            call.charged_micros = Empty,
            outcome = Empty,
            error = Empty,
        )
    }
}

fn unreadable(error: &serde_json::Error) -> StepError {
    StepError::Retry {
        problem: Problem::new(Code::StoreFormat, "", error.to_string()),
        delay: Duration::from_millis(100),
    }
}
