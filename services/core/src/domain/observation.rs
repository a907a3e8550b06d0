//! Observations: what an ad did in a window of time, by one source.
//!
//! The market writes what became of its placements, imports write what a platform reported. The two are told
//! apart by [`Source`] in the key itself and are never pooled: whoever reads observations names a source.

use std::fmt;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::ids::{ImportId, ObservationId, OrganizationId, PlacementId, VariantId, derive};
use spotwright_schemas::money::Micros;
use spotwright_schemas::script::Direction;

/// Longest name of a platform in bytes.
const LONGEST_PLATFORM: usize = 40;

/// Refused rows that an import keeps; the count has all of them.
pub const KEPT_REFUSALS: usize = 1_000;

/// Time zone of simulated windows: the market's own days, of which the first is [`FIRST_LOGICAL_DAY`].
pub const LOGICAL_TIME: &str = "logical";

/// The market's first day. It stands for no day of a calendar that anybody advertises in.
pub const FIRST_LOGICAL_DAY: Date = jiff::civil::date(2000, 1, 1);

/// The name of an advertising platform, e.g. `meta`: lower-case letters, digits and underscores.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct PlatformName(String);

impl PlatformName {
    /// The platform of a name; `None` for what is none.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let is_name = name.starts_with(|first: char| first.is_ascii_lowercase())
            && name.len() <= LONGEST_PLATFORM
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        is_name.then(|| Self(name.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for PlatformName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| serde::de::Error::custom("is no name of a platform"))
    }
}

/// Who measured.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The built-in market simulator.
    Simulated,
    /// A real platform's report.
    Imported(PlatformName),
}

impl Source {
    /// `simulated` or `imported`.
    #[must_use]
    pub const fn kind(&self) -> SourceKind {
        match self {
            Self::Simulated => SourceKind::Simulated,
            Self::Imported(_) => SourceKind::Imported,
        }
    }

    /// The platform's name; empty for the simulation.
    #[must_use]
    pub fn platform(&self) -> &str {
        match self {
            Self::Simulated => "",
            Self::Imported(platform) => platform.as_str(),
        }
    }
}

/// The two kinds of sources, which are never pooled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// The built-in market simulator.
    Simulated,
    /// A real platform's report.
    Imported,
}

impl SourceKind {
    /// The kind as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Simulated => "simulated",
            Self::Imported => "imported",
        }
    }
}

/// What tells an ad from others of its source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdKey {
    /// A placement in the market.
    Placement(PlacementId),
    /// The platform's id, as text: ids have more digits than numbers hold.
    Id(String),
    /// Names of campaign, group and ad, where the report has no ids.
    Names([String; 3]),
    /// Campaign, group and the product's two numbers, in reports of products.
    Product([String; 4]),
}

impl AdKey {
    /// The key as one text, different for different keys.
    #[must_use]
    pub fn as_text(&self) -> String {
        let listed = |kind: &str, parts: &[String]| {
            let lengths: Vec<String> = parts.iter().map(|part| part.len().to_string()).collect();
            format!("{kind}:{}:{}", lengths.join(","), parts.concat())
        };
        match self {
            Self::Placement(placement) => format!("placement:{placement}"),
            Self::Id(id) => format!("id:{id}"),
            Self::Names(names) => listed("names", names),
            Self::Product(parts) => listed("product", parts),
        }
    }
}

/// What an ad is called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdNames {
    /// The platform's id.
    pub id: Option<String>,
    /// Name of the ad.
    pub name: Option<String>,
    /// Name of the campaign.
    pub campaign: Option<String>,
    /// Name of the ad group or ad set.
    pub group: Option<String>,
}

/// Days, ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// First day.
    pub start: Date,
    /// Last day; not before the first.
    pub end: Date,
    /// On whose clock the days begin: an IANA name, or [`LOGICAL_TIME`].
    pub time_zone: String,
}

impl Window {
    /// A day of the market's clock: generation 1 is the first.
    #[must_use]
    pub fn of_logical_day(day: u32) -> Self {
        let days = jiff::Span::new().days(i64::from(day.saturating_sub(1)));
        let date = FIRST_LOGICAL_DAY.checked_add(days).unwrap_or(Date::MAX);
        Self { start: date, end: date, time_zone: LOGICAL_TIME.to_owned() }
    }
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// Millionths of one unit.
    pub micros: Micros,
    /// ISO 4217 code: platforms bill in more currencies than runs are budgeted in.
    pub currency: String,
}

