//! The simulated marketplace: traffic, auctions, an audience that clicks, and the traffic ladder.
//!
//! # Purpose
//! [`simulator::Simulator`] implements the marketplace port: it plays one campaign per generation
//! against a seeded population of competitors and reports impressions, clicks, conversions and
//! cost by creative and segment. Every report says that it is a simulation and names the hash of
//! the audience card.
//!
//! It deliberately does no I/O and reads no clock. It does not train bidders, speak OpenRTB, or
//! remember anything between campaigns.
//!
//! # Invariants
//! - **The audience is not the scorer.** What people like follows from [`audience::card`] and the
//!   creative: a text taste fitted on real click tests by boosted stumps ([`fit`]), effects of
//!   the finished frames, tastes by segment, and a latent quality drawn from a hash of the content
//!   and the card's own seed. A campaign's seed changes users, competitors and dice only.
//! - **Predictions never click.** `predicted_ctr` decides bids and rotation; a click is a
//!   function of seed, generation, opportunity, user, slot, memory and content.
//! - **Money is exact.** Prices are integer micros, a bid never exceeds what is left, and the
//!   spend of the report is the sum of its rows.
//! - [`experiment`] plays days of experiments beside all this: users, not opportunities, are divided there, and
//!   neither its traffic nor its numbers are ever mixed with those of a campaign.
//! - Draws are keyed by opportunity, so reports are equal for any number of threads.
//!
//! # Example
//! ```
//! use spotwright_core::ports::marketplace::{Campaign, MarketError, Marketplace};
//! use spotwright_market::simulator::{Options, Simulator};
//! use spotwright_schemas::brief::Objective;
//! use spotwright_schemas::placement::PlacementKind;
//! use spotwright_schemas::{Currency, Locale, Micros};
//!
//! let market = Simulator::new(Options::default())?;
//! let empty = Campaign {
//!     seed: 7, generation: 1, category: "coffee".into(), locale: Locale::EnUs,
//!     objective: Objective::Clicks, placement: PlacementKind::SimulatedFeed,
//!     budget: Micros(60_000_000), currency: Currency::USD, opportunities: 60_000, creatives: vec![],
//! };
//! assert!(matches!(market.play(&empty), Err(MarketError::Refused(_))));
//! assert_eq!(market.audience().len(), 64);
//! # Ok::<(), spotwright_market::Error>(())
//! ```

pub mod audience;
mod bidder;
mod competition;
mod course;
mod delivery;
mod error;
pub mod evaluate;
pub mod experiment;
pub mod fit;
mod rotation;
pub mod simulator;
pub mod text;
mod traffic;

pub use competition::price_level;
pub use error::Error;
