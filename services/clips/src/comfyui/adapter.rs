//! The source: uploads pictures, queues prompts, and downloads what they made.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value, json};
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::clip_source::{
    Cancelled, Capabilities, ClipError, ClipErrorKind, ClipRequest, ClipSource, ClipTask, Inputs, JobId,
    JobState, Licence, Output, Quote, RendererClass,
};
use spotwright_core::ports::clock::Clock;
use uuid::Uuid;

use super::graph::{Graph, Values};
use super::options::{self, Options};
use super::wire::{self, Place};
use crate::files::{Files, PictureRules};
use crate::frames::Made;
use crate::http::{Answer, Effect, Http};
use crate::media::check_whole;
use crate::multipart::Form;
use crate::options::OptionsError;
use crate::prices::Work;
use crate::words::{bad_answer, check_length, plain_prompt, refuse};

/// Longest prompt and negative prompt in characters.
const MAX_PROMPT_CHARS: usize = 2_500;

/// Pictures of any shape.
const PICTURE_RULES: PictureRules =
    PictureRules { max_bytes: 50_000_000, min_side: 16, max_ratio_tenths: 100 };

/// The folder of our uploads at the server.
const FOLDER: &str = "spotwright";

/// A ComfyUI server with one graph. See the [module](super) for what it does.
pub struct ComfyUi {
    name: String,
    options: Options,
    graph: Graph,
    licence: Licence,
    capabilities: Capabilities,
    http: Http,
    artifacts: Arc<dyn ArtifactStore>,
}

