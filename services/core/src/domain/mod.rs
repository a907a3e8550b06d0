//! The domain: runs, variants, placements and the kinds of work between them.

pub mod run;
pub mod topology;
pub mod variant;
