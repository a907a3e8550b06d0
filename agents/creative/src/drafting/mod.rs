//! Composes the scripts of a generation from proposed lines.
//!
//! Hook lines are written per variant; bodies, proofs and calls to action are a small pool that
//! variants share, because a shared shot is rendered once. Every proposal is linted alone, every
//! script is judged whole; what fails is dropped with its findings and drafted again, at most
//! [`MAX_REVISIONS`] times. When the language model fails or its lines are unusable the copy
//! engine writes them, marked `fallback`.

mod whole;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use spotwright_core::ports::language_model::{LanguageModel, LineRequest, ProposedLine};
use spotwright_core::ports::letters::{Letters, undrawable_message};
use spotwright_schemas::brief::{Brief, FactId, FactKind};
use spotwright_schemas::letters::composed;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::money::Micros;
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::{Direction, Line, Provenance, Role, Script};
use spotwright_schemas::wording::folded;

use crate::copy_engine::{CopyEngine, PROVIDER, limits};
use crate::critique::{Finding, Severity, critique, line_findings};
use crate::plan::{Assignment, possible_directions};
use crate::text::length;

/// How often a script that fails the critique is drafted again.
pub const MAX_REVISIONS: u32 = 2;

/// What a generation is drafted from.
#[derive(Debug, Clone, Copy)]
pub struct DraftRequest<'a> {
    /// The brief.
    pub brief: &'a Brief,
    /// Generation, from 1; part of every idempotency key and of every seed that lines are written with.
    pub generation: u32,
    /// The plan: one script per assignment.
    pub assignments: &'a [Assignment],
    /// Scripts that did well before; new lines are bred from them.
    pub parents: &'a [Script],
    /// Hook captions of earlier generations, not to be repeated.
    pub avoid: &'a [String],
    /// Seed of the run.
    pub seed: u64,
    /// Prefix of the idempotency keys, e.g. the run's id.
    pub key_prefix: &'a str,
}

/// An accepted script.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// Number of the variant within its generation.
    pub number: u32,
    /// The script; its direction differs from the assignment's only when that was exhausted.
    pub script: Script,
    /// Warnings of the critique.
    pub warnings: Vec<Finding>,
}

/// Something that was proposed and not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Number of the variant; 0 for a line of the shared pool or a proposal for several variants.
    pub number: u32,
    /// Revision in which it failed, from 0.
    pub revision: u32,
    /// The direction it was written for.
    pub direction: Direction,
    /// The part of the line; `None` for a whole script.
    pub role: Option<Role>,
    /// Its caption, or the hook's caption for a whole script.
    pub caption: String,
    /// Why it was dropped.
    pub findings: Vec<Finding>,
}

/// One call of a language model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Call {
    /// Idempotency key.
    pub key: String,
    /// The provider.
    pub provider: String,
    /// The part of the lines asked for.
    pub role: Role,
    /// Lines received.
    pub received: usize,
    /// BLAKE3 of the prompt, hexadecimal; empty where there is none.
    pub prompt_hash: String,
    /// Tokens read and written, of a failed call, too.
    pub tokens: [u64; 2],
    /// What the provider bills, for a failed call, too.
    pub cost: Micros,
    /// The error, if it failed.
    pub error: Option<String>,
}

/// The scripts of a generation and how they came about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    /// Accepted scripts in the order of the plan; fewer than planned only when the brief's facts
    /// hold no further different opening line.
    pub scripts: Vec<Draft>,
    /// Everything that was not used.
    pub dropped: Vec<Dropped>,
    /// Every call, in order.
    pub calls: Vec<Call>,
}

/// The most that drafting may cost: the sum of the quotes of all requests.
#[must_use]
pub fn quote(request: &DraftRequest<'_>, model: &dyn LanguageModel) -> Micros {
    let empty = Inspiration::default();
    requests(request, &empty).iter().map(|(_, line)| model.quote(line)).sum()
}

/// Drafts a generation.
///
/// Never fails: a failing model is replaced by the copy engine, line by line, and so is a line that
/// `letters` cannot draw. Deterministic for a repeatable model. Cancel-safe; calls that were answered
/// carry an idempotency key.
pub async fn draft_generation(
    request: &DraftRequest<'_>,
    model: &dyn LanguageModel,
    letters: &dyn Letters,
) -> Generation {
    let generation =
        if model.provider() == PROVIDER { whole::generation(request) } else { Generation::default() };
    // Facts that carry no further whole script still give single lines.
    let rest = request.assignments.get(generation.scripts.len()..).unwrap_or_default();
    if rest.is_empty() {
        return generation;
    }
    let request = &DraftRequest { assignments: rest, ..*request };
    let inspiration = Inspiration::of(request.parents);
    let mut studio = Studio {
        request,
        model,
        letters,
        generation,
        hooks: Vec::new(),
        pools: [Vec::new(), Vec::new(), Vec::new()],
    };
    for (key, line) in requests(request, &inspiration) {
        let lines = studio.ask(&key, &line).await;
        match line.role {
            Role::Hook => studio.hooks.push((line.direction, lines)),
            role => studio.pools[role as usize - 1] = distinct(lines, pool_size(role, request)),
        }
    }
    studio.compose_all();
    studio.generation
}

