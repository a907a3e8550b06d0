//! Clip sources: who makes the moving picture of one shot. The ad is made of clips by the compositor
//! ([`super::video_backend`]), and judged by [`super::quality_gate`].
//!
//! A clip is made as a job: submitted under an idempotency key, looked at again and again, fetched at
//! once when it is done, since providers delete what they made. Nothing here waits; the spine does.

use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use spotwright_schemas::money::{Currency, Micros};
use spotwright_schemas::storyboard::FrameSize;

use super::artifacts::ArtifactHash;

mod inputs;

pub use inputs::{Fitted, Inputs, Leavable, LeftAway, with_tags};

/// What a request asks for beyond words. Which of them a source can do stands in its [`Capabilities`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ability {
    /// A clip from words alone.
    TextToVideo,
    /// A clip that begins with a given picture.
    ImageToVideo,
    /// A clip that ends with a given picture.
    LastFrame,
    /// A clip in which things of several reference pictures appear.
    MultiImage,
    /// A clip that takes up a reference clip.
    VideoReference,
    /// Several shots with a prompt each in one clip.
    MultiShot,
    /// More seconds behind a clip that the same source made.
    Extend,
    /// Lips of a clip that follow a sound.
    LipSync,
    /// Masked parts of the first picture moved along given paths.
    MotionBrush,
    /// One still picture from words and, where given, a picture.
    Picture,
    /// Speech from text.
    Speech,
    /// Sound that belongs to the clip.
    Sound,
}

impl Ability {
    /// The ability in words, e.g. `a clip that ends with a given picture`.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::TextToVideo => "a clip from words alone",
            Self::ImageToVideo => "a clip that begins with a given picture",
            Self::LastFrame => "a clip that ends with a given picture",
            Self::MultiImage => "a clip with things of several reference pictures",
            Self::VideoReference => "a clip that takes up a reference clip",
            Self::MultiShot => "several shots in one clip",
            Self::Extend => "more behind an earlier clip",
            Self::LipSync => "lips that follow a sound",
            Self::MotionBrush => "parts of a picture moved along paths",
            Self::Picture => "a still picture",
            Self::Speech => "speech from text",
            Self::Sound => "sound of its own",
        }
    }
}

/// A picture or clip that a prompt names as `@name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// How the prompt names it, without `@`: letters, digits, `_` and `-`.
    pub name: String,
    /// Picture or clip.
    pub kind: ReferenceKind,
    /// Its bytes in the artifact store.
    pub artifact: ArtifactHash,
}

/// What a reference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceKind {
    /// PNG or JPEG.
    Picture,
    /// MP4.
    Clip,
}

/// One shot of a clip with several.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShotPrompt {
    /// What happens, at most 512 characters.
    pub prompt: String,
    /// How long, in frames of [`ClipRequest::fps`].
    pub frames: u32,
}

/// A part of the first picture that moves.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MovedPart {
    /// A mask of the first picture's size: white moves.
    pub mask: ArtifactHash,
    /// 2–77 points in pixels of the first picture, origin at the **top left**.
    pub path: Vec<(u32, u32)>,
}

/// How the camera moves, each in -10..=10; at most one is not zero where a source allows one only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CameraMove {
    /// Left (-) to right (+).
    pub horizontal: i8,
    /// Down (-) to up (+).
    pub vertical: i8,
    /// Turned down (-) or up (+).
    pub pan: i8,
    /// Turned left (-) or right (+).
    pub tilt: i8,
    /// Counter-clockwise (-) or clockwise (+).
    pub roll: i8,
    /// Away (-) or closer (+).
    pub zoom: i8,
}

