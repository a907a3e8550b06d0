//! The body of a new job, as each server takes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use spotwright_core::ports::clip_source::{ClipError, ClipRequest, ClipTask};

use super::options::{Flavor, Options, PictureField};
use crate::files::{Files, Picture, PictureRules};
use crate::frames::Made;
use crate::multipart::Form;
use crate::words::{check_length, plain_prompt, refuse};

/// Longest prompt and negative prompt in characters.
const MAX_PROMPT_CHARS: usize = 2_500;

/// Pictures of any shape, up to what the servers take.
const PICTURE_RULES: PictureRules =
    PictureRules { max_bytes: 50_000_000, min_side: 16, max_ratio_tenths: 100 };

/// A body with its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) content_type: String,
    pub(super) bytes: Vec<u8>,
}

/// Checks a request, and says what is made of it.
pub(super) fn check(options: &Options, request: &ClipRequest, files: &Files) -> Result<Made, ClipError> {
    if let Some(missing) = request.needs().into_iter().find(|need| !options.abilities.contains(need)) {
        return Err(refuse(format!("{} does not make {}", options.row.model, missing.words())));
    }
    if !matches!(request.task, ClipTask::Generate) {
        return Err(refuse(format!("the server has no place for a task of kind {}", request.task.as_str())));
    }
    if !request.references.is_empty() {
        return Err(refuse("the server takes a first frame, and no pictures beside it"));
    }
    check_length("the prompt", &plain_prompt(request), MAX_PROMPT_CHARS)?;
    check_length("the negative prompt", &request.negative_prompt, MAX_PROMPT_CHARS)?;
    if request.prompt.trim().is_empty() {
        return Err(refuse("the prompt is blank"));
    }
    first_frame(request, files)?;
    options.shape.made(request)
}

fn first_frame<'a>(request: &ClipRequest, files: &'a Files) -> Result<Option<Picture<'a>>, ClipError> {
    let hash = request.first_frame.as_ref();
    hash.map(|hash| files.picture("the first frame", hash, PICTURE_RULES)).transpose()
}

pub(super) fn body(
    options: &Options,
    request: &ClipRequest,
    files: &Files,
    made: &Made,
    key: &str,
) -> Result<Body, ClipError> {
    let picture = first_frame(request, files)?;
    let (prompt, size) = (plain_prompt(request), made.size_text());
    let negative = (!request.negative_prompt.is_empty()).then_some(&request.negative_prompt);
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("prompt", json!(prompt));
    put("size", json!(size));
    match options.flavor {
        Flavor::VllmOmni => {
            put("model", json!(options.row.model));
            put("seconds", json!(made.seconds().to_string()));
            put("user", json!(key));
            put("generate_sound", json!(request.sound));
        }
        Flavor::Sglang => {
            put("model", json!(options.row.model));
            put("seconds", json!(made.seconds()));
            put("user", json!(key));
        }
        Flavor::TensorrtLlm => {
            put("seconds", json!(f64::from(made.frames) / f64::from(made.fps)));
        }
        Flavor::Dynamo => {
            put("model", json!(options.row.model));
            put("seconds", json!(made.seconds()));
            put("user", json!(key));
            put("response_format", json!("url"));
            let mut more = json!({ "fps": made.fps, "num_frames": made.frames, "seed": request.seed });
            if let Some(negative) = negative {
                more["negative_prompt"] = json!(negative);
            }
            put("nvext", more);
        }
    }
    if options.flavor != Flavor::Dynamo {
        put("num_frames", json!(made.frames));
        put("fps", json!(made.fps));
        put("seed", json!(request.seed));
        if let Some(negative) = negative {
            put("negative_prompt", json!(negative));
        }
    }
    for (name, value) in &options.extra {
        put(name, value.clone());
    }
    Ok(encode(options, fields, picture, key))
}

/// As a form where the server takes no JSON, or a picture goes along as a file.
fn encode(
    options: &Options,
    mut fields: Map<String, Value>,
    picture: Option<Picture<'_>>,
    key: &str,
) -> Body {
    let in_json = match (options.flavor, options.picture_field) {
        (Flavor::VllmOmni, _) => false,
        (Flavor::Dynamo, _) | (_, PictureField::ImageReference) => true,
        (Flavor::Sglang | Flavor::TensorrtLlm, PictureField::InputReference) => picture.is_none(),
    };
    if in_json {
        if let Some(picture) = picture {
            let text = STANDARD.encode(picture.bytes);
            let (name, value) = match options.picture_field {
                PictureField::ImageReference => ("image_reference", json!({ "content": text })),
                PictureField::InputReference => {
                    ("input_reference", json!(format!("data:{};base64,{text}", picture.kind.media_type())))
                }
            };
            fields.insert(name.to_owned(), value);
        }
        let bytes = Value::Object(fields).to_string().into_bytes();
        return Body { content_type: "application/json".to_owned(), bytes };
    }
    let mut form = Form::new(key);
    // By name: whether a map keeps its order is a feature that any crate of the program may switch on.
    let mut by_name: Vec<(&String, &Value)> = fields.iter().collect();
    by_name.sort_by_key(|(name, _)| *name);
    for (name, value) in by_name {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        form = form.text(name, &text);
    }
    if options.flavor == Flavor::Sglang {
        // Older versions read what is not in OpenAI's own form from here.
        let more = ["fps", "negative_prompt", "num_frames", "seed"].into_iter();
        let more: Map<String, Value> =
            more.filter_map(|name| Some((name.to_owned(), fields.get(name)?.clone()))).collect();
        form = form.text("extra_body", &Value::Object(more).to_string());
    }
    if let Some(picture) = picture {
        let name = format!("first.{}", picture.kind.extension());
        form = form.file("input_reference", &name, picture.kind.media_type(), picture.bytes);
    }
    let (content_type, bytes) = form.finish();
    Body { content_type, bytes }
}
