//! `spotwright render`: one storyboard file, all its variants in all its shapes; and the quality gate on any
//! file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::clip_importer::{ClipImporter, ClipPlan};
use spotwright_core::ports::clock::{Clock as _, SystemClock};
use spotwright_core::ports::quality_gate::QualityGate;
use spotwright_core::ports::video_backend::{GateReport, RenderRequest, VideoBackend};
use spotwright_core::spine::Shutdown;
use spotwright_render::picture::PictureImport;
use spotwright_render::{ClipImport, Studio, backdrop, gate};
use spotwright_schemas::Problem;
use spotwright_schemas::error::Code;
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::placement::PLACEMENTS;
use spotwright_schemas::storyboard::{Footage, FrameSize, OverlayContent, Palette, Storyboard};
use spotwright_schemas::storyboard_file::{
    Aspect, AssetKind, Backdrop, Compiled, Source, StoredAsset, StoredAssets, StoryboardFile,
};
use spotwright_store::folder::FolderArtifacts;

use super::{Machine, print_json, print_text};
use crate::config::Config;
use crate::sandbox;

/// Said where generated shots are asked for.
const WISHES_NOT_MADE: &str = "Generated shots show their fall-back pictures: clips are made in runs of a brief, which \
    pay for each once and can be interrupted.";

/// Largest asset in bytes.
const MOST_BYTES: u64 = 512 << 20;

/// What was rendered.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Folder of the files.
    pub out: PathBuf,
    /// The videos.
    pub videos: Vec<Video>,
    /// Display stills, PNG.
    pub stills: Vec<PathBuf>,
    /// Distinct shots, and how many shots the videos have together.
    pub distinct_shots: usize,
    /// Shots of all videos.
    pub shots: usize,
    /// What the reader should know.
    pub notices: Vec<String>,
    /// Seconds from the start to the last check.
    pub wall_seconds: f64,
    /// Always null: a storyboard holds its own seeds.
    pub seed: Option<u64>,
    /// Version of the program.
    pub version: &'static str,
    /// The machine.
    pub machine: Machine,
}

/// One finished video.
#[derive(Debug, Serialize)]
pub struct Video {
    /// The variant.
    pub variant: String,
    /// Its shape.
    pub aspect: Aspect,
    /// The file.
    pub file: PathBuf,
    /// Verdict of the quality gate.
    pub gate: GateReport,
}

impl Report {
    /// Prints the report for people, or as one JSON document.
    pub fn print(&self, as_json: bool) {
        if as_json {
            print_json(self);
            return;
        }
        let mut text = String::new();
        for video in &self.videos {
            let failed: Vec<&str> =
                video.gate.checks.iter().filter(|check| !check.pass).map(|check| check.id.as_str()).collect();
            let verdict =
                if failed.is_empty() { "passes".to_owned() } else { format!("fails {}", failed.join(", ")) };
            text.push_str(&format!("{}  {}\n", video.file.display(), verdict));
        }
        for notice in &self.notices {
            text.push_str(&format!("note: {notice}\n"));
        }
        text.push_str(&format!(
            "{} videos of {} shots, {} of them rendered, in {:.1} s\n",
            self.videos.len(),
            self.shots,
            self.distinct_shots,
            self.wall_seconds
        ));
        print_text(&text);
    }
}

