//! Values that a YAML comment cuts short or swallows. The text is well-formed then, and says less than its
//! author wrote: `Voted #1 lid` is `Voted`, and `#22313F` is nothing.

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

use crate::error::{Code, Problem};

/// Fields whose text people read: there, `# 1` beside an unquoted value is as likely a rank as a comment.
const READ_BY_PEOPLE: [&str; 10] = [
    "text",
    "name",
    "category",
    "alt",
    "description",
    "source",
    "quote",
    "disclaimer",
    "licence",
    "banned_words",
];

/// Longest part of a comment or value that is repeated, in characters.
const QUOTED: usize = 60;

/// A mapping or sequence that is open.
struct Level {
    is_mapping: bool,
    is_flow: bool,
    /// The key that waits for its value, or had it last.
    key: String,
    key_column: usize,
    /// Whether the next node is a value.
    waiting: bool,
    index: usize,
}

/// An unquoted value.
struct Plain {
    text: String,
    last_line: usize,
    path: String,
    read_by_people: bool,
    key_column: usize,
}

/// A comment where a value was to be expected.
struct Swallowed {
    line: usize,
    text: String,
    path: String,
    is_flow: bool,
}

impl Swallowed {
    /// Whether it is a value rather than a remark about one that is left empty.
    fn is_meant(&self) -> bool {
        is_tight(&self.text) || is_rank(&self.text)
    }
}

struct Walk<'a> {
    lines: Vec<&'a str>,
    levels: Vec<Level>,
    plain: Option<Plain>,
    /// The path of an empty value that was read last.
    empty: Option<String>,
    swallowed: Option<Swallowed>,
}

