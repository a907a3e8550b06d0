//! The sandbox of an organization: its clock, and magic briefs that force what is hard to bring about.
//!
//! A sandbox is an organization of its own ([`OrganizationId::sandbox`]), so everything that separates
//! organizations separates it from the live one. Its clock is the machine's and what it was moved forward by.

use jiff::Timestamp;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{ContentType, FeedbackSource, SpecVersion};
use spotwright_schemas::experiment::{ExperimentChoice, VerdictWord};
use spotwright_schemas::ids::{ExperimentId, MessageId, OrganizationId, RunId, WebhookId};
use spotwright_schemas::mode::Mode;
use spotwright_schemas::organization_event::{
    ExperimentDecided, ExperimentReadOut, ExperimentSrmAlarm, ExperimentStarted, ExperimentStopped,
    ExperimentSubject, LoggedEvent, OrganizationEvent, OrganizationPayload, WebhookPaused,
};

use super::topology::StepKind;

/// Furthest that a clock can be moved in all: ten years, in microseconds.
pub const FURTHEST_MICROS: i64 = 10 * 366 * 24 * 3_600 * 1_000_000;

/// The seed of every run in a sandbox, whatever its order says.
pub const SEED: u64 = 1;

/// How the `id` of a brief begins that forces something.
pub const MAGIC: &str = "magic-";

/// The clock of a sandbox, and what it would come to next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SandboxClock {
    /// What it shows, in microseconds since 1970 UTC.
    pub now: i64,
    /// How far it was moved forward in all, in microseconds.
    pub moved: i64,
    /// The first thing that is to happen later than now.
    pub next: Option<Due>,
}

/// Something that happens by itself at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// When.
    pub at: i64,
    /// What.
    pub what: DueKind,
}

/// What happens by itself at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum DueKind {
    /// A message to a webhook is tried again.
    WebhookDelivery,
    /// A day of an experiment is played.
    ExperimentDay,
    /// A day of a campaign that people made is played.
    CampaignDay,
    /// A run goes on: its wait for answers ends, or work is tried again.
    RunContinues,
    /// An invitation ends.
    InvitationEnds,
    /// A link of reviewers ends.
    ShareEnds,
    /// A test key ends.
    KeyEnds,
}

impl DueKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::WebhookDelivery,
        Self::ExperimentDay,
        Self::CampaignDay,
        Self::RunContinues,
        Self::InvitationEnds,
        Self::ShareEnds,
        Self::KeyEnds,
    ];

    /// The kind as written, e.g. `experiment_day`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// How a clock is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// Forward by so many microseconds.
    By(i64),
    /// So that it shows this time; never back.
    To(i64),
}

/// What a magic brief forces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Magic {
    /// A problem with this code.
    Problem(Code),
    /// A failure of all work of this kind. Clips are not made in a sandbox, so they cannot fail there.
    Failure(StepKind),
    /// An event of this type.
    Event(&'static str),
}

/// Where a problem is forced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ForcedAt {
    /// The brief is refused.
    HandIn,
    /// The run's work of this kind fails.
    Step(StepKind),
}

impl Magic {
    /// What a brief with this `id` forces; `None` for one that forces nothing.
    ///
    /// # Errors
    /// [`Code::BriefValue`] for an id that begins like a magic one and means nothing.
    pub fn of(id: &str) -> Result<Option<Self>, Problem> {
        let Some(word) = id.strip_prefix(MAGIC) else { return Ok(None) };
        let unknown = || {
            let message =
                format!("begins with `{MAGIC}` and forces nothing; `docs/sandbox.md` lists what does");
            Problem::new(Code::BriefValue, "id", message)
        };
        Self::of_word(word).map(Some).ok_or_else(unknown)
    }

    fn of_word(word: &str) -> Option<Self> {
        if let Some(kind) = word.strip_prefix("fail-") {
            let kind = StepKind::parse(&kind.replace('-', "_")).filter(|kind| !kind.makes_clip());
            return kind.map(Self::Failure);
        }
        if let Some(event) = word.strip_prefix("event-") {
            return LoggedEvent::TYPES.into_iter().find(|known| event_word(known) == event).map(Self::Event);
        }
        let code = word.to_ascii_uppercase();
        Code::ALL.iter().find(|known| known.as_str() == code).copied().map(Self::Problem)
    }

    /// The `id` of a brief that forces this.
    #[must_use]
    pub fn id(self) -> String {
        match self {
            Self::Problem(code) => format!("{MAGIC}{}", code.as_str().to_ascii_lowercase()),
            Self::Failure(kind) => format!("{MAGIC}fail-{}", kind.as_str().replace('_', "-")),
            Self::Event(of_type) => format!("{MAGIC}event-{}", event_word(of_type)),
        }
    }

    /// Everything that can be forced by a brief.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let problems = Code::ALL.iter().copied().map(Self::Problem);
        let failures = StepKind::ALL.into_iter().filter(|kind| !kind.makes_clip()).map(Self::Failure);
        problems.chain(failures).chain(LoggedEvent::TYPES.into_iter().map(Self::Event)).collect()
    }

    /// Why the work of a step fails, where this makes it fail.
    #[must_use]
    pub fn failure_of(self, kind: StepKind) -> Option<Problem> {
        let code = match self {
            Self::Problem(code) if forced_at(code) == ForcedAt::Step(kind) => code,
            Self::Failure(forced) if forced == kind => Code::StepFailed,
            _ => return None,
        };
        Some(forced(code))
    }

    /// Why the brief is refused, where this refuses it.
    #[must_use]
    pub fn refusal(self) -> Option<Problem> {
        match self {
            Self::Problem(code) if forced_at(code) == ForcedAt::HandIn => Some(forced(code)),
            _ => None,
        }
    }
}

