//! Kling's current dialect: the model in the path, `contents`, `settings`, `options`, one `/tasks` for
//! all, `succeeded`.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::clip::Work;
use crate::faults::{Dialect, Route};
use crate::jobs::{Job, Phase};
use crate::kling_rules::{
    Refusal, Resolution, Task, aspect, authorize, clip_id, decimal, envelope, failure_message, footage,
    picture, status_word, submit, urls,
};
use crate::picture::Picture;
use crate::provider::{Provider, State};
use crate::wire::{Fields, digest};

/// Longest prompt in characters; 2,500 of the older models.
const MAX_PROMPT: usize = 3_072;
const MAX_OLD_PROMPT: usize = 2_500;
/// Largest picture in bytes.
const MAX_PICTURE: usize = 50 << 20;
/// Largest reference clip in bytes.
const MAX_CLIP: usize = 200 << 20;
/// Longest words of one shot in characters, and most shots.
const MAX_SHOT_WORDS: usize = 512;
const MAX_SHOTS: usize = 6;
/// Frames per second of every clip.
const FPS: u32 = 24;
/// Most tasks of one query by ids, and by default and at most of one by cursor.
const MAX_LISTED: u64 = 500;
const LISTED: u64 = 100;

/// What a model can do.
struct Model {
    path: &'static str,
    resolutions: &'static [&'static str],
    /// Shortest and longest in whole seconds; `None` means 5 or 10.
    seconds: Option<(u64, u64)>,
    contents: &'static [&'static str],
    audio: &'static [&'static str],
    multi_shot: bool,
    /// First and last frame together need 1080p.
    fine_last_frame: bool,
}

const HD: &[&str] = &["720p", "1080p"];
const UHD: &[&str] = &["720p", "1080p", "4k"];
const FRAMES: &[&str] = &["prompt", "first_frame", "last_frame"];

const MODELS: [Model; 9] = [
    Model {
        path: "text-to-video/kling-3.0",
        resolutions: UHD,
        seconds: Some((3, 15)),
        contents: &[],
        audio: &["off", "native"],
        multi_shot: true,
        fine_last_frame: false,
    },
    Model {
        path: "text-to-video/kling-3.0-turbo",
        resolutions: HD,
        seconds: Some((3, 15)),
        contents: &[],
        audio: &[],
        multi_shot: true,
        fine_last_frame: false,
    },
    Model {
        path: "text-to-video/kling-2.6",
        resolutions: HD,
        seconds: None,
        contents: &[],
        audio: &["off", "native"],
        multi_shot: false,
        fine_last_frame: false,
    },
    Model {
        path: "text-to-video/kling-2.5-turbo",
        resolutions: HD,
        seconds: None,
        contents: &[],
        audio: &[],
        multi_shot: false,
        fine_last_frame: false,
    },
    Model {
        path: "image-to-video/kling-3.0",
        resolutions: UHD,
        seconds: Some((3, 15)),
        contents: &["prompt", "first_frame", "last_frame", "element"],
        audio: &["off", "native"],
        multi_shot: true,
        fine_last_frame: false,
    },
    Model {
        path: "image-to-video/kling-3.0-turbo",
        resolutions: HD,
        seconds: Some((3, 15)),
        contents: &["prompt", "first_frame"],
        audio: &[],
        multi_shot: true,
        fine_last_frame: false,
    },
    Model {
        path: "image-to-video/kling-2.6",
        resolutions: HD,
        seconds: None,
        contents: FRAMES,
        audio: &["off", "native"],
        multi_shot: false,
        fine_last_frame: true,
    },
    Model {
        path: "image-to-video/kling-2.5-turbo",
        resolutions: HD,
        seconds: None,
        contents: FRAMES,
        audio: &[],
        multi_shot: false,
        fine_last_frame: true,
    },
    Model {
        path: "omni-video/kling-3.0-omni",
        resolutions: UHD,
        seconds: Some((3, 15)),
        contents: &[
            "prompt",
            "first_frame",
            "last_frame",
            "refer_image",
            "feature_video",
            "base_video",
            "element",
        ],
        audio: &["off", "native", "original"],
        multi_shot: true,
        fine_last_frame: false,
    },
];

