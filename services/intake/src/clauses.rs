//! Parts of sentences: where a value stands, what limits it there, and whether it is a clause of its own.

use std::ops::Range;

use crate::text::sentences;

/// The whole sentences of a line that a part of it touches.
pub(crate) fn whole(line: &str, part: &Range<usize>) -> Range<usize> {
    let spans = sentences(line);
    let touched = || spans.iter().filter(|span| span.start < part.end && part.start < span.end);
    let start = touched().next().map_or(part.start, |span| span.start);
    let end = touched().next_back().map_or(part.end, |span| span.end);
    start.min(part.start)..end.max(part.end)
}

/// Where a text stands in a sentence, beginning and ending where words do.
pub(crate) fn word_at(sentence: &str, text: &str) -> Option<Range<usize>> {
    let is_latin = |c: char| c.is_alphanumeric() && !('\u{3400}'..='\u{9FFF}').contains(&c);
    sentence.match_indices(text).map(|(at, _)| at..at + text.len()).find(|span| {
        let before = sentence.get(..span.start).and_then(|lead| lead.chars().next_back());
        let after = sentence.get(span.end..).and_then(|rest| rest.chars().next());
        let (first, last) = (text.chars().next(), text.chars().next_back());
        let splits = |outer: Option<char>, inner: Option<char>| {
            outer.is_some_and(is_latin) && inner.is_some_and(is_latin)
        };
        // `1.5` is not `5`, and `12,000` is not `12`.
        let cuts_number = |outer: Option<char>, inner: Option<char>| {
            outer.is_some_and(|c| matches!(c, '.' | ',' | '-' | '–' | '/' | '~'))
                && inner.is_some_and(|c| c.is_ascii_digit())
        };
        let behind_mark = sentence.get(span.end..).and_then(|rest| rest.chars().nth(1));
        let before_mark = sentence.get(..span.start).and_then(|lead| lead.chars().rev().nth(1));
        let cuts = (cuts_number(after, last) && behind_mark.is_some_and(|c| c.is_ascii_digit()))
            || (cuts_number(before, first) && before_mark.is_some_and(|c| c.is_ascii_digit()));
        !splits(before, first) && !splits(after, last) && !cuts
    })
}

/// Words that deny or limit what stands beside them.
const LIMITS: &[&str] = &[
    "not",
    "no",
    "never",
    "without",
    "cannot",
    "can't",
    "don't",
    "doesn't",
    "isn't",
    "aren't",
    "won't",
    "if",
    "when",
    "unless",
    "until",
    "only",
    "except",
    "up to",
    "from",
    "almost",
    "nearly",
    "about",
    "selected",
    "may",
    "might",
    "at least",
    "at most",
    "starting",
    "requires",
    "sold separately",
    "optional",
    "不",
    "没",
    "未",
    "无法",
    "非",
    "别",
    "仅",
    "只",
    "如果",
    "若",
    "除",
    "以内",
    "最高",
    "最多",
    "至多",
    "起",
    "部分",
    "可能",
    "约",
    "近",
    "满",
    "限",
    "需",
    "另购",
    "选配",
];

/// Whether a sentence holds a word beside `span` that denies or limits.
pub(crate) fn left_out(sentence: &str, span: &Range<usize>) -> bool {
    let outside = format!(
        "{} \u{0} {}",
        sentence.get(..span.start).unwrap_or_default(),
        sentence.get(span.end..).unwrap_or_default()
    )
    .to_lowercase();
    LIMITS.iter().any(|word| {
        let is_latin = word.starts_with(|c: char| c.is_ascii_alphabetic());
        outside.match_indices(word).any(|(at, _)| {
            let before = outside.get(..at).and_then(|lead| lead.chars().next_back());
            let after = outside.get(at + word.len()..).and_then(|rest| rest.chars().next());
            let joins = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
            !is_latin || (!joins(before) && !joins(after))
        })
    })
}

/// Whether a part of a sentence is one clause or several, whole.
pub(crate) fn is_whole_clause(sentence: &str, span: &Range<usize>) -> bool {
    let joints = ["and", "or"];
    let is_mark = |c: char| {
        ['，', '；', ',', ';', '–', '—', '：', ':', '(', ')', '（', '）', '、', '。', '.', '!', '！']
            .contains(&c)
    };
    let lead = sentence.get(..span.start).unwrap_or_default().trim_end();
    let rest = sentence.get(span.end..).unwrap_or_default().trim_start();
    let last_word = lead.rsplit(' ').next().unwrap_or_default().to_lowercase();
    let first_word = rest.split(' ').next().unwrap_or_default().to_lowercase();
    let begins = lead.is_empty() || lead.ends_with(is_mark) || joints.contains(&last_word.as_str());
    let ends = rest.is_empty() || rest.starts_with(is_mark) || joints.contains(&first_word.as_str());
    begins && ends
}