/// What is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ClipTask {
    /// A clip from the request's prompt, frames and references.
    Generate,
    /// A clip of several shots; the request's prompt is the whole's summary.
    MultiShot {
        /// 2–6 shots; their frames add up to the request's.
        shots: Vec<ShotPrompt>,
    },
    /// More behind a clip that this source made under another job.
    Extend {
        /// The earlier job's output.
        of: String,
    },
    /// The clip's lips follow the sound.
    LipSync {
        /// MP4 with a face.
        clip: ArtifactHash,
        /// MP3, WAV or M4A.
        sound: ArtifactHash,
    },
    /// Parts of the first picture move; the rest stands.
    MotionBrush {
        /// At most 6.
        parts: Vec<MovedPart>,
    },
    /// One still picture.
    Picture,
    /// Speech.
    Speech {
        /// What is said, at most 1,000 characters.
        text: String,
        /// Whose voice, by the source's own name; empty for its first.
        voice: String,
    },
}

impl ClipTask {
    /// The task as written in keys, traces and reports.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Generate => "generate",
            Self::MultiShot { .. } => "multi_shot",
            Self::Extend { .. } => "extend",
            Self::LipSync { .. } => "lip_sync",
            Self::MotionBrush { .. } => "motion_brush",
            Self::Picture => "picture",
            Self::Speech { .. } => "speech",
        }
    }
}

/// A clip that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipRequest {
    /// What is to be made.
    pub task: ClipTask,
    /// What happens, at most 2,500 characters; `@name` names a reference.
    pub prompt: String,
    /// What must not be seen, at most 2,500 characters; may be empty.
    pub negative_prompt: String,
    /// The picture that the clip begins with.
    pub first_frame: Option<ArtifactHash>,
    /// The picture that the clip ends with.
    pub last_frame: Option<ArtifactHash>,
    /// Pictures and clips that the prompt names.
    pub references: Vec<Reference>,
    /// How the camera moves; `None` leaves it to the source.
    pub camera: Option<CameraMove>,
    /// Size of the finished ad; the source makes what comes nearest, and the compositor fits it.
    pub size: FrameSize,
    /// Frames that the shot needs. The source makes at least as many where it can.
    pub frames: u32,
    /// Frames per second of the shot.
    pub fps: u32,
    /// Seed of the source's randomness; part of the key, since sources may take another.
    pub seed: u32,
    /// Whether the clip has sound of its own.
    pub sound: bool,
}

impl ClipRequest {
    /// Seconds that the shot needs.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        f64::from(self.frames) / f64::from(self.fps.max(1))
    }

    /// What a source must be able to do for this request.
    #[must_use]
    pub fn needs(&self) -> Vec<Ability> {
        let mut needs = match &self.task {
            ClipTask::Generate => Vec::new(),
            ClipTask::MultiShot { .. } => vec![Ability::MultiShot],
            ClipTask::Extend { .. } => vec![Ability::Extend],
            ClipTask::LipSync { .. } => vec![Ability::LipSync],
            ClipTask::MotionBrush { .. } => vec![Ability::MotionBrush],
            ClipTask::Picture => vec![Ability::Picture],
            ClipTask::Speech { .. } => vec![Ability::Speech],
        };
        let pictures = self.references.iter().filter(|one| one.kind == ReferenceKind::Picture).count();
        if self.references.iter().any(|one| one.kind == ReferenceKind::Clip) {
            needs.push(Ability::VideoReference);
        }
        if matches!(self.task, ClipTask::Generate) {
            match (self.first_frame.is_some(), pictures) {
                (true, _) => needs.push(Ability::ImageToVideo),
                (false, 0) => needs.push(Ability::TextToVideo),
                (false, _) => needs.push(Ability::MultiImage),
            }
        }
        if self.last_frame.is_some() {
            needs.push(Ability::LastFrame);
        }
        if self.sound {
            needs.push(Ability::Sound);
        }
        needs
    }
}

/// What a source can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// The model that answers, by its provider's name.
    pub model: String,
    /// What it can do.
    pub abilities: Vec<Ability>,
    /// What it takes beside words and frames; the rest is left away ([`Capabilities::fitted`]).
    pub inputs: Inputs,
    /// Shortest clip in seconds.
    pub min_seconds: f64,
    /// Longest clip in seconds.
    pub max_seconds: f64,
    /// Jobs that may be under way at once; more are refused by the provider and wait here.
    pub parallel: u32,
    /// Whether equal requests with equal seeds give equal bytes.
    pub repeatable: bool,
    /// Where it runs.
    pub class: RendererClass,
}