/// The first value that a comment cuts or swallows.
pub(super) fn cut_value(text: &str) -> Option<Problem> {
    if !text.contains('#') {
        return None;
    }
    let lines = text.lines().collect();
    let mut walk = Walk { lines, levels: Vec::new(), plain: None, empty: None, swallowed: None };
    for next in Parser::new_from_str(text) {
        let Ok((event, span)) = next else {
            // The text is broken, perhaps because the end of a line is missing.
            return walk
                .swallowed
                .filter(Swallowed::is_meant)
                .or_else(|| in_broken_text(text))
                .map(swallowed);
        };
        let found = match event {
            Event::Comment(comment, _) => walk.comment(&comment, span.start.line(), span.start.col()),
            Event::Scalar(value, style, ..) => {
                let is_plain = style == ScalarStyle::Plain;
                let source = span.slice(text).unwrap_or_default().trim_end();
                // The parser gives `~` for a value that is not there.
                let value = if is_plain && source.is_empty() { "" } else { &value };
                let found = walk.swallowed.take().filter(|_| is_plain && value.is_empty());
                let last_line = span.start.line() + source.matches('\n').count();
                walk.scalar(value, is_plain, span.start.col(), last_line);
                found.filter(Swallowed::is_meant).map(swallowed)
            }
            Event::MappingStart(style, ..) => {
                walk.open(true, style);
                None
            }
            Event::SequenceStart(style, ..) => {
                walk.open(false, style);
                None
            }
            Event::MappingEnd | Event::SequenceEnd => {
                walk.levels.pop();
                walk.end_of_value();
                None
            }
            Event::Alias(_) => {
                walk.end_of_value();
                None
            }
            _ => None,
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

impl Walk<'_> {
    fn comment(&mut self, comment: &str, line: usize, column: usize) -> Option<Problem> {
        let whole = self.lines.get(line.checked_sub(1)?)?;
        let before: String = whole.chars().take(column).collect();
        let before = before.trim();
        let is_flow = self.levels.last().is_some_and(|level| level.is_flow);
        if let Some(plain) = &self.plain {
            let ended = before.is_empty() || is_flow && before.ends_with([',', ':', ']', '}']);
            let beside = !ended && plain.last_line == line;
            // A line further in than its key would go on with the value.
            let below = before.is_empty() && plain.last_line + 1 == line && column > plain.key_column;
            let loose = plain.read_by_people && (is_rank(comment) || comment.trim().is_empty());
            if (beside && (is_tight(comment) || loose))
                || (below && plain.read_by_people && is_tight(comment))
            {
                return Some(cut(plain, comment, line));
            }
        }
        let empty = self.empty.take();
        if before.ends_with([':', '-', ',', '[', '{', '?']) {
            let path = empty.clone().unwrap_or_else(|| self.path());
            let swallows = Swallowed { line, text: comment.to_owned(), path, is_flow };
            let at_once = empty.is_some() || is_flow && before.ends_with(':') && is_tight(comment);
            if at_once && swallows.is_meant() {
                return Some(swallowed(swallows));
            }
            self.swallowed = Some(swallows);
        }
        None
    }

    fn scalar(&mut self, value: &str, is_plain: bool, column: usize, last_line: usize) {
        if let Some(level) = self.levels.last_mut().filter(|level| level.is_mapping && !level.waiting) {
            value.clone_into(&mut level.key);
            (level.key_column, level.waiting) = (column, true);
            (self.plain, self.empty) = (None, None);
            return;
        }
        let path = self.path();
        let keyed = self.levels.iter().rev().find(|level| level.is_mapping);
        let plain = Plain {
            text: value.to_owned(),
            last_line,
            path,
            read_by_people: keyed.is_some_and(|level| READ_BY_PEOPLE.contains(&level.key.as_str())),
            key_column: keyed.map_or(0, |level| level.key_column),
        };
        self.end_of_value();
        let is_empty = value.is_empty();
        self.empty = (is_plain && is_empty).then(|| plain.path.clone());
        self.plain = (is_plain && !is_empty).then_some(plain);
    }

    fn open(&mut self, is_mapping: bool, style: StructureStyle) {
        (self.plain, self.empty, self.swallowed) = (None, None, None);
        let is_flow = style == StructureStyle::Flow;
        self.levels.push(Level {
            is_mapping,
            is_flow,
            key: String::new(),
            key_column: 0,
            waiting: false,
            index: 0,
        });
    }

    fn end_of_value(&mut self) {
        (self.plain, self.empty) = (None, None);
        if let Some(level) = self.levels.last_mut() {
            level.waiting = false;
            level.index += 1;
        }
    }

    /// The path of the value that is read now.
    fn path(&self) -> String {
        let mut path = String::new();
        for level in &self.levels {
            if !level.is_mapping {
                path.push_str(&format!("[{}]", level.index));
            } else if level.waiting {
                super::reading::push_field(&mut path, &level.key);
            }
        }
        path
    }
}

/// Whether what follows the `#` stands right behind it, as in `#1` and `#22313F`.
fn is_tight(comment: &str) -> bool {
    comment.starts_with(|c: char| !c.is_whitespace() && c != '#')
}

/// Whether what follows the `#` begins with a number, as in `# 1`.
fn is_rank(comment: &str) -> bool {
    comment.trim_start().starts_with(|c: char| c.is_ascii_digit())
}

/// A comment that may have swallowed the end of a list or mapping in brackets.
fn in_broken_text(text: &str) -> Option<Swallowed> {
    text.lines().enumerate().find_map(|(idx, line)| {
        let (at, _) = line.match_indices(" #").find(|(at, _)| {
            let before = &line[..*at];
            let open = before.matches(['{', '[']).count() > before.matches(['}', ']']).count();
            let outside = before.matches('"').count() % 2 == 0 && before.matches('\'').count() % 2 == 0;
            (open || before.trim_end().ends_with(':')) && outside && is_tight(&line[at + 2..])
        })?;
        let text = line[at + 2..].to_owned();
        Some(Swallowed { line: idx + 1, text, path: String::new(), is_flow: true })
    })
}

/// The beginning of a text in one line.
fn short(text: &str) -> String {
    let one_line = |c: char| if c.is_control() { ' ' } else { c };
    text.trim_end().chars().map(one_line).take(QUOTED).collect()
}

fn cut(plain: &Plain, comment: &str, line: usize) -> Problem {
    let meant = serde_json::Value::String(format!("{} #{}", short(&plain.text), short(comment)));
    let message = format!(
        "line {line}: a `#` behind a space begins a comment, so only `{}` is left; put the value in quotes: {meant}",
        short(&plain.text)
    );
    Problem::new(Code::BriefComment, plain.path.as_str(), message)
}

fn swallowed(comment: Swallowed) -> Problem {
    let Swallowed { line, text, path, is_flow } = comment;
    let value = if is_flow { text.split([',', '}', ']']).next().unwrap_or_default() } else { &text };
    let meant = serde_json::Value::String(format!("#{}", short(value)));
    let message = format!(
        "line {line}: a `#` behind a space begins a comment, so the value is missing; put it in quotes: {meant}"
    );
    Problem::new(Code::BriefComment, path, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_a_comment_cuts_is_named_with_line_and_cure() {
        for (text, line, field, cure) in [
            ("a: 1\ntext: Voted #1 lid\n", 2, "text", "\"Voted #1 lid\""),
            ("facts:\n  - id: x\n    text: Voted #1 lid\n", 3, "facts[0].text", "\"Voted #1 lid\""),
            ("facts:\n  - id: x\n  - id: y\n    text: Ranked # 1\n", 4, "facts[1].text", "\"Ranked # 1\""),
            ("text: Written in C #\n", 1, "text", "\"Written in C #\""),
            ("text: Two lines of it,\n  voted #1\n", 2, "text", "voted #1\""),
            ("text: Voted\n  #1 in taste\n", 2, "text", "\"Voted #1 in taste\""),
            ("text: #1 lid\nid: x\n", 1, "text", "\"#1 lid\""),
            ("text: # 1 lid\nid: x\n", 1, "text", "\"# 1 lid\""),
            ("text: # 1 lid\n", 1, "text", "\"# 1 lid\""),
            ("colors:\n  primary: #22313F\n  accent: \"#F2B544\"\n", 2, "colors.primary", "\"#22313F\""),
            ("colors: { primary: #22313F, accent: #F2B544 }\ntone: plain\n", 1, "*", "#22313F"),
            ("colors: {\n  primary: #22313F,\n  accent: #F2B544 }\n", 2, "*", "#22313F"),
            ("banned_words:\n  - a\n  - #ad\n", 3, "banned_words[1]", "\"#ad\""),
            ("banned_words: [cheap #ad]\n", 1, "*", "ad"),
            ("名: 值 #一\n", 1, "名", "\"值 #一\""),
        ] {
            let problem = cut_value(text).unwrap_or_else(|| unreachable!("{text}"));
            assert_eq!(problem.code, Code::BriefComment, "{text}");
            assert!(field == "*" || problem.field == field, "{text}: {problem}");
            assert!(problem.message.starts_with(&format!("line {line}: ")), "{text}: {problem}");
            assert!(problem.message.contains(cure), "{text}: {problem}");
        }
    }

    #[test]
    fn comments_that_are_meant_as_such_stay_comments() {
        for text in [
            "# a brief\nid: x # short\nlocale: en-US  # where\n",
            "id: x # 2 letters\nages: [25, 45] # 18 and more\n",
            "text: \"Voted #1 lid\" #1 for years\n",
            "text: 'Voted #1 lid' # approved\n",
            "text: Stays warm # seen in the test\n",
            "text: C#sharp and a#b\nurl: https://example.com/#top\n",
            "text: >\n  Voted #1 lid\n  #2 of two\nid: x\n",
            "text: | # folded\n  #1\nid: x\n",
            "colors: # of the brand\n  primary: \"#22313F\"\n",
            "colors: #brand\n  primary: \"#22313F\"\n",
            "facts:\n  - id: x\n    text: Warm\n    #kind: proof\n    kind: benefit\n#  - id: y\n",
            "facts: # three\n  # the first\n  - id: x\n",
            "text: Warm ## checked\n",
            "list: [a, # first\n  b]\n",
            "banned_words: [cheap, # 1 of many\n  b]\n",
            "disclaimer: # none yet\nid: x\n",
        ] {
            assert_eq!(cut_value(text), None, "{text}");
        }
    }
}
