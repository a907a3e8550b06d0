//! What was measured elsewhere: exports of advertising platforms, and tables of experiments run anywhere.
//!
//! # Purpose
//! [`export`] recognizes the performance export of a platform by its headers, in the platform's languages,
//! and reads it into typed [`Observation`]s. [`trial`] reads the arms of an experiment from counts or from
//! rows (JSON, CSV, XLSX, parquet) into what [`spotwright_experiment::analysis::report::analyze`] takes.
//! [`told`] writes an analysis as CSV. [`record`] turns a reading into rows to be kept. [`experiment`] reads
//! out experiments of the market day by day, and writes their exposures as parquet, as [`table_file`] does
//! with the tables of reports.
//!
//! It deliberately stores nothing, asks nobody and knows no clock: what a file does not say (currency, time
//! zone, days) comes back as a [`Question`], and the answers are given with [`Given`] in a second reading.
//! Whoever keeps observations keys them by [`Observation::key`]: a later file replaces what has the same
//! key.
//!
//! # Invariants
//! - Nothing is guessed: a number, date or currency that can be read in two ways is asked or refused.
//! - Every row of a file is an observation, or is named with its line as skipped or refused, and why.
//! - Simulated observations never come from here: every observation carries its platform, and every read-out
//!   of an experiment in the market says that it is simulated.
//!
//! # Example
//! ```
//! use spotwright_observations::{Given, export};
//!
//! let file = "Campaign name,Ad name,Ad ID,By Day,Cost,Impressions,Clicks (destination)\n\
//!             Autumn,Hook A,1799,2026-09-07,148.60,12480,211\n\
//!             Total of 1 results,-,-,-,148.60,12480,211\n";
//! let reading = export::read(file.as_bytes(), "a.csv", &Given::default())?;
//! assert_eq!(reading.source.name(), "tiktok");
//! assert_eq!(reading.observations[0].spend_micros, Some(148_600_000));
//! // The file names neither currency nor time zone.
//! assert_eq!(reading.asked.len(), 2);
//! # Ok::<(), spotwright_schemas::Problem>(())
//! ```

pub mod date;
pub mod experiment;
pub mod export;
mod layout;
mod number;
mod parquet_file;
pub mod platform;
pub mod record;
mod rows;
mod styles;
pub mod table_file;
pub mod told;
pub mod trial;

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

pub use platform::Platform;

/// Days, ends included, on the clock of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Window {
    /// First day.
    pub start: Date,
    /// Last day.
    pub end: Date,
}

/// A count and the column that it stands in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Header of the column, as written.
    pub column: String,
    /// The count; `None` where the cell is empty or a dash, which is not 0.
    pub value: Option<u64>,
}

/// Clicks of one kind. The first of an observation are those that count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clicks {
    /// What is counted, e.g. `link`, `destination`, `all`.
    pub kind: &'static str,
    /// Header of the column, as written.
    pub column: String,
    /// The count; `None` where the cell is empty or a dash.
    pub value: Option<u64>,
}

/// Conversions. Platforms count parts of one where several advertisements share it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conversions {
    /// Header of the column, as written.
    pub column: String,
    /// A decimal number as written, with a point and without separators; `None` where the cell is empty.
    pub value: Option<String>,
    /// What is counted, as far as the file says.
    pub kind: String,
    /// Which day a conversion belongs to, e.g. `click_date`; `unknown` where it is not known.
    pub dated_by: &'static str,
}

impl Conversions {
    /// The number.
    #[must_use]
    pub fn number(&self) -> Option<f64> {
        self.value.as_ref()?.parse().ok()
    }
}

/// A measure of watching, with its threshold in the name: those of different thresholds are not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Watch {
    /// The measure, e.g. `views_2s`; `avg_play_s` is in seconds.
    pub measure: &'static str,
    /// Header of the column, as written.
    pub column: String,
    /// A decimal number as written; `None` where the cell is empty or a dash.
    pub value: Option<String>,
}

