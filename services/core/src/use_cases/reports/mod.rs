//! Reports: ordering them, reading them, and making them.

mod tables;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::ReportId;

pub use tables::{Sources, table};

use super::principal::Principal;
use super::record::Record;
use crate::domain::account::Scope;
use crate::domain::audit::Action;
use crate::domain::report::{Report, ReportKind, ReportOrder};
use crate::ports::accounts::{AccountStore, Page, Positioned, WriteKey, Written};
use crate::ports::entropy::random_id;

/// Orders a report; a repeated order is answered with the same report, as it stands now.
///
/// # Errors
/// `Code::Forbidden` without `results:read`, and for ledger and variants without `runs:read`;
/// [`Code::RequestValue`] for days that are none, and for observations of a run; [`Code::NotFound`] for the
/// run; those of repeated writes.
pub async fn order(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    write: &WriteKey,
    order: &ReportOrder,
) -> Result<(bool, Report), Problem> {
    by.expect(Scope::ResultsRead)?;
    if of_runs(order.kind) {
        by.expect(Scope::RunsRead)?;
    }
    days(order)?;
    if order.kind == ReportKind::Observations && order.run.is_some() {
        let message = "observations are of ads, not of runs; leave it out, or ask for `performance`";
        return Err(Problem::new(Code::RequestValue, "filters.run", message));
    }
    if let Some(run) = order.run {
        accounts.run(by.context(), run).await?;
    }
    let id = ReportId(random_id(record.entropy)?);
    let (replayed, id) = match accounts.order_report(by.context(), write, id, order).await? {
        Written::Fresh(id) => (false, id),
        Written::Replayed(id) => (true, id),
    };
    if !replayed {
        record.note(by, by.organization, Action::ReportOrdered, ("report", id), Some(json!(order))).await;
    }
    Ok((replayed, accounts.report(by.context(), id).await?))
}

/// One report.
///
/// # Errors
/// `Code::Forbidden` as [`order`]; [`Code::NotFound`].
pub async fn get(accounts: &dyn AccountStore, by: &Principal, id: ReportId) -> Result<Report, Problem> {
    by.expect(Scope::ResultsRead)?;
    let report = accounts.report(by.context(), id).await?;
    if of_runs(report.order.kind) {
        by.expect(Scope::RunsRead)?;
    }
    Ok(report)
}

/// Whether a report tells what only those may read who may read runs.
const fn of_runs(kind: ReportKind) -> bool {
    matches!(kind, ReportKind::Ledger | ReportKind::Variants)
}

/// The organization's reports, newest first.
///
/// # Errors
/// `Code::Forbidden` without `results:read`.
pub async fn list(
    accounts: &dyn AccountStore,
    by: &Principal,
    page: Page,
) -> Result<Vec<Positioned<Report>>, Problem> {
    by.expect(Scope::ResultsRead)?;
    Ok(accounts.reports(by.context(), page).await?)
}

/// The asked days as times: from the first one's beginning to the last one's end, UTC.
fn days(order: &ReportOrder) -> Result<(Option<i64>, Option<i64>), Problem> {
    let day = |field: &'static str, text: &Option<String>| {
        let read = |text: &String| {
            let wrong = || Problem::new(Code::RequestValue, field, "must be a day, `YYYY-MM-DD`");
            let date: Date = text.parse().map_err(|_| wrong())?;
            if text.len() == 10 { Ok(date) } else { Err(wrong()) }
        };
        text.as_ref().map(read).transpose()
    };
    let (from, to) = (day("filters.from", &order.from)?, day("filters.to", &order.to)?);
    if let (Some(from), Some(to)) = (from, to)
        && to < from
    {
        return Err(Problem::new(Code::RequestValue, "filters.to", "must not be before `from`"));
    }
    let micros = |date: Date| {
        let wrong = |_| Problem::new(Code::RequestValue, "filters.from", "is out of range");
        date.to_zoned(TimeZone::UTC).map(|at| at.timestamp().as_microsecond()).map_err(wrong)
    };
    let after = |date: Date| date.tomorrow().unwrap_or(date);
    Ok((from.map(micros).transpose()?, to.map(after).map(micros).transpose()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::observation::SourceKind;
    use crate::domain::report::ReportFormat;

    #[test]
    fn days_are_whole_and_in_order() {
        let order = |from: &str, to: &str| ReportOrder {
            kind: ReportKind::Ledger,
            format: ReportFormat::Csv,
            source: SourceKind::Simulated,
            run: None,
            from: Some(from.to_owned()),
            to: Some(to.to_owned()),
        };
        let day = 24 * 3_600 * 1_000_000;
        assert_eq!(days(&order("1970-01-02", "1970-01-02")), Ok((Some(day), Some(2 * day))));
        for (from, to, field) in [
            ("1970-01-02", "1970-01-01", "filters.to"),
            ("1970-13-02", "1970-01-01", "filters.from"),
            ("1970-01-02", "yesterday", "filters.to"),
        ] {
            assert_eq!(days(&order(from, to)).unwrap_err().field, field);
        }
    }
}
