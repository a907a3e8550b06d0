//! Reads the performance export of an advertising platform.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_tables::place;
use spotwright_tables::sheet::{Form, Sheet, SheetRow, sheets};

use crate::date::dates_in;
use crate::layout::{self, Layout};
use crate::platform::{Field, Platform, Unit, folded, is_currency};
use crate::rows::{Context, is_total};
use crate::styles;
use crate::{
    Asked, CurrencySource, Given, Observation, Question, Reading, RefusalReason, Refused, SkipReason,
    Skipped, Window,
};

/// Reads a file called `name`. `given` answers what an earlier reading asked.
///
/// Rows that are refused are named in [`Reading::refused`] and the others kept, unless `given.atomic`.
///
/// # Errors
/// - [`Code::Table`]: the bytes are no table.
/// - [`Code::Export`]: the columns are of no platform that is known, or of two; no column tells one
///   advertisement from another; what was given contradicts the file; or, with `given.atomic`, a row is
///   refused.
/// - [`Code::Option`]: a currency or window was given that is none.
pub fn read(bytes: &[u8], name: &str, given: &Given) -> Result<Reading, Problem> {
    check_given(given)?;
    let sheets = sheets(bytes, name)?;
    let mut found: Vec<(&Sheet, Layout)> = Vec::new();
    let mut problem = None;
    for sheet in &sheets {
        match layout::of(sheet, given) {
            Ok(layout) => found.extend(layout.map(|layout| (sheet, layout))),
            Err(own) => problem = problem.or(Some(own)),
        }
    }
    // Of Meta's two sheets, the raw one has numbers as they are.
    let best = found.iter().position(|(sheet, _)| sheet.name.to_lowercase().contains("raw")).unwrap_or(0);
    if found.is_empty() {
        return match (problem, empty_report(&sheets)) {
            (Some(problem), _) => Err(problem),
            (None, Some(reading)) => Ok(reading),
            (None, None) => Err(unknown(&sheets, name)),
        };
    }
    let (sheet, layout) = found.swap_remove(best);
    check_columns(&layout)?;
    let mut reading = read_sheet(sheet, &layout, given)?;
    for (other, _) in &found {
        reading.notes.push(format!("the sheet `{}` is not read", other.name));
    }
    if let (true, Some(first)) = (given.atomic, reading.refused.first()) {
        let message = format!(
            "{}; {} rows are refused, so the file is, as `atomic` asks",
            first.message,
            reading.refused.len()
        );
        return Err(Problem::new(Code::Export, place(first.line, &first.column), message));
    }
    Ok(reading)
}

fn check_given(given: &Given) -> Result<(), Problem> {
    if let Some(currency) = given.currency.as_ref().filter(|code| !is_currency(code)) {
        let message = format!("`{currency:.20}` is no code of ISO 4217, e.g. USD");
        return Err(Problem::new(Code::Option, "currency", message));
    }
    if let Some(zone) = &given.time_zone {
        check_zone(zone)?;
    }
    match given.window {
        Some(window) if window.end < window.start => {
            Err(Problem::new(Code::Option, "window", "ends before it starts"))
        }
        _ => Ok(()),
    }
}

/// The form of an IANA name or of an offset; whether there is such a zone, the caller's database says.
fn check_zone(zone: &str) -> Result<(), Problem> {
    let good = |c: char| c.is_ascii_alphanumeric() || "/_+-:".contains(c);
    if (1..=60).contains(&zone.len()) && zone.chars().all(good) {
        return Ok(());
    }
    Err(Problem::new(Code::Option, "time_zone", format!("`{zone:.40}` is no name of a time zone")))
}

/// A report of a known platform without any row: only its titles.
fn empty_report(sheets: &[Sheet]) -> Option<Reading> {
    let titles = [
        ("ad performance report", Platform::LinkedIn),
        ("rapport met advertentieprestaties", Platform::LinkedIn),
        ("ad report", Platform::GoogleAds),
        ("campaign report", Platform::GoogleAds),
    ];
    let sheet = sheets.first()?;
    let first = folded(sheet.rows.first()?.text(0));
    // A title has few lines below it, and no table.
    let is_short = sheet.rows.len() <= 8 && sheet.rows.iter().all(|row| row.cells.len() <= 2);
    let (_, source) = titles.iter().find(|(title, _)| first.starts_with(title) && is_short)?;
    let mut reading = empty(sheet, *source);
    reading.skipped = sheet.rows.iter().map(preamble).collect();
    reading.notes.push("the report is empty: it has titles and no rows".to_owned());
    Some(reading)
}

