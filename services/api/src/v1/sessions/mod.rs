//! The session of a person who works in a browser.

pub(crate) mod close;
pub(crate) mod open;
pub(crate) mod read;

use serde::Serialize;
use spotwright_core::domain::account::Scope;
use utoipa::ToSchema;
use uuid::Uuid;

use super::organizations::Organization;
use super::time;
use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::session::{Session, SessionToken};
use crate::state::App;

/// A session that goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionView {
    /// Whose data it shows.
    organization: Organization,
    /// Whether the organization was made to look around in; its data are examples.
    demo: bool,
    /// The key it was opened with.
    key: Uuid,
    /// What the key is for.
    key_name: String,
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
    let key = accounts.key(caller.context, caller.context.key).await?;
    Ok(SessionView {
        demo: app.state.demo == Some(organization.id),
        organization: organization.into(),
        key: key.id.0,
        key_name: key.name,
        scopes: key.scopes.iter().copied().map(Scope::as_str).map(str::to_owned).collect(),
        csrf_token: token.csrf(),
        expires_at: time(session.until_micros),
    })
}
