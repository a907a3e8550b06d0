//! What stands in a picture's place where a shot has none: a conversation, a screen, a street map, a list.
//!
//! Nothing in them says more than the shot's own texts: what else is drawn are plain shapes.

use spotwright_schemas::storyboard::Color;

use super::field::Around;
use super::{BLACK, Come, Rect, Stage, WHITE, shapes};
use crate::error::Error;
use crate::pixels::{self, Raster};
use crate::scene::{Entrance, Moving, Sprite, TextKind, Window, ink_on, readable_ground, readable_tint};
use crate::text::Block;

/// Text on light panels.
const INK: Color = Color { r: 22, g: 24, b: 29 };

impl Stage<'_> {
    /// What panels are tinted with: the style's ground, or the accent where the ground is light itself.
    fn tint(&self) -> Color {
        let (ground, accent) = (self.ground(), self.accent());
        if WHITE.contrast(ground) < 2.2 && WHITE.contrast(accent) > WHITE.contrast(ground) {
            accent
        } else {
            ground
        }
    }

    /// A light tint that dark text stands on.
    fn paper(&self) -> Color {
        pixels::mix(self.tint(), WHITE, 0.91)
    }

    /// The caption as a message and the detail as its answer, in the window of a conversation.
    pub(super) fn conversation(&mut self) -> Result<(), Error> {
        let ground = self.moving_ground();
        let floor = self.disclaimer(pixels::mix(ink_on(ground), ground, 0.14), 0.0, false)?;
        let u = self.unit;
        let shot = self.input.shot;
        let pad = [32.0 * u, 22.0 * u];
        let inset = 30.0 * u;
        let wide = self.safe_width().min(760.0 * u);
        let left = self.left + (self.safe_width() - wide) / 2.0;
        let most = wide - 2.0 * inset - 2.0 * pad[0] - 40.0 * u;
        let (bar, foot, gap) = (96.0 * u, 104.0 * u, 26.0 * u);
        let room = floor - self.content_top - bar - foot - 4.0 * gap;
        let bubble = pixels::mix(self.tint(), WHITE, 0.80);
        let mut style = self.caption_style(INK, None, 0.0, room * 0.56, 82.0);
        (style.width, style.shadow, style.serif) = (most, 0.0, false);
        let caption = self.set(&shot.caption, "caption", &style)?;
        let answer = readable_ground(self.accent());
        let mut style = self.detail_style(ink_on(answer), None, 0.0, room * 0.30, false);
        (style.width, style.sizes[0]) = (most, 50.0 * u);
        let detail = self.set(&shot.detail, "detail", &style)?;
        let tall =
            |block: &Option<Block>| block.as_ref().map_or(0.0, |block| block.height + 2.0 * pad[1] + gap);
        let typing = 78.0 * u;
        let messages = tall(&caption) + tall(&detail) + typing;
        let high = (bar + foot + messages + 2.0 * gap).max((floor - self.content_top) * 0.72);
        let top = self.content_top + (floor - self.content_top - high).max(0.0) * 0.4;
        let high = high.min(floor - top);
        self.panel([left, top, wide, high], [bar, foot]);
        let mut y = top + bar + gap + (high - bar - foot - messages - gap).max(0.0) * 0.3;
        if let Some(block) = &caption {
            let come = self.caption_come([left + inset + block.width / 2.0, y + block.height / 2.0]);
            self.say(TextKind::Caption, block, [left + inset, y], pad, bubble, (0.14, come));
            y += block.height + 2.0 * pad[1] + gap;
        }
        if let Some(block) = &detail {
            let come = self.detail_come();
            let x = left + wide - inset - block.width - 2.0 * pad[0];
            self.say(TextKind::Detail, block, [x, y], pad, answer, (0.86, come));
            y += block.height + 2.0 * pad[1] + gap;
        }
        // Nobody writes where there is no room for it.
        if y + typing <= top + high - foot {
            self.typing([left + inset, y], bubble);
        }
        self.put_header();
        Ok(())
    }

    /// The window of a conversation: a bar with a face and a name, and where one would write.
    fn panel(&mut self, rect: Rect, [bar, foot]: [f64; 2]) {
        let u = self.unit;
        let [x, y, wide, high] = rect.map(f64::round);
        let (paper, radius) = (self.paper(), self.corner().clamp(14.0 * u, 44.0 * u));
        let shape = |px: f64, py: f64| pixels::rounded_distance(px, py, [0.0, 0.0, wide, high], radius);
        let strip = pixels::mix(paper, self.tint(), 0.10);
        let line = pixels::mix(paper, self.tint(), 0.24);
        let layer = shapes::shaded([wide, high], |px, py| {
            let color = if py < bar || py > high - foot { strip } else { paper };
            let color = if (py - bar).abs() < u || (py - high + foot).abs() < u { line } else { color };
            (color, (0.5 - shape(px, py)).clamp(0.0, 1.0))
        });
        self.still(layer, x, y);
        let face = 58.0 * u;
        let accent = readable_ground(self.accent());
        let center = [x + 30.0 * u + face / 2.0, y + bar / 2.0];
        self.disk_at(center, face, accent);
        let initial: String = self.input.shot.brand.chars().take(1).collect();
        let mut style = self.caption_style(ink_on(accent), None, 0.5, face, 34.0);
        (style.width, style.max_lines, style.shadow, style.serif) = (face, 1, 0.0, false);
        style.sizes[1] = 8.0 * u;
        if let Ok(Some(block)) = self.set(&initial, "brand", &style) {
            self.put_ornament(&block, [center[0] - face / 2.0, center[1] - block.height / 2.0]);
        }
        let mut style = self.caption_style(INK, None, 0.0, bar * 0.7, 32.0);
        (style.width, style.max_lines, style.shadow, style.serif) = (wide - face - 120.0 * u, 1, 0.0, false);
        style.sizes[1] = 10.0 * u;
        if let Ok(Some(block)) = self.set(&self.input.shot.brand, "brand", &style) {
            self.put_ornament(&block, [center[0] + face / 2.0 + 20.0 * u, center[1] - block.height / 2.0]);
        }
        let field = [wide - 150.0 * u, foot - 40.0 * u];
        let layer = pixels::pill(field[0] as usize, field[1] as usize, field[1] / 2.0, WHITE, 1.0);
        self.still(layer, x + 30.0 * u, y + high - foot + 20.0 * u);
        self.disk_at([x + wide - 30.0 * u - field[1] / 2.0, y + high - foot / 2.0], field[1], accent);
    }

    fn disk_at(&mut self, center: [f64; 2], size: f64, color: Color) {
        let layer = shapes::filled([size, size], color, 1.0, |px, py| {
            (px - size / 2.0).hypot(py - size / 2.0) - size / 2.0
        });
        self.still(layer, center[0] - size / 2.0, center[1] - size / 2.0);
    }

    /// Three dots of somebody who writes, which come one after the other.
    fn typing(&mut self, [x, y]: [f64; 2], bubble: Color) {
        let u = self.unit;
        let (wide, high) = (116.0 * u, 56.0 * u);
        let start = self.detail_start() + 0.5;
        let dot = pixels::mix(bubble, INK, 0.42);
        let from = self.sprites.len();
        let layer = pixels::pill(wide as usize, high as usize, high / 2.0, bubble, 1.0);
        self.still(layer, x, y);
        for idx in 0..3 {
            self.disk_at([x + wide / 2.0 + (f64::from(idx) - 1.0) * 28.0 * u, y + high / 2.0], 15.0 * u, dot);
        }
        for (idx, sprite) in self.sprites[from..].iter_mut().enumerate() {
            sprite.entrance = Entrance::Rise(16.0 * u);
            sprite.start = start + 0.18 * idx as f64;
            sprite.length = 0.3;
        }
    }

    /// The screen of a phone that scrolls through a page of plain parts in the brand's colors.
    pub(super) fn screen(&self, [width, height]: [usize; 2]) -> Raster {
        let (w, h) = (width as f64, height as f64);
        let ground = self.ground();
        let paper = self.paper();
        let mut page = Raster::filled(width, height, [paper.r, paper.g, paper.b, 255]);
        let (edge, bar) = (w * 0.06, w * 0.24);
        let lay = |page: &mut Raster, [x, y, wide, high]: Rect, radius: f64, color: Color| {
            let layer = pixels::pill(wide.max(2.0) as usize, high.max(2.0) as usize, radius, color, 1.0);
            pixels::blend(page, &layer, x.round() as i64, y.round(), 1.0);
        };
        lay(&mut page, [0.0, 0.0, w, bar], 0.0, ground);
        let mut style = self.caption_style(ink_on(ground), None, 0.0, bar * 0.6, 36.0);
        (style.width, style.max_lines, style.shadow) = (w * 0.7, 1, 0.0);
        style.sizes[1] = 8.0 * self.unit;
        if let Ok(Some(block)) = self.set(&self.input.shot.brand, "brand", &style) {
            let y = bar * 0.62 - block.height / 2.0;
            for line in &block.lines {
                pixels::blend(&mut page, &line.layer, edge as i64 + line.x, y + line.y as f64, 1.0);
            }
        }
        let radius = w * 0.045;
        let hero = [(w - 2.0 * edge) as usize, (w * 0.62) as usize];
        let art = self.field_source(hero, Around::Nothing);
        let mask = pixels::rounded_mask(hero[0], hero[1], radius);
        if (bar + edge) as usize + hero[1] < height {
            pixels::paste_masked(&mut page, &art, &mask, edge as usize, (bar + edge) as usize);
        }
        let (accent, gray) = (readable_ground(self.accent()), pixels::mix(paper, self.tint(), 0.22));
        let mut y = bar + edge * 2.0 + hero[1] as f64;
        let card = w * 0.25;
        let mut idx = 0;
        while y + card < h {
            lay(&mut page, [edge, y, w - 2.0 * edge, card], radius, WHITE);
            let side = card * 0.56;
            let color = if idx % 2 == 0 { accent } else { ground };
            lay(&mut page, [edge * 1.9, y + (card - side) / 2.0, side, side], radius * 0.8, color);
            let x = edge * 2.8 + side;
            let long = (w - x - edge * 2.0) * [0.86, 0.62, 0.74][idx % 3];
            lay(&mut page, [x, y + card * 0.28, long, card * 0.15], card * 0.07, gray);
            lay(&mut page, [x, y + card * 0.56, long * 0.6, card * 0.12], card * 0.06, gray);
            y += card + edge * 0.7;
            idx += 1;
        }
        page
    }

    /// Opens a window over a page that is higher than it: the camera scrolls.
    pub(super) fn scroll(&mut self, rect: Rect, mask: Option<Vec<u8>>) {
        const LONGER: f64 = 1.35;
        let (x, y) = (rect[0].round().max(0.0) as usize, rect[1].round().max(0.0) as usize);
        let width = (rect[2].round() as usize).clamp(2, self.base.width.saturating_sub(x).max(2));
        let height = (rect[3].round() as usize).clamp(2, self.base.height.saturating_sub(y).max(2));
        let mask = mask.filter(|mask| mask.len() == width * height);
        let long = (height as f64 * LONGER).ceil();
        let source = self.screen([width, long as usize]);
        let (w, h) = (width as f64, height as f64);
        let path = [[0.0, 0.0, w, h], [0.0, long - h, w, h]];
        self.window = Some(Window { x, y, width, height, moving: Moving::Camera { source, path }, mask });
    }

    /// Streets, blocks, a park and a river from above; nobody's town.
    pub(super) fn town(&self, size: [usize; 2]) -> Raster {
        let (w, h) = (size[0] as f64, size[1] as f64);
        let short = w.min(h);
        let ground = self.tint();
        let paper = pixels::mix(ground, WHITE, 0.84);
        let blocks = [pixels::mix(ground, WHITE, 0.74), pixels::mix(ground, WHITE, 0.79)];
        let park = pixels::mix(self.accent(), WHITE, 0.58);
        let river = pixels::mix(ground, WHITE, 0.52);
        let seed = self.seed();
        let turn = 0.30 + (seed % 5) as f64 * 0.06;
        let (cell, street) = ([short * 0.24, short * 0.17], short * 0.020);
        let mut town = Raster::filled(size[0], size[1], [paper.r, paper.g, paper.b, 255]);
        for (row, line) in town.rows_mut().enumerate() {
            for (column, pixel) in line.chunks_exact_mut(4).enumerate() {
                let (x, y) = (column as f64 + 0.5 - w / 2.0, row as f64 + 0.5 - h / 2.0);
                let (u, v) = (x * turn.cos() + y * turn.sin(), y * turn.cos() - x * turn.sin());
                let (i, j) = ((u / cell[0]).floor(), (v / cell[1]).floor());
                let inside = [u - i * cell[0], v - j * cell[1]];
                let kind = (i * 7.0 + j * 13.0 + (seed % 17) as f64).rem_euclid(9.0) as usize;
                let fill = if kind == 0 { park } else { blocks[kind % 2] };
                let edge = pixels::rounded_distance(
                    inside[0],
                    inside[1],
                    [street, street, cell[0] - 2.0 * street, cell[1] - 2.0 * street],
                    short * 0.012,
                );
                let mut color = pixels::mix(paper, fill, (0.5 - edge).clamp(0.0, 1.0));
                // Two wide streets, and a river that winds.
                let wide = (u - cell[0] * 1.5).abs().min((v + cell[1] * 1.5).abs()) - street * 1.9;
                color = pixels::mix(color, WHITE, (0.5 - wide).clamp(0.0, 1.0));
                let bank = (v - h * 0.30 - (u / short * 3.0).sin() * short * 0.09).abs() - short * 0.065;
                color = pixels::mix(color, river, (0.5 - bank).clamp(0.0, 1.0));
                pixel.copy_from_slice(&[color.r, color.g, color.b, 255]);
            }
        }
        town
    }

    /// The caption as an address under a street map, a pin in its middle.
    pub(super) fn map(&mut self) -> Result<(), Error> {
        const LARGER: f64 = 1.18;
        let ground = self.brand_base();
        let ink = ink_on(ground);
        let accent = readable_tint(self.accent(), ground);
        let align = if self.wide() { 0.0 } else { self.alignment() };
        let floor = self.disclaimer(pixels::mix(ink, ground, 0.14), align, false)?;
        let (u, room) = (self.unit, floor - self.content_top);
        let rect = if self.wide() {
            let texts = self.stack(ink, accent, 0.0, room * 0.94, 92.0)?;
            self.put_stack(&texts, self.content_top + (room - texts.height) * 0.46, 0.0);
            self.beside()
        } else {
            let texts = self.stack(ink, accent, align, room * 0.42, 92.0)?;
            let top = floor - texts.height - 16.0 * u;
            self.put_stack(&texts, top, 0.0);
            [0.0, self.content_top, self.width, top - 44.0 * u - self.content_top]
        };
        let rect = rect.map(f64::round);
        let (x, y) = (rect[0] as usize, rect[1] as usize);
        let width = (rect[2] as usize).clamp(2, self.base.width.saturating_sub(x).max(2));
        let height = (rect[3] as usize).clamp(2, self.base.height.saturating_sub(y).max(2));
        let large = [width, height].map(|side| (side as f64 * LARGER).ceil() as usize);
        let source = self.town(large);
        let (w, h) = (large[0] as f64, large[1] as f64);
        let near = [(w - width as f64) / 2.0, (h - height as f64) / 2.0, width as f64, height as f64];
        let moving = Moving::Camera { source, path: [[0.0, 0.0, w, h], near] };
        self.window = Some(Window { x, y, width, height, moving, mask: None });
        self.pin(
            [rect[0] + rect[2] / 2.0, rect[1] + rect[3] * 0.60],
            (rect[2].min(rect[3]) * 0.15).min(90.0 * u),
        );
        self.put_header();
        Ok(())
    }

    /// A pin whose point stands at a place.
    fn pin(&mut self, [x, y]: [f64; 2], radius: f64) {
        let length = radius * 0.72;
        let color = readable_ground(self.accent());
        let shadow = [radius * 0.6, radius * 0.16];
        let layer = shapes::filled([shadow[0] * 2.0, shadow[1] * 2.0], BLACK, 0.30, |px, py| {
            (((px - shadow[0]) / shadow[0]).hypot((py - shadow[1]) / shadow[1]) - 1.0) * shadow[1]
        });
        self.still(layer, x - shadow[0], y - shadow[1]);
        let layer = shapes::shaded([radius * 2.0, radius * 2.0 + length + 2.0], |px, py| {
            let cover = (0.5 - shapes::pin(px, py, [radius, radius], radius, length)).clamp(0.0, 1.0);
            let hole = (0.5 - ((px - radius).hypot(py - radius) - radius * 0.40)).clamp(0.0, 1.0);
            (pixels::mix(color, WHITE, hole), cover)
        });
        let start = self.pace(if self.opens() { -0.4 } else { 0.1 });
        self.sprites.push(Sprite {
            layer,
            x: (x - radius).round() as i64,
            y: (y - 2.0 * radius - length).round() as i64,
            entrance: Entrance::Rise(-120.0 * self.unit),
            start,
            length: self.pace(0.5),
            pulse: Some((0.05, [x, y])),
            span: None,
            drift: None,
        });
    }

    /// The caption above, every point on a card of its own; the cards fill the frame.
    pub(super) fn list(&mut self, points: &[String]) -> Result<(), Error> {
        let ground = self.moving_ground();
        let ink = ink_on(ground);
        let accent = readable_tint(self.accent(), ground);
        let floor = self.disclaimer(pixels::mix(ink, ground, 0.14), 0.0, false)?;
        let (u, room) = (self.unit, floor - self.content_top);
        let shot = self.input.shot;
        let mut style = self.caption_style(ink, accent, 0.0, room * 0.34, 100.0 * self.type_scale());
        style.shadow = 0.0;
        let caption = self.set(&shot.caption, "caption", &style)?;
        let (pad, gap, tick) = (26.0 * u, 18.0 * u, 58.0 * u);
        let indent = pad + tick + 24.0 * u;
        let card = self.paper();
        let heading = caption.as_ref().map_or(0.0, |block| block.height + 40.0 * u) + 36.0 * u;
        let count = points.len().max(1) as f64;
        let each = ((room - heading) / count - gap).max(40.0 * u);
        let mut blocks = Vec::with_capacity(points.len());
        for point in points {
            let mut style = self.detail_style(INK, None, 0.0, (each - 2.0 * pad).max(each * 0.86), false);
            (style.width, style.bold, style.max_lines) = (self.safe_width() - indent - pad, true, 3);
            style.sizes[0] = 50.0 * u;
            blocks.push(self.set(point, "detail", &style)?);
        }
        // Cards of one height, which the largest text asks for.
        let largest = blocks.iter().flatten().map(|block| block.height).fold(tick, f64::max);
        let high = (largest + 2.0 * pad).max(each * 0.72).min(each.max(largest));
        let used = heading + count * (high + gap) - gap;
        let mut y = self.content_top + ((room - used) * 0.42).max(0.0);
        self.bar(self.left, y, 112.0 * u, 0.0);
        y += 36.0 * u;
        if let Some(block) = &caption {
            let come = self.caption_come([self.left + block.width / 2.0, y + block.height / 2.0]);
            self.put(TextKind::Caption, block, [self.left, y], come);
            y += block.height + 40.0 * u;
        }
        let (wide, radius) = (self.safe_width(), self.corner().min(high / 2.0));
        for (idx, block) in blocks.iter().enumerate() {
            let Some(block) = block else { continue };
            let mut come = self.detail_come();
            come.start += 0.2 * idx as f64;
            let layer = pixels::pill(wide as usize, high as usize, radius, card, 1.0);
            self.coming(layer, [self.left, y], come);
            let disk = self.tick(tick);
            self.coming(disk, [self.left + pad, y + (high - tick) / 2.0], come);
            let from = self.boxes.len();
            self.put(TextKind::Detail, block, [self.left + indent, y + (high - block.height) / 2.0], come);
            for text in &mut self.boxes[from..] {
                text.plated = true;
            }
            y += high + gap;
        }
        self.put_header();
        Ok(())
    }

    /// A layer that comes in with a text.
    fn coming(&mut self, layer: Raster, [x, y]: [f64; 2], come: Come) {
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
    }
}
