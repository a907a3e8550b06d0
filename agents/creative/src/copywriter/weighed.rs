//! What a line is by itself, weighed once for all attempts that hold it.
//!
//! An answer is chosen among some thousand attempts, which are made of a few hundred lines. What the rules
//! ask of a line alone is kept by its words.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::rc::Rc;

use spotwright_schemas::wording::{Fold, fold, folded, whole_words};

use super::close;
use super::judge;
use super::material::Material;
use super::phrases::units;
use super::speech;
use super::structures::Shot;
use crate::promise;
use crate::text::length;

/// What the rules ask of a line alone.
#[derive(Debug)]
pub(super) struct Weighed {
    caption: String,
    detail: String,
    voice: String,
    opens: bool,
    /// Characters of caption and detail.
    pub(super) lengths: [usize; 2],
    /// Seconds that it takes to read, and to say.
    pub(super) reading: f64,
    pub(super) spoken: f64,
    /// Numbers of its content words, each once; the product's name and what it is called by aside.
    pub(super) words: Vec<u32>,
    /// How many content words its caption shares with the list of the offer.
    pub(super) listed: usize,
    /// Whether it holds a word that no line may hold.
    pub(super) unwanted: bool,
    /// Which of the texts that must be said it says.
    pub(super) says: Vec<bool>,
}

/// Lines that were weighed before.
#[derive(Debug, Default)]
pub(super) struct Scales {
    known: RefCell<HashMap<u64, Vec<Rc<Weighed>>>>,
    words: RefCell<HashMap<String, u32>>,
    /// What of the brief every line is held against, made at the first line.
    terms: RefCell<Option<Rc<Terms>>>,
}

/// What of a brief every line is held against.
#[derive(Debug)]
struct Terms {
    name: String,
    label: String,
    kind: Option<String>,
    /// Content words of the list that the offer covers.
    listed: Option<Vec<String>>,
}

impl Terms {
    fn of(material: &Material<'_>) -> Self {
        let covers = material.offer.covers.as_deref().filter(|covers| close::is_compound(covers));
        Self {
            name: material.name.to_lowercase(),
            label: material.naming.label.to_lowercase(),
            kind: material.noun.as_ref().map(|(_, kind)| kind.to_lowercase()),
            listed: covers.map(|covers| units(&folded(covers), material.is_chinese())),
        }
    }
}

impl Scales {
    /// What a line is; `opens` where it stands first.
    pub(super) fn weigh(&self, material: &Material<'_>, shot: &Shot, opens: bool) -> Rc<Weighed> {
        let mut hasher = DefaultHasher::new();
        (&shot.caption, &shot.detail, &shot.voice, opens).hash(&mut hasher);
        let key = hasher.finish();
        let is_it = |one: &&Rc<Weighed>| {
            one.opens == opens
                && one.caption == shot.caption
                && one.detail == shot.detail
                && one.voice == shot.voice
        };
        if let Some(known) = self.known.borrow().get(&key).and_then(|same| same.iter().find(is_it)) {
            return Rc::clone(known);
        }
        let weighed = Rc::new(self.weighed(material, shot, opens));
        self.known.borrow_mut().entry(key).or_default().push(Rc::clone(&weighed));
        weighed
    }

    fn weighed(&self, material: &Material<'_>, shot: &Shot, opens: bool) -> Weighed {
        let locale = material.brief.locale;
        let terms = Rc::clone(self.terms.borrow_mut().get_or_insert_with(|| Rc::new(Terms::of(material))));
        let shown = format!("{} {}", shot.caption, shot.detail);
        let listed = terms.listed.as_ref().map_or(0, |listed| {
            let own = units(&folded(&shot.caption), material.is_chinese());
            own.iter().filter(|unit| listed.contains(unit)).count()
        });
        Weighed {
            lengths: [length(&shot.caption), length(&shot.detail)],
            reading: judge::seconds(locale, &shown),
            spoken: speech::seconds(locale, &shot.voice),
            words: self.words_of(material, &terms, &shown, opens),
            listed,
            unwanted: holds_unwanted(material, shot),
            says: material
                .must_say
                .iter()
                .map(|must| [&shot.caption, &shot.detail].into_iter().any(|text| promise::says(text, must)))
                .collect(),
            caption: shot.caption.clone(),
            detail: shot.detail.clone(),
            voice: shot.voice.clone(),
            opens,
        }
    }

    /// The content words of what is shown, as numbers, each once.
    fn words_of(&self, material: &Material<'_>, terms: &Terms, shown: &str, opens: bool) -> Vec<u32> {
        let text = shown.to_lowercase();
        let mut text = text.replace(&terms.label, " ").replace(&terms.name, " ");
        // The opening may ask for the thing by its kind.
        if let Some(kind) = terms.kind.as_ref().filter(|_| opens) {
            text = text.replace(kind, " ");
        }
        let mut known = self.words.borrow_mut();
        let mut own: Vec<u32> = units(&text, material.is_chinese())
            .into_iter()
            .map(|unit| {
                let next = known.len() as u32;
                *known.entry(unit).or_insert(next)
            })
            .collect();
        own.sort_unstable();
        own.dedup();
        own
    }
}

fn holds_unwanted(material: &Material<'_>, shot: &Shot) -> bool {
    if material.unwanted.is_empty() {
        return false;
    }
    // The line is folded once, not once for each word.
    let line = format!("{}\n{}\n{}", shot.caption, shot.detail, shot.voice);
    [Fold::Plain, Fold::Clauses].into_iter().any(|how| {
        let mut terms = material.unwanted.iter().filter(|(fold, _)| *fold == how).peekable();
        if terms.peek().is_none() {
            return false;
        }
        let chars = fold(&line, how).chars;
        terms.any(|(_, term)| !whole_words(&chars, term).is_empty())
    })
}
