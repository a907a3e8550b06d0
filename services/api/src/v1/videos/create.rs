//! `POST /v1/videos`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::{Extension, Json};
use base64::Engine as _;
use serde::{Deserialize, Serialize};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::video_jobs::VideoOrder;
use spotwright_schemas::error::Code;
use spotwright_schemas::storyboard::FrameSize;
use utoipa::ToSchema;

use super::Video;
use crate::auth::Caller;
use crate::extract;
use crate::form::{Field, read_form};
use crate::problem::ApiProblem;
use crate::state::App;

/// Frames per second when the order does not say.
const FPS: u32 = 24;

/// An order for a clip. The same fields may come as a form (`multipart/form-data`), with
/// `input_reference` as a file.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct VideoCreate {
    /// What is to be seen, 1–2,500 characters. Kept, not read.
    #[schema(min_length = 1, max_length = 2500)]
    pub(crate) prompt: String,
    /// Name of a model; any.
    pub(crate) model: Option<String>,
    /// Length in whole seconds, 1–60; 4 by default.
    #[schema(value_type = Option<String>)]
    pub(crate) seconds: Option<Number>,
    /// `WxH`; 720x1280 by default.
    pub(crate) size: Option<String>,
    /// Frames; decides the length where it is given.
    pub(crate) num_frames: Option<Number>,
    /// Frames per second, 10–60; 24 by default.
    pub(crate) fps: Option<Number>,
    /// Seed; 0 by default.
    pub(crate) seed: Option<Number>,
    /// The client's own name of the job: the same name is the same job. At most 200 characters.
    pub(crate) user: Option<String>,
    /// The picture that is shown, as a `data:` address.
    pub(crate) input_reference: Option<String>,
}

/// A whole number, as a number or as text: servers of this form differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Number {
    /// A number.
    Number(u64),
    /// Its digits.
    Text(String),
}

impl Number {
    fn value(&self, field: &str) -> Result<u64, ApiProblem> {
        let number = match self {
            Self::Number(number) => *number,
            Self::Text(text) => text.trim().parse().map_err(|_| wrong(field, "must be a whole number"))?,
        };
        // What the description says: not every client has numbers without a sign.
        if number > i64::MAX.unsigned_abs() {
            return Err(wrong(field, "must be at most 9223372036854775807"));
        }
        Ok(number)
    }
}

fn wrong(field: &str, message: &str) -> ApiProblem {
    ApiProblem::new(Code::RequestValue, field, message)
}

/// Orders a clip. The studio shows the reference picture in motion, or a drawn background, in the size and
/// length that were asked for; it reads no prompt, and every answer says `simulated`.
#[utoipa::path(post, path = "/v1/videos", operation_id = "createVideo", tag = "videos",
    request_body(content((VideoCreate = "application/json"), (VideoCreate = "multipart/form-data"))),
    responses((status = 200, description = "The job", body = Video)))]
pub(crate) async fn handle(
    State(app): State<App>,
    Extension(caller): Extension<Caller>,
    request: Request<Body>,
) -> Result<Json<Video>, ApiProblem> {
    let _upload = app.uploads.take(caller.context.organization).ok_or_else(|| {
        let message = "your organization is sending as many pictures as it may at once; try again";
        ApiProblem::whole(Code::Unavailable, message)
    })?;
    let (order, picture) = read(&app, request).await?;
    let picture = match picture {
        Some(bytes) => Some(import(&app, bytes, "input_reference").await?),
        None => None,
    };
    let job = super::order(&app, &caller, plan(order, picture)?).await?;
    Ok(Json(Video::from(job)))
}

async fn read(app: &App, request: Request<Body>) -> Result<(VideoCreate, Option<Vec<u8>>), ApiProblem> {
    let headers = request.headers().clone();
    extract::media_type(&headers, &["application/json", "multipart/form-data"])?;
    // Base64 takes four bytes for three.
    let limit = app.state.limits.picture_bytes / 3 * 4 + extract::JSON_BYTES;
    let bytes = extract::body(request, limit).await?;
    if extract::media_type(&headers, &["application/json"]).is_ok() {
        let order: VideoCreate = extract::json(&bytes)?;
        let picture =
            order.input_reference.as_deref().map(|text| decoded(text, "input_reference")).transpose()?;
        return Ok((order, picture));
    }
    let mut order = VideoCreate::default();
    let mut picture = None;
    for Field { name, file_name, value } in read_form(&headers, bytes).await? {
        if name == "input_reference" && file_name.is_some() {
            picture = Some(value);
            continue;
        }
        let text = String::from_utf8(value).map_err(|_| wrong(&name, "must be UTF-8"))?;
        match name.as_str() {
            "prompt" => order.prompt = text,
            "model" => order.model = Some(text),
            "seconds" => order.seconds = Some(Number::Text(text)),
            "size" => order.size = Some(text),
            "num_frames" => order.num_frames = Some(Number::Text(text)),
            "fps" => order.fps = Some(Number::Text(text)),
            "seed" => order.seed = Some(Number::Text(text)),
            "user" => order.user = Some(text),
            "input_reference" => picture = Some(decoded(&text, &name)?),
            // Settings of models (steps, guidance, …) mean nothing to the studio.
            _ => {}
        }
    }
    Ok((order, picture))
}

