//! Shaping, line breaking, fitting and rasterizing of text.
//!
//! Only the faces of [`crate::faces`] are used, so a caption looks the same on every machine. A
//! character they lack is an error that names it; a box in its place is never drawn.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use cosmic_text::{
    Attrs, Buffer, Family, FontSystem, LayoutGlyph, Metrics, Shaping, SwashCache, SwashContent, Wrap,
};
use spotwright_core::ports::letters;
use spotwright_schemas::error::Problem;
use spotwright_schemas::storyboard::Color;

use crate::error::Error;
use crate::faces::{Chain, Direction, Plan};
use crate::lines::{self, Unit};
use crate::pixels::Raster;

/// Size at which text is measured once; widths scale linearly with the size.
const MEASURE_PX: f32 = 100.0;

/// Highest coverage of colored pictures (emoji) in a line: neither ink nor ground.
const PICTURE_COVERAGE: u8 = 200;

/// How a block of text is set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) bold: bool,
    /// Whether letters have serifs, where the faces are installed.
    pub(crate) serif: bool,
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
    /// Whether it holds letters, whose contrast counts, and not colored pictures alone.
    pub(crate) letters: bool,
    /// Its words from left to right: the text of each and the first column of the layer that is its own. In
    /// writing without gaps a word is what the dictionary says; a line that reads from the right is one word.
    pub(crate) words: Vec<(String, usize)>,
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
    pub(crate) chain: Chain,
}

/// What the studio's fonts can draw. Cheap to clone.
#[derive(Clone)]
pub struct Letters {
    pub(crate) fonts: Arc<Fonts>,
}

impl Letters {
    /// Loads the given font files, or the distribution's.
    ///
    /// # Errors
    /// [`Code::Prerequisite`](spotwright_schemas::error::Code::Prerequisite) when the family that
    /// every text begins with is not installed.
    pub fn load(files: &[PathBuf]) -> Result<Self, Problem> {
        Ok(Self { fonts: Arc::new(Fonts::load(files)?) })
    }

    /// Names of the default font files that are not installed.
    #[must_use]
    pub fn absent(&self) -> &[&'static str] {
        &self.fonts.chain.absent
    }
}

impl letters::Letters for Letters {
    fn undrawable(&self, text: &str) -> Vec<char> {
        self.fonts.chain.plan(&lines::clean(text), false).err().unwrap_or_default()
    }
}

impl Fonts {
    /// Loads the given files, or the distribution's.
    ///
    /// # Errors
    /// [`Code::Prerequisite`](spotwright_schemas::error::Code::Prerequisite).
    fn load(files: &[PathBuf]) -> Result<Self, Problem> {
        let (system, chain) = Chain::load(files)?;
        Ok(Self { state: Mutex::new((system, SwashCache::new())), chain })
    }

    /// Sets `text` in the largest size that fits the style's room; `None` for blank text. Lines do
    /// not break inside one of `names` where they can break elsewhere.
    ///
    /// # Errors
    /// [`Code::Storyboard`](spotwright_schemas::error::Code::Storyboard) naming `field`: a character
    /// without a glyph, or text that does not fit in the smallest size.
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
        let undrawable = |missing: &[char]| Error::storyboard(field, letters::undrawable_message(missing));
        let plan = self.chain.plan(&text, style.serif).map_err(|missing| undrawable(&missing))?;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (system, cache) = &mut *state;
        let mut typesetter = Typesetter { system, cache, chain: &self.chain, plan, style };
        let glyphs = typesetter.shape(&text, MEASURE_PX);
        // The faces have every character; what is left is a combination that none can form.
        let missing: Vec<char> = glyphs
            .iter()
            .filter(|glyph| glyph.glyph_id == 0)
            .flat_map(|glyph| text.get(glyph.start..glyph.end).unwrap_or_default().chars())
            .collect();
        if !missing.is_empty() {
            return Err(undrawable(&missing));
        }
        let units =
            measured_units(&text, names, &glyphs, style.width / style.sizes[1] * f64::from(MEASURE_PX));
        let Some((px, broken)) = fit(&units, style, plan.leading.height) else {
            return Err(Error::storyboard(
                field,
                "the text does not fit in its place in the smallest legible size",
            ));
        };
        let block = typesetter.block(px, &broken);
        Ok((!block.lines.is_empty()).then_some(block))
    }
}

