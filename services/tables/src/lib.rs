//! CSV files as people have them: exported by spreadsheets and advertising platforms of any country.
//!
//! # Purpose
//! The one reader of every CSV that somebody hands in. It finds out the encoding (UTF-8 and UTF-16 with or
//! without a mark, GB 18030, Windows code pages) and the separator (`,` `;` tab `|`, or what a first line
//! `sep=;` says), matches columns whatever their case, and names the line of the file in every error.
//! [`sheet`] reads files whose header is not in the first line, and Excel workbooks (XLSX).
//!
//! # Invariants
//! - A file is read as its author sees it, or refused; no field is cut, shifted or guessed.
//! - Lines are lines of the file, as an editor counts them, whatever its line ends and quoted line breaks.
//! - No I/O beyond opening the file; nothing of the file but names of columns is repeated in messages.
//!
//! # Example
//! ```
//! use spotwright_tables::Table;
//!
//! let table = Table::of_bytes(b"\xEF\xBB\xBFPair ID;Text_A\r\n7;\"warm;\nall day\"\r\n", "a.csv")?;
//! let [id, text] = table.columns(["pair_id", "text_a"])?;
//! let rows: Vec<_> = table.rows().collect::<Result<_, _>>()?;
//! assert_eq!((rows[0].line, rows[0].get(id), rows[0].get(text)), (2, "7", "warm;\nall day"));
//! # Ok::<(), spotwright_schemas::Problem>(())
//! ```

mod encoding;
mod separator;
pub mod sheet;
mod workbook;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use csv::{ErrorKind, ReaderBuilder, StringRecord};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

/// Larger files are refused.
pub const MAX_FILE_BYTES: u64 = 256 << 20;

/// The number of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column(usize);

/// A table whose header has been read.
#[derive(Debug)]
pub struct Table {
    name: String,
    encoding: &'static str,
    is_guessed: bool,
    text: String,
    /// Where the header begins, and its line.
    start: usize,
    first_line: u64,
    separator: u8,
    header: Vec<String>,
}

/// A row and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line of the file on which the row begins, from 1.
    pub line: u64,
    fields: StringRecord,
}

impl Row {
    /// The field of a column.
    #[must_use]
    pub fn get(&self, column: Column) -> &str {
        self.fields.get(column.0).unwrap_or_default()
    }
}

fn problem(field: impl Into<String>, message: impl Into<String>) -> Problem {
    Problem::new(Code::Table, field, message)
}

/// Where a row or one of its fields stands, for problems: `line 7`, `line 7, price`.
#[must_use]
pub fn place(line: u64, column: &str) -> String {
    if column.is_empty() { format!("line {line}") } else { format!("line {line}, {column}") }
}

/// A name of a column without case, spaces and marks: `Pair ID`, `pair-id` and `PAIR_ID` are the same.
fn folded(name: &str) -> String {
    let letters = name.chars().filter(|c| *c != '\u{FEFF}').collect::<String>();
    let words: Vec<&str> = letters.split(|c: char| c.is_whitespace() || c == '_' || c == '-').collect();
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_").to_lowercase()
}

