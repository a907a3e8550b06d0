//! Chinese as it is written, piece by piece as it is said.

use super::numbers;
use crate::sentence::mark_of;

/// What a piece of a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Chinese characters, still to be cut into words.
    Hanzi,
    /// A number with its unit: words already.
    Number,
    /// Letters of other languages.
    Latin,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    /// As it is written.
    pub(super) written: String,
    /// As it is said: words in Chinese characters, or the letters themselves.
    pub(super) said: Vec<String>,
    pub(super) mark: &'static str,
}

/// Units behind a number, the longer before the shorter that they begin with.
const UNITS: [(&str, &str); 38] = [
    ("mAh", "毫安时"),
    ("kWh", "千瓦时"),
    ("km/h", "公里每小时"),
    ("mm", "毫米"),
    ("cm", "厘米"),
    ("km", "公里"),
    ("kg", "公斤"),
    ("KG", "公斤"),
    ("Kg", "公斤"),
    ("mg", "毫克"),
    ("ml", "毫升"),
    ("mL", "毫升"),
    ("ML", "毫升"),
    ("m²", "平方米"),
    ("㎡", "平方米"),
    ("min", "分钟"),
    ("kcal", "千卡"),
    ("kJ", "千焦"),
    ("Hz", "赫兹"),
    ("GHz", "吉赫兹"),
    ("℃", "摄氏度"),
    ("°C", "摄氏度"),
    ("°", "度"),
    ("g", "克"),
    ("L", "升"),
    ("l", "升"),
    ("m", "米"),
    ("h", "小时"),
    ("H", "小时"),
    ("s", "秒"),
    ("W", "瓦"),
    ("w", "万"),
    ("W+", "万多"),
    ("V", "伏"),
    ("″", "英寸"),
    ("x", "倍"),
    ("X", "倍"),
    ("×", "倍"),
];

/// What two of a thing is 两 of; 二 stays with months, days and numbers.
const MEASURES: &str = "个盒杯瓶件份款位张袋包罐条双支片次天周年种节元块公斤升米倍人层步箱套台部口把根颗粒滴碗盘桶组对只家间场段小分秒万千亿点大步招重道本枚名副辆碟勺";

/// What follows a long number that is no telephone number.
const COUNTED: [char; 6] = ['元', '万', '亿', '个', '人', '次'];

/// The pieces of one sentence. Characters that are neither letters, digits nor known signs say nothing.
pub(super) fn pieces(sentence: &str) -> Vec<Piece> {
    let text: String = sentence.chars().map(narrow).collect();
    let mut pieces: Vec<Piece> = Vec::new();
    let mut at = 0;
    while let Some(sign) = text[at..].chars().next() {
        let rest = &text[at..];
        if let Some((length, said)) = number(rest, &text[..at]) {
            push(&mut pieces, Kind::Number, &rest[..length], said);
            at += length;
        } else if sign.is_ascii_alphabetic() {
            let length =
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || "'-&.".contains(c))).unwrap_or(rest.len());
            let word = rest[..length].trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
            push(&mut pieces, Kind::Latin, word, vec![word.to_owned()]);
            at += word.len();
        } else if is_hanzi(sign) {
            let length = rest.find(|c: char| !is_hanzi(c)).unwrap_or(rest.len());
            push(&mut pieces, Kind::Hanzi, &rest[..length], vec![rest[..length].to_owned()]);
            at += length;
        } else {
            let mark = mark_of(sign).or_else(|| sign.is_whitespace().then_some(",")).unwrap_or("");
            if let (Some(last), false) = (pieces.last_mut(), mark.is_empty()) {
                let gap = sign.is_whitespace();
                let hanzi = last.kind != Kind::Latin && rest.trim_start().starts_with(is_hanzi);
                // A gap between Chinese words is a pause; beside letters of other languages it is none.
                if !gap || (hanzi && last.mark.is_empty()) {
                    last.mark = mark;
                }
            }
            at += sign.len_utf8();
        }
    }
    pieces
}

fn push(pieces: &mut Vec<Piece>, kind: Kind, written: &str, said: Vec<String>) {
    pieces.push(Piece { kind, written: written.to_owned(), said, mark: "" });
}

/// Full-width letters and digits as their narrow forms.
fn narrow(sign: char) -> char {
    match sign {
        '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '％' | '＋' | '＄' | '．' => {
            char::from_u32(sign as u32 - 0xFEE0).unwrap_or(sign)
        }
        '～' => '~',
        '￥' => '¥',
        other => other,
    }
}

pub(super) fn is_hanzi(sign: char) -> bool {
    matches!(sign, '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{20000}'..='\u{2EBEF}' | '〇')
}

