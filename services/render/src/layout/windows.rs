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

/// Where the texts stand beside a picture in an upright frame.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    /// Over it: the picture runs out of the frame below.
    Above,
    /// Under it.
    Below,
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

    /// The part of a wide frame that the picture has for itself.
    pub(super) fn beside(&self) -> Rect {
        let x = (self.right + self.safe_width() * 0.08).round();
        [x, 0.0, self.width - x, self.height]
    }

    /// Where a picture may end that runs out of the frame below: at the small print, where there is some.
    pub(super) fn bleed(&self, floor: f64) -> f64 {
        if self.input.shot.disclaimer.trim().is_empty() { self.height } else { floor }
    }

    /// Position of lines: as the style has it, from the left in a column.
    fn lines(&self) -> f64 {
        if self.wide() { 0.0 } else { self.alignment() }
    }

    /// Puts caption and detail beside a picture and returns what is left for it. `share` is what they may
    /// have of an upright frame's height, `largest` the size of type in units.
    fn with_texts(
        &mut self,
        sheet: &Sheet,
        align: f64,
        [share, largest]: [f64; 2],
        side: Side,
    ) -> Result<Rect, Error> {
        let (room, wide) = (sheet.floor - self.content_top, self.wide());
        let align = if wide { 0.0 } else { align };
        let share = if wide { 0.94 } else { share };
        // A column beside a picture is narrow but high.
        let largest = if self.width > self.height * 1.25 { largest * 1.2 } else { largest };
        let texts = self.stack(sheet.ink, sheet.accent, align, room * share, largest)?;
        if wide {
            self.put_stack(&texts, self.content_top + (room - texts.height) * 0.46, 0.0);
            return Ok(self.beside());
        }
        let gap = 40.0 * self.unit;
        if side == Side::Above {
            let top = self.put_stack(&texts, self.content_top, 0.0) + gap;
            return Ok([0.0, top, self.width, self.bleed(sheet.floor) - top]);
        }
        let text_top = sheet.floor - texts.height;
        self.put_stack(&texts, text_top, 0.0);
        Ok([0.0, self.content_top, self.width, text_top - gap - self.content_top])
    }

    /// Opens a window of any shape, which may run out of the frame; `distance` is negative inside, in pixels
    /// from the rectangle's corner.
    pub(super) fn open_shape(&mut self, rect: Rect, distance: impl Fn(f64, f64) -> f64) -> Result<(), Error> {
        let rect = rect.map(f64::round);
        let (x, y) = (rect[0].max(0.0), rect[1].max(0.0));
        let (right, bottom) = ((rect[0] + rect[2]).min(self.width), (rect[1] + rect[3]).min(self.height));
        let (wide, high) = ((right - x).max(2.0) as usize, (bottom - y).max(2.0) as usize);
        let mut mask = Vec::with_capacity(wide * high);
        for row in 0..high {
            for column in 0..wide {
                let away = distance(column as f64 + 0.5 + x - rect[0], row as f64 + 0.5 + y - rect[1]);
                mask.push(((0.5 - away).clamp(0.0, 1.0) * 255.0).round() as u8);
            }
        }
        self.open_window([x, y, wide as f64, high as f64], Some(mask))
    }

    /// The picture within a margin, the caption below it as on a printed page.
    pub(super) fn framed(&mut self) -> Result<(), Error> {
        let align = self.lines();
        let sheet = self.sheet(align)?;
        let area = self.with_texts(&sheet, align, [0.42, 92.0], Side::Below)?;
        let u = self.unit;
        let mat = match self.style() {
            VisualStyle::Documentary | VisualStyle::Playful => 14.0 * u,
            VisualStyle::Premium => 0.0,
            _ => 6.0 * u,
        };
        let margin = if self.wide() { self.height * 0.09 } else { self.width - self.right };
        let [y, high] = if self.wide() { [margin, self.height - 2.0 * margin] } else { [area[1], area[3]] };
        let x = area[0].max(self.left);
        let rect = [x + mat, y + mat, self.width - margin - x - 2.0 * mat, high - 2.0 * mat].map(f64::round);
        self.mat(rect, mat);
        let mask = pixels::rounded_mask(rect[2].max(2.0) as usize, rect[3].max(2.0) as usize, self.corner());
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
            let size = [below[2].round().max(2.0) as usize, below[3].round().max(2.0) as usize];
            let layer = pixels::pill(size[0], size[1], radius, WHITE, 1.0);
            pixels::blend(&mut self.base, &layer, (rect[0] - wide).round() as i64, rect[1] - wide, 1.0);
        }
    }

    /// The picture in a large circle that leaves the frame at the side, the caption over it.
    pub(super) fn circle(&mut self) -> Result<(), Error> {
        let sheet = self.sheet(0.0)?;
        let area = self.with_texts(&sheet, 0.0, [0.44, 96.0], Side::Above)?;
        // In a short frame it leaves the frame below, too, rather than to be small.
        let deeper = if self.height > self.width * 1.5 { 1.10 } else { 1.45 };
        let side = if self.wide() { self.height * 1.16 } else { (self.width * 1.04).min(area[3] * deeper) };
        let rect = if self.wide() {
            [area[0] + area[2] * 0.06, (self.height - side) / 2.0, side, side]
        } else {
            // More of it is out of the frame at the right than below.
            [self.width - side * 0.93, area[1] + (area[3] - side).max(0.0) * 0.5, side, side]
        };
        self.disk(rect)?;
        self.put_header();
        Ok(())
    }

    /// The moving picture in a circle, within a ring of the accent color.
    pub(super) fn disk(&mut self, [x, y, side, _]: Rect) -> Result<(), Error> {
        let thick = (12.0 * self.unit).max(2.0);
        let inner = [x + 2.0 * thick, y + 2.0 * thick, side - 4.0 * thick, side - 4.0 * thick];
        let middle = side / 2.0;
        let ring = shapes::filled([side, side], self.accent(), 1.0, |px, py| {
            shapes::ring(px, py, [middle, middle], middle - thick, thick)
        });
        pixels::blend(&mut self.base, &ring, x.round() as i64, y.round(), 1.0);
        let radius = inner[2] / 2.0;
        self.open_shape(inner, |px, py| (px - radius).hypot(py - radius) - radius)
    }

    /// The picture in a doorway with a round top that stands on the frame's lower edge.
    pub(super) fn arch(&mut self) -> Result<(), Error> {
        let align = if self.wide() { 0.0 } else { 0.5 };
        let sheet = self.sheet(align)?;
        let area = self.with_texts(&sheet, align, [0.38, 88.0], Side::Above)?;
        let top = if self.wide() { self.height * 0.10 } else { area[1] + 8.0 * self.unit };
        let high = (area[1] + area[3] - top).round();
        let most = if self.wide() { area[2] * 0.84 } else { self.safe_width() * 0.92 };
        let wide = most.min(high * 0.86).round();
        let middle = area[0] + area[2] / 2.0;
        let rect = [(middle - wide / 2.0).round(), top.round(), wide, high];
        let line = (5.0 * self.unit).max(1.0).round();
        let around = 3.0 * line;
        let (w, h) = ((wide + 2.0 * around) as usize, (high + around) as usize);
        self.doorway(rect[0] - around, rect[1] - around, w, h, self.accent());
        let inner = around - line;
        let (w, h) = ((wide + 2.0 * inner) as usize, (high + inner) as usize);
        self.doorway(rect[0] - inner, rect[1] - inner, w, h, self.ground());
        let radius = wide / 2.0;
        self.open_shape(rect, |px, py| {
            if py < radius { (px - radius).hypot(py - radius) - radius } else { (px - radius).abs() - radius }
        })?;
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

    /// The picture, which runs out of the frame at the right, and a closer look at it that slides in.
    pub(super) fn duo(&mut self) -> Result<(), Error> {
        let align = 0.0;
        let sheet = self.sheet(align)?;
        let area = self.with_texts(&sheet, align, [0.40, 88.0], Side::Below)?;
        let radius = self.corner();
        let (whole, look) = if self.wide() {
            let side = (self.height * 0.36).round();
            (area, [area[0] + side * 0.06, self.height * 0.56, side, side])
        } else {
            let side = (area[3] * 0.44).min(self.safe_width() * 0.46).round();
            let whole = [self.left + side * 0.34, area[1], self.width, area[3] * 0.86];
            (whole, [self.left, area[1] + area[3] - side, side, side])
        };
        let [_, _, wide, high] = whole;
        self.open_shape(whole, |px, py| {
            pixels::rounded_distance(px, py, [0.0, 0.0, wide + radius, high], radius)
        })?;
        self.close_look(look.map(f64::round), 0.35, [0.5, 0.5])?;
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

    /// One picture behind three strips of different height, which run out of the frame below.
    pub(super) fn triptych(&mut self) -> Result<(), Error> {
        let align = self.lines();
        let sheet = self.sheet(align)?;
        let area = self.with_texts(&sheet, align, [0.36, 88.0], Side::Above)?;
        let gap = (12.0 * self.unit).max(2.0).round();
        let x = area[0].max(self.left);
        let end = if self.wide() { self.width * 0.96 } else { self.right };
        let rect = [x, area[1], end - x, area[3]].map(f64::round);
        let wide = ((rect[2] - 2.0 * gap) / 3.0).floor();
        let radius = self.corner().min(wide / 3.0);
        let high = rect[3];
        let tops = [0.11, 0.02, 0.20].map(|share| share * high);
        self.open_shape(rect, |px, py| {
            tops.iter()
                .enumerate()
                .map(|(idx, top)| {
                    let strip = [(wide + gap) * idx as f64, *top, wide, high - top + radius];
                    pixels::rounded_distance(px, py, strip, radius)
                })
                .fold(f64::INFINITY, f64::min)
        })?;
        self.put_header();
        Ok(())
    }

    /// The picture on the screen of a phone that stands half in the frame.
    pub(super) fn phone(&mut self) -> Result<(), Error> {
        let align = self.lines();
        let sheet = self.sheet(align)?;
        let area = self.with_texts(&sheet, align, [0.34, 92.0], Side::Above)?;
        let u = self.unit;
        let share = if self.width > self.height * 1.25 { 0.56 } else { 0.80 };
        let wide = if self.wide() { area[2] * share } else { (self.safe_width() * 0.76).min(area[3] * 0.95) };
        let top = if self.wide() { self.height * 0.12 } else { area[1] };
        let high = (wide * 2.05).max(area[3]);
        let middle = area[0] + area[2] / 2.0;
        let body = [middle - wide / 2.0, top, wide, high].map(f64::round);
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
        let corners = |px: f64, py: f64| {
            pixels::rounded_distance(px, py, [0.0, 0.0, screen[2], screen[3]], radius - bezel)
        };
        if self.bare {
            let seen =
                [screen[0], screen[1], screen[2], screen[3].min(self.height - screen[1])].map(f64::round);
            let mask = shapes::mask(seen[2] as usize, seen[3] as usize, corners);
            self.scroll(seen, Some(mask));
        } else {
            self.open_shape(screen, corners)?;
        }
        let island = [wide * 0.26, (bezel * 1.5).max(4.0)];
        let layer = pixels::pill(island[0] as usize, island[1] as usize, island[1] / 2.0, BLACK, 1.0);
        self.still(layer, middle - island[0] / 2.0, screen[1] + bezel * 0.8);
        if self.bleed(sheet.floor) < self.height {
            self.cover_below(sheet.floor);
        }
        self.put_header();
        Ok(())
    }

    /// Lays the ground over everything below the small print's upper edge.
    fn cover_below(&mut self, floor: f64) {
        let high = (self.height - floor).max(2.0);
        let layer = pixels::pill(self.base.width, high as usize, 0.0, self.ground(), 1.0);
        let at = self.sprites.len();
        self.still(layer, 0.0, floor);
        // Below the texts, which were laid before.
        let cover = self.sprites.remove(at);
        self.sprites.insert(0, cover);
    }

    /// A map pin with the picture in it, the caption as its address.
    pub(super) fn map_pin(&mut self) -> Result<(), Error> {
        if self.bare {
            return self.map();
        }
        let align = if self.wide() { 0.0 } else { 0.5 };
        let sheet = self.sheet(align)?;
        let area = self.with_texts(&sheet, align, [0.44, 92.0], Side::Below)?;
        let inset = if self.wide() { self.height * 0.08 } else { 0.0 };
        let high = area[3] - 2.0 * inset - 20.0 * self.unit;
        let radius = (high * 0.37).min(area[2] * 0.44);
        let (length, center) = (radius * 0.62, [area[0] + area[2] / 2.0, area[1] + inset + radius]);
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
        let corner = [center[0] - radius, center[1] - radius];
        pixels::blend(&mut self.base, &layer, corner[0].round() as i64, corner[1].round(), 1.0);
        let inner = radius * 0.84;
        let rect = [center[0] - inner, center[1] - inner, inner * 2.0, inner * 2.0];
        self.open_shape(rect, |px, py| (px - inner).hypot(py - inner) - inner)?;
        self.put_header();
        Ok(())
    }

    /// The caption on a ticket with notches that lies over the picture's lower edge.
    pub(super) fn ticket(&mut self) -> Result<(), Error> {
        let sheet = self.sheet(0.5)?;
        let room = sheet.floor - self.content_top;
        if self.wide() {
            let area = self.beside();
            self.open_window(area, None)?;
            let high = self.offer_height(room * 0.9)?;
            self.offer(self.content_top + (room + high) * 0.48, room * 0.9)?;
        } else {
            let rect = self.offer(sheet.floor, room * 0.46)?;
            let top = self.content_top.round();
            let picture = [0.0, top, self.width, rect[1] + 54.0 * self.unit - top].map(f64::round);
            self.open_window(picture, None)?;
        }
        self.put_header();
        Ok(())
    }

    /// The amount on a ticket, where the room is high enough for it and a caption that is not small beside
    /// it.
    fn amount_on_ticket(&self, ink: Color, [width, room]: [f64; 2]) -> Option<crate::text::Block> {
        if room < 300.0 * self.unit { None } else { self.amount(ink, 0.5, [width, room * 0.38]) }
    }

    /// Height of the ticket that [`Stage::offer`] would make.
    fn offer_height(&self, room: f64) -> Result<f64, Error> {
        let pad = [44.0 * self.unit, 30.0 * self.unit];
        let width = self.safe_width() - 2.0 * pad[0];
        let hero = self.amount_on_ticket(WHITE, [width, room]);
        let hero_height = hero.as_ref().map_or(0.0, |block| block.height);
        let largest = if hero.is_some() { 62.0 } else { 96.0 };
        let texts =
            self.stack_within(WHITE, None, 0.5, [width, room - 2.0 * pad[1] - hero_height], largest)?;
        Ok(hero_height + texts.height + 2.0 * pad[1])
    }

    /// Caption and detail on a ticket that ends at `floor`; returns its rectangle.
    pub(super) fn offer(&mut self, floor: f64, room: f64) -> Result<Rect, Error> {
        let u = self.unit;
        let paper = crate::scene::readable_ground(self.accent());
        let ink = ink_on(paper);
        let pad = [44.0 * u, 30.0 * u];
        let width = self.safe_width() - 2.0 * pad[0];
        let hero = self.amount_on_ticket(ink, [width, room]);
        let hero_height = hero.as_ref().map_or(0.0, |block| block.height);
        let largest = if hero.is_some() { 62.0 } else { 96.0 };
        let texts = self.stack_within(ink, None, 0.5, [width, room - 2.0 * pad[1] - hero_height], largest)?;
        let high = hero_height + texts.height + 2.0 * pad[1];
        let rect = [self.left, floor - high, self.safe_width(), high].map(f64::round);
        let size = [rect[2], rect[3]];
        let (radius, notch) = (self.corner().min(28.0 * u), 24.0 * u);
        let layer = shapes::filled(size, paper, 1.0, |x, y| {
            shapes::ticket(x, y, [0.0, 0.0, size[0], size[1]], radius, notch)
        });
        self.still(layer, rect[0], rect[1]);
        if let Some(block) = &hero {
            self.put_ornament(block, [self.left + pad[0], rect[1] + pad[1]]);
        }
        self.put_stack(&texts, rect[1] + pad[1] + hero_height, pad[0]);
        Ok(rect)
    }

    /// End card with the offer on a ticket.
    pub(super) fn end_ticket(&mut self) -> Result<(), Error> {
        let Sheet { ink, floor, .. } = self.sheet(0.5)?;
        self.footing();
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
        style.serif = false;
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
        let rect = self.offer(bottom, room * 0.42)?;
        let mut top = rect[1] - 26.0 * u;
        if let Some(block) = &brand {
            top -= block.height;
            let come = super::Come::of(Entrance::Rise(20.0 * u), 0.0);
            self.put(crate::scene::TextKind::Brand, block, [self.left, top], come);
            top -= 18.0 * u;
        }
        let picture = if self.wide() { self.beside() } else { [0.0, 0.0, self.width, top].map(f64::round) };
        self.open_window(picture, None)?;
        self.put_header();
        Ok(())
    }
}
