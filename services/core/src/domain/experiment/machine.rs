//! What follows from a command or a day: a pure function of the experiment, what is asked, and the time.
//!
//! # Laws
//! - `draft → running ⇄ paused → stopped → decided → archived`; nothing goes back but from `paused` to
//!   `running`.
//! - The design never changes. Another division of users is another phase, which begins without a verdict.
//! - Days are played one after another, while it runs and no other time, and never more than the design
//!   allows.
//! - Once users were not divided as configured, the verdict is `mismatch`, and no arm is adopted or kept for
//!   it.
//! - Every change has an entry in the log.

use jiff::Timestamp;
use serde_json::{Value, json};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{ContentType, FeedbackSource, SpecVersion};
use spotwright_schemas::experiment::{
    ArmRole, ExperimentChoice, ExperimentPhase, ExperimentVerdict, ReadOut, VerdictWord,
};
use spotwright_schemas::ids::MessageId;
use spotwright_schemas::mode::Mode;
use spotwright_schemas::organization_event::{
    ExperimentArmCounts, ExperimentDecided, ExperimentReadOut, ExperimentSrmAlarm, ExperimentStarted,
    ExperimentStopped, ExperimentSubject, OrganizationEvent, OrganizationPayload,
};

use super::{
    Author, Decision, EntryKind, Experiment, ExperimentState, LogEntry, StoppedBecause,
    order::check_allocation,
};

/// Most phases of one experiment.
pub const MOST_PHASES: usize = 20;

/// Who sends the events.
const SOURCE: &str = "/spotwright/experiments";

/// What is asked of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Play its days.
    Start,
    /// Play no day until it is resumed.
    Pause,
    /// Play its days again.
    Resume,
    /// Play no day any more.
    Stop(StoppedBecause),
    /// Decide it, and stop it where it runs.
    Decide {
        /// What.
        choice: ExperimentChoice,
        /// The arm that is taken; for `adopt` only.
        arm: Option<String>,
    },
    /// Divide users in another way from the next day on.
    Reallocate {
        /// Weights of the arms, the control first.
        weights: Vec<f64>,
        /// Share of the holdout; as before without it.
        holdout: Option<f64>,
    },
    /// Put it away.
    Archive,
    /// A day was played and read out.
    Day(Box<ReadOut>),
}

/// A command, and what is said about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// What is asked.
    pub command: Command,
    /// Why, in the words of whoever asks.
    pub text: String,
    /// Who asks.
    pub by: Author,
    /// When, in microseconds since 1970 UTC.
    pub at: i64,
}

/// What follows, to be written together.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The experiment as it is from now on; its version is the next one.
    pub experiment: Experiment,
    /// Entries of its log.
    pub log: Vec<LogEntry>,
    /// What its organization is told.
    pub events: Vec<OrganizationEvent>,
}

/// What follows from a command.
///
/// # Errors
/// [`Code::ExperimentState`], [`Code::ExperimentMismatch`], [`Code::RequestValue`] with the field (all
/// permanent).
pub fn decide(experiment: &Experiment, asked: Asked) -> Result<Change, Problem> {
    let Asked { command, text, by, at } = asked;
    let mut next = Next { experiment: experiment.clone(), by, at, log: Vec::new(), told: Vec::new() };
    next.experiment.version += 1;
    match command {
        Command::Start => next.start(text),
        Command::Pause => next.pause(text),
        Command::Resume => next.resume(text),
        Command::Stop(because) => next.stop(because, text),
        Command::Decide { choice, arm } => next.decide(choice, arm, text),
        Command::Reallocate { weights, holdout } => next.reallocate(weights, holdout, text),
        Command::Archive => next.archive(text),
        Command::Day(read_out) => next.day(&read_out),
    }?;
    Ok(next.into_change())
}

/// The entry of a new draft.
#[must_use]
pub fn created(experiment: &Experiment, by: Author) -> LogEntry {
    LogEntry {
        at: experiment.created_at,
        by,
        kind: EntryKind::Created,
        text: experiment.design.hypothesis.clone(),
        phase: experiment.phase(),
        day: 0,
        detail: json!({}),
    }
}

