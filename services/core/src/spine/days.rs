//! The days of experiments: each is claimed, played, read out, and written with everything that follows from
//! it.
//!
//! A day is a step of its own: its claim has a lease and a fence, and nothing counts until its read-out, its
//! exposures' file, the next state, the log and the events are written as one. A process that dies in between
//! leaves a claim that ends, and the day is played again with the same outcome.
//!
//! Days of imported results are not played: they are read as soon as a report of their day was handed in.
//! Until then the claim is left to end by itself, so that one looks again every two minutes and nothing is
//! written. Each day is read from all results so far, so that corrections that came in since count.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::civil::Date;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::experiment::ExternalAd;
use spotwright_schemas::ids::{ExperimentId, PlacementId};

use super::Shutdown;
use crate::domain::experiment::exposure::{Exposure, ImportedRow};
use crate::domain::experiment::machine::{Asked, Command, decide};
use crate::domain::experiment::{Author, Experiment, PlayedDay, StoppedBecause};
use crate::domain::observation::{Observation, PlatformName};
use crate::domain::run::RunView;
use crate::domain::variant::{Variant, VariantState};
use crate::ports::accounts::AccountError;
use crate::ports::artifacts::{ArtifactError, ArtifactHash, ArtifactStore};
use crate::ports::clock::Clock;
use crate::ports::experiments::{Amended, Analyst, ClaimedDay, DayOrder, ExperimentMarket, ExperimentStore};
use crate::ports::marketplace::{Campaign, CampaignCreative};
use crate::ports::observations::ObservationStore;
use crate::ports::step_store::{StepStore, StoreError};

/// How long a claimed day is nobody else's: longer than playing one takes. Two minutes, in microseconds.
const LEASE_MICROS: i64 = 2 * 60 * 1_000_000;

/// What days are played with.
#[derive(Clone)]
pub struct DayPorts {
    /// Experiments.
    pub experiments: Arc<dyn ExperimentStore>,
    /// Their runs and variants.
    pub runs: Arc<dyn StepStore>,
    /// Results of advertisements, where they are imported.
    pub observations: Arc<dyn ObservationStore>,
    /// Who plays.
    pub market: Arc<dyn ExperimentMarket>,
    /// Who reads out.
    pub analyst: Arc<dyn Analyst>,
    /// Files with exposures.
    pub artifacts: Arc<dyn ArtifactStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Plays days of experiments until told to stop. Several may work on one store.
#[derive(Clone)]
pub struct ExperimentDays {
    ports: DayPorts,
    poll: Duration,
    recent: Arc<Mutex<Option<Recent>>>,
}

/// Exposures of the experiment that was played last, so that its next day need not read them from their
/// files.
struct Recent {
    experiment: ExperimentId,
    /// Of as many days.
    days: usize,
    exposures: Vec<Exposure>,
}

impl std::fmt::Debug for ExperimentDays {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExperimentDays").field("poll", &self.poll).finish_non_exhaustive()
    }
}

/// What a look for a due day came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayStep {
    /// A day was written.
    Written,
    /// The results of the day are not there yet: nobody looks for them again until its claim has ended, and
    /// the next one may be due.
    Awaited,
    /// None is due, or it cannot be written now.
    Idle,
}

/// What came of a claimed day.
enum Outcome {
    Played(Box<PlayedDay>, Option<Recent>),
    /// Its results are not there yet.
    Awaited,
    /// It cannot be played, now or later.
    Ended(StoppedBecause, String),
}

/// Why there is no outcome.
#[derive(Debug, thiserror::Error)]
enum DayError {
    #[error("{0}")]
    Permanent(Problem),
    /// The store, or the storage of files, could not answer: the day is claimed again after the lease.
    #[error("{0}")]
    Later(String),
}

impl From<Problem> for DayError {
    fn from(problem: Problem) -> Self {
        Self::Permanent(problem)
    }
}

impl From<StoreError> for DayError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Database(_) | StoreError::Conflict => Self::Later(error.to_string()),
            _ => Self::Permanent(Problem::new(Code::StoreFormat, "", error.to_string())),
        }
    }
}

