//! Storyboard files from bytes.

use serde::de::Error as _;
use serde_path_to_error::Path;

use super::{MAX_FILE_BYTES, StoryboardFile};
use crate::error::{Code, Problem};
use crate::strict::Strict;

impl StoryboardFile {
    /// Parses and validates a YAML file. Aliases, nesting and size are limited.
    ///
    /// # Errors
    /// [`Code::Storyboard`] with the path of the first fault.
    pub fn from_yaml(bytes: &[u8]) -> Result<Self, Problem> {
        let text = checked_text(bytes)?;
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_depth: 24,
                max_nodes: 50_000,
                max_aliases: 200,
                max_anchors: 50,
                max_documents: 1,
                max_total_scalar_bytes: MAX_FILE_BYTES as usize,
            },
            merge_keys: serde_saphyr::MergeKeyPolicy::Error,
            reject_unsupported_tags: true,
            with_snippet: false,
        };
        let mut field = String::new();
        let parsed = serde_saphyr::with_deserializer_from_str_with_options(text, options, |deserializer| {
            serde_path_to_error::deserialize::<_, Self>(Strict::new(deserializer)).map_err(|error| {
                field = dotted(error.path());
                error.into_inner()
            })
        });
        let file = parsed.map_err(|error| wrong(field, &error.to_string()))?;
        file.validate()?;
        Ok(file)
    }

    /// Parses and validates a JSON file.
    ///
    /// # Errors
    /// As [`StoryboardFile::from_yaml`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, Problem> {
        let text = checked_text(bytes)?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let file: Self =
            serde_path_to_error::deserialize(Strict::new(&mut deserializer)).map_err(|error| {
                let field = dotted(error.path());
                wrong(field, &error.into_inner().to_string())
            })?;
        deserializer.end().map_err(|error| wrong(String::new(), &error.to_string()))?;
        file.validate()?;
        Ok(file)
    }

    /// Parses and validates what a file of this name holds: JSON by its ending, else YAML.
    ///
    /// # Errors
    /// As [`StoryboardFile::from_yaml`].
    pub fn from_file(name: &str, bytes: &[u8]) -> Result<Self, Problem> {
        let is_json =
            std::path::Path::new(name).extension().is_some_and(|end| end.eq_ignore_ascii_case("json"));
        if is_json { Self::from_json(bytes) } else { Self::from_yaml(bytes) }
    }
}

fn checked_text(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(wrong(String::new(), &format!("the file is larger than {MAX_FILE_BYTES} bytes")));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let error = serde_json::Error::custom(format!("the file is not UTF-8: {error}"));
        wrong(String::new(), &error.to_string())
    })
}

fn wrong(field: String, message: &str) -> Problem {
    let first = message.lines().next().unwrap_or_default();
    Problem::new(Code::Storyboard, field, first.chars().take(300).collect::<String>())
}

fn dotted(path: &Path) -> String {
    let text = path.to_string();
    if text == "." { String::new() } else { text }
}
