//! Clip sources over HTTP: who makes the moving picture of a shot.
//!
//! # Purpose
//! Adapters of the port `ClipSource` for the servers that GPU owners and vendors run: [`kling`] in both of its
//! dialects, [`openai_videos`] for servers of `/v1/videos`, and [`comfyui`] with a graph of nodes. Each has its
//! [`prices::Row`]: model, terms with territories, and prices with their date.
//!
//! It deliberately does not choose between sources (`core::domain::routing` does), does not wait (the spine
//! does), keeps no state that a restart may not lose, and does not decode what it downloads: results are bytes
//! of a known kind that end where their structure does, and everything else about them is judged elsewhere.
//!
//! # Invariants
//! - Whatever a provider's rules forbid is refused by `quote`, before anything is sent.
//! - A request that makes something carries the caller's key wherever the provider has a place for it; an
//!   error says whether the request may have begun something.
//! - "Too many at once" is [`ClipErrorKind::Busy`] and an ordinary wait: several processes share one account, so
//!   that no counter of ours could prevent it.
//! - Keys appear in no error, log or `Debug`; results' addresses, which are keys as well, in none either.
//! - Every answer is bounded: 1 MiB of JSON, 512 MiB of a clip.
//!
//! [`ClipErrorKind::Busy`]: spotwright_core::ports::clip_source::ClipErrorKind::Busy
//!
//! # Example
//! ```
//! use spotwright_clips::kling::{Dialect, Options};
//!
//! let options: Options = serde_json::from_str(
//!     r#"{"server": {"base_url": "https://api-singapore.klingai.com"}, "dialect": "current", "api_key": "sk-1",
//!         "row": {"model": "kling-3.0-turbo", "currency": "USD", "prices_of": "2026-09-20"}}"#,
//! )
//! .unwrap();
//! assert_eq!(options.dialect, Dialect::Current);
//! assert!(!format!("{options:?}").contains("sk-1"));
//! ```

pub mod comfyui;
mod done;
mod files;
mod frames;
mod http;
pub mod kling;
pub mod licences;
mod media;
mod multipart;
pub mod openai_videos;
mod options;
pub mod prices;
mod words;

pub use frames::Shape;
pub use options::{MAX_CLIP_BYTES, OptionsError, Secret, Server};
