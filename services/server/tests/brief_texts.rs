//! Briefs as people write them in an editor: block texts, comments, signs of another keyboard, names of
//! pictures that two systems spell in two ways.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use spotwright_schemas::brief::Brief;
use spotwright_server::brief_file;
use tempfile::TempDir;

mod common;

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en")
}

fn example() -> String {
    fs::read_to_string(examples().join("brief.yaml")).expect("the example is there")
}

fn example_json() -> Value {
    serde_json::to_value(Brief::from_yaml(example().as_bytes()).expect("valid")).expect("serializes")
}

#[test]
fn a_block_text_says_the_same_as_its_line() {
    let mut brief = example_json();
    brief["audience"]["description"] = json!("people who brew at home and forget their cup");
    let plain = Brief::from_json(brief.to_string().as_bytes()).expect("valid");
    let line = example()
        .lines()
        .find(|line| line.trim_start().starts_with("description:"))
        .expect("there")
        .to_owned();
    let indent = line.len() - line.trim_start().len();
    let deeper = " ".repeat(indent + 2);
    for block in [
        format!(">\n{deeper}people who brew at home\n{deeper}and forget their cup\n"),
        format!(">+\n{deeper}people who brew at home and forget their cup\n\n"),
        format!("|\n{deeper}people who brew at home and forget their cup\n"),
    ] {
        let text = example().replacen(&line, &format!("{}description: {block}", " ".repeat(indent)), 1);
        for text in [text.clone(), text.replace('\n', "\r\n")] {
            let read =
                Brief::from_yaml(text.as_bytes()).unwrap_or_else(|problem| panic!("{block}: {problem}"));
            assert_eq!(read, plain, "{block}");
        }
    }
    let two = example().replacen(
        &line,
        &format!("{}description: |\n{deeper}two\n{deeper}lines\n", " ".repeat(indent)),
        1,
    );
    let problem = Brief::from_yaml(two.as_bytes()).expect_err("two lines");
    assert_eq!(
        (problem.field.as_str(), problem.message.contains("line break")),
        ("audience.description", true)
    );
}

#[test]
fn a_picture_is_found_however_its_letters_are_spelled() {
    // One `é`, and an `e` with an accent; in a folder of its own too.
    for (named, lies) in
        [("caf\u{E9}/t\u{E9}.png", "cafe\u{301}/te\u{301}.png"), ("te\u{301}.png", "t\u{E9}.png")]
    {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join(lies);
        fs::create_dir_all(path.parent().expect("a parent")).expect("creates");
        fs::copy(examples().join("coffee.png"), &path).expect("copies");
        let mut brief = example_json();
        let pictures = brief["product"]["pictures"].as_array_mut().expect("a list");
        pictures.truncate(1);
        pictures[0]["file"] = json!(named);
        let file = folder.path().join("brief.json");
        fs::write(&file, brief.to_string()).expect("writes");
        brief_file::load(&file, &common::config()).unwrap_or_else(|problem| panic!("{named}: {problem}"));
    }
}

#[test]
fn what_cuts_a_text_or_keeps_it_from_being_read_is_named_with_its_line() {
    let text = example();
    let line_of = |part: &str| text.lines().position(|line| line.contains(part)).expect("there") + 1;
    let first = line_of("text:");
    let fact = text.lines().nth(first - 1).expect("there").trim_start().trim_start_matches("- ").to_owned();
    let color = text.lines().nth(line_of("primary") - 1).expect("there").to_owned();
    for (from, to, code, line, said) in [
        (fact.as_str(), "text: Voted #1 roast", "SW0120", first, "\"Voted #1 roast\""),
        (fact.as_str(), "text: #1 roast", "SW0120", first, "\"#1 roast\""),
        (color.as_str(), &color.replace('"', ""), "SW0120", line_of("primary"), "\"#"),
        ("objective:", "objective：", "SW0104", line_of("objective:"), "full-width colon"),
    ] {
        let changed = text.replacen(from, to, 1);
        let problem = Brief::from_yaml(changed.as_bytes()).expect_err(to);
        assert_eq!(problem.code.as_str(), code, "{to}: {problem}");
        assert!(
            problem.message.contains(&format!("line {line}: ")) && problem.message.contains(said),
            "{to}: {problem}"
        );
    }
}
