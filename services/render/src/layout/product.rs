//! Products that were cut out of their plain ground: scenes around them, and layouts that show them free.

use std::sync::Arc;

use fast_image_resize::{FilterType, Resizer};
use spotwright_schemas::storyboard::{Color, Layout, Packshots};

use super::picture::ZOOM;
use super::{BLACK, Rect, Stage, WHITE, shapes};
use crate::error::Error;
use crate::pixels::{self, Raster};
use crate::scene::{Entrance, Sprite, ink_on, readable_ground, readable_tint};

/// Opacity of the shadow where the product stands.
const SHADOW: f64 = 0.5;
/// Opacity of the reflection at its upper edge, and its height as a share of the product's.
const REFLECTION: [f64; 2] = [0.22, 0.22];

impl Stage<'_> {
    /// The product cut out, where the storyboard wants it so and the picture has a plain ground.
    pub(super) fn product(&self) -> Option<Arc<Raster>> {
        if self.input.board.packshots != Packshots::OnScenes || self.input.clip.is_some() {
            return None;
        }
        self.input.picture.cutout()
    }

    /// A scene of the given size around a product, which stands in the part of the height `room`.
    pub(super) fn scene_around(
        &self,
        product: &Raster,
        size: [usize; 2],
        room: [f64; 2],
    ) -> Result<Raster, Error> {
        let [width, height] = size;
        let beside = self.product_beside;
        // Below brand and label also when the camera has come near.
        let below = 0.5 + (self.content_top / self.height - 0.48) / ZOOM;
        let room = if beside { [below, 0.86] } else { room };
        let mut scene = Raster::filled(width, height, [0, 0, 0, 255]);
        let (w, h) = (width as f64, height as f64);
        let wall = self.wall(product);
        // A dark wall needs more light for the product to stand out from it.
        let glow = if luma(wall) < 0.32 { [1.0, 30.0] } else { [0.36, 14.0] };
        let margin = if self.on_picture() { 0.17 } else { 0.12 };
        let place = if beside {
            [w * 0.52, h * room[0], w * 0.36, h * (room[1] - room[0])]
        } else {
            [w * margin, h * room[0], w * (1.0 - 2.0 * margin), h * (room[1] - room[0])]
        };
        let mut rect = fitted(product, place);
        // In a window that is much higher than the product it stands a little above the lower edge.
        rect[1] = (rect[1] - (place[3] - rect[3]).max(0.0) * 0.34).round();
        let horizon = rect[1] + rect[3] - h * 0.05;
        let light = [w * if beside { 0.70 } else { 0.5 }, h * (room[0] + room[1]) / 2.0];
        for (row, line) in scene.rows_mut().enumerate() {
            let y = row as f64 + 0.5;
            // The wall runs into the floor without an edge.
            let floor = ((y - horizon) / (h * 0.16)).clamp(0.0, 1.0);
            for (column, pixel) in line.chunks_exact_mut(4).enumerate() {
                let x = column as f64 + 0.5;
                let away = ((x - light[0]) / (w * 0.75)).hypot((y - light[1]) / (h * 0.5));
                let lit = (1.0 - away).clamp(0.0, 1.0);
                let noise = f64::from(((column * 7 + row * 13) % 4) as u8) / 4.0 - 0.375;
                let tone = |channel: u8| {
                    let base = f64::from(channel) * (0.72 + glow[0] * lit + 0.10 * floor);
                    base + glow[1] * lit
                };
                let tones = [wall.r, wall.g, wall.b].map(tone);
                let keep = if beside { kept_beside(tones, x / w) } else { 1.0 };
                for (to, tone) in pixel.iter_mut().zip(tones) {
                    *to = (tone * keep + noise).round().clamp(0.0, 255.0) as u8;
                }
            }
        }
        stand(&mut scene, product, rect)?;
        Ok(scene)
    }

    /// The color of the wall: the brand's, lighter or darker so that the product stands out.
    fn wall(&self, product: &Raster) -> Color {
        let (ground, accent) = (self.ground(), self.accent());
        let own = mean_luma(product);
        // White texts stand on walls that fill the frame.
        let most = if self.header_on_picture() { 0.55 } else { 0.94 };
        let tones = [(WHITE, 0.0), (WHITE, 0.18), (WHITE, 0.42), (WHITE, 0.66), (BLACK, 0.30), (BLACK, 0.52)];
        let walls = [accent, ground].into_iter().flat_map(|color| {
            tones.into_iter().map(move |(toward, share)| pixels::mix(color, toward, share))
        });
        // What is laid over the picture in the accent's color has to stand out from the wall.
        let plate = matches!(self.layout, Layout::PriceTag | Layout::Burst).then(|| readable_ground(accent));
        // Apart in brightness first, up to where more no longer helps; then the more vivid one.
        let worth = |wall: &Color| {
            let hidden = plate.is_some_and(|plate| plate.contrast(*wall) < 2.4);
            let apart = (luma(*wall) - own).abs().min(0.38) / 0.38;
            let too_light = (luma(*wall) - most).max(0.0) * 4.0;
            let too_dark = (0.20 - luma(*wall)).max(0.0) * 2.5;
            apart + 0.45 * vividness(*wall)
                - too_light
                - too_dark
                - 0.7 * muddiness(*wall)
                - if hidden { 1.0 } else { 0.0 }
        };
        walls.max_by(|a, b| worth(a).total_cmp(&worth(b))).unwrap_or(ground)
    }

    /// Puts the product, grown slowly over the shot, with its shadow on what is drawn so far.
    fn show_product(&mut self, product: &Raster, room: Rect, reflected: bool) -> Result<Rect, Error> {
        let rect = fitted(product, room);
        let layer = scaled(product, rect[2], rect[3])?;
        shadow(&mut self.base, rect);
        if reflected {
            reflect(&mut self.base, &layer, rect);
        }
        self.sprites.push(Sprite {
            layer,
            x: rect[0].round() as i64,
            y: rect[1].round() as i64,
            entrance: if self.opens() { Entrance::None } else { Entrance::Rise(60.0 * self.unit) },
            start: self.pace(0.0) - 1e-3,
            length: self.pace(0.5),
            pulse: None,
            span: None,
            // Downwards as much as it grows, so that it stays on its ground.
            drift: Some([[0.0, 0.0, 1.0], [0.0, -rect[3] * 0.025, 1.05]]),
        });
        Ok(rect)
    }

    /// The product in a pool of light, the caption above it.
    pub(super) fn spotlight(&mut self) -> Result<(), Error> {
        let Some(product) = self.product() else { return self.framed() };
        let ground = self.brand_base();
        let (u, ink) = (self.unit, ink_on(ground));
        let accent = readable_tint(self.accent(), ground);
        let floor = self.disclaimer(pixels::mix(ink, ground, 0.14), self.alignment(), false)?;
        let room = floor - self.content_top;
        let area = if self.wide() {
            let texts = self.stack(ink, accent, 0.0, room * 0.94, 104.0)?;
            self.put_stack(&texts, self.content_top + (room - texts.height) * 0.46, 0.0);
            self.product_area()
        } else {
            let texts = self.stack(ink, accent, self.alignment(), room * 0.36, 104.0)?;
            let below = self.put_stack(&texts, self.content_top, 0.0);
            let end = self.bleed(floor).min(self.height * 0.95);
            [self.left, below + 62.0 * u, self.safe_width(), end - below - 92.0 * u]
        };
        self.pool(area);
        self.show_product(&product, area, true)?;
        self.put_header();
        Ok(())
    }

    /// Where a product stands in a wide frame, beside the texts.
    fn product_area(&self) -> Rect {
        let [x, _, wide, high] = self.beside();
        [x, high * 0.09, wide * 0.94, high * 0.80]
    }

    /// A pool of the accent's light in an area without text.
    fn pool(&mut self, area: Rect) {
        let accent = self.accent();
        // It ends where the area does: texts stand above and below.
        let (center, radius) =
            ([area[0] + area[2] / 2.0, area[1] + area[3] / 2.0], [area[2] * 0.62, area[3] / 2.0]);
        for (row, line) in self.base.rows_mut().enumerate() {
            for (column, pixel) in line.chunks_exact_mut(4).enumerate() {
                let away =
                    ((column as f64 - center[0]) / radius[0]).hypot((row as f64 - center[1]) / radius[1]);
                let share = (1.0 - away).clamp(0.0, 1.0).powi(2) * 0.55;
                if share > 0.0 {
                    for (to, from) in pixel.iter_mut().zip([accent.r, accent.g, accent.b]) {
                        *to = (f64::from(*to) + (f64::from(from) - f64::from(*to)) * share).round() as u8;
                    }
                }
            }
        }
    }

    /// The product on a pedestal, the caption below.
    pub(super) fn pedestal(&mut self) -> Result<(), Error> {
        let Some(product) = self.product() else { return self.circle() };
        let ground = self.brand_base();
        let (u, ink) = (self.unit, ink_on(ground));
        let accent = readable_tint(self.accent(), ground);
        let floor = self.disclaimer(pixels::mix(ink, ground, 0.14), 0.5, false)?;
        let room = floor - self.content_top;
        let high = 92.0 * u;
        let (area, top) = if self.wide() {
            let texts = self.stack(ink, accent, 0.0, room * 0.94, 92.0)?;
            self.put_stack(&texts, self.content_top + (room - texts.height) * 0.46, 0.0);
            let mut area = self.product_area();
            let top = area[1] + area[3] - high;
            area[3] = top + 18.0 * u - area[1];
            (area, top)
        } else {
            let texts = self.stack(ink, accent, 0.5, room * 0.34, 92.0)?;
            let text_top = floor - texts.height;
            self.put_stack(&texts, text_top, 0.0);
            let top = text_top - 60.0 * u - high;
            ([self.left, self.content_top, self.safe_width(), top + 18.0 * u - self.content_top], top)
        };
        let inset = area[2] * 0.10;
        let area = [area[0] + inset, area[1], area[2] - 2.0 * inset, area[3]];
        let wide = (fitted(&product, area)[2] * 1.14).max(area[2] * 0.52);
        self.plinth([area[0] + (area[2] - wide) / 2.0, top, wide, high]);
        self.show_product(&product, area, false)?;
        self.put_header();
        Ok(())
    }

    /// A round pedestal: an ellipse over its own side.
    fn plinth(&mut self, [x, y, wide, high]: Rect) {
        let ground = self.ground();
        let dark = luma(ground) < 0.5;
        let top = pixels::mix(ground, if dark { WHITE } else { BLACK }, 0.20);
        let (rx, ry) = (wide / 2.0, wide * 0.11);
        let layer = shapes::shaded([wide, high + 2.0 * ry], |px, py| {
            let across = (px - rx) / rx;
            let edge = |cy: f64| (1.0 - across.hypot((py - cy) / ry)) * ry;
            let on_top = (edge(ry) + 0.5).clamp(0.0, 1.0);
            let body = if across.abs() <= 1.0 && py >= ry && py <= ry + high { 1.0 } else { 0.0_f64 };
            let under = (edge(ry + high) + 0.5).clamp(0.0, 1.0);
            let side = pixels::mix(top, BLACK, 0.18 + 0.34 * across.abs());
            if on_top > 0.0 { (top, on_top) } else { (side, body.max(under)) }
        });
        self.still(layer, x, y - ry + 18.0 * self.unit);
    }

    /// The product before a giant word: the caption's first figure, or the product's name.
    pub(super) fn giant_word(&mut self) -> Result<(), Error> {
        let Some(product) = self.product() else { return self.poster() };
        let ground = self.brand_base();
        let (u, ink) = (self.unit, ink_on(ground));
        let accent = readable_tint(self.accent(), ground);
        let floor = self.disclaimer(pixels::mix(ink, ground, 0.14), 0.0, false)?;
        let room = floor - self.content_top;
        let area = if self.wide() {
            let texts = self.stack(ink, accent, 0.0, room * 0.94, 84.0)?;
            self.put_stack(&texts, self.content_top + (room - texts.height) * 0.46, 0.0);
            self.product_area()
        } else {
            let texts = self.stack(ink, accent, 0.0, room * 0.30, 84.0)?;
            let text_top = floor - texts.height;
            self.put_stack(&texts, text_top, 0.0);
            [self.left, self.content_top, self.safe_width(), text_top - self.content_top - 48.0 * u]
        };
        let word = self.telling_figure().unwrap_or_else(|| self.input.shot.brand.clone());
        let mut style = self.caption_style(pixels::mix(ink, ground, 0.16), None, 0.5, area[3] * 0.5, 420.0);
        style.max_lines = 1;
        style.sizes[1] = 40.0 * u;
        (style.shadow, style.width) = (0.0, area[2]);
        // A word that does not fit in one line is left out: the caption says it.
        let mut down = area[3] * 0.16;
        if let Ok(Some(block)) = self.set(&word, "caption", &style) {
            self.put_ornament(&block, [area[0], area[1]]);
            // The product hides the foot of the word and no more.
            down = down.max(block.height * 0.70).min(area[3] * 0.5);
        }
        let room = [area[0], area[1] + down, area[2], area[3] - down];
        self.show_product(&product, room, true)?;
        self.put_header();
        Ok(())
    }

    /// End card: the product in a circle or cut out, and what to do below.
    pub(super) fn end_product(&mut self) -> Result<(), Error> {
        if !self.wide() && self.height < self.width * 1.4 && self.product().is_none() {
            // A circle above the texts of a short frame would be a button.
            return self.end_card();
        }
        let ground = self.brand_base();
        let (u, ink) = (self.unit, ink_on(ground));
        self.footing();
        let floor = self.disclaimer(pixels::mix(ink, ground, 0.14), 0.5, false)?;
        let room = floor - self.content_top;
        let end = self.end_texts(ink, ground, room * if self.wide() { 0.94 } else { 0.52 })?;
        let area = if self.wide() {
            self.put_end(&end, self.content_top + (room - end.height) * 0.46);
            self.product_area()
        } else {
            let top = floor - end.height - 10.0 * u;
            self.put_end(&end, top);
            [self.left, self.content_top, self.safe_width(), top - self.content_top - 34.0 * u]
        };
        if let Some(product) = self.product() {
            self.pool(area);
            self.show_product(&product, area, true)?;
        } else {
            // A picture may reach into what players cover above.
            let above = if self.wide() { 0.0 } else { (area[1] - self.height * 0.03).max(0.0) * 0.7 };
            let side = area[2].min(area[3] + above);
            let top = area[1] - above + (area[3] + above - side) / 2.0;
            self.disk([area[0] + (area[2] - side) / 2.0, top, side, side])?;
        }
        self.put_header();
        Ok(())
    }

    /// The figure of the caption that is worth to be seen large, as it is written: an amount or a share
    /// before any other, which has two digits at least. Numbers of a list and times of day are none.
    pub(super) fn telling_figure(&self) -> Option<String> {
        telling_figure(&self.input.shot.caption)
    }

    /// The amount of the caption as large as an offer shows it; `None` where it names none, or none that
    /// fits.
    pub(super) fn amount(
        &self,
        color: Color,
        align: f64,
        [width, height]: [f64; 2],
    ) -> Option<crate::text::Block> {
        let figure = self.telling_figure().filter(|figure| is_amount(figure))?;
        let mut style = self.caption_style(color, None, align, height, 170.0);
        (style.max_lines, style.width, style.shadow, style.serif) = (1, width, 0.0, false);
        self.set(&figure, "caption", &style).ok().flatten()
    }

    /// Text that is part of the picture: it is said again where it is to be read.
    pub(super) fn put_ornament(&mut self, block: &crate::text::Block, [x, y]: [f64; 2]) {
        for line in &block.lines {
            self.still(line.layer.clone(), x + line.x as f64, y + line.y as f64);
        }
    }
}