/// Winning captions per role.
#[derive(Default)]
struct Inspiration([Vec<String>; 4]);

impl Inspiration {
    fn of(parents: &[Script]) -> Self {
        Self(Role::ALL.map(|role| {
            let captions = parents.iter().filter_map(|script| script.line(role));
            captions.map(|line| line.caption.clone()).collect()
        }))
    }
}

fn pool_size(role: Role, request: &DraftRequest<'_>) -> usize {
    let many = request.assignments.len() >= 6;
    match role {
        Role::Body => {
            if many {
                3
            } else {
                2
            }
        }
        Role::Proof => 2,
        Role::Hook | Role::Cta => {
            if many {
                2
            } else {
                1
            }
        }
    }
}

/// One request per direction for hooks, one per other role.
fn requests<'a>(request: &DraftRequest<'a>, inspiration: &'a Inspiration) -> Vec<(String, LineRequest<'a>)> {
    let directions: BTreeSet<Direction> = request.assignments.iter().map(|a| a.direction).collect();
    let seed = Stream::new(request.seed, "drafting").bits(u64::from(request.generation));
    let line = |role: Role, direction: Direction, count: usize| LineRequest {
        brief: request.brief,
        direction,
        role,
        count: count.min(32),
        max_chars: limits(request.brief.locale, role).caption,
        inspiration: &inspiration.0[role as usize],
        avoid: if role == Role::Hook { request.avoid } else { &[] },
        seed,
    };
    let key = |name: &str| format!("{}/generation-{}/{name}", request.key_prefix, request.generation);
    let mut all = Vec::new();
    for direction in &directions {
        let wanted = request.assignments.iter().filter(|a| a.direction == *direction).count();
        let name = format!("hook-{}-{}", direction.angle.as_str(), direction.hook.as_str());
        all.push((key(&name), line(Role::Hook, *direction, 2 * wanted + 2)));
    }
    if let Some(first) = directions.first() {
        for (name, role) in [("body", Role::Body), ("proof", Role::Proof), ("cta", Role::Cta)] {
            all.push((key(name), line(role, *first, 3 * pool_size(role, request))));
        }
    }
    all
}

/// Seed of the lines that take the place of those a variant could not use.
fn redrafting_seed(request: &DraftRequest<'_>, variant: u32) -> u64 {
    let stream = Stream::new(request.seed, "redrafting").child(u64::from(request.generation));
    stream.bits(u64::from(variant))
}

/// Prefers lines that rest on different facts, then fills up in the given order.
fn distinct(lines: Vec<Line>, n: usize) -> Vec<Line> {
    let mut facts: BTreeSet<FactId> = BTreeSet::new();
    let (mut first, mut later) = (Vec::new(), Vec::new());
    for line in lines {
        if line.rests_on.iter().any(|fact| facts.contains(fact)) {
            later.push(line);
        } else {
            facts.extend(line.rests_on.iter().cloned());
            first.push(line);
        }
    }
    first.extend(later);
    first.truncate(n);
    first
}

struct Studio<'a> {
    request: &'a DraftRequest<'a>,
    model: &'a dyn LanguageModel,
    letters: &'a dyn Letters,
    generation: Generation,
    /// Usable hook lines by direction, best first.
    hooks: Vec<(Direction, Vec<Line>)>,
    /// Usable body, proof and call-to-action lines.
    pools: [Vec<Line>; 3],
}

