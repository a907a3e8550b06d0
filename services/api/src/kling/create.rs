//! `POST /kling/v1/videos/text2video` and `POST /kling/v1/videos/image2video`.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::video_jobs::VideoOrder;
use spotwright_schemas::error::Code;
use spotwright_schemas::storyboard::FrameSize;
use utoipa::ToSchema;

use super::{KlingAnswer, answer};
use crate::auth::Caller;
use crate::extract;
use crate::problem::ApiProblem;
use crate::state::App;
use crate::v1::videos;
use crate::v1::videos::create::{decoded, import};

/// Frames per second of every clip.
const FPS: u32 = 24;

/// An order for a clip from words. Fields of the provider that are not listed are accepted and mean
/// nothing to the studio.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct KlingText {
    /// Name of a model; any.
    #[serde(default)]
    pub(crate) model_name: Option<String>,
    /// What is to be seen, 1–2,500 characters. Kept, not read.
    #[schema(min_length = 1, max_length = 2500)]
    pub(crate) prompt: String,
    /// `16:9` (default), `9:16` or `1:1`.
    #[serde(default)]
    pub(crate) aspect_ratio: Option<String>,
    /// Whole seconds as text, `3` to `15`; `5` by default.
    #[serde(default)]
    pub(crate) duration: Option<String>,
    /// The client's own name of the task: the same name is the same task.
    #[serde(default)]
    pub(crate) external_task_id: Option<String>,
}

/// An order for a clip that begins with a picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct KlingImage {
    /// Name of a model; any.
    #[serde(default)]
    pub(crate) model_name: Option<String>,
    /// The picture in base64, without a prefix. Addresses are not fetched.
    pub(crate) image: String,
    /// What is to be seen, at most 2,500 characters. Kept, not read.
    #[serde(default)]
    #[schema(max_length = 2500)]
    pub(crate) prompt: String,
    /// Whole seconds as text, `3` to `15`; `5` by default.
    #[serde(default)]
    pub(crate) duration: Option<String>,
    /// The client's own name of the task: the same name is the same task.
    #[serde(default)]
    pub(crate) external_task_id: Option<String>,
}

/// Orders a clip from words: the studio draws a background and moves over it.
#[utoipa::path(post, path = "/kling/v1/videos/text2video", operation_id = "klingTextToVideo", tag = "kling",
    request_body = KlingText, responses((status = 200, description = "The task", body = KlingAnswer)))]
pub(crate) async fn text(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    request: Request<Body>,
) -> Result<Json<KlingAnswer>, ApiProblem> {
    extract::must_be_json(&headers)?;
    let asked: KlingText = extract::json(&extract::body(request, extract::JSON_BYTES).await?)?;
    if asked.prompt.is_empty() {
        return Err(wrong("prompt", "must have 1 to 2500 characters"));
    }
    let size = frame_size(asked.aspect_ratio.as_deref().unwrap_or("16:9"))?;
    let order =
        plan(asked.model_name, asked.prompt, asked.duration.as_deref(), asked.external_task_id, size, None)?;
    let job = videos::order(&app, &caller, order).await?;
    Ok(Json(answer(&app, &headers, job)))
}

/// Orders a clip from a picture: the studio moves over it.
#[utoipa::path(post, path = "/kling/v1/videos/image2video", operation_id = "klingImageToVideo", tag = "kling",
    request_body = KlingImage, responses((status = 200, description = "The task", body = KlingAnswer)))]
pub(crate) async fn image(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    request: Request<Body>,
) -> Result<Json<KlingAnswer>, ApiProblem> {
    extract::must_be_json(&headers)?;
    let _upload = app.uploads.take(caller.context.organization).ok_or_else(|| {
        let message = "your organization is sending as many pictures as it may at once; try again";
        ApiProblem::whole(Code::Unavailable, message)
    })?;
    let limit = app.state.limits.picture_bytes / 3 * 4 + extract::JSON_BYTES;
    let asked: KlingImage = extract::json(&extract::body(request, limit).await?)?;
    let picture = import(&app, decoded(&asked.image, "image")?, "image").await?;
    let size = FrameSize { width: 720, height: 1280 };
    let order = plan(
        asked.model_name,
        asked.prompt,
        asked.duration.as_deref(),
        asked.external_task_id,
        size,
        Some(picture),
    )?;
    let job = videos::order(&app, &caller, order).await?;
    Ok(Json(answer(&app, &headers, job)))
}

fn wrong(field: &str, message: &str) -> ApiProblem {
    ApiProblem::new(Code::RequestValue, field, message)
}

fn frame_size(aspect: &str) -> Result<FrameSize, ApiProblem> {
    match aspect {
        "16:9" => Ok(FrameSize { width: 1280, height: 720 }),
        "9:16" => Ok(FrameSize { width: 720, height: 1280 }),
        "1:1" => Ok(FrameSize { width: 720, height: 720 }),
        _ => Err(wrong("aspect_ratio", "must be `16:9`, `9:16` or `1:1`")),
    }
}

fn plan(
    model: Option<String>,
    prompt: String,
    duration: Option<&str>,
    external_id: Option<String>,
    size: FrameSize,
    picture: Option<ArtifactHash>,
) -> Result<VideoOrder, ApiProblem> {
    if prompt.chars().count() > 2500 {
        return Err(wrong("prompt", "must have at most 2500 characters"));
    }
    if external_id.as_ref().is_some_and(|id| id.is_empty() || id.chars().count() > 200) {
        return Err(wrong("external_task_id", "must have 1 to 200 characters"));
    }
    let seconds = duration.unwrap_or("5").parse::<u32>().ok().filter(|s| (3..=15).contains(s));
    let seconds = seconds.ok_or_else(|| wrong("duration", "must be `\"3\"` to `\"15\"`, as text"))?;
    Ok(VideoOrder {
        external_id,
        model: model.unwrap_or_else(|| "kling-v1".to_owned()),
        picture,
        size,
        frames: seconds * FPS,
        fps: FPS,
        // The interface has no seed: the same words move in the same way.
        seed: u64::from(seed_of(&prompt)),
        prompt,
    })
}

/// A number that depends on the words: 32 bits of SHA-256.
fn seed_of(text: &str) -> u32 {
    use sha2::{Digest as _, Sha256};

    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}
