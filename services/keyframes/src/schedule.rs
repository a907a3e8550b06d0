//! The steps of a picture: DDIM without noise of its own (eta 0), by the coefficients of the folder.
//!
//! # Source
//! Song, Meng and Ermon, "Denoising Diffusion Implicit Models", ICLR 2021, equation 12, in candle's and
//! diffusers' spacing of the steps (`leading`). Folders that name another scheduler, such as PNDM, are sampled by
//! DDIM all the same: the model is the same.

use candle_core::{Result, Tensor};
use candle_transformers::models::stable_diffusion::ddim::DDIMSchedulerConfig;
use candle_transformers::models::stable_diffusion::schedulers::{
    BetaSchedule, PredictionType, Scheduler, SchedulerConfig, TimestepSpacing,
};

use crate::folder::{Betas, Prediction, SchedulerSettings};

/// The steps of one picture.
pub(crate) struct Schedule {
    inner: Box<dyn Scheduler>,
    times: Vec<usize>,
}

impl Schedule {
    /// The last `strength` of `steps` steps; all of them at 1, and at least one.
    pub(crate) fn new(settings: &SchedulerSettings, steps: usize, strength: f64) -> Result<Self> {
        let config = DDIMSchedulerConfig {
            beta_start: settings.beta_start,
            beta_end: settings.beta_end,
            beta_schedule: match settings.beta_schedule {
                Betas::ScaledLinear => BetaSchedule::ScaledLinear,
                Betas::Linear => BetaSchedule::Linear,
            },
            eta: 0.0,
            steps_offset: settings.steps_offset,
            prediction_type: match settings.prediction_type {
                Prediction::Epsilon => PredictionType::Epsilon,
                Prediction::VPrediction => PredictionType::VPrediction,
            },
            train_timesteps: settings.num_train_timesteps,
            timestep_spacing: TimestepSpacing::Leading,
        };
        let inner = config.build(steps)?;
        let taken = ((steps as f64 * strength) as usize).clamp(1, steps);
        let times = inner.timesteps().iter().skip(steps - taken).copied().collect();
        Ok(Self { inner, times })
    }

    /// Training times of the steps, first to last.
    pub(crate) fn times(&self) -> &[usize] {
        &self.times
    }

    /// What the first step begins with, of a picture's latent values and noise.
    pub(crate) fn begin(&self, latents: &Tensor, noise: &Tensor) -> Result<Tensor> {
        let first = self.times.first().copied().unwrap_or_default();
        self.inner.add_noise(latents, noise.clone(), first)
    }

    /// Latent values after the step at `time`, of those before it and the model's output.
    pub(crate) fn step(&mut self, output: &Tensor, time: usize, latents: &Tensor) -> Result<Tensor> {
        self.inner.step(output, time, latents)
    }
}
