//! `POST /v1/briefs`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::Deserialize;
use serde_json::value::RawValue;
use spotwright_core::domain::account::NewBrief;
use spotwright_core::domain::brand::BrandVersion;
use spotwright_core::domain::sandbox::Magic;
use spotwright_core::ports::entropy::random_id;
use spotwright_core::use_cases::{brands, briefs, sandbox};
use spotwright_schemas::brief::{Brief, is_same_name};
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{AssetId, BrandId, BriefId};
use utoipa::ToSchema;
use uuid::Uuid;

use super::BriefSummary;
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::forced;
use crate::idempotency::{self, created, is_replayed};
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
    /// The brand that the brief gets what it lacks from: fields of `brand`, and facts, `must_say` and
    /// `must_not_say` where it has none.
    brand: Option<Uuid>,
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
    let order: BriefOrder<'_> = extract::json(&body.bytes)?;
    let by = &caller.principal;
    let (text, brand) = completed(&app, &caller, order.brand, order.brief).await?;
    let brief = briefs::check(app.state.letters.as_ref(), by, &text)
        .map_err(|problem| ApiProblem::from(problem).within("brief"))?;
    let magic = sandbox::magic(by, &brief.id).map_err(|problem| ApiProblem::from(problem).within("brief"))?;
    if let Some(refusal) = magic.and_then(Magic::refusal) {
        return Err(forced::problem(refusal.code));
    }
    let assets = assets_of(&brief, &order.assets)?;
    let new = NewBrief { id: BriefId(random_id(app.state.entropy.as_ref())?), brief, assets, brand };
    let record = app.record(&caller);
    let written = briefs::create(app.state.accounts.as_ref(), &record, by, &admitted.write, &new).await?;
    let replayed = is_replayed(&written);
    if let (false, Some(magic)) = (replayed, magic) {
        sandbox::tell(app.state.log.as_ref(), &record, by, new.id, magic).await?;
    }
    let summary = BriefSummary::from(written.into_inner());
    Ok(created(replayed, &format!("/v1/briefs/{}", summary.id), &summary))
}

/// A brief's text with what it lacks of the brand that it names, and the version of that.
pub(super) async fn completed<'a>(
    app: &App,
    caller: &Caller,
    brand: Option<Uuid>,
    brief: &'a RawValue,
) -> Result<(Cow<'a, [u8]>, Option<BrandVersion>), ApiProblem> {
    let text = brief.get().as_bytes();
    let Some(brand) = brand else { return Ok((Cow::Borrowed(text), None)) };
    let ports = app.brands(caller);
    let (whole, version) = brands::completed(&ports, &caller.principal, BrandId(brand), text).await?;
    Ok((Cow::Owned(whole), Some(version)))
}

/// The asset behind each picture of a brief.
fn assets_of(brief: &Brief, given: &BTreeMap<String, Uuid>) -> Result<BTreeMap<String, AssetId>, ApiProblem> {
    let (mut assets, mut used) = (BTreeMap::new(), BTreeSet::new());
    for (idx, picture) in brief.product.pictures.iter().enumerate() {
        let spelled = || given.iter().find(|(file, _)| is_same_name(file, &picture.file));
        let found = given.get_key_value(&picture.file).or_else(spelled);
        let (file, id) = found.ok_or_else(|| {
            let message = format!("`{}` has no asset in `assets`", picture.file);
            let field = format!("brief.product.pictures[{idx}].file");
            ApiProblem::new(Code::PictureUnreadable, field, message)
        })?;
        used.insert(file);
        assets.insert(picture.file.clone(), AssetId(*id));
    }
    if let Some(file) = given.keys().find(|file| !used.contains(file)) {
        let message = "is no picture of the brief; remove it or correct its name";
        return Err(ApiProblem::new(Code::RequestValue, format!("assets.{file}"), message));
    }
    Ok(assets)
}
