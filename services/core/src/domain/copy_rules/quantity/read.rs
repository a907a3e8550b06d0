//! The reader: finds where a number begins and takes in what belongs to it on both sides.

use std::ops::Range;

use spotwright_schemas::Locale;
use spotwright_schemas::wording::is_han;

use super::numerals::{self, Digits};
use super::scan::{Text, is_letter, is_space};
use super::suffix::{
    classifier, currency_before, currency_behind, magnitude, measure, per, per_what, qualifier_behind,
    qualifier_inside, unit,
};
use super::tables::{
    CURRENCY_CODES, CURRENCY_SIGNS, DAY_PARTS, DISCOUNT_BEFORE, IDIOMS, LABELS, MONTHS, NO_QUALIFIERS,
    PART_WORDS, QUALIFIERS_BEFORE, VAGUE_WORDS,
};
use super::{Currency, Link, Number, Qualifier, Quantity, Unit, Value};

/// Walks over a text and gives its quantities.
pub(super) struct Reader<'a> {
    text: &'a Text,
    locale: Locale,
    /// Where the next number is looked for.
    at: usize,
    /// The end of the last quantity: nothing before it belongs to the next one.
    floor: usize,
}

/// A quantity under construction, in characters.
struct Draft {
    start: usize,
    end: usize,
    quantity: Quantity,
}

impl Draft {
    const fn new(start: usize, end: usize, value: Value) -> Self {
        let quantity = Quantity {
            value,
            currency: None,
            unit: None,
            per: None,
            qualifier: Qualifier::Exact,
            discount: false,
        };
        Self { start, end, quantity }
    }
}

impl<'a> Reader<'a> {
    pub(super) const fn new(text: &'a Text, locale: Locale) -> Self {
        Self { text, locale, at: 0, floor: 0 }
    }

    pub(super) fn next_quantity(&mut self) -> Option<(Range<usize>, Quantity)> {
        while self.at < self.text.len() {
            let before = self.at;
            if let Some(draft) = self.read() {
                self.at = draft.end.max(before + 1);
                self.floor = self.at;
                return Some((draft.start..self.at, draft.quantity));
            }
            if self.at == before {
                self.at += 1;
            }
        }
        None
    }

    /// Reads a quantity at `self.at`, or moves `self.at` over a word that holds none.
    fn read(&mut self) -> Option<Draft> {
        let (text, at) = (self.text, self.at);
        let c = text.at(at)?;
        if matches!(c, '买' | '满' | '第') {
            let special = if c == '第' { self.ordinal(at) } else { self.bundle(at) };
            if special.is_some() {
                return special;
            }
        }
        if matches!(c, '几' | '数' | '上') {
            if let Some(draft) = self.vague(at) {
                return Some(draft);
            }
        }
        if c.is_ascii_digit() {
            return Some(self.from_digits(at));
        }
        if let Some(number) = numerals::vulgar(c) {
            return Some(self.finish(Draft::new(at, at + 1, Value::Number(number)), true));
        }
        if numerals::is_chinese_numeral(c) || c == '半' {
            return self.chinese(at);
        }
        if is_letter(c) {
            return self.word(at);
        }
        // Circled digits, numerals of other scripts: a figure that equals only itself.
        (c.is_numeric() && !is_han(c)).then(|| Draft::new(at, at + 1, Value::Code(c.to_string())))
    }

    /// `几百`, `数千`, `上万`: a count that names no number.
    fn vague(&self, at: usize) -> Option<Draft> {
        let text = self.text;
        let mut end = at + 1;
        while text.at(end).is_some_and(|c| "十百千万亿".contains(c)) {
            end += 1;
        }
        let above = text.at(at) == Some('上') && text.before(at) == Some('以');
        let (_, end) = classifier(text, end).filter(|_| end > at + 1 && !above)?;
        Some(Draft::new(at, end, Value::Code(text.string(at..end))))
    }

