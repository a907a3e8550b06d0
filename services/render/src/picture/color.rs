//! Colors of pictures to sRGB, by what the file says of them.
//!
//! In PNG the order of precedence is cICP, iCCP, sRGB, cHRM with gAMA (PNG third edition, 4.3);
//! JPEG and WebP carry an ICC profile or nothing. What says nothing is sRGB.

use std::io::Cursor;

use image::DynamicImage;
use moxcms::{
    Chromaticity, CicpColorPrimaries, CicpProfile, CmsError, ColorPrimaries, ColorProfile, DataColorSpace,
    Layout, MatrixCoefficients, ToneReprCurve, TransferCharacteristics, TransformOptions, XyY,
};

/// Largest difference in codes of 255 at which a profile counts as sRGB itself: rounding of the
/// profiles that cameras and editors write for it.
const SAME: u8 = 2;
/// The gamma that stands for the sRGB curve in PNG (1/2.2), and how far a rounded one may be off.
const SRGB_GAMMA: f64 = 0.454_55;
/// Pixels converted at a time.
const STRIP: usize = 1 << 16;

/// What a PNG says of its colors and of being animated.
#[derive(Debug, Default)]
pub(super) struct PngFacts {
    pub(super) frames: u32,
    profile: Option<ColorProfile>,
}

/// Looks at the chunks in front of the picture. A file that does not decode says nothing here; the
/// decoder says what is wrong with it.
pub(super) fn png_facts(bytes: &[u8]) -> PngFacts {
    let Ok(reader) = png::Decoder::new(Cursor::new(bytes)).read_info() else { return PngFacts::default() };
    let info = reader.info();
    let frames = info.animation_control.map_or(0, |control| control.num_frames);
    let coded = info.coding_independent_code_points.and_then(|points| {
        let profile = ColorProfile::new_from_cicp(CicpProfile {
            color_primaries: CicpColorPrimaries::try_from(points.color_primaries).ok()?,
            transfer_characteristics: TransferCharacteristics::try_from(points.transfer_function).ok()?,
            matrix_coefficients: MatrixCoefficients::Identity,
            full_range: points.is_video_full_range_image,
        });
        profile.red_trc.is_some().then_some(profile)
    });
    let profile = match coded {
        Some(profile) => Some(profile),
        // The decoder hands the ICC profile out itself.
        None if info.icc_profile.is_some() || info.srgb.is_some() => None,
        None => measured(info),
    };
    PngFacts { frames, profile }
}

/// The profile of gAMA and cHRM.
fn measured(info: &png::Info<'_>) -> Option<ColorProfile> {
    let gamma = info.gama_chunk.map(|gamma| f64::from(gamma.into_value())).filter(|gamma| *gamma > 0.0);
    let primaries = info.chrm_chunk;
    if gamma.is_none() && primaries.is_none() {
        return None;
    }
    let mut profile = ColorProfile::new_srgb();
    profile.cicp = None;
    if let Some(chroma) = primaries {
        let [white, red, green, blue] = [chroma.white, chroma.red, chroma.green, chroma.blue]
            .map(|(x, y)| Chromaticity::new(x.into_value(), y.into_value()));
        if [white, red, green, blue].iter().any(|point| point.y <= 0.0) {
            return None;
        }
        let white = XyY::new(f64::from(white.x), f64::from(white.y), 1.0);
        profile.update_rgb_colorimetry(white, ColorPrimaries { red, green, blue });
    }
    if let Some(gamma) = gamma.filter(|gamma| (gamma - SRGB_GAMMA).abs() > 0.0006) {
        let curve = ToneReprCurve::Parametric(vec![(1.0 / gamma) as f32]);
        profile.red_trc = Some(curve.clone());
        profile.green_trc = Some(curve.clone());
        profile.blue_trc = Some(curve);
    }
    Some(profile)
}

/// What became of a picture's colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conversion {
    /// They are right: converted, or sRGB from the start.
    Done,
    /// The profile cannot be used; the colors were taken for sRGB.
    Unknown,
}

/// Converts the pixels to sRGB by the file's ICC profile, or by what a PNG says otherwise.
///
/// # Errors
/// The picture's size does not go with its pixels; a defect of a decoder.
pub(super) fn to_srgb(
    picture: DynamicImage,
    icc: Option<&[u8]>,
    facts: PngFacts,
) -> Result<(DynamicImage, Conversion), CmsError> {
    let profile = match (facts.profile, icc) {
        (Some(profile), _) => profile,
        (None, Some(icc)) => match ColorProfile::new_from_slice(icc) {
            Ok(profile) => profile,
            Err(_) => return Ok((picture, Conversion::Unknown)),
        },
        (None, None) => return Ok((picture, Conversion::Done)),
    };
    match profile.color_space {
        DataColorSpace::Rgb => {}
        DataColorSpace::Gray if !picture.color().has_color() => {}
        // The profile speaks of other channels than the picture has, e.g. of a JPEG in CMYK.
        _ => return Ok((picture, Conversion::Unknown)),
    }
    if is_srgb(&profile) {
        return Ok((picture, Conversion::Done));
    }
    convert(picture, &profile)
}

