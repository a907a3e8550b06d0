//! Pixel work: scaling, blending, blurring, conversion. All pixels are premultiplied sRGB RGBA.
//!
//! Inner loops are plain integer arithmetic over slices so that the compiler can vectorize them.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use spotwright_media::Yuv420;
use spotwright_schemas::storyboard::Color;

use crate::error::Error;

/// A rectangle of premultiplied RGBA pixels, row-major, 4 bytes a pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raster {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) data: Vec<u8>,
}

/// A part of a raster in fractional pixels: left, top, width, height.
pub(crate) type Crop = [f64; 4];

impl Raster {
    pub(crate) fn filled(width: usize, height: usize, color: [u8; 4]) -> Self {
        Self { width, height, data: color.repeat(width * height) }
    }

    pub(crate) fn rows_mut(&mut self) -> std::slice::ChunksExactMut<'_, u8> {
        let row = self.width.max(1) * 4;
        self.data.chunks_exact_mut(row)
    }

    pub(crate) fn pixel(&self, x: usize, y: usize) -> [u8; 4] {
        let at = (y * self.width + x) * 4;
        [self.data[at], self.data[at + 1], self.data[at + 2], self.data[at + 3]]
    }
}

/// Scales `crop` of an opaque raster to fill `target`.
pub(crate) fn resample(
    resizer: &mut Resizer,
    source: &Raster,
    crop: Crop,
    target: &mut Raster,
    filter: FilterType,
) -> Result<(), Error> {
    let fail = |error: String| Error::Compositing(error);
    let from = ImageRef::new(source.width as u32, source.height as u32, &source.data, PixelType::U8x4)
        .map_err(|error| fail(error.to_string()))?;
    let (width, height) = (target.width as u32, target.height as u32);
    let mut to = Image::from_slice_u8(width, height, &mut target.data, PixelType::U8x4)
        .map_err(|error| fail(error.to_string()))?;
    // Rounding may push a crop over the edge by less than a millionth of a pixel.
    let left = crop[0].clamp(0.0, source.width as f64 - 1.0);
    let top = crop[1].clamp(0.0, source.height as f64 - 1.0);
    let wide = crop[2].min(source.width as f64 - left).max(1.0);
    let high = crop[3].min(source.height as f64 - top).max(1.0);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(filter))
        .use_alpha(false)
        .crop(left, top, wide, high);
    resizer.resize(&from, &mut to, &options).map_err(|error| fail(error.to_string()))
}

/// The largest centered part of `source` with the shape of `width` to `height`, moved towards
/// `focus` (shares of the source).
pub(crate) fn cover(source: (usize, usize), width: f64, height: f64, focus: (f64, f64)) -> Crop {
    let (sw, sh) = (source.0 as f64, source.1 as f64);
    let scale = (sw / width).min(sh / height);
    let (cw, ch) = (width * scale, height * scale);
    let left = (focus.0 * sw - cw / 2.0).clamp(0.0, (sw - cw).max(0.0));
    let top = (focus.1 * sh - ch / 2.0).clamp(0.0, (sh - ch).max(0.0));
    [left, top, cw, ch]
}

#[inline]
fn div255(value: u32) -> u32 {
    (value + 128 + ((value + 128) >> 8)) >> 8
}

/// Lays `source` over one row; `opacity` in 0..=255.
#[inline]
fn blend_row(target: &mut [u8], source: &[u8], opacity: u32) {
    if opacity == 255 {
        for (to, from) in target.chunks_exact_mut(4).zip(source.chunks_exact(4)) {
            let keep = 255 - u32::from(from[3]);
            for channel in 0..4 {
                to[channel] =
                    (u32::from(from[channel]) + div255(u32::from(to[channel]) * keep)).min(255) as u8;
            }
        }
    } else {
        for (to, from) in target.chunks_exact_mut(4).zip(source.chunks_exact(4)) {
            let keep = 255 - div255(u32::from(from[3]) * opacity);
            for channel in 0..4 {
                let over = div255(u32::from(from[channel]) * opacity);
                to[channel] = (over + div255(u32::from(to[channel]) * keep)).min(255) as u8;
            }
        }
    }
}

