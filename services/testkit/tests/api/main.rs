//! The REST API on a loopback port, with the SQLite store and several organizations.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod callbacks;
mod errors;
mod events;
mod experiments;
mod fairness;
mod files;
mod harness;
mod keys;
mod matrix;
mod money;
mod operators;
mod people;
mod results;
mod runs;
mod sessions;
mod videos;
mod webhooks;
mod writes;