/// A number at the beginning of `rest`, with its sign and unit: its length in bytes, and what is said.
fn number(rest: &str, before: &str) -> Option<(usize, Vec<String>)> {
    date(rest)
        .or_else(|| telephone(rest))
        .or_else(|| clock(rest))
        .or_else(|| range(rest, before))
        .or_else(|| fraction(rest))
        .or_else(|| ordinal(rest))
        .or_else(|| single(rest, before))
}

/// Length of the digits, commas and points at the beginning; a comma needs three digits behind it.
fn length_of_number(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let digits = bytes[at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        let point = bytes[at] == b'.' && digits > 0 && !rest[..at].contains('.');
        let comma = bytes[at] == b',' && digits == 3 && !rest[..at].contains('.');
        if !(bytes[at].is_ascii_digit() || (at > 0 && (point || comma))) {
            break;
        }
        at += 1;
    }
    at
}

fn whole_digits(rest: &str) -> usize {
    rest.bytes().take_while(u8::is_ascii_digit).count()
}

/// `2026-11-28`, `2026/11/28`, `2026.11.28`.
fn date(rest: &str) -> Option<(usize, Vec<String>)> {
    let year = rest.get(..4).filter(|text| text.bytes().all(|b| b.is_ascii_digit()))?;
    let sign = rest[4..].chars().next().filter(|c| "-/.".contains(*c))?;
    let month = &rest[5..5 + whole_digits(&rest[5..])];
    let tail = rest[5 + month.len()..].strip_prefix(sign)?;
    let day = &tail[..whole_digits(tail)];
    let within = |text: &str, most: u64| text.parse::<u64>().ok().filter(|n| (1..=most).contains(n));
    let (month_said, day_said) = (within(month, 12)?, within(day, 31)?);
    let said = vec![
        format!("{}年", numbers::digits(year)),
        format!("{}月", numbers::cardinal(month_said)),
        format!("{}日", numbers::cardinal(day_said)),
    ];
    Some((6 + month.len() + day.len(), said))
}

/// Seven digits and more, with or without hyphens.
fn telephone(rest: &str) -> Option<(usize, Vec<String>)> {
    let run = rest.find(|c: char| !(c.is_ascii_digit() || c == '-')).unwrap_or(rest.len());
    let run = rest[..run].trim_end_matches('-');
    let digits = run.bytes().filter(u8::is_ascii_digit).count();
    let counted = rest[run.len()..].starts_with(COUNTED) || rest[run.len()..].starts_with(['.', ',']);
    (digits >= 7 && !counted && run.starts_with(|c: char| c.is_ascii_digit()))
        .then(|| (run.len(), vec![numbers::telephone(run)]))
}

/// `8:30`, `20:00`.
fn clock(rest: &str) -> Option<(usize, Vec<String>)> {
    let hours = whole_digits(rest);
    let tail = rest[hours..].strip_prefix([':', '：'])?;
    let sign = rest.len() - hours - tail.len();
    let minutes = whole_digits(tail);
    let (hour, minute) = (rest[..hours].parse::<u64>().ok()?, tail[..minutes].parse::<u64>().ok()?);
    if hour > 24 || minute > 59 || minutes != 2 {
        return None;
    }
    let hour = if hour == 2 { "两".to_owned() } else { numbers::cardinal(hour) };
    let said = match minute {
        0 => format!("{hour}点"),
        1..=9 => format!("{hour}点零{}分", numbers::cardinal(minute)),
        _ => format!("{hour}点{}分", numbers::cardinal(minute)),
    };
    Some((hours + sign + minutes, vec![said]))
}

/// `3-5`, `5%~10%`: from and to.
fn range(rest: &str, before: &str) -> Option<(usize, Vec<String>)> {
    let first = length_of_number(rest);
    let percent = usize::from(rest[first..].starts_with('%'));
    let from = &rest[..first];
    let sign = rest[first + percent..].chars().next().filter(|c| "-–—~至".contains(*c))?;
    let second_at = first + percent + sign.len_utf8();
    let second = rest.get(second_at..)?;
    let length = length_of_number(second);
    if first == 0 || length == 0 {
        return None;
    }
    let (more, said) = single(second, before)?;
    let mut words = vec![format!("{}到", numbers::written(from)?)];
    if second[..more].ends_with('%') || percent > 0 {
        words[0] = format!("百分之{}", words[0]);
    }
    words.extend(said);
    Some((second_at + more, words))
}

/// `1/3`: 三分之一.
fn fraction(rest: &str) -> Option<(usize, Vec<String>)> {
    let above = whole_digits(rest);
    let tail = rest[above..].strip_prefix('/')?;
    let below = whole_digits(tail);
    let (top, bottom) = (rest[..above].parse::<u64>().ok()?, tail[..below].parse::<u64>().ok()?);
    (top < bottom).then(|| {
        (above + 1 + below, vec![format!("{}分之{}", numbers::cardinal(bottom), numbers::cardinal(top))])
    })
}

