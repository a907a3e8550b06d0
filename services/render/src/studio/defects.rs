//! The gate against seeded defects: each is made by code from a file that passes, and caught by the check
//! that is named after it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_core::ports::video_backend::GateReport;
use spotwright_core::spine::Shutdown;
use spotwright_media::{
    Piece, Sink, VideoEncoder, VideoFormat, VideoView, Yuv420, decode, encode_aac, stitch,
};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::placement::PlacementKind;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{Footage, Layout, Storyboard};

use super::{Options, Studio};
use crate::footage::copied;
use crate::label::{KEY, Label};
use crate::scene::TextKind;

#[path = "../../tests/common/mod.rs"]
mod common;

const FPS: u32 = 10;
const SIZE: [u32; 2] = [540, 960];
const RATE: u32 = 44_100;

/// A finished ad, decoded.
#[derive(Clone, Default)]
struct Ad {
    frames: Vec<Yuv420>,
    sound: Vec<f32>,
}

impl Sink for Ad {
    fn picture(&mut self, view: &VideoView<'_>) {
        self.frames.push(copied(view));
    }
    fn sound(&mut self, samples: &[f32], _: usize, _: u32) {
        self.sound.extend_from_slice(samples);
    }
}

/// How a changed ad is encoded.
#[derive(Clone, Copy)]
struct Encoding<'a> {
    fps: u32,
    crf: u32,
    /// Metadata label; `None` for none.
    produce_id: Option<&'a str>,
    with_sound: bool,
}

const AS_GOOD: Encoding<'_> = Encoding { fps: FPS, crf: 6, produce_id: Some("v1"), with_sound: true };

struct Rig {
    folder: tempfile::TempDir,
    studio: Studio,
    store: Arc<common::FolderStore>,
    board: Storyboard,
    file: PathBuf,
    ad: Ad,
}

fn photo(store: &common::FolderStore) -> String {
    let photo = image::RgbImage::from_fn(300, 460, |x, y| {
        let wave = ((x as f32 * 0.11).sin() * (y as f32 * 0.07).cos() * 60.0) as i32;
        let noise = (x.wrapping_mul(2_654_435_761).wrapping_mul(y + 1) >> 27) as i32;
        let byte = |v: i32| v.clamp(0, 255) as u8;
        image::Rgb([byte(150 + wave + noise), byte(80 + wave), byte(50 - wave)])
    });
    let mut png = Vec::new();
    photo.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png).expect("encodes");
    store.put(&png).expect("stores").0
}

impl Rig {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let objects = folder.path().join("objects");
        std::fs::create_dir(&objects).expect("creates");
        let store = Arc::new(common::FolderStore(objects));
        let options = Options { folder: folder.path().join("studio"), ..Options::default() };
        let studio = Studio::new(options, store.clone()).expect("opens");
        let picture = photo(&store);
        let texts: [common::Texts; 2] =
            [["新鲜咖啡送到家", "今日下单", "", "晨山", ""], ["现在下单", "", "领取", "晨山", ""]];
        let shots = vec![
            common::shot(Role::Hook, Layout::FullBleed, &picture, 28, texts[0]),
            common::shot(Role::Cta, Layout::EndCard, &picture, 24, texts[1]),
        ];
        let mut board = common::board(Locale::ZhCn, SIZE, FPS, ["#3B2417", "#FFB627"], shots);
        board.placement = PlacementKind::TiktokInFeed;
        let (_switch, stop) = Shutdown::new();
        let out = folder.path().join("out");
        let rendered = studio.render_into(&board, "v1", &out, &stop).expect("renders");
        let report = rendered.gate.expect("judged");
        assert!(report.pass, "{report:#?}");
        let file = out.join("ad.mp4");
        let mut ad = Ad::default();
        decode(&file, &mut ad).expect("decodes");
        Self { folder, studio, store, board, file, ad }
    }

    fn remake(&self, ad: &Ad, encoding: Encoding<'_>) -> PathBuf {
        let at = |name: &str| self.folder.path().join(name);
        let (width, height) = (ad.frames[0].width as u32, ad.frames[0].height as u32);
        let (fps, crf) = (encoding.fps, encoding.crf);
        let format = VideoFormat { width, height, fps, crf, keyframe_every: fps * 2 };
        let mut encoder = VideoEncoder::create(&at("v.mp4"), format).expect("opens");
        for frame in &ad.frames {
            encoder.write(frame).expect("writes");
        }
        let frames = encoder.finish().expect("finishes");
        // Sound that was not changed is not encoded a second time.
        let changed = ad.sound != self.ad.sound;
        if changed {
            encode_aac(&at("a.mp4"), &ad.sound, RATE).expect("encodes");
        }
        let label = encoding.produce_id.map(|id| Label::made_here(id).expect("plain").to_json());
        let labels: Vec<(&str, &str)> = label.iter().map(|label| (KEY, label.as_str())).collect();
        let (video, audio) = (at("v.mp4"), if changed { at("a.mp4") } else { self.file.clone() });
        let piece = Piece { file: &video, frames };
        let sound = encoding.with_sound.then_some(audio.as_path());
        stitch(&at("changed.mp4"), &[piece], encoding.fps, sound, &labels).expect("joins");
        at("changed.mp4")
    }

    fn check(&self, file: &Path) -> GateReport {
        self.studio.check(file, &self.board, Some("v1")).expect("checks")
    }

    /// The report of the good ad after `change`.
    fn changed(&self, change: impl FnOnce(&mut Ad)) -> GateReport {
        let mut ad = self.ad.clone();
        change(&mut ad);
        self.check(&self.remake(&ad, AS_GOOD))
    }

    /// Ink box of the first line of this kind in the first shot.
    fn line(&self, kind: TextKind) -> [usize; 4] {
        let plans = self.studio.inner.plans(&self.board).expect("is laid out");
        let line = plans[0].boxes.iter().find(|line| line.kind == kind).expect("is there");
        line.rect.map(|side| side as usize)
    }
}

