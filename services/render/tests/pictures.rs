//! Pictures from outside: their colors, their grounds, and whether they make a video at all.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, GrayImage, ImageEncoder, Rgb, RgbImage, Rgba, RgbaImage};
use moxcms::ColorProfile;
use spotwright_render::{Letters, picture};
use spotwright_schemas::storyboard::{Color, Palette};

const SIDE: u32 = 96;
const PALETTE: Palette =
    Palette { primary: Color { r: 34, g: 49, b: 63 }, accent: Color { r: 242, g: 181, b: 68 } };

/// The color of the middle of the picture after import.
fn middle(bytes: &[u8]) -> [u8; 3] {
    let imported = picture::import(bytes, "p").expect("imports");
    assert!(imported.remarks.is_empty(), "{:?}", imported.remarks);
    let decoded = image::load_from_memory(&imported.png).expect("decodes").into_rgb8();
    decoded.get_pixel(decoded.width() / 2, decoded.height() / 2).0
}

fn assert_near(shown: [u8; 3], wanted: [u8; 3]) {
    let far = shown.iter().zip(&wanted).any(|(a, b)| a.abs_diff(*b) > 3);
    assert!(!far, "shown {shown:?}, wanted {wanted:?}");
}

/// A PNG of one color with further chunks before its pixels.
fn png(color: [u8; 3], chunks: impl Fn(&mut png::Info<'_>)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut info = png::Info::with_size(SIDE, SIDE);
    info.color_type = png::ColorType::Rgb;
    info.bit_depth = png::BitDepth::Eight;
    chunks(&mut info);
    let mut writer =
        png::Encoder::with_info(&mut bytes, info).expect("sound").write_header().expect("writes");
    writer.write_image_data(&color.repeat((SIDE * SIDE) as usize)).expect("writes");
    writer.finish().expect("ends");
    bytes
}

fn flat(color: [u8; 3]) -> Vec<u8> {
    color.repeat((SIDE * SIDE) as usize)
}

#[test]
fn colors_come_out_in_srgb_whatever_container_carries_the_profile() {
    // Display P3 (214, 40, 40) is just outside of sRGB: in linear light (0.819, -0.006, 0.008), so green
    // is cut at 0.
    let profile = ColorProfile::new_display_p3().encode().expect("encodes");
    let wanted = [234, 0, 23];
    let in_png = png([214, 40, 40], |info| info.icc_profile = Some(profile.clone().into()));
    assert_near(middle(&in_png), wanted);
    let mut in_jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut in_jpeg, 100);
    encoder.set_icc_profile(profile.clone()).expect("holds a profile");
    encoder.write_image(&flat([214, 40, 40]), SIDE, SIDE, ExtendedColorType::Rgb8).expect("encodes");
    assert_near(middle(&in_jpeg), wanted);
    let mut in_webp = Vec::new();
    let mut encoder = WebPEncoder::new_lossless(&mut in_webp);
    encoder.set_icc_profile(profile).expect("holds a profile");
    encoder.write_image(&flat([214, 40, 40]), SIDE, SIDE, ExtendedColorType::Rgb8).expect("encodes");
    assert_near(middle(&in_webp), wanted);
}

#[test]
fn png_chunks_of_gamma_and_primaries_are_obeyed_in_their_order() {
    let scaled = png::ScaledFloat::new;
    // Linear light: 0.5 is 188 in sRGB.
    assert_near(middle(&png([128, 128, 128], |info| info.source_gamma = Some(scaled(1.0)))), [188; 3]);
    // 1/1.8, the old Macintosh: brighter in sRGB.
    assert_near(middle(&png([128, 128, 128], |info| info.source_gamma = Some(scaled(0.555_55)))), [147; 3]);
    // The gamma that every sRGB file carries changes nothing.
    assert_eq!(middle(&png([128, 40, 9], |info| info.source_gamma = Some(scaled(0.454_55)))), [128, 40, 9]);
    let p3 = png::SourceChromaticities::new((0.3127, 0.329), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06));
    let with_primaries = |info: &mut png::Info<'_>| {
        info.source_gamma = Some(scaled(0.454_55));
        info.source_chromaticities = Some(p3);
    };
    assert_near(middle(&png([214, 40, 40], with_primaries)), [234, 0, 23]);
    // A profile goes before gamma and primaries.
    let srgb = ColorProfile::new_srgb().encode().expect("encodes");
    let both = png([214, 40, 40], |info| {
        with_primaries(info);
        info.icc_profile = Some(srgb.clone().into());
    });
    assert_eq!(middle(&both), [214, 40, 40]);
}

