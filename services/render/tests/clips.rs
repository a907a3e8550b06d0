//! Clips in the place of pictures: shown, read over, and refused where they do not fit.

use std::path::PathBuf;
use std::sync::Arc;

use common::{FolderStore, board, shot};
use spotwright_core::ports::artifacts::{ArtifactHash, ArtifactStore};
use spotwright_core::ports::fidelity::Fidelity;
use spotwright_core::ports::video_backend::{GateReport, RenderError, RenderRequest};
use spotwright_core::spine::Shutdown;
use spotwright_media::{Sink, VideoEncoder, VideoFormat, VideoView, Yuv420, decode};
use spotwright_render::{Error, Options, Studio};
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{Footage, FrameSize, Generated, Layout, Storyboard};

mod common;

const FPS: u32 = 20;
/// Frames of the shot that shows the clip, and where in the clip it begins.
const FRAMES: u32 = 44;
const START: u32 = 6;

struct Rig {
    folder: tempfile::TempDir,
    store: Arc<FolderStore>,
    studio: Studio,
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let objects = folder.path().join("objects");
        std::fs::create_dir(&objects).expect("creates");
        let store = Arc::new(FolderStore(objects));
        let options = Options { folder: folder.path().join("studio"), ..Options::default() };
        let studio = Studio::new(options, store.clone()).expect("opens");
        Self { folder, store, studio }
    }

    /// A stored clip of `frames` frames; `color` gives luma, blue and red difference of a pixel.
    fn clip(&self, frames: u32, fps: u32, color: impl Fn(u32, usize, usize) -> [u8; 3]) -> String {
        let file = self.folder.path().join("clip.mp4");
        let (width, height) = (180, 320);
        let format = VideoFormat { width, height, fps, crf: 12, keyframe_every: 40 };
        let mut encoder = VideoEncoder::create(&file, format).expect("opens");
        let mut picture = Yuv420::filled(width as usize, height as usize, [16, 128, 128]);
        for frame in 0..frames {
            for at in 0..picture.y.len() {
                picture.y[at] = color(frame, at % 180, at / 180)[0];
            }
            for at in 0..picture.u.len() {
                let [_, u, v] = color(frame, at % 90 * 2, at / 90 * 2);
                (picture.u[at], picture.v[at]) = (u, v);
            }
            encoder.write(&picture).expect("writes");
        }
        encoder.finish().expect("finishes");
        self.store.adopt(&file).expect("stores").0
    }

    /// One shot that shows the clip.
    fn board(layout: Layout, clip: &str) -> Storyboard {
        let role = if layout == Layout::EndCard { Role::Cta } else { Role::Hook };
        let mut clip_shot = shot(role, layout, "", FRAMES, ["新鲜咖啡", "", "", "晨山", ""]);
        let clip = clip.to_owned();
        clip_shot.footage = Some(Footage::Clip { clip, start_frame: START, product: Vec::new() });
        board(Locale::ZhCn, [180, 320], FPS, ["#3B2417", "#FFB627"], vec![clip_shot])
    }

    fn render(&self, board: &Storyboard, stage: RenderStage) -> Result<PathBuf, Error> {
        let request = RenderRequest { storyboard: board.clone(), stage, produce_id: "v1".to_owned() };
        let (_switch, stop) = Shutdown::new();
        let key = serde_json::to_string(&request).expect("writes");
        let footage = self.studio.render_blocking(&request, &key, &stop)?;
        Ok(self.store.path(&footage.artifact).expect("stored"))
    }

    fn report(&self, board: &Storyboard) -> GateReport {
        let file = self.render(board, RenderStage::Final).expect("renders");
        self.studio.check(&file, board, Some("v1")).expect("checks")
    }

    /// What the gate says against it, but that it is small and short.
    fn faults(&self, board: &Storyboard) -> Vec<String> {
        faults(&self.report(board))
    }
}

fn faults(report: &GateReport) -> Vec<String> {
    let expected = ["placement_size", "placement_seconds"];
    let failed = report.checks.iter().filter(|check| !check.pass && !expected.contains(&check.id.as_str()));
    failed.map(|check| format!("{}: {} ({})", check.id, check.value, check.limit)).collect()
}

/// Luma and chroma of one pixel in every frame.
struct Pixel(usize, usize, Vec<[u8; 3]>);

