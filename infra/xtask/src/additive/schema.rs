//! Schemas: what of a type breaks those who send it, and those who read it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::fields;

/// Who would miss something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// Clients send values of the type: what was taken must still be taken.
    Sent,
    /// Clients read values of the type: what they count on must still be there.
    Read,
}

/// Bounds of which a smaller one refuses more, and of which a larger one does.
const UPPER: [&str; 5] = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
const LOWER: [&str; 5] = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];

/// Compares types of two documents.
pub(super) struct Types<'a> {
    before: &'a Value,
    now: &'a Value,
    /// Named types that were compared already, or are being compared: types may hold themselves.
    seen: BTreeSet<(String, String, Way)>,
}

impl<'a> Types<'a> {
    pub(super) fn new(before: &'a Value, now: &'a Value) -> Self {
        Self { before, now, seen: BTreeSet::new() }
    }

    /// Adds what breaks between two schemas, each finding behind `at`; of a named type behind its name, once.
    pub(super) fn compare(
        &mut self,
        before: &Value,
        now: &Value,
        way: Way,
        at: &str,
        found: &mut Vec<String>,
    ) {
        let (old_null, before) = unwrap(before);
        let (new_null, now) = unwrap(now);
        if way == Way::Read && new_null && !old_null {
            found.push(format!("{at} may be null"));
        }
        if way == Way::Sent && old_null && !new_null {
            found.push(format!("{at} is not null any more"));
        }
        let mut at = at.to_owned();
        if let (Some(old), Some(new)) = (before["$ref"].as_str(), now["$ref"].as_str()) {
            if !self.seen.insert((old.to_owned(), new.to_owned(), way)) {
                return;
            }
            at = named(old, new, way);
        }
        let at = at.as_str();
        let (before, now) = (flat(before, self.before), flat(now, self.now));
        kinds(&before, &now, way, at, found);
        words(&before, &now, at, found);
        bounds(&before, &now, way, at, found);
        self.properties(&before, &now, way, at, found);
        self.alternatives(&before, &now, way, at, found);
        for part in ["items", "additionalProperties"] {
            match (before.get(part), now.get(part)) {
                (Some(old @ Value::Object(_)), Some(new @ Value::Object(_))) => {
                    self.compare(old, new, way, &inner(at, "[]"), found);
                }
                (old, Some(Value::Bool(false))) if way == Way::Sent && old != Some(&Value::Bool(false)) => {
                    found.push(format!("{at}: further fields are refused"));
                }
                _ => {}
            }
        }
    }

    fn properties(&mut self, before: &Flat, now: &Flat, way: Way, at: &str, found: &mut Vec<String>) {
        let of = |flat: &Flat| flat.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        let (old, new) = (of(before), of(now));
        for (name, schema) in &old {
            let Some(other) = new.get(name) else {
                found.push(format!("{at}: `{}` is gone", field(at, name)));
                continue;
            };
            self.compare(schema, other, way, &inner(at, name), found);
        }
        let (must_before, must_now) = (required(before), required(now));
        match way {
            Way::Sent => found.extend(
                must_now
                    .difference(&must_before)
                    .map(|name| format!("{at}: `{}` must be given", field(at, name))),
            ),
            Way::Read => found.extend(
                must_before
                    .difference(&must_now)
                    .filter(|name| new.contains_key(*name))
                    .map(|name| format!("{at}: `{}` may be absent", field(at, name))),
            ),
        }
    }

    /// Each form that was there must be there still; further ones are additions.
    fn alternatives(&mut self, before: &Flat, now: &Flat, way: Way, at: &str, found: &mut Vec<String>) {
        let (old, new) = (forms(before, self.before), forms(now, self.now));
        for (name, schema) in &old {
            if let Some(other) = new.get(name) {
                self.compare(schema, other, way, at, found);
            } else if !name.starts_with("word ") {
                found.push(format!("{at}: the form {name} is gone"));
            }
        }
    }
}

/// Whether a schema allows `null`, and what it says of everything else.
fn unwrap(schema: &Value) -> (bool, &Value) {
    if schema["type"].as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind == "null")) {
        return (true, schema);
    }
    for key in ["oneOf", "anyOf"] {
        let Some(forms) = schema[key].as_array() else { continue };
        let mut others = forms.iter().filter(|form| form["type"] != "null");
        if let (Some(only), None) = (others.next(), others.next()) {
            let (null, inner) = unwrap(only);
            return (null || forms.len() > 1, inner);
        }
    }
    match schema["allOf"].as_array().map(Vec::as_slice) {
        // A reference with a description.
        Some([only]) if schema["properties"].is_null() => unwrap(only),
        _ => (false, schema),
    }
}

/// How findings in a named type are told.
fn named(old: &str, new: &str, way: Way) -> String {
    let last = |target: &str| target.rsplit('/').next().unwrap_or(target).to_owned();
    let way = match way {
        Way::Sent => "sent",
        Way::Read => "read",
    };
    let (old, new) = (last(old), last(new));
    if old == new { format!("{old}, {way}") } else { format!("{old}, {way}, now {new}") }
}

/// A schema with what its `allOf` and its reference say, in one object.
type Flat = Map<String, Value>;

