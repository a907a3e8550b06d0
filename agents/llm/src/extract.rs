//! Finds the JSON of an answer in the text that a model wrote.
//!
//! [`candidates`] knows nothing of what is asked for but the names that the asked object must have;
//! it serves every question with a JSON Schema. What models were seen to write around and inside
//! their JSON is read: thinking and channel marks, code fences, other objects before or around the
//! answer, comments, commas before a closing bracket, line breaks inside strings, half surrogate
//! pairs, the whole answer as a JSON string, and an answer that was cut off after some whole entries.

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::CharIndices;

use serde_json::Value;

/// Largest answer that is read, in bytes.
pub const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// Most places in an answer at which reading a JSON value is tried.
const MAX_STARTS: usize = 256;

/// How deep inside other objects and strings the asked object is looked for.
const MAX_DEPTH: u32 = 3;

/// Most values of one answer that are offered.
const MAX_CANDIDATES: usize = 64;

/// What begins a model's thinking and what ends it.
const THINKING: [(&str, &str); 12] = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel>thought", "<channel|>"),
    ("<|channel|>analysis", "<|channel|>final"),
    // The same where a server has removed the special tokens.
    ("analysis", "assistantfinal"),
];

/// Why an answer holds no candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// Larger than [`MAX_ANSWER_BYTES`].
    #[error("the answer has {0} bytes; at most {MAX_ANSWER_BYTES} are read")]
    TooLong(usize),
    /// Blank, or nothing follows the model's thinking.
    #[error("the answer is blank")]
    Blank,
    /// No JSON value.
    #[error("the answer holds no JSON object")]
    NoJson,
    /// A JSON value begins and is cut off before its first entry ends.
    #[error("the JSON object in the answer is cut off")]
    CutOff,
    /// JSON values, none with the asked names.
    #[error("the answer holds JSON, but no object of the asked shape")]
    Shape,
}

/// The values of `text` that may be the answer, likeliest first: objects with all names of
/// `required`, the last one first; then lists of objects; then what is left of such values that
/// were cut off.
///
/// # Errors
/// [`ExtractError`] where there is none.
pub fn candidates(text: &str, required: &[&str]) -> Result<Vec<Value>, ExtractError> {
    if text.len() > MAX_ANSWER_BYTES {
        return Err(ExtractError::TooLong(text.len()));
    }
    let (thinking, spoken) = split_thinking(text);
    let spoken = without_quotes(spoken);
    if !spoken.trim().is_empty() {
        let found = found_in(&spoken, required);
        // What looks like the end of thinking may stand inside the JSON itself.
        let begins_with_json = text.trim_start().starts_with(['{', '[', '`']);
        return if begins_with_json {
            found.or_else(|error| found_in(text, required).map_err(|_| error))
        } else {
            found
        };
    }
    // Some models close their thinking only behind the answer.
    thinking.and_then(|thinking| found_in(thinking, required).ok()).ok_or(ExtractError::Blank)
}

fn found_in(text: &str, required: &[&str]) -> Result<Vec<Value>, ExtractError> {
    let mut objects = Vec::new();
    let mut lists = Vec::new();
    let mut salvaged = Vec::new();
    let (mut saw_json, mut cut_off) = (false, false);
    let mut at = 0;
    for _ in 0..MAX_STARTS {
        let Some(start) = text[at..].find(['{', '[']).map(|found| at + found) else { break };
        at = start + 1;
        let Some(scanned) = scan(&text[start..]) else { continue };
        if scanned.whole {
            if let Ok(value) = serde_json::from_str::<Value>(&scanned.json) {
                saw_json = true;
                at = start + scanned.end;
                collect(value, required, 0, &mut objects, &mut lists);
            }
        } else {
            cut_off |= scanned.looks_like_json();
            let rest = scanned.salvage.and_then(|json| serde_json::from_str::<Value>(&json).ok());
            if let Some(value) = rest {
                let mut ignored = Vec::new();
                collect(value, required, 0, &mut salvaged, &mut ignored);
            }
        }
    }
    objects.reverse();
    lists.reverse();
    objects.extend(lists);
    objects.extend(salvaged);
    objects.truncate(MAX_CANDIDATES);
    match (objects.is_empty(), cut_off, saw_json) {
        (false, ..) => Ok(objects),
        (true, true, _) => Err(ExtractError::CutOff),
        (true, false, true) => Err(ExtractError::Shape),
        (true, false, false) => Err(ExtractError::NoJson),
    }
}