/// Renders a storyboard file into `out`, which may hold an earlier rendering: what is known is not made
/// again.
///
/// # Errors
/// [`Code::Storyboard`] with the path of what cannot be rendered, before anything is made;
/// [`Code::OutputBusy`] and [`Code::Store`] for the folder.
pub async fn execute(file: &Path, out: &Path, config: &Config) -> Result<Report, Problem> {
    let started = SystemClock.now_micros();
    let bytes = read(file, "STORYBOARD")?;
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let board = StoryboardFile::from_file(&name, &bytes)?;
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let state = out.join("state");
    std::fs::create_dir_all(&state).map_err(|error| unwritten(out, &error))?;
    let artifacts: Arc<dyn ArtifactStore> =
        Arc::new(FolderArtifacts::open(&state.join("artifacts")).map_err(|error| unwritten(out, &error))?);
    let studio = Studio::signing(
        spotwright_render::Options {
            folder: state.join("studio"),
            micros_per_second: config.render.price_micros_per_second,
            ..spotwright_render::Options::default()
        },
        Arc::clone(&artifacts),
        crate::provenance::signer(&config.provenance)?,
    )
    .map_err(|error| Problem::new(Code::Render, "", error.to_string()))?;
    let mut notices = Vec::new();
    let work = Work {
        board: &board,
        folder,
        out,
        studio: &studio,
        artifacts: &artifacts,
        pictures: sandbox::pictures(&config.sandbox)?,
        clips: ClipImport::new(
            Arc::clone(&artifacts),
            sandbox::sandbox(&config.sandbox, &state.join("import"))?,
        ),
    };
    let (videos, stills, [shots, distinct_shots]) = work.render_all(&mut notices).await?;
    Ok(Report {
        out: out.to_owned(),
        videos,
        stills,
        distinct_shots,
        shots,
        notices,
        wall_seconds: (SystemClock.now_micros() - started) as f64 / 1_000_000.0,
        seed: None,
        version: env!("CARGO_PKG_VERSION"),
        machine: Machine::here(),
    })
}

/// What a rendering works with.
struct Work<'a> {
    board: &'a StoryboardFile,
    /// Where the assets lie.
    folder: &'a Path,
    out: &'a Path,
    studio: &'a Studio,
    artifacts: &'a Arc<dyn ArtifactStore>,
    pictures: PictureImport,
    clips: ClipImport,
}

