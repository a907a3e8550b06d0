//! The CPU studio as a video backend, and as the quality gate of what any backend has stored.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use fast_image_resize::{FilterType, Resizer};
use serde::{Deserialize, Serialize};
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::quality_gate::{GateError, Inspection, QualityGate};
use spotwright_core::ports::video_backend::{Footage, GateReport, RenderError, RenderRequest, VideoBackend};
use spotwright_core::spine::Shutdown;
use spotwright_media::{
    Piece, Sink, VideoEncoder, VideoFormat, VideoView, Yuv420, decode, encode_aac, stitch,
};
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::money::Micros;
use spotwright_schemas::storyboard::{FrameSize, Shot, Storyboard};

use crate::cache::{FileCache, KeyedLocks, Recent, read_json, write_json};
use crate::error::Error;
use crate::gate::{self, Plan, ShotPlan};
use crate::label::{self, Label};
use crate::layout::{self, Build, Picture};
use crate::music;
use crate::picture;
use crate::pixels::{self, Raster};
use crate::scene::{Brush, Scene, TextBox};
use crate::statistics::{Sampler, sampled_frames};
use crate::text::Letters;

/// Part of every key: raised whenever the same storyboard would give other pixels or sounds.
const RENDERER_VERSION: u32 = 4;
/// Constant rate factor of finals: visually clean at about 1 Mbit/s for moving photographs.
const FINAL_CRF: u32 = 21;
/// Constant rate factor of previews.
const PREVIEW_CRF: u32 = 26;
/// Longer side of previews in pixels.
const PREVIEW_SIDE: u32 = 640;
/// Longest side of a preview's still in pixels.
const THUMBNAIL_SIDE: f64 = 256.0;

/// How the studio is set up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Folder for encoded shots, sounds and records of finished renders; created when absent. Must
    /// be on the same machine; may be emptied between runs except for `records`.
    pub folder: PathBuf,
    /// Font files that hold `Noto Sans CJK SC` in bold and regular, and further faces for what that
    /// family lacks; empty for the distribution's.
    pub fonts: Vec<PathBuf>,
    /// Price in micros of account currency per second of final video; previews are free.
    pub micros_per_second: i64,
}

/// Renders storyboards on the CPU. Cheap to clone.
#[derive(Clone)]
pub struct Studio {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    store: Arc<dyn ArtifactStore>,
    letters: Letters,
    shots: FileCache,
    sounds: FileCache,
    records: PathBuf,
    requests: KeyedLocks,
    pictures: Recent<String, Arc<Picture>>,
    boxes: Recent<String, Arc<[TextBox]>>,
}

/// A finished render, as written to disk.
#[derive(Serialize, Deserialize)]
struct Record {
    key: String,
    rendered: Footage,
}

/// What fixes the pixels of a shot.
#[derive(Serialize)]
struct ShotKey<'a> {
    version: u32,
    shot: &'a Shot,
    size: FrameSize,
    fps: u32,
    palette: &'a spotwright_schemas::storyboard::Palette,
    locale: &'a str,
    placement: &'a str,
    names: &'a [String],
    fonts: &'a str,
}

