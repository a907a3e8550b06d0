//! Files of the artifact store as answers: entity tags, one byte range, a body that streams.

use std::path::Path as FilePath;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_schemas::error::Code;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
use tokio_util::io::ReaderStream;

use crate::problem::ApiProblem;
use crate::range::{Part, part};
use crate::state::App;

/// Bytes read from a file at once.
const CHUNK: usize = 64 * 1024;

/// Whether an artifact is there still.
pub(crate) async fn present(app: &App, hash: &ArtifactHash) -> Result<(), ApiProblem> {
    let (artifacts, hash) = (Arc::clone(&app.state.artifacts), hash.clone());
    tokio::task::spawn_blocking(move || artifacts.path(&hash))
        .await
        .map_err(|error| ApiProblem::internal(&error))??;
    Ok(())
}

/// Answers with an artifact, whole or a range of it.
pub(crate) async fn artifact(
    app: &App,
    hash: ArtifactHash,
    headers: &HeaderMap,
) -> Result<Response, ApiProblem> {
    let tag = format!("\"{hash}\"");
    if names_tag(headers, &header::IF_NONE_MATCH, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, validators(&tag)?).into_response());
    }
    let artifacts = Arc::clone(&app.state.artifacts);
    let path = tokio::task::spawn_blocking(move || artifacts.path(&hash))
        .await
        .map_err(|error| ApiProblem::internal(&error))??;
    let mut opened = open(&path).await?;
    // A range of another version of the file would not fit what the client has.
    let fits = !headers.contains_key(header::IF_RANGE) || names_tag(headers, &header::IF_RANGE, &tag);
    let asked = headers.get(header::RANGE).filter(|_| fits).and_then(|range| range.to_str().ok());
    let (status, first, length) = match part(asked, opened.length) {
        Part::Whole => (StatusCode::OK, 0, opened.length),
        Part::Bytes { first, last } => (StatusCode::PARTIAL_CONTENT, first, last - first + 1),
        Part::Outside => {
            let message = format!("the file has {} bytes", opened.length);
            let mut problem = ApiProblem::new(Code::Range, "range", message);
            problem.file_length = Some(opened.length);
            return Err(problem);
        }
    };
    opened.file.seek(SeekFrom::Start(first)).await.map_err(|error| ApiProblem::unavailable(&error))?;
    let mut response = (status, validators(&tag)?, body(opened.file, length)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(opened.media_type));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {first}-{}/{}", first + length - 1, opened.length);
        let range = HeaderValue::try_from(range).map_err(|error| ApiProblem::internal(&error))?;
        headers.insert(header::CONTENT_RANGE, range);
    }
    Ok(response)
}

/// Whether a header lists this entity tag, or any.
fn names_tag(headers: &HeaderMap, name: &HeaderName, tag: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|given| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag)
}

fn validators(tag: &str) -> Result<[(HeaderName, HeaderValue); 2], ApiProblem> {
    let tag = HeaderValue::try_from(tag).map_err(|error| ApiProblem::internal(&error))?;
    // A variant's final file may follow its first one, so caches ask again, with the tag.
    Ok([(header::ETAG, tag), (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"))])
}

struct Opened {
    file: File,
    length: u64,
    media_type: &'static str,
}

/// Opens a file and tells what it is by its first bytes.
async fn open(path: &FilePath) -> Result<Opened, ApiProblem> {
    let unreadable = |error: std::io::Error| ApiProblem::unavailable(&error);
    let mut file = File::open(path).await.map_err(unreadable)?;
    let length = file.metadata().await.map_err(unreadable)?.len();
    let mut start = Vec::new();
    (&mut file).take(12).read_to_end(&mut start).await.map_err(unreadable)?;
    let media_type = match start.as_slice() {
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "video/mp4",
        _ => "application/octet-stream",
    };
    Ok(Opened { file, length, media_type })
}

/// The next `length` bytes of a file as a body. A file that ends before breaks the connection: its length
/// was announced.
fn body(file: File, length: u64) -> Body {
    Body::from_stream(ReaderStream::with_capacity(file.take(length), CHUNK))
}
