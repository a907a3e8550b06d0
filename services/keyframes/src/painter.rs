//! The model: words and noise become a picture.
//!
//! # Source
//! Rombach et al., "High-Resolution Image Synthesis with Latent Diffusion Models", CVPR 2022; guidance by Ho and
//! Salimans, "Classifier-Free Diffusion Guidance", 2021; pictures from pictures by Meng et al., "SDEdit", ICLR 2022.
//! A given picture is encoded to the mean of its distribution, where diffusers draws from it: two draws less, and
//! candle's has no seed.

use std::path::Path;

use candle_core::{DType, Device, IndexOp, Result, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::stable_diffusion::unet_2d::UNet2DConditionModel;
use candle_transformers::models::stable_diffusion::vae::AutoEncoderKL;

use crate::folder::{Folder, SchedulerSettings};
use crate::schedule::Schedule;
use crate::text::TextEncoder;

/// Logarithm of a variance whose square root is 0 in single precision.
const NO_VARIANCE: f64 = -10_000.0;

/// A loaded model.
pub(crate) struct Painter {
    text: TextEncoder,
    unet: UNet2DConditionModel,
    vae: AutoEncoderKL,
    scheduler: SchedulerSettings,
    scaling_factor: f64,
    device: Device,
    /// What the large part computes in.
    precision: DType,
}

/// A picture that is asked for.
pub(crate) struct Wanted<'a> {
    /// Rows of tokens: what is to be seen.
    pub(crate) rows: &'a [Vec<u32>],
    /// As many rows: what is not.
    pub(crate) unwanted: &'a [Vec<u32>],
    /// How closely to keep to the words; 1 ignores what is unwanted.
    pub(crate) guidance: f64,
    pub(crate) steps: usize,
    /// Noise of the latent values, `[1, 4, height, width]`, on the processor.
    pub(crate) noise: &'a Tensor,
    /// A picture to begin with, `[1, 3, height, width]` in -1..=1, and how much of it is made anew.
    pub(crate) start: Option<(&'a Tensor, f64)>,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PaintError {
    /// Somebody did not want it any more.
    #[error("it was stopped")]
    Stopped,
    /// The numbers left their range.
    #[error("the model's numbers left their range{0}")]
    NotFinite(&'static str),
    /// Shapes, memory, device.
    #[error("{0}")]
    Candle(#[from] candle_core::Error),
}

impl Painter {
    /// Reads the weights. Takes about twice the memory of the largest file for a moment.
    pub(crate) fn load(folder: &Folder, device: &Device, half_precision: bool) -> Result<Self> {
        let precision = if half_precision { DType::F16 } else { DType::F32 };
        let text = VarBuilder::from_buffered_safetensors(read(&folder.text_weights)?, DType::F32, device)?;
        let text = TextEncoder::new(&folder.text, &text)?;
        let unet = VarBuilder::from_buffered_safetensors(read(&folder.unet_weights)?, precision, device)?;
        let unet = UNet2DConditionModel::new(unet, 4, 4, false, folder.unet.clone())?;
        Ok(Self {
            text,
            unet,
            vae: load_vae(folder, device)?,
            scheduler: folder.scheduler.clone(),
            scaling_factor: folder.scaling_factor,
            device: device.clone(),
            precision,
        })
    }

    /// What rows of tokens mean.
    pub(crate) fn read(&self, rows: &[Vec<u32>]) -> Result<Tensor> {
        self.text.forward(rows)?.to_dtype(self.precision)
    }

    /// The large part at a training time.
    pub(crate) fn denoise(&self, latents: &Tensor, time: usize, words: &Tensor) -> Result<Tensor> {
        self.unet.forward(&latents.to_dtype(self.precision)?, time as f64, words)?.to_dtype(DType::F32)
    }

    /// The mean of a picture's latent values, without their factor.
    pub(crate) fn encode(&self, picture: &Tensor) -> Result<Tensor> {
        self.vae.encode(&picture.to_device(&self.device)?)?.sample()
    }

    /// The picture of latent values without their factor, about -1..=1.
    pub(crate) fn decode(&self, latents: &Tensor) -> Result<Tensor> {
        self.vae.decode(latents)
    }

    /// Makes a picture: `[3, height, width]` in 0..=1, on the processor. `step` hears how many steps of how many
    /// are done, before each and after the last, and says whether to go on.
    pub(crate) fn paint(
        &self,
        wanted: &Wanted<'_>,
        step: &mut dyn FnMut(usize, usize) -> bool,
    ) -> std::result::Result<Tensor, PaintError> {
        let words = self.read(wanted.rows)?;
        let unwanted = if wanted.guidance > 1.0 { Some(self.read(wanted.unwanted)?) } else { None };
        let noise = wanted.noise.to_device(&self.device)?;
        let strength = wanted.start.map_or(1.0, |(_, strength)| strength);
        let mut schedule = Schedule::new(&self.scheduler, wanted.steps, strength)?;
        let mut latents = match wanted.start {
            Some((picture, _)) => schedule.begin(&(self.encode(picture)? * self.scaling_factor)?, &noise)?,
            None => noise,
        };
        let times = schedule.times().to_vec();
        for (done, time) in times.iter().enumerate() {
            if !step(done, times.len()) {
                return Err(PaintError::Stopped);
            }
            // One after the other: side by side they would take twice the memory.
            let mut output = self.denoise(&latents, *time, &words)?;
            if let Some(unwanted) = &unwanted {
                let without = self.denoise(&latents, *time, unwanted)?;
                output = (&without + ((output - &without)? * wanted.guidance)?)?;
            }
            latents = schedule.step(&output, *time, &latents)?;
        }
        if !step(times.len(), times.len()) {
            return Err(PaintError::Stopped);
        }
        let picture = self.decode(&(latents / self.scaling_factor)?)?.i(0)?.to_device(&Device::Cpu)?;
        if !picture.sum_all()?.to_scalar::<f32>()?.is_finite() {
            let half = self.precision == DType::F16;
            return Err(PaintError::NotFinite(if half { ": set half_precision to false" } else { "" }));
        }
        Ok(((picture / 2.0)? + 0.5)?.clamp(0.0, 1.0)?)
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| candle_core::Error::msg(format!("{}: {error}", path.display())))
}

/// The picture's encoder and decoder, in single precision. candle's encoder gives a draw from a distribution and
/// no way to its mean; with a variance of 0, which the weights are changed to, the draw is the mean.
fn load_vae(folder: &Folder, device: &Device) -> Result<AutoEncoderKL> {
    let mut weights = candle_core::safetensors::load_buffer(&read(&folder.vae_weights)?, device)?;
    let last = if folder.vae.use_quant_conv { "quant_conv" } else { "encoder.conv_out" };
    for (name, value) in [("weight", 0.0), ("bias", NO_VARIANCE)] {
        let name = format!("{last}.{name}");
        let Some(tensor) = weights.get(&name) else { continue };
        let tensor = tensor.to_dtype(DType::F32)?;
        let half = tensor.dim(0)? / 2;
        let mean = tensor.narrow(0, 0, half)?;
        let variance = (tensor.narrow(0, half, tensor.dim(0)? - half)?.zeros_like()? + value)?;
        weights.insert(name, Tensor::cat(&[&mean, &variance], 0)?);
    }
    let weights = VarBuilder::from_tensors(weights, DType::F32, device);
    AutoEncoderKL::new(weights, 3, 3, folder.vae.clone())
}

#[cfg(test)]
mod tests;
