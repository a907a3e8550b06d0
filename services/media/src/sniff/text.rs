//! Formats that are recognized only to be refused by name.

use super::Lookalike;

/// Words that make a file a page, a drawing or a script for whoever reads it as text.
const HIDDEN: &[(&[u8], Lookalike)] = &[
    (b"<!doctype html", Lookalike::Html),
    (b"<html", Lookalike::Html),
    (b"<script", Lookalike::Html),
    (b"<svg", Lookalike::Svg),
    (b"<?php", Lookalike::Program),
    (b"#extm3u", Lookalike::M3u8),
    (b"ffconcat version", Lookalike::Concat),
];

/// Bytes at the beginning among which readers of PDF look for its header.
const PDF_HEAD: usize = 1_024;

/// What the first bytes of a file that is not taken look like.
pub(super) fn looks_like(head: &[u8]) -> Option<Lookalike> {
    if head.is_empty() {
        return Some(Lookalike::Empty);
    }
    let binary: &[(&[u8], Lookalike)] = &[
        (b"PK\x03\x04", Lookalike::Zip),
        (b"PK\x05\x06", Lookalike::Zip),
        (b"%PDF-", Lookalike::Pdf),
        (b"\x7fELF", Lookalike::Program),
        (b"MZ", Lookalike::Program),
        (b"\xFE\xED\xFA", Lookalike::Program),
        (b"\xCF\xFA\xED\xFE", Lookalike::Program),
    ];
    if let Some((_, like)) = binary.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(*like);
    }
    if head.get(4..8) == Some(b"ftyp") {
        return Some(Lookalike::Heif);
    }
    let text = plain(head);
    let starts = |word: &[u8]| text.starts_with(word);
    if starts(b"#extm3u") || starts(b"#ext-x-") {
        return Some(Lookalike::M3u8);
    }
    if starts(b"ffconcat") || starts(b"file ") || starts(b"file:") || starts(b"file\t") {
        return Some(Lookalike::Concat);
    }
    if starts(b"#!") || starts(b"<?php") {
        return Some(Lookalike::Program);
    }
    let lists: [&[u8]; 7] = [b"[playlist]", b"v=0", b"rtsptext", b"rtsp://", b"webvtt", b"<smil", b"<asx"];
    if lists.iter().any(|word| starts(word)) {
        return Some(Lookalike::Playlist);
    }
    if starts(b"<") {
        return Some(markup(&text));
    }
    if starts(b"{") || starts(b"[") {
        return Some(Lookalike::Json);
    }
    is_text(head).then_some(Lookalike::Text)
}

/// Another format inside the beginning of a file whose own magic bytes are right.
pub(super) fn hidden(head: &[u8]) -> Option<Lookalike> {
    let lower = head.to_ascii_lowercase();
    let found = HIDDEN.iter().find(|(word, _)| contains(&lower, word)).map(|(_, like)| *like);
    found.or_else(|| contains(&head[..head.len().min(PDF_HEAD)], b"%PDF-").then_some(Lookalike::Pdf))
}

fn markup(text: &[u8]) -> Lookalike {
    let order: [(&[u8], Lookalike); 5] = [
        (b"<mpd", Lookalike::Dash),
        (b"<!doctype html", Lookalike::Html),
        (b"<html", Lookalike::Html),
        (b"<script", Lookalike::Html),
        (b"<svg", Lookalike::Svg),
    ];
    order.iter().find(|(word, _)| contains(text, word)).map_or(Lookalike::Xml, |(_, like)| *like)
}

/// The text in lower case, without a byte order mark and the white space before it; UTF-16 as its low
/// bytes.
fn plain(head: &[u8]) -> Vec<u8> {
    let narrow: Vec<u8> = if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
        head[2..].iter().copied().filter(|byte| *byte != 0).collect()
    } else {
        head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).to_vec()
    };
    narrow.trim_ascii_start().to_ascii_lowercase()
}

fn is_text(head: &[u8]) -> bool {
    head.iter().all(|byte| *byte >= 0x20 || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0C))
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}