/// Which machines take the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum RendererClass {
    /// The studio's compositor: any machine.
    #[serde(rename = "render.cpu")]
    Cpu,
    /// A model in this process: a machine with a GPU.
    #[serde(rename = "render.gpu")]
    Gpu,
    /// A provider's machine; here is only waited.
    #[serde(rename = "render.remote")]
    Remote,
}

/// Under which terms clips may be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// Its name, e.g. `Apache-2.0` or the provider's terms.
    pub name: String,
    /// Territories where clips must not be used: ISO 3166 codes in capitals, and `EU`.
    pub excluded: Vec<String>,
    /// Yearly revenue above which the licence costs money, in whole US dollars; `None` without limit.
    pub revenue_limit_usd: Option<u64>,
    /// When its terms were read, `YYYY-MM-DD`.
    pub read: String,
}

/// What a job costs at most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quote {
    /// Upper bound in the source's currency.
    pub at_most: Micros,
    /// The source's currency.
    pub currency: Currency,
    /// Date of the price table, `YYYY-MM-DD`.
    pub prices_of: String,
}

/// A job by the provider's id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub String);

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state", deny_unknown_fields)]
pub enum JobState {
    /// Not begun. A provider's `in_progress` without progress is queued as well where it is known to lie.
    Queued,
    /// Under way.
    Running {
        /// Percent done, where the provider tells.
        percent: Option<u8>,
    },
    /// The first of two parts is done and paid; [`ClipSource::go_on`] begins the second.
    Halfway {
        /// What the first part was charged, at most.
        charged: Micros,
    },
    /// Done.
    Done {
        /// What it made; never empty.
        outputs: Vec<Output>,
        /// What was charged; `None` where the provider does not tell, and the quote counts.
        charged: Option<Micros>,
        /// The seed that was used, where the provider tells: not always the one asked for.
        seed: Option<u64>,
    },
    /// Failed or cancelled at the provider.
    Failed(ClipError),
}

/// One file that a job made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    /// The provider's id of it, for [`ClipTask::Extend`]; may be empty.
    pub id: String,
    /// Where it lies: an address, or what [`ClipSource::fetch`] of the same source understands.
    pub location: String,
}

/// Whether a job that was told to stop costs anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cancelled {
    /// The provider says that it stopped, or never began: nothing is charged.
    Free,
    /// It may go on, and may be charged: the quote stays spent until the job says otherwise.
    MayGoOn,
}

/// Kinds of errors, by what is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClipErrorKind {
    /// Too many jobs at once: queue and try again.
    Busy,
    /// Too many requests: try again a little later.
    TooFast,
    /// The provider is away, in maintenance or broken: try again with growing waits.
    Unavailable,
    /// Key or signature refused, after one renewal: the operator must act.
    Authentication,
    /// No money or no resource pack: the operator must act.
    NoFunds,
    /// No right to this model, address or method.
    NotAllowed,
    /// The request breaks a rule of the provider.
    BadRequest,
    /// Content policy: never tried again, shown to a person.
    Policy,
    /// The job is not known (any more).
    UnknownJob,
    /// The answer cannot be understood, or the result is gone or broken.
    BadAnswer,
    /// The model failed at its work.
    Failed,
}

/// What went wrong at a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(deny_unknown_fields)]
#[error("{message}")]
pub struct ClipError {
    /// What is to be done.
    pub kind: ClipErrorKind,
    /// The provider's own code, where it has one.
    pub code: Option<String>,
    /// The provider's words, without secrets.
    pub message: String,
    /// How long the provider asks to wait.
    pub retry_after: Option<Duration>,
    /// Whether the call may have had an effect all the same: the answer was lost on its way.
    pub may_have_begun: bool,
    /// What the provider says it charged for a failed job, or what a job costs at most that cannot be found;
    /// `None` where nobody tells.
    pub charged: Option<Micros>,
}

