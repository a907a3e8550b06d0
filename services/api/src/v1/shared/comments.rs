//! `GET /v1/shared/{token}/variants/{id}/comments`.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use spotwright_core::ports::accounts::Page;
use spotwright_core::use_cases::reviews::shared;
use spotwright_schemas::ids::VariantId;

use super::{SharedComment, opened};
use crate::cursor::List;
use crate::extract::{self, Origin, PageQuery};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::Listing;

/// Comments on a variant that are seen by this link, newest first.
#[utoipa::path(get, path = "/v1/shared/{token}/variants/{id}/comments", operation_id = "listSharedComments",
    tag = "shared",
    params(("token" = String, Path, description = "The token of the link"),
        ("id" = Uuid, Path, description = "The variant")),
    responses((status = 200, description = "A page of comments", body = Listing<SharedComment>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    origin: Origin,
    Path((token, id)): Path<(String, String)>,
    uri: Uri,
) -> Result<Json<Listing<SharedComment>>, ApiProblem> {
    let ports = app.public_reviews(origin.request_id());
    let (guest, _place) = opened(&app, &ports, &token, &origin, false).await?;
    let id: VariantId = extract::id(&id, "variant")?;
    let query: PageQuery = extract::query(&uri)?;
    let of = [guest.share.id.0.as_bytes().as_slice(), id.0.as_bytes()].concat();
    let organization = guest.principal().organization.0;
    let list = List { organization, name: "shared-comments", of: &of };
    let page = query.page(&app.state.pepper, list)?;
    let asked = Page { limit: page.limit + 1, ..page };
    let rows = shared::list_comments(&ports, &guest, id, asked).await?;
    Ok(Json(Listing::positioned(&app, list, rows, page.limit, SharedComment::from)))
}
