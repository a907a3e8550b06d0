//! From decoded pictures of any format to 4:2:0, BT.709, limited range, at the size that is wanted.
//!
//! Scaling and color are our own arithmetic over planes: FFmpeg's scaler is used only to unpack pixel
//! formats at their own size, so the result does not depend on its choice of matrices. Chroma is taken as
//! lying in the middle of its four pixels, as everywhere in this program.

use std::cell::RefCell;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::frame;
use ffmpeg_next::software::scaling::{Context, Flags};

use crate::foreign::Turn;
use crate::frame::Yuv420;
use crate::plan::{ColorOf, Matrix};
use crate::protocol::Fault;

/// Whether the format holds red, green and blue, or gray, and not luma with color differences.
pub(crate) fn is_rgb(frame: &frame::Video) -> bool {
    let format = frame.format();
    let name = format.descriptor().map_or("", |format| format.name());
    [
        "rgb", "bgr", "argb", "abgr", "0rgb", "0bgr", "rgb0", "bgr0", "gbr", "pal8", "gray", "ya", "mono",
        "x2rgb",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
}

/// Turns pictures to one size and color.
pub(crate) struct Converter {
    width: u32,
    height: u32,
    resizer: RefCell<Resizer>,
    unpacker: Option<Context>,
}

impl Converter {
    /// For pictures of `width` × `height` pixels, both even.
    pub(crate) fn new(width: u32, height: u32) -> Self {
        Self { width, height, resizer: RefCell::new(Resizer::new()), unpacker: None }
    }

    /// Fits a picture: turned, cut about the middle to the wanted aspect, scaled with a Lanczos kernel of
    /// three lobes, recolored. Bars are never added.
    pub(crate) fn convert(
        &mut self,
        frame: &frame::Video,
        color: ColorOf,
        turn: Turn,
        pixel_aspect: f64,
    ) -> Result<Yuv420, Fault> {
        let (width, height) =
            if turn.swaps() { (self.height, self.width) } else { (self.width, self.height) };
        let cut = Cut::cover(frame.width(), frame.height(), pixel_aspect, width, height);
        let picture = if color.matrix == Matrix::Rgb {
            let unpacked = self.unpack(frame, Pixel::RGB24)?;
            let packed = rows(&unpacked, 0, frame.width() as usize * 3, frame.height() as usize);
            let scaled =
                self.scale(&packed, (frame.width(), frame.height()), PixelType::U8x3, cut, (width, height))?;
            from_rgb(&scaled, width as usize, height as usize)
        } else {
            let full = matches!(
                frame.format(),
                Pixel::YUVJ420P | Pixel::YUVJ422P | Pixel::YUVJ444P | Pixel::YUVJ440P | Pixel::YUVJ411P
            );
            // The same range on both sides, so that the unpacking leaves it alone.
            let format = if full { Pixel::YUVJ420P } else { Pixel::YUV420P };
            let unpacked = self.unpack(frame, format)?;
            let mut planes = Vec::with_capacity(3);
            for idx in 0..3 {
                let half = |side: u32| if idx == 0 { side } else { side.div_ceil(2) };
                let (from, to) = (
                    (half(frame.width()), half(frame.height())),
                    if idx == 0 { (width, height) } else { (width / 2, height / 2) },
                );
                let packed = rows(&unpacked, idx, from.0 as usize, from.1 as usize);
                let cut = if idx == 0 { cut } else { cut.halved(from) };
                planes.push(self.scale(&packed, from, PixelType::U8, cut, to)?);
            }
            let mut planes = planes.into_iter();
            let mut plane = || planes.next().unwrap_or_default();
            let mut picture =
                Yuv420 { width: width as usize, height: height as usize, y: plane(), u: plane(), v: plane() };
            recolor(&mut picture, ColorOf { full_range: color.full_range || full, ..color });
            picture
        };
        Ok(turned(picture, turn))
    }

    /// The picture in another pixel format at its own size.
    fn unpack(&mut self, frame: &frame::Video, format: Pixel) -> Result<frame::Video, Fault> {
        let (width, height) = (frame.width(), frame.height());
        let fits = self.unpacker.as_ref().is_some_and(|unpacker| {
            let (from, to) = (unpacker.input(), unpacker.output());
            from.format == frame.format()
                && from.width == width
                && from.height == height
                && to.format == format
        });
        if !fits {
            let flags = Flags::BICUBIC | Flags::ACCURATE_RND | Flags::BITEXACT | Flags::FULL_CHR_H_INP;
            let made = Context::get(frame.format(), width, height, format, width, height, flags);
            self.unpacker = Some(made.map_err(|_| Fault::unsupported("the pixel format of the video"))?);
        }
        let mut unpacked = frame::Video::empty();
        if let Some(unpacker) = self.unpacker.as_mut() {
            unpacker
                .run(frame, &mut unpacked)
                .map_err(|error| Fault::damaged(format!("a picture cannot be unpacked ({error})")))?;
        }
        Ok(unpacked)
    }

    fn scale(
        &self,
        pixels: &[u8],
        from: (u32, u32),
        kind: PixelType,
        cut: Cut,
        to: (u32, u32),
    ) -> Result<Vec<u8>, Fault> {
        let failed =
            |error: &dyn std::fmt::Display| Fault::damaged(format!("a picture cannot be scaled ({error})"));
        let source = ImageRef::new(from.0, from.1, pixels, kind).map_err(|error| failed(&error))?;
        let mut target = Image::new(to.0, to.1, kind);
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
            .crop(cut.left, cut.top, cut.width, cut.height)
            .use_alpha(false);
        self.resizer.borrow_mut().resize(&source, &mut target, &options).map_err(|error| failed(&error))?;
        Ok(target.into_vec())
    }
}

/// The part of a picture that is shown, in its pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cut {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
}

