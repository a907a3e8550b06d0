//! Which clips the legacy paths make, and the rules of each field and model.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{MAX_PROMPT, Made, legacy_picture};
use crate::call::Call;
use crate::clip::Work;
use crate::kling_rules::{Refusal, Resolution, aspect, footage};
use crate::picture::Picture;
use crate::provider::Provider;
use crate::wire::Fields;

/// Models by resource; the first is the default.
const TEXT_MODELS: [&str; 8] = [
    "kling-v1",
    "kling-v1-6",
    "kling-v2-master",
    "kling-v2-1-master",
    "kling-v2-5-turbo",
    "kling-v2-6",
    "kling-v3",
    "kling-video-o1",
];
const IMAGE_MODELS: [&str; 9] = [
    "kling-v1",
    "kling-v1-5",
    "kling-v1-6",
    "kling-v2-master",
    "kling-v2-1",
    "kling-v2-1-master",
    "kling-v2-5-turbo",
    "kling-v2-6",
    "kling-v3",
];
const OMNI_MODELS: [&str; 2] = ["kling-video-o1", "kling-v3-omni"];

const RATIOS: [&str; 3] = ["16:9", "9:16", "1:1"];
/// Longest prompt of one shot in characters.
const MAX_SHOT_PROMPT: usize = 512;
/// Shortest shot in seconds: the gateway's own check; the forwarding pages say 1.
const MIN_SHOT: u32 = 3;
/// Most masks, and points of one path.
const MAX_MASKS: usize = 6;
const POINTS: std::ops::RangeInclusive<usize> = 2..=77;

/// A refused parameter.
fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(1201, message)
}

/// What a body of one of the four generating resources asks for.
pub(super) fn made(
    provider: &Provider,
    call: &Call,
    resource: &str,
    fields: Fields<'_>,
) -> Result<Made, Refusal> {
    let model = match resource {
        "videos/text2video" => model(fields, &TEXT_MODELS)?,
        "videos/image2video" => model(fields, &IMAGE_MODELS)?,
        "videos/omni-video" => model(fields, &OMNI_MODELS)?,
        _ => model(fields, &["kling-v1-6"])?,
    };
    let mode = fields.one_of("mode", &["std", "pro", "4k"])?;
    if mode == "4k" && !is_v3(model) {
        return Err(bad(format!("mode 4k is not supported by {model}")));
    }
    if fields.number("cfg_scale", 0.0, 1.0)?.is_some() && model.starts_with("kling-v2") {
        return Err(bad(format!("cfg_scale is not supported by {model}")));
    }
    fields.text("negative_prompt", MAX_PROMPT)?;
    let seconds = duration(fields, model)?;
    let sound = sound(fields, model)?;
    let frames = frames(call, resource, fields)?;
    let prompt = prompt(fields, resource, seconds, frames.begins.is_some() || frames.ends.is_some())?;
    check_limits(fields, resource, model, mode, seconds, &frames)?;
    let resolution = match mode {
        "std" => Resolution::P720,
        "pro" => Resolution::P1080,
        _ => Resolution::K4,
    };
    let ratio = aspect(fields.one_of("aspect_ratio", &RATIOS)?);
    // A reference that is no frame does not set the shape.
    let shown = frames.begins.clone().or_else(|| frames.references.first().cloned());
    let fps = frame_rate(resource, model);
    let mut made = footage(provider, &prompt, resolution, ratio, fps, seconds, shown, frames.ends.clone());
    if frames.begins.is_none() && frames.ends.is_none() {
        (made.width, made.height) = even(resolution.size(provider, ratio));
    }
    made.sound = sound;
    let price = provider.options.prices.kling_clip(resolution.second(provider), seconds, sound);
    let fails = frames.begins.as_ref().is_some_and(|image| masks_fit(call, fields, image).is_err());
    Ok(Made { work: Work::Clip(made), price, info: json!({}), fails })
}

fn even((width, height): (u32, u32)) -> (u32, u32) {
    (width & !1, height & !1)
}

