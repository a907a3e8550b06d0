//! Structures: which line follows which.
//!
//! Every builder chooses from the end and from the middle first: the lead fact, then an opening
//! that it answers, then facts that carry on, then the close. A builder that finds no value for a
//! step gives nothing; nothing is bent to fit.

use spotwright_core::domain::copy_rules::reading::{ends_sentence, point};
use spotwright_schemas::brief::{FactId, FactKind};
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::{Hook, Role, Structure};

use super::LISTED;
use super::elements::{Entry, Part};
use super::judge::limits;
use super::material::{Claim, Material};
use super::phrases;
use crate::text::length;

/// Before the reasons of a list, in Chinese and in English.
pub(super) const ORDINALS: [&str; 6] = ["① ", "② ", "③ ", "1. ", "2. ", "3. "];

/// A line before it gets its provenance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shot {
    pub(super) role: Role,
    pub(super) caption: String,
    pub(super) detail: String,
    pub(super) voice: String,
    pub(super) picture: String,
    pub(super) facts: Vec<FactId>,
    /// What wrote it: the cited element, or `fact`.
    pub(super) source: String,
}

/// A script before it is judged.
#[derive(Debug, Clone)]
pub(super) struct Built {
    pub(super) structure: Structure,
    pub(super) hook: Hook,
    pub(super) idea: String,
    pub(super) shots: Vec<Shot>,
}

/// Draws for one attempt at one script.
pub(super) struct Draws {
    stream: Stream,
    next: u64,
}

impl Draws {
    pub(super) const fn new(stream: Stream) -> Self {
        Self { stream, next: 0 }
    }

    pub(super) fn pick<T: Copy>(&mut self, items: &[T]) -> Option<T> {
        self.next += 1;
        items.get(self.stream.below(self.next, items.len())).copied()
    }

    fn shuffled<T: Copy>(&mut self, items: &[T]) -> Vec<T> {
        self.next += 1;
        self.stream.child(self.next).permutation(items.len()).into_iter().map(|at| items[at]).collect()
    }

    pub(super) fn chance(&mut self, share: f64) -> bool {
        self.next += 1;
        self.stream.uniform(self.next) < share
    }
}

/// Builds scripts of one brief.
pub(super) struct Builder<'m, 'b> {
    pub(super) material: &'m Material<'b>,
    pub(super) draws: Draws,
    /// Facts that earlier scripts of the generation used, with how often; rarer ones are preferred.
    pub(super) worn: &'m dyn Fn(&FactId) -> u32,
}

type Claims<'m, 'b> = Vec<&'m Claim<'b>>;

const SAID: &[FactKind] = &[FactKind::Benefit, FactKind::Feature];
const PROVEN: &[FactKind] = &[FactKind::Proof];

impl<'m, 'b> Builder<'m, 'b> {
    /// One attempt at a script of `structure`.
    pub(super) fn build(&mut self, structure: Structure) -> Option<Built> {
        match structure {
            Structure::ProblemSolution => self.problem_solution(),
            Structure::BeforeAfter => self.before_after(),
            Structure::ThreeReasons => self.three_reasons(),
            Structure::Demonstration => self.demonstration(),
            Structure::DayInTheLife => self.day(),
            Structure::Comparison => self.comparison(),
            Structure::OfferFirst => self.offer_first(),
            Structure::MakersStory => self.makers_story(),
            Structure::QuestionAnswer => self.question_answer(),
            Structure::Unboxing => self.unboxing(),
            Structure::PointOfView => self.point_of_view(),
            Structure::CliffHanger => self.cliff_hanger(),
            Structure::PlaceDishDeal => self.place_dish_deal(),
            Structure::TaskTapResult => self.task_tap_result(),
        }
    }

    // ---- choosing facts ----------------------------------------------------------------------

