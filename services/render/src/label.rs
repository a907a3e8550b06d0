//! The metadata label of AI-made content.
//!
//! # Source
//! GB 45438-2025 and TC260-PG-20257A: an MP4 carries the key `AIGC` with seven string values in a
//! fixed order. Read in secondary sources; the primary text was not read.

use serde::{Deserialize, Serialize};
use spotwright_schemas::error::{Code, Problem};

/// The metadata key.
pub const KEY: &str = "AIGC";
/// Who made the content: written as producer and as first propagator.
pub const PRODUCER: &str = "spotwright";

/// The label's seven values, in the order they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Label {
    /// `1`: made by AI, `2`: may be, `3`: suspected.
    pub label: String,
    /// Name or code of the producer.
    pub content_producer: String,
    /// The producer's id of the content.
    #[serde(rename = "ProduceID")]
    pub produce_id: String,
    /// Integrity value; empty here.
    pub reserved_code1: String,
    /// Name or code of who passed it on.
    pub content_propagator: String,
    /// The propagator's id of the content.
    #[serde(rename = "PropagateID")]
    pub propagate_id: String,
    /// Integrity value; empty here.
    pub reserved_code2: String,
}

impl Label {
    /// The label of content made here: the first propagator is the producer.
    ///
    /// # Errors
    /// [`Code::Render`] for an id that is empty, longer than 128 characters, or holds anything but
    /// printable ASCII without space, quote and backslash.
    pub fn made_here(produce_id: &str) -> Result<Self, Problem> {
        let plain = |b: u8| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'\\');
        if produce_id.is_empty() || produce_id.len() > 128 || !produce_id.bytes().all(plain) {
            return Err(Problem::new(
                Code::Render,
                "produce_id",
                "must be 1 to 128 printable ASCII characters without space, quote and backslash",
            ));
        }
        Ok(Self {
            label: "1".to_owned(),
            content_producer: PRODUCER.to_owned(),
            produce_id: produce_id.to_owned(),
            reserved_code1: String::new(),
            content_propagator: PRODUCER.to_owned(),
            propagate_id: produce_id.to_owned(),
            reserved_code2: String::new(),
        })
    }

    /// The value of the metadata key: plain JSON in the prescribed order.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Values are plain ASCII without quotes, so nothing needs escaping.
        format!(
            r#"{{"Label":"{}","ContentProducer":"{}","ProduceID":"{}","ReservedCode1":"{}","ContentPropagator":"{}","PropagateID":"{}","ReservedCode2":"{}"}}"#,
            self.label,
            self.content_producer,
            self.produce_id,
            self.reserved_code1,
            self.content_propagator,
            self.propagate_id,
            self.reserved_code2
        )
    }

    /// Reads a label; `None` when the text is not one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let label: Self = serde_json::from_str(text).ok()?;
        (["1", "2", "3"].contains(&label.label.as_str()) && !label.content_producer.is_empty())
            .then_some(label)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_the_prescribed_order_and_read_back() {
        let label = Label::made_here("variant-7").expect("plain");
        let json = label.to_json();
        assert_eq!(
            json,
            r#"{"Label":"1","ContentProducer":"spotwright","ProduceID":"variant-7","ReservedCode1":"","ContentPropagator":"spotwright","PropagateID":"variant-7","ReservedCode2":""}"#
        );
        assert_eq!(Label::parse(&json), Some(label));
    }

    #[test]
    fn ids_that_could_break_the_json_are_refused() {
        for bad in ["", "a b", "a\"b", "a\\b", "编号", "a\u{7f}"] {
            assert!(Label::made_here(bad).is_err(), "{bad:?}");
        }
        assert!(Label::parse(r#"{"Label":"9"}"#).is_none());
    }
}
