//! Draws the gallery without the rest of the program, to be looked at while the studio is worked on.
//!
//! `gallery OUT [locale=zh-CN] [aspect=4:5] [style=premium] [layout=poster] [picture=FILE]…`: what is not named is
//! drawn in all its kinds; `style`, `layout`, `aspect` and `locale` may come again. Pictures are read as they are.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use spotwright_render::{Options, Studio, gallery, picture};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::storyboard::{Layout, VisualStyle};
use spotwright_schemas::storyboard_file::Aspect;

#[path = "../tests/common/mod.rs"]
#[expect(dead_code, reason = "tests and the contact sheet use the rest")]
mod common;

fn word<T: DeserializeOwned>(value: &str) -> Result<T> {
    serde_json::from_value(value.into()).with_context(|| format!("`{value}` names nothing"))
}

fn all<T: Copy>(named: Vec<T>, every: &[T]) -> Vec<T> {
    if named.is_empty() { every.to_vec() } else { named }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let out = PathBuf::from(arguments.next().context("name an output folder")?);
    let (mut locales, mut aspects, mut styles, mut layouts) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut pictures = Vec::new();
    for argument in arguments {
        let (name, value) = argument.split_once('=').context("options are name=value")?;
        match name {
            "locale" => locales.push(word::<Locale>(value)?),
            "aspect" => aspects.push(word::<Aspect>(value)?),
            "style" => styles.push(word::<VisualStyle>(value)?),
            "layout" => layouts.push(word::<Layout>(value)?),
            "picture" => pictures.push(picture::import(&std::fs::read(value)?, value)?.png),
            _ => bail!("unknown option `{name}`"),
        }
    }
    let options = gallery::Options {
        locales: all(locales, &[Locale::ZhCn, Locale::EnUs]),
        aspects: all(aspects, &Aspect::ALL),
        styles: all(styles, &VisualStyle::ALL),
        layouts: all(layouts, &Layout::ALL),
        pictures,
    };
    let state = tempfile::tempdir()?;
    let objects = state.path().join("objects");
    std::fs::create_dir_all(&objects)?;
    let store = Arc::new(common::FolderStore(objects));
    let studio =
        Studio::new(Options { folder: state.path().join("studio"), ..Options::default() }, store.clone())?;
    std::fs::create_dir_all(&out)?;
    let report = gallery::draw(&studio, store.as_ref(), &options, &out)?;
    eprintln!("{} frames, {} refused: {}", report.frames, report.refused.len(), report.index.display());
    for fault in report.refused {
        eprintln!("refused: {fault}");
    }
    Ok(())
}
