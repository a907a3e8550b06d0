//! The domain: accounts, people, books, runs, signals, variants, placements, withdrawals, webhooks, sandboxes
//! and the kinds of work between them.

pub mod account;
pub mod audit;
pub mod books;
pub mod brand;
pub mod campaign;
pub mod campaign_days;
pub mod campaign_estimate;
pub mod campaign_order;
pub mod copy_rules;
pub mod estimate;
pub mod experiment;
pub mod launch;
pub mod observation;
pub mod people;
pub mod reason;
pub mod report;
pub mod review;
pub mod revision;
pub mod routing;
pub mod run;
pub mod sandbox;
pub mod scored;
pub mod signal;
pub mod topology;
pub mod variant;
pub mod wav;
pub mod webhook;
pub mod withdrawal;
