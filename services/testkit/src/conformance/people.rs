//! The contract of [`PeopleStore`] and [`AuditLog`]. Each function is one test; see
//! [`crate::people_store_suite`]. The store must also be an [`AccountStore`], in which organizations are.

#![expect(
    clippy::missing_panics_doc,
    reason = "each function is a test, it panics when the adapter is wrong"
)]

use std::sync::Arc;

use serde_json::json;
use spotwright_core::domain::account::{KeyMac, OrganizationContext};
use spotwright_core::domain::audit::{Action, Actor, AuditEntry, AuditFilter, NewAuditEntry, Target};
use spotwright_core::domain::people::{
    Email, Holder, InvitationState, Member, NewInvitation, NewPerson, NewSession, PasswordHash, TokenCodes,
};
use spotwright_core::ports::accounts::{AccountError, AccountStore, Page, Positioned, WriteKey, Written};
use spotwright_core::ports::audit::AuditLog;
use spotwright_core::ports::people::{Accepted, Newcomer, PeopleError, PeopleStore, SESSIONS_OF_A_HOLDER};
use spotwright_core::use_cases::Role;
use spotwright_schemas::ids::{AuditEntryId, InvitationId, OrganizationId, PersonId, SessionId};

use super::accounts::organization;

/// Makes one test of each clause. `$open` is an async closure that opens an empty store and returns
/// it in an `Arc`, with whatever must live as long.
#[macro_export]
macro_rules! people_store_suite {
    ($name:ident, $open:expr $(, #[$when:meta])?) => {
        mod $name {
            #[expect(unused_imports, reason = "the opening expression may use what stands outside")]
            use super::*;
            $crate::people_store_suite!(@each $open, $([$when])?;
                an_invitation_makes_a_person_and_a_member,
                a_known_person_joins_and_keeps_one_address,
                an_invitation_is_accepted_once,
                a_revoked_or_late_invitation_is_not_accepted,
                an_invitation_is_written_once_and_not_for_a_member,
                the_last_owner_stays,
                of_two_owners_who_leave_at_the_same_time_one_stays,
                a_removed_member_loses_the_sessions_there,
                a_changed_password_ends_the_other_sessions,
                a_session_is_found_by_its_token_until_it_ends,
                a_holder_has_so_many_sessions,
                people_of_another_organization_are_missing,
                the_log_keeps_what_was_changed_and_by_whom,
                a_refused_change_is_not_in_the_log
            );
        }
    };
    (@each $open:expr, [$when:meta]; $($test:ident),*) => {$(
        $crate::people_store_suite!(@one $open, #[$when]; $test);
    )*};
    (@each $open:expr, ; $($test:ident),*) => {$(
        $crate::people_store_suite!(@one $open,; $test);
    )*};
    (@one $open:expr, $(#[$when:meta])?; $test:ident) => {
        $(#[$when])?
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            let (store, _guard) = ($open)().await;
            $crate::conformance::people::$test(store).await;
        }
    };
}

const ALL: Page = Page { before: None, limit: 100 };

fn mac(number: u64) -> KeyMac {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    KeyMac(bytes)
}

fn codes(number: u64) -> TokenCodes {
    TokenCodes { current: mac(number), previous: mac(number) }
}

fn email(number: u64) -> Email {
    format!("person{number}@example.com").parse().expect("an address")
}

fn person(number: u64) -> PersonId {
    PersonId::derive(number, "person", 0)
}

fn entry(number: u64, organization: OrganizationId, action: Action, target: &str) -> NewAuditEntry {
    NewAuditEntry {
        id: AuditEntryId::derive(number, "entry", 0),
        organization,
        at: 1_000 + i64::try_from(number).expect("a small number"),
        actor: Actor::Service,
        action,
        target: Target { kind: "test", id: target.to_owned() },
        before: None,
        after: None,
        request_id: Some(format!("request-{number}")),
    }
}

fn write(name: &str) -> WriteKey {
    WriteKey { key: name.to_owned(), fingerprint: [name.len().to_le_bytes()[0]; 32] }
}

fn invitation(number: u64, invited: u64, role: Role) -> NewInvitation {
    NewInvitation {
        id: InvitationId::derive(number, "invitation", 0),
        email: email(invited),
        name: Some(format!("Person {invited}")),
        role,
        mac: mac(number),
        created_at: 0,
        expires_at: 1_000,
    }
}

fn newcomer(number: u64) -> Newcomer {
    Newcomer::New(NewPerson {
        id: person(number),
        name: format!("Person {number}"),
        password: PasswordHash(format!("hash {number}")),
    })
}

/// Invites person `invited` with invitation `number`.
async fn invite(
    store: &impl PeopleStore,
    context: OrganizationContext,
    number: u64,
    invited: u64,
    role: Role,
) -> InvitationId {
    let new = invitation(number, invited, role);
    let noted = entry(10_000 + number, context.organization, Action::InvitationMade, "invitation");
    let made = store.invite(context, &write(&format!("invite {number}")), &new, &noted).await;
    assert!(matches!(made.expect("an invitation"), Written::Fresh(_)));
    new.id
}

async fn accept(
    store: &impl PeopleStore,
    context: OrganizationContext,
    id: InvitationId,
    newcomer: &Newcomer,
    number: u64,
) -> Result<Accepted, PeopleError> {
    let noted = entry(20_000 + number, context.organization, Action::MemberJoined, "member");
    store.accept(id, newcomer, 500, &noted).await
}

/// Makes person `number` a member.
async fn join(store: &impl PeopleStore, context: OrganizationContext, number: u64, role: Role) -> Member {
    let id = invite(store, context, number, number, role).await;
    accept(store, context, id, &newcomer(number), number).await.expect("a member").member
}

fn session(number: u64, context: OrganizationContext, holder: Holder) -> NewSession {
    NewSession {
        id: SessionId::derive(number, "session", 0),
        mac: mac(number),
        organization: context.organization,
        holder,
        created_at: 0,
        until: 1_000,
    }
}

async fn open(store: &impl PeopleStore, context: OrganizationContext, number: u64, holder: Holder) {
    let noted = entry(30_000 + number, context.organization, Action::SessionOpened, "session");
    store.open_session(&session(number, context, holder), &noted).await.expect("a session");
}

fn rows<T>(page: Vec<Positioned<T>>) -> Vec<T> {
    page.into_iter().map(|positioned| positioned.row).collect()
}

fn is_missing<T>(result: &Result<T, PeopleError>) -> bool {
    matches!(result, Err(PeopleError::Account(AccountError::Missing(_))))
}

async fn log(store: &impl AuditLog, context: OrganizationContext) -> Vec<AuditEntry> {
    rows(store.entries(context, &AuditFilter::default(), ALL).await.expect("the log"))
}

/// Clauses 3 and 5.
pub async fn an_invitation_makes_a_person_and_a_member<S: AccountStore + PeopleStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let id = invite(&*store, context, 1, 1, Role::Editor).await;
    let received = store.received(&codes(1)).await.expect("an answer").expect("the invitation");
    assert_eq!(
        (received.invitation.id, received.organization, received.known),
        (id, context.organization, None)
    );
    assert_eq!(received.organization_name, "organization 1");
    assert_eq!(store.received(&codes(2)).await.expect("an answer"), None);
    let replaced = TokenCodes { current: mac(9), previous: mac(1) };
    assert!(store.received(&replaced).await.expect("an answer").is_some(), "the code of the secret before");

    let accepted = accept(&*store, context, id, &newcomer(1), 1).await.expect("a member");
    assert_eq!(accepted.organization, context.organization);
    assert_eq!((accepted.member.role, accepted.member.joined_at), (Role::Editor, 500));
    let (found, password) = store.person_with(&email(1)).await.expect("an answer").expect("the person");
    assert_eq!((found.id, found.name.as_str(), password.0.as_str()), (person(1), "Person 1", "hash 1"));
    assert_eq!(store.person(person(1)).await.expect("an answer"), Some(found));
    assert_eq!(store.person_with(&email(2)).await.expect("an answer"), None);
    assert_eq!(rows(store.members(context, ALL).await.expect("members")), [accepted.member]);
    let listed = rows(store.invitations(context, ALL).await.expect("invitations"));
    assert_eq!(listed[0].state(600), InvitationState::Accepted);
}

/// Clause 3.
pub async fn a_known_person_joins_and_keeps_one_address<S: AccountStore + PeopleStore>(store: Arc<S>) {
    let (first, second) = (organization(&*store, 1).await, organization(&*store, 2).await);
    join(&*store, first, 1, Role::Owner).await;
    let id = invite(&*store, second, 2, 1, Role::Viewer).await;
    let received = store.received(&codes(2)).await.expect("an answer").expect("the invitation");
    assert_eq!(received.known, Some(person(1)));
    // Somebody who does not know that the address is known makes no second person.
    let again = accept(&*store, second, id, &newcomer(7), 2).await;
    assert!(matches!(again, Err(PeopleError::Account(AccountError::InFlight))), "{again:?}");
    assert_eq!(store.person(person(7)).await.expect("an answer"), None);
    let joined = accept(&*store, second, id, &Newcomer::Known(person(1)), 3).await.expect("a member");
    assert_eq!((joined.member.person.id, joined.member.role), (person(1), Role::Viewer));
    let memberships = store.memberships(person(1)).await.expect("memberships");
    let found: Vec<_> = memberships.iter().map(|own| (own.organization, own.role)).collect();
    assert_eq!(found, [(first.organization, Role::Owner), (second.organization, Role::Viewer)]);
    // Who is a member keeps the role, whatever another invitation says.
    assert!(
        store.has_owner(first).await.expect("an answer")
            && !store.has_owner(second).await.expect("an answer")
    );
}

/// Clause 5.
pub async fn an_invitation_is_accepted_once<S: AccountStore + PeopleStore + 'static>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let id = invite(&*store, context, 1, 1, Role::Editor).await;
    let tasks: Vec<_> = (1..=8)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { accept(&*store, context, id, &newcomer(number), number).await })
        })
        .collect();
    let mut accepted = 0;
    for task in tasks {
        match task.await.expect("no panic") {
            Ok(_) => accepted += 1,
            Err(PeopleError::NotOpen) => {}
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(accepted, 1);
    assert_eq!(store.members(context, ALL).await.expect("members").len(), 1);
}

/// Clause 5.
pub async fn a_revoked_or_late_invitation_is_not_accepted<S: AccountStore + PeopleStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    let id = invite(&*store, context, 1, 1, Role::Editor).await;
    let noted = |number| entry(number, context.organization, Action::InvitationRevoked, "invitation");
    let revoked = store.revoke_invitation(context, id, 400, &noted(1)).await.expect("revoked");
    assert_eq!((revoked.revoked_at, revoked.state(450)), (Some(400), InvitationState::Revoked));
    let again = store.revoke_invitation(context, id, 450, &noted(2)).await.expect("revoked before");
    assert_eq!(again, revoked, "the first time stands");
    let refused = accept(&*store, context, id, &newcomer(1), 1).await;
    assert!(matches!(refused, Err(PeopleError::NotOpen)));

    let late = invite(&*store, context, 2, 2, Role::Editor).await;
    let noted_late = entry(3, context.organization, Action::MemberJoined, "member");
    let refused = store.accept(late, &newcomer(2), 1_000, &noted_late).await;
    assert!(matches!(refused, Err(PeopleError::NotOpen)));
    assert_eq!(store.person(person(2)).await.expect("an answer"), None);
    accept(&*store, context, late, &newcomer(2), 4).await.expect("in time");
    let refused = store.revoke_invitation(context, late, 600, &noted(5)).await;
    assert!(matches!(refused, Err(PeopleError::NotOpen)), "it was accepted");
    let unknown = InvitationId::derive(9, "invitation", 0);
    assert!(is_missing(&store.revoke_invitation(context, unknown, 600, &noted(6)).await));
}

