//! English as it is written, word by word as it is said.

use super::numbers;
use super::units;
use crate::sentence::mark_of;

/// What is said for a part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// A word, in the letters that it was written with.
    Word(String),
    /// Letters by their names.
    Letters(String),
}

/// A word as it is written, what is said for it, and the mark behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) written: String,
    pub(super) said: Vec<Said>,
    pub(super) mark: &'static str,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// Words before a year.
const BEFORE_YEAR: [&str; 13] = [
    "in",
    "since",
    "by",
    "from",
    "until",
    "before",
    "after",
    "est",
    "established",
    "spring",
    "summer",
    "fall",
    "winter",
];
/// Abbreviations with a full stop that ends no sentence, as they are said.
const SHORT: [(&str, &str); 16] = [
    ("mr", "mister"),
    ("mrs", "missus"),
    ("ms", "miz"),
    ("dr", "doctor"),
    ("st", "saint"),
    ("no", "number"),
    ("vs", "versus"),
    ("approx", "approximately"),
    ("incl", "including"),
    ("excl", "excluding"),
    ("etc", "etcetera"),
    ("est", "established"),
    ("max", "maximum"),
    ("min", "minimum"),
    ("e.g", "for example"),
    ("i.e", "that is"),
];
/// Ends of addresses on the web.
const DOMAINS: [&str; 12] =
    ["com", "org", "net", "io", "co", "shop", "app", "uk", "cn", "store", "dev", "ai"];
/// Things that a measure describes: a twelve ounce bag.
const THINGS: [&str; 36] = [
    "bag", "bags", "bar", "battery", "blanket", "bottle", "bottles", "box", "cable", "can", "cans", "case",
    "charger", "cup", "drive", "glass", "hose", "jar", "jug", "kettle", "ladder", "lens", "memory", "mug",
    "pack", "packs", "pot", "pouch", "rope", "sachet", "screen", "storage", "tank", "tin", "tube", "tumbler",
];
/// Fractions that have names.
const FRACTIONS: [(&str, &str); 8] = [
    ("1/2", "one half"),
    ("1/3", "one third"),
    ("2/3", "two thirds"),
    ("1/4", "one quarter"),
    ("3/4", "three quarters"),
    ("½", "one half"),
    ("¼", "one quarter"),
    ("¾", "three quarters"),
];

/// The words of one sentence. Characters that are neither letters, digits nor known signs say nothing.
pub(super) fn tokens(sentence: &str) -> Vec<Token> {
    let chunks = chunks(sentence);
    let cores: Vec<&str> = chunks.iter().map(|chunk| chunk.core.as_str()).collect();
    let mut tokens: Vec<Token> = Vec::new();
    for (idx, chunk) in chunks.iter().enumerate() {
        let mut said = expand(&Place { cores: &cores, idx, stop: chunk.stop });
        let of_thing = cores.get(idx + 1).is_some_and(|next| THINGS.contains(&next.to_lowercase().as_str()));
        let measured = chunk.core.starts_with(|c: char| c.is_ascii_digit())
            || (idx > 0 && numbers::split(cores[idx - 1]).is_some());
        if let (true, true, true, Some(Said::Word(unit))) =
            (of_thing, measured, chunk.mark.is_empty(), said.last_mut())
        {
            if let Some(single) = units::single(unit) {
                single.clone_into(unit);
            }
        }
        if said.is_empty() {
            if let (Some(last), false) = (tokens.last_mut(), chunk.mark.is_empty()) {
                last.mark = chunk.mark;
            }
            continue;
        }
        let inner = idx + 1 < chunks.len();
        let inches = chunk.core == "in" && idx > 0 && numbers::split(cores[idx - 1]).is_some();
        let short = inches || is_short(&chunk.core);
        let mark = if chunk.stop && inner && short { "" } else { chunk.mark };
        tokens.push(Token { written: chunk.core.clone(), said, mark });
    }
    tokens
}

/// Whether a full stop behind this word ends no sentence.
pub(super) fn is_short(word: &str) -> bool {
    let lower = word.to_lowercase();
    SHORT.iter().any(|(short, _)| *short == lower)
        || units::is_unit(&lower)
        || month(word).is_some_and(|name| name.len() != word.len())
        || (word.chars().count() == 1 && word.chars().all(char::is_uppercase))
}

/// A stretch between spaces without the punctuation around it.
struct Chunk {
    core: String,
    mark: &'static str,
    /// Whether a full stop stands behind it.
    stop: bool,
}

