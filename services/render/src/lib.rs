//! The studio: turns storyboards into finished vertical videos on the CPU.
//!
//! # Purpose
//! [`Studio`] implements [`VideoBackend`](spotwright_core::ports::video_backend::VideoBackend): it
//! lays out each shot ([`Layout`](spotwright_schemas::storyboard::Layout)), composites it, encodes
//! it once, joins shots by stream copy, composes a music bed, lays spoken lines over it ([`speech`]) and
//! writes the label of AI-made content.
//! It also implements [`QualityGate`](spotwright_core::ports::quality_gate::QualityGate), which decodes and
//! measures a stored file, whoever made it ([`gate`]). [`picture::PictureImport`] makes pictures from outside
//! safe, [`ClipImport`] clips: each file is decoded in a caged child process ([`worker`]).
//! It writes no copy, chooses no layout, and generates no pictures.
//!
//! # Invariants
//! - The same request gives the same bytes, whatever the number of threads and whether shots were
//!   cached.
//! - A shot that several variants share is composited and encoded once.
//! - A caption is inside the safe zone, whole and readable, or rendering fails with a typed error;
//!   no character is ever replaced by an empty box.
//! - Finished files, cached shots and records appear whole or not at all.
//!
//! # Example
//! ```
//! use spotwright_render::picture;
//!
//! // Not a picture: the error has a code of its own and names the field.
//! let problem = picture::import(b"GIF89a...", "product.pictures[0]").unwrap_err();
//! assert_eq!(problem.code.as_str(), "SW0203");
//! assert_eq!(problem.field, "product.pictures[0]");
//! ```

pub mod backdrop;
mod cache;
mod error;
mod faces;
pub mod fidelity;
mod footage;
pub mod gallery;
pub mod gate;
pub mod graph;
mod import;
pub mod label;
mod layout;
mod lines;
pub mod loudness;
mod mask;
mod measure;
pub mod music;
pub mod picture;
mod pixels;
mod scene;
pub mod speech;
mod statistics;
mod still;
mod studio;
mod text;
mod transition;
mod variety;
pub mod worker;

pub use error::Error;
pub use import::ClipImport;
pub use measure::Measure;
pub use studio::{Options, Studio, Watermarker};
pub use text::Letters;
pub use variety::Variety;
