//! Reviews: approvals, comments and the links of reviewers.

use async_trait::async_trait;
use spotwright_schemas::ids::{CommentId, OrganizationId, RunId, ShareId, VariantId};

use super::accounts::{AccountError, Page, Positioned, WriteKey, Written};
use super::step_store::StoreError;
use crate::domain::people::TokenCodes;
use crate::domain::review::{
    Approval, ApprovalOf, ApprovalState, Asked, Author, Change, Comment, CommentState, ContentHash, Decision,
    NewComment, NewShare, ReceivedShare, Share,
};
use crate::use_cases::Who;

/// Most comments of one variant.
pub const COMMENTS_OF_A_VARIANT: u32 = 2_000;

/// Most comments by one link.
pub const COMMENTS_OF_A_SHARE: u32 = 1_000;

/// Most links of an organization that open.
pub const OPEN_SHARES: u32 = 200;

/// Decisions that one approval keeps.
pub const DECISIONS: u32 = 200;

/// Why the store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReviewError {
    /// As of every row of an organization.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// There are as many as there may be (permanent).
    #[error("there are {most} {what}, as many as there may be")]
    TooMany {
        /// What there are too many of.
        what: &'static str,
        /// How many there may be.
        most: u32,
    },
}

impl From<StoreError> for ReviewError {
    fn from(error: StoreError) -> Self {
        Self::Account(error.into())
    }
}

/// Which approvals are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ApprovalFilter {
    /// Only those in this state.
    pub state: Option<ApprovalState>,
    /// Only those of this variant.
    pub variant: Option<VariantId>,
    /// Only those of this run's variants.
    pub run: Option<RunId>,
}

/// Which comments are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentFilter {
    /// Those of this variant.
    pub variant: VariantId,
    /// Only those in this state.
    pub state: Option<CommentState>,
    /// Only those that reviewers with this link see.
    pub share: Option<ShareId>,
}

/// Approvals, comments and links of reviewers.
///
/// Contract:
/// 1. A method that returns `Ok` has made its changes durable, all of them; one that returns an error has
///    changed nothing. Rows of another organization are missing.
/// 2. There is one approval for each variant and content. One that is asked for or decided on supersedes the
///    others of its variant.
/// 3. Decisions are only added, however many come at the same time, and the last one is the state.
/// 4. No token is stored, only its code.
/// 5. Times are the caller's. Lists are newest first.
#[async_trait]
pub trait ReviewStore: Send + Sync {
    /// Who somebody is, with what they are called now.
    async fn author(&self, who: &Who) -> Result<Author, ReviewError>;

    /// Notes that a decision is wanted. One that was asked for, or decided on, stays as it is.
    async fn ask(
        &self,
        organization: OrganizationId,
        of: &ApprovalOf,
        asked: &Asked,
    ) -> Result<Approval, ReviewError>;

    /// Adds a decision. [`ReviewError::TooMany`] beyond [`DECISIONS`].
    async fn decide(
        &self,
        organization: OrganizationId,
        of: &ApprovalOf,
        decision: &Decision,
    ) -> Result<Approval, ReviewError>;

    /// The approval of a variant that nothing supersedes; `None` where nobody asked.
    async fn approval(
        &self,
        organization: OrganizationId,
        variant: VariantId,
    ) -> Result<Option<Approval>, ReviewError>;

    /// The organization's approvals.
    async fn approvals(
        &self,
        organization: OrganizationId,
        filter: &ApprovalFilter,
        page: Page,
    ) -> Result<Vec<Positioned<Approval>>, ReviewError>;

    /// What the variants are that the organization has, in the order asked; `None` for one that it has not.
    async fn contents(
        &self,
        organization: OrganizationId,
        variants: &[VariantId],
    ) -> Result<Vec<Option<ContentHash>>, ReviewError>;

    /// How many open comments each of the variants has, for `share` only those that its reviewers see.
    async fn open_comments(
        &self,
        organization: OrganizationId,
        variants: &[VariantId],
        share: Option<ShareId>,
    ) -> Result<Vec<u64>, ReviewError>;

    /// Makes a comment. [`ReviewError::TooMany`] beyond [`COMMENTS_OF_A_VARIANT`] and
    /// [`COMMENTS_OF_A_SHARE`].
    async fn comment(
        &self,
        organization: OrganizationId,
        write: &WriteKey,
        comment: &NewComment,
    ) -> Result<Written<Comment>, ReviewError>;

    /// Comments of a variant.
    async fn comments(
        &self,
        organization: OrganizationId,
        filter: &CommentFilter,
        page: Page,
    ) -> Result<Vec<Positioned<Comment>>, ReviewError>;

    /// One comment.
    async fn comment_with(&self, organization: OrganizationId, id: CommentId)
    -> Result<Comment, ReviewError>;

    /// Resolves a comment or opens it again. One that is in that state stays as it is, and so does who
    /// changed it.
    async fn set_comment(
        &self,
        organization: OrganizationId,
        id: CommentId,
        state: CommentState,
        change: &Change,
    ) -> Result<Comment, ReviewError>;

    /// Makes a link. [`ReviewError::TooMany`] beyond [`OPEN_SHARES`].
    async fn create_share(
        &self,
        organization: OrganizationId,
        write: &WriteKey,
        share: &NewShare,
    ) -> Result<Written<Share>, ReviewError>;

    /// The organization's links, only those of a run when one is given.
    async fn shares(
        &self,
        organization: OrganizationId,
        run: Option<RunId>,
        page: Page,
    ) -> Result<Vec<Positioned<Share>>, ReviewError>;

    /// One link.
    async fn share(&self, organization: OrganizationId, id: ShareId) -> Result<Share, ReviewError>;

    /// Revokes a link; revoking it again changes nothing.
    async fn revoke_share(
        &self,
        organization: OrganizationId,
        id: ShareId,
        now: i64,
    ) -> Result<Share, ReviewError>;

    /// The link with a token, whatever has become of it; `None` when there is no such one.
    async fn received_share(&self, codes: &TokenCodes) -> Result<Option<ReceivedShare>, ReviewError>;
}