fn empty(sheet: &Sheet, source: Platform) -> Reading {
    Reading {
        source,
        language: None,
        sheet: (!sheet.name.is_empty()).then(|| sheet.name.clone()),
        form: form(sheet.form),
        header_line: 0,
        time_zone: None,
        time_zone_source: None,
        click_column: None,
        unread_columns: Vec::new(),
        observations: Vec::new(),
        skipped: Vec::new(),
        refused: Vec::new(),
        asked: Vec::new(),
        notes: Vec::new(),
    }
}

fn form(form: Form) -> String {
    match form {
        Form::Xlsx => "XLSX".to_owned(),
        Form::Csv { encoding, is_guessed, separator } => {
            let separator = if separator == '\t' { "a tab".to_owned() } else { format!("`{separator}`") };
            let guessed = if is_guessed { " (recognized by its letters)" } else { "" };
            format!("{encoding}{guessed}, separated by {separator}")
        }
    }
}

fn unknown(sheets: &[Sheet], name: &str) -> Problem {
    let widest = sheets
        .iter()
        .flat_map(|sheet| &sheet.rows)
        .take(60)
        .max_by_key(|row| row.cells.iter().filter(|cell| !cell.text.trim().is_empty()).count());
    let headers: Vec<String> = widest
        .map(|row| row.cells.iter().take(12).map(|cell| format!("`{:.30}`", cell.text.trim())).collect())
        .unwrap_or_default();
    let message = format!(
        "no line has the columns of a platform that is known; give a mapping of the columns, e.g. of {}",
        headers.join(", ")
    );
    Problem::new(Code::Export, name, message)
}

/// Reports that do not tell one advertisement from another teach nothing about advertisements.
fn check_columns(layout: &Layout) -> Result<(), Problem> {
    let wrong = |message: String| Err(Problem::new(Code::Export, place(layout.line, ""), message));
    let tells = |field| matches!(field, Field::AdId | Field::AdName | Field::Asin | Field::Sku);
    if !layout.has(tells) {
        return wrong(format!(
            "no column tells which advertisement a row is about; add the ad's id to the report of {}",
            layout.platform.name()
        ));
    }
    if !layout.has(|field| matches!(field, Field::Impressions | Field::Spend | Field::Clicks(_))) {
        return wrong("there is no column of impressions, clicks or spend".to_owned());
    }
    Ok(())
}

fn preamble(row: &SheetRow) -> Skipped {
    let reason = if row.is_blank() { SkipReason::Blank } else { SkipReason::Preamble };
    Skipped { line: row.line, reason }
}

fn read_sheet(sheet: &Sheet, layout: &Layout, given: &Given) -> Result<Reading, Problem> {
    let (above, below) = sheet.rows.split_at(layout.row);
    let below = &below[1..];
    let mut reading = empty(sheet, layout.platform);
    reading.language = layout.language;
    reading.header_line = layout.line;
    reading.unread_columns.clone_from(&layout.unread);
    reading.skipped = above.iter().map(preamble).collect();
    let titles = title_dates(above);
    let last = below.iter().rposition(|row| !row.is_blank()).map_or(0, |last| last + 1);
    let mut rows: Vec<SheetRow> = Vec::new();
    for row in &below[..last] {
        if row.is_blank() {
            reading.skipped.push(Skipped { line: row.line, reason: SkipReason::Blank });
        } else if is_total(layout, row) {
            reading.skipped.push(Skipped { line: row.line, reason: SkipReason::TotalRow });
        } else {
            rows.push(row.clone());
        }
    }
    tell_clicks(&mut reading, layout);
    let styles = styles::of(layout, &rows, &titles, given);
    reading.asked.extend(styles.asked.iter().cloned());
    let currency = currency(&mut reading, layout, given)?;
    let window = window(&mut reading, layout, &titles, given)?;
    time_zone(&mut reading, layout, &rows, given)?;
    if rows.is_empty() {
        reading.notes.push("the report is empty: it has a header and no rows".to_owned());
        reading.asked.clear();
        return Ok(reading);
    }
    if !styles.asked.is_empty() {
        // Numbers and dates that may be read in two ways are not read at all.
        return Ok(reading);
    }
    let has_view_through = layout.first(Field::ViewThrough).is_some();
    let context = Context { layout, styles: &styles, window, currency, has_view_through };
    for row in &rows {
        match context.observation(row) {
            Ok(observation) => reading.observations.push(observation),
            Err(refused) => reading.refused.push(refused),
        }
    }
    widen_start_days(&mut reading, layout, &titles);
    refuse_overlaps(&mut reading);
    reading.refused.sort_by_key(|refused| refused.line);
    Ok(reading)
}

