//! People: who signs in, what they are in which organization, and how they come to it.
//!
//! Times are microseconds since 1970 UTC of the program's clock.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use spotwright_schemas::ids::{InvitationId, KeyId, OrganizationId, PersonId, SessionId};
use unicode_normalization::UnicodeNormalization as _;

use super::account::{KeyMac, Scope};
use crate::use_cases::Role;

/// Longest e-mail address in bytes (RFC 5321 §4.5.3.1.3, less the angle brackets).
const LONGEST_EMAIL: usize = 254;

/// Longest part before the `@` in bytes (RFC 5321 §4.5.3.1.1).
const LONGEST_LOCAL_PART: usize = 64;

/// An e-mail address in the one spelling under which a person is known: composed characters, small letters,
/// no outer blanks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// The address as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an e-mail address such as `name@example.com`, at most {LONGEST_EMAIL} bytes")]
pub struct NoEmail;

impl FromStr for Email {
    type Err = NoEmail;

    /// Reads an address. Only its shape is checked: whether it receives anything, an invitation shows.
    fn from_str(text: &str) -> Result<Self, NoEmail> {
        let address = text.trim().nfc().collect::<String>().to_lowercase();
        let (local, domain) = address.rsplit_once('@').ok_or(NoEmail)?;
        let unwanted = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';');
        let labels_are_whole = domain.split('.').all(|label| !label.is_empty());
        if local.is_empty()
            || local.contains('@')
            || local.len() > LONGEST_LOCAL_PART
            || address.len() > LONGEST_EMAIL
            || address.contains(unwanted)
            || !labels_are_whole
        {
            return Err(NoEmail);
        }
        Ok(Self(address))
    }
}

impl TryFrom<String> for Email {
    type Error = NoEmail;

    fn try_from(text: String) -> Result<Self, NoEmail> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

/// A password as it is stored: Argon2id in the PHC string format, with its salt and costs. Not shown by
/// `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(secret)")
    }
}

/// The codes under which a token may be stored: that of the secret of the installation, and that of the
/// secret before, for as long as it is given; else the same one twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenCodes {
    /// What is stored now.
    pub current: KeyMac,
    /// What was stored before.
    pub previous: KeyMac,
}

/// Somebody who signs in; the same person in every organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Its id.
    pub id: PersonId,
    /// Where they are written to, and what they sign in with.
    pub email: Email,
    /// What they are called.
    pub name: String,
}

/// A person to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPerson {
    /// Its id.
    pub id: PersonId,
    /// What they are called.
    pub name: String,
    /// What they sign in with.
    pub password: PasswordHash,
}

/// A person of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Who it is.
    pub person: Person,
    /// What they are there for.
    pub role: Role,
    /// Since when.
    pub joined_at: i64,
}

/// An organization of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The organization.
    pub organization: OrganizationId,
    /// Its name.
    pub organization_name: String,
    /// What the person is there for.
    pub role: Role,
    /// Whether the operator holds the organization.
    pub frozen: bool,
}

/// An invitation to be made. The text of its token is not part of it: the database never sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewInvitation {
    /// Its id.
    pub id: InvitationId,
    /// Who is invited.
    pub email: Email,
    /// What they are called, where whoever invites them knows it.
    pub name: Option<String>,
    /// What they shall be there for.
    pub role: Role,
    /// Authentication code of its token.
    pub mac: KeyMac,
    /// When it was made.
    pub created_at: i64,
    /// When it stops being good.
    pub expires_at: i64,
}

/// An invitation as its organization sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Who is invited.
    pub email: Email,
    /// What they are called, where whoever invited them knew it.
    pub name: Option<String>,
    /// What they shall be there for.
    pub role: Role,
    /// When it was made.
    pub created_at: i64,
    /// When it stops being good.
    pub expires_at: i64,
    /// When it was accepted.
    pub accepted_at: Option<i64>,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
}

/// What has become of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationState {
    /// It can be accepted.
    Open,
    /// It was accepted.
    Accepted,
    /// It was revoked.
    Revoked,
    /// Nobody accepted it in time.
    Expired,
}

impl InvitationState {
    /// The state as written, e.g. `open`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        }
    }
}

impl Invitation {
    /// What has become of it by `now_micros`.
    #[must_use]
    pub fn state(&self, now_micros: i64) -> InvitationState {
        match (self.accepted_at, self.revoked_at) {
            (Some(_), _) => InvitationState::Accepted,
            (None, Some(_)) => InvitationState::Revoked,
            (None, None) if now_micros < self.expires_at => InvitationState::Open,
            (None, None) => InvitationState::Expired,
        }
    }
}

/// An invitation with what its receiver needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedInvitation {
    /// The invitation.
    pub invitation: Invitation,
    /// The organization that invites.
    pub organization: OrganizationId,
    /// Its name.
    pub organization_name: String,
    /// The person with the address, if there is one.
    pub known: Option<PersonId>,
    /// How far the clock of the organization was moved, in microseconds.
    pub clock_moved: i64,
}

/// Whose rights a session has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Holder {
    /// Those of a key.
    Key(KeyId),
    /// Those of a person in the session's organization.
    Person(PersonId),
}

/// A session to be opened. The text of its token is not part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// Authentication code of its token.
    pub mac: KeyMac,
    /// Where it works.
    pub organization: OrganizationId,
    /// Whose rights it has.
    pub holder: Holder,
    /// When it was opened.
    pub created_at: i64,
    /// When it ends.
    pub until: i64,
}

/// A session as its holder sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Where it works.
    pub organization: OrganizationId,
    /// Whose rights it has.
    pub holder: Holder,
    /// When it was opened.
    pub created_at: i64,
    /// When it ends.
    pub until: i64,
}

/// A session with what is needed to let it through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRights {
    /// The session.
    pub session: Session,
    /// What the person may do where the session works; empty for a key, whose rights are looked up with it,
    /// and for a person who is no member any more.
    pub scopes: Vec<Scope>,
    /// What the person is there for; `None` for a key, and for a person who is no member any more.
    pub role: Option<Role>,
    /// Whether the operator holds the organization.
    pub frozen: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        let email: Email = "  Ana.Li@Example.COM ".parse().unwrap();
        assert_eq!(email.as_str(), "ana.li@example.com");
        assert_eq!("Ren\u{65}\u{301}e@exämple.de".parse::<Email>(), "renée@EXÄMPLE.de".parse::<Email>());
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "a",
            "@b.c",
            "a@",
            "a@b..c",
            "a b@c.d",
            "a@b@c.d",
            "<a@b.c>",
            "a@b.c,d@e.f",
            "a\n@b.c",
            &long,
        ] {
            assert_eq!(text.parse::<Email>(), Err(NoEmail), "{text:?}");
        }
    }

    #[test]
    fn an_invitation_is_open_until_something_became_of_it() {
        let mut invitation = Invitation {
            id: InvitationId::derive(1, "invitation", 0),
            email: "a@b.c".parse().unwrap(),
            name: None,
            role: Role::Viewer,
            created_at: 0,
            expires_at: 10,
            accepted_at: None,
            revoked_at: None,
        };
        assert_eq!(invitation.state(9), InvitationState::Open);
        assert_eq!(invitation.state(10), InvitationState::Expired);
        invitation.revoked_at = Some(5);
        assert_eq!(invitation.state(9), InvitationState::Revoked);
        invitation.accepted_at = Some(4);
        assert_eq!(invitation.state(20), InvitationState::Accepted);
    }

    #[test]
    fn a_password_is_not_printed() {
        assert!(!format!("{:?}", PasswordHash("$argon2id$…".to_owned())).contains("argon2id"));
    }
}
