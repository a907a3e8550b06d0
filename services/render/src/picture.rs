//! Decoding of pictures from outside, with limits that hold before memory is taken.

mod caged;
mod color;
mod cutout;
mod flight;
mod ground;
mod mend;
mod verdict;

use std::io::Cursor;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::codecs::png::{CompressionType, FilterType as PngFilter, PngEncoder};
use image::codecs::webp::WebPDecoder;
use image::{DynamicImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits};
use serde::{Deserialize, Serialize};
use spotwright_schemas::error::{Code, Problem};
use spotwright_schemas::storyboard::Color;

pub use caged::PictureImport;
pub(crate) use caged::{JOB, job};
pub(crate) use cutout::cut_out;
pub use flight::Flight;
pub use verdict::{FLAT, NEARLY_BLACK, unusable};

/// Largest accepted file in bytes.
pub const MAX_BYTES: usize = 20_000_000;
/// Largest accepted picture in pixels.
pub const MAX_PIXELS: u64 = 50_000_000;
/// Shortest and longest accepted side in pixels.
pub const SIDES: [u32; 2] = [64, 16_384];
/// Longest side that is kept; larger pictures are scaled down.
pub const KEPT_SIDE: u32 = 2_160;

/// Said of a picture whose color profile cannot be used.
pub const UNKNOWN_PROFILE: &str =
    "its color profile cannot be used, so its colors may look different; save it in sRGB";
/// Said of a white drawing on a transparent ground.
pub const WHITE_ON_NOTHING: &str = "it is white on a transparent ground; it is shown on a dark one";

/// Luminance contrast below which a drawing does not show on its ground.
const SHOWS: f64 = 1.35;
/// Dark ground of light drawings on transparency.
const DARK: [u8; 3] = [22, 24, 29];

/// A picture that is safe to use: decoded, upright, in sRGB, opaque and encoded again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedPicture {
    /// The picture as an RGB PNG without any of the original's metadata.
    pub png: Vec<u8>,
    /// Width in pixels, at most [`KEPT_SIDE`].
    pub width: u32,
    /// Height in pixels, at most [`KEPT_SIDE`].
    pub height: u32,
    /// What was changed or assumed and the person should know of, one sentence each.
    pub remarks: Vec<String>,
}

/// Decodes a JPEG, PNG or WebP file, turns it upright, converts its colors to sRGB and encodes it
/// again as PNG. **In this process**: for pictures of our own making, and inside of a caged child;
/// [`PictureImport`] does the same with foreign ones.
///
/// The type is told by the first bytes, not by a name. Transparent parts become white, or dark where
/// the drawing itself is white. Pictures longer than [`KEPT_SIDE`] are scaled down. `field` is named
/// in the error. The pixels of the file are in memory once, as the file has them, and with 16 bits a
/// channel a second time with 8; [`Flight`] bounds what several imports use together.
///
/// # Errors
/// - [`Code::PictureDamaged`]: another format, an animation, or content that does not decode whole.
/// - [`Code::PictureSize`]: more than [`MAX_BYTES`] or [`MAX_PIXELS`], or a side outside [`SIDES`].
pub fn import(bytes: &[u8], field: &str) -> Result<ImportedPicture, Problem> {
    Pixels::of(bytes, field, false)?.encoded(field)
}

/// As [`import`], for a picture that lies over others: its transparent parts stay transparent.
///
/// # Errors
/// As [`import`].
pub fn import_layer(bytes: &[u8], field: &str) -> Result<ImportedPicture, Problem> {
    Pixels::of(bytes, field, true)?.encoded(field)
}

/// What was changed or assumed of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Remark {
    UnknownProfile,
    WhiteOnNothing,
}

impl Remark {
    fn words(self) -> &'static str {
        match self {
            Self::UnknownProfile => UNKNOWN_PROFILE,
            Self::WhiteOnNothing => WHITE_ON_NOTHING,
        }
    }
}

/// Pixels of a picture that is safe to use: RGB, or RGBA where it is a layer, 8 bits each.
struct Pixels {
    width: u32,
    height: u32,
    layer: bool,
    data: Vec<u8>,
    remarks: Vec<Remark>,
}

impl Pixels {
    fn of(bytes: &[u8], field: &str, layer: bool) -> Result<Self, Problem> {
        let Decoded { picture, mut remarks } = decode(bytes, field)?;
        let small = scaled_down(picture, field)?;
        let (width, height) = (small.width(), small.height());
        let data = if layer { small.into_rgba8().into_raw() } else { flattened(small, &mut remarks) };
        Ok(Self { width, height, layer, data, remarks })
    }

    fn encoded(self, field: &str) -> Result<ImportedPicture, Problem> {
        let Self { width, height, layer, data, remarks } = self;
        let color = if layer { image::ExtendedColorType::Rgba8 } else { image::ExtendedColorType::Rgb8 };
        let mut png = Vec::new();
        PngEncoder::new_with_quality(&mut png, CompressionType::Fast, PngFilter::Adaptive)
            .write_image(&data, width, height, color)
            .map_err(|error| damaged(field, &error.to_string()))?;
        let told = remarks.into_iter().map(|remark| remark.words().to_owned());
        Ok(ImportedPicture { png, width, height, remarks: told.collect() })
    }
}

/// A picture as the file has it, upright and in sRGB.
pub(crate) struct Decoded {
    pub(crate) picture: DynamicImage,
    remarks: Vec<Remark>,
}

fn damaged(field: &str, message: &str) -> Problem {
    Problem::new(Code::PictureDamaged, field, message)
}

