//! The form of a copy pattern, and how its slots are filled.

use spotwright_core::domain::copy_rules::quantity::figure;
use spotwright_schemas::brief::{Brief, Fact, FactKind, Tone};
use spotwright_schemas::locale::{Language, Locale};
use spotwright_schemas::script::{Angle, Hook, Role};

/// A pattern of one line.
///
/// Slots: `{product}`, `{brand}`, `{category}`, `{Category}` (first letter capitalized), `{fact}`
/// (the line's main fact, word for word), `{other}` (a fact that answers or supports it),
/// `{figure}` (the first quantity of the main fact with its unit).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pattern {
    /// Stable name within the locale and role.
    pub(crate) id: &'static str,
    /// The part the line plays.
    pub(crate) role: Role,
    /// For hooks: the angle and form the pattern serves.
    pub(crate) direction: Option<(Angle, Hook)>,
    /// Kinds of main fact; empty for the default of the angle or role.
    pub(crate) kinds: &'static [FactKind],
    /// Manners of speaking it suits; empty for all.
    pub(crate) tones: &'static [Tone],
    /// Text on screen; empty for calls to action, whose caption the brief decides.
    pub(crate) caption: &'static str,
    /// Smaller second line.
    pub(crate) detail: &'static str,
}

impl Pattern {
    pub(crate) const fn hook(
        id: &'static str,
        angle: Angle,
        form: Hook,
        caption: &'static str,
        detail: &'static str,
    ) -> Self {
        Self { id, role: Role::Hook, direction: Some((angle, form)), kinds: &[], tones: &[], caption, detail }
    }

    pub(crate) const fn line(
        id: &'static str,
        role: Role,
        caption: &'static str,
        detail: &'static str,
    ) -> Self {
        Self { id, role, direction: None, kinds: &[], tones: &[], caption, detail }
    }

    /// Restricts the main fact to some kinds.
    pub(crate) const fn of(self, kinds: &'static [FactKind]) -> Self {
        Self { kinds, ..self }
    }

    /// Restricts the pattern to some manners of speaking.
    pub(crate) const fn toned(self, tones: &'static [Tone]) -> Self {
        Self { tones, ..self }
    }

    pub(crate) fn uses(&self, slot: &str) -> bool {
        self.caption.contains(slot) || self.detail.contains(slot)
    }

    /// Fills the slots; `None` when a slot has nothing to hold or the result would read badly.
    pub(crate) fn fill(&self, brief: &Brief, fact: Option<&Fact>, other: Option<&Fact>) -> Option<Filled> {
        let figure = fact.and_then(|fact| figure(&fact.text, brief.locale));
        let fill = |template: &str| -> Option<String> {
            let mut text = String::with_capacity(template.len() + 40);
            let mut rest = template;
            while let Some(open) = rest.find('{') {
                let close = open + rest[open..].find('}')?;
                text.push_str(&rest[..open]);
                let category = &brief.product.category;
                let value = match &rest[open + 1..close] {
                    "product" => brief.product.name.clone(),
                    "brand" => brief.brand.name.clone(),
                    "category" => category.clone(),
                    "Category" => capitalized(category),
                    "fact" => fact?.text.clone(),
                    "other" => other?.text.clone(),
                    // `up to 50% off` may stand in a sentence or begin one.
                    "figure" if begins_sentence(&text) => capitalized(figure.as_ref()?),
                    "figure" => uncapitalized(figure.as_ref()?),
                    _ => return None,
                };
                let follows = rest[close + 1..].chars().next();
                let after_mark = value.chars().next_back().is_some_and(is_end_mark);
                if after_mark && follows.is_some_and(is_end_mark) {
                    return None;
                }
                text.push_str(&value);
                rest = &rest[close + 1..];
            }
            text.push_str(rest);
            Some(text)
        };
        let caption = fill(self.caption)?;
        let detail = fill(self.detail)?;
        (caption != detail).then_some(Filled { caption, detail })
    }
}

/// A pattern with its slots filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filled {
    pub(crate) caption: String,
    pub(crate) detail: String,
}

/// Every pattern of a locale.
pub(crate) const fn patterns(locale: Locale) -> &'static [Pattern] {
    match locale.language() {
        Language::Chinese => super::chinese::PATTERNS,
        Language::English => super::english::PATTERNS,
    }
}

/// Kinds of main fact for a role and angle, in groups: the first group that has facts is used.
pub(crate) const fn default_kinds(role: Role, angle: Option<Angle>) -> &'static [&'static [FactKind]] {
    use FactKind::{Benefit, Feature, Moment, Offer, Origin, Price, Problem, Proof};
    match (role, angle) {
        (Role::Hook, Some(Angle::Problem)) => &[&[Problem]],
        (Role::Hook, Some(Angle::Benefit)) => &[&[Benefit], &[Feature]],
        (Role::Hook, Some(Angle::Proof)) => &[&[Proof]],
        (Role::Hook, Some(Angle::Offer)) => &[&[Price, Offer]],
        (Role::Hook, Some(Angle::Story)) => &[&[Origin]],
        (Role::Hook, Some(Angle::Moment)) => &[&[Moment]],
        (Role::Proof, _) => &[&[Proof], &[Origin, Feature], &[Benefit], &[Price, Offer]],
        (Role::Cta, _) => &[&[Offer, Price]],
        _ => &[&[Benefit, Feature], &[Origin], &[Proof], &[Price, Offer]],
    }
}

fn is_end_mark(c: char) -> bool {
    matches!(c, '.' | '?' | '!' | ',' | ':' | ';' | '。' | '？' | '！' | '，' | '：' | '；' | '…' | '、')
}

fn begins_sentence(text: &str) -> bool {
    text.trim_end().chars().next_back().is_none_or(|c| matches!(c, '.' | '?' | '!' | ':'))
}

/// Words that begin a figure in a fact and may stand inside a sentence in a caption.
const LEADS: &[&str] = &[
    "Up", "From", "Over", "Within", "At", "Under", "About", "Nearly", "Less", "More", "Starting", "No",
    "Save", "Buy", "First", "Around", "Almost", "Between", "As", "Half", "Twice",
];

/// With a small first letter where a word of [`LEADS`] begins it: `Up to`, but not `Rs 499`.
fn uncapitalized(text: &str) -> String {
    let word: String = text.chars().take_while(|c| c.is_alphabetic()).collect();
    if LEADS.contains(&word.as_str()) {
        return format!("{}{}", word.to_lowercase(), &text[word.len()..]);
    }
    text.to_owned()
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
