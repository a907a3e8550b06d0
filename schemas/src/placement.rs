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
    /// Smallest accepted width and height in pixels, in the usual shape.
    pub min_size: [u32; 2],
    /// Further shapes that it takes, each by its smallest width and height in pixels.
    pub other_shapes: &'static [[u32; 2]],
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
        other_shapes: &[[720, 900], [720, 720], [1280, 720]],
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
        other_shapes: &[],
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
        other_shapes: &[],
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
        other_shapes: &[],
        seconds: None,
        max_bytes: 4_000_000_000,
        min_kbps: None,
        covered: [0.14, 0.20],
        source: "sovran.ai, getonbloc (2026-11)",
    },
    PlacementSpec {
        kind: PlacementKind::MetaFeed,
        name: "Meta feed",
        min_size: [540, 675],
        other_shapes: &[[540, 540]],
        seconds: None,
        max_bytes: 4_000_000_000,
        min_kbps: None,
        covered: [0.0, 0.0],
        source: "sovran.ai, getonbloc (2026-11) for the shapes; sizes are ours",
    },
];

/// Most that width to height may differ from a placement's shape, as a share.
const SHAPE: f64 = 0.02;

impl PlacementSpec {
    /// The smallest size of the shape that a video of this size has; `None` for a shape that the placement
    /// does not take.
    #[must_use]
    pub fn smallest_of_shape(&self, width: u32, height: u32) -> Option<[u32; 2]> {
        let ratio = |[width, height]: [u32; 2]| f64::from(width) / f64::from(height.max(1));
        let is_alike = |shape: &[u32; 2]| (ratio([width, height]) / ratio(*shape) - 1.0).abs() <= SHAPE;
        std::iter::once(&self.min_size).chain(self.other_shapes).copied().find(is_alike)
    }

    /// The accepted shapes as people write them, e.g. `9:16 or 1:1`.
    #[must_use]
    pub fn shapes_in_words(&self) -> String {
        let in_words = |[width, height]: &[u32; 2]| {
            let common = (1..=*width).rev().find(|part| width % part == 0 && height % part == 0).unwrap_or(1);
            format!("{}:{}", width / common, height / common)
        };
        let shapes = std::iter::once(&self.min_size).chain(self.other_shapes);
        shapes.map(in_words).collect::<Vec<_>>().join(" or ")
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
    fn shapes_are_told_by_their_sides() {
        let feed = PlacementKind::SimulatedFeed.spec();
        assert_eq!(feed.smallest_of_shape(1080, 1920), Some([720, 1280]));
        assert_eq!(feed.smallest_of_shape(1080, 1080), Some([720, 720]));
        assert_eq!(feed.smallest_of_shape(1000, 400), None);
        assert_eq!(feed.smallest_of_shape(720, 0), None);
        assert_eq!(PlacementKind::MetaReels.spec().smallest_of_shape(720, 720), None);
    }

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for spec in PLACEMENTS {
            assert_eq!(spec.kind.spec(), spec);
            let json = serde_json::to_string(&spec.kind).expect("serializes");
            assert_eq!(json, format!("\"{}\"", spec.kind.as_str()));
        }
    }
}
