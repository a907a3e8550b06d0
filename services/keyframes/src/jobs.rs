//! Jobs of one device: one under way, others behind it, results kept until there are too many.
//!
//! They live in memory. What a restart or newer results have displaced is unknown, costs nothing, and is made
//! again under the same key.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use spotwright_core::ports::clip_source::{Cancelled, ClipError, ClipErrorKind, ClipRequest, JobId};
use spotwright_core::spine::Shutdown;
use spotwright_schemas::money::Micros;
use tokio::sync::watch;

/// Ended jobs that are kept.
const KEPT: usize = 32;
/// Bytes of results that are kept; the newest is kept whatever its size.
const KEPT_BYTES: usize = 256 << 20;
/// When to come again where too many wait.
const COME_AGAIN: Duration = Duration::from_secs(5);

/// Makes the file of a job on the calling thread.
pub(crate) trait Work: Send {
    /// Makes it; `progress` hears percents. Ends soon after `stop` is set, with any error.
    fn make(
        &mut self,
        request: &ClipRequest,
        stop: &Shutdown,
        progress: &dyn Fn(u8),
    ) -> Result<Vec<u8>, ClipError>;
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stand {
    Queued,
    /// Percent done.
    Running(u8),
    /// The file, and the seed that it was made with.
    Done(Arc<[u8]>, u32),
    Failed(ClipError),
}

/// The jobs. Dropping them stops the one under way.
pub(crate) struct Jobs {
    shared: Arc<Shared>,
    thread: Mutex<Thread>,
    waiting: usize,
}

/// The thread that works.
enum Thread {
    /// Until the first job.
    NotBegun(Box<dyn Work>),
    Begun,
    /// It could not be started, for this reason.
    Failed(String),
}

struct Shared {
    state: Mutex<State>,
    woken: Condvar,
}

#[derive(Default)]
struct State {
    jobs: HashMap<String, Job>,
    queue: VecDeque<String>,
    /// Oldest first.
    ended: VecDeque<String>,
    closed: bool,
}

struct Job {
    request: ClipRequest,
    stand: Stand,
    stop: watch::Sender<bool>,
    stopped: Shutdown,
}

impl Jobs {
    /// No jobs; at most `waiting` may wait behind the one under way. The thread begins with the first job.
    pub(crate) fn new(work: Box<dyn Work>, waiting: usize) -> Self {
        let shared = Arc::new(Shared { state: Mutex::default(), woken: Condvar::new() });
        Self { shared, thread: Mutex::new(Thread::NotBegun(work)), waiting }
    }

    /// The job of a key; begun where there is none.
    pub(crate) fn submit(&self, request: &ClipRequest, key: &str) -> Result<JobId, ClipError> {
        let id = id_of(key);
        {
            let mut state = self.shared.lock();
            if let Some(job) = state.jobs.get(&id.0) {
                if job.request == *request {
                    return Ok(id);
                }
                let message = "another request was submitted under this key";
                return Err(ClipError::new(ClipErrorKind::BadRequest, message));
            }
            if state.queue.len() >= self.waiting {
                let message = format!("{} jobs wait already", state.queue.len());
                let error = ClipError::new(ClipErrorKind::Busy, message);
                return Err(ClipError { retry_after: Some(COME_AGAIN), ..error });
            }
            self.begin()?;
            let (stop, stopped) = Shutdown::new();
            let job = Job { request: request.clone(), stand: Stand::Queued, stop, stopped };
            state.jobs.insert(id.0.clone(), job);
            state.queue.push_back(id.0.clone());
        }
        self.shared.woken.notify_one();
        Ok(id)
    }

    /// The job of a key.
    pub(crate) fn find(&self, key: &str) -> Option<JobId> {
        let id = id_of(key);
        self.shared.lock().jobs.contains_key(&id.0).then_some(id)
    }

    /// Where a job stands.
    pub(crate) fn stand(&self, id: &JobId) -> Result<Stand, ClipError> {
        self.shared.lock().jobs.get(&id.0).map(|job| job.stand.clone()).ok_or_else(unknown)
    }

