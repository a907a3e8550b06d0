//! `GET /v1/variants/{id}/comments`.

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::domain::review::CommentState;
use spotwright_core::ports::accounts::Page;
use spotwright_core::ports::reviews::CommentFilter;
use spotwright_core::use_cases::reviews::comments;
use spotwright_schemas::ids::VariantId;

use super::Comment;
use crate::auth::Caller;
use crate::cursor::List;
use crate::extract::{self, PageQuery};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::Listing;

/// The query of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CommentsQuery {
    cursor: Option<String>,
    limit: Option<u32>,
    state: Option<CommentState>,
}

/// Comments on a variant, newest first, those of reviewers with a link among them.
#[utoipa::path(get, path = "/v1/variants/{id}/comments", operation_id = "listComments", tag = "reviews",
    params(("id" = Uuid, Path, description = "The variant"),
        ("state" = Option<String>, Query, pattern = "^(open|resolved)$",
            description = "Only comments in this state: `open` or `resolved`")),
    responses((status = 200, description = "A page of comments", body = Listing<Comment>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<Listing<Comment>>, ApiProblem> {
    let variant: VariantId = extract::id(&id, "variant")?;
    let CommentsQuery { cursor, limit, state } = extract::query(&uri)?;
    let mut of = variant.0.as_bytes().to_vec();
    of.extend_from_slice(state.map_or("", CommentState::as_str).as_bytes());
    let list = List { organization: caller.context.organization.0, name: "comments", of: &of };
    let page = PageQuery { cursor, limit }.page(&app.state.pepper, list)?;
    let asked = Page { limit: page.limit + 1, ..page };
    let filter = CommentFilter { variant, state, share: None };
    let ports = app.reviews(&caller);
    let rows = comments::list(&ports, &caller.principal, &filter, asked).await?;
    Ok(Json(Listing::positioned(&app, list, rows, page.limit, Comment::from)))
}
