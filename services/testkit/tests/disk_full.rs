//! A disk that is full under a run: the run waits, and ends as if nothing had happened once there is
//! room again.
//!
//! The disk is a small file system in memory, mounted in a namespace that only the child sees. Where
//! the system does not let this user make one, the test says so and shows nothing.

#![expect(clippy::unwrap_used, reason = "a failing helper fails the test")]
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::{Command, Stdio};

use spotwright_testkit::faults::EndState;

/// Mounts `$2` KiB at `$1`, starts the child there, waits until there is no room any more, makes room,
/// waits for the child's end, and copies what it left to `$3`.
const SCRIPT: &str = r#"
set -u
disk="$1"; kib="$2"; kept="$3"; shift 3
mount -t tmpfs -o "size=${kib}k" tmpfs "$disk" || exit 77
"$@" --out "$disk/out" 2>"$kept/log" >"$kept/points" &
child=$!
full=0
for _ in $(seq 600); do
    left=$(df -k --output=avail "$disk" | tail -1)
    if [ "$left" -eq 0 ]; then full=$((full + 1)); else full=0; fi
    # Full for a second, in which the run goes on trying.
    [ "$full" -ge 20 ] && break
    kill -0 "$child" 2>/dev/null || break
    sleep 0.05
done
mount -o remount,size=512m "$disk"
wait "$child"; status=$?
cp -r "$disk/out" "$kept/out" || true
[ "$full" -ge 20 ] || { echo "the disk was not full for a second; the child ended with $status" >&2; exit 78; }
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
    // Room for the artifacts and the beginning of the run. SQLite's log alone grows to 4 MiB before it
    // is written back.
    let kib = walk(&undisturbed.join("out/state/artifacts")) / 1024 + 2_500;
    let ended = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh"])
        .args([disk.as_os_str(), kib.to_string().as_ref(), kept.as_os_str()])
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

/// Bytes below a folder.
fn walk(folder: &Path) -> u64 {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        bytes += if metadata.is_dir() { walk(&entry.path()) } else { metadata.len() };
    }
    bytes
}