/// An experiment on its way to its next version.
struct Next {
    experiment: Experiment,
    by: Author,
    at: i64,
    log: Vec<LogEntry>,
    told: Vec<OrganizationPayload>,
}

impl Next {
    fn expect(&self, states: &[ExperimentState], what: &str) -> Result<(), Problem> {
        let state = self.experiment.state;
        if states.contains(&state) {
            return Ok(());
        }
        Err(refused(format!("an experiment that is `{state}` cannot be {what}")))
    }

    fn note(&mut self, kind: EntryKind, text: String, detail: Value) {
        self.log.push(LogEntry {
            at: self.at,
            by: self.by.clone(),
            kind,
            text,
            phase: self.experiment.phase(),
            day: self.experiment.day,
            detail,
        });
    }

    fn subject(&self) -> ExperimentSubject {
        let experiment = &self.experiment;
        ExperimentSubject {
            experiment: experiment.id,
            run: experiment.run,
            name: experiment.name.clone(),
            day: experiment.day,
            phase: experiment.phase(),
            source: experiment.design.source,
        }
    }

    fn tell_started(&mut self) {
        let arms = self.experiment.design.arms.iter().map(|arm| arm.name.clone()).collect();
        let started = ExperimentStarted { subject: self.subject(), arms };
        self.told.push(OrganizationPayload::ExperimentStarted(started));
    }

    fn start(&mut self, text: String) -> Result<(), Problem> {
        self.expect(&[ExperimentState::Draft], "started")?;
        self.experiment.state = ExperimentState::Running;
        self.experiment.started_at = Some(self.at);
        self.experiment.next_day_at = Some(self.at);
        self.note(EntryKind::Started, text, json!({}));
        self.tell_started();
        Ok(())
    }

    fn pause(&mut self, text: String) -> Result<(), Problem> {
        self.expect(&[ExperimentState::Running], "paused")?;
        self.experiment.state = ExperimentState::Paused;
        self.experiment.next_day_at = None;
        self.note(EntryKind::Paused, text, json!({}));
        Ok(())
    }

    fn resume(&mut self, text: String) -> Result<(), Problem> {
        self.expect(&[ExperimentState::Paused], "resumed")?;
        self.experiment.state = ExperimentState::Running;
        self.experiment.next_day_at = Some(self.at);
        self.note(EntryKind::Resumed, text, json!({}));
        Ok(())
    }

    fn stop(&mut self, because: StoppedBecause, text: String) -> Result<(), Problem> {
        self.expect(&[ExperimentState::Running, ExperimentState::Paused], "stopped")?;
        self.experiment.state = ExperimentState::Stopped;
        self.experiment.stopped_because = Some(because);
        self.experiment.stopped_at = Some(self.at);
        self.experiment.next_day_at = None;
        self.note(EntryKind::Stopped, text, json!({ "because": because.as_str() }));
        let stopped = ExperimentStopped { subject: self.subject(), because: because.as_str().to_owned() };
        self.told.push(OrganizationPayload::ExperimentStopped(stopped));
        Ok(())
    }

    fn decide(&mut self, choice: ExperimentChoice, arm: Option<String>, text: String) -> Result<(), Problem> {
        let state = self.experiment.state;
        self.expect(
            &[ExperimentState::Running, ExperimentState::Paused, ExperimentState::Stopped],
            "decided",
        )?;
        if self.experiment.srm_alarm && choice != ExperimentChoice::Inconclusive {
            let message = "users were not divided as configured, so nothing can be concluded: only \
                           `inconclusive` is possible";
            return Err(Problem::new(Code::ExperimentMismatch, "choice", message));
        }
        if self.experiment.day == 0 && choice != ExperimentChoice::Inconclusive {
            return Err(refused("no day was read out yet".to_owned()));
        }
        self.check_arm(choice, arm.as_deref())?;
        if state != ExperimentState::Stopped {
            self.stop(StoppedBecause::Decided, text.clone())?;
        }
        let agrees = agrees(self.experiment.verdict.as_ref(), choice, arm.as_deref());
        self.experiment.state = ExperimentState::Decided;
        let detail = json!({ "choice": choice.as_str(), "arm": arm, "agrees": agrees });
        self.note(EntryKind::Decided, text.clone(), detail);
        let decided = ExperimentDecided { subject: self.subject(), choice, arm: arm.clone(), agrees };
        self.told.push(OrganizationPayload::ExperimentDecided(decided));
        self.experiment.decision = Some(Decision { choice, arm, reason: text, at: self.at, agrees });
        Ok(())
    }

