//! The grammar of a line: which words are free and which are given.
//!
//! A proposed line is `About: <fact>` and `Line: <caption>`. The fact is one of the brief's own
//! texts, so nothing can be invented there; the caption begins with one of our stems and goes on
//! with a few lowercase words. Digits, markup, absolute terms and banned words cannot be decoded at
//! all. What the free words claim is not decided here; that is for the lint.

use llguidance::api::TopLevelGrammar;
use spotwright_core::domain::copy_rules::terms::{Category, Severity, TERMS};
use spotwright_core::ports::language_model::LineRequest;
use spotwright_schemas::brief::{Fact, FactKind};
use spotwright_schemas::script::{Angle, Hook, Role};

use super::Error;

/// What stands before the fact.
pub(super) const FACT_LABEL: &str = "About: ";

/// What stands between fact and caption.
pub(super) const CAPTION_LABEL: &str = "\nLine: ";

/// Most facts that are offered.
const MAX_FACTS: usize = 8;

/// A caption that ends in one of these words was cut off by the length limit.
const UNFINISHED_ENDINGS: [&str; 40] = [
    "a", "an", "the", "of", "for", "to", "and", "or", "but", "with", "in", "on", "at", "by", "from", "your",
    "you're", "my", "our", "their", "his", "her", "its", "is", "are", "was", "be", "that", "this", "which",
    "who", "as", "if", "so", "than", "into", "some", "every", "it's", "i",
];

/// The facts a line may be about: those that suit the angle, or all that are claims about the
/// product.
pub(super) fn candidate_facts<'a>(request: &LineRequest<'a>) -> Vec<&'a Fact> {
    let suits = |fact: &&Fact| match request.role {
        Role::Proof => {
            matches!(fact.kind, FactKind::Proof | FactKind::Price | FactKind::Offer | FactKind::Origin)
        }
        Role::Body => matches!(fact.kind, FactKind::Feature | FactKind::Benefit | FactKind::Origin),
        Role::Hook | Role::Cta => angle_suits(request.direction.angle, fact.kind),
    };
    let facts = &request.brief.product.facts;
    let mut chosen: Vec<&Fact> = facts.iter().filter(suits).collect();
    if chosen.is_empty() {
        chosen = facts.iter().filter(|fact| fact.kind.needs_evidence()).collect();
    }
    chosen.truncate(MAX_FACTS);
    chosen
}

const fn angle_suits(angle: Angle, kind: FactKind) -> bool {
    match angle {
        Angle::Problem => matches!(kind, FactKind::Problem),
        Angle::Benefit => matches!(kind, FactKind::Benefit | FactKind::Feature),
        Angle::Proof => matches!(kind, FactKind::Proof),
        Angle::Offer => matches!(kind, FactKind::Price | FactKind::Offer),
        Angle::Story => matches!(kind, FactKind::Origin),
        Angle::Moment => matches!(kind, FactKind::Moment),
    }
}

/// Whether lines of this request can be proposed at all.
pub(super) fn check(request: &LineRequest<'_>) -> Result<(), Error> {
    let reason = match (request.role, request.direction.hook) {
        (Role::Cta, _) => "the call to action is given by the brief",
        (Role::Proof, _) => "proof lines are facts of the brief, word by word",
        (Role::Hook, Hook::Number) => "a small model must not write figures",
        _ if request.max_chars < 20 => "captions shorter than 20 characters leave no room for words",
        _ => return Ok(()),
    };
    Err(Error::Unsuited(reason))
}

/// The grammar in Lark form, from texts that are quoted or reduced to letters.
pub(super) fn lark(request: &LineRequest<'_>, facts: &[&Fact]) -> TopLevelGrammar {
    let choices: Vec<String> = facts.iter().map(|fact| quote(&fact.text)).collect();
    // One complement for all terms: the lexer's states multiply with every further intersection.
    // The length in characters is left to the check of the finished line for the same reason.
    // Terms are forbidden as whole words: a banned `ass` leaves `glass` alone.
    let pattern = format!(
        "{} & ~/((.|\\n)*[^a-zA-Z])?({})([^a-zA-Z](.|\\n)*)?/",
        caption_pattern(request),
        banned_terms(request).join("|")
    );
    TopLevelGrammar::from_lark(format!(
        "start: {about} fact {line} CAPTION\nfact: {choices}\nCAPTION: {pattern}\n",
        about = quote(FACT_LABEL),
        line = quote(CAPTION_LABEL),
        choices = choices.join(" | "),
    ))
}

