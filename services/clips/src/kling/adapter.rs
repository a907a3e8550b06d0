//! The source: plans, sends, and reads answers.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clip_source::{
    Ability, Cancelled, Capabilities, ClipError, ClipErrorKind, ClipRequest, ClipSource, ClipTask, Inputs,
    JobId, JobState, Licence, Output, Quote, RendererClass,
};
use spotwright_core::ports::clock::Clock;
use spotwright_schemas::money::Micros;

use super::auth::Auth;
use super::errors;
use super::limits::Limits;
use super::options::{Dialect, Options};
use super::plan::{self, Ask, Path, Plan};
use super::wire::{Task, text};
use super::{current, legacy};
use crate::done;
use crate::files::Files;
use crate::http::{Effect, Http};
use crate::media::check_whole;
use crate::options::OptionsError;
use crate::words::{bad_answer, refuse};

/// Least overlap of sound and face, in milliseconds.
const MIN_FACE_MS: u64 = 2_000;

/// Tasks that are listed to find an extension.
const PAGE: &str = "500";

/// How the ids of lip-syncs begin whose face was found and whose lips do not move yet.
const FACE: &str = "face";

/// A face of a clip; the provider keeps its session for 24 h.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Face {
    session: String,
    #[serde(rename = "face")]
    id: String,
    /// From when it is seen, in milliseconds of the clip.
    start_ms: u64,
    /// Until when, later than `start_ms`.
    end_ms: u64,
}

impl Face {
    fn job(&self) -> JobId {
        let text = serde_json::to_vec(self).unwrap_or_default();
        JobId(format!("{FACE}:{}", URL_SAFE_NO_PAD.encode(text)))
    }

    fn of(job: &JobId) -> Option<Self> {
        let (tag, text) = job.0.split_once(':')?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok().filter(|_| tag == FACE)?;
        let face: Self = serde_json::from_slice(&bytes).ok()?;
        (face.end_ms > face.start_ms).then_some(face)
    }
}

/// Kling's open API. See the [module](super) for what it does.
pub struct Kling {
    name: String,
    options: Options,
    limits: Limits,
    licence: Licence,
    capabilities: Capabilities,
    auth: Auth,
    http: Http,
    artifacts: Arc<dyn ArtifactStore>,
}

