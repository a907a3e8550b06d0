//! Kills of a process that works on a run in a world of stand-ins.
//!
//! The end state after any number of kills and resumes equals that of an undisturbed run: the same
//! files byte by byte, the same money, the same entries in the providers' own books, and no row
//! that breaks an invariant.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a failing helper fails the test; the schedule is printed for replay"
)]
#![cfg(unix)]

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use spotwright_core::spine::POINTS;
use spotwright_schemas::random::Stream;
use spotwright_testkit::faults::{Driven, EndState, Ended, Job, Kill, Providers};

/// Seed of the schedules; the printed schedule follows from it.
const SEED: u64 = 20_261_122;

/// Children at the same time.
const LANES: usize = 2;

/// Longest delay before a kill from outside, in milliseconds: about the length of a run.
const LONGEST_DELAY: usize = 400;

/// Batches of jobs killed at random times that are tried, at most, for the kills that are wanted.
const MOST_BATCHES: u64 = 20;

fn job() -> Job {
    Job {
        program: PathBuf::from(env!("CARGO_BIN_EXE_spotwright-fault-child")),
        brief: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en/brief.yaml"),
        generations: 2,
        variants: 4,
        winners: 2,
        seed: 5,
        threads: 2,
        world: Providers::StandIns { render_price: 250_000, line_price: 0 },
        config: None,
    }
}

/// The undisturbed run, and how often it passes each named point.
fn undisturbed(job: &Job, out: &Path) -> (EndState, BTreeMap<String, u64>) {
    let Ended::Done(reached) = job.start(out, false, &Kill::Never).unwrap() else {
        panic!("an undisturbed run is done")
    };
    let end = EndState::read(out).unwrap();
    end.check().unwrap();
    assert!(end.files.contains_key("winners.json") && end.files.contains_key("trace.jsonl"));
    assert!(end.billed("gpu_billed") > 0 && end.witness.iter().any(|(kind, _, _)| kind == "market_accept"));
    (end, reached)
}

/// One job with its kills.
struct Scenario {
    name: String,
    kills: Vec<Kill>,
}

/// `occurrences` kills at every named point, spread from its first to its last time; every third
/// scenario kills the resuming process once more.
fn named_points(reached: &BTreeMap<String, u64>, occurrences: u64) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    for point in POINTS {
        let times = reached[*point];
        let mut nths: Vec<u64> = (0..occurrences)
            .map(|idx| 1 + idx * times.saturating_sub(1) / occurrences.saturating_sub(1).max(1))
            .collect();
        nths.dedup();
        for nth in nths {
            let number = scenarios.len() as u64;
            let mut kills = vec![Kill::At(point, nth)];
            if number.is_multiple_of(3) {
                let stream = Stream::new(SEED, "second kill").child(number);
                let (second, nth) = (POINTS[stream.below(0, POINTS.len())], 1 + stream.below(1, 3) as u64);
                kills.push(Kill::At(second, nth));
            }
            scenarios.push(Scenario { name: format!("{point} {nth} of {times}"), kills });
        }
    }
    scenarios
}

/// Jobs that are killed several times after delays from a seeded stream.
fn random_times(jobs: Range<u64>, kills: u64) -> Vec<Scenario> {
    let delays = |job: u64| {
        let stream = Stream::new(SEED, "delays").child(job);
        let delay = move |idx| Duration::from_millis(5 + stream.below(idx, LONGEST_DELAY) as u64);
        (0..kills).map(move |idx| Kill::After(delay(idx))).collect()
    };
    jobs.map(|job| Scenario { name: format!("random {job}"), kills: delays(job) }).collect()
}

/// Drives every scenario to its end and compares; the kills that hit.
fn compare(job: &Job, scenarios: &[Scenario], expected: &EndState) -> Driven {
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Driven::default());
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::SeqCst)) {
                    let folder = tempfile::tempdir().unwrap();
                    let out = folder.path().join("out");
                    let told = format!("seed {SEED}, {}: {:?}", scenario.name, scenario.kills);
                    let driven = job.drive(&out, &scenario.kills).unwrap_or_else(|e| panic!("{told}: {e:#}"));
                    println!("{told}: {} kills hit", driven.kills);
                    let end = EndState::read(&out).unwrap_or_else(|e| panic!("{told}: {e:#}"));
                    end.check().unwrap_or_else(|e| panic!("{told}: {e:#}"));
                    assert_eq!(end, *expected, "{told}");
                    let mut total = total.lock().unwrap();
                    total.kills += driven.kills;
                    total.started_anew += driven.started_anew;
                }
            });
        }
    });
    total.into_inner().unwrap()
}