/// Adds `value`, or what stands inside it, where it has the asked names.
fn collect(value: Value, required: &[&str], depth: u32, objects: &mut Vec<Value>, lists: &mut Vec<Value>) {
    if objects.len() >= MAX_CANDIDATES || depth > MAX_DEPTH {
        return;
    }
    match value {
        Value::Object(object) if required.iter().all(|name| object.contains_key(*name)) => {
            objects.push(Value::Object(object));
        }
        Value::Object(object) => {
            for (_, inner) in object {
                collect(inner, required, depth + 1, objects, lists);
            }
        }
        Value::Array(entries) => {
            let before = objects.len();
            for entry in &entries {
                if entry.is_object() {
                    collect(entry.clone(), required, depth + 1, objects, lists);
                }
            }
            if objects.len() == before && depth == 0 && entries.iter().any(Value::is_object) {
                lists.push(Value::Array(entries));
            }
        }
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            if let Some(value) = scan(text.trim_start())
                .filter(|scanned| scanned.whole)
                .and_then(|scanned| serde_json::from_str(&scanned.json).ok())
            {
                collect(value, required, depth + 1, objects, lists);
            }
        }
        _ => {}
    }
}

/// The model's thinking, if there is some that has ended, and what follows it. Some chat templates
/// open the thinking in the prompt, so the answer may hold only its end.
fn split_thinking(text: &str) -> (Option<&str>, &str) {
    let trimmed = text.trim_start();
    let mut split = None;
    for (open, close) in THINKING {
        let Some(end) = text.rfind(close) else {
            if open.starts_with(['<', '[', '◁']) && trimmed.starts_with(open) {
                return (None, "");
            }
            continue;
        };
        let rest = &text[end + close.len()..];
        // Plain words end thinking only where they have begun it.
        let ends = open.starts_with(['<', '[', '◁']) || trimmed.starts_with(open);
        if ends && split.is_none_or(|(latest, _)| end > latest) {
            split = Some((end, rest));
        }
    }
    split.map_or((None, text), |(end, rest)| (Some(&text[..end]), words_of(rest)))
}

/// `rest` without the marks that a channel's text is framed in; nothing where only marks are left.
fn words_of(rest: &str) -> &str {
    let rest = rest.trim_start().trim_start_matches("<|message|>");
    let only_marks = rest.trim().is_empty()
        || (rest.trim().starts_with("<|") && rest.trim().ends_with("|>") && !rest.contains(['{', '[']));
    if only_marks { "" } else { rest }
}

/// The content of `text` where all of it is one JSON string.
fn without_quotes(text: &str) -> Cow<'_, str> {
    let trimmed = text.trim();
    if trimmed.starts_with('"') && trimmed.ends_with('"') {
        if let Ok(inner) = serde_json::from_str::<String>(&mend_surrogates(trimmed)) {
            return Cow::Owned(inner);
        }
    }
    Cow::Borrowed(text)
}

/// Replaces escapes of half surrogate pairs, which no text can hold, by the replacement character.
#[must_use]
pub fn mend_surrogates(json: &str) -> Cow<'_, str> {
    let holds_half = json.contains("\\ud") || json.contains("\\uD");
    if !holds_half {
        return Cow::Borrowed(json);
    }
    let mut mended = String::with_capacity(json.len());
    let mut chars = json.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            escape(json, at, &mut chars, &mut mended);
        } else {
            mended.push(c);
        }
    }
    Cow::Owned(mended)
}

/// A JSON value at the beginning of a text, written strictly.
struct Scanned {
    /// The value, or its beginning.
    json: String,
    /// Where it ends in the text.
    end: usize,
    /// Whether it ends.
    whole: bool,
    /// What is left of a value that is cut off, closed behind its last whole entry.
    salvage: Option<String>,
}

impl Scanned {
    /// Whether a text that does not end is JSON as far as it goes: prose has brackets, too.
    fn looks_like_json(&self) -> bool {
        serde_json::from_str::<Value>(&self.json).is_err_and(|error| error.is_eof())
    }
}

