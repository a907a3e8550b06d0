//! Verdicts on scripts: shape, grounding, compliance, brand and duplicates.
//!
//! A finding of severity [`Severity::Error`] stops the script; a warning is kept for the report.

mod law;

use serde::{Deserialize, Serialize};
use spotwright_core::domain::copy_rules::addresses::foreign_address;
use spotwright_core::domain::copy_rules::names;
use spotwright_core::domain::copy_rules::quantity::unstated;
pub use spotwright_core::domain::copy_rules::terms::Severity;
use spotwright_schemas::brief::{Brief, FactKind};
use spotwright_schemas::script::{Line, Role, Script};
use spotwright_schemas::wording::holds_term;

use crate::copy_engine::{PROVIDER, limits};
use crate::copywriter;
use crate::text::{length, similarity};

/// Likeness of two opening lines above which the later script is a near duplicate.
pub const NEAR_DUPLICATE: f64 = 0.9;

/// Longest text published beside the video, in characters.
pub const MAX_PRIMARY_TEXT: usize = 220;

/// Which check made a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// Roles, lengths, characters.
    Schema,
    /// Facts, evidence, numbers.
    Grounding,
    /// Advertising law.
    Compliance,
    /// The brand's own rules.
    Brand,
    /// Likeness to the other scripts.
    Duplicate,
}

/// One thing that is wrong, or worth knowing, about a script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Which check.
    pub check: Check,
    /// Stable name of the rule, e.g. `number_not_in_facts`.
    pub rule: String,
    /// Whether it stops the script.
    pub severity: Severity,
    /// The line it is about; `None` for the whole script or the text beside the video.
    pub role: Option<Role>,
    /// The words or name it is about.
    pub subject: String,
    /// What is wrong, for people.
    pub message: String,
    /// The law behind the rule; empty where there is none.
    pub law: String,
    /// First and past-the-last character of the text at fault, where one stretch of it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<[usize; 2]>,
    /// What to say instead; empty where nothing is known or the claim has to go.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub rewrite: String,
}

/// What the critique says about a script.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// True when no finding is an error.
    pub pass: bool,
    /// All findings, in the order of the checks.
    pub findings: Vec<Finding>,
}

/// Judges a script of a brief against the scripts accepted before it.
///
/// Deterministic; costs one edit distance per script in `others`.
#[must_use]
pub fn critique(brief: &Brief, script: &Script, others: &[Script]) -> Verdict {
    let mut findings = Vec::new();
    check_shape(brief, script, &mut findings);
    for line in &script.lines {
        findings.extend(line_findings(brief, line));
    }
    check_primary_text(brief, script, &mut findings);
    check_duplicates(script, others, &mut findings);
    let pass = findings.iter().all(|finding| finding.severity != Severity::Error);
    Verdict { pass, findings }
}

/// Judges what is about a script as a whole: its shape, the text beside the video, its likeness to others.
pub(crate) fn whole_findings(brief: &Brief, script: &Script, others: &[Script]) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_shape(brief, script, &mut findings);
    check_primary_text(brief, script, &mut findings);
    check_duplicates(script, others, &mut findings);
    findings
}

/// Judges one line alone; used on proposals before a script is composed.
#[must_use]
pub fn line_findings(brief: &Brief, line: &Line) -> Vec<Finding> {
    let mut findings = Vec::new();
    check_line_shape(brief, line, &mut findings);
    check_grounding(brief, line, &mut findings);
    // The wish for a picture is shown to nobody, but asked of those who make pictures.
    for text in [&line.caption, &line.detail, &line.voice, &line.picture] {
        check_words(brief, text, Some(line.role), &mut findings);
    }
    findings
}

fn error(
    check: Check,
    rule: &str,
    role: Option<Role>,
    subject: impl Into<String>,
    message: impl Into<String>,
) -> Finding {
    Finding {
        check,
        rule: rule.to_owned(),
        severity: Severity::Error,
        role,
        subject: subject.into(),
        message: message.into(),
        law: String::new(),
        span: None,
        rewrite: String::new(),
    }
}

fn check_shape(brief: &Brief, script: &Script, findings: &mut Vec<Finding>) {
    if !script.is_in_order() {
        let roles: Vec<Role> = script.lines.iter().map(|line| line.role).collect();
        findings.push(error(
            Check::Schema,
            "roles",
            None,
            format!("{roles:?}"),
            "a script opens with a hook and ends with a call to action",
        ));
    }
    if script.locale != brief.locale {
        findings.push(error(
            Check::Schema,
            "locale",
            None,
            script.locale.tag(),
            "the script is in another language than the brief",
        ));
    }
    let count = length(&script.primary_text);
    if count == 0 || count > MAX_PRIMARY_TEXT {
        findings.push(error(
            Check::Schema,
            "primary_text_length",
            None,
            count.to_string(),
            format!("the text beside the video has 1 to {MAX_PRIMARY_TEXT} characters"),
        ));
    }
}

