//! `POST /v1/organizations`.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use spotwright_core::domain::account::{NewOrganization, Scope};
use spotwright_schemas::ids::OrganizationId;
use utoipa::ToSchema;

use super::Organization;
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::key;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::api_keys::{ApiKey, check_name};

/// An organization to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganizationOrder {
    /// Its name, 1–80 characters.
    #[schema(
        min_length = 1,
        max_length = 80,
        pattern = "^[^\\s\\u0000-\\u001f\\u007f-\\u009f]([^\\u0000-\\u001f\\u007f-\\u009f]*[^\\s\\u0000-\\u001f\\u007f-\\u009f])?$"
    )]
    name: String,
}

/// An organization and its first key. Not printable, because it holds a secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct OrganizationFounded {
    /// The organization.
    organization: Organization,
    /// Its first key, which may do everything within the organization.
    key: ApiKey,
    /// The text of the key. Shown this once: a repeated request answers `null`. When the first answer
    /// was lost on its way, `POST /v1/organizations/{id}/api-keys` makes another key.
    secret: Option<String>,
}

/// Makes an organization with its first key.
#[utoipa::path(post, path = "/v1/organizations", operation_id = "createOrganization", tag = "organizations",
    request_body = OrganizationOrder,
    responses((status = 201, description = "The organization and its first key", body = OrganizationFounded)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    uri: Uri,
    body: JsonBody,
) -> Result<Response, ApiProblem> {
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &body.bytes)?;
    let order: OrganizationOrder = extract::json(&body.bytes)?;
    check_name(&order.name)?;
    let entropy = app.state.entropy.as_ref();
    let organization = NewOrganization { id: OrganizationId(key::random_id(entropy)?), name: order.name };
    let (new, text) = key::issue(&app.state.pepper, entropy, "first key", &Scope::CUSTOMER, None)?;
    let written =
        app.state.accounts.create_organization(caller.context, &admitted.write, &organization, &new).await?;
    let replayed = is_replayed(&written);
    let founded = written.into_inner();
    let secret = (!replayed).then(|| text.expose().to_owned());
    let body =
        OrganizationFounded { organization: founded.organization.into(), key: founded.key.into(), secret };
    Ok(created(replayed, &format!("/v1/organizations/{}", body.organization.id), &body))
}