/// Clause 1, and clause 3 of the accounts.
pub async fn an_invitation_is_written_once_and_not_for_a_member<S: AccountStore + PeopleStore + AuditLog>(
    store: Arc<S>,
) {
    let context = organization(&*store, 1).await;
    let new = invitation(1, 1, Role::Editor);
    let noted = |number| entry(number, context.organization, Action::InvitationMade, "invitation");
    let first = store.invite(context, &write("one"), &new, &noted(1)).await.expect("an invitation");
    let other = NewInvitation { id: InvitationId::derive(8, "invitation", 0), mac: mac(8), ..new.clone() };
    let again = store.invite(context, &write("one"), &other, &noted(2)).await.expect("the first answer");
    let Written::Fresh(first) = first else { panic!("{first:?}") };
    assert_eq!(again, Written::Replayed(first));
    assert_eq!(store.received(&codes(8)).await.expect("an answer"), None);
    accept(&*store, context, new.id, &newcomer(1), 3).await.expect("a member");
    let refused = store.invite(context, &write("another"), &other, &noted(4)).await;
    assert!(matches!(refused, Err(PeopleError::MemberAlready)));
    assert_eq!(log(&*store, context).await.len(), 2, "one invitation and one member");
}

/// Clause 4.
pub async fn the_last_owner_stays<S: AccountStore + PeopleStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    join(&*store, context, 1, Role::Owner).await;
    join(&*store, context, 2, Role::Admin).await;
    let noted = |number| entry(number, context.organization, Action::RoleChanged, "member");
    let kept = store.change_role(context, person(1), Role::Owner, &noted(1)).await.expect("no change");
    assert_eq!(kept.role, Role::Owner);
    let refused = store.change_role(context, person(1), Role::Admin, &noted(2)).await;
    assert!(matches!(refused, Err(PeopleError::LastOwner)));
    assert!(matches!(store.remove_member(context, person(1), &noted(3)).await, Err(PeopleError::LastOwner)));
    let raised = store.change_role(context, person(2), Role::Owner, &noted(4)).await.expect("an owner");
    assert_eq!(raised.role, Role::Owner);
    store.remove_member(context, person(1), &noted(5)).await.expect("another owner is left");
    assert!(is_missing(&store.member(context, person(1)).await));
    assert!(store.person(person(1)).await.expect("an answer").is_some(), "the person stays");
    assert!(is_missing(&store.remove_member(context, person(1), &noted(6)).await));
}