    /// Facts of these kinds, in an order that prefers rarely used ones; ties fall by chance.
    fn facts(&mut self, kinds: &[FactKind]) -> Claims<'m, 'b> {
        let all: Claims<'m, 'b> =
            self.material.claims.iter().filter(|claim| kinds.contains(&claim.fact.kind)).collect();
        let mut mixed = self.draws.shuffled(&all);
        mixed.sort_by_key(|claim| (self.worn)(&claim.fact.id));
        mixed
    }

    /// `n` facts to carry on with: benefits and features first, then proof, none of `taken`.
    fn carry_on(&mut self, n: usize, taken: &[&Claim<'b>]) -> Claims<'m, 'b> {
        let mut found: Claims<'m, 'b> = Vec::new();
        let proof_last = self.facts(PROVEN);
        let mut pool = self.facts(SAID);
        if let Some(proof) = proof_last.first().copied() {
            pool.truncate(pool.len().min(n + taken.len()));
            pool.insert(pool.len().min(n.saturating_sub(1) + taken.len()), proof);
        }
        pool.extend(self.facts(&[FactKind::Origin]));
        for claim in pool {
            if found.len() < n && !taken.iter().any(|other| other.fact.id == claim.fact.id) {
                found.push(claim);
            }
        }
        found.sort_by_key(|claim| claim.fact.kind == FactKind::Proof);
        found
    }

    // ---- making shots -------------------------------------------------------------------------

    pub(super) fn zh(&self) -> bool {
        self.material.is_chinese()
    }

    /// A sentence as it is spoken: with its final point.
    pub(super) fn spoken(&self, text: &str) -> String {
        let ends = ends_sentence(text) || text.ends_with(['”', '"']);
        format!("{text}{}", if ends { "" } else { point(self.material.brief.locale) })
    }

    fn role_of(claim: &Claim<'_>) -> Role {
        if claim.fact.kind == FactKind::Proof { Role::Proof } else { Role::Body }
    }

    /// A fact in its own words. One too long for one caption goes on below it.
    fn fact_shot(&self, claim: &Claim<'_>) -> Shot {
        let (caption, detail) = phrases::two_lines(&claim.fact.text, limits(self.material.brief.locale)[0])
            .unwrap_or_else(|| (self.material.name.to_string(), claim.fact.text.clone()));
        Shot {
            role: Self::role_of(claim),
            caption,
            detail,
            voice: self.spoken(&claim.fact.text),
            picture: String::new(),
            facts: vec![claim.fact.id.clone()],
            source: "fact".to_owned(),
        }
    }

    /// A fact in its own words, or as the answer to the viewer's question.
    fn told_shot(&mut self, claim: &Claim<'_>) -> Shot {
        if self.draws.chance(0.4) {
            let mut asking = self.material.elements(Part::Ask, "question_answer");
            asking.retain(|entry| self.material.follows(&entry.element, claim));
            if let Some(shot) = self.draws.pick(&asking).and_then(|entry| self.asked_shot(entry, claim)) {
                return shot;
            }
        }
        self.fact_shot(claim)
    }

    /// The shot that names the product and carries a fact.
    fn turn_shot(&mut self, claim: &Claim<'_>) -> Shot {
        let name = self.material.name.to_string();
        let fact = &claim.fact.text;
        let limit = limits(self.material.brief.locale)[0];
        let sentence = if fact.contains(name.as_str()) {
            Some(fact.clone())
        } else if self.zh() {
            Some(format!("{name}，{fact}"))
        } else {
            phrases::third_person(fact).map(|clause| format!("{name} {clause}"))
        };
        let (caption, detail, voice) = match sentence {
            Some(sentence) if length(&sentence) <= limit => {
                (sentence.clone(), String::new(), self.spoken(&sentence))
            }
            Some(sentence) => (name, fact.clone(), self.spoken(&sentence)),
            None => (name.clone(), fact.clone(), format!("{name}. {}", self.spoken(fact))),
        };
        Shot {
            role: Self::role_of(claim),
            caption,
            detail,
            voice,
            picture: String::new(),
            facts: vec![claim.fact.id.clone()],
            source: "fact".to_owned(),
        }
    }

    fn element_shot(&self, entry: &Entry, role: Role) -> Option<Shot> {
        let caption = self.material.fill(&entry.element.caption, "")?;
        let voice = self.material.fill(&entry.element.voice, "")?;
        let voice = if voice.is_empty() { self.spoken(&caption) } else { voice };
        Some(Shot {
            role,
            caption,
            detail: String::new(),
            voice,
            picture: entry.element.picture.clone(),
            facts: Vec::new(),
            source: entry.cite.clone(),
        })
    }

    /// Question and answer in one shot.
    fn asked_shot(&self, entry: &Entry, claim: &Claim<'_>) -> Option<Shot> {
        let mut shot = self.element_shot(entry, Self::role_of(claim))?;
        shot.detail.clone_from(&claim.fact.text);
        shot.voice =
            format!("{}{}{}", shot.voice, if self.zh() { "" } else { " " }, self.spoken(&claim.fact.text));
        shot.facts = vec![claim.fact.id.clone()];
        Some(shot)
    }

    /// An opening that `lead` answers, by an element or by a problem or moment of the brief.
    fn opening(&mut self, lead: &Claim<'b>, structure: &str, parts: &[Part]) -> Option<(Shot, Hook)> {
        let problems = self.facts(&[FactKind::Problem]);
        let linked: Claims<'m, 'b> =
            problems.iter().copied().filter(|problem| self.material.answers(problem, lead)).collect();
        let mut entries: Vec<&'static Entry> = Vec::new();
        for part in parts {
            entries.extend(
                self.material
                    .elements(*part, structure)
                    .into_iter()
                    .filter(|entry| self.material.follows(&entry.element, lead)),
            );
        }
        let own_words = parts.contains(&Part::Open) && !linked.is_empty();
        if own_words && (entries.is_empty() || self.draws.chance(0.5)) {
            let problem = *linked.first()?;
            let mut shot = self.fact_shot(problem);
            shot.role = Role::Hook;
            let hook = if problem.fact.text.ends_with(['?', '？']) { Hook::Question } else { Hook::Scene };
            return Some((shot, hook));
        }
        let entry = self.draws.pick(&entries)?;
        let hook = entry.element.hook.unwrap_or(Hook::Question);
        Some((self.element_shot(entry, Role::Hook)?, hook))
    }

    // ---- the structures -----------------------------------------------------------------------

    fn finish(
        &mut self,
        structure: Structure,
        hook: Hook,
        mut shots: Vec<Shot>,
        idea: String,
    ) -> Option<Built> {
        let short = short_name(structure);
        let used: Vec<FactId> = shots.iter().flat_map(|shot| shot.facts.iter().cloned()).collect();
        shots.push(self.close(short, &used)?);
        Some(Built { structure, hook, idea, shots })
    }

    fn problem_solution(&mut self) -> Option<Built> {
        let lead = self.facts(SAID).into_iter().next()?;
        let (open, hook) = self.opening(lead, "problem", &[Part::Open])?;
        let more = self.draws.chance(0.6);
        let rest = self.carry_on(if more { 2 } else { 1 }, &[lead]);
        let idea = self.idea(&open.caption, &lead.fact.text);
        let mut shots = vec![open, self.turn_shot(lead)];
        for claim in rest {
            shots.push(self.told_shot(claim));
        }
        self.finish(Structure::ProblemSolution, hook, shots, idea)
    }

    fn before_after(&mut self) -> Option<Built> {
        let (before, after) = self.linked_pairs().into_iter().next()?;
        let mut open = self.fact_shot(before);
        open.role = Role::Hook;
        let zh = self.zh();
        let label = |was: bool, text: &str| match (zh, was) {
            (true, true) => format!("以前：{text}"),
            (true, false) => format!("现在：{text}"),
            (false, true) => format!("Before: {text}"),
            (false, false) => format!("Now: {text}"),
        };
        open.caption = label(true, &before.fact.text);
        open.voice = self.spoken(&open.caption);
        let mut turn = self.fact_shot(after);
        turn.caption = label(false, &after.fact.text);
        turn.detail = self.material.name.to_string();
        turn.voice = if zh {
            self.spoken(&format!("现在有了{}，{}", self.material.name, after.fact.text))
        } else {
            format!("Now there's {}. {}", self.material.name, self.spoken(&after.fact.text))
        };
        let rest = self.carry_on(2, &[after]);
        let idea = self.idea(&before.fact.text, &after.fact.text);
        let mut shots = vec![open, turn];
        for claim in rest {
            shots.push(self.told_shot(claim));
        }
        self.finish(Structure::BeforeAfter, Hook::Contrast, shots, idea)
    }

    /// Problems of the brief with a fact that answers them.
    fn linked_pairs(&mut self) -> Vec<(&'m Claim<'b>, &'m Claim<'b>)> {
        let problems = self.facts(&[FactKind::Problem]);
        let facts = self.facts(SAID);
        let mut pairs = Vec::new();
        for problem in &problems {
            for fact in &facts {
                if self.material.answers(problem, fact) {
                    pairs.push((*problem, *fact));
                }
            }
        }
        pairs
    }

    fn three_reasons(&mut self) -> Option<Built> {
        let entries = self.material.elements(Part::List, "three_reasons");
        let entry = self.draws.pick(&entries)?;
        let head = self.element_shot(entry, Role::Hook)?;
        let mut reasons = self.facts(&[FactKind::Benefit, FactKind::Feature, FactKind::Proof]);
        reasons.retain(|claim| self.material.follows(&entry.element, claim));
        reasons.truncate(3);
        if reasons.len() < 3 {
            return None;
        }
        reasons.sort_by_key(|claim| claim.fact.kind == FactKind::Proof);
        let mut shots = vec![head];
        let ordinals = if self.zh() { &ORDINALS[..3] } else { &ORDINALS[3..] };
        for (claim, ordinal) in reasons.iter().zip(ordinals) {
            let mut shot = self.fact_shot(claim);
            LISTED.clone_into(&mut shot.source);
            shot.caption = format!("{ordinal}{}", claim.fact.text);
            shot.detail.clear();
            shots.push(shot);
        }
        let name = self.material.name.to_string();
        if !shots.iter().any(|shot| shot.caption.contains(&name)) {
            if let Some(first) = shots.get_mut(1) {
                first.detail = name;
            }
        }
        let idea = self.idea(&shots[0].caption, &reasons[0].fact.text);
        self.finish(Structure::ThreeReasons, entry.element.hook.unwrap_or(Hook::Statement), shots, idea)
    }

    /// Needs facts that can be seen: an action or a measurement.
    fn demonstration(&mut self) -> Option<Built> {
        let mut seen = self.facts(&[FactKind::Feature, FactKind::Benefit, FactKind::Proof]);
        seen.retain(|claim| phrases::is_visible(&claim.folded, self.zh()));
        let (first, second) = (*seen.first()?, *seen.get(1)?);
        let (open, hook) = self.opening(first, "demonstration", &[Part::Ask, Part::Open])?;
        let idea = self.idea(&open.caption, &first.fact.text);
        let rest = self.carry_on(1, &[first, second]);
        let mut shots = vec![open, self.turn_shot(first), self.fact_shot(second)];
        for claim in rest {
            shots.push(self.told_shot(claim));
        }
        self.finish(Structure::Demonstration, hook, shots, idea)
    }

    fn day(&mut self) -> Option<Built> {
        let mut shots: Vec<Shot> = Vec::new();
        let mut taken: Claims<'m, 'b> = Vec::new();
        let entries = self.material.elements(Part::Moment, "day");
        for order in 1..=3_u8 {
            let of_hour: Vec<&'static Entry> =
                entries.iter().copied().filter(|entry| entry.element.order == order).collect();
            let facts = self.facts(SAID);
            let found = self.draws.shuffled(&of_hour).into_iter().find_map(|entry| {
                let claim = facts.iter().copied().find(|claim| {
                    self.material.follows(&entry.element, claim)
                        && !taken.iter().any(|other| other.fact.id == claim.fact.id)
                })?;
                Some((entry, claim))
            });
            if let Some((entry, claim)) = found {
                shots.push(self.asked_shot(entry, claim)?);
                taken.push(claim);
            }
        }
        if shots.len() < 2 {
            return None;
        }
        shots[0].role = Role::Hook;
        let named = self.carry_on(1, &taken);
        if let Some(claim) = named.first() {
            let turn = self.turn_shot(claim);
            shots.push(turn);
        }
        let idea = self.idea(&shots[0].caption, &shots[1].caption);
        self.finish(Structure::DayInTheLife, Hook::Scene, shots, idea)
    }

    fn comparison(&mut self) -> Option<Built> {
        let pairs = self.linked_pairs();
        let first = *pairs.first()?;
        let second = *pairs
            .iter()
            .find(|(problem, fact)| problem.fact.id != first.0.fact.id && fact.fact.id != first.1.fact.id)?;
        let name = self.material.name.to_string();
        let pair = |builder: &Self, (problem, fact): (&Claim<'b>, &Claim<'b>), role: Role| {
            let mut shot = builder.fact_shot(fact);
            shot.role = role;
            shot.caption.clone_from(&problem.fact.text);
            shot.detail = if builder.zh() {
                format!("{name}：{}", fact.fact.text)
            } else {
                format!("{name}: {}", fact.fact.text)
            };
            let join = if builder.zh() { "" } else { " " };
            shot.voice =
                format!("{}{join}{}", builder.spoken(&problem.fact.text), builder.spoken(&fact.fact.text));
            shot.facts = vec![problem.fact.id.clone(), fact.fact.id.clone()];
            shot
        };
        let idea = self.idea(&first.0.fact.text, &first.1.fact.text);
        let mut shots = vec![pair(self, first, Role::Hook), pair(self, second, Role::Body)];
        let rest = self.carry_on(1, &[first.1, second.1]);
        for claim in rest {
            shots.push(self.told_shot(claim));
        }
        self.finish(Structure::Comparison, Hook::Contrast, shots, idea)
    }

    fn offer_first(&mut self) -> Option<Built> {
        let offer = &self.material.offer;
        let (caption, fact) = if offer.now.is_some() {
            (self.offer_line()?, offer.fact.clone())
        } else {
            let (id, text) = offer.terms.first()?;
            (text.clone(), Some(id.clone()))
        };
        let mut open = Shot {
            role: Role::Hook,
            voice: self.spoken(&caption),
            caption,
            detail: String::new(),
            picture: String::new(),
            facts: fact.into_iter().collect(),
            source: "offer".to_owned(),
        };
        let category = self.material.noun.as_ref().map(|noun| noun.1.clone());
        open.detail = category.unwrap_or_else(|| self.material.name.to_string());
        let rest = self.carry_on(2, &[]);
        let (lead, more) = rest.split_first()?;
        let idea = self.idea(&open.caption, &lead.fact.text);
        let mut shots = vec![open, self.turn_shot(lead)];
        for claim in more {
            shots.push(self.told_shot(claim));
        }
        self.finish(Structure::OfferFirst, Hook::Number, shots, idea)
    }

    fn makers_story(&mut self) -> Option<Built> {
        let origins = self.facts(&[FactKind::Origin]);
        let first = *origins.first()?;
        let mut open = self.fact_shot(first);
        open.role = Role::Hook;
        let brand = &self.material.brief.brand.name;
        if !open.caption.contains(brand.as_str()) {
            open.detail.clone_from(brand);
        }
        let mut shots = vec![open];
        if let Some(second) = origins.get(1) {
            shots.push(self.fact_shot(second));
        }
        let rest = self.carry_on(2, &origins);
        let (lead, more) = rest.split_first()?;
        let turn = self.turn_shot(lead);
        shots.push(turn);
        for claim in more {
            shots.push(self.told_shot(claim));
        }
        let idea = self.idea(&first.fact.text, &lead.fact.text);
        self.finish(Structure::MakersStory, Hook::Statement, shots, idea)
    }

    fn question_answer(&mut self) -> Option<Built> {
        let entries = self.material.elements(Part::Ask, "question_answer");
        let mut claims = self.facts(&[
            FactKind::Benefit,
            FactKind::Feature,
            FactKind::Proof,
            FactKind::Origin,
            FactKind::Offer,
        ]);
        let mut pairs: Vec<(&'static Entry, &'m Claim<'b>)> = Vec::new();
        for entry in self.draws.shuffled(&entries) {
            let Some(at) = claims.iter().position(|claim| self.material.follows(&entry.element, claim))
            else {
                continue;
            };
            pairs.push((entry, claims.remove(at)));
            if pairs.len() == 3 {
                break;
            }
        }
        pairs.sort_by_key(|(_, claim)| claim.fact.kind == FactKind::Offer);
        let (first, more) = pairs.split_first()?;
        if more.is_empty() || first.1.fact.kind == FactKind::Offer {
            return None;
        }
        let open = self.element_shot(first.0, Role::Hook)?;
        let idea = self.idea(&open.caption, &first.1.fact.text);
        let mut shots = vec![open, self.turn_shot(first.1)];
        for (entry, claim) in more {
            shots.push(self.asked_shot(entry, claim)?);
        }
        self.finish(Structure::QuestionAnswer, Hook::Question, shots, idea)
    }

    fn unboxing(&mut self) -> Option<Built> {
        let entries: Vec<&'static Entry> = self.material.elements(Part::Open, "unboxing");
        let entries: Vec<&'static Entry> = entries
            .into_iter()
            .filter(|entry| entry.element.structures.iter().any(|name| name == "unboxing"))
            .collect();
        let mut facts = self.facts(&[FactKind::Feature, FactKind::Benefit]);
        facts.retain(|claim| phrases::is_in_the_box(&claim.folded, self.zh()));
        let lead = *facts.first()?;
        let fitting: Vec<&'static Entry> =
            entries.into_iter().filter(|entry| self.material.follows(&entry.element, lead)).collect();
        let entry = self.draws.pick(&fitting)?;
        let open = self.element_shot(entry, Role::Hook)?;
        let rest = self.carry_on(2, &[lead]);
        let idea = self.idea(&open.caption, &lead.fact.text);
        let mut shots = vec![open, self.turn_shot(lead)];
        for claim in rest {
            shots.push(self.told_shot(claim));
        }
        self.finish(Structure::Unboxing, entry.element.hook.unwrap_or(Hook::Scene), shots, idea)
    }

    fn point_of_view(&mut self) -> Option<Built> {
        let lead = self.facts(SAID).into_iter().next()?;
        let (open, hook) = self.opening(lead, "pov", &[Part::Pov])?;
        let rest = self.carry_on(2, &[lead]);
        let idea = self.idea(&open.caption, &lead.fact.text);
        let mut shots = vec![open, self.turn_shot(lead)];
        for claim in rest {
            shots.push(self.told_shot(claim));
        }
        self.finish(Structure::PointOfView, hook, shots, idea)
    }

    /// Lines of the plot: moments and problems of the brief, in its order.
    fn cliff_hanger(&mut self) -> Option<Built> {
        let plot: Claims<'m, 'b> = self
            .material
            .claims
            .iter()
            .filter(|claim| matches!(claim.fact.kind, FactKind::Moment | FactKind::Problem))
            .collect();
        if self.material.vertical != spotwright_schemas::brief::Vertical::Drama || plot.len() < 2 {
            return None;
        }
        let mut order: Vec<usize> = (0..plot.len()).collect();
        order = self.draws.shuffled(&order);
        order.truncate(3);
        order.sort_unstable();
        let mut shots: Vec<Shot> = order.iter().map(|at| self.fact_shot(plot[*at])).collect();
        shots[0].role = Role::Hook;
        let last = shots.len() - 1;
        shots[last].detail = self.material.name.to_string();
        let idea = self.idea(&shots[0].caption, &shots[last].caption);
        self.finish(Structure::CliffHanger, Hook::Scene, shots, idea)
    }

    fn place_dish_deal(&mut self) -> Option<Built> {
        use spotwright_schemas::brief::Vertical::{HealthServices, LocalServices, Restaurant, Travel};
        if !matches!(self.material.vertical, Restaurant | LocalServices | HealthServices | Travel) {
            return None;
        }
        let mut scenes = self.facts(&[FactKind::Moment, FactKind::Origin]);
        scenes.truncate(3);
        let scene = self.draws.pick(&scenes)?;
        let mut open = self.fact_shot(scene);
        open.role = Role::Hook;
        open.detail = self.material.name.to_string();
        let rest = self.carry_on(2, &[scene]);
        let (lead, more) = rest.split_first()?;
        let idea = self.idea(&scene.fact.text, &lead.fact.text);
        let mut shots = vec![open, self.fact_shot(lead)];
        for claim in more {
            shots.push(self.told_shot(claim));
        }
        self.finish(Structure::PlaceDishDeal, Hook::Scene, shots, idea)
    }

    fn task_tap_result(&mut self) -> Option<Built> {
        use spotwright_schemas::brief::Vertical::{App, Finance, Game};
        if !matches!(self.material.vertical, App | Game | Finance) {
            return None;
        }
        let lead = self.facts(&[FactKind::Feature]).into_iter().next()?;
        let (open, hook) = self.opening(lead, "task_tap_result", &[Part::Open])?;
        let result = self.facts(&[FactKind::Benefit, FactKind::Proof]).into_iter().next()?;
        let idea = self.idea(&open.caption, &lead.fact.text);
        let shots = vec![open, self.turn_shot(lead), self.fact_shot(result)];
        self.finish(Structure::TaskTapResult, hook, shots, idea)
    }

    /// Who, what tension, what turn, in one sentence.
    fn idea(&self, tension: &str, turn: &str) -> String {
        let tension = tension.trim_end_matches(['.', '。', '?', '？', '!', '！']);
        if self.zh() {
            format!("从“{tension}”开始，用“{turn}”来回答。")
        } else {
            format!("It starts with \u{201c}{tension}\u{201d} and answers with \u{201c}{turn}\u{201d}.")
        }
    }
}

/// A structure's name in the element files.
pub(super) const fn short_name(structure: Structure) -> &'static str {
    match structure {
        Structure::ProblemSolution => "problem",
        Structure::BeforeAfter => "before_after",
        Structure::ThreeReasons => "three_reasons",
        Structure::Demonstration => "demonstration",
        Structure::DayInTheLife => "day",
        Structure::Comparison => "comparison",
        Structure::OfferFirst => "offer_first",
        Structure::MakersStory => "makers_story",
        Structure::QuestionAnswer => "question_answer",
        Structure::Unboxing => "unboxing",
        Structure::PointOfView => "pov",
        Structure::CliffHanger => "cliff_hanger",
        Structure::PlaceDishDeal => "place_dish_deal",
        Structure::TaskTapResult => "task_tap_result",
    }
}
