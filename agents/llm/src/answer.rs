//! What of a model's answer may be used.
//!
//! [`parse`] reads the lines of an answer, whose JSON [`crate::extract`] finds; [`check_line`] decides about one
//! line. A line that breaks a rule is dropped with a [`DropReason`]; the answer as a whole is an
//! error only if nothing can be read or no line is left. The rules do not trust the model: they
//! hold as well when a text in the brief talked it into something.

use std::collections::BTreeSet;

use serde_json::Value;
use spotwright_core::domain::copy_rules::names;
use spotwright_core::domain::copy_rules::quantity::unstated;
use spotwright_core::domain::copy_rules::terms::objection;
use spotwright_core::ports::language_model::{LineRequest, ProposedLine};
use spotwright_schemas::brief::FactId;
use spotwright_schemas::letters::cannot_be_shown;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::wording::{Fold, fold, half_width, is_han};

pub use crate::extract::MAX_ANSWER_BYTES;
use crate::extract::{ExtractError, candidates};
use crate::prompt::{MAX_DETAIL_CHARS, MAX_FACTS_PER_LINE, needs_fact};

/// Most entries of `lines` that are looked at.
const MAX_ENTRIES: usize = 256;

/// Why an answer holds no usable line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// The answer is larger than [`MAX_ANSWER_BYTES`].
    #[error("the answer has {0} bytes; at most {MAX_ANSWER_BYTES} are read")]
    TooLong(usize),
    /// The answer is blank, or nothing follows the model's thinking.
    #[error("the answer is blank")]
    Blank,
    /// There is no JSON value in the answer.
    #[error("the answer holds no JSON object")]
    NoJson,
    /// A JSON value begins and is cut off.
    #[error("the JSON object in the answer is cut off")]
    CutOff,
    /// There is a JSON value, but not of the asked shape.
    #[error("the JSON object in the answer has no list `lines`")]
    Shape,
    /// Every line broke a rule.
    #[error("no line can be used: {}", summary(.0))]
    NoUsableLine(Vec<DropReason>),
}

impl From<ExtractError> for AnswerError {
    fn from(error: ExtractError) -> Self {
        match error {
            ExtractError::TooLong(bytes) => Self::TooLong(bytes),
            ExtractError::Blank => Self::Blank,
            ExtractError::NoJson => Self::NoJson,
            ExtractError::CutOff => Self::CutOff,
            ExtractError::Shape => Self::Shape,
        }
    }
}

/// Why a line is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum DropReason {
    /// Not an object with a text `caption`.
    #[error("an entry is not an object with caption, detail and rests_on")]
    Malformed,
    /// The caption is blank.
    #[error("a caption is blank")]
    BlankCaption,
    /// Caption or detail is too long.
    #[error("a caption or detail is too long")]
    TooLong,
    /// Control, invisible or private-use characters.
    #[error("a text holds characters that cannot be shown")]
    Undrawable,
    /// Markup, a web or mail address, a hash tag or a handle.
    #[error("a text holds markup or an address")]
    AddressOrMarkup,
    /// A fact id that the brief does not have, or more than four.
    #[error("rests_on names a fact that does not exist, or too many")]
    UnknownFact,
    /// A role that has to rest on a fact names none.
    #[error("rests_on is empty")]
    NoFact,
    /// A quantity that no cited fact states with its unit, currency and magnitude.
    #[error("a number is in none of the facts named in rests_on")]
    ForeignFigure,
    /// A word the brand forbids or an absolute term.
    #[error("a text holds a banned word or an absolute term")]
    BannedWord,
    /// In the list of captions to avoid.
    #[error("a caption is in the list to avoid")]
    Avoided,
    /// The same as an earlier line of the answer.
    #[error("a caption occurs twice")]
    Duplicate,
    /// Not in the brief's language.
    #[error("a text is not in the asked language")]
    Language,
}

/// The usable part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Lines that passed every rule, in the order of the answer; at least one, at most the number
    /// asked for.
    pub lines: Vec<ProposedLine>,
    /// Why other lines were dropped.
    pub dropped: Vec<DropReason>,
}

