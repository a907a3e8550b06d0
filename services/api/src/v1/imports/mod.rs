//! Imports: files and batches of what platforms reported.

pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;

use axum::Json;
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use spotwright_core::domain::observation::{
    AdNames, AskedOfFile, ImportCounts, ImportRecord, ImportReport, RefusedRow, RowPlace, UnmatchedAd,
    UnmatchedReason,
};
use spotwright_core::ports::accounts::Written;
use spotwright_core::use_cases::results::Taken;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time;
use crate::idempotency::{created, is_replayed};

/// Largest file or batch in bytes.
pub(crate) const LARGEST: usize = 20_000_000;

/// A file or batch, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Import {
    /// Its id; `null` where nothing was stored: of a preview, or while something is asked.
    id: Option<Uuid>,
    /// Its name, for people.
    name: String,
    /// The platform, e.g. `meta`.
    platform: String,
    /// Language of the headers, two letters.
    language: Option<String>,
    /// How the bytes were read.
    form: Option<String>,
    /// Currency of the amounts, where all have one.
    currency: Option<String>,
    /// Time zone of the days.
    time_zone: Option<String>,
    /// Header of the clicks that count.
    click_column: Option<String>,
    /// How many rows met which fate.
    counts: RowCounts,
    /// Refused rows, at most 1,000; `counts.refused` has all.
    refused: Vec<RefusedView>,
    /// What has to be known first. Nothing is stored while something is: send the file again with the
    /// answers.
    asked: Vec<AskedView>,
    /// Ads that are of no variant; their results are kept and teach nothing until they are named.
    unmatched: Vec<UnmatchedView>,
    /// Ads that are of a variant.
    matched: u64,
    /// What a reader should know.
    notes: Vec<String>,
    /// Columns that are not read.
    unread_columns: Vec<String>,
    /// Whether a mapping that was given earlier for the same header was used.
    mapping_remembered: bool,
    /// When it was taken in.
    #[schema(format = DateTime)]
    created_at: Option<String>,
}

/// How many rows met which fate.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RowCounts {
    /// New.
    new: u64,
    /// Replaced earlier ones.
    replaced: u64,
    /// Were there already, as they are.
    unchanged: u64,
    /// Refused.
    refused: u64,
}

impl From<ImportCounts> for RowCounts {
    fn from(counts: ImportCounts) -> Self {
        let ImportCounts { new, replaced, unchanged, refused } = counts;
        Self { new, replaced, unchanged, refused }
    }
}

/// A row that is refused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefusedView {
    /// The line of the file, from 1.
    line: Option<u64>,
    /// The index in `observations`, from 0.
    index: Option<u64>,
    /// Header of the column or name of the field; empty where the whole row is meant.
    column: String,
    /// Why, a stable word, e.g. `clicks_above_impressions`.
    reason: String,
    /// What is wrong and what would be right.
    message: String,
}

impl From<RefusedRow> for RefusedView {
    fn from(row: RefusedRow) -> Self {
        let (line, index) = match row.place {
            RowPlace::Line(line) => (Some(line), None),
            RowPlace::Index(index) => (None, Some(index)),
        };
        Self { line, index, column: row.column, reason: row.reason, message: row.message }
    }
}

/// Something that has to be known first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AskedView {
    /// What: `currency`, `time_zone`, `window` (parameters `from` and `to`), `number_format` (`decimals`) or
    /// `date_order` (`dates`).
    asked: String,
    /// Why.
    why: String,
    /// The answers that there are; empty where any may be given.
    choices: Vec<String>,
}

impl From<AskedOfFile> for AskedView {
    fn from(asked: AskedOfFile) -> Self {
        Self { asked: asked.asked, why: asked.why, choices: asked.choices }
    }
}

/// What an ad is called on its platform.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdNamesView {
    /// The platform's id.
    id: Option<String>,
    /// Its name.
    name: Option<String>,
    /// Name of the campaign.
    campaign: Option<String>,
    /// Name of the ad group or ad set.
    group: Option<String>,
}

impl From<AdNames> for AdNamesView {
    fn from(names: AdNames) -> Self {
        Self { id: names.id, name: names.name, campaign: names.campaign, group: names.group }
    }
}

/// An ad that is of no variant.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnmatchedView {
    /// The ad.
    ad: AdNamesView,
    /// `unknown`: neither an external reference nor the name of a launch pack says which it is; `ambiguous`:
    /// several variants have its name.
    reason: String,
}

impl From<UnmatchedAd> for UnmatchedView {
    fn from(ad: UnmatchedAd) -> Self {
        let reason = match ad.reason {
            UnmatchedReason::Unknown => "unknown",
            UnmatchedReason::Ambiguous => "ambiguous",
        };
        Self { ad: ad.names.into(), reason: reason.to_owned() }
    }
}

impl Import {
    fn of(id: Option<Uuid>, report: ImportReport, created_at: Option<i64>) -> Self {
        Self {
            id,
            name: report.name,
            platform: report.platform.as_str().to_owned(),
            language: report.language,
            form: report.form,
            currency: report.currency,
            time_zone: report.time_zone,
            click_column: report.click_column,
            counts: report.counts.into(),
            refused: report.refused.into_iter().map(RefusedView::from).collect(),
            asked: report.asked.into_iter().map(AskedView::from).collect(),
            unmatched: report.unmatched.into_iter().map(UnmatchedView::from).collect(),
            matched: report.matched,
            notes: report.notes,
            unread_columns: report.unread_columns,
            mapping_remembered: report.mapping_remembered,
            created_at: created_at.map(time),
        }
    }
}

impl From<ImportRecord> for Import {
    fn from(record: ImportRecord) -> Self {
        Self::of(Some(record.id.0), record.report, Some(record.created_at))
    }
}

/// The answer to a file or batch: 201 where it was taken in, 200 where nothing was stored.
pub(crate) fn answer(taken: Taken) -> Response {
    match taken {
        Taken::Preview(report) => Json(Import::of(None, report, None)).into_response(),
        Taken::Done(written) => {
            let replayed = is_replayed(&written);
            let record = Written::into_inner(written);
            created(replayed, &format!("/v1/imports/{}", record.id), &Import::from(record))
        }
    }
}
