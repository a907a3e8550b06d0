//! `spotwright verify`: invariants of a run's database, and its files against their hashes.

use std::path::Path;

use serde_json::json;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::step_store::{StepStore, StoreError};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use super::{print_json, print_text};
use crate::wiring::{STATE_FOLDER, Workspace};

/// Verifies the run in `out`; true when nothing is wrong.
///
/// # Errors
/// [`Code::OutputFolder`] when there is no run; [`Code::Store`] when it cannot be read.
pub async fn execute(out: &Path, objects: bool, json: bool) -> Result<bool, Problem> {
    if !out.join(STATE_FOLDER).is_dir() {
        return Err(Problem::new(Code::OutputFolder, "out", format!("`{}` holds no run", out.display())));
    }
    let failed = |error: StoreError| Problem::new(Code::Store, "", error.to_string());
    let workspace = Workspace::open(out).await?;
    let mut broken = workspace.store.broken_invariants().await.map_err(failed)?;
    let mut read = 0;
    if objects {
        for run in workspace.store.runs().await.map_err(failed)? {
            for variant in workspace.store.variants(run).await.map_err(failed)? {
                let renders = [&variant.body.preview, &variant.body.final_render];
                for render in renders.into_iter().flatten() {
                    for hash in [&render.artifact, &render.poster] {
                        read += 1;
                        if let Err(error) = workspace.artifacts.get(hash) {
                            broken.push(format!("I8 {error}"));
                        }
                    }
                }
            }
        }
    }
    if json {
        let version = env!("CARGO_PKG_VERSION");
        print_json(&json!({ "broken": broken, "objects_read": read, "version": version }));
    } else if broken.is_empty() {
        print_text(&format!("every invariant holds; {read} files were compared with their hashes\n"));
    } else {
        print_text(&format!("{} rows break an invariant:\n{}\n", broken.len(), broken.join("\n")));
    }
    Ok(broken.is_empty())
}
