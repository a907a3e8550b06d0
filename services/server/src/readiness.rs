//! Whether this process can do its work: database, files, and room for what it writes itself.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::readiness::{NotReady, Readiness};
use spotwright_core::ports::step_store::StepStore;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Longest wait for one part before the process counts as not ready.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long an answer is believed: whoever asks often does not keep the database and the disk at work.
const BELIEVED: Duration = Duration::from_secs(1);

/// Looks at what the process needs.
pub struct Look {
    store: Arc<dyn StepStore>,
    artifacts: Arc<dyn ArtifactStore>,
    /// The file by which this storage is known to be the one that the database's files are in.
    mark: ArtifactHash,
    folder: PathBuf,
    last: Mutex<Option<(Instant, Result<(), NotReady>)>>,
}

impl Look {
    /// Looks at these.
    #[must_use]
    pub fn new(
        store: Arc<dyn StepStore>,
        artifacts: Arc<dyn ArtifactStore>,
        mark: ArtifactHash,
        folder: PathBuf,
    ) -> Self {
        Self { store, artifacts, mark, folder, last: Mutex::default() }
    }

    async fn look(&self) -> Result<(), NotReady> {
        match tokio::time::timeout(PATIENCE, self.store.unsent(None, 1)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(NotReady::Database(error.to_string())),
            Err(_) => return Err(NotReady::Database(format!("no answer within {PATIENCE:?}"))),
        }
        let (artifacts, mark) = (Arc::clone(&self.artifacts), self.mark.clone());
        let files = in_time(move || {
            artifacts.probe().map_err(|error| error.to_string())?;
            match artifacts.contains(&mark) {
                Ok(true) => Ok(()),
                Ok(false) => Err("it is not the storage that this database's files are in".to_owned()),
                Err(error) => Err(error.to_string()),
            }
        });
        files.await.map_err(NotReady::Artifacts)?;
        let folder = self.folder.clone();
        let own = in_time(move || spotwright_store::probe_folder(&folder).map_err(|error| error.to_string()));
        own.await.map_err(NotReady::Folder)
    }
}

/// Runs a look at a disk or a bucket, which may hang.
async fn in_time(look: impl FnOnce() -> Result<(), String> + Send + 'static) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(look)).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(format!("no answer within {PATIENCE:?}")),
    }
}

#[async_trait]
impl Readiness for Look {
    async fn check(&self) -> Result<(), NotReady> {
        // Held while looking: whoever asks meanwhile gets the same answer.
        let mut last = self.last.lock().await;
        if let Some((at, found)) = last.as_ref()
            && at.elapsed() < BELIEVED
        {
            return found.clone();
        }
        let found = self.look().await;
        *last = Some((Instant::now(), found.clone()));
        found
    }
}
