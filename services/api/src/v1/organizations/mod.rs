//! Organizations: customer accounts.

pub(crate) mod budget;
pub(crate) mod cancel_runs;
pub(crate) mod create;
pub(crate) mod freeze;
pub(crate) mod get;
pub(crate) mod keys;
pub(crate) mod list;
pub(crate) mod own_budget;
pub(crate) mod read;
pub(crate) mod remove_demo;
pub(crate) mod unfreeze;

use axum::Json;
use serde::{Deserialize, Serialize};
use spotwright_core::domain::account;
use spotwright_core::use_cases::organizations;
use spotwright_schemas::ids::OrganizationId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time;
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;

/// A customer account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Organization {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name.
    pub(crate) name: String,
    /// When it was made.
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
    /// Since when its keys are refused; `null`: they are not.
    #[schema(format = DateTime)]
    pub(crate) frozen_at: Option<String>,
}

impl From<account::Organization> for Organization {
    fn from(made: account::Organization) -> Self {
        Self {
            id: made.id.0,
            name: made.name,
            created_at: time(made.created_at),
            frozen_at: made.frozen_at.map(time),
        }
    }
}

/// Freezes an organization, or takes its keys again; what is known of its keys is forgotten.
async fn set_frozen(
    app: &App,
    caller: &Caller,
    id: &str,
    frozen: bool,
) -> Result<Json<Organization>, ApiProblem> {
    let id: OrganizationId = extract::id(id, "organization")?;
    let (accounts, record) = (app.state.accounts.as_ref(), app.record(caller));
    let changed = organizations::set_frozen(accounts, &record, &caller.principal, id, frozen).await?;
    app.auth.forget_all_of(id);
    app.auth.forget_all_of(id.sandbox());
    Ok(Json(changed.into()))
}

/// The operator, in the organization that they name in a path. One that does not exist is not found.
async fn named(app: &App, caller: &Caller, id: &str) -> Result<Caller, ApiProblem> {
    let id: OrganizationId = extract::id(id, "organization")?;
    let there = organizations::named(app.state.accounts.as_ref(), &caller.principal, id).await?;
    Ok(caller.within(there))
}