fn model(fields: Fields<'_>, models: &[&'static str]) -> Result<&'static str, Refusal> {
    // The old field `model` is ignored.
    let asked = fields.text("model_name", 64)?;
    let found = match asked {
        Some(asked) => models.iter().find(|model| **model == asked),
        None => models.first(),
    };
    found.copied().ok_or_else(|| {
        Refusal::new(1203, format!("model `{}` does not exist here", asked.unwrap_or_default()))
    })
}

fn is_v3(model: &str) -> bool {
    model.starts_with("kling-v3")
}

/// 30 frames per second of the first models from pictures, 24 otherwise.
fn frame_rate(resource: &str, model: &str) -> u32 {
    let early = match resource {
        "videos/image2video" => ["kling-v1", "kling-v1-5", "kling-v1-6"].contains(&model),
        _ => model == "kling-v1",
    };
    if early { 30 } else { 24 }
}

/// `"5"` or `"10"`; `"3"` to `"15"` from version 3 on; `"3"` to `"10"` of o1.
fn duration(fields: Fields<'_>, model: &str) -> Result<u32, Refusal> {
    let text = match fields.get("duration") {
        None => "5",
        Some(Value::String(text)) => text.as_str(),
        Some(_) => return Err(bad("duration must be a string")),
    };
    let seconds = text.parse::<u32>().ok().filter(|seconds| match model {
        _ if is_v3(model) => (3..=15).contains(seconds),
        "kling-video-o1" => (3..=10).contains(seconds),
        _ => [5, 10].contains(seconds),
    });
    seconds.ok_or_else(|| bad(format!("duration value `{text}` is invalid for {model}")))
}

fn sound(fields: Fields<'_>, model: &str) -> Result<bool, Refusal> {
    let sound = fields.one_of("sound", &["off", "on"])? == "on";
    if sound && !(is_v3(model) || model == "kling-v2-6") {
        return Err(bad(format!("sound is not supported by {model}")));
    }
    if !fields.list("voice_list", 2)?.is_empty() && !sound {
        return Err(bad("voice_list needs sound on"));
    }
    Ok(sound)
}

/// The prompt; of several shots all of them.
fn prompt(fields: Fields<'_>, resource: &str, seconds: u32, has_frames: bool) -> Result<String, Refusal> {
    let prompt = fields.text("prompt", MAX_PROMPT)?;
    if !fields.flag("multi_shot", false)? {
        let optional = resource == "videos/image2video";
        if prompt.is_none() && !optional {
            return Err(bad("prompt must not be empty"));
        }
        return Ok(prompt.unwrap_or_default().to_owned());
    }
    if has_frames {
        return Err(bad("first and last frames are not supported with multi_shot"));
    }
    if fields.one_of("shot_type", &["customize", "intelligence"])? == "intelligence" {
        return prompt.map(str::to_owned).ok_or_else(|| bad("shot_type intelligence needs prompt"));
    }
    let shots = fields.list("multi_prompt", 6)?;
    if shots.is_empty() {
        return Err(bad("shot_type customize needs multi_prompt"));
    }
    let (mut total, mut prompts) = (0, Vec::new());
    for (idx, shot) in shots.iter().enumerate() {
        let shot = Fields::of(shot, "multi_prompt[]")?;
        if shot.whole("index", 1, 6)? != Some(idx as u64 + 1) {
            return Err(bad("multi_prompt[].index must count from 1"));
        }
        prompts.push(shot.needed("prompt", MAX_SHOT_PROMPT)?);
        let length = shot.needed("duration", 8)?.parse::<u32>().ok().filter(|length| *length >= MIN_SHOT);
        total += length.ok_or_else(|| bad(format!("a shot must last at least {MIN_SHOT} s")))?;
    }
    if total != seconds {
        return Err(bad(format!("the shots last {total} s, the task {seconds} s")));
    }
    Ok(prompts.join(" / "))
}

