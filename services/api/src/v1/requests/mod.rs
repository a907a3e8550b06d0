//! The last requests of the organization.

pub(crate) mod list;
