//! Destination addresses, kept as they were written.
//!
//! Addresses of advertisements hold macros of platforms (`{gclid}`, `{{ad.id}}`, `__CLICKID__`), escapes of
//! other code pages (`%CC%D5`) and flags without a value, and whoever reads them compares bytes. Reading
//! one as a URL and writing it again would change all of these, so the text is what is kept; the parsed
//! form is for checks only.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use url::Url;

/// Longest accepted address in characters.
pub const MAX_DESTINATION: usize = 500;

/// The page that a click opens: a whole address, byte for byte as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    text: String,
    url: Url,
}

impl Destination {
    /// Reads an address; spaces and line breaks around it are no part of it.
    ///
    /// # Errors
    /// What keeps it from being an absolute URL.
    pub fn parse(text: &str) -> Result<Self, url::ParseError> {
        let text = text.trim();
        Ok(Self { text: text.to_owned(), url: Url::parse(text)? })
    }

    /// The address as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What a browser makes of it.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// Begin and end in bytes of the query, without its `?`; `None` where there is none.
    #[must_use]
    pub fn query_span(&self) -> Option<(usize, usize)> {
        let end = self.fragment_at();
        self.text[..end].find('?').map(|mark| (mark + 1, end))
    }

    /// Where the fragment with its `#` begins, or the text ends.
    #[must_use]
    pub fn fragment_at(&self) -> usize {
        self.text.find('#').unwrap_or(self.text.len())
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Destination {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Destination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Destination {
    fn schema_name() -> Cow<'static, str> {
        "Destination".into()
    }

    fn inline_schema() -> bool {
        true
    }

    // Not `format: uri`: strict validators refuse the braces of macros there.
    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": r"^\s*[hH][tT][tT][pP][sS]://" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_it_was_read() {
        for text in [
            "https://shop.example.com/mug?kw={keyword}&click={gclid}",
            "https://shop.example.com/{locale}/mug?cid={{campaign.id}}&ad={{ad.name}}",
            "https://shop.example.com/s?keywords=%CC%D5%B4%C9%B1%AD&page=1",
            "HTTPS://Shop.Example.com:443/a/../b?flag&&x=%20+%2b'\"<>|",
            "https://shop.example.com?flag#/route?x=1",
        ] {
            let read: Destination = serde_json::from_value(serde_json::json!(text)).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::json!(text));
        }
        assert_eq!(
            Destination::parse(" https://a.example.com/ \r\n").unwrap().as_str(),
            "https://a.example.com/"
        );
        assert!(Destination::parse("shop").is_err());
    }

    #[test]
    fn a_question_mark_in_the_fragment_begins_no_query() {
        let address = Destination::parse("https://example.com/#/a?b=1").unwrap();
        assert_eq!((address.query_span(), address.fragment_at()), (None, 20));
        let address = Destination::parse("https://example.com/?a#b").unwrap();
        assert_eq!(address.query_span(), Some((21, 22)));
    }
}
