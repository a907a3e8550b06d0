//! Laws of the machine: what each command allows, and that days go on as ordered.

use proptest::prelude::*;
use spotwright_schemas::experiment::{
    ExperimentMetric, ExperimentOrder, ReadOutArm, ReadOutMetric, ReadOutSrm, Sentences,
};
use spotwright_schemas::ids::{ExperimentId, OrganizationId, RunId, VariantId};
use spotwright_schemas::money::{Currency, Micros};

use super::super::order::draft;
use super::*;

fn experiment(maximum_days: u32) -> Experiment {
    let variant = |number| VariantId::derive(1, "variant", number);
    let order: ExperimentOrder = serde_json::from_value(json!({
        "name": "hook", "run": RunId::derive(1, "run", 0), "hypothesis": "B is better", "primary": "ctr",
        "arms": [{ "variant": variant(1) }, { "variant": variant(2) }, { "variant": variant(3) }],
        "stopping": { "minimum_days": 1, "maximum_days": maximum_days }, "traffic": { "day_seconds": 60 }
    }))
    .expect("an order");
    let organization = OrganizationId::derive(1, "organization", 0);
    draft(ExperimentId::derive(1, "experiment", 0), organization, &order, Currency::USD, 0)
}

fn read_out(day: u32, phase: u32, alarm: bool, standing: ExperimentVerdict) -> ReadOut {
    ReadOut {
        day,
        phase,
        phase_day: day,
        source: FeedbackSource::Simulated,
        at: "1970-01-01T00:00:00Z".to_owned(),
        currency: "USD".to_owned(),
        primary: ReadOutMetric { metric: ExperimentMetric::Ctr, goal: "increase".to_owned() },
        arms: Vec::new(),
        comparisons: Vec::new(),
        srm: ReadOutSrm { p_value: Some(0.5), warning: alarm, alarm, observed: vec![], expected: vec![] },
        guardrails: Vec::new(),
        gates: Vec::new(),
        required: None,
        verdict: standing.clone(),
        standing,
        sentence: Sentences { en: "said".to_owned(), zh: "说".to_owned() },
        adjusted: None,
        incrementality: None,
        segments: None,
        notes: Vec::new(),
    }
}

fn winner() -> ExperimentVerdict {
    ExperimentVerdict { verdict: VerdictWord::Winner, arm: Some("B".to_owned()), metric: None }
}

fn asked(command: Command, at: i64) -> Asked {
    Asked { command, text: "because".to_owned(), by: Author::service(), at }
}

fn after(experiment: &Experiment, commands: Vec<Command>) -> Experiment {
    commands.into_iter().fold(experiment.clone(), |experiment, command| {
        decide(&experiment, asked(command, 1)).expect("allowed").experiment
    })
}

#[test]
fn an_experiment_goes_its_way() {
    let running = after(&experiment(14), vec![Command::Start]);
    assert_eq!((running.state, running.next_day_at), (ExperimentState::Running, Some(1)));
    let day = Command::Day(Box::new(read_out(1, 1, false, winner())));
    let change = decide(&running, asked(day, 5)).expect("played");
    assert_eq!(change.experiment.next_day_at, Some(60_000_005));
    assert_eq!(change.log.iter().map(|entry| entry.kind).collect::<Vec<_>>(), [EntryKind::Verdict]);
    assert_eq!(change.events[0].payload.event_type(), "spotwright.experiment.readout.v1");
    let choice = ExperimentChoice::Adopt;
    let decided = decide(&change.experiment, asked(Command::Decide { choice, arm: Some("B".to_owned()) }, 6))
        .expect("decided");
    let types: Vec<_> = decided.events.iter().map(|event| event.payload.event_type()).collect();
    assert_eq!(types, ["spotwright.experiment.stopped.v1", "spotwright.experiment.decided.v1"]);
    assert_ne!(decided.events[0].id, decided.events[1].id);
    let decision = decided.experiment.decision.as_ref().expect("a decision");
    assert!(decision.agrees);
    let archived = after(&decided.experiment, vec![Command::Archive]);
    assert_eq!(archived.state, ExperimentState::Archived);
}

