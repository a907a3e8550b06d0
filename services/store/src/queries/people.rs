//! People, members and invitations. Every statement on members and invitations names the organization whose
//! rows it touches, except those that follow a person or the token of an invitation.

use serde_json::json;
use spotwright_core::domain::account::OrganizationContext;
use spotwright_core::domain::audit::NewAuditEntry;
use spotwright_core::domain::people::{
    Email, Invitation, Member, Membership, NewInvitation, NewPerson, PasswordHash, Person,
    ReceivedInvitation, TokenCodes,
};
use spotwright_core::ports::accounts::{Page, Positioned, WriteKey};
use spotwright_core::ports::people::{Accepted, Newcomer, PeopleError};
use spotwright_core::ports::step_store::StoreError;
use spotwright_core::use_cases::Role;
use spotwright_schemas::ids::{InvitationId, OrganizationId, PersonId, SessionId};
use uuid::Uuid;

use super::accounts::before;
use super::answers::{self, Known, Outcome};
use super::{Connection, audit, sessions};
use crate::convert::database;

/// What became of a change inside its transaction: a refusal has written nothing.
pub(super) type Change<T> = Result<Result<T, PeopleError>, StoreError>;

fn role_of(text: &str) -> Result<Role, StoreError> {
    text.parse().map_err(|_| StoreError::Format(format!("role {text:?} is not known")))
}

fn email_of(text: &str) -> Result<Email, StoreError> {
    text.parse().map_err(|_| StoreError::Format("a stored e-mail address is none".to_owned()))
}

fn missing(what: &str) -> StoreError {
    StoreError::Missing(what.to_owned())
}

pub(super) async fn person(conn: &mut Connection, id: PersonId) -> Result<Option<Person>, StoreError> {
    let row: Option<(String, String)> = sqlx::query_as("SELECT email, name FROM person WHERE id = $1")
        .bind(id.0)
        .fetch_optional(conn)
        .await
        .map_err(database)?;
    row.map(|(email, name)| Ok(Person { id, email: email_of(&email)?, name })).transpose()
}

pub(super) async fn person_with(
    conn: &mut Connection,
    email: &Email,
) -> Result<Option<(Person, PasswordHash)>, StoreError> {
    let row: Option<(Uuid, String, String)> =
        sqlx::query_as("SELECT id, name, password FROM person WHERE email = $1")
            .bind(email.as_str())
            .fetch_optional(conn)
            .await
            .map_err(database)?;
    Ok(row.map(|(id, name, password)| {
        (Person { id: PersonId(id), email: email.clone(), name }, PasswordHash(password))
    }))
}

/// The organizations of a person, by `member_by_person`.
pub(super) async fn memberships(
    conn: &mut Connection,
    person: PersonId,
) -> Result<Vec<Membership>, StoreError> {
    let rows: Vec<(Uuid, String, String, Option<i64>)> = sqlx::query_as(
        "SELECT o.id, o.name, m.role, o.frozen_at FROM member m JOIN organization o ON o.id = m.organization_id \
         WHERE m.person_id = $1 ORDER BY m.position",
    )
    .bind(person.0)
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter()
        .map(|(id, organization_name, role, frozen_at)| {
            Ok(Membership {
                organization: OrganizationId(id),
                organization_name,
                role: role_of(&role)?,
                frozen: frozen_at.is_some(),
            })
        })
        .collect()
}

/// Changes a password, and ends the person's sessions but `kept`.
pub(super) async fn set_password(
    conn: &mut Connection,
    person: PersonId,
    password: &PasswordHash,
    kept: Option<SessionId>,
    entry: &NewAuditEntry,
) -> Result<u64, StoreError> {
    let written = sqlx::query("UPDATE person SET password = $2 WHERE id = $1")
        .bind(person.0)
        .bind(&password.0)
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    if written.rows_affected() == 0 {
        return Err(missing("person"));
    }
    let ended = sessions::end_all_of(conn, person, None, kept).await?;
    audit::append(conn, entry).await?;
    Ok(ended)
}

row! {
    struct MemberRow {
        position: i64,
        id: Uuid,
        email: String,
        name: String,
        role: String,
        joined_at: i64,
    }
}

