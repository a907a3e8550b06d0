//! Display stills: one picture, one line, one button, in sizes that no video layout is made for.

use std::sync::Arc;

use fast_image_resize::{FilterType, Resizer};
use spotwright_schemas::locale::Language;
use spotwright_schemas::storyboard::{Color, FrameSize, Shot, Storyboard};

use crate::error::Error;
use crate::layout::Picture;
use crate::pixels::{self, Raster};
use crate::scene::{ink_on, readable_ground};
use crate::text::{Block, Fonts, Style};

const WHITE: Color = Color { r: 255, g: 255, b: 255 };
const BLACK: Color = Color { r: 0, g: 0, b: 0 };
/// Smallest letters of a line and of the label, in pixels.
const SMALLEST: f64 = 9.0;

/// A rectangle of pixels: left, top, width, height.
type Rect = [f64; 4];

struct Canvas<'a> {
    raster: Raster,
    fonts: &'a Fonts,
    board: &'a Storyboard,
}

/// Draws the still of a storyboard's last shot: picture, caption, button, and the mark of AI-made content
/// where the storyboard has it.
///
/// # Errors
/// [`Error::Problem`] naming what does not fit, e.g. `shots[3].caption`.
pub(crate) fn draw(
    board: &Storyboard,
    picture: &Arc<Picture>,
    size: FrameSize,
    fonts: &Fonts,
) -> Result<Raster, Error> {
    let Some((idx, shot)) = board.shots.iter().enumerate().next_back() else {
        return Err(Error::storyboard("shots", "there is no shot to show"));
    };
    let ground = readable_ground(board.palette.primary);
    let fill = [ground.r, ground.g, ground.b, 255];
    let raster = Raster::filled(size.width as usize, size.height as usize, fill);
    let mut canvas = Canvas { raster, fonts, board };
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let field = format!("shots[{idx}]");
    let (seen, words, button) = places(width, height);
    canvas.picture(picture, seen)?;
    canvas.line(shot, ground, words, &field)?;
    canvas.button(shot, button, &field)?;
    if board.shots.iter().any(|shot| shot.ai_label) {
        canvas.label(seen)?;
    }
    Ok(canvas.raster)
}

/// Where picture, line and button stand: side by side in a banner, one below the other in a block.
fn places(width: f64, height: f64) -> (Rect, Rect, Rect) {
    if width > height * 2.0 {
        let (pad, button) = ((height * 0.12).round(), (width * 0.24).round());
        let left = height + pad;
        let words = [left, pad, width - left - button - 2.0 * pad, height - 2.0 * pad];
        let tall = (height * 0.56).round();
        return (
            [0.0, 0.0, height, height],
            words,
            [width - button - pad, ((height - tall) / 2.0).round(), button, tall],
        );
    }
    let (pad, seen, tall) = ((width * 0.05).round(), (height * 0.54).round(), (height * 0.15).round());
    let words = [pad, seen + pad * 0.6, width - 2.0 * pad, height - seen - tall - pad * 2.1];
    ([0.0, 0.0, width, seen], words, [pad, height - tall - pad, width - 2.0 * pad, tall])
}

impl Canvas<'_> {
    fn picture(&mut self, picture: &Picture, [x, y, width, height]: Rect) -> Result<(), Error> {
        let source = &picture.raster;
        let crop = pixels::cover((source.width, source.height), width, height, picture.focus);
        let mut seen = Raster::filled(width as usize, height as usize, [0, 0, 0, 255]);
        pixels::resample(&mut Resizer::new(), source, crop, &mut seen, FilterType::Lanczos3)?;
        pixels::blend(&mut self.raster, &seen, x as i64, y, 1.0);
        Ok(())
    }

    fn line(&mut self, shot: &Shot, ground: Color, place: Rect, field: &str) -> Result<(), Error> {
        let style = Style {
            bold: true,
            serif: false,
            color: ink_on(ground),
            emphasis: None,
            sizes: [place[3].min(34.0), SMALLEST],
            max_lines: 4,
            width: place[2],
            height: place[3],
            align: 0.0,
            shadow: 0.0,
        };
        let block = self.fonts.set(&shot.caption, &self.board.names, &style, &format!("{field}.caption"))?;
        if let Some(block) = block {
            self.put(&block, [place[0], place[1] + (place[3] - block.height) / 2.0]);
        }
        Ok(())
    }

    fn button(&mut self, shot: &Shot, place: Rect, field: &str) -> Result<(), Error> {
        let accent = self.board.palette.accent;
        let style = Style {
            bold: true,
            serif: false,
            color: ink_on(accent),
            emphasis: None,
            sizes: [place[3] * 0.56, SMALLEST],
            max_lines: 2,
            width: place[2] * 0.88,
            height: place[3],
            align: 0.5,
            shadow: 0.0,
        };
        let Some(block) =
            self.fonts.set(&shot.button, &self.board.names, &style, &format!("{field}.button"))?
        else {
            return Ok(());
        };
        let pill = pixels::pill(place[2] as usize, place[3] as usize, place[3] * 0.3, accent, 1.0);
        pixels::blend(&mut self.raster, &pill, place[0] as i64, place[1], 1.0);
        self.put(&block, [place[0] + place[2] * 0.06, place[1] + (place[3] - block.height) / 2.0]);
        Ok(())
    }

    /// The visible mark of AI-made content, at the top left of the picture.
    fn label(&mut self, seen: Rect) -> Result<(), Error> {
        let text = match self.board.locale.language() {
            Language::Chinese => "AI生成",
            Language::English => "AI",
        };
        let px = (seen[2].min(seen[3]) * 0.07).max(SMALLEST);
        let style = Style {
            bold: true,
            serif: false,
            color: WHITE,
            emphasis: None,
            sizes: [px, px],
            max_lines: 1,
            width: seen[2],
            height: px * 1.6,
            align: 0.0,
            shadow: 0.0,
        };
        if let Some(block) = self.fonts.set(text, &[], &style, "ai_label")? {
            let pad = (px * 0.3).ceil();
            let (wide, tall) = ((block.width + 2.0 * pad).ceil(), block.height.ceil());
            let pill = pixels::pill(wide as usize, tall as usize, tall * 0.2, BLACK, 0.84);
            pixels::blend(&mut self.raster, &pill, seen[0] as i64 + 2, seen[1] + 2.0, 1.0);
            self.put(&block, [seen[0] + 2.0 + pad, seen[1] + 2.0]);
        }
        Ok(())
    }

    fn put(&mut self, block: &Block, [x, y]: [f64; 2]) {
        let (x, y) = (x.round() as i64, y.round() as i64);
        for line in &block.lines {
            pixels::blend(&mut self.raster, &line.layer, x + line.x, (y + line.y) as f64, 1.0);
        }
    }
}
