//! Files generated from the Rust types, checked in under `schemas/generated/`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use schemars::{JsonSchema, schema_for};
use spotwright_schemas::{
    brief, error, event, explanation, launch, outcome, script, storyboard, storyboard_file,
};

/// Writes, or with `check` compares, every generated file.
pub(crate) fn run(top: &Path, check: bool) -> anyhow::Result<()> {
    let folder = top.join("schemas/generated");
    let wanted = files()?;
    let mut stale = Vec::new();
    for (name, content) in &wanted {
        let path = folder.join(name);
        if fs::read_to_string(&path).ok().as_deref() == Some(content) {
            continue;
        }
        stale.push(name.clone());
        if !check {
            fs::create_dir_all(&folder)?;
            fs::write(&path, content).with_context(|| path.display().to_string())?;
        }
    }
    for entry in fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !wanted.contains_key(&name) {
            stale.push(name.clone());
            if !check {
                fs::remove_file(folder.join(&name))?;
            }
        }
    }
    if check && !stale.is_empty() {
        bail!("stale generated files (run `cargo xtask codegen`): {}", stale.join(", "));
    }
    eprintln!("codegen: {} files, {} changed", wanted.len(), stale.len());
    Ok(())
}

fn files() -> anyhow::Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    schema::<brief::Brief>(&mut files, "brief")?;
    schema::<script::Script>(&mut files, "script")?;
    schema::<storyboard::Storyboard>(&mut files, "storyboard")?;
    schema::<storyboard_file::StoryboardFile>(&mut files, "storyboard-file")?;
    schema::<outcome::Winners>(&mut files, "winners")?;
    schema::<explanation::Explanations>(&mut files, "explanations")?;
    schema::<outcome::TraceLine>(&mut files, "trace-line")?;
    schema::<event::Event>(&mut files, "event")?;
    schema::<launch::Manifest>(&mut files, "launch-manifest")?;
    schema::<spotwright_server::config::Config>(&mut files, "config")?;
    files.insert("openapi.json".to_owned(), spotwright_api::openapi::document_text());
    let bus = spotwright_server::asyncapi::document_text().map_err(anyhow::Error::msg)?;
    files.insert("asyncapi.yaml".to_owned(), bus);
    let mut codes = String::from("# Error codes\n\nEvery code has a page beside this list.\n\n");
    for code in error::Code::ALL {
        let title = code.page().lines().next().unwrap_or_default().trim_start_matches("# ");
        codes.push_str(&format!("- [{title}](../../docs/errors/{code}.md)\n"));
    }
    files.insert("error-codes.md".to_owned(), codes);
    Ok(files)
}

fn schema<T: JsonSchema>(files: &mut BTreeMap<String, String>, name: &str) -> anyhow::Result<()> {
    let text = serde_json::to_string_pretty(&schema_for!(T))?;
    files.insert(format!("{name}.schema.json"), text + "\n");
    Ok(())
}
