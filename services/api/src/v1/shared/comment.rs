//! `POST /v1/shared/{token}/variants/{id}/comments`.

use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Deserialize;
use spotwright_core::use_cases::reviews::shared;
use utoipa::ToSchema;

use super::{SharedComment, opened};
use crate::extract::{self, JsonBody, Origin};
use crate::idempotency::{self, created, is_replayed};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::comments::remark;

/// A comment of somebody without an account. A place has both `x` and `y`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SharedCommentOrder {
    /// What whoever says it is called, 1–80 characters.
    #[schema(
        min_length = 1,
        max_length = 80,
        pattern = "^[^\\s\\u0000-\\u001f\\u007f-\\u009f]([^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f])?$"
    )]
    reviewer: String,
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
}

/// Comments on a variant by a link that allows it; the organization and everybody with the link see it.
#[utoipa::path(post, path = "/v1/shared/{token}/variants/{id}/comments", operation_id = "createSharedComment",
    tag = "shared",
    params(("token" = String, Path, description = "The token of the link"),
        ("id" = Uuid, Path, description = "The variant")),
    request_body = SharedCommentOrder,
    responses((status = 201, description = "The comment", body = SharedComment)))]
pub(crate) async fn handle(
    State(app): State<App>,
    origin: Origin,
    Path((token, id)): Path<(String, String)>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let ports = app.public_reviews(origin.request_id());
    let (guest, _place) = opened(&app, &ports, &token, &origin, true).await?;
    let (organization, of) = (guest.principal().organization, format!("share:{}:", guest.share.id));
    let admitted = idempotency::admit_within(&app, organization, &of, &headers, &uri, &body.bytes)?;
    let id = extract::id(&id, "variant")?;
    let SharedCommentOrder { reviewer, text, seconds, x, y } = extract::json(&body.bytes)?;
    let remark = remark(text, seconds, x, y)?;
    let written = shared::comment(&ports, &guest, &admitted.write, id, &reviewer, remark).await?;
    let replayed = is_replayed(&written);
    let location = format!("/v1/shared/{token}/variants/{id}/comments");
    Ok(created(replayed, &location, &SharedComment::from(written.into_inner())))
}
