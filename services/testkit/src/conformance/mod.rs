//! Conformance suites: the contract of each port, clause by clause.

pub mod accounts;
pub mod artifacts;
mod books;
mod budgets;
pub mod bus;
pub mod clip_library;
mod control;
pub mod experiments;
mod messages;
mod money;
pub mod observations;
pub mod people;
pub mod publish_target;
pub mod store;
mod waiting;
