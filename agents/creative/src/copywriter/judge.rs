//! What a script must keep before it leaves the engine, and which of two is better.

use std::collections::BTreeSet;
use std::rc::Rc;

use spotwright_schemas::brief::{FactId, FactKind};
use spotwright_schemas::script::{Line, Role, Script, Structure};
use spotwright_schemas::{Language, Locale};

use super::material::{Claim, Material};
use super::structures::{Builder, Built, Shot};
use super::weighed::Weighed;
use crate::copy_engine::limits as limits_of;
use crate::critique::MAX_PRIMARY_TEXT;
use crate::promise;
use crate::text::length;
use spotwright_schemas::wording::{folded, is_han};

/// How often a content word may stand in the captions of one script, the product's name and
/// what it is called by name and kind aside.
const MAX_REPEATS: usize = 2;
/// Content units that a fact may have in common with the list of an offer, less one.
const MOST_LISTED: usize = 3;
/// Longest reading of a script: seconds of 15 that captions may ask for.
const MAX_SECONDS: f64 = 15.0;

/// Longest voice of a script and of one of its lines in seconds at its own pace: with the moments between the
/// lines and a pace of at most 1.2 it fits the longest ad, 20 seconds.
const MAX_SPOKEN_SECONDS: f64 = 21.0;
const MAX_LINE_SECONDS: f64 = 10.0;
/// Seconds of voice of a script that has room to breathe.
const EASY_SPOKEN_SECONDS: f64 = 15.0;

/// Seconds a viewer needs for the words on screen: 5 Chinese characters or 3 words a second, and at
/// least one and a half for a shot.
pub(super) fn seconds(locale: Locale, text: &str) -> f64 {
    let needed = match locale.language() {
        Language::Chinese => text.chars().filter(|c| c.is_alphanumeric()).count() as f64 / 7.0,
        Language::English => text.split_whitespace().count() as f64 / 3.0,
    };
    needed.max(1.5)
}

/// Longest caption and detail of an inner shot in characters.
pub(super) const fn limits(locale: Locale) -> [usize; 2] {
    match locale.language() {
        Language::Chinese => [28, 60],
        Language::English => [56, 72],
    }
}

/// Puts a text that every script must say into the script that does not say it yet: the fact that
/// holds it as a shot of its own before the last; the brand's name below the first shot with room; a
/// disclaimer below the last.
pub(super) fn add_must_say(builder: &Builder<'_, '_>, built: &mut Built) {
    let material = builder.material;
    for (text, wanted) in material.brief.must_say.iter().zip(&material.must_say) {
        if says(built, wanted) {
            continue;
        }
        let fact = material
            .required
            .iter()
            .filter_map(|at| material.claims.get(*at))
            .find(|claim| claim.folded.contains(wanted.as_str()));
        let before_last = built.shots.len().saturating_sub(1);
        if fact.is_some_and(|claim| says_as_the_close(material, claim, built)) {
            continue;
        }
        if let Some(claim) = fact {
            built.shots.insert(before_last, builder.fact_shot(claim));
            built.loose += 0.5;
            continue;
        }
        if material.brief.brand.name.contains(text.as_str()) {
            // Not below a trouble, which would be laid at the brand's door.
            let free = |shot: &Shot| shot.detail.is_empty();
            let inner = built.shots.iter().skip(1).position(free).map(|at| at + 1);
            let at = inner.or_else(|| built.shots.iter().position(free));
            if let Some(shot) = at.and_then(|at| built.shots.get_mut(at)) {
                shot.detail.clone_from(text);
                continue;
            }
        }
        let Some(last) = built.shots.last_mut() else { continue };
        let (point, join) = if material.is_chinese() { ("。", "") } else { (".", " ") };
        let separator = if material.is_chinese() { "。" } else { ". " };
        let kept = last.detail.trim_end_matches(['.', '。']).to_owned();
        last.detail = if kept.is_empty() { text.clone() } else { format!("{kept}{separator}{text}") };
        let limit = limits_of(material.brief.locale, last.role).detail;
        if length(&last.detail) > limit {
            last.detail.clone_from(text);
        }
        last.voice = format!("{}{join}{text}{point}", last.voice);
    }
    builder.part_pictures(&mut built.shots);
}

