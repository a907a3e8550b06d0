//! Shots: looked up, laid out, composited, encoded once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use spotwright_core::ports::artifacts::{ArtifactError, ArtifactHash};
use spotwright_core::spine::Shutdown;
use spotwright_media::{ClipReader, VideoEncoder, VideoFormat, VideoView, Yuv420};
use spotwright_schemas::storyboard::{Footage, FrameSize, OverlayContent, Shot, Storyboard};

use super::{Inner, go_on};
use crate::cache::Held;
use crate::error::Error;
use crate::footage::{ClipLook, Cut, Film};
use crate::gate::{self, Points, ShotPlan, compared_frames, points};
use crate::graph;
use crate::layout::{self, Build, Picture};
use crate::picture;
use crate::pixels::{self, Raster};
use crate::scene::{Brush, Moving, Scene, TextBox};

/// Constant rate factors of finals: visually clean at about 1 Mbit/s for moving photographs. The later ones
/// are for shots that stay below the least bit rate of their placement.
const FINAL_CRF: [u32; 4] = [21, 16, 11, 6];
/// Bit rate of the sound in kilobits a second, which counts for the placement too.
const SOUND_KBPS: u32 = 128;

/// What the gate has to know of a shot's layout.
#[derive(Clone)]
pub(super) struct Laid {
    boxes: Arc<[TextBox]>,
    clip: Option<Points>,
}

impl Laid {
    fn of(scene: &Scene) -> Self {
        let window = scene.window.as_ref().filter(|window| matches!(window.moving, Moving::Clip(_)));
        let clip = window.map(|at| points([at.x, at.y, at.width, at.height], &scene.boxes));
        Self { boxes: scene.boxes.as_slice().into(), clip }
    }
}

