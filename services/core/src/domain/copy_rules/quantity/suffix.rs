//! What belongs to a number from behind: magnitude, currency, unit, per-what, qualifier.

use spotwright_schemas::Locale;
use spotwright_schemas::wording::is_han;

use super::numerals::{self, is_chinese_numeral};
use super::scan::{Text, ends_word, is_letter, is_space};
use super::tables::{
    CLASSIFIERS, CURRENCY_CODES, CURRENCY_SIGNS, CURRENCY_WORDS, MAGNITUDES, MEASURES, NO_SUFFIX_BEFORE,
    PLURALS, QUALIFIERS_BEHIND, STOP_WORDS,
};
use super::{Currency, Qualifier, Unit};

/// Most words of a noun phrase that are kept.
const MAX_NOUN_WORDS: usize = 3;

/// The factor of a magnitude behind digits, and its end.
pub(super) fn magnitude(text: &Text, end: usize, locale: Locale, money: bool) -> Option<(i128, usize)> {
    let at = text.past_space(end);
    let measure = measure(text, end).map(|(_, end)| end);
    let mut best: Option<(i128, usize)> = None;
    for (name, factor) in MAGNITUDES {
        let letter = name.len() == 1;
        let from = if letter || name.chars().all(is_han) { end } else { at };
        let found = if name.chars().all(is_han) { text.sign(from, name) } else { text.word(from, name) };
        let Some(stop) = found else { continue };
        if best.is_none_or(|(_, longest)| stop > longest) {
            best = Some((*factor, stop));
        }
    }
    // `5m` is a length, `$5m` an amount; `10w` is 万 in Chinese copy, `10W` is power.
    let letter = |name: &str| text.word(end, name);
    if best.is_none() && money {
        best = letter("m")
            .map(|stop| (1_000_000, stop))
            .or_else(|| letter("b").map(|stop| (1_000_000_000, stop)));
    }
    if best.is_none() && locale.is_chinese() {
        best = letter("w").map(|stop| (10_000, stop));
    }
    // 千克 and 千瓦 are measures.
    best.filter(|(_, stop)| {
        measure.is_none_or(|end| end <= *stop || text.before(*stop).is_some_and(|c| !is_han(c)))
    })
}

/// The currency whose sign, code or name ends at `end` (before an amount), and its beginning.
pub(super) fn currency_before(
    text: &Text,
    end: usize,
    floor: usize,
    locale: Locale,
) -> Option<(Currency, usize)> {
    let last = text.before(end).filter(|_| end > floor)?;
    if last == '$' {
        // Unknown letters glued to a dollar sign are another country's dollar, never the plain one.
        let mut start = end - 1;
        while start > floor && end - start <= 4 && text.before(start).is_some_and(|c| c.is_ascii_uppercase())
        {
            start -= 1;
        }
        let sign = text.string(start..end);
        let known = CURRENCY_SIGNS.iter().find(|(name, _)| *name == sign);
        let code = known.map_or_else(|| Currency(sign.clone().into()), |(_, code)| Currency((*code).into()));
        let glued = text.before(start).is_some_and(is_letter) && start > floor;
        return (!glued).then_some((code, start));
    }
    let found = CURRENCY_SIGNS
        .iter()
        .map(|(name, code)| (*name, *code))
        .chain(CURRENCY_CODES.iter().map(|code| (*code, *code)))
        .chain(CURRENCY_WORDS.iter().filter(|(name, _)| *name == "人民币").copied())
        .filter_map(|(name, code)| {
            let start = end.checked_sub(name.chars().count())?;
            let letters = name.starts_with(is_letter);
            let clear = !letters || start == floor || !text.before(start).is_some_and(is_letter);
            (start >= floor && text.sign(start, name) == Some(end) && clear).then_some((code, start))
        })
        .min_by_key(|(_, start)| *start);
    if let Some((code, start)) = found {
        return Some((Currency(code.into()), start));
    }
    (last == '¥').then(|| (yen_or_yuan(locale), end - 1))
}

