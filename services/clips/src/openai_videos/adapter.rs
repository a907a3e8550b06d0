//! The source: sends jobs, finds them again, and downloads what they made.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use serde_json::Value;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clip_source::{
    Cancelled, Capabilities, ClipError, ClipErrorKind, ClipRequest, ClipSource, Inputs, JobId, JobState,
    Licence, Output, Quote, RendererClass,
};
use spotwright_core::ports::clock::Clock;

use super::body::{self, Body};
use super::errors;
use super::options::{Flavor, Options};
use super::wire::{self, Match, Status};
use crate::done;
use crate::files::Files;
use crate::frames::Made;
use crate::http::{Effect, Http};
use crate::media::check_whole;
use crate::options::OptionsError;
use crate::prices::Work;
use crate::words::bad_answer;

/// Jobs that are listed at once, and pages that are looked through.
const PAGE: &str = "100";
const MAX_PAGES: usize = 20;

/// Jobs of this process that are remembered with their keys.
const REMEMBERED: usize = 1_024;

/// How far the server's clock may be behind ours, in seconds.
const CLOCK_SLACK_SECONDS: i64 = 60;

/// What this process knows of its jobs; a restart may lose it.
#[derive(Default)]
struct Memory {
    /// Keys with the jobs that they made.
    jobs: VecDeque<(String, String)>,
    /// Keys with the second in which they were sent first.
    sent: VecDeque<(String, i64)>,
    /// Requests for jobs that wait for their answer: the server may list jobs that have no key here yet.
    under_way: usize,
}

/// A request for a job that waits for its answer.
struct UnderWay<'a>(&'a Mutex<Memory>);

impl<'a> UnderWay<'a> {
    fn new(memory: &'a Mutex<Memory>) -> Self {
        memory.lock().unwrap_or_else(PoisonError::into_inner).under_way += 1;
        Self(memory)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).under_way -= 1;
    }
}

/// A server of `/v1/videos`. See the [module](super) for what it does.
pub struct OpenAiVideos {
    name: String,
    options: Options,
    licence: Licence,
    capabilities: Capabilities,
    http: Http,
    artifacts: Arc<dyn ArtifactStore>,
    memory: Mutex<Memory>,
}

