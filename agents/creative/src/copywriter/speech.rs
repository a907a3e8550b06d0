//! How a fact is spoken: a caption stands alone, a voice speaks in sentences.
//!
//! A fact is only put into another form where its first word says what it is: a verb of the third
//! person, an imperative, an article or a number. Every other fact is spoken as it stands.

use spotwright_schemas::wording::is_han;
use spotwright_schemas::{Language, Locale};

/// Syllables a second of a Chinese voice and words a second of an English one, as advertisements are spoken.
const SYLLABLES_A_SECOND: f64 = 4.8;
const WORDS_A_SECOND: f64 = 2.7;

/// Seconds that a text takes to say: a syllable for each Han character and digit and two for each other word,
/// or a word for each word, with one more for each two digits and for each sign of a currency or a share.
pub(super) fn seconds(locale: Locale, text: &str) -> f64 {
    let digits = text.chars().filter(char::is_ascii_digit).count() as f64;
    match locale.language() {
        Language::Chinese => {
            let han = text.chars().filter(|c| is_han(*c)).count() as f64;
            let latin = text.split(|c: char| !c.is_ascii_alphabetic()).filter(|run| !run.is_empty()).count();
            (han + digits + 2.0 * latin as f64) / SYLLABLES_A_SECOND
        }
        Language::English => {
            let words = text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count();
            let signs = text.chars().filter(|c| matches!(c, '$' | '£' | '€' | '%')).count();
            (words as f64 + digits / 2.0 + signs as f64) / WORDS_A_SECOND
        }
    }
}

/// Third-person verbs that facts begin with and that no common noun looks like.
const VERBS: &[&str] = &[
    "keeps",
    "clamps",
    "slices",
    "lists",
    "travels",
    "holds",
    "fits",
    "folds",
    "rinses",
    "dries",
    "charges",
    "runs",
    "works",
    "turns",
    "opens",
    "closes",
    "locks",
    "seals",
    "reads",
    "connects",
    "syncs",
    "learns",
    "remembers",
    "weighs",
    "washes",
    "stays",
    "comes",
    "takes",
    "makes",
    "lets",
    "helps",
    "shows",
    "tells",
    "stops",
    "blocks",
    "packs",
    "lasts",
    "costs",
    "saves",
    "uses",
    "needs",
    "goes",
    "gives",
    "sorts",
    "cleans",
    "heats",
    "cools",
    "warms",
    "grips",
    "clips",
    "slips",
    "lies",
    "sits",
    "stands",
    "rolls",
    "starts",
    "covers",
    "carries",
    "includes",
    "plays",
    "pairs",
    "pours",
    "brews",
    "grinds",
    "cuts",
    "chops",
    "bakes",
    "cooks",
    "snaps",
    "glows",
    "dims",
    "spins",
    "tracks",
    "files",
    "sends",
    "imports",
    "exports",
    "splits",
    "scans",
    "finds",
    "brings",
    "leaves",
    "moves",
    "protects",
    "repels",
    "absorbs",
    "wicks",
    "breathes",
    "stretches",
    "survives",
    "resists",
    "smells",
    "tastes",
    "feels",
    "looks",
    "sounds",
    "ships",
    "arrives",
    "delivers",
    "doubles",
    "switches",
    "adjusts",
    "attaches",
    "mounts",
    "hangs",
    "reaches",
    "reminds",
    "teaches",
    "answers",
    "checks",
    "counts",
    "adds",
    "prints",
    "wraps",
    "tucks",
    "squeezes",
    "melts",
    "drips",
    "lights",
    "lathers",
    "matches",
    "imports",
    "removes",
    "fills",
    "drains",
    "rides",
    "ends",
];

/// Words behind which the first word was a noun in the plural.
const AFTER_NOUNS: &[&str] = &[
    "and", "are", "were", "have", "come", "go", "zip", "stay", "snap", "fold", "lock", "open", "close",
    "dry", "wash", "fit", "hold", "clip", "slide", "last", "run", "work", "turn", "stack", "lift", "wipe",
    "stretch", "start", "end",
];

/// A fact that begins with a third-person verb, as the rest of a sentence about the product.
pub(super) fn third_person(fact: &str) -> Option<String> {
    let mut words = fact.split(' ');
    let first = words.next()?.to_lowercase();
    // "Covers zip off" and "Locks and hinges are steel" begin with things.
    let second = words.next().unwrap_or_default().to_lowercase();
    if AFTER_NOUNS.contains(&second.as_str()) {
        return None;
    }
    VERBS.contains(&first.as_str()).then(|| {
        let mut chars = fact.chars();
        chars.next().map(|c| c.to_lowercase().chain(chars).collect())
    })?
}

