//! Approvals: whether a variant may go out as it is. A decision is bound to what was looked at.

use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{ApprovalId, OrganizationId, VariantId};

use super::{ReviewPorts, check_words, expect_reviewer};
use crate::domain::account::Scope;
use crate::domain::audit::Action;
use crate::domain::review::{
    Approval, ApprovalOf, ApprovalState, Asked, Author, ContentHash, Decision, Verdict,
};
use crate::domain::variant::Variant;
use crate::ports::accounts::{Page, Positioned};
use crate::ports::entropy::random_id;
use crate::ports::reviews::{ApprovalFilter, ReviewStore};
use crate::use_cases::Principal;

/// Where a variant stands with its reviewers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The approval; `None` where nobody asked and nobody decided.
    pub approval: Option<Approval>,
    /// The variant that is meant, its run, and what it is now.
    pub now: ApprovalOf,
    /// Comments that somebody still has to look at.
    pub open_comments: u64,
}

/// Where a review stands, as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nobody asked.
    None,
    /// As it was said last, about what the variant is now.
    Said(ApprovalState),
    /// The variant was changed after that: nothing that was said counts.
    Void,
}

impl Standing {
    /// The standing as written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Said(state) => state.as_str(),
            Self::Void => "void",
        }
    }
}

impl Review {
    /// Where it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match &self.approval {
            None => Standing::None,
            Some(approval) if approval.state == ApprovalState::Superseded => Standing::Said(approval.state),
            Some(approval) if approval.content != self.now.content => Standing::Void,
            Some(approval) => Standing::Said(approval.state),
        }
    }

    /// Whether the variant may go out as it is now.
    #[must_use]
    pub fn is_approved(&self) -> bool {
        self.standing() == Standing::Said(ApprovalState::Approved)
    }
}

/// A decision, as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionWish {
    /// What is decided.
    pub verdict: Verdict,
    /// What was looked at.
    pub content: ContentHash,
    /// Why.
    pub note: Option<String>,
}

/// Where a variant stands with its reviewers.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; `Code::NotFound`.
pub async fn get(ports: &ReviewPorts<'_>, by: &Principal, id: VariantId) -> Result<Review, Problem> {
    by.expect(Scope::RunsRead)?;
    let (variant, _) = ports.accounts.variant(by.context(), id).await?;
    review_of(ports, by, &variant).await
}

/// Where a variant stands with its reviewers, for a use case that has checked who asks.
pub(in crate::use_cases) async fn standing_of(
    reviews: &dyn ReviewStore,
    organization: OrganizationId,
    variant: &Variant,
) -> Result<Standing, Problem> {
    let approval = reviews.approval(organization, variant.id).await?;
    let now = as_now(ApprovalId(uuid::Uuid::nil()), variant);
    Ok(Review { approval, now, open_comments: 0 }.standing())
}

pub(super) async fn review_of(
    ports: &ReviewPorts<'_>,
    by: &Principal,
    variant: &Variant,
) -> Result<Review, Problem> {
    let approval = ports.reviews.approval(by.organization, variant.id).await?;
    whole(ports, by, variant, approval).await
}

async fn whole(
    ports: &ReviewPorts<'_>,
    by: &Principal,
    variant: &Variant,
    approval: Option<Approval>,
) -> Result<Review, Problem> {
    let open = ports.reviews.open_comments(by.organization, &[variant.id], None).await?;
    let now = as_now(ApprovalId(uuid::Uuid::nil()), variant);
    Ok(Review { approval, now, open_comments: open.first().copied().unwrap_or(0) })
}

fn as_now(id: ApprovalId, variant: &Variant) -> ApprovalOf {
    ApprovalOf { id, variant: variant.id, run: variant.run, content: ContentHash::of(variant) }
}

