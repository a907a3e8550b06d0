//! The four layouts: where picture, texts and ornaments stand, and how they come in.
//!
//! Every length is a multiple of one unit, 1/720 of the width or 1/1280 of the height, whichever is
//! smaller, so that previews and finals show the same picture. Texts stay inside the placement's
//! safe zone and 6 % away from the sides.

use std::sync::Arc;

use fast_image_resize::{FilterType, Resizer};
use spotwright_schemas::locale::Locale;
use spotwright_schemas::storyboard::{CaptionMotion, Color, FrameSize, Layout, Motion, Shot, Storyboard};

use crate::error::Error;
use crate::pixels::{self, Crop, Raster};
use crate::scene::{
    Brush, Entrance, Scene, Sprite, TextBox, TextKind, Window, ink_on, readable_ground, readable_tint,
};
use crate::text::{Block, Fonts, Style};

const WHITE: Color = Color { r: 255, g: 255, b: 255 };
const BLACK: Color = Color { r: 0, g: 0, b: 0 };
/// How much larger than the window a prepared picture is, and so the strongest zoom.
const ZOOM: f64 = 1.12;
/// Brightest gray that text grounds over pictures are darkened to; white on it has 5.4:1.
const GROUND: f64 = 105.0;

/// A decoded product picture.
pub(crate) struct Picture {
    pub(crate) raster: Raster,
    /// Where the product is, as shares of width and height.
    pub(crate) focus: (f64, f64),
}

impl Picture {
    /// Wraps RGB bytes and looks for the product: the center of detail, drawn to the middle.
    pub(crate) fn new(width: usize, height: usize, rgb: &[u8]) -> Self {
        let mut data = Vec::with_capacity(width * height * 4);
        for pixel in rgb.chunks_exact(3) {
            data.extend_from_slice(&[pixel[0], pixel[1], pixel[2], 255]);
        }
        let raster = Raster { width, height, data };
        let focus = focus(&raster);
        Self { raster, focus }
    }
}

/// Mean position of luma differences on a coarse grid, each weighted by nearness to the middle.
fn focus(raster: &Raster) -> (f64, f64) {
    let step = (raster.width.max(raster.height) / 160).max(1);
    let luma = |x: usize, y: usize| {
        let [r, g, b, _] = raster.pixel(x, y);
        (f64::from(r) * 0.2126) + (f64::from(g) * 0.7152) + (f64::from(b) * 0.0722)
    };
    let (mut sum_x, mut sum_y, mut sum) = (0.0, 0.0, 1e-6);
    for y in (0..raster.height.saturating_sub(step)).step_by(step) {
        for x in (0..raster.width.saturating_sub(step)).step_by(step) {
            let here = luma(x, y);
            let detail = (here - luma(x + step, y)).abs() + (here - luma(x, y + step)).abs();
            let (fx, fy) = (x as f64 / raster.width as f64, y as f64 / raster.height as f64);
            let middle = 1.0 - ((fx - 0.5).powi(2) + (fy - 0.5).powi(2)) * 1.6;
            let weight = detail.powf(1.5) * middle.max(0.1);
            sum_x += fx * weight;
            sum_y += fy * weight;
            sum += weight;
        }
    }
    if sum < 1.0 {
        return (0.5, 0.5);
    }
    // Detail says little about up and down (a plain face above a busy coat), so the height leans to
    // a little above the middle, where photographers put their subject.
    (sum_x / sum, 0.4 * sum_y / sum + 0.6 * 0.38)
}