impl Cut {
    /// The largest part about the middle with the aspect of `to_width` × `to_height`.
    fn cover(width: u32, height: u32, pixel_aspect: f64, to_width: u32, to_height: u32) -> Self {
        let (width, height) = (f64::from(width), f64::from(height));
        let shown = width * pixel_aspect;
        let aspect = f64::from(to_width) / f64::from(to_height);
        let cut_width = (shown.min(height * aspect) / pixel_aspect).min(width);
        let cut_height = height.min(shown / aspect);
        Self {
            left: (width - cut_width) / 2.0,
            top: (height - cut_height) / 2.0,
            width: cut_width,
            height: cut_height,
        }
    }

    /// The same part of a chroma plane of `size`.
    fn halved(self, size: (u32, u32)) -> Self {
        let (width, height) = (f64::from(size.0), f64::from(size.1));
        let (left, top) = (self.left / 2.0, self.top / 2.0);
        Self {
            left,
            top,
            width: (self.width / 2.0).min(width - left),
            height: (self.height / 2.0).min(height - top),
        }
    }
}

/// The rows of a plane without what pads them.
fn rows(frame: &frame::Video, plane: usize, row_bytes: usize, height: usize) -> Vec<u8> {
    let stride = frame.stride(plane).max(1);
    let mut packed = Vec::with_capacity(row_bytes * height);
    for row in frame.data(plane).chunks(stride).take(height) {
        packed.extend_from_slice(&row[..row_bytes.min(row.len())]);
    }
    packed.resize(row_bytes * height, 0);
    packed
}

/// BT.709 limited range in 8 bits of fraction, the same numbers as the compositor's, so that a still and a
/// clip of one color meet without a seam.
fn from_rgb(rgb: &[u8], width: usize, height: usize) -> Yuv420 {
    let mut picture = Yuv420::filled(width, height, [16, 128, 128]);
    let at = |x: usize, y: usize| {
        let at = (y * width + x) * 3;
        [i32::from(rgb[at]), i32::from(rgb[at + 1]), i32::from(rgb[at + 2])]
    };
    for y in 0..height {
        for x in 0..width {
            let [r, g, b] = at(x, y);
            picture.y[y * width + x] = ((47 * r + 157 * g + 16 * b + 128) / 256 + 16) as u8;
        }
    }
    for y in 0..height / 2 {
        for x in 0..width / 2 {
            let mut sum = [0_i32; 3];
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                for (sum, part) in sum.iter_mut().zip(at(2 * x + dx, 2 * y + dy)) {
                    *sum += part;
                }
            }
            let [r, g, b] = sum.map(|sum| (sum + 2) / 4);
            picture.u[y * (width / 2) + x] = (((-26 * r - 86 * g + 112 * b + 128) >> 8) + 128) as u8;
            picture.v[y * (width / 2) + x] = (((112 * r - 102 * g - 10 * b + 128) >> 8) + 128) as u8;
        }
    }
    picture
}

