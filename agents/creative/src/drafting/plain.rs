//! Scripts for briefs whose few facts carry no structure: four labelled lines of facts and names.
//!
//! Nothing here is authored, so nothing can be out of place: a fact opens, the product has its name, a
//! second fact or the brand stands behind it, and the price or the button ends it.

use spotwright_core::domain::copy_rules::terms::objection;
use spotwright_schemas::brief::{Brief, Fact, FactId, FactKind};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::{Angle, Direction, Hook, Line, Provenance, Role, Script};

use crate::copy_engine::{PROVIDER, limits};
use crate::copywriter::price_now;
use crate::critique::MAX_PRIMARY_TEXT;
use crate::text::length;

/// What the provenance of these lines names.
const SOURCE: &str = "fact";

/// A caption, a detail and the facts they say.
type Said<'a> = (&'a str, &'a str, Vec<&'a Fact>);

/// One script for every fact that can open one; none where no name fits a line.
pub(super) fn scripts(brief: &Brief) -> Vec<Script> {
    let facts: Vec<&Fact> =
        brief.product.facts.iter().filter(|fact| objection(brief, &fact.text).is_none()).collect();
    (0..facts.len()).filter_map(|turn| script(brief, &facts, turn)).collect()
}

/// From which side a fact approaches.
pub(crate) const fn angle_of_fact(kind: FactKind) -> Angle {
    match kind {
        FactKind::Feature | FactKind::Benefit => Angle::Benefit,
        FactKind::Proof => Angle::Proof,
        FactKind::Price | FactKind::Offer => Angle::Offer,
        FactKind::Origin => Angle::Story,
        FactKind::Problem => Angle::Problem,
        FactKind::Moment => Angle::Moment,
    }
}

fn script(brief: &Brief, facts: &[&Fact], turn: usize) -> Option<Script> {
    let first = *facts.get(turn)?;
    let others: Vec<&Fact> = facts.iter().copied().cycle().skip(turn + 1).take(facts.len() - 1).collect();
    let sold = |fact: &&&Fact| matches!(fact.kind, FactKind::Price | FactKind::Offer);
    let told: Vec<&Fact> = others.iter().filter(|fact| !sold(fact)).copied().collect();
    let (name, brand) = (brief.spoken_name(), brief.brand.name.as_str());
    let category = brief.product.category.as_str();
    let hook: Said<'_> = fitting(
        brief,
        Role::Hook,
        &[(first.text.as_str(), "", vec![first]), (name, first.text.as_str(), vec![first])],
    )?;
    let second = told.first().copied();
    let mut bodies: Vec<Said<'_>> = Vec::new();
    if let Some(fact) = second {
        bodies.push((name, fact.text.as_str(), vec![fact]));
        bodies.push((fact.text.as_str(), name, vec![fact]));
    }
    bodies.extend([(name, category, vec![]), (category, name, vec![]), (brand, name, vec![])]);
    bodies.retain(|(caption, ..)| *caption != hook.0);
    let body = fitting(brief, Role::Body, &bodies)?;
    let third = told.get(1).copied();
    let mut proofs: Vec<Said<'_>> = Vec::new();
    if let Some(fact) = third {
        proofs.push((fact.text.as_str(), "", vec![fact]));
        proofs.push((brand, fact.text.as_str(), vec![fact]));
    }
    proofs.extend([(brand, "", vec![]), (category, "", vec![]), (name, "", vec![])]);
    proofs.retain(|(caption, ..)| *caption != hook.0 && *caption != body.0);
    let proof = fitting(brief, Role::Proof, &proofs)?;
    let label = brief.call_to_action.label(brief.locale);
    let now = price_now(brief);
    let price = others.iter().find(|fact| sold(fact)).copied();
    let mut closes: Vec<Said<'_>> = Vec::new();
    if let Some(now) = &now {
        closes.push((now.as_str(), label, vec![]));
    }
    if let Some(fact) = price {
        closes.push((fact.text.as_str(), label, vec![fact]));
        closes.push((label, fact.text.as_str(), vec![fact]));
    }
    closes.push((label, name, vec![]));
    closes.push((label, "", vec![]));
    let close = fitting(brief, Role::Cta, &closes)?;
    let mut lines = vec![
        line(brief, Role::Hook, &hook),
        line(brief, Role::Body, &body),
        line(brief, Role::Proof, &proof),
        line(brief, Role::Cta, &close),
    ];
    say_wishes(brief, &mut lines);
    let direction = Direction { angle: angle_of_fact(first.kind), hook: Hook::Statement };
    let primary_text = primary_text(brief, first);
    Some(Script {
        locale: brief.locale,
        direction,
        structure: None,
        idea: String::new(),
        learned_from: None,
        lines,
        primary_text,
    })
}

/// The first choice that fits the line.
fn fitting<'a>(brief: &Brief, role: Role, choices: &[Said<'a>]) -> Option<Said<'a>> {
    let limits = limits(brief.locale, role);
    let fits = |said: &&Said<'a>| length(said.0) <= limits.caption && length(said.1) <= limits.detail;
    choices.iter().find(fits).cloned()
}

fn line(brief: &Brief, role: Role, (caption, detail, facts): &Said<'_>) -> Line {
    let chinese = brief.locale == Locale::ZhCn;
    let stop = if chinese { "。" } else { "." };
    let ends = |text: &str| text.ends_with(['.', '!', '?', '。', '！', '？', '…']);
    let mut voice = String::new();
    for part in [*caption, *detail].into_iter().filter(|part| !part.is_empty()) {
        if !voice.is_empty() && !chinese {
            voice.push(' ');
        }
        voice.push_str(part);
        if !ends(part) {
            voice.push_str(stop);
        }
    }
    let rests_on: Vec<FactId> = facts.iter().map(|fact| fact.id.clone()).collect();
    Line {
        role,
        caption: (*caption).to_owned(),
        detail: (*detail).to_owned(),
        voice,
        picture: String::new(),
        rests_on,
        provenance: Provenance {
            provider: PROVIDER.to_owned(),
            model: SOURCE.to_owned(),
            prompt_hash: String::new(),
            fallback: false,
        },
    }
}

/// Puts texts that every script must show under the captions that have room.
fn say_wishes(brief: &Brief, lines: &mut [Line]) {
    for text in &brief.must_say {
        let said = lines.iter().any(|line| line.caption.contains(text) || line.detail.contains(text));
        if said {
            continue;
        }
        if let Some(line) = lines.iter_mut().rev().find(|line| line.detail.is_empty()) {
            line.detail.clone_from(text);
        }
    }
}

/// The text beside the video: product, brand and the fact that opens the script.
fn primary_text(brief: &Brief, fact: &Fact) -> String {
    let (product, brand) = (&brief.product.name, &brief.brand.name);
    let action = brief.call_to_action.label(brief.locale);
    let text = fact.text.trim_end_matches(['.', '。']);
    let whole = if brief.locale == Locale::ZhCn {
        format!("{brand}{product}：{text}。{action}")
    } else {
        format!("{product} by {brand}. {text}. {action}.")
    };
    if length(&whole) <= MAX_PRIMARY_TEXT { whole } else { product.clone() }
}
