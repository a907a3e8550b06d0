//! The clip source.

use std::sync::Arc;

use async_trait::async_trait;
use candle_core::Device;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clip_source::{
    Cancelled, Capabilities, ClipError, ClipErrorKind, ClipRequest, ClipSource, Inputs, JobId, JobState,
    Licence, Output, Quote, RendererClass,
};

use crate::canvas;
use crate::folder::Folder;
use crate::jobs::{Jobs, Stand};
use crate::maker::{Maker, read};
use crate::motion::Motion;
use crate::options::{DeviceChoice, FEWEST_PIXELS, MOST_PIXELS, Options, OptionsError};
use crate::request::{ABILITIES, MOST_SECONDS, plan, refuse};
use crate::words::Words;

/// Said of a model on a processor.
pub(crate) const SLOW: &str = "the model computes on the processor, which takes minutes for a picture; set `device = { cuda = 0 }` on a \
     machine with a GPU";

/// Paints pictures and sets them in motion.
pub struct Keyframes {
    name: String,
    capabilities: Capabilities,
    licence: Licence,
    asked: Arc<Asked>,
    jobs: Jobs,
}

/// What requests are checked against.
struct Asked {
    options: Options,
    words: Arc<Words>,
    artifacts: Arc<dyn ArtifactStore>,
}

impl Keyframes {
    /// Looks at the folder and opens the device; the weights are read with the first job.
    ///
    /// # Errors
    /// [`OptionsError`] with the setting, and for the folder the file and what is wrong with it.
    pub fn new(
        name: &str,
        options: Options,
        artifacts: Arc<dyn ArtifactStore>,
        motion: Arc<dyn Motion>,
    ) -> Result<Self, OptionsError> {
        options.check()?;
        let folder = Folder::open(&options.folder)?;
        let words = Arc::new(Words::open(&folder)?);
        let device = open(options.device)?;
        let most_pixels =
            options.max_pixels.unwrap_or_else(|| folder.trained_pixels.clamp(FEWEST_PIXELS, MOST_PIXELS));
        if let Some(notice) = Self::notice(&options) {
            tracing::warn!(clip.source = name, "{notice}");
        }
        let maker = Maker {
            folder,
            words: Arc::clone(&words),
            options: options.clone(),
            most_pixels,
            device,
            artifacts: Arc::clone(&artifacts),
            motion,
            painter: None,
        };
        Ok(Self {
            name: name.to_owned(),
            capabilities: Capabilities {
                model: options.row.model.clone(),
                abilities: ABILITIES.to_vec(),
                inputs: Inputs { pictures: 1, pictures_beside_first_frame: 0, ..Inputs::EVERYTHING },
                min_seconds: 0.0,
                max_seconds: f64::from(MOST_SECONDS),
                parallel: 1,
                repeatable: options.device == DeviceChoice::Cpu,
                class: RendererClass::Gpu,
            },
            licence: options.row.licence.clone(),
            jobs: Jobs::new(Box::new(maker), options.waiting as usize),
            asked: Arc::new(Asked { options, words, artifacts }),
        })
    }

    /// What somebody who sets it up so should know; `None` where there is nothing.
    #[must_use]
    pub fn notice(options: &Options) -> Option<&'static str> {
        (options.device == DeviceChoice::Cpu).then_some(SLOW)
    }
}

impl Asked {
    /// Refuses what the model cannot make. Reads the picture to begin with.
    fn check(&self, request: &ClipRequest) -> Result<Quote, ClipError> {
        let plan = plan(request, &self.words, self.options.other_letters)?;
        if let Some(hash) = &plan.start {
            let bytes = read(&*self.artifacts, hash)?;
            canvas::check(&bytes)
                .map_err(|message| refuse(format!("the picture to begin with {message}")))?;
        }
        let row = &self.options.row;
        Ok(Quote { at_most: row.price, currency: row.currency, prices_of: row.prices_of.clone() })
    }
}

#[async_trait]
impl ClipSource for Keyframes {
    fn name(&self) -> &str {
        &self.name
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn licence(&self) -> &Licence {
        &self.licence
    }

    /// Reads the picture to begin with from the artifact store, to look at its header.
    fn quote(&self, request: &ClipRequest) -> Result<Quote, ClipError> {
        self.asked.check(&self.capabilities.fitted(request).request)
    }

    async fn submit(&self, request: &ClipRequest, idempotency_key: &str) -> Result<JobId, ClipError> {
        let request = &self.capabilities.fitted(request).request;
        let (asked, checked) = (Arc::clone(&self.asked), request.clone());
        let checked = tokio::task::spawn_blocking(move || asked.check(&checked)).await;
        checked.map_err(|_| ClipError::new(ClipErrorKind::Unavailable, "the program ends"))??;
        self.jobs.submit(request, idempotency_key)
    }

    /// A job of this process, or certainly none.
    async fn find(&self, _request: &ClipRequest, idempotency_key: &str) -> Result<Option<JobId>, ClipError> {
        Ok(self.jobs.find(idempotency_key))
    }

    async fn poll(&self, job: &JobId) -> Result<JobState, ClipError> {
        Ok(match self.jobs.stand(job)? {
            Stand::Queued => JobState::Queued,
            Stand::Running(percent) => JobState::Running { percent: Some(percent) },
            Stand::Done(_, seed) => JobState::Done {
                outputs: vec![Output { id: String::new(), location: job.0.clone() }],
                charged: Some(self.asked.options.row.price),
                seed: Some(u64::from(seed)),
            },
            Stand::Failed(error) => JobState::Failed(error),
        })
    }

    /// A job that is not done stops at its next step and costs nothing.
    async fn cancel(&self, job: &JobId) -> Result<Cancelled, ClipError> {
        Ok(self.jobs.cancel(job))
    }

    async fn fetch(&self, job: &JobId, _output: &Output) -> Result<Vec<u8>, ClipError> {
        match self.jobs.stand(job)? {
            Stand::Done(file, _) => Ok(file.to_vec()),
            _ => Err(ClipError::new(ClipErrorKind::BadAnswer, "the job is not done")),
        }
    }
}

fn open(device: DeviceChoice) -> Result<Device, OptionsError> {
    match device {
        DeviceChoice::Cpu => Ok(Device::Cpu),
        DeviceChoice::Cuda(number) if cfg!(feature = "cuda") => Device::new_cuda(number)
            .map_err(|error| OptionsError::Device(format!("the GPU {number} cannot be used: {error}"))),
        DeviceChoice::Cuda(_) => Err(OptionsError::Device(
            "the program was built without GPUs: build it with `--features cuda`, or set `device = \"cpu\"`"
                .to_owned(),
        )),
    }
}
