//! Briefs from bytes: text, then YAML or JSON within limits, then values.

use serde::de::IgnoredAny;
use serde_path_to_error::{Path, Segment};
use serde_saphyr::Error as YamlError;

use super::{Brief, MAX_BRIEF_BYTES, comments, punctuation};
use crate::error::{Code, Problem};
use crate::strict::Strict;

/// Longest part of a foreign message or field name that is repeated to the user, in characters.
const QUOTED: usize = 300;

impl Brief {
    /// Parses and validates a YAML brief. Aliases, nesting and size are limited; merge keys and
    /// tags of other schemas are refused.
    ///
    /// # Errors
    /// [`Code::BriefTooLarge`], [`Code::BriefEncoding`], [`Code::BriefSyntax`], [`Code::BriefShape`],
    /// and everything [`Brief::validate`] finds.
    pub fn from_yaml(bytes: &[u8]) -> Result<Self, Problem> {
        let text = checked_text(bytes)?;
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! {
                max_depth: 24,
                max_nodes: 5_000,
                max_aliases: 50,
                max_anchors: 50,
                max_documents: 1,
                max_total_scalar_bytes: MAX_BRIEF_BYTES as usize,
            },
            merge_keys: serde_saphyr::MergeKeyPolicy::Error,
            reject_unsupported_tags: true,
            with_snippet: false,
        };
        if let Some(problem) = comments::cut_value(text) {
            return Err(problem);
        }
        let mut field = String::new();
        let parsed = serde_saphyr::with_deserializer_from_str_with_options(text, options, |deserializer| {
            serde_path_to_error::deserialize::<_, Self>(Strict::new(deserializer)).map_err(|error| {
                field = dotted(error.path());
                error.into_inner()
            })
        });
        let mut brief = parsed.map_err(|error| {
            if let Some(problem) = wrong_sign(text) {
                problem
            } else if is_syntax(&error) {
                yaml_syntax_problem(&error)
            } else {
                shape_problem(field, &error.to_string())
            }
        })?;
        brief.trim_line_breaks();
        brief.compose_letters();
        brief.validate()?;
        Ok(brief)
    }

    /// Parses and validates a JSON brief.
    ///
    /// # Errors
    /// As [`Brief::from_yaml`].
    pub fn from_json(bytes: &[u8]) -> Result<Self, Problem> {
        let text = checked_text(bytes)?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let mut brief: Self =
            serde_path_to_error::deserialize(Strict::new(&mut deserializer)).map_err(|error| {
                if let Some(problem) = wrong_sign(text).filter(|_| !error.inner().is_data()) {
                    return problem;
                }
                let field = dotted(error.path());
                let inner = error.into_inner();
                // A number in the place of a word is told as an error of syntax, though the text is sound.
                if inner.is_data() || serde_json::from_str::<IgnoredAny>(text).is_ok() {
                    shape_problem(field, &inner.to_string())
                } else {
                    let message = first_line(&inner.to_string());
                    let message = message.strip_prefix("EOF while").map_or_else(
                        || message.clone(),
                        |rest| format!("ends before the brief is complete, while{rest}"),
                    );
                    Problem::new(Code::BriefSyntax, "", message)
                }
            })?;
        deserializer.end().map_err(|_| {
            let message = "something follows the end of the brief; a file holds one brief";
            Problem::new(Code::BriefSyntax, "", message)
        })?;
        brief.trim_line_breaks();
        brief.compose_letters();
        brief.validate()?;
        Ok(brief)
    }
}

/// The sign of another keyboard that kept a text from being read.
fn wrong_sign(text: &str) -> Option<Problem> {
    punctuation::wrong_sign(text).map(|message| Problem::new(Code::BriefSyntax, "", message))
}

/// The text without a byte order mark.
fn checked_text(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.len() as u64 > MAX_BRIEF_BYTES {
        let message = format!("is {} bytes; at most {MAX_BRIEF_BYTES} are accepted", bytes.len());
        return Err(Problem::new(Code::BriefTooLarge, "", message));
    }
    let encoding = |message: String| Problem::new(Code::BriefEncoding, "", message);
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        encoding(format!("is not UTF-8 text (first wrong byte at offset {at}); save it as UTF-8"))
    })?;
    if let Some(at) = text.find('\0') {
        let message = format!("holds a zero byte at offset {at}; save it as plain UTF-8 text");
        return Err(encoding(message));
    }
    Ok(text.strip_prefix('\u{FEFF}').unwrap_or(text))
}

