//! What tests of several crates share: fixtures, the conformance suites of the ports, and the fault
//! harness.
//!
//! # Purpose
//! [`conformance`] turns each clause of a port's contract into a test that every adapter runs.
//! [`faults`] kills a child process and compares what it leaves after resuming with an undisturbed
//! run. [`proxy`] stands between a program and a server and spoils the connection; [`live`] finds the
//! servers that `infra/servers.sh` started. [`fixtures`] makes small, valid runs, variants and
//! messages. Used by tests only; nothing here is part of the program.
//!
//! # Invariants
//! - Suites speak to adapters through the port alone.
//! - Fixtures are made from numbers, so a test that fails fails again.
//!
//! # Example
//! ```
//! use spotwright_testkit::fixtures;
//!
//! let run = fixtures::run(7);
//! assert!(run.request.brief.validate().is_ok());
//! assert_eq!(run, fixtures::run(7));
//! ```

pub mod conformance;
pub mod database;
#[cfg(unix)]
pub mod faults;
pub mod fixtures;
#[cfg(unix)]
pub mod fleet;
pub mod live;
pub mod proxy;
pub mod repeating_bus;
