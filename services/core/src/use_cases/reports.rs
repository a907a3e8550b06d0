//! Reports: ordering them, reading them, and making them.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{KeyId, OrganizationId, ReportId};

use super::principal::Principal;
use super::record::{Record, random_id};
use crate::domain::account::{OrganizationContext, Scope};
use crate::domain::audit::Action;
use crate::domain::books::{LedgerFilter, LedgerLine};
use crate::domain::report::{Cell, ClaimedReport, Exposure, Report, ReportKind, ReportOrder, Table};
use crate::ports::accounts::{AccountStore, Page, Positioned, WriteKey, Written};
use crate::ports::reports::ElementAnalysis;

/// Rows read at once.
const PAGE: u32 = 200;

/// Most rows of a report.
const MOST_ROWS: usize = 200_000;

/// Orders a report; a repeated order is answered with the same report, as it stands now.
///
/// # Errors
/// `Code::Forbidden` without `results:read`, and for the ledger without `runs:read`; [`Code::RequestValue`] for days
/// that are none; [`Code::NotFound`] for the run; those of repeated writes.
pub async fn order(
    accounts: &dyn AccountStore,
    record: &Record<'_>,
    by: &Principal,
    write: &WriteKey,
    order: &ReportOrder,
) -> Result<(bool, Report), Problem> {
    by.expect(Scope::ResultsRead)?;
    if order.kind == ReportKind::Ledger {
        by.expect(Scope::RunsRead)?;
    }
    days(order)?;
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
    if report.order.kind == ReportKind::Ledger {
        by.expect(Scope::RunsRead)?;
    }
    Ok(report)
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

/// The table of a claimed report. For the program itself, which has checked who ordered it.
///
/// # Errors
/// [`Code::RequestValue`] for more rows than a report may have; those of the store.
pub async fn table(
    accounts: &dyn AccountStore,
    analysis: &dyn ElementAnalysis,
    claim: &ClaimedReport,
) -> Result<Table, Problem> {
    let context = whole(claim.organization);
    let order = &claim.order;
    match order.kind {
        ReportKind::Elements => {
            let exposures = accounts.exposures(context, order).await?;
            analysis.attribute(order.source.as_str(), &exposures)
        }
        ReportKind::Performance => {
            Ok(performance(order.source.as_str(), &accounts.exposures(context, order).await?))
        }
        ReportKind::Ledger => ledger(accounts, claim.organization, order).await,
    }
}

/// The program itself in an organization.
const fn whole(organization: OrganizationId) -> OrganizationContext {
    OrganizationContext { organization, key: KeyId(uuid::Uuid::nil()) }
}

/// What each variant delivered, a row for each currency.
fn performance(source: &str, exposures: &[Exposure]) -> Table {
    let columns = vec![
        "source",
        "run",
        "generation",
        "number",
        "variant",
        "product",
        "impressions",
        "clicks",
        "ctr",
        "spend_micros",
        "currency",
    ];
    let mut rows = Vec::with_capacity(exposures.len());
    for shown in exposures {
        let ctr = (shown.impressions > 0).then(|| shown.clicks as f64 / shown.impressions as f64);
        let mut row = |spend: Cell, currency: Cell| {
            rows.push(vec![
                source.into(),
                shown.run.to_string().into(),
                shown.generation.into(),
                shown.number.into(),
                shown.variant.to_string().into(),
                shown.product.as_str().into(),
                shown.impressions.into(),
                shown.clicks.into(),
                ctr.into(),
                spend,
                currency,
            ]);
        };
        match shown.spend.as_slice() {
            [] => row(Cell::Nothing, Cell::Nothing),
            // Impressions and clicks are not told apart by currency: they stand in each row of the variant.
            several => several.iter().for_each(|(code, spent)| row((*spent).into(), code.as_str().into())),
        }
    }
    Table { columns, rows }
}

async fn ledger(
    accounts: &dyn AccountStore,
    organization: OrganizationId,
    order: &ReportOrder,
) -> Result<Table, Problem> {
    let context = whole(organization);
    let (from, to) = days(order)?;
    let filter = LedgerFilter { run: order.run, from, to };
    let columns = vec!["at", "source", "run", "entry", "amount_micros", "currency", "provider", "reserve"];
    let mut table = Table { columns, rows: Vec::new() };
    let mut page = Page { before: None, limit: PAGE };
    loop {
        let lines = accounts.ledger(context, filter, page).await?;
        let Some(last) = lines.last() else { return Ok(table) };
        page.before = Some(last.position);
        table.rows.extend(lines.into_iter().map(|line| ledger_row(line.row)));
        if table.rows.len() > MOST_ROWS {
            let message = format!("more than {MOST_ROWS} rows; ask for fewer days or one run");
            return Err(Problem::new(Code::RequestValue, "filters", message));
        }
    }
}

fn ledger_row(line: LedgerLine) -> Vec<Cell> {
    let at = jiff::Timestamp::from_microsecond(line.at).map(|at| at.to_string());
    vec![
        at.ok().into(),
        (if line.provider.is_some() { "provider" } else { "simulated" }).into(),
        line.run.to_string().into(),
        line.kind.as_str().into(),
        line.amount.into(),
        line.currency.map(spotwright_schemas::money::Currency::code).into(),
        line.provider.into(),
        line.reserve.into(),
    ]
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
