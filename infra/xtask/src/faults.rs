//! The fault suite by itself, on servers of its own.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

/// Runs the suite; `full` is the long profile.
pub(crate) fn run(top: &Path, full: bool) -> anyhow::Result<()> {
    let status = Command::new("bash")
        .arg(top.join("infra/faults.sh"))
        .args(full.then_some("--full"))
        .status()
        .context("bash cannot be started")?;
    ensure!(status.success(), "the fault suite failed");
    Ok(())
}
