//! `spotwright scorer`: click models and policies on real data.

use std::path::Path;

use spotwright_evaluation::{Command, Places};
use spotwright_schemas::Problem;

use crate::config::Config;

/// Does what is asked for, with the models of the configuration. Vectors of texts are kept beside them.
///
/// # Errors
/// A [`Problem`] with the code of what is wrong: arguments, data or model files.
pub fn execute(config: &Config, data: Option<&Path>, json: bool, what: &Command) -> Result<(), Problem> {
    let models = config.model_folder();
    let places =
        Places { cache: models.with_file_name("vectors"), data: data.map(Path::to_path_buf), models };
    spotwright_evaluation::execute(what, &places, json, &mut std::io::stdout().lock())
}
