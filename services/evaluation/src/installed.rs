//! `scorer install`, `scorer rollback` and `scorer versions`: which model serves.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use spotwright_schemas::Problem;
use spotwright_scoring::load::load_version;
use spotwright_scoring::registry::{ModelFolder, Version, checked};

use crate::command::Places;
use crate::eval::print;
use crate::problem::scoring_problem;

/// Arguments of `scorer install`.
#[derive(Debug, Clone, Args)]
pub struct Install {
    /// Model file made by `scorer train`, with its card beside it.
    pub model: PathBuf,
}

/// The versions, the serving one first.
#[derive(Debug, Clone, Serialize)]
struct Versions {
    serving: String,
    before: Vec<String>,
}

impl Versions {
    fn of(folder: &ModelFolder) -> Result<Self, Problem> {
        let versions = folder.versions().map_err(|error| scoring_problem(&error))?;
        let mut names = versions.iter().map(|version| version.as_str().to_owned());
        Ok(Self { serving: names.next().unwrap_or_default(), before: names.collect() })
    }

    fn table(&self) -> String {
        let mut text = format!("serving  {}\n", self.serving);
        for version in &self.before {
            text.push_str(&format!("before   {version}\n"));
        }
        text
    }
}

/// Copies a model into the folder of models and lets it serve; processes that serve take it up
/// within `models.reload_ms`.
///
/// # Errors
/// The file, its card or its encoder; the folder. What served goes on serving then.
pub fn install(arguments: &Install, places: &Places, json: bool, out: &mut dyn Write) -> Result<(), Problem> {
    // Loaded once with its encoder, so that no process is pointed to what it cannot load.
    let found = checked(&arguments.model).map_err(|error| scoring_problem(&error))?;
    load_version(&places.models, Some(found)).map_err(|error| scoring_problem(&error))?;
    let folder = ModelFolder::below(&places.models);
    folder.install(&arguments.model).map_err(|error| scoring_problem(&error))?;
    show(&folder, json, out)
}

/// Lets the version before serve again.
///
/// # Errors
/// There is none, or it is damaged. What served goes on serving then.
pub fn roll_back(places: &Places, json: bool, out: &mut dyn Write) -> Result<(), Problem> {
    let folder = ModelFolder::below(&places.models);
    let before = folder.versions().map_err(|error| scoring_problem(&error))?.get(1).cloned();
    if let Some(Version::Installed(hash)) = &before {
        let found = folder.read(hash).map_err(|error| scoring_problem(&error))?;
        load_version(&places.models, Some(found)).map_err(|error| scoring_problem(&error))?;
    }
    folder.roll_back().map_err(|error| scoring_problem(&error))?;
    show(&folder, json, out)
}

/// Prints the versions.
///
/// # Errors
/// A damaged pointer.
pub fn versions(places: &Places, json: bool, out: &mut dyn Write) -> Result<(), Problem> {
    show(&ModelFolder::below(&places.models), json, out)
}

fn show(folder: &ModelFolder, json: bool, out: &mut dyn Write) -> Result<(), Problem> {
    let versions = Versions::of(folder)?;
    print(&versions, json, out, || versions.table())
}
