//! Observations that a program hands in row by row.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Deserialize;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::money::Micros;

use crate::domain::observation::{
    AdKey, AdNames, Amount, ImportCounts, ImportReport, NewObservation, Observation, PlatformName,
    RefusedRow, RowPlace, Source, Window,
};

/// Most rows of one batch or file.
pub const MOST_ROWS: usize = 50_000;

/// Longest name or id in characters.
const LONGEST: usize = 500;

/// Most that is counted of anything: above it, sums would not be exact everywhere.
const MOST_COUNTED: u64 = 1 << 53;

/// What holds for all rows of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// What it is called, for people.
    pub name: String,
    /// The platform.
    pub platform: PlatformName,
    /// ISO 4217 code of all amounts.
    pub currency: String,
    /// Time zone of all days, an IANA name.
    pub time_zone: String,
}

/// What an ad did in a window.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BatchRow {
    /// The platform's id of the ad.
    #[serde(default)]
    pub ad_id: Option<String>,
    /// Name of the ad; without an id, what tells it from others.
    #[serde(default)]
    pub ad_name: Option<String>,
    /// Name of the campaign.
    #[serde(default)]
    pub campaign: Option<String>,
    /// Name of the ad group.
    #[serde(default)]
    pub group: Option<String>,
    /// First day, e.g. `2026-09-07`.
    pub start: String,
    /// Last day; without it, the first.
    #[serde(default)]
    pub end: Option<String>,
    /// Times shown.
    #[serde(default)]
    pub impressions: Option<u64>,
    /// Times clicked.
    #[serde(default)]
    pub clicks: Option<u64>,
    /// What the platform calls these clicks.
    #[serde(default)]
    pub click_column: Option<String>,
    /// Conversions, a decimal number with a point.
    #[serde(default)]
    pub conversions: Option<String>,
    /// Revenue, a decimal number with a point.
    #[serde(default)]
    pub revenue: Option<String>,
    /// Spend, a decimal number with a point.
    #[serde(default)]
    pub spend: Option<String>,
}

/// The rows of a batch, and what is told of it. `rows` are what could be read, each with its index; `refused` what
/// could not.
///
/// # Errors
/// [`Code::RequestValue`] for a currency or time zone that is none, and for more than [`MOST_ROWS`] rows.
pub fn rows_of(
    batch: &Batch,
    rows: Vec<(u64, BatchRow)>,
    refused: Vec<RefusedRow>,
) -> Result<(ImportReport, Vec<NewObservation>), Problem> {
    check(batch, rows.len() + refused.len())?;
    let mut report = ImportReport {
        name: batch.name.clone(),
        platform: batch.platform.clone(),
        language: None,
        form: None,
        currency: Some(batch.currency.clone()),
        time_zone: Some(batch.time_zone.clone()),
        click_column: None,
        counts: ImportCounts::default(),
        refused: Vec::new(),
        asked: Vec::new(),
        unmatched: Vec::new(),
        matched: 0,
        notes: Vec::new(),
        unread_columns: Vec::new(),
        mapping_remembered: false,
    };
    let mut refusals = refused;
    let mut taken: Vec<NewObservation> = Vec::with_capacity(rows.len());
    let mut windows: BTreeMap<AdKey, BTreeMap<Date, Window>> = BTreeMap::new();
    for (index, row) in rows {
        let place = RowPlace::Index(index);
        match read(batch, row) {
            Ok(observation) => {
                let of_ad = windows.entry(observation.ad.clone()).or_default();
                if let Some(by) = overlap(of_ad, &observation.window) {
                    refusals.push(RefusedRow::covered(place, &by));
                } else {
                    of_ad.insert(observation.window.start, observation.window.clone());
                    taken.push(NewObservation { place, observation, link: None });
                }
            }
            Err(Wrong { field, reason, message }) => refusals.push(RefusedRow {
                place,
                column: field.to_owned(),
                reason: reason.to_owned(),
                message,
            }),
        }
    }
    refusals.sort_by_key(|row| if let RowPlace::Index(index) = row.place { index } else { 0 });
    for row in refusals {
        report.refuse(row);
    }
    Ok((report, taken))
}

/// A window of the batch that holds a day of this one. Those taken so far hold no day twice, so the one that
/// starts last before this one's end is the only one to look at.
fn overlap(taken: &BTreeMap<Date, Window>, window: &Window) -> Option<Window> {
    let (_, last) = taken.range(..=window.end).next_back()?;
    (last.end >= window.start).then(|| last.clone())
}