impl fmt::Debug for ComfyUi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComfyUi")
            .field("name", &self.name)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl ComfyUi {
    /// Checks the settings, reads the graph and builds the client; the process must have a TLS provider.
    ///
    /// # Errors
    /// [`OptionsError`] names the first setting that cannot be used.
    pub fn new(
        name: impl Into<String>,
        options: Options,
        artifacts: Arc<dyn ArtifactStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OptionsError> {
        let (options, licence, graph) = options.checked()?;
        let http = Http::new(options.server.clone(), options.api_key.iter().cloned().collect(), clock)?;
        let capabilities = Capabilities {
            model: options.row.model.clone(),
            abilities: options::abilities(&graph),
            inputs: Inputs {
                negative_prompt: !graph.slots.negative_prompt.is_empty(),
                ..Inputs::NO_PICTURES
            },
            min_seconds: 0.0,
            max_seconds: options.shape.max_seconds(),
            parallel: options.parallel,
            repeatable: false,
            class: RendererClass::Remote,
        };
        Ok(Self { name: name.into(), options, graph, licence, capabilities, http, artifacts })
    }

    fn authorization(&self) -> Option<String> {
        self.options.api_key.as_ref().map(|key| format!("Bearer {}", key.expose()))
    }

    async fn send(
        &self,
        method: Method,
        segments: &[&str],
        body: Option<(String, Vec<u8>)>,
        effect: Effect,
    ) -> Result<Answer, ClipError> {
        let mut request = self.http.request(method, self.http.url(segments));
        if let Some(value) = self.authorization() {
            request = request.header(AUTHORIZATION, value);
        }
        if let Some((content_type, bytes)) = body {
            request = request.header(CONTENT_TYPE, content_type).body(bytes);
        }
        self.http.send(request, effect).await
    }

    async fn get(&self, segments: &[&str]) -> Result<Value, ClipError> {
        let answer = self.send(Method::GET, segments, None, Effect::None).await?;
        self.read(&answer, Effect::None)
    }

    async fn post(&self, segments: &[&str], body: &Value, effect: Effect) -> Result<Answer, ClipError> {
        let body = Some(("application/json".to_owned(), body.to_string().into_bytes()));
        self.send(Method::POST, segments, body, effect).await
    }

    /// The JSON of an answer with a status of success, or the error that it is.
    fn read(&self, answer: &Answer, effect: Effect) -> Result<Value, ClipError> {
        let began = effect == Effect::Begins;
        let body = answer.json();
        let status = answer.status.as_u16();
        if answer.status.is_success() {
            return body
                .ok_or_else(|| ClipError { may_have_begun: began, ..bad_answer("the answer is no JSON") });
        }
        let kind = match status {
            401 => ClipErrorKind::Authentication,
            403 => ClipErrorKind::NotAllowed,
            404 => ClipErrorKind::UnknownJob,
            408 | 425 | 500..=599 => ClipErrorKind::Unavailable,
            429 => ClipErrorKind::TooFast,
            400..=499 => ClipErrorKind::BadRequest,
            _ => ClipErrorKind::BadAnswer,
        };
        let words = body.as_ref().map_or_else(|| String::from_utf8_lossy(&answer.body).into_owned(), said);
        Err(ClipError {
            code: Some(status.to_string()),
            retry_after: answer.retry_after,
            may_have_begun: began && matches!(kind, ClipErrorKind::Unavailable | ClipErrorKind::BadAnswer),
            ..ClipError::new(kind, format!("{status}: {}", self.http.excerpt(&words)))
        })
    }

    fn check(&self, request: &ClipRequest, files: &Files) -> Result<Made, ClipError> {
        let can = &self.capabilities.abilities;
        if let Some(missing) = request.needs().into_iter().find(|need| !can.contains(need)) {
            return Err(refuse(format!("the graph `{}` does not make {}", self.graph.name, missing.words())));
        }
        if !matches!(request.task, ClipTask::Generate) {
            return Err(refuse(format!(
                "the graph has no place for a task of kind {}",
                request.task.as_str()
            )));
        }
        if !request.references.is_empty() {
            return Err(refuse("the graph takes frames, and no pictures beside them"));
        }
        if !self.graph.slots.last_frame.is_empty()
            && request.last_frame.is_none()
            && self.graph.without_last_frame.is_none()
        {
            return Err(refuse("the graph needs a last frame"));
        }
        check_length("the prompt", &plain_prompt(request), MAX_PROMPT_CHARS)?;
        check_length("the negative prompt", &request.negative_prompt, MAX_PROMPT_CHARS)?;
        if request.prompt.trim().is_empty() {
            return Err(refuse("the prompt is blank"));
        }
        for (what, hash) in
            [("the first frame", &request.first_frame), ("the last frame", &request.last_frame)]
        {
            if let Some(hash) = hash {
                files.picture(what, hash, PICTURE_RULES)?;
            }
        }
        self.options.shape.made(request)
    }

    /// What a failure costs. A prompt that ended without a file has worked to its end all the same.
    fn with_price(&self, state: JobState) -> JobState {
        match state {
            JobState::Failed(error) if error.code.as_deref() != Some(wire::NO_OUTPUT) => {
                JobState::Failed(ClipError { charged: self.options.row.of_nothing_made(), ..error })
            }
            other => other,
        }
    }

    fn quote_of(&self, request: &ClipRequest, made: &Made) -> Result<Quote, ClipError> {
        self.options.row.quote(&[Work {
            task: request.task.as_str(),
            resolution: made.size_text(),
            sound: false,
            reference_clip: false,
            length: made.length(),
        }])
    }

    /// Uploads a picture under its hash, and gives the name that nodes know it by. Uploading twice is the
    /// same as once.
    async fn upload(&self, hash: &ArtifactHash, files: &Files) -> Result<String, ClipError> {
        let picture = files.picture("the picture", hash, PICTURE_RULES)?;
        let file_name = format!("{hash}.{}", picture.kind.extension());
        let form = Form::new(hash.as_str())
            .text("type", "input")
            .text("subfolder", FOLDER)
            .text("overwrite", "true")
            .file("image", &file_name, picture.kind.media_type(), picture.bytes);
        let answer = self.send(Method::POST, &["upload", "image"], Some(form.finish()), Effect::None).await?;
        let stored = self.read(&answer, Effect::None)?;
        let name = stored["name"].as_str().filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| bad_answer("the answer to an upload has no name"))?;
        Ok(match stored["subfolder"].as_str() {
            Some(folder) if !folder.is_empty() => format!("{folder}/{name}"),
            _ => name.to_owned(),
        })
    }
}

