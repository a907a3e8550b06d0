//! Layouts of type alone, on a ground that moves.

use super::{Stage, shapes};
use crate::error::Error;
use crate::pixels;
use crate::scene::{Entrance, TextKind, ink_on, readable_tint};
use crate::text::Block;

/// Most points of a list.
const POINTS: usize = 4;

impl Stage<'_> {
    /// The caption alone, as large as it gets.
    pub(super) fn statement(&mut self) -> Result<(), Error> {
        let ground = self.moving_ground();
        let ink = ink_on(ground);
        let accent = readable_tint(self.accent(), ground);
        let align = self.alignment();
        let floor = self.disclaimer(pixels::mix(ink, ground, 0.14), align, false)?;
        let room = floor - self.content_top;
        let texts = self.stack(ink, accent, align, room * 0.86, 132.0)?;
        let top = self.content_top + (room - texts.height) * 0.42;
        self.put_stack(&texts, top, 0.0);
        self.put_header();
        Ok(())
    }

    /// The caption's first figure as large as it gets, the caption below.
    pub(super) fn number(&mut self) -> Result<(), Error> {
        let Some(figure) = self.telling_figure() else { return self.statement() };
        let ground = self.moving_ground();
        let ink = ink_on(ground);
        let accent = readable_tint(self.accent(), ground);
        let align = self.alignment();
        let floor = self.disclaimer(pixels::mix(ink, ground, 0.14), align, false)?;
        let room = floor - self.content_top;
        let mut style = self.caption_style(accent.unwrap_or(ink), None, align, room * 0.34, 330.0);
        (style.max_lines, style.shadow) = (1, 0.0);
        let Ok(Some(block)) = self.set(&figure, "caption", &style) else { return self.statement() };
        let gap = 26.0 * self.unit;
        let texts = self.stack(ink, accent, align, room - block.height - gap, 84.0)?;
        let top = self.content_top + (room - block.height - gap - texts.height) * 0.40;
        let from = self.sprites.len();
        self.put_ornament(&block, [self.left, top]);
        let center =
            [self.left + (self.safe_width() * align).max(block.width / 2.0), top + block.height / 2.0];
        let (start, length) = (self.pace(if self.opens() { -0.35 } else { 0.0 }), self.pace(0.6));
        for sprite in &mut self.sprites[from..] {
            sprite.entrance = Entrance::Grow(center);
            (sprite.start, sprite.length) = (start, length);
        }
        self.put_stack(&texts, top + block.height + gap, 0.0);
        self.put_header();
        Ok(())
    }

    /// The caption above, the detail as points that are ticked off, the picture below.
    pub(super) fn checklist(&mut self) -> Result<(), Error> {
        let points = points(&self.input.shot.detail);
        if points.is_empty() {
            return self.framed();
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
        let color = self.accent();
        let mark = ink_on(crate::scene::readable_ground(color));
        let face = crate::scene::readable_ground(color);
        let layer = shapes::shaded([side, side], |px, py| {
            let (px, py) = (px / side, py / side);
            let disk = ((0.48 - (px - 0.5).hypot(py - 0.5)) * side + 0.5).clamp(0.0, 1.0);
            // Two strokes: down to the right, then up to the right.
            let down = if px < 0.44 { (py - (0.52 + (px - 0.28) * 1.0)).abs() } else { 1.0 };
            let up = if px >= 0.42 { (py - (0.68 - (px - 0.44) * 1.15)).abs() } else { 1.0 };
            let stroke = (0.26..0.76).contains(&px) && down.min(up) < 0.075;
            (if stroke { mark } else { face }, disk)
        });
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

    /// End card of type alone.
    pub(super) fn end_type(&mut self) -> Result<(), Error> {
        let ground = self.moving_ground();
        let ink = ink_on(ground);
        let floor = self.disclaimer(pixels::mix(ink, ground, 0.14), 0.5, false)?;
        let room = floor - self.content_top;
        let end = self.end_texts(ink, ground, room * 0.84)?;
        self.put_end(&end, self.content_top + (room - end.height) * 0.45);
        self.put_header();
        Ok(())
    }
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
