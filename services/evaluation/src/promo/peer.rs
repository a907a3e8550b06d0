//! LightGBM on the same rows, through Python where it is installed.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::Deserialize;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use super::data::OFFERS;
use crate::lightgbm::is_installed;

const SCRIPT: &str = include_str!("lightgbm.py");

/// What the script answers.
#[derive(Debug, Deserialize)]
pub(super) struct Trees {
    /// Seconds of the fit on one thread, without reading the tables.
    pub(super) seconds: f64,
    /// By offer, the log-odds of every row of the table.
    pub(super) log_odds: Vec<Vec<f64>>,
}

/// Fits the train part of the tables in `folder`, which hold `n` rows; `None` when Python or one of
/// its packages is not installed.
///
/// # Errors
/// The script fails.
pub(super) fn trees(folder: &Path, n: usize) -> Result<Option<Trees>, Problem> {
    if !is_installed() {
        return Ok(None);
    }
    let failed = |message: String| Problem::new(Code::Prerequisite, "lightgbm", message);
    let output = Command::new("python3")
        .args(["-c", SCRIPT])
        .arg(folder)
        .args(OFFERS)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        return Err(failed(message.lines().last().unwrap_or("the script failed").to_owned()));
    }
    let found: Trees = serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))?;
    let whole = found.log_odds.len() == OFFERS.len()
        && found
            .log_odds
            .iter()
            .all(|scores| scores.len() == n && scores.iter().all(|score| score.is_finite()));
    if whole { Ok(Some(found)) } else { Err(failed("not one finite score per row and offer".to_owned())) }
}
