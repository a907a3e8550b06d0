//! Observations: what ads did, by source.

pub(crate) mod batch;
pub(crate) mod list;

use serde::{Deserialize, Serialize};
use spotwright_core::domain::observation::{AdKey, Amount, ObservationRecord, SourceKind};
use utoipa::ToSchema;
use uuid::Uuid;

use super::imports::AdNamesView;
use super::time;

/// Who measured. The two are never pooled: a query names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SourceName {
    /// The built-in market simulator.
    Simulated,
    /// A real platform's report.
    Imported,
}

impl From<SourceName> for SourceKind {
    fn from(name: SourceName) -> Self {
        match name {
            SourceName::Simulated => Self::Simulated,
            SourceName::Imported => Self::Imported,
        }
    }
}

impl From<SourceKind> for SourceName {
    fn from(kind: SourceKind) -> Self {
        match kind {
            SourceKind::Simulated => Self::Simulated,
            SourceKind::Imported => Self::Imported,
        }
    }
}

/// An amount of money.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AmountView {
    /// Millionths of one unit.
    micros: i64,
    /// ISO 4217 code.
    currency: String,
}

impl From<Amount> for AmountView {
    fn from(amount: Amount) -> Self {
        Self { micros: amount.micros.0, currency: amount.currency }
    }
}

/// Days, ends included.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WindowView {
    /// First day.
    #[schema(format = Date)]
    start: String,
    /// Last day.
    #[schema(format = Date)]
    end: String,
    /// On whose clock the days begin. `logical` for the market's own days, of which 2000-01-01 is the first.
    time_zone: String,
}

/// A measure of watching.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WatchView {
    /// The measure with its threshold, e.g. `views_2s`; those of different thresholds are not compared.
    measure: String,
    /// A decimal number as written; `null` where the report has an empty cell.
    value: Option<String>,
}

/// What an ad did in a window.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Observation {
    /// Its id: the same for every observation of the same ad and window by the same source.
    id: Uuid,
    /// Who measured.
    source: SourceName,
    /// The platform; `null` for the simulation.
    platform: Option<String>,
    /// What the ad is called on its platform.
    ad: AdNamesView,
    /// The placement in the market; `null` for imported ones.
    placement: Option<Uuid>,
    /// The variant that the ad shows; `null` where nobody has said which.
    variant: Option<Uuid>,
    /// When.
    window: WindowView,
    /// Times shown; `null` where the report does not say, which is not 0.
    impressions: Option<u64>,
    /// Clicks of the kind that counts.
    clicks: Option<u64>,
    /// Header of the column that the clicks stand in.
    click_column: Option<String>,
    /// Conversions: platforms count parts of one.
    conversions: Option<f64>,
    /// Revenue.
    revenue: Option<AmountView>,
    /// Spend.
    spend: Option<AmountView>,
    /// Measures of watching.
    watch: Vec<WatchView>,
    /// The import that it came with; `null` for simulated ones.
    import: Option<Uuid>,
    /// How often it was written: 1, and one more for each correction.
    revision: u32,
    /// When it was first written.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it was last changed.
    #[schema(format = DateTime)]
    updated_at: String,
}

impl From<ObservationRecord> for Observation {
    fn from(record: ObservationRecord) -> Self {
        let own = record.observation;
        let platform = own.source.platform();
        Self {
            id: record.id.0,
            source: own.source.kind().into(),
            platform: (!platform.is_empty()).then(|| platform.to_owned()),
            ad: own.names.into(),
            placement: if let AdKey::Placement(placement) = own.ad { Some(placement.0) } else { None },
            variant: record.variant.map(|variant| variant.0),
            window: WindowView {
                start: own.window.start.to_string(),
                end: own.window.end.to_string(),
                time_zone: own.window.time_zone,
            },
            impressions: own.impressions,
            clicks: own.clicks,
            click_column: own.click_column,
            conversions: own.conversions.and_then(|number| number.parse().ok()),
            revenue: own.revenue.map(AmountView::from),
            spend: own.spend.map(AmountView::from),
            watch: own
                .watch
                .into_iter()
                .map(|watch| WatchView { measure: watch.measure, value: watch.value })
                .collect(),
            import: record.import.map(|import| import.0),
            revision: record.revision,
            created_at: time(record.created_at),
            updated_at: time(record.updated_at),
        }
    }
}
