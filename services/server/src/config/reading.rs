//! Reading the layers of the configuration: a file, then the environment.
//!
//! No message repeats a value: a key, a password or an address may stand in any of them, also in the wrong
//! place. A value of the environment has the type that its key has by default, never one by its looks: a
//! secret of digits is a text.

use std::path::Path;

use figment::error::{Actual, Error, Kind};
use figment::providers::{Env, Format as _, Serialized, Toml};
use figment::value::{Dict, Tag, Value};
use figment::{Figment, Profile};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use super::{Config, DEFAULTS};

/// What the names of the environment begin with.
const PREFIX: &str = "SPOTWRIGHT__";

/// Merges the layers and reads them, without checking ranges.
///
/// # Errors
/// [`Code::Option`] with the full path of the key.
pub(super) fn layered(file: Option<&Path>) -> Result<Config, Problem> {
    let environment: Vec<(String, String)> = Env::prefixed(PREFIX)
        .split("__")
        .iter()
        .map(|(key, value)| (key.as_str().to_owned(), value))
        .collect();
    layers(file, environment)?.extract().map_err(|error| problem(&error))
}

fn layers(file: Option<&Path>, environment: Vec<(String, String)>) -> Result<Figment, Problem> {
    let defaults = Figment::from(Toml::string(DEFAULTS));
    let mut layers = defaults.clone();
    if let Some(file) = file {
        layers = layers.merge(Toml::string(&text_of(file)?));
    }
    for (key, value) in environment {
        layers =
            layers.merge(Serialized::from(nested(&key, typed(&defaults, &key, &value)?), Profile::Default));
    }
    Ok(layers)
}

/// The text of a configuration file that is well-formed.
fn text_of(file: &Path) -> Result<String, Problem> {
    let wrong = |message: String| Problem::new(Code::Option, "--config", message);
    if !file.is_file() {
        return Err(wrong(format!("there is no file `{}`", file.display())));
    }
    let bytes = std::fs::read(file)
        .map_err(|error| wrong(format!("`{}` cannot be read: {error}", file.display())))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| wrong(format!("`{}` is not UTF-8 text; save it as UTF-8", file.display())))?;
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text).to_owned();
    // The parser's own message quotes the line, which may hold a secret.
    if let Err(error) = toml::from_str::<toml::Table>(&text) {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        let line = text.as_bytes()[..at].split(|byte| *byte == b'\n').count();
        let said = error.message().lines().next().unwrap_or_default().to_owned();
        return Err(wrong(format!("line {line} of `{}` is not well-formed TOML: {said}", file.display())));
    }
    Ok(text)
}

/// A value of the environment as the type that its key has by default.
fn typed(defaults: &Figment, key: &str, value: &str) -> Result<Value, Problem> {
    let wrong =
        |message: &str| Err(Problem::new(Code::Option, key, format!("{message} (in the environment)")));
    if value.contains(char::REPLACEMENT_CHARACTER) {
        return wrong("must be UTF-8 text");
    }
    // What files of variables leave at the end of a line is no part of a value.
    let text = value.trim();
    let list = |text: &str| -> Vec<String> {
        let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        let items = inner.split(',').map(|item| item.trim().trim_matches(['"', '\'']).to_owned());
        items.filter(|item| !item.is_empty()).collect()
    };
    match defaults.find_value(key) {
        Ok(Value::Bool(..)) => match text {
            "true" => Ok(Value::from(true)),
            "false" => Ok(Value::from(false)),
            _ => wrong("must be `true` or `false`"),
        },
        Ok(Value::Num(..)) => match text.parse::<figment::value::Num>() {
            Ok(number) => Ok(Value::Num(Tag::Default, number)),
            Err(_) => wrong("must be a number"),
        },
        Ok(Value::Array(..)) => Ok(Value::from(list(text))),
        Ok(Value::Dict(..)) => match by_looks(text) {
            Value::Dict(tag, fields) => Ok(Value::Dict(tag, fields)),
            _ => wrong("is a section, not a value; name one of its keys"),
        },
        // A key of a table without keys of its own by default: nothing else says what it is.
        Err(_) if lies_in_open_table(defaults, key) && !key.ends_with("_key") => Ok(by_looks(text)),
        _ => Ok(Value::from(text)),
    }
}

fn by_looks(text: &str) -> Value {
    // Cannot fail: what is nothing else is a text.
    text.parse().unwrap_or_else(|_| Value::from(text))
}

fn lies_in_open_table(defaults: &Figment, key: &str) -> bool {
    let mut above = key;
    while let Some((parent, _)) = above.rsplit_once('.') {
        if let Ok(Value::Dict(_, fields)) = defaults.find_value(parent) {
            return fields.is_empty();
        }
        above = parent;
    }
    false
}

/// A value below its sections.
fn nested(key: &str, value: Value) -> Dict {
    let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
    let below = match rest {
        Some(rest) => Value::from(nested(rest, value)),
        None => value,
    };
    Dict::from([(first.to_owned(), below)])
}

