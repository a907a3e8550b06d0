//! Reviews: what people say about a variant, bound to what it was when they said it.
//!
//! Times are microseconds since 1970 UTC of the program's clock.

use serde::{Deserialize, Serialize};
use spotwright_schemas::ids::{ApprovalId, CommentId, OrganizationId, RunId, ShareId, VariantId};
use spotwright_schemas::script::Script;
use spotwright_schemas::storyboard::Storyboard;
use uuid::Uuid;

use super::account::KeyMac;
use super::variant::{Variant, VariantState};
use crate::ports::artifacts::ArtifactHash;

/// The latest moment of a video that a comment may name, in milliseconds: three minutes at 10 frames per
/// second and more than any storyboard has.
pub const LATEST_MILLIS: u32 = 600_000;

/// The whole width or height of a video, in the millionths that a place is kept in.
pub const WHOLE: u32 = 1_000_000;

/// What a variant is: the BLAKE3 of its script, its storyboard and its newest video, hexadecimal. A finished
/// video that follows a preview is other content.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentHash(pub String);

impl ContentHash {
    /// What a variant is now.
    #[must_use]
    pub fn of(variant: &Variant) -> Self {
        /// Optional fields are left out where they say nothing, so what a newer version of the formats adds
        /// does not change the hash of what was there before.
        #[derive(Serialize)]
        struct Content<'a> {
            script: &'a Script,
            storyboard: &'a Storyboard,
            video: Option<&'a ArtifactHash>,
        }

        let body = &variant.body;
        let video = body.final_render.as_ref().or(body.preview.as_ref()).map(|file| &file.artifact);
        let content = Content { script: &body.script, storyboard: &body.storyboard, video };
        let mut hasher = blake3::Hasher::new();
        // Texts and numbers only; writing them to a hasher cannot fail.
        serde_json::to_writer(&mut hasher, &content).ok();
        Self(hasher.finalize().to_hex().to_string())
    }

    /// The hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who said something, as they were called then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// What they are.
    pub kind: AuthorKind,
    /// Id of the person, the key, or the link that a reviewer came by.
    pub id: Option<Uuid>,
    /// What they are called; a reviewer's name is what they call themselves.
    pub name: Option<String>,
}

/// What somebody is who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthorKind {
    /// A person who is signed in.
    Person,
    /// The holder of a key.
    Key,
    /// Somebody with a link, who has no account.
    Reviewer,
    /// The program itself.
    Service,
}

/// What was decided about a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It may go out as it is.
    Approved,
    /// It may not, for what the note and the comments say.
    ChangesRequested,
}

/// A decision about a variant. Decisions are only added; the last one counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided.
    pub verdict: Verdict,
    /// When.
    pub at: i64,
    /// By whom.
    pub by: Author,
    /// Why, in their words.
    pub note: Option<String>,
}

/// Where an approval stands, by what was said last. Whether the variant is still what was spoken of, only a
/// look at it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// A decision was asked for.
    Waiting,
    /// Approved.
    Approved,
    /// Changes were requested.
    ChangesRequested,
    /// Another approval of the same variant, for other content, followed.
    Superseded,
}

impl ApprovalState {
    /// The state as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::ChangesRequested => "changes_requested",
            Self::Superseded => "superseded",
        }
    }
}

impl From<Verdict> for ApprovalState {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Approved => Self::Approved,
            Verdict::ChangesRequested => Self::ChangesRequested,
        }
    }
}

/// That a decision was asked for, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// When.
    pub at: i64,
    /// By whom.
    pub by: Author,
    /// What shall be looked at, in their words.
    pub note: Option<String>,
}

/// The review of what a variant was at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// The variant.
    pub variant: VariantId,
    /// Its run.
    pub run: RunId,
    /// What it was.
    pub content: ContentHash,
    /// Where it stands.
    pub state: ApprovalState,
    /// Who asked; `None` where somebody decided without being asked.
    pub asked: Option<Asked>,
    /// What was decided, oldest first.
    pub decisions: Vec<Decision>,
}

/// An approval to be found or made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalOf {
    /// Its id, if it is made now.
    pub id: ApprovalId,
    /// The variant.
    pub variant: VariantId,
    /// Its run.
    pub run: RunId,
    /// What the variant is.
    pub content: ContentHash,
}

/// A place in the picture, in millionths from its upper left corner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spot {
    /// From left to right, at most [`WHOLE`].
    pub x: u32,
    /// From top to bottom, at most [`WHOLE`].
    pub y: u32,
}

/// Whether somebody still has to look at a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommentState {
    /// Yes.
    Open,
    /// No.
    Resolved,
}