impl Studio {
    /// Opens the studio: creates its folders and loads the fonts.
    ///
    /// # Errors
    /// - [`Error::Problem`] with code `SW0304` when the fonts are not installed.
    /// - [`Error::Folder`] when the folder cannot be created.
    pub fn new(options: Options, store: Arc<dyn ArtifactStore>) -> Result<Self, Error> {
        let records = options.folder.join("records");
        std::fs::create_dir_all(&records)?;
        let inner = Inner {
            letters: Letters::load(&options.fonts)?,
            shots: FileCache::open(options.folder.join("shots"))?,
            sounds: FileCache::open(options.folder.join("sounds"))?,
            records,
            requests: KeyedLocks::default(),
            pictures: Recent::new(16),
            boxes: Recent::new(512),
            store,
            options,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What the studio's fonts can draw.
    #[must_use]
    pub fn letters(&self) -> Letters {
        self.inner.letters.clone()
    }

    /// Checks any file against a storyboard: everything of [`gate::check_file`], and that frames,
    /// texts, sound and labels are as planned. `produce_id` is the id the metadata label must hold;
    /// `None` accepts any. CPU-bound: about 1 s for 15 s of 720p.
    ///
    /// # Errors
    /// [`Error`] when the storyboard itself cannot be laid out; a bad file is a failed check.
    pub fn check(
        &self,
        file: &Path,
        board: &Storyboard,
        produce_id: Option<&str>,
    ) -> Result<GateReport, Error> {
        board.validate()?;
        let shots = self.inner.plans(board)?;
        Ok(gate::check_plan(file, &Plan { board, shots: &shots, produce_id, still: 0 })?.report)
    }

    /// Renders on the calling thread. Same as [`VideoBackend::render`].
    ///
    /// # Errors
    /// [`Error`].
    pub fn render_blocking(
        &self,
        request: &RenderRequest,
        idempotency_key: &str,
        stop: &Shutdown,
    ) -> Result<Footage, Error> {
        let inner = &self.inner;
        inner.requests.with(idempotency_key, || {
            if let Some(footage) = inner.find(idempotency_key) {
                return Ok(footage);
            }
            request.storyboard.validate()?;
            let label = Label::made_here(&request.produce_id)?;
            let footage = match request.stage {
                RenderStage::Preview => inner.preview(&request.storyboard, stop)?,
                RenderStage::Final => inner.finished(&request.storyboard, &label, stop)?,
            };
            let record = Record { key: idempotency_key.to_owned(), rendered: footage.clone() };
            write_json(&inner.record_file(idempotency_key), &record)?;
            Ok(footage)
        })
    }

    /// Judges a stored file on the calling thread. Same as [`QualityGate::inspect`].
    ///
    /// # Errors
    /// [`Error`].
    pub fn inspect_blocking(
        &self,
        video: &ArtifactHash,
        request: &RenderRequest,
    ) -> Result<Inspection, Error> {
        let inner = &self.inner;
        let board = &request.storyboard;
        board.validate()?;
        // Read and compared with its hash first: what is judged is what will be handed out.
        let bytes = inner.store.get(video)?.len() as u64;
        let shots = inner.plans(board)?;
        let still = poster_frame(board);
        let plan = Plan { board, shots: &shots, produce_id: Some(&request.produce_id), still };
        let verdict = gate::check_plan(&inner.store.path(video)?, &plan)?;
        let poster = match verdict.still {
            Some((rgb, width, height)) => Some(inner.store.put(&jpeg(&rgb, width, height)?)?),
            None => None,
        };
        Ok(Inspection { report: verdict.report, statistics: verdict.statistics, poster, bytes })
    }
}

impl spotwright_core::ports::letters::Letters for Studio {
    fn undrawable(&self, text: &str) -> Vec<char> {
        self.inner.letters.undrawable(text)
    }
}

#[async_trait]
impl VideoBackend for Studio {
    fn name(&self) -> &'static str {
        "studio"
    }

    fn repeatable(&self) -> bool {
        true
    }

    fn quote(&self, request: &RenderRequest) -> Micros {
        self.inner.price(request.stage, &request.storyboard)
    }

    async fn lookup(&self, idempotency_key: &str) -> Result<Option<Footage>, RenderError> {
        let (studio, key) = (self.clone(), idempotency_key.to_owned());
        tokio::task::spawn_blocking(move || studio.inner.find(&key))
            .await
            .map_err(|error| RenderError::Unavailable(format!("lookup was interrupted: {error}")))
    }

    async fn render(
        &self,
        request: &RenderRequest,
        idempotency_key: &str,
        stop: &Shutdown,
    ) -> Result<Footage, RenderError> {
        let (studio, request, key) = (self.clone(), request.clone(), idempotency_key.to_owned());
        let stop = stop.clone();
        tokio::task::spawn_blocking(move || studio.render_blocking(&request, &key, &stop))
            .await
            .map_err(|error| RenderError::Unavailable(format!("rendering was interrupted: {error}")))?
            .map_err(RenderError::from)
    }
}

#[async_trait]
impl QualityGate for Studio {
    async fn inspect(&self, video: &ArtifactHash, request: &RenderRequest) -> Result<Inspection, GateError> {
        let (studio, video, request) = (self.clone(), video.clone(), request.clone());
        tokio::task::spawn_blocking(move || studio.inspect_blocking(&video, &request))
            .await
            .map_err(|error| GateError::Unavailable(format!("the gate was interrupted: {error}")))?
            .map_err(GateError::from)
    }
}

impl Inner {
    fn price(&self, stage: RenderStage, board: &Storyboard) -> Micros {
        if stage == RenderStage::Preview {
            return Micros::ZERO;
        }
        let frames = i64::from(board.frames());
        Micros(frames.saturating_mul(self.options.micros_per_second) / i64::from(board.fps.max(1)))
    }

