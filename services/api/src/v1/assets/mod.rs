//! Assets: pictures that briefs refer to.

pub(crate) mod content;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod get;
pub(crate) mod list;

use serde::{Deserialize, Serialize};
use spotwright_core::domain::account;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time;

/// An uploaded picture, re-encoded as PNG.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Asset {
    /// Its id, which briefs refer to.
    pub(crate) id: Uuid,
    /// Its name, for people.
    pub(crate) name: String,
    /// BLAKE3 of the re-encoded picture, hexadecimal.
    pub(crate) hash: String,
    /// Pixels from left to right.
    pub(crate) width: u32,
    /// Pixels from top to bottom.
    pub(crate) height: u32,
    /// Bytes of the re-encoded picture.
    pub(crate) bytes: u64,
    /// When it was handed in.
    #[schema(format = DateTime)]
    pub(crate) created_at: String,
}

impl From<account::Asset> for Asset {
    fn from(asset: account::Asset) -> Self {
        Self {
            id: asset.id.0,
            name: asset.name,
            hash: asset.hash.0,
            width: asset.width,
            height: asset.height,
            bytes: asset.bytes,
            created_at: time(asset.created_at),
        }
    }
}