    fn from_digits(&self, at: usize) -> Draft {
        if let Some(draft) = self.date(at).or_else(|| self.clock(at)).or_else(|| self.chinese_clock(at)) {
            return draft;
        }
        let money = self.currency_in_front(at).is_some();
        let raw = numerals::digits(self.text, at, money);
        let raw_end = match &raw {
            Digits::Number(_, end) | Digits::Code(end) => *end,
        };
        // An amount may name its currency behind it only: `1.299 €`.
        let money_behind = !money
            && matches!(numerals::digits(self.text, at, true), Digits::Number(_, end)
                if currency_behind(self.text, end, self.locale).is_some());
        let raw = if money_behind { numerals::digits(self.text, at, true) } else { raw };
        match raw {
            Digits::Number(number, end) if !self.is_chain(end) => {
                self.number(at, number, end, money || money_behind)
            }
            Digits::Number(..) | Digits::Code(_) => self.code(at, raw_end),
        }
    }

    /// Digits that go on with hyphens, points or letters in a way that is no quantity.
    fn is_chain(&self, end: usize) -> bool {
        let text = self.text;
        let dashed = |from: usize| text.at(from) == Some('-') && text.is_digit(from + 1);
        if dashed(end) {
            return dashed(text.digits_end(end + 1));
        }
        // `3-in-1`
        if text.at(end) == Some('-') && text.word(end + 1, "in").is_some_and(|to| dashed(to)) {
            return true;
        }
        // `1990s`
        if text.word(end, "s").is_some() && end >= 4 && (end - 4..end).all(|at| text.is_digit(at)) {
            return true;
        }
        let letters = text.letters_end(end);
        if letters == end {
            return false;
        }
        if text.is_digit(letters) {
            // `10x15` is a pair.
            return text.string(end..letters) != "x";
        }
        let known = measure(text, end).is_some()
            || magnitude(text, end, self.locale, true).is_some()
            || currency_behind(text, end, self.locale).is_some()
            || self.is_ordinal(end)
            || self.half_of_day(end).is_some();
        let word = letters - end >= 3 && text.at(end).is_some_and(char::is_lowercase);
        !known && !word
    }

    fn is_ordinal(&self, end: usize) -> bool {
        ["st", "nd", "rd", "th"].iter().any(|ending| self.text.word(end, ending).is_some())
    }

    /// The whole run of letters, digits and hyphens around `start..end`.
    fn code(&self, start: usize, end: usize) -> Draft {
        let text = self.text;
        let part = |c: char| is_letter(c) || c.is_ascii_digit();
        let mut end = end;
        loop {
            match text.at(end) {
                Some(c) if part(c) => end += 1,
                Some('-' | '.' | '/' | ':')
                    if text.at(end + 1).is_some_and(part) && text.is_digit(end + 1) =>
                {
                    end += 1
                }
                Some('-') if text.word(end + 1, "in").is_some_and(|to| text.at(to) == Some('-')) => end += 1,
                _ => break,
            }
        }
        if text.at(end) == Some('+') {
            end += 1;
        }
        Draft::new(start, end, Value::Code(text.string(start..end).to_lowercase()))
    }

    fn currency_in_front(&self, at: usize) -> Option<(Currency, usize)> {
        let near = self.text.before_space(at, self.floor);
        currency_before(self.text, near, self.floor, self.locale).or_else(|| {
            let sign = self.text.before(at).filter(|c| *c == '-').and(at.checked_sub(1))?;
            (sign > self.floor).then(|| currency_before(self.text, sign, self.floor, self.locale)).flatten()
        })
    }

