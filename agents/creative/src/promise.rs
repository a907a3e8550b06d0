//! What every script keeps, whoever writes it: the product's name, the texts that must be said, the offer.
//!
//! # Purpose
//! One judge for the copy engine (before a script leaves it), for the scripts of language models and for the
//! selection. They differ in where they look, never in what counts: a price counts where it is stated as a
//! quantity, so that `98元` is not in `198元`.

use spotwright_core::domain::copy_rules::quantity::{Quantity, parse};
use spotwright_schemas::Locale;
use spotwright_schemas::brief::{Brief, FactKind};
use spotwright_schemas::script::{Line, Script};
use spotwright_schemas::wording::{folded, holds_term};

/// Shots within which the product has its name, and within which it has where the brief allows teasers.
const NAMED_WITHIN: usize = 2;
const TEASED_WITHIN: usize = 3;

/// Shots from the first on within which a viewer of the copy engine's scripts reads the product's name.
pub(crate) const fn named_within(brief: &Brief) -> usize {
    if brief.allow_teasers { TEASED_WITHIN } else { NAMED_WITHIN }
}

/// Whether one of the shown texts names the product: as it is spoken, whole, or by its brand.
pub(crate) fn names_the_product<'t>(brief: &Brief, mut shown: impl Iterator<Item = &'t str>) -> bool {
    let names = [brief.spoken_name(), brief.product.name.as_str(), brief.brand.name.as_str()];
    let names = names.map(folded);
    shown.any(|text| {
        let text = folded(text);
        names.iter().any(|name| !name.is_empty() && text.contains(name.as_str()))
    })
}

/// Whether a shown text says another word for word; `must` is folded.
pub(crate) fn says(text: &str, must: &str) -> bool {
    folded(text).contains(must)
}

/// The texts that every script must show and this one does not.
pub(crate) fn unsaid<'b>(brief: &'b Brief, script: &Script) -> Vec<&'b str> {
    let said = |must: &str| {
        let must = folded(must);
        shown(script, usize::MAX).any(|text| says(text, &must))
    };
    brief.must_say.iter().map(String::as_str).filter(|must| !said(must)).collect()
}

/// Whether a text states a price, given as a line says it (`98元`, `$59`, `free`): the amount, whatever it is
/// for (`$22 a class`). An amount without its currency is one where nothing else is counted (`现价98`).
pub(crate) fn states_price(text: &str, price: &str, locale: Locale) -> bool {
    let wanted =
        parse(price, locale).into_iter().map(|found| found.quantity).find(|one| one.currency.is_some());
    let Some(wanted) = wanted else { return holds_term(text, price) };
    let is_it = |said: &Quantity| {
        let counted = said.currency.is_none() && said.unit.is_some();
        said.value == wanted.value
            && !said.discount
            && !counted
            && (said.currency.is_none() || said.currency == wanted.currency)
    };
    parse(text, locale).iter().any(|found| is_it(&found.quantity))
}

/// Whether a line says the key offer's price, given as a line says it.
pub(crate) fn line_states(line: &Line, price: &str, locale: Locale) -> bool {
    [&line.caption, &line.detail].into_iter().any(|text| states_price(text, price, locale))
}

/// Whether a brief has something to say at the end: a key offer, a price, a term.
pub(crate) fn has_terms(brief: &Brief) -> bool {
    brief.offer.is_some() || brief.product.facts.iter().any(|fact| is_term(fact.kind))
}

/// Whether a line rests on a price or an offer of the facts.
pub(crate) fn rests_on_a_term(brief: &Brief, line: &Line) -> bool {
    line.rests_on.iter().filter_map(|id| brief.fact(id)).any(|fact| is_term(fact.kind))
}

/// Captions and details of a script's first `shots` shots.
pub(crate) fn shown(script: &Script, shots: usize) -> impl Iterator<Item = &str> {
    script.lines.iter().take(shots).flat_map(|line| [line.caption.as_str(), line.detail.as_str()])
}

const fn is_term(kind: FactKind) -> bool {
    matches!(kind, FactKind::Price | FactKind::Offer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_not_in_a_longer_one() {
        for (text, price, stated) in [
            ("四人餐198元", "98元", false),
            ("四人餐98元，原价198元", "98元", true),
            ("98.5元一份", "98元", false),
            ("含98道菜", "98元", false),
            ("现价98，原价198", "98元", true),
            ("四人餐98元一锅", "98元", true),
            ("立减98元", "98元", false),
            ("前8集免费看", "免费", true),
        ] {
            assert_eq!(states_price(text, price, Locale::ZhCn), stated, "{text}");
        }
        for (text, price, stated) in [
            ("Two nights for $198", "$98", false),
            ("Two nights for $98 instead of $198", "$98", true),
            ("$9.80 a box", "$98", false),
            ("$98 a night", "$98", true),
            ("Free for 5 invoices", "free", true),
            ("Carefree for a year", "free", false),
        ] {
            assert_eq!(states_price(text, price, Locale::EnUs), stated, "{text}");
        }
    }
}
