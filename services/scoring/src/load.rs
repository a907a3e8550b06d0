//! The shipped models.

use std::path::Path;
use std::sync::Arc;

use spotwright_core::ports::click_model::ClickModel;

use crate::encoder::{CachedEncoder, HashedEncoder, PretrainedEncoder, TextEncoder};
use crate::error::Error;
use crate::last_layer::LastLayer;
use crate::model::RidgeClickModel;

const MINILM_LAYER: &[u8] = include_bytes!("../models/minilm-ridge.safetensors");
const HASHED_LAYER: &[u8] = include_bytes!("../models/hashed-ridge.safetensors");

/// Card of the model on MiniLM vectors: data, settings, metrics and limits, as JSON.
pub const MINILM_CARD: &str = include_str!("../models/minilm-ridge.card.json");
/// Card of the model on hashed vectors.
pub const HASHED_CARD: &str = include_str!("../models/hashed-ridge.card.json");

/// A model that is ready to score.
#[derive(Clone)]
pub struct Loaded {
    /// The model.
    pub model: Arc<dyn ClickModel>,
    /// What the user should know about which model this is; `None` when it is the best one.
    pub notice: Option<String>,
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Loaded").field("model", &self.model.id()).field("notice", &self.notice).finish()
    }
}

/// Loads the shipped click model.
///
/// `model_folder` is the folder that holds `model.safetensors`, `tokenizer.json` and `config.json`
/// of all-MiniLM-L6-v2 themselves. With them, the model reads headlines through MiniLM. Without a
/// folder, or when it does not exist or holds none of the three files, it reads them through hashed
/// features, and `notice` says so. A folder with some or damaged files is an error: which model
/// scores must never depend on a broken download.
///
/// # Errors
/// [`Error::ModelFile`] (`SW0701`, permanent): a file is missing beside others, unreadable, or not
/// the pinned one.
pub fn load(model_folder: Option<&Path>) -> Result<Loaded, Error> {
    let (model, notice) = load_ridge(model_folder)?;
    Ok(Loaded { model, notice })
}

/// As [`load`], for callers that ask more of the model than its port offers.
///
/// # Errors
/// As [`load`].
pub fn load_ridge(model_folder: Option<&Path>) -> Result<(Arc<RidgeClickModel>, Option<String>), Error> {
    let present = model_folder.filter(|folder| {
        crate::encoder::PRETRAINED_FILES.iter().any(|name| folder.join(name).symlink_metadata().is_ok())
    });
    if let Some(folder) = present {
        let encoder: Arc<dyn TextEncoder> = Arc::new(CachedEncoder::new(PretrainedEncoder::minilm(folder)?));
        return Ok((shipped(encoder, MINILM_LAYER, "minilm-ridge.safetensors")?, None));
    }
    let place = model_folder.map_or_else(
        || "no folder for the text model is configured".to_owned(),
        |folder| format!("no text model was found in {}", folder.display()),
    );
    let notice = format!(
        "{place}, so scores come from hashed text features, which rank headlines less well; run \
         `./infra/setup.sh` to install all-MiniLM-L6-v2"
    );
    let encoder = Arc::new(CachedEncoder::new(HashedEncoder));
    Ok((shipped(encoder, HASHED_LAYER, "hashed-ridge.safetensors")?, Some(notice)))
}

fn shipped(encoder: Arc<dyn TextEncoder>, bytes: &[u8], name: &str) -> Result<Arc<RidgeClickModel>, Error> {
    let layer = LastLayer::from_bytes(bytes, name)?;
    Ok(Arc::new(RidgeClickModel::new(encoder, layer, &blake3::hash(bytes))?))
}
