//! Settings of a ComfyUI server.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spotwright_core::ports::clip_source::{Ability, Licence};

use super::graph::{Graph, WAN22_TI2V_5B};
use crate::frames::Shape;
use crate::options::{OptionsError, Secret, Server};
use crate::prices::Row;

/// Largest graph file in bytes.
const MAX_GRAPH_BYTES: u64 = 4 << 20;

/// Which graph is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GraphSource {
    /// The one of the program for Wan 2.2 TI2V 5B.
    Wan22Ti2v5b,
    /// A file with graph and slots.
    File(PathBuf),
}

/// Settings of the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// Where the server is; port 8188 by default there.
    pub server: Server,
    /// Model, terms and prices. What a second of one's own GPU costs is stated here, and may be 0.
    pub row: Row,
    /// Which graph is used.
    #[serde(default = "Options::default_graph")]
    pub graph: GraphSource,
    /// What the model makes.
    #[serde(default = "Options::default_shape")]
    pub shape: Shape,
    /// The key of a proxy before the server, where there is one.
    #[serde(default)]
    pub api_key: Option<Secret>,
    /// Jobs in the server's queue at once, 1–1,000.
    #[serde(default = "Options::default_parallel")]
    pub parallel: u32,
    /// Whether the server has `/api/jobs`: one request in the place of two.
    #[serde(default)]
    pub jobs_api: bool,
}

impl Options {
    const fn default_graph() -> GraphSource {
        GraphSource::Wan22Ti2v5b
    }

    const fn default_parallel() -> u32 {
        1
    }

    /// What Wan 2.2 TI2V 5B makes: 24 frames a second, sides in multiples of 32.
    const fn default_shape() -> Shape {
        Shape { fps: Some(24), frame_step: 4, max_frames: 121, multiple: 32, max_pixels: 1_280 * 704 }
    }

    /// Settings for the program's own graph with everything else as it is by default.
    #[must_use]
    pub const fn new(server: Server, row: Row) -> Self {
        Self {
            server,
            row,
            graph: Self::default_graph(),
            shape: Self::default_shape(),
            api_key: None,
            parallel: Self::default_parallel(),
            jobs_api: false,
        }
    }

    pub(super) fn checked(mut self) -> Result<(Self, Licence, Graph), OptionsError> {
        self.shape.check()?;
        if !(1..=1_000).contains(&self.parallel) {
            return Err(OptionsError::Range("parallel"));
        }
        let graph = match &self.graph {
            GraphSource::Wan22Ti2v5b => Graph::read(WAN22_TI2V_5B)?,
            GraphSource::File(path) => {
                let unreadable =
                    |error: std::io::Error| OptionsError::Graph(format!("{}: {error}", path.display()));
                let size = std::fs::metadata(path).map_err(unreadable)?.len();
                if size > MAX_GRAPH_BYTES {
                    return Err(OptionsError::Graph(format!("{} has {size} bytes", path.display())));
                }
                Graph::read(&std::fs::read_to_string(path).map_err(unreadable)?)?
            }
        };
        let (row, licence) = self.row.clone().completed(None)?;
        self.row = row;
        Ok((self, licence, graph))
    }
}

/// What a graph can do, by its slots.
pub(super) fn abilities(graph: &Graph) -> Vec<Ability> {
    let mut abilities = Vec::new();
    if graph.slots.first_frame.is_empty() || graph.without_first_frame.is_some() {
        abilities.push(Ability::TextToVideo);
    }
    if !graph.slots.first_frame.is_empty() {
        abilities.push(Ability::ImageToVideo);
    }
    if !graph.slots.last_frame.is_empty() {
        abilities.push(Ability::LastFrame);
    }
    abilities
}