/// Copies the value that begins at the start of `text`, without comments and without commas before
/// closing brackets; `None` where brackets do not match.
fn scan(text: &str) -> Option<Scanned> {
    let mut json = String::new();
    let mut closers = Vec::new();
    let mut last_entry: Option<(usize, Vec<char>)> = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                json.push('"');
                string(text, &mut chars, &mut json);
            }
            '{' | '[' => {
                closers.push(if c == '{' { '}' } else { ']' });
                json.push(c);
            }
            '}' | ']' => {
                if closers.pop() != Some(c) {
                    return None;
                }
                let kept = json.trim_end().trim_end_matches(',').len();
                json.truncate(kept);
                json.push(c);
                if closers.is_empty() {
                    return Some(Scanned { json, end: at + 1, whole: true, salvage: None });
                }
                if closers.last() == Some(&']') {
                    last_entry = Some((json.len(), closers.clone()));
                }
            }
            '/' if matches!(chars.peek(), Some((_, '/' | '*'))) => comment(&mut chars),
            _ => json.push(c),
        }
    }
    let salvage = last_entry.map(|(end, closers)| {
        let mut closed = json[..end].to_owned();
        closed.extend(closers.iter().rev());
        closed
    });
    Some(Scanned { json, end: text.len(), whole: false, salvage })
}

/// Copies a string behind its first quotation mark up to its last one.
fn string(text: &str, chars: &mut Peekable<CharIndices<'_>>, json: &mut String) {
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => {
                json.push('"');
                return;
            }
            '\\' => escape(text, at, chars, json),
            c if c < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => json.push(c),
        }
    }
}

