//! Rules that single values of a brief have to keep.

use crate::error::{Code, Problem};
use crate::letters::{cannot_be_shown, joiner_belongs};

pub(super) fn value(field: &str, message: &str) -> Problem {
    Problem::new(Code::BriefValue, field, message)
}

pub(super) fn check_count(field: &str, count: usize, min: usize, max: usize) -> Result<(), Problem> {
    if (min..=max).contains(&count) {
        return Ok(());
    }
    Err(value(field, &format!("holds {count} entries; {min} to {max} are accepted")))
}

pub(super) fn check_name(field: &str, name: &str) -> Result<(), Problem> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    if (1..=40).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(value(field, "must be 1 to 40 of the characters `a-z 0-9 _ -`"))
}

/// A text without the line breaks at its end.
pub(crate) fn without_last_break(text: &str) -> &str {
    text.trim_end_matches(['\n', '\r'])
}

/// Counts characters, and refuses what cannot be shown, and text that is blank at either end.
pub(super) fn check_text(field: &str, text: &str, min: usize, max: usize) -> Result<(), Problem> {
    let count = text.chars().count();
    if !(min..=max).contains(&count) {
        return Err(value(field, &format!("has {count} characters; {min} to {max} are accepted")));
    }
    if text.contains(['\n', '\r']) {
        return Err(value(
            field,
            "holds a line break; write it as one line (in YAML, `>` makes one of several)",
        ));
    }
    if let Some(c) = hidden(text) {
        let message = format!("holds the character U+{:04X}, which cannot be shown; remove it", u32::from(c));
        return Err(value(field, &message));
    }
    if text.trim() != text {
        return Err(value(field, "begins or ends with a space; remove it"));
    }
    Ok(())
}

/// As [`check_text`], for text that is read aloud or shown: there must be something to read.
pub(super) fn check_words(field: &str, text: &str, min: usize, max: usize) -> Result<(), Problem> {
    check_text(field, text, min, max)?;
    if !text.chars().any(char::is_alphanumeric) {
        return Err(value(field, "must hold at least one letter or digit"));
    }
    Ok(())
}

/// The first character that cannot be shown, other than joiners that do something.
fn hidden(text: &str) -> Option<char> {
    let chars: Vec<char> = text.chars().collect();
    let around = |at: usize| (at.checked_sub(1).map(|before| chars[before]), chars.get(at + 1).copied());
    let stands = |&(at, c): &(usize, &char)| {
        let (before, after) = around(at);
        cannot_be_shown(*c) && !joiner_belongs(before, *c, after)
    };
    chars.iter().enumerate().find(stands).map(|(_, c)| *c)
}

pub(super) fn check_picture_name(field: &str, name: &str) -> Result<(), Problem> {
    let wrong = |message: &str| Err(Problem::new(Code::PicturePath, field, message));
    if name.is_empty() || name.len() > 200 {
        return wrong("must be 1 to 200 bytes long");
    }
    if name.chars().any(|c| cannot_be_shown(c) || matches!(c, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|'))
    {
        return wrong(
            "holds a character that is not allowed in a file name; use letters, digits, `-`, `_`, `.` and `/`",
        );
    }
    if name.starts_with('/') || name.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return wrong("must be a relative path inside the brief's folder, without `.` and `..`");
    }
    Ok(())
}
