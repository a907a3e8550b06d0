//! Authored elements: what stands around the advertiser's facts, as data.
//!
//! One YAML file per language and line of business under `elements/`. An element describes the
//! viewer's life or asks the viewer's question; it claims nothing about the product, so it needs no
//! evidence. Its `topic` says which fact may follow: that is how lines answer each other.

use std::sync::LazyLock;

use serde::Deserialize;
use spotwright_core::domain::copy_rules::british::{british, is_american};
use spotwright_schemas::Locale;
use spotwright_schemas::brief::{CallToAction, FactKind, Tone};
use spotwright_schemas::script::Hook;
use spotwright_schemas::wording::folded;

use super::phrases;

/// The part an element plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    /// Opening shot: a trouble or a moment of the viewer.
    Open,
    /// An objection or question that a fact answers.
    Ask,
    /// Headline of a list of reasons.
    List,
    /// The viewer's own view of a moment.
    Pov,
    /// One moment of a day, with its time.
    Moment,
    /// Names the product and carries the lead fact.
    Turn,
    /// The viewer looks for such a thing, or asks what it costs; for briefs of few facts.
    Wanted,
    /// Last shot: what to do now.
    Close,
}

impl Part {
    /// How many parts there are.
    pub(super) const COUNT: usize = Self::Close as usize + 1;
}

/// What a closing element needs of the brief.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Need {
    /// A price fact or the key offer's price.
    Price,
    /// An offer fact.
    Offer,
    /// The key offer's price before.
    Before,
    /// The key offer's price now.
    Now,
    /// The key offer's last day.
    Until,
    /// A trial among the facts.
    Trial,
    /// A place among the facts.
    Place,
}

/// One authored element.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Element {
    /// Unique within its file.
    pub(super) id: String,
    pub(super) part: Part,
    pub(super) caption: String,
    #[serde(default)]
    pub(super) voice: String,
    #[serde(default)]
    pub(super) picture: String,
    /// The form of an opening.
    #[serde(default)]
    pub(super) hook: Option<Hook>,
    /// Any of these stands in the fact that follows; empty for any fact.
    #[serde(default)]
    pub(super) topic: Vec<String>,
    /// Any of these stands in the brief; empty for any brief.
    #[serde(default)]
    pub(super) brief_has: Vec<String>,
    /// None of these stands in the fact that follows.
    #[serde(default)]
    pub(super) unless: Vec<String>,
    /// Kinds of the fact that follows; empty for all.
    #[serde(default)]
    pub(super) kinds: Vec<FactKind>,
    /// Tones it suits; empty for all.
    #[serde(default)]
    pub(super) tone: Vec<Tone>,
    /// Structures it is restricted to, in the authors' short names; empty for all.
    #[serde(default)]
    pub(super) structures: Vec<String>,
    /// Place in the day: morning 1, midday 2, evening 3.
    #[serde(default)]
    pub(super) order: u8,
    #[serde(default)]
    pub(super) needs: Vec<Need>,
    /// Buttons a closing element suits; empty for all.
    #[serde(default)]
    pub(super) cta: Vec<CallToAction>,
}

/// A file of elements.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    language: String,
    vertical: String,
    elements: Vec<Element>,
}

/// A trouble and what answers it, by words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    pub(super) id: String,
    pub(super) trouble: Vec<String>,
    pub(super) answer: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LinkFile {
    language: String,
    links: Vec<Link>,
}

/// What a fact looks like, by its words.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shown {
    pub(super) has: Vec<String>,
    /// Lines of business it is true for; empty for all.
    #[serde(default)]
    pub(super) only: Vec<String>,
    pub(super) picture: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PictureFile {
    language: String,
    pictures: Vec<Shown>,
}

/// An element with the name it is cited by, e.g. `en.drinkware.hot_car_sip`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) cite: String,
    pub(super) vertical: String,
    pub(super) element: Element,
    /// Content units of caption and picture, by which an opening's picture is found.
    pub(super) units: Vec<String>,
    /// Content units of the caption.
    pub(super) asked: Vec<String>,
}

impl Entry {
    fn new(cite: String, vertical: String, element: Element) -> Self {
        let chinese = cite.starts_with("zh");
        let units = |text: &str| phrases::units(&folded(text), chinese);
        let both = units(&format!("{} {}", element.caption, element.picture));
        let asked = units(&element.caption);
        Self { cite, vertical, element, units: both, asked }
    }
}

