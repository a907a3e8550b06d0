//! ComfyUI: a graph of nodes with named slots.
//!
//! The operator exports a graph in the API format, and names in a table which input of which node takes the
//! prompt, the seed, the size and so on ([`Graph`]). One graph for Wan 2.2 TI2V 5B is part of the program.
//!
//! The id of a prompt is ours: a UUID from the caller's key, which the server takes over; the key itself stands in
//! `extra_data` as well, for servers that make ids of their own. The queue is read before the history, since
//! prompts move from the one to the other and never back; a prompt that is in neither is lost, after a restart of
//! the server for instance, and [`find`] answers that there is none, so that it is sent again under the same key.
//!
//! [`find`]: spotwright_core::ports::clip_source::ClipSource::find
//!
//! # Sources
//! comfyanonymous/ComfyUI, server.py and comfy_execution/jobs.py (read 2026-11-29); docs.comfy.org, "Routes".

mod adapter;
mod graph;
mod options;
mod wire;

pub use adapter::ComfyUi;
pub use graph::{Absent, Graph, Slot, Slots, WAN22_TI2V_5B};
pub use options::{GraphSource, Options};