fn chunks(sentence: &str) -> Vec<Chunk> {
    let mut spaced = String::with_capacity(sentence.len() + 8);
    let signs: Vec<char> = sentence.chars().collect();
    for (idx, sign) in signs.iter().enumerate() {
        let digit = |at: Option<&char>| at.is_some_and(|c| c.is_ascii_digit() || "$£€".contains(*c));
        let before = idx.checked_sub(1).and_then(|at| signs.get(at));
        let range = digit(before) && digit(signs.get(idx + 1));
        match sign {
            '’' | '‘' => spaced.push('\''),
            '–' if range => spaced.push('-'),
            '—' | '–' | '…' => spaced.extend([' ', *sign, ' ']),
            '(' | ')' | '[' | ']' | '"' | '“' | '”' | '*' | '•' | '|' => spaced.push(' '),
            other => spaced.push(*other),
        }
    }
    spaced.split_whitespace().map(chunk).collect()
}

fn chunk(text: &str) -> Chunk {
    let keep_front = |c: char| c.is_alphanumeric() || "$£€¥#.@&+%×½¼¾=".contains(c);
    let front = text.trim_start_matches(|c| !keep_front(c));
    let keep_back = |c: char| c.is_alphanumeric() || "%+&@#$×½¼¾'°/=".contains(c);
    let core = front.trim_end_matches(|c| !keep_back(c)).trim_end_matches('\'');
    let core = if core.starts_with('.') && !core[1..].starts_with(|c: char| c.is_ascii_digit()) {
        core.trim_start_matches('.')
    } else {
        core
    };
    let tail = text.rfind(core).map_or("", |at| &text[at + core.len()..]);
    let tail = if core.is_empty() { text } else { tail };
    let mark = if core.is_empty() && text == "-" {
        "—"
    } else {
        tail.chars().filter_map(mark_of).next_back().unwrap_or("")
    };
    Chunk { core: core.to_owned(), mark, stop: tail.starts_with('.') }
}

/// A word among its neighbors.
struct Place<'a> {
    cores: &'a [&'a str],
    idx: usize,
    stop: bool,
}

impl<'a> Place<'a> {
    fn core(&self) -> &'a str {
        self.cores[self.idx]
    }

    fn before(&self, back: usize) -> &'a str {
        self.idx.checked_sub(back).map_or("", |at| self.cores[at])
    }

    fn next(&self) -> &'a str {
        self.cores.get(self.idx + 1).copied().unwrap_or("")
    }
}

fn expand(place: &Place<'_>) -> Vec<Said> {
    let core = place.core();
    sign(place)
        .or_else(|| abbreviation(place))
        .or_else(|| address(core))
        .or_else(|| slashed(core))
        .or_else(|| unit_behind_number(place))
        .or_else(|| plain_number(place))
        .or_else(|| quantity(core))
        .unwrap_or_else(|| plain(core))
}

/// What a text is said as where its neighbors do not matter.
fn alone(text: &str) -> Vec<Said> {
    expand(&Place { cores: &[text], idx: 0, stop: false })
}

fn say(words: &str) -> Vec<Said> {
    words.split(' ').filter(|word| !word.is_empty()).map(|word| Said::Word(word.to_owned())).collect()
}

fn said(words: Vec<&'static str>) -> Vec<Said> {
    words.into_iter().map(|word| Said::Word(word.to_owned())).collect()
}

fn sign(place: &Place<'_>) -> Option<Vec<Said>> {
    let numeric = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    Some(say(match place.core() {
        "" => "",
        "&" | "+" if !numeric(place.next()) => "and",
        "&" => "and",
        "+" => "plus",
        "%" => "percent",
        "@" => "at",
        "=" => "equals",
        "x" | "×" if numeric(place.before(1)) && numeric(place.next()) => "by",
        "w/" => "with",
        "w/o" => "without",
        "°C" => "degrees celsius",
        "°F" => "degrees fahrenheit",
        _ => return FRACTIONS.iter().find(|(sign, _)| *sign == place.core()).map(|(_, words)| say(words)),
    }))
}

fn abbreviation(place: &Place<'_>) -> Option<Vec<Said>> {
    let core = place.core();
    if let Some(name) = month(core) {
        let dated = day(place.before(1)) || day(place.next());
        // "May" and "March" are words of their own, and name themselves.
        return (name.len() != core.len() && (place.stop || dated)).then(|| say(name));
    }
    let lower = core.to_lowercase();
    let words = SHORT.iter().find(|(short, _)| *short == lower)?.1;
    let numbered = lower == "no" && place.next().starts_with(|c: char| c.is_ascii_digit());
    let is_word = matches!(lower.as_str(), "no" | "st" | "min" | "max" | "ms");
    ((place.stop && !is_word) || numbered || lower == "vs").then(|| say(words))
}

