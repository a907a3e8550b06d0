//! Jobs of providers that answer with the result at once: what they made is the job's id.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use spotwright_core::ports::clip_source::{JobId, JobState, Output};
use spotwright_schemas::money::Micros;

/// How such ids begin; no provider's id does.
const PREFIX: &str = "done.";

#[derive(Serialize, Deserialize)]
struct Done {
    outputs: Vec<Output>,
    charged: Option<Micros>,
}

/// The id of a job that is done already.
pub(crate) fn job(outputs: Vec<Output>, charged: Option<Micros>) -> Option<JobId> {
    let text = serde_json::to_vec(&Done { outputs, charged }).ok()?;
    Some(JobId(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(text))))
}

/// The state of such a job; `None` for other ids.
pub(crate) fn state(job: &JobId) -> Option<JobState> {
    let bytes = URL_SAFE_NO_PAD.decode(job.0.strip_prefix(PREFIX)?).ok()?;
    let done: Done = serde_json::from_slice(&bytes).ok()?;
    Some(JobState::Done { outputs: done.outputs, charged: done.charged, seed: None })
}
