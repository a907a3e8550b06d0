//! What a file's bytes say.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, GBK, UTF_8, UTF_16BE, UTF_16LE};
use spotwright_schemas::Problem;

use crate::{place, problem};

/// A file's text.
pub(crate) struct Decoded {
    pub(crate) text: String,
    pub(crate) encoding: &'static str,
    pub(crate) is_guessed: bool,
}

/// Beginnings of files that are sometimes called `.csv`.
const OTHERS: [(&[u8], &str); 6] = [
    (b"PK\x03\x04", "a spreadsheet or ZIP archive"),
    (b"\xD0\xCF\x11\xE0", "an old Excel workbook"),
    (b"\x1F\x8B", "a gzip archive"),
    (b"PAR1", "a Parquet file"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3", "an SQLite database"),
];

/// Decodes a file called `name` by its mark, its zero bytes, or its letters.
pub(crate) fn decoded(bytes: &[u8], name: &str) -> Result<Decoded, Problem> {
    if let Some((_, what)) = OTHERS.iter().find(|(begin, _)| bytes.starts_with(begin)) {
        return Err(problem(name, format!("is {what}, not text; export the table as CSV")));
    }
    if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        return decode(encoding, &bytes[mark..], false);
    }
    if let Some(encoding) = utf_16_without_mark(bytes) {
        return decode(encoding, bytes, false);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => checked(text.to_owned(), UTF_8, false),
        Err(error) if is_damaged_utf_8(bytes) => Err(not_utf_8(bytes, error.valid_up_to())),
        Err(_) => {
            let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
            detector.feed(bytes, true);
            let encoding = detector.guess(None, Utf8Detection::Deny);
            decode(encoding, bytes, true)
        }
    }
}

fn decode(encoding: &'static Encoding, bytes: &[u8], is_guessed: bool) -> Result<Decoded, Problem> {
    let (text, had_errors) = encoding.decode_without_bom_handling(bytes);
    if had_errors {
        if encoding == UTF_8 {
            let at = std::str::from_utf8(bytes).err().map_or(0, |error| error.valid_up_to());
            return Err(not_utf_8(bytes, at));
        }
        // The first character that stands for damaged bytes; the text may hold one of its own before.
        let at = text.find(char::REPLACEMENT_CHARACTER).unwrap_or(0);
        let message = format!("is not {}, as the rest of the file is; save it as UTF-8", encoding.name());
        return Err(problem(place(line_of(&text.as_bytes()[..at]), ""), message));
    }
    checked(text.into_owned(), encoding, is_guessed)
}

fn checked(text: String, encoding: &'static Encoding, is_guessed: bool) -> Result<Decoded, Problem> {
    if let Some(at) = text.find('\0') {
        let message = "holds a zero byte; this is no text, or text of an encoding that is not known";
        return Err(problem(place(line_of(&text.as_bytes()[..at]), ""), message));
    }
    // GB 18030 is what decoders of GBK read.
    let name = if encoding == GBK { "GB 18030" } else { encoding.name() };
    Ok(Decoded { text, encoding: name, is_guessed })
}

fn not_utf_8(bytes: &[u8], at: usize) -> Problem {
    let message = "is not UTF-8, as the rest of the file is; save the whole file as UTF-8";
    problem(place(line_of(&bytes[..at]), ""), message)
}

/// The line on which the next byte stands.
fn line_of(before: &[u8]) -> u64 {
    let ends = before.iter().enumerate().filter(|(at, byte)| {
        **byte == b'\n' || (**byte == b'\r' && before.get(at + 1).is_some_and(|next| *next != b'\n'))
    });
    1 + ends.count() as u64
}

/// Latin letters in UTF-16 have a zero byte each, on one side; few other letters have one on the other
/// side, such as `一`.
fn utf_16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = &bytes[..bytes.len().min(4096)];
    let zeros = |side: usize| start.iter().skip(side).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let many = (start.len() / 8).max(1);
    if odd >= many && even * 8 <= odd {
        Some(UTF_16LE)
    } else if even >= many && odd * 8 <= even {
        Some(UTF_16BE)
    } else {
        None
    }
}

/// Whether a text is UTF-8 but for few bytes: letters of several bytes that fit are no accident.
fn is_damaged_utf_8(bytes: &[u8]) -> bool {
    let (mut whole, mut damaged) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        damaged += usize::from(!chunk.invalid().is_empty());
    }
    whole > damaged.saturating_mul(4)
}
