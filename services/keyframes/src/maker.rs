//! The work of a job: words, picture, motion.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use spotwright_core::ports::artifacts::{ArtifactError, ArtifactHash, ArtifactStore};
use spotwright_core::ports::clip_source::{ClipError, ClipErrorKind, ClipRequest, ClipTask};
use spotwright_core::spine::Shutdown;
use spotwright_schemas::storyboard::FrameSize;

use crate::canvas;
use crate::folder::Folder;
use crate::jobs::{Work, failed};
use crate::motion::{Motion, MotionOrder};
use crate::options::Options;
use crate::painter::{Painter, Wanted};
use crate::request::{plan, refuse};
use crate::words::Words;

/// Percent of a clip's job that the picture is.
const PICTURE_SHARE: usize = 85;

/// Works on the jobs' thread. The model is read with the first job, and stays.
pub(crate) struct Maker {
    pub(crate) folder: Folder,
    pub(crate) words: Arc<Words>,
    pub(crate) options: Options,
    pub(crate) most_pixels: u32,
    pub(crate) device: Device,
    pub(crate) artifacts: Arc<dyn ArtifactStore>,
    pub(crate) motion: Arc<dyn Motion>,
    pub(crate) painter: Option<Painter>,
}

impl Work for Maker {
    fn make(
        &mut self,
        request: &ClipRequest,
        stop: &Shutdown,
        progress: &dyn Fn(u8),
    ) -> Result<Vec<u8>, ClipError> {
        let is_picture = matches!(request.task, ClipTask::Picture);
        let share = if is_picture { 100 } else { PICTURE_SHARE };
        let size = canvas::size(request.size, self.most_pixels, &self.folder);
        let (picture, from_picture) = self.paint(request, size, &mut |done, of| {
            progress(u8::try_from(done * share / of.max(1)).unwrap_or(u8::MAX));
            !stop.is_set()
        })?;
        let picture = canvas::png(&picture, from_picture).map_err(failed)?;
        if is_picture {
            return Ok(picture);
        }
        self.animate(request, picture, stop)
    }
}

impl Maker {
    /// The picture of a request, and whether it was made from another.
    fn paint(
        &mut self,
        request: &ClipRequest,
        size: FrameSize,
        step: &mut dyn FnMut(usize, usize) -> bool,
    ) -> Result<(Tensor, bool), ClipError> {
        let plan = plan(request, &self.words, self.options.other_letters)?;
        let start = match &plan.start {
            Some(hash) => {
                let bytes = read(&*self.artifacts, hash)?;
                let unusable = |message| refuse(format!("the picture to begin with {message}"));
                Some(canvas::start(&bytes, size).map_err(unusable)?)
            }
            None => None,
        };
        let noise = canvas::noise(request.seed, size, &self.folder).map_err(failed)?;
        // Taken out, so that one whose code has panicked is not used again.
        let painter = match self.painter.take() {
            Some(painter) => painter,
            None => Painter::load(&self.folder, &self.device, self.options.half_precision)
                .map_err(|error| failed(format!("the model cannot be read: {error}")))?,
        };
        let wanted = Wanted {
            rows: &plan.rows,
            unwanted: &plan.unwanted,
            guidance: self.options.guidance,
            steps: self.options.steps as usize,
            noise: &noise,
            start: start.as_ref().map(|picture| (picture, self.options.strength)),
        };
        let painted = painter.paint(&wanted, step);
        self.painter = Some(painter);
        let picture = painted.map_err(|error| failed(format!("the model made no picture: {error}")))?;
        Ok((picture, start.is_some()))
    }

    fn animate(
        &self,
        request: &ClipRequest,
        picture: Vec<u8>,
        stop: &Shutdown,
    ) -> Result<Vec<u8>, ClipError> {
        let form = (request.size, request.frames, request.fps, request.camera, request.seed);
        let form = serde_json::to_vec(&form).map_err(|error| failed(error.to_string()))?;
        let order = MotionOrder {
            size: request.size,
            frames: request.frames,
            fps: request.fps,
            camera: request.camera,
            seed: request.seed,
            name: canvas::id(&[&picture, &form]),
            picture,
        };
        // The studio is asynchronous; this thread has nothing else to do.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed(error.to_string()))?;
        let clip = runtime.block_on(self.motion.animate(&order, stop));
        clip.map_err(|error| failed(format!("the picture could not be set in motion: {error}")))
    }
}

/// The bytes of a picture of the request.
pub(crate) fn read(store: &dyn ArtifactStore, hash: &ArtifactHash) -> Result<Vec<u8>, ClipError> {
    store.get(hash).map_err(|error| {
        let kind = match error {
            ArtifactError::Missing(_) | ArtifactError::Damaged(_) => ClipErrorKind::BadRequest,
            ArtifactError::Io(_) => ClipErrorKind::Unavailable,
        };
        ClipError::new(kind, format!("a picture of the request cannot be read: {error}"))
    })
}
