//! `POST /v1/shares`.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use spotwright_core::use_cases::reviews::shares::{self, ShareOrder};
use spotwright_schemas::ids::{RunId, VariantId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{ShareLink, ShareScopeName};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::problem::ApiProblem;
use crate::state::App;

/// A link to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShareLinkOrder {
    /// What it is for, 1–80 characters; reviewers read it.
    #[schema(
        min_length = 1,
        max_length = 80,
        pattern = "^[^\\s\\u0000-\\u001f\\u007f-\\u009f]([^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f])?$"
    )]
    name: String,
    /// The run that it shows.
    run: Uuid,
    /// The variants of the run that it shows, 1–50 different ones; without them all that can be watched.
    #[schema(min_items = 1, max_items = 50)]
    variants: Option<Vec<Uuid>>,
    /// What it allows.
    scope: ShareScopeName,
    /// How long it opens, in seconds; two weeks where it is left out.
    #[schema(minimum = 300, maximum = 7_776_000)]
    expires_in_seconds: Option<u32>,
}

/// A link and its token. Not printable, because it holds a secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct ShareLinkMade {
    /// The link.
    share: ShareLink,
    /// What opens it, shown once; `null` when the request is a repetition.
    token: Option<String>,
}

/// Makes a link that shows a run, or some of its variants, to people without an account. Whoever has the
/// token has the link; revoke it to take it back.
#[utoipa::path(post, path = "/v1/shares", operation_id = "createShare", tag = "reviews",
    request_body = ShareLinkOrder,
    responses((status = 201, description = "The link and its token", body = ShareLinkMade)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let ShareLinkOrder { name, run, variants, scope, expires_in_seconds } = extract::json(&body.bytes)?;
    let order = ShareOrder {
        name,
        run: RunId(run),
        variants: variants.map(|chosen| chosen.into_iter().map(VariantId).collect()),
        scope: scope.into(),
        seconds: expires_in_seconds,
    };
    let ports = app.reviews(&caller);
    let (written, token) = shares::create(&ports, &caller.principal, &admitted.write, order).await?;
    let replayed = is_replayed(&written);
    let share = ShareLink::at(written.into_inner(), ports.now());
    let location = format!("/v1/shares/{}", share.id);
    let token = (!replayed).then(|| token.expose().to_owned());
    Ok(created(replayed, &location, &ShareLinkMade { share, token }))
}