/// Imperatives that facts begin with, as the rest of "you can …".
const IMPERATIVES: &[&str] = &[
    "send", "put", "carry", "pick", "order", "steer", "try", "clip", "bring", "test", "write", "call",
    "cancel", "pause", "move", "return", "exchange", "choose", "get", "pay", "pick", "keep", "throw", "wear",
    "book", "swap", "start", "stop", "skip", "share", "import", "export", "split", "scan", "see", "play",
    "use", "walk", "wash", "fold", "count", "push",
];

/// Signs that an imperative is one half of a longer thought, which "you can" would break.
const HALVES: &[&str] = &[" and you", " we ", ", get ", ", then ", ". ", "? ", " and it ", ", and ", ": "];

/// First words after which a sentence goes on in lower case.
const LOWERED: &[&str] =
    &["The", "Every", "Each", "Your", "Our", "Both", "There", "Children", "Kids", "You", "We"];

/// The place of a line in the flow of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Opens a thought: nothing before it is referred to.
    First,
    /// Goes on from the line before.
    Next,
}

/// What the product is called by a pronoun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pronoun {
    /// One thing.
    It,
    /// A place, a person or several things: none is safe.
    Unsaid,
}

/// The words of a text that can stand for the product, lower case.
fn pronouns(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric() && c != '\'')
        .map(str::to_lowercase)
        .filter(|word| matches!(word.as_str(), "it" | "it's" | "its" | "one" | "them" | "they"))
}

/// Whether a line speaks of "it" or "them".
pub(super) fn speaks_of_it(text: &str) -> bool {
    pronouns(text).any(|word| word != "one")
}

/// Whether a question speaks of "it" or "one" before anything was named.
pub(super) fn points_back(text: &str) -> bool {
    pronouns(text).next().is_some()
}

/// Beginnings of a line that goes on from one before it, which therefore opens nothing.
const GOING_ON: &[&str] = &[
    "And ",
    "But ",
    "So ",
    "Or ",
    "Then ",
    "Also ",
    "Plus ",
    "那么",
    "那，",
    "可是",
    "不过",
    "而且",
    "另外",
    "还有，",
    "然后",
];

/// Whether a line goes on from another: "And the price?" asks after something was told.
pub(super) fn goes_on(text: &str) -> bool {
    // "价格呢？" asks on; "谁在打扫呢？" asks for itself.
    let asks_on = text.strip_suffix("呢？").is_some_and(|topic| {
        topic.chars().count() <= 4 && !topic.contains(['谁', '什', '哪', '怎', '几', '，'])
    });
    asks_on || GOING_ON.iter().any(|begin| text.starts_with(begin))
}

/// Words after which "it" is an object, so that "them" can stand in its place.
const BEFORE_OBJECTS: &[&str] = &[
    "about", "after", "bring", "check", "choose", "clean", "download", "fold", "for", "from", "get", "give",
    "hate", "hold", "in", "into", "of", "on", "open", "order", "over", "put", "reach", "read", "return",
    "see", "send", "sew", "start", "take", "test", "tested", "to", "try", "under", "use", "wash", "watch",
    "wear", "with",
];

/// A question or call about one thing as one about several; `None` where that takes more than a
/// pronoun.
pub(super) fn about_several(text: &str) -> Option<String> {
    let questions = [
        ("Can it ", "Can they "),
        ("Does it ", "Do they "),
        ("Is it ", "Are they "),
        ("Will it ", "Will they "),
    ];
    let mut said = text.to_owned();
    for (one, several) in questions {
        if let Some(rest) = text.strip_prefix(one) {
            said = format!("{several}{rest}");
        }
    }
    let words: Vec<&str> = said.split(' ').collect();
    let mut out: Vec<String> = Vec::with_capacity(words.len());
    for (at, word) in words.iter().enumerate() {
        let plain = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        let before = at.checked_sub(1).and_then(|at| words.get(at)).map(|word| word.to_lowercase());
        match plain.to_lowercase().as_str() {
            "it" if before.as_deref().is_some_and(|before| BEFORE_OBJECTS.contains(&before)) => {
                out.push(format!("them{}", word.strip_prefix(plain).unwrap_or_default()));
            }
            "it" | "it's" | "its" | "one" | "this" => return None,
            _ => out.push((*word).to_owned()),
        }
    }
    Some(out.join(" "))
}