#[test]
fn another_division_is_another_phase_without_a_verdict() {
    let day = Command::Day(Box::new(read_out(1, 1, false, winner())));
    let played = after(&experiment(14), vec![Command::Start, day]);
    let weights = vec![1.0, 3.0, 1.0];
    let divided = after(&played, vec![Command::Reallocate { weights: weights.clone(), holdout: None }]);
    assert_eq!((divided.phase(), divided.phases[1].from_day, &divided.verdict), (2, 2, &None));
    assert_eq!(divided.phases[0].weights, [1.0; 3], "the first phase stays as it was");
    let wrong = |weights, holdout| {
        decide(&played, asked(Command::Reallocate { weights, holdout }, 1)).expect_err("wrong").field
    };
    assert_eq!(wrong(vec![1.0], None), "weights");
    assert_eq!(wrong(weights, Some(0.1)), "holdout");
}

#[test]
fn nothing_is_adopted_after_a_mismatch() {
    let alarm = Command::Day(Box::new(read_out(1, 1, true, winner())));
    let running = after(&experiment(14), vec![Command::Start]);
    let change = decide(&running, asked(alarm, 1)).expect("played");
    assert_eq!(change.experiment.verdict, Some(mismatch()), "whatever the day says");
    let types: Vec<_> = change.events.iter().map(|event| event.payload.event_type()).collect();
    assert_eq!(types, ["spotwright.experiment.srm_alarm.v1", "spotwright.experiment.readout.v1"]);
    let later = Command::Day(Box::new(read_out(2, 1, false, winner())));
    let change = decide(&change.experiment, asked(later, 2)).expect("played");
    assert_eq!(change.events.len(), 1, "the alarm is told once");
    for (choice, arm) in [(ExperimentChoice::Adopt, Some("B")), (ExperimentChoice::KeepControl, None)] {
        let command = Command::Decide { choice, arm: arm.map(str::to_owned) };
        let refused = decide(&change.experiment, asked(command, 3)).expect_err("a mismatch");
        assert_eq!(refused.code, Code::ExperimentMismatch);
    }
    let command = Command::Decide { choice: ExperimentChoice::Inconclusive, arm: None };
    assert!(decide(&change.experiment, asked(command, 3)).is_ok());
}

#[test]
fn the_largest_event_fits_its_bound() {
    let mut experiment = after(&experiment(14), vec![Command::Start]);
    experiment.name = "\u{1F600}".repeat(80);
    let name = "\u{1F600}".repeat(24);
    let verdict = ExperimentVerdict {
        verdict: VerdictWord::Guardrail,
        arm: Some(name.clone()),
        metric: Some("revenue_per_impression".to_owned()),
    };
    let mut large = read_out(1, 1, false, verdict);
    large.sentence = Sentences { en: "x".repeat(5_000), zh: "说".repeat(5_000) };
    large.srm.p_value = Some(0.123_456_789_012_345_67);
    large.arms = vec![
        ReadOutArm {
            name,
            role: ArmRole::Control,
            units: 999_999_999,
            impressions: 9_999_999_999,
            clicks: 9_999_999_999,
            conversions: 9_999_999_999,
            spend_micros: Micros(9_999_999_999_999_999),
            revenue_micros: None,
            value: None,
            standard_error: None,
            weight: 0.1,
        };
        9
    ];
    let change = decide(&experiment, asked(Command::Day(Box::new(large)), 1)).expect("played");
    for event in &change.events {
        let bytes = serde_json::to_vec(event).expect("JSON").len();
        assert!(bytes <= spotwright_schemas::event::MAX_EVENT_BYTES, "{bytes}");
    }
}

