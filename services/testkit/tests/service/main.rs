//! The whole service as a process on a loopback port, with SQLite: under a crowd of connections, in the
//! hands of its operator, and step by step as its documentation tells.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]
#![cfg(unix)]

mod crowd;
mod hostile;
#[path = "../../../render/tests/hostile_files/mod.rs"]
mod hostile_files;
mod operation;
mod program;
mod walkthrough;
