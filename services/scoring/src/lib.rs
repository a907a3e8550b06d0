//! Click prediction: how much better one advertisement of a brief will do than another, and how
//! sure that is.
//!
//! [`load::load`] gives the shipped [`ClickModel`](spotwright_core::ports::click_model::ClickModel):
//! a Bayesian ridge on a frozen text encoder ([`encoder`]), fitted on randomized headline tests
//! ([`data`]) and updated in closed form with the clicks of the brief at hand ([`model`]).
//!
//! What it deliberately does not do:
//! - It never sees the tests whose clicks the simulated audience is fitted on
//!   ([`data::audience_share`]), and knows nothing of the market's inside.
//! - It learns nothing about frames or whole texts from the archive, which has neither: their
//!   weights start at 0 and move with the brief's own clicks only.
//! - It keeps nothing between calls but encoded texts.
//!
//! Invariants, each tested: equal inputs give bit-equal scores on one kind of processor, whatever
//! the number of threads and whatever else is scored; every click rate lies inside its interval;
//! more history never widens an interval (its width in log-odds); damaged model files and bad
//! inputs are typed errors.
//!
//! The feature `training` adds reading of Parquet and CSV, fitting, metrics and model cards.
//!
//! # Examples
//! ```
//! use spotwright_core::ports::click_model::ScoreInput;
//! use spotwright_core::ports::video_backend::FrameStatistics;
//! use spotwright_schemas::locale::Locale;
//!
//! let loaded = spotwright_scoring::load::load(None)?;
//! assert!(loaded.notice.is_some(), "hashed features say that they are");
//! let input = ScoreInput {
//!     headline: "Why your morning coffee tastes flat".to_owned(),
//!     text: "Why your morning coffee tastes flat. Ground this morning. Try a bag.".to_owned(),
//!     locale: Locale::EnUs,
//!     statistics: FrameStatistics { loudness_lufs: -70.0, ..FrameStatistics::default() },
//! };
//! let scores = loaded.model.score(&[input], &[])?;
//! let [low, high] = scores[0].interval;
//! assert!(low < scores[0].predicted_ctr && scores[0].predicted_ctr < high);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(feature = "training")]
pub mod baselines;
pub mod by_locale;
#[cfg(feature = "training")]
pub mod calibration;
#[cfg(feature = "training")]
pub mod card;
#[cfg(feature = "training")]
pub mod coverage;
pub mod cross;
pub mod data;
#[cfg(feature = "training")]
pub mod design;
pub mod encoder;
mod error;
pub mod features;
pub mod hash;
pub mod hot;
pub mod last_layer;
#[cfg(feature = "training")]
pub mod lessons;
mod linear;
pub mod load;
#[cfg(feature = "training")]
pub mod log_rows;
#[cfg(feature = "training")]
pub mod logistic;
#[cfg(feature = "training")]
pub mod metrics;
pub mod model;
pub mod online;
pub mod phrases;
#[cfg(feature = "training")]
pub mod pooled;
#[cfg(feature = "training")]
pub mod refit;
pub mod registry;
#[cfg(feature = "training")]
mod ridge;
#[cfg(feature = "training")]
mod spectrum;
#[cfg(feature = "training")]
pub mod train;
#[cfg(feature = "training")]
pub mod whole_file;
pub mod words;

pub use error::Error;
pub use linear::linear_scores;
