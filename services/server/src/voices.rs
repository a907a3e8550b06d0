//! Who speaks: the configured voices, and what a run is told of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use spotwright_core::domain::reason::VoiceReason;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::voice::Voice;
use spotwright_creative::workflow::VoicePorts;
use spotwright_llm::openai;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_voice::{Chain, Hibari, HttpOptions, HttpVoice, Kokoro, Options};

use crate::commands::processors;
use crate::config::{Config, VoiceSettings};
use crate::outputs::FinishedRun;
use crate::words::{VOICE_NOT_INSTALLED, Words};

/// The voices of a configuration in the order in which they are asked, and why there are no more.
pub(crate) struct Voices {
    pub(crate) chain: Vec<Arc<dyn Voice>>,
    /// Why the installed voices do not speak, with the file that is missing.
    pub(crate) missing: Option<String>,
}

/// Sets the voices up. `cache` is where spoken sentences are kept.
///
/// # Errors
/// [`Code::Option`] for a server's address that is none.
pub(crate) fn voices(config: &Config, cache: Option<&Path>) -> Result<Voices, Problem> {
    let mut chain: Vec<Arc<dyn Voice>> = Vec::new();
    if !config.voice.base_url.is_empty() {
        chain.push(Arc::new(server(&config.voice)?));
    }
    let options =
        Options { models: config.model_folder(), cache: cache.map(Path::to_owned), threads: processors() };
    let small = Hibari::new(&options.models);
    let missing = match Kokoro::new(options) {
        Ok(kokoro) => {
            chain.push(Arc::new(kokoro));
            None
        }
        Err(error) => Some(error.to_string()),
    };
    if let Ok(small) = small {
        chain.push(Arc::new(small));
    }
    Ok(Voices { chain, missing })
}

fn server(settings: &VoiceSettings) -> Result<HttpVoice, Problem> {
    let timeout = Duration::from_millis(settings.timeout_ms);
    let client = openai::build_client(&settings.base_url, timeout)
        .map_err(|error| Problem::new(Code::Option, "voice.base_url", error.to_string()))?;
    let options = HttpOptions {
        base_url: settings.base_url.clone(),
        api_key: settings.api_key.clone(),
        model: settings.model.clone(),
        voice: settings.name.clone(),
        timeout,
    };
    Ok(HttpVoice::new(options, client))
}

/// What the agent speaks with, and what the user is told where nobody can.
///
/// # Errors
/// As [`voices`].
pub(crate) fn ports(
    config: &Config,
    artifacts: &Arc<dyn ArtifactStore>,
    folder: &Path,
) -> Result<(Option<VoicePorts>, Option<String>), Problem> {
    if !config.voice.enabled {
        return Ok((None, None));
    }
    let Voices { chain, missing } = voices(config, Some(&folder.join("voice")))?;
    if chain.is_empty() {
        tracing::info!(reason = missing, "no voice is installed: ads have captions and music");
        return Ok((None, Some(VOICE_NOT_INSTALLED.to_owned())));
    }
    let ports = VoicePorts { voice: Arc::new(Chain::new(chain)), artifacts: Arc::clone(artifacts) };
    Ok((Some(ports), None))
}

/// How the winners of a run speak.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VoiceSummary {
    /// Spoken lines of all winners together.
    pub spoken_lines: usize,
    /// Lines of winners that should have been spoken and are not.
    pub silent_lines: usize,
    /// Engine and voice of those who spoke, e.g. `kokoro/af_heart`.
    pub speakers: Vec<String>,
    /// Why lines are silent, or were spoken otherwise than asked; each reason once.
    pub why: Vec<VoiceReason>,
}

impl VoiceSummary {
    /// What was spoken in the winners of a run; `None` where no voice was asked.
    #[must_use]
    pub fn of(finished: &FinishedRun) -> Option<Self> {
        let mut summary = Self { spoken_lines: 0, silent_lines: 0, speakers: Vec::new(), why: Vec::new() };
        let mut asked = false;
        for variant in finished.shown().winners() {
            let Some(report) = &variant.body.voice else { continue };
            asked = true;
            let wanted =
                variant.body.script.lines.iter().filter(|line| !line.voice.trim().is_empty()).count();
            summary.spoken_lines += report.lines.len();
            summary.silent_lines += wanted.saturating_sub(report.lines.len());
            for line in &report.lines {
                once(&mut summary.speakers, &format!("{}/{}", line.engine, line.voice));
                line.why.iter().for_each(|why| once(&mut summary.why, why));
            }
            report.why.iter().for_each(|why| once(&mut summary.why, why));
        }
        asked.then_some(summary)
    }
}

fn once<T: Clone + PartialEq>(list: &mut Vec<T>, new: &T) {
    if !list.contains(new) {
        list.push(new.clone());
    }
}

/// Sentences on who speaks in a run's winners, and on lines that nobody speaks.
#[must_use]
pub(crate) fn notices(finished: &FinishedRun, words: &Words) -> Vec<String> {
    VoiceSummary::of(finished).map(|summary| (words.voice)(&summary)).into_iter().collect()
}
