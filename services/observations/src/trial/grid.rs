//! The cells of a table of any form, with names for where they stand.

use std::collections::HashMap;
use std::sync::Arc;

use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use parquet::schema::types::Type;
use serde_json::Value;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_tables::place;
use spotwright_tables::sheet::{Kind, sheets};

use super::parquet_file::{check_footer, check_pages, is_parquet};
use super::wrong;
use crate::DecimalMark;
use crate::number::{evidence, is_nothing, plain, stored};

/// Most rows of a table that are read.
const MOST_ROWS: i64 = 10_000_000;
/// Most cells of a parquet file that are read, and most bytes of their texts: one text can stand in many
/// rows.
const MOST_CELLS: i64 = 20_000_000;
const MOST_TEXT_BYTES: usize = 256 << 20;
/// Most columns of a parquet file.
const MOST_COLUMNS: usize = 1_000;

/// Columns that some form has, by their names as [`folded`]; others are not decoded.
const USED: [&str; 42] = [
    "arm",
    "variant",
    "variation",
    "group",
    "units",
    "n",
    "users",
    "visitors",
    "exposures",
    "successes",
    "conversions",
    "clicks",
    "converted",
    "sum",
    "sum_squares",
    "squares",
    "numerator",
    "numerator_squares",
    "denominator",
    "denominator_squares",
    "products",
    "covariate",
    "covariate_sum",
    "covariate_squares",
    "pre",
    "pre_value",
    "metric",
    "weight",
    "period",
    "days",
    "source",
    "unit",
    "unit_id",
    "user",
    "user_id",
    "value",
    "outcome",
    "exposed_at",
    "time",
    "timestamp",
    "date",
    "day",
];

/// A cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Nothing,
    Text(String),
    Number(f64),
}

/// How the rows are named in problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `line 7`
    Lines,
    /// `row 7`
    Rows,
    /// `[6]`
    Json,
}

/// A table.
#[derive(Debug)]
pub(super) struct Grid {
    pub(super) name: String,
    pub(super) header: Vec<String>,
    pub(super) rows: Vec<(u64, Vec<Cell>)>,
    form: Form,
    /// The decimal mark of columns that are text, where they show one.
    marks: HashMap<usize, DecimalMark>,
}

/// A header for comparison.
fn folded(name: &str) -> String {
    let words: Vec<&str> = name
        .split(|c: char| c.is_whitespace() || c == '_' || c == '-')
        .filter(|word| !word.is_empty())
        .collect();
    words.join("_").trim_matches('\u{FEFF}').to_lowercase()
}

impl Grid {
    pub(super) fn of_bytes(bytes: &[u8], name: &str) -> Result<Self, Problem> {
        if bytes.len() as u64 > spotwright_tables::MAX_FILE_BYTES {
            let message = format!("at most {} bytes are read; split it", spotwright_tables::MAX_FILE_BYTES);
            return Err(Problem::new(Code::Table, name, message));
        }
        if is_parquet(bytes) {
            return Self::of_parquet(bytes, name);
        }
        let start = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
        if start.starts_with(b"{") || start.starts_with(b"[") {
            return Self::of_json(start, name);
        }
        Self::of_sheet(bytes, name)
    }

    fn of_sheet(bytes: &[u8], name: &str) -> Result<Self, Problem> {
        let mut sheets = sheets(bytes, name)?;
        let sheet = sheets.swap_remove(0);
        let mut rows = sheet.rows.into_iter().filter(|row| !row.is_blank());
        let empty = || Problem::new(Code::Table, name, "is empty; a header is expected");
        let first = rows.next().ok_or_else(empty)?;
        let header: Vec<String> = (0..first.cells.len()).map(|at| first.text(at).to_owned()).collect();
        let mut grid = Self::new(name, header, Form::Lines);
        for row in rows {
            if let Some(at) = (grid.header.len()..row.cells.len()).find(|at| !row.text(*at).is_empty()) {
                let message = format!("the row has {} cells and the header {}", at + 1, grid.header.len());
                return Err(wrong(place(row.line, ""), message));
            }
            let cells = row.cells.iter().enumerate().map(|(at, cell)| match cell.kind {
                Kind::Error => {
                    let column = grid.header.get(at).map_or("", String::as_str);
                    Err(wrong(place(row.line, column), "the cell holds an error, not a value"))
                }
                _ if is_nothing(&cell.text) => Ok(Cell::Nothing),
                Kind::Number => {
                    let number = stored(&cell.text).and_then(|text| text.parse().ok());
                    Ok(number.map_or_else(|| Cell::Text(cell.text.clone()), Cell::Number))
                }
                Kind::Text | Kind::Date => Ok(Cell::Text(cell.text.trim().to_owned())),
            });
            let cells = cells.collect::<Result<Vec<_>, _>>()?;
            grid.rows.push((row.line, cells));
        }
        grid.find_marks()?;
        Ok(grid)
    }