/// A problem that was asked for.
#[must_use]
pub fn forced(code: Code) -> Problem {
    Problem::new(code, "", "was forced in the sandbox; nothing is wrong")
}

/// The type of an event as a word of a brief's `id`: `spotwright.creative.won.v1` is `creative-won`.
fn event_word(of_type: &str) -> String {
    let inner = of_type.strip_prefix("spotwright.").unwrap_or(of_type);
    inner.strip_suffix(".v1").unwrap_or(inner).replace(['.', '_'], "-")
}

/// Where a brief forces a code: where it arises outside of the sandbox, if that is in a run.
#[must_use]
pub const fn forced_at(code: Code) -> ForcedAt {
    ForcedAt::Step(match code {
        Code::BudgetExhausted
        | Code::StepFailed
        | Code::RunCancelled
        | Code::SpendCap
        | Code::Store
        | Code::StoreFormat => StepKind::Plan,
        Code::CallUnknown | Code::LineRefused | Code::Untrue | Code::Storyboard | Code::LanguageModel => {
            StepKind::Draft
        }
        Code::ModelFile | Code::ModelInput => StepKind::Score,
        Code::Render | Code::QualityGate => StepKind::Render,
        Code::Market => StepKind::Play,
        _ => return ForcedAt::HandIn,
    })
}

/// An example of an event that belongs to no run, as a magic brief forces it; `None` for a type of runs:
/// those come from a run.
#[must_use]
pub fn sample_event(
    of_type: &str,
    organization: OrganizationId,
    id: MessageId,
    now: i64,
) -> Option<OrganizationEvent> {
    Some(OrganizationEvent {
        specversion: SpecVersion::V1,
        id,
        source: "/spotwright/sandbox".to_owned(),
        subject: organization,
        time: Timestamp::from_microsecond(now).unwrap_or(Timestamp::UNIX_EPOCH),
        datacontenttype: ContentType::Json,
        organization,
        mode: Mode::of(organization),
        payload: sample_payload(of_type, organization)?,
    })
}

fn sample_payload(of_type: &str, organization: OrganizationId) -> Option<OrganizationPayload> {
    let subject = ExperimentSubject {
        experiment: ExperimentId::child_of(organization.0, "example", 0),
        run: RunId::child_of(organization.0, "example", 0),
        name: "An example".to_owned(),
        day: 7,
        phase: 1,
        source: FeedbackSource::Simulated,
    };
    Some(match of_type {
        "spotwright.webhook.paused.v1" => OrganizationPayload::WebhookPaused(WebhookPaused {
            webhook: WebhookId::child_of(organization.0, "example", 0),
            reason: "an example: nothing is paused".to_owned(),
        }),
        "spotwright.experiment.started.v1" => OrganizationPayload::ExperimentStarted(ExperimentStarted {
            subject,
            arms: vec!["A".to_owned(), "B".to_owned()],
        }),
        "spotwright.experiment.readout.v1" => OrganizationPayload::ExperimentReadOut(ExperimentReadOut {
            subject,
            verdict: VerdictWord::TooEarly,
            arm: None,
            metric: None,
            srm_p_value: Some(0.5),
            srm_alarm: false,
            sentence_en: "An example: there is no verdict yet.".to_owned(),
            sentence_zh: "示例：还没有结论。".to_owned(),
            arms: Vec::new(),
            currency: "USD".to_owned(),
        }),
        "spotwright.experiment.srm_alarm.v1" => {
            OrganizationPayload::ExperimentSrmAlarm(ExperimentSrmAlarm { subject, srm_p_value: Some(1e-6) })
        }
        "spotwright.experiment.stopped.v1" => OrganizationPayload::ExperimentStopped(ExperimentStopped {
            subject,
            because: "person".to_owned(),
        }),
        "spotwright.experiment.decided.v1" => OrganizationPayload::ExperimentDecided(ExperimentDecided {
            subject,
            choice: ExperimentChoice::Inconclusive,
            arm: None,
            agrees: true,
        }),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_magic_id_is_read_as_it_is_written_and_is_the_id_of_a_brief() {
        let all = Magic::all();
        let ids: BTreeSet<String> = all.iter().map(|magic| magic.id()).collect();
        assert_eq!(ids.len(), all.len());
        for magic in all {
            let id = magic.id();
            assert_eq!(Magic::of(&id), Ok(Some(magic)), "{id}");
            assert!(id.len() <= 40, "{id}");
            assert!(id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')), "{id}");
        }
        assert_eq!(Magic::of("hill-tea"), Ok(None));
        assert_eq!(Magic::of("magic-nothing").unwrap_err().code, Code::BriefValue);
    }

    #[test]
    fn a_code_is_forced_in_one_place() {
        for code in Code::ALL.iter().copied() {
            let magic = Magic::Problem(code);
            let failing = StepKind::ALL.into_iter().filter(|kind| magic.failure_of(*kind).is_some()).count();
            assert_eq!(failing + usize::from(magic.refusal().is_some()), 1, "{code}");
        }
        let failed = Magic::Failure(StepKind::Play).failure_of(StepKind::Play).unwrap();
        assert_eq!(failed.code, Code::StepFailed);
    }

    #[test]
    fn every_event_without_a_run_has_an_example_of_its_type() {
        let organization = OrganizationId::derive(1, "organization", 0).sandbox();
        let mut n_examples = 0;
        for of_type in LoggedEvent::TYPES {
            let id = MessageId::derive(1, "message", 0);
            let Some(event) = sample_event(of_type, organization, id, 0) else { continue };
            assert_eq!((event.payload.event_type(), event.mode), (of_type, Mode::Test));
            n_examples += 1;
        }
        assert_eq!(n_examples, 6);
    }
}
