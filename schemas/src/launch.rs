//! Launch packs: a winner as a folder that somebody can upload to an advertising platform.
//!
//! [`Manifest`] is the `manifest.json` of one advertisement on one platform.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use crate::event::FeedbackSource;
use crate::ids::{PlacementId, RunId, VariantId};
use crate::locale::Locale;
use crate::money::Currency;
use crate::outcome::Delivery;
use crate::script::{Direction, Role};

/// A family of advertising platforms with the same text fields.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    JsonSchema,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Platform {
    /// Any place without limits of its own.
    Generic,
    /// TikTok and Douyin in-feed video.
    TiktokFeed,
    /// Instagram and Facebook Reels.
    MetaReels,
    /// YouTube Shorts by way of Google Ads.
    YoutubeShorts,
}

impl Platform {
    /// Every platform.
    pub const ALL: [Self; 4] = [Self::Generic, Self::TiktokFeed, Self::MetaReels, Self::YoutubeShorts];

    /// The platform as written in folders, files and options.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A text as the platform takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FittedText {
    /// The text, not longer than `limit`.
    pub text: String,
    /// Whether words at the end were left out to fit.
    pub cut: bool,
    /// The whole text, when it was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub whole: Option<String>,
    /// Length of `text` as the platform counts.
    pub length: u32,
    /// Most the platform takes; absent for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Characters in the text that the platform's source says it refuses, each once.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub refused: String,
}

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackedFile {
    /// Its name.
    pub name: String,
    /// BLAKE3 of its bytes, hexadecimal.
    pub blake3: String,
    /// Its length.
    pub bytes: u64,
}

/// What a line claims, and what proves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// The part the line plays.
    pub role: Role,
    /// The line with its smaller second line.
    pub text: String,
    /// The fact of the brief it rests on.
    pub fact: String,
    /// Where the proof is kept; absent for facts that claim nothing about the product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// That the content is made by AI, and how the file says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// Always true: switch on the platform's own disclosure when uploading.
    pub ai_generated: bool,
    /// The metadata key of the label inside the video.
    pub label_key: String,
    /// Its value.
    pub label: String,
    /// Whether the quality gate has read the label back from the finished file.
    pub gate_passed: bool,
}

/// What is known of how the advertisement does, and from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Results {
    /// Whether the numbers are simulated or come from a real platform; never pooled.
    pub source: FeedbackSource,
    /// The numbers.
    pub delivery: Delivery,
    /// Currency of `delivery.spend`.
    pub currency: Currency,
}

/// An object of a platform that stands for the winner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalRef {
    /// The platform, e.g. `spotwright_market` or `launch_pack`.
    pub platform: String,
    /// The account, campaign or folder there.
    pub account: String,
    /// The object's id there.
    pub id: String,
}

/// `manifest.json` of a launch pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always `spotwright.launch-manifest.v1`.
    pub format: String,
    /// Where the advertisement is to run.
    pub platform: Platform,
    /// Where the platform's limits were read.
    pub limits_source: String,
    /// Name for the platform's lists, built from what stands in each slot.
    pub name: String,
    /// Which run.
    pub run: RunId,
    /// Short name of the brief.
    pub brief: String,
    /// Language.
    pub locale: Locale,
    /// Which variant.
    pub variant: VariantId,
    /// Its generation, from 1.
    pub generation: u32,
    /// Its number within the generation, from 1.
    pub number: u32,
    /// The direction it follows.
    pub direction: Direction,
    /// Text beside the video.
    pub primary_text: FittedText,
    /// Headline; absent where the platform has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headline: Option<FittedText>,
    /// Words on the button.
    pub call_to_action: String,
    /// Destination with tracking parameters.
    pub url: String,
    /// What the advertisement claims, and on what grounds.
    pub claims: Vec<Claim>,
    /// AI label.
    pub disclosure: Disclosure,
    /// What the click model predicted before it was shown, in (0, 1).
    pub predicted_ctr: f64,
    /// How it did, with where the numbers come from.
    pub results: Results,
    /// The placement of these results.
    pub placement: PlacementId,
    /// Where else the winner is.
    pub external_refs: Vec<ExternalRef>,
    /// The other files of the folder.
    pub files: Vec<PackedFile>,
}