impl Studio<'_> {
    /// The model's usable lines, filled up by the copy engine.
    async fn ask(&mut self, key: &str, line_request: &LineRequest<'_>) -> Vec<Line> {
        let provider = self.model.provider().to_owned();
        let answer = self.model.propose(line_request, key).await;
        let mut call = Call {
            key: key.to_owned(),
            provider: provider.clone(),
            role: line_request.role,
            received: 0,
            prompt_hash: String::new(),
            tokens: [0, 0],
            cost: Micros::ZERO,
            error: None,
        };
        let mut usable = Vec::new();
        match answer {
            Ok(proposals) => {
                call.received = proposals.lines.len();
                call.prompt_hash.clone_from(&proposals.prompt_hash);
                call.tokens = proposals.tokens;
                call.cost = proposals.cost;
                for proposed in proposals.lines.into_iter().take(line_request.count) {
                    let provenance = Provenance {
                        provider: provider.clone(),
                        model: proposed.model.clone(),
                        prompt_hash: proposals.prompt_hash.clone(),
                        fallback: false,
                    };
                    self.keep(proposed, provenance, line_request, &mut usable);
                }
            }
            Err(error) => {
                tracing::warn!(provider, role = ?line_request.role, %error, "copy engine writes instead of the language model");
                call.tokens = error.tokens();
                call.cost = error.cost();
                call.error = Some(error.to_string());
            }
        }
        self.generation.calls.push(call);
        if provider != PROVIDER && usable.len() < line_request.count {
            let missing = line_request.count - usable.len();
            self.fill_from_engine(line_request, missing, &mut usable);
        }
        usable
    }

    fn fill_from_engine(&mut self, line_request: &LineRequest<'_>, missing: usize, usable: &mut Vec<Line>) {
        for proposed in CopyEngine.lines(line_request).into_iter().take(missing) {
            let provenance = Provenance {
                provider: PROVIDER.to_owned(),
                model: proposed.model.clone(),
                prompt_hash: String::new(),
                fallback: true,
            };
            self.keep(proposed, provenance, line_request, usable);
        }
    }

    /// Keeps a proposal that is clean and honors the request; drops the others with reasons.
    fn keep(
        &mut self,
        proposed: ProposedLine,
        provenance: Provenance,
        line_request: &LineRequest<'_>,
        usable: &mut Vec<Line>,
    ) {
        let line = Line {
            role: line_request.role,
            caption: composed(&proposed.caption),
            detail: composed(&proposed.detail),
            voice: String::new(),
            picture: String::new(),
            rests_on: proposed.rests_on,
            provenance,
        };
        let mut findings = line_findings(self.request.brief, &line);
        findings.extend(self.undrawable_finding(&line));
        let caption = folded(&line.caption);
        let repeats = |other: &str| folded(other) == caption;
        let known = usable.iter().any(|kept: &Line| {
            repeats(&kept.caption) && (line.role != Role::Cta || kept.detail == line.detail)
        });
        if known || line_request.avoid.iter().any(|avoided| repeats(avoided)) {
            findings.push(duplicate_finding(&line));
        }
        if findings.iter().any(|finding| finding.severity == Severity::Error) {
            self.generation.dropped.push(Dropped {
                number: 0,
                revision: 0,
                direction: line_request.direction,
                role: Some(line.role),
                caption: line.caption,
                findings,
            });
        } else {
            usable.push(line);
        }
    }

    fn undrawable_finding(&self, line: &Line) -> Option<Finding> {
        let missing = self.letters.undrawable(&format!("{} {}", line.caption, line.detail));
        (!missing.is_empty()).then(|| Finding {
            check: crate::critique::Check::Schema,
            rule: "undrawable".to_owned(),
            severity: Severity::Error,
            role: Some(line.role),
            subject: missing.iter().collect(),
            message: undrawable_message(&missing),
            law: String::new(),
            span: None,
            rewrite: String::new(),
        })
    }

    fn compose_all(&mut self) {
        let mut accepted: Vec<Script> =
            self.generation.scripts.iter().map(|draft| draft.script.clone()).collect();
        for assignment in self.request.assignments {
            if let Some(draft) = self.compose_one(assignment, &accepted) {
                accepted.push(draft.script.clone());
                self.generation.scripts.push(draft);
            }
        }
    }

    /// Tries the assigned direction's lines, then other directions of the brief written by the
    /// copy engine, until the critique passes.
    fn compose_one(&mut self, assignment: &Assignment, accepted: &[Script]) -> Option<Draft> {
        let mut revision = 0;
        let own = self.hooks.iter_mut().find(|(direction, _)| *direction == assignment.direction);
        let own_lines = own.map(|(_, lines)| std::mem::take(lines)).unwrap_or_default();
        let mut rest = own_lines.into_iter();
        let mut found = None;
        for hook in rest.by_ref() {
            found = self.judge(assignment, assignment.direction, hook, revision, accepted);
            revision += 1;
            if found.is_some() || revision > MAX_REVISIONS {
                break;
            }
        }
        if let Some(own) = self.hooks.iter_mut().find(|(direction, _)| *direction == assignment.direction) {
            own.1 = rest.collect();
        }
        if found.is_some() {
            return found;
        }
        self.compose_elsewhere(assignment, revision, accepted)
    }

    fn compose_elsewhere(
        &mut self,
        assignment: &Assignment,
        revision: u32,
        accepted: &[Script],
    ) -> Option<Draft> {
        let own = assignment.direction;
        let mut directions = possible_directions(self.request.brief);
        // The same direction first, then the same angle, then the same hook form.
        directions.sort_by_key(|d| (*d != own, d.angle != own.angle, d.hook != own.hook));
        let mut avoid: Vec<String> = self.request.avoid.to_vec();
        avoid.extend(accepted.iter().filter_map(|s| s.line(Role::Hook)).map(|line| line.caption.clone()));
        for direction in directions {
            let line_request = LineRequest {
                brief: self.request.brief,
                direction,
                role: Role::Hook,
                count: 8,
                max_chars: limits(self.request.brief.locale, Role::Hook).caption,
                inspiration: &[],
                avoid: &avoid,
                seed: redrafting_seed(self.request, assignment.number),
            };
            let mut lines = Vec::new();
            self.fill_from_engine(&line_request, line_request.count, &mut lines);
            for mut hook in lines {
                hook.provenance.fallback = self.model.provider() != PROVIDER;
                if let Some(draft) = self.judge(assignment, direction, hook, revision, accepted) {
                    return Some(draft);
                }
            }
        }
        None
    }

    fn judge(
        &mut self,
        assignment: &Assignment,
        direction: Direction,
        hook: Line,
        revision: u32,
        accepted: &[Script],
    ) -> Option<Draft> {
        let script = self.script(assignment.number, direction, hook)?;
        let verdict = critique(self.request.brief, &script, accepted);
        if verdict.pass {
            return Some(Draft { number: assignment.number, script, warnings: verdict.findings });
        }
        self.generation.dropped.push(Dropped {
            number: assignment.number,
            revision,
            direction,
            role: None,
            caption: script.lines[0].caption.clone(),
            findings: verdict.findings,
        });
        None
    }

    /// Joins a hook with the pool's lines that repeat its facts least; ties go round the pool.
    fn script(&self, number: u32, direction: Direction, hook: Line) -> Option<Script> {
        let mut used: Vec<FactId> = hook.rests_on.clone();
        let mut lines = vec![hook];
        for pool in &self.pools {
            let turn = number as usize;
            let best = (0..pool.len()).min_by_key(|&at| {
                let repeated = pool[at].rests_on.iter().filter(|fact| used.contains(fact)).count();
                // A line that opens with the same words as the hook reads like a slip.
                let echoes =
                    usize::from(lines.iter().any(|line| folded(&line.caption) == folded(&pool[at].caption)));
                (repeated + echoes, (at + turn) % pool.len())
            })?;
            used.extend(pool[best].rests_on.iter().cloned());
            lines.push(pool[best].clone());
        }
        let primary_text = primary_text(self.request.brief, &lines);
        Some(Script {
            locale: self.request.brief.locale,
            direction,
            structure: None,
            idea: String::new(),
            lines,
            primary_text,
        })
    }
}

