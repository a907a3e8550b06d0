//! Decoding of pictures from outside, with limits that hold before memory is taken.

use std::io::Cursor;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::codecs::webp::WebPDecoder;
use image::{DynamicImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits};
use spotwright_schemas::error::{Code, Problem};

/// Largest accepted file in bytes.
pub const MAX_BYTES: usize = 20_000_000;
/// Largest accepted picture in pixels.
pub const MAX_PIXELS: u64 = 50_000_000;
/// Shortest and longest accepted side in pixels.
pub const SIDES: [u32; 2] = [64, 16_384];
/// Longest side that is kept; larger pictures are scaled down.
pub const KEPT_SIDE: u32 = 2_160;

/// A picture that is safe to use: decoded, upright, opaque and encoded again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedPicture {
    /// The picture as an RGB PNG without any of the original's metadata.
    pub png: Vec<u8>,
    /// Width in pixels, at most [`KEPT_SIDE`].
    pub width: u32,
    /// Height in pixels, at most [`KEPT_SIDE`].
    pub height: u32,
}

/// Decodes a JPEG, PNG or WebP file, turns it upright and encodes it again as PNG.
///
/// The type is told by the first bytes, not by a name. Transparent parts become white. Pictures
/// longer than [`KEPT_SIDE`] are scaled down. `field` is named in the error.
///
/// # Errors
/// - [`Code::PictureDamaged`]: another format, an animation, or content that does not decode whole.
/// - [`Code::PictureSize`]: more than [`MAX_BYTES`] or [`MAX_PIXELS`], or a side outside [`SIDES`].
pub fn import(bytes: &[u8], field: &str) -> Result<ImportedPicture, Problem> {
    let picture = decode(bytes, field)?;
    let (width, height, rgb) = scaled_down(picture, field)?;
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, PngFilter::Adaptive)
        .write_image(&rgb, width, height, image::ExtendedColorType::Rgb8)
        .map_err(|error| damaged(field, &error.to_string()))?;
    Ok(ImportedPicture { png, width, height })
}

fn damaged(field: &str, message: &str) -> Problem {
    Problem::new(Code::PictureDamaged, field, message)
}

/// Checks every limit, then decodes.
pub(crate) fn decode(bytes: &[u8], field: &str) -> Result<DynamicImage, Problem> {
    let size = |message: String| Err(Problem::new(Code::PictureSize, field, message));
    if bytes.len() > MAX_BYTES {
        return size(format!("the file has {} bytes; at most {MAX_BYTES} are accepted", bytes.len()));
    }
    let format = match bytes {
        [0xFF, 0xD8, 0xFF, ..] => ImageFormat::Jpeg,
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => ImageFormat::Png,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => ImageFormat::WebP,
        [] => return Err(damaged(field, "the file is empty")),
        _ => return Err(damaged(field, "the file is not a JPEG, PNG or WebP picture")),
    };
    let unreadable = |error: image::ImageError| {
        damaged(field, &format!("the picture does not decode: {}", error.to_string().trim_end_matches('.')))
    };
    let (width, height) = match claimed_png_size(bytes) {
        Some(size) => size,
        None => ImageReader::with_format(Cursor::new(bytes), format).into_dimensions().map_err(unreadable)?,
    };
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return size(format!("the picture has {width}x{height} pixels; at most 50 megapixels are accepted"));
    }
    if width.min(height) < SIDES[0] || width.max(height) > SIDES[1] {
        return size(format!(
            "the picture has {width}x{height} pixels; each side must be within {} and {}",
            SIDES[0], SIDES[1]
        ));
    }
    if format == ImageFormat::WebP
        && WebPDecoder::new(Cursor::new(bytes)).map_err(unreadable)?.has_animation()
    {
        return Err(damaged(field, "animated pictures are not accepted"));
    }
    if format == ImageFormat::Jpeg && !jpeg_is_whole(bytes) {
        return Err(damaged(field, "the JPEG ends before its picture does"));
    }
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDES[1]);
    limits.max_image_height = Some(SIDES[1]);
    // Eight bytes a pixel: 16-bit RGBA, the widest these formats hold.
    limits.max_alloc = Some(MAX_PIXELS * 8);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(unreadable)?;
    let orientation = decoder.orientation().map_err(unreadable)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

/// The size that the first chunk of a PNG claims (PNG third edition, 11.2.1), whatever follows it:
/// an absurd claim is refused as such even when nothing else of the picture is there.
fn claimed_png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    if bytes.first() != Some(&0x89) || bytes.get(12..16)? != b"IHDR" {
        return None;
    }
    let side = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    Some((side(16)?, side(20)?))
}

/// Flattens over white and scales so that no side exceeds [`KEPT_SIDE`]. Returns RGB bytes.
fn scaled_down(picture: DynamicImage, field: &str) -> Result<(u32, u32, Vec<u8>), Problem> {
    let (width, height) = (picture.width(), picture.height());
    let rgb = if picture.color().has_alpha() {
        let rgba = picture.into_rgba8();
        rgba.pixels()
            .flat_map(|pixel| {
                let alpha = u32::from(pixel[3]);
                [0, 1, 2].map(|idx| ((u32::from(pixel[idx]) * alpha + 255 * (255 - alpha) + 127) / 255) as u8)
            })
            .collect()
    } else {
        picture.into_rgb8().into_raw()
    };
    let longest = width.max(height);
    if longest <= KEPT_SIDE {
        return Ok((width, height, rgb));
    }
    let scale = f64::from(KEPT_SIDE) / f64::from(longest);
    let side = |pixels: u32| ((f64::from(pixels) * scale).round() as u32).max(1);
    let mut target = Image::new(side(width), side(height), PixelType::U8x3);
    let source = ImageRef::new(width, height, &rgb, PixelType::U8x3)
        .map_err(|error| damaged(field, &error.to_string()))?;
    Resizer::new()
        .resize(
            &source,
            &mut target,
            &ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)),
        )
        .map_err(|error| damaged(field, &error.to_string()))?;
    Ok((target.width(), target.height(), target.into_vec()))
}

/// Whether a JPEG's markers lead from the start of the picture to its end (ITU-T T.81 annex B).
///
/// Decoders fill a cut picture with gray; thumbnails inside metadata have end marks of their own,
/// so looking for the last mark would not do.
fn jpeg_is_whole(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        // Entropy-coded data and fill bytes are skipped up to the next real marker.
        while let Some(pair) = bytes.get(at..at + 2) {
            if pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xFF | 0xD0..=0xD7) {
                break;
            }
            at += 1;
        }
        match bytes.get(at + 1) {
            Some(0xD9) => return true,
            Some(_) => {}
            None => return false,
        }
        let Some(length) = bytes.get(at + 2..at + 4) else { return false };
        at += 2 + usize::from(u16::from_be_bytes([length[0], length[1]])).max(2);
    }
}
