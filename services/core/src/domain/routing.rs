//! Which clip sources may make a clip, in which order, and why the others may not.
//!
//! Pure: everything that is known of a source is a parameter. Each source that is left out has one typed
//! [`Reason`], the first that holds in the order of the list there, for trace, report and JSON.

mod chinese;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use spotwright_schemas::money::{Currency, Micros};

use crate::ports::clip_source::{
    Ability, Capabilities, ClipError, ClipRequest, ClipTask, Leavable, LeftAway, Licence, Quote,
};

/// Members of the European Union, ISO 3166 (as of 2020-02-01).
const EU: [&str; 27] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT",
    "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK",
];

/// A clip may be shorter than asked for by this much, in seconds: a tenth of a frame of the fastest shots.
const TOLERANCE_SECONDS: f64 = 0.001;

/// What is known of one source.
#[derive(Debug, Clone)]
pub struct Candidate<'a> {
    /// Its name in configuration, trace and report.
    pub name: &'a str,
    /// What it can do.
    pub capabilities: &'a Capabilities,
    /// Under which terms.
    pub licence: &'a Licence,
    /// What the request costs there at most, or why it is refused.
    pub quote: Result<Quote, ClipError>,
    /// How long the request takes there, measured or configured; `None` where nothing is known.
    pub expected: Option<Duration>,
}

/// Which sources the brief asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// Names in the order in which they are tried.
    pub sources: Vec<String>,
    /// Whether sources that are not named are tried after them.
    pub or_others: bool,
}

/// What the brief allows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Terms {
    /// Where the ad will be shown: ISO 3166 codes in capitals, or `EU`. Empty means not said, and then a
    /// licence that excludes any territory is not used.
    pub territories: Vec<String>,
    /// The advertiser's yearly revenue in whole US dollars; `None` means not said, and then a licence with a
    /// limit is not used.
    pub revenue_usd: Option<u64>,
    /// What the clip may cost at most.
    pub cap: Option<(Micros, Currency)>,
    /// Time until the clip must be there.
    pub deadline: Option<Duration>,
    /// Which sources the brief asks for; `None` leaves it to the price.
    pub wish: Option<Wish>,
}

/// Why a source is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "reason", deny_unknown_fields)]
pub enum Reason {
    /// The brief names others, and only those.
    NotWished,
    /// The source cannot do something that the request needs.
    Ability {
        /// What it cannot do, at least one.
        missing: Vec<Ability>,
    },
    /// The clip is longer than the source's longest.
    Length {
        /// Seconds asked for.
        seconds: f64,
        /// The source's longest.
        at_most: f64,
    },
    /// The licence forbids a territory of the brief.
    Territory {
        /// The licence.
        licence: String,
        /// The brief's territories that it excludes, at least one.
        territories: Vec<String>,
    },
    /// The licence excludes territories, and the brief does not say where the ad will be shown.
    TerritoryUnknown {
        /// The licence.
        licence: String,
        /// What it excludes.
        excluded: Vec<String>,
    },
    /// The licence costs money from a yearly revenue on that the advertiser has, or may have.
    Revenue {
        /// The licence.
        licence: String,
        /// From here on, in whole US dollars.
        limit_usd: u64,
    },
    /// The source refuses this request.
    Refused {
        /// Why, in its words.
        message: String,
    },
    /// The price is in another currency than the cap, so that they cannot be compared.
    OtherCurrency {
        /// The price's currency.
        price: Currency,
        /// The cap's currency.
        cap: Currency,
    },
    /// The price is above the cap.
    Price {
        /// What the clip costs at most.
        at_most: Micros,
        /// What it may cost.
        cap: Micros,
        /// Currency of both.
        currency: Currency,
    },
    /// The clip would come too late.
    Deadline {
        /// Seconds that it takes.
        expected_seconds: f64,
        /// Seconds that there are.
        left_seconds: f64,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotWished => f.write_str("the brief asks for other sources only"),
            Self::Ability { missing } => {
                let words: Vec<&str> = missing.iter().map(|ability| ability.words()).collect();
                write!(f, "it does not make {}", words.join(", "))
            }
            Self::Length { seconds, at_most } => {
                write!(f, "the shot takes {seconds:.2} s, and its clips have at most {at_most:.2} s")
            }
            Self::Territory { licence, territories } => {
                write!(f, "its licence, {licence}, excludes {}", territories.join(", "))
            }
            Self::TerritoryUnknown { licence, excluded } => write!(
                f,
                "its licence, {licence}, excludes {}, and the brief does not say where the ad will be shown",
                excluded.join(", ")
            ),
            Self::Revenue { licence, limit_usd } => write!(
                f,
                "its licence, {licence}, costs money from a yearly revenue of {limit_usd} US dollars on"
            ),
            Self::Refused { message } => f.write_str(message),
            Self::OtherCurrency { price, cap } => {
                write!(f, "its price is in {}, and the cap in {}", price.code(), cap.code())
            }
            Self::Price { at_most, cap, currency } => write!(
                f,
                "it costs up to {} {}, and the cap is {}",
                at_most.to_decimal(),
                currency.code(),
                cap.to_decimal()
            ),
            Self::Deadline { expected_seconds, left_seconds } => {
                write!(f, "it takes about {expected_seconds:.0} s, and {left_seconds:.0} s are left")
            }
        }
    }
}

