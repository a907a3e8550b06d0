//! Comments: what somebody says about a variant, pinned to a moment and a place of its video.

use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::ids::{CommentId, ShareId, VariantId};

use super::{ReviewPorts, check_words, expect_reviewer};
use crate::domain::account::Scope;
use crate::domain::audit::Action;
use crate::domain::review::{
    Author, Change, Comment, CommentState, ContentHash, LATEST_MILLIS, NewComment, ShareState, Spot, WHOLE,
};
use crate::domain::variant::Variant;
use crate::ports::accounts::{Page, Positioned, WriteKey, Written};
use crate::ports::entropy::random_id;
use crate::ports::reviews::CommentFilter;
use crate::use_cases::Principal;

/// A comment, as somebody writes it.
#[derive(Debug, Clone, PartialEq)]
pub struct Remark {
    /// The words.
    pub text: String,
    /// The moment in seconds from the start of the video; `None`: all of it.
    pub seconds: Option<f64>,
    /// The place, from left to right and from top to bottom, each within 0 and 1; `None`: all of the picture.
    pub place: Option<(f64, f64)>,
}

/// A comment with whether the variant is still what it speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The comment.
    pub comment: Comment,
    /// Whether the variant was changed since.
    pub outdated: bool,
}

impl Remark {
    /// The moment and the place as they are kept.
    fn pin(&self) -> Result<(Option<u32>, Option<Spot>), Problem> {
        check_words("text", &self.text)?;
        let refused = |field: &str, most: f64| {
            Problem::new(Code::RequestValue, field, format!("must be within 0 and {most}"))
        };
        let latest = f64::from(LATEST_MILLIS) / 1_000.0;
        let millis = self
            .seconds
            .map(|seconds| scaled(seconds, latest, 1_000.0).ok_or_else(|| refused("seconds", latest)));
        let spot = self.place.map(|(x, y)| {
            let part = |value, field| scaled(value, 1.0, f64::from(WHOLE)).ok_or_else(|| refused(field, 1.0));
            Ok::<_, Problem>(Spot { x: part(x, "x")?, y: part(y, "y")? })
        });
        Ok((millis.transpose()?, spot.transpose()?))
    }
}

/// `value`, which is within 0 and `most`, times `factor` as a whole number.
fn scaled(value: f64, most: f64, factor: f64) -> Option<u32> {
    (0.0..=most).contains(&value).then(|| (value * factor).round() as u32)
}

/// Comments on a variant; with `share` its reviewers see it too.
///
/// # Errors
/// `Code::Forbidden` without `runs:write` or `approvals:write`; `Code::NotFound`; [`Code::RequestValue`] with
/// the field; [`Code::TooMany`]; those of repeated writes.
pub async fn create(
    ports: &ReviewPorts<'_>,
    by: &Principal,
    write: &WriteKey,
    variant: VariantId,
    remark: Remark,
    share: Option<ShareId>,
) -> Result<Written<Said>, Problem> {
    expect_reviewer(by)?;
    let (variant, _) = ports.accounts.variant(by.context(), variant).await?;
    if let Some(id) = share {
        let found = ports.reviews.share(by.organization, id).await?;
        if found.state(ports.now()) != ShareState::Active || !found.shows(&variant) {
            let message = "is of a link that has ended or does not show this variant";
            return Err(Problem::new(Code::RequestValue, "share", message));
        }
    }
    let author = ports.reviews.author(&by.who).await?;
    create_as(ports, by, write, &variant, remark, author, share).await
}

