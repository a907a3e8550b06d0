//! Generated shots without a video model: a diffusion model in this process paints a picture, and the picture
//! is set in motion.
//!
//! # Purpose
//! An adapter of the port `ClipSource` around the Stable Diffusion models of candle-transformers (the family of
//! 1.5 and 2.1): text to image, and image to image from a shot's first frame or product picture. The picture is
//! the job's result for tasks of kind `picture`; for others it becomes a clip by the port [`Motion`], which the
//! program fills with its studio.
//!
//! It deliberately does not choose between sources, brings no weights along, and knows no video model: what
//! moves is the camera.
//!
//! # Invariants
//! - Weights are the owner's: a folder in diffusers' layout, named in the configuration with model, terms and
//!   price. Nothing is downloaded.
//! - The same key is the same job. Jobs live in this process; one that a restart has lost is unknown, and says
//!   that it costs nothing, so that it is made again.
//! - One job at a time for each source; the number of waiting jobs, pixels, steps, words and kept results are
//!   bounded.
//! - On a processor the same request gives the same bytes on the same machine.
//! - What is made says in its metadata that a model made it. Whatever comes from a clip source is labeled as
//!   generated in the ad.
//! - What a folder or a request holds causes errors, not panics; should the model's code panic all the same, the
//!   job fails and the next one is taken.
//!
//! # Example
//! ```
//! use spotwright_keyframes::{DeviceChoice, Options};
//!
//! let options: Options = serde_json::from_str(
//!     r#"{"folder": "/models/stable-diffusion-2-1", "device": {"cuda": 0},
//!         "row": {"model": "stable-diffusion-2-1", "currency": "USD", "prices_of": "2026-11-28",
//!                 "licence": {"name": "CreativeML Open RAIL++-M", "excluded": [], "revenue_limit_usd": null,
//!                             "read": "2026-11-28"}}}"#,
//! )
//! .unwrap();
//! assert_eq!(options.device, DeviceChoice::Cuda(0));
//! assert_eq!(options.steps, 25);
//! ```

mod canvas;
mod folder;
mod jobs;
mod maker;
mod motion;
mod options;
mod painter;
mod request;
mod schedule;
mod source;
mod text;
mod words;

pub use motion::{Motion, MotionError, MotionOrder};
pub use options::{DeviceChoice, Options, OptionsError, Row};
pub use source::Keyframes;
