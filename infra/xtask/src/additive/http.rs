//! The REST API: operations, their parameters, bodies and answers.

use serde_json::Value;

use super::fields;
use super::schema::{Types, Way};

/// What of `now` breaks a client that was made by `before`.
pub(super) fn breaks(before: &Value, now: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut types = Types::new(before, now);
    for (path, item) in fields(&before["paths"]) {
        for (method, old) in fields(item) {
            let at = format!("{} {path}", method.to_uppercase());
            match now["paths"][path].get(method) {
                Some(new) => operation(&mut types, old, new, &at, &mut found),
                None => found.push(format!("{at} is gone")),
            }
        }
    }
    found
}

fn operation(types: &mut Types<'_>, old: &Value, new: &Value, at: &str, found: &mut Vec<String>) {
    if old["operationId"] != new["operationId"] {
        found.push(format!("{at} is called {} and was {}", new["operationId"], old["operationId"]));
    }
    parameters(types, old, new, at, found);
    security(old, new, at, found);
    if new["requestBody"]["required"] == true && old["requestBody"]["required"] != true {
        found.push(format!("{at}: the body must be given"));
    }
    contents(types, &old["requestBody"], &new["requestBody"], Way::Sent, &format!("{at} request"), found);
    for (status, answer) in fields(&old["responses"]).filter(|(status, _)| status.starts_with('2')) {
        let Some(other) = new["responses"].get(status) else {
            found.push(format!("{at}: no answer {status} any more"));
            continue;
        };
        let at = format!("{at} {status}");
        contents(types, answer, other, Way::Read, &at, found);
        let lost = fields(&answer["headers"]).filter(|(name, _)| other["headers"].get(name).is_none());
        found.extend(lost.map(|(name, _)| format!("{at}: the header {name} is gone")));
    }
}

fn parameters(types: &mut Types<'_>, old: &Value, new: &Value, at: &str, found: &mut Vec<String>) {
    let list = |operation: &Value| operation["parameters"].as_array().cloned().unwrap_or_default();
    let same = |a: &Value, b: &Value| a["in"] == b["in"] && a["name"] == b["name"];
    let (old, new) = (list(old), list(new));
    let name = |parameter: &Value| parameter["name"].as_str().unwrap_or_default().to_owned();
    for one in &old {
        match new.iter().find(|other| same(one, other)) {
            Some(other) => {
                let at = format!("{at}: `{}`", name(one));
                types.compare(&one["schema"], &other["schema"], Way::Sent, &at, found);
            }
            None => found.push(format!("{at}: `{}` is gone", name(one))),
        }
    }
    for one in new.iter().filter(|one| one["required"] == true) {
        if !old.iter().any(|other| same(one, other) && other["required"] == true) {
            found.push(format!("{at}: `{}` must be given", name(one)));
        }
    }
}

/// Whoever could call it still can.
fn security(old: &Value, new: &Value, at: &str, found: &mut Vec<String>) {
    let list = |operation: &Value| operation["security"].as_array().cloned().unwrap_or_default();
    let (old, new) = (list(old), list(new));
    let opened = new.is_empty();
    let narrowed = old.is_empty() && !opened || old.iter().any(|one| !opened && !new.contains(one));
    if narrowed {
        found.push(format!("{at} needs another scope"));
    }
}

fn contents(types: &mut Types<'_>, old: &Value, new: &Value, way: Way, at: &str, found: &mut Vec<String>) {
    for (media, body) in fields(&old["content"]) {
        match new["content"].get(media) {
            Some(other) => types.compare(&body["schema"], &other["schema"], way, at, found),
            None => found.push(format!("{at}: {media} is gone")),
        }
    }
}
