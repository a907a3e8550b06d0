//! Shaping, line breaking, fitting and rasterizing of text.
//!
//! Only the Noto Sans CJK faces are used, so a caption looks the same on every machine. A character
//! they lack is an error that names it; a box in its place is never drawn.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use cosmic_text::fontdb::{Database, Source};
use cosmic_text::{
    Attrs, Buffer, Family, FontSystem, LayoutGlyph, Metrics, Shaping, SwashCache, SwashContent, Weight, Wrap,
};
use spotwright_schemas::error::{Code, Problem};
use spotwright_schemas::storyboard::Color;
use unicode_segmentation::UnicodeSegmentation;

use crate::error::Error;
use crate::lines::{self, Unit};
use crate::pixels::Raster;

/// The family every text is set in.
const FAMILY: &str = "Noto Sans CJK SC";
/// Where distributions put the faces: Debian and Ubuntu, Fedora, Arch.
const DEFAULT_FONTS: [[&str; 2]; 3] = [
    [
        "/usr/share/fonts/opentype/noto/NotoSansCJK-Bold.ttc",
        "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    ],
    [
        "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Bold.ttc",
        "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    ],
    ["/usr/share/fonts/noto-cjk/NotoSansCJK-Bold.ttc", "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc"],
];
/// Size at which text is measured once; widths scale linearly with the size.
const MEASURE_PX: f32 = 100.0;

/// How a block of text is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) bold: bool,
    pub(crate) color: Color,
    /// Color of figures and prices; `None` leaves them in `color`.
    pub(crate) emphasis: Option<Color>,
    /// Largest and smallest size in pixels.
    pub(crate) sizes: [f64; 2],
    pub(crate) max_lines: usize,
    /// Room in pixels.
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// Position of shorter lines: 0 left, 0.5 centered, 1 right.
    pub(crate) align: f64,
    /// Opacity of a soft dark shadow, 0–1.
    pub(crate) shadow: f64,
}

/// One rasterized line.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Text with its shadow.
    pub(crate) layer: Raster,
    /// Where the layer's corner stands in the block.
    pub(crate) x: i64,
    pub(crate) y: i64,
    /// Ink box in the layer: left, top, width, height.
    pub(crate) ink: [usize; 4],
    /// Coverage of ink, 0–255, same size as the layer.
    pub(crate) coverage: Vec<u8>,
}

/// A block of set text.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) lines: Vec<Line>,
    /// Advance width of the longest line, and height of all lines, in pixels.
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// The loaded faces and their caches.
pub(crate) struct Fonts {
    state: Mutex<(FontSystem, SwashCache)>,
    /// BLAKE3 over the font files: part of every shot's key.
    pub(crate) hash: String,
}

impl Fonts {
    /// Loads the given files, or the first complete default set.
    ///
    /// # Errors
    /// [`Code::Prerequisite`] when the family is not there in bold and regular.
    pub(crate) fn load(files: &[PathBuf]) -> Result<Self, Error> {
        let missing = |detail: &str| {
            Problem::new(
                Code::Prerequisite,
                "fonts",
                format!("{detail}; install the package `fonts-noto-cjk` or name the font files"),
            )
        };
        let files: Vec<PathBuf> = if files.is_empty() {
            DEFAULT_FONTS
                .iter()
                .map(|set| set.map(PathBuf::from).to_vec())
                .find(|set| set.iter().all(|file| file.is_file()))
                .ok_or_else(|| {
                    missing("`NotoSansCJK-Bold.ttc` and `NotoSansCJK-Regular.ttc` were not found")
                })?
        } else {
            files.to_vec()
        };
        let mut db = Database::new();
        let mut hasher = blake3::Hasher::new();
        for file in &files {
            let bytes = std::fs::read(file)
                .map_err(|error| missing(&format!("font file {} cannot be read: {error}", file.display())))?;
            hasher.update(&bytes);
            db.load_font_source(Source::Binary(std::sync::Arc::new(bytes)));
        }
        for weight in [Weight::BOLD, Weight::NORMAL] {
            let found = db
                .faces()
                .any(|face| face.weight == weight && face.families.iter().any(|(name, _)| name == FAMILY));
            if !found {
                return Err(
                    missing(&format!("the font files hold no `{FAMILY}` of weight {}", weight.0)).into()
                );
            }
        }
        let system = FontSystem::new_with_locale_and_db("zh-CN".to_owned(), db);
        Ok(Self {
            state: Mutex::new((system, SwashCache::new())),
            hash: hasher.finalize().to_hex().to_string(),
        })
    }

