//! The CPU studio as a video backend, and as the quality gate of what any backend has stored.

#[cfg(test)]
mod defects;
mod judge;
mod preview;
mod shots;
mod watermark;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::fidelity::{Fidelity, FidelityReport};
use spotwright_core::ports::provenance::{Origin, Provenance};
use spotwright_core::ports::quality_gate::{GateError, Inspection, QualityGate};
use spotwright_core::ports::video_backend::{
    Footage, GateReport, RenderError, RenderRequest, Rendered, VideoBackend,
};
use spotwright_core::spine::Shutdown;
use spotwright_media::{Piece, Sink, VideoView, Yuv420, decode, encode_aac, stitch};
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::money::Micros;
use spotwright_schemas::storyboard::{FrameSize, Storyboard};

use crate::cache::{FileCache, Held, KeyedLocks, Recent, read_json, write_json};
use crate::error::Error;
use crate::footage::ClipLook;
use crate::gate;
use crate::graph::{self, RENDERER_VERSION, ShotGraph};
use crate::label::{self, Label};
use crate::layout::Picture;
use crate::loudness::loudness;
use crate::music;
use crate::speech;
use crate::still;
use crate::text::Letters;

use shots::Laid;
pub use watermark::Watermarker;

/// Bytes of encoded shots that are kept where nobody says otherwise: some 10,000 shots of 720p.
const CACHE_BYTES: u64 = 4 << 30;
/// Share of the bound that is for sounds: one to so many.
const SOUNDS_SHARE: u64 = 8;

/// How the studio is set up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Most bytes of encoded shots that are kept in the folder, 4 GiB by default; what was not used for
    /// longest goes first. Sounds have an eighth of it besides.
    pub cache_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { folder: PathBuf::new(), fonts: Vec::new(), micros_per_second: 0, cache_bytes: CACHE_BYTES }
    }
}

/// Renders storyboards on the CPU. Cheap to clone.
#[derive(Clone)]
pub struct Studio {
    inner: Arc<Inner>,
}

struct Inner {
    options: Options,
    store: Arc<dyn ArtifactStore>,
    /// Signs finished videos, where something does.
    provenance: Option<Arc<dyn Provenance>>,
    letters: Letters,
    shots: FileCache,
    sounds: FileCache,
    records: PathBuf,
    requests: KeyedLocks,
    pictures: Recent<String, Arc<Picture>>,
    looks: Recent<String, Arc<ClipLook>>,
    laid: Recent<String, Laid>,
    memory: gate::Memory,
    compared: Recent<String, FidelityReport>,
    envelopes: Recent<String, Arc<[f32]>>,
}

/// A finished render, as written to disk.
#[derive(Serialize, Deserialize)]
struct Record {
    key: String,
    rendered: Footage,
}

impl Studio {
    /// Opens the studio: creates its folders and loads the fonts.
    ///
    /// # Errors
    /// - [`Error::Problem`] with code `SW0304` when the fonts are not installed.
    /// - [`Error::Folder`] when the folder cannot be created.
    pub fn new(options: Options, store: Arc<dyn ArtifactStore>) -> Result<Self, Error> {
        Self::signing(options, store, None)
    }