    fn new(name: &str, header: Vec<String>, form: Form) -> Self {
        Self { name: name.to_owned(), header, rows: Vec::new(), form, marks: HashMap::new() }
    }

    /// Which mark the text numbers of each column show.
    fn find_marks(&mut self) -> Result<(), Problem> {
        let mut shown: HashMap<usize, (DecimalMark, u64)> = HashMap::new();
        for (line, cells) in &self.rows {
            for (at, cell) in cells.iter().enumerate() {
                let Cell::Text(text) = cell else { continue };
                // Only cells that are numbers in one reading or the other say anything of their mark.
                let is_number =
                    plain(text, DecimalMark::Point).is_some() || plain(text, DecimalMark::Comma).is_some();
                let (Ok(Some(mark)), true) = (evidence(text), is_number) else { continue };
                let (before, first) = *shown.entry(at).or_insert((mark, *line));
                if before != mark {
                    let column = self.header.get(at).map_or("", String::as_str);
                    let message = format!(
                        "the number is written otherwise than that of line {first}; use one decimal mark"
                    );
                    return Err(wrong(self.place(*line, column), message));
                }
            }
        }
        self.marks = shown.into_iter().map(|(at, (mark, _))| (at, mark)).collect();
        Ok(())
    }

    fn of_json(bytes: &[u8], name: &str) -> Result<Self, Problem> {
        let mut value: Value = serde_json::from_slice(bytes).map_err(|error| {
            let field = format!("line {}, column {}", error.line(), error.column());
            Problem::new(Code::Table, field, format!("is not JSON: {error}"))
        })?;
        let mut prefix = "";
        if let Value::Object(object) = &mut value {
            let key = ["arms", "rows"].into_iter().find(|key| object.contains_key(*key));
            let Some(key) = key else {
                return Err(wrong(name, "the object has neither `arms` nor `rows`"));
            };
            prefix = key;
            // Days of the whole stand beside the arms.
            let days = object.get("days").cloned();
            let mut inner = object.remove(key).unwrap_or_default();
            if let (Some(days), Value::Array(rows)) = (days, &mut inner) {
                rows.iter_mut().filter_map(Value::as_object_mut).for_each(|row| {
                    row.entry("days").or_insert_with(|| days.clone());
                });
            }
            value = inner;
        }
        let Value::Array(rows) = value else {
            return Err(wrong(prefix, "an array of objects is expected"));
        };
        let mut grid = Self::new(name, Vec::new(), Form::Json);
        let mut places: HashMap<String, usize> = HashMap::new();
        for (idx, row) in rows.into_iter().enumerate() {
            let Value::Object(row) = row else {
                return Err(wrong(format!("{prefix}[{idx}]"), "an object is expected"));
            };
            let mut cells = vec![Cell::Nothing; grid.header.len()];
            for (key, value) in row {
                let at = *places.entry(key.clone()).or_insert_with(|| {
                    grid.header.push(key.clone());
                    grid.header.len() - 1
                });
                cells.resize(cells.len().max(at + 1), Cell::Nothing);
                cells[at] = match value {
                    Value::Null => Cell::Nothing,
                    Value::Bool(value) => Cell::Number(f64::from(u8::from(value))),
                    Value::Number(number) => Cell::Number(number.as_f64().unwrap_or(f64::NAN)),
                    Value::String(text) => Cell::Text(text),
                    Value::Array(_) | Value::Object(_) => {
                        return Err(wrong(format!("[{idx}].{key}"), "a text or a number is expected"));
                    }
                };
            }
            grid.rows.push((idx as u64 + 1, cells));
        }
        grid.find_marks()?;
        Ok(grid)
    }

