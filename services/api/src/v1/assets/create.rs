//! `POST /v1/assets`.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;
use spotwright_core::domain::account::{self, NewAsset};
use spotwright_core::ports::entropy::random_id;
use spotwright_core::use_cases::assets;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::AssetId;
use utoipa::IntoParams;

use super::Asset;
use crate::auth::Caller;
use crate::extract;
use crate::idempotency::{self, created, is_replayed};
use crate::problem::ApiProblem;
use crate::state::App;

/// The query of an upload.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AssetQuery {
    /// Name of the picture, for people, 1–80 characters, e.g. `cup.jpg`.
    #[param(
        min_length = 1,
        max_length = 80,
        pattern = "^[^\\s\\u0000-\\u001f\\u007f-\\u009f]([^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f])?$"
    )]
    name: String,
}

/// Takes a picture in: JPEG, PNG or WebP, at most 20 MB and 50 million pixels. What is kept is the
/// picture written anew, without anything else that the file held.
#[utoipa::path(post, path = "/v1/assets", operation_id = "createAsset", tag = "assets",
    params(AssetQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The picture"),
    responses((status = 201, description = "The asset", body = Asset)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Result<Response, ApiProblem> {
    extract::may_be_picture(request.headers())?;
    let (headers, uri) = (request.headers().clone(), request.uri().clone());
    let AssetQuery { name } = extract::query(&uri)?;
    crate::v1::api_keys::check_name(&name)?;
    // Held while the picture is in memory, which bounds the memory of all uploads together.
    let _upload = app.uploads.take(caller.context.organization).ok_or_else(|| {
        let message = "your organization is sending as many pictures as it may at once; try again";
        ApiProblem::whole(Code::Unavailable, message)
    })?;
    let bytes = extract::body(request, app.state.limits.picture_bytes).await?;
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &bytes)?;
    let (accounts, by) = (app.state.accounts.as_ref(), &caller.principal);
    if let Some(asset) = assets::recall(accounts, by, &admitted.write).await? {
        return Ok(answer_of(true, asset));
    }
    let new = import(&app, &caller, bytes, name).await?;
    let record = app.record(&caller);
    let written = assets::create(accounts, &record, by, &admitted.write, &new).await?;
    Ok(answer_of(is_replayed(&written), written.into_inner()))
}

fn answer_of(replayed: bool, asset: account::Asset) -> Response {
    created(replayed, &format!("/v1/assets/{}", asset.id), &Asset::from(asset))
}

/// Decodes the picture, writes it anew and stores it, off the threads that answer requests. Nothing is
/// stored of a picture for which there is no room.
async fn import(app: &App, caller: &Caller, bytes: Vec<u8>, name: String) -> Result<NewAsset, ApiProblem> {
    let permit =
        Arc::clone(&app.imports).acquire_owned().await.map_err(|error| ApiProblem::internal(&error))?;
    let pictures = Arc::clone(&app.state.pictures);
    let (picture, permit) =
        tokio::task::spawn_blocking(move || pictures.import(&bytes, "body").map(|picture| (picture, permit)))
            .await
            .map_err(|error| ApiProblem::internal(&error))??;
    let (width, height) = (picture.width, picture.height);
    let bytes = picture.png.len() as u64;
    let quota = app.state.limits.asset_bytes;
    assets::expect_room(app.state.accounts.as_ref(), &caller.principal, bytes, quota).await?;
    let artifacts = Arc::clone(&app.state.artifacts);
    let hash = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        artifacts.put(&picture.png)
    })
    .await
    .map_err(|error| ApiProblem::internal(&error))??;
    let id = AssetId(random_id(app.state.entropy.as_ref())?);
    Ok(NewAsset { id, hash, name, width, height, bytes, quota: Some(quota) })
}
