//! Words that a brand bans or the law forbids: whole words, in context, and said beforehand.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use spotwright_schemas::brief::Brief;
use spotwright_server::brief_file::{self, LoadedBrief};
use tempfile::TempDir;

mod common;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en")
}

fn example_json() -> Value {
    let text = fs::read(examples().join("brief.yaml")).expect("readable");
    serde_json::to_value(Brief::from_yaml(&text).expect("valid")).expect("serializes")
}

/// The example with other banned words, facts and small print, read as a file.
fn with_words(banned: &[&str], facts: &[&str], disclaimer: &str) -> LoadedBrief {
    let mut brief = example_json();
    brief["brand"]["banned_words"] = json!(banned);
    brief["disclaimer"] = json!(disclaimer);
    let evidence = json!({ "source": "our records" });
    let facts = facts.iter().enumerate().map(
        |(idx, text)| json!({ "id": format!("f{idx}"), "kind": "feature", "text": text, "evidence": evidence }),
    );
    brief["product"]["facts"] = facts.collect();
    let folder = TempDir::new().expect("a folder");
    for picture in ["coffee.png", "cup-tall.png", "cup-close.png"] {
        fs::copy(examples().join(picture), folder.path().join(picture)).expect("copies");
    }
    let path = folder.path().join("brief.json");
    fs::write(&path, brief.to_string()).expect("writes");
    brief_file::load(&path, &common::config()).unwrap_or_else(|problem| panic!("{brief}: {problem}"))
}

#[test]
fn banned_latin_words_match_whole_words() {
    with_words(
        &["ass", "art", "ad"],
        &["A glass lid", "Warm from the start", "Meadow grass"],
        "Made by hand",
    );
}

#[test]
fn small_print_may_deny_what_the_ad_must_not_claim() {
    with_words(&["cure", "guaranteed"], &["A glass lid"], "Not a cure. Results are not guaranteed.");
}

#[test]
fn check_says_which_facts_will_never_be_said_and_why() {
    let loaded = with_words(
        &[],
        &["The best coffee", "Glue cure time is 24 hours", "Guaranteed by a 2 year warranty"],
        "Made by hand",
    );
    let lost = spotwright_core::domain::copy_rules::terms::unsayable_facts(&loaded.brief);
    assert_eq!(lost.len(), 1, "{lost:?}");
    assert_eq!(lost[0].field, "product.facts[0].text");
    assert!(
        lost[0].objection.to_string().starts_with("`best` is not allowed in advertising copy"),
        "{lost:?}"
    );
}
