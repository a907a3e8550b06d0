//! `spotwright agent write`: whole scripts for briefs, nothing rendered.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use spotwright_creative::cases::for_script;
use spotwright_creative::copywriter::{Request, write};
use spotwright_creative::drafting::{Call, DraftRequest, draft_generation};
use spotwright_creative::learn::Beliefs;
use spotwright_creative::plan::plan;
use spotwright_schemas::Problem;
use spotwright_schemas::brief::Brief;
use spotwright_schemas::error::Code;
use spotwright_schemas::money::Micros;
use spotwright_schemas::script::Script;

use super::{print_json, print_text};
use crate::brief_file;
use crate::config::{Config, Provider};
use crate::standins::StandInVideo;
use crate::wiring::language_model;

/// Writes `scripts` scripts for every brief at `path`.
///
/// # Errors
/// [`Code::Option`] for a number out of range or a folder without briefs, and the first problem of
/// a brief.
pub fn execute(path: &Path, scripts: u32, seed: u64, as_json: bool) -> Result<(), Problem> {
    check_count(scripts)?;
    let mut documents: Vec<Value> = Vec::new();
    let mut text = String::new();
    for file in brief_files(path)? {
        let brief = read(&file)?;
        let request = Request { brief: &brief, scripts: scripts as usize, structures: &[], avoid: &[], seed };
        let written = write(&request);
        if as_json {
            documents.push(json!({
                "brief": brief.id,
                "asked": scripts,
                "scripts": written.iter().map(|script| script_json(&brief, script)).collect::<Vec<_>>(),
            }));
        } else {
            append(&mut text, &brief, &written, scripts);
        }
    }
    if as_json {
        print_json(&json!({ "briefs": documents, "seed": seed, "version": env!("CARGO_PKG_VERSION") }));
    } else {
        print_text(&text);
    }
    Ok(())
}

/// The same by the configured language model, with its rounds of rewriting; the copy engine fills up.
///
/// Nothing is drawn here, so no letter is found missing.
///
/// # Errors
/// As [`execute`]; [`Code::Option`] where no language model is configured, [`Code::ModelFile`] where its
/// file cannot be read.
pub async fn execute_with_model(
    path: &Path,
    scripts: u32,
    seed: u64,
    as_json: bool,
    config: &Config,
) -> Result<(), Problem> {
    check_count(scripts)?;
    if config.llm.provider == Provider::Engine {
        let message = "no language model is configured; set `llm.provider` to `openai` or `gguf`";
        return Err(Problem::new(Code::Option, "--model", message));
    }
    let model = language_model(config, &config.model_folder())?;
    let letters = StandInVideo { artifacts: None, witness: None, price: Micros::ZERO };
    let mut documents: Vec<Value> = Vec::new();
    let mut text = String::new();
    for file in brief_files(path)? {
        let brief = read(&file)?;
        let assignments = plan(&brief, 1, scripts as usize, &Beliefs::default(), seed);
        let prefix = format!("agent-write/{}/{seed}", brief.id);
        let request = DraftRequest {
            brief: &brief,
            generation: 1,
            assignments: &assignments,
            cases: &[],
            lessons: &[],
            parents: &[],
            avoid: &[],
            seed,
            key_prefix: &prefix,
        };
        let generation = draft_generation(&request, model.as_ref(), &letters).await;
        let written: Vec<Script> = generation.scripts.into_iter().map(|draft| draft.script).collect();
        if as_json {
            documents.push(json!({
                "brief": brief.id,
                "asked": scripts,
                "scripts": written.iter().map(|script| script_json(&brief, script)).collect::<Vec<_>>(),
                "calls": generation.calls,
                "dropped": generation.dropped,
            }));
        } else {
            append(&mut text, &brief, &written, scripts);
            append_calls(&mut text, &brief, &generation.calls);
        }
    }
    if as_json {
        print_json(&json!({ "briefs": documents, "seed": seed, "version": env!("CARGO_PKG_VERSION") }));
    } else {
        print_text(&text);
    }
    Ok(())
}

fn check_count(scripts: u32) -> Result<(), Problem> {
    if (1..=64).contains(&scripts) {
        return Ok(());
    }
    Err(Problem::new(Code::Option, "--scripts", "must be within 1 and 64"))
}

fn read(file: &Path) -> Result<Brief, Problem> {
    brief_file::parse(file).map_err(|problem| Problem {
        message: format!("{} ({})", problem.message, file.display()),
        ..problem
    })
}

/// What was asked of the model, what it bills, and the first thing that went wrong.
fn append_calls(text: &mut String, brief: &Brief, calls: &[Call]) {
    let cost: Micros = calls.iter().map(|call| call.cost).sum();
    let sign = brief.budget.currency.sign();
    // Writing to a string cannot fail.
    let _ = writeln!(text, "  {} calls, {sign}{}", calls.len(), cost.to_decimal());
    if let Some(error) = calls.iter().find_map(|call| call.error.as_deref()) {
        let _ = writeln!(text, "  {error}");
    }
    text.push('\n');
}

fn script_json(brief: &Brief, script: &Script) -> Value {
    let lines: Vec<Value> = script
        .lines
        .iter()
        .map(|line| {
            json!({
                "role": line.role,
                "writer": line.provenance.provider,
                "caption": line.caption,
                "detail": line.detail,
                "voice": line.voice,
                "picture": line.picture,
                "facts": line.rests_on,
                "source": line.provenance.model,
            })
        })
        .collect();
    json!({
        "idea": script.idea,
        "structure": script.structure,
        "learned_from": script.structure.and_then(|structure| for_script(brief, structure)),
        "writer": script.lines.first().map(|line| line.provenance.provider.as_str()),
        "lines": lines,
        "call_to_action": brief.call_to_action.label(brief.locale),
        "primary_text": script.primary_text,
    })
}

fn append(text: &mut String, brief: &Brief, written: &[Script], asked: u32) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{} ({}): {} of {asked} scripts", brief.id, brief.locale.tag(), written.len());
    for (idx, script) in written.iter().enumerate() {
        let structure = script.structure.map_or("", spotwright_schemas::script::Structure::as_str);
        let _ = writeln!(text, "\n  {}. {structure}", idx + 1);
        for line in &script.lines {
            let detail =
                if line.detail.is_empty() { String::new() } else { format!("  ·  {}", line.detail) };
            let _ = writeln!(text, "     {}{detail}\n       \u{201c}{}\u{201d}", line.caption, line.voice);
        }
        let _ = writeln!(text, "     [{}]", brief.call_to_action.label(brief.locale));
    }
    text.push('\n');
}

/// The brief itself, or those of a folder, in the order of their names.
fn brief_files(path: &Path) -> Result<Vec<PathBuf>, Problem> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |error: std::io::Error| {
        Problem::new(Code::Option, "--briefs", format!("`{}` cannot be read: {error}", path.display()))
    };
    let is_brief = |file: &Path| {
        file.is_file()
            && matches!(file.extension().and_then(|ending| ending.to_str()), Some("yaml" | "yml" | "json"))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?.path();
        if is_brief(&entry) {
            files.push(entry);
        } else if entry.join("brief.yaml").is_file() {
            files.push(entry.join("brief.yaml"));
        }
    }
    if files.is_empty() {
        return Err(Problem::new(Code::Option, "--briefs", format!("`{}` holds no brief", path.display())));
    }
    files.sort();
    Ok(files)
}
