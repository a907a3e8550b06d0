//! Pictures as files: which size is made for an ad, what a model begins with, and the PNG that comes out.

use std::io::Cursor;

use candle_core::{DType, Device, Tensor};
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use spotwright_schemas::random::Stream;
use spotwright_schemas::storyboard::FrameSize;

use crate::folder::Folder;

/// Largest file of a picture in bytes.
pub(crate) const MAX_BYTES: usize = 20_000_000;
/// Largest picture in pixels.
const MAX_PIXELS: u64 = 25_000_000;
/// Longest and shortest side of a picture in pixels.
const SIDES: [u32; 2] = [32, 16_384];
/// Sides of what is made are multiples of this many pixels, or of what one latent value covers.
const MULTIPLE: u32 = 8;
/// Shortest side of what is made, in pixels: smaller pictures are not taken by those who set them in motion.
const SHORTEST: u32 = 64;
/// How much smaller than possible a side may become for a ratio nearer to the ad's.
const SHRINK: f64 = 0.8;

/// The size that comes nearest to the ad's ratio: sides in multiples, of at least 64 and together at most `most`
/// pixels, not larger than the ad; of equally near ones the largest.
pub(crate) fn size(ad: FrameSize, most: u32, folder: &Folder) -> FrameSize {
    let multiple = MULTIPLE.max(u32::try_from(folder.pixels_per_value).unwrap_or(MULTIPLE));
    nearest(ad, most, multiple)
}

fn nearest(ad: FrameSize, most: u32, multiple: u32) -> FrameSize {
    let (width, height) = (f64::from(ad.width.max(1)), f64::from(ad.height.max(1)));
    let scale = (f64::from(most) / (width * height)).sqrt().min(1.0);
    let steps = |length: f64| length / f64::from(multiple);
    let shortest = SHORTEST.div_ceil(multiple);
    // So narrow that the shortest height still fits.
    let first =
        (steps(width * scale * SHRINK) as u32).min(most / multiple / multiple / shortest).max(shortest);
    let last = (steps(width * scale).ceil() as u32).max(first);
    let mut best: Option<(f64, FrameSize)> = None;
    for wide in first..=last {
        let exact = f64::from(wide) * height / width;
        let highest = most / multiple / multiple / wide;
        for high in [exact.floor() as u32, exact.ceil() as u32, highest].map(|high| high.max(shortest)) {
            let size = FrameSize { width: wide * multiple, height: high * multiple };
            if size.width.saturating_mul(size.height) > most {
                continue;
            }
            let away = (f64::from(wide) / f64::from(high) * height / width).ln().abs();
            // Widths grow, so an equally near size is a larger one.
            if best.is_none_or(|(least, _)| away <= least + 1e-9) {
                best = Some((away, size));
            }
        }
    }
    let least = FrameSize { width: shortest * multiple, height: shortest * multiple };
    best.map_or(least, |(_, size)| size)
}

/// Whether a file is a PNG, JPEG or WebP picture of a size that is taken. Reads its header.
pub(crate) fn check(bytes: &[u8]) -> Result<(), String> {
    if bytes.len() > MAX_BYTES {
        return Err(format!("has {} bytes, and at most {MAX_BYTES} are taken", bytes.len()));
    }
    let reader = ImageReader::with_format(Cursor::new(bytes), format(bytes)?);
    let (width, height) = reader.into_dimensions().map_err(|error| error.to_string())?;
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS || width.min(height) < SIDES[0] || width.max(height) > SIDES[1] {
        return Err(format!(
            "is {width}×{height}: sides of {} to {} pixels and at most {MAX_PIXELS} together are taken",
            SIDES[0], SIDES[1]
        ));
    }
    Ok(())
}

/// A picture as the model takes it: upright, over white, cut to the size's ratio around its middle and scaled;
/// `[1, 3, height, width]` in -1..=1.
pub(crate) fn start(bytes: &[u8], size: FrameSize) -> Result<Tensor, String> {
    check(bytes)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format(bytes)?);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDES[1]);
    limits.max_image_height = Some(SIDES[1]);
    // Eight bytes a pixel: 16-bit RGBA, the widest these formats hold.
    limits.max_alloc = Some(MAX_PIXELS * 8);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|error| error.to_string())?;
    let orientation = decoder.orientation().map_err(|error| error.to_string())?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(|error| error.to_string())?;
    picture.apply_orientation(orientation);
    let picture = DynamicImage::ImageRgb8(over_white(&picture));
    let fitted = picture.resize_to_fill(size.width, size.height, FilterType::Lanczos3).into_rgb8();
    let shape = (size.height as usize, size.width as usize, 3);
    let values: Vec<f32> = fitted.into_raw().iter().map(|value| f32::from(*value) / 127.5 - 1.0).collect();
    let tensor = Tensor::from_vec(values, shape, &Device::Cpu).and_then(|tensor| tensor.permute((2, 0, 1)));
    tensor.and_then(|tensor| tensor.contiguous()?.unsqueeze(0)).map_err(|error| error.to_string())
}

