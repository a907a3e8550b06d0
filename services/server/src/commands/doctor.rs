//! `spotwright doctor`: what is installed and what is missing.

use std::sync::Arc;

use serde_json::json;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::click_model::ClickModel as _;
use spotwright_render::{self as studio, Studio};
use spotwright_store::folder::FolderArtifacts;

use super::{Machine, doctor_sandbox, print_json, print_text};
use crate::config::Config;

/// Looks at fonts, encoders and models. True when the main job can be done.
#[must_use]
pub fn execute(config: &Config, json: bool) -> bool {
    let scratch = std::env::temp_dir().join(format!("spotwright-doctor-{}", std::process::id()));
    let studio = FolderArtifacts::open(&scratch.join("artifacts"))
        .map_err(|error| error.to_string())
        .and_then(|artifacts| {
            let artifacts: Arc<dyn ArtifactStore> = Arc::new(artifacts);
            let options = studio::Options { folder: scratch.join("studio"), ..studio::Options::default() };
            Studio::new(options, artifacts).map_err(|error| error.to_string())
        });
    let absent = studio.as_ref().map_or_else(|_| Vec::new(), |studio| studio.letters().absent().to_vec());
    drop(std::fs::remove_dir_all(&scratch));
    let models = config.model_folder();
    let scoring = spotwright_scoring::hot::HotModel::open(&models);
    let scoring = match scoring {
        Ok(model) => Ok(model.notice().unwrap_or_else(|| model.id())),
        Err(error) => Err(error.to_string()),
    };
    let voice_files = spotwright_voice::missing_files(&models);
    let smollm = models.join("smollm2-135m-instruct/SmolLM2-135M-Instruct.Q4_1.gguf").is_file();
    let caged = doctor_sandbox::attempt(&config.sandbox);
    let good = studio.is_ok() && scoring.is_ok() && caged.is_good();
    if json {
        print_json(&json!({
            "good": good,
            "studio": studio.as_ref().err(),
            "fonts_missing": absent,
            "sandbox": caged.document(),
            "click_model": scoring.as_ref().ok(),
            "click_model_error": scoring.as_ref().err(),
            "language_model_file": smollm,
            "voices": voice_names(&models),
            "voice_files_missing": voice_files,
            "voice_enabled": config.voice.enabled,
            "models_folder": models,
            "version": env!("CARGO_PKG_VERSION"),
            "machine": Machine::here(),
        }));
        return good;
    }
    let mark = |good: bool| if good { "ok  " } else { "FAIL" };
    let text = studio.as_ref().err().cloned().unwrap_or_else(|| "fonts and folders are in order".to_owned());
    print_text(&format!("{} studio: {text}\n", mark(studio.is_ok())));
    if !absent.is_empty() {
        let names = absent.join(", ");
        print_text(&format!(
            "ok   fonts that are not installed: {names}; texts that need them are refused (packages fonts-noto-core, fonts-noto-color-emoji)\n"
        ));
    }
    print_text(&format!("{} sandbox: {}\n", mark(caged.is_good()), caged.text()));
    let (Ok(text) | Err(text)) = &scoring;
    print_text(&format!("{} click model: {text}\n", mark(scoring.is_ok())));
    let text = if smollm { "installed" } else { "not installed; only needed for llm.provider = \"gguf\"" };
    print_text(&format!("ok   embedded language model: {text}\n"));
    let text = match (config.voice.enabled, voice_files.first()) {
        (false, _) => "switched off by `voice.enabled`".to_owned(),
        (true, None) => format!("installed: {}", voice_names(&models).join(", ")),
        (true, Some(file)) => {
            format!("not installed (`{}` is missing); ads have captions and music", file.display())
        }
    };
    print_text(&format!("ok   voices: {text}\n"));
    if config.voice.enabled && !config.voice.base_url.is_empty() {
        print_text("ok   voice server: asked before the installed voices\n");
    }
    good
}

/// The installed voices with their languages.
fn voice_names(models: &std::path::Path) -> Vec<String> {
    let voices = spotwright_voice::installed_voices(models);
    voices.into_iter().map(|(name, locale)| format!("{name} ({})", locale.tag())).collect()
}
