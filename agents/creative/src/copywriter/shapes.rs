//! The structures, one builder each: what opens, what turns, what carries on.

use spotwright_schemas::brief::{FactKind, Vertical};
use spotwright_schemas::script::{Hook, Role, Structure};

use super::LISTED;
use super::elements::{Entry, Part};
use super::judge::limits;
use super::material::{Claim, Fitting, Material};
use super::phrases;
use super::speech;
use super::structures::{Builder, Built, Claims, ORDINALS, SAID, Shot};
use super::terms;

impl<'m, 'b> Builder<'m, 'b> {
    /// One attempt at a script of `structure`.
    pub(super) fn build(&mut self, structure: Structure) -> Option<Built> {
        match structure {
            Structure::ProblemSolution => self.problem_solution(),
            Structure::BeforeAfter => self.before_after(),
            // Lines of a plot and terms of watching make no list of reasons.
            Structure::ThreeReasons if self.material.vertical == Vertical::Drama => None,
            Structure::ThreeReasons => self.three_reasons(),
            // Nothing of a story is shown working.
            Structure::Demonstration if self.material.vertical == Vertical::Drama => None,
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
        let mut shots = vec![open, self.turn_shot(lead)];
        shots.extend(self.rest(more, &[lead]));
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

    fn problem_solution(&mut self) -> Option<Built> {
        // Problems of the brief and facts that answer them lead; an authored scene stands in.
        let mut leads: Claims<'m, 'b> = Vec::new();
        if self.draws.chance(0.7) {
            let pairs = self.linked_pairs();
            leads.extend(self.draws.pick(&pairs).map(|(_, fact)| fact));
        }
        leads.extend(self.facts(SAID));
        let (lead, open, hook) = self.led(&leads, "problem", &[Part::Open])?;
        let idea = self.idea(&open.caption, &lead.fact.text);
        let more = if self.draws.chance(0.6) { 2 } else { 1 };
        let shots = self.opened(open, lead, more);
        self.finish(Structure::ProblemSolution, hook, shots, idea)
    }

    /// A trouble, then a fact that denies it.
    fn before_after(&mut self) -> Option<Built> {
        let zh = self.zh();
        let mut pairs = self.linked_pairs();
        pairs.retain(|(before, after)| {
            self.material.answers_by_link(before, after)
                && phrases::denies(&after.folded, zh)
                && !before.fact.text.contains(['?', '？', '“', '"'])
        });
        let (before, after) = self.draws.pick(&pairs)?;
        self.thread_from(before);
        let mut open = self.fact_shot(before);
        open.role = Role::Hook;
        let mut turn = self.turn_shot(after);
        let naming = &self.material.naming;
        let name = self.material.name.as_ref();
        if !after.fact.text.contains(name) {
            turn.voice = if zh {
                self.spoken(&format!("现在有了{}，{}", naming.label, after.fact.text))
            } else {
                let subject = naming.subject.strip_prefix("The ").map(|rest| format!("the {rest}"));
                let fact = speech::english(&after.fact.text, speech::Place::First, self.pronoun());
                format!(
                    "That was before {}. {}",
                    subject.unwrap_or_else(|| naming.subject.clone()),
                    self.spoken(&fact)
                )
            };
        }
        let idea = self.idea(&before.fact.text, &after.fact.text);
        let mut shots = vec![open, turn];
        shots.extend(self.rest(2, &[after]));
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

    /// A list that its first line announces; a trouble announces none.
    fn three_reasons(&mut self) -> Option<Built> {
        let mut reasons = self.facts(&[FactKind::Benefit, FactKind::Feature, FactKind::Proof]);
        let entries = self.material.elements(Part::List, "three_reasons");
        let fitting = self.draws.pick(&entries)?;
        let room = limits(self.material.brief.locale)[0].saturating_sub(3);
        reasons.retain(|claim| {
            Material::follows(fitting, claim) && phrases::two_lines(&claim.fact.text, room).is_some()
        });
        reasons.truncate(3);
        if reasons.len() < 3 {
            return None;
        }
        let hook = fitting.entry.element.hook.unwrap_or(Hook::Statement);
        let head = self.opening_shot(fitting.entry)?;
        self.loosen(if fitting.entry.vertical == "general" { 1.5 } else { 0.9 });
        reasons[1..].sort_by_key(|claim| claim.fact.kind == FactKind::Proof);
        let idea = self.idea(&head.caption, &reasons[0].fact.text);
        let mut shots = vec![self.named_below(head)];
        let ordinals = if self.zh() { &ORDINALS[..3] } else { &ORDINALS[3..] };
        for (claim, ordinal) in reasons.iter().zip(ordinals) {
            let mut shot = self.fact_shot(claim);
            if !self.zh() {
                let said = speech::english(&claim.fact.text, speech::Place::First, self.pronoun());
                shot.voice = self.spoken(&said);
            }
            LISTED.clone_into(&mut shot.source);
            let (caption, detail) = phrases::two_lines(&claim.fact.text, room)?;
            shot.caption = format!("{ordinal}{caption}");
            shot.detail = detail;
            shots.push(shot);
        }
        self.finish(Structure::ThreeReasons, hook, shots, idea)
    }

    /// Do it, do it harder, what comes of it: needs facts that can be seen happening.
    fn demonstration(&mut self) -> Option<Built> {
        let zh = self.zh();
        let mut seen = self.facts(&[FactKind::Feature, FactKind::Benefit, FactKind::Proof]);
        seen.retain(|claim| {
            phrases::is_visible(&claim.folded, zh) && !terms::is_about_stopping(&claim.fact.text, zh)
        });
        // "Throw it in the washer" opens nothing: nobody knows what "it" is.
        seen.sort_by_key(|claim| !zh && speech::speaks_of_it(&claim.fact.text));
        seen.sort_by_key(|claim| claim.fact.kind == FactKind::Proof);
        let first = *seen.first()?;
        if !zh && speech::speaks_of_it(&first.fact.text) {
            return None;
        }
        let limit = crate::copy_engine::limits(self.material.brief.locale, Role::Hook).caption;
        if crate::text::length(&first.fact.text) > limit {
            return None;
        }
        let mut open = self.fact_shot(first);
        open.role = Role::Hook;
        let open = self.named_below(open);
        let idea = self.idea(&first.fact.text, &first.fact.text);
        let second = seen.iter().skip(1).copied().find(|claim| self.material.related(first, claim));
        let mut shots = vec![open];
        let mut taken = vec![first];
        if let Some(second) = second {
            shots.push(self.fact_shot(second));
            taken.push(second);
        }
        self.loosen(0.75);
        shots.extend(self.rest(2, &taken));
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
                shot.voice = format!(
                    "{}{}{}",
                    self.element_shot(entry, Role::Hook)?.voice,
                    if self.zh() { "" } else { " " },
                    self.introduced(&claim.fact.text)
                );
            }
            shots.push(shot);
        }
        self.loosen(1.0);
        if shots.len() < 3 {
            shots.extend(self.rest(1, &taken));
        }
        let idea = self.idea(&shots[0].caption, &taken[0].fact.text);
        self.finish(Structure::DayInTheLife, Hook::Scene, shots, idea)
    }

    /// A fact that itself sets the product beside something else, then what proves it.
    fn comparison(&mut self) -> Option<Built> {
        let zh = self.zh();
        let mut pairs = self.linked_pairs();
        pairs.retain(|(problem, fact)| {
            self.material.answers_by_link(problem, fact) && phrases::compares(&fact.folded, zh)
        });
        let (problem, fact) = self.draws.pick(&pairs)?;
        self.thread_from(problem);
        let mut open = self.fact_shot(problem);
        open.role = Role::Hook;
        let idea = self.idea(&problem.fact.text, &fact.fact.text);
        let shots = self.opened(open, fact, 1);
        self.finish(Structure::Comparison, Hook::Contrast, shots, idea)
    }

    /// The price first, short; the close says until when and how.
    fn offer_first(&mut self) -> Option<Built> {
        let offer = &self.material.offer;
        let zh = self.zh();
        let (caption, fact) = if offer.now.is_some() {
            (self.offer_line()?, offer.fact.clone())
        } else {
            let (id, text) = offer.terms.iter().find(|(_, text)| phrases::is_a_gain(text, zh))?;
            (text.clone(), Some(id.clone()))
        };
        let mut open = Shot {
            role: Role::Hook,
            voice: String::new(),
            caption,
            detail: self.material.naming.label.clone(),
            picture: self.material.pack_shot(),
            facts: fact.into_iter().collect(),
            source: "offer".to_owned(),
        };
        let (own, brand) = (self.material.name.as_ref(), self.material.brief.brand.name.as_str());
        // What the offer calls by its kind stands below it by name: 阿弥, not 阿弥扫地机器人.
        let bare = self.material.noun.as_ref().map(|noun| noun.1.as_str()).unwrap_or_default();
        let kind = bare.char_indices().nth_back(1).and_then(|(at, _)| bare.get(at..)).unwrap_or(bare);
        let repeats =
            if own.contains(kind) { open.caption.contains(kind) } else { open.caption.contains(bare) };
        if zh && !kind.is_empty() && !open.caption.contains(own) && repeats {
            let below = if own.contains(kind) { brand } else { own };
            below.clone_into(&mut open.detail);
        }
        if open.caption.contains(own) && !open.caption.contains(brand) && !zh {
            brand.clone_into(&mut open.detail);
        }
        open.voice = if zh {
            format!("{}，{}", open.detail, self.spoken(&open.caption))
        } else {
            // What an offer calls by its kind is not introduced by its kind as well.
            let naming = &self.material.naming;
            let (name, brand) = (self.material.name.as_ref(), &self.material.brief.brand.name);
            if open.caption.contains(name) && !open.caption.contains(brand.as_str()) {
                format!("{brand}. {}", self.spoken(&open.caption))
            } else if open.caption.contains(name) {
                self.spoken(&open.caption)
            } else if naming.tells(name, &open.caption.to_lowercase()) {
                format!("{name}. {}", self.spoken(&open.caption))
            } else {
                format!("{} {}", naming.introduction, self.spoken(&open.caption))
            }
        };
        // A price of what is only said at the end promises too much at the beginning: a list of what it
        // covers stands below it, and the next shot names the product.
        let listed = self.material.offer.covers.as_ref().filter(|covers| super::close::is_compound(covers));
        if let Some(covers) = listed {
            open.detail = super::close::contents(covers, zh);
            let join = if zh { "" } else { " " };
            open.voice = format!("{}{join}{}", open.voice, self.spoken(&open.detail));
        }
        let leads = self.facts(SAID);
        let lead = *leads.first()?;
        self.loosen(1.0);
        let idea = self.idea(&open.caption, &lead.fact.text);
        let mut said = vec![lead];
        said.extend(self.material.claims.iter().filter(|claim| open.facts.contains(&claim.fact.id)));
        let mut shots = vec![open, self.fact_shot(lead)];
        shots.extend(self.rest(2, &said));
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
        let leads = self.facts(&[FactKind::Benefit, FactKind::Feature, FactKind::Proof]);
        let tied = leads.iter().copied().find(|lead| self.material.related(first, lead));
        let second = origins.get(1).copied();
        let lead = tied.or_else(|| leads.first().copied())?;
        self.loosen(if tied.is_some() { 0.25 } else { 1.0 });
        let idea = self.idea(&first.fact.text, &lead.fact.text);
        let mut shots = vec![open];
        shots.extend(second.map(|second| self.fact_shot(second)));
        shots.push(self.turn_shot(lead));
        let mut taken = vec![lead];
        taken.extend(origins);
        if shots.len() < 3 || self.draws.chance(0.5) {
            shots.extend(self.rest(1, &taken));
        }
        self.finish(Structure::MakersStory, Hook::Statement, shots, idea)
    }

    /// Up to three questions with their answers, each about something else: no answer says what an
    /// earlier question asked for, and no question asks for what was said.
    fn asked_pairs(&mut self) -> Vec<(&'static Entry, &'m Claim<'b>)> {
        let entries = self.material.elements(Part::Ask, "question_answer");
        let mut claims = self.facts(&[
            FactKind::Benefit,
            FactKind::Feature,
            FactKind::Proof,
            FactKind::Origin,
            FactKind::Offer,
        ]);
        claims.retain(|claim| !self.material.is_for_the_close(claim));
        let mut pairs: Vec<(&Fitting, &'m Claim<'b>)> = Vec::new();
        for fitting in self.draws.shuffled(&entries) {
            let said: Claims<'m, 'b> = pairs.iter().map(|(_, claim)| *claim).collect();
            if pairs.len() == 3 || Self::is_answered(fitting, &said) {
                continue;
            }
            let answers = |claim: &&Claim<'b>| {
                Material::follows(fitting, claim)
                    && !self.echoes(fitting.entry, claim)
                    && !pairs.iter().any(|(asked, _)| Material::follows(asked, claim))
            };
            if let Some(at) = claims.iter().position(answers) {
                pairs.push((fitting, claims.remove(at)));
            }
        }
        pairs.into_iter().map(|(fitting, claim)| (fitting.entry, claim)).collect()
    }

