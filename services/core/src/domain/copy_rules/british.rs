//! British spelling and words for lines that were written in American English.
//!
//! Only for texts of our own, such as authored elements: what the advertiser says, and every name,
//! stays as it was written. `-ize` stays, which British publishers write too. Words whose British
//! form depends on what is meant are in the table only within a phrase that settles it (`parking
//! lot`, `gas station`), or not at all: `check`, `fall`, `line`, `apartment`, `tire` (a verb too).

use spotwright_schemas::Locale;

use super::locale::time_of_day;

/// American words and phrases with their British ones, both in lower case. Endings that both keep
/// (`s`, `'s`, `ed`, `ing`, …) are added where [`Form::Stem`] says so. A phrase that stands on both
/// sides alike protects its words.
const PAIRS: &[(&str, &str, Form)] = &[
    // Spelling.
    ("aluminum", "aluminium", Form::Whole),
    ("behavior", "behaviour", Form::Stem),
    ("canceled", "cancelled", Form::Whole),
    ("canceling", "cancelling", Form::Whole),
    ("catalog", "catalogue", Form::Plural),
    ("center", "centre", Form::Plural),
    ("centered", "centred", Form::Whole),
    ("centimeter", "centimetre", Form::Plural),
    ("checkup", "check-up", Form::Plural),
    ("color", "colour", Form::Stem),
    ("cozier", "cosier", Form::Whole),
    ("cozy", "cosy", Form::Whole),
    ("curb", "kerb", Form::Plural),
    ("defense", "defence", Form::Whole),
    ("favorite", "favourite", Form::Plural),
    ("fiber", "fibre", Form::Plural),
    ("flavor", "flavour", Form::Stem),
    ("fulfill", "fulfil", Form::Whole),
    ("gray", "grey", Form::Stem),
    ("harbor", "harbour", Form::Plural),
    ("honor", "honour", Form::Stem),
    ("jewelry", "jewellery", Form::Whole),
    ("kilometer", "kilometre", Form::Plural),
    ("labor", "labour", Form::Whole),
    ("license plate", "number plate", Form::Plural),
    ("liter", "litre", Form::Plural),
    ("milliliter", "millilitre", Form::Plural),
    ("millimeter", "millimetre", Form::Plural),
    ("mold", "mould", Form::Stem),
    ("neighbor", "neighbour", Form::Stem),
    ("odor", "odour", Form::Stem),
    ("orthopedic", "orthopaedic", Form::Whole),
    ("pajama", "pyjama", Form::Plural),
    ("pediatric", "paediatric", Form::Whole),
    ("pediatrician", "paediatrician", Form::Plural),
    ("plow", "plough", Form::Stem),
    ("savor", "savour", Form::Stem),
    ("skeptical", "sceptical", Form::Whole),
    ("sulfate", "sulphate", Form::Plural),
    ("theater", "theatre", Form::Plural),
    ("traveled", "travelled", Form::Whole),
    ("traveler", "traveller", Form::Plural),
    ("traveling", "travelling", Form::Whole),
    ("vapor", "vapour", Form::Plural),
    // Words.
    ("a subway", "an underground", Form::Whole),
    ("airplane", "aeroplane", Form::Plural),
    ("an elevator", "a lift", Form::Whole),
    ("an eraser", "a rubber", Form::Whole),
    ("an outlet", "a socket", Form::Whole),
    ("baby carriage", "pram", Form::Plural),
    ("bangs", "fringe", Form::Whole),
    ("biked", "cycled", Form::Whole),
    ("cabinet", "cupboard", Form::Plural),
    ("camp stove", "camp stove", Form::Plural),
    ("car hood", "car bonnet", Form::Plural),
    ("car trunk", "car boot", Form::Plural),
    ("cell phone", "mobile", Form::Plural),
    ("checkout line", "checkout queue", Form::Plural),
    ("cooktop", "hob", Form::Plural),
    ("crib", "cot", Form::Plural),
    ("diaper", "nappy", Form::Whole),
    ("diapers", "nappies", Form::Whole),
    ("drugstore", "chemist's", Form::Whole),
    ("eggplant", "aubergine", Form::Plural),
    ("elevator", "lift", Form::Plural),
    ("faucet", "tap", Form::Plural),
    ("fender", "bumper", Form::Plural),
    ("flashlight", "torch", Form::Whole),
    ("flashlights", "torches", Form::Whole),
    ("freeway", "motorway", Form::Plural),
    ("garbage", "rubbish", Form::Whole),
    ("gas station", "petrol station", Form::Plural),
    ("grandma", "grandma", Form::Plural),
    ("in a cart", "in a trolley", Form::Whole),
    ("in your cart", "in your basket", Form::Whole),
    ("into a cart", "into a basket", Form::Whole),
    ("an empty cart", "an empty basket", Form::Whole),
    ("airport line", "airport queue", Form::Plural),
    ("a line behind you", "a queue behind you", Form::Whole),
    ("security line", "security queue", Form::Plural),
    ("kitchen counter", "kitchen worktop", Form::Plural),
    ("leash", "lead", Form::Whole),
    ("mailbox", "letterbox", Form::Whole),
    ("math", "maths", Form::Whole),
    ("mom", "mum", Form::Plural),
    ("movie", "film", Form::Plural),
    ("nightstand", "bedside table", Form::Plural),
    ("outlet", "socket", Form::Plural),
    ("overhead bin", "overhead locker", Form::Plural),
    ("pacifier", "dummy", Form::Whole),
    ("pacifier's", "dummy's", Form::Whole),
    ("pacifiers", "dummies", Form::Whole),
    ("parking lot", "car park", Form::Plural),
    ("principal's", "head teacher's", Form::Whole),
    ("sidewalk", "pavement", Form::Plural),
    ("shipping", "delivery", Form::Whole),
    ("small stove", "small stove", Form::Plural),
    ("sneaker", "trainer", Form::Plural),
    ("stove", "hob", Form::Plural),
    ("stroller", "pushchair", Form::Plural),
    ("subway", "underground", Form::Whole),
    ("subway car", "train carriage", Form::Plural),
    ("a subway car", "a train carriage", Form::Whole),
    ("sweater", "jumper", Form::Plural),
    ("takeout", "takeaway", Form::Plural),
    ("trash", "rubbish", Form::Whole),
    ("trash can", "bin", Form::Plural),
    ("truck", "lorry", Form::Whole),
    ("trucks", "lorries", Form::Whole),
    ("trunk", "boot", Form::Plural),
    ("vacation", "holiday", Form::Plural),
    ("washer", "washing machine", Form::Plural),
    ("zip code", "postcode", Form::Plural),
    ("zipper", "zip", Form::Plural),
];

