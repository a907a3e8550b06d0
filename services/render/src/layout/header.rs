//! Brand and label of a shot, at its top.

use spotwright_schemas::locale::Language;
use spotwright_schemas::storyboard::Color;

use super::{BLACK, COLUMN, Come, Stage, WHITE};
use crate::error::Error;
use crate::pixels;
use crate::scene::{Entrance, TextKind, ink_on};
use crate::text::Style;

/// Strongest shade under a header that does not look like smoke over the picture.
const SMOKE: f64 = 0.46;

impl Stage<'_> {
    /// Sets the label of AI-made content (top right) and the brand (top left).
    pub(super) fn header(&mut self) -> Result<(), Error> {
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
                serif: false,
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
        let color = if on_picture { WHITE } else { ink_on(self.ground()) };
        // The end card shows the brand large; a second time would be noise.
        if !self.layout.is_end() {
            let style = Style {
                bold: true,
                serif: false,
                color,
                emphasis: None,
                sizes: [33.0 * self.unit, 11.0 * self.unit],
                max_lines: 3,
                width: if self.wide() { room.min(self.safe_width() * COLUMN) - mark } else { room - mark }
                    .max(40.0 * self.unit),
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
    pub(super) fn put_header(&mut self) {
        if let Some(rect) = self.label_pill {
            let layer = pixels::pill(rect[2] as usize, rect[3] as usize, rect[3] * 0.22, BLACK, 0.84);
            self.still(layer, rect[0], rect[1]);
        }
        for (kind, block, [x, y]) in std::mem::take(&mut self.header) {
            if kind == TextKind::Brand && self.brand_plate {
                let pad = [14.0 * self.unit, 5.0 * self.unit];
                let size = [x - self.left + block.width + pad[0], block.height + 2.0 * pad[1]];
                let radius = self.corner().min(size[1] / 2.0);
                let layer = pixels::pill(
                    (size[0] + pad[0]).ceil() as usize,
                    size[1].ceil() as usize,
                    radius,
                    self.shade_tint(),
                    0.92,
                );
                self.still(layer, self.left - pad[0], y - pad[1]);
            }
            if kind == TextKind::Brand {
                let (w, h) = ((7.0 * self.unit).max(2.0), (block.height * 0.62).max(4.0));
                let layer = pixels::pill(w as usize, h as usize, w / 2.0, self.mark_color(), 1.0);
                self.still(layer, self.left, (y + (block.height - h) / 2.0).round());
            }
            let from = self.boxes.len();
            self.put(kind, &block, [x, y], Come::of(Entrance::None, 0.0));
            for text in &mut self.boxes[from..] {
                text.plated |= kind == TextKind::Brand && self.brand_plate;
            }
        }
    }

    /// How much of a shade the header gets that needs `strength` of it: up to [`SMOKE`] a soft one is hardly seen;
    /// where more is needed, the brand gets a plate instead and the picture stays as it is.
    pub(super) fn header_shade(&mut self, strength: f64) -> f64 {
        let has_brand = self.header.iter().any(|(kind, ..)| *kind == TextKind::Brand);
        self.brand_plate = has_brand && strength > SMOKE;
        if self.brand_plate || !has_brand { 0.12_f64.min(strength) } else { strength }
    }

    /// The accent color, or the text color where the accent would not stand out.
    pub(super) fn mark_color(&self) -> Color {
        let (ground, accent) = if self.on_picture() {
            (Color { r: 60, g: 60, b: 60 }, self.input.board.palette.accent)
        } else {
            (self.ground(), self.accent())
        };
        if accent.contrast(ground) >= 1.6 { accent } else { ink_on(ground) }
    }
}
