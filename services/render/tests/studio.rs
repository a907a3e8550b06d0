//! The studio through its port, and the gate against broken files.

use std::path::Path;
use std::sync::Arc;

use common::{FolderStore, board, shot};
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::quality_gate::{GateError, judge};
use spotwright_core::ports::video_backend::{Footage, GateReport, RenderRequest, Rendered, VideoBackend};
use spotwright_core::spine::Shutdown;
use spotwright_media::{NoSink, Piece, VideoEncoder, VideoFormat, Yuv420, decode, encode_aac, stitch};
use spotwright_render::{Error, Options, Studio, gate, picture};
use spotwright_schemas::event::RenderStage;
use spotwright_schemas::locale::Locale;
use spotwright_schemas::money::Micros;
use spotwright_schemas::placement::PlacementKind;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{Color, FrameSize, Layout, Storyboard};

mod cage;
mod common;

struct Rig {
    folder: tempfile::TempDir,
    store: Arc<FolderStore>,
    studio: Studio,
    picture: String,
}

fn photo(width: u32, height: u32) -> Vec<u8> {
    let mut photo = image::RgbImage::new(width, height);
    for (x, y, pixel) in photo.enumerate_pixels_mut() {
        let wave = ((x as f32 * 0.11).sin() * (y as f32 * 0.07).cos() * 60.0) as i32;
        let byte = |v: i32| v.clamp(0, 255) as u8;
        *pixel = image::Rgb([byte(150 + wave), byte(90 + wave + (x % 9) as i32), byte(60 - wave)]);
    }
    let mut png = Vec::new();
    photo.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png).expect("encodes");
    png
}

fn rig() -> Rig {
    let folder = tempfile::tempdir().expect("folder");
    let objects = folder.path().join("objects");
    std::fs::create_dir(&objects).expect("creates");
    let store = Arc::new(FolderStore(objects));
    let imported = picture::import(&photo(150, 100), "picture").expect("imports");
    let picture = store.put(&imported.png).expect("stores").0;
    let options =
        Options { folder: folder.path().join("studio"), micros_per_second: 1_000, ..Options::default() };
    let studio = Studio::new(options, store.clone()).expect("opens");
    Rig { folder, store, studio, picture }
}

impl Rig {
    fn board(&self) -> Storyboard {
        let shots = vec![
            shot(Role::Hook, Layout::FullBleed, &self.picture, 26, ["新鲜咖啡", "", "", "晨山", ""]),
            shot(Role::Cta, Layout::EndCard, &self.picture, 24, ["下单", "", "领取", "晨山", ""]),
        ];
        board(Locale::ZhCn, [180, 320], 20, ["#3B2417", "#FFB627"], shots)
    }

    fn request(storyboard: Storyboard, stage: RenderStage) -> RenderRequest {
        RenderRequest { storyboard, stage, produce_id: "variant-1".to_owned() }
    }

    fn render(&self, storyboard: Storyboard, key: &str) -> Rendered {
        let request = Self::request(storyboard, RenderStage::Final);
        let footage = self.make(&request, key).expect("renders");
        block_on(judge(&self.studio, footage, &request)).expect("is judged")
    }

    /// Renders without ever being told to stop.
    fn make(&self, request: &RenderRequest, key: &str) -> Result<Footage, Error> {
        let (_switch, stop) = Shutdown::new();
        self.studio.render_blocking(request, key, &stop)
    }