/// A source that is left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOut {
    /// Its name.
    pub source: String,
    /// Why.
    pub why: Reason,
    /// The same in words.
    pub words: String,
}

/// What a source that may make the clip leaves away of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeavesAway {
    /// Its name.
    pub source: String,
    /// What, at least one thing.
    pub left_away: Vec<LeftAway>,
}

/// Where a clip is made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Sources in the order in which they are tried; may be empty.
    pub sources: Vec<String>,
    /// The others, in the order in which they were given.
    pub left_out: Vec<LeftOut>,
    /// Names that the brief asks for and nobody has.
    pub unknown: Vec<String>,
    /// Those of `sources` that do not take all of the request, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaves_away: Vec<LeavesAway>,
}

/// A source that may make the clip.
struct Usable<'a> {
    name: &'a str,
    quote: Quote,
    left_away: Vec<LeftAway>,
}

impl Usable<'_> {
    /// Whether sound was asked for, and it makes none.
    fn is_silent(&self) -> bool {
        self.left_away.iter().any(|left| left.what == Leavable::Sound)
    }
}

/// Orders the sources that may make the clip: those that the brief names first, in its order, then those that
/// make the sound that was asked for, then by price, the cap's currency (or else the cheapest source's)
/// before others, and at last by name.
///
/// Each candidate is either in `sources` or in `left_out`, once. The result does not depend on the order of
/// the candidates, except for the order of `left_out`.
#[must_use]
pub fn route(request: &ClipRequest, terms: &Terms, candidates: &[Candidate<'_>]) -> Route {
    let mut usable = Vec::new();
    let mut route = Route::default();
    for candidate in candidates {
        match examine(request, terms, candidate) {
            Ok(one) => usable.push(one),
            Err(why) => {
                let words = why.to_string();
                route.left_out.push(LeftOut { source: candidate.name.to_owned(), why, words });
            }
        }
    }
    let home = terms.cap.map(|(_, currency)| currency);
    usable.sort_by(|a, b| {
        let place = |one: &Usable<'_>| (rank(terms, one.name), one.is_silent());
        let foreign =
            |quote: &Quote| (home.is_some_and(|home| home != quote.currency), quote.currency.code());
        (place(a), foreign(&a.quote), a.quote.at_most, a.name).cmp(&(
            place(b),
            foreign(&b.quote),
            b.quote.at_most,
            b.name,
        ))
    });
    for Usable { name, left_away, .. } in usable {
        route.sources.push(name.to_owned());
        if !left_away.is_empty() {
            route.leaves_away.push(LeavesAway { source: name.to_owned(), left_away });
        }
    }
    if let Some(wish) = &terms.wish {
        let is_unknown = |name: &&String| candidates.iter().all(|candidate| candidate.name != name.as_str());
        route.unknown = wish.sources.iter().filter(is_unknown).cloned().collect();
    }
    route
}

/// The place of a source in the brief's wish; those that it does not name come after.
fn rank(terms: &Terms, name: &str) -> usize {
    let wished = terms.wish.as_ref().map_or(&[][..], |wish| &wish.sources);
    wished.iter().position(|other| other == name).unwrap_or(wished.len())
}

fn examine<'a>(
    request: &ClipRequest,
    terms: &Terms,
    candidate: &Candidate<'a>,
) -> Result<Usable<'a>, Reason> {
    if let Some(wish) = &terms.wish {
        if !wish.or_others && !wish.sources.iter().any(|name| name == candidate.name) {
            return Err(Reason::NotWished);
        }
    }
    let fitted = candidate.capabilities.fitted(request);
    let can = &candidate.capabilities.abilities;
    let missing: Vec<Ability> =
        fitted.request.needs().into_iter().filter(|need| !can.contains(need)).collect();
    if !missing.is_empty() {
        return Err(Reason::Ability { missing });
    }
    let has_length = !matches!(request.task, ClipTask::Picture | ClipTask::Speech { .. });
    let at_most = candidate.capabilities.max_seconds;
    if has_length && request.seconds() > at_most + TOLERANCE_SECONDS {
        return Err(Reason::Length { seconds: request.seconds(), at_most });
    }
    check_licence(terms, candidate.licence)?;
    let quote = candidate.quote.clone().map_err(|error| Reason::Refused { message: error.message })?;
    if let Some((cap, currency)) = terms.cap {
        if quote.currency != currency {
            return Err(Reason::OtherCurrency { price: quote.currency, cap: currency });
        }
        if quote.at_most > cap {
            return Err(Reason::Price { at_most: quote.at_most, cap, currency });
        }
    }
    match (candidate.expected, terms.deadline) {
        (Some(expected), Some(left)) if expected > left => Err(Reason::Deadline {
            expected_seconds: expected.as_secs_f64(),
            left_seconds: left.as_secs_f64(),
        }),
        _ => Ok(Usable { name: candidate.name, quote, left_away: fitted.left_away }),
    }
}

