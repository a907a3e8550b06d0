//! The elements of a page, in a flat list.
//!
//! Tokens are read as browsers read them (html5ever). The tree above them is built here, with bounds that
//! a browser's rules do not have: its depth and its size end, and nothing recurses.

use std::cell::RefCell;
use std::ops::Range;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// Most elements and texts of a page; what stands behind them is not read.
const MAX_NODES: usize = 300_000;

/// Elements below this depth stand beside one another.
const MAX_DEPTH: usize = 256;

/// Attributes of one tag; the tokenizer compares each with all before it.
const MAX_ATTRIBUTES: usize = 1_000;

/// Number of a node in its [`Page`].
pub(crate) type NodeId = usize;

/// An element or a text.
#[derive(Debug)]
pub(crate) enum Kind {
    /// An element with its lowercase name and attributes.
    Element(String, Vec<(String, String)>),
    /// A text.
    Text(String),
}

/// A node and the nodes inside it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    pub(crate) parent: Option<NodeId>,
    /// One behind the last node inside; nodes stand in the order of the page.
    pub(crate) end: NodeId,
}

/// A page.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) nodes: Vec<Node>,
}

impl Page {
    /// Reads a page; `None` if a tag has more attributes than any page has a use for.
    pub(crate) fn parse(html: &str) -> Option<Self> {
        if has_endless_tag(html) {
            return None;
        }
        let builder = Builder::default();
        let tokenizer = Tokenizer::new(builder, TokenizerOpts::default());
        let input = BufferQueue::default();
        input.push_back(StrTendril::from_slice(html));
        // Scripts are not run, so the tokenizer never pauses.
        let _ = tokenizer.feed(&input);
        tokenizer.end();
        let mut state = tokenizer.sink.state.into_inner();
        while !state.open.is_empty() {
            state.close();
        }
        Some(state.page)
    }

    /// The element's name; empty for a text.
    pub(crate) fn name(&self, id: NodeId) -> &str {
        match self.nodes.get(id).map(|node| &node.kind) {
            Some(Kind::Element(name, _)) => name,
            _ => "",
        }
    }

    /// An attribute of an element.
    pub(crate) fn attribute(&self, id: NodeId, name: &str) -> Option<&str> {
        match self.nodes.get(id).map(|node| &node.kind) {
            Some(Kind::Element(_, attributes)) => {
                attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
            }
            _ => None,
        }
    }

    /// The nodes inside a node, in the order of the page.
    pub(crate) fn inside(&self, id: NodeId) -> Range<NodeId> {
        id + 1..self.nodes.get(id).map_or(id + 1, |node| node.end)
    }

    /// Elements with this name, in the order of the page.
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = NodeId> + 'a {
        (0..self.nodes.len()).filter(move |id| self.name(*id) == name)
    }

    /// The element around a node, and the ones around that.
    pub(crate) fn around(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.nodes.get(id).and_then(|node| node.parent), |id| {
            self.nodes.get(*id).and_then(|node| node.parent)
        })
    }

    /// All text inside, as it stands; also of scripts.
    pub(crate) fn raw_text(&self, id: NodeId) -> String {
        let mut text = String::new();
        for inner in self.inside(id) {
            if let Some(Kind::Text(part)) = self.nodes.get(inner).map(|node| &node.kind) {
                text.push_str(part);
            }
        }
        text
    }
}

/// Elements that have no inside.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// Elements that end an open paragraph.
const ENDS_PARAGRAPH: [&str; 24] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "div",
    "dl",
    "fieldset",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "ul",
];

#[derive(Debug, Default)]
struct State {
    page: Page,
    open: Vec<NodeId>,
}

impl State {
    fn close(&mut self) {
        if let Some(id) = self.open.pop() {
            let end = self.page.nodes.len();
            if let Some(node) = self.page.nodes.get_mut(id) {
                node.end = end;
            }
        }
    }

    /// Closes the innermost open element with one of the names, unless one of `stop` is nearer.
    fn close_up_to(&mut self, names: &[&str], stop: &[&str]) {
        let found = self.open.iter().rev().position(|id| {
            let name = self.page.name(*id);
            names.contains(&name) || stop.contains(&name)
        });
        let Some(steps) = found else { return };
        let at = self.open.len() - 1 - steps;
        if self.open.get(at).is_some_and(|id| names.contains(&self.page.name(*id))) {
            while self.open.len() > at {
                self.close();
            }
        }
    }

    fn add(&mut self, kind: Kind) -> Option<NodeId> {
        let id = self.page.nodes.len();
        if id >= MAX_NODES {
            return None;
        }
        self.page.nodes.push(Node { kind, parent: self.open.last().copied(), end: id + 1 });
        Some(id)
    }

    fn text(&mut self, text: &str) {
        let inside = self.open.last().copied();
        if let Some(Node { kind: Kind::Text(before), parent, .. }) = self.page.nodes.last_mut() {
            if *parent == inside {
                before.push_str(text);
                return;
            }
        }
        self.add(Kind::Text(text.to_owned()));
    }