fn resolve<'a>(schema: &'a Value, document: &'a Value) -> &'a Value {
    let target = schema["$ref"].as_str().and_then(|target| target.strip_prefix('#'));
    target.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

fn flat(schema: &Value, document: &Value) -> Flat {
    let mut whole = Flat::new();
    gather(schema, document, &mut whole, 0);
    whole
}

/// Nesting of references and `allOf` that is followed.
const DEEPEST: usize = 16;

fn gather(schema: &Value, document: &Value, whole: &mut Flat, depth: usize) {
    let resolved = resolve(schema, document);
    for (key, value) in fields(resolved) {
        match (key.as_str(), whole.get_mut(key)) {
            ("allOf", _) => {
                for part in value.as_array().into_iter().flatten().filter(|_| depth < DEEPEST) {
                    gather(part, document, whole, depth + 1);
                }
            }
            ("properties", Some(Value::Object(known))) => {
                known.extend(fields(value).map(|(name, schema)| (name.clone(), schema.clone())));
            }
            ("required", Some(Value::Array(known))) => {
                known.extend(value.as_array().into_iter().flatten().cloned());
            }
            (_, Some(_)) => {}
            (_, None) => {
                whole.insert(key.clone(), value.clone());
            }
        }
    }
}

fn required(schema: &Flat) -> BTreeSet<String> {
    let names = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    names.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The forms of `oneOf` and `anyOf` by a name that stays when others come: what they refer to, the constants
/// in them, or their type.
fn forms<'a>(schema: &'a Flat, document: &Value) -> BTreeMap<String, &'a Value> {
    let lists = ["oneOf", "anyOf"].into_iter().filter_map(|key| schema.get(key)?.as_array());
    lists.flatten().map(|form| (form_name(form, document), form)).collect()
}

fn form_name(form: &Value, document: &Value) -> String {
    if let Some(target) = form["$ref"].as_str() {
        return target.rsplit('/').next().unwrap_or(target).to_owned();
    }
    let whole = flat(form, document);
    if let Some(word) = whole.get("const") {
        return format!("word {word}");
    }
    let constants = whole.get("properties").into_iter().flat_map(fields);
    let constants = constants.filter_map(|(name, schema)| Some(format!("{name} = {}", schema.get("const")?)));
    let constants: Vec<String> = constants.collect();
    if !constants.is_empty() {
        return constants.join(", ");
    }
    let kinds: Vec<String> = types(&whole).into_iter().flatten().collect();
    let names: Vec<String> = required(&whole).into_iter().collect();
    format!("{} {}", kinds.join(" or "), names.join(", ")).trim().to_owned()
}

/// The types that are allowed beside `null`; `None` for any.
fn types(schema: &Flat) -> Option<BTreeSet<String>> {
    let kinds = match schema.get("type")? {
        Value::String(only) => vec![only.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    Some(kinds.into_iter().filter(|kind| *kind != "null").map(str::to_owned).collect())
}

fn kinds(before: &Flat, now: &Flat, way: Way, at: &str, found: &mut Vec<String>) {
    let (Some(old), Some(new)) = (types(before), types(now)) else { return };
    let takes = |all: &BTreeSet<String>, kind: &String| {
        all.contains(kind) || kind == "integer" && all.contains("number")
    };
    let (given, taken) = match way {
        Way::Sent => (&old, &new),
        Way::Read => (&new, &old),
    };
    if given.iter().any(|kind| !takes(taken, kind)) {
        let list = |kinds: &BTreeSet<String>| kinds.iter().cloned().collect::<Vec<_>>().join(" or ");
        found.push(format!("{at} is `{}` and was `{}`", list(&new), list(&old)));
    }
}

/// The words that are listed, by `enum`, `const` or forms that are constants.
fn listed(schema: &Flat) -> BTreeSet<String> {
    let lists =
        ["enum", "oneOf", "anyOf"].into_iter().filter_map(|key| Some((key, schema.get(key)?.as_array()?)));
    let words = lists.flat_map(|(key, list)| {
        list.iter().filter_map(move |entry| if key == "enum" { Some(entry) } else { entry.get("const") })
    });
    words.chain(schema.get("const")).filter(|word| !word.is_null()).map(Value::to_string).collect()
}

fn words(before: &Flat, now: &Flat, at: &str, found: &mut Vec<String>) {
    let (old, new) = (listed(before), listed(now));
    // A text that may be any word now has lost none.
    if !new.is_empty() {
        found.extend(old.difference(&new).map(|word| format!("{at}: {word} is no word any more")));
    }
}

fn bounds(before: &Flat, now: &Flat, way: Way, at: &str, found: &mut Vec<String>) {
    let change = |key: &str| {
        let (old, new) = (before.get(key), now.get(key));
        let text = |value: Option<&Value>| value.map_or_else(|| "none".to_owned(), Value::to_string);
        (old != new).then(|| format!("{at} {key} is {} and was {}", text(new), text(old)))
    };
    let number = |schema: &Flat, key: &str| schema.get(key).and_then(Value::as_f64);
    if way == Way::Read {
        // Who reads a text by its format cannot read one without.
        found.extend(before.contains_key("format").then(|| change("format")).flatten());
        return;
    }
    for (keys, sign) in [(UPPER, 1.0), (LOWER, -1.0)] {
        for key in keys {
            let Some(new) = number(now, key) else { continue };
            if number(before, key).is_none_or(|old| new * sign < old * sign) {
                found.extend(change(key));
            }
        }
    }
    for key in ["format", "pattern", "uniqueItems"] {
        found.extend(now.contains_key(key).then(|| change(key)).flatten());
    }
}

/// The path of a field below what `at` names.
fn field(at: &str, name: &str) -> String {
    match at.rsplit_once(": `") {
        Some((_, outer)) => format!("{}.{name}", outer.trim_end_matches('`')),
        None => name.to_owned(),
    }
}

fn inner(at: &str, name: &str) -> String {
    let place = at.rsplit_once(": `").map_or(at, |(place, _)| place);
    format!("{place}: `{}`", field(at, name))
}
