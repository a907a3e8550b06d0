//! Accounts: who may use the service, what they handed in, and their view of their runs.

use async_trait::async_trait;
use serde_json::Value;
use spotwright_schemas::event::Event;
use spotwright_schemas::ids::{AssetId, BriefId, KeyId, OrganizationId, RunId, VariantId};
use spotwright_schemas::money::{Currency, Micros};
use uuid::Uuid;

use super::books::Books;
use super::campaigns::Campaigns;
use super::reports::Reports;
use super::sandboxes::Sandboxes;
use super::step_store::{Commit, StoreError, TraceEntry};
use super::views::Views;
use crate::domain::account::{
    Asset, AssetUsage, BriefRecord, BriefSummary, Credential, FoundedOrganization, KeyRecord, Limit,
    NewAsset, NewBrief, NewKey, NewOrganization, OrderedRun, Organization, OrganizationBudget,
    OrganizationContext, RunOrder, RunRecord,
};
use crate::domain::run::NewRun;
use crate::domain::variant::{Placement, Variant, VariantState};

/// How long the answer to a write is kept for repetitions: 24 hours, in microseconds.
pub const KEPT_MICROS: i64 = 24 * 3_600 * 1_000_000;

/// What makes a write repeatable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteKey {
    /// Chosen by the client; unique within its organization for [`KEPT_MICROS`].
    pub key: String,
    /// SHA-256 of everything that was asked. The same key with another fingerprint is refused.
    pub fingerprint: [u8; 32],
}

/// What became of a repeatable write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written<T> {
    /// It was written now.
    Fresh(T),
    /// It had been written before; this is what was answered then.
    Replayed(T),
}

impl<T> Written<T> {
    /// The record, whenever it was written.
    pub fn into_inner(self) -> T {
        match self {
            Self::Fresh(record) | Self::Replayed(record) => record,
        }
    }
}

/// Where a page begins and how long it may be. Lists are newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Only rows written before the row at this position; `None`: from the newest.
    pub before: Option<i64>,
    /// Most rows.
    pub limit: u32,
}

/// A row with its position, from which the next page can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Positioned<T> {
    /// Its position.
    pub position: i64,
    /// The row.
    pub row: T,
}

/// Why the store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccountError {
    /// There is no such row in this organization (permanent).
    #[error("there is no such {0}")]
    Missing(String),
    /// The write key was used for something else (permanent).
    #[error("the key was used for another request")]
    KeyReused,
    /// Somebody else is writing under the same key (retryable).
    #[error("a request with the same key is being written")]
    InFlight,
    /// What the organization may spend does not cover it (permanent).
    #[error("the organization's budget does not cover {needed:?}; {free:?} are free")]
    Budget {
        /// What was to be committed.
        needed: Micros,
        /// What is free.
        free: Micros,
    },
    /// The pictures of the organization would take more room than they may (permanent).
    #[error("the organization's pictures may have {quota} bytes and have {used}")]
    Quota {
        /// Bytes that they may have.
        quota: u64,
        /// Bytes that they have.
        used: u64,
    },
    /// Without the key nobody could make keys for the organization any more (permanent).
    #[error("it is the organization's last key that may make keys")]
    LastKey,
    /// The run is in another currency than what its organization may spend (permanent).
    #[error("the organization's budget is in {}, the run in {}", budget.code(), run.code())]
    Currency {
        /// The currency of the organization's budget.
        budget: Currency,
        /// The currency of the run.
        run: Currency,
    },
    /// A row with the same id and other content exists (permanent): a defect of the caller.
    #[error("contradiction: {0}")]
    Contradiction(String),
    /// A stored row cannot be understood (permanent).
    #[error("stored data: {0}")]
    Format(String),
    /// The database failed: busy, disk full, connection lost (retryable).
    #[error("database: {0}")]
    Database(String),
}