/// Clause 4.
pub async fn of_two_owners_who_leave_at_the_same_time_one_stays<S>(store: Arc<S>)
where
    S: AccountStore + PeopleStore + 'static,
{
    let context = organization(&*store, 1).await;
    for number in 1..=4 {
        join(&*store, context, number, Role::Owner).await;
    }
    let tasks: Vec<_> = (1..=4)
        .map(|number| {
            let store = Arc::clone(&store);
            let noted = entry(number, context.organization, Action::MemberRemoved, "member");
            tokio::spawn(async move { store.remove_member(context, person(number), &noted).await })
        })
        .collect();
    let mut refused = 0;
    for task in tasks {
        refused += usize::from(matches!(task.await.expect("no panic"), Err(PeopleError::LastOwner)));
    }
    assert_eq!(refused, 1);
    assert!(store.has_owner(context).await.expect("an answer"));
}

/// Clause 6.
pub async fn a_removed_member_loses_the_sessions_there<S: AccountStore + PeopleStore>(store: Arc<S>) {
    let (here, there) = (organization(&*store, 1).await, organization(&*store, 2).await);
    join(&*store, here, 1, Role::Editor).await;
    let id = invite(&*store, there, 2, 1, Role::Viewer).await;
    accept(&*store, there, id, &Newcomer::Known(person(1)), 2).await.expect("a member");
    let holder = Holder::Person(person(1));
    open(&*store, here, 1, holder).await;
    open(&*store, there, 2, holder).await;
    let noted = entry(1, here.organization, Action::MemberRemoved, "member");
    store.remove_member(here, person(1), &noted).await.expect("removed");
    assert_eq!(store.session(&codes(1), 0).await.expect("an answer"), None);
    let rights = store.session(&codes(2), 0).await.expect("an answer").expect("a session");
    assert_eq!((rights.role, rights.session.organization), (Some(Role::Viewer), there.organization));
    let left: Vec<_> = store.sessions(holder, 0).await.expect("sessions");
    assert_eq!(left.len(), 1);
}

