//! The REST API: the same use cases as the command line, over HTTP and for many organizations.
//!
//! # Purpose
//! [`router`] makes an `axum::Router` from the ports of the core. Organizations, API keys, pictures,
//! briefs, runs with their event streams, traces, variants and files stand under `/v1`; each
//! operation has a file of its own. [`openapi::document`] describes all of it in OpenAPI 3.1.
//!
//! The crate decides nothing about advertisements: it checks who asks and what, and calls the ports.
//! It opens no socket, reads no clock and knows no database.
//!
//! # Invariants
//! - [`operations::OPERATIONS`] says who may call what. What is not listed is closed to everybody.
//! - Whatever belongs to another organization is not found, exactly as what never existed.
//! - Every error answer is `application/problem+json` with a stable code, whoever made it.
//! - A request that creates something takes effect once for each `Idempotency-Key`.
//! - The text of a key is shown once and stored nowhere; no secret is printed by `Debug`.
//!
//! # Example
//! ```
//! use spotwright_api::key::{KeyText, Pepper, issue};
//! use spotwright_core::domain::account::Scope;
//! use spotwright_core::ports::entropy::{Entropy, EntropyError};
//!
//! struct Zeros;
//! impl Entropy for Zeros {
//!     fn fill(&self, buffer: &mut [u8]) -> Result<(), EntropyError> {
//!         buffer.fill(0);
//!         Ok(())
//!     }
//! }
//!
//! let pepper = Pepper::new([1; 32]);
//! let (stored, text) = issue(&pepper, &Zeros, "dashboard", &[Scope::RunsRead], None)?;
//! let (id, presented) = KeyText::parse(text.expose()).expect("the text of a key");
//! assert_eq!(id, stored.id);
//! assert!(pepper.matches(&presented, &stored.mac));
//! # Ok::<(), EntropyError>(())
//! ```

mod auth;
pub mod body;
mod callbacks;
mod cursor;
mod download;
mod etag;
mod extract;
mod forced;
mod form;
mod idempotency;
pub mod key;
mod kling;
mod language;
mod layers;
mod mark;
pub mod openapi;
pub mod operations;
pub mod problem;
mod progress;
mod range;
mod rate;
mod reference;
mod requests;
mod routes;
mod service;
pub mod session;
mod shares;
mod state;
mod tails;
mod v1;
mod webhook_secrets;

pub use auth::Peer;
pub use routes::router;
pub use state::{ApiState, Limits};
