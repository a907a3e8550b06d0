//! Bodies of the legacy dialect: `/v1/…`, with `model_name` and everything else at the top.

use serde_json::{Value, json};
use spotwright_core::ports::clip_source::{CameraMove, ClipError, MovedPart, Reference, ReferenceKind};

use super::plan::{Ask, Path};
use crate::words::{check_length, refuse, with_camera, with_tags};

const TEXT: Path = Path::Legacy("videos", "text2video");
pub(super) const IMAGE: Path = Path::Legacy("videos", "image2video");
const MULTI_IMAGE: Path = Path::Legacy("videos", "multi-image2video");
const OMNI: Path = Path::Legacy("videos", "omni-video");
pub(super) const EXTEND: Path = Path::Legacy("videos", "video-extend");
pub(super) const LIP_SYNC: Path = Path::Legacy("videos", "advanced-lip-sync");
pub(super) const PICTURE: Path = Path::Legacy("images", "generations");

/// Most pictures in one clip, beside which no first frame is taken.
pub(super) const MAX_PICTURES: u32 = 4;

/// Most parts of a picture that move, and points of a path.
const MAX_PARTS: usize = 6;
const POINTS: std::ops::RangeInclusive<usize> = 2..=77;

/// Longest text that is spoken, in characters.
const MAX_SPOKEN_CHARS: usize = 1_000;

pub(super) fn clip(ask: &Ask<'_>, seconds: u32, shots: &[(&str, u32)]) -> Result<(Path, Value), ClipError> {
    if ask.limits.omni {
        return Ok((OMNI, omni(ask, seconds, shots)?));
    }
    let request = ask.request;
    let mut body = common(ask, seconds);
    write_prompt(ask, &mut body, |_, reference| reference.name.clone())?;
    let path = match &request.first_frame {
        Some(first) => {
            body["image"] = json!(ask.encoded("the first frame", first)?);
            if let Some(last) = &request.last_frame {
                body["image_tail"] = json!(ask.encoded("the last frame", last)?);
            }
            IMAGE
        }
        None if request.references.is_empty() => {
            body["aspect_ratio"] = json!(ask.clip_ratio());
            TEXT
        }
        None => {
            let encode = |one: &Reference| {
                let picture = ask.encoded(&format!("the picture `{}`", one.name), &one.artifact)?;
                Ok(json!({ "image": picture }))
            };
            let list: Result<Vec<Value>, ClipError> = request.references.iter().map(encode).collect();
            body["image_list"] = json!(list?);
            body["aspect_ratio"] = json!(ask.clip_ratio());
            MULTI_IMAGE
        }
    };
    write_shots(ask, &mut body, shots)?;
    write_sound(ask, &mut body);
    Ok((path, body))
}

/// Everything in one path; references are named by their place in the lists.
fn omni(ask: &Ask<'_>, seconds: u32, shots: &[(&str, u32)]) -> Result<Value, ClipError> {
    let request = ask.request;
    let mut body = common(ask, seconds);
    write_prompt(ask, &mut body, |index, reference| tag(&request.references, index, reference))?;
    let (mut images, mut videos) = (Vec::new(), Vec::new());
    for reference in &request.references {
        match reference.kind {
            ReferenceKind::Picture => {
                let what = format!("the picture `{}`", reference.name);
                images.push(json!({ "image_url": ask.encoded(&what, &reference.artifact)? }));
            }
            ReferenceKind::Clip => videos.push(json!({
                "video_url": ask.clip_url(&reference.artifact)?,
                "refer_type": "feature",
                "keep_original_sound": "no",
            })),
        }
    }
    if videos.len() > 1 {
        return Err(refuse(format!("there are {} reference clips, and one is taken", videos.len())));
    }
    if !videos.is_empty() && request.sound {
        return Err(refuse("a clip that takes up another has no sound of its own"));
    }
    let plain = videos.is_empty() && images.is_empty() && request.last_frame.is_none();
    if ask.options.row.model == "kling-video-o1" && plain && !matches!(seconds, 5 | 10) {
        return Err(refuse("this model makes 5 or 10 s from words, or from one picture"));
    }
    // Frames stand behind the references, whose places the prompt names.
    for (frame, kind, what) in [
        (&request.first_frame, "first_frame", "the first frame"),
        (&request.last_frame, "end_frame", "the last frame"),
    ] {
        if let Some(hash) = frame {
            images.push(json!({ "image_url": ask.encoded(what, hash)?, "type": kind }));
        }
    }
    if request.first_frame.is_none() && videos.is_empty() {
        body["aspect_ratio"] = json!(ask.clip_ratio());
    }
    if !images.is_empty() {
        body["image_list"] = json!(images);
    }
    if !videos.is_empty() {
        body["video_list"] = json!(videos);
    }
    write_shots(ask, &mut body, shots)?;
    write_sound(ask, &mut body);
    Ok(body)
}

