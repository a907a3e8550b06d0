//! The last shot: the offer or the price, one more term, and what to do.

use spotwright_schemas::brief::FactId;
use spotwright_schemas::script::Role;

use super::elements::Part;
use super::phrases;
use super::speech;
use super::structures::{Builder, FACT, Shot};
use super::terms;
use crate::text::length;

/// Longest voice of the last line in seconds; the longest ad has 20.
const LONGEST_CLOSE_SECONDS: f64 = 9.4;

impl Builder<'_, '_> {
    /// The last shot: the offer or the price, then what to do.
    pub(super) fn close(&mut self, structure: &str, used: &[FactId]) -> Option<Shot> {
        let material = self.material;
        let entries = material.elements(Part::Close, structure);
        let entry = self.draws.pick(&entries).map(|fitting| fitting.entry);
        let offer = &material.offer;
        let mut facts: Vec<FactId> = Vec::new();
        let said_first = structure == "offer_first";
        let caption = if said_first {
            facts.extend(offer.fact.clone());
            facts.extend(used.first().cloned());
            facts.dedup();
            if offer.now.is_none() {
                facts.extend(offer.price_fact.clone());
                offer.price.clone().unwrap_or_default()
            } else {
                self.price_again()
            }
        } else if offer.now.is_some() {
            facts.extend(offer.fact.clone());
            self.offer_line()?
        } else if let Some(price) = &offer.price {
            facts.extend(offer.price_fact.clone());
            price.clone()
        } else if let Some((id, text)) = offer.terms.first() {
            facts.push(id.clone());
            text.clone()
        } else {
            String::new()
        };
        let (verb, source, picture) = match entry {
            Some(entry) => (
                material.say(&entry.element, &entry.element.caption)?,
                entry.cite.clone(),
                entry.element.picture.clone(),
            ),
            None => (String::new(), FACT.to_owned(), String::new()),
        };
        // Without a price or a term, what to do is the line, and the name stands below it.
        let caption = match (caption.is_empty(), verb.is_empty()) {
            (false, _) => caption,
            (true, false) => verb.clone(),
            (true, true) => material.name.to_string(),
        };
        let mut detail =
            if said_first { offer.redeem.clone().unwrap_or_default() } else { self.conditions(&caption) };
        if !self.zh() {
            detail = phrases::capitalized(&detail);
        }
        let term = self.term(&facts, used, &caption);
        if let Some((id, text)) = term {
            if detail.is_empty() || material.must_stand(&text) {
                let join = if self.zh() { "，" } else { ". " };
                let both = format!("{detail}{join}{text}");
                let room = crate::copy_engine::limits(material.brief.locale, Role::Cta).detail;
                let kept = !detail.is_empty() && length(&both) <= room;
                detail = if kept { both } else { text };
                facts.push(id);
            }
        }
        // A term that must be said stands before the price.
        let term_first = offer.now.is_none()
            && offer.price.is_some()
            && !detail.is_empty()
            && material.must_stand(&detail);
        let (caption, mut detail) = if term_first { (detail, caption) } else { (caption, detail) };
        if detail.is_empty() {
            detail = if caption == verb { material.name.to_string() } else { verb.clone() };
        }
        let said = detail.clone();
        let limit = crate::copy_engine::limits(material.brief.locale, Role::Cta).detail;
        let joined = if self.zh() { format!("{detail}，{verb}") } else { format!("{detail}. {verb}") };
        // What to do stands beside the last day where there is room, so that endings differ.
        let alone = detail == self.last_day();
        if alone && !verb.is_empty() && length(&joined) <= limit && self.draws.chance(0.5) {
            detail = joined;
        }
        // One call to act: what the advertiser says of redeeming stands for the authored one.
        let redeems = offer
            .redeem
            .as_ref()
            .is_some_and(|redeem| said.to_lowercase().contains(redeem.to_lowercase().as_str()));
        let asked = match entry.filter(|_| !redeems) {
            Some(entry) => material.say(&entry.element, first_sentence(&entry.element.voice))?,
            None => String::new(),
        };
        let mut parts = if caption == verb { Vec::new() } else { vec![self.spoken(&caption)] };
        if !said.is_empty() && said != verb && caption != verb {
            // Each sentence, in Chinese each clause, may be left to the screen, the last first.
            let whole = self.spoken(&said);
            let ends = if self.zh() { "，" } else { ". " };
            parts.extend(whole.split_inclusive(ends).map(|part| part.trim_end().to_owned()));
        }
        parts.push(asked);
        parts.retain(|part| !part.is_empty());
        // What is read is not all said: the button says what to do, and the screen shows the term.
        let seconds = |parts: &[String]| -> f64 {
            parts.iter().map(|part| speech::seconds(material.brief.locale, part)).sum()
        };
        while seconds(&parts) > LONGEST_CLOSE_SECONDS {
            let free = |at: &usize| parts.get(*at).is_some_and(|part| !material.must_stand(part));
            let Some(at) = (1..parts.len()).rev().find(free) else { break };
            parts.remove(at);
        }
        let mut voice = parts.join(if self.zh() { "" } else { " " });
        if let Some(cut) = voice.strip_suffix('，') {
            voice = self.spoken(cut);
        }
        let picture = if picture.is_empty() { material.pack_shot() } else { picture };
        Some(Shot { role: Role::Cta, caption, detail, voice, picture, facts, source })
    }

