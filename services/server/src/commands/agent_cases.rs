//! `spotwright agent cases`: the cases of the library that fit a brief, and why.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Value, json};
use spotwright_creative::cases::{By, Found, Library, Query, Source, TextVectors};
use spotwright_schemas::Problem;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::error::Code;

use super::{print_json, print_text};
use crate::brief_file;
use crate::text_vectors::SentenceVectors;

/// Most cases that are printed.
const MOST: u32 = 64;

/// Prints the `count` authored cases that fit the brief at `path` most; by vectors too where the
/// folder of `models` is given.
///
/// # Errors
/// [`Code::Option`] for a number out of range, the first problem of the brief, and
/// [`Code::ModelFile`] where vectors are asked for and their model is not installed.
pub fn execute(path: &Path, count: u32, models: Option<&Path>, as_json: bool) -> Result<(), Problem> {
    if !(1..=MOST).contains(&count) {
        return Err(Problem::new(Code::Option, "--count", format!("must be within 1 and {MOST}")));
    }
    let brief = brief_file::parse(path)?;
    let vectors = models.map(SentenceVectors::open).transpose()?;
    let vectors = vectors.as_ref().map(|vectors| -> &dyn TextVectors { vectors });
    let library = Library::builtin();
    let found = library.find(&Query { vectors, ..Query::new(&brief, count as usize) });
    let searched = library.cases(brief.locale).len();
    if as_json {
        print_json(&json!({
            "brief": brief.id,
            "searched": searched,
            "by": found.first().map(|first| first.by),
            "cases": found.iter().map(document).collect::<Vec<_>>(),
            "version": env!("CARGO_PKG_VERSION"),
        }));
    } else {
        print_text(&text(&brief, &found, searched));
    }
    Ok(())
}

/// A found case with everything an author wants to see of it.
fn document(found: &Found<'_>) -> Value {
    let case = match found.source {
        Source::Case(case) => json!(case),
        Source::Own(winner) => json!(winner),
    };
    json!({
        "id": found.source.id(),
        "score": (found.score * 1_000.0).round() / 1_000.0,
        "matched": found.matched,
        "why": found.why,
        "case": case,
    })
}

fn text(brief: &Brief, found: &[Found<'_>], searched: usize) -> String {
    let by = match found.first().map(|first| first.by) {
        Some(By::WordsAndVectors) => "words, concepts and vectors",
        Some(By::WordsAndConcepts) | None => "words and concepts",
    };
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ =
        writeln!(text, "{} ({}): {} of {searched} cases, by {by}", brief.id, brief.locale.tag(), found.len());
    for (idx, case) in found.iter().enumerate() {
        let parts = case.source.note_parts();
        let structure = parts.structure.map_or("", spotwright_schemas::script::Structure::as_str);
        let _ = writeln!(text, "\n  {}. {} ({structure}, {:.2})", idx + 1, parts.title, case.score);
        let _ = writeln!(text, "     {}: {}", parts.id, case.why);
        if !case.matched.is_empty() {
            let _ = writeln!(text, "     words: {}", case.matched.join(", "));
        }
        let _ = writeln!(text, "     {}", parts.why);
        for line in &parts.lines {
            let _ = writeln!(text, "       - {line}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief() -> Brief {
        Brief::from_yaml(include_bytes!("../../../../examples/coffee-en/brief.yaml")).expect("valid example")
    }

    #[test]
    fn a_count_out_of_range_is_refused_before_the_brief_is_read() {
        for count in [0, MOST + 1] {
            let problem = execute(Path::new("no/such/brief.yaml"), count, None, true).expect_err("refused");
            assert_eq!(problem.code, Code::Option);
        }
    }

    #[test]
    fn each_case_is_printed_with_its_id_its_reasons_and_its_lines() {
        let brief = brief();
        let found = Library::builtin().find(&Query::new(&brief, 2));
        let text = text(&brief, &found, 72);
        assert!(text.contains("2 of 72 cases, by words and concepts"), "{text}");
        for case in &found {
            let parts = case.source.note_parts();
            assert!(text.contains(&parts.id) && text.contains(&case.why), "{text}");
            assert!(parts.lines.iter().all(|line| text.contains(line)), "{text}");
        }
    }

    #[test]
    fn the_document_holds_the_whole_case() {
        let brief = brief();
        let found = Library::builtin().find(&Query::new(&brief, 1));
        let first = document(found.first().expect("a case"));
        assert_eq!(first["case"]["id"], first["id"]);
        assert!(first["case"]["shots"].as_array().is_some_and(|shots| shots.len() >= 4));
    }
}
