//! Quantities in words: the canonical form that [`super::parse`] reads back.

use std::fmt::{self, Display, Formatter};

use super::{Currency, Link, Qualifier, Quantity, Unit, Value};

impl Display for Quantity {
    /// The canonical form, in English: `at least HKD 1299 per month`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.qualifier {
            Qualifier::Exact => "",
            Qualifier::AtLeast => "at least ",
            Qualifier::MoreThan => "more than ",
            Qualifier::AtMost => "up to ",
            Qualifier::LessThan => "less than ",
            Qualifier::Within => "within ",
            Qualifier::About => "about ",
            Qualifier::First => "first ",
        })?;
        if let Some(currency) = &self.currency {
            write!(f, "{currency} ")?;
        }
        write!(f, "{}", self.value)?;
        if let Some(unit) = &self.unit {
            let spaced = matches!(unit, Unit::Measure("%" | "‰") | Unit::Classifier(_));
            write!(f, "{}{unit}", if spaced { "" } else { " " })?;
        }
        if self.discount {
            f.write_str(" off")?;
        }
        match &self.per {
            Some(Unit::Noun { head, .. }) if head == "each" => f.write_str(" each"),
            Some(Unit::Noun { head, .. }) => write!(f, " per {head}"),
            Some(Unit::Measure(name)) => write!(f, " per {name}"),
            Some(Unit::Classifier(name)) => write!(f, "/{name}"),
            None => Ok(()),
        }
    }
}

impl Display for Currency {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // A crown of no known country has no code.
        f.write_str(if self.0 == "KR" { "kr" } else { &self.0 })
    }
}

impl Display for Unit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Measure(name) => f.write_str(name),
            Self::Classifier(name) => f.write_str(name),
            Self::Noun { head, phrase } => {
                let words: Vec<String> = phrase
                    .iter()
                    .map(|word| if word == head { format!("{word}s") } else { word.clone() })
                    .collect();
                f.write_str(&words.join(" "))
            }
        }
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Range(first, second) => write!(f, "{first}-{second}"),
            Self::Pair(first, second, link) => match link {
                Link::Slash => write!(f, "{first}/{second}"),
                Link::Colon => write!(f, "{first}:{second}"),
                Link::By => write!(f, "{first}×{second}"),
                Link::Plus => write!(f, "{first}+{second}"),
                Link::Free => write!(f, "buy {first} get {second} free"),
                Link::Off => write!(f, "满{first}减{second}"),
                Link::For => write!(f, "{first} for {second}"),
            },
            Self::Ordinal(number) => write!(f, "第{number}"),
            Self::Clock { hour, minute, afternoon } => {
                write!(f, "{hour}:{minute:02}")?;
                f.write_str(match afternoon {
                    Some(true) => " pm",
                    Some(false) => " am",
                    None => "",
                })
            }
            Self::Date { year, month, day } => {
                year.map_or(Ok(()), |year| write!(f, "{year}年"))?;
                month.map_or(Ok(()), |month| write!(f, "{month}月"))?;
                day.map_or(Ok(()), |day| write!(f, "{day}日"))
            }
            Self::Code(code) => f.write_str(code),
        }
    }
}
