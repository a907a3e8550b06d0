//! The last shot: the offer or the price, one more term, and what to do.

use spotwright_schemas::brief::FactId;
use spotwright_schemas::script::Role;

use super::elements::{Entry, Part};
use super::phrases;
use super::structures::{Builder, Shot};

impl Builder<'_, '_> {
    /// The last shot: the offer or the price, then what to do.
    pub(super) fn close(&mut self, structure: &str, used: &[FactId]) -> Option<Shot> {
        let material = self.material;
        let entries: Vec<&'static Entry> = material.elements(Part::Close, structure);
        let entry = self.draws.pick(&entries);
        let offer = &material.offer;
        let mut facts: Vec<FactId> = Vec::new();
        let caption = if offer.now.is_some() {
            facts.extend(offer.fact.clone());
            self.offer_line()?
        } else if let Some(price) = &offer.price {
            facts.extend(offer.price_fact.clone());
            price.clone()
        } else if let Some((id, text)) = offer.terms.first() {
            facts.push(id.clone());
            text.clone()
        } else {
            material.name.to_string()
        };
        let terms: Vec<(FactId, String)> = offer
            .terms
            .iter()
            .filter(|(id, text)| !facts.contains(id) && !used.contains(id) && *text != caption)
            .cloned()
            .collect();
        let order: Vec<usize> = (0..terms.len()).collect();
        let mut detail = String::new();
        if let Some(until) = offer.until.as_ref().filter(|_| offer.now.is_some()) {
            detail = if self.zh() { format!("{until}截止") } else { format!("Until {until}") };
        }
        let mut verb = String::new();
        let mut source = "fact".to_owned();
        let mut picture = String::new();
        if let Some(entry) = entry {
            verb = material.fill(&entry.element.caption, "")?;
            source.clone_from(&entry.cite);
            picture.clone_from(&entry.element.picture);
        }
        if detail.is_empty() || self.draws.chance(0.5) {
            if let Some(at) = self.draws.pick(&order) {
                detail.clone_from(&terms[at].1);
                facts.push(terms[at].0.clone());
            }
        }
        // Price and term change places now and then, so that endings differ.
        let term_first =
            offer.now.is_none() && offer.price.is_some() && !detail.is_empty() && self.draws.chance(0.5);
        let (caption, mut detail) = if term_first { (detail, caption) } else { (caption, detail) };
        if detail.is_empty() {
            detail.clone_from(&verb);
        }
        let spoken = entry.map(|entry| entry.element.voice.clone()).unwrap_or_default();
        let spoken = material.fill(&spoken, "")?;
        let join = if self.zh() { "" } else { " " };
        let mut voice = self.spoken(&caption);
        if !detail.is_empty() && detail != verb {
            voice = format!("{voice}{join}{}", self.spoken(&detail));
        }
        if !spoken.is_empty() {
            voice = format!("{voice}{join}{spoken}");
        }
        Some(Shot { role: Role::Cta, caption, detail, voice, picture, facts, source })
    }

    /// The key offer in one line: what one gets, the price before and now.
    pub(super) fn offer_line(&mut self) -> Option<String> {
        let offer = &self.material.offer;
        let now = offer.now.as_ref()?;
        let covers = offer.covers.as_deref();
        let line = match (covers, &offer.before, self.zh()) {
            (Some(covers), Some(before), true) => {
                let forms = [
                    format!("{covers}，原价{before}，现价{now}"),
                    format!("{covers}{now}，原价{before}"),
                    format!("原价{before}的{covers}，现在{now}"),
                ];
                let at = [0, 1, 2];
                forms[self.draws.pick(&at)?].clone()
            }
            (None, Some(before), true) => {
                let forms = [format!("原价{before}，现价{now}"), format!("现价{now}，原价{before}")];
                let at = [0, 1];
                forms[self.draws.pick(&at)?].clone()
            }
            (Some(covers), None, true) => format!("{covers}{now}"),
            (None, None, true) => format!("现在{now}"),
            (Some(covers), Some(before), false) => {
                let forms = [
                    format!("{}: {now} instead of {before}", phrases::capitalized(covers)),
                    format!("{}, {now}. Was {before}.", phrases::capitalized(covers)),
                    format!("{} for {now}, not {before}", phrases::capitalized(covers)),
                ];
                let at = [0, 1, 2];
                forms[self.draws.pick(&at)?].clone()
            }
            (None, Some(before), false) => {
                let forms = [format!("Now {now}, was {before}"), format!("{now} instead of {before}")];
                let at = [0, 1];
                forms[self.draws.pick(&at)?].clone()
            }
            (Some(covers), None, false) => format!("{}: {now}", phrases::capitalized(covers)),
            (None, None, false) => format!("Now {now}"),
        };
        Some(line)
    }
}