/// What a shot is built from.
pub(crate) struct Build<'a> {
    pub(crate) board: &'a Storyboard,
    /// Frame size to draw in; smaller than the storyboard's for previews.
    pub(crate) size: FrameSize,
    pub(crate) shot: &'a Shot,
    /// Path of the shot in the storyboard, e.g. `shots[2]`.
    pub(crate) field: &'a str,
    pub(crate) picture: Arc<Picture>,
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
        self.input.fonts.set(text, style, &self.field(name))
    }

    /// Length of an entrance in seconds: at most a third of the shot.
    fn pace(&self, seconds: f64) -> f64 {
        let shot = f64::from(self.input.shot.frames) / f64::from(self.input.board.fps);
        seconds * (shot / 1.8).min(1.0)
    }

    /// Sets the label of AI-made content (top right) and the brand (top left).
    fn header(&mut self) -> Result<(), Error> {
        let shot = self.input.shot;
        let short = self.width.min(self.height);
        let mut room = self.safe_width();
        let mut label_height = 0.0;
        if shot.ai_label {
            let text = match self.input.board.locale {
                Locale::ZhCn => "AI生成",
                Locale::EnUs => "AI-generated",
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
                label_height = block.height;
                let x = (self.right - block.width - pad).round();
                self.label_pill = Some([x - pad, self.top, block.width + 2.0 * pad, block.height]);
                room = x - pad - self.left - 16.0 * self.unit;
                self.header.push((TextKind::AiLabel, block, [x, self.top]));
            }
        }
        let mark = 22.0 * self.unit;
        let on_picture = matches!(shot.layout, Layout::FullBleed | Layout::Card);
        let color =
            if on_picture { WHITE } else { ink_on(readable_ground(self.input.board.palette.primary)) };
        // The end card shows the brand large; a second time would be noise.
        if shot.layout != Layout::EndCard {
            let style = Style {
                bold: true,
                color,
                emphasis: None,
                sizes: [30.0 * self.unit, 11.0 * self.unit],
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
            let layer = pixels::pill(rect[2] as usize, rect[3] as usize, rect[3] / 2.0, BLACK, 0.72);
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
        let on_picture = matches!(self.input.shot.layout, Layout::FullBleed | Layout::Card);
        let ground =
            if on_picture { Color { r: 60, g: 60, b: 60 } } else { readable_ground(palette.primary) };
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
        });
    }

    /// Places a block of text; each line is a layer of its own.
    fn put(&mut self, kind: TextKind, block: &Block, [x, y]: [f64; 2], come: Come) {
        let (x, y) = (x.round() as i64, y.round() as i64);
        let length = self.pace(0.5);
        for (idx, line) in block.lines.iter().enumerate() {
            let start = self.pace(come.start + come.stagger * idx as f64);
            let [ix, iy, iw, ih] = line.ink;
            let coverage = (iy..iy + ih)
                .flat_map(|row| &line.coverage[row * line.layer.width + ix..row * line.layer.width + ix + iw])
                .copied()
                .collect();
            let settled = if matches!(come.entrance, Entrance::None) { 0.0 } else { start + length };
            let rect = [x + line.x + ix as i64, y + line.y + iy as i64, iw as i64, ih as i64];
            self.boxes.push(TextBox { kind, rect, coverage, settled });
            self.sprites.push(Sprite {
                layer: line.layer.clone(),
                x: x + line.x,
                y: y + line.y,
                entrance: come.entrance,
                start,
                length,
                pulse: None,
            });
        }
    }

    /// The caption's entrance as the shot asks; `center` is the block's.
    fn caption_come(&self, center: [f64; 2]) -> Come {
        match self.input.shot.caption_motion {
            CaptionMotion::SlideUp => {
                Come { entrance: Entrance::Rise(46.0 * self.unit), start: 0.06, stagger: 0.0 }
            }
            CaptionMotion::Grow => Come { entrance: Entrance::Grow(center), start: 0.06, stagger: 0.0 },
            CaptionMotion::Lines => {
                Come { entrance: Entrance::Rise(34.0 * self.unit), start: 0.06, stagger: 0.16 }
            }
        }
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
            start: self.pace(start),
            length: self.pace(0.6),
            pulse: None,
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
            sizes: [37.0 * self.unit, 17.0 * self.unit],
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
        let on_picture = matches!(self.input.shot.layout, Layout::FullBleed | Layout::Card);
        Style {
            bold: true,
            color,
            emphasis,
            sizes: [largest * self.unit, 24.0 * self.unit],
            max_lines: 10,
            width: self.safe_width(),
            height,
            align,
            shadow: if on_picture { 0.55 } else { 0.0 },
        }
    }

    /// Prepares the moving picture for a window.
    fn open_window(&mut self, rect: Rect, mask: Option<Vec<u8>>) -> Result<(), Error> {
        // Tiny frames may leave less room than a layout asks for; a window never leaves the frame.
        let (frame_width, frame_height) = (self.base.width, self.base.height);
        let (x, y) = (
            (rect[0].round() as usize).min(frame_width - 2),
            (rect[1].round() as usize).min(frame_height - 2),
        );
        let width = (rect[2].round() as usize).clamp(2, frame_width - x);
        let height = (rect[3].round() as usize).clamp(2, frame_height - y);
        let mask = mask.filter(|mask| mask.len() == width * height);
        let picture = &self.input.picture;
        let source = &picture.raster;
        let crop = pixels::cover((source.width, source.height), width as f64, height as f64, picture.focus);
        let (w, h) = ((width as f64 * ZOOM).ceil() as usize, (height as f64 * ZOOM).ceil() as usize);
        let mut prepared = Raster::filled(w, h, [0, 0, 0, 255]);
        let enlarged = w as f64 / crop[2];
        let filter = if enlarged < 1.0 { FilterType::Lanczos3 } else { FilterType::CatmullRom };
        pixels::resample(&mut Resizer::new(), source, crop, &mut prepared, filter)?;
        if enlarged > 1.25 {
            sharpen(&mut prepared, (enlarged * 0.8).round().clamp(1.0, 4.0) as usize, 0.55);
        }
        self.window = Some(Window {
            x,
            y,
            width,
            height,
            path: camera(self.input.shot.motion, w as f64, h as f64),
            source: prepared,
            mask,
        });
        Ok(())
    }

    /// Fills the base with the picture's own blurred enlargement, saturated and darkened so that
    /// white text reads on it.
    fn blurred_base(&mut self) -> Result<(), Error> {
        let picture = &self.input.picture;
        let source = &picture.raster;
        // Blurring hides detail, so a sixth of the size is enough to work in.
        let (w, h) = ((self.base.width / 6).max(8), (self.base.height / 6).max(8));
        let crop = pixels::cover((source.width, source.height), w as f64, h as f64, picture.focus);
        let mut small = Raster::filled(w, h, [0, 0, 0, 255]);
        pixels::resample(&mut Resizer::new(), source, crop, &mut small, FilterType::Box)?;
        pixels::blur(&mut small, (w / 22).max(1), 3);
        let brightest = percentile_luma(&small, 0, h, 0.95).max(1.0);
        let dim = (GROUND * 0.86 / brightest).min(0.62);
        for pixel in small.data.chunks_exact_mut(4) {
            let gray =
                f64::from(pixel[0]) * 0.2126 + f64::from(pixel[1]) * 0.7152 + f64::from(pixel[2]) * 0.0722;
            for channel in &mut pixel[..3] {
                *channel =
                    ((gray + (f64::from(*channel) - gray) * 1.35) * dim).round().clamp(0.0, 255.0) as u8;
            }
        }
        let whole = [0.0, 0.0, w as f64, h as f64];
        pixels::resample(&mut Resizer::new(), &small, whole, &mut self.base, FilterType::CatmullRom)
    }

    fn full_bleed(&mut self) -> Result<(), Error> {
        let (width, height) = (self.width, self.height);
        let source = (&self.input.picture.raster.width, &self.input.picture.raster.height);
        let kept = pixels::cover((*source.0, *source.1), width, height, (0.5, 0.5));
        let share = kept[2] * kept[3] / (*source.0 as f64 * *source.1 as f64);
        if share >= 0.5 {
            self.open_window([0.0, 0.0, width, height], None)?;
        } else {
            // A wide picture cropped to a tall frame would lose the product: it fills the upper part
            // instead and melts into its own enlargement.
            self.blurred_base()?;
            let band = (height * 0.66).round();
            let feather = (height * 0.16).round();
            let mask = (0..band as usize)
                .flat_map(|row| {
                    let t = ((band - row as f64 - 0.5) / feather).clamp(0.0, 1.0);
                    let cover = (t * t * (3.0 - 2.0 * t) * 255.0).round() as u8;
                    std::iter::repeat_n(cover, width as usize)
                })
                .collect();
            self.open_window([0.0, 0.0, width, band], Some(mask))?;
        }
        let ground = Color { r: GROUND as u8, g: GROUND as u8, b: GROUND as u8 };
        let accent = readable_tint(self.input.board.palette.accent, ground);
        let shot = self.input.shot;
        let mut floor = self.disclaimer(WHITE, 0.0, true)?;
        let detail =
            self.set(&shot.detail, "detail", &self.detail_style(WHITE, None, 0.0, height * 0.17, true))?;
        let detail_height = detail.as_ref().map_or(0.0, |block| block.height + 16.0 * self.unit);
        let room = (floor - detail_height - self.content_top - 40.0 * self.unit).min(height * 0.36);
        let caption =
            self.set(&shot.caption, "caption", &self.caption_style(WHITE, accent, 0.0, room, 88.0))?;
        if let Some(block) = &detail {
            floor -= block.height;
            let come = Come { entrance: Entrance::Rise(26.0 * self.unit), start: 0.32, stagger: 0.0 };
            self.put(TextKind::Detail, block, [self.left, floor], come);
            floor -= 16.0 * self.unit;
        }
        if let Some(block) = &caption {
            floor -= block.height;
            let come = self.caption_come([self.left + block.width / 2.0, floor + block.height / 2.0]);
            self.put(TextKind::Caption, block, [self.left, floor], come);
            floor -= 22.0 * self.unit;
            self.bar(self.left, floor, 104.0 * self.unit, 0.0);
        }
        self.shade_for(floor)?;
        self.put_header();
        Ok(())
    }

    /// Darkens the bottom from `floor` on, and the header, as much as the picture needs.
    fn shade_for(&mut self, floor: f64) -> Result<(), Error> {
        let rows = self.base.height;
        let probe = Scene {
            base: self.base.clone(),
            window: self.window.take(),
            shade: Vec::new(),
            sprites: Vec::new(),
            boxes: Vec::new(),
            frames: 1,
            fps: 1,
        };
        let mut brush = Brush::new(self.base.width, rows);
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        let text_top = (floor.max(0.0) as usize).min(rows);
        let header_end = (self.content_top as usize).min(rows);
        for share in [0.0, 0.5, 1.0] {
            probe.draw_picture(share, &mut brush)?;
            low = low.max(percentile_luma(&brush.canvas, text_top, rows, 0.985));
            high = high.max(percentile_luma(&brush.canvas, self.top as usize, header_end, 0.95));
        }
        self.window = probe.window;
        let needed = |brightest: f64| (1.0 - GROUND * 0.92 / brightest.max(1.0)).clamp(0.0, 0.9);
        let (bottom, top) = (needed(low).max(0.30), needed(high).max(0.12));
        let ramp = 0.19 * self.height;
        let ease = |t: f64| {
            let t = t.clamp(0.0, 1.0);
            t * t * (3.0 - 2.0 * t)
        };
        self.shade = (0..rows)
            .map(|row| {
                let y = row as f64;
                let below = bottom * ease((y - (floor - ramp)) / ramp);
                let above = top * ease((self.content_top + ramp * 0.7 - y) / (ramp * 0.7));
                (255.0 * (1.0 - (1.0 - below) * (1.0 - above))).round() as u8
            })
            .collect();
        Ok(())
    }

    fn card(&mut self) -> Result<(), Error> {
        self.blurred_base()?;
        let shot = self.input.shot;
        let ground = Color { r: 90, g: 90, b: 90 };
        let accent = readable_tint(self.input.board.palette.accent, ground);
        let floor = self.disclaimer(WHITE, 0.5, true)?;
        let room = (floor - self.content_top).max(24.0 * self.unit);
        let picture = &self.input.picture.raster;
        let shape = picture.height as f64 / picture.width as f64;
        let card_width = self.safe_width();
        let card_height = (card_width * shape).clamp(room * 0.34, room * 0.54).min(card_width * 1.3);
        let gap = 44.0 * self.unit;
        let below = room - card_height - gap - 40.0 * self.unit;
        let detail =
            self.set(&shot.detail, "detail", &self.detail_style(WHITE, None, 0.5, below * 0.45, true))?;
        let detail_height = detail.as_ref().map_or(0.0, |block| block.height + 18.0 * self.unit);
        let caption = self.set(
            &shot.caption,
            "caption",
            &self.caption_style(WHITE, accent, 0.5, below - detail_height, 80.0),
        )?;
        let caption_height = caption.as_ref().map_or(0.0, |block| block.height);
        let used = card_height + gap + 31.0 * self.unit + caption_height + detail_height;
        // The group stands a little above the middle, where the eye rests.
        let mut y = self.content_top + ((room - used) * 0.42).max(0.0);
        let rect = [self.left.round(), y.round(), card_width.round(), card_height.round()];
        let radius = 30.0 * self.unit;
        pixels::drop_shadow(
            &mut self.base,
            [rect[0], rect[1] + 16.0 * self.unit, rect[2], rect[3]],
            radius,
            54.0 * self.unit,
            0.55,
        );
        let mask = pixels::rounded_mask(rect[2] as usize, rect[3] as usize, radius);
        self.open_window(rect, Some(mask))?;
        y += card_height + gap;
        let bar = 84.0 * self.unit;
        self.bar((self.width - bar) / 2.0, y, bar, 0.0);
        y += 31.0 * self.unit;
        if let Some(block) = &caption {
            let come = self.caption_come([self.width / 2.0, y + block.height / 2.0]);
            self.put(TextKind::Caption, block, [self.left, y], come);
            y += block.height + 18.0 * self.unit;
        }
        if let Some(block) = &detail {
            let come = Come { entrance: Entrance::Rise(26.0 * self.unit), start: 0.32, stagger: 0.0 };
            self.put(TextKind::Detail, block, [self.left, y], come);
        }
        self.put_header();
        Ok(())
    }

    /// Fills the base with a slow gradient of the brand color.
    fn brand_base(&mut self) -> Color {
        let ground = readable_ground(self.input.board.palette.primary);
        let ink = ink_on(ground);
        // Away from the ink color only: text never gets harder to read.
        let far = pixels::mix(ground, if ink == WHITE { BLACK } else { WHITE }, 0.34);
        let (width, height) = (self.base.width, self.base.height);
        for (row, line) in self.base.rows_mut().enumerate() {
            for (column, pixel) in line.chunks_exact_mut(4).enumerate() {
                let dx = column as f64 / width as f64 - 0.22;
                let dy = row as f64 / height as f64 - 0.24;
                let t = (dx.hypot(dy) / 1.05).min(1.0);
                // A triangular pattern of half a step hides the gradient's bands.
                let noise = f64::from(((column * 7 + row * 13) % 4) as u8) / 4.0 - 0.375;
                let channel = |a: u8, b: u8| {
                    (f64::from(a) + (f64::from(b) - f64::from(a)) * t + noise).round().clamp(0.0, 255.0) as u8
                };
                pixel.copy_from_slice(&[
                    channel(ground.r, far.r),
                    channel(ground.g, far.g),
                    channel(ground.b, far.b),
                    255,
                ]);
            }
        }
        ground
    }

    fn poster(&mut self) -> Result<(), Error> {
        let ground = self.brand_base();
        let palette = self.input.board.palette;
        let ink = ink_on(ground);
        let accent = readable_tint(palette.accent, ground);
        let shot = self.input.shot;
        // The picture band: the lower part of the frame, from edge to edge, under a slanted cut.
        let split = (self.height * 0.53).min(self.bottom - 120.0 * self.unit).max(self.height * 0.42).round();
        let slant = (56.0 * self.unit).round();
        let band = self.height - split;
        let width = self.base.width;
        let edge = |column: usize| slant * (1.0 - column as f64 / width as f64);
        let mask = (0..band as usize)
            .flat_map(|row| (0..width).map(move |column| (row, column)))
            .map(|(row, column)| ((row as f64 - edge(column)).clamp(0.0, 1.0) * 255.0) as u8)
            .collect();
        self.open_window([0.0, split, self.width, band], Some(mask))?;
        self.slanted_stripe(split, slant);
        self.ring();
        let print = self.disclaimer_on_band(split + slant)?;
        let room = split - self.content_top - 34.0 * self.unit;
        let detail = self.set(
            &shot.detail,
            "detail",
            &self.detail_style(pixels::mix(ink, ground, 0.1), None, 0.0, room * 0.36, false),
        )?;
        let detail_height = detail.as_ref().map_or(0.0, |block| block.height + 20.0 * self.unit);
        let caption_room = room - detail_height - 36.0 * self.unit;
        let caption =
            self.set(&shot.caption, "caption", &self.caption_style(ink, accent, 0.0, caption_room, 112.0))?;
        let used = caption.as_ref().map_or(0.0, |block| block.height) + detail_height + 36.0 * self.unit;
        let mut y = self.content_top + ((room - used) * 0.5).max(0.0);
        self.bar(self.left, y, 132.0 * self.unit, 0.0);
        y += 34.0 * self.unit;
        if let Some(block) = &caption {
            let come = self.caption_come([self.left + block.width / 2.0, y + block.height / 2.0]);
            self.put(TextKind::Caption, block, [self.left, y], come);
            y += block.height + 20.0 * self.unit;
        }
        if let Some(block) = &detail {
            let come = Come { entrance: Entrance::Rise(26.0 * self.unit), start: 0.34, stagger: 0.0 };
            self.put(TextKind::Detail, block, [self.left, y], come);
        }
        self.put_header();
        let _ = print;
        Ok(())
    }

    /// The small print on the picture band, over a shade of its own.
    fn disclaimer_on_band(&mut self, band_top: f64) -> Result<(), Error> {
        if self.input.shot.disclaimer.trim().is_empty() {
            return Ok(());
        }
        let top = self.disclaimer(WHITE, 0.0, true)?.max(band_top);
        let ramp = 90.0 * self.unit;
        self.shade = (0..self.base.height)
            .map(|row| (((row as f64 - top + ramp) / ramp).clamp(0.0, 1.0) * 0.68 * 255.0) as u8)
            .collect();
        Ok(())
    }

    /// An accent stripe along the slanted edge of the picture band.
    fn slanted_stripe(&mut self, split: f64, slant: f64) {
        let thick = (12.0 * self.unit).max(2.0);
        let (width, height) = (self.base.width, (slant + thick + 2.0) as usize);
        let color = self.mark_color();
        let mut layer = Raster::filled(width, height, [0; 4]);
        for (row, line) in layer.rows_mut().enumerate() {
            for (column, pixel) in line.chunks_exact_mut(4).enumerate() {
                let top = slant * (1.0 - column as f64 / width as f64);
                let inside = (row as f64 + 1.0 - top).min(top + thick - row as f64).clamp(0.0, 1.0);
                let cover = |channel: u8| (f64::from(channel) * inside) as u8;
                pixel.copy_from_slice(&[cover(color.r), cover(color.g), cover(color.b), cover(255)]);
            }
        }
        self.still(layer, 0.0, split - thick / 2.0);
    }

    /// A large faint ring in the accent color, cut by the upper right corner.
    fn ring(&mut self) {
        let color = self.mark_color();
        let radius = 250.0 * self.unit;
        let thick = 54.0 * self.unit;
        let center = (self.width * 1.02, self.height * 0.06);
        let ground = readable_ground(self.input.board.palette.primary);
        // Text may run over it, so it stays close to the ground.
        let share = if color.contrast(ground) > 3.0 { 0.10 } else { 0.16 };
        for (row, line) in self.base.rows_mut().enumerate() {
            for (column, pixel) in line.chunks_exact_mut(4).enumerate() {
                let distance = (column as f64 - center.0).hypot(row as f64 - center.1);
                let inside = (thick / 2.0 - (distance - radius).abs()).clamp(0.0, 1.0) * share;
                if inside > 0.0 {
                    for (to, from) in pixel.iter_mut().zip([color.r, color.g, color.b]) {
                        *to = (f64::from(*to) + (f64::from(from) - f64::from(*to)) * inside).round() as u8;
                    }
                }
            }
        }
    }

    fn end_card(&mut self) -> Result<(), Error> {
        let ground = self.brand_base();
        let palette = self.input.board.palette;
        let ink = ink_on(ground);
        let accent = readable_tint(palette.accent, ground);
        let shot = self.input.shot;
        self.ring();
        let floor = self.disclaimer(pixels::mix(ink, ground, 0.14), 0.5, false)?;
        let room = (floor - self.content_top).max(24.0 * self.unit);
        let mut brand_style = self.caption_style(ink, None, 0.5, room * 0.13, 46.0);
        brand_style.sizes[1] = 16.0 * self.unit;
        let brand = self.set(&shot.brand, "brand", &brand_style)?;
        let detail = self.set(
            &shot.detail,
            "detail",
            &self.detail_style(pixels::mix(ink, ground, 0.1), None, 0.5, room * 0.13, false),
        )?;
        let caption =
            self.set(&shot.caption, "caption", &self.caption_style(ink, accent, 0.5, room * 0.24, 74.0))?;
        let button_color = palette.accent;
        let face = readable_ground(if button_color.contrast(ground) >= 1.5 { button_color } else { ink });
        let mut button_style = self.caption_style(ink_on(face), None, 0.5, 104.0 * self.unit, 44.0);
        button_style.width = self.safe_width() - 120.0 * self.unit;
        button_style.sizes[1] = 16.0 * self.unit;
        let button = self.set(&shot.button, "button", &button_style)?;
        let gap = 26.0 * self.unit;
        let with_gap = |block: &Option<Block>, extra: f64| {
            block.as_ref().map_or(0.0, |block| block.height + gap + extra)
        };
        let pill_pad = 26.0 * self.unit;
        let texts = with_gap(&brand, 0.0)
            + with_gap(&caption, 0.0)
            + with_gap(&detail, 0.0)
            + with_gap(&button, 2.0 * pill_pad);
        let card_width = self.safe_width() * 0.86;
        let picture = &self.input.picture.raster;
        let shape = picture.height as f64 / picture.width as f64;
        let card_height = (card_width * shape).min(room - texts - gap).min(card_width * 1.15).max(room * 0.2);
        let used = texts + card_height + gap;
        let mut y = self.content_top + ((room - used) * 0.45).max(0.0);
        let rect =
            [((self.width - card_width) / 2.0).round(), y.round(), card_width.round(), card_height.round()];
        let radius = 34.0 * self.unit;
        pixels::drop_shadow(
            &mut self.base,
            [rect[0], rect[1] + 12.0 * self.unit, rect[2], rect[3]],
            radius,
            44.0 * self.unit,
            0.4,
        );
        let mask = pixels::rounded_mask(rect[2] as usize, rect[3] as usize, radius);
        self.open_window(rect, Some(mask))?;
        y += card_height + gap * 1.3;
        if let Some(block) = &brand {
            let come = Come { entrance: Entrance::Rise(20.0 * self.unit), start: 0.0, stagger: 0.0 };
            self.put(TextKind::Brand, block, [self.left, y], come);
            y += block.height + gap * 0.7;
        }
        if let Some(block) = &caption {
            let come = self.caption_come([self.width / 2.0, y + block.height / 2.0]);
            self.put(TextKind::Caption, block, [self.left, y], come);
            y += block.height + gap;
        }
        if let Some(block) = &detail {
            let come = Come { entrance: Entrance::Rise(20.0 * self.unit), start: 0.25, stagger: 0.0 };
            self.put(TextKind::Detail, block, [self.left, y], come);
            y += block.height + gap;
        }
        if let Some(block) = &button {
            self.button(block, button_style.width, face, y, pill_pad);
        }
        self.put_header();
        Ok(())
    }

    /// A pill with the call to action that grows in and then swells slowly.
    fn button(&mut self, block: &Block, room: f64, face: Color, y: f64, pad: f64) {
        let wide = block.width + 2.0 * 58.0 * self.unit;
        let high = block.height + 2.0 * pad;
        let x = ((self.width - wide) / 2.0).round();
        let center = [self.width / 2.0, y + high / 2.0];
        let from = self.sprites.len();
        let pill = pixels::pill(wide as usize, high as usize, high / 2.0, face, 1.0);
        self.still(pill, x, y);
        let text_x = (self.width - room) / 2.0;
        let come = Come { entrance: Entrance::Grow(center), start: 0.45, stagger: 0.0 };
        self.put(TextKind::Button, block, [text_x, y + pad], come);
        let (start, length) = (self.pace(0.45), self.pace(0.5));
        for sprite in &mut self.sprites[from..] {
            sprite.entrance = Entrance::Grow(center);
            sprite.start = start;
            sprite.length = length;
            sprite.pulse = Some((0.035, center));
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

/// The part of a prepared picture shown first and last.
fn camera(motion: Motion, width: f64, height: f64) -> [Crop; 2] {
    let at = |zoom: f64, fx: f64, fy: f64| -> Crop {
        let (w, h) = (width / zoom, height / zoom);
        [(width - w) * fx, (height - h) * fy, w, h]
    };
    match motion {
        Motion::PushIn => [at(1.0, 0.5, 0.5), at(ZOOM, 0.5, 0.5)],
        Motion::PullOut => [at(ZOOM, 0.5, 0.5), at(1.0, 0.5, 0.5)],
        Motion::PanRight => [at(ZOOM, 0.0, 0.5), at(ZOOM, 1.0, 0.5)],
        Motion::PanLeft => [at(ZOOM, 1.0, 0.5), at(ZOOM, 0.0, 0.5)],
    }
}

/// Adds `amount` of the difference to a blurred copy (unsharp mask).
fn sharpen(raster: &mut Raster, radius: usize, amount: f64) {
    let mut soft = raster.clone();
    pixels::blur(&mut soft, radius, 1);
    let amount = (amount * 256.0) as i32;
    for (to, soft) in raster.data.iter_mut().zip(&soft.data) {
        let detail = i32::from(*to) - i32::from(*soft);
        *to = (i32::from(*to) + ((detail * amount) >> 8)).clamp(0, 255) as u8;
    }
}

/// Luma below which `share` of the pixels of the rows `from..to` lie, 0–255.
fn percentile_luma(raster: &Raster, from: usize, to: usize, share: f64) -> f64 {
    let mut counts = [0_u32; 256];
    let row_bytes = raster.width * 4;
    let mut total = 0_u32;
    for row in (from..to.min(raster.height)).step_by(3) {
        for pixel in raster.data[row * row_bytes..(row + 1) * row_bytes].chunks_exact(4).step_by(3) {
            let luma = (54 * u32::from(pixel[0]) + 183 * u32::from(pixel[1]) + 19 * u32::from(pixel[2])) >> 8;
            counts[luma.min(255) as usize] += 1;
            total += 1;
        }
    }
    let limit = (f64::from(total) * share) as u32;
    let mut seen = 0;
    for (luma, count) in counts.iter().enumerate() {
        seen += count;
        if seen > limit {
            return luma as f64;
        }
    }
    0.0
}