fn failed(report: &GateReport) -> Vec<&str> {
    report.checks.iter().filter(|check| !check.pass).map(|check| check.id.as_str()).collect()
}

#[track_caller]
fn caught(report: &GateReport, id: &str) {
    assert!(
        !report.pass && failed(report).contains(&id),
        "{id} is not among {:?}: {report:#?}",
        failed(report)
    );
}

/// Paints a rectangle of every frame of a range in one color.
fn paint(
    ad: &mut Ad,
    frames: std::ops::Range<usize>,
    [left, top, width, height]: [usize; 4],
    color: [u8; 3],
) {
    for frame in &mut ad.frames[frames] {
        for y in top..(top + height).min(frame.height) {
            for x in left..(left + width).min(frame.width) {
                frame.y[y * frame.width + x] = color[0];
                let at = y / 2 * (frame.width / 2) + x / 2;
                (frame.u[at], frame.v[at]) = (color[1], color[2]);
            }
        }
    }
}

fn blurred(plane: &mut [u8], width: usize, radius: usize) {
    let height = plane.len() / width;
    let before = plane.to_vec();
    for y in 0..height {
        for x in 0..width {
            let (mut sum, mut n) = (0_u32, 0_u32);
            for v in y.saturating_sub(radius)..(y + radius + 1).min(height) {
                for u in x.saturating_sub(radius)..(x + radius + 1).min(width) {
                    sum += u32::from(before[v * width + u]);
                    n += 1;
                }
            }
            plane[y * width + x] = (sum / n) as u8;
        }
    }
}

#[test]
fn the_ad_that_defects_are_made_of_passes_also_encoded_again() {
    let rig = Rig::new();
    let report = rig.check(&rig.remake(&rig.ad, AS_GOOD));
    assert!(report.pass, "{report:#?}");
    // What is remembered of its shots says the same as what is looked at anew.
    let again = rig.check(&rig.file);
    assert_eq!(again, rig.check(&rig.file));
    let fresh = Options { folder: rig.folder.path().join("other"), ..Options::default() };
    let fresh = Studio::new(fresh, rig.store.clone()).expect("opens");
    assert_eq!(again, fresh.check(&rig.file, &rig.board, Some("v1")).expect("checks"));
}

#[test]
fn defects_of_frames_are_caught() {
    let rig = Rig::new();
    caught(&rig.changed(|ad| drop(ad.frames.drain(10..13))), "frame_count");
    caught(
        &rig.changed(|ad| {
            let twice = ad.frames[20].clone();
            ad.frames.insert(20, twice);
        }),
        "frame_count",
    );
    caught(&rig.changed(|ad| paint(ad, 5..15, [0, 0, 540, 960], [16, 128, 128])), "black");
    caught(
        &rig.changed(|ad| {
            let still = ad.frames[8].clone();
            ad.frames[8..26].fill(still);
        }),
        "frozen",
    );
    caught(&rig.changed(|ad| ad.frames.swap(14, 40)), "ssim");
    caught(&rig.changed(|ad| ad.frames.truncate(40)), "placement_seconds");
    caught(&rig.check(&rig.remake(&rig.ad, Encoding { fps: 12, ..AS_GOOD })), "planned_format");
    caught(&rig.check(&rig.remake(&rig.ad, Encoding { crf: 48, ..AS_GOOD })), "placement_bitrate");
    let smaller = rig.changed(|ad| {
        for frame in &mut ad.frames {
            let mut small = Yuv420::filled(270, 480, [16, 128, 128]);
            for y in 0..480 {
                for x in 0..270 {
                    small.y[y * 270 + x] = frame.y[y * 2 * 540 + x * 2];
                }
            }
            *frame = small;
        }
    });
    caught(&smaller, "planned_format");
    caught(&smaller, "placement_size");
    let wide = rig.changed(|ad| {
        for frame in &mut ad.frames {
            *frame = Yuv420::filled(960, 540, [frame.y[0], 128, 128]);
        }
    });
    caught(&wide, "placement_shape");
}

