//! Brands: what the briefs of one brand have in common.

pub(crate) mod archive;
pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod restore;
pub(crate) mod update;

use serde::{Deserialize, Serialize};
use spotwright_core::domain::brand::{self, BrandContent};
use spotwright_schemas::brief::{Brand, BrandBook, Fact};
use spotwright_schemas::ids::AssetId;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time;
use crate::openapi::foreign;

/// What a brand shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BrandOrder {
    /// Name, colors, tone and voice, as `brand` of a brief.
    #[schema(value_type = foreign::Brand)]
    kit: Brand,
    /// The asset that shows its logo, for people; no ad carries it.
    logo: Option<Uuid>,
    /// What may be said about everything of the brand, as `product.facts` of a brief: at most 40.
    #[serde(default)]
    #[schema(value_type = Vec<foreign::Fact>, max_items = 40)]
    facts: Vec<Fact>,
    /// Texts that stand word for word in every script, at most 3 of 2–40 characters.
    #[serde(default)]
    #[schema(max_items = 3)]
    must_say: Vec<String>,
    /// Words and phrases that no script may hold, at most 100 of at most 40 characters.
    #[serde(default)]
    #[schema(max_items = 100)]
    must_not_say: Vec<String>,
}

impl From<BrandOrder> for BrandContent {
    fn from(order: BrandOrder) -> Self {
        let BrandOrder { kit, logo, facts, must_say, must_not_say } = order;
        Self { book: BrandBook { kit, facts, must_say, must_not_say }, logo: logo.map(AssetId) }
    }
}

/// A brand, as it is or was in a version.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BrandSheet {
    /// Its id.
    pub(crate) id: Uuid,
    /// Number of the version, from 1.
    version: u32,
    /// Whether it gives nothing to new briefs.
    archived: bool,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When this version was made.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Name, colors, tone and voice.
    #[schema(value_type = foreign::Brand)]
    kit: Brand,
    /// The asset that shows its logo.
    logo: Option<Uuid>,
    /// What may be said about everything of the brand.
    #[schema(value_type = Vec<foreign::Fact>)]
    facts: Vec<Fact>,
    /// Texts that stand word for word in every script.
    must_say: Vec<String>,
    /// Words and phrases that no script may hold.
    must_not_say: Vec<String>,
}

impl From<brand::Brand> for BrandSheet {
    fn from(brand: brand::Brand) -> Self {
        let BrandContent { book, logo } = brand.content;
        Self {
            id: brand.id.0,
            version: brand.version,
            archived: brand.archived_at.is_some(),
            created_at: time(brand.created_at),
            updated_at: time(brand.updated_at),
            kit: book.kit,
            logo: logo.map(|asset| asset.0),
            facts: book.facts,
            must_say: book.must_say,
            must_not_say: book.must_not_say,
        }
    }
}