/// Clause 6.
pub async fn a_changed_password_ends_the_other_sessions<S: AccountStore + PeopleStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    join(&*store, context, 1, Role::Editor).await;
    join(&*store, context, 2, Role::Editor).await;
    for number in 1..=3 {
        open(&*store, context, number, Holder::Person(person(1))).await;
    }
    open(&*store, context, 4, Holder::Person(person(2))).await;
    let (kept, noted) = (
        SessionId::derive(2, "session", 0),
        entry(1, context.organization, Action::PasswordChanged, "person"),
    );
    let hash = PasswordHash("another hash".to_owned());
    assert_eq!(store.set_password(person(1), &hash, Some(kept), &noted).await.expect("changed"), 2);
    let (_, stored) = store.person_with(&email(1)).await.expect("an answer").expect("the person");
    assert_eq!(stored, hash);
    let left = store.sessions(Holder::Person(person(1)), 0).await.expect("sessions");
    assert_eq!(left.iter().map(|session| session.id).collect::<Vec<_>>(), [kept]);
    assert!(store.session(&codes(4), 0).await.expect("an answer").is_some());
    let noted = entry(2, context.organization, Action::PasswordChanged, "person");
    assert!(is_missing(&store.set_password(person(9), &hash, None, &noted).await));
}

