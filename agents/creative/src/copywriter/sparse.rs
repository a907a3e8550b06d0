//! Briefs of few facts: what may be said truthfully around one or two of them.
//!
//! Where a brief holds so little that every script says the same facts, scripts differ by who is spoken to, by
//! what the viewer asks, by what comes first and by how each fact stands: alone, with the product's name, or as
//! an answer. The lines beside the facts are the viewer's own question for such a thing (`wanted` elements with
//! the brief's noun phrase), the brief's own audience, and the price as an answer. Two scripts still share at
//! most one line.

use spotwright_core::domain::copy_rules::addresses::holds_markup;
use spotwright_core::domain::copy_rules::orders::speaks_to_a_program;
use spotwright_core::domain::copy_rules::terms::objection;
use spotwright_schemas::brief::{Brief, FactKind};
use spotwright_schemas::script::{Hook, Role, Structure};

use super::elements::Part;
use super::judge::limits;
use super::material::{Claim, Material};
use super::phrases;
use super::speech;
use super::structures::{Builder, Built, Claims, FACT, Shot};
use crate::text::length;

/// Most facts between opening and close with which a brief counts as sparse.
const FEW: usize = 3;

/// Kinds of facts that stand between opening and close.
const MIDDLE: [FactKind; 4] = [FactKind::Benefit, FactKind::Feature, FactKind::Proof, FactKind::Origin];

/// How a sparse script opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// The viewer looks for such a thing.
    Wanted,
    /// Whom it is for, in the brief's words.
    ForWhom,
    /// The viewer asks for the price.
    Cost,
    /// The viewer asks what a fact answers.
    Asked,
    /// The price or the offer itself.
    Price,
}

const OPENINGS: [Opening; 5] =
    [Opening::Wanted, Opening::ForWhom, Opening::Cost, Opening::Asked, Opening::Price];

/// Whether a brief says so little that its scripts must say the same facts.
pub(super) fn is_sparse(material: &Material<'_>) -> bool {
    let middle = material.claims.iter().filter(|claim| MIDDLE.contains(&claim.fact.kind)).count();
    (1..=FEW).contains(&middle)
}

/// For whom the product is, as a line: `For people who skip breakfast`, `给爱喝热水的上班族`; `None` where the brief's
/// description is no such phrase, or may not be shown.
pub(super) fn for_whom(brief: &Brief) -> Option<String> {
    let text = brief.audience.description.trim().trim_end_matches(['.', '。']);
    let plain = !text.contains(['.', '。', ':', '：', ';', '；', '?', '？', '"', '“']);
    if !plain || holds_markup(text) || speaks_to_a_program(text) || objection(brief, text).is_some() {
        return None;
    }
    let line = if brief.locale.is_chinese() {
        let ends = [
            "人", "族", "家庭", "家长", "学生", "情侣", "夫妻", "妈妈", "爸爸", "爸妈", "考生", "玩家",
            "新手", "白领", "朋友", "们",
        ];
        ends.iter().any(|end| text.ends_with(end)).then(|| format!("给{text}"))?
    } else {
        english_audience(text)?
    };
    let limit = if brief.locale.is_chinese() { 24 } else { LONGEST_AUDIENCE };
    let counted = line.chars().any(|c| c.is_ascii_digit());
    (!counted && length(&line) <= limits(brief.locale)[0].min(limit)).then_some(line)
}

/// Longest line that says whom it is for, in characters of Latin script.
const LONGEST_AUDIENCE: usize = 48;

/// Nouns for people of whom an audience is made up.
const PEOPLE: &[&str] = &[
    "people",
    "parents",
    "families",
    "couples",
    "adults",
    "owners",
    "runners",
    "hikers",
    "commuters",
    "travelers",
    "travellers",
    "freelancers",
    "students",
    "women",
    "men",
    "anyone",
    "everyone",
    "viewers",
    "gardeners",
    "cyclists",
    "drivers",
    "teachers",
    "players",
    "readers",
    "beginners",
    "workers",
    "cooks",
    "drinkers",
    "athletes",
];

/// `For working families in the metro area`: the description, or as much of it as fits and ends before a
/// preposition or a clause.
fn english_audience(text: &str) -> Option<String> {
    let mut chars = text.chars();
    let lower: String = chars.next().map(|c| c.to_lowercase().chain(chars).collect())?;
    let told = |head: &str| head.split(' ').take(3).any(|word| PEOPLE.contains(&word));
    let counted = |head: &str| head.chars().any(|c| c.is_ascii_digit());
    let fits = |head: &str| told(head) && !counted(head) && length(head) + 4 <= LONGEST_AUDIENCE;
    if fits(&lower) {
        return Some(format!("For {lower}"));
    }
    // What stands behind "who" belongs together.
    let end = [" who ", " whose "].iter().filter_map(|word| lower.find(word)).min().unwrap_or(lower.len());
    let cuts = [" who ", " whose ", " with ", " in ", " within ", " aged ", " and ", ", "];
    let mut heads: Vec<&str> = cuts
        .iter()
        .flat_map(|word| lower.match_indices(word).map(|(at, _)| at))
        .filter(|at| *at <= end)
        .filter_map(|at| lower.get(..at))
        .filter(|head| head.contains(' ') && fits(head))
        .collect();
    heads.sort_by_key(|head| head.len());
    heads.last().map(|head| format!("For {head}"))
}

