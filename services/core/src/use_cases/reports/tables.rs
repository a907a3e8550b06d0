//! What reports are made of.

use jiff::Timestamp;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{KeyId, OrganizationId, RunId};

use super::days;
use crate::domain::account::OrganizationContext;
use crate::domain::books::{LedgerFilter, LedgerLine};
use crate::domain::observation::{Amount, ObservationRecord};
use crate::domain::report::{
    Cell, ClaimedReport, Column, ColumnKind, Exposure, ReportKind, ReportOrder, Table,
};
use crate::domain::variant::Variant;
use crate::ports::accounts::{AccountStore, Page};
use crate::ports::observations::{ObservationFilter, ObservationStore};
use crate::ports::reports::ElementAnalysis;

/// Rows read at once.
const PAGE: u32 = 200;

/// Most rows of a report.
const MOST_ROWS: usize = 200_000;

/// Columns of the report on performance.
const PERFORMANCE: &[Column] = &[
    Column { name: "source", kind: ColumnKind::Text },
    Column { name: "run", kind: ColumnKind::Text },
    Column { name: "generation", kind: ColumnKind::Whole },
    Column { name: "number", kind: ColumnKind::Whole },
    Column { name: "variant", kind: ColumnKind::Text },
    Column { name: "product", kind: ColumnKind::Text },
    Column { name: "impressions", kind: ColumnKind::Whole },
    Column { name: "clicks", kind: ColumnKind::Whole },
    Column { name: "ctr", kind: ColumnKind::Number },
    Column { name: "spend_micros", kind: ColumnKind::Whole },
    Column { name: "currency", kind: ColumnKind::Text },
];

/// Columns of the report on the ledger.
const LEDGER: &[Column] = &[
    Column { name: "at", kind: ColumnKind::Text },
    Column { name: "source", kind: ColumnKind::Text },
    Column { name: "run", kind: ColumnKind::Text },
    Column { name: "entry", kind: ColumnKind::Text },
    Column { name: "amount_micros", kind: ColumnKind::Whole },
    Column { name: "currency", kind: ColumnKind::Text },
    Column { name: "provider", kind: ColumnKind::Text },
    Column { name: "reserve", kind: ColumnKind::Text },
];

/// Columns of the report on variants.
const VARIANTS: &[Column] = &[
    Column { name: "source", kind: ColumnKind::Text },
    Column { name: "run", kind: ColumnKind::Text },
    Column { name: "generation", kind: ColumnKind::Whole },
    Column { name: "number", kind: ColumnKind::Whole },
    Column { name: "variant", kind: ColumnKind::Text },
    Column { name: "state", kind: ColumnKind::Text },
    Column { name: "hook", kind: ColumnKind::Text },
    Column { name: "angle", kind: ColumnKind::Text },
    Column { name: "structure", kind: ColumnKind::Text },
    Column { name: "visual_style", kind: ColumnKind::Text },
    Column { name: "predicted_ctr", kind: ColumnKind::Number },
    Column { name: "predicted_low", kind: ColumnKind::Number },
    Column { name: "predicted_high", kind: ColumnKind::Number },
    Column { name: "model", kind: ColumnKind::Text },
    Column { name: "parents", kind: ColumnKind::Text },
];

/// Columns of the report on observations.
const OBSERVATIONS: &[Column] = &[
    Column { name: "source", kind: ColumnKind::Text },
    Column { name: "platform", kind: ColumnKind::Text },
    Column { name: "ad", kind: ColumnKind::Text },
    Column { name: "variant", kind: ColumnKind::Text },
    Column { name: "window_start", kind: ColumnKind::Text },
    Column { name: "window_end", kind: ColumnKind::Text },
    Column { name: "time_zone", kind: ColumnKind::Text },
    Column { name: "impressions", kind: ColumnKind::Whole },
    Column { name: "clicks", kind: ColumnKind::Whole },
    Column { name: "conversions", kind: ColumnKind::Text },
    Column { name: "spend_micros", kind: ColumnKind::Whole },
    Column { name: "spend_currency", kind: ColumnKind::Text },
    Column { name: "revenue_micros", kind: ColumnKind::Whole },
    Column { name: "revenue_currency", kind: ColumnKind::Text },
    Column { name: "revision", kind: ColumnKind::Whole },
];

