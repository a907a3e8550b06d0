//! What the exports of advertising platforms call their columns, language by language.
//!
//! Names are compared whole, without case and with half-width brackets, never in parts: `点击率` (click
//! rate) holds `点击` (click) and is none.

mod google;
mod meta;
mod others;
mod tiktok;

use serde::Serialize;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

/// Where an export comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// Meta Ads (Facebook, Instagram).
    Meta,
    /// TikTok Ads.
    #[serde(rename = "tiktok")]
    TikTok,
    /// Google Ads.
    GoogleAds,
    /// Kuaishou Magnetic Engine (磁力引擎).
    Kuaishou,
    /// Ocean Engine (巨量引擎).
    #[serde(rename = "oceanengine")]
    OceanEngine,
    /// Qianchuan (巨量千川).
    Qianchuan,
    /// LinkedIn Campaign Manager.
    #[serde(rename = "linkedin")]
    LinkedIn,
    /// Amazon Ads, reports of advertised products.
    AmazonAds,
    /// Snapchat Ads.
    Snapchat,
    /// Pinterest Ads.
    Pinterest,
    /// Any other, by a mapping of its columns.
    Other,
}

impl Platform {
    /// The platforms that are recognized.
    pub const RECOGNIZED: [Self; 10] = [
        Self::Meta,
        Self::TikTok,
        Self::GoogleAds,
        Self::Kuaishou,
        Self::OceanEngine,
        Self::Qianchuan,
        Self::LinkedIn,
        Self::AmazonAds,
        Self::Snapchat,
        Self::Pinterest,
    ];

    /// The name that observations carry, e.g. `google_ads`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::TikTok => "tiktok",
            Self::GoogleAds => "google_ads",
            Self::Kuaishou => "kuaishou",
            Self::OceanEngine => "oceanengine",
            Self::Qianchuan => "qianchuan",
            Self::LinkedIn => "linkedin",
            Self::AmazonAds => "amazon_ads",
            Self::Snapchat => "snapchat",
            Self::Pinterest => "pinterest",
            Self::Other => "other",
        }
    }

    /// The platform of a name.
    ///
    /// # Errors
    /// [`Code::Option`] with the names that there are.
    pub fn parse(name: &str) -> Result<Self, Problem> {
        let all = Self::RECOGNIZED.into_iter().chain([Self::Other]);
        all.clone().find(|own| own.name() == name).ok_or_else(|| {
            let names: Vec<&str> = all.map(Self::name).collect();
            let message = format!("`{name:.40}` is no platform; there are {}", names.join(", "));
            Problem::new(Code::Option, "source", message)
        })
    }

    /// The names of its columns.
    pub(crate) const fn columns(self) -> &'static [Names] {
        match self {
            Self::Meta => meta::COLUMNS,
            Self::TikTok => tiktok::COLUMNS,
            Self::GoogleAds => google::COLUMNS,
            Self::Kuaishou => others::KUAISHOU,
            Self::OceanEngine => others::OCEAN_ENGINE,
            Self::Qianchuan => others::QIANCHUAN,
            Self::LinkedIn => others::LINKEDIN,
            Self::AmazonAds => others::AMAZON,
            Self::Snapchat => others::SNAPCHAT,
            Self::Pinterest => others::PINTEREST,
            Self::Other => &[],
        }
    }

    /// Whether the platform keeps one clock, China's, for all accounts.
    pub(crate) const fn keeps_china_time(self) -> bool {
        matches!(self, Self::Kuaishou | Self::OceanEngine | Self::Qianchuan)
    }

    /// How conversions are described where no column says.
    pub(crate) const fn conversion_kind(self) -> &'static str {
        match self {
            Self::Meta | Self::Other => "unknown",
            Self::TikTok => "account optimisation event",
            Self::GoogleAds => "primary actions",
            Self::Kuaishou => "optimisation goal",
            Self::OceanEngine | Self::Qianchuan => "optimisation event",
            Self::LinkedIn => "post-click + view-through",
            Self::AmazonAds => "orders within 7 days of click",
            Self::Snapchat | Self::Pinterest => "purchases",
        }
    }
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    AdId,
    AdName,
    CampaignName,
    GroupName,
    Sku,
    Asin,
    /// Any other name of what a row is about: blank in totals.
    Dimension,
    Day,
    WindowStart,
    WindowEnd,
    Currency,
    TimeZone,
    Spend,
    Impressions,
    CoverImpressions,
    Reach,
    /// Clicks of a kind; the kinds of a platform stand in the order in which they count.
    Clicks(&'static str),
    /// Conversions, and the day that they are dated by.
    Conversions(&'static str),
    /// What the conversions are, with the words before it.
    ConversionType(&'static str),
    ViewThrough,
    Revenue,
    Watch(&'static str),
    Attribution,
    /// Known and not read: rates, averages, states.
    Known,
}

impl Field {
    /// Whether its cells are numbers.
    pub(crate) const fn is_number(self) -> bool {
        matches!(
            self,
            Self::Spend
                | Self::Impressions
                | Self::CoverImpressions
                | Self::Reach
                | Self::Clicks(_)
                | Self::Conversions(_)
                | Self::Revenue
                | Self::Watch(_)
        )
    }

    /// The field of a mapping that a person wrote.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "ad_id" => Self::AdId,
            "ad_name" => Self::AdName,
            "campaign_name" => Self::CampaignName,
            "group_name" => Self::GroupName,
            "day" => Self::Day,
            "window_start" => Self::WindowStart,
            "window_end" => Self::WindowEnd,
            "currency" => Self::Currency,
            "time_zone" => Self::TimeZone,
            "spend" => Self::Spend,
            "impressions" => Self::Impressions,
            "reach" => Self::Reach,
            "clicks" => Self::Clicks("clicks"),
            "conversions" => Self::Conversions("unknown"),
            "revenue" => Self::Revenue,
            "ignore" => Self::Known,
            _ => return None,
        })
    }
}

