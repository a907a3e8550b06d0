//! `POST /v1/comments/{id}/resolve`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::domain::review::CommentState;
use spotwright_core::use_cases::reviews::comments;

use super::Comment;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// Notes that a comment was taken care of. Done twice it changes nothing.
#[utoipa::path(post, path = "/v1/comments/{id}/resolve", operation_id = "resolveComment", tag = "reviews",
    params(("id" = Uuid, Path, description = "The comment")),
    responses((status = 200, description = "The comment", body = Comment)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Comment>, ApiProblem> {
    let id = extract::id(&id, "comment")?;
    let ports = app.reviews(&caller);
    Ok(Json(comments::set(&ports, &caller.principal, id, CommentState::Resolved).await?.into()))
}
