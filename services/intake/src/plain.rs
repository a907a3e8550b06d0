//! Text without markup: pasted notes, the text of PDF and DOCX files, and briefs that exist already.

use spotwright_schemas::brief::Brief;
use spotwright_schemas::{Locale, Problem};

use crate::draft::{locale_of, prices_of_text};
use crate::findings::{Findings, Ranked};
use crate::prices::Price;

/// Longest line in characters; longer ones are read in parts.
const MAX_LINE: usize = 4_000;

/// Words before a colon that say what stands behind it.
const NAME_LABELS: [&str; 13] = [
    "product",
    "product name",
    "name",
    "title",
    "产品",
    "产品名称",
    "产品名",
    "商品名称",
    "商品",
    "名称",
    "品名",
    "课程名称",
    "游戏名称",
];
const SHORT_LABELS: [&str; 4] = ["short name", "简称", "昵称", "短名"];
const BRAND_LABELS: [&str; 7] = ["brand", "company", "advertiser", "品牌", "公司", "商家", "店铺"];
const CATEGORY_LABELS: [&str; 7] = ["category", "type", "product type", "品类", "类型", "类别", "类目"];
const ADDRESS_LABELS: [&str; 8] =
    ["link", "url", "website", "landing page", "destination", "链接", "网址", "落地页"];

/// Reads a text.
pub(crate) fn read(text: &str, source: &str, locale: Option<Locale>) -> Findings {
    let lines = text.lines().map(|line| (String::new(), line.to_owned())).collect();
    read_lines(lines, source, locale)
}

/// Reads the text of a document, whose lines end where the page does: a long line without a mark at its end goes
/// on where the next one begins with a small letter.
pub(crate) fn read_wrapped(text: &str, source: &str, locale: Option<Locale>) -> Findings {
    let mut lines: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        let is_rest = line.trim_start().starts_with(|c: char| c.is_lowercase());
        let last = lines.last_mut().filter(|(_, last)| {
            let is_open =
                last.trim_end().ends_with(|c: char| c.is_alphanumeric() || matches!(c, ',' | '-' | '–'));
            is_rest && is_open && last.chars().count() >= 40 && last.chars().count() < MAX_LINE
        });
        match last {
            Some((_, last)) => {
                last.push(' ');
                last.push_str(line.trim());
            }
            None => lines.push((String::new(), line.to_owned())),
        }
    }
    read_lines(lines, source, locale)
}

/// Reads lines, each with the heading above it.
pub(crate) fn read_lines(lines: Vec<(String, String)>, source: &str, wanted: Option<Locale>) -> Findings {
    let start: String = lines.iter().take(200).map(|(_, line)| line.as_str()).collect();
    let locale = wanted.unwrap_or_else(|| locale_of(None, &start));
    let mut findings = Findings::new(source);
    let mut section = "text".to_owned();
    let mut is_first = true;
    for (heading, line) in lines {
        let line = line.trim().trim_start_matches(['#', '*', ' ']);
        if !line.chars().any(char::is_alphanumeric) {
            continue;
        }
        if !heading.is_empty() {
            section = heading;
        }
        if labelled(line, &section, &mut findings) {
            is_first = false;
            continue;
        }
        if is_first {
            is_first = false;
            first_line(line, &mut findings);
        }
        for part in parts(line) {
            findings.state(&section, part);
        }
    }
    addresses(&mut findings);
    prices_of_text(&mut findings, locale);
    findings
}

/// A line in parts of at most [`MAX_LINE`] characters.
fn parts(line: &str) -> impl Iterator<Item = &str> {
    let mut rest = line;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.char_indices().nth(MAX_LINE).map_or(rest.len(), |(at, _)| at);
        let (part, behind) = rest.split_at(end);
        rest = behind;
        Some(part)
    })
}

/// One of the lists that findings are noted in.
type List = fn(&mut Findings) -> &mut Ranked<String>;

/// Takes `Brand: Northlight` and `品牌：北光` at their word.
fn labelled(line: &str, section: &str, findings: &mut Findings) -> bool {
    let Some((label, value)) = line.split_once([':', '：']) else { return false };
    let label = label.trim().to_lowercase();
    let value = value.trim();
    if value.is_empty() || value.chars().count() > 200 {
        return false;
    }
    let lists: [(&[&str], List); 5] = [
        (&NAME_LABELS, |own| &mut own.names),
        (&SHORT_LABELS, |own| &mut own.short_names),
        (&BRAND_LABELS, |own| &mut own.brands),
        (&CATEGORY_LABELS, |own| &mut own.categories),
        (&ADDRESS_LABELS, |own| &mut own.destinations),
    ];
    for (labels, of) in lists {
        if labels.contains(&label.as_str()) {
            findings.noted_text(of, 0, (section, &label), Some(value));
            return true;
        }
    }
    false
}