/// Pictures of a request.
#[derive(Default)]
struct Frames {
    begins: Option<Arc<Picture>>,
    ends: Option<Arc<Picture>>,
    references: Vec<Arc<Picture>>,
}

fn frames(call: &Call, resource: &str, fields: Fields<'_>) -> Result<Frames, Refusal> {
    let mut frames = Frames::default();
    let one = |name: &str| -> Result<Option<Arc<Picture>>, Refusal> {
        let value = fields.text(name, usize::MAX)?;
        value.map(|value| legacy_picture(call, name, value)).transpose()
    };
    match resource {
        "videos/image2video" => {
            frames.begins = one("image")?;
            frames.ends = one("image_tail")?;
            if frames.begins.is_none() && frames.ends.is_none() {
                return Err(bad("at least one of image and image_tail is needed"));
            }
        }
        "videos/multi-image2video" => {
            for entry in fields.list("image_list", 4)? {
                let value = Fields::of(entry, "image_list[]")?.needed("image", usize::MAX)?;
                frames.references.push(legacy_picture(call, "image_list", value)?);
            }
            if frames.references.is_empty() {
                return Err(bad("image_list must not be empty"));
            }
        }
        "videos/omni-video" => omni_frames(call, fields, &mut frames)?,
        _ => {}
    }
    Ok(frames)
}

fn omni_frames(call: &Call, fields: Fields<'_>, frames: &mut Frames) -> Result<(), Refusal> {
    for entry in fields.list("image_list", 7)? {
        let entry = Fields::of(entry, "image_list[]")?;
        let picture = legacy_picture(call, "image_list", entry.needed("image_url", usize::MAX)?)?;
        match entry.text("type", 32)? {
            Some("first_frame") => frames.begins = Some(picture),
            Some("end_frame") => frames.ends = Some(picture),
            None => frames.references.push(picture),
            Some(other) => return Err(bad(format!("image_list[].type `{other}` is invalid"))),
        }
    }
    if frames.ends.is_some() && frames.begins.is_none() {
        return Err(bad("an end frame needs a first frame"));
    }
    for entry in fields.list("video_list", 1)? {
        let entry = Fields::of(entry, "video_list[]")?;
        let url = entry.needed("video_url", usize::MAX)?;
        let bytes = call.bytes_of(url).map_err(|error| format!("video_list: {error}"))?;
        if bytes.get(4..8) != Some(b"ftyp") || bytes.len() > 200 << 20 {
            return Err(bad("video_list: one .mp4 or .mov of at most 200 MB"));
        }
        entry.one_of("keep_original_sound", &["yes", "no"])?;
        let base = entry.one_of("refer_type", &["base", "feature"])? == "base";
        if fields.one_of("sound", &["off", "on"])? == "on" {
            return Err(bad("with a reference video sound must be off"));
        }
        if base && (frames.begins.is_some() || frames.ends.is_some()) {
            return Err(bad("a base video forbids first and end frames"));
        }
    }
    Ok(())
}

/// What excludes what, and what only some models can.
fn check_limits(
    fields: Fields<'_>,
    resource: &str,
    model: &str,
    mode: &str,
    seconds: u32,
    frames: &Frames,
) -> Result<(), Refusal> {
    fields.list("element_list", 3)?;
    let camera = fields.get("camera_control");
    let brush = fields.get("static_mask").is_some() || fields.get("dynamic_masks").is_some();
    let both_frames = frames.ends.is_some() && resource == "videos/image2video";
    if usize::from(camera.is_some()) + usize::from(brush) + usize::from(both_frames) > 1 {
        return Err(bad("image_tail, dynamic_masks/static_mask and camera_control exclude each other"));
    }
    let plain_only = ["kling-v2-master", "kling-v2-1-master"].contains(&model);
    if plain_only && (camera.is_some() || brush || both_frames) {
        return Err(bad(format!("{model} does plain generation only")));
    }
    if let Some(camera) = camera {
        check_camera(Fields::of(camera, "camera_control")?)?;
        let able = match (resource, model) {
            ("videos/text2video", "kling-v1") => mode == "std" && seconds == 5,
            ("videos/image2video", "kling-v1-5") => {
                mode == "pro" && seconds == 5 && camera["type"] == "simple"
            }
            _ => false,
        };
        if !able {
            return Err(bad(format!("camera_control is not supported by {model} {mode} {seconds} s")));
        }
    }
    if both_frames {
        let able = match model {
            "kling-v1" => seconds == 5,
            "kling-v1-5" | "kling-v1-6" | "kling-v2-1" | "kling-v2-5-turbo" => mode == "pro",
            _ => true,
        };
        if !able {
            return Err(bad(format!("image_tail is not supported by {model} {mode} {seconds} s")));
        }
    }
    if brush {
        let able = seconds == 5 && (model == "kling-v1" || (model == "kling-v1-5" && mode == "pro"));
        if !able || resource != "videos/image2video" {
            return Err(bad(format!("motion brush is not supported by {model} {mode} {seconds} s")));
        }
        check_brush(fields, frames)?;
    }
    Ok(())
}

