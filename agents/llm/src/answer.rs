//! What of a model's answer may be used.
//!
//! [`parse`] reads the scripts of an answer, whose JSON [`crate::extract`] finds; a [`Checker`] decides
//! about one script. A script that breaks a rule is refused with a [`Refusal`]; the answer as a whole is
//! an error only if nothing can be read or no script is left. The rules do not trust the model: they
//! hold as well when a text in the brief talked it into something.
//!
//! The shape is read leniently (one script in the place of many, lines as plain texts, other names of
//! fields), the content strictly.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;
use spotwright_core::domain::copy_rules::orders::speaks_to_a_program;
use spotwright_core::domain::copy_rules::quantity::unstated;
use spotwright_core::domain::copy_rules::terms::objection;
use spotwright_core::ports::language_model::{ProposedLine, ProposedScript, ScriptRequest};
use spotwright_schemas::brief::{FactId, FactKind};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::{Role, Structure, WHOLE_LINES};
use spotwright_schemas::wording::{folded, holds_term, is_han};

mod hostile;

pub use crate::extract::MAX_ANSWER_BYTES;
use crate::extract::{ExtractError, candidates};
use crate::prompt::{MAX_FACTS_PER_LINE, MAX_IDEA, MAX_PICTURE, Prompt};
use hostile::{check_hostile, comparison_key};
pub(crate) use hostile::{holds_address_or_markup, repeats_rules, rules_key};

/// Most entries of `scripts` that are looked at.
const MAX_ENTRIES: usize = 24;

/// Most lines of an entry that are read; one more than may stand is enough to refuse.
const MAX_READ_LINES: usize = 16;

/// What speaks to or about a machine and to no viewer, folded.
const MACHINE_TALK: [&str; 14] = [
    "ignore previous",
    "ignore all",
    "ignore the above",
    "disregard",
    "system prompt",
    "system message",
    "as an ai",
    "language model",
    "json object",
    "忽略以上",
    "忽略之前",
    "系统提示",
    "作为一个ai",
    "作为人工智能",
];

/// Why an answer holds no usable script.
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
    #[error("the JSON object in the answer has no list `scripts`")]
    Shape,
    /// Every script broke a rule.
    #[error("no script can be used: {}", summary(.0))]
    NoUsableScript(Vec<Refusal>),
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

/// Why a script is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, thiserror::Error)]
pub enum DropReason {
    /// Not an object with a list of lines that have captions.
    #[error("an entry is not an object with lines that have captions")]
    Malformed,
    /// The answer ended within the script.
    #[error("the script is cut off")]
    CutOff,
    /// Fewer than four lines or more than seven.
    #[error("a script has 4 to 7 lines")]
    LineCount,
    /// A caption is blank.
    #[error("a caption is blank")]
    BlankCaption,
    /// A caption, detail, voice or the text beside the video is too long.
    #[error("a caption, detail, voice or primary_text is longer than allowed")]
    TooLong,
    /// Control, invisible or private-use characters.
    #[error("a text holds characters that cannot be shown")]
    Undrawable,
    /// Markup, a web or mail address, a hash tag or a handle.
    #[error("a text holds markup or an address")]
    AddressOrMarkup,
    /// The answer quotes the rules that the model was given.
    #[error("a text repeats the rules")]
    RulesEchoed,
    /// The text speaks to or about a machine.
    #[error("a text speaks to a machine and not to a viewer")]
    MachineTalk,
    /// A fact id that the brief does not have, or too many for one line.
    #[error("rests_on names a fact that does not exist, or too many")]
    UnknownFact,
    /// No line names a fact.
    #[error("no line rests on a fact")]
    NoFact,
    /// A quantity that no cited fact states with its unit, currency and magnitude.
    #[error("a number is in none of the facts named in rests_on")]
    ForeignFigure,
    /// A word the brand forbids or an absolute term.
    #[error("a text holds a banned word or an absolute term")]
    BannedWord,
    /// It opens as a script that was used before.
    #[error("the opening caption is in the list to avoid")]
    Avoided,
    /// A caption occurs twice, or two scripts open alike.
    #[error("a caption occurs twice, or two scripts open alike")]
    Duplicate,
    /// Not in the brief's language.
    #[error("the script is not in the asked language")]
    Language,
}