/// Names of fields for mappings.
pub(crate) const MAPPABLE: &str = "ad_id, ad_name, campaign_name, group_name, day, window_start, \
    window_end, currency, time_zone, spend, impressions, reach, clicks, conversions, revenue, ignore";

/// The names of one field in one language.
#[derive(Debug)]
pub(crate) struct Names {
    pub(crate) field: Field,
    /// The language's two letters.
    pub(crate) language: &'static str,
    pub(crate) headers: &'static [&'static str],
}

/// Shorthand for the tables.
const fn of(field: Field, language: &'static str, headers: &'static [&'static str]) -> Names {
    Names { field, language, headers }
}

/// A header's name for comparison: lowercase, half-width, single spaces.
pub(crate) fn folded(name: &str) -> String {
    let plain: String = name
        .chars()
        .filter(|c| !matches!(c, '\u{FEFF}' | '\u{200B}' | '\u{200E}'))
        .map(|c| match c {
            '（' => '(',
            '）' => ')',
            '：' => ':',
            '％' => '%',
            '’' => '\'',
            '‑' | '–' => '-',
            c if c.is_whitespace() => ' ',
            c => c,
        })
        .collect();
    plain.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ").to_lowercase()
}

/// A unit that a header names behind its words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A currency's code, as `Amount spent (USD)` has.
    Currency(String),
    /// `(元)`: one CNY.
    Yuan,
    /// `(厘)`: a thousandth of one CNY.
    ThousandthOfYuan,
}

/// A header without its unit, folded, and the unit.
pub(crate) fn split_unit(header: &str) -> (String, Option<Unit>) {
    let half_width: String = header
        .trim()
        .chars()
        .map(|c| {
            if c == '（' {
                '('
            } else if c == '）' {
                ')'
            } else {
                c
            }
        })
        .collect();
    let Some(open) = half_width.rfind('(') else { return (folded(header), None) };
    let Some(inner) = half_width[open + 1..].strip_suffix(')') else { return (folded(header), None) };
    let unit = match inner.trim() {
        "元" => Unit::Yuan,
        "厘" => Unit::ThousandthOfYuan,
        code if is_currency(code) => Unit::Currency(code.to_owned()),
        _ => return (folded(header), None),
    };
    (folded(&half_width[..open]), Some(unit))
}

/// Whether a text has the form of an ISO 4217 code.
pub(crate) fn is_currency(code: &str) -> bool {
    code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn no_name_stands_for_two_fields_of_one_platform() {
        for platform in Platform::RECOGNIZED {
            let mut seen: HashMap<(String, &str), Field> = HashMap::new();
            for names in platform.columns() {
                for name in names.headers {
                    assert_eq!(&folded(name), name, "{platform:?}: names in the tables are folded");
                    let before = seen.insert(((*name).to_owned(), names.language), names.field);
                    assert!(before.is_none(), "{platform:?}: `{name}` stands for {before:?} and {names:?}");
                }
            }
        }
    }

    #[test]
    fn units_are_told_from_other_brackets() {
        let unit = |code: &str| Some(Unit::Currency(code.to_owned()));
        assert_eq!(split_unit("Amount spent (USD)"), ("amount spent".to_owned(), unit("USD")));
        assert_eq!(split_unit("花费（元）"), ("花费".to_owned(), Some(Unit::Yuan)));
        assert_eq!(split_unit("Clicks (all)"), ("clicks (all)".to_owned(), None));
        assert_eq!(split_unit("点击量（全部）"), ("点击量(全部)".to_owned(), None));
        assert_eq!(Platform::parse("google_ads").unwrap(), Platform::GoogleAds);
        assert!(Platform::parse("google").is_err());
    }
}
