//! JSON as pages carry it, and object literals of scripts. Nothing is ever run: what is no data is no value.

use serde_json::{Map, Value};

/// Longest literal that is read.
const MAX_LITERAL: usize = 4 << 20;

/// Literals that are tried in one script.
const MAX_TRIES: usize = 60;

/// Values that are looked at in one document.
const MAX_VALUES: usize = 200_000;

/// A value that is JSON, or nearly so: comments, trailing commas, raw line breaks, bare keys, single quotes.
pub(crate) fn lenient(text: &str) -> Option<Value> {
    let text = text.trim().trim_start_matches("<!--").trim_start_matches("//<![CDATA[");
    let text = text.trim_end_matches("-->").trim_end_matches("//]]>").trim().trim_end_matches(';').trim_end();
    if text.is_empty() || text.len() > MAX_LITERAL {
        return None;
    }
    serde_json::from_str(text).ok().or_else(|| serde_json::from_str(&strict(text)?).ok())
}

/// The values that a script assigns: `window.state = {…}`, `var product = [...]`, `JSON.parse("…")`.
pub(crate) fn assigned(script: &str) -> Vec<Value> {
    let bytes = script.as_bytes();
    let mut values = Vec::new();
    let (mut at, mut tries) = (0, 0);
    while tries < MAX_TRIES {
        let Some(found) =
            bytes.get(at..).and_then(|rest| rest.iter().position(|b| matches!(b, b'=' | b'(' | b':')))
        else {
            break;
        };
        let mark = at + found;
        at = mark + 1;
        let mut start = at;
        while bytes.get(start).is_some_and(u8::is_ascii_whitespace) {
            start += 1;
        }
        match bytes.get(start).copied() {
            // `{` behind `(` and `:` begins a literal as often as a block; reading decides.
            Some(b'{' | b'[') => {
                tries += 1;
                let Some(end) = balanced(bytes, start) else { continue };
                if let Some(value) = script.get(start..end).and_then(lenient).filter(holds_something) {
                    values.push(value);
                    at = end;
                }
            }
            Some(b'"' | b'\'') if script.get(..mark).is_some_and(|lead| lead.ends_with("JSON.parse")) => {
                tries += 1;
                let Some(end) = end_of_string(bytes, start) else { continue };
                let text = script.get(start..end).and_then(lenient);
                values.extend(text.as_ref().and_then(Value::as_str).and_then(lenient));
                at = end;
            }
            _ => {}
        }
    }
    values
}

fn holds_something(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    }
}

/// One behind the bracket that closes the one at `start`.
fn balanced(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, start);
    while let Some(byte) = bytes.get(at).copied().filter(|_| at - start < MAX_LITERAL) {
        match byte {
            b'"' | b'\'' => {
                at = end_of_string(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

fn end_of_string(bytes: &[u8], start: usize) -> Option<usize> {
    let mark = bytes.get(start).copied()?;
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at).copied() {
        if byte == b'\\' {
            at += 2;
        } else if byte == mark {
            return Some(at + 1);
        } else {
            at += 1;
        }
    }
    None
}

/// An object literal as JSON; `None` where it holds more than data.
fn strict(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 64);
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' | '\'' => {
                out.push('"');
                loop {
                    match chars.next()?.1 {
                        '\\' => push_escape(chars.next()?.1, &mut chars, &mut out)?,
                        end if end == c => break,
                        '"' => out.push_str("\\\""),
                        control if control.is_control() => out.push(' '),
                        other => out.push(other),
                    }
                }
                out.push('"');
            }
            '/' if text.get(at + 1..at + 2) == Some("/") => {
                while chars.next().is_some_and(|(_, c)| c != '\n') {}
            }
            '/' if text.get(at + 1..at + 2) == Some("*") => {
                let mut before = ' ';
                chars.next();
                for (_, c) in chars.by_ref() {
                    if before == '*' && c == '/' {
                        break;
                    }
                    before = c;
                }
            }
            '}' | ']' => {
                let kept = out.trim_end().trim_end_matches(',').len();
                out.truncate(kept);
                out.push(c);
            }
            '{' | '[' | ',' | ':' => out.push(c),
            c if c.is_whitespace() => out.push(' '),
            c if c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | '.' | '+') => {
                let mut end = at + c.len_utf8();
                while let Some((next, c)) = chars.peek().copied() {
                    if !(c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | '.' | '+')) {
                        break;
                    }
                    end = next + c.len_utf8();
                    chars.next();
                }
                push_word(text.get(at..end)?, text.get(end..)?, &mut out)?;
            }
            _ => return None,
        }
    }
    Some(out)
}

