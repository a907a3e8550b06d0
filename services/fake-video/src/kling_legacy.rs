//! Kling's legacy dialect: `model_name` in the body, one resource per path, `succeed`.

use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::clip::{Footage, Work};
use crate::faults::{Dialect, Route};
use crate::jobs::{Job, Phase};
use crate::kling_rules::{
    Refusal, Resolution, Task, authorize, clip_id, decimal, envelope, failure_message, footage, of_clip,
    picture, status_word, submit, urls,
};
use crate::provider::{Provider, State};
use crate::wire::{Fields, digest};

mod videos;

/// Resources that are served.
const RESOURCES: [&str; 10] = [
    "videos/text2video",
    "videos/image2video",
    "videos/multi-image2video",
    "videos/omni-video",
    "videos/video-extend",
    "videos/identify-face",
    "videos/advanced-lip-sync",
    "images/generations",
    "audio/tts",
    "audio/text-to-audio",
];

/// Longest prompt in characters.
const MAX_PROMPT: usize = 2_500;
/// Largest picture in bytes.
const MAX_PICTURE: usize = 10 << 20;
/// Longest clip that can be extended to, in seconds.
const MAX_EXTENDED: f64 = 180.0;
/// Seconds that one extension adds.
const EXTENSION: u32 = 5;
/// Hours that a face session lasts.
const SESSION_MS: i64 = 24 * 3_600_000;
/// Milliseconds of speech per character at speed 1.
const SPEECH_MS: u32 = 70;
/// Models of still pictures.
const PICTURE_MODELS: [&str; 6] =
    ["kling-v1", "kling-v1-5", "kling-v2", "kling-v2-new", "kling-v2-1", "kling-v3"];

/// The resource of a path and what follows it. `None` for paths of others.
fn resource<'a>(parts: &[&'a str]) -> Option<(&'static str, Option<&'a str>)> {
    let ["v1", family, name, rest @ ..] = parts else { return None };
    // The documentation spells it with a capital too.
    let name = if *name == "Identify-face" { "identify-face" } else { name };
    let found = RESOURCES.iter().find(|one| one.split_once('/') == Some((*family, name)))?;
    match rest {
        [] => Some((found, None)),
        [id] => Some((found, Some(id))),
        _ => None,
    }
}

/// What a call to this dialect is for. `None` when it belongs to another one.
pub(crate) fn route(method: &str, parts: &[&str]) -> Option<Route> {
    resource(parts)?;
    Some(if method == "POST" { Route::Create } else { Route::Poll })
}

/// Answers a call.
pub(crate) fn answer(provider: &Provider, call: &Call) -> Reply {
    let mut state = provider.state();
    let request = state.count();
    let data = authorize(provider, call, true).and_then(|()| {
        let parts = call.parts();
        let (resource, id) = resource(&parts).ok_or_else(|| Refusal::of_code(1203))?;
        match (call.method.as_str(), id) {
            ("POST", None) => create(provider, &mut state, call, resource),
            ("GET", Some(id)) => one(provider, &state, resource, id),
            ("GET", None) => list(provider, &state, call, resource),
            _ => Err(Refusal::of_code(1202)),
        }
    });
    data.map_or_else(|refusal| refusal.reply(request), |data| envelope(request, &data))
}

/// A task as queries and callbacks tell of it, in `phase`.
pub(crate) fn task(provider: &Provider, job: &Job, phase: Phase) -> Value {
    let mut info = job.asked.echo["task_info"].as_object().cloned().unwrap_or_default();
    if let Some(key) = &job.asked.key {
        info.insert("external_task_id".to_owned(), Value::from(key.as_str()));
    }
    let mut task = json!({
        "task_id": job.asked.id,
        "task_status": status_word(job, phase, "succeed"),
        "task_status_msg": failure_message(job, phase),
        "task_info": info,
        "created_at": job.accepted_ms,
        "updated_at": job.updated_ms(),
    });
    if phase == Phase::Done {
        task["task_result"] = result(provider, job, phase);
        task["final_unit_deduction"] = Value::from(decimal(job.asked.price));
        task["final_balance_deduction"] =
            json!({"quota": decimal(job.asked.price), "list_price": decimal(job.asked.price)});
    }
    task
}