impl<'m, 'b> Builder<'m, 'b> {
    /// One attempt at a script of a sparse brief.
    pub(super) fn sparse(&mut self) -> Option<Built> {
        let middle = self.facts(&MIDDLE);
        let opening = self.draws.pick(&OPENINGS)?;
        self.loosen(1.0);
        let mut open = self.sparse_opening(opening, &middle)?;
        // A price is answered where it is asked for.
        if opening == Opening::Cost && self.material.offer.now.is_none() {
            open = self.with_price(open)?;
        }
        if open.facts.is_empty() && self.draws.chance(0.6) {
            open = self.named_opening(open);
        }
        let idea = self.idea(&open.caption, &middle.first()?.fact.text);
        let (structure, hook) = match opening {
            Opening::Wanted => (Structure::ProblemSolution, Hook::Question),
            Opening::ForWhom => (Structure::PointOfView, Hook::Statement),
            Opening::Cost | Opening::Asked => (Structure::QuestionAnswer, Hook::Question),
            Opening::Price => (Structure::OfferFirst, Hook::Number),
        };
        let mut named = !open.detail.is_empty();
        let mut shots = vec![open];
        // The price of an offer answers at once where it was asked for.
        if opening == Opening::Cost && self.material.offer.now.is_some() {
            shots.extend(self.price_shot());
        } else if !named && self.draws.chance(0.4) {
            shots.push(self.name_shot());
            named = true;
        }
        shots.extend(self.sparse_middle(&middle, named));
        self.fill_up(opening, &mut shots);
        let mut built = self.finish(structure, hook, shots, idea)?;
        self.turn_the_close(&mut built);
        Some(built)
    }

    /// The facts, each in a shot of its own, or two short ones in one.
    fn sparse_middle(&mut self, middle: &[&'m Claim<'b>], named: bool) -> Vec<Shot> {
        if let [first, second] = middle {
            let (mut shot, below) = (self.fact_shot(first), self.fact_shot(second));
            if shot.detail.is_empty() && below.detail.is_empty() && self.draws.chance(0.25) {
                let join = if self.zh() { "" } else { " " };
                shot.detail = below.caption;
                shot.voice = format!("{}{join}{}", shot.voice, below.voice);
                shot.facts.extend(below.facts);
                return vec![shot];
            }
        }
        let mut shots = Vec::new();
        for (at, claim) in middle.iter().enumerate() {
            let said: Claims<'m, 'b> = middle.iter().take(at).copied().collect();
            shots.push(self.said_somehow(claim, &said, at == 0 && !named));
        }
        shots
    }

    /// Lines that are true without evidence, until three stand before the close; the question for the price
    /// stands last, where the close answers it.
    fn fill_up(&mut self, opening: Opening, shots: &mut Vec<Shot>) {
        let asked = matches!(opening, Opening::Cost | Opening::Price);
        let mut whom = self.for_whom_shot().filter(|_| opening != Opening::ForWhom);
        let mut cost = if asked { None } else { self.cost_question() };
        while shots.len() < 3 {
            let first = self.draws.chance(0.5);
            let next =
                if first { whom.take().or_else(|| cost.take()) } else { cost.take().or_else(|| whom.take()) };
            let Some(next) = next else { break };
            shots.push(next);
        }
        let label = self.material.naming.label.clone();
        if shots.len() < 3 && shots.iter().all(|shot| shot.caption != label) {
            for shot in shots.iter_mut().filter(|shot| shot.detail == label) {
                shot.detail.clear();
                if let Some(fact) = shot.facts.first().and_then(|id| self.material.brief.fact(id)) {
                    shot.voice = self.spoken(&fact.text);
                }
            }
            shots.insert(1.min(shots.len()), self.name_shot());
        }
        // Behind the question for the price comes the price.
        let asks = |shot: &Shot| {
            shot.facts.is_empty() && shot.role == Role::Body && shot.caption.ends_with(['?', '？'])
        };
        shots.sort_by_key(asks);
    }

    /// The product by name and kind.
    fn name_shot(&self) -> Shot {
        let naming = &self.material.naming;
        let voice = if naming.introduction.is_empty() {
            self.spoken(&naming.label)
        } else {
            naming.introduction.clone()
        };
        Shot {
            role: Role::Body,
            caption: naming.label.clone(),
            detail: String::new(),
            voice,
            picture: self.material.pack_shot(),
            facts: Vec::new(),
            source: FACT.to_owned(),
        }
    }

    /// An opening with the product below it: by name alone where the line has said the kind.
    fn named_opening(&self, open: Shot) -> Shot {
        let mut open = self.named_below(open);
        let name = self.material.name.as_ref();
        if open.detail.is_empty() && !open.caption.contains(name) {
            name.clone_into(&mut open.detail);
        }
        open
    }