    /// A number in digits with pairs, ranges and everything behind it.
    fn number(&self, start: usize, number: Number, end: usize, money: bool) -> Draft {
        let text = self.text;
        let (mut number, mut end) = (number, end);
        // `4/5` rates, `3/4` is a part.
        let rates = |part: Number| {
            part.times(4).is_none_or(|p| p.as_whole().is_none())
                && part.times(3).is_none_or(|p| p.as_whole().is_none())
        };
        let part = numerals::simple_fraction(text, start);
        if let Some((part, to)) = part.filter(|(part, _)| !rates(*part) || number == Number::whole(1)) {
            (number, end) = (part, to);
        } else if number.as_whole().is_some() {
            if let Some(draft) = self.pair(start, number, end) {
                return self.finish(draft, false);
            }
            if let Some((part, to)) = numerals::mixed(text, end) {
                (number, end) = (number.plus(part).unwrap_or(number), to);
            }
        } else if let Some(draft) = self.pair(start, number, end) {
            return self.finish(draft, false);
        }
        if self.is_ordinal(end) {
            return Draft::new(start, end + 2, Value::Ordinal(number));
        }
        // `299,-` is how much of Europe writes a whole amount.
        let dash = text.at(end).is_some_and(|c| matches!(c, ',' | '.')) && text.at(end + 1) == Some('-');
        if dash && !text.is_digit(end + 2) && (money || currency_behind(text, end + 2, self.locale).is_some())
        {
            end += 2;
        }
        if money && text.sign(end, "/-").is_some() {
            end += 2;
        }
        let inside =
            qualifier_inside(text, end).filter(|_| magnitude(text, end + 1, self.locale, money).is_some());
        let after_inside = inside.map_or(end, |(_, to)| to);
        let mut draft = Draft::new(start, end, Value::Number(number));
        if let Some((factor, to)) = magnitude(text, after_inside, self.locale, money) {
            if let Some(product) = number.times(factor) {
                draft.quantity.value = Value::Number(product);
                draft.end = to;
                if let Some((qualifier, _)) = inside {
                    draft.quantity.qualifier = qualifier;
                }
            }
        }
        self.finish(draft, true)
    }

    /// Two numbers that belong together: `24/7`, `16:9`, `10×15`, `1+1`, `4.8 out of 5`, `3 for 2`.
    fn pair(&self, start: usize, first: Number, end: usize) -> Option<Draft> {
        let text = self.text;
        let (link, at) = match text.at(end)? {
            '/' => (Link::Slash, end + 1),
            ':' => (Link::Colon, end + 1),
            '+' => (Link::Plus, end + 1),
            '×' | 'x' | '*' => (Link::By, end + 1),
            ' ' => {
                let words: [(&str, Link); 6] = [
                    ("out of", Link::Slash),
                    ("of", Link::Slash),
                    ("in", Link::Slash),
                    ("×", Link::By),
                    ("x", Link::By),
                    ("for", Link::For),
                ];
                let (link, to) =
                    words.iter().find_map(|(word, link)| Some((*link, text.word(end + 1, word)?)))?;
                (link, text.past_space(to))
            }
            _ => return None,
        };
        if !text.is_digit(at) {
            return None;
        }
        let Digits::Number(second, to) = numerals::digits(text, at, false) else { return None };
        // `1 in 3 people`, but `2 in 2025` and `5 in 3 days`.
        let share = second.as_whole().is_some_and(|whole| whole <= 100) && measure(text, to).is_none();
        if text.word(end + 1, "in").is_some() && !share {
            return None;
        }
        // `2 of 30 days` and `3 for 30 days` count apart; `3 for 2` ends there.
        if link == Link::For
            && (unit(text, to, false).is_some() || currency_behind(text, to, self.locale).is_some())
        {
            return None;
        }
        let chained =
            text.at(to).is_some_and(|c| matches!(c, '/' | ':' | '×' | 'x')) && text.is_digit(to + 1);
        if chained {
            return Some(self.code_of(start, to));
        }
        Some(Draft::new(start, to, Value::Pair(first, second, link)))
    }

    fn code_of(&self, start: usize, end: usize) -> Draft {
        let text = self.text;
        let mut end = end;
        while text.at(end).is_some_and(|c| matches!(c, '/' | ':' | '×' | 'x')) && text.is_digit(end + 1) {
            end = text.digits_end(end + 1);
        }
        Draft::new(start, end, Value::Code(text.string(start..end).to_lowercase()))
    }

    /// Takes in currency, unit, range, per-what, discount and qualifiers. `open` numbers may count
    /// nouns; pairs may not.
    fn finish(&self, draft: Draft, open: bool) -> Draft {
        let text = self.text;
        let mut draft = draft;
        self.in_front(&mut draft);
        if draft.quantity.qualifier == Qualifier::Exact {
            if let Some((qualifier, to)) = qualifier_inside(text, draft.end) {
                (draft.quantity.qualifier, draft.end) = (qualifier, to);
            }
        }
        self.currency_or_unit(&mut draft, open);
        if open {
            self.range(&mut draft);
        }
        for _ in 0..3 {
            if !self.behind(&mut draft) {
                break;
            }
        }
        self.further_front(&mut draft);
        draft
    }

