//! Saved PDF and Word documents, each with what is true of it.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use spotwright_intake::{Source, read};

mod truth;

use truth::{Truth, wrong};

/// A document and what is true of it, or why nothing is read from it.
#[derive(Debug, Deserialize)]
struct TrueDocument {
    file: String,
    refused: Option<String>,
    #[serde(flatten)]
    truth: Truth,
}

#[test]
fn saved_documents_are_read_right_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents");
    let text = fs::read_to_string(folder.join("truth.yaml")).unwrap();
    let truths: Vec<TrueDocument> = serde_saphyr::from_str(&text).unwrap();
    assert!(!truths.is_empty());
    let mut report = String::new();
    for truth in &truths {
        let name = truth.file.clone();
        let bytes = fs::read(folder.join(&name)).unwrap();
        match (read(&[Source::named(&name, &bytes)], None), &truth.refused) {
            (Ok(draft), None) => {
                let (wrong, facts) = wrong(&draft, &truth.truth);
                for line in wrong.iter().chain(&facts) {
                    report.push_str(&format!("{name}: {line}\n"));
                }
            }
            (Ok(_), Some(why)) => report.push_str(&format!("{name}: read, though it is {why}\n")),
            (Err(problem), None) => report.push_str(&format!("{name}: {problem}\n")),
            (Err(problem), Some(why)) => {
                let told = match why.as_str() {
                    "encrypted" => "password",
                    "too_large" => "unpacks to more",
                    _ => "",
                };
                if !problem.to_string().contains(told) {
                    report.push_str(&format!("{name}: refused for another reason: {problem}\n"));
                }
            }
        }
    }
    println!("{report}");
    assert!(report.is_empty(), "{report}");
}