/// Whether a caption breaks off.
pub(super) fn is_unfinished(caption: &str) -> bool {
    let words = caption.trim_end_matches(['.', '!', '?']);
    let last = words.rsplit([' ', ',']).next().unwrap_or_default().to_lowercase();
    last.is_empty() || UNFINISHED_ENDINGS.contains(&last.as_str())
}

/// Stem and free words of a caption.
const fn caption_pattern(request: &LineRequest<'_>) -> &'static str {
    match (request.role, request.direction.hook) {
        (Role::Hook, Hook::Question) => {
            "/(Ready for|Looking for|Craving|Missing|Why not try|What makes)( [a-z]+){2,6}\\?/"
        }
        (Role::Hook, Hook::Contrast) => {
            "/(Less|Not) [a-z]{2,12}( [a-z]+){0,2}, (more|but) [a-z]{2,12}( [a-z]+){0,3}\\./"
        }
        (Role::Hook, Hook::Command) => "/(Meet|Try|Enjoy|Discover|Taste|Make|Start|Give)( [a-z]+){2,6}[.!]/",
        (Role::Hook, Hook::Scene) => "/(Picture|Imagine|Think of)( [a-z]+){3,7}\\./",
        _ => "/(Made for|It brings|It gives|It keeps|Here is|You get)( [a-z]+){2,6}\\./",
    }
}

/// Banned words and terms of the list, as far as the grammar could write them: the caption is made
/// of ASCII letters, so other terms cannot occur. Contexts that would excuse a term are not looked
/// at, since the check of the finished line is there for what people wrote.
fn banned_terms(request: &LineRequest<'_>) -> Vec<String> {
    let listed = TERMS
        .iter()
        .filter(|term| term.locale.is_english() && term.severity == Severity::Error)
        .filter(|term| matches!(term.category, Category::Absolute | Category::Medical))
        .map(|term| term.text.to_owned());
    let banned = request.brief.brand.banned_words.iter().map(|word| word.trim().to_lowercase());
    let mut terms: Vec<String> = banned.chain(listed).collect();
    terms.retain(|term| !term.is_empty() && term.chars().all(|c| c.is_ascii_lowercase() || c == ' '));
    // A caption begins with a capital letter.
    terms
        .into_iter()
        .map(|term| {
            let (first, rest) = term.split_at(1);
            format!("[{}{first}]{rest}", first.to_ascii_uppercase())
        })
        .collect()
}

/// A Lark string; JSON's escapes are the same.
fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_requests::{brief, request};

    #[test]
    fn facts_suit_the_angle_or_are_claims() {
        let brief = brief();
        let mut request = request(&brief);
        request.direction.angle = Angle::Problem;
        assert_eq!(candidate_facts(&request)[0].id.as_str(), "bitter");
        request.direction.angle = Angle::Moment;
        let facts = candidate_facts(&request);
        assert!(!facts.is_empty() && facts.iter().all(|fact| fact.kind.needs_evidence()));
    }

    #[test]
    fn captions_that_break_off_are_recognized() {
        for caption in ["Ready for a morning of?", "Enjoy the smooth taste and the.", "Less bitter, more a."]
        {
            assert!(is_unfinished(caption), "{caption}");
        }
        assert!(!is_unfinished("Ready for a calm morning?"));
    }

    #[test]
    fn unsuited_requests_are_named() {
        let brief = brief();
        let mut request = request(&brief);
        assert!(check(&request).is_ok());
        request.direction.hook = Hook::Number;
        assert!(check(&request).is_err());
        request.role = Role::Cta;
        assert!(check(&request).is_err());
    }
}
