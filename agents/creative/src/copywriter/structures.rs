//! Structures: which line follows which.
//!
//! Every builder chooses from the end and from the middle first: the lead fact, then an opening
//! that it answers, then facts that carry on, then the close. A builder that finds no value for a
//! step gives nothing; nothing is bent to fit.

use spotwright_core::domain::copy_rules::reading::{ends_sentence, point};
use spotwright_schemas::brief::{FactId, FactKind};
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::{Hook, Role, Structure};

use super::elements::{Entry, Part};
use super::judge::limits;
use super::material::{Claim, Fitting, Material};
use super::phrases;
use super::speech::{self, Place, Pronoun};
use crate::text::length;

/// What a line of a fact alone cites in the place of an element.
pub(super) const FACT: &str = "fact";

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

    pub(super) fn shuffled<T: Copy>(&mut self, items: &[T]) -> Vec<T> {
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

/// Claims in an order of choice.
pub(super) type Claims<'m, 'b> = Vec<&'m Claim<'b>>;

pub(super) const SAID: &[FactKind] = &[FactKind::Benefit, FactKind::Feature];
const PROVEN: &[FactKind] = &[FactKind::Proof];

impl<'m, 'b> Builder<'m, 'b> {
    // ---- choosing facts ----------------------------------------------------------------------

    /// Facts of these kinds, in an order that prefers rarely used ones; ties fall by chance.
    pub(super) fn facts(&mut self, kinds: &[FactKind]) -> Claims<'m, 'b> {
        let all: Claims<'m, 'b> =
            self.material.claims.iter().filter(|claim| kinds.contains(&claim.fact.kind)).collect();
        let mut mixed = self.draws.shuffled(&all);
        mixed.sort_by_key(|claim| (self.worn)(&claim.fact.id));
        mixed
    }

    /// `n` facts to carry on with: benefits and features first, then proof, none of `taken`.
    pub(super) fn carry_on(&mut self, n: usize, taken: &[&Claim<'b>]) -> Claims<'m, 'b> {
        let mut found: Claims<'m, 'b> = Vec::new();
        let proof_last = self.facts(PROVEN);
        let mut pool = self.facts(SAID);
        if let Some(proof) = proof_last.first().copied() {
            pool.truncate(pool.len().min(n + taken.len()));
            pool.insert(pool.len().min(n.saturating_sub(1) + taken.len()), proof);
        }
        pool.extend(self.facts(&[FactKind::Origin]));
        let required = &self.material.required;
        pool.sort_by_key(|claim| !required.contains(&claim.at));
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
        let ends = ends_sentence(text.trim_end_matches(['”', '"', '\u{2019}']));
        format!("{text}{}", if ends { "" } else { point(self.material.brief.locale) })
    }

    fn role_of(claim: &Claim<'_>) -> Role {
        if claim.fact.kind == FactKind::Proof { Role::Proof } else { Role::Body }
    }

    /// A fact in its own words. One too long for one caption goes on below it.
    pub(super) fn fact_shot(&self, claim: &Claim<'_>) -> Shot {
        let (caption, detail) = phrases::two_lines(&claim.fact.text, limits(self.material.brief.locale)[0])
            .unwrap_or_else(|| (self.material.name.to_string(), claim.fact.text.clone()));
        Shot {
            role: Self::role_of(claim),
            caption,
            detail,
            voice: self.spoken(&claim.fact.text),
            picture: self.material.picture_of(claim),
            facts: vec![claim.fact.id.clone()],
            source: FACT.to_owned(),
        }
    }

    /// A fact in its own words, or as the answer to the viewer's question.
    pub(super) fn told_shot(&mut self, claim: &Claim<'_>) -> Shot {
        if self.draws.chance(0.25) {
            let mut asking = self.material.elements(Part::Ask, "question_answer");
            asking.retain(|fitting| Material::follows(fitting, claim));
            if let Some(shot) = self.draws.pick(&asking).and_then(|one| self.asked_shot(one.entry, claim)) {
                return shot;
            }
        }
        self.fact_shot(claim)
    }

    /// Whether the product is one thing that "it" can stand for.
    fn pronoun(&self) -> Pronoun {
        use spotwright_schemas::brief::Vertical::{
            Drama, HealthServices, KidsEducation, LocalServices, Restaurant, Travel,
        };
        let several = self.material.noun.as_ref().is_some_and(|(phrase, bare)| phrase == bare);
        let place = matches!(
            self.material.vertical,
            Drama | HealthServices | KidsEducation | LocalServices | Restaurant | Travel
        );
        if several || place { Pronoun::Unsaid } else { Pronoun::It }
    }

    /// The product's name and a fact in one sentence, where grammar joins them safely. A name that
    /// ends in a figure would be read as a quantity of what follows.
    fn named_sentence(&self, fact: &str) -> Option<String> {
        let name = &self.material.name;
        if fact.contains(name.as_ref()) {
            return Some(fact.to_owned());
        }
        if name.ends_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        if self.zh() {
            let point = if fact.starts_with(['“', '"']) { "：" } else { "，" };
            return Some(format!("{name}{point}{fact}"));
        }
        speech::third_person(fact).map(|clause| format!("{name} {clause}"))
    }

    fn is_a_place(&self) -> bool {
        use spotwright_schemas::brief::Vertical::{HealthServices, Restaurant, Travel};
        matches!(self.material.vertical, HealthServices | Restaurant | Travel)
    }

    /// The shot that names the product and carries a fact.
    pub(super) fn turn_shot(&mut self, claim: &Claim<'_>) -> Shot {
        let name = self.material.name.to_string();
        let fact = &claim.fact.text;
        let limit = limits(self.material.brief.locale)[0];
        let (caption, detail, voice) = match self.named_sentence(fact) {
            Some(sentence) if length(&sentence) <= limit => {
                (sentence.clone(), String::new(), self.spoken(&sentence))
            }
            Some(sentence) => (name, fact.clone(), self.spoken(&sentence)),
            None if self.zh() => (name.clone(), fact.clone(), format!("{name}，{}", self.spoken(fact))),
            None => {
                let place = self.is_a_place() && name.contains(self.material.brief.brand.name.as_str());
                let said = speech::with_name(&name, fact, place);
                (name, fact.clone(), self.spoken(&said))
            }
        };
        Shot {
            role: Self::role_of(claim),
            caption,
            detail,
            voice,
            picture: self.material.picture_of(claim),
            facts: vec![claim.fact.id.clone()],
            source: FACT.to_owned(),
        }
    }

    /// A line with the product's name below it, unless it says the name already.
    pub(super) fn named_below(&self, mut shot: Shot) -> Shot {
        let name = self.material.name.as_ref();
        let says = |text: &str| text.contains(name);
        if shot.detail.is_empty() && !says(&shot.caption) {
            name.clone_into(&mut shot.detail);
        }
        shot
    }

    /// Gives the lines that are facts in their own words a voice that goes on from line to line.
    fn speak(&self, shots: &mut [Shot]) {
        // Lines of a plot stand side by side; nothing joins them.
        if self.material.vertical == spotwright_schemas::brief::Vertical::Drama {
            return;
        }
        let pronoun = self.pronoun();
        let mut place = Place::First;
        for shot in shots.iter_mut().filter(|shot| shot.source == FACT && shot.role != Role::Hook) {
            let written = if shot.detail.is_empty() || shot.detail == *self.material.name {
                shot.caption.clone()
            } else {
                continue;
            };
            if self.spoken(&written) != shot.voice || written.contains(self.material.name.as_ref()) {
                continue;
            }
            let said = if self.zh() {
                speech::chinese(&written, place)
            } else {
                speech::english(&written, place, pronoun)
            };
            shot.voice = self.spoken(&said);
            place = match place {
                Place::First => Place::Next,
                Place::Next | Place::Later => Place::Later,
            };
        }
    }

    pub(super) fn element_shot(&self, entry: &Entry, role: Role) -> Option<Shot> {
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
    pub(super) fn asked_shot(&self, entry: &Entry, claim: &Claim<'_>) -> Option<Shot> {
        let mut shot = self.element_shot(entry, Self::role_of(claim))?;
        shot.detail.clone_from(&claim.fact.text);
        shot.voice =
            format!("{}{}{}", shot.voice, if self.zh() { "" } else { " " }, self.spoken(&claim.fact.text));
        shot.facts = vec![claim.fact.id.clone()];
        Some(shot)
    }

    /// An opening that `lead` answers, by a problem of the brief or by an element.
    pub(super) fn opening(
        &mut self,
        lead: &Claim<'b>,
        structure: &str,
        parts: &[Part],
    ) -> Option<(Shot, Hook)> {
        let problems = self.facts(&[FactKind::Problem]);
        let linked: Claims<'m, 'b> =
            problems.iter().copied().filter(|problem| self.material.answers(problem, lead)).collect();
        let mut entries: Vec<&Fitting> = Vec::new();
        for part in parts {
            let fitting = self.material.elements(*part, structure);
            entries.extend(fitting.into_iter().filter(|fitting| Material::follows(fitting, lead)));
        }
        let own_words = parts.contains(&Part::Open) && !linked.is_empty();
        if own_words && (entries.is_empty() || self.draws.chance(0.65)) {
            let problem = *linked.first()?;
            let mut shot = self.fact_shot(problem);
            shot.role = Role::Hook;
            let hook = if problem.fact.text.ends_with(['?', '？']) { Hook::Question } else { Hook::Scene };
            return Some((shot, hook));
        }
        let entry = self.draws.pick(&entries)?.entry;
        let hook = entry.element.hook.unwrap_or(Hook::Question);
        Some((self.element_shot(entry, Role::Hook)?, hook))
    }

    // ---- the structures -----------------------------------------------------------------------

    /// No picture stands twice in a script: the later shot takes another picture of the brief.
    fn part_pictures(&self, shots: &mut [Shot]) {
        let mut seen: Vec<String> = Vec::new();
        for shot in shots {
            if seen.contains(&shot.picture) {
                let pictures = &self.material.brief.product.pictures;
                let other = pictures.iter().map(|picture| &picture.alt).find(|alt| !seen.contains(*alt));
                if let Some(other) = other {
                    shot.picture.clone_from(other);
                }
            }
            seen.push(shot.picture.clone());
        }
    }

    pub(super) fn finish(
        &mut self,
        structure: Structure,
        hook: Hook,
        mut shots: Vec<Shot>,
        idea: String,
    ) -> Option<Built> {
        let short = short_name(structure);
        let used: Vec<FactId> = shots.iter().flat_map(|shot| shot.facts.iter().cloned()).collect();
        self.speak(&mut shots);
        shots.push(self.close(short, &used)?);
        self.part_pictures(&mut shots);
        Some(Built { structure, hook, idea, shots })
    }

    /// Who, what tension, what turn, in one sentence.
    pub(super) fn idea(&self, tension: &str, turn: &str) -> String {
        let points = ['.', '。', '?', '？', '!', '！'];
        let plain = |text: &str| text.trim_end_matches(points).to_owned();
        let who = plain(&self.material.brief.audience.description);
        let (tension, turn) = (plain(tension), plain(turn));
        let name = &self.material.name;
        if self.zh() {
            format!("写给：{who}。张力：“{tension}”。转折：{name}，“{turn}”。")
        } else {
            format!("For: {who}. Tension: \u{201c}{tension}\u{201d}. Turn: {name}, \u{201c}{turn}\u{201d}.")
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