/// Lays `layer` over `canvas` with its corner at whole column `x` and fractional row `y`.
pub(crate) fn blend(canvas: &mut Raster, layer: &Raster, x: i64, y: f64, opacity: f64) {
    let opacity = (opacity.clamp(0.0, 1.0) * 255.0).round() as u32;
    if opacity == 0 || layer.width == 0 {
        return;
    }
    let from_x = (-x).max(0) as usize;
    let to_x = x.max(0) as usize;
    if from_x >= layer.width || to_x >= canvas.width {
        return;
    }
    let count = (layer.width - from_x).min(canvas.width - to_x);
    let top = y.floor();
    // Rows between two pixel rows are the weighted mean of both: movement without jitter.
    let weight = ((y - top) * 256.0).round() as u32;
    let top = top as i64;
    let mut mixed = vec![0_u8; count * 4];
    let row_bytes = layer.width * 4;
    let row = |idx: i64| -> Option<&[u8]> {
        let idx = usize::try_from(idx).ok().filter(|idx| *idx < layer.height)?;
        Some(&layer.data[idx * row_bytes + from_x * 4..idx * row_bytes + (from_x + count) * 4])
    };
    let last = layer.height as i64 + i64::from(weight > 0);
    for idx in 0..last {
        let Some(line) = usize::try_from(top + idx).ok().filter(|line| *line < canvas.height) else {
            continue;
        };
        let target =
            &mut canvas.data[(line * canvas.width + to_x) * 4..(line * canvas.width + to_x + count) * 4];
        if weight == 0 {
            if let Some(source) = row(idx) {
                blend_row(target, source, opacity);
            }
            continue;
        }
        mix_rows(&mut mixed, row(idx), row(idx - 1), weight);
        blend_row(target, &mixed, opacity);
    }
}

/// `here * (256 - weight) / 256 + above * weight / 256`; a missing row is transparent.
fn mix_rows(mixed: &mut [u8], here: Option<&[u8]>, above: Option<&[u8]>, weight: u32) {
    for (idx, to) in mixed.iter_mut().enumerate() {
        let a = here.map_or(0, |row| u32::from(row[idx]));
        let b = above.map_or(0, |row| u32::from(row[idx]));
        *to = ((a * (256 - weight) + b * weight + 128) >> 8) as u8;
    }
}

/// Lays `layer` over `canvas`, scaled about its center, which stands at (`cx`, `cy`). Bilinear.
pub(crate) fn blend_scaled(
    canvas: &mut Raster,
    layer: &Raster,
    center: (f64, f64),
    scale: f64,
    opacity: f64,
) {
    let opacity = (opacity.clamp(0.0, 1.0) * 255.0).round() as u32;
    if opacity == 0 || scale <= 0.0 || layer.width == 0 || layer.height == 0 {
        return;
    }
    let (half_w, half_h) = (layer.width as f64 / 2.0, layer.height as f64 / 2.0);
    let left = (center.0 - half_w * scale).floor().max(0.0) as usize;
    let top = (center.1 - half_h * scale).floor().max(0.0) as usize;
    let right = ((center.0 + half_w * scale).ceil().max(0.0) as usize).min(canvas.width);
    let bottom = ((center.1 + half_h * scale).ceil().max(0.0) as usize).min(canvas.height);
    if left >= right {
        return;
    }
    let mut row = vec![0_u8; (right - left) * 4];
    for y in top..bottom {
        let v = (y as f64 + 0.5 - center.1) / scale + half_h - 0.5;
        let (v0, fv) = (v.floor() as i64, ((v - v.floor()) * 256.0) as u32);
        for (idx, to) in row.chunks_exact_mut(4).enumerate() {
            let u = ((left + idx) as f64 + 0.5 - center.0) / scale + half_w - 0.5;
            let (u0, fu) = (u.floor() as i64, ((u - u.floor()) * 256.0) as u32);
            let at = |du: i64, dv: i64| -> [u8; 4] {
                match (usize::try_from(u0 + du), usize::try_from(v0 + dv)) {
                    (Ok(x), Ok(y)) if x < layer.width && y < layer.height => layer.pixel(x, y),
                    _ => [0; 4],
                }
            };
            let (a, b, c, d) = (at(0, 0), at(1, 0), at(0, 1), at(1, 1));
            for channel in 0..4 {
                let upper = u32::from(a[channel]) * (256 - fu) + u32::from(b[channel]) * fu;
                let lower = u32::from(c[channel]) * (256 - fu) + u32::from(d[channel]) * fu;
                to[channel] = ((upper * (256 - fv) + lower * fv + (1 << 15)) >> 16) as u8;
            }
        }
        let start = (y * canvas.width + left) * 4;
        blend_row(&mut canvas.data[start..start + row.len()], &row, opacity);
    }
}

