//! `GET /v1/insight/calibration`.

use axum::extract::State;
use axum::http::Uri;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::domain::observation::SourceKind;
use spotwright_core::use_cases::insight;
use spotwright_insight::calibration::{Bin, ModelCalibration, calibration};
use spotwright_schemas::error::Code;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::campaigns::list::word;
use crate::v1::observations::SourceName;

/// Bins where none are asked for: deciles.
const USUAL_BINS: usize = 10;
/// Bins that may be asked for.
const BINS: std::ops::RangeInclusive<usize> = 2..=20;

/// The query of calibration.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CalibrationQuery {
    source: Option<String>,
    run: Option<String>,
    bins: Option<usize>,
}

/// How predictions turned out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CalibrationView {
    /// Whose numbers.
    source: SourceName,
    /// Ads that were scored and shown.
    ads: usize,
    /// Their impressions.
    impressions: u64,
    /// Their clicks.
    clicks: u64,
    /// All models together first, as `all`, then each by its id.
    models: Vec<ModelView>,
}

/// How a model's predictions turned out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModelView {
    /// Id of the model, or `all`.
    model: String,
    /// Ads that were scored by it and shown.
    ads: usize,
    /// Their impressions.
    impressions: u64,
    /// Their clicks.
    clicks: u64,
    /// Mean prediction, weighted by impressions; `null` without any.
    predicted_ctr: Option<f64>,
    /// Clicks per impression; `null` without any.
    ctr: Option<f64>,
    /// Predicted over realized clicks: above 1 it promises too much; `null` without clicks.
    ratio: Option<f64>,
    /// Lower end of its 95 % interval.
    ratio_low: Option<f64>,
    /// Upper end of its 95 % interval.
    ratio_high: Option<f64>,
    /// Mean distance between predicted and realized rates of the bins, weighted by impressions.
    calibration_error: Option<f64>,
    /// Share of ads whose realized rate's 95 % interval meets the predicted interval, in [0, 1]; `null`
    /// without ads.
    within_interval: Option<f64>,
    /// Bins by ascending prediction, with about equal impressions.
    deciles: Vec<BinView>,
}

/// Ads of about equal predictions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BinView {
    /// Its number, from 1.
    bin: usize,
    /// Lowest prediction in it.
    predicted_low: f64,
    /// Highest prediction in it.
    predicted_high: f64,
    /// How many ads.
    ads: usize,
    /// Their impressions.
    impressions: u64,
    /// Their clicks.
    clicks: u64,
    /// Mean prediction, weighted by impressions.
    predicted_ctr: f64,
    /// Clicks per impression.
    ctr: f64,
    /// Lower end of its 95 % interval.
    ctr_low: f64,
    /// Upper end of its 95 % interval.
    ctr_high: f64,
}

fn bin((idx, bin): (usize, &Bin)) -> BinView {
    BinView {
        bin: idx + 1,
        predicted_low: bin.predicted[0],
        predicted_high: bin.predicted[1],
        ads: bin.ads,
        impressions: bin.impressions,
        clicks: bin.clicks,
        predicted_ctr: bin.predicted_ctr,
        ctr: bin.ctr.estimate,
        ctr_low: bin.ctr.low,
        ctr_high: bin.ctr.high,
    }
}

impl From<&ModelCalibration> for ModelView {
    fn from(own: &ModelCalibration) -> Self {
        Self {
            model: own.model.clone(),
            ads: own.ads,
            impressions: own.impressions,
            clicks: own.clicks,
            predicted_ctr: own.predicted_ctr,
            ctr: own.ctr,
            ratio: own.ratio.map(|[ratio, _, _]| ratio),
            ratio_low: own.ratio.map(|[_, low, _]| low),
            ratio_high: own.ratio.map(|[_, _, high]| high),
            calibration_error: own.error,
            within_interval: own.within_interval,
            deciles: own.bins.iter().enumerate().map(bin).collect(),
        }
    }
}

/// Reads the query and what it asks for.
pub(super) async fn asked(
    app: &App,
    caller: &Caller,
    uri: &Uri,
) -> Result<(SourceKind, Vec<ModelCalibration>), ApiProblem> {
    let query: CalibrationQuery = extract::query(uri)?;
    let source: Option<SourceName> = word("source", query.source.as_ref())?;
    let source = source.map_or(SourceKind::Simulated, SourceKind::from);
    let run = query.run.as_deref().map(|run| extract::id(run, "run")).transpose()?;
    let bins = query.bins.unwrap_or(USUAL_BINS);
    if !BINS.contains(&bins) {
        let message = format!("must be within {} and {}", BINS.start(), BINS.end());
        return Err(ApiProblem::new(Code::RequestValue, "bins", message));
    }
    let rows = insight::exposures(app.state.accounts.as_ref(), &caller.principal, source, run).await?;
    Ok((source, calibration(&rows, bins)))
}

/// Predicted against realized click rates of the ads that were shown, by model and by bins of the prediction.
#[utoipa::path(get, path = "/v1/insight/calibration", operation_id = "getCalibration", tag = "insight",
    params(("source" = Option<String>, Query, description = "`simulated` (without it) or `imported`; never both"),
        ("run" = Option<Uuid>, Query, description = "Only ads of this run"),
        ("bins" = Option<usize>, Query, description = "Most bins, 2 to 20; 10 without it")),
    responses((status = 200, description = "How predictions turned out", body = CalibrationView)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
) -> Result<Json<CalibrationView>, ApiProblem> {
    let (source, models) = asked(&app, &caller, &uri).await?;
    let all = models.first();
    Ok(Json(CalibrationView {
        source: source.into(),
        ads: all.map_or(0, |all| all.ads),
        impressions: all.map_or(0, |all| all.impressions),
        clicks: all.map_or(0, |all| all.clicks),
        models: models.iter().map(ModelView::from).collect(),
    }))
}
