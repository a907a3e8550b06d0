//! Links for reviewers who have no account, made by people of the organization.

use std::fmt;
use std::fmt::Write as _;

use serde_json::json;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{RunId, ShareId, VariantId};

use super::{ReviewPorts, expect_reviewer};
use crate::domain::account::Scope;
use crate::domain::audit::Action;
use crate::domain::review::{NewShare, Share, ShareScope};
use crate::ports::accounts::{Page, Positioned, WriteKey, Written};
use crate::ports::entropy::random_id;
use crate::ports::entropy::{Entropy, EntropyError};
use crate::use_cases::{Principal, check_name};

/// How long a link opens when nobody says: two weeks, in seconds.
pub const USUAL_SECONDS: u32 = 14 * 24 * 3_600;

/// The shortest time that a link may open: five minutes, in seconds.
pub const SHORTEST_SECONDS: u32 = 300;

/// The longest: 90 days.
pub const LONGEST_SECONDS: u32 = 90 * 24 * 3_600;

/// Most variants that are chosen for one link.
pub const MOST_VARIANTS: usize = 50;

/// The purpose of a link's codes.
pub(super) const PURPOSE: &str = "share";

const TOKEN_BYTES: usize = 32;

/// The text that opens a link. Not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct ShareToken(String);

impl ShareToken {
    /// A token of 64 random hexadecimal digits.
    fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut bytes = [0_u8; TOKEN_BYTES];
        entropy.fill(&mut bytes)?;
        let mut text = String::with_capacity(2 * TOKEN_BYTES);
        for byte in bytes {
            // Writing to a text cannot fail.
            write!(text, "{byte:02x}").ok();
        }
        Ok(Self(text))
    }

    /// The text itself, for the one answer that shows it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ShareToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ShareToken(secret)")
    }
}

/// A link to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareOrder {
    /// What it is for, for people.
    pub name: String,
    /// The run that it shows.
    pub run: RunId,
    /// The variants that it shows; `None`: all of the run that can be watched.
    pub variants: Option<Vec<VariantId>>,
    /// What it allows.
    pub scope: ShareScope,
    /// How long it opens, in seconds; `None`: [`USUAL_SECONDS`].
    pub seconds: Option<u32>,
}

impl ShareOrder {
    fn check(&self) -> Result<(), Problem> {
        check_name("name", &self.name)?;
        if let Some(seconds) = self.seconds
            && !(SHORTEST_SECONDS..=LONGEST_SECONDS).contains(&seconds)
        {
            let message = format!("must be within {SHORTEST_SECONDS} and {LONGEST_SECONDS}");
            return Err(Problem::new(Code::RequestValue, "expires_in_seconds", message));
        }
        let Some(variants) = &self.variants else { return Ok(()) };
        if !(1..=MOST_VARIANTS).contains(&variants.len()) {
            let message = format!("must name 1 to {MOST_VARIANTS} variants; leave it out for the whole run");
            return Err(Problem::new(Code::RequestValue, "variants", message));
        }
        for (idx, id) in variants.iter().enumerate() {
            if variants[..idx].contains(id) {
                let message = "names a variant that is named before; remove it";
                return Err(Problem::new(Code::RequestValue, format!("variants[{idx}]"), message));
            }
        }
        Ok(())
    }
}

/// Makes a link. The token is for whoever sends the link on; it is kept nowhere.
///
/// # Errors
/// `Code::Forbidden` without `runs:write` or `approvals:write`, and without the latter for a link that
/// decides; [`Code::RequestValue`] with the field; `Code::NotFound` for the run and the variants;
/// [`Code::TooMany`]; those of repeated writes.
pub async fn create(
    ports: &ReviewPorts<'_>,
    by: &Principal,
    write: &WriteKey,
    order: ShareOrder,
) -> Result<(Written<Share>, ShareToken), Problem> {
    expect_reviewer(by)?;
    if order.scope == ShareScope::Approve {
        // Nobody hands on what they may not do themselves.
        by.expect(Scope::ApprovalsWrite)?;
    }
    order.check()?;
    ports.accounts.run(by.context(), order.run).await?;
    for (idx, id) in order.variants.iter().flatten().enumerate() {
        let (variant, _) = ports.accounts.variant(by.context(), *id).await?;
        if variant.run != order.run {
            let message = "is a variant of another run";
            return Err(Problem::new(Code::RequestValue, format!("variants[{idx}]"), message));
        }
    }
    let token = ShareToken::generate(ports.record.entropy)?;
    let now = ports.now();
    let seconds = i64::from(order.seconds.unwrap_or(USUAL_SECONDS));
    let new = NewShare {
        id: ShareId(random_id(ports.record.entropy)?),
        mac: ports.seal.codes(PURPOSE, token.expose()).current,
        name: order.name,
        run: order.run,
        variants: order.variants,
        scope: order.scope,
        created_at: now,
        by: ports.reviews.author(&by.who).await?,
        expires_at: now.saturating_add(seconds * 1_000_000),
    };
    let written = ports.reviews.create_share(by.organization, write, &new).await?;
    if let Written::Fresh(share) = &written {
        let after = json!({ "name": share.name, "run": share.run, "scope": share.scope });
        ports.record.note(by, by.organization, Action::ShareMade, ("share", share.id), Some(after)).await;
    }
    Ok((written, token))
}

/// The organization's links, newest first, only those of a run when one is given.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; those of the store.
pub async fn list(
    ports: &ReviewPorts<'_>,
    by: &Principal,
    run: Option<RunId>,
    page: Page,
) -> Result<Vec<Positioned<Share>>, Problem> {
    by.expect(Scope::RunsRead)?;
    Ok(ports.reviews.shares(by.organization, run, page).await?)
}

/// One link.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; `Code::NotFound`.
pub async fn get(ports: &ReviewPorts<'_>, by: &Principal, id: ShareId) -> Result<Share, Problem> {
    by.expect(Scope::RunsRead)?;
    Ok(ports.reviews.share(by.organization, id).await?)
}

/// Revokes a link, at once and for ever; revoking it again changes nothing.
///
/// # Errors
/// `Code::Forbidden` without `runs:write` or `approvals:write`; `Code::NotFound`.
pub async fn revoke(ports: &ReviewPorts<'_>, by: &Principal, id: ShareId) -> Result<Share, Problem> {
    expect_reviewer(by)?;
    let before = ports.reviews.share(by.organization, id).await?;
    let share = ports.reviews.revoke_share(by.organization, id, ports.now()).await?;
    if before.revoked_at.is_none() {
        ports.record.note(by, by.organization, Action::ShareRevoked, ("share", id), None).await;
    }
    Ok(share)
}
