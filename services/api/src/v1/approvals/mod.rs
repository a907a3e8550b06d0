//! Approvals: whether variants may go out as they are.

pub(crate) mod ask;
pub(crate) mod decide;
pub(crate) mod get;
pub(crate) mod list;

use serde::{Deserialize, Serialize};
use spotwright_core::domain::review::{self, AuthorKind, Verdict};
use spotwright_core::use_cases::reviews::approvals::Review;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time;

/// Who said something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Author {
    /// What they are.
    #[schema(value_type = AuthorKindName)]
    kind: AuthorKind,
    /// Id of the person, the key, or the link that a reviewer came by.
    id: Option<Uuid>,
    /// What they were called; a reviewer's name is what they call themselves.
    name: Option<String>,
}

/// What somebody is who says something.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the domain's own type, which is what is written")]
pub(crate) enum AuthorKindName {
    /// A person who is signed in.
    Person,
    /// The holder of a key.
    Key,
    /// Somebody with a link, who has no account.
    Reviewer,
    /// The program itself.
    Service,
}

impl From<review::Author> for Author {
    fn from(author: review::Author) -> Self {
        Self { kind: author.kind, id: author.id, name: author.name }
    }
}

/// What is decided about a variant.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub(crate) enum DecisionWord {
    /// It may go out as it is.
    Approved,
    /// It may not, for what the note and the comments say.
    ChangesRequested,
}

impl From<DecisionWord> for Verdict {
    fn from(word: DecisionWord) -> Self {
        match word {
            DecisionWord::Approved => Self::Approved,
            DecisionWord::ChangesRequested => Self::ChangesRequested,
        }
    }
}

/// A decision that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Decision {
    /// What was decided.
    #[serde(rename = "decision")]
    #[schema(rename = "decision", value_type = DecisionWord)]
    verdict: Verdict,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// By whom.
    by: Author,
    /// Why, in their words.
    note: Option<String>,
}

/// That a decision was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Asked {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// By whom.
    by: Author,
    /// What shall be looked at, in their words.
    note: Option<String>,
}

/// Where a variant stands with its reviewers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Approval {
    /// Its id; `null` where nobody asked and nobody decided.
    id: Option<Uuid>,
    /// The variant.
    variant: Uuid,
    /// Its run.
    run: Uuid,
    /// `none`, `waiting`, `approved`, `changes_requested`, `void` (the variant was changed since, so nothing
    /// that was said counts) or `superseded` (another approval of the variant followed).
    state: String,
    /// What was asked about or decided on: the BLAKE3 of script, storyboard and newest video.
    content_hash: String,
    /// What the variant is now.
    current_hash: String,
    /// Who asked; `null` where somebody decided without being asked.
    asked: Option<Asked>,
    /// What was decided, oldest first; the last one counts.
    decisions: Vec<Decision>,
    /// Comments that somebody still has to look at.
    open_comments: u64,
}

impl From<Review> for Approval {
    fn from(review: Review) -> Self {
        let state = review.standing().as_str().to_owned();
        let Review { approval, now, open_comments } = review;
        let current_hash = now.content.0;
        let (id, content_hash, asked, decisions) = match approval {
            Some(approval) => (Some(approval.id.0), approval.content.0, approval.asked, approval.decisions),
            None => (None, current_hash.clone(), None, Vec::new()),
        };
        Self {
            id,
            variant: now.variant.0,
            run: now.run.0,
            state,
            content_hash,
            current_hash,
            asked: asked.map(|asked| Asked { at: time(asked.at), by: asked.by.into(), note: asked.note }),
            decisions: decisions.into_iter().map(Decision::from).collect(),
            open_comments,
        }
    }
}

impl From<review::Decision> for Decision {
    fn from(decision: review::Decision) -> Self {
        Self { verdict: decision.verdict, at: time(decision.at), by: decision.by.into(), note: decision.note }
    }
}