/// `<<<image_1>>>` for the first picture, `<<<video_1>>>` for the first clip.
fn tag(references: &[Reference], index: usize, reference: &Reference) -> String {
    let place = references[..=index].iter().filter(|other| other.kind == reference.kind).count();
    match reference.kind {
        ReferenceKind::Picture => format!("<<<image_{place}>>>"),
        ReferenceKind::Clip => format!("<<<video_{place}>>>"),
    }
}

fn common(ask: &Ask<'_>, seconds: u32) -> Value {
    let mut body = json!({
        "model_name": ask.options.row.model,
        "mode": ask.options.resolution.mode(),
        // A string, and refused as a number.
        "duration": seconds.to_string(),
        "external_task_id": ask.key,
    });
    if let Some(scale) = ask.options.cfg_scale.filter(|_| ask.limits.cfg_scale) {
        body["cfg_scale"] = json!(scale);
    }
    write_callback(ask, &mut body);
    body
}

fn write_callback(ask: &Ask<'_>, body: &mut Value) {
    if let Some(url) = &ask.options.callback_url {
        body["callback_url"] = json!(url);
    }
}

fn write_prompt(
    ask: &Ask<'_>,
    body: &mut Value,
    tag: impl Fn(usize, &Reference) -> String,
) -> Result<(), ClipError> {
    let request = ask.request;
    let mut prompt = with_tags(&request.prompt, &request.references, tag);
    let control = request.camera.as_ref().filter(|_| ask.limits.camera).and_then(camera_control);
    // The field excludes the last frame and knows one direction only; everything else is said in words.
    match control.filter(|_| request.last_frame.is_none()) {
        Some(control) => body["camera_control"] = control,
        None => prompt = with_camera(prompt, request.camera.as_ref()),
    }
    if prompt.trim().is_empty() && request.first_frame.is_none() {
        return Err(refuse("the prompt is blank"));
    }
    check_length("the prompt with all that goes into it", &prompt, super::plan::MAX_PROMPT_CHARS)?;
    body["prompt"] = json!(prompt);
    if !request.negative_prompt.is_empty() {
        body["negative_prompt"] = json!(request.negative_prompt);
    }
    Ok(())
}

/// The camera as a field; `None` unless exactly one direction is not 0.
fn camera_control(camera: &CameraMove) -> Option<Value> {
    let axes = [camera.horizontal, camera.vertical, camera.pan, camera.tilt, camera.roll, camera.zoom];
    let moves = axes.iter().filter(|amount| **amount != 0).count();
    if moves != 1 || axes.iter().any(|amount| !(-10..=10).contains(amount)) {
        return None;
    }
    let config = json!({
        "horizontal": camera.horizontal,
        "vertical": camera.vertical,
        "pan": camera.pan,
        "tilt": camera.tilt,
        "roll": camera.roll,
        "zoom": camera.zoom,
    });
    Some(json!({ "type": "simple", "config": config }))
}

fn write_shots(ask: &Ask<'_>, body: &mut Value, shots: &[(&str, u32)]) -> Result<(), ClipError> {
    if shots.is_empty() {
        return Ok(());
    }
    if ask.request.first_frame.is_some() || ask.request.last_frame.is_some() {
        return Err(refuse("a clip of several shots takes no first and no last frame"));
    }
    let references = &ask.request.references;
    let one = |(index, (words, seconds)): (usize, &(&str, u32))| {
        let words = with_tags(words, references, |index, reference| tag(references, index, reference));
        json!({ "index": index + 1, "prompt": words, "duration": seconds.to_string() })
    };
    body["multi_shot"] = json!(true);
    body["shot_type"] = json!("customize");
    body["multi_prompt"] = json!(shots.iter().enumerate().map(one).collect::<Vec<_>>());
    Ok(())
}

fn write_sound(ask: &Ask<'_>, body: &mut Value) {
    if ask.limits.sound_field {
        body["sound"] = json!(if ask.request.sound { "on" } else { "off" });
    }
}