/// Shares of red and blue in luma (ITU-R BT.709-6 3.2, BT.601-7 2.5.1, BT.2020-2 table 4; SMPTE 240M; FCC
/// 47 CFR 73.682).
fn shares(matrix: Matrix) -> (f64, f64) {
    match matrix {
        Matrix::Rgb | Matrix::Bt709 => (0.2126, 0.0722),
        Matrix::Bt601 => (0.299, 0.114),
        Matrix::Bt2020 => (0.2627, 0.0593),
        Matrix::Smpte240 => (0.212, 0.087),
        Matrix::Fcc => (0.30, 0.11),
    }
}

/// Rewrites the numbers of a picture for BT.709 and limited range. The primaries are left as they are: the
/// red of BT.601 and BT.709 differs by less than the eye sees in motion.
fn recolor(picture: &mut Yuv420, color: ColorOf) {
    if color.matrix == Matrix::Bt709 && !color.full_range {
        return;
    }
    let (kr, kb) = shares(color.matrix);
    // One unit of a color difference alone, as red, green and blue (luma 0).
    let of_blue = [0.0, -kb * 2.0 * (1.0 - kb) / (1.0 - kr - kb), 2.0 * (1.0 - kb)];
    let of_red = [2.0 * (1.0 - kr), -kr * 2.0 * (1.0 - kr) / (1.0 - kr - kb), 0.0];
    let (r, b) = shares(Matrix::Bt709);
    let luma = |rgb: [f64; 3]| r * rgb[0] + (1.0 - r - b) * rgb[1] + b * rgb[2];
    let differences = |rgb: [f64; 3]| {
        let y = luma(rgb);
        [(rgb[2] - y) / (2.0 * (1.0 - b)), (rgb[0] - y) / (2.0 * (1.0 - r))]
    };
    let (blue, red) = (differences(of_blue), differences(of_red));
    // Codes per unit, before and after (limited range: 219 for luma, 224 for differences).
    let (luma_in, difference_in, zero) =
        if color.full_range { (255.0, 255.0, 0.0) } else { (219.0, 224.0, 16.0) };
    let fixed = |factor: f64| (factor * 65_536.0).round() as i32;
    let scale_y = fixed(219.0 / luma_in);
    let (y_u, y_v) =
        (fixed(luma(of_blue) * 219.0 / difference_in), fixed(luma(of_red) * 219.0 / difference_in));
    let chroma = |unit: f64| fixed(unit * 224.0 / difference_in);
    let (u_u, u_v, v_u, v_v) = (chroma(blue[0]), chroma(red[0]), chroma(blue[1]), chroma(red[1]));
    let code = |value: i32, offset: i32| ((value + 32_768) >> 16).saturating_add(offset).clamp(1, 254) as u8;
    let (width, half) = (picture.width, picture.width / 2);
    for (row, line) in picture.y.chunks_exact_mut(width).enumerate() {
        for (column, y) in line.iter_mut().enumerate() {
            let at = row / 2 * half + column / 2;
            let (u, v) = (i32::from(picture.u[at]) - 128, i32::from(picture.v[at]) - 128);
            *y = code((i32::from(*y) - zero as i32) * scale_y + u * y_u + v * y_v, 16);
        }
    }
    for (u, v) in picture.u.iter_mut().zip(&mut picture.v) {
        let (blue, red) = (i32::from(*u) - 128, i32::from(*v) - 128);
        *u = code(blue * u_u + red * u_v, 128);
        *v = code(blue * v_u + red * v_v, 128);
    }
}

fn turned(picture: Yuv420, turn: Turn) -> Yuv420 {
    if turn == Turn::default() {
        return picture;
    }
    let (width, height) = (picture.width, picture.height);
    let (to_width, to_height) = if turn.swaps() { (height, width) } else { (width, height) };
    Yuv420 {
        width: to_width,
        height: to_height,
        y: turned_plane(&picture.y, width, height, turn),
        u: turned_plane(&picture.u, width / 2, height / 2, turn),
        v: turned_plane(&picture.v, width / 2, height / 2, turn),
    }
}

fn turned_plane(plane: &[u8], width: usize, height: usize, turn: Turn) -> Vec<u8> {
    let (to_width, to_height) = if turn.swaps() { (height, width) } else { (width, height) };
    let mut out = Vec::with_capacity(plane.len());
    for y in 0..to_height {
        for x in 0..to_width {
            let (from_x, from_y) = match turn.quarters {
                0 => (x, y),
                1 => (y, height - 1 - x),
                2 => (width - 1 - x, height - 1 - y),
                _ => (width - 1 - y, x),
            };
            let from_x = if turn.mirrored { width - 1 - from_x } else { from_x };
            out.push(plane[from_y * width + from_x]);
        }
    }
    out
}

