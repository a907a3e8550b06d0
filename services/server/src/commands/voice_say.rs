//! `spotwright voice say`: one spoken line, for trying voices.

use std::path::Path;

use serde_json::json;
use spotwright_core::domain::wav::write_wav;
use spotwright_core::ports::voice::{SPEEDS, Utterance, Voice as _, VoiceError};
use spotwright_schemas::error::Code;
use spotwright_schemas::{Locale, Problem};
use spotwright_voice::{Chain, english_as_said, mandarin_as_said};

use super::{Machine, print_json, print_text};
use crate::config::Config;
use crate::voices::{Voices, voices};

/// What is to be said.
pub struct Options<'a> {
    /// The line.
    pub text: &'a str,
    /// `zh-CN`, `en-US` or `en-GB`; `zh` and `en` stand for the first of each.
    pub locale: &'a str,
    /// Name of the voice; the language's own without it.
    pub voice: Option<&'a str>,
    /// Pace.
    pub speed: f64,
    /// The WAV file.
    pub out: &'a Path,
    /// Print one JSON document.
    pub json: bool,
}

/// Speaks a line into a WAV file.
///
/// # Errors
/// [`Code::Option`] for a locale or pace that is none, or a line that cannot be spoken;
/// [`Code::Prerequisite`] where nobody can speak; [`Code::OutputFolder`] where the file cannot be written.
pub async fn execute(options: &Options<'_>, config: &Config) -> Result<(), Problem> {
    let locale = match options.locale {
        "zh" | "zh-CN" => Locale::ZhCn,
        "en" | "en-US" => Locale::EnUs,
        "en-GB" => Locale::EnGb,
        other => {
            let message =
                format!("`{other}` is no language that is spoken; there are zh-CN, en-US and en-GB");
            return Err(Problem::new(Code::Option, "--locale", message));
        }
    };
    if !(SPEEDS[0]..=SPEEDS[1]).contains(&options.speed) {
        let message = format!("must be within {} and {}", SPEEDS[0], SPEEDS[1]);
        return Err(Problem::new(Code::Option, "--speed", message));
    }
    let Voices { chain, missing } = voices(config, None)?;
    if let (true, Some(missing)) = (chain.is_empty(), missing) {
        return Err(Problem::new(Code::Prerequisite, "", missing));
    }
    let utterance = Utterance {
        text: options.text.to_owned(),
        locale,
        voice: options.voice.unwrap_or_default().to_owned(),
        speed: options.speed,
        pronunciations: Vec::new(),
    };
    let spoken = Chain::new(chain).speak(&utterance).await.map_err(|error| match error {
        VoiceError::Unavailable(why) => Problem::new(Code::Prerequisite, "", why.to_string()),
        VoiceError::NoRoom(why) => Problem::new(Code::Prerequisite, "", why),
        VoiceError::Impossible(why) => Problem::new(Code::Option, "TEXT", why.to_string()),
    })?;
    std::fs::write(options.out, write_wav(&spoken.pcm, spoken.rate)).map_err(|error| {
        Problem::new(Code::OutputFolder, "--out", format!("`{}`: {error}", options.out.display()))
    })?;
    let said =
        if locale.is_chinese() { mandarin_as_said(options.text) } else { english_as_said(options.text) };
    if options.json {
        print_json(&json!({
            "out": options.out,
            "said": said,
            "seconds": spoken.seconds(),
            "rate": spoken.rate,
            "words": spoken.words,
            "engine": spoken.engine,
            "voice": spoken.voice,
            "speed": spoken.speed,
            "why": spoken.why.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "seed": serde_json::Value::Null,
            "version": env!("CARGO_PKG_VERSION"),
            "machine": Machine::here(),
        }));
        return Ok(());
    }
    let mut text = format!(
        "{}: {:.2} s by {}/{}\n{said}\n",
        options.out.display(),
        spoken.seconds(),
        spoken.engine,
        spoken.voice
    );
    for word in &spoken.words {
        text.push_str(&format!("{:>6} – {:>6} ms  {}\n", word.start_ms, word.end_ms, word.text));
    }
    for why in &spoken.why {
        text.push_str(&format!("note: {why}\n"));
    }
    print_text(&text);
    Ok(())
}