/// Copies opaque `picture` into `canvas` at (`x`, `y`) through a coverage mask of the same size.
pub(crate) fn paste_masked(canvas: &mut Raster, picture: &Raster, mask: &[u8], x: usize, y: usize) {
    for (line, (source, cover)) in
        picture.data.chunks_exact(picture.width * 4).zip(mask.chunks_exact(picture.width)).enumerate()
    {
        let start = ((y + line) * canvas.width + x) * 4;
        let target = &mut canvas.data[start..start + picture.width * 4];
        for ((to, from), cover) in target.chunks_exact_mut(4).zip(source.chunks_exact(4)).zip(cover) {
            let cover = u32::from(*cover);
            for channel in 0..3 {
                to[channel] =
                    div255(u32::from(from[channel]) * cover + u32::from(to[channel]) * (255 - cover)) as u8;
            }
        }
    }
}

/// Lays `tint` over each row of an opaque canvas by `shade[row]` (0 = as it is, 255 = the tint alone).
pub(crate) fn shade_rows(canvas: &mut Raster, shade: &[u8], tint: Color) {
    for (row, shade) in canvas.rows_mut().zip(shade) {
        if *shade > 0 {
            // As `div255`, in sixteen bits: a mixture of two bytes in 255ths and 128 and what is added to it fit,
            // and twice as many bytes are worked on at once.
            let (keep, over) = (255 - u16::from(*shade), u16::from(*shade));
            let laid = [tint.r, tint.g, tint.b, 255].map(|channel| u16::from(channel) * over + 128);
            for pixel in row.chunks_exact_mut(4) {
                for (byte, laid) in pixel.iter_mut().zip(laid) {
                    let value = u16::from(*byte) * keep + laid;
                    *byte = ((value + (value >> 8)) >> 8) as u8;
                }
            }
        }
    }
}

/// Blurs by box passes per direction; three come close to a Gaussian with sigma `radius`.
pub(crate) fn blur(raster: &mut Raster, radius: usize, passes: usize) {
    if radius == 0 || raster.width == 0 {
        return;
    }
    for _ in 0..passes {
        for row in raster.data.chunks_exact_mut(raster.width * 4) {
            let copy = row.to_vec();
            box_pass(&copy, row, radius);
        }
    }
    let mut column = vec![0_u8; raster.height * 4];
    let mut result = vec![0_u8; raster.height * 4];
    for x in 0..raster.width {
        for (y, pixel) in column.chunks_exact_mut(4).enumerate() {
            pixel.copy_from_slice(&raster.pixel(x, y));
        }
        for _ in 0..passes {
            box_pass(&column, &mut result, radius);
            std::mem::swap(&mut column, &mut result);
        }
        for (y, pixel) in column.chunks_exact(4).enumerate() {
            let at = (y * raster.width + x) * 4;
            raster.data[at..at + 4].copy_from_slice(pixel);
        }
    }
}

/// Running mean over `2 * radius + 1` pixels of 4 bytes; edges are repeated.
fn box_pass(source: &[u8], target: &mut [u8], radius: usize) {
    let n = source.len() / 4;
    let at = |idx: i64| (idx.clamp(0, n as i64 - 1) as usize) * 4;
    let window = (2 * radius + 1) as u32;
    let mut sums = [0_u32; 4];
    for idx in -(radius as i64)..=radius as i64 {
        for (channel, sum) in sums.iter_mut().enumerate() {
            *sum += u32::from(source[at(idx) + channel]);
        }
    }
    for idx in 0..n as i64 {
        for (channel, sum) in sums.iter_mut().enumerate() {
            target[idx as usize * 4 + channel] = ((*sum + window / 2) / window) as u8;
            *sum += u32::from(source[at(idx + radius as i64 + 1) + channel]);
            *sum -= u32::from(source[at(idx - radius as i64) + channel]);
        }
    }
}

/// Distance in pixels from (`x`, `y`) to a rectangle with rounded corners; negative inside.
pub(crate) fn rounded_distance(x: f64, y: f64, rect: [f64; 4], radius: f64) -> f64 {
    let radius = radius.min(rect[2] / 2.0).min(rect[3] / 2.0);
    let dx = (x - rect[0] - rect[2] / 2.0).abs() - (rect[2] / 2.0 - radius);
    let dy = (y - rect[1] - rect[3] / 2.0).abs() - (rect[3] / 2.0 - radius);
    dx.max(dy).min(0.0) + dx.max(0.0).hypot(dy.max(0.0)) - radius
}

