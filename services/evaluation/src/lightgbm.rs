//! LightGBM on the same vectors, through Python where it is installed.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde::Serialize;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_scoring::data::{ClickTestRow, Split};

use crate::problem::{io_problem, output_problem};

const SCRIPT: &str = include_str!("lightgbm.py");

#[derive(Serialize)]
struct Rows {
    split: Vec<Split>,
    clicks: Vec<u64>,
    impressions: Vec<u64>,
}

/// Whether `python3` has the packages.
pub(crate) fn is_installed() -> bool {
    Command::new("python3")
        .args(["-c", "import lightgbm, numpy"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Predicted click rate of every row; fitted on the train split, stopped early on the validation
/// split. Works in a folder below `cache`.
///
/// # Errors
/// The folder cannot be written, or the script fails.
pub(crate) fn predictions(
    rows: &[ClickTestRow],
    vectors: &[Arc<[f32]>],
    cache: &Path,
) -> Result<Vec<f64>, Problem> {
    let folder = cache.join("lightgbm");
    fs::create_dir_all(&folder).map_err(|error| io_problem(&folder, &error))?;
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).map_err(|error| io_problem(&path, &error))
    };
    let table = Rows {
        split: rows.iter().map(|row| row.split).collect(),
        clicks: rows.iter().map(|row| row.clicks).collect(),
        impressions: rows.iter().map(|row| row.impressions).collect(),
    };
    write("rows.json", &serde_json::to_vec(&table).map_err(|error| output_problem(&error.into()))?)?;
    let values: Vec<u8> =
        vectors.iter().flat_map(|vector| vector.iter().flat_map(|value| value.to_le_bytes())).collect();
    write("vectors.f32", &values)?;
    let failed = |message: String| Problem::new(Code::Prerequisite, "lightgbm", message);
    let output = Command::new("python3")
        .args(["-c", SCRIPT])
        .arg(&folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(failed(message.lines().last().unwrap_or("the script failed").to_owned()));
    }
    let path = folder.join("predictions.json");
    let bytes = fs::read(&path).map_err(|error| io_problem(&path, &error))?;
    let found: Vec<f64> = serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))?;
    if found.len() != rows.len() || !found.iter().all(|rate| rate.is_finite()) {
        return Err(failed("not one finite click rate per row".to_owned()));
    }
    Ok(found)
}
