//! A disk that is full under a run, that of the database or that of the artifacts: the run waits, uses
//! up no attempts, and ends as if nothing had happened once there is room again.
//!
//! The disk is a small file system in memory, mounted in a namespace that only the child sees. Where
//! the system does not let this user make one, the test says so and shows nothing.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Stdio};

use spotwright_testkit::faults::EndState;

/// Mounts `$2` KiB at the folder `$3` below `$1`, starts the child in `$1`, waits until there is no room
/// any more, makes room, waits for the child's end, and copies what it left to `$4`.
const SCRIPT: &str = r#"
set -u
disk="$1"; kib="$2"; small="$1/$3"; kept="$4"; shift 4
mkdir -p "$small"
# As a process leaves it that was ended before its run began.
[ -d "$disk/out/state" ] && touch "$disk/out/state/lock"
mount -t tmpfs -o "size=${kib}k" tmpfs "$small" || exit 77
"$@" --out "$disk/out" 2>"$kept/log" >"$kept/points" &
child=$!
full=0
for _ in $(seq 600); do
    left=$(df -k --output=avail "$small" | tail -1)
    if [ "$left" -eq 0 ]; then full=$((full + 1)); else full=0; fi
    # Full for four seconds: longer than all attempts of a step together.
    [ "$full" -ge 80 ] && break
    kill -0 "$child" 2>/dev/null || break
    sleep 0.05
done
mount -o remount,size=512m "$small"
wait "$child"; status=$?
cp -r "$disk/out" "$kept/out" || true
[ "$full" -ge 80 ] || { echo "the disk was not full for four seconds; the child ended with $status" >&2; exit 78; }
exit "$status"
"#;

/// The run's command line without its folder.
fn child(witness: &Path) -> Vec<String> {
    let brief = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/coffee-en/brief.yaml");
    [
        env!("CARGO_BIN_EXE_spotwright-fault-child"),
        "job",
        &brief.to_string_lossy(),
        "--generations",
        "2",
        "--variants",
        "6",
        "--winners",
        "2",
        "--seed",
        "5",
        "--render-price",
        "250000",
        "--witness",
        &witness.to_string_lossy(),
    ]
    .map(str::to_owned)
    .to_vec()
}

#[test]
fn a_run_on_a_full_disk_waits_for_room_and_ends_as_always() {
    // Room for the artifacts and the beginning of the run. SQLite's log alone grows to 4 MiB before it
    // is written back.
    ends_as_always("", |undisturbed| walk(&undisturbed.join("state/artifacts")) / 1024 + 2_500);
}

#[test]
fn a_run_whose_artifacts_find_no_room_waits_for_it_and_ends_as_always() {
    // Eight pages less than all artifacts take: some of the last videos find no room, again and again.
    ends_as_always("out/state/artifacts", |undisturbed| {
        (pages(&undisturbed.join("state/artifacts")) - 8) * (PAGE / 1024)
    });
}

/// Runs undisturbed, then with so many KiB at the folder `small` as `room` finds enough for a part of
/// what the first run wrote, and compares the ends.
#[expect(clippy::print_stdout, reason = "says that nothing was shown")]
fn ends_as_always(small: &str, room: impl Fn(&Path) -> u64) {
    let folder = tempfile::tempdir().unwrap();
    let (undisturbed, disk, kept) =
        (folder.path().join("undisturbed"), folder.path().join("disk"), folder.path().join("kept"));
    for made in [&undisturbed, &disk, &kept] {
        std::fs::create_dir(made).unwrap();
    }
    let arguments = child(&undisturbed.join("witness"));
    let status = Command::new(&arguments[0])
        .args(&arguments[1..])
        .arg("--out")
        .arg(undisturbed.join("out"))
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let kib = room(&undisturbed.join("out"));
    let ended = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh"])
        .args([disk.as_os_str(), kib.to_string().as_ref(), small.as_ref(), kept.as_os_str()])
        .args(child(&kept.join("witness")))
        .output();
    let ended = match ended {
        Ok(ended) if ended.status.code() != Some(77) && !refused(&ended.stderr) => ended,
        other => {
            println!("skipped: this system lets no ordinary user mount a file system: {other:?}");
            return;
        }
    };
    let log = std::fs::read_to_string(kept.join("log")).unwrap_or_default();
    let told = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{kib} KiB: {told}\n{log}");
    assert!(!log.contains("panicked"), "{log}");
    for file in ["winners.json", "trace.jsonl"] {
        let expected = std::fs::read(undisturbed.join("out").join(file)).unwrap();
        assert!(std::fs::read(kept.join("out").join(file)).unwrap() == expected, "{file} differs");
    }
    let end = EndState::read(&kept.join("out")).unwrap();
    end.check().unwrap();
    assert_eq!(end.files, EndState::read(&undisturbed.join("out")).unwrap().files);
}

fn refused(stderr: &[u8]) -> bool {
    String::from_utf8_lossy(stderr).contains("unshare failed")
}

/// Bytes that a file system in memory gives out at once.
const PAGE: u64 = 4_096;

/// Bytes below a folder.
fn walk(folder: &Path) -> u64 {
    sizes(folder).into_iter().sum()
}

/// Pages that the files below a folder take in memory.
fn pages(folder: &Path) -> u64 {
    sizes(folder).into_iter().map(|bytes| bytes.div_ceil(PAGE)).sum()
}

/// The sizes of the files below a folder.
fn sizes(folder: &Path) -> Vec<u64> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() { found.extend(sizes(&entry.path())) } else { found.push(metadata.len()) }
    }
    found
}