/// Words that tie a line to the United States: such a line has no British form.
const AMERICAN: &[&str] = &[
    "$",
    "dollar",
    "dollars",
    "cents",
    "bucks",
    "taxes",
    "tax refund",
    "irs",
    "dmv",
    "401k",
    "thanksgiving",
    "fourth of july",
    "memorial day",
    "labor day",
    "registry",
    "blowout",
    "copay",
    "deductible",
    "ppo",
    "principal",
    "prom",
    "fahrenheit",
    "tsa",
    "gallon",
    "gallons",
    "ounces",
];

/// What may follow an entry of the table within the same word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Nothing.
    Whole,
    /// `s`, `'s` or nothing.
    Plural,
    /// Any letters: `color` is in `colorful` and `colored`.
    Stem,
}

impl Form {
    /// Whether a word may go on with `rest`, which begins behind the entry.
    fn takes(self, rest: &str) -> bool {
        let tail = rest.find(|c: char| !c.is_alphanumeric()).map_or(rest, |end| &rest[..end]);
        match self {
            Self::Whole => tail.is_empty() && !rest.starts_with("'s"),
            Self::Plural => tail.is_empty() || tail == "s",
            Self::Stem => tail.chars().all(char::is_alphabetic),
        }
    }
}

/// The text in British spelling and words; letters keep their case as far as the words agree:
/// `Color` → `Colour`, `SIDEWALK` → `PAVEMENT`. Times of day become British: `6:30 PM` → `6:30pm`.
///
/// Only for authored texts, see the module.
///
/// # Examples
/// ```
/// use spotwright_core::domain::copy_rules::british::british;
///
/// assert_eq!(british("Your favorite gray sneakers."), "Your favourite grey trainers.");
/// assert_eq!(british("Third floor. No elevator."), "Third floor. No lift.");
/// ```
#[must_use]
pub fn british(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    let mut inside_word = false;
    while let Some(first) = rest.chars().next() {
        let found = if inside_word { None } else { clock(rest).or_else(|| word(rest)) };
        if let Some((written, taken)) = found {
            out.push_str(&written);
            rest = rest.get(taken..).unwrap_or("");
        } else {
            out.push(first);
            rest = rest.get(first.len_utf8()..).unwrap_or("");
        }
        inside_word = out.chars().next_back().is_some_and(char::is_alphanumeric);
    }
    out
}

/// Whether an authored text speaks of what only Americans have, so that no spelling makes it British.
#[must_use]
pub fn is_american(text: &str) -> bool {
    let lower = text.to_lowercase();
    AMERICAN.iter().any(|term| {
        lower.match_indices(term).any(|(at, _)| {
            let sign = !term.starts_with(char::is_alphanumeric);
            let before = lower.get(..at).and_then(|text| text.chars().next_back());
            let behind = lower.get(at + term.len()..).and_then(|text| text.chars().next());
            let goes_on = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
            sign || !(goes_on(before) || goes_on(behind))
        })
    })
}

