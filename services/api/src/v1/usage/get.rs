//! `GET /v1/usage`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::domain::books;
use spotwright_core::use_cases::books::ledger_of;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::ledger::{Payee, moment};

/// The query.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UsageQuery {
    from: Option<String>,
    to: Option<String>,
}

/// What was settled with one provider in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SettledUsage {
    /// ISO 4217 code.
    currency: Option<String>,
    /// Whether a provider billed it or it was spent in the market simulator.
    source: Payee,
    /// The provider; `null` for the market simulator.
    provider: Option<String>,
    /// How many settlements.
    settlements: u64,
    /// Their sum.
    settled_micros: i64,
}

/// What stands reserved now in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReservedUsage {
    /// ISO 4217 code.
    currency: Option<String>,
    /// Sum of the open reserves of all runs.
    reserved_micros: i64,
}

/// What the organization used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UsageReport {
    /// Settled in the asked time, by currency and provider.
    settled: Vec<SettledUsage>,
    /// Reserved now, whatever the asked time.
    reserved: Vec<ReservedUsage>,
}

impl From<books::Usage> for UsageReport {
    fn from(usage: books::Usage) -> Self {
        let code = |currency: Option<spotwright_schemas::money::Currency>| {
            currency.map(|currency| currency.code().to_owned())
        };
        let settled = usage.settled.into_iter().map(|line| SettledUsage {
            currency: code(line.currency),
            source: if line.provider.is_some() { Payee::Provider } else { Payee::Simulated },
            provider: line.provider,
            settlements: line.settlements,
            settled_micros: line.settled.0,
        });
        let reserved = usage
            .reserved
            .into_iter()
            .map(|line| ReservedUsage { currency: code(line.currency), reserved_micros: line.reserved.0 });
        Self { settled: settled.collect(), reserved: reserved.collect() }
    }
}

/// What the organization settled, by currency and provider, and what its runs have reserved now.
#[utoipa::path(get, path = "/v1/usage", operation_id = "getUsage", tag = "money",
    params(("from" = Option<String>, Query, description = "Only from this time on (RFC 3339)"),
        ("to" = Option<String>, Query, description = "Only before this time (RFC 3339); at most 366 days after `from`")),
    responses((status = 200, description = "Sums of the ledger", body = UsageReport)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<UsageReport>, ApiProblem> {
    let query: UsageQuery = extract::query(&uri)?;
    let from = query.from.as_deref().map(|text| moment(text, "from")).transpose()?;
    let to = query.to.as_deref().map(|text| moment(text, "to")).transpose()?;
    let filter = ledger_of(&caller.principal(), None, from, to)?;
    Ok(Json(app.state.accounts.usage(caller.context, filter.from, filter.to).await?.into()))
}
