//! Errors of the crates below as problems for people.

use std::path::Path;

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_scoring::Error;

/// An error of the scoring crate; the field is the file or the kind of input that is meant.
pub(crate) fn scoring_problem(error: &Error) -> Problem {
    let field = match error {
        Error::Io { path, .. } | Error::Table { path, .. } => path.display().to_string(),
        Error::ModelFile { file, .. } => file.clone(),
        Error::Text(_) => "text".to_owned(),
        Error::Fit(_) | Error::Rows(_) => "table".to_owned(),
        Error::Encoder(_) => "encoder".to_owned(),
    };
    Problem::new(error.code(), field, error.to_string())
}

/// A file that cannot be read or written.
pub(crate) fn io_problem(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(Code::ModelInput, path.display().to_string(), error.to_string())
}

/// The answer cannot be written.
pub(crate) fn output_problem(error: &std::io::Error) -> Problem {
    Problem::new(Code::Option, "", format!("the answer cannot be written: {error}"))
}
