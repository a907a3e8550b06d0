//! Reading JSON bodies field by field, with words about the field that is wrong.

use serde_json::{Map, Value};

/// Fields of a JSON object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a>(pub(crate) &'a Map<String, Value>);

impl<'a> Fields<'a> {
    pub(crate) fn of(value: &'a Value, name: &str) -> Result<Self, String> {
        value.as_object().map(Self).ok_or_else(|| format!("{name} must be an object"))
    }

    /// A field that is there and not null.
    pub(crate) fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// A text of at most `max` characters; an empty one counts as absent.
    pub(crate) fn text(self, name: &str, max: usize) -> Result<Option<&'a str>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| format!("{name} must be a string"))?;
        if text.chars().count() > max {
            return Err(format!("{name} must not be longer than {max} characters"));
        }
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    pub(crate) fn needed(self, name: &str, max: usize) -> Result<&'a str, String> {
        self.text(name, max)?.ok_or_else(|| format!("{name} must not be empty"))
    }

    /// One of `allowed`; the first when absent.
    pub(crate) fn one_of(self, name: &str, allowed: &[&'static str]) -> Result<&'static str, String> {
        let Some(text) = self.text(name, usize::MAX)? else {
            return Ok(allowed.first().copied().unwrap_or_default());
        };
        let found = allowed.iter().find(|one| **one == text);
        found.copied().ok_or_else(|| format!("{name} value `{text}` is invalid: one of {allowed:?}"))
    }

    pub(crate) fn number(self, name: &str, min: f64, max: f64) -> Result<Option<f64>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_f64().ok_or_else(|| format!("{name} must be a number"))?;
        if (min..=max).contains(&number) {
            Ok(Some(number))
        } else {
            Err(format!("{name} must be in [{min}, {max}]"))
        }
    }

    pub(crate) fn whole(self, name: &str, min: u64, max: u64) -> Result<Option<u64>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_u64().filter(|number| (min..=max).contains(number));
        number.map(Some).ok_or_else(|| format!("{name} must be a whole number in [{min}, {max}]"))
    }

    pub(crate) fn flag(self, name: &str, default: bool) -> Result<bool, String> {
        let Some(value) = self.get(name) else { return Ok(default) };
        value.as_bool().ok_or_else(|| format!("{name} must be true or false"))
    }

    /// A list of at most `max`; empty when absent.
    pub(crate) fn list(self, name: &str, max: usize) -> Result<&'a [Value], String> {
        let Some(value) = self.get(name) else { return Ok(&[]) };
        let list = value.as_array().ok_or_else(|| format!("{name} must be an array"))?;
        if list.len() > max {
            return Err(format!("{name} must not have more than {max} entries"));
        }
        Ok(list)
    }
}

/// Digest of a request without what may differ between two calls for the same thing.
pub(crate) fn digest(endpoint: &str, body: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(endpoint.as_bytes());
    match serde_json::from_slice::<Value>(body) {
        Ok(mut value) => {
            for fields in [value.as_object_mut()].into_iter().flatten() {
                for name in
                    ["external_task_id", "callback_url", "client_id", "prompt_id", "extra_data", "user"]
                {
                    fields.remove(name);
                }
                if let Some(options) = fields.get_mut("options").and_then(Value::as_object_mut) {
                    options.remove("external_task_id");
                    options.remove("callback_url");
                }
            }
            hasher.update(value.to_string().as_bytes());
        }
        Err(_) => {
            hasher.update(body);
        }
    }
    format!("request-{}", &hasher.finalize().to_hex()[..16])
}