impl Sink for Pixel {
    fn picture(&mut self, view: &VideoView<'_>) {
        let [(y, a), (u, b), (v, c)] = view.planes;
        let half = (self.1 / 2 * b + self.0 / 2, self.1 / 2 * c + self.0 / 2);
        self.2.push([y[self.1 * a + self.0], u[half.0], v[half.1]]);
    }
    fn sound(&mut self, _: &[f32], _: usize, _: u32) {}
}

/// A clip whose color tells the frame, with moving stripes below so that it does not stand still.
fn told(frame: u32, x: usize, y: usize) -> [u8; 3] {
    let stripe = if ((x + y + frame as usize * 5) / 24).is_multiple_of(2) { 0 } else { 12 };
    [60 + (frame % 50) as u8 * 2 + stripe, 90 + (frame % 50) as u8, 160 - (frame % 50) as u8]
}

#[test]
fn every_layout_shows_the_clip_frame_by_frame_and_passes_the_gate() {
    let rig = Rig::new();
    let clip = rig.clip(60, FPS, told);
    // A place inside the clip's window, away from texts, for each layout.
    for (layout, x, y) in [
        (Layout::FullBleed, 90, 120),
        (Layout::Card, 90, 220),
        (Layout::Poster, 90, 230),
        (Layout::EndCard, 90, 60),
    ] {
        let board = Rig::board(layout, &clip);
        assert_eq!(rig.faults(&board), Vec::<String>::new(), "{layout:?}");
        let mut seen = Pixel(x, y, Vec::new());
        decode(&rig.render(&board, RenderStage::Final).expect("renders"), &mut seen).expect("decodes");
        assert_eq!(seen.2.len(), FRAMES as usize);
        for (frame, [_, u, _]) in seen.2.iter().enumerate() {
            // Chroma tells the frame: one code each. Shades make it paler.
            let expected = 90.0 + f64::from((START + frame as u32) % 50);
            let distance = (f64::from(*u) - expected).abs();
            assert!(distance <= 5.0, "{layout:?}, frame {frame}: {u} instead of {expected}");
        }
    }
}

#[test]
fn equal_requests_over_clips_give_equal_bytes() {
    let make = || {
        let rig = Rig::new();
        let board = Rig::board(Layout::Card, &rig.clip(60, FPS, told));
        let [preview, finished] = [RenderStage::Preview, RenderStage::Final]
            .map(|stage| std::fs::read(rig.render(&board, stage).expect("renders")).expect("reads"));
        (ArtifactHash::of(&preview), ArtifactHash::of(&finished))
    };
    assert_eq!(make(), make());
}

#[test]
fn previews_show_the_clip() {
    let rig = Rig::new();
    let board = Rig::board(Layout::FullBleed, &rig.clip(60, FPS, told));
    let mut seen = Pixel(90, 120, Vec::new());
    decode(&rig.render(&board, RenderStage::Preview).expect("renders"), &mut seen).expect("decodes");
    // The middles of both seconds: frames 10 and 30 of the shot.
    let expected = [10, 30].map(|frame| 90.0 + f64::from(START + frame));
    for ([_, u, _], expected) in seen.2.iter().zip(expected) {
        assert!((f64::from(*u) - expected).abs() <= 8.0, "{u} instead of {expected}");
    }
    assert_eq!(seen.2.len(), 2);
}

#[test]
fn text_reads_on_every_frame_of_a_clip_and_not_on_the_first_alone() {
    let rig = Rig::new();
    // Dark at first; later white where the text stands, moving.
    let clip = rig.clip(60, FPS, |frame, x, y| {
        let stripe = ((x + y + frame as usize * 7) / 20 % 2) as u8;
        if frame > START + 20 && y > 150 {
            [235 - stripe * 5, 128, 128]
        } else {
            [40 + stripe * 12, 128, 128]
        }
    });
    for layout in [Layout::FullBleed, Layout::Card, Layout::Poster] {
        let mut board = Rig::board(layout, &clip);
        board.shots[0].role = Role::Proof;
        // Large enough that small print has strokes wider than a pixel.
        board.size = FrameSize { width: 360, height: 640 };
        board.shots[0].disclaimer = "数据来源：自营商城".to_owned();
        assert_eq!(rig.faults(&board), Vec::<String>::new(), "{layout:?}");
    }
}

