//! Times of day and dates, of both languages and of numbers alone.

use spotwright_schemas::Locale;
use spotwright_schemas::wording::is_han;

use super::read::{Draft, Reader};
use super::scan::is_letter;
use super::suffix::{currency_behind, magnitude, qualifier_inside, unit};
use super::tables::{DAY_PARTS, MONTHS};
use super::{Value, numerals};

impl Reader<'_> {
    /// `24:00`, `6:30`, `7 pm`, `7:30 a.m.`.
    pub(super) fn clock(&self, at: usize) -> Option<Draft> {
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
    pub(super) fn half_of_day(&self, end: usize) -> Option<(bool, usize)> {
        let at = self.text.past_space(end);
        [("a.m.", false), ("p.m.", true), ("am", false), ("pm", true)]
            .iter()
            .find_map(|(word, half)| Some((*half, self.text.word(at, word)?)))
    }

    /// `下午3点`, `8点半`, `十点二十分`.
    pub(super) fn chinese_clock(&self, at: usize) -> Option<Draft> {
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

    pub(super) fn part_of_day(&self, draft: &mut Draft) {
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

    pub(super) fn date(&self, at: usize) -> Option<Draft> {
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
                let day_first = first > 12 || (self.locale == Locale::EnGb && second <= 12);
                if day_first { (third, second, first) } else { (third, first, second) }
            } else {
                return None;
            };
            return Some(Draft::new(at, third_end, date(Some(year), Some(month), Some(day))?));
        }
        self.day_first(at, first, first_end).or_else(|| self.year(at, first, first_end))
    }

    /// `2026年6月18日`, `6月18日`, `十月`, `2014年`.
    pub(super) fn chinese_date(&self, at: usize) -> Option<Draft> {
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

    pub(super) fn month_name(&self, at: usize) -> Option<(u16, usize)> {
        MONTHS.iter().zip(1..).find_map(|((long, short), number)| {
            let end = [*long, *short].iter().find_map(|name| {
                let end = self.text.sign(at, name)?;
                (!self.text.at(end).is_some_and(is_letter)).then_some(end)
            })?;
            Some((number, end))
        })
    }

    /// `May 5, 2026`, `June 2026`.
    pub(super) fn month_first(&self, at: usize, end: usize) -> Option<Draft> {
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
    pub(super) fn day_first(&self, at: usize, day: u16, end: usize) -> Option<Draft> {
        let text = self.text;
        let end = if self.is_ordinal(end) { end + 2 } else { end };
        let name = text.past_space(end);
        let name = text.word(name, "of").map_or(name, |of| text.past_space(of));
        let (month, to) = self.month_name(name).filter(|_| name > end)?;
        let (year, to) = self.year_behind(to);
        Some(Draft::new(at, to, date(year, Some(month), Some(day))?))
    }

    pub(super) fn year_behind(&self, end: usize) -> (Option<u16>, usize) {
        let text = self.text;
        let at = text.past_space(text.at(end).filter(|c| *c == ',').map_or(end, |_| end + 1));
        let to = text.digits_end(at);
        let year = text.string(at..to).parse().ok().filter(|year| at > end && (1900..2100).contains(year));
        year.map_or((None, end), |year| (Some(year), to))
    }

    /// A year: four digits behind `since`, `in` and the like, with nothing counted.
    pub(super) fn year(&self, at: usize, year: u16, end: usize) -> Option<Draft> {
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

fn date(year: Option<u16>, month: Option<u16>, day: Option<u16>) -> Option<Value> {
    let small = |number: Option<u16>, most: u16| match number {
        None => Some(None),
        Some(number) if (1..=most).contains(&number) => Some(u8::try_from(number).ok()),
        Some(_) => None,
    };
    Some(Value::Date { year, month: small(month, 12)?, day: small(day, 31)? })
}