pub(super) fn motion_brush(ask: &Ask<'_>, parts: &[MovedPart], seconds: u32) -> Result<Value, ClipError> {
    let request = ask.request;
    let first = request.first_frame.as_ref().ok_or_else(|| refuse("there is no picture to move parts of"))?;
    if request.last_frame.is_some() {
        return Err(refuse("moved parts and a last frame exclude each other"));
    }
    if !(1..=MAX_PARTS).contains(&parts.len()) {
        return Err(refuse(format!("there are {} parts, and 1 to {MAX_PARTS} are taken", parts.len())));
    }
    let picture = ask.look("the first frame", first)?;
    let mut masks = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let what = format!("the mask of part {}", index + 1);
        let mask = ask.look(&what, &part.mask)?;
        if (mask.width, mask.height) != (picture.width, picture.height) {
            return Err(refuse(format!("{what} has not the size of the first frame")));
        }
        if !POINTS.contains(&part.path.len()) {
            return Err(refuse(format!(
                "the path of part {} has {} points, not 2 to 77",
                index + 1,
                part.path.len()
            )));
        }
        if part.path.iter().any(|(x, y)| *x >= picture.width || *y >= picture.height) {
            return Err(refuse(format!("the path of part {} leaves the picture", index + 1)));
        }
        // The provider counts from the bottom, we from the top.
        let path = part.path.iter().map(|(x, y)| json!({ "x": x, "y": picture.height - 1 - y }));
        let path: Vec<Value> = path.collect();
        masks.push(json!({ "mask": ask.encoded(&what, &part.mask)?, "trajectories": path }));
    }
    let mut body = common(ask, seconds);
    // The field of the camera excludes masks.
    let prompt = with_tags(&request.prompt, &request.references, |_, one| one.name.clone());
    body["prompt"] = json!(with_camera(prompt, request.camera.as_ref()));
    if !request.negative_prompt.is_empty() {
        body["negative_prompt"] = json!(request.negative_prompt);
    }
    body["image"] = json!(ask.encoded("the first frame", first)?);
    body["dynamic_masks"] = json!(masks);
    Ok(body)
}

pub(super) fn extend(ask: &Ask<'_>, of: &str) -> Value {
    let request = ask.request;
    let mut body = json!({ "video_id": of, "prompt": request.prompt });
    if !request.negative_prompt.is_empty() {
        body["negative_prompt"] = json!(request.negative_prompt);
    }
    write_callback(ask, &mut body);
    body
}

pub(super) fn picture(ask: &Ask<'_>) -> Result<Value, ClipError> {
    let request = ask.request;
    let prompt = with_tags(&request.prompt, &request.references, |_, reference| reference.name.clone());
    if prompt.trim().is_empty() {
        return Err(refuse("the prompt is blank"));
    }
    let mut body = json!({
        "model_name": ask.options.picture_model,
        "prompt": prompt,
        "n": 1,
        "resolution": "1k",
        "aspect_ratio": ask.picture_ratio(),
        "external_task_id": ask.key,
    });
    let pictures: Vec<&Reference> =
        request.references.iter().filter(|one| one.kind == ReferenceKind::Picture).collect();
    let given = request.first_frame.as_ref().or_else(|| pictures.first().map(|one| &one.artifact));
    if pictures.len() > 1 || (request.first_frame.is_some() && !pictures.is_empty()) {
        return Err(refuse("a still picture is made from one picture at most"));
    }
    match given {
        // Negative prompts are refused beside a picture.
        Some(hash) => body["image"] = json!(ask.encoded("the picture", hash)?),
        None if !request.negative_prompt.is_empty() => {
            body["negative_prompt"] = json!(request.negative_prompt);
        }
        None => {}
    }
    write_callback(ask, &mut body);
    Ok(body)
}

pub(super) fn speech(ask: &Ask<'_>, text: &str, voice: &str) -> Result<Value, ClipError> {
    if text.trim().is_empty() {
        return Err(refuse("there is nothing to say"));
    }
    check_length("the spoken text", text, MAX_SPOKEN_CHARS)?;
    let own = ask.options.voice.as_deref().unwrap_or_default();
    let voice = if voice.is_empty() { own } else { voice };
    if voice.is_empty() {
        return Err(refuse("no voice is named, and `voice` names none"));
    }
    let is_chinese = text.chars().any(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c));
    Ok(json!({
        "text": text,
        "voice_id": voice,
        "voice_language": if is_chinese { "zh" } else { "en" },
        "voice_speed": 1.0,
    }))
}
