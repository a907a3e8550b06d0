//! What a link shows to whoever has it, and what they may say there.
//!
//! Tokens that were guessed, have ended or were revoked, links of a frozen organization, and variants that a
//! link does not show are all answered alike.

use std::net::IpAddr;

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{ShareId, VariantId};
use spotwright_schemas::locale::Language;

use super::ReviewPorts;
use super::approvals::{self, DecisionWish, Review};
use super::comments::{self, Remark, Said};
use super::shares::PURPOSE;
use crate::domain::review::{
    Author, AuthorKind, ReceivedShare, Share, ShareScope, ShareState, can_be_watched,
};
use crate::domain::variant::Variant;
use crate::ports::accounts::{Page, Positioned, WriteKey, Written};
use crate::ports::reviews::CommentFilter;
use crate::use_cases::{Principal, check_name};

/// Most variants that a link shows.
pub const MOST_SHOWN: usize = 200;

/// Variants of a run that are read at once.
const PAGE: u32 = 200;

/// Somebody who came by a link that opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guest {
    /// The link.
    pub share: Share,
    /// What the organization that shows something is called.
    pub organization_name: String,
    /// The rights of the link: what it shows is read with them, and nothing else.
    principal: Principal,
}

impl Guest {
    /// On whose behalf files are read, and whose share of the service is used.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    fn expect(&self, scope: ShareScope) -> Result<(), Problem> {
        if self.share.scope >= scope {
            return Ok(());
        }
        let message = format!("the link is for `{}` only; ask whoever sent it", self.share.scope.as_str());
        Err(Problem::new(Code::Forbidden, "token", message))
    }

    fn named(&self, name: &str) -> Result<Author, Problem> {
        check_name("reviewer", name)?;
        let id = Some(self.share.id.0);
        Ok(Author { kind: AuthorKind::Reviewer, id, name: Some(name.to_owned()) })
    }
}

/// A variant as a link shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct Shown {
    /// The variant.
    pub variant: Variant,
    /// Where it stands with its reviewers.
    pub review: Review,
    /// Open comments that this link's reviewers see.
    pub open_comments: u64,
}

fn missing() -> Problem {
    Problem::new(Code::NotFound, "", "there is nothing at this address, or not any more")
}

/// Opens a link; `says` for a comment or a decision.
///
/// # Errors
/// [`Code::NotFound`] for a token that opens nothing; [`Code::RateLimited`].
pub async fn open(
    ports: &ReviewPorts<'_>,
    token: &str,
    address: Option<IpAddr>,
    says: bool,
) -> Result<Guest, Problem> {
    let now = ports.now();
    ports.throttle.look(address, now)?;
    let codes = ports.seal.codes(PURPOSE, token);
    let found = ports.reviews.received_share(&codes).await?;
    let opens = |found: &ReceivedShare| {
        let there = now.saturating_add(found.clock_moved);
        !found.frozen && found.share.state(there) == ShareState::Active
    };
    let found = found.filter(opens).ok_or_else(missing)?;
    ports.throttle.found(address);
    ports.throttle.by_link(found.share.id, says, now)?;
    Ok(Guest {
        share: found.share,
        organization_name: found.organization_name,
        principal: Principal::service(found.organization, "share"),
    })
}

/// What a link shows, in the order of generations and numbers: at most [`MOST_SHOWN`] variants.
///
/// # Errors
/// Those of the store.
pub async fn variants(ports: &ReviewPorts<'_>, guest: &Guest) -> Result<Vec<Shown>, Problem> {
    let mut shown = Vec::new();
    for variant in watchable(ports, guest).await? {
        shown.push(as_shown(ports, guest, variant).await?);
    }
    Ok(shown)
}

