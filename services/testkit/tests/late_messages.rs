//! Messages that nobody waits for may come after the end of a run.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use spotwright_core::domain::run::{Counts, RunView, Stage};
use spotwright_creative::workflow::{AgentEvent, AgentState, decide};
use spotwright_schemas::event::CreativeFatigued;
use spotwright_schemas::ids::VariantId;
use spotwright_schemas::money::Micros;
use spotwright_testkit::fixtures;

fn at(stage: Stage) -> RunView {
    let run = fixtures::run(1);
    RunView {
        paused: false,
        cancelling: false,
        working: 0,
        id: run.id,
        organization: run.organization,
        request: Arc::new(run.request),
        version: 9,
        stage,
        generation: 2,
        state: Value::Null,
        messages: 9,
        counts: Counts::default(),
        settled: Micros::ZERO,
        reserved: Micros::ZERO,
        budget: run.budget,
    }
}

#[test]
fn wear_is_traced_the_same_before_and_after_the_end_of_the_run() {
    let event = || {
        let variant = VariantId::derive(1, "variant", 1);
        AgentEvent::Fatigued(CreativeFatigued { variant, generation: 2, frequency: 3.5 })
    };
    let state = AgentState::default();
    let before = decide(&at(Stage::Observing), &state, event(), Timestamp::UNIX_EPOCH);
    let after = decide(&at(Stage::Finished), &state, event(), Timestamp::UNIX_EPOCH);
    assert_eq!(before.trace.len(), 1);
    assert_eq!(before, after);
}