fn check_licence(terms: &Terms, licence: &Licence) -> Result<(), Reason> {
    let name = &licence.name;
    if !licence.excluded.is_empty() && terms.territories.is_empty() {
        return Err(Reason::TerritoryUnknown { licence: name.clone(), excluded: licence.excluded.clone() });
    }
    let is_excluded = |territory: &&String| licence.excluded.iter().any(|other| overlap(other, territory));
    let territories: Vec<String> = terms.territories.iter().filter(is_excluded).cloned().collect();
    if !territories.is_empty() {
        return Err(Reason::Territory { licence: name.clone(), territories });
    }
    match licence.revenue_limit_usd {
        Some(limit_usd) if terms.revenue_usd.is_none_or(|revenue| revenue >= limit_usd) => {
            Err(Reason::Revenue { licence: name.clone(), limit_usd })
        }
        _ => Ok(()),
    }
}

/// Whether two territories have ground in common. `UK` is what licences write for `GB`.
fn overlap(a: &str, b: &str) -> bool {
    let code = |territory: &str| match territory.trim().to_ascii_uppercase().as_str() {
        "UK" => "GB".to_owned(),
        other => other.to_owned(),
    };
    let (a, b) = (code(a), code(b));
    a == b || (a == "EU" && EU.contains(&b.as_str())) || (b == "EU" && EU.contains(&a.as_str()))
}

#[cfg(test)]
mod tests;
