//! Graphs with named slots.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::options::OptionsError;

/// The program's own graph: Wan 2.2 TI2V 5B, from words alone or from a first frame.
pub const WAN22_TI2V_5B: &str = include_str!("../../graphs/wan22_ti2v_5b.json");

/// An input of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// The node's id in the graph.
    pub node: String,
    /// The input's name.
    pub input: String,
}

/// Where the values of a request go; several inputs may take the same value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slots {
    /// What happens. Needed.
    pub prompt: Vec<Slot>,
    /// What must not be seen; left away of a request where there is none.
    #[serde(default)]
    pub negative_prompt: Vec<Slot>,
    /// The seed. Needed.
    pub seed: Vec<Slot>,
    /// Pixels from left to right. Needed.
    pub width: Vec<Slot>,
    /// Pixels from top to bottom. Needed.
    pub height: Vec<Slot>,
    /// Number of frames. Needed.
    pub frames: Vec<Slot>,
    /// Frames per second.
    #[serde(default)]
    pub fps: Vec<Slot>,
    /// Name of the uploaded first frame.
    #[serde(default)]
    pub first_frame: Vec<Slot>,
    /// Name of the uploaded last frame.
    #[serde(default)]
    pub last_frame: Vec<Slot>,
}

/// What is taken away where a request has no picture for a slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Absent {
    /// Nodes that go.
    pub nodes: Vec<String>,
    /// Inputs that go from nodes that stay.
    pub inputs: Vec<Slot>,
}

/// A graph in the API format with its slots.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graph {
    /// What the graph does, for people.
    pub name: String,
    /// Where the values of a request go.
    pub slots: Slots,
    /// What is taken away without a first frame; without it the graph needs one.
    #[serde(default)]
    pub without_first_frame: Option<Absent>,
    /// What is taken away without a last frame; without it the graph needs one where it has the slot.
    #[serde(default)]
    pub without_last_frame: Option<Absent>,
    /// The node whose output is the clip.
    pub output: String,
    /// Nodes by id, as the server takes them.
    pub graph: Map<String, Value>,
}

/// Values of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) prompt: &'a str,
    pub(super) negative_prompt: &'a str,
    pub(super) seed: u32,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) frames: u32,
    pub(super) fps: u32,
    pub(super) first_frame: Option<&'a str>,
    pub(super) last_frame: Option<&'a str>,
}

impl Graph {
    /// Reads a graph file and checks that its slots are inputs of its nodes.
    ///
    /// # Errors
    /// [`OptionsError::Graph`] with the slot or node that is missing.
    pub fn read(text: &str) -> Result<Self, OptionsError> {
        let graph: Self =
            serde_json::from_str(text).map_err(|error| OptionsError::Graph(error.to_string()))?;
        let slots = &graph.slots;
        let needed = [
            ("prompt", &slots.prompt),
            ("seed", &slots.seed),
            ("width", &slots.width),
            ("height", &slots.height),
            ("frames", &slots.frames),
        ];
        if let Some((name, _)) = needed.into_iter().find(|(_, slots)| slots.is_empty()) {
            return Err(OptionsError::Graph(format!("the slot `{name}` is empty")));
        }
        let optional = [&slots.negative_prompt, &slots.fps, &slots.first_frame, &slots.last_frame];
        let absent = [&graph.without_first_frame, &graph.without_last_frame];
        let absent_inputs = absent.iter().copied().flatten().flat_map(|absent| &absent.inputs);
        let slots = needed.into_iter().map(|(_, slots)| slots).chain(optional).flatten();
        for slot in slots.chain(absent_inputs) {
            let input = graph.graph.get(&slot.node).and_then(|node| node["inputs"].get(&slot.input));
            if input.is_none() {
                return Err(OptionsError::Graph(format!("node {} has no input `{}`", slot.node, slot.input)));
            }
        }
        let absent_nodes = absent.iter().copied().flatten().flat_map(|absent| &absent.nodes);
        for node in absent_nodes.chain([&graph.output]) {
            if !graph.graph.contains_key(node) {
                return Err(OptionsError::Graph(format!("there is no node {node}")));
            }
        }
        Ok(graph)
    }