/// Dates above the header, but for that of the export itself.
fn title_dates(above: &[SheetRow]) -> Vec<Date> {
    let is_of_export = |row: &SheetRow| {
        let first = folded(row.text(0));
        first.contains("generated") || first.contains("aangemaakt")
    };
    above
        .iter()
        .filter(|row| !is_of_export(row))
        .flat_map(|row| {
            // A title with commas in it may stand unquoted, in several cells.
            let cells: Vec<&str> = (0..row.cells.len()).map(|at| row.text(at)).collect();
            dates_in(&cells.join(", "))
        })
        .collect()
}

fn tell_clicks(reading: &mut Reading, layout: &Layout) {
    let clicks: Vec<&str> = layout
        .columns
        .iter()
        .filter(|column| matches!(column.field, Field::Clicks(_)))
        .map(|column| column.header.as_str())
        .collect();
    reading.click_column = clicks.first().map(|counted| (*counted).to_owned());
    if let [counted, others @ ..] = &clicks[..]
        && !others.is_empty()
    {
        let others: Vec<String> = others.iter().map(|other| format!("`{other}`")).collect();
        reading.notes.push(format!("clicks are counted by `{counted}`, not by {}", others.join(", ")));
    }
}

/// The currency of the file, where rows have none of their own.
fn currency(
    reading: &mut Reading,
    layout: &Layout,
    given: &Given,
) -> Result<Option<(String, CurrencySource)>, Problem> {
    let money = layout.columns.iter().filter(|column| matches!(column.field, Field::Spend | Field::Revenue));
    let mut codes: Vec<(String, &str)> = money
        .filter_map(|column| match &column.unit {
            Some(Unit::Currency(code)) => Some((code.clone(), column.header.as_str())),
            _ => None,
        })
        .collect();
    codes.sort();
    codes.dedup_by(|a, b| a.0 == b.0);
    if let [_, (_, header), ..] = &codes[..] {
        let message = "the amounts are in two currencies; export them in one";
        return Err(Problem::new(Code::Export, place(layout.line, header), message));
    }
    if layout.first(Field::Currency).is_some() {
        return Ok(None);
    }
    let is_yuan = |unit: &Option<Unit>| matches!(unit, Some(Unit::Yuan | Unit::ThousandthOfYuan));
    let in_file = match codes.pop() {
        Some((code, _)) => Some((code, CurrencySource::Header)),
        None if layout.platform.keeps_china_time() && layout.columns.iter().any(|own| is_yuan(&own.unit)) => {
            Some(("CNY".to_owned(), CurrencySource::HeaderUnitYuan))
        }
        None => None,
    };
    match (in_file, &given.currency) {
        (Some((code, _)), Some(wanted)) if code != *wanted => {
            let message = format!("the file's amounts are in {code}, not in {wanted}");
            Err(Problem::new(Code::Export, "currency", message))
        }
        (Some(found), _) => Ok(Some(found)),
        (None, Some(wanted)) => Ok(Some((wanted.clone(), CurrencySource::Given))),
        (None, None) => {
            if layout.has(|field| matches!(field, Field::Spend | Field::Revenue)) {
                reading.asked.push(Question {
                    asked: Asked::Currency,
                    why: "the file has amounts and names no currency".to_owned(),
                    choices: Vec::new(),
                });
            }
            Ok(None)
        }
    }
}

/// The window of a report whose rows have no dates.
fn window(
    reading: &mut Reading,
    layout: &Layout,
    titles: &[Date],
    given: &Given,
) -> Result<Option<Window>, Problem> {
    let is_dated = layout.first(Field::Day).is_some()
        || (layout.first(Field::WindowStart).is_some() && layout.first(Field::WindowEnd).is_some());
    if is_dated {
        return Ok(None);
    }
    let in_titles = titles.first().zip(titles.last()).filter(|(start, end)| start <= end && titles.len() > 1);
    let in_titles = in_titles.map(|(start, end)| Window { start: *start, end: *end });
    match (in_titles, given.window) {
        (Some(found), Some(wanted)) if found != wanted => {
            let message = format!("the file says {} to {}", found.start, found.end);
            Err(Problem::new(Code::Export, "window", message))
        }
        (Some(found), _) => Ok(Some(found)),
        (None, Some(wanted)) => Ok(Some(wanted)),
        (None, None) => {
            reading.asked.push(Question {
                asked: Asked::Window,
                why: "the rows have no dates; say which days the report is about".to_owned(),
                choices: Vec::new(),
            });
            Ok(None)
        }
    }
}