#[test]
fn defects_of_encoding_are_caught() {
    let rig = Rig::new();
    caught(
        &rig.changed(|ad| {
            for frame in &mut ad.frames {
                let width = frame.width;
                blurred(&mut frame.y, width, 3);
            }
        }),
        "ssim",
    );
    // BT.601 written where BT.709 is said.
    caught(
        &rig.changed(|ad| {
            for frame in &mut ad.frames {
                for (u, v) in frame.u.iter_mut().zip(&mut frame.v) {
                    let (blue, red) = (f64::from(*u) - 128.0, f64::from(*v) - 128.0);
                    let (b, r) = (0.99 * blue + 0.11 * red, 0.072 * blue + 0.984 * red);
                    (*u, *v) = ((b * 1.05 + 128.0) as u8, (r * 0.80 + 128.0) as u8);
                }
            }
        }),
        "color_match",
    );
    // One ninth of the picture is another picture.
    caught(&rig.changed(|ad| paint(ad, 0..28, [180, 330, 180, 300], [120, 120, 140])), "ssim");
    // High 4:4:4 in the headers.
    let mut bytes = std::fs::read(&rig.file).expect("reads");
    let at = bytes.windows(4).position(|name| name == b"avcC").expect("has headers");
    bytes[at + 5] = 244;
    let file = rig.folder.path().join("profile.mp4");
    std::fs::write(&file, &bytes).expect("writes");
    caught(&rig.check(&file), "profile");
    // A file that ends early: without the last third of its data, and without its index.
    let bytes = std::fs::read(&rig.file).expect("reads");
    std::fs::write(&file, &bytes[..bytes.len() * 2 / 3]).expect("writes");
    assert!(!rig.check(&file).pass);
    caught(&rig.check(&file), "frame_count");
    std::fs::write(&file, b"no video at all").expect("writes");
    caught(&rig.check(&file), "readable");
}

#[test]
fn defects_of_the_file_are_caught() {
    let rig = Rig::new();
    let good = std::fs::read(&rig.file).expect("reads");
    let file = rig.folder.path().join("hurt.mp4");
    let body_of = |name: &[u8; 4]| good.windows(4).position(|at| at == name).expect("has the box") + 4;
    // A stretch of the data is lost, as by a disk: its length stays.
    let mut hurt = good.clone();
    let data = body_of(b"mdat");
    let middle = data + (good.len() - data) / 3;
    hurt[middle..middle + 6_000].fill(0);
    std::fs::write(&file, &hurt).expect("writes");
    caught(&rig.check(&file), "decodes");
    // One picture comes half a frame late: its offset is in the table of composition times.
    let mut late = good.clone();
    let entry = body_of(b"ctts") + 8 + 4;
    let offset = u32::from_be_bytes([late[entry], late[entry + 1], late[entry + 2], late[entry + 3]]);
    late[entry..entry + 4].copy_from_slice(&(offset + offset / 2 + 300).to_be_bytes());
    std::fs::write(&file, &late).expect("writes");
    caught(&rig.check(&file), "steady_frames");
}

#[test]
fn the_document_lists_what_is_caught() {
    let page = include_str!("../../../../docs/quality-gate.md");
    let tests = [include_str!("defects.rs"), include_str!("../../tests/clips.rs")].concat();
    let rows: Vec<&str> = page
        .lines()
        .skip_while(|line| *line != "| defect | caught by |")
        .skip(2)
        .take_while(|line| !line.is_empty())
        .collect();
    assert_eq!(rows.len(), 37, "rows of the table");
    for row in rows {
        let cell = row.trim_matches('|').rsplit('|').next().unwrap_or_default();
        for id in cell.split(',').map(|id| id.trim().trim_matches('`')) {
            assert!(tests.contains(&format!("\"{id}\"")), "{row}: no test asks for `{id}`");
        }
    }
}

#[test]
fn defects_of_sound_are_caught() {
    let rig = Rig::new();
    let second = RATE as usize * 2;
    caught(&rig.changed(|ad| ad.sound[second..second * 5 / 2 + second].fill(0.0)), "silence");
    caught(&rig.changed(|ad| ad.sound.iter_mut().for_each(|s| *s *= 1.5)), "loudness");
    caught(&rig.changed(|ad| ad.sound.iter_mut().for_each(|s| *s *= 0.6)), "loudness");
    caught(
        &rig.changed(|ad| {
            for pair in ad.sound.chunks_exact_mut(2).skip(60_000).take(40) {
                pair.fill(1.0);
            }
        }),
        "true_peak",
    );
    // An eighth of a second late inside, beginning and end as before.
    caught(&rig.changed(|ad| ad.sound.rotate_right(second / 16 * 2)), "sound_sync");
    caught(&rig.changed(|ad| ad.sound.truncate(ad.sound.len() - second / 4)), "drift");
    caught(&rig.check(&rig.remake(&rig.ad, Encoding { with_sound: false, ..AS_GOOD })), "sound");
}

