//! `POST /v1/observations/batch`.

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::value::RawValue;
use spotwright_core::domain::observation::{PlatformName, RefusedRow, RowPlace};
use spotwright_core::ports::entropy::random_id;
use spotwright_core::use_cases::results::{self, Batch, BatchRow, Handed};
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::ImportId;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::imports::{Import, LARGEST, answer};
use crate::{extract, idempotency};

/// Observations of ads of one platform.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObservationBatch<'a> {
    /// The platform: lower-case letters, digits and underscores, e.g. `meta`.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,39}$")]
    platform: String,
    /// Currency of all amounts (ISO 4217).
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
    /// Time zone of all days, e.g. `Europe/Berlin`.
    #[schema(pattern = "^[A-Za-z0-9/_+:-]{1,60}$")]
    time_zone: String,
    /// Name of the batch, for people.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 80)]
    name: Option<String>,
    /// Take all rows in or none.
    #[serde(default)]
    atomic: bool,
    /// Only say what would be done.
    #[serde(default)]
    dry_run: bool,
    /// The rows, at most 50,000. One that is wrong is named by its index and field.
    #[serde(borrow)]
    #[schema(value_type = Vec<ObservationRow>, max_items = 50_000)]
    observations: Vec<&'a RawValue>,
}

/// What an ad did in a window. An ad has an id or a name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ObservationRow {
    /// The platform's id of the ad, as text.
    #[serde(default)]
    ad_id: Option<String>,
    /// Name of the ad; without an id, it tells the ad from others of its campaign and group.
    #[serde(default)]
    ad_name: Option<String>,
    /// Name of the campaign.
    #[serde(default)]
    campaign: Option<String>,
    /// Name of the ad group or ad set.
    #[serde(default)]
    group: Option<String>,
    /// First day.
    #[schema(format = Date)]
    start: String,
    /// Last day; left out, the first.
    #[serde(default)]
    #[schema(format = Date)]
    end: Option<String>,
    /// Times shown; left out where it is not known, which is not 0.
    #[serde(default)]
    impressions: Option<u64>,
    /// Times clicked, at most `impressions`.
    #[serde(default)]
    clicks: Option<u64>,
    /// What the platform calls these clicks.
    #[serde(default)]
    click_column: Option<String>,
    /// Conversions, a decimal number such as `1.5`.
    #[serde(default)]
    conversions: Option<String>,
    /// Revenue, a decimal number such as `148.60`.
    #[serde(default)]
    revenue: Option<String>,
    /// Spend, a decimal number such as `148.60`.
    #[serde(default)]
    spend: Option<String>,
}

impl From<ObservationRow> for BatchRow {
    fn from(row: ObservationRow) -> Self {
        Self {
            ad_id: row.ad_id,
            ad_name: row.ad_name,
            campaign: row.campaign,
            group: row.group,
            start: row.start,
            end: row.end,
            impressions: row.impressions,
            clicks: row.clicks,
            click_column: row.click_column,
            conversions: row.conversions,
            revenue: row.revenue,
            spend: row.spend,
        }
    }
}

/// Takes in observations row by row. Rows that are wrong are named and the others taken in, unless `atomic`
/// asks for all or none. The same rows again change nothing; later ones with corrected numbers replace.
#[utoipa::path(post, path = "/v1/observations/batch", operation_id = "createObservations", tag = "results",
    request_body = ObservationBatch,
    responses((status = 201, description = "It was taken in", body = Import),
        (status = 200, description = "Nothing was stored: a preview", body = Import)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Result<Response, ApiProblem> {
    let (headers, uri) = (request.headers().clone(), request.uri().clone());
    extract::must_be_json(&headers)?;
    let bytes = extract::body(request, LARGEST).await?;
    let admitted = idempotency::admit(&app, &caller, &headers, &uri, &bytes)?;
    let handed = read(&bytes)?;
    let id = ImportId(random_id(app.state.entropy.as_ref())?);
    let store = app.state.observations.as_ref();
    Ok(answer(results::take_in(&caller.principal(), store, Some(&admitted.write), id, handed).await?))
}

/// Reads the rows one by one, so that a wrong one does not hide the others.
fn read(bytes: &[u8]) -> Result<Handed, ApiProblem> {
    let asked: ObservationBatch<'_> = extract::json(bytes)?;
    let platform = PlatformName::parse(&asked.platform)
        .ok_or_else(|| ApiProblem::new(Code::RequestValue, "platform", "is a name such as `meta`"))?;
    let name = asked.name.unwrap_or_else(|| "batch".to_owned());
    crate::v1::api_keys::check_name(&name)?;
    let batch = Batch { name, platform, currency: asked.currency, time_zone: asked.time_zone };
    let (mut rows, mut refused) = (Vec::new(), Vec::new());
    for (index, row) in (0_u64..).zip(&asked.observations) {
        match extract::json::<ObservationRow>(row.get().as_bytes()) {
            Ok(row) => rows.push((index, BatchRow::from(row))),
            Err(problem) => refused.push(RefusedRow {
                place: RowPlace::Index(index),
                column: problem.problem.field,
                reason: "wrong_shape".to_owned(),
                message: problem.problem.message,
            }),
        }
    }
    let (report, rows) = results::rows_of(&batch, rows, refused)?;
    Ok(Handed { report, rows, atomic: asked.atomic, dry_run: asked.dry_run, mapping: None })
}