/// The id of a prompt: made from the key, so that the same key is the same prompt.
fn prompt_id(key: &str) -> String {
    let hash = blake3::hash(format!("comfyui prompt {key}").as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_bytes()[..16]);
    Uuid::new_v8(bytes).to_string()
}

/// The words of a refused prompt: its error, and the first error of each node.
fn said(body: &Value) -> String {
    let words = |error: &Value| {
        let parts =
            ["message", "details"].map(|name| error[name].as_str().unwrap_or_default().trim().to_owned());
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(": ")
    };
    let mut all = vec![body["error"].as_str().map_or_else(|| words(&body["error"]), str::to_owned)];
    for (node, errors) in body["node_errors"].as_object().into_iter().flatten() {
        all.push(format!("node {node}: {}", words(&errors["errors"][0])));
    }
    all.retain(|words| !words.is_empty());
    all.join("; ")
}

#[async_trait]
impl ClipSource for ComfyUi {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn licence(&self) -> &Licence {
        &self.licence
    }

    /// Reads the request's frames from the artifact store, to check them.
    fn quote(&self, request: &ClipRequest) -> Result<Quote, ClipError> {
        let request = &self.capabilities.fitted(request).request;
        let files = Files::load(&*self.artifacts, request, false)?;
        let made = self.check(request, &files)?;
        self.quote_of(request, &made)
    }

