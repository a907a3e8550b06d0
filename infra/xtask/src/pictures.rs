//! The pictures of SpotBench: every drawing (`examples/bench/*/*.svg`) becomes the JPEG its brief names.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree};

/// Side of the longer edge in pixels: what a vertical video of 1080 × 1920 can use without enlarging.
const LONGER: f32 = 1080.0;
/// Quality of the JPEG: gradients stay without visible bands.
const QUALITY: u8 = 84;

/// Draws every picture, or with `check` fails when one is missing or differs.
pub(crate) fn run(top: &Path, check: bool) -> anyhow::Result<()> {
    let mut drawings = Vec::new();
    for brief in std::fs::read_dir(top.join("examples/bench")).context("no examples/bench")? {
        let folder = brief?.path();
        if folder.is_dir() {
            let files = std::fs::read_dir(&folder)?.map(|entry| entry.map(|entry| entry.path()));
            let files = files.collect::<Result<Vec<PathBuf>, _>>()?;
            drawings
                .extend(files.into_iter().filter(|file| file.extension().is_some_and(|ext| ext == "svg")));
        }
    }
    drawings.sort();
    for drawing in &drawings {
        let picture = drawing.with_extension("jpg");
        let drawn = drawn(drawing).with_context(|| drawing.display().to_string())?;
        if check {
            let known = std::fs::read(&picture).unwrap_or_default();
            ensure!(
                known == drawn,
                "{} is not what its drawing gives; run `cargo xtask pictures`",
                picture.display()
            );
        } else {
            std::fs::write(&picture, drawn).with_context(|| picture.display().to_string())?;
        }
    }
    writeln!(std::io::stdout(), "{} pictures", drawings.len())?;
    Ok(())
}

fn drawn(drawing: &Path) -> anyhow::Result<Vec<u8>> {
    let tree = Tree::from_data(&std::fs::read(drawing)?, &Options::default())?;
    let size = tree.size();
    let scale = LONGER / size.width().max(size.height());
    let size = size.scale_by(scale).context("an empty drawing")?.to_int_size();
    let mut canvas = Pixmap::new(size.width(), size.height()).context("too large a drawing")?;
    canvas.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut canvas.as_mut());
    let opaque: Vec<u8> =
        canvas.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
    let mut jpeg = Vec::new();
    JpegEncoder::new_with_quality(&mut jpeg, QUALITY).write_image(
        &opaque,
        canvas.width(),
        canvas.height(),
        ExtendedColorType::Rgb8,
    )?;
    Ok(jpeg)
}
