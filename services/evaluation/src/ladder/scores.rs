//! Where the ladder's scores come from: a file, the installed model, or a recipe fitted on the spot.

use std::collections::BTreeMap;
use std::path::Path;

use spotwright_core::ports::click_model::ScoreInput;
use spotwright_core::ports::video_backend::FrameStatistics;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::locale::Locale;
use spotwright_scoring::data::ClickTestRow;
use spotwright_scoring::load::{MINILM_FOLDER, load};
use spotwright_scoring::train::TrainingTests;
use spotwright_tables::Table;

use super::Arguments;
use crate::archive::Archive;
use crate::command::Places;
use crate::inputs::content_problem;
use crate::models::{FittedOn, Model, Recipe, sentence_ridge};

/// Scores by row of the table.
#[derive(Debug, Clone)]
pub(super) struct Scores {
    pub(super) by_row: BTreeMap<usize, f64>,
    /// Where they come from.
    pub(super) source: String,
}

/// The scores of our policies and of the reference's.
///
/// # Errors
/// A [`Problem`]: a file, the model or the encoder.
pub(super) fn both(
    arguments: &Arguments,
    archive: &Archive,
    tests: &[Vec<usize>],
    places: &Places,
) -> Result<(Scores, Scores), Problem> {
    let of_all = |scores: Vec<f64>, source: String| Scores {
        by_row: scores.into_iter().enumerate().collect(),
        source,
    };
    let ours = match (arguments.encoder, &arguments.scores) {
        (Some(encoder), _) => {
            let model = Model { encoder, teacher: None };
            // Tests of the validation split come before those of the test split.
            let fitted_on =
                if arguments.split == "test" { FittedOn::TrainAndValidation } else { FittedOn::Train };
            let best = Recipe::fit(archive, model, TrainingTests::Whole, fitted_on, places)?.best();
            of_all(best.scores, format!("{}, fitted on {}", best.name, fitted_on.name()))
        }
        (None, Some(path)) => of_file(path, tests)?,
        (None, None) => of_model(&archive.rows, tests, places)?,
    };
    let theirs = match (&arguments.reference_scores, arguments.encoder) {
        (Some(path), _) => of_file(path, tests)?,
        (None, Some(_)) => {
            of_all(sentence_ridge(archive, places)?.scores, "ridge on MiniLM sentence vectors".to_owned())
        }
        (None, None) => ours.clone(),
    };
    Ok((ours, theirs))
}

fn of_file(path: &Path, tests: &[Vec<usize>]) -> Result<Scores, Problem> {
    let by_row = read_scores(path)?;
    if let Some(missing) = tests.iter().flatten().find(|idx| !by_row.contains_key(*idx)) {
        return Err(content_problem(path, format!("no score for row {missing} of the table")));
    }
    Ok(Scores { by_row, source: path.display().to_string() })
}

fn read_scores(path: &Path) -> Result<BTreeMap<usize, f64>, Problem> {
    let table = Table::open(path)?;
    let [row, score] = table.columns(["row", "score"])?;
    let mut scores = BTreeMap::new();
    for record in table.rows() {
        let record = record?;
        let line = record.line;
        let index = record.get(row).trim().parse::<usize>().ok();
        let value = record.get(score).trim().parse::<f64>().ok();
        let value = value.filter(|value| value.is_finite() && value.abs() <= 50.0);
        let (Some(index), Some(value)) = (index, value) else {
            return Err(content_problem(
                path,
                format!("line {line}: `row` must be a whole number and `score` a number within ±50"),
            ));
        };
        if scores.insert(index, value).is_some() {
            return Err(content_problem(path, format!("line {line}: row {index} occurs twice")));
        }
    }
    Ok(scores)
}

/// The appeal that the installed model gives to each headline, without any history.
fn of_model(rows: &[ClickTestRow], tests: &[Vec<usize>], places: &Places) -> Result<Scores, Problem> {
    let folder = places.models.join(MINILM_FOLDER);
    let loaded =
        load(Some(&folder)).map_err(|error| Problem::new(error.code(), "model", error.to_string()))?;
    let mut by_row = BTreeMap::new();
    for test in tests {
        let inputs: Vec<ScoreInput> = test
            .iter()
            .map(|&idx| ScoreInput {
                headline: rows[idx].headline.clone(),
                text: rows[idx].headline.clone(),
                locale: Locale::EnUs,
                statistics: FrameStatistics { loudness_lufs: -70.0, ..FrameStatistics::default() },
            })
            .collect();
        let scored = loaded
            .model
            .score(&inputs, &[])
            .map_err(|error| Problem::new(Code::ModelInput, "headline", error.to_string()))?;
        by_row.extend(test.iter().zip(scored).map(|(&idx, score)| (idx, score.appeal)));
    }
    Ok(Scores { by_row, source: loaded.model.id() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_with_gaps_doubles_or_bad_numbers_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("scores.csv");
        for (text, message) in [
            ("row,points\n0,1\n", "the column is missing"),
            ("row,score\n0,NaN\n", "within ±50"),
            ("row,score\n-1,0.5\n", "whole number"),
            ("row,score\n0,0.5\n0,0.6\n", "occurs twice"),
        ] {
            std::fs::write(&path, text).unwrap();
            let problem = read_scores(&path).unwrap_err();
            assert!(problem.message.contains(message), "{problem}");
        }
        std::fs::write(&path, "score,row\n0.5,3\n-1e-3,0\n").unwrap();
        assert_eq!(read_scores(&path).unwrap(), BTreeMap::from([(0, -1e-3), (3, 0.5)]));
    }
}
