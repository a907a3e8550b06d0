//! What the organization used.

pub(crate) mod get;