/// The full name of a month that is written in full or with its first letters.
fn month(word: &str) -> Option<&'static str> {
    let is_start = |name: &&&str| {
        word.len() >= 3
            && name.get(..word.len()).is_some_and(|start| start == word)
            && (word.len() <= 4 || word.len() == name.len())
    };
    MONTHS.iter().find(is_start).copied()
}

fn day(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|day| (1..=31).contains(&day)) && text.len() <= 2
}

/// `example.com/offer`: example dot com slash offer.
fn address(core: &str) -> Option<Vec<Said>> {
    let plain = core.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let (host, path) = plain.split_once('/').unwrap_or((plain, ""));
    let (name, end) = host.rsplit_once('.')?;
    if !DOMAINS.contains(&end.to_lowercase().as_str()) || name.is_empty() {
        return None;
    }
    let mut words = Vec::new();
    for (idx, part) in host.split('.').enumerate() {
        if idx > 0 {
            words.extend(say("dot"));
        }
        words.extend(if part == "www" { vec![Said::Letters("WWW".into())] } else { hyphened(part) });
    }
    for part in path.split('/').filter(|part| !part.is_empty()) {
        words.extend(say("slash"));
        words.extend(hyphened(part));
    }
    Some(words)
}

/// `24/7`, `9/10`, `$12/month`, `and/or`.
fn slashed(core: &str) -> Option<Vec<Said>> {
    let (left, right) = core.split_once('/')?;
    if left.is_empty() || right.is_empty() {
        return Some(alone(left).into_iter().chain(alone(right)).collect());
    }
    if core == "24/7" {
        return Some(say("twenty four seven"));
    }
    let is_count = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let between = match (is_count(left), is_count(right)) {
        (true, true) => "out of",
        (false, false) if left.contains(|c: char| c.is_ascii_digit()) => "per",
        (true, false) => "per",
        _ => "",
    };
    let right_said = match units::singular(right) {
        Some(unit) if between == "per" => say(unit),
        _ => alone(right),
    };
    Some(alone(left).into_iter().chain(say(between)).chain(right_said).collect())
}

/// `ml` behind `500`.
fn unit_behind_number(place: &Place<'_>) -> Option<Vec<Said>> {
    let (whole, fraction) = numbers::split(place.before(1))?;
    let one = whole == 1 && fraction.is_none();
    let core = place.core();
    if (core == "in" && !place.stop) || core.len() == 1 && core.chars().all(char::is_uppercase) && core != "L"
    {
        return None;
    }
    let unit = units::name(core, one)?;
    Some(say(unit))
}

fn plain_number(place: &Place<'_>) -> Option<Vec<Said>> {
    let core = place.core();
    let (whole, fraction) = numbers::split(core)?;
    if fraction.is_none() && !core.contains(',') {
        let in_date = month(place.before(1)).is_some();
        if day(core) && (in_date || month(place.next()).is_some_and(|_| !place.next().eq("May"))) {
            return Some(ordinal(whole));
        }
        let before = place.before(1).to_lowercase();
        let after_day = day(place.before(1)) && month(place.before(2)).is_some();
        let dated = in_date || after_day || month(place.before(1)).is_some();
        let named = BEFORE_YEAR.contains(&before.as_str()) && !counts_follow(place.next());
        if core.len() == 4 && (1900..=2099).contains(&whole) && (dated || named) {
            return Some(said(numbers::year(whole)));
        }
        if core.len() >= 7 || (core.len() > 1 && core.starts_with('0')) {
            return Some(said(numbers::digits(core)));
        }
    }
    Some(said(numbers::written(core)?))
}

/// Whether a word names something that is counted: plural and lower case.
fn counts_follow(next: &str) -> bool {
    next.ends_with('s') && next.starts_with(char::is_lowercase)
}

fn ordinal(number: u64) -> Vec<Said> {
    numbers::ordinal(number).into_iter().map(Said::Word).collect()
}

/// Numbers with signs, units and letters around them.
fn quantity(core: &str) -> Option<Vec<Said>> {
    if !core.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    dashed(core)
        .or_else(|| money(core))
        .or_else(|| signed(core))
        .or_else(|| clock(core))
        .or_else(|| suffixed(core))
        .or_else(|| mixed(core))
}

