//! The default language model: bilingual copy patterns filled with the facts of the brief.
//!
//! No weights, no network, no cost. The same brief and seed give the same bytes. A line holds
//! nothing but pattern words and brief texts, so it cannot invent a number or a claim; patterns
//! are authored separately for Chinese and English. With `inspiration` the engine breeds: lines
//! that share a pattern or a fact with a line that did well are preferred.

mod chinese;
mod english;
mod pattern;

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use spotwright_core::domain::copy_rules::terms::objection;
use spotwright_core::ports::language_model::{
    LanguageModel, LanguageModelError, LineRequest, Proposals, ProposedLine,
};
use spotwright_schemas::brief::{Brief, Fact, FactId, FactKind};
use spotwright_schemas::locale::{Language, Locale};
use spotwright_schemas::money::Micros;
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::{Angle, Direction, Hook, Role};
use spotwright_schemas::wording::folded;

use crate::text::{length, reading_speed};
use pattern::{Pattern, default_kinds, patterns};

/// The provider's name in provenance.
pub const PROVIDER: &str = "copy_engine";

/// How much text fits a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest caption in characters.
    pub caption: usize,
    /// Longest detail in characters; every fact of a valid brief fits.
    pub detail: usize,
    /// Characters of caption and detail that a viewer can read while the line is on screen.
    pub readable: usize,
}

/// Frames on screen of each role at 30 frames per second, in the order of [`Role::ALL`].
pub const ROLE_FRAMES: [u32; 4] = [105, 135, 105, 105];

/// The limits of a role's line: captions that fit three lines of a vertical video, details that
/// hold the longest fact of a brief.
#[must_use]
pub fn limits(locale: Locale, role: Role) -> Limits {
    let (caption, detail) = match (locale.language(), role) {
        (Language::Chinese, Role::Hook) => (24, 60),
        (Language::Chinese, Role::Body | Role::Proof) => (28, 60),
        (Language::Chinese, Role::Cta) => (48, 60),
        (Language::English, Role::Hook) => (48, 72),
        (Language::English, Role::Body | Role::Proof) => (56, 72),
        (Language::English, Role::Cta) => (64, 72),
    };
    let seconds = f64::from(ROLE_FRAMES[role as usize]) / 30.0;
    Limits { caption, detail, readable: (seconds * reading_speed(locale)) as usize }
}

/// The copy engine. It holds no state.
///
/// # Examples
/// ```
/// # use spotwright_creative::copy_engine::CopyEngine;
/// use spotwright_core::ports::language_model::LineRequest;
/// use spotwright_schemas::brief::Brief;
/// use spotwright_schemas::script::{Angle, Direction, Hook, Role};
///
/// let brief = Brief::from_yaml(include_bytes!("../../../../examples/coffee-en/brief.yaml"))?;
/// let request = LineRequest {
///     brief: &brief,
///     direction: Direction { angle: Angle::Problem, hook: Hook::Question },
///     role: Role::Hook,
///     count: 3,
///     max_chars: 48,
///     inspiration: &[],
///     avoid: &[],
///     seed: 7,
/// };
/// let lines = CopyEngine.lines(&request);
/// assert_eq!(lines, CopyEngine.lines(&request));
/// assert!(lines.iter().all(|line| line.caption.chars().count() <= 48));
/// # Ok::<(), spotwright_schemas::Problem>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct CopyEngine;

impl CopyEngine {
    /// Lines for a request, best first: at most `count`, with different captions for hooks,
    /// none in `avoid`. Empty when no pattern and fact fit the direction.
    ///
    /// Deterministic in the request. Cost: patterns × facts², well under 10 ms for 40 facts.
    #[must_use]
    pub fn lines(&self, request: &LineRequest<'_>) -> Vec<ProposedLine> {
        let brief = request.brief;
        let limits = limits(brief.locale, request.role);
        let max_caption = limits.caption.min(request.max_chars);
        let avoid: BTreeSet<String> = request.avoid.iter().map(|caption| folded(caption)).collect();
        let mut candidates = candidates(brief, request.role, request.direction);
        candidates.retain(|candidate| {
            length(&candidate.line.caption) <= max_caption
                && length(&candidate.line.detail) <= limits.detail
                && !avoid.contains(&folded(&candidate.line.caption))
        });
        if candidates.iter().any(|candidate| candidate.text_length() <= limits.readable) {
            candidates.retain(|candidate| candidate.text_length() <= limits.readable);
        }
        let kin = Kin::of(brief, request.role, request.inspiration);
        choose(&candidates, &kin, request)
    }

