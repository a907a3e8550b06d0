//! Why a voice could not speak.

use std::path::PathBuf;

use spotwright_core::ports::voice::VoiceError;

/// A failed line.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file of the voices is missing or is not what it should be (permanent until it is installed).
    #[error("voice file `{}`: {what}; `infra/setup.sh` installs it", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The runtime of the model could not be loaded or refused a computation.
    #[error("speech model: {0}")]
    Model(String),
    /// A character that has no reading (permanent).
    #[error("the character `{0}` has no reading")]
    Character(char),
    /// A voice that is not installed or speaks another language (permanent).
    #[error("{0}")]
    Voice(String),
    /// Nothing in the text can be said (permanent).
    #[error("the line has no words")]
    NoWords,
    /// A sentence is too long for the model (permanent).
    #[error("a sentence has {0} sounds; at most {most} can be spoken in one breath", most = crate::kokoro::MOST_SYMBOLS)]
    Long(usize),
}

impl From<Error> for VoiceError {
    fn from(error: Error) -> Self {
        match error {
            Error::File { .. } | Error::Model(_) => Self::Unavailable(error.to_string()),
            _ => Self::Impossible(error.to_string()),
        }
    }
}
