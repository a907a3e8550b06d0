//! A click model that is exchanged while it serves.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use spotwright_core::ports::click_model::{ClickModel, ClickModelError, ObservedInput, ScoreInput};
use spotwright_schemas::explanation::Explanation;
use spotwright_schemas::outcome::Score;

use crate::error::Error;
use crate::load::{Loaded, load_version};
use crate::registry::{ModelFolder, Version};

/// The current click model of a folder of models.
///
/// Every call is answered by one model from beginning to end; an exchange takes effect for the calls
/// that begin after it. Whatever is wrong with a new version, the old one goes on serving.
pub struct HotModel {
    models: PathBuf,
    folder: ModelFolder,
    serving: RwLock<Serving>,
    /// One exchange at a time.
    exchange: Mutex<()>,
}

#[derive(Clone)]
struct Serving {
    version: Version,
    model: Arc<dyn ClickModel>,
    notice: Option<String>,
}

/// What a look at the folder came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refresh {
    /// The pointer names what serves.
    Unchanged,
    /// Another version serves from now on.
    Exchanged {
        /// Id of the model until now.
        from: String,
        /// Id of the model from now on.
        to: String,
    },
}

impl HotModel {
    /// Loads the version that the pointer below `models` names.
    ///
    /// # Errors
    /// [`Error::ModelFile`]: the pointer, the version or an encoder's file is damaged or missing. Which
    /// model scores must never depend on a broken file, so nothing takes its place.
    pub fn open(models: &Path) -> Result<Self, Error> {
        let folder = ModelFolder::below(models);
        let version = folder.current()?;
        let serving = serve(models, &folder, version)?;
        Ok(Self {
            models: models.to_path_buf(),
            folder,
            serving: RwLock::new(serving),
            exchange: Mutex::new(()),
        })
    }

    /// Serves the version that the pointer names now, once it is loaded and checked.
    ///
    /// # Errors
    /// As [`HotModel::open`]; the model that served goes on serving.
    pub fn refresh(&self) -> Result<Refresh, Error> {
        // A poisoned lock only means that another thread panicked between two whole exchanges.
        let _one = self.exchange.lock().unwrap_or_else(PoisonError::into_inner);
        let version = self.folder.current()?;
        let before = self.serving();
        if version == before.version {
            return Ok(Refresh::Unchanged);
        }
        let new = serve(&self.models, &self.folder, version)?;
        let (from, to) = (before.model.id(), new.model.id());
        *self.serving.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(Refresh::Exchanged { from, to })
    }

    /// What the user should know about which model serves.
    #[must_use]
    pub fn notice(&self) -> Option<String> {
        self.serving().notice
    }

    fn serving(&self) -> Serving {
        self.serving.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(models: &Path, folder: &ModelFolder, version: Version) -> Result<Serving, Error> {
    let installed = match &version {
        Version::Shipped => None,
        Version::Installed(hash) => Some(folder.read(hash)?),
    };
    let Loaded { model, notice } = load_version(models, installed)?;
    Ok(Serving { version, model, notice })
}

impl ClickModel for HotModel {
    fn id(&self) -> String {
        self.serving().model.id()
    }

    fn description(&self) -> String {
        self.serving().model.description()
    }

    fn score(&self, inputs: &[ScoreInput], history: &[ObservedInput]) -> Result<Vec<Score>, ClickModelError> {
        self.serving().model.score(inputs, history)
    }

    fn explain(
        &self,
        inputs: &[ObservedInput],
        history: &[ObservedInput],
    ) -> Result<Vec<Explanation>, ClickModelError> {
        self.serving().model.explain(inputs, history)
    }
}
