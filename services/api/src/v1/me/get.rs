//! `GET /v1/me`.

use axum::extract::State;
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::use_cases::{Role, Who, people};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Membership, OrganizationName, Person, RoleName};
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;

/// Who asks, and what they may do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// The person who is signed in; `null` for a key.
    person: Option<Person>,
    /// The key that is presented, or that the session was opened with; `null` for a person.
    key: Option<KeyName>,
    /// The organization that is worked in.
    organization: OrganizationName,
    /// What the person is there for.
    #[schema(value_type = Option<RoleName>)]
    role: Option<Role>,
    /// What is allowed, e.g. `runs:read`.
    scopes: Vec<String>,
    /// All organizations of the person, the one joined first at first.
    organizations: Vec<Membership>,
}

/// A key by its name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyName {
    /// Its id.
    id: Uuid,
    /// What it is for.
    name: String,
}

/// Who asks: the key or the person, the organization, and what is allowed there.
#[utoipa::path(get, path = "/v1/me", operation_id = "getMe", tag = "me",
    responses((status = 200, description = "Who asks", body = Me)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
) -> Result<Json<Me>, ApiProblem> {
    let accounts = app.state.accounts.as_ref();
    let organization = accounts.organization(caller.context).await?;
    let key = match caller.principal.who {
        Who::Key(key) => Some(accounts.key(caller.context, key).await?),
        Who::Person(_) | Who::Service(_) => None,
    };
    let profile = people::profile(app.state.people.as_ref(), &caller.principal).await?;
    let (person, role, memberships) =
        profile.map_or((None, None, Vec::new()), |own| (Some(own.person), own.role, own.memberships));
    Ok(Json(Me {
        person: person.map(Person::from),
        key: key.map(|key| KeyName { id: key.id.0, name: key.name }),
        organization: OrganizationName { id: organization.id.0, name: organization.name },
        role,
        scopes: caller.principal.scopes.iter().map(ToString::to_string).collect(),
        organizations: memberships.into_iter().map(Membership::from).collect(),
    }))
}
