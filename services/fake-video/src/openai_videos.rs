//! `/v1/videos` as vLLM-Omni, SGLang and TensorRT-LLM serve it.

use std::collections::BTreeMap;
use std::sync::Arc;

use hyper::body::Bytes;
use serde_json::{Value, json};

use crate::call::{Call, Reply};
use crate::clip::{Footage, Work};
use crate::faults::{Dialect, Fault, Route};
use crate::jobs::{Job, NewJob, Phase, Pool, Refused};
use crate::multipart::Form;
use crate::options::Flavor;
use crate::picture::Picture;
use crate::provider::{Provider, State};
use crate::wire::digest;

/// The one model of every server.
const MODEL: &str = "fake-video-1";
/// Largest upload in bytes.
const MAX_UPLOAD: usize = 512 << 20;
/// OpenAI's own defaults.
const SECONDS: f64 = 4.0;
const SIZE: (u32, u32) = (720, 1280);
/// Frames per second unless asked otherwise: those of Wan in vLLM-Omni's examples, of SGLang otherwise.
const FPS_VLLM: u32 = 16;
const FPS: u32 = 24;
/// SGLang's seed unless one is sent.
const SGLANG_SEED: u64 = 1024;
/// Largest side, most frames and seconds that the model takes.
const MAX_SIDE: u32 = 2_048;
const MAX_FRAMES: u32 = 721;
const MAX_SECONDS: f64 = 60.0;

/// Flavor by address, and the path below it.
fn below<'a, 'b>(provider_flavor: Flavor, parts: &'b [&'a str]) -> (Flavor, &'b [&'a str]) {
    let named = parts.first().and_then(|first| Flavor::ALL.into_iter().find(|one| one.as_str() == *first));
    named.map_or((provider_flavor, parts), |flavor| (flavor, &parts[1..]))
}

/// What a call to this dialect is for. `None` when it belongs to another one.
pub(crate) fn route(method: &str, parts: &[&str]) -> Option<Route> {
    let (_, parts) = below(Flavor::VllmOmni, parts);
    match (method, parts) {
        ("POST", ["v1", "videos"] | ["v1", "videos", "sync"]) => Some(Route::Create),
        ("GET", ["v1", "videos"]) => Some(Route::Poll),
        ("GET", ["v1", "videos", _, "content"]) => Some(Route::Download),
        ("DELETE", ["v1", "videos", _]) => Some(Route::Cancel),
        (_, ["v1", "videos", _]) => Some(Route::Poll),
        (_, ["v1", "models"] | ["health"]) => Some(Route::Describe),
        _ => None,
    }
}

/// A refusal: status and words.
struct Refusal(u16, String);

impl Refusal {
    fn bad(message: impl Into<String>) -> Self {
        Self(400, message.into())
    }
}

/// A refusal in the flavor's form.
pub(crate) fn refusal(provider: &Provider, call: &Call, status: u16, message: &str) -> Reply {
    let parts = call.parts();
    let body = match below(provider.options.flavor, &parts).0 {
        Flavor::Sglang => json!({"detail": message}),
        Flavor::VllmOmni | Flavor::TensorrtLlm => {
            json!({"error": {"message": message, "type": "error", "param": null, "code": status}})
        }
    };
    Reply::Json(status, body)
}

/// Answers a call.
pub(crate) fn answer(provider: &Provider, call: &Call) -> Reply {
    let parts = call.parts();
    let (flavor, parts) = below(provider.options.flavor, &parts);
    let server = Server { provider, call, flavor };
    let allowed = provider.options.server_key.as_deref().is_none_or(|key| call.bearer() == Some(key));
    let answer = match (call.method.as_str(), parts) {
        ("GET", ["health"]) => Ok(Reply::Json(200, json!({}))),
        _ if !allowed => Err(Refusal(401, "Unauthorized".to_owned())),
        ("GET", ["v1", "models"]) => {
            Ok(Reply::Json(200, json!({"object": "list", "data": [{"id": MODEL, "object": "model"}]})))
        }
        ("POST", ["v1", "videos"]) => server.create(),
        ("POST", ["v1", "videos", "sync"]) if flavor == Flavor::VllmOmni => server.create_and_wait(),
        ("GET", ["v1", "videos"]) => Ok(server.list()),
        ("GET", ["v1", "videos", id]) => server.one(id),
        ("GET", ["v1", "videos", id, "content"]) => server.content(id),
        ("DELETE", ["v1", "videos", id]) => server.delete(id),
        _ => Err(Refusal(405, "Method Not Allowed".to_owned())),
    };
    answer.unwrap_or_else(|Refusal(status, message)| refusal(provider, call, status, &message))
}