    fn record_file(&self, key: &str) -> PathBuf {
        self.records.join(format!("{}.json", blake3::hash(key.as_bytes()).to_hex()))
    }

    /// The finished render of `key`, if its files are still in the store.
    fn find(&self, key: &str) -> Option<Footage> {
        let record: Record = read_json(&self.record_file(key))?;
        let whole = record.key == key
            && self.store.contains(&record.rendered.artifact).is_ok_and(|there| there)
            && record
                .rendered
                .poster
                .as_ref()
                .is_none_or(|poster| self.store.contains(poster).is_ok_and(|there| there));
        if !whole {
            tracing::warn!(key, "the record of a render points to files that are gone");
        }
        whole.then_some(record.rendered)
    }

    fn picture(&self, hash: &str, field: &str) -> Result<Arc<Picture>, Error> {
        let key = hash.to_owned();
        if let Some(picture) = self.pictures.get(&key) {
            return Ok(picture);
        }
        let bytes = self.store.get(&ArtifactHash(key.clone()))?;
        let decoded = picture::decode(&bytes, &format!("{field}.picture"))?.picture.into_rgb8();
        let (width, height) = (decoded.width() as usize, decoded.height() as usize);
        let picture = Arc::new(Picture::new(width, height, decoded.as_raw()));
        self.pictures.put(key, Arc::clone(&picture));
        Ok(picture)
    }

    fn scene(&self, board: &Storyboard, idx: usize, size: FrameSize) -> Result<Scene, Error> {
        let field = format!("shots[{idx}]");
        let shot = &board.shots[idx];
        let picture = self.picture(&shot.picture, &field)?;
        layout::build(&Build { board, size, shot, field: &field, picture, fonts: &self.letters.fonts })
    }

    fn shot_key(&self, board: &Storyboard, shot: &Shot) -> Result<String, Error> {
        let key = ShotKey {
            version: RENDERER_VERSION,
            shot,
            size: board.size,
            fps: board.fps,
            palette: &board.palette,
            locale: board.locale.tag(),
            placement: board.placement.as_str(),
            names: &board.names,
            fonts: &self.letters.fonts.chain.hash,
        };
        let json = serde_json::to_vec(&key).map_err(|error| Error::Compositing(error.to_string()))?;
        Ok(blake3::hash(&json).to_hex().to_string())
    }

    /// Every shot's texts at rest; laid out once per shot.
    fn plans(&self, board: &Storyboard) -> Result<Vec<ShotPlan>, Error> {
        let mut plans = Vec::new();
        for (idx, shot) in board.shots.iter().enumerate() {
            let key = self.shot_key(board, shot)?;
            let boxes = if let Some(boxes) = self.boxes.get(&key) {
                boxes
            } else {
                let boxes: Arc<[TextBox]> = self.scene(board, idx, board.size)?.boxes.into();
                self.boxes.put(key, Arc::clone(&boxes));
                boxes
            };
            plans.push(ShotPlan { frames: shot.frames, boxes });
        }
        Ok(plans)
    }