#[test]
fn gray_wide_and_transparent_pictures_keep_their_tones() {
    // Sixteen bits of linear gray.
    let mut bytes = Vec::new();
    let mut info = png::Info::with_size(SIDE, SIDE);
    info.color_type = png::ColorType::Grayscale;
    info.bit_depth = png::BitDepth::Sixteen;
    info.source_gamma = Some(png::ScaledFloat::new(1.0));
    let mut writer =
        png::Encoder::with_info(&mut bytes, info).expect("sound").write_header().expect("writes");
    writer.write_image_data(&0x8080_u16.to_be_bytes().repeat((SIDE * SIDE) as usize)).expect("writes");
    writer.finish().expect("ends");
    assert_near(middle(&bytes), [188; 3]);
    // A gray profile on a gray picture.
    let gray = ColorProfile::new_gray_with_gamma(1.0).encode().expect("encodes");
    let mut jpeg = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut jpeg, 100);
    encoder.set_icc_profile(gray).expect("holds a profile");
    let pixels = GrayImage::from_pixel(SIDE, SIDE, image::Luma([128]));
    encoder.write_image(&pixels, SIDE, SIDE, ExtendedColorType::L8).expect("encodes");
    assert_near(middle(&jpeg), [188; 3]);
    // Transparency is laid over white after the colors are right.
    let half = RgbaImage::from_pixel(SIDE, SIDE, Rgba([200, 0, 0, 128]));
    assert_near(middle(&encoded(&half)), [227, 127, 127]);
}

#[test]
fn profiles_that_cannot_be_used_are_told() {
    let broken = png([9, 90, 200], |info| info.icc_profile = Some(vec![7; 300].into()));
    let imported = picture::import(&broken, "p").expect("imports");
    assert!(imported.remarks.iter().any(|remark| remark.contains("color profile")), "{:?}", imported.remarks);
}

fn encoded(picture: &RgbaImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).expect("encodes");
    bytes
}

/// A disc of one color on transparency.
fn logo(color: [u8; 3]) -> Vec<u8> {
    encoded(&RgbaImage::from_fn(400, 300, |x, y| {
        let near = (f64::from(x) - 200.0).hypot(f64::from(y) - 150.0) < 100.0;
        Rgba([color[0], color[1], color[2], if near { 255 } else { 0 }])
    }))
}

#[test]
fn a_white_drawing_on_transparency_is_seen() {
    let letters = Letters::load(&[]).expect("fonts");
    for (color, dark) in
        [([255, 255, 255], true), ([240, 240, 235], true), ([200, 30, 30], false), ([0, 0, 0], false)]
    {
        let imported = picture::import(&logo(color), "p").expect("imports");
        let decoded = image::load_from_memory(&imported.png).expect("decodes").into_rgb8();
        let (corner, center) = (decoded.get_pixel(2, 2).0, decoded.get_pixel(200, 150).0);
        assert_eq!(center, color);
        assert_eq!(corner[0] < 60, dark, "{color:?} on {corner:?}");
        assert_eq!(imported.remarks.len(), usize::from(dark), "{:?}", imported.remarks);
        assert_eq!(picture::unusable(&imported, PALETTE, &letters).expect("judged"), None, "{color:?}");
    }
}

#[test]
fn pictures_that_would_fail_the_gate_are_told_before() {
    let letters = Letters::load(&[]).expect("fonts");
    let verdict = |picture: RgbImage| {
        let mut bytes = Vec::new();
        picture.write_to(&mut Cursor::new(&mut bytes), image::ImageFormat::Png).expect("encodes");
        let imported = picture::import(&bytes, "p").expect("imports");
        picture::unusable(&imported, PALETTE, &letters).expect("judged").unwrap_or_default()
    };
    let plain = |color: [u8; 3]| RgbImage::from_pixel(600, 800, Rgb(color));
    assert!(verdict(plain([255, 255, 255])).contains("flat"), "white");
    assert!(verdict(plain([30, 120, 200])).contains("flat"), "blue");
    assert!(!verdict(plain([2, 2, 2])).is_empty(), "black");
    let faint = RgbImage::from_fn(600, 800, |x, _| Rgb([200 + (x / 300) as u8, 200, 200]));
    assert!(verdict(faint).contains("flat"), "one code of difference");
    let night = RgbImage::from_fn(600, 800, |x, y| Rgb([8 + ((x ^ y) % 9) as u8; 3]));
    assert!(verdict(night).contains("black"), "night");
    let strip = RgbImage::from_fn(16_000, 64, |x, _| Rgb([(x % 251) as u8, 90, 40]));
    assert!(verdict(strip).contains("8 to 1"), "a strip");
    let photo = RgbImage::from_fn(600, 400, |x, y| {
        let wave = ((f64::from(x) * 0.05).sin() * (f64::from(y) * 0.04).cos() * 60.0) as i32;
        Rgb([(150 + wave) as u8, (100 + wave) as u8, (80 - wave / 2) as u8])
    });
    assert_eq!(verdict(photo), "");
}

#[test]
fn animated_pictures_are_refused_in_every_format_and_single_frames_are_not() {
    let animation = |frames: u32| {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, SIDE, SIDE);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_animated(frames, 0).expect("animated");
        let mut writer = encoder.write_header().expect("writes");
        for frame in 0..frames {
            writer.write_image_data(&flat([40 * frame as u8, 90, 30])).expect("writes");
        }
        writer.finish().expect("ends");
        bytes
    };
    let problem = picture::import(&animation(2), "p").expect_err("refused");
    assert_eq!(problem.code.as_str(), "SW0203");
    assert!(problem.message.contains("animated"), "{problem}");
    assert!(picture::import(&animation(1), "p").is_ok());
}
