//! ComfyUI graphs: whether one can be run, and what it would make.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::clip::{Footage, Work};
use crate::picture::Picture;
use crate::provider::State;

/// Classes of nodes that the server knows by itself: those that video graphs of Wan, Hunyuan and LTX are
/// made of.
const NODES: [&str; 42] = [
    "BasicGuider",
    "BasicScheduler",
    "CFGGuider",
    "CLIPLoader",
    "CLIPTextEncode",
    "CLIPVisionEncode",
    "CLIPVisionLoader",
    "CheckpointLoaderSimple",
    "CreateVideo",
    "DualCLIPLoader",
    "EmptyHunyuanLatentVideo",
    "EmptyLTXVLatentVideo",
    "EmptyLatentImage",
    "EmptySD3LatentImage",
    "ImageScale",
    "ImageToVideo",
    "KSampler",
    "KSamplerAdvanced",
    "KSamplerSelect",
    "LTXVConditioning",
    "LTXVImgToVideo",
    "LTXVScheduler",
    "LoadImage",
    "LoraLoader",
    "LoraLoaderModelOnly",
    "ModelSamplingFlux",
    "ModelSamplingSD3",
    "RandomNoise",
    "SamplerCustom",
    "SamplerCustomAdvanced",
    "SaveAnimatedWEBP",
    "SaveImage",
    "SaveVideo",
    "UNETLoader",
    "VAEDecode",
    "VAEDecodeTiled",
    "VAELoader",
    "VHS_VideoCombine",
    "Wan22ImageToVideoLatent",
    "WanFirstLastFrameToVideo",
    "WanImageToVideo",
    "WanVaceToVideo",
];

/// Classes whose output is a clip or picture, and the field of the history that it stands in.
const OUTPUTS: [(&str, &str); 3] =
    [("SaveVideo", "images"), ("VHS_VideoCombine", "gifs"), ("SaveImage", "images")];

/// Size, length and rate where no node tells: Wan's.
const SIZE: (u32, u32) = (832, 480);
const FRAMES: u32 = 81;
const FPS: u32 = 16;
/// Largest side, most frames and frames per second.
const MAX_SIDE: u64 = 2_048;
const MAX_FRAMES: u64 = 721;
const MAX_FPS: f64 = 60.0;

/// A graph that can be run.
#[derive(Debug)]
pub(crate) struct Runnable {
    pub(crate) work: Work,
    /// The node whose output counts, and its field in the history.
    pub(crate) output: (String, &'static str),
}

/// A refusal as `/prompt` answers it: `error` and `node_errors`.
pub(crate) type GraphError = Value;

fn error(kind: &str, message: &str, details: &str, nodes: &Value) -> GraphError {
    json!({
        "error": {"type": kind, "message": message, "details": details, "extra_info": {}},
        "node_errors": nodes,
    })
}

/// The classes that are known.
pub(crate) fn classes(more: &[String]) -> impl Iterator<Item = &str> {
    NODES.into_iter().chain(more.iter().map(String::as_str))
}

/// Checks a graph and reads from it what is made.
pub(crate) fn read(graph: &Value, more_nodes: &[String], state: &State) -> Result<Runnable, GraphError> {
    let nothing = json!({});
    let Some(nodes) = graph.as_object() else {
        return Err(error("no_prompt", "No prompt provided", "No prompt provided", &nothing));
    };
    for (id, node) in nodes {
        let class = node["class_type"].as_str();
        let Some(class) = class else {
            let details = format!("Node ID '#{id}'");
            return Err(error(
                "invalid_prompt",
                "Cannot execute because a node is missing the class_type property.",
                &details,
                &nothing,
            ));
        };
        if !classes(more_nodes).any(|known| known == class) {
            let message = format!("Cannot execute because node {class} does not exist.");
            return Err(error("invalid_prompt", &message, &format!("Node ID '#{id}'"), &nothing));
        }
    }
    let output = nodes.iter().find_map(|(id, node)| {
        let (_, field) = OUTPUTS.iter().find(|(class, _)| node["class_type"] == *class)?;
        Some((id.clone(), *field))
    });
    let Some(output) = output else {
        return Err(error("prompt_no_outputs", "Prompt has no outputs", "", &nothing));
    };
    let graph = Graph { nodes };
    let problems = graph.problems(state);
    if !problems.is_empty() {
        let message = "Prompt outputs failed validation";
        return Err(error("prompt_outputs_failed_validation", message, "", &Value::Object(problems)));
    }
    let footage = graph.footage(state);
    let is_still = nodes[&output.0]["class_type"] == "SaveImage";
    let work = if is_still { Work::Pictures(footage, 1) } else { Work::Clip(footage) };
    Ok(Runnable { work, output })
}

struct Graph<'a> {
    nodes: &'a Map<String, Value>,
}