impl From<ArtifactError> for DayError {
    fn from(error: ArtifactError) -> Self {
        match error {
            ArtifactError::Io(_) => Self::Later(error.to_string()),
            _ => Self::Permanent(Problem::new(Code::FileLost, "exposures", error.to_string())),
        }
    }
}

impl From<AccountError> for DayError {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Database(_) => Self::Later(error.to_string()),
            _ => Self::Permanent(error.into()),
        }
    }
}

impl ExperimentDays {
    /// A player that looks for due days every `poll`, and does nothing yet.
    #[must_use]
    pub fn new(ports: DayPorts, poll: Duration) -> Self {
        Self { ports, poll, recent: Arc::default() }
    }

    /// Plays until told to stop; a day under way is finished first. Errors of the store are logged and tried
    /// again.
    pub async fn run(self, mut shutdown: Shutdown) {
        while !shutdown.is_set() {
            match self.step().await {
                Ok(DayStep::Written | DayStep::Awaited) => continue,
                Ok(DayStep::Idle) => {}
                Err(error) => tracing::warn!(%error, "experiments cannot be served yet"),
            }
            tokio::select! {
                () = shutdown.wait() => break,
                () = tokio::time::sleep(self.poll) => {}
            }
        }
    }

    /// Plays the day that has been due for longest. One that is awaited keeps its claim until that ends, so
    /// that whoever asks again at once comes to the others.
    ///
    /// # Errors
    /// [`AccountError`] of the store (retryable): what was claimed is claimed again after its lease.
    pub async fn step(&self) -> Result<DayStep, AccountError> {
        let now = self.ports.clock.now_micros();
        let lease_until = now.saturating_add(LEASE_MICROS);
        let Some(claimed) = self.ports.experiments.claim_day(now, lease_until).await? else {
            return Ok(DayStep::Idle);
        };
        // The claim is held by the machine's clock, the day is played by the experiment's.
        let now = now.saturating_add(claimed.clock_moved);
        let experiment = &claimed.experiment;
        let outcome = match self.outcome(experiment, now).await {
            Ok(outcome) => outcome,
            Err(DayError::Permanent(problem)) => {
                tracing::error!(experiment.id = %experiment.id, %problem, "a day of an experiment cannot be played");
                Outcome::Ended(StoppedBecause::Failed, problem.to_string())
            }
            Err(DayError::Later(error)) => {
                tracing::warn!(experiment.id = %experiment.id, error, "a day of an experiment is played again later");
                return Ok(DayStep::Idle);
            }
        };
        if matches!(outcome, Outcome::Awaited) {
            tracing::debug!(experiment.id = %experiment.id, "the results of the next day are not there yet");
            return Ok(DayStep::Awaited);
        }
        Ok(match self.end(&claimed, outcome, now).await? {
            Amended::Now => DayStep::Written,
            Amended::Stale => DayStep::Idle,
        })
    }

    async fn end(&self, claimed: &ClaimedDay, outcome: Outcome, at: i64) -> Result<Amended, AccountError> {
        let mut recent = None;
        let (command, text, day) = match outcome {
            Outcome::Played(day, exposures) => {
                recent = exposures;
                (Command::Day(Box::new(day.read_out.clone())), String::new(), Some(day))
            }
            Outcome::Awaited => return Ok(Amended::Stale),
            Outcome::Ended(because, text) => (Command::Stop(because), text, None),
        };
        let asked = Asked { command, text, by: Author::service(), at };
        let change = decide(&claimed.experiment, asked)
            .map_err(|problem| AccountError::Contradiction(problem.to_string()))?;
        let amended = self.ports.experiments.end_day(claimed, &change, day.as_deref()).await?;
        match amended {
            Amended::Now => *self.recent.lock().unwrap_or_else(PoisonError::into_inner) = recent,
            Amended::Stale => {
                tracing::info!(experiment.id = %claimed.experiment.id, "a day is dropped, the experiment has changed");
            }
        }
        Ok(amended)
    }