#[test]
fn clips_that_do_not_fit_are_refused_by_the_path_of_their_shot() {
    let rig = Rig::new();
    let short = Rig::board(Layout::Card, &rig.clip(30, FPS, told));
    let slow = Rig::board(Layout::Card, &rig.clip(60, 12, told));
    let missing = Rig::board(Layout::Card, &"0".repeat(64));
    let text = Rig::board(Layout::Card, rig.store.put(b"no clip").expect("stores").as_str());
    let mut generated = short.clone();
    generated.shots[0].footage = Some(Footage::Generated(Generated {
        prompt: "a cup".to_owned(),
        negative_prompt: String::new(),
        references: Vec::new(),
        first_frame: None,
        last_frame: None,
        seed: 1,
        shows_product: true,
    }));
    for (board, path, words) in [
        (&short, "shots[0].footage.clip", "30 frames"),
        (&slow, "shots[0].footage.clip", "12.000 frames a second"),
        (&missing, "shots[0].footage.clip", "no artifact"),
        (&text, "shots[0].footage.clip", "does not decode"),
        (&generated, "shots[0].footage", "not made yet"),
    ] {
        for stage in [RenderStage::Preview, RenderStage::Final] {
            let error = rig.render(board, stage).expect_err("is refused").to_string();
            assert!(error.contains("SW0602") && error.contains(path) && error.contains(words), "{error}");
        }
    }
}

#[test]
fn clips_that_stand_still_or_stay_black_are_caught() {
    let rig = Rig::new();
    let still = rig.clip(60, FPS, |_, x, y| told(0, x, y));
    let black = rig.clip(60, FPS, |frame, x, y| if frame < 30 { [16, 128, 128] } else { told(frame, x, y) });
    for (clip, caught) in [(&still, "clip_frozen"), (&black, "clip_black")] {
        // A button that swells beside it does not hide it.
        let mut board = Rig::board(Layout::EndCard, clip);
        board.shots[0].button = "领取".to_owned();
        let faults = rig.faults(&board);
        assert!(faults.iter().any(|fault| fault.starts_with(caught)), "{caught}: {faults:?}");
    }
}

#[tokio::test]
async fn the_product_in_a_clip_is_compared_with_its_pictures() {
    let rig = Rig::new();
    let box_at = |x: i64, y: i64| -> Option<[u8; 3]> {
        // A package of 80 by 120 with a panel and a mark.
        if !(0..80).contains(&x) || !(0..120).contains(&y) {
            return None;
        }
        let stripes = (20..60).contains(&x) && (40..90).contains(&y) && (x * 3 + y * 7) / 11 % 3 == 0;
        let mark = (x - 18).pow(2) + (y - 18).pow(2) < 90;
        Some(if stripes || mark { [220, 120, 130] } else { [80, 150, 100] })
    };
    let clip = rig.clip(60, FPS, |frame, x, y| {
        let (x, y) = (x as i64 - 40 - i64::from(frame) / 4, y as i64 - 90);
        box_at(x, y).unwrap_or([150 + ((x * 5 + y * 3) & 7) as u8, 124, 132])
    });
    let rgb = |[y, u, v]: [u8; 3]| {
        let (y, u, v) = (1.164 * (f64::from(y) - 16.0), f64::from(u) - 128.0, f64::from(v) - 128.0);
        let channels = [y + 1.793 * v, y - 0.213 * u - 0.533 * v, y + 2.112 * u];
        image::Rgb(channels.map(|channel| channel.round().clamp(0.0, 255.0) as u8))
    };
    let picture = |mirror: bool| {
        let picture = image::RgbImage::from_fn(120, 160, |x, y| {
            let x = if mirror { 119 - x } else { x };
            box_at(i64::from(x) - 20, i64::from(y) - 20).map_or(image::Rgb([250, 250, 250]), rgb)
        });
        let mut png = Vec::new();
        picture.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png).expect("encodes");
        rig.store.put(&png).expect("stores")
    };
    let clip = ArtifactHash(clip);
    let report = rig.studio.compare(&clip, &[picture(false)]).await.expect("compares");
    assert!(report.pass, "{report:?}");
    let report = rig.studio.compare(&clip, &[picture(true)]).await.expect("compares");
    assert!(!report.pass, "{report:?}");
    assert!(!rig.studio.compare(&clip, &[]).await.expect("compares").pass);
    let missing = rig.studio.compare(&ArtifactHash("0".repeat(64)), &[picture(false)]).await;
    assert!(matches!(missing, Err(RenderError::Impossible(_))), "{missing:?}");
}