/// Coverage of a rounded rectangle that fills `width` x `height`, 0–255, row-major.
pub(crate) fn rounded_mask(width: usize, height: usize, radius: f64) -> Vec<u8> {
    let rect = [0.0, 0.0, width as f64, height as f64];
    let mut mask = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let distance = rounded_distance(x as f64 + 0.5, y as f64 + 0.5, rect, radius);
            mask.push(((0.5 - distance).clamp(0.0, 1.0) * 255.0).round() as u8);
        }
    }
    mask
}

/// A filled rounded rectangle as a layer of its own.
pub(crate) fn pill(width: usize, height: usize, radius: f64, color: Color, alpha: f64) -> Raster {
    let mask = rounded_mask(width, height, radius);
    let data = mask
        .iter()
        .flat_map(|cover| {
            let alpha = f64::from(*cover) * alpha;
            [color.r, color.g, color.b, 255].map(|channel| (f64::from(channel) * alpha / 255.0).round() as u8)
        })
        .collect();
    Raster { width, height, data }
}

/// Darkens `canvas` softly around `rect` as if it floated above: black with alpha `strength` at the
/// edge, fading out over `spread` pixels.
pub(crate) fn drop_shadow(canvas: &mut Raster, rect: [f64; 4], radius: f64, spread: f64, strength: f64) {
    let (width, height) = (canvas.width, canvas.height);
    let left = (rect[0] - spread).floor().max(0.0) as usize;
    let top = (rect[1] - spread).floor().max(0.0) as usize;
    let right = ((rect[0] + rect[2] + spread).ceil().max(0.0) as usize).min(width);
    let bottom = ((rect[1] + rect[3] + spread).ceil().max(0.0) as usize).min(height);
    for y in top..bottom {
        for x in left..right {
            let distance = rounded_distance(x as f64 + 0.5, y as f64 + 0.5, rect, radius);
            let fade = (1.0 - (distance / spread).clamp(0.0, 1.0)).powi(2);
            let keep = 1.0 - strength * fade;
            let at = (y * width + x) * 4;
            for byte in &mut canvas.data[at..at + 3] {
                *byte = (f64::from(*byte) * keep).round() as u8;
            }
        }
    }
}

/// Converts an opaque canvas to BT.709 limited range.
///
/// # Source
/// BT.709 coefficients in eighths of a percent: Y = (47R + 157G + 16B + 128)/256 + 16,
/// U = (-26R - 86G + 112B + 128)/256 + 128, V = (112R - 102G - 10B + 128)/256 + 128; chroma from
/// the mean of each 2x2 block.
pub(crate) fn to_yuv(canvas: &Raster, target: &mut Yuv420) {
    let (width, height) = (target.width, target.height);
    let half = width / 2;
    let row_bytes = canvas.width * 4;
    for pair in 0..height / 2 {
        let upper = &canvas.data[pair * 2 * row_bytes..pair * 2 * row_bytes + width * 4];
        let lower = &canvas.data[(pair * 2 + 1) * row_bytes..(pair * 2 + 1) * row_bytes + width * 4];
        let (first, second) = target.y[pair * 2 * width..(pair * 2 + 2) * width].split_at_mut(width);
        luma_row(upper, first);
        luma_row(lower, second);
        let us = &mut target.u[pair * half..(pair + 1) * half];
        let vs = &mut target.v[pair * half..(pair + 1) * half];
        for (((a, b), u), v) in upper.chunks_exact(8).zip(lower.chunks_exact(8)).zip(us).zip(vs) {
            let sum =
                |c: usize| i32::from(a[c]) + i32::from(a[c + 4]) + i32::from(b[c]) + i32::from(b[c + 4]);
            let (red, green, blue) = (sum(0), sum(1), sum(2));
            *u = (((-26 * red - 86 * green + 112 * blue + 512) >> 10) + 128) as u8;
            *v = (((112 * red - 102 * green - 10 * blue + 512) >> 10) + 128) as u8;
        }
    }
}

fn luma_row(pixels: &[u8], target: &mut [u8]) {
    for (pixel, y) in pixels.chunks_exact(4).zip(target) {
        let weighted = 47 * u32::from(pixel[0]) + 157 * u32::from(pixel[1]) + 16 * u32::from(pixel[2]);
        *y = (((weighted + 128) >> 8) + 16) as u8;
    }
}