impl MemberRow {
    fn into_member(self) -> Result<Positioned<Member>, StoreError> {
        let person = Person { id: PersonId(self.id), email: email_of(&self.email)?, name: self.name };
        let row = Member { person, role: role_of(&self.role)?, joined_at: self.joined_at };
        Ok(Positioned { position: self.position, row })
    }
}

pub(super) async fn members(
    conn: &mut Connection,
    context: OrganizationContext,
    page: Page,
) -> Result<Vec<Positioned<Member>>, StoreError> {
    let rows: Vec<MemberRow> = sqlx::query_as(
        "SELECT m.position, p.id, p.email, p.name, m.role, m.joined_at \
         FROM member m JOIN person p ON p.id = m.person_id \
         WHERE m.organization_id = $1 AND m.position < $2 ORDER BY m.position DESC LIMIT $3",
    )
    .bind(context.organization.0)
    .bind(before(page))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(MemberRow::into_member).collect()
}

pub(super) async fn member(
    conn: &mut Connection,
    organization: OrganizationId,
    person: PersonId,
) -> Result<Member, StoreError> {
    let row: Option<MemberRow> = sqlx::query_as(
        "SELECT m.position, p.id, p.email, p.name, m.role, m.joined_at \
         FROM member m JOIN person p ON p.id = m.person_id \
         WHERE m.organization_id = $1 AND m.person_id = $2",
    )
    .bind(organization.0)
    .bind(person.0)
    .fetch_optional(conn)
    .await
    .map_err(database)?;
    Ok(row.ok_or_else(|| missing("member"))?.into_member()?.row)
}

/// How many owners an organization has.
pub(super) async fn owners(conn: &mut Connection, organization: OrganizationId) -> Result<i64, StoreError> {
    sqlx::query_scalar("SELECT count(*) FROM member WHERE organization_id = $1 AND role = $2")
        .bind(organization.0)
        .bind(Role::Owner.as_str())
        .fetch_one(conn)
        .await
        .map_err(database)
}

/// Makes changes of an organization's members wait for one another until the end of the transaction.
async fn lock(conn: &mut Connection, organization: OrganizationId) -> Result<(), StoreError> {
    sqlx::query("UPDATE organization SET name = name WHERE id = $1")
        .bind(organization.0)
        .execute(conn)
        .await
        .map_err(database)?;
    Ok(())
}

/// A member whose role is about to end; refused for the last owner.
async fn leaving_role(
    conn: &mut Connection,
    organization: OrganizationId,
    person: PersonId,
    next: Option<Role>,
) -> Change<Member> {
    lock(conn, organization).await?;
    let member = member(conn, organization, person).await?;
    let stays_owner = member.role != Role::Owner || next == Some(Role::Owner);
    if !stays_owner && owners(conn, organization).await? <= 1 {
        return Ok(Err(PeopleError::LastOwner));
    }
    Ok(Ok(member))
}

pub(super) async fn change_role(
    conn: &mut Connection,
    context: OrganizationContext,
    person: PersonId,
    role: Role,
    entry: &NewAuditEntry,
) -> Change<Member> {
    let mut member = match leaving_role(conn, context.organization, person, Some(role)).await? {
        Ok(member) => member,
        Err(refused) => return Ok(Err(refused)),
    };
    sqlx::query("UPDATE member SET role = $3 WHERE organization_id = $1 AND person_id = $2")
        .bind(context.organization.0)
        .bind(person.0)
        .bind(role.as_str())
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    let entry = NewAuditEntry {
        before: Some(json!({ "role": member.role })),
        after: Some(json!({ "role": role })),
        ..entry.clone()
    };
    audit::append(conn, &entry).await?;
    member.role = role;
    Ok(Ok(member))
}

pub(super) async fn remove_member(
    conn: &mut Connection,
    context: OrganizationContext,
    person: PersonId,
    entry: &NewAuditEntry,
) -> Change<Member> {
    let member = match leaving_role(conn, context.organization, person, None).await? {
        Ok(member) => member,
        Err(refused) => return Ok(Err(refused)),
    };
    sqlx::query("DELETE FROM member WHERE organization_id = $1 AND person_id = $2")
        .bind(context.organization.0)
        .bind(person.0)
        .execute(&mut *conn)
        .await
        .map_err(database)?;
    sessions::end_all_of(conn, person, Some(context.organization), None).await?;
    let entry = NewAuditEntry { before: Some(json!({ "role": member.role })), ..entry.clone() };
    audit::append(conn, &entry).await?;
    Ok(Ok(member))
}