/// Writes a path as `product.facts[2].text`. Names of enum variants are values, not fields.
fn dotted(path: &Path) -> String {
    let mut dotted = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => dotted.extend(["[", &index.to_string(), "]"]),
            Segment::Map { key } => push_field(&mut dotted, key),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    dotted
}

pub(super) fn push_field(dotted: &mut String, name: &str) {
    if !dotted.is_empty() {
        dotted.push('.');
    }
    dotted.extend(name.chars().filter(|c| !c.is_control()).take(60));
}

/// A problem of the shape, with the field that is missing or doubled appended to the path.
fn shape_problem(mut field: String, message: &str) -> Problem {
    let quoted = |lead: &str| message.strip_prefix(lead).and_then(|rest| rest.split('`').next());
    if let Some(name) = quoted("missing field `") {
        push_field(&mut field, name);
        return Problem::new(Code::BriefShape, field, "is missing; it is required");
    }
    let doubled =
        message.strip_prefix("duplicate mapping key: ").and_then(|rest| rest.split(", set ").next());
    if let Some(name) = quoted("duplicate field `").or(doubled) {
        push_field(&mut field, name);
        return Problem::new(Code::BriefShape, field, "is given twice; remove one");
    }
    let unknown_placement = field.starts_with("placements[") && message.contains("unknown variant");
    let code = if unknown_placement { Code::PlacementUnknown } else { Code::BriefShape };
    let message = first_line(message);
    let broken_line = message.contains("unknown variant") && !message.contains("expected");
    let message = if broken_line {
        "ends in a line break; write the word on the line of its key".to_owned()
    } else if message.contains("unknown field") || message.contains("unknown variant") {
        message
    } else if field == "destination_url" {
        format!("must be a whole address such as `https://example.com/page`: {message}")
    } else if field.starts_with("audience.ages") {
        format!("must be two whole numbers such as `[25, 45]`: {message}")
    } else if let Some((_, at)) =
        message.split_once("cannot deserialize null into string; use Option<String>")
    {
        format!("is empty; a text is expected{at}")
    } else {
        message
    };
    Problem::new(code, field, message)
}

/// Whether a YAML error is one of the text, not of what the text says.
fn is_syntax(error: &YamlError) -> bool {
    match error {
        YamlError::AliasError { error, .. } => is_syntax(error),
        YamlError::ExternalMessage { .. }
        | YamlError::Eof { .. }
        | YamlError::MultipleDocuments { .. }
        | YamlError::Budget { .. }
        | YamlError::UnknownAnchor { .. }
        | YamlError::MergeKeyNotAllowed { .. }
        | YamlError::MergeValueNotMapOrSeqOfMaps { .. }
        | YamlError::UnsupportedTag { .. }
        | YamlError::AliasReplayCounterOverflow { .. }
        | YamlError::AliasReplayLimitExceeded { .. }
        | YamlError::AliasExpansionLimitExceeded { .. }
        | YamlError::AliasReplayStackDepthExceeded { .. }
        | YamlError::RecursiveReferencesRequireWeakTypes { .. }
        | YamlError::FoldedBlockScalarMustIndentContent { .. }
        | YamlError::IndentationError { .. }
        | YamlError::ContainerEndMismatch { .. }
        | YamlError::UnexpectedSequenceEnd { .. }
        | YamlError::UnexpectedMappingEnd { .. } => true,
        _ => false,
    }
}

fn yaml_syntax_problem(error: &YamlError) -> Problem {
    let message = match error {
        YamlError::Budget { .. } => {
            "goes beyond the limits on nesting, aliases, nodes or documents; write values out, one brief a file"
                .to_owned()
        }
        YamlError::MultipleDocuments { .. } => "holds more than one document; a file holds one brief".to_owned(),
        YamlError::MergeKeyNotAllowed { .. } => "merge keys (`<<`) are not accepted; write values out".to_owned(),
        _ => first_line(&error.to_string()),
    };
    Problem::new(Code::BriefSyntax, "", message)
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(QUOTED).collect()
}
