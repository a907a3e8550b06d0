//! `GET /v1/variants/{id}/revisions`.

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::{Extension, Json};
use spotwright_core::ports::accounts::Page;
use spotwright_core::use_cases::variants;
use spotwright_schemas::ids::VariantId;

use crate::auth::Caller;
use crate::cursor::List;
use crate::extract::{self, PageQuery};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::Listing;
use crate::v1::runs::Run;

/// The runs that make revisions of a variant, newest first. Each has one variant.
#[utoipa::path(get, path = "/v1/variants/{id}/revisions", operation_id = "listRevisions", tag = "variants",
    params(("id" = Uuid, Path, description = "The variant")),
    responses((status = 200, description = "A page of runs", body = Listing<Run>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<Listing<Run>>, ApiProblem> {
    let id: VariantId = extract::id(&id, "variant")?;
    let query: PageQuery = extract::query(&uri)?;
    let list = List { organization: caller.context.organization.0, name: "revisions", of: id.0.as_bytes() };
    let page = query.page(&app.state.pepper, list)?;
    let one_more = Page { limit: page.limit + 1, ..page };
    let rows = variants::revisions(app.state.accounts.as_ref(), &caller.principal, id, one_more).await?;
    Ok(Json(Listing::positioned(&app, list, rows, page.limit, Run::from)))
}
