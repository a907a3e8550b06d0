//! Conformance suites: the contract of each port, clause by clause.

pub mod accounts;
pub mod artifacts;
mod books;
pub mod brands;
mod budgets;
pub mod bus;
mod campaigns;
pub mod clip_library;
mod control;
pub mod experiments;
mod messages;
mod money;
pub mod observations;
pub mod people;
pub mod publish_target;
mod reports;
pub mod reviews;
mod sandboxes;
pub mod store;
mod waiting;