impl Graph<'_> {
    /// `node_errors`: links to nothing, values out of range, pictures that were not uploaded.
    fn problems(&self, state: &State) -> Map<String, Value> {
        let mut problems = Map::new();
        for (id, node) in self.nodes {
            let mut errors = Vec::new();
            let mut problem = |kind: &str, input: &str, details: String| {
                errors.push(json!({"type": kind, "message": kind.replace('_', " "), "details": details,
                    "extra_info": {"input_name": input}}));
            };
            for (name, value) in node["inputs"].as_object().into_iter().flatten() {
                let link = value.as_array().and_then(|link| link.first()).and_then(Value::as_str);
                if link.is_some_and(|target| !self.nodes.contains_key(target)) {
                    problem("bad_linked_input", name, format!("{name}: no such node"));
                }
                let range = match name.as_str() {
                    "width" | "height" => Some(16..=MAX_SIDE),
                    "length" => Some(1..=MAX_FRAMES),
                    _ => None,
                };
                if let (Some(range), Some(number)) = (range, value.as_i64()) {
                    if !u64::try_from(number).is_ok_and(|number| range.contains(&number)) {
                        problem("value_not_in_range", name, format!("{name}: {number} is not in {range:?}"));
                    }
                }
            }
            if node["class_type"] == "LoadImage" {
                let file = node["inputs"]["image"].as_str().unwrap_or_default();
                if state.uploads.get(file).is_none_or(|bytes| Picture::decode(bytes).is_err()) {
                    problem(
                        "custom_validation_failed",
                        "image",
                        format!("image - Invalid image file: {file}"),
                    );
                }
            }
            if !errors.is_empty() {
                problems.insert(
                    id.clone(),
                    json!({"errors": errors, "dependent_outputs": [], "class_type": node["class_type"]}),
                );
            }
        }
        problems
    }

    fn footage(&self, state: &State) -> Footage {
        let size = |name| self.first_number(name).map(|side| side as u32);
        let (width, height) = (size("width").unwrap_or(SIZE.0), size("height").unwrap_or(SIZE.1));
        let frames = self.first_number("length").map_or(FRAMES, |frames| frames as u32);
        let rate = ["fps", "frame_rate"].iter().find_map(|name| self.first_float(name));
        let fps = rate.filter(|fps| *fps >= 1.0 && *fps <= MAX_FPS).map_or(FPS, |fps| fps.round() as u32);
        let seed = ["noise_seed", "seed"].iter().find_map(|name| self.first_number(name)).unwrap_or(0);
        let mut footage = Footage::test_picture(&self.prompt(), seed, width, height, fps, frames);
        footage.first = self.picture("start_image", state).or_else(|| self.any_picture(state));
        footage.last = self.picture("end_image", state);
        footage
    }

    /// The value of the first input of this name that is a number.
    fn first_number(&self, name: &str) -> Option<u64> {
        self.nodes.values().find_map(|node| node["inputs"][name].as_u64())
    }

    fn first_float(&self, name: &str) -> Option<f64> {
        self.nodes.values().find_map(|node| node["inputs"][name].as_f64())
    }

    /// The text that a sampler's positive conditioning comes from; otherwise the first text there is.
    fn prompt(&self) -> String {
        let sampled = self.nodes.values().find_map(|node| self.text_below(&node["inputs"]["positive"], 0));
        let any = || self.nodes.values().find_map(|node| node["inputs"]["text"].as_str().map(str::to_owned));
        sampled.or_else(any).unwrap_or_default()
    }

    fn text_below(&self, link: &Value, depth: usize) -> Option<String> {
        // A graph may be a circle.
        if depth > self.nodes.len() {
            return None;
        }
        let node = self.nodes.get(link.as_array()?.first()?.as_str()?)?;
        let text = &node["inputs"]["text"];
        match text.as_str() {
            Some(text) => Some(text.to_owned()),
            None => self.text_below(&node["inputs"]["positive"], depth + 1),
        }
    }

    /// The picture that an input of this name is linked to, directly or through scaling.
    fn picture(&self, name: &str, state: &State) -> Option<Arc<Picture>> {
        let link = self.nodes.values().map(|node| &node["inputs"][name]).find(|link| link.is_array())?;
        self.picture_below(link, state, 0)
    }

    fn picture_below(&self, link: &Value, state: &State, depth: usize) -> Option<Arc<Picture>> {
        if depth > self.nodes.len() {
            return None;
        }
        let node = self.nodes.get(link.as_array()?.first()?.as_str()?)?;
        match node["class_type"].as_str() {
            Some("LoadImage") => uploaded(node, state),
            _ => self.picture_below(&node["inputs"]["image"], state, depth + 1),
        }
    }

    /// The first picture of the graph that is not its last frame.
    fn any_picture(&self, state: &State) -> Option<Arc<Picture>> {
        let has_end = self.nodes.values().any(|node| node["inputs"]["end_image"].is_array());
        let mut loads = self.nodes.values().filter(|node| node["class_type"] == "LoadImage");
        if has_end { None } else { loads.find_map(|node| uploaded(node, state)) }
    }
}

fn uploaded(node: &Value, state: &State) -> Option<Arc<Picture>> {
    let bytes = state.uploads.get(node["inputs"]["image"].as_str()?)?;
    Picture::decode(bytes).ok().map(Arc::new)
}
