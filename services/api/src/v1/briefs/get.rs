//! `GET /v1/briefs/{id}`.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::use_cases::briefs;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::ids::BriefId;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Caller;
use crate::extract;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::time;

/// A brief as it was handed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BriefDocument {
    /// Its id.
    id: Uuid,
    /// When it was handed in.
    #[schema(format = DateTime)]
    created_at: String,
    /// The brief.
    #[schema(value_type = foreign::Brief)]
    brief: Brief,
    /// The asset behind each picture file that the brief names.
    assets: BTreeMap<String, Uuid>,
    /// The brand that it was completed with, in the version of that time.
    brand: Option<BriefBrand>,
}

/// The brand that a brief was completed with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BriefBrand {
    /// The brand.
    id: Uuid,
    /// Its version then.
    version: u32,
}

/// One brief.
#[utoipa::path(get, path = "/v1/briefs/{id}", operation_id = "getBrief", tag = "briefs",
    params(("id" = Uuid, Path, description = "The brief")),
    responses((status = 200, description = "The brief", body = BriefDocument)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<BriefDocument>, ApiProblem> {
    let id: BriefId = extract::id(&id, "brief")?;
    let record = briefs::get(app.state.accounts.as_ref(), &caller.principal, id).await?;
    Ok(Json(BriefDocument {
        id: record.id.0,
        created_at: time(record.created_at),
        brief: record.brief,
        brand: record.brand.map(|brand| BriefBrand { id: brand.id.0, version: brand.version }),
        assets: record.assets.into_iter().map(|(file, asset)| (file, asset.0)).collect(),
    }))
}