    async fn outcome(&self, experiment: &Experiment, now: i64) -> Result<Outcome, DayError> {
        match experiment.design.source {
            FeedbackSource::Simulated => self.played(experiment, now).await,
            FeedbackSource::Imported => self.imported(experiment, now).await,
        }
    }

    /// The next day of imported results, once a report of it was handed in.
    async fn imported(&self, experiment: &Experiment, now: i64) -> Result<Outcome, DayError> {
        let (first, day) = (first_day(experiment)?, experiment.day + 1);
        let until = date_of(first, day)?;
        let mut rows = Vec::new();
        let mut is_reported = false;
        for (arm, number) in experiment.design.arms.iter().zip(0..) {
            for ad in &arm.external_ads {
                let platform = PlatformName::parse(&ad.platform).ok_or_else(|| no_platform(ad))?;
                let ids = std::slice::from_ref(&ad.id);
                let store = &self.ports.observations;
                let found = store.of_ads(experiment.organization, &platform, ids, first, Date::MAX).await?;
                is_reported |= found.iter().any(|own| own.window.end >= until);
                let of_days = found.iter().filter(|own| own.window.end <= until);
                rows.extend(of_days.filter_map(|own| row(number, ad, own)));
            }
        }
        if !is_reported {
            return Ok(Outcome::Awaited);
        }
        let analyst = &self.ports.analyst;
        let read_out = analyst.read_out_imported(experiment, day, &rows, now)?;
        let (file, artifacts) =
            (analyst.write_imported(experiment, &rows), Arc::clone(&self.ports.artifacts));
        let stored = tokio::task::spawn_blocking(move || artifacts.put(&file));
        let exposures = stored.await.map_err(|error| DayError::Later(error.to_string()))??;
        Ok(Outcome::Played(Box::new(PlayedDay { read_out, exposures }), None))
    }

    /// The next day in the market.
    async fn played(&self, experiment: &Experiment, now: i64) -> Result<Outcome, DayError> {
        let run = self.ports.runs.run(experiment.run).await?;
        let mut variants = Vec::with_capacity(experiment.design.arms.len());
        for arm in &experiment.design.arms {
            let id = arm.variant.ok_or_else(|| no_variant(&arm.name))?;
            let variant = self.ports.runs.variant(id).await?;
            if variant.state == VariantState::Withdrawn {
                let text = format!("the variant of arm {} was withdrawn", arm.name);
                return Ok(Outcome::Ended(StoppedBecause::ArmWithdrawn, text));
            }
            variants.push(variant);
        }
        let order = order(experiment, &run, &variants)?;
        let files = self.ports.experiments.exposures(experiment.organization, experiment.id).await?;
        let known = self.recent.lock().unwrap_or_else(PoisonError::into_inner).take();
        let known = known.filter(|known| known.experiment == experiment.id && known.days == files.len());
        let (ports, experiment) = (self.ports.clone(), experiment.clone());
        let played =
            tokio::task::spawn_blocking(move || play(&ports, &experiment, &order, &files, known, now));
        let (day, recent) = played.await.map_err(|error| DayError::Later(error.to_string()))??;
        Ok(Outcome::Played(Box::new(day), Some(recent)))
    }
}

/// The first day of imported results that counts.
fn first_day(experiment: &Experiment) -> Result<Date, Problem> {
    let first = experiment.design.starts_on.as_deref().and_then(|text| text.parse().ok());
    first.ok_or_else(|| Problem::new(Code::StoreFormat, "starts_on", "the experiment has no first day"))
}

/// The date of day `day`, from 1.
fn date_of(first: Date, day: u32) -> Result<Date, Problem> {
    let days = jiff::Span::new().days(i64::from(day.saturating_sub(1)));
    first.checked_add(days).map_err(|error| Problem::new(Code::StoreFormat, "starts_on", error.to_string()))
}

fn no_platform(ad: &ExternalAd) -> Problem {
    Problem::new(Code::StoreFormat, "external_ads", format!("`{}` is no platform", ad.platform))
}

