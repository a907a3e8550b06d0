//! The reader: finds where a number begins and takes in what belongs to it on both sides.

use std::ops::Range;

use spotwright_schemas::Locale;
use spotwright_schemas::wording::is_han;

use super::numerals::Digits;
use super::scan::{Text, is_letter};
use super::suffix::{currency_before, currency_behind, magnitude, measure, qualifier_inside, unit};
use super::{Currency, Link, Number, Qualifier, Quantity, Value, numerals};

/// Walks over a text and gives its quantities.
pub(super) struct Reader<'a> {
    pub(super) text: &'a Text,
    pub(super) locale: Locale,
    /// Where the next number is looked for.
    pub(super) at: usize,
    /// The end of the last quantity: nothing before it belongs to the next one.
    pub(super) floor: usize,
}

/// A quantity under construction, in characters.
pub(super) struct Draft {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) quantity: Quantity,
}

impl Draft {
    pub(super) const fn new(start: usize, end: usize, value: Value) -> Self {
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
    pub(super) fn read(&mut self) -> Option<Draft> {
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

    #[expect(clippy::wrong_self_convention, reason = "reads from the digits at a place")]
    pub(super) fn from_digits(&self, at: usize) -> Draft {
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
    pub(super) fn is_chain(&self, end: usize) -> bool {
        let text = self.text;
        let dashed = |from: usize| text.at(from) == Some('-') && text.is_digit(from + 1);
        if dashed(end) {
            return dashed(text.digits_end(end + 1));
        }
        // `3-in-1`
        if text.at(end) == Some('-') && text.word(end + 1, "in").is_some_and(dashed) {
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

    pub(super) fn is_ordinal(&self, end: usize) -> bool {
        ["st", "nd", "rd", "th"].iter().any(|ending| self.text.word(end, ending).is_some())
    }

    /// The whole run of letters, digits and hyphens around `start..end`.
    pub(super) fn code(&self, start: usize, end: usize) -> Draft {
        let text = self.text;
        let part = |c: char| is_letter(c) || c.is_ascii_digit();
        let mut end = end;
        loop {
            match text.at(end) {
                Some(c) if part(c) => end += 1,
                Some('-' | '.' | '/' | ':')
                    if text.at(end + 1).is_some_and(part) && text.is_digit(end + 1) =>
                {
                    end += 1;
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

    pub(super) fn currency_in_front(&self, at: usize) -> Option<(Currency, usize)> {
        let near = self.text.before_space(at, self.floor);
        currency_before(self.text, near, self.floor, self.locale).or_else(|| {
            let sign = self.text.before(at).filter(|c| *c == '-').and_then(|_| at.checked_sub(1))?;
            (sign > self.floor).then(|| currency_before(self.text, sign, self.floor, self.locale)).flatten()
        })
    }

    /// A number in digits with pairs, ranges and everything behind it.
    pub(super) fn number(&self, start: usize, number: Number, end: usize, money: bool) -> Draft {
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
    pub(super) fn pair(&self, start: usize, first: Number, end: usize) -> Option<Draft> {
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

    pub(super) fn code_of(&self, start: usize, end: usize) -> Draft {
        let text = self.text;
        let mut end = end;
        while text.at(end).is_some_and(|c| matches!(c, '/' | ':' | '×' | 'x')) && text.is_digit(end + 1) {
            end = text.digits_end(end + 1);
        }
        Draft::new(start, end, Value::Code(text.string(start..end).to_lowercase()))
    }

    /// Takes in currency, unit, range, per-what, discount and qualifiers. `open` numbers may count
    /// nouns; pairs may not.
    pub(super) fn finish(&self, draft: Draft, open: bool) -> Draft {
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

    /// As [`Self::finish`] for a value that has its unit already.
    pub(super) fn finish_marked(&self, draft: Draft) -> Draft {
        let mut draft = draft;
        for _ in 0..3 {
            if !self.behind(&mut draft) {
                break;
            }
        }
        self.further_front(&mut draft);
        draft
    }
}
