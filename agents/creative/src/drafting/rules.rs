//! What a script must keep before it is taken, whoever wrote it: the critique, and what the copy engine
//! keeps by construction.

use spotwright_core::domain::copy_rules::quantity::unstated;
use spotwright_core::ports::letters::{Letters, undrawable_message};
use spotwright_schemas::brief::{Brief, FactKind};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::{Role, Script};
use spotwright_schemas::wording::folded;

use crate::copywriter::price_now;
use crate::critique::{Check, Finding, Severity, critique};

/// Longest reading of a script in seconds, with some patience.
const MAX_SECONDS: f64 = 20.0;

/// Shots within which the product has its name.
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

/// Captions and details of a script's first `shots` shots.
fn shown(script: &Script, shots: usize) -> impl Iterator<Item = &str> {
    script.lines.iter().take(shots).flat_map(|line| [line.caption.as_str(), line.detail.as_str()])
}

/// The product is named within three shots.
fn unnamed(brief: &Brief, script: &Script) -> Option<Finding> {
    let names = [brief.spoken_name(), brief.product.name.as_str(), brief.brand.name.as_str()].map(folded);
    let named = shown(script, NAMED_WITHIN)
        .map(folded)
        .any(|text| names.iter().any(|name| text.contains(name.as_str())));
    (!named).then(|| {
        let message = format!("no caption of the first {NAMED_WITHIN} shots names the product");
        stops(Check::Brand, "product_unnamed", None, brief.spoken_name().to_owned(), message)
    })
}

/// Every text that must be said stands on the screen.
fn unsaid(brief: &Brief, script: &Script) -> Vec<Finding> {
    let missing = brief
        .must_say
        .iter()
        .filter(|text| !shown(script, usize::MAX).any(|said| said.contains(text.as_str())));
    missing
        .map(|text| {
            let message = "a text that every script must show word for word is missing".to_owned();
            stops(Check::Brand, "must_say", None, text.clone(), message)
        })
        .collect()
}

/// The offer's price, or a price or offer of the facts, stands in the script.
fn without_offer(brief: &Brief, script: &Script) -> Option<Finding> {
    let texts: Vec<&str> = shown(script, usize::MAX).collect();
    if let Some(price) = price_now(brief) {
        let said = folded(&texts.join("\n")).contains(&folded(&price));
        let stated = unstated(&price, &[], brief.locale).is_empty();
        let is_said = said || (!stated && unstated(&price, &texts, brief.locale).is_empty());
        return (!is_said).then(|| {
            let message = "the price of the offer stands in no caption or detail".to_owned();
            stops(Check::Brand, "offer_missing", Some(Role::Cta), price, message)
        });
    }
    let sells = |kind: FactKind| matches!(kind, FactKind::Price | FactKind::Offer);
    if !brief.product.facts.iter().any(|fact| sells(fact.kind)) {
        return None;
    }
    let cited = script.lines.iter().flat_map(|line| &line.rests_on);
    let carried = cited.filter_map(|id| brief.fact(id)).any(|fact| sells(fact.kind));
    (!carried).then(|| {
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
