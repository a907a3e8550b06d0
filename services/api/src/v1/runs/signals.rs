//! `POST /v1/runs/{id}/signals`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::domain::signal::{Signal, Taken, Told};
use spotwright_core::domain::withdrawal::Untrue;
use spotwright_core::use_cases::runs;
use spotwright_schemas::ids::{RunId, SignalId, VariantId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Run;
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::variants::ProductChange;

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
    /// Withdraws the variants that say what is no longer true of a product, also of a finished run. What is
    /// placed ends with what was delivered by then; what is under way is not placed any more.
    Withdraw {
        /// The product, and what changed.
        untrue: UntrueProduct,
    },
    /// Ends the run.
    Cancel,
}

/// A product of which something is no longer true.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UntrueProduct {
    /// Its id in the feed, 1–200 characters.
    product: String,
    /// Its name in the feed, at most 200 characters.
    #[serde(default)]
    title: String,
    /// Where the feed says so, 1–200 characters.
    #[schema(example = "feed.csv, line 7")]
    source: String,
    /// What changed, 1–5 changes.
    changes: Vec<ProductChange>,
}

impl From<UntrueProduct> for Untrue {
    fn from(untrue: UntrueProduct) -> Self {
        let UntrueProduct { product, title, source, changes } = untrue;
        Self { product, title, source, changes: changes.into_iter().map(Into::into).collect() }
    }
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
            SignalOrder::Withdraw { untrue } => Self::Withdraw { untrue: untrue.into() },
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

/// Tells a run something: an answer, an approval, a rejection, an edit, a wish for another
/// draft, a product that has changed, its end.
/// Durable once it is answered. What the run's state does not allow is 409; words that do not pass the
/// checks, and another signal under a known id, are 422. With `approvals:write` alone, scripts are approved and
/// rejected, and nothing else.
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
    let (taken, run) = runs::tell(&app.runs(&caller), &caller.principal, id, &told).await?;
    Ok(Json(TakenSignal { repeated: taken == Taken::Before, run: run.into() }))
}
