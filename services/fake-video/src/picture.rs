//! Pictures that clients send.

use std::fmt;
use std::io::Cursor;

use image::imageops::FilterType;
use image::{ImageReader, Limits, RgbImage};

/// Longest side and most bytes of memory that are decoded.
const MAX_SIDE: u32 = 8_192;
const MAX_DECODED: u64 = 512 << 20;

/// A decoded picture.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Picture(RgbImage);

impl fmt::Debug for Picture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Picture({} × {})", self.width(), self.height())
    }
}

impl Picture {
    /// Decodes PNG, JPEG or WebP, told apart by their first bytes.
    ///
    /// # Errors
    /// Words for the client: no picture, damaged, or too large.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, String> {
        let mut reader =
            ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
        let mut limits = Limits::default();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        limits.max_alloc = Some(MAX_DECODED);
        reader.limits(limits);
        let picture = reader.decode().map_err(|error| error.to_string())?;
        Ok(Self(picture.to_rgb8()))
    }

    pub(crate) fn width(&self) -> u32 {
        self.0.width()
    }

    pub(crate) fn height(&self) -> u32 {
        self.0.height()
    }

    /// Filled into `width` × `height`: scaled to cover it, the middle is kept.
    pub(crate) fn cover(&self, width: u32, height: u32) -> Self {
        let (from_width, from_height) = (f64::from(self.width()), f64::from(self.height()));
        let scale = (f64::from(width) / from_width).max(f64::from(height) / from_height);
        let (kept_width, kept_height) = (f64::from(width) / scale, f64::from(height) / scale);
        let left = ((from_width - kept_width) / 2.0).round().max(0.0) as u32;
        let top = ((from_height - kept_height) / 2.0).round().max(0.0) as u32;
        let kept = image::imageops::crop_imm(
            &self.0,
            left,
            top,
            (kept_width.round() as u32).clamp(1, self.width()),
            (kept_height.round() as u32).clamp(1, self.height()),
        )
        .to_image();
        Self(image::imageops::resize(&kept, width.max(1), height.max(1), FilterType::Triangle))
    }

    /// Red and blue exchanged.
    pub(crate) fn recolored(&self) -> Self {
        let mut picture = self.0.clone();
        for pixel in picture.pixels_mut() {
            pixel.0.swap(0, 2);
        }
        Self(picture)
    }

    /// Squeezed to six tenths of its width between the edges, which are drawn out.
    pub(crate) fn squeezed(&self) -> Self {
        let (width, height) = (self.width(), self.height());
        let narrow = (width * 6 / 10).max(1);
        let squeezed = image::imageops::resize(&self.0, narrow, height, FilterType::Triangle);
        let margin = (width - narrow) / 2;
        Self(RgbImage::from_fn(width, height, |x, y| {
            *squeezed.get_pixel(x.saturating_sub(margin).min(narrow - 1), y)
        }))
    }

    /// Mirrored left to right.
    pub(crate) fn mirrored(&self) -> Self {
        Self(image::imageops::flip_horizontal(&self.0))
    }

    /// The pixel nearest to a place in [0, 1] × [0, 1].
    pub(crate) fn at(&self, across: f64, down: f64) -> [u8; 3] {
        let place = |part: f64, side: u32| ((part * f64::from(side)) as u32).min(side - 1);
        self.0.get_pixel(place(across, self.width()), place(down, self.height())).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Black, with a bar of `color` over the columns from 10 to 60 of 100.
    fn bar(color: [u8; 3]) -> Picture {
        Picture(RgbImage::from_fn(100, 40, |x, _| {
            image::Rgb(if (10..60).contains(&x) { color } else { [0; 3] })
        }))
    }

    /// First and last column that are not dark, in the middle row.
    fn bright(picture: &Picture) -> (u32, u32) {
        let row = picture.height() / 2;
        let is_bright =
            |x: &u32| picture.0.get_pixel(*x, row).0.into_iter().max().is_some_and(|part| part > 100);
        let mut columns = (0..picture.width()).filter(is_bright);
        let first = columns.next().unwrap();
        (first, columns.next_back().unwrap())
    }

    #[test]
    fn distortions_change_width_side_and_color() {
        let picture = bar([200, 10, 20]);
        assert_eq!(bright(&picture), (10, 59));
        assert_eq!(bright(&picture.mirrored()), (40, 89));
        let (first, last) = bright(&picture.squeezed());
        assert!((28..=31).contains(&(last - first)), "{first}–{last}");
        assert_eq!(picture.recolored().at(0.3, 0.5), [20, 10, 200]);
    }

    #[test]
    fn a_frame_is_covered_and_the_middle_kept() {
        let covered = bar([255; 3]).cover(40, 40);
        assert_eq!((covered.width(), covered.height()), (40, 40));
        // Columns 30 to 70 are kept; the bar ends at 60.
        assert_eq!(bright(&covered).0, 0);
        assert!((28..=30).contains(&bright(&covered).1));
    }

    #[test]
    fn what_is_no_picture_is_refused_in_words() {
        assert!(!Picture::decode(b"no picture").unwrap_err().is_empty());
        assert!(!Picture::decode(b"\x89PNG\r\n\x1a\nbroken").unwrap_err().is_empty());
    }
}
