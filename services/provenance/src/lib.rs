//! Signed statements of where a video comes from (C2PA), behind the port
//! [`Provenance`](spotwright_core::ports::provenance::Provenance).
//!
//! A leaf: only the program names it, and the crate that signs is compiled with the feature `c2pa` alone. The
//! manifest stands in a box of its own behind the movie's header; streams and the metadata label stay as they
//! are.

#[cfg(feature = "c2pa")]
mod manifest;

#[cfg(feature = "c2pa")]
pub use manifest::{C2pa, Keys};