/// How much of a wall's light is left where white texts stand beside the product, `across` the frame: so much
/// that they read without a shade, which would lie over the product too.
fn kept_beside(tones: [f64; 3], across: f64) -> f64 {
    /// Relative luminance on which white has a contrast of 5.8:1.
    const DARK: f64 = 0.13;
    let [r, g, b] = tones.map(|tone| (tone / 255.0).clamp(0.0, 1.0).powi(2));
    let t = ((across - 0.46) / 0.22).clamp(0.0, 1.0);
    let most = DARK + (1.0 - DARK) * t * t * (3.0 - 2.0 * t);
    (most / (0.2126 * r + 0.7152 * g + 0.0722 * b).max(1e-6)).sqrt().min(1.0)
}

/// The largest rectangle of the layer's shape within `room`, standing on its lower edge.
fn fitted(layer: &Raster, room: Rect) -> Rect {
    let (w, h) = (layer.width as f64, layer.height as f64);
    let scale = (room[2].max(8.0) / w).min(room[3].max(8.0) / h);
    let (wide, high) = (w * scale, h * scale);
    [room[0] + (room[2] - wide) / 2.0, room[1] + room[3] - high, wide, high].map(f64::round)
}

/// A layer in another size.
fn scaled(layer: &Raster, width: f64, height: f64) -> Result<Raster, Error> {
    let mut target = Raster::filled((width as usize).max(2), (height as usize).max(2), [0; 4]);
    let whole = [0.0, 0.0, layer.width as f64, layer.height as f64];
    let filter = if width < layer.width as f64 { FilterType::Lanczos3 } else { FilterType::CatmullRom };
    pixels::resample(&mut Resizer::new(), layer, whole, &mut target, filter)?;
    // Sharp filters overshoot; a color above its opacity would shine.
    for pixel in target.data.chunks_exact_mut(4) {
        let alpha = pixel[3];
        for channel in &mut pixel[..3] {
            *channel = (*channel).min(alpha);
        }
    }
    Ok(target)
}

