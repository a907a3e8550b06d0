//! Faults on purpose: which, on which route, at which call.

use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

/// The provider's dialects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Kling below `/v1`, with `model_name` in the body.
    KlingLegacy,
    /// Kling with the model in the path, and `/tasks`.
    Kling,
    /// `/v1/videos` of vLLM-Omni, SGLang, TensorRT-LLM.
    OpenaiVideos,
    /// ComfyUI.
    Comfyui,
}

/// What a call is for, in any dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// Asks for a generation.
    Create,
    /// Asks how jobs stand: one, several, a queue or a history.
    Poll,
    /// Takes what was made.
    Download,
    /// Tells a job to stop, or removes it.
    Cancel,
    /// Brings a picture.
    Upload,
    /// Asks what the server is and can do.
    Describe,
}

/// How a generated picture of a product is made untrue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distortion {
    /// Red and blue are exchanged.
    Color,
    /// Narrower than it is.
    Shape,
    /// Mirrored, so that no label can be read.
    Mirror,
}

/// What is wrong with a forged callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Forgery {
    /// It is about a real task and says that it failed; its signature is not the provider's.
    Signature,
    /// It is about a task that does not exist, and signed properly.
    UnknownTask,
}

/// One thing that goes wrong.
///
/// The first group concerns the call that it falls on. The second concerns the job that the call creates,
/// for as long as it exists; it has no effect on calls that create none. The third concerns the file: on
/// [`Route::Create`] every download of the job's files, on [`Route::Download`] that download alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Refused with a Kling code and its HTTP status; dialects without codes answer with the status. The
    /// call has no effect.
    Code(u16),
    /// Refused with an HTTP status. The call has no effect.
    Status(u16),
    /// No answer until the client gives up.
    Hang {
        /// Whether the call has its effect all the same: the job exists.
        accepted: bool,
    },
    /// The connection is reset without an answer.
    Reset {
        /// Whether the call has its effect all the same.
        accepted: bool,
    },
    /// The provider starts anew instead of answering, and the connection breaks.
    Restart {
        /// Whether jobs that are under way survive; if not they are unknown afterwards and never charged.
        /// ComfyUI's history is then gone too.
        keeps_jobs: bool,
    },

    /// Never begins.
    StuckQueued,
    /// Says that it is under way while it waits.
    RunningWhileQueued,
    /// Fails after its work; nothing is charged.
    Fails,
    /// Fails after its work for content policy; nothing is charged.
    FailsPolicy,
    /// Told to stop it says that it did, and goes on: the GPU works, the job is charged.
    CancelIgnored,
    /// Is unknown from the moment it is done. It is charged.
    Vanishes,
    /// Done, without outputs, and in ComfyUI without a status.
    NoOutputs,
    /// Made with this seed, whatever was asked for.
    OtherSeed(u64),
    /// The callback about the end is sent three times.
    DuplicateCallback,
    /// A forged callback comes before the true one.
    ForgedCallback(Forgery),
    /// A callback says that the job is done when it has only begun.
    EarlyCallback,

    /// The address has expired (403).
    ExpiredUrl,
    /// Only the first half of the bytes comes.
    Truncated {
        /// Whether `content-length` tells the half, so that nobody notices before decoding; otherwise it
        /// tells the whole and the connection breaks.
        honest_length: bool,
    },
    /// A page of HTML instead of a film, as `video/mp4`.
    NotMp4,
    /// Other frames per second; the length in seconds stays.
    WrongFps(u32),
    /// Another number of frames.
    WrongLength(u32),
    /// Half the size in each direction.
    WrongSize,
    /// Black throughout.
    Black,
    /// The first picture throughout.
    Frozen,
    /// One frame, as vLLM-Omni makes without `num_frames`.
    OneFrame,
    /// The product looks otherwise than in the picture that was given.
    Distorted(Distortion),
    /// Comes at so many bytes per second of real time.
    Slow(u32),
}

impl Fault {
    /// Whether it belongs to a job for as long as that exists.
    pub(crate) const fn is_of_job(self) -> bool {
        !matches!(
            self,
            Self::Code(_) | Self::Status(_) | Self::Hang { .. } | Self::Reset { .. } | Self::Restart { .. }
        )
    }
}

/// Why a fault cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no fault: write ROUTE:CALL:FAULT, e.g. `create:2:code=1303`, `poll:*:status=503`, \
     `create:1:reset=accepted`, `download:1:truncated=honest`"
)]
pub struct UnknownFault(pub String);

impl FromStr for Fault {
    type Err = UnknownFault;

