//! The session of a person who works in a browser.

pub(crate) mod close;
pub(crate) mod open;
pub(crate) mod read;

use axum::Json;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use spotwright_core::domain::account::Scope;
use spotwright_core::domain::people::{Holder, Session};
use spotwright_core::use_cases::{Role, Who, people, sessions};
use spotwright_schemas::ids::OrganizationId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::me::{Membership, Person, RoleName};
use super::organizations::Organization;
use super::time;
use crate::auth::Caller;
use crate::extract::Origin;
use crate::problem::ApiProblem;
use crate::session::{self, SessionToken};
use crate::state::App;

/// A session that goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// Whose data it shows.
    organization: Organization,
    /// Whether the organization was made to look around in; its data are examples.
    demo: bool,
    /// The key it was opened with; `null` when a person signed in.
    key: Option<Uuid>,
    /// What the key is for.
    key_name: Option<String>,
    /// The person who signed in; `null` when it was opened with a key.
    person: Option<Person>,
    /// What the person is there for.
    #[schema(value_type = Option<RoleName>)]
    role: Option<Role>,
    /// All organizations of the person, the one joined first at first.
    organizations: Vec<Membership>,
    /// What it allows, e.g. `runs:read`.
    scopes: Vec<String>,
    /// What every write has to carry as `x-csrf-token`.
    csrf_token: String,
    /// When it ends.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// Whether somebody is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedIn {
    /// The session of the request's cookie; `null` where there is none.
    session: Option<SessionView>,
}

/// What a session is told about itself.
async fn view(
    app: &App,
    caller: &Caller,
    token: &SessionToken,
    session: Session,
) -> Result<SessionView, ApiProblem> {
    let accounts = app.state.accounts.as_ref();
    let organization = accounts.organization(caller.context).await?;
    let key = match caller.principal.who {
        Who::Key(key) => Some(accounts.key(caller.context, key).await?),
        Who::Person(_) | Who::Service(_) => None,
    };
    let profile = people::profile(app.state.people.as_ref(), &caller.principal).await?;
    let (person, role, memberships) =
        profile.map_or((None, None, Vec::new()), |own| (Some(own.person), own.role, own.memberships));
    Ok(SessionView {
        demo: app.state.demo == Some(organization.id),
        organization: organization.into(),
        key: key.as_ref().map(|key| key.id.0),
        key_name: key.map(|key| key.name),
        person: person.map(Person::from),
        role,
        organizations: memberships.into_iter().map(Membership::from).collect(),
        scopes: caller.principal.scopes.iter().copied().map(Scope::as_str).map(str::to_owned).collect(),
        csrf_token: token.csrf(),
        expires_at: time(session.until),
    })
}

/// Opens a session, in the place of the one whose cookie the request has, and answers with its cookie.
pub(crate) async fn begin(
    app: &App,
    origin: &Origin,
    headers: &HeaderMap,
    organization: OrganizationId,
    holder: Holder,
) -> Result<Response, ApiProblem> {
    end_presented(app, origin, headers).await?;
    let token = SessionToken::generate(app.state.entropy.as_ref())?;
    sessions::open(&app.public_people(origin.request_id()), organization, holder, token.expose()).await?;
    let opened = app.auth.signed_in(&token).await?;
    let (caller, session) =
        opened.ok_or_else(|| ApiProblem::internal(&"a session ended as it was opened"))?;
    let session = Some(view(app, &caller, &token, session).await?);
    let cookie = session::cookie(Some(&token), headers);
    Ok(([(header::SET_COOKIE, cookie)], Json(SignedIn { session })).into_response())
}

/// Ends the session whose cookie a request has, if it goes on.
async fn end_presented(app: &App, origin: &Origin, headers: &HeaderMap) -> Result<(), ApiProblem> {
    let Some(token) = session::presented(headers) else { return Ok(()) };
    let ports = app.public_people(origin.request_id());
    sessions::end_presented(&ports, token.expose()).await?;
    app.auth.forget_session(&token);
    Ok(())
}
