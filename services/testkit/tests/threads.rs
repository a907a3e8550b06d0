//! Results do not depend on the number of processors, and do depend on the seed.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![cfg(unix)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use spotwright_testkit::faults::{EndState, Ended, Job, Kill, Providers};

const STAND_INS: Providers = Providers::StandIns { render_price: 250_000, line_price: 0 };

fn job(world: Providers) -> Job {
    Job {
        program: PathBuf::from(env!("CARGO_BIN_EXE_spotwright-fault-child")),
        brief: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-zh/brief.yaml"),
        generations: 2,
        variants: 6,
        winners: 3,
        seed: 11,
        threads: 1,
        world,
        config: None,
    }
}

fn end_of(job: &Job, out: &Path) -> EndState {
    assert!(matches!(job.start(out, false, &Kill::Never).unwrap(), Ended::Done(_)));
    let end = EndState::read(out).unwrap();
    end.check().unwrap();
    end
}

/// The captions of all winners.
fn captions(out: &Path) -> BTreeSet<String> {
    let winners: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("winners.json")).unwrap()).unwrap();
    let rows = winners["winners"].as_array().unwrap();
    let lines = rows.iter().flat_map(|row| row["script"]["lines"].as_array().unwrap());
    lines.map(|line| line["caption"].as_str().unwrap().to_owned()).collect()
}

fn threads_make_no_difference(job: &Job) {
    let folder = tempfile::tempdir().unwrap();
    let one = end_of(job, &folder.path().join("one"));
    for threads in [2, 4] {
        let out = folder.path().join(format!("{threads}"));
        assert_eq!(end_of(&Job { threads, ..job.clone() }, &out), one, "{threads} threads");
    }
}

#[test]
fn threads_make_no_difference_to_a_run_of_stand_ins() {
    threads_make_no_difference(&job(STAND_INS));
}

#[test]
fn threads_make_no_difference_to_a_real_run() {
    let small = Job { generations: 1, variants: 2, winners: 1, ..job(Providers::Real) };
    threads_make_no_difference(&small);
}

#[test]
fn another_seed_gives_other_scripts() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a"), folder.path().join("b"));
    end_of(&job(STAND_INS), &a);
    end_of(&Job { seed: 12, ..job(STAND_INS) }, &b);
    assert_ne!(captions(&a), captions(&b));
}
