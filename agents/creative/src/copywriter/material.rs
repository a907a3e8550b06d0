//! What a brief gives to write with: facts that may be said, names, prices in words, topics.

use std::borrow::Cow;

use spotwright_schemas::Locale;
use spotwright_schemas::brief::{Brief, Fact, FactKind, Vertical};
use spotwright_schemas::script::Role;

use super::elements::{Bank, Element, Entry, Link, Need, Part, Shown, bank};
use super::naming::{self, Naming, naming_of};
use super::phrases::{self, OfferPhrases};
use super::speech;
use super::weighed::Scales;
use spotwright_core::domain::copy_rules::terms::objection;
use spotwright_schemas::wording::{Fold, fold, fold_of_term, folded};

/// Characters of counts, times and places, which two lines may share without speaking of one thing.
const COUNTING: &str =
    "一二三四五六七八九十两半几个只条分钟点小时天月年人上下里外前后次家早晚午出来去到不没用";

/// What is seen under a trouble that nothing better is known for, in Chinese and in English.
const TROUBLED: (&str, &str) =
    ("人停下手里的事，皱了皱眉", "a person looks up from what they were doing, brows drawn, close");

/// What is seen while somebody is heard to say something.
const SPEAKING: (&str, &str) =
    ("说这句话的人，近景，旁边的人抬起头", "the person who says it, close, another one looks up");

/// A fact with its folded text, which topics are looked up in.
#[derive(Debug, Clone)]
pub(super) struct Claim<'a> {
    /// Place among the claims.
    pub(super) at: usize,
    pub(super) fact: &'a Fact,
    pub(super) folded: String,
    /// Its content units.
    pub(super) units: Vec<String>,
    /// Its content units, the product's own words and mere counts aside.
    things: Vec<String>,
    /// As caption and what goes on below it; `None` where it stands on no screen in its own words.
    pub(super) lines: Option<(String, String)>,
}

/// A fact as caption and what goes on below it.
fn lines_of(fact: &Fact, locale: Locale) -> Option<(String, String)> {
    if matches!(fact.kind, FactKind::Problem | FactKind::Moment) {
        return phrases::scene_lines(&fact.text, crate::copy_engine::limits(locale, Role::Hook).caption);
    }
    phrases::two_lines(&fact.text, super::judge::limits(locale)[0])
}

/// An element that may stand in the scripts of a brief, with the claims that may follow it.
#[derive(Debug, Clone)]
pub(super) struct Fitting {
    pub(super) entry: &'static Entry,
    followed: Vec<bool>,
}

/// A brief, read once for all scripts.
pub(super) struct Material<'a> {
    pub(super) brief: &'a Brief,
    /// Facts that may be said, in the brief's order.
    pub(super) claims: Vec<Claim<'a>>,
    /// Name as spoken.
    pub(super) name: Cow<'a, str>,
    /// Noun phrase with article or measure word, and without.
    pub(super) noun: Option<(String, String)>,
    pub(super) vertical: Vertical,
    pub(super) offer: OfferPhrases,
    /// Elements that may stand in this brief's scripts.
    fitting: Vec<Fitting>,
    /// Their places, by part.
    by_part: Vec<Vec<usize>>,
    /// Texts that every script must say, folded.
    pub(super) must_say: Vec<String>,
    /// Words that no line may hold, in the fold they are looked for in.
    pub(super) unwanted: Vec<(Fold, Vec<char>)>,
    /// Facts that hold a text every script must say.
    pub(super) required: Vec<usize>,
    /// For each pair of claims whether the second answers the first, by a link.
    linked: Vec<bool>,
    /// For each pair of claims whether a written link, not only a shared word, joins them.
    strict: Vec<bool>,
    /// For each claim the links whose answer it is, of those whose trouble the brief knows.
    groups: Vec<Vec<usize>>,
    pub(super) naming: Naming,
    /// For each claim what is seen while it is said.
    pictures: Vec<String>,
    /// What the brief says of the thing that is sold and of those it is for, folded.
    words: String,
    /// What names the thing that is sold, folded.
    trade: String,
    /// The same without troubles, moments and the audience, whose words name other things than the one
    /// that is sold.
    own_words: String,
    /// What the claims say, folded, a line each: what is not in it is in none of them.
    said: String,
    chinese: bool,
    /// Lines that were judged before.
    pub(super) scales: Scales,
}