/// Sets a product into an opaque picture, with shadow and reflection.
fn stand(scene: &mut Raster, product: &Raster, rect: Rect) -> Result<(), Error> {
    let layer = scaled(product, rect[2], rect[3])?;
    shadow(scene, rect);
    reflect(scene, &layer, rect);
    pixels::blend(scene, &layer, rect[0].round() as i64, rect[1].round(), 1.0);
    Ok(())
}

/// The shadow where a product stands: narrow and dark below it, wide and soft around.
fn shadow(scene: &mut Raster, rect: Rect) {
    let bottom = rect[1] + rect[3];
    let center = rect[0] + rect[2] / 2.0;
    let (width, height) = (scene.width as f64, scene.height as f64);
    let (rx, ry) = (rect[2] * 0.62, rect[2] * 0.10);
    let from = (bottom - 2.5 * ry).max(0.0) as usize;
    let until = (bottom + 2.5 * ry).min(height) as usize;
    for y in from..until {
        for x in (center - 1.6 * rx).max(0.0) as usize..(center + 1.6 * rx).min(width) as usize {
            let (dx, dy) = ((x as f64 + 0.5 - center) / rx, (y as f64 + 0.5 - bottom) / ry);
            let wide = (-(dx * dx + dy * dy) * 1.6).exp();
            let narrow = (-(dx * dx * 2.2 + dy * dy * 9.0)).exp();
            let keep = 1.0 - SHADOW * (0.55 * wide + 0.45 * narrow);
            let at = (y * scene.width + x) * 4;
            for byte in &mut scene.data[at..at + 3] {
                *byte = (f64::from(*byte) * keep).round() as u8;
            }
        }
    }
}

