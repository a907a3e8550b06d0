//! Golden samples: every stored or sent format, one file per version. A sample is never changed
//! once its version is released; a change of a type that breaks one breaks somebody's data.

use std::fs;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::event::{Event, MAX_EVENT_BYTES};
use spotwright_schemas::explanation::Explanations;
use spotwright_schemas::launch::Manifest;
use spotwright_schemas::outcome::{TraceLine, Winners};
use spotwright_schemas::script::Script;
use spotwright_schemas::storyboard::Storyboard;
use spotwright_schemas::storyboard_file::StoryboardFile;

/// The folders of events: one for each type.
const EVENTS: [&str; 8] = [
    "creative.requested",
    "variant.requested",
    "variant.rendered",
    "variant.scored",
    "creative.won",
    "placement.feedback",
    "creative.fatigued",
    "run.finished",
];

fn samples(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} holds no sample", folder.display());
    paths
        .into_iter()
        .map(|path| {
            let bytes = fs::read(&path).expect("readable");
            (path, bytes)
        })
        .collect()
}

/// Parses a sample, writes it again, compares, and checks it against the generated schema.
fn survives<T: DeserializeOwned + Serialize + JsonSchema>(folder: &str) -> Vec<(PathBuf, T)> {
    let schema = serde_json::to_value(schemars::schema_for!(T)).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the generated schema is a schema");
    samples(folder)
        .into_iter()
        .map(|(path, bytes)| {
            let name = path.display();
            let json: Value =
                serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            let parsed: T = serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(serde_json::to_value(&parsed).expect("serializes"), json, "{name}");
            if let Err(error) = validator.validate(&json) {
                panic!("{name} against its schema: {error}");
            }
            (path, parsed)
        })
        .collect()
}

#[test]
fn events_survive_and_stay_small() {
    for folder in EVENTS {
        for (path, event) in survives::<Event>(folder) {
            assert_eq!(event.payload.event_type(), format!("spotwright.{folder}.v1"), "{}", path.display());
            let bytes = serde_json::to_vec(&event).expect("serializes").len();
            assert!(bytes < MAX_EVENT_BYTES, "{}: {bytes} bytes", path.display());
        }
    }
}

#[test]
fn both_stages_of_a_render_have_a_sample() {
    for folder in ["variant.requested", "variant.rendered"] {
        let stages: Vec<String> = samples(folder)
            .iter()
            .map(|(_, bytes)| {
                let json: Value = serde_json::from_slice(bytes).expect("JSON");
                json["data"]["stage"].as_str().expect("a stage").to_owned()
            })
            .collect();
        assert_eq!(stages, ["preview", "final"], "{folder}");
    }
}

#[test]
fn events_of_a_later_minor_version_are_still_read() {
    for folder in EVENTS {
        for (path, bytes) in samples(folder) {
            let plain: Event = serde_json::from_slice(&bytes).expect("parses");
            let mut json: Value = serde_json::from_slice(&bytes).expect("JSON");
            json["traceparent"] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into();
            json["data"]["added_later"] = 1.into();
            let extended: Event =
                serde_json::from_value(json).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!(extended, plain, "{}", path.display());
        }
    }
}

#[test]
fn files_survive() {
    survives::<Winners>("winners");
    survives::<Explanations>("explanations");
    survives::<TraceLine>("trace-line");
    survives::<Manifest>("launch-manifest");
    survives::<Script>("script");
    for (path, storyboard) in survives::<Storyboard>("storyboard") {
        storyboard.validate().unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
    }
    for (path, file) in survives::<StoryboardFile>("storyboard-file") {
        file.validate().unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
    }
    for (path, brief) in survives::<Brief>("brief") {
        brief.validate().unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
    }
}

#[test]
fn briefs_refuse_unknown_fields() {
    for (_, bytes) in samples("brief") {
        let mut json: Value = serde_json::from_slice(&bytes).expect("JSON");
        json["product"]["added_later"] = 1.into();
        let problem = Brief::from_json(json.to_string().as_bytes()).expect_err("is refused");
        assert_eq!((problem.code.as_str(), problem.field.as_str()), ("SW0105", "product.added_later"));
    }
}

#[test]
fn example_briefs_agree_with_the_schema() {
    let schema = serde_json::to_value(schemars::schema_for!(Brief)).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the generated schema is a schema");
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let mut count = 0;
    for entry in fs::read_dir(examples).expect("the examples are there") {
        let path = entry.expect("readable").path().join("brief.yaml");
        let Ok(bytes) = fs::read(&path) else { continue };
        let brief =
            Brief::from_yaml(&bytes).unwrap_or_else(|problem| panic!("{}: {problem}", path.display()));
        let json = serde_json::to_value(&brief).expect("serializes");
        if let Err(error) = validator.validate(&json) {
            panic!("{} against the schema: {error}", path.display());
        }
        assert_eq!(Brief::from_json(json.to_string().as_bytes()).as_ref(), Ok(&brief), "{}", path.display());
        // The schema refuses what the reader refuses.
        let mut extended = json;
        extended["product"]["added_later"] = 1.into();
        assert!(!validator.is_valid(&extended), "{}", path.display());
        count += 1;
    }
    assert!(count >= 3, "{count} examples");
}