    /// Reads `name` or `name=value`, as the program's `--fault` takes it.
    fn from_str(text: &str) -> Result<Self, UnknownFault> {
        let unknown = || UnknownFault(text.to_owned());
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let number = || value.and_then(|value| value.parse::<u32>().ok()).ok_or_else(unknown);
        let short = || value.and_then(|value| value.parse::<u16>().ok()).ok_or_else(unknown);
        let is = |word: &str, other: &str| match value {
            Some(value) if value == word => Ok(true),
            Some(value) if value == other => Ok(false),
            _ => Err(unknown()),
        };
        Ok(match name {
            "code" => Self::Code(short()?),
            "status" => Self::Status(short()?),
            "hang" => Self::Hang { accepted: is("accepted", "refused")? },
            "reset" => Self::Reset { accepted: is("accepted", "refused")? },
            "restart" => Self::Restart { keeps_jobs: is("kept", "lost")? },
            "stuck-queued" => Self::StuckQueued,
            "running-while-queued" => Self::RunningWhileQueued,
            "fails" => Self::Fails,
            "fails-policy" => Self::FailsPolicy,
            "cancel-ignored" => Self::CancelIgnored,
            "vanishes" => Self::Vanishes,
            "no-outputs" => Self::NoOutputs,
            "other-seed" => Self::OtherSeed(u64::from(number()?)),
            "duplicate-callback" => Self::DuplicateCallback,
            "forged-callback" if is("signature", "task")? => Self::ForgedCallback(Forgery::Signature),
            "forged-callback" => Self::ForgedCallback(Forgery::UnknownTask),
            "early-callback" => Self::EarlyCallback,
            "expired-url" => Self::ExpiredUrl,
            "truncated" => Self::Truncated { honest_length: is("honest", "whole")? },
            "not-mp4" => Self::NotMp4,
            "wrong-fps" => Self::WrongFps(number()?),
            "wrong-length" => Self::WrongLength(number()?),
            "wrong-size" => Self::WrongSize,
            "black" => Self::Black,
            "frozen" => Self::Frozen,
            "one-frame" => Self::OneFrame,
            "distorted" => Self::Distorted(match value {
                Some("color") => Distortion::Color,
                Some("shape") => Distortion::Shape,
                Some("mirror") => Distortion::Mirror,
                _ => return Err(unknown()),
            }),
            "slow" => Self::Slow(number()?),
            _ => return Err(unknown()),
        })
    }
}

/// At which of the calls that a rule looks at the fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Nth(u32),
    First(u32),
    Always,
}

#[derive(Debug, Clone)]
struct Rule {
    route: Route,
    dialect: Option<Dialect>,
    containing: Option<String>,
    when: When,
    fault: Fault,
    seen: u32,
}

/// What goes wrong and when. A cheap handle: clones share one plan, which may grow while the provider
/// runs.
///
/// ```
/// use spotwright_fake_video::{Dialect, Fault, Plan, Route};
///
/// let plan = Plan::default();
/// plan.on(Route::Create).nth(2).fault(Fault::Code(1303));
/// plan.on(Route::Download).of(Dialect::Comfyui).always().fault(Fault::NotMp4);
/// plan.read("poll:*:status=503")?;
/// # Ok::<(), spotwright_fake_video::UnknownFault>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Plan(Arc<Mutex<Vec<Rule>>>);

/// A rule in the making; nothing is planned before [`Rules::fault`].
#[derive(Debug, Clone)]
pub struct Rules {
    plan: Plan,
    route: Route,
    dialect: Option<Dialect>,
    containing: Option<String>,
    when: When,
}

impl Plan {
    /// Begins a rule for calls of one kind; without more it concerns the next one.
    #[must_use]
    pub fn on(&self, route: Route) -> Rules {
        Rules { plan: self.clone(), route, dialect: None, containing: None, when: When::Nth(1) }
    }

    /// Adds a rule written as `ROUTE:CALL:FAULT`, where `CALL` is a number from 1, or `*` for every call.
    ///
    /// # Errors
    /// [`UnknownFault`] when a part cannot be read.
    pub fn read(&self, text: &str) -> Result<(), UnknownFault> {
        let unknown = || UnknownFault(text.to_owned());
        let mut parts = text.splitn(3, ':');
        let (Some(route), Some(call), Some(fault)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(unknown());
        };
        let rules = self.on(match route {
            "create" => Route::Create,
            "poll" => Route::Poll,
            "download" => Route::Download,
            "cancel" => Route::Cancel,
            "upload" => Route::Upload,
            "describe" => Route::Describe,
            _ => return Err(unknown()),
        });
        let rules = match call {
            "*" => rules.always(),
            number => rules.nth(number.parse().ok().filter(|number| *number > 0).ok_or_else(unknown)?),
        };
        rules.fault(fault.parse().map_err(|_| unknown())?);
        Ok(())
    }

