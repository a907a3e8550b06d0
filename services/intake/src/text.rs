//! The text of a page that is about its product, and sentences.

use std::ops::Range;

use crate::dom::{Kind, NodeId, Page};

/// A line of a page and its heading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) heading: String,
    pub(crate) text: String,
    /// Whether it is an item of a list, or a cell.
    pub(crate) is_item: bool,
}

/// Words of a text of `class` or `id`: `productPrice--old` is `product`, `price`, `old`.
pub(crate) fn words_of(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for c in text.chars().take(400) {
        if !c.is_alphanumeric() || (c.is_uppercase() && was_lower) {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
        }
        was_lower = c.is_lowercase();
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Words of class and id of an element.
pub(crate) fn marks(page: &Page, id: NodeId) -> Vec<String> {
    let mut words = words_of(page.attribute(id, "class").unwrap_or_default());
    for name in ["id", "data-hook", "data-testid", "data-purpose"] {
        words.extend(words_of(page.attribute(id, name).unwrap_or_default()));
    }
    words
}

/// Whether nobody sees the element.
pub(crate) fn is_unseen(page: &Page, id: NodeId) -> bool {
    let style = page.attribute(id, "style").unwrap_or_default();
    let style: String =
        style.chars().filter(|c| !c.is_whitespace()).take(1_000).collect::<String>().to_lowercase();
    let hides = ["display:none", "visibility:hidden", "font-size:0;", "font-size:1px", "opacity:0;"];
    page.attribute(id, "hidden").is_some()
        || page.attribute(id, "aria-hidden").is_some_and(|value| value == "true")
        || hides.iter().any(|hide| style.contains(hide))
        || ["font-size:0", "opacity:0"].iter().any(|hide| style.ends_with(hide))
        || matches!(
            page.name(id),
            "script"
                | "style"
                | "noscript"
                | "template"
                | "svg"
                | "iframe"
                | "select"
                | "textarea"
                | "head"
                | "object"
        )
}

pub(crate) fn heading_rank(name: &str) -> Option<u8> {
    match name {
        "h1" => Some(1),
        "h2" => Some(2),
        "h3" => Some(3),
        "h4" => Some(4),
        "h5" => Some(5),
        "h6" => Some(6),
        _ => None,
    }
}

pub(crate) fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "br"
            | "button"
            | "caption"
            | "dd"
            | "details"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hr"
            | "html"
            | "label"
            | "li"
            | "main"
            | "nav"
            | "ol"
            | "option"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "tr"
            | "ul"
    )
}

/// The lines of the page that are seen and about the product, each with the heading above it.
pub(crate) fn lines(page: &Page, is_relevant: &[bool]) -> Vec<Line> {
    let mut collector = Collector::default();
    // Ends of open blocks, innermost last.
    let mut ends: Vec<(NodeId, NodeId)> = Vec::new();
    for (id, node) in page.nodes.iter().enumerate() {
        while let Some((end, block)) = ends.last().copied().filter(|(end, _)| *end <= id) {
            collector.finish(heading_rank(page.name(block)).is_some());
            ends.pop();
            debug_assert!(end <= id);
        }
        if !is_relevant.get(id).copied().unwrap_or(false) {
            continue;
        }
        match &node.kind {
            Kind::Element(name, _) if is_block(name) => {
                collector.finish(false);
                collector.is_item = matches!(name.as_str(), "li" | "td" | "dd" | "th" | "dt");
                ends.push((node.end, id));
            }
            Kind::Element(..) => {}
            Kind::Text(text) => collector.line.push_str(text),
        }
    }
    collector.finish(false);
    collector.lines
}

#[derive(Default)]
struct Collector {
    lines: Vec<Line>,
    heading: String,
    line: String,
    is_item: bool,
}

impl Collector {
    fn finish(&mut self, is_heading: bool) {
        let text = crate::document::squeezed(&std::mem::take(&mut self.line));
        if text.is_empty() {
            return;
        }
        if is_heading {
            self.heading = text.chars().take(80).collect();
        }
        self.lines.push(Line { heading: self.heading.clone(), text, is_item: self.is_item });
    }
}

/// The seen text inside an element, in one line; blocks are parted by a space.
pub(crate) fn seen(page: &Page, id: NodeId) -> String {
    let mut text = String::new();
    let mut at = id;
    let end = page.inside(id).end;
    while at < end && text.len() < 20_000 {
        let Some(node) = page.nodes.get(at) else { break };
        match &node.kind {
            Kind::Element(name, _) => {
                if is_unseen(page, at) {
                    at = node.end.max(at + 1);
                    continue;
                }
                if is_cents(page, at) {
                    text.push('.');
                } else if is_block(name) || matches!(name.as_str(), "del" | "s" | "strike" | "ins") {
                    text.push(' ');
                }
            }
            Kind::Text(part) => text.push_str(part),
        }
        at += 1;
    }
    crate::document::squeezed(&text)
}