impl fmt::Debug for Kling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kling")
            .field("name", &self.name)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl Kling {
    /// Checks the settings and builds the client; the process must have a TLS provider.
    ///
    /// # Errors
    /// [`OptionsError`] names the first setting that cannot be used.
    pub fn new(
        name: impl Into<String>,
        options: Options,
        artifacts: Arc<dyn ArtifactStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OptionsError> {
        let (options, licence, limits) = options.checked()?;
        let auth = match (&options.api_key, &options.access_key, &options.secret_key) {
            (_, Some(access), Some(secret)) if options.dialect == Dialect::Legacy => {
                Auth::pair(access.clone(), secret.clone(), clock.clone())
            }
            (Some(key), ..) => Auth::Key(key.clone()),
            _ => return Err(OptionsError::Keys("there is no key")),
        };
        let keys = [&options.api_key, &options.access_key, &options.secret_key];
        let secrets = keys.into_iter().flatten().cloned().collect();
        let http = Http::new(options.server.clone(), secrets, clock)?;
        let capabilities = capabilities(&options, &limits);
        Ok(Self { name: name.into(), options, limits, licence, capabilities, auth, http, artifacts })
    }

    fn ask<'a>(&'a self, request: &'a ClipRequest, files: &'a Files, key: &'a str) -> Ask<'a> {
        Ask { options: &self.options, limits: &self.limits, request, files, key }
    }

    /// Sends a request, once more with a new token where the key was refused, and gives its `data`.
    async fn call(
        &self,
        method: &Method,
        segments: &[&str],
        query: &[(&str, &str)],
        body: Option<&Value>,
        effect: Effect,
    ) -> Result<Value, ClipError> {
        let body = body.map(Value::to_string);
        let mut renewed = false;
        loop {
            let mut url = self.http.url(segments);
            if !query.is_empty() {
                url.query_pairs_mut().extend_pairs(query);
            }
            let mut request =
                self.http.request(method.clone(), url).header(AUTHORIZATION, self.auth.header());
            if let Some(body) = &body {
                request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
            }
            let answer = self.http.send(request, effect).await?;
            match errors::data(&self.http, &answer, effect) {
                Err(error)
                    if error.kind == ClipErrorKind::Authentication && !renewed && self.auth.renew() =>
                {
                    renewed = true;
                }
                other => return other,
            }
        }
    }

    async fn create(&self, path: Path, body: &Value) -> Result<JobId, ClipError> {
        let segments = match path {
            Path::Current(product) => vec![product, self.options.row.model.as_str()],
            Path::Legacy(group, name) => vec!["v1", group, name],
        };
        let data = self.call(&Method::POST, &segments, &[], Some(body), Effect::Begins).await?;
        let id = text(&data["task_id"]).or_else(|| text(&data["id"]));
        let id = id.ok_or_else(|| ClipError {
            may_have_begun: true,
            ..bad_answer("the answer to a new task has no id")
        })?;
        Ok(JobId(format!("{}:{id}", path.tag())))
    }

    /// Looks for the first face that is seen long enough: the first part of lip-sync, which is paid by itself
    /// and answered at once. What was found is the job's id, so that nobody looks and pays for it twice.
    async fn look_for_face(&self, clip_url: &str) -> Result<JobId, ClipError> {
        let body = serde_json::json!({ "video_url": clip_url });
        let segments = ["v1", "videos", "identify-face"];
        let data = self.call(&Method::POST, &segments, &[], Some(&body), Effect::Begins).await?;
        let paid = |error: ClipError| ClipError { charged: Some(self.face_price()), ..error };
        let session =
            text(&data["session_id"]).ok_or_else(|| paid(bad_answer("the answer has no session")))?;
        let faces = data["face_data"].as_array().map(Vec::as_slice).unwrap_or_default();
        let seen = |face: &Value| {
            let (start, end) = (face["start_time"].as_u64()?, face["end_time"].as_u64()?);
            (end.saturating_sub(start) >= MIN_FACE_MS).then_some((start, end))
        };
        let found = faces.iter().find_map(|face| Some((text(&face["face_id"])?, seen(face)?)));
        let (face, (start_ms, end_ms)) =
            found.ok_or_else(|| paid(ClipError::new(ClipErrorKind::Failed, "no face is seen for 2 s")))?;
        Ok(Face { session, id: face, start_ms, end_ms }.job())
    }

    /// Lets the lips of a face that was found follow the sound.
    async fn sync_lips(&self, face: &Face, plan: &Plan, key: &str) -> Result<JobId, ClipError> {
        let Plan::LipSync { sound, sound_ms, .. } = plan else {
            return Err(refuse("faces are looked for in lip-sync only"));
        };
        let end_ms = (*sound_ms).min(face.end_ms - face.start_ms);
        let body =
            plan::lip_sync_body(&self.options, &face.session, &face.id, face.start_ms, end_ms, sound, key);
        self.create(legacy::LIP_SYNC, &body).await
    }

    /// What looking for a face costs at most.
    fn face_price(&self) -> Micros {
        let work = plan::face_work(&self.options);
        // The quote of every lip-sync holds it, so that there is a price.
        self.options.row.quote(&[work]).map_or(Micros::ZERO, |quote| quote.at_most)
    }

    /// The task of a lip-sync by its key. Its first part carries none: where there is no task, only that part
    /// may have been paid.
    async fn find_lip_sync(&self, key: &str) -> Result<Option<JobId>, ClipError> {
        if let Some(job) = self.find_task(legacy::LIP_SYNC, key).await? {
            return Ok(Some(job));
        }
        let error = bad_answer("a face may have been looked for, which carries no key");
        Err(ClipError { charged: Some(self.face_price()), ..error })
    }

    /// Speech is answered with the result at once.
    async fn speak(&self, body: &Value) -> Result<JobId, ClipError> {
        let segments = ["v1", "audio", "tts"];
        let data = self.call(&Method::POST, &segments, &[], Some(body), Effect::Begins).await?;
        let task = Task::read(&data, &self.options.row);
        let task = task.filter(|task| !task.outputs.is_empty());
        let job = task.and_then(|task| done::job(task.outputs, task.charged));
        job.ok_or_else(|| ClipError { may_have_begun: true, ..bad_answer("the answer holds no speech") })
    }

    /// The task with our key.
    async fn find_task(&self, path: Path, key: &str) -> Result<Option<JobId>, ClipError> {
        let found = match path {
            Path::Current(_) => {
                let query = [("external_task_ids", key)];
                self.call(&Method::GET, &["tasks"], &query, None, Effect::None).await
            }
            Path::Legacy(group, name) => {
                self.call(&Method::GET, &["v1", group, name, key], &[], None, Effect::None).await
            }
        };
        let data = match found {
            Ok(data) => data,
            Err(error) if is_unknown(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let list = match data {
            Value::Array(list) => list,
            Value::Null => Vec::new(),
            one => vec![one],
        };
        let tasks = list.iter().filter_map(|one| Task::read(one, &self.options.row));
        // A legacy path is asked by the key itself, and answers with the key or without.
        let is_ours = |task: &Task| match &task.external_id {
            Some(id) => id == key,
            None => matches!(path, Path::Legacy(..)),
        };
        let all: Vec<Task> = tasks.collect();
        match all.iter().find(|task| is_ours(task)) {
            Some(task) => Ok(Some(JobId(format!("{}:{}", path.tag(), task.id)))),
            None if list.is_empty() => Ok(None),
            None => Err(bad_answer("the answer to a key is a task of another, or none that is understood")),
        }
    }

    /// Extensions carry no key. Where none goes behind the clip there certainly is none; otherwise it cannot
    /// be told whose it is.
    async fn find_extension(&self, of: &str) -> Result<Option<JobId>, ClipError> {
        let query = [("pageNum", "1"), ("pageSize", PAGE)];
        let segments = ["v1", "videos", "video-extend"];
        let data = self.call(&Method::GET, &segments, &query, None, Effect::None).await?;
        let list = data.as_array().ok_or_else(|| bad_answer("the list of extensions is no list"))?;
        let tasks: Option<Vec<Task>> = list.iter().map(|one| Task::read(one, &self.options.row)).collect();
        let tasks = tasks.ok_or_else(|| bad_answer("a task in the list of extensions is not understood"))?;
        let full = tasks.len() >= PAGE.parse().unwrap_or(usize::MAX);
        let may_be = tasks.iter().any(|task| task.parent.as_deref().is_none_or(|parent| parent == of));
        if full || may_be {
            return Err(bad_answer("extensions carry no key, and one of those that there are may be this"));
        }
        Ok(None)
    }
}

/// Whether an error says that there is no such task.
fn is_unknown(error: &ClipError) -> bool {
    matches!(error.code.as_deref(), Some("1202" | "1203" | "404"))
}

fn capabilities(options: &Options, limits: &Limits) -> Capabilities {
    let mut abilities = limits.abilities.clone();
    abilities.push(Ability::Picture);
    if options.resolution < limits.sound_from {
        abilities.retain(|ability| *ability != Ability::Sound);
    }
    if options.clips_url.is_some() {
        abilities.push(Ability::LipSync);
    } else {
        abilities.retain(|ability| *ability != Ability::VideoReference);
    }
    if options.voice.is_some() {
        abilities.push(Ability::Speech);
    }
    let bound = |seconds: Option<&u32>| f64::from(seconds.copied().unwrap_or_default());
    Capabilities {
        model: options.row.model.clone(),
        abilities,
        inputs: inputs(limits),
        min_seconds: bound(limits.seconds.first()),
        max_seconds: bound(limits.seconds.last()),
        parallel: options.parallel,
        repeatable: false,
        class: RendererClass::Remote,
    }
}

/// What goes beside words and frames. No path has a field for a seed; what must not be seen has one, or goes
/// into the prompt.
fn inputs(limits: &Limits) -> Inputs {
    let plain = Inputs { seed: false, sound_beside_clip: false, ..Inputs::NO_PICTURES };
    if limits.omni {
        let [pictures, pictures_beside_clip] = current::MAX_PICTURES;
        return Inputs { pictures, pictures_beside_first_frame: pictures, pictures_beside_clip, ..plain };
    }
    Inputs { pictures: legacy::MAX_PICTURES, ..plain }
}

#[async_trait]
impl ClipSource for Kling {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn licence(&self) -> &Licence {
        &self.licence
    }

    /// Reads the request's pictures from the artifact store, to check their sizes.
    fn quote(&self, request: &ClipRequest) -> Result<Quote, ClipError> {
        let request = &self.capabilities.fitted(request).request;
        let files = Files::load(&*self.artifacts, request, false)?;
        let (_, works) = plan::plan(&self.ask(request, &files, ""), &self.capabilities.abilities)?;
        self.options.row.quote(&works)
    }

    async fn submit(&self, request: &ClipRequest, idempotency_key: &str) -> Result<JobId, ClipError> {
        let request = &self.capabilities.fitted(request).request;
        let files = Files::load_async(&self.artifacts, request, false).await?;
        let ask = self.ask(request, &files, idempotency_key);
        let (plan, works) = plan::plan(&ask, &self.capabilities.abilities)?;
        self.options.row.quote(&works)?;
        let submitted = match &plan {
            Plan::Task { path, body } => self.create(*path, body).await,
            Plan::Speech { body } => self.speak(body).await,
            Plan::LipSync { clip_url, .. } => self.look_for_face(clip_url).await,
        };
        match submitted {
            // A key that was used before is a job that was begun before.
            Err(error) if error.kind == ClipErrorKind::BadRequest && names_key(&error) => {
                self.find(request, idempotency_key).await?.ok_or(error)
            }
            other => other,
        }
    }

    async fn go_on(
        &self,
        request: &ClipRequest,
        idempotency_key: &str,
        job: &JobId,
    ) -> Result<JobId, ClipError> {
        let paid = |error: ClipError| ClipError { charged: Some(self.face_price()), ..error };
        let face = Face::of(job).ok_or_else(|| paid(refuse("the job has no second part")))?;
        let files = Files::load_async(&self.artifacts, request, false).await.map_err(paid)?;
        let ask = self.ask(request, &files, idempotency_key);
        let (plan, _) = plan::plan(&ask, &self.capabilities.abilities).map_err(paid)?;
        match self.sync_lips(&face, &plan, idempotency_key).await {
            Err(error) if error.kind == ClipErrorKind::BadRequest && names_key(&error) => {
                let found = self.find_task(legacy::LIP_SYNC, idempotency_key).await.map_err(paid)?;
                found.ok_or_else(|| paid(error))
            }
            other => other.map_err(paid),
        }
    }

    async fn find(&self, request: &ClipRequest, idempotency_key: &str) -> Result<Option<JobId>, ClipError> {
        let request = &self.capabilities.fitted(request).request;
        match &request.task {
            ClipTask::Extend { of } => self.find_extension(of).await,
            ClipTask::Speech { .. } => {
                Err(bad_answer("speech carries no key, so that it cannot be found again"))
            }
            ClipTask::LipSync { .. } => self.find_lip_sync(idempotency_key).await,
            _ => {
                let files = Files::load_async(&self.artifacts, request, false).await?;
                let ask = self.ask(request, &files, idempotency_key);
                match plan::plan(&ask, &self.capabilities.abilities)?.0 {
                    Plan::Task { path, .. } => self.find_task(path, idempotency_key).await,
                    Plan::Speech { .. } | Plan::LipSync { .. } => Err(bad_answer("the task has no path")),
                }
            }
        }
    }

    async fn poll(&self, job: &JobId) -> Result<JobState, ClipError> {
        if let Some(state) = done::state(job) {
            return Ok(state);
        }
        if Face::of(job).is_some() {
            return Ok(JobState::Halfway { charged: self.face_price() });
        }
        let unknown = || ClipError::new(ClipErrorKind::UnknownJob, format!("there is no job {}", job.0));
        let (tag, id) = job.0.split_once(':').ok_or_else(unknown)?;
        let found = if tag == "task" {
            let query = [("task_ids", id)];
            self.call(&Method::GET, &["tasks"], &query, None, Effect::None).await
        } else {
            let path = Path::ALL_LEGACY.into_iter().find(|path| path.tag() == tag).ok_or_else(unknown)?;
            let Path::Legacy(group, name) = path else { return Err(unknown()) };
            self.call(&Method::GET, &["v1", group, name, id], &[], None, Effect::None).await
        };
        let data = match found {
            Err(error) if is_unknown(&error) => return Err(unknown()),
            other => other?,
        };
        let row = &self.options.row;
        let task = match &data {
            Value::Array(list) if list.is_empty() => return Err(unknown()),
            Value::Null => return Err(unknown()),
            Value::Array(list) => {
                list.iter().filter_map(|one| Task::read(one, row)).find(|task| task.id == id)
            }
            one => Task::read(one, row),
        };
        let mut task = task.ok_or_else(|| bad_answer("the task in the answer is not understood"))?;
        let mut of_failure = row.of_nothing_made();
        if tag == legacy::LIP_SYNC.tag() {
            // The task tells of itself only; its face was paid before.
            let face = self.face_price();
            task.charged = task.charged.map(|charged| charged + face);
            of_failure = of_failure.map(|charged| charged + face);
        }
        Ok(task.state(of_failure, |words| errors::of_task(&self.http, words)))
    }

    /// The provider has no way to stop a task.
    async fn cancel(&self, _job: &JobId) -> Result<Cancelled, ClipError> {
        Ok(Cancelled::MayGoOn)
    }

    async fn fetch(&self, _job: &JobId, output: &Output) -> Result<Vec<u8>, ClipError> {
        if !output.location.starts_with("https://") && !output.location.starts_with("http://") {
            return Err(refuse("the output's address is no web address"));
        }
        let bytes = self.http.download(&output.location, None).await?;
        check_whole(&bytes)?;
        Ok(bytes)
    }
}

fn names_key(error: &ClipError) -> bool {
    let words = error.message.to_lowercase();
    words.contains("external_task_id") || words.contains("external task id")
}
