//! Read models: what reports, result files, the REST API and the portal show, computed once.
//!
//! # Purpose
//! [`Shown`] is what was made and what became of it. [`ranking`] puts winners in order, [`figures`] tells
//! rates with their intervals and sums by generation, [`explanations`] says why winners were scored as they
//! were, and [`elements`] what the parts of ads go along with. [`calibration`] holds predictions against what
//! came of them, and [`market`] tells auctions, prices and pace over all campaigns.
//!
//! It deliberately reads nothing and writes nothing: who shows a number fetches the rows through a use case
//! and asks here. Words and pictures are made where they are shown.
//!
//! # Invariants
//! - Equal rows give equal numbers, in the same order.
//! - Simulated and imported numbers never meet in one figure: the caller gives rows of one kind of source.
//! - What is not known is `None`, never 0.
//!
//! # Example
//! ```
//! use spotwright_insight::figures::click_rate;
//! use spotwright_schemas::outcome::Delivery;
//!
//! let delivery = Delivery { impressions: 1_000, clicks: 20, ..Delivery::default() };
//! let rate = click_rate(delivery, 0.90).expect("it was shown");
//! assert!(rate.low < 0.02 && 0.02 < rate.high);
//! assert!(click_rate(Delivery::default(), 0.90).is_none());
//! ```

pub mod calibration;
pub mod elements;
pub mod explanations;
pub mod figures;
pub mod market;
pub mod ranking;
mod shown;

pub use shown::Shown;