fn kills_leave_no_mark(occurrences: u64, jobs: u64, kills: u64, at_least: usize) {
    let folder = tempfile::tempdir().unwrap();
    let job = job();
    let (expected, reached) = undisturbed(&job, &folder.path().join("out"));
    for point in POINTS {
        assert!(reached[*point] > 0, "no run passes {point}");
    }
    let mut scenarios = named_points(&reached, occurrences);
    scenarios.extend(random_times(0..jobs, kills));
    let mut driven = compare(&job, &scenarios, &expected);
    // On a fast machine many jobs are done before a kill after a delay hits: then there are more.
    for batch in 1..MOST_BATCHES {
        if driven.kills >= at_least {
            break;
        }
        let more = compare(&job, &random_times(batch * jobs..(batch + 1) * jobs, kills), &expected);
        driven.kills += more.kills;
        driven.started_anew += more.started_anew;
    }
    println!("{driven:?}");
    assert!(driven.kills >= at_least, "only {} kills hit", driven.kills);
    assert!(driven.started_anew > 0, "no kill came before the run began");
}

#[test]
fn a_run_that_is_killed_anywhere_ends_as_if_it_had_not_been() {
    kills_leave_no_mark(3, 12, 5, 60);
}

#[test]
#[ignore = "full profile: cargo xtask full"]
fn a_run_that_is_killed_hundreds_of_times_ends_as_if_it_had_not_been() {
    kills_leave_no_mark(12, 60, 8, 200);
}

#[test]
fn a_folder_whose_run_had_not_begun_is_not_resumed_and_takes_the_brief_again() {
    let folder = tempfile::tempdir().unwrap();
    let (out, job) = (folder.path().join("out"), job());
    assert_eq!(job.start(&out, false, &Kill::At("run.before_create", 1)).unwrap(), Ended::Killed);
    assert_eq!(job.start(&out, true, &Kill::Never).unwrap(), Ended::Refused);
    assert!(matches!(job.start(&out, false, &Kill::Never).unwrap(), Ended::Done(_)));
    EndState::read(&out).unwrap().check().unwrap();
    // Now there is a run, and the brief does not replace it.
    assert_eq!(job.start(&out, false, &Kill::Never).unwrap(), Ended::Refused);
}

#[test]
fn a_finished_run_is_resumed_to_the_same_files_and_no_further_cost() {
    let folder = tempfile::tempdir().unwrap();
    let (out, job) = (folder.path().join("out"), job());
    let (before, _) = undisturbed(&job, &out);
    std::fs::remove_file(out.join("winners.json")).unwrap();
    std::fs::write(out.join("trace.jsonl"), "half a fi").unwrap();
    assert!(matches!(job.start(&out, true, &Kill::Never).unwrap(), Ended::Done(_)));
    assert_eq!(EndState::read(&out).unwrap(), before);
}

/// Which calls are refused for want of money depends on what came first, so only the rules are
/// compared: nothing paid twice, no money left reserved, nothing above the budget.
#[test]
fn a_run_that_spends_its_budget_keeps_every_rule_through_kills() {
    // The budget covers two of the four final renders and no media.
    let job = Job { world: Providers::StandIns { render_price: 90_000_000, line_price: 0 }, ..job() };
    for kill in [
        Kill::At("call.after_intent", 1),
        Kill::At("call.after_call", 2),
        Kill::At("step.before_complete", 12),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        assert_eq!(job.start(&out, false, &kill).unwrap(), Ended::Killed, "{kill:?}");
        assert!(matches!(job.start(&out, true, &Kill::Never).unwrap(), Ended::Unsuccessful));
        let end = EndState::read(&out).unwrap();
        end.check().unwrap_or_else(|e| panic!("{kill:?}: {e:#}"));
        assert_eq!(end.billed("gpu_billed"), 180_000_000, "{kill:?}");
        assert_eq!(end.settled, 180_000_000 + media_spend(&out), "{kill:?}");
    }
}

/// A completion cannot be looked up: an interrupted one is never sent again, and counts as spent.
#[test]
fn an_interrupted_completion_is_not_sent_again_and_counts_as_spent() {
    let price = 1_000;
    // Two calls a generation at least.
    let world = Providers::StandIns { render_price: 250_000, line_price: price };
    let job = Job { variants: 8, world, ..job() };
    // Completions are the first paid calls of a run. Whether the second was sent is known to the
    // provider alone: after its answer it was, after the intent it was not.
    for (point, never_sent) in [("call.after_call", 0), ("call.after_intent", 1)] {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let driven = job.drive(&out, &[Kill::At(point, 2)]).unwrap();
        assert_eq!(driven.kills, 1);
        let end = EndState::read(&out).unwrap();
        end.check().unwrap();
        let media = media_spend(&out);
        assert!(end.billed("llm_billed") > 2 * price && media > 0);
        let billed = end.billed("llm_billed") + end.billed("gpu_billed");
        assert_eq!(end.settled, billed + media + never_sent * price, "{point}");
    }
}

/// What the market was paid, by its reports.
fn media_spend(out: &Path) -> i64 {
    let reports: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("market.json")).unwrap()).unwrap();
    let creatives = reports.as_array().unwrap().iter().flat_map(|report| {
        report["creatives"].as_array().unwrap().iter().map(|row| row["delivery"]["spend"].as_i64().unwrap())
    });
    creatives.sum()
}
