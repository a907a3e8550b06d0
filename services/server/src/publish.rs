//! Where winners go: the market they were played in, and launch packs for real platforms.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use spotwright_core::domain::launch::manifest;
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::publish_target::{Publication, PublishError, PublishTarget};
use spotwright_core::ports::step_store::StepStore;
use spotwright_render::label::{self, Label};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::FeedbackSource;
use spotwright_schemas::launch::{Disclosure, ExternalRef, Manifest, PackedFile, Platform};

use crate::outputs::FinishedRun;

/// The market: it has taken the winners in during the run, with money that was reserved before, so
/// publishing there is answering where each of them stands.
pub struct MarketTarget {
    store: Arc<dyn StepStore>,
}

impl MarketTarget {
    /// The placements of this store.
    #[must_use]
    pub fn new(store: Arc<dyn StepStore>) -> Self {
        Self { store }
    }
}

#[async_trait]
impl PublishTarget for MarketTarget {
    fn name(&self) -> &str {
        "spotwright_market"
    }

    async fn publish(&self, winner: &Publication) -> Result<Vec<ExternalRef>, PublishError> {
        let placements = self.store.placements(winner.run).await;
        let placements = placements.map_err(|error| std::io::Error::other(error.to_string()))?;
        let found = placements.into_iter().find(|placement| placement.variant == winner.variant);
        let found = found.ok_or_else(|| {
            PublishError::Refused(format!("the market has not taken variant {} in", winner.variant))
        })?;
        if found.ended {
            let message = format!("variant {} was withdrawn; its placement has ended", winner.variant);
            return Err(PublishError::Refused(message));
        }
        let (account, id) = (found.campaign, found.id.to_string());
        Ok(vec![ExternalRef { platform: self.name().to_owned(), account, id }])
    }
}

/// Folders for uploading by hand or by script: `DIR/g1-03/PLATFORM/` with the video, a still, the
/// texts and a manifest.
///
/// A winner's folder is written under a temporary name, flushed and renamed. A folder that is there
/// with the same bytes is left alone; one with others is a conflict, never overwritten: somebody may
/// have edited it.
#[derive(Clone)]
pub struct LaunchPack {
    artifacts: Arc<dyn ArtifactStore>,
    folder: PathBuf,
    platforms: Vec<Platform>,
}

/// A file to be written.
struct Content {
    name: &'static str,
    bytes: Vec<u8>,
}

impl LaunchPack {
    /// Packs for these platforms below `folder`.
    #[must_use]
    pub fn new(artifacts: Arc<dyn ArtifactStore>, folder: &Path, platforms: &[Platform]) -> Self {
        Self { artifacts, folder: folder.to_path_buf(), platforms: platforms.to_vec() }
    }

    /// What lies in the folder of a platform.
    fn contents(
        winner: &Publication,
        platform: Platform,
        video: &[u8],
        still: &[u8],
    ) -> Result<Vec<Content>, PublishError> {
        let worded = manifest(winner, platform, Vec::new());
        let line = |text: &str| format!("{text}\n").into_bytes();
        let thumbnail = thumbnail_name(still).ok_or_else(|| {
            PublishError::Refused(format!("the still {} is neither JPEG nor PNG", winner.still))
        })?;
        let mut contents = vec![
            Content { name: "video.mp4", bytes: video.to_vec() },
            Content { name: thumbnail, bytes: still.to_vec() },
            Content { name: "name.txt", bytes: line(&worded.name) },
            Content { name: "primary_text.txt", bytes: line(&worded.primary_text.text) },
        ];
        if let Some(headline) = &worded.headline {
            contents.push(Content { name: "headline.txt", bytes: line(&headline.text) });
        }
        contents.push(Content { name: "call_to_action.txt", bytes: line(&worded.call_to_action) });
        contents.push(Content { name: "url.txt", bytes: line(&worded.url) });
        let packed = |content: &Content| PackedFile {
            name: content.name.to_owned(),
            blake3: ArtifactHash::of(&content.bytes).0,
            bytes: content.bytes.len() as u64,
        };
        let files = contents.iter().map(packed).collect();
        let text = serde_json::to_vec_pretty(&Manifest { files, ..worded });
        let mut bytes = text.map_err(std::io::Error::from)?;
        bytes.push(b'\n');
        contents.push(Content { name: "manifest.json", bytes });
        Ok(contents)
    }

    fn write(&self, winner: &Publication) -> Result<Vec<ExternalRef>, PublishError> {
        let stem = format!("g{}-{:02}", winner.generation, winner.number);
        let target = self.folder.join(&stem);
        let (video, still) = (self.artifacts.get(&winner.video)?, self.artifacts.get(&winner.still)?);
        let mut wanted = Vec::with_capacity(self.platforms.len());
        for platform in &self.platforms {
            wanted.push((*platform, Self::contents(winner, *platform, &video, &still)?));
        }
        let refs = self
            .platforms
            .iter()
            .map(|platform| ExternalRef {
                platform: "launch_pack".to_owned(),
                account: platform.as_str().to_owned(),
                id: format!("{stem}/{}", platform.as_str()),
            })
            .collect();
        if target.exists() {
            return if holds(&target, &wanted) { Ok(refs) } else { Err(PublishError::Conflict(target)) };
        }
        fs::create_dir_all(&self.folder)?;
        let temporary = tempfile::Builder::new().prefix(".part-").tempdir_in(&self.folder)?;
        readable(temporary.path())?;
        for (platform, contents) in &wanted {
            let folder = temporary.path().join(platform.as_str());
            fs::create_dir(&folder)?;
            for content in contents {
                let mut file = File::create(folder.join(content.name))?;
                file.write_all(&content.bytes)?;
                file.sync_all()?;
            }
            File::open(&folder)?.sync_all()?;
        }
        File::open(temporary.path())?.sync_all()?;
        match fs::rename(temporary.path(), &target) {
            Ok(()) => drop(temporary.keep()),
            // Somebody else was first.
            Err(_) if target.exists() && holds(&target, &wanted) => return Ok(refs),
            Err(_) if target.exists() => return Err(PublishError::Conflict(target)),
            Err(error) => return Err(error.into()),
        }
        File::open(&self.folder)?.sync_all()?;
        Ok(refs)
    }
}

