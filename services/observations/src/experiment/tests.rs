//! Read-outs of made-up exposures whose truth is known.

use serde_json::{Value, json};
use spotwright_core::domain::experiment::order::{check, draft};
use spotwright_schemas::experiment::ExperimentOrder;
use spotwright_schemas::ids::{ExperimentId, OrganizationId, RunId, VariantId};
use spotwright_schemas::money::Currency;

use super::*;

fn experiment(change: impl FnOnce(&mut Value)) -> Experiment {
    let variant = |number| VariantId::derive(1, "variant", number);
    let mut order = json!({
        "name": "hook", "run": RunId::derive(1, "run", 0), "hypothesis": "B is better", "primary": "ctr",
        "guardrails": [{ "metric": "cpc", "margin": 0.1 }], "smallest_effect": 0.2,
        "arms": [{ "variant": variant(1) }, { "variant": variant(2) }],
        "stopping": { "minimum_days": 3, "maximum_days": 14 }
    });
    change(&mut order);
    let order: ExperimentOrder = serde_json::from_value(order).expect("an order");
    check(&order).expect("a right order");
    let organization = OrganizationId::derive(1, "organization", 0);
    let id = ExperimentId::derive(1, "experiment", 0);
    Experiment { state: ExperimentState::Running, ..draft(id, organization, &order, Currency::USD, 0) }
}

/// Users of one arm on one day, of whom the first `clicks` click once.
fn users(arm: u32, day: u32, units: u64, clicks: u64) -> Vec<Exposure> {
    let one = |unit: u64| Exposure {
        unit: unit * 8 + u64::from(arm),
        arm,
        phase: 1,
        day,
        hour: 24.0 * f64::from(day - 1) + 1.5,
        propensity: 0.5,
        impressions: 1 + (unit % 2) as u32,
        clicks: u32::from(unit < clicks),
        conversions: 0,
        spend: Micros(if unit < clicks { 1_000_000 + (unit % 7) as i64 } else { 0 }),
        earlier_clicks: 2,
        remembered: 1.25,
        last_hour: 24.0 * f64::from(day - 1) + 2.0,
    };
    (0..units).map(one).collect()
}

fn days(last: u32, of_a: [u64; 2], of_b: [u64; 2]) -> Vec<Exposure> {
    (1..=last)
        .flat_map(|day| [users(0, day, of_a[0], of_a[1]), users(1, day, of_b[0], of_b[1])])
        .flatten()
        .collect()
}

#[test]
fn users_who_come_again_are_one_unit() {
    let read = read_out(&experiment(|_| ()), 2, &days(2, [1_000, 20], [1_000, 40]), 0).unwrap();
    assert_eq!((read.arms[0].units, read.arms[0].clicks), (1_000, 40));
    assert_eq!(read.arms[0].impressions, 3_000);
    assert_eq!(read.arms[1].value, Some(80.0 / 3_000.0));
    assert_eq!(read.standing.verdict, VerdictWord::TooEarly, "two of three days");
    assert!(
        read.sentence.en.contains("Too early") && read.sentence.zh.contains("还不能"),
        "{:?}",
        read.sentence
    );
    assert_eq!(read.comparisons.len(), 3);
    assert!(read.comparisons.iter().all(|own| own.lift.is_some() && own.ci.is_some()));
    let text = serde_json::to_string(&read).unwrap();
    assert_eq!(serde_json::from_str::<ReadOut>(&text).unwrap(), read, "it is stored and read back");
}

#[test]
fn a_winner_stands_and_a_mismatch_takes_everything_back() {
    let mut experiment = experiment(|_| ());
    let found = days(4, [2_000, 40], [2_000, 120]);
    let read = read_out(&experiment, 4, &found, 0).unwrap();
    assert_eq!(read.standing.verdict, VerdictWord::Winner);
    assert_eq!(read.standing.arm.as_deref(), Some("B"));
    experiment.verdict = Some(read.standing.clone());
    // What a later day alone would leave open stays found.
    let weaker = days(4, [2_000, 40], [2_000, 48]);
    let later = read_out(&experiment, 4, &weaker, 0).unwrap();
    assert_eq!(later.verdict.verdict, VerdictWord::Undecided);
    assert_eq!(later.standing, read.standing);
    let lost: Vec<Exposure> =
        found.iter().filter(|own| own.arm == 0 || !own.unit.is_multiple_of(5)).copied().collect();
    let off = read_out(&experiment, 4, &lost, 0).unwrap();
    assert!(off.srm.alarm && off.srm.p_value.unwrap() < 0.001, "{:?}", off.srm);
    assert_eq!(off.standing.verdict, VerdictWord::Mismatch);
    experiment.srm_alarm = true;
    let again = read_out(&experiment, 4, &found, 0).unwrap();
    assert_eq!(again.standing.verdict, VerdictWord::Mismatch, "an alarm stays");
}

