//! `GET /v1/observations`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::domain::observation::PlatformName;
use spotwright_core::ports::observations::ObservationFilter;
use spotwright_core::use_cases::results;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{ImportId, VariantId};
use uuid::Uuid;

use super::{Observation, SourceName};
use crate::auth::Caller;
use crate::cursor::List;
use crate::extract::{self, PageQuery};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::Listing;

/// The query of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ObservationsQuery {
    cursor: Option<String>,
    limit: Option<u32>,
    source: SourceName,
    platform: Option<String>,
    variant: Option<Uuid>,
    import: Option<Uuid>,
}

/// What ads did, by one kind of source, newest first. Simulated and imported numbers are never in one answer.
#[utoipa::path(get, path = "/v1/observations", operation_id = "listObservations", tag = "results",
    params(("source" = inline(SourceName), Query, description = "Who measured"),
        ("platform" = Option<String>, Query, description = "Only of this platform, e.g. `meta`"),
        ("variant" = Option<Uuid>, Query, description = "Only of this variant"),
        ("import" = Option<Uuid>, Query, description = "Only of this import")),
    responses((status = 200, description = "A page of observations", body = Listing<Observation>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<Observation>>, ApiProblem> {
    let query: ObservationsQuery = extract::query(&uri)?;
    let platform = match &query.platform {
        None => None,
        Some(name) => Some(PlatformName::parse(name).ok_or_else(|| {
            ApiProblem::new(Code::RequestValue, "platform", "is a name such as `meta` or `google_ads`")
        })?),
    };
    let filter = ObservationFilter {
        source: query.source.into(),
        platform,
        variant: query.variant.map(VariantId),
        import: query.import.map(ImportId),
    };
    // A cursor goes on in the list that it was made for.
    let of = format!("{filter:?}");
    let list = List { organization: caller.context.organization.0, name: "observations", of: of.as_bytes() };
    let asked = PageQuery { cursor: query.cursor, limit: query.limit };
    let mut page = asked.page(&app.state.pepper, list)?;
    let limit = page.limit;
    page.limit += 1;
    let store = app.state.observations.as_ref();
    let rows = results::observations(&caller.principal(), store, &filter, page).await?;
    Ok(Json(Listing::positioned(&app, list, rows, limit, Observation::from)))
}