/// The product mirrored below itself, fading out.
fn reflect(scene: &mut Raster, layer: &Raster, rect: Rect) {
    let deep = (rect[3] * REFLECTION[1]) as usize;
    let mut mirrored = Raster::filled(layer.width, deep.clamp(2, layer.height), [0; 4]);
    let rows = mirrored.height;
    for (row, line) in mirrored.rows_mut().enumerate() {
        let from = (layer.height - 1 - row) * layer.width * 4;
        let share = REFLECTION[0] * (1.0 - row as f64 / rows as f64).powi(2);
        for (to, from) in line.iter_mut().zip(&layer.data[from..from + layer.width * 4]) {
            *to = (f64::from(*from) * share).round() as u8;
        }
    }
    pixels::blend(scene, &mirrored, rect[0].round() as i64, rect[1] + rect[3] - 2.0, 1.0);
}

/// The figure of a caption that is worth to be seen large, see [`Stage::telling_figure`].
fn telling_figure(caption: &str) -> Option<String> {
    let caption = crate::lines::clean(caption);
    let figures: Vec<(&str, [&str; 2])> = crate::lines::figures(&caption)
        .into_iter()
        .filter_map(|range| {
            Some((caption.get(range.clone())?, [caption.get(..range.start)?, caption.get(range.end..)?]))
        })
        .collect();
    // Of two prices the lower one is to be paid now, whichever is named first.
    let amounts = || figures.iter().filter(|(figure, _)| is_amount(figure));
    let prices = || amounts().filter(|(figure, _)| !figure.contains(['%', '％', '折']));
    let lowest = prices().min_by(|a, b| value_of(a.0).total_cmp(&value_of(b.0)));
    let amount = if prices().count() > 1 { lowest } else { amounts().next() };
    let counted = || {
        figures.iter().find(|(figure, [before, after])| {
            let next = after.trim_start();
            let is_time = before.ends_with([':', '：'])
                || after.starts_with([':', '：', '点', '时'])
                || ["am", "pm", "a.m", "p.m", "o'clock"].iter().any(|part| next.starts_with(part));
            figure.chars().filter(char::is_ascii_digit).count() > 1 && !is_time && !figure.ends_with('.')
        })
    };
    match amount {
        Some((figure, _)) => Some((*figure).to_owned()),
        None => counted().map(|(figure, [_, after])| with_unit(figure, after)),
    }
}

