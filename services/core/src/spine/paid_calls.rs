//! Paid calls: intent and money first, then the call; after a crash look it up, never send blindly.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::CallId;
use spotwright_schemas::money::Micros;
use tracing::field::{Empty, display};
use tracing::{Instrument as _, Span};

use super::{Checkpoints, Shutdown, StepError, TRACE};
use crate::ports::step_store::{CallEnd, CallState, ClaimedStep, NewCall, StepStore};

/// Makes the paid calls of one step and remembers how they ended until the step's commit.
pub struct PaidCalls<'a> {
    store: &'a dyn StepStore,
    step: &'a ClaimedStep,
    checkpoints: &'a dyn Checkpoints,
    stop: Shutdown,
    ended: Mutex<Vec<CallEnd>>,
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
        Self { store, step, checkpoints, stop, ended: Mutex::default() }
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
    /// permanent error of `lookup` means that nobody can tell, and the whole quote counts as spent. After
    /// the last attempt that may be made, `lookup` is asked whether it succeeded after all.
    /// A free call (`quote` zero) is simply made. Once the run has ended or is being ended no call is made
    /// any more; one that may have been made is still looked up.
    ///
    /// # Errors
    /// What `lookup` and `call` answer; [`Code::BudgetExhausted`] when the quote cannot be reserved;
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
        let span = tracing::info_span!(
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
        );
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
        let id = CallId::child_of(self.step.id.0, idempotency_key, 0);
        // Made before in this very attempt, which was begun again because the store was away.
        if let Some(answer) = self.answered(id) {
            return serde_json::from_value(answer).map_err(|error| unreadable(&error));
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
        let interrupted = state == CallState::Interrupted;
        let found = match state {
            CallState::Done { result, .. } => {
                Span::current().record("outcome", "stored");
                return serde_json::from_value(result).map_err(|error| unreadable(&error));
            }
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
        // An outage ends no attempt: the work is repeated, and the call then made or looked up.
        let last = |error: &StepError| !self.step.may_retry() && !error.is_outage();
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

    /// The ends of the calls made, for the step's commit.
    pub(super) fn into_ends(self) -> Vec<CallEnd> {
        self.ended.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    fn answered(&self, id: CallId) -> Option<Value> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        ended.iter().find(|end| end.id == id).and_then(|end| end.result.clone())
    }

    fn end(&self, end: CallEnd) {
        self.ended.lock().unwrap_or_else(PoisonError::into_inner).push(end);
    }
}

fn unreadable(error: &serde_json::Error) -> StepError {
    StepError::Retry {
        problem: Problem::new(Code::StoreFormat, "", error.to_string()),
        delay: Duration::from_millis(100),
    }
}