/// Ranges, telephone numbers, dates and compounds with a number: `5-10`, `800-555-0199`, `30-day`.
fn dashed(core: &str) -> Option<Vec<Said>> {
    let parts: Vec<&str> = core.split('-').filter(|part| !part.is_empty()).collect();
    if parts.len() < 2 {
        return None;
    }
    let numeric = |text: &&str| text.bytes().all(|b| b.is_ascii_digit());
    if parts.iter().all(numeric) {
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        if lengths == [4, 2, 2] {
            let month = MONTHS.get(parts[1].parse::<usize>().ok()?.checked_sub(1)?)?;
            let mut words = say(month);
            words.extend(ordinal(parts[2].parse().ok()?));
            words.extend(said(numbers::year(parts[0].parse().ok()?)));
            return Some(words);
        }
        if lengths.iter().sum::<usize>() >= 7 {
            return Some(said(numbers::digits(core)));
        }
    }
    let begins = |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || "$£€".contains(c));
    let ends = |text: &str| text.ends_with(|c: char| c.is_ascii_digit());
    let mut words = Vec::new();
    for (idx, part) in parts.iter().enumerate() {
        if idx > 0 && parts.len() == 2 && ends(parts[0]) && begins(part) {
            words.extend(say("to"));
        }
        // A compound names its measure in the singular: a thirty day trial.
        words.extend(
            units::singular(part)
                .filter(|_| idx > 0 && part.len() > 1 && *part != "in")
                .map_or_else(|| alone(part), say),
        );
    }
    Some(words)
}

/// `$12.50`, `£5`, `€1.5M`.
fn money(core: &str) -> Option<Vec<Said>> {
    let sign = core.chars().next()?;
    let [one, many, small_one, small_many] = match sign {
        '$' => ["dollar", "dollars", "cent", "cents"],
        '£' => ["pound", "pounds", "penny", "pence"],
        '€' => ["euro", "euros", "cent", "cents"],
        '¥' => ["yuan", "yuan", "fen", "fen"],
        _ => return None,
    };
    let amount = core[sign.len_utf8()..].trim_end_matches('+');
    let more = if core.ends_with('+') { "and up" } else { "" };
    if let Some((whole, fraction)) = numbers::split(amount) {
        let cents = fraction.filter(|cents| cents.len() == 2).and_then(|cents| cents.parse::<u64>().ok());
        let mut words = Vec::new();
        let with_cents = cents.is_some_and(|cents| cents > 0);
        if let (Some(fraction), None) = (fraction, cents) {
            words = said(numbers::cardinal(whole));
            words.extend(say("point"));
            words.extend(said(numbers::digits(fraction)));
            words.extend(say(many));
        } else if whole > 0 || !with_cents {
            words = said(numbers::cardinal(whole));
            words.extend(say(if whole == 1 { one } else { many }));
        }
        if let Some(cents) = cents.filter(|cents| *cents > 0) {
            words.extend(say(if words.is_empty() { "" } else { "and" }));
            words.extend(said(numbers::cardinal(cents)));
            words.extend(say(if cents == 1 { small_one } else { small_many }));
        }
        words.extend(say(more));
        return Some(words);
    }
    let digits = amount.trim_end_matches(|c: char| c.is_alphabetic());
    let mut words = said(numbers::written(digits)?);
    words.extend(say(match &amount[digits.len()..] {
        "k" | "K" => "thousand",
        "m" | "M" => "million",
        "b" | "B" | "bn" => "billion",
        _ => return None,
    }));
    words.extend(say(many));
    words.extend(say(more));
    Some(words)
}

/// `20%`, `#1`, `500+`, `+20`.
fn signed(core: &str) -> Option<Vec<Said>> {
    if let Some(rest) = core.strip_suffix('%') {
        let mut words = alone(rest);
        words.extend(say("percent"));
        return Some(words);
    }
    if let Some(rest) = core.strip_suffix('+') {
        let mut words = alone(rest);
        words.extend(say("plus"));
        return Some(words);
    }
    let (word, rest) = match core.chars().next()? {
        '#' => ("number", &core[1..]),
        '+' => ("plus", &core[1..]),
        '@' => ("at", &core[1..]),
        _ => return None,
    };
    let mut words = say(word);
    words.extend(alone(rest));
    Some(words)
}