/// Red, green and blue of a picture of ours, row by row.
pub(crate) fn to_rgb(picture: &Yuv420) -> Vec<u8> {
    let (width, half) = (picture.width, picture.width / 2);
    let mut rgb = Vec::with_capacity(picture.y.len() * 3);
    for (row, line) in picture.y.chunks_exact(width.max(1)).enumerate() {
        for (column, y) in line.iter().enumerate() {
            let at = row / 2 * half + column / 2;
            let (y, u, v) = (
                (i32::from(*y) - 16) * 76_309,
                i32::from(picture.u[at]) - 128,
                i32::from(picture.v[at]) - 128,
            );
            // BT.709 limited range in 16.16: 255/219, and 255/224 times 1.5748, 0.1873, 0.4681, 1.8556.
            let code = |value: i32| ((value + 32_768) >> 16).clamp(0, 255) as u8;
            rgb.push(code(y + 117_489 * v));
            rgb.push(code(y - 13_975 * u - 34_925 * v));
            rgb.push(code(y + 138_438 * u));
        }
    }
    rgb
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUESSED: bool = false;

    fn pixel(color: [u8; 3]) -> Yuv420 {
        Yuv420::filled(2, 2, color)
    }

    #[test]
    fn the_cut_lies_in_the_middle_and_has_the_wanted_aspect() {
        let cut = Cut::cover(1_920, 1_080, 1.0, 720, 1_280);
        assert_eq!((cut.height, cut.top, cut.width), (1_080.0, 0.0, 607.5));
        assert_eq!(cut.left, 656.25);
        let cut = Cut::cover(100, 400, 1.0, 200, 200);
        assert_eq!(cut, Cut { left: 0.0, top: 150.0, width: 100.0, height: 100.0 });
    }

    #[test]
    fn wide_pixels_count_as_wide() {
        // 720 × 576 of 16:15 is 4:3.
        let cut = Cut::cover(720, 576, 16.0 / 15.0, 768, 576);
        assert!((cut.width - 720.0).abs() < 1e-9 && (cut.height - 576.0).abs() < 1e-9);
    }

    #[test]
    fn red_of_bt_601_is_red_of_bt_709() {
        // Full red in BT.601 limited is (81, 90, 240), in BT.709 (63, 102, 240).
        let mut picture = pixel([81, 90, 240]);
        recolor(&mut picture, ColorOf { matrix: Matrix::Bt601, full_range: false, guessed: GUESSED });
        for (have, want) in [(picture.y[0], 63), (picture.u[0], 102), (picture.v[0], 240_u8)] {
            assert!(have.abs_diff(want) <= 1, "{have} instead of {want}");
        }
    }

    #[test]
    fn full_range_becomes_limited() {
        for (full, limited) in [(0, 16), (255, 235), (128, 126)] {
            let mut picture = pixel([full, 128, 128]);
            recolor(&mut picture, ColorOf { matrix: Matrix::Bt709, full_range: true, guessed: GUESSED });
            assert!(picture.y[0].abs_diff(limited) <= 1, "{full} became {}", picture.y[0]);
            assert_eq!((picture.u[0], picture.v[0]), (128, 128));
        }
    }

    #[test]
    fn colors_survive_both_ways() {
        for color in [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [200, 120, 40_u8]] {
            let rgb: Vec<u8> = color.iter().copied().cycle().take(12).collect();
            let back = to_rgb(&from_rgb(&rgb, 2, 2));
            for (have, want) in back.iter().zip(&rgb) {
                assert!(have.abs_diff(*want) <= 4, "{color:?} became {:?}", &back[..3]);
            }
        }
    }

    #[test]
    fn a_quarter_turn_moves_the_top_left_to_the_top_right() {
        // 1 2        5 3 1
        // 3 4   →    6 4 2
        // 5 6
        let turn = Turn { quarters: 1, mirrored: false };
        assert_eq!(turned_plane(&[1, 2, 3, 4, 5, 6], 2, 3, turn), [5, 3, 1, 6, 4, 2]);
        let back = Turn { quarters: 3, mirrored: false };
        assert_eq!(turned_plane(&[5, 3, 1, 6, 4, 2], 3, 2, back), [1, 2, 3, 4, 5, 6]);
        let mirror = Turn { quarters: 0, mirrored: true };
        assert_eq!(turned_plane(&[1, 2, 3, 4, 5, 6], 2, 3, mirror), [2, 1, 4, 3, 6, 5]);
    }
}
