//! A source of clips that does what a test tells it, and keeps books of its own.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use spotwright_core::ports::clip_source::{
    Ability, Cancelled, Capabilities, ClipError, ClipErrorKind, ClipRequest, ClipSource, Inputs, JobId,
    JobState, Licence, Output, Quote, RendererClass,
};
use spotwright_schemas::money::{Currency, Micros};

/// What becomes of a submission.
#[derive(Debug, Clone)]
pub(crate) enum Submission {
    /// Taken.
    Taken,
    /// Refused, without any effect.
    Refused(ClipErrorKind),
    /// Taken, and the answer is lost on its way.
    AnswerLost,
    /// The process that submits dies before anything has arrived.
    DiesBefore,
    /// The process that submits dies after it has arrived.
    DiesAfter,
}

/// What becomes of a job.
#[derive(Debug, Clone)]
pub(crate) enum Fate {
    /// Done after so many looks.
    Done(u32),
    /// Fails, charged or not, as the source says.
    Fails(ClipErrorKind, Option<Micros>),
    /// Never ends.
    Hangs,
    /// The source forgets it.
    Forgotten,
    /// The source forgets it, and says that it charged nothing.
    ForgottenForFree,
}

/// A job as its provider knows it.
#[derive(Debug, Clone)]
struct Job {
    fate: Fate,
    looks: u32,
    billed: bool,
}

/// The provider's side.
#[derive(Debug, Default)]
struct Books {
    submissions: VecDeque<Submission>,
    fates: VecDeque<Fate>,
    /// By the key under which they were submitted.
    jobs: BTreeMap<String, Job>,
    /// Every key that has arrived, in order.
    arrived: Vec<String>,
    billed: Micros,
    cancelled: Vec<String>,
}

/// A source of clips.
pub(crate) struct Scripted {
    name: String,
    pub(crate) capabilities: Capabilities,
    pub(crate) licence: Licence,
    pub(crate) price: Micros,
    pub(crate) currency: Currency,
    /// Whether a job can be found by its key.
    pub(crate) finds: bool,
    /// What a cancelled job costs.
    pub(crate) cancelled: Cancelled,
    books: Mutex<Books>,
}

impl Scripted {
    pub(crate) fn new(name: &str, price: i64) -> Self {
        Self {
            name: name.to_owned(),
            capabilities: Capabilities {
                model: format!("{name}-1"),
                abilities: vec![Ability::TextToVideo, Ability::ImageToVideo, Ability::MultiImage],
                inputs: Inputs::EVERYTHING,
                min_seconds: 1.0,
                max_seconds: 10.0,
                parallel: 4,
                repeatable: true,
                class: RendererClass::Remote,
            },
            licence: Licence {
                name: "Apache-2.0".to_owned(),
                excluded: Vec::new(),
                revenue_limit_usd: None,
                read: "2026-11-01".to_owned(),
            },
            price: Micros(price),
            currency: Currency::USD,
            finds: true,
            cancelled: Cancelled::MayGoOn,
            books: Mutex::default(),
        }
    }

    /// What becomes of the next submissions; all others are taken.
    pub(crate) fn submissions(self, next: impl IntoIterator<Item = Submission>) -> Self {
        self.books().submissions.extend(next);
        self
    }

