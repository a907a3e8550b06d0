//! The names of a brief: what they hold is not judged as a claim; and names that are somebody else's.

use std::sync::LazyLock;

use regex::Regex;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::wording::folded;

/// A name that its owner has registered.
static MARKED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"([\p{L}\p{N}][\p{L}\p{N}&'.-]*)\s?[®™]").ok());

/// Organizations by what their kind is called: their names stand for what somebody else says or does.
static ORGANIZATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let zh = r"(?:[\p{Han}&&[^去到在回离从上进出往跑我你他她它们各的家了是和每一]]{2,8}|[A-Za-z]{2,12})(?:公司|集团|协会|学会|研究院|研究所|航天局|医院|大学|委员会|联合会|基金会|监督局|认证中心)";
    let kinds = "Corp|Corporation|Inc|Ltd|LLC|GmbH|University|Hospital|Association|Foundation|Institute|Agency|Clinic|Society|Council";
    let en = format!(r"(?:\b[A-Z][\w&'-]*\s+){{1,4}}(?:{kinds})\b|\b(?:{kinds})\s+of\s+[A-Z]\w+");
    let letters = r"\b[A-Z]{3,6}\b";
    Regex::new(&format!("{zh}|{en}|{letters}")).ok()
});

/// Rows of capitals that name nobody.
const COMMON_CAPITALS: &[&str] = &[
    "DIY", "FAQ", "LED", "USB", "GPS", "HDMI", "NFC", "SPF", "UPF", "BPA", "PVC", "PET", "VIP", "USA", "USD",
    "EUR", "GBP", "CNY", "RGB", "OLED", "LCD", "CEO", "POV", "ASAP", "SUV", "AAA", "XXL", "XXS", "XXXL",
    "APP", "PDF", "SMS", "NEW", "AND", "THE", "NOT", "FOR", "YOU", "NOW", "ALL", "ONE", "TWO", "OFF", "FREE",
    "SALE",
];

/// Brand, product, and the product as spoken. A term or a figure inside one of them is part of a
/// name: `Best Bean` claims no rank, `Drumlin 2` counts nothing.
#[must_use]
pub fn of(brief: &Brief) -> [&str; 3] {
    [brief.brand.name.as_str(), brief.product.name.as_str(), brief.spoken_name()]
}

/// Everything that a brief says of itself, folded.
fn words_of(brief: &Brief) -> String {
    let mut words: Vec<String> = of(brief).iter().map(|name| folded(name)).collect();
    words.extend(brief.product.facts.iter().map(|fact| folded(&fact.text)));
    words.extend(brief.must_say.iter().map(|text| folded(text)));
    words.extend(brief.offer.as_ref().and_then(|offer| offer.covers.as_deref()).map(folded));
    words.push(folded(&brief.product.category));
    words.join("\n")
}

/// The first registered name of a text that is none of the brief's.
#[must_use]
pub fn foreign_mark(brief: &Brief, text: &str) -> Option<String> {
    if !text.contains(['®', '™']) {
        return None;
    }
    let own = of(brief).map(folded).join("\n");
    let marked = MARKED.as_ref()?;
    marked
        .captures_iter(text)
        .filter_map(|found| found.get(1))
        .map(|name| name.as_str().to_owned())
        .find(|name| !own.contains(&folded(name)))
}

/// The first organization that a text names and nothing of the brief does.
///
/// A person's edit may say what the facts say in other words; who is named as a witness must stand in them.
#[must_use]
pub fn foreign_organization(brief: &Brief, text: &str) -> Option<String> {
    if let Some(mark) = foreign_mark(brief, text) {
        return Some(mark);
    }
    let own = words_of(brief);
    // A line that is all capitals shouts and names nobody by them.
    let shouts =
        text.chars().filter(|c| c.is_lowercase()).count() == 0 && text.split_whitespace().count() > 1;
    let is_foreign = |name: &&str| {
        let capitals = name.chars().all(|c| c.is_ascii_uppercase());
        let common = capitals && (shouts || COMMON_CAPITALS.contains(name));
        !common && !own.contains(&folded(name))
    };
    ORGANIZATION.as_ref()?.find_iter(text).map(|found| found.as_str()).find(is_foreign).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_others_are_told_and_the_briefs_own_are_not() {
        let text = include_bytes!("../../../../../examples/coffee-en/brief.yaml");
        let mut brief = Brief::from_yaml(text).expect("brief");
        for line in [
            "Certified by NASA",
            "From Evil Corp",
            "The Institute of Sleep says so",
            "Better than Brewtop®",
            "本品由恶意公司出品",
        ] {
            assert!(foreign_organization(&brief, line).is_some(), "{line}");
        }
        for line in
            ["An LED tells you when", "NEW FOR YOU", "Made for Mondays in Leeds", "Ground for your machine"]
        {
            assert_eq!(foreign_organization(&brief, line), None, "{line}");
        }
        brief.must_say = vec!["Roasters of the XYZQ".to_owned()];
        assert_eq!(foreign_organization(&brief, "As the XYZQ asks"), None);
    }
}
