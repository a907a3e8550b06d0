//! What stands between the fields of a line, and quotes that are never closed.

/// Separators, the usual one first.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Records that are looked at.
const LOOKED_AT: usize = 50;

/// The separator that a first line `sep=;` declares, and where the next line begins.
pub(crate) fn declared(text: &str) -> Option<(usize, u8)> {
    let end = text.find(['\n', '\r'])?;
    let line = text[..end].trim_matches(['"', ' ']);
    let named = line.get(..4).filter(|begin| begin.eq_ignore_ascii_case("sep=")).map(|_| &line[4..])?;
    let separator = match named.as_bytes() {
        [one] if one.is_ascii() && !matches!(one, b'"' | b'\'') && !one.is_ascii_alphanumeric() => *one,
        b"\\t" => b'\t',
        _ => return None,
    };
    let next = if text[end..].starts_with("\r\n") { end + 2 } else { end + 1 };
    Some((next, separator))
}

/// The separator by which the first records have the most fields, as many in each.
pub(crate) fn guessed(text: &str) -> u8 {
    let score = |separator: u8| {
        let mut builder = csv::ReaderBuilder::new();
        builder.delimiter(separator).has_headers(false).flexible(true);
        let mut reader = builder.from_reader(text.as_bytes());
        let records = reader.byte_records().take(LOOKED_AT);
        let counts: Vec<usize> = records.map_while(Result::ok).map(|record| record.len()).collect();
        let first = counts.first().copied().unwrap_or(0);
        let alike = counts.iter().filter(|count| **count == first).count();
        // One field says nothing; a header that all follow says most.
        if first < 2 { (0, 0) } else { (1000 * alike / counts.len(), first) }
    };
    let best = SEPARATORS.iter().rev().max_by_key(|separator| score(**separator));
    best.copied().unwrap_or(SEPARATORS[0])
}

/// The separator of a file with titles above its header: that by which the most fields stand in records of
/// equally many.
pub(crate) fn guessed_below_titles(text: &str) -> u8 {
    let score = |separator: u8| {
        let mut builder = csv::ReaderBuilder::new();
        builder.delimiter(separator).has_headers(false).flexible(true);
        let mut reader = builder.from_reader(text.as_bytes());
        let mut alike = std::collections::BTreeMap::<usize, usize>::new();
        for record in reader.byte_records().take(LOOKED_AT).map_while(Result::ok) {
            *alike.entry(record.len()).or_default() += 1;
        }
        // One field says nothing.
        alike.iter().filter(|(fields, _)| **fields > 1).map(|(fields, n)| fields * n).max().unwrap_or(0)
    };
    let best = SEPARATORS.iter().rev().max_by_key(|separator| score(**separator));
    best.copied().unwrap_or(SEPARATORS[0])
}

/// The lines before the one on which a quoted field begins that never ends.
pub(crate) fn unclosed_quote(text: &str, separator: u8) -> Option<u64> {
    let bytes = text.as_bytes();
    let (mut at, mut line, mut opened, mut fresh) = (0, 0_u64, None, true);
    while let Some(byte) = bytes.get(at).copied() {
        line += u64::from(byte == b'\n' || (byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')));
        match (byte, opened) {
            (b'"', Some(_)) if bytes.get(at + 1) == Some(&b'"') => at += 1,
            (b'"', Some(_)) => (opened, fresh) = (None, false),
            (b'"', None) if fresh => opened = Some(line),
            (_, None) => fresh = byte == separator || matches!(byte, b'\n' | b'\r'),
            _ => {}
        }
        at += 1;
    }
    opened
}

/// How a separator is called.
pub(crate) fn shown(separator: u8) -> String {
    match separator {
        b'\t' => "a tab".to_owned(),
        b' ' => "a space".to_owned(),
        other => format!("`{}`", other as char),
    }
}
