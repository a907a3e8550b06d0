//! Which rules a text may concern at all, found in one pass over it.
//!
//! Of each pattern the words are known one of which every text has that it finds anything in. All of
//! them are looked for at once; only patterns whose words stand in the text are tried.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::pack::Pack;

/// Most words by which one pattern is known; with more, it is tried on every text.
const MOST_WORDS: usize = 4000;

/// Most characters of a class that is read as so many words.
const MOST_CHARS: usize = 64;

/// The words of all patterns.
#[derive(Debug)]
pub(super) struct Gate {
    finder: AhoCorasick,
    /// For each word the slots that it opens.
    opens: Vec<Vec<usize>>,
    /// Slots that are always open.
    always: Vec<usize>,
    slots: usize,
}

impl Gate {
    /// Numbers the patterns and rules of the packs and gathers their words.
    ///
    /// # Errors
    /// What is wrong with a pattern, in words.
    pub(super) fn new(packs: &mut [Pack]) -> Result<Self, String> {
        let mut words: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let (mut always, mut slots) = (Vec::new(), 0);
        for rule in packs.iter_mut().flat_map(|pack| &mut pack.rules) {
            for pattern in &mut rule.patterns {
                let tree = pattern.tree().map_err(|error| format!("{}: {error}", rule.id))?;
                pattern.set_slot(slots);
                match needles(&tree).filter(|found| found.len() <= MOST_WORDS) {
                    Some(found) => {
                        for word in found {
                            words.entry(word).or_default().push(slots);
                        }
                    }
                    None => always.push(slots),
                }
                slots += 1;
            }
            rule.slot = slots;
            for term in &rule.table {
                words.entry(term.text.to_owned()).or_default().push(slots);
            }
            slots += 1;
        }
        let finder = AhoCorasick::new(words.keys()).map_err(|error| error.to_string())?;
        Ok(Self { finder, opens: words.into_values().collect(), always, slots })
    }

    /// For each slot whether it may concern the text.
    pub(super) fn wanted(&self, text: &str) -> Vec<bool> {
        let mut wanted = vec![false; self.slots];
        for slot in &self.always {
            wanted[*slot] = true;
        }
        for found in self.finder.find_overlapping_iter(text) {
            for slot in &self.opens[found.pattern().as_usize()] {
                wanted[*slot] = true;
            }
        }
        wanted
    }
}

/// Words one of which stands in every text that matches; `None` where there are no such words.
fn needles(tree: &Hir) -> Option<Vec<String>> {
    match tree.kind() {
        HirKind::Literal(literal) => Some(vec![String::from_utf8(literal.0.to_vec()).ok()?]),
        HirKind::Class(Class::Unicode(class)) => {
            let count: usize = class
                .iter()
                .map(|range| (range.end() as usize + 1).saturating_sub(range.start() as usize))
                .sum();
            let chars = class.iter().flat_map(|range| range.start()..=range.end());
            (count > 0 && count <= MOST_CHARS).then(|| chars.map(String::from).collect())
        }
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(Class::Bytes(_)) => None,
        HirKind::Repetition(repetition) if repetition.min > 0 => needles(&repetition.sub),
        HirKind::Repetition(_) => None,
        HirKind::Capture(capture) => needles(&capture.sub),
        HirKind::Concat(parts) => parts.iter().filter_map(needles).max_by_key(|words| worth(words)),
        HirKind::Alternation(parts) => {
            let each: Option<Vec<Vec<String>>> = parts.iter().map(needles).collect();
            each.map(|words| words.into_iter().flatten().collect())
        }
    }
}

/// How much a list of words tells: long words first, then few of them.
fn worth(words: &[String]) -> (usize, std::cmp::Reverse<usize>) {
    const ENOUGH: usize = 6;
    let shortest = words.iter().map(String::len).min().unwrap_or_default();
    (shortest.min(ENOUGH), std::cmp::Reverse(words.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(pattern: &str) -> Option<Vec<String>> {
        let mut found = needles(&regex_syntax::parse(pattern).unwrap())?;
        found.sort();
        Some(found)
    }

    #[test]
    fn a_pattern_is_known_by_its_most_telling_words() {
        assert_eq!(words(r"[^,]{0,4}金奖").unwrap(), ["金奖"]);
        assert_eq!(words(r"(?:cure|heal)s? (?:a )?cold").unwrap(), ["cold"]);
        assert_eq!(words(r"(?:最|第一)[^,]{0,2}").unwrap(), ["最", "第一"]);
        assert_eq!(words(r"[胖丑]成").unwrap(), ["成"]);
    }

    #[test]
    fn a_pattern_without_words_is_tried_on_every_text() {
        assert_eq!(words(r"\d+|金奖"), None);
        assert_eq!(words(r"(?:金奖)?"), None);
        assert_eq!(words(r"[^。]{3,60}"), None);
    }
}
