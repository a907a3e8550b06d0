//! Spans of a run reach an OpenTelemetry collector, complete and in one trace; a collector that does
//! not take them changes nothing.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![cfg(unix)]

mod collector;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Stdio;

use collector::{Collector, Taken, expect_one_trace, values};
use spotwright_core::domain::topology::{CONSUMERS, StepKind};
use spotwright_core::ports::step_store::StepStore as _;
use spotwright_store::sqlite::SqliteStore;
use tokio::process::Command;

/// Works on a run among stand-ins, with the spans to `endpoint`; the id of the run.
async fn traced_run(folder: &Path, endpoint: &str) -> String {
    let brief = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en/brief.yaml");
    let out = folder.join("out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_spotwright-fault-child"));
    command.arg("job").arg(brief).arg("--out").arg(&out);
    command.args([
        "--generations",
        "2",
        "--variants",
        "4",
        "--winners",
        "2",
        "--seed",
        "5",
        "--threads",
        "2",
    ]);
    command.arg("--witness").arg(folder.join("witness")).args(["--render-price", "250000"]);
    command.env("SPOTWRIGHT__TELEMETRY__OTLP_ENDPOINT", endpoint).stdin(Stdio::null());
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let store = SqliteStore::open(&out.join("state/spotwright.sqlite")).await.unwrap();
    store.runs().await.unwrap()[0].to_string()
}

fn named<'a>(spans: &'a [Taken], name: &str) -> Vec<&'a Taken> {
    let begins = format!("{name} ");
    spans.iter().filter(|taken| taken.span.name == name || taken.span.name.starts_with(&begins)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_message_and_paid_call_of_a_run_is_in_its_trace() {
    let folder = tempfile::tempdir().unwrap();
    let (collector, endpoint) = Collector::start().await;
    let run = traced_run(folder.path(), &endpoint).await;
    let spans = collector.taken();
    expect_one_trace(&spans, &run);
    // The brief asks for no generated shot.
    let kinds = StepKind::ALL.iter().filter(|kind| !kind.makes_clip());
    let kinds: BTreeSet<String> = kinds.map(|kind| kind.as_str().to_owned()).collect();
    assert_eq!(values(&spans, "step.kind"), kinds);
    let consumers = values(&spans, "message.consumer");
    // Nothing grows tired of an advert in a run of two generations.
    let expected: BTreeSet<String> = CONSUMERS
        .iter()
        .filter(|&&name| name != "agent.creative-fatigued")
        .map(|&name| name.to_owned())
        .collect();
    assert!(consumers.is_superset(&expected), "{consumers:?}");
    let calls = named(&spans, "paid_call");
    assert_eq!(calls.len(), 4, "two winners in each of two generations are rendered for money");
    for call in &calls {
        assert_eq!(call.attributes["outcome"], "called");
        assert_eq!(call.attributes["call.charged_micros"], "250000");
        let step = spans.iter().find(|taken| taken.span.span_id == call.span.parent_span_id).unwrap();
        assert_eq!(step.attributes["step.kind"], "render");
        assert_eq!(step.attributes["step.id"], call.attributes["step.id"]);
    }
    assert!(named(&spans, "step").iter().all(|step| step.attributes["outcome"] == "done"));
    assert!(named(&spans, "step").iter().all(|step| step.attributes["step.attempts"] == "1"));
    assert!(named(&spans, "message").iter().all(|message| message.attributes["outcome"] == "taken_in"));
    let root = named(&spans, "run")[0];
    assert_eq!(root.attributes["outcome"], "completed");
    assert_eq!(values(&spans, "organization.id").len(), 1);
    assert!(spans.iter().all(|taken| taken.roles == "all" && taken.process == spans[0].process));
    assert_eq!(values(&spans, "run.id"), BTreeSet::from([run]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_does_not_mind_a_collector_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let refused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    traced_run(folder.path(), &format!("http://{refused}")).await;
}
