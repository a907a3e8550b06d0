//! `GET /v1/requests`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use serde::Serialize;
use spotwright_core::domain::account::Scope;
use spotwright_core::domain::people::Holder;
use spotwright_core::ports::accounts::Positioned;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::requests::Seen;
use crate::state::App;
use crate::v1::{Listing, page_of, time};

/// A request that was answered.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestSeen {
    /// Its id, as in the header `x-request-id`.
    id: String,
    /// When it was answered.
    #[schema(format = DateTime)]
    at: String,
    /// The method.
    method: String,
    /// The path as routed, e.g. `/v1/runs/{id}`.
    route: String,
    /// The status of the answer.
    status: u16,
    /// The code of the problem, where it was one.
    code: Option<String>,
    /// Milliseconds until the answer began.
    ms: u64,
    /// The key that it came with; `null` for a person who was signed in.
    key: Option<Uuid>,
    /// The person who was signed in; `null` for a key.
    person: Option<Uuid>,
}

impl From<Seen> for RequestSeen {
    fn from(seen: Seen) -> Self {
        Self {
            id: seen.id,
            at: time(seen.at),
            method: seen.method.to_string(),
            route: seen.route.to_owned(),
            status: seen.status,
            code: seen.code.map(|code| code.as_str().to_owned()),
            ms: seen.millis,
            key: match seen.holder {
                Holder::Key(key) => Some(key.0),
                Holder::Person(_) => None,
            },
            person: match seen.holder {
                Holder::Person(person) => Some(person.0),
                Holder::Key(_) => None,
            },
        }
    }
}

/// The last requests of the organization, newest first: at most 200, since this process was started. Where
/// several processes serve the API, each knows its own.
#[utoipa::path(get, path = "/v1/requests", operation_id = "listRequests", tag = "organizations",
    responses((status = 200, description = "A page of requests", body = Listing<RequestSeen>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<RequestSeen>>, ApiProblem> {
    let principal = caller.principal();
    principal.expect(Scope::AuditRead)?;
    let query = extract::query(&uri)?;
    let (list, page, limit) = page_of(&app, &caller, "requests", &query)?;
    let seen = app.seen.list(principal.organization, page.before, page.limit);
    let rows = seen.into_iter().map(|row| Positioned { position: row.number, row }).collect();
    Ok(Json(Listing::positioned(&app, list, rows, limit, RequestSeen::from)))
}
