//! The words of Spotwright: ids, money, briefs, scripts, storyboards, events and result files.
//!
//! # Purpose
//! Every other crate speaks in these types. They carry data and the rules that make data valid;
//! they do no I/O. JSON Schemas are generated from them (`cargo xtask codegen`) and checked in
//! under `schemas/generated/`.
//!
//! # Invariants
//! - Money is integer [`Micros`] plus a [`Currency`]; media time is an integer number of frames.
//! - Every id is derived from a seed by [`ids`]; nothing here reads a clock or a random generator.
//! - Text that crosses the boundary is bounded in length, and unknown fields are errors.
//! - Formats that are stored or sent are additive only; `golden/` keeps one sample per version.
//!
//! # Example
//! ```
//! use spotwright_schemas::{brief::Brief, ids::RunId};
//!
//! let text = r##"{
//!   "format": "spotwright.brief.v1", "id": "demo", "locale": "en-US",
//!   "brand": { "name": "Hill Roasters", "colors": { "primary": "#3B2417", "accent": "#F2B544" } },
//!   "product": { "name": "Morning Roast", "category": "coffee",
//!     "facts": [ { "id": "fresh", "kind": "benefit", "text": "Roasted the morning it ships",
//!                  "evidence": { "source": "roasting log 2026" } } ],
//!     "pictures": [ { "file": "cup.png", "alt": "a cup of coffee" } ] },
//!   "audience": { "description": "people who brew at home" },
//!   "objective": "clicks",
//!   "budget": { "total": "20.00", "currency": "USD" },
//!   "destination_url": "https://example.com/roast",
//!   "call_to_action": "order_now",
//!   "placements": [ "simulated_feed" ]
//! }"##;
//! let brief = Brief::from_json(text.as_bytes())?;
//! assert_eq!(brief.product.facts[0].id.as_str(), "fresh");
//! assert_eq!(RunId::derive(7, "run", 0), RunId::derive(7, "run", 0));
//! # Ok::<(), spotwright_schemas::error::Problem>(())
//! ```

pub mod address;
pub mod brief;
pub mod destination;
pub mod error;
pub mod event;
pub mod experiment;
pub mod explanation;
pub mod ids;
pub mod launch;
pub mod letters;
pub mod locale;
pub mod mode;
pub mod money;
pub mod organization_event;
pub mod outcome;
pub mod placement;
pub mod random;
pub mod script;
pub mod speech;
pub mod storyboard;
pub mod storyboard_file;
pub mod strict;
pub mod wording;

pub use error::Problem;
pub use locale::{Language, Locale};
pub use money::{Currency, Micros};
