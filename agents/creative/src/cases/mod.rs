//! Best cases: ways to build a short advertisement that hold up, and the organization's own winners.
//!
//! # Purpose
//! A case says what tension it lives from and how it turns, why that works, what it needs of a brief,
//! and shot by shot what happens, with a line for an invented product. Cases are authored, one YAML
//! file per language and line of business under `cases/`; winners are read from finished runs.
//! [`Library::find`] finds those that fit a brief: by words (BM25), by meaning (vectors where a model
//! is there, else shared concepts), fused by rank, and picked so that structures and texts differ.
//!
//! # Invariants
//! - Equal query, equal answer.
//! - A winner is found by its own organization only.
//! - Cases hold no measured result and no listed term; every product in them is invented.
//!
//! # Example
//! ```
//! use spotwright_creative::cases::{Library, Query};
//! use spotwright_schemas::brief::Brief;
//!
//! let brief = Brief::from_yaml(include_bytes!("../../../../examples/coffee-en/brief.yaml"))?;
//! let found = Library::builtin().find(&Query::new(&brief, 3));
//! assert_eq!(found.len(), 3);
//! # Ok::<(), spotwright_schemas::Problem>(())
//! ```

mod case;
mod find;
mod library;
mod meaning;
mod winners;
mod words;

#[cfg(test)]
mod tests;

pub use case::{Case, CaseShot, Language, Needs, NoteParts, OfferNeed};
pub use find::{By, Found, MOST_WINNERS, Query, Source};
pub use library::Library;
pub use meaning::TextVectors;
pub use winners::{Lift, Winner, stored_winners, winners_of};

use spotwright_schemas::brief::Brief;
use spotwright_schemas::script::Structure;

/// Id of the authored case of a structure that fits the brief most: what a script of the copy engine
/// says it learned from.
#[must_use]
pub fn for_script(brief: &Brief, structure: Structure) -> Option<String> {
    let query = Query { structure: Some(structure), ..Query::new(brief, 1) };
    let found = Library::builtin().find(&query);
    found.first().map(|found| found.source.id())
}
