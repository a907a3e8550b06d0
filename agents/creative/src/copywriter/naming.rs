//! How the product is called on screen and in the voice: its name together with what it is.

use super::material::Material;

/// Last words of English names that are common nouns, so that the name takes an article.
const COMMON_NOUNS: &[&str] = &[
    "box", "bag", "bar", "bundle", "case", "class", "course", "kettle", "kit", "lamp", "pack", "plan", "set",
    "shell", "week", "weekend",
];

/// What a name of a place or a service can be: a practice is none of its check-ups.
const PLACES: &[&str] = &[
    "academy",
    "bakery",
    "bar",
    "cafe",
    "camp",
    "clinic",
    "club",
    "cottage",
    "diner",
    "gym",
    "hotel",
    "house",
    "inn",
    "kitchen",
    "office",
    "practice",
    "restaurant",
    "salon",
    "school",
    "service",
    "shop",
    "studio",
];

/// Whether a line of business sells what people do in a place.
const fn serves(vertical: spotwright_schemas::brief::Vertical) -> bool {
    use spotwright_schemas::brief::Vertical::{
        AdultCourses, HealthServices, KidsEducation, LocalServices, Restaurant, Travel,
    };
    matches!(vertical, AdultCourses | HealthServices | KidsEducation | LocalServices | Restaurant | Travel)
}

/// What the product is called.
#[derive(Debug, Clone, Default)]
pub(super) struct Naming {
    /// On screen: the name with the kind of thing, unless the name says it.
    pub(super) label: String,
    /// What a viewer must have read to know what is sold; empty where the name tells.
    kind: String,
    /// The name as the subject of a sentence.
    pub(super) subject: String,
    /// Whether the product is several things, which "it" cannot stand for; English only.
    pub(super) several: bool,
    /// A short sentence that introduces the product, with its final point; English only.
    pub(super) introduction: String,
}

impl Naming {
    /// Whether a line tells what is sold.
    pub(super) fn tells(&self, name: &str, text: &str) -> bool {
        if self.kind.is_empty() { text.contains(name) } else { text.contains(&self.kind) }
    }
}

pub(super) fn naming_of(material: &Material<'_>) -> Naming {
    let brief = material.brief;
    let (phrase, bare) =
        material.noun.clone().unwrap_or_else(|| (String::new(), brief.product.category.clone()));
    let name = material.name.as_ref();
    if material.is_chinese() {
        chinese(material, name, &bare)
    } else {
        english(material, name, &phrase, &bare)
    }
}

fn chinese(material: &Material<'_>, name: &str, bare: &str) -> Naming {
    use spotwright_schemas::brief::Vertical::{Drama, Game};
    let chars: Vec<char> = bare.chars().collect();
    let last: String = chars.iter().skip(chars.len().saturating_sub(2)).collect();
    let held = bare.is_empty() || name.contains(&last);
    let begins: String = chars.iter().take(2).collect();
    let without = |skipped: usize| chars.iter().skip(skipped).collect::<String>();
    let end = name.chars().next_back();
    let label = if held {
        name.to_owned()
    } else if matches!(material.vertical, Drama | Game) {
        format!("{bare}《{name}》")
    } else if begins.chars().count() == 2 && name.contains(&begins) {
        // What the name says already is not said again: 溪边小住 + 溪边民宿.
        format!("{name}{}", without(2))
    } else if chars.len() > 1 && end == chars.first().copied() && name.chars().count() > 3 {
        // 渡口酸菜鱼 + 鱼馆.
        format!("{name}{}", without(1))
    } else if end == chars.last().copied() && serves(material.vertical) {
        // 拾味小馆 + 酸菜鱼馆: one of the two says what kind of place it is.
        format!("{name}{}", chars.iter().take(chars.len() - 1).collect::<String>())
    } else if end == chars.last().copied()
        || serves(material.vertical) && end.is_some_and(|c| chars.contains(&c))
    {
        // 鹤眠灯 + 香薰灯, 阿甘面 + 巷口面馆 would run into one another.
        format!("{name}，{bare}")
    } else {
        format!("{name}{bare}")
    };
    // What a viewer must have read stands in the label itself.
    let kind = if held || !label.contains(&last) { String::new() } else { last };
    Naming { subject: label.clone(), label, kind, ..Naming::default() }
}

/// Nouns of what is poured, spread or eaten by measure, before which no "the" names one thing.
const UNCOUNTED: &[&str] = &[
    "food",
    "soap",
    "sunscreen",
    "oil",
    "cream",
    "coffee",
    "tea",
    "oolong",
    "honey",
    "shampoo",
    "litter",
    "milk",
    "chocolate",
    "insurance",
    "software",
    "paint",
];

/// What things are sold by; the thing is what stands behind "of".
const MEASURES: &[&str] = &[
    "bag of ",
    "bar of ",
    "bottle of ",
    "box of ",
    "can of ",
    "jar of ",
    "loaf of ",
    "pack of ",
    "pair of ",
    "set of ",
    "tin of ",
    "tub of ",
    "tube of ",
    "week in a ",
];