/// What a call to this dialect is for. `None` when it belongs to another one.
pub(crate) fn route(method: &str, parts: &[&str]) -> Option<Route> {
    match parts {
        ["tasks"] => Some(Route::Poll),
        ["text-to-video" | "image-to-video" | "omni-video", _] if method == "POST" => Some(Route::Create),
        ["text-to-video" | "image-to-video" | "omni-video", _] => Some(Route::Poll),
        _ => None,
    }
}

/// Answers a call.
pub(crate) fn answer(provider: &Provider, call: &Call) -> Reply {
    let mut state = provider.state();
    let request = state.count();
    let data = authorize(provider, call, false).and_then(|()| {
        let parts = call.parts();
        match (call.method.as_str(), &parts[..]) {
            ("GET", ["tasks"]) => by_ids(provider, &state, call),
            ("POST", ["tasks"]) => by_cursor(provider, &state, call),
            ("POST", [family, model]) => create(provider, &mut state, call, &format!("{family}/{model}")),
            _ => Err(Refusal::of_code(1202)),
        }
    });
    data.map_or_else(|refusal| refusal.reply(request), |data| envelope(request, &data))
}

/// A task as queries and callbacks tell of it, in `phase`.
pub(crate) fn task(provider: &Provider, job: &Job, phase: Phase) -> Value {
    let Work::Clip(footage) = &job.asked.work else { return Value::Null };
    let outputs: Vec<Value> = urls(provider, job, phase)
        .iter()
        .map(|url| json!({"type": "video", "id": clip_id(&job.asked.id), "url": url, "duration": footage.duration()}))
        .collect();
    let mut task = json!({
        "id": job.asked.id,
        "status": status_word(job, phase, "succeeded"),
        "message": failure_message(job, phase),
        "create_time": job.accepted_ms,
        "update_time": job.updated_ms(),
        "outputs": outputs,
    });
    if let Some(key) = &job.asked.key {
        task["external_id"] = Value::from(key.as_str());
    }
    if phase == Phase::Done {
        task["billing"] = json!([{
            "charge_type": "cash",
            "cash_type": "balance",
            "amount": decimal(job.asked.price),
            "currency": job.asked.currency.code(),
            "list_price": decimal(job.asked.price),
        }]);
    }
    task
}

/// Every task of the account, of either dialect, that makes a clip.
fn known(state: &State) -> impl Iterator<Item = &Job> {
    let of_kling = |job: &&Job| matches!(job.asked.dialect, Dialect::Kling | Dialect::KlingLegacy);
    let is_clip = |job: &&Job| matches!(job.asked.work, Work::Clip(_));
    state.jobs.in_order().into_iter().filter(of_kling).filter(is_clip).filter(|job| job.is_known())
}

fn by_ids(provider: &Provider, state: &State, call: &Call) -> Result<Value, Refusal> {
    let (ids, of_client) = match (call.query.get("task_ids"), call.query.get("external_task_ids")) {
        (Some(ids), None) => (ids, false),
        (None, Some(ids)) => (ids, true),
        _ => return Err(Refusal::new(1201, "give either task_ids or external_task_ids")),
    };
    let wanted: Vec<&str> = ids.split(',').collect();
    let named = |job: &&Job| {
        let name = if of_client { job.asked.key.as_deref() } else { Some(job.asked.id.as_str()) };
        name.is_some_and(|name| wanted.contains(&name))
    };
    Ok(known(state).filter(named).map(|job| task(provider, job, job.phase)).collect())
}

fn by_cursor(provider: &Provider, state: &State, call: &Call) -> Result<Value, Refusal> {
    let body = call.json().ok_or_else(|| Refusal::new(1200, "the body is not JSON"))?;
    let fields = Fields::of(&body, "the body")?;
    let limit = fields.whole("limit", 1, MAX_LISTED)?.unwrap_or(LISTED) as usize;
    let after = match fields.text("cursor", 64)? {
        None => 0,
        Some(text) => text.parse::<usize>().map_err(|_| Refusal::new(1201, "cursor is invalid"))?,
    };
    let tasks: Vec<&Job> = known(state).collect();
    let page: Vec<Value> =
        tasks.iter().skip(after).take(limit).map(|job| task(provider, job, job.phase)).collect();
    let next = after + page.len();
    let has_more = next < tasks.len();
    let cursor = if has_more { next.to_string() } else { String::new() };
    Ok(json!({"count": page.len(), "result": page, "next_cursor": cursor, "has_more": has_more}))
}

