//! The four layouts: where picture, texts and ornaments stand, and how they come in.
//!
//! A layout stands differently in a proof shot than in an opening, so that neighboring shots of one
//! video never look alike. In the opening the caption can be read from the first frame on, since
//! players show that frame before anybody presses play.
//!
//! Every length is a multiple of one unit, 1/720 of the width or 1/1280 of the height, whichever is
//! smaller, so that previews and finals show the same picture. Texts stay inside the placement's
//! safe zone and 6 % away from the sides.

mod on_brand;
mod on_picture;
mod overlays;
mod picture;

use std::sync::Arc;

use spotwright_schemas::locale::Language;
use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::{CaptionMotion, Color, FrameSize, Layout, Shot, Storyboard};

pub(crate) use overlays::{OverlayPictures, with_transparency};
pub(crate) use picture::Picture;

use crate::error::Error;
use crate::footage::ClipLook;
use crate::pixels::{self, Raster};
use crate::scene::{Entrance, Scene, Sprite, TextBox, TextKind, Window, ink_on, readable_ground};
use crate::text::{Block, Fonts, Style};

const WHITE: Color = Color { r: 255, g: 255, b: 255 };
const BLACK: Color = Color { r: 0, g: 0, b: 0 };
/// Length of a text's entrance in seconds.
const ENTRANCE: f64 = 0.44;
/// Brightest gray that text grounds over pictures are darkened to; white on it has 5.4:1.
const GROUND: f64 = 105.0;

/// What a shot is built from.
pub(crate) struct Build<'a> {
    pub(crate) board: &'a Storyboard,
    /// Frame size to draw in; smaller than the storyboard's for previews.
    pub(crate) size: FrameSize,
    pub(crate) shot: &'a Shot,
    /// Path of the shot in the storyboard, e.g. `shots[2]`.
    pub(crate) field: &'a str,
    pub(crate) picture: Arc<Picture>,
    /// The clip that is shown in the picture's place; `picture` is its middle frame then.
    pub(crate) clip: Option<Arc<ClipLook>>,
    /// Pictures of the shot's overlays, in their order.
    pub(crate) overlays: &'a OverlayPictures,
    pub(crate) fonts: &'a Fonts,
}

/// Lays out one shot.
///
/// # Errors
/// [`Error::Problem`] for texts that cannot be shown.
pub(crate) fn build(input: &Build<'_>) -> Result<Scene, Error> {
    let mut stage = Stage::new(input);
    stage.header()?;
    match input.shot.layout {
        Layout::FullBleed => stage.full_bleed()?,
        Layout::Card => stage.card()?,
        Layout::Poster => stage.poster()?,
        Layout::EndCard => stage.end_card()?,
    }
    stage.overlays()?;
    Ok(stage.finish())
}

/// A rectangle of pixels: left, top, width, height.
type Rect = [f64; 4];

struct Stage<'a> {
    input: &'a Build<'a>,
    width: f64,
    height: f64,
    unit: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    /// Brand and label, laid out first because the rest begins below them.
    header: Vec<(TextKind, Block, [f64; 2])>,
    label_pill: Option<Rect>,
    content_top: f64,
    base: Raster,
    window: Option<Window>,
    shade: Vec<u8>,
    sprites: Vec<Sprite>,
    boxes: Vec<TextBox>,
}

impl<'a> Stage<'a> {
    fn new(input: &'a Build<'a>) -> Self {
        let (width, height) = (f64::from(input.size.width), f64::from(input.size.height));
        let covered = input.board.placement.spec().covered.map(f64::from);
        let top = (covered[0].max(0.04) * height).ceil();
        Self {
            input,
            width,
            height,
            unit: (width / 720.0).min(height / 1280.0),
            left: (width * 0.06).ceil(),
            right: (width * 0.94).floor(),
            top,
            bottom: ((1.0 - covered[1].max(0.04)) * height).floor(),
            header: Vec::new(),
            label_pill: None,
            content_top: top,
            base: Raster::filled(input.size.width as usize, input.size.height as usize, [0, 0, 0, 255]),
            window: None,
            shade: Vec::new(),
            sprites: Vec::new(),
            boxes: Vec::new(),
        }
    }

    fn finish(self) -> Scene {
        Scene {
            base: self.base,
            window: self.window,
            shade: self.shade,
            sprites: self.sprites,
            boxes: self.boxes,
            frames: self.input.shot.frames,
            fps: self.input.board.fps,
        }
    }

    fn safe_width(&self) -> f64 {
        self.right - self.left
    }

    fn field(&self, name: &str) -> String {
        format!("{}.{name}", self.input.field)
    }

    fn set(&self, text: &str, name: &str, style: &Style) -> Result<Option<Block>, Error> {
        self.input.fonts.set(text, &self.input.board.names, style, &self.field(name))
    }