/// The brief's line of business: its own word, or what its words tell.
pub(super) fn vertical_of(brief: &Brief) -> Vertical {
    // A kind of thing is told by what it is called before it is told by what is said of it.
    let told = || {
        let chinese = brief.locale.is_chinese();
        let product = &brief.product;
        let kind = product.noun_phrase.as_deref().unwrap_or_default();
        let called = folded(&[product.name.as_str(), kind, product.category.as_str()].join("\n"));
        match phrases::vertical_of(&called, chinese) {
            Vertical::General => {
                let told = product.facts.iter().filter(|fact| fact.kind.needs_evidence());
                let told: Vec<String> = told.map(|fact| folded(&fact.text)).collect();
                phrases::vertical_of(&told.join("\n"), chinese)
            }
            vertical => vertical,
        }
    };
    brief.product.vertical.unwrap_or_else(told)
}

/// What the brief says of the thing that is sold and of those it is for, folded; the category last. Troubles
/// and moments name other things: roses first, coffee after.
fn words_of(brief: &Brief) -> String {
    let mut words = folded(&brief.audience.description);
    let told = brief.product.facts.iter().filter(|fact| fact.kind.needs_evidence()).map(|fact| &fact.text);
    let named = [&brief.product.name, &brief.product.category];
    for text in told.chain(&brief.product.noun_phrase).chain(named) {
        words.push('\n');
        words.push_str(&folded(text));
    }
    words
}

/// What names the thing that is sold and those it is for, folded.
fn trade_of(brief: &Brief) -> String {
    let product = &brief.product;
    let kind = product.noun_phrase.as_deref().unwrap_or_default();
    let named = [
        brief.brand.name.as_str(),
        product.name.as_str(),
        product.category.as_str(),
        kind,
        brief.audience.description.as_str(),
    ];
    folded(&named.join("\n"))
}

/// The facts that may be said, read once. `named` is what the product is called, folded.
fn claims_of<'a>(brief: &'a Brief, named: &str) -> Vec<Claim<'a>> {
    let chinese = brief.locale.is_chinese();
    let counted = |unit: &str| chinese && unit.chars().any(|c| COUNTING.contains(c));
    let sayable = brief.product.facts.iter().filter(|fact| objection(brief, &fact.text).is_none());
    let claim = |(at, fact): (usize, &'a Fact)| {
        let folded = folded(&fact.text);
        let units = phrases::units(&folded, chinese);
        let mut things = units.clone();
        things.retain(|unit| !counted(unit) && !named.contains(unit.as_str()));
        Claim { at, fact, folded, units, things, lines: lines_of(fact, brief.locale) }
    };
    sayable.enumerate().map(claim).collect()
}

