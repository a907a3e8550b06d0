//! `GET` and `PUT /v1/variants/{id}/external-refs`.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::use_cases::results;
use spotwright_schemas::ids::VariantId;
use spotwright_schemas::launch::ExternalRef;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::etag;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;

/// The ads of platforms that show a variant.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExternalRefs {
    /// The ads, at most 200; each of one variant only.
    #[schema(max_items = 200)]
    external_refs: Vec<ExternalRefView>,
}

/// An ad of a platform.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExternalRefView {
    /// The platform as observations name it, e.g. `meta`.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,39}$")]
    platform: String,
    /// The account or campaign there.
    #[serde(default)]
    #[schema(max_length = 200)]
    account: String,
    /// The ad's id there.
    #[schema(min_length = 1, max_length = 200)]
    id: String,
}

impl ExternalRefs {
    pub(crate) fn of(refs: Vec<ExternalRef>) -> Self {
        Self { external_refs: refs.into_iter().map(ExternalRefView::from).collect() }
    }

    /// As the domain knows them.
    pub(crate) fn into_refs(self) -> Vec<ExternalRef> {
        let external =
            |own: ExternalRefView| ExternalRef { platform: own.platform, account: own.account, id: own.id };
        self.external_refs.into_iter().map(external).collect()
    }
}

impl From<ExternalRef> for ExternalRefView {
    fn from(own: ExternalRef) -> Self {
        Self { platform: own.platform, account: own.account, id: own.id }
    }
}

/// The ads of platforms that show a variant.
#[utoipa::path(get, path = "/v1/variants/{id}/external-refs", operation_id = "listExternalRefs", tag = "results",
    params(("id" = Uuid, Path, description = "The variant")),
    responses((status = 200, description = "Its ads", body = ExternalRefs)))]
pub(crate) async fn read(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<ExternalRefs>, ApiProblem> {
    let id: VariantId = extract::id(&id, "variant")?;
    let refs = results::external_refs(&caller.principal(), app.state.observations.as_ref(), id).await?;
    Ok(Json(ExternalRefs::of(refs)))
}

/// Says which ads of platforms show a variant; the whole list is replaced. What was handed in about these ads
/// before is of the variant from then on.
#[utoipa::path(put, path = "/v1/variants/{id}/external-refs", operation_id = "setExternalRefs", tag = "results",
    params(("id" = Uuid, Path, description = "The variant")), request_body = ExternalRefs,
    responses((status = 200, description = "Its ads as set", body = ExternalRefs)))]
pub(crate) async fn set(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Json<ExternalRefs>, ApiProblem> {
    let id: VariantId = extract::id(&id, "variant")?;
    let refs = extract::json::<ExternalRefs>(&body.bytes)?.into_refs();
    let store = app.state.observations.as_ref();
    if etag::is_conditional(&headers) {
        let now = results::external_refs(&caller.principal(), store, id).await?;
        etag::expect(&headers, &ExternalRefs::of(now))?;
    }
    Ok(Json(ExternalRefs::of(results::put_external_refs(&caller.principal(), store, id, &refs).await?)))
}