    /// As [`Studio::new`]; every finished video is signed by `provenance` as its last change, and read back
    /// by the gate. Previews are not.
    ///
    /// # Errors
    /// As [`Studio::new`].
    pub fn signing(
        options: Options,
        store: Arc<dyn ArtifactStore>,
        provenance: Option<Arc<dyn Provenance>>,
    ) -> Result<Self, Error> {
        let records = options.folder.join("records");
        std::fs::create_dir_all(&records)?;
        let inner = Inner {
            letters: Letters::load(&options.fonts)?,
            shots: FileCache::open(options.folder.join("shots"), options.cache_bytes)?,
            sounds: FileCache::open(options.folder.join("sounds"), options.cache_bytes / SOUNDS_SHARE)?,
            records,
            requests: KeyedLocks::default(),
            pictures: Recent::new(16),
            looks: Recent::new(16),
            laid: Recent::new(512),
            memory: gate::Memory::new(),
            compared: Recent::new(512),
            envelopes: Recent::new(64),
            store,
            provenance,
            options,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What the studio's fonts can draw.
    #[must_use]
    pub fn letters(&self) -> Letters {
        self.inner.letters.clone()
    }

    /// Hash of the fonts, as [`graph::graph`] wants it.
    #[must_use]
    pub fn fonts(&self) -> &str {
        &self.inner.letters.fonts.chain.hash
    }

    /// The distinct shots of variants, under the keys of this studio. See [`graph::graph`].
    ///
    /// # Errors
    /// As [`graph::graph`].
    pub fn graph(&self, variants: &[Storyboard]) -> Result<ShotGraph, Error> {
        graph::graph(variants, self.fonts())
    }

    /// Checks any file against a storyboard: everything of [`gate::check_file`], and that frames,
    /// texts, sound, labels and the product are as planned. `produce_id` is the id the metadata label must
    /// hold; `None` accepts any. CPU-bound: about 1 s for 15 s of 720p that were not seen before.
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
        Ok(self.inner.verdict(file, board, produce_id, 0)?.report)
    }

    /// Renders a storyboard and judges it; writes `ad.mp4`, `poster.jpg` and `gate.json` into `out`, which is
    /// created. The files are written also when the gate fails, so that it can be seen why; the caller looks
    /// at the report. Blocks.
    ///
    /// # Errors
    /// [`Error`]; with `shots[…]` as the field for a shot that cannot be made.
    pub fn render_into(
        &self,
        board: &Storyboard,
        produce_id: &str,
        out: &Path,
        stop: &Shutdown,
    ) -> Result<Rendered, Error> {
        let request = RenderRequest {
            storyboard: board.clone(),
            stage: RenderStage::Final,
            produce_id: produce_id.to_owned(),
        };
        let key = format!("render-into:{}", graph::hashed(&(RENDERER_VERSION, self.fonts(), &request))?);
        let footage = self.render_blocking(&request, &key, stop)?;
        let inspection = self.inspect_blocking(&footage.artifact, &request)?;
        std::fs::create_dir_all(out)?;
        std::fs::write(out.join("ad.mp4"), self.inner.store.get(&footage.artifact)?)?;
        let poster = inspection
            .poster
            .ok_or_else(|| Error::Compositing("the finished video has no frame for a still".to_owned()))?;
        std::fs::write(out.join("poster.jpg"), self.inner.store.get(&poster)?)?;
        write_json(&out.join("gate.json"), &inspection.report)?;
        let Footage { artifact, frames, cost, .. } = footage;
        let Inspection { report, statistics, bytes, .. } = inspection;
        Ok(Rendered { artifact, poster, statistics, frames, bytes, gate: Some(report), cost })
    }

    /// Compares the product in a stored clip with stored pictures on the calling thread. Same as
    /// [`Fidelity::compare`].
    ///
    /// # Errors
    /// [`Error`].
    pub fn compare_blocking(
        &self,
        clip: &ArtifactHash,
        references: &[ArtifactHash],
    ) -> Result<FidelityReport, Error> {
        self.inner.fidelity(clip, references, 0, u32::MAX)
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
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.render_on(threads, request, idempotency_key, stop)
    }

    /// As [`Studio::render_blocking`], with shots composited and encoded by up to `threads` threads. The
    /// bytes do not depend on how many.
    ///
    /// # Errors
    /// [`Error`].
    pub fn render_on(
        &self,
        threads: usize,
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
                RenderStage::Final => inner.finished(&request.storyboard, &label, threads, stop)?,
            };
            let record = Record { key: idempotency_key.to_owned(), rendered: footage.clone() };
            write_json(&inner.record_file(idempotency_key), &record)?;
            Ok(footage)
        })
    }

    /// One frame of one shot as RGB, row-major, in any even size; what an editor shows while somebody writes.
    ///
    /// # Errors
    /// As [`Studio::render_blocking`]; a shot or frame that is not there is a [`Code::Storyboard`].
    pub fn frame(
        &self,
        board: &Storyboard,
        shot: usize,
        frame: u32,
        size: FrameSize,
    ) -> Result<Vec<u8>, Error> {
        self.inner.frame(board, shot, frame, size)
    }

    /// Composites every frame of a storyboard on the calling thread, as the encoder would get it, and encodes
    /// nothing; each is shown to `seen`, which ends it by answering `false`. Returns the number of frames.
    /// For measuring.
    ///
    /// # Errors
    /// As [`Studio::render_blocking`].
    pub fn composite(&self, board: &Storyboard, seen: &mut dyn FnMut(&Yuv420) -> bool) -> Result<u32, Error> {
        board.validate()?;
        self.inner.composite(board, seen)
    }

    /// Draws a display still of the storyboard's last shot as PNG: picture, caption and button.
    ///
    /// # Errors
    /// [`Error`]; a text that does not fit is named by its path.
    pub fn still(&self, board: &Storyboard, size: FrameSize) -> Result<Vec<u8>, Error> {
        let inner = &self.inner;
        let shot =
            board.shots.last().ok_or_else(|| Error::storyboard("shots", "there is no shot to show"))?;
        let picture = inner.picture(&shot.picture, &format!("shots[{}]", board.shots.len() - 1))?;
        let drawn = still::draw(board, &picture, size, &inner.letters.fonts)?;
        let rgb: Vec<u8> = drawn.data.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]]).collect();
        let mut png = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut png);
        let color = image::ExtendedColorType::Rgb8;
        image::ImageEncoder::write_image(encoder, &rgb, size.width, size.height, color)
            .map_err(|error| Error::Compositing(error.to_string()))?;
        Ok(png)
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
        let file = inner.store.path(video)?;
        let verdict = inner.verdict(&file, board, Some(&request.produce_id), poster_frame(board))?;
        let poster = match verdict.still {
            Some(jpeg) => Some(inner.store.put(&jpeg)?),
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

#[async_trait]
impl Fidelity for Studio {
    async fn compare(
        &self,
        clip: &ArtifactHash,
        references: &[ArtifactHash],
    ) -> Result<FidelityReport, RenderError> {
        let (studio, clip, references) = (self.clone(), clip.clone(), references.to_vec());
        tokio::task::spawn_blocking(move || studio.compare_blocking(&clip, &references))
            .await
            .map_err(|error| RenderError::Unavailable(format!("comparing was interrupted: {error}")))?
            .map_err(RenderError::from)
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

    /// The encoded sound, as long as the storyboard to the nearest AAC frame: the music bed, and the lines
    /// that are spoken over it.
    ///
    /// AAC is cut in frames of 1,024 samples and players do not agree on trimming the last one; a
    /// whole number of frames is at most 11.6 ms off everywhere.
    fn sound_file(&self, board: &Storyboard) -> Result<Held, Error> {
        let exact = f64::from(board.frames()) * f64::from(music::RATE) / f64::from(board.fps);
        let samples = ((exact / 1024.0).round() as u64).max(1) * 1024;
        let cuts = speech::cuts(board);
        let key = graph::hashed(&(RENDERER_VERSION, board.audio, samples, &cuts, speech::places(board)))?;
        self.sounds.get_or_make(&key, |path| {
            let lines = speech::lines(board, self.store.as_ref())?;
            // AAC takes from loudness and adds to peaks, by how much depends on the piece: what counts is
            // what is decoded, so the next try aims beside by as much.
            let (mut limit, mut audio) = (-2.4, board.audio);
            for _ in 0..8 {
                let sound = if lines.is_empty() {
                    music::compose_below(&audio, &cuts, samples as usize, limit)?
                } else {
                    speech::mix(&audio, &cuts, samples as usize, &lines, limit)?
                };
                encode_aac(path, &sound, music::RATE)?;
                let mut heard = Heard::default();
                decode(path, &mut heard)?;
                let (loud, peak) = loudness(&heard.0, 2, music::RATE)?;
                // Shorter than loudness is defined for.
                let off = if loud > -69.0 { board.audio.loudness_lufs - loud } else { 0.0 };
                if peak <= -1.1 && off.abs() <= 0.3 {
                    return Ok(());
                }
                // A lower peak makes the coder add a little more, so it is passed by more than what is over.
                if peak > -1.1 {
                    limit -= peak + 1.1 + 0.6;
                }
                audio.loudness_lufs += off;
            }
            Err(Error::storyboard(
                "audio.loudness_lufs",
                "so loud a piece of this length would be distorted; less is needed",
            ))
        })
    }

    /// Envelope of the sound that the storyboard plans.
    fn envelope(&self, board: &Storyboard) -> Result<Arc<[f32]>, Error> {
        let key = graph::hashed(&(
            board.audio,
            speech::cuts(board),
            board.frames(),
            board.fps,
            speech::places(board),
        ))?;
        if let Some(envelope) = self.envelopes.get(&key) {
            return Ok(envelope);
        }
        let mut heard = Heard::default();
        decode(self.sound_file(board)?.path(), &mut heard)?;
        let envelope: Arc<[f32]> = gate::envelope(&heard.0, 2, music::RATE).into();
        self.envelopes.put(key, Arc::clone(&envelope));
        Ok(envelope)
    }

    fn finished(
        &self,
        board: &Storyboard,
        label: &Label,
        threads: usize,
        stop: &Shutdown,
    ) -> Result<Footage, Error> {
        self.look_at_footage(board)?;
        self.look_at_texts(board, stop)?;
        let files = self.shot_files(board, threads, stop)?;
        if files.len() < board.shots.len() {
            return Err(Error::Stopped);
        }
        let sound = self.sound_file(board)?;
        go_on(stop)?;
        let scratch = tempfile::tempdir_in(&self.options.folder)?;
        let file = scratch.path().join("final.mp4");
        let pieces: Vec<Piece<'_>> = files
            .iter()
            .zip(&board.shots)
            .map(|(held, shot)| Piece { file: held.path(), frames: shot.frames })
            .collect();
        stitch(&file, &pieces, board.fps, Some(sound.path()), &[(label::KEY, &label.to_json())])?;
        let file = self.signed(file, board, label)?;
        let bytes = std::fs::metadata(&file)?.len();
        let artifact = self.store.adopt(&file)?;
        let cost = self.price(RenderStage::Final, board);
        Ok(Footage { artifact, frames: board.frames(), bytes, cost, poster: None, statistics: None })
    }
}

impl Inner {
    /// The video with its statement of provenance, where something signs: the last change of a file.
    fn signed(&self, file: PathBuf, board: &Storyboard, label: &Label) -> Result<PathBuf, Error> {
        let Some(provenance) = &self.provenance else { return Ok(file) };
        let generated = board.shots.iter().any(|shot| shot.footage.is_some());
        let origin = Origin { produce_id: label.produce_id.clone(), generated };
        let signed = file.with_extension("signed.mp4");
        provenance
            .seal(&file, &origin, &signed)
            .map_err(|error| Error::Compositing(format!("the video cannot be signed: {error}")))?;
        Ok(signed)
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

/// The frame shown before playing: when the first shot's texts have come to rest.
fn poster_frame(board: &Storyboard) -> u32 {
    let first = board.shots.first().map_or(1, |shot| shot.frames);
    (board.fps * 3 / 2).min(first - 1)
}