/// What is wrong, by the kind of the error alone.
fn problem(error: &Error) -> Problem {
    let message = match &error.kind {
        Kind::InvalidType(actual, expected) => format!("is {}; expected is {expected}", type_name(actual)),
        Kind::InvalidValue(_, expected) => format!("is out of range; expected is {expected}"),
        Kind::InvalidLength(n, expected) => format!("has {n} entries; expected is {expected}"),
        Kind::UnknownVariant(_, known) => format!("must be one of {}", listed(known)),
        Kind::UnknownField(name, known) => format!("there is no key `{name}`; there are {}", listed(known)),
        Kind::MissingField(name) => format!("the key `{name}` is missing"),
        Kind::DuplicateField(name) => format!("the key `{name}` is given twice"),
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => "is out of range".to_owned(),
        Kind::Message(_) | Kind::Unsupported(_) | Kind::UnsupportedKey(..) => {
            "has a value that is not accepted; `spotwright config --defaults` shows what is".to_owned()
        }
    };
    Problem::new(Code::Option, error.path.join("."), message)
}

fn listed(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

const fn type_name(actual: &Actual) -> &'static str {
    match actual {
        Actual::Bool(_) => "`true` or `false`",
        Actual::Unsigned(_) | Actual::Signed(_) | Actual::Float(_) => "a number",
        Actual::Char(_) | Actual::Str(_) | Actual::Bytes(_) => "a text",
        Actual::Seq => "a list",
        Actual::Map => "a section",
        _ => "something else",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(key: &str, value: &str) -> Result<Config, Problem> {
        layers(None, vec![(key.to_owned(), value.to_owned())])?.extract().map_err(|error| problem(&error))
    }

    #[test]
    fn a_text_of_the_environment_stays_a_text_whatever_it_looks_like() {
        for value in
            ["123456", "00012", "1e5", "true", "[abc]", "0x1F", "{a=b}", "-1", "3.10", "\"q\"", "a=b,c"]
        {
            assert_eq!(with("llm.api_key", value).unwrap().llm.api_key, value);
            assert_eq!(with("artifacts.access_key", value).unwrap().artifacts.access_key, value);
            assert_eq!(with("serve.pepper", value).unwrap().serve.pepper, value);
        }
        assert_eq!(with("llm.api_key", " sk-1\r\n").unwrap().llm.api_key, "sk-1");
        assert_eq!(with("store.readers", "3").unwrap().store.readers, 3);
        for list in ["[generic,tiktok_feed]", "generic, tiktok_feed", "[\"generic\", \"tiktok_feed\"]"] {
            assert_eq!(
                with("publish.platforms", list).unwrap().publish.platforms,
                ["generic", "tiktok_feed"]
            );
        }
    }

    #[test]
    fn a_wrong_value_of_the_environment_is_named_by_its_key_and_never_shown() {
        for (key, value, path) in [
            ("store.readers", "s3cret", "store.readers"),
            ("store.readers", "-1", "store.readers"),
            ("llm.provider", "s3cret", "llm.provider"),
            ("llm", "s3cret", "llm"),
            ("llm.unknown.deep", "s3cret", "llm.unknown"),
            ("bus.url", "amqp://\u{FFFD}", "bus.url"),
        ] {
            let problem = with(key, value).expect_err(key);
            assert_eq!((problem.code, problem.field.as_str()), (Code::Option, path), "{problem}");
            assert!(!problem.message.contains(value), "{problem}");
        }
    }

    #[test]
    fn no_message_about_a_file_repeats_its_values() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("c.toml");
        for (text, line) in [
            ("[llm]\napi_key = \"s3cret\n", "line 2"),
            ("[llm]\napi_key = s3cret\n", "line 2"),
            ("[llm]\napi_key = 's3cret' s3cret\n", "line 2"),
            ("[bus]\n\nurl = \"amqp://u:s3cret@h\"\nurl = \"amqp://u:s3cret@h\"\n", "not well-formed"),
            ("[llm]\napi_key = 73733737\n", "llm.api_key"),
            ("[llm]\napi_key = [\"s3cret\"]\n", "llm.api_key"),
            ("[llm]\nprovider = \"s3cret\"\n", "llm.provider"),
            ("[engine]\nlease_ms = \"s3cret\"\n", "engine.lease_ms"),
            ("[artifacts]\naccess_key = 1979-05-27\n", "artifacts.access_key"),
        ] {
            std::fs::write(&file, text).unwrap();
            let said = Config::load(Some(&file)).expect_err(text).to_string();
            assert!(said.contains(line), "{said}");
            assert!(
                !said.contains("s3cret") && !said.contains("73733737") && !said.contains("1979"),
                "{said}"
            );
        }
        std::fs::write(&file, b"\xFF\xFE").unwrap();
        assert!(Config::load(Some(&file)).unwrap_err().message.contains("UTF-8"));
        std::fs::write(&file, "\u{FEFF}[run]\nvariants = 3\nwinners = 1\n").unwrap();
        assert_eq!(Config::load(Some(&file)).unwrap().run.variants, 3);
    }
}
