//! `POST /v1/organizations`.

use axum::Extension;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use spotwright_core::domain::account::{NewOrganization, Scope};
use spotwright_core::ports::entropy::random_id;
use spotwright_core::use_cases::{self, organizations};
use spotwright_schemas::ids::OrganizationId;
use spotwright_schemas::mode::Mode;
use utoipa::ToSchema;

use super::Organization;
use crate::auth::Caller;
use crate::extract::{self, JsonBody};
use crate::idempotency::{self, created, is_replayed};
use crate::key;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::api_keys::ApiKey;
use crate::v1::invitations::create::email_of;
use crate::v1::invitations::{Invitation, InvitationMade};

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
    /// Its first owner, who is invited.
    #[serde(default)]
    owner: Option<OwnerOrder>,
}

/// Who is to be the first owner of an organization.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OwnerOrder {
    /// Their e-mail address. Nothing is sent to it: pass the link on yourself.
    #[schema(max_length = 254)]
    email: String,
    /// What they are called, 1–80 characters; they may choose another name.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
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
    /// The invitation of the first owner, where one was named.
    owner: Option<InvitationMade>,
}

/// Makes an organization with its first key, and invites its first owner where one is named.
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
    let owner =
        order.owner.map(|owner| Ok::<_, ApiProblem>((email_of("owner.email", &owner.email)?, owner.name)));
    let owner = owner.transpose()?;
    if let Some((_, Some(name))) = &owner {
        use_cases::check_name("owner.name", name)?;
    }
    let entropy = app.state.entropy.as_ref();
    let organization = NewOrganization { id: OrganizationId(random_id(entropy)?), name: order.name };
    let (new, text) = key::issue(&app.state.pepper, entropy, "first key", &Scope::CUSTOMER, None)?;
    let (by, ports) = (&caller.principal, app.people(&caller));
    let accounts = app.state.accounts.as_ref();
    let written =
        organizations::found(accounts, &ports.record, by, &admitted.write, &organization, &new).await?;
    let replayed = is_replayed(&written);
    let founded = written.into_inner();
    let owner = match owner {
        None => None,
        Some((email, name)) => {
            let made = founded.organization.id;
            let (invited, token) =
                organizations::invite_owner(&ports, by, &admitted.write, made, email, name).await?;
            let shown = (!is_replayed(&invited)).then_some(&token);
            Some(InvitationMade::new(Invitation::at(invited.into_inner(), ports.now()), shown))
        }
    };
    let secret = (!replayed).then(|| text.expose().to_owned());
    let body = OrganizationFounded {
        organization: founded.organization.into(),
        key: ApiKey::of(Mode::Live, founded.key),
        secret,
        owner,
    };
    Ok(created(replayed, &format!("/v1/organizations/{}", body.organization.id), &body))
}
