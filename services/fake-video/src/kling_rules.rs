//! What Kling's two dialects share: codes, tokens, pictures, sizes, prices.

use std::sync::Arc;

use serde_json::{Value, json};
use spotwright_schemas::money::Micros;

use crate::call::{Call, Reply};
use crate::clip::{Footage, Work};
use crate::credentials::{TokenFault, check_jwt};
use crate::faults::{Dialect, Fault};
use crate::jobs::{Job, NewJob, Phase, Pool, Refused};
use crate::picture::Picture;
use crate::provider::{Provider, State};

/// Shortest side of a picture in pixels.
const MIN_SIDE: u32 = 300;
/// Most that a picture is longer than wide, or the other way round.
const MAX_RATIO: f64 = 2.5;
/// First id of a task; ids are numbers of 18 digits.
const FIRST_TASK: u64 = 880_000_000_000_000_000;

/// A refusal by Kling's codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: u16,
    pub(crate) message: String,
}

impl From<String> for Refusal {
    /// 1201: a parameter is wrong.
    fn from(message: String) -> Self {
        Self { code: 1201, message }
    }
}

impl Refusal {
    pub(crate) fn new(code: u16, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// With the words of the table of codes.
    pub(crate) fn of_code(code: u16) -> Self {
        let message = match code {
            1000 => "Authentication failed",
            1001 => "Authorization is empty",
            1002 => "Authorization is invalid",
            1003 => "Authorization is not yet valid",
            1004 => "Authorization has expired",
            1100 => "Account exception",
            1101 => "Account in arrears",
            1102 => "Resource pack depleted or expired",
            1103 => "Unauthorized access to requested resource",
            1200 | 1201 => "Invalid request parameters",
            1202 => "The requested method is invalid",
            1203 => "The requested resource does not exist",
            1300 => "Request blocked by platform policy",
            1301 => "Trigger the platform's content security policy",
            1302 => "Too many requests; rate limit exceeded",
            1303 => "parallel task over resource pack limit",
            1304 => "Trigger the platform's IP whitelist policy",
            5001 => "Server temporarily unavailable, usually due to maintenance",
            5002 => "Server internal timeout, usually due to a backlog",
            _ => "Server internal error",
        };
        Self::new(code, message)
    }

    pub(crate) fn reply(&self, request: u64) -> Reply {
        let body = json!({"code": self.code, "message": self.message, "request_id": request_id(request)});
        Reply::Json(status_of(self.code), body)
    }
}

/// HTTP status of a code.
pub(crate) const fn status_of(code: u16) -> u16 {
    match code {
        0 => 200,
        1000..=1004 => 401,
        1103 => 403,
        1202 | 1203 => 404,
        1200..=1301 => 400,
        1100..=1102 | 1302..=1304 => 429,
        5001 => 503,
        5002 => 504,
        _ => 500,
    }
}

fn request_id(request: u64) -> String {
    format!("fake-request-{request}")
}

/// The envelope of an answer that is no refusal.
pub(crate) fn envelope(request: u64, data: &Value) -> Reply {
    let body = json!({"code": 0, "message": "SUCCEED", "request_id": request_id(request), "data": data});
    Reply::Json(200, body)
}

/// Checks the token: the API key everywhere, the account's JWT on legacy paths.
pub(crate) fn authorize(provider: &Provider, call: &Call, legacy: bool) -> Result<(), Refusal> {
    let options = &provider.options;
    let token = call.bearer().filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| Refusal::of_code(1001))?;
    if token == options.api_key {
        return Ok(());
    }
    if !legacy {
        return Err(Refusal::of_code(1002));
    }
    check_jwt(token, &options.access_key, &options.secret_key, provider.clock.wall_ms()).map_err(|fault| {
        Refusal::of_code(match fault {
            TokenFault::Failed => 1000,
            TokenFault::Invalid => 1002,
            TokenFault::NotYet => 1003,
            TokenFault::Expired => 1004,
        })
    })
}

