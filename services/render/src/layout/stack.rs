//! Caption and detail as one column, and the column of an end card.

use spotwright_schemas::storyboard::{Color, Layout, VisualStyle};

use super::{Come, Stage};
use crate::error::Error;
use crate::pixels;
use crate::scene::{Entrance, TextKind, ink_on, readable_ground, readable_tint};
use crate::text::Block;

/// Room of the mark before the caption, in units.
const MARK: f64 = 36.0;
/// Space between caption and detail, in units.
const GAP: f64 = 18.0;

/// Mark, caption and detail, set and measured.
pub(super) struct Stack {
    caption: Option<Block>,
    detail: Option<Block>,
    align: f64,
    /// Room that the lines were set in, in pixels.
    width: f64,
    /// Height of everything in pixels.
    pub(super) height: f64,
}

/// The texts of an end card, set and measured.
pub(super) struct End {
    brand: Option<Block>,
    caption: Option<Block>,
    detail: Option<Block>,
    button: Option<(Block, f64, Color)>,
    pub(super) height: f64,
}

impl Stage<'_> {
    /// Room of the mark before the caption in pixels; 0 in layouts whose shapes lead the eye already.
    fn mark_room(&self) -> f64 {
        match self.layout {
            Layout::Circle
            | Layout::Arch
            | Layout::Phone
            | Layout::Pedestal
            | Layout::PriceTag
            | Layout::Ticket
            | Layout::EndTicket
            | Layout::Ribbon
            | Layout::Burst
            | Layout::Place => 0.0,
            _ => MARK * self.unit,
        }
    }

    /// Sets mark, caption and detail for a room of the given height at full width.
    pub(super) fn stack(
        &self,
        ink: Color,
        accent: Option<Color>,
        align: f64,
        room: f64,
        largest: f64,
    ) -> Result<Stack, Error> {
        self.stack_within(ink, accent, align, [self.safe_width(), room], largest)
    }

    /// As [`Stage::stack`], in a room of any width.
    pub(super) fn stack_within(
        &self,
        ink: Color,
        accent: Option<Color>,
        align: f64,
        [width, room]: [f64; 2],
        largest: f64,
    ) -> Result<Stack, Error> {
        let shot = self.input.shot;
        let (mark, gap) = (self.mark_room(), GAP * self.unit);
        let faint = pixels::mix(ink, self.ground(), 0.06);
        let mut style = self.detail_style(faint, accent, align, room * 0.40, false);
        style.width = width;
        style.sizes[0] *= self.type_scale().min(1.0);
        let detail = self.set(&shot.detail, "detail", &style)?;
        let detail_height = detail.as_ref().map_or(0.0, |block| block.height + gap);
        let left_over = room - detail_height - mark;
        let mut style = self.caption_style(ink, accent, align, left_over, largest * self.type_scale());
        style.width = width;
        style.shadow = 0.0;
        style.bold = self.style() != VisualStyle::Premium;
        let caption = self.set(&shot.caption, "caption", &style)?;
        let height = mark + caption.as_ref().map_or(0.0, |block| block.height) + detail_height;
        Ok(Stack { caption, detail, align, width, height })
    }

    /// Puts a column with its upper edge at `top`, `indent` to the right of the safe zone's edge; returns its
    /// lower edge.
    pub(super) fn put_stack(&mut self, stack: &Stack, top: f64, indent: f64) -> f64 {
        let left = self.left + indent;
        let mut y = top;
        if self.mark_room() > 0.0 {
            let bar = 112.0 * self.unit;
            self.bar(left + (stack.width - bar) * stack.align, y, bar, 0.0);
            y += self.mark_room();
        }
        if let Some(block) = &stack.caption {
            let center = left + block.width / 2.0 + (stack.width - block.width) * stack.align;
            let come = self.caption_come([center, y + block.height / 2.0]);
            self.put(TextKind::Caption, block, [left, y], come);
            y += block.height;
        }
        if let Some(block) = &stack.detail {
            y += GAP * self.unit;
            let come = self.detail_come();
            self.put(TextKind::Detail, block, [left, y], come);
            y += block.height;
        }
        y
    }

    /// Sets brand, caption, detail and button for a room of the given height.
    pub(super) fn end_texts(&self, ink: Color, ground: Color, room: f64) -> Result<End, Error> {
        let shot = self.input.shot;
        let accent = readable_tint(self.accent(), ground);
        let gap = 22.0 * self.unit;
        let mut style = self.caption_style(accent.unwrap_or(ink), None, 0.5, room * 0.16, 42.0);
        style.sizes[1] = 14.0 * self.unit;
        style.shadow = 0.0;
        let brand = self.set(&shot.brand, "brand", &style)?;
        let faint = pixels::mix(ink, ground, 0.08);
        let mut style = self.detail_style(faint, accent, 0.5, room * 0.24, false);
        style.shadow = 0.0;
        let detail = self.set(&shot.detail, "detail", &style)?;
        let mut style = self.caption_style(ink, accent, 0.5, room * 0.42, 92.0 * self.type_scale());
        style.shadow = 0.0;
        style.bold = self.style() != VisualStyle::Premium;
        let caption = self.set(&shot.caption, "caption", &style)?;
        let button_color = self.accent();
        let face = readable_ground(if button_color.contrast(ground) >= 1.5 { button_color } else { ink });
        let mut style = self.caption_style(ink_on(face), None, 0.5, 104.0 * self.unit, 50.0);
        style.width = self.safe_width() - 120.0 * self.unit;
        style.serif = false;
        style.sizes[1] = 16.0 * self.unit;
        style.shadow = 0.0;
        let button = self.set(&shot.button, "button", &style)?.map(|block| (block, style.width, face));
        let of = |block: &Option<Block>| block.as_ref().map_or(0.0, |block| block.height + gap);
        let pressed = button.as_ref().map_or(0.0, |(block, ..)| block.height + 56.0 * self.unit + gap);
        let height = of(&brand) + of(&caption) + of(&detail) + pressed;
        Ok(End { brand, caption, detail, button, height })
    }

    /// Puts the texts of an end card with their upper edge at `top`.
    pub(super) fn put_end(&mut self, end: &End, top: f64) {
        let (gap, mut y) = (22.0 * self.unit, top);
        if let Some(block) = &end.brand {
            let come = Come::of(Entrance::Rise(20.0 * self.unit), 0.0);
            self.put(TextKind::Brand, block, [self.left, y], come);
            y += block.height + gap * 0.6;
        }
        if let Some(block) = &end.caption {
            let middle = f64::midpoint(self.left, self.right);
            let come = self.caption_come([middle, y + block.height / 2.0]);
            self.put(TextKind::Caption, block, [self.left, y], come);
            y += block.height + gap;
        }
        if let Some(block) = &end.detail {
            let come = self.detail_come();
            self.put(TextKind::Detail, block, [self.left, y], come);
            y += block.height + gap * 1.3;
        }
        if let Some((block, room, face)) = &end.button {
            self.button(block, *room, *face, y, 28.0 * self.unit);
        }
    }
}
