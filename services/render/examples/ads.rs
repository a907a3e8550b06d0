//! Whole ads as strips of pictures, one column a shot, as the agent writes and the studio draws them.
//!
//! `ads OUT [aspect=9:16] [seed=1] [rows=1|3] [bare] [style=premium] [BRIEF…]` writes `OUT/ad-NAME.jpg` for each brief,
//! and the same as PNG where there are three rows: first, middle and last frame of every shot. Without briefs the
//! eight of the README are drawn. `bare` shows the ads that follow without their pictures, on drawn backgrounds;
//! `seed` holds for those that follow, too.
//!
//! The pictures of `examples/bench` are drawn by `cargo xtask pictures` first.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use spotwright_core::ports::artifacts::ArtifactStore;
use spotwright_creative::copywriter::{Request, write};
use spotwright_creative::storyboard::{PictureRef, compose};
use spotwright_render::{Options, Studio, backdrop, picture};
use spotwright_schemas::brief::Brief;
use spotwright_schemas::placement::PlacementKind;
use spotwright_schemas::storyboard::{FrameSize, Palette, Storyboard, VisualStyle};
use spotwright_schemas::storyboard_file::{Aspect, Backdrop};

#[path = "../tests/common/mod.rs"]
#[expect(dead_code, reason = "tests and the contact sheet use the rest")]
mod common;

/// The ads of the README: folder of the brief, the seed, and whether it is shown without its pictures. One of each
/// kind of product, half of them Chinese.
const SHOWN: [(&str, u64, bool); 8] = [
    ("examples/coffee-en", 1, false),
    ("examples/bench/bottle-en", 1, false),
    ("examples/bench/budget-en", 1, true),
    ("examples/bench/hotel-en", 1, false),
    ("examples/cat-zh", 1, false),
    ("examples/bench/hotpot-zh", 1, false),
    ("examples/bench/baojie-zh", 1, false),
    ("examples/bench/yurongfu-zh", 1, false),
];
/// Height of a shot in a strip, in pixels.
const HIGH: u32 = 480;
/// Space between two shots, in pixels.
const GAP: u32 = 6;
/// Quality of the JPEG: a strip stays below 250 KB.
const QUALITY: u8 = 80;

struct Wanted {
    out: PathBuf,
    briefs: Vec<(PathBuf, u64, bool)>,
    aspect: Aspect,
    rows: u32,
    style: Option<VisualStyle>,
}

fn wanted() -> Result<Wanted> {
    let mut arguments = std::env::args().skip(1);
    let out = PathBuf::from(arguments.next().context("name an output folder")?);
    let mut wanted = Wanted { out, briefs: Vec::new(), aspect: Aspect::Vertical, rows: 1, style: None };
    let (mut seed, mut bare) = (1, false);
    for argument in arguments {
        match argument.split_once('=') {
            Some(("aspect", value)) => wanted.aspect = serde_json::from_value(value.into())?,
            Some(("style", value)) => wanted.style = Some(serde_json::from_value(value.into())?),
            Some(("seed", value)) => seed = value.parse()?,
            Some(("rows", value)) => wanted.rows = value.parse()?,
            _ if argument == "bare" => bare = true,
            _ => wanted.briefs.push((PathBuf::from(argument), seed, bare)),
        }
    }
    if wanted.briefs.is_empty() {
        wanted.briefs =
            SHOWN.map(|(folder, seed, without)| (PathBuf::from(folder), seed, without || bare)).to_vec();
    }
    ensure!(matches!(wanted.rows, 1 | 3), "one row or three");
    Ok(wanted)
}

fn main() -> Result<()> {
    let wanted = wanted()?;
    let state = tempfile::tempdir()?;
    let objects = state.path().join("objects");
    std::fs::create_dir_all(&objects)?;
    let store = Arc::new(common::FolderStore(objects));
    let studio =
        Studio::new(Options { folder: state.path().join("studio"), ..Options::default() }, store.clone())?;
    std::fs::create_dir_all(&wanted.out)?;
    for (folder, seed, bare) in &wanted.briefs {
        let name = folder.file_name().and_then(|name| name.to_str()).context("a folder without a name")?;
        let mut board = storyboard(folder, *seed, *bare, store.as_ref())?;
        board.size = wanted.aspect.size();
        board.style = wanted.style.unwrap_or(board.style);
        let strip = strip(&studio, &board, wanted.rows)?;
        let file = wanted.out.join(format!("ad-{name}.jpg"));
        let mut jpeg = Vec::new();
        JpegEncoder::new_with_quality(&mut jpeg, QUALITY).encode_image(&strip)?;
        eprintln!("{}: {} bytes, {:?}", file.display(), jpeg.len(), board.style);
        std::fs::write(file, jpeg)?;
        if wanted.rows > 1 {
            strip.save(wanted.out.join(format!("ad-{name}.png")))?;
        }
    }
    Ok(())
}

/// The first script that the agent writes for a brief, as a storyboard.
fn storyboard(folder: &Path, seed: u64, bare: bool, store: &dyn ArtifactStore) -> Result<Storyboard> {
    let file = folder.join("brief.yaml");
    let brief = Brief::from_yaml(&std::fs::read(&file).with_context(|| file.display().to_string())?)?;
    let mut pictures = Vec::new();
    if bare {
        let palette = Palette { primary: brief.brand.colors.primary, accent: brief.brand.colors.accent };
        let size = FrameSize { width: 720, height: 1280 };
        for which in Backdrop::ALL {
            let hash = store.put(&backdrop::draw(which, palette, size)?)?.0;
            pictures.push(PictureRef { hash, width: size.width, height: size.height });
        }
    } else {
        for named in &brief.product.pictures {
            let path = folder.join(&named.file);
            let bytes = std::fs::read(&path)
                .with_context(|| format!("{}; `cargo xtask pictures` draws it", path.display()))?;
            let imported = picture::import(&bytes, &named.file)?;
            let hash = store.put(&imported.png)?.0;
            pictures.push(PictureRef { hash, width: imported.width, height: imported.height });
        }
    }
    let request = Request { brief: &brief, scripts: 1, structures: &[], avoid: &[], seed };
    let scripts = write(&request);
    let script = scripts.first().context("the facts carry no script")?;
    Ok(compose(&brief, script, &pictures, seed, PlacementKind::SimulatedFeed)?)
}

/// The frames of an ad side by side.
fn strip(studio: &Studio, board: &Storyboard, rows: u32) -> Result<RgbImage> {
    let size = board.size;
    let wide = size.width * HIGH / size.height;
    let count = board.shots.len() as u32;
    let mut strip = RgbImage::from_pixel(
        count * wide + (count - 1) * GAP,
        rows * HIGH + (rows - 1) * GAP,
        image::Rgb([255; 3]),
    );
    for (idx, shot) in board.shots.iter().enumerate() {
        let last = shot.frames - 1;
        let shown = if rows == 1 { vec![last * 4 / 5] } else { vec![0, last / 2, last] };
        for (row, frame) in shown.into_iter().enumerate() {
            let rgb = studio.frame(board, idx, frame, size)?;
            let frame =
                RgbImage::from_raw(size.width, size.height, rgb).context("a frame of another size")?;
            let small = imageops::resize(&frame, wide, HIGH, FilterType::Lanczos3);
            let (x, y) = (idx as u32 * (wide + GAP), row as u32 * (HIGH + GAP));
            imageops::replace(&mut strip, &small, i64::from(x), i64::from(y));
        }
    }
    Ok(strip)
}