    /// Whether the brief's facts allow a direction: at least one hook line can be written.
    #[must_use]
    pub fn allows(&self, brief: &Brief, direction: Direction) -> bool {
        let limits = limits(brief.locale, Role::Hook);
        candidates(brief, Role::Hook, direction)
            .iter()
            .any(|candidate| length(&candidate.line.caption) <= limits.caption)
    }
}

#[async_trait]
impl LanguageModel for CopyEngine {
    fn provider(&self) -> &str {
        PROVIDER
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn quote(&self, _: &LineRequest<'_>) -> Micros {
        Micros::ZERO
    }

    async fn propose(&self, request: &LineRequest<'_>, _: &str) -> Result<Proposals, LanguageModelError> {
        let lines = self.lines(request);
        if lines.is_empty() {
            let message = "no pattern and fact of the brief fit the request".to_owned();
            return Err(LanguageModelError::Unusable(message));
        }
        Ok(Proposals { lines, prompt_hash: String::new(), tokens: [0, 0], cost: Micros::ZERO })
    }
}

/// The caption of the last line: the product's name. What to do stands on the button below it, and
/// saying it twice would take the room of a reason.
#[must_use]
pub fn call_to_action_caption(brief: &Brief) -> String {
    brief.product.name.clone()
}

struct Candidate {
    pattern: &'static Pattern,
    fact: Option<FactId>,
    line: ProposedLine,
}

impl Candidate {
    fn text_length(&self) -> usize {
        length(&self.line.caption) + length(&self.line.detail)
    }
}

/// Every line that patterns and facts allow, before lengths are looked at.
fn candidates(brief: &Brief, role: Role, direction: Direction) -> Vec<Candidate> {
    let facts: Vec<&Fact> =
        brief.product.facts.iter().filter(|fact| objection(brief, &fact.text).is_none()).collect();
    let wanted = (role == Role::Hook).then_some((direction.angle, direction.hook));
    let mut found = Vec::new();
    for pattern in patterns(brief.locale) {
        let tone_fits = pattern.tones.is_empty() || pattern.tones.contains(&brief.brand.tone);
        if pattern.role != role || pattern.direction != wanted || !tone_fits {
            continue;
        }
        for (main, other) in fillings(pattern, &facts) {
            let Some(filled) = pattern.fill(brief, main, other) else { continue };
            let caption = if role == Role::Cta { call_to_action_caption(brief) } else { filled.caption };
            let line = ProposedLine {
                caption,
                detail: filled.detail,
                rests_on: main.into_iter().chain(other).map(|fact| fact.id.clone()).collect(),
                model: format!("{}.{}", brief.locale.tag(), pattern.id),
            };
            if is_clean(brief, &line) {
                found.push(Candidate { pattern, fact: main.map(|fact| fact.id.clone()), line });
            }
        }
    }
    found
}

/// Pairs of main and other fact that a pattern can hold.
fn fillings<'a>(pattern: &Pattern, facts: &[&'a Fact]) -> Vec<(Option<&'a Fact>, Option<&'a Fact>)> {
    let needs_main = pattern.uses("{fact}") || pattern.uses("{figure}");
    if !needs_main {
        return vec![(None, None)];
    }
    let of_kinds = |kinds: &[FactKind]| -> Vec<&'a Fact> {
        facts.iter().copied().filter(|fact| kinds.contains(&fact.kind)).collect()
    };
    let mains = if pattern.kinds.is_empty() {
        let angle = pattern.direction.map(|(angle, _)| angle);
        let groups = default_kinds(pattern.role, angle);
        groups.iter().map(|kinds| of_kinds(kinds)).find(|group| !group.is_empty()).unwrap_or_default()
    } else {
        of_kinds(pattern.kinds)
    };
    if !pattern.uses("{other}") {
        return mains.into_iter().map(|main| (Some(main), None)).collect();
    }
    let other_kinds: &[FactKind] = match pattern.role {
        Role::Proof => &[FactKind::Proof, FactKind::Origin, FactKind::Feature],
        _ => &[FactKind::Benefit, FactKind::Feature],
    };
    let others = of_kinds(other_kinds);
    let pair = |main: &'a Fact| {
        others
            .iter()
            .copied()
            .filter(|other| other.id != main.id)
            .map(|other| (Some(main), Some(other)))
            .collect::<Vec<_>>()
    };
    mains.into_iter().flat_map(pair).collect()
}