    /// Length of an entrance in seconds: at most a third of the shot.
    fn pace(&self, seconds: f64) -> f64 {
        let shot = f64::from(self.input.shot.frames) / f64::from(self.input.board.fps);
        seconds * (shot / 1.8).min(1.0)
    }

    /// Whether the shot opens the video.
    fn opens(&self) -> bool {
        self.input.shot.role == Role::Hook
    }

    /// Whether texts stand on the picture rather than on the brand color.
    fn on_picture(&self) -> bool {
        matches!(self.input.shot.layout, Layout::FullBleed | Layout::Card)
    }

    /// A poster that proves something has its picture above its text.
    fn picture_above(&self) -> bool {
        self.input.shot.layout == Layout::Poster && self.input.shot.role == Role::Proof
    }

    fn header_on_picture(&self) -> bool {
        self.on_picture() || self.picture_above()
    }

    /// Sets the label of AI-made content (top right) and the brand (top left).
    fn header(&mut self) -> Result<(), Error> {
        let shot = self.input.shot;
        let short = self.width.min(self.height);
        let mut room = self.safe_width();
        let mut label_height = 0.0;
        if shot.ai_label {
            let text = match self.input.board.locale.language() {
                Language::Chinese => "AI生成",
                Language::English => "AI-generated",
            };
            // The ink of "AI" alone is 0.73 of the size; with ideographs or descenders it is 0.93
            // or more, which makes 0.056 of the shorter side at least 5 % of it.
            let px = (short * 0.056).ceil();
            let style = Style {
                bold: true,
                color: WHITE,
                emphasis: None,
                sizes: [px, px],
                max_lines: 1,
                width: self.safe_width(),
                height: px * 1.5,
                align: 0.0,
                shadow: 0.0,
            };
            if let Some(block) = self.set(text, "ai_label", &style)? {
                let pad = px * 0.32;
                // Ink reaches to the edges of its line; the plate goes on a little beyond.
                let above = (px * 0.14).ceil();
                label_height = block.height + 2.0 * above;
                let x = (self.right - block.width - pad).round();
                self.label_pill = Some([x - pad, self.top, block.width + 2.0 * pad, label_height]);
                room = x - pad - self.left - 16.0 * self.unit;
                self.header.push((TextKind::AiLabel, block, [x, self.top + above]));
            }
        }
        let mark = 22.0 * self.unit;
        let on_picture = self.header_on_picture();
        let color =
            if on_picture { WHITE } else { ink_on(readable_ground(self.input.board.palette.primary)) };
        // The end card shows the brand large; a second time would be noise.
        if shot.layout != Layout::EndCard {
            let style = Style {
                bold: true,
                color,
                emphasis: None,
                sizes: [33.0 * self.unit, 11.0 * self.unit],
                max_lines: 3,
                width: (room - mark).max(40.0 * self.unit),
                height: label_height.max(52.0 * self.unit),
                align: 0.0,
                shadow: if on_picture { 0.5 } else { 0.0 },
            };
            if let Some(block) = self.set(&shot.brand, "brand", &style)? {
                label_height = label_height.max(block.height);
                let y = (self.top + (label_height - block.height) / 2.0).round();
                self.header.push((TextKind::Brand, block, [(self.left + mark).round(), y]));
            }
        }
        self.content_top = self.top + label_height + 20.0 * self.unit;
        Ok(())
    }

    /// Draws the header over everything that was laid out before.
    fn put_header(&mut self) {
        if let Some(rect) = self.label_pill {
            let layer = pixels::pill(rect[2] as usize, rect[3] as usize, rect[3] * 0.22, BLACK, 0.84);
            self.still(layer, rect[0], rect[1]);
        }
        for (kind, block, [x, y]) in std::mem::take(&mut self.header) {
            if kind == TextKind::Brand {
                let (w, h) = ((7.0 * self.unit).max(2.0), (block.height * 0.62).max(4.0));
                let layer = pixels::pill(w as usize, h as usize, w / 2.0, self.mark_color(), 1.0);
                self.still(layer, self.left, (y + (block.height - h) / 2.0).round());
            }
            self.put(kind, &block, [x, y], Come { entrance: Entrance::None, start: 0.0, stagger: 0.0 });
        }
    }

    /// The accent color, or the text color where the accent would not stand out.
    fn mark_color(&self) -> Color {
        let palette = self.input.board.palette;
        let ground =
            if self.on_picture() { Color { r: 60, g: 60, b: 60 } } else { readable_ground(palette.primary) };
        if palette.accent.contrast(ground) >= 1.6 { palette.accent } else { ink_on(ground) }
    }

    fn still(&mut self, layer: Raster, x: f64, y: f64) {
        self.sprites.push(Sprite {
            layer,
            x: x.round() as i64,
            y: y.round() as i64,
            entrance: Entrance::None,
            start: 0.0,
            length: 0.0,
            pulse: None,
            span: None,
        });
    }