/// What reports are made from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// Runs, variants and money.
    pub accounts: &'a dyn AccountStore,
    /// What ads did.
    pub observations: &'a dyn ObservationStore,
    /// What the elements of ads go along with.
    pub analysis: &'a dyn ElementAnalysis,
}

/// The table of a claimed report. For the program itself, which has checked who ordered it.
///
/// # Errors
/// [`Code::RequestValue`] for more rows than a report may have; those of the store.
pub async fn table(sources: &Sources<'_>, claim: &ClaimedReport) -> Result<Table, Problem> {
    let accounts = sources.accounts;
    let context = whole(claim.organization);
    let order = &claim.order;
    match order.kind {
        ReportKind::Elements => {
            let exposures = accounts.shown_creatives(context, order).await?;
            sources.analysis.attribute(order.source.as_str(), &exposures)
        }
        ReportKind::Performance => {
            Ok(performance(order.source.as_str(), &accounts.shown_creatives(context, order).await?))
        }
        ReportKind::Ledger => ledger(accounts, context, order).await,
        ReportKind::Variants => variants(accounts, context, order).await,
        ReportKind::Observations => observations(sources.observations, claim.organization, order).await,
    }
}

/// The program itself in an organization.
const fn whole(organization: OrganizationId) -> OrganizationContext {
    OrganizationContext { organization, key: KeyId(uuid::Uuid::nil()) }
}

/// What each variant delivered, a row for each currency.
fn performance(source: &str, exposures: &[Exposure]) -> Table {
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
    Table { columns: PERFORMANCE, rows }
}

async fn ledger(
    accounts: &dyn AccountStore,
    context: OrganizationContext,
    order: &ReportOrder,
) -> Result<Table, Problem> {
    let (from, to) = days(order)?;
    let filter = LedgerFilter { run: order.run, from, to };
    let mut table = Table { columns: LEDGER, rows: Vec::new() };
    let mut page = Page { before: None, limit: PAGE };
    loop {
        let lines = accounts.ledger(context, filter, page).await?;
        let Some(last) = lines.last() else { return Ok(table) };
        page.before = Some(last.position);
        table.rows.extend(lines.into_iter().map(|line| ledger_row(line.row)));
        bounded(&table)?;
    }
}

/// Refuses a table that has grown too long.
fn bounded(table: &Table) -> Result<(), Problem> {
    if table.rows.len() <= MOST_ROWS {
        return Ok(());
    }
    let message = format!("more than {MOST_ROWS} rows; ask for fewer days or one run");
    Err(Problem::new(Code::RequestValue, "filters", message))
}

