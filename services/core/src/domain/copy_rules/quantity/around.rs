//! What stands around a number: currency, unit, range, qualifiers, per-what, reductions.

use super::numerals::Digits;
use super::read::{Draft, Reader};
use super::scan::{is_letter, is_space};
use super::suffix::{
    currency_before, currency_behind, magnitude, measure, per, per_what, qualifier_behind, unit,
};
use super::tables::{CURRENCY_CODES, CURRENCY_SIGNS, DISCOUNT_BEFORE, NO_QUALIFIERS, QUALIFIERS_BEFORE};
use super::{Currency, Number, Qualifier, Unit, Value, numerals};

impl Reader<'_> {
    pub(super) fn currency_or_unit(&self, draft: &mut Draft, open: bool) {
        let text = self.text;
        if draft.quantity.currency.is_none() {
            if let Some((currency, to)) = currency_behind(text, draft.end, self.locale) {
                draft.quantity.currency = Some(currency);
                draft.end = to;
                self.tenths(draft);
                return;
            }
        }
        if let Some(to) = text.sign(draft.end, "¢").or_else(|| text.word(text.past_space(draft.end), "cents"))
        {
            if let (Value::Number(cents), None) = (&draft.quantity.value, &draft.quantity.currency) {
                if let Some(dollars) = cents.divided_by(Number::whole(100)) {
                    draft.quantity.value = Value::Number(dollars);
                    draft.quantity.currency = Some(Currency("USD".into()));
                    draft.end = to;
                }
            }
        }
        if draft.quantity.currency.is_some() {
            // A code behind a sign says which dollar it is: `$20 USD`.
            if let Some((again, to)) = currency_behind(text, draft.end, self.locale) {
                (draft.quantity.currency, draft.end) = (Some(again), to);
            }
            return;
        }
        if open {
            if let Some((found, to)) = unit(text, draft.end, is_part(&draft.quantity.value)) {
                (draft.quantity.unit, draft.end) = (Some(found), to);
                self.tenths_of_price(draft);
            }
        } else if let Some((name, to)) = measure(text, draft.end) {
            (draft.quantity.unit, draft.end) = (Some(Unit::Measure(name)), to);
        }
    }

    /// `85折` is said for 8.5折.
    #[expect(clippy::unused_self, reason = "called as its siblings are")]
    pub(super) fn tenths_of_price(&self, draft: &mut Draft) {
        if draft.quantity.unit != Some(Unit::Measure("tenths of the price")) {
            return;
        }
        if let Value::Number(number) = draft.quantity.value {
            let spoken = number.as_whole().is_some_and(|whole| (11..100).contains(&whole));
            if let Some(tenth) = number.divided_by(Number::whole(10)).filter(|_| spoken) {
                draft.quantity.value = Value::Number(tenth);
            }
        }
    }

    /// `9块9` is 9.9元.
    pub(super) fn tenths(&self, draft: &mut Draft) {
        let text = self.text;
        let spoken = text.before(draft.end) == Some('块') && text.is_digit(draft.end);
        if let (true, Value::Number(number)) = (spoken, &draft.quantity.value) {
            let to = text.digits_end(draft.end);
            let behind = text.string(draft.end..to);
            if let Some(sum) = Number::decimal("0", &behind).and_then(|part| number.plus(part)) {
                draft.quantity.value = Value::Number(sum);
                draft.end = to;
            }
        }
    }

    /// `10–12 cups`, `$10 to $12`, `10元至20元`, `between 10 and 12`.
    pub(super) fn range(&self, draft: &mut Draft) {
        let text = self.text;
        let Value::Number(first) = draft.quantity.value else { return };
        let noun = matches!(draft.quantity.unit, Some(Unit::Noun { .. }));
        let number_end = draft.end;
        if noun {
            return;
        }
        let spaced = text.past_space(number_end);
        let between = self.ends_with(draft.start, "between").is_some();
        let joined = ["-", "~", "至", "到"]
            .iter()
            .find_map(|sign| text.sign(spaced, sign))
            .or_else(|| text.word(spaced, "to"))
            .or_else(|| text.word(spaced, "and").filter(|_| between));
        let Some(joined) = joined else { return };
        let mut at = text.past_space(joined);
        if let Some(stop) = self.sign_end(at) {
            if currency_before(text, stop, at, self.locale).map(|(code, _)| code) != draft.quantity.currency {
                return;
            }
            at = text.past_space(stop);
        }
        if !text.is_digit(at) {
            return;
        }
        let Digits::Number(mut second, mut end) =
            numerals::digits(text, at, draft.quantity.currency.is_some())
        else {
            return;
        };
        let mut first = first;
        if let Some((factor, to)) = magnitude(text, end, self.locale, draft.quantity.currency.is_some()) {
            let Some(scaled) = second.times(factor) else { return };
            if text.before(number_end).is_some_and(|c| c.is_ascii_digit()) {
                first = first.times(factor).unwrap_or(first);
            }
            (second, end) = (scaled, to);
        }
        let mut ranged = Draft::new(draft.start, end, Value::Range(first, second));
        ranged.quantity.qualifier = draft.quantity.qualifier;
        ranged.quantity.currency.clone_from(&draft.quantity.currency);
        if draft.quantity.unit.is_none() {
            if ranged.quantity.currency.is_some() {
                if let Some((_, to)) = currency_behind(text, end, self.locale) {
                    ranged.end = to;
                }
            } else {
                self.currency_or_unit(&mut ranged, true);
            }
        } else {
            let Some((same, to)) = unit(text, end, false) else { return };
            if Some(&same) != draft.quantity.unit.as_ref() {
                return;
            }
            (ranged.quantity.unit, ranged.end) = (Some(same), to);
        }
        if let Some(start) =
            self.ends_with(draft.start, "between").or_else(|| self.ends_with(draft.start, "from"))
        {
            ranged.start = start;
        }
        *draft = ranged;
    }

    /// The end of a currency sign or code that begins at `at`.
    pub(super) fn sign_end(&self, at: usize) -> Option<usize> {
        let signs = CURRENCY_SIGNS.iter().map(|(name, _)| *name).chain(CURRENCY_CODES.iter().copied());
        signs.chain(["¥"]).filter_map(|name| self.text.sign(at, name)).max()
    }

    /// One thing behind the quantity; whether there was one.
    pub(super) fn behind(&self, draft: &mut Draft) -> bool {
        let text = self.text;
        let money = draft.quantity.currency.is_some();
        if draft.quantity.qualifier == Qualifier::Exact {
            if let Some((qualifier, to)) = qualifier_behind(text, draft.end) {
                (draft.quantity.qualifier, draft.end) = (qualifier, to);
                return true;
            }
        }
        let percent = draft.quantity.unit == Some(Unit::Measure("%"));
        if !draft.quantity.discount && text.at(draft.end).is_some_and(is_space) {
            let fraction = matches!(&draft.quantity.value, Value::Number(n) if n.as_whole().is_none())
                && draft.quantity.unit.is_none();
            let off = text.word(draft.end + 1, "off").or_else(|| text.word(draft.end + 1, "discount"));
            if let Some(to) = off.filter(|_| money || percent || fraction) {
                draft.quantity.discount = true;
                draft.end = to;
                return true;
            }
        }
        let plain_code = matches!(draft.quantity.value, Value::Code(_));
        if draft.quantity.per.is_none() && !plain_code && (money || draft.quantity.unit.is_some()) {
            if let Some((unit, to)) = per(text, draft.end, money) {
                (draft.quantity.per, draft.end) = (Some(unit), to);
                return true;
            }
        }
        false
    }

    /// Currency and sign directly before the number.
    pub(super) fn in_front(&self, draft: &mut Draft) {
        let text = self.text;
        for _ in 0..2 {
            let near = text.before_space(draft.start, self.floor);
            if draft.quantity.currency.is_none() {
                if let Some((currency, start)) = currency_before(text, near, self.floor, self.locale) {
                    (draft.quantity.currency, draft.start) = (Some(currency), start);
                }
            }
            let sign = draft.start.checked_sub(1).filter(|at| *at >= self.floor);
            let alone = sign.is_some_and(|at| {
                at == 0 || !text.before(at).is_some_and(|c| is_letter(c) || c.is_ascii_digit() || c == ')')
            }) && sign.is_some_and(|at| at > self.floor || self.floor == 0);
            match sign.and_then(|at| text.at(at)) {
                Some('-') if alone => {
                    draft.start -= 1;
                    negate(&mut draft.quantity.value);
                }
                Some('+') if alone => draft.start -= 1,
                _ => {}
            }
        }
        for word in ["零下", "minus"] {
            if let Some(start) = self.ends_with(draft.start, word) {
                draft.start = start;
                negate(&mut draft.quantity.value);
                break;
            }
        }
    }

    /// Qualifiers, per-what and discounts further in front, in any order.
    pub(super) fn further_front(&self, draft: &mut Draft) {
        let text = self.text;
        for _ in 0..3 {
            let near = text.before_space(draft.start, self.floor);
            if let Some((qualifier, start)) = self.qualifier_before(draft, near) {
                // `约10斤以上`: the word belongs to the figure, the first qualifier read decides.
                if draft.quantity.qualifier == Qualifier::Exact {
                    draft.quantity.qualifier = qualifier;
                }
                draft.start = start;
                continue;
            }
            if draft.quantity.per.is_none() {
                if let Some((unit, start)) = self.per_before(near) {
                    (draft.quantity.per, draft.start) = (Some(unit), start);
                    continue;
                }
            }
            let reducible =
                draft.quantity.currency.is_some() || draft.quantity.unit == Some(Unit::Measure("%"));
            let verb = DISCOUNT_BEFORE.iter().find_map(|verb| text.word_before(near, self.floor, verb));
            if let Some(start) = verb.filter(|_| reducible && !draft.quantity.discount) {
                draft.quantity.discount = true;
                draft.start = start;
                continue;
            }
            break;
        }
    }

    pub(super) fn qualifier_before(&self, draft: &Draft, near: usize) -> Option<(Qualifier, usize)> {
        let text = self.text;
        let spoiled = NO_QUALIFIERS.iter().any(|words| text.word_before(near, self.floor, words).is_some());
        let found = QUALIFIERS_BEFORE
            .iter()
            .filter(|_| !spoiled)
            .filter_map(|(words, qualifier)| Some((*qualifier, text.word_before(near, self.floor, words)?)))
            .min_by_key(|(_, start)| *start);
        // `from` says a lowest price only before an amount; elsewhere it says where from.
        let money = draft.quantity.currency.is_some() && !matches!(draft.quantity.value, Value::Range(..));
        found
            .or_else(|| {
                let start = text.word_before(near, self.floor, "from").filter(|_| money)?;
                Some((Qualifier::AtLeast, start))
            })
            .or_else(|| {
                let start = text.word_before(near, self.floor, "满")?;
                Some((Qualifier::AtLeast, start))
            })
    }

    /// `每月9.9元`, `每只只要9元`.
    pub(super) fn per_before(&self, near: usize) -> Option<(Unit, usize)> {
        let only = ["只要", "只需", "仅需", "仅", "才"]
            .iter()
            .find_map(|w| self.text.word_before(near, self.floor, w));
        let near = self.text.before_space(only.unwrap_or(near), self.floor);
        let from = near.saturating_sub(5).max(self.floor);
        (from..near).find_map(|at| {
            if !matches!(self.text.at(at)?, '每') {
                return None;
            }
            let (unit, end) = per_what(self.text, at + 1)?;
            (end == near).then_some((unit, at))
        })
    }

    pub(super) fn ends_with(&self, end: usize, words: &str) -> Option<usize> {
        self.text.word_before(self.text.before_space(end, self.floor), self.floor, words)
    }
}

fn negate(value: &mut Value) {
    match value {
        Value::Number(number) | Value::Range(number, _) => *number = number.negated(),
        _ => {}
    }
}

/// Whether a value is a part of something, which counts one noun: `1/2 price`.
fn is_part(value: &Value) -> bool {
    matches!(value, Value::Number(number) if number.as_whole().is_none())
}