    fn check_arm(&self, choice: ExperimentChoice, arm: Option<&str>) -> Result<(), Problem> {
        let wrong = |message: &str| Err(Problem::new(Code::RequestValue, "arm", message));
        let arms = &self.experiment.design.arms;
        match (choice, arm) {
            (ExperimentChoice::Adopt, Some(name)) => {
                let is_treatment = arms.iter().any(|own| own.name == name && own.role == ArmRole::Treatment);
                if is_treatment { Ok(()) } else { wrong("is no arm that can be adopted") }
            }
            (ExperimentChoice::Adopt, None) => wrong("is needed for `adopt`"),
            (_, Some(_)) => wrong("is for `adopt` only"),
            (_, None) => Ok(()),
        }
    }

    fn reallocate(&mut self, weights: Vec<f64>, holdout: Option<f64>, text: String) -> Result<(), Problem> {
        self.expect(&[ExperimentState::Running, ExperimentState::Paused], "divided in another way")?;
        if self.experiment.design.source == FeedbackSource::Imported {
            return Err(refused("the platform divides the users of imported results".to_owned()));
        }
        if self.experiment.phases.len() >= MOST_PHASES {
            return Err(refused(format!("an experiment has at most {MOST_PHASES} phases")));
        }
        let holdout =
            holdout.unwrap_or_else(|| self.experiment.phases.last().map_or(0.0, |phase| phase.holdout));
        check_allocation(&weights, holdout, self.experiment.design.arms.len())?;
        let had_holdout = self.experiment.phases.iter().any(|phase| phase.holdout > 0.0);
        if had_holdout != (holdout > 0.0) {
            // The mismatch is tested over all phases, so that they must have the same cells.
            let message = "an experiment has a holdout in all its phases or in none";
            return Err(Problem::new(Code::RequestValue, "holdout", message));
        }
        let detail = json!({ "weights": weights, "holdout": holdout });
        let phase = self.experiment.phase() + 1;
        let from_day = self.experiment.day + 1;
        self.experiment.phases.push(ExperimentPhase { phase, from_day, weights, holdout });
        self.experiment.verdict = self.experiment.srm_alarm.then(mismatch);
        self.note(EntryKind::Reallocated, text, detail);
        self.tell_started();
        Ok(())
    }

    fn archive(&mut self, text: String) -> Result<(), Problem> {
        let states = [ExperimentState::Draft, ExperimentState::Stopped, ExperimentState::Decided];
        self.expect(&states, "archived")?;
        self.experiment.state = ExperimentState::Archived;
        self.note(EntryKind::Archived, text, json!({}));
        Ok(())
    }

    fn day(&mut self, read_out: &ReadOut) -> Result<(), Problem> {
        self.expect(&[ExperimentState::Running], "played")?;
        let (due, phase) = (self.experiment.day + 1, self.experiment.phase());
        if (read_out.day, read_out.phase) != (due, phase) {
            let message = format!(
                "day {due} of phase {phase} is due, not day {} of phase {}",
                read_out.day, read_out.phase
            );
            return Err(refused(message));
        }
        self.experiment.day = due;
        let had_alarm = self.experiment.srm_alarm;
        self.experiment.srm_alarm |= read_out.srm.alarm;
        let standing = if self.experiment.srm_alarm { mismatch() } else { read_out.standing.clone() };
        let before = self.experiment.verdict.replace(standing.clone());
        let sentence = json!({ "en": read_out.sentence.en, "zh": read_out.sentence.zh });
        if self.experiment.srm_alarm && !had_alarm {
            let detail = json!({ "p_value": read_out.srm.p_value, "sentence": sentence });
            self.note(EntryKind::SrmAlarm, read_out.sentence.en.clone(), detail);
            let alarm = ExperimentSrmAlarm { subject: self.subject(), srm_p_value: read_out.srm.p_value };
            self.told.push(OrganizationPayload::ExperimentSrmAlarm(alarm));
        }
        let is_news = before.map_or(standing.verdict != VerdictWord::TooEarly, |before| before != standing);
        if is_news && !self.experiment.srm_alarm {
            let detail = json!({ "verdict": standing, "sentence": sentence });
            self.note(EntryKind::Verdict, read_out.sentence.en.clone(), detail);
        }
        self.tell_read_out(read_out, standing);
        let pause = i64::from(self.experiment.design.traffic.day_seconds) * 1_000_000;
        self.experiment.next_day_at = Some(self.at.saturating_add(pause));
        if due >= self.experiment.design.stopping.maximum_days {
            self.stop(StoppedBecause::MaximumDays, String::new())?;
        }
        Ok(())
    }

