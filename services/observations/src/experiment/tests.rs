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
        organic: 0,
        spend: Micros(if unit < clicks { 1_000_000 + (unit % 7) as i64 } else { 0 }),
        earlier_clicks: 2,
        segment: SegmentName::new(["commuters", "students"][(unit % 2) as usize]),
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

/// Users of both arms whose clicks before foretell those after: a trait of the user is in both.
fn foretold(units: u64, lift: f64) -> Vec<Exposure> {
    let stream = spotwright_schemas::random::Stream::new(9, "users");
    let one = |unit: u64| {
        let draws = stream.child(unit);
        let (arm, readiness) = ((unit % 2) as u32, 0.15 * (0.8 * draws.normal(0)).exp());
        let rate = (readiness * if arm == 1 { 1.0 + lift } else { 1.0 }).min(1.0);
        let clicks = |from: u64, views: u64, rate: f64| {
            (0..views).filter(|view| draws.uniform(from + view) < rate).count() as u32
        };
        Exposure {
            unit,
            arm,
            impressions: 8,
            clicks: clicks(100, 8, rate),
            earlier_clicks: clicks(1_000, 40, readiness.min(1.0)),
            segment: SegmentName::new(["parents", "students"][usize::from(unit % 10 < 5)]),
            ..users(arm, 1, 1, 0)[0]
        }
    };
    (0..units).map(one).collect()
}

#[test]
fn what_users_did_before_makes_the_comparison_less_uncertain_and_decides_nothing() {
    let read = read_out(&experiment(|_| ()), 3, &foretold(6_000, 0.1), 0).unwrap();
    let adjusted = read.adjusted.as_ref().unwrap();
    assert_eq!(adjusted.covariate, "earlier_clicks");
    let reduction = adjusted.reductions[0].variance_reduction.unwrap();
    assert!((0.15..0.9).contains(&reduction), "{reduction}");
    let width = |own: &[ReadOutComparison]| own[0].ci.map(|[low, high]| high - low).unwrap();
    let (plain, with) = (width(&read.comparisons), width(&adjusted.comparisons));
    assert!((with / plain - (1.0 - reduction).sqrt()).abs() < 1e-6, "{with} {plain} {reduction}");
    let (lift, ci) = (adjusted.comparisons[0].lift.unwrap(), adjusted.comparisons[0].ci.unwrap());
    assert!(ci[0] < 0.1 && 0.1 < ci[1] && (lift - 0.1).abs() < 0.1, "{lift} {ci:?}");
    assert_eq!(adjusted.comparisons.len(), 3);
    // Where all users did the same before, nothing is foretold.
    assert!(read_out(&experiment(|_| ()), 3, &days(3, [500, 20], [500, 20]), 0).unwrap().adjusted.is_none());
}

#[test]
fn segments_are_told_with_their_correction_and_never_decide() {
    let mut exposures = foretold(8_000, 0.0);
    // Among students alone, arm B has three clicks more of every eight views.
    for own in exposures.iter_mut().filter(|own| own.arm == 1 && own.segment.as_str() == "students") {
        own.clicks = (own.clicks + 3).min(8);
    }
    let read = read_out(&experiment(|_| ()), 3, &exposures, 0).unwrap();
    let segments = read.segments.as_ref().unwrap();
    assert!(segments.exploratory && segments.tested == 2, "{segments:?}");
    let names: Vec<&str> = segments.rows.iter().map(|row| row.segment.as_str()).collect();
    assert_eq!(names, ["parents", "students"]);
    let students = &segments.rows[1];
    assert_eq!((students.units, students.label.zh.as_str()), (4_000, "学生"));
    assert_eq!(students.arms.iter().map(|arm| arm.units).sum::<u64>(), 4_000);
    let lift = |row: usize| &segments.rows[row].comparisons[0];
    assert!(lift(1).stands_out && lift(1).lift.unwrap() > 1.0 && lift(1).ci.unwrap()[0] > 0.0);
    assert!(!lift(0).stands_out && lift(0).adjusted_p_value >= lift(0).p_value);
    assert!(segments.sentence.en.starts_with("Exploratory") && segments.sentence.zh.contains("学生：B"));
    let whole: u64 = segments.rows.iter().flat_map(|row| &row.arms).map(|arm| arm.clicks).sum();
    assert_eq!(whole, read.arms.iter().map(|arm| arm.clicks).sum::<u64>(), "segments add up to the whole");
}

