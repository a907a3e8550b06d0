//! `scorer eval --suite coverage`: whether 90 % intervals hold 90 % of what is observed.

use std::sync::Arc;

use serde::Serialize;
use spotwright_schemas::Problem;
use spotwright_scoring::coverage::{Contrasts, Coverage};
use spotwright_scoring::data::Split;

use crate::archive::Archive;
use crate::command::Places;
use crate::eval::Arguments;
use crate::models::each_layered;

/// One model.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// The encoder of the model and its teacher's.
    pub model: String,
    /// Which tests it was fitted on.
    pub rows: &'static str,
    /// On the validation split, where the residual spread was set.
    pub valid: Coverage,
    /// On the test split.
    pub test: Coverage,
}

/// The report of the suite.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    /// What is covered.
    pub interval: &'static str,
    /// SHA-256 of the table.
    pub data_sha256: String,
    /// One row per model.
    pub models: Vec<Row>,
    /// Models asked for of which an encoder is not installed.
    pub not_installed: Vec<String>,
}

/// Counts contrasts inside their intervals.
///
/// # Errors
/// A table that cannot be fitted on, or an encoder's files.
pub(crate) fn suite(archive: &Archive, arguments: &Arguments, places: &Places) -> Result<Report, Problem> {
    let mut models = Vec::new();
    let not_installed = each_layered(archive, arguments, places, |model, rows, layered| {
        let of_split = |split| {
            let chosen: Vec<usize> =
                (0..layered.rows.len()).filter(|&idx| layered.rows[idx].split == split).collect();
            let rows: Vec<_> = chosen.iter().map(|&idx| layered.rows[idx].clone()).collect();
            let vectors: Vec<_> = chosen.iter().map(|&idx| Arc::clone(&layered.vectors[idx])).collect();
            Contrasts::new(&layered.layer, &rows, &vectors).coverage(
                layered.layer.priors().residual_sd,
                u64::from(arguments.resamples),
                arguments.seed,
            )
        };
        let (valid, test) = (of_split(Split::Valid), of_split(Split::Test));
        models.push(Row { model: model.short_name(), rows, valid, test });
        Ok(())
    })?;
    Ok(Report {
        interval: "90 % interval of a variant's observed log-odds less the weighted mean of its rivals', \
                   sampling noise included; residual spread set on the validation split",
        data_sha256: archive.sha256.clone(),
        models,
        not_installed,
    })
}

impl Report {
    /// The report as a table in Markdown.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{}\n\n", self.interval);
        text.push_str("| model | fitted on | residual spread | valid | test | contrasts | mean width |\n|---|---|---|---|---|---|---|\n");
        for row in &self.models {
            let [low, high] = row.test.share.interval;
            text.push_str(&format!(
                "| {} | {} | {:.3} | {:.4} | {:.4} [{low:.3}, {high:.3}] | {} | {:.3} |\n",
                row.model,
                row.rows,
                row.test.residual_sd,
                row.valid.share.value,
                row.test.share.value,
                row.test.contrasts,
                row.test.mean_width,
            ));
        }
        for name in &self.not_installed {
            text.push_str(&format!("| {name} | not installed | | | | | |\n"));
        }
        text
    }
}