    fn of_parquet(bytes: &[u8], name: &str) -> Result<Self, Problem> {
        check_footer(bytes, name)?;
        let damaged = |error: &dyn std::fmt::Display| {
            Problem::new(Code::Table, name, format!("is a damaged parquet file: {error}"))
        };
        let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes))
            .map_err(|error| damaged(&error))?;
        let schema = reader.metadata().file_metadata().schema_descr_ptr();
        if schema.num_columns() > MOST_COLUMNS {
            return Err(wrong(name, format!("at most {MOST_COLUMNS} columns are read")));
        }
        let is_used = |at: &usize| {
            let path = schema.column(*at).path().string();
            USED.contains(&folded(path.split('.').next().unwrap_or_default()).as_str())
        };
        let used: Vec<usize> = (0..schema.num_columns()).filter(is_used).collect();
        if let Some(nested) =
            used.iter().map(|at| schema.column(*at)).find(|own| own.path().parts().len() > 1)
        {
            let message = "is nested; a column of texts, numbers or times is expected";
            return Err(wrong(nested.path().parts().first().cloned().unwrap_or_default(), message));
        }
        let n_rows = rows_of(reader.metadata()).ok_or_else(|| damaged(&"its row groups contradict it"))?;
        if n_rows > MOST_ROWS || n_rows.saturating_mul(used.len() as i64) > MOST_CELLS {
            let message = format!("at most {MOST_ROWS} rows and {MOST_CELLS} cells are read; split it");
            return Err(wrong(name, message));
        }
        check_pages(bytes, reader.metadata(), &used)?;
        let header = used.iter().map(|at| schema.column(*at).path().string()).collect();
        let mut grid = Self::new(name, header, Form::Rows);
        if used.is_empty() {
            // What is missing is told by who needs it, of all columns that there are.
            grid.header = schema.columns().iter().map(|column| column.path().string()).collect();
            return Ok(grid);
        }
        let root = schema.root_schema();
        let is_field = |field: &&Arc<Type>| grid.header.iter().any(|name| name == field.name());
        let fields = root.get_fields().iter().filter(is_field).cloned().collect();
        let of_used = Type::group_type_builder(root.name()).with_fields(fields).build();
        let of_used = of_used.map_err(|error| damaged(&error))?;
        grid.take_rows(&reader, of_used, name)?;
        Ok(grid)
    }

    /// Reads the rows of the columns that are used.
    fn take_rows(
        &mut self,
        reader: &SerializedFileReader<bytes::Bytes>,
        of_used: Type,
        name: &str,
    ) -> Result<(), Problem> {
        let groups: Vec<i64> = reader
            .metadata()
            .row_groups()
            .iter()
            .map(parquet::file::metadata::RowGroupMetaData::num_rows)
            .collect();
        let damaged = |line: u64, error: &dyn std::fmt::Display| {
            let field = match group_of(&groups, line) {
                Some(group) => format!("row group {group}, row {line}"),
                None => name.to_owned(),
            };
            Problem::new(Code::Table, field, format!("the parquet file is damaged here: {error}"))
        };
        let mut bytes_left = MOST_TEXT_BYTES;
        let rows = reader.get_row_iter(Some(of_used)).map_err(|error| damaged(0, &error))?;
        for (row, line) in rows.zip(1_u64..) {
            let row = row.map_err(|error| damaged(line, &error))?;
            let mut cells = Vec::with_capacity(self.header.len());
            for (column, field) in row.get_column_iter() {
                let cell = cell_of(field)
                    .ok_or_else(|| wrong(self.place(line, column), "a text, number or time is expected"))?;
                if let Cell::Text(text) = &cell {
                    bytes_left = bytes_left.checked_sub(text.len()).ok_or_else(|| {
                        wrong(self.place(line, column), "the texts up to here are too long; split it")
                    })?;
                }
                cells.push(cell);
            }
            self.rows.push((line, cells));
        }
        Ok(())
    }

    /// Where a cell stands, for problems.
    pub(super) fn place(&self, line: u64, column: &str) -> String {
        match self.form {
            Form::Lines => place(line, column),
            Form::Rows if column.is_empty() => format!("row {line}"),
            Form::Rows => format!("row {line}, {column}"),
            Form::Json if column.is_empty() => format!("[{}]", line.saturating_sub(1)),
            Form::Json => format!("[{}].{column}", line.saturating_sub(1)),
        }
    }

    /// The column that has one of these names.
    pub(super) fn column(&self, names: &[&str]) -> Result<Option<usize>, Problem> {
        let mut found =
            (0..self.header.len()).filter(|at| names.contains(&folded(&self.header[*at]).as_str()));
        let first = found.next();
        if let (Some(first), Some(second)) = (first, found.next()) {
            let message = format!(
                "`{:.40}` and `{:.40}` mean the same; remove one",
                self.header[first], self.header[second]
            );
            return Err(wrong(self.header[second].clone(), message));
        }
        Ok(first)
    }

    /// The column that must be there.
    pub(super) fn needed(&self, names: &[&str]) -> Result<usize, Problem> {
        self.column(names)?.ok_or_else(|| {
            let listed: Vec<String> = self.header.iter().take(20).map(|own| format!("`{own:.40}`")).collect();
            let message = format!("the column is missing in `{}`; it has {}", self.name, listed.join(", "));
            wrong(names.first().copied().unwrap_or_default(), message)
        })
    }

    /// A cell's text; numbers are written out.
    pub(super) fn text(row: &(u64, Vec<Cell>), at: usize) -> Option<String> {
        match row.1.get(at) {
            None | Some(Cell::Nothing) => None,
            Some(Cell::Text(text)) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Some(Cell::Number(number)) => Some(format!("{number}")),
        }
    }

    /// A cell's number; `None` where it is empty.
    pub(super) fn number(&self, row: &(u64, Vec<Cell>), at: usize) -> Result<Option<f64>, Problem> {
        let place = || self.place(row.0, &self.header[at]);
        let number = match row.1.get(at) {
            None | Some(Cell::Nothing) => return Ok(None),
            Some(Cell::Number(number)) => *number,
            Some(Cell::Text(text)) => {
                let mark = self.marks.get(&at).copied();
                if mark.is_none() && evidence(text) == Err(()) {
                    let message =
                        format!("`{text:.30}` may be read in two ways; write it without separators");
                    return Err(wrong(place(), message));
                }
                let found = plain(text, mark.unwrap_or(DecimalMark::Point)).or_else(|| scientific(text));
                found
                    .and_then(|text| text.parse().ok())
                    .ok_or_else(|| wrong(place(), format!("`{text:.30}` is not a number")))?
            }
        };
        if number.is_finite() { Ok(Some(number)) } else { Err(wrong(place(), "the number is not finite")) }
    }

    /// A cell's whole number of at least 0.
    pub(super) fn count(&self, row: &(u64, Vec<Cell>), at: usize) -> Result<u64, Problem> {
        let place = || self.place(row.0, &self.header[at]);
        let number = self.number(row, at)?.ok_or_else(|| wrong(place(), "the cell is empty"))?;
        if number < 0.0 {
            return Err(wrong(place(), format!("{number} is below 0")));
        }
        if number.fract() != 0.0 {
            return Err(wrong(place(), format!("{number} is not a whole count")));
        }
        if number >= 9_007_199_254_740_992.0 {
            return Err(wrong(place(), format!("{number} is more than can be counted")));
        }
        Ok(number as u64)
    }
}

