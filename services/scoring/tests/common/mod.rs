//! Where tests find data and model files that the repository does not hold.

use std::path::PathBuf;

/// `file` below the folder that `variable` names; `None`, with a plain sentence, when it is absent.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests find optional files through two documented variables and say what they skip"
)]
pub(crate) fn optional_file(variable: &str, file: &str) -> Option<PathBuf> {
    let path = std::env::var(variable).ok().map(|folder| PathBuf::from(folder).join(file));
    match path {
        Some(path) if path.is_file() => Some(path),
        Some(path) => {
            println!("SKIPPED: {} does not exist", path.display());
            None
        }
        None => {
            println!("SKIPPED: {variable} is not set, so {file} is not read");
            None
        }
    }
}