    fn start(&mut self, tag: &Tag) {
        let name = &*tag.name;
        match name {
            "li" => self.close_up_to(&["li"], &["ul", "ol", "menu"]),
            "dt" | "dd" => self.close_up_to(&["dt", "dd"], &["dl"]),
            "tr" => self.close_up_to(&["tr"], &["table"]),
            "td" | "th" => self.close_up_to(&["td", "th"], &["tr", "table"]),
            "option" => self.close_up_to(&["option"], &["select"]),
            "body" => self.close_up_to(&["head"], &[]),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.close_up_to(
                    &["h1", "h2", "h3", "h4", "h5", "h6"],
                    &["div", "section", "article", "td", "li"],
                );
            }
            _ => {}
        }
        if ENDS_PARAGRAPH.contains(&name) {
            self.close_up_to(&["p"], &["div", "section", "article", "td", "li", "button"]);
        }
        let attributes = tag
            .attrs
            .iter()
            .map(|attribute| {
                (attribute.name.local.to_ascii_lowercase().to_string(), attribute.value.to_string())
            })
            .collect();
        // What is nested deeper stands beside the innermost, with its own inside.
        if self.open.len() >= MAX_DEPTH {
            self.close();
        }
        let added = self.add(Kind::Element(name.to_owned(), attributes));
        let is_inside_svg = self.open.last().is_some_and(|id| self.page.name(*id) == "svg");
        let ends_itself = VOID.contains(&name) || (tag.self_closing && is_inside_svg);
        if let Some(id) = added.filter(|_| !ends_itself) {
            self.open.push(id);
        }
    }
}

#[derive(Debug, Default)]
struct Builder {
    state: RefCell<State>,
}

impl TokenSink for Builder {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut state = self.state.borrow_mut();
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => {
                state.start(&tag);
                match &*tag.name {
                    "script" => TokenSinkResult::RawData(RawKind::ScriptData),
                    "style" | "xmp" | "iframe" | "noembed" => TokenSinkResult::RawData(RawKind::Rawtext),
                    "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
                    _ => TokenSinkResult::Continue,
                }
            }
            Token::TagToken(tag) => {
                match &*tag.name {
                    // Any end of a heading ends the one that is open.
                    "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                        state.close_up_to(&["h1", "h2", "h3", "h4", "h5", "h6"], &[]);
                    }
                    name => state.close_up_to(&[name], &[]),
                }
                TokenSinkResult::Continue
            }
            Token::CharacterTokens(text) => {
                state.text(&text);
                TokenSinkResult::Continue
            }
            _ => TokenSinkResult::Continue,
        }
    }
}

/// Whether a tag has more attributes than are read. Quotes inside tags are followed, scripts are not.
fn has_endless_tag(html: &str) -> bool {
    let bytes = html.as_bytes();
    let mut at = 0;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == b'<')) {
        at += found + 1;
        if !bytes.get(at).is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        let is_script = bytes.get(at..at + 6).is_some_and(|name| name.eq_ignore_ascii_case(b"script"));
        let (mut quote, mut words, mut before) = (None, 0_usize, b'a');
        while let Some(byte) = bytes.get(at).copied() {
            at += 1;
            match quote {
                Some(mark) if byte == mark => quote = None,
                Some(_) => {}
                None if byte == b'>' => break,
                None if matches!(byte, b'"' | b'\'') && before == b'=' => quote = Some(byte),
                None => {
                    let gap = |b: u8| b.is_ascii_whitespace() || matches!(b, b'/' | b'"' | b'\'');
                    words += usize::from(gap(before) && !gap(byte));
                    if words > MAX_ATTRIBUTES {
                        return true;
                    }
                }
            }
            if !byte.is_ascii_whitespace() || before != b'=' {
                before = byte;
            }
        }
        if is_script {
            at = end_of_script(bytes, at);
        }
    }
    false
}

fn end_of_script(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(found) = bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == b'<')) {
        at += found;
        if bytes.get(at..at + 8).is_some_and(|tag| tag.eq_ignore_ascii_case(b"</script")) {
            return at;
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_markup_has_a_tree_nonetheless() {
        let page = Page::parse("<ul><li>a<li>b</ul><p>one<p>two<div>x</span>y").unwrap();
        assert_eq!(page.named("li").count(), 2);
        let second = page.named("li").nth(1).unwrap();
        assert_eq!(page.raw_text(second), "b");
        let paragraphs: Vec<String> = page.named("p").map(|id| page.raw_text(id)).collect();
        assert_eq!(paragraphs, ["one", "two"]);
        assert_eq!(page.named("div").map(|id| page.raw_text(id)).next().unwrap(), "xy");
    }

    #[test]
    fn scripts_are_text_and_entities_are_letters() {
        let page =
            Page::parse("<title>A &amp; B</title><script>if (a<b) { \"</p>\" }</script><p title='x&quot;y'>")
                .unwrap();
        assert_eq!(page.named("title").map(|id| page.raw_text(id)).next().unwrap(), "A & B");
        assert_eq!(page.named("script").map(|id| page.raw_text(id)).next().unwrap(), "if (a<b) { \"</p>\" }");
        assert_eq!(page.attribute(page.named("p").next().unwrap(), "title"), Some("x\"y"));
    }

    #[test]
    fn deep_and_endless_markup_ends() {
        let deep = Page::parse(&"<div>".repeat(200_000)).unwrap();
        assert!(deep.nodes.len() <= MAX_NODES);
        assert!(deep.around(deep.nodes.len() - 1).count() <= MAX_DEPTH);
        assert!(Page::parse(&"<b>x</b>".repeat(400_000)).unwrap().nodes.len() <= MAX_NODES);
        let names: Vec<String> = (0..5_000).map(|n| format!(" a{n}")).collect();
        let many = names.concat();
        assert!(Page::parse(&format!("<p{many}>")).is_none());
        assert!(Page::parse(&format!("<script>{many} <a {many}</script>")).is_some());
        assert!(Page::parse(&format!("<p title=\"{many}\">")).is_some());
    }
}
