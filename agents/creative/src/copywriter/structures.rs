//! Structures: which line follows which.
//!
//! Every builder chooses from the end and from the middle first: the lead fact, then an opening
//! that it answers, then facts that carry on, then the close. A builder that finds no value for a
//! step gives nothing; nothing is bent to fit.

use spotwright_core::domain::copy_rules::reading::{ends_sentence, point};
use spotwright_schemas::brief::{FactId, FactKind, Vertical};
use spotwright_schemas::random::Stream;
use spotwright_schemas::script::{Hook, Role, Structure};

use super::elements::{Entry, Part};
use super::material::{Claim, Fitting, Material};
use super::speech::{self, Place, Pronoun};

/// What a line of a fact alone cites in the place of an element.
pub(super) const FACT: &str = "fact";

/// Before the reasons of a list, in Chinese and in English.
pub(super) const ORDINALS: [&str; 6] = ["① ", "② ", "③ ", "1. ", "2. ", "3. "];

/// How the same thing is seen another time in a script.
const FRAMES_ZH: &[&str] = &["，近景", "，慢慢推近", "，从侧面看", "，拉远"];
const FRAMES_EN: &[&str] =
    &[", close up", ", the camera moves in", ", seen from the side", ", from farther away"];

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
    /// How much of it hangs together by nothing: lines that no link, topic or word joins.
    pub(super) loose: f64,
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

/// Whether a claim is the viewer's own: a trouble or a moment.
fn is_scene(claim: &Claim<'_>) -> bool {
    matches!(claim.fact.kind, FactKind::Problem | FactKind::Moment)
}

/// Builds scripts of one brief.
pub(super) struct Builder<'m, 'b> {
    pub(super) material: &'m Material<'b>,
    pub(super) draws: Draws,
    /// Claims, by place, that the chosen opening asks for.
    thread: Vec<bool>,
    loose: f64,
    /// Whether any fact may carry on: for answers that ask for more scripts than hang together.
    any_fact: bool,
}

/// Claims in an order of choice.
pub(super) type Claims<'m, 'b> = Vec<&'m Claim<'b>>;

pub(super) const SAID: &[FactKind] = &[FactKind::Benefit, FactKind::Feature];

impl<'m, 'b> Builder<'m, 'b> {
    pub(super) const fn new(material: &'m Material<'b>, draws: Draws, any_fact: bool) -> Self {
        Self { material, draws, thread: Vec::new(), loose: 0.0, any_fact }
    }

    /// Counts what a choice costs in coherence.
    pub(super) fn loosen(&mut self, by: f64) {
        self.loose += by;
    }

    /// The opening is a claim: what answers it belongs to the script.
    pub(super) fn thread_from(&mut self, open: &Claim<'b>) {
        let material = self.material;
        self.thread = material.claims.iter().map(|claim| material.answers_by_link(open, claim)).collect();
    }

    /// Whether any fact may carry on.
    pub(super) const fn any_fact(&self) -> bool {
        self.any_fact
    }

    /// Whether the script has an opening that asks for facts.
    pub(super) fn follows_an_opening(&self) -> bool {
        !self.thread.is_empty()
    }

    /// Whether the opening asks for a claim.
    pub(super) fn asks_for(&self, claim: &Claim<'b>) -> bool {
        self.thread.get(claim.at).copied().unwrap_or(false)
    }

    fn on_thread(&self, lead: &Claim<'b>, claim: &Claim<'b>) -> bool {
        if self.any_fact {
            return true;
        }
        let tied = if self.follows_an_opening() {
            Material::share_a_word(lead, claim)
        } else {
            self.material.related(lead, claim)
        };
        tied || self.asks_for(claim)
    }

    // ---- choosing facts ----------------------------------------------------------------------

