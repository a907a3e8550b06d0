//! The files a run leaves behind, each written whole or not at all.
//!
//! All of them follow from the store, so writing them again after a crash gives the same bytes.

use std::fs;
use std::path::Path;

use serde::Serialize;
use sha2::{Digest, Sha256};
use spotwright_core::domain::run::RunView;
use spotwright_core::domain::variant::{Placement, Variant, VariantState};
use spotwright_core::domain::withdrawal::Withdrawal;
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::step_store::{StepStore, TraceEntry};
use spotwright_creative::workflow::AgentState;
use spotwright_experiment::interval::{Counts, SharedPrior};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::{FeedbackSource, StopReason};
use spotwright_schemas::explanation::Explanations;
use spotwright_schemas::ids::RunId;
use spotwright_schemas::outcome::{Delivery, PlacementOutcome, TraceLine, Winner, Winners};
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

    /// The placement of a variant, if it was placed.
    #[must_use]
    pub fn placement_of(&self, variant: &Variant) -> Option<&Placement> {
        self.placements.iter().find(|placement| placement.variant == variant.id)
    }

    /// What the audience did with a variant; zeros when it was not shown.
    #[must_use]
    pub fn delivery_of(&self, variant: &Variant) -> Delivery {
        self.placement_of(variant)
            .and_then(|placement| placement.delivery.as_ref())
            .map_or_else(Delivery::default, |row| row.delivery)
    }

    /// The variants that were published.
    pub fn winners(&self) -> impl Iterator<Item = &Variant> {
        self.variants.iter().filter(|variant| variant.state == VariantState::Won)
    }

    /// The variants that were withdrawn, with the reason.
    pub fn withdrawn(&self) -> impl Iterator<Item = (&Variant, &Withdrawal)> {
        self.variants.iter().filter_map(|variant| Some((variant, variant.body.withdrawal.as_ref()?)))
    }

    /// The deliveries of one generation, summed: of its winners, and of those that were withdrawn by now.
    #[must_use]
    pub fn delivered(&self, generation: u32) -> Delivery {
        let mut sum = Delivery::default();
        for variant in self.variants.iter().filter(|variant| variant.generation == generation) {
            let delivery = self.delivery_of(variant);
            sum.impressions += delivery.impressions;
            sum.clicks += delivery.clicks;
            sum.conversions += delivery.conversions;
            sum.spend += delivery.spend;
        }
        sum
    }
}

/// The name of a variant's video without its ending, e.g. `g1-03`.
#[must_use]
pub fn file_stem(variant: &Variant) -> String {
    format!("g{}-{:02}", variant.generation, variant.number)
}

/// The content of `winners.json`: best first by the posterior mean of the click rate, under a
/// prior fitted to all winners of the run, so that few impressions cannot put anyone on top.
#[must_use]
pub fn winners(finished: &FinishedRun) -> Winners {
    let counts = |variant: &Variant| {
        let delivery = finished.delivery_of(variant);
        Counts::new(delivery.impressions, delivery.clicks).ok()
    };
    let arms: Vec<Counts> = finished.winners().filter_map(counts).collect();
    let prior = SharedPrior::fit(&arms);
    let mut rows: Vec<(f64, Winner)> = finished
        .winners()
        .filter_map(|variant| {
            let row = winner(finished, variant)?;
            let rate = counts(variant).map_or(0.0, |counts| prior.shrunken_rate(counts));
            Some((rate, row))
        })
        .collect();
    rows.sort_by(|(rate_a, a), (rate_b, b)| {
        rate_b.total_cmp(rate_a).then(a.generation.cmp(&b.generation)).then(a.number.cmp(&b.number))
    });
    let request = &finished.run.request;
    Winners {
        format: "spotwright.winners.v1".to_owned(),
        run: finished.run.id,
        brief: request.brief.id.clone(),
        locale: request.brief.locale,
        seed: request.seed,
        stopped: finished.state.stopped.unwrap_or(StopReason::Failed),
        currency: request.brief.budget.currency,
        winners: rows.into_iter().map(|(_, winner)| winner).collect(),
    }
}

fn winner(finished: &FinishedRun, variant: &Variant) -> Option<Winner> {
    let render = variant.body.final_render.as_ref()?;
    let placement = finished.placement_of(variant)?;
    let rung = placement.delivery.as_ref().and_then(|row| row.ladder.last()).map_or(0, |step| step.rung);
    Some(Winner {
        variant: variant.id,
        generation: variant.generation,
        number: variant.number,
        parents: variant.body.parents.clone(),
        file: format!("variants/{}.mp4", file_stem(variant)),
        blake3: render.artifact.0.clone(),
        script: variant.body.script.clone(),
        score: variant.body.score.clone()?,
        placement: PlacementOutcome {
            id: placement.id,
            kind: finished.run.request.brief.placements[0],
            source: FeedbackSource::Simulated,
            delivery: finished.delivery_of(variant),
            rung,
        },
    })
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
    for variant in finished.winners() {
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
    for (variant, _) in finished.withdrawn() {
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