    fn file(&self, rendered: &Rendered) -> std::path::PathBuf {
        self.store.path(&rendered.artifact).expect("stored")
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("runtime").block_on(future)
}

fn failed(report: &GateReport) -> Vec<&str> {
    report.checks.iter().filter(|check| !check.pass).map(|check| check.id.as_str()).collect()
}

#[test]
fn finals_are_as_planned_and_pass_all_but_the_size_of_the_placement() {
    let rig = rig();
    let rendered = rig.render(rig.board(), "k1");
    let report = rendered.gate.as_ref().expect("gated");
    // The board is small and short to be fast; that is also what the gate must say.
    assert_eq!(failed(report), ["placement_size", "placement_seconds"], "{report:#?}");
    let content = decode(&rig.file(&rendered), &mut NoSink).expect("decodes");
    assert_eq!(content.video.expect("video").frames, 50);
    assert_eq!((rendered.frames, rendered.cost), (50, Micros(2_500)));
    assert!((rendered.statistics.cut_rate - 0.4).abs() < 1e-9);
    assert!((rendered.statistics.loudness_lufs + 14.0).abs() < 0.5);
    assert!(rendered.statistics.text_area > 0.01 && rendered.statistics.brightness > 0.02);
}

#[test]
fn light_brand_colors_pass_in_every_layout() {
    let rig = rig();
    for layout in [Layout::FullBleed, Layout::Card, Layout::Poster] {
        let mut board = rig.board();
        board.palette.primary = Color { r: 247, g: 235, b: 211 };
        board.palette.accent = Color { r: 181, g: 72, b: 47 };
        board.size = FrameSize { width: 360, height: 640 };
        board.shots[0].layout = layout;
        board.shots[0].caption = "A fresh cup, typography".to_owned();
        board.locale = Locale::EnUs;
        let report = rig.render(board, &format!("light-{layout:?}")).gate.expect("gated");
        assert_eq!(failed(&report), ["placement_size", "placement_seconds"], "{layout:?} {report:#?}");
    }
}

#[test]
fn equal_requests_give_equal_bytes_cold_cached_and_side_by_side() {
    let (first, second) = (rig(), rig());
    let cold = first.render(first.board(), "a");
    let cached = first.render(first.board(), "b");
    let (left, right) = std::thread::scope(|scope| {
        let left = scope.spawn(|| second.render(second.board(), "c"));
        let right = scope.spawn(|| second.render(second.board(), "d"));
        (left.join().expect("left"), right.join().expect("right"))
    });
    for other in [&cached, &left, &right] {
        assert_eq!((&cold.artifact, &cold.poster), (&other.artifact, &other.poster));
    }
}

#[test]
fn renders_are_found_again_by_their_key() {
    let rig = rig();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    let request = Rig::request(rig.board(), RenderStage::Preview);
    assert!(runtime.block_on(rig.studio.lookup("p")).expect("looks").is_none());
    let (_switch, stop) = Shutdown::new();
    let footage = runtime.block_on(rig.studio.render(&request, "p", &stop)).expect("renders");
    assert_eq!(footage.frames, 2);
    assert!(footage.clone().into_preview().expect("a preview").gate.is_none());
    let options = Options { folder: rig.folder.path().join("studio"), ..Options::default() };
    let reopened = Studio::new(options, rig.store).expect("opens");
    assert_eq!(runtime.block_on(reopened.lookup("p")).expect("looks"), Some(footage));
}

#[test]
fn a_render_that_is_told_to_stop_ends_and_leaves_nothing() {
    let rig = rig();
    let (switch, stop) = Shutdown::new();
    switch.send_replace(true);
    for (stage, key) in [(RenderStage::Preview, "p"), (RenderStage::Final, "f")] {
        let request = Rig::request(rig.board(), stage);
        let stopped = rig.studio.render_blocking(&request, key, &stop);
        assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
        assert!(block_on(rig.studio.lookup(key)).expect("looks").is_none());
        rig.make(&request, key).expect("the same render succeeds when nobody stops it");
    }
}

#[test]
fn the_gate_judges_the_stored_file_whoever_made_it() {
    let rig = rig();
    let request = Rig::request(rig.board(), RenderStage::Final);
    let footage = rig.make(&request, "own").expect("renders");
    // Somebody else's file under the same request: another length, and no label of this variant.
    let mut other = rig.board();
    other.shots[0].frames += 5;
    let other =
        RenderRequest { produce_id: "variant-2".to_owned(), ..Rig::request(other, RenderStage::Final) };
    let foreign = rig.make(&other, "foreign").expect("renders");
    let claimed = Footage { artifact: foreign.artifact, ..footage.clone() };
    let judged = block_on(judge(&rig.studio, claimed, &request)).expect("is judged");
    let report = judged.gate.expect("gated");
    assert!(failed(&report).contains(&"frame_count") && failed(&report).contains(&"ai_metadata"));
    // A file that is no video, and one that is damaged.
    let text = Footage { artifact: rig.store.put(b"not a video").expect("stores"), ..footage.clone() };
    let refused = block_on(judge(&rig.studio, text, &request)).expect_err("no picture");
    assert!(matches!(refused, GateError::Impossible(_)) && refused.to_string().contains("readable"));
    std::fs::write(rig.store.path(&footage.artifact).expect("stored"), b"cut").expect("writes");
    let refused = block_on(judge(&rig.studio, footage, &request)).expect_err("damaged");
    assert!(matches!(refused, GateError::Impossible(_)), "{refused}");
}

#[test]
fn damaged_cached_shots_are_made_again() {
    let rig = rig();
    let cold = rig.render(rig.board(), "a");
    for entry in std::fs::read_dir(rig.folder.path().join("studio/shots")).expect("lists") {
        let path = entry.expect("entry").path();
        if path.extension().is_some_and(|e| e == "mp4") {
            std::fs::write(path, b"cut").expect("writes");
        }
    }
    assert_eq!(rig.render(rig.board(), "b").artifact, cold.artifact);
}

/// Pieces of a broken file: luma of each frame.
fn fake(rig: &Rig, name: &str, frames: u32, luma: impl Fn(u32) -> u8, loud: f32, label: bool) -> GateReport {
    let at = |suffix: &str| rig.folder.path().join(format!("{name}-{suffix}.mp4"));
    let format = VideoFormat { width: 180, height: 320, fps: 20, crf: 20, keyframe_every: 40 };
    let mut encoder = VideoEncoder::create(&at("v"), format).expect("opens");
    for frame in 0..frames {
        encoder.write(&Yuv420::filled(180, 320, [luma(frame), 128, 128])).expect("writes");
    }
    encoder.finish().expect("finishes");
    let sound: Vec<f32> = (0..frames * 2_205).flat_map(|i| [(i as f32 * 0.05).sin() * loud; 2]).collect();
    encode_aac(&at("a"), &sound, 44_100).expect("encodes");
    let label = if label { vec![("AIGC", r#"{"Label":"1"}"#)] } else { vec![] };
    let piece = Piece { file: &at("v"), frames };
    stitch(&at("out"), &[piece], 20, Some(&at("a")), &label).expect("joins");
    rig.studio.check(&at("out"), &rig.board(), Some("variant-1")).expect("checks")
}

#[test]
fn the_gate_catches_every_broken_file() {
    let rig = rig();
    let caught = |report: &GateReport, id: &str| {
        assert!(!report.pass);
        assert!(failed(report).contains(&id), "{id} is not among {:?}", failed(report));
    };
    let moving = |frame: u32| 60 + (frame % 40) as u8 * 3;
    let short = fake(&rig, "short", 49, moving, 0.2, true);
    caught(&short, "frame_count");
    caught(&short, "ai_metadata");
    caught(&short, "text_contrast");
    caught(&short, "ai_label_visible");
    assert!(!failed(&short).contains(&"frozen") && !failed(&short).contains(&"black"));
    let silent = fake(&rig, "silent", 50, |_| 16, 0.0, false);
    for id in ["loudness", "silence", "black", "frozen", "ai_metadata"] {
        caught(&silent, id);
    }
    caught(&fake(&rig, "loud", 50, moving, 1.0, true), "true_peak");

    let good = rig.render(rig.board(), "good");
    let bytes = std::fs::read(rig.file(&good)).expect("reads");
    let cut = rig.folder.path().join("cut.mp4");
    let sandbox = cage::sandbox(rig.folder.path());
    for share in [3, 2] {
        std::fs::write(&cut, &bytes[..bytes.len() * (share - 1) / share]).expect("writes");
        assert!(!rig.studio.check(&cut, &rig.board(), None).expect("checks").pass);
        let alone = gate::check_file(&sandbox, &cut, PlacementKind::SimulatedFeed);
        assert!(failed(&alone).iter().any(|id| *id != "placement_size"));
    }
    let other = rig.studio.check(&rig.file(&good), &rig.board(), Some("another")).expect("checks");
    caught(&other, "ai_metadata");
    let mut fast = rig.board();
    fast.shots[0].caption = "新鲜咖啡每天早上现磨现送到家门口".to_owned();
    caught(&rig.studio.check(&rig.file(&good), &fast, None).expect("checks"), "reading_time");
    let mut unlabelled = rig.board();
    unlabelled.shots[0].ai_label = false;
    caught(&rig.studio.check(&rig.file(&good), &unlabelled, None).expect("checks"), "ai_label_time");
    assert!(!gate::check_file(&sandbox, Path::new("/nonexistent.mp4"), PlacementKind::SimulatedFeed).pass);
}

#[test]
fn hostile_captions_are_drawn_inside_the_frame_or_refused_by_name() {
    let rig = rig();
    let long = "W".repeat(200);
    let captions = [
        long.as_str(),
        "好".repeat(200).leak(),
        "🔥🔥 emoji",
        "مرحبا بالعالم",
        "e\u{301}\u{323}\u{489} marks",
        "\u{202E}evil\u{200B}",
        "   ",
        "！！！，，，。。。",
        "（（（（（",
    ];
    for layout in [Layout::FullBleed, Layout::Card, Layout::Poster, Layout::EndCard] {
        for size in [[180, 320], [320, 180]] {
            for caption in captions {
                let mut storyboard = rig.board();
                storyboard.size.width = size[0];
                storyboard.size.height = size[1];
                storyboard.shots.truncate(1);
                storyboard.shots[0].layout = layout;
                storyboard.shots[0].caption = caption.to_owned();
                let request = Rig::request(storyboard, RenderStage::Preview);
                let key = format!("{layout:?}{size:?}{caption}");
                if let Err(error) = rig.make(&request, &key) {
                    let text = error.to_string();
                    assert!(
                        text.contains("SW0602") && text.contains("shots[0].caption"),
                        "{caption}: {text}"
                    );
                }
            }
        }
    }
    let mut storyboard = rig.board();
    storyboard.shots[0].caption = "ᚠ rune".to_owned();
    let error = rig.make(&Rig::request(storyboard, RenderStage::Final), "rune").expect_err("refuses");
    assert!(error.to_string().contains("U+16A0"), "{error}");
}

#[test]
fn missing_fonts_and_bad_ids_are_named() {
    let rig = rig();
    let options = Options {
        folder: rig.folder.path().join("other"),
        fonts: vec!["/nonexistent.ttc".into()],
        ..Options::default()
    };
    let error = Studio::new(options, rig.store.clone()).err().expect("refuses").to_string();
    assert!(error.contains("SW0304") && error.contains("fonts-noto-cjk"), "{error}");
    let mut request = Rig::request(rig.board(), RenderStage::Preview);
    request.produce_id = "two words".to_owned();
    assert!(rig.make(&request, "bad").is_err());
}

fn code(bytes: &[u8]) -> &'static str {
    picture::import(bytes, "p").map_or_else(|problem| problem.code.as_str(), |_| "accepted")
}

#[test]
fn picture_bombs_and_damaged_pictures_are_refused() {
    let png = photo(150, 100);
    assert_eq!(code(&png), "accepted");
    let mut bomb = png.clone();
    bomb[16..24].copy_from_slice(&[0, 0, 0xEA, 0x60, 0, 0, 0xEA, 0x60]);
    assert!(["SW0203", "SW0204"].contains(&code(&bomb)));
    assert_eq!(code(&photo(63, 100)), "SW0204");
    assert_eq!(code(b"GIF89a\x01\0\x01\0"), "SW0203");
    assert_eq!(code(b""), "SW0203");
    assert_eq!(code(&vec![0xFF; 20_000_001]), "SW0204");
    let mut jpeg = Vec::new();
    image::load_from_memory(&png)
        .expect("decodes")
        .write_to(&mut std::io::Cursor::new(&mut jpeg), image::ImageFormat::Jpeg)
        .expect("encodes");
    assert_eq!(code(&jpeg), "accepted");
    for whole in [&png, &jpeg] {
        for kept in [8, whole.len() / 4, whole.len() / 2, whole.len() - 200] {
            assert_eq!(code(&whole[..kept]), "SW0203", "{kept} of {}", whole.len());
        }
    }
    // An animated WebP says so in its extended header.
    let mut webp =
        b"RIFF\x30\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x63\0\0\x63\0\0ANIM\x06\0\0\0\0\0\0\0\0\0".to_vec();
    webp.resize(64, 0);
    assert_eq!(code(&webp), "SW0203");
}

#[test]
fn large_pictures_are_scaled_down_and_pictures_are_stable() {
    let imported = picture::import(&photo(2_400, 600), "p").expect("imports");
    assert_eq!((imported.width, imported.height), (2_160, 540));
    let again = picture::import(&imported.png, "p").expect("imports");
    assert_eq!((again.width, again.height), (2_160, 540));
}
