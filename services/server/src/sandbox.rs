//! The sandbox of foreign files, as the configuration wants it.

use std::path::{Path, PathBuf};

use spotwright_media::{self as media, Sandbox};
use spotwright_render::picture::PictureImport;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use crate::config;

/// A sandbox whose scratch files lie in the configured folder, or else in `scratch`, which is created.
///
/// # Errors
/// [`Code::Option`] for a folder that cannot be created; [`Code::Unavailable`] when the system does not tell
/// which program runs.
pub fn sandbox(settings: &config::Sandbox, scratch: &Path) -> Result<Sandbox, Problem> {
    let program = if settings.program.is_empty() {
        std::env::current_exe().map_err(|error| Problem::new(Code::Unavailable, "", error.to_string()))?
    } else {
        PathBuf::from(&settings.program)
    };
    let scratch = if settings.scratch.is_empty() { scratch } else { Path::new(&settings.scratch) };
    std::fs::create_dir_all(scratch).map_err(|error| {
        let message = format!("`{}` cannot be written: {error}", scratch.display());
        Problem::new(Code::Option, "sandbox.scratch", message)
    })?;
    let mut options = media::Options::new(program, scratch.to_path_buf());
    options.cage.whole = settings.whole;
    Ok(Sandbox::new(options))
}

/// An importer of foreign pictures.
///
/// # Errors
/// As [`sandbox`].
pub fn pictures(settings: &config::Sandbox) -> Result<PictureImport, Problem> {
    Ok(PictureImport::new(sandbox(settings, &std::env::temp_dir())?))
}