/// A short first line without a full stop is a title.
fn first_line(line: &str, findings: &mut Findings) {
    let n = line.chars().count();
    let is_title =
        (2..=60).contains(&n) && !line.ends_with(['.', '。', '!', '！', '?', '？', ',', '，', ';', '；']);
    if is_title && !line.contains("http") {
        findings.noted_text(|own| &mut own.names, 5, ("title", "title"), Some(line));
    }
}

/// The first web address of a text is where a click leads.
fn addresses(findings: &mut Findings) {
    let text = findings.document.text.clone();
    let Some(at) = text.find("https://").or_else(|| text.find("http://")) else { return };
    let rest = text.get(at..).unwrap_or_default();
    let end = rest.find(|c: char| c.is_whitespace() || "，。；）)\"'<>、".contains(c)).unwrap_or(rest.len());
    let address = rest.get(..end).unwrap_or_default().trim_end_matches(['.', ',', ';']);
    if url::Url::parse(address).is_ok() {
        findings.noted_text(|own| &mut own.destinations, 3, ("address", "link"), Some(address));
    }
}

/// Reads a brief that is one already: its fields are taken at their word.
///
/// # Errors
/// The problems of the brief.
pub(crate) fn read_brief(bytes: &[u8], source: &str) -> Result<Findings, Problem> {
    let is_json = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let brief = if is_json { Brief::from_json(bytes) } else { Brief::from_yaml(bytes) }?;
    let mut findings = Findings::new(source);
    findings.language = Some(brief.locale.tag().to_owned());
    let place = |name: &'static str| ("brief", name);
    findings.noted_text(|own| &mut own.names, 0, place("product.name"), Some(&brief.product.name));
    findings.noted_text(
        |own| &mut own.short_names,
        0,
        place("product.short_name"),
        brief.product.short_name.as_deref(),
    );
    findings.noted_text(|own| &mut own.brands, 0, place("brand.name"), Some(&brief.brand.name));
    findings.noted_text(
        |own| &mut own.categories,
        0,
        place("product.category"),
        Some(&brief.product.category),
    );
    let address = Some(brief.destination_url.as_str());
    findings.noted_text(|own| &mut own.destinations, 0, place("destination_url"), address);
    if let Some(offer) = &brief.offer {
        let price = |amount| Price { amount, currency: Some(offer.currency.code().to_owned()) };
        findings.noted_price(
            |own| &mut own.prices,
            0,
            place("offer.price_now"),
            Some(&price(offer.price_now)),
        );
        let before = offer.price_before.map(price);
        findings.noted_price(|own| &mut own.befores, 0, place("offer.price_before"), before.as_ref());
        findings.noted_text(|own| &mut own.ends, 0, place("offer.ends"), offer.ends.as_deref());
    }
    for (rank, color) in [brief.brand.colors.primary, brief.brand.colors.accent].into_iter().enumerate() {
        let rank = u8::try_from(rank).unwrap_or(u8::MAX);
        findings.noted(|own| &mut own.colors, rank, place("brand.colors"), &color.to_string(), color);
    }
    for fact in &brief.product.facts {
        findings.state("facts", &fact.text);
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::best;

    #[test]
    fn pasted_notes_are_read_with_their_labels() {
        let notes = "产品：明前龙井\n品牌：云溪茶社\n原价398元，现价228元，截至2026年12月31日\n手工炒制，每罐125克\n链接：https://example.com/tea";
        let findings = read(notes, "notes.txt", None);
        assert_eq!(best(&findings.names).unwrap().value, "明前龙井");
        assert_eq!(best(&findings.brands).unwrap().value, "云溪茶社");
        assert_eq!(best(&findings.prices).unwrap().value.amount.to_decimal(), "228.00");
        assert_eq!(best(&findings.befores).unwrap().value.amount.to_decimal(), "398.00");
        assert_eq!(best(&findings.destinations).unwrap().value, "https://example.com/tea");
    }

    #[test]
    fn a_line_of_a_megabyte_is_read_in_parts() {
        let findings = read(&"a b ".repeat(300_000), "long.txt", None);
        assert!(findings.statements.len() > 100);
    }
}