/// What setting one text needs.
struct Typesetter<'a> {
    system: &'a mut FontSystem,
    cache: &'a mut SwashCache,
    chain: &'a Chain,
    plan: Plan,
    style: &'a Style,
}

impl Typesetter<'_> {
    /// Rasterizes the lines of a text.
    fn block(&mut self, px: f64, broken: &[String]) -> Block {
        let style = self.style;
        let line_height = px * self.plan.leading.height;
        let shaped: Vec<Vec<LayoutGlyph>> = broken.iter().map(|line| self.shape(line, px as f32)).collect();
        let advance = |glyphs: &Vec<LayoutGlyph>| {
            f64::from(glyphs.iter().fold(0.0_f32, |end, glyph| end.max(glyph.x + glyph.w)))
        };
        let width = shaped.iter().map(advance).fold(0.0, f64::max);
        let mut block = Block { lines: Vec::new(), width, height: line_height * broken.len() as f64 };
        for (idx, (line, glyphs)) in broken.iter().zip(&shaped).enumerate() {
            // The empty half of a closing full-width mark does not count when a line is centered.
            let hang = if line.ends_with(['，', '。', '、', '；', '：', '！', '？']) {
                px * 0.5
            } else {
                0.0
            };
            let mut left = (style.width - advance(glyphs) + hang) * style.align;
            if self.plan.direction == Some(Direction::RightToLeft) && style.align == 0.0 {
                // The block stays where it is; its lines begin at their right edge.
                left = width - advance(glyphs);
            }
            // The baseline puts the ideograph's body in the middle of the line.
            let baseline = line_height * idx as f64 + line_height / 2.0 + px * self.plan.leading.baseline;
            if let Some(line) = self.raster_line(line, glyphs, [left, baseline, px]) {
                block.lines.push(line);
            }
        }
        block
    }

    /// Shapes one line without wrapping.
    fn shape(&mut self, line: &str, px: f32) -> Vec<LayoutGlyph> {
        let mut buffer = Buffer::new(self.system, Metrics::new(px, px * 1.3));
        buffer.set_wrap(Wrap::None);
        buffer.set_size(None, None);
        // Each line is a paragraph to the shaper, and has to read the way its text does.
        let mark = self.plan.direction.map(|direction| direction.mark().to_string()).unwrap_or_default();
        let marked = format!("{mark}{line}");
        let parts = self.chain.parts(line, &self.plan);
        let attrs = |face: usize| {
            let (family, weight) = self.chain.style(face, self.style.bold);
            Attrs::new().family(Family::Name(family)).weight(weight)
        };
        let spans = parts.iter().enumerate().map(|(idx, part)| {
            let start = if idx == 0 { 0 } else { part.range.start + mark.len() };
            (&marked[start..part.range.end + mark.len()], attrs(part.face))
        });
        buffer.set_rich_text(spans, &attrs(0), Shaping::Advanced, None);
        buffer.shape_until_scroll(self.system, false);
        let glyphs = buffer.layout_runs().flat_map(|run| run.glyphs.iter().cloned());
        let own = glyphs.filter(|glyph| glyph.start >= mark.len());
        own.map(|glyph| LayoutGlyph {
            start: glyph.start - mark.len(),
            end: glyph.end.saturating_sub(mark.len()),
            ..glyph
        })
        .collect()
    }
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
    for range in lines::unit_ranges(text) {
        let (start, end) = (range.start, range.end);
        let spaces = text[..start].len() - text[..start].trim_end_matches(' ').len();
        let space = width_of(start - spaces, start);
        let width = width_of(start, end);
        if width <= widest {
            let text = text[start..end].to_owned();
            units.push(Unit { text, width, space, cuts: words.cut(start) });
            continue;
        }
        for part in lines::pieces(&text[start..end]) {
            let (from, to) = (start + part.start, start + part.end);
            units.push(Unit {
                text: text[from..to].to_owned(),
                width: width_of(from, to),
                space: if part.start == 0 { space } else { 0.0 },
                cuts: words.cut(from),
            });
        }
    }
    units
}

