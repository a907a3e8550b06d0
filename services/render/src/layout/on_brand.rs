//! Layouts whose texts stand on the brand color: poster and end card.

use spotwright_schemas::storyboard::{Color, VisualStyle};

use super::field::Around;
use super::picture::percentile_luma;
use super::{BLACK, Come, ENTRANCE, Stage, WHITE, shapes};
use crate::error::Error;
use crate::pixels::{self, Raster};
use crate::scene::{Entrance, Moving, Sprite, TextKind, ink_on, readable_ground, readable_tint};
use crate::text::Block;

impl Stage<'_> {
    /// Large text on the brand color beside a picture from edge to edge, under a slanted cut.
    pub(super) fn poster(&mut self) -> Result<(), Error> {
        let ground = self.brand_base();
        let ink = ink_on(ground);
        let accent = readable_tint(self.accent(), ground);
        let slant = (56.0 * self.unit).round();
        let (from, to) = if self.wide() {
            let area = self.beside();
            self.open_window(area, None)?;
            self.upright_stripe(area[0]);
            self.ring();
            let floor = self.disclaimer(pixels::mix(ink, ground, 0.14), 0.0, false)?;
            (self.content_top, floor)
        } else if self.picture_above() {
            self.picture_band_above(slant)?
        } else {
            self.picture_band_below(slant)?
        };
        let shot = self.input.shot;
        let room = to - from;
        let (bar_room, gap) = (36.0 * self.unit, 20.0 * self.unit);
        let style = self.detail_style(pixels::mix(ink, ground, 0.08), accent, 0.0, room * 0.36, false);
        let detail = self.set(&shot.detail, "detail", &style)?;
        let detail_height = detail.as_ref().map_or(0.0, |block| block.height + gap);
        let style = self.caption_style(ink, accent, 0.0, room - detail_height - bar_room, 118.0);
        let caption = self.set(&shot.caption, "caption", &style)?;
        let used = caption.as_ref().map_or(0.0, |block| block.height) + detail_height + bar_room;
        let mut y = from + ((room - used) * 0.5).max(0.0);
        self.bar(self.left, y, 132.0 * self.unit, 0.0);
        y += bar_room;
        if let Some(block) = &caption {
            let come = self.caption_come([self.left + block.width / 2.0, y + block.height / 2.0]);
            self.put(TextKind::Caption, block, [self.left, y], come);
            y += block.height + gap;
        }
        if let Some(block) = &detail {
            let come = self.detail_come();
            self.put(TextKind::Detail, block, [self.left, y], come);
        }
        self.put_header();
        Ok(())
    }

    /// The picture in the lower part of the frame; returns where the text begins and ends.
    fn picture_band_below(&mut self, slant: f64) -> Result<(f64, f64), Error> {
        let split = (self.height * 0.5).min(self.bottom - 120.0 * self.unit).max(self.height * 0.42).round();
        let band = self.height - split;
        let width = self.base.width;
        let edge = |column: usize| slant * (1.0 - column as f64 / width as f64);
        let mask = (0..band as usize)
            .flat_map(|row| (0..width).map(move |column| (row, column)))
            .map(|(row, column)| ((row as f64 - edge(column)).clamp(0.0, 1.0) * 255.0) as u8)
            .collect();
        self.open_window([0.0, split, self.width, band], Some(mask))?;
        self.edge_stripe(split, edge, slant);
        self.ring();
        self.disclaimer_on_band(split + slant)?;
        Ok((self.content_top, split - 34.0 * self.unit))
    }

    /// The picture in the upper part of the frame, under the header; returns where the text begins
    /// and ends.
    fn picture_band_above(&mut self, slant: f64) -> Result<(f64, f64), Error> {
        let band = (self.height * 0.5).max(self.content_top + slant).round();
        let width = self.base.width;
        let edge = |column: usize| slant * (1.0 - column as f64 / width as f64);
        let top = band - slant;
        let mask = (0..band as usize)
            .flat_map(|row| (0..width).map(move |column| (row, column)))
            .map(|(row, column)| ((top + edge(column) - row as f64).clamp(0.0, 1.0) * 255.0) as u8)
            .collect();
        self.open_window([0.0, 0.0, self.width, band], Some(mask))?;
        self.edge_stripe(top, edge, slant);
        self.shade_header();
        let ink = ink_on(self.ground());
        let floor = self.disclaimer(ink, 0.0, false)?;
        Ok((band + 24.0 * self.unit, floor - 12.0 * self.unit))
    }

    /// Darkens the picture under the header as much as its brightest zoom needs.
    fn shade_header(&mut self) {
        let brightest = match self.window.as_ref().map(|window| &window.moving) {
            Some(Moving::Camera { source, .. }) => percentile_luma(source, 0, source.height / 3, 0.97),
            Some(Moving::Clip(_)) => {
                let header = [0.0, 0.0, self.width, self.content_top + 24.0 * self.unit];
                let blocks = self.header.iter().map(|(_, block, [x, y])| {
                    self.brightest_of_clip([*x, *y, block.width, block.height], 0.95)
                });
                blocks.fold(self.brightest_of_clip(header, 0.97), f64::max)
            }
            None => 0.0,
        };
        let needed = self.shade_needed(brightest).max(0.15);
        let strength = self.header_shade(needed);
        let (end, ramp) = (self.content_top, 110.0 * self.unit);
        self.shade = (0..self.base.height)
            .map(|row| {
                let t = ((end + ramp - row as f64) / ramp).clamp(0.0, 1.0);
                (t * t * (3.0 - 2.0 * t) * strength * 255.0).round() as u8
            })
            .collect();
    }

    /// The small print on the picture band, over a shade of its own.
    fn disclaimer_on_band(&mut self, band_top: f64) -> Result<(), Error> {
        if self.input.shot.disclaimer.trim().is_empty() {
            return Ok(());
        }
        let top = self.disclaimer(WHITE, 0.0, true)?.max(band_top);
        let ramp = 90.0 * self.unit;
        self.shade = (0..self.base.height)
            .map(|row| (((row as f64 - top + ramp) / ramp).clamp(0.0, 1.0) * 0.78 * 255.0) as u8)
            .collect();
        Ok(())
    }

    /// An accent stripe along the edge of the picture, `edge` pixels below `top` and at most `deep`.
    fn edge_stripe(&mut self, top: f64, edge: impl Fn(usize) -> f64, deep: f64) {
        let thick = (12.0 * self.unit).max(2.0);
        let (width, height) = (self.base.width, (deep + thick + 2.0) as usize);
        let (ground, accent) = (self.ground(), self.accent());
        let color = if accent.contrast(ground) >= 1.3 { accent } else { ink_on(ground) };
        let mut layer = Raster::filled(width, height, [0; 4]);
        for (row, line) in layer.rows_mut().enumerate() {
            for (column, pixel) in line.chunks_exact_mut(4).enumerate() {
                let from = edge(column);
                let inside = (row as f64 + 1.0 - from).min(from + thick - row as f64).clamp(0.0, 1.0);
                let cover = |channel: u8| (f64::from(channel) * inside) as u8;
                pixel.copy_from_slice(&[cover(color.r), cover(color.g), cover(color.b), cover(255)]);
            }
        }
        self.sprites.push(Sprite {
            layer,
            x: 0,
            y: (top - thick / 2.0).round() as i64,
            entrance: Entrance::Widen,
            start: self.pace(if self.opens() { -0.35 } else { -0.1 }),
            length: self.pace(0.7),
            pulse: None,
            span: None,
            drift: None,
        });
    }

    /// An upright accent stripe at the left edge of a picture.
    fn upright_stripe(&mut self, x: f64) {
        let color = self.mark_color();
        let wide = (10.0 * self.unit).max(2.0);
        let layer = pixels::pill(wide as usize, self.base.height, 0.0, color, 1.0);
        self.still(layer, x - wide / 2.0, 0.0);
    }

    /// A large faint ring in the accent color, cut by the upper right corner.
    fn ring(&mut self) {
        let color = self.mark_color();
        let radius = 250.0 * self.unit;
        let thick = 54.0 * self.unit;
        let center = (self.width * 1.02, self.height * 0.06);
        let ground = self.ground();
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

    /// The last shot: picture, brand, what to do and why, and the button.
    pub(super) fn end_card(&mut self) -> Result<(), Error> {
        let ground = self.brand_base();
        let ink = ink_on(ground);
        let accent = readable_tint(self.accent(), ground);
        let shot = self.input.shot;
        self.footing();
        let floor = self.disclaimer(pixels::mix(ink, ground, 0.14), 0.5, false)?;
        let room = (floor - self.content_top).max(24.0 * self.unit) * if self.wide() { 1.5 } else { 1.0 };
        let mut brand_style = self.caption_style(accent.unwrap_or(ink), None, 0.5, room * 0.1, 42.0);
        brand_style.sizes[1] = 14.0 * self.unit;
        let brand = self.set(&shot.brand, "brand", &brand_style)?;
        let style = self.detail_style(pixels::mix(ink, ground, 0.08), accent, 0.5, room * 0.14, false);
        let detail = self.set(&shot.detail, "detail", &style)?;
        let style = self.caption_style(ink, accent, 0.5, room * 0.24, 92.0);
        let caption = self.set(&shot.caption, "caption", &style)?;
        let button_color = self.accent();
        let face = readable_ground(if button_color.contrast(ground) >= 1.5 { button_color } else { ink });
        let mut button_style = self.caption_style(ink_on(face), None, 0.5, 104.0 * self.unit, 50.0);
        button_style.width = self.safe_width() - 120.0 * self.unit;
        button_style.serif = false;
        button_style.sizes[1] = 16.0 * self.unit;
        let button = self.set(&shot.button, "button", &button_style)?;
        let gap = 22.0 * self.unit;
        let pill_pad = 28.0 * self.unit;
        let with_gap = |block: &Option<_>, extra: f64| {
            block.as_ref().map_or(0.0, |block: &Block| block.height + gap + extra)
        };
        let texts = with_gap(&brand, 0.0)
            + with_gap(&caption, 0.0)
            + with_gap(&detail, 0.0)
            + with_gap(&button, 2.0 * pill_pad + gap);
        let arc = 70.0 * self.unit;
        let below_arc = 26.0 * self.unit;
        let mut y = self.content_top;
        if self.wide() {
            let area = self.beside();
            self.open_window(area, None)?;
            self.upright_stripe(area[0]);
        } else {
            let most = self.height * 0.56;
            let high = (floor - texts - below_arc).min(most).max(self.height * 0.18).max(arc * 1.5).round();
            self.arched_picture(high, arc)?;
            y = high + below_arc;
        }
        y += ((floor - y - texts) * 0.45).max(0.0);
        if let Some(block) = &brand {
            let come = Come::of(Entrance::Rise(20.0 * self.unit), 0.0);
            self.put(TextKind::Brand, block, [self.left, y], come);
            y += block.height + gap * 0.5;
        }
        if let Some(block) = &caption {
            let come = self.caption_come([self.width / 2.0, y + block.height / 2.0]);
            self.put(TextKind::Caption, block, [self.left, y], come);
            y += block.height + gap;
        }
        if let Some(block) = &detail {
            let come = self.detail_come();
            self.put(TextKind::Detail, block, [self.left, y], come);
            y += block.height + gap * 1.5;
        }
        if let Some(block) = &button {
            self.button(block, button_style.width, face, y, pill_pad);
        }
        self.put_header();
        Ok(())
    }

    /// The picture across the top of the frame, with a lower edge that bulges by `arc` pixels.
    fn arched_picture(&mut self, height: f64, arc: f64) -> Result<(), Error> {
        let width = self.base.width;
        let edge = |column: usize| {
            let x = (column as f64 + 0.5) / width as f64 * 2.0 - 1.0;
            arc * (1.0 - x * x)
        };
        let top = height - arc;
        let mask = (0..height as usize)
            .flat_map(|row| (0..width).map(move |column| (row, column)))
            .map(|(row, column)| ((top + edge(column) - row as f64).clamp(0.0, 1.0) * 255.0) as u8)
            .collect();
        self.open_window([0.0, 0.0, self.width, height], Some(mask))?;
        self.edge_stripe(top, edge, arc);
        Ok(())
    }

    /// A pill with the call to action, and an arrow behind it, that grows in and then swells slowly.
    pub(super) fn button(&mut self, block: &Block, room: f64, face: Color, y: f64, pad: f64) {
        let u = self.unit;
        let line = block.height / block.lines.len().max(1) as f64;
        let (arrow, gap) = (line * 0.34, 20.0 * u);
        let wide = block.width + gap + arrow + 2.0 * 48.0 * u;
        let high = block.height + 2.0 * pad;
        let middle = f64::midpoint(self.left, self.right);
        let x = (middle - wide / 2.0).round();
        let center = [middle, y + high / 2.0];
        let from = self.sprites.len();
        // Styles that like corners have them on buttons too.
        let radius = (high / 2.0).min(self.corner().max(8.0 * u));
        if matches!(self.style(), VisualStyle::Sale | VisualStyle::Playful) {
            let edge = pixels::mix(face, BLACK, 0.34);
            let lip = pixels::pill(wide as usize, high as usize, radius, edge, 1.0);
            self.still(lip, x, y + 8.0 * u);
        }
        let pill = pixels::pill(wide as usize, high as usize, radius, face, 1.0);
        self.still(pill, x, y);
        self.arrow([x + wide - 48.0 * u - arrow, center[1]], arrow, ink_on(face));
        let text_x = middle - room / 2.0 - f64::midpoint(gap, arrow);
        let come = Come::of(Entrance::Grow(center), 0.3);
        self.put(TextKind::Button, block, [text_x, y + pad], come);
        let (start, length) = (self.pace(0.3), self.pace(ENTRANCE));
        for sprite in &mut self.sprites[from..] {
            sprite.entrance = Entrance::Grow(center);
            sprite.start = start;
            sprite.length = length;
            sprite.pulse = Some((0.035, center));
        }
    }

    /// A pointed bracket of `wide` pixels whose left end is `x`, about the height `y`.
    fn arrow(&mut self, [x, y]: [f64; 2], wide: f64, color: Color) {
        let thick = (wide * 0.17).max(1.0);
        let reach = wide * 0.5;
        let high = 2.0 * (reach + thick);
        let tip = wide - thick;
        let layer = shapes::filled([wide, high], color, 1.0, |px, py| {
            let away = (py - high / 2.0).abs();
            // Two strokes that meet at the tip, each at 45 degrees, and end where they are `reach` high.
            let along = (px - (tip - away)).abs() * std::f64::consts::FRAC_1_SQRT_2;
            (along - thick).max(away - reach)
        });
        self.still(layer, x, y - high / 2.0);
    }

    /// The style's pattern in the strip below everything that is to be read, which players cover with their
    /// controls: an end card does not fade out into nothing.
    pub(super) fn footing(&mut self) {
        let width = self.base.width;
        let top = (self.bottom + 10.0 * self.unit).round();
        let high = self.height - top;
        if self.wide() || high < 60.0 * self.unit {
            return;
        }
        let field = self.field_source([width, high as usize], Around::Ground);
        let ramp = high * 0.5;
        for (row, (to, from)) in
            self.base.rows_mut().skip(top as usize).zip(field.data.chunks_exact(width * 4)).enumerate()
        {
            let t = (row as f64 / ramp).clamp(0.0, 1.0);
            let share = t * t * (3.0 - 2.0 * t) * 0.72;
            for (to, from) in to.iter_mut().zip(from) {
                *to = (f64::from(*to) + (f64::from(*from) - f64::from(*to)) * share).round() as u8;
            }
        }
    }
}
