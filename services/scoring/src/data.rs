//! Click tests: randomized variants of one brief with their impressions and clicks.
//!
//! The table has one row per variant. Columns that are read (others are ignored):
//!
//! | column | type | meaning |
//! |---|---|---|
//! | `clickability_test_id` | text | the test; one test stands for one brief |
//! | `headline`, `lede` | text | what was shown; `lede` may be null |
//! | `eyecatcher_id` | text | id of the picture; may be null |
//! | `impressions`, `clicks` | whole numbers | clicks ≤ impressions, impressions ≥ 1 |
//! | `test_week` | number | year and week, yyyyww |
//! | `split` | text | `train`, `valid` or `test` |
//! | `suspect_randomisation` | boolean | weeks in which the archive doubts the randomization |
//!
//! The archive this form comes from is the Upworthy Research Archive (Matias et al., Scientific
//! Data 2021, osf.io/jd64p), stated to be under CC BY 4.0.

use serde::{Deserialize, Serialize};

/// Which part of the archive a test belongs to. Tests are never divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Fitting.
    Train,
    /// Choosing settings.
    Valid,
    /// Reporting; never fitted or tuned on.
    Test,
}

/// One variant of one test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClickTestRow {
    /// Id of the test.
    pub test_id: String,
    /// Headline as shown; at least one character.
    pub headline: String,
    /// The line below the headline; empty where the archive has none.
    pub lede: String,
    /// Id of the picture (pixels are not in the archive); empty where the archive has none.
    pub eyecatcher_id: String,
    /// Times shown; at least 1.
    pub impressions: u64,
    /// Times clicked; at most `impressions`.
    pub clicks: u64,
    /// Part of the archive.
    pub split: Split,
    /// Whether the archive doubts that this test was randomized by person.
    pub suspect: bool,
    /// Year and week, yyyyww.
    pub week: u32,
}

/// Whether a test belongs to the simulated audience: blake3(`test_id`)\[0\] < 64, about a quarter.
///
/// What decides clicks in the market is fitted on these tests; the shipped scorer never sees them.
///
/// # Examples
/// ```
/// use spotwright_scoring::data::audience_share;
///
/// let n_of_audience = (0..4_000).filter(|idx| audience_share(&format!("test-{idx}"))).count();
/// assert!((900..1_100).contains(&n_of_audience));
/// ```
#[must_use]
pub fn audience_share(test_id: &str) -> bool {
    blake3::hash(test_id.as_bytes()).as_bytes()[0] < 64
}

#[cfg(feature = "training")]
pub use reading::read_click_tests;

#[cfg(feature = "training")]
mod reading {
    use std::collections::HashMap;
    use std::fs::File;
    use std::path::Path;

    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::Field;

    use super::{ClickTestRow, Split};
    use crate::error::Error;

    /// Larger tables are refused; the whole archive is 2 MB as Parquet and about 10 MB as CSV.
    const MAX_FILE_BYTES: u64 = 512 << 20;
    /// Longest headline or lede in characters; the archive's longest is below 1,000.
    const MAX_TEXT_CHARS: usize = 10_000;

    const REQUIRED: [&str; 7] = [
        "clickability_test_id",
        "headline",
        "impressions",
        "clicks",
        "test_week",
        "split",
        "suspect_randomisation",
    ];

    /// Reads a table of click tests, in file order. Files whose name ends in `.csv` are read as CSV
    /// with a header, all others as Parquet.
    ///
    /// # Errors
    /// - [`Error::Io`]: the file cannot be opened.
    /// - [`Error::Table`]: it is larger than 512 MiB, damaged, lacks a column, holds no row, or a
    ///   row breaks a rule of [`ClickTestRow`]; names the row.
    pub fn read_click_tests(path: impl AsRef<Path>) -> Result<Vec<ClickTestRow>, Error> {
        let path = path.as_ref();
        let io_error = |source| Error::Io { path: path.to_path_buf(), source };
        let file = File::open(path).map_err(io_error)?;
        let n_bytes = file.metadata().map_err(io_error)?.len();
        if n_bytes > MAX_FILE_BYTES {
            return Err(table_error(
                path,
                None,
                format!("{n_bytes} bytes; at most {MAX_FILE_BYTES} are read"),
            ));
        }
        let is_csv = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let rows = if is_csv { read_csv(path, file) } else { read_parquet_guarded(path, file) }?;
        if rows.is_empty() {
            return Err(table_error(path, None, "holds no row"));
        }
        Ok(rows)
    }

    fn table_error(path: &Path, row: Option<usize>, message: impl Into<String>) -> Error {
        Error::Table { path: path.to_path_buf(), row, message: message.into() }
    }

    /// The decoder of the `parquet` crate indexes and allocates by what damaged pages say and may
    /// panic on them; a panic there is a damaged file, not a defect of the caller.
    fn read_parquet_guarded(path: &Path, file: File) -> Result<Vec<ClickTestRow>, Error> {
        std::panic::catch_unwind(move || read_parquet(path, file))
            .unwrap_or_else(|_panic| Err(table_error(path, None, "damaged Parquet file")))
    }