pub(super) async fn invite(
    conn: &mut Connection,
    context: OrganizationContext,
    write: &WriteKey,
    new: &NewInvitation,
    entry: &NewAuditEntry,
) -> Change<Outcome<Invitation>> {
    let now = match answers::look_up(conn, context, write).await? {
        Known::Free(now) => now,
        Known::Used(outcome) => return Ok(Ok(outcome)),
    };
    let known: Option<i64> = sqlx::query_scalar(
        "SELECT m.position FROM member m JOIN person p ON p.id = m.person_id \
         WHERE m.organization_id = $1 AND p.email = $2",
    )
    .bind(context.organization.0)
    .bind(new.email.as_str())
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    if known.is_some() {
        return Ok(Err(PeopleError::MemberAlready));
    }
    let invitation = insert_invitation(conn, context.organization, new).await?;
    audit::append(conn, entry).await?;
    Ok(Ok(answers::keep(conn, context, write, now, invitation).await?))
}

async fn insert_invitation(
    conn: &mut Connection,
    organization: OrganizationId,
    new: &NewInvitation,
) -> Result<Invitation, StoreError> {
    sqlx::query(
        "INSERT INTO invitation (id, organization_id, mac, email, name, role, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(new.id.0)
    .bind(organization.0)
    .bind(new.mac.0.to_vec())
    .bind(new.email.as_str())
    .bind(&new.name)
    .bind(new.role.as_str())
    .bind(new.created_at)
    .bind(new.expires_at)
    .execute(conn)
    .await
    .map_err(database)?;
    Ok(Invitation {
        id: new.id,
        email: new.email.clone(),
        name: new.name.clone(),
        role: new.role,
        created_at: new.created_at,
        expires_at: new.expires_at,
        accepted_at: None,
        revoked_at: None,
    })
}

row! {
    struct InvitationRow {
        position: i64,
        id: Uuid,
        organization_id: Uuid,
        email: String,
        name: Option<String>,
        role: String,
        created_at: i64,
        expires_at: i64,
        accepted_at: Option<i64>,
        revoked_at: Option<i64>,
    }
}

impl InvitationRow {
    fn into_invitation(self) -> Result<Positioned<Invitation>, StoreError> {
        let row = Invitation {
            id: InvitationId(self.id),
            email: email_of(&self.email)?,
            name: self.name,
            role: role_of(&self.role)?,
            created_at: self.created_at,
            expires_at: self.expires_at,
            accepted_at: self.accepted_at,
            revoked_at: self.revoked_at,
        };
        Ok(Positioned { position: self.position, row })
    }
}

/// The columns of an [`InvitationRow`].
macro_rules! invitation_columns {
    () => {
        "position, id, organization_id, email, name, role, created_at, expires_at, accepted_at, revoked_at"
    };
}

pub(super) async fn invitations(
    conn: &mut Connection,
    context: OrganizationContext,
    page: Page,
) -> Result<Vec<Positioned<Invitation>>, StoreError> {
    let rows: Vec<InvitationRow> = sqlx::query_as(concat!(
        "SELECT ",
        invitation_columns!(),
        " FROM invitation WHERE organization_id = $1 AND position < $2 ORDER BY position DESC LIMIT $3"
    ))
    .bind(context.organization.0)
    .bind(before(page))
    .bind(i64::from(page.limit))
    .fetch_all(conn)
    .await
    .map_err(database)?;
    rows.into_iter().map(InvitationRow::into_invitation).collect()
}

/// Revokes an invitation; the first time stands.
pub(super) async fn revoke_invitation(
    conn: &mut Connection,
    context: OrganizationContext,
    id: InvitationId,
    now: i64,
    entry: &NewAuditEntry,
) -> Change<Invitation> {
    let row: Option<InvitationRow> = sqlx::query_as(concat!(
        "UPDATE invitation SET revoked_at = coalesce(revoked_at, $3) \
         WHERE id = $1 AND organization_id = $2 AND accepted_at IS NULL RETURNING ",
        invitation_columns!()
    ))
    .bind(id.0)
    .bind(context.organization.0)
    .bind(now)
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    if let Some(row) = row {
        let invitation = row.into_invitation()?.row;
        if invitation.revoked_at == Some(now) {
            audit::append(conn, entry).await?;
        }
        return Ok(Ok(invitation));
    }
    let exists: Option<i64> =
        sqlx::query_scalar("SELECT position FROM invitation WHERE id = $1 AND organization_id = $2")
            .bind(id.0)
            .bind(context.organization.0)
            .fetch_optional(conn)
            .await
            .map_err(database)?;
    if exists.is_some() { Ok(Err(PeopleError::NotOpen)) } else { Err(missing("invitation")) }
}

/// The invitation with a token, by the unique index on `mac`. Not bound to an organization: the token tells
/// which.
pub(super) async fn received(
    conn: &mut Connection,
    codes: &TokenCodes,
) -> Result<Option<ReceivedInvitation>, StoreError> {
    let row: Option<InvitationRow> = sqlx::query_as(concat!(
        "SELECT ",
        invitation_columns!(),
        " FROM invitation WHERE mac = $1 OR mac = $2"
    ))
    .bind(codes.current.0.to_vec())
    .bind(codes.previous.0.to_vec())
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    let Some(row) = row else { return Ok(None) };
    let organization = OrganizationId(row.organization_id);
    let invitation = row.into_invitation()?.row;
    let (organization_name, known, clock_moved): (String, Option<Uuid>, i64) = sqlx::query_as(
        "SELECT o.name, p.id, o.clock_moved FROM organization o LEFT JOIN person p ON p.email = $2 WHERE o.id = $1",
    )
    .bind(organization.0)
    .bind(invitation.email.as_str())
    .fetch_one(conn)
    .await
    .map_err(database)?;
    let known = known.map(PersonId);
    Ok(Some(ReceivedInvitation { invitation, organization, organization_name, known, clock_moved }))
}

/// Accepts an invitation: once, because its row is taken first.
pub(super) async fn accept(
    conn: &mut Connection,
    id: InvitationId,
    newcomer: &Newcomer,
    now: i64,
    entry: &NewAuditEntry,
) -> Change<Accepted> {
    let row: Option<InvitationRow> = sqlx::query_as(concat!(
        "UPDATE invitation SET accepted_at = $2 \
         WHERE id = $1 AND accepted_at IS NULL AND revoked_at IS NULL AND expires_at > $2 RETURNING ",
        invitation_columns!()
    ))
    .bind(id.0)
    .bind(now)
    .fetch_optional(&mut *conn)
    .await
    .map_err(database)?;
    let Some(row) = row else { return Ok(Err(PeopleError::NotOpen)) };
    let organization = OrganizationId(row.organization_id);
    let invitation = row.into_invitation()?.row;
    let person = match newcomer {
        Newcomer::Known(person) => *person,
        Newcomer::New(new) => insert_person(conn, &invitation.email, new, now).await?,
    };
    sqlx::query(
        "INSERT INTO member (organization_id, person_id, role, joined_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (organization_id, person_id) DO NOTHING",
    )
    .bind(organization.0)
    .bind(person.0)
    .bind(invitation.role.as_str())
    .bind(now)
    .execute(&mut *conn)
    .await
    .map_err(database)?;
    let member = member(conn, organization, person).await?;
    audit::append(conn, entry).await?;
    Ok(Ok(Accepted { organization, member }))
}

/// Makes a person. [`StoreError::Conflict`] when somebody else has the address meanwhile; everything must
/// then be rolled back.
async fn insert_person(
    conn: &mut Connection,
    email: &Email,
    new: &NewPerson,
    now: i64,
) -> Result<PersonId, StoreError> {
    let written = sqlx::query(
        "INSERT INTO person (id, email, name, password, created_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (email) DO NOTHING",
    )
    .bind(new.id.0)
    .bind(email.as_str())
    .bind(&new.name)
    .bind(&new.password.0)
    .bind(now)
    .execute(conn)
    .await
    .map_err(database)?;
    if written.rows_affected() == 0 {
        return Err(StoreError::Conflict);
    }
    Ok(new.id)
}
