//! `GET /v1/shared/{token}`.

use axum::Json;
use axum::extract::{Path, State};
use spotwright_core::use_cases::reviews::shared;

use super::{Shared, SharedVariant, opened};
use crate::extract::Origin;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::time;

/// What a link shows. Links that never were, have ended or were revoked are not found.
#[utoipa::path(get, path = "/v1/shared/{token}", operation_id = "openShare", tag = "shared",
    params(("token" = String, Path, description = "The token of the link")),
    responses((status = 200, description = "What the link shows", body = Shared)))]
pub(crate) async fn handle(
    State(app): State<App>,
    origin: Origin,
    Path(token): Path<String>,
) -> Result<Json<Shared>, ApiProblem> {
    let ports = app.public_reviews(origin.request_id());
    let (guest, _place) = opened(&app, &ports, &token, &origin, false).await?;
    let shown = shared::variants(&ports, &guest).await?;
    Ok(Json(Shared {
        name: guest.share.name,
        organization: guest.organization_name,
        scope: guest.share.scope,
        expires_at: time(guest.share.expires_at),
        variants: shown.into_iter().map(|shown| SharedVariant::of(&token, shown)).collect(),
    }))
}
