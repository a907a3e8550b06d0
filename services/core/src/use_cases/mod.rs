//! Use cases: one function for each thing that a user can do.
//!
//! Every face (command line, REST API, portal) calls these and nothing below them. A use case takes the
//! [`Principal`] who asks, checks what it may do before anything is read, and speaks to ports only; it knows
//! neither HTTP nor files. What it changes it writes into the organization's audit log.

pub mod assets;
pub mod audit_log;
pub mod books;
pub mod brands;
pub mod briefs;
pub mod campaign_orders;
pub mod campaigns;
pub mod demo;
pub mod estimates;
pub mod events;
pub mod experiments;
pub mod insight;
pub mod invitations;
pub mod keys;
pub mod members;
mod names;
pub mod organizations;
mod passwords;
pub mod people;
mod principal;
mod problems;
mod record;
pub mod reports;
pub mod results;
pub mod reviews;
pub mod run_sizes;
pub mod runs;
pub mod sandbox;
pub mod sessions;
mod throttle;
pub mod variants;
pub mod views;
pub mod webhooks;

pub use names::check_name;
pub use passwords::{LONGEST_PASSWORD, Passwords, SHORTEST_PASSWORD};
pub use people::PeoplePorts;
pub use principal::{Principal, Role, UnknownRole, Who};
pub use record::Record;
pub use throttle::Throttle;