impl Table {
    /// Reads a file of at most [`MAX_FILE_BYTES`].
    ///
    /// # Errors
    /// [`Code::Table`] with the file's name, or the line.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        let name = path.display().to_string();
        let unreadable = |error: std::io::Error| problem(name.as_str(), format!("cannot be read: {error}"));
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(problem(name.as_str(), "is a folder; a CSV file is expected"));
        }
        let mut bytes = Vec::new();
        file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(problem(name.as_str(), format!("at most {MAX_FILE_BYTES} bytes are read; split it")));
        }
        Self::of_bytes(&bytes, &name)
    }

    /// Reads the bytes of a file called `name`.
    ///
    /// # Errors
    /// As [`Table::open`].
    pub fn of_bytes(bytes: &[u8], name: &str) -> Result<Self, Problem> {
        let encoding::Decoded { text, encoding, is_guessed } = encoding::decoded(bytes, name)?;
        let declared = separator::declared(&text);
        let (start, separator) = match declared {
            Some(found) => found,
            None => (0, separator::guessed(&text)),
        };
        let mut table = Self::without_header(name, text, start, separator)?;
        table.encoding = encoding;
        table.is_guessed = is_guessed;
        let header =
            table.records().next().ok_or_else(|| problem(name, "is empty; a header is expected"))??;
        table.header = header.fields.iter().map(|name| name.trim().to_owned()).collect();
        Ok(table)
    }

    /// The table of a text whose first row is not a header, or is read later.
    fn without_header(name: &str, text: String, start: usize, separator: u8) -> Result<Self, Problem> {
        let first_line = 1 + u64::from(start > 0);
        if let Some(line) = separator::unclosed_quote(&text[start..], separator) {
            let message =
                "a quote begins here that is never closed; close it, or double a quote inside a text";
            return Err(problem(place(first_line + line, ""), message));
        }
        Ok(Self {
            name: name.to_owned(),
            encoding: "UTF-8",
            is_guessed: false,
            text,
            start,
            first_line,
            separator,
            header: Vec::new(),
        })
    }

    /// The encoding, e.g. `UTF-8` or `GBK`.
    #[must_use]
    pub const fn encoding(&self) -> &'static str {
        self.encoding
    }

    /// Whether the encoding was recognized by the letters alone, so that a reader should look.
    #[must_use]
    pub const fn is_encoding_guessed(&self) -> bool {
        self.is_guessed
    }

    /// What stands between fields.
    #[must_use]
    pub const fn separator(&self) -> char {
        self.separator as char
    }

    /// Names of the columns, as written.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The column of a name, whatever its case.
    ///
    /// # Errors
    /// [`Code::Table`]: two columns have the name.
    pub fn column(&self, name: &str) -> Result<Option<Column>, Problem> {
        let wanted = folded(name);
        let mut found = self.header.iter().enumerate().filter(|(_, own)| folded(own) == wanted);
        let first = found.next();
        if found.next().is_some() {
            return Err(problem(name, "two columns have this name; remove or rename one"));
        }
        Ok(first.map(|(place, _)| Column(place)))
    }

    /// The columns that must be there.
    ///
    /// # Errors
    /// [`Code::Table`] with the name of the first that is missing, and what there is.
    pub fn columns<const N: usize>(&self, names: [&str; N]) -> Result<[Column; N], Problem> {
        let mut columns = [Column(0); N];
        for (column, name) in columns.iter_mut().zip(names) {
            *column = self.column(name)?.ok_or_else(|| {
                let listed: Vec<String> =
                    self.header.iter().take(20).map(|name| format!("`{name:.40}`")).collect();
                let message = format!(
                    "the column is missing in the header of `{}`; it has {} (separated by {})",
                    self.name,
                    listed.join(", "),
                    separator::shown(self.separator),
                );
                problem(name, message)
            })?;
        }
        Ok(columns)
    }

    /// The rows below the header. Lines without any text are left out.
    pub fn rows(&self) -> impl Iterator<Item = Result<Row, Problem>> + '_ {
        let n_columns = self.header.len();
        self.records()
            .skip(1)
            .filter(|row| !matches!(row, Ok(row) if row.fields.iter().all(str::is_empty)))
            .map(move |row| {
                let row = row?;
                if row.fields.len() == n_columns {
                    return Ok(row);
                }
                let message = format!(
                    "has {} fields and the header {n_columns}; a text with {} in it stands in double quotes",
                    row.fields.len(),
                    separator::shown(self.separator),
                );
                Err(problem(place(row.line, ""), message))
            })
    }

    /// The header and all rows.
    fn records(&self) -> impl Iterator<Item = Result<Row, Problem>> + '_ {
        let text = &self.text[self.start..];
        let mut builder = ReaderBuilder::new();
        builder.delimiter(self.separator).has_headers(false).flexible(true);
        let mut reader = builder.from_reader(text.as_bytes());
        let mut lines = LineCount { bytes: text.as_bytes(), at: 0, line: self.first_line };
        std::iter::from_fn(move || {
            let mut fields = StringRecord::new();
            match reader.read_record(&mut fields) {
                Ok(false) => None,
                Ok(true) => {
                    let begin = fields.position().map_or(0, csv::Position::byte);
                    let line = lines.of(usize::try_from(begin).unwrap_or(usize::MAX));
                    Some(Ok(Row { line, fields }))
                }
                Err(error) => {
                    let message = match error.kind() {
                        ErrorKind::Utf8 { .. } => "is not text".to_owned(),
                        _ => "cannot be read as a row".to_owned(),
                    };
                    let begin = error.position().map_or(0, csv::Position::byte);
                    let line = lines.of(usize::try_from(begin).unwrap_or(usize::MAX));
                    Some(Err(problem(place(line, ""), message)))
                }
            }
        })
    }
}

/// Counts lines up to places that only go forward.
struct LineCount<'a> {
    bytes: &'a [u8],
    at: usize,
    line: u64,
}

impl LineCount<'_> {
    /// The line of the first byte of a record; line ends that the parser counts to it are passed over.
    fn of(&mut self, place: usize) -> u64 {
        let place = place.min(self.bytes.len());
        while self.at < place {
            let byte = self.bytes[self.at];
            // CR LF is one line end, a CR alone too.
            let ends = byte == b'\n' || (byte == b'\r' && self.bytes.get(self.at + 1) != Some(&b'\n'));
            self.line += u64::from(ends);
            self.at += 1;
        }
        let mut line = self.line;
        let mut at = self.at;
        while let Some(byte @ (b'\n' | b'\r')) = self.bytes.get(at).copied() {
            line += u64::from(byte == b'\n' || self.bytes.get(at + 1) != Some(&b'\n'));
            at += 1;
        }
        line
    }
}
