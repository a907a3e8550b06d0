//! Files made to break, leak or hang, in the place of pictures, of clips that a video service made, and of
//! finished videos: each is answered in time, and nothing of it survives.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::FolderStore;
use hostile_files::Trap;
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::clip_importer::{ClipImporter, ClipPlan, ImportError};
use spotwright_media::{VideoEncoder, VideoFormat, Yuv420};
use spotwright_render::picture::{self, PictureImport};
use spotwright_render::{ClipImport, gate};
use spotwright_schemas::placement::PlacementKind;
use spotwright_schemas::storyboard::FrameSize;

mod cage;
#[expect(dead_code, reason = "each test file uses its part")]
mod common;
mod hostile_files;

/// Longest time for one file.
const PATIENCE: Duration = Duration::from_mins(1);

/// Bytes of a clip that is in order.
fn clip(folder: &Path, width: u32, height: u32, frames: u32) -> Vec<u8> {
    let file = folder.join("good.mp4");
    let format = VideoFormat { width, height, fps: 30, crf: 16, keyframe_every: 12 };
    let mut encoder = VideoEncoder::create(&file, format).expect("opens");
    for number in 0..frames {
        let mut shown = Yuv420::filled(width as usize, height as usize, [60, 120, 136]);
        for (idx, luma) in shown.y.iter_mut().enumerate() {
            *luma = 40 + ((idx as u32 * 7 + number * 11) % 160) as u8;
        }
        encoder.write(&shown).expect("writes");
    }
    encoder.finish().expect("finishes");
    std::fs::read(file).expect("reads")
}

fn photo(width: u32, height: u32) -> Vec<u8> {
    let photo = image::RgbImage::from_fn(width, height, |x, y| {
        let wave = ((x as f32 * 0.11).sin() * (y as f32 * 0.07).cos() * 60.0) as i32;
        image::Rgb([(150 + wave) as u8, (90 + wave) as u8, (100 - wave) as u8])
    });
    let mut png = Vec::new();
    photo.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png).expect("encodes");
    png
}

/// What `work` gives, within [`PATIENCE`].
#[track_caller]
fn in_time<T>(what: &str, work: impl FnOnce() -> T) -> T {
    #[expect(clippy::disallowed_methods, reason = "a bound on real time")]
    let begun = Instant::now();
    let given = work();
    assert!(begun.elapsed() < PATIENCE, "{what} took {:?}", begun.elapsed());
    given
}

#[test]
fn pictures_that_are_in_order_come_out_as_if_they_were_decoded_here() {
    let folder = tempfile::tempdir().expect("folder");
    let import = PictureImport::new(cage::sandbox(folder.path()));
    let mut large = photo(2_400, 600);
    for layer in [false, true] {
        let (caged, here) = if layer {
            (import.import_layer(&large, "p"), picture::import_layer(&large, "p"))
        } else {
            (import.import(&large, "p"), picture::import(&large, "p"))
        };
        assert_eq!(caged.expect("imports"), here.expect("imports"));
    }
    // What is wrong is said in the same words.
    large.truncate(large.len() / 2);
    let (caged, here) = (import.import(&large, "p"), picture::import(&large, "p"));
    assert_eq!(caged.expect_err("refused"), here.expect_err("refused"));
    let small = photo(20, 600);
    let (caged, here) = (import.import(&small, "p"), picture::import(&small, "p"));
    assert_eq!(caged.expect_err("refused"), here.expect_err("refused"));
    // Nothing is left behind.
    assert_eq!(std::fs::read_dir(folder.path()).expect("lists").count(), 0);
}

#[test]
fn hostile_pictures_are_refused_or_written_anew() {
    let trap = Trap::set();
    let scratch = tempfile::tempdir().expect("folder");
    let import = PictureImport::new(cage::sandbox(scratch.path()));
    let good = photo(200, 160);
    let mut files = trap.pictures(&good, &clip(scratch.path(), 64, 64, 6));
    std::fs::remove_file(scratch.path().join("good.mp4")).expect("removes");
    let count = files.len();
    files.extend(bombs());
    for file in &files {
        for layer in [false, true] {
            let imported = in_time(&file.what, || {
                if layer { import.import_layer(&file.bytes, "p") } else { import.import(&file.bytes, "p") }
            });
            match imported {
                Ok(imported) => {
                    assert!(file.may_pass, "{} was taken", file.what);
                    Trap::is_clean(&file.what, &imported.png);
                }
                Err(problem) => {
                    assert!(
                        ["SW0203", "SW0204"].contains(&problem.code.as_str()),
                        "{}: {problem}",
                        file.what
                    );
                    assert!(!problem.message.is_empty() && !problem.message.chars().any(char::is_control));
                    Trap::is_clean(&file.what, problem.message.as_bytes());
                }
            }
        }
    }
    assert!(count >= 30, "{count} files");
    trap.nobody_came();
    assert_eq!(std::fs::read_dir(scratch.path()).expect("lists").count(), 0);
}

