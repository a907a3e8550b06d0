//! Log rows: what was shown, with which probability it was chosen, and what came of it.
//!
//! A row is one span of a campaign in which one placement was chosen with one probability. Rows are
//! written once and never changed; a table is a Parquet or a CSV file with these columns, in this
//! order, none of them ever null:
//!
//! | column | type | meaning |
//! |---|---|---|
//! | `format` | text | always `spotwright.log-rows.v1` |
//! | `run`, `generation` | text, count | the campaign: one run's generation, from 1 |
//! | `brief`, `locale` | text | the brief's short name and language |
//! | `variant`, `placement` | text | what was shown, and where it is accounted for |
//! | `kind` | text | kind of placement, e.g. `simulated_feed` |
//! | `source` | text | `simulated` or `imported`; one table holds one kind |
//! | `hour` | number | hours since the market opened, in the middle of the span |
//! | `model`, `predicted_ctr` | text, number | who predicted, and what, in (0, 1) |
//! | `propensity` | number | probability of the choice, in (0, 1]; 1 where a rule decided |
//! | `chosen`, `impressions`, `clicks` | count | opportunities, and how many of them were seen and clicked |
//! | `headline`, `text` | text | what the model saw |
//!
//! [`click_tests`] turns rows into click tests to fit on, [`rounds`] into rounds for off-policy
//! estimates.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::record::Field;
use parquet::schema::parser::parse_message_type;
use spotwright_experiment::off_policy::Round;

use crate::data::{ClickTestRow, Split};
use crate::error::Error;

/// Name of the format, in every row.
pub const FORMAT: &str = "spotwright.log-rows.v1";
/// Larger tables are refused.
const MAX_FILE_BYTES: u64 = 512 << 20;
/// Longest text in a row, in characters.
const MAX_TEXT_CHARS: usize = 10_000;
/// Largest count: above it, counts are not whole numbers in `f64`.
const MAX_COUNT: u64 = 1 << 53;
/// Hours of a week.
const WEEK_HOURS: f64 = 168.0;

/// One row; the columns are described in the [module](self).
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "each field is a column of the module's table")]
pub struct LogRow {
    pub run: String,
    pub generation: u64,
    pub brief: String,
    pub locale: String,
    pub variant: String,
    pub placement: String,
    pub kind: String,
    pub source: String,
    pub hour: f64,
    pub model: String,
    pub predicted_ctr: f64,
    pub propensity: f64,
    pub chosen: u64,
    pub impressions: u64,
    pub clicks: u64,
    pub headline: String,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Count,
    Number,
}

#[derive(Clone, Copy)]
enum Cell<'a> {
    Text(&'a str),
    Count(u64),
    Number(f64),
}

const N_COLUMNS: usize = 18;
const COLUMNS: [(&str, Kind); N_COLUMNS] = [
    ("format", Kind::Text),
    ("run", Kind::Text),
    ("generation", Kind::Count),
    ("brief", Kind::Text),
    ("locale", Kind::Text),
    ("variant", Kind::Text),
    ("placement", Kind::Text),
    ("kind", Kind::Text),
    ("source", Kind::Text),
    ("hour", Kind::Number),
    ("model", Kind::Text),
    ("predicted_ctr", Kind::Number),
    ("propensity", Kind::Number),
    ("chosen", Kind::Count),
    ("impressions", Kind::Count),
    ("clicks", Kind::Count),
    ("headline", Kind::Text),
    ("text", Kind::Text),
];

impl LogRow {
    fn cells(&self) -> [Cell<'_>; N_COLUMNS] {
        [
            Cell::Text(FORMAT),
            Cell::Text(&self.run),
            Cell::Count(self.generation),
            Cell::Text(&self.brief),
            Cell::Text(&self.locale),
            Cell::Text(&self.variant),
            Cell::Text(&self.placement),
            Cell::Text(&self.kind),
            Cell::Text(&self.source),
            Cell::Number(self.hour),
            Cell::Text(&self.model),
            Cell::Number(self.predicted_ctr),
            Cell::Number(self.propensity),
            Cell::Count(self.chosen),
            Cell::Count(self.impressions),
            Cell::Count(self.clicks),
            Cell::Text(&self.headline),
            Cell::Text(&self.text),
        ]
    }