fn check(batch: &Batch, n_rows: usize) -> Result<(), Problem> {
    let wrong = |field: &str, message: String| Err(Problem::new(Code::RequestValue, field, message));
    let is_currency =
        batch.currency.len() == 3 && batch.currency.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_currency {
        return wrong("currency", "is a code of ISO 4217, e.g. USD".to_owned());
    }
    let is_of_zone = |c: char| c.is_ascii_alphanumeric() || "/_+-:".contains(c);
    if !(1..=60).contains(&batch.time_zone.len()) || !batch.time_zone.chars().all(is_of_zone) {
        return wrong("time_zone", "is a name such as Europe/Berlin".to_owned());
    }
    if n_rows > MOST_ROWS {
        return wrong("observations", format!("has {n_rows} rows; at most {MOST_ROWS} are taken in at once"));
    }
    Ok(())
}

/// What is wrong with a row.
struct Wrong {
    field: &'static str,
    reason: &'static str,
    message: String,
}

impl Wrong {
    fn new(field: &'static str, reason: &'static str, message: impl Into<String>) -> Self {
        Self { field, reason, message: message.into() }
    }
}

fn read(batch: &Batch, row: BatchRow) -> Result<Observation, Wrong> {
    let ad_id = text("ad_id", row.ad_id)?;
    let ad_name = text("ad_name", row.ad_name)?;
    let campaign = text("campaign", row.campaign)?;
    let group = text("group", row.group)?;
    let ad = match (&ad_id, &ad_name) {
        (Some(id), _) => AdKey::Id(id.clone()),
        (None, Some(name)) => {
            let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
            AdKey::Names([or_empty(&campaign), or_empty(&group), name.clone()])
        }
        (None, None) => {
            return Err(Wrong::new("ad_id", "ad_missing", "the row has neither `ad_id` nor `ad_name`"));
        }
    };
    let start = day("start", &row.start)?;
    let end = row.end.as_deref().map_or(Ok(start), |end| day("end", end))?;
    if end < start {
        return Err(Wrong::new("end", "window_reversed", "lies before `start`"));
    }
    let impressions = count("impressions", row.impressions)?;
    let clicks = count("clicks", row.clicks)?;
    if let (Some(impressions), Some(clicks)) = (impressions, clicks)
        && clicks > impressions
    {
        let message = format!("{clicks} clicks on {impressions} impressions");
        return Err(Wrong::new("clicks", "clicks_above_impressions", message));
    }
    Ok(Observation {
        source: Source::Imported(batch.platform.clone()),
        ad,
        names: AdNames { id: ad_id, name: ad_name, campaign, group },
        window: Window { start, end, time_zone: batch.time_zone.clone() },
        impressions,
        clicks,
        click_column: text("click_column", row.click_column)?,
        conversions: row.conversions.as_deref().map(|text| decimal("conversions", text)).transpose()?,
        conversion_kind: None,
        revenue: amount(batch, "revenue", row.revenue.as_deref())?,
        spend: amount(batch, "spend", row.spend.as_deref())?,
        reach: None,
        watch: Vec::new(),
        attribution: None,
    })
}

fn text(field: &'static str, text: Option<String>) -> Result<Option<String>, Wrong> {
    let Some(text) = text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
        let message = format!("has at most {LONGEST} characters, none of control");
        return Err(Wrong::new(field, "not_a_text", message));
    }
    Ok(Some(text))
}

fn day(field: &'static str, text: &str) -> Result<Date, Wrong> {
    let wrong = || Wrong::new(field, "not_a_date", format!("`{text:.40}` is no date; write 2026-09-07"));
    // Days of times are another thing: of which clock, they do not say.
    let plain = text.len() == 10;
    let date: Date = text.parse().ok().filter(|_| plain).ok_or_else(wrong)?;
    if (1990..=2200).contains(&date.year()) { Ok(date) } else { Err(wrong()) }
}

fn count(field: &'static str, count: Option<u64>) -> Result<Option<u64>, Wrong> {
    match count {
        Some(count) if count > MOST_COUNTED => {
            Err(Wrong::new(field, "too_large", format!("{count} is more than any platform counts")))
        }
        count => Ok(count),
    }
}

