//! Experiments: where they are kept, who plays their days, and who reads them out.

use async_trait::async_trait;
use spotwright_schemas::Problem;
use spotwright_schemas::experiment::{ExperimentPhase, ReadOut};
use spotwright_schemas::ids::{ExperimentId, OrganizationId};

use super::accounts::{AccountError, Page, Positioned, WriteKey, Written};
use super::artifacts::ArtifactHash;
use super::marketplace::{Campaign, MarketError};
use crate::domain::experiment::exposure::{Exposure, ImportedRow};
use crate::domain::experiment::machine::Change;
use crate::domain::experiment::{Experiment, LogEntry, PlayedDay};

/// An experiment whose next day was claimed.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedDay {
    /// The experiment as it was claimed.
    pub experiment: Experiment,
    /// Number of the claim; what is written under an older one is dropped.
    pub fence: i64,
    /// How far the clock of its organization was moved, in microseconds.
    pub clock_moved: i64,
}

/// Whether a change was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amended {
    /// It was.
    Now,
    /// The experiment was changed meanwhile, or the claim is no longer valid: nothing was written.
    Stale,
}

/// Experiments, their logs and read-outs.
///
/// Contract:
/// 1. A method that returns `Ok` has made its changes durable, all of them, events too; one that returns an
///    error has changed nothing. Rows of another organization are missing.
/// 2. A change is written only on the version before its own; otherwise it is [`Amended::Stale`].
/// 3. A day is claimed by one at a time until its lease ends, and only while its experiment runs and its time
///    has come. It is ended under the newest fence only.
/// 4. A day is kept once: one that is there already is never replaced.
/// 5. Read-outs, chunks and entries come in the order in which they were written.
#[async_trait]
pub trait ExperimentStore: Send + Sync {
    /// Makes a draft.
    async fn create_experiment(
        &self,
        write: &WriteKey,
        experiment: &Experiment,
        entry: &LogEntry,
    ) -> Result<Written<Experiment>, AccountError>;

    /// The organization's experiments, newest first.
    async fn experiments(
        &self,
        organization: OrganizationId,
        page: Page,
    ) -> Result<Vec<Positioned<Experiment>>, AccountError>;

    /// One experiment.
    async fn experiment(
        &self,
        organization: OrganizationId,
        id: ExperimentId,
    ) -> Result<Experiment, AccountError>;

    /// All read-outs of an experiment.
    async fn read_outs(
        &self,
        organization: OrganizationId,
        id: ExperimentId,
    ) -> Result<Vec<ReadOut>, AccountError>;

    /// The whole log of an experiment.
    async fn decisions(
        &self,
        organization: OrganizationId,
        id: ExperimentId,
    ) -> Result<Vec<LogEntry>, AccountError>;

    /// The files with the exposures of each day.
    async fn exposures(
        &self,
        organization: OrganizationId,
        id: ExperimentId,
    ) -> Result<Vec<ArtifactHash>, AccountError>;

    /// Writes what follows from a command.
    async fn amend_experiment(&self, change: &Change) -> Result<Amended, AccountError>;

    /// Claims the day that has been due for longest.
    async fn claim_day(&self, now: i64, lease_until: i64) -> Result<Option<ClaimedDay>, AccountError>;

    /// Writes what follows from a day, or from not being able to play it, and gives the claim back.
    async fn end_day(
        &self,
        claimed: &ClaimedDay,
        change: &Change,
        day: Option<&PlayedDay>,
    ) -> Result<Amended, AccountError>;
}

/// A day to be played.
#[derive(Debug, Clone, PartialEq)]
pub struct DayOrder {
    /// The arms as creatives, in the order of the design, and the market of the run. `generation` is the day,
    /// `budget` and `opportunities` are those of the day.
    pub campaign: Campaign,
    /// Divides the users.
    pub seed: u64,
    /// How they are divided.
    pub phase: ExperimentPhase,
    /// Probability that a user buys on a day without any advertisement, in [0, 0.5].
    pub organic_conversions: f64,
}

/// Plays days of experiments.
///
/// Contract:
/// 1. Equal orders after equal exposures give equal exposures, whatever the number of threads.
/// 2. A user's arm follows from the seed, the phase and the user alone, before any auction; in a phase it
///    stays.
/// 3. Whether a user is exposed does not depend on the arm: bids are the same for all arms and the holdout.
/// 4. A user of the holdout is shown nothing, and pays nothing.
/// 5. What is spent in a day is within its budget; clicks are within impressions, conversions within clicks.
/// 6. There is at most one exposure of a user in a day.
/// 7. Whether a user buys without an advertisement does not depend on the arm. A purchase that follows a
///    click too is counted once, as one after a click.
pub trait ExperimentMarket: Send + Sync {
    /// Plays a day after all days `before`.
    ///
    /// # Errors
    /// [`MarketError`] (permanent).
    fn play_day(&self, order: &DayOrder, before: &[Exposure]) -> Result<Vec<Exposure>, MarketError>;
}

/// Reads experiments out, and writes and reads their exposures as files.
///
/// Contract:
/// 1. Equal exposures give equal read-outs.
/// 2. Exposures that were written are read back as they were.
pub trait Analyst: Send + Sync {
    /// What `exposures`, those of all days and phases, say after day `day` of an experiment, at `at`.
    ///
    /// # Errors
    /// [`spotwright_schemas::error::Code::Trial`] (permanent): exposures that contradict the design.
    fn read_out(
        &self,
        experiment: &Experiment,
        day: u32,
        exposures: &[Exposure],
        at: i64,
    ) -> Result<ReadOut, Problem>;

    /// What imported results say after day `day` of an experiment, at `at`: those of its first day up to that
    /// one, in any order.
    ///
    /// # Errors
    /// [`spotwright_schemas::error::Code::Trial`] (permanent): results that contradict the design.
    fn read_out_imported(
        &self,
        experiment: &Experiment,
        day: u32,
        rows: &[ImportedRow],
        at: i64,
    ) -> Result<ReadOut, Problem>;

    /// Imported results as the CSV file that a day keeps, so that its numbers can be followed back.
    fn write_imported(&self, experiment: &Experiment, rows: &[ImportedRow]) -> Vec<u8>;

    /// Exposures as a parquet file.
    ///
    /// # Errors
    /// [`spotwright_schemas::error::Code::Internal`]: the file cannot be written.
    fn write(&self, experiment: &Experiment, exposures: &[Exposure]) -> Result<Vec<u8>, Problem>;

    /// Exposures of a file that [`Analyst::write`] wrote.
    ///
    /// # Errors
    /// [`spotwright_schemas::error::Code::StoreFormat`] (permanent): the file is another one, or damaged.
    fn read(&self, experiment: &Experiment, file: &[u8]) -> Result<Vec<Exposure>, Problem>;
}
