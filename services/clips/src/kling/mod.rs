//! Kling's open API, in both of its dialects.
//!
//! | part | what it does |
//! |---|---|
//! | [`Options`] | dialect, model, resolution, keys, row |
//! | `auth` | the plain key, or tokens minted from the key pair |
//! | `limits` | what each model can do |
//! | `plan` | what is asked for: path and body, checked before anything is sent |
//! | `current`, `legacy` | bodies of the two dialects |
//! | `wire` | answers of both, as one |
//! | `errors` | classes of errors by the provider's code, not by the HTTP status |
//! | `adapter` | [`Kling`], the source |
//! | [`callback`] | signed callbacks, which are hints only |
//!
//! The two dialects share an account. The current one has the model in its path, settings of its own and one
//! route for all tasks; pictures, speech and lip-sync exist on the legacy paths only, and are asked for there
//! with either kind of key.
//!
//! # Sources
//! The vendor's pages as copied in `artykrd/ai-bot-misha` (docs/kling_api.md) for the legacy paths, and in
//! `aself101/kling-api` (docs/api, 2026-09) for the current ones; where they disagree the newer counts.

mod adapter;
mod auth;
pub mod callback;
mod current;
mod errors;
mod legacy;
mod limits;
mod options;
mod plan;
mod wire;

pub use adapter::Kling;
pub use options::{Dialect, Options, Resolution};