/// The format by the first bytes, of a file that is not too long; nothing of it is decoded.
fn sniffed(bytes: &[u8], field: &str) -> Result<ImageFormat, Problem> {
    if bytes.len() > MAX_BYTES {
        let message = format!("the file has {} bytes; at most {MAX_BYTES} are accepted", bytes.len());
        return Err(Problem::new(Code::PictureSize, field, message));
    }
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Ok(ImageFormat::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Ok(ImageFormat::Png),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(ImageFormat::WebP),
        [] => Err(damaged(field, "the file is empty")),
        _ => Err(damaged(field, "the file is not a JPEG, PNG or WebP picture")),
    }
}

/// Checks every limit, then decodes.
pub(crate) fn decode(bytes: &[u8], field: &str) -> Result<Decoded, Problem> {
    let size = |message: String| Err(Problem::new(Code::PictureSize, field, message));
    let format = sniffed(bytes, field)?;
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
    let facts = if format == ImageFormat::Png { color::png_facts(bytes) } else { color::PngFacts::default() };
    let animated = facts.frames > 1
        || format == ImageFormat::WebP
            && WebPDecoder::new(Cursor::new(bytes)).map_err(unreadable)?.has_animation();
    if animated {
        return Err(damaged(
            field,
            "animated pictures are not accepted; save one frame as a picture of its own",
        ));
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
    let profile = decoder.icc_profile().map_err(unreadable)?;
    let picture = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
    let (mut picture, conversion) = color::to_srgb(picture, profile.as_deref(), facts)
        .map_err(|error| damaged(field, &format!("the colors cannot be converted: {error}")))?;
    picture.apply_orientation(orientation);
    let mut remarks = Vec::new();
    if conversion == color::Conversion::Unknown {
        remarks.push(Remark::UnknownProfile);
    }
    Ok(Decoded { picture, remarks })
}

/// The pixels that a file claims to hold; `None` when it is no picture.
fn claimed_pixels(bytes: &[u8]) -> Option<u64> {
    let size = claimed_png_size(bytes)
        .or_else(|| ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?.into_dimensions().ok());
    size.map(|(width, height)| u64::from(width) * u64::from(height))
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

/// Scales so that no side exceeds [`KEPT_SIDE`]; eight bits a channel.
fn scaled_down(picture: DynamicImage, field: &str) -> Result<DynamicImage, Problem> {
    let wrong = |message: String| damaged(field, &message);
    let (width, height) = (picture.width(), picture.height());
    let alpha = picture.color().has_alpha();
    let longest = width.max(height);
    if longest <= KEPT_SIDE {
        return Ok(if alpha { picture.into_rgba8().into() } else { picture.into_rgb8().into() });
    }
    let scale = f64::from(KEPT_SIDE) / f64::from(longest);
    let side = |pixels: u32| ((f64::from(pixels) * scale).round() as u32).max(1);
    let (w, h) = (side(width), side(height));
    // The large copy goes before the small one is encoded.
    let (data, kind) = if alpha {
        (picture.into_rgba8().into_raw(), PixelType::U8x4)
    } else {
        (picture.into_rgb8().into_raw(), PixelType::U8x3)
    };
    let source = ImageRef::new(width, height, &data, kind).map_err(|error| wrong(error.to_string()))?;
    let mut target = Image::new(w, h, kind);
    // With alpha, colors count by their opacity, so that what is transparent does not bleed in.
    let options =
        ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3)).use_alpha(alpha);
    Resizer::new().resize(&source, &mut target, &options).map_err(|error| wrong(error.to_string()))?;
    let small = target.into_vec();
    let whole = if alpha {
        image::RgbaImage::from_raw(w, h, small).map(DynamicImage::ImageRgba8)
    } else {
        image::RgbImage::from_raw(w, h, small).map(DynamicImage::ImageRgb8)
    };
    whole.ok_or_else(|| wrong("the scaled picture has another size than expected".to_owned()))
}

/// RGB bytes over white, or over a dark ground when nothing of the picture would show on white.
fn flattened(picture: DynamicImage, remarks: &mut Vec<Remark>) -> Vec<u8> {
    if !picture.color().has_alpha() {
        return picture.into_rgb8().into_raw();
    }
    let rgba = picture.into_rgba8();
    let ground = if shows_on_white(&rgba) {
        [255; 3]
    } else {
        remarks.push(Remark::WhiteOnNothing);
        DARK
    };
    let over = |pixel: &image::Rgba<u8>| {
        let alpha = u32::from(pixel[3]);
        [0, 1, 2].map(|idx| {
            ((u32::from(pixel[idx]) * alpha + u32::from(ground[idx]) * (255 - alpha) + 127) / 255) as u8
        })
    };
    rgba.pixels().flat_map(over).collect()
}

/// Whether a hundredth of what is drawn stands out from white. A picture with nothing transparent
/// keeps its own ground, and one with nothing on it has nothing to show.
fn shows_on_white(rgba: &image::RgbaImage) -> bool {
    let white = Color { r: 255, g: 255, b: 255 };
    let (mut clear, mut drawn, mut seen) = (0_u64, 0_u64, 0_u64);
    for pixel in rgba.pixels() {
        clear += u64::from(pixel[3] < 250);
        if pixel[3] < 128 {
            continue;
        }
        drawn += 1;
        let [r, g, b, _] = pixel.0;
        seen += u64::from(Color { r, g, b }.contrast(white) >= SHOWS);
    }
    clear == 0 || drawn == 0 || seen * 100 >= drawn
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
