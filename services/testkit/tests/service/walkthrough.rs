//! `docs/api.md` to the letter: every command of its shell blocks, in their order, in one session.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::program::{PROGRAM, Service};

/// The commands of a page: what stands in its `sh` blocks.
fn commands(page: &str) -> String {
    let mut script = String::new();
    let mut within = false;
    for line in page.lines() {
        match line.trim_end() {
            "```sh" => within = true,
            "```" => within = false,
            line if within => {
                script.push_str(line);
                script.push('\n');
            }
            _ => {}
        }
    }
    script
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[test]
fn every_command_of_the_api_page_works_as_written() {
    if let Some(missing) = ["bash", "curl", "jq"].into_iter().find(|program| !is_there(program)) {
        println!("skipped: `{missing}` is not installed");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/api.md")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let service = Service::new(folder.path());
    let script = commands(&page);
    let url = "http://localhost:8080";
    assert!(script.contains(url) && script.matches("curl ").count() > 20, "{script}");
    // Other services may have the usual port on this machine; that alone is changed.
    let script = script.replace(url, &service.url());
    let programs = folder.path().join("bin");
    let script = format!(
        "export PATH={}:$PATH\ntrap 'kill $(jobs -p)' EXIT\nset -x -o pipefail\n{script}\ntest -s winner.mp4\n",
        programs.display()
    );
    fs::create_dir(&programs).unwrap();
    let program = programs.join("spotwright");
    fs::write(&program, format!("#!/bin/sh\nexec {PROGRAM} program \"$@\"\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let examples = fs::canonicalize(root.join("examples")).unwrap();
    symlink(examples, folder.path().join("examples")).unwrap();
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("NO_PROXY", "*")
        .env("SPOTWRIGHT__SERVE__ADDRESS", service.api.to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let (said, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let log = fs::read_to_string(folder.path().join("spotwright.log")).unwrap_or_default();
    assert!(output.status.success(), "{said}\n{told}\n{log}");
    assert!(said.contains("event: spotwright.run.finished.v1"), "{said}");
    let video = fs::read(folder.path().join("winner.mp4")).unwrap();
    assert_eq!(&video[4..8], b"ftyp");
}