/// A term that must be said and names the price of now stands for the price of the last line, so that
/// the price is not said twice.
fn says_as_the_close(material: &Material<'_>, claim: &Claim<'_>, built: &mut Built) -> bool {
    let locale = material.brief.locale;
    let names_the_price =
        material.offer.now.as_ref().is_some_and(|now| promise::states_price(&claim.fact.text, now, locale));
    let fits = length(&claim.fact.text) <= limits_of(material.brief.locale, Role::Cta).caption;
    let Some(last) = built.shots.last_mut().filter(|_| names_the_price && fits) else { return false };
    last.voice = last.voice.replacen(&last.caption, &claim.fact.text, 1);
    last.caption.clone_from(&claim.fact.text);
    if !last.facts.contains(&claim.fact.id) {
        last.facts.push(claim.fact.id.clone());
    }
    true
}

/// Whether a script says a text, which is given folded.
fn says(built: &Built, wanted: &str) -> bool {
    built
        .shots
        .iter()
        .any(|shot| [&shot.caption, &shot.detail].into_iter().any(|line| promise::says(line, wanted)))
}

/// The lines of a script, each with what it is by itself.
fn weighed(material: &Material<'_>, built: &Built) -> Vec<Rc<Weighed>> {
    built.shots.iter().enumerate().map(|(at, shot)| material.scales.weigh(material, shot, at == 0)).collect()
}

/// How good a script is that keeps every rule that does not depend on other scripts; `None` for one that
/// breaks one.
pub(super) fn mark(material: &Material<'_>, built: &Built) -> Option<f64> {
    let n = built.shots.len();
    let last_is_close = built.shots.last().is_some_and(|shot| shot.role == Role::Cta);
    if !(4..=7).contains(&n) || !last_is_close || !names_the_product(material, built) {
        return None;
    }
    let lines = weighed(material, built);
    keeps_the_rules(material, built, &lines).then(|| score(material, built, &lines))
}

fn keeps_the_rules(material: &Material<'_>, built: &Built, lines: &[Rc<Weighed>]) -> bool {
    let locale = material.brief.locale;
    let says = |must: usize| lines.iter().any(|line| line.says.get(must).copied().unwrap_or(false));
    built.shots.iter().zip(lines).all(|(shot, line)| {
        let limits = limits_of(locale, shot.role);
        line.lengths[0] <= limits.caption && line.lengths[1] <= limits.detail
    }) && reading_seconds(lines) <= MAX_SECONDS + 3.0
        && spoken_seconds(lines) <= MAX_SPOKEN_SECONDS
        && lines.iter().all(|line| line.spoken <= MAX_LINE_SECONDS && !line.unwanted)
        && !repeats_itself(built, lines)
        && !lists_the_offer_twice(built, lines)
        && (0..material.must_say.len()).all(says)
}

fn reading_seconds(lines: &[Rc<Weighed>]) -> f64 {
    lines.iter().map(|line| line.reading).sum()
}

fn spoken_seconds(lines: &[Rc<Weighed>]) -> f64 {
    lines.iter().map(|line| line.spoken).sum()
}

/// The product is named within the first shots.
fn names_the_product(material: &Material<'_>, built: &Built) -> bool {
    let first = || {
        let shots = built.shots.iter().take(promise::named_within(material.brief));
        shots.flat_map(|shot| [shot.caption.as_str(), shot.detail.as_str()])
    };
    // Nearly every line that the engine writes says a name as it is written, which the plain search tells
    // fastest.
    let plain =
        |text: &str| text.contains(material.name.as_ref()) || text.contains(&material.brief.brand.name);
    first().any(plain) || promise::names_the_product(material.brief, first())
}

fn repeats_itself(built: &Built, lines: &[Rc<Weighed>]) -> bool {
    let twice =
        |(at, shot): (usize, &Shot)| built.shots.iter().take(at).any(|other| other.caption == shot.caption);
    if built.shots.iter().enumerate().any(twice) {
        return true;
    }
    let mut words: Vec<u32> = lines.iter().flat_map(|line| line.words.iter().copied()).collect();
    words.sort_unstable();
    // A line holds each of its words once, so that a run counts lines.
    words.windows(MAX_REPEATS + 1).any(|run| run.first() == run.last())
}

/// Whether a fact lists what the offer's list of contents says as well.
fn lists_the_offer_twice(built: &Built, lines: &[Rc<Weighed>]) -> bool {
    let inner = |shot: &Shot| shot.role != Role::Cta && shot.source != "offer";
    built.shots.iter().zip(lines).any(|(shot, line)| line.listed >= MOST_LISTED && inner(shot))
}