impl From<StoreError> for AccountError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Missing(what) => Self::Missing(what),
            StoreError::Conflict => Self::InFlight,
            StoreError::Budget { needed, free } => Self::Budget { needed, free },
            StoreError::Currency { budget, run } => Self::Currency { budget, run },
            StoreError::Format(what) => Self::Format(what),
            StoreError::Database(what) => Self::Database(what),
            other => Self::Contradiction(other.to_string()),
        }
    }
}

/// Accounts and each organization's view of its rows.
///
/// Contract:
/// 1. A method that returns `Ok` has made its changes durable, all of them; one that returns an
///    error has changed nothing.
/// 2. Every method with an [`OrganizationContext`] reads and writes rows of that organization only.
///    A row of another organization is missing, exactly as one that never was. The exceptions
///    make, list, limit and freeze organizations, for the holder of an operator's key.
/// 3. A write under a [`WriteKey`] stores its effect and its answer in one transaction. The same key
///    with the same fingerprint answers [`Written::Replayed`] with the stored answer and writes
///    nothing; with another fingerprint it is [`AccountError::KeyReused`]. Keys of different
///    organizations do not meet. After [`KEPT_MICROS`] a key is free again.
/// 4. Times are those of the database's clock. Ids are the caller's.
/// 5. Lists are newest first; a page that goes on from the last row's position neither repeats nor
///    skips a row that existed when the first page was read.
/// 6. No text of a key is stored, only its authentication code.
#[async_trait]
pub trait AccountStore: Books + Campaigns + Reports + Sandboxes + Views + Send + Sync {
    /// Makes an organization and its first key, unless the organization exists. Whether it was made.
    /// For the program that owns the database, before anybody has a key.
    async fn bootstrap(&self, organization: &NewOrganization, key: &NewKey) -> Result<bool, AccountError>;

    /// Makes a key of an organization that exists. For the program that owns the database, when its
    /// operator has lost the key.
    async fn add_key(&self, organization: OrganizationId, key: &NewKey) -> Result<KeyRecord, AccountError>;

    /// The mark of this database, by which processes know that they share the storage of its files: what
    /// was proposed first.
    async fn installation(&self, proposal: Uuid) -> Result<Uuid, AccountError>;

    /// What is needed to check a presented key; `None` when there is no such key.
    async fn credential(&self, key: KeyId) -> Result<Option<Credential>, AccountError>;

    /// The answer that was stored under a write key, before any work is done for it again.
    async fn recall(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
    ) -> Result<Option<Value>, AccountError>;

    /// Makes an organization and its first key. The context is the operator's.
    async fn create_organization(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        organization: &NewOrganization,
        key: &NewKey,
    ) -> Result<Written<FoundedOrganization>, AccountError>;