/// Words behind which a noun phrase says more of its noun.
const PREPOSITIONS: &[&str] = &[
    " at ", " by ", " for ", " from ", " in ", " near ", " of ", " on ", " that ", " to ", " who ", " with ",
];

/// A noun phrase up to its first preposition: `small inn` of `small inn on the coast`.
fn before_preposition(phrase: &str) -> &str {
    let ends = PREPOSITIONS.iter().filter_map(|word| phrase.find(word));
    ends.min().and_then(|end| phrase.get(..end)).unwrap_or(phrase)
}

/// The noun that says what a thing is: `inn` of `small inn on the coast`.
pub(super) fn head_noun(phrase: &str) -> &str {
    before_preposition(phrase).split(' ').next_back().unwrap_or_default()
}

/// Name and kind as one says them in passing: `The Hushfold weighted blanket.`, not `Hushfold is a weighted
/// blanket.`, which sounds like an entry of a dictionary. A kind of many words or with a preposition is said as one.
fn introduced_by_kind(name: &str, phrase: &str, bare: &str) -> String {
    let words: Vec<&str> = bare.split(' ').collect();
    let long = words.len() > 3 || before_preposition(bare) != bare;
    let last = words.last().copied().unwrap_or_default().to_lowercase();
    // `Hallmere 8 chef's knife` would count knives.
    if long || name.ends_with(|c: char| c.is_ascii_digit()) {
        return format!("{name}, {phrase}.");
    }
    let article = if name.starts_with("The ") || UNCOUNTED.contains(&last.as_str()) { "" } else { "The " };
    format!("{article}{name} {bare}.")
}

fn english(material: &Material<'_>, name: &str, phrase: &str, bare: &str) -> Naming {
    use spotwright_schemas::brief::Vertical::{HealthServices, Restaurant, Travel};
    let brand = material.brief.brand.name.as_str();
    // "bag of beans": the thing is what stands behind "of".
    let thing = MEASURES.iter().find_map(|measure| bare.strip_prefix(measure)).unwrap_or(bare);
    let last = head_noun(thing).to_lowercase();
    let lower = name.to_lowercase();
    let held = last.is_empty()
        || lower.split(' ').any(|word| {
            let singular = |word: &'_ str| word.strip_suffix('s').unwrap_or(word).to_owned();
            singular(word) == singular(&last) || last.ends_with(word) && word.len() >= 4
        });
    let words: Vec<&str> = name.split(' ').collect();
    let end = words.last().copied().unwrap_or_default();
    let common = words.len() > 1
        && (end.chars().next().is_some_and(char::is_lowercase)
            || COMMON_NOUNS.contains(&end.to_lowercase().as_str())
            || end.to_lowercase() == last && !end.ends_with('s'));
    // Nobody says "the honey" of what is spread by measure.
    let common = common && !UNCOUNTED.contains(&last.as_str());
    let subject = if common { format!("The {name}") } else { name.to_owned() };
    let place = matches!(material.vertical, HealthServices | Restaurant | Travel)
        && !name.contains(brand)
        && !brand.contains(name);
    let label = match (held, place) {
        (true, _) => name.to_owned(),
        (false, true) => format!("{name} \u{b7} {brand}, {thing}"),
        (false, false) => format!("{name}, {thing}"),
    };
    let measured = thing != bare;
    let is_a = held || !serves(material.vertical) || PLACES.contains(&last.as_str());
    let introduction = if held && common {
        format!("{subject}.")
    } else if held && end.ends_with('s') && words.len() > 1 {
        format!("{name}.")
    } else if !is_a && brand.contains(name) && brand != name {
        format!("{brand}.")
    } else if held || phrase.is_empty() || phrase == bare || measured || !is_a {
        let short = thing.split(' ').count() <= 3 && before_preposition(thing) == thing;
        let joined = is_a && short && !name.ends_with(|c: char| c.is_ascii_digit());
        match (held, joined) {
            (true, _) => format!("{name}."),
            // "Night Shift espresso beans": several things and what is sold by measure go with their name.
            (false, true) => format!("{name} {thing}."),
            (false, false) => format!("{name}, {thing}."),
        }
    } else if place {
        format!("{subject}, from {brand}.")
    } else if matches!(material.vertical, spotwright_schemas::brief::Vertical::Drama) {
        format!("{subject}, {phrase}.")
    } else {
        introduced_by_kind(name, phrase, bare)
    };
    let several = last.ends_with('s') && !last.ends_with("ss") && (phrase == bare || measured);
    let kind = if held { String::new() } else { last };
    Naming { label, kind, subject, several, introduction }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_thing_is_the_noun_before_its_first_preposition() {
        assert_eq!(head_noun("small inn on the coast"), "inn");
        assert_eq!(head_noun("software for the month-end close"), "software");
        assert_eq!(head_noun("ratchet pruner"), "pruner");
    }
}
