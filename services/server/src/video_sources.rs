//! Sources of generated clips, as the configuration names them.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use spotwright_clips::comfyui::{self, ComfyUi};
use spotwright_clips::kling::{self, Kling};
use spotwright_clips::openai_videos::{self, OpenAiVideos};
use spotwright_clips::{OptionsError, Secret};
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clip_source::ClipSource;
use spotwright_core::ports::clock::{Clock, SystemClock};
use spotwright_creative::workflow::{ClipOptions, FootagePorts};
use spotwright_render::{ClipImport, Studio};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_store::clips::FolderClips;

use crate::config::Video;

/// Settings of one source: `kind`, and what a source of that kind needs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SourceOptions {
    /// Kling's interface, current or legacy.
    Kling(Box<kling::Options>),
    /// A server of `/v1/videos`.
    OpenaiVideos(Box<openai_videos::Options>),
    /// A ComfyUI server.
    Comfyui(Box<comfyui::Options>),
}

/// The sources of the configuration, by their names.
///
/// # Errors
/// [`Code::Option`] with the path of the setting.
pub fn sources(
    video: &Video,
    artifacts: &Arc<dyn ArtifactStore>,
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Arc<dyn ClipSource>>, Problem> {
    let mut sources = Vec::with_capacity(video.sources.len());
    for (name, settings) in &video.sources {
        sources.push(source(name, settings, artifacts, clock)?);
    }
    Ok(sources)
}

fn source(
    name: &str,
    settings: &Value,
    artifacts: &Arc<dyn ArtifactStore>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn ClipSource>, Problem> {
    let path = format!("video.sources.{name}");
    let options = options(&path, settings)?;
    let wrong = |error: OptionsError| {
        let key = error.key();
        let field = if key.is_empty() { path.clone() } else { format!("{path}.{key}") };
        Problem::new(Code::Option, field, error.to_string())
    };
    let (artifacts, clock) = (Arc::clone(artifacts), Arc::clone(clock));
    Ok(match options {
        SourceOptions::Kling(options) => {
            Arc::new(Kling::new(name, *options, artifacts, clock).map_err(wrong)?)
        }
        SourceOptions::OpenaiVideos(options) => {
            Arc::new(OpenAiVideos::new(name, *options, artifacts, clock).map_err(wrong)?)
        }
        SourceOptions::Comfyui(options) => {
            Arc::new(ComfyUi::new(name, *options, artifacts, clock).map_err(wrong)?)
        }
    })
}

/// The webhook secrets of the sources that have one, by their names.
///
/// # Errors
/// [`Code::Option`] with the path of the setting.
pub fn webhook_secrets(video: &Video) -> Result<BTreeMap<String, Secret>, Problem> {
    let mut secrets = BTreeMap::new();
    for (name, settings) in &video.sources {
        if let SourceOptions::Kling(kling) = options(&format!("video.sources.{name}"), settings)?
            && let Some(secret) = kling.webhook_secret
        {
            secrets.insert(name.clone(), secret);
        }
    }
    Ok(secrets)
}

/// The settings of the source at `path`.
fn options(path: &str, settings: &Value) -> Result<SourceOptions, Problem> {
    // The reader's message may quote a value, which may be a key: it is not repeated.
    serde_path_to_error::deserialize(settings).map_err(|error| {
        let below = error.path().to_string();
        let field = if below == "." { path.to_owned() } else { format!("{path}.{below}") };
        let message = "is missing, unknown, or has a value that is not accepted; see docs/video-backends.md";
        Problem::new(Code::Option, field, message)
    })
}

/// What generated shots need; `None` where no source is configured.
///
/// # Errors
/// [`Code::Option`] with the path of the setting; [`Code::Store`] when the library cannot be opened.
pub fn footage(
    video: &Video,
    artifacts: &Arc<dyn ArtifactStore>,
    studio: &Studio,
    folder: &Path,
) -> Result<Option<FootagePorts>, Problem> {
    if video.sources.is_empty() {
        return Ok(None);
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let room = video.library_mb.saturating_mul(1_000_000);
    let library = FolderClips::open(&folder.join("clips"), room, Arc::clone(&clock))
        .map_err(|error| Problem::new(Code::Store, "", error.to_string()))?;
    let importer = ClipImport::new(Arc::clone(artifacts), folder.join("import"))
        .map_err(|error| Problem::new(Code::Store, "", error.to_string()))?;
    Ok(Some(FootagePorts {
        clips: sources(video, artifacts, &clock)?,
        clip_library: Arc::new(library),
        clip_importer: Arc::new(importer),
        fidelity: Arc::new(studio.clone()),
        artifacts: Arc::clone(artifacts),
        clock,
        options: ClipOptions {
            shortest_wait: Duration::from_millis(video.shortest_wait_ms),
            longest_wait: Duration::from_millis(video.longest_wait_ms),
            deadline: Duration::from_millis(video.deadline_ms),
            deadlines: video
                .deadlines_ms
                .iter()
                .map(|(source, ms)| (source.clone(), Duration::from_millis(*ms)))
                .collect(),
            most_faults: video.most_faults,
        },
    }))
}