/// Small files that unpack to much: a text, a color profile and pixels.
fn bombs() -> Vec<hostile_files::Hostile> {
    let made = |what: &str, size: [u32; 2], fill: &dyn Fn(&mut png::Info<'_>)| {
        let mut bytes = Vec::new();
        let mut info = png::Info::with_size(size[0], size[1]);
        info.color_type = png::ColorType::Grayscale;
        info.bit_depth = png::BitDepth::Eight;
        fill(&mut info);
        let mut writer =
            png::Encoder::with_info(&mut bytes, info).expect("sound").write_header().expect("writes");
        writer.write_image_data(&vec![90; (size[0] * size[1]) as usize]).expect("writes");
        writer.finish().expect("ends");
        assert!(bytes.len() < 1_000_000, "{what} has {} bytes", bytes.len());
        hostile_files::Hostile { what: what.to_owned(), bytes, may_pass: true }
    };
    let text = |info: &mut png::Info<'_>| {
        let chunk = png::text_metadata::ZTXtChunk::new("Comment", "a".repeat(64 << 20));
        info.compressed_latin1_text.push(chunk);
    };
    let profile = |info: &mut png::Info<'_>| info.icc_profile = Some(vec![0; 64 << 20].into());
    let mut pixels = made("64 million pixels", [16_000, 4_000], &|_| {});
    pixels.may_pass = false;
    vec![made("a text bomb", [80, 80], &text), made("a profile bomb", [80, 80], &profile), pixels]
}

#[tokio::test]
async fn hostile_results_of_video_services_are_refused() {
    let trap = Trap::set();
    let scratch = tempfile::tempdir().expect("folder");
    let objects = tempfile::tempdir().expect("folder");
    let store = Arc::new(FolderStore(objects.path().to_owned()));
    let good = clip(scratch.path(), 96, 160, 30);
    let picture = photo(96, 160);
    std::fs::remove_file(scratch.path().join("good.mp4")).expect("removes");
    let import = ClipImport::new(store.clone(), cage::sandbox(scratch.path()));
    let plan = ClipPlan { size: FrameSize { width: 90, height: 160 }, fps: 30, frames: 30, sound: false };
    let taken = import.import(&store.put(&good).expect("stores"), &plan).await.expect("is in order");
    assert_eq!(taken.frames, 30);
    for file in trap.clips(&good, &picture) {
        let stored = store.put(&file.bytes).expect("stores");
        let begun = tokio::time::Instant::now();
        let imported = import.import(&stored, &plan).await;
        assert!(begun.elapsed() < PATIENCE, "{} took {:?}", file.what, begun.elapsed());
        match imported {
            // A single picture is a clip of a frame or two, which is what the caller is told.
            Ok(imported) if file.what == "a picture" => assert!(imported.frames <= 2),
            Err(ImportError::Refused(why)) => {
                assert!(why.contains("(media_"), "{}: {why}", file.what);
                Trap::is_clean(&file.what, why.as_bytes());
            }
            other => panic!("{}: {other:?}", file.what),
        }
    }
    trap.nobody_came();
    assert_eq!(std::fs::read_dir(scratch.path()).expect("lists").count(), 0);
}

#[test]
fn hostile_videos_do_not_pass_the_gate() {
    let trap = Trap::set();
    let scratch = tempfile::tempdir().expect("folder");
    let sandbox = cage::sandbox(scratch.path());
    let good = clip(trap.folder.path(), 540, 960, 60);
    let named = trap.folder.path().join("video.mp4");
    let check = || gate::check_file(&sandbox, &named, PlacementKind::SimulatedFeed);
    std::fs::write(&named, &good).expect("writes");
    let report = check();
    // Decoded to the end: what it lacks is sound and label.
    let passed = |id: &str| report.checks.iter().any(|check| check.id == id && check.pass);
    assert!(
        ["decodes", "codec", "profile", "color", "steady_frames"].iter().all(|id| passed(id)),
        "{report:#?}"
    );
    for file in trap.clips(&good, &photo(96, 160)) {
        std::fs::write(&named, &file.bytes).expect("writes");
        let report = in_time(&file.what, check);
        assert!(!report.passes(), "{} passes", file.what);
        let told = format!("{report:?}");
        let failed: Vec<&str> =
            report.checks.iter().filter(|check| !check.pass).map(|check| check.id.as_str()).collect();
        assert!(
            failed.contains(&"readable") || failed.contains(&"decodes"),
            "{}: read, and only {failed:?} failed",
            file.what
        );
        Trap::is_clean(&file.what, told.as_bytes());
    }
    // Neither a folder nor a pipe is waited for.
    assert!(!gate::check_file(&sandbox, trap.folder.path(), PlacementKind::SimulatedFeed).pass);
    trap.nobody_came();
    assert_eq!(std::fs::read_dir(scratch.path()).expect("lists").count(), 0);
}

/// The cost of a child beside the decoding of a photograph; figures with
/// `cargo test -p spotwright-render --release --test hostile -- --ignored --nocapture cost`.
#[test]
#[ignore = "measures; run by hand on a quiet machine"]
fn cost_of_a_child_for_each_picture() {
    let folder = tempfile::tempdir().expect("folder");
    let import = PictureImport::new(cage::sandbox(folder.path()));
    for (width, height) in [(640, 640), (2_000, 2_000)] {
        let png = photo(width, height);
        let mut times = [Vec::new(), Vec::new()];
        for _ in 0..15 {
            for (idx, times) in times.iter_mut().enumerate() {
                #[expect(clippy::disallowed_methods, reason = "a measurement")]
                let begun = Instant::now();
                let imported = if idx == 0 { picture::import(&png, "p") } else { import.import(&png, "p") };
                imported.expect("imports");
                times.push(begun.elapsed());
            }
        }
        for (name, mut times) in ["here", "in a child"].into_iter().zip(times) {
            times.sort();
            println!("{width}x{height} {name}: median {:?}, fastest {:?}", times[times.len() / 2], times[0]);
        }
    }
}