/// Where a currency was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CurrencySource {
    /// A column of its own.
    Column,
    /// The header of the spend: `Amount spent (USD)`.
    Header,
    /// The unit 元 in a header.
    #[serde(rename = "header_unit_元")]
    HeaderUnitYuan,
    /// Given by the reader.
    Given,
}

/// What tells an advertisement from others in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// The platform's id of the advertisement.
    AdId,
    /// Names of campaign, group and advertisement: the file has no id. Names are not unique for certain.
    Names,
    /// Campaign, group and product: the report has neither id nor name of an advertisement.
    Product,
}

/// What an advertisement did in a window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Observation {
    /// The line of the file, from 1.
    pub line: u64,
    /// The platform; results of the simulation never have one.
    pub source: Platform,
    /// The platform's id, as text: ids have more digits than numbers hold.
    pub external_ad_id: Option<String>,
    /// Name of the advertisement.
    pub ad_name: Option<String>,
    /// Name of the campaign.
    pub campaign_name: Option<String>,
    /// Name of the ad group or ad set.
    pub group_name: Option<String>,
    /// The product, in reports of products.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asin: Option<String>,
    /// The seller's number of the product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// What tells the advertisement from others.
    pub identity: Identity,
    /// Days on the account's clock; `None` where the file does not say and nobody has been asked yet.
    pub window: Option<Window>,
    /// ISO 4217 code; `None` where the file does not say and nobody has been asked yet.
    pub currency: Option<String>,
    /// Where the currency was found.
    pub currency_source: Option<CurrencySource>,
    /// Times shown.
    pub impressions: Option<Count>,
    /// Clicks, the kind that counts first.
    pub clicks: Vec<Clicks>,
    /// Conversions.
    pub conversions: Option<Conversions>,
    /// Revenue in millionths of the currency.
    pub revenue_micros: Option<i64>,
    /// Spend in millionths of the currency.
    pub spend_micros: Option<i64>,
    /// People reached; not to be summed over rows.
    pub reach: Option<u64>,
    /// Covers shown, where the platform counts them apart from the material.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cover_impressions: Option<Count>,
    /// Measures of watching.
    pub watch: Vec<Watch>,
    /// The attribution setting, as the file says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribution: Option<String>,
}

/// What two observations of the same thing have in common: a later file with the same key replaces.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// The platform.
    pub source: Platform,
    /// The id, or the names, or the product.
    pub ad: Vec<String>,
    /// The window.
    pub window: Option<Window>,
}

impl Observation {
    /// What tells the advertisement from others.
    #[must_use]
    pub fn ad(&self) -> Vec<String> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        match self.identity {
            Identity::AdId => vec![text(&self.external_ad_id)],
            Identity::Names => {
                vec![text(&self.campaign_name), text(&self.group_name), text(&self.ad_name)]
            }
            Identity::Product => {
                vec![text(&self.campaign_name), text(&self.group_name), text(&self.asin), text(&self.sku)]
            }
        }
    }

    /// What a later observation of the same has in common with this one.
    #[must_use]
    pub fn key(&self) -> Key {
        Key { source: self.source, ad: self.ad(), window: self.window }
    }

    /// The clicks that count, and their column; `None` where the file has none.
    #[must_use]
    pub fn counted_clicks(&self) -> Option<&Clicks> {
        self.clicks.first()
    }
}

/// Why a row is no observation although nothing is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// A line above the header.
    Preamble,
    /// A line without any text.
    Blank,
    /// A sum of other rows.
    TotalRow,
}

/// A row that is no observation although nothing is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Skipped {
    /// The line, from 1.
    pub line: u64,
    /// Why.
    pub reason: SkipReason,
}

