//! The structures, one builder each: what opens, what turns, what carries on.

use spotwright_schemas::brief::FactKind;
use spotwright_schemas::script::{Hook, Role, Structure};

use super::LISTED;
use super::close::is_compound;
use super::elements::{Entry, Part};
use super::material::{Claim, Fitting, Material};
use super::phrases;
use super::structures::{Builder, Built, Claims, ORDINALS, SAID, Shot};

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

    /// `open`, the turn that names the product, and facts that carry on.
    fn opened(&mut self, open: Shot, lead: &'m Claim<'b>, more: usize) -> Vec<Shot> {
        let rest = self.carry_on(more, &[lead]);
        let mut shots = vec![open, self.turn_shot(lead)];
        for claim in rest {
            shots.push(self.told_shot(claim));
        }
        shots
    }

    /// The first of `leads` that has an opening it answers.
    fn led(
        &mut self,
        leads: &[&'m Claim<'b>],
        structure: &str,
        parts: &[Part],
    ) -> Option<(&'m Claim<'b>, Shot, Hook)> {
        leads.iter().find_map(|lead| {
            let (open, hook) = self.opening(lead, structure, parts)?;
            Some((*lead, open, hook))
        })
    }

    /// For a brief of few facts and no trouble: whoever looks for such a thing.
    fn wanted(&mut self, leads: &[&'m Claim<'b>]) -> Option<(&'m Claim<'b>, Shot, Hook)> {
        let few = self.material.claims.len() <= 5;
        let (phrase, bare) = self.material.noun.as_ref().filter(|_| few)?;
        let caption = if self.zh() { format!("在找{bare}？") } else { format!("Looking for {phrase}?") };
        let open = Shot {
            role: Role::Hook,
            voice: caption.clone(),
            caption,
            detail: String::new(),
            picture: self.material.pack_shot(),
            facts: Vec::new(),
            source: super::structures::FACT.to_owned(),
        };
        Some((*leads.first()?, open, Hook::Question))
    }

    fn problem_solution(&mut self) -> Option<Built> {
        // Problems of the brief and facts that answer them lead; an authored scene stands in.
        let mut leads: Claims<'m, 'b> = Vec::new();
        if self.draws.chance(0.7) {
            let pairs = self.linked_pairs();
            leads.extend(self.draws.pick(&pairs).map(|(_, fact)| fact));
        }
        leads.extend(self.facts(SAID));
        let (lead, open, hook) = match self.led(&leads, "problem", &[Part::Open]) {
            Some(led) => led,
            None => self.wanted(&leads)?,
        };
        let idea = self.idea(&open.caption, &lead.fact.text);
        let more = if self.draws.chance(0.6) { 2 } else { 1 };
        let shots = self.opened(open, lead, more);
        self.finish(Structure::ProblemSolution, hook, shots, idea)
    }

    fn before_after(&mut self) -> Option<Built> {
        let pairs = self.linked_pairs();
        let (before, after) = self.draws.pick(&pairs)?;
        let question = before.fact.text.contains(['?', '？', '“', '"']);
        if question {
            return None;
        }
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
        open.detail.clear();
        open.voice = self.spoken(&before.fact.text);
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

    /// Problems of the brief with a fact that answers them, the rarely used first.
    fn linked_pairs(&mut self) -> Vec<(&'m Claim<'b>, &'m Claim<'b>)> {
        let problems = self.facts(&[FactKind::Problem]);
        let facts = self.facts(&[FactKind::Benefit, FactKind::Feature, FactKind::Proof]);
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
        let pairs = self.linked_pairs();
        let own = self.draws.chance(0.5);
        let mut reasons = self.facts(&[FactKind::Benefit, FactKind::Feature, FactKind::Proof]);
        let pair = self.draws.pick(&pairs);
        let (head, hook) = match pair {
            Some((problem, fact)) if own => {
                reasons.sort_by_key(|claim| claim.at != fact.at);
                let mut head = self.fact_shot(problem);
                head.role = Role::Hook;
                (head, Hook::Scene)
            }
            _ => {
                let entries = self.material.elements(Part::List, "three_reasons");
                let fitting = self.draws.pick(&entries)?;
                reasons.retain(|claim| Material::follows(fitting, claim));
                let hook = fitting.entry.element.hook.unwrap_or(Hook::Statement);
                (self.element_shot(fitting.entry, Role::Hook)?, hook)
            }
        };
        reasons.truncate(3);
        if reasons.len() < 3 {
            return None;
        }
        reasons[1..].sort_by_key(|claim| claim.fact.kind == FactKind::Proof);
        let idea = self.idea(&head.caption, &reasons[0].fact.text);
        let mut shots = vec![self.named_below(head)];
        let ordinals = if self.zh() { &ORDINALS[..3] } else { &ORDINALS[3..] };
        for (claim, ordinal) in reasons.iter().zip(ordinals) {
            let mut shot = self.fact_shot(claim);
            LISTED.clone_into(&mut shot.source);
            shot.caption = format!("{ordinal}{}", claim.fact.text);
            shot.detail.clear();
            shots.push(shot);
        }
        self.finish(Structure::ThreeReasons, hook, shots, idea)
    }

    /// Do it, do it harder, what comes of it: needs facts that can be seen happening.
    fn demonstration(&mut self) -> Option<Built> {
        let zh = self.zh();
        let mut seen = self.facts(&[FactKind::Feature, FactKind::Benefit, FactKind::Proof]);
        seen.retain(|claim| phrases::is_visible(&claim.folded, zh));
        seen.truncate(3);
        seen.sort_by_key(|claim| claim.fact.kind == FactKind::Proof);
        let first = *seen.first()?;
        let limit = crate::copy_engine::limits(self.material.brief.locale, Role::Hook).caption;
        if crate::text::length(&first.fact.text) > limit {
            return None;
        }
        let mut open = self.fact_shot(first);
        open.role = Role::Hook;
        let open = self.named_below(open);
        let mut shots = vec![open];
        let mut taken = vec![first];
        if let Some(second) = seen.get(1).copied() {
            shots.push(self.told_shot(second));
            taken.push(second);
        }
        let rest = self.carry_on(if taken.len() == 2 { 1 } else { 2 }, &taken);
        let last = rest.last()?;
        let idea = self.idea(&first.fact.text, &last.fact.text);
        for claim in rest {
            shots.push(self.told_shot(claim));
        }
        self.finish(Structure::Demonstration, Hook::Command, shots, idea)
    }

    fn day(&mut self) -> Option<Built> {
        let mut found: Vec<(&'static Entry, &'m Claim<'b>)> = Vec::new();
        let entries = self.material.elements(Part::Moment, "day");
        for order in 1..=3_u8 {
            let of_hour: Vec<&Fitting> =
                entries.iter().copied().filter(|fitting| fitting.entry.element.order == order).collect();
            let facts = self.facts(SAID);
            let pair = self.draws.shuffled(&of_hour).into_iter().find_map(|fitting| {
                let claim = facts.iter().copied().find(|claim| {
                    Material::follows(fitting, claim) && !found.iter().any(|(_, other)| other.at == claim.at)
                })?;
                Some((fitting.entry, claim))
            });
            found.extend(pair);
        }
        if found.len() < 2 {
            return None;
        }
        let taken: Claims<'m, 'b> = found.iter().map(|(_, claim)| *claim).collect();
        let mut shots = Vec::new();
        for (at, (entry, claim)) in found.iter().enumerate() {
            let mut shot = self.asked_shot(entry, claim)?;
            if at == 0 {
                shot.role = Role::Hook;
                let turn = self.turn_shot(claim);
                let join = if self.zh() { "" } else { ": " };
                shot.detail = match turn.detail.as_str() {
                    "" => turn.caption,
                    _ if self.zh() => format!("{}，{}", turn.caption, turn.detail),
                    detail => format!("{}{join}{detail}", turn.caption),
                };
                let moment = self.element_shot(entry, Role::Hook)?.voice;
                shot.voice = format!("{moment}{}{}", if self.zh() { "" } else { " " }, turn.voice);
            }
            shots.push(shot);
        }
        let rest = self.carry_on(4_usize.saturating_sub(shots.len()).clamp(1, 2), &taken);
        for claim in rest {
            shots.push(self.fact_shot(claim));
        }
        let idea = self.idea(&shots[0].caption, &taken[0].fact.text);
        self.finish(Structure::DayInTheLife, Hook::Scene, shots, idea)
    }

    fn comparison(&mut self) -> Option<Built> {
        let pairs = self.linked_pairs();
        let first = *pairs.first()?;
        let second = *pairs
            .iter()
            .find(|(problem, fact)| problem.fact.id != first.0.fact.id && fact.fact.id != first.1.fact.id)?;
        let idea = self.idea(&first.0.fact.text, &first.1.fact.text);
        let mut shots = vec![self.beside(first, Role::Hook), self.beside(second, Role::Body)];
        let rest = self.carry_on(1, &[first.1, second.1]);
        for claim in rest {
            shots.push(self.told_shot(claim));
        }
        self.finish(Structure::Comparison, Hook::Contrast, shots, idea)
    }

    /// A trouble above, what the product does below.
    fn beside(&self, (problem, fact): (&Claim<'b>, &Claim<'b>), role: Role) -> Shot {
        let name = &self.material.name;
        let mut shot = self.fact_shot(fact);
        shot.role = role;
        shot.caption.clone_from(&problem.fact.text);
        let (point, join) = if self.zh() { ("：", "") } else { (": ", " ") };
        shot.detail = format!("{name}{point}{}", fact.fact.text);
        shot.voice = format!(
            "{}{join}{}",
            self.spoken(&problem.fact.text),
            self.spoken(&format!("{name}{point}{}", fact.fact.text))
        );
        shot.facts = vec![problem.fact.id.clone(), fact.fact.id.clone()];
        shot
    }

    fn offer_first(&mut self) -> Option<Built> {
        let offer = &self.material.offer;
        let (caption, fact) = if offer.now.is_some() {
            (self.offer_line()?, offer.fact.clone())
        } else {
            let zh = self.zh();
            let (id, text) = offer.terms.iter().find(|(_, text)| phrases::is_a_gain(text, zh))?;
            (text.clone(), Some(id.clone()))
        };
        let mut open = Shot {
            role: Role::Hook,
            voice: self.spoken(&caption),
            caption,
            detail: String::new(),
            picture: self.material.pack_shot(),
            facts: fact.into_iter().collect(),
            source: "offer".to_owned(),
        };
        // A product that is called by its offer is known by its brand here.
        let same = |name: &str| {
            offer.covers.as_ref().is_some_and(|covers| name.to_lowercase().contains(&covers.to_lowercase()))
        };
        let brand = &self.material.brief.brand.name;
        let name = if same(&self.material.name) { brand.as_str() } else { self.material.name.as_ref() };
        // What a list of a price covers stands beside the name; else the last day does.
        let covers = offer.covers.as_deref().filter(|covers| offer.now.is_some() && is_compound(covers));
        let zh = self.zh();
        let limit = crate::copy_engine::limits(self.material.brief.locale, Role::Hook).detail;
        let beside = match (covers, zh) {
            (Some(covers), true) => format!("{name}：{covers}"),
            (Some(covers), false) => format!("{name}: {covers}"),
            (None, _) => name.to_owned(),
        };
        let beside = if crate::text::length(&beside) > limit { name.to_owned() } else { beside };
        let dated = match (offer.until.as_ref().filter(|_| offer.now.is_some()), zh) {
            (Some(until), true) => format!("{beside}，{until}截止"),
            (Some(until), false) => format!("{beside}, until {until}"),
            (None, _) => beside.clone(),
        };
        open.voice =
            if zh { format!("{beside}，{}", open.voice) } else { format!("{beside}. {}", open.voice) };
        open.detail = if crate::text::length(&dated) > limit { beside } else { dated };
        let rest = self.carry_on(2, &[]);
        let (lead, _) = rest.split_first()?;
        let idea = self.idea(&open.caption, &lead.fact.text);
        let mut shots = vec![open];
        for claim in rest {
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
        if !open.caption.contains(brand.as_str()) && open.detail.is_empty() {
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
        // Nobody doubts a drama; its questions are in the plot.
        if self.material.vertical == spotwright_schemas::brief::Vertical::Drama {
            return None;
        }
        let entries = self.material.elements(Part::Ask, "question_answer");
        let mut claims = self.facts(&[
            FactKind::Benefit,
            FactKind::Feature,
            FactKind::Proof,
            FactKind::Origin,
            FactKind::Offer,
        ]);
        let mut pairs: Vec<(&'static Entry, &'m Claim<'b>)> = Vec::new();
        for fitting in self.draws.shuffled(&entries) {
            let Some(at) = claims.iter().position(|claim| Material::follows(fitting, claim)) else {
                continue;
            };
            pairs.push((fitting.entry, claims.remove(at)));
            if pairs.len() == 3 {
                break;
            }
        }
        // A question that only this line of business hears opens; what any shop is asked comes later.
        pairs.sort_by_key(|(entry, claim)| (claim.fact.kind == FactKind::Offer, entry.vertical == "general"));
        let (first, more) = pairs.split_first()?;
        if more.is_empty() || first.1.fact.kind == FactKind::Offer {
            return None;
        }
        let open = self.element_shot(first.0, Role::Hook)?;
        let idea = self.idea(&open.caption, &first.1.fact.text);
        let open = if first.0.vertical == "general" { self.named_below(open) } else { open };
        let mut shots = vec![open, self.turn_shot(first.1)];
        for (entry, claim) in more {
            shots.push(self.asked_shot(entry, claim)?);
        }
        self.finish(Structure::QuestionAnswer, Hook::Question, shots, idea)
    }

    fn unboxing(&mut self) -> Option<Built> {
        use spotwright_schemas::brief::Vertical as V;
        let parcel = !matches!(
            self.material.vertical,
            V::Restaurant
                | V::HealthServices
                | V::LocalServices
                | V::Travel
                | V::App
                | V::Game
                | V::Drama
                | V::Finance
                | V::KidsEducation
                | V::AdultCourses
        );
        let zh = self.zh();
        let mut facts = self.facts(&[FactKind::Feature, FactKind::Benefit, FactKind::Proof, FactKind::Offer]);
        facts.retain(|claim| parcel && phrases::is_in_the_box(&claim.folded, zh));
        let lead = *facts.first()?;
        let mut entries = self.material.elements(Part::Open, "unboxing");
        entries.retain(|fitting| {
            fitting.entry.element.structures.iter().any(|name| name == "unboxing")
                && Material::follows(fitting, lead)
        });
        let entry = self.draws.pick(&entries)?.entry;
        let open = self.element_shot(entry, Role::Hook)?;
        let idea = self.idea(&open.caption, &lead.fact.text);
        let shots = self.opened(open, lead, 2);
        self.finish(Structure::Unboxing, entry.element.hook.unwrap_or(Hook::Scene), shots, idea)
    }

    /// In the viewer's own eyes: a point of view of the authors, or a moment of the brief that the
    /// lead fact belongs to.
    fn point_of_view(&mut self) -> Option<Built> {
        let leads = self.facts(SAID);
        let mut moments = self.facts(&[FactKind::Moment]);
        if self.material.vertical == spotwright_schemas::brief::Vertical::Drama {
            let zh = self.zh();
            moments.retain(|moment| phrases::is_about_watching(&moment.folded, zh));
        }
        let own = self.draws.chance(0.6);
        let told = if own { None } else { self.led(&leads, "pov", &[Part::Pov]) };
        let (lead, open, hook) = match (told, self.draws.pick(&moments)) {
            (Some(told), _) => told,
            (None, Some(moment)) => {
                let answers = leads.iter().find(|lead| self.material.answers(moment, lead));
                let benefits = leads.iter().find(|lead| lead.fact.kind == FactKind::Benefit);
                let lead = *answers.or(benefits).or(leads.first())?;
                let mut shot = self.fact_shot(moment);
                shot.role = Role::Hook;
                (lead, shot, Hook::Scene)
            }
            (None, None) => self.led(&leads, "pov", &[Part::Pov])?,
        };
        let idea = self.idea(&open.caption, &lead.fact.text);
        let shots = self.opened(open, lead, 2);
        self.finish(Structure::PointOfView, hook, shots, idea)
    }

    /// Lines of the plot, in the brief's order; what is about watching is no plot.
    fn cliff_hanger(&mut self) -> Option<Built> {
        if self.material.vertical != spotwright_schemas::brief::Vertical::Drama {
            return None;
        }
        let zh = self.zh();
        let plot: Claims<'m, 'b> = self
            .material
            .claims
            .iter()
            .filter(|claim| {
                !matches!(
                    claim.fact.kind,
                    FactKind::Proof | FactKind::Price | FactKind::Offer | FactKind::Origin
                ) && !phrases::is_about_watching(&claim.folded, zh)
            })
            .collect();
        if plot.len() < 2 {
            return None;
        }
        let mut order: Vec<usize> = (0..plot.len()).collect();
        order = self.draws.shuffled(&order);
        order.truncate(3);
        order.sort_unstable();
        let chosen: Claims<'m, 'b> = order.iter().map(|at| plot[*at]).collect();
        let mut shots: Vec<Shot> = chosen.iter().map(|claim| self.fact_shot(claim)).collect();
        shots[0].role = Role::Hook;
        let first = shots.remove(0);
        shots.insert(0, self.named_below(first));
        if shots.len() < 3 {
            for claim in self.carry_on(1, &chosen) {
                shots.push(self.fact_shot(claim));
            }
        }
        let last = chosen.last()?;
        let idea = self.idea(&chosen[0].fact.text, &last.fact.text);
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
        let open = self.named_below(open);
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
        let leads = self.facts(&[FactKind::Feature, FactKind::Benefit]);
        let (lead, open, hook) = self.led(&leads, "task_tap_result", &[Part::Open])?;
        let result = self
            .facts(&[FactKind::Benefit, FactKind::Proof])
            .into_iter()
            .find(|claim| claim.at != lead.at)?;
        let idea = self.idea(&open.caption, &lead.fact.text);
        let shots = vec![open, self.turn_shot(lead), self.fact_shot(result)];
        self.finish(Structure::TaskTapResult, hook, shots, idea)
    }
}
