//! Experiments of the own organization. Reading needs `results:read`, everything else `experiments:write`.

pub mod elements;

use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::experiment::{ExperimentOrder, ReadOut};
use spotwright_schemas::ids::{ExperimentId, VariantId};

use crate::domain::account::Scope;
use crate::domain::audit::Action;
use crate::domain::experiment::machine::{Asked, Command, created, decide};
use crate::domain::experiment::{Author, Experiment, LogEntry, order};
use crate::domain::sandbox;
use crate::domain::variant::VariantState;
use crate::ports::accounts::{AccountError, AccountStore, Page, Positioned, WriteKey, Written};
use crate::ports::artifacts::ArtifactHash;
use crate::ports::entropy::random_id;
use crate::ports::experiments::{Amended, ExperimentStore};
use crate::use_cases::principal::{Principal, Who};
use crate::use_cases::record::Record;

/// Longest reason that somebody gives, in characters.
pub const LONGEST_REASON: usize = 500;

/// How often a command is decided anew because the experiment has changed meanwhile.
const ATTEMPTS: usize = 8;

/// What the use cases of experiments work with.
#[derive(Clone, Copy)]
pub struct ExperimentPorts<'a> {
    /// Experiments, their logs and read-outs.
    pub experiments: &'a dyn ExperimentStore,
    /// Runs and their variants.
    pub accounts: &'a dyn AccountStore,
    /// The audit log, the clock and random bytes.
    pub record: Record<'a>,
}

/// Makes a draft of variants of a run.
///
/// # Errors
/// `Code::Forbidden` without `experiments:write`; [`Code::RequestValue`] with the field; [`Code::NotFound`]
/// for the run; [`Code::ExperimentArm`] for a variant that cannot be shown; those of repeated writes.
pub async fn create(
    ports: &ExperimentPorts<'_>,
    by: &Principal,
    write: &WriteKey,
    wish: &ExperimentOrder,
) -> Result<Written<Experiment>, Problem> {
    by.expect(Scope::ExperimentsWrite)?;
    order::check(wish)?;
    if let Some(answer) = ports.accounts.recall(by.context(), write).await? {
        let made = serde_json::from_value(answer)
            .map_err(|error| Problem::new(Code::StoreFormat, "", error.to_string()))?;
        return Ok(Written::Replayed(made));
    }
    let run = ports.accounts.run(by.context(), wish.run).await?;
    let Some(ordered) = run.order else {
        let message =
            "was not ordered from this service, so that it is not known in which currency it spends";
        return Err(Problem::new(Code::ExperimentArm, "run", message));
    };
    for (idx, arm) in wish.arms.iter().enumerate() {
        if let Some(variant) = arm.variant {
            check_arm(ports, by, wish, idx, variant).await?;
        }
    }
    let id = ExperimentId(random_id(ports.record.entropy)?);
    let now = ports.record.clock.now_micros();
    let mut draft = order::draft(id, by.organization, wish, ordered.currency, now);
    if by.organization.is_sandbox() {
        draft.design.seed = sandbox::SEED;
    }
    let entry = created(&draft, author(by));
    let written = ports.experiments.create_experiment(write, &draft, &entry).await?;
    if let Written::Fresh(made) = &written {
        let after = json!({ "run": made.run, "name": made.name });
        ports
            .record
            .note(by, by.organization, Action::ExperimentMade, ("experiment", made.id), Some(after))
            .await;
    }
    Ok(written)
}

/// Refuses a variant that cannot be shown.
async fn check_arm(
    ports: &ExperimentPorts<'_>,
    by: &Principal,
    wish: &ExperimentOrder,
    idx: usize,
    id: VariantId,
) -> Result<(), Problem> {
    let refused =
        |why: &str| Err(Problem::new(Code::ExperimentArm, format!("arms[{idx}].variant"), why.to_owned()));
    let variant = match ports.accounts.variant(by.context(), id).await {
        Ok((variant, _)) if variant.run == wish.run => variant,
        Ok(_) | Err(AccountError::Missing(_)) => return refused("is no variant of the run"),
        Err(error) => return Err(error.into()),
    };
    match variant.state {
        VariantState::Withdrawn => return refused("was withdrawn"),
        VariantState::Rejected => return refused("was rejected"),
        VariantState::Failed => return refused("has failed"),
        _ => {}
    }
    if variant.body.final_render.is_none() || variant.body.score.is_none() {
        return refused("has no finished video");
    }
    Ok(())
}