/// Why a row is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// The row sums several advertisements.
    SeveralAdsInOneRow,
    /// No cell tells which advertisement it is.
    AdMissing,
    /// A spreadsheet wrote the id as a rounded number.
    IdLostDigits,
    /// The window holds days that other rows of the advertisement cover already.
    OverlappingWindow,
    /// Another row has the same advertisement and window: the file is broken down by something else.
    DuplicateWindow,
    /// A cell that must hold a number does not.
    NotANumber,
    /// A count that is not whole.
    FractionalCount,
    /// A number below 0.
    Negative,
    /// A number that is larger than any platform counts.
    TooLarge,
    /// More clicks than impressions.
    ClicksAboveImpressions,
    /// A cell that must hold a date does not, or the date does not exist.
    NotADate,
    /// The row has no date although the file has a column of dates.
    DateMissing,
    /// The last day lies before the first.
    WindowReversed,
    /// A currency that is no code of three capitals.
    NotACurrency,
    /// The row has no currency although the file has a column of currencies.
    CurrencyMissing,
    /// The row has more cells than the header.
    TooManyCells,
    /// A cell holds a formula's error.
    ErrorCell,
}

/// A row that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The line, from 1.
    pub line: u64,
    /// Header of the column; empty where the whole row is meant.
    pub column: String,
    /// Why.
    pub reason: RefusalReason,
    /// What is wrong and what would be right.
    pub message: String,
}

/// What a file does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// The currency of the amounts.
    Currency,
    /// The time zone of the days.
    TimeZone,
    /// The days that the rows are about.
    Window,
    /// Whether `1,234` is more than a thousand or little more than one.
    NumberFormat,
    /// Whether `03/04` is in March or April.
    DateOrder,
}

/// Something that has to be known before the observations can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// What is asked.
    pub asked: Asked,
    /// Why, with an example from the file where there is one.
    pub why: String,
    /// The answers that there are; empty where any may be given.
    pub choices: Vec<String>,
}

/// What stands between the whole and the parts of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DecimalMark {
    /// `1,234.5`
    Point,
    /// `1.234,5`
    Comma,
}

/// Whether days or months come first in dates of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// 31/12/2026
    DayFirst,
    /// 12/31/2026
    MonthFirst,
}

/// What the reader of a file says about it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Given {
    /// The platform, where two are alike.
    pub source: Option<Platform>,
    /// Headers and what they hold, for a platform that is not known.
    pub mapping: Option<BTreeMap<String, String>>,
    /// ISO 4217 code, where the file names none.
    pub currency: Option<String>,
    /// Time zone of the account's days, an IANA name, where the file names none.
    pub time_zone: Option<String>,
    /// Days of the report, where the file names none.
    pub window: Option<Window>,
    /// How numbers are written, where the file leaves it open.
    pub decimal_mark: Option<DecimalMark>,
    /// How dates are written, where the file leaves it open.
    pub date_order: Option<DateOrder>,
    /// Refuse the whole file where a row is refused.
    pub atomic: bool,
}

/// What a file says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reading {
    /// The platform.
    pub source: Platform,
    /// Language of the headers, two letters; `None` with a mapping.
    pub language: Option<&'static str>,
    /// The sheet that was read, of a workbook.
    pub sheet: Option<String>,
    /// How the bytes were read, e.g. `UTF-16LE, separated by a tab`.
    pub form: String,
    /// Line of the header.
    pub header_line: u64,
    /// Time zone of the days; `None` where it is asked.
    pub time_zone: Option<String>,
    /// Where the time zone comes from.
    pub time_zone_source: Option<&'static str>,
    /// Header of the clicks that count.
    pub click_column: Option<String>,
    /// Columns that were not understood and are not read.
    pub unread_columns: Vec<String>,
    /// The observations, by line.
    pub observations: Vec<Observation>,
    /// Rows that are none.
    pub skipped: Vec<Skipped>,
    /// Rows that are refused.
    pub refused: Vec<Refused>,
    /// What has to be known before the observations can be used.
    pub asked: Vec<Question>,
    /// What a reader should know.
    pub notes: Vec<String>,
}

impl Reading {
    /// Whether the observations can be used as they are: nothing is asked.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.asked.is_empty()
    }
}
