//! Experiments.

pub(crate) mod plan;
