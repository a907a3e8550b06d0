//! `GET /v1/organization`.

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use utoipa::ToSchema;

use super::Organization;
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// The organization of the asking key, and what its pictures take.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnOrganization {
    #[serde(flatten)]
    organization: Organization,
    /// Its pictures.
    assets: AssetRoom,
}

/// Room for pictures.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AssetRoom {
    /// How many there are.
    count: u64,
    /// Bytes that they take.
    bytes: u64,
    /// Bytes that they may take.
    quota_bytes: u64,
}

/// The organization that the key belongs to.
#[utoipa::path(get, path = "/v1/organization", operation_id = "getOrganization", tag = "organizations",
    responses((status = 200, description = "The organization", body = OwnOrganization)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<OwnOrganization>, ApiProblem> {
    let accounts = app.state.accounts.as_ref();
    let organization = accounts.organization(caller.context).await?.into();
    let used = accounts.asset_usage(caller.context).await?;
    let quota_bytes = app.state.limits.asset_bytes;
    let assets = AssetRoom { count: used.count, bytes: used.bytes, quota_bytes };
    Ok(Json(OwnOrganization { organization, assets }))
}
