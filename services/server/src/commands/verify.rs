//! `spotwright verify`: invariants of a database, and its files against their hashes; of a run's folder, or of
//! a service, also while it works.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::json;
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::step_store::{StepStore, StoreError, holds_at_rest_only};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use super::{print_json, print_text};
use crate::config::Config;
use crate::foundation::Inspection;
use crate::wiring::{STATE_FOLDER, Workspace};

/// What was found.
struct Findings {
    /// Rows that break an invariant.
    broken: Vec<String>,
    /// Rows of work that goes on.
    under_way: Vec<String>,
    /// Files that were compared with their hashes.
    objects_read: u64,
}

/// Verifies the run in `out`; true when nothing is wrong.
///
/// # Errors
/// [`Code::OutputFolder`] when there is no run; [`Code::Store`] when it cannot be read.
pub async fn execute(out: &Path, objects: bool, json: bool) -> Result<bool, Problem> {
    if !out.join(STATE_FOLDER).is_dir() {
        return Err(Problem::new(Code::OutputFolder, "out", format!("`{}` holds no run", out.display())));
    }
    let workspace = Workspace::open(out).await?;
    let artifacts: Option<&dyn ArtifactStore> = if objects { Some(&*workspace.artifacts) } else { None };
    let mut findings = look(&*workspace.store, artifacts).await?;
    // Nobody works on a run's folder meanwhile: what is open there is left over.
    findings.broken.append(&mut findings.under_way);
    Ok(findings.print(json))
}

/// Verifies the service that the configuration names; true when nothing is wrong. Work that goes on is
/// counted, not held against it.
///
/// # Errors
/// As [`Inspection::open`]; [`Code::Store`] when something cannot be read.
pub async fn service(config: &Config, objects: bool, json: bool) -> Result<bool, Problem> {
    let inspected = Inspection::open(config, objects).await?;
    let artifacts = inspected.artifacts.as_deref();
    Ok(look(inspected.store.as_ref(), artifacts).await?.print(json))
}

async fn look(store: &dyn StepStore, artifacts: Option<&dyn ArtifactStore>) -> Result<Findings, Problem> {
    let failed = |error: StoreError| Problem::new(Code::Store, "", error.to_string());
    let found = store.broken_invariants().await.map_err(failed)?;
    let (under_way, broken) = found.into_iter().partition(|line| holds_at_rest_only(line));
    let mut findings = Findings { broken, under_way, objects_read: 0 };
    let Some(artifacts) = artifacts else { return Ok(findings) };
    // Many runs share a picture, and variants a file: each one is read once.
    let mut seen = BTreeSet::new();
    for run in store.runs().await.map_err(failed)? {
        for (hash, whose) in files_of(store, run).await.map_err(failed)? {
            if !seen.insert(hash.clone()) {
                continue;
            }
            findings.objects_read += 1;
            if let Err(error) = artifacts.get(&hash) {
                findings.broken.push(format!("I8 {error} ({whose})"));
            }
        }
    }
    Ok(findings)
}

/// The files that a run refers to, and what each one is.
async fn files_of(
    store: &dyn StepStore,
    run: spotwright_schemas::ids::RunId,
) -> Result<Vec<(ArtifactHash, String)>, StoreError> {
    let mut files = Vec::new();
    for picture in &store.run(run).await?.request.pictures {
        files.push((picture.hash.clone(), format!("a picture of run {run}")));
    }
    for variant in store.variants(run).await? {
        let renders = [&variant.body.preview, &variant.body.final_render];
        for render in renders.into_iter().flatten() {
            for hash in [&render.artifact, &render.poster] {
                files.push((hash.clone(), format!("a file of variant {}", variant.id)));
            }
        }
    }
    Ok(files)
}

impl Findings {
    fn print(&self, json: bool) -> bool {
        let Self { broken, under_way, objects_read } = self;
        if json {
            print_json(&json!({
                "broken": broken,
                "under_way": under_way.len(),
                "objects_read": objects_read,
                "version": env!("CARGO_PKG_VERSION"),
            }));
            return broken.is_empty();
        }
        if !under_way.is_empty() {
            print_text(&format!("{} rows belong to work that goes on\n", under_way.len()));
        }
        if broken.is_empty() {
            print_text(&format!(
                "every invariant holds; {objects_read} files were compared with their hashes\n"
            ));
        } else {
            print_text(&format!("{} rows break an invariant:\n{}\n", broken.len(), broken.join("\n")));
        }
        broken.is_empty()
    }
}
