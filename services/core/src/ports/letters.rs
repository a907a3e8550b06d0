//! Letters: which characters can be drawn at all.

use spotwright_schemas::Problem;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::error::Code;

/// Knows what can be drawn.
///
/// Contract:
/// 1. A text without undrawable characters is drawn whole, in every size, by the video backend of
///    the same program.
/// 2. The answer depends on the text alone: canonically equal texts get the same one.
pub trait Letters: Send + Sync {
    /// The characters of `text` that cannot be drawn, each once, in the text's order.
    fn undrawable(&self, text: &str) -> Vec<char>;
}

/// Refuses a brief that could put a character on the screen that cannot be drawn, whether or not a
/// draft would happen to use it.
///
/// # Errors
/// [`Code::Letters`] with the field and the characters.
pub fn check_brief(letters: &dyn Letters, brief: &Brief) -> Result<(), Problem> {
    let names = [
        ("brand.name", brief.brand.name.as_str()),
        ("product.name", brief.product.name.as_str()),
        ("product.category", brief.product.category.as_str()),
    ];
    let names = names.into_iter().map(|(field, text)| (field.to_owned(), text));
    let facts = brief.product.facts.iter().enumerate();
    let facts = facts.map(|(idx, fact)| (format!("product.facts[{idx}].text"), fact.text.as_str()));
    let said = brief.must_say.iter().enumerate();
    let said = said.map(|(idx, text)| (format!("must_say[{idx}]"), text.as_str()));
    let offer = brief.offer.as_ref();
    let wishes = [
        ("disclaimer", brief.disclaimer.as_ref()),
        ("product.short_name", brief.product.short_name.as_ref()),
        ("product.type", brief.product.noun_phrase.as_ref()),
        ("offer.covers", offer.and_then(|offer| offer.covers.as_ref())),
        ("offer.redeem", offer.and_then(|offer| offer.redeem.as_ref())),
    ];
    let wishes = wishes.into_iter().filter_map(|(field, text)| Some((field.to_owned(), text?.as_str())));
    for (field, text) in names.chain(facts).chain(said).chain(wishes) {
        let missing = letters.undrawable(text);
        if !missing.is_empty() {
            return Err(Problem::new(Code::Letters, field, undrawable_message(&missing)));
        }
    }
    Ok(())
}

/// What a person is told about characters that cannot be drawn.
#[must_use]
pub fn undrawable_message(missing: &[char]) -> String {
    let name = |c: &char| format!("`{c}` (U+{:04X})", u32::from(*c));
    let names: Vec<String> = missing.iter().map(name).collect();
    format!(
        "no installed font can draw {}; use other characters, or install the fonts (`spotwright doctor` lists them)",
        names.join(", ")
    )
}
