//! People, members, invitations, sessions and the audit log over the shared queries, the same for every
//! dialect.

use async_trait::async_trait;
use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::audit::{AuditEntry, AuditFilter, NewAuditEntry};
use spotwright_core::domain::people::{
    Email, Holder, Invitation, Member, Membership, NewInvitation, NewSession, PasswordHash, Person,
    ReceivedInvitation, Session, SessionRights, TokenCodes,
};
use spotwright_core::ports::accounts::{AccountError, Page, Positioned, WriteKey, Written};
use spotwright_core::ports::audit::AuditLog;
use spotwright_core::ports::people::{Accepted, Newcomer, PeopleError, PeopleStore};
use spotwright_core::ports::step_store::StoreError;
use spotwright_core::use_cases::Role;
use spotwright_schemas::ids::{InvitationId, PersonId, SessionId};

use super::writer::{Wakes, Work};
use super::{Connection, Store, audit, people, sessions};

impl Store {
    /// A change that belongs to no run and wakes nobody.
    async fn change<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut Connection) -> Work<'c, T> + Send + 'static,
    {
        self.writer.write(None, Wakes::default(), work).await
    }
}

#[async_trait]
impl AuditLog for Store {
    async fn append(&self, entry: &NewAuditEntry) -> Result<(), AccountError> {
        let entry = entry.clone();
        Ok(self.change(move |conn| Box::pin(async move { audit::append(conn, &entry).await })).await?)
    }

    async fn entries(
        &self,
        context: OrganizationContext,
        filter: &AuditFilter,
        page: Page,
    ) -> Result<Vec<Positioned<AuditEntry>>, AccountError> {
        Ok(audit::entries(&mut *self.tenant(context).await?, context, filter, page).await?)
    }
}

#[async_trait]
impl PeopleStore for Store {
    async fn person(&self, id: PersonId) -> Result<Option<Person>, PeopleError> {
        Ok(people::person(&mut *self.reader().await?, id).await?)
    }

    async fn person_with(&self, email: &Email) -> Result<Option<(Person, PasswordHash)>, PeopleError> {
        Ok(people::person_with(&mut *self.reader().await?, email).await?)
    }

    async fn memberships(&self, person: PersonId) -> Result<Vec<Membership>, PeopleError> {
        Ok(people::memberships(&mut *self.reader().await?, person).await?)
    }

    async fn set_password(
        &self,
        person: PersonId,
        password: &PasswordHash,
        kept: Option<SessionId>,
        entry: &NewAuditEntry,
    ) -> Result<u64, PeopleError> {
        let (password, entry) = (password.clone(), entry.clone());
        let ended = self
            .change(move |conn| {
                Box::pin(async move { people::set_password(conn, person, &password, kept, &entry).await })
            })
            .await?;
        Ok(ended)
    }

    async fn members(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<Member>>, PeopleError> {
        Ok(people::members(&mut *self.tenant(context).await?, context, page).await?)
    }

    async fn member(&self, context: OrganizationContext, person: PersonId) -> Result<Member, PeopleError> {
        Ok(people::member(&mut *self.tenant(context).await?, context.organization, person).await?)
    }

    async fn has_owner(&self, context: OrganizationContext) -> Result<bool, PeopleError> {
        Ok(people::owners(&mut *self.tenant(context).await?, context.organization).await? > 0)
    }

    async fn change_role(
        &self,
        context: OrganizationContext,
        person: PersonId,
        role: Role,
        entry: &NewAuditEntry,
    ) -> Result<Member, PeopleError> {
        let entry = entry.clone();
        self.change(move |conn| {
            Box::pin(async move { people::change_role(conn, context, person, role, &entry).await })
        })
        .await?
    }

    async fn remove_member(
        &self,
        context: OrganizationContext,
        person: PersonId,
        entry: &NewAuditEntry,
    ) -> Result<Member, PeopleError> {
        let entry = entry.clone();
        self.change(move |conn| {
            Box::pin(async move { people::remove_member(conn, context, person, &entry).await })
        })
        .await?
    }

    async fn invite(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        invitation: &NewInvitation,
        entry: &NewAuditEntry,
    ) -> Result<Written<Invitation>, PeopleError> {
        let (write, invitation, entry) = (write.clone(), invitation.clone(), entry.clone());
        let outcome = self
            .change(move |conn| {
                Box::pin(async move { people::invite(conn, context, &write, &invitation, &entry).await })
            })
            .await??;
        Ok(outcome.into_result()?)
    }

    async fn invitations(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<Invitation>>, PeopleError> {
        Ok(people::invitations(&mut *self.tenant(context).await?, context, page).await?)
    }

    async fn revoke_invitation(
        &self,
        context: OrganizationContext,
        id: InvitationId,
        now: i64,
        entry: &NewAuditEntry,
    ) -> Result<Invitation, PeopleError> {
        let entry = entry.clone();
        self.change(move |conn| {
            Box::pin(async move { people::revoke_invitation(conn, context, id, now, &entry).await })
        })
        .await?
    }

    async fn received(&self, codes: &TokenCodes) -> Result<Option<ReceivedInvitation>, PeopleError> {
        Ok(people::received(&mut *self.reader().await?, codes).await?)
    }

    async fn accept(
        &self,
        id: InvitationId,
        newcomer: &Newcomer,
        now: i64,
        entry: &NewAuditEntry,
    ) -> Result<Accepted, PeopleError> {
        let (newcomer, entry) = (newcomer.clone(), entry.clone());
        self.change(move |conn| {
            Box::pin(async move { people::accept(conn, id, &newcomer, now, &entry).await })
        })
        .await?
    }

    async fn open_session(&self, session: &NewSession, entry: &NewAuditEntry) -> Result<(), PeopleError> {
        let (session, entry) = (*session, entry.clone());
        self.change(move |conn| Box::pin(async move { sessions::open(conn, &session, &entry).await }))
            .await?;
        Ok(())
    }

    async fn session(&self, codes: &TokenCodes, now: i64) -> Result<Option<SessionRights>, PeopleError> {
        Ok(sessions::session(&mut *self.reader().await?, codes, now).await?)
    }

    async fn sessions(&self, holder: Holder, now: i64) -> Result<Vec<Session>, PeopleError> {
        Ok(sessions::sessions(&mut *self.reader().await?, holder, now).await?)
    }

    async fn end_session(
        &self,
        holder: Holder,
        id: SessionId,
        entry: &NewAuditEntry,
    ) -> Result<Session, PeopleError> {
        let entry = entry.clone();
        let ended = self
            .change(move |conn| Box::pin(async move { sessions::end(conn, holder, id, &entry).await }))
            .await?;
        Ok(ended)
    }

    async fn forget_sessions(&self, now: i64) -> Result<u64, PeopleError> {
        Ok(self.change(move |conn| Box::pin(sessions::forget(conn, now))).await?)
    }
}