async fn watchable(ports: &ReviewPorts<'_>, guest: &Guest) -> Result<Vec<Variant>, Problem> {
    let context = guest.principal.context();
    let mut found = Vec::new();
    if let Some(chosen) = &guest.share.variants {
        for id in chosen {
            found.push(ports.accounts.variant(context, *id).await?.0);
        }
        found.retain(can_be_watched);
        return Ok(found);
    }
    let mut after = (0, 0);
    while found.len() < MOST_SHOWN {
        let page = ports.accounts.variants(context, guest.share.run, after, None, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = (last.generation, last.number);
        found.extend(page.into_iter().filter(can_be_watched));
    }
    found.truncate(MOST_SHOWN);
    Ok(found)
}

async fn as_shown(ports: &ReviewPorts<'_>, guest: &Guest, variant: Variant) -> Result<Shown, Problem> {
    let by = &guest.principal;
    let review = approvals::review_of(ports, by, &variant).await?;
    let open = ports.reviews.open_comments(by.organization, &[variant.id], Some(guest.share.id)).await?;
    Ok(Shown { variant, review, open_comments: open.first().copied().unwrap_or(0) })
}

/// One variant that a link shows.
///
/// # Errors
/// [`Code::NotFound`].
pub async fn variant(ports: &ReviewPorts<'_>, guest: &Guest, id: VariantId) -> Result<Variant, Problem> {
    let found = ports.accounts.variant(guest.principal.context(), id).await;
    let found = found.map_err(Problem::from).map_err(|problem| match problem.code {
        Code::NotFound => missing(),
        _ => problem,
    });
    let (variant, _) = found?;
    if guest.share.shows(&variant) { Ok(variant) } else { Err(missing()) }
}

/// The words in every picture that a link shows: what it is, whose, and by which link it came, so that a copy
/// that turns up elsewhere tells where it is from.
#[must_use]
pub fn watermark(guest: &Guest, variant: &Variant) -> String {
    let preview = match variant.body.storyboard.locale.language() {
        Language::Chinese => "预览",
        Language::English => "PREVIEW",
    };
    format!("{preview} · {} · {}", guest.organization_name, guest.share.name)
}

/// Comments on a variant that reviewers with this link see, newest first.
///
/// # Errors
/// [`Code::NotFound`].
pub async fn list_comments(
    ports: &ReviewPorts<'_>,
    guest: &Guest,
    id: VariantId,
    page: Page,
) -> Result<Vec<Positioned<Said>>, Problem> {
    variant(ports, guest, id).await?;
    let filter = CommentFilter { variant: id, state: None, share: Some(guest.share.id) };
    comments::list(ports, &guest.principal, &filter, page).await
}

/// Comments on a variant in a reviewer's name.
///
/// # Errors
/// [`Code::NotFound`]; [`Code::Forbidden`] by a link that only shows; [`Code::RequestValue`] with the field;
/// [`Code::TooMany`]; those of repeated writes.
pub async fn comment(
    ports: &ReviewPorts<'_>,
    guest: &Guest,
    write: &WriteKey,
    id: VariantId,
    reviewer: &str,
    remark: Remark,
) -> Result<Written<Said>, Problem> {
    guest.expect(ShareScope::Comment)?;
    let variant = variant(ports, guest, id).await?;
    let author = guest.named(reviewer)?;
    let share: Option<ShareId> = Some(guest.share.id);
    comments::create_as(ports, &guest.principal, write, &variant, remark, author, share).await
}

/// Decides on a variant in a reviewer's name.
///
/// # Errors
/// [`Code::NotFound`]; [`Code::Forbidden`] by a link that does not decide; [`Code::RequestValue`] with the
/// field; [`Code::ContentChanged`]; [`Code::TooMany`].
pub async fn decide(
    ports: &ReviewPorts<'_>,
    guest: &Guest,
    id: VariantId,
    reviewer: &str,
    wish: DecisionWish,
) -> Result<Shown, Problem> {
    guest.expect(ShareScope::Approve)?;
    let variant = variant(ports, guest, id).await?;
    let author = guest.named(reviewer)?;
    approvals::decide_as(ports, &guest.principal, &variant, author, wish).await?;
    as_shown(ports, guest, variant).await
}
