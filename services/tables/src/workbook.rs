//! The cells of an Excel workbook (XLSX): values as stored, formulas not computed, macros not run.

use std::collections::HashMap;
use std::io::{Cursor, Read as _};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use spotwright_schemas::Problem;
use zip::ZipArchive;

use crate::sheet::{Budget, Cell, Form, Kind, MAX_COLUMNS, MAX_ROWS, Sheet, SheetRow};
use crate::{place, problem};

/// Bytes that all parts of a workbook may unpack to.
const MAX_UNPACKED: u64 = 256 << 20;
/// Most sheets that are looked at.
const MAX_SHEETS: usize = 64;
/// Serial numbers of the years 1900 to 9999.
const DATES: std::ops::Range<f64> = 0.0..2_958_466.0;
/// Most parts of the archive.
const MAX_PARTS: usize = 5_000;

/// The archive, with what may still be unpacked.
struct Parts<'a> {
    archive: ZipArchive<Cursor<&'a [u8]>>,
    name: &'a str,
    left: u64,
}

impl Parts<'_> {
    /// The text of a part; `None` where there is none of this name.
    fn text(&mut self, part: &str) -> Result<Option<String>, Problem> {
        let Ok(file) = self.archive.by_name(part) else { return Ok(None) };
        let mut bytes = Vec::new();
        // What the archive says of sizes is not believed; the bytes are counted as they come.
        file.take(self.left + 1).read_to_end(&mut bytes).map_err(|_| damaged(self.name))?;
        if bytes.len() as u64 > self.left {
            return Err(problem(self.name, format!("unpacks to more than {MAX_UNPACKED} bytes; split it")));
        }
        self.left -= bytes.len() as u64;
        let text = String::from_utf8(bytes).map_err(|_| damaged(self.name))?;
        Ok(Some(text))
    }
}

fn damaged(name: &str) -> Problem {
    problem(name, "is a damaged Excel workbook; save it again, or export the table as CSV")
}

/// Every sheet with its cells.
pub(crate) fn sheets(bytes: &[u8], name: &str) -> Result<Vec<Sheet>, Problem> {
    let archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| damaged(name))?;
    if archive.len() > MAX_PARTS {
        return Err(problem(name, format!("holds more than {MAX_PARTS} parts; this is no workbook")));
    }
    let mut parts = Parts { archive, name, left: MAX_UNPACKED };
    let Some(workbook) = parts.text("xl/workbook.xml")? else {
        return Err(problem(name, "is an archive, and no Excel workbook; give an .xlsx or a .csv file"));
    };
    let relations = parts.text("xl/_rels/workbook.xml.rels")?.unwrap_or_default();
    let relations = relations_of(&relations).ok_or_else(|| damaged(name))?;
    let book = book_of(&workbook).ok_or_else(|| damaged(name))?;
    let strings = parts.text("xl/sharedStrings.xml")?.unwrap_or_default();
    let strings = strings_of(&strings).ok_or_else(|| damaged(name))?;
    let styles = parts.text("xl/styles.xml")?.unwrap_or_default();
    let is_date = date_styles(&styles).ok_or_else(|| damaged(name))?;
    let mut sheets = Vec::new();
    let mut budget = Budget::new(name);
    for (sheet_name, relation) in book.sheets.iter().take(MAX_SHEETS) {
        let Some(target) = relations.get(relation) else { continue };
        let part = target.strip_prefix('/').map_or_else(|| format!("xl/{target}"), str::to_owned);
        let Some(xml) = parts.text(&part)? else { continue };
        let context = Context { strings: &strings, is_date: &is_date, since_1904: book.since_1904, name };
        sheets.push(Sheet {
            name: sheet_name.clone(),
            form: Form::Xlsx,
            rows: context.rows(&xml, &mut budget)?,
        });
    }
    if sheets.is_empty() {
        return Err(problem(name, "holds no sheet"));
    }
    Ok(sheets)
}

struct Book {
    /// Names and relation ids.
    sheets: Vec<(String, String)>,
    since_1904: bool,
}

fn attribute(start: &BytesStart<'_>, name: &[u8]) -> Option<String> {
    let own = start.attributes().flatten().find(|own| own.key.local_name().as_ref() == name)?;
    let raw = String::from_utf8_lossy(&own.value).into_owned();
    Some(quick_xml::escape::unescape(&raw).map_or_else(|_| raw.clone(), std::borrow::Cow::into_owned))
}