fn duplicate_finding(line: &Line) -> Finding {
    Finding {
        check: crate::critique::Check::Duplicate,
        rule: "caption_used".to_owned(),
        severity: Severity::Error,
        role: Some(line.role),
        subject: line.caption.clone(),
        message: "the caption was used or proposed before".to_owned(),
        law: String::new(),
        span: None,
        rewrite: String::new(),
    }
}

/// The text beside the video: product and brand, up to two facts of the script, the call to action.
fn primary_text(brief: &Brief, lines: &[Line]) -> String {
    let mut facts: Vec<&str> = Vec::new();
    let ids = lines.iter().filter(|line| line.role != Role::Hook).flat_map(|line| &line.rests_on);
    for fact in ids.filter_map(|id| brief.fact(id)).filter(|fact| fact.kind != FactKind::Problem) {
        if facts.len() < 2 && !facts.contains(&fact.text.as_str()) {
            facts.push(&fact.text);
        }
    }
    let (product, brand) = (&brief.product.name, &brief.brand.name);
    let action = brief.call_to_action.label(brief.locale);
    let ends = |text: &str| text.ends_with(['.', '!', '?', '。', '！', '？', '…']);
    let mut text = match brief.locale {
        Locale::EnUs => format!("{product} by {brand}."),
        Locale::ZhCn => format!("{brand}{product}："),
    };
    match brief.locale {
        Locale::EnUs => {
            for fact in facts {
                text.push_str(&format!(" {fact}{}", if ends(fact) { "" } else { "." }));
            }
            text.push_str(&format!(" {action}."));
        }
        Locale::ZhCn => {
            let joined = facts.join("；");
            let stop = if joined.is_empty() || ends(&joined) { "" } else { "。" };
            text.push_str(&format!("{joined}{stop}{action}"));
        }
    }
    debug_assert!(length(&text) <= crate::critique::MAX_PRIMARY_TEXT || !brief.product.facts.is_empty());
    text
}

#[cfg(test)]
mod tests;
