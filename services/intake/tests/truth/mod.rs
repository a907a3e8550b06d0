//! What a careful person reads from a source, and what is wrong with a draft that was read from it.

use serde::Deserialize;
use spotwright_intake::Draft;
use spotwright_schemas::Micros;

/// What a careful person reads from a page; the keys are explained in `pages/README.md`.
#[derive(Debug, Deserialize)]
pub(crate) struct Truth {
    pub(crate) locale: Option<String>,
    #[serde(default)]
    pub(crate) name: Vec<String>,
    pub(crate) price: Option<String>,
    pub(crate) currency: Option<String>,
    pub(crate) price_before: Option<String>,
    pub(crate) offer: Option<TrueOffer>,
    #[serde(default)]
    pub(crate) pictures_min: usize,
    #[serde(default)]
    pub(crate) pictures_contain: Vec<String>,
    #[serde(default)]
    pub(crate) pictures_never: Vec<String>,
    #[serde(default)]
    pub(crate) missing: Vec<String>,
    #[serde(default)]
    pub(crate) facts_contain: Vec<String>,
    #[serde(default)]
    pub(crate) facts_never: Vec<String>,
}

/// Words that the offer's text holds.
#[derive(Debug, Deserialize)]
pub(crate) struct TrueOffer {
    pub(crate) contains: Vec<String>,
}

/// Letters and digits in lower case, for comparisons of names and offers.
pub(crate) fn folded(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// What is wrong with a draft; the first list is what is sold and for how much, the second what may be said.
pub(crate) fn wrong(draft: &Draft, truth: &Truth) -> (Vec<String>, Vec<String>) {
    let (mut wrong, mut facts) = (Vec::new(), Vec::new());
    let mut check = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    let amount = |text: &Option<String>| text.as_deref().and_then(|text| Micros::parse_decimal(text.trim()));
    let name = draft.name.as_ref().map(|own| folded(&own.value));
    let is_named = match &name {
        Some(name) => truth.name.iter().any(|own| folded(own) == *name),
        None => truth.name.is_empty(),
    };
    check(is_named, format!("name {:?}", draft.name.as_ref().map(|own| &own.value)));
    let price = draft.price.as_ref().map(|own| own.value.amount);
    check(
        price == amount(&truth.price),
        format!("price {:?} for {:?}", price.map(Micros::to_decimal), truth.price),
    );
    let currency = draft.price.as_ref().and_then(|own| own.value.currency.clone());
    check(truth.price.is_none() || currency == truth.currency, format!("currency {currency:?}"));
    let before = draft.price_before.as_ref().map(|own| own.value.amount);
    let shown = before.map(Micros::to_decimal);
    check(
        before == amount(&truth.price_before),
        format!("price before {shown:?} for {:?}", truth.price_before),
    );
    if let Some(offer) = &truth.offer {
        let said = draft.offer.as_ref().map(|own| {
            let also = own.also.iter().map(|own| own.sentence.as_str());
            std::iter::once(own.text.as_str()).chain(also).collect::<Vec<_>>().join(" / ")
        });
        let said = said.unwrap_or_default();
        let holds = offer.contains.iter().all(|part| folded(&said).contains(&folded(part)));
        check(holds, format!("offer {said:?} without {:?}", offer.contains));
    }
    check(draft.pictures.len() >= truth.pictures_min, format!("{} pictures", draft.pictures.len()));
    let has = |part: &String| draft.pictures.iter().find(|picture| picture.url.contains(part.as_str()));
    for part in truth.pictures_contain.iter().filter(|part| has(part).is_none()) {
        check(false, format!("no picture {part}"));
    }
    for part in truth.pictures_never.iter().filter(|part| has(part).is_some()) {
        check(false, format!("picture {part}"));
    }
    if let Some(locale) =
        truth.locale.as_deref().filter(|_| !draft.documents.iter().all(|own| own.text.is_empty()))
    {
        check(draft.locale.tag() == locale, format!("locale {} for {locale}", draft.locale.tag()));
    }
    for field in &truth.missing {
        let asked = draft.missing.iter().any(|question| question.field.split('.').any(|part| part == field));
        check(asked, format!("{field} is not asked for"));
    }
    let said: Vec<String> = draft.facts.iter().map(|fact| folded(&fact.evidence.sentence)).collect();
    for part in truth.facts_contain.iter().filter(|part| !said.iter().any(|own| own.contains(&folded(part))))
    {
        facts.push(format!("no fact {part:?}"));
    }
    let raw = |part: &String| draft.facts.iter().any(|fact| fact.evidence.sentence.contains(part.as_str()));
    let is_said = |part: &&String| match folded(part) {
        // Marks and odd characters are looked for as they are.
        text if text.is_empty() => raw(part),
        text => said.iter().any(|own| own.contains(&text)),
    };
    for part in truth.facts_never.iter().filter(is_said) {
        facts.push(format!("fact {part:?}"));
    }
    (wrong, facts)
}
