//! Kills of the program itself, with real rendering, scoring and market, on a small job.
//!
//! Needs the fonts that `infra/setup.sh` installs.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::time::Duration;

use spotwright_schemas::random::Stream;
use spotwright_testkit::faults::{EndState, Ended, Job, Kill, Providers};

/// Seed of the delays.
const SEED: u64 = 7;

fn job(world: Providers) -> Job {
    Job {
        program: PathBuf::from(env!("CARGO_BIN_EXE_spotwright-fault-child")),
        brief: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en/brief.yaml"),
        generations: 1,
        variants: 2,
        winners: 1,
        seed: 3,
        threads: 2,
        world,
        config: None,
    }
}

#[test]
fn the_program_killed_while_it_renders_ends_with_the_same_videos() {
    let folder = tempfile::tempdir().unwrap();
    let undisturbed = folder.path().join("undisturbed");
    let program = job(Providers::Program);
    assert!(matches!(program.start(&undisturbed, false, &Kill::Never).unwrap(), Ended::Done(_)));
    let expected = EndState::read(&undisturbed).unwrap();
    expected.check().unwrap();
    let videos = expected
        .files
        .keys()
        .filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "mp4"))
        .count();
    assert_eq!(videos, 1, "{:?}", expected.files);

    // From outside, at seeded times, several processes of one run.
    let stream = Stream::new(SEED, "delays");
    let kills: Vec<Kill> =
        (0..4).map(|idx| Kill::After(Duration::from_millis(150 + stream.below(idx, 900) as u64))).collect();
    let out = folder.path().join("from-outside");
    let driven = program.drive(&out, &kills).unwrap_or_else(|e| panic!("seed {SEED}, {kills:?}: {e:#}"));
    assert_eq!(EndState::read(&out).unwrap(), expected, "seed {SEED}, {kills:?}");
    let mut hits = driven.kills;

    // At named points of rendering and of writing files.
    let real = job(Providers::Real);
    let kills = [
        Kill::At("step.before_complete", 3),
        Kill::At("step.before_complete", 5),
        Kill::At("step.after_complete", 1),
        Kill::At("files.before_write", 1),
        Kill::At("files.after_write", 1),
    ];
    let out = folder.path().join("at-points");
    let driven = real.drive(&out, &kills).unwrap_or_else(|e| panic!("{kills:?}: {e:#}"));
    assert_eq!(EndState::read(&out).unwrap(), expected, "{kills:?}");
    hits += driven.kills;
    println!("{hits} kills with real rendering, delays from seed {SEED}");
    assert!(hits >= 5, "only {hits} kills hit");
}
