//! The files a run leaves behind, each written whole or not at all.
//!
//! All of them follow from the store, so writing them again after a crash gives the same bytes.

use std::fs;
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};
use spotwright_core::domain::run::RunView;
use spotwright_core::domain::variant::{Placement, Variant};
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::step_store::{StepStore, TraceEntry};
use spotwright_creative::workflow::AgentState;
use spotwright_insight::Shown;
use spotwright_insight::ranking::{file_stem, ranked};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::StopReason;
use spotwright_schemas::explanation::Explanations;
use spotwright_schemas::ids::RunId;
use spotwright_schemas::outcome::{TraceLine, Winners};
use spotwright_schemas::speech::subtitles;
use spotwright_scoring::log_rows::{self, LogRow};
use spotwright_scoring::whole_file;

/// Everything that is known of a run after its end.
#[derive(Debug, Clone)]
pub struct FinishedRun {
    /// The run.
    pub run: RunView,
    /// What the agent remembers.
    pub state: AgentState,
    /// Its variants, by generation and number.
    pub variants: Vec<Variant>,
    /// Its placements, by generation and number of the variant.
    pub placements: Vec<Placement>,
    /// Its trace, in order.
    pub trace: Vec<TraceEntry>,
}

impl FinishedRun {
    /// Reads a run from the store.
    ///
    /// # Errors
    /// [`Code::Store`] or [`Code::StoreFormat`].
    pub async fn load(store: &dyn StepStore, id: RunId) -> Result<Self, Problem> {
        let failed = |error: spotwright_core::ports::step_store::StoreError| {
            Problem::new(Code::Store, "", error.to_string())
        };
        let run = store.run(id).await.map_err(failed)?;
        let mut state = AgentState::of(&run)?;
        // What was answered stands in the run's own copy of the brief.
        let run = state.informed(&run).into_owned();
        let placements = store.placements(id).await.map_err(failed)?;
        state.complete_reports(&placements);
        Ok(Self {
            state,
            variants: store.variants(id).await.map_err(failed)?,
            placements,
            trace: store.trace(id).await.map_err(failed)?,
            run,
        })
    }

    /// What was made, and what became of it.
    #[must_use]
    pub fn shown(&self) -> Shown<'_> {
        Shown { variants: &self.variants, placements: &self.placements }
    }
}

/// The content of `winners.json`: best first, as everywhere.
#[must_use]
pub fn winners(finished: &FinishedRun) -> Winners {
    let request = &finished.run.request;
    let kind = request.brief.placements[0];
    Winners {
        format: "spotwright.winners.v1".to_owned(),
        run: finished.run.id,
        brief: request.brief.id.clone(),
        locale: request.brief.locale,
        seed: request.seed,
        stopped: finished.state.stopped.unwrap_or(StopReason::Failed),
        currency: request.brief.budget.currency,
        winners: ranked(finished.shown()).iter().map(|own| own.to_winner(kind)).collect(),
    }
}

/// The lines of `trace.jsonl`, numbered and chained.
#[must_use]
pub fn trace_lines(entries: &[TraceEntry]) -> Vec<TraceLine> {
    let mut previous = String::new();
    let mut lines = Vec::with_capacity(entries.len());
    for (seq, entry) in entries.iter().enumerate() {
        let mut line = TraceLine {
            seq: seq as u64,
            generation: entry.generation,
            what: entry.what.clone(),
            variant: entry.variant,
            detail: entry.detail.clone(),
            hash: String::new(),
        };
        let mut hasher = blake3::Hasher::new();
        hasher.update(previous.as_bytes());
        hasher.update(json_line(&line).as_bytes());
        line.hash = hasher.finalize().to_hex().to_string();
        previous.clone_from(&line.hash);
        lines.push(line);
    }
    lines
}

/// What was written, for the summary.
#[derive(Debug, Clone)]
pub struct Written {
    /// SHA-256 of `trace.jsonl`, hexadecimal.
    pub trace_sha256: String,
}

/// Writes every file of the run into `out`.
///
/// # Errors
/// [`Code::Store`] when a file cannot be written.
pub fn write_all(
    finished: &FinishedRun,
    explanations: &Explanations,
    log: &[LogRow],
    artifacts: &dyn ArtifactStore,
    report: &str,
    out: &Path,
) -> Result<Written, Problem> {
    let folder = out.join("variants");
    fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
    for variant in finished.shown().winners() {
        if let Some(render) = &variant.body.final_render {
            let stem = file_stem(variant);
            copy(artifacts, &render.artifact, &folder.join(format!("{stem}.mp4")))?;
            copy(artifacts, &render.poster, &folder.join(format!("{stem}.{POSTER_ENDING}")))?;
            let subtitles = subtitles(&variant.body.storyboard);
            if !subtitles.is_empty() {
                write_whole(&folder.join(format!("{stem}.srt")), subtitles.as_bytes())?;
            }
        }
    }
    for (variant, _) in finished.shown().withdrawn() {
        // Nobody shall place by hand what was withdrawn; the artifact stays in the run's state.
        for ending in ["mp4", POSTER_ENDING] {
            remove(&folder.join(format!("{}.{ending}", file_stem(variant))))?;
        }
    }
    let mut trace = String::new();
    for line in trace_lines(&finished.trace) {
        trace.push_str(&json_line(&line));
        trace.push('\n');
    }
    write_whole(&out.join("trace.jsonl"), trace.as_bytes())?;
    write_whole(&out.join("market.json"), pretty(&finished.state.reports).as_bytes())?;
    write_whole(&out.join("winners.json"), pretty(&winners(finished)).as_bytes())?;
    let wrong =
        |error: spotwright_scoring::Error| Problem::new(error.code(), "impressions", error.to_string());
    write_whole(&out.join("impressions.parquet"), &log_rows::to_parquet(log).map_err(wrong)?)?;
    write_whole(&out.join("impressions.csv"), &log_rows::to_csv(log).map_err(wrong)?)?;
    write_whole(&out.join("explanations.json"), pretty(explanations).as_bytes())?;
    write_whole(&out.join("report.html"), report.as_bytes())?;
    Ok(Written { trace_sha256: hex::encode(Sha256::digest(trace.as_bytes())) })
}

/// Ending of the stills beside the videos.
pub const POSTER_ENDING: &str = "jpg";

fn remove(path: &Path) -> Result<(), Problem> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    whole_file::write_whole(path, bytes).map_err(|error| failed(path, &error))
}

fn copy(artifacts: &dyn ArtifactStore, hash: &ArtifactHash, to: &Path) -> Result<(), Problem> {
    let bytes = artifacts.get(hash).map_err(|error| Problem::new(Code::Store, "", error.to_string()))?;
    write_whole(to, &bytes)
}

fn failed(path: &Path, error: &std::io::Error) -> Problem {
    Problem::new(Code::Store, "", format!("`{}` cannot be written: {error}", path.display()))
}

/// The types written here are plain data, so serializing them cannot fail.
fn json_line<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn pretty<T: Serialize>(value: &T) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}