fn check_line_shape(brief: &Brief, line: &Line, findings: &mut Vec<Finding>) {
    let limits = limits(brief.locale, line.role);
    let role = Some(line.role);
    for (name, text, limit) in
        [("caption", &line.caption, limits.caption), ("detail", &line.detail, limits.detail)]
    {
        let count = length(text);
        if count > limit {
            findings.push(error(
                Check::Schema,
                "length",
                role,
                text.as_str(),
                format!("the {name} has {count} characters; {limit} fit"),
            ));
        }
        if text.chars().any(char::is_control) || text.trim() != text.as_str() {
            findings.push(error(
                Check::Schema,
                "characters",
                role,
                text.as_str(),
                format!("the {name} holds control characters or begins or ends with a space"),
            ));
        }
    }
    if line.caption.is_empty() {
        findings.push(error(Check::Schema, "empty_caption", role, "", "the caption is empty"));
    }
}

fn check_grounding(brief: &Brief, line: &Line, findings: &mut Vec<Finding>) {
    let role = Some(line.role);
    let own = own_sources(brief, line);
    let mut sources = shared_sources(brief);
    sources.extend(own.iter().map(String::as_str));
    for id in &line.rests_on {
        match brief.fact(id) {
            None => findings.push(error(
                Check::Grounding,
                "unknown_fact",
                role,
                id.as_str(),
                "the line rests on a fact that the brief does not have",
            )),
            Some(fact) if fact.kind.needs_evidence() && fact.evidence.is_none() => findings.push(error(
                Check::Grounding,
                "no_evidence",
                role,
                id.as_str(),
                "the fact claims something and names no evidence",
            )),
            Some(fact) => sources.push(&fact.text),
        }
    }
    for text in [&line.caption, &line.detail, &line.voice] {
        push_unproven(brief, text, &sources, role, findings);
    }
}

/// Texts beside the facts whose quantities a line may state: the offer as it is said, what must be
/// said, and the figures of an authored element, which are the viewer's and not the product's.
fn own_sources(brief: &Brief, line: &Line) -> Vec<String> {
    let mut sources: Vec<String> = brief.must_say.clone();
    sources.extend(copywriter::offer_texts(brief));
    if line.provenance.provider == PROVIDER {
        sources.extend(copywriter::authored(brief.locale, &line.provenance.model));
    }
    sources
}

/// Texts whose quantities any line may state: the names and the price.
fn shared_sources(brief: &Brief) -> Vec<&str> {
    let prices =
        brief.product.facts.iter().filter(|fact| fact.kind == FactKind::Price).map(|fact| fact.text.as_str());
    names::of(brief).into_iter().chain([brief.product.category.as_str()]).chain(prices).collect()
}

fn push_unproven(
    brief: &Brief,
    text: &str,
    sources: &[&str],
    role: Option<Role>,
    findings: &mut Vec<Finding>,
) {
    for figure in unstated(text, sources, brief.locale) {
        findings.push(error(
            Check::Grounding,
            "number_not_in_facts",
            role,
            figure,
            "no fact the line rests on states this quantity",
        ));
    }
}

fn check_words(brief: &Brief, text: &str, role: Option<Role>, findings: &mut Vec<Finding>) {
    findings.extend(law::findings(brief, text, role));
    if let Some(foreign) = foreign_address(brief, text).or_else(|| names::foreign_mark(brief, text)) {
        findings.push(error(
            Check::Brand,
            "foreign_address",
            role,
            foreign,
            "a line names no address, number, account or trade mark but the brief's own; the button leads to the page",
        ));
    }
    for word in brief.brand.banned_words.iter().chain(&brief.must_not_say) {
        if holds_term(text, word) {
            findings.push(error(
                Check::Brand,
                "banned_word",
                role,
                word.as_str(),
                "the brand does not want this word",
            ));
        }
    }
}

fn check_primary_text(brief: &Brief, script: &Script, findings: &mut Vec<Finding>) {
    check_words(brief, &script.primary_text, None, findings);
    let own: Vec<String> = script.lines.iter().flat_map(|line| own_sources(brief, line)).collect();
    let mut sources = shared_sources(brief);
    sources.extend(own.iter().map(String::as_str));
    for id in script.lines.iter().flat_map(|line| &line.rests_on) {
        if let Some(fact) = brief.fact(id) {
            sources.push(&fact.text);
        }
    }
    push_unproven(brief, &script.primary_text, &sources, None, findings);
}

/// The opening line tells scripts apart; other lines may be shared on purpose.
fn check_duplicates(script: &Script, others: &[Script], findings: &mut Vec<Finding>) {
    let opening = |script: &Script| {
        script.line(Role::Hook).map(|line| format!("{} {}", line.caption, line.detail)).unwrap_or_default()
    };
    let own = opening(script);
    for (idx, other) in others.iter().enumerate() {
        let likeness = similarity(&own, &opening(other));
        if script.full_text() == other.full_text() {
            findings.push(error(
                Check::Duplicate,
                "same_text",
                None,
                idx.to_string(),
                "another script says exactly the same",
            ));
        } else if likeness > NEAR_DUPLICATE {
            findings.push(error(
                Check::Duplicate,
                "near_duplicate",
                Some(Role::Hook),
                idx.to_string(),
                format!("the opening line is {likeness:.2} alike to that of another script"),
            ));
        }
    }
}
