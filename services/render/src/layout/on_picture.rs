//! Layouts whose texts stand on the picture: full bleed and card.

use spotwright_schemas::script::Role;
use spotwright_schemas::storyboard::Color;

use super::picture::percentile_luma;
use super::plates::unrest;
use super::{COLUMN, GROUND, Rect, SQUARE, Stage, WHITE};
use crate::error::Error;
use crate::pixels;
use crate::scene::{TextKind, readable_tint};

impl Stage<'_> {
    pub(super) fn full_bleed(&mut self) -> Result<(), Error> {
        let (width, height) = (self.width, self.height);
        let source = (&self.input.picture.raster.width, &self.input.picture.raster.height);
        let kept = pixels::cover((*source.0, *source.1), width, height, (0.5, 0.5));
        let share = kept[2] * kept[3] / (*source.0 as f64 * *source.1 as f64);
        let ground = Color { r: GROUND as u8, g: GROUND as u8, b: GROUND as u8 };
        let accent = readable_tint(self.input.board.palette.accent, ground);
        let shot = self.input.shot;
        let mut floor = self.disclaimer(WHITE, 0.0, true)?;
        let detail =
            self.set(&shot.detail, "detail", &self.detail_style(WHITE, accent, 0.0, height * 0.17, true))?;
        let detail_height = detail.as_ref().map_or(0.0, |block| block.height + 16.0 * self.unit);
        let room = (floor - detail_height - self.content_top - 40.0 * self.unit).min(height * 0.36);
        let caption =
            self.set(&shot.caption, "caption", &self.caption_style(WHITE, accent, 0.0, room, 98.0))?;
        // Caption, mark and detail as they are put below.
        let texts = caption.as_ref().map_or(0.0, |block| block.height + 22.0 * self.unit) + detail_height;
        if share >= 0.5 || self.product().is_some() || self.bare {
            self.picture_between(self.content_top, floor - texts)?;
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
        if let Some(block) = &detail {
            floor -= block.height;
            let come = self.detail_come();
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
    pub(super) fn shade_for(&mut self, floor: f64) -> Result<(), Error> {
        if self.product_beside {
            // The wall is dark where texts stand.
            return Ok(());
        }
        let rows = self.base.height;
        let (low, high, busy) = if self.input.clip.is_some() {
            let (low, high) = self.brightness_under_texts(floor);
            (low, high, 0.0)
        } else {
            let stretches =
                [(floor, self.height, 0.985), (self.top, self.content_top, 0.95), (floor, self.height, 0.1)];
            let [low, high, dark] = self.brightest_of_picture(stretches)?;
            (low, high, unrest(low - dark))
        };
        let top = if self.header.is_empty() { 0.0 } else { self.shade_needed(high).max(0.12) };
        let top = self.header_shade(top);
        let bottom = self.shade_needed(low).max(self.least_shade(0.30)).max(busy);
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

    /// Brightest luma below `floor` and under the header over all frames of the clip, and under each line
    /// of text by itself: a bright spot may be small and stand under one line all the same.
    fn brightness_under_texts(&self, floor: f64) -> (f64, f64) {
        let ground = |from: f64, to: f64, share: f64| {
            let rows = self.base.height;
            percentile_luma(&self.base, (from.max(0.0) as usize).min(rows), (to as usize).min(rows), share)
        };
        let whole = self
            .window
            .as_ref()
            .is_some_and(|window| window.width == self.base.width && window.height == self.base.height);
        let (mut low, mut high) = if whole {
            (0.0, 0.0)
        } else {
            (ground(floor, self.height, 0.985), ground(self.top, self.content_top, 0.95))
        };
        let below = [0.0, floor, self.width, self.height - floor];
        low = f64::max(low, self.brightest_of_clip(below, 0.985));
        let above = [0.0, self.top, self.width, self.content_top - self.top];
        high = f64::max(high, self.brightest_of_clip(above, 0.95));
        for text in &self.boxes {
            let [x, y, w, h] = text.rect.map(|side| side as f64);
            let around = h / 3.0;
            let area = [x - around, y - around, w + 2.0 * around, h + 2.0 * around];
            low = low.max(self.brightest_of_clip(area, 0.95));
        }
        for (_, block, [x, y]) in &self.header {
            high = high.max(self.brightest_of_clip([*x, *y, block.width, block.height], 0.95));
        }
        (low, high)
    }

    /// A rounded picture on its own blurred enlargement: above its text in the middle of a video,
    /// below it where a video opens or proves something.
    pub(super) fn card(&mut self) -> Result<(), Error> {
        self.blurred_base()?;
        if self.width > self.height * SQUARE {
            return self.card_beside();
        }
        let shot = self.input.shot;
        let text_first = shot.role != Role::Body;
        let align = if text_first { 0.0 } else { 0.5 };
        let ground = Color { r: 95, g: 95, b: 95 };
        let accent = readable_tint(self.input.board.palette.accent, ground);
        let floor = self.disclaimer(WHITE, align, true)?;
        let room = (floor - self.content_top).max(24.0 * self.unit);
        let (gap, line_gap, bar_room) = (40.0 * self.unit, 18.0 * self.unit, 32.0 * self.unit);
        // The texts are set first, in at most half of the room; the picture gets the rest.
        let texts_room = room * 0.5 - gap - bar_room;
        let style = self.detail_style(WHITE, accent, align, texts_room * 0.45, true);
        let detail = self.set(&shot.detail, "detail", &style)?;
        let detail_height = detail.as_ref().map_or(0.0, |block| block.height + line_gap);
        let largest = if text_first { 100.0 } else { 84.0 };
        let style = self.caption_style(WHITE, accent, align, texts_room - detail_height, largest);
        let caption = self.set(&shot.caption, "caption", &style)?;
        let caption_height = caption.as_ref().map_or(0.0, |block| block.height);
        let texts = bar_room + caption_height + detail_height;

        let picture = &self.input.picture.raster;
        let shape = picture.height as f64 / picture.width as f64;
        let card_width = self.safe_width();
        let most = (room - texts - gap).max(room * 0.3);
        // Upright, since the frame is: a wide picture loses its sides, not its subject.
        let card_height = (card_width * shape.max(0.98)).min(most);
        let spare = (room - texts - gap - card_height).max(0.0) * 0.45;
        let top = self.content_top + spare;
        let card_top = if text_first { top + texts + gap } else { top };
        self.framed_picture([self.left, card_top, card_width, card_height])?;

        let mut y = if text_first { top } else { card_top + card_height + gap };
        let bar = 96.0 * self.unit;
        self.bar(if text_first { self.left } else { (self.width - bar) / 2.0 }, y, bar, 0.0);
        y += bar_room;
        if let Some(block) = &caption {
            let center = if text_first { self.left + block.width / 2.0 } else { self.width / 2.0 };
            let come = self.caption_come([center, y + block.height / 2.0]);
            self.put(TextKind::Caption, block, [self.left, y], come);
            y += block.height + line_gap;
        }
        if let Some(block) = &detail {
            let come = self.detail_come();
            self.put(TextKind::Detail, block, [self.left, y], come);
        }
        self.put_header();
        Ok(())
    }

    /// The same in a square or wide frame: the texts in a column on the left, the picture on the right.
    fn card_beside(&mut self) -> Result<(), Error> {
        let right = self.right;
        self.right = (self.left + self.safe_width() * COLUMN).floor();
        let ground = Color { r: 95, g: 95, b: 95 };
        let accent = readable_tint(self.input.board.palette.accent, ground);
        let floor = self.disclaimer(WHITE, 0.0, true)?;
        let room = (floor - self.content_top).max(24.0 * self.unit);
        let texts = self.stack(WHITE, accent, 0.0, room * 0.94, 104.0)?;
        self.put_stack(&texts, self.content_top + (room - texts.height) * 0.46, 0.0);
        let x = self.right + (right - self.left) * 0.06;
        self.right = right;
        let (top, bottom) = (self.content_top, self.bottom.min(self.height * 0.93));
        self.framed_picture([x, top, right - x, (bottom - top).max(8.0)])?;
        self.put_header();
        Ok(())
    }

    /// The picture with rounded corners over a soft shadow.
    fn framed_picture(&mut self, rect: Rect) -> Result<(), Error> {
        let rect = rect.map(f64::round);
        let radius = 30.0 * self.unit;
        let below = [rect[0], rect[1] + 16.0 * self.unit, rect[2], rect[3]];
        pixels::drop_shadow(&mut self.base, below, radius, 54.0 * self.unit, 0.55);
        let mask = pixels::rounded_mask(rect[2] as usize, rect[3] as usize, radius);
        self.open_window(rect, Some(mask))
    }
}