fn result(provider: &Provider, job: &Job, phase: Phase) -> Value {
    let urls = urls(provider, job, phase);
    match &job.asked.work {
        Work::Clip(footage) => {
            let clips: Vec<Value> = urls
                .iter()
                .map(|url| json!({"id": clip_id(&job.asked.id), "url": url, "duration": footage.duration()}))
                .collect();
            json!({"videos": clips})
        }
        Work::Pictures(..) => {
            let pictures: Vec<Value> =
                urls.iter().enumerate().map(|(index, url)| json!({"index": index, "url": url})).collect();
            json!({"images": pictures})
        }
        Work::Speech { millis, .. } => {
            let id = format!("audio-{}", job.asked.id);
            let duration = format!("{:.3}", f64::from(*millis) / 1_000.0);
            let audios: Vec<Value> = urls
                .iter()
                .map(|url| match job.asked.resource.as_str() {
                    // An MP3 would need an encoder that the system may lack; both addresses give WAV.
                    "audio/text-to-audio" => json!({"id": id, "url_mp3": url, "url_wav": url,
                        "duration_mp3": duration, "duration_wav": duration}),
                    _ => json!({"id": id, "url": url, "duration": duration}),
                })
                .collect();
            json!({"audios": audios})
        }
    }
}

fn one(provider: &Provider, state: &State, resource: &str, id: &str) -> Result<Value, Refusal> {
    let of_resource = |job: &&Job| job.asked.resource == resource && job.is_known();
    let by_key = || state.jobs.in_order().into_iter().find(|job| job.asked.key.as_deref() == Some(id));
    let job = state.jobs.get(id).or_else(by_key).filter(of_resource);
    let job = job.ok_or_else(|| Refusal::new(1203, format!("task `{id}` does not exist")))?;
    Ok(task(provider, job, job.phase))
}

fn list(provider: &Provider, state: &State, call: &Call, resource: &str) -> Result<Value, Refusal> {
    let number = |name: &str, default: usize, max: usize| -> Result<usize, Refusal> {
        let Some(text) = call.query.get(name) else { return Ok(default) };
        let number = text.parse().ok().filter(|number| (1..=max).contains(number));
        number.ok_or_else(|| format!("{name} must be in [1, {max}]").into())
    };
    let (page, size) = (number("pageNum", 1, 1_000)?, number("pageSize", 30, 500)?);
    let jobs = state.jobs.in_order().into_iter().rev();
    let known = jobs.filter(|job| job.asked.resource == resource && job.is_known());
    let tasks = known.skip((page - 1) * size).take(size).map(|job| task(provider, job, job.phase));
    Ok(Value::Array(tasks.collect()))
}

fn create(provider: &Provider, state: &mut State, call: &Call, resource: &str) -> Result<Value, Refusal> {
    let body = call.json().ok_or_else(|| Refusal::new(1200, "the body is not JSON"))?;
    let fields = Fields::of(&body, "the body")?;
    let made = match resource {
        "videos/video-extend" => extend(provider, state, fields)?,
        "videos/identify-face" => return identify_face(provider, state, call, fields),
        "videos/advanced-lip-sync" => lip_sync(provider, state, call, fields)?,
        "images/generations" => pictures(provider, call, fields)?,
        "audio/tts" | "audio/text-to-audio" => speech(provider, resource, fields)?,
        _ => videos::made(provider, call, resource, fields)?,
    };
    // Extending has no key of the client's own.
    let key = (resource != "videos/video-extend").then(|| fields.text("external_task_id", 256));
    let at_once = resource == "audio/tts";
    let asked = Task {
        dialect: Dialect::KlingLegacy,
        resource: resource.to_owned(),
        key: key.transpose()?.flatten().map(str::to_owned),
        callback_url: fields.text("callback_url", 2_048)?.map(str::to_owned),
        request: digest(resource, &call.body),
        work: made.work,
        price: made.price,
        echo: json!({"task_info": made.info}),
        at_once,
        fails: made.fails,
    };
    let id = submit(provider, state, call, asked)?;
    let job = state.jobs.get(&id).ok_or_else(|| Refusal::of_code(5000))?;
    Ok(task(provider, job, job.phase))
}

/// What a body asks for, and what it costs.
struct Made {
    work: Work,
    price: spotwright_schemas::money::Micros,
    info: Value,
    /// Whether the task is taken and fails, since what it was given does not fit together.
    fails: bool,
}