impl fmt::Debug for OpenAiVideos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAiVideos")
            .field("name", &self.name)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl OpenAiVideos {
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
        let (options, licence) = options.checked()?;
        let http = Http::new(options.server.clone(), options.api_key.iter().cloned().collect(), clock)?;
        let capabilities = Capabilities {
            model: options.row.model.clone(),
            abilities: options.abilities.clone(),
            // One picture has a place in the body of all four, and it is the first frame.
            inputs: Inputs::NO_PICTURES,
            min_seconds: 0.0,
            max_seconds: options.shape.max_seconds(),
            parallel: options.parallel,
            repeatable: false,
            class: RendererClass::Remote,
        };
        Ok(Self {
            name: name.into(),
            options,
            licence,
            capabilities,
            http,
            artifacts,
            memory: Mutex::default(),
        })
    }

    fn authorization(&self) -> Option<String> {
        self.options.api_key.as_ref().map(|key| format!("Bearer {}", key.expose()))
    }

    async fn call(
        &self,
        method: Method,
        segments: &[&str],
        query: &[(&str, &str)],
        body: Option<Body>,
        effect: Effect,
    ) -> Result<Value, ClipError> {
        let mut url = self.http.url(segments);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.http.request(method, url);
        if let Some(value) = self.authorization() {
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, body.content_type).body(body.bytes);
        }
        let answer = self.http.send(request, effect).await?;
        errors::json(&self.http, &answer, effect)
    }

    fn work(request: &ClipRequest, made: &Made) -> Work {
        Work {
            task: request.task.as_str(),
            resolution: made.size_text(),
            sound: request.sound,
            reference_clip: false,
            length: made.length(),
        }
    }

    fn now_seconds(&self) -> i64 {
        self.http.now_micros().div_euclid(1_000_000)
    }

    fn remember_sending(&self, key: &str) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.sent.iter().all(|(other, _)| other != key) {
            if memory.sent.len() == REMEMBERED {
                memory.sent.pop_front();
            }
            memory.sent.push_back((key.to_owned(), self.now_seconds()));
        }
    }

    fn remember_job(&self, key: &str, job: &str) {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        if memory.jobs.len() == REMEMBERED {
            memory.jobs.pop_front();
        }
        memory.jobs.push_back((key.to_owned(), job.to_owned()));
    }

    /// All jobs that the server knows.
    async fn list(&self) -> Result<Vec<Value>, ClipError> {
        let mut all = Vec::new();
        let mut after: Option<String> = None;
        for _ in 0..MAX_PAGES {
            let mut query = vec![("limit", PAGE), ("order", "desc")];
            if let Some(after) = &after {
                query.push(("after", after));
            }
            let mut page = self.call(Method::GET, &["v1", "videos"], &query, None, Effect::None).await?;
            let more = page["has_more"].as_bool().unwrap_or(false);
            let Value::Array(jobs) = page["data"].take() else {
                return Err(bad_answer("the list of jobs is no list"));
            };
            let last = jobs.last().and_then(|job| job["id"].as_str()).map(str::to_owned);
            // SGLang does not say whether there is more; a full page may have a next one.
            let full = jobs.len() >= PAGE.parse().unwrap_or(usize::MAX);
            let before = all.len();
            // A server that knows no pages lists everything again.
            for job in jobs {
                if all.iter().all(|known: &Value| known["id"] != job["id"]) {
                    all.push(job);
                }
            }
            if (!more && !full) || last.is_none() || all.len() == before {
                return Ok(all);
            }
            after = last;
        }
        Err(bad_answer("the server lists more jobs than can be looked through"))
    }

    /// The job among the listed ones, or that it is not there, or that it cannot be told.
    fn pick(
        &self,
        jobs: &[Value],
        request: &ClipRequest,
        made: &Made,
        key: &str,
    ) -> Result<Option<JobId>, ClipError> {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let own = memory.jobs.iter().find(|(other, _)| other == key).map(|(_, job)| job.as_str());
        if let Some(own) = own.filter(|own| jobs.iter().any(|job| job["id"].as_str() == Some(own))) {
            return Ok(Some(JobId(own.to_owned())));
        }
        let since = memory.sent.iter().find(|(other, _)| other == key).map(|(_, second)| *second);
        let of_another = |id: &str| memory.jobs.iter().any(|(other, job)| job == id && other != key);
        let (mut likely, mut unknown) = (Vec::new(), 0);
        for job in jobs {
            let Some(id) = job["id"].as_str() else { return Err(bad_answer("a listed job has no id")) };
            let is_older = match (since, job["created_at"].as_i64()) {
                (Some(since), Some(created)) => created < since - CLOCK_SLACK_SECONDS,
                _ => false,
            };
            if is_older || of_another(id) {
                continue;
            }
            match wire::matches(job, request, made, key) {
                Match::Certain => return Ok(Some(JobId(id.to_owned()))),
                Match::Likely => likely.push(id),
                Match::Unknown => unknown += 1,
                Match::No => {}
            }
        }
        match (likely.as_slice(), unknown) {
            ([], 0) => Ok(None),
            ([one], 0) => Ok(Some(JobId((*one).to_owned()))),
            // Those may be jobs of others here, whose answers tell so in a moment.
            _ if memory.under_way > 0 => {
                let message = "jobs are listed that another request here may have made";
                Err(ClipError::new(ClipErrorKind::Unavailable, message))
            }
            (several, unknown) => Err(bad_answer(format!(
                "{} listed jobs may be this one, and the server tells too little of them",
                several.len() + unknown
            ))),
        }
    }
}

#[async_trait]
impl ClipSource for OpenAiVideos {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn licence(&self) -> &Licence {
        &self.licence
    }

    /// Reads the request's first frame from the artifact store, to check it.
    fn quote(&self, request: &ClipRequest) -> Result<Quote, ClipError> {
        let request = &self.capabilities.fitted(request).request;
        let files = Files::load(&*self.artifacts, request, false)?;
        let made = body::check(&self.options, request, &files)?;
        self.options.row.quote(&[Self::work(request, &made)])
    }

