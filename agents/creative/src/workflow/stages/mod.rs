//! One file for each stage of the loop: what its steps do outside, and what follows from their ends.

pub(super) mod approve;
pub(super) mod clarify;
pub(super) mod clip;
pub(super) mod draft;
mod finish;
mod footage;
pub(super) mod learn;
pub(super) mod place;
pub(super) mod plan;
mod preview;
mod render;
mod score;
mod select;
pub(super) mod serve;
pub(super) mod speak;
mod withdraw;