impl ClipError {
    /// An error that certainly had no effect.
    #[must_use]
    pub fn new(kind: ClipErrorKind, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, code: None, message, retry_after: None, may_have_begun: false, charged: None }
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.kind, ClipErrorKind::Busy | ClipErrorKind::TooFast | ClipErrorKind::Unavailable)
    }
}

/// Makes clips.
///
/// Contract:
/// 1. `quote` refuses what the source cannot do, with the reason, and is otherwise an upper bound of what
///    one job is charged.
/// 2. `submit` sends the key where the provider takes one. An error says whether the job may have begun.
/// 3. `find` finds the job of a key after a crash of either side: by the provider's own key, or by what
///    else makes the request unmistakable. `Ok(None)` means that there certainly is none; a source that
///    cannot tell answers with an error of kind [`ClipErrorKind::BadAnswer`].
/// 4. `poll` costs nothing and changes nothing. A job without outputs is not done, whatever it says.
/// 5. `cancel` says [`Cancelled::Free`] only where the provider promises it.
/// 6. `fetch` gives whole files: what is shorter than promised is an error.
/// 7. A job of two parts that are paid one by one is [`JobState::Halfway`] between them, so that whoever
///    asked for it knows what is paid before the second begins. `go_on` sends the key: begun twice, the
///    second part is the same job.
/// 8. What [`Capabilities::fitted`] leaves away of a request is not sent, and no reason to refuse it; whoever
///    asks learns from there what that is. Whatever else cannot be met is refused by `quote`.
#[async_trait]
pub trait ClipSource: Send + Sync {
    /// The source's name in configuration, trace and report.
    fn name(&self) -> &str;

    /// What it can do.
    fn capabilities(&self) -> &Capabilities;

    /// Under which terms.
    fn licence(&self) -> &Licence;

    /// What a job costs at most, or why it cannot be done.
    ///
    /// # Errors
    /// [`ClipErrorKind::BadRequest`] naming what the source lacks.
    fn quote(&self, request: &ClipRequest) -> Result<Quote, ClipError>;

    /// Asks for the clip.
    ///
    /// # Errors
    /// [`ClipError`].
    async fn submit(&self, request: &ClipRequest, idempotency_key: &str) -> Result<JobId, ClipError>;

    /// The job of a key that may have been submitted.
    ///
    /// # Errors
    /// [`ClipError`]; kind [`ClipErrorKind::BadAnswer`] when it cannot be told.
    async fn find(&self, request: &ClipRequest, idempotency_key: &str) -> Result<Option<JobId>, ClipError>;

    /// Where the job stands.
    ///
    /// # Errors
    /// [`ClipError`] when it cannot be told; a job that failed is [`JobState::Failed`].
    async fn poll(&self, job: &JobId) -> Result<JobState, ClipError>;

    /// Begins the second part of a job that is [`JobState::Halfway`], and gives the job that it is from then
    /// on.
    ///
    /// # Errors
    /// [`ClipError`], whose `charged` counts the first part; kind [`ClipErrorKind::BadRequest`] from sources
    /// whose jobs have one part.
    async fn go_on(
        &self,
        _request: &ClipRequest,
        _idempotency_key: &str,
        _job: &JobId,
    ) -> Result<JobId, ClipError> {
        Err(ClipError::new(ClipErrorKind::BadRequest, "jobs of this source have one part"))
    }

    /// Tells the job to stop.
    ///
    /// # Errors
    /// [`ClipError`].
    async fn cancel(&self, job: &JobId) -> Result<Cancelled, ClipError>;

    /// The bytes of an output.
    ///
    /// # Errors
    /// [`ClipError`]; kind [`ClipErrorKind::BadAnswer`] when they are gone or not whole.
    async fn fetch(&self, job: &JobId, output: &Output) -> Result<Vec<u8>, ClipError>;
}