    async fn submit(&self, request: &ClipRequest, idempotency_key: &str) -> Result<JobId, ClipError> {
        let request = &self.capabilities.fitted(request).request;
        let files = Files::load_async(&self.artifacts, request, false).await?;
        let made = body::check(&self.options, request, &files)?;
        self.options.row.quote(&[Self::work(request, &made)])?;
        let body = body::body(&self.options, request, &files, &made, idempotency_key)?;
        self.remember_sending(idempotency_key);
        let _under_way = UnderWay::new(&self.memory);
        let answer = self.call(Method::POST, &["v1", "videos"], &[], Some(body), Effect::Begins).await?;
        let begun = |message: &str| ClipError { may_have_begun: true, ..bad_answer(message) };
        let id = answer["id"].as_str().filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| begun("the answer to a new job has no id"))?;
        if self.options.flavor == Flavor::Dynamo {
            if Status::read(&answer) == Some(Status::Failed) || !answer["error"].is_null() {
                return Err(errors::of_job(&self.http, &answer));
            }
            let results = answer["data"].as_array().map(Vec::as_slice).unwrap_or_default();
            let located = results.iter().filter_map(|one| one["url"].as_str());
            let outputs: Vec<Output> =
                located.map(|url| Output { id: id.to_owned(), location: url.to_owned() }).collect();
            let job = Some(outputs).filter(|outputs| !outputs.is_empty());
            return job
                .and_then(|outputs| done::job(outputs, None))
                .ok_or_else(|| begun("the answer holds no clip"));
        }
        self.remember_job(idempotency_key, id);
        Ok(JobId(id.to_owned()))
    }

    async fn find(&self, request: &ClipRequest, idempotency_key: &str) -> Result<Option<JobId>, ClipError> {
        if self.options.flavor == Flavor::Dynamo {
            return Err(bad_answer("the server keeps no jobs, so that none can be found again"));
        }
        let request = &self.capabilities.fitted(request).request;
        let made = self.options.shape.made(request)?;
        let jobs = self.list().await?;
        let found = self.pick(&jobs, request, &made, idempotency_key)?;
        if let Some(job) = &found {
            self.remember_job(idempotency_key, &job.0);
        }
        Ok(found)
    }

    async fn poll(&self, job: &JobId) -> Result<JobState, ClipError> {
        if let Some(state) = done::state(job) {
            return Ok(state);
        }
        let body = self.call(Method::GET, &["v1", "videos", &job.0], &[], None, Effect::None).await?;
        let status = Status::read(&body).ok_or_else(|| bad_answer("the job's status is not understood"))?;
        let percent = wire::percent(&body);
        Ok(match status {
            Status::Queued => JobState::Queued,
            Status::InProgress if percent.is_none() && self.options.in_progress_may_wait => JobState::Queued,
            Status::InProgress => JobState::Running { percent },
            Status::Completed => wire::done(job, &body),
            Status::Failed => {
                let charged = self.options.row.of_nothing_made();
                JobState::Failed(ClipError { charged, ..errors::of_job(&self.http, &body) })
            }
            Status::Gone => {
                let word = body["status"].as_str().unwrap_or_default().to_owned();
                let message = format!("the server says that the job is {word}");
                let error = ClipError::new(ClipErrorKind::Failed, message);
                JobState::Failed(ClipError { code: Some(word), ..error })
            }
        })
    }

    async fn cancel(&self, job: &JobId) -> Result<Cancelled, ClipError> {
        if self.options.flavor == Flavor::Dynamo {
            return Ok(Cancelled::MayGoOn);
        }
        match self.call(Method::DELETE, &["v1", "videos", &job.0], &[], None, Effect::None).await {
            Ok(_) if self.options.delete_stops => Ok(Cancelled::Free),
            // A job that the server does not know may be one whose work goes on.
            Ok(_) => Ok(Cancelled::MayGoOn),
            Err(error) if error.kind == ClipErrorKind::UnknownJob => Ok(Cancelled::MayGoOn),
            Err(error) => Err(error),
        }
    }

    async fn fetch(&self, job: &JobId, output: &Output) -> Result<Vec<u8>, ClipError> {
        let address = match output.location.as_str() {
            "content" => self.http.url(&["v1", "videos", &job.0, "content"]).to_string(),
            other => other.to_owned(),
        };
        let bytes = self.http.download(&address, self.authorization().as_deref()).await?;
        check_whole(&bytes)?;
        Ok(bytes)
    }
}
