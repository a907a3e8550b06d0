//! `spotwright results read` and `results import`: what an export of an advertising platform says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use spotwright_observations::{
    DateOrder, DecimalMark, Given, Observation, Platform, Reading, Window, date, export, told,
};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use super::results_import::{self, ImportArguments};
use super::{Machine, print_json, print_text, table_bytes};
use crate::config::Config;

/// Results from outside.
#[derive(Debug, Subcommand)]
pub enum Results {
    /// Read a platform's export and print what was understood; nothing is stored.
    Read(Box<ReadArguments>),
    /// Take a platform's export into the database of a run or of a service.
    Import(Box<ImportArguments>),
}

impl Results {
    /// Whether one JSON document is asked for.
    #[must_use]
    pub fn wants_json(&self) -> bool {
        match self {
            Self::Read(arguments) => arguments.json,
            Self::Import(arguments) => arguments.read.json,
        }
    }
}

/// Options of `results read`.
#[derive(Debug, Clone, Args)]
pub struct ReadArguments {
    /// The export: CSV or XLSX.
    pub file: PathBuf,
    /// The platform, where it is not recognized: meta, tiktok, google_ads, kuaishou, oceanengine, qianchuan,
    /// linkedin, amazon_ads, snapchat, pinterest or other.
    #[arg(long)]
    pub source: Option<String>,
    /// A JSON file with headers and what they hold, e.g. `{"Kosten": "spend"}`.
    #[arg(long = "map")]
    pub map: Option<PathBuf>,
    /// Currency of the amounts, where the file names none, e.g. EUR.
    #[arg(long)]
    pub currency: Option<String>,
    /// Time zone of the account, where the file names none, e.g. Europe/Berlin.
    #[arg(long)]
    pub time_zone: Option<String>,
    /// First day of the report, where its rows have no dates.
    #[arg(long, requires = "to")]
    pub from: Option<String>,
    /// Last day of the report.
    #[arg(long, requires = "from")]
    pub to: Option<String>,
    /// What stands before the decimals, where the file leaves it open: point or comma.
    #[arg(long)]
    pub decimals: Option<String>,
    /// What stands first in dates, where the file leaves it open: day_first or month_first.
    #[arg(long)]
    pub dates: Option<String>,
    /// Refuse the whole file where a row is refused.
    #[arg(long)]
    pub atomic: bool,
    /// Print CSV.
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print one JSON document.
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`Code::Option`] for an option; [`Code::Table`] and [`Code::Export`] for the file; as
/// [`results_import::execute`].
pub async fn execute(what: &Results, config: &Config) -> Result<(), Problem> {
    let arguments = match what {
        Results::Read(arguments) => arguments,
        Results::Import(arguments) => return results_import::execute(arguments, config).await,
    };
    let reading = read(arguments)?;
    if arguments.json {
        print_json(&document(&reading));
    } else if arguments.csv {
        print_text(&told::observations(&reading));
    } else {
        print_text(&shown(&reading));
    }
    Ok(())
}

fn read(arguments: &ReadArguments) -> Result<Reading, Problem> {
    let (bytes, name) = table_bytes(&arguments.file)?;
    export::read(&bytes, &name, &given(arguments)?)
}

/// What the options say about a file.
///
/// # Errors
/// [`Code::Option`] for an option that is none.
pub(super) fn given(arguments: &ReadArguments) -> Result<Given, Problem> {
    Ok(Given {
        source: arguments.source.as_deref().map(Platform::parse).transpose()?,
        mapping: arguments.map.as_deref().map(mapping).transpose()?,
        currency: arguments.currency.clone(),
        time_zone: arguments.time_zone.clone(),
        window: window(arguments.from.as_deref(), arguments.to.as_deref())?,
        decimal_mark: arguments.decimals.as_deref().map(decimal_mark).transpose()?,
        date_order: arguments.dates.as_deref().map(date_order).transpose()?,
        atomic: arguments.atomic,
    })
}

fn option(field: &str, message: impl Into<String>) -> Problem {
    Problem::new(Code::Option, field, message)
}

fn mapping(path: &Path) -> Result<BTreeMap<String, String>, Problem> {
    let (bytes, name) = table_bytes(path)?;
    serde_json::from_slice(&bytes)
        .map_err(|error| option("--map", format!("`{name}` is no JSON object of texts: {error}")))
}

fn window(from: Option<&str>, to: Option<&str>) -> Result<Option<Window>, Problem> {
    let day = |text: &str, field: &str| {
        let found = date::written(text).and_then(|written| written.resolved(None));
        found.ok_or_else(|| option(field, format!("`{text:.40}` is no date; write 2026-09-07")))
    };
    match (from, to) {
        (Some(from), Some(to)) => Ok(Some(Window { start: day(from, "--from")?, end: day(to, "--to")? })),
        _ => Ok(None),
    }
}

fn decimal_mark(text: &str) -> Result<DecimalMark, Problem> {
    match text {
        "point" => Ok(DecimalMark::Point),
        "comma" => Ok(DecimalMark::Comma),
        _ => Err(option("--decimals", format!("`{text:.20}` is neither point nor comma"))),
    }
}

