//! Single clips that clients order over the API, made by the studio one after the other.
//!
//! Each job is a file in a folder of its organization: written before the order is answered, and taken up
//! again after a restart. The studio finds what it has rendered under the job's key, so that no clip is
//! rendered twice.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::clock::Clock;
use spotwright_core::ports::entropy::Entropy;
use spotwright_core::ports::video_backend::{RenderError, RenderRequest, VideoBackend};
use spotwright_core::ports::video_jobs::{VideoJob, VideoJobState, VideoJobs, VideoOrder};
use spotwright_core::spine::Shutdown;
use spotwright_render::{Studio, backdrop};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::ids::OrganizationId;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::placement::PlacementKind;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{
    Audio, CaptionMotion, Color, Layout, Motion, Packshots, Palette, Shot, Storyboard, VisualStyle,
};
use spotwright_schemas::storyboard_file::Backdrop;
use tokio::sync::{Notify, watch};

/// Unfinished jobs that one organization may have.
const WAITING_PER_ORGANIZATION: usize = 16;
/// Jobs that one organization may keep; the oldest that have ended go.
const KEPT_PER_ORGANIZATION: usize = 1_000;

/// Jobs in a folder.
pub struct FolderVideoJobs {
    folder: PathBuf,
    studio: Studio,
    artifacts: Arc<dyn ArtifactStore>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    jobs: Mutex<HashMap<String, Held>>,
    ready: Notify,
}

struct Held {
    job: VideoJob,
    /// Tells the studio to stop.
    stop: watch::Sender<bool>,
    stopped: Shutdown,
}

impl Held {
    fn new(job: VideoJob) -> Self {
        let (stop, stopped) = Shutdown::new();
        Self { job, stop, stopped }
    }
}