impl CommentState {
    /// The state as stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Resolved => "resolved",
        }
    }
}

/// That a comment was resolved or opened again, and by whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When.
    pub at: i64,
    /// By whom.
    pub by: Author,
}

/// A comment to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewComment {
    /// Its id.
    pub id: CommentId,
    /// The variant.
    pub variant: VariantId,
    /// Its run.
    pub run: RunId,
    /// What the variant was.
    pub content: ContentHash,
    /// The words.
    pub text: String,
    /// The moment of the video, in milliseconds; `None`: all of it.
    pub millis: Option<u32>,
    /// The place in the picture; `None`: all of it.
    pub spot: Option<Spot>,
    /// The link whose reviewers see it too; `None`: the organization alone does.
    pub share: Option<ShareId>,
    /// Who says it.
    pub by: Author,
    /// When.
    pub at: i64,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// What was said.
    pub said: NewComment,
    /// Whether somebody still has to look at it.
    pub state: CommentState,
    /// Who resolved it or opened it again last.
    pub changed: Option<Change>,
}

/// What a link allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShareScope {
    /// Watching.
    View,
    /// Watching and commenting.
    Comment,
    /// All that, and deciding.
    Approve,
}

impl ShareScope {
    /// The scope as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Comment => "comment",
            Self::Approve => "approve",
        }
    }
}

/// A link to be made. The text of its token is not part of it: the database never sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewShare {
    /// Its id.
    pub id: ShareId,
    /// Authentication code of its token.
    pub mac: KeyMac,
    /// What it is for, for people.
    pub name: String,
    /// The run that it shows.
    pub run: RunId,
    /// The variants that it shows; `None`: all of the run that can be watched.
    pub variants: Option<Vec<VariantId>>,
    /// What it allows.
    pub scope: ShareScope,
    /// When it was made.
    pub created_at: i64,
    /// By whom.
    pub by: Author,
    /// When it ends.
    pub expires_at: i64,
}

/// A link as its organization sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Its id.
    pub id: ShareId,
    /// What it is for.
    pub name: String,
    /// The run that it shows.
    pub run: RunId,
    /// The variants that it shows; `None`: all of the run that can be watched.
    pub variants: Option<Vec<VariantId>>,
    /// What it allows.
    pub scope: ShareScope,
    /// When it was made.
    pub created_at: i64,
    /// By whom.
    pub by: Author,
    /// When it ends.
    pub expires_at: i64,
    /// When it was revoked.
    pub revoked_at: Option<i64>,
}

/// What has become of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShareState {
    /// It opens.
    Active,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
}

impl ShareState {
    /// The state as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

impl Share {
    /// What has become of it by a time.
    #[must_use]
    pub const fn state(&self, now: i64) -> ShareState {
        if self.revoked_at.is_some() {
            ShareState::Revoked
        } else if self.expires_at <= now {
            ShareState::Expired
        } else {
            ShareState::Active
        }
    }

    /// Whether it shows a variant.
    #[must_use]
    pub fn shows(&self, variant: &Variant) -> bool {
        let chosen = self.variants.as_ref().is_none_or(|chosen| chosen.contains(&variant.id));
        variant.run == self.run && chosen && can_be_watched(variant)
    }
}

/// Whether there is a video of a variant that somebody outside may be shown.
#[must_use]
pub const fn can_be_watched(variant: &Variant) -> bool {
    let made = variant.body.preview.is_some() || variant.body.final_render.is_some();
    made && !matches!(variant.state, VariantState::Rejected | VariantState::Failed | VariantState::Withdrawn)
}

/// A link as it is found by its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceivedShare {
    /// The link.
    pub share: Share,
    /// Whose it is.
    pub organization: OrganizationId,
    /// What that is called.
    pub organization_name: String,
    /// Whether the operator holds the organization.
    pub frozen: bool,
    /// How far the clock of the organization was moved, in microseconds.
    pub clock_moved: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_ends_by_time_or_by_hand() {
        let share = Share {
            id: ShareId::derive(1, "share", 0),
            name: "client".to_owned(),
            run: RunId::derive(1, "run", 0),
            variants: None,
            scope: ShareScope::View,
            created_at: 0,
            by: Author { kind: AuthorKind::Service, id: None, name: None },
            expires_at: 10,
            revoked_at: None,
        };
        assert_eq!(share.state(9), ShareState::Active);
        assert_eq!(share.state(10), ShareState::Expired);
        let revoked = Share { revoked_at: Some(3), ..share };
        assert_eq!(revoked.state(4), ShareState::Revoked);
        assert!(ShareScope::View < ShareScope::Comment && ShareScope::Comment < ShareScope::Approve);
    }
}
