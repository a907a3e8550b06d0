//! The library: the authored cases, embedded and read once.

use std::sync::LazyLock;

use serde::Deserialize;
use spotwright_schemas::Locale;
use spotwright_schemas::brief::{Objective, Vertical};
use spotwright_schemas::script::Structure;

use super::case::{Case, CaseShot, Language, Needs};
use super::words::{Index, Weighted, terms, weighted};

/// The files of a language, one per line of business.
macro_rules! files {
    ($language:literal) => {
        files!($language: "general", "coffee_tea", "food_drink", "restaurant", "drinkware", "beauty", "clothing", "shoes", "home", "kitchen", "pets", "kids_education", "adult_courses", "app", "game", "drama", "health_services", "finance", "travel", "electronics", "sports_outdoor", "baby", "local_services")
    };
    ($language:literal: $($name:literal),*) => {
        &[$(include_str!(concat!("../../cases/", $language, "/", $name, ".yaml"))),*]
    };
}

const CHINESE: &[&str] = files!("zh");
const ENGLISH: &[&str] = files!("en");

/// A file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    language: Language,
    vertical: Vertical,
    cases: Vec<Record>,
}

/// A case as written in its file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    id: String,
    title: String,
    structure: Structure,
    objectives: Vec<Objective>,
    /// Further lines of business.
    #[serde(default)]
    also: Vec<Vertical>,
    tags: Vec<String>,
    product: String,
    idea: String,
    why: Vec<String>,
    needs: Needs,
    shots: Vec<CaseShot>,
    pitfalls: Vec<String>,
}

impl Record {
    fn into_case(self, language: Language, vertical: Vertical) -> Case {
        let mut verticals = vec![vertical];
        verticals.extend(self.also);
        Case {
            id: format!("{}.{}.{}", language.as_str(), vertical.as_str(), self.id),
            language,
            title: self.title,
            structure: self.structure,
            objectives: self.objectives,
            verticals,
            tags: self.tags,
            product: self.product,
            idea: self.idea,
            why: self.why,
            needs: self.needs,
            shots: self.shots,
            pitfalls: self.pitfalls,
        }
    }
}

/// The cases of one language with what finding them needs.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    pub(super) cases: Vec<Case>,
    /// The terms of each case.
    pub(super) documents: Vec<Weighted>,
    /// The terms of each tag of each case.
    pub(super) tags: Vec<Vec<Vec<String>>>,
    pub(super) index: Index,
}

impl Shelf {
    /// Reads files.
    pub(super) fn read(files: &[&str]) -> Result<Self, String> {
        let mut cases = Vec::new();
        for text in files {
            let file: File = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
            let (language, vertical) = (file.language, file.vertical);
            cases.extend(file.cases.into_iter().map(|record| record.into_case(language, vertical)));
        }
        let documents: Vec<Weighted> = cases.iter().map(document).collect();
        let index = Index::of(&documents);
        let tags = cases.iter().map(|case| case.tags.iter().map(|tag| terms(tag)).collect()).collect();
        Ok(Self { cases, documents, tags, index })
    }
}

/// The terms that a case is found by: what it is for more than what its lines happen to say.
fn document(case: &Case) -> Weighted {
    let named = case.tags.iter().map(|tag| (tag.as_str(), 3.0));
    let told = [(case.title.as_str(), 2.0), (case.product.as_str(), 2.0), (case.idea.as_str(), 1.5)];
    let shown = case.shots.iter().flat_map(|shot| [(shot.line.as_str(), 0.7), (shot.picture.as_str(), 0.3)]);
    weighted(named.chain(told).chain(shown))
}

/// The case library.
#[derive(Debug, Default)]
pub struct Library {
    chinese: Shelf,
    english: Shelf,
}

static BUILTIN: LazyLock<Library> = LazyLock::new(|| {
    Library::read().unwrap_or_else(|error| {
        tracing::error!(error, "embedded cases cannot be read; scripts learn from no case");
        Library::default()
    })
});

impl Library {
    /// The authored cases, embedded in the program and read at the first use.
    #[must_use]
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// Reads the embedded files; a test holds that every one is sound.
    pub(super) fn read() -> Result<Self, String> {
        Ok(Self { chinese: Shelf::read(CHINESE)?, english: Shelf::read(ENGLISH)? })
    }

    /// The cases of a locale's language, in the order of their files.
    #[must_use]
    pub fn cases(&self, locale: Locale) -> &[Case] {
        &self.shelf(locale).cases
    }

    /// The case with this id.
    #[must_use]
    pub fn case(&self, id: &str) -> Option<&Case> {
        self.chinese.cases.iter().chain(&self.english.cases).find(|case| case.id == id)
    }

    pub(super) fn shelf(&self, locale: Locale) -> &Shelf {
        match Language::of(locale) {
            Language::Zh => &self.chinese,
            Language::En => &self.english,
        }
    }
}