/// A refused script: which, where in it, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Refusal {
    /// Place of the wish it was written for.
    pub wish: usize,
    /// Line, from 1; `None` where it is about the whole script.
    pub line: Option<usize>,
    /// Why.
    pub reason: DropReason,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "script {}", self.wish + 1)?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// The usable part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Scripts that passed every rule, at least one, at most one for every wish.
    pub scripts: Vec<ProposedScript>,
    /// Why others were refused.
    pub refused: Vec<Refusal>,
}

/// Reads an answer. `model` is written into the scripts.
///
/// Accepts whatever [`candidates`] reads over, a bare list or a single script instead of the object,
/// lines as plain texts, and a single id instead of a list of ids. Of several objects the last usable
/// one counts.
///
/// # Errors
/// [`AnswerError`].
pub fn parse(text: &str, request: &ScriptRequest<'_>, model: &str) -> Result<Answer, AnswerError> {
    let checker = Checker::new(request);
    let mut failure = None;
    for entries in readings(text)? {
        match read_scripts(&entries, &checker, model) {
            Ok(answer) => return Ok(answer),
            // The first reading is the likeliest: its fault is the one to speak of.
            Err(error) => failure = failure.or(Some(error)),
        }
    }
    Err(failure.unwrap_or(AnswerError::Shape))
}

/// The lists of scripts that an answer may mean, likeliest first.
fn readings(text: &str) -> Result<Vec<Vec<Value>>, AnswerError> {
    let found = match candidates(text, &["scripts"]) {
        Ok(found) => found,
        Err(error) => candidates(text, &["lines"]).map_err(|_| AnswerError::from(error))?,
    };
    Ok(found.into_iter().filter_map(entries_of).collect())
}

fn entries_of(candidate: Value) -> Option<Vec<Value>> {
    match candidate {
        Value::Array(entries) => Some(entries),
        Value::Object(mut object) => match object.remove("scripts") {
            Some(Value::Array(entries)) => Some(entries),
            Some(Value::Object(entries)) if entries.contains_key("lines") => {
                Some(vec![Value::Object(entries)])
            }
            Some(Value::Object(entries)) => Some(entries.into_iter().map(|(_, entry)| entry).collect()),
            Some(_) => None,
            None => Some(vec![Value::Object(object)]),
        },
        _ => None,
    }
}

fn read_scripts(entries: &[Value], checker: &Checker<'_>, model: &str) -> Result<Answer, AnswerError> {
    let mut answer = Answer { scripts: Vec::new(), refused: Vec::new() };
    for entry in entries.iter().take(MAX_ENTRIES) {
        let Some(wish) = place(entry, checker.request, &answer.scripts) else { break };
        let read = read_script(entry, wish, checker.request, model);
        let checked = read.and_then(|script| checker.check(script, &answer.scripts));
        match checked {
            Ok(script) => answer.scripts.push(script),
            Err(refusal) => answer.refused.push(refusal),
        }
    }
    if answer.scripts.is_empty() {
        return Err(AnswerError::NoUsableScript(answer.refused));
    }
    Ok(answer)
}

/// The wish that an entry answers: by its number, else by its structure, else the first open one;
/// `None` where none is open.
fn place(entry: &Value, request: &ScriptRequest<'_>, accepted: &[ProposedScript]) -> Option<usize> {
    let open =
        |wish: &usize| *wish < request.wishes.len() && accepted.iter().all(|known| known.wish != *wish);
    let number = entry.get("number").and_then(|number| match number {
        Value::String(text) => text.trim().parse::<u64>().ok(),
        other => other.as_u64(),
    });
    let by_number = number
        .and_then(|number| usize::try_from(number).ok())
        .and_then(|number| number.checked_sub(1))
        .filter(open);
    let structure = structure_of(entry);
    let by_structure = || {
        let same = |wish: &usize| {
            request.wishes.get(*wish).is_some_and(|wanted| Some(wanted.structure) == structure)
        };
        (0..request.wishes.len()).filter(same).find(open)
    };
    by_number.or_else(by_structure).or_else(|| (0..request.wishes.len()).find(open))
}

fn structure_of(entry: &Value) -> Option<Structure> {
    let name = entry.get("structure")?.as_str()?.trim().to_lowercase().replace(['-', ' '], "_");
    Structure::ALL.into_iter().find(|structure| structure.as_str() == name)
}