/// The longest entry of the table that `text` begins with, as it is written in British English, and
/// its length in bytes.
fn word(text: &str) -> Option<(String, usize)> {
    let begins =
        |american: &str| text.get(..american.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(american));
    let fits = |(american, _, form): &&(&str, &str, Form)| {
        begins(american) && text.get(american.len()..).is_some_and(|rest| form.takes(rest))
    };
    let (american, british, _) = PAIRS.iter().filter(fits).max_by_key(|(american, _, _)| american.len())?;
    let written = text.get(..american.len())?;
    Some((in_case_of(written, british), american.len()))
}

/// `british` in the case of `american`: all capitals, a first capital, or small.
fn in_case_of(american: &str, british: &str) -> String {
    let letters = || american.chars().filter(|c| c.is_alphabetic());
    if letters().count() > 1 && letters().all(char::is_uppercase) {
        return british.to_uppercase();
    }
    let mut chars = british.chars();
    match chars.next() {
        Some(first) if letters().next().is_some_and(char::is_uppercase) => {
            first.to_uppercase().chain(chars).collect()
        }
        _ => british.to_owned(),
    }
}

/// A time such as `6:30 PM` at the beginning of a text, in its British form, and its length.
fn clock(text: &str) -> Option<(String, usize)> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let hour = text.get(..digits)?.parse::<u8>().ok().filter(|hour| (1..=12).contains(hour))?;
    let behind = text.get(digits..)?;
    let (minute, behind) = match behind.strip_prefix(':') {
        Some(minutes) => {
            let minute = minutes.get(..2)?.parse::<u8>().ok().filter(|minute| *minute < 60)?;
            (Some(minute), minutes.get(2..)?)
        }
        None => (None, behind),
    };
    let (half, rest) = match (behind.strip_prefix(" AM"), behind.strip_prefix(" PM")) {
        (Some(rest), _) => (0, rest),
        (None, Some(rest)) => (12, rest),
        (None, None) => return None,
    };
    if rest.starts_with(char::is_alphanumeric) {
        return None;
    }
    let written = time_of_day(hour % 12 + half, minute.unwrap_or(0), Locale::EnGb);
    Some((written, text.len() - rest.len()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn american_words_become_british_and_keep_their_case() {
        for (american, wanted) in [
            ("Color, colored, COLORS, colorful", "Colour, coloured, COLOURS, colourful"),
            ("Gray light. A grayish coat.", "Grey light. A greyish coat."),
            ("The neighbors' favorite flavors", "The neighbours' favourite flavours"),
            ("Five kilometers, two liters", "Five kilometres, two litres"),
            ("Mom's sneakers by the sidewalk", "Mum's trainers by the pavement"),
            ("Diaper. Diapers. Faucet. Trash.", "Nappy. Nappies. Tap. Rubbish."),
            ("The stroller's in the trunk.", "The pushchair's in the boot."),
            ("An elevator, an outlet", "A lift, a socket"),
            (
                "How long on the stove? A small stove on a rock",
                "How long on the hob? A small stove on a rock",
            ),
            ("Cozy pajamas on vacation", "Cosy pyjamas on holiday"),
            ("Your cell phone in the parking lot", "Your mobile in the car park"),
            ("6:30 PM, water's warm. 6 AM smoothie.", "6:30pm, water's warm. 6am smoothie."),
        ] {
            assert_eq!(british(american), wanted);
            assert_eq!(british(wanted), wanted, "a British text stays as it is");
        }
    }

    #[test]
    fn other_words_stay() {
        for text in [
            "Organize, realize, recognize: -ize stays.",
            "Check the line before the fall.",
            "A parameter, a perimeter, a meter.",
            "Two apartments, one tired cat, momentum, Momo",
            "Cribbage, mathematics, curbside",
            "40 PM2.5 filters at 13 PM",
            "咖啡 color2go 颜色",
            "",
        ] {
            assert_eq!(british(text), text);
        }
    }

    #[test]
    fn the_table_is_sorted_out() {
        let words: BTreeSet<&str> = PAIRS.iter().map(|(american, _, _)| *american).collect();
        assert_eq!(words.len(), PAIRS.len(), "every American word stands once");
        let vowel = |text: &str| text.starts_with(['a', 'e', 'i', 'o', 'u']);
        for (american, british, form) in PAIRS {
            assert_eq!(*american, american.to_lowercase());
            assert!(!words.contains(british) || american == british, "{british} would be changed again");
            let with_article = [format!("an {american}"), format!("a {american}")];
            let settled = with_article.iter().any(|phrase| words.contains(phrase.as_str()));
            let has_article = american.starts_with("a ") || american.starts_with("an ");
            assert!(
                vowel(american) == vowel(british) || settled || has_article || *form == Form::Whole,
                "`an {american}` would become `an {british}`"
            );
        }
    }

    #[test]
    fn what_only_americans_have_is_told() {
        for text in ["$14.99. From whom?", "sixty-one dollars left", "It's April, and your taxes are late"] {
            assert!(is_american(text), "{text}");
        }
        for text in ["The promenade", "Your favorite mug", "Deductibles", "Principality"] {
            assert!(!is_american(text), "{text}");
        }
    }
}