    /// What is wrong with the row, if anything.
    fn check(&self) -> Result<(), String> {
        if self.source != "simulated" && self.source != "imported" {
            return Err(format!("`source` is neither simulated nor imported: `{:.40}`", self.source));
        }
        if !(self.propensity > 0.0 && self.propensity <= 1.0) {
            return Err(format!("`propensity` is not above 0 and at most 1: {}", self.propensity));
        }
        if !(self.predicted_ctr > 0.0 && self.predicted_ctr < 1.0) {
            return Err(format!("`predicted_ctr` is not within 0 and 1: {}", self.predicted_ctr));
        }
        if !(self.hour >= 0.0 && self.hour.is_finite()) {
            return Err(format!("`hour` is not a time: {}", self.hour));
        }
        if self.generation == 0 || self.chosen >= MAX_COUNT {
            return Err("`generation` or `chosen` is out of range".to_owned());
        }
        if self.clicks > self.impressions || self.impressions > self.chosen {
            return Err(format!(
                "{} clicks of {} impressions of {} opportunities",
                self.clicks, self.impressions, self.chosen
            ));
        }
        if self.headline.trim().is_empty() {
            return Err("`headline` is empty".to_owned());
        }
        Ok(())
    }
}

/// The rows as a Parquet file. Equal rows give equal bytes.
///
/// # Errors
/// [`Error::Fit`] when a row breaks a rule of the [module](self), or the encoding fails.
pub fn to_parquet(rows: &[LogRow]) -> Result<Vec<u8>, Error> {
    check_all(rows)?;
    encode(rows).map_err(|error| Error::Fit(format!("log rows: {error}")))
}

fn check_all(rows: &[LogRow]) -> Result<(), Error> {
    for (idx, row) in rows.iter().enumerate() {
        row.check().map_err(|message| Error::Fit(format!("log row {idx}: {message}")))?;
    }
    Ok(())
}

