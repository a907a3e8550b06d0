//! `GET /v1/comments/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::reviews::comments;

use super::Comment;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// One comment.
#[utoipa::path(get, path = "/v1/comments/{id}", operation_id = "getComment", tag = "reviews",
    params(("id" = Uuid, Path, description = "The comment")),
    responses((status = 200, description = "The comment", body = Comment)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<Comment>, ApiProblem> {
    let id = extract::id(&id, "comment")?;
    let ports = app.reviews(&caller);
    let said = comments::get(&ports, &caller.principal, id).await?;
    Ok(Json(Comment::from(said)))
}
