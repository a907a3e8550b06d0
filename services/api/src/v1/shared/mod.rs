//! What a link shows to people without an account, and what they may say there.

pub(crate) mod comment;
pub(crate) mod comments;
pub(crate) mod decide;
pub(crate) mod file;
pub(crate) mod get;

use serde::Serialize;
use spotwright_core::domain::review::{AuthorKind, CommentState, ShareScope};
use spotwright_core::use_cases::reviews::ReviewPorts;
use spotwright_core::use_cases::reviews::comments::Said;
use spotwright_core::use_cases::reviews::shared::{self, Guest, Shown};
use spotwright_schemas::error::Code;
use utoipa::ToSchema;
use uuid::Uuid;

use super::comments::{CommentStateName, fractions, seconds};
use super::shares::ShareScopeName;
use super::time;
use crate::extract::Origin;
use crate::problem::ApiProblem;
use crate::shares::Share;
use crate::state::App;

/// What a link shows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Shared {
    /// What it is for.
    name: String,
    /// The organization that shows it.
    organization: String,
    /// What it allows.
    #[schema(value_type = ShareScopeName)]
    scope: ShareScope,
    /// When it ends.
    #[schema(format = DateTime)]
    expires_at: String,
    /// The variants, at most 200.
    variants: Vec<SharedVariant>,
}

/// A variant as a link shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SharedVariant {
    /// Its id.
    id: Uuid,
    /// Its generation, from 1.
    generation: u32,
    /// Its number within the generation, from 1.
    number: u32,
    /// The text beside the video.
    primary_text: String,
    /// What it is now; a decision names it.
    content_hash: String,
    /// Length of the video in seconds.
    seconds: f64,
    /// Pixels from left to right.
    width: u32,
    /// Pixels from top to bottom.
    height: u32,
    /// Whether the preview carries a watermark.
    watermarked: bool,
    /// Where the newest video can be watched, small and with a watermark; `null` where there is none.
    preview_url: Option<String>,
    /// Where its still picture is.
    poster_url: Option<String>,
    /// `none`, `waiting`, `approved`, `changes_requested` or `void` (changed since).
    state: String,
    /// Open comments that are seen by this link.
    open_comments: u64,
}

impl SharedVariant {
    fn of(token: &str, shown: Shown) -> Self {
        let Shown { variant, review, open_comments } = shown;
        let storyboard = &variant.body.storyboard;
        let address = |file: &str| format!("/v1/shared/{token}/variants/{}/files/{file}", variant.id);
        let made = variant.body.preview.is_some() || variant.body.final_render.is_some();
        Self {
            id: variant.id.0,
            generation: variant.generation,
            number: variant.number,
            content_hash: review.now.content.0.clone(),
            seconds: f64::from(storyboard.frames()) / f64::from(storyboard.fps.max(1)),
            width: storyboard.size.width,
            height: storyboard.size.height,
            // No link hands out a file without one.
            watermarked: true,
            preview_url: made.then(|| address("preview")),
            poster_url: made.then(|| address("poster")),
            state: review.standing().as_str().to_owned(),
            open_comments,
            primary_text: variant.body.script.primary_text,
        }
    }
}

/// A comment as a link shows it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SharedComment {
    /// Its id.
    id: Uuid,
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
    /// What whoever said it is called.
    by: Option<String>,
    /// Whether a reviewer said it, and not the organization.
    mine: bool,
    /// When it was said.
    #[schema(format = DateTime)]
    created_at: String,
    /// Whether the variant was changed since.
    outdated: bool,
}

impl From<Said> for SharedComment {
    fn from(said: Said) -> Self {
        let Said { comment, outdated } = said;
        let (x, y) = fractions(comment.said.spot);
        Self {
            id: comment.said.id.0,
            text: comment.said.text,
            seconds: seconds(comment.said.millis),
            x,
            y,
            state: comment.state,
            mine: comment.said.by.kind == AuthorKind::Reviewer,
            by: comment.said.by.name,
            created_at: time(comment.said.at),
            outdated,
        }
    }
}

/// Opens the link of a request, and takes a place among the requests of its organization.
async fn opened(
    app: &App,
    ports: &ReviewPorts<'_>,
    token: &str,
    origin: &Origin,
    says: bool,
) -> Result<(Guest, Share), ApiProblem> {
    let guest = shared::open(ports, token, origin.address, says).await?;
    let place = app.requests.take(guest.principal().organization).ok_or_else(|| {
        ApiProblem::whole(Code::Unavailable, "there are as many requests under way as may be; try again")
    })?;
    Ok((guest, place))
}