    /// Tells a job to stop. One that is not done costs nothing, also one that is not known.
    pub(crate) fn cancel(&self, id: &JobId) -> Cancelled {
        let mut state = self.shared.lock();
        let Some(job) = state.jobs.get_mut(&id.0) else { return Cancelled::Free };
        match job.stand {
            Stand::Done(..) => Cancelled::MayGoOn,
            Stand::Failed(_) => Cancelled::Free,
            Stand::Running(_) => {
                job.stop.send_replace(true);
                Cancelled::Free
            }
            Stand::Queued => {
                job.stand = Stand::Failed(called_off());
                state.queue.retain(|waiting| *waiting != id.0);
                state.end(&id.0);
                Cancelled::Free
            }
        }
    }

    /// Starts the thread where it has not begun.
    fn begin(&self) -> Result<(), ClipError> {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        *thread = match std::mem::replace(&mut *thread, Thread::Begun) {
            Thread::NotBegun(mut work) => {
                let shared = Arc::clone(&self.shared);
                let builder = std::thread::Builder::new().name("keyframes".to_owned());
                match builder.spawn(move || while shared.next(work.as_mut()) {}) {
                    Ok(_) => Thread::Begun,
                    Err(error) => Thread::Failed(error.to_string()),
                }
            }
            other => other,
        };
        let Thread::Failed(error) = &*thread else { return Ok(()) };
        let message = format!("no thread for the model can be started: {error}; restart the program");
        Err(ClipError::new(ClipErrorKind::NotAllowed, message))
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        state.queue.clear();
        for job in state.jobs.values() {
            job.stop.send_replace(true);
        }
        drop(state);
        self.shared.woken.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a job and makes it. False when there will be none any more.
    fn next(&self, work: &mut dyn Work) -> bool {
        let mut state = self.lock();
        let id = loop {
            if state.closed {
                return false;
            }
            match state.queue.pop_front() {
                Some(id) => break id,
                None => state = self.woken.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        };
        let Some(job) = state.jobs.get_mut(&id) else { return true };
        job.stand = Stand::Running(0);
        let (request, stop) = (job.request.clone(), job.stopped.clone());
        drop(state);
        let progress = |percent: u8| {
            if let Some(job) = self.lock().jobs.get_mut(&id) {
                job.stand = Stand::Running(percent.min(99));
            }
        };
        let made = catch_unwind(AssertUnwindSafe(|| work.make(&request, &stop, &progress)));
        let stand = match made {
            Ok(Ok(file)) if file.is_empty() => Stand::Failed(failed("nothing was made")),
            Ok(Ok(file)) => Stand::Done(file.into(), request.seed),
            Ok(Err(_)) if stop.is_set() => Stand::Failed(called_off()),
            Ok(Err(error)) => Stand::Failed(ClipError { charged: Some(Micros::ZERO), ..error }),
            Err(_) => Stand::Failed(failed("the model's code ended in a panic; its words stand in the log")),
        };
        let mut state = self.lock();
        if let Some(job) = state.jobs.get_mut(&id) {
            job.stand = stand;
        }
        state.end(&id);
        true
    }
}

impl State {
    /// Notes the end of a job, and forgets the oldest results where there are too many.
    fn end(&mut self, id: &str) {
        self.ended.push_back(id.to_owned());
        let bytes = |state: &Self| -> usize {
            let files = state.ended.iter().filter_map(|id| state.jobs.get(id));
            files.map(|job| if let Stand::Done(file, _) = &job.stand { file.len() } else { 0 }).sum()
        };
        while self.ended.len() > 1 && (self.ended.len() > KEPT || bytes(self) > KEPT_BYTES) {
            if let Some(oldest) = self.ended.pop_front() {
                self.jobs.remove(&oldest);
            }
        }
    }
}

/// The job's id: the key's hash, so that it is the same in every process.
fn id_of(key: &str) -> JobId {
    let hash = blake3::hash(format!("keyframes job {key}").as_bytes()).to_hex();
    JobId(format!("keyframe-{}", &hash[..32]))
}

/// The job is not here; whatever was done for it costs nothing.
pub(crate) fn unknown() -> ClipError {
    let message = "this process has no such job: a restart loses jobs, and newer results displace older ones; it \
                   costs nothing to make it again";
    ClipError { charged: Some(Micros::ZERO), ..ClipError::new(ClipErrorKind::UnknownJob, message) }
}

/// The model failed at its work, which costs nothing.
pub(crate) fn failed(message: impl Into<String>) -> ClipError {
    ClipError { charged: Some(Micros::ZERO), ..ClipError::new(ClipErrorKind::Failed, message) }
}

fn called_off() -> ClipError {
    failed("the job was called off")
}

#[cfg(test)]
mod tests;