/// Copies the escape whose backslash stands at `at`; `chars` is behind the backslash.
fn escape(text: &str, at: usize, chars: &mut Peekable<CharIndices<'_>>, json: &mut String) {
    let unit = |at: usize| {
        let digits = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    match unit(at) {
        Some(0xD800..=0xDBFF) if matches!(unit(at + 6), Some(0xDC00..=0xDFFF)) => {
            json.push_str(&text[at..at + 12]);
            skip(chars, 11);
        }
        Some(0xD800..=0xDFFF) => {
            json.push('\u{FFFD}');
            skip(chars, 5);
        }
        _ => {
            json.push('\\');
            json.extend(chars.next().map(|(_, c)| c));
        }
    }
}

fn skip(chars: &mut Peekable<CharIndices<'_>>, n: usize) {
    for _ in 0..n {
        chars.next();
    }
}

/// Skips a comment; `chars` is behind its first slash.
fn comment(chars: &mut Peekable<CharIndices<'_>>) {
    let is_line = matches!(chars.next(), Some((_, '/')));
    let mut before = ' ';
    for (_, c) in chars.by_ref() {
        if (is_line && c == '\n') || (!is_line && before == '*' && c == '/') {
            return;
        }
        before = c;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn first(text: &str) -> Result<Value, ExtractError> {
        candidates(text, &["lines"]).map(|found| found[0].clone())
    }

    #[test]
    fn marks_of_thinking_and_channels_are_read_over() {
        let object = r#"{"lines":[{"caption":"a [b] c"}]}"#;
        for text in [
            format!("<think>{{\"lines\":[7]}} maybe</think>{object}"),
            format!("so I think {{...}}</think>\n```json\n{object}\n```"),
            format!("<thinking>{{\"lines\":[]}}</thinking>{object}"),
            format!("[THINK]{{\"lines\":[]}} or so[/THINK]{object}"),
            format!("◁think▷{{\"lines\":[]}}◁/think▷{object}"),
            format!("<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>{object}<|END_RESPONSE|>"),
            format!("<|channel>thought\n{{\"lines\":[]}}<channel|>{object}"),
            format!(
                "<|channel|>analysis<|message|>{{\"lines\":[]}}<|end|><|start|>assistant<|channel|>final \
                 <|constrain|>json<|message|>{object}<|return|>"
            ),
            format!("analysisThey want {{\"lines\":[7]}} so.assistantfinal{object}"),
            format!("<think>I would say {object}</think>\n"),
        ] {
            assert_eq!(first(&text), Ok(json!({"lines": [{"caption": "a [b] c"}]})), "{text}");
        }
        for text in
            ["", " \n", "<think>never ends {\"lines\":[1]}", "<think>hm</think>", "[THINK]hm[/THINK] "]
        {
            assert_eq!(first(text), Err(ExtractError::Blank), "{text}");
        }
        let mark = r#"{"lines":[{"caption":"a</think>b"},{"caption":"c","rests_on":[]}]}"#;
        assert_eq!(first(mark), Ok(serde_json::from_str(mark).unwrap()));
    }

    #[test]
    fn the_asked_object_is_found_among_and_inside_others() {
        let wanted = json!({"lines": [{"caption": "a"}]});
        let object = wanted.to_string();
        let as_text = serde_json::to_string(&object).unwrap();
        for text in [
            format!("{{\"plan\":\"two ideas\"}}\n{object}"),
            format!("{{\"type\":\"object\",\"properties\":{{\"lines\":{{\"type\":\"array\"}}}}}}\n{object}"),
            format!("{{\"lines\":[]}} no, better: {object} Is that {{good}}?"),
            format!("{{\"result\":{{\"data\":{object}}}}}"),
            format!("[{object}]"),
            as_text.clone(),
            format!("{{\"answer\":{as_text}}}"),
            format!("{object} {{\"usage\":{{\"tokens\":3}}}}"),
        ] {
            assert_eq!(first(&text), Ok(wanted.clone()), "{text}");
        }
        assert_eq!(first("[{\"caption\":\"a\"}]"), Ok(json!([{"caption": "a"}])));
        assert_eq!(first("{\"answer\":42}"), Err(ExtractError::Shape));
        assert_eq!(first("I {cannot} do that."), Err(ExtractError::NoJson));
    }

    #[test]
    fn loose_json_is_read() {
        let wanted = json!({"lines": [{"caption": "a // b", "detail": ""}]});
        let text = "```json\n{\n  // ideas\n  \"lines\": [ /* one */\n    {\"caption\": \"a // b\", \"detail\": \"\",},\n  ],\n}\n```";
        assert_eq!(first(text), Ok(wanted));
        assert_eq!(first("{\"lines\":[\"a\nb\"]}"), Ok(json!({"lines": ["a\nb"]})));
        assert_eq!(first(r#"{"lines":["a\ud83d b\ude00"]}"#), Ok(json!({"lines": ["a\u{FFFD} b\u{FFFD}"]})));
        assert_eq!(first(r#"{"lines":["\ud83d\ude00 \\ud83d"]}"#), Ok(json!({"lines": ["😀 \\ud83d"]})));
    }

    #[test]
    fn whole_entries_of_a_cut_off_answer_are_kept() {
        let text = r#"{"lines":[{"caption":"a","rests_on":["x"]},{"caption":"b","rests_on":["y"#;
        assert_eq!(first(text), Ok(json!({"lines": [{"caption": "a", "rests_on": ["x"]}]})));
        assert_eq!(first(r#"{"lines":[{"caption":"Rea"#), Err(ExtractError::CutOff));
        assert_eq!(first("{{{{{"), Err(ExtractError::CutOff));
    }

    #[test]
    fn half_pairs_in_a_body_are_mended_and_whole_ones_kept() {
        assert_eq!(mend_surrogates(r#"{"a":"\ud83d\ude00"}"#), r#"{"a":"\ud83d\ude00"}"#);
        assert_eq!(mend_surrogates(r#"{"a":"x\uD83D"}"#), "{\"a\":\"x\u{FFFD}\"}");
        assert_eq!(mend_surrogates(r#"{"a":"\\ud83d"}"#), r#"{"a":"\\ud83d"}"#);
    }

    proptest! {
        #[test]
        fn any_text_ends_in_candidates_or_an_error(text in "[\\[\\]{}\",:/\\\\ud8a-c\n <>]{0,300}") {
            let _ = candidates(&text, &["a"]);
            let _ = mend_surrogates(&text);
        }

        #[test]
        fn strict_json_is_read_as_it_is(caption in ".{0,40}") {
            let value = json!({"lines": [{"caption": caption}]});
            prop_assert_eq!(first(&value.to_string()).unwrap(), value);
        }
    }
}