/// The first text under one of `names`; blank where there is none.
fn text_of(entry: &Value, names: &[&str]) -> String {
    let found = names.iter().find_map(|name| entry.get(*name).and_then(Value::as_str));
    found.map(|text| text.trim().to_owned()).unwrap_or_default()
}

fn read_script(
    entry: &Value,
    wish: usize,
    request: &ScriptRequest<'_>,
    model: &str,
) -> Result<ProposedScript, Refusal> {
    let refused = |reason: DropReason| Refusal { wish, line: None, reason };
    let given = ["lines", "shots", "scenes"].iter().find_map(|name| entry.get(*name));
    let entries: Vec<&Value> = match given {
        Some(Value::Array(entries)) => entries.iter().collect(),
        Some(Value::Object(entries)) => entries.values().collect(),
        _ => return Err(refused(DropReason::Malformed)),
    };
    let mut lines: Vec<ProposedLine> = Vec::new();
    for entry in entries.iter().take(MAX_READ_LINES) {
        lines.push(read_line(entry, request).ok_or_else(|| refused(DropReason::Malformed))?);
    }
    let ends = lines.last().is_some_and(|line| line.role == Role::Cta);
    let mut primary_text = text_of(entry, &["primary_text", "primaryText", "text"]);
    if primary_text.is_empty() {
        // Nothing but the end tells a script from one that was cut off behind a whole line.
        if !ends {
            return Err(refused(DropReason::CutOff));
        }
        primary_text = composed_text(&lines, request);
    }
    let last = lines.len().saturating_sub(1);
    for (idx, line) in lines.iter_mut().enumerate() {
        line.role = match line.role {
            _ if idx == 0 => Role::Hook,
            _ if idx == last => Role::Cta,
            Role::Proof if !line.rests_on.is_empty() => Role::Proof,
            _ => Role::Body,
        };
    }
    let wanted = request.wishes.get(wish).map(|wanted| wanted.structure);
    let structure = structure_of(entry).or(wanted).ok_or_else(|| refused(DropReason::Malformed))?;
    let cited = text_of(entry, &["learned_from"]);
    let known = request.cases.iter().any(|case| case.id == cited);
    Ok(ProposedScript {
        wish,
        structure,
        idea: text_of(entry, &["idea"]).chars().take(MAX_IDEA).collect(),
        learned_from: known.then_some(cited),
        lines,
        primary_text,
        model: model.to_owned(),
    })
}

/// The text beside the video from the first, the second and the last line.
fn composed_text(lines: &[ProposedLine], request: &ScriptRequest<'_>) -> String {
    let join = if request.brief.locale == Locale::ZhCn { "" } else { " " };
    let mut text = String::new();
    for line in [lines.first(), lines.get(1), lines.last()].into_iter().flatten() {
        let part = if line.voice.is_empty() { line.caption.as_str() } else { line.voice.as_str() };
        if text.chars().count() + part.chars().count() < request.limits.primary_text {
            if !text.is_empty() {
                text.push_str(join);
            }
            text.push_str(part);
        }
    }
    text
}

fn read_line(entry: &Value, request: &ScriptRequest<'_>) -> Option<ProposedLine> {
    if let Value::String(caption) = entry {
        let caption = caption.trim().to_owned();
        let rests_on = facts_said(&caption, request);
        let (detail, voice, picture) = (String::new(), String::new(), String::new());
        return Some(ProposedLine { role: Role::Body, caption, detail, voice, picture, rests_on });
    }
    let caption = ["caption", "text"].iter().find_map(|name| entry.get(*name))?.as_str()?.trim().to_owned();
    let detail = text_of(entry, &["detail"]);
    let given = ["rests_on", "facts", "fact_ids"].iter().find_map(|name| entry.get(*name));
    let mut rests_on = match given {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::String(id)) if id.trim().is_empty() => Vec::new(),
        Some(Value::String(id)) => vec![FactId::new(id.clone())],
        Some(Value::Array(ids)) => {
            ids.iter().map(|id| id.as_str().map(|id| FactId::new(id.to_owned()))).collect::<Option<_>>()?
        }
        Some(_) => return None,
    };
    if rests_on.is_empty() {
        rests_on = facts_said(&format!("{caption}\n{detail}"), request);
    }
    let role = match text_of(entry, &["role"]).to_lowercase().as_str() {
        "hook" => Role::Hook,
        "proof" => Role::Proof,
        "cta" | "close" | "call_to_action" => Role::Cta,
        _ => Role::Body,
    };
    let voice = text_of(entry, &["voice", "voiceover", "voice_over"]);
    let picture = text_of(entry, &["picture", "visual"]).chars().take(MAX_PICTURE).collect();
    Some(ProposedLine { role, caption, detail, voice, picture, rests_on })
}