/// Noise of the latent values of a picture: a function of the seed and the place, whatever the machine.
pub(crate) fn noise(seed: u32, size: FrameSize, folder: &Folder) -> Result<Tensor, String> {
    let side = |pixels: u32| pixels as usize / folder.pixels_per_value;
    let shape = (1, folder.vae.latent_channels, side(size.height), side(size.width));
    let stream = Stream::new(u64::from(seed), "keyframes noise");
    let count = shape.1 * shape.2 * shape.3;
    let values: Vec<f32> = (0..count as u64).map(|idx| stream.normal(idx) as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).map_err(|error| error.to_string())
}

/// A PNG of a picture, `[3, height, width]` in 0..=1, which says in its metadata that a model made it, under an id
/// of its pixels: equal pictures are equal files. `from_picture`: whether it was made from another picture.
pub(crate) fn png(picture: &Tensor, from_picture: bool) -> Result<Vec<u8>, String> {
    let said = |error: candle_core::Error| error.to_string();
    let (_, height, width) = picture.dims3().map_err(said)?;
    let values = picture.to_dtype(DType::F32).and_then(|picture| picture.permute((1, 2, 0))?.flatten_all());
    let values = values.and_then(|values| values.to_vec1::<f32>()).map_err(said)?;
    let pixels: Vec<u8> =
        values.iter().map(|value| (value * 255.0).round().clamp(0.0, 255.0) as u8).collect();
    let id = id(&[&pixels]);
    let mut file = Vec::new();
    let failed = |error: png::EncodingError| error.to_string();
    let mut encoder = png::Encoder::new(&mut file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    encoder.set_source_srgb(png::SrgbRenderingIntent::Perceptual);
    encoder.add_text_chunk("AIGC".to_owned(), label(&id)).map_err(failed)?;
    encoder.add_itxt_chunk("XML:com.adobe.xmp".to_owned(), xmp(from_picture)).map_err(failed)?;
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(file)
}

/// An id of content, printable ASCII.
pub(crate) fn id(parts: &[&[u8]]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    format!("keyframe-{}", &hasher.finalize().to_hex()[..32])
}

/// The label of content that a model made, in the form that China's rules prescribe for metadata.
///
/// # Source
/// GB 45438-2025 and TC260-PG-20257A, as the studio writes it into videos.
fn label(id: &str) -> String {
    format!(
        r#"{{"Label":"1","ContentProducer":"spotwright","ProduceID":"{id}","ReservedCode1":"","ContentPropagator":"spotwright","PropagateID":"{id}","ReservedCode2":""}}"#
    )
}

/// Where the picture comes from, in the words of the IPTC.
///
/// # Source
/// IPTC NewsCodes, digital source type; IPTC Photo Metadata Standard, `Iptc4xmpExt:DigitalSourceType`.
fn xmp(from_picture: bool) -> String {
    let kind = if from_picture { "compositeWithTrainedAlgorithmicMedia" } else { "trainedAlgorithmicMedia" };
    format!(
        r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/{kind}"/></rdf:RDF></x:xmpmeta>"#
    )
}

fn format(bytes: &[u8]) -> Result<ImageFormat, String> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Ok(ImageFormat::Jpeg),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n', ..] => Ok(ImageFormat::Png),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Ok(ImageFormat::WebP),
        _ => Err("is no JPEG, PNG or WebP picture".to_owned()),
    }
}

