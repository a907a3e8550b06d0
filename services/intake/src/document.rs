//! The text that a source says, in sections, and where in it something was found.

use std::ops::Range;

use serde::Serialize;

/// Longest extracted text in bytes; what stands behind it is not read.
pub(crate) const MAX_TEXT: usize = 2 << 20;

/// A named part of the extracted text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// What it is: a heading of the source, or where its data stood (`schema.org`, `title`).
    pub name: String,
    /// Bytes of the text.
    pub span: Range<usize>,
}

/// The extracted text of a source. Everything that a draft states is a span of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Document {
    /// File name or address.
    pub source: String,
    /// Lines of text.
    pub text: String,
    /// Its parts, in order; every line is in one.
    pub sections: Vec<Section>,
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// File name or address of the source.
    pub source: String,
    /// Section of its text.
    pub section: String,
    /// Bytes of its extracted text.
    pub span: Range<usize>,
    /// The sentence at that place, as it stands there.
    pub sentence: String,
}

/// A value and what says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found<T> {
    /// The value.
    pub value: T,
    /// What says it.
    pub evidence: Evidence,
}

impl Document {
    /// An empty text of a source.
    pub(crate) fn new(source: &str) -> Self {
        Self { source: source.to_owned(), ..Self::default() }
    }

    /// Adds one line to a section and says where it stands; `None` for a blank line, or once the text is
    /// as long as may be.
    pub(crate) fn push(&mut self, section: &str, line: &str) -> Option<Range<usize>> {
        let line = squeezed(line);
        if line.is_empty() || self.text.len() + line.len() > MAX_TEXT {
            return None;
        }
        let start = self.text.len();
        self.text.push_str(&line);
        let span = start..self.text.len();
        self.text.push('\n');
        let end = self.text.len();
        match self.sections.last_mut() {
            Some(last) if last.name == section => last.span.end = end,
            _ => self.sections.push(Section { name: section.to_owned(), span: start..end }),
        }
        Some(span)
    }

    /// Adds a line `name: value` of data that no reader sees, and the evidence that it is.
    pub(crate) fn note(&mut self, section: &str, name: &str, value: &str) -> Option<Evidence> {
        let shown: String = value.chars().take(2_000).collect();
        let span = self.push(section, &format!("{name}: {shown}"))?;
        Some(self.evidence(span))
    }

    /// The evidence of a place.
    pub(crate) fn evidence(&self, span: Range<usize>) -> Evidence {
        let section = self.sections.iter().rev().find(|section| section.span.start <= span.start);
        let sentence = self.text.get(span.clone()).unwrap_or_default().to_owned();
        Evidence {
            source: self.source.clone(),
            section: section.map(|section| section.name.clone()).unwrap_or_default(),
            span,
            sentence,
        }
    }
}

/// A text in one line: runs of white space are one space, characters that hide or reorder are left out.
pub(crate) fn squeezed(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut gap = false;
    for c in text.chars() {
        if c.is_whitespace() || c.is_control() {
            gap = true;
        } else if !is_hidden(c) {
            if gap && !line.is_empty() {
                line.push(' ');
            }
            gap = false;
            line.push(c);
        }
    }
    line
}

/// Characters without a shape of their own, private use, and what damaged bytes are decoded to.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{E000}'..='\u{F8FF}' | '\u{FDD0}'..='\u{FDEF}' | '\u{FEFF}'
        | '\u{FFF0}'..='\u{FFFD}' | '\u{E0000}'..='\u{E0FFF}' | '\u{F0000}'..='\u{10FFFF}')
        || u32::from(c) & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_where_it_says() {
        let mut document = Document::new("a.html");
        document.push("title", "A  bottle\n");
        let span = document.push("Care", "Dishwasher\u{200B} safe").unwrap();
        let evidence = document.evidence(span.clone());
        assert_eq!(&document.text[span], "Dishwasher safe");
        assert_eq!((evidence.section.as_str(), evidence.sentence.as_str()), ("Care", "Dishwasher safe"));
        assert_eq!(document.push("Care", " \n "), None);
    }

    #[test]
    fn the_text_has_an_end() {
        let mut document = Document::new("a");
        assert!(document.push("x", &"a".repeat(MAX_TEXT)).is_some());
        assert_eq!(document.push("x", "b"), None);
    }
}