#[test]
fn the_lift_over_the_holdout_counts_purchases_without_a_click_too() {
    let experiment = experiment(|order| order["holdout"] = json!(0.2));
    let buyers = |arm: u32, units: u64, organic: u64, after_click: u64| {
        let mut own = users(arm, 1, units, after_click);
        for (place, one) in own.iter_mut().enumerate() {
            let place = place as u64;
            one.conversions = u32::from(place < after_click);
            one.organic = u32::from((after_click..after_click + organic).contains(&place));
        }
        own
    };
    // 2 % buy anyway; of arm B, 2 % more after a click; of arm A, what is attributed is what was there
    // anyway.
    let mut exposures = [buyers(0, 8_000, 80, 80), buyers(1, 8_000, 160, 160)].concat();
    let ghosts = buyers(2, 4_000, 80, 0);
    exposures.extend(ghosts.into_iter().map(|own| Exposure { impressions: 0, ..own }));
    let read = read_out(&experiment, 3, &exposures, 0).unwrap();
    let told = read.incrementality.as_ref().unwrap();
    assert_eq!((told.holdout.units, told.holdout.conversions, told.holdout.rate), (4_000, 80, Some(0.02)));
    let arms: Vec<Option<&str>> = told.rows.iter().map(|row| row.arm.as_deref()).collect();
    assert_eq!(arms, [None, Some("A"), Some("B")]);
    let (all, a, b) = (&told.rows[0], &told.rows[1], &told.rows[2]);
    assert_eq!((all.units, all.conversions, all.attributed), (16_000, 480, 240));
    assert!((a.added.unwrap()).abs() < 1e-6 && a.cost_per_added_micros.is_none(), "{a:?}");
    assert_eq!(a.attributed, 80, "clicks are attributed although nothing was added");
    assert!((b.added.unwrap() - 160.0).abs() < 1e-6 && (b.lift.unwrap() - 1.0).abs() < 1e-9, "{b:?}");
    let ci = b.lift_ci.unwrap();
    assert!(ci[0] > 0.0 && ci[1] > 1.0 && b.adjusted_p_value.unwrap() < 0.05);
    let cost = b.cost_per_added_micros.unwrap();
    assert!((900_000..1_100_000).contains(&cost), "{cost}");
    assert!(told.sentence.en.contains("added about 160") && told.sentence.zh.contains("160 次新增转化"));
    let none = read_out(&self::experiment(|_| ()), 3, &days(3, [100, 20], [100, 20]), 0).unwrap();
    assert!(none.incrementality.is_none(), "no holdout, no lift");
}

fn imported_experiment() -> Experiment {
    experiment(|order| {
        order["source"] = json!("imported");
        order["starts_on"] = json!("2026-09-07");
        order["guardrails"] = json!([{ "metric": "cvr", "margin": 0.5 }]);
        order["arms"] = json!([
            { "name": "old", "external_ads": [{ "platform": "meta", "id": "1" }] },
            { "name": "new", "external_ads": [{ "platform": "meta", "id": "2" }] }
        ]);
    })
}

/// A day of an advertisement.
fn reported(arm: u32, day: i8, impressions: u64, clicks: u64) -> ImportedRow {
    let date = jiff::civil::date(2026, 9, 6 + day);
    ImportedRow {
        arm,
        ad: spotwright_schemas::experiment::ExternalAd {
            platform: "meta".to_owned(),
            id: (arm + 1).to_string(),
        },
        start: date,
        end: date,
        impressions,
        clicks: Some(clicks),
        conversions: Some(clicks as f64 / 10.0),
        spend: Some((Micros(5_000_000), "USD".to_owned())),
        revenue: None,
    }
}

