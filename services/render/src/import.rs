//! Import of clips from outside: decoded in a caged child process, brought to the ad's size, rate and color,
//! encoded anew.

use std::sync::Arc;

use async_trait::async_trait;
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore, no_room};
use spotwright_core::ports::clip_importer::{ClipFacts, ClipImporter, ClipPlan, ImportError, ImportedClip};
use spotwright_media::{self as media, Fault, Imported, Probe, Sandbox, SandboxError};

/// Imports clips through the sandbox. Their own sound is dropped: the ad's sound is the studio's.
#[derive(Clone)]
pub struct ClipImport {
    inner: Arc<Inner>,
}

struct Inner {
    sandbox: Sandbox,
    artifacts: Arc<dyn ArtifactStore>,
}

impl ClipImport {
    /// An importer over a sandbox.
    #[must_use]
    pub fn new(artifacts: Arc<dyn ArtifactStore>, sandbox: Sandbox) -> Self {
        Self { inner: Arc::new(Inner { sandbox, artifacts }) }
    }
}

impl Inner {
    fn import(&self, file: &ArtifactHash, plan: &ClipPlan) -> Result<ImportedClip, ImportError> {
        let unstored = |error: spotwright_core::ports::artifacts::ArtifactError| {
            if error.no_room() {
                ImportError::NoRoom(error.to_string())
            } else {
                ImportError::Unavailable(error.to_string())
            }
        };
        // Read whole, and so compared with its hash.
        let bytes = self.artifacts.get(file).map_err(unstored)?;
        let probe = self.sandbox.probe(bytes.as_slice()).map_err(refused)?.value;
        let imported = self.fitted(&bytes, plan)?;
        let clip = std::fs::read(imported.file()).map_err(|error| {
            if no_room(&error) {
                ImportError::NoRoom(error.to_string())
            } else {
                ImportError::Unavailable(error.to_string())
            }
        })?;
        let artifact = self.artifacts.put(&clip).map_err(unstored)?;
        Ok(ImportedClip { artifact, frames: imported.facts.frames, facts: facts(&imported, &probe) })
    }

    /// The clip by plan, or all of it where it is shorter.
    fn fitted(&self, bytes: &[u8], plan: &ClipPlan) -> Result<Imported, ImportError> {
        let mut wanted = media::ClipPlan::new(plan.size.width, plan.size.height, plan.fps, plan.frames);
        wanted.sound = None;
        match self.sandbox.import_clip(bytes, &wanted) {
            Err(SandboxError::Fault(Fault::TooShort { have, .. })) if have > 0 => {
                wanted.frames = have;
                Ok(self.sandbox.import_clip(bytes, &wanted).map_err(refused)?.value)
            }
            imported => Ok(imported.map_err(refused)?.value),
        }
    }
}

fn facts(imported: &Imported, probe: &Probe) -> ClipFacts {
    let video = probe.video.as_ref();
    ClipFacts {
        source_width: video.map_or(0, |video| video.width),
        source_height: video.map_or(0, |video| video.height),
        source_fps: video.map_or(0.0, |video| video.fps),
        source_seconds: video.map_or(0.0, |video| video.seconds),
        black_frames: imported.facts.black_frames,
        frozen_frames: imported.facts.frozen_frames,
        sound: false,
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that `map_err` takes")]
fn refused(error: SandboxError) -> ImportError {
    match &error {
        SandboxError::Io { source, .. } if no_room(source) => ImportError::NoRoom(error.to_string()),
        _ if error.is_retryable() || error.code() == "media_sandbox_not_whole" => {
            ImportError::Unavailable(error.to_string())
        }
        _ => ImportError::Refused(format!("{error} ({}); {}", error.code(), error.advice())),
    }
}

#[async_trait]
impl ClipImporter for ClipImport {
    async fn import(&self, file: &ArtifactHash, plan: &ClipPlan) -> Result<ImportedClip, ImportError> {
        let (importer, file, plan) = (self.clone(), file.clone(), *plan);
        tokio::task::spawn_blocking(move || importer.inner.import(&file, &plan))
            .await
            .map_err(|error| ImportError::Unavailable(format!("the import was interrupted: {error}")))?
    }
}
