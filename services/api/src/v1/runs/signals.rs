//! `POST /v1/runs/{id}/signals`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::domain::signal::{Signal, Taken, Told};
use spotwright_schemas::ids::{RunId, SignalId, VariantId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Run, tell};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;

/// Something a run is told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignalBody {
    /// An id of your choice, new for each signal and the same when it is told again: it counts once.
    id: Uuid,
    /// What is told.
    signal: SignalOrder,
}

/// What is told, by its `kind`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum SignalOrder {
    /// Answers a question of the run.
    Answer {
        /// The question's id.
        question: String,
        /// The answer, 2–60 characters that may be shown as they are; without one the default is taken.
        #[serde(default)]
        text: Option<String>,
    },
    /// Approves scripts. They are rendered once no script of the generation waits any more.
    Approve {
        /// The variant; without one every script that waits.
        #[serde(default)]
        variant: Option<Uuid>,
        /// Whether the scripts of all later generations are approved unseen.
        #[serde(default)]
        all: bool,
    },
    /// Drops a script and has another one written in its place.
    Reject {
        /// The variant.
        variant: Uuid,
        /// Why, 1–300 characters; a lesson for what is written next.
        reason: String,
    },
    /// Changes the words of a line, which then pass the same checks as any other: 422 with every reason else.
    Edit {
        /// The variant.
        variant: Uuid,
        /// The line of the script, from 0.
        line: u32,
        /// The new text on screen.
        #[serde(default)]
        caption: Option<String>,
        /// The new spoken text.
        #[serde(default)]
        voice: Option<String>,
    },
    /// Has scripts written anew.
    Regenerate {
        /// The variant; without one every script that waits.
        #[serde(default)]
        variant: Option<Uuid>,
        /// What to do differently, 1–300 characters.
        #[serde(default)]
        note: Option<String>,
    },
    /// Ends the run.
    Cancel,
}

impl From<SignalOrder> for Signal {
    fn from(order: SignalOrder) -> Self {
        match order {
            SignalOrder::Answer { question, text } => Self::Answer { question, text },
            SignalOrder::Approve { variant, all } => Self::Approve { variant: variant.map(VariantId), all },
            SignalOrder::Reject { variant, reason } => Self::Reject { variant: VariantId(variant), reason },
            SignalOrder::Edit { variant, line, caption, voice } => {
                Self::Edit { variant: VariantId(variant), line, caption, voice }
            }
            SignalOrder::Regenerate { variant, note } => {
                Self::Regenerate { variant: variant.map(VariantId), note }
            }
            SignalOrder::Cancel => Self::Cancel,
        }
    }
}

/// A signal that was taken in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TakenSignal {
    /// Whether it had been taken in before, or the run is as it wishes already: nothing has changed.
    repeated: bool,
    /// The run after it.
    run: Run,
}

/// Tells a run something: an answer, an approval, a rejection, an edit, a wish for another draft, its end.
/// Durable once it is answered. What the run's state does not allow is 409; words that do not pass the
/// checks, and another signal under a known id, are 422.
#[utoipa::path(post, path = "/v1/runs/{id}/signals", operation_id = "tellRun", tag = "runs",
    params(("id" = Uuid, Path, description = "The run")),
    request_body = SignalBody,
    responses((status = 200, description = "It was taken in", body = TakenSignal)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<TakenSignal>, ApiProblem> {
    let id: RunId = extract::id(&id, "run")?;
    let SignalBody { id: signal, signal: order } = extract::json(&body.bytes)?;
    let told = Told { id: SignalId(signal), signal: order.into() };
    let (taken, run) = tell(&app, &caller, id, &told).await?;
    Ok(Json(TakenSignal { repeated: taken == Taken::Before, run }))
}