    fn tell_read_out(&mut self, read_out: &ReadOut, standing: ExperimentVerdict) {
        let arms = read_out.arms.iter().map(|arm| ExperimentArmCounts {
            name: arm.name.clone(),
            units: arm.units,
            impressions: arm.impressions,
            clicks: arm.clicks,
            conversions: arm.conversions,
            spend_micros: arm.spend_micros,
        });
        let told = ExperimentReadOut {
            subject: self.subject(),
            verdict: standing.verdict,
            arm: standing.arm,
            metric: standing.metric,
            srm_p_value: read_out.srm.p_value,
            srm_alarm: self.experiment.srm_alarm,
            sentence_en: shortened(&read_out.sentence.en),
            sentence_zh: shortened(&read_out.sentence.zh),
            arms: arms.collect(),
            currency: read_out.currency.clone(),
        };
        self.told.push(OrganizationPayload::ExperimentReadOut(told));
    }

    fn into_change(self) -> Change {
        let Self { experiment, at, log, told, .. } = self;
        let time = Timestamp::from_microsecond(at).unwrap_or(Timestamp::UNIX_EPOCH);
        let first = experiment.version.unsigned_abs().saturating_mul(16);
        let events = told.into_iter().zip(first..).map(|(payload, number)| OrganizationEvent {
            specversion: SpecVersion::V1,
            id: MessageId::child_of(experiment.id.0, "experiment event", number),
            source: SOURCE.to_owned(),
            subject: experiment.organization,
            time,
            datacontenttype: ContentType::Json,
            organization: experiment.organization,
            mode: Mode::of(experiment.organization),
            payload,
        });
        let events = events.collect();
        Change { experiment, log, events }
    }
}

/// Longest sentence of an event in bytes; that of the read-out is whole.
const SENTENCE_BYTES: usize = 400;

/// A text that fits an event.
fn shortened(text: &str) -> String {
    if text.len() <= SENTENCE_BYTES {
        return text.to_owned();
    }
    let mark = "…";
    let fits = |at: &usize| text.is_char_boundary(*at);
    let end = (0..=SENTENCE_BYTES - mark.len()).rev().find(fits).unwrap_or(0);
    format!("{}{mark}", &text[..end])
}

fn refused(message: String) -> Problem {
    Problem::new(Code::ExperimentState, "", message)
}

const fn mismatch() -> ExperimentVerdict {
    ExperimentVerdict::of(VerdictWord::Mismatch)
}

/// Whether a verdict says what was chosen.
fn agrees(verdict: Option<&ExperimentVerdict>, choice: ExperimentChoice, arm: Option<&str>) -> bool {
    let Some(verdict) = verdict else { return choice == ExperimentChoice::Inconclusive };
    match choice {
        ExperimentChoice::Adopt => verdict.verdict == VerdictWord::Winner && verdict.arm.as_deref() == arm,
        ExperimentChoice::KeepControl => matches!(
            verdict.verdict,
            VerdictWord::Control | VerdictWord::NoDifference | VerdictWord::Guardrail
        ),
        ExperimentChoice::Inconclusive => matches!(
            verdict.verdict,
            VerdictWord::TooEarly
                | VerdictWord::Undecided
                | VerdictWord::Mismatch
                | VerdictWord::NoDifference
        ),
    }
}

#[cfg(test)]
mod tests;
