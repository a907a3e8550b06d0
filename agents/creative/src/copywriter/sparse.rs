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
    let plain = !text.contains(['.', '。', ':', '：', ';', '；', '?', '？', '"', '“'])
        && !text.chars().any(|c| c.is_ascii_digit());
    if !plain || holds_markup(text) || speaks_to_a_program(text) || objection(brief, text).is_some() {
        return None;
    }
    let line = if brief.locale.is_chinese() {
        let ends = [
            "人", "族", "家庭", "家长", "学生", "情侣", "夫妻", "妈妈", "爸爸", "新手", "白领", "朋友", "们",
        ];
        ends.iter().any(|end| text.ends_with(end)).then(|| format!("给{text}"))?
    } else {
        let first = text.split(' ').next()?;
        let people = [
            "People",
            "Parents",
            "Families",
            "Couples",
            "Adults",
            "Owners",
            "Runners",
            "Hikers",
            "Commuters",
            "Travelers",
            "Travellers",
            "Freelancers",
            "Students",
            "Women",
            "Men",
            "Anyone",
            "Everyone",
            "Viewers",
            "Gardeners",
            "Cyclists",
            "Drivers",
            "Teachers",
            "Players",
            "Readers",
            "Beginners",
        ];
        people.contains(&first).then(|| {
            let mut chars = text.chars();
            let lower: String =
                chars.next().map(|c| c.to_lowercase().chain(chars).collect()).unwrap_or_default();
            format!("For {lower}")
        })?
    };
    (length(&line) <= limits(brief.locale)[0].min(if brief.locale.is_chinese() { 24 } else { 48 }))
        .then_some(line)
}

impl<'m, 'b> Builder<'m, 'b> {
    /// One attempt at a script of a sparse brief.
    pub(super) fn sparse(&mut self) -> Option<Built> {
        let middle = self.facts(&MIDDLE);
        let opening = self.draws.pick(&OPENINGS)?;
        self.loosen(1.0);
        let mut open = self.sparse_opening(opening, &middle)?;
        if open.facts.is_empty() && self.draws.chance(0.5) {
            open = self.named_below(open);
        }
        let idea = self.idea(&open.caption, &middle.first()?.fact.text);
        let (structure, hook) = match opening {
            Opening::Wanted => (Structure::ProblemSolution, Hook::Question),
            Opening::ForWhom => (Structure::PointOfView, Hook::Statement),
            Opening::Cost | Opening::Asked => (Structure::QuestionAnswer, Hook::Question),
            Opening::Price => (Structure::OfferFirst, Hook::Number),
        };
        let mut shots = vec![open];
        // The price answers at once where it was asked for.
        if opening == Opening::Cost {
            shots.extend(self.price_shot());
        }
        for (at, claim) in middle.iter().enumerate() {
            let said: Claims<'m, 'b> = middle.iter().take(at).copied().collect();
            shots.push(self.said_somehow(claim, &said, at == 0));
        }
        if shots.len() < 3 {
            let whom = self.for_whom_shot().filter(|_| opening != Opening::ForWhom);
            let cost =
                if matches!(opening, Opening::Cost | Opening::Price) { None } else { self.cost_shot() };
            let more = if self.draws.chance(0.5) { whom.or(cost) } else { cost.or(whom) };
            shots.extend(more);
        }
        self.finish(structure, hook, shots, idea)
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
                let mut shot = self.element_shot(entry, Role::Hook)?;
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
                Some(shot)
            }
            Opening::Asked => {
                let lead = middle.first().copied()?;
                let entries = self.material.elements(Part::Ask, "question_answer");
                let asking: Vec<_> =
                    entries.into_iter().filter(|fitting| Material::follows(fitting, lead)).collect();
                let entry = self.draws.pick(&asking)?.entry;
                self.element_shot(entry, Role::Hook)
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

    /// Question and price in one shot.
    fn cost_shot(&mut self) -> Option<Shot> {
        let mut shot = self.cost_question()?;
        let price = self.price_shot()?;
        shot.detail = if self.zh() { price.caption } else { phrases::capitalized(&price.caption) };
        shot.voice = format!("{}{}{}", shot.voice, if self.zh() { "" } else { " " }, price.voice);
        shot.facts = price.facts;
        Some(shot)
    }
}