    /// The price stands in the last line once: large with what to do below it, or below what to do. Without a
    /// price the last line names the product by its name, by name and kind, by brand, or says whom it is for.
    fn turn_the_close(&mut self, built: &mut Built) {
        let offer = &self.material.offer;
        let Some((last, before)) = built.shots.split_last_mut() else { return };
        if offer.now.is_some() || last.detail.is_empty() {
            return;
        }
        let price = offer.price.as_deref();
        if price.is_some_and(|price| last.caption == price) {
            let said =
                before.iter().any(|shot| Some(shot.caption.as_str()) == price || shot.caption == last.detail);
            if said || self.draws.chance(0.4) {
                std::mem::swap(&mut last.caption, &mut last.detail);
            }
        } else if price.is_none() && last.detail == self.material.name.as_ref() {
            let whom =
                for_whom(self.material.brief).filter(|whom| before.iter().all(|shot| shot.caption != *whom));
            let kinds = [
                Some(self.material.name.to_string()),
                Some(self.material.naming.label.clone()),
                Some(self.material.brief.brand.name.clone()),
                whom,
            ];
            let known: Vec<&String> = kinds.iter().flatten().collect();
            if let Some(detail) = self.draws.pick(&known) {
                last.detail.clone_from(detail);
            }
        }
    }

    /// A fact as it stands, with the product's name, or as the answer to a question.
    fn said_somehow(&mut self, claim: &'m Claim<'b>, said: &[&Claim<'b>], first: bool) -> Shot {
        let asked = if self.draws.chance(0.5) { self.questioned(claim, said) } else { None };
        match asked {
            Some(shot) => shot,
            None if first && self.draws.chance(0.7) => self.turn_shot(claim),
            None => self.fact_shot(claim),
        }
    }

    fn sparse_opening(&mut self, opening: Opening, middle: &[&'m Claim<'b>]) -> Option<Shot> {
        match opening {
            Opening::Wanted => {
                let entries = self.material.elements(Part::Wanted, "wanted");
                let entry = self.draws.pick(&entries)?.entry;
                let mut shot = self.opening_shot(entry)?;
                shot.picture = self.material.pack_shot();
                Some(shot)
            }
            Opening::ForWhom => {
                let mut shot = self.for_whom_shot()?;
                shot.role = Role::Hook;
                Some(shot)
            }
            Opening::Cost => {
                let mut shot = self.cost_question()?;
                shot.role = Role::Hook;
                (!speech::goes_on(&shot.caption)).then_some(shot)
            }
            Opening::Asked => {
                let lead = middle.first().copied()?;
                let entries = self.material.elements(Part::Ask, "question_answer");
                let asking: Vec<_> =
                    entries.into_iter().filter(|fitting| Material::follows(fitting, lead)).collect();
                let entry = self.draws.pick(&asking)?.entry;
                self.opening_shot(entry)
            }
            Opening::Price => {
                let mut shot = self.price_shot()?;
                shot.role = Role::Hook;
                let limit = crate::copy_engine::limits(self.material.brief.locale, Role::Hook).caption;
                (length(&shot.caption) <= limit).then(|| self.named_below(shot))
            }
        }
    }

    fn for_whom_shot(&self) -> Option<Shot> {
        let caption = for_whom(self.material.brief)?;
        Some(Shot {
            role: Role::Body,
            voice: self.spoken(&caption),
            caption,
            detail: String::new(),
            picture: self.material.pack_shot(),
            facts: Vec::new(),
            source: FACT.to_owned(),
        })
    }

    /// The price or the offer as a line.
    fn price_shot(&mut self) -> Option<Shot> {
        let offer = &self.material.offer;
        let (caption, fact) = if offer.now.is_some() {
            (self.offer_line()?, offer.fact.clone())
        } else {
            (offer.price.clone()?, offer.price_fact.clone())
        };
        Some(Shot {
            role: Role::Body,
            voice: self.spoken(&caption),
            caption,
            detail: String::new(),
            picture: self.material.pack_shot(),
            facts: fact.into_iter().collect(),
            source: FACT.to_owned(),
        })
    }

    /// The question for the price, in the words of the line of business.
    fn cost_question(&mut self) -> Option<Shot> {
        self.price_shot()?;
        let entries = self.material.elements(Part::Wanted, "cost");
        let priced: Vec<_> = entries
            .into_iter()
            .filter(|fitting| fitting.entry.element.structures.iter().any(|name| name == "cost"))
            .collect();
        let entry = self.draws.pick(&priced)?.entry;
        let mut shot = self.element_shot(entry, Role::Body)?;
        shot.picture = self.material.pack_shot();
        Some(shot)
    }

    /// A question with the price as its answer in one shot.
    fn with_price(&mut self, mut shot: Shot) -> Option<Shot> {
        let price = self.price_shot()?;
        shot.detail = if self.zh() { price.caption } else { phrases::capitalized(&price.caption) };
        shot.voice = format!("{}{}{}", shot.voice, if self.zh() { "" } else { " " }, price.voice);
        shot.facts = price.facts;
        Some(shot)
    }
}