#[test]
fn defects_of_texts_are_caught() {
    let rig = Rig::new();
    let [left, top, width, height] = rig.line(TextKind::Caption);
    // Ink and ground nearly alike.
    caught(
        &rig.changed(|ad| {
            for frame in &mut ad.frames[..28] {
                for y in top.saturating_sub(30)..top + height + 30 {
                    for luma in &mut frame.y[y * 540..(y + 1) * 540] {
                        *luma = (150 + (i32::from(*luma) - 150) / 4) as u8;
                    }
                }
            }
        }),
        "text_contrast",
    );
    // Empty boxes in place of the letters.
    let side = height;
    let tofu = rig.changed(|ad| {
        paint(ad, 0..28, [left, top, width, height], [60, 128, 128]);
        for x in (left..left + width).step_by(side) {
            let wide = side * 8 / 10;
            paint(ad, 0..28, [x, top, wide, height], [235, 128, 128]);
            paint(ad, 0..28, [x + 4, top + 4, wide - 8, height - 8], [60, 128, 128]);
        }
    });
    caught(&tofu, "missing_glyphs");
    // The last letter is cut off.
    caught(
        &rig.changed(|ad| paint(ad, 0..28, [left + width - height, top, height, height], [60, 128, 128])),
        "clipped_ink",
    );
    let mut fast = rig.board.clone();
    fast.shots[0].caption = "新鲜咖啡每天早上现磨现送到家门口一杯好咖啡从豆子开始".to_owned();
    caught(&rig.studio.check(&rig.file, &fast, None).expect("checks"), "reading_time");
    // Made for a placement that covers less.
    let mut elsewhere = rig.board.clone();
    elsewhere.placement = PlacementKind::MetaReels;
    let shown = rig.studio.check(&rig.file, &elsewhere, None).expect("checks");
    caught(&shown, "missing_glyphs");
}

#[test]
fn defects_of_labels_are_caught() {
    let rig = Rig::new();
    let label = rig.line(TextKind::AiLabel);
    caught(&rig.changed(|ad| paint(ad, 12..17, label, [30, 128, 128])), "ai_label_visible");
    caught(&rig.changed(|ad| paint(ad, 0..3, label, [30, 128, 128])), "ai_label_visible");
    caught(&rig.check(&rig.remake(&rig.ad, Encoding { produce_id: None, ..AS_GOOD })), "ai_metadata");
    caught(&rig.check(&rig.remake(&rig.ad, Encoding { produce_id: Some("v2"), ..AS_GOOD })), "ai_metadata");
    let mut unlabelled = rig.board.clone();
    unlabelled.shots[0].ai_label = false;
    caught(&rig.studio.check(&rig.file, &unlabelled, None).expect("checks"), "ai_label_time");
}

#[test]
fn a_product_that_is_another_one_is_caught() {
    let rig = Rig::new();
    let clip = rig.folder.path().join("clip.mp4");
    let format = VideoFormat { width: SIZE[0], height: SIZE[1], fps: FPS, crf: 12, keyframe_every: 20 };
    let mut encoder = VideoEncoder::create(&clip, format).expect("opens");
    for frame in &rig.ad.frames {
        encoder.write(frame).expect("writes");
    }
    encoder.finish().expect("finishes");
    let clip = rig.store.adopt(&clip).expect("stores").0;
    let package = image::RgbImage::from_fn(240, 320, |x, y| {
        let inside = (40..200).contains(&x) && (40..280).contains(&y);
        let letters = (70..170).contains(&x) && (120..200).contains(&y) && (x / 9 + y / 13) % 2 == 0;
        image::Rgb(if letters {
            [250, 240, 90]
        } else if inside {
            [20, 60, 160]
        } else {
            [252; 3]
        })
    });
    let mut png = Vec::new();
    package.write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png).expect("encodes");
    let product = vec![rig.store.put(&png).expect("stores").0];
    let mut board = rig.board.clone();
    board.shots[0].footage = Some(Footage::Clip { clip, start_frame: 0, product });
    let (_switch, stop) = Shutdown::new();
    let out = rig.folder.path().join("clip-ad");
    let rendered = rig.studio.render_into(&board, "v1", &out, &stop).expect("renders");
    caught(&rendered.gate.expect("judged"), "fidelity");
}
