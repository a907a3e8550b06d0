//! `scorer eval --suite calibration`: predicted click rates of the last tests, week by week.

use serde::Serialize;
use spotwright_schemas::Problem;
use spotwright_scoring::calibration::{
    LevelOfWeeks, ProbabilityMetrics, WalkForward, probability_metrics, walk_forward,
};
use spotwright_scoring::data::Split;

use crate::archive::Archive;
use crate::command::Places;
use crate::eval::Arguments;
use crate::models::each_layered;
use crate::problem::scoring_problem;

/// One way to predict.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// What moves variants around their brief's level.
    pub model: String,
    /// Which tests it was fitted on.
    pub rows: &'static str,
    /// How predictions follow the weeks.
    pub settings: WalkForward,
    /// Metrics over the impressions of the test split.
    #[serde(flatten)]
    pub metrics: ProbabilityMetrics,
}

/// The report of the suite.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Report {
    /// What was measured on.
    pub data: String,
    /// SHA-256 of the table.
    pub data_sha256: String,
    /// One row per way to predict.
    pub models: Vec<Row>,
    /// Models asked for of which an encoder is not installed.
    pub not_installed: Vec<String>,
}

/// Predicts the test split walk-forward.
///
/// # Errors
/// A table that cannot be fitted on, or an encoder's files.
pub(crate) fn suite(archive: &Archive, arguments: &Arguments, places: &Places) -> Result<Report, Problem> {
    let test = archive.of_split(Split::Test);
    let test_rows = archive.select(&test);
    let measure = |model: &str, rows, scores: &[f64], settings: WalkForward| {
        let predictions = walk_forward(&archive.rows, &archive.design, scores, &settings)
            .map_err(|error| scoring_problem(&error))?;
        let predictions: Vec<f64> = test.iter().map(|&idx| predictions[idx]).collect();
        let metrics = probability_metrics(&test_rows, &predictions);
        Ok::<_, Problem>(Row { model: model.to_owned(), rows, settings, metrics })
    };
    let following = WalkForward::default();
    let level_only = WalkForward { platt_weeks: 0, ..following };
    let by_tree = WalkForward { level_tree: Some(LevelOfWeeks::default()), ..following };
    let nothing = vec![0.0; archive.rows.len()];
    let mut models = vec![
        measure("level only", "all", &nothing, level_only)?,
        measure("level only, Platt", "all", &nothing, following)?,
        measure("tree of levels only, Platt", "all", &nothing, by_tree)?,
    ];
    let not_installed = each_layered(archive, arguments, places, |model, rows, layered| {
        let name = format!("level + {}", model.short_name());
        models.push(measure(&name, rows, &layered.scores, level_only)?);
        models.push(measure(&format!("{name}, Platt"), rows, &layered.scores, following)?);
        let name = format!("tree of levels + {}, Platt", model.short_name());
        models.push(measure(&name, rows, &layered.scores, by_tree)?);
        Ok(())
    })?;
    Ok(Report {
        data: format!(
            "the last {} of {} tests in order of time; each predicted from weeks before and from the \
             clicks of its other variants",
            archive.design.tests_of(&test).len(),
            archive.design.tests.len()
        ),
        data_sha256: archive.sha256.clone(),
        models,
        not_installed,
    })
}

impl Report {
    /// The report as a table in Markdown.
    pub(crate) fn table(&self) -> String {
        let mut text = format!("{}\n\n", self.data);
        text.push_str("| model | fitted on | PCOC | rel. ECE | logloss | AUC |\n|---|---|---|---|---|---|\n");
        for row in &self.models {
            let ProbabilityMetrics { pcoc, relative_ece, logloss, auc, .. } = row.metrics;
            text.push_str(&format!(
                "| {} | {} | {pcoc:.4} | {relative_ece:.4} | {logloss:.5} | {auc:.4} |\n",
                row.model, row.rows
            ));
        }
        for name in &self.not_installed {
            text.push_str(&format!("| {name} | not installed | | | | |\n"));
        }
        text
    }
}
