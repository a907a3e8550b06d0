//! Frames are the same on every machine: their hashes are written down.
//!
//! `SPOTWRIGHT_RENEW=1` writes them anew, which goes with a new `RENDERER_VERSION`. Other fonts draw other
//! letters: with those the test says that it compares nothing.

mod common;

use std::fmt::Write as _;
use std::sync::Arc;

use spotwright_core::ports::artifacts::ArtifactStore as _;
use spotwright_render::{Options, Studio};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{FrameSize, Layout, Packshots, VisualStyle};

/// Lines of `layout style shape frame hash`, behind one with the fonts.
const WRITTEN: &str = include_str!("golden/frames.txt");

/// A photograph's stand-in: gradients and blocks; and a product on white.
fn pictures(store: &common::FolderStore) -> [String; 2] {
    let photograph = image::RgbImage::from_fn(480, 640, |x, y| {
        image::Rgb([
            (40 + x * 180 / 480) as u8,
            (220 - y * 160 / 640) as u8,
            (60 + (x / 40 + y / 40) % 2 * 90) as u8,
        ])
    });
    let product = image::RgbImage::from_fn(480, 640, |x, y| {
        let inside = (150..330).contains(&x) && (90..570).contains(&y);
        if inside { image::Rgb([30, 80 + (y / 12) as u8, 150]) } else { image::Rgb([255; 3]) }
    });
    [photograph, product].map(|picture| {
        let mut png = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut png, image::ImageFormat::Png).expect("a PNG");
        store.put(&png.into_inner()).expect("stored").0
    })
}

#[test]
fn frames_are_those_that_are_written_down() {
    let folder = tempfile::tempdir().expect("a folder");
    let objects = folder.path().join("objects");
    std::fs::create_dir_all(&objects).expect("a folder");
    let store = Arc::new(common::FolderStore(objects));
    let pictures = pictures(&store);
    let options = Options { folder: folder.path().join("studio"), ..Options::default() };
    let studio = Studio::new(options, store).expect("a studio");
    let mut seen = format!("fonts {}\n", studio.fonts());
    let shapes = [(270, 480), (360, 360), (480, 270)];
    for (idx, layout) in Layout::ALL.into_iter().enumerate() {
        let style = VisualStyle::ALL[idx % VisualStyle::ALL.len()];
        let chinese = idx % 2 == 1;
        let (locale, texts) = if chinese {
            (Locale::ZhCn, ["冰块24小时不化，现价39元", "到周日为止", "立即领取", "北驿", ""])
        } else {
            (Locale::EnUs, ["Cold for 24 hours, now $29", "Until Sunday", "Order now", "Northlight", ""])
        };
        let role = if layout.is_end() { Role::Cta } else { Role::Body };
        let mut shot = common::shot(role, layout, &pictures[idx / 2 % 2], 60, texts);
        shot.ai_label = false;
        let mut board = common::board(locale, [720, 1280], 30, ["#1F3A5F", "#F2B544"], vec![shot]);
        (board.style, board.packshots) = (style, Packshots::OnScenes);
        let (width, height) = shapes[idx % shapes.len()];
        for frame in [2, 59] {
            let rgb = studio.frame(&board, 0, frame, FrameSize { width, height }).expect("drawn");
            let hash = blake3::hash(&rgb).to_hex();
            writeln!(seen, "{layout:?} {style:?} {width}x{height} {frame} {}", &hash[..16]).expect("written");
        }
    }
    if std::env::var_os("SPOTWRIGHT_RENEW").is_some() {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/frames.txt");
        std::fs::write(file, &seen).expect("written");
        return;
    }
    if seen.lines().next() != WRITTEN.lines().next() {
        eprintln!("skipped: the hashes are written down for other fonts");
        return;
    }
    let changed: Vec<&str> =
        seen.lines().zip(WRITTEN.lines()).filter(|(a, b)| a != b).map(|(a, _)| a).collect();
    assert!(changed.is_empty() && seen.lines().count() == WRITTEN.lines().count(), "changed: {changed:#?}");
}