fn create(provider: &Provider, state: &mut State, call: &Call, path: &str) -> Result<Value, Refusal> {
    let model = MODELS.iter().find(|model| model.path == path);
    let model = model.ok_or_else(|| Refusal::new(1203, format!("model `{path}` does not exist")))?;
    let body = call.json().ok_or_else(|| Refusal::new(1200, "the body is not JSON"))?;
    let fields = Fields::of(&body, "the body")?;
    let nothing = json!({});
    let settings = Fields::of(fields.get("settings").unwrap_or(&nothing), "settings")?;
    let options = Fields::of(fields.get("options").unwrap_or(&nothing), "options")?;
    let given = contents(call, model, fields)?;
    let (work, price) = made(provider, model, settings, &given)?;
    let asked = Task {
        dialect: Dialect::Kling,
        resource: path.to_owned(),
        key: options.text("external_task_id", 256)?.map(str::to_owned),
        callback_url: options.text("callback_url", 2_048)?.map(str::to_owned),
        request: digest(path, &call.body),
        work,
        price,
        echo: Value::Null,
        at_once: false,
        fails: false,
    };
    let id = submit(provider, state, call, asked)?;
    let job = state.jobs.get(&id).ok_or_else(|| Refusal::of_code(5000))?;
    let mut created = task(provider, job, job.phase);
    if let Some(created) = created.as_object_mut() {
        created.remove("outputs");
        created.remove("message");
    }
    Ok(created)
}

/// What `contents`, or the flat `prompt` of the text models, give.
#[derive(Default)]
struct Given {
    prompt: String,
    first: Option<Arc<Picture>>,
    last: Option<Arc<Picture>>,
    references: Vec<Arc<Picture>>,
    feature_video: bool,
    base_video: bool,
}

fn contents(call: &Call, model: &Model, fields: Fields<'_>) -> Result<Given, Refusal> {
    let max = if model.seconds.is_some() { MAX_PROMPT } else { MAX_OLD_PROMPT };
    let mut given = Given::default();
    if model.contents.is_empty() {
        fields.needed("prompt", max)?.clone_into(&mut given.prompt);
        return Ok(given);
    }
    let mut elements = 0;
    for entry in fields.list("contents", 32)? {
        let entry = Fields::of(entry, "contents[]")?;
        let kind = entry.needed("type", 32)?;
        if !model.contents.contains(&kind) {
            return Err(Refusal::new(1201, format!("contents[].type `{kind}` is not supported here")));
        }
        let shown = || picture(call, kind, entry.needed("url", usize::MAX)?, MAX_PICTURE);
        match kind {
            "prompt" => entry.needed("text", max)?.clone_into(&mut given.prompt),
            "first_frame" => given.first = Some(shown()?),
            "last_frame" => given.last = Some(shown()?),
            "refer_image" => given.references.push(shown()?),
            "element" => {
                elements += 1;
                entry.needed("element_id", 256)?;
                entry.needed("id", 256)?;
            }
            _ => {
                let bytes = call.bytes_of(entry.needed("url", usize::MAX)?);
                let bytes = bytes.map_err(|error| format!("{kind}: {error}"))?;
                if bytes.get(4..8) != Some(b"ftyp") || bytes.len() > MAX_CLIP {
                    return Err(Refusal::new(1201, format!("{kind}: .mp4 or .mov of at most 200 MB")));
                }
                if given.feature_video || given.base_video {
                    return Err(Refusal::new(1201, "at most one reference video"));
                }
                given.feature_video = kind == "feature_video";
                given.base_video = kind == "base_video";
            }
        }
    }
    check_contents(model, &given, elements)?;
    Ok(given)
}

fn check_contents(model: &Model, given: &Given, elements: usize) -> Result<(), Refusal> {
    let is_omni = model.path.starts_with("omni");
    let has_video = given.feature_video || given.base_video;
    let problem = if given.prompt.is_empty() {
        Some("contents needs a prompt")
    } else if !is_omni && given.first.is_none() {
        Some("contents needs a first_frame")
    } else if given.last.is_some() && given.first.is_none() {
        Some("last_frame alone is not supported")
    } else if elements > 3 {
        Some("at most 3 elements")
    } else if given.references.len() + elements > if has_video { 4 } else { 7 } {
        Some("too many refer_image and element entries")
    } else if given.base_video && given.first.is_some() {
        Some("base_video allows no first and last frame")
    } else {
        None
    };
    problem.map_or(Ok(()), |problem| Err(Refusal::new(1201, problem)))
}

