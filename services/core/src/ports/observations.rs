//! Observations: what ads did, by source, and which of them are of the organization's variants.

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::civil::Date;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::ids::{ImportId, OrganizationId, VariantId};
use spotwright_schemas::launch::ExternalRef;

use super::accounts::{AccountError, Page, Positioned, WriteKey, Written};
use crate::domain::observation::{
    Evidence, Fate, ImportRecord, ImportReport, Link, NewObservation, Observation, ObservationRecord,
    PlatformName, ProductKey, RefusedRow, SourceKind,
};
use crate::domain::variant::Variant;

/// What columns hold, by their headers.
pub type Mapping = BTreeMap<String, String>;

/// A file or batch to be taken in.
#[derive(Debug, Clone, PartialEq)]
pub struct NewImport {
    /// Its id.
    pub id: ImportId,
    /// What was understood; the rows' fates are counted by the store.
    pub report: ImportReport,
    /// The rows.
    pub rows: Vec<NewObservation>,
    /// Take all rows in or none.
    pub atomic: bool,
    /// A mapping to be remembered, under the header that it is for.
    pub mapping: Option<(String, Mapping)>,
}

/// What became of a file or batch.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "there is one for each import, never a list of them")]
pub enum TakenIn {
    /// It was taken in, now or under the same write key before.
    Done(Written<ImportRecord>),
    /// A row was refused and all were to be taken in or none: nothing was written.
    Refused(Vec<RefusedRow>),
}

/// Which observations are asked for. There is no way to ask for both kinds of sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservationFilter {
    /// Of which kind of source.
    pub source: SourceKind,
    /// Of which platform; `None` for every platform of the kind.
    pub platform: Option<PlatformName>,
    /// Of which variant.
    pub variant: Option<VariantId>,
    /// Of which import.
    pub import: Option<ImportId>,
}

/// A variant that won, with the brief that it was made for.
#[derive(Debug, Clone)]
pub struct Winner {
    /// The variant.
    pub variant: Variant,
    /// Its brief.
    pub brief: Brief,
}

/// Keeps observations.
///
/// Contract:
/// 1. Observations of one organization, source, platform, ad and window are one row. A later one with other
///    content replaces it and raises its revision; the same again changes nothing.
/// 2. No day of an ad is held twice: a window that contains earlier ones replaces them, any other overlap is
///    [`Fate::Covered`] and refused.
/// 3. An import, its rows and the answer under its write key are one transaction. An `atomic` one with a row
///    that is refused writes nothing.
/// 4. What the market reports is written as [`SourceKind::Simulated`] by the step store, in the transaction
///    that takes the feedback in.
/// 5. No answer mixes kinds of sources.
/// 6. Every method reads and writes rows of the named organization only.
/// 7. An ad that is named by an external reference is of that variant from then on, its earlier observations
///    too. An ad stands for one variant.
#[async_trait]
pub trait ObservationStore: Send + Sync {
    /// What taking each row in would do; writes nothing.
    async fn fates(
        &self,
        organization: OrganizationId,
        rows: &[NewObservation],
    ) -> Result<Vec<Fate>, AccountError>;

    /// Takes a file or batch in. Without a write key a repetition is another import, of rows that change
    /// nothing.
    async fn take_in(
        &self,
        organization: OrganizationId,
        write: Option<&WriteKey>,
        import: NewImport,
    ) -> Result<TakenIn, AccountError>;

    /// Observations, newest first.
    async fn observations(
        &self,
        organization: OrganizationId,
        filter: &ObservationFilter,
        page: Page,
    ) -> Result<Vec<Positioned<ObservationRecord>>, AccountError>;

    /// Imported observations of the ads of a platform with these ids whose windows meet the days from `from`
    /// to `until`, ends included, by ad and first day.
    async fn of_ads(
        &self,
        organization: OrganizationId,
        platform: &PlatformName,
        ids: &[String],
        from: Date,
        until: Date,
    ) -> Result<Vec<Observation>, AccountError>;

    /// Imports, newest first.
    async fn imports(
        &self,
        organization: OrganizationId,
        page: Page,
    ) -> Result<Vec<Positioned<ImportRecord>>, AccountError>;

    /// One import.
    async fn import(&self, organization: OrganizationId, id: ImportId) -> Result<ImportRecord, AccountError>;

    /// The mapping that was last used for a header.
    async fn mapping(
        &self,
        organization: OrganizationId,
        header: &str,
    ) -> Result<Option<Mapping>, AccountError>;

    /// Replaces the external references of a variant, and links the observations of these ads.
    /// `Some(index)`: the reference at this index is of another variant, and nothing was written.
    async fn put_refs(
        &self,
        organization: OrganizationId,
        variant: VariantId,
        refs: &[ExternalRef],
    ) -> Result<Option<usize>, AccountError>;

    /// The external references of a variant, by platform and id.
    async fn refs(
        &self,
        organization: OrganizationId,
        variant: VariantId,
    ) -> Result<Vec<ExternalRef>, AccountError>;

    /// The variants that ads of a platform are named as, by the ads' ids.
    async fn links(
        &self,
        organization: OrganizationId,
        platform: &PlatformName,
        ids: &[String],
    ) -> Result<BTreeMap<String, Link>, AccountError>;

    /// Variants that won as number `number` of generation `generation`, of the newest runs first, at most
    /// `limit`. Names of launch packs hold both numbers.
    async fn winners_numbered(
        &self,
        organization: OrganizationId,
        generation: u32,
        number: u32,
        limit: u32,
    ) -> Result<Vec<Winner>, AccountError>;

    /// What variants of a product did by one kind of source, by variant. Observations without impressions or
    /// without clicks are no evidence.
    async fn evidence(
        &self,
        organization: OrganizationId,
        product: &ProductKey,
        source: SourceKind,
    ) -> Result<Vec<Evidence>, AccountError>;
}
