//! What the readers of all kinds of sources put together: values with a rank and with what says them.

use std::collections::BTreeSet;
use std::ops::Range;

use serde::Serialize;
use spotwright_schemas::Locale;
use spotwright_schemas::storyboard::Color;

use crate::document::{Document, Found, squeezed};
use crate::prices::Price;

/// A picture of the product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DraftPicture {
    /// Absolute address.
    pub url: String,
    /// What the source says it shows; empty where it does not say.
    pub alt: String,
    /// Width in pixels, where the source says.
    pub width: Option<u32>,
    /// Height in pixels, where the source says.
    pub height: Option<u32>,
}

/// A line that may hold facts.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) heading: String,
    pub(crate) span: Range<usize>,
}

/// A value, and how far it is believed: 0 the most.
pub(crate) type Ranked<T> = Vec<(u8, Found<T>)>;

/// Everything found in one source.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) document: Document,
    pub(crate) names: Ranked<String>,
    pub(crate) short_names: Ranked<String>,
    pub(crate) brands: Ranked<String>,
    pub(crate) categories: Ranked<String>,
    pub(crate) prices: Ranked<Price>,
    pub(crate) befores: Ranked<Price>,
    pub(crate) ends: Ranked<String>,
    pub(crate) offers: Ranked<String>,
    pub(crate) stock: Ranked<bool>,
    pub(crate) destinations: Ranked<String>,
    pub(crate) pictures: Vec<DraftPicture>,
    pub(crate) colors: Ranked<Color>,
    pub(crate) language: Option<String>,
    pub(crate) statements: Vec<Statement>,
    /// The language that the reader of the source settled on.
    pub(crate) locale: Option<Locale>,
    /// Lines that are there already.
    known: BTreeSet<String>,
}

/// Most lines that are looked at for facts.
const MAX_STATEMENTS: usize = 400;

/// Most pictures of a source.
const MAX_PICTURES: usize = 40;

impl Findings {
    /// Nothing yet.
    pub(crate) fn new(source: &str) -> Self {
        Self { document: Document::new(source), ..Self::default() }
    }

    /// Adds a value that stands in data, with a line that says so.
    pub(crate) fn noted<T>(
        &mut self,
        of: fn(&mut Self) -> &mut Ranked<T>,
        rank: u8,
        (section, name): (&str, &str),
        shown: &str,
        value: T,
    ) {
        if let Some(evidence) = self.document.note(section, name, shown) {
            of(self).push((rank, Found { value, evidence }));
        }
    }

    /// Adds a text that stands in data.
    pub(crate) fn noted_text(
        &mut self,
        of: fn(&mut Self) -> &mut Ranked<String>,
        rank: u8,
        place: (&str, &str),
        text: Option<&str>,
    ) {
        let Some(text) = text.map(squeezed).filter(|text| text.chars().any(char::is_alphanumeric)) else {
            return;
        };
        if text.chars().count() <= 300 {
            self.noted(of, rank, place, &text.clone(), text);
        }
    }

    /// Adds a price that stands in data.
    pub(crate) fn noted_price(
        &mut self,
        of: fn(&mut Self) -> &mut Ranked<Price>,
        rank: u8,
        place: (&str, &str),
        price: Option<&Price>,
    ) {
        let Some(price) = price else { return };
        let shown =
            format!("{} {}", price.amount.to_decimal(), price.currency.as_deref().unwrap_or_default());
        self.noted(of, rank, place, &shown, price.clone());
    }

    /// Adds a line that may hold facts.
    pub(crate) fn state(&mut self, heading: &str, line: &str) {
        // What stands on every second line of a page is said once.
        if line.len() < 2_000 && !self.known.insert(squeezed(line)) {
            return;
        }
        if let Some(span) = self.document.push(heading, line) {
            if self.statements.len() < MAX_STATEMENTS {
                self.statements.push(Statement { heading: heading.to_owned(), span });
            }
        }
    }

    /// Adds a picture once.
    pub(crate) fn picture(&mut self, picture: DraftPicture) {
        match self.pictures.iter().position(|own| own.url == picture.url) {
            Some(known) => {
                let own = self.pictures.get_mut(known).filter(|own| own.alt.is_empty());
                if let Some(own) = own {
                    own.alt = picture.alt;
                }
            }
            None if self.pictures.len() < MAX_PICTURES => self.pictures.push(picture),
            None => {}
        }
    }
}

/// The most believed value, the first of equals.
pub(crate) fn best<T>(ranked: &Ranked<T>) -> Option<&Found<T>> {
    ranked.iter().min_by_key(|(rank, _)| *rank).map(|(_, found)| found)
}