impl FolderVideoJobs {
    /// Opens the folder, which is created where it is not there, and reads its jobs.
    ///
    /// # Errors
    /// [`Code::Store`] when the folder cannot be read.
    pub fn open(
        folder: &Path,
        studio: Studio,
        artifacts: Arc<dyn ArtifactStore>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Arc<Self>, Problem> {
        std::fs::create_dir_all(folder).map_err(|error| unwritten(&error))?;
        let mut jobs = HashMap::new();
        for organization in std::fs::read_dir(folder).map_err(|error| unwritten(&error))?.flatten() {
            let Ok(files) = std::fs::read_dir(organization.path()) else { continue };
            for file in files.flatten() {
                let read = std::fs::read(file.path()).ok();
                let Some(mut job) = read.and_then(|bytes| serde_json::from_slice::<VideoJob>(&bytes).ok())
                else {
                    tracing::warn!(file = %file.path().display(), "a job of a clip cannot be read");
                    continue;
                };
                // Whoever worked on it is no more.
                if job.state == VideoJobState::Running {
                    job.state = VideoJobState::Queued;
                }
                jobs.insert(job.id.clone(), Held::new(job));
            }
        }
        let jobs = Mutex::new(jobs);
        let folder = folder.to_owned();
        Ok(Arc::new(Self { folder, studio, artifacts, clock, entropy, jobs, ready: Notify::new() }))
    }

    /// Makes clips, oldest order first, until told to stop; the one under way then ends at its next frame and
    /// is taken up after the next start.
    ///
    /// # Errors
    /// None; the form is that of the service's other tasks.
    pub async fn run(self: Arc<Self>, mut shutdown: Shutdown) -> Result<(), Problem> {
        while !shutdown.is_set() {
            let woken = self.ready.notified();
            let Some((job, stop)) = self.next() else {
                tokio::select! {
                    () = shutdown.wait() => {}
                    () = woken => {}
                }
                continue;
            };
            let rendered = tokio::select! {
                rendered = self.render(&job, &stop) => rendered,
                () = shutdown.wait() => return Ok(()),
            };
            let completed_at = self.clock.now_micros();
            let state = match rendered {
                Ok(footage) => VideoJobState::Done { video: footage.0, bytes: footage.1, completed_at },
                Err(RenderError::Stopped) => continue,
                Err(error @ (RenderError::Unavailable(_) | RenderError::NoRoom(_))) => {
                    tracing::warn!(job = job.id, %error, "a clip is made later");
                    self.set(&job.id, VideoJobState::Queued);
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                    continue;
                }
                Err(RenderError::Impossible(message)) => {
                    let problem = Problem::new(Code::Storyboard, "", message);
                    VideoJobState::Failed { problem, completed_at }
                }
            };
            self.set(&job.id, state);
        }
        Ok(())
    }

    /// The oldest job that waits; it is under way from now on.
    fn next(&self) -> Option<(VideoJob, Shutdown)> {
        let mut jobs = self.held();
        let waiting = jobs.values_mut().filter(|held| held.job.state == VideoJobState::Queued);
        let next =
            waiting.min_by(|a, b| (a.job.created_at, &a.job.id).cmp(&(b.job.created_at, &b.job.id)))?;
        next.job.state = VideoJobState::Running;
        Some((next.job.clone(), next.stopped.clone()))
    }

    async fn render(&self, job: &VideoJob, stop: &Shutdown) -> Result<(ArtifactHash, u64), RenderError> {
        let picture = match &job.order.picture {
            Some(picture) => picture.clone(),
            None => self.background(&job.order).await?,
        };
        let request = RenderRequest {
            storyboard: storyboard(&job.order, picture.0),
            stage: RenderStage::Final,
            produce_id: job.id.clone(),
        };
        let footage = self.studio.render(&request, &format!("clip-{}", job.id), stop).await?;
        Ok((footage.artifact, footage.bytes))
    }

    async fn background(&self, order: &VideoOrder) -> Result<ArtifactHash, RenderError> {
        let (artifacts, order) = (Arc::clone(&self.artifacts), order.clone());
        let drawn = tokio::task::spawn_blocking(move || {
            let which = Backdrop::ALL[(order.seed % Backdrop::ALL.len() as u64) as usize];
            let png = backdrop::draw(which, palette(order.seed), order.size)
                .map_err(|error| RenderError::Impossible(error.to_string()))?;
            artifacts.put(&png).map_err(|error| RenderError::Unavailable(error.to_string()))
        });
        drawn.await.map_err(|error| RenderError::Unavailable(error.to_string()))?
    }

    fn set(&self, id: &str, state: VideoJobState) {
        let changed = {
            let mut jobs = self.held();
            let Some(held) = jobs.get_mut(id) else { return };
            held.job.state = state;
            held.job.clone()
        };
        if let Err(problem) = self.write(&changed) {
            // Made again after a restart, and then found.
            tracing::warn!(job = id, %problem, "the end of a clip is not written");
        }
    }

    fn write(&self, job: &VideoJob) -> Result<(), Problem> {
        let path = self.file_of(job);
        let bytes = serde_json::to_vec(job).map_err(|error| unwritten(&error))?;
        let folder = path.parent().unwrap_or(&self.folder);
        std::fs::create_dir_all(folder).map_err(|error| unwritten(&error))?;
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| unwritten(&error))?;
        std::io::Write::write_all(&mut file, &bytes).map_err(|error| unwritten(&error))?;
        file.as_file().sync_all().map_err(|error| unwritten(&error))?;
        file.persist(path).map_err(|error| unwritten(&error))?;
        Ok(())
    }

    fn file_of(&self, job: &VideoJob) -> PathBuf {
        self.folder.join(job.organization.to_string()).join(format!("{}.json", job.id))
    }

    fn held(&self) -> std::sync::MutexGuard<'_, HashMap<String, Held>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets the oldest ended jobs of an organization that has too many.
    fn shrink(&self, organization: OrganizationId) {
        let mut jobs = self.held();
        let mut ended: Vec<(i64, String)> = jobs
            .values()
            .filter(|held| held.job.organization == organization && held.job.state.has_ended())
            .map(|held| (held.job.created_at, held.job.id.clone()))
            .collect();
        ended.sort_unstable();
        let surplus = ended.len().saturating_sub(KEPT_PER_ORGANIZATION);
        for (_, id) in ended.into_iter().take(surplus) {
            if let Some(held) = jobs.remove(&id) {
                drop(std::fs::remove_file(self.file_of(&held.job)));
            }
        }
    }
}

