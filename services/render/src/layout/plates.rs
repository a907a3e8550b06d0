//! Layouts whose picture fills the frame and whose texts stand on plates, bands and shapes over it, or on a
//! shade at the top.

use spotwright_schemas::storyboard::{Color, VisualStyle};

use super::picture::ZOOM;
use super::product::is_amount;
use super::{Come, GROUND, Rect, SQUARE, Stage, WHITE, shapes};
use crate::error::Error;
use crate::pixels;
use crate::scene::{Entrance, Sprite, TextKind, ink_on, readable_ground, readable_tint};
use crate::text::Block;

/// How strong a shade has to be over a picture whose luma differs by this much under a text: letters are not
/// read as easily between light and dark parts as their contrast alone would have it.
pub(super) fn unrest(spread: f64) -> f64 {
    const CALM: f64 = 80.0;
    0.62 * ((spread - CALM) / (255.0 - CALM)).clamp(0.0, 1.0)
}

impl Stage<'_> {
    /// The picture over the whole frame. A product that was cut out stands in the part `room` of the height,
    /// which leaves place for its growing under the camera.
    fn whole_picture(&mut self, room: [f64; 2]) -> Result<(), Error> {
        self.product_room = room;
        self.open_window([0.0, 0.0, self.width, self.height], None)
    }

    /// As [`Stage::whole_picture`], with a product that was cut out as large as it gets between two heights,
    /// also at the end of the camera's way, which enlarges about the frame's middle.
    pub(super) fn picture_between(&mut self, from: f64, to: f64) -> Result<(), Error> {
        let from = 0.5 + (from / self.height - 0.5) / ZOOM;
        let away = (to - 14.0 * self.unit) / self.height - 0.5;
        let to = 0.5 + if away > 0.0 { away / ZOOM } else { away };
        self.whole_picture([from, to.max(from + 0.12)])
    }

    /// Brightest luma of the picture between two heights over the whole way of the camera, 0–255, and the
    /// strength of shade that its unrest asks for.
    fn brightest_between(&mut self, from: f64, to: f64) -> Result<(f64, f64), Error> {
        if self.input.clip.is_some() {
            let area = [0.0, from, self.width, to - from];
            return Ok((self.brightest_of_clip(area, 0.985), 0.0));
        }
        let [brightest, darkest] = self.brightest_of_picture([(from, to, 0.985), (from, to, 0.1)])?;
        Ok((brightest, unrest(brightest - darkest)))
    }

    /// Darkens the rows between two heights as much as white text on them needs, at least by `least`, with
    /// soft ends. Several add up.
    fn shade_between(&mut self, from: f64, to: f64, least: f64) -> Result<(), Error> {
        if self.product_beside {
            // The wall is dark where texts stand.
            return Ok(());
        }
        let ramp = 0.10 * self.height;
        let (brightest, busy) = self.brightest_between(from - ramp * 0.3, to + ramp * 0.3)?;
        let strength = self.shade_needed(brightest).max(least).max(busy);
        self.darken(from, to, strength);
        Ok(())
    }

    /// Lays a shade over the rows between two heights, with soft ends. Several add up.
    fn darken(&mut self, from: f64, to: f64, strength: f64) {
        let ramp = 0.16 * self.height;
        let ease = |t: f64| {
            let t = t.clamp(0.0, 1.0);
            t * t * (3.0 - 2.0 * t)
        };
        let rows = self.base.height;
        self.shade.resize(rows, 0);
        for (row, shade) in self.shade.iter_mut().enumerate() {
            let y = row as f64 + 0.5;
            let down = if from <= 0.0 { 1.0 } else { ease((y - from + ramp) / ramp) };
            let up = if to >= rows as f64 { 1.0 } else { ease((to + ramp - y) / ramp) };
            let keep = (1.0 - f64::from(*shade) / 255.0) * (1.0 - strength * down.min(up));
            *shade = (255.0 * (1.0 - keep)).round() as u8;
        }
    }

    /// Least strength of a shade under a caption: a field all but goes where texts are, since its shapes are
    /// as large as letters.
    pub(super) fn least_shade(&self, over_picture: f64) -> f64 {
        if self.bare { 0.88 } else { over_picture }
    }

    /// Darkens the picture under brand and label, where there are any.
    fn shade_header_over_picture(&mut self) -> Result<(), Error> {
        if self.header.is_empty() || self.product_beside {
            return Ok(());
        }
        let ramp = 0.03 * self.height;
        let (brightest, _) = self.brightest_between(-ramp, self.content_top + ramp)?;
        let needed = self.shade_needed(brightest).max(0.12);
        let strength = self.header_shade(needed);
        self.darken(0.0, self.content_top, strength);
        Ok(())
    }

    /// Darkens the foot of the picture under the small print, where there is some.
    fn shade_foot(&mut self, floor: f64) -> Result<(), Error> {
        if self.input.shot.disclaimer.trim().is_empty() {
            Ok(())
        } else {
            self.shade_between(floor, self.height, 0.3)
        }
    }

    /// The caption at the top, over a gradient.
    pub(super) fn headline(&mut self) -> Result<(), Error> {
        self.whole_picture([0.53, 0.86])?;
        let floor = self.disclaimer(WHITE, 0.0, true)?;
        self.shade_foot(floor)?;
        let ground = Color { r: GROUND as u8, g: GROUND as u8, b: GROUND as u8 };
        let accent = readable_tint(self.input.board.palette.accent, ground);
        let flat = self.width > self.height * SQUARE;
        let share = if self.product_beside {
            0.66
        } else if flat {
            0.44
        } else {
            0.34
        };
        let texts = self.stack(WHITE, accent, 0.0, self.height * share, 104.0)?;
        let top = if self.product_beside {
            self.content_top + (floor - self.content_top - texts.height).max(0.0) * 0.4
        } else {
            self.content_top
        };
        let below = self.put_stack(&texts, top, 0.0);
        self.shade_between(0.0, below + 18.0 * self.unit, self.least_shade(0.34))?;
        self.put_header();
        Ok(())
    }

    /// Every line of the caption on a plate of its own.
    pub(super) fn plates(&mut self) -> Result<(), Error> {
        let foot = self.disclaimer(WHITE, 0.0, true)?;
        let mut floor = foot - 26.0 * self.unit;
        let (plate, second) = self.bands();
        let ink = ink_on(plate);
        let pad = 20.0 * self.unit;
        let shot = self.input.shot;
        let mut style = self.detail_style(ink_on(second), None, 0.0, self.height * 0.14, false);
        style.width = self.safe_width() - 2.0 * pad;
        style.sizes[0] = 40.0 * self.unit;
        let detail = self.set(&shot.detail, "detail", &style)?;
        let accent = readable_tint(second, plate);
        let share = if self.product_beside { 0.44 } else { 0.26 };
        let mut style = self.caption_style(ink, accent, 0.0, self.height * share, 76.0 * self.type_scale());
        style.width = self.safe_width() - 2.0 * pad;
        style.shadow = 0.0;
        let caption = self.set(&shot.caption, "caption", &style)?;
        let high = |block: &Option<Block>| block.as_ref().map_or(0.0, |block| block.height);
        self.picture_between(self.content_top, floor - high(&detail) - high(&caption) - 22.0 * self.unit)?;
        self.shade_foot(foot)?;
        if let Some(block) = &detail {
            floor -= block.height;
            let come = self.detail_come();
            self.put_plated(TextKind::Detail, block, [self.left + pad, floor], come, second);
            floor -= 22.0 * self.unit;
        }
        if let Some(block) = &caption {
            floor -= block.height;
            let mut come = self.caption_come([self.left + block.width / 2.0, floor + block.height / 2.0]);
            // A plate and its line come together.
            come.words = false;
            self.put_plated(TextKind::Caption, block, [self.left + pad, floor], come, plate);
        }
        self.shade_header_over_picture()?;
        self.put_header();
        Ok(())
    }

    /// The color that texts over the picture stand on, and the one that goes with it: ground and accent, or
    /// the other way round over a field and over a dark style's wall, which have the ground's color
    /// themselves.
    fn bands(&self) -> (Color, Color) {
        let (ground, accent) = (self.ground(), readable_ground(self.accent()));
        let dark_wall = self.style() == VisualStyle::Premium && self.product().is_some();
        if self.bare || dark_wall { (accent, ground) } else { (ground, accent) }
    }

    /// The color of a tag or a star over the picture: the accent, or the ground's color where a field has the
    /// accent's.
    fn sticker(&self) -> Color {
        let (ground, accent) = (self.ground(), readable_ground(self.accent()));
        let field = super::field::dark_pair(self.input.board.palette).0;
        if self.bare && ground.contrast(field) > accent.contrast(field) { ground } else { accent }
    }

    /// A block of text, every line over a plate as wide as the line.
    fn put_plated(&mut self, kind: TextKind, block: &Block, [x, y]: [f64; 2], come: Come, plate: Color) {
        let lines = block.lines.len().max(1) as f64;
        let high = block.height / lines;
        let pad = 20.0 * self.unit;
        let radius = self.corner().min(high * 0.42);
        for (idx, line) in block.lines.iter().enumerate() {
            let left = x + line.x as f64 + line.ink[0] as f64 - pad;
            let wide = line.ink[2] as f64 + 2.0 * pad;
            let layer = pixels::pill(wide.ceil() as usize, (high + 2.0).ceil() as usize, radius, plate, 1.0);
            self.sprites.push(Sprite {
                layer,
                x: left.round() as i64,
                y: (y + high * idx as f64 - 1.0).round() as i64,
                entrance: come.entrance,
                start: self.pace(come.start + come.stagger * idx as f64),
                length: self.pace(super::ENTRANCE),
                pulse: None,
                span: None,
                drift: None,
            });
        }
        let from = self.boxes.len();
        self.put(kind, block, [x, y], come);
        for text in &mut self.boxes[from..] {
            text.plated = true;
        }
    }

    /// The caption on a band of color across the picture.
    pub(super) fn ribbon(&mut self) -> Result<(), Error> {
        let floor = self.disclaimer(WHITE, 0.0, true)?;
        let (band, second) = self.bands();
        let ink = ink_on(band);
        let accent = readable_tint(second, band);
        let share = if self.product_beside { 0.52 } else { 0.32 };
        let texts = self.stack(ink, accent, self.alignment(), self.height * share, 92.0)?;
        let pad = 28.0 * self.unit;
        let high = texts.height + 2.0 * pad;
        // Beside a product it ends before it, in a swallow's tail.
        let (wide, deep) = if self.product_beside {
            (self.right + pad + high * 0.16, high * 0.16)
        } else {
            (self.width, 0.0)
        };
        let room = (floor - high - self.content_top).max(0.0);
        let top = if self.product_beside {
            self.content_top + room * 0.56
        } else {
            (floor - high - self.height * 0.04).max(self.content_top)
        };
        self.picture_between(self.content_top, top)?;
        self.shade_foot(floor)?;
        let tail = |x: f64, y: f64, high: f64| {
            let inward = deep * (1.0 - (2.0 * y / high - 1.0).abs());
            (x - (wide - inward)) * if deep > 0.0 { 0.94 } else { 1.0 }
        };
        let stripe = (8.0 * self.unit).max(2.0);
        let layer = shapes::filled([wide, high], band, 1.0, |x, y| tail(x, y, high));
        self.slide_in(layer, [0.0, top]);
        let layer = pixels::pill((wide - deep * 0.5) as usize, stripe as usize, 0.0, second, 1.0);
        self.slide_in(layer, [0.0, top - stripe]);
        self.put_stack(&texts, top + pad, 0.0);
        self.shade_header_over_picture()?;
        self.put_header();
        Ok(())
    }

    /// A column of color that grows out of the left side, the caption in it.
    pub(super) fn side_band(&mut self) -> Result<(), Error> {
        let floor = self.disclaimer(WHITE, 0.0, true)?;
        let (band, second) = self.bands();
        let ink = ink_on(band);
        let accent = readable_tint(second, band);
        let width = self.safe_width() * if self.product_beside { 0.94 } else { 0.78 };
        let texts = self.stack_within(ink, accent, 0.0, [width, self.height * 0.40], 88.0)?;
        let pad = 34.0 * self.unit;
        let high = texts.height + 2.0 * pad;
        let top = (floor - high).max(self.content_top);
        self.picture_between(self.content_top, top)?;
        self.shade_foot(floor)?;
        let wide = self.left + width + pad;
        let layer = pixels::pill(wide as usize, high as usize, 0.0, band, 1.0);
        self.slide_in(layer, [0.0, top]);
        let edge = pixels::pill((10.0 * self.unit).max(2.0) as usize, high as usize, 0.0, second, 1.0);
        self.slide_in(edge, [wide, top]);
        self.put_stack(&texts, top + pad, 0.0);
        self.shade_header_over_picture()?;
        self.put_header();
        Ok(())
    }

    /// A layer that widens from its left edge before the text on it comes in.
    fn slide_in(&mut self, layer: crate::pixels::Raster, [x, y]: [f64; 2]) {
        self.sprites.push(Sprite {
            layer,
            x: x.round() as i64,
            y: y.round() as i64,
            entrance: Entrance::Widen,
            // Text never stands on what is not there yet.
            start: self.pace(if self.opens() { -1.0 } else { -0.34 }),
            length: self.pace(0.4),
            pulse: None,
            span: None,
            drift: None,
        });
    }

    /// The caption as a message, the detail as its answer, over the picture.
    pub(super) fn bubble(&mut self) -> Result<(), Error> {
        if self.bare {
            return self.conversation();
        }
        self.blurred_base()?;
        let floor = self.disclaimer(WHITE, 0.0, true)?;
        let (u, room) = (self.unit, floor - self.content_top);
        let shot = self.input.shot;
        let pad = [34.0 * u, 24.0 * u];
        let most = self.safe_width() * 0.88 - 2.0 * pad[0];
        let ink = Color { r: 22, g: 24, b: 29 };
        let mut style = self.caption_style(ink, None, 0.0, room * 0.28, 74.0);
        (style.width, style.shadow) = (most, 0.0);
        let caption = self.set(&shot.caption, "caption", &style)?;
        let answer = readable_ground(self.input.board.palette.accent);
        let mut style = self.detail_style(ink_on(answer), None, 0.0, room * 0.18, false);
        style.width = most;
        let detail = self.set(&shot.detail, "detail", &style)?;
        let mut y = self.content_top + 10.0 * u;
        if let Some(block) = &caption {
            let come = self.caption_come([self.left + block.width / 2.0, y + block.height / 2.0]);
            y = self.say(TextKind::Caption, block, [self.left, y], pad, WHITE, (0.16, come));
        }
        if let Some(block) = &detail {
            let come = self.detail_come();
            let left = self.right - block.width - 2.0 * pad[0];
            y = self.say(TextKind::Detail, block, [left, y], pad, answer, (0.84, come));
        }
        let top = y + 10.0 * u;
        let rect = [self.left, top, self.safe_width(), self.bleed(floor) - top].map(f64::round);
        let (radius, [_, _, wide, high]) = (self.corner().max(18.0 * u), rect);
        let runs_out = self.bleed(floor) >= self.height;
        self.open_shape(rect, |px, py| {
            let foot = if runs_out { radius } else { 0.0 };
            pixels::rounded_distance(px, py, [0.0, 0.0, wide, high + foot], radius)
        })?;
        self.put_header();
        Ok(())
    }

    /// One message; returns where the next begins.
    pub(super) fn say(
        &mut self,
        kind: TextKind,
        block: &Block,
        [x, y]: [f64; 2],
        pad: [f64; 2],
        color: Color,
        (tail, mut come): (f64, Come),
    ) -> f64 {
        let rect = [0.0, 0.0, block.width + 2.0 * pad[0], block.height + 2.0 * pad[1]];
        let (radius, length) = (26.0 * self.unit, 20.0 * self.unit);
        let layer = shapes::filled([rect[2], rect[3] + length], color, 1.0, |px, py| {
            shapes::bubble(px, py, rect, radius, tail, length)
        });
        // A message comes as a whole.
        (come.stagger, come.words) = (0.0, false);
        self.sprites.push(Sprite {
            layer,
            x: x.round() as i64,
            y: y.round() as i64,
            entrance: come.entrance,
            start: self.pace(come.start),
            length: self.pace(super::ENTRANCE),
            pulse: None,
            span: None,
            drift: None,
        });
        self.put(kind, block, [x + pad[0], y + pad[1]], come);
        y + rect[3] + length + 14.0 * self.unit
    }

    /// The caption on a price tag over the picture.
    pub(super) fn price_tag(&mut self) -> Result<(), Error> {
        let floor = self.disclaimer(WHITE, 0.0, true)?;
        let u = self.unit;
        let color = self.sticker();
        let ink = ink_on(color);
        let (pad, point) = ([38.0 * u, 28.0 * u], 74.0 * u);
        // In a wide frame a tag from side to side would be a bar.
        let tag = self.safe_width().min(780.0 * u);
        let width = tag - 2.0 * pad[0] - point;
        let hero = self.amount(ink, 0.0, [width, self.height * 0.16]);
        let hero_height = hero.as_ref().map_or(0.0, |block| block.height);
        let largest = if hero.is_some() { 62.0 } else { 96.0 };
        let texts = self.stack_within(ink, None, 0.0, [width, self.height * 0.26], largest)?;
        let high = hero_height + texts.height + 2.0 * pad[1];
        let top = (floor - high - 20.0 * u).max(self.content_top);
        self.picture_between(self.content_top, top)?;
        self.shade_foot(floor)?;
        let rect: Rect = [self.left, top, tag, high].map(f64::round);
        let middle = rect[3] / 2.0;
        let hole = [point * 0.62, middle];
        let layer = shapes::filled([rect[2], rect[3]], color, 1.0, |x, y| {
            let body = pixels::rounded_distance(x, y, [0.0, 0.0, rect[2], rect[3]], 22.0 * u);
            // The left side runs out into a point at half the height.
            let slope = ((y - middle).abs() / middle * point - x) * 0.72;
            body.max(slope).max(12.0 * u - (x - hole[0]).hypot(y - hole[1]))
        });
        self.still(layer, rect[0], rect[1]);
        let indent = point + pad[0] * 0.4;
        if let Some(block) = &hero {
            self.put_ornament(block, [self.left + indent, rect[1] + pad[1]]);
        }
        self.put_stack(&texts, rect[1] + pad[1] + hero_height, indent);
        self.shade_header_over_picture()?;
        self.put_header();
        Ok(())
    }

    /// The caption's first figure in a starburst over the picture, the caption below.
    pub(super) fn starburst(&mut self) -> Result<(), Error> {
        let Some(figure) = self.telling_figure().filter(|figure| is_amount(figure)) else {
            return self.plates();
        };
        let floor = self.disclaimer(WHITE, 0.0, true)?;
        let u = self.unit;
        let color = self.sticker();
        let radius = (self.width.min(self.height) * 0.19).round();
        let mut style = self.caption_style(ink_on(color), None, 0.5, radius * 1.1, 120.0);
        (style.width, style.max_lines, style.shadow) = (radius * 1.5, 1, 0.0);
        let Ok(Some(block)) = self.set(&figure, "caption", &style) else { return self.plates() };
        let ground = Color { r: GROUND as u8, g: GROUND as u8, b: GROUND as u8 };
        let accent = readable_tint(self.input.board.palette.accent, ground);
        let texts = self.stack(WHITE, accent, 0.0, self.height * 0.32, 92.0)?;
        let top = floor - texts.height;
        // The star lies over the picture's upper corner; a product begins below its middle.
        let below_star = if self.product_beside { 0.0 } else { radius * 1.2 };
        self.picture_between(self.content_top + below_star, top)?;
        self.shade_foot(floor)?;
        self.put_stack(&texts, top, 0.0);
        self.shade_between(top - 10.0 * u, self.height, self.least_shade(0.3))?;
        let x = if self.product_beside { self.left + radius } else { self.right - radius };
        let center = [x, self.content_top + radius + 10.0 * u];
        let line = (2.0 * u).max(1.0);
        let layer = shapes::shaded([radius * 2.0, radius * 2.0], |x, y| {
            let cover = (0.5 - shapes::burst(x, y, [radius, radius], radius, 18.0)).clamp(0.0, 1.0);
            let ring = shapes::ring(x, y, [radius, radius], radius * 0.82, line);
            (pixels::mix(color, ink_on(color), (0.5 - ring).clamp(0.0, 1.0) * 0.8), cover)
        });
        let from = self.sprites.len();
        self.still(layer, center[0] - radius, center[1] - radius);
        self.put_ornament(&block, [center[0] - style.width / 2.0, center[1] - block.height / 2.0]);
        let (start, length) = (self.pace(if self.opens() { -0.4 } else { 0.25 }), self.pace(super::ENTRANCE));
        for sprite in &mut self.sprites[from..] {
            sprite.entrance = Entrance::Grow(center);
            (sprite.start, sprite.length) = (start, length);
            sprite.pulse = Some((0.04, center));
        }
        self.shade_header_over_picture()?;
        self.put_header();
        Ok(())
    }
}