    /// What the key offer covers where the offer line does not say it, until when, and how to redeem it.
    fn conditions(&self, caption: &str) -> String {
        let offer = &self.material.offer;
        if offer.now.is_none() {
            return String::new();
        }
        let zh = self.zh();
        let mut parts: Vec<String> = Vec::new();
        parts.extend(
            offer.covers.as_ref().filter(|covers| is_compound(covers)).map(|covers| contents(covers, zh)),
        );
        parts.extend(
            offer
                .until
                .as_ref()
                .filter(|until| !caption.contains(until.as_str()))
                .map(|until| if zh { format!("{until}截止") } else { format!("Until {until}") }),
        );
        parts.extend(
            offer.redeem.as_ref().map(
                |redeem| {
                    if zh { redeem.clone() } else { phrases::capitalized(redeem) }
                },
            ),
        );
        let join = if zh { "，" } else { ". " };
        let limit = crate::copy_engine::limits(self.material.brief.locale, Role::Cta).detail;
        while parts.len() > 1 && length(&parts.join(join)) > limit {
            parts.pop();
        }
        parts.join(join)
    }

    /// The price once more, with its last day: a date alone belongs to nothing.
    fn price_again(&self) -> String {
        let offer = &self.material.offer;
        // A price that only some get, or only before a day, is not said without that.
        let now = offer.conditional_now.clone().or_else(|| offer.now.clone()).unwrap_or_default();
        // "Free until March 31" would be everything.
        let covers = offer.covers.as_deref().filter(|covers| self.is_free() && !is_compound(covers));
        let now = match (covers, self.zh()) {
            (Some(covers), true) => format!("{covers}免费"),
            (Some(covers), false) => format!("{covers} free"),
            (None, _) => now,
        };
        match (&offer.until, self.zh()) {
            (Some(until), true) => format!("{now}，{until}截止"),
            (Some(until), false) => format!("{} until {until}", phrases::capitalized(&now)),
            (None, _) => phrases::capitalized(&now),
        }
    }

    /// Whether the key offer costs nothing.
    fn is_free(&self) -> bool {
        self.material.brief.offer.as_ref().is_some_and(|offer| offer.price_now.0 == 0)
    }

    /// The key offer's last day as a line says it; empty without one.
    fn last_day(&self) -> String {
        let offer = &self.material.offer;
        match (offer.until.as_ref().filter(|_| offer.now.is_some()), self.zh()) {
            (Some(until), true) => format!("{until}截止"),
            (Some(until), false) => format!("Until {until}"),
            (None, _) => String::new(),
        }
    }

    /// One more term that the script has not used: one that must be said before all others.
    fn term(&mut self, facts: &[FactId], used: &[FactId], caption: &str) -> Option<(FactId, String)> {
        let material = self.material;
        let terms: Vec<(FactId, String)> = material
            .offer
            .terms
            .iter()
            .filter(|(id, text)| !facts.contains(id) && !used.contains(id) && text != caption)
            .cloned()
            .collect();
        let must = terms.iter().position(|(_, text)| material.must_stand(text));
        // Before one has joined, nobody asks how to leave, and of what has not been said to come again nobody asks
        // how to stop it.
        let zh = self.material.is_chinese();
        let said = used.iter().chain(facts).filter_map(|id| material.brief.fact(id));
        let again = terms::is_recurring(caption, zh)
            || said.into_iter().any(|fact| terms::is_recurring(&fact.text, zh));
        let inviting = |at: &usize| {
            let term = &terms[*at].1;
            !terms::is_about_leaving(term, zh)
                && (again || terms::is_recurring(term, zh) || !terms::is_about_stopping(term, zh))
        };
        let order: Vec<usize> = (0..terms.len()).filter(inviting).collect();
        let at = must.or_else(|| self.draws.pick(&order))?;
        terms.get(at).cloned()
    }

