//! Speaks a list of lines for the check against a recogniser (`infra/voice_check.sh`), or writes text out as
//! it is said.
//!
//! `voice_check speak MODELS LINES.tsv OUT` reads lines of locale, voice and text, and leaves a WAV file for
//! each and `lines.jsonl`. `voice_check said` reads lines of locale and text from standard input.

#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::json;
use spotwright_core::domain::wav::write_wav;
use spotwright_core::ports::voice::Utterance;
use spotwright_schemas::Locale;
use spotwright_voice::{Kokoro, Options, english_as_said, mandarin_as_said};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["speak", models, lines, out] => speak(Path::new(models), Path::new(lines), Path::new(out)),
        ["said"] => said(),
        _ => bail!("usage: voice_check speak MODELS LINES.tsv OUT | voice_check said"),
    }
}

fn locale(tag: &str) -> anyhow::Result<Locale> {
    Locale::ALL
        .into_iter()
        .find(|locale| locale.tag() == tag)
        .with_context(|| format!("`{tag}` is no locale"))
}

fn as_said(locale: Locale, text: &str) -> String {
    if locale.is_chinese() { mandarin_as_said(text) } else { english_as_said(text) }
}

fn speak(models: &Path, lines: &Path, out: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(out)?;
    let kokoro = Kokoro::new(Options { models: models.to_owned(), cache: None, threads: 1 })?;
    let mut list = std::fs::File::create(out.join("lines.jsonl"))?;
    for (idx, line) in std::fs::read_to_string(lines)?.lines().filter(|line| !line.is_empty()).enumerate() {
        let parts: Vec<&str> = line.split('\t').collect();
        let [tag, voice, text] = parts[..] else { bail!("line {}: three columns are needed", idx + 1) };
        let locale = locale(tag)?;
        let utterance = Utterance {
            text: text.to_owned(),
            locale,
            voice: voice.to_owned(),
            speed: 1.0,
            pronunciations: Vec::new(),
        };
        let (clock, before) = (Instant::now(), processor_seconds());
        let spoken = kokoro.speak_blocking(&utterance)?;
        let file = PathBuf::from(format!("{idx:03}.wav"));
        std::fs::write(out.join(&file), write_wav(&spoken.pcm, spoken.rate))?;
        let told = json!({
            "file": file,
            "locale": tag,
            "voice": spoken.voice,
            "text": text,
            "said": as_said(locale, text),
            "seconds": spoken.seconds(),
            "processor_seconds": processor_seconds() - before,
            "wall_seconds": clock.elapsed().as_secs_f64(),
            "words": spoken.words,
            "why": spoken.why.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        writeln!(list, "{told}")?;
    }
    Ok(())
}

fn said() -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (tag, text) = line.split_once('\t').context("two columns are needed")?;
        writeln!(out, "{}", as_said(locale(tag)?, text))?;
    }
    Ok(())
}

/// User and system time of this process, in seconds, where the system tells.
fn processor_seconds() -> f64 {
    let Ok(text) = std::fs::read_to_string("/proc/self/stat") else { return 0.0 };
    let Some((_, rest)) = text.rsplit_once(')') else { return 0.0 };
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    // The kernel counts in hundredths of a second.
    (ticks(11) + ticks(12)) / 100.0
}