    /// What becomes of the next jobs; all others are done at the second look.
    pub(crate) fn fates(self, next: impl IntoIterator<Item = Fate>) -> Self {
        self.books().fates.extend(next);
        self
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Submissions that have arrived.
    pub(crate) fn arrived(&self) -> usize {
        self.books().arrived.len()
    }

    /// Keys that have arrived twice or more.
    pub(crate) fn arrived_twice(&self) -> Vec<String> {
        let books = self.books();
        let times = |key: &String| books.arrived.iter().filter(|other| *other == key).count();
        books.arrived.iter().filter(|key| times(key) > 1).cloned().collect()
    }

    /// What the provider bills in all.
    pub(crate) fn billed(&self) -> Micros {
        self.books().billed
    }

    pub(crate) fn n_cancelled(&self) -> usize {
        self.books().cancelled.len()
    }

    fn take_in(&self, key: &str) -> JobId {
        let mut books = self.books();
        books.arrived.push(key.to_owned());
        let fate = books.fates.pop_front().unwrap_or(Fate::Done(2));
        books.jobs.insert(key.to_owned(), Job { fate, looks: 0, billed: false });
        JobId(format!("job-{key}"))
    }
}

fn key_of(job: &JobId) -> &str {
    job.0.strip_prefix("job-").unwrap_or_default()
}

fn error(kind: ClipErrorKind) -> ClipError {
    ClipError::new(kind, format!("{kind:?} it said"))
}

#[async_trait]
impl ClipSource for Scripted {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn licence(&self) -> &Licence {
        &self.licence
    }

    fn quote(&self, _: &ClipRequest) -> Result<Quote, ClipError> {
        Ok(Quote { at_most: self.price, currency: self.currency, prices_of: "2026-11-01".to_owned() })
    }

    async fn submit(&self, _: &ClipRequest, key: &str) -> Result<JobId, ClipError> {
        let submission = self.books().submissions.pop_front().unwrap_or(Submission::Taken);
        match submission {
            Submission::Taken => Ok(self.take_in(key)),
            Submission::Refused(kind) => Err(error(kind)),
            Submission::AnswerLost => {
                self.take_in(key);
                Err(ClipError { may_have_begun: true, ..error(ClipErrorKind::Unavailable) })
            }
            Submission::DiesBefore => panic!("the process dies before its submission arrives"),
            Submission::DiesAfter => {
                self.take_in(key);
                panic!("the process dies after its submission has arrived")
            }
        }
    }

    async fn find(&self, _: &ClipRequest, key: &str) -> Result<Option<JobId>, ClipError> {
        if !self.finds {
            return Err(error(ClipErrorKind::BadAnswer));
        }
        let books = self.books();
        let known =
            books.jobs.get(key).filter(|job| !matches!(job.fate, Fate::Forgotten | Fate::ForgottenForFree));
        Ok(known.map(|_| JobId(format!("job-{key}"))))
    }

    async fn poll(&self, job: &JobId) -> Result<JobState, ClipError> {
        let mut books = self.books();
        let Some(known) = books.jobs.get_mut(key_of(job)) else {
            return Err(error(ClipErrorKind::UnknownJob));
        };
        known.looks += 1;
        match known.fate.clone() {
            Fate::Done(looks) if known.looks >= looks => {
                let first = !std::mem::replace(&mut known.billed, true);
                if first {
                    books.billed += self.price;
                }
                let output = Output { id: String::new(), location: key_of(job).to_owned() };
                Ok(JobState::Done { outputs: vec![output], charged: Some(self.price), seed: Some(99) })
            }
            Fate::Fails(kind, charged) => {
                let first = !std::mem::replace(&mut known.billed, true);
                if first {
                    books.billed += charged.unwrap_or_default();
                }
                Ok(JobState::Failed(ClipError { charged, ..error(kind) }))
            }
            Fate::Forgotten => Err(error(ClipErrorKind::UnknownJob)),
            Fate::ForgottenForFree => {
                Err(ClipError { charged: Some(Micros::ZERO), ..error(ClipErrorKind::UnknownJob) })
            }
            Fate::Done(_) | Fate::Hangs => Ok(JobState::Running { percent: None }),
        }
    }

    async fn cancel(&self, job: &JobId) -> Result<Cancelled, ClipError> {
        let mut books = self.books();
        books.cancelled.push(job.0.clone());
        if self.cancelled == Cancelled::MayGoOn {
            books.billed += self.price;
        }
        Ok(self.cancelled)
    }

    async fn fetch(&self, job: &JobId, _: &Output) -> Result<Vec<u8>, ClipError> {
        Ok(format!("mp4 of {}", job.0).into_bytes())
    }
}
