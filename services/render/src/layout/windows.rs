//! Layouts with the picture in a window of its own on the style's ground.

use fast_image_resize::{FilterType, Resizer};
use spotwright_schemas::storyboard::{Color, VisualStyle};

use super::{BLACK, Rect, Stage, WHITE, shapes};
use crate::error::Error;
use crate::pixels::{self, Raster};
use crate::scene::{Entrance, Sprite, ink_on, readable_tint};

/// What texts on the ground need: ink, accent on it, and where the small print begins.
struct Sheet {
    ink: Color,
    accent: Option<Color>,
    floor: f64,
}

impl Stage<'_> {
    /// Paints the ground and sets the small print.
    fn sheet(&mut self, align: f64) -> Result<Sheet, Error> {
        let ground = self.brand_base();
        let ink = ink_on(ground);
        let accent = readable_tint(self.accent(), ground);
        let floor = self.disclaimer(pixels::mix(ink, ground, 0.14), align, false)?;
        Ok(Sheet { ink, accent, floor })
    }

    /// The picture within a margin, the caption below it as on a printed page.
    pub(super) fn framed(&mut self) -> Result<(), Error> {
        let align = self.alignment();
        let Sheet { ink, accent, floor } = self.sheet(align)?;
        let (u, room) = (self.unit, floor - self.content_top);
        let texts = self.stack(ink, accent, align, room * 0.42, 92.0)?;
        let text_top = floor - texts.height;
        self.put_stack(&texts, text_top, 0.0);
        let mat = match self.style() {
            VisualStyle::Documentary | VisualStyle::Playful => 14.0 * u,
            VisualStyle::Premium => 0.0,
            _ => 6.0 * u,
        };
        let rect = [
            self.left + mat,
            self.content_top + mat,
            self.safe_width() - 2.0 * mat,
            text_top - self.content_top - 44.0 * u - 2.0 * mat,
        ]
        .map(f64::round);
        self.mat(rect, mat);
        let mask = pixels::rounded_mask(rect[2] as usize, rect[3] as usize, self.corner());
        self.open_window(rect, Some(mask))?;
        self.put_header();
        Ok(())
    }

    /// A white margin of `wide` pixels around a picture, over its shadow.
    fn mat(&mut self, rect: Rect, wide: f64) {
        let radius = self.corner() + wide;
        let below =
            [rect[0] - wide, rect[1] - wide + 14.0 * self.unit, rect[2] + 2.0 * wide, rect[3] + 2.0 * wide];
        if self.style() != VisualStyle::Documentary {
            pixels::drop_shadow(&mut self.base, below, radius, 46.0 * self.unit, 0.45);
        }
        if wide > 0.0 {
            let size = [below[2].round() as usize, below[3].round() as usize];
            let layer = pixels::pill(size[0], size[1], radius, WHITE, 1.0);
            pixels::blend(&mut self.base, &layer, (rect[0] - wide).round() as i64, rect[1] - wide, 1.0);
        }
    }

    /// The picture in a circle.
    pub(super) fn circle(&mut self) -> Result<(), Error> {
        let Sheet { ink, accent, floor } = self.sheet(0.5)?;
        let (u, room) = (self.unit, floor - self.content_top);
        let texts = self.stack(ink, accent, 0.5, room * 0.44, 92.0)?;
        let text_top = floor - texts.height;
        self.put_stack(&texts, text_top, 0.0);
        let high = text_top - self.content_top - 40.0 * u;
        let side = high.min(self.safe_width()).round();
        let rect = [
            ((self.width - side) / 2.0).round(),
            (self.content_top + (high - side) / 2.0).round(),
            side,
            side,
        ];
        self.disk(rect)?;
        self.put_header();
        Ok(())
    }

    /// The moving picture in a circle, within a ring of the accent color.
    pub(super) fn disk(&mut self, [x, y, side, _]: Rect) -> Result<(), Error> {
        let thick = (12.0 * self.unit).max(2.0);
        let inner =
            [x + 2.0 * thick, y + 2.0 * thick, side - 4.0 * thick, side - 4.0 * thick].map(f64::round);
        let middle = side / 2.0;
        let ring = shapes::filled([side, side], self.accent(), 1.0, |px, py| {
            shapes::ring(px, py, [middle, middle], middle - thick, thick)
        });
        pixels::blend(&mut self.base, &ring, x.round() as i64, y, 1.0);
        let mask = shapes::ellipse(inner[2] as usize, inner[3] as usize);
        self.open_window(inner, Some(mask))
    }

    /// The picture in a doorway with a round top.
    pub(super) fn arch(&mut self) -> Result<(), Error> {
        let Sheet { ink, accent, floor } = self.sheet(0.5)?;
        let (u, room) = (self.unit, floor - self.content_top);
        let texts = self.stack(ink, accent, 0.5, room * 0.38, 84.0)?;
        let text_top = floor - texts.height;
        self.put_stack(&texts, text_top, 0.0);
        let high = (text_top - self.content_top - 36.0 * u).round();
        let wide = (self.safe_width() * 0.84).min(high * 0.86).round();
        let rect = [((self.width - wide) / 2.0).round(), self.content_top.round(), wide, high];
        let line = (5.0 * u).max(1.0).round();
        let around = 3.0 * line;
        let (w, h) = ((wide + 2.0 * around) as usize, (high + around) as usize);
        self.doorway(rect[0] - around, rect[1] - around, w, h, self.accent());
        let inner = around - line;
        let (w, h) = ((wide + 2.0 * inner) as usize, (high + inner) as usize);
        self.doorway(rect[0] - inner, rect[1] - inner, w, h, self.ground());
        let mask = shapes::doorway(rect[2] as usize, rect[3] as usize);
        self.open_window(rect, Some(mask))?;
        self.put_header();
        Ok(())
    }

    fn doorway(&mut self, x: f64, y: f64, width: usize, height: usize, color: Color) {
        let mask = shapes::doorway(width, height);
        let data = mask
            .iter()
            .flat_map(|cover| {
                [color.r, color.g, color.b, 255]
                    .map(|channel| ((u32::from(channel) * u32::from(*cover) + 127) / 255) as u8)
            })
            .collect();
        pixels::blend(&mut self.base, &Raster { width, height, data }, x.round() as i64, y.round(), 1.0);
    }

    /// The picture, and a closer look at it that slides in.
    pub(super) fn duo(&mut self) -> Result<(), Error> {
        let align = 0.0;
        let Sheet { ink, accent, floor } = self.sheet(align)?;
        let (u, room) = (self.unit, floor - self.content_top);
        let texts = self.stack(ink, accent, align, room * 0.40, 88.0)?;
        let text_top = floor - texts.height;
        self.put_stack(&texts, text_top, 0.0);
        let bottom = text_top - 40.0 * u;
        let whole =
            [self.left, self.content_top, self.safe_width() * 0.86, (bottom - self.content_top) * 0.78]
                .map(f64::round);
        let mask = pixels::rounded_mask(whole[2] as usize, whole[3] as usize, self.corner());
        self.open_window(whole, Some(mask))?;
        let side = ((bottom - self.content_top) * 0.46).min(self.safe_width() * 0.48).round();
        let rect = [self.right - side, bottom - side, side, side].map(f64::round);
        self.close_look(rect, 0.35, [0.5, 0.5])?;
        self.put_header();
        Ok(())
    }

    /// A still part of the picture with a white margin, which slides in at `start`.
    fn close_look(&mut self, [x, y, wide, high]: Rect, start: f64, toward: [f64; 2]) -> Result<(), Error> {
        let margin = (7.0 * self.unit).max(2.0).round();
        let radius = self.corner().min(wide / 2.0);
        let mut layer = pixels::pill(wide as usize, high as usize, radius, WHITE, 1.0);
        let inner = [(wide - 2.0 * margin) as usize, (high - 2.0 * margin) as usize];
        let part = self.part_of_picture(inner, 0.46, toward)?;
        let mask = pixels::rounded_mask(inner[0], inner[1], (radius - margin).max(0.0));
        pixels::paste_masked(&mut layer, &part, &mask, margin as usize, margin as usize);
        self.sprites.push(Sprite {
            layer,
            x: x as i64,
            y: y as i64,
            entrance: Entrance::Rise(90.0 * self.unit),
            start: self.pace(start),
            length: self.pace(0.5),
            pulse: None,
            span: None,
            drift: None,
        });
        Ok(())
    }

    /// A part of the picture around its focus, moved `toward` a corner (0–1), `share` of what would cover the
    /// size.
    fn part_of_picture(
        &self,
        [width, height]: [usize; 2],
        share: f64,
        toward: [f64; 2],
    ) -> Result<Raster, Error> {
        let picture = &self.input.picture;
        let (w, h) = (width as f64, height as f64);
        let mut part = Raster::filled(width, height, [0, 0, 0, 255]);
        if let Some(product) = self.product() {
            let scene = self.scene_around(&product, [width * 2, height * 2], [0.04, 0.96])?;
            let crop = [w * toward[0] * 0.7, h * toward[1] * 0.7, w * 1.3, h * 1.3];
            pixels::resample(&mut Resizer::new(), &scene, crop, &mut part, FilterType::CatmullRom)?;
            return Ok(part);
        }
        let source = &picture.raster;
        let whole = pixels::cover((source.width, source.height), w, h, picture.focus);
        let (cw, ch) = (whole[2] * share, whole[3] * share);
        let center = [picture.focus.0 * source.width as f64, picture.focus.1 * source.height as f64];
        let left = (center[0] - cw * (1.0 - toward[0])).clamp(0.0, source.width as f64 - cw);
        let top = (center[1] - ch * (1.0 - toward[1])).clamp(0.0, source.height as f64 - ch);
        pixels::resample(
            &mut Resizer::new(),
            source,
            [left, top, cw, ch],
            &mut part,
            FilterType::CatmullRom,
        )?;
        Ok(part)
    }

    /// Three strips of the picture that come in one after another; the middle one moves.
    pub(super) fn triptych(&mut self) -> Result<(), Error> {
        let align = self.alignment();
        let Sheet { ink, accent, floor } = self.sheet(align)?;
        let (u, room) = (self.unit, floor - self.content_top);
        let texts = self.stack(ink, accent, align, room * 0.36, 88.0)?;
        let text_top = floor - texts.height;
        self.put_stack(&texts, text_top, 0.0);
        let gap = (12.0 * u).max(2.0).round();
        let high = text_top - self.content_top - 38.0 * u;
        let wide = ((self.safe_width() - 2.0 * gap) / 3.0).floor();
        let radius = self.corner().min(wide / 3.0);
        let at = |idx: usize| {
            [self.left + (wide + gap) * idx as f64, self.content_top, wide, high].map(f64::round)
        };
        let mask = pixels::rounded_mask(at(1)[2] as usize, at(1)[3] as usize, radius);
        self.open_window(at(1), Some(mask))?;
        for (idx, toward) in [(0, [0.15, 0.4]), (2, [0.85, 0.6])] {
            let rect = [self.left + (wide + gap) * idx as f64, self.content_top, wide, high].map(f64::round);
            let size = [rect[2] as usize, rect[3] as usize];
            let part = self.part_of_picture(size, 0.62, toward)?;
            let mut layer = Raster::filled(size[0], size[1], [0; 4]);
            let mask = pixels::rounded_mask(size[0], size[1], radius);
            for ((to, from), cover) in
                layer.data.chunks_exact_mut(4).zip(part.data.chunks_exact(4)).zip(&mask)
            {
                for channel in 0..3 {
                    to[channel] = ((u32::from(from[channel]) * u32::from(*cover) + 127) / 255) as u8;
                }
                to[3] = *cover;
            }
            self.sprites.push(Sprite {
                layer,
                x: rect[0] as i64,
                y: rect[1] as i64,
                entrance: Entrance::Rise(80.0 * u),
                start: self.pace(if self.opens() { -0.4 } else { 0.1 * idx as f64 }),
                length: self.pace(0.5),
                pulse: None,
                span: None,
                drift: None,
            });
        }
        self.put_header();
        Ok(())
    }

    /// The picture on the screen of a phone.
    pub(super) fn phone(&mut self) -> Result<(), Error> {
        let align = self.alignment();
        let Sheet { ink, accent, floor } = self.sheet(align)?;
        let (u, room) = (self.unit, floor - self.content_top);
        let texts = self.stack(ink, accent, align, room * 0.34, 88.0)?;
        let below = self.put_stack(&texts, self.content_top, 0.0) + 36.0 * u;
        let high = floor - below;
        let wide = (high * 0.52).min(self.safe_width() * 0.74);
        let body = [(self.width - wide) / 2.0, below, wide, high].map(f64::round);
        let bezel = (14.0 * u).max(2.0).round();
        let radius = wide * 0.12;
        pixels::drop_shadow(
            &mut self.base,
            [body[0], body[1] + 12.0 * u, body[2], body[3]],
            radius,
            50.0 * u,
            0.5,
        );
        let shell = Color { r: 24, g: 25, b: 29 };
        let layer = pixels::pill(body[2] as usize, body[3] as usize, radius, shell, 1.0);
        pixels::blend(&mut self.base, &layer, body[0] as i64, body[1], 1.0);
        let screen = [body[0] + bezel, body[1] + bezel, body[2] - 2.0 * bezel, body[3] - 2.0 * bezel];
        let mask = pixels::rounded_mask(screen[2] as usize, screen[3] as usize, radius - bezel);
        self.open_window(screen, Some(mask))?;
        let island = [wide * 0.26, (bezel * 1.5).max(4.0)];
        let layer = pixels::pill(island[0] as usize, island[1] as usize, island[1] / 2.0, BLACK, 1.0);
        self.still(layer, (self.width - island[0]) / 2.0, screen[1] + bezel * 0.8);
        self.put_header();
        Ok(())
    }

    /// A map pin with the picture in it, the caption as its address.
    pub(super) fn map_pin(&mut self) -> Result<(), Error> {
        let Sheet { ink, accent, floor } = self.sheet(0.5)?;
        let (u, room) = (self.unit, floor - self.content_top);
        let texts = self.stack(ink, accent, 0.5, room * 0.44, 92.0)?;
        let text_top = floor - texts.height;
        self.put_stack(&texts, text_top, 0.0);
        let high = text_top - self.content_top - 60.0 * u;
        let radius = (high * 0.37).min(self.safe_width() * 0.42);
        let (length, center) = (radius * 0.62, [self.width / 2.0, self.content_top + radius]);
        let tip = center[1] + radius + length;
        let ground = [radius * 0.5, radius * 0.11];
        let shade = shapes::filled([ground[0] * 2.0, ground[1] * 2.0], BLACK, 0.32, |x, y| {
            (((x - ground[0]) / ground[0]).hypot((y - ground[1]) / ground[1]) - 1.0) * ground[1]
        });
        pixels::blend(&mut self.base, &shade, (center[0] - ground[0]) as i64, tip - ground[1], 1.0);
        let layer =
            shapes::filled([radius * 2.0, radius * 2.0 + length + 2.0], self.accent(), 1.0, |x, y| {
                shapes::pin(x, y, [radius, radius], radius, length)
            });
        pixels::blend(&mut self.base, &layer, (center[0] - radius).round() as i64, self.content_top, 1.0);
        let inner = radius * 0.84;
        let rect = [center[0] - inner, center[1] - inner, inner * 2.0, inner * 2.0].map(f64::round);
        let mask = shapes::ellipse(rect[2] as usize, rect[3] as usize);
        self.open_window(rect, Some(mask))?;
        self.put_header();
        Ok(())
    }

    /// The caption on a ticket with notches, the picture above.
    pub(super) fn ticket(&mut self) -> Result<(), Error> {
        let align = 0.5;
        let Sheet { floor, .. } = self.sheet(align)?;
        let (u, room) = (self.unit, floor - self.content_top);
        let rect = self.offer(floor, room * 0.44)?;
        let top = self.content_top.round();
        let high = rect[1] - top - 30.0 * u;
        let picture = [self.left, top, self.safe_width(), high].map(f64::round);
        let mask = pixels::rounded_mask(picture[2] as usize, picture[3] as usize, self.corner());
        self.open_window(picture, Some(mask))?;
        self.put_header();
        Ok(())
    }

    /// Caption and detail on a ticket that ends at `floor`; returns its rectangle.
    pub(super) fn offer(&mut self, floor: f64, room: f64) -> Result<Rect, Error> {
        let u = self.unit;
        let paper = crate::scene::readable_ground(self.accent());
        let ink = ink_on(paper);
        let pad = [44.0 * u, 30.0 * u];
        let width = self.safe_width() - 2.0 * pad[0];
        let texts = self.stack_within(ink, None, 0.5, [width, room - 2.0 * pad[1]], 96.0)?;
        let high = texts.height + 2.0 * pad[1];
        let rect = [self.left, floor - high, self.safe_width(), high].map(f64::round);
        let size = [rect[2], rect[3]];
        let (radius, notch) = (self.corner().min(28.0 * u), 24.0 * u);
        let layer = shapes::filled(size, paper, 1.0, |x, y| {
            shapes::ticket(x, y, [0.0, 0.0, size[0], size[1]], radius, notch)
        });
        self.still(layer, rect[0], rect[1]);
        self.put_stack(&texts, rect[1] + pad[1], pad[0]);
        Ok(rect)
    }

    /// End card with the offer on a ticket.
    pub(super) fn end_ticket(&mut self) -> Result<(), Error> {
        let Sheet { ink, floor, .. } = self.sheet(0.5)?;
        let (u, room) = (self.unit, floor - self.content_top);
        let ground = self.ground();
        let shot = self.input.shot;
        let mut style = self.caption_style(
            ink_on(crate::scene::readable_ground(self.accent())),
            None,
            0.5,
            104.0 * u,
            50.0,
        );
        style.width = self.safe_width() - 120.0 * u;
        style.sizes[1] = 16.0 * u;
        style.shadow = 0.0;
        let face = crate::scene::readable_ground(self.accent());
        let button = self.set(&shot.button, "button", &style)?;
        let mut brand_style = self.caption_style(
            readable_tint(self.accent(), ground).unwrap_or(ink),
            None,
            0.5,
            room * 0.08,
            42.0,
        );
        brand_style.sizes[1] = 14.0 * u;
        brand_style.shadow = 0.0;
        let brand = self.set(&shot.brand, "brand", &brand_style)?;
        let mut bottom = floor;
        if let Some(block) = &button {
            let high = block.height + 56.0 * u;
            bottom -= high;
            self.button(block, style.width, face, bottom, 28.0 * u);
            bottom -= 30.0 * u;
        }
        let rect = self.offer(bottom, room * 0.36)?;
        let mut top = rect[1] - 26.0 * u;
        if let Some(block) = &brand {
            top -= block.height;
            let come = super::Come::of(Entrance::Rise(20.0 * u), 0.0);
            self.put(crate::scene::TextKind::Brand, block, [self.left, top], come);
            top -= 18.0 * u;
        }
        let picture = [0.0, 0.0, self.width, top].map(f64::round);
        self.open_window(picture, None)?;
        self.put_header();
        Ok(())
    }
}