#[test]
fn phases_are_weighed_by_their_own_division_and_only_the_last_one_is_compared() {
    let mut experiment = experiment(|_| ());
    experiment.phases.push(ExperimentPhase { phase: 2, from_day: 3, weights: vec![1.0, 3.0], holdout: 0.0 });
    let mut exposures = days(2, [1_000, 20], [1_000, 20]);
    let second = [users(0, 3, 500, 10), users(1, 3, 1_500, 60)].concat();
    exposures.extend(second.into_iter().map(|own| Exposure { phase: 2, ..own }));
    let read = read_out(&experiment, 3, &exposures, 0).unwrap();
    assert!(!read.srm.alarm, "{:?}", read.srm);
    assert_eq!(read.srm.observed, [1_500, 2_500]);
    assert_eq!((read.phase_day, read.arms[0].units, read.arms[1].units), (1, 500, 1_500));
}

#[test]
fn the_holdout_is_counted_and_not_compared() {
    let experiment = experiment(|order| order["holdout"] = json!(0.2));
    let mut exposures = days(3, [800, 20], [800, 30]);
    let ghosts = users(2, 1, 400, 0);
    exposures.extend(ghosts.into_iter().map(|own| Exposure { impressions: 0, ..own }));
    let read = read_out(&experiment, 3, &exposures, 0).unwrap();
    let holdout = read.arms.last().unwrap();
    assert_eq!(
        (holdout.role, holdout.units, holdout.impressions, holdout.value),
        (ArmRole::Holdout, 400, 0, None)
    );
    assert_eq!(read.srm.observed, [800, 800, 400]);
    assert!(!read.srm.alarm);
    assert!(read.comparisons.iter().all(|own| own.arm == "B"));
}

#[test]
fn a_fixed_horizon_is_read_on_the_last_day_only() {
    let fixed = |maximum: u32| {
        experiment(|order| {
            order["stopping"] =
                json!({ "rule": "fixed_horizon", "minimum_days": 1, "maximum_days": maximum });
        })
    };
    let found = days(4, [2_000, 40], [2_000, 120]);
    assert_eq!(read_out(&fixed(5), 4, &found, 0).unwrap().verdict.verdict, VerdictWord::TooEarly);
    assert_eq!(read_out(&fixed(4), 4, &found, 0).unwrap().verdict.verdict, VerdictWord::Winner);
}

#[test]
fn few_clicks_are_too_early_however_many_users_there_are() {
    let read = read_out(&experiment(|_| ()), 3, &days(3, [5_000, 3], [5_000, 40]), 0).unwrap();
    assert_eq!(read.standing.verdict, VerdictWord::TooEarly);
    let open: Vec<_> = read.gates.iter().filter(|gate| !gate.passed).collect();
    assert_eq!((open.len(), open[0].gate.as_str(), open[0].arm.as_deref()), (1, "successes", Some("A")));
    assert_eq!((open[0].needed, open[0].have), (10.0, Some(9.0)));
}

#[test]
fn exposures_that_contradict_the_design_are_refused() {
    let mut exposures = days(1, [100, 5], [100, 5]);
    exposures.push(Exposure { arm: 1, ..exposures[0] });
    assert_eq!(read_out(&experiment(|_| ()), 1, &exposures, 0).unwrap_err().code, Code::Trial);
    let stray = [Exposure { arm: 2, ..exposures[0] }];
    assert_eq!(read_out(&experiment(|_| ()), 1, &stray, 0).unwrap_err().code, Code::Trial);
}

#[test]
fn the_log_is_read_back_and_can_be_analyzed_by_anybody() {
    let experiment = experiment(|_| ());
    let exposures = days(3, [300, 12], [300, 20]);
    let file = log::write(&experiment, &exposures).unwrap();
    assert_eq!(log::read(&experiment, &file).unwrap(), exposures);
    assert!(log::read(&experiment, b"PAR1").is_err());
    let trial = crate::trial::read(&file, "log.parquet", &crate::trial::Asked::default()).unwrap();
    let ours = read_out(&experiment, 3, &exposures, 0).unwrap();
    let theirs = analyze(Design::of(trial.primary.clone()), &trial.observed).unwrap();
    let value = |arm: usize| theirs.arms[arm].moments.unwrap().mean;
    assert!((value(0) - ours.arms[0].value.unwrap()).abs() < 1e-12);
    assert!((value(1) - ours.arms[1].value.unwrap()).abs() < 1e-12);
    let fixed = theirs.comparisons[0].fixed_horizon.unwrap().p_value;
    assert!((fixed - ours.comparisons[1].p_value.unwrap()).abs() < 1e-9);
}