impl Work<'_> {
    /// Renders every variant in every shape, and the stills; with the number of shots and of distinct ones.
    async fn render_all(
        &self,
        notices: &mut Vec<String>,
    ) -> Result<(Vec<Video>, Vec<PathBuf>, [usize; 2]), Problem> {
        expect_passable(self.board)?;
        let mut plans = Vec::new();
        // Clips are made fit for one shape: each shape has its own.
        for &aspect in &self.board.aspects {
            let mut one = self.board.clone();
            one.aspects = vec![aspect];
            let assets = self.store_assets(&one).await?;
            plans.extend(one.compile(&assets)?);
        }
        let (mut videos, mut stills) = (Vec::with_capacity(plans.len()), Vec::new());
        let (mut shots, mut distinct, mut drawn) = (0, BTreeSet::new(), BTreeSet::new());
        for Compiled { variant, aspect, mut storyboard } in plans {
            if still_of_wishes(&mut storyboard) && notices.is_empty() {
                notices.push(WISHES_NOT_MADE.to_owned());
            }
            shots += storyboard.shots.len();
            for shot in &storyboard.shots {
                distinct.insert(serde_json::to_string(&(aspect, shot)).unwrap_or_default());
            }
            // One set of stills for each variant, whatever its shapes.
            if drawn.insert(variant.clone()) {
                stills.extend(self.stills(&variant, &storyboard)?);
            }
            videos.push(self.render(variant, aspect, storyboard).await?);
        }
        Ok((videos, stills, [shots, distinct.len()]))
    }

    fn stills(&self, variant: &str, storyboard: &Storyboard) -> Result<Vec<PathBuf>, Problem> {
        let mut files = Vec::with_capacity(self.board.stills.len());
        for still in &self.board.stills {
            let png = self.studio.still(storyboard, still.size()).map_err(|error| {
                Problem::new(
                    Code::Storyboard,
                    "stills",
                    format!("{} of `{variant}`: {error}", still.as_str()),
                )
            })?;
            let file = self.out.join(format!("{variant}-{}.png", still.as_str()));
            write(&file, &png)?;
            files.push(file);
        }
        Ok(files)
    }

    async fn render(
        &self,
        variant: String,
        aspect: Aspect,
        storyboard: Storyboard,
    ) -> Result<Video, Problem> {
        let request = RenderRequest {
            produce_id: format!("{}-{variant}-{}", self.board.id, aspect.file_part()),
            storyboard,
            stage: RenderStage::Final,
        };
        let key = blake3::hash(serde_json::to_string(&request).unwrap_or_default().as_bytes()).to_hex();
        let (_stop, shutdown) = Shutdown::new();
        let footage = self
            .studio
            .render(&request, &format!("render-{key}"), &shutdown)
            .await
            .map_err(|error| Problem::new(Code::Render, variant.clone(), error.to_string()))?;
        let inspection = self
            .studio
            .inspect(&footage.artifact, &request)
            .await
            .map_err(|error| Problem::new(Code::QualityGate, variant.clone(), error.to_string()))?;
        let file = self.out.join(format!("{variant}-{}.mp4", aspect.file_part()));
        let bytes = self
            .artifacts
            .get(&footage.artifact)
            .map_err(|error| Problem::new(Code::Store, "", error.to_string()))?;
        write(&file, &bytes)?;
        Ok(Video { variant, aspect, file, gate: inspection.report })
    }

    /// Makes the assets of a file safe and stores them; of a clip, the part that its shots show.
    async fn store_assets(&self, board: &StoryboardFile) -> Result<StoredAssets, Problem> {
        let mut stored = StoredAssets::default();
        let size = board.aspects.first().copied().unwrap_or(Aspect::Vertical).size();
        let failed = |error: &dyn std::fmt::Display| Problem::new(Code::Store, "", error.to_string());
        let layers = layers(board);
        for (name, asset) in &board.assets {
            let field = format!("assets.{name}.file");
            let bytes = read(&self.folder.join(&asset.file), &field)?;
            let hash = match asset.kind {
                AssetKind::Picture => {
                    if layers.contains(name) {
                        let layer = self.pictures.import_layer(&bytes, &field)?;
                        let hash = self.artifacts.put(&layer.png).map_err(|error| failed(&error))?;
                        stored.layers.insert(name.clone(), hash.0);
                    }
                    let imported = self.pictures.import(&bytes, &field)?;
                    self.artifacts.put(&imported.png).map_err(|error| failed(&error))?
                }
                AssetKind::Clip => {
                    let raw = self.artifacts.put(&bytes).map_err(|error| failed(&error))?;
                    self.import_clip(board, name, &field, &raw, size).await?
                }
            };
            stored.named.insert(name.clone(), StoredAsset { hash: hash.0, kind: asset.kind });
        }
        let palette = Palette { primary: board.brand_kit.primary, accent: board.brand_kit.accent };
        for which in backdrops(board) {
            let png = backdrop::draw(which, palette, size).map_err(|error| failed(&error))?;
            let hash = self.artifacts.put(&png).map_err(|error| failed(&error))?;
            stored.backdrops.insert(which.as_str(), hash.0);
        }
        Ok(stored)
    }

    async fn import_clip(
        &self,
        board: &StoryboardFile,
        name: &str,
        field: &str,
        raw: &ArtifactHash,
        size: FrameSize,
    ) -> Result<ArtifactHash, Problem> {
        // As much as any shot shows of it.
        let shots = board.slots.iter().flat_map(|slot| &slot.options).flat_map(|option| &option.shots);
        let ends = shots.filter_map(|shot| match &shot.source {
            Source::Clip { asset, start_frame, .. } if asset == name => {
                Some(start_frame.saturating_add(shot.frames))
            }
            _ => None,
        });
        let plan = ClipPlan { size, fps: board.fps, frames: ends.max().unwrap_or(1), sound: false };
        let imported = self
            .clips
            .import(raw, &plan)
            .await
            .map_err(|error| Problem::new(Code::Storyboard, field, error.to_string()))?;
        if imported.frames < plan.frames {
            let message =
                format!("has {} frames at this rate; its shots need {}", imported.frames, plan.frames);
            return Err(Problem::new(Code::Storyboard, field, message));
        }
        Ok(imported.artifact)
    }
}

/// Compiles the file over assets that nobody has opened yet, and refuses what no rendering would pass.
fn expect_passable(board: &StoryboardFile) -> Result<(), Problem> {
    let mut unread = StoredAssets::default();
    for (name, asset) in &board.assets {
        unread.named.insert(name.clone(), StoredAsset { hash: name.clone(), kind: asset.kind });
        unread.layers.insert(name.clone(), name.clone());
    }
    unread.backdrops = Backdrop::ALL.iter().map(|which| (which.as_str(), String::new())).collect();
    for Compiled { variant, aspect, storyboard } in board.compile(&unread)? {
        gate::foresee(&storyboard).map_err(|problem| {
            let field = format!("{variant} in {}: {}", aspect.as_str(), problem.field);
            Problem { field, ..problem }
        })?;
    }
    Ok(())
}

