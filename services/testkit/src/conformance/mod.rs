//! Conformance suites: the contract of each port, clause by clause.

pub mod accounts;
pub mod artifacts;
mod budgets;
pub mod bus;
mod control;
mod messages;
mod money;
pub mod publish_target;
pub mod store;