/// The currency behind an amount that ends at `end`, and its own end.
pub(super) fn currency_behind(text: &Text, end: usize, locale: Locale) -> Option<(Currency, usize)> {
    let at = text.past_space(end);
    if text.at(at) == Some('¥') {
        return Some((yen_or_yuan(locale), at + 1));
    }
    let mut best: Option<(&'static str, usize)> = None;
    let signs = CURRENCY_SIGNS.iter().filter(|(name, _)| *name != "Rs" && *name != "RM" && *name != "Fr.");
    for (name, code) in signs {
        let found = text.sign(at, name).filter(|stop| {
            !name.ends_with(is_letter) || !text.at(*stop).is_some_and(|c| is_letter(c) || c.is_ascii_digit())
        });
        // `5 $10` are two amounts.
        let found =
            found.filter(|stop| !text.is_digit(text.past_space(*stop)) || at == end && !name.contains('$'));
        best = longer(best, found.map(|stop| (*code, stop)));
    }
    for code in CURRENCY_CODES {
        best = longer(
            best,
            text.word(at, code).filter(|stop| text.sign(at, code) == Some(*stop)).map(|stop| (*code, stop)),
        );
    }
    for (name, code) in CURRENCY_WORDS {
        let han = name.chars().all(is_han);
        let found = if han { text.sign(at, name) } else { text.word(at, name) };
        best = longer(best, found.map(|stop| (*code, stop)));
    }
    if best.is_none() && text.at(at) == Some('块') {
        // `3块巧克力` counts pieces.
        let next = text.at(at + 1);
        let money =
            ends_word(next) || next.is_some_and(|c| c.is_ascii_digit() || "起一每以左上一多钱的".contains(c));
        best = money.then_some(("CNY", at + 1));
    }
    best.map(|(code, stop)| (Currency(code.into()), stop))
}

fn longer<T>(best: Option<(T, usize)>, found: Option<(T, usize)>) -> Option<(T, usize)> {
    match (best, found) {
        (Some(best), Some(found)) => Some(if found.1 > best.1 { found } else { best }),
        (best, found) => best.or(found),
    }
}

fn yen_or_yuan(locale: Locale) -> Currency {
    Currency(if locale.is_chinese() { "CNY" } else { "JPY" }.into())
}

/// The measure behind a number, and its end: the longest spelling.
pub(super) fn measure(text: &Text, end: usize) -> Option<(&'static str, usize)> {
    let spaced = text.past_space(end);
    let hyphen = text.at(end) == Some('-');
    let mut best: Option<(&'static str, usize)> = None;
    for (canonical, spellings) in MEASURES {
        for spelling in spellings.iter().chain([canonical]) {
            let latin = spelling.starts_with(is_letter);
            let from = if hyphen && latin { end + 1 } else { spaced };
            let glued_only = matches!(*spelling, "x" | "×");
            if glued_only && from != end {
                continue;
            }
            let found = if latin { text.word(from, spelling) } else { text.sign(from, spelling) };
            // `5 in.` ends a sentence as often as it measures.
            let found = found.filter(|_| *spelling != "in." || from == end);
            best = longer(best, found.map(|stop| (*canonical, stop)));
        }
    }
    best
}

/// What is counted or measured behind a number, and its end.
pub(super) fn unit(text: &Text, end: usize, part: bool) -> Option<(Unit, usize)> {
    if let Some((name, stop)) = measure(text, end) {
        return Some((Unit::Measure(name), compound(text, end, stop)));
    }
    let at = text.past_space(end);
    if let Some((name, stop)) = classifier(text, at) {
        return Some((Unit::Classifier(name), stop));
    }
    noun(text, end, part)
}

/// A Chinese classifier at `at`; `装` behind it belongs to it.
pub(super) fn classifier(text: &Text, at: usize) -> Option<(&'static str, usize)> {
    let mut best: Option<(&'static str, usize)> = None;
    for name in CLASSIFIERS {
        best = longer(best, text.sign(at, name).map(|stop| (*name, stop)));
    }
    best.map(|(name, stop)| (name, stop + usize::from(text.at(stop) == Some('装'))))
}

/// `30-day returns`, `10-year-old vines`: the hyphenated measure needs its noun to be a whole
/// figure.
fn compound(text: &Text, end: usize, stop: usize) -> usize {
    let further = text.at(stop) == Some('-') && text.at(stop + 1).is_some_and(is_letter);
    let stop = if further && text.at(end) == Some('-') { word_end(text, stop + 1) } else { stop };
    if text.at(end) != Some('-') || !text.at(stop).is_some_and(is_space) {
        return stop;
    }
    let noun_end = word_end(text, stop + 1);
    let word = text.string(stop + 1..noun_end).to_lowercase();
    if word.is_empty() || STOP_WORDS.contains(&word.as_str()) { stop } else { noun_end }
}

fn word_end(text: &Text, from: usize) -> usize {
    let mut end = text.letters_end(from);
    while text.at(end).is_some_and(|c| matches!(c, '-' | '\'')) && text.at(end + 1).is_some_and(is_letter) {
        end = text.letters_end(end + 1);
    }
    end
}

/// The noun phrase behind a number: up to three words before a stop word or a mark. A measure among
/// the words is the unit (`ten quiet minutes`). The end is that of the counted noun, as far as a
/// plural tells it, else of the number itself.
fn noun(text: &Text, end: usize, part: bool) -> Option<(Unit, usize)> {
    let hyphen = text.at(end) == Some('-') && text.at(end + 1).is_some_and(is_letter);
    let mut at = if hyphen { end + 1 } else { text.past_space(end) };
    let glued = at == end;
    let mut phrase: Vec<String> = Vec::new();
    let mut head = None;
    let mut stop = end;
    while phrase.len() < MAX_NOUN_WORDS && text.at(at).is_some_and(is_letter) {
        let to = word_end(text, at);
        let word = text.string(at..to).to_lowercase();
        if STOP_WORDS.contains(&word.as_str()) || text.at(to).is_some_and(|c| c.is_ascii_digit()) {
            break;
        }
        if word == "free" {
            // `2 free mugs` counts mugs, `under 12 free` nothing.
            if !text.at(to).is_some_and(is_space) {
                break;
            }
            at = to + 1;
            continue;
        }
        if phrase.len() == 1 {
            let found = measure(text, text.before_space(at, end)).filter(|(_, measured)| *measured >= to);
            if let Some((name, measured)) = found {
                return Some((Unit::Measure(name), measured));
            }
        }
        phrase.push(singular(&word));
        if head.is_none() && is_plural(&word) {
            head = Some(phrase.len() - 1);
            stop = to;
        }
        if !text.at(to).is_some_and(is_space) || !text.at(to + 1).is_some_and(is_letter) {
            break;
        }
        at = to + 1;
    }
    let head = phrase.get(head.unwrap_or(0))?.clone();
    if hyphen || glued || part {
        // `6-pack`, `50-piece set`, `100pcs`, `1/2 price`
        let from = if hyphen { end + 1 } else { text.past_space(end) };
        let first = word_end(text, from);
        stop = stop.max(if hyphen { compound(text, end, first) } else { first });
    }
    Some((Unit::Noun { head, phrase }, stop))
}

pub(super) fn is_plural(word: &str) -> bool {
    PLURALS.contains(&word)
        || (word.len() > 2 && word.ends_with('s') && !word.ends_with("ss") && !word.ends_with("us"))
}

fn singular(word: &str) -> String {
    match word {
        "people" => return "person".to_owned(),
        "men" => return "man".to_owned(),
        "women" => return "woman".to_owned(),
        "children" => return "child".to_owned(),
        "feet" => return "foot".to_owned(),
        "teeth" => return "tooth".to_owned(),
        _ => {}
    }
    if !is_plural(word) || PLURALS.contains(&word) {
        return word.to_owned();
    }
    if let Some(stem) = word.strip_suffix("ies").filter(|stem| stem.len() > 1) {
        return format!("{stem}y");
    }
    for ending in ["sses", "shes", "ches", "xes", "zes"] {
        if word.ends_with(ending) {
            return word[..word.len() - 2].to_owned();
        }
    }
    word[..word.len() - 1].to_owned()
}

/// For how much a quantity holds: `/mo`, `per month`, `a bag`, `每月`, `一只`; and the end.
pub(super) fn per(text: &Text, end: usize, money: bool) -> Option<(Unit, usize)> {
    if text.at(end) == Some('/') || text.at(end) == Some('每') {
        return per_what(text, end + 1);
    }
    if text.at(end) == Some('一') && money {
        let (name, stop) = classifier(text, end + 1)
            .map(|(name, stop)| (Unit::Classifier(name), stop))
            .or_else(|| han_measure(text, end + 1))?;
        return Some((name, stop));
    }
    if !text.at(end).is_some_and(is_space) {
        return None;
    }
    let at = end + 1;
    for word in ["per", "a", "an", "each"] {
        let Some(stop) = text.word(at, word) else { continue };
        if word == "each" {
            return Some((noun_of("each"), stop));
        }
        if text.at(stop).is_some_and(is_space) {
            return per_what(text, stop + 1);
        }
    }
    let adverb = [
        ("monthly", "month"),
        ("weekly", "week"),
        ("daily", "day"),
        ("yearly", "year"),
        ("annually", "year"),
    ];
    if money {
        return adverb.iter().find_map(|(word, unit)| Some((Unit::Measure(unit), text.word(at, word)?)));
    }
    None
}

fn noun_of(word: &str) -> Unit {
    Unit::Noun { head: word.to_owned(), phrase: vec![word.to_owned()] }
}

/// The unit behind a `per`.
pub(super) fn per_what(text: &Text, at: usize) -> Option<(Unit, usize)> {
    // `/两只`: for two of them.
    if let Some((number, stop)) = numerals::whole(text, at) {
        let (name, stop) = classifier(text, stop).or_else(|| measure(text, stop))?;
        return Some((noun_of(&format!("{number}{name}")), stop));
    }
    if let Some(found) = han_measure(text, at) {
        return Some(found);
    }
    if let Some((name, stop)) = classifier(text, at) {
        return Some((Unit::Classifier(name), stop));
    }
    if text.at(at) == Some('月') {
        return Some((Unit::Measure("month"), at + 1));
    }
    let to = word_end(text, at);
    let word = text.string(at..to).to_lowercase();
    if word.is_empty() || STOP_WORDS.contains(&word.as_str()) || text.is_digit(to) {
        return None;
    }
    let named = measure(text, at).filter(|(_, stop)| *stop >= to);
    Some(named.map_or_else(|| (noun_of(&singular(&word)), to), |(name, stop)| (Unit::Measure(name), stop)))
}

fn han_measure(text: &Text, at: usize) -> Option<(Unit, usize)> {
    if !text.at(at).is_some_and(is_han) {
        return None;
    }
    measure(text, at).map(|(name, stop)| (Unit::Measure(name), stop))
}

/// A qualifier behind a quantity, and its end.
pub(super) fn qualifier_behind(text: &Text, end: usize) -> Option<(Qualifier, usize)> {
    if text.at(end) == Some('+') && !text.is_digit(end + 1) {
        return Some((Qualifier::AtLeast, end + 1));
    }
    let at = text.past_space(end);
    for (words, qualifier) in QUALIFIERS_BEHIND {
        let han = words.chars().all(is_han);
        let found = if han { text.sign(end, words) } else { text.word(at, words).filter(|_| at > end) };
        let Some(stop) = found else { continue };
        let last = words.chars().next_back().unwrap_or(' ');
        let spoiled = NO_SUFFIX_BEFORE
            .iter()
            .any(|(sign, next)| *sign == last && text.at(stop).is_some_and(|c| next.contains(c)));
        if !spoiled || words.chars().count() > 1 {
            return Some((*qualifier, stop));
        }
    }
    None
}

/// `多`, `余` and `几` between number and unit: `10多种`, `50+款`.
pub(super) fn qualifier_inside(text: &Text, end: usize) -> Option<(Qualifier, usize)> {
    match text.at(end)? {
        '多' | '余' | '几' => {
            let unit = measure(text, end + 1).is_some()
                || classifier(text, end + 1).is_some()
                || text.at(end + 1).is_some_and(|c| is_chinese_numeral(c) || c == '元' || c == '块');
            unit.then_some((Qualifier::MoreThan, end + 1))
        }
        '来' => classifier(text, end + 1).map(|_| (Qualifier::About, end + 1)),
        '+' if !text.is_digit(end + 1) => Some((Qualifier::AtLeast, end + 1)),
        _ => None,
    }
}