    /// The encoded shot, composited and encoded when no variant needed it before.
    fn shot_file(&self, board: &Storyboard, idx: usize, stop: &Shutdown) -> Result<PathBuf, Error> {
        let shot = &board.shots[idx];
        let key = self.shot_key(board, shot)?;
        self.shots.get_or_make(&key, |path| {
            let scene = self.scene(board, idx, board.size)?;
            let format = VideoFormat {
                width: board.size.width,
                height: board.size.height,
                fps: board.fps,
                crf: FINAL_CRF,
                keyframe_every: board.fps * 2,
            };
            let mut encoder = VideoEncoder::create(path, format)?;
            let (width, height) = (board.size.width as usize, board.size.height as usize);
            let mut brush = Brush::new(width, height);
            let mut picture = Yuv420::filled(width, height, [16, 128, 128]);
            for frame in 0..shot.frames {
                go_on(stop)?;
                scene.draw(frame, &mut brush)?;
                pixels::to_yuv(&brush.canvas, &mut picture);
                encoder.write(&picture)?;
            }
            encoder.finish()?;
            self.boxes.put(key.clone(), scene.boxes.into());
            Ok(())
        })
    }

    /// The encoded music bed, as long as the storyboard to the nearest AAC frame.
    ///
    /// AAC is cut in frames of 1,024 samples and players do not agree on trimming the last one; a
    /// whole number of frames is at most 11.6 ms off everywhere.
    fn sound_file(&self, board: &Storyboard) -> Result<PathBuf, Error> {
        let exact = f64::from(board.frames()) * f64::from(music::RATE) / f64::from(board.fps);
        let samples = ((exact / 1024.0).round() as u64).max(1) * 1024;
        let json = serde_json::to_vec(&(RENDERER_VERSION, board.audio, samples))
            .map_err(|error| Error::Compositing(error.to_string()))?;
        let key = blake3::hash(&json).to_hex().to_string();
        self.sounds.get_or_make(&key, |path| {
            // AAC adds to peaks, by how much depends on the piece: what counts is what is decoded.
            for limit in [-2.7, -3.7, -5.0, -6.5] {
                let sound = music::compose_below(&board.audio, samples as usize, limit)?;
                encode_aac(path, &sound, music::RATE)?;
                let mut heard = Heard::default();
                decode(path, &mut heard)?;
                if music::loudness(&heard.0, 2, music::RATE)?.1 <= -1.1 {
                    break;
                }
            }
            Ok(())
        })
    }

    fn finished(&self, board: &Storyboard, label: &Label, stop: &Shutdown) -> Result<Footage, Error> {
        let mut files = Vec::with_capacity(board.shots.len());
        for idx in 0..board.shots.len() {
            files.push(self.shot_file(board, idx, stop)?);
        }
        let sound = self.sound_file(board)?;
        go_on(stop)?;
        let scratch = tempfile::tempdir_in(&self.options.folder)?;
        let file = scratch.path().join("final.mp4");
        let pieces: Vec<Piece<'_>> =
            files.iter().zip(&board.shots).map(|(file, shot)| Piece { file, frames: shot.frames }).collect();
        stitch(&file, &pieces, board.fps, Some(&sound), &[(label::KEY, &label.to_json())])?;
        let bytes = std::fs::metadata(&file)?.len();
        let artifact = self.store.adopt(&file)?;
        let cost = self.price(RenderStage::Final, board);
        Ok(Footage { artifact, frames: board.frames(), bytes, cost, poster: None, statistics: None })
    }

