//! Where the header of an export stands, whose it is, and what its columns hold.

use std::collections::{BTreeMap, HashMap, HashSet};

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_tables::place;
use spotwright_tables::sheet::{Sheet, SheetRow};

use crate::Given;
use crate::platform::{Field, MAPPABLE, Platform, Unit, folded, split_unit};

/// Rows above which no header is looked for.
const LOOKED_AT: usize = 60;

/// A column that is understood.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) idx: usize,
    pub(crate) field: Field,
    pub(crate) header: String,
    pub(crate) unit: Option<Unit>,
}

/// A header and what its columns hold.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) platform: Platform,
    pub(crate) language: Option<&'static str>,
    /// Index of the header among the rows.
    pub(crate) row: usize,
    pub(crate) line: u64,
    /// Understood columns, in the order in which the platform's names stand.
    pub(crate) columns: Vec<Column>,
    pub(crate) unread: Vec<String>,
    /// Number of columns of the header, blank ones at its end left out.
    pub(crate) width: usize,
    /// Columns understood, those of one platform alone counted twice.
    score: usize,
}

impl Layout {
    /// The first column of a field, by the order of the platform's names.
    pub(crate) fn first(&self, field: Field) -> Option<&Column> {
        self.columns.iter().find(|column| column.field == field)
    }

    /// Whether any column is of such a field.
    pub(crate) fn has(&self, is: impl Fn(Field) -> bool) -> bool {
        self.columns.iter().any(|column| is(column.field))
    }
}

fn not_understood(field: impl Into<String>, message: impl Into<String>) -> Problem {
    Problem::new(Code::Export, field, message)
}

/// The layout of a sheet; `None` where no row looks like a header.
///
/// # Errors
/// [`Code::Export`]: two columns have one name, two platforms fit equally well, or a mapping names a column
/// that is not there or a field that is none.
pub(crate) fn of(sheet: &Sheet, given: &Given) -> Result<Option<Layout>, Problem> {
    if let Some(mapping) = &given.mapping {
        return mapped(sheet, mapping, given.source.unwrap_or(Platform::Other)).map(Some);
    }
    let platforms: Vec<Platform> = match given.source {
        Some(Platform::Other) => {
            return Err(not_understood(
                "mapping",
                "a source that is not known needs a mapping of its columns",
            ));
        }
        Some(platform) => vec![platform],
        None => Platform::RECOGNIZED.to_vec(),
    };
    let mut found: Vec<Layout> = Vec::new();
    for (row, cells) in sheet.rows.iter().enumerate().take(LOOKED_AT) {
        let headers = Headers::of(cells);
        for platform in &platforms {
            found.extend(matched(cells, &headers, row, *platform).filter(is_header));
        }
    }
    found.sort_by_key(|one| std::cmp::Reverse(one.score));
    let Some(best) = found.first() else { return Ok(None) };
    if let Some(other) = found.get(1).filter(|other| other.score == best.score && other.row == best.row) {
        let message = format!(
            "the columns are those of {} and of {}; say which with `source`",
            best.platform.name(),
            other.platform.name()
        );
        return Err(not_understood(place(best.line, ""), message));
    }
    let best = found.swap_remove(0);
    check_names(&best)?;
    Ok(Some(best))
}

/// Whether enough is understood: a measure, and a name or a day.
fn is_header(layout: &Layout) -> bool {
    let measures = layout.columns.iter().filter(|column| column.field.is_number()).count();
    let names = layout.has(|field| {
        matches!(field, Field::AdId | Field::AdName | Field::CampaignName | Field::Asin | Field::Day)
    });
    measures >= 2 && names && layout.columns.len() >= 4
}

/// The cells of a row that may be a header, by their names.
struct Headers<'a> {
    cells: Vec<(usize, &'a str, Option<Unit>)>,
    /// Folded names, with and without a unit behind them, and the cells that have them.
    by_name: HashMap<String, Vec<usize>>,
}

impl<'a> Headers<'a> {
    fn of(row: &'a SheetRow) -> Self {
        let mut headers = Self { cells: Vec::new(), by_name: HashMap::new() };
        for at in 0..row.cells.len() {
            let text = row.text(at);
            if text.is_empty() {
                continue;
            }
            let (name, unit) = split_unit(text);
            let idx = headers.cells.len();
            if unit.is_some() {
                // A platform's name may have the brackets in it.
                headers.by_name.entry(folded(text)).or_default().push(idx);
            }
            headers.by_name.entry(name).or_default().push(idx);
            headers.cells.push((at, text, unit));
        }
        headers
    }
}