    /// Forgets all rules.
    pub fn clear(&self) {
        self.rules(Vec::clear);
    }

    /// The faults of this call. Every rule that concerns calls like this one counts it.
    ///
    /// `about` is text that names the call: its path and body, and key and prompt of the job that the path
    /// names.
    pub(crate) fn take(&self, route: Route, dialect: Dialect, about: &str) -> Vec<Fault> {
        self.rules(|rules| {
            let mut taken = Vec::new();
            for rule in rules.iter_mut() {
                let concerns = rule.route == route
                    && rule.dialect.is_none_or(|wanted| wanted == dialect)
                    && rule.containing.as_ref().is_none_or(|words| about.contains(words));
                if !concerns {
                    continue;
                }
                rule.seen += 1;
                let due = match rule.when {
                    When::Nth(number) => rule.seen == number,
                    When::First(number) => rule.seen <= number,
                    When::Always => true,
                };
                if due {
                    taken.push(rule.fault);
                }
            }
            taken
        })
    }

    fn rules<T>(&self, act: impl FnOnce(&mut Vec<Rule>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Rules {
    /// Only in one dialect.
    #[must_use]
    pub fn of(mut self, dialect: Dialect) -> Self {
        self.dialect = Some(dialect);
        self
    }

    /// Only calls whose path or body, or whose job's key or prompt, contain `words`.
    #[must_use]
    pub fn containing(mut self, words: &str) -> Self {
        self.containing = Some(words.to_owned());
        self
    }

    /// At the `number`th such call from now, from 1.
    #[must_use]
    pub fn nth(mut self, number: u32) -> Self {
        self.when = When::Nth(number);
        self
    }

    /// At each of the next `number` such calls.
    #[must_use]
    pub fn first(mut self, number: u32) -> Self {
        self.when = When::First(number);
        self
    }

    /// At every such call.
    #[must_use]
    pub fn always(mut self) -> Self {
        self.when = When::Always;
        self
    }

    /// Plans the fault.
    pub fn fault(self, fault: Fault) {
        let Self { plan, route, dialect, containing, when } = self;
        plan.rules(|rules| rules.push(Rule { route, dialect, containing, when, fault, seen: 0 }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_counts_the_calls_that_it_concerns_and_no_others() {
        let plan = Plan::default();
        plan.on(Route::Create).nth(2).fault(Fault::Code(1303));
        plan.on(Route::Create).of(Dialect::Comfyui).first(2).fault(Fault::Status(500));
        plan.on(Route::Poll).containing("shot-7").always().fault(Fault::Status(503));
        assert_eq!(plan.take(Route::Create, Dialect::Kling, ""), []);
        assert_eq!(plan.take(Route::Poll, Dialect::Kling, "shot-6"), []);
        assert_eq!(plan.take(Route::Create, Dialect::Comfyui, ""), [Fault::Code(1303), Fault::Status(500)],);
        assert_eq!(plan.take(Route::Create, Dialect::Comfyui, ""), [Fault::Status(500)]);
        assert_eq!(plan.take(Route::Create, Dialect::Comfyui, ""), []);
        for _ in 0..3 {
            assert_eq!(plan.take(Route::Poll, Dialect::Kling, "of shot-7 here"), [Fault::Status(503)]);
        }
        plan.clear();
        assert_eq!(plan.take(Route::Poll, Dialect::Kling, "of shot-7 here"), []);
    }

    #[test]
    fn faults_are_read_as_they_are_written() {
        let plan = Plan::default();
        for (text, fault) in [
            ("code=1303", Fault::Code(1303)),
            ("hang=accepted", Fault::Hang { accepted: true }),
            ("reset=refused", Fault::Reset { accepted: false }),
            ("restart=lost", Fault::Restart { keeps_jobs: false }),
            ("truncated=whole", Fault::Truncated { honest_length: false }),
            ("forged-callback=task", Fault::ForgedCallback(Forgery::UnknownTask)),
            ("distorted=mirror", Fault::Distorted(Distortion::Mirror)),
            ("one-frame", Fault::OneFrame),
        ] {
            plan.read(&format!("create:1:{text}")).unwrap();
            assert_eq!(plan.take(Route::Create, Dialect::Kling, ""), [fault]);
            plan.clear();
        }
        for text in ["create:1", "create:0:black", "make:1:black", "create:1:hang", "create:x:black", ""] {
            assert_eq!(plan.read(text), Err(UnknownFault(text.to_owned())));
        }
    }
}
