//! What came from a source: imported, checked, compared with the product, and kept for the next time.

use std::sync::Arc;

use serde_json::json;
use spotwright_core::domain::reason::{ClipReason, FailedCheck};
use spotwright_core::ports::artifacts::ArtifactHash;
use spotwright_core::ports::clip_importer::{ImportError, ImportedClip};
use spotwright_core::ports::clip_library::{ClipKey, ClipOrigin, KeptClip};
use spotwright_core::ports::clip_source::{ClipSource, ReferenceKind};
use spotwright_core::ports::fidelity::FidelityReport;
use spotwright_core::ports::video_backend::RenderError;
use spotwright_core::spine::StepError;
use spotwright_schemas::money::Micros;

use super::job::{Asking, retry};
use super::progress::{Fetched, bounded};
use super::{ClipWork, Turn, clip_of_step};
use crate::footage::clip_plan;
use crate::workflow::agent::in_background;
use crate::workflow::clips::{MadeClip, TryEnd};

impl ClipWork<'_> {
    /// Makes a clip of what came, or says why it is none for this shot.
    pub(super) async fn take(&self, asking: &Asking<'_>, fetched: Fetched) -> Result<Turn, StepError> {
        let current = asking.current;
        let over = |why: ClipReason| Turn::Over(current.over(TryEnd::Unusable, why, fetched.charged));
        let unusable = |words: &str| over(ClipReason::Unusable { words: bounded(words) });
        let Some(raw) = &fetched.raw else {
            return Ok(Turn::Over(current.over(TryEnd::Cancelled, ClipReason::RunEnded, fetched.charged)));
        };
        let fitted = asking.source.capabilities().fitted(asking.request);
        let plan = clip_plan(&fitted.request);
        let imported = match self.ports.clip_importer.import(raw, &plan).await {
            Ok(imported) => imported,
            Err(ImportError::NoRoom(message)) => return Err(StepError::NoRoom(message)),
            Err(ImportError::Unavailable(message)) if self.step.may_retry() => return Err(retry(&message)),
            Err(error) => return Ok(unusable(&error.to_string())),
        };
        let failed = imported.checks(&plan).into_iter().filter(|check| !check.pass);
        let failed: Vec<FailedCheck> = failed
            .map(|check| FailedCheck { id: check.id, value: check.value, limit: check.limit })
            .collect();
        if !failed.is_empty() {
            return Ok(over(ClipReason::Checks { failed }));
        }
        let fidelity = match self.compare(&imported).await {
            Err(RenderError::NoRoom(message)) => return Err(StepError::NoRoom(message)),
            Err(RenderError::Unavailable(message)) if self.step.may_retry() => return Err(retry(&message)),
            Err(error) => return Ok(unusable(&error.to_string())),
            Ok(Some(report)) if !report.pass => {
                let why = ClipReason::unlike(&report);
                let mut tried = current.over(TryEnd::UnlikeProduct, why, fetched.charged);
                tried.fidelity = Some(report);
                return Ok(Turn::Over(tried));
            }
            Ok(report) => report,
        };
        let origin = ClipOrigin {
            source: current.source.clone(),
            model: asking.source.capabilities().model.clone(),
            licence: asking.source.licence().name.clone(),
            seed: fetched.seed.unwrap_or_else(|| u64::from(current.seed)),
            frames: imported.frames,
        };
        self.put_by(asking.source, &imported, &origin).await?;
        let made = made(imported.artifact, origin, fetched.charged, fidelity);
        Ok(Turn::Made(MadeClip { left_away: fitted.left_away, ..made }))
    }

    /// How alike clip and product are; `None` for a shot without the product.
    async fn compare(&self, imported: &ImportedClip) -> Result<Option<FidelityReport>, RenderError> {
        if !self.asked.shows_product {
            return Ok(None);
        }
        let pictures = self.asked.request.references.iter().filter(|one| one.kind == ReferenceKind::Picture);
        let mut pictures: Vec<ArtifactHash> = pictures.map(|one| one.artifact.clone()).collect();
        pictures.extend(self.asked.request.first_frame.clone());
        pictures.sort();
        pictures.dedup();
        if pictures.is_empty() {
            return Err(RenderError::Impossible("there is no picture of the product".to_owned()));
        }
        self.ports.fidelity.compare(&imported.artifact, &pictures).await.map(Some)
    }

    /// A clip that one of the routed sources has made before.
    pub(super) async fn find_made(&self) -> Result<Option<MadeClip>, StepError> {
        let routed = self.progress.route.iter().flat_map(|route| &route.sources);
        let keys: Vec<ClipKey> =
            routed.filter_map(|name| self.source(name)).map(|source| self.kept_as(source)).collect();
        let (library, artifacts) = (Arc::clone(&self.ports.clip_library), Arc::clone(&self.ports.artifacts));
        let found = in_background(move || {
            for key in keys {
                if let Some(KeptClip { mp4, origin }) = library.find(&key)? {
                    return Ok(Some((artifacts.put(&mp4)?, origin)));
                }
            }
            Ok::<_, spotwright_core::ports::artifacts::ArtifactError>(None)
        });
        match found.await? {
            Ok(found) => Ok(found.map(|(clip, origin)| {
                let source = self.source(&origin.source);
                let left_away =
                    source.map(|source| source.capabilities().fitted(&self.asked.request).left_away);
                let made = made(clip, origin, Micros::ZERO, None);
                MadeClip { from_library: true, left_away: left_away.unwrap_or_default(), ..made }
            })),
            Err(error) if error.no_room() => Err(StepError::NoRoom(error.to_string())),
            Err(error) => {
                tracing::warn!(step.id = %self.step.id, %error, "the library of clips cannot be read");
                Ok(None)
            }
        }
    }

    /// Keeps a clip for the next time. A library that fails costs nothing but that.
    async fn put_by(
        &self,
        source: &dyn ClipSource,
        imported: &ImportedClip,
        origin: &ClipOrigin,
    ) -> Result<(), StepError> {
        let key = self.kept_as(source);
        let (clip, origin) = (imported.artifact.clone(), origin.clone());
        let (library, artifacts) = (Arc::clone(&self.ports.clip_library), Arc::clone(&self.ports.artifacts));
        let kept = in_background(move || {
            let mp4 = artifacts.get(&clip)?;
            library.put(&key, &KeptClip { mp4, origin })
        });
        if let Err(error) = kept.await? {
            tracing::warn!(step.id = %self.step.id, %error, "a clip cannot be kept in the library");
        }
        Ok(())
    }

    /// The library's key: the clip by this source's model. A run takes over only what it could have had made,
    /// so that wishes and licences hold for what was made before, too.
    fn kept_as(&self, source: &dyn ClipSource) -> ClipKey {
        let clip = clip_of_step(&self.step.key);
        ClipKey::of(&json!({ "clip": clip, "source": source.name(), "model": source.capabilities().model }))
    }
}

fn made(clip: ArtifactHash, origin: ClipOrigin, cost: Micros, fidelity: Option<FidelityReport>) -> MadeClip {
    let ClipOrigin { source, model, licence, seed, frames } = origin;
    let (from_library, left_away) = (false, Vec::new());
    MadeClip { clip, frames, source, model, licence, seed, cost, from_library, left_away, fidelity }
}
