//! Bodies of the current dialect: the model stands in the path, `contents`, `settings` and `options` in the
//! body.
//!
//! There are no fields for what must not be seen and for the camera: both go into the prompt, as the vendor
//! advises for the former. Several shots are written into the prompt as well.

use serde_json::{Map, Value, json};
use spotwright_core::ports::clip_source::{ClipError, Reference, ReferenceKind};

use super::plan::{Ask, MAX_PROMPT_CHARS, Path};
use crate::words::{check_length, refuse, with_camera, with_tags};

/// Most reference pictures, without and with a reference clip.
pub(super) const MAX_PICTURES: [u32; 2] = [7, 4];

pub(super) fn clip(ask: &Ask<'_>, seconds: u32, shots: &[(&str, u32)]) -> Result<(Path, Value), ClipError> {
    let request = ask.request;
    let prompt = prompt(ask, shots)?;
    let has_clip = request.references.iter().any(|one| one.kind == ReferenceKind::Clip);
    let mut settings = Map::new();
    settings.insert("resolution".to_owned(), json!(ask.options.resolution.as_str()));
    settings.insert("duration".to_owned(), json!(seconds));
    if request.first_frame.is_none() && !has_clip {
        settings.insert("aspect_ratio".to_owned(), json!(ask.clip_ratio()));
    }
    if ask.limits.sound_field {
        settings.insert("audio".to_owned(), json!(if request.sound { "native" } else { "off" }));
    }
    if ask.limits.multi_shot_field {
        // A clip that takes up another is always of several shots, the vendor says.
        settings.insert("multi_shot".to_owned(), json!(!shots.is_empty() || has_clip));
    }
    let options = options(ask);
    if ask.limits.omni {
        if has_clip && request.sound {
            return Err(refuse("a clip that takes up another has no sound of its own"));
        }
        let contents = omni_contents(ask, &prompt)?;
        let body = json!({ "contents": contents, "settings": settings, "options": options });
        return Ok((Path::Current("omni-video"), body));
    }
    if request.first_frame.is_none() {
        let body = json!({ "prompt": prompt, "settings": settings, "options": options });
        return Ok((Path::Current("text-to-video"), body));
    }
    let mut contents = vec![json!({ "type": "prompt", "text": prompt })];
    contents.extend(frames(ask)?);
    let body = json!({ "contents": contents, "settings": settings, "options": options });
    Ok((Path::Current("image-to-video"), body))
}

fn prompt(ask: &Ask<'_>, shots: &[(&str, u32)]) -> Result<String, ClipError> {
    let request = ask.request;
    let mut text = if shots.is_empty() {
        request.prompt.clone()
    } else {
        let one = |(index, (words, seconds)): (usize, &(&str, u32))| {
            // A semicolon ends a shot.
            format!("shot {}, {seconds}, {};", index + 1, words.replace([';', '；'], ","))
        };
        shots.iter().enumerate().map(one).collect::<Vec<_>>().join(" ")
    };
    text = if ask.limits.omni {
        with_tags(&text, &request.references, |index, _| format!("@{}", id(&request.references, index)))
    } else {
        with_tags(&text, &request.references, |_, reference| reference.name.clone())
    };
    text = with_camera(text, request.camera.as_ref());
    if !request.negative_prompt.trim().is_empty() {
        text = format!("{text} Not to be seen: {}", request.negative_prompt.trim());
    }
    if text.trim().is_empty() {
        return Err(refuse("the prompt is blank"));
    }
    check_length("the prompt with all that goes into it", &text, MAX_PROMPT_CHARS)?;
    Ok(text)
}

fn frames(ask: &Ask<'_>) -> Result<Vec<Value>, ClipError> {
    let mut contents = Vec::new();
    if let Some(first) = &ask.request.first_frame {
        contents.push(json!({ "type": "first_frame", "url": ask.encoded("the first frame", first)? }));
    }
    if let Some(last) = &ask.request.last_frame {
        contents.push(json!({ "type": "last_frame", "url": ask.encoded("the last frame", last)? }));
    }
    Ok(contents)
}

fn omni_contents(ask: &Ask<'_>, prompt: &str) -> Result<Vec<Value>, ClipError> {
    let references = &ask.request.references;
    let clips = references.iter().filter(|one| one.kind == ReferenceKind::Clip).count();
    if clips > 1 {
        return Err(refuse(format!("there are {clips} reference clips, and one is taken")));
    }
    let mut contents = vec![json!({ "type": "prompt", "text": prompt })];
    contents.extend(frames(ask)?);
    for (index, reference) in references.iter().enumerate() {
        let (kind, url) = match reference.kind {
            ReferenceKind::Picture => (
                "refer_image",
                ask.encoded(&format!("the picture `{}`", reference.name), &reference.artifact)?,
            ),
            ReferenceKind::Clip => ("feature_video", ask.clip_url(&reference.artifact)?),
        };
        contents.push(json!({ "type": kind, "url": url, "id": id(references, index) }));
    }
    Ok(contents)
}

/// What a reference is called there: its name, unless one is part of another, since the provider looks for
/// names as parts of words. Then all are called by their places, of which there are fewer than ten.
fn id(references: &[Reference], index: usize) -> String {
    let is_part = |one: &Reference| {
        references.iter().any(|other| other.name != one.name && other.name.contains(&one.name))
    };
    match references.get(index) {
        Some(one) if !references.iter().any(is_part) => one.name.clone(),
        _ => format!("reference-{}", index + 1),
    }
}

fn options(ask: &Ask<'_>) -> Value {
    let mut options = json!({ "external_task_id": ask.key, "watermark_info": { "enabled": false } });
    if let Some(url) = &ask.options.callback_url {
        options["callback_url"] = json!(url);
    }
    options
}
