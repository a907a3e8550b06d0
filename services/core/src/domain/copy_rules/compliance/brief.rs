//! Lines of a brief, and what its writers are told beforehand.

use spotwright_schemas::Locale;
use spotwright_schemas::brief::{Brief, Vertical};

use super::pack::{Language, Rule};
use super::{Claim, Rules};

/// Ads for people below this age are for minors.
const OF_AGE: u8 = 18;

impl Claim {
    /// A line of this brief, for this line of business. The facts that claim something are the record, with the words of their
    /// sources; what the brand, the product and the trademark are called is no claim.
    #[must_use]
    pub fn of_brief(brief: &Brief, vertical: Vertical, text: &str) -> Self {
        let claims = brief.product.facts.iter().filter(|fact| fact.kind.needs_evidence());
        let evidence = claims
            .map(|fact| match fact.evidence.as_ref().and_then(|proof| proof.quote.as_deref()) {
                Some(quote) => format!("{}; {quote}", fact.text),
                None => fact.text.clone(),
            })
            .collect();
        let young = brief.audience.ages.is_some_and(|[_, oldest]| oldest < OF_AGE);
        Self {
            text: text.to_owned(),
            evidence,
            category: category(vertical).map(str::to_owned),
            audience: young.then(|| "minors".to_owned()),
            names: [brief.brand.name.as_str(), brief.product.name.as_str(), brief.spoken_name()]
                .map(str::to_owned)
                .to_vec(),
            own_words: true,
        }
    }
}

/// The line of business of a claim; `None` where the vertical says none.
const fn category(vertical: Vertical) -> Option<&'static str> {
    Some(match vertical {
        Vertical::CoffeeTea | Vertical::FoodDrink => "food",
        Vertical::Restaurant | Vertical::LocalServices => "local",
        Vertical::Drinkware
        | Vertical::Home
        | Vertical::Kitchen
        | Vertical::Pets
        | Vertical::SportsOutdoor => "home",
        Vertical::Beauty => "cosmetics",
        Vertical::Clothing | Vertical::Shoes => "clothing",
        Vertical::KidsEducation | Vertical::AdultCourses => "education",
        Vertical::App | Vertical::Drama => "app",
        Vertical::Game => "game",
        Vertical::HealthServices => "medical",
        Vertical::Finance => "finance",
        Vertical::Travel => "travel",
        Vertical::Electronics => "electronics",
        Vertical::Baby => "children",
        Vertical::General => return None,
    })
}

/// What must not be said in this language for this line of business, a sentence each in the same
/// language, for the prompt of a writer. It is read from the packs that judge the lines afterwards.
#[must_use]
pub fn summary(locale: Locale, vertical: Option<Vertical>) -> Vec<String> {
    let Ok(rules) = Rules::shipped() else { return Vec::new() };
    let spoken = if locale == Locale::ZhCn { Language::Zh } else { Language::En };
    let category = vertical.and_then(category);
    let concerns = |rule: &&Rule| {
        let listed =
            |list: &[String]| category.is_some_and(|category| list.iter().any(|one| one == category));
        !rule.tell.is_empty()
            && !listed(&rule.not_products)
            && (rule.products.is_empty() || listed(&rule.products))
    };
    let packs = rules.packs.iter().filter(|pack| pack.language == spoken);
    packs.flat_map(|pack| &pack.rules).filter(concerns).map(|rule| rule.tell.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_is_told_what_concerns_the_line_of_business() {
        for locale in [Locale::ZhCn, Locale::EnUs] {
            let finance = summary(locale, Some(Vertical::Finance));
            let food = summary(locale, Some(Vertical::FoodDrink));
            assert!(finance.len() > 6 && food.len() > 6, "{locale:?}");
            assert_ne!(finance, food, "{locale:?}");
            let general = summary(locale, None);
            assert!(general.iter().all(|told| food.contains(told) || finance.contains(told)), "{locale:?}");
        }
        assert!(summary(Locale::ZhCn, None).iter().any(|told| told.contains("第一")));
    }
}
