//! Signs of a Chinese keyboard, and missing spaces, where YAML and JSON want others. Looked for only in a
//! text that could not be read, to say why.

/// Every field of a brief.
const FIELDS: &[&str] = &[
    "$schema",
    "accent",
    "ages",
    "allow_teasers",
    "alt",
    "audience",
    "banned_words",
    "brand",
    "budget",
    "call_to_action",
    "category",
    "colors",
    "covers",
    "currency",
    "description",
    "destination_url",
    "disclaimer",
    "enabled",
    "ends",
    "evidence",
    "fact",
    "facts",
    "file",
    "footage",
    "format",
    "generated",
    "id",
    "kind",
    "licence",
    "locale",
    "max_price",
    "must_not_say",
    "must_say",
    "name",
    "objective",
    "offer",
    "pictures",
    "placements",
    "price_before",
    "price_now",
    "primary",
    "product",
    "pronunciations",
    "quote",
    "redeem",
    "short_name",
    "source",
    "sources",
    "spoken",
    "territories",
    "text",
    "tone",
    "tone_examples",
    "total",
    "type",
    "vertical",
    "voice",
    "written",
];

/// Line and cure of the first sign that is not the one the format wants.
pub(super) fn wrong_sign(text: &str) -> Option<String> {
    text.lines()
        .enumerate()
        .find_map(|(idx, line)| in_line(line).map(|cure| format!("line {}: {cure}", idx + 1)))
}

fn in_line(line: &str) -> Option<String> {
    if let Some(space) = line.chars().take_while(|c| c.is_whitespace()).find(|c| !matches!(c, ' ' | '\t')) {
        let name = if space == '\u{3000}' { "a full-width space" } else { "a special space" };
        return Some(format!("begins with {name} (U+{:04X}); indent with ordinary spaces", u32::from(space)));
    }
    let trimmed = line.trim_start();
    for dash in ['－', '—', '–', '−'] {
        if trimmed.strip_prefix(dash).is_some_and(|rest| rest.starts_with([' ', '\u{3000}'])) {
            return Some(format!("begins with `{dash}`; an entry of a list begins with `- `"));
        }
    }
    let begins: Vec<(usize, char)> = std::iter::once((0, '\n'))
        .chain(line.char_indices().filter(|(_, c)| matches!(c, '{' | ',' | '｛' | '，' | '、' | '-')))
        .collect();
    for (at, sign) in begins {
        let rest = &line[at..];
        let rest = rest.strip_prefix(sign).unwrap_or(rest);
        let (quote, rest) = unquoted(rest.trim_start());
        let Some(field) = FIELDS.iter().find(|field| {
            rest.strip_prefix(**field)
                .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        }) else {
            continue;
        };
        let behind = &rest[field.len()..];
        let (_, behind) = unquoted(behind);
        let behind = behind.trim_start();
        if !behind.starts_with([':', '：']) {
            continue;
        }
        if matches!(sign, '｛' | '，' | '、') {
            return Some(format!("`{sign}` before `{field}` is a full-width sign; write the ASCII one"));
        }
        if behind.starts_with('：') {
            return Some(format!(
                "`{field}` is followed by the full-width colon `：`; write `:` and a space"
            ));
        }
        if matches!(quote, Some('“' | '”' | '‘' | '’' | '＂')) {
            return Some(format!("`{field}` stands in typographic quotes; write straight ones or none"));
        }
        if sign == '\n' && quote.is_none() && behind[1..].starts_with(|c: char| !c.is_whitespace()) {
            return Some(format!("`{field}:` is not followed by a space; write one"));
        }
    }
    None
}

/// The quote that a text begins with, and what follows.
fn unquoted(text: &str) -> (Option<char>, &str) {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\'' | '“' | '”' | '‘' | '’' | '＂'));
    (quote, quote.map_or(text, |quote| &text[quote.len_utf8()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_of_another_keyboard_is_named_with_its_line() {
        for (text, line, said) in [
            ("id: x\ntext：好\n", 2, "`text` is followed by the full-width colon"),
            ("facts:\n  - id： x\n", 2, "`id` is followed by the full-width colon"),
            ("colors: { primary：\"#22313F\" }\n", 1, "`primary` is followed by the full-width colon"),
            ("budget: { total: \"60.00\"， currency: USD }\n", 1, "`，` before `currency`"),
            ("budget: ｛ total: \"60.00\" }\n", 1, "`｛` before `total`"),
            ("{\n  \"id\"：\"x\" }\n", 2, "`id` is followed by the full-width colon"),
            ("{\n  “id”: \"x\" }\n", 2, "typographic quotes"),
            ("facts:\n　- id: x\n", 2, "full-width space"),
            ("facts:\n  － id: x\n", 2, "`－`"),
            ("id: x\ntone:plain\n", 2, "not followed by a space"),
        ] {
            let message = wrong_sign(text).unwrap_or_else(|| unreachable!("{text}"));
            assert!(
                message.starts_with(&format!("line {line}: ")) && message.contains(said),
                "{text}: {message}"
            );
        }
    }

    #[test]
    fn signs_inside_texts_are_left_alone() {
        for text in [
            "text: 注意：好，很好\n",
            "description: name-brand kettles, text: yes\n",
            "  - \"好：text\"\n",
            "{\"text\":\"a\",\"id\":\"x\"}\n",
            "destination_url: https://example.com/?id:1\n",
        ] {
            assert_eq!(wrong_sign(text), None, "{text}");
        }
    }

    #[test]
    fn every_field_of_the_format_is_known() {
        fn visit(schema: &serde_json::Value) {
            if let Some(properties) = schema.get("properties").and_then(serde_json::Value::as_object) {
                for name in properties.keys() {
                    assert!(FIELDS.contains(&name.as_str()), "{name}");
                }
            }
            match schema {
                serde_json::Value::Object(fields) => fields.values().for_each(visit),
                serde_json::Value::Array(items) => items.iter().for_each(visit),
                _ => {}
            }
        }
        visit(&serde_json::to_value(schemars::schema_for!(crate::brief::Brief)).unwrap());
    }
}