    /// Sets `text` in the largest size that fits the style's room; `None` for blank text. Lines do
    /// not break inside one of `names` where they can break elsewhere.
    ///
    /// # Errors
    /// [`Code::Storyboard`] naming `field`: a character without a glyph, or text that does not fit
    /// in the smallest size.
    pub(crate) fn set(
        &self,
        text: &str,
        names: &[String],
        style: &Style,
        field: &str,
    ) -> Result<Option<Block>, Error> {
        let text = lines::clean(text);
        if text.is_empty() {
            return Ok(None);
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (system, cache) = &mut *state;
        let glyphs = shape(system, &text, style.bold, MEASURE_PX);
        refuse_missing(&text, &glyphs, field)?;
        let units =
            measured_units(&text, names, &glyphs, style.width / style.sizes[1] * f64::from(MEASURE_PX));
        let Some((px, broken)) = fit(&units, style) else {
            return Err(Error::storyboard(
                field,
                "the text does not fit in its place in the smallest legible size",
            ));
        };
        let line_height = px * lines::LINE_HEIGHT;
        let mut block = Block { lines: Vec::new(), width: 0.0, height: line_height * broken.len() as f64 };
        for (idx, line) in broken.iter().enumerate() {
            let glyphs = shape(system, line, style.bold, px as f32);
            let advance = f64::from(glyphs.iter().fold(0.0_f32, |end, glyph| end.max(glyph.x + glyph.w)));
            block.width = block.width.max(advance);
            // The empty half of a closing full-width mark does not count when a line is centered.
            let hang = if line.ends_with(['，', '。', '、', '；', '：', '！', '？']) {
                px * 0.5
            } else {
                0.0
            };
            let left = (style.width - advance + hang) * style.align;
            // The baseline puts the ideograph's body in the middle of the line.
            let baseline = line_height * idx as f64 + line_height / 2.0 + px * 0.38;
            if let Some(line) = raster_line(system, cache, line, &glyphs, style, [left, baseline, px]) {
                block.lines.push(line);
            }
        }
        Ok((!block.lines.is_empty()).then_some(block))
    }
}

/// Shapes one line without wrapping.
fn shape(system: &mut FontSystem, text: &str, bold: bool, px: f32) -> Vec<LayoutGlyph> {
    let mut buffer = Buffer::new(system, Metrics::new(px, px * 1.3));
    buffer.set_wrap(Wrap::None);
    buffer.set_size(None, None);
    let weight = if bold { Weight::BOLD } else { Weight::NORMAL };
    let attrs = Attrs::new().family(Family::Name(FAMILY)).weight(weight);
    buffer.set_text(text, &attrs, Shaping::Advanced, None);
    buffer.shape_until_scroll(system, false);
    buffer.layout_runs().flat_map(|run| run.glyphs.iter().cloned()).collect()
}

fn refuse_missing(text: &str, glyphs: &[LayoutGlyph], field: &str) -> Result<(), Error> {
    let mut missing = String::new();
    for glyph in glyphs.iter().filter(|glyph| glyph.glyph_id == 0) {
        for c in text.get(glyph.start..glyph.end).unwrap_or_default().chars() {
            if !missing.contains(c) {
                missing.push(c);
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let points: Vec<String> = missing.chars().map(|c| format!("U+{:04X}", c as u32)).collect();
    Err(Error::storyboard(
        field,
        format!("the font has no glyph for {missing:?} ({}); use other characters", points.join(", ")),
    ))
}

/// Splits into units with their widths; units wider than `widest` fall apart into graphemes.
fn measured_units(text: &str, names: &[String], glyphs: &[LayoutGlyph], widest: f64) -> Vec<Unit> {
    let width_of = |start: usize, end: usize| -> f64 {
        glyphs
            .iter()
            .filter(|glyph| (start..end).contains(&glyph.start))
            .map(|glyph| f64::from(glyph.w))
            .sum()
    };
    let words = lines::Words::of(text, names);
    let mut units = Vec::new();
    for (start, end, space) in lines::unit_ranges(text) {
        let width = width_of(start, end);
        if width <= widest {
            let text = text[start..end].to_owned();
            units.push(Unit { text, width, space, cuts: words.cut(start) });
            continue;
        }
        for (offset, grapheme) in text[start..end].grapheme_indices(true) {
            let from = start + offset;
            units.push(Unit {
                text: grapheme.to_owned(),
                width: width_of(from, from + grapheme.len()),
                space: space && offset == 0,
                cuts: words.cut(from),
            });
        }
    }
    units
}

/// The best size, in steps of 3 %, and its lines: the largest that fits, unless one up to 30 %
/// smaller breaks so much better, or into so many fewer lines, that it reads faster.
fn fit(units: &[Unit], style: &Style) -> Option<(f64, Vec<String>)> {
    let mut px = style.sizes[0];
    let mut largest = None;
    let mut best: Option<(f64, f64, Vec<String>)> = None;
    loop {
        let room = style.width / px * f64::from(MEASURE_PX);
        let rows = ((style.height / (px * lines::LINE_HEIGHT)) as usize).min(style.max_lines);
        if let Some((broken, breaks)) = lines::balanced(units, room, rows) {
            let largest = *largest.get_or_insert(px);
            let cost = breaks + (1.0 - px / largest) * 1.1 + 0.04 * broken.len().saturating_sub(2) as f64;
            if best.as_ref().is_none_or(|(least, ..)| cost < least - 1e-9) {
                best = Some((cost, px, broken));
            }
        }
        if px <= style.sizes[1] || largest.is_some_and(|largest| px < largest * 0.7) {
            return best.map(|(_, px, broken)| (px, broken));
        }
        px = (px * 0.97).max(style.sizes[1]);
    }
}

/// Draws the glyphs of one line into a layer that holds all their ink, and its shadow.
fn raster_line(
    system: &mut FontSystem,
    cache: &mut SwashCache,
    text: &str,
    glyphs: &[LayoutGlyph],
    style: &Style,
    [left, baseline, px]: [f64; 3],
) -> Option<Line> {
    let emphasized = lines::figures(text);
    let mut stamps = Vec::new();
    for glyph in glyphs {
        let physical = glyph.physical((left as f32, baseline as f32), 1.0);
        let Some(image) = cache.get_image(system, physical.cache_key).clone() else { continue };
        let x = i64::from(physical.x + image.placement.left);
        let y = i64::from(physical.y - image.placement.top);
        let color = style
            .emphasis
            .filter(|_| emphasized.iter().any(|range| range.contains(&glyph.start)))
            .unwrap_or(style.color);
        if image.placement.width > 0 && image.placement.height > 0 {
            stamps.push((x, y, color, image));
        }
    }
    let right =
        |(x, _, _, image): &(i64, i64, Color, cosmic_text::SwashImage)| x + i64::from(image.placement.width);
    let below =
        |(_, y, _, image): &(i64, i64, Color, cosmic_text::SwashImage)| y + i64::from(image.placement.height);
    let (min_x, min_y) = (stamps.iter().map(|s| s.0).min()?, stamps.iter().map(|s| s.1).min()?);
    let (max_x, max_y) = (stamps.iter().map(right).max()?, stamps.iter().map(below).max()?);
    let spread = if style.shadow > 0.0 { (px * 0.11).ceil().max(2.0) as usize } else { 0 };
    let pad = spread * 3;
    let (width, height) = ((max_x - min_x) as usize + 2 * pad, (max_y - min_y) as usize + 2 * pad);
    let mut layer = Raster::filled(width, height, [0; 4]);
    let mut coverage = vec![0_u8; width * height];
    for (x, y, color, image) in &stamps {
        let corner = ((x - min_x) as usize + pad, (y - min_y) as usize + pad);
        stamp(&mut layer, &mut coverage, corner, image, *color);
    }
    if spread > 0 {
        layer = with_shadow(&layer, &coverage, spread, style.shadow);
    }
    Some(Line {
        layer,
        x: min_x - pad as i64,
        y: min_y - pad as i64,
        ink: [pad, pad, width - 2 * pad, height - 2 * pad],
        coverage,
    })
}

fn stamp(
    layer: &mut Raster,
    coverage: &mut [u8],
    corner: (usize, usize),
    image: &cosmic_text::SwashImage,
    color: Color,
) {
    let (w, h) = (image.placement.width as usize, image.placement.height as usize);
    for row in 0..h {
        for column in 0..w {
            let at = (corner.1 + row) * layer.width + corner.0 + column;
            let (rgb, alpha) = match image.content {
                SwashContent::Mask => ([color.r, color.g, color.b], image.data[row * w + column]),
                SwashContent::Color | SwashContent::SubpixelMask => {
                    let from = (row * w + column) * 4;
                    ([image.data[from], image.data[from + 1], image.data[from + 2]], image.data[from + 3])
                }
            };
            let keep = 255 - u32::from(alpha);
            let pixel = &mut layer.data[at * 4..at * 4 + 4];
            for (to, from) in pixel.iter_mut().zip([rgb[0], rgb[1], rgb[2], 255]) {
                *to = ((u32::from(from) * u32::from(alpha) + u32::from(*to) * keep + 127) / 255) as u8;
            }
            coverage[at] = coverage[at].max(alpha);
        }
    }
}

fn with_shadow(text: &Raster, coverage: &[u8], spread: usize, strength: f64) -> Raster {
    let data =
        coverage.iter().flat_map(|alpha| [0, 0, 0, (f64::from(*alpha) * strength).round() as u8]).collect();
    let mut shadow = Raster { width: text.width, height: text.height, data };
    crate::pixels::blur(&mut shadow, spread.div_ceil(2), 3);
    let drop = (spread as f64 * 0.35).round();
    let mut layer = Raster::filled(text.width, text.height, [0; 4]);
    crate::pixels::blend(&mut layer, &shadow, 0, drop, 1.0);
    crate::pixels::blend(&mut layer, text, 0, 0.0, 1.0);
    layer
}
