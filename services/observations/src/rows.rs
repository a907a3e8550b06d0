//! One row of an export: an observation, a total, or refused with its column.

use jiff::civil::Date;
use spotwright_tables::sheet::{Cell, Kind, SheetRow};

use crate::date::written;
use crate::layout::{Column, Layout};
use crate::number::{is_nothing, micros, plain, stored};
use crate::platform::{Field, Platform, Unit, is_currency};
use crate::styles::Styles;
use crate::{
    Clicks, Conversions, Count, CurrencySource, DecimalMark, Identity, Observation, RefusalReason, Refused,
    Watch, Window,
};

/// Largest count: above it, counts are not whole numbers in `f64`.
const MOST: u64 = 1 << 53;

/// What the rows of one file have in common.
pub(crate) struct Context<'a> {
    pub(crate) layout: &'a Layout,
    pub(crate) styles: &'a Styles,
    /// Window of rows without one of their own.
    pub(crate) window: Option<Window>,
    /// Currency of rows without one of their own, and where it was found.
    pub(crate) currency: Option<(String, CurrencySource)>,
    /// Whether the columns tell conversions seen after a view apart.
    pub(crate) has_view_through: bool,
}

/// Beginnings of the cells of a row that sums others.
const TOTALS: [&str; 24] = [
    "total",
    "totals",
    "grand total",
    "summary",
    "subtotal",
    "总计",
    "合计",
    "汇总",
    "小计",
    "总和",
    "totaal",
    "gesamt",
    "totale",
    "totaux",
    "合計",
    "총계",
    "합계",
    "toplam",
    "suma",
    "łącznie",
    "total general",
    "รวม",
    "الإجمالي",
    "insgesamt",
];

/// Whether a cell says that its row is a sum: the word alone, or with a mark or a count behind it.
fn is_total_word(text: &str) -> bool {
    let text = text.trim().to_lowercase().replace('：', ":");
    TOTALS.iter().any(|word| {
        text.strip_prefix(word).is_some_and(|rest| {
            let rest = rest.trim_start();
            rest.is_empty()
                || rest.starts_with([':', '-', '(', '（'])
                || (rest.starts_with("of ") && rest.contains(|c: char| c.is_ascii_digit()))
        })
    })
}

/// Whether a field names what a row is about.
const fn is_dimension(field: Field) -> bool {
    matches!(
        field,
        Field::AdId
            | Field::AdName
            | Field::CampaignName
            | Field::GroupName
            | Field::Sku
            | Field::Asin
            | Field::Dimension
    )
}

/// Whether a row sums others: it says so, or it names nothing.
pub(crate) fn is_total(layout: &Layout, row: &SheetRow) -> bool {
    let first = row.cells.iter().map(|cell| cell.text.trim()).find(|text| !text.is_empty());
    if first.is_some_and(is_total_word) {
        return true;
    }
    let named = |column: &Column| is_dimension(column.field) || column.field == Field::Day;
    let mut dimensions = layout.columns.iter().filter(|column| named(column)).peekable();
    if dimensions.peek().is_none() {
        return false;
    }
    let texts: Vec<&str> = dimensions.clone().map(|column| row.text(column.idx)).collect();
    if texts.iter().any(|text| is_total_word(text)) {
        // A campaign may be called `Total`; then the row has an id of its own.
        let id = layout.first(Field::AdId).map(|column| row.text(column.idx));
        return id.is_none_or(is_nothing);
    }
    let names: Vec<&Column> = dimensions.filter(|column| is_dimension(column.field)).collect();
    !names.is_empty() && names.iter().all(|column| is_nothing(row.text(column.idx)))
}

/// Whether a name stands for several advertisements, e.g. `A; B;...and 2 more ads`.
fn names_several(name: &str, has_id_column: bool, id: &str) -> bool {
    let lower = name.to_lowercase();
    let more = lower
        .rsplit_once("and ")
        .is_some_and(|(_, rest)| rest.contains(" more") && rest.starts_with(|c: char| c.is_ascii_digit()));
    more || (has_id_column && is_nothing(id) && name.contains(';'))
}