/// Reads an answer. `model` is written into the lines.
///
/// Accepts whatever [`candidates`] reads over, a bare list instead of the object, a missing
/// `detail`, and a single id instead of a list of ids. Of several objects the last usable one counts.
///
/// # Errors
/// [`AnswerError`].
pub fn parse(text: &str, request: &LineRequest<'_>, model: &str) -> Result<Answer, AnswerError> {
    let mut failure = None;
    for candidate in candidates(text, &["lines"])? {
        let read = entries_of(candidate)
            .ok_or(AnswerError::Shape)
            .and_then(|entries| read_lines(&entries, request, model));
        match read {
            Ok(answer) => return Ok(answer),
            // The first candidate is the likeliest: its fault is the one to speak of.
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    Err(failure.unwrap_or(AnswerError::NoJson))
}

fn read_lines(entries: &[Value], request: &LineRequest<'_>, model: &str) -> Result<Answer, AnswerError> {
    let mut answer = Answer { lines: Vec::new(), dropped: Vec::new() };
    for entry in entries.iter().take(MAX_ENTRIES) {
        if answer.lines.len() == request.count {
            break;
        }
        let Some(line) = read_line(entry, model) else {
            answer.dropped.push(DropReason::Malformed);
            continue;
        };
        match check_line(line, request, &answer.lines) {
            Ok(line) => answer.lines.push(line),
            Err(reason) => answer.dropped.push(reason),
        }
    }
    if answer.lines.is_empty() {
        return Err(AnswerError::NoUsableLine(answer.dropped));
    }
    Ok(answer)
}

/// Checks one line against the request and the lines accepted before it; texts are trimmed and
/// repeated fact ids removed.
///
/// # Errors
/// The first [`DropReason`] that applies.
pub fn check_line(
    mut line: ProposedLine,
    request: &LineRequest<'_>,
    accepted: &[ProposedLine],
) -> Result<ProposedLine, DropReason> {
    let (caption, detail) = (line.caption.trim().to_owned(), line.detail.trim().to_owned());
    (line.caption, line.detail) = (caption, detail);
    if line.caption.is_empty() {
        return Err(DropReason::BlankCaption);
    }
    if line.caption.chars().count() > request.max_chars || line.detail.chars().count() > MAX_DETAIL_CHARS {
        return Err(DropReason::TooLong);
    }
    for text in [&line.caption, &line.detail] {
        if text.chars().any(cannot_be_shown) {
            return Err(DropReason::Undrawable);
        }
        if holds_address_or_markup(text) {
            return Err(DropReason::AddressOrMarkup);
        }
    }
    check_facts(&mut line, request)?;
    if !speaks(&line.caption, request.brief.locale) {
        return Err(DropReason::Language);
    }
    if [&line.caption, &line.detail].into_iter().any(|text| objection(request.brief, text).is_some()) {
        return Err(DropReason::BannedWord);
    }
    let key = comparison_key(&line.caption);
    if request.avoid.iter().any(|caption| comparison_key(caption) == key) {
        return Err(DropReason::Avoided);
    }
    if accepted.iter().any(|other| comparison_key(&other.caption) == key) {
        return Err(DropReason::Duplicate);
    }
    Ok(line)
}

fn summary(reasons: &[DropReason]) -> String {
    let different: BTreeSet<_> = reasons.iter().collect();
    if different.is_empty() {
        return "the list is empty".to_owned();
    }
    different.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The entries of the list that a candidate holds: of `lines`, or a bare list.
fn entries_of(candidate: Value) -> Option<Vec<Value>> {
    match candidate {
        Value::Array(entries) => Some(entries),
        Value::Object(mut object) => match object.remove("lines") {
            Some(Value::Array(entries)) => Some(entries),
            _ => None,
        },
        _ => None,
    }
}

fn read_line(entry: &Value, model: &str) -> Option<ProposedLine> {
    let caption = entry.get("caption")?.as_str()?.to_owned();
    let detail = match entry.get("detail") {
        None | Some(Value::Null) => String::new(),
        Some(detail) => detail.as_str()?.to_owned(),
    };
    let rests_on = match entry.get("rests_on") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(id)) => vec![FactId::new(id.clone())],
        Some(Value::Array(ids)) => {
            ids.iter().map(|id| id.as_str().map(|id| FactId::new(id.to_owned()))).collect::<Option<_>>()?
        }
        Some(_) => return None,
    };
    Some(ProposedLine { caption, detail, rests_on, model: model.to_owned() })
}

fn check_facts(line: &mut ProposedLine, request: &LineRequest<'_>) -> Result<(), DropReason> {
    let mut seen = BTreeSet::new();
    line.rests_on.retain(|id| seen.insert(id.clone()));
    if line.rests_on.len() > MAX_FACTS_PER_LINE {
        return Err(DropReason::UnknownFact);
    }
    let brief = request.brief;
    let mut allowed = names::of(brief).to_vec();
    for id in &line.rests_on {
        allowed.push(&brief.fact(id).ok_or(DropReason::UnknownFact)?.text);
    }
    if line.rests_on.is_empty() && needs_fact(request.role) {
        return Err(DropReason::NoFact);
    }
    let known = |text: &String| unstated(text, &allowed, brief.locale).is_empty();
    if known(&line.caption) && known(&line.detail) { Ok(()) } else { Err(DropReason::ForeignFigure) }
}

fn holds_address_or_markup(text: &str) -> bool {
    let plain: String = text.chars().map(half_width).collect::<String>().to_lowercase();
    if plain.contains("://") || plain.contains("www.") || plain.contains("http") {
        return true;
    }
    if plain.chars().any(|c| matches!(c, '<' | '>' | '{' | '}' | '`' | '@' | '#' | '\\' | '|')) {
        return true;
    }
    // `shop.example`: a dot between letters without a space, which no caption needs.
    let chars: Vec<char> = plain.chars().collect();
    chars.windows(3).any(|w| w[1] == '.' && w[0].is_alphanumeric() && w[2].is_alphabetic())
}

/// Whether a text is in the language of the locale as far as its script tells: Chinese needs a Han
/// character; English must not have one.
fn speaks(text: &str, locale: Locale) -> bool {
    let has_han = text.chars().any(is_han);
    locale.is_chinese() == has_han
}

/// Captions that differ in case, width, punctuation or spaces only are the same caption.
fn comparison_key(caption: &str) -> Vec<char> {
    fold(caption, Fold::Letters).chars
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::test_requests::{brief, request};

    fn reason(entry: &str) -> Result<Vec<String>, Vec<DropReason>> {
        let brief = brief();
        let request = request(&brief);
        match parse(&format!("{{\"lines\":[{entry}]}}"), &request, "m") {
            Ok(answer) => Ok(answer.lines.into_iter().map(|line| line.caption).collect()),
            Err(AnswerError::NoUsableLine(reasons)) => Err(reasons),
            Err(error) => panic!("{error}"),
        }
    }

    fn caption(text: &str, facts: &str) -> Result<Vec<String>, Vec<DropReason>> {
        let text = serde_json::to_string(text).unwrap();
        reason(&format!(r#"{{"caption":{text},"detail":"","rests_on":[{facts}]}}"#))
    }

    #[test]
    fn thinking_fences_and_words_around_the_object_are_ignored() {
        let brief = brief();
        let request = request(&brief);
        let object =
            r#"{"lines":[{"caption":"Ready for a calm morning?","detail":"","rests_on":["smooth"]}]}"#;
        for text in [
            object.to_owned(),
            format!("<think>{{\"lines\":[]}} maybe</think>\n```json\n{object}\n```\nDone."),
            format!("so I think...</think>{object}"),
            format!("Here you are:\n{object}{object}"),
            "[{\"caption\":\"Ready for a calm morning?\",\"rests_on\":\"smooth\"}]".to_owned(),
        ] {
            let answer = parse(&text, &request, "m").unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(answer.lines[0].caption, "Ready for a calm morning?");
            assert_eq!(answer.lines[0].rests_on, [FactId::new("smooth")]);
        }
    }

    #[test]
    fn unreadable_answers_are_named() {
        let brief = brief();
        let request = request(&brief);
        let parse = |text: &str| parse(text, &request, "m").unwrap_err();
        assert_eq!(parse("  \n "), AnswerError::Blank);
        assert_eq!(parse("<think>never ends {"), AnswerError::Blank);
        assert_eq!(parse("I cannot do that."), AnswerError::NoJson);
        assert_eq!(parse(r#"{"lines":[{"caption":"Rea"#), AnswerError::CutOff);
        assert_eq!(parse(r#"{"answer":42}"#), AnswerError::Shape);
        assert_eq!(parse(r#"{"lines":"none"}"#), AnswerError::Shape);
        assert_eq!(parse(r#"{"lines":[]}"#), AnswerError::NoUsableLine(vec![]));
        assert_eq!(parse(&"{".repeat(1 << 20)), AnswerError::TooLong(1 << 20));
    }

    #[test]
    fn figures_must_stand_in_a_cited_fact() {
        assert!(caption("20% off your first bag", "\"offer\"").is_ok());
        assert!(caption("２０％ off your first bag", "\"offer\"").is_ok());
        for (text, facts) in [
            ("20% off your first bag", "\"smooth\""),
            ("20 off your first bag", "\"offer\""),
            ("$20 off your first bag", "\"offer\""),
            ("30% off your first bag", "\"offer\""),
            ("½ off your first bag", "\"offer\""),
            ("12 cups for 250 g", "\"price\""),
        ] {
            assert_eq!(caption(text, facts), Err(vec![DropReason::ForeignFigure]), "{text}");
        }
        assert!(caption("$12.50 for 250 g", "\"price\"").is_ok());
    }

    #[test]
    fn figures_are_compared_with_unit_currency_and_magnitude() {
        let mut brief = brief();
        let texts = [("offer", "Up to 50% off, 30-day returns"), ("price", "HK$1,299 for 250 g")];
        for (id, text) in texts {
            let fact = brief.product.facts.iter_mut().find(|fact| fact.id.as_str() == id).unwrap();
            text.clone_into(&mut fact.text);
        }
        let request = request(&brief);
        let says = |caption: &str| {
            let answer = serde_json::json!({"lines": [{"caption": caption, "rests_on": ["offer", "price"]}]});
            parse(&answer.to_string(), &request, "m").is_ok()
        };
        for caption in ["Returns for 30 days", "Up to 50% off", "HK$1,299, 250 grams"] {
            assert!(says(caption), "{caption}");
        }
        for caption in [
            "30 years of returns",
            "50% off",
            "$1,299 for 250 g",
            "HK$1,299k for 250 g",
            "HK$1,299 for 250 kg",
            "1,299",
        ] {
            assert!(!says(caption), "{caption}");
        }
    }

    #[test]
    fn one_list_of_terms_decides_by_context_and_whole_words() {
        let mut brief = brief();
        brief.brand.banned_words.push("art".to_owned());
        let request = request(&brief);
        let says = |caption: &str| {
            let answer = serde_json::json!({"lines": [{"caption": caption, "rests_on": []}]});
            parse(&answer.to_string(), &request, "m").is_ok()
        };
        assert!(says("Calm from the start") && says("Best before noon") && says("Never in a hurry"));
        assert!(
            !says("An art of mornings") && !says("The finest morning") && !says("Calm, clinically proven")
        );
    }

    #[test]
    fn each_rule_drops_the_line_that_breaks_it() {
        for (text, facts, expected) in [
            (" ", "", DropReason::BlankCaption),
            ("A line that is far too long for the small screen", "", DropReason::TooLong),
            ("Calm\u{202E}morning", "", DropReason::Undrawable),
            ("Calm\nmorning", "", DropReason::Undrawable),
            ("Go to shop.example now", "", DropReason::AddressOrMarkup),
            ("<b>Calm</b> morning", "", DropReason::AddressOrMarkup),
            ("Calm morning", "\"invented\"", DropReason::UnknownFact),
            ("The best morning", "", DropReason::BannedWord),
            ("A cheap morning", "", DropReason::BannedWord),
            ("早上好", "", DropReason::Language),
        ] {
            assert_eq!(caption(text, facts), Err(vec![expected]), "{text}");
        }
        assert_eq!(reason("7"), Err(vec![DropReason::Malformed]));
        assert!(caption("Bestow a calm morning", "").is_ok(), "only whole words are banned");
    }

    #[test]
    fn avoided_and_repeated_captions_are_dropped() {
        let brief = brief();
        let mut request = request(&brief);
        let avoid = ["Calm morning!".to_owned()];
        request.avoid = &avoid;
        let text =
            r#"{"lines":[{"caption":"calm  MORNING"},{"caption":"Slow down"},{"caption":"Slow down."}]}"#;
        let answer = parse(text, &request, "m").unwrap();
        assert_eq!(answer.lines.len(), 1);
        assert_eq!(answer.dropped, [DropReason::Avoided, DropReason::Duplicate]);
    }

    #[test]
    fn never_more_lines_than_asked_for() {
        let brief = brief();
        let mut request = request(&brief);
        request.count = 2;
        let text =
            r#"{"lines":[{"caption":"One cup"},{"caption":"Calm"},{"caption":"Slow"},{"caption":"Easy"}]}"#;
        assert_eq!(parse(text, &request, "m").unwrap().lines.len(), 2);
    }

    proptest! {
        #[test]
        fn any_text_ends_in_lines_that_keep_the_contract_or_in_an_error(text in ".{0,400}") {
            let brief = brief();
            let request = request(&brief);
            if let Ok(answer) = parse(&text, &request, "m") {
                for line in answer.lines {
                    prop_assert!(line.caption.chars().count() <= request.max_chars);
                }
            }
        }

        #[test]
        fn any_caption_keeps_the_contract_or_is_dropped(text in "\\PC{0,60}", id in "[a-z]{1,6}") {
            let brief = brief();
            let request = request(&brief);
            let line = ProposedLine {
                caption: text, detail: String::new(), rests_on: vec![FactId::new(id)], model: String::new(),
            };
            if let Ok(line) = check_line(line, &request, &[]) {
                prop_assert!(line.caption.chars().count() <= request.max_chars);
                prop_assert!(line.rests_on.iter().all(|id| brief.fact(id).is_some()));
                prop_assert!(!line.caption.contains(char::is_control));
            }
        }
    }
}