fn no_variant(arm: &str) -> Problem {
    Problem::new(Code::StoreFormat, "variant", format!("the arm {arm} shows nothing"))
}

/// An observation as a row of an arm; `None` without impressions, which are what everything is counted over.
fn row(arm: u32, ad: &ExternalAd, observed: &Observation) -> Option<ImportedRow> {
    let conversions = observed.conversions.as_deref().and_then(|text| text.parse::<f64>().ok());
    Some(ImportedRow {
        arm,
        ad: ad.clone(),
        start: observed.window.start,
        end: observed.window.end,
        impressions: observed.impressions?,
        clicks: observed.clicks,
        conversions: conversions.filter(|count| count.is_finite() && *count >= 0.0),
        spend: observed.spend.as_ref().map(|spend| (spend.micros, spend.currency.clone())),
        revenue: observed.revenue.as_ref().map(|revenue| revenue.micros),
    })
}

/// The next day of an experiment.
fn order(experiment: &Experiment, run: &RunView, variants: &[Variant]) -> Result<DayOrder, DayError> {
    let request = &run.request;
    let traffic = &experiment.design.traffic;
    let mut creatives = Vec::with_capacity(variants.len());
    for (variant, idx) in variants.iter().zip(0..) {
        let (Some(render), Some(score)) = (&variant.body.final_render, &variant.body.score) else {
            let message = format!("variant {} has no finished video any more", variant.id);
            return Err(Problem::new(Code::ExperimentArm, format!("arms[{idx}].variant"), message).into());
        };
        creatives.push(CampaignCreative {
            placement: PlacementId::child_of(experiment.id.0, "arm", idx),
            variant: variant.id,
            script: variant.body.script.clone(),
            statistics: render.statistics,
            predicted_ctr: score.predicted_ctr,
        });
    }
    let nowhere = || Problem::new(Code::StoreFormat, "placements", "the run's brief names no placement");
    let phase = experiment.phases.last().cloned();
    Ok(DayOrder {
        campaign: Campaign {
            seed: request.seed,
            generation: experiment.day + 1,
            category: request.brief.product.category.clone(),
            locale: request.brief.locale,
            objective: request.brief.objective,
            placement: request.brief.placements.first().copied().ok_or_else(nowhere)?,
            budget: traffic.daily_budget_micros,
            currency: experiment.currency,
            opportunities: traffic.opportunities_per_day,
            creatives,
        },
        seed: experiment.design.seed,
        organic_conversions: traffic.organic_conversions,
        phase: phase.ok_or_else(|| Problem::new(Code::StoreFormat, "phases", "there is no phase"))?,
    })
}

/// Plays a day after the days of `files`, reads it out, and stores its exposures.
fn play(
    ports: &DayPorts,
    experiment: &Experiment,
    order: &DayOrder,
    files: &[ArtifactHash],
    known: Option<Recent>,
    now: i64,
) -> Result<(PlayedDay, Recent), DayError> {
    let mut exposures = match known {
        Some(known) => known.exposures,
        None => read(ports, experiment, files)?,
    };
    let played = ports
        .market
        .play_day(order, &exposures)
        .map_err(|error| Problem::new(Code::ExperimentState, "", error.to_string()))?;
    let file = ports.analyst.write(experiment, &played)?;
    exposures.extend(played);
    let read_out = ports.analyst.read_out(experiment, experiment.day + 1, &exposures, now)?;
    let file = ports.artifacts.put(&file)?;
    let recent = Recent { experiment: experiment.id, days: files.len() + 1, exposures };
    Ok((PlayedDay { read_out, exposures: file }, recent))
}

/// The exposures of all days so far.
fn read(
    ports: &DayPorts,
    experiment: &Experiment,
    files: &[ArtifactHash],
) -> Result<Vec<Exposure>, DayError> {
    let mut exposures = Vec::new();
    for file in files {
        exposures.extend(ports.analyst.read(experiment, &ports.artifacts.get(file)?)?);
    }
    Ok(exposures)
}