/// Asks for a decision on what a variant is now. Asking again changes nothing.
///
/// # Errors
/// `Code::Forbidden` without `runs:write` or `approvals:write`; `Code::NotFound`; [`Code::RequestValue`] for
/// the note.
pub async fn ask(
    ports: &ReviewPorts<'_>,
    by: &Principal,
    id: VariantId,
    note: Option<String>,
) -> Result<Review, Problem> {
    expect_reviewer(by)?;
    if let Some(note) = &note {
        check_words("note", note)?;
    }
    let (variant, _) = ports.accounts.variant(by.context(), id).await?;
    let of = as_now(ApprovalId(random_id(ports.record.entropy)?), &variant);
    let asked = Asked { at: ports.now(), by: ports.reviews.author(&by.who).await?, note };
    let approval = ports.reviews.ask(by.organization, &of, &asked).await?;
    if approval.id == of.id {
        let after = json!({ "content_hash": of.content });
        ports.record.note(by, by.organization, Action::ApprovalAsked, ("variant", id), Some(after)).await;
    }
    whole(ports, by, &variant, Some(approval)).await
}

/// Decides on a variant.
///
/// # Errors
/// `Code::Forbidden` without `approvals:write`; `Code::NotFound`; [`Code::RequestValue`] for the note;
/// [`Code::ContentChanged`] when the variant is not what was looked at any more; [`Code::TooMany`].
pub async fn decide(
    ports: &ReviewPorts<'_>,
    by: &Principal,
    id: VariantId,
    wish: DecisionWish,
) -> Result<Review, Problem> {
    by.expect(Scope::ApprovalsWrite)?;
    let (variant, _) = ports.accounts.variant(by.context(), id).await?;
    let author = ports.reviews.author(&by.who).await?;
    decide_as(ports, by, &variant, author, wish).await
}

/// Decides in the name of `author`, whose right to do so was checked.
pub(super) async fn decide_as(
    ports: &ReviewPorts<'_>,
    by: &Principal,
    variant: &Variant,
    author: Author,
    wish: DecisionWish,
) -> Result<Review, Problem> {
    if let Some(note) = &wish.note {
        check_words("note", note)?;
    }
    let of = as_now(ApprovalId(random_id(ports.record.entropy)?), variant);
    if of.content != wish.content {
        let message = format!("is not what the variant is now (`{}`); look at it again", of.content.as_str());
        return Err(Problem::new(Code::ContentChanged, "content_hash", message));
    }
    let after = json!({ "decision": wish.verdict, "content_hash": of.content, "by": author });
    let decision = Decision { verdict: wish.verdict, at: ports.now(), by: author, note: wish.note };
    let approval = ports.reviews.decide(by.organization, &of, &decision).await?;
    let target = ("variant", variant.id);
    ports.record.note(by, by.organization, Action::ApprovalDecided, target, Some(after)).await;
    whole(ports, by, variant, Some(approval)).await
}

/// The organization's approvals, newest first, each with what its variant is now.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; those of the store.
pub async fn list(
    ports: &ReviewPorts<'_>,
    by: &Principal,
    filter: &ApprovalFilter,
    page: Page,
) -> Result<Vec<Positioned<Review>>, Problem> {
    by.expect(Scope::RunsRead)?;
    let rows = ports.reviews.approvals(by.organization, filter, page).await?;
    let variants: Vec<VariantId> = rows.iter().map(|row| row.row.variant).collect();
    let contents = ports.reviews.contents(by.organization, &variants).await?;
    let open = ports.reviews.open_comments(by.organization, &variants, None).await?;
    let reviews = rows.into_iter().zip(contents).zip(open).map(|((row, content), open_comments)| {
        let Positioned { position, row: approval } = row;
        let (id, variant, run) = (approval.id, approval.variant, approval.run);
        // A variant is never removed; without it nothing that was said could count.
        let content = content.unwrap_or_else(|| ContentHash(String::new()));
        let now = ApprovalOf { id, variant, run, content };
        Positioned { position, row: Review { approval: Some(approval), now, open_comments } }
    });
    Ok(reviews.collect())
}