/// The best size, in steps of 3 %, and its lines: the largest that fits, unless one up to 30 %
/// smaller breaks so much better, or into so many fewer lines, that it reads faster.
fn fit(units: &[Unit], style: &Style, leading: f64) -> Option<(f64, Vec<String>)> {
    let mut px = style.sizes[0];
    let mut largest = None;
    let mut best: Option<(f64, f64, Vec<String>)> = None;
    loop {
        let room = style.width / px * f64::from(MEASURE_PX);
        let rows = ((style.height / (px * leading)) as usize).min(style.max_lines);
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

impl Typesetter<'_> {
    /// Draws the glyphs of one line into a layer that holds all their ink, and its shadow.
    fn raster_line(
        &mut self,
        text: &str,
        glyphs: &[LayoutGlyph],
        [left, baseline, px]: [f64; 3],
    ) -> Option<Line> {
        let style = self.style;
        let emphasized = lines::figures(text);
        let mut stamps = Vec::new();
        for glyph in glyphs {
            let physical = glyph.physical((left as f32, baseline as f32), 1.0);
            let Some(image) = self.cache.get_image(self.system, physical.cache_key).clone() else { continue };
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
        let right = |(x, _, _, image): &(i64, i64, Color, cosmic_text::SwashImage)| {
            x + i64::from(image.placement.width)
        };
        let below = |(_, y, _, image): &(i64, i64, Color, cosmic_text::SwashImage)| {
            y + i64::from(image.placement.height)
        };
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
            letters: stamps.iter().any(|(.., image)| image.content == SwashContent::Mask),
            words: self.words(text, glyphs, left - min_x as f64 + pad as f64),
        })
    }

    /// The words of a line with their first columns; `origin` is where the line begins in its layer.
    fn words(&self, text: &str, glyphs: &[LayoutGlyph], origin: f64) -> Vec<(String, usize)> {
        if self.plan.direction.is_some() {
            return vec![(text.to_owned(), 0)];
        }
        // A word's own columns begin in the middle between its first glyph and the one before.
        let edge = |start: usize| {
            let first = glyphs.iter().filter(|glyph| glyph.start >= start).map(|glyph| glyph.x);
            let before = glyphs.iter().filter(|glyph| glyph.start < start && !is_space(text, glyph));
            let first = f64::from(first.fold(f32::INFINITY, f32::min));
            let before = f64::from(before.map(|glyph| glyph.x + glyph.w).fold(0.0, f32::max));
            if first.is_finite() { (origin + f64::midpoint(first, before)).max(0.0) as usize } else { 0 }
        };
        let starts: Vec<usize> = lines::spoken_words(text).iter().map(|range| range.start).collect();
        let ends = starts.iter().skip(1).copied().chain([text.len()]);
        let texts = starts.iter().zip(ends).map(|(from, to)| (*from, text[*from..to].trim().to_owned()));
        texts.map(|(from, word)| (word, if from == 0 { 0 } else { edge(from) })).collect()
    }
}

