//! The one client that opens addresses written by others.
//!
//! # Purpose
//! Briefs, pages and feeds hold web addresses, and customers name some that they want to be told of events.
//! [`EgressClient::get`] fetches one, [`EgressClient::post`] sends to one, and nothing else in the program
//! does: only `http` and `https`, only the ports 80 and 443, only servers of the public internet, unless the
//! installation says otherwise ([`Reach`]).
//!
//! # Invariants
//! - Every name is resolved here, and only addresses that are routed publicly are connected to; what is
//!   connected to is what was checked, so a name that answers differently a second time gains nothing.
//! - Hosts that are addresses themselves are checked before anything is connected to.
//! - No proxy, no cookies, no login; at most 3 redirects, each checked as the first address was, and
//!   none for what is sent.
//! - Bounded in time and bytes; compressed answers are neither asked for nor taken.
//!
//! # Example
//! ```
//! use spotwright_egress::checked;
//!
//! assert!(checked("https://example.com/a", false).is_ok());
//! for refused in ["http://127.1/", "https://ok@example.com/", "ftp://example.com/", "https://example.com:8443/"] {
//!     assert!(checked(refused, false).is_err());
//! }
//! ```

mod address;
mod client;

pub use address::{Reach, checked, checked_within, is_global};
pub use client::{Answered, EgressClient, Fetched};