/// Facts that a text says word for word: those it rests on, whether it cites them or not.
fn facts_said(text: &str, request: &ScriptRequest<'_>) -> Vec<FactId> {
    let said = folded(text);
    let facts = request.brief.product.facts.iter();
    facts.filter(|fact| said.contains(&folded(&fact.text))).map(|fact| fact.id.clone()).collect()
}

/// Decides about scripts of one request.
pub struct Checker<'a> {
    request: &'a ScriptRequest<'a>,
    /// Letters of the rules in a row, to tell an echo of them.
    rules: String,
}

impl<'a> Checker<'a> {
    /// A checker of scripts that answer `request`.
    #[must_use]
    pub fn new(request: &'a ScriptRequest<'a>) -> Self {
        Self { request, rules: comparison_key(&Prompt::new(request).system) }
    }

    /// Checks one script against the request and the scripts accepted before it; repeated fact ids
    /// are removed.
    ///
    /// # Errors
    /// The first [`Refusal`] that applies.
    pub fn check(
        &self,
        mut script: ProposedScript,
        accepted: &[ProposedScript],
    ) -> Result<ProposedScript, Refusal> {
        let wish = script.wish;
        let refused = |line: Option<usize>, reason: DropReason| Refusal { wish, line, reason };
        if !WHOLE_LINES.contains(&script.lines.len()) {
            return Err(refused(None, DropReason::LineCount));
        }
        let roles_fit = script.lines.first().is_some_and(|line| line.role == Role::Hook)
            && script.lines.last().is_some_and(|line| line.role == Role::Cta);
        if !roles_fit || wish >= self.request.wishes.len() {
            return Err(refused(None, DropReason::Malformed));
        }
        for (line, number) in script.lines.iter_mut().zip(1..) {
            let mut seen = BTreeSet::new();
            line.rests_on.retain(|id| seen.insert(id.clone()));
            self.check_line(line).map_err(|reason| refused(Some(number), reason))?;
        }
        self.check_whole(&script).map_err(|reason| refused(None, reason))?;
        self.check_openings(&script, accepted).map_err(|reason| refused(None, reason))?;
        Ok(script)
    }

    /// Checks the opening line of a script, the rest of which is not the model's.
    ///
    /// # Errors
    /// The first [`DropReason`] that applies.
    pub fn check_opening(
        &self,
        script: &ProposedScript,
        accepted: &[ProposedScript],
    ) -> Result<(), DropReason> {
        let opening = script.lines.first().ok_or(DropReason::LineCount)?;
        self.check_line(opening)?;
        self.check_openings(script, accepted)
    }

    fn check_line(&self, line: &ProposedLine) -> Result<(), DropReason> {
        let limits = self.request.limits;
        if line.caption.is_empty() {
            return Err(DropReason::BlankCaption);
        }
        let longest = match line.role {
            Role::Hook => limits.hook,
            Role::Body | Role::Proof => limits.inner,
            Role::Cta => limits.close,
        };
        for (text, longest) in
            [(&line.caption, longest), (&line.detail, limits.detail), (&line.voice, limits.voice)]
        {
            if text.chars().count() > longest {
                return Err(DropReason::TooLong);
            }
            self.check_text(text)?;
        }
        check_hostile(&line.picture, &self.rules, self.request.brief.locale)?;
        let sources = self.sources(&line.rests_on)?;
        for text in [&line.caption, &line.detail, &line.voice] {
            self.check_figures(text, &sources)?;
        }
        Ok(())
    }

    /// What holds for every text that the audience gets.
    fn check_text(&self, text: &str) -> Result<(), DropReason> {
        let brief = self.request.brief;
        check_hostile(text, &self.rules, brief.locale)?;
        let about = folded(&format!("{} {}", brief.product.name, brief.product.category));
        let talks = MACHINE_TALK.iter().any(|talk| holds_term(text, talk) && !about.contains(talk));
        if talks || speaks_to_a_program(text) {
            return Err(DropReason::MachineTalk);
        }
        if objection(brief, text).is_some() { Err(DropReason::BannedWord) } else { Ok(()) }
    }

