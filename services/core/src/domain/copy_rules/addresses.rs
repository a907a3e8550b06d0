//! Where a text sends its reader: web and mail addresses, telephone numbers, accounts, and markup.
//!
//! An ad leads where its button leads. A line that names another place is no line of ours, whoever wrote it:
//! a page that was read, a language model, or a person at the review. Intake, the answers of models and the
//! edits of people ask the same function.

use std::sync::LazyLock;

use regex::Regex;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::wording::{half_width, is_invisible};

/// Endings of hosts that a text may spell with capitals, or behind a Chinese name.
const ENDINGS: &[&str] = &[
    "com", "net", "org", "cn", "io", "co", "example", "shop", "store", "app", "info", "xyz", "top", "site",
    "online", "club", "vip", "link", "cc", "tv", "biz", "dev", "test", "uk", "de", "fr", "eu", "jp", "hk",
];

/// Endings of file names, which lead nowhere.
const FILES: &[&str] = &[
    "js", "pdf", "doc", "docx", "xls", "xlsx", "csv", "jpg", "jpeg", "png", "gif", "svg", "mp3", "mp4", "wav",
];

/// Fewest and most digits of a telephone number that is dialled from anywhere.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// `dot` and its like between the parts of a host.
static SPELLED_DOT: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)\s*(?:[\[(]\s*(?:dot|\.|点)\s*[\])]|\bdot\b|点)\s*").ok());

/// An account on a service, with its name or number.
static ACCOUNT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let zh = r"(?:微信|v信|vx|抖音|小红书|公众|qq|企鹅)(?:号码?|群号?)?\s*[:是]?\s*[a-z0-9][a-z0-9_-]{3,}";
    let en = r"\b(?:whatsapp|telegram|wechat|instagram|tiktok|snapchat|skype)\s*(?::|@|\bid\b)\s*\S{3,}";
    let handle = r"(?:^|[^a-z0-9._%+-])@[a-z0-9_][a-z0-9_.]+";
    Regex::new(&format!("{zh}|{en}|{handle}")).ok()
});

/// What a text may name although it leads somewhere: what the brief itself calls its own.
///
/// Names, what must be said, how the offer is redeemed, and the host of the page behind the button. Facts are
/// not among them: they may come from a page that somebody else has written.
#[must_use]
pub fn own_texts(brief: &Brief) -> Vec<String> {
    let mut own: Vec<String> = super::names::of(brief).into_iter().map(str::to_owned).collect();
    own.extend(brief.must_say.iter().cloned());
    own.extend(brief.offer.as_ref().and_then(|offer| offer.redeem.clone()));
    let page = brief.destination_url.as_str();
    let host = page.split_once("://").map_or(page, |(_, rest)| rest);
    own.extend(host.split(['/', '?', '#']).next().map(str::to_owned));
    own
}

/// The first address, number or account of a text that is none of the brief's own.
#[must_use]
pub fn foreign_address(brief: &Brief, text: &str) -> Option<String> {
    if !may_lead(text) {
        return None;
    }
    let own: Vec<String> = own_texts(brief).iter().map(|text| readable(text).to_lowercase()).collect();
    addresses(text).into_iter().find(|found| !own.iter().any(|text| text.contains(found.as_str())))
}

/// Whether a text names a web or mail address, a telephone number or an account, however it is written.
#[must_use]
pub fn holds_address(text: &str) -> bool {
    may_lead(text) && !addresses(text).is_empty()
}

/// Whether a text holds signs of markup, templates or code, which no viewer should see.
#[must_use]
pub fn holds_markup(text: &str) -> bool {
    let plain = readable(text);
    plain.contains(['<', '>', '{', '}', '`', '@', '#', '\\', '|'])
        || plain.to_lowercase().contains("javascript:")
}

