//! The REST API on a loopback port, with the SQLite store and several organizations.

mod errors;
mod files;
mod harness;
mod keys;
mod matrix;
mod runs;
mod writes;
