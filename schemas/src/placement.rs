//! The places an advertisement can run in, and what each asks of a video.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Identifier of a placement in the table [`PLACEMENTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlacementKind {
    /// The vertical feed of the built-in market simulator.
    SimulatedFeed,
    /// TikTok in-feed video.
    TiktokInFeed,
    /// Instagram and Facebook Reels.
    MetaReels,
    /// Instagram and Facebook Stories.
    MetaStories,
}

/// What a placement asks of a video.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PlacementSpec {
    /// Which placement.
    pub kind: PlacementKind,
    /// Name for people.
    pub name: &'static str,
    /// Smallest accepted width and height in pixels, for 9:16 video.
    pub min_size: [u32; 2],
    /// Shortest and longest accepted video in seconds; `None` where the sources name no limit.
    pub seconds: Option<[u32; 2]>,
    /// Largest accepted file in bytes.
    pub max_bytes: u64,
    /// Least bit rate of a file in kilobits a second, sound included; `None` where the sources name none.
    pub min_kbps: Option<u32>,
    /// Shares of the height at the top and at the bottom that the player covers.
    pub covered: [f32; 2],
    /// Where the row was read, and when.
    pub source: &'static str,
}

/// Every placement, in the order of [`PlacementKind`].
///
/// # Source
/// Secondary pages named in each row; the platforms' own pages were not read.
pub const PLACEMENTS: &[PlacementSpec] = &[
    PlacementSpec {
        kind: PlacementKind::SimulatedFeed,
        name: "Spotwright market (simulated feed)",
        min_size: [720, 1280],
        seconds: Some([5, 60]),
        max_bytes: 500_000_000,
        min_kbps: None,
        covered: [0.08, 0.12],
        source: "this project",
    },
    PlacementSpec {
        kind: PlacementKind::TiktokInFeed,
        name: "TikTok in-feed",
        min_size: [540, 960],
        seconds: Some([5, 60]),
        max_bytes: 500_000_000,
        min_kbps: Some(516),
        covered: [0.08, 0.12],
        source: "airpost.ai, stish.app, thebrief.ai (2026-11); covered shares are ours",
    },
    PlacementSpec {
        kind: PlacementKind::MetaReels,
        name: "Meta Reels",
        min_size: [540, 960],
        seconds: None,
        max_bytes: 4_000_000_000,
        min_kbps: None,
        covered: [0.08, 0.35],
        source: "sovran.ai, getonbloc (2026-11); the top share is ours",
    },
    PlacementSpec {
        kind: PlacementKind::MetaStories,
        name: "Meta Stories",
        min_size: [540, 960],
        seconds: None,
        max_bytes: 4_000_000_000,
        min_kbps: None,
        covered: [0.14, 0.20],
        source: "sovran.ai, getonbloc (2026-11)",
    },
];

impl PlacementKind {
    /// The placement's row in [`PLACEMENTS`].
    #[must_use]
    pub fn spec(self) -> &'static PlacementSpec {
        &PLACEMENTS[self as usize]
    }

    /// The identifier as written in briefs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SimulatedFeed => "simulated_feed",
            Self::TiktokInFeed => "tiktok_in_feed",
            Self::MetaReels => "meta_reels",
            Self::MetaStories => "meta_stories",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for spec in PLACEMENTS {
            assert_eq!(spec.kind.spec(), spec);
            let json = serde_json::to_string(&spec.kind).expect("serializes");
            assert_eq!(json, format!("\"{}\"", spec.kind.as_str()));
        }
    }
}
