//! `spotwright check`: a brief and its pictures, without doing anything.

use std::path::Path;

use serde_json::json;
use spotwright_core::domain::copy_rules::terms;
use spotwright_schemas::Problem;

use super::{print_json, print_text};
use crate::brief_file;
use crate::config::Config;

/// Checks a brief.
///
/// # Errors
/// The first problem found.
pub fn execute(path: &Path, config: &Config, json: bool) -> Result<(), Problem> {
    let loaded = brief_file::load(path, config)?;
    let unsayable = terms::unsayable_facts(&loaded.brief);
    let questions = spotwright_creative::clarify::questions(&loaded.brief);
    if json {
        print_json(&json!({
            "valid": true,
            "brief": loaded.brief.id,
            // What the API takes as `brief`, whatever format the file has.
            "document": loaded.brief,
            "facts": loaded.brief.product.facts.len(),
            "pictures": loaded.pictures.iter().map(|p| [p.width, p.height]).collect::<Vec<_>>(),
            "never_said": unsayable,
            "questions": questions,
            "warnings": loaded.warnings,
            "version": env!("CARGO_PKG_VERSION"),
        }));
        return Ok(());
    }
    print_text(&format!(
        "{} is a valid brief: {} facts, {} pictures\n",
        path.display(),
        loaded.brief.product.facts.len(),
        loaded.pictures.len()
    ));
    for fact in unsayable {
        print_text(&format!("  will never be said: {} “{}”: {}\n", fact.field, fact.text, fact.objection));
    }
    for warning in &loaded.warnings {
        print_text(&format!("  warning: {warning}\n"));
    }
    for question in questions {
        print_text(&format!("  it would help to know: {} ({})\n", question.text, question.default));
    }
    Ok(())
}