/// A measure of watching, with its threshold in the name: those of different thresholds are not compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// The measure, e.g. `views_2s`.
    pub measure: String,
    /// A decimal number as written; `None` where the report has an empty cell.
    pub value: Option<String>,
}

/// What an ad did in a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// Who measured.
    pub source: Source,
    /// What tells the ad from others.
    pub ad: AdKey,
    /// What it is called.
    pub names: AdNames,
    /// When.
    pub window: Window,
    /// Times shown; `None` where the report does not say, which is not 0.
    pub impressions: Option<u64>,
    /// Clicks of the kind that counts.
    pub clicks: Option<u64>,
    /// Header of the column that the clicks stand in.
    pub click_column: Option<String>,
    /// Conversions, a decimal number as written: platforms count parts of one.
    pub conversions: Option<String>,
    /// What a conversion is, as far as the report says.
    pub conversion_kind: Option<String>,
    /// Revenue.
    pub revenue: Option<Amount>,
    /// Spend.
    pub spend: Option<Amount>,
    /// People reached; not to be summed.
    pub reach: Option<u64>,
    /// Measures of watching.
    pub watch: Vec<Watch>,
    /// The attribution setting, as the report says it.
    pub attribution: Option<String>,
}

impl Observation {
    /// The id: the same for every observation of the same ad and window by the same source, so that a later
    /// one replaces it.
    #[must_use]
    pub fn id(&self, organization: OrganizationId) -> ObservationId {
        let (start, end) = (self.window.start.to_string(), self.window.end.to_string());
        ObservationId(derive(&[
            b"observation",
            organization.0.as_bytes(),
            self.source.kind().as_str().as_bytes(),
            self.source.platform().as_bytes(),
            self.ad.as_text().as_bytes(),
            start.as_bytes(),
            end.as_bytes(),
        ]))
    }
}

/// Which product a brief is about, for results that outlive a run: brand, product and language.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProductKey(String);

impl ProductKey {
    /// The product of a brief. Capitals and spaces around the names do not matter.
    #[must_use]
    pub fn of(brief: &Brief) -> Self {
        let folded = |name: &str| name.trim().to_lowercase();
        let (brand, product) = (folded(&brief.brand.name), folded(&brief.product.name));
        let locale = brief.locale.tag();
        Self(derive(&[b"product", brand.as_bytes(), product.as_bytes(), locale.as_bytes()]).to_string())
    }

    /// The key as stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Which of the organization's variants an ad shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The variant.
    pub variant: VariantId,
    /// Its direction.
    pub direction: Direction,
    /// What it advertises.
    pub product: ProductKey,
}

/// Where a row stood in what was handed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowPlace {
    /// The line of a file, from 1.
    Line(u64),
    /// The index in a list, from 0.
    Index(u64),
}

/// A row to be taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct NewObservation {
    /// Where it stood.
    pub place: RowPlace,
    /// What it says.
    pub observation: Observation,
    /// The variant that the ad shows, where it is known.
    pub link: Option<Link>,
}

/// What taking a row in does, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is new.
    New,
    /// It replaces one of the same ad and window, or shorter windows that lie within its own.
    Replaces,
    /// It is there already, as it is.
    Unchanged,
    /// Days of it lie in another window of the ad, which is not wholly within its own: taking both would
    /// count them twice.
    Covered(Window),
}

/// How many rows met which fate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportCounts {
    /// New.
    pub new: u64,
    /// Replaced an earlier one.
    pub replaced: u64,
    /// Were there already.
    pub unchanged: u64,
    /// Refused.
    pub refused: u64,
}

/// A row that is refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// Where it stands.
    pub place: RowPlace,
    /// Header of the column or name of the field; empty where the whole row is meant.
    pub column: String,
    /// Why, a stable word, e.g. `overlapping_window`.
    pub reason: String,
    /// What is wrong and what would be right.
    pub message: String,
}

impl RefusedRow {
    /// A row whose days lie in another window.
    #[must_use]
    pub fn covered(place: RowPlace, by: &Window) -> Self {
        let message = format!(
            "days of the row lie in {} to {}, which was handed in before as one number: taking both would \
             count them twice",
            by.start, by.end
        );
        Self { place, column: String::new(), reason: "overlapping_window".to_owned(), message }
    }
}

/// Something that has to be known before rows can be taken in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedOfFile {
    /// What is asked, e.g. `currency`.
    pub asked: String,
    /// Why.
    pub why: String,
    /// The answers that there are; empty where any may be given.
    pub choices: Vec<String>,
}

