//! Messages to webhooks: signing, sending, and the part of the program that does both.
//!
//! # Purpose
//! [`signature::headers`] signs a message by Standard Webhooks. [`sender::HttpSender`] sends one through the
//! client that opens addresses written by others. [`dispatcher::Dispatcher`] notes what happens for the
//! webhooks that want it, sends what is due, and writes down what came of it.
//!
//! When a message is tried again and when an address is left alone is decided in
//! [`spotwright_core::domain::webhook`], which is pure; this crate only carries it out.
//!
//! # Invariants
//! - A message keeps its id over every attempt, whoever makes it, so that a receiver can drop repetitions.
//! - What was sent and not written down is sent again: at least once, never silently not.
//! - A later message about a run is not sent while an earlier one to the same webhook waits.
//! - One webhook has at most [`dispatcher::DispatchOptions::of_each`] messages under way, so that a slow
//!   receiver holds up nobody else.
//! - Secrets are in no log and no row.
//!
//! # Example
//! ```
//! use spotwright_core::ports::webhooks::WebhookSecret;
//! use spotwright_webhooks::signature;
//!
//! let secrets = [WebhookSecret([7; 32])];
//! let headers = signature::headers("msg-1", 1_700_000_000, "{}", &secrets);
//! assert_eq!(headers[0], ("webhook-id", "msg-1".to_owned()));
//! assert!(headers[2].1.starts_with("v1,"));
//! ```

pub mod dispatcher;
pub mod sender;
pub mod signature;
