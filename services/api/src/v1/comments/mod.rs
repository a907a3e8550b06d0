//! Comments on variants, pinned to a moment and a place of the video.

pub(crate) mod create;
pub(crate) mod get;
pub(crate) mod list;
pub(crate) mod reopen;
pub(crate) mod resolve;

use serde::Serialize;
use spotwright_core::domain::review::{CommentState, Spot, WHOLE};
use spotwright_core::use_cases::reviews::comments::{Remark, Said};
use spotwright_schemas::error::Code;
use utoipa::ToSchema;
use uuid::Uuid;

use super::approvals::Author;
use super::time;
use crate::problem::ApiProblem;

/// Who resolved a comment or opened it again.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct CommentChange {
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Who.
    by: Author,
}

/// Whether somebody still has to look at a comment.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the domain's own type, which is what is written")]
pub(crate) enum CommentStateName {
    /// Yes.
    Open,
    /// No.
    Resolved,
}

/// A comment on a variant.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Comment {
    /// Its id.
    pub(crate) id: Uuid,
    /// The variant.
    variant: Uuid,
    /// Its run.
    run: Uuid,
    /// The words.
    text: String,
    /// The moment in seconds from the start of the video; `null`: all of it.
    seconds: Option<f64>,
    /// The place from left to right, within 0 and 1; `null`: all of the picture.
    x: Option<f64>,
    /// The place from top to bottom, within 0 and 1.
    y: Option<f64>,
    /// Whether somebody still has to look at it.
    #[schema(value_type = CommentStateName)]
    state: CommentState,
    /// Who said it.
    by: Author,
    /// When.
    #[schema(format = DateTime)]
    created_at: String,
    /// Who resolved it or opened it again last.
    changed: Option<CommentChange>,
    /// The link whose reviewers see it too; `null`: the organization alone does.
    share: Option<Uuid>,
    /// What the variant was when it was said.
    content_hash: String,
    /// Whether the variant was changed since.
    outdated: bool,
}

/// The place of a comment as fractions of the picture.
pub(crate) fn fractions(spot: Option<Spot>) -> (Option<f64>, Option<f64>) {
    let part = |millionths: u32| f64::from(millionths) / f64::from(WHOLE);
    (spot.map(|spot| part(spot.x)), spot.map(|spot| part(spot.y)))
}

/// The moment of a comment in seconds.
pub(crate) fn seconds(millis: Option<u32>) -> Option<f64> {
    millis.map(|millis| f64::from(millis) / 1_000.0)
}

/// What somebody writes, with its pin.
pub(crate) fn remark(
    text: String,
    seconds: Option<f64>,
    x: Option<f64>,
    y: Option<f64>,
) -> Result<Remark, ApiProblem> {
    if x.is_some() != y.is_some() {
        let field = if x.is_some() { "y" } else { "x" };
        let message = "is missing: a place has both `x` and `y`";
        return Err(ApiProblem::new(Code::RequestValue, field, message));
    }
    Ok(Remark { text, seconds, place: x.zip(y) })
}

impl From<Said> for Comment {
    fn from(said: Said) -> Self {
        let Said { comment, outdated } = said;
        let (x, y) = fractions(comment.said.spot);
        Self {
            id: comment.said.id.0,
            variant: comment.said.variant.0,
            run: comment.said.run.0,
            text: comment.said.text,
            seconds: seconds(comment.said.millis),
            x,
            y,
            state: comment.state,
            by: comment.said.by.into(),
            created_at: time(comment.said.at),
            changed: comment
                .changed
                .map(|change| CommentChange { at: time(change.at), by: change.by.into() }),
            share: comment.said.share.map(|share| share.0),
            content_hash: comment.said.content.0,
            outdated,
        }
    }
}
