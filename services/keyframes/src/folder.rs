//! A model's folder in diffusers' layout: which files there are, and what their configurations say.
//!
//! Configurations are read into types that hold what this crate can do; whatever would change the result and is
//! not known here is refused with the file and the setting, before any weight is read.

mod settings;
mod weights;

use std::path::{Path, PathBuf};

use candle_transformers::models::stable_diffusion::unet_2d::UNet2DConditionModelConfig;
use candle_transformers::models::stable_diffusion::vae::AutoEncoderKLConfig;
use serde::de::DeserializeOwned;

use crate::options::OptionsError;
pub(crate) use settings::{Activation, Betas, Prediction, SchedulerSettings, TextSettings};
use settings::{UnetSettings, VaeSettings};

/// Largest configuration file in bytes.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// A folder whose configurations fit together and whose files are whole.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) path: PathBuf,
    pub(crate) text: TextSettings,
    pub(crate) unet: UNet2DConditionModelConfig,
    pub(crate) vae: AutoEncoderKLConfig,
    /// What the values of the picture's encoder are multiplied with.
    pub(crate) scaling_factor: f64,
    /// Pixels of a side of the picture for one of its latent values; a power of two.
    pub(crate) pixels_per_value: usize,
    /// Pixels of the pictures that the model was trained with.
    pub(crate) trained_pixels: u32,
    pub(crate) scheduler: SchedulerSettings,
    pub(crate) text_weights: PathBuf,
    pub(crate) unet_weights: PathBuf,
    pub(crate) vae_weights: PathBuf,
}

impl Folder {
    /// Reads the configurations and looks at the weights' files without reading their values.
    pub(crate) fn open(path: &Path) -> Result<Self, OptionsError> {
        if !path.is_dir() {
            return Err(wrong(".", format!("{} is no folder", path.display())));
        }
        let text: TextSettings = read(path, "text_encoder/config.json")?;
        text.check().map_err(|message| wrong("text_encoder/config.json", message))?;
        let unet: UnetSettings = read(path, "unet/config.json")?;
        let unet_config = unet.config().map_err(|message| wrong("unet/config.json", message))?;
        let vae: VaeSettings = read(path, "vae/config.json")?;
        let vae_config = vae.config().map_err(|message| wrong("vae/config.json", message))?;
        let scheduler: SchedulerSettings = read(path, "scheduler/scheduler_config.json")?;
        scheduler.check().map_err(|message| wrong("scheduler/scheduler_config.json", message))?;
        if unet_config.cross_attention_dim != text.hidden_size {
            let (reads, gives) = (unet_config.cross_attention_dim, text.hidden_size);
            let message = format!("reads {reads} values of a word, and the text encoder gives {gives}");
            return Err(wrong("unet/config.json", message));
        }
        let pixels_per_value = 1_usize << (vae_config.block_out_channels.len() - 1);
        let side = u32::try_from(unet.sample_size * pixels_per_value).unwrap_or(u32::MAX);
        let diffusion = ["diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.fp16.safetensors"];
        Ok(Self {
            text_weights: weights::find(
                path,
                "text_encoder",
                ["model.safetensors", "model.fp16.safetensors"],
            )?,
            unet_weights: weights::find(path, "unet", diffusion)?,
            vae_weights: weights::find(path, "vae", diffusion)?,
            path: path.to_owned(),
            text,
            unet: unet_config,
            vae: vae_config,
            scaling_factor: vae.scaling_factor,
            pixels_per_value,
            trained_pixels: side.saturating_mul(side),
            scheduler,
        })
    }
}

/// A fault of the folder: the part of it, what is wrong with it.
pub(crate) fn wrong(part: impl Into<String>, message: impl Into<String>) -> OptionsError {
    OptionsError::Folder { part: part.into(), message: message.into() }
}

/// Reads a bounded JSON file below the folder.
pub(crate) fn read<T: DeserializeOwned>(folder: &Path, part: &str) -> Result<T, OptionsError> {
    let path = folder.join(part);
    let unreadable = |error: std::io::Error| wrong(part, format!("cannot be read: {error}"));
    let size = std::fs::metadata(&path).map_err(unreadable)?.len();
    if size > MAX_CONFIG_BYTES {
        return Err(wrong(part, format!("has {size} bytes, and at most {MAX_CONFIG_BYTES} are read")));
    }
    let bytes = std::fs::read(&path).map_err(unreadable)?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(part, error.to_string()))
}

#[cfg(test)]
mod tests;
