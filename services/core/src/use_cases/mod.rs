//! Use cases: one function for each thing that a user can do.
//!
//! Every face (command line, REST API, portal) calls these and nothing below them. A use case takes the
//! [`Principal`] who asks, checks what it may do before anything is read, and speaks to ports only; it knows
//! neither HTTP nor files.

mod principal;
pub mod results;

pub use principal::{Principal, Role, UnknownRole, Who};