/// Comments in the name of `author`, whose right to do so was checked.
pub(super) async fn create_as(
    ports: &ReviewPorts<'_>,
    by: &Principal,
    write: &WriteKey,
    variant: &Variant,
    remark: Remark,
    author: Author,
    share: Option<ShareId>,
) -> Result<Written<Said>, Problem> {
    let (millis, spot) = remark.pin()?;
    let content = ContentHash::of(variant);
    let new = NewComment {
        id: CommentId(random_id(ports.record.entropy)?),
        variant: variant.id,
        run: variant.run,
        content: content.clone(),
        text: remark.text,
        millis,
        spot,
        share,
        by: author,
        at: ports.now(),
    };
    let said = |comment: Comment| Said { outdated: comment.said.content != content, comment };
    Ok(match ports.reviews.comment(by.organization, write, &new).await? {
        Written::Fresh(comment) => Written::Fresh(said(comment)),
        Written::Replayed(comment) => Written::Replayed(said(comment)),
    })
}

/// Comments on a variant, newest first.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; `Code::NotFound` for the variant.
pub async fn list(
    ports: &ReviewPorts<'_>,
    by: &Principal,
    filter: &CommentFilter,
    page: Page,
) -> Result<Vec<Positioned<Said>>, Problem> {
    by.expect(Scope::RunsRead)?;
    let (variant, _) = ports.accounts.variant(by.context(), filter.variant).await?;
    let now = ContentHash::of(&variant);
    let rows = ports.reviews.comments(by.organization, filter, page).await?;
    let said = rows.into_iter().map(|Positioned { position, row }| {
        let outdated = row.said.content != now;
        Positioned { position, row: Said { comment: row, outdated } }
    });
    Ok(said.collect())
}

/// One comment.
///
/// # Errors
/// `Code::Forbidden` without `runs:read`; `Code::NotFound`.
pub async fn get(ports: &ReviewPorts<'_>, by: &Principal, id: CommentId) -> Result<Said, Problem> {
    by.expect(Scope::RunsRead)?;
    let comment = ports.reviews.comment_with(by.organization, id).await?;
    looked_at(ports, by, comment).await
}

/// Resolves a comment or opens it again; done twice it changes nothing.
///
/// # Errors
/// `Code::Forbidden` without `runs:write` or `approvals:write`; `Code::NotFound`.
pub async fn set(
    ports: &ReviewPorts<'_>,
    by: &Principal,
    id: CommentId,
    state: CommentState,
) -> Result<Said, Problem> {
    expect_reviewer(by)?;
    let before = ports.reviews.comment_with(by.organization, id).await?;
    let change = Change { at: ports.now(), by: ports.reviews.author(&by.who).await? };
    let comment = ports.reviews.set_comment(by.organization, id, state, &change).await?;
    if before.state != state {
        let action = match state {
            CommentState::Resolved => Action::CommentResolved,
            CommentState::Open => Action::CommentReopened,
        };
        ports.record.note(by, by.organization, action, ("comment", id), None).await;
    }
    looked_at(ports, by, comment).await
}

async fn looked_at(ports: &ReviewPorts<'_>, by: &Principal, comment: Comment) -> Result<Said, Problem> {
    let now = ports.reviews.contents(by.organization, &[comment.said.variant]).await?;
    let outdated = now.first().and_then(Option::as_ref) != Some(&comment.said.content);
    Ok(Said { comment, outdated })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_pinned_within_the_video() {
        let remark = |seconds, place| Remark { text: "louder".to_owned(), seconds, place };
        assert_eq!(remark(None, None).pin(), Ok((None, None)));
        let pinned = remark(Some(2.4), Some((0.5, 1.0))).pin();
        assert_eq!(pinned, Ok((Some(2_400), Some(Spot { x: 500_000, y: 1_000_000 }))));
        assert_eq!(remark(Some(600.0), None).pin(), Ok((Some(LATEST_MILLIS), None)));
        for (seconds, place, field) in [
            (Some(-0.1), None, "seconds"),
            (Some(600.1), None, "seconds"),
            (Some(f64::NAN), None, "seconds"),
            (None, Some((1.01, 0.0)), "x"),
            (None, Some((0.0, -1.0)), "y"),
        ] {
            let problem = remark(seconds, place).pin().unwrap_err();
            assert_eq!((problem.code, problem.field.as_str()), (Code::RequestValue, field));
        }
    }
}
