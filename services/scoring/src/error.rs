//! What can go wrong before a model scores anything.

use std::path::PathBuf;

use spotwright_schemas::error::Code;

/// Why data could not be read or a model not be loaded or fitted. All variants are permanent:
/// trying again without changing the input gives the same error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file cannot be opened, read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// The operating system's answer.
        source: std::io::Error,
    },
    /// A table of click tests is damaged or breaks a rule of [`crate::data`].
    #[error("{}{}: {message}", path.display(), row.map_or_else(String::new, |row| format!(", row {row}")))]
    Table {
        /// Which file.
        path: PathBuf,
        /// Which row, counted from 0 without a header; `None` when the whole file is meant.
        row: Option<usize>,
        /// What is wrong.
        message: String,
    },
    /// A model file is damaged, of another version or not the pinned one.
    #[error("{file}: {message}")]
    ModelFile {
        /// Path or name of the file.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// The rows given for fitting do not determine a model.
    #[error("fit: {0}")]
    Fit(String),
    /// Rows to be scored do not fit the model, or hold a number that is not finite.
    #[error("rows: {0}")]
    Rows(String),
    /// A text is empty or too long, or cannot be tokenized.
    #[error("text: {0}")]
    Text(String),
    /// A tensor computation inside the encoder went wrong.
    #[error("encoder: {0}")]
    Encoder(String),
}

impl Error {
    /// The stable code shown to people.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Self::Io { .. } | Self::ModelFile { .. } | Self::Encoder(_) => Code::ModelFile,
            Self::Table { .. } | Self::Fit(_) | Self::Rows(_) | Self::Text(_) => Code::ModelInput,
        }
    }

    pub(crate) fn model_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self::ModelFile { file: file.into(), message: message.into() }
    }
}
