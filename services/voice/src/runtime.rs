//! ONNX Runtime: loaded from a file once in a process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use ort::session::Session;

use crate::Error;
use crate::error::is_used_up;

/// The library that this process has loaded, and its environment: there can be one only.
static LOADED: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

/// Opens a model. `threads` are what one computation may use.
pub(crate) fn open(library: &Path, model: &Path, threads: usize) -> Result<Session, Error> {
    let environment = environment(library)?;
    if !model.is_file() {
        return Err(Error::File { path: model.to_owned(), what: "it is missing".to_owned() });
    }
    // The runtime tells what it could not open in words alone: the system is asked first, in its place.
    std::fs::File::open(model).map_err(|error| Error::reading(model, &error))?;
    let fail = |error: String| {
        if is_used_up(&error) {
            return Error::UsedUp(error);
        }
        Error::File { path: model.to_owned(), what: error }
    };
    Session::builder(&environment)
        .map_err(|error| fail(error.to_string()))?
        .with_intra_threads(threads.max(1))
        .map_err(|error| fail(error.to_string()))?
        // Waiting threads would take the processor from the renderers beside them.
        .with_intra_op_spinning(false)
        .map_err(|error| fail(error.to_string()))?
        .commit_from_file(model)
        .map_err(|error| fail(error.to_string()))
}

fn environment(library: &Path) -> Result<Environment, Error> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, environment)) = loaded.as_ref() {
        return Ok(environment.clone());
    }
    if !library.is_file() {
        return Err(Error::File { path: library.to_owned(), what: "it is missing".to_owned() });
    }
    std::fs::File::open(library).map_err(|error| Error::reading(library, &error))?;
    let fail = |error: String| {
        if is_used_up(&error) {
            return Error::UsedUp(error);
        }
        Error::File { path: library.to_owned(), what: error }
    };
    let environment = ort::init_from(library)
        .map_err(|error| fail(error.to_string()))?
        .build()
        .map_err(|error| fail(error.to_string()))?;
    *loaded = Some((library.to_owned(), environment.clone()));
    Ok(environment)
}