fn decimal(field: &'static str, text: &str) -> Result<String, Wrong> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    if digits(whole) && digits(part) && text.len() <= 20 {
        return Ok(text.to_owned());
    }
    let message = format!("`{text:.40}` is no decimal number of 0 or more with a point, such as 12.5");
    Err(Wrong::new(field, "not_a_number", message))
}

fn amount(batch: &Batch, field: &'static str, text: Option<&str>) -> Result<Option<Amount>, Wrong> {
    let Some(text) = text else { return Ok(None) };
    let written = decimal(field, text)?;
    let micros = Micros::parse_decimal(&written).ok_or_else(|| {
        Wrong::new(field, "not_a_number", format!("`{text:.40}` is no amount with at most six decimals"))
    })?;
    Ok(Some(Amount { micros, currency: batch.currency.clone() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch() -> Batch {
        Batch {
            name: "batch".to_owned(),
            platform: PlatformName::parse("meta").unwrap(),
            currency: "USD".to_owned(),
            time_zone: "America/New_York".to_owned(),
        }
    }

    fn row(ad: &str, start: &str) -> BatchRow {
        BatchRow {
            ad_id: Some(ad.to_owned()),
            start: start.to_owned(),
            impressions: Some(1_000),
            clicks: Some(12),
            spend: Some("3.50".to_owned()),
            ..BatchRow::default()
        }
    }

    #[test]
    fn a_wrong_row_is_named_by_index_and_field_and_the_others_are_read() {
        let wrong: [(BatchRow, &str, &str); 8] = [
            (BatchRow { ad_id: None, ..row("1", "2026-09-01") }, "ad_id", "ad_missing"),
            (row("1", "01/09/2026"), "start", "not_a_date"),
            (row("1", "2026-02-30"), "start", "not_a_date"),
            (
                BatchRow { end: Some("2026-08-01".to_owned()), ..row("1", "2026-09-01") },
                "end",
                "window_reversed",
            ),
            (
                BatchRow { clicks: Some(1_001), ..row("1", "2026-09-01") },
                "clicks",
                "clicks_above_impressions",
            ),
            (BatchRow { spend: Some("-1".to_owned()), ..row("1", "2026-09-01") }, "spend", "not_a_number"),
            (BatchRow { spend: Some("1,50".to_owned()), ..row("1", "2026-09-01") }, "spend", "not_a_number"),
            (BatchRow { impressions: Some(u64::MAX), ..row("1", "2026-09-01") }, "impressions", "too_large"),
        ];
        for (own, field, reason) in wrong {
            let rows = vec![(0, row("9", "2026-09-01")), (1, own)];
            let (report, taken) = rows_of(&batch(), rows, Vec::new()).unwrap();
            assert_eq!(taken.len(), 1);
            let refused = &report.refused[0];
            assert_eq!((refused.place, refused.column.as_str()), (RowPlace::Index(1), field));
            assert_eq!(refused.reason, reason);
        }
        let (_, taken) = rows_of(&batch(), vec![(0, row("1", "2026-09-01"))], Vec::new()).unwrap();
        let spend = taken[0].observation.spend.clone().unwrap();
        assert_eq!((spend.micros, spend.currency.as_str()), (Micros(3_500_000), "USD"));
    }

    #[test]
    fn no_day_of_an_ad_stands_twice_in_a_batch() {
        let week = BatchRow { end: Some("2026-09-07".to_owned()), ..row("1", "2026-09-01") };
        let rows = vec![
            (0, week),
            (1, row("1", "2026-09-03")),
            (2, row("1", "2026-09-08")),
            (3, row("2", "2026-09-03")),
            (4, row("1", "2026-09-08")),
        ];
        let (report, taken) = rows_of(&batch(), rows, Vec::new()).unwrap();
        assert_eq!(taken.len(), 3);
        let places: Vec<RowPlace> = report.refused.iter().map(|row| row.place).collect();
        assert_eq!(places, [RowPlace::Index(1), RowPlace::Index(4)]);
    }

    #[test]
    fn currency_and_time_zone_are_stated() {
        for (own, field) in [
            (Batch { currency: "usd".to_owned(), ..batch() }, "currency"),
            (Batch { time_zone: String::new(), ..batch() }, "time_zone"),
        ] {
            assert_eq!(rows_of(&own, Vec::new(), Vec::new()).unwrap_err().field, field);
        }
    }
}