/// Clauses 7 and 8.
pub async fn a_session_is_found_by_its_token_until_it_ends<S: AccountStore + PeopleStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    join(&*store, context, 1, Role::Analyst).await;
    let (of_key, of_person) = (Holder::Key(context.key), Holder::Person(person(1)));
    open(&*store, context, 1, of_key).await;
    open(&*store, context, 2, of_person).await;
    let found = |number, now| {
        let store = Arc::clone(&store);
        async move { store.session(&codes(number), now).await.expect("an answer") }
    };
    let rights = found(1, 0).await.expect("a session");
    assert_eq!((rights.session.holder, rights.role, rights.scopes.len()), (of_key, None, 0));
    let rights = found(2, 999).await.expect("a session");
    assert_eq!((rights.session.holder, rights.role), (of_person, Some(Role::Analyst)));
    assert_eq!((rights.scopes.as_slice(), rights.frozen), (Role::Analyst.scopes(), false));
    assert_eq!(found(2, 1_000).await, None, "it has ended");
    assert_eq!(found(3, 0).await, None);
    let replaced = TokenCodes { current: mac(9), previous: mac(1) };
    assert!(store.session(&replaced, 0).await.expect("an answer").is_some(), "the code of the secret before");
    store.set_frozen(context.organization, true).await.expect("frozen");
    assert!(found(2, 0).await.expect("a session").frozen);

    let noted = |number| entry(number, context.organization, Action::SessionEnded, "session");
    let id = rights.session.id;
    assert!(is_missing(&store.end_session(of_key, id, &noted(1)).await), "it is somebody else's");
    assert_eq!(store.end_session(of_person, id, &noted(2)).await.expect("ended"), rights.session);
    assert!(is_missing(&store.end_session(of_person, id, &noted(3)).await));
    assert_eq!(found(2, 0).await, None);
    assert_eq!(store.forget_sessions(999).await.expect("an answer"), 0);
    assert_eq!(store.forget_sessions(1_000).await.expect("an answer"), 1);
}

/// `open_session`.
pub async fn a_holder_has_so_many_sessions<S: AccountStore + PeopleStore>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    join(&*store, context, 1, Role::Viewer).await;
    open(&*store, context, 1_000, Holder::Key(context.key)).await;
    let holder = Holder::Person(person(1));
    for number in 0..=u64::from(SESSIONS_OF_A_HOLDER) {
        open(&*store, context, number, holder).await;
    }
    let left = store.sessions(holder, 0).await.expect("sessions");
    assert_eq!(left.len(), SESSIONS_OF_A_HOLDER as usize);
    assert_eq!(store.session(&codes(0), 0).await.expect("an answer"), None, "the oldest one ended");
    assert!(store.session(&codes(1), 0).await.expect("an answer").is_some());
    assert!(store.session(&codes(1_000), 0).await.expect("an answer").is_some(), "another holder's stays");
}

/// Clause 2.
pub async fn people_of_another_organization_are_missing<S: AccountStore + PeopleStore + AuditLog>(
    store: Arc<S>,
) {
    let (own, other) = (organization(&*store, 1).await, organization(&*store, 2).await);
    join(&*store, own, 1, Role::Owner).await;
    let open = invite(&*store, own, 5, 5, Role::Viewer).await;
    assert!(store.members(other, ALL).await.expect("members").is_empty());
    assert!(store.invitations(other, ALL).await.expect("invitations").is_empty());
    assert!(log(&*store, other).await.is_empty());
    assert!(!store.has_owner(other).await.expect("an answer"));
    let noted = |number| entry(number, other.organization, Action::RoleChanged, "member");
    assert!(is_missing(&store.member(other, person(1)).await));
    assert!(is_missing(&store.change_role(other, person(1), Role::Viewer, &noted(1)).await));
    assert!(is_missing(&store.remove_member(other, person(1), &noted(2)).await));
    assert!(is_missing(&store.revoke_invitation(other, open, 500, &noted(3)).await));
    assert_eq!(store.member(own, person(1)).await.expect("the member").role, Role::Owner);
}

