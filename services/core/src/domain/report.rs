//! Reports: tables that are made on order and kept for a while.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use spotwright_schemas::Problem;
use spotwright_schemas::ids::{OrganizationId, ReportId, RunId, VariantId};
use spotwright_schemas::money::Micros;

use super::observation::SourceKind;
use super::variant::VariantBody;
use crate::ports::artifacts::ArtifactHash;

/// How long a report can be fetched: seven days, in microseconds.
pub const KEPT: i64 = 7 * 24 * 3_600 * 1_000_000;

/// How long making one may take: ten minutes, in microseconds.
pub const DEADLINE: i64 = 600 * 1_000_000;

/// How often it is tried; processes may end under it.
pub const MAX_ATTEMPTS: u32 = 5;

/// What a report tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    /// What the elements of ads go along with, over the variants that were shown.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportFormat {
    /// One JSON document: `{"columns": [...], "data": [{...}]}`.
    Json,
    /// Comma-separated values with a header (RFC 4180).
    Csv,
    /// Apache Parquet: optional columns of the kinds that their report names, compressed with zstd.
    Parquet,
}

/// What a report is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportOrder {
    /// What it tells.
    pub kind: ReportKind,
    /// How it is written.
    pub format: ReportFormat,
    /// Whose numbers; simulated and imported ones are never in one report. The ledger has both, each row with
    /// its own.
    pub source: SourceKind,
    /// Only this run.
    #[serde(default)]
    pub run: Option<RunId>,
    /// Only from this day on, `YYYY-MM-DD`, UTC.
    #[serde(default)]
    pub from: Option<String>,
    /// Only until this day, included.
    #[serde(default)]
    pub to: Option<String>,
}

/// Where a report stands.
#[derive(Debug, Clone, PartialEq)]
pub enum ReportState {
    /// Not begun.
    Queued,
    /// Being made.
    Running,
    /// It can be fetched.
    Done(ReportFile),
    /// It could not be made.
    Failed(Problem),
}

/// A report that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportFile {
    /// The file.
    pub hash: ArtifactHash,
    /// Its rows.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
}

/// A report as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Its id.
    pub id: ReportId,
    /// What was ordered.
    pub order: ReportOrder,
    /// Where it stands.
    pub state: ReportState,
    /// When it was ordered.
    pub created_at: i64,
    /// When it ended.
    pub ended_at: Option<i64>,
}

impl Report {
    /// Until when it can be fetched.
    #[must_use]
    pub fn expires_at(&self) -> Option<i64> {
        match self.state {
            ReportState::Done(_) => self.ended_at.map(|ended| ended + KEPT),
            _ => None,
        }
    }
}

/// A report that this process makes.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedReport {
    /// Its id.
    pub id: ReportId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// What was ordered.
    pub order: ReportOrder,
    /// When it was ordered.
    pub created_at: i64,
    /// How often it was claimed, this time included.
    pub attempts: u32,
    /// Its claim's number.
    pub fence: i64,
}

/// What a variant that was shown did by one kind of source, and what it is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Exposure {
    /// Its run.
    pub run: RunId,
    /// Its generation.
    pub generation: u32,
    /// Its number within the generation.
    pub number: u32,
    /// The variant.
    pub variant: VariantId,
    /// The product of its brief.
    pub product: String,
    /// The call to action of its brief.
    pub call_to_action: String,
    /// What it says and shows.
    pub body: VariantBody,
    /// Times shown.
    pub impressions: u64,
    /// Times clicked.
    pub clicks: u64,
    /// What it cost, by currency.
    pub spend: Vec<(String, Micros)>,
}

/// A value of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Not known, or none.
    Nothing,
    /// Words.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Self::Nothing, Self::Whole)
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::Whole(number.into())
    }
}

impl From<Micros> for Cell {
    fn from(amount: Micros) -> Self {
        Self::Whole(amount.0)
    }
}

impl From<f64> for Cell {
    /// What is not finite is not known.
    fn from(number: f64) -> Self {
        if number.is_finite() { Self::Number(number) } else { Self::Nothing }
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

impl Cell {
    fn json(&self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Text(text) => json!(text),
            Self::Whole(number) => json!(number),
            Self::Number(number) => json!(number),
            Self::Flag(flag) => json!(flag),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Text(text) => text.clone(),
            Self::Whole(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
        }
    }
}

/// What the cells of a column hold, where they hold something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// [`Cell::Text`].
    Text,
    /// [`Cell::Whole`].
    Whole,
    /// [`Cell::Number`].
    Number,
    /// [`Cell::Flag`].
    Flag,
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name, in `snake_case`.
    pub name: &'static str,
    /// What its cells hold.
    pub kind: ColumnKind,
}

/// Rows under the same columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    /// The columns.
    pub columns: &'static [Column],
    /// Rows, each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
}

impl Table {
    /// The table as one JSON document: `{"columns": [...], "data": [{...}]}`.
    #[must_use]
    pub fn json(&self) -> Value {
        let row = |row: &Vec<Cell>| {
            let pairs =
                self.columns.iter().zip(row).map(|(column, cell)| (column.name.to_owned(), cell.json()));
            Value::Object(pairs.collect::<Map<_, _>>())
        };
        let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
        json!({ "columns": names, "data": self.rows.iter().map(row).collect::<Vec<_>>() })
    }

    /// The table as comma-separated values with a header (RFC 4180).
    #[must_use]
    pub fn csv(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|column| column.name).collect();
        let mut text = names.join(",");
        text.push_str("\r\n");
        for row in &self.rows {
            let cells: Vec<String> = row.iter().map(|cell| quoted(&cell.text())).collect();
            text.push_str(&cells.join(","));
            text.push_str("\r\n");
        }
        text
    }
}

/// A cell of a CSV file. What a spreadsheet would take for a formula is kept from being one.
fn quoted(text: &str) -> String {
    let number = text.parse::<f64>().is_ok();
    let formula = !number && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_written_in_both_forms() {
        const COLUMNS: &[Column] = &[
            Column { name: "name", kind: ColumnKind::Text },
            Column { name: "clicks", kind: ColumnKind::Whole },
            Column { name: "rate", kind: ColumnKind::Number },
            Column { name: "known", kind: ColumnKind::Flag },
        ];
        let table = Table {
            columns: COLUMNS,
            rows: vec![
                vec!["a, \"b\"".into(), 7_u64.into(), 0.5.into(), true.into()],
                vec!["=1+1".into(), Cell::Whole(-3), f64::NAN.into(), Cell::Nothing],
            ],
        };
        assert_eq!(table.csv(), "name,clicks,rate,known\r\n\"a, \"\"b\"\"\",7,0.5,true\r\n'=1+1,-3,,\r\n");
        let document = table.json();
        assert_eq!(document["columns"], json!(["name", "clicks", "rate", "known"]));
        assert_eq!(
            document["data"][0],
            json!({ "name": "a, \"b\"", "clicks": 7, "rate": 0.5, "known": true })
        );
        assert_eq!(document["data"][1]["rate"], Value::Null);
    }
}
