//! What was changed in the own organization, and by whom.

pub(crate) mod list;
