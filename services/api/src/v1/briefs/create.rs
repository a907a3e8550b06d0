//! `POST /v1/briefs`.

use std::collections::{BTreeMap, BTreeSet};

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Deserialize;
use serde_json::value::RawValue;
use spotwright_core::domain::account::NewBrief;
use spotwright_core::domain::copy_rules::terms;
use spotwright_core::ports::letters::check_brief;
use spotwright_schemas::brief::{Brief, is_same_name};
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{AssetId, BriefId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::BriefSummary;
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::key;
use crate::openapi::foreign;
use crate::problem::ApiProblem;
use crate::state::App;

/// A brief to be handed in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BriefOrder<'a> {
    /// The brief, `spotwright.brief.v1`.
    #[serde(borrow)]
    #[schema(value_type = foreign::Brief)]
    brief: &'a RawValue,
    /// The asset behind each picture file that the brief names.
    #[schema(value_type = BTreeMap<String, Uuid>)]
    assets: BTreeMap<String, Uuid>,
}

/// Hands a brief in. It is checked whole, as on the command line; nothing is produced yet.
#[utoipa::path(post, path = "/v1/briefs", operation_id = "createBrief", tag = "briefs",
    request_body = BriefOrder,
    responses((status = 201, description = "The brief", body = BriefSummary)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let (brief, assets) = read(&body.bytes)?;
    check_brief(app.state.letters.as_ref(), &brief)
        .map_err(|problem| ApiProblem::from(problem).within("brief"))?;
    let ids: Vec<AssetId> = assets.values().copied().collect();
    let found = app.state.accounts.assets_by_id(caller.context, &ids).await?;
    if let Some((file, _)) = assets.keys().zip(found).find(|(_, asset)| asset.is_none()) {
        let message = "there is no such asset; upload the picture first";
        return Err(ApiProblem::new(Code::PictureUnreadable, format!("assets.{file}"), message));
    }
    let new = NewBrief { id: BriefId(key::random_id(app.state.entropy.as_ref())?), brief, assets };
    let written = app.state.accounts.create_brief(caller.context, &admitted.write, &new).await?;
    let replayed = is_replayed(&written);
    let summary = BriefSummary::from(written.into_inner());
    Ok(created(replayed, &format!("/v1/briefs/{}", summary.id), &summary))
}

/// Reads a valid brief and an asset for each of its pictures.
fn read(bytes: &[u8]) -> Result<(Brief, BTreeMap<String, AssetId>), ApiProblem> {
    let order: BriefOrder<'_> = extract::json(bytes)?;
    let brief = Brief::from_json(order.brief.get().as_bytes())
        .and_then(|brief| terms::expect_sayable(&brief).map(|()| brief))
        .map_err(|problem| ApiProblem::from(problem).within("brief"))?;
    let (mut assets, mut used) = (BTreeMap::new(), BTreeSet::new());
    for (idx, picture) in brief.product.pictures.iter().enumerate() {
        let spelled = || order.assets.iter().find(|(file, _)| is_same_name(file, &picture.file));
        let given = order.assets.get_key_value(&picture.file).or_else(spelled);
        let (file, id) = given.ok_or_else(|| {
            let message = format!("`{}` has no asset in `assets`", picture.file);
            let field = format!("brief.product.pictures[{idx}].file");
            ApiProblem::new(Code::PictureUnreadable, field, message)
        })?;
        used.insert(file);
        assets.insert(picture.file.clone(), AssetId(*id));
    }
    if let Some(file) = order.assets.keys().find(|file| !used.contains(file)) {
        let message = "is no picture of the brief; remove it or correct its name";
        return Err(ApiProblem::new(Code::RequestValue, format!("assets.{file}"), message));
    }
    Ok((brief, assets))
}