    /// The key offer in one line: what one gets, the price before and now.
    pub(super) fn offer_line(&mut self) -> Option<String> {
        let offer = &self.material.offer;
        let now = offer.now.as_ref()?;
        let covers = offer.covers.as_deref().filter(|covers| !is_compound(covers));
        let own = offer.own.as_ref();
        let limit = crate::copy_engine::limits(self.material.brief.locale, Role::Cta).caption;
        // A condition that only the fact names is said with the price.
        if let Some(own) = own.filter(|own| offer.own_conditions && length(own) <= limit) {
            return Some(own.clone());
        }
        // A price of nothing is said in the advertiser's own words where a fact has them.
        let free = self.is_free();
        if let Some(own) = own.filter(|own| free && length(own) <= 48) {
            if self.material.must_stand(own) || self.draws.chance(0.6) {
                return Some(own.clone());
            }
        }
        // In Chinese the condition stands with the price, unless what is covered names it.
        let conditional = offer.conditional_now.as_ref().filter(|said| {
            let named = said.strip_suffix(now.as_str()).unwrap_or_default().trim_end_matches('价');
            let told = offer.covers.as_deref().unwrap_or_default();
            self.zh() && !free && !named.is_empty() && !told.contains(named)
        });
        if let Some(said) = conditional {
            let what = covers.map(|covers| format!("{covers}，")).unwrap_or_default();
            let forms = match &offer.before {
                Some(before) => {
                    vec![format!("{what}原价{before}，{said}"), format!("{what}{said}，原价{before}")]
                }
                None => vec![format!("{what}{said}")],
            };
            let at = self.draws.pick(&(0..forms.len()).collect::<Vec<usize>>())?;
            return forms.get(at).cloned();
        }
        let forms: Vec<String> = match (covers, &offer.before, self.zh()) {
            (Some(covers), Some(before), true) if free => vec![format!("{covers}免费，原价{before}")],
            (Some(covers), Some(before), false) if free => {
                vec![format!("{} free instead of {before}", phrases::capitalized(covers))]
            }
            (Some(covers), Some(before), true) => vec![
                format!("{covers}，原价{before}，现价{now}"),
                format!("{covers}，现价{now}，原价{before}"),
                format!("{covers}，{before}变{now}"),
            ],
            (None, Some(before), true) => vec![
                format!("原价{before}，现价{now}"),
                format!("现价{now}，原价{before}"),
                format!("{before}变{now}"),
            ],
            (Some(covers), None, true) => vec![format!("{covers}{now}")],
            (None, None, true) => vec![format!("现在{now}")],
            (Some(covers), Some(before), false) => {
                let covers = phrases::capitalized(covers);
                vec![
                    format!("{covers}: {now} instead of {before}"),
                    format!("{covers}: {now}, was {before}"),
                    format!("{covers}, {now} instead of {before}"),
                ]
            }
            (None, Some(before), false) => {
                vec![
                    format!("Now {now}, was {before}"),
                    format!("{now} instead of {before}"),
                    format!("Was {before}, now {now}"),
                ]
            }
            (Some(covers), None, false) if free => vec![format!("{} free", phrases::capitalized(covers))],
            (Some(covers), None, false) => vec![format!("{}: {now}", phrases::capitalized(covers))],
            (None, None, false) => vec![format!("Now {now}")],
        };
        let order: Vec<usize> = (0..forms.len()).collect();
        let at = self.draws.pick(&order)?;
        forms.get(at).cloned()
    }
}

/// What an offer covers as a line: a bare list in Chinese says that it is what one gets.
pub(super) fn contents(covers: &str, chinese: bool) -> String {
    if !chinese {
        return phrases::capitalized(covers);
    }
    let bare = covers.contains('、') && !covers.contains(['，', '：', '含', '送']);
    if bare { format!("含{covers}") } else { covers.to_owned() }
}

/// Whether what an offer covers is a list that a price cannot stand behind.
pub(super) fn is_compound(covers: &str) -> bool {
    covers.contains([',', '，', '、', '：', ':', ';', '；'])
}

/// The first sentence of a call to act.
fn first_sentence(text: &str) -> &str {
    let end = text.char_indices().find(|(_, c)| matches!(c, '.' | '。' | '?' | '？' | '!' | '！'));
    end.map_or(text, |(at, c)| &text[..at + c.len_utf8()])
}