impl Inner {
    pub(super) fn picture(&self, hash: &str, field: &str) -> Result<Arc<Picture>, Error> {
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

    /// Looks through every clip of the storyboard, so that nothing is made of one that cannot be.
    pub(super) fn look_at_footage(&self, board: &Storyboard) -> Result<(), Error> {
        for (idx, shot) in board.shots.iter().enumerate() {
            self.look(board, shot, &format!("shots[{idx}]"))?;
        }
        Ok(())
    }

    /// The clip that a shot shows, looked through; `None` for a shot that shows its picture.
    fn look(&self, board: &Storyboard, shot: &Shot, field: &str) -> Result<Option<Arc<ClipLook>>, Error> {
        let field = format!("{field}.footage");
        let (clip, start) = match &shot.footage {
            None => return Ok(None),
            Some(Footage::Generated(_)) => {
                return Err(Error::storyboard(
                    field,
                    "the clip is not made yet; it is made before rendering",
                ));
            }
            Some(Footage::Clip { clip, start_frame, .. }) => (ArtifactHash(clip.clone()), *start_frame),
        };
        let cut = Cut { start, frames: shot.frames, fps: board.fps };
        let key = format!("{clip} {start} {} {}", cut.frames, cut.fps);
        if let Some(look) = self.looks.get(&key) {
            return Ok(Some(look));
        }
        let field = format!("{field}.clip");
        // Read whole, and so compared with its hash, before it is shown.
        match self.store.get(&clip) {
            Ok(_) => {}
            Err(error @ (ArtifactError::Missing(_) | ArtifactError::Damaged(_))) => {
                return Err(Error::storyboard(field, error.to_string()));
            }
            Err(error) => return Err(error.into()),
        }
        let look = Arc::new(ClipLook::of(&self.store.path(&clip)?, cut, &field)?);
        self.looks.put(key, Arc::clone(&look));
        Ok(Some(look))
    }

    /// A shot laid out, over the clip that it shows.
    pub(super) fn film(&self, board: &Storyboard, idx: usize, size: FrameSize) -> Result<Film, Error> {
        let scene = self.scene(board, idx, size)?;
        let clip = match &board.shots[idx].footage {
            Some(Footage::Clip { clip, start_frame, .. }) => {
                let file = self.store.path(&ArtifactHash(clip.clone()))?;
                Some((ClipReader::open(&file, clip)?, *start_frame))
            }
            _ => None,
        };
        Ok(Film::new(scene, clip))
    }

    fn scene(&self, board: &Storyboard, idx: usize, size: FrameSize) -> Result<Scene, Error> {
        let field = format!("shots[{idx}]");
        let shot = &board.shots[idx];
        let clip = self.look(board, shot, &field)?;
        let picture = match &clip {
            Some(look) => Arc::clone(&look.middle),
            None => self.picture(&shot.picture, &field)?,
        };
        let overlays = self.overlay_pictures(shot, &field)?;
        let (overlays, fonts) = (overlays.as_slice(), &self.letters.fonts);
        layout::build(&Build { board, size, shot, field: &field, picture, overlays, clip, fonts })
    }

    /// The pictures of a shot's overlays, in their order.
    fn overlay_pictures(&self, shot: &Shot, field: &str) -> Result<Vec<Option<Arc<Raster>>>, Error> {
        let mut pictures = Vec::with_capacity(shot.overlays.len());
        for (idx, overlay) in shot.overlays.iter().enumerate() {
            let OverlayContent::Image { picture, .. } = &overlay.shows else {
                pictures.push(None);
                continue;
            };
            let bytes = self.store.get(&ArtifactHash(picture.clone()))?;
            let field = format!("{field}.overlays[{idx}].shows.picture");
            let decoded = picture::decode(&bytes, &field)?.picture;
            pictures.push(Some(Arc::new(layout::with_transparency(decoded))));
        }
        Ok(pictures)
    }

    fn shot_key(&self, board: &Storyboard, shot: &Shot) -> Result<String, Error> {
        graph::shot_key(board, shot, &self.letters.fonts.chain.hash)
    }

    /// Every shot's texts at rest; laid out once per shot.
    pub(super) fn plans(&self, board: &Storyboard) -> Result<Vec<ShotPlan>, Error> {
        let mut plans = Vec::new();
        for (idx, shot) in board.shots.iter().enumerate() {
            let key = self.shot_key(board, shot)?;
            let laid = if let Some(laid) = self.laid.get(&key) {
                laid
            } else {
                let laid = Laid::of(&self.scene(board, idx, board.size)?);
                self.laid.put(key.clone(), laid.clone());
                laid
            };
            plans.push(ShotPlan { frames: shot.frames, boxes: laid.boxes, clip: laid.clip, key });
        }
        Ok(plans)
    }

    /// The frames of a shot that the gate compares, as they are composited.
    pub(super) fn compose(&self, board: &Storyboard, idx: usize) -> Result<Vec<(u32, Yuv420)>, Error> {
        let mut film = self.film(board, idx, board.size)?;
        let (width, height) = (board.size.width as usize, board.size.height as usize);
        let mut brush = Brush::new(width, height);
        let mut frames = Vec::new();
        for frame in compared_frames(board.shots[idx].frames) {
            film.draw(frame, &mut brush)?;
            let mut picture = Yuv420::filled(width, height, [16, 128, 128]);
            pixels::to_yuv(&brush.canvas, &mut picture);
            frames.push((frame, picture));
        }
        Ok(frames)
    }

    /// Composites every frame of a storyboard as the encoder would get it; `seen` may end it by answering
    /// `false`. Returns the number of frames.
    pub(super) fn composite(
        &self,
        board: &Storyboard,
        seen: &mut dyn FnMut(&Yuv420) -> bool,
    ) -> Result<u32, Error> {
        let (width, height) = (board.size.width as usize, board.size.height as usize);
        let mut brush = Brush::new(width, height);
        let mut picture = Yuv420::filled(width, height, [16, 128, 128]);
        let mut frames = 0;
        for (idx, shot) in board.shots.iter().enumerate() {
            let mut film = self.film(board, idx, board.size)?;
            for frame in 0..shot.frames {
                film.draw(frame, &mut brush)?;
                pixels::to_yuv(&brush.canvas, &mut picture);
                frames += 1;
                if !seen(&picture) {
                    return Ok(frames);
                }
            }
        }
        Ok(frames)
    }

    /// Draws every shot where its texts are at rest and reads them as the gate will, so that nothing is
    /// encoded that nobody can read.
    ///
    /// # Errors
    /// [`Error::Problem`] with the shot and what cannot be read in it.
    pub(super) fn look_at_texts(&self, board: &Storyboard, stop: &Shutdown) -> Result<(), Error> {
        let (width, height) = (board.size.width as usize, board.size.height as usize);
        let mut brush = Brush::new(width, height);
        let mut picture = Yuv420::filled(width, height, [16, 128, 128]);
        for (idx, shot) in board.shots.iter().enumerate() {
            let mut film = self.film(board, idx, board.size)?;
            let boxes = film.scene.boxes.clone();
            let rests = boxes.iter().map(|text| gate::rest_of(text, board.fps, shot.frames));
            let frames: BTreeSet<u32> = rests.chain([shot.frames - 1]).collect();
            for frame in frames {
                go_on(stop)?;
                film.draw(frame, &mut brush)?;
                pixels::to_yuv(&brush.canvas, &mut picture);
                let half = width / 2;
                let planes = [(&picture.y[..], width), (&picture.u[..], half), (&picture.v[..], half)];
                let view = VideoView { index: frame, seconds: 0.0, width, height, planes };
                if let Some(fault) = gate::unreadable(&view, &boxes, board.fps, shot.frames, frame) {
                    return Err(Error::storyboard(format!("shots[{idx}]"), fault));
                }
            }
        }
        Ok(())
    }

    /// The encoded shots in their order, made by up to `threads` threads. Their bytes do not depend on how
    /// many.
    pub(super) fn shot_files(
        &self,
        board: &Storyboard,
        threads: usize,
        stop: &Shutdown,
    ) -> Result<Vec<Held>, Error> {
        let count = board.shots.len();
        if threads.min(count) <= 1 {
            return (0..count).map(|idx| self.shot_file(board, idx, stop)).collect();
        }
        let next = AtomicUsize::new(0);
        let made: Vec<OnceLock<Result<Held, Error>>> = (0..count).map(|_| OnceLock::new()).collect();
        std::thread::scope(|scope| {
            for _ in 0..threads.min(count) {
                scope.spawn(|| {
                    loop {
                        let idx = next.fetch_add(1, Ordering::Relaxed);
                        let Some(slot) = made.get(idx) else { return };
                        let file = self.shot_file(board, idx, stop);
                        if file.is_err() {
                            next.store(count, Ordering::Relaxed);
                        }
                        // Nobody else has this index.
                        drop(slot.set(file));
                    }
                });
            }
        });
        // The first fault counts; what comes behind it was not begun.
        made.into_iter().map_while(OnceLock::into_inner).collect()
    }

    /// The encoded shot, composited and encoded when no variant needed it before.
    pub(super) fn shot_file(&self, board: &Storyboard, idx: usize, stop: &Shutdown) -> Result<Held, Error> {
        let shot = &board.shots[idx];
        let key = self.shot_key(board, shot)?;
        self.shots.get_or_make(&key, |path| {
            let seconds = f64::from(shot.frames) / f64::from(board.fps);
            let least = board.placement.spec().min_kbps.map_or(0, |kbps| kbps.saturating_sub(SOUND_KBPS));
            for crf in FINAL_CRF {
                let mut film = self.film(board, idx, board.size)?;
                self.laid.put(key.clone(), Laid::of(&film.scene));
                encode(path, board, shot.frames, crf, &mut film, stop)?;
                let kbps = std::fs::metadata(path)?.len() as f64 * 8.0 / 1_000.0 / seconds;
                if kbps >= f64::from(least) {
                    break;
                }
            }
            Ok(())
        })
    }
}

fn encode(
    path: &std::path::Path,
    board: &Storyboard,
    frames: u32,
    crf: u32,
    film: &mut Film,
    stop: &Shutdown,
) -> Result<(), Error> {
    let format = VideoFormat {
        width: board.size.width,
        height: board.size.height,
        fps: board.fps,
        crf,
        keyframe_every: board.fps * 2,
    };
    let mut encoder = VideoEncoder::create(path, format)?;
    let (width, height) = (board.size.width as usize, board.size.height as usize);
    let mut brush = Brush::new(width, height);
    let mut picture = Yuv420::filled(width, height, [16, 128, 128]);
    for frame in 0..frames {
        go_on(stop)?;
        film.draw(frame, &mut brush)?;
        pixels::to_yuv(&brush.canvas, &mut picture);
        encoder.write(&picture)?;
    }
    encoder.finish()?;
    Ok(())
}