fn time_zone(
    reading: &mut Reading,
    layout: &Layout,
    rows: &[SheetRow],
    given: &Given,
) -> Result<(), Problem> {
    let found = zone_of_file(layout, rows)?;
    if let (Some((zone, _)), Some(wanted)) = (&found, &given.time_zone)
        && zone != wanted
    {
        let message = format!("the file's days are those of {zone}, not of {wanted}");
        return Err(Problem::new(Code::Export, "time_zone", message));
    }
    match found.or_else(|| Some((given.time_zone.clone()?, "given"))) {
        Some((zone, source)) => {
            if source == "assumed" {
                reading.notes.push(format!(
                    "days are taken as those of {zone}: {} keeps one clock",
                    layout.platform.name()
                ));
            }
            reading.time_zone = Some(zone);
            reading.time_zone_source = Some(source);
        }
        None => reading.asked.push(Question {
            asked: Asked::TimeZone,
            why: "the file does not say on which clock its days begin; the account's settings do".to_owned(),
            choices: Vec::new(),
        }),
    }
    Ok(())
}

fn zone_of_file(layout: &Layout, rows: &[SheetRow]) -> Result<Option<(String, &'static str)>, Problem> {
    if let Some(column) = layout.first(Field::TimeZone) {
        let mut zones =
            rows.iter().map(|row| (row.line, row.text(column.idx))).filter(|(_, text)| !text.is_empty());
        let Some((_, first)) = zones.next() else { return Ok(None) };
        if let Some((line, other)) = zones.find(|(_, other)| *other != first) {
            let message =
                format!("rows are of two time zones, `{first:.40}` and `{other:.40}`; split the file");
            return Err(Problem::new(Code::Export, place(line, &column.header), message));
        }
        check_zone(first).map_err(|problem| {
            Problem::new(Code::Export, place(layout.line, &column.header), problem.message)
        })?;
        return Ok(Some((first.to_owned(), "column")));
    }
    if layout
        .columns
        .iter()
        .any(|column| column.field == Field::Day && folded(&column.header).contains("utc"))
    {
        return Ok(Some(("UTC".to_owned(), "header")));
    }
    Ok(layout.platform.keeps_china_time().then(|| ("Asia/Shanghai".to_owned(), "assumed")))
}

/// LinkedIn without a daily breakdown stamps the first day on sums of the whole report.
fn widen_start_days(reading: &mut Reading, layout: &Layout, titles: &[Date]) {
    let (Some(start), Some(end)) = (titles.first().copied(), titles.last().copied()) else { return };
    let days = reading.observations.iter().map(|own| own.window);
    let is_sum = layout.platform == Platform::LinkedIn
        && start < end
        && !reading.observations.is_empty()
        && days.clone().all(|window| window == Some(Window { start, end: start }));
    if !is_sum {
        return;
    }
    for own in &mut reading.observations {
        own.window = Some(Window { start, end });
    }
    reading.notes.push(format!(
        "all rows carry the first day of the report, so each is taken as the sum of {start} to {end}"
    ));
}

/// Refuses rows of one advertisement and one window, and longer windows that hold days of shorter ones.
fn refuse_overlaps(reading: &mut Reading) {
    let mut of_ad: BTreeMap<Vec<String>, Vec<Observation>> = BTreeMap::new();
    for own in std::mem::take(&mut reading.observations) {
        of_ad.entry(own.ad()).or_default().push(own);
    }
    for mut rows in of_ad.into_values() {
        let length =
            |window: Option<Window>| window.map_or(0, |window| (window.end - window.start).get_days());
        rows.sort_by_key(|own| (length(own.window), own.line));
        let mut n_rows: HashMap<Option<Window>, usize> = HashMap::new();
        for own in &rows {
            *n_rows.entry(own.window).or_default() += 1;
        }
        let mut kept: Vec<Window> = Vec::new();
        for own in rows {
            let overlap = own.window.and_then(|window| {
                kept.iter().find(|other| window.start <= other.end && other.start <= window.end).copied()
            });
            let mut refuse = |reason: RefusalReason, message: String| {
                reading.refused.push(Refused { line: own.line, column: String::new(), reason, message });
            };
            if n_rows.get(&own.window).is_some_and(|n| *n > 1) {
                let message = "another row has the same advertisement and days; export without a further \
                               breakdown (age, placement, device)";
                refuse(RefusalReason::DuplicateWindow, message.to_owned());
            } else if let Some(other) = overlap {
                let message = format!(
                    "the row holds days that another of the advertisement has: {} to {}",
                    other.start, other.end
                );
                refuse(RefusalReason::OverlappingWindow, message);
            } else {
                kept.extend(own.window);
                reading.observations.push(own);
            }
        }
    }
    reading.observations.sort_by_key(|own| own.line);
}