/// Everything authored in one language.
#[derive(Debug, Default)]
pub(super) struct Bank {
    pub(super) entries: Vec<Entry>,
    pub(super) links: Vec<Link>,
    pub(super) pictures: Vec<Shown>,
}

impl Bank {
    /// Elements for a line of business: its own and the general ones.
    pub(super) fn of(&self, vertical: &str) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |entry| entry.vertical == vertical || entry.vertical == "general")
    }
}

/// The files of a language, one per line of business.
macro_rules! files {
    ($language:literal) => {
        files!($language: "general", "coffee_tea", "food_drink", "restaurant", "drinkware", "beauty", "clothing", "shoes", "home", "kitchen", "pets", "kids_education", "adult_courses", "app", "game", "drama", "health_services", "finance", "travel", "electronics", "sports_outdoor", "baby", "local_services")
    };
    ($language:literal: $($name:literal),*) => {
        &[$(include_str!(concat!("../../elements/", $language, "/", $name, ".yaml"))),*]
    };
}

const ENGLISH: &[&str] = files!("en");
const CHINESE: &[&str] = files!("zh");
const ENGLISH_LINKS: &str = include_str!("../../elements/en/links.yaml");
const CHINESE_LINKS: &str = include_str!("../../elements/zh/links.yaml");

const ENGLISH_PICTURES: &str = include_str!("../../elements/en/pictures.yaml");
const CHINESE_PICTURES: &str = include_str!("../../elements/zh/pictures.yaml");

/// Reads embedded files; they are part of the program, and a test holds that every one is sound.
fn read(files: &[&str], links: &str, pictures: &str) -> Result<Bank, String> {
    let mut bank = Bank::default();
    for text in files {
        let file: File = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        for mut element in file.elements {
            for words in [&mut element.topic, &mut element.brief_has, &mut element.unless] {
                for word in words.iter_mut() {
                    *word = word.to_lowercase();
                }
            }
            let cite = format!("{}.{}.{}", file.language, file.vertical, element.id);
            bank.entries.push(Entry::new(cite, file.vertical.clone(), element));
        }
    }
    let file: LinkFile = serde_saphyr::from_str(links).map_err(|error| format!("{error}"))?;
    if file.language.is_empty() {
        return Err("links: no language".to_owned());
    }
    bank.links = file.links;
    let file: PictureFile = serde_saphyr::from_str(pictures).map_err(|error| format!("{error}"))?;
    if file.language.is_empty() {
        return Err("pictures: no language".to_owned());
    }
    bank.pictures = file.pictures;
    for word in bank.pictures.iter_mut().flat_map(|shown| &mut shown.has) {
        *word = word.to_lowercase();
    }
    for link in &mut bank.links {
        for word in link.trouble.iter_mut().chain(&mut link.answer) {
            *word = word.to_lowercase();
        }
    }
    Ok(bank)
}

fn or_empty(bank: Result<Bank, String>) -> Bank {
    bank.unwrap_or_else(|error| {
        tracing::error!(error, "embedded elements cannot be read; scripts hold facts only");
        Bank::default()
    })
}

static ENGLISH_BANK: LazyLock<Bank> =
    LazyLock::new(|| or_empty(read(ENGLISH, ENGLISH_LINKS, ENGLISH_PICTURES)));
/// The English bank for British readers: what only Americans have is left out, words and spelling
/// are British, and facts are looked up by the words of both countries.
static BRITISH_BANK: LazyLock<Bank> = LazyLock::new(|| in_british(&ENGLISH_BANK));
static CHINESE_BANK: LazyLock<Bank> =
    LazyLock::new(|| or_empty(read(CHINESE, CHINESE_LINKS, CHINESE_PICTURES)));

fn in_british(bank: &Bank) -> Bank {
    let shown = |element: &Element| {
        [&element.caption, &element.voice, &element.picture].iter().any(|text| is_american(text))
    };
    let mut entries: Vec<Entry> =
        bank.entries.iter().filter(|entry| !shown(&entry.element)).cloned().collect();
    for entry in &mut entries {
        let element = &mut entry.element;
        for text in [&mut element.caption, &mut element.voice, &mut element.picture] {
            *text = british(text);
        }
        for words in [&mut element.topic, &mut element.brief_has, &mut element.unless] {
            add_british(words);
        }
        *entry = Entry::new(entry.cite.clone(), entry.vertical.clone(), element.clone());
    }
    let mut links = bank.links.clone();
    for link in &mut links {
        add_british(&mut link.trouble);
        add_british(&mut link.answer);
    }
    let mut pictures = bank.pictures.clone();
    for shown in &mut pictures {
        shown.picture = british(&shown.picture);
        add_british(&mut shown.has);
    }
    Bank { entries, links, pictures }
}