/// What the brief says of the thing that is sold, folded; troubles, moments and the audience speak of
/// others.
fn own_words_of(brief: &Brief, claims: &[Claim<'_>], named: &str) -> String {
    let sold = |claim: &&Claim<'_>| !matches!(claim.fact.kind, FactKind::Problem | FactKind::Moment);
    let noun = folded(brief.product.noun_phrase.as_deref().unwrap_or_default());
    let mut own: Vec<&str> = claims.iter().filter(sold).map(|claim| claim.folded.as_str()).collect();
    own.extend([noun.as_str(), named]);
    own.join("\n")
}

/// A word in the fold it is looked for in.
fn term(word: &str) -> (Fold, Vec<char>) {
    let how = fold_of_term(word);
    (how, fold(word.trim(), how).chars)
}

impl<'a> Material<'a> {
    pub(super) fn of(brief: &'a Brief) -> Self {
        let chinese = brief.locale.is_chinese();
        let named =
            folded(&format!("{} {} {}", brief.spoken_name(), brief.product.name, brief.product.category));
        let claims = claims_of(brief, &named);
        let words = words_of(brief);
        let vertical = vertical_of(brief);
        let bank = bank(brief.locale);
        let mut material = Self {
            brief,
            fitting: Vec::new(),
            by_part: Vec::new(),
            must_say: brief.must_say.iter().map(|text| folded(text)).collect(),
            unwanted: brief
                .brand
                .banned_words
                .iter()
                .chain(&brief.must_not_say)
                .map(|word| term(word))
                .collect(),
            linked: Vec::new(),
            strict: Vec::new(),
            groups: Vec::new(),
            naming: Naming::default(),
            pictures: Vec::new(),
            required: Vec::new(),
            name: Cow::Borrowed(match &brief.product.short_name {
                Some(short) => short.as_str(),
                None => phrases::without_size(&brief.product.name),
            }),
            noun: brief.product.noun_phrase.as_deref().map(|phrase| phrases::bare(phrase, chinese)),
            vertical,
            offer: OfferPhrases::of(brief, &claims),
            said: claims.iter().map(|claim| claim.folded.as_str()).collect::<Vec<_>>().join("\n"),
            own_words: own_words_of(brief, &claims, &named),
            claims,
            words,
            trade: trade_of(brief),
            chinese,
            scales: Scales::default(),
        };
        material.naming = naming_of(&material);
        material.choose_elements(bank);
        let must = &material.must_say;
        let holds = |claim: &&Claim<'_>| must.iter().any(|text| claim.folded.contains(text.as_str()));
        material.required = material.claims.iter().filter(holds).map(|claim| claim.at).collect();
        material.link(&bank.links);
        material.choose_pictures(&bank.pictures);
        material
    }

    /// The elements that fit the brief, with the claims that may follow each.
    fn choose_elements(&mut self, bank: &'static Bank) {
        let followed = |element: &Element| -> Vec<bool> {
            let any = element.topic.is_empty() || self.mentions(&self.said, &element.topic);
            self.claims.iter().map(|claim| any && self.may_follow(element, claim)).collect()
        };
        let fitting: Vec<Fitting> = bank
            .of(self.vertical.as_str())
            .filter(|entry| self.fits_brief(&entry.element))
            .map(|entry| Fitting { entry, followed: followed(&entry.element) })
            .collect();
        self.by_part = vec![Vec::new(); Part::COUNT];
        for (at, fitting) in fitting.iter().enumerate() {
            self.by_part[fitting.entry.element.part as usize].push(at);
        }
        self.fitting = fitting;
    }

    /// What is seen while each claim is said.
    fn choose_pictures(&mut self, bank: &[Shown]) {
        let units = |text: &str| phrases::units(&folded(text), self.chinese);
        let pictures = &self.brief.product.pictures;
        let own: Vec<(Vec<String>, &str)> =
            pictures.iter().map(|picture| (units(&picture.alt), picture.alt.as_str())).collect();
        let here = |shown: &&Shown| {
            let only = &shown.only;
            (only.is_empty() || only.iter().any(|name| name == self.vertical.as_str()))
                && self.mentions(&self.said, &shown.has)
        };
        let shown: Vec<&Shown> = bank.iter().filter(here).collect();
        self.pictures = self.claims.iter().map(|claim| self.picture_for(claim, &own, &shown)).collect();
    }

    /// Whether any of `anchors` stands in `text` (folded): word prefixes in Latin script,
    /// substrings in Chinese.
    pub(super) fn mentions(&self, text: &str, anchors: &[String]) -> bool {
        anchors.iter().any(|anchor| phrases::holds(text, anchor, self.chinese))
    }

    /// Whether an element may stand in this brief's scripts at all.
    fn fits_brief(&self, element: &Element) -> bool {
        // "当你……" is half a sentence where no "时" closes it.
        let closed = |text: &str| text.contains("时，") || text.trim_end_matches('。').ends_with('时');
        let half = |text: &str| text.contains("当你") && !closed(text);
        !half(&element.caption)
            && !half(&element.voice)
            && (element.brief_has.is_empty()
                || self.mentions(self.words_for(element.part), &element.brief_has))
            && (element.tone.is_empty() || element.tone.contains(&self.brief.brand.tone))
            && (element.cta.is_empty() || element.cta.contains(&self.brief.call_to_action))
            && element.needs.iter().all(|need| self.has(*need))
            && !self.tells_another_number(element)
            && self.say(element, &element.caption).is_some()
            && self.say(element, &element.voice).is_some()
    }

    /// Whether a number in the author's scene stands in the brief as well: "Quoted $120" beside "Drain
    /// clearing $120" would be taken for what the advertiser says.
    fn tells_another_number(&self, element: &Element) -> bool {
        let numbers = |text: &str| -> Vec<String> {
            let runs = text.split(|c: char| !c.is_ascii_digit());
            runs.filter(|run| run.len() > 1).map(str::to_owned).collect()
        };
        let own = numbers(&element.caption);
        if own.is_empty() {
            return false;
        }
        let told = numbers(&self.said);
        own.iter().any(|number| told.contains(number))
    }

    /// Where the words that an element asks for are looked up. A question is about the thing that is sold.
    /// Where a line of business is made of trades, what names the trade counts: a cleaner's phone is no phone
    /// repair.
    fn words_for(&self, part: Part) -> &str {
        use spotwright_schemas::brief::Vertical::{HealthServices, LocalServices, Pets, SportsOutdoor};
        let trades = matches!(self.vertical, HealthServices | LocalServices | Pets | SportsOutdoor);
        match part {
            Part::Close => &self.words,
            _ if trades => &self.trade,
            Part::Ask => &self.own_words,
            _ => &self.words,
        }
    }

    fn has(&self, need: Need) -> bool {
        let kind = |kind: FactKind| self.claims.iter().any(|claim| claim.fact.kind == kind);
        match need {
            Need::Price => self.offer.price.is_some(),
            Need::Offer => kind(FactKind::Offer),
            Need::Before => self.offer.before.is_some(),
            Need::Now => self.offer.now.is_some(),
            Need::Until => self.offer.until.is_some(),
            Need::Trial => self.claims.iter().any(|claim| phrases::is_trial(&claim.folded, self.chinese)),
            Need::Place => self.claims.iter().any(|claim| phrases::is_place(&claim.folded, self.chinese)),
        }
    }

    /// Elements of a part for one of the structure's names.
    pub(super) fn elements(&self, part: Part, structure: &str) -> Vec<&Fitting> {
        self.each_element(part, structure).collect()
    }

    /// The same, one by one.
    pub(super) fn each_element<'s>(
        &'s self,
        part: Part,
        structure: &str,
    ) -> impl Iterator<Item = &'s Fitting> {
        let places = self.by_part.get(part as usize).into_iter().flatten();
        places.filter_map(move |at| self.fitting.get(*at)).filter(move |fitting| {
            let restricted = &fitting.entry.element.structures;
            restricted.is_empty() || restricted.iter().any(|name| name == structure)
        })
    }

    /// Whether `claim` may follow an element.
    pub(super) fn follows(fitting: &Fitting, claim: &Claim<'_>) -> bool {
        fitting.followed.get(claim.at).copied().unwrap_or(false)
    }

    /// Whether a text holds what every script must say.
    pub(super) fn must_stand(&self, text: &str) -> bool {
        if self.must_say.is_empty() {
            return false;
        }
        let text = folded(text);
        self.must_say.iter().any(|must| text.contains(must.as_str()))
    }

    /// What is seen while a fact is said.
    pub(super) fn picture_of(&self, claim: &Claim<'_>) -> String {
        self.pictures.get(claim.at).cloned().unwrap_or_default()
    }

    /// For each pair of claims whether the second answers the first: by a link between troubles and
    /// what answers them, or because both speak of the same thing by the same word.
    fn link(&mut self, links: &[Link]) {
        let held = |words: &[String]| -> Vec<bool> {
            self.claims.iter().map(|claim| self.mentions(&claim.folded, words)).collect()
        };
        let n = self.claims.len();
        let mut linked = vec![false; n * n];
        let mut groups = vec![Vec::new(); n];
        for (number, link) in links.iter().enumerate() {
            if !self.mentions(&self.said, &link.trouble) || !self.mentions(&self.said, &link.answer) {
                continue;
            }
            let troubles = held(&link.trouble);
            let answers = held(&link.answer);
            for (group, _) in groups.iter_mut().zip(&answers).filter(|(_, answers)| **answers) {
                group.push(number);
            }
            for (slot, (trouble, answer)) in linked
                .iter_mut()
                .zip(troubles.iter().flat_map(|trouble| answers.iter().map(move |answer| (trouble, answer))))
            {
                *slot |= *trouble && *answer;
            }
        }
        let strict = linked.clone();
        // The same word stands in for a link only where no link knows the trouble.
        for trouble in &self.claims {
            let row = trouble.at * n;
            let Some(row) = linked.get_mut(row..row + n).filter(|row| !row.contains(&true)) else { continue };
            for (slot, claim) in row.iter_mut().zip(&self.claims) {
                *slot = trouble.things.iter().any(|thing| claim.things.contains(thing));
            }
        }
        self.linked = linked;
        self.strict = strict;
        self.groups = groups;
    }

    /// Whether two facts speak of one thing by the same word.
    pub(super) fn share_a_word(one: &Claim<'_>, other: &Claim<'_>) -> bool {
        one.things.iter().any(|thing| other.things.contains(thing))
    }

    /// Whether two facts speak of one thing: by a word, or as answers of one link.
    pub(super) fn related(&self, one: &Claim<'_>, other: &Claim<'_>) -> bool {
        let groups = |claim: &Claim<'_>| self.groups.get(claim.at).map(Vec::as_slice).unwrap_or_default();
        Self::share_a_word(one, other) || groups(one).iter().any(|group| groups(other).contains(group))
    }

    /// Whether a claim is what the close says: the key offer, or the first term without a price.
    pub(super) fn is_for_the_close(&self, claim: &Claim<'_>) -> bool {
        let id = Some(&claim.fact.id);
        let offer = &self.offer;
        let first_term = offer.terms.first().filter(|_| offer.now.is_none() && offer.price.is_none());
        offer.fact.as_ref() == id || first_term.map(|(term, _)| term) == id
    }

    /// Whether a written link says that `claim` answers `trouble`.
    pub(super) fn answers_by_link(&self, trouble: &Claim<'_>, claim: &Claim<'_>) -> bool {
        self.strict.get(trouble.at * self.claims.len() + claim.at).copied().unwrap_or(false)
    }

    /// By the words of the fact: a picture of the brief, else of the bank, else the product itself.
    fn picture_for(&self, claim: &Claim<'_>, pictures: &[(Vec<String>, &str)], shown: &[&Shown]) -> String {
        let shared = |other: &[String]| claim.units.iter().filter(|unit| other.contains(unit)).count();
        // The product under a trouble would be blamed for it.
        let blamed = |alt: &str| claim.fact.kind == FactKind::Problem && self.shows_product(alt);
        let brief = pictures.iter().filter(|(_, alt)| !blamed(alt)).map(|(units, alt)| (shared(units), *alt));
        let own = brief.max_by_key(|(count, _)| *count);
        if let Some((_, alt)) = own.filter(|(count, _)| *count >= 2) {
            return alt.to_owned();
        }
        let scene = matches!(claim.fact.kind, FactKind::Problem | FactKind::Moment);
        if scene {
            // An authored opening on the same trouble has a picture for it.
            let authored = self
                .fitting
                .iter()
                .map(|fitting| fitting.entry)
                .filter(|entry| {
                    matches!(entry.element.part, Part::Open | Part::Pov) && !entry.element.picture.is_empty()
                })
                .map(|entry| (shared(&entry.units), &entry.element.picture))
                .max_by_key(|(count, _)| *count);
            if let Some((_, picture)) =
                authored.filter(|(count, _)| *count >= if self.chinese { 3 } else { 2 })
            {
                return picture.clone();
            }
        }
        let known = shown.iter().find(|shown| self.mentions(&claim.folded, &shown.has));
        if let Some(shown) = known {
            return shown.picture.clone();
        }
        // In a moment the product would stand in an empty room: what the viewer lives through is seen as it
        // is said, where it is no question and no speech.
        if scene {
            let text = claim.fact.text.trim_end_matches(['.', '。']);
            let (speaking, troubled) =
                if self.chinese { (SPEAKING.0, TROUBLED.0) } else { (SPEAKING.1, TROUBLED.1) };
            return if text.contains(['?', '？']) {
                troubled.to_owned()
            } else if text.contains(['“', '"', '\u{201c}']) {
                speaking.to_owned()
            } else {
                text.to_owned()
            };
        }
        match own.filter(|(count, _)| *count > 0) {
            Some((_, alt)) => alt.to_owned(),
            None => self.pack_shot(),
        }
    }

    /// Whether what a picture shows is called by the product's name or kind.
    fn shows_product(&self, alt: &str) -> bool {
        let bare = self.noun.as_ref().map(|noun| noun.1.as_str()).unwrap_or_default();
        let kind = if self.chinese {
            bare.char_indices().nth_back(1).and_then(|(at, _)| bare.get(at..)).unwrap_or(bare)
        } else {
            naming::head_noun(bare)
        };
        alt.contains(self.name.as_ref())
            || !kind.is_empty() && alt.to_lowercase().contains(&kind.to_lowercase())
    }

    /// The product as the brief's first picture shows it.
    pub(super) fn pack_shot(&self) -> String {
        self.brief.product.pictures.first().map(|picture| picture.alt.clone()).unwrap_or_default()
    }

    /// What of a fact may answer: a question is answered at once or after one clause, not at the end of a
    /// list.
    fn heard_first<'t>(&self, part: Part, folded: &'t str) -> &'t str {
        if part != Part::Ask || !self.chinese {
            return folded;
        }
        let ends = folded.char_indices().filter(|(_, c)| matches!(c, ',' | '，' | ';' | '；'));
        ends.map(|(at, _)| at).nth(1).and_then(|at| folded.get(..at)).unwrap_or(folded)
    }

    fn may_follow(&self, element: &Element, claim: &Claim<'_>) -> bool {
        let heard = self.heard_first(element.part, &claim.folded);
        // "Not heated" answers no scene of cooking; to a question a denial is an answer too.
        let denied =
            |word: &String| element.part != Part::Ask && heard.contains(&format!("not {}", word.trim_end()));
        (element.topic.is_empty()
            || self.mentions(heard, &element.topic) && (self.chinese || !element.topic.iter().any(denied)))
            && !self.mentions(&claim.folded, &element.unless)
            && (element.kinds.is_empty() || element.kinds.contains(&claim.fact.kind))
    }

    /// Whether `claim` answers `trouble`, by a link between them.
    pub(super) fn answers(&self, trouble: &Claim<'_>, claim: &Claim<'_>) -> bool {
        self.linked.get(trouble.at * self.claims.len() + claim.at).copied().unwrap_or(false)
    }

    /// Whether a fact of a drama is a line of its plot, not one about watching it.
    pub(super) fn is_plot(&self, claim: &Claim<'_>) -> bool {
        !matches!(claim.fact.kind, FactKind::Proof | FactKind::Price | FactKind::Offer | FactKind::Origin)
            && !phrases::is_about_watching(&claim.folded, self.chinese)
    }

    /// What an element says in this brief: its slots filled, and of several things where the product is
    /// several; `None` where that cannot be said.
    pub(super) fn say(&self, element: &Element, pattern: &str) -> Option<String> {
        let text = self.fill(pattern, "")?;
        let of_the_product = matches!(element.part, Part::Ask | Part::Close);
        if self.naming.several && of_the_product { speech::about_several(&text) } else { Some(text) }
    }

    /// Fills the slots of a pattern; `None` when one has no value.
    pub(super) fn fill(&self, pattern: &str, fact: &str) -> Option<String> {
        let mut out = String::with_capacity(pattern.len() + fact.len());
        let mut rest = pattern;
        while let Some(at) = rest.find('{') {
            let end = at + rest[at..].find('}')?;
            out.push_str(&rest[..at]);
            let value = match &rest[at + 1..end] {
                "name" => Some(self.name.as_ref()),
                "brand" => Some(self.brief.brand.name.as_str()),
                "type" => self.noun.as_ref().map(|noun| noun.0.as_str()),
                "thing" => self.noun.as_ref().map(|noun| noun.1.as_str()),
                "fact" => Some(fact),
                "price" => self.offer.price.as_deref(),
                "now" => self.offer.now.as_deref(),
                "before" => self.offer.before.as_deref(),
                "until" => self.offer.until.as_deref(),
                "covers" => self.offer.covers.as_deref(),
                "redeem" => self.offer.redeem.as_deref(),
                "offer" => self.offer.terms.first().map(|(_, text)| text.as_str()),
                "place" => self.offer.place.as_deref(),
                _ => None,
            };
            out.push_str(value?);
            rest = &rest[end + 1..];
        }
        out.push_str(rest);
        Some(out)
    }

    pub(super) const fn is_chinese(&self) -> bool {
        self.chinese
    }
}