fn encode(rows: &[LogRow]) -> Result<Vec<u8>, ParquetError> {
    let mut message = "message log_rows {\n".to_owned();
    for (name, kind) in COLUMNS {
        let of_kind = match kind {
            Kind::Text => format!("required binary {name} (UTF8);\n"),
            Kind::Count => format!("required int64 {name};\n"),
            Kind::Number => format!("required double {name};\n"),
        };
        message.push_str(&of_kind);
    }
    message.push('}');
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_created_by("spotwright".to_owned())
        .build();
    let mut bytes = Vec::new();
    let mut writer =
        SerializedFileWriter::new(&mut bytes, Arc::new(parse_message_type(&message)?), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    let mut column = 0;
    while let Some(mut open) = group.next_column()? {
        write_column(&mut open, rows, column)?;
        open.close()?;
        column += 1;
    }
    group.close()?;
    writer.close()?;
    Ok(bytes)
}

fn write_column(
    writer: &mut SerializedColumnWriter<'_>,
    rows: &[LogRow],
    column: usize,
) -> Result<(), ParquetError> {
    let (mut texts, mut counts, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        match row.cells()[column] {
            Cell::Text(text) => texts.push(ByteArray::from(text)),
            Cell::Count(count) => counts.push(count as i64),
            Cell::Number(number) => numbers.push(number),
        }
    }
    match COLUMNS[column].1 {
        Kind::Text => writer.typed::<ByteArrayType>().write_batch(&texts, None, None)?,
        Kind::Count => writer.typed::<Int64Type>().write_batch(&counts, None, None)?,
        Kind::Number => writer.typed::<DoubleType>().write_batch(&numbers, None, None)?,
    };
    Ok(())
}

/// The rows as CSV with a header.
///
/// # Errors
/// As [`to_parquet`].
pub fn to_csv(rows: &[LogRow]) -> Result<Vec<u8>, Error> {
    check_all(rows)?;
    let failed = |error: csv::Error| Error::Fit(format!("log rows: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS.map(|(name, _)| name)).map_err(failed)?;
    for row in rows {
        let cells = row.cells().map(|cell| match cell {
            Cell::Text(text) => text.to_owned(),
            Cell::Count(count) => count.to_string(),
            Cell::Number(number) => number.to_string(),
        });
        writer.write_record(cells).map_err(failed)?;
    }
    writer.flush().map_err(|error| Error::Fit(format!("log rows: {error}")))?;
    writer.into_inner().map_err(|error| Error::Fit(format!("log rows: {error}")))
}

/// Whether a table has the columns of log rows, by its header.
///
/// # Errors
/// [`Error::Io`] or [`Error::Table`] for a file that cannot be opened.
pub fn holds_log_rows(path: &Path) -> Result<bool, Error> {
    let file = File::open(path).map_err(|source| Error::Io { path: path.to_path_buf(), source })?;
    let names: Vec<String> = if is_csv(path) {
        let mut reader = csv::Reader::from_reader(file);
        let header = reader.headers().map_err(|error| damaged(path, None, &error))?;
        header.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect()
    } else {
        guarded(path, || open_parquet(path, file).map(|reader| column_names(&reader)))?
    };
    Ok(["format", "propensity", "placement"].iter().all(|wanted| names.iter().any(|name| name == wanted)))
}

/// Reads a table of log rows, in file order: CSV where the name ends in `.csv`, else Parquet.
///
/// # Errors
/// - [`Error::Io`]: the file cannot be opened.
/// - [`Error::Table`]: it is larger than 512 MiB, damaged, lacks a column, holds no row, or a row
///   breaks a rule of the [module](self); names the row.
pub fn read(path: impl AsRef<Path>) -> Result<Vec<LogRow>, Error> {
    let path = path.as_ref();
    let io = |source| Error::Io { path: path.to_path_buf(), source };
    let file = File::open(path).map_err(io)?;
    let n_bytes = file.metadata().map_err(io)?.len();
    if n_bytes > MAX_FILE_BYTES {
        let message = format!("{n_bytes} bytes; at most {MAX_FILE_BYTES} are read");
        return Err(damaged(path, None, &message));
    }
    let rows =
        if is_csv(path) { read_csv(path, file) } else { guarded(path, move || read_parquet(path, file)) }?;
    if rows.is_empty() {
        return Err(damaged(path, None, &"holds no row"));
    }
    Ok(rows)
}

fn is_csv(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
}

fn damaged(path: &Path, row: Option<usize>, message: &dyn ToString) -> Error {
    Error::Table { path: path.to_path_buf(), row, message: message.to_string() }
}

/// The decoder of the `parquet` crate may panic on damaged pages, which is a damaged file.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read))
        .unwrap_or_else(|_panic| Err(damaged(path, None, &"damaged Parquet file")))
}

fn open_parquet(path: &Path, file: File) -> Result<SerializedFileReader<File>, Error> {
    SerializedFileReader::new(file)
        .map_err(|error| damaged(path, None, &format!("not a readable Parquet file: {error}")))
}

fn column_names(reader: &SerializedFileReader<File>) -> Vec<String> {
    let schema = reader.metadata().file_metadata().schema_descr();
    schema.columns().iter().map(|column| column.name().to_owned()).collect()
}

fn read_parquet(path: &Path, file: File) -> Result<Vec<LogRow>, Error> {
    let reader = open_parquet(path, file)?;
    require_columns(path, &column_names(&reader))?;
    let records = reader.get_row_iter(None).map_err(|error| damaged(path, None, &error))?;
    let mut rows = Vec::new();
    for (row, record) in records.enumerate() {
        let record = record.map_err(|error| damaged(path, Some(row), &error))?;
        let cells: HashMap<&str, String> = record
            .get_column_iter()
            .filter_map(|(name, field)| Some((name.as_str(), cell_text(field)?)))
            .collect();
        rows.push(parse(path, row, |name| cells.get(name).map(String::as_str))?);
    }
    Ok(rows)
}

fn cell_text(field: &Field) -> Option<String> {
    match field {
        Field::Str(text) => Some(text.clone()),
        Field::Long(count) => Some(count.to_string()),
        Field::Double(number) => Some(number.to_string()),
        _ => None,
    }
}

fn read_csv(path: &Path, file: File) -> Result<Vec<LogRow>, Error> {
    let mut reader = csv::Reader::from_reader(std::io::BufReader::new(file));
    let header = reader.headers().map_err(|error| damaged(path, None, &error))?;
    let names: Vec<String> =
        header.iter().map(|name| name.trim_start_matches('\u{feff}').to_owned()).collect();
    require_columns(path, &names)?;
    let mut rows = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| damaged(path, Some(row), &error))?;
        let cell = |name: &str| names.iter().position(|known| known == name).and_then(|idx| record.get(idx));
        rows.push(parse(path, row, cell)?);
    }
    Ok(rows)
}

fn require_columns(path: &Path, names: &[String]) -> Result<(), Error> {
    match COLUMNS.iter().find(|(required, _)| !names.iter().any(|name| name == required)) {
        Some((missing, _)) => Err(damaged(path, None, &format!("column `{missing}` is missing"))),
        None => Ok(()),
    }
}