type Chars<'a> = std::iter::Peekable<std::str::CharIndices<'a>>;

fn push_escape(c: char, chars: &mut Chars<'_>, out: &mut String) -> Option<()> {
    match c {
        'n' | 'r' | 't' | 'b' | 'f' | '\\' | '/' | '"' => out.extend(['\\', c]),
        'u' => out.push_str("\\u"),
        'x' => {
            let digits: String = [chars.next()?.1, chars.next()?.1].iter().collect();
            out.push_str(&format!("\\u00{digits}"));
        }
        other => out.push(other),
    }
    Some(())
}

/// A bare key, a number or a constant.
fn push_word(word: &str, rest: &str, out: &mut String) -> Option<()> {
    if rest.trim_start().starts_with(':') && !out.trim_end().ends_with(':') {
        out.push_str(&serde_json::to_string(word).ok()?);
        return Some(());
    }
    match word {
        "true" | "false" | "null" => out.push_str(word),
        "undefined" | "NaN" => out.push_str("null"),
        number if number.parse::<f64>().is_ok_and(f64::is_finite) => {
            let plain = number.trim_start_matches('+');
            // `.5` and `007` are numbers of scripts, not of JSON.
            let is_json = serde_json::from_str::<Value>(plain).is_ok();
            out.push_str(&if is_json { plain.to_owned() } else { serde_json::to_string(plain).ok()? });
        }
        // A variable: its value is not known.
        _ => out.push_str("null"),
    }
    Some(())
}

/// An object inside a value, and the keys on the way to it.
pub(crate) struct Inside<'a> {
    pub(crate) path: Vec<&'a str>,
    pub(crate) object: &'a Map<String, Value>,
}

/// Every object in a value, outer before inner, in the order of the document; `skip` says which keys are
/// not entered.
pub(crate) fn objects<'a>(value: &'a Value, skip: &dyn Fn(&str) -> bool) -> Vec<Inside<'a>> {
    let mut found = Vec::new();
    let mut open: Vec<(Vec<&'a str>, &'a Value)> = vec![(Vec::new(), value)];
    let mut seen = 0;
    while let Some((path, value)) = open.pop() {
        seen += 1;
        if seen > MAX_VALUES {
            break;
        }
        match value {
            Value::Object(object) => {
                for (key, inner) in object.iter().rev().filter(|(key, _)| !skip(key)) {
                    if matches!(inner, Value::Object(_) | Value::Array(_)) {
                        let mut path = path.clone();
                        path.push(key);
                        open.push((path, inner));
                    }
                }
                found.push(Inside { path, object });
            }
            Value::Array(list) => {
                let inner =
                    list.iter().rev().filter(|inner| matches!(inner, Value::Object(_) | Value::Array(_)));
                open.extend(inner.map(|inner| (path.clone(), inner)));
            }
            _ => {}
        }
    }
    found
}

/// A text or a number as text.
pub(crate) fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(list) => list.iter().find_map(|value| match value {
            Value::String(_) | Value::Number(_) => text_of(value),
            Value::Object(_) => named(value),
            _ => None,
        }),
        Value::Object(_) => named(value),
        _ => None,
    }
}

fn named(value: &Value) -> Option<String> {
    let key = ["name", "@value", "value", "url", "@id"].iter().find_map(|key| value.get(key));
    key.and_then(Value::as_str).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_of_scripts_are_data() {
        let script = "var a = 1; window.pageConfig = { product: { skuid: 100, name: 'Tea \\'A\\'', price: .5, src: [\"a.jpg\",], \
            on: true, /* x */ t: undefined, }, }; function f() { return {b: f()} }";
        let values = assigned(script);
        assert_eq!(values[0]["product"]["name"], json!("Tea 'A'"));
        assert_eq!(values[0]["product"]["src"], json!(["a.jpg"]));
        assert_eq!(assigned("x = JSON.parse('{\"p\": 3}')"), [json!({ "p": 3 })]);
        assert_eq!(lenient("{\"a\": \"two\nlines\",}"), Some(json!({ "a": "two lines" })));
    }

    #[test]
    fn programs_and_endless_literals_are_no_values() {
        assert_eq!(lenient("{ a: f(1) }"), None);
        assert!(assigned(&"={".repeat(100_000)).is_empty());
        assert!(lenient(&"[".repeat(100_000)).is_none());
        assert!(assigned("x = \"unclosed").is_empty());
    }
}
