//! `GET`, `PUT`, `POST` and `DELETE /v1/organizations/{id}/budget`.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::domain::account::{self, Limit};
use spotwright_core::use_cases::organizations;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::OrganizationId;
use spotwright_schemas::money::{Currency, Micros};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::etag;
use crate::extract::{self, JsonBody};
use crate::problem::ApiProblem;
use crate::state::App;

/// A limit to be set.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OrganizationLimit {
    /// Most that may be committed, in millionths of the currency, from 0. Below what is committed already,
    /// no further run is admitted until enough is given back. `null` takes the limit away.
    // A field that may be `null` and must be there: what is forgotten must not take a limit away.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(minimum = 0, required = true)]
    cap_micros: Option<i64>,
    /// ISO 4217 code; runs in another currency are refused. Left out: the currency of the limit so far,
    /// else of the organization's first run, else of the first to come.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    currency: Option<Currency>,
}

/// What an organization may spend over all its runs, and what its runs have committed of it.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct OrganizationBudget {
    /// Most that may be committed, in millionths of the currency; `null` for no limit. A run counts with
    /// its whole budget until it ends, and then with what it spent.
    cap_micros: Option<i64>,
    /// ISO 4217 code of the currency of the amounts and of further runs; `null` until the first run decides.
    #[schema(value_type = Option<String>)]
    currency: Option<Currency>,
    /// Committed by all runs in the currency; `null` where nothing is limited.
    committed_micros: Option<i64>,
    /// What may still be committed; `null` where nothing is limited.
    free_micros: Option<i64>,
}

impl From<account::OrganizationBudget> for OrganizationBudget {
    fn from(budget: account::OrganizationBudget) -> Self {
        Self {
            cap_micros: Some(budget.cap.0),
            currency: budget.currency,
            committed_micros: Some(budget.committed.0),
            free_micros: Some(budget.free().0),
        }
    }
}

/// What an organization may spend, and what is committed of it.
#[utoipa::path(get, path = "/v1/organizations/{id}/budget", operation_id = "getOrganizationBudget", tag = "organizations",
    params(("id" = Uuid, Path, description = "The organization")),
    responses((status = 200, description = "The limit in force", body = OrganizationBudget)))]
pub(crate) async fn read(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
) -> Result<Json<OrganizationBudget>, ApiProblem> {
    let id: OrganizationId = extract::id(&id, "organization")?;
    let budget = organizations::budget(app.state.accounts.as_ref(), &caller.principal, id).await?;
    Ok(Json(budget.map(OrganizationBudget::from).unwrap_or_default()))
}

/// Limits what an organization may spend. Runs whose budget does not fit any more are refused.
#[utoipa::path(put, path = "/v1/organizations/{id}/budget", operation_id = "setOrganizationBudget", tag = "organizations",
    params(("id" = Uuid, Path, description = "The organization")), request_body = OrganizationLimit,
    responses((status = 200, description = "The limit as set", body = OrganizationBudget)))]
pub(crate) async fn set(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Json<OrganizationBudget>, ApiProblem> {
    expect_seen(&app, &caller, &id, &headers).await?;
    limit(&app, &caller, &id, &body).await
}

/// The same as `PUT`.
#[utoipa::path(post, path = "/v1/organizations/{id}/budget", operation_id = "limitOrganization", tag = "organizations",
    params(("id" = Uuid, Path, description = "The organization")), request_body = OrganizationLimit,
    responses((status = 200, description = "The limit as set", body = OrganizationBudget)))]
pub(crate) async fn post(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    body: JsonBody,
) -> Result<Json<OrganizationBudget>, ApiProblem> {
    limit(&app, &caller, &id, &body).await
}

/// Takes the limit of an organization away.
#[utoipa::path(delete, path = "/v1/organizations/{id}/budget", operation_id = "removeOrganizationBudget", tag = "organizations",
    params(("id" = Uuid, Path, description = "The organization")),
    responses((status = 200, description = "No limit", body = OrganizationBudget)))]
pub(crate) async fn remove(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Json<OrganizationBudget>, ApiProblem> {
    expect_seen(&app, &caller, &id, &headers).await?;
    let id: OrganizationId = extract::id(&id, "organization")?;
    let (accounts, record) = (app.state.accounts.as_ref(), app.record(&caller));
    organizations::unlimit(accounts, &record, &caller.principal, id).await?;
    Ok(Json(OrganizationBudget::default()))
}

/// Refuses a change of a limit that is not what the client has seen.
async fn expect_seen(app: &App, caller: &Caller, id: &str, headers: &HeaderMap) -> Result<(), ApiProblem> {
    if !etag::is_conditional(headers) {
        return Ok(());
    }
    let id: OrganizationId = extract::id(id, "organization")?;
    let now = organizations::budget(app.state.accounts.as_ref(), &caller.principal, id).await?;
    etag::expect(headers, &now.map(OrganizationBudget::from).unwrap_or_default())
}

async fn limit(
    app: &App,
    caller: &Caller,
    id: &str,
    body: &JsonBody,
) -> Result<Json<OrganizationBudget>, ApiProblem> {
    let (accounts, record) = (app.state.accounts.as_ref(), app.record(caller));
    let id: OrganizationId = extract::id(id, "organization")?;
    let asked: OrganizationLimit = extract::json(&body.bytes)?;
    let Some(cap) = asked.cap_micros else {
        organizations::unlimit(accounts, &record, &caller.principal, id).await?;
        return Ok(Json(OrganizationBudget::default()));
    };
    if cap < 0 {
        return Err(ApiProblem::new(Code::RequestValue, "cap_micros", "must be 0 or more"));
    }
    let limit = Limit { cap: Micros(cap), currency: asked.currency };
    Ok(Json(organizations::limit(accounts, &record, &caller.principal, id, limit).await?.into()))
}