/// The organization's experiments, newest first.
///
/// # Errors
/// `Code::Forbidden` without `results:read`; those of the store.
pub async fn list(
    store: &dyn ExperimentStore,
    by: &Principal,
    page: Page,
) -> Result<Vec<Positioned<Experiment>>, Problem> {
    by.expect(Scope::ResultsRead)?;
    Ok(store.experiments(by.organization, page).await?)
}

/// One experiment.
///
/// # Errors
/// `Code::Forbidden` without `results:read`; [`Code::NotFound`].
pub async fn get(
    store: &dyn ExperimentStore,
    by: &Principal,
    id: ExperimentId,
) -> Result<Experiment, Problem> {
    by.expect(Scope::ResultsRead)?;
    Ok(store.experiment(by.organization, id).await?)
}

/// The read-outs of all days, oldest first.
///
/// # Errors
/// As [`get`].
pub async fn read_outs(
    store: &dyn ExperimentStore,
    by: &Principal,
    id: ExperimentId,
) -> Result<Vec<ReadOut>, Problem> {
    by.expect(Scope::ResultsRead)?;
    Ok(store.read_outs(by.organization, id).await?)
}

/// Who did what with an experiment, when and why, oldest first.
///
/// # Errors
/// As [`get`].
pub async fn decisions(
    store: &dyn ExperimentStore,
    by: &Principal,
    id: ExperimentId,
) -> Result<Vec<LogEntry>, Problem> {
    by.expect(Scope::ResultsRead)?;
    Ok(store.decisions(by.organization, id).await?)
}

/// An experiment and the files with the exposures of its days.
///
/// # Errors
/// As [`get`]; [`Code::ExperimentState`] before the first day was played, and of imported results.
pub async fn exposures(
    store: &dyn ExperimentStore,
    by: &Principal,
    id: ExperimentId,
) -> Result<(Experiment, Vec<ArtifactHash>), Problem> {
    by.expect(Scope::ResultsRead)?;
    let experiment = store.experiment(by.organization, id).await?;
    if experiment.design.source == FeedbackSource::Imported {
        let message = "imported results name no users, so there is no log of their exposures; the observations of \
                       its advertisements are under `/v1/observations`";
        return Err(Problem::new(Code::ExperimentState, "", message));
    }
    let files = store.exposures(by.organization, id).await?;
    if files.is_empty() {
        return Err(Problem::new(Code::ExperimentState, "", "no day was played yet"));
    }
    Ok((experiment, files))
}

/// Does something with an experiment, for the reason `text`.
///
/// # Errors
/// `Code::Forbidden` without `experiments:write`; [`Code::NotFound`]; [`Code::RequestValue`] with the field;
/// what [`decide`] refuses; [`Code::Unavailable`] (retryable) when it changes faster than can be decided.
pub async fn command(
    ports: &ExperimentPorts<'_>,
    by: &Principal,
    id: ExperimentId,
    command: Command,
    text: &str,
) -> Result<Experiment, Problem> {
    by.expect(Scope::ExperimentsWrite)?;
    check_reason(&command, text)?;
    for _ in 0..ATTEMPTS {
        let experiment = ports.experiments.experiment(by.organization, id).await?;
        let at = ports.record.clock.now_micros();
        let asked = Asked { command: command.clone(), text: text.to_owned(), by: author(by), at };
        let change = decide(&experiment, asked)?;
        if ports.experiments.amend_experiment(&change).await? == Amended::Now {
            let after = change.log.last().map(|entry| {
                json!({ "kind": entry.kind.as_str(), "state": change.experiment.state, "detail": entry.detail })
            });
            ports
                .record
                .note(by, by.organization, Action::ExperimentChanged, ("experiment", id), after)
                .await;
            return Ok(change.experiment);
        }
    }
    Err(Problem::new(Code::Unavailable, "", "the experiment is being changed by others; try again"))
}

fn check_reason(command: &Command, text: &str) -> Result<(), Problem> {
    let is_needed = matches!(command, Command::Stop(_) | Command::Decide { .. } | Command::Reallocate { .. });
    let wrong = |message: String| Err(Problem::new(Code::RequestValue, "reason", message));
    if is_needed && text.trim().is_empty() {
        return wrong("must say why".to_owned());
    }
    if text.chars().count() > LONGEST_REASON || text.chars().any(|c| c.is_control() && c != '\n') {
        return wrong(format!("must be at most {LONGEST_REASON} characters without control characters"));
    }
    Ok(())
}

/// Who asks, as the log of an experiment names them.
fn author(by: &Principal) -> Author {
    match by.who {
        Who::Key(key) => Author { kind: "key".to_owned(), id: Some(key.to_string()) },
        Who::Person(person) => Author { kind: "person".to_owned(), id: Some(person.to_string()) },
        Who::Service(_) => Author::service(),
    }
}
