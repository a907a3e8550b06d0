//! Takes in what a platform reported, or says what taking it in would do.

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::ImportId;

use super::{ResultsError, matching};
use crate::domain::account::Scope;
use crate::domain::observation::{ImportRecord, ImportReport, NewObservation, RefusedRow, RowPlace};
use crate::ports::accounts::{WriteKey, Written};
use crate::ports::observations::{Mapping, NewImport, ObservationStore, TakenIn};
use crate::use_cases::Principal;

/// A file or batch, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Handed {
    /// What was understood.
    pub report: ImportReport,
    /// The rows; none where something is still asked.
    pub rows: Vec<NewObservation>,
    /// Take all rows in or none.
    pub atomic: bool,
    /// Only say what would be done.
    pub dry_run: bool,
    /// The mapping that was given, under the header that it is for.
    pub mapping: Option<(String, Mapping)>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// Nothing was stored: only a preview was wanted, or something is asked.
    Preview(ImportReport),
    /// It was taken in.
    Done(Written<ImportRecord>),
}

/// The mapping that the organization last gave for a header.
///
/// # Errors
/// `Code::Forbidden` without `results:write`; what the store says.
pub async fn remembered_mapping(
    principal: &Principal,
    store: &dyn ObservationStore,
    header: &str,
) -> Result<Option<Mapping>, ResultsError> {
    principal.expect(Scope::ResultsWrite)?;
    Ok(store.mapping(principal.organization, header).await?)
}

/// Takes a file or batch in.
///
/// # Errors
/// `Code::Forbidden` without `results:write`; [`Code::Export`] when all rows or none were wanted and one is
/// refused; what the store says.
pub async fn take_in(
    principal: &Principal,
    store: &dyn ObservationStore,
    write: Option<&WriteKey>,
    id: ImportId,
    handed: Handed,
) -> Result<Taken, ResultsError> {
    principal.expect(Scope::ResultsWrite)?;
    let organization = principal.organization;
    let Handed { mut report, mut rows, atomic, dry_run, mapping } = handed;
    matching::link(store, organization, &mut report, &mut rows).await?;
    if atomic && report.counts.refused > 0 {
        return Err(whole_refused(&report.refused, report.counts.refused).into());
    }
    if dry_run || !report.asked.is_empty() {
        let fates = store.fates(organization, &rows).await?;
        for (row, fate) in rows.iter().zip(&fates) {
            report.count(row.place, fate);
        }
        if atomic && report.counts.refused > 0 {
            return Err(whole_refused(&report.refused, report.counts.refused).into());
        }
        return Ok(Taken::Preview(report));
    }
    let import = NewImport { id, report, rows, atomic, mapping };
    match store.take_in(organization, write, import).await? {
        TakenIn::Done(written) => Ok(Taken::Done(written)),
        TakenIn::Refused(refused) => Err(whole_refused(&refused, refused.len() as u64).into()),
    }
}

/// Why nothing was taken in, by the first row that is refused.
fn whole_refused(refused: &[RefusedRow], count: u64) -> Problem {
    let first = refused.first();
    let field = first.map_or_else(String::new, |row| match (row.place, row.column.as_str()) {
        (RowPlace::Line(line), "") => format!("line {line}"),
        (RowPlace::Line(line), column) => format!("line {line}, {column}"),
        (RowPlace::Index(index), "") => format!("observations[{index}]"),
        (RowPlace::Index(index), column) => format!("observations[{index}].{column}"),
    });
    let why = first.map_or("", |row| row.message.as_str());
    let message = format!("{why}; {count} rows are refused, so all are, as `atomic` asks");
    Problem::new(Code::Export, field, message)
}
