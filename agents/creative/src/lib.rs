//! The creative agent: from a brief to scripts, storyboards, a selection, and what was learnt.
//!
//! # Purpose
//! Pure decisions of the loop, in the order they are taken: [`clarify`] asks, [`plan`] chooses
//! directions, [`cases`] knows ads to learn from, [`drafting`] has whole scripts written by a language
//! model or by the [`copywriter`], [`critique`] judges them, [`storyboard`] lays them out, [`footage`]
//! says which shots a video model is asked for, [`voice_over`] has lines spoken, [`select`] picks which
//! scored variants are rendered in full, [`revision`] makes another advertisement of one that a person edits,
//! [`learn`] turns clicks into beliefs for the next generation.
//!
//! # What it does not do
//! No I/O, no clock, no global randomness; it neither renders, scores nor publishes. A language
//! model is reached through its port and may fail: the copy engine then writes the scripts.
//!
//! # Invariants
//! - The same brief, arguments and seed give the same result.
//! - Every quantity in a script stands in a fact it rests on, in the price, or in a name.
//! - An accepted script holds no listed absolute, medical, financial or testimonial claim and no
//!   word the brand bans.
//! - Only impressions and clicks enter [`learn::Beliefs`]; the click model is never a reward. What people
//!   reject is added where a plan is made ([`learn::with_rejections`]) and kept apart.
//!
//! # Example
//! ```
//! use spotwright_creative::{learn::Beliefs, plan::plan};
//! use spotwright_schemas::brief::Brief;
//!
//! let brief = Brief::from_yaml(include_bytes!("../../../examples/coffee-en/brief.yaml"))?;
//! let assignments = plan(&brief, 1, 12, &Beliefs::default(), 7);
//! assert_eq!(assignments.len(), 12);
//! # Ok::<(), spotwright_schemas::Problem>(())
//! ```

pub mod cases;
pub mod clarify;
pub mod clarity;
pub mod copy_engine;
pub mod copywriter;
pub mod critique;
pub mod drafting;
mod edits;
pub mod footage;
pub mod learn;
mod look;
pub mod plan;
mod promise;
pub mod revision;
pub mod select;
pub mod storyboard;
pub mod text;
pub mod voice_over;
pub mod workflow;

#[cfg(test)]
mod fixtures;
