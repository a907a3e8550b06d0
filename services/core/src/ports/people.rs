//! People: who signs in, members of organizations, invitations and sessions.

use async_trait::async_trait;
use spotwright_schemas::ids::{InvitationId, OrganizationId, PersonId, SessionId};

use super::accounts::{AccountError, Page, Positioned, WriteKey, Written};
use super::step_store::StoreError;
use crate::domain::account::OrganizationContext;
use crate::domain::audit::NewAuditEntry;
use crate::domain::people::{
    Email, Holder, Invitation, Member, Membership, NewInvitation, NewPerson, NewSession, PasswordHash,
    Person, ReceivedInvitation, Session, SessionRights, TokenCodes,
};
use crate::use_cases::Role;

/// Sessions of one holder; the oldest ones end when another is opened.
pub const SESSIONS_OF_A_HOLDER: u32 = 50;

/// Turns tokens, which are shown once, into what is stored of them.
///
/// Contract: without the secret of the installation, codes neither lead to a token nor can be made for one;
/// codes of different purposes never meet.
pub trait TokenSeal: Send + Sync {
    /// The codes of a token that was made for `purpose`.
    fn codes(&self, purpose: &'static str, token: &str) -> TokenCodes;
}

/// Why the store did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PeopleError {
    /// As with any other account.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The organization would be without an owner (permanent).
    #[error("it is the organization's last owner")]
    LastOwner,
    /// Who is invited is a member already (permanent).
    #[error("they are a member already")]
    MemberAlready,
    /// The invitation was accepted, revoked or has expired, or never was (permanent).
    #[error("the invitation is not open")]
    NotOpen,
}

impl From<StoreError> for PeopleError {
    fn from(error: StoreError) -> Self {
        Self::Account(error.into())
    }
}

/// How an invitation is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Newcomer {
    /// By somebody who was not known: a person is made.
    New(NewPerson),
    /// By a person who is known; they have proved who they are.
    Known(PersonId),
}

/// An invitation that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Where.
    pub organization: OrganizationId,
    /// Who is a member now.
    pub member: Member,
}

/// People, members, invitations and sessions.
///
/// Contract:
/// 1. A method that returns `Ok` has made its changes durable, all of them; one that returns an error has
///    changed nothing. An entry for the audit log that is handed to a method is written in the same
///    transaction; `before` and `after` of a changed role are the store's.
/// 2. Every method with an [`OrganizationContext`] reads and writes rows of that organization only; a row of
///    another one is missing, exactly as one that never was.
/// 3. An e-mail address belongs to one person, whatever organizations they are in.
/// 4. An organization that has an owner keeps one, however many are removed at the same time.
/// 5. An invitation is accepted once. One that was revoked or has expired is not accepted.
/// 6. Whoever is removed from an organization loses their sessions there with it; a changed password ends
///    the other sessions of the person everywhere.
/// 7. No token and no password is stored, only their codes and hashes.
/// 8. Times are the caller's.
#[async_trait]
pub trait PeopleStore: Send + Sync {
    /// A person; `None` when there is no such one.
    async fn person(&self, id: PersonId) -> Result<Option<Person>, PeopleError>;

    /// The person with an address and what they sign in with; `None` when there is no such one.
    async fn person_with(&self, email: &Email) -> Result<Option<(Person, PasswordHash)>, PeopleError>;

    /// The organizations of a person, the one joined first at first.
    async fn memberships(&self, person: PersonId) -> Result<Vec<Membership>, PeopleError>;

    /// Changes a password and ends the person's sessions but `kept`; how many ended.
    async fn set_password(
        &self,
        person: PersonId,
        password: &PasswordHash,
        kept: Option<SessionId>,
        entry: &NewAuditEntry,
    ) -> Result<u64, PeopleError>;

    /// The members of the own organization, newest first.
    async fn members(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<Member>>, PeopleError>;

    /// One member of the own organization.
    async fn member(&self, context: OrganizationContext, person: PersonId) -> Result<Member, PeopleError>;

    /// Whether the own organization has an owner.
    async fn has_owner(&self, context: OrganizationContext) -> Result<bool, PeopleError>;

    /// Gives a member another role. [`PeopleError::LastOwner`].
    async fn change_role(
        &self,
        context: OrganizationContext,
        person: PersonId,
        role: Role,
        entry: &NewAuditEntry,
    ) -> Result<Member, PeopleError>;

    /// Removes a member; the person stays. [`PeopleError::LastOwner`].
    async fn remove_member(
        &self,
        context: OrganizationContext,
        person: PersonId,
        entry: &NewAuditEntry,
    ) -> Result<Member, PeopleError>;

    /// Makes an invitation. [`PeopleError::MemberAlready`].
    async fn invite(
        &self,
        context: OrganizationContext,
        write: &WriteKey,
        invitation: &NewInvitation,
        entry: &NewAuditEntry,
    ) -> Result<Written<Invitation>, PeopleError>;

    /// The invitations of the own organization, newest first.
    async fn invitations(
        &self,
        context: OrganizationContext,
        page: Page,
    ) -> Result<Vec<Positioned<Invitation>>, PeopleError>;

    /// Revokes an invitation; revoking it again changes nothing. [`PeopleError::NotOpen`] for one that was
    /// accepted.
    async fn revoke_invitation(
        &self,
        context: OrganizationContext,
        id: InvitationId,
        now: i64,
        entry: &NewAuditEntry,
    ) -> Result<Invitation, PeopleError>;

    /// The invitation with a token, whatever has become of it; `None` when there is no such one.
    async fn received(&self, codes: &TokenCodes) -> Result<Option<ReceivedInvitation>, PeopleError>;

    /// Accepts an invitation. Who is a member already keeps their role. [`PeopleError::NotOpen`];
    /// [`AccountError::InFlight`] when somebody with the address became known meanwhile.
    async fn accept(
        &self,
        id: InvitationId,
        newcomer: &Newcomer,
        now: i64,
        entry: &NewAuditEntry,
    ) -> Result<Accepted, PeopleError>;

    /// Opens a session; of more than [`SESSIONS_OF_A_HOLDER`] the oldest ones end.
    async fn open_session(&self, session: &NewSession, entry: &NewAuditEntry) -> Result<(), PeopleError>;

    /// The session with a token and its rights, unless it has ended; `None` when there is no such one.
    async fn session(&self, codes: &TokenCodes, now: i64) -> Result<Option<SessionRights>, PeopleError>;

    /// The sessions of a holder that go on, newest first.
    async fn sessions(&self, holder: Holder, now: i64) -> Result<Vec<Session>, PeopleError>;

    /// Ends a session of a holder. [`AccountError::Missing`] when it has none with the id.
    async fn end_session(
        &self,
        holder: Holder,
        id: SessionId,
        entry: &NewAuditEntry,
    ) -> Result<Session, PeopleError>;

    /// Drops sessions that have ended; how many.
    async fn forget_sessions(&self, now: i64) -> Result<u64, PeopleError>;
}