/// A figure with the unit that follows it, since a number alone says little when it is seen large.
fn with_unit(figure: &str, after: &str) -> String {
    const CHINESE: [&str; 20] = [
        "小时", "分钟", "个月", "公里", "毫升", "千克", "公斤", "升", "克", "秒", "天", "年", "周", "米",
        "次", "人", "位", "家", "件", "集",
    ];
    const LATIN: [&str; 18] = [
        "hours", "hour", "minutes", "minute", "seconds", "days", "day", "weeks", "months", "years", "km",
        "miles", "ml", "kg", "grams", "g", "m", "meters",
    ];
    if let Some(unit) = CHINESE.iter().find(|unit| after.starts_with(**unit)) {
        return format!("{figure}{unit}");
    }
    let next: String = after.trim_start().chars().take_while(|c| c.is_alphabetic()).collect();
    let is_apart = after.starts_with([' ', '\u{A0}']);
    if is_apart && LATIN.contains(&next.as_str()) {
        format!("{figure}\u{A0}{next}")
    } else {
        figure.to_owned()
    }
}

/// The number of a figure, without its signs and the commas between thousands.
fn value_of(figure: &str) -> f64 {
    let digits: String = figure.chars().filter(|c| c.is_ascii_digit() || *c == '.').collect();
    digits.parse().unwrap_or(f64::INFINITY)
}

