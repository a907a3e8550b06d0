//! `spotwright copy lint`: advertising law and platform policy, line by line, on any text.

use std::fmt::Write as _;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value, json};
use spotwright_core::domain::copy_rules::compliance::{Claim, Finding, Rules, Severity};
use spotwright_schemas::error::Code;
use spotwright_schemas::{Locale, Problem};

use super::{print_json, print_text};

/// Most bytes of a text that is judged at once.
const MOST_BYTES: u64 = 32 << 20;

/// A line of JSON Lines. Other fields are left alone, so that labelled files can be fed as they are.
#[derive(Debug, Deserialize)]
struct Given {
    #[serde(flatten)]
    claim: Claim,
    /// Language of this line, before that of the command line.
    #[serde(default)]
    locale: Option<String>,
}

/// A line of the text that is not blank.
struct Line {
    /// Its number, from 1.
    number: usize,
    claim: Claim,
    locale: Locale,
}

/// Judges the text of `file`, or of standard input without one. Findings are no failure.
///
/// # Errors
/// [`Code::Option`] where the file cannot be read, is too large, or the locale is none;
/// [`Code::Table`] for a line that is not JSON although the first one is.
pub fn execute(file: Option<&Path>, locale: &str, as_json: bool) -> Result<(), Problem> {
    let locale = locale_of(locale, "--locale")?;
    let rules = Rules::shipped()?;
    let lines = lines(&text_of(file)?, locale)?;
    let judged: Vec<(&Line, Vec<Finding>)> =
        lines.iter().map(|line| (line, rules.lint(&line.claim, line.locale))).collect();
    if as_json {
        let lines: Vec<Value> = judged.iter().map(|(line, findings)| line_json(line, findings)).collect();
        print_json(&json!({
            "lines": lines,
            "locale": locale,
            "rules": rules.ids().count(),
            "seed": Value::Null,
            "version": env!("CARGO_PKG_VERSION"),
            "machine": super::Machine::here(),
        }));
    } else {
        print_text(&report(&judged));
    }
    Ok(())
}

/// The locale with this tag. British English is judged by the English packs, which hold both laws.
fn locale_of(tag: &str, field: &str) -> Result<Locale, Problem> {
    match tag {
        "zh-CN" => Ok(Locale::ZhCn),
        "en-US" | "en-GB" => Ok(Locale::EnUs),
        _ => {
            Err(Problem::new(Code::Option, field, format!("`{tag}` is no locale; there are zh-CN and en-US")))
        }
    }
}

fn text_of(file: Option<&Path>) -> Result<String, Problem> {
    let name = file.map_or_else(|| "standard input".to_owned(), |file| file.display().to_string());
    let wrong = |what: String| Problem::new(Code::Option, "FILE", format!("{name}: {what}"));
    let mut bytes = Vec::new();
    let read = match file {
        Some(path) => {
            std::fs::File::open(path).and_then(|opened| opened.take(MOST_BYTES + 1).read_to_end(&mut bytes))
        }
        None => std::io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut bytes),
    };
    read.map_err(|error| wrong(error.to_string()))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(wrong(format!("larger than {} MiB", MOST_BYTES >> 20)));
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong("not UTF-8 text".to_owned()))?;
    Ok(text.strip_prefix('\u{FEFF}').map(str::to_owned).unwrap_or(text))
}

/// The lines that are not blank; JSON Lines where the first of them is a JSON object.
fn lines(text: &str, locale: Locale) -> Result<Vec<Line>, Problem> {
    let mut given = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    let is_json = given
        .peek()
        .is_some_and(|(_, line)| matches!(serde_json::from_str::<Value>(line), Ok(Value::Object(_))));
    given
        .map(|(idx, line)| {
            let number = idx + 1;
            if !is_json {
                return Ok(Line { number, claim: Claim::plain(line), locale });
            }
            let field = format!("line {number}");
            let read: Given = serde_json::from_str(line)
                .map_err(|error| Problem::new(Code::Table, field.clone(), error.to_string()))?;
            let locale = read.locale.map_or(Ok(locale), |tag| locale_of(&tag, &field))?;
            Ok(Line { number, claim: read.claim, locale })
        })
        .collect()
}

fn line_json(line: &Line, findings: &[Finding]) -> Value {
    let (excused, counted): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| finding.exception.is_some());
    json!({ "line": line.number, "text": line.claim.text, "findings": counted, "excused": excused })
}

fn report(judged: &[(&Line, Vec<Finding>)]) -> String {
    let mut text = String::new();
    let (mut errors, mut warnings) = (0, 0);
    for (line, findings) in judged.iter().filter(|(_, findings)| !findings.is_empty()) {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}: {}", line.number, line.claim.text);
        for finding in findings {
            let label = match (&finding.exception, finding.severity) {
                (Some(_), _) => "excused",
                (None, Severity::Error) => "error",
                (None, Severity::Warning) => "warning",
            };
            match (&finding.exception, finding.severity) {
                (Some(_), _) => {}
                (None, Severity::Error) => errors += 1,
                (None, Severity::Warning) => warnings += 1,
            }
            let _ = write!(text, "  {label} {}: “{}” ({})", finding.rule, finding.text, finding.law);
            if !finding.rewrite.is_empty() {
                let _ = write!(text, "; say “{}”", finding.rewrite);
            }
            if let Some(exception) = &finding.exception {
                let _ = write!(text, "; {exception}");
            }
            text.push('\n');
        }
    }
    let _ = writeln!(text, "{} lines, {errors} errors, {warnings} warnings", judged.len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_lines_keep_their_numbers_and_json_lines_their_record() {
        let plain = lines("最好的杯子\n\n你好\n", Locale::ZhCn).unwrap();
        assert_eq!(plain.iter().map(|line| line.number).collect::<Vec<_>>(), [1, 3]);
        let text = "{\"id\":\"a\",\"text\":\"Only 2 left!\",\"evidence\":[\"stock: 2\"],\"category\":\"clothing\",\
                    \"locale\":\"en-GB\"}\n";
        let given = lines(text, Locale::ZhCn).unwrap();
        assert_eq!(given[0].claim.evidence, ["stock: 2"]);
        assert_eq!(given[0].claim.category.as_deref(), Some("clothing"));
        assert_eq!(given[0].locale, Locale::EnUs);
    }

    #[test]
    fn a_line_that_is_not_json_is_named() {
        let problem = lines("{\"text\":\"a\"}\nplain\n", Locale::EnUs).err().unwrap();
        assert_eq!(problem.code, Code::Table);
        assert_eq!(problem.field, "line 2");
        assert!(locale_of("fr-FR", "--locale").is_err());
    }

    #[test]
    fn what_the_record_proves_stands_apart_from_the_findings() {
        let text = "{\"text\":\"Only 40 jars made.\",\"category\":\"food\",\"evidence\":[\"Batch sheet: 40 jars\"]}\n\
                    {\"text\":\"Only 40 jars made.\",\"category\":\"food\"}\n";
        let lines = lines(text, Locale::EnUs).unwrap();
        let rules = Rules::shipped().unwrap();
        let values: Vec<Value> =
            lines.iter().map(|line| line_json(line, &rules.lint(&line.claim, line.locale))).collect();
        assert_eq!(values[0]["findings"], json!([]));
        assert_eq!(values[0]["excused"][0]["exception"], "on record: Batch sheet: 40 jars");
        assert_eq!(values[1]["findings"][0]["category"], "urgency");
        assert_eq!(values[1]["findings"][0]["exception"], Value::Null);
    }
}
