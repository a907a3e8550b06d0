//! The shipped models.

use std::path::Path;
use std::sync::Arc;

use spotwright_core::ports::click_model::ClickModel;

use crate::by_locale::ClickModelByLocale;
use crate::encoder::{
    CachedEncoder, DeferredE5, E5_FILE, E5Encoder, HashedEncoder, PretrainedEncoder, SERVING_CACHE_BYTES,
    TextEncoder,
};
use crate::error::Error;
use crate::last_layer::LastLayer;
use crate::model::RidgeClickModel;
use crate::registry::Checked;

const MINILM_LAYER: &[u8] = include_bytes!("../models/minilm-ridge.safetensors");
const E5_LAYER: &[u8] = include_bytes!("../models/e5-ridge.safetensors");
const HASHED_LAYER: &[u8] = include_bytes!("../models/hashed-ridge.safetensors");

/// Card of the model on MiniLM vectors: data, settings, metrics and limits, as JSON.
pub const MINILM_CARD: &str = include_str!("../models/minilm-ridge.card.json");
/// Card of the model on multilingual-e5-small vectors.
pub const E5_CARD: &str = include_str!("../models/e5-ridge.card.json");
/// Card of the model on hashed vectors.
pub const HASHED_CARD: &str = include_str!("../models/hashed-ridge.card.json");

/// Folder of all-MiniLM-L6-v2 below the folder of models.
pub const MINILM_FOLDER: &str = "all-minilm-l6-v2";
/// Folder of all-mpnet-base-v2 below the folder of models.
pub const MPNET_FOLDER: &str = "all-mpnet-base-v2";
/// Folder of multilingual-e5-small below the folder of models.
pub const E5_FOLDER: &str = "multilingual-e5-small";

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

/// Loads the shipped click models of all languages from `models`, the folder that holds one folder
/// per encoder.
///
/// English texts go to [`load`] of the folder [`MINILM_FOLDER`]. Chinese texts are read by meaning
/// through multilingual-e5-small where [`E5_FOLDER`] holds it; it is read when the first Chinese
/// text comes. Where it is not installed, they go to the model of the English texts, and `notice`
/// says so.
///
/// # Errors
/// As [`load`]. A damaged file of multilingual-e5-small is an error of the first score of a Chinese
/// text, for the same reason.
pub fn load_all(models: &Path) -> Result<Loaded, Error> {
    load_version(models, None)
}

/// As [`load_all`], with an installed model in the place of the shipped one for English texts.
///
/// # Errors
/// As [`load_all`]; also when the installed model's encoder is unknown or not there.
pub fn load_version(models: &Path, installed: Option<Checked>) -> Result<Loaded, Error> {
    let english = match installed {
        None => load(Some(&models.join(MINILM_FOLDER)))?,
        Some(Checked { layer, hash, .. }) => {
            let encoder = encoder_of(layer.encoder(), models)?;
            let model = Arc::new(RidgeClickModel::new(encoder, layer, &hash)?);
            Loaded { model, notice: None }
        }
    };
    let folder = models.join(E5_FOLDER);
    if folder.join(E5_FILE).symlink_metadata().is_ok() {
        let encoder: Arc<dyn TextEncoder> = Arc::new(CachedEncoder::new(DeferredE5::new(folder)));
        let chinese: Arc<dyn ClickModel> = Arc::new(e5_ridge(encoder)?);
        let model = Arc::new(ClickModelByLocale::new(english.model, chinese));
        return Ok(Loaded { model, notice: english.notice });
    }
    let missing = format!(
        "no multilingual text model was found in {}, so Chinese texts are scored by a model made for \
         English; run `./infra/setup.sh` to install multilingual-e5-small",
        folder.display()
    );
    let notice = match english.notice {
        Some(notice) => format!("{notice}; {missing}"),
        None => missing,
    };
    Ok(Loaded { model: english.model, notice: Some(notice) })
}

/// The encoder that a model file names, from its folder below `models`.
fn encoder_of(name: &str, models: &Path) -> Result<Arc<dyn TextEncoder>, Error> {
    Ok(match name {
        "hashed" => Arc::new(CachedEncoder::new(HashedEncoder)),
        "minilm" => Arc::new(CachedEncoder::new(PretrainedEncoder::minilm(&models.join(MINILM_FOLDER))?)),
        "mpnet" => Arc::new(CachedEncoder::new(PretrainedEncoder::mpnet(&models.join(MPNET_FOLDER))?)),
        "e5" => Arc::new(CachedEncoder::new(E5Encoder::load(&models.join(E5_FOLDER))?)),
        other => {
            let message = format!("made for the encoder `{other:.60}`, which cannot be served");
            return Err(Error::model_file("installed model", message));
        }
    })
}

/// The click model on multilingual-e5-small, for texts of any language; `folder` holds its file.
///
/// # Errors
/// [`Error::ModelFile`]: the file is missing, unreadable or not the pinned one.
pub fn load_multilingual(folder: &Path) -> Result<RidgeClickModel, Error> {
    e5_ridge(Arc::new(CachedEncoder::new(E5Encoder::load(folder)?)))
}

fn e5_ridge(encoder: Arc<dyn TextEncoder>) -> Result<RidgeClickModel, Error> {
    let layer = LastLayer::from_bytes(E5_LAYER, "e5-ridge.safetensors")?;
    RidgeClickModel::new(encoder, layer, &blake3::hash(E5_LAYER))
}

/// Loads the shipped click model for English texts.
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
    let (model, notice) = load_ridge(model_folder, SERVING_CACHE_BYTES)?;
    Ok(Loaded { model, notice })
}

/// As [`load`], for callers that ask more of the model than its port offers; vectors of texts fill
/// about `cache_bytes`.
///
/// # Errors
/// As [`load`].
pub fn load_ridge(
    model_folder: Option<&Path>,
    cache_bytes: usize,
) -> Result<(Arc<RidgeClickModel>, Option<String>), Error> {
    let present = model_folder.filter(|folder| {
        crate::encoder::PRETRAINED_FILES.iter().any(|name| folder.join(name).symlink_metadata().is_ok())
    });
    if let Some(folder) = present {
        let encoder = Arc::new(CachedEncoder::with_bytes(PretrainedEncoder::minilm(folder)?, cache_bytes));
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
    let encoder = Arc::new(CachedEncoder::with_bytes(HashedEncoder, cache_bytes));
    Ok((shipped(encoder, HASHED_LAYER, "hashed-ridge.safetensors")?, Some(notice)))
}

fn shipped(encoder: Arc<dyn TextEncoder>, bytes: &[u8], name: &str) -> Result<Arc<RidgeClickModel>, Error> {
    let layer = LastLayer::from_bytes(bytes, name)?;
    Ok(Arc::new(RidgeClickModel::new(encoder, layer, &blake3::hash(bytes))?))
}