    /// The graph with the values of a request.
    pub(super) fn filled(&self, values: &Values<'_>) -> Value {
        let mut graph = self.graph.clone();
        let slots = &self.slots;
        put(&mut graph, &slots.prompt, &json!(values.prompt));
        put(&mut graph, &slots.negative_prompt, &json!(values.negative_prompt));
        put(&mut graph, &slots.seed, &json!(values.seed));
        put(&mut graph, &slots.width, &json!(values.width));
        put(&mut graph, &slots.height, &json!(values.height));
        put(&mut graph, &slots.frames, &json!(values.frames));
        put(&mut graph, &slots.fps, &json!(values.fps));
        for (value, slots, absent) in [
            (values.first_frame, &slots.first_frame, &self.without_first_frame),
            (values.last_frame, &slots.last_frame, &self.without_last_frame),
        ] {
            match (value, absent) {
                (Some(name), _) => put(&mut graph, slots, &json!(name)),
                (None, Some(absent)) => take_away(&mut graph, absent),
                (None, None) => {}
            }
        }
        Value::Object(graph)
    }
}

fn put(graph: &mut Map<String, Value>, slots: &[Slot], value: &Value) {
    for slot in slots {
        if let Some(input) = graph.get_mut(&slot.node).and_then(|node| node["inputs"].get_mut(&slot.input)) {
            *input = value.clone();
        }
    }
}

fn take_away(graph: &mut Map<String, Value>, absent: &Absent) {
    for node in &absent.nodes {
        graph.remove(node);
    }
    for slot in &absent.inputs {
        let inputs = graph.get_mut(&slot.node).and_then(|node| node["inputs"].as_object_mut());
        if let Some(inputs) = inputs {
            inputs.remove(&slot.input);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every link of a graph leads to a node that is there.
    fn is_connected(graph: &Value) -> bool {
        let nodes = graph.as_object().unwrap();
        let inputs = nodes.values().flat_map(|node| node["inputs"].as_object().unwrap().values());
        inputs.filter_map(Value::as_array).all(|link| nodes.contains_key(link[0].as_str().unwrap()))
    }

    fn values() -> Values<'static> {
        Values {
            prompt: "steam",
            negative_prompt: "text",
            seed: 7,
            width: 704,
            height: 1_280,
            frames: 73,
            fps: 24,
            first_frame: Some("spotwright/a.png"),
            last_frame: None,
        }
    }

    #[test]
    fn the_programs_graph_takes_every_value_and_stays_connected() {
        let graph = Graph::read(WAN22_TI2V_5B).unwrap();
        let filled = graph.filled(&values());
        assert!(is_connected(&filled));
        let text = filled.to_string();
        for value in ["\"steam\"", "\"text\"", ":7", ":704", ":1280", ":73", ":24", "spotwright/a.png"] {
            assert!(text.contains(value), "{value}");
        }
        let plain = graph.filled(&Values { first_frame: None, ..values() });
        assert!(is_connected(&plain));
        assert!(!plain.to_string().contains("LoadImage"));
    }

    #[test]
    fn slots_that_lead_nowhere_are_refused() {
        let change = |from: &str, to: &str| {
            let text = WAN22_TI2V_5B.replacen(from, to, 1);
            assert_ne!(text, WAN22_TI2V_5B);
            Graph::read(&text).unwrap_err().to_string()
        };
        let input = change(r#""input": "seed""#, r#""input": "sead""#);
        assert_eq!(input, "the graph is not usable: node sample has no input `sead`");
        let output = change(r#""output": "save""#, r#""output": "gone""#);
        assert_eq!(output, "the graph is not usable: there is no node gone");
        assert!(change(r#""name""#, r#""nome""#).contains("nome"));
    }
}
