//! What takes too long for every change: the long profiles of the fault and simulation tests.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};

/// Runs every test that is marked as belonging to the full profile.
pub(crate) fn run(top: &Path) -> anyhow::Result<()> {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let status = Command::new(cargo)
        .current_dir(top)
        .args(["test", "--locked", "--workspace", "--tests", "--", "--ignored", "--nocapture"])
        .status()
        .context("cargo cannot be started")?;
    ensure!(status.success(), "the full profile failed");
    Ok(())
}
