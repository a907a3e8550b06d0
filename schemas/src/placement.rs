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
    /// Instagram and Facebook feed.
    MetaFeed,
}

/// What a placement asks of a video.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PlacementSpec {
    /// Which placement.
    pub kind: PlacementKind,
    /// Name for people.
    pub name: &'static str,
    /// Accepted shapes, width to height; the usual one first.
    pub shapes: &'static [[u32; 2]],
    /// Smallest accepted width and height in pixels, in the usual shape. In another shape the shorter
    /// side has at least the shorter of the two.
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
        shapes: &[[9, 16], [4, 5], [1, 1], [16, 9]],
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
        shapes: &[[9, 16]],
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
        shapes: &[[9, 16]],
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
        shapes: &[[9, 16]],
        min_size: [540, 960],
        seconds: None,
        max_bytes: 4_000_000_000,
        min_kbps: None,
        covered: [0.14, 0.20],
        source: "sovran.ai, getonbloc (2026-11)",
    },
    PlacementSpec {
        kind: PlacementKind::MetaFeed,
        name: "Meta feed",
        shapes: &[[4, 5], [1, 1]],
        min_size: [540, 675],
        seconds: None,
        max_bytes: 4_000_000_000,
        min_kbps: None,
        covered: [0.0, 0.0],
        source: "sovran.ai, getonbloc (2026-11) for the shapes; sizes are ours",
    },
];

impl PlacementSpec {
    /// Whether a video of this size has one of the placement's shapes, to 2 %.
    #[must_use]
    pub fn accepts_shape(&self, width: u32, height: u32) -> bool {
        let shape = f64::from(width) / f64::from(height.max(1));
        self.shapes
            .iter()
            .any(|[wide, high]| (shape * f64::from(*high) / f64::from(*wide) - 1.0).abs() <= 0.02)
    }

    /// Whether a video of this size has enough pixels.
    #[must_use]
    pub fn is_large_enough(&self, width: u32, height: u32) -> bool {
        width.min(height) >= self.min_size[0].min(self.min_size[1])
    }

    /// The accepted shapes as people write them, e.g. `9:16 or 1:1`.
    #[must_use]
    pub fn shapes_in_words(&self) -> String {
        let shapes: Vec<String> = self.shapes.iter().map(|[wide, high]| format!("{wide}:{high}")).collect();
        shapes.join(" or ")
    }
}

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
            Self::MetaFeed => "meta_feed",
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