fn book_of(xml: &str) -> Option<Book> {
    let mut reader = Reader::from_str(xml);
    let mut book = Book { sheets: Vec::new(), since_1904: false };
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => match start.local_name().as_ref() {
                b"workbookPr" => {
                    let value = attribute(&start, b"date1904").unwrap_or_default();
                    book.since_1904 = value == "1" || value == "true";
                }
                b"sheet" => {
                    let name = attribute(&start, b"name").unwrap_or_default();
                    book.sheets.push((name, attribute(&start, b"id")?));
                }
                _ => {}
            },
            Event::Eof => return Some(book),
            _ => {}
        }
    }
}

fn relations_of(xml: &str) -> Option<HashMap<String, String>> {
    let mut reader = Reader::from_str(xml);
    let mut targets = HashMap::new();
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) if start.local_name().as_ref() == b"Relationship" => {
                targets.insert(attribute(&start, b"Id")?, attribute(&start, b"Target")?);
            }
            Event::Eof => return Some(targets),
            _ => {}
        }
    }
}

/// The shared strings, without the readings of Asian characters that stand beside some.
fn strings_of(xml: &str) -> Option<Vec<String>> {
    let mut reader = Reader::from_str(xml);
    let (mut strings, mut text) = (Vec::new(), String::new());
    let (mut in_text, mut in_reading) = (false, false);
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => match start.local_name().as_ref() {
                b"si" => text.clear(),
                b"t" => in_text = true,
                b"rPh" => in_reading = true,
                _ => {}
            },
            Event::Empty(start) if start.local_name().as_ref() == b"si" => strings.push(String::new()),
            Event::Text(own) if in_text && !in_reading => text.push_str(&own.decode().ok()?),
            Event::CData(own) if in_text && !in_reading => text.push_str(&own.decode().ok()?),
            Event::GeneralRef(own) if in_text && !in_reading => text.push_str(&entity(&own)?),
            Event::End(end) => match end.local_name().as_ref() {
                b"si" => strings.push(std::mem::take(&mut text)),
                b"t" => in_text = false,
                b"rPh" => in_reading = false,
                _ => {}
            },
            Event::Eof => return Some(strings),
            _ => {}
        }
    }
}

/// The character of a reference; references that a file declares itself are not followed.
fn entity(reference: &quick_xml::events::BytesRef<'_>) -> Option<String> {
    if let Some(character) = reference.resolve_char_ref().ok()? {
        return Some(character.to_string());
    }
    let name = reference.decode().ok()?;
    quick_xml::escape::resolve_predefined_entity(&name).map(str::to_owned)
}

/// Whether each cell style shows a date or a time.
fn date_styles(xml: &str) -> Option<Vec<bool>> {
    let mut reader = Reader::from_str(xml);
    let (mut formats, mut styles) = (HashMap::new(), Vec::new());
    let mut in_cells = false;
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) | Event::Empty(start) => match start.local_name().as_ref() {
                b"numFmt" => {
                    let code = attribute(&start, b"formatCode").unwrap_or_default();
                    formats.insert(attribute(&start, b"numFmtId").unwrap_or_default(), is_date_format(&code));
                }
                b"cellXfs" => in_cells = true,
                b"xf" if in_cells => {
                    let id = attribute(&start, b"numFmtId").unwrap_or_default();
                    // Ids below 164 are built in: ECMA-376 part 1, 18.8.30.
                    let built_in = matches!(id.parse::<u32>(), Ok(14..=22 | 27..=36 | 45..=47 | 50..=58));
                    styles.push(formats.get(&id).copied().unwrap_or(built_in));
                }
                _ => {}
            },
            Event::End(end) if end.local_name().as_ref() == b"cellXfs" => in_cells = false,
            Event::Eof => return Some(styles),
            _ => {}
        }
    }
}

/// Whether a number format shows a date: it has a letter of one outside quotes and brackets.
fn is_date_format(code: &str) -> bool {
    let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
    for c in code.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' | '_' | '*' if !quoted => escaped = true,
            '"' => quoted = !quoted,
            '[' if !quoted => bracketed = true,
            ']' if !quoted => bracketed = false,
            'y' | 'Y' | 'd' | 'D' | 'm' | 'M' | 'h' | 'H' | 's' if !quoted && !bracketed => return true,
            _ => {}
        }
    }
    false
}

/// What the cells of a sheet refer to.
struct Context<'a> {
    strings: &'a [String],
    is_date: &'a [bool],
    since_1904: bool,
    name: &'a str,
}

