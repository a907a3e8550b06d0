//! Accounts over the shared queries, the same for every dialect: reads on the readers, as the
//! organization where the database knows one, and writes through the writer's groups.

use async_trait::async_trait;
use serde_json::Value;
use spotwright_core::domain::account::{
    Asset, AssetUsage, BriefRecord, BriefSummary, Credential, FoundedOrganization, KeyRecord, Limit,
    NewAsset, NewBrief, NewKey, NewOrganization, OrderedRun, Organization, OrganizationBudget,
    OrganizationContext, RunOrder, RunRecord,
};
use spotwright_core::domain::run::NewRun;
use spotwright_core::domain::variant::{Placement, Variant, VariantState};
use spotwright_core::ports::accounts::{AccountError, AccountStore, Page, Positioned, WriteKey, Written};
use spotwright_core::ports::step_store::{Commit, TraceEntry};
use spotwright_schemas::event::Event;
use spotwright_schemas::ids::{AssetId, BriefId, KeyId, OrganizationId, RunId, VariantId};
use uuid::Uuid;

use super::adapter::wakes_of;
use super::answers::{Known, Outcome};
use super::writer::Wakes;
use super::{Store, account_runs, accounts, answers, money};

#[async_trait]
impl AccountStore for Store {
    async fn bootstrap(&self, organization: &NewOrganization, key: &NewKey) -> Result<bool, AccountError> {
        let (organization, key) = (organization.clone(), key.clone());
        let made = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { accounts::bootstrap(conn, &organization, &key).await })
            })
            .await?;
        Ok(made)
    }

    async fn add_key(&self, organization: OrganizationId, key: &NewKey) -> Result<KeyRecord, AccountError> {
        let key = key.clone();
        let made = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { accounts::add_key(conn, organization, &key).await })
            })
            .await?;
        Ok(made)
    }

    async fn installation(&self, proposal: Uuid) -> Result<Uuid, AccountError> {
        let mark = self
            .writer
            .write(None, Wakes::default(), move |conn| Box::pin(accounts::installation(conn, proposal)))
            .await?;
        Ok(mark)
    }

    async fn credential(&self, key: KeyId) -> Result<Option<Credential>, AccountError> {
        Ok(accounts::credential(&mut *self.reader().await?, key).await?)
    }

    async fn recall(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
    ) -> Result<Option<Value>, AccountError> {
        match answers::look_up::<Value>(&mut *self.tenant(context).await?, context, write).await? {
            Known::Free(_) => Ok(None),
            Known::Used(outcome) => outcome.into_result().map(|written| Some(written.into_inner())),
        }
    }

    async fn create_organization(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        organization: &NewOrganization,
        key: &NewKey,
    ) -> Result<Written<FoundedOrganization>, AccountError> {
        let (write, organization, key) = (write.clone(), organization.clone(), key.clone());
        self.writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move {
                    accounts::create_organization(conn, context, &write, &organization, &key).await
                })
            })
            .await
            .map_or_else(|error| Err(error.into()), Outcome::into_result)
    }

    async fn organizations(
        &self,
        _context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<Organization>>, AccountError> {
        Ok(accounts::organizations(&mut *self.reader().await?, page).await?)
    }

    async fn limit_organization(
        &self,
        organization: OrganizationId,
        limit: Limit,
    ) -> Result<OrganizationBudget, AccountError> {
        let limited = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move {
                    accounts::must_exist(conn, organization).await?;
                    money::limit_organization(conn, organization.0, limit).await
                })
            })
            .await?;
        Ok(limited)
    }

    async fn unlimit_organization(&self, organization: OrganizationId) -> Result<(), AccountError> {
        self.writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move {
                    accounts::must_exist(conn, organization).await?;
                    money::unlimit_organization(conn, organization.0).await
                })
            })
            .await?;
        Ok(())
    }

    async fn set_frozen(
        &self,
        organization: OrganizationId,
        frozen: bool,
    ) -> Result<Organization, AccountError> {
        let changed = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(accounts::set_frozen(conn, organization, frozen))
            })
            .await?;
        Ok(changed)
    }

    async fn organization_budget(
        &self,
        organization: OrganizationId,
    ) -> Result<Option<OrganizationBudget>, AccountError> {
        let mut reader = self.reader().await?;
        accounts::must_exist(&mut reader, organization).await?;
        Ok(money::budget_of(&mut reader, organization.0).await?)
    }

    async fn organization(&self, context: OrganizationContext) -> Result<Organization, AccountError> {
        Ok(accounts::organization(&mut *self.tenant(context).await?, context).await?)
    }

    async fn create_key(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        key: &NewKey,
    ) -> Result<Written<KeyRecord>, AccountError> {
        let (write, key) = (write.clone(), key.clone());
        self.writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { accounts::create_key(conn, context, &write, &key).await })
            })
            .await
            .map_or_else(|error| Err(error.into()), Outcome::into_result)
    }

    async fn keys(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<KeyRecord>>, AccountError> {
        Ok(accounts::keys(&mut *self.tenant(context).await?, context, page).await?)
    }

    async fn key(&self, context: OrganizationContext, key: KeyId) -> Result<KeyRecord, AccountError> {
        Ok(accounts::key(&mut *self.tenant(context).await?, context, key).await?)
    }

    async fn revoke_key(
        &self,
        context: OrganizationContext,
        key: KeyId,
        keep_one: bool,
    ) -> Result<KeyRecord, AccountError> {
        let revoked = self
            .writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(accounts::revoke_key(conn, context, key, keep_one))
            })
            .await?;
        revoked.ok_or(AccountError::LastKey)
    }

    async fn create_asset(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        asset: &NewAsset,
    ) -> Result<Written<Asset>, AccountError> {
        let (write, asset) = (write.clone(), asset.clone());
        self.writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { accounts::create_asset(conn, context, &write, &asset).await })
            })
            .await
            .map_or_else(|error| Err(error.into()), Outcome::into_result)
    }

    async fn asset_usage(&self, context: OrganizationContext) -> Result<AssetUsage, AccountError> {
        Ok(accounts::asset_usage(&mut *self.tenant(context).await?, context).await?)
    }

    async fn delete_asset(
        &self,
        context: OrganizationContext,
        id: AssetId,
    ) -> Result<(Asset, bool), AccountError> {
        let deleted = self
            .writer
            .write(None, Wakes::default(), move |conn| Box::pin(accounts::delete_asset(conn, context, id)))
            .await?;
        Ok(deleted)
    }

    async fn assets(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<Asset>>, AccountError> {
        Ok(accounts::assets(&mut *self.tenant(context).await?, context, page).await?)
    }

    async fn assets_by_id(
        &self,
        context: OrganizationContext,
        ids: &[AssetId],
    ) -> Result<Vec<Option<Asset>>, AccountError> {
        let mut reader = self.tenant(context).await?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.push(accounts::asset(&mut reader, context, *id).await?);
        }
        Ok(found)
    }

    async fn create_brief(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        brief: &NewBrief,
    ) -> Result<Written<BriefSummary>, AccountError> {
        let texts = accounts::BriefTexts::of(brief)?;
        let (write, brief) = (write.clone(), brief.clone());
        self.writer
            .write(None, Wakes::default(), move |conn| {
                Box::pin(async move { accounts::create_brief(conn, context, &write, &brief, texts).await })
            })
            .await
            .map_or_else(|error| Err(error.into()), Outcome::into_result)
    }

    async fn briefs(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<BriefSummary>>, AccountError> {
        Ok(accounts::briefs(&mut *self.tenant(context).await?, context, page).await?)
    }

    async fn brief(&self, context: OrganizationContext, id: BriefId) -> Result<BriefRecord, AccountError> {
        Ok(accounts::brief(&mut *self.tenant(context).await?, context, id).await?)
    }

    async fn order_run(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        order: RunOrder,
        run: &NewRun,
        commit: Commit,
    ) -> Result<Written<OrderedRun>, AccountError> {
        let (write, run) = (write.clone(), run.clone());
        self.writer
            .write(Some(run.id), wakes_of(&commit), move |conn| {
                Box::pin(
                    async move { account_runs::create(conn, context, &write, order, &run, &commit).await },
                )
            })
            .await
            .map_or_else(|error| Err(error.into()), Outcome::into_result)
    }

    async fn runs(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<RunRecord>>, AccountError> {
        Ok(account_runs::list(&mut *self.tenant(context).await?, context, page).await?)
    }

    async fn run(&self, context: OrganizationContext, id: RunId) -> Result<RunRecord, AccountError> {
        Ok(account_runs::get(&mut *self.tenant(context).await?, context, id).await?)
    }

    async fn revisions(
        &self,
        context: OrganizationContext,
        variant: VariantId,
        page: Page,
    ) -> Result<Vec<Positioned<RunRecord>>, AccountError> {
        Ok(account_runs::revisions(&mut *self.tenant(context).await?, context, variant, page).await?)
    }

    async fn events(
        &self,
        context: OrganizationContext,
        run: RunId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, AccountError> {
        Ok(account_runs::events(&mut *self.tenant(context).await?, context, run, after, limit).await?)
    }

    async fn trace(
        &self,
        context: OrganizationContext,
        run: RunId,
        after: &str,
        limit: u32,
    ) -> Result<Vec<TraceEntry>, AccountError> {
        Ok(account_runs::trace(&mut *self.tenant(context).await?, context, run, after, limit).await?)
    }

    async fn variants(
        &self,
        context: OrganizationContext,
        run: RunId,
        after: (u32, u32),
        state: Option<VariantState>,
        limit: u32,
    ) -> Result<Vec<Variant>, AccountError> {
        Ok(account_runs::variants(&mut *self.tenant(context).await?, context, run, after, state, limit)
            .await?)
    }

    async fn variant(
        &self,
        context: OrganizationContext,
        id: VariantId,
    ) -> Result<(Variant, Option<Placement>), AccountError> {
        Ok(account_runs::variant(&mut *self.tenant(context).await?, context, id).await?)
    }

    async fn forget_answers(&self) -> Result<u64, AccountError> {
        let forgotten =
            self.writer.write(None, Wakes::default(), |conn| Box::pin(answers::forget(conn))).await?;
        Ok(forgotten)
    }
}
