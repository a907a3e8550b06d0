//! Sheets as they are: every row and cell of a CSV file or an Excel workbook, header or not.
//!
//! Exports of advertising platforms have titles above the header and totals below the rows, so that no
//! fixed place holds the header; who knows what the columns are called looks for it here.

use spotwright_schemas::Problem;

use crate::{Table, encoding, place, problem, separator, workbook};

/// Most columns of a sheet, as in Excel.
pub const MAX_COLUMNS: usize = 16_384;
/// Most rows of a sheet, as in Excel.
pub const MAX_ROWS: usize = 1 << 20;
/// Most bytes of a row.
pub const MAX_ROW_BYTES: usize = 1 << 20;

/// Most cells of a file, blank ones between others too.
pub const MAX_CELLS: usize = 10_000_000;
/// Most bytes that the texts of all cells have: a workbook can name one text in many cells.
const MAX_TEXT_BYTES: usize = 512 << 20;

/// What a cell holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// Text, as all cells of CSV are.
    #[default]
    Text,
    /// A number of a workbook; its text has a point and no separators, whatever the language.
    Number,
    /// A date or time of a workbook, written `2026-09-07` or `2026-09-07 12:30:00`.
    Date,
    /// A formula's error, e.g. `#DIV/0!`, or a formula without a stored result.
    Error,
}

/// A cell.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cell {
    /// Its text, trimmed of nothing.
    pub text: String,
    /// What it holds.
    pub kind: Kind,
}

/// A row and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetRow {
    /// The line of the file on which the row begins, or the row of the workbook; from 1.
    pub line: u64,
    /// The cells from the first column on; rows may differ in length.
    pub cells: Vec<Cell>,
}

impl SheetRow {
    /// The text of a cell without spaces around it; empty beyond the row's end.
    #[must_use]
    pub fn text(&self, column: usize) -> &str {
        self.cells.get(column).map_or("", |cell| cell.text.trim())
    }

    /// Whether no cell holds anything.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.cells.iter().all(|cell| cell.text.trim().is_empty())
    }
}

/// How a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text with separators.
    Csv {
        /// The encoding, e.g. `UTF-8`.
        encoding: &'static str,
        /// Whether the encoding was recognized by the letters alone, so that a reader should look.
        is_guessed: bool,
        /// What stands between fields.
        separator: char,
    },
    /// An Excel workbook.
    Xlsx,
}

/// A sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Its name in the workbook; empty for CSV.
    pub name: String,
    /// How it was read.
    pub form: Form,
    /// All rows, blank ones within too.
    pub rows: Vec<SheetRow>,
}

/// What may still be kept in memory of a file.
pub(crate) struct Budget<'a> {
    name: &'a str,
    cells: usize,
    bytes: usize,
}

impl<'a> Budget<'a> {
    pub(crate) const fn new(name: &'a str) -> Self {
        Self { name, cells: MAX_CELLS, bytes: MAX_TEXT_BYTES }
    }

    /// Takes room for cells of the row at `line`.
    pub(crate) fn take(&mut self, line: u64, cells: usize, bytes: usize) -> Result<(), Problem> {
        if let (Some(cells), Some(bytes)) = (self.cells.checked_sub(cells), self.bytes.checked_sub(bytes)) {
            (self.cells, self.bytes) = (cells, bytes);
            Ok(())
        } else {
            let message = format!(
                "`{:.60}` has more than {MAX_CELLS} cells up to here, or too long ones; split it",
                self.name
            );
            Err(problem(place(line, ""), message))
        }
    }
}

/// Every sheet of a file called `name`: one of a CSV file, those of a workbook in its order.
///
/// # Errors
/// [`spotwright_schemas::error::Code::Table`] with the file's name or the line, also for more than
/// [`crate::MAX_FILE_BYTES`], [`MAX_COLUMNS`], [`MAX_ROWS`], [`MAX_CELLS`] or
/// [`MAX_ROW_BYTES`].
pub fn sheets(bytes: &[u8], name: &str) -> Result<Vec<Sheet>, Problem> {
    if bytes.len() as u64 > crate::MAX_FILE_BYTES {
        return Err(problem(name, format!("at most {} bytes are read; split it", crate::MAX_FILE_BYTES)));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return workbook::sheets(bytes, name);
    }
    Ok(vec![csv_sheet(bytes, name)?])
}