struct Server<'a> {
    provider: &'a Provider,
    call: &'a Call,
    flavor: Flavor,
}

impl Server<'_> {
    fn create(&self) -> Result<Reply, Refusal> {
        let mut state = self.provider.state();
        let id = self.submit(&mut state)?;
        let job = state.jobs.get(&id).ok_or_else(|| Refusal(500, "the job was lost".to_owned()))?;
        Ok(Reply::Json(200, self.record(job)))
    }

    fn create_and_wait(&self) -> Result<Reply, Refusal> {
        let job = self.submit(&mut self.provider.state())?;
        Ok(Reply::WhenDone { job })
    }

    fn submit(&self, state: &mut State) -> Result<String, Refusal> {
        let request = Request::read(self.flavor, self.call)?;
        let id = format!("video_{:024x}", state.count());
        let footage = request.footage(&id);
        let price = self.provider.options.prices.server_clip(footage.frames, footage.fps);
        let key = self.call.headers.get("idempotency-key").cloned();
        let asked = NewJob {
            id: id.clone(),
            pool: Pool::Videos,
            dialect: Dialect::OpenaiVideos,
            resource: self.flavor.as_str().to_owned(),
            key: key.or_else(|| request.text("user").map(str::to_owned)),
            request: digest(self.flavor.as_str(), request.digest().as_bytes()),
            slots: 1,
            echo: json!({"size": format!("{}x{}", footage.width, footage.height)}),
            work: Work::Clip(footage),
            price,
            currency: self.provider.options.prices.server_currency,
            callback_url: None,
            faults: self.call.job_faults.clone(),
        };
        match self.provider.submit(state, asked) {
            Ok(()) => Ok(id),
            Err(Refused::Busy | Refused::KeyTaken) => Err(Refusal(429, "Too Many Requests".to_owned())),
        }
    }

    /// A job as these servers tell of it.
    fn record(&self, job: &Job) -> Value {
        let Work::Clip(footage) = &job.asked.work else { return Value::Null };
        let now = self.provider.clock.now_ms();
        let status = match job.phase {
            Phase::Queued if job.has(Fault::RunningWhileQueued) => "in_progress",
            Phase::Queued => "queued",
            Phase::Running => "in_progress",
            Phase::Done => "completed",
            Phase::Failed | Phase::Cancelled | Phase::Lost => "failed",
        };
        let seconds = footage.duration();
        let mut record = json!({
            "id": job.asked.id,
            "object": "video",
            "model": MODEL,
            "status": status,
            "progress": job.percent(now),
            "created_at": job.accepted_ms / 1_000,
            "size": job.asked.echo["size"],
            "seconds": seconds.strip_suffix(".0").unwrap_or(&seconds),
            "seed": job.asked.work.seed(&job.asked.faults),
        });
        if self.flavor == Flavor::VllmOmni {
            // Its record of a job has the prompt; SGLang's and TensorRT-LLM's have not.
            record["prompt"] = Value::from(footage.prompt.as_str());
        }
        if let Some(ended) = job.ended_ms.filter(|_| job.phase == Phase::Done) {
            record["completed_at"] = Value::from(ended / 1_000);
        }
        if job.phase == Phase::Failed {
            let (code, message) = if job.has(Fault::FailsPolicy) {
                ("content_policy_violation", "the prompt was refused by the safety checker")
            } else {
                ("server_error", "CUDA out of memory")
            };
            record["error"] = json!({"code": code, "message": message});
        }
        record
    }

    /// Newest first, in pages where they are asked for.
    fn list(&self) -> Reply {
        let state = self.provider.state();
        let jobs = state.jobs.in_order().into_iter().rev();
        let shown = jobs.filter(|job| job.asked.pool == Pool::Videos && job.is_known() && !job.hidden);
        let mut records: Vec<Value> = shown.map(|job| self.record(job)).collect();
        if let Some(after) = self.call.query.get("after") {
            let behind = records.iter().position(|record| record["id"] == after.as_str());
            records.drain(..behind.map_or(0, |place| place + 1));
        }
        let limit = self.call.query.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
        let has_more = records.len() > limit;
        records.truncate(limit);
        Reply::Json(200, json!({"object": "list", "data": records, "has_more": has_more}))
    }

    fn one(&self, id: &str) -> Result<Reply, Refusal> {
        let state = self.provider.state();
        let job = known(&state, id)?;
        if !job.hidden {
            return Ok(Reply::Json(200, self.record(job)));
        }
        if self.flavor == Flavor::Sglang {
            let deleted = json!({"id": id, "object": "video", "status": "deleted", "deleted": true});
            return Ok(Reply::Json(200, deleted));
        }
        Err(Refusal(404, format!("Video {id} not found")))
    }

    fn content(&self, id: &str) -> Result<Reply, Refusal> {
        let state = self.provider.state();
        let job = known(&state, id)?;
        if job.hidden || job.has(Fault::NoOutputs) {
            return Err(Refusal(404, format!("Video {id} has no content")));
        }
        if job.phase != Phase::Done {
            return Err(Refusal::bad(format!("Video {id} is not completed")));
        }
        Ok(Reply::Output { job: id.to_owned(), index: 0, faults: job.asked.faults.clone() })
    }

    fn delete(&self, id: &str) -> Result<Reply, Refusal> {
        let mut state = self.provider.state();
        if known(&state, id)?.hidden {
            return Err(Refusal(404, format!("Video {id} not found")));
        }
        self.provider.cancel(&mut state, id);
        Ok(Reply::Json(200, json!({"id": id, "object": "video.deleted", "deleted": true})))
    }
}

