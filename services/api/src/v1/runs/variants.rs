//! `GET /v1/runs/{id}/variants`.

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::{Extension, Json};
use serde::Deserialize;
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::use_cases::variants;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::RunId;

use crate::auth::Caller;
use crate::cursor::List;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::Listing;
use crate::v1::variants::VariantSummary;

/// The query of the list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VariantsQuery {
    cursor: Option<String>,
    limit: Option<u32>,
    state: Option<VariantState>,
}

/// The variants of a run by generation and number; `state=won` lists the winners.
#[utoipa::path(get, path = "/v1/runs/{id}/variants", operation_id = "listVariants", tag = "variants",
    params(("id" = Uuid, Path, description = "The run"),
        ("state" = Option<String>, Query, description = "Only variants in this state: `drafted`, `previewed`, \
            `scored`, `selected`, `rendered`, `won`, `rejected`, `failed` or `withdrawn`")),
    responses((status = 200, description = "A page of variants", body = Listing<VariantSummary>)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<Listing<VariantSummary>>, ApiProblem> {
    let id: RunId = extract::id(&id, "run")?;
    let query: VariantsQuery = extract::query(&uri)?;
    let limit = extract::limit(query.limit)?;
    let mut of = id.0.as_bytes().to_vec();
    of.extend_from_slice(query.state.map_or("", VariantState::as_str).as_bytes());
    let list = List { organization: caller.context.organization.0, name: "variants", of: &of };
    let pepper = &app.state.pepper;
    let after = match &query.cursor {
        None => (0, 0),
        Some(cursor) => place(&list.place(pepper, cursor)?)?,
    };
    let rows =
        variants::list(app.state.accounts.as_ref(), &caller.principal, id, after, query.state, limit + 1)
            .await?;
    let cursor = |row: &Variant| {
        let place = [row.generation.to_be_bytes(), row.number.to_be_bytes()].concat();
        list.cursor(pepper, &place)
    };
    Ok(Json(Listing::of(rows, limit, cursor, VariantSummary::from)))
}

/// Generation and number of the last variant of the page before.
fn place(bytes: &[u8]) -> Result<(u32, u32), ApiProblem> {
    let (generation, number) = bytes.split_at_checked(4).unwrap_or((&[], &[]));
    match (<[u8; 4]>::try_from(generation), <[u8; 4]>::try_from(number)) {
        (Ok(generation), Ok(number)) => Ok((u32::from_be_bytes(generation), u32::from_be_bytes(number))),
        _ => Err(ApiProblem::new(Code::Cursor, "cursor", "was made by another version")),
    }
}