/// `7:30`, `10:00am`.
fn clock(core: &str) -> Option<Vec<Said>> {
    let digits = core.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let half = &core[digits.len()..];
    let (hour, minute) = digits.split_once(':')?;
    let (hour, minutes) = (hour.parse::<u64>().ok()?, minute.parse::<u64>().ok()?);
    if hour > 24 || minutes > 59 || minute.len() != 2 {
        return None;
    }
    let mut words = said(numbers::cardinal(hour));
    match minutes {
        0 if half.is_empty() => words.extend(say("o'clock")),
        0 => {}
        1..=9 => {
            words.extend(say("oh"));
            words.extend(said(numbers::cardinal(minutes)));
        }
        _ => words.extend(said(numbers::cardinal(minutes))),
    }
    if !half.is_empty() {
        words.push(Said::Letters(half.to_uppercase()));
    }
    Some(words)
}

/// `1st`, `1990s`, `250g`, `10x`, `4K`.
fn suffixed(core: &str) -> Option<Vec<Said>> {
    let digits = core.trim_end_matches(|c: char| !c.is_ascii_digit());
    let suffix = &core[digits.len()..];
    let (whole, fraction) = numbers::split(digits)?;
    if suffix.is_empty() {
        return None;
    }
    let number = || said(numbers::written(digits).unwrap_or_default());
    let mut words = match suffix {
        "st" | "nd" | "rd" | "th" if fraction.is_none() => return Some(ordinal(whole)),
        "s" | "'s" if fraction.is_none() && whole % 10 == 0 && whole > 0 => return Some(decade(whole)),
        "k" => [number(), say("thousand")].concat(),
        "K" if whole > 16 => [number(), say("thousand")].concat(),
        "M" if whole > 0 => [number(), say("million")].concat(),
        "x" | "X" | "×" => [number(), say("times")].concat(),
        "am" | "pm" | "AM" | "PM" => [number(), vec![Said::Letters(suffix.to_uppercase())]].concat(),
        "p" if whole >= 480 => {
            let lines = [numbers::cardinal(whole / 100), numbers::cardinal(whole % 100)].concat();
            [said(lines), vec![Said::Letters("P".into())]].concat()
        }
        _ => {
            let unit = units::name(suffix, whole == 1 && fraction.is_none())?;
            [number(), say(unit)].concat()
        }
    };
    words.retain(|word| *word != Said::Word(String::new()));
    Some(words)
}

fn decade(number: u64) -> Vec<Said> {
    let mut words = if number >= 1000 { numbers::year(number) } else { numbers::cardinal(number) }
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    if let Some(last) = words.last_mut() {
        *last = last.strip_suffix('y').map_or_else(|| format!("{last}s"), |stem| format!("{stem}ies"));
    }
    words.into_iter().map(Said::Word).collect()
}

/// Letters and digits in one word: `SPF50`, `B12`, `5GHz`.
fn mixed(core: &str) -> Option<Vec<Said>> {
    let mut runs: Vec<String> = Vec::new();
    let mut last = None;
    for sign in core.chars() {
        let kind = i32::from(!(sign.is_ascii_digit() || sign == '.' || sign == ','));
        match runs.last_mut() {
            Some(run) if last == Some(kind) => run.push(sign),
            _ => runs.push(sign.to_string()),
        }
        last = Some(kind);
    }
    let mut words = Vec::new();
    for run in &runs {
        let run = run.trim_matches(|c: char| !c.is_alphanumeric());
        if run.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',') {
            words.extend(numbers::written(run).map_or_else(|| said(numbers::digits(run)), said));
        } else if !run.is_empty() {
            let short = run.chars().count() <= 3 && run.chars().all(char::is_uppercase);
            words.push(if short { Said::Letters(run.to_owned()) } else { Said::Word(run.to_owned()) });
        }
    }
    (runs.len() > 1 || !words.is_empty()).then_some(words)
}

/// A word without digits.
fn plain(core: &str) -> Vec<Said> {
    let mut words = Vec::new();
    for (idx, part) in core.split('&').enumerate() {
        if idx > 0 {
            words.extend(say("and"));
        }
        words.extend(hyphened(part));
    }
    words
}

fn hyphened(text: &str) -> Vec<Said> {
    let readable: String =
        text.chars().filter(|c| c.is_alphanumeric() || matches!(c, '\'' | '-' | '.')).collect();
    let readable = readable.trim_matches(|c| matches!(c, '-' | '.'));
    if readable.is_empty() {
        return Vec::new();
    }
    if readable.contains(|c: char| c.is_ascii_digit()) {
        return readable.split('-').flat_map(|part| mixed(part).unwrap_or_default()).collect();
    }
    if readable.contains('.') && readable.split('.').all(|part| part.chars().count() <= 1) {
        return vec![Said::Letters(readable.replace('.', "").to_uppercase())];
    }
    readable.split('.').filter(|part| !part.is_empty()).map(|part| Said::Word(part.to_owned())).collect()
}