/// A job of these servers, by its id.
fn known<'a>(state: &'a State, id: &str) -> Result<&'a Job, Refusal> {
    let of_server = |job: &&Job| job.asked.pool == Pool::Videos && job.is_known();
    let job = state.jobs.get(id).filter(of_server);
    job.ok_or_else(|| Refusal(404, format!("Video {id} not found")))
}

/// A request, from a form or from JSON.
struct Request {
    flavor: Flavor,
    fields: BTreeMap<String, Value>,
    reference: Option<Arc<Picture>>,
    reference_digest: Option<String>,
}

impl Request {
    fn read(flavor: Flavor, call: &Call) -> Result<Self, Refusal> {
        let content_type = call.headers.get("content-type").map(String::as_str).unwrap_or_default();
        let is_form = content_type.starts_with("multipart/form-data");
        let mut request = Self { flavor, fields: BTreeMap::new(), reference: None, reference_digest: None };
        let mut uploaded = None;
        if is_form {
            let form = Form::read(content_type, &call.body);
            let form = form.ok_or_else(|| Refusal::bad("the form is not well-formed"))?;
            uploaded = form.files.get("input_reference").map(|(_, bytes)| bytes.clone());
            if flavor == Flavor::Sglang && uploaded.is_none() {
                return Err(Refusal(422, "input_reference: field required in a form".to_owned()));
            }
            request.fields =
                form.fields.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
        } else if flavor == Flavor::VllmOmni {
            return Err(Refusal(422, "prompt: field required (send multipart/form-data)".to_owned()));
        } else {
            let body = call.json().ok_or_else(|| Refusal(422, "the body is not JSON".to_owned()))?;
            let fields = body.as_object().ok_or_else(|| Refusal(422, "the body is no object".to_owned()))?;
            request.fields = fields.clone().into_iter().filter(|(_, value)| !value.is_null()).collect();
        }
        request.check(is_form)?;
        let bytes = request.reference_bytes(call, uploaded)?;
        if let Some(bytes) = bytes {
            if bytes.len() > MAX_UPLOAD {
                return Err(Refusal(413, "the reference is too large".to_owned()));
            }
            request.reference_digest = Some(blake3::hash(&bytes).to_hex()[..16].to_owned());
            let picture = Picture::decode(&bytes).map_err(|error| {
                Refusal::bad(format!("the reference cannot be read as a picture: {error}"))
            })?;
            request.reference = Some(Arc::new(picture));
        }
        Ok(request)
    }

    fn check(&self, is_form: bool) -> Result<(), Refusal> {
        if self.text("prompt").is_none_or(str::is_empty) {
            return Err(Refusal(422, "prompt: field required".to_owned()));
        }
        if let Some(model) = self.text("model").filter(|model| !model.is_empty() && *model != MODEL) {
            return Err(Refusal(404, format!("The model `{model}` does not exist.")));
        }
        if let Some(seconds) = self.fields.get("seconds") {
            let is_whole = || seconds.is_u64() || (is_form && self.whole("seconds").is_ok());
            if self.flavor == Flavor::Sglang && !is_whole() {
                return Err(Refusal(422, "seconds: input should be a valid integer".to_owned()));
            }
            if self.flavor == Flavor::VllmOmni && !seconds.is_string() {
                return Err(Refusal(422, "seconds: input should be a valid string".to_owned()));
            }
            self.seconds()?;
        }
        let references = ["image_reference", "video_reference"];
        let json_references = references.iter().filter(|name| self.fields.contains_key(**name)).count();
        if json_references > 1 {
            return Err(Refusal::bad("image_reference and video_reference exclude each other"));
        }
        self.whole("seed")?;
        let frames = self.whole("num_frames")?.unwrap_or(1);
        let fps = self.whole("fps")?.unwrap_or(1);
        let (width, height) = self.size()?;
        let fits = (1..=u64::from(MAX_FRAMES)).contains(&frames)
            && (1..=60).contains(&fps)
            && (16..=MAX_SIDE).contains(&width)
            && (16..=MAX_SIDE).contains(&height);
        if fits { Ok(()) } else { Err(Refusal::bad("num_frames, fps or size is out of range")) }
    }