    fn currency_or_unit(&self, draft: &mut Draft, open: bool) {
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
    fn tenths_of_price(&self, draft: &mut Draft) {
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
    fn tenths(&self, draft: &mut Draft) {
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
    fn range(&self, draft: &mut Draft) {
        let text = self.text;
        let Value::Number(first) = draft.quantity.value else { return };
        let noun = matches!(draft.quantity.unit, Some(Unit::Noun { .. }));
        let number_end = draft.end;
        if noun {
            return;
        }
        let spaced = text.past_space(number_end);
        let between = self.ends_with(draft.start, "between").is_some();
        let joined = [("-", true), ("~", true), ("至", true), ("到", true)]
            .iter()
            .find_map(|(sign, _)| text.sign(spaced, sign))
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
    fn sign_end(&self, at: usize) -> Option<usize> {
        let signs = CURRENCY_SIGNS.iter().map(|(name, _)| *name).chain(CURRENCY_CODES.iter().copied());
        signs.chain(["¥"]).filter_map(|name| self.text.sign(at, name)).max()
    }

    /// One thing behind the quantity; whether there was one.
    fn behind(&self, draft: &mut Draft) -> bool {
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
    fn in_front(&self, draft: &mut Draft) {
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
    fn further_front(&self, draft: &mut Draft) {
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

    fn qualifier_before(&self, draft: &Draft, near: usize) -> Option<(Qualifier, usize)> {
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
    fn per_before(&self, near: usize) -> Option<(Unit, usize)> {
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

    fn ends_with(&self, end: usize, words: &str) -> Option<usize> {
        self.text.word_before(self.text.before_space(end, self.floor), self.floor, words)
    }

    /// `第2天`, `第三代`.
    fn ordinal(&self, at: usize) -> Option<Draft> {
        let (number, end) = numerals::whole(self.text, at + 1)?;
        let mut draft = Draft::new(at, end, Value::Ordinal(number));
        if let Some((name, to)) = measure(self.text, end).filter(|_| self.text.at(end).is_some_and(is_han)) {
            (draft.quantity.unit, draft.end) = (Some(Unit::Measure(name)), to);
        } else if let Some((name, to)) = classifier(self.text, end) {
            (draft.quantity.unit, draft.end) = (Some(Unit::Classifier(name)), to);
        }
        // `第二件半价` is one offer.
        if let Some(to) = self.text.sign(draft.end, "半价") {
            draft.end = to;
            draft.quantity.discount = true;
        }
        // `第一` alone is a rank, which the list of terms judges; an ordinal counts something.
        (draft.quantity.unit.is_some() || self.text.is_digit(at + 1)).then_some(draft)
    }

    /// `买2送1`, `满200减30`.
    fn bundle(&self, at: usize) -> Option<Draft> {
        let text = self.text;
        let (first, end) = numerals::whole(text, at + 1)?;
        let end = classifier(text, end).map_or(end, |(_, to)| to);
        let end = currency_behind(text, end, self.locale).map_or(end, |(_, to)| to);
        let end = text.at(end).filter(|c| matches!(c, ',' | '，')).map_or(end, |_| end + 1);
        let verbs = [
            ("立减", Link::Off),
            ("减", Link::Off),
            ("返", Link::Off),
            ("送", Link::Free),
            ("赠", Link::Free),
            ("免", Link::Free),
        ];
        let (link, to) = verbs.iter().find_map(|(verb, link)| Some((*link, text.sign(end, verb)?)))?;
        let (second, mut to) = numerals::whole(text, to)?;
        let start = if text.before(at) == Some('每') && at > self.floor { at - 1 } else { at };
        let mut draft = Draft::new(start, to, Value::Pair(first, second, link));
        if let Some((currency, stop)) = currency_behind(text, to, self.locale) {
            draft.quantity.currency = Some(currency);
            to = stop;
        } else if let Some((_, stop)) = classifier(text, to) {
            to = stop;
        }
        if link == Link::Off {
            draft.quantity.currency = Some(Currency("CNY".into()));
        }
        draft.end = to;
        Some(draft)
    }

    /// `buy 2 get 1 free`, whatever stands for the numbers.
    fn english_bundle(&self, at: usize) -> Option<Draft> {
        let text = self.text;
        let number = |at: usize| -> Option<(Number, usize)> {
            numerals::whole(text, at).or_else(|| numerals::english(text, at).map(|(n, end, _)| (n, end)))
        };
        let (first, end) = number(text.past_space(text.word(at, "buy")?))?;
        let end = text.at(end).filter(|c| *c == ',').map_or(end, |_| end + 1);
        let (second, end) = number(text.past_space(text.word(text.past_space(end), "get")?))?;
        let free = text.word(text.past_space(end), "free");
        Some(Draft::new(at, free.unwrap_or(end), Value::Pair(first, second, Link::Free)))
    }

    /// Chinese numerals; they state a quantity only where they carry a unit or make a fraction.
    fn chinese(&mut self, at: usize) -> Option<Draft> {
        let text = self.text;
        if let Some(idiom) = IDIOMS.iter().filter_map(|idiom| text.sign(at, idiom)).max() {
            self.at = idiom;
            return None;
        }
        if text.sign(at, "十分").is_some() && !matches!(text.at(at + 2), Some('钟' | '之')) {
            self.at = at + 2;
            return None;
        }
        if let Some(draft) = self.chinese_date(at).or_else(|| self.chinese_clock(at)) {
            return Some(draft);
        }
        if let Some(to) = text.sign(at, "百分之").or_else(|| text.sign(at, "千分之")) {
            let (number, end) = numerals::whole(text, to)?;
            let mut draft = Draft::new(at, end, Value::Number(number));
            draft.quantity.unit = Some(Unit::Measure(if text.at(at) == Some('百') { "%" } else { "‰" }));
            return Some(self.finish_marked(draft));
        }
        if text.sign(at, "一半").is_some() || text.at(at) == Some('半') {
            let end = at + if text.at(at) == Some('半') { 1 } else { 2 };
            let draft = Draft::new(at, end, Value::Number(Number::fraction(1, 2)?));
            let unit = unit(text, end, true).is_some_and(|(unit, _)| !matches!(unit, Unit::Noun { .. }));
            return (unit || end == at + 2).then(|| self.finish(draft, true));
        }
        let Some((number, end)) = numerals::chinese(text, at) else {
            while text.at(self.at).is_some_and(numerals::is_chinese_numeral) {
                self.at += 1;
            }
            return None;
        };
        if let Some(to) = text.sign(end, "分之") {
            if let Some((upper, stop)) = numerals::whole(text, to) {
                if let Some(part) = upper.divided_by(number) {
                    return Some(self.finish(Draft::new(at, stop, Value::Number(part)), true));
                }
            }
        }
        let inside = qualifier_inside(text, end).map_or(end, |(_, to)| to);
        let money = currency_behind(text, inside, self.locale).is_some();
        let counted = unit(text, inside, false).filter(|(unit, _)| !matches!(unit, Unit::Noun { .. }));
        let bare = text.string(at..end);
        let carries = match (bare.as_str(), &counted) {
            // `一杯刚好`, `一天` say no number; `一年质保` does.
            ("一", Some((Unit::Measure(name), _))) => {
                !matches!(*name, "day" | "night" | "second" | "°C" | "tenth" | "liang")
            }
            ("一", _) => text.sign(end, "元").is_some() || text.sign(end, "块钱").is_some(),
            ("百" | "千" | "万" | "亿", unit) => {
                money || matches!(unit, Some((Unit::Measure("times"), _)))
            }
            (_, unit) => money || unit.is_some(),
        };
        if !carries {
            self.at = end;
            return None;
        }
        if numerals::is_vague_pair(text.slice(at..end)) && text.at(end) != Some('折') {
            let end = counted.map_or(end, |(_, stop)| stop);
            return Some(Draft::new(at, end, Value::Code(text.string(at..end))));
        }
        Some(self.finish(Draft::new(at, end, Value::Number(number)), true))
    }

    /// As [`Self::finish`] for a value that has its unit already.
    fn finish_marked(&self, draft: Draft) -> Draft {
        let mut draft = draft;
        for _ in 0..3 {
            if !self.behind(&mut draft) {
                break;
            }
        }
        self.further_front(&mut draft);
        draft
    }

    /// A Latin word: number words, month names, codes such as `V60`.
    fn word(&mut self, at: usize) -> Option<Draft> {
        let text = self.text;
        let end = text.letters_end(at);
        let begins = self.floor == at || !text.before(at).is_some_and(|c| is_letter(c) || c.is_ascii_digit());
        if begins {
            if let Some(draft) =
                self.month_first(at, end).or_else(|| self.english_bundle(at)).or_else(|| self.words(at))
            {
                return Some(draft);
            }
        }
        if LABELS.contains(&text.string(at..end).as_str())
            && text.at(end).is_some_and(is_space)
            && text.is_digit(end + 1)
        {
            let stop = text.digits_end(end + 1);
            if unit(text, stop, false).is_none() {
                let mut draft = self.code(at, stop);
                draft.quantity.value =
                    Value::Code(text.string(at..draft.end).replace([' ', '\u{A0}'], "").to_lowercase());
                return Some(draft);
            }
        }
        let dashed = text.at(end) == Some('-') && text.is_digit(end + 1) && !self.is_currency(at, end);
        if (text.is_digit(end) && !self.is_currency(at, end)) || dashed {
            return Some(self.code(at, end));
        }
        self.at = end.max(at + 1);
        None
    }

    fn is_currency(&self, at: usize, end: usize) -> bool {
        currency_before(self.text, end, at, self.locale).is_some_and(|(_, start)| start == at)
    }

    fn words(&self, at: usize) -> Option<Draft> {
        let text = self.text;
        let end = text.letters_end(at);
        if let Some((_, to)) = VAGUE_WORDS.iter().find_map(|word| Some(((), text.word(at, word)?))) {
            return Some(Draft::new(at, to, Value::Code(text.string(at..to).to_lowercase())));
        }
        for (word, upper, lower, measure) in PART_WORDS {
            if text.word(at, word) != Some(end) {
                continue;
            }
            // `half a dozen`
            if let Some((whole, to, false)) =
                numerals::english(text, text.past_space(end)).filter(|_| *lower == 2)
            {
                let value = whole.divided_by(Number::whole(2))?;
                return Some(self.finish(Draft::new(at, to, Value::Number(value)), true));
            }
            let mut draft = Draft::new(at, end, Value::Number(Number::fraction(*upper, *lower)?));
            if let Some(name) = measure {
                draft.quantity.unit = Some(Unit::Measure(name));
                return Some(self.finish_marked(draft));
            }
            return Some(self.finish(draft, true));
        }
        let (number, to, bare_one) = numerals::english(text, at)?;
        if bare_one {
            // `one` counts where a measure follows: `one-year warranty`; `one day` is some day.
            let (name, _) = measure(text, to)?;
            if matches!(name, "day" | "night" | "second" | "times" | "bar" | "foot" | "yard") {
                return None;
            }
        }
        Some(self.finish(Draft::new(at, to, Value::Number(number)), true))
    }

    /// `24:00`, `6:30`, `7 pm`, `7:30 a.m.`.
    fn clock(&self, at: usize) -> Option<Draft> {
        let text = self.text;
        let hours = text.digits_end(at);
        let hour: u8 = text.string(at..hours).parse().ok().filter(|hour| *hour <= 24)?;
        let (minute, mut end) = if text.at(hours) == Some(':') {
            let to = text.digits_end(hours + 1);
            if to != hours + 3 || (text.at(to) == Some(':') && text.is_digit(to + 1)) {
                return None;
            }
            (text.string(hours + 1..to).parse().ok().filter(|minute| *minute < 60)?, to)
        } else {
            (0, hours)
        };
        let mut afternoon = None;
        if let Some((half, to)) = self.half_of_day(end).filter(|_| (1..=12).contains(&hour)) {
            (afternoon, end) = (Some(half), to);
        } else if let Some(to) = text.word(text.past_space(end), "o'clock") {
            end = to;
        } else if end == hours {
            return None;
        }
        let mut draft = Draft::new(at, end, Value::Clock { hour, minute, afternoon });
        self.part_of_day(&mut draft);
        Some(draft)
    }

    /// `am`, `p.m.` behind an hour.
    fn half_of_day(&self, end: usize) -> Option<(bool, usize)> {
        let at = self.text.past_space(end);
        [("a.m.", false), ("p.m.", true), ("am", false), ("pm", true)]
            .iter()
            .find_map(|(word, half)| Some((*half, self.text.word(at, word)?)))
    }

    /// `下午3点`, `8点半`, `十点二十分`.
    fn chinese_clock(&self, at: usize) -> Option<Draft> {
        let text = self.text;
        let (hour, end) = numerals::whole(text, at)?;
        let hour = u8::try_from(hour.as_whole()?).ok().filter(|hour| *hour <= 24)?;
        if text.at(end) != Some('点') {
            return None;
        }
        let mut end = end + 1;
        let mut minute = 0;
        let mut sure = false;
        if text.at(end) == Some('半') {
            (minute, end, sure) = (30, end + 1, true);
        } else if let Some(to) = text.sign(end, "钟").or_else(|| text.sign(end, "整")) {
            (end, sure) = (to, true);
        } else if let Some((found, to)) = numerals::whole(text, end) {
            minute = u8::try_from(found.as_whole()?).ok().filter(|minute| *minute < 60)?;
            (end, sure) = (text.sign(to, "分").unwrap_or(to), true);
        }
        let mut draft = Draft::new(at, end, Value::Clock { hour, minute, afternoon: None });
        self.part_of_day(&mut draft);
        let counted = text.at(end).is_some_and(is_han) && draft.start == at && !sure;
        // `3点建议` counts points.
        (!counted).then_some(draft)
    }

    fn part_of_day(&self, draft: &mut Draft) {
        let Value::Clock { hour, afternoon, .. } = &mut draft.quantity.value else { return };
        let found = DAY_PARTS
            .iter()
            .filter_map(|(word, half)| Some((*half, self.text.word_before(draft.start, self.floor, word)?)))
            .min_by_key(|(_, start)| *start);
        if let Some((half, start)) = found {
            // After midnight people still say 夜里.
            *afternoon = Some(half && !(*hour < 5 && self.text.string(start..draft.start).contains('夜')));
            draft.start = start;
        }
    }

    fn date(&self, at: usize) -> Option<Draft> {
        let text = self.text;
        if let Some(draft) = self.chinese_date(at) {
            return Some(draft);
        }
        let first_end = text.digits_end(at);
        let first: u16 = text.string(at..first_end).parse().ok()?;
        for mark in ['-', '/', '.'] {
            let second_end = text.digits_end(first_end + 1);
            if text.at(first_end) != Some(mark)
                || second_end == first_end + 1
                || text.at(second_end) != Some(mark)
            {
                continue;
            }
            let third_end = text.digits_end(second_end + 1);
            let second: u16 = text.string(first_end + 1..second_end).parse().ok()?;
            let third: u16 = text.string(second_end + 1..third_end).parse().ok()?;
            let (year, month, day) = if (1900..2100).contains(&first) {
                (first, second, third)
            } else if (1900..2100).contains(&third) {
                if first > 12 { (third, second, first) } else { (third, first, second) }
            } else {
                return None;
            };
            return Some(Draft::new(at, third_end, date(Some(year), Some(month), Some(day))?));
        }
        self.day_first(at, first, first_end).or_else(|| self.year(at, first, first_end))
    }

    /// `2026年6月18日`, `6月18日`, `十月`, `2014年`.
    fn chinese_date(&self, at: usize) -> Option<Draft> {
        let text = self.text;
        let part = |at: usize, sign: char| -> Option<(u16, usize)> {
            let (number, end) = numerals::whole(text, at)?;
            (text.at(end) == Some(sign)).then_some(())?;
            Some((u16::try_from(number.as_whole()?).ok()?, end + 1))
        };
        let year = part(at, '年').filter(|(year, _)| (1900..2100).contains(year));
        let from = year.map_or(at, |(_, end)| end);
        let month = part(from, '月').filter(|(month, _)| (1..=12).contains(month));
        let (month, after) = match (year, month) {
            (_, Some((month, end))) => (Some(month), end),
            (Some((_, end)), None) => (None, end),
            (None, None) => return None,
        };
        let day = month
            .and_then(|_| part(after, '日').or_else(|| part(after, '号')))
            .filter(|(day, _)| (1..=31).contains(day));
        let end = day.map_or(after, |(_, end)| end);
        Some(Draft::new(at, end, date(year.map(|(year, _)| year), month, day.map(|(day, _)| day))?))
    }

    fn month_name(&self, at: usize) -> Option<(u16, usize)> {
        MONTHS.iter().zip(1..).find_map(|((long, short), number)| {
            let end = [*long, *short].iter().find_map(|name| {
                let end = self.text.sign(at, name)?;
                (!self.text.at(end).is_some_and(is_letter)).then_some(end)
            })?;
            Some((number, end))
        })
    }

    /// `May 5, 2026`, `June 2026`.
    fn month_first(&self, at: usize, end: usize) -> Option<Draft> {
        let text = self.text;
        let (month, stop) = self.month_name(at).filter(|(_, stop)| *stop == end)?;
        let stop = text.at(stop).filter(|c| *c == '.').map_or(stop, |_| stop + 1);
        let number = text.past_space(stop);
        let to = text.digits_end(number);
        let value: u16 = text.string(number..to).parse().ok()?;
        if number == stop || text.at(to).is_some_and(|c| matches!(c, '%' | ':')) {
            return None;
        }
        if (1900..2100).contains(&value) {
            return Some(Draft::new(at, to, date(Some(value), Some(month), None)?));
        }
        let to = if self.is_ordinal(to) { to + 2 } else { to };
        let (year, to) = self.year_behind(to);
        Some(Draft::new(at, to, date(year, Some(month), Some(value))?))
    }

    /// `5 May 2026`, `1st of June`.
    fn day_first(&self, at: usize, day: u16, end: usize) -> Option<Draft> {
        let text = self.text;
        let end = if self.is_ordinal(end) { end + 2 } else { end };
        let name = text.past_space(end);
        let name = text.word(name, "of").map_or(name, |of| text.past_space(of));
        let (month, to) = self.month_name(name).filter(|_| name > end)?;
        let (year, to) = self.year_behind(to);
        Some(Draft::new(at, to, date(year, Some(month), Some(day))?))
    }

    fn year_behind(&self, end: usize) -> (Option<u16>, usize) {
        let text = self.text;
        let at = text.past_space(text.at(end).filter(|c| *c == ',').map_or(end, |_| end + 1));
        let to = text.digits_end(at);
        let year = text.string(at..to).parse().ok().filter(|year| at > end && (1900..2100).contains(year));
        year.map_or((None, end), |year| (Some(year), to))
    }

    /// A year: four digits behind `since`, `in` and the like, with nothing counted.
    fn year(&self, at: usize, year: u16, end: usize) -> Option<Draft> {
        let text = self.text;
        let before = ["since", "in", "by", "until", "from", "for", "©", "自", "于", "从"];
        let introduced = before.iter().any(|word| self.ends_with(at, word).is_some());
        let counted = unit(text, end, false).is_some() || qualifier_inside(text, end).is_some();
        let goes_on = text.at(end).is_some_and(|c| {
            is_letter(c) || (matches!(c, ',' | '.' | '/' | ':' | '-') && text.is_digit(end + 1))
        });
        let fits = introduced && end == at + 4 && (1900..2100).contains(&year) && !counted && !goes_on;
        let money = currency_behind(text, end, self.locale).is_some()
            || magnitude(text, end, self.locale, false).is_some();
        (fits && !money)
            .then(|| date(Some(year), None, None))
            .flatten()
            .map(|value| Draft::new(at, end, value))
    }
}

/// Whether a value is a part of something, which counts one noun: `1/2 price`.
fn is_part(value: &Value) -> bool {
    matches!(value, Value::Number(number) if number.as_whole().is_none())
}

fn negate(value: &mut Value) {
    match value {
        Value::Number(number) | Value::Range(number, _) => *number = number.negated(),
        _ => {}
    }
}

fn date(year: Option<u16>, month: Option<u16>, day: Option<u16>) -> Option<Value> {
    let small = |number: Option<u16>, most: u16| match number {
        None => Some(None),
        Some(number) if (1..=most).contains(&number) => Some(u8::try_from(number).ok()),
        Some(_) => None,
    };
    Some(Value::Date { year, month: small(month, 12)?, day: small(day, 31)? })
}