/// The bytes of a `data:` address, or of bare base64.
pub(crate) fn decoded(text: &str, field: &str) -> Result<Vec<u8>, ApiProblem> {
    if text.starts_with("http:") || text.starts_with("https:") {
        return Err(wrong(field, "addresses are not fetched; send the picture itself"));
    }
    let data = text.split_once(";base64,").map_or(text, |(_, data)| data);
    let bytes = base64::engine::general_purpose::STANDARD.decode(data.trim());
    bytes.map_err(|_| wrong(field, "must be a `data:` address with base64"))
}

fn plan(order: VideoCreate, picture: Option<ArtifactHash>) -> Result<VideoOrder, ApiProblem> {
    let count = order.prompt.chars().count();
    if !(1..=2500).contains(&count) {
        return Err(wrong("prompt", "must have 1 to 2500 characters"));
    }
    if order.user.as_ref().is_some_and(|user| user.is_empty() || user.chars().count() > 200) {
        return Err(wrong("user", "must have 1 to 200 characters"));
    }
    let number = |field: &'static str, given: &Option<Number>| {
        given.as_ref().map(|number| number.value(field)).transpose()
    };
    let fps = number("fps", &order.fps)?.unwrap_or_else(|| FPS.into());
    if !(10..=60).contains(&fps) {
        return Err(wrong("fps", "must be within 10 and 60"));
    }
    let seconds = number("seconds", &order.seconds)?.unwrap_or(4);
    let frames = number("num_frames", &order.num_frames)?.unwrap_or_else(|| seconds.saturating_mul(fps));
    if !(1..=60 * fps).contains(&frames) {
        return Err(wrong("seconds", "the clip must have at least one frame and at most 60 seconds"));
    }
    Ok(VideoOrder {
        external_id: order.user,
        prompt: order.prompt,
        model: order.model.unwrap_or_else(|| "studio".to_owned()),
        picture,
        size: frame_size(order.size.as_deref().unwrap_or("720x1280"))?,
        frames: frames as u32,
        fps: fps as u32,
        seed: number("seed", &order.seed)?.unwrap_or(0),
    })
}

fn frame_size(text: &str) -> Result<FrameSize, ApiProblem> {
    let parsed = text.split_once('x').and_then(|(width, height)| {
        Some(FrameSize { width: width.parse().ok()?, height: height.parse().ok()? })
    });
    let fits = |side: u32| (160..=2160).contains(&side) && side.is_multiple_of(2);
    parsed
        .filter(|size| fits(size.width) && fits(size.height))
        .ok_or_else(|| wrong("size", "must be `WxH`, both even and within 160 and 2160"))
}

/// Makes a picture safe and stores it.
pub(crate) async fn import(
    app: &App,
    bytes: Vec<u8>,
    field: &'static str,
) -> Result<ArtifactHash, ApiProblem> {
    let permit =
        Arc::clone(&app.imports).acquire_owned().await.map_err(|error| ApiProblem::internal(&error))?;
    let (pictures, artifacts) = (Arc::clone(&app.state.pictures), Arc::clone(&app.state.artifacts));
    let stored = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let picture = pictures.import(&bytes, field)?;
        Ok::<_, ApiProblem>(artifacts.put(&picture.png)?)
    });
    stored.await.map_err(|error| ApiProblem::internal(&error))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(json: &str) -> Result<VideoOrder, String> {
        let order: VideoCreate = extract::json(json.as_bytes()).map_err(|error| error.problem.field)?;
        plan(order, None).map_err(|problem| problem.problem.field)
    }

    #[test]
    fn lengths_come_as_numbers_text_or_frames() {
        let frames = |json: &str| order(json).expect("right").frames;
        assert_eq!(frames(r#"{"prompt":"a"}"#), 96);
        assert_eq!(frames(r#"{"prompt":"a","seconds":"5"}"#), 120);
        assert_eq!(frames(r#"{"prompt":"a","seconds":5,"fps":30}"#), 150);
        assert_eq!(frames(r#"{"prompt":"a","seconds":5,"num_frames":"81","fps":16}"#), 81);
    }

    #[test]
    fn wrong_fields_are_named() {
        for (json, field) in [
            (r#"{"prompt":""}"#, "prompt"),
            (r#"{"prompt":"a","seconds":"61"}"#, "seconds"),
            (r#"{"prompt":"a","seconds":"five"}"#, "seconds"),
            (r#"{"prompt":"a","num_frames":0}"#, "seconds"),
            (r#"{"prompt":"a","size":"721x1280"}"#, "size"),
            (r#"{"prompt":"a","fps":9}"#, "fps"),
            (r#"{"prompt":"a","seed":9223372036854775808}"#, "seed"),
            (r#"{"prompt":"a","user":""}"#, "user"),
        ] {
            assert_eq!(order(json).expect_err(json), field);
        }
    }

    #[test]
    fn pictures_come_inside_the_request_only() {
        assert_eq!(decoded("data:image/png;base64,AAEC", "input_reference").expect("base64"), [0, 1, 2]);
        assert_eq!(decoded("AAEC", "input_reference").expect("base64"), [0, 1, 2]);
        assert!(decoded("http://127.0.0.1/secret", "input_reference").is_err());
    }
}
