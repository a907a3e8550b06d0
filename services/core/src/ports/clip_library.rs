//! The library of clips: what was paid for once is not made again, neither in another run nor after a
//! restart.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::artifacts::ArtifactError;

/// Names a clip in the library: BLAKE3 of what it was made from, hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClipKey(pub String);

impl ClipKey {
    /// The key of the canonical JSON of `parts`: maps and fields sorted by name, without spaces.
    ///
    /// A value that cannot be written as JSON has the key of `null`; none of ours is such a value.
    #[must_use]
    pub fn of(parts: &impl Serialize) -> Self {
        let mut canonical = String::new();
        write_sorted(&serde_json::to_value(parts).unwrap_or_default(), &mut canonical);
        Self(blake3::hash(canonical.as_bytes()).to_hex().to_string())
    }

    /// The hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for ClipKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Writes JSON with sorted names, whatever order the value's maps keep.
fn write_sorted(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_by_key(|(name, _)| *name);
            text.push('{');
            for (idx, (name, field)) in fields.into_iter().enumerate() {
                if idx > 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                write_sorted(field, text);
            }
            text.push('}');
        }
        Value::Array(values) => {
            text.push('[');
            for (idx, value) in values.iter().enumerate() {
                if idx > 0 {
                    text.push(',');
                }
                write_sorted(value, text);
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

/// A clip as it is kept: imported, checked, and with its origin.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptClip {
    /// The MP4.
    pub mp4: Vec<u8>,
    /// Where it came from.
    pub origin: ClipOrigin,
}

/// Where a clip came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipOrigin {
    /// The source's name.
    pub source: String,
    /// The model, by its provider's name.
    pub model: String,
    /// The licence of its clips.
    pub licence: String,
    /// The seed that was used, where the provider tells, else the one that was asked for.
    pub seed: u64,
    /// Frames of the clip.
    pub frames: u32,
}

/// Keeps clips under the keys of what they were made from.
///
/// Contract:
/// 1. What was put is found until newer uses have taken its room: the clip used longest ago goes first, the
///    one put last stays.
/// 2. The clips take at most the library's room, but for one that is larger alone.
/// 3. A clip that is damaged is not found any more; a half-written one never is.
/// 4. Putting under a known key keeps the newer clip.
/// 5. Several processes may use one library.
///
/// Calls read and write files; callers make them where they may block.
pub trait ClipLibrary: Send + Sync {
    /// The clip under a key.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    fn find(&self, key: &ClipKey) -> Result<Option<KeptClip>, ArtifactError>;

    /// Keeps a clip.
    ///
    /// # Errors
    /// [`ArtifactError::Io`].
    fn put(&self, key: &ClipKey, clip: &KeptClip) -> Result<(), ArtifactError>;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_depend_on_values_and_not_on_the_order_of_names() {
        let mut text = String::new();
        write_sorted(&json!({"b": [1, {"d": "x\"y", "c": null}], "a": {}}), &mut text);
        assert_eq!(text, r#"{"a":{},"b":[1,{"c":null,"d":"x\"y"}]}"#);
        assert_eq!(ClipKey::of(&json!({"a": 1, "b": 2})), ClipKey::of(&json!({"b": 2, "a": 1})));
        assert_ne!(ClipKey::of(&json!({"a": 1})), ClipKey::of(&json!({"a": 2})));
    }
}