/// `No.1`.
fn ordinal(rest: &str) -> Option<(usize, Vec<String>)> {
    let start = ["No.", "NO.", "no."].into_iter().find(|start| rest.starts_with(start))?;
    let digits = whole_digits(&rest[start.len()..]);
    let number = rest[start.len()..start.len() + digits].parse().ok()?;
    Some((start.len() + digits, vec![format!("第{}", numbers::cardinal(number))]))
}

/// One number with what stands before and behind it.
fn single(rest: &str, before: &str) -> Option<(usize, Vec<String>)> {
    let currency = [("¥", "元"), ("RMB", "元"), ("$", "美元"), ("€", "欧元"), ("£", "英镑")];
    let money = currency.into_iter().find(|(sign, _)| rest.starts_with(sign));
    let sign = money.map_or(0, |(sign, _)| sign.len());
    let length = length_of_number(&rest[sign..]);
    if length == 0 {
        return None;
    }
    let text = &rest[sign..sign + length];
    let after = &rest[sign + length..];
    if let Some((_, name)) = money {
        let big = after.chars().next().filter(|c| "万亿".contains(*c));
        let tail = big.map_or(0, char::len_utf8);
        let written_too = after[tail..].starts_with(name);
        let number = format!("{}{}", numbers::written(text)?, big.map(String::from).unwrap_or_default());
        let consumed = sign + length + tail + if written_too { name.len() } else { 0 };
        return Some((consumed, vec![number, name.to_owned()]));
    }
    if let Some(rest_of_it) = after.strip_prefix(['%', '‰']) {
        let of = if after.starts_with('%') { "百" } else { "千" };
        let sign = after.len() - rest_of_it.len();
        return Some((length + sign, vec![format!("{of}分之{}", numbers::written(text)?)]));
    }
    if let Some(said) = digit_by_digit(text, after, before) {
        return Some((length, vec![said]));
    }
    counted(text, after, before).map(|(more, said)| (length + more, said))
}

/// Numbers whose digits are named one by one: years, discounts such as 85折, 618, codes.
fn digit_by_digit(text: &str, after: &str, before: &str) -> Option<String> {
    let plain = text.bytes().all(|b| b.is_ascii_digit());
    let year = text.len() == 4 && after.starts_with('年');
    let discount = text.len() == 2 && !text.ends_with('0') && after.starts_with('折');
    let festival = text == "618" && !after.starts_with(['元', '个', '件', '块']);
    let code = text.len() > 1 && text.starts_with('0') || (text.len() >= 7 && !after.starts_with(COUNTED));
    if !plain || before.ends_with('双') {
        return None;
    }
    (year || discount || festival || code).then(|| numbers::digits(text))
}

/// A number of things: with its unit, with 两 for two, with 多 for `+`.
fn counted(text: &str, after: &str, before: &str) -> Option<(usize, Vec<String>)> {
    let letters = |tail: &str| tail.starts_with(|c: char| c.is_ascii_alphabetic());
    let unit = UNITS
        .iter()
        .filter(|(short, _)| after.trim_start_matches(' ').starts_with(short))
        .max_by_key(|(short, _)| short.len())
        .filter(|(short, _)| {
            let tail = &after.trim_start_matches(' ')[short.len()..];
            !(letters(tail) || *short == "×" && tail.starts_with(|c: char| c.is_ascii_digit()))
        });
    let spaces = after.len() - after.trim_start_matches(' ').len();
    let times = after
        .strip_prefix(['×', '*', 'x'])
        .is_some_and(|tail| tail.starts_with(|c: char| c.is_ascii_digit()));
    let next = after.chars().next();
    let big = next.filter(|c| "万亿".contains(*c)).map_or("", |c| &after[..c.len_utf8()]);
    let more = after[big.len()..].starts_with('+');
    let of_things = unit.is_some() || next.is_some_and(|c| MEASURES.contains(c));
    let two = text == "2" && of_things && !before.ends_with(['第', '十']);
    let number = if two { "两".to_owned() } else { numbers::written(text)? };
    if times {
        let sign = after.chars().next().map_or(0, char::len_utf8);
        return Some((sign, vec![format!("{number}乘")]));
    }
    if more {
        let counts = after[big.len() + 1..].starts_with(is_hanzi);
        let said = format!("{number}{big}{}", if counts { "多" } else { "以上" });
        return Some((big.len() + 1, vec![said]));
    }
    match unit {
        Some((short, name)) => Some((spaces + short.len(), vec![number, (*name).to_owned()])),
        None => Some((0, vec![number])),
    }
}
