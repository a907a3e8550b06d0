//! Intake: from what an advertiser has (a page, a file, a feed, pasted text) to a draft brief.
//!
//! # Purpose
//! [`read`] takes the bytes of one or several sources and gives a [`Draft`]: name, brand, price, offer, facts,
//! pictures and colors, each with the sentence that says it and its place in the source's text, and a list
//! of questions for what no source says. [`brief_yaml`] writes the draft as a brief to be corrected.
//! [`changes`] compares two versions of a feed, and [`variants_to_withdraw`] names the advertisements that
//! say what is no longer true. Everything works by rules. What a language model has read in the sources is an
//! input like any other: [`reading_request`] says what one is shown, [`complete`] holds its answer against the
//! sources and takes what they say.
//!
//! # Invariants
//! - Pure: no network, no clock, no files. The same bytes give the same draft.
//! - Nothing is made up: every value is a part of a source, word for word, with its span.
//! - What a source says is data. Instructions in it change nothing and are not taken as facts.
//! - Bounded: [`MAX_BYTES`] of input, and bounds on nodes, depth, attributes, unpacked bytes and lines, so that
//!   no input takes more than its length.
//!
//! # Example
//! ```
//! use spotwright_intake::{Source, read};
//!
//! let page = r#"<html lang="en"><title>Trail Bottle | Northlight</title><body><h1>Trail Bottle</h1>
//!   <p class="price"><del>$59.99</del> <ins>$39.99</ins></p><p>Keeps ice for 24 hours.</p></body></html>"#;
//! let draft = read(&[Source::named("bottle.html", page.as_bytes())], None)?;
//! assert_eq!(draft.name.unwrap().value, "Trail Bottle");
//! assert_eq!(draft.price.unwrap().value.amount.to_decimal(), "39.99");
//! assert_eq!(draft.facts[0].text, "Keeps ice for 24 hours");
//! assert!(draft.missing.iter().any(|question| question.field == "product.pictures"));
//! # Ok::<(), spotwright_schemas::Problem>(())
//! ```

mod absent;
mod appearance;
mod aside;
mod changes;
mod charset;
mod clauses;
mod document;
mod docx;
mod dom;
mod draft;
mod embedded;
mod facts;
mod feed;
mod findings;
mod html;
mod json;
mod pdf;
mod plain;
mod price_words;
mod prices;
mod reading;
mod structured;
mod text;
mod visible;
mod words;
mod yaml;

pub use changes::{
    Change, ProductChange, VariantText, Withdrawal, against_brief, changes, variants_to_withdraw,
};
pub use document::{Document, Evidence, Found, Section};
pub use draft::{Draft, DraftFact, DraftOffer, LeftOut, Question};
pub use facts::{Reason, Statement, is_chinese, shown_text, statement};
pub use feed::{Feed, Item, Refused};
pub use findings::DraftPicture;
pub use prices::Price;
pub use reading::{Checked, Dropped, DroppedValue, TakenValue, complete, reading_request};
pub use text::sentences;
pub use yaml::{brief_json, brief_yaml};

use spotwright_schemas::error::Code;
use spotwright_schemas::{Locale, Problem};
use url::Url;

/// Largest accepted source in bytes.
pub const MAX_BYTES: usize = 8 << 20;

/// Most sources of one draft.
pub const MAX_SOURCES: usize = 16;

/// Bytes to be read, and what is known of them.
#[derive(Debug, Clone, Copy)]
pub struct Source<'a> {
    /// File name or address, as it appears in evidence.
    pub name: &'a str,
    /// The content.
    pub bytes: &'a [u8],
    /// Media type that came with it, e.g. `text/html; charset=gbk`.
    pub media_type: Option<&'a str>,
    /// Where it was found, which completes relative addresses.
    pub address: Option<&'a Url>,
    /// Which product of a feed is meant; the first without it.
    pub item: Option<&'a str>,
}

impl<'a> Source<'a> {
    /// A source of which only the name is known.
    #[must_use]
    pub const fn named(name: &'a str, bytes: &'a [u8]) -> Self {
        Self { name, bytes, media_type: None, address: None, item: None }
    }
}

/// What kind of source it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A page.
    Html,
    /// A PDF document.
    Pdf,
    /// A Word document.
    Docx,
    /// A product feed as a table.
    Table,
    /// A product feed in XML.
    Xml,
    /// A brief in Spotwright's format.
    Brief,
    /// Anything else that is text.
    Text,
}

