//! Conformance suites: the contract of each port, clause by clause.

pub mod accounts;
pub mod artifacts;
pub mod bus;
mod control;
pub mod publish_target;
pub mod store;
