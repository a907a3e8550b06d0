//! The figure that may be shown by itself.

use std::ops::Range;

use spotwright_schemas::Locale;
use spotwright_schemas::wording::is_spaced_letter;

use super::{Found, Unit, Value, parse};

/// Words between two quantities that say one thing together: `2 mugs from $24`, `8:00–20:00`.
const JOINTS: &[&str] = &[
    "",
    "for",
    "from",
    "at",
    "just",
    "only",
    "for just",
    "for only",
    "plus",
    "and",
    "and get",
    "to",
    "on",
    "orders",
    "on orders",
    "when you spend",
    "if you spend",
    "=",
    "/",
    "x",
    "×",
    "+",
    "-",
    "–",
    "—",
    "~",
    "～",
    "仅",
    "只要",
    "只需",
    "仅需",
    "共",
    "送",
    "赠",
    "至",
    "到",
];

/// Words that make an amount the price of the past.
const PAST: &[&str] = &[
    "was",
    "were",
    "instead of",
    "rrp",
    "reg.",
    "regular price",
    "原价",
    "原来",
    "市场价",
    "划线价",
    "吊牌价",
];

/// The first figure of a text, whole: `48 hours`, `From $1.2k`, `Up to 50% off`, `9.9元起`,
/// `2 mugs from $24`.
///
/// `None` where the text states none that tells something by itself: an ordinal, a code such as
/// `V60`, a bare number, one whose noun cannot be told, the price of the past. A figure is shown
/// whole or not at all.
#[must_use]
pub fn figure(text: &str, locale: Locale) -> Option<String> {
    let found = parse(text, locale);
    let first = found.first()?;
    let mut span = first.span.clone();
    let mut parts = vec![first];
    for next in &found[1..] {
        let gap = text.get(span.end..next.span.start)?.trim().to_lowercase();
        if !JOINTS.contains(&gap.as_str()) {
            break;
        }
        span.end = next.span.end;
        parts.push(next);
    }
    let before = text.get(..span.start)?.trim_end_matches([' ', ':', '：']).to_lowercase();
    if PAST.iter().any(|word| before.ends_with(word)) {
        return None;
    }
    let whole = parts.iter().all(|part| stands_alone(part, text)) && is_free(text, &span);
    whole.then(|| text[span].to_owned())
}

fn stands_alone(found: &Found, text: &str) -> bool {
    let shown = text.get(found.span.clone()).unwrap_or_default();
    let quantity = &found.quantity;
    match (&quantity.value, &quantity.unit) {
        (Value::Ordinal(_), _) => quantity.discount,
        (Value::Code(_), _) => false,
        // The noun is not part of the figure where no plural tells which word it is.
        (_, Some(Unit::Noun { phrase, .. })) => {
            let shown = shown.to_lowercase();
            // Plurals change the end of a word only.
            let stem = |word: &String| word.chars().take(3).collect::<String>();
            quantity.per.is_some() || phrase.iter().any(|word| shown.contains(&stem(word)))
        }
        // `Top 10`, `3烘焙师`: a bare number leans on words that the figure would lose.
        (Value::Number(_) | Value::Range(..), None) => quantity.currency.is_some() || quantity.discount,
        _ => true,
    }
}

/// Whether no letter or digit touches the figure.
fn is_free(text: &str, span: &Range<usize>) -> bool {
    let touches = |outer: Option<char>, inner: Option<char>| {
        outer.is_some_and(is_spaced_letter) && inner.is_some_and(is_spaced_letter)
    };
    let (before, shown, behind) = (&text[..span.start], &text[span.clone()], &text[span.end..]);
    !touches(before.chars().next_back(), shown.chars().next())
        && !touches(behind.chars().next(), shown.chars().next_back())
}