/// The plain search that nearly every line fails.
fn may_lead(text: &str) -> bool {
    let digits = || text.chars().filter(|c| half_width(*c).is_ascii_digit()).count() >= *PHONE_DIGITS.start();
    let signs = |c: char| matches!(half_width(c), '.' | '@' | '/' | ':' | '点' | '信' | '号' | '群' | '。');
    let lower = || text.to_lowercase();
    text.contains(signs) || digits() || ["dot", "vx", "qq", " id "].iter().any(|word| lower().contains(word))
}

/// A text without what hides in it, in half width.
fn readable(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).map(half_width).collect()
}

/// Everything in a text that leads somewhere, in lower case.
fn addresses(text: &str) -> Vec<String> {
    let plain = readable(text);
    let lower = plain.to_lowercase();
    let mut found: Vec<String> = Vec::new();
    for sign in ["://", "www.", "http", "javascript:", "mailto:"] {
        if let Some(at) = lower.find(sign) {
            let word = lower.get(at..).unwrap_or_default();
            let ends = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | ')' | '，' | '。');
            let end = word.find(ends).unwrap_or(word.len());
            let address = word.get(..end).unwrap_or_default();
            // What stands behind the sign is the host, which the brief may call its own.
            let rest = address.strip_prefix(sign).unwrap_or(address);
            let rest = rest.strip_prefix('s').filter(|rest| rest.starts_with(':')).unwrap_or(rest);
            let host = rest.trim_start_matches([':', '/']).split('/').next().unwrap_or_default();
            found.push(if host.is_empty() { address } else { host }.to_owned());
        }
    }
    found.extend(hosts(&plain));
    // `shop dot example`: only where what comes of it is a host with a common ending.
    if let Some(dot) = SPELLED_DOT.as_ref().filter(|dot| dot.is_match(&plain)) {
        let spelled = dot.replace_all(&plain, ".");
        let common = |host: &String| host.rsplit_once('.').is_some_and(|(_, end)| ENDINGS.contains(&end));
        found.extend(hosts(&spelled).into_iter().filter(common));
    }
    found.extend(phones(&lower));
    if let Some(accounts) = ACCOUNT.as_ref() {
        found.extend(accounts.find_iter(&lower).map(|own| own.as_str().trim().to_owned()));
    }
    found
}

/// Names of hosts: labels with dots between them, the last of letters.
fn hosts(plain: &str) -> Vec<String> {
    let is_label = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let mut found: Vec<String> = plain
        .split(|c: char| !is_label(c))
        .filter(|word| is_host(word.trim_matches(|c: char| !c.is_ascii_alphanumeric())))
        .map(|word| word.trim_matches(|c: char| !c.is_ascii_alphanumeric()).to_lowercase())
        .collect();
    // A Chinese name with an ending: `山岚.com`.
    let chars: Vec<char> = plain.to_lowercase().chars().collect();
    for (at, _) in chars.iter().enumerate().filter(|(_, c)| **c == '.') {
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let ending: String = chars.iter().skip(at + 1).take_while(|c| c.is_ascii_alphanumeric()).collect();
        if before.is_some_and(|c| !c.is_ascii() && c.is_alphanumeric()) && ENDINGS.contains(&ending.as_str())
        {
            let name: Vec<char> =
                chars[..at].iter().rev().take_while(|c| c.is_alphanumeric()).copied().collect();
            found.push(format!("{}.{ending}", name.into_iter().rev().collect::<String>()));
        }
    }
    found
}

fn is_host(word: &str) -> bool {
    let Some((name, ending)) = word.rsplit_once('.') else { return false };
    let lower = ending.to_lowercase();
    let letters = ending.len() > 1 && ending.chars().all(|c| c.is_ascii_alphabetic());
    if !letters || name.len() < 2 || !name.chars().any(|c| c.is_ascii_alphabetic()) {
        return false;
    }
    if ENDINGS.contains(&lower.as_str()) {
        return true;
    }
    // `for 24 hours.Keeps cool` lacks a space and names no host; nor does `39.99USD`.
    let mut after = ending.chars();
    let begins = after.next().is_some_and(char::is_uppercase) && after.all(|c| c.is_ascii_lowercase());
    let sentence = begins && name.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    // `e.g.`, `a.m.`, `U.S.-made`: single letters with points are an abbreviation.
    let abbreviation = name.split('.').all(|label| label.chars().count() == 1);
    !sentence && !abbreviation && !FILES.contains(&lower.as_str())
}

