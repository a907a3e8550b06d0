//! `GET /v1/approvals`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::domain::review::ApprovalState;
use spotwright_core::ports::accounts::Page;
use spotwright_core::ports::reviews::ApprovalFilter;
use spotwright_core::use_cases::reviews::approvals;
use spotwright_schemas::ids::{RunId, VariantId};

use super::Approval;
use crate::auth::Caller;
use crate::cursor::List;
use crate::extract::{self, PageQuery};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::Listing;

/// The query of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ApprovalsQuery {
    cursor: Option<String>,
    limit: Option<u32>,
    state: Option<ApprovalState>,
    variant: Option<VariantId>,
    run: Option<RunId>,
}

/// Approvals of the organization's variants, newest first; with `state=waiting` what waits for a decision.
/// Rows are chosen by what was said last; one whose variant was changed since is told as `void`.
#[utoipa::path(get, path = "/v1/approvals", operation_id = "listApprovals", tag = "reviews",
    params(("state" = Option<String>, Query, pattern = "^(waiting|approved|changes_requested|superseded)$",
            description = "Only those where this was said last: `waiting`, `approved`, `changes_requested` or `superseded`"),
        ("variant" = Option<Uuid>, Query, description = "Only those of this variant"),
        ("run" = Option<Uuid>, Query, description = "Only those of this run's variants")),
    responses((status = 200, description = "A page of approvals", body = Listing<Approval>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<Approval>>, ApiProblem> {
    let ApprovalsQuery { cursor, limit, state, variant, run } = extract::query(&uri)?;
    let of = format!("{state:?} {variant:?} {run:?}");
    let list = List { organization: caller.context.organization.0, name: "approvals", of: of.as_bytes() };
    let page = PageQuery { cursor, limit }.page(&app.state.pepper, list)?;
    let asked = Page { limit: page.limit + 1, ..page };
    let filter = ApprovalFilter { state, variant, run };
    let ports = app.reviews(&caller);
    let rows = approvals::list(&ports, &caller.principal, &filter, asked).await?;
    Ok(Json(Listing::positioned(&app, list, rows, page.limit, Approval::from)))
}
