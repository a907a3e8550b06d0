//! Files of the data folder, and errors of reading and of policies as problems for people.

use std::path::{Path, PathBuf};

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use crate::command::Places;

/// `file` of the data folder.
///
/// # Errors
/// A [`Problem`] when no data folder is configured or the file does not exist.
pub(crate) fn data_file(places: &Places, file: &str) -> Result<PathBuf, Problem> {
    let Some(data) = &places.data else {
        return Err(Problem::new(
            Code::Prerequisite,
            "data",
            format!("{file} is needed and no data folder is configured (SPOTWRIGHT_DATA)"),
        ));
    };
    let path = data.join(file);
    if path.is_file() {
        Ok(path)
    } else {
        Err(Problem::new(Code::Prerequisite, "data", format!("{} does not exist", path.display())))
    }
}

/// What is wrong with a file's content.
pub(crate) fn content_problem(path: &Path, message: impl Into<String>) -> Problem {
    Problem::new(Code::ModelInput, path.display().to_string(), message)
}

/// What a policy or an estimator does not accept.
pub(crate) fn experiment_problem(error: &spotwright_experiment::Error) -> Problem {
    Problem::new(Code::ModelInput, "", error.to_string())
}
