//! Layouts of type alone, on a ground that moves.

use spotwright_schemas::storyboard::Color;

use super::field::Around;
use super::{Stage, shapes};
use crate::error::Error;
use crate::pixels::{self, Raster};
use crate::scene::{Entrance, Moving, Sprite, TextKind, Window, ink_on, readable_tint};
use crate::text::Block;

/// Share of an upright frame's height, and of a flat frame's width, that type has beside a field.
const TYPE: f64 = 0.74;
const BESIDE: f64 = 0.62;
/// Height of a gauge with its air, in units.
const GAUGE: f64 = 34.0;

/// Most points of a list.
const POINTS: usize = 4;

impl Stage<'_> {
    /// The caption alone, as large as it gets, over a field of shapes that runs out of the frame.
    pub(super) fn statement(&mut self) -> Result<(), Error> {
        self.type_over_field(None)
    }

    /// The caption's first figure as large as it gets, the caption below.
    pub(super) fn number(&mut self) -> Result<(), Error> {
        let figure = self.telling_figure();
        self.type_over_field(figure.as_deref())
    }

    /// Type on the style's ground: a figure where there is one, caption and detail; what they leave of the frame is
    /// a field, below them or, in flat frames, beside them.
    fn type_over_field(&mut self, figure: Option<&str>) -> Result<(), Error> {
        let ground = self.brand_base();
        let ink = ink_on(ground);
        let accent = readable_tint(self.accent(), ground);
        let flat = self.height < self.width * 1.1;
        let align = if flat { 0.0 } else { self.alignment() };
        let right = self.right;
        if flat {
            self.right = (self.left + self.safe_width() * BESIDE).floor();
        }
        let floor = self.disclaimer(pixels::mix(ink, ground, 0.14), align, false)?;
        let room = floor - self.content_top;
        let texts_room = if flat { room } else { room * TYPE };
        let gap = 26.0 * self.unit;
        let hero = match figure {
            Some(figure) => {
                let mut style =
                    self.caption_style(accent.unwrap_or(ink), None, align, texts_room * 0.46, 330.0);
                (style.max_lines, style.shadow) = (1, 0.0);
                self.set(figure, "caption", &style).ok().flatten()
            }
            None => None,
        };
        let gauge = figure.and_then(share_of);
        let gauge_room = gauge.map_or(0.0, |_| GAUGE * self.unit + gap);
        let hero_room = hero.as_ref().map_or(0.0, |block| block.height + gauge_room);
        let largest = if hero.is_some() { 84.0 } else { 132.0 };
        let texts = self.stack(ink, accent, align, texts_room - hero_room, largest)?;
        let used = hero_room + texts.height;
        let end = self.bleed(floor);
        let deep = (end - self.content_top - used - 3.0 * gap).clamp(0.0, self.height * 0.46);
        let has_band = !flat && deep >= self.height * 0.12;
        let spare = end - self.content_top - used - if has_band { deep + gap } else { 0.0 };
        let mut y = self.content_top + (spare * if has_band { 0.5 } else { 0.42 }).max(0.0);
        if let Some(block) = &hero {
            self.hero(block, y, align);
            y += block.height;
            if let Some(share) = gauge {
                self.gauge(share, y, accent.unwrap_or(ink));
                y += gauge_room;
            }
        }
        self.put_stack(&texts, y, 0.0);
        if flat {
            let x = (self.right + self.safe_width() * 0.06).round();
            self.right = right;
            self.field_window([x, 0.0, self.width - x, self.height]);
        } else if has_band {
            self.field_window([0.0, end - deep, self.width, deep]);
        } else {
            self.moving_ground();
        }
        self.put_header();
        Ok(())
    }

    /// Opens a window over the style's field.
    fn field_window(&mut self, rect: super::Rect) {
        const LARGER: f64 = 1.16;
        let rect = rect.map(f64::round);
        let (x, y) = (rect[0] as usize, rect[1] as usize);
        let width = (rect[2] as usize).clamp(2, self.base.width.saturating_sub(x).max(2));
        let height = (rect[3] as usize).clamp(2, self.base.height.saturating_sub(y).max(2));
        // Two thirds of the camera's way is sideways: shapes wander along the edge.
        let large = [(width as f64 * LARGER * 1.1).ceil() as usize, (height as f64 * LARGER).ceil() as usize];
        let source = self.field_source(large, Around::Nothing);
        let (w, h) = (width as f64, height as f64);
        let (spare_x, spare_y) = (large[0] as f64 - w, large[1] as f64 - h);
        let mut path = [[0.0, spare_y, w, h], [spare_x, 0.0, w, h]];
        if self.seed().is_multiple_of(2) {
            path.reverse();
        }
        let moving = Moving::Camera { source, path };
        self.window = Some(Window { x, y, width, height, moving, mask: None });
    }

    /// A figure that grows in.
    fn hero(&mut self, block: &Block, top: f64, align: f64) {
        let from = self.sprites.len();
        self.put_ornament(block, [self.left, top]);
        let center =
            [self.left + (self.safe_width() * align).max(block.width / 2.0), top + block.height / 2.0];
        let (start, length) = (self.pace(if self.opens() { -0.35 } else { 0.0 }), self.pace(0.6));
        for sprite in &mut self.sprites[from..] {
            sprite.entrance = Entrance::Grow(center);
            (sprite.start, sprite.length) = (start, length);
        }
    }

    /// A share of a hundred as a bar that fills.
    fn gauge(&mut self, share: f64, top: f64, color: Color) {
        let (wide, high) = (self.safe_width().round(), (GAUGE * self.unit * 0.62).max(3.0).round());
        let ground = self.ground();
        let track = pixels::mix(ground, ink_on(ground), 0.20);
        let radius = self.corner().min(high / 2.0);
        let layer = pixels::pill(wide as usize, high as usize, radius, track, 1.0);
        self.still(layer, self.left, top);
        let filled = (wide * share).max(2.0);
        let layer = pixels::pill(filled as usize, high as usize, radius, color, 1.0);
        self.sprites.push(Sprite {
            layer,
            x: self.left.round() as i64,
            y: top.round() as i64,
            entrance: Entrance::Widen,
            start: self.pace(if self.opens() { -0.2 } else { 0.15 }),
            length: self.pace(0.9),
            pulse: None,
            span: None,
            drift: None,
        });
    }

    /// The caption above, the detail as points that are ticked off, the picture below.
    pub(super) fn checklist(&mut self) -> Result<(), Error> {
        let points = points(&self.input.shot.detail);
        if points.is_empty() {
            return self.framed();
        }
        if self.bare {
            return self.list(&points);
        }
        let ground = self.brand_base();
        let ink = ink_on(ground);
        let accent = readable_tint(self.accent(), ground);
        let floor = self.disclaimer(pixels::mix(ink, ground, 0.14), 0.0, false)?;
        let (u, room) = (self.unit, floor - self.content_top);
        let shot = self.input.shot;
        let mut style = self.caption_style(ink, accent, 0.0, room * 0.26, 88.0 * self.type_scale());
        style.shadow = 0.0;
        let caption = self.set(&shot.caption, "caption", &style)?;
        let mut y = self.content_top;
        self.bar(self.left, y, 112.0 * u, 0.0);
        y += 36.0 * u;
        if let Some(block) = &caption {
            let come = self.caption_come([self.left + block.width / 2.0, y + block.height / 2.0]);
            self.put(TextKind::Caption, block, [self.left, y], come);
            y += block.height + 26.0 * u;
        }
        let tick = 46.0 * u;
        let indent = tick + 22.0 * u;
        for (idx, point) in points.iter().enumerate() {
            let mut style = self.detail_style(ink, accent, 0.0, room * 0.11, false);
            (style.width, style.bold, style.max_lines) = (self.safe_width() - indent, false, 2);
            let Some(block) = self.set(point, "detail", &style)? else { continue };
            y += self.tick_off(&block, [self.left, y], [tick, indent], idx) + 18.0 * u;
        }
        // Below the points and out of the frame on three sides.
        let top = y + 22.0 * u;
        let rect = if self.wide() { self.beside() } else { [0.0, top, self.width, self.bleed(floor) - top] };
        self.open_window(rect.map(f64::round), None)?;
        self.put_header();
        Ok(())
    }

    /// One point with its tick; returns its height.
    fn tick_off(&mut self, block: &Block, [x, y]: [f64; 2], [side, indent]: [f64; 2], idx: usize) -> f64 {
        let high = block.height.max(side);
        let mut come = self.detail_come();
        come.start += 0.16 * idx as f64;
        let layer = self.tick(side);
        let from = self.sprites.len();
        self.still(layer, x, y + (high - side) / 2.0);
        let (start, length) = (self.pace(come.start), self.pace(super::ENTRANCE));
        for sprite in &mut self.sprites[from..] {
            sprite.entrance = Entrance::Grow([x + side / 2.0, y + high / 2.0]);
            (sprite.start, sprite.length) = (start, length);
        }
        self.put(TextKind::Detail, block, [x + indent, y + (high - block.height) / 2.0], come);
        high
    }

    /// A tick on a disk of the accent color.
    pub(super) fn tick(&self, side: f64) -> Raster {
        let face = crate::scene::readable_ground(self.accent());
        let mark = ink_on(face);
        shapes::shaded([side, side], |px, py| {
            let (px, py) = (px / side, py / side);
            let disk = ((0.48 - (px - 0.5).hypot(py - 0.5)) * side + 0.5).clamp(0.0, 1.0);
            // Two strokes: down to the right, then up to the right.
            let along = |ax: f64, ay: f64, bx: f64, by: f64| {
                let (dx, dy) = (bx - ax, by - ay);
                let t = (((px - ax) * dx + (py - ay) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
                (px - ax - dx * t).hypot(py - ay - dy * t)
            };
            let away = along(0.29, 0.52, 0.44, 0.67).min(along(0.44, 0.67, 0.72, 0.35));
            let stroke = ((0.055 - away) * side + 0.5).clamp(0.0, 1.0);
            (pixels::mix(face, mark, stroke), disk)
        })
    }

    /// End card of type alone: a field above, what to do below.
    pub(super) fn end_type(&mut self) -> Result<(), Error> {
        let ground = self.brand_base();
        let ink = ink_on(ground);
        let flat = self.height < self.width * 1.1;
        let right = self.right;
        if flat {
            self.right = (self.left + self.safe_width() * BESIDE).floor();
        }
        let floor = self.disclaimer(pixels::mix(ink, ground, 0.14), 0.5, false)?;
        let room = floor - self.content_top;
        let end = self.end_texts(ink, ground, room * if flat { 0.96 } else { 0.80 })?;
        let used = end.height;
        let deep = (self.height * 0.36).min(floor - used - self.content_top * 0.5 - 40.0 * self.unit);
        let has_band = !flat && deep > self.content_top;
        let from = if has_band { deep } else { self.content_top };
        self.put_end(&end, from + ((floor - from - used) * 0.5).max(0.0));
        if flat {
            let x = (self.right + self.safe_width() * 0.06).round();
            self.right = right;
            self.field_window([x, 0.0, self.width - x, self.height]);
        } else if has_band {
            self.field_window([0.0, 0.0, self.width, deep]);
        } else {
            self.moving_ground();
        }
        self.put_header();
        Ok(())
    }
}

/// The share that a figure says, 0–1; `None` for other figures.
fn share_of(figure: &str) -> Option<f64> {
    let number = figure.trim().strip_suffix(['%', '％'])?.trim();
    let share = number.parse::<f64>().ok()? / 100.0;
    (0.0..=1.0).contains(&share).then_some(share)
}

/// The points of a detail: its parts between semicolons, list commas and full stops, at most four; the rest
/// stays with the last.
fn points(detail: &str) -> Vec<String> {
    let clean = crate::lines::clean(detail);
    if clean.is_empty() {
        return Vec::new();
    }
    let strong = ['；', ';', '、', '·', '。'];
    let parts: Vec<&str> = clean.split(strong).map(str::trim).filter(|part| !part.is_empty()).collect();
    let parts: Vec<&str> = if parts.len() > 1 {
        parts
    } else {
        // A comma parts points only where nothing is lost by it: three or more short ones.
        let by_comma: Vec<&str> = clean
            .split(", ")
            .flat_map(|part| part.split('，'))
            .map(str::trim)
            .filter(|part| !part.is_empty())
            .collect();
        if by_comma.len() >= 3 { by_comma } else { vec![clean.as_str()] }
    };
    if parts.len() > POINTS {
        return vec![clean];
    }
    parts.into_iter().map(|part| part.trim_end_matches('.').to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_detail_falls_into_points_only_where_nothing_is_lost() {
        assert_eq!(
            points("18/10 steel; 750 ml; Dishwasher safe"),
            ["18/10 steel", "750 ml", "Dishwasher safe"]
        );
        assert_eq!(points("真皮、防水、三年质保"), ["真皮", "防水", "三年质保"]);
        assert_eq!(points("Costs $1,299, delivered"), ["Costs $1,299, delivered"]);
        assert_eq!(points("a; b; c; d; e").len(), 1);
        assert!(points("").is_empty());
    }
}
