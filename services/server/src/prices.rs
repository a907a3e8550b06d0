//! What runs would cost, by the providers of the configuration.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use spotwright_core::domain::estimate::Quotes;
use spotwright_core::domain::run::NewRun;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clock::{Clock, SystemClock};
use spotwright_core::ports::language_model::LanguageModel;
use spotwright_core::ports::run_prices::RunPrices;
use spotwright_creative::copy_engine::CopyEngine;
use spotwright_creative::workflow::Prospect;
use spotwright_render::Studio;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;

use crate::config::{Config, Provider};
use crate::video_sources;
use crate::wiring::{World, language_model};

/// Quotes of the configured providers.
pub struct Prices {
    prospect: Prospect,
    /// What runs in sandboxes would cost: they are worked on by nobody who charges.
    sandbox: Prospect,
}

impl Prices {
    fn new(prospect: Prospect) -> Self {
        let sandbox = Prospect {
            language_model: Arc::new(CopyEngine),
            video: Arc::clone(&prospect.video),
            clips: Vec::new(),
        };
        Self { prospect, sandbox }
    }
}

impl Prices {
    /// The prices of a world that works on runs.
    #[must_use]
    pub fn of(world: &World) -> Self {
        let clips = world.footage.as_ref().map(|footage| footage.clips.clone()).unwrap_or_default();
        Self::new(Prospect {
            language_model: Arc::clone(&world.language_model),
            video: Arc::clone(&world.video),
            clips,
        })
    }

    /// The prices of a process that takes orders and may not work on them.
    ///
    /// # Errors
    /// [`Code::Option`] for settings that no provider can be asked with.
    pub fn configured(
        config: &Config,
        artifacts: &Arc<dyn ArtifactStore>,
        studio: &Studio,
    ) -> Result<Self, Problem> {
        let language_model: Arc<dyn LanguageModel> = match config.llm.provider {
            Provider::Openai => language_model(config, Path::new(""))?,
            // The embedded model charges as little as the copy engine, and need not be loaded to say so.
            Provider::Engine | Provider::Gguf => Arc::new(CopyEngine),
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let clips = video_sources::sources(&config.video, artifacts, &clock, &|| Ok(studio.clone()))?;
        Ok(Self::new(Prospect { language_model, video: Arc::new(studio.clone()), clips }))
    }
}

#[async_trait]
impl RunPrices for Prices {
    /// Scripts are written on the way, which is work for a thread of its own.
    async fn quotes(&self, run: &NewRun) -> Result<Quotes, Problem> {
        let prospect = if run.organization.is_sandbox() { &self.sandbox } else { &self.prospect };
        let (prospect, run) = (prospect.clone(), run.clone());
        let handle = tokio::runtime::Handle::current();
        tokio::task::spawn_blocking(move || handle.block_on(prospect.quotes(&run)))
            .await
            .map_err(|error| Problem::new(Code::Internal, "", error.to_string()))?
    }
}