/// By the first bytes of the file.
fn thumbnail_name(still: &[u8]) -> Option<&'static str> {
    match still {
        [0xFF, 0xD8, 0xFF, ..] => Some("thumbnail.jpg"),
        [0x89, b'P', b'N', b'G', ..] => Some("thumbnail.png"),
        _ => None,
    }
}

/// Temporary folders are for their owner alone; a pack is for whoever may read its parent.
fn readable(folder: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(folder, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Whether a folder holds these platforms with these bytes, and no other platform.
fn holds(folder: &Path, wanted: &[(Platform, Vec<Content>)]) -> bool {
    let same = wanted.iter().all(|(platform, contents)| {
        let folder = folder.join(platform.as_str());
        let same =
            |content: &Content| fs::read(folder.join(content.name)).is_ok_and(|bytes| bytes == content.bytes);
        contents.iter().all(same)
    });
    let other = |platform: Platform| {
        !wanted.iter().any(|(one, _)| *one == platform) && folder.join(platform.as_str()).exists()
    };
    same && !Platform::ALL.into_iter().any(other)
}

#[async_trait]
impl PublishTarget for LaunchPack {
    fn name(&self) -> &str {
        "launch_pack"
    }

    async fn publish(&self, winner: &Publication) -> Result<Vec<ExternalRef>, PublishError> {
        let (pack, winner) = (self.clone(), winner.clone());
        let written = tokio::task::spawn_blocking(move || pack.write(&winner)).await;
        written.map_err(std::io::Error::other)?
    }
}

/// The winners of a finished run as targets take them, by generation and number.
///
/// # Errors
/// [`Code::Render`] when the AI label cannot be told.
pub fn publications(finished: &FinishedRun) -> Result<Vec<Publication>, Problem> {
    let mut found = Vec::new();
    for variant in finished.shown().winners() {
        let (Some(render), Some(score), Some(placement)) =
            (&variant.body.final_render, &variant.body.score, finished.shown().placement_of(variant))
        else {
            continue;
        };
        let label = Label::made_here(&variant.id.to_string())?;
        found.push(Publication {
            run: finished.run.id,
            brief: finished.run.request.brief.clone(),
            variant: variant.id,
            generation: variant.generation,
            number: variant.number,
            script: variant.body.script.clone(),
            size: variant.body.storyboard.size,
            video: render.artifact.clone(),
            still: render.poster.clone(),
            score: score.clone(),
            placement: placement.id,
            campaign: placement.campaign.clone(),
            source: FeedbackSource::Simulated,
            delivery: finished.shown().delivery_of(variant),
            disclosure: Disclosure {
                ai_generated: true,
                label_key: label::KEY.to_owned(),
                label: label.to_json(),
                gate_passed: variant.final_gate == Some(true),
            },
            external_refs: Vec::new(),
        });
    }
    found.sort_by_key(|winner| (winner.generation, winner.number));
    Ok(found)
}

/// Publishes every winner to every target in turn; a target learns where those before it have put
/// the winner. Answers with all places.
///
/// # Errors
/// [`Code::OutputFolder`] when something else stands in the way; [`Code::Store`] otherwise.
pub async fn publish(
    finished: &FinishedRun,
    targets: &[Arc<dyn PublishTarget>],
) -> Result<Vec<ExternalRef>, Problem> {
    let mut places = Vec::new();
    for mut winner in publications(finished)? {
        for target in targets {
            let published = target.publish(&winner).await.map_err(|error| match error {
                PublishError::Conflict(_) => {
                    Problem::new(Code::OutputFolder, target.name(), error.to_string())
                }
                error => Problem::new(Code::Store, target.name(), error.to_string()),
            })?;
            places.extend(published.iter().cloned());
            winner.external_refs.extend(published);
        }
    }
    Ok(places)
}

/// The platforms with these names; all of them when none is named.
///
/// # Errors
/// [`Code::Option`] for an unknown name; `field` names the option.
pub fn platforms(names: &[String], field: &str) -> Result<Vec<Platform>, Problem> {
    crate::cli::named(names, &Platform::ALL, field, "platform", Platform::as_str)
}

/// Writes the launch pack of a finished run into `folder`; answers how many folders it has.
///
/// # Errors
/// As [`publish`].
pub async fn launch_pack(
    finished: &FinishedRun,
    store: Arc<dyn StepStore>,
    artifacts: Arc<dyn ArtifactStore>,
    folder: &Path,
    platforms: &[Platform],
) -> Result<usize, Problem> {
    let targets: [Arc<dyn PublishTarget>; 2] =
        [Arc::new(MarketTarget::new(store)), Arc::new(LaunchPack::new(artifacts, folder, platforms))];
    let places = publish(finished, &targets).await?;
    Ok(places.iter().filter(|place| place.platform == targets[1].name()).count())
}
