//! Voices: text as it is written becomes speech with word times.
//!
//! # Purpose
//! [`Kokoro`] speaks English and Mandarin in this process with the model Kokoro-82M, [`Hibari`] American
//! English with a small model, [`HttpVoice`] asks a server of the OpenAI style, and [`Chain`] asks one after
//! the other and says why each was passed over. All implement the port
//! [`Voice`](spotwright_core::ports::voice::Voice). The front ends, [`english_as_said`] and
//! [`mandarin_as_said`], write prices, units and dates out as they are said.
//! It mixes nothing and changes no loudness: that is the studio's.
//!
//! # Invariants
//! - A line is spoken whole or not at all: what cannot be read is an error that names it.
//! - The model is loaded once in a process, and only when something is spoken.
//! - A sentence from the cache has the same samples as one that was just spoken.
//! - Front ends are pure: the same text has the same symbols on every machine. Samples may differ between
//!   kinds of processors.
//!
//! # Example
//! ```
//! use spotwright_voice::{english_as_said, mandarin_as_said};
//!
//! assert_eq!(english_as_said("$12.50 for 250 g"), "twelve dollars and fifty cents for two hundred fifty grams");
//! assert_eq!(mandarin_as_said("满200减30，全场8折"), "满二百减三十,全场八折");
//! ```

mod cache;
mod chain;
mod english;
mod error;
mod front_end;
mod hibari;
mod http;
mod kokoro;
mod mandarin;
mod names;
mod runtime;
mod sentence;
mod spelling;
mod timing;
mod vocoder;

pub use chain::Chain;
pub use english::written_out as english_as_said;
pub use error::Error;
pub use hibari::Hibari;
pub use http::{HttpOptions, HttpVoice};
pub use kokoro::{Kokoro, Options, VOICES, voice_for};
pub use mandarin::written_out as mandarin_as_said;

/// The runtime's library below the folder of model files.
pub(crate) fn runtime_library(models: &std::path::Path) -> std::path::PathBuf {
    models.join("onnxruntime/libonnxruntime.so")
}

/// The voices whose files are there below a folder of model files, with the language of each.
#[must_use]
pub fn installed_voices(models: &std::path::Path) -> Vec<(String, spotwright_schemas::Locale)> {
    kokoro::installed(models)
}

/// The files without which nothing can be spoken and that are missing below a folder of model files.
#[must_use]
pub fn missing_files(models: &std::path::Path) -> Vec<std::path::PathBuf> {
    kokoro::missing(models)
}