    /// All organizations. The context is the operator's.
    async fn organizations(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<Organization>>, AccountError>;

    /// Limits what an organization may spend over all its runs. A run commits its whole budget until it
    /// ends, and then what it spent; one whose budget does not fit is refused with
    /// [`AccountError::Budget`], one in another currency with [`AccountError::Currency`]. A limit below
    /// what is committed holds back all further runs until enough is given back. For the operator.
    async fn limit_organization(
        &self,
        organization: OrganizationId,
        limit: Limit,
    ) -> Result<OrganizationBudget, AccountError>;

    /// Takes the limit of an organization away; where there is none, nothing changes. For the operator.
    async fn unlimit_organization(&self, organization: OrganizationId) -> Result<(), AccountError>;

    /// What an organization may spend, and what is committed of it; `None` when nothing limits it. For
    /// the operator.
    async fn organization_budget(
        &self,
        organization: OrganizationId,
    ) -> Result<Option<OrganizationBudget>, AccountError>;

    /// Refuses the keys of an organization from now on, or takes them again. For the operator.
    async fn set_frozen(
        &self,
        organization: OrganizationId,
        frozen: bool,
    ) -> Result<Organization, AccountError>;

    /// The own organization.
    async fn organization(&self, context: OrganizationContext) -> Result<Organization, AccountError>;

    /// Makes a key of the own organization.
    async fn create_key(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        key: &NewKey,
    ) -> Result<Written<KeyRecord>, AccountError>;

    /// The keys of the own organization.
    async fn keys(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<KeyRecord>>, AccountError>;

    /// One key of the own organization.
    async fn key(&self, context: OrganizationContext, key: KeyId) -> Result<KeyRecord, AccountError>;

    /// Revokes a key; revoking it again changes nothing. With `keep_one`, the last key that may make keys
    /// and has no end stays: [`AccountError::LastKey`].
    async fn revoke_key(
        &self,
        context: OrganizationContext,
        key: KeyId,
        keep_one: bool,
    ) -> Result<KeyRecord, AccountError>;

    /// Records a picture.
    async fn create_asset(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        asset: &NewAsset,
    ) -> Result<Written<Asset>, AccountError>;

    /// What the organization's pictures take.
    async fn asset_usage(&self, context: OrganizationContext) -> Result<AssetUsage, AccountError>;

    /// Removes a picture from its organization: it is listed and found no more, and no run of a brief
    /// that names it can begin. Whether no other picture and no run has the same file.
    async fn delete_asset(
        &self,
        context: OrganizationContext,
        id: AssetId,
    ) -> Result<(Asset, bool), AccountError>;

    /// The organization's pictures.
    async fn assets(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<Asset>>, AccountError>;

    /// Pictures by id, in the order asked for; `None` for each that is missing.
    async fn assets_by_id(
        &self,
        context: OrganizationContext,
        ids: &[AssetId],
    ) -> Result<Vec<Option<Asset>>, AccountError>;

    /// Records a brief. [`AccountError::Missing`] when one of its assets is.
    async fn create_brief(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        brief: &NewBrief,
    ) -> Result<Written<BriefSummary>, AccountError>;

    /// The organization's briefs.
    async fn briefs(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<BriefSummary>>, AccountError>;

    /// One brief.
    async fn brief(&self, context: OrganizationContext, id: BriefId) -> Result<BriefRecord, AccountError>;

    /// Creates a run with its first commit, as `StepStore::create_run` does, and records its order.
    /// The run must belong to the context's organization.
    async fn order_run(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        order: RunOrder,
        run: &NewRun,
        commit: Commit,
    ) -> Result<Written<OrderedRun>, AccountError>;

    /// The organization's runs.
    async fn runs(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<RunRecord>>, AccountError>;

    /// One run; one read.
    async fn run(&self, context: OrganizationContext, id: RunId) -> Result<RunRecord, AccountError>;

    /// Runs that make revisions of a variant. Empty, too, where the organization has no such variant.
    async fn revisions(
        &self,
        context: OrganizationContext,
        variant: VariantId,
        page: Page,
    ) -> Result<Vec<Positioned<RunRecord>>, AccountError>;

    /// Messages of a run with a sequence number above `after`, in order, at most `limit`.
    async fn events(
        &self,
        context: OrganizationContext,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, AccountError>;

    /// Lines of a run's trace after the place `after`, in order, at most `limit`.
    async fn trace(
        &self,
        context: OrganizationContext,
        run: RunId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<TraceEntry>, AccountError>;

    /// Variants of a run after a generation and number, in that order, at most `limit`; only those
    /// in `state` when one is given.
    async fn variants(
        &self,
        context: OrganizationContext,
        run: RunId,
        after: (u32, u32),
        state: Option<VariantState>,
        limit: u32,
    ) -> Result<Vec<Variant>, AccountError>;

    /// One variant, with its placement in its own generation if it was placed.
    async fn variant(
        &self,
        context: OrganizationContext,
        id: VariantId,
    ) -> Result<(Variant, Option<Placement>), AccountError>;

    /// Drops stored answers older than [`KEPT_MICROS`]; how many.
    async fn forget_answers(&self) -> Result<u64, AccountError>;
}