    fn question_answer(&mut self) -> Option<Built> {
        // Nobody doubts a drama; its questions are in the plot.
        if self.material.vertical == Vertical::Drama {
            return None;
        }
        let zh = self.zh();
        let mut pairs = self.asked_pairs();
        // A question that only this line of business hears opens; what any shop is asked comes later, and
        // so does "it" before anything was named.
        let dangling = |entry: &Entry| {
            let caption = &entry.element.caption;
            speech::goes_on(caption) || !zh && speech::points_back(caption)
        };
        pairs.sort_by_key(|(entry, claim)| {
            (claim.fact.kind == FactKind::Offer, entry.vertical == "general", dangling(entry))
        });
        let (first, more) = pairs.split_first()?;
        // "Has it been tested?" opens nothing: nobody knows what "it" is.
        if more.is_empty() || first.1.fact.kind == FactKind::Offer || dangling(first.0) {
            return None;
        }
        let open = self.opening_shot(first.0)?;
        let idea = self.idea(&open.caption, &first.1.fact.text);
        let generals = pairs
            .iter()
            .filter(|(entry, claim)| entry.vertical == "general" && claim.fact.kind != FactKind::Offer);
        self.loosen(0.25 + 0.75 * generals.count() as f64);
        let open = self.named_below(open);
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
        let open = self.opening_shot(entry)?;
        let idea = self.idea(&open.caption, &lead.fact.text);
        self.loosen(if entry.vertical == "general" { 1.5 } else { 0.5 });
        let shots = self.opened(open, lead, 2);
        self.finish(Structure::Unboxing, entry.element.hook.unwrap_or(Hook::Scene), shots, idea)
    }

