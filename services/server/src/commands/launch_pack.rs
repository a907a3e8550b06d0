//! `spotwright launch-pack`: the winners of a finished run as folders for real platforms.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use spotwright_core::domain::run::Stage;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::step_store::StepStore;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use super::{print_json, print_text};
use crate::outputs::FinishedRun;
use crate::publish::{launch_pack, platforms};
use crate::wiring::{STATE_FOLDER, Workspace};

/// Writes the pack of the run in `out` into `folder`.
///
/// # Errors
/// [`Code::OutputFolder`] when there is no finished run, or something else lies in `folder`;
/// [`Code::Option`] for an unknown platform; [`Code::Store`] when something cannot be read or written.
pub async fn execute(out: &Path, folder: &Path, names: &[String], json: bool) -> Result<(), Problem> {
    let platforms = platforms(names, "--platform")?;
    expect_folder(folder, "DIR")?;
    let none = |what: &str| Problem::new(Code::OutputFolder, "--out", format!("`{}` {what}", out.display()));
    if !out.join(STATE_FOLDER).is_dir() {
        return Err(none("holds no run"));
    }
    let workspace = Workspace::open(out).await?;
    let store: Arc<dyn StepStore> = workspace.store.clone();
    let artifacts: Arc<dyn ArtifactStore> = workspace.artifacts.clone();
    let runs = store.runs().await.map_err(|error| Problem::new(Code::Store, "", error.to_string()))?;
    let run = runs.first().copied().ok_or_else(|| none("holds no run"))?;
    let finished = FinishedRun::load(store.as_ref(), run).await?;
    if finished.run.stage != Stage::Finished {
        return Err(none("holds a run that is not finished; continue it with `spotwright run --resume`"));
    }
    let folders = launch_pack(&finished, store, artifacts, folder, &platforms).await?;
    if json {
        let version = env!("CARGO_PKG_VERSION");
        print_json(&json!({ "folder": folder, "folders": folders, "version": version }));
    } else {
        print_text(&format!("{folders} folders in {}\n", folder.display()));
    }
    Ok(())
}

/// Refuses a file where the pack's folder should be.
///
/// # Errors
/// [`Code::OutputFolder`].
pub fn expect_folder(folder: &Path, field: &str) -> Result<(), Problem> {
    if folder.exists() && !folder.is_dir() {
        let message = format!("`{}` is not a folder", folder.display());
        return Err(Problem::new(Code::OutputFolder, field, message));
    }
    Ok(())
}
