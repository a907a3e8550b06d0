//! Language models that write scripts: adapters of [`spotwright_core::ports::language_model`].
//!
//! | Module | Provider | Needs |
//! |---|---|---|
//! | [`openai`] | any OpenAI-compatible server, through `async-openai` | a base URL, mostly a key |
//! | [`gguf`] | an embedded model read from a GGUF file, decoded under a grammar | the file |
//! | [`replay`] | recorded answers of another provider | the recording |
//!
//! [`reading`] asks a server to read an advertiser's sources; it points, and others check. [`prompt`] writes what a
//! server is asked for scripts, [`extract`] finds the JSON in what it answers, [`answer`]
//! decides what of it may be used.
//!
//! What this crate does not do: it does not judge advertising law (that is the lint of
//! `spotwright-creative`), it does not choose among scripts, it never acts on what a model says, and
//! it builds no HTTP client by itself except in [`openai::build_client`].
//!
//! # Invariants
//! - Texts of the brief reach a model only as JSON inside a delimited data block, never as
//!   instructions.
//! - Every proposed script has passed an [`answer::Checker`], whatever the model was told to say.
//! - Every answer is read with a size limit; every failure is a typed error, never a panic.
//! - There is exactly one retry layer; async-openai's own is replaced.
//!
//! # Example
//! ```
//! use spotwright_llm::openai::{ApiKey, Options, OpenAi, RungMemory, build_client};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! rustls::crypto::ring::default_provider().install_default().ok();
//! let options = Options {
//!     base_url: "http://127.0.0.1:8080/v1".to_owned(),
//!     api_key: ApiKey::new("local")?,
//!     model: "some-model".to_owned(),
//!     ..Options::default()
//! };
//! let client = build_client(&options.base_url, options.request_timeout)?;
//! let model = OpenAi::new(options, client, RungMemory::default())?;
//! # let _ = model;
//! # Ok(())
//! # }
//! ```

pub mod answer;
pub mod extract;
pub mod gguf;
pub mod openai;
pub mod prompt;
pub mod reading;
pub mod replay;

#[cfg(test)]
mod test_requests;