impl Context<'_> {
    /// The observation of a row that is no total.
    pub(crate) fn observation(&self, row: &SheetRow) -> Result<Observation, Refused> {
        self.check_width(row)?;
        let (identity, external_ad_id) = self.identity(row)?;
        let (currency, currency_source) = self.currency(row)?;
        let mut observation = Observation {
            line: row.line,
            source: self.layout.platform,
            external_ad_id,
            ad_name: self.name(row, Field::AdName),
            campaign_name: self.name(row, Field::CampaignName),
            group_name: self.name(row, Field::GroupName),
            asin: self.name(row, Field::Asin),
            sku: self.name(row, Field::Sku),
            identity,
            window: self.window(row)?,
            currency,
            currency_source,
            impressions: None,
            clicks: Vec::new(),
            conversions: None,
            revenue_micros: None,
            spend_micros: None,
            reach: None,
            cover_impressions: None,
            watch: Vec::new(),
            attribution: self.name(row, Field::Attribution),
        };
        for column in &self.layout.columns {
            self.measure(row, column, &mut observation)?;
        }
        Self::check_clicks(&observation)?;
        Ok(observation)
    }

    fn refused(row: &SheetRow, column: &str, reason: RefusalReason, message: impl Into<String>) -> Refused {
        Refused { line: row.line, column: column.to_owned(), reason, message: message.into() }
    }

    /// A row that is longer than the header has its cells shifted.
    fn check_width(&self, row: &SheetRow) -> Result<(), Refused> {
        let beyond = (self.layout.width..row.cells.len()).find(|at| !row.text(*at).is_empty());
        match beyond {
            Some(at) => {
                let message = format!(
                    "the row has {} cells and the header {}; a text with the separator in it stands in quotes",
                    row.cells.len(),
                    self.layout.width
                );
                Err(Self::refused(row, &format!("column {}", at + 1), RefusalReason::TooManyCells, message))
            }
            None => Ok(()),
        }
    }

    fn name(&self, row: &SheetRow, field: Field) -> Option<String> {
        let mut columns = self.layout.columns.iter().filter(|column| column.field == field);
        columns.find_map(|column| {
            let text = row.text(column.idx);
            (!is_nothing(text)).then(|| text.to_owned())
        })
    }

    fn identity(&self, row: &SheetRow) -> Result<(Identity, Option<String>), Refused> {
        let id_column = self.layout.first(Field::AdId);
        let name_column = self.layout.first(Field::AdName);
        let id = id_column.map_or("", |column| row.text(column.idx));
        let header = name_column.or(id_column).map_or("", |column| column.header.as_str());
        let name = name_column.map_or("", |column| row.text(column.idx));
        if names_several(name, id_column.is_some(), id) {
            let message = "the row sums several advertisements; export one row for each";
            return Err(Self::refused(row, header, RefusalReason::SeveralAdsInOneRow, message));
        }
        if let (Some(column), false) = (id_column, is_nothing(id)) {
            Self::check_id(row, column)?;
            let id = id.trim_start_matches('\'').trim_matches('"').trim_start_matches('=').trim_matches('"');
            return Ok((Identity::AdId, Some(id.to_owned())));
        }
        if !is_nothing(name) && id_column.is_none() {
            return Ok((Identity::Names, None));
        }
        let product = self.layout.first(Field::Asin).or_else(|| self.layout.first(Field::Sku));
        if product.is_some_and(|column| !is_nothing(row.text(column.idx))) {
            return Ok((Identity::Product, None));
        }
        let message = "no cell tells which advertisement the row is about";
        Err(Self::refused(row, header, RefusalReason::AdMissing, message))
    }

    /// Spreadsheets keep 15 digits of a number; longer ids end in zeros or have an exponent.
    fn check_id(row: &SheetRow, column: &Column) -> Result<(), Refused> {
        let cell = row.cells.get(column.idx).cloned().unwrap_or_default();
        let text = cell.text.trim();
        let is_numeric = text.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-,".contains(&byte));
        let has_exponent =
            is_numeric && text.contains(['e', 'E']) && text.contains(|c: char| c.is_ascii_digit());
        let is_rounded = cell.kind == Kind::Number && (text.len() > 15 || text.contains('.'));
        if has_exponent || is_rounded {
            let message = format!(
                "`{text:.30}` is a rounded number and no id any more; export again, and do not save the file \
                 from a spreadsheet, or format the column as text before"
            );
            return Err(Self::refused(row, &column.header, RefusalReason::IdLostDigits, message));
        }
        if cell.kind == Kind::Error {
            return Err(Self::refused(
                row,
                &column.header,
                RefusalReason::ErrorCell,
                "the cell holds an error",
            ));
        }
        Ok(())
    }

    fn currency(&self, row: &SheetRow) -> Result<(Option<String>, Option<CurrencySource>), Refused> {
        let Some(column) = self.layout.first(Field::Currency) else {
            let found = self.currency.clone();
            return Ok(found.map_or((None, None), |(code, source)| (Some(code), Some(source))));
        };
        let text = row.text(column.idx).to_uppercase();
        if is_nothing(&text) {
            let message = "the row has no currency, as other rows have";
            return Err(Self::refused(row, &column.header, RefusalReason::CurrencyMissing, message));
        }
        if !is_currency(&text) {
            let message = format!("`{text:.20}` is no code of ISO 4217, e.g. USD");
            return Err(Self::refused(row, &column.header, RefusalReason::NotACurrency, message));
        }
        Ok((Some(text), Some(CurrencySource::Column)))
    }

    fn date(&self, row: &SheetRow, column: &Column) -> Result<Option<Date>, Refused> {
        let text = row.text(column.idx);
        if is_nothing(text) {
            return Ok(None);
        }
        let date = written(text).and_then(|date| date.resolved(self.styles.order));
        date.map(Some).ok_or_else(|| {
            let message = format!("`{text:.40}` is no date");
            Self::refused(row, &column.header, RefusalReason::NotADate, message)
        })
    }

    fn window(&self, row: &SheetRow) -> Result<Option<Window>, Refused> {
        let column = |field: Field| self.layout.first(field);
        let read = |column: Option<&Column>| column.map_or(Ok(None), |column| self.date(row, column));
        if let Some(day) = read(column(Field::Day))? {
            return Ok(Some(Window { start: day, end: day }));
        }
        let (start, end) = (read(column(Field::WindowStart))?, read(column(Field::WindowEnd))?);
        if let (Some(start), Some(end)) = (start, end) {
            if end < start {
                let header = column(Field::WindowEnd).map_or("", |column| column.header.as_str());
                let message = format!("the window ends on {end}, before it starts on {start}");
                return Err(Self::refused(row, header, RefusalReason::WindowReversed, message));
            }
            return Ok(Some(Window { start, end }));
        }
        let dated = [Field::Day, Field::WindowStart].into_iter().find_map(column);
        match dated {
            Some(column) => {
                let message = "the row has no date, as other rows have";
                Err(Self::refused(row, &column.header, RefusalReason::DateMissing, message))
            }
            None => Ok(self.window),
        }
    }

    /// A number's cell as a decimal with a point; `None` where it says nothing.
    fn decimal(&self, row: &SheetRow, column: &Column) -> Result<Option<String>, Refused> {
        let cell = row.cells.get(column.idx).cloned().unwrap_or_default();
        let text = cell.text.trim();
        if is_nothing(text) {
            return Ok(None);
        }
        let refuse =
            |reason: RefusalReason, message: String| Self::refused(row, &column.header, reason, message);
        if cell.kind == Kind::Error || text.starts_with('#') {
            return Err(refuse(RefusalReason::ErrorCell, format!("`{text:.30}` is an error, not a number")));
        }
        let found = self.number(&cell, column);
        let number = found
            .ok_or_else(|| refuse(RefusalReason::NotANumber, format!("`{text:.30}` is not a number")))?;
        if number.starts_with('-') && number.contains(|c: char| ('1'..='9').contains(&c)) {
            return Err(refuse(RefusalReason::Negative, format!("`{text:.30}` is below 0")));
        }
        Ok(Some(number))
    }

    fn number(&self, cell: &Cell, column: &Column) -> Option<String> {
        if cell.kind == Kind::Number {
            return stored(&cell.text);
        }
        let mark = self.styles.marks.get(&column.idx).copied().unwrap_or(DecimalMark::Point);
        plain(&cell.text, mark)
    }

    fn count(&self, row: &SheetRow, column: &Column) -> Result<Option<u64>, Refused> {
        let Some(number) = self.decimal(row, column)? else { return Ok(None) };
        let refuse =
            |reason: RefusalReason, message: String| Self::refused(row, &column.header, reason, message);
        let (whole, fraction) = number.split_once('.').unwrap_or((number.as_str(), ""));
        if fraction.bytes().any(|digit| digit != b'0') {
            return Err(refuse(RefusalReason::FractionalCount, format!("{number:.30} is not a whole count")));
        }
        let whole = whole.trim_start_matches('-');
        whole.parse::<u64>().ok().filter(|count| *count < MOST).map(Some).ok_or_else(|| {
            refuse(RefusalReason::TooLarge, format!("{number:.30} is more than can be counted"))
        })
    }

    fn amount(&self, row: &SheetRow, column: &Column) -> Result<Option<i64>, Refused> {
        let Some(number) = self.decimal(row, column)? else { return Ok(None) };
        let micros = micros(&number).map(|micros| match column.unit {
            Some(Unit::ThousandthOfYuan) => micros / 1_000,
            _ => micros,
        });
        micros.map(Some).ok_or_else(|| {
            let message = format!("{number:.30} is more than can be counted");
            Self::refused(row, &column.header, RefusalReason::TooLarge, message)
        })
    }

    fn measure(&self, row: &SheetRow, column: &Column, own: &mut Observation) -> Result<(), Refused> {
        match column.field {
            Field::Spend if own.spend_micros.is_none() => own.spend_micros = self.amount(row, column)?,
            Field::Revenue if own.revenue_micros.is_none() => {
                own.revenue_micros = self.amount(row, column)?;
            }
            Field::Impressions if own.impressions.is_none() => {
                own.impressions =
                    Some(Count { column: column.header.clone(), value: self.count(row, column)? });
            }
            Field::CoverImpressions if own.cover_impressions.is_none() => {
                own.cover_impressions =
                    Some(Count { column: column.header.clone(), value: self.count(row, column)? });
            }
            Field::Reach if own.reach.is_none() => own.reach = self.count(row, column)?,
            Field::Clicks(kind) => own.clicks.push(Clicks {
                kind,
                column: column.header.clone(),
                value: self.count(row, column)?,
            }),
            Field::Conversions(dated_by) if own.conversions.is_none() => {
                let value = self.decimal(row, column)?;
                let kind = self.conversion_kind(row, value.is_some());
                own.conversions = Some(Conversions { column: column.header.clone(), value, kind, dated_by });
            }
            Field::Watch(measure) => own.watch.push(Watch {
                measure,
                column: column.header.clone(),
                value: self.decimal(row, column)?,
            }),
            _ => {}
        }
        Ok(())
    }

    fn conversion_kind(&self, row: &SheetRow, is_known: bool) -> String {
        let mut types = self.layout.columns.iter().filter_map(|column| match column.field {
            Field::ConversionType(prefix) => Some((prefix, row.text(column.idx))),
            _ => None,
        });
        match types.find(|(_, text)| !is_nothing(text)) {
            Some((prefix, text)) if is_known => format!("{prefix}{text}"),
            _ if self.layout.platform == Platform::Meta => "unknown".to_owned(),
            _ if self.has_view_through => {
                format!("{}; view-through kept apart", self.layout.platform.conversion_kind())
            }
            _ => self.layout.platform.conversion_kind().to_owned(),
        }
    }

    /// Clicks that count are at most as many as impressions. Other kinds may be more: one impression can
    /// be clicked in several places.
    fn check_clicks(own: &Observation) -> Result<(), Refused> {
        let (Some(impressions), Some(clicks)) = (&own.impressions, own.clicks.first()) else { return Ok(()) };
        match (impressions.value, clicks.value) {
            (Some(shown), Some(clicked)) if clicked > shown => Err(Refused {
                line: own.line,
                column: clicks.column.clone(),
                reason: RefusalReason::ClicksAboveImpressions,
                message: format!("{clicked} clicks of {shown} impressions"),
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_told_from_names() {
        for text in
            ["Total", "Total: Ads", "Total of 6 results", "总计：广告系列", "合计", "Total - filtered"]
        {
            assert!(is_total_word(text), "{text}");
        }
        for text in ["Total body workout", "Totally new", "Summary of summer", "合计划"] {
            assert!(!is_total_word(text), "{text}");
        }
        assert!(names_several("HL_Old1; HL_Old2;...and 2 more ads", false, ""));
        assert!(names_several("A; B", true, ""));
        assert!(!names_several("A; B", true, "120"));
        assert!(!names_several("Salt and pepper", true, ""));
    }
}