/// Adds the British forms of words that facts are looked up by; `-ise` too, which many advertisers
/// write.
fn add_british(words: &mut Vec<String>) {
    let forms: Vec<String> = words
        .iter()
        .flat_map(|word| [british(word), word.replace("iz", "is")])
        .filter(|form| !words.contains(form))
        .collect();
    words.extend(forms);
}

/// The elements of a locale's language.
pub(super) fn bank(locale: Locale) -> &'static Bank {
    match locale {
        Locale::ZhCn => &CHINESE_BANK,
        Locale::EnUs => &ENGLISH_BANK,
        Locale::EnGb => &BRITISH_BANK,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn banks() -> [(Locale, Bank); 2] {
        [
            (Locale::EnUs, read(ENGLISH, ENGLISH_LINKS, ENGLISH_PICTURES).expect("English elements")),
            (Locale::ZhCn, read(CHINESE, CHINESE_LINKS, CHINESE_PICTURES).expect("Chinese elements")),
        ]
    }

    #[test]
    fn every_file_is_sound_and_every_caption_stands_once() {
        for (locale, bank) in banks() {
            assert!(bank.entries.len() >= 600, "{} {}", locale.tag(), bank.entries.len());
            let cites: BTreeSet<&str> = bank.entries.iter().map(|entry| entry.cite.as_str()).collect();
            assert_eq!(cites.len(), bank.entries.len());
            let captions: BTreeSet<&str> =
                bank.entries.iter().map(|entry| entry.element.caption.as_str()).collect();
            assert_eq!(captions.len(), bank.entries.len(), "{}", locale.tag());
            assert!(bank.links.len() >= 40);
            assert!(bank.pictures.iter().all(|shown| !shown.has.is_empty() && !shown.picture.is_empty()));
            assert!(bank.links.iter().all(|link| !link.trouble.is_empty() && !link.answer.is_empty()));
        }
    }

    #[test]
    fn the_british_bank_speaks_british_english() {
        let english = read(ENGLISH, ENGLISH_LINKS, ENGLISH_PICTURES).expect("English elements");
        let british_bank = in_british(&english);
        let left_out = english.entries.len() - british_bank.entries.len();
        assert!((1..40).contains(&left_out), "{left_out}");
        let captions: BTreeSet<&str> =
            british_bank.entries.iter().map(|entry| entry.element.caption.as_str()).collect();
        assert_eq!(captions.len(), british_bank.entries.len());
        for entry in &british_bank.entries {
            let element = &entry.element;
            for text in [&element.caption, &element.voice, &element.picture] {
                let lower = text.to_lowercase();
                for word in ["color", "gray", "flavor", "sidewalk", "elevator", "sneaker", "stroller", "$"] {
                    assert!(!lower.contains(word), "{text}");
                }
            }
        }
        let in_topics = |word: &str| {
            british_bank.entries.iter().any(|entry| entry.element.topic.iter().any(|topic| topic == word))
        };
        assert!(in_topics("colour") && in_topics("color"), "facts are found by the words of both countries");
    }

    #[test]
    fn openings_and_questions_say_which_fact_answers_them() {
        for (_, bank) in banks() {
            for entry in &bank.entries {
                if matches!(entry.element.part, Part::Open | Part::Ask | Part::Pov | Part::Moment) {
                    assert!(!entry.element.topic.is_empty(), "{}", entry.cite);
                    assert!(!entry.element.caption.contains('{'), "{}", entry.cite);
                }
                if entry.element.part == Part::Moment {
                    assert!((1..=3).contains(&entry.element.order), "{}", entry.cite);
                }
            }
        }
    }

    #[test]
    fn every_voice_ends_its_sentence_and_short_questions_are_shown_as_they_are_spoken() {
        for (locale, bank) in banks() {
            for entry in &bank.entries {
                let Element { part, caption, voice, .. } = &entry.element;
                let ends = ['.', '!', '?', '\u{3002}', '\u{ff01}', '\u{ff1f}', '\u{201d}', '"', '…', ':'];
                assert!(voice.is_empty() || voice.ends_with(ends), "{}: {voice}", entry.cite);
                if *part == Part::Ask && locale == Locale::ZhCn && voice.chars().count() <= 16 {
                    assert!(voice.is_empty() || voice == caption, "{}: {caption} / {voice}", entry.cite);
                }
            }
        }
    }
}