    /// Facts of these kinds, in an order of chance.
    pub(super) fn facts(&mut self, kinds: &[FactKind]) -> Claims<'m, 'b> {
        let mut all: Claims<'m, 'b> =
            self.material.claims.iter().filter(|claim| kinds.contains(&claim.fact.kind)).collect();
        // A scene too long for a line would stand below the product's name, which would be blamed for it.
        all.retain(|claim| !is_scene(claim) || Self::fits_a_caption(claim));
        self.draws.shuffled(&all)
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

    /// Whether a fact stands on screen in its own words, in a caption or a caption and what is below it.
    pub(super) const fn fits_a_caption(claim: &Claim<'_>) -> bool {
        claim.lines.is_some()
    }

    /// A fact in its own words. One too long for one caption goes on below it.
    pub(super) fn fact_shot(&self, claim: &Claim<'_>) -> Shot {
        let (caption, detail) =
            claim.lines.clone().unwrap_or_else(|| (self.material.name.to_string(), claim.fact.text.clone()));
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

    /// Whether a question has its answer already among what was said: then nobody asks it.
    pub(super) fn is_answered(fitting: &Fitting, said: &[&Claim<'_>]) -> bool {
        said.iter().any(|claim| Material::follows(fitting, claim))
    }

    /// A fact as the answer to a question that this line of business hears.
    pub(super) fn questioned(&mut self, claim: &Claim<'_>, said: &[&Claim<'b>]) -> Option<Shot> {
        let term = claim.fact.kind == FactKind::Offer;
        let asks = |fitting: &&Fitting| {
            Material::follows(fitting, claim)
                && (term || fitting.entry.vertical != "general")
                && !Self::is_answered(fitting, said)
        };
        let asking: Vec<&Fitting> =
            self.material.each_element(Part::Ask, "question_answer").filter(asks).collect();
        self.draws.pick(&asking).and_then(|one| self.asked_shot(one.entry, claim))
    }

    /// At most `n` lines that go on from `taken`: what the opening asks for or what speaks of the
    /// same thing as the lead. Where there is none, one question with its answer; at last any fact,
    /// which is counted against the script.
    pub(super) fn rest(&mut self, n: usize, taken: &[&Claim<'b>]) -> Vec<Shot> {
        let Some(lead) = taken.first().copied() else { return Vec::new() };
        let mut pool = self.facts(&[FactKind::Benefit, FactKind::Feature, FactKind::Proof, FactKind::Origin]);
        pool.retain(|claim| Self::fits_a_caption(claim) && !taken.iter().any(|other| other.at == claim.at));
        let mut tied: Claims<'m, 'b> =
            pool.iter().copied().filter(|claim| self.on_thread(lead, claim)).collect();
        tied.truncate(n);
        if self.any_fact {
            self.loosen(3.0);
        }
        tied.sort_by_key(|claim| claim.fact.kind == FactKind::Proof);
        let mut shots: Vec<Shot> = tied.iter().map(|claim| self.fact_shot(claim)).collect();
        if shots.is_empty() {
            let mut answers = pool.clone();
            answers.extend(self.facts(&[FactKind::Offer]));
            answers.retain(|claim| !self.material.is_for_the_close(claim));
            let asked = answers.into_iter().find_map(|claim| self.questioned(claim, taken));
            if asked.is_some() {
                self.loosen(0.75);
            }
            shots.extend(asked);
        }
        if shots.is_empty() {
            pool.sort_by_key(|claim| claim.fact.kind != FactKind::Proof);
            self.loosen(if pool.first().is_some_and(|claim| claim.fact.kind == FactKind::Proof) {
                1.0
            } else {
                1.5
            });
            shots.extend(pool.first().map(|claim| self.fact_shot(claim)));
        }
        shots
    }

    /// Whether the product is one thing that "it" can stand for.
    pub(super) fn pronoun(&self) -> Pronoun {
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

    /// The shot that names the product and carries a fact: the fact large, the product below it.
    pub(super) fn turn_shot(&mut self, claim: &Claim<'_>) -> Shot {
        let fact = &claim.fact.text;
        let mut shot = self.fact_shot(claim);
        let naming = &self.material.naming;
        if shot.detail.is_empty() {
            shot.detail.clone_from(&naming.label);
        } else {
            shot.caption.clone_from(&naming.label);
            shot.detail.clone_from(fact);
        }
        shot.voice = self.introduced(fact);
        shot
    }

    /// A fact with the product's name, as one sentence or two.
    pub(super) fn introduced(&self, fact: &str) -> String {
        let naming = &self.material.naming;
        let name = self.material.name.as_ref();
        // Within a story the name is read and not said.
        let story = self.material.vertical == Vertical::Drama && !self.zh();
        if fact.contains(name) || story {
            return self.spoken(fact);
        }
        if self.zh() {
            let point = if fact.starts_with(['“', '"']) { "：" } else { "，" };
            return self.spoken(&format!("{}{point}{fact}", naming.label));
        }
        let one = speech::third_person(fact).filter(|_| !name.ends_with(|c: char| c.is_ascii_digit()));
        if let Some(clause) = one {
            return self.spoken(&format!("{} {clause}", naming.subject));
        }
        let said = speech::english(fact, Place::First, self.pronoun());
        format!("{} {}", naming.introduction, self.spoken(&said))
    }

    /// A line with the product's name below it, unless it says the name already.
    pub(super) fn named_below(&self, mut shot: Shot) -> Shot {
        let naming = &self.material.naming;
        let name = self.material.name.as_ref();
        if shot.detail.is_empty() && !naming.tells(name, &shot.caption) {
            shot.detail.clone_from(&naming.label);
        } else if shot.detail.is_empty() && !shot.caption.contains(name) {
            // "Choosing a bakery?" has said the kind: the name alone stands below it.
            name.clone_into(&mut shot.detail);
        }
        shot
    }

    /// Gives the lines that are facts in their own words a voice that goes on from line to line.
    fn speak(&self, shots: &mut [Shot]) {
        // Lines of a plot stand side by side; nothing joins them.
        if self.material.vertical == Vertical::Drama {
            return;
        }
        let pronoun = self.pronoun();
        let mut place = Place::First;
        for shot in shots.iter_mut().filter(|shot| shot.source == FACT && shot.role != Role::Hook) {
            let written = if shot.detail.is_empty() || shot.detail == self.material.naming.label {
                shot.caption.clone()
            } else {
                continue;
            };
            if self.spoken(&written) != shot.voice || written.contains(self.material.name.as_ref()) {
                continue;
            }
            if self.zh() {
                continue;
            }
            let said = speech::english(&written, place, pronoun);
            shot.voice = self.spoken(&said);
            place = Place::Next;
        }
    }

    /// The claims that shots rest on.
    fn claims_in(&self, shots: &[Shot]) -> Claims<'m, 'b> {
        let rests = |claim: &&'m Claim<'b>| shots.iter().any(|shot| shot.facts.contains(&claim.fact.id));
        self.material.claims.iter().filter(rests).collect()
    }

    pub(super) fn element_shot(&self, entry: &Entry, role: Role) -> Option<Shot> {
        let caption = self.material.say(&entry.element, &entry.element.caption)?;
        let voice = self.material.say(&entry.element, &entry.element.voice)?;
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

    /// An element as the first line, which goes on from nothing and speaks of no "it" before one was named.
    pub(super) fn opening_shot(&self, entry: &Entry) -> Option<Shot> {
        let shot = self.element_shot(entry, Role::Hook)?;
        // What is looked for may be called by a "one": a one-thumb game.
        let dangling = !self.zh()
            && match entry.element.part {
                Part::Ask => speech::points_back(&shot.caption),
                Part::Wanted => speech::speaks_of_it(&shot.caption),
                _ => false,
            };
        (!dangling && !speech::goes_on(&shot.caption)).then_some(shot)
    }

    /// Whether every word of a question comes back in the answer, so that it asks nothing.
    pub(super) fn echoes(&self, entry: &Entry, claim: &Claim<'_>) -> bool {
        let (asked, said) = (&entry.asked, &claim.units);
        // "What's for breakfast? Breakfast until noon" answers by saying the question again.
        let repeats = !self.zh() && said.first().is_some_and(|first| asked.contains(first));
        // "Does it fit a cup holder? Fits a car cup holder" adds no more than a yes.
        let yes_or_no = ["Can ", "Do ", "Does ", "Is ", "Are ", "Will "]
            .iter()
            .any(|word| entry.element.caption.starts_with(word));
        let least = if yes_or_no { 1 } else { 2 };
        repeats || asked.len() >= least && asked.iter().all(|unit| said.contains(unit))
    }

    /// Question and answer in one shot.
    pub(super) fn asked_shot(&self, entry: &Entry, claim: &Claim<'_>) -> Option<Shot> {
        let mut shot = self.element_shot(entry, Self::role_of(claim))?;
        if self.echoes(entry, claim) {
            return None;
        }
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
            let fitting = self.material.each_element(*part, structure);
            entries.extend(fitting.filter(|fitting| Material::follows(fitting, lead)));
        }
        let own_words = parts.contains(&Part::Open) && !linked.is_empty();
        if own_words && (entries.is_empty() || self.draws.chance(0.65)) {
            let problem = *linked.first()?;
            let mut shot = self.fact_shot(problem);
            shot.role = Role::Hook;
            let hook = if problem.fact.text.ends_with(['?', '？']) { Hook::Question } else { Hook::Scene };
            self.thread_from(problem);
            if !self.material.answers_by_link(problem, lead) {
                self.loosen(1.0);
            }
            return Some((shot, hook));
        }
        // Where nothing else is left, a trouble of the brief opens and what the buyer gains follows.
        if self.any_fact && parts.contains(&Part::Open) && lead.fact.kind == FactKind::Benefit {
            if let Some(problem) =
                problems.first().copied().filter(|_| entries.is_empty() || self.draws.chance(0.5))
            {
                let mut shot = self.fact_shot(problem);
                shot.role = Role::Hook;
                self.loosen(1.5);
                return Some((shot, Hook::Scene));
            }
        }
        let chosen = self.draws.pick(&entries)?;
        self.thread = self.material.claims.iter().map(|claim| Material::follows(chosen, claim)).collect();
        let entry = chosen.entry;
        // The brief's own troubles come before those that authors thought of.
        self.loosen(if entry.vertical == "general" { 1.5 } else { 0.5 });
        let hook = entry.element.hook.unwrap_or(Hook::Question);
        Some((self.opening_shot(entry)?, hook))
    }

    // ---- the structures -----------------------------------------------------------------------

    /// No picture stands twice in a script: the later shot shows what its fact says, another picture of the
    /// brief, or the same thing in another frame.
    pub(super) fn part_pictures(&self, shots: &mut [Shot]) {
        let frames = if self.zh() { FRAMES_ZH } else { FRAMES_EN };
        for at in 1..shots.len() {
            let (before, rest) = shots.split_at_mut(at);
            let seen = |picture: &str| before.iter().any(|other| other.picture == picture);
            let Some(shot) = rest.first_mut().filter(|shot| seen(&shot.picture)) else { continue };
            let brief = self.material.brief;
            let told = [FactKind::Benefit, FactKind::Feature, FactKind::Proof, FactKind::Origin];
            let fact = shot.facts.first().and_then(|id| brief.fact(id));
            // What a fact says is nearer to it than another picture of the product.
            let own = fact.filter(|fact| shot.role != Role::Cta && told.contains(&fact.kind));
            let own = own.map(|fact| fact.text.clone()).filter(|text| !seen(text));
            let mut pictures = brief.product.pictures.iter().map(|picture| picture.alt.clone());
            let other = own.or_else(|| pictures.find(|alt| !seen(alt)));
            let framed = frames.iter().map(|frame| format!("{}{frame}", shot.picture));
            let next = other.or_else(|| framed.into_iter().find(|picture| !seen(picture)));
            if let Some(next) = next {
                shot.picture = next;
            }
        }
    }

    /// Within two shots a viewer reads what is sold, and somewhere hears its name.
    fn say_what_is_sold(&self, shots: &mut [Shot]) {
        let material = self.material;
        let (naming, name) = (&material.naming, material.name.as_ref());
        let told = |shot: &Shot| naming.tells(name, &shot.caption) || naming.tells(name, &shot.detail);
        if !shots.iter().take(2).any(told) {
            let free = |shot: &&mut Shot| {
                shot.detail.is_empty() || shot.detail == name || shot.detail == material.brief.brand.name
            };
            let count = shots.len().min(2);
            if let Some(shot) = shots.iter_mut().take(count).rev().find(free) {
                shot.detail.clone_from(&naming.label);
            }
        }
        // A label that stands below one shot is not read again below another.
        let mut read = false;
        for shot in shots.iter_mut().filter(|shot| shot.detail == naming.label) {
            if read {
                shot.detail.clear();
            }
            read = true;
        }
        let names = [name, material.brief.brand.name.as_str()];
        let said = shots.iter().any(|shot| names.iter().any(|name| shot.voice.contains(name)));
        if said || (material.vertical == Vertical::Drama && !self.zh()) {
            return;
        }
        let at = usize::from(shots.len() > 1 && shots.first().is_some_and(|shot| shot.source != "offer"));
        let Some(shot) = shots.get_mut(at) else { return };
        let fact = shot.facts.first().and_then(|id| material.brief.fact(id));
        let own_words = shot.source == FACT || shot.source == super::LISTED;
        shot.voice = if let Some(fact) = fact.filter(|_| own_words) {
            self.introduced(&fact.text)
        } else if self.zh() {
            format!("{}，{}", naming.label, shot.voice)
        } else {
            format!("{} {}", naming.introduction, shot.voice)
        };
    }

    /// A drama is sold by its plot: a script about watching alone gets a line of it for its turn.
    fn tell_the_plot(&mut self, shots: &mut Vec<Shot>) {
        if self.material.vertical != Vertical::Drama {
            return;
        }
        let said = self.claims_in(shots);
        let mut plot =
            self.facts(&[FactKind::Problem, FactKind::Moment, FactKind::Benefit, FactKind::Feature]);
        plot.retain(|claim| self.material.is_plot(claim));
        if plot.iter().any(|claim| said.iter().any(|other| other.at == claim.at)) {
            return;
        }
        let Some(claim) = plot.first().copied() else { return };
        let label = self.material.naming.label.clone();
        // A line too long for one caption stands below the label, which the turn says now.
        if shots.len() > 2 {
            shots.retain(|shot| shot.caption != label);
        }
        for shot in shots.iter_mut().filter(|shot| shot.detail == label) {
            shot.detail.clear();
            if let Some(fact) = shot.facts.first().and_then(|id| self.material.brief.fact(id)) {
                shot.voice = self.spoken(&fact.text);
            }
        }
        let turn = self.turn_shot(claim);
        shots.insert(1.min(shots.len()), turn);
    }

    pub(super) fn finish(
        &mut self,
        structure: Structure,
        hook: Hook,
        mut shots: Vec<Shot>,
        idea: String,
    ) -> Option<Built> {
        let short = short_name(structure);
        // Two lines before the close are a script only with a third.
        while shots.len() < 3 {
            let mut pool = self.facts(&[FactKind::Benefit, FactKind::Feature, FactKind::Proof]);
            pool.retain(|claim| !shots.iter().any(|shot| shot.facts.contains(&claim.fact.id)));
            let Some(claim) = pool.first().copied() else { break };
            let said = self.claims_in(&shots);
            let shot = self.questioned(claim, &said).unwrap_or_else(|| self.fact_shot(claim));
            self.loosen(1.0);
            shots.push(shot);
        }
        self.tell_the_plot(&mut shots);
        let used: Vec<FactId> = shots.iter().flat_map(|shot| shot.facts.iter().cloned()).collect();
        self.speak(&mut shots);
        self.say_what_is_sold(&mut shots);
        shots.push(self.close(short, &used)?);
        self.part_pictures(&mut shots);
        Some(Built { structure, hook, idea, shots, loose: self.loose })
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
