//! `GET /v1/campaigns`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use spotwright_core::domain::campaign::CampaignFilter;
use spotwright_core::ports::accounts::Page;
use spotwright_core::use_cases::campaigns;
use spotwright_schemas::error::Code;

use super::CampaignView;
use crate::auth::Caller;
use crate::cursor::List;
use crate::extract::{self, PageQuery};
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::Listing;

/// The query of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct CampaignQuery {
    cursor: Option<String>,
    limit: Option<u32>,
    run: Option<String>,
    status: Option<String>,
    objective: Option<String>,
    platform: Option<String>,
    external_id: Option<String>,
}

/// A word of the domain.
pub(crate) fn word<T: DeserializeOwned>(
    field: &'static str,
    text: Option<&String>,
) -> Result<Option<T>, ApiProblem> {
    let read = |text: &String| {
        serde_json::from_value(serde_json::Value::String(text.clone()))
            .map_err(|_| ApiProblem::new(Code::RequestValue, field, "is not one of its words"))
    };
    text.map(read).transpose()
}

impl CampaignQuery {
    fn filter(&self) -> Result<CampaignFilter, ApiProblem> {
        let external = match (&self.platform, &self.external_id) {
            (None, None) => None,
            (Some(platform), Some(id)) => Some((platform.clone(), id.clone())),
            (None, Some(_)) => return Err(needed("platform")),
            (Some(_), None) => return Err(needed("external_id")),
        };
        Ok(CampaignFilter {
            run: self.run.as_deref().map(|run| extract::id(run, "run")).transpose()?,
            status: word("status", self.status.as_ref())?,
            objective: word("objective", self.objective.as_ref())?,
            external,
        })
    }

    /// What binds a cursor to the filter.
    fn mark(&self) -> Vec<u8> {
        let parts = [&self.run, &self.status, &self.objective, &self.platform, &self.external_id];
        let written: Vec<&str> = parts.map(|part| part.as_deref().unwrap_or_default()).to_vec();
        written.join("\n").into_bytes()
    }
}

fn needed(field: &'static str) -> ApiProblem {
    ApiProblem::new(Code::RequestValue, field, "`platform` and `external_id` are given together")
}

/// The organization's campaigns, newest first.
#[utoipa::path(get, path = "/v1/campaigns", operation_id = "listCampaigns", tag = "campaigns",
    params(("run" = Option<Uuid>, Query, description = "Only those of this run"),
        ("status" = Option<String>, Query, description = "Only `waiting`, `active`, `paused` or `ended` ones"),
        ("objective" = Option<String>, Query, description = "Only those with this objective, e.g. `clicks`"),
        ("platform" = Option<String>, Query, description = "With `external_id`: only the one with this name at a platform"),
        ("external_id" = Option<String>, Query, description = "The id at the platform")),
    responses((status = 200, description = "A page of campaigns", body = Listing<CampaignView>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<Listing<CampaignView>>, ApiProblem> {
    let query: CampaignQuery = extract::query(&uri)?;
    let (filter, mark) = (query.filter()?, query.mark());
    let list = List { organization: caller.context.organization.0, name: "campaigns", of: &mark };
    let page = PageQuery { cursor: query.cursor, limit: query.limit }.page(&app.state.pepper, list)?;
    let more = Page { limit: page.limit + 1, ..page };
    let rows = campaigns::list(app.state.accounts.as_ref(), &caller.principal, &filter, more).await?;
    Ok(Json(Listing::positioned(&app, list, rows, page.limit, CampaignView::from)))
}
