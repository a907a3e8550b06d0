//! `spotwright doctor --video`: whether the configured sources of clips answer, and what they can do.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clip_source::{
    Ability, Capabilities, ClipRequest, ClipSource, ClipTask, Inputs, Leavable, Licence,
};
use spotwright_core::ports::clock::{Clock, SystemClock};
use spotwright_render::Studio;
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::storyboard::FrameSize;
use spotwright_store::folder::FolderArtifacts;

use super::{Machine, print_json, print_text};
use crate::config::Config;
use crate::video_sources;

/// What was found out of one source.
#[derive(Debug, Serialize)]
struct Found {
    name: String,
    /// Whether it answered a question that costs nothing.
    answers: bool,
    /// What it said where it did not.
    error: Option<String>,
    /// What its owner should know.
    notice: Option<&'static str>,
    capabilities: Capabilities,
    licence: Licence,
    /// What 5 seconds of 720 × 1280 from words would cost at most, or why it cannot make them.
    quote: String,
}

/// Asks every source about a job that nobody has ordered. True when all answer.
///
/// # Errors
/// [`Code::Option`] for settings of a source that cannot be used.
pub async fn execute(config: &Config, as_json: bool) -> Result<bool, Problem> {
    let scratch = tempfile::tempdir().map_err(|error| Problem::new(Code::Store, "", error.to_string()))?;
    let artifacts: Arc<dyn ArtifactStore> = Arc::new(
        FolderArtifacts::open(scratch.path())
            .map_err(|error| Problem::new(Code::Store, "", error.to_string()))?,
    );
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut found = Vec::new();
    let studio = || {
        let folder = scratch.path().join("studio");
        let options = spotwright_render::Options { folder, ..spotwright_render::Options::default() };
        Studio::new(options, Arc::clone(&artifacts))
            .map_err(|error| Problem::new(Code::Render, "", error.to_string()))
    };
    for source in video_sources::sources(&config.video, &artifacts, &clock, &studio)? {
        let notice = config.video.sources.get(source.name()).and_then(video_sources::notice);
        found.push(Found { notice, ..ask(source.as_ref(), clock.now_micros()).await });
    }
    let good = found.iter().all(|source| source.answers);
    if as_json {
        print_json(&json!({
            "good": good,
            "sources": found,
            "seed": null,
            "version": env!("CARGO_PKG_VERSION"),
            "machine": Machine::here(),
        }));
    } else {
        print_text(&words(&found));
    }
    Ok(good)
}

async fn ask(source: &dyn ClipSource, now: i64) -> Found {
    let request = example();
    let quote = match source.quote(&request) {
        Ok(quote) => {
            format!(
                "at most {} {} (prices of {})",
                quote.at_most.to_decimal(),
                quote.currency.code(),
                quote.prices_of
            )
        }
        Err(error) => error.to_string(),
    };
    let asked = source.find(&request, &format!("doctor-{now}")).await;
    Found {
        name: source.name().to_owned(),
        answers: asked.is_ok(),
        error: asked.err().map(|error| error.to_string()),
        notice: None,
        capabilities: source.capabilities().clone(),
        licence: source.licence().clone(),
        quote,
    }
}

fn example() -> ClipRequest {
    ClipRequest {
        task: ClipTask::Generate,
        prompt: "a cup of coffee on a table".to_owned(),
        negative_prompt: String::new(),
        first_frame: None,
        last_frame: None,
        references: Vec::new(),
        camera: None,
        size: FrameSize { width: 720, height: 1280 },
        frames: 150,
        fps: 30,
        seed: 1,
        sound: false,
    }
}

/// What the source leaves away of requests that have it.
fn not_taken(can: &Capabilities) -> Vec<&'static str> {
    let Inputs { pictures_beside_first_frame, negative_prompt, seed, .. } = can.inputs;
    let all = [
        ("reference pictures beside a first frame", pictures_beside_first_frame > 0),
        (Leavable::NegativePrompt.words(), negative_prompt),
        (Leavable::Sound.words(), can.abilities.contains(&Ability::Sound)),
        (Leavable::Seed.words(), seed),
    ];
    all.into_iter().filter(|(_, is_taken)| !is_taken).map(|(what, _)| what).collect()
}

fn words(found: &[Found]) -> String {
    if found.is_empty() {
        return "no source of clips is configured: generated shots show their pictures; docs/video-backends.md says \
                how to configure one\n"
            .to_owned();
    }
    let mut text = String::new();
    for source in found {
        let mark = if source.answers { "ok  " } else { "FAIL" };
        let abilities: Vec<String> = source
            .capabilities
            .abilities
            .iter()
            .filter_map(|ability| serde_json::to_value(ability).ok()?.as_str().map(str::to_owned))
            .collect();
        text.push_str(&format!(
            "{mark} {}: {}, {}, up to {} s, {} at once\n     terms: {}; not for {}\n     5 s: {}\n",
            source.name,
            source.capabilities.model,
            abilities.join(", "),
            source.capabilities.max_seconds,
            source.capabilities.parallel,
            source.licence.name,
            if source.licence.excluded.is_empty() {
                "no territory".to_owned()
            } else {
                source.licence.excluded.join(", ")
            },
            source.quote,
        ));
        let away = not_taken(&source.capabilities);
        if !away.is_empty() {
            text.push_str(&format!("     left away of a request, and said: {}\n", away.join(", ")));
        }
        if let Some(notice) = source.notice {
            text.push_str(&format!("     note: {notice}\n"));
        }
        if let Some(error) = &source.error {
            text.push_str(&format!("     does not answer: {error}\n"));
        }
    }
    text
}
