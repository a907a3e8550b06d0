//! What the derive describes otherwise than it is, mended so that clients can be generated: files are bytes,
//! streams are text, the rows of lists have names, and words are listed.

use serde_json::{Value, json};

/// How the pages of a list are named by what is listed.
const LISTING: &str = "Listing_";

/// Refers to the named type in the lists of it, where the derive writes the type out a second time.
pub(super) fn rows(schemas: &mut Value) {
    let Some(schemas) = schemas.as_object_mut() else { return };
    let names: Vec<String> =
        schemas.keys().filter_map(|name| Some(name.strip_prefix(LISTING)?.to_owned())).collect();
    for name in names {
        if !schemas.contains_key(&name) {
            continue;
        }
        let list = schemas.get_mut(&format!("{LISTING}{name}"));
        if let Some(items) = list.and_then(|list| list.pointer_mut("/properties/data/items")) {
            *items = json!({ "$ref": format!("#/components/schemas/{name}") });
        }
    }
}

/// Lists words as an `enum`, and what they mean in the description, where they stand as one constant each:
/// that says the same, and generators make one type of it.
pub(super) fn words(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(words),
        Value::Object(fields) => {
            fields.values_mut().for_each(words);
            let forms = fields.get("oneOf").and_then(Value::as_array);
            let Some((values, meanings)) = forms.and_then(|forms| listed(forms)) else { return };
            let said = fields.get("description").and_then(Value::as_str).unwrap_or_default();
            let description = format!("{said}\n\n{meanings}").trim().to_owned();
            fields.remove("oneOf");
            fields.insert("type".to_owned(), json!("string"));
            fields.insert("enum".to_owned(), Value::Array(values));
            fields.insert("description".to_owned(), json!(description));
        }
        _ => {}
    }
}

/// The words of forms that are nothing else, and a line about each.
fn listed(forms: &[Value]) -> Option<(Vec<Value>, String)> {
    let mut lines = Vec::new();
    for form in forms {
        let word = form.get("const")?.as_str()?;
        let meaning = form["description"].as_str().unwrap_or_default().replace('\n', " ");
        lines.push(format!("- `{word}`: {meaning}").trim_end_matches(": ").to_owned());
    }
    let values = forms.iter().map(|form| form["const"].clone()).collect();
    (!lines.is_empty()).then(|| (values, lines.join("\n")))
}

/// What the derive makes of `Vec<u8>`.
fn is_bytes(schema: &Value) -> bool {
    schema["type"] == "array" && schema["items"]["type"] == "integer" && schema["items"]["minimum"] == 0
}

/// Mends the bodies of an operation: what is sent and what is answered.
pub(super) fn bodies(operation: &mut Value) {
    operation.get_mut("requestBody").into_iter().for_each(mend_contents);
    let answers = operation["responses"].as_object_mut().into_iter().flat_map(|answers| answers.values_mut());
    answers.for_each(mend_contents);
}

fn mend_contents(body: &mut Value) {
    let contents = body.get_mut("content").and_then(Value::as_object_mut);
    for (media, content) in contents.into_iter().flatten() {
        if media == "text/event-stream" {
            // The whole stream is a text; OpenAPI 3.1 has no place for what one event of it is.
            content["x-itemSchema"] = event(&content["schema"]);
            content["schema"] = json!({ "type": "string", "description": "Server-sent events" });
        } else if media != "application/json" && is_bytes(&content["schema"]) {
            content["schema"] = json!({ "type": "string", "format": "binary" });
        }
    }
}

/// One event of a stream (server-sent events), whose data is what `data` describes, as text.
fn event(data: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["id", "event", "data"],
        "properties": {
            "id": { "type": "string", "description": "What `Last-Event-ID` goes on after" },
            "event": { "type": "string", "description": "The type of the event" },
            "data": { "type": "string", "contentMediaType": "application/json", "contentSchema": data }
        }
    })
}
