//! Every JSON form in which something is stored: what earlier versions wrote is read, and of what today's
//! version wrote nothing is lost or added on the way through this program.
//!
//! `golden/<form>.<number>.json` are rows of real runs, the newest number being today's form; a later number may
//! be an earlier row with what the form has gained. A file that was released never changes: where a form
//! changes, a row of the new form is put beside it under the next number.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use spotwright_core::domain::account::RunOrder;
use spotwright_core::domain::brand::BrandContent;
use spotwright_core::domain::campaign_order::MadeCampaign;
use spotwright_core::domain::experiment::{Experiment, LogEntry};
use spotwright_core::domain::observation::Observation;
use spotwright_core::domain::report::{ReportFile, ReportOrder};
use spotwright_core::domain::review::{Asked, Decision};
use spotwright_core::domain::run::RunRequest;
use spotwright_core::domain::variant::VariantBody;
use spotwright_core::ports::marketplace::{CreativeDelivery, MarketReport};
use spotwright_creative::workflow::AgentState;
use spotwright_schemas::Problem;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::event::Event;
use spotwright_schemas::experiment::ReadOut;

/// A stored form: its name, and how this program reads a text of it and writes it again.
type Form = (&'static str, fn(&str) -> Result<Value, serde_json::Error>);

fn through<T: Serialize + DeserializeOwned>(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::to_value(serde_json::from_str::<T>(text)?)
}

const FORMS: &[Form] = &[
    ("agent_state", through::<AgentState>),
    ("asked", through::<Asked>),
    ("brand", through::<BrandContent>),
    ("brief", through::<Brief>),
    ("campaign_order", through::<MadeCampaign>),
    ("campaign_report", through::<MarketReport>),
    ("decisions", through::<Vec<Decision>>),
    ("delivery", through::<CreativeDelivery>),
    ("experiment", through::<Experiment>),
    ("experiment_entry", through::<LogEntry>),
    ("message", through::<Event>),
    ("observation", through::<Observation>),
    ("problem", through::<Problem>),
    ("read_out", through::<ReadOut>),
    ("report_file", through::<ReportFile>),
    ("report_order", through::<ReportOrder>),
    ("run_order", through::<RunOrder>),
    ("run_request", through::<RunRequest>),
    ("variant", through::<VariantBody>),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The files of a form, oldest first.
fn files(name: &str) -> Vec<PathBuf> {
    let numbered = (1..).map(|number| folder().join(format!("{name}.{number}.json")));
    numbered.take_while(|path| path.exists()).collect()
}

/// Whether everything in `old` stands in `new`; what is `null` says nothing and may be left out.
fn is_kept(old: &Value, new: &Value) -> bool {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => old
            .iter()
            .all(|(key, value)| value.is_null() || new.get(key).is_some_and(|other| is_kept(value, other))),
        (Value::Array(old), Value::Array(new)) => {
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| is_kept(old, new))
        }
        // A number keeps its value, written with or without a point.
        (Value::Number(old), Value::Number(new)) => old.as_f64() == new.as_f64(),
        _ => old == new,
    }
}

#[test]
fn what_was_stored_is_read_and_nothing_of_it_is_lost() {
    for (name, through) in FORMS {
        let files = files(name);
        assert!(!files.is_empty(), "there is no row of `{name}` under {}", folder().display());
        for path in &files {
            let text = fs::read_to_string(path).unwrap();
            let read = through(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let file: Value = serde_json::from_str(&text).unwrap();
            assert!(is_kept(&file, &read), "{}:\n{file}\nbecame\n{read}", path.display());
            let is_newest = Some(path) == files.last();
            assert!(
                !is_newest || is_kept(&read, &file),
                "{}: a form has grown; add a row of it",
                path.display()
            );
        }
    }
}

#[test]
fn every_file_is_of_a_form_and_none_is_left_out() {
    let known: usize = FORMS.iter().map(|(name, _)| files(name).len()).sum();
    assert_eq!(fs::read_dir(folder()).unwrap().count(), known);
}

#[test]
fn a_form_that_nobody_wrote_is_refused() {
    for (name, through) in FORMS {
        let strange = through(r#"{"strange": 1}"#);
        assert!(strange.is_err(), "{name} takes anything");
    }
}