/// A cell while it is read.
#[derive(Default)]
struct Open {
    column: usize,
    kind: String,
    style: usize,
    value: String,
    has_value: bool,
    has_formula: bool,
}

impl Context<'_> {
    fn rows(&self, xml: &str, budget: &mut Budget<'_>) -> Result<Vec<SheetRow>, Problem> {
        let mut reader = Reader::from_str(xml);
        let mut rows: Vec<SheetRow> = Vec::new();
        let mut merged = Vec::new();
        let (mut line, mut open, mut in_value, mut in_reading) = (0_u64, Open::default(), false, false);
        loop {
            let event = reader.read_event().map_err(|_| damaged(self.name))?;
            match event {
                Event::Start(ref start) | Event::Empty(ref start) => {
                    let is_empty = matches!(event, Event::Empty(_));
                    match start.local_name().as_ref() {
                        b"row" => {
                            line = attribute(start, b"r")
                                .and_then(|r| r.parse().ok())
                                .unwrap_or_else(|| line.saturating_add(1));
                            self.begin_row(&mut rows, line)?;
                        }
                        b"c" => {
                            open = self.begin_cell(start, &rows, line)?;
                            if is_empty {
                                self.end_cell(&mut rows, std::mem::take(&mut open), budget)?;
                            }
                        }
                        b"v" | b"t" => {
                            in_value = !is_empty && !in_reading;
                            open.has_value = true;
                        }
                        b"f" => open.has_formula = true,
                        b"rPh" => in_reading = !is_empty,
                        b"mergeCell" => merged.extend(attribute(start, b"ref")),
                        _ => {}
                    }
                }
                Event::Text(own) if in_value => {
                    open.value.push_str(&own.decode().map_err(|_| damaged(self.name))?);
                }
                Event::CData(own) if in_value => {
                    open.value.push_str(&own.decode().map_err(|_| damaged(self.name))?);
                }
                Event::GeneralRef(own) if in_value => {
                    open.value.push_str(&entity(&own).ok_or_else(|| damaged(self.name))?);
                }
                Event::End(end) => match end.local_name().as_ref() {
                    b"v" | b"t" => in_value = false,
                    b"rPh" => in_reading = false,
                    b"c" => self.end_cell(&mut rows, std::mem::take(&mut open), budget)?,
                    _ => {}
                },
                Event::Eof => break,
                _ => {}
            }
        }
        for range in merged {
            fill_down(&mut rows, &range, budget)?;
        }
        Ok(rows)
    }

    fn begin_row(&self, rows: &mut Vec<SheetRow>, line: u64) -> Result<(), Problem> {
        if rows.len() == MAX_ROWS {
            return Err(problem(place(line, ""), format!("at most {MAX_ROWS} rows are read; split it")));
        }
        if rows.last().is_some_and(|last| last.line >= line) {
            return Err(damaged(self.name));
        }
        rows.push(SheetRow { line, cells: Vec::new() });
        Ok(())
    }

    fn begin_cell(&self, start: &BytesStart<'_>, rows: &[SheetRow], line: u64) -> Result<Open, Problem> {
        let Some(row) = rows.last() else { return Err(damaged(self.name)) };
        let column = match attribute(start, b"r") {
            Some(reference) => column_of(&reference).ok_or_else(|| damaged(self.name))?,
            None => row.cells.len(),
        };
        if column >= MAX_COLUMNS {
            let message = format!("at most {MAX_COLUMNS} columns are read");
            return Err(problem(place(line, &format!("column {}", column + 1)), message));
        }
        Ok(Open {
            column,
            kind: attribute(start, b"t").unwrap_or_default(),
            style: attribute(start, b"s").and_then(|style| style.parse().ok()).unwrap_or(0),
            ..Open::default()
        })
    }

    fn end_cell(&self, rows: &mut [SheetRow], open: Open, budget: &mut Budget<'_>) -> Result<(), Problem> {
        let column = open.column;
        let cell = self.cell(open)?;
        match rows.last_mut() {
            Some(row) if !cell.text.is_empty() => put(row, column, cell, budget),
            _ => Ok(()),
        }
    }

    fn cell(&self, open: Open) -> Result<Cell, Problem> {
        let text = |text: String| Cell { text, kind: Kind::Text };
        if open.has_formula && !open.has_value {
            return Ok(Cell { text: "a formula without a result".to_owned(), kind: Kind::Error });
        }
        Ok(match open.kind.as_str() {
            "s" => {
                let found = open.value.trim().parse::<usize>().ok().and_then(|idx| self.strings.get(idx));
                text(found.ok_or_else(|| damaged(self.name))?.clone())
            }
            "inlineStr" | "str" => text(open.value),
            "e" => Cell { text: open.value, kind: Kind::Error },
            "b" => text(if open.value.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned()),
            "d" => Cell { text: open.value.replace('T', " "), kind: Kind::Date },
            _ if self.is_date.get(open.style).copied().unwrap_or(false) => {
                match open.value.trim().parse::<f64>() {
                    Ok(serial) if DATES.contains(&serial) => {
                        Cell { text: calendar(serial, self.since_1904), kind: Kind::Date }
                    }
                    _ => text(open.value),
                }
            }
            _ => Cell { text: open.value.trim().to_owned(), kind: Kind::Number },
        })
    }
}

