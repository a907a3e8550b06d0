//! Links for reviewers who have no account.

pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod revoke;

use serde::{Deserialize, Serialize};
use spotwright_core::domain::review::{self, ShareScope};
use utoipa::ToSchema;
use uuid::Uuid;

use super::approvals::Author;
use super::time;

/// What a link allows.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(rename_all = "snake_case")]
pub(crate) enum ShareScopeName {
    /// Watching.
    View,
    /// Watching and commenting.
    Comment,
    /// All that, and deciding.
    Approve,
}

impl From<ShareScopeName> for ShareScope {
    fn from(name: ShareScopeName) -> Self {
        match name {
            ShareScopeName::View => Self::View,
            ShareScopeName::Comment => Self::Comment,
            ShareScopeName::Approve => Self::Approve,
        }
    }
}

/// A link for reviewers, without its token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ShareLink {
    /// Its id.
    pub(crate) id: Uuid,
    /// What it is for.
    name: String,
    /// The run that it shows.
    run: Uuid,
    /// The variants that it shows; `null`: all of the run that can be watched.
    variants: Option<Vec<Uuid>>,
    /// What it allows.
    #[schema(value_type = ShareScopeName)]
    scope: ShareScope,
    /// `active`, `expired` or `revoked`.
    state: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// By whom.
    created_by: Author,
    /// When it ends.
    #[schema(format = DateTime)]
    expires_at: String,
    /// When it was revoked.
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
}

impl ShareLink {
    /// The link as it is at a time.
    pub(crate) fn at(share: review::Share, now: i64) -> Self {
        Self {
            state: share.state(now).as_str().to_owned(),
            id: share.id.0,
            name: share.name,
            run: share.run.0,
            variants: share.variants.map(|chosen| chosen.into_iter().map(|variant| variant.0).collect()),
            scope: share.scope,
            created_at: time(share.created_at),
            created_by: share.by.into(),
            expires_at: time(share.expires_at),
            revoked_at: share.revoked_at.map(time),
        }
    }
}