/// Lets shots that wish for a clip show their pictures; whether there was one.
fn still_of_wishes(storyboard: &mut Storyboard) -> bool {
    let mut any = false;
    for shot in &mut storyboard.shots {
        if matches!(shot.footage, Some(Footage::Generated(_))) {
            shot.footage = None;
            any = true;
        }
    }
    any
}

/// Assets that overlays show.
fn layers(board: &StoryboardFile) -> BTreeSet<String> {
    let shots = board.slots.iter().flat_map(|slot| &slot.options).flat_map(|option| &option.shots);
    let overlays = shots.flat_map(|shot| &shot.overlays);
    overlays
        .filter_map(|overlay| match &overlay.shows {
            OverlayContent::Image { picture, .. } => Some(picture.clone()),
            _ => None,
        })
        .collect()
}

fn backdrops(board: &StoryboardFile) -> BTreeSet<Backdrop> {
    let shots = board.slots.iter().flat_map(|slot| &slot.options).flat_map(|option| &option.shots);
    shots
        .filter_map(|shot| match &shot.source {
            Source::Template { name } => Some(*name),
            _ => None,
        })
        .collect()
}

/// Writes a file whole or not at all.
fn write(file: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let folder = file.parent().unwrap_or_else(|| Path::new("."));
    let mut whole = tempfile::NamedTempFile::new_in(folder).map_err(|error| unwritten(folder, &error))?;
    std::io::Write::write_all(&mut whole, bytes).map_err(|error| unwritten(folder, &error))?;
    whole.persist(file).map_err(|error| unwritten(folder, &error))?;
    Ok(())
}

fn read(file: &Path, field: &str) -> Result<Vec<u8>, Problem> {
    let wrong = |message: String| Problem::new(Code::Storyboard, field, message);
    let shown = file.display();
    let length =
        std::fs::metadata(file).map_err(|error| wrong(format!("`{shown}` cannot be read: {error}")))?.len();
    if length > MOST_BYTES {
        return Err(wrong(format!("`{shown}` has {length} bytes; {MOST_BYTES} are accepted")));
    }
    std::fs::read(file).map_err(|error| wrong(format!("`{shown}` cannot be read: {error}")))
}

fn unwritten(folder: &Path, error: &dyn std::fmt::Display) -> Problem {
    Problem::new(Code::Store, "--out", format!("`{}` cannot be written: {error}", folder.display()))
}

/// Checks any file against a placement, in a caged child process; whether it passes.
///
/// # Errors
/// [`Code::Option`] for a placement that is none, or a file that is not there; as [`sandbox::sandbox`].
pub fn check(file: &Path, placement: &str, config: &Config, as_json: bool) -> Result<bool, Problem> {
    let spec = PLACEMENTS.iter().find(|spec| spec.kind.as_str() == placement).ok_or_else(|| {
        let known: Vec<&str> = PLACEMENTS.iter().map(|spec| spec.kind.as_str()).collect();
        let message = format!("`{placement}` is no placement; there are {}", known.join(", "));
        Problem::new(Code::Option, "--placement", message)
    })?;
    if !file.is_file() {
        return Err(Problem::new(Code::Option, "FILE", format!("there is no file `{}`", file.display())));
    }
    let sandbox = sandbox::sandbox(&config.sandbox, &std::env::temp_dir())?;
    let report = gate::check_file(&sandbox, file, spec.kind);
    if as_json {
        print_json(&json!({
            "pass": report.passes(),
            "checks": report.checks,
            "file": file,
            "placement": placement,
            "seed": null,
            "version": env!("CARGO_PKG_VERSION"),
            "machine": Machine::here(),
        }));
    } else {
        let mut text = String::new();
        for check in &report.checks {
            let verdict = if check.pass { "ok  " } else { "FAIL" };
            text.push_str(&format!(
                "{verdict}  {:<22} {}  (required: {})\n",
                check.id, check.value, check.limit
            ));
        }
        text.push_str(if report.passes() { "passes\n" } else { "does not pass\n" });
        print_text(&text);
    }
    Ok(report.passes())
}
