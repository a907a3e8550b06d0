//! Where tests find data and model files that the repository does not hold.

use std::path::PathBuf;

/// The click tests under `SPOTWRIGHT_DATA`; `None`, with a plain sentence, when they are absent.
pub(crate) fn click_tests() -> Option<PathBuf> {
    existing("SPOTWRIGHT_DATA", "upworthy/upworthy_split.parquet")
}

/// The MiniLM folder under `SPOTWRIGHT_MODELS`; `None`, with a plain sentence, when it is absent.
pub(crate) fn minilm_folder() -> Option<PathBuf> {
    existing("SPOTWRIGHT_MODELS", "all-minilm-l6-v2/model.safetensors")
        .and_then(|weights| weights.parent().map(PathBuf::from))
}

#[expect(clippy::disallowed_methods, reason = "tests find optional data through two documented variables")]
fn existing(variable: &str, file: &str) -> Option<PathBuf> {
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