/// Clauses 1 to 4 of the log.
pub async fn the_log_keeps_what_was_changed_and_by_whom<S: AccountStore + PeopleStore + AuditLog>(
    store: Arc<S>,
) {
    let context = organization(&*store, 1).await;
    join(&*store, context, 1, Role::Editor).await;
    let by_person = NewAuditEntry {
        actor: Actor::Person(person(1)),
        after: Some(json!({ "name": "a brief" })),
        ..entry(1, context.organization, Action::BriefMade, "brief-1")
    };
    let by_key = NewAuditEntry {
        actor: Actor::Key(context.key),
        ..entry(2, context.organization, Action::RunOrdered, "run-1")
    };
    store.append(&by_person).await.expect("written");
    store.append(&by_key).await.expect("written");
    let noted = entry(3, context.organization, Action::RoleChanged, "person-1");
    store.change_role(context, person(1), Role::Admin, &noted).await.expect("another role");

    let entries = log(&*store, context).await;
    let words: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(
        words,
        ["member.role_changed", "run.ordered", "brief.made", "member.joined", "invitation.made"],
        "newest first"
    );
    let [changed, ordered, made, ..] = &entries[..] else { panic!("{entries:?}") };
    assert_eq!(
        (&changed.before, &changed.after),
        (&Some(json!({ "role": "editor" })), &Some(json!({ "role": "admin" })))
    );
    assert_eq!((made.actor.kind.as_str(), made.actor.id), ("person", Some(person(1).0)));
    assert_eq!(made.actor.name.as_deref(), Some("Person 1"));
    assert_eq!(
        (made.at, made.request_id.as_deref(), &made.after),
        (1_001, Some("request-1"), &by_person.after)
    );
    assert_eq!((ordered.actor.kind.as_str(), ordered.actor.id), ("key", Some(context.key.0)));
    assert!(ordered.actor.name.is_some());
    assert_eq!((ordered.target_kind.as_str(), ordered.target_id.as_str()), ("test", "run-1"));

    let only = async |action: Option<&str>, target: Option<&str>| {
        let filter = AuditFilter { action: action.map(str::to_owned), target: target.map(str::to_owned) };
        rows(store.entries(context, &filter, ALL).await.expect("the log")).len()
    };
    assert_eq!(only(Some("run.ordered"), None).await, 1);
    assert_eq!(only(None, Some("brief-1")).await, 1);
    assert_eq!(only(Some("run.ordered"), Some("brief-1")).await, 0);
    let page = store.entries(context, &AuditFilter::default(), Page { before: None, limit: 2 }).await;
    let page = page.expect("a page");
    let next = Page { before: page.last().map(|entry| entry.position), limit: 2 };
    let next = rows(store.entries(context, &AuditFilter::default(), next).await.expect("a page"));
    assert_eq!(next, entries[2..4]);
}

/// Clause 1.
pub async fn a_refused_change_is_not_in_the_log<S: AccountStore + PeopleStore + AuditLog>(store: Arc<S>) {
    let context = organization(&*store, 1).await;
    join(&*store, context, 1, Role::Owner).await;
    let before = log(&*store, context).await.len();
    let noted = |number| entry(number, context.organization, Action::RoleChanged, "member");
    assert!(store.change_role(context, person(1), Role::Viewer, &noted(1)).await.is_err());
    assert!(store.remove_member(context, person(1), &noted(2)).await.is_err());
    assert!(
        store
            .end_session(Holder::Person(person(1)), SessionId::derive(9, "session", 0), &noted(3))
            .await
            .is_err()
    );
    // An entry that is in the log already makes the change fail as a whole.
    let id = invite(&*store, context, 2, 2, Role::Viewer).await;
    let taken = entry(10_002, context.organization, Action::MemberJoined, "member");
    assert!(store.accept(id, &newcomer(2), 500, &taken).await.is_err());
    assert_eq!(store.person(person(2)).await.expect("an answer"), None);
    assert_eq!(log(&*store, context).await.len(), before + 1);
}
