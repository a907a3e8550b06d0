//! What briefs of one brand have in common, and how a brief is completed with it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::checks::{check_count, check_name, check_text, check_words, value};
use super::{Brand, Fact};
use crate::error::{Code, Problem};
use crate::letters::composed;

/// Most facts of a brand, and of a brief.
const MOST_FACTS: usize = 40;

/// The book of a brand: what its briefs say where they say nothing of their own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BrandBook {
    /// Name, colors, tone and voice.
    pub kit: Brand,
    /// What may be said about everything of the brand, at most 40 facts with different ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Fact>,
    /// Texts that stand word for word in every script, at most 3 of 2–40 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub must_say: Vec<String>,
    /// Words and phrases that no script may hold, at most 100 of at most 40 characters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub must_not_say: Vec<String>,
}

impl BrandBook {
    /// Checks lengths, ranges, names and evidence, as a brief's are; stops at the first problem. Texts are
    /// written with composed letters before that.
    ///
    /// # Errors
    /// [`Code::BriefValue`] and [`Code::EvidenceMissing`] with the path of the field.
    pub fn validated(mut self) -> Result<Self, Problem> {
        let kit = &mut self.kit;
        let words = kit.banned_words.iter_mut().chain(&mut kit.tone_examples).chain([&mut kit.name]);
        let facts = self.facts.iter_mut().map(|fact| &mut fact.text);
        for text in words.chain(facts).chain(&mut self.must_say).chain(&mut self.must_not_say) {
            *text = composed(text);
        }
        check_brand("kit", &self.kit)?;
        check_facts("facts", &self.facts, 0)?;
        check_said(&self.must_say, &self.must_not_say)?;
        Ok(self)
    }

    /// Gives a brief, as JSON, what it lacks: fields of `brand` that are not there, and facts and wishes where
    /// it has none. What is no object stays as it is, for the brief's own reader to refuse.
    pub fn complete(&self, brief: &mut Value) {
        let Value::Object(brief) = brief else { return };
        let Ok(Value::Object(kit)) = serde_json::to_value(&self.kit) else { return };
        let brand = brief.entry("brand").or_insert(Value::Null);
        if brand.is_null() {
            *brand = Value::Object(Map::new());
        }
        if let Value::Object(brand) = brand {
            for (field, kept) in kit {
                fill(brand, &field, kept);
            }
        }
        if let (Some(Value::Object(product)), Ok(facts)) =
            (brief.get_mut("product"), serde_json::to_value(&self.facts))
        {
            fill(product, "facts", facts);
        }
        for (field, texts) in [("must_say", &self.must_say), ("must_not_say", &self.must_not_say)] {
            if !texts.is_empty() {
                fill(brief, field, texts.clone().into());
            }
        }
    }
}

/// Fills a field that is not there, or holds nothing.
fn fill(object: &mut Map<String, Value>, field: &str, kept: Value) {
    let says_nothing = |given: &Value| given.is_null() || given.as_array().is_some_and(Vec::is_empty);
    if object.get(field).is_none_or(says_nothing) {
        object.insert(field.to_owned(), kept);
    }
}

/// Checks a brand kit that stands at `at`.
pub(super) fn check_brand(at: &str, brand: &Brand) -> Result<(), Problem> {
    check_words(&format!("{at}.name"), &brand.name, 1, 40)?;
    check_count(&format!("{at}.banned_words"), brand.banned_words.len(), 0, 100)?;
    for (idx, word) in brand.banned_words.iter().enumerate() {
        check_text(&format!("{at}.banned_words[{idx}]"), word, 1, 40)?;
    }
    if brand.colors.primary.contrast(brand.colors.accent) < 3.0 {
        return Err(value(
            &format!("{at}.colors.accent"),
            "contrast against `primary` must be at least 3:1, or a button would not be seen",
        ));
    }
    check_count(&format!("{at}.tone_examples"), brand.tone_examples.len(), 0, 5)?;
    for (idx, example) in brand.tone_examples.iter().enumerate() {
        check_words(&format!("{at}.tone_examples[{idx}]"), example, 2, 120)?;
    }
    brand.voice.check(&format!("{at}.voice"))
}