    fn check_figures(&self, text: &str, sources: &[&str]) -> Result<(), DropReason> {
        let foreign = unstated(text, sources, self.request.brief.locale);
        if foreign.is_empty() { Ok(()) } else { Err(DropReason::ForeignFigure) }
    }

    fn check_whole(&self, script: &ProposedScript) -> Result<(), DropReason> {
        let brief = self.request.brief;
        let cited: Vec<FactId> = script.lines.iter().flat_map(|line| line.rests_on.clone()).collect();
        if cited.is_empty() {
            return Err(DropReason::NoFact);
        }
        if script.primary_text.chars().count() > self.request.limits.primary_text {
            return Err(DropReason::TooLong);
        }
        self.check_text(&script.primary_text)?;
        self.check_figures(&script.primary_text, &self.all_sources(&cited))?;
        check_hostile(&script.idea, &self.rules, brief.locale)?;
        let shown: Vec<&str> = script
            .lines
            .iter()
            .flat_map(|line| [line.caption.as_str(), line.detail.as_str(), line.voice.as_str()])
            .chain([script.primary_text.as_str()])
            .collect();
        let names = [brief.brand.name.as_str(), brief.product.name.as_str(), brief.spoken_name()];
        if speaks(&shown.join("\n"), &names, brief.locale) { Ok(()) } else { Err(DropReason::Language) }
    }

    fn check_openings(&self, script: &ProposedScript, accepted: &[ProposedScript]) -> Result<(), DropReason> {
        let captions: Vec<String> = script.lines.iter().map(|line| comparison_key(&line.caption)).collect();
        let different: BTreeSet<&String> = captions.iter().collect();
        if different.len() < captions.len() {
            return Err(DropReason::Duplicate);
        }
        let opening = captions.first().map(String::as_str).unwrap_or_default();
        if self.request.avoid.iter().any(|caption| comparison_key(caption) == opening) {
            return Err(DropReason::Avoided);
        }
        let opens_alike = |known: &ProposedScript| {
            known.lines.first().is_some_and(|line| comparison_key(&line.caption) == opening)
        };
        if accepted.iter().any(opens_alike) { Err(DropReason::Duplicate) } else { Ok(()) }
    }

    /// Texts whose quantities a line may state that rests on `cited`.
    fn sources(&self, cited: &[FactId]) -> Result<Vec<&str>, DropReason> {
        let known = cited.iter().all(|id| self.request.brief.fact(id).is_some());
        if !known || cited.len() > MAX_FACTS_PER_LINE {
            return Err(DropReason::UnknownFact);
        }
        Ok(self.all_sources(cited))
    }

    fn all_sources(&self, cited: &[FactId]) -> Vec<&str> {
        let brief = self.request.brief;
        let names = [
            brief.brand.name.as_str(),
            brief.product.name.as_str(),
            brief.product.category.as_str(),
            brief.spoken_name(),
        ];
        let prices = brief.product.facts.iter().filter(|fact| fact.kind == FactKind::Price);
        let cited = cited.iter().filter_map(|id| brief.fact(id));
        let said = self.request.offer_phrases.iter().chain(&brief.must_say);
        names
            .into_iter()
            .chain(prices.chain(cited).map(|fact| fact.text.as_str()))
            .chain(said.map(String::as_str))
            .collect()
    }
}

fn summary(refusals: &[Refusal]) -> String {
    let different: BTreeSet<&Refusal> = refusals.iter().collect();
    if different.is_empty() {
        return "the list is empty".to_owned();
    }
    different.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// Whether texts are in the language of the locale as far as their script tells: more than half of the
/// letters, names aside, are Han in Chinese; nearly all are Latin in English.
fn speaks(text: &str, names: &[&str], locale: Locale) -> bool {
    let mut text = text.to_owned();
    for name in names.iter().filter(|name| !name.is_empty()) {
        text = text.replace(name, " ");
    }
    let letters: Vec<char> = text.chars().filter(|c| c.is_alphabetic()).collect();
    let han = letters.iter().filter(|c| is_han(**c)).count();
    if locale == Locale::ZhCn {
        return han * 2 > letters.len();
    }
    let latin = letters.iter().filter(|c| c.is_ascii_alphabetic()).count();
    han == 0 && latin * 10 >= letters.len() * 9
}

#[cfg(test)]
mod tests;