    /// In the viewer's own eyes: a point of view of the authors, or a moment of the brief that the
    /// lead fact belongs to.
    fn point_of_view(&mut self) -> Option<Built> {
        let leads = self.facts(SAID);
        let mut moments = self.facts(&[FactKind::Moment]);
        if self.material.vertical == Vertical::Drama {
            let zh = self.zh();
            moments.retain(|moment| phrases::is_about_watching(&moment.folded, zh));
        }
        let own = self.draws.chance(0.6);
        let told = if own { None } else { self.led(&leads, "pov", &[Part::Pov]) };
        let (lead, open, hook) = match (told, self.draws.pick(&moments)) {
            (Some(told), _) => told,
            (None, Some(moment)) => {
                self.thread_from(moment);
                let mut leads = leads;
                leads.extend(self.facts(&[FactKind::Proof, FactKind::Origin]));
                let linked = leads.iter().find(|lead| self.material.answers_by_link(moment, lead));
                let answers = leads.iter().find(|lead| self.material.answers(moment, lead));
                // A moment that nothing answers is another film than what follows.
                if linked.or(answers).is_none() && !self.any_fact() {
                    return None;
                }
                let benefits = leads.iter().find(|lead| lead.fact.kind == FactKind::Benefit);
                self.loosen(match (linked, answers) {
                    (Some(_), _) => 0.0,
                    (None, Some(_)) => 0.5,
                    (None, None) => 2.5,
                });
                let lead = *linked.or(answers).or(benefits).or_else(|| leads.first())?;
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
        if self.material.vertical != Vertical::Drama {
            return None;
        }
        let plot: Claims<'m, 'b> = self
            .material
            .claims
            .iter()
            .filter(|claim| self.material.is_plot(claim) && Self::fits_a_caption(claim))
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
            shots.extend(self.rest(1, &chosen));
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
        self.thread_from(scene);
        let leads = self.facts(SAID);
        // What answers the scene comes before what only shares a word with it, even where it is a proof.
        let linked = leads
            .iter()
            .copied()
            .chain(self.material.claims.iter().filter(|claim| claim.fact.kind == FactKind::Proof))
            .find(|lead| self.material.answers_by_link(scene, lead) && Self::fits_a_caption(lead));
        let related = leads.iter().copied().find(|lead| self.material.related(scene, lead));
        let tied = linked.or(related);
        self.loosen(if tied.is_some() { 0.25 } else { 1.5 });
        let lead = tied.or_else(|| leads.first().copied())?;
        let idea = self.idea(&scene.fact.text, &lead.fact.text);
        let mut shots = vec![open, self.fact_shot(lead)];
        shots.extend(self.rest(2, &[lead, scene]));
        self.finish(Structure::PlaceDishDeal, Hook::Scene, shots, idea)
    }

    fn task_tap_result(&mut self) -> Option<Built> {
        use spotwright_schemas::brief::Vertical::{App, Finance, Game};
        if !matches!(self.material.vertical, App | Game | Finance) {
            return None;
        }
        let leads = self.facts(&[FactKind::Feature, FactKind::Benefit]);
        let (lead, open, hook) = self.led(&leads, "task_tap_result", &[Part::Open])?;
        let mut results = self.facts(&[FactKind::Benefit, FactKind::Proof]);
        results.retain(|claim| claim.at != lead.at);
        let tied =
            results.iter().copied().find(|claim| self.asks_for(claim) || self.material.related(lead, claim));
        self.loosen(if tied.is_some() { 0.0 } else { 1.0 });
        let result = tied.or_else(|| results.first().copied())?;
        let idea = self.idea(&open.caption, &lead.fact.text);
        let shots = vec![open, self.turn_shot(lead), self.fact_shot(result)];
        self.finish(Structure::TaskTapResult, hook, shots, idea)
    }
}