fn parse<'a>(path: &Path, row: usize, cell: impl Fn(&str) -> Option<&'a str>) -> Result<LogRow, Error> {
    let fail = |message: String| damaged(path, Some(row), &message);
    let text = |name: &str| {
        let value = cell(name).ok_or_else(|| fail(format!("`{name}` is null or of another type")))?;
        if value.chars().nth(MAX_TEXT_CHARS).is_some() {
            return Err(fail(format!("`{name}` is longer than {MAX_TEXT_CHARS} characters")));
        }
        Ok(value.to_owned())
    };
    let count = |name: &str| {
        let value = text(name)?;
        value.parse::<u64>().map_err(|_| fail(format!("`{name}` is not a whole number: `{value:.40}`")))
    };
    let number = |name: &str| {
        let value = text(name)?;
        value.parse::<f64>().map_err(|_| fail(format!("`{name}` is not a number: `{value:.40}`")))
    };
    let format = text("format")?;
    if format != FORMAT {
        return Err(fail(format!("`format` is `{format:.40}`, expected `{FORMAT}`")));
    }
    let row = LogRow {
        run: text("run")?,
        generation: count("generation")?,
        brief: text("brief")?,
        locale: text("locale")?,
        variant: text("variant")?,
        placement: text("placement")?,
        kind: text("kind")?,
        source: text("source")?,
        hour: number("hour")?,
        model: text("model")?,
        predicted_ctr: number("predicted_ctr")?,
        propensity: number("propensity")?,
        chosen: count("chosen")?,
        impressions: count("impressions")?,
        clicks: count("clicks")?,
        headline: text("headline")?,
        text: text("text")?,
    };
    row.check().map_err(fail)?;
    Ok(row)
}

/// Rows as click tests: each campaign a test, each of its variants that were seen a row. Whole tests
/// are divided by the BLAKE3 hash of their name: six tenths train, two valid, two test.
///
/// The market shows better variants more often, so counts are uneven; within a campaign everybody is
/// drawn from the same audience, so click rates can be compared.
///
/// # Errors
/// [`Error::Fit`]: rows of both sources, which are never pooled, or no impression.
pub fn click_tests(rows: &[LogRow]) -> Result<Vec<ClickTestRow>, Error> {
    if rows.iter().any(|row| row.source != rows[0].source) {
        return Err(Error::Fit("simulated and imported rows are not pooled".to_owned()));
    }
    let mut tests: BTreeMap<(String, &str), ClickTestRow> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.impressions > 0) {
        let test_id = format!("{}-g{}", row.run, row.generation);
        let split = match blake3::hash(test_id.as_bytes()).as_bytes()[1] {
            0..=153 => Split::Train,
            154..=204 => Split::Valid,
            _ => Split::Test,
        };
        let week = (row.hour / WEEK_HOURS) as u32;
        let test = tests.entry((test_id.clone(), row.variant.as_str())).or_insert_with(|| ClickTestRow {
            test_id,
            headline: row.headline.clone(),
            lede: String::new(),
            eyecatcher_id: String::new(),
            impressions: 0,
            clicks: 0,
            split,
            suspect: false,
            week: week / 52 * 100 + week % 52 + 1,
        });
        test.impressions += row.impressions;
        test.clicks += row.clicks;
    }
    if tests.is_empty() {
        return Err(Error::Fit("no row of the log has an impression".to_owned()));
    }
    Ok(tests.into_values().collect())
}

/// Rows as rounds for [off-policy estimates](spotwright_experiment::off_policy): one round for each
/// opportunity, with a reward of 1 where it was clicked. `target` is the probability with which the
/// evaluated policy would have chosen the row's variant there.
///
/// Rows that a rule decided are left out: they say nothing of what else might have been chosen.
#[must_use]
pub fn rounds(rows: &[LogRow], target: impl Fn(&LogRow) -> f64) -> Vec<Round> {
    let mut rounds = Vec::new();
    for row in rows.iter().filter(|row| row.propensity < 1.0) {
        let round = |reward: f64| Round {
            reward,
            propensity: row.propensity,
            target: target(row),
            predicted: 0.0,
            predicted_target: 0.0,
        };
        rounds.extend((0..row.clicks).map(|_| round(1.0)));
        rounds.extend((row.clicks..row.chosen).map(|_| round(0.0)));
    }
    rounds
}