/// `1,299<sup>99</sup>`: two raised digits are hundredths.
pub(crate) fn is_cents(page: &Page, id: NodeId) -> bool {
    page.name(id) == "sup" && {
        let text = page.raw_text(id);
        text.trim().len() == 2 && text.trim().bytes().all(|b| b.is_ascii_digit())
    }
}

/// The sentences of a line of Chinese or English, as spans of its bytes without the white space around.
pub fn sentences(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let behind = at + c.len_utf8();
        let ends = match c {
            '。' | '！' | '？' | '；' | '\n' | '•' | '·' | '●' | '★' | '◆' | '✓' | '✔' | '|' | '｜' => {
                true
            }
            '!' | '?' | ';' => next.is_none_or(char::is_whitespace),
            '.' => {
                next.is_none_or(char::is_whitespace)
                    && !is_abbreviation(line.get(start..at).unwrap_or_default())
            }
            _ => false,
        };
        if ends {
            push_trimmed(line, start..behind, &mut found);
            start = behind;
        }
    }
    push_trimmed(line, start..line.len(), &mut found);
    found
}

/// `oz.`, `approx.`, `No.`, single letters: the sentence goes on.
fn is_abbreviation(before: &str) -> bool {
    let word =
        before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or_default().to_lowercase();
    matches!(
        word.as_str(),
        "oz" | "approx"
            | "no"
            | "vs"
            | "dr"
            | "mr"
            | "mrs"
            | "ms"
            | "st"
            | "e.g"
            | "i.e"
            | "etc"
            | "reg"
            | "incl"
            | "min"
            | "max"
            | "lb"
            | "lbs"
            | "ft"
            | "fl"
            | "in"
            | "a.m"
            | "p.m"
            | "u.s"
            | "inc"
            | "ltd"
            | "co"
    ) || (word.chars().count() == 1 && word.chars().all(char::is_alphabetic))
}

fn push_trimmed(line: &str, span: Range<usize>, into: &mut Vec<Range<usize>>) {
    let Some(text) = line.get(span.clone()) else { return };
    let bullets = |c: char| c.is_whitespace() || "•·●★◆✓✔|｜-–—*>▪◦".contains(c);
    let front = text.len() - text.trim_start_matches(bullets).len();
    let body = text.trim_matches(|c: char| c.is_whitespace() || "•·●★◆✓✔|｜".contains(c));
    let body = body.trim_start_matches(bullets);
    if body.chars().any(char::is_alphanumeric) {
        into.push(span.start + front..span.start + front + body.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aside::relevant;

    fn shown(html: &str) -> Vec<(String, String)> {
        let page = Page::parse(html).unwrap();
        let is_relevant = relevant(&page);
        lines(&page, &is_relevant).into_iter().map(|line| (line.heading, line.text)).collect()
    }

    #[test]
    fn only_what_is_about_the_product_is_read() {
        let html = "<body><nav>Home Shop</nav><div class='cookie-banner'>We use cookies</div><main><h1>Bottle</h1>\
            <p>Keeps <b>cold</b> for 24&nbsp;hours.</p><h2>Care</h2><p>Dishwasher safe</p><div hidden>ignore all</div>\
            <h2>You may also like</h2><p>Another bottle</p></main><footer>Imprint</footer></body>";
        let own = |heading: &str, text: &str| (heading.to_owned(), text.to_owned());
        assert_eq!(
            shown(html),
            [
                own("Bottle", "Bottle"),
                own("Bottle", "Keeps cold for 24 hours."),
                own("Care", "Care"),
                own("Care", "Dishwasher safe"),
            ]
        );
    }

    #[test]
    fn sentences_end_where_a_reader_ends_them() {
        let of = |line: &str| -> Vec<String> {
            sentences(line).into_iter().map(|span| line[span].to_owned()).collect()
        };
        assert_eq!(
            of("Holds 12 oz. of tea. Costs $9.99! New"),
            ["Holds 12 oz. of tea.", "Costs $9.99!", "New"]
        );
        assert_eq!(of("头采嫩芽。手工炒制！125克；罐装"), ["头采嫩芽。", "手工炒制！", "125克；", "罐装"]);
        assert_eq!(of("• One lid • Two straws"), ["One lid", "Two straws"]);
        assert_eq!(of("--- ..."), Vec::<String>::new());
    }

    #[test]
    fn names_of_classes_are_words() {
        assert_eq!(words_of("productPrice--old a_b"), ["product", "price", "old", "a", "b"]);
    }
}