/// Whether a glyph is a space, whose width belongs to no word.
fn is_space(text: &str, glyph: &LayoutGlyph) -> bool {
    text.get(glyph.start..glyph.end).is_some_and(|part| part.trim().is_empty())
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
            // Colored pictures have no ink whose contrast could be measured.
            let ink = if image.content == SwashContent::Mask { alpha } else { alpha.min(PICTURE_COVERAGE) };
            coverage[at] = coverage[at].max(ink);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The characters of a line in the order they stand on the screen.
    fn visual(text: &str, line: &str) -> Vec<char> {
        let letters = Letters::load(&[]).expect("fonts");
        let fonts = &letters.fonts;
        let plan = fonts.chain.plan(text, false).expect("drawn");
        let white = Color { r: 255, g: 255, b: 255 };
        let style = Style {
            bold: true,
            serif: false,
            color: white,
            emphasis: None,
            sizes: [40.0, 20.0],
            max_lines: 3,
            width: 900.0,
            height: 300.0,
            align: 0.0,
            shadow: 0.0,
        };
        let mut state = fonts.state.lock().expect("lock");
        let (system, cache) = &mut *state;
        let mut typesetter = Typesetter { system, cache, chain: &fonts.chain, plan, style: &style };
        let mut glyphs = typesetter.shape(line, 40.0);
        assert!(glyphs.iter().all(|glyph| glyph.glyph_id != 0 && glyph.x > -0.5), "{glyphs:?}");
        glyphs.sort_by(|a, b| a.x.total_cmp(&b.x));
        glyphs.iter().filter_map(|glyph| line[glyph.start..].chars().next()).collect()
    }

    #[test]
    fn hebrew_and_arabic_read_from_right_to_left_and_numbers_in_them_do_not() {
        assert_eq!(visual("אבג", "אבג"), ['ג', 'ב', 'א']);
        assert_eq!(visual("אב 12", "אב 12"), ['1', '2', ' ', 'ב', 'א']);
    }

    #[test]
    fn a_line_reads_the_way_its_paragraph_does_whatever_it_begins_with() {
        let paragraph = "אבג Roast דה";
        assert_eq!(visual(paragraph, "Roast דה"), ['ה', 'ד', ' ', 'R', 'o', 'a', 's', 't']);
        assert_eq!(visual("Roast דה", "דה Roast").last(), Some(&'t'));
    }

    #[test]
    fn letters_of_one_word_are_in_one_face() {
        let letters = Letters::load(&[]).expect("fonts");
        let parts = |text: &str| {
            let plan = letters.fonts.chain.plan(text, false).expect("drawn");
            letters.fonts.chain.parts(text, &plan).len()
        };
        // In two faces Arabic letters could not join, and Polish ones would look like a mistake.
        assert_eq!(parts("سلام عليكم"), 1);
        assert_eq!(parts("Łódź Świeżo 24/7"), 1);
        assert_eq!(parts("今天 Fresh 24/7"), 1);
    }

    #[test]
    fn letters_with_serifs_are_used_throughout_or_not_at_all() {
        let letters = Letters::load(&[]).expect("fonts");
        let chain = &letters.fonts.chain;
        if chain.absent.contains(&"NotoSerifCJK") {
            return;
        }
        let face = |text: &str, serif: bool| {
            let plan = chain.plan(text, serif).expect("drawn");
            let parts = chain.parts(text, &plan);
            assert_eq!(parts.len(), 1, "{parts:?}");
            chain.style(parts[0].face, true).0.to_owned()
        };
        assert_eq!(face("今天 Fresh 24/7", true), "Noto Serif CJK SC");
        assert_eq!(face("今天 Fresh 24/7", false), "Noto Sans CJK SC");
        // Letters that only the sister faces have take the whole text with them.
        assert_eq!(face("Łódź Świeżo", true), face("Łódź Świeżo", false));
    }

    #[test]
    fn scripts_with_marks_above_and_below_get_higher_lines() {
        let letters = Letters::load(&[]).expect("fonts");
        let height = |text: &str| letters.fonts.chain.plan(text, false).expect("drawn").leading.height;
        assert!(height("กาแฟ ที่ดี") > height("coffee 咖啡"));
        assert_eq!(height("Łódź"), height("coffee"));
    }
}