/// A picture that a request gives, by the rules of the API.
pub(crate) fn picture(
    call: &Call,
    name: &str,
    value: &str,
    max_bytes: usize,
) -> Result<Arc<Picture>, Refusal> {
    let bytes = call.bytes_of(value).map_err(|error| format!("{name}: {error}"))?;
    if bytes.len() > max_bytes {
        return Err(format!("{name}: the file is larger than {} MB", max_bytes >> 20).into());
    }
    if !(bytes.starts_with(b"\x89PNG") || bytes.starts_with(&[0xff, 0xd8, 0xff])) {
        return Err(format!("{name}: the file is neither JPEG nor PNG").into());
    }
    let picture = Picture::decode(&bytes).map_err(|error| format!("{name}: {error}"))?;
    let (width, height) = (f64::from(picture.width()), f64::from(picture.height()));
    if picture.width().min(picture.height()) < MIN_SIDE {
        return Err(format!("{name}: the sides must be at least {MIN_SIDE} pixels").into());
    }
    if (width / height).max(height / width) > MAX_RATIO {
        return Err(
            format!("{name}: the aspect ratio must be between 1:{MAX_RATIO} and {MAX_RATIO}:1").into()
        );
    }
    Ok(Arc::new(picture))
}

/// How fine a clip is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resolution {
    P720,
    P1080,
    K4,
}

impl Resolution {
    /// Price of one second.
    pub(crate) fn second(self, provider: &Provider) -> Micros {
        let prices = &provider.options.prices;
        match self {
            Self::P720 => prices.kling_std_second,
            Self::P1080 => prices.kling_pro_second,
            Self::K4 => prices.kling_4k_second,
        }
    }

    /// Width and height of a clip of an aspect ratio, `(16, 9)` say.
    pub(crate) fn size(self, provider: &Provider, aspect: (u32, u32)) -> (u32, u32) {
        let short = provider.options.short_side.unwrap_or(match self {
            Self::P720 => 720,
            Self::P1080 => 1_080,
            Self::K4 => 2_160,
        });
        let (across, down) = (aspect.0.max(1), aspect.1.max(1));
        let scaled = |long: u32, of: u32| (u64::from(short) * u64::from(long) / u64::from(of)) as u32;
        if across >= down { (scaled(across, down), short) } else { (short, scaled(down, across)) }
    }
}

/// `16:9` as numbers.
pub(crate) fn aspect(text: &str) -> (u32, u32) {
    let mut parts = text.split(':').map(|part| part.parse().unwrap_or(1));
    (parts.next().unwrap_or(1), parts.next().unwrap_or(1))
}

/// A clip of whole seconds; a picture that it begins with sets the aspect ratio.
pub(crate) fn footage(
    provider: &Provider,
    prompt: &str,
    resolution: Resolution,
    asked_aspect: (u32, u32),
    fps: u32,
    seconds: u32,
    first: Option<Arc<Picture>>,
    last: Option<Arc<Picture>>,
) -> Footage {
    let shown = first.as_ref().or(last.as_ref());
    let ratio = shown.map_or(asked_aspect, |picture| (picture.width(), picture.height()));
    let (width, height) = resolution.size(provider, ratio);
    let mut footage = Footage::test_picture(prompt, 0, width, height, fps, fps * seconds);
    footage.first = first;
    footage.last = last;
    footage
}

/// A task that is asked for.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) dialect: Dialect,
    pub(crate) resource: String,
    pub(crate) key: Option<String>,
    pub(crate) callback_url: Option<String>,
    pub(crate) request: String,
    pub(crate) work: Work,
    pub(crate) price: Micros,
    pub(crate) echo: Value,
    /// Done before the call is answered, and without a slot.
    pub(crate) at_once: bool,
    /// Taken, but fails after its work.
    pub(crate) fails: bool,
}

