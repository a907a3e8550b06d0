//! Why a voice could not speak.

use std::path::{Path, PathBuf};

use spotwright_core::domain::reason::VoiceFault;
use spotwright_core::ports::artifacts::no_room;
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
    /// File descriptors or memory are used up for the moment; the same line is spoken later.
    #[error("nothing is left to speak with: {0}")]
    UsedUp(String),
    /// A character that has no reading (permanent).
    #[error("the character `{0}` has no reading")]
    Character(char),
    /// A voice that is not installed or speaks another language (permanent).
    #[error("{}", .0.told(spotwright_schemas::Locale::EnUs))]
    Voice(VoiceFault),
    /// Nothing in the text can be said (permanent).
    #[error("the line has no words")]
    NoWords,
    /// A sentence is too long for the model (permanent).
    #[error("a sentence has {0} sounds; at most {most} can be spoken in one breath", most = crate::kokoro::MOST_SYMBOLS)]
    Long(usize),
}

/// What the runtime says where the system gives it no more memory or descriptors; it has no numbers for them.
const USED_UP: [&str; 5] = [
    "Too many open files",
    "Cannot allocate memory",
    "Failed to allocate memory",
    "bad_alloc",
    "bad allocation",
];

impl Error {
    /// A file that could not be opened or read.
    pub(crate) fn reading(path: &Path, error: &std::io::Error) -> Self {
        if no_room(error) {
            return Self::UsedUp(format!("{}: {error}", path.display()));
        }
        Self::File { path: path.to_owned(), what: error.to_string() }
    }

    /// What the runtime answered to a computation.
    pub(crate) fn computing(error: &ort::Error) -> Self {
        let text = error.to_string();
        if is_used_up(&text) { Self::UsedUp(text) } else { Self::Model(text) }
    }
}

/// Whether a message of the runtime tells of what the system has no more of.
pub(crate) fn is_used_up(text: &str) -> bool {
    USED_UP.iter().any(|words| text.contains(words))
}

impl From<Error> for VoiceError {
    fn from(error: Error) -> Self {
        match error {
            Error::UsedUp(_) => Self::NoRoom(error.to_string()),
            Error::File { path, what } => {
                Self::unavailable(VoiceFault::File { file: path.display().to_string(), words: what })
            }
            Error::Model(words) => Self::unavailable(VoiceFault::Model { words }),
            Error::Voice(fault) => Self::impossible(fault),
            Error::Character(character) => Self::impossible(VoiceFault::Character { character }),
            Error::NoWords => Self::impossible(VoiceFault::NoWords),
            Error::Long(sounds) => {
                Self::impossible(VoiceFault::SentenceTooLong { sounds, at_most: crate::kokoro::MOST_SYMBOLS })
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_runs_out_of_descriptors_or_memory_waits_for_them() {
        // EMFILE, ENFILE, ENOMEM of Linux.
        for number in [24, 23, 12] {
            let error = Error::reading(Path::new("voice.bin"), &std::io::Error::from_raw_os_error(number));
            assert!(matches!(VoiceError::from(error), VoiceError::NoRoom(_)), "{number}");
        }
        let absent = Error::reading(Path::new("voice.bin"), &std::io::Error::from_raw_os_error(2));
        assert!(matches!(VoiceError::from(absent), VoiceError::Unavailable(_)));
        assert!(is_used_up(
            "Load model from a.onnx failed: open file a.onnx fail, errcode = 24: Too many open files"
        ));
        assert!(!is_used_up("Invalid rank for input: tokens"));
    }
}
