//! `spotwright render gallery`: every layout in every style as pictures, with a page to look at them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clock::{Clock as _, SystemClock};
use spotwright_render::{Studio, gallery};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::storyboard::{Layout, VisualStyle};
use spotwright_schemas::storyboard_file::Aspect;
use spotwright_store::folder::FolderArtifacts;

use super::{Machine, print_json, print_text};
use crate::config::Config;
use crate::sandbox;

/// Shapes of the gallery where none is named.
const ASPECTS: [Aspect; 4] = Aspect::ALL;
/// Languages of the gallery where none is named.
const LOCALES: [Locale; 2] = [Locale::ZhCn, Locale::EnUs];
/// Largest picture in bytes.
const MOST_BYTES: u64 = 64 << 20;

/// What is drawn; what is not named is drawn in all its kinds.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// Folder for the pictures and the page.
    pub out: &'a Path,
    /// Language, e.g. `zh-CN`.
    pub locale: Option<&'a str>,
    /// Shape, e.g. `9:16`.
    pub aspect: Option<&'a str>,
    /// Style, e.g. `premium`.
    pub style: Option<&'a str>,
    /// Layout, e.g. `full_bleed`.
    pub layout: Option<&'a str>,
    /// Pictures, which are shown in turn.
    pub pictures: &'a [PathBuf],
}

/// What was drawn.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Page, sheets and counts.
    #[serde(flatten)]
    pub drawn: gallery::Report,
    /// Seconds from the start to the page.
    pub wall_seconds: f64,
    /// Always null: nothing is drawn by lot.
    pub seed: Option<u64>,
    /// Version of the program.
    pub version: &'static str,
    /// The machine.
    pub machine: Machine,
}

impl Report {
    /// Prints the report for people, or as one JSON document.
    pub fn print(&self, as_json: bool) {
        if as_json {
            print_json(self);
            return;
        }
        let mut text = String::new();
        for fault in &self.drawn.refused {
            text.push_str(&format!("not drawn: {fault}\n"));
        }
        if !self.drawn.stand_ins.is_empty() {
            let kinds: Vec<&str> = self.drawn.stand_ins.iter().map(|kind| kind.as_str()).collect();
            text.push_str(&format!(
                "drawn stand-ins show: {}; name your own with `--picture`\n",
                kinds.join(", ")
            ));
        }
        let (frames, sheets) = (self.drawn.frames, self.drawn.sheets.len());
        text.push_str(&format!(
            "{frames} frames on {sheets} sheets in {:.1} s: {}\n",
            self.wall_seconds,
            self.drawn.index.display()
        ));
        print_text(&text);
    }
}

/// Draws the gallery.
///
/// # Errors
/// [`Code::Option`] for a word that names nothing; as the import for pictures; [`Code::Store`] for the folder;
/// [`Code::Render`] where drawing fails as a whole.
pub fn execute(options: &Options<'_>, config: &Config) -> Result<Report, Problem> {
    let started = SystemClock.now_micros();
    let wanted = gallery::Options {
        locales: one_or_all("--locale", options.locale, &LOCALES)?,
        aspects: one_or_all("--aspect", options.aspect, &ASPECTS)?,
        styles: one_or_all("--style", options.style, &VisualStyle::ALL)?,
        layouts: one_or_all("--layout", options.layout, &Layout::ALL)?,
        pictures: imported(options.pictures, config)?,
    };
    let unwritten = |error: &dyn std::fmt::Display| {
        Problem::new(Code::Store, "--out", format!("`{}` cannot be written: {error}", options.out.display()))
    };
    // What is worked with is gone at the end: the gallery is pictures alone.
    std::fs::create_dir_all(options.out).map_err(|error| unwritten(&error))?;
    let state = tempfile::tempdir_in(options.out).map_err(|error| unwritten(&error))?;
    let artifacts: Arc<dyn ArtifactStore> =
        Arc::new(FolderArtifacts::open(&state.path().join("artifacts")).map_err(|error| unwritten(&error))?);
    let studio = Studio::new(
        spotwright_render::Options {
            folder: state.path().join("studio"),
            ..spotwright_render::Options::default()
        },
        Arc::clone(&artifacts),
    )
    .map_err(|error| Problem::new(Code::Render, "", error.to_string()))?;
    let drawn = gallery::draw(&studio, artifacts.as_ref(), &wanted, options.out)
        .map_err(|error| Problem::new(Code::Render, "", error.to_string()))?;
    Ok(Report {
        drawn,
        wall_seconds: (SystemClock.now_micros() - started) as f64 / 1_000_000.0,
        seed: None,
        version: env!("CARGO_PKG_VERSION"),
        machine: Machine::here(),
    })
}

/// The one that a word names as storyboards write it, or all.
fn one_or_all<T: DeserializeOwned + Serialize + Copy + PartialEq>(
    option: &str,
    word: Option<&str>,
    all: &[T],
) -> Result<Vec<T>, Problem> {
    let Some(word) = word else { return Ok(all.to_vec()) };
    let named: Option<T> = serde_json::from_value(word.into()).ok();
    if let Some(named) = named.filter(|named| all.contains(named)) {
        return Ok(vec![named]);
    }
    let known: Vec<String> =
        all.iter().filter_map(|one| serde_json::to_value(one).ok()?.as_str().map(str::to_owned)).collect();
    Err(Problem::new(Code::Option, option, format!("`{word}` is none of {}", known.join(", "))))
}

/// The pictures, made safe.
fn imported(files: &[PathBuf], config: &Config) -> Result<Vec<Vec<u8>>, Problem> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let import = sandbox::pictures(&config.sandbox)?;
    let mut pictures = Vec::with_capacity(files.len());
    for file in files {
        let shown = file.display();
        let wrong = |what: String| Problem::new(Code::Option, "--picture", format!("`{shown}` {what}"));
        let length =
            std::fs::metadata(file).map_err(|error| wrong(format!("cannot be read: {error}")))?.len();
        if length > MOST_BYTES {
            return Err(wrong(format!("has {length} bytes; {MOST_BYTES} are accepted")));
        }
        let bytes = std::fs::read(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
        pictures.push(import.import(&bytes, "--picture")?.png);
    }
    Ok(pictures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_names_one_and_no_word_names_all() {
        assert_eq!(one_or_all("--aspect", Some("1:1"), &ASPECTS).expect("one"), [Aspect::Square]);
        assert_eq!(one_or_all("--style", None, &VisualStyle::ALL).expect("all").len(), 6);
        let problem = one_or_all("--layout", Some("collage"), &Layout::ALL).expect_err("none");
        assert_eq!((problem.code, problem.field.as_str()), (Code::Option, "--layout"));
        assert!(problem.message.contains("full_bleed"), "{problem}");
    }
}
