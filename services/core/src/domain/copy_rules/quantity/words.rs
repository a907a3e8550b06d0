//! Numbers in words, Chinese numerals, orders and bundles.

use spotwright_schemas::wording::is_han;

use super::read::{Draft, Reader};
use super::scan::{is_letter, is_space};
use super::suffix::{classifier, currency_before, currency_behind, measure, qualifier_inside, unit};
use super::tables::{IDIOMS, LABELS, PART_WORDS, VAGUE_WORDS};
use super::{Currency, Link, Number, Unit, Value, numerals};

impl Reader<'_> {
    /// `几百`, `数千`, `上万`: a count that names no number.
    pub(super) fn vague(&self, at: usize) -> Option<Draft> {
        let text = self.text;
        let mut end = at + 1;
        while text.at(end).is_some_and(|c| "十百千万亿".contains(c)) {
            end += 1;
        }
        let above = text.at(at) == Some('上') && text.before(at) == Some('以');
        let (_, end) = classifier(text, end).filter(|_| end > at + 1 && !above)?;
        Some(Draft::new(at, end, Value::Code(text.string(at..end))))
    }

    /// `第2天`, `第三代`.
    pub(super) fn ordinal(&self, at: usize) -> Option<Draft> {
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
    pub(super) fn bundle(&self, at: usize) -> Option<Draft> {
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
    pub(super) fn english_bundle(&self, at: usize) -> Option<Draft> {
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
    pub(super) fn chinese(&mut self, at: usize) -> Option<Draft> {
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

    /// A Latin word: number words, month names, codes such as `V60`.
    pub(super) fn word(&mut self, at: usize) -> Option<Draft> {
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

    pub(super) fn is_currency(&self, at: usize, end: usize) -> bool {
        currency_before(self.text, end, at, self.locale).is_some_and(|(_, start)| start == at)
    }

    pub(super) fn words(&self, at: usize) -> Option<Draft> {
        let text = self.text;
        let end = text.letters_end(at);
        if let Some(((), to)) = VAGUE_WORDS.iter().find_map(|word| Some(((), text.word(at, word)?))) {
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
}
