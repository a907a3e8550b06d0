//! The domain: accounts, people, books, runs, signals, variants, placements, withdrawals and the kinds of work between them.
//! The domain: accounts, runs, signals, variants, placements, withdrawals, webhooks and the kinds of work between them.

pub mod account;
pub mod audit;
pub mod books;
pub mod brand;
pub mod campaign;
pub mod copy_rules;
pub mod estimate;
pub mod experiment;
pub mod launch;
pub mod observation;
pub mod people;
pub mod report;
pub mod review;
pub mod revision;
pub mod routing;
pub mod run;
pub mod signal;
pub mod topology;
pub mod variant;
pub mod wav;
pub mod webhook;
pub mod withdrawal;
