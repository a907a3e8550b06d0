//! Where the words of a watermark lie: slanted lines of them all over a picture.

use spotwright_schemas::storyboard::Color;

use crate::error::Error;
use crate::text::{Letters, Style};

/// How much of a picture the letters hide, and their shadow, 0–1.
const INK: f64 = 0.45;
const SHADE: f64 = 0.35;
/// Sine and cosine of the slant, 30 degrees, rising.
const SLANT: (f64, f64) = (-0.5, 0.866_025_403_784_438_6);
/// Height of letters, as a share of the shorter side.
const LETTERS: f64 = 1.0 / 11.0;
/// Distance of lines, in heights of a line; of one from the next in a row, in heights of letters.
const LINES: f64 = 2.2;
const GAP: f64 = 1.5;
/// Each line begins a part of its length later than the one before, so that no column is free.
const STAGGER: f64 = 0.37;

/// How much ink and shadow lie on each pixel, row by row.
pub(crate) struct Mask {
    width: usize,
    ink: Vec<u8>,
    shade: Vec<u8>,
}

/// The words in one line, as coverage 0–255.
struct Tile {
    width: usize,
    height: usize,
    coverage: Vec<u8>,
    letters: f64,
}

impl Tile {
    fn set(letters: &Letters, words: &str, side: f64) -> Result<Self, Error> {
        let px = (side * LETTERS).max(8.0);
        let style = Style {
            bold: true,
            serif: false,
            color: Color { r: 255, g: 255, b: 255 },
            emphasis: None,
            sizes: [px, px / 2.0],
            max_lines: 1,
            // As long as the words want: they are repeated, and go on behind the edges.
            width: px * (words.chars().count() + 4) as f64 * 1.5,
            height: px * 3.0,
            align: 0.0,
            shadow: 0.0,
        };
        let block = letters.fonts.set(words, &[], &style, "watermark")?;
        let line = block.and_then(|block| block.lines.into_iter().next());
        let line = line.ok_or_else(|| Error::Compositing("a watermark needs words".to_owned()))?;
        Ok(Self { width: line.layer.width, height: line.layer.height, coverage: line.coverage, letters: px })
    }

    /// Coverage at a place along the lines (`u`) and across them (`v`), both from anywhere.
    fn at(&self, u: f64, v: f64) -> f64 {
        let (along, across) = (self.width as f64 + GAP * self.letters, self.height as f64 * LINES);
        let line = (v / across).floor();
        let u = (u + line * STAGGER * along).rem_euclid(along);
        let v = v - line * across;
        let (column, row) = (u.floor(), v.floor());
        let (right, below) = (u - column, v - row);
        let value = |column: f64, row: f64| -> f64 {
            let (column, row) = (column as usize, row as usize);
            if column >= self.width || row >= self.height {
                return 0.0;
            }
            self.coverage.get(row * self.width + column).map_or(0.0, |value| f64::from(*value) / 255.0)
        };
        let upper = value(column, row) * (1.0 - right) + value(column + 1.0, row) * right;
        let lower = value(column, row + 1.0) * (1.0 - right) + value(column + 1.0, row + 1.0) * right;
        upper * (1.0 - below) + lower * below
    }
}

impl Mask {
    /// The mask of a picture of `width` by `height` pixels. All of `words` can be drawn.
    ///
    /// # Errors
    /// [`Error::Compositing`] for words of which nothing is left.
    pub(crate) fn new(letters: &Letters, words: &str, width: usize, height: usize) -> Result<Self, Error> {
        let tile = Tile::set(letters, words, width.min(height) as f64)?;
        let (sine, cosine) = SLANT;
        let shadow = (tile.letters / 16.0).max(1.0);
        let (middle_x, middle_y) = (width as f64 / 2.0, height as f64 / 2.0);
        let mut mask = Self {
            width,
            ink: Vec::with_capacity(width * height),
            shade: Vec::with_capacity(width * height),
        };
        for y in 0..height {
            for x in 0..width {
                let (dx, dy) = (x as f64 - middle_x, y as f64 - middle_y);
                let (u, v) = (dx * cosine + dy * sine, dy * cosine - dx * sine);
                let share = |covered: f64, most: f64| (covered * most * 255.0).round() as u8;
                mask.ink.push(share(tile.at(u, v), INK));
                mask.shade.push(share(tile.at(u - shadow, v - shadow), SHADE));
            }
        }
        Ok(mask)
    }

    /// Ink and shadow of every pixel.
    pub(crate) fn cover(&self) -> impl Iterator<Item = (u8, u8)> + '_ {
        self.ink.iter().copied().zip(self.shade.iter().copied())
    }

    /// The ink of every second pixel of every second row, as chroma has them.
    pub(crate) fn halved(&self) -> impl Iterator<Item = u8> + '_ {
        self.ink.chunks(self.width.max(1)).step_by(2).flat_map(|row| row.iter().step_by(2).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_quarter_of_a_picture_is_without_the_words() {
        let letters = Letters::load(&[]).unwrap();
        for (width, height) in [(360, 640), (640, 360), (512, 512), (144, 256)] {
            let mask =
                Mask::new(&letters, "PREVIEW · Hill Roasters · for the client", width, height).unwrap();
            assert_eq!((mask.ink.len(), mask.halved().count()), (width * height, width * height / 4));
            // Every window of a quarter of the area, in steps of an eighth of the sides.
            for (top, left) in (0..=4).flat_map(|y| (0..=4).map(move |x| (y * height / 8, x * width / 8))) {
                let inside = |at: usize| {
                    let (x, y) = (at % width, at / width);
                    (left..left + width / 2).contains(&x) && (top..top + height / 2).contains(&y)
                };
                let inked = mask.ink.iter().enumerate().filter(|(at, ink)| inside(*at) && **ink > 60).count();
                let share = inked as f64 / (width * height / 4) as f64;
                assert!(share > 0.03, "{width}x{height} at {left},{top}: {share}");
            }
        }
    }
}