fn lowered(text: &str) -> Option<String> {
    let first = text.split(' ').next()?;
    LOWERED.contains(&first).then(|| {
        let mut chars = text.chars();
        chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
    })
}

/// An English fact as a sentence that is spoken, without its final point.
pub(super) fn english(fact: &str, place: Place, pronoun: Pronoun) -> String {
    if pronoun == Pronoun::It {
        if let Some(clause) = third_person(fact) {
            return if place == Place::Next { format!("And it {clause}") } else { format!("It {clause}") };
        }
    }
    if let Some(rest) = imperative(fact) {
        return if place == Place::Next { format!("And you can {rest}") } else { format!("You can {rest}") };
    }
    match (place, lowered(fact)) {
        (Place::Next, Some(rest)) => format!("And {rest}"),
        _ => fact.to_owned(),
    }
}

/// The fact as the rest of "you can …", where it is one whole imperative.
fn imperative(fact: &str) -> Option<String> {
    let first = fact.split(' ').next()?;
    let begins = first.chars().next().is_some_and(char::is_uppercase);
    if !begins || !IMPERATIVES.contains(&first.to_lowercase().as_str()) {
        return None;
    }
    let goes_on = fact.split(", ").skip(1).filter_map(|part| part.split(' ').next());
    let chained =
        goes_on.into_iter().any(|word| IMPERATIVES.contains(&word) || word == "hold" || word == "stop");
    if chained || HALVES.iter().any(|half| fact.contains(half)) {
        return None;
    }
    let mut chars = fact.chars();
    chars.next().map(|c| c.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verbs_and_imperatives_become_sentences_and_all_else_stays() {
        let it = |fact: &str, place| english(fact, place, Pronoun::It);
        assert_eq!(it("Keeps drinks cold", Place::First), "It keeps drinks cold");
        assert_eq!(it("Works without a connection", Place::Next), "And it works without a connection");
        assert_eq!(it("The cap clicks when it is shut", Place::Next), "And the cap clicks when it is shut");
        assert_eq!(it("Send it back within 60 days", Place::First), "You can send it back within 60 days");
        assert_eq!(
            it("Tell us your machine, we grind to match", Place::Next),
            "Tell us your machine, we grind to match"
        );
        assert_eq!(it("Covers zip off", Place::First), "Covers zip off");
        assert_eq!(it("Covers theft and fire", Place::First), "It covers theft and fire");
        assert_eq!(it("SPF 50, broad spectrum", Place::Next), "SPF 50, broad spectrum");
        assert_eq!(english("Keeps late hours", Place::First, Pronoun::Unsaid), "Keeps late hours");
    }

    #[test]
    fn a_question_about_one_thing_is_asked_of_several_or_not_at_all() {
        assert_eq!(about_several("Can it get wet?").as_deref(), Some("Can they get wet?"));
        assert_eq!(about_several("Does it run small?").as_deref(), Some("Do they run small?"));
        assert_eq!(about_several("Order it below").as_deref(), Some("Order them below"));
        assert_eq!(about_several("Who made the blade?").as_deref(), Some("Who made the blade?"));
        assert_eq!(about_several("What if it breaks?"), None);
        assert_eq!(about_several("How long will one last me?"), None);
        assert!(points_back("Can the two of us use it?") && !points_back("Is my bank on the list?"));
    }

    #[test]
    fn a_voice_takes_as_long_as_its_words_and_figures() {
        let en = |text: &str| seconds(Locale::EnUs, text) * WORDS_A_SECOND;
        // "Twenty-four dollars until December nineteenth" and its kind.
        assert!((en("$24 until December 19") - 7.0).abs() < 1e-9, "{}", en("$24 until December 19"));
        assert!((en("Keeps drinks cold") - 3.0).abs() < 1e-9);
        let zh = |text: &str| seconds(Locale::ZhCn, text) * SYLLABLES_A_SECOND;
        assert!((zh("十包59元，App里下单") - 10.0).abs() < 1e-9, "{}", zh("十包59元，App里下单"));
    }

    #[test]
    fn what_goes_on_from_a_line_is_told_from_what_may_open() {
        for text in ["And the price?", "So what does it cover?", "不过，贵不贵？", "价格呢？"] {
            assert!(goes_on(text), "{text}");
        }
        for text in [
            "What's the price?",
            "Andes, 5 am",
            "Sofa, feet up",
            "那本书，年初翻到第十页",
            "还有十分钟出门",
            "谁来呢？",
        ] {
            assert!(!goes_on(text), "{text}");
        }
    }
}
