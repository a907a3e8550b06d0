//! A process that runs out of file descriptors in the middle of a run waits for them, uses up no attempts,
//! and ends as if nothing had happened.

#![cfg(target_os = "linux")]

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

/// Longest time until the run renders, and until it has ended.
const PATIENCE: Duration = Duration::from_secs(150);

/// How long there is no descriptor to be had: longer than all attempts of a step together.
const WITHOUT: Duration = Duration::from_secs(8);

/// The program's own command, with its own world.
fn run(out: &Path) -> Command {
    let brief = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en/brief.yaml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_spotwright-fault-child"));
    command.args(["program", "run"]).arg(brief).arg("--out").arg(out);
    command.args(["--generations", "1", "--variants", "4", "--winners", "2", "--seed", "5"]);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

/// Whether the studio has begun to render.
fn renders(out: &Path) -> bool {
    std::fs::read_dir(out.join("state/studio/shots")).is_ok_and(|files| files.count() > 0)
}

#[test]
#[expect(clippy::disallowed_methods, reason = "waits for another process")]
fn a_run_without_descriptors_waits_for_them_and_ends_as_always() {
    let folder = tempfile::tempdir().unwrap();
    let (undisturbed, disturbed) = (folder.path().join("undisturbed"), folder.path().join("disturbed"));
    assert!(run(&undisturbed).stderr(Stdio::null()).status().unwrap().success());

    let log = folder.path().join("log");
    let mut child = run(&disturbed).stderr(File::create(&log).unwrap()).spawn().unwrap();
    let began = Instant::now();
    while !renders(&disturbed) {
        assert!(began.elapsed() < PATIENCE && child.try_wait().unwrap().is_none(), "nothing was rendered");
        std::thread::sleep(Duration::from_millis(20));
    }
    let process = Pid::from_raw(i32::try_from(child.id()).unwrap());
    // What is open stays open; nothing more is opened.
    let none = Rlimit { current: Some(3), maximum: getrlimit(Resource::Nofile).maximum };
    let before = prlimit(process, Resource::Nofile, none).unwrap();
    std::thread::sleep(WITHOUT);
    prlimit(process, Resource::Nofile, before).unwrap();
    let status = child.wait().unwrap();
    let told = std::fs::read_to_string(&log).unwrap();
    assert!(status.success(), "{told}");
    assert!(told.contains("Too many open files"), "there were descriptors: {told}");
    let winners = |out: &Path| std::fs::read(out.join("winners.json")).unwrap();
    assert!(winners(&disturbed) == winners(&undisturbed), "winners.json differs: {told}");
}
