//! Whether one quantity states another.

use std::collections::BTreeSet;

use spotwright_schemas::Locale;

use super::tables::TIMES;
use super::{Link, Qualifier, Quantity, Unit, Value, parse};

/// The figures of `text` that none of the `sources` states, as they stand in the text, each once.
///
/// Quantities are compared, not digits: number with magnitude, currency, unit, per-what, qualifier
/// and reduction must be those of the source. `1,204`, `１２０４` and `1204` are the same, so are
/// `twelve` and `12`, `€20` and `20 euros`, `over 50` and `50+`.
#[must_use]
pub fn unstated(text: &str, sources: &[&str], locale: Locale) -> Vec<String> {
    let said = parse(text, locale);
    if said.is_empty() {
        return Vec::new();
    }
    let known: Vec<Quantity> =
        sources.iter().flat_map(|source| parse(source, locale)).map(|found| found.quantity).collect();
    let mut seen = BTreeSet::new();
    said.iter()
        .filter(|found| !known.iter().any(|known| known.states(&found.quantity)))
        .map(|found| text.get(found.span.clone()).unwrap_or_default().to_owned())
        .filter(|figure| seen.insert(figure.clone()))
        .collect()
}

impl Quantity {
    /// Whether whoever knows `self` may say `said`.
    ///
    /// Everything must agree. A limit of time may be said without its word (`within 30 days`,
    /// `30-day returns`), a date without its year, and a noun with further words before it.
    #[must_use]
    pub fn states(&self, said: &Self) -> bool {
        self.value.states(&said.value)
            && self.currency == said.currency
            && same(self.unit.as_ref(), said.unit.as_ref())
            && same(self.per.as_ref(), said.per.as_ref())
            && self.discount == said.discount
            && self.agrees(said)
    }

    fn agrees(&self, said: &Self) -> bool {
        let bound = |qualifier: Qualifier| match qualifier {
            Qualifier::Exact => 0,
            Qualifier::AtLeast | Qualifier::MoreThan => 1,
            Qualifier::AtMost | Qualifier::LessThan => 2,
            Qualifier::About => 3,
            Qualifier::Within => 4,
            Qualifier::First => 5,
        };
        let timed = matches!(self.unit, Some(Unit::Measure(name)) if TIMES.contains(&name));
        let limit = |qualifier| matches!(qualifier, Qualifier::Exact | Qualifier::Within);
        bound(self.qualifier) == bound(said.qualifier)
            || (timed && limit(self.qualifier) && limit(said.qualifier))
    }
}

fn same(known: Option<&Unit>, said: Option<&Unit>) -> bool {
    match (known, said) {
        (Some(Unit::Noun { head, .. }), Some(Unit::Noun { phrase, .. })) => phrase.contains(head),
        (known, said) => known == said,
    }
}

impl Value {
    fn states(&self, said: &Self) -> bool {
        match (self, said) {
            (Self::Clock { .. }, Self::Clock { .. }) => self.minutes() == said.minutes(),
            (
                Self::Date { year, month, day },
                Self::Date { year: said_year, month: said_month, day: said_day },
            ) => {
                (said_year.is_none() || said_year == year)
                    && (said_month.is_none() || said_month == month)
                    && (said_day.is_none() || said_day == day)
            }
            // `9/10` and `9 out of 10`.
            (Self::Number(number), Self::Pair(upper, lower, Link::Slash))
            | (Self::Pair(upper, lower, Link::Slash), Self::Number(number)) => {
                upper.divided_by(*lower) == Some(*number)
            }
            (known, said) => known == said,
        }
    }

    /// Minutes of the day, and whether the half of the day is known.
    const fn minutes(&self) -> (u16, bool) {
        let Self::Clock { hour, minute, afternoon } = self else { return (0, false) };
        let hour = match (*hour, *afternoon) {
            (12, Some(false)) => 0,
            (hour @ 0..=11, Some(true)) => hour + 12,
            (hour, _) => hour,
        };
        (hour as u16 * 60 + *minute as u16, afternoon.is_some() || hour > 12)
    }
}