/// Whether a script opens otherwise than what is to be avoided and shares at most one line with
/// every script written before it.
pub(super) fn differs(material: &Material<'_>, built: &Built, written: &[Script], avoid: &[String]) -> bool {
    // Where there are few facts every script says them all; then how they are said must differ.
    let sparse = super::sparse::is_sparse(material);
    let own: Vec<(&str, &str)> =
        built.shots.iter().map(|shot| (shot.caption.as_str(), shot.detail.as_str())).collect();
    let Some((opening, _)) = own.first().copied() else { return false };
    if !avoid.is_empty() && avoid.iter().any(|caption| folded(caption) == folded(opening)) {
        return false;
    }
    written.iter().all(|script| {
        let known = |line: &&Line| own.contains(&(line.caption.as_str(), line.detail.as_str()));
        let shared = script.lines.iter().filter(known).count();
        let opens_alike = script.lines.first().is_some_and(|line| line.caption == opening);
        shared <= 1 && !opens_alike && (sparse || !rests_alike(built, script))
    })
}

/// The words of a script as it is read: single Han characters, whole words otherwise.
pub(super) fn text_of(built: &Built) -> BTreeSet<String> {
    let mut words: BTreeSet<String> = BTreeSet::new();
    for text in built.shots.iter().flat_map(|shot| [&shot.caption, &shot.detail]) {
        let mut run = String::new();
        for c in text.to_lowercase().chars().chain([' ']) {
            if c.is_alphanumeric() && !is_han(c) {
                run.push(c);
                continue;
            }
            if !run.is_empty() {
                words.insert(std::mem::take(&mut run));
            }
            if is_han(c) {
                words.insert(c.to_string());
            }
        }
    }
    words
}

/// The share of words that two scripts have in common, in [0, 1].
pub(super) fn likeness(one: &BTreeSet<String>, other: &BTreeSet<String>) -> f64 {
    let all = one.union(other).count();
    if all == 0 { 1.0 } else { one.intersection(other).count() as f64 / all as f64 }
}

/// Whether two scripts say the same facts between opening and close: the same idea in another order.
fn rests_alike(built: &Built, script: &Script) -> bool {
    let own: BTreeSet<&FactId> =
        built.shots.iter().filter(|shot| shot.role != Role::Cta).flat_map(|shot| &shot.facts).collect();
    let known: BTreeSet<&FactId> =
        script.lines.iter().filter(|line| line.role != Role::Cta).flat_map(|line| &line.rests_on).collect();
    own == known
}

/// How good a script is: that it hangs together above all, a proof, a benefit, a short opening, room
/// to read.
fn score(material: &Material<'_>, built: &Built, lines: &[Rc<Weighed>]) -> f64 {
    let facts = || built.shots.iter().flat_map(|shot| &shot.facts).filter_map(|id| material.brief.fact(id));
    let has = |kind: FactKind| f64::from(u8::from(facts().any(|fact| fact.kind == kind)));
    let (proof, benefit) = (has(FactKind::Proof), has(FactKind::Benefit));
    let over = (reading_seconds(lines) - MAX_SECONDS).max(0.0);
    let hurried = (spoken_seconds(lines) - EASY_SPOKEN_SECONDS).max(0.0);
    let first = lines.first().map_or(0, |line| line.lengths[0]);
    let opening = first as f64 / limits(material.brief.locale)[0] as f64;
    0.4 * proof + 0.3 * benefit + offer_bonus(material, built)
        - 1.5 * built.loose
        - 0.8 * over
        - 0.3 * hurried
        - 0.3 * opening
}

/// A price that was higher before is a reason to come; for a place around the corner it is the reason.
fn offer_bonus(material: &Material<'_>, built: &Built) -> f64 {
    use spotwright_schemas::brief::Vertical::{HealthServices, LocalServices, Restaurant, Travel};
    let opens_with_it = built.structure == Structure::OfferFirst && material.offer.before.is_some();
    let local = matches!(material.vertical, Restaurant | LocalServices | HealthServices | Travel);
    match (opens_with_it, local) {
        (false, _) => 0.0,
        (true, false) => 0.75,
        (true, true) => 1.5,
    }
}

/// The text beside the video: the idea's two lines and the offer.
pub(super) fn primary_text(material: &Material<'_>, built: &Built) -> String {
    let chinese = material.is_chinese();
    let mut text = String::new();
    for shot in [built.shots.first(), built.shots.get(1), built.shots.last()].into_iter().flatten() {
        let part = if shot.voice.is_empty() { shot.caption.as_str() } else { shot.voice.as_str() };
        let longer = length(&text) + length(part) + 1;
        if longer <= MAX_PRIMARY_TEXT {
            if !text.is_empty() && !chinese {
                text.push(' ');
            }
            text.push_str(part);
        }
    }
    text
}