fn ledger_row(line: LedgerLine) -> Vec<Cell> {
    let at = Timestamp::from_microsecond(line.at).map(|at| at.to_string());
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

/// The variants of a run, or of all runs that were ordered in the asked days.
async fn variants(
    accounts: &dyn AccountStore,
    context: OrganizationContext,
    order: &ReportOrder,
) -> Result<Table, Problem> {
    let mut table = Table { columns: VARIANTS, rows: Vec::new() };
    for run in runs(accounts, context, order).await? {
        let mut after = (0, 0);
        loop {
            let found = accounts.variants(context, run, after, None, PAGE).await?;
            let Some(last) = found.last() else { break };
            after = (last.generation, last.number);
            table.rows.extend(found.iter().map(|variant| variant_row(order.source.as_str(), variant)));
            bounded(&table)?;
        }
    }
    Ok(table)
}

/// The asked run, or those that were ordered in the asked days, newest first.
async fn runs(
    accounts: &dyn AccountStore,
    context: OrganizationContext,
    order: &ReportOrder,
) -> Result<Vec<RunId>, Problem> {
    if let Some(run) = order.run {
        return Ok(vec![run]);
    }
    let (from, to) = days(order)?;
    let mut found = Vec::new();
    let mut page = Page { before: None, limit: PAGE };
    loop {
        let runs = accounts.runs(context, page).await?;
        let Some(last) = runs.last() else { return Ok(found) };
        page.before = Some(last.position);
        let asked = runs.iter().filter(|run| {
            let at = run.row.created_at;
            from.is_none_or(|from| from <= at) && to.is_none_or(|to| at < to)
        });
        found.extend(asked.map(|run| run.row.id));
    }
}

fn variant_row(source: &str, variant: &Variant) -> Vec<Cell> {
    let (script, score) = (&variant.body.script, variant.body.score.as_ref());
    let style = serde_json::to_value(variant.body.storyboard.style).unwrap_or_default();
    let parents: Vec<String> = variant.body.parents.iter().map(ToString::to_string).collect();
    vec![
        source.into(),
        variant.run.to_string().into(),
        variant.generation.into(),
        variant.number.into(),
        variant.id.to_string().into(),
        variant.state.as_str().into(),
        script.direction.hook.as_str().into(),
        script.direction.angle.as_str().into(),
        script.structure.map(spotwright_schemas::script::Structure::as_str).into(),
        style.as_str().into(),
        score.map(|score| score.predicted_ctr).into(),
        score.map(|score| score.interval[0]).into(),
        score.map(|score| score.interval[1]).into(),
        score.map(|score| score.model.as_str()).into(),
        parents.join(" ").into(),
    ]
}

/// What ads did in windows of days, newest first.
async fn observations(
    store: &dyn ObservationStore,
    organization: OrganizationId,
    order: &ReportOrder,
) -> Result<Table, Problem> {
    let mut table = Table { columns: OBSERVATIONS, rows: Vec::new() };
    let filter = ObservationFilter { source: order.source, platform: None, variant: None, import: None };
    let mut page = Page { before: None, limit: PAGE };
    loop {
        let found = store.observations(organization, &filter, page).await?;
        let Some(last) = found.last() else { return Ok(table) };
        page.before = Some(last.position);
        let asked = found.into_iter().map(|row| row.row).filter(|row| is_within(row, order));
        table.rows.extend(asked.map(observation_row));
        bounded(&table)?;
    }
}

/// Whether an observation's window lies within the asked days.
fn is_within(record: &ObservationRecord, order: &ReportOrder) -> bool {
    let window = &record.observation.window;
    let (start, end) = (window.start.to_string(), window.end.to_string());
    order.from.as_ref().is_none_or(|from| *from <= start) && order.to.as_ref().is_none_or(|to| end <= *to)
}

fn observation_row(record: ObservationRecord) -> Vec<Cell> {
    let own = record.observation;
    let platform = own.source.platform();
    let money = |amount: Option<Amount>| -> [Cell; 2] {
        match amount {
            Some(amount) => [amount.micros.into(), amount.currency.into()],
            None => [Cell::Nothing, Cell::Nothing],
        }
    };
    let mut row: Vec<Cell> = vec![
        own.source.kind().as_str().into(),
        (!platform.is_empty()).then(|| platform.to_owned()).into(),
        own.ad.as_text().into(),
        record.variant.map(|variant| variant.to_string()).into(),
        own.window.start.to_string().into(),
        own.window.end.to_string().into(),
        own.window.time_zone.into(),
        own.impressions.into(),
        own.clicks.into(),
        own.conversions.into(),
    ];
    row.extend(money(own.spend));
    row.extend(money(own.revenue));
    row.push(record.revision.into());
    row
}
