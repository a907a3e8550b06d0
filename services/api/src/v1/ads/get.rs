//! `GET /v1/ads/{id}`.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use spotwright_core::use_cases::campaigns;
use spotwright_schemas::ids::PlacementId;

use super::AdView;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// One ad: its variant, its placement, what it delivered, and its way up the traffic ladder.
#[utoipa::path(get, path = "/v1/ads/{id}", operation_id = "getAd", tag = "campaigns",
    params(("id" = Uuid, Path, description = "The ad")),
    responses((status = 200, description = "The ad", body = AdView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<AdView>, ApiProblem> {
    let id: PlacementId = extract::id(&id, "ad")?;
    let campaign = campaigns::of_ad(app.state.accounts.as_ref(), &caller.principal, id).await?;
    AdView::find(&campaign, id).map(Json)
}
