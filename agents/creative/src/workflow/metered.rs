//! A language model whose calls are recorded and paid for like every other paid call.

use async_trait::async_trait;
use spotwright_core::ports::language_model::{LanguageModel, LanguageModelError, LineRequest, Proposals};
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

    fn quote(&self, request: &LineRequest<'_>) -> Micros {
        self.inner.quote(request)
    }

    async fn propose(
        &self,
        request: &LineRequest<'_>,
        idempotency_key: &str,
    ) -> Result<Proposals, LanguageModelError> {
        let call = || async {
            let proposals = self.inner.propose(request, idempotency_key).await.map_err(model_error)?;
            let cost = proposals.cost;
            Ok((proposals, cost))
        };
        // Completions cannot be looked up afterwards. An interrupted call therefore counts as
        // spent and its line is written by the copy engine; it is never sent again.
        let lookup = || async {
            let message = "an interrupted completion cannot be looked up";
            Err(StepError::Permanent(Problem::new(Code::CallUnknown, "", message)))
        };
        self.calls
            .make(self.inner.provider(), idempotency_key, self.inner.quote(request), lookup, call)
            .await
            .map_err(|error| LanguageModelError::Refused(error.to_string()))
    }
}

/// Every failure is final for this call: the line is then written by the copy engine, so there is
/// no later attempt that the reserve would have to wait for.
#[expect(clippy::needless_pass_by_value, reason = "has the form that `map_err` takes")]
fn model_error(error: LanguageModelError) -> StepError {
    StepError::Permanent(Problem::new(Code::LanguageModel, "", error.to_string()))
}