fn check_camera(camera: Fields<'_>) -> Result<(), Refusal> {
    let kinds = ["simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward"];
    let kind = camera.one_of("type", &kinds)?;
    let Some(config) = camera.get("config") else {
        return if kind == "simple" { Err(bad("camera type simple needs config")) } else { Ok(()) };
    };
    if kind != "simple" {
        return Err(bad(format!("camera type {kind} takes no config")));
    }
    let config = Fields::of(config, "config")?;
    let mut moved = 0;
    for name in ["horizontal", "vertical", "pan", "tilt", "roll", "zoom"] {
        moved += usize::from(config.number(name, -10.0, 10.0)?.is_some_and(|value| value != 0.0));
    }
    if moved == 1 { Ok(()) } else { Err(bad("exactly one value of config must not be zero")) }
}

/// Paths of a motion brush; their origin is the bottom left of the picture. The masks themselves are not
/// looked into when a task is created ([`masks_fit`]).
fn check_brush(fields: Fields<'_>, frames: &Frames) -> Result<(), Refusal> {
    let Some(image) = &frames.begins else { return Err(bad("motion brush needs image")) };
    let masks = fields.list("dynamic_masks", MAX_MASKS)?;
    for mask in masks {
        let mask = Fields::of(mask, "dynamic_masks[]")?;
        mask.needed("mask", usize::MAX)?;
        let points = mask.list("trajectories", *POINTS.end())?;
        if points.len() < *POINTS.start() {
            return Err(bad("trajectories need at least 2 points"));
        }
        for point in points {
            let point = Fields::of(point, "trajectories[]")?;
            let inside = point.whole("x", 0, u64::from(image.width()))?.is_some()
                && point.whole("y", 0, u64::from(image.height()))?.is_some();
            if !inside {
                return Err(bad("a point needs x and y"));
            }
        }
    }
    Ok(())
}

/// Checks that masks have the picture's aspect ratio and one resolution; a task whose masks do not, fails.
fn masks_fit(call: &Call, fields: Fields<'_>, image: &Picture) -> Result<(), Refusal> {
    let mut values: Vec<&str> = fields.text("static_mask", usize::MAX)?.into_iter().collect();
    for mask in fields.list("dynamic_masks", MAX_MASKS)? {
        values.push(Fields::of(mask, "dynamic_masks[]")?.needed("mask", usize::MAX)?);
    }
    let mut size = None;
    for value in values {
        let bytes = call.bytes_of(value).map_err(|error| format!("mask: {error}"))?;
        let mask = Picture::decode(&bytes).map_err(|error| format!("mask: {error}"))?;
        let shape = u64::from(mask.width()) * u64::from(image.height());
        if shape != u64::from(mask.height()) * u64::from(image.width()) {
            return Err(bad("masks must have the aspect ratio of image"));
        }
        let own = (mask.width(), mask.height());
        if *size.get_or_insert(own) != own {
            return Err(bad("masks must have equal resolution"));
        }
    }
    Ok(())
}
