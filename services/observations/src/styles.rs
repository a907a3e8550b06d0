//! How the numbers and dates of one file are written: by what the file shows, by its language, or by asking.

use std::collections::HashMap;

use jiff::civil::Date;
use spotwright_tables::sheet::{Kind, SheetRow};

use crate::date::{Written, order_evidence, written};
use crate::layout::Layout;
use crate::number::{evidence, is_nothing};
use crate::platform::{Field, Platform};
use crate::{Asked, DateOrder, DecimalMark, Given, Question};

/// How numbers are written, column by column, and dates.
#[derive(Debug, Default)]
pub(crate) struct Styles {
    /// The mark of each column of numbers, by its index.
    pub(crate) marks: HashMap<usize, DecimalMark>,
    /// The order of dates in digits, where one is needed.
    pub(crate) order: Option<DateOrder>,
    pub(crate) asked: Vec<Question>,
}

/// The language's mark; `None` for languages that are written in several countries with either.
fn mark_of(language: Option<&str>) -> Option<DecimalMark> {
    match language? {
        "en" | "zh" | "ja" | "ko" | "th" => Some(DecimalMark::Point),
        "de" | "fr" | "nl" | "pt" | "it" | "tr" | "pl" | "id" => Some(DecimalMark::Comma),
        _ => None,
    }
}

/// Looks at all rows below the header. `titles` are the dates above it.
pub(crate) fn of(layout: &Layout, rows: &[SheetRow], titles: &[Date], given: &Given) -> Styles {
    let mut styles = Styles::default();
    numbers(&mut styles, layout, rows, given);
    dates(&mut styles, layout, rows, titles, given);
    styles
}

fn numbers(styles: &mut Styles, layout: &Layout, rows: &[SheetRow], given: &Given) {
    let mut of_file: HashMap<DecimalMark, usize> = HashMap::new();
    let mut open: Vec<(usize, String, String)> = Vec::new();
    for column in layout.columns.iter().filter(|column| column.field.is_number()) {
        let (mut points, mut commas, mut example) = (0, 0, None);
        for row in rows {
            let is_text = row.cells.get(column.idx).is_some_and(|cell| cell.kind == Kind::Text);
            let text = row.text(column.idx);
            if !is_text || is_nothing(text) {
                continue;
            }
            match evidence(text) {
                Ok(Some(DecimalMark::Point)) => points += 1,
                Ok(Some(DecimalMark::Comma)) => commas += 1,
                Ok(None) => {}
                Err(()) => example = example.or_else(|| Some(text.to_owned())),
            }
        }
        *of_file.entry(DecimalMark::Point).or_default() += points;
        *of_file.entry(DecimalMark::Comma).or_default() += commas;
        // A column that contradicts itself is left open: its cells are read by the file's mark or refused.
        match (points, commas) {
            (1.., 0) => drop(styles.marks.insert(column.idx, DecimalMark::Point)),
            (0, 1..) => drop(styles.marks.insert(column.idx, DecimalMark::Comma)),
            _ => open.push((column.idx, column.header.clone(), example.unwrap_or_default())),
        }
    }
    let shown = match (of_file.get(&DecimalMark::Point), of_file.get(&DecimalMark::Comma)) {
        (Some(1..), Some(0) | None) => Some(DecimalMark::Point),
        (Some(0) | None, Some(1..)) => Some(DecimalMark::Comma),
        _ => None,
    };
    let mark = given.decimal_mark.or(shown).or_else(|| mark_of(layout.language));
    for (idx, header, example) in open {
        match mark {
            Some(mark) => drop(styles.marks.insert(idx, mark)),
            // Without an example every cell reads alike with either mark.
            None if example.is_empty() => drop(styles.marks.insert(idx, DecimalMark::Point)),
            None if styles.asked.is_empty() => styles.asked.push(Question {
                asked: Asked::NumberFormat,
                why: format!(
                    "`{example:.30}` in `{header:.60}` may be more than a thousand or little more than one"
                ),
                choices: vec!["point".to_owned(), "comma".to_owned()],
            }),
            None => {}
        }
    }
}

fn dates(styles: &mut Styles, layout: &Layout, rows: &[SheetRow], titles: &[Date], given: &Given) {
    let is_date = |field: Field| matches!(field, Field::Day | Field::WindowStart | Field::WindowEnd);
    let (mut open, mut example) = (Vec::new(), None);
    // A file that shows both orders says nothing of the dates that may be read in two ways.
    let (mut shown, mut is_torn) = (None, false);
    for column in layout.columns.iter().filter(|column| is_date(column.field)) {
        for row in rows {
            let text = row.text(column.idx);
            let own = order_evidence(text);
            is_torn |= own.is_some() && shown.is_some() && own != shown;
            shown = shown.or(own);
            if let Some(date @ Written::Open { .. }) = written(text) {
                open.push(date);
                example = example.or_else(|| Some((text.to_owned(), column.header.clone())));
            }
        }
    }
    let Some((text, header)) = example else { return };
    let by_titles = titles.first().zip(titles.last()).and_then(|(first, last)| {
        let fits = |order: DateOrder| {
            open.iter()
                .all(|date| date.resolved(Some(order)).is_some_and(|day| day >= *first && day <= *last))
        };
        match (fits(DateOrder::DayFirst), fits(DateOrder::MonthFirst)) {
            (true, false) => Some(DateOrder::DayFirst),
            (false, true) => Some(DateOrder::MonthFirst),
            _ => None,
        }
    });
    let by_language = match (layout.platform, layout.language) {
        // Campaign Manager in English writes months first, whatever the country.
        (Platform::LinkedIn, Some("en")) => Some(DateOrder::MonthFirst),
        (_, Some("de" | "fr" | "nl" | "pt" | "es" | "it" | "tr" | "pl" | "id" | "th" | "ar")) => {
            Some(DateOrder::DayFirst)
        }
        _ => None,
    };
    let of_file = if is_torn { None } else { shown.or(by_titles).or(by_language) };
    styles.order = given.date_order.or(of_file);
    if styles.order.is_none() {
        styles.asked.push(Question {
            asked: Asked::DateOrder,
            why: format!("`{text:.30}` in `{header:.60}` may be of two months"),
            choices: vec!["day_first".to_owned(), "month_first".to_owned()],
        });
    }
}