    async fn submit(&self, request: &ClipRequest, idempotency_key: &str) -> Result<JobId, ClipError> {
        let request = &self.capabilities.fitted(request).request;
        let files = Files::load_async(&self.artifacts, request, false).await?;
        let made = self.check(request, &files)?;
        self.quote_of(request, &made)?;
        let mut names = Vec::new();
        for frame in [&request.first_frame, &request.last_frame] {
            names.push(match frame {
                Some(hash) => Some(self.upload(hash, &files).await?),
                None => None,
            });
        }
        let graph = self.graph.filled(&Values {
            prompt: &plain_prompt(request),
            negative_prompt: &request.negative_prompt,
            seed: request.seed,
            width: made.size.width,
            height: made.size.height,
            frames: made.frames,
            fps: made.fps,
            first_frame: names[0].as_deref(),
            last_frame: names[1].as_deref(),
        });
        let id = prompt_id(idempotency_key);
        let body = json!({
            "prompt": graph,
            "prompt_id": id,
            "client_id": id.replace('-', ""),
            "extra_data": { wire::KEY: idempotency_key },
        });
        let answer = self.post(&["prompt"], &body, Effect::Begins).await?;
        let answer = self.read(&answer, Effect::Begins).map_err(|error| match error.kind {
            ClipErrorKind::UnknownJob => ClipError { kind: ClipErrorKind::NotAllowed, ..error },
            _ => error,
        })?;
        let id = answer["prompt_id"].as_str().filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| ClipError {
            may_have_begun: true,
            ..bad_answer("the answer to a new prompt has no id")
        })?;
        Ok(JobId(id.to_owned()))
    }

    async fn find(&self, _request: &ClipRequest, idempotency_key: &str) -> Result<Option<JobId>, ClipError> {
        let wanted = prompt_id(idempotency_key);
        let is_ours =
            |id: &str, extra: &Value| id == wanted || extra[wire::KEY].as_str() == Some(idempotency_key);
        // In this order: prompts go from the queue to the history.
        let queue = self.get(&["queue"]).await?;
        if let Some((id, _)) = wire::in_queue(&queue, is_ours) {
            return Ok(Some(JobId(id)));
        }
        let direct = self.get(&["history", &wanted]).await?;
        if let Some(id) = wire::in_history(&direct, is_ours) {
            return Ok(Some(JobId(id)));
        }
        let address = self.http.url(&["history"]);
        let history = self.http.download(address.as_str(), self.authorization().as_deref()).await?;
        let history: Value =
            serde_json::from_slice(&history).map_err(|_| bad_answer("the history is no JSON"))?;
        Ok(wire::in_history(&history, is_ours).map(JobId))
    }

    async fn poll(&self, job: &JobId) -> Result<JobState, ClipError> {
        let excerpt = |words: &str| self.http.excerpt(words);
        let output = &self.graph.output;
        let lost = || {
            let message = format!("the server knows no prompt {}: it is lost", self.http.excerpt(&job.0));
            ClipError::new(ClipErrorKind::UnknownJob, message)
        };
        if self.options.jobs_api {
            let answer = self.get(&["api", "jobs", &job.0]).await;
            let found = answer
                .map_err(|error| if error.kind == ClipErrorKind::UnknownJob { lost() } else { error })?;
            return wire::of_job(&found, output, excerpt)
                .map(|state| self.with_price(state))
                .ok_or_else(|| bad_answer("the job is not understood"));
        }
        let queue = self.get(&["queue"]).await?;
        match wire::in_queue(&queue, |id, _| id == job.0) {
            Some((_, Place::Pending)) => return Ok(JobState::Queued),
            Some((_, Place::Running)) => return Ok(JobState::Running { percent: None }),
            None => {}
        }
        let history = self.get(&["history", &job.0]).await?;
        let entry = history.get(&job.0).ok_or_else(lost)?;
        Ok(self.with_price(wire::of_history(entry, output, excerpt)))
    }

    /// A prompt that waits is taken out of the queue, and costs nothing; one that runs is interrupted, and
    /// costs nothing where only what was made does and the server says that it stopped.
    async fn cancel(&self, job: &JobId) -> Result<Cancelled, ClipError> {
        let is_ours = |id: &str, _: &Value| id == job.0;
        let before = wire::in_queue(&self.get(&["queue"]).await?, is_ours);
        match before {
            Some((_, Place::Pending)) => {
                let body = json!({ "delete": [job.0] });
                let answer = self.post(&["queue"], &body, Effect::None).await?;
                if !answer.status.is_success() {
                    self.read(&answer, Effect::None)?;
                }
                // It may have begun in between; then it is in neither list's pending part, but runs or has
                // run.
                let queue = self.get(&["queue"]).await?;
                let history = self.get(&["history", &job.0]).await?;
                let is_gone = wire::in_queue(&queue, is_ours).is_none() && history.get(&job.0).is_none();
                Ok(if is_gone { Cancelled::Free } else { Cancelled::MayGoOn })
            }
            Some((_, Place::Running)) => {
                let answer = self.post(&["interrupt"], &json!({ "prompt_id": job.0 }), Effect::None).await?;
                if !answer.status.is_success() {
                    self.read(&answer, Effect::None)?;
                }
                if !self.options.row.only_made {
                    return Ok(Cancelled::MayGoOn);
                }
                // The server interrupts between two steps of its work, and may have come to the end before.
                let history = self.get(&["history", &job.0]).await?;
                let stopped = history.get(&job.0).is_some_and(wire::was_interrupted);
                Ok(if stopped { Cancelled::Free } else { Cancelled::MayGoOn })
            }
            None => Ok(Cancelled::MayGoOn),
        }
    }

    async fn fetch(&self, _job: &JobId, output: &Output) -> Result<Vec<u8>, ClipError> {
        let mut address = self.http.url(&["view"]);
        address.set_query(Some(&output.location));
        let bytes = self.http.download(address.as_str(), self.authorization().as_deref()).await?;
        check_whole(&bytes)?;
        Ok(bytes)
    }
}
