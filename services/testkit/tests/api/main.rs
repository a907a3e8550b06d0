//! The REST API on a loopback port, with the SQLite store and several organizations.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod brands;
mod callbacks;
mod campaigns;
mod conditions;
mod demo;
mod errors;
mod events;
mod experiments;
mod experiments_imported;
mod fairness;
mod files;
mod harness;
mod insight;
mod keys;
mod made_campaigns;
mod matrix;
mod money;
mod operators;
mod people;
mod reports;
mod results;
mod reviews;
mod revisions;
mod runs;
mod sandbox;
mod sessions;
mod videos;
mod views;
mod webhooks;
mod writes;