fn date_order(text: &str) -> Result<DateOrder, Problem> {
    match text {
        "day_first" => Ok(DateOrder::DayFirst),
        "month_first" => Ok(DateOrder::MonthFirst),
        _ => Err(option("--dates", format!("`{text:.20}` is neither day_first nor month_first"))),
    }
}

/// The fields that scripts rely on, flat; everything else under `detail`.
fn flat(own: &Observation) -> Value {
    let clicks = own.counted_clicks();
    json!({
        "line": own.line,
        "source": own.source,
        "external_ad_id": own.external_ad_id,
        "ad_name": own.ad_name,
        "campaign_name": own.campaign_name,
        "group_name": own.group_name,
        "window_start": own.window.map(|window| window.start.to_string()),
        "window_end": own.window.map(|window| window.end.to_string()),
        "currency": own.currency,
        "impressions": own.impressions.as_ref().and_then(|count| count.value),
        "clicks": clicks.and_then(|own| own.value),
        "click_column": clicks.map(|own| &own.column),
        "conversions": own.conversions.as_ref().and_then(spotwright_observations::Conversions::number),
        "spend_micros": own.spend_micros,
        "revenue_micros": own.revenue_micros,
        "detail": own,
    })
}

pub(super) fn document(reading: &Reading) -> Value {
    let observations: Vec<Value> = reading.observations.iter().map(flat).collect();
    json!({
        "source": reading.source,
        "language": reading.language,
        "sheet": reading.sheet,
        "form": reading.form,
        "header_line": reading.header_line,
        "time_zone": reading.time_zone,
        "time_zone_source": reading.time_zone_source,
        "click_column": reading.click_column,
        "unread_columns": reading.unread_columns,
        "observations": observations,
        "skipped": reading.skipped,
        "refused": reading.refused,
        "asked": reading.asked,
        "notes": reading.notes,
        "seed": Value::Null,
        "version": env!("CARGO_PKG_VERSION"),
        "machine": Machine::here(),
    })
}

pub(super) fn shown(reading: &Reading) -> String {
    let mut text = format!("{}, {}\n", reading.source.name(), reading.form);
    // Writing to a string does not fail.
    for own in &reading.observations {
        let ad =
            own.external_ad_id.as_deref().or(own.ad_name.as_deref()).or(own.asin.as_deref()).unwrap_or("?");
        let days = own.window.map_or_else(
            || "days not known".to_owned(),
            |window| {
                if window.start == window.end {
                    window.start.to_string()
                } else {
                    format!("{} to {}", window.start, window.end)
                }
            },
        );
        let count = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        let spend = own
            .spend_micros
            .map_or_else(|| "-".to_owned(), |micros| spotwright_schemas::Micros(micros).to_decimal());
        let _ = writeln!(
            text,
            "line {}: {ad}, {days}: {} impressions, {} clicks, {} conversions, {spend} {}",
            own.line,
            count(own.impressions.as_ref().and_then(|own| own.value)),
            count(own.counted_clicks().and_then(|own| own.value)),
            own.conversions.as_ref().and_then(|own| own.value.as_deref()).unwrap_or("-"),
            own.currency.as_deref().unwrap_or("(currency not known)"),
        );
    }
    for own in &reading.refused {
        let column = if own.column.is_empty() { String::new() } else { format!(", {}", own.column) };
        let _ = writeln!(text, "refused line {}{column}: {}", own.line, own.message);
    }
    for own in &reading.notes {
        let _ = writeln!(text, "note: {own}");
    }
    for own in &reading.asked {
        let option = match own.asked {
            spotwright_observations::Asked::Currency => "--currency",
            spotwright_observations::Asked::TimeZone => "--time-zone",
            spotwright_observations::Asked::Window => "--from and --to",
            spotwright_observations::Asked::NumberFormat => "--decimals",
            spotwright_observations::Asked::DateOrder => "--dates",
        };
        let _ = writeln!(text, "needed: {option} ({})", own.why);
    }
    let _ = writeln!(
        text,
        "{} observations, {} lines skipped, {} refused",
        reading.observations.len(),
        reading.skipped.len(),
        reading.refused.len()
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_says_what_it_needs() {
        let csv = "Campaign name,Ad name,Ad ID,By Day,Cost,Impressions,Clicks (destination)\n\
                   Autumn,Hook A,1799,2026-09-07,148.60,12480,211\n";
        let reading = export::read(csv.as_bytes(), "a.csv", &Given::default()).unwrap();
        let text = shown(&reading);
        assert!(text.contains("line 2: 1799, 2026-09-07: 12480 impressions, 211 clicks"), "{text}");
        assert!(text.contains("needed: --currency") && text.contains("needed: --time-zone"), "{text}");
        let document = document(&reading);
        assert_eq!(document["observations"][0]["click_column"], "Clicks (destination)");
        assert_eq!(document["observations"][0]["spend_micros"], 148_600_000);
        assert_eq!(document["asked"][0]["asked"], "currency");
    }

    #[test]
    fn options_that_are_wrong_are_named() {
        assert_eq!(window(Some("2026-09-07"), Some("9/8/2026")).unwrap_err().field, "--to");
        assert_eq!(decimal_mark("dot").unwrap_err().field, "--decimals");
        assert_eq!(date_order("year").unwrap_err().field, "--dates");
        assert!(mapping(Path::new("/nowhere.json")).is_err());
    }
}