    fn read_parquet(path: &Path, file: File) -> Result<Vec<ClickTestRow>, Error> {
        let reader = SerializedFileReader::new(file)
            .map_err(|error| table_error(path, None, format!("not a readable Parquet file: {error}")))?;
        let names: Vec<String> = reader
            .metadata()
            .file_metadata()
            .schema_descr()
            .columns()
            .iter()
            .map(|column| column.name().to_owned())
            .collect();
        require_columns(path, &names)?;
        let records = reader
            .get_row_iter(None)
            .map_err(|error| table_error(path, None, format!("damaged: {error}")))?;
        let mut rows = Vec::new();
        for (row_idx, record) in records.enumerate() {
            let record =
                record.map_err(|error| table_error(path, Some(row_idx), format!("damaged: {error}")))?;
            let cells: HashMap<&str, String> = record
                .get_column_iter()
                .filter_map(|(name, field)| cell_text(field).map(|text| (name.as_str(), text)))
                .collect();
            rows.push(parse_row(path, row_idx, |name| cells.get(name).map(String::as_str))?);
        }
        Ok(rows)
    }

    fn read_csv(path: &Path, file: File) -> Result<Vec<ClickTestRow>, Error> {
        let mut reader = csv::Reader::from_reader(std::io::BufReader::new(file));
        let names: Vec<String> = reader
            .headers()
            .map_err(|error| table_error(path, None, format!("unreadable header: {error}")))?
            .iter()
            .map(|name| name.trim_start_matches('\u{feff}').to_owned())
            .collect();
        require_columns(path, &names)?;
        let positions: HashMap<&str, usize> =
            names.iter().enumerate().map(|(idx, name)| (name.as_str(), idx)).collect();
        let mut rows = Vec::new();
        for (row_idx, record) in reader.records().enumerate() {
            let record = record.map_err(|error| table_error(path, Some(row_idx), error.to_string()))?;
            let cell = |name: &str| positions.get(name).and_then(|&idx| record.get(idx));
            rows.push(parse_row(path, row_idx, cell)?);
        }
        Ok(rows)
    }

    fn require_columns(path: &Path, names: &[String]) -> Result<(), Error> {
        match REQUIRED.iter().find(|required| !names.iter().any(|name| name == *required)) {
            Some(missing) => Err(table_error(path, None, format!("column `{missing}` is missing"))),
            None => Ok(()),
        }
    }

    /// The cell as text; `None` for null and for nested values.
    fn cell_text(field: &Field) -> Option<String> {
        match field {
            Field::Bool(value) => Some(value.to_string()),
            Field::Byte(value) => Some(value.to_string()),
            Field::Short(value) => Some(value.to_string()),
            Field::Int(value) => Some(value.to_string()),
            Field::Long(value) => Some(value.to_string()),
            Field::UByte(value) => Some(value.to_string()),
            Field::UShort(value) => Some(value.to_string()),
            Field::UInt(value) => Some(value.to_string()),
            Field::ULong(value) => Some(value.to_string()),
            Field::Float(value) => Some(value.to_string()),
            Field::Double(value) => Some(value.to_string()),
            Field::Str(value) => Some(value.clone()),
            Field::Bytes(value) => value.as_utf8().ok().map(str::to_owned),
            _ => None,
        }
    }

    fn parse_row<'a>(
        path: &Path,
        row_idx: usize,
        cell: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<ClickTestRow, Error> {
        let fail = |message: String| table_error(path, Some(row_idx), message);
        let text = |name: &str| {
            let value = cell(name).unwrap_or_default();
            if value.chars().nth(MAX_TEXT_CHARS).is_some() {
                return Err(fail(format!("`{name}` is longer than {MAX_TEXT_CHARS} characters")));
            }
            Ok(value.to_owned())
        };
        let required_text = |name: &str| {
            let value = text(name)?;
            if value.trim().is_empty() { Err(fail(format!("`{name}` is empty"))) } else { Ok(value) }
        };
        let count = |name: &str| {
            let value = cell(name).unwrap_or_default();
            parse_count(value)
                .ok_or_else(|| fail(format!("`{name}` is not a whole number from 0: `{value:.40}`")))
        };

        let impressions = count("impressions")?;
        let clicks = count("clicks")?;
        if impressions == 0 || clicks > impressions {
            return Err(fail(format!("{clicks} clicks of {impressions} impressions")));
        }
        let week =
            u32::try_from(count("test_week")?).map_err(|_error| fail("`test_week` is too large".into()))?;
        let split = match cell("split").unwrap_or_default() {
            "train" => Split::Train,
            "valid" => Split::Valid,
            "test" => Split::Test,
            other => return Err(fail(format!("`split` is none of train, valid, test: `{other:.40}`"))),
        };
        let suspect = match cell("suspect_randomisation").unwrap_or_default() {
            "true" | "True" | "1" => true,
            "false" | "False" | "0" => false,
            other => return Err(fail(format!("`suspect_randomisation` is not a boolean: `{other:.40}`"))),
        };
        Ok(ClickTestRow {
            test_id: required_text("clickability_test_id")?,
            headline: required_text("headline")?,
            lede: text("lede")?,
            eyecatcher_id: text("eyecatcher_id")?,
            impressions,
            clicks,
            split,
            suspect,
            week,
        })
    }

    /// A whole number below 2^53, also when written as a float (`12.0`, as data frames do).
    fn parse_count(text: &str) -> Option<u64> {
        const LIMIT: u64 = 1 << 53;
        let value = text.trim().parse::<u64>().ok().or_else(|| {
            let value = text.trim().parse::<f64>().ok()?;
            (value >= 0.0 && value < LIMIT as f64 && value.fract() == 0.0).then_some(value as u64)
        })?;
        (value < LIMIT).then_some(value)
    }
}
