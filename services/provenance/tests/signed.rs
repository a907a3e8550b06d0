//! A signed video says what made it, and one that was changed afterwards says nothing.
#![cfg(feature = "c2pa")]

use std::path::{Path, PathBuf};
use std::process::Command;

use spotwright_core::ports::provenance::{Origin, Provenance};
use spotwright_provenance::{C2pa, Keys};

/// Half a second of video with sound and a metadata label; `None` without the `ffmpeg` program.
fn video(folder: &Path) -> Option<PathBuf> {
    let file = folder.join("plain.mp4");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", "testsrc=size=160x160:rate=30:duration=0.5"])
        .args([
            "-f",
            "lavfi",
            "-i",
            "sine=duration=0.5",
            "-c:v",
            "libx264",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "aac",
        ])
        .args(["-metadata", r#"AIGC={"Label":"1"}"#, "-movflags", "use_metadata_tags+faststart"])
        .arg(&file)
        .status();
    match made {
        Ok(status) if status.success() => Some(file),
        _ => {
            eprintln!("skipped: the `ffmpeg` program is not installed");
            None
        }
    }
}

fn origin() -> Origin {
    Origin { produce_id: "variant-7".to_owned(), generated: true }
}

#[test]
fn what_was_stated_is_read_back_and_streams_and_label_stay() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(plain) = video(folder.path()) else { return };
    let signed = folder.path().join("signed.mp4");
    let signer = C2pa::unknown().expect("a signer");
    let before = std::fs::read(&plain).expect("read");
    signer.seal(&plain, &origin(), &signed).expect("signed");
    assert_eq!(std::fs::read(&plain).expect("read"), before, "the video itself is left alone");
    let read = signer.read(&signed).expect("valid");
    assert_eq!(read.produce_id, "variant-7");
    let hash = |file: &Path| {
        let out = Command::new("ffmpeg")
            .args(["-v", "error", "-i"])
            .arg(file)
            .args(["-map", "0", "-c", "copy", "-f", "streamhash", "-hash", "md5", "-"])
            .output()
            .expect("hashed");
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    assert_eq!(hash(&plain), hash(&signed));
    let told = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "format_tags", "-of", "json"])
        .arg(&signed)
        .output()
        .expect("probed");
    assert!(String::from_utf8_lossy(&told.stdout).contains("AIGC"), "the metadata label is gone");
}

#[test]
fn a_changed_byte_and_a_video_without_a_statement_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(plain) = video(folder.path()) else { return };
    let signed = folder.path().join("signed.mp4");
    let signer = C2pa::unknown().expect("a signer");
    signer.seal(&plain, &origin(), &signed).expect("signed");
    let mut bytes = std::fs::read(&signed).expect("read");
    let media = bytes.windows(4).rposition(|four| four == b"mdat").expect("media");
    bytes[media + 200] ^= 1;
    let changed = folder.path().join("changed.mp4");
    std::fs::write(&changed, bytes).expect("written");
    let error = signer.read(&changed).expect_err("changed").to_string();
    assert!(error.contains("not valid"), "{error}");
    assert!(signer.read(&plain).is_err());
    assert!(signer.seal(&folder.path().join("none.mp4"), &origin(), &signed).is_err());
}

#[test]
fn keys_that_are_none_are_refused() {
    assert!(C2pa::new(&Keys { certificates: b"no certificate", key: b"no key" }).is_err());
}
