//! Reviews over the shared queries, the same for every dialect.

use async_trait::async_trait;
use spotwright_core::domain::people::TokenCodes;
use spotwright_core::domain::review::{
    Approval, ApprovalOf, Asked, Author, Change, Comment, CommentState, ContentHash, Decision, NewComment,
    NewShare, ReceivedShare, Share,
};
use spotwright_core::ports::accounts::{Page, Positioned, WriteKey, Written};
use spotwright_core::ports::reviews::{ApprovalFilter, CommentFilter, ReviewError, ReviewStore};
use spotwright_core::use_cases::Who;
use spotwright_schemas::ids::{CommentId, OrganizationId, RunId, ShareId, VariantId};

use super::event_log_store::within;
use super::reviews::Bounded;
use super::writer::Wakes;
use super::{Store, reviews, shares};

fn bounded<T>(written: Bounded<T>) -> Result<T, ReviewError> {
    written.map_err(|(what, most)| ReviewError::TooMany { what, most })
}

#[async_trait]
impl ReviewStore for Store {
    async fn author(&self, who: &Who) -> Result<Author, ReviewError> {
        Ok(reviews::author(&mut *self.reader().await?, who).await?)
    }

    async fn ask(
        &self,
        organization: OrganizationId,
        of: &ApprovalOf,
        asked: &Asked,
    ) -> Result<Approval, ReviewError> {
        let (of, asked) = (of.clone(), asked.clone());
        let noted = self
            .writer
            .write(Some(of.run), Wakes::default(), move |conn| {
                Box::pin(async move { reviews::ask(conn, organization, &of, &asked).await })
            })
            .await?;
        Ok(noted)
    }

    async fn decide(
        &self,
        organization: OrganizationId,
        of: &ApprovalOf,
        decision: &Decision,
    ) -> Result<Approval, ReviewError> {
        let (of, decision) = (of.clone(), decision.clone());
        let decided = self
            .writer
            .write(Some(of.run), Wakes::default(), move |conn| {
                Box::pin(async move { reviews::decide(conn, organization, &of, &decision).await })
            })
            .await?;
        bounded(decided)
    }

    async fn approval(
        &self,
        organization: OrganizationId,
        variant: VariantId,
    ) -> Result<Option<Approval>, ReviewError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(reviews::current(&mut reader, organization, variant).await?)
    }

    async fn approvals(
        &self,
        organization: OrganizationId,
        filter: &ApprovalFilter,
        page: Page,
    ) -> Result<Vec<Positioned<Approval>>, ReviewError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(reviews::approvals(&mut reader, organization, filter, page).await?)
    }

    async fn contents(
        &self,
        organization: OrganizationId,
        variants: &[VariantId],
    ) -> Result<Vec<Option<ContentHash>>, ReviewError> {
        let mut reader = self.tenant(within(organization)).await?;
        let mut contents = Vec::with_capacity(variants.len());
        for variant in variants {
            contents.push(reviews::content(&mut reader, organization, *variant).await?);
        }
        Ok(contents)
    }

    async fn open_comments(
        &self,
        organization: OrganizationId,
        variants: &[VariantId],
        share: Option<ShareId>,
    ) -> Result<Vec<u64>, ReviewError> {
        let mut reader = self.tenant(within(organization)).await?;
        let mut counts = Vec::with_capacity(variants.len());
        for variant in variants {
            counts.push(reviews::open_comments(&mut reader, organization, *variant, share).await?);
        }
        Ok(counts)
    }

    async fn comment(
        &self,
        organization: OrganizationId,
        write: &WriteKey,
        comment: &NewComment,
    ) -> Result<Written<Comment>, ReviewError> {
        let (write, comment) = (write.clone(), comment.clone());
        let made = self
            .writer
            .write(Some(comment.run), Wakes::default(), move |conn| {
                Box::pin(async move { reviews::comment(conn, within(organization), &write, &comment).await })
            })
            .await?;
        Ok(bounded(made)?.into_result()?)
    }

    async fn comments(
        &self,
        organization: OrganizationId,
        filter: &CommentFilter,
        page: Page,
    ) -> Result<Vec<Positioned<Comment>>, ReviewError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(reviews::comments(&mut reader, organization, filter, page).await?)
    }

    async fn comment_with(
        &self,
        organization: OrganizationId,
        id: CommentId,
    ) -> Result<Comment, ReviewError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(reviews::comment_with(&mut reader, organization, id).await?)
    }

    async fn set_comment(
        &self,
        organization: OrganizationId,
        id: CommentId,
        state: CommentState,
        change: &Change,
    ) -> Result<Comment, ReviewError> {
        let change = change.clone();
        let changed = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { reviews::set_comment(conn, organization, id, state, &change).await })
            })
            .await?;
        Ok(changed)
    }

    async fn create_share(
        &self,
        organization: OrganizationId,
        write: &WriteKey,
        share: &NewShare,
    ) -> Result<Written<Share>, ReviewError> {
        let (write, share) = (write.clone(), share.clone());
        let made = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { shares::create(conn, within(organization), &write, &share).await })
            })
            .await?;
        Ok(bounded(made)?.into_result()?)
    }

    async fn shares(
        &self,
        organization: OrganizationId,
        run: Option<RunId>,
        page: Page,
    ) -> Result<Vec<Positioned<Share>>, ReviewError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(shares::list(&mut reader, organization, run, page).await?)
    }

    async fn share(&self, organization: OrganizationId, id: ShareId) -> Result<Share, ReviewError> {
        let mut reader = self.tenant(within(organization)).await?;
        Ok(shares::get(&mut reader, organization, id).await?)
    }

    async fn revoke_share(
        &self,
        organization: OrganizationId,
        id: ShareId,
        now: i64,
    ) -> Result<Share, ReviewError> {
        let revoked = self
            .writer
            .write(None, Wakes::default(), move |conn| Box::pin(shares::revoke(conn, organization, id, now)))
            .await?;
        Ok(revoked)
    }

    async fn received_share(&self, codes: &TokenCodes) -> Result<Option<ReceivedShare>, ReviewError> {
        Ok(shares::received(&mut *self.reader().await?, codes).await?)
    }
}