fn made(
    provider: &Provider,
    model: &Model,
    settings: Fields<'_>,
    given: &Given,
) -> Result<(Work, spotwright_schemas::money::Micros), Refusal> {
    let fine = settings.one_of("resolution", model.resolutions)?;
    let seconds = match model.seconds {
        Some((min, max)) => settings.whole("duration", min, max)?.unwrap_or(5),
        None => match settings.whole("duration", 5, 10)?.unwrap_or(5) {
            seconds @ (5 | 10) => seconds,
            _ => return Err(Refusal::new(1201, "duration must be 5 or 10")),
        },
    } as u32;
    if model.audio.is_empty() && settings.get("audio").is_some() {
        return Err(Refusal::new(1201, "audio is not supported here"));
    }
    let audio = settings.one_of("audio", model.audio)?;
    let multi_shot = settings.flag("multi_shot", true)?;
    let problem = if given.feature_video && (audio == "native" || !multi_shot) {
        Some("feature_video needs audio off and multi_shot true")
    } else if given.base_video && audio == "native" {
        Some("base_video does not allow audio native")
    } else if model.fine_last_frame && given.last.is_some() && fine != "1080p" {
        Some("first and last frame need 1080p")
    } else if model.path.ends_with("kling-2.6") && audio == "native" && fine != "1080p" {
        Some("native audio needs 1080p")
    } else {
        None
    };
    if let Some(problem) = problem {
        return Err(Refusal::new(1201, problem));
    }
    if model.multi_shot && multi_shot {
        check_shots(&given.prompt, seconds)?;
    }
    let resolution = match fine {
        "720p" => Resolution::P720,
        "1080p" => Resolution::P1080,
        _ => Resolution::K4,
    };
    let has_shape = given.first.is_some() || given.feature_video || given.base_video;
    if model.path.starts_with("omni") && !has_shape && settings.get("aspect_ratio").is_none() {
        return Err(Refusal::new(1201, "aspect_ratio is needed without a first frame or reference video"));
    }
    let ratio = aspect(settings.one_of("aspect_ratio", &["16:9", "9:16", "1:1"])?);
    let shown = given.first.clone().or_else(|| given.references.first().cloned());
    let mut made =
        footage(provider, &given.prompt, resolution, ratio, FPS, seconds, shown, given.last.clone());
    if given.first.is_none() {
        let (width, height) = resolution.size(provider, ratio);
        (made.width, made.height) = (width & !1, height & !1);
    }
    made.sound = audio != "off" && !audio.is_empty();
    let price = provider.options.prices.kling_clip(resolution.second(provider), seconds, audio == "native");
    Ok((Work::Clip(made), price))
}

/// `shot n, m, words;` for each shot, where the prompt is written so.
fn check_shots(prompt: &str, seconds: u32) -> Result<(), Refusal> {
    let parts: Vec<&str> = prompt.split(';').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.first().is_none_or(|first| shot(first).is_none()) {
        return Ok(());
    }
    if parts.len() > MAX_SHOTS {
        return Err(Refusal::new(1201, "at most 6 shots"));
    }
    let mut total = 0;
    for (idx, part) in parts.iter().enumerate() {
        let Some((number, length, words)) = shot(part) else {
            return Err(Refusal::new(1201, format!("`{part}` is no shot: write `shot n, m, words;`")));
        };
        if number as usize != idx + 1 || length == 0 || words.chars().count() > MAX_SHOT_WORDS {
            return Err(Refusal::new(
                1201,
                "shots count from 1, last at least 1 s, and have up to 512 characters",
            ));
        }
        total += length;
    }
    if total != seconds {
        return Err(Refusal::new(1201, format!("the shots last {total} s, the task {seconds} s")));
    }
    Ok(())
}

fn shot(part: &str) -> Option<(u32, u32, &str)> {
    let rest = part.strip_prefix("shot ").or_else(|| part.strip_prefix("Shot "))?;
    let mut parts = rest.splitn(3, ',');
    let number = parts.next()?.trim().parse().ok()?;
    let length = parts.next()?.trim().parse().ok()?;
    Some((number, length, parts.next()?.trim()))
}