/// Converts a picture in BT.709 limited range to opaque RGBA, with the size of the picture.
///
/// # Source
/// BT.709, inverse of [`to_yuv`] in steps of 1/256: R = 1.1644Y' + 1.7927V', G = 1.1644Y' - 0.2132U' -
/// 0.5329V', B = 1.1644Y' + 2.1124U', with Y' = Y - 16, U' = U - 128, V' = V - 128. Each chroma sample
/// stands for its 2x2 block, so that converting back gives the same chroma.
pub(crate) fn to_rgba(picture: &Yuv420, target: &mut Raster) {
    let (width, height) = (picture.width, picture.height);
    target.width = width;
    target.height = height;
    target.data.resize(width * height * 4, 255);
    let half = width / 2;
    for (row, line) in target.rows_mut().enumerate() {
        let lumas = &picture.y[row * width..(row + 1) * width];
        let us = &picture.u[row / 2 * half..(row / 2 + 1) * half];
        let vs = &picture.v[row / 2 * half..(row / 2 + 1) * half];
        for (((pair, lumas), u), v) in line.chunks_exact_mut(8).zip(lumas.chunks_exact(2)).zip(us).zip(vs) {
            let (u, v) = (i32::from(*u) - 128, i32::from(*v) - 128);
            for (pixel, luma) in pair.chunks_exact_mut(4).zip(lumas) {
                let gray = 298 * (i32::from(*luma) - 16) + 128;
                pixel[0] = ((gray + 459 * v) >> 8).clamp(0, 255) as u8;
                pixel[1] = ((gray - 55 * u - 136 * v) >> 8).clamp(0, 255) as u8;
                pixel[2] = ((gray + 541 * u) >> 8).clamp(0, 255) as u8;
                pixel[3] = 255;
            }
        }
    }
}

/// The sRGB color of BT.709 limited-range samples.
pub(crate) fn from_yuv(y: u8, u: u8, v: u8) -> [u8; 3] {
    let luma = 1.164_383 * (f64::from(y) - 16.0);
    let (blue, red) = (f64::from(u) - 128.0, f64::from(v) - 128.0);
    let channel = |value: f64| value.round().clamp(0.0, 255.0) as u8;
    [
        channel(luma + 1.792_741 * red),
        channel(luma - 0.213_249 * blue - 0.532_909 * red),
        channel(luma + 2.112_402 * blue),
    ]
}

/// RGB bytes as JPEG.
pub(crate) fn jpeg(rgb: &[u8], width: u32, height: u32) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 88)
        .encode(rgb, width, height, image::ExtendedColorType::Rgb8)
        .map_err(|error| Error::Compositing(error.to_string()))?;
    Ok(bytes)
}

/// A color between two, `share` of the second.
pub(crate) fn mix(a: Color, b: Color, share: f64) -> Color {
    let channel =
        |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * share).round().clamp(0.0, 255.0) as u8;
    Color { r: channel(a.r, b.r), g: channel(a.g, b.g), b: channel(a.b, b.b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_darkened_as_exactly_as_anything_is_blended() {
        for shade in 1..=255_u8 {
            let data = (0..=255).flat_map(|value| [value, value, value, 255]).collect();
            let mut row = Raster { width: 256, height: 1, data };
            shade_rows(&mut row, &[shade], Color { r: 0, g: 0, b: 0 });
            for value in 0..256_usize {
                let expected = div255(value as u32 * (255 - u32::from(shade))) as u8;
                assert_eq!(row.pixel(value, 0), [expected, expected, expected, 255], "{value} by {shade}");
            }
        }
    }

    #[test]
    fn pictures_survive_the_way_to_video_colors_and_back() {
        let mut canvas = Raster::filled(64, 64, [0, 0, 0, 255]);
        for (idx, pixel) in canvas.data.chunks_exact_mut(4).enumerate() {
            // Blocks of two by two have one color, since chroma has.
            let (x, y) = (idx % 64 / 2, idx / 64 / 2);
            pixel.copy_from_slice(&[(x * 8) as u8, (y * 8) as u8, ((x + y) * 4) as u8, 255]);
        }
        let mut video = Yuv420::filled(64, 64, [16, 128, 128]);
        to_yuv(&canvas, &mut video);
        let mut back = Raster::filled(0, 0, [0; 4]);
        to_rgba(&video, &mut back);
        for (before, after) in canvas.data.iter().zip(&back.data) {
            assert!(before.abs_diff(*after) <= 5, "{before} became {after}");
        }
    }
}