/// Telephone numbers: runs of digits in the groups that numbers are written in.
fn phones(lower: &str) -> Vec<String> {
    let joins = |c: char| c.is_ascii_digit() || matches!(c, '+' | '(' | ')' | '-' | ' ' | '.');
    let mut found = Vec::new();
    for run in lower.split(|c: char| !joins(c)) {
        let run = run.trim_matches([' ', '.', '-', ')']);
        let digits: String = run.chars().filter(char::is_ascii_digit).collect();
        if PHONE_DIGITS.contains(&digits.len()) && is_phone(run, &digits) {
            found.push(run.to_owned());
        }
    }
    found
}

fn is_phone(run: &str, digits: &str) -> bool {
    let groups: Vec<usize> =
        run.split(|c: char| !c.is_ascii_digit()).filter(|group| !group.is_empty()).map(str::len).collect();
    let mobile =
        digits.len() == 11 && digits.starts_with('1') && !matches!(digits.get(1..2), Some("0" | "1" | "2"));
    let service = digits.len() == 10 && (digits.starts_with("400") || digits.starts_with("800"));
    let abroad = run.starts_with('+');
    let area = (digits.starts_with('0') && digits.len() >= 10) || run.starts_with('(');
    // `2026-11-29` is a day, `10 000 000` a number.
    let written =
        matches!(groups.as_slice(), [3, 3, 4] | [1, 3, 3, 4]) || (groups == [3, 4] && run.contains('-'));
    (mobile && groups.len() <= 3) || service || abroad || area || written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_however_they_are_written() {
        for text in [
            "See https://evil.example",
            "Visit evil.example today",
            "evil．ｅｘａｍｐｌｅ",
            "Evil.Com",
            "go to evil dot com",
            "evil[.]example",
            "e\u{200B}vil.example",
            "微信号：tea_2026",
            "加微信 shanlan88",
            "follow @evil",
            "mail us: a.b@shop.example",
            "打13800138000",
            "400-820-8820",
            "+44 20 7946 0958",
            "Call 555-0199",
            "(555) 010-0199",
            "山岚.com",
            "Pan javascript:alert(1)",
        ] {
            assert!(holds_address(text), "{text}");
        }
    }

    #[test]
    fn lawful_lines_lead_nowhere() {
        for text in [
            "Visit our shop in Leeds",
            "Keeps ice for 24 hours.Keeps cool",
            "39.99USD for the set",
            "From 6 a.m. to 8 p.m.",
            "18/8 steel, 1.5 kg, 750 ml",
            "From 2026-11-29 to 2026-12-24",
            "Over 10 000 000 cups, tested 5000000次",
            "Opens with index.js",
            "9:30开门，晚上9点关门",
            "四点五十分，地铁口",
            "Made in the U.S.-built mill",
            "Polka dot common room",
            "一罐228元，净含量125克",
        ] {
            assert_eq!(addresses(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_the_brief_calls_its_own_may_stand() {
        let text = include_bytes!("../../../../../examples/coffee-en/brief.yaml");
        let mut brief = Brief::from_yaml(text).expect("brief");
        assert_eq!(foreign_address(&brief, "Order at evil.example").as_deref(), Some("evil.example"));
        brief.must_say = vec!["Order at beans.example".to_owned()];
        assert_eq!(foreign_address(&brief, "Order at beans.example"), None);
        assert!(foreign_address(&brief, "Order at https://evil.example/beans.example").is_some());
    }
}
