//! What a run would cost: the answer of `POST /v1/runs?dry_run=estimate`.

use serde::Serialize;
use spotwright_core::domain::estimate::{Band, Basis, EstimatedWork, MeasuredRun, RunEstimate, WorkKind};
use spotwright_schemas::money::{Currency, Micros};
use utoipa::ToSchema;
use uuid::Uuid;

/// Microseconds in a second.
const SECOND: f64 = 1e6;

/// What a run would cost, if it were ordered now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunEstimateView {
    /// Always `run_estimate`.
    object: &'static str,
    /// ISO 4217 code of all amounts.
    #[schema(value_type = String)]
    currency: Currency,
    /// The budget of the brief.
    budget_micros: i64,
    /// The cap that the order names.
    max_spend_micros: Option<i64>,
    /// Most that the run can spend: the smaller of both.
    cap_micros: i64,
    /// Everything together; never above `cap_micros`.
    cost: CostBand,
    /// Whether the paid work could use the cap up, so that the run might end early.
    reaches_cap: bool,
    /// From order to end, in seconds; `null` where no finished run of the organization tells.
    seconds: Option<TimeBand>,
    /// `measured` where finished runs of the organization count, else `quotes`.
    basis: &'static str,
    /// By kind of work and provider.
    work: Vec<WorkView>,
    /// The finished runs that it rests on, newest first.
    measured_runs: Vec<MeasuredRunView>,
}

/// A cost in millionths of the currency.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "amounts name their unit everywhere")]
pub(crate) struct CostBand {
    /// The least.
    low_micros: i64,
    /// What is expected.
    expected_micros: i64,
    /// The most.
    high_micros: i64,
}

/// A time in seconds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TimeBand {
    /// The shortest.
    low: f64,
    /// What is expected.
    expected: f64,
    /// The longest.
    high: f64,
}

/// A number of calls.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CallBand {
    /// The fewest.
    low: u32,
    /// What is expected.
    expected: u32,
    /// The most.
    high: u32,
}

/// Work with one provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkView {
    /// `language_model`, `clips`, `renders` or `media`.
    kind: &'static str,
    /// The provider, as the ledger names it; `null` for media: the market simulator bills nobody.
    provider: Option<String>,
    /// Calls of the provider; of media, campaigns.
    calls: CallBand,
    /// What the provider quotes for a usual call; `null` for media.
    quote_micros: Option<i64>,
    #[serde(flatten)]
    cost: CostBand,
    /// What it rests on: `quote`, `measured` (finished runs) or `budget` (what is left of it).
    basis: &'static str,
}

/// A finished run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MeasuredRunView {
    /// Its id.
    run: Uuid,
    /// All that it spent.
    spent_micros: i64,
    /// Of that, in the market.
    media_micros: i64,
    /// From its order to its end, in seconds.
    seconds: f64,
}

impl From<Band<Micros>> for CostBand {
    fn from(band: Band<Micros>) -> Self {
        Self { low_micros: band.low.0, expected_micros: band.expected.0, high_micros: band.high.0 }
    }
}

impl From<EstimatedWork> for WorkView {
    fn from(work: EstimatedWork) -> Self {
        let Band { low, expected, high } = work.calls;
        Self {
            kind: match work.kind {
                WorkKind::LanguageModel => "language_model",
                WorkKind::Clips => "clips",
                WorkKind::Renders => "renders",
                WorkKind::Media => "media",
            },
            provider: work.provider,
            calls: CallBand { low, expected, high },
            quote_micros: work.quote.map(|quote| quote.0),
            cost: work.cost.into(),
            basis: match work.basis {
                Basis::Quote => "quote",
                Basis::Measured => "measured",
                Basis::Budget => "budget",
            },
        }
    }
}

impl From<MeasuredRun> for MeasuredRunView {
    fn from(run: MeasuredRun) -> Self {
        Self {
            run: run.run.0,
            spent_micros: run.spent().0,
            media_micros: run.with(None).0,
            seconds: run.micros as f64 / SECOND,
        }
    }
}

impl From<RunEstimate> for RunEstimateView {
    fn from(estimate: RunEstimate) -> Self {
        let seconds = |micros: i64| micros as f64 / SECOND;
        Self {
            object: "run_estimate",
            currency: estimate.currency,
            budget_micros: estimate.budget.0,
            max_spend_micros: estimate.max_spend.map(|cap| cap.0),
            cap_micros: estimate.cap.0,
            cost: estimate.cost.into(),
            reaches_cap: estimate.reaches_cap,
            seconds: estimate.micros.map(|band| TimeBand {
                low: seconds(band.low),
                expected: seconds(band.expected),
                high: seconds(band.high),
            }),
            basis: if estimate.measured.is_empty() { "quotes" } else { "measured" },
            work: estimate.work.into_iter().map(WorkView::from).collect(),
            measured_runs: estimate.measured.into_iter().map(MeasuredRunView::from).collect(),
        }
    }
}