/// The column of a reference such as `AB12`, from 0.
fn column_of(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let number = letters
        .take(5)
        .fold(0_usize, |sum, letter| sum * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    number.checked_sub(1)
}

/// Puts a cell into its row, as long as the sheet is one that memory holds.
fn put(row: &mut SheetRow, column: usize, cell: Cell, budget: &mut Budget<'_>) -> Result<(), Problem> {
    let new = (column + 1).saturating_sub(row.cells.len());
    budget.take(row.line, new, cell.text.len())?;
    if new > 0 {
        row.cells.resize(column + 1, Cell::default());
    }
    row.cells[column] = cell;
    Ok(())
}

/// Cells merged downward hold the value of the uppermost in each row that they span.
fn fill_down(rows: &mut [SheetRow], range: &str, budget: &mut Budget<'_>) -> Result<(), Problem> {
    let Some((from, to)) = range.split_once(':') else { return Ok(()) };
    let line_of = |reference: &str| -> Option<u64> {
        reference.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().ok()
    };
    let (Some(column), Some(last_column)) = (column_of(from), column_of(to)) else { return Ok(()) };
    let (Some(first), Some(last)) = (line_of(from), line_of(to)) else { return Ok(()) };
    if column != last_column || column >= MAX_COLUMNS {
        return Ok(());
    }
    let Ok(top) = rows.binary_search_by_key(&first, |row| row.line) else { return Ok(()) };
    let Some(value) = rows[top].cells.get(column).cloned() else { return Ok(()) };
    for row in rows[top + 1..].iter_mut().take_while(|row| row.line <= last) {
        // One cell more than it is, so that ranges that lie over each other come to an end too.
        budget.take(row.line, 1, 0)?;
        put(row, column, value.clone(), budget)?;
    }
    Ok(())
}

/// A serial number of days as a date, with the time where there is one.
///
/// # Source
/// ECMA-376 part 1, 18.17.4: day 1 is 1900-01-01, and 1900 is counted as a leap year, which it was not.
/// Days to dates: Howard Hinnant, "chrono-compatible low-level date algorithms".
fn calendar(serial: f64, since_1904: bool) -> String {
    // Seconds are rounded: serial numbers hold them inexactly.
    let seconds = (serial * 86_400.0).round();
    let days = (seconds / 86_400.0).floor();
    // Days since 1970-01-01; up to the leap day that was none, dates are one day off.
    let since_epoch =
        if since_1904 { days - 24_107.0 } else { days - 25_569.0 + f64::from(u8::from(days < 60.0)) };
    let shifted = since_epoch as i64 + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let second = (seconds - days * 86_400.0) as i64;
    let date = format!("{year:04}-{month:02}-{day:02}");
    if second == 0 {
        return date;
    }
    format!("{date} {:02}:{:02}:{:02}", second / 3_600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn xlsx(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        for (name, content) in parts {
            writer.start_file(*name, options).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    const WORKBOOK: (&str, &str) = (
        "xl/workbook.xml",
        "<workbook xmlns:r='x'><sheets><sheet name='A &amp; B' sheetId='1' r:id='rId1'/></sheets></workbook>",
    );
    const RELATIONS: (&str, &str) = (
        "xl/_rels/workbook.xml.rels",
        "<Relationships><Relationship Id='rId1' Target='worksheets/sheet1.xml'/></Relationships>",
    );

    #[test]
    fn values_of_every_kind_are_read_as_stored() {
        let sheet = "<worksheet><sheetData><row r='2'><c r='B2' t='s'><v>1</v></c><c r='C2'><v>148.6</v></c>\
            <c r='D2' s='1'><v>46272</v></c><c r='E2' t='e'><v>#DIV/0!</v></c><c r='F2'><f>A1</f></c>\
            <c r='AA2' t='inlineStr'><is><t>a&lt;b</t></is></c></row><row r='4'><c r='B4'/></row></sheetData>\
            <mergeCells><mergeCell ref='B2:B4'/></mergeCells></worksheet>";
        let strings = "<sst><si><t>x</t></si><si><r><t>on</t></r><r><t>e</t></r></si></sst>";
        let styles = "<styleSheet><numFmts><numFmt numFmtId='170' formatCode='yyyy\\-mm\\-dd'/></numFmts>\
            <cellXfs><xf numFmtId='0'/><xf numFmtId='170'/></cellXfs></styleSheet>";
        let bytes = xlsx(&[
            WORKBOOK,
            RELATIONS,
            ("xl/sharedStrings.xml", strings),
            ("xl/styles.xml", styles),
            ("xl/worksheets/sheet1.xml", sheet),
        ]);
        let sheet = sheets(&bytes, "a.xlsx").unwrap().remove(0);
        assert_eq!(sheet.name, "A & B");
        let row = &sheet.rows[0];
        let cells: Vec<(&str, Kind)> =
            (1..6).map(|column| (row.text(column), row.cells[column].kind)).collect();
        assert_eq!(
            cells,
            [
                ("one", Kind::Text),
                ("148.6", Kind::Number),
                ("2026-09-07", Kind::Date),
                ("#DIV/0!", Kind::Error),
                ("a formula without a result", Kind::Error)
            ]
        );
        assert_eq!(row.text(26), "a<b");
        // Merged downward.
        assert_eq!((sheet.rows[1].line, sheet.rows[1].text(1)), (4, "one"));
    }

    #[test]
    fn serial_numbers_are_dates() {
        for (serial, since_1904, date) in [
            (1.0, false, "1900-01-01"),
            (59.0, false, "1900-02-28"),
            (61.0, false, "1900-03-01"),
            (46_272.0, false, "2026-09-07"),
            (46_272.5, false, "2026-09-07 12:00:00"),
            (0.0, true, "1904-01-01"),
        ] {
            assert_eq!(calendar(serial, since_1904), date);
        }
    }

    #[test]
    fn a_text_named_in_many_cells_does_not_fill_the_memory() {
        let rows = |count: u32, column: &str, kind: &str| {
            let row = |row: u32| format!("<row r='{row}'><c r='{column}{row}'{kind}><v>0</v></c></row>");
            (1..=count).map(row).collect::<Vec<_>>().concat()
        };
        let cells = rows(600, "A", " t='s'");
        let sheet = format!("<worksheet><sheetData>{cells}</sheetData></worksheet>");
        let strings = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(1 << 20));
        let bytes = xlsx(&[
            WORKBOOK,
            RELATIONS,
            ("xl/sharedStrings.xml", &strings),
            ("xl/worksheets/sheet1.xml", &sheet),
        ]);
        assert_eq!(sheets(&bytes, "a.xlsx").unwrap_err().field, "line 513");
        let cells = rows(700, "XFD", "");
        let sheet = format!("<worksheet><sheetData>{cells}</sheetData></worksheet>");
        let bytes = xlsx(&[WORKBOOK, RELATIONS, ("xl/worksheets/sheet1.xml", &sheet)]);
        assert_eq!(sheets(&bytes, "a.xlsx").unwrap_err().field, "line 611");
    }

    #[test]
    fn damage_is_a_problem_and_no_panic() {
        let broken = xlsx(&[WORKBOOK, RELATIONS, ("xl/worksheets/sheet1.xml", "<worksheet><row")]);
        let unknown = xlsx(&[
            WORKBOOK,
            RELATIONS,
            ("xl/worksheets/sheet1.xml", "<worksheet><row r='1'><c t='s'><v>7</v></c></row></worksheet>"),
        ]);
        let wide = xlsx(&[
            WORKBOOK,
            RELATIONS,
            ("xl/worksheets/sheet1.xml", "<worksheet><row r='1'><c r='ZZZ1'><v>7</v></c></row></worksheet>"),
        ]);
        for bytes in [broken, unknown, wide, xlsx(&[("a.txt", "x")]), b"PK\x03\x04rubbish".to_vec()] {
            assert!(sheets(&bytes, "a.xlsx").is_err());
        }
    }
}