    fn reference_bytes(&self, call: &Call, uploaded: Option<Bytes>) -> Result<Option<Bytes>, Refusal> {
        let named = match self.fields.get("image_reference").or_else(|| self.fields.get("input_reference")) {
            None => None,
            Some(Value::String(text)) if !text.trim_start().starts_with('{') => Some(text.clone()),
            Some(value) => {
                let parsed = match value {
                    Value::String(text) => serde_json::from_str(text).unwrap_or(Value::Null),
                    other => other.clone(),
                };
                let url = parsed["image_url"].as_str();
                Some(url.ok_or_else(|| Refusal::bad("the reference needs image_url"))?.to_owned())
            }
        };
        match (uploaded, named) {
            (Some(_), Some(_)) => Err(Refusal::bad("do not combine image_reference with input_reference")),
            (Some(bytes), None) => Ok(Some(bytes)),
            (None, Some(named)) => call
                .bytes_of(&named)
                .map(Some)
                .map_err(|error| Refusal::bad(format!("the reference: {error}"))),
            (None, None) => Ok(None),
        }
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.as_str()
    }

    /// A whole number, as such or, as forms write it, as text.
    fn whole(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let Some(value) = self.fields.get(name) else { return Ok(None) };
        let number = value.as_u64().or_else(|| value.as_str()?.trim().parse().ok());
        number.map(Some).ok_or_else(|| Refusal(422, format!("{name}: input should be a valid integer")))
    }

    fn seconds(&self) -> Result<Option<f64>, Refusal> {
        let Some(value) = self.fields.get("seconds") else { return Ok(None) };
        let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
        let seconds = seconds.filter(|seconds| *seconds > 0.0 && *seconds <= MAX_SECONDS);
        seconds.map(Some).ok_or_else(|| Refusal::bad("seconds is out of range"))
    }

    fn size(&self) -> Result<(u32, u32), Refusal> {
        let side =
            |name: &str| self.whole(name).map(|side| side.map(|side| side.min(u64::from(u32::MAX)) as u32));
        if let (Some(width), Some(height)) = (side("width")?, side("height")?) {
            return Ok((width, height));
        }
        let Some(size) = self.text("size") else { return Ok(SIZE) };
        let parts = size
            .split_once('x')
            .and_then(|(width, height)| Some((width.parse::<u32>().ok()?, height.parse::<u32>().ok()?)));
        parts.ok_or_else(|| Refusal::bad("size must be WIDTHxHEIGHT"))
    }

    /// Everything that decides what is made.
    fn digest(&self) -> String {
        let fields: BTreeMap<&String, &Value> =
            self.fields.iter().filter(|(name, _)| *name != "user").collect();
        json!({"fields": fields, "reference": self.reference_digest}).to_string()
    }

    /// What is made. Numbers were checked before.
    fn footage(&self, id: &str) -> Footage {
        let number = |name: &str| self.whole(name).ok().flatten();
        let default_fps = if self.flavor == Flavor::VllmOmni { FPS_VLLM } else { FPS };
        let fps = number("fps").map_or(default_fps, |fps| fps as u32);
        let by_length = || {
            let seconds = self.seconds().ok().flatten().unwrap_or(SECONDS);
            (seconds * f64::from(fps)).round() as u32
        };
        let frames = match (number("num_frames"), self.flavor) {
            (Some(frames), _) => frames as u32,
            // Whatever `seconds` says.
            (None, Flavor::VllmOmni) => 1,
            (None, Flavor::Sglang | Flavor::TensorrtLlm) => by_length(),
        };
        let seed = number("seed").unwrap_or_else(|| match self.flavor {
            Flavor::Sglang => SGLANG_SEED,
            // Any; this one can be told again.
            Flavor::VllmOmni | Flavor::TensorrtLlm => {
                u64::from(u32::from_le_bytes(std::array::from_fn(|idx| {
                    blake3::hash(id.as_bytes()).as_bytes()[idx]
                })))
            }
        });
        let (width, height) = self.size().unwrap_or(SIZE);
        let prompt = self.text("prompt").unwrap_or_default();
        let mut footage = Footage::test_picture(prompt, seed, width, height, fps, frames);
        footage.first.clone_from(&self.reference);
        let sound = self.fields.get("generate_sound");
        footage.sound = sound.is_some_and(|sound| sound == &Value::Bool(true) || sound == "true");
        footage
    }
}
