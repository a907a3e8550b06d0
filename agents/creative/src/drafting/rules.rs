//! What a script must keep before it is taken, whoever wrote it: the critique, and what the copy engine
//! keeps by construction.

use spotwright_core::ports::letters::{Letters, undrawable_message};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::{Role, Script};
use spotwright_schemas::wording::folded;

use crate::copywriter::price_now;
use crate::critique::{Check, Finding, Severity, critique};
use crate::promise;

/// Longest reading of a script in seconds, with some patience.
const MAX_SECONDS: f64 = 20.0;

/// Shots within which another writer names the product, as the prompts ask for; the copy engine is held to
/// [`promise::named_within`].
const NAMED_WITHIN: usize = 3;

/// Everything that is wrong, or worth knowing, about a script that another writer proposed.
pub(super) fn findings(
    brief: &Brief,
    script: &Script,
    accepted: &[Script],
    avoid: &[String],
    letters: &dyn Letters,
) -> Vec<Finding> {
    let mut findings = critique(brief, script, accepted).findings;
    findings.extend(unnamed(brief, script));
    findings.extend(unsaid(brief, script));
    findings.extend(without_offer(brief, script));
    findings.extend(too_long(brief, script));
    findings.extend(undrawable(script, letters));
    findings.extend(repeats(script, accepted, avoid));
    findings
}

/// The findings that stop a script, as a writer reads them.
pub(super) fn in_words(findings: &[Finding]) -> Vec<String> {
    let stopping = findings.iter().filter(|finding| finding.severity == Severity::Error);
    let worded = stopping.map(|finding| {
        let part = match finding.role {
            Some(Role::Hook) => "opening line: ",
            Some(Role::Cta) => "last line: ",
            Some(Role::Body | Role::Proof) => "middle lines: ",
            None => "",
        };
        let subject = if finding.subject.is_empty() || finding.check == Check::Duplicate {
            String::new()
        } else {
            format!(" ({})", finding.subject)
        };
        format!("{part}{}{subject}", finding.message)
    });
    worded.take(12).collect()
}

fn stops(check: Check, rule: &str, role: Option<Role>, subject: String, message: String) -> Finding {
    Finding {
        check,
        rule: rule.to_owned(),
        severity: Severity::Error,
        role,
        subject,
        message,
        law: String::new(),
        span: None,
        rewrite: String::new(),
    }
}

/// The product is named within the first shots.
fn unnamed(brief: &Brief, script: &Script) -> Option<Finding> {
    let named = promise::names_the_product(brief, promise::shown(script, NAMED_WITHIN));
    (!named).then(|| {
        let message = format!("no caption of the first {NAMED_WITHIN} shots names the product");
        stops(Check::Brand, "product_unnamed", None, brief.spoken_name().to_owned(), message)
    })
}

/// Every text that must be said stands on the screen.
fn unsaid(brief: &Brief, script: &Script) -> Vec<Finding> {
    promise::unsaid(brief, script)
        .into_iter()
        .map(|text| {
            let message = "a text that every script must show word for word is missing".to_owned();
            stops(Check::Brand, "must_say", None, text.to_owned(), message)
        })
        .collect()
}

/// The offer's price, or a price or offer of the facts, stands in the script.
fn without_offer(brief: &Brief, script: &Script) -> Option<Finding> {
    if let Some(price) = price_now(brief) {
        let is_said = script.lines.iter().any(|line| promise::line_states(line, &price, brief.locale));
        return (!is_said).then(|| {
            let message = "the price of the offer stands in no caption or detail".to_owned();
            stops(Check::Brand, "offer_missing", Some(Role::Cta), price, message)
        });
    }
    let carried = script.lines.iter().any(|line| promise::rests_on_a_term(brief, line));
    (promise::has_terms(brief) && !carried).then(|| {
        let message = "no line carries a price or an offer of the facts".to_owned();
        stops(Check::Brand, "offer_missing", Some(Role::Cta), String::new(), message)
    })
}

/// A viewer reads 7 Chinese characters or 3 words a second, and every shot takes a second and a half.
fn too_long(brief: &Brief, script: &Script) -> Option<Finding> {
    let seconds = |text: &str| {
        let needed = if brief.locale == Locale::ZhCn {
            text.chars().filter(|c| c.is_alphanumeric()).count() as f64 / 7.0
        } else {
            text.split_whitespace().count() as f64 / 3.0
        };
        needed.max(1.5)
    };
    let reading: f64 =
        script.lines.iter().map(|line| seconds(&format!("{} {}", line.caption, line.detail))).sum();
    (reading > MAX_SECONDS).then(|| {
        let message =
            format!("reading the captions takes {reading:.0} seconds; {MAX_SECONDS:.0} are too many");
        stops(Check::Schema, "reading_time", None, String::new(), message)
    })
}

/// Letters that no font at hand can draw.
pub(super) fn undrawable(script: &Script, letters: &dyn Letters) -> Vec<Finding> {
    let mut findings = Vec::new();
    for line in &script.lines {
        let missing = letters.undrawable(&format!("{} {}", line.caption, line.detail));
        if !missing.is_empty() {
            let subject = missing.iter().collect();
            let message = undrawable_message(&missing);
            findings.push(stops(Check::Schema, "undrawable", Some(line.role), subject, message));
        }
    }
    findings
}

/// Two scripts share at most one line and never open alike; no opening of before comes again.
pub(super) fn repeats(script: &Script, accepted: &[Script], avoid: &[String]) -> Vec<Finding> {
    let line = |caption: &str, detail: &str| folded(&format!("{caption}\n{detail}"));
    let own: Vec<String> = script.lines.iter().map(|known| line(&known.caption, &known.detail)).collect();
    let caption = script.lines.first().map(|line| line.caption.clone()).unwrap_or_default();
    let opening = folded(&caption);
    let opens_alike =
        |known: &Script| known.lines.first().is_some_and(|line| folded(&line.caption) == opening);
    let mut findings = Vec::new();
    if avoid.iter().any(|used| folded(used) == opening) || accepted.iter().any(opens_alike) {
        let message = "the opening caption was used before".to_owned();
        findings.push(stops(Check::Duplicate, "caption_used", Some(Role::Hook), caption, message));
    }
    for known in accepted {
        let shared =
            known.lines.iter().filter(|other| own.contains(&line(&other.caption, &other.detail))).count();
        if shared > 1 {
            let message = format!("{shared} lines stand in another script, too; at most one may");
            findings.push(stops(Check::Duplicate, "shared_lines", None, shared.to_string(), message));
            break;
        }
    }
    findings
}