fn extend(provider: &Provider, state: &State, fields: Fields<'_>) -> Result<Made, Refusal> {
    let clip = fields.needed("video_id", 256)?;
    let prompt = fields.text("prompt", MAX_PROMPT)?;
    fields.text("negative_prompt", MAX_PROMPT)?;
    fields.number("cfg_scale", 0.0, 1.0)?;
    let parent = of_clip(provider, state, clip)?;
    let Work::Clip(before) = &parent.asked.work else {
        return Err(Refusal::new(1201, "video_id is not a clip"));
    };
    let mut footage: Footage = before.clone();
    footage.frames += EXTENSION * footage.fps;
    if footage.seconds() > MAX_EXTENDED {
        return Err(Refusal::new(1201, "the total duration must not exceed 3 minutes"));
    }
    if let Some(prompt) = prompt {
        prompt.clone_into(&mut footage.prompt);
    }
    let url = urls(provider, parent, Phase::Done).into_iter().next();
    let info = json!({"parent_video": {"id": clip, "url": url, "duration": before.duration()}});
    Ok(Made { work: Work::Clip(footage), price: provider.options.prices.kling_extend, info, fails: false })
}

/// The clip that `video_id` or `video_url` names.
fn named_clip(
    provider: &Provider,
    state: &State,
    call: &Call,
    fields: Fields<'_>,
) -> Result<Footage, Refusal> {
    match (fields.text("video_id", 256)?, fields.text("video_url", 2_048)?) {
        (Some(id), None) => match &of_clip(provider, state, id)?.asked.work {
            Work::Clip(footage) => Ok(footage.clone()),
            _ => Err(Refusal::new(1201, "video_id is not a clip")),
        },
        (None, Some(url)) => {
            let bytes = call.bytes_of(url).map_err(|error| format!("video_url: {error}"))?;
            if bytes.get(4..8) != Some(b"ftyp") || bytes.len() > 100 << 20 {
                return Err(Refusal::new(1201, "video_url must be .mp4 or .mov of at most 100 MB"));
            }
            // The clip is not looked into: what comes of it shows a test picture of 5 s.
            Ok(footage(provider, url, Resolution::P720, (9, 16), 24, 5, None, None))
        }
        _ => Err(Refusal::new(1201, "give either video_id or video_url")),
    }
}

fn identify_face(
    provider: &Provider,
    state: &mut State,
    call: &Call,
    fields: Fields<'_>,
) -> Result<Value, Refusal> {
    let footage = named_clip(provider, state, call, fields)?;
    let end = (footage.seconds() * 1_000.0) as i64;
    let asked = Task {
        dialect: Dialect::KlingLegacy,
        resource: "videos/identify-face".to_owned(),
        key: None,
        callback_url: None,
        request: digest("videos/identify-face", &call.body),
        work: Work::Clip(footage),
        price: provider.options.prices.kling_faces,
        echo: Value::Null,
        at_once: true,
        fails: false,
    };
    let id = submit(provider, state, call, asked)?;
    let face = json!({"face_id": "0", "face_image": "", "start_time": 0, "end_time": end});
    Ok(json!({"session_id": format!("session-{id}"), "face_data": [face]}))
}

fn lip_sync(provider: &Provider, state: &State, call: &Call, fields: Fields<'_>) -> Result<Made, Refusal> {
    let session = fields.needed("session_id", 256)?;
    let found = session.strip_prefix("session-").and_then(|id| state.jobs.get(id));
    let open = found.filter(|job| provider.clock.now_ms() - job.accepted_ms < SESSION_MS);
    let Some(Work::Clip(clip)) = open.map(|job| &job.asked.work) else {
        return Err(Refusal::new(1201, "session_id is unknown or older than 24 hours"));
    };
    let [face] = fields.list("face_choose", 1)? else {
        return Err(Refusal::new(1201, "face_choose must have one entry"));
    };
    let face = Fields::of(face, "face_choose[0]")?;
    face.needed("face_id", 64)?;
    match (face.text("audio_id", 256)?, face.text("sound_file", usize::MAX)?) {
        (Some(audio), None) => {
            let made = audio.strip_prefix("audio-").and_then(|id| state.jobs.get(id));
            made.ok_or_else(|| Refusal::new(1201, format!("audio_id `{audio}` does not exist")))?;
        }
        (None, Some(sound)) => {
            let bytes = call.bytes_of(sound).map_err(|error| format!("sound_file: {error}"))?;
            if bytes.len() > 5 << 20 {
                return Err(Refusal::new(1201, "sound_file must not be larger than 5 MB"));
            }
        }
        _ => return Err(Refusal::new(1201, "give either audio_id or sound_file")),
    }
    let time = |name: &str| -> Result<u64, Refusal> {
        let value = face.whole(name, 0, u64::from(u32::MAX))?;
        value.ok_or_else(|| Refusal::new(1201, format!("{name} must not be empty")))
    };
    let (start, end, insert) =
        (time("sound_start_time")?, time("sound_end_time")?, time("sound_insert_time")?);
    if end < start + 2_000 {
        return Err(Refusal::new(1201, "the cropped audio must be at least 2 seconds"));
    }
    let overlap = ((clip.seconds() * 1_000.0) as u64).min(insert + end - start).saturating_sub(insert);
    if overlap < 2_000 {
        return Err(Refusal::new(1201, "the audio must overlap the face for at least 2 seconds"));
    }
    for name in ["sound_volume", "original_audio_volume"] {
        face.number(name, 0.0, 2.0)?;
    }
    let mut footage = clip.clone();
    footage.sound = true;
    let started = (footage.seconds() / 5.0).ceil() as i64;
    let price = spotwright_schemas::money::Micros(provider.options.prices.kling_lip_sync.0 * started);
    Ok(Made { work: Work::Clip(footage), price, info: json!({}), fails: false })
}