/// Whether a profile gives the colors of sRGB, tried on a grid of colors.
fn is_srgb(profile: &ColorProfile) -> bool {
    if profile.color_space != DataColorSpace::Rgb {
        return false;
    }
    let steps = || (0..=8_u32).map(|step| (step * 255 / 8) as u8);
    let grid: Vec<u8> =
        steps().flat_map(|r| steps().flat_map(move |g| steps().flat_map(move |b| [r, g, b]))).collect();
    let srgb = ColorProfile::new_srgb();
    let transform =
        profile.create_transform_8bit(Layout::Rgb, &srgb, Layout::Rgb, TransformOptions::default());
    let Ok(transform) = transform else { return false };
    let mut shown = vec![0; grid.len()];
    transform.transform(&grid, &mut shown).is_ok()
        && grid.iter().zip(&shown).all(|(a, b)| a.abs_diff(*b) <= SAME)
}

/// Converts strip by strip, so that no second copy of the picture is needed.
fn convert(picture: DynamicImage, profile: &ColorProfile) -> Result<(DynamicImage, Conversion), CmsError> {
    let alpha = picture.color().has_alpha();
    let sixteen = picture.color().bytes_per_pixel() > picture.color().channel_count();
    let gray = profile.color_space == DataColorSpace::Gray;
    let to = if alpha { Layout::Rgba } else { Layout::Rgb };
    let from = match (gray, alpha) {
        (true, true) => Layout::GrayAlpha,
        (true, false) => Layout::Gray,
        (false, _) => to,
    };
    let (srgb, options) = (ColorProfile::new_srgb(), TransformOptions::default());
    let (width, height) = (picture.width(), picture.height());
    let data = if sixteen {
        let Ok(transform) = profile.create_transform_16bit(from, &srgb, to, options) else {
            return Ok((picture, Conversion::Unknown));
        };
        let wide = match (gray, alpha) {
            (true, true) => picture.into_luma_alpha16().into_raw(),
            (true, false) => picture.into_luma16().into_raw(),
            (false, true) => picture.into_rgba16().into_raw(),
            (false, false) => picture.into_rgb16().into_raw(),
        };
        // Eight bits are what is kept of every picture.
        let narrow = |value: &u16| ((u32::from(*value) * 255 + 32_767) / 65_535) as u8;
        let mut shown = Vec::with_capacity(width as usize * height as usize * to.channels());
        let mut strip = vec![0_u16; STRIP * to.channels()];
        for part in wide.chunks(STRIP * from.channels()) {
            let strip = &mut strip[..part.len() / from.channels() * to.channels()];
            transform.transform(part, strip)?;
            shown.extend(strip.iter().map(narrow));
        }
        shown
    } else {
        let Ok(transform) = profile.create_transform_8bit(from, &srgb, to, options) else {
            return Ok((picture, Conversion::Unknown));
        };
        let mut data = match (gray, alpha) {
            (true, true) => picture.into_luma_alpha8().into_raw(),
            (true, false) => picture.into_luma8().into_raw(),
            (false, true) => picture.into_rgba8().into_raw(),
            (false, false) => picture.into_rgb8().into_raw(),
        };
        let mut strip = vec![0_u8; STRIP * to.channels()];
        if gray {
            let mut shown = Vec::with_capacity(width as usize * height as usize * to.channels());
            for part in data.chunks(STRIP * from.channels()) {
                let strip = &mut strip[..part.len() / from.channels() * to.channels()];
                transform.transform(part, strip)?;
                shown.extend_from_slice(strip);
            }
            shown
        } else {
            for part in data.chunks_mut(STRIP * to.channels()) {
                let strip = &mut strip[..part.len()];
                transform.transform(part, strip)?;
                part.copy_from_slice(strip);
            }
            data
        }
    };
    whole(width, height, data, alpha)
        .map(|picture| (picture, Conversion::Done))
        .ok_or(CmsError::LaneSizeMismatch)
}

fn whole(width: u32, height: u32, data: Vec<u8>, alpha: bool) -> Option<DynamicImage> {
    if alpha {
        image::RgbaImage::from_raw(width, height, data).map(DynamicImage::ImageRgba8)
    } else {
        image::RgbImage::from_raw(width, height, data).map(DynamicImage::ImageRgb8)
    }
}