#[async_trait]
impl VideoJobs for FolderVideoJobs {
    async fn order(&self, organization: OrganizationId, order: VideoOrder) -> Result<VideoJob, Problem> {
        storyboard(&order, String::new()).validate()?;
        let mut random = [0; 16];
        self.entropy
            .fill(&mut random)
            .map_err(|error| Problem::new(Code::Unavailable, "", error.to_string()))?;
        let job = {
            let mut jobs = self.held();
            let own = || jobs.values().filter(|held| held.job.organization == organization);
            if let Some(name) = &order.external_id
                && let Some(known) = own().find(|held| held.job.order.external_id.as_ref() == Some(name))
            {
                return Ok(known.job.clone());
            }
            if own().filter(|held| !held.job.state.has_ended()).count() >= WAITING_PER_ORGANIZATION {
                let message =
                    format!("{WAITING_PER_ORGANIZATION} clips wait already; order more when some are done");
                return Err(Problem::new(Code::RateLimited, "", message));
            }
            let id = hex::encode(random);
            let created_at = self.clock.now_micros();
            let job =
                VideoJob { id: id.clone(), organization, order, created_at, state: VideoJobState::Queued };
            // Written before anybody can see it; short, and rare enough to be done under the lock.
            self.write(&job)?;
            jobs.insert(id, Held::new(job.clone()));
            job
        };
        self.shrink(organization);
        self.ready.notify_one();
        Ok(job)
    }

    async fn find(&self, organization: OrganizationId, name: &str) -> Result<Option<VideoJob>, Problem> {
        let jobs = self.held();
        let own = jobs.values().map(|held| &held.job).filter(|job| job.organization == organization);
        let mut found = own.filter(|job| job.id == name || job.order.external_id.as_deref() == Some(name));
        Ok(found.next().cloned())
    }

    async fn list(&self, organization: OrganizationId, limit: usize) -> Result<Vec<VideoJob>, Problem> {
        let jobs = self.held();
        let own = jobs.values().map(|held| &held.job).filter(|job| job.organization == organization);
        let mut own: Vec<VideoJob> = own.cloned().collect();
        own.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
        own.truncate(limit);
        Ok(own)
    }

    async fn remove(&self, organization: OrganizationId, id: &str) -> Result<Option<VideoJob>, Problem> {
        let removed = {
            let mut jobs = self.held();
            if jobs.get(id).is_none_or(|held| held.job.organization != organization) {
                return Ok(None);
            }
            jobs.remove(id)
        };
        let Some(held) = removed else { return Ok(None) };
        held.stop.send_replace(true);
        match std::fs::remove_file(self.file_of(&held.job)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(unwritten(&error)),
            _ => Ok(Some(held.job)),
        }
    }
}

fn unwritten(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::Store, "", format!("clips cannot be kept: {error}"))
}

/// Colors of a background: a hue by the seed, and one that stands out on it.
fn palette(seed: u64) -> Palette {
    const PRIMARY: [Color; 4] = [
        Color { r: 31, g: 58, b: 95 },
        Color { r: 77, g: 44, b: 25 },
        Color { r: 26, g: 83, b: 72 },
        Color { r: 84, g: 32, b: 58 },
    ];
    let primary = PRIMARY[(seed / 3 % PRIMARY.len() as u64) as usize];
    Palette { primary, accent: Color { r: 242, g: 181, b: 68 } }
}

/// One shot without words, over the picture `hash`.
pub(crate) fn storyboard(order: &VideoOrder, hash: String) -> Storyboard {
    let motion = [Motion::PushIn, Motion::PullOut, Motion::PanRight, Motion::PanLeft];
    Storyboard {
        locale: Locale::EnUs,
        size: order.size,
        fps: order.fps,
        palette: palette(order.seed),
        style: VisualStyle::default(),
        packshots: Packshots::default(),
        placement: PlacementKind::SimulatedFeed,
        names: Vec::new(),
        shots: vec![Shot {
            role: Role::Body,
            frames: order.frames,
            layout: Layout::FullBleed,
            picture: hash,
            footage: None,
            motion: motion[(order.seed % motion.len() as u64) as usize],
            caption: String::new(),
            detail: String::new(),
            caption_motion: CaptionMotion::SlideUp,
            button: String::new(),
            brand: String::new(),
            disclaimer: String::new(),
            ai_label: false,
            overlays: Vec::new(),
            voice: None,
        }],
        audio: Audio { seed: order.seed, tempo: 100, loudness_lufs: -14.0 },
    }
}
