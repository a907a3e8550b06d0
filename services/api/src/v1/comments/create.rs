//! `POST /v1/variants/{id}/comments`.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Deserialize;
use spotwright_core::use_cases::reviews::comments;
use spotwright_schemas::ids::ShareId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Comment, remark};
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::problem::ApiProblem;
use crate::state::App;

/// A comment to be made. A place has both `x` and `y`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommentOrder {
    /// The words, 1–2,000 characters.
    #[schema(
        min_length = 1,
        max_length = 2000,
        pattern = "^[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f][^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f]*$"
    )]
    text: String,
    /// The moment in seconds from the start of the video.
    #[schema(minimum = 0, maximum = 600)]
    seconds: Option<f64>,
    /// The place from left to right.
    #[schema(minimum = 0, maximum = 1)]
    x: Option<f64>,
    /// The place from top to bottom.
    #[schema(minimum = 0, maximum = 1)]
    y: Option<f64>,
    /// A link that shows the variant and whose reviewers shall see the comment too.
    share: Option<Uuid>,
}

/// Comments on a variant as it is now.
#[utoipa::path(post, path = "/v1/variants/{id}/comments", operation_id = "createComment", tag = "reviews",
    params(("id" = Uuid, Path, description = "The variant")), request_body = CommentOrder,
    responses((status = 201, description = "The comment", body = Comment)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let id = extract::id(&id, "variant")?;
    let CommentOrder { text, seconds, x, y, share } = extract::json(&body.bytes)?;
    let remark = remark(text, seconds, x, y)?;
    let ports = app.reviews(&caller);
    let share = share.map(ShareId);
    let written = comments::create(&ports, &caller.principal, &admitted.write, id, remark, share).await?;
    let replayed = is_replayed(&written);
    let comment = Comment::from(written.into_inner());
    Ok(created(replayed, &format!("/v1/comments/{}", comment.id), &comment))
}
