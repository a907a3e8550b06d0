//! Click prediction (in work).

pub mod data;
mod error;

pub use error::Error;