#[test]
fn imported_sums_are_read_out_with_what_days_differ_in_the_uncertainty() {
    let experiment = imported_experiment();
    let week = |spread: u64| -> Vec<ImportedRow> {
        (1..=7)
            .flat_map(|day| {
                let swing = if day % 2 == 0 { spread } else { 0 };
                [reported(0, day, 10_000, 100 + swing), reported(1, day, 10_000, 160 + swing)]
            })
            .collect()
    };
    let steady = imported::read_out(&experiment, 7, &week(0), 0).unwrap();
    assert_eq!(steady.source, spotwright_schemas::event::FeedbackSource::Imported);
    assert_eq!(
        (steady.arms[1].impressions, steady.arms[1].clicks, steady.arms[1].units),
        (70_000, 1_120, 70_000)
    );
    assert_eq!((steady.standing.verdict, steady.standing.arm.as_deref()), (VerdictWord::Winner, Some("new")));
    let close = |value: Option<f64>, truth: f64| (value.unwrap() - truth).abs() < 1e-9;
    assert!(close(steady.comparisons[0].lift, 0.6) && close(steady.arms[0].value, 0.01));
    assert_eq!(
        (steady.srm.p_value, steady.srm.alarm, steady.srm.observed.as_slice()),
        (None, false, &[70_000, 70_000][..])
    );
    assert!(steady.segments.is_none() && steady.incrementality.is_none() && steady.adjusted.is_none());
    assert!(steady.notes[0].en.contains("sums, not users") && steady.notes[0].zh.contains("没有用户"));
    assert_eq!(steady.guardrails.len(), 1);
    let moving = imported::read_out(&experiment, 7, &week(120), 0).unwrap();
    let width = |read: &ReadOut| read.comparisons[0].ci.map(|[low, high]| high - low).unwrap();
    assert!(width(&moving) > 2.0 * width(&steady), "{} {}", width(&moving), width(&steady));
}

#[test]
fn imported_rows_that_cannot_be_counted_are_named_and_few_are_too_early() {
    let experiment = imported_experiment();
    let mut rows = vec![reported(0, 1, 10_000, 100), reported(1, 1, 10_000, 160)];
    rows.push(ImportedRow { clicks: None, ..reported(0, 2, 10_000, 0) });
    rows.push(ImportedRow { start: jiff::civil::date(2026, 9, 1), ..reported(1, 2, 90_000, 900) });
    rows.push(ImportedRow { spend: Some((Micros(9), "EUR".to_owned())), ..reported(1, 2, 10_000, 150) });
    let read = imported::read_out(&experiment, 2, &rows, 0).unwrap();
    assert_eq!(read.standing.verdict, VerdictWord::TooEarly, "two days of three");
    assert_eq!(read.notes.len(), 3, "{:?}", read.notes);
    assert!(
        read.notes[1].en.starts_with("1 rows begin before") && read.notes[2].en.starts_with("1 rows are not")
    );
    assert_eq!(read.arms[1].impressions, 20_000, "the sum that begins before is not counted");
    assert_eq!(read.arms[1].spend_micros, Micros(5_000_000), "another currency is not added");
    let file = String::from_utf8(imported::write(&experiment, &rows)).unwrap();
    assert_eq!(file.lines().count(), 6);
    assert!(file.lines().skip(1).all(|line| line.starts_with("imported,")), "{file}");
    let stray = [ImportedRow { arm: 2, ..reported(0, 1, 10, 1) }];
    assert_eq!(imported::read_out(&experiment, 1, &stray, 0).unwrap_err().code, Code::Trial);
}

#[test]
fn logs_from_before_segments_were_told_are_still_read() {
    let experiment = experiment(|_| ());
    let exposures = days(1, [50, 5], [50, 5]);
    let earlier = log::write_earlier(&experiment, &exposures).unwrap();
    let read = log::read(&experiment, &earlier).unwrap();
    assert_eq!(read.len(), exposures.len());
    assert!(read.iter().all(|own| own.segment.as_str().is_empty() && own.organic == 0));
    assert!(read_out(&experiment, 1, &read, 0).unwrap().segments.is_none());
}