fn csv_sheet(bytes: &[u8], name: &str) -> Result<Sheet, Problem> {
    let encoding::Decoded { text, encoding, is_guessed } = encoding::decoded(bytes, name)?;
    if text.trim().is_empty() {
        return Err(problem(name, "is empty; a table is expected"));
    }
    check_rows(&text)?;
    let (start, separator) =
        separator::declared(&text).unwrap_or_else(|| (0, separator::guessed_below_titles(&text)));
    let table = Table::without_header(name, text, start, separator)?;
    let mut rows: Vec<SheetRow> = Vec::new();
    let mut budget = Budget::new(name);
    for row in table.records() {
        let row = row?;
        if row.fields.len() > MAX_COLUMNS {
            let message = format!("has {} columns; at most {MAX_COLUMNS} are read", row.fields.len());
            return Err(problem(place(row.line, &format!("column {}", MAX_COLUMNS + 1)), message));
        }
        if rows.len() == MAX_ROWS {
            return Err(problem(place(row.line, ""), format!("at most {MAX_ROWS} rows are read; split it")));
        }
        budget.take(row.line, row.fields.len(), row.fields.as_slice().len())?;
        let cells = row.fields.iter().map(|text| Cell { text: text.to_owned(), kind: Kind::Text });
        let cells: Vec<Cell> = cells.collect();
        fill_blank_lines(&mut rows, row.line);
        rows.push(SheetRow { line: row.line, cells });
    }
    let form = Form::Csv { encoding, is_guessed, separator: separator as char };
    Ok(Sheet { name: String::new(), form, rows })
}

/// The parser passes over blank lines; whoever reads a layout sees them.
fn fill_blank_lines(rows: &mut Vec<SheetRow>, next: u64) {
    let Some(last) = rows.last() else { return };
    let within: usize = last.cells.iter().map(|cell| line_ends(&cell.text)).sum();
    let first = last.line + within as u64 + 1;
    // A quoted text may hold line ends that editors count otherwise; a blank line too few does no harm.
    for line in first..next.min(first + 100) {
        rows.push(SheetRow { line, cells: Vec::new() });
    }
}

fn line_ends(text: &str) -> usize {
    let bytes = text.as_bytes();
    let ends = |at: usize| bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
    (0..bytes.len()).filter(|at| ends(*at)).count()
}

/// Refuses rows so long that no table has them, before they are taken apart. A quoted text may go over
/// several lines, so lines are what is measured.
fn check_rows(text: &str) -> Result<(), Problem> {
    for (line, row) in (1..).zip(text.split('\n')) {
        if row.len() > MAX_ROW_BYTES {
            return Err(problem(
                place(line, ""),
                format!("is longer than {MAX_ROW_BYTES} bytes; this is no table"),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Sheet {
        sheets(bytes, "a.csv").unwrap().remove(0)
    }

    #[test]
    fn titles_blank_lines_and_quoted_line_ends_keep_their_lines() {
        let sheet = read(b"Report\n\"September 7, 2026\"\n\na\tb\n\"1\n2\"\t\"3,4\"\n\nx\ty\n");
        let Form::Csv { separator, .. } = sheet.form else { panic!("{:?}", sheet.form) };
        assert_eq!(separator, '\t');
        let lines: Vec<(u64, bool)> = sheet.rows.iter().map(|row| (row.line, row.is_blank())).collect();
        assert_eq!(lines, [(1, false), (2, false), (3, true), (4, false), (5, false), (7, true), (8, false)]);
        assert_eq!(sheet.rows[4].text(1), "3,4");
        assert_eq!(sheet.rows[4].text(9), "");
    }

    #[test]
    fn monstrous_rows_are_refused_with_their_line() {
        let wide = format!("a,b\n{}\n", ",".repeat(20_000));
        assert_eq!(sheets(wide.as_bytes(), "a").unwrap_err().field, "line 2, column 16385");
        let long = format!("a,b\n1,{}\n", "x".repeat(MAX_ROW_BYTES));
        assert_eq!(sheets(long.as_bytes(), "a").unwrap_err().field, "line 2");
        assert!(sheets(b" \n \n", "a").is_err());
    }
}
