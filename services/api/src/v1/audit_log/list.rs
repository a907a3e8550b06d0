//! `GET /v1/audit-log`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use spotwright_core::domain::audit::{self, AuditFilter};
use spotwright_core::use_cases::audit_log;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Caller;
use crate::extract::{self, PageQuery};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::{Listing, page_of, time};

/// A change that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// Its id.
    id: Uuid,
    /// When it was made.
    #[schema(format = DateTime)]
    at: String,
    /// Who made it.
    who: AuditActor,
    /// What was done, e.g. `member.role_changed`. More words may come.
    action: String,
    /// To what.
    target: AuditTarget,
    /// How it was before, where that is small.
    #[schema(value_type = Option<Object>)]
    before: Option<Value>,
    /// How it is since, where that is small.
    #[schema(value_type = Option<Object>)]
    after: Option<Value>,
    /// The `x-request-id` of the request that asked for it.
    request_id: Option<String>,
}

/// Who made a change.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditActor {
    /// `person`, `key`, `operator` or `service`.
    kind: String,
    /// The person's or key's id.
    id: Option<Uuid>,
    /// What it was called then.
    name: Option<String>,
}

/// What a change was made to.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditTarget {
    /// The kind, e.g. `run`.
    kind: String,
    /// Its id.
    id: String,
}

impl From<audit::AuditEntry> for AuditEntry {
    fn from(entry: audit::AuditEntry) -> Self {
        let audit::RecordedActor { kind, id, name } = entry.actor;
        Self {
            id: entry.id.0,
            at: time(entry.at),
            who: AuditActor { kind, id, name },
            action: entry.action,
            target: AuditTarget { kind: entry.target_kind, id: entry.target_id },
            before: entry.before,
            after: entry.after,
            request_id: entry.request_id,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuditQuery {
    cursor: Option<String>,
    limit: Option<u32>,
    action: Option<String>,
    target: Option<String>,
}

/// What was changed in the organization, newest first: everything that was made, changed or ended through the
/// API, by people, keys and operators. It holds no secrets.
#[utoipa::path(get, path = "/v1/audit-log", operation_id = "listAuditLog", tag = "audit-log",
    params(
        ("action" = Option<String>, Query, description = "Only this action, e.g. `key.made`"),
        ("target" = Option<String>, Query, description = "Only what was done to the thing with this id")
    ),
    responses((status = 200, description = "A page of changes", body = Listing<AuditEntry>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<AuditEntry>>, ApiProblem> {
    let AuditQuery { cursor, limit, action, target } = extract::query(&uri)?;
    let (list, page, limit) = page_of(&app, &caller, "audit-log", &PageQuery { cursor, limit })?;
    let filter = AuditFilter { action, target };
    let rows = audit_log::list(app.state.audit.as_ref(), &caller.principal, &filter, page).await?;
    Ok(Json(Listing::positioned(&app, list, rows, limit, AuditEntry::from)))
}