    /// Key frames at one frame a second, small, without sound.
    fn preview(&self, board: &Storyboard, stop: &Shutdown) -> Result<Footage, Error> {
        let size = preview_size(board.size);
        let (width, height) = (size.width as usize, size.height as usize);
        let scratch = tempfile::tempdir_in(&self.options.folder)?;
        let file = scratch.path().join("preview.mp4");
        let format = VideoFormat {
            width: size.width,
            height: size.height,
            fps: 1,
            crf: PREVIEW_CRF,
            keyframe_every: 8,
        };
        let mut encoder = VideoEncoder::create(&file, format)?;
        let sampled = sampled_frames(board.frames(), board.fps);
        let mut sampler = Sampler::default();
        let mut brush = Brush::new(width, height);
        let mut picture = Yuv420::filled(width, height, [16, 128, 128]);
        let mut poster = None;
        let mut area = 0.0;
        let mut start = 0;
        for (idx, shot) in board.shots.iter().enumerate() {
            let scene = self.scene(board, idx, size)?;
            let plan = ShotPlan { frames: shot.frames, boxes: scene.boxes.as_slice().into() };
            let small = Storyboard { size, ..board.clone() };
            area += gate::text_area(&[plan], &small) * f64::from(shot.frames) / f64::from(board.frames());
            for frame in sampled.iter().filter(|frame| (start..start + shot.frames).contains(*frame)) {
                go_on(stop)?;
                scene.draw(frame - start, &mut brush)?;
                pixels::to_yuv(&brush.canvas, &mut picture);
                let (w, half) = (picture.width, picture.width / 2);
                sampler.add(
                    idx,
                    w,
                    picture.height,
                    [(&picture.y, w), (&picture.u, half), (&picture.v, half)],
                );
                encoder.write(&picture)?;
                if poster.is_none() {
                    poster = Some(thumbnail(&brush.canvas)?);
                }
            }
            start += shot.frames;
        }
        let frames = encoder.finish()?;
        let seconds = f64::from(board.frames()) / f64::from(board.fps);
        let statistics = sampler.finish(board.shots.len() - 1, seconds, area, -70.0);
        let poster = poster.ok_or_else(|| Error::Compositing("the preview has no frame".to_owned()))?;
        let poster = self.store.put(&poster)?;
        let bytes = std::fs::metadata(&file)?.len();
        let artifact = self.store.adopt(&file)?;
        let cost = Micros::ZERO;
        Ok(Footage { artifact, frames, bytes, cost, poster: Some(poster), statistics: Some(statistics) })
    }
}

/// [`Error::Stopped`] once the work shall end.
fn go_on(stop: &Shutdown) -> Result<(), Error> {
    if stop.is_set() { Err(Error::Stopped) } else { Ok(()) }
}

/// The samples of a decoded sound.
#[derive(Default)]
struct Heard(Vec<f32>);

impl Sink for Heard {
    fn picture(&mut self, _: &VideoView<'_>) {}
    fn sound(&mut self, samples: &[f32], _: usize, _: u32) {
        self.0.extend_from_slice(samples);
    }
}

/// A small still for tables: a page that lists every variant stays light.
fn thumbnail(canvas: &Raster) -> Result<Vec<u8>, Error> {
    let shrink = (canvas.width.max(canvas.height) as f64 / THUMBNAIL_SIDE).max(1.0);
    let side = |length: usize| ((length as f64 / shrink).round() as usize).max(1);
    let mut small = Raster::filled(side(canvas.width), side(canvas.height), [0, 0, 0, 255]);
    let whole = [0.0, 0.0, canvas.width as f64, canvas.height as f64];
    pixels::resample(&mut Resizer::new(), canvas, whole, &mut small, FilterType::Lanczos3)?;
    let rgb: Vec<u8> = small.data.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
    jpeg(&rgb, small.width as u32, small.height as u32)
}

/// The frame shown before playing: when the first shot's texts have come to rest.
fn poster_frame(board: &Storyboard) -> u32 {
    let first = board.shots.first().map_or(1, |shot| shot.frames);
    (board.fps * 3 / 2).min(first - 1)
}

fn preview_size(size: FrameSize) -> FrameSize {
    let longest = size.width.max(size.height);
    let even = |side: u32| ((side * PREVIEW_SIDE.min(longest) / longest) & !1).max(16);
    FrameSize { width: even(size.width), height: even(size.height) }
}

fn jpeg(rgb: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 88)
        .encode(rgb, width, height, image::ExtendedColorType::Rgb8)
        .map_err(|error| Error::Compositing(error.to_string()))?;
    Ok(bytes)
}
