//! Brands of an organization: what their briefs have in common. Every change is a version, and versions stay.
//!
//! Times are microseconds since 1970 UTC of the program's clock.

use serde::{Deserialize, Serialize};
use spotwright_schemas::brief::BrandBook;
use spotwright_schemas::ids::{AssetId, BrandId};

/// Most brands of an organization that are not archived.
pub const MOST_BRANDS: u32 = 500;

/// What a brand is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BrandContent {
    /// Kit, facts and wishes.
    pub book: BrandBook,
    /// The picture of its logo, for people: no ad carries it.
    pub logo: Option<AssetId>,
}

/// A brand, as it is or was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Brand {
    /// Its id.
    pub id: BrandId,
    /// Number of this version, from 1.
    pub version: u32,
    /// What it is.
    pub content: BrandContent,
    /// Since when it gives nothing to new briefs; `None`: it does.
    pub archived_at: Option<i64>,
    /// When it was made.
    pub created_at: i64,
    /// When this version was made.
    pub updated_at: i64,
}

/// The brand that a brief was completed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrandVersion {
    /// The brand.
    pub id: BrandId,
    /// Its version then.
    pub version: u32,
}
