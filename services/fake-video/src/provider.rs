//! What all dialects share: jobs, log, files, time.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hyper::body::Bytes;
use spotwright_schemas::money::Micros;
use tokio::sync::{mpsc, watch};

use crate::bill::{Generation, HttpCall, Log};
use crate::callbacks::{self, Callback};
use crate::clip::Error;
use crate::clock::ProviderClock;
use crate::faults::{Fault, Plan};
use crate::jobs::{Change, Jobs, NewJob, Phase, Pool, PoolRules, Refused};
use crate::options::Options;

/// Made files by job, output and the faults that spoilt them.
type Files = BTreeMap<(String, u32, String), Bytes>;

/// The provider.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) options: Options,
    pub(crate) clock: ProviderClock,
    pub(crate) plan: Plan,
    /// `http://ADDRESS:PORT`.
    pub(crate) base: String,
    state: Mutex<State>,
    callbacks: mpsc::UnboundedSender<Callback>,
    /// Callbacks that are not sent yet.
    pub(crate) unsent: watch::Sender<usize>,
    /// Counts restarts; every connection ends when it changes.
    pub(crate) restarts: watch::Sender<u64>,
    /// Until when nobody answers.
    away_until_ms: AtomicI64,
}

/// What changes.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) jobs: Jobs,
    pub(crate) log: Log,
    /// ComfyUI's input folder, by name.
    pub(crate) uploads: BTreeMap<String, Bytes>,
    files: Files,
    counted: u64,
}

impl State {
    /// A number that was not given before, from 1.
    pub(crate) fn count(&mut self) -> u64 {
        self.counted += 1;
        self.counted
    }
}

impl Provider {
    pub(crate) fn new(
        options: Options,
        plan: Plan,
        base: String,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Callback>) {
        let (callbacks, to_send) = mpsc::unbounded_channel();
        let own = PoolRules { lanes: Some(options.lanes), slots: None, keys_are_unique: false };
        let kling = |slots| PoolRules { lanes: None, slots: Some(slots), keys_are_unique: true };
        let rules = BTreeMap::from([
            (Pool::KlingVideos, kling(options.parallel_videos)),
            (Pool::KlingPictures, kling(options.parallel_pictures)),
            (Pool::Videos, own),
            (Pool::Comfyui, own),
        ]);
        let provider = Arc::new(Self {
            clock: ProviderClock::new(options.clock.clone(), options.speed),
            options,
            plan,
            base,
            state: Mutex::new(State { jobs: Jobs::new(rules), ..State::default() }),
            callbacks,
            unsent: watch::Sender::new(0),
            restarts: watch::Sender::new(0),
            away_until_ms: AtomicI64::new(i64::MIN),
        });
        (provider, to_send)
    }

    /// The state, up to date.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = state.jobs.advance(self.clock.now_ms());
        self.record(&mut state, &changes);
        state
    }

    /// Takes a job and notes it in the log.
    pub(crate) fn submit(&self, state: &mut State, asked: NewJob) -> Result<(), Refused> {
        self.submit_lasting(state, asked, self.options.queue_ms, self.options.work_ms)
    }

    /// Takes a job that is done before the call is answered.
    pub(crate) fn submit_at_once(&self, state: &mut State, asked: NewJob) -> Result<(), Refused> {
        self.submit_lasting(state, asked, 0, 0)?;
        let changes = state.jobs.advance(self.clock.now_ms());
        self.record(state, &changes);
        Ok(())
    }

    fn submit_lasting(
        &self,
        state: &mut State,
        asked: NewJob,
        queue_ms: i64,
        work_ms: i64,
    ) -> Result<(), Refused> {
        let job = state.jobs.submit(self.clock.now_ms(), queue_ms, work_ms, asked)?;
        state.log.generations.push(Generation {
            job: job.asked.id.clone(),
            dialect: job.asked.dialect,
            key: job.asked.key.clone(),
            request: job.asked.request.clone(),
            prompt: job.asked.work.prompt().to_owned(),
            seed: job.asked.work.seed(&job.asked.faults),
            price: job.asked.price,
            charged: Micros::ZERO,
            currency: job.asked.currency,
            accepted_ms: job.accepted_ms,
            started_ms: None,
            ended_ms: None,
            end: job.phase.as_str().to_owned(),
        });
        Ok(())
    }

    /// Tells a job to stop. Returns whether there is one.
    pub(crate) fn cancel(&self, state: &mut State, id: &str) -> bool {
        let Some(changes) = state.jobs.cancel(self.clock.now_ms(), id) else { return false };
        self.record(state, &changes);
        true
    }

    /// Starts anew: connections break, and jobs under way may be lost.
    pub(crate) fn restart(&self, keeps_jobs: bool) {
        {
            let mut state = self.state();
            let changes = state.jobs.restart(self.clock.now_ms(), keeps_jobs);
            self.record(&mut state, &changes);
        }
        self.restarts.send_modify(|restarts| *restarts += 1);
    }

    /// Answers nobody for so long.
    pub(crate) fn leave_for(&self, ms: i64) {
        self.away_until_ms.store(self.clock.now_ms() + ms, Ordering::SeqCst);
    }

    pub(crate) fn is_away(&self) -> bool {
        self.clock.now_ms() < self.away_until_ms.load(Ordering::SeqCst)
    }

    /// Notes a call; the answer's status follows by [`Provider::note_status`].
    pub(crate) fn note_call(&self, call: HttpCall) -> usize {
        let mut state = self.state();
        state.log.calls.push(call);
        state.log.calls.len() - 1
    }

    pub(crate) fn note_status(&self, call: usize, status: Option<u16>) {
        if let Some(call) = self.state().log.calls.get_mut(call) {
            call.status = status;
        }
    }

    /// The bytes of a job's output, made once.
    ///
    /// # Errors
    /// [`Error`] when the encoder fails; `Ok(None)` when there is no such output.
    pub(crate) async fn output(
        &self,
        id: &str,
        index: u32,
        faults: &[Fault],
    ) -> Result<Option<Bytes>, Error> {
        let key = (id.to_owned(), index, format!("{faults:?}"));
        let work = {
            let state = self.state();
            if let Some(bytes) = state.files.get(&key) {
                return Ok(Some(bytes.clone()));
            }
            let Some(job) = state.jobs.get(id).filter(|job| job.phase == Phase::Done) else {
                return Ok(None);
            };
            job.asked.work.clone()
        };
        if index >= work.outputs() {
            return Ok(None);
        }
        let faults = faults.to_vec();
        let made = tokio::task::spawn_blocking(move || work.make(index, &faults)).await;
        let bytes = Bytes::from(made.map_err(|failure| std::io::Error::other(failure.to_string()))??);
        self.state().files.insert(key, bytes.clone());
        Ok(Some(bytes))
    }

    fn record(&self, state: &mut State, changes: &[Change]) {
        for change in changes {
            let found = state.log.generations.iter_mut().rev().find(|one| one.job == change.id);
            if let Some(generation) = found {
                change.phase.as_str().clone_into(&mut generation.end);
                if change.phase == Phase::Running {
                    generation.started_ms = Some(change.at_ms);
                } else {
                    generation.ended_ms = Some(change.at_ms);
                }
                if change.phase == Phase::Done {
                    generation.charged = generation.price;
                }
            }
            let Some(job) = state.jobs.get(&change.id) else { continue };
            for callback in callbacks::about(self, job, change) {
                self.unsent.send_modify(|unsent| *unsent += 1);
                // The receiver lives as long as the provider.
                drop(self.callbacks.send(callback));
            }
        }
    }
}