/// What a row's cells are called by a platform; `None` where nothing is.
fn matched(row: &SheetRow, headers: &Headers<'_>, idx: usize, platform: Platform) -> Option<Layout> {
    let mut columns: Vec<Column> = Vec::new();
    let mut taken: HashSet<usize> = HashSet::new();
    let mut languages: BTreeMap<&'static str, usize> = BTreeMap::new();
    let mut score = 0;
    for names in platform.columns() {
        for name in names.headers {
            for cell in headers.by_name.get(*name).into_iter().flatten() {
                *languages.entry(names.language).or_default() += 1;
                if !taken.insert(*cell) {
                    continue;
                }
                score += if is_of_one_platform(name) { 2 } else { 1 };
                let (at, header, unit) = &headers.cells[*cell];
                let unit = unit.clone();
                columns.push(Column { idx: *at, field: names.field, header: (*header).to_owned(), unit });
            }
        }
    }
    let language = languages.iter().max_by_key(|(_, n)| **n).map(|(language, _)| *language)?;
    let unread = headers.cells.iter().enumerate().filter(|(cell, _)| !taken.contains(cell));
    let unread = unread.map(|(_, (_, header, _))| (*header).to_owned()).collect();
    let width = headers.cells.last().map_or(0, |(at, ..)| at + 1);
    Some(Layout {
        platform,
        language: Some(language),
        row: idx,
        line: row.line,
        columns,
        unread,
        width,
        score,
    })
}

/// Whether only one platform has a name: it tells more than one that all have.
fn is_of_one_platform(name: &str) -> bool {
    let with = Platform::RECOGNIZED
        .iter()
        .filter(|platform| platform.columns().iter().any(|names| names.headers.contains(&name)));
    with.count() == 1
}

/// Two columns of one name cannot be told apart, unless neither is read.
fn check_names(layout: &Layout) -> Result<(), Problem> {
    let mut seen = HashSet::new();
    let read = layout.columns.iter().filter(|own| !matches!(own.field, Field::Known | Field::Dimension));
    for column in read {
        if !seen.insert(folded(&column.header)) {
            let message = "two columns have this name; remove or rename one";
            return Err(not_understood(place(layout.line, &column.header), message));
        }
    }
    Ok(())
}

/// The layout by a mapping of headers to fields.
fn mapped(sheet: &Sheet, mapping: &BTreeMap<String, String>, platform: Platform) -> Result<Layout, Problem> {
    let mut wanted: Vec<(String, &String, Field)> = Vec::new();
    for (header, name) in mapping {
        let field = Field::parse(name).ok_or_else(|| {
            let message = format!("`{name:.40}` is no field; there are {MAPPABLE}");
            not_understood(format!("mapping.{header:.60}"), message)
        })?;
        wanted.push((folded(header), header, field));
    }
    let row = sheet.rows.iter().take(LOOKED_AT).position(|row| {
        let present: Vec<String> = (0..row.cells.len()).map(|at| folded(row.text(at))).collect();
        wanted.iter().all(|(name, ..)| present.contains(name))
    });
    let Some(row) = row else {
        let names: Vec<&str> = mapping.keys().map(String::as_str).collect();
        let message = format!("no line has all the mapped columns: {}", names.join(", "));
        return Err(not_understood("mapping", message));
    };
    let cells = &sheet.rows[row];
    let (mut columns, mut unread) = (Vec::new(), Vec::new());
    let mut width = 0;
    for at in 0..cells.cells.len() {
        let header = cells.text(at);
        if header.is_empty() {
            continue;
        }
        width = at + 1;
        match wanted.iter().find(|(name, ..)| *name == folded(header)) {
            Some((_, _, field)) => {
                let unit = split_unit(header).1;
                columns.push(Column { idx: at, field: *field, header: header.to_owned(), unit });
            }
            None => unread.push(header.to_owned()),
        }
    }
    let layout = Layout { platform, language: None, row, line: cells.line, columns, unread, width, score: 0 };
    check_names(&layout)?;
    Ok(layout)
}