/// Whether a figure is an amount of money or a share.
pub(super) fn is_amount(figure: &str) -> bool {
    figure.contains(['%', '％', '¥', '￥', '$', '€', '£', '元', '折'])
}

fn luma(color: Color) -> f64 {
    (f64::from(color.r) * 0.2126 + f64::from(color.g) * 0.7152 + f64::from(color.b) * 0.0722) / 255.0
}

/// How much a color is a yellow or an orange without its light, which looks like mud, 0–1.
pub(super) fn muddiness(color: Color) -> f64 {
    let [r, g, b] = [color.r, color.g, color.b].map(|channel| f64::from(channel) / 255.0);
    let is_yellow = r >= g * 0.95 && g > r * 0.58 && b < g * 0.62;
    if is_yellow { ((0.80 - r) / 0.3).clamp(0.0, 1.0) } else { 0.0 }
}

/// Range of a color's channels, 0–1.
fn vividness(color: Color) -> f64 {
    f64::from(color.r.max(color.g).max(color.b) - color.r.min(color.g).min(color.b)) / 255.0
}

/// Mean luma of what is opaque, 0–1.
fn mean_luma(layer: &Raster) -> f64 {
    let (mut sum, mut count) = (0.0, 1e-6);
    for pixel in layer.data.chunks_exact(4).step_by(7).filter(|pixel| pixel[3] > 200) {
        sum += luma(Color { r: pixel[0], g: pixel[1], b: pixel[2] });
        count += 1.0;
    }
    sum / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_come_first_and_numbers_of_a_list_or_a_clock_are_not_worth_to_be_large() {
        for (caption, figure) in [
            ("$29 instead of $39 until Sunday", Some("$29")),
            ("25 ounces for $34", Some("$34")),
            ("Dropped 50 times, still no leak", Some("50")),
            ("Keeps ice for 24 hours, tea for 12", Some("24\u{A0}hours")),
            ("冰块24小时不化，热茶12小时不凉", Some("24小时")),
            ("首单立减50元", Some("50元")),
            ("到周日前，39元减到29元", Some("29元")),
            ("$39, now $29 until Sunday", Some("$29")),
            ("3. Every part goes in the dishwasher", None),
            ("Monday, 7 am, the bottle goes in the car door", None),
            ("Doors open at 10:30", None),
            ("Fresh every morning", None),
        ] {
            assert_eq!(telling_figure(caption).as_deref(), figure, "{caption}");
        }
    }
}
