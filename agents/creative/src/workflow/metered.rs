//! A language model whose calls are recorded and paid for like every other paid call.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use spotwright_core::ports::language_model::{
    Extent, LanguageModel, LanguageModelError, ProposedScripts, ScriptRequest,
};
use spotwright_core::spine::{PaidCalls, StepError};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::money::Micros;

/// Wraps a model for the time of one step.
pub(super) struct MeteredModel<'a> {
    inner: &'a dyn LanguageModel,
    calls: &'a PaidCalls<'a>,
}

impl<'a> MeteredModel<'a> {
    pub(super) const fn new(inner: &'a dyn LanguageModel, calls: &'a PaidCalls<'a>) -> Self {
        Self { inner, calls }
    }
}

#[async_trait]
impl LanguageModel for MeteredModel<'_> {
    fn provider(&self) -> &str {
        self.inner.provider()
    }

    fn repeatable(&self) -> bool {
        self.inner.repeatable()
    }

    fn writes(&self) -> Extent {
        self.inner.writes()
    }

    fn quote(&self, request: &ScriptRequest<'_>) -> Micros {
        self.inner.quote(request)
    }

    async fn write(
        &self,
        request: &ScriptRequest<'_>,
        idempotency_key: &str,
    ) -> Result<ProposedScripts, LanguageModelError> {
        let failure = Mutex::new(None);
        let call = || async {
            match self.inner.write(request, idempotency_key).await {
                Ok(scripts) => {
                    let cost = scripts.cost;
                    Ok((Outcome::Written(scripts), cost))
                }
                // What was billed is settled, whatever came of it.
                Err(failed) if failed.cost() > Micros::ZERO => {
                    let cost = failed.cost();
                    Ok((Outcome::Failed { failed }, cost))
                }
                Err(failed) => {
                    let problem = Problem::new(Code::LanguageModel, "", failed.words());
                    *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failed);
                    // Final for this call: the copy engine writes then, so there is no later attempt
                    // that the reserve would have to wait for.
                    Err(StepError::Permanent(problem))
                }
            }
        };
        // Completions cannot be looked up afterwards. An interrupted call therefore counts as
        // spent and its scripts are written by the copy engine; it is never sent again.
        let lookup = || async { Err(StepError::call_unknown()) };
        let quote = self.inner.quote(request);
        let made = self.calls.make(self.inner.provider(), idempotency_key, quote, lookup, call).await;
        match made {
            Ok(Outcome::Written(scripts)) => Ok(scripts),
            Ok(Outcome::Failed { failed }) => Err(failed),
            Err(error) => {
                let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
                Err(failure.unwrap_or_else(|| failed(&error)))
            }
        }
    }
}

/// What a call ended in, as it is kept with the call.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Outcome {
    Written(ProposedScripts),
    Failed { failed: LanguageModelError },
}

/// A call that was not made, or whose answer is lost, as the model's error.
fn failed(error: &StepError) -> LanguageModelError {
    match error {
        StepError::Permanent(problem) if problem.code == Code::CallUnknown => LanguageModelError::Lost,
        StepError::Permanent(problem) | StepError::Retry { problem, .. } => {
            LanguageModelError::Refused(problem.message.clone())
        }
        other => LanguageModelError::Refused(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_answer_is_told_apart_from_a_refusal() {
        assert_eq!(failed(&StepError::call_unknown()), LanguageModelError::Lost);
        assert!(matches!(failed(&StepError::cancelled()), LanguageModelError::Refused(_)));
        let stored = serde_json::to_value(LanguageModelError::Lost).unwrap();
        assert_eq!(stored, "lost");
    }

    #[test]
    fn answered_and_failed_calls_are_told_apart() {
        let scripts = ProposedScripts {
            scripts: vec![],
            refused: vec![],
            prompt_hash: "ab".to_owned(),
            tokens: [1, 2],
            cost: Micros(3),
        };
        let before = serde_json::to_string(&scripts).unwrap();
        let read: Outcome = serde_json::from_str(&before).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), before, "and written as before");
        assert!(matches!(read, Outcome::Written(read) if read == scripts));

        let failed = LanguageModelError::Billed {
            error: Box::new(LanguageModelError::Unusable("blank".to_owned())),
            prompt_hash: "ab".to_owned(),
            tokens: [1, 2],
            cost: Micros(3),
        };
        let written = serde_json::to_string(&Outcome::Failed { failed: failed.clone() }).unwrap();
        let read: Outcome = serde_json::from_str(&written).unwrap();
        assert!(matches!(read, Outcome::Failed { failed: read } if read == failed));
    }
}