/// No listed term and no banned word, also where pattern and fact meet.
fn is_clean(brief: &Brief, line: &ProposedLine) -> bool {
    [&line.caption, &line.detail].into_iter().all(|text| objection(brief, text).is_none())
}

/// What the lines that did well are made of.
#[derive(Default)]
struct Kin {
    patterns: BTreeSet<&'static str>,
    facts: BTreeSet<FactId>,
}

impl Kin {
    fn of(brief: &Brief, role: Role, inspiration: &[String]) -> Self {
        let mut kin = Self::default();
        if inspiration.is_empty() {
            return kin;
        }
        let winners: BTreeSet<String> = inspiration.iter().map(|caption| folded(caption)).collect();
        let all = Angle::ALL.into_iter().flat_map(|angle| Hook::ALL.map(|hook| Direction { angle, hook }));
        let directions: Vec<Direction> =
            if role == Role::Hook { all.collect() } else { all.take(1).collect() };
        for direction in directions {
            for candidate in candidates(brief, role, direction) {
                if winners.contains(&folded(&candidate.line.caption)) {
                    kin.patterns.insert(candidate.pattern.id);
                    // A caption without a fact in it would make every fact a winner.
                    if candidate.pattern.caption.contains("{f") {
                        kin.facts.extend(candidate.fact);
                    }
                }
            }
        }
        for fact in &brief.product.facts {
            let text = folded(&fact.text);
            if winners.iter().any(|winner| winner.contains(&text)) {
                kin.facts.insert(fact.id.clone());
            }
        }
        kin
    }

    /// How much likelier a candidate becomes: fourfold for each thing it shares with a winner.
    fn weight(&self, candidate: &Candidate) -> f64 {
        let pattern = self.patterns.contains(candidate.pattern.id);
        let fact = candidate.fact.as_ref().is_some_and(|fact| self.facts.contains(fact));
        4.0_f64.powi(i32::from(pattern) + i32::from(fact))
    }
}

/// Weighted sampling without replacement by exponential keys (Efraimidis and Spirakis 2006), with
/// weights cut for patterns and facts that were already taken.
fn choose(candidates: &[Candidate], kin: &Kin, request: &LineRequest<'_>) -> Vec<ProposedLine> {
    let stream = Stream::new(request.seed, "copy_engine")
        .child(request.role as u64)
        .child(request.direction.angle as u64 * Hook::ALL.len() as u64 + request.direction.hook as u64);
    let mut fillings: BTreeMap<&str, usize> = BTreeMap::new();
    for candidate in candidates {
        *fillings.entry(candidate.pattern.id).or_default() += 1;
    }
    // Divided by the root of the pattern's fillings: many facts help a pattern, within reason.
    let weight =
        |candidate: &Candidate| kin.weight(candidate) / (fillings[candidate.pattern.id] as f64).sqrt();
    let mut open: Vec<(f64, &Candidate)> = candidates
        .iter()
        .enumerate()
        .map(|(idx, candidate)| {
            let key = -(1.0 - stream.uniform(idx as u64)).ln() / weight(candidate);
            (key, candidate)
        })
        .collect();
    let mut chosen: Vec<ProposedLine> = Vec::new();
    while chosen.len() < request.count.min(32) {
        let best = open.iter().enumerate().min_by(|(_, a), (_, b)| a.0.total_cmp(&b.0));
        let Some((at, _)) = best else { break };
        let (_, taken) = open.swap_remove(at);
        let caption = folded(&taken.line.caption);
        // The call to action has one caption; its details tell the lines apart.
        open.retain(|(_, candidate)| {
            folded(&candidate.line.caption) != caption
                || (request.role == Role::Cta && candidate.line.detail != taken.line.detail)
        });
        for (key, candidate) in &mut open {
            if candidate.pattern.id == taken.pattern.id {
                *key *= 4.0;
            }
            if candidate.fact.is_some() && candidate.fact == taken.fact {
                *key *= 2.0;
            }
        }
        chosen.push(taken.line.clone());
    }
    chosen
}

#[cfg(test)]
mod tests;
