//! Variants: drafted advertisements, their scores, videos and what became of them.

pub(crate) mod external_refs;
pub(crate) mod file;
pub(crate) mod get;
pub(crate) mod revisions;
pub(crate) mod script;
pub(crate) mod storyboard;

use serde::{Deserialize, Serialize};
use spotwright_core::domain::variant::{Variant, VariantState};
use spotwright_core::domain::withdrawal::{Change, Price, Withdrawal};
use spotwright_core::ports::video_backend::Rendered;
use spotwright_schemas::money::Micros;
use spotwright_schemas::outcome::Score;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::openapi::foreign;
use crate::problem::told_failure;

/// A variant without its script and storyboard.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct VariantSummary {
    /// Its id.
    id: Uuid,
    /// Its run.
    run: Uuid,
    /// Its generation, from 1.
    generation: u32,
    /// Its number within the generation, from 1.
    number: u32,
    /// Where it stands: `drafted`, `previewed`, `scored`, `selected`, `rendered`, `won`, `rejected`,
    /// `failed` or `withdrawn`.
    #[schema(value_type = String)]
    state: VariantState,
    /// The text beside the video.
    primary_text: String,
    /// The variants it was bred from.
    parents: Vec<Uuid>,
    /// The click model's verdict.
    #[schema(value_type = Option<foreign::Score>)]
    score: Option<Score>,
    /// Why it was selected.
    selected_because: Option<String>,
    /// Why it failed.
    failure: Option<String>,
    /// Why it was withdrawn: what a product feed has made untrue of it.
    #[schema(value_type = Option<WithdrawalView>)]
    withdrawal: Option<Withdrawal>,
    /// The preview.
    preview: Option<VideoFile>,
    /// The finished video.
    video: Option<VideoFile>,
}

/// Why a variant was withdrawn.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the domain's own type, which is what is written")]
pub(crate) struct WithdrawalView {
    /// Id of the product in the feed.
    product: String,
    /// Its name in the feed.
    title: String,
    /// Where the feed says so.
    #[schema(example = "feed.csv, line 7")]
    source: String,
    /// What changed, with the old value and the new one.
    change: ProductChange,
    /// What the variant says that is no longer true; empty where the product is gone, and with it all of it.
    line: String,
    /// Who told: `person`, `key:<id>` or `system`.
    by: String,
}

/// An amount of money in a product feed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedPrice {
    /// Millionths of one unit.
    pub(crate) amount: i64,
    /// ISO 4217 code; `null` where nothing says which.
    #[serde(default)]
    pub(crate) currency: Option<String>,
}

/// One thing that changed about a product.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ProductChange {
    /// The price to pay.
    Price {
        /// As it was.
        old: FeedPrice,
        /// As it is; `null` where the feed gives none any more.
        #[serde(default)]
        new: Option<FeedPrice>,
    },
    /// The price before, which an advertisement may compare with.
    PriceBefore {
        /// As it was.
        old: FeedPrice,
        /// As it is; `null` where the product is no longer reduced.
        #[serde(default)]
        new: Option<FeedPrice>,
    },
    /// The last day of the reduced price.
    Ends {
        /// As it was, as a calendar date.
        old: String,
        /// As it is.
        #[serde(default)]
        new: Option<String>,
    },
    /// It cannot be bought any more.
    SoldOut,
    /// It is not in the feed any more.
    Removed,
}

impl From<FeedPrice> for Price {
    fn from(price: FeedPrice) -> Self {
        Self { amount: Micros(price.amount), currency: price.currency }
    }
}

impl From<ProductChange> for Change {
    fn from(change: ProductChange) -> Self {
        match change {
            ProductChange::Price { old, new } => Self::Price { old: old.into(), new: new.map(Into::into) },
            ProductChange::PriceBefore { old, new } => {
                Self::PriceBefore { old: old.into(), new: new.map(Into::into) }
            }
            ProductChange::Ends { old, new } => Self::Ends { old, new },
            ProductChange::SoldOut => Self::SoldOut,
            ProductChange::Removed => Self::Removed,
        }
    }
}

/// A rendered video.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct VideoFile {
    /// Where it can be fetched, with the same key.
    url: String,
    /// Where its still picture can be fetched.
    poster_url: String,
    /// BLAKE3 of the file, hexadecimal.
    hash: String,
    /// Bytes of the file.
    bytes: u64,
    /// Number of video frames.
    frames: u32,
}

impl VideoFile {
    fn of(variant: &Variant, rendered: &Rendered, name: &str) -> Self {
        Self {
            url: format!("/v1/variants/{}/files/{name}", variant.id),
            poster_url: format!("/v1/variants/{}/files/poster", variant.id),
            hash: rendered.artifact.0.clone(),
            bytes: rendered.bytes,
            frames: rendered.frames,
        }
    }
}

impl From<Variant> for VariantSummary {
    fn from(variant: Variant) -> Self {
        let preview = variant.body.preview.as_ref().map(|file| VideoFile::of(&variant, file, "preview"));
        let video = variant.body.final_render.as_ref().map(|file| VideoFile::of(&variant, file, "video"));
        let (locale, failure) = (variant.body.script.locale, variant.body.failure);
        Self {
            id: variant.id.0,
            run: variant.run.0,
            generation: variant.generation,
            number: variant.number,
            state: variant.state,
            primary_text: variant.body.script.primary_text,
            parents: variant.body.parents.into_iter().map(|parent| parent.0).collect(),
            score: variant.body.score,
            selected_because: variant.body.selected_because,
            failure: failure.map(|stored| told_failure(&stored, locale)),
            withdrawal: variant.body.withdrawal,
            preview,
            video,
        }
    }
}