/// The kind of a source by its first bytes, then by its media type and its name.
///
/// # Errors
/// [`Code::SourceFormat`] for what is no text and none of the formats.
pub fn format_of(source: &Source<'_>) -> Result<Format, Problem> {
    let bytes = source.bytes;
    if bytes.starts_with(b"%PDF") {
        return Ok(Format::Pdf);
    }
    let others: [(&[u8], &str); 7] = [
        (b"\xD0\xCF\x11\xE0", "an old Office document; save it as .docx or PDF"),
        (b"\x1F\x8B", "a gzip archive; unpack it"),
        (b"\x89PNG", "a picture; give the page or the text"),
        (b"\xFF\xD8\xFF", "a picture; give the page or the text"),
        (b"GIF8", "a picture; give the page or the text"),
        (b"RIFF", "a media file; give the page or the text"),
        (b"\x7FELF", "a program"),
    ];
    if let Some((_, what)) = others.iter().find(|(begin, _)| bytes.starts_with(begin)) {
        return Err(Problem::new(Code::SourceFormat, source.name, format!("is {what}")));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return Ok(Format::Docx);
    }
    let name = source.name.to_ascii_lowercase();
    let media = source.media_type.unwrap_or_default().to_ascii_lowercase();
    let start = charset::decoded(bytes.get(..bytes.len().min(4_096)).unwrap_or_default(), source.media_type);
    let start = start.trim_start_matches('\u{FEFF}').trim_start().to_ascii_lowercase();
    let is_xml_feed = ["<rss", "<feed", "<rdf:rdf", "<products", "<channel", "<items", "<catalog"]
        .iter()
        .any(|tag| start.starts_with(tag) || (start.starts_with("<?xml") && start.contains(tag)));
    if is_xml_feed {
        return Ok(Format::Xml);
    }
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if media.contains("html")
        || ends(&[".html", ".htm", ".xhtml", ".mhtml"])
        || start.starts_with("<!doctype html")
    {
        return Ok(Format::Html);
    }
    if start.contains("spotwright.brief.v") {
        return Ok(Format::Brief);
    }
    if media.contains("csv") || media.contains("tab-separated") || ends(&[".csv", ".tsv"]) {
        return Ok(Format::Table);
    }
    let has_tags =
        ["<html", "<head", "<body", "<div", "<script", "<meta"].iter().any(|tag| start.contains(tag));
    if start.starts_with('<') && has_tags {
        return Ok(Format::Html);
    }
    if start.starts_with("<?xml") || ends(&[".xml"]) {
        return Ok(Format::Xml);
    }
    Ok(Format::Text)
}

/// Reads sources into one draft; what an earlier source says comes before what a later one does.
///
/// # Errors
/// [`Code::SourceTooLarge`], [`Code::SourceFormat`] or [`Code::SourceUnreadable`] with the source's name, and
/// the problems of a brief or of a table.
pub fn read(sources: &[Source<'_>], locale: Option<Locale>) -> Result<Draft, Problem> {
    if sources.is_empty() || sources.len() > MAX_SOURCES {
        return Err(Problem::new(
            Code::Option,
            "SOURCE",
            format!("1 to {MAX_SOURCES} sources are read together"),
        ));
    }
    let mut all = Vec::with_capacity(sources.len());
    for source in sources {
        all.push(read_one(source, locale)?);
    }
    Ok(draft::assemble(all, locale))
}

fn read_one(source: &Source<'_>, locale: Option<Locale>) -> Result<findings::Findings, Problem> {
    check_size(source.name, source.bytes)?;
    match format_of(source)? {
        Format::Html => {
            let html = charset::decoded(source.bytes, source.media_type);
            html::read(&html, source.name, source.address, locale)
        }
        Format::Pdf => Ok(plain::read_wrapped(&pdf::text(source.bytes, source.name)?, source.name, locale)),
        Format::Docx => Ok(plain::read_lines(docx::lines(source.bytes, source.name)?, source.name, locale)),
        Format::Table | Format::Xml => {
            let feed = Feed::read(source)?;
            let item = feed
                .item(source.item)
                .map_err(|message| Problem::new(Code::SourceUnreadable, source.name, message))?;
            Ok(item.findings(source.name, locale))
        }
        Format::Brief => plain::read_brief(source.bytes, source.name),
        Format::Text => {
            let text = charset::decoded(source.bytes, source.media_type);
            if looks_binary(&text) {
                return Err(Problem::new(Code::SourceFormat, source.name, "is no text"));
            }
            Ok(plain::read(&text, source.name, locale))
        }
    }
}

/// Whether much of a text is what no text holds.
fn looks_binary(text: &str) -> bool {
    let odd = |c: &char| *c == '\0' || *c == '\u{FFFD}' || (c.is_control() && !c.is_whitespace());
    let (n_odd, n) = text
        .chars()
        .take(8_192)
        .fold((0_usize, 0_usize), |(odds, n), c| (odds + usize::from(odd(&c)), n + 1));
    n_odd * 10 > n
}

pub(crate) fn check_size(name: &str, bytes: &[u8]) -> Result<(), Problem> {
    if bytes.len() > MAX_BYTES {
        let message = format!("has {} bytes; at most {MAX_BYTES} are read", bytes.len());
        return Err(Problem::new(Code::SourceTooLarge, name, message));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(unreadable(name, "is empty"));
    }
    Ok(())
}

pub(crate) fn unreadable(name: &str, message: &str) -> Problem {
    Problem::new(Code::SourceUnreadable, name, message)
}