/// Takes a task. Returns its id.
pub(crate) fn submit(
    provider: &Provider,
    state: &mut State,
    call: &Call,
    task: Task,
) -> Result<String, Refusal> {
    let id = (FIRST_TASK + state.count()).to_string();
    let (pool, slots) = match &task.work {
        Work::Pictures(_, count) => (Pool::KlingPictures, *count),
        Work::Clip(_) | Work::Speech { .. } => (Pool::KlingVideos, u32::from(!task.at_once)),
    };
    let mut faults = call.job_faults.clone();
    if task.fails {
        faults.push(Fault::Fails);
    }
    let asked = NewJob {
        id: id.clone(),
        pool,
        dialect: task.dialect,
        resource: task.resource,
        key: task.key,
        request: task.request,
        slots,
        work: task.work,
        price: task.price,
        currency: provider.options.prices.kling_currency,
        callback_url: task.callback_url,
        faults,
        echo: task.echo,
    };
    let taken =
        if task.at_once { provider.submit_at_once(state, asked) } else { provider.submit(state, asked) };
    match taken {
        Ok(()) => Ok(id),
        Err(Refused::Busy) => Err(Refusal::of_code(1303)),
        Err(Refused::KeyTaken) => {
            Err(Refusal::new(1201, "external_task_id must be unique within a single user account"))
        }
    }
}

/// What a client is told of a job's phase. `done` is the dialect's word.
pub(crate) fn status_word(job: &Job, phase: Phase, done: &'static str) -> &'static str {
    match phase {
        Phase::Queued if job.has(Fault::RunningWhileQueued) => "processing",
        Phase::Queued => "submitted",
        Phase::Running => "processing",
        Phase::Done => done,
        Phase::Failed | Phase::Cancelled | Phase::Lost => "failed",
    }
}

/// Why a job failed, in the provider's words; empty unless it did.
pub(crate) fn failure_message(job: &Job, phase: Phase) -> &'static str {
    match phase {
        Phase::Failed if job.has(Fault::FailsPolicy) => "Failure to pass the risk control system",
        Phase::Failed => "Internal error while generating",
        _ => "",
    }
}

/// Addresses of a done job's files.
pub(crate) fn urls(provider: &Provider, job: &Job, phase: Phase) -> Vec<String> {
    if phase != Phase::Done || job.has(Fault::NoOutputs) {
        return Vec::new();
    }
    let (ending, _) = job.asked.work.kind();
    let id = &job.asked.id;
    (0..job.asked.work.outputs())
        .map(|index| format!("{}/files/{id}/{index}.{ending}", provider.base))
        .collect()
}

/// An amount of micros with all its decimals, `2.5` say.
pub(crate) fn decimal(amount: Micros) -> String {
    let text = format!("{}.{:06}", amount.0 / 1_000_000, amount.0 % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Id of the clip that a task made.
pub(crate) fn clip_id(task: &str) -> String {
    format!("clip-{task}")
}

/// The done job that made a clip, unless its files are deleted.
pub(crate) fn of_clip<'a>(provider: &Provider, state: &'a State, clip: &str) -> Result<&'a Job, Refusal> {
    let job = clip.strip_prefix("clip-").and_then(|task| state.jobs.get(task));
    let now = provider.clock.now_ms();
    job.filter(|job| job.phase == Phase::Done && job.is_known() && !job.is_purged(now))
        .ok_or_else(|| Refusal::new(1201, format!("video_id `{clip}` does not exist or is not available")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_codes_share_a_status() {
        let of =
            |status| (0..6_000).filter(|code| status_of(*code) == status && *code > 0).collect::<Vec<_>>();
        assert_eq!(of(429), [1100, 1101, 1102, 1302, 1303, 1304]);
        assert_eq!(of(401), [1000, 1001, 1002, 1003, 1004]);
        assert_eq!((status_of(5000), status_of(5001), status_of(5002)), (500, 503, 504));
        assert_eq!(
            (status_of(1201), status_of(1301), status_of(1103), status_of(1203)),
            (400, 400, 403, 404)
        );
    }

    #[test]
    fn amounts_keep_their_decimals() {
        assert_eq!(
            [2_000_000, 500_000, 50_000, 1, 0].map(|micros| decimal(Micros(micros))),
            ["2", "0.5", "0.05", "0.000001", "0"],
        );
    }
}