    /// Places a block of text; each line is a layer of its own.
    fn put(&mut self, kind: TextKind, block: &Block, [x, y]: [f64; 2], come: Come) {
        let (x, y) = (x.round() as i64, y.round() as i64);
        let length = self.pace(ENTRANCE);
        for (idx, line) in block.lines.iter().enumerate() {
            let start = self.pace(come.start + come.stagger * idx as f64);
            let [ix, iy, iw, ih] = line.ink;
            let coverage = (iy..iy + ih)
                .flat_map(|row| &line.coverage[row * line.layer.width + ix..row * line.layer.width + ix + iw])
                .copied()
                .collect();
            let settled =
                if matches!(come.entrance, Entrance::None) { 0.0 } else { (start + length).max(0.0) };
            let rect = [x + line.x + ix as i64, y + line.y + iy as i64, iw as i64, ih as i64];
            self.boxes.push(TextBox {
                kind,
                rect,
                coverage,
                letters: line.letters,
                settled,
                until: f64::INFINITY,
            });
            self.sprites.push(Sprite {
                layer: line.layer.clone(),
                x: x + line.x,
                y: y + line.y,
                entrance: come.entrance,
                start,
                length,
                pulse: None,
                span: None,
            });
        }
    }

    /// The caption's entrance as the shot asks; `center` is the block's. An opening's began before
    /// its first frame: what is left of it is a small movement of readable text.
    fn caption_come(&self, center: [f64; 2]) -> Come {
        let start = if self.opens() { -0.3 } else { 0.0 };
        match self.input.shot.caption_motion {
            CaptionMotion::SlideUp => {
                Come { entrance: Entrance::Rise(64.0 * self.unit), start, stagger: 0.0 }
            }
            CaptionMotion::Grow => Come { entrance: Entrance::Grow(center), start, stagger: 0.0 },
            CaptionMotion::Lines => {
                let stagger = if self.opens() { 0.04 } else { 0.12 };
                Come { entrance: Entrance::Rise(44.0 * self.unit), start, stagger }
            }
        }
    }

    /// The detail follows the caption.
    fn detail_come(&self) -> Come {
        let start = if self.opens() { -0.22 } else { 0.2 };
        Come { entrance: Entrance::Rise(30.0 * self.unit), start, stagger: 0.0 }
    }

    fn bar(&mut self, x: f64, y: f64, width: f64, start: f64) {
        let height = (9.0 * self.unit).max(2.0);
        let layer =
            pixels::pill((width as usize).max(2), height as usize, height / 2.0, self.mark_color(), 1.0);
        self.sprites.push(Sprite {
            layer,
            x: x.round() as i64,
            y: y.round() as i64,
            entrance: Entrance::Widen,
            start: self.pace(if self.opens() { -0.3 } else { start }),
            length: self.pace(0.6),
            pulse: None,
            span: None,
        });
    }

    /// Sets the small print at the bottom of the safe zone; returns where the rest must end.
    fn disclaimer(&mut self, color: Color, align: f64, on_picture: bool) -> Result<f64, Error> {
        let style = Style {
            bold: false,
            color,
            emphasis: None,
            sizes: [21.0 * self.unit, 12.0 * self.unit],
            max_lines: 6,
            width: self.safe_width(),
            height: 96.0 * self.unit,
            align,
            shadow: if on_picture { 0.5 } else { 0.0 },
        };
        let Some(block) = self.set(&self.input.shot.disclaimer, "disclaimer", &style)? else {
            return Ok(self.bottom - 8.0 * self.unit);
        };
        let y = self.bottom - block.height;
        self.put(
            TextKind::Disclaimer,
            &block,
            [self.left, y],
            Come { entrance: Entrance::None, start: 0.0, stagger: 0.0 },
        );
        Ok(y - 18.0 * self.unit)
    }

    fn detail_style(
        &self,
        color: Color,
        emphasis: Option<Color>,
        align: f64,
        height: f64,
        on_picture: bool,
    ) -> Style {
        Style {
            bold: false,
            color,
            emphasis,
            sizes: [44.0 * self.unit, 17.0 * self.unit],
            max_lines: 8,
            width: self.safe_width(),
            height,
            align,
            shadow: if on_picture { 0.6 } else { 0.0 },
        }
    }

    fn caption_style(
        &self,
        color: Color,
        emphasis: Option<Color>,
        align: f64,
        height: f64,
        largest: f64,
    ) -> Style {
        Style {
            bold: true,
            color,
            emphasis,
            sizes: [largest * self.unit, 24.0 * self.unit],
            max_lines: 10,
            width: self.safe_width(),
            height,
            align,
            shadow: if self.on_picture() { 0.55 } else { 0.0 },
        }
    }
}

/// How a text comes in: entrance, first second, delay from line to line.
#[derive(Clone, Copy)]
struct Come {
    entrance: Entrance,
    start: f64,
    stagger: f64,
}