/// Checks facts that stand at `at`, at least so many.
pub(super) fn check_facts(at: &str, facts: &[Fact], least: usize) -> Result<(), Problem> {
    check_count(at, facts.len(), least, MOST_FACTS)?;
    let mut names = BTreeSet::new();
    for (idx, fact) in facts.iter().enumerate() {
        let path = format!("{at}[{idx}]");
        check_name(&format!("{path}.id"), fact.id.as_str())?;
        if !names.insert(&fact.id) {
            return Err(value(
                &format!("{path}.id"),
                "is used by another fact; give every fact a name of its own",
            ));
        }
        check_words(&format!("{path}.text"), &fact.text, 2, 60)?;
        match &fact.evidence {
            Some(evidence) => {
                check_text(&format!("{path}.evidence.source"), &evidence.source, 3, 200)?;
                if let Some(quote) = &evidence.quote {
                    check_text(&format!("{path}.evidence.quote"), quote, 1, 300)?;
                }
            }
            None if fact.kind.needs_evidence() => {
                return Err(Problem::new(
                    Code::EvidenceMissing,
                    format!("{path}.evidence"),
                    "this kind of fact claims something, so it must name what proves it",
                ));
            }
            None => {}
        }
    }
    Ok(())
}

/// Checks what scripts must say and must not say.
pub(super) fn check_said(must_say: &[String], must_not_say: &[String]) -> Result<(), Problem> {
    check_count("must_say", must_say.len(), 0, 3)?;
    for (idx, text) in must_say.iter().enumerate() {
        check_words(&format!("must_say[{idx}]"), text, 2, 40)?;
    }
    check_count("must_not_say", must_not_say.len(), 0, 100)?;
    for (idx, text) in must_not_say.iter().enumerate() {
        check_text(&format!("must_not_say[{idx}]"), text, 1, 40)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn book() -> BrandBook {
        serde_json::from_value(json!({
            "kit": { "name": "Hill", "colors": { "primary": "#102030", "accent": "#F0E0D0" }, "tone": "bold" },
            "facts": [{ "id": "picked", "kind": "feature", "text": "picked by hand",
                        "evidence": { "source": "grower's log 2026" } }],
            "must_say": ["since 1901"]
        }))
        .unwrap()
    }

    #[test]
    fn a_brief_gets_what_it_lacks_and_keeps_what_it_has() {
        let mut brief =
            json!({ "brand": { "name": "Hill & Sons", "tone": "plain" }, "product": { "facts": [] } });
        book().complete(&mut brief);
        assert_eq!(brief["brand"]["name"], "Hill & Sons");
        assert_eq!(brief["brand"]["tone"], "plain");
        assert_eq!(brief["brand"]["colors"]["accent"], "#F0E0D0");
        assert_eq!(brief["product"]["facts"][0]["id"], "picked");
        assert_eq!(brief["must_say"], json!(["since 1901"]));
        assert!(brief.get("must_not_say").is_none(), "nothing is made up");
        let own = json!({ "product": { "facts": [{ "id": "own" }] }, "must_say": ["own words"] });
        let mut brief = own.clone();
        book().complete(&mut brief);
        assert_eq!((&brief["product"], &brief["must_say"]), (&own["product"], &own["must_say"]));
        assert_eq!(brief["brand"]["name"], "Hill");
        for mut strange in [json!([]), json!("x"), json!({ "brand": 7, "product": 8 })] {
            book().complete(&mut strange);
            assert!(strange.get("brand").is_none_or(|brand| *brand == 7));
        }
    }

    #[test]
    fn a_book_is_checked_as_a_brief_is() {
        assert_eq!(book().validated(), Ok(book()));
        let refused = |change: &dyn Fn(&mut BrandBook)| {
            let mut wrong = book();
            change(&mut wrong);
            let problem = wrong.validated().unwrap_err();
            (problem.code, problem.field)
        };
        let wrong_value = |field: &str| (Code::BriefValue, field.to_owned());
        assert_eq!(refused(&|book| book.kit.name.clear()), wrong_value("kit.name"));
        assert_eq!(refused(&|book| book.must_say[0].push('\n')), wrong_value("must_say[0]"));
        assert_eq!(
            refused(&|book| book.kit.colors.accent = book.kit.colors.primary),
            wrong_value("kit.colors.accent")
        );
        assert_eq!(
            refused(&|book| book.facts[0].evidence = None),
            (Code::EvidenceMissing, "facts[0].evidence".to_owned())
        );
        let twice = |book: &mut BrandBook| book.facts.push(book.facts[0].clone());
        assert_eq!(refused(&twice), wrong_value("facts[1].id"));
    }
}
