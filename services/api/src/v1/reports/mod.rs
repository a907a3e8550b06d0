//! Reports: tables that are made on order and kept for a while.

pub(crate) mod content;
pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;

use serde::{Deserialize, Serialize};
use spotwright_core::domain::report::{Report, ReportFormat, ReportKind, ReportOrder, ReportState};
use utoipa::ToSchema;
use uuid::Uuid;

use super::observations::SourceName;
use super::time;

/// What a report tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KindName {
    /// What the elements of ads go along with: hook, angle, structure, call to action, visual style, voice.
    Elements,
    /// What each variant delivered.
    Performance,
    /// Movements of money.
    Ledger,
    /// Every variant with what it is made of and what was predicted of it.
    Variants,
    /// What ads did in windows of days.
    Observations,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FormatName {
    /// `{"columns": […], "data": [{…}]}`.
    Json,
    /// Comma-separated values with a header.
    Csv,
    /// Apache Parquet with typed optional columns, compressed with zstd.
    Parquet,
}

/// What a report is about.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Filters {
    /// Whose numbers: simulated and imported ones are never in one report. The ledger has both, each row with
    /// its own.
    source: SourceName,
    /// Only this run.
    #[serde(default)]
    run: Option<Uuid>,
    /// Only from this day on, `YYYY-MM-DD`, UTC.
    #[serde(default)]
    #[schema(pattern = "^\\d{4}-\\d{2}-\\d{2}$")]
    from: Option<String>,
    /// Only until this day, included.
    #[serde(default)]
    #[schema(pattern = "^\\d{4}-\\d{2}-\\d{2}$")]
    to: Option<String>,
}

/// A report.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReportView {
    /// Its id; also that of the operation which makes it.
    id: Uuid,
    /// What it tells.
    kind: KindName,
    /// How it is written.
    format: FormatName,
    /// What it is about.
    filters: Filters,
    /// `queued`, `running`, `done`, `failed` or `expired`.
    state: &'static str,
    /// Its rows, once it is made.
    rows: Option<u64>,
    /// Its bytes, once it is made.
    bytes: Option<u64>,
    /// When it was ordered (RFC 3339, UTC).
    #[schema(format = DateTime)]
    created_at: String,
    /// Until when it can be fetched: seven days from its end.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Where it is fetched; `null` until it is made, and after `expires_at`.
    download: Option<String>,
}

impl ReportView {
    /// A report as it is at a time.
    pub(crate) fn at(now: i64, report: &Report) -> Self {
        let expired = report.expires_at().is_some_and(|end| end <= now);
        let file = match &report.state {
            ReportState::Done(file) => Some(file),
            _ => None,
        };
        let order = &report.order;
        Self {
            id: report.id.0,
            kind: match order.kind {
                ReportKind::Elements => KindName::Elements,
                ReportKind::Performance => KindName::Performance,
                ReportKind::Ledger => KindName::Ledger,
                ReportKind::Variants => KindName::Variants,
                ReportKind::Observations => KindName::Observations,
            },
            format: match order.format {
                ReportFormat::Json => FormatName::Json,
                ReportFormat::Csv => FormatName::Csv,
                ReportFormat::Parquet => FormatName::Parquet,
            },
            filters: Filters {
                source: order.source.into(),
                run: order.run.map(|run| run.0),
                from: order.from.clone(),
                to: order.to.clone(),
            },
            state: match &report.state {
                ReportState::Done(_) if expired => "expired",
                state => stage(state),
            },
            rows: file.map(|file| file.rows),
            bytes: file.map(|file| file.bytes),
            created_at: time(report.created_at),
            expires_at: report.expires_at().map(time),
            download: file.filter(|_| !expired).map(|_| format!("/v1/reports/{}/content", report.id)),
        }
    }
}

/// Where a report stands.
pub(crate) const fn stage(state: &ReportState) -> &'static str {
    match state {
        ReportState::Queued => "queued",
        ReportState::Running => "running",
        ReportState::Done(_) => "done",
        ReportState::Failed(_) => "failed",
    }
}

/// The order behind a request.
fn order(kind: KindName, format: FormatName, filters: Filters) -> ReportOrder {
    ReportOrder {
        kind: match kind {
            KindName::Elements => ReportKind::Elements,
            KindName::Performance => ReportKind::Performance,
            KindName::Ledger => ReportKind::Ledger,
            KindName::Variants => ReportKind::Variants,
            KindName::Observations => ReportKind::Observations,
        },
        format: match format {
            FormatName::Json => ReportFormat::Json,
            FormatName::Csv => ReportFormat::Csv,
            FormatName::Parquet => ReportFormat::Parquet,
        },
        source: filters.source.into(),
        run: filters.run.map(spotwright_schemas::ids::RunId),
        from: filters.from,
        to: filters.to,
    }
}