/// Rows of all groups, where the file says the same of them; none is below 0.
fn rows_of(metadata: &ParquetMetaData) -> Option<i64> {
    let mut sum = 0_i64;
    for group in metadata.row_groups() {
        sum = sum.checked_add(group.num_rows()).filter(|_| group.num_rows() >= 0)?;
    }
    (sum == metadata.file_metadata().num_rows()).then_some(sum)
}

/// The number of the row group, from 1, that a row is in.
fn group_of(groups: &[i64], line: u64) -> Option<usize> {
    let mut before = 0_u64;
    groups
        .iter()
        .position(|rows| {
            before = before.saturating_add(rows.unsigned_abs());
            line <= before
        })
        .filter(|_| line > 0)
        .map(|at| at + 1)
}

/// `1.5e-3` as programs write it.
fn scientific(text: &str) -> Option<String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte));
    let begins = text.trim_start_matches(['-', '+']).starts_with(|c: char| c.is_ascii_digit());
    (is_plain && begins && text.parse::<f64>().is_ok()).then(|| text.to_owned())
}

/// A value of a parquet column; `None` for lists, maps and raw bytes.
fn cell_of(field: &Field) -> Option<Cell> {
    Some(match field {
        Field::Null => Cell::Nothing,
        Field::Bool(value) => Cell::Number(f64::from(u8::from(*value))),
        Field::Byte(value) => Cell::Number(f64::from(*value)),
        Field::Short(value) => Cell::Number(f64::from(*value)),
        Field::Int(value) => Cell::Number(f64::from(*value)),
        Field::UByte(value) => Cell::Number(f64::from(*value)),
        Field::UShort(value) => Cell::Number(f64::from(*value)),
        Field::UInt(value) => Cell::Number(f64::from(*value)),
        // Ids have more digits than numbers hold.
        Field::Long(value) if value.unsigned_abs() >= 1 << 53 => Cell::Text(value.to_string()),
        Field::ULong(value) if *value >= 1 << 53 => Cell::Text(value.to_string()),
        Field::Long(value) => Cell::Number(*value as f64),
        Field::ULong(value) => Cell::Number(*value as f64),
        Field::Float(value) => Cell::Number(f64::from(*value)),
        Field::Double(value) => Cell::Number(*value),
        Field::Str(text) => Cell::Text(text.clone()),
        Field::Date(days) => Cell::Text(timestamp(i64::from(*days).checked_mul(86_400_000_000)?)?),
        Field::TimestampMillis(millis) => Cell::Text(timestamp(millis.checked_mul(1_000)?)?),
        Field::TimestampMicros(micros) => Cell::Text(timestamp(*micros)?),
        _ => return None,
    })
}

fn timestamp(micros: i64) -> Option<String> {
    jiff::Timestamp::from_microsecond(micros).ok().map(|time| time.to_string())
}