#[test]
fn who_decides_names_an_arm_that_can_be_adopted() {
    let day = Command::Day(Box::new(read_out(1, 1, false, winner())));
    let played = after(&experiment(14), vec![Command::Start, day]);
    let field = |choice, arm: Option<&str>| {
        let command = Command::Decide { choice, arm: arm.map(str::to_owned) };
        decide(&played, asked(command, 1)).expect_err("wrong").field
    };
    assert_eq!(field(ExperimentChoice::Adopt, None), "arm");
    assert_eq!(field(ExperimentChoice::Adopt, Some("A")), "arm");
    assert_eq!(field(ExperimentChoice::Adopt, Some("Z")), "arm");
    assert_eq!(field(ExperimentChoice::KeepControl, Some("B")), "arm");
}

/// Something that may be tried in any state; days are numbered as they are due, or one off.
fn attempt() -> impl Strategy<Value = (u8, bool, u8)> {
    (0_u8..9, any::<bool>(), 0_u8..8)
}

fn command(experiment: &Experiment, (kind, flag, number): (u8, bool, u8)) -> Command {
    let verdicts = [VerdictWord::TooEarly, VerdictWord::Winner, VerdictWord::Control, VerdictWord::Undecided];
    let standing = ExperimentVerdict::of(verdicts[usize::from(number) % 4]);
    match kind {
        0 => Command::Start,
        1 => Command::Pause,
        2 => Command::Resume,
        3 => Command::Stop(StoppedBecause::Person),
        4 => {
            let choice = if flag { ExperimentChoice::Adopt } else { ExperimentChoice::Inconclusive };
            Command::Decide { choice, arm: flag.then(|| "B".to_owned()) }
        }
        5 => Command::Reallocate { weights: vec![1.0, f64::from(number), 1.0], holdout: None },
        6 if number == 0 => Command::Archive,
        _ => {
            let day = experiment.day + 1 + u32::from(flag && number == 1);
            Command::Day(Box::new(read_out(day, experiment.phase(), number == 7, standing)))
        }
    }
}

fn rank(state: ExperimentState) -> usize {
    ExperimentState::ALL.iter().position(|own| *own == state).unwrap_or(0)
}

proptest! {
    #[test]
    fn the_laws_hold_whatever_is_tried(attempts in prop::collection::vec(attempt(), 1..60)) {
        let mut experiment = experiment(9);
        let design = experiment.design.clone();
        let mut decided = None;
        for (at, tried) in attempts.into_iter().enumerate() {
            let command = command(&experiment, tried);
            let is_day = matches!(command, Command::Day(_));
            let Ok(change) = decide(&experiment, asked(command.clone(), at as i64)) else { continue };
            let next = &change.experiment;
            prop_assert_eq!(&next.design, &design);
            prop_assert_eq!(next.version, experiment.version + 1);
            let goes_back = rank(next.state) < rank(experiment.state);
            prop_assert!(!goes_back || command == Command::Resume, "{:?}", command);
            prop_assert_eq!(next.day, experiment.day + u32::from(is_day));
            prop_assert!(!is_day || experiment.state == ExperimentState::Running);
            prop_assert!(next.day <= design.stopping.maximum_days);
            prop_assert!(next.state != ExperimentState::Running || next.day < design.stopping.maximum_days);
            prop_assert_eq!(next.next_day_at.is_some(), next.state == ExperimentState::Running);
            prop_assert!(next.phases.starts_with(&experiment.phases));
            prop_assert!(next.srm_alarm || !experiment.srm_alarm, "an alarm stays");
            if next.srm_alarm {
                prop_assert_eq!(next.verdict.as_ref().map(|own| own.verdict), Some(VerdictWord::Mismatch));
                let choice = next.decision.as_ref().map(|decision| decision.choice);
                prop_assert!(choice.is_none_or(|choice| choice == ExperimentChoice::Inconclusive) || decided.is_some());
            }
            prop_assert!(is_day || !change.log.is_empty(), "every command has an entry");
            if let Some(before) = &decided {
                prop_assert_eq!(next.decision.as_ref(), Some(before), "a decision stays");
            }
            decided = next.decision.clone();
            experiment = change.experiment;
        }
    }
}