fn pictures(provider: &Provider, call: &Call, fields: Fields<'_>) -> Result<Made, Refusal> {
    fields.one_of("model_name", &PICTURE_MODELS)?;
    let prompt = fields.needed("prompt", MAX_PROMPT)?;
    let reference = fields.text("image", usize::MAX)?;
    if reference.is_some() && fields.text("negative_prompt", MAX_PROMPT)?.is_some() {
        return Err(Refusal::new(1201, "negative_prompt is not supported with image"));
    }
    let first = reference.map(|value| legacy_picture(call, "image", value)).transpose()?;
    let fine = fields.one_of("resolution", &["1k", "2k"])?;
    let ratio =
        fields.one_of("aspect_ratio", &["16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9"])?;
    let count = fields.whole("n", 1, 9)?.unwrap_or(1) as u32;
    let resolution = if fine == "1k" { Resolution::P720 } else { Resolution::P1080 };
    let (width, height) = resolution.size(provider, crate::kling_rules::aspect(ratio));
    let mut footage = Footage::test_picture(prompt, 0, width, height, 1, 1);
    footage.first = first;
    let each = provider.options.prices.kling_picture;
    let price = spotwright_schemas::money::Micros(each.0 * i64::from(count));
    Ok(Made { work: Work::Pictures(footage, count), price, info: json!({}), fails: false })
}

fn speech(provider: &Provider, resource: &str, fields: Fields<'_>) -> Result<Made, Refusal> {
    let price = provider.options.prices.kling_speech;
    let (text, millis) = if resource == "audio/tts" {
        let text = fields.needed("text", 1_000)?;
        fields.needed("voice_id", 256)?;
        if fields.text("voice_language", 8)?.is_none() {
            return Err(Refusal::new(1201, "voice_language must not be empty"));
        }
        fields.one_of("voice_language", &["zh", "en"])?;
        // Speeds beyond the range are moved into it.
        let speed = fields.number("voice_speed", f64::MIN, f64::MAX)?.unwrap_or(1.0).clamp(0.8, 2.0);
        let length = text.chars().count() as u32 * SPEECH_MS;
        (text, ((f64::from(length) / speed) as u32).max(SPEECH_MS))
    } else {
        let text = fields.needed("prompt", 200)?;
        let seconds = fields.number("duration", 3.0, 10.0)?;
        let seconds = seconds.ok_or_else(|| Refusal::new(1201, "duration must not be empty"))?;
        (text, (seconds * 1_000.0) as u32)
    };
    Ok(Made { work: Work::Speech { text: text.to_owned(), millis }, price, info: json!({}), fails: false })
}

/// A picture as legacy paths take it: an address, or base64 without a `data:` prefix.
fn legacy_picture(
    call: &Call,
    name: &str,
    value: &str,
) -> Result<std::sync::Arc<crate::picture::Picture>, Refusal> {
    if value.starts_with("data:") {
        return Err(Refusal::new(1201, format!("{name}: base64 must have no `data:` prefix")));
    }
    picture(call, name, value, MAX_PICTURE)
}