/// Why an ad is of no variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnmatchedReason {
    /// No external reference and no name of a launch pack says which it is.
    Unknown,
    /// Several variants have the ad's name.
    Ambiguous,
}

/// An ad that is of no variant; its observations are kept and teach nothing until it is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnmatchedAd {
    /// What it is called.
    pub names: AdNames,
    /// Why.
    pub reason: UnmatchedReason,
}

/// What was understood of a file or batch, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportReport {
    /// What it is called, for people.
    pub name: String,
    /// The platform.
    pub platform: PlatformName,
    /// Language of the headers.
    pub language: Option<String>,
    /// How the bytes were read.
    pub form: Option<String>,
    /// Currency of the amounts, where all have one.
    pub currency: Option<String>,
    /// Time zone of the days.
    pub time_zone: Option<String>,
    /// Header of the clicks that count.
    pub click_column: Option<String>,
    /// How many rows met which fate.
    pub counts: ImportCounts,
    /// Refused rows, at most [`KEPT_REFUSALS`].
    pub refused: Vec<RefusedRow>,
    /// What has to be known first; nothing is stored while something is.
    pub asked: Vec<AskedOfFile>,
    /// Ads that are of no variant.
    pub unmatched: Vec<UnmatchedAd>,
    /// Ads that are of a variant.
    pub matched: u64,
    /// What a reader should know.
    pub notes: Vec<String>,
    /// Columns that are not read.
    pub unread_columns: Vec<String>,
    /// Whether a mapping that was given earlier was used.
    pub mapping_remembered: bool,
}

impl ImportReport {
    /// Counts a row, and notes it where it is refused.
    pub fn count(&mut self, place: RowPlace, fate: &Fate) {
        match fate {
            Fate::New => self.counts.new += 1,
            Fate::Replaces => self.counts.replaced += 1,
            Fate::Unchanged => self.counts.unchanged += 1,
            Fate::Covered(by) => self.refuse(RefusedRow::covered(place, by)),
        }
    }

    /// Counts a refused row, and keeps it while there is room.
    pub fn refuse(&mut self, row: RefusedRow) {
        self.counts.refused += 1;
        if self.refused.len() < KEPT_REFUSALS {
            self.refused.push(row);
        }
    }
}

/// An import as stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportRecord {
    /// Its id.
    pub id: ImportId,
    /// What became of it.
    pub report: ImportReport,
    /// When it was taken in.
    pub created_at: i64,
}

/// An observation as stored.
#[derive(Debug, Clone, PartialEq)]
pub struct ObservationRecord {
    /// Its id.
    pub id: ObservationId,
    /// What it says.
    pub observation: Observation,
    /// The variant that the ad shows.
    pub variant: Option<VariantId>,
    /// The import that it came with; `None` for simulated ones.
    pub import: Option<ImportId>,
    /// How often it was written: 1, and one more for each correction.
    pub revision: u32,
    /// When it was first written.
    pub created_at: i64,
    /// When it was last changed.
    pub updated_at: i64,
}

/// What a variant did by one kind of source, over all its windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// The variant.
    pub variant: VariantId,
    /// Its direction.
    pub direction: Direction,
    /// Times shown.
    pub impressions: u64,
    /// Times clicked; at most `impressions`.
    pub clicks: u64,
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.start == self.end {
            write!(f, "{}", self.start)
        } else {
            write!(f, "{} to {}", self.start, self.end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_key_cannot_run_into_each_other() {
        let names = |parts: [&str; 3]| AdKey::Names(parts.map(str::to_owned)).as_text();
        assert_ne!(names(["a", "bc", ""]), names(["ab", "c", ""]));
        assert_ne!(AdKey::Id("1".to_owned()).as_text(), names(["1", "", ""]));
    }

    #[test]
    fn a_platform_has_a_plain_name() {
        assert_eq!(PlatformName::parse("google_ads").unwrap().as_str(), "google_ads");
        let long = "a".repeat(41);
        for name in ["", "Meta", "meta ads", "1st", "x'y", long.as_str()] {
            assert_eq!(PlatformName::parse(name), None, "{name}");
        }
    }

    #[test]
    fn generations_are_days_of_the_market() {
        assert_eq!(Window::of_logical_day(1).to_string(), "2000-01-01");
        assert_eq!(Window::of_logical_day(3).to_string(), "2000-01-03");
    }
}