fn over_white(picture: &DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.to_rgb8();
    }
    let picture = picture.to_rgba8();
    let mut flat = RgbImage::new(picture.width(), picture.height());
    for (to, from) in flat.pixels_mut().zip(picture.pixels()) {
        let alpha = u32::from(from.0[3]);
        to.0 = [0, 1, 2].map(|place| {
            let mixed = u32::from(from.0[place]) * alpha + 255 * (255 - alpha);
            ((mixed + 127) / 255) as u8
        });
    }
    flat
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sized(width: u32, height: u32, most: u32) -> (u32, u32) {
        let size = nearest(FrameSize { width, height }, most, 8);
        (size.width, size.height)
    }

    #[test]
    fn sizes_keep_the_ratio_of_the_ad() {
        assert_eq!(sized(1_080, 1_920, 512 * 512), (360, 640));
        assert_eq!(sized(1_080, 1_080, 512 * 512), (512, 512));
        assert_eq!(sized(1_080, 1_350, 512 * 512), (448, 560));
        assert_eq!(sized(1_920, 1_080, 512 * 512), (640, 360));
        assert_eq!(sized(1_080, 1_920, 768 * 768), (576, 1_024));
        assert_eq!(sized(320, 180, 512 * 512), (256, 144));
        // Too narrow: what is missing is cut off above and below, or at the sides.
        assert_eq!(sized(160, 2_160, 16_384), (64, 256));
        assert_eq!(sized(2_160, 160, 16_384), (256, 64));
    }

    proptest! {
        #[test]
        fn sizes_are_multiples_within_the_limit(
            width in 160..2_160_u32, height in 160..2_160_u32, most in 16_384..786_432_u32,
        ) {
            let (made_width, made_height) = sized(width, height, most);
            prop_assert_eq!((made_width % 8, made_height % 8), (0, 0));
            prop_assert!(made_width.min(made_height) >= 64 && made_width * made_height <= most);
            let ratio = f64::from(made_width) / f64::from(made_height) * f64::from(height) / f64::from(width);
            // Half a step of the shorter side is what cannot be had.
            let step = 8.0 / f64::from(made_width.min(made_height));
            let narrow = made_width.min(made_height) == 64;
            prop_assert!(narrow || ratio.ln().abs() <= step, "{made_width}x{made_height}: {ratio}");
        }
    }

    fn file(width: u32, height: u32, color: [u8; 4]) -> Vec<u8> {
        let picture = image::RgbaImage::from_pixel(width, height, image::Rgba(color));
        let mut file = Cursor::new(Vec::new());
        DynamicImage::ImageRgba8(picture).write_to(&mut file, ImageFormat::Png).unwrap();
        file.into_inner()
    }

    #[test]
    fn a_picture_is_cut_scaled_and_laid_over_white() {
        let size = FrameSize { width: 48, height: 80 };
        let tensor = start(&file(100, 60, [255, 0, 0, 128]), size).unwrap();
        assert_eq!(tensor.dims(), [1, 3, 80, 48]);
        let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let (red, green) = (values[0], values[80 * 48]);
        assert!((red - 1.0).abs() < 0.01 && green.abs() < 0.02, "{red} {green}");
    }

    #[test]
    fn pictures_that_are_none_are_refused() {
        assert!(check(b"").unwrap_err().contains("is no JPEG"));
        assert!(check(b"#EXTM3U").unwrap_err().contains("is no JPEG"));
        assert!(check(&file(16, 400, [0; 4])).unwrap_err().contains("16×400"));
        let whole = file(64, 64, [9, 9, 9, 255]);
        assert!(start(&whole[..whole.len() - 30], FrameSize { width: 48, height: 48 }).is_err());
        assert!(check(&vec![0xFF; MAX_BYTES + 1]).unwrap_err().contains("bytes"));
    }

    #[test]
    fn a_png_holds_its_pixels_and_says_who_made_it() {
        let ramp: Vec<f32> = (0..3 * 4 * 2).map(|value| value as f32 / 23.0).collect();
        let picture = Tensor::from_vec(ramp, (3, 4, 2), &Device::Cpu).unwrap();
        let file = png(&picture, false).unwrap();
        let back = image::load_from_memory(&file).unwrap().into_rgb8();
        assert_eq!(back.dimensions(), (2, 4));
        assert_eq!(back.get_pixel(1, 0).0, [11, 100, 188]);
        let decoder = png::Decoder::new(Cursor::new(&file)).read_info().unwrap();
        let texts = &decoder.info().uncompressed_latin1_text;
        assert_eq!(texts[0].keyword, "AIGC");
        assert!(
            texts[0].text.contains(r#""Label":"1""#) && texts[0].text.contains(r#""ProduceID":"keyframe-"#)
        );
        let xmp = decoder.info().utf8_text[0].get_text().unwrap();
        assert!(xmp.contains("digitalsourcetype/trainedAlgorithmicMedia"), "{xmp}");
        assert_eq!(file, png(&picture, false).unwrap());
    }

    #[test]
    fn noise_is_normal_and_follows_the_seed() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tiny");
        let folder = Folder::open(&folder).unwrap();
        let size = FrameSize { width: 64, height: 128 };
        let drawn = |seed| {
            let noise = noise(seed, size, &folder).unwrap();
            assert_eq!(noise.dims(), [1, 4, 64, 32]);
            noise.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        let first = drawn(1);
        assert_eq!(first, drawn(1));
        assert_ne!(first, drawn(2));
        let count = first.len() as f32;
        let mean = first.iter().sum::<f32>() / count;
        let variance = first.iter().map(|value| value * value).sum::<f32>() / count;
        assert!(mean.abs() < 0.05 && (variance - 1.0).abs() < 0.05, "{mean} {variance}");
    }
}
